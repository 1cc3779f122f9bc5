"""The worked example: seven nodes, eight weights, and every derivative.

A network small enough to compute by hand, and large enough to show everything that happens in a
large one: a node that leads to two others (3), and nodes that two lead to (3, 6 and 7).

    1 -> 3      z3 = x1 w13 + x2 w23    a3 = g(z3)
    2 -> 3, 4   z4 = x2 w24             a4 = g(z4)
    3 -> 5, 6   z5 = a3 w35             a5 = g(z5)
    4 -> 6      z6 = a3 w36 + a4 w46    a6 = g(z6)
    5 -> 7      z7 = a5 w57 + a6 w67    E = max(0, -z7 t)
    6 -> 7

The forward pass computes these lines from top to bottom. The backward pass computes one δ for each
node, from the output to the inputs, and from the δ the derivative by each weight:

    δ7 = I(-z7 t > 0) (-t)              ∂E/∂w67 = δ7 a6
    δ6 = δ7 w67                         ∂E/∂w46 = δ6 g'(z6) a4
    δj = Σ_k δk g'(zk) wjk              ∂E/∂wjk = δk g'(zk) aj      in general

where the sum is over the nodes k that j leads to, and g' = 1 for node 7, which is linear.

δj is ∂E/∂aj here, after the activation; only δ7 is ∂E/∂z7. Most other texts mean ∂E/∂zj, before the
activation. The two differ by the factor g'(zj), and the table shows both.

Slips of the slides: printed are "a6 = a3 w36 + a4 w46" and "a7 = a5 w57 + a6 w67", but these sums
are z6 and z7. Under δ4 the slide prints "/∂a5" once; read "/∂a4". The lecture leaves g open, and
stops at the weights of the inputs, without δ1 and δ2.

Source: Lecture 2, Error backpropagation: the worked example.
Data: ours, since the lecture works with letters: x = (0.5, -1), t = +1, g = tanh, and the weights.
Look for: δ3 is the sum over the two ways from node 3 to node 7. With t = -1 the point is on its
correct side: E = 0, and every derivative is 0. At z7 = 0 exactly the lecture takes 0 as well. The
pictures `exercise` and `exercise_key` are the backward pass to do by hand, and its solution.
Conclusion: one pass forward and one pass backward give all eight derivatives, and every number in
between is used more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.lecture2 import slides

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EDGES", "INPUTS", "WEIGHTS", "SevenNode", "build", "figures", "frames", "report",
    "run",
]  # fmt: skip

INPUTS = (0.5, -1.0)
WEIGHTS = {
    "13": 0.6, "23": -0.4, "24": 0.9, "35": -0.7, "36": 0.8, "46": 0.3, "57": 1.1, "67": -0.5,
}  # fmt: skip
EDGES = [(int(name[0]), int(name[1])) for name in WEIGHTS]


@dataclass(frozen=True)
class SevenNode:
    """The network as Values: `w` by "13" ... "67", `z` and `a` by node number, and the error E."""

    w: dict[str, Value]
    z: dict[int, Value]
    a: dict[int, Value]
    E: Value
    t: float
    g: Callable[[Any], Any]

    def delta(self, node: int) -> float:
        """δ of a node in the lecture's convention: ∂E/∂a, but ∂E/∂z of node 7."""
        return self.z[7].grad if node == 7 else self.a[node].grad

    def slope(self, node: int) -> float:
        """g'(z) of one of the nodes 3 to 6.

        >>> round(build().slope(6), 6)
        0.931185
        """
        slope: float = sg.grad(self.g)(self.z[node].data)
        return slope


def build(
    x: tuple[float, float] = INPUTS, weights: Mapping[str, float] = WEIGHTS, t: float = 1.0,
    g: Callable[[Any], Any] = sg.tanh,
) -> SevenNode:  # fmt: skip
    """Compute the network forward; `build().E.backward()` then fills in every derivative.

    Args:
        x: the two inputs.
        weights: the eight weights by "13" ... "67".
        t: the target, -1 or +1.
        g: the activation of the nodes 3 to 6, a function of a Value.

    Raises:
        ValueError: there are not two inputs, or not these eight weights.

    >>> net = build()
    >>> net.E.backward()
    >>> round(net.delta(3), 6), round(net.w["13"].grad, 6)
    (1.01958, 0.323584)
    """
    if len(x) != 2:
        raise ValueError(f"the network has two inputs, got {len(x)}")
    if set(weights) != set(WEIGHTS):
        raise ValueError(f"the weights are {', '.join(WEIGHTS)}, got {', '.join(weights)}")
    w = {name: Value(number, f"w{name}") for name, number in weights.items()}
    a = {1: Value(x[0], "x1"), 2: Value(x[1], "x2")}
    z: dict[int, Value] = {}

    def compute(node: int, *sources: int) -> None:
        z[node] = sg.dot([w[f"{i}{node}"] for i in sources], [a[i] for i in sources])
        z[node].label = f"z{node}"
        if node != 7:
            a[node] = g(z[node])
            if a[node] is not z[node]:  # g may hand its argument on
                a[node].label = f"a{node}"

    compute(3, 1, 2)
    compute(4, 2)
    compute(5, 3)
    compute(6, 3, 4)
    compute(7, 5, 6)
    error = losses.perceptron(z[7], t)
    error.label = "E"
    return SevenNode(w, z, a, error, t, g)


def run(t: float = 1.0) -> SevenNode:
    """The network, forward and backward.

    Args:
        t: the target, -1 or +1.

    >>> round(run().E.data, 6), run(t=-1.0).E.data
    (0.570616, 0.0)
    """
    net = build(t=t)
    net.E.backward()
    return net


def report(net: SevenNode) -> str:
    """Forward values, every δ and every weight's gradient, as tables; after `net.E.backward()`."""
    lines = ["Forward", "", "  node         z            a"]
    for node in range(1, 8):
        z = f"{net.z[node].data:+.9f}" if node in net.z else " " * 12
        a = f"{net.a[node].data:+.9f}" if node in net.a else ""
        lines.append(f"     {node}  {z} {a}".rstrip())
    lines += ["", f"  E = max(0, -z7 t) = {net.E.data:.9f}"]
    lines += ["", "Backward", "", "  node    δ (lecture)  ∂E/∂z (before the activation)"]
    for node in range(7, 0, -1):
        before = f"{net.z[node].grad:+.9f}" if node in net.z else "(an input)"
        lines.append(f"     {node}  {net.delta(node):+.9f}  {before}")
    lines += ["", "  weight     value      ∂E/∂w"]
    for w in net.w.values():
        lines.append(f"     {w.label}   {w.data:+.3f}  {w.grad:+.9f}")
    lines += ["", "  δ is ∂E/∂a for the nodes 1 to 6 and ∂E/∂z for node 7.", ""]
    lines += ["The lines of the backward pass, with the numbers", ""]
    for some in slides.backward_lines(net).values():
        lines += [f"  {line.text(100)}" for line in some]
    return "\n".join(lines)


# --- pictures -------------------------------------------------------------------------------

# What each slide adds: nodes forward; nodes and weights backward
FORWARD: tuple[tuple[Any, ...], ...] = ((1, 2), (3, 4), (5, 6), (7,))
BACKWARD: tuple[tuple[Any, ...], ...] = (
    (7,), ((6, 7), (5, 7)), (6, 5), ((4, 6), (3, 6), (3, 5)), (4, 3), ((2, 4), (2, 3), (1, 3)),
)  # fmt: skip


def frames(net: SevenNode, backward: bool) -> Picture:
    """A pass as a page of slides, each titled with the lines of the lecture that it adds.

    Args:
        net: the network; for the backward pass after `E.backward()`.
        backward: show δ and the derivatives by the weights, and not the values.
    """
    lines = slides.backward_lines(net) if backward else slides.forward_lines(net)
    what = (
        "Backward: δ of node 7, then the weights into it, then δ of the nodes before, down to "
        "∂E/∂w13. Where a δ comes back, the arrow points backward."
        if backward
        else "Forward: the inputs, then z and a of the nodes from left to right."
    )
    alt = f"The seven-node network, slide by slide, with numbers. {what}"
    return slides.pass_page(net, BACKWARD if backward else FORWARD, lines, backward, alt)


def figures(net: SevenNode) -> dict[str, Picture]:
    """The network, its passes slide by slide, an exercise and its key, the graph, the film."""
    network = slides.labelled(
        net, "Seven nodes, eight weights",
        "Nodes 1 and 2 are inputs; 1 leads to 3, 2 to 3 and 4, 3 to 5 and 6, 4 to 6, and 5 and 6 "
        "to 7. The name of each weight is beside its edge.",
    )  # fmt: skip
    lines = slides.backward_lines(net)
    t = 1 if net.t > 0 else -1
    sheets = [
        slides.work_sheet(
            net, lines, blank, f"The backward pass, t = {t:+d}{': key' * (not blank)}",
            "The seven-node network after the forward pass, and below it the lines of the backward "
            f"pass, {'their results left open' if blank else 'with their numbers'}.",
        )
        for blank in (True, False)
    ]  # fmt: skip
    return {
        "network": network, "forward": frames(net, False), "backward": frames(net, True),
        "exercise": sheets[0], "exercise_key": sheets[1],
        "graph": sg.draw(net.E), "film": sg.steps(net.E),
    }  # fmt: skip
