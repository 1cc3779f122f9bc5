"""Roots as operations: the x with F(x, p) = 0 as a function of p, with derivatives of any order.

The first derivatives follow from the implicit function theorem, dx/dp = -F_x⁻¹ F_p. For those of
order k, let A be F_x at the root. The simplified Newton step x - A⁻¹ F(x, p), taken k times from
the root itself, is a function of p whose derivatives up to order k are those of the root: each step
makes one order more exact, since I - A⁻¹ F_x vanishes at the root.

So each derivative is an operation of its own, computed on numbers, whose partials are the
derivatives of the next order. A recorded program calls them like other operations of Python's, and
the equation is solved for the numbers of each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import local
from typing import Any, NoReturn

import numpy as np

from scalargrad.core.rows import Primitive
from scalargrad.solve.newton import NoConvergenceError, solved
from scalargrad.solve.together import LEAST, Together
from scalargrad.solve.trace import Equation, Trace, undisturbed
from scalargrad.transforms.functional import jacobian

__all__ = ["Implicit", "NoConvergenceError", "Solution"]

_REMEMBERED = 4096  # roots and derivatives: a backend asks for each number of a block of samples


class _Ahead(local):
    """By order the points that a thread was told of last, and what is known of them."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[Sequence[tuple[float, ...]], dict[Any, Any]]] = {}


class Implicit:
    """The root of an equation as a function of some of its numbers.

    Args:
        equation: The equation.
        numbers: x0 and then the parameters, flattened.
        moving: The positions in `numbers` of those that the root is a function of.
        refusal: The error to raise if F depends on Values besides its arguments; None follows them.
    """

    def __init__(
        self, equation: Equation, numbers: Sequence[float], moving: Sequence[int],
        refusal: Exception | None = None,
    ) -> None:  # fmt: skip
        self.equation, self.numbers, self.refusal = equation, list(numbers), refusal
        n = equation.count
        self.starts = [i for i in moving if i < n]
        self.params = [i for i in moving if i >= n]
        self.outside: list[Any] = []  # the Values from outside, as of the root that was found first
        self._first: Trace | None = None
        self._known: dict[tuple[int, tuple[float, ...]], Any] = {}
        self._ahead = _Ahead()

    def __eq__(self, other: object) -> bool:
        """Whether both are the same function, as those of two runs of one program are."""
        if not isinstance(other, Implicit) or self.outside or other.outside:
            return self is other
        return bool(self._key == other._key)

    def __hash__(self) -> int:
        return hash(self.equation.caller)

    @property
    def _key(self) -> Any:
        return self.equation.key, repr(self.numbers), self.starts, self.params

    def trace(self, at: Sequence[float]) -> Trace:
        """The trace of the equation at the root, for numbers in place of the moving ones."""
        numbers = list(self.numbers)
        own = len(self.starts) + len(self.params)
        for i, x in zip((*self.starts, *self.params), at[:own], strict=True):
            numbers[i] = x
        n = self.equation.count
        params = numbers[n:]

        def trace(x: Any) -> Trace:
            found = Trace(self.equation, [*x.tolist(), *params])
            if found.outside and self.refusal is not None:
                raise self.refusal
            return found

        if (root := self._known.get((0, tuple(at)))) is not None:
            return trace(root)
        return solved(trace, np.array(numbers[:n]), self.equation.caller)

    def follow(self, at: Sequence[float]) -> list[Any]:
        """The Values from outside that F uses at the root; the root becomes a function of them."""
        self._first = trace = undisturbed(lambda: self.trace(at))
        self.outside = list(trace.outside)
        self._base = (*at, *[x._data for x in self.outside])
        return self.outside

    def _at(self, numbers: tuple[float, ...]) -> Trace:
        if self._first is not None and numbers == self._base:
            return self._first
        if self.outside:
            raise RuntimeError(
                f"{self.equation.caller}: the equation uses Values from outside, and is asked for "
                "its root at other numbers of them: pass them as parameters"
            )
        return self.trace(numbers)

    def derivatives(self, order: int, numbers: tuple[float, ...]) -> Any:
        """All derivatives of an order, an array (n, q, ... q) for q moving parameters."""
        ahead = self._ahead.found.get(order)
        if ahead is not None and numbers in ahead[1]:
            return ahead[1][numbers]
        key = order, numbers
        if key not in self._known:
            found = undisturbed(lambda: self._derivatives(order, numbers))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return self._known[key]

    @cached_property
    def _together(self) -> Together:
        return Together(self.equation, self.params)

    def foresee(self, order: int, points: Sequence[tuple[float, ...]]) -> None:
        """Compute what this thread is going to ask for, at all points at once.

        What the arrays do not find, and derivatives of higher order, are left to `derivatives`. A
        thread knows its last points alone: then no number depends on what other threads do.
        """
        ahead = self._ahead.found
        if order > 1 or len(points) < LEAST or self.outside:
            ahead.pop(order, None)
        elif order not in ahead or ahead[order][0] != points:
            ahead[order] = points, undisturbed(lambda: self._foreseen(order, points))

    def _foreseen(self, order: int, points: Sequence[tuple[float, ...]]) -> dict[Any, Any]:
        if order:
            self.foresee(0, points)
            roots = self._ahead.found[0][1]
            points = [point for point in points if point in roots]
        asked = [*dict.fromkeys(points)]
        if not asked:
            return {}
        numbers = np.tile(np.array(self.numbers), (len(asked), 1))
        numbers[:, [*self.starts, *self.params]] = asked
        starts, params = np.split(numbers, [self.equation.count], axis=1)
        if order:
            found = self._together.derivatives(np.array([roots[point] for point in asked]), params)
            return {} if found is None else dict(zip(asked, found, strict=True))
        rows, converged = self._together.roots(starts, params)
        return {p: x for p, x, ok in zip(asked, rows, converged, strict=True) if ok}

    def _derivatives(self, order: int, numbers: tuple[float, ...]) -> Any:
        trace = self._at(numbers)
        n = trace.count
        root = [x._data for x in trace.fresh[:n]]
        if order == 0:
            return np.array(root)
        inverse = _inverse(trace.jacobian)
        if order == 1 and not self.outside:
            with np.errstate(invalid="ignore"):
                return -inverse @ trace.slopes[:, self.params]
        rest = [x._data for x in trace.fresh[n:]]
        residuals = trace.residuals.tolist()
        weights = inverse.tolist()

        def steps(moving: Sequence[Any]) -> list[Any]:
            """x after simplified Newton steps; subtracting the residual keeps its number exact."""
            params: list[Any] = list(rest)
            for i, number in zip(self.params, moving, strict=False):
                params[i - n] = number
            x: list[Any] = list(root)
            for _ in range(order):
                errors = trace.at([*x, *params, *moving[len(self.params) :]])
                off = [a - b for a, b in zip(errors, residuals, strict=True)]
                x = [
                    xi - sum([w * e for w, e in zip(row, off, strict=True)])
                    for xi, row in zip(x, weights, strict=True)
                ]
            return x

        derivative: Callable[..., Any] = steps
        for _ in range(order):
            derivative = jacobian(derivative)
        return np.array(derivative(list(numbers[len(self.starts) :])))


class Solution(Primitive):
    """One number of a root as an operation on the moving numbers, or a derivative of it.

    Nothing that it refers to refers back to it, so that a graph in which it stands has no cycle.

    Args:
        implicit: The root.
        i: The position of the number.
        by: The positions of the moving parameters that it is differentiated by.
    """

    def __init__(self, implicit: Implicit, i: int, by: tuple[int, ...] = ()) -> None:
        order, ignored = len(by), len(implicit.starts)

        def value(*numbers: float) -> float:
            return float(implicit.derivatives(order, numbers)[(i, *by)])

        def partials(*numbers: Any, out: Any) -> tuple[Any, ...]:
            if all(x.__class__ is float for x in numbers):
                slopes = implicit.derivatives(order + 1, numbers)[(i, *by)].tolist()
            else:
                count = len(numbers) - ignored
                nexts = [Solution(implicit, i, tuple(sorted((*by, k)))) for k in range(count)]
                slopes = [row(*numbers) for row in nexts]
            return (*[0.0] * ignored, *slopes)

        name = implicit.equation.caller + (f"[{i}]" if implicit.equation.count > 1 else "")
        if by:
            name = f"d{order if order > 1 else ''} {name} by {', '.join(map(str, by))}"
        super().__init__(name, "a solution of an equation, or its derivative", value, partials)
        self._key = implicit, i, by

    def foresee(self, points: Sequence[tuple[float, ...]]) -> None:
        """Prepare for being asked for the values at these points."""
        implicit, _, by = self._key
        implicit.foresee(len(by), points)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Solution) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.name} cannot be pickled, because its equation is a function: pickle its number"
        )


def _inverse(jacobian: Any) -> Any:
    """The inverse of F_x; infinite for a slope of 0, and nan for a singular matrix."""
    if len(jacobian) == 1:
        with np.errstate(divide="ignore"):
            return 1.0 / jacobian
    try:
        return np.linalg.inv(jacobian)
    except np.linalg.LinAlgError:
        return np.full_like(jacobian, np.nan)
