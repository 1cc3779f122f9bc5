"""The perceptron: it moves at each mistake, which is gradient descent on max(0, -z t).

Rosenblatt's perceptron of 1958 has the score z = w·x + b for a point x and the class y = sign(z);
the target t is -1 or 1. The points come one by one, again and again. A point that is on the wrong
side moves the boundary w·x + b = 0:

    w ← w + η x t        b ← b + η t

until a whole pass finds none wrong. The proposition of the lecture: this is gradient descent on
E = max(0, -z t), whose derivatives are ∂E/∂w = -t x and ∂E/∂b = -t where z t < 0, and else 0.
`descend` follows that gradient by the engine, and both write the same numbers. Three remarks:

- It descends the error of *one point* at a time. The gradient of the mean over all points adds up
  all wrong points and divides by their number N; that is a different sequence of updates.
- At z = 0 the sign is neither class. By the rule y ≠ t the point is wrong, yet the slope of
  max(0, -z t) there is 0, as the engine takes it: from w = 0, b = 0 descent never moves.
- max(0, -z t) is not what is commonly called the hinge loss. That is max(0, 1 - z t), which also
  pushes points that are right but near the boundary; see `losses.hinge`.

The convergence theorem: if the classes are linearly separable, the perceptron stops. Write (x, 1)
for x and (w, b) for w, so that z = w·x. Suppose some u of length 1 has t u·x ≥ γ > 0 for all points
(γ is the margin), and all |x| ≤ R. Then from w = 0 it makes at most

    k ≤ (R / γ)²        mistakes, whatever η is, and however often the points come.

Sketch of the proof: let η = 1. A mistake adds t x to w, so u·w grows by t u·x ≥ γ; after k mistakes
u·w ≥ k γ. And |w|² grows by 2 t w·x + |x|² ≤ R², since t w·x ≤ 0 at a mistake; so |w| ≤ √k R. But
u·w ≤ |w|, hence k γ ≤ √k R, which is the bound. If no line separates the classes there is no u, and
the perceptron never stops.

Source: Lecture 2, Error backpropagation: the perceptron, its algorithm, the proposition. The
theorem is Novikoff's of 1962; the lecture states that it converges.
Data: ours, since the lecture's are lost: sets A and B, which a line separates; XOR, which none
separates; and a thousand random sets of 20 points with margins from 0.02 to 0.5.
Look for: XOR goes round in circles, four updates in each pass. Start set A from zeros with
sign0=1 and a single update is enough; with sign0="right" not one is made, and all eight are wrong.
None of the thousand sets exceeds its bound, and most stay far below it.
Conclusion: the perceptron minimises the error of one point at a time, and reaches 0 if a line can.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.classifiers import Course, Perceptron, Update

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "READINGS", "SETS", "STARTS", "BatchGradient", "Bound", "Learnt", "Result", "Start",
    "batch_gradient", "bound", "build", "descend", "figures", "learn", "random_set", "report",
    "run",
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


# --- the convergence theorem ----------------------------------------------------------------


@dataclass(frozen=True)
class Bound:
    """What the theorem says of a set, and what happened: R, γ of a separator u, the mistakes.

    `inner` and `length` are u·w and |w| after each mistake, for η = 1: the proof holds u·w ≥ k γ
    and |w| ≤ √k R against each other.
    """

    radius: float
    margin: float
    inner: list[float]
    length: list[float]

    @property
    def mistakes(self) -> int:
        """How many mistakes the perceptron made until it stopped."""
        return len(self.inner)

    @property
    def most(self) -> float:
        """(R / γ)²."""
        return (self.radius / self.margin) ** 2


def bound(X: Points, T: Sequence[int], u: Sequence[float]) -> Bound:
    """Let a perceptron learn from zeros, and compute the bound that a separator gives.

    Args:
        X: the points.
        T: their targets, -1 or 1.
        u: a separator, the weights and then the bias, of any length.

    Raises:
        ValueError: u does not separate the points.

    >>> X, T = SETS["A"]
    >>> b = bound(X, T, (3.0, 3.0, -1.0))
    >>> b.mistakes, round(b.most, 1)
    (3, 24.9)
    """
    unit = [ui / math.hypot(*u) for ui in u]
    margin = min(t * _dot(unit, [*x, 1.0]) for x, t in zip(X, T, strict=True))
    if margin <= 0.0:
        raise ValueError(f"u must have every point on its correct side, got t u·x = {margin:g}")
    ends = [[*update.w, update.b] for update in Perceptron(2).fit(X, T, epochs=100_000).updates]
    return Bound(
        max(math.hypot(*x, 1.0) for x in X), margin, [_dot(unit, w) for w in ends],
        [math.hypot(*w) for w in ends],
    )  # fmt: skip


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(map(float.__mul__, map(float, a), map(float, b)))


def random_set(seed: int, points: int = 20) -> tuple[Points, list[int], list[float]]:
    """Random points in a square that a random line separates, with a margin; and that line.

    Args:
        seed: which set; it decides the margin, too, from 0.02 to 0.5.
        points: how many.

    Returns:
        The points, their targets, and the line as (w1, w2, b).

    >>> X, T, u = random_set(0)
    >>> len(X), bound(X, T, u).mistakes
    (20, 5)
    """
    draw = random.Random(seed)
    angle, b = draw.uniform(0.0, math.tau), draw.uniform(-0.5, 0.5)
    u = [math.cos(angle), math.sin(angle), b]
    gap = 0.02 * 25.0 ** draw.random() * math.hypot(*u)
    X: Points = []
    while len(X) < points:
        x = [draw.uniform(-1.0, 1.0), draw.uniform(-1.0, 1.0)]
        if abs(_dot(u, [*x, 1.0])) >= gap:
            X.append(x)
    return X, [1 if _dot(u, [*x, 1.0]) > 0.0 else -1 for x in X], u


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes.

    `learnt` is by set, start, and reading of z = 0; `descents` by set and start, by gradients;
    `xor` and `xor_descent` are the set that no line separates, both ways. `bounds` are those of the
    random sets, and `known` those of sets A and B with the separator that the rule has found.
    """

    learnt: dict[tuple[str, str, str | int], Learnt]
    descents: dict[tuple[str, str], Course]
    xor: Learnt
    xor_descent: Course
    batch: BatchGradient
    known: dict[str, Bound]
    bounds: list[Bound]


def run(epochs: int = 100, sets: int = 1000) -> Result:
    """The rule on sets A and B from three starts in three readings, gradients beside it, and XOR.

    Args:
        epochs: how many passes at most.
        sets: how many random sets to hold the theorem against.

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
        {points: bound(*SETS[points], (*p.w, p.b))
         for points in ("A", "B") for p in [learn(points).perceptron]},
        [bound(*random_set(seed)) for seed in range(sets)],
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
        rule = f"the rule if z = 0 counts as {' or '.join(same)}"
        lines.append(f"  {points}    {start:<7} {made}, the same to the last bit as {rule}")
    lines += ["", "  From zeros every z is 0, where the slope is taken as 0: descent stays there."]
    g = result.batch
    lines += ["", "All of set B at once, from the start 'halves': the wrong points", ""]
    lines += ["  point     z       E      ∂E/∂w            ∂E/∂b"]
    for k, (z, E, dw, db) in enumerate(g.per_point):
        if E > 0:
            lines.append(f"  {k}     {z:+.3f}  {E:.3f}  {dw[0]:+.3f} {dw[1]:+.3f}    {db:+.3f}")
    lines.append(
        f"  mean          {g.E:.3f}  {g.dw[0]:+.3f} {g.dw[1]:+.3f}    {g.db:+.3f}    (sum / 9)"
    )
    xor, course = result.xor, result.xor.course
    same_xor = "the same" if course.updates == result.xor_descent.updates else "another course"
    lines += [
        "",
        f"XOR: {len(course.updates)} updates in {course.epochs} passes, "
        f"{'' if course.converged else 'not '}converged, {xor.left} of 4 points not right.",
        f"  Descent by gradients: {len(result.xor_descent.updates)} updates, {same_xor}.",
        "  No line separates it. The last passes repeat the same four boundaries:",
    ]
    for u in course.updates[-4:]:
        lines.append(f"  after point {u.index}: w = ({u.w[0]:+.2f}, {u.w[1]:+.2f}), b = {u.b:+.3f}")
    lines += ["", "The convergence theorem: at most (R / γ)² mistakes from zeros", ""]
    lines += ["  set                 R       γ   (R / γ)²   mistakes"]
    for name, of in result.known.items():
        lines.append(
            f"  {name}              {of.radius:7.3f} {of.margin:7.3f}  {of.most:9.1f}   "
            f"{of.mistakes:8d}"
        )
    bounds = result.bounds
    if bounds:
        shares = sorted(of.mistakes / of.most for of in bounds)
        lines += [
            "",
            f"  {len(bounds):,} random sets of 20 points: "
            f"{sum(of.mistakes > of.most for of in bounds)} above the bound; mistakes from "
            f"{min(of.mistakes for of in bounds)} to {max(of.mistakes for of in bounds)},",
            f"  bounds from {min(of.most for of in bounds):.1f} to "
            f"{max(of.most for of in bounds):,.0f}. The middle set needs "
            f"{shares[len(shares) // 2]:.1%} of its bound, the worst {shares[-1]:.0%}.",
        ]
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
    return {
        "structure": structure, "at_work": _at_work(result), "xor": _xor(result),
        "bound": _bound(result),
    }  # fmt: skip


def _at_work(result: Result) -> Picture:
    """Set B from the start 'halves': a panel for each boundary, and the mean error over updates."""
    from scalargrad import plot

    X, T = SETS["B"]
    start, course = STARTS["halves"], result.learnt["B", "halves", "wrong"].course
    states = [(start.w, start.b), *((u.w, u.b) for u in course.updates)]
    names = [
        "Start",
        *(f"Update {k}: point {u.index} was wrong" for k, u in enumerate(course.updates, 1)),
    ]
    page = plot.figure(
        2, 3, width=12.0, height=8.4,
        alt="Nine numbered points, and the boundary at the start and after each of the four "
        "updates, with its w as an arrow. A ring marks the point that made the update, a dashed "
        "line is the boundary before. The mean error goes up, down, up again, and to 0.",
    )  # fmt: skip
    page.suptitle(
        "Shaded: z > 0, class +1. Arrow: w. Ring: the point that made the update. "
        "Dashed: the boundary before.", fontsize=12,
    )  # fmt: skip
    errors = []
    for k, (ax, (w, b), name) in enumerate(zip(page.axes, states, names, strict=False)):
        p = Perceptron(2, w=w, b=b)
        wrong = p.errors(X, T)
        _panel(
            p,
            "B",
            ((-5, 6), (-4, 6)),
            f"{name}: {wrong} wrong" if k == 0 else f"{name}; {wrong} still wrong",
            ax,
        )
        if k:
            _show_update(ax, X[course.updates[k - 1].index], states[k - 1])
        errors.append(losses.perceptron([p(x) for x in X], T))
    ax = page.axes[len(states)]
    plot.lines(
        {"E": (list(range(len(errors))), errors)}, xlabel="updates", ylabel="mean of max(0, -z t)",
        title="The mean error can rise", markers=True, ax=ax,
    )  # fmt: skip
    ax.set_xticks(range(len(errors)))
    return page


def _xor(result: Result) -> Picture:
    """The last pass: what each of the four points makes of the boundary."""
    from scalargrad import plot

    X, T = SETS["XOR"]
    page = plot.figure(
        2, 2, width=9.0, height=9.4,
        alt="The boundary after each of the four updates of a pass over XOR, with its w as an "
        "arrow: every one leaves two or three of the four points wrong. A ring marks the point "
        "that made the update.",
    )  # fmt: skip
    page.suptitle(
        "XOR: every pass repeats these four updates. Ring: the point that made the update.\n"
        "Shaded: z > 0, class +1. Arrow: w. Dashed: the boundary before.", fontsize=12,
    )  # fmt: skip
    updates = result.xor.course.updates
    for ax, u, before in zip(page.axes, updates[-4:], updates[-5:-1], strict=True):
        p = Perceptron(2, w=u.w, b=u.b)
        wrong = p.errors(X, T)
        _panel(p, "XOR", ((-3, 3), (-3, 3)), f"Point {u.index} was wrong; {wrong} still wrong", ax)
        _show_update(ax, X[u.index], (before.w, before.b))
    return page


def _panel(p: Perceptron, points: str, span: Any, title: str, ax: Any) -> None:
    """One boundary among others, with numbered points and w; the first panel has the legend."""
    from scalargrad import plot
    from scalargrad.plot.style import INK

    X, T = SETS[points]
    plot.decision_boundary(p, X, T, span=span, title=title, ax=ax)
    for line in ax.lines:
        if str(line.get_label()).startswith("target"):  # large enough for a number
            line.set(markersize=15, marker="o" if line.get_marker() == "o" else "s")
    for k, x in enumerate(X):
        ax.annotate(str(k), x, ha="center", va="center_baseline", fontsize=10, zorder=7,
                    color="white", weight="bold")  # fmt: skip
    w, middle = p.w, [sum(side) / 2 for side in span]
    size = math.hypot(*w)
    if size:
        # from the point of the boundary that is nearest to the middle, if the panel has it
        off = (w[0] * middle[0] + w[1] * middle[1] + p.b) / size**2
        foot = [m - off * wi for m, wi in zip(middle, w, strict=True)]
        if all(low < f < high for f, (low, high) in zip(foot, span, strict=True)):
            reach = 0.16 * (span[0][1] - span[0][0]) / size
            tip = [f + reach * wi for f, wi in zip(foot, w, strict=True)]
            ax.annotate(
                "", tip, foot, zorder=6,
                arrowprops={"arrowstyle": "-|>", "linewidth": 2.2, "color": INK, "shrinkA": 0,
                            "shrinkB": 0, "mutation_scale": 16},
            )  # fmt: skip
            ax.annotate(
                "w", tip, xytext=(9 * w[0] / size - 4, 11 * w[1] / size - 4), fontsize=12,
                textcoords="offset points", weight="bold",
            )  # fmt: skip
    if ax is ax.figure.axes[0]:
        ax.legend(loc="lower left", framealpha=0.95, edgecolor="none", labelspacing=0.8)
    else:
        ax.get_legend().remove()


def _show_update(ax: Any, x: Sequence[float], before: tuple[Sequence[float], float]) -> None:
    """Ring the point that made the update, and draw the boundary that it found."""
    from scalargrad.plot.style import INK

    ax.plot(*x, "o", markersize=23, markerfacecolor="none", markeredgecolor=INK,
            markeredgewidth=2.0, zorder=6)  # fmt: skip
    w, b = before
    if w[0] or w[1]:
        size = w[0] ** 2 + w[1] ** 2
        foot = (-b * w[0] / size, -b * w[1] / size)
        ax.axline(
            foot, (foot[0] - w[1], foot[1] + w[0]), color=INK, linewidth=1.2, linestyle=(0, (5, 3))
        )


def _bound(result: Result) -> Picture:
    """The proof on the set with the most mistakes, and mistakes against bounds on all of them."""
    from scalargrad import plot
    from scalargrad.plot.style import COLOURS, INK

    most = max(result.bounds, key=lambda of: of.mistakes)
    ks = [0, *range(1, most.mistakes + 1)]
    page = plot.figure(
        1, 2, width=12.0, height=5.2,
        alt=f"Left: on the random set with the most mistakes, {most.mistakes}, the curves k γ, "
        "u·w, |w| and √k R lie one above the other in this order; the first is straight and would "
        "cross the last. Right: mistakes against the bound (R / γ)² of all random sets on "
        "logarithmic axes; all points are below the diagonal.",
    )  # fmt: skip
    left, right = page.axes
    plot.lines(
        {
            "√k R, at least |w|": (ks, [math.sqrt(k) * most.radius for k in ks]),
            "|w|": (ks, [0.0, *most.length]),
            "u·w": (ks, [0.0, *most.inner]),
            "k γ, at most u·w": (ks, [k * most.margin for k in ks]),
        },
        xlabel="mistakes k", ylabel="length", ax=left,
        title="The proof at work: k γ ≤ u·w ≤ |w| ≤ √k R",
    )  # fmt: skip
    right.set_xscale("log")
    right.set_yscale("log")
    xs, ys = [of.most for of in result.bounds], [of.mistakes for of in result.bounds]
    right.plot(
        xs, ys, "o", markersize=3.5, color=COLOURS[0], alpha=0.55, label="a random set", zorder=3
    )
    ends = [1.0, 1.5 * max(xs)]
    right.plot(ends, ends, color=INK, linewidth=2.0, label="mistakes = (R / γ)²")
    right.set_xlabel("bound (R / γ)²")
    right.set_ylabel("mistakes")
    right.set_ylim(0.8, ends[1])
    right.grid(True, color="#e6e6e6", linewidth=0.6)
    right.legend(loc="upper left")
    right.set_title(f"{len(xs):,} separable sets: none above its bound", fontsize=11)
    return page
