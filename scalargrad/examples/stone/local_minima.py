"""Local minima: gradient descent only heads downhill, so the start decides where it ends.

On a parabola heading downhill is enough, because there is a single minimum. With a sigmoid the
error is not convex: there may be several minima, and a ball that rolls downhill ends in the one
whose valley it started in. The lowest minimum is the global one; all others are local minima. The
smallest example has one unit, one weight and two associations:

    y = σ(w x)      E(w) = 1/2 (σ(10 w) - 0.1)² + 1/2 (σ(w) - 0.9)²

The first association alone would set w to -0.220, the second alone to 2.197. No weight suits both.
There is a minimum near each, a deep one and a shallow one, with a barrier in between.

With two weights, give the unit a second input that asks for the same: (10, 0) and (0, 10) → 0.1,
(1, 0) and (0, 1) → 0.9. Then E(w1, w2) = E(w1) + E(w2), and each pair of stationary points of E(w)
is a stationary point of the surface: 4 minima, 1 maximum, and 4 saddles, which go up in one
direction and down in another. A stationary point is a place where the gradient is zero.

In this example the shallow valley is so shallow that it hardly shows in a picture. The surface and
the section are therefore of another error with two valleys: (10, 0) → 0.1 once, (1, 0) → 0.8 four
times, and (0, 1) → 0.5 four times. The section is the cut through that surface at w2 = 0.

Source: Stone, "How it fails", figures 4 and 5. The lecture shows pictures without a formula.

Data: ours. One weight: 10 → 0.1 and 1 → 0.9; the second input and the two valleys of the pictures
are ours too.

Look for: balls from 0.4 and 0.6, which start next to each other, end at -0.155 (the global minimum)
and at 2.197 (a local one). The deep valley is narrow: its curvature is 2.85, so it holds a ball
only at rates below 2/2.85 = 0.70. With `run(lr=1.0)` balls that start there jump from side to side
for ever, while the shallow valley still holds its own.

Conclusion: descent finds the bottom of the valley in which it starts, and nothing in the gradient
says whether that is the global minimum or a local one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples.matrices import solution

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "RATE", "SECTION_STARTS", "STARTS", "STARTS2", "VALLEYS", "VALLEY_RATE", "VALLEY_STARTS",
    "WISHES", "Ball", "LocalMinima", "StationaryPoint", "associations", "build", "error",
    "figures", "report", "roll", "run", "stationary_points",
]  # fmt: skip

WISHES = [(10.0, 0.1), (1.0, 0.9)]  # input and target
# for the pictures: an error with two valleys that are easily seen; in w2 it is a simple valley
VALLEYS = [([10.0, 0.0], 0.1), *[([1.0, 0.0], 0.8)] * 4, *[([0.0, 1.0], 0.5)] * 4]
RATE = 0.5
STARTS = (-1.0, 0.4, 0.6, 4.0)
STARTS2 = ((0.4, 0.3), (0.6, 0.3), (0.3, 0.6), (0.6, 0.7))
VALLEY_STARTS = ((0.2, 1.3), (0.5, 1.3))  # on both sides of the ridge at w1 = 0.373
SECTION_STARTS = ((-0.7, 0.0), (0.25, 0.0), (0.5, 0.0), (3.4, 0.0))
VALLEY_RATE = 0.15

Associations = Sequence[tuple[Sequence[float], float]]  # inputs and target

# --- the unit -------------------------------------------------------------------------------


def associations(count: int) -> list[tuple[list[float], float]]:
    """The associations for `count` inputs: each input asks for the same, while the others are 0.

    Args:
        count: how many inputs and weights, at least 1.

    >>> associations(1)
    [([10.0], 0.1), ([1.0], 0.9)]
    >>> associations(2)[2]
    ([0.0, 10.0], 0.1)
    """
    return [
        ([x if i == j else 0.0 for j in range(count)], target)
        for i in range(count)
        for x, target in WISHES
    ]


def build(w: Sequence[Any], x: Sequence[Any]) -> Any:
    """The sigmoid unit: y = σ(w · x).

    Args:
        w: the weights, numbers or Values.
        x: as many inputs.

    >>> build([0.0], [10.0])
    0.5
    """
    return sg.sigmoid(sg.dot(w, x))


def error(w: Sequence[Any], told: Associations | None = None) -> Any:
    """E = 1/2 Σ (y_t - τ_t)².

    Args:
        w: the weights, numbers or Values.
        told: the associations, with as many inputs as weights; by default `associations(len(w))`.

    >>> round(error([2.19722]), 6), round(error([2.19722, 2.19722]), 6)
    (0.405, 0.81)
    """
    told = associations(len(w)) if told is None else told
    return losses.squared_error([build(w, x) for x, _ in told], [target for _, target in told])


# --- stationary points ------------------------------------------------------------------------


@dataclass(frozen=True)
class StationaryPoint:
    """A place where the gradient is zero: the weights, E there, and how the surface bends.

    `curvatures` are the eigenvalues of the matrix of second derivatives, smallest first.
    """

    w: tuple[float, ...]
    E: float
    curvatures: tuple[float, ...]

    @property
    def kind(self) -> str:
        """minimum: up in all directions; maximum: down in all; saddle: up in one, down in another.

        >>> StationaryPoint((0.0, 0.0), 1.0, (-2.0, 3.0)).kind
        'saddle'
        """
        if self.curvatures[0] > 0.0:
            return "minimum"
        return "maximum" if self.curvatures[-1] < 0.0 else "saddle"


def stationary_points(
    count: int, span: tuple[float, float] = (-1.0, 4.0), per_side: int = 12,
    told: Associations | None = None,
) -> list[StationaryPoint]:  # fmt: skip
    """All places of the span where the gradient of `error` is zero, found by Newton's method.

    From each point of a grid: w ← w - H⁻¹ g, with the gradient g and the second derivatives H.
    Newton's method goes uphill as well as downhill, to any stationary point, as wanted here.

    Args:
        count: how many weights, 1 or 2.
        span: where to look, in each weight.
        per_side: how many starts along each side of the grid.
        told: the associations, as in `error`.

    Raises:
        ValueError: `count` is neither 1 nor 2.

    >>> [point.kind for point in stationary_points(1)]
    ['minimum', 'maximum', 'minimum']
    """
    if count not in (1, 2):
        raise ValueError(f"stationary_points: count is 1 or 2 weights, got {count!r}")
    low, high = span
    side = [low + (high - low) * k / (per_side - 1) for k in range(per_side)]

    def of_these(w: Sequence[Any]) -> Any:
        return error(w, told)

    slope, curvature = sg.grad(of_these), sg.hessian(of_these)
    found: list[StationaryPoint] = []
    for start in [[a] for a in side] if count == 1 else [[a, b] for a in side for b in side]:
        w = start
        for _ in range(30):
            g, H = slope(w), curvature(w)
            step = solution(H, g)
            w = [wi - si for wi, si in zip(w, step, strict=True)]
            if not all(low <= wi <= high for wi in w) or hypot(*step) < 1e-12:
                break
        inside = all(low <= wi <= high for wi in w)
        new = all(hypot(*(a - b for a, b in zip(w, p.w, strict=True))) > 1e-6 for p in found)
        if inside and new and hypot(*slope(w)) < 1e-10:
            found.append(StationaryPoint(tuple(w), of_these(w), _eigenvalues(curvature(w))))
    return sorted(found, key=lambda point: [round(wi, 6) for wi in point.w])


def _eigenvalues(H: list[list[float]]) -> tuple[float, ...]:
    if len(H) == 1:
        return (H[0][0],)
    (a, b), (c, d) = H
    middle, reach = (a + d) / 2.0, sqrt(((a - d) / 2.0) ** 2 + b * c)
    return (middle - reach, middle + reach)


# --- balls ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ball:
    """A descent: the weights before each update and after the last, and E at each of these."""

    path: list[tuple[float, ...]]
    errors: list[float]

    def thinned(self, apart: float = 0.05) -> list[tuple[float, ...]]:
        """The start, the end, and of the places between those that are so far apart.

        >>> Ball([(0.0,), (0.01,), (0.2,), (0.21,)], []).thinned()
        [(0.0,), (0.2,), (0.21,)]
        """
        kept = [self.path[0]]
        for w in self.path:
            if hypot(*(a - b for a, b in zip(w, kept[-1], strict=True))) >= apart:
                kept.append(w)
        return kept if kept[-1] == self.path[-1] else [*kept, self.path[-1]]


def roll(
    start: Sequence[float], lr: float = RATE, tolerance: float = 1e-6, limit: int = 5000,
    told: Associations | None = None,
) -> Ball:  # fmt: skip
    """Gradient descent on `error` from `start` until the gradient is about zero.

    Args:
        start: the weights to begin with.
        lr: the ε of Δw = -ε ∂E/∂w.
        tolerance: below which length the gradient counts as zero.
        limit: after how many updates to give up.
        told: the associations, as in `error`.

    >>> round(roll([0.4]).path[-1][0], 3), round(roll([0.6]).path[-1][0], 3)
    (-0.155, 2.197)
    """
    w = [Value(number) for number in start]
    optimizer = optim.SGD(w, lr=lr)
    told = associations(len(w)) if told is None else told
    X, targets = [x for x, _ in told], [target for _, target in told]
    replay = sg.compile(
        lambda x, t: losses.squared_error(build(w, x), t), params=w, reduction="sum"
    )  # recorded once: some thousand updates follow
    path, errors = [tuple(start)], list[float]()
    for _ in range(limit):
        optimizer.zero_grad()
        errors.append(replay.backward(X, targets))
        if hypot(*(p.grad for p in w)) < tolerance:
            return Ball(path, errors)
        optimizer.step()
        path.append(tuple(p.data for p in w))
    errors.append(error([p.data for p in w], told))
    return Ball(path, errors)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class LocalMinima:
    """What `run` computes: the stationary points for one and for two weights, and balls on both.

    `valleys` and `valley_balls` are those of `VALLEYS`, the error of the pictures.
    """

    points: list[StationaryPoint]
    points2: list[StationaryPoint]
    balls: dict[tuple[float, ...], Ball]
    balls2: dict[tuple[float, ...], Ball]
    valleys: list[StationaryPoint]
    valley_balls: dict[tuple[float, ...], Ball]


def run(lr: float = RATE) -> LocalMinima:
    """Find all stationary points, and let balls roll.

    Args:
        lr: of the descents on the errors of the tables; those of the pictures are at `VALLEY_RATE`.

    >>> result = run()
    >>> len(result.points), len(result.points2), len(result.valleys)
    (3, 9, 3)
    """
    return LocalMinima(
        stationary_points(1), stationary_points(2),
        {(w,): roll([w], lr) for w in STARTS}, {w: roll(w, lr) for w in STARTS2},
        stationary_points(2, per_side=6, told=VALLEYS),
        {w: roll(w, VALLEY_RATE, 1e-4, told=VALLEYS) for w in (*SECTION_STARTS, *VALLEY_STARTS)},
    )  # fmt: skip


def report(result: LocalMinima) -> str:
    """The stationary points, and where the balls went, as tables."""
    lines = []
    tables = (
        ("One weight", result.points), ("Two weights", result.points2),
        ("Two weights, the error of the pictures", result.valleys),
    )  # fmt: skip
    for title, points in tables:
        kinds = [point.kind for point in points]
        counted = ", ".join(
            f"{name}: {kinds.count(kind)}"
            for kind, name in (("minimum", "minima"), ("saddle", "saddles"), ("maximum", "maxima"))
        )
        lines += [
            f"{title}: the stationary points ({counted})", "",
            f"  {'w':<18} E         {'curvatures':<20} kind",
        ]  # fmt: skip
        lowest = min((p.E for p in points), default=0.0)
        for p in sorted(points, key=lambda point: point.E):
            w, bends = (" ".join(f"{x:+.5f}" for x in row) for row in (p.w, p.curvatures))
            kind = p.kind
            if kind == "minimum":
                kind = "global minimum" if math.isclose(p.E, lowest) else "local minimum"
            lines.append(f"  {w:<18} {p.E:.5f}   {bends:<20} {kind}")
        lines.append("")
    lines += ["Balls that roll downhill", ""]
    lines += [f"  {'from':<14} to                 E there   after updates"]
    balls = (*result.balls.items(), *result.balls2.items())
    for start, ball in (*balls, *result.valley_balls.items()):
        origin, end = (
            " ".join(f"{x:+.{n}f}" for x in w) for w, n in ((start, 2), (ball.path[-1], 3))
        )
        lines.append(f"  {origin:<14} {end:<18} {ball.errors[-1]:.5f}   {len(ball.path) - 1:>13}")
    return "\n".join(lines)


def figures(result: LocalMinima) -> dict[str, Picture]:
    """Two valleys in section and as a surface; the case of the tables, close up and from above."""
    return {
        "section": _section(result),
        "surface": _surface(result),
        "shallow": _shallow(result),
        "above": _above(result),
    }


def _valley(w1: Any, w2: Any = 0.0) -> Any:
    return error([w1, w2], VALLEYS)


def _minima(points: list[StationaryPoint]) -> list[StationaryPoint]:
    """The minima, the global one first."""
    return sorted((p for p in points if p.kind == "minimum"), key=lambda point: point.E)


def _roll_on(ax: Any, ball: Ball, f: Any, label: bool, apart: float = 0.2) -> None:
    """Draw a ball at its start as a disc, and where it comes to as white dots on the curve f."""
    ws = [w[0] for w in ball.thinned(apart)]
    dots: Any = {"color": "white", "markeredgecolor": "black", "markersize": 7.0, "linestyle": ""}
    start, later = ("start", "further down") if label else (None, None)
    ax.plot(ws[1:], [f(w) for w in ws[1:]], "o", label=later, zorder=5, **dots)
    ax.plot(ws[:1], [f(ws[0])], "o", label=start, color="black", markersize=11.0, zorder=6)


def _section(result: LocalMinima) -> Picture:
    from scalargrad import plot

    best, other = _minima(result.valleys)
    (ridge,) = (point for point in result.valleys if point.kind == "saddle")
    page = plot.curves(
        {"E": _valley}, (-1.05, 4.0), xlabel="w1 (at w2 = 0)", ylabel="E",
        title="Two valleys: where a ball starts decides where it ends",
        alt=f"The error over one weight has a deep valley at {best.w[0]:.2f}, the global minimum, "
        f"and a shallow one at {other.w[0]:.2f}, a local minimum, with a ridge at "
        f"{ridge.w[0]:.2f} between them. Balls from -0.7 and 0.25 roll into the deep one, balls "
        "from 0.5 and 3.4 into the shallow one.",
    )  # fmt: skip
    ax = page.axes[0]
    curve: Any = ax.lines[0]
    ws, Es = curve.get_data()
    curve.set_color("black")
    ax.fill_between(ws, Es, 0.0, color="0.88", zorder=0)
    for k, start in enumerate(SECTION_STARTS):
        _roll_on(ax, result.valley_balls[start], _valley, label=k == 0)
    names = [(best, "global minimum"), (other, "local minimum")]
    for point, name in names:
        told = f"{name}\nw1 = {point.w[0]:.2f}, E = {point.E:.2f}"
        ax.annotate(
            told, (point.w[0], point.E - 0.008), xytext=(point.w[0] + 0.1, point.E - 0.12),
            ha="center" if point is other else "left", fontsize=10, arrowprops={"arrowstyle": "->"},
        )  # fmt: skip
    ax.annotate(
        "ridge", (ridge.w[0], ridge.E), xytext=(0.0, 8.0), textcoords="offset points",
        ha="center", fontsize=10,
    )  # fmt: skip
    ax.set_ylim(0.05, 0.66)
    ax.set_xlim(-1.05, 4.0)
    ax.legend(loc="center right")
    return page


def _surface(result: LocalMinima) -> Picture:
    from scalargrad import plot

    best, other = _minima(result.valleys)
    left, right = (result.valley_balls[start].thinned(0.2) for start in VALLEY_STARTS)
    page = plot.error_surface(
        _valley, ((-0.9, 3.0), (-1.3, 1.5)), kind="surface", path=right,
        points={"global": best.w, "local": other.w},
        title="A global and a local minimum: two starts, two ends",
        alt="A shaded surface over two weights with two valleys side by side, the deep one with "
        "the global minimum and a shallow one with a local minimum. From two starts close together "
        "on the slope above, one ball rolls into each.",
    )  # fmt: skip
    ax: Any = page.axes[0]
    (dots,) = (line for line in ax.lines if line.get_label() == "after each update")
    dots.set_label("further down")
    ax.legend(loc="upper right", bbox_to_anchor=(1.12, 1.0))
    first, second = zip(*left, strict=True)
    heights = [_valley(*w) for w in left]
    ax.plot(first, second, heights, color="black", linewidth=1.2, zorder=4)
    ax.plot(
        first, second, heights, "o", color="white", markeredgecolor="black", markersize=5, zorder=5
    )
    ax.plot(first[:1], second[:1], heights[:1], "o", color="black", markersize=8, zorder=6)
    ground = ax.get_zlim()[0]
    ax.plot(first, second, ground, color="black", linewidth=1.2)
    ax.plot(first[:1], second[:1], ground, "o", color="black", markersize=6)
    ax.view_init(elev=44, azim=-84)
    ax.set_box_aspect((1.25, 1.0, 1.0), zoom=1.0)
    return page


def _shallow(result: LocalMinima) -> Picture:
    """The error of the tables: all of it, and the shallow valley close up."""
    from scalargrad import plot

    best, other = _minima(result.points)
    page = plot.figure(
        1, 2, width=10.0, height=4.2,
        alt="The error of 10 → 0.1 and 1 → 0.9 over one weight: a deep valley at -0.155, a steep "
        "wall, and beyond it what looks like a plain. Close up it is a shallow valley with its "
        "lowest place at 2.197; balls from 0.6 and 4 roll down into it.",
    )  # fmt: skip
    sides = [((-1.2, 4.2), "The error of the tables"),
             ((0.38, 4.2), "Its shallow valley, close up")]  # fmt: skip
    for n, (ax, (span, title)) in enumerate(zip(page.axes, sides, strict=True)):
        plot.curves(
            {"E": lambda w: error([w])}, span, xlabel="w", ylabel="E", title=title, ax=ax
        )  # fmt: skip
        ax.lines[0].set_color("black")
        for k, (start, ball) in enumerate(result.balls.items()):
            if n == 0 or start[0] > 0.5:
                _roll_on(ax, ball, lambda w: error([w]), k == 0, apart=0.4 if n else 0.25)
    page.axes[0].annotate(
        f"global minimum\nw = {best.w[0]:.3f}, E = {best.E:.3f}", (best.w[0], best.E),
        xytext=(0.6, 0.13), fontsize=10, arrowprops={"arrowstyle": "->"},
    )  # fmt: skip
    page.axes[1].annotate(
        f"local minimum\nw = {other.w[0]:.3f}, E = {other.E:.3f}", (other.w[0], other.E - 4e-4),
        xytext=(other.w[0], 0.3965), ha="center", fontsize=10, arrowprops={"arrowstyle": "->"},
    )  # fmt: skip
    page.axes[0].legend(loc="center right")
    page.axes[1].set_ylim(0.395, 0.44)
    return page


def _above(result: LocalMinima) -> Picture:
    from scalargrad import plot

    minima: list[Any] = _minima(result.points2)
    page = plot.error_surface(
        lambda w1, w2: error([w1, w2]), ((-1.0, 3.5), (-1.0, 3.4)), points=[p.w for p in minima],
        title="Four balls from about the same place, in four minima",
        alt="The error of the tables over two weights, seen from above: four balls start around "
        "the maximum at (0.49, 0.49), and each rolls into another of the four minima, one global "
        "and three local.",
    )  # fmt: skip
    ax = page.axes[0]
    for text in list(ax.texts):
        text.remove()  # the numbers of the contours: the minima have theirs
    for k, point in enumerate(minima):
        ax.annotate(
            f"{'local' if k else 'global'}, E = {point.E:.2f}", point.w, fontsize=10, zorder=8,
            xytext=(0.0, 11.0 if k else -32.0), textcoords="offset points", ha="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.8},
        )  # fmt: skip
    dots: Any = {"color": "black", "markerfacecolor": "white", "markersize": 5, "linewidth": 1.0}
    for k, (start, ball) in enumerate(result.balls2.items()):
        xs, ys = zip(*ball.thinned(0.2), strict=True)
        later, first = ("further down", "start") if k == 0 else (None, None)
        ax.plot(xs, ys, "o-", label=later, **dots)
        ax.plot(*start, "o", color="black", markersize=8, label=first)
    ax.plot([], [], "X", color="black", markersize=9, label="minimum")
    ax.legend(loc="center right")
    return page
