"""A painted picture as DOT text in which all is fixed, for a Graphviz to print as PNG or PDF."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, fromstring

from scalargrad.view.layout.route import Point
from scalargrad.view.paint.dot import escape, package
from scalargrad.view.paint.sanitise import SVG_NAMESPACE
from scalargrad.view.theme import BACKGROUND, FONT, FOOT, POINTS_PER_INCH, text_width

__all__ = ["fixed"]

_ARC = 0.5523  # where the control points of a quarter of a circle are, in radii
# Over 16,384 characters in one string are an error in Graphviz 2.43; a string may be a sum, though.
_LONGEST = 8_000
_COMMAND, _NUMBER = re.compile(r"([A-Za-z])([^A-Za-z]*)"), re.compile(r"-?[\d.]+")


def fixed(svg: str, dots_per_inch: float | None = None) -> str:
    """Return the picture that `svg.render` painted as DOT text for the layout program `nop2`.

    It is translated from the SVG, so that nothing can look different there. Lines and areas go
    into the background, in Graphviz's own drawing language (xdot); that has lengths of text in
    bytes, so texts are nodes, and what a user wrote stands in labels only, escaped as ever.

    Args:
        svg: what `svg.render` gave; of SVG only what it uses is known.
        dots_per_inch: the resolution of pixel formats.

    >>> from scalargrad.view.paint import svg
    >>> from scalargrad.view.graph import Box, Graph
    >>> from scalargrad.view.layout.builtin import lay_out
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> 'label="data 2"' in fixed(svg.render(lone, lay_out(lone)))
    True
    """
    root = fromstring(svg)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    page = _Page(height)
    page.add(root, {}, (0.0, 0.0))
    digraph = package().Digraph(
        graph_attr={
            "bgcolor": BACKGROUND,
            "pad": "0",
            "margin": "0",
            "viewport": f"{width:.2f},{height:.2f},1,{width / 2:.2f},{height / 2:.2f}",
            **({"dpi": f"{dots_per_inch:g}"} if dots_per_inch else {}),
        },
        node_attr={
            "shape": "none",
            "margin": "0",
            "width": "0",
            "height": "0",
            "fontname": FONT,
        },
    )
    shapes = " ".join(page.shapes)
    pieces = [shapes[start : start + _LONGEST] for start in range(0, len(shapes), _LONGEST)]
    digraph.body.append("_background=" + " +\n".join(f'"{piece}"' for piece in pieces) + "\n")
    for number, attributes in enumerate(page.texts):
        digraph.node(f"t{number}", **attributes)
    return str(digraph.source)


@dataclass
class _Page:
    """What was found on a page of this height: xdot operations, and attributes of text nodes."""

    height: float
    shapes: list[str] = field(default_factory=list)
    texts: list[dict[str, str]] = field(default_factory=list)

    def add(self, element: Element, look: dict[str, str], shift: Point) -> None:
        """Add an element with all in it; `look` and `shift` are what it inherits."""
        look = {**look, **element.attrib}
        if change := look.pop("transform", ""):
            moved = re.fullmatch(r"translate\(([-\d.]+),([-\d.]+)\)", change)
            if not moved:
                raise ValueError(f"cannot be printed: {change}")
            shift = (shift[0] + float(moved[1]), shift[1] + float(moved[2]))
        kind = element.tag.removeprefix(f"{{{SVG_NAMESPACE}}}")
        if kind == "polygon":
            numbers = [float(number) for number in _NUMBER.findall(look["points"])]
            corners = list(zip(numbers[::2], numbers[1::2], strict=True))
            self._shape("pP", corners, look, shift)
        elif kind == "path":
            curve, is_straight, is_closed = _curve(look["d"])
            if is_straight and is_closed:
                # As a polygon its corners join; the ends of a curve would leave a notch there.
                self._shape("pP", curve[:-1:3], look, shift)
            else:
                self._shape("Bb", curve, look, shift)
        elif kind == "text":
            self._text(element.text or "", look, shift)
        elif kind not in ("svg", "g"):
            raise ValueError(f"cannot be printed: <{kind}>")
        for child in element:
            self.add(child, look, shift)

    def _shape(self, pair: str, points: list[Point], look: dict[str, str], shift: Point) -> None:
        """Add a curve or a polygon; `pair` is its operation without and with an area."""
        fill, stroke = look.get("fill", "none"), look.get("stroke", "none")
        is_area, has_line = fill != "none", stroke != "none"
        width = float(look.get("stroke-width", "1")) if has_line else 0.0
        placed = (f"{x + shift[0]:.2f} {self.height - y - shift[1]:.2f}" for x, y in points)
        self.shapes += [
            _string("S", f"setlinewidth({width:g})"),
            _string("S", "dashed" if "stroke-dasharray" in look else "solid"),
            _string("c", stroke if has_line else fill),
            *([_string("C", fill)] if is_area else []),
            f"{pair[is_area]} {len(points)} {' '.join(placed)}",
        ]

    def _text(self, text: str, look: dict[str, str], shift: Point) -> None:
        size = float(look["font-size"])
        x, y = float(look["x"]) + shift[0], self.height - float(look["y"]) - shift[1] + FOOT * size
        attributes = {"label": escape(text), "fontsize": f"{size:g}", "fontcolor": look["fill"]}
        if look.get("text-anchor") != "middle":
            # A line that ends in \l stands at the left of a node that is wide enough.
            width = text_width(text, size)
            x += width / 2
            attributes["label"] = package().nohtml(attributes["label"] + "\\l")
            attributes |= {"fixedsize": "true", "width": f"{width / POINTS_PER_INCH:.3f}"}
        self.texts.append({**attributes, "pos": f"{x:.2f},{y:.2f}"})


def _string(operation: str, text: str) -> str:
    return f"{operation} {len(text)} -{text}"


def _curve(path: str) -> tuple[list[Point], bool, bool]:
    """The path as one Bézier curve, whether it has straight lines only, whether it is closed."""
    curve: list[Point] = []
    commands = _COMMAND.findall(path)
    before = ""
    for command, text in commands:
        numbers = [float(number) for number in _NUMBER.findall(text)]
        x, y = curve[-1] if curve else (0.0, 0.0)
        if command in ("M", "C"):
            curve += zip(numbers[::2], numbers[1::2], strict=True)
        elif command in ("h", "v"):
            across, down = (numbers[0], 0.0) if command == "h" else (0.0, numbers[0])
            curve += [(x, y), (x + across, y + down), (x + across, y + down)]
        elif command == "a":  # a quarter of a circle, which goes on in the direction so far
            across, down = numbers[-2:]
            ahead, aside = (across * _ARC, 0.0), (0.0, down * _ARC)
            if before == "v":
                ahead, aside = aside, ahead
            end = (x + across, y + down)
            curve += [(x + ahead[0], y + ahead[1]), (end[0] - aside[0], end[1] - aside[1]), end]
        elif command != "z":
            raise ValueError(f"cannot be printed: a path with {command!r}")
        before = command
    is_straight = all(command in "Mhvz" for command, _ in commands)
    return curve, is_straight, before == "z"
