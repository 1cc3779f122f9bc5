"""The partials of a row as a small program: evaluated once on symbols, not on numbers.

A row may choose by its inputs, `1.0 if x > 0.0 else 0.0`. With numbers Python decides; a program
has to hold both answers. So the partials are run once for each way their comparisons can turn out,
and the results are joined by `where`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isinf
from typing import Any

from scalargrad.core.numbers import as_float
from scalargrad.core.operators import Operators
from scalargrad.core.primitives import inverse, where
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.program import Program

__all__ = ["Partials", "partials_of"]

_MOST_WAYS = 64  # clip, with the most comparisons of the table, has 8


class Partials:
    """The partials of a row with `n` inputs: a program from inputs and value to one slot each.

    `may_be_infinite` says whether one can be infinite where inputs and value are finite.
    """

    def __init__(self, row: Primitive, n: int, full: bool) -> None:
        self.program = program = Program()
        self.inputs = [program.input(f"x{i}") for i in range(n + 1)]
        self.outputs = _Ways(row, program, self.inputs, full).joined()
        # the inputs are the first slots of all
        self.is_direct = all(s <= n or s in program.constants for s in self.outputs)
        chosen = [program.operands[s][1:] for s, row in enumerate(program.rows) if row is where]
        self.may_be_infinite = (
            row.name not in TABLE
            or inverse in program.rows
            # what is not chosen, like a division by zero, may be infinite
            or any(side not in program.constants for sides in chosen for side in sides)
        )

    def inline(
        self, slots: Sequence[Any], emit: Callable[[Primitive, tuple[Any, ...]], Any],
        constant: Callable[[float], Any], number: Callable[[Any], float | None],
        wanted: Sequence[int] | None = None,
    ) -> list[Any]:  # fmt: skip
        """The partials at these inputs and value; all, or those by the `wanted` inputs.

        `emit(row, operands)` makes an instruction, `constant(x)` a number; `number(slot)` is the
        number in a slot that never changes, or None: then only one side of a choice is made.
        """
        wanted = range(len(self.outputs)) if wanted is None else wanted
        if self.is_direct:  # as for + and *: each partial is an input or a number
            constants, n = self.program.constants, len(self.inputs)
            return [
                slots[slot] if slot < n else constant(constants[slot])
                for slot in [self.outputs[i] for i in wanted]
            ]
        return self._inline([self.outputs[i] for i in wanted], slots, emit, constant, number)

    def _inline(
        self, asked: list[int], slots: Sequence[Any],
        emit: Callable[[Primitive, tuple[Any, ...]], Any],
        constant: Callable[[float], Any], number: Callable[[Any], float | None],
    ) -> list[Any]:  # fmt: skip
        program = self.program
        place: dict[int, Any] = dict(enumerate(slots))
        for slot, x in program.constants.items():
            place[slot] = constant(x)
        stack = [slot for slot in asked if slot not in place]
        while stack:
            slot = stack[-1]
            row, operands = program.rows[slot], program.operands[slot]
            if row is where and slot not in place:
                condition = operands[0]
                if condition not in place:
                    stack.append(condition)
                    continue
                known = number(place[condition])
                if known is not None:
                    taken = operands[1] if known else operands[2]
                    if taken in place:
                        place[slot] = place[taken]
                    else:
                        stack.append(taken)
                        continue
            if slot not in place:
                missing = [o for o in operands if o not in place]
                if missing:
                    stack += missing
                    continue
                assert row is not None  # a leaf has its place
                place[slot] = emit(row, tuple([place[o] for o in operands]))
            stack.pop()
        return [place[slot] for slot in asked]


def partials_of(row: Primitive, n: int, full: bool) -> Partials:
    """The partials of `row` with `n` inputs.

    Without `full`, comparisons with infinity are taken to fail. That is right wherever the result
    is finite: in the table, the other answer only keeps inf - inf from becoming nan.
    """
    # the partials of a user's own operation may be others the next time
    return _of_the_table(row, n, full) if row.name in TABLE else Partials(row, n, full)


_of_the_table = lru_cache(maxsize=4096)(Partials)


class _UndecidedError(Exception):
    """A comparison on whose outcome the partials depend, and which has not been decided."""


class _Ways:
    """All the ways in which the partials of a row can go."""

    def __init__(self, row: Primitive, program: Program, inputs: list[int], full: bool) -> None:
        self.row, self.program, self.full = row, program, full
        self.arguments = [_Symbol(self, slot) for slot in inputs]
        self.decided: dict[int, bool] = {}  # how the conditions turn out, on the way being taken
        self.condition = -1
        self.count = 0

    def joined(self) -> list[int]:
        """The slots of the partials."""
        self.count += 1
        if self.count > _MOST_WAYS:
            raise TypeError(
                f"the partials of {self.row.name} compare too often to be recorded: write the "
                "choice with sg.where"
            )
        try:
            return [self.slot(partial) for partial in self.row.partials(*self.arguments)]
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
        program = self.program
        if condition in program.constants:
            return program.constants[condition] != 0.0
        if condition not in self.decided:
            against = [program.constants.get(slot, 0.0) for slot in program.operands[condition]]
            if not self.full and self.row.name in TABLE and any(map(isinf, against)):
                return False
            self.condition = condition
            raise _UndecidedError
        return self.decided[condition]

    def slot(self, x: Any) -> int:
        return x.slot if isinstance(x, _Symbol) else self.program.constant(as_float(x))


class _Symbol(Operators):
    """A slot of the program of partials, to be computed with as if it were a number."""

    __slots__ = ("slot", "ways")

    def __init__(self, ways: _Ways, slot: int) -> None:
        self.ways, self.slot = ways, slot

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> _Symbol:
        slots = tuple([self.ways.slot(x) for x in inputs])
        return _Symbol(self.ways, self.ways.program.emit(primitive, slots))

    def compare(self, primitive: Primitive, x: Any, y: Any) -> _Symbol:
        return self.apply(primitive, (x, y))

    def decide(self) -> bool:
        return self.ways.decide(self.slot)

    @property
    def data(self) -> float:
        raise TypeError(
            f"the partials of {self.ways.row.name} read .data: written with this library's "
            "functions alone they could be recorded"
        )

    def __repr__(self) -> str:
        return f"<symbol {self.slot} of the partials of {self.ways.row.name}>"
