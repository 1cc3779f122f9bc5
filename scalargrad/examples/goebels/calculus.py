"""Derivatives to warm up: two variables, the chain rule, a cost, and the sigmoid.

    f(x, y) = x^2 + x y + y^2        ∂f/∂x = 2x + y        ∂f/∂y = x + 2y
    z(x) = sin(x^2 + 1)              dz/dx = cos(x^2 + 1) 2x
    C(x) = 1/2 Σ (y_i - x_i)^2       ∂C/∂x_j = x_j - y_j
    σ(z) = 1 / (1 + e^-z)            σ'(z) = σ(z) (1 - σ(z))

A derivative is the slope of the tangent. For f of two variables there are two slopes, and the
gradient ∇f holds both; steepest descent goes in the opposite direction. Where the gradient is 0, f
has a stationary point; here it is the minimum at (0, 0). In the chain rule the outer slope is
multiplied by the inner slope. In C, each y_i - x_i depends on its own x_i alone: ∂(y_i - x_i)/∂x_j
is -1 where i = j and 0 elsewhere, so one term of the sum is left.

By the last formula σ' needs nothing but the output σ, so the forward pass leaves all that the
backward pass needs. The library computes σ so that it does not overflow where e^-z would.

Source: Goebels, on Rumelhart, Hinton and Williams (1986): the slides on derivatives and sigmoids.
The slide prints ∂f/∂y as "y + 2y", which must be x + 2y; `printed_slope` shows what the misprint
would give.
Data: f and the formulas are the lecture's; the numbers put in are ours.
Look for: at (0, 0) the misprint gives the right number by chance, so one test is no proof. At
z = 40, σ is rounded to 1 and σ (1 - σ) would be 0; the engine computes the slope from z and keeps
its 4e-18. Roll the ball with `run(lr=0.9)`: each update takes it across the valley, and it still
comes to rest.
Conclusion: these four derivatives are all the calculus that back-propagation needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Calculus", "build", "chained", "figures", "hill", "partial_slopes", "printed_slope", "report",
    "run", "sigmoid_slope",
]  # fmt: skip

POINTS = ((1.0, 2.0), (-3.0, 0.5), (0.0, 0.0), (2.0, -1.0))
COST = ((0.2, 0.3, 1.5), (0.5, -1.0, 2.0))  # x, the outputs; y, the targets
EXTREMES = (-1000.0, -40.0, -1.0, 0.0, 1.0, 40.0, 1000.0)


def build(x: Any, y: Any) -> Any:
    """f(x, y) = x² + x y + y², of numbers or Values.

    >>> sg.grad(build, (0, 1))(1.0, 2.0)
    (4.0, 5.0)
    """
    return x**2 + x * y + y**2


def partial_slopes(x: float, y: float) -> tuple[float, float]:
    """∂f/∂x and ∂f/∂y by hand.

    >>> partial_slopes(1.0, 2.0)
    (4.0, 5.0)
    """
    return 2 * x + y, x + 2 * y


def printed_slope(x: float, y: float) -> float:
    """∂f/∂y as it is printed, which is wrong: y + 2y.

    >>> printed_slope(1.0, 2.0)
    6.0
    """
    return y + 2 * y


def chained(x: Any) -> Any:
    """z = sin(x² + 1), one function inside another.

    >>> round(sg.grad(chained)(0.7), 6)
    0.112992
    """
    return sg.sin(x**2 + 1)


def sigmoid_slope(z: float) -> float:
    """σ'(z) by hand, without a number that could overflow: e^-|z| / (1 + e^-|z|)².

    >>> sigmoid_slope(0.0), sigmoid_slope(-1000.0)
    (0.25, 0.0)
    """
    e = math.exp(-abs(z))
    return e / (1.0 + e) ** 2


def hill(w: Any) -> Any:
    """The curve that the ball rolls down: a valley with its minimum at w = 1.

    >>> sg.grad(hill)(1.0)
    0.0
    """
    return 0.25 + (w - 1.0) ** 2


@dataclass(frozen=True)
class Calculus:
    """What `run` computes, each by the engine."""

    points: list[tuple[tuple[float, float], float, tuple[float, float]]]  # where, f, gradient
    chain: tuple[float, float, float]  # x, z, dz/dx
    cost: tuple[float, list[float]]  # C, gradient
    sigmoid: list[tuple[float, float, float]]  # z, σ, σ'
    path: list[float]  # of the ball


def run(x: float = 0.7, lr: float = 0.2) -> Calculus:
    """All derivatives, and the path of a ball that goes down `hill` from w = -0.5.

    Args:
        x: where the chain rule is tried.
        lr: the learning rate of the ball; it takes eight updates.

    >>> run().points[0]
    ((1.0, 2.0), 7.0, (4.0, 5.0))
    """
    path = [-0.5]
    for _ in range(8):
        path.append(path[-1] - lr * sg.grad(hill)(path[-1]))
    outputs, targets = COST
    C, gradient = sg.value_and_grad(losses.squared_error)([*outputs], [*targets])
    return Calculus(
        [(at, *sg.value_and_grad(build, (0, 1))(*at)) for at in POINTS],
        (x, *sg.value_and_grad(chained)(x)),
        (C, gradient),
        [(z, *sg.value_and_grad(sg.sigmoid)(z)) for z in EXTREMES],
        path,
    )


def report(result: Calculus) -> str:
    """Each derivative beside the one by hand."""
    lines = ["f = x² + x y + y², and its partial derivatives by the engine and by hand", ""]
    lines += ["        at             f    ∂f/∂x    ∂f/∂y   x + 2y   y + 2y (printed)"]
    for (x, y), f, (fx, fy) in result.points:
        hand = f"{partial_slopes(x, y)[1]:8.2f} {printed_slope(x, y):8.2f}"
        lines.append(f"  ({x:5.2f}, {y:5.2f})  {f:8.2f} {fx:8.2f} {fy:8.2f} {hand}")
    x, z, slope = result.chain
    outer, inner = math.cos(x**2 + 1), 2 * x
    lines += ["", f"The chain rule: z = sin(x² + 1) at x = {x:g} is {z:.6f}, dz/dx = {slope:.6f}"]
    lines += [f"  outer slope {outer:.6f} times inner slope {inner:.6f} is {outer * inner:.6f}"]
    lines += ["", f"The cost C = 1/2 Σ (y - x)² = {result.cost[0]:.4f}", ""]
    for j, (xj, yj, d) in enumerate(zip(*COST, result.cost[1], strict=True), 1):
        lines.append(f"  ∂C/∂x{j} = {d:+.2f}    x{j} - y{j} = {xj:g} - {yj:g} = {xj - yj:+.2f}")
    lines += [
        "",
        "The sigmoid, from z = -1000 to 1000",
        "",
        "        z   σ(z)               σ'(z)          σ' by hand",
    ]
    for z, value, slope in result.sigmoid:
        lines.append(f"  {z:7g}   {value:<17.12g}  {slope:<13.6e}  {sigmoid_slope(z):.6e}")
    lines += ["", "The ball, from w = -0.5 downhill to the minimum at 1: w =", ""]
    lines += ["  " + ", ".join(f"{w:.3f}" for w in result.path)]
    return "\n".join(lines)


def figures(result: Calculus) -> dict[str, Picture]:
    """The sigmoid with its slope, a tangent, the ball on its curve, and f with its gradient."""
    from scalargrad import plot

    x, z, slope = result.chain

    def surface(x: float, y: float) -> float:
        value: float = build(x, y)
        return value

    (at, _, _) = result.points[0]
    return {
        "sigmoid": plot.activation(
            "sigmoid", (-8.0, 8.0), title="The sigmoid and its slope",
            alt="The sigmoid rises from 0 to 1; its slope is a bump of height 1/4 at 0, and next "
            "to nothing beyond 6 on either side.",
        ),
        "tangent": plot.curves(
            {"sin(x² + 1)": chained, f"tangent, slope {slope:.3f}": lambda t: z + slope * (t - x)},
            (-0.2, 1.6), marks={f"x = {x:g}": ([x], [z])}, ylabel="z",
            title="The derivative is the slope of the tangent",
            alt=f"The curve sin(x² + 1), and its tangent at x = {x:g} with the slope {slope:.3f}.",
        ),
        "ball": plot.error_curve(
            hill, (-0.8, 2.8), ylabel="E(w)", path=result.path, tangent=result.path[0],
            title="Descent: the flatter the slope, the shorter the step", minima=[1.0],
            alt="A valley with its minimum at w = 1, and a ball that starts at w = -0.5; its steps "
            "shorten with the slope.",
        ),
        "surface": plot.error_surface(
            surface, ((-3.0, 3.0), (-3.0, 3.0)), kind="surface", arrow=at, xlabel="x", ylabel="y",
            zlabel="f", points={"minimum": (0.0, 0.0), "(1, 2)": at},
            title="f = x² + xy + y², and steepest descent at (1, 2)",
            alt="The surface of f, a bowl with its minimum at (0, 0); an arrow on the ground at "
            "(1, 2) is minus the gradient.",
        ),
    }  # fmt: skip
