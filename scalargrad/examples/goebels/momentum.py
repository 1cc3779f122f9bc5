"""A narrow valley: gradient descent, momentum, and Newton's method, which needs one step.

    E(x, y) = 1/2 (x^2 + 25 y^2)

is 25 times as steep across as along. A learning rate that does not overshoot across the valley is
too small along it, so plain descent is slow. Momentum, equation 9 of Rumelhart, Hinton and
Williams,

    Δw(t) = -ε ∂E/∂w + α Δw(t-1),      Δw(0) = 0,

repeats a part α of the last change. What the gradients agree on adds up; what changes its sign
cancels. Newton's method divides by the curvature,

    Δw = -H^-1 ∂E/∂w,

and is at the minimum at once, as this E is quadratic. But it needs all second derivatives, n^2 of
them for n weights, and the solution of a system of equations; gradient descent needs one slope for
each weight, which is local, and all weights can move at the same time.

The rates are those with which the slower of the two directions shrinks as fast as possible in the
long run, given the curvatures 1 and 25. Plain descent: ε = 2/(1 + 25). With momentum:
ε = 4/(√1 + √25)² = 1/9 and α = ((√25 - √1)/(√25 + √1))² = 4/9.

Source: Goebels, on Rumelhart, Hinton and Williams (1986), equations 8 and 9, and their remark that
descent is slower than methods with second derivatives.
Data: ours, since the lecture gives none: this valley, from (1, 1), until slopes are below 1e-6.
Look for: 213 updates, 54, and 1. With `curvature=100` plain descent takes about four times as long
and momentum about twice, as its time grows with the root of the curvature; Newton's method still
takes one step.
Conclusion: momentum is nearly as cheap as plain descent and much faster in a narrow valley, while
Newton's method is fastest and too expensive for many weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, optim
from scalargrad.examples.matrices import solution

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = ["Course", "Descents", "build", "descend", "figures", "newton", "report", "run"]

START = (1.0, 1.0)
TOLERANCE = 1e-6  # of the largest slope
Point = tuple[float, float]


def build(x: Any, y: Any, curvature: float = 25.0) -> Any:
    """The error at (x, y), numbers or Values; `curvature` is its second derivative across.

    >>> build(1.0, 1.0)
    13.0
    """
    return 0.5 * (x * x + curvature * y * y)


@dataclass(frozen=True)
class Course:
    """A descent: its settings in words, and the places that it passed, the start first."""

    settings: str
    places: list[Point]

    @property
    def updates(self) -> int:
        """How many updates it took."""
        return len(self.places) - 1


@dataclass(frozen=True)
class Descents:
    """What `run` computes: the courses by name, and the curvature across the valley."""

    curvature: float
    courses: dict[str, Course]


def descend(
    lr: float, momentum: float = 0.0, curvature: float = 25.0, most: int = 10_000
) -> list[Point]:
    """Gradient descent with momentum until slopes are below 1e-6; returns the places on the way.

    Args:
        lr: the learning rate ε.
        momentum: the share α of the last change that is made again.
        curvature: the second derivative across the valley.
        most: the descent ends after so many updates in any case.

    >>> len(descend(lr=1 / 9, momentum=4 / 9)) - 1
    54
    """
    w = [Value(START[0], "x"), Value(START[1], "y")]
    optimizer = optim.SGD(w, lr, momentum)
    places = [START]
    while len(places) <= most:
        optimizer.zero_grad()
        build(w[0], w[1], curvature).backward()
        if max(abs(p.grad) for p in w) < TOLERANCE:
            break
        optimizer.step()
        places.append((w[0].data, w[1].data))
    return places


def newton(f: Callable[[Any, Any], Any], start: Point = START, most: int = 100) -> list[Point]:
    """Newton's method for a function of two numbers, until slopes are below 1e-6.

    Args:
        f: the function, written with this library's operations.
        start: where to begin.
        most: it ends after so many updates in any case.

    Raises:
        ZeroDivisionError: the matrix of second derivatives has no inverse somewhere.

    >>> newton(build)
    [(1.0, 1.0), (0.0, 0.0)]
    """
    (x, y), places = start, [start]
    while len(places) <= most:
        slopes = sg.grad(f, (0, 1))(x, y)
        if max(map(abs, slopes)) < TOLERANCE:
            break
        dx, dy = solution(sg.hessian(f, (0, 1))(x, y), slopes)
        x, y = x - dx, y - dy
        places.append((x, y))
    return places


def run(curvature: float = 25.0) -> Descents:
    """Descend into the valley by all three methods.

    Args:
        curvature: the second derivative across the valley, over 1; along it is 1.

    Raises:
        ValueError: the curvature is not over 1.

    >>> [course.updates for course in run().courses.values()]
    [213, 54, 1]
    """
    if not curvature > 1.0:
        raise ValueError(f"the valley must be steeper across than along, got {curvature!r}")
    root = math.sqrt(curvature)
    plain, lr, alpha = 2 / (1 + curvature), 4 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2
    courses = {
        "gradient descent": Course(f"ε = {plain:.4f}", descend(plain, 0.0, curvature)),
        "momentum": Course(f"ε = {lr:.4f}, α = {alpha:.4f}", descend(lr, alpha, curvature)),
        "Newton": Course("H from sg.hessian", newton(lambda x, y: build(x, y, curvature))),
    }
    return Descents(curvature, courses)


def report(result: Descents) -> str:
    """How many updates each method takes, and the error after some."""
    lines = [f"E = 1/2 (x² + {result.curvature:g} y²) from (1, 1), until slopes are below 1e-6", ""]
    lines += [f"  {'method':<18}{'settings':<25}{'updates':>7}   E after 1, 5, 20 updates"]
    for name, course in result.courses.items():
        places = [course.places[min(k, course.updates)] for k in (1, 5, 20)]
        errors = "  ".join(f"{build(*place, result.curvature):9.2e}" for place in places)
        lines.append(f"  {name:<18}{course.settings:<25}{course.updates:>7}   {errors}")
    lines += [
        "",
        "  Newton's one step costs all second derivatives; a gradient costs one backward pass.",
    ]
    return "\n".join(lines)


def figures(result: Descents) -> dict[str, Picture]:
    """The three paths on the contours of the error, and the error by update."""
    from scalargrad import plot

    def error(x: float, y: float) -> float:
        value: float = build(x, y, result.curvature)
        return value

    panels = plot.figure(
        1, 3, width=11.0, height=4.2,
        alt="Contours of a narrow valley, three times. Gradient descent jumps from side to side "
        "and creeps along; momentum swings wide and gets there sooner; Newton needs one step.",
    )  # fmt: skip
    for ax, (name, course) in zip(panels.axes, result.courses.items(), strict=True):
        plot.error_surface(
            error, ((-0.3, 1.2), (-2.2, 2.2)), path=course.places[:25], xlabel="x", ylabel="y",
            title=f"{name}: {_of(course)}",
            zscale="log", ax=ax,
        )  # fmt: skip
        for number in [*ax.texts]:  # on the contours, where dots cover them
            number.remove()
    panels.axes[0].legend(loc="lower left")
    errors = {
        name: [error(*place) for place in course.places] for name, course in result.courses.items()
    }
    curves = plot.lines(
        {name: [max(e, 1e-16) for e in course] for name, course in errors.items()},
        xlabel="updates", ylabel="E", yscale="log",
        title="How fast the error falls in a narrow valley",
        alt="The error by update, on a logarithmic scale: a straight line for gradient descent, "
        "a steeper one for momentum, and Newton's method at the bottom after one.",
    )  # fmt: skip
    return {"paths": panels, "errors": curves}


def _of(course: Course) -> str:
    shown = "\n(the first 24 are shown)" if course.updates > 24 else ""
    return f"{course.updates} update{'s' * (course.updates > 1)}{shown}"
