"""Values that are recorded, and who records them: they do all that Values do, but show no number.

Whatever Python reads from a value would be frozen into the program. So reading is refused,
comparisons are recorded, and where Python asks for their outcome, a guard is left.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf, isnan, nan
from threading import get_ident
from typing import Any, NoReturn

from scalargrad.core.operators import Operators, recorders
from scalargrad.core.primitives import where
from scalargrad.core.rows import Primitive, is_number
from scalargrad.core.value import Value, _Constant, _paused, constant
from scalargrad.replay.choices import held, less, less_equal, same, take
from scalargrad.replay.partials import partials_of

__all__ = ["Recorded", "Recorder", "RecordingError", "number_in", "recorded_leaf"]

# the slots themselves, which Recorded covers
_number: Any = Value.__dict__["data"]
_grad: Any = Value.__dict__["grad"]


class RecordingError(TypeError):
    """A function cannot be recorded: it reads what would be frozen into its program."""


class Recorded(Value):
    """A Value while a function is recorded: its graph is there, its number is not to be had."""

    __slots__ = ()
    is_recorded = True

    # not the engine's four, which read the numbers: these go through `apply`
    __add__, __radd__ = Operators.__add__, Operators.__radd__
    __sub__, __rsub__ = Operators.__sub__, Operators.__rsub__
    __mul__, __rmul__ = Operators.__mul__, Operators.__rmul__
    __truediv__, __rtruediv__ = Operators.__truediv__, Operators.__rtruediv__

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        recorder = recorders.get(get_ident())
        return recorder.apply(primitive, inputs) if recorder else super().apply(primitive, inputs)

    def __eq__(self, other: object) -> Any:
        # Values go by identity. But the function is one of numbers, of which `t == 1` is asked.
        if self is other or not is_number(other) or get_ident() not in recorders:
            return self is other
        return self.apply(same, (self, other))

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return 1.0 - equal if isinstance(equal, Recorded) else not equal

    __hash__ = Value.__hash__

    @property
    def data(self) -> float:
        self._check("reads .data of", "compute with the value itself; sg.where chooses by it")
        return _number.__get__(self)  # type: ignore[no-any-return]

    @data.setter
    def data(self, number: float) -> None:
        self._check("sets .data of", "return the new number, and set it outside")
        _number.__set__(self, number)

    @property
    def grad(self) -> float:
        self._check("reads .grad of", "use sg.grad or sg.value_and_grad inside the function")
        return _grad.__get__(self)  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, number: float) -> None:
        self._check("sets .grad of", "leave gradients to value_and_grad or backward")
        _grad.__set__(self, number)

    @property
    def partials(self) -> tuple[float, ...]:
        self._check("reads .partials of", "use sg.grad inside the function")
        return super().partials

    def backward(self, seed: float = 1.0) -> None:
        self._check("calls .backward() of", "use sg.grad inside, or value_and_grad of the whole")
        super().backward(seed)

    def _refuse(self, *_: object) -> NoReturn:
        self._check("makes a plain number of", "use sg.exp for math.exp, sg.floor for int ...")
        super()._refuse()

    __float__ = __int__ = __complex__ = __round__ = __trunc__ = _refuse

    def _check(self, does: str, instead: str) -> None:
        """Refuse while this thread records; to others this is a Value like any other."""
        if get_ident() in recorders:
            named = f"{self.label!r}" if self.label else f"made by {self.op!r}" if self.op else ""
            raise RecordingError(
                f"{caller()} {does} a value {named or 'without a name'} while it is recorded. "
                f"That would be frozen into the program: {instead}"
            )

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        op = f", op={self.op!r}" if self.op else ""
        return f"Recorded({_number.__get__(self)!r} here{label}{op})"

    def __format__(self, spec: str) -> str:
        # what is printed while recording is a note for the reader, as it is of a Value
        return format(_number.__get__(self), spec) if spec else repr(self)


class _NotKept:
    """Stands where the partials of a value made in a recording would be, should it escape."""

    def __iter__(self) -> NoReturn:
        raise RecordingError(
            "a value that was made while a function was recorded has no partials: there is nothing "
            "to differentiate outside of that function"
        )

    __bool__ = __iter__


_NOT_KEPT: Any = _NotKept()


class Recorder:
    """Who records the run of one function: it takes over the operations on Recorded values."""

    def __init__(self, instead: Mapping[Value, float]) -> None:
        self.instead = instead  # numbers that take the place of those in some leaves
        self.guards: list[tuple[Any, bool, str]] = []  # the condition, how it was, who asked
        self.seen: dict[Value, None] = {}  # Values from elsewhere that were read, in order
        self.undefined: tuple[Primitive, Exception, Sequence[Any]] | None = None  # the first such
        self.infinite = False  # whether a partial inside the function may have been infinite

    def takes(self, inputs: Sequence[Any]) -> bool:
        """Whether an operation on these is to be recorded."""
        for x in inputs:  # noqa: SIM110  (half the time of any())
            if x.__class__ is Recorded:
                return True
        return False

    def apply(self, primitive: Primitive, inputs: Sequence[Any]) -> Any:
        """A new recorded value, made by `primitive` of `inputs`."""
        name, number_in = primitive.name, self.number if self.instead else _number.__get__
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        try:
            number = primitive.value(*[number_in(x) for x in operands])
        except (ValueError, ZeroDivisionError, OverflowError) as cause:
            number = nan  # the samples are checked when they are run
            self.undefined = self.undefined or (primitive, cause, operands)
        made = recorded_leaf(number)
        made._row = primitive
        made._dx = made._dy = _NOT_KEPT
        if len(operands) == 2:
            made._x, made._y = operands
        else:
            made._x = operands
        if primitive is not held and _paused and get_ident() in _paused:
            return self.apply(held, (made,))  # within no_grad there is no derivative
        return made

    def number(self, x: Value) -> Any:
        """The number in a value."""
        if self.instead and x in self.instead:
            return self.instead[x]
        return _number.__get__(x)

    def follows(self, x: Any) -> bool:
        """Whether `x` is recorded; if it is a Value from elsewhere, it will be from now on."""
        if isinstance(x, Value) and not isinstance(x, Recorded):
            self.seen[x] = None
        return isinstance(x, Recorded)

    def stopped(self, x: Any) -> Any:
        return self.apply(held, (x,))

    def compare(self, compare: Callable[[Any, Any], bool], x: Any, y: Any) -> Any:
        """The comparison as a value that is 1 or 0; plain if nothing recorded is compared."""
        if not self.takes((x, y)):
            self.follows(x)
            self.follows(y)
            return compare(x.data, y.data if isinstance(y, Value) else y)
        if compare in (operator.gt, operator.ge):
            x, y = y, x
        return self.apply(less if compare in (operator.lt, operator.gt) else less_equal, (x, y))

    def decide(self, condition: Any) -> bool:
        """The truth of a value; if it was recorded, a guard is left."""
        number = self.number(condition)
        if self.undefined and any(isnan(self.number(x)) for x in (condition, *condition.parents)):
            primitive, cause, operands = self.undefined
            raise primitive.domain_error(cause, [self.number(x) for x in operands])
        holds = bool(number != 0.0)
        if self.follows(condition):
            self.guards.append((condition, holds, caller()))
        return holds

    def take(self, values: Sequence[Any], index: Any) -> Any:
        """The choice of `take` as an instruction, or a row of them."""
        listed = list(values)
        if not listed:
            raise IndexError("take: the list is empty")
        if not all(map(is_number, listed)):
            columns = zip(*[list(row) for row in listed], strict=True)
            return [self.take(column, index) for column in columns]
        from_start = where(index < 0.0, index + float(len(listed)), index)
        return self.apply(take, (from_start, *listed))

    def partials(self, node: Value) -> Sequence[Any]:
        """The partials of a node as values, with the comparisons in them recorded."""
        row, parents = node._row, node.parents
        assert row is not None
        if not self.takes((*parents, node)):
            return row.partials(*parents, node)
        partials = partials_of(row, len(parents), full=True)
        self.infinite = self.infinite or partials.may_be_infinite

        def number(x: Any) -> float | None:
            return x if isinstance(x, float) else x.data if isinstance(x, _Constant) else None

        def emit(row: Primitive, xs: tuple[Any, ...]) -> Any:
            try:
                return row(*xs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return nan  # of plain numbers, on a side that is not chosen

        return partials.inline((*parents, node), emit, float, number)

    def product(self, g: Any, partial: Any) -> Any:
        """An adjoint times a partial; a zero stops there, should one be infinite."""
        product = g * partial
        if self.infinite:
            for factor, other in ((g, partial), (partial, g)):
                if isinstance(factor, Value) and isinstance(other, Value):
                    # a zero times a finite number stays a product: its own slope is not zero
                    stopped = where(less(abs(other), inf), product, factor * 0.0)
                    product = where(factor, product, stopped)
        return product


def recorded_leaf(number: float) -> Value:
    """A new recorded value that stands for itself."""
    made: Value = object.__new__(Recorded)
    _number.__set__(made, number)
    _grad.__set__(made, 0.0)
    made.label, made._row = "", None
    made._x, made._y, made._dx, made._dy = (), None, (), 0.0
    return made


def number_in(value: Value) -> Any:
    """The number in a value, which a recorded one does not show."""
    return _number.__get__(value)


def caller() -> str:
    """The line of the user's program that runs: the first one outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "scalargrad":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
