"""A 2-5-1 network where no line is enough: it gets all points right, then stops at once.

The perceptron's z = w·x + b becomes the output of any network; the error stays, as the mean over
all N points. The basic algorithm repeats one step T times:

    E = 1/N Σ max(0, -z t)        θ ← θ - γ ∇E        for t = 1 ... T

Here the network has five tanh units and one linear output, with biases. The points are not linearly
separable, and yet it gets all of them right. But as soon as every point is on its correct side, E
and its gradient are exactly 0, and nothing moves any more, however close the boundary passes by. A
gradient alone does not make a good classifier. What the lecture names as the next steps is added:

- the margin hinge max(0, 1 - z t): pushes on until z t reaches 1;
- momentum: Δθ(t) = -γ ∇E + α Δθ(t-1), an optimisation;
- L2, a regularisation: λ/2 Σ θ² on top of E keeps the weights small (here the biases, too);
- early stopping: with a wrong label among the points, the error of other points falls first, and
  rises once the network bends to the wrong label (overfitting). The weights with the least error
  are kept.

Source: Lecture 2, Error backpropagation: the basic algorithm, the network at work, what is next.
Data: ours, since the lecture's are lost: eight points in two opposite pairs of corners. To see how
good a boundary is (generalisation): 400 fresh points around these corners.
Look for: no point is wrong at iteration 11, and not a bit changes afterwards. With γ = 0.02 in
place of 0.2 that comes later, and the boundary is no better. Larger sets, with the boundary as a
film, are in the example moons_and_spirals.
Conclusion: the algorithm minimises exactly the error that you give it, and stops when that is 0.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "RECIPES", "START", "W1", "W2", "Course", "EarlyStopped", "Recipe", "Result", "T", "X", "build",
    "cloud", "descend", "figures", "report", "run", "stop_early", "wrong_of",
]  # fmt: skip

X = [
    [1.0, 1.0], [-1.0, -1.0], [1.2, 0.7], [-0.8, -1.1],
    [1.0, -1.0], [-1.0, 1.0], [0.7, -1.2], [-1.1, 0.8],
]  # fmt: skip
T = [1, 1, 1, 1, -1, -1, -1, -1]
W1 = [  # a row for each hidden unit: from x1, from x2, its bias
    [-0.667, 0.804, -0.298], [0.98, -0.606, -0.243], [-0.919, -0.82, 0.736],
    [0.347, 0.782, 0.189], [-0.146, -0.718, 0.445],
]  # fmt: skip
W2 = [0.477, -0.355, 0.903, -0.802, -0.132, 0.99]  # from the five hidden units, and the bias

State = list[float]  # all weights and biases, in the order of W1 and W2
START: State = [number for row in [*W1, W2] for number in row]


def build(state: State = START) -> nn.MLP:
    """The network; called with a point it gives z.

    Args:
        state: the weights and biases, in the order of `START`, from where it starts.

    >>> round(build()([1.0, 1.0]).data, 6)
    -0.463713
    """
    model = nn.MLP(2, [5, 1], "tanh", init="zeros")
    for parameter, number in zip(model.parameters(), state, strict=True):
        parameter.data = number
    return model


def cloud(points: int, seed: int, spread: float = 0.4) -> tuple[list[list[float]], list[int]]:
    """Random points around the corners (±1, ±1), a quarter at each, and their classes.

    Args:
        points: how many.
        seed: which ones.
        spread: their standard deviation, in x1 and in x2.

    >>> cloud(4, seed=0, spread=0.0)
    ([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]], [1, 1, -1, -1])
    """
    draw, corners = random.Random(seed), [(1, 1), (-1, -1), (1, -1), (-1, 1)]
    chosen = [corners[k % 4] for k in range(points)]
    xs = [[a + draw.gauss(0.0, spread), b + draw.gauss(0.0, spread)] for a, b in chosen]
    return xs, [a * b for a, b in chosen]


def wrong_of(model: nn.MLP, xs: list[list[float]], ts: list[int]) -> int:
    """How many points do not have z t > 0.

    Args:
        model: the network.
        xs: the points.
        ts: their classes, -1 or 1.
    """
    z = sg.compile(model)(xs)
    return sum(bool(zk * t <= 0.0) for zk, t in zip(z, ts, strict=True))


# --- the basic algorithm --------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """What is descended, and how: the loss, momentum α, and λ of L2."""

    loss: Callable[[Any, Any], Any]
    momentum: float = 0.0
    l2: float = 0.0


RECIPES = {
    "perceptron loss": Recipe(losses.perceptron),
    "perceptron loss, momentum": Recipe(losses.perceptron, momentum=0.9),
    "hinge": Recipe(losses.hinge),
    "hinge, momentum": Recipe(losses.hinge, momentum=0.9),
    "hinge, L2": Recipe(losses.hinge, l2=0.01),
    "hinge, momentum, L2": Recipe(losses.hinge, momentum=0.9, l2=0.01),
}


@dataclass(frozen=True)
class Course:
    """A descent: before each iteration E, the wrong points, and whether the gradient is 0.

    `states` are the weights before each iteration and at the end, one more than iterations;
    `errors`, `wrong` and `at_rest` have that last entry as well. E is without the L2 term.
    """

    errors: list[float]
    wrong: list[int]
    at_rest: list[bool]
    states: list[State]

    @property
    def first_right(self) -> int | None:
        """The first iteration that finds no point wrong."""
        return next((k for k, wrong in enumerate(self.wrong) if wrong == 0), None)


def descend(recipe: Recipe, iterations: int, gamma: float = 0.2) -> Course:
    """The basic algorithm, step by step, from the starting weights; `sg.fit` does the same.

    Args:
        recipe: what to descend.
        iterations: how many, each on all points.
        gamma: the learning rate γ.

    >>> course = descend(RECIPES["perceptron loss"], 12)
    >>> round(course.errors[0], 6), course.first_right
    (0.903413, 11)
    """
    model = build()
    optimizer = optim.SGD(model.parameters(), gamma, recipe.momentum, recipe.l2)
    course = Course([], [], [], [])
    for k in range(iterations + 1):
        z = [model(x) for x in X]
        E = recipe.loss(z, T)
        optimizer.zero_grad()
        E.backward()
        course.errors.append(E.data)
        course.wrong.append(sum(zk.data * t <= 0.0 for zk, t in zip(z, T, strict=True)))
        course.at_rest.append(not any(p.grad for p in optimizer.parameters))
        course.states.append([p.data for p in optimizer.parameters])
        if k < iterations:
            optimizer.step()
    return course


# --- early stopping -------------------------------------------------------------------------


@dataclass(frozen=True)
class EarlyStopped:
    """A training to the end, and one that stopped early: histories, and errors on fresh points."""

    whole: sg.History
    stopped: sg.History
    fresh_whole: int
    fresh_stopped: int


def stop_early(epochs: int = 300, patience: int = 100) -> EarlyStopped:
    """Train on 20 points of which one has the wrong label, and watch 40 others meanwhile.

    Args:
        epochs: how many at most.
        patience: how many epochs without an improvement until it stops.
    """
    xs, ts = cloud(20, seed=2)
    ts[1] = -ts[1]
    histories, fresh = [], []
    for rule in (None, sg.EarlyStopping(patience)):
        model = build()
        optimizer = optim.SGD(model.parameters(), lr=0.2)
        histories.append(
            sg.fit(
                model, xs, ts, losses.hinge, optimizer, epochs,
                validation=cloud(40, seed=1), early_stopping=rule, progress=False,
            )
        )  # fmt: skip
        fresh.append(wrong_of(model, *cloud(400, seed=0)))
    return EarlyStopped(histories[0], histories[1], fresh[0], fresh[1])


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes: a course for each recipe, its fresh points that are wrong, by name."""

    courses: dict[str, Course]
    fresh: dict[str, int]
    early: EarlyStopped


def run(iterations: int = 1000, gamma: float = 0.2) -> Result:
    """The basic algorithm, and what is added to it.

    Args:
        iterations: how many for each recipe.
        gamma: the learning rate γ.
    """
    courses = {name: descend(recipe, iterations, gamma) for name, recipe in RECIPES.items()}
    points = cloud(400, seed=0)
    fresh = {name: wrong_of(build(c.states[-1]), *points) for name, c in courses.items()}
    return Result(courses, fresh, stop_early())


def _size(state: State) -> float:
    return float(losses.l2(state))


def report(result: Result) -> str:
    """The basic algorithm step by step, then what each addition does to the boundary."""
    basic = result.courses["perceptron loss"]
    lines = ["The basic algorithm on the mean of max(0, -z t)", ""]
    lines += ["  iteration  E            wrong of 8  gradient"]
    for k in (0, 1, 2, 5, 10, 11, 20, 100, len(basic.errors) - 1):
        if k < len(basic.errors):
            slope = "exactly 0" if basic.at_rest[k] else "not 0"
            lines.append(f"  {k:<9}  {basic.errors[k]:<11.9f}  {basic.wrong[k]:<10}  {slope}")
    first = basic.first_right
    if first is not None:
        z = [build(basic.states[-1])(x).data * t for x, t in zip(X, T, strict=True)]
        lines += [
            "",
            f"  From iteration {first} on all are right and nothing moves. The smallest z t stays "
            f"at {min(z):.4f}.",
        ]
    lines += ["", "How good is the boundary? Points wrong of 8, and of 400 fresh ones", ""]
    lines += ["  descent                      all right from  wrong  fresh  Σ θ²"]
    for name, course in result.courses.items():
        found = "never" if course.first_right is None else course.first_right
        lines.append(
            f"  {name:<27}  {found!s:<14}  {course.wrong[-1]:<5}  {result.fresh[name]:<5}  "
            f"{_size(course.states[-1]):.1f}"
        )
    early = result.early
    whole, stopped = early.whole, early.stopped
    best = stopped.best_epoch or 0
    lines += [
        "",
        "Early stopping: 20 points, one of them with the wrong label; 40 others are watched",
        "",
        "                  epochs  kept     E of the 20  E of the 40  fresh wrong",
        f"  to the end      {len(whole.losses):<6}  {'last':<7}  {whole.losses[-1]:<11.4f}  "
        f"{whole.validation[-1]:<11.4f}  {early.fresh_whole}",
        f"  stopped early   {len(stopped.losses):<6}  {best:<7}  {stopped.losses[best]:<11.4f}  "
        f"{stopped.validation[best]:<11.4f}  {early.fresh_stopped}",
    ]
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """The boundary while it learns, E, the boundaries of four recipes, and early stopping."""
    from scalargrad import plot

    basic = result.courses["perceptron loss"]
    sequence = plot.figure(
        2, 3, width=12.0, height=8.4,
        alt="The boundary at iterations 0 to 11: it bends until all eight points are on their "
        "correct sides, some of them close to it. Rings mark the points that are wrong.",
    )  # fmt: skip
    sequence.suptitle("Shaded: z > 0, class +1. Ring: a point on the wrong side.", fontsize=12)
    for ax, k in zip(sequence.axes, (0, 2, 5, 8, 10, 11), strict=True):
        title = f"Iteration {k}: {basic.wrong[k]} wrong"
        _panel(basic.states[k], title, ax)

    names = ("perceptron loss", "perceptron loss, momentum", "hinge", "hinge, momentum, L2")
    boundaries = plot.figure(
        2, 2, width=9.0, height=9.6,
        alt="Four boundaries that get all eight points right: that of the perceptron loss passes "
        "close by some of them, that of the hinge keeps a distance",
    )  # fmt: skip
    boundaries.suptitle(
        "All eight points are right, each time. Shaded: z > 0, class +1.", fontsize=12
    )
    for ax, name in zip(boundaries.axes, names, strict=True):
        title = f"{name}:\n{result.fresh[name]} of 400 fresh points wrong"
        _panel(result.courses[name].states[-1], title, ax)

    return {
        "network": plot.network(
            build(), names={(0, 0): "x1", (0, 1): "x2", (2, 0): "z"}
            | {(1, k): f"h{k + 1}" for k in range(5)},
            title="The network 2-5-1 with its starting weights",
            alt="Two inputs, five tanh units h1 to h5, one linear output z; the wider a line, the "
            "larger the weight; dashed ones are negative",
        ),
        "sequence": sequence,
        "loss": plot.lines(
            {name: result.courses[name].errors[:60] for name in ("perceptron loss", "hinge")},
            xlabel="iteration", ylabel="E", title="Both errors reach 0, and learning is over",
            alt="The perceptron loss falls to 0 at iteration 11, the hinge at iteration 37",
        ),
        "boundaries": boundaries,
        "early_stopping": plot.loss_curve(
            result.early.whole, title="A wrong label: stop where other points do best",
            alt="The loss of the training points falls on and on; that of other points falls, "
            "then rises",
        ),
    }  # fmt: skip


def _panel(state: State, title: str, ax: Any) -> None:
    """One boundary among others, wrong points ringed; the first panel has the legend for all."""
    from scalargrad import plot

    model = build(state)
    plot.decision_boundary(model, X, T, span=((-2, 2), (-2, 2)), title=title, ax=ax)
    for x, t in zip(X, T, strict=True):
        if model(x).data * t <= 0.0:
            ax.plot(*x, "o", markersize=17, markerfacecolor="none", markeredgecolor="#1a1a1a",
                    markeredgewidth=1.8, zorder=6)  # fmt: skip
    if ax is not ax.figure.axes[0]:
        ax.get_legend().remove()
