"""The worked example: seven nodes, eight weights, and every derivative.

    1 -> 3      z3 = x1 w13 + x2 w23    a3 = g(z3)
    2 -> 3, 4   z4 = x2 w24             a4 = g(z4)
    3 -> 5, 6   z5 = a3 w35             a5 = g(z5)
    4 -> 6      z6 = a3 w36 + a4 w46    a6 = g(z6)
    5 -> 7      z7 = a5 w57 + a6 w67    E = max(0, -z7 t)
    6 -> 7

The lecture names the derivatives δ. Its convention is mixed: δj is ∂E/∂aj, behind the activation,
for the nodes 1 to 6, but ∂E/∂z7 for the last one, which has no activation. Most other texts mean
∂E/∂zj, before the activation. The two differ by the factor g'(zj); both are shown.

Printed are "a6 = a3 w36 + a4 w46" and "a7 = a5 w57 + a6 w67": these sums are z6 and z7. Under δ4
stands "/∂a5" once, which is ∂a4. The lecture leaves g open and stops at the weights of the inputs.

Source: Lecture 2, the worked example of error back-propagation.
Data: ours, since the lecture works with letters: x = (0.5, -1), t = +1, g = tanh, and the weights.
Look for: δ3 is the sum over the two ways from node 3 to node 7. With t = -1 the sample is on its
right side: E = 0, and every derivative is 0. At z7 = 0 exactly the lecture takes 0 as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EDGES", "INPUTS", "PLACES", "WEIGHTS", "SevenNode", "build", "figures", "frames", "report",
    "run",
]  # fmt: skip

INPUTS = (0.5, -1.0)
WEIGHTS = {
    "13": 0.6, "23": -0.4, "24": 0.9, "35": -0.7, "36": 0.8, "46": 0.3, "57": 1.1, "67": -0.5,
}  # fmt: skip
EDGES = [(int(name[0]), int(name[1])) for name in WEIGHTS]
PLACES = {1: (0, 3), 2: (0, 0), 3: (3, 3), 4: (3, 0), 5: (6, 3), 6: (6, 0), 7: (9, 1.5)}


@dataclass(frozen=True)
class SevenNode:
    """The network as Values: `w` by "13" ... "67", `z` and `a` by node number, and the error E."""

    w: dict[str, Value]
    z: dict[int, Value]
    a: dict[int, Value]
    E: Value

    def delta(self, node: int) -> float:
        """δ of a node in the lecture's convention: ∂E/∂a, but ∂E/∂z of node 7."""
        return self.z[7].grad if node == 7 else self.a[node].grad


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
    return SevenNode(w, z, a, error)


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
    lines += ["", "  δ is ∂E/∂a for the nodes 1 to 6 and ∂E/∂z for node 7."]
    return "\n".join(lines)


# --- pictures -------------------------------------------------------------------------------

# What the slides come to know, one after the other: nodes forward; nodes and weights backward
FORWARD: tuple[tuple[Any, ...], ...] = ((1, 2), (3, 4), (5, 6), (7,))
BACKWARD: tuple[tuple[Any, ...], ...] = (
    (7,), ((5, 7), (6, 7)), (5, 6), ((3, 5), (3, 6), (4, 6)), (3, 4), ((1, 3), (2, 3), (2, 4)),
)  # fmt: skip


def frames(
    net: SevenNode, backward: bool, of: str = "E", edge_names: Mapping[tuple[int, int], str] = {}
) -> Picture:
    """The pass as a page of small pictures, each with what has become known so far.

    Args:
        net: the network after `E.backward()`, or `z[7].backward()`.
        backward: show δ and the derivatives by the weights, and not the values.
        of: what was differentiated, for the titles.
        edge_names: what to write on edges before their derivatives.
    """
    from scalargrad import plot

    stages = BACKWARD if backward else FORWARD
    rows = -(-len(stages) // 2)
    page = plot.figure(
        rows, 2, width=12.4 if edge_names else 9.6, height=2.4 * rows,  # names take room
        alt="The seven-node network, stage by stage. "
        + ("Backward: δ of node 7, then the weights into it, then δ of the nodes before."
           if backward else "Forward: the inputs, then the nodes from left to right."),
    )  # fmt: skip
    known: list[Any] = []
    for number, (ax, stage) in enumerate(zip(page.axes, stages, strict=False), 1):
        known += stage
        told, notes, labels = [], {}, {}
        for new in stage:
            if isinstance(new, tuple):
                told.append(f"∂{of}/∂w{new[0]}{new[1]}")
            else:
                told.append(("δ" if backward else "z" if new == 7 else "a") + str(new))
        for node in (n for n in known if isinstance(n, int)):
            value = net.z[7] if node == 7 else net.a[node]
            name = ("δ" if backward else "z" if node == 7 else "a") + str(node)
            notes[node] = f"{name} = {net.delta(node) if backward else value.data:+.3f}"
        for i, j in (e for e in known if isinstance(e, tuple)):
            slope = f"{net.w[f'{i}{j}'].grad:+.3f}"
            labels[i, j] = f"{edge_names[i, j]}: {slope}" if (i, j) in edge_names else slope
        plot.diagram(
            PLACES, EDGES, names={n: str(n) for n in PLACES}, notes=notes, edge_labels=labels,
            highlight=set(stage), title=f"{number}. {', '.join(told)}", ax=ax,
        )  # fmt: skip
    return page


def figures(net: SevenNode) -> dict[str, Picture]:
    """The network, its passes frame by frame, the graph, and the film."""
    from scalargrad import plot

    network = plot.diagram(
        PLACES, EDGES, names={n: str(n) for n in PLACES},
        edge_labels={(i, j): f"w{i}{j}" for i, j in EDGES}, title="Seven nodes, eight weights",
        alt="Nodes 1 and 2 are inputs; 1 leads to 3, 2 to 3 and 4, 3 to 5 and 6, 4 to 6, and 5 and "
        "6 to 7.",
    )  # fmt: skip
    return {
        "network": network, "forward": frames(net, False), "backward": frames(net, True),
        "graph": sg.draw(net.E), "film": sg.steps(net.E),
    }  # fmt: skip
