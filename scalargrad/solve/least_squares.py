"""`least_squares`: fit the unknowns of residuals, with exact Jacobians at the speed of replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scalargrad.core.arguments import as_choice, as_flag
from scalargrad.core.numbers import as_count, as_float, written
from scalargrad.replay.batch import argument_names
from scalargrad.solve.columns import as_columns
from scalargrad.solve.fit import Fit
from scalargrad.solve.libraries import as_method, optimize
from scalargrad.solve.losses import LOSSES
from scalargrad.solve.refinement import refined
from scalargrad.solve.residuals import Residuals
from scalargrad.solve.unknowns import Unknowns
from scalargrad.transforms.functional import checked_function

__all__ = ["least_squares"]

_METHODS = ("trf", "dogbox", "lm")
_EVALUATIONS = 1000  # for each unknown: NIST's Bennett5 takes 1,400 with three
# Of the sum of squares and of the unknowns; refinement goes on. With SciPy's 1e-8, `lm` stops in
# the long valley of NIST's Bennett5, where refinement does not lead on.
_TOLERANCE = 1e-10
_ANGLE = 1e-12  # between the residuals and the columns of J, as `lm` measures the gradient


def least_squares(
    residual: Callable[..., Any], x0: Any, data: Any = None, bounds: Any = None,
    loss: str | Callable[[Any], Any] = "linear", method: str | None = None, *, sigma: Any = None,
    absolute_sigma: bool = False, f_scale: float = 1.0, x_scale: Any = "jac",
    ftol: float = _TOLERANCE, xtol: float = _TOLERANCE, gtol: float | None = None,
    max_nfev: int | None = None, backend: str = "auto", threads: int | None = None,
) -> Fit:  # fmt: skip
    """Find the x at which the sum of the squares of residuals is smallest.

    `residual` is recorded once and replayed on all samples, with its exact Jacobian; SciPy does the
    optimising. After it a few Gauss-Newton steps bring out the last digits.

    Args:
        residual: The residual of one sample, or a list of them, as a function of the unknowns and
            of the numbers of the sample. Without data a function of the unknowns alone, which gives
            the list of all residuals.
        x0: The start: a number, or nested lists, tuples, dicts or arrays of numbers. `residual`
            gets the unknowns in this nesting. A number to keep fixed is left out.
        data: A tuple of columns, each a list or an array with one entry for each sample.
        bounds: A tuple (low, high), each a number, None or the nesting of x0; or the nesting of x0
            with a pair in the place of each number, in which None is no bound. In a dict, unknowns
            that are left out have no bounds.
        loss: "linear" for squares, "soft_l1", "huber", "cauchy" or "arctan", which count outliers
            less, or a function, as in SciPy.
        method: "trf" (the default), "dogbox" or "lm" (MINPACK; without bounds, and for squares).
        sigma: The standard deviation of the residuals, one number or one for each sample: they are
            divided by it.
        absolute_sigma: Whether sigma is known in the unit of the residuals. Otherwise only the
            ratios count, and the scatter of the residuals gives the scale of the covariance. As in
            `scipy.optimize.curve_fit`.
        f_scale: The residual from which on a loss takes it for an outlier.
        x_scale: The scale of the unknowns: "jac" takes it from the Jacobian; or a number for all,
            or the nesting of x0.
        ftol: The change of the sum of squares, relative, at which to stop.
        xtol: The change of the unknowns, relative, at which to stop.
        gtol: The size of the gradient at which to stop, as in SciPy; by default only 0, since its
            unit is that of the data.
        max_nfev: The number of evaluations after which to give up; by default 1,000 for each
            unknown.
        backend: As for `compile`.
        threads: As for `compile`.

    Returns:
        A `Fit`: x with standard errors, covariance, a report and a picture.

    Raises:
        TypeError, ValueError: An argument is invalid, or the numbers do not fit together.
        FloatingPointError: A residual is not finite at x0, or a derivative at an x that was
            reached; the message names the sample and the operation. A step to an x where a residual
            is not finite is not taken.
        RecordingError: As for `compile`.

    >>> t = [0.0, 1.0, 2.0, 3.0, 4.0]
    >>> y = [2.0, 1.21, 0.74, 0.45, 0.27]
    >>> fit = sg.solve.least_squares(
    ...     lambda p, t, y: y - p["a"] * sg.exp(-p["rate"] * t), {"a": 1.0, "rate": 1.0}, (t, y))
    >>> {name: round(x, 4) for name, x in fit.x.items()}
    {'a': 1.9988, 'rate': 0.4987}
    """
    checked_function(residual, "least_squares")
    unknowns = Unknowns(x0, "least_squares", argument_names(residual, 1)[0])
    limits = unknowns.bounds(bounds)
    if not callable(loss):
        as_choice(loss, LOSSES, "least_squares: loss")
    method = "trf" if method is None else as_method(method, _METHODS, "least_squares")
    if method == "lm" and (limits is not None or loss != "linear"):
        what = "bounds" if limits is not None else f"loss {written(loss)}"
        raise ValueError(f"least_squares: method 'lm' takes no {what}: use 'trf' or 'dogbox'")
    if as_flag(absolute_sigma, "least_squares: absolute_sigma") and sigma is None:
        raise ValueError("least_squares: absolute_sigma=True needs sigma")
    settings: dict[str, Any] = {
        "f_scale": _positive(f_scale, "f_scale"), "ftol": _positive(ftol, "ftol"),
        "xtol": _positive(xtol, "xtol"), "x_scale": unknowns.scale(x_scale),
        # That of `trf` and `dogbox` has the unit of the sum of squares by that of an unknown: where
        # these are small it is met at once. That of `lm` is the cosine of an angle.
        "gtol": (_ANGLE if method == "lm" else None) if gtol is None
        else _positive(gtol, "gtol"),
        "max_nfev": _EVALUATIONS * len(unknowns) if max_nfev is None
        else as_count(max_nfev, "least_squares: max_nfev"),
    }  # fmt: skip
    columns = as_columns(residual, data, "least_squares")
    residuals = Residuals(residual, unknowns, columns, sigma, backend, threads)
    if residuals.count < len(unknowns):
        raise ValueError(
            f"least_squares: {residuals.count} residuals cannot determine {len(unknowns)} "
            f"unknowns: {', '.join(unknowns.names)}"
        )
    if not np.isfinite(residuals.table(unknowns.start)).all():
        residuals.blame(unknowns.start)
    found = _solved(residuals, limits, loss, method, settings)
    return Fit(
        residuals, found, method=method, loss=loss, f_scale=settings["f_scale"],
        absolute_sigma=absolute_sigma,
    )  # fmt: skip


def _positive(x: Any, name: str) -> float:
    number = as_float(x, f"least_squares: {name}")
    if not 0.0 < number < np.inf:
        raise ValueError(f"least_squares: {name} must be positive and finite, got {number!r}")
    return number


def _solved(
    residuals: Residuals, limits: Any, loss: Any, method: str,
    settings: dict[str, Any],
) -> Any:  # fmt: skip
    """SciPy's result, with the last digits of x, and all residuals in it."""
    squares = loss == "linear"
    tall = residuals.count > 4 * len(residuals.unknowns)
    # a loss looks at each residual
    table = residuals.reduced if squares and tall else residuals.table

    def jacobian(x: Any) -> Any:
        slopes = table(x)[:, :-1]
        if not np.isfinite(slopes).all():
            residuals.blame(x)
        return slopes

    n = len(residuals.unknowns)
    low, high = limits or (np.full(n, -np.inf), np.full(n, np.inf))
    with np.errstate(all="ignore"):  # a step that is not finite is not taken
        found = optimize().least_squares(
            lambda x: table(x)[:, -1], residuals.unknowns.start, jacobian, (low, high), method,
            loss=loss, **settings,
        )  # fmt: skip
    x = found.x
    if squares and found.success:
        x, used = refined(table, x, found.active_mask == 0, (low, high))
        found.nfev += used
        found.njev += used
    whole = residuals.table(x)
    found.x, found.jac, found.fun = x, whole[:, :-1], whole[:, -1]
    found.grad = found.jac.T @ found.fun
    if squares:
        found.cost = 0.5 * float(found.fun @ found.fun)
        found.optimality = float(np.abs(found.grad).max())
    return found
