"""The table to 60 digits: each operation with its exact first and second derivatives, by mpmath.

An entry of `EXACT` takes the inputs as numbers of mpmath, which hold a float exactly, and returns
the value, the gradient and the Hessian. The formulas are written here anew, in forms that lose no
digits at this precision; `test_accuracy.py` holds them to mpmath's own differences.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import mpmath as mp

from scalargrad import Value
from scalargrad.core.rows import Primitive

DIGITS = 60
# Underflow takes digits below 2e-308, also of what a smaller number is made of.
FLOOR, LARGEST = 1e-305, 1.7976931348623157e308

Exact = tuple[Any, list[Any], list[list[Any]]]
UNARY: dict[str, Callable[[Any], tuple[Any, Any, Any]]] = {}


def unary(function: Callable[[Any], tuple[Any, Any, Any]]) -> Any:
    UNARY[function.__name__] = function
    return function


def _logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _bell(x: Any) -> Any:
    return mp.exp(-x * x / 2)


def _normal(x: Any) -> Any:
    return _bell(x) / mp.sqrt(2 * mp.pi)


def _sech2(x: Any) -> Any:
    return mp.sech(x) ** 2


@unary
def sigmoid(x: Any) -> Any:
    s, t = _logistic(x), _logistic(-x)
    return s, s * t, -s * t * mp.tanh(x / 2)


@unary
def softplus(x: Any) -> Any:
    s, t = _logistic(x), _logistic(-x)
    return max(x, 0) + mp.log1p(mp.exp(-abs(x))), s, s * t


@unary
def silu(x: Any) -> Any:
    s, t = _logistic(x), _logistic(-x)
    return x * s, s * (1 + x * t), s * t * (2 - x * mp.tanh(x / 2))


@unary
def ndtr(x: Any) -> Any:
    if abs(x) > 1000:  # beyond all floats; mpmath's erfc fails further out
        return (mp.mpf(x > 0),) + (mp.mpf(0),) * 2
    return mp.erfc(-x / mp.sqrt(2)) / 2, _normal(x), -x * _normal(x)


@unary
def gelu(x: Any) -> Any:
    share = ndtr(x)[0]
    return x * share, share + x * _normal(x), _normal(x) * (2 - x * x)


@unary
def elu(x: Any) -> Any:
    return (x, mp.mpf(1), mp.mpf(0)) if x > 0 else (mp.expm1(x), mp.exp(x), mp.exp(x))


@unary
def erf(x: Any) -> Any:
    slope = 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)
    if abs(x) > 1000:  # likewise
        return mp.sign(x), slope, -2 * x * slope
    return mp.erf(x), slope, -2 * x * slope


def _linear(function: Callable[[Any], Any], slope: Callable[[Any], float]) -> Any:
    return lambda x: (function(x), mp.mpf(slope(x)), mp.mpf(0))


def _root(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


UNARY |= {
    "neg": _linear(lambda x: -x, lambda x: -1),
    "identity": _linear(lambda x: x, lambda x: 1),
    "stopped": _linear(lambda x: x, lambda x: 0),
    "abs": _linear(abs, mp.sign),
    "sign": _linear(mp.sign, lambda x: 0),
    "floor": _linear(mp.floor, lambda x: 0),
    "ceil": _linear(mp.ceil, lambda x: 0),
    "relu": _linear(lambda x: max(x, 0), lambda x: x > 0),
    "leaky_relu": _linear(
        lambda x: x if x > 0 else x * mp.mpf(0.01), lambda x: 1 if x > 0 else 0.01
    ),
    "exp": lambda x: (mp.exp(x),) * 3,
    "exp2": lambda x: (mp.power(2, x), mp.power(2, x) * mp.ln2, mp.power(2, x) * mp.ln2**2),
    "expm1": lambda x: (mp.expm1(x), mp.exp(x), mp.exp(x)),
    "log": lambda x: (mp.log(x), 1 / x, -1 / x**2),
    "log2": lambda x: (mp.log(x) / mp.ln2, 1 / (x * mp.ln2), -1 / (x**2 * mp.ln2)),
    "log10": lambda x: (mp.log(x) / mp.ln10, 1 / (x * mp.ln10), -1 / (x**2 * mp.ln10)),
    "log1p": lambda x: (mp.log1p(x), 1 / (1 + x), -1 / (1 + x) ** 2),
    "inverse": lambda x: (1 / x, -1 / x**2, 2 / x**3),
    "sqrt": lambda x: (mp.sqrt(x), 1 / (2 * mp.sqrt(x)), -1 / (4 * x * mp.sqrt(x))),
    "cbrt": lambda x: (_root(x), 1 / (3 * _root(x) ** 2), -2 / (9 * _root(x) ** 5)),
    "sin": lambda x: (mp.sin(x), mp.cos(x), -mp.sin(x)),
    "cos": lambda x: (mp.cos(x), -mp.sin(x), -mp.cos(x)),
    "tan": lambda x: (mp.tan(x), mp.sec(x) ** 2, 2 * mp.tan(x) * mp.sec(x) ** 2),
    "asin": lambda x: (mp.asin(x), (1 - x * x) ** -0.5, x * (1 - x * x) ** -1.5),
    "acos": lambda x: (mp.acos(x), -((1 - x * x) ** -0.5), -x * (1 - x * x) ** -1.5),
    "atan": lambda x: (mp.atan(x), 1 / (1 + x * x), -2 * x / (1 + x * x) ** 2),
    "sinh": lambda x: (mp.sinh(x), mp.cosh(x), mp.sinh(x)),
    "cosh": lambda x: (mp.cosh(x), mp.sinh(x), mp.cosh(x)),
    "tanh": lambda x: (mp.tanh(x), _sech2(x), -2 * mp.tanh(x) * _sech2(x)),
    "asinh": lambda x: (mp.asinh(x), (1 + x * x) ** -0.5, -x * (1 + x * x) ** -1.5),
    "acosh": lambda x: (mp.acosh(x), (x * x - 1) ** -0.5, -x * (x * x - 1) ** -1.5),
    "atanh": lambda x: (mp.atanh(x), 1 / (1 - x * x), 2 * x / (1 - x * x) ** 2),
}  # fmt: skip


def _zeros(n: int) -> list[list[Any]]:
    return [[mp.mpf(0)] * n for _ in range(n)]


def _flat(value: Any, *slopes: Any) -> Exact:
    return value, [mp.mpf(slope) for slope in slopes], _zeros(len(slopes))


def _mul(x: Any, y: Any) -> Exact:
    return x * y, [y, x], [[mp.mpf(0), mp.mpf(1)], [mp.mpf(1), mp.mpf(0)]]


def _div(x: Any, y: Any) -> Exact:
    across = -1 / y**2
    return x / y, [1 / y, -x / y**2], [[mp.mpf(0), across], [across, 2 * x / y**3]]


def _pow(x: Any, y: Any) -> Exact:
    out, log = mp.power(x, y), mp.log(x)
    across = out / x * (1 + y * log)
    return (
        out,
        [y * out / x, out * log],
        [
            [y * (y - 1) * out / x**2, across],
            [across, out * log**2],
        ],
    )


def _hypot(x: Any, y: Any) -> Exact:
    r = mp.sqrt(x * x + y * y)
    across = -x * y / r**3
    return r, [x / r, y / r], [[y * y / r**3, across], [across, x * x / r**3]]


def _atan2(y: Any, x: Any) -> Exact:
    r2 = x * x + y * y
    across = (y - x) * (y + x) / r2**2
    return (
        mp.atan2(y, x),
        [x / r2, -y / r2],
        [
            [-2 * x * y / r2**2, across],
            [across, 2 * x * y / r2**2],
        ],
    )


def _prod(*xs: Any) -> Exact:
    n = len(xs)

    def without(*left_out: int) -> Any:
        return mp.fprod(x for k, x in enumerate(xs) if k not in left_out)

    return (
        without(),
        [without(i) for i in range(n)],
        [[mp.mpf(0) if i == j else without(i, j) for j in range(n)] for i in range(n)],
    )


def _dot(*operands: Any) -> Exact:
    n = len(operands) // 2
    ws, xs, bias = operands[:n], operands[n : 2 * n], operands[2 * n :]
    second = _zeros(len(operands))
    for i in range(n):
        second[i][n + i] = second[n + i][i] = mp.mpf(1)
    return mp.fsum([*map(mp.fmul, ws, xs), *bias]), [*xs, *ws, *(mp.mpf(1) for _ in bias)], second


def _logsumexp(*xs: Any) -> Exact:
    n, top = len(xs), max(xs)
    powers = [mp.exp(x - top) for x in xs]
    total = mp.fsum(powers)
    ws = [power / total for power in powers]
    rest = [mp.fsum(ws[:i] + ws[i + 1 :]) for i in range(n)]
    return (
        top + mp.log(total),
        ws,
        [[ws[i] * rest[i] if i == j else -ws[i] * ws[j] for j in range(n)] for i in range(n)],
    )


def _mod(x: Any, y: Any) -> Exact:
    with mp.workdps(700):  # as many digits as a quotient of floats can have
        whole = mp.floor(x / y)
        return _flat(x - whole * y, 1, -whole)


def _of_unary(row: Callable[[Any], tuple[Any, Any, Any]]) -> Callable[..., Exact]:
    def exact(x: Any) -> Exact:
        value, slope, second = row(x)
        return value, [slope], [[second]]

    return exact


EXACT: dict[str, Callable[..., Exact]] = {
    **{name: _of_unary(row) for name, row in UNARY.items()},
    "add": lambda x, y: _flat(x + y, 1, 1),
    "sub": lambda x, y: _flat(x - y, 1, -1),
    "mul": _mul,
    "div": _div,
    "floordiv": lambda x, y: _flat(_mod(x, y)[1][1] * -1, 0, 0),
    "mod": _mod,
    "pow": _pow,
    "atan2": _atan2,
    "hypot": _hypot,
    "minimum": lambda x, y: _flat(min(x, y), x < y, x > y),
    "maximum": lambda x, y: _flat(max(x, y), x > y, x < y),
    "sum": lambda *xs: _flat(mp.fsum(xs), *[1] * len(xs)),
    "mean": lambda *xs: _flat(mp.fsum(xs) / len(xs), *[mp.mpf(1) / len(xs)] * len(xs)),
    "prod": _prod,
    "dot": _dot,
    "logsumexp": _logsumexp,
}


def _logistic_terms(x: Any) -> Exact:
    s, t = _logistic(x), _logistic(-x)
    return mp.mpf(0), [s], [[2 * s * t]]


def _sum_terms(*xs: Any) -> Exact:
    return mp.fsum(map(abs, xs)), [mp.mpf(0)] * len(xs), _zeros(len(xs))


def _dot_terms(*operands: Any) -> Exact:
    n = len(operands) // 2
    products = map(mp.fmul, operands[:n], operands[n : 2 * n])
    return (
        mp.fsum(map(abs, [*products, *operands[2 * n :]])),
        [mp.mpf(0)] * len(operands),
        _zeros(len(operands)),
    )


def _logsumexp_terms(*xs: Any) -> Exact:
    n, (_, weights, _) = len(xs), _logsumexp(*xs)
    second = _zeros(n)
    for i in range(n):
        second[i][i] = weights[i]
    return abs(max(xs)), [mp.mpf(0)] * n, second


def _pow_terms(x: Any, y: Any) -> Exact:
    across = mp.power(x, y) / x
    return mp.mpf(0), [mp.mpf(0)] * 2, [[mp.mpf(0), across], [across, mp.mpf(0)]]


# What an error is measured against where the number itself may be arbitrarily close to 0: one of
# the terms whose difference it is. Only numbers with more digits than a float could do better.
TERMS: dict[str, Callable[..., Exact]] = {
    "silu": _logistic_terms,
    "gelu": lambda x: (mp.mpf(0), [ndtr(x)[0]], [[2 * _normal(x)]]),
    "sum": _sum_terms,
    "mean": _sum_terms,
    "dot": _dot_terms,
    "logsumexp": _logsumexp_terms,
    "pow": _pow_terms,
}


def exact(name: str, point: Sequence[float]) -> Exact:
    """The value, gradient and Hessian of an operation at floats.

    The number of digits is doubled until the result stays the same.
    """
    digits = DIGITS
    while True:
        with mp.workdps(digits):
            rough = EXACT[name](*map(mp.mpf, point))
        with mp.workdps(2 * digits):
            fine = EXACT[name](*map(mp.mpf, point))
            pairs = zip(_numbers(rough), _numbers(fine), strict=True)
            if all(abs(x - y) <= abs(y) * mp.mpf(10) ** -30 for x, y in pairs):
                return fine
        digits *= 4


def _numbers(result: Exact) -> list[Any]:
    value, gradient, hessian = result
    return [value, *gradient, *[x for line in hessian for x in line]]


def error(got: float, wanted: Any, scale: Any = 0) -> float:
    """The relative error of a float in units of 2 ** -53, half a unit in the last place of 1.

    Beyond the largest float, infinity is right, and so is what infinite terms come to.
    """
    if not isfinite(got):
        return 0.0 if abs(wanted) > LARGEST * (1 - 2.0**-50) else inf
    size = max(abs(wanted), abs(scale), mp.mpf(FLOOR))
    return float(min(abs(mp.mpf(got) - wanted) / size * 2**53, mp.mpf(10) ** 300))


@dataclass(frozen=True)
class Errors:
    """The errors of an operation at a point: of its value, and the largest of its derivatives."""

    value: float
    partial: float
    second: float


def errors(row: Primitive, point: Sequence[float]) -> Errors | None:
    """The errors of a row at a point; None where it is undefined or overflows."""
    try:
        out = row.evaluate(point)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    if not isfinite(out):
        return None
    n = range(len(point))
    value, gradient, hessian = exact(row.name, point)
    if row.name in TERMS:
        with mp.workdps(DIGITS):
            size, slopes, seconds = TERMS[row.name](*map(mp.mpf, point))
    else:
        size, slopes, seconds = 0, [0] * len(n), [[0] * len(n)] * len(n)
    partials = row.partials(*point, out)
    inputs = [Value(x) for x in point]
    found = []
    for i, partial in enumerate(row.partials(*inputs, row(*inputs))):
        got = _gradient(partial, inputs) if isinstance(partial, Value) else [0.0] * len(n)
        found += [error(got[j], hessian[i][j], seconds[i][j]) for j in n]
    return Errors(
        error(out, value, size),
        max(error(float(partials[i]), gradient[i], slopes[i]) for i in n),
        max(found),
    )


def _gradient(out: Value, inputs: Sequence[Value]) -> list[float]:
    for x in inputs:
        x.grad = 0.0
    out.backward()
    return [x.grad for x in inputs]


# --- where ---------------------------------------------------------------------------------------


def line(rng: random.Random, count: int) -> list[float]:
    """Numbers of both signs and all magnitudes, most of them where functions bend."""
    xs = [rng.choice((-1, 1)) * 10.0 ** rng.uniform(-323.3, 308.2) for _ in range(count // 4)]
    xs += [rng.choice((-1, 1)) * 10.0 ** rng.uniform(-12, 3) for _ in range(count // 4)]
    xs += [rng.choice((-1, 1)) * (1 + rng.choice((-1, 1)) * 2.0 ** rng.uniform(-53, -1))
           for _ in range(count // 4)]  # fmt: skip
    xs += [rng.uniform(-40, 40) for _ in range(count // 6)]
    return xs + [rng.uniform(-750, 750) for _ in range(count - len(xs))]


EDGES = [
    5e-324, 2.2250738585072014e-308, 1e-160, 1e-17, 2.0**-27, 0.5, 0.625, 1 - 2.0**-53, 1.0,
    1 + 2.0**-52, 1.25, 1.5707963267948966, 3.141592653589793, 9.0, 19.0, 20.0, 27.0, 37.0, 38.0,
    88.0, 709.0, 745.0, 1e8, 1e16, 1e77, 1e154, 1e155, 1e200, 1e300, 1.7976931348623157e308,
]  # fmt: skip
MODERATE = 1e150  # of several operands, whose products and quotients are floats too


def usable(row: Primitive, point: Sequence[float]) -> bool:
    """Whether the accuracy of a row is stated at a point: not at kinks, nor at underflow."""
    if row.arity == 1:
        return point not in row.kinks
    if row.name == "pow":  # its second partials have the exponent y - 2
        return point[0] > 0.0 and 1e-100 < point[0] < 1e100 and abs(point[1]) < 1e3
    if row.name == "logsumexp":
        return all(abs(x) < 1e300 for x in point)
    low = 1e-50 if row.name in ("prod", "dot") else 1e-75
    distinct = len({*point}) == len(point) or row.name not in ("minimum", "maximum")
    return distinct and all(low < abs(x) < 1 / low for x in point)


def points(row: Primitive, rng: random.Random, count: int) -> list[tuple[float, ...]]:
    """Points of a row's whole domain, with those where formulas change or overflow."""
    if row.arity == 1:
        found = [(s * x,) for x in EDGES for s in (1.0, -1.0)] + [(x,) for x in line(rng, count)]
    else:
        n = row.arity or 4
        found = []
        while len(found) < count:
            xs = line(rng, 12)
            if row.name == "pow":
                xs = [*map(abs, xs)]
            near = xs[0] * (1 + 2.0 ** rng.uniform(-52, -1))
            sample = [rng.choice([*xs, near, xs[0], -xs[0]]) for _ in range(n)]
            found.append(tuple(sample))
            found.append(tuple(rng.uniform(-4.0, 4.0) for _ in range(n)))
            found.append(tuple(10.0 ** rng.uniform(-9, 9) * rng.choice((-1, 1)) for _ in range(n)))
    return [point for point in found if usable(row, point)]
