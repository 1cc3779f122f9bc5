"""Find out whether the loss of a batch is a sum over its samples, and by which factor.

Only then can samples be replayed one by one. The answer comes from programs: recorded on batches of
the lengths that occur, the loss must be the same linear combination of the same instructions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import heapify, heappop, heappush
from math import fsum, isclose
from typing import Any

from scalargrad.core import primitives
from scalargrad.core.primitives import add, div, dot, dot_operands, mul, neg, sub
from scalargrad.core.value import Value
from scalargrad.replay.program import Program
from scalargrad.replay.record import record
from scalargrad.replay.recorder import RecordingError
from scalargrad.transforms.tree import nested

__all__ = ["shares_of"]


Combination = dict[int, float]  # a linear combination: the factor of each slot
_CONSTANT = -1  # the key of the constant term


def shares_of(
    loss: Callable[[list[Any], list[Any]], Any], outputs: Sequence[Any], targets: Sequence[Any],
    params: Sequence[Value], lengths: Collection[int] = (2, 3),
) -> dict[int, float] | None:  # fmt: skip
    """Return the factor by which `loss` multiplies the sum of the losses of single samples.

    It is 1 for a sum and 1/n for a mean over n samples. The result has one factor for each length,
    or is None if the loss of a batch is no such sum.

    What holds for a batch of one length says nothing of another: a loss may divide by
    `min(len(outputs), 32)`. So each length is recorded. Batches longer than 1,000, whose recording
    takes long, are recorded up to there, and then evaluated as a whole and sample by sample.

    Args:
        loss: maps a list of outputs and a list of targets to one Value.
        outputs: the outputs of some samples, numbers or nestings of numbers; they are repeated.
        targets: the targets of as many samples as the longest batch has.
        params: leaf Values that the loss may use.
        lengths: the numbers of samples in the batches that occur.

    Raises:
        RecordingError: the loss branches, or reads numbers out of Values.

    >>> from scalargrad.training.loss_reduction import shares_of
    >>> shares_of(losses.squared_error, [1.0, 2.0, 3.0], [0.0, 0.0, 1.0], [])
    {2: 1.0, 3: 1.0}
    >>> shares_of(losses.hinge, [1.0, 2.0, 3.0], [1.0, -1.0, 1.0], [], [2])
    {2: 0.5}
    """
    recorded = sorted({min(length, _RECORDED) for length in lengths})

    def losses_of(outputs: list[Any], targets: list[Any]) -> list[Any]:
        alone = [loss([y], [t]) for y, t in zip(outputs, targets, strict=True)]
        return [*alone, *[loss(outputs[:n], targets[:n]) for n in recorded]]

    def arguments(fresh: Callable[[float], Value]) -> list[Any]:
        columns = (_repeated(outputs, recorded[-1]), list(targets[: recorded[-1]]))
        return [nested(lambda x: fresh(float(x)), column, "a sample") for column in columns]

    recording = record(losses_of, arguments, params)
    if recording.guards:  # other numbers may take another branch
        raise RecordingError(
            f"the loss branches on its numbers, at {recording.guards[0][2]}; use sg.where, which "
            "does not branch"
        )
    program = recording.unnamed()
    alone, whole = program.outputs[: recorded[-1]], program.outputs[recorded[-1] :]
    shares: dict[int, float] = {}
    for n, slot in zip(recorded, whole, strict=True):
        terms = _combination(program, _counted(alone[:n]))
        share = _ratio(_combination(program, {slot: 1.0}), terms)
        if share is None:
            return None
        shares[n] = share
    for length in lengths:
        if length > _RECORDED:
            ys = nested(Value, _repeated(outputs, length), "an output")
            ts = list(targets[:length])
            total = fsum([loss([y], [t]).data for y, t in zip(ys, ts, strict=True)])
            number, share = loss(ys, ts).data, shares[_RECORDED]
            found = [c for c in (share, share * _RECORDED / length) if isclose(number, c * total)]
            if not found:
                return None
            shares[length] = found[0]
    return {length: shares[length] for length in lengths}


_RECORDED = 1000  # samples of a batch that are recorded: 25 us each


def _repeated(samples: Sequence[Any], count: int) -> list[Any]:
    return [samples[i % len(samples)] for i in range(count)]


def _counted(slots: Sequence[int]) -> Combination:
    """The sum of some slots; the same slot may come several times."""
    return {slot: float(count) for slot, count in Counter(slots).items()}


def _ratio(a: Combination, b: Combination) -> float | None:
    """The number c for which a = c b, or None if there is none."""
    if a.keys() != b.keys():
        return None
    c = next((a[slot] / b[slot] for slot in a), 1.0)
    return c if all(isclose(a[slot], c * b[slot], rel_tol=1e-12) for slot in a) else None


def _combination(program: Program, factors: Combination) -> Combination:
    """Return a combination of slots as one of other slots, expanded as far as possible."""
    found: Combination = {}
    constant = 0.0
    factors = dict(factors)  # of the slots to expand
    heap = [-slot for slot in factors]  # from the last one on, since operands come before
    heapify(heap)
    while heap:
        current = -heappop(heap)
        if factor := factors.pop(current):
            parts = list(_parts(program, current))
            for part, share in parts:
                if part not in factors:
                    heappush(heap, -part)
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
