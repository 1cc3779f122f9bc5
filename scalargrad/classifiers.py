"""Two classifiers with a straight boundary, in plain numbers: the perceptron and the nearest mean.

Both say which side of w·x + b = 0 a point x is on. They differ in how they come by w and b: the
perceptron corrects its mistakes, the nearest mean looks at where the classes lie. Neither needs a
gradient, and no number becomes a Value; fractions go in and come out as fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from scalargrad.core.numbers import Traced, as_count, as_python, is_number

__all__ = ["Course", "NearestMean", "Perceptron", "Update"]

_READINGS = ("wrong", "right", 1, -1)


class _Linear:
    """What both have: w and b, the score w·x + b, and its sign."""

    w: list[Any]
    b: Any

    def decision(self, x: Sequence[Any]) -> Any:
        """z = w·x + b: positive on the side of class +1, 0 on the boundary.

        Args:
            x: one point, as many numbers as there are inputs.
        """
        return sum(wi * xi for wi, xi in zip(self.w, self._checked(x), strict=True)) + self.b

    __call__ = decision

    def predict(self, x: Sequence[Any]) -> int:
        """The class of a point: 1 or -1, and 0 for a point on the boundary.

        Args:
            x: one point, as many numbers as there are inputs.
        """
        z = self.decision(x)
        return int(z > 0) - int(z < 0)

    def errors(self, X: Sequence[Sequence[Any]], T: Sequence[Any]) -> int:
        """How many points are not predicted as their target; one on the boundary is an error.

        Args:
            X: the points.
            T: their targets, -1 or 1.
        """
        self._check_fitted()
        points, targets = _data(X, T, len(self.w))
        return sum(self.predict(x) != t for x, t in zip(points, targets, strict=True))

    def _checked(self, x: Sequence[Any]) -> list[Any]:
        self._check_fitted()
        return _point(x, len(self.w))

    def _check_fitted(self) -> None:
        if not self.w:
            raise ValueError(f"{type(self).__name__} knows no classes yet: call fit(X, T) first")


@dataclass(frozen=True)
class Update:
    """One correction: the index of the point that was wrong, and w and b after it."""

    index: int
    w: tuple[Any, ...]
    b: Any


@dataclass(frozen=True)
class Course:
    """How a perceptron learnt: its updates in order, the epochs, and whether it came to an end.

    `epochs` counts the passes through all points, with the last one that found nothing wrong.
    `converged` is false if every pass found something.
    """

    updates: list[Update]
    epochs: int
    converged: bool


class Perceptron(_Linear):
    """Rosenblatt's perceptron (1958): z = w·x + b, and the class is the sign of z.

    It learns from mistakes alone: where a point comes out wrong, w changes by η x t and b by η t.
    Where some straight line separates the classes it finds one; else it never comes to rest.

    At z = 0 the sign is neither class, and texts differ in what they do there. `sign0` says it:

        "wrong"   such a point counts as wrong: the rule "update where y ≠ t" to the letter
        1 or -1   y is that class, so the point is wrong if it is of the other one
        "right"   no update, as if max(0, -z t) were followed down its slope, which is 0 there

    With w = 0 and b = 0 all points have z = 0; "right" then never moves.

    Args:
        nin: how many inputs.
        eta: the learning rate η, above 0; a Fraction makes all of it exact.
        w: the weights to start from; zeros by default.
        b: the bias to start from.
        sign0: "wrong", "right", 1 or -1.

    Raises:
        TypeError, ValueError: an argument that does not fit; the message says which.

    >>> p = Perceptron(2)
    >>> course = p.fit([[2, 1], [1, 3], [-1, -1], [0, -2]], [1, 1, -1, -1])
    >>> [update.index for update in course.updates], p.w, p.b
    ([0], [2.0, 1.0], 1.0)
    >>> p.predict([3, 3])
    1
    """

    def __init__(
        self, nin: int, eta: Any = 1.0, w: Sequence[Any] | None = None, b: Any = 0,
        *, sign0: str | int = "wrong",
    ) -> None:  # fmt: skip
        nin = as_count(nin, "Perceptron: nin")
        self.eta = _number(eta, "Perceptron: eta")
        if not self.eta > 0:
            raise ValueError(f"Perceptron: eta must be above 0, got {eta!r}")
        if sign0 not in _READINGS or isinstance(sign0, bool):
            raise ValueError(f'Perceptron: sign0 is "wrong", "right", 1 or -1, got {sign0!r}')
        zero = 0 * self.eta  # a float or a fraction, as eta is
        self.w = [wi + zero for wi in _point([0] * nin if w is None else w, nin, "w")]
        self.b = _number(b, "Perceptron: b") + zero
        self.sign0 = sign0

    def predict(self, x: Sequence[Any]) -> int:
        """The class of a point: 1 or -1. At z = 0 it is `sign0` if that is a class, else 0."""
        return super().predict(x) or (self.sign0 if isinstance(self.sign0, int) else 0)

    def is_wrong(self, x: Sequence[Any], t: Any) -> bool:
        """Whether this point, whose target is `t`, asks for an update."""
        z = self.decision(x)
        if z == 0 and self.sign0 == "right":
            return False
        return bool(self.predict(x) != t)

    def fit(self, X: Sequence[Sequence[Any]], T: Sequence[Any], epochs: int = 100) -> Course:
        """Go through the points in their order, again and again, until a pass finds none wrong.

        It goes on from the w and b it has, so a second call continues the first.

        Args:
            X: the points, each of `nin` numbers.
            T: their targets, -1 or 1.
            epochs: how many passes at most.

        Returns:
            The `Course`: every update with the w and b after it.

        Raises:
            TypeError, ValueError: the data do not fit, before anything is changed.
        """
        points, targets = _data(X, T, len(self.w))
        updates: list[Update] = []
        for epoch in range(as_count(epochs, "fit: epochs")):
            before = len(updates)
            for index, (x, t) in enumerate(zip(points, targets, strict=True)):
                if self.is_wrong(x, t):
                    self.w = [wi + self.eta * xi * t for wi, xi in zip(self.w, x, strict=True)]
                    self.b = self.b + self.eta * t
                    updates.append(Update(index, tuple(self.w), self.b))
            if len(updates) == before:
                return Course(updates, epoch + 1, True)
        return Course(updates, epochs, False)

    def __repr__(self) -> str:
        return f"Perceptron(w={self.w}, b={self.b})"


class NearestMean(_Linear):
    """The class whose mean is nearer. μ1 is the mean of class +1 and μ2 that of class -1.

    The difference of the squared distances is linear in x, for |x|² cancels:

        z = |x - μ2|² - |x - μ1|² = w·x + b    with  w = 2 (μ1 - μ2),  b = |μ2|² - |μ1|²

    A point just as far from both means belongs to neither class: `predict` then gives 0.
    `means`, `w` and `b` are there after `fit`.

    >>> c = NearestMean().fit([[2, 1], [4, 1], [-1, -1], [-1, -3]], [1, 1, -1, -1])
    >>> c.means
    ([3.0, 1.0], [-1.0, -2.0])
    >>> c.w, c.b
    ([8.0, 6.0], -5.0)
    >>> c.predict([2, 2]), c.predict([1, -0.5])
    (1, 0)
    """

    def __init__(self) -> None:
        self.w, self.b = [], 0
        self.means: tuple[list[Any], list[Any]] = ([], [])

    def fit(self, X: Sequence[Sequence[Any]], T: Sequence[Any]) -> NearestMean:
        """Take the two means; what was there before is forgotten.

        Args:
            X: the points.
            T: their targets, -1 or 1; both must occur.

        Returns:
            The classifier itself.

        Raises:
            TypeError, ValueError: the data do not fit, before anything is changed.
        """
        points, targets = _data(X, T, None)
        classes = [[x for x, t in zip(points, targets, strict=True) if t == s] for s in (1, -1)]
        if not all(classes):
            raise ValueError(f"NearestMean needs points of both classes, got {targets[0]} alone")
        self.means = (_mean(classes[0]), _mean(classes[1]))
        self.w = [2 * (m1 - m2) for m1, m2 in zip(*self.means, strict=True)]
        self.b = sum(m * m for m in self.means[1]) - sum(m * m for m in self.means[0])
        return self

    def squared_distances(self, x: Sequence[Any]) -> tuple[Any, Any]:
        """|x - μ1|² and |x - μ2|².

        Args:
            x: one point.
        """
        x = self._checked(x)
        first, second = (
            sum((xi - mi) * (xi - mi) for xi, mi in zip(x, m, strict=True)) for m in self.means
        )
        return first, second

    def __repr__(self) -> str:
        return f"NearestMean(w={self.w}, b={self.b})"


def _mean(points: Sequence[Sequence[Any]]) -> list[Any]:
    return [sum(column) / len(points) for column in zip(*points, strict=True)]


def _data(X: Any, T: Any, nin: int | None) -> tuple[list[list[Any]], list[Any]]:
    """The points and targets as lists, when they fit."""
    for name, data in (("X", X), ("T", T)):
        if not hasattr(data, "__len__") or isinstance(data, (str, bytes, dict)):
            raise TypeError(f"{name} must be a list or an array, got {type(data).__name__}")
    if len(X) != len(T):
        raise ValueError(f"X and T must have as many entries, got {len(X)} and {len(T)}")
    if not len(X):
        raise ValueError("X and T are empty")
    for k, t in enumerate(T):
        if not is_number(t) or isinstance(t, Traced) or t not in (-1, 1):
            raise ValueError(f"a target is -1 or 1, got T[{k}] = {t!r:.60}")
    points = [_point(x, nin, f"X[{k}]") for k, x in enumerate(X)]
    for k, x in enumerate(points):
        _point(x, len(points[0]), f"X[{k}]")
    return points, [as_python(t) for t in T]


def _point(x: Any, nin: int | None, name: str = "a point") -> list[Any]:
    if not hasattr(x, "__len__") or isinstance(x, (str, bytes, dict)):
        raise TypeError(f"{name} must be a list of numbers, got {type(x).__name__}")
    if nin is not None and len(x) != nin:
        raise ValueError(f"{name} must have {nin} numbers, got {len(x)}")
    return [_number(xi, f"{name}: a coordinate") for xi in x]


def _number(x: Any, name: str) -> Any:
    if not is_number(x) or isinstance(x, Traced):
        raise TypeError(f"{name} must be a plain number, got {type(x).__name__}")
    if not isfinite(x):
        raise ValueError(f"{name} must be finite, got {x!r}")
    return as_python(x)
