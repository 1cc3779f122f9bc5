"""How a picture looks, for both engines: colours, borders, type sizes and the room text needs."""

import unicodedata
from dataclasses import dataclass

from scalargrad.draw.graph import Box, Kind

__all__ = [
    "ARROW", "BACKGROUND", "BOX_FONT_SIZE", "EDGE_COLOUR", "EDGE_FONT_SIZE", "FONT", "INK",
    "LINE_HEIGHT", "MARGIN", "NOTICE_FONT_SIZE", "STYLES", "Style", "box_size", "text_width",
]  # fmt: skip

FONT = "Helvetica,Arial,sans-serif"
BOX_FONT_SIZE = 13.0
EDGE_FONT_SIZE = 11.0
NOTICE_FONT_SIZE = 12.0
LINE_HEIGHT = 1.25  # times the font size
MARGIN = 12.0
ARROW = 8.0  # length of an arrow head

# Not transparent: a notebook in a dark theme would put dark ink on a dark page.
BACKGROUND = "#ffffff"
INK = "#1a1a1a"
EDGE_COLOUR = "#5f6b76"


@dataclass(frozen=True, slots=True)
class Style:
    """The look of one kind of box."""

    fill: str
    border: str
    thickness: float
    dashed: bool
    rounded: bool


# The kinds differ by outline first (round, dashed, plain, thick), so that they can be told apart
# in black and white; the tints are blue and amber, which the usual colour blindnesses keep apart.
STYLES: dict[Kind, Style] = {
    "leaf": Style("#e6f0fa", "#2f5f8f", 1.25, dashed=False, rounded=True),
    "constant": Style("#ffffff", "#5f6b76", 1.0, dashed=True, rounded=True),
    "operation": Style("#f6f6f4", "#3c4650", 1.25, dashed=False, rounded=False),
    "result": Style("#fdf0d0", "#1a1a1a", 3.0, dashed=False, rounded=False),
}

# Widths in em of the widest common sans-serif (DejaVu Sans), a little up: the reader's font is not
# known when the picture is made, and a box too wide is a smaller fault than a text cut off.
_NARROW = frozenset("iljI.,:;'|! `()[]-ft/\\\"{}r")
_WIDE = frozenset("mwMW@%&+=<>~#^_QO…")


def text_width(text: str, font_size: float) -> float:
    """Return a width, in the unit of `font_size`, that `text` will hardly exceed.

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


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and height, in points, of a box that holds its text with some air."""
    widest = max(text_width(line, BOX_FONT_SIZE) for line in box.lines)
    return (
        max(widest + 18.0, 34.0),
        len(box.lines) * BOX_FONT_SIZE * LINE_HEIGHT + 12.0,
    )
