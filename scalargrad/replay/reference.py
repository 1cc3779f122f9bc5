"""The reference of a recorded program: what the function does with one sample, in plain Python.

It runs the literal program, in which nothing was simplified, reordered or left out, and finds the
operations that raise an error. So it settles the samples that a fast program cannot judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import inf, nan
from typing import Any

from scalargrad.core.primitives import take, where
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.program import Program

__all__ = ["FAULTS", "Reference", "Verdict", "can_fail", "ends_of", "value_of"]

FAULTS = (ValueError, ZeroDivisionError, OverflowError, IndexError)  # what operations raise


def can_fail(row: Primitive) -> bool:
    """Whether an operation may raise an error: somewhere outside its domain, or by an overflow."""
    return row.name not in TABLE or _fails_somewhere(row)


@cache
def _fails_somewhere(row: Primitive) -> bool:
    if row.outside or row is take:
        return True
    count = 2 if row.arity is None else row.arity
    for point in product(_PROBES, repeat=count):
        try:
            row.value(*point)
        except FAULTS:
            return True
    return False


# Numbers at which operations overflow or leave their domain, if they do so anywhere.
_PROBES = [0.0, 0.5, 2.0, -0.5, -2.0, 800.0, -800.0, 1e200, -1e200, inf, -inf, nan]


def value_of(row: Primitive, inputs: Sequence[float]) -> float:
    """The value of a row, or the error that eager code raises."""
    number = row.value(*inputs)
    if row is take and number != number and inputs[0] == inputs[0]:
        if inputs[0] % 1.0 != 0.0:
            raise ValueError(f"take needs a whole number as index, got {inputs[0]!r}")
        index, count = inputs[0], len(inputs) - 1
        if not 0.0 <= index < count:  # a negative one has `count` added to it
            index -= count if index < 0.0 else 0.0
            raise IndexError(f"take: index {index:g} in a list of {count}")
    return number


def ends_of(program: Program) -> set[int]:
    """The slots that matter by themselves: results, conditions, and what nothing uses.

    A derivative inside the function is no use: the function has computed its value too.
    """
    used = bytearray(len(program.rows))
    for slot in range(len(program.rows)):
        for operand in program.operands[slot]:
            if slot not in program.derived or operand in program.derived:
                used[operand] = 1
    unused = {slot for slot, row in enumerate(program.rows) if row is not None and not used[slot]}
    return unused.union(program.outputs, program.conditions())


@dataclass(frozen=True)
class Verdict:
    """What the reference found out about a sample.

    Attributes:
        fits: Whether the program applies to it: all conditions turn out as they did when it was
            recorded, and those operations fail that failed then.
        failure: The position in `Program.checked` of the first operation that raises an error,
            and that the sample depends on; None if there is none.
        slot: Its slot, or -1.
        cause: Its error.
    """

    fits: bool
    failure: int | None = None
    slot: int = -1
    cause: Exception | None = None


class Reference:
    """Judges samples by a literal program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._code = [
            (slot, row, operands)
            for slot, (row, operands) in enumerate(
                zip(program.rows, program.operands, strict=True)
            )
            if row is not None
        ]  # fmt: skip
        self._ends = ends_of(program)

    def run(
        self, parameters: Sequence[float], sample: Sequence[float]
    ) -> tuple[list[float], dict[int, Exception]]:
        """The number in every slot, and by slot the errors of operations."""
        program = self.program
        numbers = [0.0] * len(program.rows)
        for slot, number in program.constants.items():
            numbers[slot] = number
        for slot, number in zip(program.parameters, parameters, strict=True):
            numbers[slot] = float(number)
        for slot, number in zip(program.inputs, sample, strict=True):
            numbers[slot] = float(number)
        errors: dict[int, Exception] = {}
        for slot, row, operands in self._code:
            try:
                numbers[slot] = value_of(row, [numbers[operand] for operand in operands])
            except FAULTS as error:
                numbers[slot] = nan
                errors[slot] = error
        return numbers, errors

    def judge(self, parameters: Sequence[float], sample: Sequence[float]) -> Verdict:
        """Whether the program applies to a sample, and the first error of an operation."""
        program = self.program
        numbers, errors = self.run(parameters, sample)
        fits = all((numbers[g.slot] != 0.0) == g.expected for g in program.guards) and all(
            type(errors.get(slot)) is kind for slot, kind in program.raised.items()
        )
        if any(slot in errors and slot not in program.raised for slot in program.checked):
            alive = self._alive(numbers)
            for position, slot in enumerate(program.checked):
                if slot in errors and alive[slot] and slot not in program.raised:
                    return Verdict(False, position, slot, errors[slot])
        return Verdict(fits)

    def _alive(self, numbers: Sequence[float]) -> bytearray:
        """By slot, whether the sample depends on it: not if every use is what `where` left aside.

        A slot without any use counts, as it does eagerly.
        """
        program = self.program
        rows, operands = program.rows, program.operands
        alive = bytearray(len(rows))
        for slot in self._ends:
            alive[slot] = 1
        for slot in range(len(rows) - 1, -1, -1):
            row = rows[slot]
            if not alive[slot] or row is None:
                continue
            used: Sequence[Any] = operands[slot]
            if row is where:
                used = used[:2] if numbers[used[0]] else (used[0], used[2])
            for operand in used:
                alive[operand] = 1
        return alive
