"""Functions of a whole list that make one node each, whatever its length: sum, dot and others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from scalargrad.core import primitives as row
from scalargrad.core.arguments import is_list, listed
from scalargrad.core.modes import active, recorder
from scalargrad.core.native import machine_code
from scalargrad.core.node import DETACHED, leaf, nary
from scalargrad.core.node import numbers as numbers_of
from scalargrad.core.numbers import as_float, is_number, shown
from scalargrad.core.value import Value, stop_gradient

__all__ = [
    "dot",
    "log_softmax",
    "logsumexp",
    "mean",
    "neuron",
    "norm",
    "prod",
    "softmax",
    "sum",
    "take",
]


def sum(xs: Iterable[Any]) -> Any:
    """Add up `xs` as one node, from left to right.

    Args:
        xs: n numbers or Values, n >= 0.

    Returns:
        The sum, 0.0 if there is nothing to add: a Value if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.

    >>> xs = [Value(1.0), Value(2.0), 3.0]
    >>> sg.sum(xs).data
    6.0
    """
    return row.sum(*listed(xs, "sum"))


def mean(xs: Iterable[Any]) -> Any:
    """Compute the arithmetic mean of `xs` as one node.

    Args:
        xs: n numbers or Values, n >= 1.

    Returns:
        The mean, a Value if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.
        ValueError: `xs` is empty.

    >>> sg.mean([1.0, 2.0, 6.0])
    3.0
    """
    return row.mean(*listed(xs, "mean", at_least=1))


def prod(xs: Iterable[Any]) -> Any:
    """Multiply `xs` as one node, which is differentiable at zeros too.

    Args:
        xs: n numbers or Values, n >= 0.

    Returns:
        The product, 1.0 if there is nothing to multiply: a Value if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.

    >>> x, y = Value(0.0), Value(5.0)
    >>> sg.prod([x, y]).backward()
    >>> x.grad, y.grad
    (5.0, 0.0)
    """
    return row.prod(*listed(xs, "prod"))


def norm(xs: Iterable[Any]) -> Any:
    """Compute the length sqrt(x1**2 + ... + xn**2) as one node, without overflow or underflow.

    Args:
        xs: n numbers or Values, n >= 0.

    Returns:
        The length, 0.0 if there is nothing to measure: a Value if one of `xs` is. At the origin,
        where the length has a kink, its derivatives are taken as 0.

    Raises:
        TypeError: `xs` is not a list of numbers.

    >>> x, y = Value(3.0), Value(4.0)
    >>> sg.norm([x, y]).backward()
    >>> x.grad, y.grad
    (0.6, 0.8)
    """
    return row.norm(*listed(xs, "norm"))


def dot(ws: Iterable[Any], xs: Iterable[Any], bias: Any = None) -> Any:
    """Compute w1 x1 + ... + wn xn (+ bias), the weighted sum of a neuron, as one node.

    Args:
        ws: the n weights, numbers or Values.
        xs: the n inputs.
        bias: a number or Value that the sum starts from, or None.

    Returns:
        The sum, a Value if one of the operands is.

    Raises:
        TypeError: `ws` or `xs` is not a list of numbers.
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
    return row.dot(*operands)


def neuron(
    ws: list[Value], xs: list[Value], numbers: list[float], bias: Value | None, activation: Any
) -> Any:
    """activation(w1 x1 + ... + wn xn + bias), for a layer that has checked lengths and types.

    Args:
        ws: the n weights.
        xs: the n inputs.
        numbers: those of `xs`: a layer reads them once for all its neurons.
        bias: a Value, or None.
        activation: a function of the sum, or None.
    """
    # Value and partials of the dot are stated here, not taken from the row (a test holds them to
    # it): 1.9 us for 16 inputs instead of 4.6.
    operands = (*ws, *xs) if bias is None else (*ws, *xs, bias)
    if active:
        z = row.dot(*operands)
    else:
        w = numbers_of(ws)
        if bias is None:
            data, partials = row.plain_dot(w, numbers, 0.0), (*numbers, *w)
        else:
            data, partials = row.plain_dot(w, numbers, bias._data), (*numbers, *w, 1.0)
        z = nary(row.dot, data, operands, partials)
    return z if activation is None else activation(z)


def logsumexp(xs: Iterable[Any]) -> Any:
    """Compute log(exp(x1) + ... + exp(xn)) as one node, without overflow for large inputs.

    Args:
        xs: n numbers or Values, n >= 1.

    Returns:
        The logarithm, a Value if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.
        ValueError: `xs` is empty.

    The largest input is taken out of the sum (Blanchard, Higham and Higham, Accurately computing
    the log-sum-exp and softmax functions, 2021).

    >>> sg.logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return row.logsumexp(*listed(xs, "logsumexp", at_least=1))


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """Compute the logarithms of `softmax`, more accurately than by taking them afterwards.

    Args:
        xs: n numbers or Values, n >= 1.

    Returns:
        A list of n logarithms, Values if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.
        ValueError: `xs` is empty.

    >>> [round(y, 4) for y in sg.log_softmax([0.0, 2.0])]
    [-2.1269, -0.1269]
    """
    shifted = _shifted(xs, "log_softmax")
    total = logsumexp(shifted)
    return [x - total for x in shifted]


def softmax(xs: Iterable[Any]) -> list[Any]:
    """Compute exp(xi) / (exp(x1) + ... + exp(xn)): positive numbers that add up to 1.

    Args:
        xs: n numbers or Values, n >= 1.

    Returns:
        A list of n numbers, Values if one of `xs` is.

    Raises:
        TypeError: `xs` is not a list of numbers.
        ValueError: `xs` is empty.

    The formula is Bridle's (Probabilistic interpretation of feedforward classification network
    outputs, 1990), with the largest input subtracted first, so that no exp overflows.

    >>> [round(y, 4) for y in sg.softmax([0.0, 2.0])]
    [0.1192, 0.8808]
    """
    powers = [row.exp(x) for x in _shifted(xs, "softmax")]
    total = sum(powers)
    return [power / total for power in powers]


def _shifted(xs: Iterable[Any], caller: str) -> list[Any]:
    """Without the largest, which drops out of a softmax: no exp overflows, no digit is lost."""
    values = listed(xs, caller, at_least=1)
    if active:
        largest = stop_gradient(reduce(row.maximum, values))
    else:  # the number is enough: 16 inputs take 4 us instead of 15
        plain = [x._data if isinstance(x, Value) else as_float(x, caller) for x in values]
        top = reduce(row.maximum.value, plain)
        largest = leaf(top, DETACHED) if any(isinstance(x, Value) for x in values) else top
    return [x - largest for x in values]


def take(values: Sequence[Any], index: Any) -> Any:
    """Pick the element of `values` at `index`, which stays a choice in a recorded function.

    Args:
        values: a list of n numbers or Values, or of rows of them.
        index: a whole number from -n to n - 1, as a number or a Value.

    Returns:
        The element itself.

    Raises:
        TypeError: `values` is no list, or the element is neither a number nor a row.
        IndexError: there is no such element.
        ValueError: the index is not a whole number.

    In a function that `sg.compile` records this is one instruction, whose index each sample
    chooses anew; its derivative costs in proportion to the length of the list.

    >>> sg.take([10.0, 20.0, 30.0], 1)
    20.0
    """
    if not is_list(values):
        raise TypeError(f"take picks from a list, got {shown(values)}")
    if isinstance(index, Value):
        if active and recorder():
            return _recorded_take(list(values), index)
        index = index.data
    number = as_float(index, "take: the index")
    if number % 1.0 != 0.0:
        raise ValueError(f"take needs a whole number as index, got {number!r}")
    try:
        found = values[int(number)]
    except IndexError:
        raise IndexError(f"take: index {int(number)} in a list of {len(values)}") from None
    if not is_number(found) and not is_list(found):
        raise TypeError(f"take picks from a list of numbers, Values or rows, got {shown(found)}")
    return found


def _recorded_take(values: list[Any], index: Value) -> Any:
    """The choice as an instruction, or one for each column of a list of rows."""
    if not values:
        raise IndexError("take: the list is empty")
    if not all(map(is_number, values)):
        columns = zip(*[list(row) for row in values], strict=True)
        return [_recorded_take(list(column), index) for column in columns]
    return row.take(row.where(index < 0.0, index + float(len(values)), index), *values)


if machine_code is not None and not TYPE_CHECKING:
    machine_code.setup_neuron(neuron)
    neuron = machine_code.neuron
