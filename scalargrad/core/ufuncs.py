"""NumPy's functions of Values that are no elements of arrays: those that NumPy cannot compute.

On an array of objects NumPy calls operators and methods of the elements, which `operators.py` has.
Of some functions it has no such loop (`np.logaddexp`, `np.isnan`); only if an operand itself is a
Value does it ask the Value. Those functions are stated here, in terms of rows.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.numbers import Traced

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
    "copysign": row.copysign,
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

# NumPy's loops do the same, but a scalar of NumPy times a Value takes 8 us by way of arrays.
_OPERATORS: dict[str, Callable[..., Any]] = {
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

# SciPy's special functions, which have no loops over objects.
_SPECIAL: dict[str, Callable[..., Any]] = {
    "beta": row.beta,
    "betaln": row.betaln,
    "erf": row.erf,
    "erfc": row.erfc,
    "erfinv": row.erfinv,
    "expit": row.sigmoid,
    "gamma": row.gamma,
    "gammaln": row.lgamma,
    "log_ndtr": row.log_ndtr,
    "logit": row.logit,
    "ndtr": row.ndtr,
    "ndtri": row.ndtri,
    "psi": row.digamma,
    "xlogy": row.xlogy,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {"sinc": row.sinc}


def apply_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result of a ufunc on Values and other operands, some of which may be arrays."""
    on_scalars, on_elements = _forms.get(ufunc) or _find_forms(ufunc)
    operands = [x if isinstance(x, Traced) else _as_python(x) for x in inputs]
    is_plain = on_scalars is not None and method == "__call__" and not kwargs
    if is_plain and not any(hasattr(x, "__len__") for x in operands):
        return on_scalars(*operands)  # type: ignore[misc]
    if on_elements is None:
        raise TypeError(
            f"np.{ufunc.__name__} is not known for Values: write x.data for the number, which has "
            "no derivative, or state the operation and its derivative by sg.primitive"
        )
    return getattr(on_elements, method)(*map(_as_element, operands), **kwargs)


# By ufunc: the function of scalars, and the ufunc of arrays of objects; None where there is none.
_forms: dict[Any, tuple[Callable[..., Any] | None, Any]] = {}


def _find_forms(ufunc: Any) -> tuple[Callable[..., Any] | None, Any]:
    import numpy as np  # it called us

    name = ufunc.__name__
    is_numpys = getattr(np, name, None) is ufunc
    is_scipys = getattr(sys.modules.get("scipy.special"), name, None) is ufunc
    on_elements = ufunc if any("O" in types for types in ufunc.types) else None
    on_scalars = _OPERATORS.get(name) if is_numpys else None
    if is_numpys and name in _STATED:
        on_scalars = _STATED[name]
        on_elements = np.frompyfunc(on_scalars, ufunc.nin, ufunc.nout)
    if is_scipys and name in _SPECIAL:
        on_scalars = _SPECIAL[name]
        on_elements = np.frompyfunc(on_scalars, ufunc.nin, ufunc.nout)
    forms = on_scalars, on_elements
    if is_numpys or is_scipys:  # those that users make come and go
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
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    if kind is None or x.shape != ():  # an array without dimensions is a scalar, too
        return x
    if kind in "fiub":
        return float(x)
    return complex(x) if kind == "c" else x.item()


def _as_element(x: Any) -> Any:
    """A Value as an array without dimensions, whose loops call its methods."""
    if not isinstance(x, Traced):
        return x
    import numpy as np

    array = np.empty((), dtype=object)
    array[()] = x
    return array
