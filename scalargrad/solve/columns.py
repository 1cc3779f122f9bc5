"""The data of a fit: columns with one entry for each sample, checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scalargrad.core.arguments import is_list
from scalargrad.core.numbers import as_float, shown, written
from scalargrad.replay.arrays import as_array
from scalargrad.replay.batch import argument_names

__all__ = ["as_columns", "as_sigma"]


def as_columns(f: Callable[..., Any], data: Any, caller: str) -> list[Any]:
    """The columns of `data` as arrays of float64; errors name the argument of `f` that they fill.

    Args:
        f: A function of the unknowns and of one entry of each column.
        data: A tuple or list of columns, or None for no columns.
        caller: The function to name in errors.
    """
    if data is None:
        return []
    if not isinstance(data, (tuple, list)):
        raise TypeError(
            f"{caller}: data must be a tuple of columns, like (x, y), got {shown(data)}"
        )
    if not data:
        raise ValueError(
            f"{caller}: data must have columns, got {written(data)}; without data, leave it out"
        )
    names = argument_names(f, len(data) + 1)[1:]
    columns = [
        _column(x, f"{caller}: data[{i}] ({name})")
        for i, (x, name) in enumerate(zip(data, names, strict=True))
    ]
    for i, column in enumerate(columns):
        if len(column) != len(columns[0]):
            raise ValueError(
                f"{caller}: data[{i}] ({names[i]}) has {len(column)} samples, but data[0] "
                f"({names[0]}) has {len(columns[0])}"
            )
    return columns


def _column(x: Any, name: str) -> Any:
    if not is_list(x):
        raise TypeError(f"{name} must be a list or an array, one entry a sample, got {shown(x)}")
    column = as_array(x, name)
    if not len(column):
        raise ValueError(f"{name} has no samples")
    bad = np.argwhere(~np.isfinite(column))
    if len(bad):
        place = "".join(f"[{i}]" for i in bad[0])
        raise ValueError(
            f"{name} must be finite, got {float(column[tuple(bad[0])])!r} at {place}: leave such "
            "samples out"
        )
    return column


def as_sigma(sigma: Any, samples: int, each: int, caller: str) -> Any:
    """The standard deviation of each residual, shape (samples * each,), or None.

    Args:
        sigma: A positive number, or one for each sample or residual; None for none.
        samples: The number of samples.
        each: The number of residuals of a sample.
        caller: The function to name in errors.
    """
    if sigma is None:
        return None
    name = f"{caller}: sigma"
    deviations = as_array(sigma, name) if is_list(sigma) else np.array([as_float(sigma, name)])
    count = samples * each
    if is_list(sigma) and deviations.shape not in ((samples,), (count,)):
        wanted = f"{samples} numbers" if each == 1 else f"{samples} or {count} numbers"
        raise ValueError(
            f"{name} must be one number, or {wanted}, one for each sample, got shape "
            f"{deviations.shape}"
        )
    if not (np.isfinite(deviations).all() and (deviations > 0.0).all()):
        raise ValueError(f"{name} must be positive and finite, got {written(sigma)}")
    if len(deviations) == samples:
        deviations = np.repeat(deviations, each)
    return np.broadcast_to(deviations, (count,))
