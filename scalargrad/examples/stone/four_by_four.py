"""Four inputs, four outputs: one linear network is four networks that share their inputs.

Each output has its own four weights, and no other output uses them:

    y_k = w_k1 x_1 + ... + w_k4 x_4        E = 1/2 Σ_t Σ_k (y_kt - τ_kt)²

So ∂E/∂w_ki = Σ_t δ_kt x_it contains nothing of the other outputs. To train the sixteen weights
together is to train four networks of four weights, one after the other: the weights are the same to
the last bit. (A hidden layer would end that, because its weights serve all outputs.)

The update changes each row of weights only along the inputs that are shown. In a direction at right
angles to all inputs the weights keep their starting values. With the inputs as columns of X, the
targets as columns of T and the pseudo-inverse X⁺, descent ends at

    W = W0 + (T - W0 X) X⁺.

Source: Stone, the network with four inputs and four outputs, before "Learning photographs".

Data: ours, since the lecture gives none. Four pixels in a ring show a bar of two; the network
should move it one to the right. It is shown three of the four bars.

Look for: the network generalises to the fourth bar. That bar is the first minus the second plus the
third, and a linear network keeps such sums. On the picture + - + -, which is at right angles to all
bars, it answers what it answered before it learnt. Set the rate from 0.4 to 0.6, beyond 2/(2 + √2)
= 0.586: the error grows without end.

Conclusion: without hidden units a network with many outputs is many networks with one output, and
each learns only in the directions of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "TARGETS", "UNSEEN", "UNTOUCHED", "W0", "Course", "FourByFour", "X", "build", "error",
    "figures", "gradient_by_hand", "report", "run", "separately", "together",
]  # fmt: skip

Matrix = Sequence[Sequence[Any]]

X = ((1.0, 1.0, 0.0, 0.0), (0.0, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0))  # a row each association
TARGETS = ((0.0, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 1.0))
UNSEEN = (1.0, 0.0, 0.0, 1.0)  # the fourth bar; it goes on at the other end
UNTOUCHED = (1.0, -1.0, 1.0, -1.0)  # at right angles to all bars
W0 = (
    (0.1, -0.2, 0.3, 0.0), (-0.3, 0.2, 0.1, 0.2), (0.0, 0.1, -0.1, 0.4), (0.2, 0.3, -0.2, -0.1),
)  # fmt: skip

# --- the network ----------------------------------------------------------------------------


def build(W: Matrix, x: Sequence[float]) -> list[Any]:
    """The outputs, a dot product for each row of weights.

    Args:
        W: a row for each output, as long as x; numbers or Values.
        x: the inputs.

    >>> build(W0, X[0])[0]
    -0.1
    """
    return [sg.dot(row, x) for row in W]


def error(W: Matrix, inputs: Matrix = X, targets: Matrix = TARGETS) -> Any:
    """E = 1/2 Σ_t Σ_k (y_kt - τ_kt)².

    >>> round(error(W0), 6)
    3.275
    """
    return losses.squared_error([build(W, x) for x in inputs], targets)


def gradient_by_hand(W: Matrix, inputs: Matrix = X, targets: Matrix = TARGETS) -> list[list[float]]:
    """∂E/∂w_ki = Σ_t δ_kt x_it in plain floats: a row for each output.

    >>> [round(g, 6) for g in gradient_by_hand(W0)[1]]
    [-1.1, -0.8, 0.6, 0.3]
    """
    gradient = []
    for k, row in enumerate(W):
        delta = [
            sum(w * xi for w, xi in zip(row, x, strict=True)) - target[k]
            for x, target in zip(inputs, targets, strict=True)
        ]
        gradient.append(
            [sum(d * x[i] for d, x in zip(delta, inputs, strict=True)) for i in range(len(row))]
        )
    return gradient


# --- learning -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """A training: W and E before each update and after the last."""

    weights: list[list[list[float]]]
    errors: list[float]


def together(
    lr: float = 0.4, updates: int = 200, W: Matrix = W0, targets: Matrix = TARGETS
) -> Course:
    """Descend with all rows of W at once.

    Args:
        lr: ε.
        updates: how many passes through the associations, with one update each.
        W: the weights at the start, a row for each output.
        targets: a row for each association, with a number for each output.

    >>> round(together(updates=1).errors[1], 6)
    0.459
    """
    rows = [[Value(w, f"w{k}{i}") for i, w in enumerate(row, 1)] for k, row in enumerate(W, 1)]
    optimizer = optim.SGD([w for row in rows for w in row], lr=lr)
    weights, errors = [], []
    for _ in range(updates):
        optimizer.zero_grad()
        E = error(rows, X, targets)
        E.backward()
        weights.append([[w.data for w in row] for row in rows])
        errors.append(E.data)
        optimizer.step()
    weights.append([[w.data for w in row] for row in rows])
    errors.append(float(error(weights[-1], X, targets)))
    return Course(weights, errors)


def separately(lr: float = 0.4, updates: int = 200, W: Matrix = W0) -> list[Course]:
    """Descend with four networks of one output, one after the other; a course for each.

    >>> [len(course.weights[0]) for course in separately(updates=1)]
    [1, 1, 1, 1]
    """
    return [
        together(lr, updates, [row], [[target[k]] for target in TARGETS]) for k, row in enumerate(W)
    ]


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class FourByFour:
    """What `run` computes: the gradient at the start, and the two trainings.

    `answers` has the outputs after learning: to the three bars, to `UNSEEN`, to `UNTOUCHED`;
    `before` has those of the starting weights.
    """

    gradient: list[list[float]]
    by_hand: list[list[float]]
    course: Course
    courses: list[Course]
    before: list[list[float]]
    answers: list[list[float]]

    @property
    def apart(self) -> float:
        """The largest difference between a weight of the one network and of the four."""
        return max(
            abs(w - v)
            for step, W in enumerate(self.course.weights)
            for row, course in zip(W, self.courses, strict=True)
            for w, v in zip(row, course.weights[step][0], strict=True)
        )


def run(lr: float = 0.4, updates: int = 200) -> FourByFour:
    """Train the one network and the four, and ask the one what it has learnt.

    Args:
        lr: ε.
        updates: how many passes through the associations.

    >>> run(updates=5).apart
    0.0
    """
    course = together(lr, updates)
    questions = [*X, UNSEEN, UNTOUCHED]
    return FourByFour(
        sg.grad(error)([list(row) for row in W0]), gradient_by_hand(W0), course,
        separately(lr, updates), [build(W0, x) for x in questions],
        [build(course.weights[-1], x) for x in questions],
    )  # fmt: skip


def report(result: FourByFour) -> str:
    """The gradients, the trainings side by side, and the answers."""
    lines = ["The gradient ∂E/∂w_ki at the start, a row for each output k", ""]
    lines += [f"  output  {'by the engine':<34}by hand, Σ δ x"]
    for k, (row, hand) in enumerate(zip(result.gradient, result.by_hand, strict=True), 1):
        lines.append(f"  {k:>6}  {_row(row)}   {_row(hand)}")
    lines += ["", "The error E of the one network, and of the four networks with one output", ""]
    lines += ["  updates  one network   sum of the four  first      second     third      fourth"]
    for k in (0, 1, 2, 3, 4, 5, 10, 50, 200):
        if k < len(result.course.errors):
            four = [course.errors[k] for course in result.courses]
            parts = "  ".join(f"{E:<9.3g}" for E in four)
            whole = f"{result.course.errors[k]:<12.6g}  {sum(four):<15.6g}"
            lines.append(f"  {k:>7}  {whole}  {parts}".rstrip())
    lines += [
        "",
        f"  Largest difference between a weight of the one and of the four: {result.apart:g}",
    ]
    lines += ["", "The answers", ""]
    lines += [f"  {'':<19} {'input':<13} {'output before':<25} output after learning"]
    names = ["bar 1", "bar 2", "bar 3", "bar 4, not shown", "+ - + -, not shown"]
    questions = [*X, UNSEEN, UNTOUCHED]
    for name, x, old, new in zip(names, questions, result.before, result.answers, strict=True):
        shown = " ".join(f"{xi:+.0f}" for xi in x)
        lines.append(f"  {name:<19} {shown}   {_row(old, 2)}   {_row(new, 2)}")
    return "\n".join(lines)


def _row(numbers: Sequence[float], digits: int = 4) -> str:
    # a rounded -0.0 looks like a mistake
    return " ".join(f"{round(number, digits) + 0.0:+.{digits}f}" for number in numbers)


def figures(result: FourByFour) -> dict[str, Picture]:
    """The one network with the weights of an output marked, the four, the error, the answers."""
    from scalargrad import plot

    inputs = {(0, i): f"x{i + 1}" for i in range(4)}
    mine: set[Any] = {((0, i), (1, 0)) for i in range(4)} | {(1, 0)}
    one = plot.network(
        [4, 4], names=inputs | {(1, k): f"y{k + 1}" for k in range(4)}, highlight=mine,
        title="One network with four outputs: y1 and its four weights",
        alt="Four inputs, each joined with each of four outputs by sixteen weights; the four "
        "weights that lead to the first output are marked.",
    )  # fmt: skip
    four = plot.figure(
        1, 4, width=11.0, height=4.4,
        alt="Four networks, each with the same four inputs and one of the four outputs. The width "
        "of a line is the size of the weight that was learnt, dashed where it is negative.",
    )  # fmt: skip
    for k, (ax, course) in enumerate(zip(four.axes, result.courses, strict=True)):
        plot.network(
            [4, 1], names=inputs | {(1, 0): f"y{k + 1}"}, ax=ax,
            title=f"Network {k + 1}: output y{k + 1}",
            edge_values={((0, i), (1, 0)): w for i, w in enumerate(course.weights[-1][0])},
        )  # fmt: skip
    errors = {"all outputs": result.course.errors[:41]}
    errors |= {f"output {k}": course.errors[:41] for k, course in enumerate(result.courses, 1)}
    curves = plot.lines(
        errors, xlabel="update", ylabel="E", yscale="log",
        title="The error of the whole is the sum of the parts",
        alt="Five falling lines: the error of the whole network, and below it the errors of the "
        "four outputs, of which it is the sum.",
    )  # fmt: skip
    titles = ["bar 1", "bar 2", "bar 3", "bar 4, not shown"]
    questions = [*X, UNSEEN]
    answers = plot.images(
        [*([[list(x)] for x in questions]), *([[y] for y in result.answers[:4]])],
        [*(f"{title}\nin" for title in titles), *["out"] * 4], columns=4,
        title="Moved one to the right, also the bar that was not shown",
        alt="Four bars of two white pixels out of four, and below each the network's answer: the "
        "bar moved one to the right, for the three bars it has seen and for the fourth.",
    )  # fmt: skip
    return {"one_network": one, "four_networks": four, "errors": curves, "answers": answers}
