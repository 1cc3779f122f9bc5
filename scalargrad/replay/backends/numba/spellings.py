"""How the numba backend spells rows: as formulas on vectors, as NumPy's loops, or composed.

A spelling says how to compute a value, never a derivative: derivatives stand in the table alone. A
row without a spelling still works: its Python function is called lane by lane (`ufuncs.py`).
Outside the domain of a function the result is that of IEEE: log(0.0) is -inf, log(-1.0) is nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf, nan

from scalargrad.core import primitives as row
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.backends.numba.vectors import Vector
from scalargrad.replay.lowering import Rule
from scalargrad.replay.program import (
    NEAR,
    SAMPLE,
    Program,
    all_finite,
    apart,
    broadcast,
    sizes,
)

__all__ = ["FOLDS", "LOOPS", "MAPS", "RULES", "SCALARS"]


def _minimum(x: Vector, y: Vector) -> Vector:
    return (x < y).either(x.differs(x)).pick(x, y)


def _maximum(x: Vector, y: Vector) -> Vector:
    return (x > y).either(x.differs(x)).pick(x, y)


def _clip(x: Vector, y: Vector, z: Vector) -> Vector:
    raised = (y > x).pick(y, x)
    return (y > z).pick(nan, (z < raised).pick(z, raised))


def _step(name: str, value: Callable[..., float]) -> Primitive:
    """A step of a composed row. It needs no partials: the program holds all derivatives already."""
    return Primitive(name, "a step of a composed row", value, lambda *inputs: ())


_minus_abs = _step("minus_abs", lambda x: -abs(x))
_sigmoid_of = _step("sigmoid_of", lambda x, e: (1.0 if x >= 0.0 else e) / (1.0 + e))
_softplus_of = _step("softplus_of", lambda x, log: (0.0 if x < 0.0 else x) + log)
_elu_of = _step("elu_of", lambda x, e: x if x > 0.0 else e)
_sigmoid_slope_of = _step("sigmoid_slope_of", lambda e: e / ((1.0 + e) * (1.0 + e)))
_tanh_argument = _step("tanh_argument", lambda x: -2.0 * abs(x))
_tanh_of = _step("tanh_of", lambda x, e: math.tanh(x))
_tanh_slope_of = _step("tanh_slope_of", lambda t, e: e * ((1.0 + abs(t)) * (1.0 + abs(t))))
_bell_argument = _step("bell_argument", lambda x, a: -a * x * x)
_bell_of = _step("bell_of", lambda x, a, e: e)  # where a square has no rounding to make good
_exp_difference_of = _step("exp_difference_of", lambda x, y, e: e)  # likewise
_quotient = _step("quotient", lambda x, r: x / r if r else 0.0)
_sinc_of = _step("sinc_of", lambda x, s: s / x if x else 1.0)
_logsumexp_of = _step("logsumexp_of", lambda x, log: x if abs(x) == inf else x + log)
_below_one = _step("below_one", lambda *es: row.plain_sum(e for e in es if e != 1.0))
_further_ones = _step("further_ones", lambda *es: row.plain_sum(e for e in es if e == 1.0) - 1.0)


# The quotient of polynomials in x * x by which Moshier's Cephes library computes tanh near 0.
_ABOVE = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_BELOW = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


def _tanh_of_vectors(x: Vector, e: Vector) -> Vector:
    """tanh with the exp that its slope needs too: as fast as NumPy's loop, which needs its own."""
    square = x * x
    above, below = x.lanes.vector(_ABOVE[0]), square + _BELOW[1]
    for coefficient in _ABOVE[1:]:
        above = above.fma(square, coefficient)
    for coefficient in _BELOW[2:]:
        below = below.fma(square, coefficient)
    near = x.unary("fabs") < 0.625
    far = (x < 0.0).pick(e - 1.0, 1.0 - e)
    return near.pick(x * above.fma(square, below), far) / near.pick(below, 1.0 + e)


def _tanh_slope_of_vectors(t: Vector, e: Vector) -> Vector:
    """sech(x) ** 2, where 1 + |tanh(x)| is 2 / (1 + e): no division, and exact near 0 as well."""
    side = 1.0 + t.unary("fabs")
    return e * (side * side)


def _exp_difference_of_vectors(x: Vector, y: Vector, e: Vector) -> Vector:
    z = x - y
    w = x - z
    rest = (x - (z + w)) + (w - y)
    return (e.unary("fabs") < inf).pick(e + e * rest, e)


def _bell_of_vectors(x: Vector, a: Vector, e: Vector) -> Vector:
    up = x * row.SPLIT
    high = up - (up - x)
    low = x - high
    rest = ((high * high - x * x) + high * low + low * high) + low * low
    return (x.unary("fabs") < 1e100).pick(e * (1.0 - a * rest), e)


# Formulas on the numbers of one lane.
MAPS: dict[Primitive, Callable[..., Vector]] = {
    broadcast: lambda x: x,
    apart: lambda x, y: (x.unary("fabs") < y * NEAR).pick(nan, 0.0),
    row.neg: lambda x: -x,
    row.add: lambda x, y: x + y,
    row.sub: lambda x, y: x - y,
    row.mul: lambda x, y: x * y,
    row.div: lambda x, y: x / y,
    row.inverse: lambda x: x.equals(0.0).pick(inf, 1.0 / x),
    row.sqrt: lambda x: x.unary("sqrt"),
    row.relu: lambda x: (x <= 0.0).pick(0.0, x),
    row.leaky_relu: lambda x: (x > 0.0).pick(x, 0.01 * x),
    row.abs: lambda x: x.unary("fabs"),
    row.sign: lambda x: (x < 0.0).pick(-1.0, (x > 0.0).pick(1.0, x)),
    row.floor: lambda x: x.unary("floor"),
    row.ceil: lambda x: x.unary("ceil"),
    row.rint: lambda x: x.unary("rint"),
    row.radians: lambda x: x * (row.PI / 180.0),
    row.degrees: lambda x: x * (180.0 / row.PI),
    row.minimum: _minimum,
    row.maximum: _maximum,
    row.clip: _clip,
    row.where: lambda x, y, z: x.differs(0.0).pick(y, z),
    row.less: lambda x, y: (x < y).pick(1.0, 0.0),
    row.less_equal: lambda x, y: (x <= y).pick(1.0, 0.0),
    row.equal: lambda x, y: x.equals(y).pick(1.0, 0.0),
    _minus_abs: lambda x: -x.unary("fabs"),
    _sigmoid_of: lambda x, e: (x >= 0.0).pick(1.0, e) / (1.0 + e),
    _softplus_of: lambda x, log: (x < 0.0).pick(0.0, x) + log,
    _elu_of: lambda x, e: (x > 0.0).pick(x, e),
    _sigmoid_slope_of: lambda e: e / ((1.0 + e) * (1.0 + e)),
    _tanh_argument: lambda x: -2.0 * x.unary("fabs"),
    _tanh_of: _tanh_of_vectors,
    _tanh_slope_of: _tanh_slope_of_vectors,
    _bell_argument: lambda x, a: -a * x * x,
    _bell_of: _bell_of_vectors,
    _exp_difference_of: _exp_difference_of_vectors,
    _quotient: lambda x, r: r.equals(0.0).pick(0.0, x / r),
    _sinc_of: lambda x, s: x.equals(0.0).pick(1.0, s / x),
    _logsumexp_of: lambda x, log: x.unary("fabs").equals(inf).pick(x, x + log),
}

# Rows with any number of operands: the value to start from, and what each operand (of dot and of
# sizes: each pair) does to the total. The maximum keeps a nan, unlike Python's max.
FOLDS: dict[Primitive, tuple[float, Callable[..., Vector]]] = {
    row.dot: (0.0, lambda total, w, x: w.fma(x, total)),
    sizes: (0.0, lambda total, w, x: total + (w * x).unary("fabs")),
    row.sum: (0.0, lambda total, x: total + x),
    row.prod: (1.0, lambda total, x: total * x),
    all_finite: (0.0, lambda total, x: total + x * 0.0),
    row.largest: (-inf, _maximum),
    _below_one: (0.0, lambda total, e: total + e.equals(1.0).pick(0.0, e)),
    _further_ones: (-1.0, lambda total, e: total + e.equals(1.0).pick(1.0, 0.0)),
}

# Rows whose loop over lanes is NumPy's: vectorised by Intel where NumPy has that built in.
LOOPS: dict[Primitive, str] = {TABLE[name]: loop for name, loop in {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
    "log10": "log10", "log1p": "log1p", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh", "cosh": "cosh",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power", "atan2": "arctan2", "hypot": "hypot", "floordiv": "floor_divide",
    "mod": "remainder",
}.items()}  # fmt: skip

SCALARS = (row.erf, row.ndtr)  # computed one lane at a time, by the C library


def _sigmoid(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    # exp of a negative number does not overflow
    e = program.emit(row.exp, (program.emit(_minus_abs, (x,)),))
    return program.emit(_sigmoid_of, (x, e))


def _softplus(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = program.emit(row.exp, (program.emit(_minus_abs, (x,)),))
    return program.emit(_softplus_of, (x, program.emit(row.log1p, (e,))))


def _each(program: Program, slot: int, *others: int) -> int:
    """`slot`, for each sample where an operand that its formula does not read is for each."""
    if program.phases[slot] == SAMPLE or SAMPLE not in map(program.phases.__getitem__, others):
        return slot
    return program.emit(broadcast, (slot,))


def _sigmoid_slope(program: Program, operands: tuple[int, ...]) -> int:
    x = _each(program, *operands)
    e = program.emit(row.exp, (program.emit(_minus_abs, (x,)),))
    return program.emit(_sigmoid_slope_of, (e,))


def _tanh(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = program.emit(row.exp, (program.emit(_tanh_argument, (x,)),))
    return program.emit(_tanh_of, (x, e))


def _tanh_slope(program: Program, operands: tuple[int, ...]) -> int:
    x = _each(program, *operands)
    e = program.emit(row.exp, (program.emit(_tanh_argument, (x,)),))
    return program.emit(_tanh_slope_of, (program.emit(_tanh_of, (x, e)), e))


def _gelu(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    return program.emit(row.mul, (x, program.emit(row.ndtr, (x,))))


def _bell(program: Program, operands: tuple[int, ...]) -> int:
    e = program.emit(row.exp, (program.emit(_bell_argument, operands),))
    return program.emit(_bell_of, (*operands, e))


def _exp_difference(program: Program, operands: tuple[int, ...]) -> int:
    e = program.emit(row.exp, (program.emit(row.sub, operands),))
    return program.emit(_exp_difference_of, (*operands, e))


def _weight(program: Program, operands: tuple[int, ...]) -> int:
    power, total, *others = operands
    return program.emit(row.div, (_each(program, power, *others), total))


def _cosine(program: Program, operands: tuple[int, ...]) -> int:
    x, y, r = operands
    return program.emit(_quotient, (_each(program, x, r), program.emit(row.hypot, (x, y))))


def _turn(program: Program, operands: tuple[int, ...]) -> int:
    x, y, out = operands
    r = program.emit(row.hypot, (x, y))
    return program.emit(_quotient, (program.emit(_quotient, (_each(program, x, out), r)), r))


def _logsumexp(program: Program, xs: tuple[int, ...]) -> int:
    top = program.emit(row.largest, xs)
    es = tuple([program.emit(row.exp, (program.emit(row.sub, (x, top)),)) for x in xs])
    # The largest has the power 1, beside which those of the others may vanish: so log1p of the
    # others, among which count the further ones of the same size.
    rest = program.emit(row.add, (program.emit(_further_ones, es), program.emit(_below_one, es)))
    return program.emit(_logsumexp_of, (top, program.emit(row.log1p, (rest,))))


def _logaddexp(program: Program, xs: tuple[int, ...]) -> int:
    distance = program.emit(_minus_abs, (program.emit(row.sub, xs),))
    log = program.emit(row.log1p, (program.emit(row.exp, (distance,)),))
    return program.emit(_logsumexp_of, (program.emit(row.maximum, xs), log))


def _sinc(program: Program, operands: tuple[int, ...]) -> int:
    angle = program.emit(row.mul, (*operands, program.constant(row.PI)))
    return program.emit(_sinc_of, (angle, program.emit(row.sin, (angle,))))


def _mean(program: Program, xs: tuple[int, ...]) -> int:
    return program.emit(row.div, (program.emit(row.sum, xs), program.constant(float(len(xs)))))


# Rows composed of several others.
RULES: dict[Primitive, Rule] = {
    row.sigmoid: _sigmoid,
    row.softplus: _softplus,
    row.silu: lambda program, xs: program.emit(row.mul, (xs[0], _sigmoid(program, xs))),
    row.elu: lambda program, xs: program.emit(_elu_of, (xs[0], program.emit(row.expm1, xs))),
    row.gelu: _gelu,
    row.sigmoid_slope: _sigmoid_slope,
    row.tanh: _tanh,
    row.tanh_slope: _tanh_slope,
    row.bell: _bell,
    row.exp_difference: _exp_difference,
    row.weight: _weight,
    row.cosine: _cosine,
    row.turn: _turn,
    row.logsumexp: _logsumexp,
    row.logaddexp: _logaddexp,
    row.sinc: _sinc,
    row.mean: _mean,
}
