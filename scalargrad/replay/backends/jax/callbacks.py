"""Rows without a spelling: JAX calls back into Python, number by number.

Users' own operations are such rows, and those of the table that no library of arrays has. They
cost a microsecond a number, on the processor that runs Python, wherever the rest runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from scalargrad.core.rows import Primitive
from scalargrad.replay.reference import FAULTS

__all__ = ["called_back", "called_by_number", "failure_behind", "number_of"]

_FAILED: deque[BaseException] = deque(maxlen=8)
_LARGEST = (1 << 28) - 1
_KNOWN: WeakValueDictionary[int, Primitive] = WeakValueDictionary()  # by number


def number_of(row: Primitive) -> int:
    """A number by which compiled code names a row, as long as someone else keeps the row."""
    number = id(row) >> 4 & _LARGEST
    while _KNOWN.setdefault(number, row) is not row:
        number = (number + 1) & _LARGEST
    return number


def _apply(row: Primitive, operands: tuple[Any, ...]) -> Any:
    """The value of a row at each place of some arrays; nan where the operation fails."""
    arrays = np.broadcast_arrays(*[np.asarray(x) for x in operands])
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    flat = out.reshape(-1)
    points = [*zip(*[a.ravel().tolist() for a in arrays], strict=True)]
    try:
        row.foresee(points)
        for k, xs in enumerate(points):
            try:
                flat[k] = row.value(*xs)
            except FAULTS:
                flat[k] = np.nan
    except BaseException as failure:  # XLA would hand on its text alone
        _FAILED.append(failure)
        raise
    return out


def failure_behind(error: Exception) -> BaseException:
    """The error that a row raised, if that is what stopped a run; else `error` itself."""
    return _FAILED.pop() if _FAILED else error


def called_back(row: Primitive) -> Callable[..., Any]:
    """A row as a function of arrays of one shape."""
    return lambda *operands: _call(lambda _, xs: _apply(row, xs), jnp.int32(0), operands)


def called_by_number(named: Any, *operands: Any) -> Any:
    """The row of a number on arrays of one shape.

    Args:
        named: The number of the row, times 4, plus how many of the operands it takes.
        *operands: Three arrays.
    """

    def call(named: Any, xs: tuple[Any, ...]) -> Any:
        number, count = divmod(int(np.asarray(named).flat[0]), 4)
        return _apply(_KNOWN[number], xs[:count])

    return _call(call, named, operands)


def _call(call: Callable[..., Any], named: Any, operands: tuple[Any, ...]) -> Any:
    """Call a function of a number and arrays from compiled code.

    The arrays go as bits: JAX calls back on threads where the scope of float64 does not hold, and
    would round them to float32 there.
    """
    dtype = operands[0].dtype
    bits = [lax.bitcast_convert_type(x, jnp.uint32) for x in operands]

    def as_bits(named: Any, *bits: Any) -> Any:
        arrays = [np.ascontiguousarray(x).view(dtype) for x in bits]
        return call(named, tuple(arrays)).view(np.uint32).reshape(bits[0].shape)

    like = jax.ShapeDtypeStruct(bits[0].shape, jnp.uint32)
    found = jax.pure_callback(as_bits, like, named, *bits, vmap_method="broadcast_all")
    return lax.bitcast_convert_type(found, dtype)
