"""Normalised inputs: 20 updates where raw ones need 116,067; the valley becomes a bowl.

A linear unit with a bias is trained on three days of rain by gradient descent on the error

    E = 1/2 Σ (w·x - y)²

Its second derivatives are the matrix XᵀX, and the eigenvalues λ of this matrix are the curvatures
of the surface. The learning rate ε must stay below 2/λ_max, or the steepest direction overshoots.
With ε = 1/λ_max the error in the flattest direction shrinks in each update by the factor

    1 - λ_min/λ_max

So the ratio of the eigenvalues is about the number of updates that it takes. The raw columns point
nearly in the same direction, and the ratio is 12,000. To normalise (or standardise) a column is to
subtract its mean and divide by its standard deviation; then the ratio is 27.

Source: Van Veen, the slide of tricks: normalise the inputs to accelerate convergence.
Data: the rain table of Goebels' lecture: days of rain, a radar's Kdp, and how likely rain is.
Look for: the raw error falls at once, and then stays nearly the same for thousands of updates. With
`lr=1.9` (times 1/λ_max) the raw descent takes about half as long; at 2.1 it would diverge, as its
steepest direction does.
Conclusion: scale the inputs before you tune the learning rate, since that removes the narrow valley
in which gradient descent is slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.data import standardize
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.data import Scaling
    from scalargrad.examples.pictures import Picture

__all__ = ["Course", "Valleys", "build", "descend", "eigenvalues", "figures", "report", "run"]

X = [[3.0, 5.0], [1.0, 6.0], [0.0, 8.0]]  # rainy days before; Kdp
Y = [0.99, 0.59, 0.19]
TOLERANCE = 1e-6  # of the length of the gradient

Rows = Sequence[Sequence[Any]]


def build(w: Sequence[Any], rows: Rows, targets: Sequence[float] = Y) -> Any:
    """The error of a linear unit: `w` are its weights, the bias last; `rows` are its inputs.

    >>> round(build([0.0, 0.0, 0.0], X), 5)
    0.68215
    """
    outputs = [sg.dot(w[:-1], row, bias=w[-1]) for row in rows]
    return losses.squared_error(outputs, list(targets))


def eigenvalues(rows: Rows) -> list[float]:
    """The eigenvalues of the matrix of second derivatives by three weights, in rising order.

    Jacobi's method turns two axes at a time so that their mixed derivative becomes 0.

    Args:
        rows: the inputs, two numbers each; the third weight is the bias.

    >>> [round(x, 3) for x in eigenvalues(standardize(X)[0])]
    [0.214, 3.0, 5.786]
    """
    a = [list(row) for row in sg.hessian(lambda w: build(w, rows))([0.0, 0.0, 0.0])]
    for _ in range(10):  # it converges quadratically: 5 rounds are enough for three axes
        for i, j in ((0, 1), (0, 2), (1, 2)):
            angle = 0.5 * math.atan2(2.0 * a[i][j], a[j][j] - a[i][i])
            c, s = math.cos(angle), math.sin(angle)
            for row in a:
                row[i], row[j] = c * row[i] - s * row[j], s * row[i] + c * row[j]
            a[i], a[j] = (
                [c * x - s * y for x, y in zip(a[i], a[j], strict=True)],
                [s * x + c * y for x, y in zip(a[i], a[j], strict=True)],
            )
    return sorted(a[i][i] for i in range(3))


@dataclass(frozen=True)
class Course:
    """A descent from weights 0: the inputs, the eigenvalues and the rate; then what happened.

    `errors` are E before each update and at the end. `places` are the weights, the bias last, after
    0, 1, 2, 4, 8 ... updates and at the end.
    """

    rows: list[list[float]]
    eigenvalues: list[float]
    lr: float
    errors: list[float]
    places: list[list[float]]
    converged: bool

    @property
    def updates(self) -> int:
        """The number of updates."""
        return len(self.errors) - 1


def descend(rows: Rows, lr: float = 1.0, most: int = 300_000, backend: str = "auto") -> Course:
    """Gradient descent from weights 0 until the gradient is shorter than 1e-6.

    Args:
        rows: the inputs.
        lr: the learning rate, in units of 1/λ_max.
        most: it ends after so many updates in any case.
        backend: that of `sg.compile`.

    >>> descend(standardize(X)[0]).updates
    20
    """
    table = [[float(x) for x in row] for row in rows]
    found = eigenvalues(table)
    w = [Value(0.0, name) for name in ("w1", "w2", "b")]
    one = sg.compile(lambda x, y: build(w, [x], [y]), params=w, backend=backend, reduction="sum")
    optimizer = optim.SGD(w, lr / found[-1])
    errors, places = list[float](), list[list[float]]()
    for n in tracked(range(most + 1), "descending"):
        optimizer.zero_grad()
        errors.append(one.backward(table, Y))
        converged = math.hypot(*[p.grad for p in w]) < TOLERANCE
        if n & (n - 1) == 0 or converged or n == most:
            places.append([p.data for p in w])
        if converged or n == most:
            break
        optimizer.step()
    return Course(table, found, lr / found[-1], errors, places, converged)


@dataclass(frozen=True)
class Valleys:
    """What `run` computes: how the columns were scaled, and the descents on both kinds of rows."""

    scaling: Scaling
    courses: dict[str, Course]


def run(lr: float = 1.0) -> Valleys:
    """Descend on the raw table and on the standardised one; some seconds, or ten without numba.

    Args:
        lr: the learning rate of both, in units of 1/λ_max.

    Raises:
        ValueError: the rate is not between 0 and 2, where descent comes to rest.
    """
    if not 0.0 < lr < 2.0:
        raise ValueError(f"descent comes to rest for rates between 0 and 2 over λ_max, got {lr}")
    rows, scaling = standardize(X)
    return Valleys(scaling, {"raw": descend(X, lr), "standardised": descend(rows, lr)})


def report(result: Valleys) -> str:
    """Eigenvalues, rates and updates of both, and the weights at the end, which are the same."""
    lines = ["Updates until the gradient is shorter than 1e-6, at the learning rate ε", ""]
    lines.append(f"  {'inputs':<14}{'eigenvalues of XᵀX':<27}{'ratio':>7}   {'ε':<9}{'updates':>8}")
    for name, course in result.courses.items():
        found = course.eigenvalues
        cells = "  ".join(f"{x:.4f}" for x in found)
        lines.append(
            f"  {name:<14}{cells:<27}{found[-1] / found[0]:7.0f}   {course.lr:.5f}  "
            f"{course.updates:>8,}" + ("" if course.converged else "  (not converged)")
        )
    lines += ["", "The error E by number of updates (or at the end)", ""]
    lines.append(f"  {'inputs':<14}" + "".join(f"{10**k:>9,}" for k in range(5)))
    for name, course in result.courses.items():
        at = [course.errors[min(10**k, course.updates)] for k in range(5)]
        lines.append(f"  {name:<14}" + "".join(f"{e:9.1e}" for e in at))
    raw, scaled = (course.places[-1] for course in result.courses.values())
    mean, std = result.scaling.mean, result.scaling.std
    back = [w / s for w, s in zip(scaled[:-1], std, strict=True)]
    back.append(scaled[-1] - sg.dot(back, mean))
    lines += [
        "", "Scaling, and the weights at the end (the standardised ones turned into raw units)", "",
        "                  days       Kdp      bias",
        "  mean        " + "".join(f"{m:10.4f}" for m in mean),
        "  deviation   " + "".join(f"{s:10.4f}" for s in std),
        "  raw         " + "".join(f"{w:+10.4f}" for w in raw),
        "  standardised" + "".join(f"{w:+10.4f}" for w in back),
    ]  # fmt: skip
    return "\n".join(lines)


def figures(result: Valleys) -> dict[str, Picture]:
    """The error by update, and the contours of both errors around their lowest place."""
    from scalargrad import plot

    curves = {}
    for name, course in result.courses.items():
        shown = {round(10 ** (k / 20)) for k in range(120)} & {*range(1, course.updates + 1)}
        places = sorted({1, course.updates, *shown})
        curves[f"{name}: {course.updates:,} updates"] = (places, [course.errors[k] for k in places])
    errors = plot.lines(
        curves, xlabel="updates", ylabel="E", xscale="log", yscale="log",
        title="The same unit and data, with raw and with standardised inputs",
        alt="The error by update, both axes logarithmic. With standardised inputs it is at the "
        "minimum after 20; with raw ones it falls at first, then lies flat for ten thousand "
        "updates, and is there after a hundred thousand.",
    )  # fmt: skip
    panels = plot.figure(
        1, 2, width=10.0, height=4.6,
        alt="Contours of the error by the weight of Kdp and the bias. Raw inputs: a long and very "
        "narrow valley, along which the dots creep. Standardised: a wide bowl, and dots that lead "
        "straight to its minimum.",
    )  # fmt: skip
    for ax, (name, course) in zip(panels.axes, result.courses.items(), strict=True):
        path = [(w2, b) for _, w2, b in course.places]
        ratio = course.eigenvalues[-1] / course.eigenvalues[0]
        plot.error_surface(
            _by_kdp_and_bias(course.rows), _around([w2 for w2, _ in path], [b for _, b in path]),
            path=path, xlabel="w2 (weight of Kdp)", ylabel="b (bias)", zscale="log", ax=ax,
            title=f"{name} inputs\nratio of eigenvalues {ratio:,.0f}; {course.updates:,} updates",
        )  # fmt: skip
        for number in [*ax.texts]:  # on the contours, where dots cover them
            number.remove()
        handles, _ = ax.get_legend_handles_labels()
        ax.legend(handles, ["start", "after 1, 2, 4, 8 ... updates"], loc="upper right")
    return {"errors": errors, "contours": panels}


def _by_kdp_and_bias(rows: Rows) -> Callable[[float, float], float]:
    """The error by two of the three weights; the first is the best one for these two."""

    def error(w2: float, b: float) -> float:
        rest = [y - w2 * row[1] - b for row, y in zip(rows, Y, strict=True)]
        first = [row[0] for row in rows]
        w1 = sg.dot(first, rest) / sg.dot(first, first)
        return float(build([w1, w2, b], rows))

    return error


def _around(*axes: Sequence[float]) -> Any:
    """A square around the places, so that a bowl looks round: a span for each axis."""
    half = 0.8 * max(max(numbers) - min(numbers) for numbers in axes)
    middles = [0.5 * (max(numbers) + min(numbers)) for numbers in axes]
    return tuple((middle - half, middle + half) for middle in middles)
