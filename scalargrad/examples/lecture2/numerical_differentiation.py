"""Differences in place of derivatives: how exact they are, and what they cost.

A derivative is the limit of a difference, so it can be had from values of E alone:

    forward   ∂E/∂θ_t ≈ (E(θ + ε e_t) - E(θ)) / ε                error of the order of ε
    central   ∂E/∂θ_t ≈ (E(θ + ε e_t) - E(θ - ε e_t)) / (2 ε)    error of the order of ε²

where e_t is 1 at place t and else 0: it picks one parameter. (The lecture calls this vector δ_t; it
has nothing to do with the δ of backpropagation.)

Neither formula becomes exact as ε shrinks. E is rounded to about 16 digits, or to 7 in float32;
two nearly equal numbers are subtracted, and what is left of the digits is divided by ε. So the
error falls, reaches a lowest place, and rises again. And the cost: P parameters take P + 1 values
of E forward, as E(θ) serves all of them, and 2 P central; "as many as there are parameters", as the
lecture puts it, is nearly right. Backpropagation makes one pass forward and one back for any P.

Differences are for tests: `sg.check_grads` compares an engine's derivatives with them.

Source: Lecture 2, numerical differentiation: the limit formula and its properties.
Data: ours: the seven-node network with g = tanh and its eight weights.
Look for: the best ε is 1e-8 forward and 1e-5 central in float64. In float32 the best forward error
is 5e-4, and from ε = 1e-8 on w + ε is w: the gradient is exactly 0. Make the weights ten times as
large: they are coarser then, tanh is flatter, and the zeros begin at a larger ε.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn
from scalargrad.examples.lecture2 import seven_node

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EPSILONS", "METHODS", "Differences", "build", "cost", "error_in_float32", "figures",
    "gradient_in_float32", "mistake", "report", "run", "single",
]  # fmt: skip

EPSILONS = tuple(float(f"1e-{k}") for k in range(1, 15))
METHODS = ("forward", "central")
T = 1.0


def build(
    w: Mapping[str, Any], x: tuple[float, float] = seven_node.INPUTS,
    g: Callable[[Any], Any] = sg.tanh,
) -> Any:  # fmt: skip
    """E of the seven-node network, as a function of its weights, for the target 1.

    Args:
        w: the eight weights by "13" ... "67", numbers or Values.
        x: the two inputs.
        g: the activation.

    >>> round(build(seven_node.WEIGHTS), 6)
    0.570616
    """
    a1, a2 = x
    a3, a4 = g(w["13"] * a1 + w["23"] * a2), g(w["24"] * a2)
    a5, a6 = g(w["35"] * a3), g(w["36"] * a3 + w["46"] * a4)
    return losses.perceptron(w["57"] * a5 + w["67"] * a6, T)


# --- in single precision --------------------------------------------------------------------


def single(x: float) -> float:
    """The nearest number that float32 has: 24 binary digits are kept.

    >>> single(0.1)
    0.10000000149011612
    """
    return float(struct.unpack("f", struct.pack("f", x))[0])


def error_in_float32(w: Mapping[str, float]) -> float:
    """`build`, but each operation is rounded to float32.

    Args:
        w: the weights, floats.

    >>> round(error_in_float32(seven_node.WEIGHTS), 6)
    0.570616
    """
    w = {name: single(number) for name, number in w.items()}
    a1, a2 = map(single, seven_node.INPUTS)

    def g(z: float) -> float:
        return single(math.tanh(z))

    def times(a: float, b: float) -> float:
        return single(a * b)

    a3 = g(single(times(w["13"], a1) + times(w["23"], a2)))
    a4 = g(times(w["24"], a2))
    a5 = g(times(w["35"], a3))
    a6 = g(single(times(w["36"], a3) + times(w["46"], a4)))
    z7 = single(times(w["57"], a5) + times(w["67"], a6))
    return max(0.0, -z7 * T)


def gradient_in_float32(
    w: Mapping[str, float], method: str = "forward", eps: float = 1e-4
) -> dict[str, float]:
    """The difference formulas, with every number and operation in float32.

    Args:
        w: the weights.
        method: "forward" or "central".
        eps: the step, positive.

    Raises:
        ValueError: an unknown method.

    >>> set(gradient_in_float32(seven_node.WEIGHTS, eps=1e-8).values())
    {0.0}
    """
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}, got {method!r}")
    w, step = {name: single(number) for name, number in w.items()}, single(eps)
    base = error_in_float32(w)
    gradient = {}
    for name, number in w.items():
        ahead = error_in_float32(w | {name: single(number + step)})
        if method == "forward":
            gradient[name] = single(single(ahead - base) / step)
        else:
            behind = error_in_float32(w | {name: single(number - step)})
            gradient[name] = single(single(ahead - behind) / single(2.0 * step))
    return gradient


# --- what it costs, and what it is for ------------------------------------------------------


def cost(f: Callable[..., Any], argument: Any, method: str) -> int:
    """How often `sg.numerical_grad` computes f for one gradient.

    Args:
        f: a function of one argument that gives a number.
        argument: its argument, a number or a nesting of them.
        method: "forward" or "central".

    >>> cost(build, seven_node.WEIGHTS, "forward"), cost(build, seven_node.WEIGHTS, "central")
    (9, 16)
    """
    calls = 0

    def counted(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return f(x)

    sg.numerical_grad(counted, (argument,), method)
    return calls


def mistake() -> str:
    """What `sg.check_grads` says about a tanh whose derivative is wrong: 1 - a, in place of 1 - a².

    >>> mistake().startswith("derivative 1 of error_with_a_slip by argument")
    True
    """
    wrong = sg.primitive("tanh_with_a_slip", math.tanh, lambda z, a: (1.0 - a,))

    def error_with_a_slip(w: Mapping[str, Any]) -> Any:
        return build(w, g=wrong)

    try:
        sg.check_grads(error_with_a_slip, (dict(seven_node.WEIGHTS),))
    except sg.GradientCheckError as found:
        return str(found)
    raise AssertionError("check_grads has overlooked a wrong derivative")


def _timed(seed: int = 0) -> tuple[int, float]:
    """How many parameters a network 8-16-16-1 has, and how many passes its differences last.

    One pass is forward and backward, by the engine.
    """
    random.seed(seed)
    model = nn.MLP(8, [16, 16, 1], "tanh")
    x = [random.uniform(-1.0, 1.0) for _ in range(8)]
    parameters = model.parameters()
    base, eps, slopes = model(x).data, 1e-8, list[float]()

    def one_pass() -> None:
        model(x).backward()

    def all_differences() -> None:
        slopes.clear()
        for parameter in parameters:
            parameter.data += eps
            slopes.append((model(x).data - base) / eps)
            parameter.data -= eps

    quickest = min(_seconds(one_pass) for _ in range(20))
    return len(parameters), min(_seconds(all_differences) for _ in range(2)) / quickest


def _seconds(work: Callable[[], None]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Differences:
    """What `run` computes.

    `exact` is the gradient by the engine. `errors[kind, method]` has the largest error of a weight
    for each of `epsilons`, `kind` being "float64" or "float32". `evaluations` counts, by method,
    how often E was computed for one gradient. `message` tells of a mistake that was found. For a
    network of `parameters` parameters, forward differences took as long as `passes` passes forward
    and backward; this is the only number that differs from run to run.
    """

    exact: dict[str, float]
    epsilons: tuple[float, ...]
    errors: dict[tuple[str, str], list[float]]
    evaluations: dict[str, int]
    message: str
    parameters: int
    passes: float

    def best(self, kind: str, method: str) -> tuple[float, float]:
        """The smallest error, and the ε that it belongs to."""
        return min(zip(self.errors[kind, method], self.epsilons, strict=True))


def run(epsilons: tuple[float, ...] = EPSILONS) -> Differences:
    """The gradient by differences, for each ε and both formulas, in float64 and in float32.

    Args:
        epsilons: the steps.

    >>> result = run()
    >>> result.best("float64", "central")[1]
    1e-05
    """
    weights = dict(seven_node.WEIGHTS)
    exact = sg.grad(build)(weights)
    errors = {}
    for method in METHODS:
        in_double = [sg.numerical_grad(build, (weights,), method, eps)[0] for eps in epsilons]
        in_single = [gradient_in_float32(weights, method, eps) for eps in epsilons]
        for kind, gradients in (("float64", in_double), ("float32", in_single)):
            errors[kind, method] = [
                max(abs(gradient[name] - exact[name]) for name in exact) for gradient in gradients
            ]
    return Differences(
        exact, epsilons, errors, {method: cost(build, weights, method) for method in METHODS},
        mistake(), *_timed(),
    )  # fmt: skip


def report(result: Differences) -> str:
    """The errors as a table, the counts, and what the check says of a slip."""
    columns = [(kind, method) for kind in ("float64", "float32") for method in METHODS]
    lines = ["The largest error of a derivative", ""]
    lines += ["  ε       " + "".join(f"{f'{kind} {method}':>18}" for kind, method in columns)]
    for k, eps in enumerate(result.epsilons):
        numbers = "".join(f"{result.errors[column][k]:>18.1e}" for column in columns)
        lines.append(f"  {eps:<8.0e}{numbers}")
    lines += ["", "Best"]
    for kind, method in columns:
        error, eps = result.best(kind, method)
        lines.append(f"  {kind} {method}: {error:.1e} at ε = {eps:.0e}")
    p = len(result.exact)
    lines += [
        "", f"For one gradient by {p} weights E is computed",
        f"  forward   {result.evaluations['forward']:>3} times (P + 1)",
        f"  central   {result.evaluations['central']:>3} times (2 P)",
        "  backprop    1 time, and one pass back",
        "", f"With {result.parameters} parameters, forward differences took as long as",
        f"  {result.passes:.0f} passes forward and backward (the clock says; it differs each time)",
        "", "A tanh with the derivative 1 - a, under check_grads:",
    ]  # fmt: skip
    return "\n".join([*lines, *(f"  {part}" for part in _wrapped(result.message))])


def _wrapped(text: str, width: int = 90) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f"{word} "
    return [line.rstrip() for line in lines]


def figures(result: Differences) -> dict[str, Picture]:
    """The error over ε on logarithmic axes."""
    from scalargrad import plot

    errors = plot.lines(
        {", ".join(kind): (result.epsilons, ys) for kind, ys in result.errors.items()},
        xlabel="step ε", ylabel="largest error of a derivative", xscale="log", yscale="log",
        markers=True, title="Too large a step, and too small a step",
        alt="The error over ε on logarithmic axes. Each of four lines falls with ε, by the "
        "formula's error, and rises again as ε shrinks further, by rounding. The lowest points are "
        "about 1e-8 and 2e-11 in float64, 5e-4 and 1e-5 in float32; and float32 is flat from 1e-8 "
        "on, where all its derivatives are 0.",
    )  # fmt: skip
    return {"errors": errors}
