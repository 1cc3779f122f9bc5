"""Two weights, two associations: the error is a bowl, and descent runs down into it.

Two inputs, each with its own weight, lead to one linear output, which should be τ_t for the input
x_t:

    y_t = w_1 x_1t + w_2 x_2t = w · x_t        δ_t = y_t - τ_t        E = Σ_t 1/2 δ_t²

The gradient of a sum is the sum of the gradients, so

    ∇E = (∂E/∂w_1, ∂E/∂w_2) = Σ_t δ_t x_t.

The algorithm goes through the associations, adds up the gradient of each, and only then changes the
weights, by Δw = -ε ∇E: one update a pass, until ∇E is about zero.

Each association is one equation w · x_t = τ_t, a straight line in the plane of the weights. Two
lines cross in one point, unless x_1 and x_2 point the same way: then they are parallel, and there
is no exact solution or a whole line of them. Three lines usually leave a triangle, and descent ends
inside it. "Up to two associations" means two linearly independent ones.

In x_it the first index is the input unit and the second the association. If you read the table the
other way round you solve another problem, and no error message tells you: see `X_TRANSPOSED`.

Source: Stone, equations 12 to 30, and the algorithm for several associations.

Data: the start w = (-0.8, -1.6) is the lecture's. It gives no associations, so these are ours.

Look for: on the surface, the path at ε = 0.5 has far fewer dots than at 0.1, and both end at the
minimum w = (0.5, 0.8). With inputs on one line the end depends on the start. Set a rate of 2.1,
which is more than 2 divided by the greatest curvature: the error grows.

Conclusion: add up the gradients of all associations, take one step against the sum, repeat; two
weights can learn two associations exactly if their inputs are linearly independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim

if TYPE_CHECKING:
    from scalargrad import plot
    from scalargrad.examples.pictures import Picture

__all__ = [
    "AGREEING_TARGETS", "COLLINEAR", "RATES", "TARGETS", "THREE", "THREE_TARGETS", "W0",
    "X_TRANSPOSED", "Association", "Descent", "TwoInputs", "X", "build", "crossing", "error",
    "figures", "gradient_by_hand", "learn", "report", "run",
]  # fmt: skip

Inputs = Sequence[Sequence[float]]  # a row for each association

X = ((0.9, 0.3), (-0.4, 0.7))
TARGETS = (0.69, 0.36)
X_TRANSPOSED = ((0.9, -0.4), (0.3, 0.7))  # the same table read the wrong way
THREE, THREE_TARGETS = (*X, (0.5, -0.5)), (*TARGETS, 0.4)
COLLINEAR = ((0.9, 0.3), (1.8, 0.6))  # the second input is twice the first
AGREEING_TARGETS = (0.69, 1.38)  # and so is the second target
W0 = (-0.8, -1.6)
RATES = (0.1, 0.5)

# --- the network ----------------------------------------------------------------------------


def build(w: Sequence[Any], x: Sequence[float]) -> Any:
    """The output y = w · x.

    Args:
        w: the two weights, numbers or Values.
        x: the two inputs.

    >>> round(build(W0, X[0]), 6)
    -1.2
    """
    return sg.dot(w, x)


def error(w: Sequence[Any], inputs: Inputs = X, targets: Sequence[float] = TARGETS) -> Any:
    """E = 1/2 Σ_t (w · x_t - τ_t)² over all associations.

    >>> round(error(W0), 6)
    2.45885
    """
    return losses.squared_error([build(w, x) for x in inputs], targets)


def gradient_by_hand(
    w: Sequence[float], inputs: Inputs = X, targets: Sequence[float] = TARGETS
) -> list[float]:
    """∇E = Σ_t δ_t x_t, equations 27 to 29, in plain floats.

    >>> [round(g, 6) for g in gradient_by_hand(W0)]
    [-1.237, -1.379]
    """
    gradient = [0.0, 0.0]
    for x, target in zip(inputs, targets, strict=True):
        delta = w[0] * x[0] + w[1] * x[1] - target
        gradient = [g + delta * xi for g, xi in zip(gradient, x, strict=True)]
    return gradient


def crossing(inputs: Inputs = X, targets: Sequence[float] = TARGETS) -> tuple[float, float]:
    """The weights that make two associations exact: where their two lines cross.

    Raises:
        ValueError: the two inputs point the same way, so that the lines are parallel; or there are
            not two associations.

    >>> [round(w, 6) for w in crossing()]
    [0.5, 0.8]
    >>> crossing(COLLINEAR)
    Traceback (most recent call last):
        ...
    ValueError: (0.9, 0.3) and (1.8, 0.6) lie on one line: no exact solution, or infinitely many
    """
    if len(inputs) != 2:
        raise ValueError(f"two lines cross in a point: give two associations, got {len(inputs)}")
    (a, b), (c, d) = inputs
    determinant = a * d - b * c
    if abs(determinant) <= 1e-12 * (abs(a * d) + abs(b * c)):
        raise ValueError(
            f"{inputs[0]} and {inputs[1]} lie on one line: no exact solution, or infinitely many"
        )
    s, t = targets
    return (s * d - b * t) / determinant, (a * t - s * c) / determinant


# --- learning -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """A run of gradient descent: the weights and E before each update and after the last.

    `updates` counts them; it is None if the gradient was still too long when the loop was left.
    """

    lr: float
    weights: list[tuple[float, float]]
    errors: list[float]
    updates: int | None


def learn(
    lr: float, w0: Sequence[float] = W0, inputs: Inputs = X, targets: Sequence[float] = TARGETS,
    tolerance: float = 1e-6, limit: int = 1000,
) -> Descent:  # fmt: skip
    """Go through the associations, add up their gradients, make one update; repeat.

    It ends after the update whose gradient was shorter than `tolerance`.

    Args:
        lr: ε, at least 0.
        w0: the two weights at the start.
        inputs: a row of two numbers for each association.
        targets: a number for each.
        tolerance: with 0, `limit` updates are made.
        limit: after how many updates to give up.

    >>> learn(0.5).updates
    43
    """
    w = [Value(number, f"w{i}") for i, number in enumerate(w0, 1)]
    optimizer = optim.SGD(w, lr=lr)
    weights, errors = [(w[0].data, w[1].data)], list[float]()
    stopped = False
    while not stopped and len(errors) < limit:
        optimizer.zero_grad()
        E = 0.0
        for x, target in zip(inputs, targets, strict=True):
            one = losses.squared_error(build(w, x), target)
            one.backward()  # adds to the gradients of the weights
            E += one.data
        optimizer.step()
        weights.append((w[0].data, w[1].data))
        errors.append(E)
        stopped = hypot(*(p.grad for p in w)) < tolerance
    updates = len(errors) if stopped else None
    errors.append(float(error(weights[-1], inputs, targets)))
    return Descent(lr, weights, errors, updates)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Association:
    """One association at the start: the output, δ = y - τ, its error and its gradient."""

    y: float
    delta: float
    E: float
    gradient: list[float]


@dataclass(frozen=True)
class TwoInputs:
    """What `run` computes: the start, each association's part in it, and the descents.

    `solution` is where the two lines cross. `three` has an association too many; `inconsistent`
    and `consistent` have inputs on one line, each from two starts.
    """

    w0: Sequence[float]
    associations: list[Association]
    E: float
    gradient: list[float]
    by_hand: list[float]
    hessian: list[list[float]]
    solution: tuple[float, float]
    descents: dict[float, Descent]
    three: Descent
    inconsistent: list[Descent]
    consistent: list[Descent]
    transposed: tuple[float, float]


def run(w0: Sequence[float] = W0, rates: Sequence[float] = RATES) -> TwoInputs:
    """The gradient at the start in parts and as a whole, then the descents.

    Args:
        w0: the two weights at the start.
        rates: the ε for the two associations.

    >>> [round(g, 6) for g in run().gradient]
    [-1.237, -1.379]
    """
    associations = []
    for x, target in zip(X, TARGETS, strict=True):
        w = [Value(number) for number in w0]
        y = build(w, x)
        E = losses.squared_error(y, target)
        E.backward()
        associations.append(Association(y.data, y.grad, E.data, [p.grad for p in w]))
    whole, gradient = sg.value_and_grad(error)([*w0])
    starts = (w0, (1.0, 1.0))

    def settle(lr: float, start: Sequence[float], x: Inputs, t: Sequence[float]) -> Descent:
        return learn(lr, start, x, t, tolerance=1e-14, limit=5000)

    return TwoInputs(
        w0, associations, whole, gradient, gradient_by_hand(w0), sg.hessian(error)([*w0]),
        crossing(), {lr: learn(lr, w0) for lr in rates},
        settle(0.5, w0, THREE, THREE_TARGETS),
        [settle(0.2, start, COLLINEAR, TARGETS) for start in starts],
        [settle(0.2, start, COLLINEAR, AGREEING_TARGETS) for start in starts],
        crossing(X_TRANSPOSED),
    )  # fmt: skip


def report(result: TwoInputs) -> str:
    """The gradient in parts, the descents, and what three or parallel associations do."""
    lines = [f"The gradient at the start, w = {_pair(result.w0)}", ""]
    lines += ["  association   y         δ         E       ∂E/∂w1    ∂E/∂w2"]
    for t, part in enumerate(result.associations, 1):
        numbers = [part.y, part.delta, part.E, *part.gradient]
        lines.append(f"  t = {t}  " + "".join(f"{number:+10.5f}" for number in numbers))
    whole = "".join(f"{number:+10.5f}" for number in [result.E, *result.gradient])
    hand = "".join(f"{number:+10.5f}" for number in result.by_hand)
    lines += [f"  the sum{' ' * 20}{whole}", f"  Σ δ x by hand{' ' * 24}{hand}"]
    lines += [
        "",
        f"Descent to the minimum w = {_pair(result.solution)}, where the two lines cross",
        "",
    ]
    lines += [
        f"  rate ε  updates  {'w after 1':<18}  {'after 2':<18}  {'after 10':<18}  at the end"
    ]
    for lr, descent in result.descents.items():
        updates = "never" if descent.updates is None else str(descent.updates)
        marks = [k for k in (1, 2, 10) if k < len(descent.weights)]
        path = "  ".join(_pair(descent.weights[k]) for k in [*marks, -1])
        lines.append(f"  {lr:<6g}  {updates:>7}  {path}")
    lines += ["", "Without an exact solution, and with too many", ""]
    lines += [f"  {'associations':<42}{'descent ends at':<20}E there"]
    ends = [("three", result.three)]
    ends += [("two, inputs on one line, targets disagree", d) for d in result.inconsistent]
    ends += [("two, inputs on one line, targets agree", d) for d in result.consistent]
    for name, descent in ends:
        lines.append(f"  {name:<42}{_pair(descent.weights[-1])}  {descent.errors[-1]:.6f}")
    lines += ["", "  With inputs on one line the second start leads to another end."]
    told = f"{_pair(result.transposed)}, that of another problem."
    return "\n".join(
        [*lines, f"  With the table of the inputs transposed the minimum is at w = {told}"]
    )


def _pair(w: Sequence[float]) -> str:
    return f"({w[0]:+.4f}, {w[1]:+.4f})"


def figures(result: TwoInputs) -> dict[str, Picture]:
    """The network, the error as a surface and as contours, and the lines in the weights' plane."""
    from scalargrad import plot

    def bowl(w1: Any, w2: Any) -> Any:
        return error((w1, w2))

    w0, span = (result.w0[0], result.w0[1]), ((-2.0, 2.0), (-2.0, 2.0))
    network = plot.network(
        [2, 1], names={(0, 0): "x1", (0, 1): "x2", (1, 0): "y"},
        edge_labels={((0, 0), (1, 0)): "w1", ((0, 1), (1, 0)): "w2"},
        notes={(1, 0): "y = w1 x1 + w2 x2"}, title="Two inputs, one output",
        alt="Two inputs x1 and x2 lead over the weights w1 and w2 to one output y.",
    )  # fmt: skip
    pictures: dict[str, Picture] = {"network": network}
    shown = min(result.descents.values(), key=lambda descent: descent.lr)
    pictures["surface"] = plot.error_surface(
        bowl, span, path=shown.weights[:40], kind="surface", arrow=w0,
        points={"minimum": result.solution},
        title=f"The error surface, and descent at a rate of ε = {shown.lr:g}",
        alt="A bowl over the plane of the two weights. White dots run from the start down into it, "
        "to the minimum at (0.5, 0.8). On the plane below, an arrow, minus the gradient, leads "
        f"from {w0} the way the error falls most.",
    )  # fmt: skip
    contours = plot.figure(
        1, len(result.descents), width=9.0, height=4.4,
        alt=f"Oval contours of the error around (0.5, 0.8). From {w0} an arrow shows minus the "
        "gradient; dots mark the weights after each update. The smaller the rate, the denser.",
    )  # fmt: skip
    for ax, (lr, descent) in zip(contours.axes, result.descents.items(), strict=True):
        title = f"rate ε = {lr:g}: {descent.updates or 'more than 1000'} updates"
        plot.error_surface(bowl, span, path=descent.weights, arrow=w0, title=title, ax=ax)
    pictures["contours"] = contours
    pictures["lines"] = _lines(result)
    return pictures


def _lines(result: TwoInputs) -> plot.Figure:
    """Three panels: each association as its line of exact weights, and where descent ends."""
    from scalargrad import plot

    ends = [[result.descents[max(result.descents)]], [result.three], result.inconsistent,
            result.consistent]  # fmt: skip
    problems = [(X, TARGETS), (THREE, THREE_TARGETS), (COLLINEAR, TARGETS),
                (COLLINEAR, AGREEING_TARGETS)]  # fmt: skip
    titles = [
        "two associations: one solution", "three: no exact solution",
        "inputs on one line, targets disagree: none", "inputs on one line, targets agree: many",
    ]  # fmt: skip
    figure = plot.figure(
        2, 2, width=8.4, height=8.0,
        alt="Lines of the weights that make one association exact. Two lines cross, and descent "
        "ends there; three leave a triangle, and it ends inside; of two parallel lines it ends "
        "between them, of one line on it, each time where it depends on the start.",
    )  # fmt: skip
    for ax, (inputs, targets), title, descents in zip(
        figure.axes, problems, titles, ends, strict=True
    ):
        edges = (-2.0, 2.0)
        exact = {
            f"association {t}": (edges, [(target - x[0] * w) / x[1] for w in edges])
            for t, (x, target) in enumerate(zip(inputs, targets, strict=True), 1)
        }
        plot.lines(exact, xlabel="w1", ylabel="w2", title=title, ax=ax)
        if len(descents) == 2 and targets == AGREEING_TARGETS:  # or one line would hide the other
            ax.lines[0].set_linewidth(4.0)
            ax.lines[0].set_alpha(0.45)
        for k, descent in enumerate(descents):
            first, second = zip(*descent.weights, strict=True)
            names = ("start", "the descent", "end") if k == 0 else (None, None, None)
            ax.plot(first, second, color="0.45", linewidth=1.4, label=names[1], zorder=3)
            ax.plot(first[:1], second[:1], "ko", markersize=8,
                    label=names[0], zorder=4)  # fmt: skip
            ax.plot(first[-1:], second[-1:], "wo", markeredgecolor="black", markersize=8,
                    label=names[2], zorder=4)  # fmt: skip
        ax.set_xlim(-2.0, 2.0)
        ax.set_ylim(-2.0, 2.0)
        ax.set_aspect("equal")
        ax.legend().remove()  # one for all panels follows
    figure.legend(*figure.axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
