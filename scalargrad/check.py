"""Numerical differentiation, and the comparison of both modes of differentiation against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite, isnan, sqrt
from typing import Any

from scalargrad.engine import Value, no_grad
from scalargrad.functional import _map, _name, jacobian, jvp, vjp

__all__ = ["GradientCheckError", "check_grads", "numerical_grad"]

_EPSILON = 2.0**-52  # the spacing of floats at 1


class GradientCheckError(AssertionError):
    """A derivative that differs from the numerical one; the message names argument and values."""


def numerical_grad(
    f: Callable[..., Any], args: Any, method: str = "central", eps: float | None = None
) -> Any:
    """The derivative of `f` from its values alone, as a check on the exact one.

    Args:
        f: a function that returns one number.
        args: its arguments, a tuple or list; a single number or dict counts as the only argument.
        method: "forward", (f(x + eps) - f(x)) / eps, with an error of the order of eps and one
            evaluation for each number beside a shared one; "central",
            (f(x + eps) - f(x - eps)) / 2 eps, of the order of eps**2, with two evaluations;
            "extrapolated", central differences extrapolated to eps = 0 (Ridders, Accurate
            computation of F'(x) and F'(x) F''(x), 1982), good to about 10 digits.
        eps: the step; by default the usual compromise between the error of the formula and that
            of rounding, relative to x: 1.5e-8 forward, 6e-6 central.

    Returns:
        The derivatives in the nesting of `args`.

    Raises:
        TypeError: `f` does not return one number, an argument is no nesting of numbers.
        ValueError: an unknown method, or an `eps` that is not positive.

    >>> derivative = numerical_grad(lambda x: x * x, 3.0)
    >>> round(derivative, 6)
    6.0
    """
    if method not in _METHODS:
        raise ValueError(f"numerical_grad: method is one of {', '.join(_METHODS)}, got {method!r}")
    if eps is not None and not eps > 0.0:
        raise ValueError(f"numerical_grad: eps must be positive, got {eps!r}")
    arguments = args if isinstance(args, (tuple, list)) else (args,)
    flat, rebuild = _flattened(arguments)

    def at(numbers: Sequence[float]) -> float:
        (y,) = _numbers(f, rebuild(numbers))
        return y

    slopes = [_METHODS[method](at, flat, i, eps) for i in range(len(flat))]
    derivative = rebuild(slopes)
    return derivative if arguments is args else derivative[0]


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int = 1,
    rtol: float = 1e-6, atol: float = 1e-7,
) -> None:  # fmt: skip
    """Compare the derivatives of `f` in reverse and in forward mode with numerical ones.

    Args:
        f: a function of numbers or nestings of numbers, that returns one or a nesting.
        args: the tuple of its arguments, away from kinks.
        order: up to which derivative: 2 checks the second as the derivative of the first.
        rtol, atol: how far apart the two may be: atol (in units of the largest value around,
            if that is above 1) plus rtol times the expected value.

    Raises:
        GradientCheckError: they differ; the message names the argument, got and expected.

    >>> check_grads(lambda x, y: x * y**2, (2.0, 3.0), order=2)
    """
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"check_grads takes the arguments as a tuple, got {type(args).__name__}")
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"check_grads: order must be a whole number from 1 on, got {order!r}")
    g = f
    for k in range(1, order + 1):
        _check_first(g, tuple(args), f"derivative {k} of {_name(f)}", rtol, atol)
        g = jacobian(g, range(len(args)))


def _check_first(
    f: Callable[..., Any], args: tuple[Any, ...], what: str, rtol: float, atol: float
) -> None:
    flat, rebuild = _flattened(args)
    names: list[str] = []
    _named_map(names, args)
    outputs = _numbers(f, args)
    m, n = len(outputs), len(flat)

    backward: list[list[float]] = []
    value, pullback = vjp(f, *args)
    like_value = _flattened(value)[1]
    for i in range(m):
        backward.append(_leaves(pullback(like_value([float(i == j) for j in range(m)]))))
    forward = [
        _leaves(jvp(f, args, rebuild([float(i == j) for i in range(n)]))[1]) for j in range(n)
    ]
    for j in range(n):
        for i in range(m):

            def at(numbers: Sequence[float], i: int = i) -> float:
                return _numbers(f, rebuild(numbers))[i]

            expected = _extrapolated(at, flat, j, None)
            scale = max([1.0, *(abs(y) for y in outputs if isfinite(y))])
            for mode, got in (("reverse", backward[i][j]), ("forward", forward[j][i])):
                if isnan(got) or not abs(got - expected) <= atol * scale + rtol * abs(expected):
                    output = f" of output {i}" if m > 1 else ""
                    raise GradientCheckError(
                        f"{what}{output} by {names[j]} = {flat[j]!r}: got {got!r} ({mode} mode), "
                        f"expected {expected!r} (numerically). If there is a kink at this point, "
                        f"move away from it"
                    )


def _flattened(args: Any) -> tuple[list[float], Callable[[Sequence[float]], Any]]:
    """The numbers of nested arguments in a row, and how to nest such a row again."""

    def rebuild(numbers: Sequence[float]) -> Any:
        it = iter(numbers)
        return _map(lambda _: next(it), args, "argument")

    return _leaves(args), rebuild


def _leaves(tree: Any) -> list[float]:
    leaves: list[float] = []
    _map(lambda x: leaves.append(x.data if isinstance(x, Value) else float(x)), tree, "argument")
    return leaves


def _named_map(names: list[str], args: Sequence[Any]) -> None:
    """The name of every number in the arguments, like "argument 0['w'][1]"."""

    def walk(tree: Any, where: str) -> None:
        if isinstance(tree, dict):
            for key, x in tree.items():
                walk(x, f"{where}[{key!r}]")
        elif isinstance(tree, (list, tuple)) or getattr(tree, "shape", None):
            for i, x in enumerate(tree):
                walk(x, f"{where}[{i}]")
        else:
            names.append(where)

    for i, x in enumerate(args):
        walk(x, f"argument {i}")


def _numbers(f: Callable[..., Any], args: Sequence[Any]) -> list[float]:
    with no_grad():
        return _leaves(f(*args))


Of = Callable[[Sequence[float]], float]


def _moved(numbers: Sequence[float], i: int, by: float) -> list[float]:
    return [*numbers[:i], numbers[i] + by, *numbers[i + 1 :]]


def _forward(f: Of, at: Sequence[float], i: int, eps: float | None) -> float:
    h = eps if eps is not None else sqrt(_EPSILON) * max(1.0, abs(at[i]))
    return (f(_moved(at, i, h)) - f(at)) / h


def _central(f: Of, at: Sequence[float], i: int, eps: float | None) -> float:
    h = eps if eps is not None else _EPSILON ** (1 / 3) * max(1.0, abs(at[i]))
    return (f(_moved(at, i, h)) - f(_moved(at, i, -h))) / (2.0 * h)


def _extrapolated(f: Of, at: Sequence[float], i: int, eps: float | None) -> float:
    # From a step in proportion to x and from one of its own size: which of the two suits depends
    # on how fast the function bends, and the smaller error estimate tells.
    starts = {eps} if eps is not None else {0.03, 0.03 * max(1.0, abs(at[i]))}
    return min(_ridders_within(f, at, i, h) for h in starts)[1]


def _ridders_within(f: Of, at: Sequence[float], i: int, h: float) -> tuple[float, float]:
    for _ in range(12):
        try:
            return _ridders(f, at, i, h)
        except (ValueError, ZeroDivisionError, OverflowError):
            h /= 8.0  # the step led out of the domain
    return _ridders(f, at, i, h)


def _ridders(f: Of, at: Sequence[float], i: int, h: float) -> tuple[float, float]:
    """Central differences at h, h/1.4, h/1.4**2 ..., extrapolated: (error estimate, derivative)."""
    shrink = 1.4**2
    best, smallest = inf, inf
    row: list[float] = []
    for _ in range(12):
        above, row = row, [_central(f, at, i, h)]
        best = row[0] if not above else best
        factor = shrink
        for k, coarse in enumerate(above):
            row.append((factor * row[k] - coarse) / (factor - 1.0))
            factor *= shrink
            error = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - coarse))
            if error <= smallest:
                smallest, best = error, row[k + 1]
        h /= 1.4
    return smallest, best


_METHODS = {"forward": _forward, "central": _central, "extrapolated": _extrapolated}
