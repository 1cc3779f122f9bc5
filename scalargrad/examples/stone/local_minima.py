"""Local minima: where a ball starts decides where it ends; all flat places, by Newton.

Descent only ever goes downhill. On a parabola that is enough, for there is one lowest place. With a
sigmoid there may be several, and a ball ends in the one whose valley it started in. The smallest
example has one unit, one weight and two associations:

    y = σ(w x)      E(w) = 1/2 (σ(10 w) - 0.1)² + 1/2 (σ(w) - 0.9)²

The first association alone would set w to -0.220, the second alone to 2.197. No weight suits both,
and there is a minimum near each: a deep one and a shallow one, with a barrier in between.

With two weights: give the unit a second input that asks for the same, (10, 0) and (0, 10) → 0.1,
(1, 0) and (0, 1) → 0.9. Then E(w1, w2) = E(w1) + E(w2), and each pair of flat places of E(w) is a
flat place of the surface: 2 · 2 minima, 1 maximum, and 2 · 2 saddles, which go up one way and
down the other.

Source: Stone, "How it fails", figures 4 and 5. The lecture shows pictures without a formula.
Data: ours: 10 → 0.1 and 1 → 0.9; the second input is ours too.
Look for: balls from 0.4 and 0.6, next to each other, end at -0.155 and 2.197. The deep valley is
narrow: its curvature is 2.85, so it holds a ball only at rates below 2/2.85 = 0.70. With
`run(lr=1.0)` balls that start there jump from side to side for ever; the shallow valley still
holds its own.
"""

from __future__ import annotations

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
    "RATE", "STARTS", "STARTS2", "WISHES", "Ball", "LocalMinima", "StationaryPoint",
    "associations", "build", "error", "figures", "report", "roll", "run", "stationary_points",
]  # fmt: skip

WISHES = [(10.0, 0.1), (1.0, 0.9)]  # input and target
RATE = 0.5
STARTS = (-1.0, 0.4, 0.6, 4.0)
STARTS2 = ((0.4, 0.3), (0.6, 0.3), (0.3, 0.6), (0.6, 0.7))

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


def error(w: Sequence[Any]) -> Any:
    """E = 1/2 Σ (y_t - τ_t)² over the associations for so many weights.

    >>> round(error([2.19722]), 6), round(error([2.19722, 2.19722]), 6)
    (0.405, 0.81)
    """
    told = associations(len(w))
    return losses.squared_error([build(w, x) for x, _ in told], [target for _, target in told])


# --- flat places ----------------------------------------------------------------------------


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
    count: int, span: tuple[float, float] = (-1.0, 4.0), per_side: int = 12
) -> list[StationaryPoint]:
    """All places of the span where the gradient of `error` is zero, found by Newton's method.

    From each point of a grid: w ← w - H⁻¹ g, with the gradient g and the second derivatives H. That
    runs uphill as gladly as downhill, to whatever is flat, which is what is wanted here.

    Args:
        count: how many weights, 1 or 2.
        span: where to look, in each weight.
        per_side: how many starts along each side of the grid.

    Raises:
        ValueError: `count` is neither 1 nor 2.

    >>> [point.kind for point in stationary_points(1)]
    ['minimum', 'maximum', 'minimum']
    """
    if count not in (1, 2):
        raise ValueError(f"stationary_points: count is 1 or 2 weights, got {count!r}")
    low, high = span
    side = [low + (high - low) * k / (per_side - 1) for k in range(per_side)]
    slope, curvature = sg.grad(error), sg.hessian(error)
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
            found.append(StationaryPoint(tuple(w), error(w), _eigenvalues(curvature(w))))
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
    start: Sequence[float], lr: float = RATE, tolerance: float = 1e-6, limit: int = 5000
) -> Ball:
    """Gradient descent on `error` from `start` until the gradient is about zero.

    Args:
        start: the weights to begin with.
        lr: the ε of Δw = -ε ∂E/∂w.
        tolerance: below which length the gradient counts as zero.
        limit: after how many updates to give up.

    >>> round(roll([0.4]).path[-1][0], 3), round(roll([0.6]).path[-1][0], 3)
    (-0.155, 2.197)
    """
    w = [Value(number) for number in start]
    optimizer = optim.SGD(w, lr=lr)
    told = associations(len(w))
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
    errors.append(error([p.data for p in w]))
    return Ball(path, errors)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class LocalMinima:
    """What `run` computes: the flat places for one and for two weights, and balls on both."""

    points: list[StationaryPoint]
    points2: list[StationaryPoint]
    balls: dict[tuple[float, ...], Ball]
    balls2: dict[tuple[float, ...], Ball]


def run(lr: float = RATE) -> LocalMinima:
    """Find all flat places, and let balls roll.

    Args:
        lr: of the descents.

    >>> result = run()
    >>> len(result.points), len(result.points2)
    (3, 9)
    """
    return LocalMinima(
        stationary_points(1), stationary_points(2),
        {(w,): roll([w], lr) for w in STARTS}, {w: roll(w, lr) for w in STARTS2},
    )  # fmt: skip


def report(result: LocalMinima) -> str:
    """The flat places, and where the balls went, as tables."""
    lines = []
    for points in (result.points, result.points2):
        kinds = [point.kind for point in points]
        counted = ", ".join(
            f"{name}: {kinds.count(kind)}"
            for kind, name in (("minimum", "minima"), ("saddle", "saddles"), ("maximum", "maxima"))
        )
        many = len(points[0].w) if points else 0
        lines += [
            f"{many} weight{'s' * (many > 1)}. Flat places: {counted}",
            "",
            f"  {'w':<18} E         curvatures",
        ]
        for p in sorted(points, key=lambda point: point.E):
            w, bends = (" ".join(f"{x:+.5f}" for x in row) for row in (p.w, p.curvatures))
            lines.append(f"  {w:<18} {p.E:.5f}   {bends:<20} {p.kind}")
        lines.append("")
    lines += [f"  {'a ball from':<14} comes to             E       after updates"]
    for start, ball in (*result.balls.items(), *result.balls2.items()):
        origin, end = (
            " ".join(f"{x:+.{n}f}" for x in w) for w, n in ((start, 1), (ball.path[-1], 3))
        )
        lines.append(f"  {origin:<14} {end:<18} {ball.errors[-1]:.5f}   {len(ball.path) - 1:>5}")
    return "\n".join(lines)


def figures(result: LocalMinima) -> dict[str, Picture]:
    """The curve with balls, the surface, and from above the ways of four balls to four minima."""
    from scalargrad import plot

    places = {start: ball.thinned(0.12) for start, ball in result.balls.items()}
    section = plot.curves(
        {"E(w)": lambda w: error([w])}, (-1.2, 4.2), xlabel="w", ylabel="E",
        marks={f"ball from {start[0]:g}": ([w[0] for w in path], [error(w) for w in path])
               for start, path in places.items()},
        title="Two valleys: only where it starts decides",
        alt="The error over one weight has a deep valley at -0.155 and a shallow one at 2.197, and "
        "a ridge at 0.489. Balls from -1 and 0.4 roll into the deep one, from 0.6 and 4 into the "
        "shallow one.",
    )  # fmt: skip
    span = ((-1.0, 3.5), (-1.0, 3.5))
    fallen = next(iter(result.balls2.values())).thinned(0.12)
    surface = plot.error_surface(
        lambda w1, w2: error([w1, w2]), span, kind="surface", path=fallen,
        title="The error over two weights: four hollows",
        alt="A surface over two weights with four hollows, of which the one near (-0.155, -0.155) "
        "is the deepest, two are half as deep, and the one near (2.197, 2.197) is the shallowest.",
    )  # fmt: skip
    surface.axes[0].view_init(elev=34, azim=-112)  # type: ignore[attr-defined]
    above = plot.error_surface(
        lambda w1, w2: error([w1, w2]), span, title="Four balls from about the same place",
        points=[point.w for point in result.points2 if point.kind == "minimum"],
        alt="The same from above: four balls start around the top at (0.49, 0.49), and each rolls "
        "into another of the four minima.",
    )  # fmt: skip
    for start, ball in result.balls2.items():
        xs, ys = zip(*ball.thinned(0.12), strict=True)
        above.axes[0].plot(xs, ys, "o-", color="black", markerfacecolor="white", markersize=4)
        above.axes[0].plot(*start, "o", color="black", markersize=6)
    return {"section": section, "surface": surface, "above": above}
