"""`minimize`: the smallest value of a function, with exact derivatives at the speed of replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scalargrad.core.numbers import as_non_negative, shown
from scalargrad.replay.batch import argument_names
from scalargrad.solve.columns import as_columns
from scalargrad.solve.libraries import as_method, optimize
from scalargrad.solve.minimum import Minimum
from scalargrad.solve.objective import Objective
from scalargrad.solve.unknowns import Unknowns
from scalargrad.transforms.functional import checked_function

__all__ = ["minimize"]

# What SciPy's methods take: gradients, Hessians (as a matrix, or times a vector) and bounds.
_METHODS = {
    "Nelder-Mead": {"bounds"},
    "Powell": {"bounds"},
    "CG": {"jac"},
    "BFGS": {"jac"},
    "Newton-CG": {"jac", "hessp"},
    "L-BFGS-B": {"jac", "bounds"},
    "TNC": {"jac", "bounds"},
    "COBYLA": {"bounds"},
    "COBYQA": {"bounds"},
    "SLSQP": {"jac", "bounds"},
    "trust-constr": {"jac", "hessp", "bounds"},
    "dogleg": {"jac", "hess"},
    "trust-ncg": {"jac", "hessp"},
    "trust-exact": {"jac", "hess"},
    "trust-krylov": {"jac", "hessp"},
}
_FEW = 100  # unknowns: more, and a Hessian takes longer than what it saves


def minimize(
    f: Callable[..., Any], x0: Any, data: Any = None, method: str | None = None,
    bounds: Any = None, *, tol: float | None = None, options: Mapping[str, Any] | None = None,
    backend: str = "auto", threads: int | None = None,
) -> Minimum:  # fmt: skip
    """Find the x at which `f`, summed over the samples, is smallest.

    `f` is recorded once and replayed; SciPy does the optimising, with exact gradients, and with
    exact Hessians or their products with a vector where the method takes them. Up to 100 unknowns a
    few Newton steps bring out the last digits.

    Args:
        f: A function of the unknowns and of the numbers of one sample, such as the negative
            log-likelihood of the sample, which returns one number.
        x0: The start: a number, or nested lists, tuples, dicts or arrays of numbers. `f` gets the
            unknowns in this nesting. A number to keep fixed is left out.
        data: A tuple of columns, each a list or an array with one entry for each sample; without
            it, `f` is a function of the unknowns alone.
        method: The name of one of SciPy's methods. By default "trust-exact", which takes Hessians,
            for up to 100 unknowns without bounds, and "L-BFGS-B" for others.
        bounds: As for `least_squares`.
        tol: SciPy's tolerance, whose meaning depends on the method.
        options: SciPy's options of the method.
        backend: As for `compile`.
        threads: As for `compile`.

    Returns:
        A `Minimum`: x with the value, the Hessian, errors and a report.

    Raises:
        TypeError, ValueError: An argument is invalid, or the method takes no bounds.
        FloatingPointError: The value is not finite at x0, or a derivative at an x that was reached.
            Elsewhere a value that is not finite counts as infinitely large.
        RecordingError: As for `compile`.

    >>> found = sg.solve.minimize(  # the negative log-likelihood of exponential waiting times
    ...     lambda rate, t: rate * t - sg.log(rate), 1.0, data=([0.2, 0.5, 0.8, 0.5],))
    >>> round(found.x, 9), round(found.standard_errors, 9)
    (2.0, 1.0)
    """
    checked_function(f, "minimize")
    unknowns = Unknowns(x0, "minimize", argument_names(f, 1)[0])
    limits = unknowns.bounds(bounds)
    few = len(unknowns) <= _FEW
    if method is None:
        chosen = "trust-exact" if few and limits is None else "L-BFGS-B"
    else:
        chosen = as_method(method, tuple(_METHODS), "minimize")
    takes = _METHODS[chosen]
    if limits is not None and "bounds" not in takes:
        able = ", ".join(name for name, its in _METHODS.items() if "bounds" in its)
        raise ValueError(f"minimize: method {chosen!r} takes no bounds: {able} do")
    if tol is not None:
        tol = as_non_negative(tol, "minimize: tol")
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"minimize: options must be a dict, got {shown(options)}")
    objective = Objective(f, unknowns, as_columns(f, data, "minimize"), backend, threads)
    objective.check()
    given = {} if method is not None or tol is not None else _defaults(objective, chosen)
    arguments: dict[str, Any] = {
        "method": chosen, "tol": tol, "options": given | dict(options or {}),
    }  # fmt: skip
    fun: Callable[[Any], Any] = objective.value
    if "jac" in takes:
        fun, arguments["jac"] = objective.value_and_grad, True
    if "hess" in takes:
        arguments["hess"] = objective.hessian
    if "hessp" in takes:
        arguments["hessp"] = objective.times_hessian
    n = len(unknowns)
    low, high = limits or (np.full(n, -np.inf), np.full(n, np.inf))
    if limits is not None:
        arguments["bounds"] = optimize().Bounds(low, high)
    with np.errstate(all="ignore"):  # infinities are no faults here
        found = optimize().minimize(fun, unknowns.start, **arguments)
    if not np.isfinite(found.fun):
        objective.blame(found.x)
    held = (found.x <= low) | (found.x >= high)
    if found.success and few:
        found.x = _refined(objective, found.x, ~held, low, high)
        found.fun, found.jac = objective.value_and_grad(found.x)
    return Minimum(objective, found, method=chosen, held=held)


def _defaults(objective: Objective, method: str) -> dict[str, Any]:
    """Tolerances that do not depend on the unit of the function, unlike those of SciPy."""
    start = objective.unknowns.start
    value, slopes = objective.value_and_grad(start)
    noise = 1e-13 * abs(value) / max(1.0, float(np.abs(start).max()))
    gtol = max(1e-8 * float(np.abs(slopes).max()), noise, 1e-300)
    return {"gtol": gtol} | ({"ftol": 1e-15} if method == "L-BFGS-B" else {})


def _refined(objective: Objective, x: Any, free: Any, low: Any, high: Any) -> Any:
    """The minimum near `x`, by Newton steps as long as they get shorter.

    The value changes with the square of a step, so that a method which looks at values alone misses
    half of the digits.
    """
    best = np.inf
    for _ in range(20):
        value, slopes = objective.value_and_grad(x)
        hessian = objective.hessian(x)[np.ix_(free, free)]
        try:
            factor = np.linalg.cholesky(hessian)
        except np.linalg.LinAlgError:  # no minimum that second derivatives show
            return x
        half = np.linalg.solve(factor, slopes[free])
        length = float(half @ half)
        trial = x.copy()
        trial[free] -= np.linalg.solve(factor.T, half)
        if not length < best or (trial < low).any() or (trial > high).any():
            return x
        if not objective.value_and_grad(trial)[0] <= value + 1e-10 * abs(value):
            return x
        best, x = length, trial
    return x
