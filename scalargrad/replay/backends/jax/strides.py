"""Rows of an array as a table with strides: read by slices and transpositions, without indices.

XLA gathers number by number; slices, transpositions and broadcasts it joins with what uses them. So
indices are examined for a regular pattern: counts and steps, the outermost first, as strides of
NumPy. A step of 0 repeats.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["Strides", "strided", "strides_of"]

Strides = tuple[tuple[int, int], ...]  # (count, step), the outermost first

_MOST = 4


def strides_of(indices: Any) -> Strides | None:
    """The counts and steps that make these indices; None if there are none, or no slices do it.

    >>> strides_of([0, 4, 8, 1, 5, 9])
    ((2, 1), (3, 4))
    >>> strides_of([7, 7, 7, 9, 9, 9])
    ((2, 2), (3, 0))
    >>> strides_of([0, 1, 3]) is None
    True
    """
    rest = np.asarray(indices)
    found: list[tuple[int, int]] = []
    while len(rest) > 1:
        steps = np.diff(rest)
        breaks = np.flatnonzero(steps != steps[0])
        count = int(breaks[0]) + 1 if len(breaks) else len(rest)
        if len(rest) % count or len(found) == _MOST:
            return None
        table = rest.reshape(-1, count)
        if (table - table[:, :1] != table[0] - table[0, 0]).any():
            return None
        found.insert(0, (count, int(steps[0])))
        rest = table[:, 0]
    nested = sorted([(abs(step), count) for count, step in found if step], reverse=True)
    for (outer, _), (inner, count) in pairwise(nested):
        if inner * (count - 1) >= outer:
            return None
    return tuple(found)


def strided(array: Any, start: int, strides: Strides) -> Any:
    """The rows from `start` on with these strides, shape (product of the counts, N)."""
    width = array.shape[1]
    moving = [k for k, (_, step) in enumerate(strides) if step]
    order = sorted(moving, key=lambda k: -abs(strides[k][1]))
    first = start + sum(min(0, step) * (count - 1) for count, step in strides)
    table = array[first:]
    shape: list[int] = []
    for k in order:
        count, step = strides[k][0], abs(strides[k][1])
        # the rows on the last axis are cut into `count` parts of `step`
        missing = count * step - table.shape[-2]
        if missing > 0:
            table = jnp.pad(table, [(0, 0)] * len(shape) + [(0, missing), (0, 0)])
        else:
            table = lax.slice_in_dim(table, 0, count * step, axis=len(shape))
        shape.append(count)
        table = table.reshape(*shape, step, width)
    table = lax.index_in_dim(table, 0, len(shape), keepdims=False)
    table = lax.rev(table, [i for i, k in enumerate(order) if strides[k][1] < 0])
    table = table.transpose(*[order.index(k) for k in moving], len(shape))
    full = [count for count, _ in strides]
    where = [*moving, len(full)]
    return lax.broadcast_in_dim(table, (*full, width), where).reshape(-1, width)
