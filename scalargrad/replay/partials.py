"""The partials of a row as a small program, traced once on symbols.

A row may branch on its inputs: `1.0 if x > 0.0 else 0.0`. On numbers Python decides; a program has
to hold both answers. So the partials are traced once for each way their comparisons can turn out,
and the results are joined by `where`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isinf
from typing import Any

from scalargrad.core.numbers import as_float
from scalargrad.core.primitives import inverse, where
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.core.symbols import Symbol, SymbolError, symbolic_partials
from scalargrad.replay.program import Program
from scalargrad.transforms.functional import grad

__all__ = ["Partials", "partials_of"]

_MOST_WAYS = 64  # clip, with the most comparisons of the table, has 8


class Partials:
    """The partials of a row with `n` inputs: a program of those inputs and the row's value.

    Attributes:
        outputs: The slot of each partial.
        may_be_infinite: Whether a partial can be infinite at finite inputs and a finite value.
    """

    def __init__(self, row: Primitive, n: int, full: bool) -> None:
        self.program = program = Program()
        self.inputs = [program.input(f"x{i}") for i in range(n + 1)]
        self.outputs = self._traced(row, full)
        # the inputs are the first slots of all
        self.is_direct = all(s <= n or s in program.constants for s in self.outputs)
        chosen = [program.operands[s][1:] for s, row in enumerate(program.rows) if row is where]
        self.may_be_infinite = (
            row.name not in TABLE
            or inverse in program.rows
            # the branch not taken, such as a division by zero, may be infinite
            or any(side not in program.constants for sides in chosen for side in sides)
        )

    def _traced(self, row: Primitive, full: bool) -> list[int]:
        try:
            return _Ways(row, self.program, full).joined()
        except (TypeError, ValueError, AttributeError) as error:
            if row.name in TABLE or isinstance(error, SymbolError):
                raise
        # The partials of a user's own operation do with their numbers what symbols cannot, such as
        # calling sg.grad: then each is an operation of its own, computed by Python.
        count = len(self.inputs)
        slots = tuple(self.inputs)
        return [self.program.emit(_partial_row(row, k, count), slots) for k in range(count - 1)]

    def inline(
        self, slots: Sequence[Any], emit: Callable[[Primitive, tuple[Any, ...]], Any],
        constant: Callable[[float], Any], number: Callable[[Any], float | None],
        wanted: Sequence[int] | None = None,
    ) -> list[Any]:  # fmt: skip
        """Emit the partials at these inputs and this value.

        Args:
            slots: The inputs, then the value.
            emit: ``emit(row, operands)`` makes an instruction.
            constant: ``constant(x)`` makes the slot of a number.
            number: ``number(slot)`` is the number in a slot that never changes, or None. Of a
                `where` with a known condition, only the branch taken is emitted.
            wanted: The positions of the inputs to differentiate by; by default all.
        """
        program, constants = self.program, self.program.constants
        outputs = self.outputs if wanted is None else [self.outputs[i] for i in wanted]
        if self.is_direct:  # as for + and *: each partial is an input or a number
            n = len(self.inputs)
            return [slots[slot] if slot < n else constant(constants[slot]) for slot in outputs]
        made: dict[int, Any] = dict(enumerate(slots))
        for slot, x in constants.items():
            made[slot] = constant(x)
        stack = [slot for slot in outputs if slot not in made]
        while stack:
            slot = stack[-1]
            if slot in made:
                stack.pop()
                continue
            row, operands = program.rows[slot], program.operands[slot]
            assert row is not None  # leaves are in `made`
            needs, known = operands, None
            if row is where:
                needs = operands[:1]  # the condition first: if it is known, one branch is enough
                if needs[0] in made:
                    known = number(made[needs[0]])
                    needs = operands if known is None else operands[1:2] if known else operands[2:]
            if missing := [o for o in needs if o not in made]:
                stack += missing
            elif known is not None:
                made[slot] = made[needs[0]]
            else:
                made[slot] = emit(row, tuple([made[o] for o in operands]))
        return [made[slot] for slot in outputs]


def partials_of(row: Primitive, n: int, full: bool) -> Partials:
    """The partials of `row` with `n` inputs.

    Without `full`, comparisons with infinity are taken to fail. That is right wherever the result
    is finite: in the table, the other answer only keeps inf - inf from becoming nan.
    """
    # the partials of a user's own operation may change from one call to the next
    return _of_the_table(row, n, full) if row.name in TABLE else Partials(row, n, full)


_of_the_table = lru_cache(maxsize=4096)(Partials)


@lru_cache(maxsize=1024)
def _partial_row(row: Primitive, k: int, count: int) -> Primitive:
    """Partial `k` of a row as an operation on the inputs and the value of the row."""

    def partial(*inputs_and_out: Any) -> Any:
        return row.partials(*inputs_and_out)[k]

    def value(*inputs_and_out: float) -> float:
        return as_float(partial(*inputs_and_out), f"primitive {row.name!r}: a partial")

    def partials(*inputs: Any, out: Any) -> Any:
        return grad(partial, range(count))(*inputs)

    return Primitive(f"partial {k} of {row.name}", "a partial of an own operation", value, partials)


class _UndecidedError(Exception):
    """The partials branch on a condition that this way of tracing them has not decided yet."""


class _Ways:
    """All the ways in which the branches of a row's partials can go."""

    def __init__(self, row: Primitive, program: Program, full: bool) -> None:
        self.row, self.program, self.full = row, program, full
        *self.inputs, self.out = [_Slot(self, slot) for slot in program.inputs]
        self.decided: dict[int, bool] = {}  # the conditions on the way that is traced now
        self.condition = -1  # the one that is still undecided
        self.count = 0

    def joined(self) -> list[int]:
        """The slots of the partials."""
        self.count += 1
        if self.count > _MOST_WAYS:
            raise SymbolError(
                f"the partials of {self.row.name} branch too often to be recorded: choose with "
                "sg.where"
            )
        try:
            return [x.slot for x in symbolic_partials(self.row, self.inputs, self.out)]
        except _UndecidedError:
            condition = self.condition
        sides = []
        for outcome in (True, False):
            self.decided[condition] = outcome
            sides.append(self.joined())
            del self.decided[condition]
        return [
            a if a == b else self.program.emit(where, (condition, a, b))
            for a, b in zip(*sides, strict=True)
        ]

    def decide(self, condition: int) -> bool:
        constants = self.program.constants
        if condition in constants:
            return constants[condition] != 0.0
        if condition not in self.decided:
            compared = [constants.get(slot, 0.0) for slot in self.program.operands[condition]]
            if not self.full and self.row.name in TABLE and any(map(isinf, compared)):
                return False
            self.condition = condition
            raise _UndecidedError
        return self.decided[condition]


class _Slot(Symbol):
    """A slot of the program of partials as a symbol; simplified by `Program.emit` alone."""

    __slots__ = ("slot", "ways")

    def __init__(self, ways: _Ways, slot: int) -> None:
        self.ways, self.slot = ways, slot

    def emit(self, row: Primitive, operands: tuple[_Slot, ...]) -> _Slot:
        return _Slot(self.ways, self.ways.program.emit(row, tuple([x.slot for x in operands])))

    def constant(self, number: float) -> _Slot:
        return _Slot(self.ways, self.ways.program.constant(number))

    def decide(self) -> bool:
        return self.ways.decide(self.slot)

    def __repr__(self) -> str:
        return f"<symbol {self.slot} of the partials of {self.ways.row.name}>"
