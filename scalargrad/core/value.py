"""Value, a number that remembers how it was made, and backward, the chain rule over its graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import filterfalse
from threading import get_ident
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.copying import Copies
from scalargrad.core.operators import recorder, recorders
from scalargrad.core.rows import Primitive, as_float, is_number

__all__ = ["Value", "no_grad", "stop_gradient", "topological_order"]

_paused: set[int] = set()  # the threads inside no_grad(); empty nearly always, so cheap to ask
_tracing: dict[int, set[Value]] = {}  # the leaves made during a transform, by thread
_new = object.__new__


class Value(Copies):
    """One real number in a computation, with the graph that made it.

    Args:
        data: any real number (int, float, bool, Fraction, NumPy scalar); kept as a float.
        label: a name for pictures and messages.

    Raises:
        TypeError: `data` is anything else, or `label` is no string.

    `data` and `grad` are floats and writable; `op` says what made the value ("" for a leaf), from
    which `parents`, with which local derivatives, `partials`. Numbers may stand on either side of
    an operator; `==` and `hash` go by identity, so that Values can be keys of a dict.

    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> z = x * y + x**2
    >>> z.backward()
    >>> z.data, x.grad, y.grad
    (15.0, 8.0, 3.0)
    """

    # Nearly every node has two operands, and they stand in slots of their own: with two tuples in
    # their place a node cost 2.1 us instead of 1.1 (forward and backward), most of it in the cyclic
    # collector, which visits tuples one by one, and 265 bytes instead of 184. The other nodes keep
    # tuples: _x their operands, _dx their partials, _y None.
    __slots__ = ("__weakref__", "_dx", "_dy", "_row", "_x", "_y", "data", "grad", "label")
    is_recorded = False

    data: float
    grad: float
    label: str
    _row: Primitive | None  # None for a leaf
    _x: Any
    _y: Value | None
    _dx: Any
    _dy: float

    def __init__(self, data: Any, label: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"Value: label must be a string, got {type(label).__name__}")
        self.data = data if data.__class__ is float else as_float(data, "Value")
        self.grad = 0.0
        self.label = label
        self._row = None
        self._link((), ())

    @property
    def op(self) -> str:
        """What made this value: "+", "tanh", "dot" ...; "" for a leaf."""
        return self._row.symbol if self._row else ""

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands in order, one mentioned twice if it was used twice; () for a leaf."""
        return self._x if self._y is None else (self._x, self._y)

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative of this value with respect to each parent, as it was when it was made."""
        return self._dx if self._y is None else (self._dx, self._dy)

    @property
    def is_constant(self) -> bool:
        """True for the leaf that stands for a plain number, like the 2 of `2 * x`."""
        return isinstance(self, _Constant)

    def backward(self, seed: float = 1.0) -> None:
        """Put the derivative of this value by each node of its graph into the node's `grad`.

        Leaves accumulate over calls (set `grad` to 0 between them); inner nodes are set afresh.

        Args:
            seed: the derivative to start from, by default that of this value by itself.

        >>> x = Value(2.0)
        >>> (x * x * x).backward()
        >>> x.grad
        12.0
        """
        seed = as_float(seed, "backward: the seed")
        order = topological_order(self)
        for node in order:
            if node._row or node.grad is None:  # None: who comes from PyTorch clears it so
                node.grad = 0.0
        self.grad += seed
        for node in reversed(order):
            g = node.grad
            if not g:  # a zero adjoint stops here, a zero partial below: 0 * inf is never formed
                continue
            if node._y is not None:
                if node._dx:
                    node._x.grad += g * node._dx
                if node._dy:
                    node._y.grad += g * node._dy
            else:
                for parent, partial in zip(node._x, node._dx, strict=True):
                    if partial:
                        parent.grad += g * partial

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Value:
        if recorders and (recording := recorder()) and recording.takes(inputs):
            return recording.apply(primitive, inputs)  # type: ignore[no-any-return]
        if len(inputs) == 1:  # without the lists below: 0.8 us in place of 1.2
            number = float(self.data)  # users may have put an int or a NumPy scalar there
            data = primitive.evaluate((number,), inputs)
            return new_node(primitive, data, inputs, tuple(primitive.partials(number, data)))
        name = primitive.name
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        numbers = [float(x.data) for x in operands]
        data = primitive.evaluate(numbers, operands)
        return new_node(primitive, data, operands, tuple(primitive.partials(*numbers, data)))

    # The four hot operators state their partials here, which saves two calls (a test holds them to
    # their rows); every other operator comes from `Operators` and its row.

    def __add__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        return _binary(row.add, self.data + other.data, self, other, 1.0, 1.0)

    def __sub__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        return _binary(row.sub, self.data - other.data, self, other, 1.0, -1.0)

    def __mul__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        x, y = self.data, other.data
        return _binary(row.mul, x * y, self, other, y, x)

    def __truediv__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        x, y = self.data, other.data
        if not y:
            raise row.div.domain_error(ZeroDivisionError(), (self, other))
        out = x / y
        return _binary(row.div, out, self, other, 1.0 / y, -out / y)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        op = f", op={self.op!r}" if self.op else ""
        return f"Value(data={self.data!r}, grad={self.grad!r}{label}{op})"

    def _link(self, parents: tuple[Value, ...], partials: tuple[float, ...]) -> None:
        if len(parents) == 2:
            (self._x, self._y), (self._dx, self._dy) = parents, partials
        else:
            self._x, self._y, self._dx, self._dy = parents, None, partials, 0.0
        if not parents and _tracing and get_ident() in _tracing:
            _tracing[get_ident()].add(self)

    def _order(self, seen: set[Value]) -> list[Value]:
        """The graph of this value without the nodes `seen` already; those found are added."""
        order: list[Value] = []
        stack: list[Value | None] = [self]
        pop = stack.pop
        while stack:
            node = pop()
            if node is None:  # the marker: the parents of the node below it are done
                order.append(pop())  # type: ignore[arg-type]
            elif node not in seen:
                seen.add(node)
                if node._y is not None:
                    stack += (node, None, node._y, node._x)
                elif seen.issuperset(node._x):  # a leaf, or all its parents are done
                    order.append(node)
                else:
                    stack += (node, None)
                    stack.extend(filterfalse(seen.__contains__, reversed(node._x)))
        return order


class _Constant(Value):
    """The leaf that stands for a plain number."""

    __slots__ = ()


def constant(x: Any, taker: str = "an operation") -> Value:
    """The plain number `x` as a leaf that no derivative is asked for."""
    node: Value = _new(_Constant)
    node.data = x if x.__class__ is float else as_float(x, taker)
    node.grad, node.label = 0.0, ""
    node._row, node._x, node._y, node._dx, node._dy = None, (), None, (), 0.0
    return node


def _operand(x: Any) -> Value | None:
    """What stands on the other side of an operator, as a Value; None if it is no real number."""
    if isinstance(x, Value):
        return None if x.is_recorded else x  # a recorded value's own operator takes over
    return constant(x) if is_number(x) else None


def _binary(primitive: Primitive, data: float, x: Value, y: Value, dx: float, dy: float) -> Value:
    if _paused and get_ident() in _paused and not recorder():
        return Value(data)
    node = _new(Value)
    node.data = data
    node.grad = 0.0
    node.label = ""
    node._row = primitive
    node._x = x
    node._y = y
    node._dx = dx
    node._dy = dy
    return node


def new_node(
    primitive: Primitive, data: float, parents: tuple[Value, ...], partials: tuple[float, ...]
) -> Value:
    if _paused and get_ident() in _paused and not recorder():
        return Value(data)
    made = _new(Value)
    made.data, made.grad, made.label, made._row = data, 0.0, "", primitive
    made._link(parents, partials)
    return made


def topological_order(x: Value) -> list[Value]:
    """All nodes of the graph of `x`, every parent before its children, `x` last.

    The order is the same on every run, and the depth of the graph does not matter.

    >>> a = Value(2.0, "a")
    >>> [node.label or node.op for node in topological_order(a * a + 1)]
    ['a', '*', '', '+']
    """
    if not isinstance(x, Value):
        raise TypeError(f"topological_order takes a Value, got {type(x).__name__}")
    return x._order(set())


@contextmanager
def _building(on: bool) -> Iterator[None]:
    """Let this thread build graphs, or not, for a while."""
    thread = get_ident()
    was_on = thread not in _paused
    (_paused.discard if on else _paused.add)(thread)
    try:
        yield
    finally:
        (_paused.discard if was_on else _paused.add)(thread)


def no_grad(function: Any = None) -> Any:
    """A context (or decorator) in which this thread computes values but builds no graph.

    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (4.0, ())
    """
    if function is None:
        return _building(False)
    if not callable(function):
        raise TypeError(f"no_grad takes nothing or a function, got {type(function).__name__}")
    return _building(False)(function)


def stop_gradient(x: Any) -> Any:
    """The value of `x` without its history: what is computed from it has no derivative by `x`.

    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0
    """
    if recorders and (recording := recorder()) and recording.follows(x):
        return recording.stopped(x)
    return Value(x.data) if isinstance(x, Value) else as_float(x, "stop_gradient")
