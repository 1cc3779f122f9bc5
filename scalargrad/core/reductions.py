"""Functions of a whole list that make one node each, whatever its length: sum, dot ..."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.modes import active, recorder
from scalargrad.core.node import nary, numbers
from scalargrad.core.numbers import as_float, is_number
from scalargrad.core.primitives import exp, maximum, plain_dot
from scalargrad.core.rows import TABLE
from scalargrad.core.value import Value, stop_gradient

__all__ = [
    "dot",
    "dot_of_values",
    "log_softmax",
    "logsumexp",
    "mean",
    "prod",
    "softmax",
    "sum",
    "take",
]


def sum(xs: Iterable[Any]) -> Any:
    """The sum of the numbers or Values `xs` as one node; 0.0 when there are none.

    >>> xs = [Value(1.0), Value(2.0), 3.0]
    >>> sg.sum(xs).data
    6.0
    """
    return TABLE["sum"](*listed(xs, "sum"))


def mean(xs: Iterable[Any]) -> Any:
    """The arithmetic mean of `xs` as one node; a ValueError when there are none.

    >>> sg.mean([1.0, 2.0, 6.0])
    3.0
    """
    return TABLE["mean"](*listed(xs, "mean", at_least=1))


def prod(xs: Iterable[Any]) -> Any:
    """The product of `xs` as one node, differentiable at zeros too; 1.0 when there are none.

    >>> x, y = Value(0.0), Value(5.0)
    >>> sg.prod([x, y]).backward()
    >>> x.grad, y.grad
    (5.0, 0.0)
    """
    return TABLE["prod"](*listed(xs, "prod"))


def dot(ws: Iterable[Any], xs: Iterable[Any], bias: Any = None) -> Any:
    """w1 x1 + ... + wn xn (+ bias) as one node: a neuron's weighted sum.

    Args:
        ws: the weights, numbers or Values.
        xs: as many inputs.
        bias: a number or Value to start the sum from, or None.

    Raises:
        ValueError: the lengths differ; both are named.

    >>> w = [Value(0.5), Value(-1.0)]
    >>> sg.dot(w, [2.0, 3.0], bias=0.25).data
    -1.75
    """
    weights, inputs = listed(ws, "dot"), listed(xs, "dot")
    n = len(weights)
    if n != len(inputs):
        raise ValueError(
            f"dot needs as many inputs as weights, got {len(inputs)} inputs for {n} weights"
        )
    operands = (*weights, *inputs) if bias is None else (*weights, *inputs, bias)
    return TABLE["dot"](*operands)


def dot_of_values(
    ws: Sequence[Value], xs: Sequence[Value], x: Sequence[float], bias: Value | None
) -> Value:
    """`dot` for a neuron, which has checked lengths and types; `x` holds the numbers of `xs`.

    Value and partials are stated here, not taken from the row (a test holds them to it): 1.9 us for
    16 inputs instead of 4.6. A layer reads the numbers of its inputs once for all its neurons.
    """
    operands = (*ws, *xs) if bias is None else (*ws, *xs, bias)
    if active:
        return row.dot(*operands)  # type: ignore[no-any-return]
    w = numbers(ws)
    if bias is None:
        return nary(row.dot, plain_dot(w, x, 0.0), operands, (*x, *w))  # type: ignore[no-any-return]
    return nary(row.dot, plain_dot(w, x, bias._data), operands, (*x, *w, 1.0))  # type: ignore[no-any-return]


def logsumexp(xs: Iterable[Any]) -> Any:
    """log(exp(x1) + ... + exp(xn)) as one node; large inputs do not overflow.

    >>> sg.logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return TABLE["logsumexp"](*listed(xs, "logsumexp", at_least=1))


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """The logarithms of `softmax`, more exact than taking them afterwards; a list.

    >>> sg.log_softmax([0.0, 1000.0])
    [-1000.0, 0.0]
    """
    shifted = _shifted(listed(xs, "log_softmax", at_least=1))
    total = logsumexp(shifted)
    return [x - total for x in shifted]


def softmax(xs: Iterable[Any]) -> list[Any]:
    """Each exp(x) divided by the sum of all: positive numbers that add up to 1; a list.

    >>> sg.softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    powers = [exp(x) for x in _shifted(listed(xs, "softmax", at_least=1))]
    total = sum(powers)
    return [power / total for power in powers]


def _shifted(xs: list[Any]) -> list[Any]:
    """Without the largest, which drops out of a softmax: no exp overflows, no digit is lost."""
    largest = stop_gradient(reduce(maximum, xs))
    return [x - largest for x in xs]


def take(values: Sequence[Any], index: Any) -> Any:
    """The element of `values` at `index`, counted as Python does.

    Args:
        values: a list of numbers or Values, or of rows of them.
        index: a whole number; as a number or a Value.

    Raises:
        IndexError: there is no such element.
        ValueError: the index is not whole.

    In a function that `sg.compile` records it is one instruction, made anew for each sample; its
    derivative costs in proportion to the length of the list.

    >>> sg.take([10.0, 20.0, 30.0], 1)
    20.0
    """
    if not hasattr(values, "__getitem__"):
        raise TypeError(f"take picks from a list, got {type(values).__name__}")
    if isinstance(index, Value):
        if active and recorder():
            return _recorded_take(list(values), index)
        index = index.data
    number = as_float(index, "take: the index")
    if number % 1.0 != 0.0:
        raise ValueError(f"take needs a whole number as index, got {number!r}")
    try:
        return values[int(number)]
    except IndexError:
        raise IndexError(f"take: index {int(number)} in a list of {len(values)}") from None


def _recorded_take(values: list[Any], index: Value) -> Any:
    """The choice as an instruction, or one for each column of a list of rows."""
    if not values:
        raise IndexError("take: the list is empty")
    if not all(map(is_number, values)):
        columns = zip(*[list(row) for row in values], strict=True)
        return [_recorded_take(list(column), index) for column in columns]
    return row.take(row.where(index < 0.0, index + float(len(values)), index), *values)


def listed(xs: Iterable[Any], caller: str, at_least: int = 0) -> list[Any]:
    """`xs` as a list; the error for anything else names the `caller`."""
    try:
        values = list(xs)
    except TypeError:
        raise TypeError(
            f"{caller} takes a list of numbers or Values, got {type(xs).__name__}"
        ) from None
    if len(values) < at_least:
        raise ValueError(f"{caller} of an empty list is not defined")
    return values
