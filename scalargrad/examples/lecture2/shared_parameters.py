"""Shared parameters: the seven-node network with two weights, u and v, four times each.

Many networks use the same weight in several places: a convolution slides one filter over a whole
picture, a recurrent network uses one matrix at every moment. The smallest example is the seven-node
network with two numbers on its eight edges:

    u = w13 = w24 = w36 = w57        v = w23 = w35 = w46 = w67

To move u is to move four weights at once, so the derivative is the sum over its four edges:

    ∂z7/∂u = ∂z7/∂w13 ∂w13/∂u + ∂z7/∂w24 ∂w24/∂u + ∂z7/∂w36 ∂w36/∂u + ∂z7/∂w57 ∂w57/∂u

where each ∂w/∂u is 1. The backward pass computes the eight ∂z7/∂w as if the weights were eight
different numbers, and then adds them up, four for u and four for v. The engine needs no rule for
this: a Value that is used four times collects four terms in its `grad`.

Two slips of the slide: the braces that say "1" seem to be under whole products, but belong to ∂w/∂u
and ∂w/∂v alone. And the formulas are for z7; those of E have one more factor, ∂E/∂z7.

Source: Lecture 2, Error backpropagation: shared parameters.
Data: ours: x = (0.5, -1), u = 0.6, v = -0.4, t = +1, g = tanh.
Look for: the four terms of each sum differ, although it is one number that moves. With `run(v=0.0)`
z7 is 0, and so is every term of u: each way to node 7 passes a v. The pictures `exercise` and
`exercise_key` are the same computation to do by hand.
Conclusion: treat every use of a shared parameter as a weight of its own, then add the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.lecture2 import seven_node, slides

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = ["SHARED", "Shared", "U", "V", "build", "figures", "report", "run"]

U, V = 0.6, -0.4
SHARED = {"u": ("13", "24", "36", "57"), "v": ("23", "35", "46", "67")}


def build(
    u: Any, v: Any, x: tuple[float, float] = seven_node.INPUTS, g: Callable[[Any], Any] = sg.tanh
) -> Any:
    """z7 of the network, forward.

    Args:
        u, v: the two parameters, numbers or Values.
        x: the two inputs.
        g: the activation of the nodes 3 to 6.

    >>> round(build(0.6, -0.4), 6)
    -0.350608
    """
    a1, a2 = x
    a3 = _named("a3", g(u * a1 + v * a2))
    a4 = _named("a4", g(u * a2))
    a5 = _named("a5", g(v * a3))
    a6 = _named("a6", g(u * a3 + v * a4))
    return u * a5 + v * a6


def _named(name: str, x: Any) -> Any:
    """The number or Value `x`; a Value has this label in the pictures."""
    if isinstance(x, Value):
        x.label = name
    return x


@dataclass(frozen=True)
class Shared:
    """What `run` computes.

    `u` and `v` are Values whose `grad` is that of z7. `single` is the network of eight weights,
    each on its own, and `terms` are the derivatives of its z7; `sums` adds them up. `of_error` are
    ∂E/∂u and ∂E/∂v.
    """

    u: Value
    v: Value
    z7: Value
    single: seven_node.SevenNode
    terms: dict[str, dict[str, float]]
    sums: dict[str, float]
    of_error: dict[str, float]


def run(u: float = U, v: float = V, t: float = 1.0) -> Shared:
    """Differentiate z7 by u and v, and beside it by eight weights that only happen to be equal.

    Args:
        u, v: the two parameters.
        t: the target, for the error.

    >>> result = run()
    >>> abs(result.u.grad - result.sums["u"]) < 1e-15
    True
    """
    u_value, v_value = Value(u, "u"), Value(v, "v")
    z7 = build(u_value, v_value)
    z7.label = "z7"
    z7.backward()
    numbers = {"u": u, "v": v}
    weights = {name: numbers[p] for p, names in SHARED.items() for name in names}
    single = seven_node.build(weights={name: weights[name] for name in seven_node.WEIGHTS})
    single.z[7].backward()
    terms = {p: {name: single.w[name].grad for name in names} for p, names in SHARED.items()}
    of_u, of_v = sg.grad(lambda u, v: losses.perceptron(build(u, v), t), (0, 1))(u, v)
    return Shared(
        u_value, v_value, z7, single, terms, {p: sum(parts.values()) for p, parts in terms.items()},
        {"u": of_u, "v": of_v},
    )  # fmt: skip


def report(result: Shared) -> str:
    """The terms of both sums, beside what the engine collected."""
    lines = [f"z7 = {result.z7.data:+.9f} with u = {result.u.data}, v = {result.v.data}", ""]
    for value in (result.u, result.v):
        for name, term in result.terms[value.label].items():
            lines.append(f"  ∂z7/∂w{name}   {term:+.9f}   (w{name} = {value.label})")
        lines += [
            f"  sum        {result.sums[value.label]:+.9f}",
            f"  ∂z7/∂{value.label}     {value.grad:+.9f}   by the engine",
            f"  ∂E/∂{value.label}      {result.of_error[value.label]:+.9f}", "",
        ]  # fmt: skip
    return "\n".join(lines).rstrip()


# What each slide adds; the last two add up what stands on the edges of a parameter
_STAGES: tuple[tuple[Any, ...], ...] = (*seven_node.BACKWARD, ("u",), ("v",))


def lines(result: Shared) -> dict[Any, list[slides.Line]]:
    """The lines of the backward pass of z7, and the two sums over edges at the end.

    Args:
        result: what `run` computes.

    >>> print(lines(run())["u"][0].text(40))
    ∂z₇/∂u = ∂z₇/∂w₁₃ + ∂z₇/∂w₂₄ + ∂z₇/∂w₃₆ + ∂z₇/∂w₅₇
          = (−0.127) + (−0.083) + (−0.176) + (−0.237) = −0.624
    """
    parameter = {name: p for p, names in SHARED.items() for name in names}
    formulas = slides.backward_lines(result.single, "z7", parameter)
    for p, terms in result.terms.items():
        names = [formulas[int(name[0]), int(name[1])][0].name for name in terms]
        numbers = [slides.factor(slides.shown(term)) for term in terms.values()]
        formulas[p] = [
            slides.Line(f"∂z₇/∂{p}", " + ".join(names), " + ".join(numbers), result.sums[p])
        ]  # fmt: skip
    return formulas


def figures(result: Shared) -> dict[str, Picture]:
    """The network, its backward pass by slides, an exercise and its key, both sums, the graph."""
    from scalargrad import plot

    on_edge = {
        (int(name[0]), int(name[1])): p for p, names in SHARED.items() for name in names
    }  # fmt: skip
    parameter = {f"{i}{j}": p for (i, j), p in on_edge.items()}
    network = slides.labelled(
        result.single, "Eight edges, two parameters",
        "The seven-node network. u is beside the edges 1-3, 2-4, 3-6 and 5-7, which are drawn "
        "thick; v is beside the other four.",
        names=parameter, wide=[edge for edge, p in on_edge.items() if p == "u"],
    )  # fmt: skip
    page = plot.figure(
        1, 2, width=9.0, height=3.6,
        alt="The four terms of ∂z7/∂u and of ∂z7/∂v as bars, and their sum as the last bar.",
    )  # fmt: skip
    for ax, (p, terms) in zip(page.axes, result.terms.items(), strict=True):
        plot.bars(
            {p: [*terms.values(), result.sums[p]]}, [*(f"w{name}" for name in terms), "sum"],
            ylabel=f"∂z7/∂{p}, and its terms", title=f"∂z7/∂{p} = {result.sums[p]:+.4f}", ax=ax,
        )  # fmt: skip
    formulas = lines(result)
    backward = slides.pass_page(
        result.single, _STAGES, formulas, True,
        "The seven-node network with u and v on its edges, slide by slide: δ of node 7 is 1, then "
        "the derivatives of z7 by the weights, and δ of the nodes before. The last two slides add "
        "up the four edges of u, and those of v.",
        parameter, {p: [e for e, q in on_edge.items() if q == p] for p in SHARED},
    )  # fmt: skip
    sheets = [
        slides.work_sheet(
            result.single, formulas, blank, f"Shared parameters u and v{': key' * (not blank)}",
            "The seven-node network with u and v on its edges after the forward pass, and below it "
            "the lines of the backward pass, "
            f"{'results left open' if blank else 'with their numbers'}.",
            parameter,
        )
        for blank in (True, False)
    ]  # fmt: skip
    return {
        "network": network, "backward": backward, "exercise": sheets[0], "exercise_key": sheets[1],
        "terms": page, "graph": sg.draw(result.z7), "film": sg.steps(result.z7),
    }  # fmt: skip
