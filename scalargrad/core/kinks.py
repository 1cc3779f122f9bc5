"""Kinks near the numbers of a graph: how far they are, and the slopes on either side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from scalargrad.core.node import CONSTANT
from scalargrad.core.tape import Tape

__all__ = ["Kink", "kinks_of"]

_STEP = 1e-6  # relative to the first operand: where the slopes beside a kink are taken


class Kink(NamedTuple):
    """A node of a tape whose row has a kink, or a jump.

    `gap` is how far the first operand is from the nearest one, with a sign; `below` and `above` are
    the slopes by the first operand on either side, and `taken` the one that was recorded. They are
    nan where the operation is not defined.
    """

    node: int
    gap: float
    below: float
    taken: float
    above: float


def kinks_of(tape: Tape) -> Iterator[Kink]:
    """The nodes of a tape whose rows state a gap, as far as an operand is no plain number.

    >>> from scalargrad.core.tape import Tape
    >>> list(kinks_of(Tape.of([sg.relu(Value(-0.5))])))
    [Kink(node=1, gap=-0.5, below=0.0, taken=0.0, above=1.0)]
    """
    for i, row in enumerate(tape.rows):
        gap = getattr(row, "gap", None)
        if gap is None:
            continue
        operands = [tape.nodes[tape.operands[e]] for e in tape.edges(i)]
        if all(operand._row is CONSTANT for operand in operands):
            continue
        numbers = [operand._data for operand in operands]
        distance = gap(*numbers)
        if distance - distance == 0.0:  # finite
            taken = tape.partials[tape.starts[i]]
            yield Kink(i, distance, *_slopes(row, numbers, distance, taken))


def _slopes(row: Any, numbers: list[float], gap: float, taken: float) -> tuple[float, float, float]:
    """The slopes below, here and above."""
    if gap:
        beyond = _slope_at(row, [numbers[0] - 2.0 * gap, *numbers[1:]])
        return (taken, taken, beyond) if gap < 0.0 else (beyond, taken, taken)
    step = _STEP * (abs(numbers[0]) or 1.0)
    below, above = (_slope_at(row, [numbers[0] + side, *numbers[1:]]) for side in (-step, step))
    return below, taken, above


def _slope_at(row: Any, numbers: list[float]) -> float:
    try:
        return float(row.partials(*numbers, row.evaluate(numbers))[0])
    except (ValueError, ArithmeticError):
        return float("nan")
