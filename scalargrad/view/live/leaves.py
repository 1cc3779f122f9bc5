"""The leaves of a graph that can be moved: their names, their numbers, the ranges of sliders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isfinite, log10
from typing import Literal

from scalargrad.view.read.reading import Reading

__all__ = ["Leaf", "leaves_of", "listed", "rounded_up", "stretched"]

_STEPS = 200  # from one end of a slider to the other


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with a slider.

    Attributes:
        index: its place among the leaves.
        node: its index in the graph.
        box: the number of its box.
        name: its name in the picture.
        kind: whether it is a parameter or an input.
        number: its number now.
        low: the left end of the slider.
        high: the right end.
        step: how far a key moves it.
    """

    index: int
    node: int
    box: int
    name: str
    kind: Literal["parameter", "input"]
    number: float
    low: float
    high: float
    step: float


def leaves_of(reading: Reading) -> tuple[Leaf, ...]:
    """The leaves that have boxes of their own: inputs, then parameters, each by name.

    Plain numbers, as the 2 of `2 * x`, what was computed without a graph, nan and infinities stay
    as they are. A slider goes as far to either side of 0 as about twice the number. Parameters have
    one range for all: they are of one size, and one compares them.

    >>> from scalargrad.view.read.reading import read
    >>> x, w = Value(30.0, "x"), Value(0.7, "w")
    >>> [(leaf.name, leaf.low, leaf.high) for leaf in leaves_of(read(2 * x * w, film=True))]
    [('w', -2.0, 2.0), ('x', -100.0, 100.0)]
    """
    found: list[Leaf] = []
    for box, members in enumerate(reading.members):
        node = reading.order[members[0]] if len(members) == 1 else None
        movable = node is not None and not node.parents and node._row is None
        if node is not None and movable and isfinite(node.data):
            drawn = reading.graph.boxes[box]
            kind: Literal["parameter", "input"] = (
                "parameter" if drawn.kind == "parameter" else "input"
            )
            number = node.data
            found.append(Leaf(0, members[0], box, drawn.label, kind, number, 0.0, 0.0, 0.0))
    found.sort(key=lambda leaf: (leaf.kind, _natural(leaf.name)))
    found = [replace(leaf, index=index) for index, leaf in enumerate(found)]
    largest = max((abs(leaf.number) for leaf in found if leaf.kind == "parameter"), default=0.0)
    return tuple(
        _with_range(leaf, largest if leaf.kind == "parameter" else abs(leaf.number))
        for leaf in found
    )


def _natural(name: str) -> list[tuple[str, int]]:
    """What names are sorted by: w2 comes before w10."""
    pairs = re.findall(r"(\D*)(\d*)", name)
    return [(text, int(digits or -1)) for text, digits in pairs]


def _with_range(leaf: Leaf, size: float) -> Leaf:
    end = rounded_up(2.0 * size) if 0.0 < size < 1e300 else 1.0
    return replace(leaf, low=-end, high=end, step=2.0 * end / _STEPS)


def stretched(leaf: Leaf, number: float) -> Leaf:
    """The leaf with another number, and a slider that reaches as far.

    >>> leaf = Leaf(0, 0, 0, "x", "input", 1.0, -2.0, 2.0, 0.02)
    >>> stretched(leaf, -7.0).low, stretched(leaf, 1.5).high
    (-20.0, 2.0)
    """
    if leaf.low <= number <= leaf.high:
        return replace(leaf, number=number)
    return _with_range(replace(leaf, number=number), abs(number))


def rounded_up(size: float) -> float:
    """The next of 1, 2 and 5 times a power of ten.

    >>> [rounded_up(size) for size in (0.3, 1.0, 1.4, 60.0, 5e-7)]
    [0.5, 1.0, 2.0, 100.0, 5e-07]
    """
    power = floor(log10(size))
    steps = (float(f"{digit}e{power}") for digit in (1, 2, 5, 10, 20))
    return next(step for step in steps if step >= size)


def listed(leaves: Sequence[Leaf], most: int = 12) -> str:
    """The names of the leaves, for messages; of very many the first.

    >>> listed([])
    'none'
    """
    names = [leaf.name for leaf in leaves[:most]]
    return ", ".join(names) + (", …" if len(leaves) > most else "") or "none"
