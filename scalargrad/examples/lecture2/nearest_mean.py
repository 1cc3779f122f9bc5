"""Nearest mean against perceptron: elongated classes that one of them cannot separate.

The nearest-mean classifier computes the mean μ1 of class +1 and the mean μ2 of class -1. A point
belongs to the class whose mean is nearer. The squared distances differ by

    z = |x - μ2|² - |x - μ1|² = w·x + b    with  w = 2 (μ1 - μ2),  b = |μ2|² - |μ1|²

since |x|² cancels. So its boundary is a straight line, like the perceptron's: it cuts the line from
mean to mean in the middle, at right angles. The two differ in what they aim at. The nearest mean
*describes* where the data lie, and never looks at an error. The perceptron *minimises* its error
and does nothing else: it stops as soon as all points are right, however close the boundary is then.

Where the two distances are equal the lecture assigns no class; here such a point has class 0.

Source: Lecture 2, Error backpropagation: the nearest-mean classifier, and how they differ.
Data: ours, since the lecture's are lost: two rows of seven points, one above the other and shifted
sideways, and two round classes of four.
Look for: the means are two steps apart sideways, which turns the boundary towards the long sides;
the ringed points are wrong. With shift=0.0 the means are one above the other, and the nearest mean
makes no error.
Conclusion: to describe the classes is not to make few errors; the lecture goes on with the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from scalargrad.classifiers import Course, NearestMean, Perceptron

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "ROUND", "Comparison", "Result", "compare", "elongated", "figures", "report", "run",
    "smallest_distance",
]  # fmt: skip

Data = tuple[list[list[float]], list[int]]

ROUND: Data = (
    [[1, 2], [-1, -2], [2, 1], [-2, -1], [2, 3], [-2, -3], [3, 2], [-3, -2]],
    [1, -1] * 4,
)


def elongated(shift: float = 1.0) -> Data:
    """Two classes of seven points, long in x1 and narrow in x2, alternating.

    Args:
        shift: how far the upper one is moved to the left, and the lower one to the right.

    >>> X, T = elongated()
    >>> X[:2], T[:2]
    ([[-4.0, 1.0], [4.0, -1.0]], [1, -1])
    """
    upper = [[k - 3.0 - shift, 1.0 + k % 2] for k in range(7)]
    X = [x for a, b in upper for x in ([a, b], [-a, -b])]
    return X, [1, -1] * 7


def smallest_distance(w: Sequence[float], b: float, data: Data) -> float:
    """How far the nearest point is from w·x + b = 0; negative if a point is on the wrong side.

    Args:
        w: what is at right angles to the boundary.
        b: the constant.
        data: the points and their targets.

    >>> smallest_distance([0.0, 2.0], 0.0, ([[5.0, 3.0], [1.0, -0.5]], [1, -1]))
    0.5
    """
    X, T = data
    scores = [t * (w[0] * x[0] + w[1] * x[1] + b) for x, t in zip(X, T, strict=True)]
    return min(scores) / hypot(*w)


@dataclass(frozen=True)
class Comparison:
    """Both classifiers on one set of points; `wrong` are the nearest mean's errors, by index."""

    data: Data
    nearest_mean: NearestMean
    wrong: list[int]
    perceptron: Perceptron
    course: Course
    errors: int  # of the perceptron


def compare(data: Data) -> Comparison:
    """Fit both; the perceptron from zeros, with η = 1.

    Args:
        data: the points and their targets.

    >>> c = compare(elongated())
    >>> c.wrong, c.errors, len(c.course.updates)
    ([12, 13], 0, 4)
    """
    X, T = data
    means = NearestMean().fit(X, T)
    wrong = [k for k, (x, t) in enumerate(zip(X, T, strict=True)) if means.predict(x) != t]
    p = Perceptron(2)
    course = p.fit(X, T)
    return Comparison(data, means, wrong, p, course, p.errors(X, T))


@dataclass(frozen=True)
class Result:
    """What `run` computes: the comparison on each set of points, by name."""

    comparisons: dict[str, Comparison]


def run(shift: float = 1.0) -> Result:
    """Both classifiers on the elongated and on the round classes.

    Args:
        shift: of the elongated classes; see `elongated`.
    """
    return Result({"elongated": compare(elongated(shift)), "round": compare(ROUND)})


def report(result: Result) -> str:
    """Boundaries and errors, and the two points that the means get wrong."""
    lines = ["Both boundaries are w·x + b = 0", ""]
    lines += ["  classes    by            w1       w2       b        errors  nearest point"]
    for name, c in result.comparisons.items():
        rows = (
            ("nearest mean", c.nearest_mean, len(c.wrong)),
            ("perceptron", c.perceptron, c.errors),
        )
        for by, model, errors in rows:
            gap = smallest_distance(model.w, model.b, c.data)
            lines.append(
                f"  {name:<9}  {by:<12}  {model.w[0]:+.4f}  {model.w[1]:+.4f}  {model.b:+.4f}"
                f"  {errors:<6}  {gap:+.3f}"
            )
    long = result.comparisons["elongated"]
    lines += [
        "",
        f"  The perceptron makes {len(long.course.updates)} updates on the elongated ones.",
    ]
    if not long.wrong:
        return "\n".join([*lines, "", "The nearest mean gets no elongated point wrong."])
    lines += ["", "The elongated points that the nearest mean gets wrong", ""]
    lines += ["  point       target  |x - μ1|²  |x - μ2|²    difference    w·x + b"]
    for k in long.wrong:
        x, t = long.data[0][k], long.data[1][k]
        first, second = long.nearest_mean.squared_distances(x)
        z = long.nearest_mean(x)
        lines.append(
            f"  ({x[0]:+.0f}, {x[1]:+.0f})    {t:+d}      {first:8.4f}   {second:8.4f}"
            f"    {second - first:+9.4f}    {z:+9.4f}"
        )
    lines += ["", "  Each is nearer to the other class's mean, though the rows do not overlap."]
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """The two boundaries on each set of points, with the means."""
    from scalargrad import plot

    pictures: dict[str, Picture] = {}
    for key, name in (("two_boundaries", "elongated"), ("round_classes", "round")):
        c = result.comparisons[name]
        X, T = c.data
        both = {
            "nearest mean": (c.nearest_mean.w, c.nearest_mean.b),
            "perceptron": (c.perceptron.w, c.perceptron.b),
        }
        page = plot.figure(width=7.2, height=6.2)
        picture = plot.decision_boundary(
            c.nearest_mean, X, T, lines=both, ax=page.axes[0],
            title=f"{name.capitalize()} classes: nearest mean {len(c.wrong)} errors, "
            f"perceptron {c.errors}",
            alt=f"Two {name} classes, and the boundaries of both classifiers: the nearest mean "
            f"makes {len(c.wrong)} errors, which are ringed, the perceptron {c.errors}. A dotted "
            "line joins the two means, which are stars; the first boundary cuts it in the middle.",
        )  # fmt: skip
        ax = picture.axes[0]
        one, two = c.nearest_mean.means
        ax.plot(*zip(one, two, strict=True), ":", color="#1a1a1a", linewidth=1.6, zorder=4,
                label="from mean to mean")  # fmt: skip
        if c.wrong:
            ax.plot(
                *zip(*(X[k] for k in c.wrong), strict=True), "o", markersize=18, zorder=6,
                markerfacecolor="none", markeredgecolor="#1a1a1a", markeredgewidth=2.0,
                linestyle="none", label="wrong by the nearest mean",
            )  # fmt: skip
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, frameon=False)
        for mean, label in zip(c.nearest_mean.means, ("μ1", "μ2"), strict=True):
            ax.plot(*mean, "*", markersize=15, color="white", markeredgecolor="black", zorder=6)
            spot = (mean[0], mean[1])
            ax.annotate(
                label,
                spot,
                xytext=(9, 7 if label == "μ1" else -18),
                textcoords="offset points",
                weight="bold",
                fontsize=12,
            )
        pictures[key] = picture
    return pictures
