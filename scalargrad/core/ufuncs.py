"""NumPy's functions of Values that are no elements of arrays: those that NumPy cannot compute.

On an array of objects NumPy calls operators and methods of the elements, which `operators.py` has.
Of some functions it has no such loop (`np.logaddexp`, `np.isnan`); only if an operand itself is a
Value does it ask the Value. Those functions are stated here, in terms of rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.numbers import Traced
from scalargrad.core.rows import TABLE

__all__ = ["apply_function", "apply_ufunc", "fmod"]


def fmod(x: Any, y: Any) -> Any:
    """The remainder with the sign of `x`, as in C; that of `%` has the sign of `y`."""
    return -(-x % abs(y)) if x < 0.0 else x % abs(y)


def _heaviside(x: Any, at_zero: Any) -> Any:
    return row.where(x < 0.0, 0.0, row.where(x > 0.0, 1.0, row.where(x == 0.0, at_zero, x)))


def _modf(x: Any) -> tuple[Any, Any]:
    fraction = fmod(x, 1.0)
    return fraction, x - fraction


def _logaddexp2(x: Any, y: Any) -> Any:
    return row.logaddexp(x * row.LN2, y * row.LN2) / row.LN2


# By the name of NumPy. It has loops of objects for some of these, but:
# - those of logical_and and logical_or return one of their operands, as `and` and `or` do;
# - those of maximum, minimum and sign return one of their operands, or a whole number: no
#   derivative is shared where operands are equal, and each is a branch in a recorded program;
# - those of arctan2, fmod and hypot call a method of the first operand, which a float has not.
_STATED: dict[str, Callable[..., Any]] = {
    "arctan2": row.atan2,
    "divmod": divmod,
    "float_power": row.pow,
    "fmod": fmod,
    "heaviside": _heaviside,
    "hypot": row.hypot,
    "isfinite": lambda x: bool(x < inf) and bool(x > -inf),
    "isinf": lambda x: bool(x == inf) or bool(x == -inf),
    "isnan": lambda x: bool(x != x),
    "ldexp": lambda x, exponent: x * 2.0**exponent,
    "logaddexp": row.logaddexp,
    "logaddexp2": _logaddexp2,
    "logical_and": lambda x, y: bool(x) and bool(y),
    "logical_or": lambda x, y: bool(x) or bool(y),
    "maximum": row.maximum,
    "minimum": row.minimum,
    "modf": _modf,
    "sign": row.sign,
}

# NumPy's loops do the same as the next two, but by way of arrays a scalar of NumPy times a Value
# takes 8 us, and np.sin of a Value 3.6 us instead of 1.1.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "absolute": abs,
    "negative": operator.neg,
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}

_ROWS = {name: found for name, found in TABLE.items() if found.arity == 1}

# NumPy before 2.1 runs Euclid's algorithm on objects, with derivatives that mean nothing.
_REFUSED = frozenset(["gcd", "lcm"])

_FUNCTIONS: dict[str, Callable[..., Any]] = {"sinc": row.sinc}


def apply_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result of a ufunc on Values and other operands, some of which may be arrays."""
    on_scalars, on_elements = _forms.get(ufunc) or _find_forms(ufunc)
    operands = [x if isinstance(x, Traced) else _as_python(x) for x in inputs]
    if on_scalars is not None and method == "__call__" and not kwargs:
        arrays = [x for x in operands if hasattr(x, "__len__")]
        if not arrays:
            return on_scalars(*operands)
    if on_elements is None:
        raise TypeError(
            f"np.{ufunc.__name__} is not known for Values: write x.data for the number, which has "
            "no derivative, or state the operation and its derivative by sg.primitive"
        )
    operands = [_as_element(x) if isinstance(x, Traced) else x for x in operands]
    return getattr(on_elements, method)(*operands, **kwargs)


# By ufunc: the function of scalars, and the ufunc of arrays of objects; None where there is none.
_forms: dict[Any, tuple[Callable[..., Any] | None, Any]] = {}


def _find_forms(ufunc: Any) -> tuple[Callable[..., Any] | None, Any]:
    import numpy as np  # it called us

    name = ufunc.__name__
    on_elements = ufunc if any("O" in types for types in ufunc.types) else None
    known: Any = getattr(np, name, None)
    if known is not ufunc:  # one that a user made, which comes and goes
        return None, on_elements
    forms = _OPERATORS.get(name) or _ROWS.get(name.replace("arc", "a")), on_elements  # arcsin: asin
    if name in _STATED:
        forms = _STATED[name], np.frompyfunc(_STATED[name], ufunc.nin, ufunc.nout)
    elif name in _REFUSED:
        forms = None, None
    _forms[ufunc] = forms
    return forms


def apply_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result of a function of NumPy that is no ufunc: its own, unless it is stated here."""
    name = function.__name__
    if function.__module__ == "numpy" and name in _FUNCTIONS and not kwargs:
        return _FUNCTIONS[name](*args)
    return function._implementation(*args, **kwargs)  # what NumPy would run without us


def _as_python(x: Any) -> Any:
    """A scalar of NumPy as one of Python; it would ask the Value again, and that without end."""
    if getattr(x, "shape", None) != ():  # an array without dimensions is a scalar, too
        return x
    kind = getattr(x.dtype, "kind", None)
    if kind is None:
        return x
    if kind in "fiub":
        return float(x)
    return complex(x) if kind == "c" else x.item()


def _as_element(x: Any) -> Any:
    """A Value as an array without dimensions, whose loops call its methods."""
    import numpy as np

    array = np.empty((), dtype=object)
    array[()] = x
    return array
