"""Which instruction made the first nan or infinity, in which sample, and of what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from scalargrad.core.primitives import where
from scalargrad.replay.backends.python import PythonBackend
from scalargrad.replay.choices import over_samples, take
from scalargrad.replay.program import Program

__all__ = ["blame", "guilty_sample"]


def guilty_sample(count: int, is_bad: Callable[[int, int], bool]) -> int | None:
    """A sample whose result is not finite; None if only the sum over the samples is not.

    `is_bad(first, end)` says whether the result over these samples is.
    """
    first, end = 0, count
    while end - first > 1:
        middle = (first + end) // 2
        if is_bad(first, middle):
            end = middle
        elif is_bad(middle, end):
            first = middle
        else:
            return None
    return first


def blame(
    program: Program, parameters: Sequence[float], sample: Sequence[float], told: str, forward: int
) -> Exception:
    """The error that names the first instruction of `program` that made a nan or an infinity.

    Args:
        program: one with an output that is not finite.
        parameters, sample: the numbers it was run on.
        told: which sample that is, as the message is to begin.
        forward: how many slots the program had before the backward pass was added.
    """
    reference = PythonBackend(program)
    numbers = reference.numbers(parameters, sample)
    guilty = min(_guilty(program, numbers), default=None)
    if guilty is None:
        return FloatingPointError(
            f"{told}the result is not finite, though plain Python finds that it is: either the sum "
            "over the samples overflows, or rounding decides, as in the root of almost 0"
        )
    told += "in the backward pass, " if guilty >= forward else ""
    row, operands = program.rows[guilty], program.operands[guilty]
    name, number = program.name(guilty), numbers[guilty]
    if row is None:
        return FloatingPointError(f"{told}{name} is {number} to begin with")
    given = [numbers[slot] for slot in operands]
    if row is take:
        if isfinite(given[0]) and given[0] % 1.0 != 0.0:
            return ValueError(f"{told}take needs a whole number as index, got {given[0]!r}")
        return IndexError(f"{told}take: index {given[0]:g} in a list of {len(given) - 1}")
    made = program.line(guilty) if len(operands) < 20 else f"{name} = {row.name}(...)"
    try:
        row.value(*given)
    except (ValueError, ZeroDivisionError, OverflowError) as cause:
        return FloatingPointError(f"{told}{made}: {row.domain_error(cause, given)}")
    named = dict.fromkeys(slot for slot in operands if slot not in program.constants)
    at = ", ".join(f"{program.name(slot)} = {numbers[slot]!r}" for slot in [*named][:6])
    return FloatingPointError(f"{told}{made} is {number}" + (f" at {at}" if at else ""))


def _guilty(program: Program, numbers: Sequence[float]) -> list[int]:
    """The slots that are not finite though what they are made of is, and that reach an output."""
    found, seen = [], set()
    stack = [slot for slot in program.outputs if not isfinite(numbers[slot])]
    while stack:
        slot = stack.pop()
        if slot in seen:
            continue
        seen.add(slot)
        operands: Sequence[Any] = program.operands[slot]
        if program.rows[slot] is where:  # what was not chosen does not count
            operands = operands[:2] if numbers[operands[0]] else (operands[0], operands[2])
        causes = [
            operand
            for operand in operands
            if not isfinite(numbers[operand]) and operand not in program.constants
        ]
        if causes:
            stack += causes
        else:
            found.append(slot)
    sums = [slot for slot in found if program.rows[slot] is not over_samples]
    return sums or found
