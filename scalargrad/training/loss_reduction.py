"""Find out whether the loss of a batch is the sum or the mean of the losses of its samples.

Only then can samples be replayed one by one. The answer comes from programs: recorded on one, two
and three samples, the loss must be the same linear combination of the same instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isclose
from typing import Any

from scalargrad.core import primitives
from scalargrad.core.primitives import add, div, dot, dot_operands, mul, neg, sub
from scalargrad.core.value import Value
from scalargrad.replay.program import Program
from scalargrad.replay.record import record
from scalargrad.replay.recorder import RecordingError
from scalargrad.transforms.tree import nested

__all__ = ["reduction_of"]


Combination = dict[int, float]  # a linear combination: the factor of each slot
_CONSTANT = -1  # the key of the constant term


def reduction_of(
    loss: Callable[[list[Any], list[Any]], Any], outputs: Sequence[Any], targets: Sequence[Any],
    params: Sequence[Value],
) -> str | None:  # fmt: skip
    """Return how `loss` combines the samples of a batch: "sum", "mean", or None for neither.

    Args:
        loss: maps a list of outputs and a list of targets to one Value.
        outputs: the outputs of three samples, numbers or nestings of numbers.
        targets: the targets of the three samples.
        params: leaf Values that the loss may use.

    Raises:
        RecordingError: the loss branches, or reads numbers out of Values.

    >>> from scalargrad.training.loss_reduction import reduction_of
    >>> reduction_of(losses.squared_error, [1.0, 2.0, 3.0], [0.0, 0.0, 1.0], [])
    'sum'
    >>> reduction_of(losses.hinge, [1.0, 2.0, 3.0], [1.0, -1.0, 1.0], [])
    'mean'
    """

    def losses_of(outputs: list[Any], targets: list[Any]) -> list[Any]:
        alone = [loss([y], [t]) for y, t in zip(outputs, targets, strict=True)]
        return [*alone, loss(outputs[:2], targets[:2]), loss(outputs, targets)]

    def arguments(fresh: Callable[[float], Value]) -> list[Any]:
        columns = (list(outputs[:3]), list(targets[:3]))
        return [nested(lambda x: fresh(float(x)), column, "a sample") for column in columns]

    recording = record(losses_of, arguments, params)
    if recording.guards:  # other numbers may take another branch
        raise RecordingError(
            f"the loss branches on its numbers, at {recording.guards[0][2]}; use sg.where, which "
            "does not branch"
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
    """Return a slot as a linear combination of other slots, expanded as far as possible."""
    found: Combination = {}
    constant = 0.0
    factors = {slot: 1.0}  # of the slots to expand
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
    """Yield the slots whose combination this one is, with their factors; nothing otherwise."""
    row, operands, constants = program.rows[slot], program.operands[slot], program.constants
    if row is add or row is primitives.sum:
        yield from [(operand, 1.0) for operand in operands]
    elif row is primitives.mean:
        yield from [(operand, 1.0 / len(operands)) for operand in operands]
    elif row is sub:
        yield from [(operands[0], 1.0), (operands[1], -1.0)]
    elif row is neg:
        yield operands[0], -1.0
    elif row is div and operands[1] in constants and constants[operands[1]]:
        yield operands[0], 1.0 / constants[operands[1]]
    elif row is mul or row is dot:
        ws, xs, bias = dot_operands(operands)  # a product is a dot of one pair
        pairs = list(zip(ws, xs, strict=True))
        if all(a in constants or b in constants for a, b in pairs):
            yield from [(operand, 1.0) for operand in bias]
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
