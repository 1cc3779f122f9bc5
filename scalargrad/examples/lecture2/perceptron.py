"""The perceptron: it moves at each mistake, which is gradient descent on max(0, -z t).

A point x has the score z = w·x + b and the class y = sign(z); the target t is -1 or 1. The points
come one by one, again and again. One that is wrong moves the boundary:

    w ← w + η x t        b ← b + η t

until a whole pass finds none wrong. The proposition of the lecture: this descends the gradient of
E = max(0, -z t), for where z t < 0 that has ∂E/∂w = -t x and ∂E/∂b = -t, else 0. `descend` follows
that gradient by the engine, and the two write the same numbers. Three things to mind:

- It descends the error of *one point* at a time. The gradient of the mean over all points moves
  otherwise: it adds up all wrong points, and divides by their number N.
- At z = 0 the sign is neither class. By the rule y ≠ t the point is wrong, yet the slope of
  max(0, -z t) there is 0, as the engine takes it: from w = 0, b = 0 descent never moves.
- max(0, -z t) is not what is commonly called the hinge loss. That is max(0, 1 - z t), which still
  pushes points that are right but near the boundary; see `losses.hinge`.

Source: Lecture 2, Error backpropagation: the perceptron, its algorithm, the proposition.
Data: ours, since the lecture's are lost: sets A and B, which a line separates, and XOR, which none
separates.
Look for: XOR goes round in circles, four updates in each pass. Start set A from zeros with
sign0=1 and a single update is enough; with sign0="right" not one is made, and all eight are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.classifiers import Course, Perceptron, Update

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "READINGS", "SETS", "STARTS", "BatchGradient", "Learnt", "Result", "Start", "batch_gradient",
    "build", "descend", "figures", "learn", "report", "run",
]  # fmt: skip

Points = list[list[float]]

SETS: dict[str, tuple[Points, list[int]]] = {
    "A": (
        [[2, 1], [1, 3], [3, 3], [4, 2], [-1, -1], [0, -2], [-2, 1], [1, -3]],
        [1, 1, 1, 1, -1, -1, -1, -1],
    ),
    "B": (
        [[1, 2], [3, 1], [2, -1], [4, 4], [1, -2], [-1, 1], [0, 0], [-3, 2], [0.5, -0.5]],
        [1, 1, 1, 1, -1, -1, -1, -1, -1],
    ),
    "XOR": ([[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]),
}


@dataclass(frozen=True)
class Start:
    """Where learning starts, and its rate η."""

    w: tuple[float, float]
    b: float
    eta: float


STARTS = {
    "zeros": Start((0.0, 0.0), 0.0, 1.0),
    "halves": Start((0.5, -0.25), 0.125, 0.5),
    "tenths": Start((-0.3, 0.7), 0.11, 0.1),
}
READINGS: tuple[str | int, ...] = ("wrong", 1, "right")  # what z = 0 counts as


# --- the rule, and the gradient -------------------------------------------------------------


@dataclass(frozen=True)
class Learnt:
    """What came of a course: the perceptron as it is then, and how many points are not right."""

    course: Course
    perceptron: Perceptron
    left: int


def learn(
    points: str = "A", start: str = "zeros", sign0: str | int = "wrong", epochs: int = 100
) -> Learnt:
    """Teach a perceptron one of the sets by its rule.

    Args:
        points: a name in `SETS`.
        start: a name in `STARTS`.
        sign0: what z = 0 counts as; see `Perceptron`.
        epochs: how many passes at most.

    Returns:
        The course, the perceptron, and for how many points z t is not above 0.

    >>> [update.index for update in learn("B").course.updates]
    [0, 5, 6]
    """
    X, T = SETS[points]
    s = STARTS[start]
    p = Perceptron(2, s.eta, s.w, s.b, sign0=sign0)
    course = p.fit(X, T, epochs)
    return Learnt(course, p, sum(p(x) * t <= 0 for x, t in zip(X, T, strict=True)))


def build(w: Sequence[Value], b: Value, x: Sequence[float], t: float) -> Any:
    """The error of one point, max(0, -z t) with z = w·x + b; this is all the engine is told.

    Args:
        w: the weights.
        b: the bias.
        x: the point.
        t: its target, -1 or 1.

    >>> w, b = [Value(0.5), Value(-0.25)], Value(0.125)
    >>> E = build(w, b, [1.0, -2.0], -1.0)
    >>> E.backward()
    >>> E.data, [wi.grad for wi in w], b.grad
    (1.125, [1.0, -2.0], 1.0)
    """
    z = sg.dot(w, x, bias=b)
    z.label = "z"
    return losses.perceptron(z, t)


def descend(points: str = "A", start: str = "zeros", epochs: int = 100) -> Course:
    """Descend the gradient of each point's error in turn, until a pass finds every gradient 0.

    Args:
        points: a name in `SETS`.
        start: a name in `STARTS`; its η is the learning rate.
        epochs: how many passes at most.

    >>> descend("A", "tenths") == learn("A", "tenths").course
    True
    """
    X, T = SETS[points]
    s = STARTS[start]
    w, b = [Value(wi, f"w{i}") for i, wi in enumerate(s.w, 1)], Value(s.b, "b")
    optimizer = optim.SGD([*w, b], lr=s.eta)
    updates: list[Update] = []
    for epoch in range(epochs):
        before = len(updates)
        for index, (x, t) in enumerate(zip(X, T, strict=True)):
            optimizer.zero_grad()
            build(w, b, x, t).backward()
            if any(p.grad for p in optimizer.parameters):
                optimizer.step()
                updates.append(Update(index, tuple(wi.data for wi in w), b.data))
        if len(updates) == before:
            return Course(updates, epoch + 1, True)
    return Course(updates, epochs, False)


@dataclass(frozen=True)
class BatchGradient:
    """The gradient of the mean error, and of each point's: (z, E, ∂E/∂w, ∂E/∂b) for each point."""

    per_point: list[tuple[float, float, list[float], float]]
    E: float
    dw: list[float]
    db: float


def batch_gradient(points: str = "B", start: str = "halves") -> BatchGradient:
    """The errors of all points and of their mean, with gradients, at a start.

    Args:
        points: a name in `SETS`.
        start: a name in `STARTS`.

    >>> g = batch_gradient()
    >>> round(g.db, 6), sum(db for _, _, _, db in g.per_point)
    (0.333333, 3.0)
    """
    X, T = SETS[points]
    s = STARTS[start]
    w, b = [Value(wi) for wi in s.w], Value(s.b)
    per_point = []
    for x, t in zip(X, T, strict=True):
        b.grad, w[0].grad, w[1].grad = 0.0, 0.0, 0.0
        z = sg.dot(w, x, bias=b)
        E = losses.perceptron(z, t)
        E.backward()
        per_point.append((z.data, E.data, [wi.grad for wi in w], b.grad))
    b.grad, w[0].grad, w[1].grad = 0.0, 0.0, 0.0
    mean = losses.perceptron([sg.dot(w, x, bias=b) for x in X], T)
    mean.backward()
    return BatchGradient(per_point, mean.data, [wi.grad for wi in w], b.grad)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes.

    `learnt` is by set, start, and reading of z = 0; `descents` by set and start, by gradients;
    `xor` and `xor_descent` are the set that no line separates, both ways.
    """

    learnt: dict[tuple[str, str, str | int], Learnt]
    descents: dict[tuple[str, str], Course]
    xor: Learnt
    xor_descent: Course
    batch: BatchGradient


def run(epochs: int = 100) -> Result:
    """The rule on sets A and B from three starts in three readings, gradients beside it, and XOR.

    Args:
        epochs: how many passes at most.

    >>> result = run()
    >>> len(result.xor.course.updates), result.xor.course.converged
    (396, False)
    """
    names = [(points, start) for points in ("A", "B") for start in STARTS]
    return Result(
        {(*name, reading): learn(*name, reading, epochs) for name in names for reading in READINGS},
        {name: descend(*name, epochs) for name in names},
        learn("XOR", "halves", "wrong", epochs), descend("XOR", "halves", epochs),
        batch_gradient(),
    )  # fmt: skip


def report(result: Result) -> str:
    """Where each course leads, whether descent takes the same one, and what becomes of XOR."""
    lines = ["The rule, by set, start, and what z = 0 counts as", ""]
    lines += ["  set  start   z = 0 is  updates  at points       w              b       not right"]
    for (points, start, reading), learnt in result.learnt.items():
        p, order = learnt.perceptron, " ".join(str(u.index) for u in learnt.course.updates)
        sign = f"{reading:+d}" if isinstance(reading, int) else reading
        lines.append(
            f"  {points}    {start:<7} {sign:<8}  {len(learnt.course.updates):<7}  {order:<14}"
            f"{p.w[0]:6.2f} {p.w[1]:6.2f}  {p.b:7.3f}  {learnt.left:5d}"
        )
    lines += ["", "Gradient descent on max(0, -z t), one point at a time, and the rule", ""]
    for (points, start), course in result.descents.items():
        same = [
            str(reading)
            for reading in READINGS
            if result.learnt[points, start, reading].course == course
        ]
        made = "1 update" if len(course.updates) == 1 else f"{len(course.updates)} updates"
        told = f"{made}, to the last bit those of z = 0 is {', '.join(same)}"
        lines.append(f"  {points}    {start:<7} {told}")
    lines += ["", "  From zeros every z is 0, where the slope is taken as 0: descent stays there."]
    g = result.batch
    lines += ["", "All of set B at once, from the start 'halves': the wrong points", ""]
    lines += ["  point     z       E      ∂E/∂w            ∂E/∂b"]
    for k, (z, E, dw, db) in enumerate(g.per_point):
        if E > 0:
            lines.append(f"  {k}     {z:+.3f}  {E:.3f}  {dw[0]:+.3f} {dw[1]:+.3f}    {db:+.3f}")
    lines.append(
        f"  mean          {g.E:.3f}  {g.dw[0]:+.3f} {g.dw[1]:+.3f}    {g.db:+.3f}    (sum by 9)"
    )
    xor, course = result.xor, result.xor.course
    same_xor = "the same" if course.updates == result.xor_descent.updates else "another course"
    lines += [
        "",
        f"XOR: {len(course.updates)} updates in {course.epochs} passes, "
        f"{'at rest' if course.converged else 'not at rest'}, {xor.left} of 4 points not right.",
        f"  Descent by gradients: {len(result.xor_descent.updates)} updates, {same_xor}.",
        "  No line separates it. The last passes repeat the same four boundaries:",
    ]
    for u in course.updates[-4:]:
        lines.append(f"  after point {u.index}: w = ({u.w[0]:+.2f}, {u.w[1]:+.2f}), b = {u.b:+.3f}")
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """How it is built, the boundary after each update on set B, and the four it has on XOR."""
    from scalargrad import plot

    structure = plot.diagram(
        {"x1": (0, 2), "x2": (0, 1), "1": (0, 0), "z": (1.6, 1), "y": (3, 1)},
        [("x1", "z"), ("x2", "z"), ("1", "z"), ("z", "y")],
        notes={"z": "w·x + b", "y": "sign(z)", "1": "always 1"},
        edge_labels={("x1", "z"): "w1", ("x2", "z"): "w2", ("1", "z"): "b"},
        title="The perceptron",
        alt="Inputs x1, x2 and a constant 1 go by weights w1, w2, b into z, whose sign is y",
    )
    return {"structure": structure, "at_work": _at_work(result), "xor": _xor(result)}


def _at_work(result: Result) -> Picture:
    """Set B from the start 'halves': a panel for each boundary, and the mean error over updates."""
    from scalargrad import plot

    X, T = SETS["B"]
    start, course = STARTS["halves"], result.learnt["B", "halves", "wrong"].course
    states = [(start.w, start.b), *((u.w, u.b) for u in course.updates)]
    names = ["At the start", *(f"{k}: point {u.index}" for k, u in enumerate(course.updates, 1))]
    page = plot.figure(
        2, 3, width=9.6, height=6.4,
        alt="The boundary at the start and after each of the four updates, and the mean error "
        "meanwhile, which goes up, down, up again, and to 0",
    )  # fmt: skip
    errors = []
    for ax, (w, b), name in zip(page.axes, states, names, strict=False):
        p = Perceptron(2, w=w, b=b)
        _panel(p, "B", None, name, ax)
        errors.append(losses.perceptron([p(x) for x in X], T))
    plot.lines(
        {"E": (list(range(len(errors))), errors)}, xlabel="updates", ylabel="mean of max(0, -z t)",
        title="The mean error", markers=True, ax=page.axes[len(states)],
    )  # fmt: skip
    return page


def _xor(result: Result) -> Picture:
    """The last pass: what each of the four points makes of the boundary."""
    from scalargrad import plot

    X, T = SETS["XOR"]
    page = plot.figure(
        2, 2, width=7.2, height=7.2,
        alt="The boundary after each of the four updates of a pass over XOR: every one leaves two "
        "or three of the four points wrong",
    )  # fmt: skip
    for ax, u in zip(page.axes, result.xor.course.updates[-4:], strict=False):
        p = Perceptron(2, w=u.w, b=u.b)
        title = f"After point {u.index}: {p.errors(X, T)} wrong"
        _panel(p, "XOR", ((-1, 2), (-1, 2)), title, ax)
    return page


def _panel(p: Perceptron, points: str, span: Any, title: str, ax: Any) -> None:
    """One boundary among others; the first panel has the legend for all."""
    from scalargrad import plot

    plot.decision_boundary(p, *SETS[points], span=span, title=title, ax=ax)
    if ax is not ax.figure.axes[0]:
        ax.get_legend().remove()
