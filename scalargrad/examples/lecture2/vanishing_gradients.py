"""Vanishing and exploding gradients: a product of a hundred factors, in a recurrent unit.

The formulas of backpropagation are not only for computing; they also tell what to expect. A
recurrent unit reads one input after the other, and passes on its own state:

    z_k = w a_{k-1} + x_k        a_k = g(z_k)        k = 1 ... T

Unrolled in time this is a network of T layers of one unit, all of them with the same weight. There
is a single path from a_0 to a_T, so the derivative is a single product:

    ∂a_T/∂a_0 = Π w g'(z_k)

If the factors are below 1 in size the gradient *vanishes*, exponentially in T; if they are above 1
it *explodes*; only at exactly 1 does it keep its size. A sigmoid has σ' ≤ 1/4: with |w| = 1 each
step costs at least a factor of 4. tanh has a slope up to 1, yet a w above 1 drives the state to
where tanh is flat, so its gradient vanishes all the same. With many units the factors are matrices,
and their singular values take the place of |w g'|: see the example recurrent_network.

Source: Lecture 2, Error backpropagation: the use of backpropagation for analysis, gradients of
recurrent networks.
Data: ours: eight units, 100 steps; inputs are a constant, or "noise", drawn evenly from -1 to 1.
Look for: straight lines on a logarithmic axis, up for factors above 1 and down for those below. Set
`depth=300` and 0.9 gets to 2e-14, 1.1 to 3e12. No w keeps the gradient of a tanh unit in noise: w
near 1 is the best, and loses nearly half of it at each step.
Conclusion: over many steps or layers a gradient is a product of many factors, and a product of many
factors is nearly always far too small or far too large.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "DEPTH", "UNITS", "Course", "Unit", "build", "factors_by_hand", "figures", "gradients",
    "report", "run",
]  # fmt: skip

DEPTH = 100


def _identity(z: Any) -> Any:
    return z


# g, and g' by what g gave
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[float], float]]] = {
    "linear": (_identity, lambda a: 1.0),
    "tanh": (sg.tanh, lambda a: 1.0 - a * a),
    "sigmoid": (sg.sigmoid, lambda a: a * (1.0 - a)),
}


@dataclass(frozen=True)
class Unit:
    """A recurrent unit: the name of g, its weight, its input (None is noise), and its start."""

    g: str
    w: float
    x: float | None
    a0: float


UNITS = {
    "linear, w = 0.9": Unit("linear", 0.9, 0.0, 1.0),
    "linear, w = 1": Unit("linear", 1.0, 0.0, 1.0),
    "linear, w = 1.1": Unit("linear", 1.1, 0.0, 1.0),
    "tanh, w = 1, noise": Unit("tanh", 1.0, None, 0.0),
    "tanh, w = 2, noise": Unit("tanh", 2.0, None, 0.0),
    "sigmoid, w = 1, noise": Unit("sigmoid", 1.0, None, 0.5),
    "sigmoid, w = 4, x = -2": Unit("sigmoid", 4.0, -2.0, 0.5),  # stays at z = 0, where σ' = 1/4
    "sigmoid, w = 6, x = -3": Unit("sigmoid", 6.0, -3.0, 0.5),
}


def build(a0: Any, w: Any, xs: Sequence[float], g: Callable[[Any], Any] = sg.tanh) -> list[Any]:
    """The states a_0 to a_T.

    Args:
        a0: the state before the first input, a number or a Value.
        w: the weight, a number or a Value.
        xs: the inputs x_1 to x_T.
        g: the activation.

    >>> [round(a, 4) for a in build(0.0, 1.0, [0.5, 0.0])]
    [0.0, 0.4621, 0.4318]
    """
    states = [a0]
    for x in xs:
        states.append(g(w * states[-1] + x))
    return states


def factors_by_hand(unit: Unit, states: Sequence[float]) -> list[float]:
    """w g'(z_k) for each step, in plain floats, from the states.

    Args:
        unit: the unit.
        states: a_0 to a_T.

    >>> factors_by_hand(UNITS["sigmoid, w = 4, x = -2"], [0.5, 0.5, 0.5])
    [1.0, 1.0]
    """
    slope = ACTIVATIONS[unit.g][1]
    return [unit.w * slope(a) for a in states[1:]]


@dataclass(frozen=True)
class Course:
    """A unit over T steps: states, the factors w g', and ∂a_T/∂a_k for k = 0 ... T in two ways."""

    states: list[float]
    factors: list[float]
    by_engine: list[float]
    by_hand: list[float]

    @property
    def mean_factor(self) -> float:
        """The geometric mean of |w g'|: what one step does to the gradient, on average."""
        if 0.0 in self.factors:
            return 0.0
        return math.exp(math.fsum(math.log(abs(f)) for f in self.factors) / len(self.factors))

    def back(self, steps: int) -> float:
        """∂a_T/∂a_{T-steps}."""
        return self.by_engine[-1 - steps]


def gradients(unit: Unit, depth: int = DEPTH, seed: int = 0) -> Course:
    """Run a unit, and differentiate its last state by all the others.

    Args:
        unit: the unit.
        depth: T, how many steps.
        seed: of the noise.

    Raises:
        ValueError: `depth` is below 1, or the activation is unknown.

    >>> course = gradients(UNITS["linear, w = 1.1"], depth=3)
    >>> [round(g, 4) for g in course.by_engine]
    [1.331, 1.21, 1.1, 1.0]
    """
    if depth < 1:
        raise ValueError(f"depth is at least 1, got {depth}")
    if unit.g not in ACTIVATIONS:
        raise ValueError(f"the activation is one of {', '.join(ACTIVATIONS)}, got {unit.g!r}")
    draw = random.Random(seed)
    xs = [draw.uniform(-1.0, 1.0) if unit.x is None else unit.x for _ in range(depth)]
    states = build(Value(unit.a0, "a0"), unit.w, xs, ACTIVATIONS[unit.g][0])
    states[-1].backward()
    numbers = [a.data for a in states]
    factors = factors_by_hand(unit, numbers)
    by_hand = [1.0]
    for factor in reversed(factors):
        by_hand.insert(0, by_hand[0] * factor)
    return Course(numbers, factors, [a.grad for a in states], by_hand)


# --- the example ----------------------------------------------------------------------------


def run(units: Mapping[str, Unit] = UNITS, depth: int = DEPTH, seed: int = 0) -> dict[str, Course]:
    """The course of each unit, by its name.

    Args:
        units: the units by name.
        depth: T, how many steps.
        seed: of the noise, which is the same for all.

    >>> courses = run()
    >>> f"{courses['linear, w = 0.9'].back(100):.2e}"
    '2.66e-05'
    """
    return {name: gradients(unit, depth, seed) for name, unit in units.items()}


def report(result: Mapping[str, Course]) -> str:
    """What a step does on average, and the gradient 1, 10, 50 and 100 steps back."""
    depth = len(next(iter(result.values())).factors)
    backs = sorted({back for back in (1, 10, 50, depth) if back <= depth})
    lines = [f"∂a_T/∂a_k, T = {depth}, by number of steps back", ""]
    heads = "".join(f"{back:>11}" for back in backs)
    lines.append(f"  {'unit':<24}  mean |w g'|{heads}")
    for name, course in result.items():
        numbers = "".join(f"{course.back(back):>+11.2e}" for back in backs)
        lines.append(f"  {name:<24}  {course.mean_factor:>11.4f}{numbers}")
    worst = max(
        abs(x - y) / (abs(x) or 1.0)
        for course in result.values()
        for x, y in zip(course.by_hand, course.by_engine, strict=True)
    )
    lines += ["", f"Largest relative difference to the product Π w g'(z_k) by hand: {worst:.1e}"]
    return "\n".join(lines)


def figures(result: Mapping[str, Course]) -> dict[str, Picture]:
    """The gradient's size over the distance in time; and three unrolled steps as a graph."""
    from scalargrad import plot

    sizes = {
        name: [abs(course.back(steps)) for steps in range(len(course.by_engine))]
        for name, course in result.items()
    }
    shown = {name: ys for name, ys in sizes.items() if min(ys) > 0.0}  # 0 has no place on the axis
    ends = "; ".join(f"{name} to {ys[-1]:.1e}" for name, ys in shown.items())
    figure = plot.figure(
        1, 2, width=12.0, height=5.4,
        alt="The size of the derivative of the last state by those before it, on two logarithmic "
        "axes: on the left where all the factors are alike, on the right in noise. From 1 the "
        f"lines go, steadily or with small waves: {ends}.",
    )  # fmt: skip
    titles = "All factors alike: $|w\\, g'|^{T-k}$", "In noise: each step has its own factor"
    for ax, title, noise in zip(figure.axes, titles, (False, True), strict=True):
        some = {name: ys for name, ys in shown.items() if name.endswith("noise") == noise}
        plot.lines(
            some, xlabel="steps back, T - k", ylabel="$|\\partial a_T / \\partial a_k|$",
            yscale="log", title=title, ax=ax,
        )  # fmt: skip
        if some:
            ax.legend(loc="lower left" if noise else "upper left", fontsize=10)
        ax.set_ylim(*((1e-95, 1e5) if noise else (1e-6, 1e22)))
    start = Value(0.0, "a0")
    w = Value(1.0, "w")
    states = build(start, w, [0.5, -0.3, 0.8])
    for k, state in enumerate(states[1:], 1):
        state.label = f"a{k}"
    states[-1].backward()
    return {"size_by_depth": figure, "unrolled": sg.draw(states[-1])}
