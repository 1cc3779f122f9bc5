"""The shapes of a picture, in absolute coordinates: what every format can write down."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from scalargrad.view.geometry import Point
from scalargrad.view.theme import INNER_BORDER, STACK, Style

__all__ = [
    "Curve", "Font", "Group", "Look", "Polygon", "RoundedBox", "Scene", "Shape", "Text", "outline",
]  # fmt: skip

_ROUNDING = 9.0  # radius of a rounded corner


class Look(NamedTuple):
    """How a shape is filled, and outlined with a line of a `width` in points."""

    fill: str = "none"
    stroke: str = "none"
    width: float = 0.0
    dashed: bool = False


class Font(NamedTuple):
    """The size of a text in points, and which point of it is given: its start or its middle."""

    size: float
    anchor: Literal["start", "middle"]


class Curve(NamedTuple):
    """A Bézier curve: a start, followed by groups of two control points and an end."""

    points: tuple[Point, ...]
    look: Look | None = None
    edge: int | None = None


class Polygon(NamedTuple):
    """A closed area with straight sides."""

    points: tuple[Point, ...]
    look: Look | None = None
    edge: int | None = None


class RoundedBox(NamedTuple):
    """A rectangle from its top left (`x`, `y`), with corners of the radius `corner`, maybe 0."""

    x: float
    y: float
    width: float
    height: float
    corner: float
    look: Look


class Text(NamedTuple):
    """A line of text at (`x`, `y`), which is the middle of its height; `row` is its role in a box.

    The font is that of its group.
    """

    text: str
    x: float
    y: float
    row: str | None = None


Shape = Curve | Polygon | RoundedBox | Text


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes from back to front. `look` is that of shapes without one, `font` that of texts.

    `box` and `edge` are the numbers of the box or edge that the group shows, if it shows one; a
    film finds groups and shapes by them.
    """

    shapes: tuple[Shape, ...]
    look: Look | None = None
    font: Font | None = None
    box: int | None = None
    edge: int | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished picture of `width` by `height` points: groups from back to front.

    `description` is one sentence for people who cannot see it.
    """

    width: float
    height: float
    groups: tuple[Group, ...]
    description: str


def outline(
    style: Style, x: float, y: float, width: float, height: float, fill: str
) -> list[RoundedBox]:
    """Return the outline of a kind of box, from its top left; small ones have finer details.

    >>> from scalargrad.view.theme import STYLES
    >>> len(outline(STYLES["parameter"], 0.0, 0.0, 60.0, 40.0, "#ffffff"))  # a double border
    2
    """
    look = Look(fill, style.border, style.thickness, style.dashed)
    boxes = []
    if style.stacked:
        sheet = min(STACK, height / 6)
        width, height = width - 2 * sheet, height - 2 * sheet
        for behind in (2 * sheet, sheet):
            boxes.append(RoundedBox(x + behind, y + behind, width, height, 0.0, look))
    corner = min(_ROUNDING, height / 2) if style.rounded else 0.0
    boxes.append(RoundedBox(x, y, width, height, corner, look))
    if style.double:
        gap = min(INNER_BORDER, height / 5)
        inner = look._replace(width=style.thickness / 2)
        boxes.append(RoundedBox(x + gap, y + gap, width - 2 * gap, height - 2 * gap, 0.0, inner))
    return boxes
