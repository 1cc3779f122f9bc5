"""The recorder: turns the operations of one run of a function into nodes that can be replayed.

Whatever Python reads from a value during the run would be frozen into the program. So reading is
refused, comparisons become nodes, and where Python asks for their truth, a guard is left. The
recorder belongs to the context of the run; other threads compute with the same Values as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import inf, isnan, nan
from typing import Any, NoReturn

from scalargrad.core.modes import builds
from scalargrad.core.node import CONSTANT, Leaf, constant, owner_of, without_partials
from scalargrad.core.primitives import less, stopped, where
from scalargrad.core.rows import Primitive
from scalargrad.core.value import Value
from scalargrad.replay.partials import partials_of

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

    def __init__(self, instead: Mapping[Value, float], leaves: set[Value]) -> None:
        self.instead, self.leaves = instead, leaves
        self.guards: list[tuple[Any, bool, str]] = []  # a condition, its truth, the line
        self.undefined: tuple[Primitive, Exception, Sequence[Any]] | None = None  # the first one
        self.infinite = False  # whether a partial inside the function may have been infinite
        self._partials: Any = _NoPartials()

    def recorded(self, value: Value) -> bool:
        """Whether the value is the result of an operation of this run."""
        return owner_of(value) is self._partials

    def apply(self, primitive: Primitive, inputs: Sequence[Any]) -> Any:
        """A new node, computed by `primitive` from `inputs`."""
        name = primitive.name
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        try:
            number = primitive.value(*[self.number(x) for x in operands])
        except (ValueError, ZeroDivisionError, OverflowError) as cause:
            number = nan  # the samples are checked when they are run
            self.undefined = self.undefined or (primitive, cause, operands)
        made = without_partials(primitive, number, operands, self._partials)
        if primitive is not stopped and not builds():  # no derivative inside no_grad
            return self.apply(stopped, (made,))
        return made

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
        number = self.number(condition)
        if self.undefined and any(isnan(self.number(x)) for x in (condition, *condition.parents)):
            primitive, cause, operands = self.undefined
            raise primitive.domain_error(cause, [self.number(x) for x in operands])
        holds = number != 0.0
        self.guards.append((condition, holds, calling_line()))
        return holds

    def partials(self, node: Value) -> Sequence[Any]:
        """The partials of a node as nodes, the comparisons in them recorded."""
        row, operands = node._row, node.parents
        partials = partials_of(row, len(operands), full=True)
        self.infinite = self.infinite or partials.may_be_infinite

        def number(x: Any) -> float | None:
            return x if isinstance(x, float) else x._data if x._row is CONSTANT else None

        def emit(row: Primitive, xs: tuple[Any, ...]) -> Any:
            try:
                return row(*xs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return nan  # of plain numbers, on a side that is not chosen

        return partials.inline((*operands, node), emit, float, number)

    def product(self, g: Any, partial: Any) -> Any:
        """An adjoint times a partial; a zero stops there, should one be infinite."""
        product = g * partial
        if self.infinite:
            for factor, other in ((g, partial), (partial, g)):
                if isinstance(factor, Value) and isinstance(other, Value):
                    # a zero times a finite number stays a product: its own slope is not zero
                    stop = where(less(abs(other), inf), product, factor * 0.0)
                    product = where(factor, product, stop)
        return product


def calling_line() -> str:
    """The line of the user's program that runs: the first one outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "scalargrad":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
