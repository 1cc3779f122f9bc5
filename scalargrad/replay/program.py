"""The recorded program: a flat list of instructions, and how it is built and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, compress
from math import copysign, isfinite, nan
from typing import Any

from scalargrad.core.primitives import dot, dot_operands
from scalargrad.core.rows import Primitive
from scalargrad.core.tape import Tape
from scalargrad.replay.simplify import SIMPLER

__all__ = [
    "AFTER", "BEFORE", "NEAR", "SAMPLE", "Guard", "Program", "all_finite", "apart", "broadcast",
    "over_samples", "sizes",
]  # fmt: skip

# When a slot is computed: once before the samples, from parameters and constants alone; for each
# sample; or once after the samples, from sums over them.
BEFORE, SAMPLE, AFTER = 0, 1, 2

# What leads from one phase to the next. `over_samples` adds w1 x1 + ... + wn xn over all samples:
# the adjoint of a slot that they share. It is the one row that looks across samples; for a single
# sample it is a `dot`. `broadcast` gives a shared number to each sample.
over_samples = Primitive(
    "over_samples", "the sum over the samples of w1 x1 + ... + wn xn", dot.value, dot.partials,
    text=lambda *xs: f"over_samples({dot.write(*xs)})",
)  # fmt: skip
broadcast = Primitive("broadcast", "x, for each sample", lambda x: x, lambda x, out: (1.0,))
_PHASES = {broadcast: SAMPLE, over_samples: AFTER}

# What watches a program: it is nan in the samples that Python has to look at by itself.
all_finite = Primitive(
    "all_finite", "0 if every operand is finite, else nan",
    lambda *xs: 0.0 if all(map(isfinite, xs)) else nan, lambda *xs, out: (0.0,) * len(xs),
)  # fmt: skip
# How near a jump is too near, as a part of the sizes of what was added up: 4,000 roundings.
NEAR = 2.0**-40
apart = Primitive(
    "apart", "nan where rounding could move x to 0, if numbers of size y were added up, else 0",
    lambda x, y: nan if abs(x) < y * NEAR else 0.0, lambda x, y, out: (0.0, 0.0),
)  # fmt: skip


def _sizes(*operands: float) -> float:
    ws, xs, _ = dot_operands(operands)
    return sum([abs(w * x) for w, x in zip(ws, xs, strict=True)])


sizes = Primitive(
    "sizes", "the size of what a sum of products adds up: |w1 x1| + ... + |wn xn|",
    _sizes, lambda *operands, out: (0.0,) * len(operands),
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Slot:
    """One slot of a program as a node of its tape, with what a picture reads of a Value.

    `kind` is "parameter", "input" or "constant" for a leaf. `data` is None where the number differs
    between samples or calls; the partials of an instruction are not known before it runs.
    """

    label: str
    kind: str
    op: str
    data: float | None
    parents: tuple[Slot, ...]
    partials: tuple[float | None, ...]
    grad: float = 0.0

    @property
    def is_constant(self) -> bool:
        """Whether the slot holds a plain number."""
        return self.kind == "constant"


@dataclass(frozen=True)
class Guard:
    """A condition that a sample must meet for the program to apply: whether `slot` is not 0."""

    slot: int
    expected: bool
    where: str  # the line of the user's program that took the branch


class Program:
    """A list of slots, each a leaf or an instruction on slots before it.

    Attributes:
        rows: By slot, the operation; None for a leaf.
        operands: By slot, the slots that the operation takes.
        phases: By slot, BEFORE, SAMPLE or AFTER.
        constants: The number in each slot that never changes.
        inputs: The slots of the numbers of one sample, in the caller's order.
        parameters: The slots of the numbers shared by all samples, in the caller's order.
        outputs: The slots of the results, in the caller's order.
        guards: The conditions that a sample must meet.
        names: The names of inputs and parameters, used when the program is printed.
        checked: The slots of operations that may raise an error, as in the user's function.
        derived: The slots that belong to derivatives inside the function.
        raised: The slots of operations that raised an error, which the function caught, and the
            type of that error; nothing uses their results.
        watch: A slot that is nan in samples that Python has to look at, or None.
        exact: The slots that a backend computes as they stand, with the bits of Python.

    Args:
        literal: Whether instructions stay as the function computed them, never simplified.
    """

    def __init__(self, literal: bool = False) -> None:
        self.literal = literal
        self.checked: list[int] = []
        self.derived: set[int] = set()
        self.raised: dict[int, type[Exception]] = {}
        self.watch: int | None = None
        self.exact: set[int] = set()
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
        """A copy that can be extended without changing this program."""
        twin = Program()
        for name, content in vars(self).items():
            setattr(twin, name, content.copy() if hasattr(content, "copy") else content)
        return twin

    def leaves(self, needed: Sequence[int]) -> tuple[Program, dict[int, int]]:
        """A new program with the same inputs, parameters and `needed` constants.

        Returns:
            The program, and the new slot of each old one.
        """
        new = Program()
        leaves = [*self.inputs, *self.parameters]
        new.rows, new.operands = [None] * len(leaves), [()] * len(leaves)
        new.phases = bytearray([self.phases[slot] for slot in leaves])
        new.inputs = [*range(len(self.inputs))]
        new.parameters = [*range(len(self.inputs), len(leaves))]
        new.names = {k: self.names[slot] for k, slot in enumerate(leaves) if slot in self.names}
        slots = {slot: k for k, slot in enumerate(leaves)}
        for slot, number in self.constants.items():
            if needed[slot]:
                slots[slot] = new.constant(number)
        return new, slots

    def input(self, name: str) -> int:
        """Add a slot for a number of the sample."""
        self.inputs.append(self._leaf(SAMPLE, name))
        return self.inputs[-1]

    def parameter(self, name: str) -> int:
        """Add a slot for a number shared by all samples, which may differ in each call."""
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
        """The slot of `row` on these slots: a new one, unless it exists or has a simpler form."""
        key = (row, operands)
        slot = self._made.get(key)
        if slot is not None:
            return slot
        constants, phases, phase = self.constants, self.phases, BEFORE
        crosses = row in _PHASES
        folds = not crosses
        for operand in operands:
            if operand not in constants:
                folds = False
                if phases[operand] > phase:
                    phase = phases[operand]
        slot = self._folded(row, operands) if folds else None
        if slot is None and row in SIMPLER and not self.literal:
            slot = SIMPLER[row](self, operands)
        if slot is None:
            slot = self.append(row, operands, _PHASES[row] if crosses else phase)
        self._made[key] = slot
        return slot

    def _folded(self, row: Primitive, operands: tuple[int, ...]) -> int | None:
        """The slot of the value of `row` on constants; None if it fails or is not finite."""
        try:
            number = row.value(*[self.constants[slot] for slot in operands])
        except (ValueError, ZeroDivisionError, OverflowError):
            return None  # the run will fail, and its error names the instruction
        return self.constant(number) if isfinite(number) else None

    def _leaf(self, phase: int, name: str = "") -> int:
        slot = self.append(None, (), phase)
        if name:
            self.names[slot] = name
        return slot

    def append(self, row: Primitive | None, operands: tuple[int, ...], phase: int) -> int:
        """A new slot for exactly this instruction, neither merged nor folded nor simplified."""
        self.rows.append(row)
        self.operands.append(operands)
        self.phases.append(phase)
        return len(self.rows) - 1

    def keep(self, row: Primitive, operands: tuple[int, ...], phase: int) -> int:
        """The slot of exactly this instruction: a new one, unless it exists."""
        slot = self._made.get((row, operands))
        if slot is None:
            slot = self._made[row, operands] = self.append(row, operands, phase)
        return slot

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same instructions, constants, outputs and conditions."""
        if not isinstance(other, Program):
            return NotImplemented
        return self._content() == other._content()

    __hash__ = object.__hash__

    def _content(self) -> tuple[Any, ...]:
        """What counts in a comparison."""
        guards = [(guard.slot, guard.expected) for guard in self.guards]
        return (
            self.rows, self.operands, repr(self.constants), self.outputs, guards, self.raised
        )  # fmt: skip

    def digest(self) -> str:
        """Return a text that equal programs have in common, in every process.

        >>> from scalargrad.replay.program import Program
        >>> Program().digest() == Program().digest()
        True
        """
        rows, *rest, raised = self._content()
        names = [row and row.name for row in rows]
        errors = [(slot, error.__name__) for slot, error in raised.items()]
        return blake2b(repr((names, rest, errors)).encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        """The number of instructions."""
        return len(self.rows) - self.rows.count(None)

    def used(self, slots: Iterable[int]) -> bytearray:
        """By slot, whether it is one of `slots`, or one of them depends on it."""
        marks = bytearray(len(self.rows))
        for slot in slots:
            marks[slot] = 1
        for slot in range(len(marks) - 1, -1, -1):
            if marks[slot]:
                for operand in self.operands[slot]:
                    marks[operand] = 1
        return marks

    def conditions(self) -> list[int]:
        """The slots that decide whether the program applies to a sample."""
        watch = [] if self.watch is None else [self.watch]
        return [*[guard.slot for guard in self.guards], *watch]

    def tape(self) -> tuple[Tape, list[int]]:
        """The program as a tape, with a `Slot` as node, and the indices of its outputs.

        It is read like the tape of a graph of Values; only the partials are not known. Slots that
        neither an output nor a guard needs are left out.

        >>> tape, outputs = sg.compile(lambda x: sg.tanh(x) * x).record(0.5).tape()
        >>> [slot.label or slot.op for slot in tape.nodes], outputs
        (['x', 'tanh', '*'], [2])
        """
        needed = self.used([*self.outputs, *self.conditions()])
        kinds = dict.fromkeys(self.inputs, "input") | dict.fromkeys(self.parameters, "parameter")
        index: dict[int, int] = {}
        nodes: list[Slot] = []
        starts, operands = [0], list[int]()
        for slot in compress(range(len(self.rows)), needed):
            row, below = self.rows[slot], [index[operand] for operand in self.operands[slot]]
            index[slot] = len(nodes)
            nodes.append(
                Slot(
                    self.names.get(slot, ""),
                    kinds.get(slot, "constant" if slot in self.constants else ""),
                    row.symbol if row else "",
                    self.constants.get(slot),
                    tuple([nodes[i] for i in below]),
                    (None,) * len(below),
                )
            )
            operands += below
            starts.append(len(operands))
        rows = [self.rows[slot] for slot in index]
        return Tape(nodes, starts, operands, rows), [index[slot] for slot in self.outputs]

    def name(self, slot: int) -> str:
        """The name of a slot in the printed program."""
        if slot in self.constants:
            return repr(self.constants[slot])
        return self.names.get(slot) or f"v{self._numbers()[slot]}"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Show the program in a notebook; a very long one only by its first line."""
        printer.text(str(self) if len(self) <= 300 else repr(self))

    def _numbers(self) -> list[int]:
        """By slot, the number of instructions before it."""
        if len(self._before) != len(self.rows):
            self._before = [*accumulate(map(bool, self.rows), initial=0)][:-1]
        return self._before

    def line(self, slot: int) -> str:
        """The line of the printed program that computes a slot."""
        row = self.rows[slot]
        text = row.write(*map(self.name, self.operands[slot])) if row else "a leaf"
        return f"{self.name(slot)} = {text}"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return f"<{next(iter(self._lines()))}>"

    def _lines(self) -> Iterable[str]:
        name = self.name
        instructions = _counted(len(self), "instruction")
        inputs = _counted(len(self.inputs), "input")
        yield f"program of {instructions}: {inputs}, {_counted(len(self.parameters), 'parameter')}"
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
        if self.watch is not None:
            yield f"watch: {name(self.watch)}"
        yield f"return {', '.join(map(name, self.outputs))}"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"
