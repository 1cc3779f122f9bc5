"""A double pendulum that moves by its Lagrangian alone, and keeps its energy.

Two masses hang from each other on rods. With the angles q, measured from straight down, and their
rates v,

    L(q, v) = kinetic energy - potential energy

is all that `build` states. The equations of motion are those of Euler and Lagrange,

    d/dt ∂L/∂v = ∂L/∂q,

and nobody has to derive them. The program integrates q and the momenta p = ∂L/∂v. To get v from p
it solves M v = p with the matrix of second derivatives, M = ∂²L/∂v², from `sg.hessian`. Then q
changes at the rate v, and p at the rate of the force ∂L/∂q, from `sg.grad`. All of this is recorded
once and replayed, for one pendulum or for many side by side.

In the variables q and p, Gauss's implicit method with two stages is symplectic: the energy error
oscillates and does not grow, while that of an explicit method of the same order drifts.

Source: L. D. Landau and E. M. Lifshitz, Mechanics, §5, has this Lagrangian as its first problem;
E. Hairer, C. Lubich and G. Wanner, Geometric Numerical Integration, 2006, II.1.3 and VI.4, the
method and why it keeps energies.
Data: ours: rods of 1 m with masses of 1 kg, released at 130° and 120°, and five more pendulums
whose lower angles differ by 0.001° from one to the next.
Look for: six pendulums that move as one for five seconds and then part. That is chaos, not a
numerical error: the energy of each stays within five millionths and comes back to its value, while
that of the Runge-Kutta method drifts away.
Conclusion: from the Lagrangian alone, derivatives give the equations of motion, and a method that
respects their structure keeps the energy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Motion", "Pendulums", "build", "energy", "figures", "gauss", "momenta", "motion", "report",
    "run", "runge_kutta", "simulate",
]  # fmt: skip

GRAVITY = 9.81
START = (math.radians(130.0), math.radians(120.0))
APART = math.radians(0.001)
STEP = 0.01
FRAMES = 25  # a second


def build(q: Sequence[Any], v: Sequence[Any]) -> Any:
    """The Lagrangian: kinetic minus potential energy, for masses of 1 kg on rods of 1 m.

    >>> build([0.0, 0.0], [0.0, 0.0])  # at rest: less 9.81 · (-1) - 9.81 · 2
    29.43
    """
    y1 = -sg.cos(q[0])
    y2 = y1 - sg.cos(q[1])
    first = v[0] * v[0]
    second = first + v[1] * v[1] + 2.0 * v[0] * v[1] * sg.cos(q[0] - q[1])
    return 0.5 * (first + second) - GRAVITY * (y1 + y2)


def momenta(q: Sequence[Any], v: Sequence[Any]) -> Any:
    """p = ∂L/∂v.

    >>> momenta([0.0, 0.0], [1.0, 0.0])
    [2.0, 1.0]
    """
    return sg.grad(build, 1)(q, v)


def rates(q: Sequence[Any], p: Sequence[Any]) -> Any:
    """v, from ∂L/∂v = p. L is quadratic in v, so one linear step is exact, here from rest."""
    rest = [0.0, 0.0]
    (a, b), (c, d) = sg.hessian(lambda v: build(q, v))(rest)
    r0, r1 = (pi - zero for pi, zero in zip(p, momenta(q, rest), strict=True))
    below = a * d - b * c
    return [(d * r0 - b * r1) / below, (a * r1 - c * r0) / below]


def motion(q: Sequence[Any], p: Sequence[Any]) -> list[Any]:
    """How q and p change: dq/dt = v, and dp/dt = ∂L/∂q by Euler and Lagrange.

    >>> forces = motion([math.pi / 2, math.pi / 2], [0.0, 0.0])[2:]  # stretched out, at rest
    >>> [round(x, 12) for x in forces]
    [-19.62, -9.81]
    """
    v = rates(q, p)
    return [*v, *sg.grad(build, 0)(q, v)]


def energy(q: Sequence[Any], p: Sequence[Any]) -> Any:
    """p · v - L, which no motion changes."""
    v = rates(q, p)
    return sg.dot(p, v) - build(q, v)


def gauss(y: Sequence[Any], h: float, rounds: int = 9) -> list[Any]:
    """A step of Gauss's method; its two stages depend on each other and are found by iteration.

    Args:
        y: the two angles and the two momenta.
        h: the step of time.
        rounds: how often the stages are improved; each brings them about 15 times nearer.
    """
    root = math.sqrt(3.0) / 6.0
    k1 = k2 = _slope(y)
    for _ in range(rounds):
        k1, k2 = (
            _slope(_along(y, (h * 0.25, k1), (h * (0.25 - root), k2))),
            _slope(_along(y, (h * (0.25 + root), k1), (h * 0.25, k2))),
        )
    return _along(y, (0.5 * h, k1), (0.5 * h, k2))


def runge_kutta(y: Sequence[Any], h: float) -> list[Any]:
    """A step of the Runge-Kutta method of fourth order."""
    k1 = _slope(y)
    k2 = _slope(_along(y, (0.5 * h, k1)))
    k3 = _slope(_along(y, (0.5 * h, k2)))
    k4 = _slope(_along(y, (h, k3)))
    return _along(y, (h / 6.0, k1), (h / 3.0, k2), (h / 3.0, k3), (h / 6.0, k4))


def _slope(y: Sequence[Any]) -> list[Any]:
    return motion(y[:2], y[2:])


def _along(y: Sequence[Any], *moves: tuple[float, Sequence[Any]]) -> list[Any]:
    return [sg.dot([w for w, _ in moves], [k[i] for _, k in moves], yi) for i, yi in enumerate(y)]


@dataclass(frozen=True)
class Motion:
    """The motion of some pendulums.

    Attributes:
        times: of the steps, in seconds.
        angles: for each step and each pendulum the two angles; an array.
        errors: for each step the largest error of any pendulum's energy, as a share of what lies
            between hanging at rest and standing on the head.
    """

    times: Sequence[float]
    angles: Any
    errors: Sequence[float]


def simulate(
    method: Callable[..., list[Any]], seconds: float, count: int = 1, step: float = STEP,
    apart: float = APART,
) -> Motion:  # fmt: skip
    """Release pendulums. A step of the method is recorded once, and replayed for all of them.

    Args:
        method: `gauss` or `runge_kutta`.
        seconds: for how long.
        count: how many pendulums; the lower angle of each starts a little further.
        step: of time.
        apart: by how much.
    """
    import numpy as np

    move = sg.compile(lambda y: method(y, step), threads=1)
    measure = sg.compile(lambda y: energy(y[:2], y[2:]), threads=1)
    y = np.zeros((count, 4))
    y[:, :2] = START
    y[:, 1] += apart * np.arange(count)
    course = [y]
    for _ in range(round(seconds / step)):
        course.append(np.array(move(course[-1])).T)
    states = np.array(course)
    energies = np.reshape(measure(states.reshape(-1, 4)), (-1, count))
    errors = np.abs(energies - energies[0]).max(axis=1) / (6.0 * GRAVITY)
    times = step * np.arange(len(course))
    return Motion(times.tolist(), states[:, :, :2], errors.tolist())


@dataclass(frozen=True)
class Pendulums:
    """What `run` computes.

    Attributes:
        fan: pendulums that start 0.001° apart, by Gauss's method.
        parted: the times at which each of them is 10° from the first, None where it is not.
        gauss, runge_kutta: one pendulum for longer, by both methods with the same step.
    """

    fan: Motion
    parted: list[float | None]
    gauss: Motion
    runge_kutta: Motion


def run(seconds: float = 60.0, count: int = 6) -> Pendulums:
    """Pendulums side by side for 20 seconds, and one for longer by two methods.

    Args:
        seconds: how long one pendulum swings.
        count: how many swing side by side.
    """
    fan = simulate(gauss, 20.0, count)
    parted = []
    for k in range(1, count):
        far = abs(fan.angles[:, k] - fan.angles[:, 0]).max(axis=1) > math.radians(10.0)
        parted.append(fan.times[int(far.argmax())] if far.any() else None)
    return Pendulums(fan, parted, simulate(gauss, seconds), simulate(runge_kutta, seconds))


def report(result: Pendulums) -> str:
    """The energy by two methods over time, and when the pendulums part."""
    times, a, b = result.gauss.times, result.gauss.errors, result.runge_kutta.errors
    lines = [
        "A double pendulum released at 130° and 120°, with steps of 0.01 s. Errors of the energy,",
        "relative to the difference between hanging at rest and standing upright:",
        "",
        f"  {'after':>8}{'Gauss: worst so far':>24}{'at the end':>14}{'Runge-Kutta: worst':>24}"
        f"{'at the end':>14}",
    ]
    for share in (1 / 6, 1 / 3, 2 / 3, 1.0):
        n = max(1, round(share * (len(times) - 1)))
        lines.append(
            f"  {times[n]:>6.0f} s{max(a[: n + 1]):>24.1e}{a[n]:>14.1e}{max(b[: n + 1]):>24.1e}"
            f"{b[n]:>14.1e}"
        )
    lines += ["", "  Pendulums that start with another lower angle, further by", ""]
    for k, time in enumerate(result.parted, 1):
        when = f"after {time:.1f} s" if time is not None else "not within 20 s"
        lines.append(f"  {k * 0.001:.3f}°   10° from the first {when}")
    lines += [
        "",
        "  The energy of the implicit method comes back, that of the explicit one does not. That",
        "  the pendulums part is an error of neither method: the motion itself is chaotic.",
    ]
    return "\n".join(lines)


def places(angles: Sequence[float]) -> list[tuple[float, float]]:
    """Where the joints are: the fixed one, then both masses."""
    x1, y1 = math.sin(angles[0]), -math.cos(angles[0])
    return [(0.0, 0.0), (x1, y1), (x1 + math.sin(angles[1]), y1 - math.cos(angles[1]))]


def figures(result: Pendulums) -> dict[str, Picture]:
    """A film of the pendulums, their lower angles, and the error of the energy."""
    from scalargrad import plot
    from scalargrad.examples.moving import Bars, moving

    every = round(1.0 / FRAMES / STEP)
    fan = result.fan.angles[::every].tolist()
    count = len(fan[0])
    parts = {
        f"pendulum {k + 1}": Bars([places(moment[k]) for moment in fan], trace=k == 0, faint=k > 0)
        for k in reversed(range(count))
    }
    film = moving(
        parts, len(fan) / FRAMES, title=f"{count} double pendulums, let go 0.001° apart",
        alt="A double pendulum swings and draws the path of its lower mass. Five pale ones that "
        "started 0.001° apart move with it at first, and then each goes its own way.",
    )  # fmt: skip
    lower = plot.lines(
        {
            f"start + {k * 0.001:.3f}°": (result.fan.times, result.fan.angles[:, k, 1].tolist())
            for k in range(count)
        },
        xlabel="time, s", ylabel="lower angle, rad", title="Together, until they part",
        ax=plot.figure(1, 1, width=8.6, height=3.8).axes[0],
        alt="The lower angle over time: six lines lie on one another for about six seconds, then "
        "fan out.",
    )  # fmt: skip
    floor = 1e-12
    energies = plot.lines(
        {
            "Gauss, implicit": (result.gauss.times, [max(e, floor) for e in result.gauss.errors]),
            "Runge-Kutta, explicit": (
                result.runge_kutta.times, [max(e, floor) for e in result.runge_kutta.errors]
            ),
        },
        xlabel="time, s", ylabel="relative error of the energy", yscale="log",
        title="Both of fourth order, with steps of 0.01 s",
        ax=plot.figure(1, 1, width=8.6, height=3.8).axes[0],
        alt="The error of the energy over time, on a logarithmic scale. Gauss's method swings "
        "below a fixed level; the error of Runge and Kutta's climbs and stays.",
    )  # fmt: skip
    for line in energies.axes[0].lines:
        line.set_linewidth(0.8)
    return {"film": film, "angles": lower, "energy": energies}
