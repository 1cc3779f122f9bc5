"""The look of a picture in every format: colours, borders, font sizes, and the size of texts."""

import unicodedata
from dataclasses import dataclass
from math import isfinite, log2

from scalargrad.view.graph import Box, Edge, Graph, Kind

__all__ = [
    "ARROW", "BACKGROUND", "BOX_FONT_SIZE", "EDGE_COLOUR", "EDGE_FONT_SIZE", "EDGE_WIDTH", "FONT",
    "FOOT", "INK", "INNER_BORDER", "LINE_HEIGHT", "MARGIN", "MARKS", "NODE_GAP", "NOTICE_FONT_SIZE",
    "NOT_FINITE", "POINTS_PER_INCH", "RANK_GAP", "SHADES", "STACK", "STYLES", "UNKNOWN", "Style",
    "box_size", "fill_of", "label_size", "line_width", "text_width",
]  # fmt: skip

FONT = "Helvetica,Arial,sans-serif"
BOX_FONT_SIZE = 13.0
EDGE_FONT_SIZE = 11.0
NOTICE_FONT_SIZE = 12.0
LINE_HEIGHT = 1.25  # times the font size
MARGIN = 12.0
# For Graphviz, which counts in inches: between boxes in one column, and between columns.
POINTS_PER_INCH = 72.0
NODE_GAP, RANK_GAP = "0.22", "0.4"
# From the middle of a text to its baseline, in font sizes: half the height of a capital letter.
FOOT = 0.36
ARROW = 8.0  # length of an arrow head
INNER_BORDER = 3.0  # between the two lines of a double border
STACK = 4.0  # how far the sheets under a group stick out

# Not transparent: a notebook in a dark theme would put dark ink on a dark page.
BACKGROUND = "#ffffff"
INK = "#1a1a1a"
EDGE_COLOUR = "#5f6b76"
EDGE_WIDTH = 1.1


@dataclass(frozen=True, slots=True)
class Style:
    """The outline of one kind of box; kinds differ in black and white too."""

    border: str
    thickness: float = 1.25
    dashed: bool = False
    rounded: bool = False
    double: bool = False
    stacked: bool = False
    meaning: str = ""


STYLES: dict[Kind, Style] = {
    "parameter": Style("#2f4858", double=True, meaning="parameter"),
    "input": Style("#2f4858", rounded=True, meaning="input"),
    "constant": Style("#5f6b76", thickness=1.0, dashed=True, rounded=True, meaning="plain number"),
    "operation": Style("#3c4650", meaning="operation"),
    "result": Style("#1a1a1a", thickness=3.0, meaning="result"),
    "group": Style("#3c4650", stacked=True, meaning="many values"),
    "bundle": Style("#5f6b76", thickness=2.5, rounded=True, meaning="bundle of edges"),
}

# The fill shows the size of the gradient: (up to this share of the largest, fill). One hue that
# darkens evenly, so that it can be read in grey and by the colour-blind; the darkest still has a
# contrast of 7.6 with the ink. Below a quarter by powers of ten, which gradients span.
SHADES: tuple[tuple[float, str], ...] = (
    (0.0, "#ffffff"),
    (0.01, "#f0f6fc"),
    (0.1, "#deeaf7"),
    (0.25, "#c5dbf0"),
    (0.5, "#a5c8e8"),
    (1.0, "#80b0dd"),
)
# Before a backward pass. Not white: that is a gradient of zero.
UNKNOWN = "#efede6"
# A gradient that is nan or infinite: another hue, and another grey than all shades.
NOT_FINITE = "#f2b880"
# What `diagnose` found: hues for what is wrong, for where no gradient passes, and for doubts.
_STOPPED, _DOUBTFUL = "#d9c3e6", "#f7e08b"
MARKS: dict[str, str] = {
    "nonfinite value": NOT_FINITE, "infinite slope": NOT_FINITE, "nonfinite gradient": NOT_FINITE,
    "unused parameter": _STOPPED, "zero derivative": _STOPPED, "dead unit": _STOPPED,
    "saturated unit": _STOPPED, "step": _STOPPED, "vanishing gradient": _STOPPED,
    "exploding gradient": _DOUBTFUL, "kink": _DOUBTFUL, "near kink": _DOUBTFUL,
    "cancellation": _DOUBTFUL,
}  # fmt: skip


def fill_of(part: Box | Edge, graph: Graph) -> str:
    """The fill of a box or label: the darker, the larger its gradient relative to the largest.

    >>> seen = Box(0, "result", "y", "tanh", 1.0, 1.0)
    >>> fill_of(seen, Graph((seen,), (), "", "LR"))
    '#80b0dd'
    """
    if isinstance(part, Box) and part.mark:
        return MARKS[part.mark]
    if isinstance(part, Box) and part.kind == "constant":
        return BACKGROUND
    if part.grad is None:
        return UNKNOWN if isinstance(part, Box) else BACKGROUND
    size, largest = abs(part.grad), graph.largest
    if not isfinite(size):
        return NOT_FINITE
    return next((fill for share, fill in SHADES if size <= share * largest), SHADES[-1][1])


def line_width(edge: Edge) -> float:
    """The width of a line in points: a bundle is the wider, the more edges it stands for.

    >>> [line_width(Edge(0, 1, 0, 1.0, "", count=count)) for count in (1, 1_000_000)]
    [1.1, 4.0]
    """
    # By the logarithm: a layer may have ten weights or a million. Wider ones would hide arrows.
    return min(EDGE_WIDTH + 0.3 * log2(edge.count), 4.0)


# Widths in em of the widest common sans-serif (DejaVu Sans), rounded up: the reader's font is
# unknown when the picture is made, and a box too wide is better than a text cut off.
_NARROW = frozenset("iljI.,:;'|! `()[]-ft/\\\"{}r")
_WIDE = frozenset("mwMW@%&+=<>~#^_QO…")


def text_width(text: str, font_size: float) -> float:
    """Return a width, in the unit of `font_size`, that `text` hardly ever exceeds.

    >>> text_width("ill", 10.0) < text_width("dot", 10.0) < text_width("WWW", 10.0)
    True
    """
    return sum(_em(character) for character in text) * font_size


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.44
    if character in _WIDE:
        return 0.98
    if character.isascii():
        return 0.76 if character.isupper() else 0.65
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0.0  # an accent stands on the letter before it
    return 1.1 if unicodedata.east_asian_width(character) in "WF" else 0.9


def label_size(edge: Edge) -> tuple[float, float]:
    """Return the width and height, in points, of the text on an edge; (0, 0) where it has none.

    >>> label_size(Edge(0, 1, 0, 1.0, ""))
    (0.0, 0.0)
    """
    if not edge.lines:
        return (0.0, 0.0)
    widest = max(text_width(line, EDGE_FONT_SIZE) for line in edge.lines)
    return (widest + 4.0, EDGE_FONT_SIZE * 1.3 * len(edge.lines))


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and height, in points, of a box with some space around its text.

    They include the sheets of a group, which stick out at the right and the bottom.
    """
    style = STYLES[box.kind]
    widest = max(text_width(line, BOX_FONT_SIZE) for line in box.lines)
    more = 2 * INNER_BORDER if style.double else 2 * STACK if style.stacked else 0.0
    return (
        max(widest + 18.0, 34.0) + more,
        len(box.lines) * BOX_FONT_SIZE * LINE_HEIGHT + 12.0 + more,
    )
