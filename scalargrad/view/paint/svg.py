"""Write a scene as SVG, in four elements: g, path, polygon and text."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from scalargrad.view.geometry import Point
from scalargrad.view.paint.shapes import Curve, Group, Look, Polygon, Scene, Shape, Text
from scalargrad.view.theme import FONT, FOOT, INK

__all__ = ["Element", "element_of", "marks_of", "write"]

# A picture shrinks to the width of its page or window.
_SCALING = ' style="max-width: 100%; height: auto"'
# JupyterLab shows a picture as an image without a style of its own, and cuts off what is wider than
# the cell. So a picture that may be wider (in points) has no width of its own: it fills the cell.
_CELL = 600.0


def write(scene: Scene, *, in_page: bool = False) -> str:
    """Return `scene` as the text of an SVG document.

    Boxes and edges have the attributes data-box and data-edge, their numbers in the graph, and the
    texts of a box have data-row: the film finds them by these. What a user wrote stands in texts
    and in the description only, escaped.

    Args:
        scene: the picture.
        in_page: write the size and no style attribute, for a page whose own style sheet scales the
            picture and whose Content-Security-Policy forbids such attributes.

    >>> write(Scene(9.0, 9.0, (Group((Polygon(((0.0, 0.0), (9.0, 9.0)), Look("#fff")),)),), ""))
    '<svg ...><g><polygon points="0.00,0.00 9.00,9.00" fill="#fff"/></g></svg>'
    """
    width, height = scene.width, scene.height
    size = f'width="{width:.0f}pt" height="{height:.0f}pt"'
    if width > _CELL and not in_page:
        size = 'width="100%"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {width:.2f} {height:.2f}" role="img" '
        f'aria-label="{escape(scene.description)}" font-family="{FONT}"'
        f"{'' if in_page else _SCALING}>{''.join(map(_group, scene.groups))}</svg>"
    )


class Element(NamedTuple):
    """An element of a picture as a web page has it: the name, the attributes and the text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    def __str__(self) -> str:
        marks = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        if self.tag != "text":
            return f"<{self.tag}{marks}/>"
        return f"<text{marks}>{escape(self.text, quote=False)}</text>"


def marks_of(group: Group) -> dict[str, str]:
    """The attributes of the element of a group.

    >>> marks_of(Group((), Look("#fff"), box=3))
    {'data-box': '3', 'fill': '#fff'}
    """
    marks = _mark("box", group.box) | _mark("edge", group.edge) | _look(group.look)
    if group.font:
        size, anchor = group.font
        marks |= {"font-size": f"{size:g}", "text-anchor": anchor, "fill": INK}
    return marks


def _group(group: Group) -> str:
    marks = "".join(f' {name}="{value}"' for name, value in marks_of(group).items())
    return f"<g{marks}>{''.join(str(element_of(shape, group)) for shape in group.shapes)}</g>"


def element_of(shape: Shape, group: Group) -> Element:
    """The element of a shape in a group.

    >>> text = Text("a<b", 1.0, 2.0, "title")
    >>> print(element_of(text, Group((text,))))
    <text x="1.00" y="2.00" data-row="title">a&lt;b</text>
    """
    if isinstance(shape, Text):
        # The dominant-baseline attribute would do this, but several renderers do not know it.
        foot = FOOT * group.font.size if group.font else 0.0
        place = {"x": f"{shape.x:.2f}", "y": f"{shape.y + foot:.2f}"}
        return Element("text", place | _mark("row", shape.row), shape.text)
    if isinstance(shape, Polygon):
        marks = _mark("edge", shape.edge) | _look(shape.look)
        return Element("polygon", {"points": _points(shape.points)} | marks)
    if isinstance(shape, Curve):
        path = f"M{_points(shape.points[:1])} C{_points(shape.points[1:])}"
        return Element("path", {"d": path} | _mark("edge", shape.edge) | _look(shape.look))
    x, y, width, height, r, look = shape
    across, down = width - 2 * r, height - 2 * r
    arc = f"a{r:g},{r:g} 0 0 1 {{}},{{}} " if r else ""  # to the end of a quarter of a circle
    path = (
        f"M{x + r:.2f},{y:.2f} h{across:.2f} {arc.format(f'{r:g}', f'{r:g}')}"
        f"v{down:.2f} {arc.format(f'{-r:g}', f'{r:g}')}"
        f"h{-across:.2f} {arc.format(f'{-r:g}', f'{-r:g}')}"
        f"v{-down:.2f} {arc.format(f'{r:g}', f'{-r:g}')}z"
    )
    return Element("path", {"d": path} | _look(look))


def _mark(name: str, value: str | int | None) -> dict[str, str]:
    return {} if value is None else {f"data-{name}": f"{value}"}


def _look(look: Look | None) -> dict[str, str]:
    if look is None:
        return {}
    line = {"stroke": look.stroke, "stroke-width": f"{look.width:.4g}"} if look.width else {}
    return {"fill": look.fill} | line | ({"stroke-dasharray": "5,3"} if look.dashed else {})


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
