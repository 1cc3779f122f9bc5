"""Two moons and two spirals: what a network can separate, and what regularisation is for.

The lecture's network at work has few points. These two sets have 200 each, and are classics: two
interleaved moons, and two spirals that no straight line and no simple curve can separate. The
algorithm is the same as before:

    θ ← θ - γ ∇E        E = 1/N Σ max(0, 1 - z t)

with a network 2-16-16-1 of tanh units and, for speed, the optimiser Adam in place of plain descent.

A network that can draw any boundary also draws one around points that are mislabelled. This is
*overfitting*: the error of the points it learns from falls on and on, while that of fresh points
rises. Regularisation adds a term to E that keeps the weights small, and with them the slopes of z:

    E + λ/2 Σ θ²

The boundary becomes smoother, some mislabelled points stay wrong, and *generalisation*, which is
what counts, gets better.

Source: Lecture 2, Error backpropagation: the network at work, and regularisation as the next step.
Data: ours, since the lecture's are lost: two moons with noise, of which 20 of 200 points have the
wrong label; two spirals of one and a half turns with little noise. 1000 fresh points of each, all
with the right labels.
Look for: without regularisation most of the mislabelled moons get islands of their own, which cost
about an eighth of the fresh points; with it hardly any fresh point is wrong. The film shows when:
at first both networks find the same boundary, and the islands come late.
Conclusion: a network fits what you give it, wrong labels included; regularisation decides how hard
it tries.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "SETS", "Course", "Result", "Set", "build", "figures", "moons", "report", "run",
    "spirals", "train", "wrong_of",
]  # fmt: skip

Points = list[list[float]]


@dataclass(frozen=True)
class Set:
    """A set to learn from, and fresh points of the same kind.

    `l2` is the λ of its regularised network, `epochs` how many steps both networks make.
    """

    X: Points
    T: list[int]
    fresh: tuple[Points, list[int]]
    l2: float
    epochs: int
    mislabelled: tuple[int, ...] = ()


def moons(points: int, seed: int, noise: float = 0.15) -> tuple[Points, list[int]]:
    """Two half circles that reach into each other; the points alternate.

    Args:
        points: how many.
        seed: which ones.
        noise: the standard deviation of what is added to both numbers.

    >>> X, T = moons(2, seed=0, noise=0.0)
    >>> T, [round(math.hypot(X[0][0] + 0.5, X[0][1] + 0.25), 9)]
    ([1, -1], [1.0])
    """
    draw, X = random.Random(seed), Points()
    for k in range(points):
        angle = math.pi * draw.random()
        x, y = math.cos(angle), math.sin(angle)
        if k % 2:
            x, y = 1.0 - x, 0.5 - y
        X.append([x - 0.5 + draw.gauss(0.0, noise), y - 0.25 + draw.gauss(0.0, noise)])
    return X, [1 if k % 2 == 0 else -1 for k in range(points)]


def spirals(
    points: int, seed: int, noise: float = 0.05, turns: float = 1.5
) -> tuple[Points, list[int]]:
    """Two spirals, each the other one turned by half a circle; the points alternate.

    Args:
        points: how many, an even number.
        seed: which ones.
        noise: the standard deviation of what is added to both numbers.
        turns: how often each goes round.

    >>> X, T = spirals(4, seed=0, noise=0.0)
    >>> [round(a + b, 9) + 0.0 for a, b in zip(X[0], X[1])], T
    ([0.0, 0.0], [1, -1, 1, -1])
    """
    draw, X = random.Random(seed), Points()
    for k in range(points):
        radius = 0.15 + 0.85 * (k // 2 + 0.5) / (points // 2)
        angle, sign = turns * math.tau * radius, 1.0 if k % 2 == 0 else -1.0
        X.append([
            sign * radius * math.cos(angle) + draw.gauss(0.0, noise),
            sign * radius * math.sin(angle) + draw.gauss(0.0, noise),
        ])  # fmt: skip
    return X, [1 if k % 2 == 0 else -1 for k in range(points)]


def _sets() -> dict[str, Set]:
    X, T = moons(200, seed=0)
    return {
        "moons": Set(
            X, [-t if k < 20 else t for k, t in enumerate(T)], moons(1000, seed=1), 0.01, 3000,
            tuple(range(20)),
        ),
        "spirals": Set(*spirals(200, seed=0), spirals(1000, seed=1), 0.001, 1000),
    }  # fmt: skip


SETS = _sets()


def build(seed: int = 1, hidden: int = 16) -> nn.MLP:
    """A network 2-hidden-hidden-1 of tanh units with a linear output, called with a point.

    Args:
        seed: which starting weights.
        hidden: how many units there are in each of two layers.

    >>> len(build().parameters())
    337
    """
    state = random.getstate()
    random.seed(seed)
    model = nn.MLP(2, [hidden, hidden, 1], "tanh")
    random.setstate(state)
    return model


def wrong_of(scores: Sequence[float], T: Sequence[int]) -> int:
    """How many points do not have z t > 0.

    Args:
        scores: z of each point.
        T: their targets.

    >>> wrong_of([0.5, -0.1, 0.0], [1, 1, 1])
    2
    """
    return sum(bool(z * t <= 0.0) for z, t in zip(scores, T, strict=True))


@dataclass(frozen=True)
class Course:
    """One training, at some of its epochs: E, the weights, how many points are wrong.

    `epochs` are the moments; E is without the term of λ. `wrong` is of the 200 points, `fresh` of
    the 1000.
    """

    epochs: list[int]
    errors: list[float]
    states: list[list[float]]
    wrong: list[int]
    fresh: list[int]


def train(points: Set, l2: float = 0.0, epochs: int | None = None, moments: int = 24) -> Course:
    """Train a network by Adam on all points at once; the steps are replayed.

    Args:
        points: what to learn.
        l2: λ.
        epochs: how many steps; by default those of the set.
        moments: at how many of them to keep the weights; close together at first.

    >>> course = train(SETS["moons"], epochs=20, moments=5)
    >>> course.epochs, course.errors[-1] < course.errors[0]
    ([0, 1, 4, 9, 20], True)
    """
    epochs = points.epochs if epochs is None else epochs
    model = build()
    parameters = model.parameters()
    error = sg.compile(lambda x, t: losses.hinge(model(x), t), params=parameters, reduction="mean")
    score = sg.compile(model)
    optimizer = optim.Adam(parameters, lr=0.02, weight_decay=l2)
    kept = {round((epochs + 1) ** (k / (moments - 1))) - 1 for k in range(moments)}
    course = Course([], [], [], [], [])
    for epoch in range(epochs + 1):
        optimizer.zero_grad()
        E = error.backward(points.X, points.T)
        if epoch in kept:
            course.epochs.append(epoch)
            course.errors.append(float(E))
            course.states.append([p.data for p in parameters])
            course.wrong.append(wrong_of(score(points.X), points.T))
            X, T = points.fresh
            course.fresh.append(wrong_of(score(X), T))
        if epoch < epochs:
            optimizer.step()
    return course


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes: by set, a training without regularisation, and one with it."""

    courses: dict[str, dict[str, Course]]


def run(epochs: int | None = None, moments: int = 24) -> Result:
    """Train on both sets, without regularisation and with it.

    Args:
        epochs: how many steps in each training; by default those of the set.
        moments: at how many of them to keep the weights, for the films.
    """
    return Result({
        name: {
            "no regularisation": train(points, 0.0, epochs, moments),
            f"L2, λ = {points.l2:g}": train(points, points.l2, epochs, moments),
        }
        for name, points in SETS.items()
    })  # fmt: skip


def report(result: Result) -> str:
    """Errors of the points that are learnt and of fresh ones, on the way and at the end."""
    lines: list[str] = []
    for name, courses in result.courses.items():
        mislabelled = len(SETS[name].mislabelled)
        some = f", {mislabelled} of them mislabelled" if mislabelled else ""
        lines += [f"The {name}: 200 points{some}; 1000 fresh ones, rightly labelled", ""]
        lines += ["  network             epoch   E         wrong of 200   fresh wrong   Σ θ²"]
        for key, course in courses.items():
            last = len(course.epochs) - 1
            for k in sorted({0, last // 2, 3 * last // 4, last}):
                size = float(losses.l2(course.states[k]))
                lines.append(
                    f"  {key:<18}  {course.epochs[k]:>5}   {course.errors[k]:<8.4f}  "
                    f"{course.wrong[k]:>12}   {course.fresh[k]:>11}   {size:>6.1f}"
                )
        lines.append("")
    return "\n".join(lines).rstrip()


def figures(result: Result) -> dict[str, Picture]:
    """Of each set the two boundaries at the end, and how they came about as a film; the errors."""
    pictures: dict[str, Picture] = {}
    for name, courses in result.courses.items():
        pictures[f"{name}"] = _boundaries(name, courses)
    pictures |= {
        "errors": _errors(result), "moons_film": _film("moons", result.courses["moons"]),
        "spirals_film": _film("spirals", result.courses["spirals"]),
    }  # fmt: skip
    return pictures


def _loaded(state: Sequence[float], model: nn.MLP) -> nn.MLP:
    """The network with these weights."""
    for parameter, number in zip(model.parameters(), state, strict=True):
        parameter.data = number
    return model


def _boundaries(name: str, courses: dict[str, Course]) -> Picture:
    """Both networks at the end."""
    from scalargrad import plot

    points = SETS[name]
    page = plot.figure(
        1, 2, width=11.0, height=5.4 if name == "spirals" else 4.6,
        alt=f"The boundaries of two networks on two {name} of 200 points. "
        + "; ".join(f"{key}: {c.wrong[-1]} of the points and {c.fresh[-1]} of 1000 fresh ones wrong"
                    for key, c in courses.items())
        + (". Rings mark the mislabelled points." if points.mislabelled else "."),
    )  # fmt: skip
    for ax, (key, course) in zip(page.axes, courses.items(), strict=True):
        plot.decision_boundary(
            _loaded(course.states[-1], build()), points.X, points.T, span=_span(name), ax=ax,
            title=f"{key}: {course.wrong[-1]} of 200 wrong,\n{course.fresh[-1]} of 1000 fresh ones",
        )  # fmt: skip
        for line in ax.lines:
            line.set_markersize(6.0 if line.get_marker() == "o" else 8.0)
        if points.mislabelled:
            ax.plot(
                *zip(*(points.X[k] for k in points.mislabelled), strict=True), "o", markersize=12,
                markerfacecolor="none", markeredgecolor="#1a1a1a", markeredgewidth=1.2, zorder=6,
                label="wrong label",
            )  # fmt: skip
        ax.set_aspect("equal")
        if ax is not page.axes[0]:
            ax.legend().remove()
    page.axes[0].legend(loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=3, frameon=False)
    return page


def _span(name: str) -> tuple[tuple[float, float], tuple[float, float]]:
    return ((-1.25, 1.25), (-1.25, 1.25)) if name == "spirals" else ((-2.0, 2.0), (-1.3, 1.3))


def _film(name: str, courses: dict[str, Course]) -> Picture:
    """Both networks at each moment that was kept."""
    from scalargrad.examples.boundary_film import Panel, boundary_film

    points, model = SETS[name], build()
    score = sg.compile(model)  # recorded once for all moments; it reads the weights at each call

    def scorer(state: Sequence[float]) -> Callable[[Any], Any]:
        def scores(xs: Any) -> Any:
            _loaded(state, model)
            return score(xs)

        return scores

    panels = [
        Panel(
            key, [scorer(state) for state in course.states],
            [f"E = {E:.3f}; {wrong} of 200 wrong, {fresh} of 1000 fresh"
             for E, wrong, fresh in zip(course.errors, course.wrong, course.fresh, strict=True)],
        )
        for key, course in courses.items()
    ]  # fmt: skip
    (first, *_) = courses.values()
    rings = "; rings: wrong labels" if points.mislabelled else ""
    return boundary_film(
        panels, points.X, points.T, _span(name),
        [f"epoch {epoch}" for epoch in first.epochs], 0.5 * len(first.epochs),
        title=f"Two {name}, learnt by a network 2-16-16-1 (shaded: z > 0{rings})",
        alt=f"A film of {len(first.epochs)} moments: the regions of two networks that learn two "
        f"{name}, without regularisation and with it, side by side. At the end "
        + " and ".join(f"{c.fresh[-1]} of 1000 fresh points are wrong ({key})"
                       for key, c in courses.items()) + ".",
        wrong_labels=points.mislabelled,
    )  # fmt: skip


def _errors(result: Result) -> Picture:
    """Wrong points by epoch, of the points that are learnt and of fresh ones."""
    from scalargrad import plot

    page = plot.figure(
        1, 2, width=11.0, height=4.4,
        alt="The share of wrong points over the epochs, of the points that are learnt and of fresh "
        "ones, without regularisation and with it. On the moons the fresh ones first fall and then "
        "rise without regularisation, and stay low with it; on the spirals all fall to nearly 0.",
    )  # fmt: skip
    for ax, (name, courses) in zip(page.axes, result.courses.items(), strict=True):
        series: dict[str, Any] = {}
        for key, course in courses.items():
            xs = [epoch + 1 for epoch in course.epochs]
            series[f"fresh, {key}"] = (xs, [fresh / 1000 for fresh in course.fresh])
            series[f"learnt, {key}"] = (xs, [wrong / 200 for wrong in course.wrong])
        plot.lines(
            series, xlabel="epoch, from 1", ylabel="share of wrong points", xscale="log",
            title=f"Two {name}", ax=ax,
        )  # fmt: skip
        ax.set_ylim(-0.02, 0.62)
    return page
