"""The legend below a picture: the meaning of outlines, colours and lines, and what was left out."""

from collections.abc import Callable
from math import isfinite

from scalargrad.core.labels import format_number
from scalargrad.view import theme
from scalargrad.view.graph import Graph
from scalargrad.view.paint.shapes import Curve, Font, Group, Look, Shape, Text, outline

__all__ = ["legend"]

_WIDTH, _HEIGHT = 20.0, 12.0  # of a sample
_LINE = 18.0  # from one line to the next
_GAP = 16.0  # between two entries
_LEAST_WIDTH = 300.0  # a narrow picture gets room for a readable legend

_NO_GRADIENTS = "no gradients yet: backward has not been run"
_RECORDED = "a recorded program: its numbers differ by sample"

# The shapes of a sample, from its left end and its middle line; and what it means.
_Sample = Callable[[float, float], list[Shape]]
_Entry = tuple[_Sample | None, str]


def legend(graph: Graph, width: float, top: float = 0.0) -> tuple[Group, float, float]:
    """Return the legend of a picture of this `width`, to stand below `top`, and its own size.

    It may be wider than the picture.

    >>> from scalargrad.view.graph import Box
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, None),), (), "", "LR", backward=False)
    >>> [shape.text for shape in legend(lone, 400.0)[0].shapes if isinstance(shape, Text)]
    ['result', 'no gradients yet: backward has not been run']
    """
    shapes: list[Shape] = []
    room = max(width, _LEAST_WIDTH) - theme.MARGIN
    middle, right = top + _LINE / 2, 0.0
    for line in (_kinds(graph), _gradients(graph), *_wrapped(graph.notice, room - theme.MARGIN)):
        x = theme.MARGIN
        for sample, words in line:
            aside = _WIDTH + 5.0 if sample else 0.0
            needed = aside + _length(words)
            if x > theme.MARGIN and x + needed > room:
                x, middle = theme.MARGIN, middle + _LINE
            shapes += [*(sample(x, middle) if sample else ()), Text(words, x + aside, middle)]
            x += needed + _GAP
            right = max(right, x - _GAP)
        middle += _LINE
    group = Group(tuple(shapes), font=Font(theme.NOTICE_FONT_SIZE, "start"))
    return group, right + theme.MARGIN, middle - _LINE / 2 + theme.MARGIN / 2 - top


def _box(style: theme.Style, fill: str) -> _Sample:
    return lambda x, y: [*outline(style, x, y - _HEIGHT / 2, _WIDTH, _HEIGHT, fill)]


def _bundle(x: float, middle: float) -> list[Shape]:
    start, end = (x, middle), (x + _WIDTH, middle)
    return [Curve((start, start, end, end), Look(stroke=theme.EDGE_COLOUR, width=3.0))]


def _kinds(graph: Graph) -> list[_Entry]:
    present = {box.kind for box in graph.boxes}
    entries: list[_Entry] = [
        (_box(style, theme.BACKGROUND), style.meaning)
        for kind, style in theme.STYLES.items()
        if kind in present
    ]
    many = any(edge.count > 1 for edge in graph.edges)
    return [*entries, (_bundle, "many edges")] if many else entries


def _gradients(graph: Graph) -> list[_Entry]:
    plain = theme.STYLES["operation"]
    if graph.recorded:
        return [(None, _RECORDED)]
    largest = graph.largest
    entries: list[_Entry] = [] if graph.backward else [(_box(plain, theme.UNKNOWN), _NO_GRADIENTS)]
    if largest:  # without a backward pass they are left from another one
        entries += [(None, "|grad|"), (_box(plain, theme.SHADES[0][1]), "0")]
        for share, fill in theme.SHADES[1:]:
            bound = largest if share == 1.0 else float(f"{share * largest:.2g}")
            entries.append((_box(plain, fill), f"to {format_number(bound)}"))
    grads = [part.grad for part in graph.boxes] + [part.grad for part in graph.edges]
    if any(grad is not None and not isfinite(grad) for grad in grads):
        entries.append((_box(plain, theme.NOT_FINITE), "nan or infinite"))
    entries = entries or [(_box(plain, theme.SHADES[0][1]), "every gradient is 0")]
    marks: dict[str, list[str]] = {}  # by fill
    for mark in dict.fromkeys(box.mark for box in graph.boxes if box.mark):
        marks.setdefault(theme.MARKS[mark], []).append(mark)
    return [*entries, *((_box(plain, fill), ", ".join(kinds)) for fill, kinds in marks.items())]


def _length(text: str) -> float:
    return theme.text_width(text, theme.NOTICE_FONT_SIZE) * 0.9  # less than the upper bound


def _wrapped(text: str, room: float) -> list[list[_Entry]]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _length(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [[(None, line)] for line in lines]
