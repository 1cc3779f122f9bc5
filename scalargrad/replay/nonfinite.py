"""Find the first nan or infinity: its sample, its instruction and the operands of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from scalargrad.core.primitives import take, where
from scalargrad.replay.backends.python import PythonRunner
from scalargrad.replay.program import Program, over_samples
from scalargrad.replay.reference import FAULTS, value_of

__all__ = ["nonfinite_error", "nonfinite_sample"]


def nonfinite_sample(count: int, is_bad: Callable[[int, int], bool]) -> int | None:
    """The index of a sample with a nonfinite result; None if only the sum overflows.

    Args:
        count: The number of samples.
        is_bad: `is_bad(first, end)` tells whether the result over these samples is nonfinite.
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


def nonfinite_error(
    program: Program, parameters: Sequence[float], sample: Sequence[float], prefix: str,
    forward: int,
) -> Exception:  # fmt: skip
    """The error that names the first instruction of `program` that made a nan or an infinity.

    Args:
        program: A program with a nonfinite output.
        parameters: The numbers of its parameters.
        sample: The numbers of its inputs.
        prefix: The start of the message, which names the sample.
        forward: The number of slots before the backward pass was added.
    """
    numbers = PythonRunner(program).numbers(parameters, sample)
    guilty = min(_first_nonfinite(program, numbers), default=None)
    if guilty is None:
        return FloatingPointError(
            f"{prefix}the result is not finite, but plain Python computes a finite one: the sum "
            "over the samples overflows, or rounding decides, as in the square root of almost 0"
        )
    prefix += "in the backward pass, " if guilty >= forward else ""
    row, operands = program.rows[guilty], program.operands[guilty]
    name, number = program.name(guilty), numbers[guilty]
    if row is None:
        return FloatingPointError(f"{prefix}{name} is {number} to begin with")
    inputs = [numbers[slot] for slot in operands]
    line = program.line(guilty) if len(operands) < 20 else f"{name} = {row.name}(...)"
    try:
        value_of(row, inputs)
    except FAULTS as cause:
        if row is take:  # which has said what is wrong
            return type(cause)(f"{prefix}{cause}")
        return FloatingPointError(f"{prefix}{line}: {row.domain_error(cause, inputs)}")
    named = dict.fromkeys(slot for slot in operands if slot not in program.constants)
    at = ", ".join(f"{program.name(slot)} = {numbers[slot]!r}" for slot in [*named][:6])
    return FloatingPointError(f"{prefix}{line} is {number}" + (f" at {at}" if at else ""))


def _first_nonfinite(program: Program, numbers: Sequence[float]) -> list[int]:
    """The slots that are nonfinite though their operands are finite, and that reach an output."""
    found, seen = [], set()
    stack = [slot for slot in program.outputs if not isfinite(numbers[slot])]
    while stack:
        slot = stack.pop()
        if slot in seen:
            continue
        seen.add(slot)
        operands: Sequence[Any] = program.operands[slot]
        if program.rows[slot] is where:  # the other branch does not count
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
