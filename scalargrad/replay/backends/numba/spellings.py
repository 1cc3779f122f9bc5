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
from scalargrad.replay.partials import is_finite
from scalargrad.replay.program import NEAR, Program, all_finite, apart, broadcast

__all__ = ["FOLDS", "LOOPS", "MAPS", "RULES", "SCALARS"]

SQRT_HALF = math.sqrt(0.5)


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
_gelu_of = _step("gelu_of", lambda x, e: 0.5 * x * e)
_gelu_argument = _step("gelu_argument", lambda x: -x * SQRT_HALF)
_erfc = _step("erfc", math.erfc)
_largest = _step("largest", lambda *xs: max(xs) if all(x == x for x in xs) else nan)
_logsumexp_of = _step("logsumexp_of", lambda x, log: x if abs(x) == inf else x + log)

# Formulas on the numbers of one lane.
MAPS: dict[Primitive, Callable[..., Vector]] = {
    broadcast: lambda x: x,
    apart: lambda x, y: (x.unary("fabs") < y * NEAR).pick(nan, 0.0),
    is_finite: lambda x: (x * 0.0).equals(0.0).pick(1.0, 0.0),
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
    _gelu_of: lambda x, e: 0.5 * x * e,
    _gelu_argument: lambda x: -x * SQRT_HALF,
    _logsumexp_of: lambda x, log: x.unary("fabs").equals(inf).pick(x, x + log),
}

# Rows with any number of operands: the value to start from, and what each operand (of dot: each
# pair) does to the total. The maximum keeps a nan, unlike Python's max.
FOLDS: dict[Primitive, tuple[float, Callable[..., Vector]]] = {
    row.dot: (0.0, lambda total, w, x: w.fma(x, total)),
    row.sum: (0.0, lambda total, x: total + x),
    row.prod: (1.0, lambda total, x: total * x),
    all_finite: (0.0, lambda total, x: total + x * 0.0),
    _largest: (-inf, _maximum),
}

# Rows whose loop over lanes is NumPy's: vectorised by Intel where NumPy has that built in.
LOOPS: dict[Primitive, str] = {TABLE[name]: loop for name, loop in {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
    "log10": "log10", "log1p": "log1p", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power", "atan2": "arctan2", "hypot": "hypot", "floordiv": "floor_divide",
    "mod": "remainder",
}.items()}  # fmt: skip

SCALARS = (row.erf, _erfc)  # computed one lane at a time, by the C library


def _sigmoid(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    # exp of a negative number does not overflow
    e = program.emit(row.exp, (program.emit(_minus_abs, (x,)),))
    return program.emit(_sigmoid_of, (x, e))


def _softplus(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = program.emit(row.exp, (program.emit(_minus_abs, (x,)),))
    return program.emit(_softplus_of, (x, program.emit(row.log1p, (e,))))


def _gelu(program: Program, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = program.emit(_erfc, (program.emit(_gelu_argument, (x,)),))
    return program.emit(_gelu_of, (x, e))


def _logsumexp(program: Program, xs: tuple[int, ...]) -> int:
    top = program.emit(_largest, xs)
    es = tuple([program.emit(row.exp, (program.emit(row.sub, (x, top)),)) for x in xs])
    log = program.emit(row.log, (program.emit(row.sum, es),))
    return program.emit(_logsumexp_of, (top, log))


def _mean(program: Program, xs: tuple[int, ...]) -> int:
    return program.emit(row.div, (program.emit(row.sum, xs), program.constant(float(len(xs)))))


# Rows composed of several others.
RULES: dict[Primitive, Rule] = {
    row.sigmoid: _sigmoid,
    row.softplus: _softplus,
    row.silu: lambda program, xs: program.emit(row.mul, (xs[0], _sigmoid(program, xs))),
    row.elu: lambda program, xs: program.emit(_elu_of, (xs[0], program.emit(row.expm1, xs))),
    row.gelu: _gelu,
    row.logsumexp: _logsumexp,
    row.mean: _mean,
}
