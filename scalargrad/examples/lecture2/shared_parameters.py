"""Shared parameters: the seven-node network with two weights, u and v, four times each.

    u = w13 = w24 = w36 = w57        v = w23 = w35 = w46 = w67

One parameter then stands on several edges, and its derivative is the sum over them:

    ∂z7/∂u = ∂z7/∂w13 ∂w13/∂u + ∂z7/∂w24 ∂w24/∂u + ∂z7/∂w36 ∂w36/∂u + ∂z7/∂w57 ∂w57/∂u

where each ∂w/∂u is 1. In the lecture the braces that say "1" seem to stand under whole products;
they belong to ∂w/∂u and ∂w/∂v alone. And its formulas are for z7, not for E. The engine needs no
rule for it: a Value that is used four times collects four terms. That is how networks that run
through time or over a picture learn.

Source: Lecture 2, shared parameters.
Data: ours: x = (0.5, -1), u = 0.6, v = -0.4, t = +1, g = tanh.
Look for: the four terms of each sum differ, though it is one number that is moved. With
`run(v=0.0)` z7 is 0, and so is every term of u: each way to node 7 passes a v.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.lecture2 import seven_node

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
    a3 = g(u * a1 + v * a2)
    a4 = g(u * a2)
    a5 = g(v * a3)
    a6 = g(u * a3 + v * a4)
    return u * a5 + v * a6


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


def figures(result: Shared) -> dict[str, Picture]:
    """The network with u and v on its edges, its way back, the terms of both sums, the graph."""
    from scalargrad import plot

    on_edge = {
        (int(name[0]), int(name[1])): p for p, names in SHARED.items() for name in names
    }  # fmt: skip
    network = plot.diagram(
        seven_node.PLACES, seven_node.EDGES, names={n: str(n) for n in seven_node.PLACES},
        edge_labels=on_edge, highlight={edge for edge, p in on_edge.items() if p == "u"},
        title="Eight edges, two parameters",
        alt="The seven-node network. u stands on the edges 1-3, 2-4, 3-6 and 5-7, which are drawn "
        "thick; v stands on the other four.",
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
    return {
        "network": network, "backward": seven_node.frames(result.single, True, "z7", on_edge),
        "terms": page, "graph": sg.draw(result.z7), "film": sg.steps(result.z7),
    }  # fmt: skip
