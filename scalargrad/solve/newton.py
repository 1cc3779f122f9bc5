"""Newton's method with exact Jacobians, and SciPy's methods where it does not converge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from scalargrad.solve.libraries import optimize
from scalargrad.solve.trace import Trace

__all__ = ["CLOSE", "STEPS", "NoConvergenceError", "solved"]

STEPS = 100
_SHORTEST = 2.0**-12  # the part of a step below which there is no use in trying
CLOSE = 1e-9  # the relative length of a step from which on only rounding is left
_DOUBLINGS = 40  # of the distance from the start at which a change of sign is looked for
_FAULTS = (ValueError, ZeroDivisionError, OverflowError)


class NoConvergenceError(ValueError):
    """A solver found no root; the message says how near it came."""


@np.errstate(all="ignore")  # what is not finite is not nearer
def solved(at: Callable[[Any], Trace], start: Any, caller: str) -> Trace:
    """The trace of F at an x with F(x) = 0, to the last digits.

    Args:
        at: The trace of F at an x.
        start: The x to start from, shape (n,).
        caller: The function to name in errors.

    Raises:
        NoConvergenceError: No method found a root.
    """
    trace = at(start)  # what fails here is the caller's error
    if not np.isfinite(trace.residuals).all():
        bad = next(float(x) for x in trace.residuals if not isfinite(x))
        raise ValueError(f"{caller}: the equation gives {bad!r} at x0, where it must be finite")
    best = _newton(at, start, trace)
    steps = best.steps
    for guess in () if best.converged else _guesses(at, start):
        try:
            end = _newton(at, guess, at(guess))
        except _FAULTS:
            continue
        steps += end.steps
        best = end if end.converged else min(best, end, key=lambda end: end.size)
        if best.converged:
            break
    if not best.converged:
        where = ", ".join(f"{float(x):.6g}" for x in best.x[:6])
        others = "hybr, lm and, for one unknown, brentq"
        raise NoConvergenceError(
            f"{caller} did not converge from x0: after {steps} steps of Newton's method the "
            f"largest residual is {best.size:.3g}, at x = {where}; SciPy's methods {others} did no "
            "better. Start nearer to the root, or look whether there is one"
        )
    return best.trace


class _End:
    """Where Newton's method ended."""

    def __init__(self, x: Any, trace: Trace, steps: int, converged: bool) -> None:
        self.x, self.trace, self.steps, self.converged = x, trace, steps, converged
        size = float(np.abs(trace.residuals).max())
        self.size = size if isfinite(size) else inf


def _newton(at: Callable[[Any], Trace], x: Any, trace: Trace) -> _End:
    """Newton's method with steps that are shortened until they lead nearer.

    A trial is nearer if the next step, with the old Jacobian, is shorter. So it does not matter how
    the equations are scaled (Deuflhard, Newton Methods for Nonlinear Problems, 2004, section 3.3).
    """
    least = np.abs(x)
    for k in range(STEPS):
        if not trace.residuals.any():
            return _End(x, trace, k, True)
        inverse = _inverse(trace.jacobian)
        step = -inverse @ trace.residuals
        left = np.abs(trace.residuals + trace.jacobian @ step).max()
        # a step that leaves a residual leads to a point where its size is least, and no root
        if not (np.isfinite(step).all() and left <= 0.5 * np.abs(trace.residuals).max()):
            return _End(x, trace, k, False)
        weights = np.maximum(np.maximum(np.abs(x), least), np.abs(step))
        weights[weights == 0.0] = 1.0
        length = float(np.abs(step / weights).max())
        close = length <= CLOSE
        part = 1.0
        while True:
            nearer = _trial(at, x + part * step, inverse, weights, (1.0 - 0.25 * part) * length)
            if nearer is not None or close or part < _SHORTEST:
                break
            part *= 0.5
        if nearer is None:
            return _End(x, trace, k, close)
        x, trace = x + part * step, nearer
    return _End(x, trace, STEPS, length <= CLOSE)


def _trial(
    at: Callable[[Any], Trace], x: Any, inverse: Any, weights: Any, limit: float
) -> Trace | None:
    """The trace at `x` if it is nearer to a root."""
    try:
        trace = at(x)
    except _FAULTS:  # outside the domain
        return None
    if not np.isfinite(trace.residuals).all():
        return None
    length = float(np.abs(inverse @ trace.residuals / weights).max())
    return trace if length < limit else None


def _inverse(jacobian: Any) -> Any:
    """The inverse of a Jacobian; where it has none, the pseudoinverse."""
    if not np.isfinite(jacobian).all():
        return np.full_like(jacobian, np.nan)
    try:
        return np.linalg.inv(jacobian)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(jacobian)


def _guesses(at: Callable[[Any], Trace], start: Any) -> Iterator[Any]:
    """Where SciPy's methods end; further from the start, where F changes its sign."""

    def both(x: Any) -> tuple[Any, Any]:
        trace = at(x)
        return trace.residuals, trace.jacobian

    for method in ("hybr", "lm"):
        try:
            x = optimize().root(both, start, jac=True, method=method).x
        except _FAULTS:  # it left the domain
            continue
        if np.isfinite(x).all():
            yield x
    if len(start) == 1:
        for low, high in _brackets(at, float(start[0])):
            try:
                x = optimize().brentq(lambda x: at(np.array([x])).residuals[0], low, high)
            except _FAULTS:
                continue
            yield np.array([x])


def _brackets(at: Callable[[Any], Trace], start: float) -> Iterator[tuple[float, float]]:
    """Intervals at whose ends F has different signs, first those near the start."""

    def sign(x: float) -> float:
        try:
            return float(np.sign(at(np.array([x])).residuals[0]))
        except _FAULTS:
            return nan

    ends = {-1.0: (start, sign(start)), 1.0: (start, sign(start))}
    for k in range(_DOUBLINGS):
        for side, (x, before) in ends.items():
            further = start + side * (abs(start) or 1.0) * 2.0 ** (k - 6)
            after = sign(further)
            if before * after < 0.0:
                yield min(x, further), max(x, further)
            if after == after:
                ends[side] = further, after
