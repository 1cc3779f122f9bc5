"""The recorder: turns the operations of one run of a function into nodes that can be replayed.

Whatever Python reads from a value during the run would be frozen into the program. So reading is
refused, comparisons become nodes, and where Python asks for their truth, a guard is left. The
recorder belongs to the context of the run; other threads compute with the same Values as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, NoReturn

from scalargrad.core.modes import builds
from scalargrad.core.node import CONSTANT, Leaf, constant, owner_of, without_partials
from scalargrad.core.primitives import stopped, where
from scalargrad.core.rows import Primitive
from scalargrad.core.value import Value
from scalargrad.replay.partials import is_finite, partials_of
from scalargrad.replay.reference import FAULTS, can_fail, value_of

__all__ = ["INPUT", "Recorder", "RecordingError"]

INPUT = Leaf("INPUT")  # stands for a number of the sample

_ADVICE = {
    "reads .data of": "compute with the value itself; sg.where chooses by it",
    "sets .data of": "return the new number, and set it outside",
    "reads .grad of": "use sg.grad or sg.value_and_grad inside the function",
    "sets .grad of": "leave gradients to value_and_grad or backward",
    "reads .partials of": "use sg.grad inside the function",
    "calls .backward() of": "use sg.grad inside, or value_and_grad of the whole",
    "converts to a plain number": "use sg.exp for math.exp, sg.floor for int ...",
}


class RecordingError(TypeError):
    """A function cannot be recorded: it reads what would be frozen into its program."""


class Restart(BaseException):
    """The run has to be repeated, with an error raised where an operation failed."""


class _NoPartials:
    """Stands in place of the partials of a recorded node, which has none."""

    def __iter__(self) -> NoReturn:
        raise RecordingError(
            "a value that was computed while a function was recorded has no partials: there is "
            "nothing to differentiate outside of that function"
        )

    __bool__ = __iter__


class Recorder:
    """Takes over the operations of the context in which a function is recorded.

    Args:
        instead: numbers to use in place of those in some leaves.
        leaves: the leaves created during the run.
    """

    def __init__(
        self, instead: Mapping[Value, float], leaves: set[Value], raising: frozenset[int]
    ) -> None:  # fmt: skip
        self.instead, self.leaves, self.raising = instead, leaves, raising
        self.guards: list[tuple[Any, bool, str]] = []  # a condition, its truth, the line
        # operations that may raise an error, and choices; those that did raise one, with it
        self.checked: list[Value] = []
        self.chosen: list[Value] = []
        self.raised: dict[Value, Exception] = {}
        self.failed: dict[Value, int] = {}  # those that failed and gave nan, with their position
        self.restart: int | None = None  # the position of one that has to raise its error
        self.infinite = False  # whether a partial inside the function may have been infinite
        self._risky: set[int] = set()  # ids of what may be nan or infinite where no sample needs it
        self.derived: list[Value] = []  # what derivatives inside the function consist of
        self._deriving = 0
        self._partials: Any = _NoPartials()

    def recorded(self, value: Value) -> bool:
        """Whether the value is the result of an operation of this run."""
        return owner_of(value) is self._partials

    def apply(self, primitive: Primitive, inputs: Sequence[Any]) -> Any:
        """A new node, computed by `primitive` from `inputs`."""
        name = primitive.name
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        error: Exception | None = None
        try:
            number = value_of(primitive, [self.number(x) for x in operands])
        except FAULTS as cause:
            number, error = nan, cause
        made = without_partials(primitive, number, operands, self._partials)
        fails = can_fail(primitive)
        if fails or (self._risky and not self._risky.isdisjoint(map(id, operands))):
            self._risky.add(id(made))
        if self._deriving:
            self.derived.append(made)
        else:
            if fails:
                self._check(made, error, operands)
            elif primitive is where:
                self.chosen.append(made)
        if primitive is not stopped and not builds():  # no derivative inside no_grad
            return self.apply(stopped, (made,))
        return made

    def _check(self, made: Value, error: Exception | None, operands: Sequence[Any]) -> None:
        """Note an operation that may fail; raise its error where an earlier run has shown it."""
        position = len(self.checked)
        self.checked.append(made)
        if error is None:
            return
        if position in self.raising:
            if isinstance(error, IndexError) or made._row.name == "take":
                self.raised[made] = error
            else:
                numbers = [self.number(x) for x in operands]
                self.raised[made] = made._row.domain_error(error, numbers)
            raise self.raised[made] from None
        self.failed[made] = position

    def number(self, x: Value) -> float:
        """The number of a value in the sample that is recorded."""
        if self.instead and x in self.instead:
            return self.instead[x]
        return x._data

    def check_access(self, value: Value, access: str) -> None:
        """Refuse what would be frozen into the program; leaves created in the run are constants."""
        if value in self.leaves and value._row is not INPUT:
            return
        name = repr(value.label) if value.label else f"made by {value.op!r}" if value.op else ""
        raise RecordingError(
            f"{calling_line()} {access} a value {name or 'without a name'} while it is recorded. "
            f"That would be frozen into the program: {_ADVICE[access]}"
        )

    def decide(self, condition: Value) -> bool:
        """The truth of a value in this sample; a guard holds later samples to it."""
        if self.failed and (position := self._failure(condition)) is not None:
            self.restart = position
            raise Restart
        holds = self.number(condition) != 0.0
        self.guards.append((condition, holds, calling_line()))
        return holds

    def _failure(self, condition: Value) -> int | None:
        """The position of the first failed operation that a condition depends on, or None."""
        found, seen, stack = None, set(), [condition]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.failed:
                found = min(self.failed[node], found if found is not None else sys.maxsize)
            operands: Sequence[Any] = node.parents
            if node._row is where:
                operands = operands[:2] if self.number(operands[0]) else operands[::2]
            elif node._row is is_finite:
                operands = ()
            stack += operands
        return found

    def partials(self, node: Value) -> Sequence[Any]:
        """The partials of a node as nodes, the comparisons in them recorded."""
        row, operands = node._row, node.parents
        partials = partials_of(row, len(operands), full=True)

        def number(x: Any) -> float | None:
            return x if isinstance(x, float) else x._data if x._row is CONSTANT else None

        def emit(row: Primitive, xs: tuple[Any, ...]) -> Any:
            try:
                return row(*xs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return nan  # of plain numbers, on a side that is not chosen

        self._deriving += 1
        try:
            slopes = partials.inline((*operands, node), emit, float, number)
        finally:
            self._deriving -= 1
        if partials.may_be_infinite:
            self.infinite = True
            self._risky.update(map(id, slopes))
        return slopes

    def product(self, g: Any, partial: Any) -> Any:
        """An adjoint times a partial; a zero stops there, should the other be infinite or nan."""
        self._deriving += 1
        try:
            # what is not needed is undefined only where something chooses
            careful = self.chosen or self.infinite
            if careful and (id(g) in self._risky or id(partial) in self._risky):
                return self._careful_product(g, partial)
            return g * partial
        finally:
            self._deriving -= 1

    def _careful_product(self, g: Any, partial: Any) -> Any:
        if not (isinstance(g, Value) and isinstance(partial, Value)):
            return g * partial
        # A zero times a finite number stays a product: its own slope is not zero.
        product = g * partial
        if id(g) in self._risky:
            product = where(is_finite(g), product, where(partial, product, partial * 0.0))
        if id(partial) in self._risky:
            product = where(is_finite(partial), product, where(g, g * partial, g * 0.0))
        return product


def calling_line() -> str:
    """The line of the user's program that runs: the first one outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "scalargrad":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
