"""Value: a number that records how it was computed."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, NoReturn, final

from scalargrad.core import primitives as row
from scalargrad.core.copying import Copies
from scalargrad.core.modes import active, no_grad, recorder
from scalargrad.core.node import (
    CONSTANT,
    DETACHED,
    Node,
    backward,
    check_access,
    clear_gradients,
    gradients,
    numbers,
    order,
    packed,
    register,
    set_gradients,
    set_numbers,
)  # fmt: skip
from scalargrad.core.numbers import as_float

__all__ = [
    "Value", "clear_grads", "data_of", "grads_of", "packed_data", "set_data", "set_grads",
    "stop_gradient", "topological_order",
]  # fmt: skip


@final
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

    Value cannot be subclassed, since operations, derivatives and recorded programs make plain
    Values: the class would be lost at the first operation.

    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> z = x * y + x**2
    >>> z.backward()
    >>> z.data, x.grad, y.grad
    (15.0, 8.0, 3.0)
    """

    __slots__ = ()

    def __init_subclass__(cls, **_: object) -> NoReturn:
        raise TypeError(
            f"Value cannot be subclassed, as by {cls.__name__!r}: operations, derivatives and "
            "recorded programs make plain Values, and the class would be lost at the first of "
            "them. Keep a Value as an attribute of a class of your own (of an nn.Module, it is a "
            "parameter), and add operations by sg.primitive"
        )

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
            check_access(self, "calls .backward() of")
        if self._row is DETACHED or self._row is CONSTANT:
            raise RuntimeError(
                f"backward: {self!r} was computed without a graph (in no_grad, or by "
                "stop_gradient), so there is nothing to differentiate: compute it outside no_grad"
            )
        backward(self, seed)

    def _refuse(self, *_: object) -> NoReturn:
        if active:
            check_access(self, "converts to a plain number")
        super()._refuse()

    __float__ = __int__ = __complex__ = __round__ = __trunc__ = _refuse

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        op = f", op={self.op!r}" if self.op else ""
        if active and (recording := recorder()) and not recording.is_constant(self):
            return f"Recorded({(label + op)[2:]})"  # its number would be frozen into the program
        return f"Value(data={self._data!r}, grad={self._grad!r}{label}{op})"

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        if active:
            check_access(self, "formats")
        return format(self._data, spec)


register(Value)


def data_of(values: Sequence[Value]) -> list[float]:
    """The numbers of many Values, in a third of the time of reading `data` one by one."""
    return [x.data for x in values] if active else numbers(values)


def packed_data(values: Sequence[Value]) -> array[float]:
    """The numbers of many Values, as an array."""
    return array("d", [x.data for x in values]) if active else packed(values)


def grads_of(values: Sequence[Value]) -> list[float]:
    """The gradients of many Values."""
    return [x.grad for x in values] if active else gradients(values)


def set_data(values: Sequence[Value], data: Sequence[float]) -> None:
    """Set the numbers of many Values: all of them, or none if Ctrl-C interrupts."""
    if active:
        for x in values:
            check_access(x, "sets .data of")
    set_numbers(values, data)


def set_grads(values: Sequence[Value], grads: Sequence[float]) -> None:
    """Set the gradients of many Values: all of them, or none if Ctrl-C interrupts."""
    if active:
        for x in values:
            check_access(x, "sets .grad of")
    set_gradients(values, grads)


def clear_grads(values: Sequence[Value]) -> None:
    """Set the gradients of many Values to zero."""
    if active:
        for x in values:
            check_access(x, "sets .grad of")
    clear_gradients(values)


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
