"""What all results have in common: the answer in the caller's nesting, and SciPy's own result."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from scalargrad.solve.covariance import correlation_of
from scalargrad.solve.report import Section, as_html, as_text
from scalargrad.solve.unknowns import Unknowns

__all__ = ["Result"]


class Result:
    """The result of a solver.

    All attributes of SciPy's result can be read here; `x` alone is in the caller's nesting.

    Attributes:
        x: The solution, in the nesting of x0.
        names: A name for each unknown, in the order of the flattened x.
        flat: The solution as an array, shape (n,).
        scipy: SciPy's result.
    """

    def __init__(self, unknowns: Unknowns, found: Any) -> None:
        self.unknowns, self.scipy = unknowns, found
        self.names = unknowns.names
        self.flat = np.array(found.x)
        self.x = unknowns.filled(self.flat)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "scipy":  # asked for by copies, before there is one
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        try:
            return getattr(self.scipy, name)
        except AttributeError:
            raise AttributeError(
                f"{type(self).__name__!r} has no attribute {name!r}, nor has SciPy's result"
            ) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.scipy})

    @property
    def covariance(self) -> Any:
        """The covariance of the flattened x, shape (n, n)."""
        raise NotImplementedError

    @property
    def _inverse(self) -> tuple[Any, Any]:
        """The covariance but for a factor, and the directions that are not determined."""
        raise NotImplementedError

    @cached_property
    def deviations(self) -> Any:
        """The standard errors of the flattened x, shape (n,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def standard_errors(self) -> Any:
        """The standard errors, in the nesting of x0: roots of the diagonal of the covariance."""
        return self.unknowns.filled(self.deviations)

    @cached_property
    def correlation(self) -> Any:
        """The correlations of the flattened x, shape (n, n); nan where there is no covariance."""
        return correlation_of(self._inverse[0])

    def sections(self) -> list[Section]:
        """The parts of the report."""
        raise NotImplementedError

    def report(self) -> str:
        """The result as text: how good it is, the unknowns with their errors, and correlations."""
        return as_text(self.sections())

    def _repr_html_(self) -> str:
        return as_html(self.sections())

    def __str__(self) -> str:
        return self.report()
