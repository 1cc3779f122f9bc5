"""The roots of many samples at once: Newton's method on arrays, by a replay of the equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalargrad.replay import Compiled, RecordingError
from scalargrad.replay.backends import backends
from scalargrad.solve.newton import CLOSE, STEPS
from scalargrad.solve.trace import Equation
from scalargrad.transforms.functional import jacobian

__all__ = ["LEAST", "Together"]

LEAST = 16  # points for which the replays are worth their start, about 0.3 ms
_LARGEST = 400  # entries of a Jacobian; larger ones are the equations' own work, not Python's
_FAULTS = (ValueError, ArithmeticError, TypeError, RecordingError, RuntimeWarning)


class Together:
    """An equation for many samples, with numba; it leaves to others what it is not sure of.

    Args:
        equation: The equation.
        moving: The positions of the parameters to differentiate by, among x and the parameters.
    """

    def __init__(self, equation: Equation, moving: Sequence[int]) -> None:
        n = equation.count

        def both(numbers: Any) -> list[Any]:
            """F, and its derivatives by x and the moving parameters, row by row."""
            fixed = list(numbers)

            def of(chosen: Any) -> list[Any]:
                inner = list(fixed)
                for i, x in zip(chosen_at, chosen, strict=True):
                    inner[i] = x
                return equation.run(inner)

            slopes = jacobian(of)([fixed[i] for i in chosen_at])
            return [*equation.run(fixed), *[x for row in slopes for x in row]]

        chosen_at = [*range(n), *moving]
        self.shape = n, len(chosen_at)
        small = n * len(chosen_at) <= _LARGEST
        self._compiled: Compiled | None = None
        if small and not backends()["numba"].missing():
            self._compiled = Compiled(both, backend="numba", threads=1, allow_nonfinite=True)

    def at(self, x: Any, params: Any) -> tuple[Any, Any] | None:
        """F and its derivatives, shapes (N, n) and (N, n, n + q); None if that cannot be had."""
        if self._compiled is None:
            return None
        try:
            found = np.array(self._compiled(np.concatenate([x, params], axis=1)))
        except _FAULTS:  # the samples one by one will say what is wrong
            found = None
        if found is None or self._compiled.outside:
            self._compiled = None
            return None
        n, width = self.shape
        found = found.T
        return found[:, :n], found[:, n:].reshape(len(x), n, width)

    @np.errstate(all="ignore")  # what is not finite is not nearer
    def roots(self, x: Any, params: Any) -> tuple[Any, Any]:
        """The roots that Newton's method finds with whole steps, as `solved` would.

        Args:
            x: Where to start, shape (N, n).
            params: The parameters of each sample, shape (N, p).

        Returns:
            An array (N, n), and whether each of its rows is a root: those for which a step has to
            be shortened, or that fail, are not.
        """
        n, (count, _) = self.shape[0], x.shape
        x, done = x.copy(), np.zeros(count, bool)
        least = np.abs(x)
        evaluated = self.at(x, params)
        if evaluated is None:
            return x, done
        residuals, slopes = evaluated[0].copy(), evaluated[1][:, :, :n].copy()
        going = np.flatnonzero(_finite(residuals))
        for _ in range(STEPS):
            zero = ~residuals[going].any(axis=1)
            done[going[zero]] = True
            going = going[~zero]
            going = going[np.isfinite(slopes[going]).all(axis=(1, 2))]
            if not len(going):
                break
            r, j = residuals[going], slopes[going]
            try:
                inverse = np.linalg.inv(j)
            except np.linalg.LinAlgError:
                break
            step = -_times(inverse, r)
            left = np.abs(r + _times(j, step)).max(axis=1)
            sure = _finite(step) & (left <= 0.5 * np.abs(r).max(axis=1))
            going, step, inverse = going[sure], step[sure], inverse[sure]
            if not len(going):
                break
            weights = np.maximum(np.maximum(np.abs(x[going]), least[going]), np.abs(step))
            weights[weights == 0.0] = 1.0
            length = np.abs(step / weights).max(axis=1)
            trial = x[going] + step
            evaluated = self.at(trial, params[going])
            if evaluated is None:
                return x, np.zeros(count, bool)
            ahead = np.abs(_times(inverse, evaluated[0]) / weights).max(axis=1)
            nearer = _finite(evaluated[0]) & (ahead < 0.75 * length)
            done[going[~nearer & (length <= CLOSE)]] = True
            going = going[nearer]
            x[going] = trial[nearer]
            residuals[going] = evaluated[0][nearer]
            slopes[going] = evaluated[1][nearer][:, :, :n]
        return x, done

    @np.errstate(all="ignore")
    def derivatives(self, x: Any, params: Any) -> Any:
        """The derivatives of the roots `x` by the moving parameters, (N, n, q); None without."""
        evaluated = self.at(x, params)
        if evaluated is None or not np.isfinite(evaluated[1]).all():
            return None
        n = self.shape[0]
        try:
            return -np.linalg.inv(evaluated[1][:, :, :n]) @ evaluated[1][:, :, n:]
        except np.linalg.LinAlgError:
            return None


def _finite(rows: Any) -> Any:
    """Which rows are finite."""
    return np.isfinite(rows).all(axis=1)


def _times(matrices: Any, vectors: Any) -> Any:
    """The product of each matrix and its vector."""
    return (matrices @ vectors[:, :, None])[:, :, 0]
