"""Two linear classifiers of plain numbers: the perceptron and the nearest mean.

Both decide by the side of w·x + b = 0 on which a point x lies. The perceptron finds w and b by
correcting its mistakes, the nearest mean from the means of the classes. Neither needs a gradient or
a Value, and fractions stay fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from scalargrad.core.arguments import check_unmasked, is_list
from scalargrad.core.numbers import Traced, as_count, as_float, as_python, is_number, shown, written
from scalargrad.data import check_samples

__all__ = ["Course", "NearestMean", "Perceptron", "Update"]


class _Linear:
    """The weights w and bias b of a linear classifier, its score w·x + b, and the sign of that."""

    w: list[Any]
    b: Any
    sign0: str | int = 0  # the class on the boundary, if it is a number

    def decision(self, x: Sequence[Any]) -> Any:
        """Return the score z = w·x + b: positive on the side of class 1, 0 on the boundary.

        Args:
            x: one point, with as many numbers as there are weights.

        Raises:
            TypeError: the point is not a list of plain numbers.
            ValueError: it has the wrong length, or the classifier has not been fitted.
        """
        return sum(wi * xi for wi, xi in zip(self.w, self._point(x), strict=True)) + self.b

    __call__ = decision

    def predict(self, x: Sequence[Any]) -> int:
        """Return the class of a point: 1 or -1, and on the boundary 0 or the class `sign0`.

        Args:
            x: one point, with as many numbers as there are weights.

        Raises:
            TypeError: the point is not a list of plain numbers.
            ValueError: it has the wrong length, or the classifier has not been fitted.
        """
        z = self.decision(x)
        return int(z > 0) - int(z < 0) or (self.sign0 if isinstance(self.sign0, int) else 0)

    def errors(self, X: Sequence[Sequence[Any]], Y: Sequence[Any]) -> int:
        """Count the points whose prediction differs from their class.

        Args:
            X: N points.
            Y: their N classes, -1 or 1.

        Raises:
            TypeError: a point is not a list of plain numbers.
            ValueError: the lengths differ, a class is not -1 or 1, or the classifier has not been
                fitted.
        """
        self._check_fitted()
        points, classes = _samples(X, Y, len(self.w), type(self).__name__)
        return sum(self.predict(x) != y for x, y in zip(points, classes, strict=True))

    def _point(self, x: Sequence[Any]) -> list[Any]:
        self._check_fitted()
        return _numbers(x, len(self.w), "a point")

    def _check_fitted(self) -> None:
        if not self.w:
            raise ValueError(f"{type(self).__name__} has not been fitted: call fit(X, Y) first")


@dataclass(frozen=True)
class Update:
    """One correction of a perceptron.

    Args:
        index: the index of the misclassified point.
        w: the weights after the correction.
        b: the bias after the correction.

    >>> Update(0, (1.0,), -1.0).w
    (1.0,)
    """

    index: int
    w: tuple[Any, ...]
    b: Any


@dataclass(frozen=True)
class Course:
    """The course of a perceptron's training.

    Args:
        updates: the corrections, in order.
        epochs: the number of passes through all points, the last one without a mistake included.
        converged: whether the last pass found no mistake.

    >>> Perceptron(1).fit([[1.0], [-1.0]], [1, -1]).converged
    True
    """

    updates: list[Update]
    epochs: int
    converged: bool


class Perceptron(_Linear):
    """Rosenblatt's perceptron (1958): the class of x is the sign of z = w·x + b.

    It learns from mistakes alone: for a misclassified point x of class y, w changes by lr·y·x and b
    by lr·y. If a straight line separates the classes, it finds one; otherwise it never comes to
    rest.

    Texts disagree about a point with z = 0, whose sign is neither class. `sign0` chooses:

        "wrong"   the point is misclassified: the rule "update if the prediction is not y"
        1 or -1   the point belongs to that class
        "right"   no update, as in the descent of max(0, -z y), whose slope is 0 there

    All points have z = 0 for w = 0 and b = 0; with "right" such a perceptron never moves.

    Args:
        nin: the number of inputs.
        lr: the learning rate, above 0; with a Fraction all results are exact.
        w: the initial weights; zeros by default.
        b: the initial bias.
        sign0: "wrong", "right", 1 or -1.

    Raises:
        TypeError: an argument is not a plain number.
        ValueError: `lr` is not above 0, `w` has the wrong length, or `sign0` is unknown.

    >>> p = Perceptron(2)
    >>> course = p.fit([[2, 1], [1, 3], [-1, -1], [0, -2]], [1, 1, -1, -1])
    >>> [update.index for update in course.updates], p.w, p.b
    ([0], [2.0, 1.0], 1.0)
    >>> p.predict([3, 3])
    1
    """

    def __init__(
        self, nin: int, lr: Any = 1.0, w: Sequence[Any] | None = None, b: Any = 0,
        *, sign0: str | int = "wrong",
    ) -> None:  # fmt: skip
        nin = as_count(nin, "Perceptron: nin")
        self.lr = _number(lr, "Perceptron: lr")
        if not self.lr > 0:
            raise ValueError(f"Perceptron: lr must be above 0, got {lr!r}")
        if type(sign0) not in (str, int) or sign0 not in ("wrong", "right", 1, -1):
            got = written(sign0)
            raise ValueError(f'Perceptron: sign0 must be "wrong", "right", 1 or -1, got {got}')
        zero = 0 * self.lr  # a float or a fraction, as lr is
        self.w = [wi + zero for wi in _numbers([0] * nin if w is None else w, nin, "w")]
        self.b = _number(b, "Perceptron: b") + zero
        self.sign0 = sign0

    def is_wrong(self, x: Sequence[Any], y: Any) -> bool:
        """Return whether a point of class `y` needs an update.

        Args:
            x: one point, with `nin` numbers.
            y: its class, -1 or 1.

        Raises:
            TypeError: the point is not a list of plain numbers.
            ValueError: it has the wrong length, or `y` is not -1 or 1.
        """
        _check_class(y, "a class")
        if self.sign0 == "right" and self.decision(x) == 0:
            return False
        return bool(self.predict(x) != y)

    def fit(self, X: Sequence[Sequence[Any]], Y: Sequence[Any], epochs: int = 100) -> Course:
        """Pass through the points in order, again and again, until a pass finds no mistake.

        It starts from the current w and b, so a second call continues the first.

        Args:
            X: N points with `nin` numbers each.
            Y: their N classes, -1 or 1.
            epochs: the largest number of passes.

        Returns:
            The `Course`, with every update and the w and b after it.

        Raises:
            TypeError: a point is not a list of plain numbers. Nothing has changed then.
            ValueError: the lengths differ, or a class is not -1 or 1. Nothing has changed then.
        """
        points, classes = _samples(X, Y, len(self.w), type(self).__name__)
        updates: list[Update] = []
        for epoch in range(as_count(epochs, "fit: epochs")):
            before = len(updates)
            for index, (x, y) in enumerate(zip(points, classes, strict=True)):
                if self.is_wrong(x, y):
                    self.w = [wi + self.lr * xi * y for wi, xi in zip(self.w, x, strict=True)]
                    self.b = self.b + self.lr * y
                    updates.append(Update(index, tuple(self.w), self.b))
            if len(updates) == before:
                return Course(updates, epoch + 1, True)
        return Course(updates, epochs, False)

    def __repr__(self) -> str:
        return f"Perceptron(w={self.w}, b={self.b})"


class NearestMean(_Linear):
    """Assign a point to the class with the nearer mean: μ1 of class 1 or μ2 of class -1.

    The difference of the squared distances is linear in x, because |x|² cancels:

        z = |x - μ2|² - |x - μ1|² = w·x + b    with  w = 2 (μ1 - μ2),  b = |μ2|² - |μ1|²

    A point at the same distance from both means belongs to neither class: `predict` returns 0.
    `fit` sets `means`, `w` and `b`.

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

    def fit(self, X: Sequence[Sequence[Any]], Y: Sequence[Any]) -> NearestMean:
        """Compute the two means, and from them w and b; an earlier fit is forgotten.

        Args:
            X: N points.
            Y: their N classes, -1 or 1; both must occur.

        Returns:
            The classifier itself.

        Raises:
            TypeError: a point is not a list of plain numbers. Nothing has changed then.
            ValueError: the lengths differ, a class is not -1 or 1, or only one class occurs.
                Nothing has changed then.
        """
        points, classes = _samples(X, Y, None, "NearestMean")
        first, second = (
            [x for x, y in zip(points, classes, strict=True) if y == sign] for sign in (1, -1)
        )
        if not first or not second:
            raise ValueError(f"NearestMean needs points of both classes, got {classes[0]} alone")
        self.means = (_mean(first), _mean(second))
        self.w = [2 * (m1 - m2) for m1, m2 in zip(*self.means, strict=True)]
        self.b = sum(m * m for m in self.means[1]) - sum(m * m for m in self.means[0])
        return self

    def squared_distances(self, x: Sequence[Any]) -> tuple[Any, Any]:
        """Return |x - μ1|² and |x - μ2|².

        Args:
            x: one point, with as many numbers as there are weights.

        Raises:
            TypeError: the point is not a list of plain numbers.
            ValueError: it has the wrong length, or the classifier has not been fitted.
        """
        x = self._point(x)
        first, second = (
            sum((xi - mi) * (xi - mi) for xi, mi in zip(x, m, strict=True)) for m in self.means
        )
        return first, second

    def __repr__(self) -> str:
        return f"NearestMean(w={self.w}, b={self.b})"


def _mean(points: Sequence[Sequence[Any]]) -> list[Any]:
    return [sum(column) / len(points) for column in zip(*points, strict=True)]


def _samples(X: Any, Y: Any, nin: int | None, caller: str) -> tuple[list[list[Any]], list[Any]]:
    """Return the points, all of one length, and their classes, as lists of plain numbers."""
    check_samples(X, Y, caller)
    for i, y in enumerate(Y):
        _check_class(y, f"Y[{i}]")
    points: list[list[Any]] = []
    for i, x in enumerate(X):
        points.append(_numbers(x, len(points[0]) if points else nin, f"X[{i}]"))
    return points, [as_python(y) for y in Y]


def _check_class(y: Any, name: str) -> None:
    if not is_number(y) or isinstance(y, Traced) or y not in (-1, 1):
        raise ValueError(f"a class must be -1 or 1, got {name} = {written(y)}")


def _numbers(x: Any, count: int | None, name: str) -> list[Any]:
    if not is_list(x):
        raise TypeError(f"{name} must be a list of numbers, got {shown(x)}")
    if x.__class__ is not list:
        check_unmasked(x, name)
    if count is not None and len(x) != count:
        raise ValueError(f"{name} must have {count} numbers, got {len(x)}")
    return [_number(xi, f"{name}: a coordinate") for xi in x]


def _number(x: Any, name: str) -> Any:
    if not is_number(x) or isinstance(x, Traced):
        raise TypeError(f"{name} must be a plain number, got {shown(x)}")
    if not isfinite(as_float(x, name)):
        raise ValueError(f"{name} must be finite, got {x!r}")
    return as_python(x)
