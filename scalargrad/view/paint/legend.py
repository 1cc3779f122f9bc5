"""The legend below a picture: the meaning of outlines, colours and lines, and what was left out."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from scalargrad.core.labels import format_number
from scalargrad.view.graph import Graph
from scalargrad.view.paint.shapes import Curve, Font, Group, Look, Shape, Text, outline
from scalargrad.view.theme import (
    BACKGROUND,
    EDGE_COLOUR,
    MARGIN,
    NOT_FINITE,
    NOTICE_FONT_SIZE,
    SHADES,
    STYLES,
    UNKNOWN,
    Style,
    text_width,
)

__all__ = ["Legend", "legend"]

_WIDTH, _HEIGHT = 20.0, 12.0  # of a sample
_LINE = 18.0  # from one line to the next
_GAP = 16.0  # between two entries
_LEAST_WIDTH = 300.0  # a narrow picture gets room for a readable legend

_NO_GRADIENTS = "no gradients yet: backward has not been run"


@dataclass(frozen=True, slots=True)
class Legend:
    """The shapes of a legend, and the room they take; it may be wider than its picture."""

    width: float
    height: float
    group: Group


# The shapes of a sample, from its left end and its middle line; and what it means.
_Sample = Callable[[float, float], list[Shape]]
_Entry = tuple[_Sample | None, str]


def legend(graph: Graph, width: float, top: float = 0.0) -> Legend:
    """Return the legend of a picture of this `width`, to stand below `top`.

    >>> from scalargrad.view.graph import Box
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, None),), (), "", "LR", backward=False)
    >>> [shape.text for shape in legend(lone, 400.0).group.shapes if isinstance(shape, Text)]
    ['result', 'no gradients yet: backward has not been run']
    """
    shapes: list[Shape] = []
    room = max(width, _LEAST_WIDTH) - MARGIN
    middle, right = top + _LINE / 2, 0.0
    for line in (_kinds(graph), _gradients(graph), *_wrapped(graph.notice, room - MARGIN)):
        x = MARGIN
        for sample, words in line:
            aside = _WIDTH + 5.0 if sample else 0.0
            needed = aside + text_width(words, NOTICE_FONT_SIZE) * 0.9  # an upper bound is wide
            if x > MARGIN and x + needed > room:
                x, middle = MARGIN, middle + _LINE
            shapes += [*(sample(x, middle) if sample else ()), Text(words, x + aside, middle)]
            x += needed + _GAP
            right = max(right, x - _GAP)
        middle += _LINE
    height = middle - _LINE / 2 + MARGIN / 2 - top
    return Legend(
        right + MARGIN, height, Group(tuple(shapes), font=Font(NOTICE_FONT_SIZE, "start"))
    )


def _box(style: Style, fill: str) -> _Sample:
    return lambda x, middle: [*outline(style, x, middle - _HEIGHT / 2, _WIDTH, _HEIGHT, fill)]


def _bundle(x: float, middle: float) -> list[Shape]:
    start, end = (x, middle), (x + _WIDTH, middle)
    return [Curve((start, start, end, end), Look(stroke=EDGE_COLOUR, width=3.0))]


def _kinds(graph: Graph) -> list[_Entry]:
    present = {box.kind for box in graph.boxes}
    entries: list[_Entry] = [
        (_box(style, BACKGROUND), style.meaning)
        for kind, style in STYLES.items()
        if kind in present
    ]
    many = any(edge.count > 1 for edge in graph.edges)
    return [*entries, (_bundle, "many edges")] if many else entries


def _gradients(graph: Graph) -> list[_Entry]:
    plain = STYLES["operation"]
    largest = graph.largest
    entries: list[_Entry] = [] if graph.backward else [(_box(plain, UNKNOWN), _NO_GRADIENTS)]
    if largest:  # without a backward pass they are left from another one
        entries += [(None, "|grad|"), (_box(plain, SHADES[0][1]), "0")]
        for share, fill in SHADES[1:]:
            bound = largest if share == 1.0 else float(f"{share * largest:.2g}")
            entries.append((_box(plain, fill), f"to {format_number(bound)}"))
    grads = [part.grad for part in graph.boxes] + [part.grad for part in graph.edges]
    if any(grad is not None and not isfinite(grad) for grad in grads):
        entries.append((_box(plain, NOT_FINITE), "nan or infinite"))
    return entries or [(_box(plain, SHADES[0][1]), "every gradient is 0")]


def _wrapped(text: str, room: float) -> list[list[_Entry]]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, NOTICE_FONT_SIZE) * 0.9 <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [[(None, line)] for line in lines]
