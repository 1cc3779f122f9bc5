"""Differences in place of derivatives: how exact they are, and what they cost.

A derivative is the limit of a difference. If you only have values of E, take a small step ε in one
parameter, and divide the change of E by ε:

    forward   ∂E/∂θ_t ≈ (E(θ + ε e_t) - E(θ)) / ε                error of the order of ε
    central   ∂E/∂θ_t ≈ (E(θ + ε e_t) - E(θ - ε e_t)) / (2 ε)    error of the order of ε²

where e_t is 1 at place t and else 0: it picks one parameter. (The lecture calls this vector δ_t; it
has nothing to do with the δ of backpropagation.)

How exact is it? Neither formula becomes exact as ε shrinks. E is rounded to about 16 digits, or to
7 in float32; two nearly equal numbers are subtracted, and what is left of the digits is divided by
ε. So the error falls, reaches a lowest place, and rises again.

What does it cost? P parameters take P + 1 values of E forward, as E(θ) serves all of them, and 2 P
central; "as many as there are parameters", as the lecture puts it, is nearly right. One value of E
takes of the order of P operations itself, so the cost of a gradient grows with P². The lecture
names networks of 10³ to 10⁹ parameters: a thousand times more parameters cost a million times more.
Backpropagation makes one pass forward and one back for any P, and grows with P.

So differences are for tests: `sg.check_grads` compares an engine's derivatives with them.

Source: Lecture 2, Error backpropagation: numerical differentiation, the limit formula, its
properties.
Data: ours: the seven-node network with g = tanh and its eight weights. For the cost one layer of
tanh units with P weights: times of one value of E and of one gradient, measured for P = 10 to 10⁶
on one core of a server (`RECORDED`; `measured(P)` repeats one on your machine). All the differences
were computed up to P = 1000; from there they are P + 1 times one value, and 10⁹ is extrapolated.
Look for: the best ε is 1e-8 forward and 1e-5 central in float64. In float32 the best forward error
is 5e-4, and from ε = 1e-8 on w + ε is w: the gradient is exactly 0. Make the weights ten times as
large: they are coarser then, tanh is flatter, and the zeros begin at a larger ε. In the table of
costs look where a second becomes an hour, and an hour a lifetime.
Conclusion: differences are a good test of a gradient and no way to train: at a billion parameters
one gradient takes centuries.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.examples.lecture2 import seven_node

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EPSILONS", "METHODS", "RECORDED", "SHAPES", "Cost", "Differences", "build", "cost",
    "error_in_float32", "extrapolated", "figures", "gradient_in_float32", "lasting", "layer",
    "measured", "mistake", "report", "run", "single",
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


@dataclass(frozen=True)
class Cost:
    """Seconds for P parameters: of one value of E, of one gradient by the engine, of differences.

    `differences` are forward. They are computed in full if `complete`, else P + 1 values of E.
    """

    parameters: int
    value: float
    gradient: float
    differences: float
    complete: bool


SHAPES = {10: (5, 2), 100: (10, 10), 1_000: (40, 25), 10_000: (100, 100), 100_000: (400, 250),
          1_000_000: (1000, 1000)}  # fmt: skip
RECORDED = (  # one core of a server, CPython 3.11
    Cost(10, 4.97e-06, 2.51e-06, 7.35e-05, True),
    Cost(100, 1.34e-05, 9.24e-06, 1.38e-03, True),
    Cost(1000, 4.74e-05, 4.35e-05, 4.90e-02, True),
    Cost(10000, 3.16e-04, 3.53e-04, 3.16e00, False),
    Cost(100000, 2.88e-03, 7.88e-03, 2.88e02, False),
    Cost(1000000, 2.67e-02, 8.81e-02, 2.67e04, False),
)


def layer(w: Sequence[Sequence[Any]], x: Sequence[float]) -> Any:
    """E of one layer of tanh units: half the sum of their squares.

    Args:
        w: for each unit its weights, numbers or Values.
        x: the inputs.

    >>> layer([[0.0, 1.0]], [3.0, 0.0])
    0.0
    """
    outputs = [sg.tanh(sg.dot(row, x)) for row in w]
    return 0.5 * sg.dot(outputs, outputs)


def measured(parameters: int, complete: int = 1000) -> Cost:
    """Measure the cost of a gradient of `layer` on this machine.

    Args:
        parameters: P, one of `SHAPES`.
        complete: up to how many parameters to compute all the differences.

    >>> measured(100).differences > measured(100).value
    True
    """
    nin, units = SHAPES[parameters]
    draw = random.Random(parameters)
    x = [draw.uniform(-1.0, 1.0) for _ in range(nin)]
    w = [[Value(draw.uniform(-1.0, 1.0) / math.sqrt(nin)) for _ in x] for _ in range(units)]
    flat, eps = [wij for row in w for wij in row], 1e-8

    def one_value() -> float:
        with sg.no_grad():
            E: float = layer(w, x).data
        return E

    def all_differences() -> None:
        base, slopes = one_value(), list[float]()
        for wij in flat:
            number = wij.data
            wij.data = number + eps
            slopes.append((one_value() - base) / eps)
            wij.data = number

    repeats = max(3, min(50, 20_000 // parameters))
    value = min(_seconds(one_value) for _ in range(repeats))
    gradient = min(_seconds(lambda: layer(w, x).backward()) for _ in range(repeats))
    whole = parameters <= complete
    differences = _seconds(all_differences) if whole else (parameters + 1) * value
    return Cost(parameters, value, gradient, differences, whole)


def extrapolated(costs: Sequence[Cost], parameters: int = 10**9) -> Cost:
    """The cost for more parameters: a value and a gradient grow with P, differences with P².

    Args:
        costs: measured ones; the last is taken as the base.
        parameters: P.

    >>> extrapolated([Cost(10, 1.0, 3.0, 11.0, True)], 1000)
    Cost(parameters=1000, value=100.0, gradient=300.0, differences=100100.0, complete=False)
    """
    last = costs[-1]
    factor = parameters / last.parameters
    value = last.value * factor
    return Cost(parameters, value, last.gradient * factor, (parameters + 1) * value, False)


def lasting(seconds: float) -> str:
    """A time as one says it.

    >>> lasting(3e-6), lasting(0.02), lasting(90.0), lasting(2e10)
    ('3 µs', '20 ms', '1.5 minutes', '634 years')
    """
    units = (
        (31_557_600.0, "years"), (86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"),
        (1.0, "s"), (1e-3, "ms"),
    )  # fmt: skip
    size, unit = next((pair for pair in units if seconds >= pair[0]), (1e-6, "µs"))
    count = seconds / size
    return f"{count:,.0f} {unit}" if count >= 9.5 else f"{count:.2g} {unit}"


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


def _seconds(work: Callable[[], Any]) -> float:
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
    lines += [f"  {part}" for part in _wrapped(result.message)]
    lines += [
        "", "The time of one gradient, by the number of parameters P (recorded on one core)", "",
        "              P   one value of E     backprop     P + 1 values of E",
    ]  # fmt: skip
    for c in _costs():
        how = "measured" if c.complete else "P + 1 times one value"
        if c.parameters > RECORDED[-1].parameters:
            how = "extrapolated"
        lines.append(
            f"  {c.parameters:>13,}   {lasting(c.value):>14}   {lasting(c.gradient):>10}   "
            f"{lasting(c.differences):>15}   {how}"
        )
    last = _costs()[-1]
    lines += [
        "",
        f"  With a billion parameters this gradient would take {lasting(last.differences)} by "
        f"differences, {lasting(last.gradient)} by backpropagation.",
    ]
    return "\n".join(lines)


def _costs() -> list[Cost]:
    """The recorded costs, and those of a hundred million and of a billion parameters."""
    return [*RECORDED, *(extrapolated(RECORDED, 10**k) for k in (7, 8, 9))]


def _wrapped(text: str, width: int = 90) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f"{word} "
    return [line.rstrip() for line in lines]


def figures(result: Differences) -> dict[str, Picture]:
    """The error over ε, and the time of a gradient over P, on logarithmic axes."""
    from scalargrad import plot

    errors = plot.lines(
        {", ".join(kind): (result.epsilons, ys) for kind, ys in result.errors.items()},
        xlabel="step ε", ylabel="largest error of a derivative", xscale="log", yscale="log",
        markers=True, title="A step can be too large, and too small",
        alt="The error over ε on logarithmic axes. Each of four lines falls with ε, by the "
        "formula's error, and rises again as ε shrinks further, by rounding. The lowest points are "
        "about 1e-8 and 2e-11 in float64, 5e-4 and 1e-5 in float32; and float32 is flat from 1e-8 "
        "on, where all its derivatives are 0.",
    )  # fmt: skip
    return {"errors": errors, "cost": _cost_figure()}


def _cost_figure() -> Picture:
    """Seconds for one gradient over P, by differences and by backpropagation."""
    from scalargrad import plot

    costs = _costs()
    ps, known = [c.parameters for c in costs], len(RECORDED)
    by_differences = [c.differences for c in costs]
    by_backprop = [c.gradient for c in costs]
    figure = plot.lines(
        {
            "differences": (ps[:known], by_differences[:known]),
            "differences, extrapolated": (ps[known - 1 :], by_differences[known - 1 :]),
            "backpropagation": (ps[:known], by_backprop[:known]),
            "backpropagation, extrapolated": (ps[known - 1 :], by_backprop[known - 1 :]),
        },
        xlabel="parameters P", ylabel="seconds for one gradient", xscale="log", yscale="log",
        markers=True, title="Shaded: the 10³ to 10⁹ parameters that the lecture names",
        ax=plot.figure(width=8.4, height=5.6).axes[0],
        alt="Seconds for one gradient over the number of parameters, on logarithmic axes. By "
        f"differences it goes from {lasting(by_differences[0])} at 10 parameters to "
        f"{lasting(by_differences[known - 1])} at a million and {lasting(by_differences[-1])} at a "
        f"billion; by backpropagation to {lasting(by_backprop[known - 1])} and "
        f"{lasting(by_backprop[-1])}. Level lines mark a second, an hour, a year and a century.",
    )  # fmt: skip
    ax = figure.axes[0]
    for seconds, name in (
        (1.0, "1 second"), (3600.0, "1 hour"), (31_557_600.0, "1 year"),
        (3_155_760_000.0, "century"),
    ):  # fmt: skip
        ax.axhline(seconds, color="#8a8a8a", linewidth=0.9, linestyle=(0, (2, 2)), zorder=0.8)
        ax.text(8.0, seconds * 1.3, name, fontsize=10, ha="left", va="bottom")
    for p, spot, text in (
        (by_differences, (-8, -4), f"{lasting(by_differences[-1])}"),
        (by_backprop, (-8, 10), lasting(by_backprop[-1])),
    ):
        ax.annotate(
            text, (ps[-1], p[-1]), xytext=spot, textcoords="offset points", ha="right",
            fontsize=11, weight="bold",
        )  # fmt: skip
    ax.axvspan(1e3, 1e9, color="#f0f0f0", zorder=0.5)
    first, second = ax.lines[0], ax.lines[2]  # an extrapolation is drawn as what it goes on from
    for line, of in ((ax.lines[1], first), (ax.lines[3], second)):
        line.set(color=of.get_color(), linestyle=(0, (2, 2)), marker=of.get_marker(),
                 markerfacecolor="white")  # fmt: skip
    ax.set_xlim(6.0, 2e9)
    ax.legend(loc="upper left", bbox_to_anchor=(0.12, 1.0), fontsize=10, framealpha=0.95,
              edgecolor="none")  # fmt: skip
    return figure
