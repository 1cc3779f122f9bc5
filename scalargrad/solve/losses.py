"""The losses of SciPy's least squares: how much a residual counts, and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["LOSSES", "rho"]

# By name, rho(z) of the squared residual z = (r / f_scale)**2, and its first two derivatives, as
# the documentation of scipy.optimize.least_squares states them.
LOSSES: dict[str, Callable[[Any], tuple[Any, Any, Any]]] = {
    "linear": lambda z: (z, np.ones_like(z), np.zeros_like(z)),
    "soft_l1": lambda z: (
        2.0 * (np.sqrt(1.0 + z) - 1.0), (1.0 + z) ** -0.5, -0.5 * (1.0 + z) ** -1.5,
    ),
    "huber": lambda z: (
        np.where(z <= 1.0, z, 2.0 * np.sqrt(z) - 1.0),
        np.minimum(1.0, 1.0 / np.sqrt(np.maximum(z, 1.0))),
        np.where(z <= 1.0, 0.0, -0.5 * np.maximum(z, 1.0) ** -1.5),
    ),
    "cauchy": lambda z: (np.log1p(z), 1.0 / (1.0 + z), -((1.0 + z) ** -2.0)),
    "arctan": lambda z: (np.arctan(z), 1.0 / (1.0 + z * z), -2.0 * z / (1.0 + z * z) ** 2),
}  # fmt: skip


def rho(loss: str | Callable[[Any], Any], residuals: Any, f_scale: float) -> Any:
    """rho, rho' and rho'' of each residual, shape (3, m)."""
    z = (residuals / f_scale) ** 2
    return np.array(loss(z) if callable(loss) else LOSSES[loss](z))
