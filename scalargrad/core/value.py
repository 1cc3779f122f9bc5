"""Value: a number that records how it was computed, with the operators that programs use most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from scalargrad.core import primitives as row
from scalargrad.core.copying import Copies
from scalargrad.core.modes import active, builds, no_grad, note_leaf, recorder, watching
from scalargrad.core.node import (
    CONSTANT,
    DETACHED,
    Node,
    backward,
    binary,
    fill,
    gradients,
    leaf,
    nary,
    numbers,
    order,
    register,
    set_gradients,
    set_numbers,
)  # fmt: skip
from scalargrad.core.numbers import as_float, is_number
from scalargrad.core.rows import Primitive

__all__ = [
    "Value", "clear_grads", "constant", "data_of", "grads_of", "set_data", "stop_gradient",
    "topological_order",
]  # fmt: skip


class Value(Node, Copies):
    """One real number in a computation, with the graph that computed it.

    Args:
        data: any real number (int, float, bool, Fraction, NumPy scalar); stored as a float.
        label: a name for pictures and messages.

    Attributes:
        data (float): the number; writable.
        grad (float): the derivative that `backward` adds to or sets; writable. None clears it.
        op (str): the operation that computed the value, "" for a leaf.
        parents (tuple of Value): its operands.
        partials (tuple of float): the local derivative with respect to each operand.

    Raises:
        TypeError: `data` is not a real number, or `label` not a string.

    Plain numbers may stand on either side of an operator. Comparisons, `==` among them, compare
    numbers; `hash` is that of the object, so Values are keys of dicts by identity.

    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> z = x * y + x**2
    >>> z.backward()
    >>> z.data, x.grad, y.grad
    (15.0, 8.0, 3.0)
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"Value: label must be a string, got {type(label).__name__}")
        fill(self, data if data.__class__ is float else as_float(data, "Value"), label)
        if watching:
            note_leaf(self)

    @property
    def data(self) -> float:
        """The number."""
        if active:
            _check_access(self, "reads .data of")
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        if active:
            _check_access(self, "sets .data of")
        self._data = number if number.__class__ is float else as_float(number, "Value.data")

    @property
    def grad(self) -> float:
        """The derivative of the value that `backward` was last called on by this one."""
        if active:
            _check_access(self, "reads .grad of")
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        if active:
            _check_access(self, "sets .grad of")
        if number.__class__ is not float:  # None clears a gradient in PyTorch
            number = 0.0 if number is None else as_float(number, "Value.grad")
        self._grad = number

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative with respect to each operand, as of when the value was computed."""
        if active:
            _check_access(self, "reads .partials of")
        return super().partials

    @property
    def op(self) -> str:
        """The operation that computed this value, like "+" or "tanh"; "" for a leaf."""
        return "" if self._row is None else self._row.symbol

    @property
    def is_constant(self) -> bool:
        """Whether this leaf stands for a plain number, like the 2 of `2 * x`."""
        return self._row is CONSTANT

    def backward(self, seed: float = 1.0) -> None:
        """Compute the derivative of this value with respect to every node of its graph.

        Afterwards each node's `grad` holds it. Leaves accumulate over calls, as in PyTorch (set
        `grad` to 0 between them); inner nodes are set afresh.

        Args:
            seed: the derivative to start from, that of this value with respect to itself.

        Raises:
            RuntimeError: the value was computed without a graph.

        >>> x = Value(2.0)
        >>> (x * x * x).backward()
        >>> x.grad
        12.0
        """
        seed = as_float(seed, "backward: the seed")
        if active:
            _check_access(self, "calls .backward() of")
        if self._row is DETACHED or self._row is CONSTANT:
            raise RuntimeError(
                f"backward: {self!r} was computed without a graph (in no_grad, or by "
                "stop_gradient), so there is nothing to differentiate: compute it outside no_grad"
            )
        backward(self, seed)

    # The mode of the context is asked here and in the four operators below.

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """The result of an operation on Values and numbers, as a node; see `Traced`."""
        if active and (recording := recorder()):
            return recording.apply(primitive, inputs)
        if len(inputs) == 1:  # without the lists below: 0.8 us instead of 1.2
            data = primitive.evaluate((self._data,), inputs)
            if active and not builds():
                return leaf(data, DETACHED)
            return nary(primitive, data, inputs, tuple(primitive.partials(self._data, data)))
        name = primitive.name
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        inner = [x._data for x in operands]
        data = primitive.evaluate(inner, operands)
        if active and not builds():
            return leaf(data, DETACHED)
        return nary(primitive, data, operands, tuple(primitive.partials(*inner, data)))

    def compare(self, primitive: Primitive, x: Any, y: Any) -> Any:
        """Whether the comparison holds for the numbers; while recording, a value that is 1 or 0."""
        if active and (recording := recorder()):
            return recording.apply(primitive, (x, y))
        x = x if x.__class__ is float else x._data if isinstance(x, Value) else x
        y = y if y.__class__ is float else y._data if isinstance(y, Value) else y
        return primitive.value(x, y) == 1.0

    def decide(self) -> bool:
        """Whether the number is not 0; while recording, this leaves a guard."""
        if active and (recording := recorder()):
            return recording.decide(self)  # type: ignore[no-any-return]
        return self._data != 0.0

    # The four most frequent operators state their partials here, which saves two calls (a test
    # holds them to their rows); the others come from `Operators` and their rows.

    def __add__(self, other: Any) -> Any:
        if active:
            return super().__add__(other)
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        return binary(row.add, self._data + other._data, self, other, 1.0, 1.0)

    def __sub__(self, other: Any) -> Any:
        if active:
            return super().__sub__(other)
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        return binary(row.sub, self._data - other._data, self, other, 1.0, -1.0)

    def __mul__(self, other: Any) -> Any:
        if active:
            return super().__mul__(other)
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        x, y = self._data, other._data
        return binary(row.mul, x * y, self, other, y, x)

    def __truediv__(self, other: Any) -> Any:
        if active:
            return super().__truediv__(other)
        if other.__class__ is not Value and (other := _operand(other)) is None:
            return NotImplemented
        x, y = self._data, other._data
        if not y:
            raise row.div.domain_error(ZeroDivisionError(), (self, other))
        out = x / y
        return binary(row.div, out, self, other, 1.0 / y, -out / y)

    def _refuse(self, *_: object) -> NoReturn:
        if active:
            _check_access(self, "converts to a plain number")
        super()._refuse()

    __float__ = __int__ = __complex__ = __round__ = __trunc__ = _refuse

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        op = f", op={self.op!r}" if self.op else ""
        if active and recorder():
            return f"Recorded({self._data!r} here{label}{op})"
        return f"Value(data={self._data!r}, grad={self._grad!r}{label}{op})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)


register(Value)


def _check_access(value: Value, access: str) -> None:
    """Refuse what a recording would freeze into its program."""
    if recording := recorder():
        recording.check_access(value, access)


def data_of(values: Sequence[Value]) -> list[float]:
    """The numbers of many Values, in a third of the time of reading `data` one by one."""
    return [x.data for x in values] if active else numbers(values)


def grads_of(values: Sequence[Value]) -> list[float]:
    """The gradients of many Values."""
    return [x.grad for x in values] if active else gradients(values)


def set_data(values: Sequence[Value], data: Sequence[float]) -> None:
    """Set the numbers of many Values: all of them, or none if Ctrl-C interrupts."""
    if active:
        for x, number in zip(values, data, strict=True):
            x.data = number
    else:
        set_numbers(values, data)


def clear_grads(values: Sequence[Value]) -> None:
    """Set the gradients of many Values to zero."""
    if active:
        for x in values:
            x.grad = 0.0
    else:
        set_gradients(values, 0.0)


def constant(x: Any, caller: str = "an operation") -> Value:
    """The plain number `x` as a leaf; the error for anything else names the `caller`."""
    number = x if x.__class__ is float else as_float(x, caller)
    return leaf(number, CONSTANT)  # type: ignore[no-any-return]


def _operand(x: Any) -> Value | None:
    """The other operand of an operator as a Value; None if it is no real number."""
    if isinstance(x, Value):
        return x
    return constant(x) if is_number(x) else None


def topological_order(x: Value) -> list[Value]:
    """List all nodes of the graph of `x`, every operand before its results and `x` last.

    Args:
        x: the result whose graph is listed, of any depth.

    Returns:
        The nodes, in the same order on every run.

    Raises:
        TypeError: `x` is not a Value.

    >>> a = Value(2.0, "a")
    >>> [node.label or node.op for node in topological_order(a * a + 1)]
    ['a', '*', '', '+']
    """
    if not isinstance(x, Value):
        raise TypeError(f"topological_order takes a Value, got {type(x).__name__}")
    return order((x,), set())


def stop_gradient(x: Any) -> Any:
    """The number of `x` without its graph: derivatives do not flow through it.

    Args:
        x: a Value or a number.

    Returns:
        A Value without parents, or for a plain number a float.

    Raises:
        TypeError: `x` is neither.

    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0
    """
    if not isinstance(x, Value):
        return as_float(x, "stop_gradient")
    with no_grad():
        return row.identity(x)
