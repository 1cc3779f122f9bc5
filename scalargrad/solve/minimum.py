"""The result of a minimisation: its unknowns, and what its Hessian says about them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from scalargrad.solve.covariance import inverse_hessian, undetermined
from scalargrad.solve.objective import Objective
from scalargrad.solve.report import Section, correlations, number, variables
from scalargrad.solve.result import Result

__all__ = ["Minimum"]


class Minimum(Result):
    """The result of `minimize`.

    It has all that SciPy's result has: `success`, `status`, `message`, `nfev`, `fun` and, where the
    method takes them, `njev`, `nhev` and `jac`.

    Attributes:
        x: The solution, in the nesting of x0.
        fun: The smallest value.
        hessian: The exact second derivatives by the flattened x, shape (n, n).
        covariance: Its inverse. If the function is a negative log-likelihood, up to a constant,
            that is the covariance of x (by the observed information); for other functions it means
            nothing of the kind. It is infinite where the Hessian is not positive definite.
        standard_errors: The roots of its diagonal, in the nesting of x0.
        correlation: The correlations, shape (n, n).
        notes: What one should know before one trusts the result.

    >>> found = sg.solve.minimize(lambda p: (p[0] - 1.0) ** 2 + (p[1] - p[0]) ** 2, [0.0, 0.0])
    >>> [round(x, 9) for x in found.x], found.hessian.tolist()
    ([1.0, 1.0], [[4.0, -2.0], [-2.0, 2.0]])
    """

    def __init__(self, objective: Objective, found: Any, *, method: str, held: Any) -> None:
        super().__init__(objective.unknowns, found)
        self._objective, self.method, self._held = objective, method, held

    def __repr__(self) -> str:
        state = "converged" if self.success else "did not converge"
        return f"<Minimum of {len(self.names)} unknowns, {state}, value {float(self.fun)!r}>"

    @cached_property
    def hessian(self) -> Any:
        """The exact second derivatives by the flattened x, shape (n, n)."""
        return self._objective.hessian(self.flat)

    @cached_property
    def _inverse(self) -> tuple[Any, Any]:
        return inverse_hessian(self.hessian)

    @property
    def covariance(self) -> Any:
        """The inverse of the Hessian: the covariance of x for a negative log-likelihood."""
        return self._inverse[0]

    @property
    def notes(self) -> list[str]:
        """What one should know before one trusts the result."""
        found = []
        if not self.success:
            found.append(f"The minimisation did not converge: {self.message}")
        for names in undetermined(self._inverse[1], self.names):
            found.append(
                f"The Hessian is not positive along {', '.join(names)}: no minimum there that "
                "second derivatives show. The covariance is infinite."
            )
        if self._held.any():
            held = [name for name, side in zip(self.names, self._held, strict=True) if side]
            found.append(f"At a bound: {', '.join(held)}. The errors are those without bounds.")
        found.append(
            "The errors come from the inverse of the Hessian. They are standard errors if the "
            "function is a negative log-likelihood."
        )
        return found

    def sections(self) -> list[Section]:
        """The parts of the report."""
        counts = {"nfev": "values", "njev": "gradients", "nhev": "Hessians"}
        used = [f"{self.scipy[key]} {what}" for key, what in counts.items() if key in self.scipy]
        rows: list[tuple[str, ...]] = [
            ("method", f"= {self.method}"),
            ("evaluations", f"= {', '.join(used)}"),
            ("unknowns", f"= {len(self.names)}"),
            ("value", f"= {number(float(self.fun))}"),
        ]
        remarks = ["at its bound" if side else "" for side in self._held]
        table = variables(
            self.names, self.flat.tolist(), np.abs(self.deviations).tolist(),
            self.unknowns.start.tolist(), remarks,
        )  # fmt: skip
        sections: list[Section] = [("Minimum", rows), ("Unknowns", table)]
        if pairs := correlations(self.names, self.correlation):
            sections.append(("Correlations of 0.1 and more", pairs))
        sections.append(("Notes", [(note,) for note in self.notes]))
        return sections
