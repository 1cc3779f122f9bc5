"""A robot's arm that draws a heart: the angles of its joints from where the hand should be.

Four bars of lengths l, with the angle θ at each joint relative to the previous bar, reach the point

    h(θ) = Σ l_k (cos φ_k, sin φ_k),    φ_k = θ₁ + ... + θ_k.

Computing the hand from the angles takes one line. The other direction is harder: a point on the
paper gives two equations for four angles, and many postures reach it. The arm takes the posture
that moves least from the current one,

    minimise 1/2 |θ - θ_before|²    such that    h(θ) = target.

Its angles and the multipliers λ make the gradient of the Lagrange function
1/2 |θ - θ_before|² + λ · (h(θ) - target) zero. So `sg.grad` writes the six equations, and
`sg.solve.root` solves them with exact Jacobians, the second derivatives of the Lagrange function.
The root can be differentiated by the target, which tells how fast each joint turns when the hand
moves at a given speed. No pseudo-inverse is written.

How accurate is the pen if each joint is accurate to 0.1°? `sg.propagate` answers, joint by joint.

Source: a standard problem of robotics, e.g. B. Siciliano and others, Robotics: Modelling,
Planning and Control, 2009, 3.5 and 3.7; least motion by Lagrange multipliers: D. E. Whitney,
Resolved motion rate control, IEEE Transactions on Man-Machine Systems 10 (1969).
Data: ours: bars of 0.9, 0.8, 0.6 and 0.4 m; a heart of 120 points in front of the arm.
Look for: all four joints share the work. The hand comes back to where it began, but the joints do
not: another posture reaches the same point. The first joint causes half of the vertical error.
Conclusion: state where the hand is, and derivatives tell where the joints must go, how fast they
turn, and how accurate they must be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Drawn",
    "build",
    "figures",
    "heart",
    "joint_speeds",
    "joints",
    "posture",
    "report",
    "run",
]

BARS = (0.9, 0.8, 0.6, 0.4)
REST = (1.9, -1.1, -0.8, -0.6)  # the posture before the first point
PLAY = math.radians(0.1)  # the standard uncertainty of each joint
Point = tuple[float, float]


def joints(angles: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Where all joints are, from the fixed one to the hand.

    >>> joints([0.0, 0.0, 0.0, 0.0])[-1]
    (2.7, 0.0)
    """
    places: list[tuple[Any, Any]] = [(0.0, 0.0)]
    x, y, φ = 0.0, 0.0, 0.0
    for length, θ in zip(BARS, angles, strict=True):
        φ = φ + θ
        x, y = x + length * sg.cos(φ), y + length * sg.sin(φ)
        places.append((x, y))
    return places


def build(angles: Sequence[Any]) -> tuple[Any, Any]:
    """Where the hand is.

    >>> x, y = build([math.pi / 2, 0.0, 0.0, 0.0])
    >>> round(x, 12), round(y, 12)
    (0.0, 2.7)
    """
    return joints(angles)[-1]


def _lagrangian(unknowns: Sequence[Any], before: Sequence[Any], target: Sequence[Any]) -> Any:
    angles, multipliers = unknowns[: len(BARS)], unknowns[len(BARS) :]
    moved = [a - b for a, b in zip(angles, before, strict=True)]
    missed = [h - t for h, t in zip(build(angles), target, strict=True)]
    return 0.5 * sg.dot(moved, moved) + sg.dot(multipliers, missed)


def posture(before: Sequence[Any], target: Sequence[Any]) -> list[Any]:
    """The angles that reach the target and move least, differentiable by both arguments.

    Raises:
        ValueError: no angles reach it.

    >>> angles = posture(REST, (1.5, 0.5))
    >>> [round(x, 9) for x in build(angles)]
    [1.5, 0.5]
    >>> posture(REST, (9.0, 0.0))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    scalargrad.solve.newton.NoConvergenceError: root did not converge ...
    """
    start = [*(float(x) if not isinstance(x, sg.Value) else x.data for x in before), 0.0, 0.0]
    found = sg.solve.root(sg.grad(_lagrangian), start, list(before), list(target))
    return list(found[: len(BARS)])


def joint_speeds(before: Sequence[float], target: Sequence[float]) -> list[list[float]]:
    """For each joint its derivatives by the x and the y of the target, through the root."""
    return [list(row) for row in sg.jacobian(lambda t: posture(before, t))(list(target))]


def heart(count: int = 120) -> list[Point]:
    """Points of a heart in front of the arm, from its upper notch once around."""
    points = []
    for k in range(count + 1):
        t = 2.0 * math.pi * k / count
        x = 16.0 * math.sin(t) ** 3
        y = 13.0 * math.cos(t) - 5.0 * math.cos(2 * t) - 2.0 * math.cos(3 * t) - math.cos(4 * t)
        points.append((1.45 + 0.036 * x, 0.55 + 0.036 * y))
    return points


@dataclass(frozen=True)
class Drawn:
    """What `run` computes.

    Attributes:
        targets: the points of the heart.
        angles: the posture at each of them.
        errors: how far the hand is from each.
        speeds: at the lowest point, how each joint turns for a speed of the hand.
        play: the errors of the pen by those of the joints, at that point.
    """

    targets: list[Point]
    angles: list[list[float]]
    errors: list[float]
    speeds: list[list[float]]
    play: Any


def run(count: int = 120) -> Drawn:
    """Draw the heart.

    Args:
        count: of how many points.
    """
    targets, angles, errors = heart(count), [], []
    now = posture(REST, targets[0])
    for target in targets:
        now = posture(now, target)
        angles.append(now)
        errors.append(math.dist(build(now), target))
    low = min(range(len(targets)), key=lambda k: targets[k][1])

    def pen(**angles: Any) -> dict[str, Any]:
        x, y = build([*angles.values()])
        return {"x": x, "y": y}

    inputs = {f"joint {k}": (θ, PLAY) for k, θ in enumerate(angles[low], 1)}
    play = sg.propagate(pen, inputs, draws=0)
    return Drawn(targets, angles, errors, joint_speeds(angles[low], targets[low]), play)


def report(result: Drawn) -> str:
    """How well the heart is drawn, how the joints turn, and what makes the error of the pen."""
    first, last = result.angles[0], result.angles[-1]
    low = min(result.targets, key=lambda p: p[1])
    lines = [
        f"An arm of {len(BARS)} bars draws a heart of {len(result.targets) - 1} points; the hand "
        f"is at most {max(result.errors):.0e} m off.",
        "",
        f"  {'joint':<8}{'first':>9}{'last':>9}{'from':>9}{'to':>9}   degrees",
    ]
    for k in range(len(BARS)):
        turn = [math.degrees(angles[k]) for angles in result.angles]
        row = (math.degrees(first[k]), math.degrees(last[k]), min(turn), max(turn))
        lines.append(f"  {k + 1:<8}" + "".join(f"{x:>9.2f}" for x in row))
    lines += [
        "",
        f"  At the lowest point, ({low[0]:.3f}, {low[1]:.3f}) m: degrees by which each joint turns "
        "for 1 cm",
        "",
        f"  {'joint':<8}{'to the right':>14}{'upward':>10}{'share of the error of x':>26}"
        f"{'of y':>10}",
    ]
    shares = [[row.share for row in output.budget] for output in result.play.outputs]
    for k, slopes in enumerate(result.speeds):
        right, up = (math.degrees(0.01 * slope) for slope in slopes)
        lines.append(
            f"  {k + 1:<8}{right:>14.3f}{up:>10.3f}{shares[0][k]:>26.1%}{shares[1][k]:>10.1%}"
        )
    std = result.play.std
    lines += [
        "",
        f"  With joints accurate to 0.1° the pen is accurate to {1e3 * std['x']:.1f} mm in x and "
        f"{1e3 * std['y']:.1f} mm in y.",
        "  Only the position of the hand was written down. Its derivatives tell where the joints",
        "  must go, how fast they turn, and how accurate they must be.",
    ]
    return "\n".join(lines)


def figures(result: Drawn) -> dict[str, Picture]:
    """A film of the arm, some of its postures, and the angles of the joints."""
    from scalargrad import plot
    from scalargrad.examples.moving import Bars, moving

    frames = [joints(angles) for angles in result.angles]
    film = moving(
        {"arm": Bars(frames)}, 8.0, title="Four joints, one heart", shape=result.targets,
        alt="An arm of four bars, fixed at its left end, draws a heart with its hand.",
    )  # fmt: skip
    every = max(1, (len(frames) - 1) // 8)
    page = plot.figure(
        1, 2, width=10.4, height=4.4,
        alt="Left: eight postures of the arm along the heart that it draws. Right: the four angles "
        "along the way; all of them swing by tens of degrees, and end near where they began.",
    )  # fmt: skip
    postures = {
        f"posture {k}": tuple(map(list, zip(*frame, strict=True)))
        for k, frame in enumerate(frames[:-1:every])
    }
    ax = page.axes[0]
    plot.lines(
        {**postures, "heart": tuple(map(list, zip(*result.targets, strict=True)))},
        xlabel="x, m", ylabel="y, m", title="Postures that move least", ax=ax,
    )  # fmt: skip
    ax.legend().remove()
    ax.set_aspect("equal")
    for k, line in enumerate(ax.lines[:-1]):
        line.set(color=str(0.78 - 0.55 * k / len(postures)), linestyle="-", marker="o")
        line.set(markersize=4.0, linewidth=1.6)
    ax.lines[-1].set(color="#b3261e", linewidth=3.0, linestyle="-", zorder=5)
    ways = [100.0 * k / (len(frames) - 1) for k in range(len(frames))]
    plot.lines(
        {
            f"joint {k + 1}": (ways, [math.degrees(angles[k]) for angles in result.angles])
            for k in range(len(BARS))
        },
        xlabel="way along the heart, %", ylabel="angle, degrees", title="Angles of the joints",
        ax=page.axes[1],
    )  # fmt: skip
    return {"film": film, "postures": page}
