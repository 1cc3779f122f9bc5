"""The reference backend: plain Python, one instruction and one sample after the other."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from scalargrad.core.rows import Primitive
from scalargrad.replay.backends.backend import DEFAULT, Backend, Options
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program, over_samples

__all__ = ["BACKEND", "PythonRunner"]


class PythonRunner:
    """Runs a program the slow and obvious way: every other backend must agree with it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.code: dict[int, list[tuple[int, Primitive, tuple[int, ...]]]] = {
            BEFORE: [], SAMPLE: [], AFTER: []
        }  # fmt: skip
        self.sums: list[tuple[int, tuple[int, ...]]] = []
        for slot, row in enumerate(program.rows):
            if row is over_samples:
                self.sums.append((slot, program.operands[slot]))
            elif row is not None:
                self.code[program.phases[slot]].append((slot, row, program.operands[slot]))

    def run(
        self, parameters: Sequence[float], columns: Sequence[Sequence[float]],
        options: Options = DEFAULT,
    ) -> tuple[list[float], list[list[float]]]:  # fmt: skip
        """Run on as many samples as the columns are long.

        Args:
            parameters: The numbers of the program's parameters, in its order.
            columns: For each input of the program, its number in every sample.
            options: Ignored here: there is one thread.

        Returns:
            The outputs that are one number for all samples, and the outputs that have one number
            for each sample, as one row each. Both keep the order of the program's outputs.
        """
        program = self.program
        numbers = self._start(parameters)
        sampled = [slot for slot in program.outputs if program.phases[slot] == SAMPLE]
        samples: list[list[float]] = [[] for _ in sampled]
        totals = [0.0] * len(self.sums)
        for i in range(len(columns[0]) if len(columns) else 1):
            for slot, column in zip(program.inputs, columns, strict=True):
                numbers[slot] = float(column[i])
            self._run(SAMPLE, numbers)
            for k, (_, operands) in enumerate(self.sums):
                totals[k] += over_samples.value(*[numbers[operand] for operand in operands])
            for row, slot in zip(samples, sampled, strict=True):
                row.append(numbers[slot])
        for (slot, _), total in zip(self.sums, totals, strict=True):
            numbers[slot] = total
        self._run(AFTER, numbers)
        uniform = [numbers[s] for s in program.outputs if program.phases[s] != SAMPLE]
        return uniform, samples

    def numbers(self, parameters: Sequence[float], sample: Sequence[float]) -> list[float]:
        """The number in every slot when the program runs on one sample."""
        numbers = self._start(parameters)
        for slot, x in zip(self.program.inputs, sample, strict=True):
            numbers[slot] = x
        self._run(SAMPLE, numbers)
        for slot, operands in self.sums:
            numbers[slot] = over_samples.value(*[numbers[operand] for operand in operands])
        self._run(AFTER, numbers)
        return numbers

    def _start(self, parameters: Sequence[float]) -> list[float]:
        numbers = [0.0] * len(self.program.rows)
        for slot, number in self.program.constants.items():
            numbers[slot] = number
        for slot, number in zip(self.program.parameters, parameters, strict=True):
            numbers[slot] = float(number)
        self._run(BEFORE, numbers)
        return numbers

    def _run(self, phase: int, numbers: list[float]) -> None:
        for slot, row, operands in self.code[phase]:
            try:
                numbers[slot] = row.value(*[numbers[operand] for operand in operands])
            except (ValueError, ZeroDivisionError, OverflowError):
                numbers[slot] = nan


BACKEND = Backend("python", PythonRunner, rank=0, compiles=False)
