"""Instruction arrays of the interpreted form: a program as steps over rows of one store.

A step computes one row of the store, from up to four rows, by one operation of a fixed list. An
instruction with many operands becomes as many steps, which add to the row of its result. A row is
used again once its number is no longer needed, as a register is: a program of 10⁵ nodes and its
derivatives need a quarter of the rows otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import copysign
from typing import Any

import numpy as np

from scalargrad.core.primitives import dot_operands, take
from scalargrad.core.rows import Primitive
from scalargrad.replay.backends.jax.callbacks import number_of
from scalargrad.replay.backends.jax.spellings import FOLDS, MAPS, PAIRS
from scalargrad.replay.program import SAMPLE, Program, over_samples

__all__ = ["CALL", "MOST_OPERANDS", "OPERATIONS", "SUM", "Codes"]

MOST_OPERANDS = 4  # of a step

# The steps besides those of `MAPS`, `FOLDS` and `PAIRS`: of take, sums over the samples, and calls
# into Python.
_PICK, SUM, CALL = "pick", "sum", "call"
OPERATIONS: list[Any] = [*MAPS, *FOLDS, *PAIRS, _PICK, SUM, CALL]
_NUMBERS = {operation: k for k, operation in enumerate(OPERATIONS)}

Step = tuple[Any, int, tuple[int, ...]]  # operation, slot of the result, slots of the operands


class Codes:
    """The steps of a program, and the rows of its numbers.

    Attributes:
        rows: The number of rows of the store.
        start: The number in each row at the beginning: those of constants, else 0.
        parameters, inputs: Their rows.
        sums: The rows of the sums over the samples, in the order of `sum_slots`.
        uniform, samples: The rows of the outputs that are one number, and one for each sample.
        stages: For BEFORE, SAMPLE and AFTER: operations (S,), operands (4, S) and results (S,).
        calls: Whether a step calls into Python.
        kept: The operations that these calls name by number, kept alive.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._constants: dict[tuple[float, float], int] = {}  # new ones, as slots below zero
        steps = self._steps()
        self._allocate(steps)

    @staticmethod
    def can_encode(program: Program) -> bool:
        """Whether each row has a spelling, or few enough operands to be called by a step."""
        return all(
            row is None
            or row in MAPS
            or row in FOLDS
            or row in PAIRS
            or row in (take, over_samples)
            or len(operands) < MOST_OPERANDS
            for row, operands in zip(program.rows, program.operands, strict=True)
        )

    # --- instructions as steps ----------------------------------------------------------------

    def _constant(self, number: float) -> int:
        key = (number, copysign(1.0, number)) if number == number else (0.5, -2.0)
        return self._constants.setdefault(key, -1 - len(self._constants))

    def _steps(self) -> list[list[Step]]:
        """The steps of each phase, in an order in which they can run.

        `kept` is filled in the order of the calls among all of them.
        """
        program = self._program
        rows, operands, phases = program.rows, program.operands, program.phases
        stages: list[list[Step]] = [[], [], []]
        # a sum over the samples runs as soon as its operands are there
        sums: dict[int, list[int]] = {}
        for slot, row in enumerate(rows):
            if row is over_samples:
                sums.setdefault(max(operands[slot]), []).append(slot)
        for slot, row in enumerate(rows):
            if row is not None and row is not over_samples:
                stages[phases[slot]] += self._expanded(slot, row, operands[slot])
            for total in sums.get(slot, ()):
                stages[SAMPLE] += self._expanded(total, over_samples, operands[total])
        self.kept: list[Any]
        self.sum_slots = [slot for slot, row in enumerate(rows) if row is over_samples]
        self.kept = [rows[slot] for stage in stages for op, slot, _ in stage if op is CALL]
        return stages

    def _expanded(self, slot: int, row: Primitive, operands: tuple[int, ...]) -> Iterator[Step]:
        if row in MAPS:
            yield row, slot, operands
        elif row in PAIRS or row is over_samples:
            ws, xs, bias = dot_operands(operands)
            total = bias[0] if bias else self._constant(0.0)
            if row is over_samples and bias:
                ws, xs, total = (*ws, *bias), (*xs, self._constant(1.0)), self._constant(0.0)
            step = SUM if row is over_samples else row
            for w, x in zip(ws, xs, strict=True):
                yield step, slot, (total, w, x)
                total = slot
        elif row in FOLDS:
            start, shared, _ = FOLDS[row]
            total = self._constant(start)
            for x in operands[shared:]:
                yield row, slot, (total, *operands[:shared], x)
                total = slot
        elif row is take:
            total = self._constant(float("nan"))
            for k, x in enumerate(operands[1:]):
                yield _PICK, slot, (total, operands[0], self._constant(float(k)), x)
                total = slot
        else:
            yield CALL, slot, operands

    # --- rows ---------------------------------------------------------------------------------

    def _allocate(self, stages: list[list[Step]]) -> None:
        program = self._program
        leaves = [
            *program.parameters,
            *program.inputs,
            *program.constants,
            *self._constants.values(),
        ]
        self._numbers: dict[int, float] = dict(program.constants)
        for (number, sign), slot in self._constants.items():
            self._numbers[slot] = float("nan") if sign == -2.0 else copysign(number, sign)
        row_of = {slot: k for k, slot in enumerate(leaves)}
        fixed = len(row_of)
        # Those that the next stage or the caller reads stay; others until their last step.
        stays = {*program.outputs, *self.sum_slots}
        last: dict[int, int] = {}
        position = 0
        for stage in stages:
            for _, slot, operands in stage:
                last[slot] = position
                for o in operands:
                    last[o] = position
                position += 1
        free: list[int] = []
        used = fixed
        position = 0
        calls = iter(self.kept)
        self.stages: list[tuple[Any, Any, Any]] = []
        for stage in stages:
            count = len(stage)
            codes = np.empty(count, np.int32)
            reads = np.zeros((MOST_OPERANDS, count), np.int32)
            writes = np.empty(count, np.int32)
            for k, (operation, slot, operands) in enumerate(stage):
                codes[k] = _NUMBERS[operation]
                for i, o in enumerate(operands):
                    reads[i, k] = row_of[o]
                if operation is CALL:  # which row, and on how many operands
                    reads[-1, k] = number_of(next(calls)) << 2 | len(operands)
                if slot not in row_of:
                    if free:
                        row_of[slot] = free.pop()
                    else:
                        row_of[slot] = used
                        used += 1
                writes[k] = row_of[slot]
                for o in {*operands, slot}:
                    if last[o] == position and row_of[o] >= fixed and o not in stays:
                        free.append(row_of[o])
                position += 1
            self.stages.append((codes, reads, writes))
        self.rows = max(used, 1)
        self.start = np.zeros(self.rows)
        for slot, number in self._numbers.items():
            self.start[row_of[slot]] = number
        phases = program.phases
        self.parameters = np.array([row_of[s] for s in program.parameters], np.int32)
        self.inputs = np.array([row_of[s] for s in program.inputs], np.int32)
        self.sums = np.array([row_of[s] for s in self.sum_slots], np.int32)
        outputs = [[row_of[s] for s in program.outputs if (phases[s] == SAMPLE) == each]
                   for each in (False, True)]  # fmt: skip
        self.uniform, self.samples = [np.array(rows, np.int32) for rows in outputs]
        self.calls = bool(self.kept)
        del self._program, self._constants, self._numbers

    @property
    def steps(self) -> int:
        """The number of steps."""
        return sum([len(codes) for codes, _, _ in self.stages])

    def stage(self, *phases: int) -> tuple[Any, Any, Any]:
        """The steps of some phases, one after the other."""
        parts = [self.stages[phase] for phase in phases]
        codes, reads, writes = zip(*parts, strict=True)
        return np.concatenate(codes), np.concatenate(reads, axis=1), np.concatenate(writes)
