"""Whether the loss of a batch is the sum, or the mean, of the losses of its samples.

Only then may samples be computed apart. It is read from the loss itself: recorded on one, two and
three samples, it must come out as the same combination of the same instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isclose
from typing import Any

from scalargrad.core.primitives import add, div, dot, mul, neg, sub
from scalargrad.core.rows import find
from scalargrad.core.value import Value
from scalargrad.replay.program import Program
from scalargrad.replay.record import record
from scalargrad.replay.recorder import RecordingError
from scalargrad.transforms.tree import nested

__all__ = ["reduction_of"]

_sum, _mean = find("sum"), find("mean")

Combination = dict[int, float]  # the factor of each slot in a sum
_CONSTANT = -1  # stands for the slot that has the number 1


def reduction_of(
    loss: Callable[[list[Any], list[Any]], Any], outputs: Sequence[Any], targets: Sequence[Any],
    params: Sequence[Value],
) -> str | None:  # fmt: skip
    """How `loss` brings the samples of a batch together: "sum", "mean", or None for otherwise.

    Args:
        loss: maps a list of outputs and a list of targets to one Value.
        outputs, targets: of three samples, numbers or nestings of numbers.
        params: leaf Values that the loss may use.

    Raises:
        RecordingError: it cannot be told, since the loss branches, or reads numbers out of Values.

    >>> from scalargrad.training.separable import reduction_of
    >>> reduction_of(losses.squared_error, [1.0, 2.0, 3.0], [0.0, 0.0, 1.0], [])
    'sum'
    >>> reduction_of(losses.hinge, [1.0, 2.0, 3.0], [1.0, -1.0, 1.0], [])
    'mean'
    """

    def losses_of(outputs: list[Any], targets: list[Any]) -> list[Any]:
        alone = [loss([y], [t]) for y, t in zip(outputs, targets, strict=True)]
        return [*alone, loss(outputs[:2], targets[:2]), loss(outputs, targets)]

    def arguments(fresh: Callable[[float], Value]) -> list[Any]:
        given = (list(outputs[:3]), list(targets[:3]))
        return [nested(lambda x: fresh(float(x)), part, "a sample") for part in given]

    recording = record(losses_of, arguments, params)
    if recording.guards:  # on other numbers it may go another way
        raise RecordingError(
            f"the loss branches on its numbers, at {recording.guards[0][2]}: sg.where chooses "
            "without a branch"
        )
    names = [f"x{i}" for i in range(len(recording.inputs))]
    program = recording.program(names, [f"p{i}" for i in range(len(recording.outside))])
    one, two, three, both, all_three = [_combination(program, slot) for slot in program.outputs]
    for reduction, halves, thirds in (("sum", 1.0, 1.0), ("mean", 1 / 2, 1 / 3)):
        if _equal(both, _weighted(halves, one, two)) and _equal(
            all_three, _weighted(thirds, one, two, three)
        ):
            return reduction
    return None


def _combination(program: Program, slot: int) -> Combination:
    """A slot as a sum of other slots times numbers, taken apart as far as it goes."""
    found: Combination = {}
    constant = 0.0
    factors = {slot: 1.0}  # of the slots that are still to be looked at
    for current in range(slot, -1, -1):
        if factor := factors.pop(current, 0.0):
            parts = list(_parts(program, current))
            for part, share in parts:
                factors[part] = factors.get(part, 0.0) + factor * share
            if current in program.constants:
                constant += factor * program.constants[current]
            elif not parts:
                found[current] = factor
    return found | {_CONSTANT: constant} if constant else found


def _parts(program: Program, slot: int) -> Iterator[tuple[int, float]]:
    """The slots that add up to this one, with their factors; none if it is no such sum."""
    row, operands, constants = program.rows[slot], program.operands[slot], program.constants
    if row is add or row is _sum:
        yield from [(operand, 1.0) for operand in operands]
    elif row is _mean:
        yield from [(operand, 1.0 / len(operands)) for operand in operands]
    elif row is sub:
        yield from [(operands[0], 1.0), (operands[1], -1.0)]
    elif row is neg:
        yield operands[0], -1.0
    elif row is div and operands[1] in constants and constants[operands[1]]:
        yield operands[0], 1.0 / constants[operands[1]]
    elif row is mul or row is dot:
        n = len(operands) // 2
        pairs = list(zip(operands[:n], operands[n : 2 * n], strict=True))
        if all(a in constants or b in constants for a, b in pairs):
            yield from [(operand, 1.0) for operand in operands[2 * n :]]
            for a, b in pairs:
                yield (b, constants[a]) if a in constants else (a, constants[b])


def _weighted(share: float, *combinations: Combination) -> Combination:
    total: Combination = {}
    for combination in combinations:
        for slot, factor in combination.items():
            total[slot] = total.get(slot, 0.0) + share * factor
    return total


def _equal(a: Combination, b: Combination) -> bool:
    return a.keys() == b.keys() and all(isclose(a[slot], b[slot], rel_tol=1e-12) for slot in a)
