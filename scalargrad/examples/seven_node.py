"""The worked example of the back-propagation lecture: seven nodes, eight weights, every derivative.

    1 -> 3      z3 = x1 w13 + x2 w23    a3 = g(z3)
    2 -> 3, 4   z4 = x2 w24             a4 = g(z4)
    3 -> 5, 6   z5 = a3 w35             a5 = g(z5)
    4 -> 6      z6 = a3 w36 + a4 w46    a6 = g(z6)
    5 -> 7      z7 = a5 w57 + a6 w67    E = max(0, -z7 t)
    6 -> 7

The lecture names the derivatives δ. Its convention is mixed: δj is ∂E/∂aj, behind the activation,
for the nodes 1 to 6, but ∂E/∂z7 for the last one, which has no activation. Most other texts mean
∂E/∂zj, before the activation. The two differ by the factor g'(zj); both are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scalargrad import losses
from scalargrad.engine import Value
from scalargrad.primitives import tanh
from scalargrad.reductions import dot

__all__ = ["INPUTS", "WEIGHTS", "SevenNode", "build", "report"]

INPUTS = (0.5, -1.0)
WEIGHTS = {
    "13": 0.6, "23": -0.4, "24": 0.9, "35": -0.7, "36": 0.8, "46": 0.3, "57": 1.1, "67": -0.5,
}  # fmt: skip


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
    g: Callable[[Any], Any] = tanh,
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
        z[node] = dot([w[f"{i}{node}"] for i in sources], [a[i] for i in sources])
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
