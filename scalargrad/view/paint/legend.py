"""What stands below a picture: what outlines and colours mean, and what was left out."""

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from scalargrad.core.labels import format_number
from scalargrad.view.graph import Graph
from scalargrad.view.theme import (
    BACKGROUND,
    FOOT,
    MARGIN,
    NOT_FINITE,
    NOTICE_FONT_SIZE,
    SHADES,
    STYLES,
    UNKNOWN,
    Style,
    text_width,
)

__all__ = ["Footer", "FooterText", "Swatch", "footer"]

_SWATCH = (20.0, 12.0)
_LINE = 18.0  # from one line to the next
_GAP = 16.0  # between two entries
_LEAST_WIDTH = 300.0  # a narrow picture gets room for a readable footer

_NO_GRADIENTS = "no gradients yet: backward has not been run"


class Swatch(NamedTuple):
    """A small box without text that shows an outline or a fill; `x`, `y` are its top left."""

    x: float
    y: float
    width: float
    height: float
    style: Style
    fill: str


class FooterText(NamedTuple):
    """A line of text that starts at `x`, its foot at `y`."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Footer:
    """A strip below a picture; coordinates count from its own top left, in points."""

    width: float
    height: float
    swatches: tuple[Swatch, ...]
    texts: tuple[FooterText, ...]


# (outline, fill, words): an entry of the legend; without an outline words alone.
_Entry = tuple[Style | None, str, str]


def footer(graph: Graph, width: float) -> Footer:
    """Return the footer of a picture that is `width` points wide; it may need more.

    >>> from scalargrad.view.graph import Box
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, None),), (), "", "LR", backward=False)
    >>> [text.text for text in footer(lone, 400.0).texts]
    ['result', 'no gradients yet: backward has not been run']
    """
    swatches: list[Swatch] = []
    texts: list[FooterText] = []
    room = max(width, _LEAST_WIDTH) - MARGIN
    y, right = 0.0, 0.0
    for line in (_kinds(graph), _gradients(graph), *_wrapped(graph.notice, room - MARGIN)):
        x = MARGIN
        for outline, fill, words in line:
            swatch = _SWATCH[0] + 5.0 if outline else 0.0
            needed = swatch + text_width(words, NOTICE_FONT_SIZE) * 0.9  # an upper bound is wide
            if x > MARGIN and x + needed > room:
                x, y = MARGIN, y + _LINE
            middle = y + _LINE / 2
            if outline:
                swatches.append(Swatch(x, middle - _SWATCH[1] / 2, *_SWATCH, outline, fill))
            foot = middle + NOTICE_FONT_SIZE * FOOT
            texts.append(FooterText(x + swatch, foot, words))
            x += needed + _GAP
            right = max(right, x - _GAP)
        y += _LINE
    return Footer(right + MARGIN, y + MARGIN / 2, tuple(swatches), tuple(texts))


def _kinds(graph: Graph) -> list[_Entry]:
    present = {box.kind for box in graph.boxes}
    return [(style, BACKGROUND, style.meaning) for kind, style in STYLES.items() if kind in present]


def _gradients(graph: Graph) -> list[_Entry]:
    plain = STYLES["operation"]
    largest = graph.largest
    entries: list[_Entry] = [] if graph.backward else [(plain, UNKNOWN, _NO_GRADIENTS)]
    if largest:  # without a backward pass they are left from another one
        entries += [(None, "", "|grad|"), (plain, SHADES[0][1], "0")]
        for share, fill in SHADES[1:]:
            bound = largest if share == 1.0 else float(f"{share * largest:.2g}")
            entries.append((plain, fill, f"to {format_number(bound)}"))
    if any(b.grad is not None and not isfinite(b.grad) for b in graph.boxes):
        entries.append((plain, NOT_FINITE, "nan or infinite"))
    return entries or [(plain, SHADES[0][1], "every gradient is 0")]


def _wrapped(text: str, room: float) -> list[list[_Entry]]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, NOTICE_FONT_SIZE) * 0.9 <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [[(None, "", line)] for line in lines]
