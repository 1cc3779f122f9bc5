"""Numerical differentiation, and the comparison of both modes of differentiation against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import Any

from scalargrad.core.modes import no_grad
from scalargrad.core.numbers import as_count
from scalargrad.core.value import Value
from scalargrad.transforms.functional import checked_function, jacobian, jvp, name_of, vjp
from scalargrad.transforms.tree import leaves, nested, refilled

__all__ = ["GradientCheckError", "check_grads", "numerical_grad"]

_EPSILON = 2.0**-52  # the spacing of floats at 1
_TINY = 2.0**-1022  # below this, floats lose digits


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
    checked_function(f, "numerical_grad")
    if method not in _METHODS:
        raise ValueError(f"numerical_grad: method is one of {', '.join(_METHODS)}, got {method!r}")
    if eps is not None and not eps > 0.0:
        raise ValueError(f"numerical_grad: eps must be positive, got {eps!r}")
    arguments = args if isinstance(args, (tuple, list)) else (args,)

    def at(numbers: Sequence[float]) -> float:
        results = _numbers(f, refilled(arguments, numbers))
        if len(results) != 1:
            raise TypeError(
                f"numerical_grad needs a function that returns one number, {name_of(f)} returned "
                f"{len(results)}"
            )
        return results[0]

    derivative = refilled(arguments, _METHODS[method](at, _plain(arguments), eps))
    return derivative if arguments is args else derivative[0]


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int = 1,
    rtol: float = 1e-6, atol: float = 0.0,
) -> None:  # fmt: skip
    """Compare the derivatives of `f` in reverse and in forward mode with numerical ones.

    Args:
        f: a function of numbers or nestings of numbers, that returns one or a nesting.
        args: the tuple of its arguments, away from kinks.
        order: up to which derivative: 2 checks the second as the derivative of the first.
        rtol, atol: how far apart the two may be: atol, plus rtol times the expected value, plus
            four times the estimated error of the expected value.

    Raises:
        GradientCheckError: they differ; the message names the argument, got and expected.

    >>> check_grads(lambda x, y: x * y**2, (2.0, 3.0), order=2)
    """
    checked_function(f, "check_grads")
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"check_grads takes the arguments as a tuple, got {type(args).__name__}")
    g = f
    for k in range(1, as_count(order, "check_grads: order") + 1):
        _check_first(g, tuple(args), f"derivative {k} of {name_of(f)}", rtol, atol)
        g = jacobian(g, range(len(args)))


def _check_first(
    f: Callable[..., Any], args: tuple[Any, ...], what: str, rtol: float, atol: float
) -> None:
    flat = _plain(args)
    names = [place for i, x in enumerate(args) for place in _places(x, f"argument {i}")]
    outputs = _numbers(f, args)
    m, n = len(outputs), len(flat)

    backward: list[list[float]] = []
    value, pullback = vjp(f, *args)
    for i in range(m):
        unit = refilled(value, [float(i == j) for j in range(m)])
        backward.append(_plain(pullback(unit)))
    forward = []
    for j in range(n):
        unit = refilled(args, [float(i == j) for i in range(n)])
        forward.append(_plain(jvp(f, args, unit)[1]))
    for j in range(n):
        for i in range(m):

            def at(numbers: Sequence[float], i: int = i) -> float:
                return _numbers(f, refilled(args, numbers))[i]

            error, expected = _estimated(at, flat, j, None)
            within = atol + rtol * abs(expected) + 4.0 * error
            for mode, got in (("reverse", backward[i][j]), ("forward", forward[j][i])):
                if not abs(got - expected) <= within and got != expected:
                    output = f" of output {i}" if m > 1 else ""
                    raise GradientCheckError(
                        f"{what}{output} by {names[j]} = {flat[j]!r}: got {got!r} ({mode} mode), "
                        f"expected {expected!r} (numerically). If there is a kink at this point, "
                        f"move away from it"
                    )


def _plain(tree: Any) -> list[float]:
    """The numbers of a nesting in a row, Values as what is in them."""
    row = leaves(tree, "argument")
    return [x.data if isinstance(x, Value) else float(x) for x in row]


def _places(tree: Any, where: str) -> list[str]:
    """The name of every number in a nesting, like "argument 0['w'][1]"."""
    if isinstance(tree, dict):
        return [p for key, x in tree.items() for p in _places(x, f"{where}[{key!r}]")]
    if isinstance(tree, (list, tuple)) or getattr(tree, "shape", None):
        return [p for i, x in enumerate(tree) for p in _places(x, f"{where}[{i}]")]
    return [where]


def _numbers(f: Callable[..., Any], args: Sequence[Any]) -> list[float]:
    with no_grad():  # on Values, since `f` may use their methods
        return _plain(f(*nested(Value, tuple(args), "argument")))


Of = Callable[[Sequence[float]], float]


def _moved(numbers: Sequence[float], i: int, by: float) -> list[float]:
    return [*numbers[:i], numbers[i] + by, *numbers[i + 1 :]]


def _steps(at: Sequence[float], eps: float | None, relative: float) -> list[float]:
    return [relative * max(1.0, abs(x)) if eps is None else eps for x in at]


def _forward(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    steps, base = _steps(at, eps, sqrt(_EPSILON)), f(at)
    return [(f(_moved(at, i, h)) - base) / h for i, h in enumerate(steps)]


def _central(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    return [_symmetric(f, at, i, h) for i, h in enumerate(_steps(at, eps, _EPSILON ** (1 / 3)))]


def _symmetric(f: Of, at: Sequence[float], i: int, h: float) -> float:
    return (f(_moved(at, i, h)) - f(_moved(at, i, -h))) / (2.0 * h)


def _extrapolated(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    return [_estimated(f, at, i, eps)[1] for i in range(len(at))]


def _estimated(f: Of, at: Sequence[float], i: int, eps: float | None) -> tuple[float, float]:
    """The derivative by extrapolation, behind an estimate of its error."""
    # From several steps: which of them suits depends on how fast the function bends. Relative
    # errors are compared, because differences across a pole near 0 look calm in absolute terms:
    # 1 / x at 1e-3 gave 3.3 instead of -1e6.
    size = abs(at[i]) or 1.0
    starts = {eps} if eps is not None else {0.03, 0.03 * size, 3e-5 * max(1.0, size)}
    estimates = [_ridders_within(f, at, i, h) for h in sorted(starts)]
    return min(estimates, key=_relative)


def _relative(estimate: tuple[float, float]) -> float:
    error, derivative = estimate
    return error / abs(derivative) if derivative else inf if error else 0.0


def _ridders_within(f: Of, at: Sequence[float], i: int, h: float) -> tuple[float, float]:
    for attempt in range(12):
        try:
            return _ridders(f, at, i, h / 8.0**attempt)
        except (ValueError, ZeroDivisionError, OverflowError) as outside:
            fault = outside  # the step led out of the domain
    raise fault


def _ridders(f: Of, at: Sequence[float], i: int, h: float) -> tuple[float, float]:
    """Central differences at h, h/1.4, h/1.4**2 ..., extrapolated: (error estimate, derivative)."""
    # a tiny step sees no change, and so no error either: rounding and underflow are its errors
    rounding = (_EPSILON * abs(f(at)) + _TINY) / h
    shrink = 1.4**2
    best, smallest = inf, inf
    row: list[float] = []
    for _ in range(12):
        above, row = row, [_symmetric(f, at, i, h)]
        best = row[0] if not above else best
        factor = shrink
        for k, coarse in enumerate(above):
            row.append((factor * row[k] - coarse) / (factor - 1.0))
            factor *= shrink
            error = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - coarse))
            if error <= smallest:
                smallest, best = error, row[k + 1]
        h /= 1.4
    return smallest + rounding, best


_METHODS = {"forward": _forward, "central": _central, "extrapolated": _extrapolated}
