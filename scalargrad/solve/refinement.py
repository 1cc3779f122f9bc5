"""The last digits of a least-squares solution, by Gauss-Newton steps with the exact Jacobian.

A method stops where the sum of squares no longer changes. Near a minimum that is where the unknowns
still miss half of their digits, since the sum changes with the square of a step. The step of Gauss
and Newton itself goes on getting shorter there, until it consists of rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["refined"]

_MOST = 60  # steps; each takes one evaluation
_CLOSE = 1e-13  # the relative size of the last step
_RISE = 1e-10  # the share by which rounding may raise the sum of squares


def refined(
    table: Callable[[Any], Any], x: Any, free: Any, limits: tuple[Any, Any]
) -> tuple[Any, int]:
    """The solution near `x`, and the number of evaluations.

    Args:
        table: The columns of J and then r, or of both with an orthogonal matrix from the left.
        x: The unknowns that a method found.
        free: Which of them are not held by a bound.
        limits: The lowest and the highest numbers.
    """
    low, high = limits
    used = 1
    step, length, cost = _step(table(x), free)
    for _ in range(_MOST):
        trial = x + step
        if not length or (trial < low).any() or (trial > high).any():
            break
        if (np.abs(step) <= _CLOSE * np.abs(x)).all():
            return trial, used
        used += 1
        next_step, next_length, next_cost = _step(table(trial), free)
        if not (next_length < length and next_cost <= cost * (1.0 + _RISE)):
            break
        x, step, length, cost = trial, next_step, next_length, next_cost
    return x, used


def _step(table: Any, free: Any) -> tuple[Any, float, float]:
    """The step, the length of J times it, and the sum of squares; no step where J is deficient."""
    jacobian, residuals = table[:, :-1][:, free], table[:, -1]
    step = np.zeros(len(free))
    cost = float(residuals @ residuals)
    lengths = np.linalg.norm(jacobian, axis=0)
    if not (np.isfinite(lengths).all() and lengths.all()):
        return step, 0.0, cost
    left, sizes, right = np.linalg.svd(jacobian / lengths, full_matrices=False)
    if sizes[-1] <= np.finfo(float).eps * max(jacobian.shape) * sizes[0]:
        return step, 0.0, cost
    moved = left.T @ -residuals
    step[free] = right.T @ (moved / sizes) / lengths
    return step, float(np.linalg.norm(moved)), cost
