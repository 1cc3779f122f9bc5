"""The result of a least-squares fit: its unknowns with their errors, its quality, its pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import inf, isfinite, log, nan, sqrt
from typing import Any

import numpy as np

from scalargrad.core.numbers import as_float
from scalargrad.solve.covariance import inverse_gram, undetermined
from scalargrad.solve.losses import rho
from scalargrad.solve.report import Section, correlations, number, variables
from scalargrad.solve.residuals import Residuals
from scalargrad.solve.response import Response, response_of
from scalargrad.solve.result import Result

__all__ = ["Fit"]


class Fit(Result):
    """The result of `least_squares`.

    It has all that SciPy's result has: `success`, `status`, `message`, `nfev`, `njev`, `fun` (the
    residuals, divided by sigma), `jac`, `grad`, `optimality`, `active_mask`, `cost` (half the sum
    of squares, or of rho for another loss).

    Attributes:
        x: The solution, in the nesting of x0.
        covariance: The covariance of the flattened x, shape (n, n): s² (JᵀJ)⁻¹, where s² is the sum
            of squares divided by the degrees of freedom, or 1 with `absolute_sigma`. It is
            infinite where J has not full rank, or where nothing is left to estimate s² from.
        standard_errors: The roots of its diagonal, in the nesting of x0.
        correlation: The correlations, shape (n, n).
        degrees_of_freedom: The number of residuals less the number of unknowns.
        chi_square: The sum of squares of the residuals, divided by sigma.
        reduced_chi_square: The same divided by the degrees of freedom.
        r_squared: 1 - the sum of squares of the residuals / that of the response about its mean;
            nan where the residuals show no response.
        aic, bic: The information criteria of Akaike and of Bayes, up to a constant of the data.
        notes: What one should know before one trusts the errors.

    >>> fit = sg.solve.least_squares(
    ...     lambda p, x, y: y - (p["a"] + p["b"] * x), {"a": 0.0, "b": 0.0},
    ...     data=([1.0, 2.0, 3.0, 4.0], [1.1, 1.9, 3.2, 3.8]))
    >>> {name: round(x, 3) for name, x in fit.x.items()}
    {'a': 0.15, 'b': 0.94}
    >>> {name: round(x, 3) for name, x in fit.standard_errors.items()}
    {'a': 0.248, 'b': 0.091}
    """

    def __init__(
        self, residuals: Residuals, found: Any, *, method: str,
        loss: str | Callable[[Any], Any], f_scale: float, absolute_sigma: bool,
    ) -> None:  # fmt: skip
        super().__init__(residuals.unknowns, found)
        self.method, self.loss, self.f_scale = method, loss, f_scale
        self.absolute_sigma = absolute_sigma
        self._residuals = residuals
        self.degrees_of_freedom = residuals.count - len(self.names)
        self.chi_square = float(found.fun @ found.fun)

    def __repr__(self) -> str:
        state = "converged" if self.success else "did not converge"
        return f"<Fit of {len(self.names)} unknowns, {state}, cost {float(self.cost)!r}>"

    @property
    def reduced_chi_square(self) -> float:
        """The sum of squares divided by the degrees of freedom; nan if there are none."""
        freedom = self.degrees_of_freedom
        return self.chi_square / freedom if freedom else nan

    @cached_property
    def _inverse(self) -> tuple[Any, Any]:
        return inverse_gram(self.scipy.jac)

    @cached_property
    def covariance(self) -> Any:
        """The covariance of the flattened x, shape (n, n)."""
        scale = self._scale
        return np.full_like(self._inverse[0], inf) if scale == inf else self._inverse[0] * scale

    @property
    def _scale(self) -> float:
        """What (JᵀJ)⁻¹ is multiplied by.

        For other losses than the square it is that of an M-estimator: Huber, Robust Statistics,
        1981, equation 7.6.6, with psi = r rho'.
        """
        if self.loss == "linear" and self.absolute_sigma:
            return 1.0
        n, freedom, m = len(self.names), self.degrees_of_freedom, self._residuals.count
        if not freedom:
            return inf
        if self.loss == "linear":
            return self.reduced_chi_square
        r = self.scipy.fun
        _, first, second = rho(self.loss, r, self.f_scale)
        psi = r * first
        slopes = first + 2.0 * (r / self.f_scale) ** 2 * second
        mean = float(slopes.mean())
        if mean <= 0.0:
            return inf
        correction = 1.0 + n / m * float(slopes.var()) / mean**2
        return correction**2 * float(psi @ psi) / freedom / mean**2

    def confidence_intervals(self, level: float = 0.95) -> Any:
        """Intervals that hold the true numbers with a probability, in the nesting of x0.

        They are symmetric: Student's t times the standard errors, which is right as far as the
        model is linear over the width of the interval.

        Args:
            level: The probability, between 0 and 1.

        Returns:
            A pair (low, high) in the place of each number.

        Raises:
            ValueError: The level is not between 0 and 1.
        """
        from scipy.special import ndtri, stdtrit

        level = as_float(level, "confidence_intervals: level")
        if not 0.0 < level < 1.0:
            raise ValueError(
                f"confidence_intervals: level must be between 0 and 1, like 0.95, got {level!r}"
            )
        tail = 0.5 + 0.5 * level
        known = self.absolute_sigma or not self.degrees_of_freedom
        factor = float(ndtri(tail) if known else stdtrit(self.degrees_of_freedom, tail))
        widths = factor * self.deviations
        pairs = zip((self.flat - widths).tolist(), (self.flat + widths).tolist(), strict=True)
        return self.unknowns.filled([*pairs])

    @cached_property
    def _response(self) -> Response | None:
        return response_of(self._residuals, self.flat)

    @property
    def r_squared(self) -> float:
        """The share of the response's variance that the fit explains; nan if there is none."""
        if self._response is None:
            return nan
        observed, fitted = self._response.observed, self._response.fitted
        weights = 1.0 if self._residuals.sigma is None else self._residuals.sigma**-2.0
        mean = np.average(observed, weights=np.broadcast_to(weights, observed.shape))
        total = float(np.sum(weights * (observed - mean) ** 2))
        return 1.0 - float(np.sum(weights * (observed - fitted) ** 2)) / total if total else nan

    def _information(self, price: float) -> float:
        count = self._residuals.count
        if not self.chi_square:
            return -inf
        return count * log(self.chi_square / count) + price * len(self.names)

    @property
    def aic(self) -> float:
        """The information criterion of Akaike: m log(chi² / m) + 2 n."""
        return self._information(2.0)

    @property
    def bic(self) -> float:
        """The information criterion of Bayes: m log(chi² / m) + n log m."""
        return self._information(log(self._residuals.count))

    @property
    def notes(self) -> list[str]:
        """What one should know before one trusts the result."""
        found = []
        if not self.success:
            found.append(f"The fit did not converge: {self.message}")
        for names in undetermined(self._inverse[1], self.names):
            if len(names) == 1:
                what = f"{names[0]} alone: no residual depends on it here"
            else:
                what = f"{', '.join(names)}: another combination of them fits as well"
            found.append(f"The residuals do not determine {what}. The covariance is infinite.")
        if not self.degrees_of_freedom and not self.absolute_sigma:
            found.append(
                "There are as many unknowns as residuals: nothing is left to estimate their "
                "scatter from, so the covariance is infinite."
            )
        bound = [name for name, side in zip(self.names, self.active_mask, strict=True) if side]
        if bound:
            found.append(
                f"At a bound: {', '.join(bound)}. The errors are those of a fit without bounds."
            )
        if self.loss != "linear":
            found.append(
                "The errors are those of an M-estimator (Huber 1981), right for many residuals."
            )
        return found

    def sections(self) -> list[Section]:
        """The parts of the report."""
        loss = self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", "own")
        rows: list[tuple[str, ...]] = [
            ("method", f"= {self.method}" + (f", loss {loss}" if loss != "linear" else "")),
            ("evaluations", f"= {self.nfev} of the residuals, {self.njev} of the Jacobian"),
            ("residuals", f"= {self._residuals.count}"),
            ("unknowns", f"= {len(self.names)}"),
            ("cost", f"= {number(float(self.cost))}"),
            ("chi-square", f"= {number(self.chi_square)}"),
        ]
        if self.degrees_of_freedom:
            rows.append(("reduced chi-square", f"= {number(self.reduced_chi_square)}"))
            deviation = sqrt(self.reduced_chi_square)
            rows.append(("residual deviation", f"= {number(deviation)}"))
        rows.append(("Akaike criterion", f"= {number(self.aic)}"))
        rows.append(("Bayes criterion", f"= {number(self.bic)}"))
        if isfinite(self.r_squared):
            rows.append(("R-squared", f"= {number(self.r_squared)}"))
        remarks = ["at its bound" if side else "" for side in self.active_mask]
        table = variables(
            self.names, self.flat.tolist(), self.deviations.tolist(), self.unknowns.start.tolist(),
            remarks,
        )  # fmt: skip
        sections: list[Section] = [("Fit", rows), ("Unknowns", table)]
        if pairs := correlations(self.names, self.correlation):
            sections.append(("Correlations of 0.1 and more", pairs))
        if self.notes:
            sections.append(("Notes", [(note,) for note in self.notes]))
        return sections

    def plot(self, title: str = "") -> Any:
        """Draw the fit beside the response, and the residuals below.

        The response is the column of data on which the residuals depend apart from all unknowns,
        such as y in y - f(x). It is drawn over the other column, or over the fitted numbers if
        there are several; without a response there are the residuals alone.

        Args:
            title: The title of the figure.

        Returns:
            A matplotlib figure that shows itself in Jupyter, with `save`.

        Raises:
            ImportError: matplotlib is not installed; the message gives the line to type.
        """
        from scalargrad.solve.picture import fit_figure

        return fit_figure(self.scipy.fun, self._response, title)
