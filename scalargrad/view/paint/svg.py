"""The painter: a graph and a layout, from whichever engine, as SVG text."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from scalargrad.view.graph import Box, Graph
from scalargrad.view.layout.builtin import Layout, Place, Wire
from scalargrad.view.layout.route import Point
from scalargrad.view.paint.legend import Footer, footer
from scalargrad.view.paint.sanitise import SVG_NAMESPACE
from scalargrad.view.theme import (
    ARROW,
    BACKGROUND,
    BOX_FONT_SIZE,
    EDGE_COLOUR,
    EDGE_FONT_SIZE,
    EDGE_WIDTH,
    FONT,
    FOOT,
    INK,
    INNER_BORDER,
    LINE_HEIGHT,
    NOTICE_FONT_SIZE,
    STACK,
    STYLES,
    Style,
    fill_of,
    label_size,
    line_width,
    plate_of,
)

__all__ = ["render"]

_ROUNDING = 9.0  # radius of a rounded corner


def render(graph: Graph, layout: Layout) -> str:
    """Return `graph` drawn as `layout` has it, as the text of an SVG document.

    Boxes and edges are groups with the attributes data-box and data-edge, their numbers in the
    graph, and the texts of a box have data-row: the film finds them by these.

    >>> from scalargrad.view.layout.builtin import lay_out
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> render(lone, lay_out(lone)).startswith("<svg ")
    True
    """
    below = footer(graph, layout.width)
    width, height = max(layout.width, below.width), layout.height + below.height
    size = {"width": f"{width:.0f}pt", "height": f"{height:.0f}pt"}
    told = {"role": "img", "aria-label": graph.summary}
    view = f"0 0 {width:.2f} {height:.2f}"
    root = Element("svg", {"xmlns": SVG_NAMESPACE, **size, "viewBox": view, **told})
    page = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    SubElement(root, "polygon", {"points": _points(page), "fill": BACKGROUND})
    aside = (width - layout.width) / 2  # a picture narrower than its footer stands in the middle
    shift = {"transform": f"translate({aside:.2f},0)"} if aside else {}
    picture = SubElement(root, "g", {"font-family": FONT, **shift})
    _draw_edges(picture, graph, layout.wires)
    for box, place in zip(graph.boxes, layout.places, strict=True):
        _draw_box(picture, box, place, fill_of(box, graph))
    _draw_footer(root, below, layout.height)
    return tostring(root, encoding="unicode")


def _draw_edges(root: Element, graph: Graph, wires: Sequence[Wire]) -> None:
    look = {"font-size": f"{EDGE_FONT_SIZE:g}", "text-anchor": "middle"}
    all_lines = SubElement(
        root, "g", {"fill": "none", "stroke": EDGE_COLOUR, "stroke-width": f"{EDGE_WIDTH:g}"}
    )
    all_heads = SubElement(root, "g", {"fill": EDGE_COLOUR})
    all_numbers = SubElement(root, "g", {"fill": INK, **look})
    for number, (edge, wire) in enumerate(zip(graph.edges, wires, strict=True)):
        which = {"data-edge": str(number)}
        wide = {"stroke-width": f"{line_width(edge):.3g}"} if edge.count > 1 else {}
        SubElement(all_lines, "path", {"d": _path(wire.curve), **which, **wide})
        # A polygon: a marker would need an id, and ids clash when a page shows two pictures.
        SubElement(all_heads, "polygon", {"points": _points(_arrow(wire)), **which})
        if edge.lines:
            group = SubElement(all_numbers, "g", which)
            (x, y), width = wire.label, label_size(edge)[0] - 4.0
            step = EDGE_FONT_SIZE * 1.16
            height = step * len(edge.lines)
            # The number interrupts its line, which ties the two together where lines run close.
            corners = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
            plate = [(x + across * width, y + down * height) for across, down in corners]
            SubElement(group, "polygon", {"points": _points(plate), "fill": plate_of(edge, graph)})
            for index, line in enumerate(edge.lines):
                middle = y + (index - (len(edge.lines) - 1) / 2) * step
                _write(group, line, x, middle + EDGE_FONT_SIZE * FOOT)


def _draw_box(root: Element, box: Box, place: Place, fill: str) -> None:
    style = STYLES[box.kind]
    look = {"font-size": f"{BOX_FONT_SIZE:g}", "text-anchor": "middle", "fill": INK}
    group = SubElement(root, "g", {"data-box": str(box.number), **look})
    left, top = place.x - place.width / 2, place.y - place.height / 2
    _outline(group, style, left, top, place.width, place.height, fill)
    step = BOX_FONT_SIZE * LINE_HEIGHT
    middle_x, middle_y = place.x, place.y
    if style.stacked:
        middle_x, middle_y = middle_x - STACK, middle_y - STACK
    for index, (role, line) in enumerate(box.rows):
        middle = middle_y + (index - (len(box.rows) - 1) / 2) * step
        _write(group, line, middle_x, middle + BOX_FONT_SIZE * FOOT, {"data-row": role})


def _outline(
    group: Element, style: Style, left: float, top: float, width: float, height: float, fill: str
) -> None:
    look = {"fill": fill, "stroke": style.border, "stroke-width": f"{style.thickness:g}"}
    if style.dashed:
        look["stroke-dasharray"] = "5,3"
    # Of a legend's small swatch the corners and borders shrink along.
    corner = min(_ROUNDING, height / 2) if style.rounded else 0.0
    border = min(INNER_BORDER, height / 5)
    if style.stacked:
        sheet = min(STACK, height / 6)
        width, height = width - 2 * sheet, height - 2 * sheet
        for behind in (2 * sheet, sheet):
            shape = _rectangle(left + behind, top + behind, width, height, 0.0)
            SubElement(group, "path", {"d": shape, **look})
    SubElement(group, "path", {"d": _rectangle(left, top, width, height, corner), **look})
    if style.double:
        shape = _rectangle(
            left + border, top + border, width - 2 * border, height - 2 * border, 0.0
        )
        SubElement(group, "path", {"d": shape, **look, "stroke-width": f"{style.thickness / 2:g}"})


def _draw_footer(root: Element, below: Footer, top: float) -> None:
    look = {"font-family": FONT, "font-size": f"{NOTICE_FONT_SIZE:g}", "fill": INK}
    group = SubElement(root, "g", {"transform": f"translate(0,{top:.2f})", **look})
    for x, y, width, height, style, fill in below.swatches:
        _outline(group, style, x, y, width, height, fill)
    for x, y, text in below.texts:
        _write(group, text, x, y)


def _write(
    group: Element, line: str, x: float, y: float, more: dict[str, str] | None = None
) -> None:
    SubElement(group, "text", {"x": f"{x:.2f}", "y": f"{y:.2f}", **(more or {})}).text = line


def _path(curve: tuple[Point, ...]) -> str:
    return f"M{_points(curve[:1])} C{_points(curve[1:])}"


def _rectangle(left: float, top: float, width: float, height: float, corner: float) -> str:
    across, down = width - 2 * corner, height - 2 * corner
    arc = f"a{corner:g},{corner:g} 0 0 1" if corner else ""
    return (
        f"M{left + corner:.2f},{top:.2f} h{across:.2f} "
        + (f"{arc} {corner:g},{corner:g} " if arc else "")
        + f"v{down:.2f} "
        + (f"{arc} {-corner:g},{corner:g} " if arc else "")
        + f"h{-across:.2f} "
        + (f"{arc} {-corner:g},{-corner:g} " if arc else "")
        + f"v{-down:.2f} "
        + (f"{arc} {corner:g},{-corner:g} " if arc else "")
        + "z"
    )


def _arrow(wire: Wire) -> list[Point]:
    (x, y), (foot_x, foot_y) = wire.tip, wire.curve[-1]
    # A little slimmer than long; turned by swapping the coordinates of the direction.
    along_x, along_y = (x - foot_x) / ARROW, (y - foot_y) / ARROW
    half = 0.4 * ARROW
    return [
        (x, y),
        (foot_x - along_y * half, foot_y + along_x * half),
        (foot_x + along_y * half, foot_y - along_x * half),
    ]


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
