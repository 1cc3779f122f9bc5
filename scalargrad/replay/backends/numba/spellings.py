"""How numba's replay spells the values of operations: on vectors, by loops of NumPy, or composed.

A spelling says how a value is computed, never a derivative: those stand in the table alone. A row
that is not spelled here still works: its Python function is called lane by lane (`ufuncs.py`).
Outside the domain of a function the result is that of IEEE: log(0.0) is -inf, log(-1.0) nan.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan, sqrt
from typing import Any

from scalargrad.core.primitives import dot
from scalargrad.core.rows import TABLE
from scalargrad.replay.backends.numba.vectors import Vector
from scalargrad.replay.choices import less, less_equal, same, take
from scalargrad.replay.schedule import COPY, Flat, Rule

__all__ = ["FOLDS", "LOOPS", "MAPS", "RULES", "SCALARS"]

SQRT_HALF = sqrt(0.5)


def _minimum(x: Vector, y: Vector) -> Vector:
    return (x < y).either(x.differs(x)).pick(x, y)


def _maximum(x: Vector, y: Vector) -> Vector:
    return (x > y).either(x.differs(x)).pick(x, y)


def _clip(x: Vector, y: Vector, z: Vector) -> Vector:
    raised = (y > x).pick(y, x)
    return (y > z).pick(nan, (z < raised).pick(z, raised))


# Operations on the numbers of one lane: the names of the table, and parts of composed ones.
MAPS: dict[Any, tuple[int, Callable[..., Vector]]] = {
    COPY: (1, lambda x: x),
    "neg": (1, lambda x: -x),
    "add": (2, lambda x, y: x + y),
    "sub": (2, lambda x, y: x - y),
    "mul": (2, lambda x, y: x * y),
    "div": (2, lambda x, y: x / y),
    "inverse": (1, lambda x: x.equals(0.0).pick(inf, 1.0 / x)),
    "sqrt": (1, lambda x: x.unary("sqrt")),
    "relu": (1, lambda x: (x <= 0.0).pick(0.0, x)),
    "leaky_relu": (1, lambda x: (x > 0.0).pick(x, 0.01 * x)),
    "abs": (1, lambda x: x.unary("fabs")),
    "sign": (1, lambda x: (x < 0.0).pick(-1.0, (x > 0.0).pick(1.0, x))),
    "floor": (1, lambda x: x.unary("floor")),
    "ceil": (1, lambda x: x.unary("ceil")),
    "minimum": (2, _minimum),
    "maximum": (2, _maximum),
    "clip": (3, _clip),
    "where": (3, lambda x, y, z: x.differs(0.0).pick(y, z)),
    "less": (2, lambda x, y: (x < y).pick(1.0, 0.0)),
    "less_equal": (2, lambda x, y: (x <= y).pick(1.0, 0.0)),
    "same": (2, lambda x, y: x.equals(y).pick(1.0, 0.0)),
    # parts of composed operations
    "-abs": (1, lambda x: -x.unary("fabs")),
    "sigmoid of x, e": (2, lambda x, e: (x >= 0.0).pick(1.0, e) / (1.0 + e)),
    "softplus of x, log": (2, lambda x, log: (x < 0.0).pick(0.0, x) + log),
    "elu of x, e": (2, lambda x, e: (x > 0.0).pick(x, e)),
    "gelu of x, e": (2, lambda x, e: 0.5 * x * e),
    "gelu argument": (1, lambda x: -x * SQRT_HALF),
    "logsumexp of x, log": (2, lambda x, log: x.unary("fabs").equals(inf).pick(x, x + log)),
}

# Operations on any number of operands: where to start, and what each operand (of dot: each pair)
# does to what there is. The maximum keeps a nan, unlike Python's max.
FOLDS: dict[str, tuple[float, int, Callable[..., Vector]]] = {
    "dot": (0.0, 2, lambda total, w, x: w.fma(x, total)),
    "sum": (0.0, 1, lambda total, x: total + x),
    "prod": (1.0, 1, lambda total, x: total * x),
    "largest": (-inf, 1, _maximum),
}

# Operations whose loop over a row is NumPy's: vectorised by Intel where NumPy has that built in.
LOOPS: dict[str, str] = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2",
    "log10": "log10", "log1p": "log1p", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power", "atan2": "arctan2", "hypot": "hypot", "floordiv": "floor_divide",
    "mod": "remainder",
}  # fmt: skip

SCALARS = ("erf", "erfc")  # one lane at a time, by the C library


def _sigmoid(flat: Flat, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = flat.emit("exp", (flat.emit("-abs", (x,)),))  # exp of a negative number: no overflow
    return flat.emit("sigmoid of x, e", (x, e))


def _softplus(flat: Flat, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = flat.emit("exp", (flat.emit("-abs", (x,)),))
    return flat.emit("softplus of x, log", (x, flat.emit("log1p", (e,))))


def _gelu(flat: Flat, operands: tuple[int, ...]) -> int:
    (x,) = operands
    e = flat.emit("erfc", (flat.emit("gelu argument", (x,)),))
    return flat.emit("gelu of x, e", (x, e))


def _logsumexp(flat: Flat, xs: tuple[int, ...]) -> int:
    top = flat.emit("largest", xs)
    es = [flat.emit("exp", (flat.emit("sub", (x, top)),)) for x in xs]
    return flat.emit("logsumexp of x, log", (top, flat.emit("log", (flat.emit("sum", (*es,)),))))


def _mean(flat: Flat, xs: tuple[int, ...]) -> int:
    return flat.emit("div", (flat.emit("sum", xs), flat.constant(float(len(xs)))))


_COMPOSED: dict[str, Rule] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda flat, xs: flat.emit("mul", (xs[0], _sigmoid(flat, xs))),
    "elu": lambda flat, xs: flat.emit("elu of x, e", (xs[0], flat.emit("expm1", xs))),
    "gelu": _gelu,
    "logsumexp": _logsumexp,
    "mean": _mean,
}


# What the rows become: a spelling by its name, one per lane or row, or several of them.
RULES: dict[Any, Rule] = {
    row: _COMPOSED.get(row.name, row.name)
    for row in (*TABLE.values(), less, less_equal, same, take)
    if row.name in {*_COMPOSED, *MAPS, *FOLDS, *LOOPS, *SCALARS, "take"} and row is not dot
}
