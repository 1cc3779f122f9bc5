"""Write a scene as DOT text with fixed positions, for a Graphviz to print as PNG or PDF."""

from scalargrad.view.geometry import Point
from scalargrad.view.paint.dot import escape, package
from scalargrad.view.paint.shapes import Curve, Font, Look, Polygon, RoundedBox, Scene, Text
from scalargrad.view.theme import BACKGROUND, FONT, INK, POINTS_PER_INCH, text_width

__all__ = ["write"]

_ARC = 0.5523  # distance of the control points of a quarter of a circle, in radii
# Over 16,384 characters in one string are an error in Graphviz 2.43; a string may be a sum, though.
_LONGEST = 8_000


def write(scene: Scene, dots_per_inch: float | None = None) -> str:
    """Return `scene` as DOT text for Graphviz's layout program `nop2`, which moves nothing.

    Lines and areas go into the background, in Graphviz's own drawing language (xdot). That language
    needs the length of a text in bytes, so texts are nodes, and what a user wrote stands in labels
    only, escaped.

    Args:
        scene: the picture.
        dots_per_inch: the resolution of pixel formats.

    >>> from scalargrad.view.graph import Box, Graph
    >>> from scalargrad.view.layout.builtin import lay_out
    >>> from scalargrad.view.paint.scene import paint
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> 'label="data 2"' in write(paint(lone, lay_out(lone)))
    True
    """
    width, height = scene.width, scene.height
    digraph = package().Digraph(
        graph_attr={
            "bgcolor": BACKGROUND, "pad": "0", "margin": "0",
            "viewport": f"{width:.2f},{height:.2f},1,{width / 2:.2f},{height / 2:.2f}",
            **({"dpi": f"{dots_per_inch:g}"} if dots_per_inch else {}),
        },
        node_attr={"shape": "none", "margin": "0", "width": "0", "height": "0", "fontname": FONT},
    )  # fmt: skip
    operations: list[str] = []
    for group in scene.groups:
        for shape in group.shapes:
            if not isinstance(shape, Text):
                operations += _operations(shape, shape.look or group.look or Look(), height)
            elif group.font:
                name = f"t{len(digraph.body)}"
                digraph.node(name, **_text_node(shape, group.font, height))
    drawn = " ".join(operations)
    pieces = [drawn[start : start + _LONGEST] for start in range(0, len(drawn), _LONGEST)]
    digraph.body.append("_background=" + " +\n".join(f'"{piece}"' for piece in pieces) + "\n")
    return str(digraph.source)


def _operations(shape: Curve | Polygon | RoundedBox, look: Look, height: float) -> list[str]:
    """The xdot operations that draw a shape on a page of this height, on which y runs upwards."""
    is_area = look.fill != "none"
    if isinstance(shape, RoundedBox):
        # Straight ones as a polygon, whose corners join; a curve would leave a notch at its ends.
        operation, points = ("P", _corners(shape)) if not shape.corner else ("b", _rounded(shape))
    else:
        operation, points = ("P" if isinstance(shape, Polygon) else "b"), shape.points
    if not is_area:
        operation = {"P": "p", "b": "B"}[operation]  # B is the curve without an area
    numbers = " ".join(f"{x:.2f} {height - y:.2f}" for x, y in points)
    return [
        _string("S", f"setlinewidth({look.width:g})"),
        _string("S", "dashed" if look.dashed else "solid"),
        _string("c", look.stroke if look.width else look.fill),
        *([_string("C", look.fill)] if is_area else []),
        f"{operation} {len(points)} {numbers}",
    ]


def _string(operation: str, text: str) -> str:
    return f"{operation} {len(text)} -{text}"


def _corners(box: RoundedBox) -> tuple[Point, ...]:
    right, bottom = box.x + box.width, box.y + box.height
    return ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom))


def _rounded(box: RoundedBox) -> tuple[Point, ...]:
    """The outline as a Bézier curve, from the left end of the top side clockwise."""
    r, (left_top, *others) = box.corner, _corners(box)
    curve: list[Point] = [(box.x + r, box.y)]
    # at each corner, the direction of the side before it; the side after it turns right
    directions = ((1, 0), (0, 1), (-1, 0), (0, -1))
    for (x, y), (dx, dy) in zip((*others, left_top), directions, strict=True):
        start, end = (x - r * dx, y - r * dy), (x - r * dy, y + r * dx)
        ahead = (start[0] + _ARC * r * dx, start[1] + _ARC * r * dy)
        behind = (end[0] + _ARC * r * dy, end[1] - _ARC * r * dx)
        curve += [curve[-1], start, start, ahead, behind, end]
    return tuple(curve)


def _text_node(text: Text, font: Font, height: float) -> dict[str, str]:
    x, label, size = text.x, escape(text.text), {}
    if font.anchor == "start":
        # A line that ends in \l stands at the left of a node that is wide enough.
        width = text_width(text.text, font.size)
        x += width / 2
        label = package().nohtml(label + "\\l")
        size = {"fixedsize": "true", "width": f"{width / POINTS_PER_INCH:.3f}"}
    return {
        "label": label, "fontsize": f"{font.size:g}", "fontcolor": INK, **size,
        "pos": f"{x:.2f},{height - text.y:.2f}",
    }  # fmt: skip
