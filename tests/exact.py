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


@unary
def erfc(x: Any) -> Any:
    value, slope, second = erf(x)
    return (1 - value if abs(x) > 1000 else mp.erfc(x)), -slope, -second


def _quantile(share: Any) -> Any:
    """The x below which a standard normal variable has this share, of at most 1/2."""
    x = -mp.sqrt(-2 * mp.log(share)) if share < 0.01 else -mp.sqrt(2) * mp.erfinv(1 - 2 * share)
    while True:  # Newton's steps for the logarithm of the share
        below = ndtr(x)[0]
        step = (mp.log(below) - mp.log(share)) * below / _normal(x)
        x -= step
        if abs(step) <= abs(x) * mp.mpf(10) ** (5 - mp.mp.dps):
            return x


@unary
def ndtri(p: Any) -> Any:
    x = _quantile(p) if p < 0.5 else -_quantile(1 - p)
    slope = 1 / _normal(x)
    return x, slope, x * slope**2


@unary
def erfinv(y: Any) -> Any:
    if abs(y) < 0.5:
        x = step = y * mp.sqrt(mp.pi) / 2
        while abs(step) > abs(x) * mp.mpf(10) ** (5 - mp.mp.dps):
            step = (mp.erf(x) - y) / erf(x)[1]
            x -= step
    else:
        x = mp.sign(y) * -_quantile((1 - abs(y)) / 2) / mp.sqrt(2)
    slope = mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
    return x, slope, 2 * x * slope**2


def _hazard(x: Any, count: int = 1) -> list[Any]:
    """The hazard at x and the first quotients `mills`; far out by DLMF 7.9.1."""
    if x > -50:
        found = [_normal(x) / ndtr(x)[0]]
        found.append(x + found[0])
        for k in range(2, count + 1):
            found.append((1 / found[-1] + x) / k)
        return found
    found, tail = [], mp.mpf(0)
    for k in range(300, 0, -1):
        tail = k / (tail - x)
        found.append(tail / k)
    return [tail - x, *found[: -count - 1 : -1]]


@unary
def log_ndtr(x: Any) -> Any:
    slope, excess = _hazard(x)
    if x > 0:
        value = mp.log1p(-ndtr(-x)[0])
    else:
        value = -x * x / 2 - mp.log(2 * mp.pi) / 2 - mp.log(slope)
    return value, slope, -slope * excess


@unary
def hazard(x: Any) -> Any:
    out, one, two = _hazard(x, 2)
    return out, -out * one, out * one * (2 * one - 2 * two)


@unary
def logit(x: Any) -> Any:
    return mp.log(x) - mp.log1p(-x), 1 / (x * (1 - x)), (2 * x - 1) / (x * (1 - x)) ** 2


def _cotangents(n: int, x: Any) -> Any:
    """Derivative n of pi cot(pi x), as a polynomial in the cotangent."""
    c, coefficients = mp.cot(mp.pi * x), [mp.mpf(0), mp.pi]
    for _ in range(n):
        slopes = [k * a for k, a in enumerate(coefficients)][1:]
        coefficients = [-mp.pi * a for a in (*slopes, 0, 0)]
        for k, a in enumerate(slopes):
            coefficients[k + 2] -= mp.pi * a
    return mp.fsum(a * c**k for k, a in enumerate(coefficients))


def _zeta(n: int, x: Any) -> Any:
    """zeta(n + 1, x) n! for x > 0, by the Euler-Maclaurin formula."""
    m, total = n + 1, mp.mpf(0)
    while x < mp.mp.dps / 2 + n:
        total += x**-m
        x += 1
    total += x**-n / n + x**-m / 2
    term, k = total, 1
    while abs(term) > total * mp.mpf(10) ** -mp.mp.dps:
        term = (
            mp.bernoulli(2 * k) / mp.factorial(2 * k) * mp.rf(m, 2 * k - 1) * x ** (1 - m - 2 * k)
        )
        total += term
        k += 1
    return total * mp.factorial(n)


def _polygamma(n: int, x: Any) -> Any:
    if x > 0:
        return mp.digamma(x) if n == 0 else (-1) ** (n + 1) * _zeta(n, x)
    if x > -0.5:
        return _polygamma(n, 1 + x) - (-1) ** n * mp.factorial(n) / x ** (n + 1)
    return (-1) ** n * _polygamma(n, 1 - x) - _cotangents(n, x)


def _polygamma_terms(n: int, x: Any) -> Any:
    """A term of the reflection formula where the terms may cancel; else 0."""
    if x > -0.1 or n % 2:
        return mp.mpf(0)
    if n == 0:
        return abs(_polygamma(0, 1 - x))
    above = x - mp.floor(x)
    return abs(_polygamma(n, min(above, 1 - above)))


@unary
def gamma(x: Any) -> Any:
    slope = _polygamma(0, x)
    out = mp.gamma(x)
    return out, out * slope, out * (slope**2 + _polygamma(1, x))


@unary
def lgamma(x: Any) -> Any:
    if x > 0:
        return mp.loggamma(x), _polygamma(0, x), _polygamma(1, x)
    reflected = mp.log(mp.pi / abs(x * mp.sin(mp.pi * x))) - mp.loggamma(-x)
    return reflected, _polygamma(0, x), _polygamma(1, x)


@unary
def digamma(x: Any) -> Any:
    return _polygamma(0, x), _polygamma(1, x), _polygamma(2, x)


def _sinc(n: int, x: Any) -> Any:
    """Derivative n of sin(pi x) / (pi x), by its Taylor series or from those of z sinc(z)."""
    z = mp.pi * x
    if abs(z) < 2:
        return mp.pi**n * mp.fsum(
            (-1) ** ((n + k) // 2) * z**k / ((n + k + 1) * mp.factorial(k))
            for k in range(n % 2, 2 * mp.mp.dps, 2)
        )
    sine, cosine = mp.sinpi(x), mp.cospi(x)
    swing, out = (sine, cosine, -sine, -cosine), sine / z
    for k in range(1, n + 1):
        out = (swing[k % 4] - k * out) / z
    return mp.pi**n * out


@unary
def sinc(x: Any) -> Any:
    return _sinc(0, x), _sinc(1, x), _sinc(2, x)


def _linear(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    return lambda x: (function(x), mp.mpf(slope(x)), mp.mpf(0))


def _root(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


UNARY |= {
    "neg": _linear(lambda x: -x, lambda x: -1),
    "identity": _linear(lambda x: x, lambda x: 1),
    "stopped": _linear(lambda x: x, lambda x: 0),
    "abs": _linear(abs, mp.sign),
    "sign": _linear(mp.sign, lambda x: 0),
    "rint": _linear(mp.nint, lambda x: 0),
    "radians": _linear(mp.radians, lambda x: mp.pi / 180),
    "degrees": _linear(mp.degrees, lambda x: 180 / mp.pi),
    "one_minus_square": lambda x: (1 - x * x, -2 * x, mp.mpf(-2)),
    "x_times_rest": lambda x: (x * (1 - x), 1 - 2 * x, mp.mpf(-2)),
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


def _sigmoid_slope(x: Any) -> Any:
    slope, t = _logistic(x) * _logistic(-x), mp.tanh(x / 2)
    return slope, -slope * t, slope * (t**2 - 2 * slope)


def _tanh_slope(x: Any) -> Any:
    t, slope = mp.tanh(x), _sech2(x)
    return slope, -2 * t * slope, (4 * t * t - 2 * slope) * slope


def _ndtri_slope(p: Any) -> Any:
    x, slope, second = ndtri(p)
    return slope, second, slope**3 * (1 + 2 * x * x)


def _erfinv_slope(y: Any) -> Any:
    x, slope, second = erfinv(y)
    return slope, second, slope**3 * (2 + 8 * x * x)


def _of_one(function: Callable[..., Any], count: int, place: int = 0) -> Callable[..., Exact]:
    """A row of `count` operands that depends on that at `place` alone."""

    def with_zeros(*operands: Any) -> Exact:
        value, slope, second = function(operands[place])
        gradient, hessian = [mp.mpf(0)] * count, _zeros(count)
        gradient[place], hessian[place][place] = slope, second
        return value, gradient, hessian

    return with_zeros


def _of_order(family: Callable[[int, Any], Any]) -> Callable[..., Exact]:
    """A row of an order and a number, whose derivatives are those of higher order."""
    return lambda order, x: _of_one(
        lambda x: tuple(family(int(mp.nint(order)) + k, x) for k in range(3)), 2, 1
    )(order, x)


def _mills(n: Any, x: Any) -> Exact:
    n = int(mp.nint(n))
    q, after, last = _hazard(x, n + 2)[n:]
    slope = q * ((n + 1) * after - n * q)
    slope_after = after * ((n + 2) * last - (n + 1) * after)
    second = slope * ((n + 1) * after - n * q) + q * ((n + 1) * slope_after - n * slope)
    return _of_one(lambda _: (q, slope, second), 2, 1)(n, x)


def _polygamma_rise(n: Any, x: Any, y: Any) -> Exact:
    n = int(mp.nint(n))
    sums, ats = [[_polygamma(n + k, z) for k in range(3)] for z in (x + y, x)]
    zero = mp.mpf(0)
    return (
        sums[0] - ats[0],
        [zero, sums[1] - ats[1], sums[1]],
        [[zero] * 3, [zero, sums[2] - ats[2], sums[2]], [zero, sums[2], sums[2]]],
    )


def _betaln(x: Any, y: Any) -> Exact:
    total = [_polygamma(k, x + y) for k in range(2)]
    return (
        mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y),
        [_polygamma(0, z) - total[0] for z in (x, y)],
        [[_polygamma(1, x) - total[1], -total[1]], [-total[1], _polygamma(1, y) - total[1]]],
    )


def _beta(x: Any, y: Any) -> Exact:
    log, slopes, seconds = _betaln(x, y)
    out = mp.exp(log)
    return (
        out,
        [out * slope for slope in slopes],
        [[out * (slopes[i] * slopes[j] + seconds[i][j]) for j in (0, 1)] for i in (0, 1)],
    )


def _share(x: Any, y: Any) -> Exact:
    s, slope, second = sigmoid(x - y)
    return s, [slope, -slope], [[second, -second], [-second, second]]


def _logaddexp(x: Any, y: Any) -> Exact:
    s, t, slope = _logistic(x - y), _logistic(y - x), sigmoid(x - y)[1]
    out = max(x, y) + mp.log1p(mp.exp(-abs(x - y)))
    return out, [s, t], [[slope, -slope], [-slope, slope]]


def _exp_difference(x: Any, y: Any) -> Exact:
    out = mp.exp(x - y)
    return out, [out, -out], [[out, -out], [-out, out]]


def _bell_of(x: Any, a: Any) -> Exact:
    out = mp.exp(-a * x * x)
    across = (2 * a * x**3 - 2 * x) * out
    return (
        out,
        [-2 * a * x * out, -x * x * out],
        [[(4 * a * a * x * x - 2 * a) * out, across], [across, x**4 * out]],
    )


def _log_base(x: Any, base: Any) -> Exact:
    top, log = mp.log(x), mp.log(base)
    across = -1 / (x * base * log**2)
    return (
        top / log,
        [1 / (x * log), -top / (base * log**2)],
        [[-1 / (x**2 * log), across], [across, top * (log + 2) / (base**2 * log**3)]],
    )


def _xlogy(x: Any, y: Any) -> Exact:
    return x * mp.log(y), [mp.log(y), x / y], [[mp.mpf(0), 1 / y], [1 / y, -x / y**2]]


def _norm(*xs: Any) -> Exact:
    n, r = len(xs), mp.sqrt(mp.fsum(x * x for x in xs))
    rest = [mp.fsum(x * x for x in xs[:i] + xs[i + 1 :]) for i in range(n)]
    return (
        r,
        [x / r for x in xs],
        [[rest[i] / r**3 if i == j else -xs[i] * xs[j] / r**3 for j in range(n)] for i in range(n)],
    )


def _cosine(x: Any, y: Any, r: Any) -> Exact:
    r, zero = mp.sqrt(x * x + y * y), mp.mpf(0)
    across = y * (2 * x * x - y * y) / r**5
    return (
        x / r,
        [y * y / r**3, -x * y / r**3, zero],
        [
            [-3 * x * y * y / r**5, across, zero],
            [across, x * (2 * y * y - x * x) / r**5, zero],
            [zero] * 3,
        ],
    )


def _turn(x: Any, y: Any, r: Any) -> Exact:
    r2, zero = x * x + y * y, mp.mpf(0)
    one, other = 2 * x * (x * x - 3 * y * y) / r2**3, 2 * y * (3 * x * x - y * y) / r2**3
    return (
        x / r2,
        [(y - x) * (y + x) / r2**2, -2 * x * y / r2**2, zero],
        [[one, other, zero], [other, -one, zero], [zero] * 3],
    )


def _weight(power: Any, total: Any, *_: Any) -> Exact:
    value, slopes, ((_, across), (_, second)) = _div(power, total)
    hessian = _zeros(4)
    hessian[0][1] = hessian[1][0] = across
    hessian[1][1] = second
    return value, [*slopes, mp.mpf(0), mp.mpf(0)], hessian


def _largest(*xs: Any) -> Exact:
    return _flat(max(xs), *[x == max(xs) for x in xs])


def _clip(x: Any, low: Any, high: Any) -> Exact:
    return _flat(min(max(x, low), high), low < x < high, x < low, x > high)


def _where(condition: Any, a: Any, b: Any) -> Exact:
    return _flat(a if condition else b, 0, condition != 0, condition == 0)


def _take(index: Any, *xs: Any) -> Exact:
    return _flat(xs[int(index)], 0, *[k == index for k in range(len(xs))])


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
    "logaddexp": _logaddexp,
    "norm": _norm,
    "polygamma": _of_order(_polygamma),
    "beta": _beta,
    "betaln": _betaln,
    "xlogy": _xlogy,
    "log_base": _log_base,
    "copysign": lambda x, y: _flat(abs(x) * mp.sign(y), mp.sign(x) * mp.sign(y), 0),
    "clip": _clip,
    "where": _where,
    "take": _take,
    "sinc_derivative": _of_order(_sinc),
    "sigmoid_slope": _of_one(_sigmoid_slope, 2),
    "tanh_slope": _of_one(_tanh_slope, 2),
    "ndtri_slope": _of_one(_ndtri_slope, 2),
    "erfinv_slope": _of_one(_erfinv_slope, 2),
    "bell": _bell_of,
    "mills": _mills,
    "polygamma_rise": _polygamma_rise,
    "share": _share,
    "exp_difference": _exp_difference,
    "weight": _weight,
    "largest": _largest,
    "cosine": _cosine,
    "turn": _turn,
    "less": lambda x, y: _flat(mp.mpf(x < y), 0, 0),
    "less_equal": lambda x, y: _flat(mp.mpf(x <= y), 0, 0),
    "equal": lambda x, y: _flat(mp.mpf(x == y), 0, 0),
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


def _sinc_terms(n: int, x: Any) -> Any:
    """The terms of a derivative of sinc where it swings; nearer to 0 it has none."""
    return mp.pi**n / abs(mp.pi * x) if abs(mp.pi * x) > 1 else mp.mpf(0)


def _beta_terms(x: Any, y: Any) -> Exact:
    (out, slopes, _), total = _beta(x, y), _polygamma(1, x + y)
    across = out * total + slopes[0] * slopes[1] / out
    return mp.mpf(0), [mp.mpf(0)] * 2, [[mp.mpf(0), across], [across, mp.mpf(0)]]


def _log_base_terms(x: Any, base: Any) -> Exact:
    second = abs(2 * mp.log(x) / (base**2 * mp.log(base) ** 3))
    return mp.mpf(0), [mp.mpf(0)] * 2, [[mp.mpf(0)] * 2, [mp.mpf(0), second]]


def _tanh_slope_terms(x: Any, _: Any) -> Exact:
    second = _zeros(2)
    second[0][0] = 4 * _sech2(x)
    return mp.mpf(0), [mp.mpf(0)] * 2, second


def _sigmoid_slope_terms(x: Any, _: Any) -> Exact:
    second = _zeros(2)
    second[0][0] = sigmoid(x)[1]
    return mp.mpf(0), [mp.mpf(0)] * 2, second


def _share_terms(x: Any, y: Any) -> Exact:
    slope = sigmoid(x - y)[1]
    return mp.mpf(0), [mp.mpf(0)] * 2, [[slope] * 2] * 2


def _bell_terms(x: Any, a: Any) -> Exact:
    out = mp.exp(-a * x * x)
    across = 2 * abs(x) * out
    return mp.mpf(0), [mp.mpf(0)] * 2, [[2 * a * out, across], [across, mp.mpf(0)]]


def _hazard_terms(x: Any) -> Exact:
    out, one, two = _hazard(x, 2)
    return mp.mpf(0), [mp.mpf(0)], [[2 * out * one * max(one, two)]]


def _mills_terms(n: Any, x: Any) -> Exact:
    n = int(n)
    q, after, last = _hazard(x, n + 2)[n:]
    slope, second = (n + 1) * q * after, (n + 1) * (n + 2) * q * after * last
    return _of_one(lambda _: (mp.mpf(0), slope, second), 2, 1)(n, x)


def _planar_terms(x: Any, y: Any, _: Any, power: int) -> Exact:
    size = mp.sqrt(x * x + y * y) ** -power
    terms = [max(abs(x), abs(y)) * size] * 2 + [mp.mpf(0)]
    return mp.mpf(0), [mp.mpf(0)] * 3, [terms, terms, [mp.mpf(0)] * 3]


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
    "logaddexp": lambda x, y: (max(abs(x), abs(y)), [mp.mpf(0)] * 2, _zeros(2)),
    "gamma": lambda x: (mp.mpf(0), [abs(mp.gamma(x)) * _polygamma_terms(0, x)], [[mp.mpf(0)]]),
    "lgamma": lambda x: (
        mp.mpf(0) if x > 0 else abs(mp.loggamma(-x)) + 1, [_polygamma_terms(0, x)], [[mp.mpf(0)]]
    ),
    "digamma": lambda x: (_polygamma_terms(0, x), [mp.mpf(0)], [[_polygamma_terms(2, x)]]),
    "polygamma": lambda n, x: _of_one(
        lambda x: tuple(_polygamma_terms(int(n) + k, x) for k in range(3)), 2, 1
    )(n, x),
    "sinc": lambda x: (mp.mpf(0), [_sinc_terms(1, x)], [[_sinc_terms(2, x)]]),
    "sinc_derivative": lambda n, x: _of_one(
        lambda x: tuple(_sinc_terms(int(n) + k, x) for k in range(3)), 2, 1
    )(n, x),
    "beta": _beta_terms,
    "betaln": lambda x, y: (mp.mpf(1), [mp.mpf(0)] * 2, _zeros(2)),
    "log_base": _log_base_terms,
    "sigmoid_slope": _sigmoid_slope_terms,
    "tanh_slope": _tanh_slope_terms,
    "share": _share_terms,
    "bell": _bell_terms,
    "hazard": _hazard_terms,
    "mills": _mills_terms,
    "cosine": lambda *xs: _planar_terms(*xs, power=3),
    "turn": lambda *xs: _planar_terms(*xs, power=4),
}  # fmt: skip


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


def _order_and_number(first: int, last: int) -> Callable[[random.Random], tuple[float, ...]]:
    return lambda rng: (float(rng.randint(first, last)), _magnitude(rng, -30, 30))


def _magnitude(rng: random.Random, low: float, high: float) -> float:
    return rng.choice(
        (rng.uniform(-40.0, 40.0), rng.choice((-1, 1)) * 10.0 ** rng.uniform(low, high))
    )


def _positive(rng: random.Random) -> tuple[float, ...]:
    if rng.random() < 0.3:
        return rng.uniform(0.0, 300.0), rng.uniform(0.0, 300.0)
    return 10.0 ** rng.uniform(-12, 12), 10.0 ** rng.uniform(-12, 4)


def _with_out(function: Callable[[float], Any], inside: bool) -> Callable[[random.Random], Any]:
    """A number, and the value of a function there."""

    def draw(rng: random.Random) -> tuple[float, ...]:
        x = rng.choice(line(rng, 12))
        if inside:
            while not 0.0 < abs(x) < 1.0:
                x = rng.choice(line(rng, 12))
        return x, float(function(x))

    return draw


def _weighted(rng: random.Random) -> tuple[float, ...]:
    powers = [rng.random() for _ in range(3)]
    return powers[0], sum(powers), rng.uniform(-9.0, 0.0), 1.0


# Points of rows whose operands depend on each other, or are whole numbers.
OPERANDS: dict[str, Callable[[random.Random], tuple[float, ...]]] = {
    "hazard": lambda rng: (_magnitude(rng, -300, 100),),
    "polygamma": _order_and_number(0, 6),
    "sinc_derivative": _order_and_number(0, 3),
    "mills": lambda rng: (
        1.0,
        rng.choice((rng.uniform(-40.0, 8.0), -(10.0 ** rng.uniform(-30, 3)))),
    ),
    "polygamma_rise": lambda rng: (float(rng.randint(0, 3)), *_positive(rng)),
    "beta": _positive,
    "betaln": _positive,
    "bell": lambda rng: (
        rng.choice((-1, 1)) * 10.0 ** rng.uniform(-30, 1.41),
        rng.choice((0.5, 1.0)),
    ),
    "share": lambda rng: (rng.uniform(-400.0, 400.0), rng.uniform(-400.0, 400.0)),
    "exp_difference": lambda rng: (rng.uniform(-400.0, 400.0), rng.uniform(-400.0, 400.0)),
    "logaddexp": lambda rng: (_magnitude(rng, -30, 30), _magnitude(rng, -30, 30)),
    "sigmoid_slope": _with_out(lambda x: sigmoid(mp.mpf(x))[0], False),
    "tanh_slope": _with_out(lambda x: mp.tanh(x), False),
    "ndtri_slope": _with_out(lambda p: 0.0, True),
    "erfinv_slope": _with_out(lambda y: 0.0, True),
    "weight": _weighted,
    "take": lambda rng: (float(rng.randint(0, 2)), *rng.sample(line(rng, 12), 3)),
    "where": lambda rng: (rng.choice((0.0, 1.0, -2.0)), *rng.sample(line(rng, 12), 2)),
    "clip": lambda rng: (rng.uniform(-6.0, 6.0), rng.uniform(-4.0, 0.0), rng.uniform(0.5, 4.0)),
    "log_base": lambda rng: (abs(_magnitude(rng, -60, 60)), abs(_magnitude(rng, -30, 30))),
}


def usable(row: Primitive, point: Sequence[float]) -> bool:
    """Whether the accuracy of a row is stated at a point: not at kinks, nor at underflow."""
    if row.name in OPERANDS:
        return True
    if row.arity == 1:
        return point not in row.kinks
    if row.name == "pow":  # its second partials have the exponent y - 2
        return point[0] > 0.0 and 1e-100 < point[0] < 1e100 and abs(point[1]) < 1e3
    if row.name == "logsumexp":
        return all(abs(x) < 1e300 for x in point)
    low = 1e-50 if row.name in ("prod", "dot") else 1e-75
    distinct = len({*point}) == len(point) or row.name not in (
        "minimum", "maximum", "largest"
    )  # fmt: skip
    return distinct and all(low < abs(x) < 1 / low for x in point)


def points(row: Primitive, rng: random.Random, count: int) -> list[tuple[float, ...]]:
    """Points of a row's whole domain, with those where formulas change or overflow."""
    if row.name in OPERANDS:
        found = [OPERANDS[row.name](rng) for _ in range(count)]
    elif row.arity == 1:
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
