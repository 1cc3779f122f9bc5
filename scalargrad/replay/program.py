"""The flat program: what a recorded function does, one instruction after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import copysign, isfinite
from typing import Any

from scalargrad.core.rows import Primitive
from scalargrad.replay.choices import over_samples
from scalargrad.replay.simplify import SIMPLER

__all__ = ["AFTER", "BEFORE", "SAMPLE", "Guard", "Program"]

# When a slot is computed: once for all samples from parameters and constants alone, anew for each
# sample, or once at the end from sums over the samples.
BEFORE, SAMPLE, AFTER = 0, 1, 2


@dataclass(frozen=True)
class Guard:
    """What a sample must satisfy for the program to be the right one: whether `slot` is not 0."""

    slot: int
    expected: bool
    where: str  # the line of the user's program that asked


class Program:
    """Slots in order, each a leaf or an instruction on slots before it.

    By slot:
        rows       the operation, None for a leaf
        operands   the slots it is applied to
        phases     BEFORE, SAMPLE or AFTER
        constants  the number in a leaf that never changes
    In the order of the caller:
        inputs      the slots of the numbers of one sample
        parameters  the slots of the numbers that are the same for all samples
        outputs     the slots that are asked for
        guards      what must hold for a sample
    `names` are how inputs and parameters are called when the program is printed.
    """

    def __init__(self) -> None:
        self.rows: list[Primitive | None] = []
        self.operands: list[tuple[int, ...]] = []
        self.phases = bytearray()
        self.constants: dict[int, float] = {}
        self.inputs: list[int] = []
        self.parameters: list[int] = []
        self.outputs: list[int] = []
        self.guards: list[Guard] = []
        self.names: dict[int, str] = {}
        self._before: list[int] = []
        self._made: dict[Any, int] = {}  # equal instructions and constants are made once

    def copy(self) -> Program:
        """The same program, to be extended on its own."""
        twin = Program()
        for name, held in vars(self).items():
            setattr(twin, name, held.copy())
        return twin

    def input(self, name: str) -> int:
        """A new slot for a number of the sample."""
        self.inputs.append(self._leaf(SAMPLE, name))
        return self.inputs[-1]

    def parameter(self, name: str) -> int:
        """A new slot for a number that is the same for all samples, and may differ in each call."""
        self.parameters.append(self._leaf(BEFORE, name))
        return self.parameters[-1]

    def constant(self, number: float) -> int:
        """The slot of a number that never changes."""
        key = (number, copysign(1.0, number)) if number == number else "nan"
        slot = self._made.get(key)
        if slot is None:
            slot = self._made[key] = self._leaf(BEFORE)
            self.constants[slot] = number
        return slot

    def emit(self, row: Primitive, operands: tuple[int, ...]) -> int:
        """The slot of `row` on these slots: a new one, unless it is known or a constant."""
        key = (row, operands)
        slot = self._made.get(key)
        if slot is not None:
            return slot
        constants, phases, phase = self.constants, self.phases, BEFORE
        folds = row is not over_samples
        for operand in operands:
            if operand not in constants:
                folds = False
                if phases[operand] > phase:
                    phase = phases[operand]
        slot = self._folded(row, operands) if folds else None
        if slot is None and row in SIMPLER:
            slot = SIMPLER[row](operands, constants, self.emit, self.constant)
        if slot is None:
            slot = self._slot(row, operands, AFTER if row is over_samples else phase)
        self._made[key] = slot
        return slot

    def _folded(self, row: Primitive, operands: tuple[int, ...]) -> int | None:
        """The constant that `row` on constants is; None if it fails, or is not finite."""
        try:
            number = row.value(*[self.constants[slot] for slot in operands])
        except (ValueError, ZeroDivisionError, OverflowError):
            return None  # it fails when it is run, and is named then
        return self.constant(number) if isfinite(number) else None

    def _leaf(self, phase: int, name: str = "") -> int:
        slot = self._slot(None, (), phase)
        if name:
            self.names[slot] = name
        return slot

    def _slot(self, row: Primitive | None, operands: tuple[int, ...], phase: int) -> int:
        self.rows.append(row)
        self.operands.append(operands)
        self.phases.append(phase)
        return len(self.rows) - 1

    def __eq__(self, other: object) -> bool:
        """Whether both do the same, instruction by instruction."""
        if not isinstance(other, Program):
            return NotImplemented
        mine, theirs = [
            (
                p.rows,
                p.operands,
                repr(p.constants),
                p.outputs,
                [(g.slot, g.expected) for g in p.guards],
            )
            for p in (self, other)
        ]
        return mine == theirs

    __hash__ = object.__hash__

    def __len__(self) -> int:
        """How many instructions there are."""
        return len(self.rows) - self.rows.count(None)

    def name(self, slot: int) -> str:
        """How a slot is called when the program is printed."""
        if slot in self.constants:
            return repr(self.constants[slot])
        return self.names.get(slot) or f"v{self._numbers()[slot]}"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """In a notebook: the program itself, unless it is very long."""
        printer.text(str(self) if len(self) <= 300 else repr(self))

    def _numbers(self) -> list[int]:
        """By slot, how many instructions stand before it."""
        if len(self._before) != len(self.rows):
            self._before = [*accumulate(map(bool, self.rows), initial=0)][:-1]
        return self._before

    def line(self, slot: int) -> str:
        """The instruction that makes a slot, as it is printed."""
        row = self.rows[slot]
        told = row.write(*map(self.name, self.operands[slot])) if row else "a leaf"
        return f"{self.name(slot)} = {told}"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return f"<{next(iter(self._lines()))}>"

    def _lines(self) -> Iterable[str]:
        name = self.name
        made = _counted(len(self), "instruction")
        inputs, parameters = len(self.inputs), len(self.parameters)
        yield f"program of {made}: {_counted(inputs, 'input')}, {_counted(parameters, 'parameter')}"
        for phase, when in (
            (BEFORE, "once, before the samples:"),
            (SAMPLE, "for each sample:"),
            (AFTER, "once, after the samples:"),
        ):
            slots = [s for s, row in enumerate(self.rows) if row and self.phases[s] == phase]
            if slots:
                yield when
            for slot in slots:
                yield f"    {self.line(slot)}"
        for guard in self.guards:
            yield f"guard: {name(guard.slot)} is {'not ' * guard.expected}0, asked at {guard.where}"
        yield f"return {', '.join(map(name, self.outputs))}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
