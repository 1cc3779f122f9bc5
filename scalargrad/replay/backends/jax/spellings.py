"""How the JAX backend spells rows: as formulas on arrays, as folds, or composed of other rows.

A spelling says how to compute a value, never a derivative: derivatives stand in the table alone. A
row without a spelling still works: its Python function is called back (`callbacks.py`). Outside the
domain of a function the result is that of IEEE: log(0.0) is -inf, log(-1.0) is nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf, nan
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy import special

from scalargrad.core import primitives as row
from scalargrad.core.primitives import plain_sum
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.core.special import SPLIT, SQRT_HALF, SQRT_HALF_REST
from scalargrad.replay.lowering import Rule, matrix
from scalargrad.replay.program import NEAR, Program, all_finite, apart, broadcast, sizes

__all__ = ["FOLDS", "MAPS", "PAIRS", "REDUCED", "ROUNDED", "RULES", "exactly"]


def exactly(x: Any) -> Any:
    """`x` rounded to its type before it is used.

    XLA joins a product and a sum to one operation that rounds once, and simplifies as if numbers
    were real: x / y / z becomes x / (y * z), which overflows, and log(exp(x)) becomes x. It cannot
    see through this choice, which changes no number.
    """
    return jnp.where(x == x, x, nan)


def _product(w: Any, x: Any) -> Any:
    return w * x


def _size(w: Any, x: Any) -> Any:
    return jnp.abs(w * x)


def _minimum(x: Any, y: Any) -> Any:
    return jnp.where((x < y) | (x != x), x, y)


def _maximum(x: Any, y: Any) -> Any:
    return jnp.where((x > y) | (x != x), x, y)


def _clip(x: Any, low: Any, high: Any) -> Any:
    raised = jnp.where(low > x, low, x)
    return jnp.where(low > high, nan, jnp.where(high < raised, high, raised))


def _truth(condition: Any) -> Any:
    return jnp.where(condition, 1.0, 0.0)


def _floordiv(x: Any, y: Any) -> Any:
    rest = jnp.fmod(x, y)
    quotient = (x - rest) / y
    quotient = jnp.where((rest != 0.0) & ((y < 0.0) != (rest < 0.0)), quotient - 1.0, quotient)
    whole = jnp.floor(quotient)
    whole = jnp.where(quotient - whole > 0.5, whole + 1.0, whole)
    return jnp.where(quotient == 0.0, jnp.copysign(0.0, x / y), whole)


def _mod(x: Any, y: Any) -> Any:
    rest = jnp.fmod(x, y)
    shifted = jnp.where((y < 0.0) != (rest < 0.0), rest + y, rest)
    return jnp.where(rest == 0.0, jnp.copysign(0.0, y), shifted)


def _sigmoid(x: Any) -> Any:
    e = jnp.exp(-jnp.abs(x))  # of a negative number, which does not overflow
    return jnp.where(x >= 0.0, 1.0, e) / (1.0 + e)


def _logit(x: Any) -> Any:
    near = (x >= 0.25) & (x <= 0.75)  # where the difference is exact
    middle = 2.0 * _atanh(jnp.where(near, 2.0 * x - 1.0, 0.0))
    return jnp.where(near, middle, jnp.log(exactly(x / (1.0 - x))))


def _sigmoid_slope(x: Any, out: Any) -> Any:
    e = jnp.exp(-jnp.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def _tanh_slope(x: Any, out: Any) -> Any:
    e = jnp.exp(-2.0 * jnp.abs(x))
    side = 1.0 + jnp.abs(jnp.tanh(x))  # 2 / (1 + e): no division, and exact near 0 as well
    return e * (side * side)


def _softplus(x: Any) -> Any:
    return jnp.where(x < 0.0, 0.0, x) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def _halves(x: Any) -> tuple[Any, Any]:
    """The upper and the lower half of the digits of x."""
    up = exactly(x * (SPLIT if x.dtype == jnp.float64 else 2.0**12 + 1.0))
    high = up - (up - x)
    return high, x - high


def _dropped(x: Any, y: Any) -> tuple[Any, Any]:
    """x * y, and what the rounding dropped (Dekker, A floating-point technique, 1971)."""
    (high, low), (other, rest), out = _halves(x), _halves(y), exactly(x * y)
    return out, ((high * other - out) + high * rest + low * other) + low * rest


def _bell(x: Any, a: Any) -> Any:
    square, rest = _dropped(x, x)
    inside = jnp.abs(x) < _root_of_largest(x) * 1e-3
    plain = jnp.exp(exactly(jnp.where(inside, -a * square, -a * x * x)))
    return jnp.where(inside, plain * (1.0 - a * jnp.where(inside, rest, 0.0)), plain)


def _ndtr(x: Any) -> Any:
    z = exactly(-x * SQRT_HALF)
    near = (x > -40.0) & (x < -1.0)
    tail = jnp.where(near, x, -2.0)
    rest = _dropped(tail, jnp.full_like(tail, SQRT_HALF))[1] + tail * SQRT_HALF_REST
    put_back = 2.0 / row.SQRT_PI * jnp.exp(-z * z) * rest
    return 0.5 * (special.erfc(z) + jnp.where(near, put_back, 0.0))


def _exp_difference(x: Any, y: Any) -> Any:
    z = x - y
    e = jnp.exp(z)
    w = x - z
    rest = (x - (z + w)) + (w - y)
    return jnp.where(e < inf, e + e * rest, e)


def _share(x: Any, y: Any) -> Any:
    z = x - y
    w = x - z
    rest = (x - (z + w)) + (w - y)
    e = jnp.exp(-jnp.abs(z))
    small, large = e / (1.0 + e), 1.0 / (1.0 + e)
    out, other = jnp.where(z >= 0.0, large, small), jnp.where(z >= 0.0, small, large)
    return jnp.where(jnp.abs(z) < inf, out + out * other * rest, jnp.where(x == y, 0.5, out))


def _hypot(x: Any, y: Any) -> Any:
    large = _maximum(jnp.abs(x), jnp.abs(y))
    small = _minimum(jnp.abs(x), jnp.abs(y))
    part = small / jnp.where(large == 0.0, 1.0, large)
    r = large * jnp.sqrt(1.0 + part * part)
    return jnp.where((jnp.abs(x) == inf) | (jnp.abs(y) == inf), inf, r)


def _cosine(x: Any, y: Any, r: Any) -> Any:
    r = _hypot(x, y)
    return jnp.where(r == 0.0, 0.0, x / r)


def _turn(x: Any, y: Any, out: Any) -> Any:
    r = _hypot(x, y)
    return jnp.where(r == 0.0, 0.0, exactly(x / r) / r)


def _root_of_largest(x: Any) -> float:
    """The root of the largest number of the type of x: larger ones overflow when squared."""
    return float(np.finfo(x.dtype).max ** 0.5)


def _acosh(x: Any) -> Any:
    is_far = x > _root_of_largest(x)
    beyond = jnp.where(is_far, 0.0, x - 1.0)
    near = jnp.log1p(beyond + jnp.sqrt(beyond * (2.0 + beyond)))
    return jnp.where(is_far, jnp.log(x) + row.LN2, near)


def _atanh(x: Any) -> Any:
    size = jnp.abs(x)
    return jnp.copysign(0.5 * jnp.log1p((size + size) / (1.0 - size)), x)


def _logaddexp(x: Any, y: Any) -> Any:
    log = jnp.log1p(jnp.exp(-jnp.abs(jnp.where(x == y, 0.0, x - y))))
    return _maximum(x, y) + log


def _sinc(x: Any) -> Any:
    # jnp.sinc has the rounding of pi x; here every difference is exact
    r = jnp.abs(x) % 2.0
    r = jnp.where(r > 1.5, r - 2.0, jnp.where(r > 0.5, 1.0 - r, r))
    return jnp.where(
        x == 0.0, 1.0, jnp.sin(row.PI * r) / jnp.where(x == 0.0, 1.0, row.PI * jnp.abs(x))
    )


def _step(
    name: str, value: Callable[..., float], partials: Any = lambda *xs, out: ()
) -> Primitive:  # fmt: skip
    """A step of a composed row. It needs no partials: the program holds all derivatives already."""
    return Primitive(name, "a step of a composed row", value, partials)


def _others(top: float, *xs: float) -> float:
    powers = [math.exp(x - top) for x in xs]
    return plain_sum(e for e in powers if e != 1.0)


_below_one = _step("below_one", _others)
_further_ones = _step(
    "further_ones", lambda top, *xs: plain_sum(1.0 for x in xs if math.exp(x - top) == 1.0) - 1.0
)
_logsumexp_of = _step(
    "logsumexp_of",
    lambda top, ones, rest: top if abs(top) == inf else top + math.log1p(ones + rest),
    lambda top, ones, rest, out: (),
)


_plus_zero = _step("plus_zero", lambda x: x + 0.0, lambda x, out: (1.0,))


def _add_below_one(total: Any, top: Any, x: Any) -> Any:
    e = jnp.exp(x - top)
    return total + jnp.where(e == 1.0, 0.0, e)


def _add_one(total: Any, top: Any, x: Any) -> Any:
    return total + _truth(jnp.exp(x - top) == 1.0)


# Formulas on the numbers of one sample.
MAPS: dict[Primitive, Callable[..., Any]] = {
    broadcast: lambda x: x,
    apart: lambda x, y: jnp.where(jnp.abs(x) < y * NEAR, nan, 0.0),
    row.neg: lambda x: -x,
    row.add: lambda x, y: x + y,
    row.sub: lambda x, y: x - y,
    row.mul: lambda x, y: x * y,
    row.div: lambda x, y: x / y,
    row.floordiv: _floordiv,
    row.mod: _mod,
    row.pow: jnp.power,
    row.exp: jnp.exp,
    row.exp2: jnp.exp2,
    row.expm1: jnp.expm1,
    row.log: jnp.log,
    row.log2: jnp.log2,
    row.log10: jnp.log10,
    row.log1p: jnp.log1p,
    row.xlogy: lambda x, y: jnp.where((x == 0.0) & (y >= 0.0), 0.0, x * jnp.log(y)),
    row.inverse: lambda x: jnp.where(x == 0.0, inf, 1.0 / x),
    row.sqrt: jnp.sqrt,
    row.cbrt: jnp.cbrt,
    row.sin: jnp.sin,
    row.cos: jnp.cos,
    row.tan: jnp.tan,
    row.one_minus_square: lambda x: (1.0 - x) * (1.0 + x),
    row.radians: lambda x: x * (row.PI / 180.0),
    row.degrees: lambda x: x * (180.0 / row.PI),
    row.sinc: _sinc,
    row.asin: jnp.arcsin,
    row.acos: jnp.arccos,
    row.atan: jnp.arctan,
    row.sinh: jnp.sinh,
    row.cosh: jnp.cosh,
    row.tanh: jnp.tanh,
    row.asinh: jnp.arcsinh,
    row.acosh: _acosh,
    row.atanh: _atanh,
    row.erf: special.erf,
    row.erfc: special.erfc,
    row.sigmoid_slope: _sigmoid_slope,
    row.tanh_slope: _tanh_slope,
    row.bell: _bell,
    row.ndtr: _ndtr,
    row.logit: _logit,
    row.sigmoid: _sigmoid,
    row.softplus: _softplus,
    row.relu: lambda x: jnp.where(x <= 0.0, 0.0, x),
    row.leaky_relu: lambda x: jnp.where(x > 0.0, x, 0.01 * x),
    row.elu: lambda x: jnp.where(x > 0.0, x, jnp.expm1(x)),
    row.gelu: lambda x: x * _ndtr(x),
    row.silu: lambda x: x * _sigmoid(x),
    row.abs: jnp.abs,
    row.sign: lambda x: jnp.where(x < 0.0, -1.0, jnp.where(x > 0.0, 1.0, x)),
    row.floor: jnp.floor,
    row.ceil: jnp.ceil,
    row.rint: jnp.rint,
    row.atan2: jnp.arctan2,
    row.hypot: _hypot,
    row.turn: _turn,
    row.cosine: _cosine,
    row.minimum: _minimum,
    row.maximum: _maximum,
    row.clip: _clip,
    row.where: lambda condition, x, y: jnp.where(condition != 0.0, x, y),
    row.less: lambda x, y: _truth(x < y),
    row.less_equal: lambda x, y: _truth(x <= y),
    row.equal: lambda x, y: _truth(x == y),
    row.exp_difference: _exp_difference,
    row.share: _share,
    row.x_times_rest: lambda x: x * (1.0 - x),
    row.copysign: jnp.copysign,
    row.weight: lambda power, total, x, y: power / total,
    row.logaddexp: _logaddexp,
    _plus_zero: lambda x: jnp.where(x == 0.0, jnp.abs(x), x),
    _logsumexp_of: lambda top, ones, rest: jnp.where(
        jnp.abs(top) == inf, top, top + jnp.log1p(ones + rest)
    ),
}

# Rows with any number of operands: the number to start from; how many of the first operands all
# steps share; and a step, which takes the total, the shared operands and one of the others.
FOLDS: dict[Primitive, tuple[float, int, Callable[..., Any]]] = {
    row.sum: (0.0, 0, lambda total, x: total + x),
    row.prod: (1.0, 0, lambda total, x: total * x),
    all_finite: (0.0, 0, lambda total, x: total + x * 0.0),
    row.largest: (-inf, 0, _maximum),
    _below_one: (0.0, 1, _add_below_one),
    _further_ones: (-1.0, 1, _add_one),
}

# Those of them without shared operands, on all numbers at once: along the first axis.
REDUCED: dict[Primitive, Callable[..., Any]] = {
    row.sum: lambda xs: xs.sum(0),
    all_finite: lambda xs: (xs * 0.0).sum(0),
    row.largest: lambda xs: xs.max(0),
}

# Rows whose result XLA would simplify together with what uses it.
ROUNDED = frozenset({
    row.div, row.inverse, row.exp, row.exp2, row.expm1, row.pow, row.sqrt, row.cbrt, row.log,
    row.log1p,
})  # fmt: skip

# Rows that add up something of each pair (w, x), w1 x1 + ... + wn xn, plus a bias if there is one:
# what they add up.
PAIRS: dict[Primitive, Callable[[Any, Any], Any]] = {
    row.dot: _product, matrix: _product, sizes: _size,
}  # fmt: skip


def _mean(program: Program, xs: tuple[int, ...]) -> int:
    return program.emit(row.div, (program.emit(row.sum, xs), program.constant(float(len(xs)))))


def _add(program: Program, xs: tuple[int, ...]) -> int:
    """x + 0.0 makes 0.0 of -0.0, as in x ** 0.5; XLA would make x of it."""
    for zero, x in (xs, xs[::-1]):
        if repr(program.constants.get(zero)) == "0.0":
            return program.emit(_plus_zero, (x,))
    return program.keep(row.add, xs, max([program.phases[x] for x in xs]))


def _logsumexp(program: Program, xs: tuple[int, ...]) -> int:
    # The largest has the power 1, beside which those of the others may vanish: so log1p of the
    # others, among which count the further ones of the same size.
    top = program.emit(row.largest, xs)
    ones = program.emit(_further_ones, (top, *xs))
    return program.emit(_logsumexp_of, (top, ones, program.emit(_below_one, (top, *xs))))


def _inverse(program: Program, xs: tuple[int, ...]) -> int:
    """1 / x ** (a - b) is x ** (b - a), which the slope of a power has already."""
    (x,) = xs
    if program.rows[x] is row.pow:
        base, exponent = program.operands[x]
        if program.rows[exponent] is row.sub:
            a, b = program.operands[exponent]
            return program.emit(row.pow, (base, program.emit(row.sub, (b, a))))
    return program.emit(row.inverse, xs)


def _norm(program: Program, xs: tuple[int, ...]) -> int:
    total = program.emit(row.abs, xs[:1])
    for x in xs[1:]:
        total = program.emit(row.hypot, (total, x))
    return total


# Rows composed of several others, or cheaper in another form.
RULES: dict[Primitive, Rule] = {
    row.norm: _norm,
    row.add: _add,
    row.inverse: _inverse,
    row.mean: _mean,
    row.logsumexp: _logsumexp,
}

assert all(TABLE.get(own.name, own) is own for own in MAPS)
