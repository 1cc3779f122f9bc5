"""Covariances of estimates: the inverse of JᵀJ or of a Hessian, and what keeps it from existing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["correlation_of", "inverse_gram", "inverse_hessian", "undetermined"]

_SHARE = 0.05  # of a direction that is not determined: below it a name is not worth mentioning


def inverse_gram(jacobian: Any) -> tuple[Any, Any]:
    """(JᵀJ)⁻¹, and the directions that J does not determine.

    The columns are scaled to equal lengths first, so that the units of the unknowns do not matter.
    JᵀJ itself, which has half of the digits, is not formed.

    Returns:
        The inverse, shape (n, n), all infinite if J has not full rank; and the directions, one a
        row, in the scaled unknowns.
    """
    m, n = jacobian.shape
    lengths = np.linalg.norm(jacobian, axis=0)
    scale = np.where(lengths > 0.0, lengths, 1.0)
    _, sizes, directions = np.linalg.svd(jacobian / scale, full_matrices=False)
    least = np.finfo(float).eps * max(m, n) * sizes[0]
    if sizes[-1] <= least:
        return np.full((n, n), np.inf), directions[sizes <= least]
    half = directions.T / sizes / scale[:, None]
    return half @ half.T, np.empty((0, n))


def inverse_hessian(hessian: Any) -> tuple[Any, Any]:
    """H⁻¹, and the directions in which H is not positive.

    Returns:
        The inverse, shape (n, n), all infinite if H is not positive definite; and the directions.
    """
    n = len(hessian)
    diagonal = np.abs(np.diag(hessian))
    scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    sizes, directions = np.linalg.eigh(hessian / scale / scale[:, None])
    least = np.finfo(float).eps * n * np.abs(sizes).max()
    if sizes[0] <= least:
        return np.full((n, n), np.inf), directions.T[sizes <= least]
    half = directions / np.sqrt(sizes) / scale[:, None]
    return half @ half.T, np.empty((0, n))


def undetermined(directions: Any, names: Sequence[str]) -> list[list[str]]:
    """For each direction the names of the unknowns that move along it."""
    return [
        [name for name, share in zip(names, np.abs(direction), strict=True) if share > _SHARE]
        for direction in directions
    ]


def correlation_of(covariance: Any) -> Any:
    """The correlations of a covariance, shape (n, n); nan where a deviation is not finite."""
    deviations = np.sqrt(np.diag(covariance))
    if not np.isfinite(deviations).all():
        return np.full_like(covariance, np.nan)
    return np.clip(covariance / deviations / deviations[:, None], -1.0, 1.0)
