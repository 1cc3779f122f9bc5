"""Recording: a function is run once, and what it did with its numbers becomes a program.

The function runs on `Recorded` values, which do all that Values do but never show their number:
whatever Python reads from them would be frozen into the program. Comparisons are recorded, and
where Python asks for their outcome, a guard is left. For the time of the recording parameters
become Recorded too, by their class alone; every other thread finds them as they were.
"""

from __future__ import annotations

import operator
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import nan
from threading import RLock, get_ident
from typing import Any

from scalargrad.engine import Value, _Constant, _paused, constant
from scalargrad.functional import _leaves_made
from scalargrad.nesting import leaves
from scalargrad.operators import Operators, recorders
from scalargrad.primitives import where
from scalargrad.replay.choices import held, less, less_equal, take
from scalargrad.replay.program import Guard, Program
from scalargrad.replay.slopes import slopes_of
from scalargrad.rows import Primitive, is_number

__all__ = ["Recorded", "Recorder", "RecordingError", "recorded"]

# the slots themselves, which Recorded covers
_number: Any = Value.__dict__["data"]
_grad: Any = Value.__dict__["grad"]
_ONE_AT_A_TIME = RLock()  # parameters can be lent to one recording only


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


class Recorder:
    """Who records the run of one function: it takes over the operations on Recorded values."""

    def __init__(self, instead: Mapping[Value, float]) -> None:
        self.instead = instead  # numbers that take the place of those in some leaves
        self.guards: list[tuple[Any, bool, str]] = []  # the condition, how it was, who asked
        self.seen: set[Value] = set()  # values that were compared, though nothing was known of them
        self.infinite = False  # whether a slope inside the function may have been infinite

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
        except (ValueError, ZeroDivisionError, OverflowError):
            number = nan  # the samples are checked when they are run
        made = _recorded_leaf(number)
        made._row = primitive
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

    def stopped(self, x: Any) -> Any:
        return self.apply(held, (x,))

    def compare(self, compare: Callable[[Any, Any], bool], x: Any, y: Any) -> Any:
        """The comparison as a value that is 1 or 0; plain if nothing recorded is compared."""
        if not self.takes((x, y)):
            self.seen |= {v for v in (x, y) if isinstance(v, Value)}
            return compare(x.data, y.data if isinstance(y, Value) else y)
        if compare in (operator.gt, operator.ge):
            x, y = y, x
        return self.apply(less if compare in (operator.lt, operator.gt) else less_equal, (x, y))

    def decide(self, condition: Any) -> bool:
        """The truth of a value; if it was recorded, a guard is left."""
        holds = bool(self.number(condition) != 0.0)
        if self.takes((condition,)):
            self.guards.append((condition, holds, caller()))
        else:
            self.seen.add(condition)
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

    def slopes(self, node: Value) -> Sequence[Any]:
        """The partials of a node as values, with the comparisons in them recorded."""
        row, parents = node._row, node.parents
        assert row is not None
        slopes = slopes_of(row, len(parents), full=True)
        self.infinite = self.infinite or slopes.may_be_infinite

        def number(x: Any) -> float | None:
            return x if isinstance(x, float) else x.data if isinstance(x, _Constant) else None

        return slopes.inline((*parents, node), lambda row, xs: row(*xs), float, number)

    def product(self, g: Any, slope: Any) -> Any:
        """An adjoint times a slope; a zero stops there, should a slope be infinite."""
        product = g * slope
        if self.infinite:
            for factor in (g, slope):
                product = where(factor, product, 0.0) if isinstance(factor, Value) else product
        return product


def recorded(
    f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
    params: Sequence[Value], theta: Sequence[float] | None = None,
) -> Recording:  # fmt: skip
    """Run `f` once and note what it does.

    Args:
        f: the function of one sample.
        args: gives the arguments of `f`, every number in them through the function it is given.
        params: the leaf Values that the caller knows of; others are found.
        theta: the numbers to take for `params`; None means those in them.

    Raises:
        RecordingError: `f` reads a number that would be frozen; what `f` itself raises.
    """
    with _ONE_AT_A_TIME:
        outside: list[Value] = list(params)
        while True:
            recording = Recording(f, args, outside, theta)
            if not recording.found:
                return recording
            outside += recording.found  # now that they are known, nothing is read from them unseen


class Recording:
    """One run of a function: its result, its leaves, its guards; see `program`."""

    def __init__(
        self, f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
        outside: Sequence[Value], theta: Sequence[float] | None,
    ) -> None:  # fmt: skip
        self.inputs: list[Value] = []
        self.outside = list(outside)
        instead = {} if theta is None else dict(zip(outside, map(float, theta), strict=False))
        recorder = Recorder(instead)

        def fresh(number: float) -> Value:
            self.inputs.append(_recorded_leaf(number))
            return self.inputs[-1]

        drawn = random.getstate()
        with _lent(outside), _leaves_made() as made, _recording(recorder):
            arguments = args(fresh)
            out = f(*arguments)
        if random.getstate() != drawn:
            random.setstate(drawn)
            raise RecordingError(
                f"{_name(f)} draws from the random module, and its numbers would be frozen into "
                "the program: draw them outside, and pass them as arguments"
            )
        self.out = out
        self.results = leaves(out, f"the result of {_name(f)}")
        self.guards = recorder.guards
        self.nodes: list[Value] = []
        seen: set[Value] = set()
        for value in [*self.results, *[condition for condition, _, _ in self.guards]]:
            if isinstance(value, Value):
                self.nodes += value._order(seen)
        known = {*self.inputs, *outside}
        for value in recorder.seen - seen:
            self.nodes += value._order(seen)
        self.found = [
            x for x in self.nodes
            if not x.parents and not x.is_constant and x not in known and x not in made
        ]  # fmt: skip
        if not self.found:
            self._check_made_inside(known)

    def _check_made_inside(self, known: set[Value]) -> None:
        """Refuse a Value computed before: it would not follow the leaves it was computed from."""
        moving = set(known)
        for node in self.nodes:
            if node not in moving and any(parent in moving for parent in node.parents):
                moving.add(node)
                if not isinstance(node, Recorded):
                    named = repr(node.label) if node.label else f"made by {node.op!r}"
                    raise RecordingError(
                        f"the function uses a value {named} that was computed outside of it: "
                        "compute it inside, or pass it as an argument"
                    )

    def program(self, names: Sequence[str], parameter_names: Sequence[str]) -> Program:
        """The program of the run; its outputs are the numbers of the result, in a row."""
        program = Program()
        place: dict[Value, int] = {}
        for x, name in zip(self.inputs, names, strict=True):
            place[x] = program.input(name)
        for x, name in zip(self.outside, parameter_names, strict=True):
            place[x] = program.parameter(name)
        for node in self.nodes:
            if node._row is not None and node not in place:
                y = node._y
                if y is not None:
                    operands: tuple[int, ...] = (place[node._x], place[y])
                else:
                    operands = tuple([place[x] for x in node._x])
                place[node] = program.emit(node._row, operands)
            elif node not in place:
                place[node] = program.constant(float(_number.__get__(node)))
        guards: dict[int, Guard] = {}
        for condition, expected, asked in self.guards:
            slot = place[condition]
            if slot not in program.constants:
                guards.setdefault(slot, Guard(slot, expected, asked))
        program.guards = list(guards.values())
        program.outputs = [
            place[x] if isinstance(x, Value) else program.constant(float(x)) for x in self.results
        ]
        return program


def _recorded_leaf(number: float) -> Value:
    made: Value = object.__new__(Recorded)
    _number.__set__(made, number)
    _grad.__set__(made, 0.0)
    made.label, made._row = "", None
    made._x, made._y, made._dx, made._dy = (), None, (), 0.0
    return made


@contextmanager
def _recording(recorder: Recorder) -> Iterator[None]:
    thread = get_ident()
    if thread in recorders:
        raise RecordingError("a compiled function is recorded while another one is")
    recorders[thread] = recorder
    try:
        yield
    finally:
        del recorders[thread]


@contextmanager
def _lent(values: Sequence[Value]) -> Iterator[None]:
    """These leaves are Recorded meanwhile. Numbers and gradients in them stay where they are."""
    before = [value.__class__ for value in values]
    try:
        for value in values:
            value.__class__ = Recorded
        yield
    finally:
        for value, cls in zip(values, before, strict=True):
            value.__class__ = cls


def caller() -> str:
    """The line of the user's program that runs: the first one outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "scalargrad":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)
