"""Who is to blame? In a deep network, the share of every weight in the error.

A network answers wrongly. Which of its weights made the error, and by how much? That is the credit
assignment problem, and ∂E/∂w answers it: so much would E change if this weight alone did. Here are
three hidden layers between two inputs and two outputs, 2-3-3-2-2, of sigmoid units and linear
outputs, without biases, so that every parameter is a connection:

    u_j = Σ_i w_ij z_i     z_j = σ(u_j)     y_k = u_k     E = 1/2 Σ_k (y_k - τ_k)²

By hand the blame is handed down from layer to layer. An output has δ_k = y_k - τ_k; a unit below
gets its part of the deltas it led to, and a weight its delta times the state it carried:

    δ_j = z_j (1 - z_j) Σ_k δ_k w_jk        ∂E/∂w_ij = δ_j z_i

Source: Stone, the outline, and equations 37 to 54 applied to more layers than one.
Data: ours, since the lecture gives only the picture: weights from a seeded generator.
Look for: the weights into the outputs have over half of all blame, those of the first layer 6%:
z (1 - z) is at most 1/4, and each layer down multiplies by it once more. With
`run(hidden="tanh")` the slope reaches 1, and the first layer gets a third.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, tanh
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, nn

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "HIDDEN", "SIZES", "TARGET", "Blame", "Forward", "X", "build", "by_hand", "figures", "network",
    "report", "run",
]  # fmt: skip

Edge = tuple[tuple[int, int], tuple[int, int]]

SIZES = [2, 3, 3, 2, 2]
HIDDEN = "sigmoid"
X, TARGET = [0.9, -0.4], [1.0, -0.5]

# --- the network ----------------------------------------------------------------------------


def network(seed: int = 3, hidden: str = HIDDEN) -> nn.MLP:
    """The 2-3-3-2-2 network with random weights between -2 and 2.

    Args:
        seed: for the weights; the same seed gives the same ones.
        hidden: the activation of the hidden units.

    >>> len(network().parameters())
    25
    """
    rng = random.Random(seed)
    model = nn.MLP(SIZES[0], SIZES[1:], activation=hidden, bias=False)
    for weight in model.parameters():
        weight.data = rng.uniform(-2.0, 2.0)
    return model


@dataclass(frozen=True)
class Forward:
    """One pass forward, layer by layer: the sums u, and what the units pass on, z.

    The inputs come first in `z` and have no u; the outputs are last, and there z is u.
    """

    u: list[list[Any]]
    z: list[list[Any]]


def build(model: nn.MLP, x: Sequence[Any] = X) -> Forward:
    """Run the network and keep every node.

    Args:
        model: any `nn.MLP` with activations in its hidden layers and a linear last one.
        x: its inputs.

    >>> [len(layer) for layer in build(network()).z]
    [2, 3, 3, 2, 2]
    """
    u, z = list[list[Any]](), [list(x)]
    for layer in model.layers:
        out = layer(z[-1])
        last = layer is model.layers[-1]
        u.append(out if last else [unit.parents[0] for unit in out])  # before the activation
        z.append(out)
    return Forward(u, z)


# --- by hand --------------------------------------------------------------------------------


def by_hand(
    weights: Sequence[Sequence[Sequence[float]]], x: Sequence[float] = X,
    target: Sequence[float] = TARGET, hidden: str = HIDDEN,
) -> tuple[list[list[float]], list[list[list[float]]]]:  # fmt: skip
    """All deltas and gradients in plain floats, from the outputs down.

    Args:
        weights: for each layer and each of its units one row, a weight for each unit below.
        x: the inputs.
        target: the target of each output.
        hidden: "sigmoid" or "tanh".

    Returns:
        The deltas, layer by layer without the inputs, and ∂E/∂w in the shape of the weights.

    Raises:
        ValueError: the activation is another one.

    >>> deltas, gradients = by_hand([[[2.0]]], [1.0], [0.5])
    >>> deltas, gradients
    ([[1.5]], [[[1.5]]])
    """
    rules: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
        "sigmoid": (lambda u: 1.0 / (1.0 + exp(-u)), lambda z: z * (1.0 - z)),
        "tanh": (tanh, lambda z: 1.0 - z * z),
    }
    if hidden not in rules:
        raise ValueError(f"by_hand knows sigmoid and tanh, got {hidden!r}")
    squash, slope = rules[hidden]
    z = [list(x)]
    for n, rows in enumerate(weights):
        sums = [sum(w * zi for w, zi in zip(row, z[-1], strict=True)) for row in rows]
        z.append(sums if n == len(weights) - 1 else [squash(u) for u in sums])
    deltas = [[y - t for y, t in zip(z[-1], target, strict=True)]]
    for n in range(len(weights) - 1, 0, -1):
        above = list(zip(deltas[0], weights[n], strict=True))
        deltas.insert(0, [
            slope(zj) * sum(delta * row[j] for delta, row in above) for j, zj in enumerate(z[n])
        ])  # fmt: skip
    return deltas, [
        [[delta * zi for zi in z[n]] for delta in layer] for n, layer in enumerate(deltas)
    ]


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Blame:
    """What `run` computes: the network after one pass forward and backward.

    `deltas` are ∂E/∂u, `gradients` ∂E/∂w, both by layers as in `by_hand`; `apart` is by how much
    the hand-written ones differ at most.
    """

    model: nn.MLP
    forward: Forward
    E: Value
    deltas: list[list[float]]
    gradients: list[list[list[float]]]
    apart: float

    def edges(self) -> dict[Edge, float]:
        """∂E/∂w by connection: from unit i of layer n to unit j of the next, counted from 0."""
        return {
            ((n, i), (n + 1, j)): g
            for n, rows in enumerate(self.gradients)
            for j, row in enumerate(rows)
            for i, g in enumerate(row)
        }

    def shares(self) -> dict[Edge, float]:
        """Each weight's share of the blame: its |∂E/∂w| over the sum of all.

        >>> round(sum(run().shares().values()), 9)
        1.0
        """
        total = sum(abs(g) for g in self.edges().values())
        return {edge: abs(g) / total for edge, g in self.edges().items()}


def run(seed: int = 3, hidden: str = HIDDEN) -> Blame:
    """One pass forward, one backward, and the same by hand.

    Args:
        seed: for the weights.
        hidden: the activation of the hidden units, "sigmoid" or "tanh".

    >>> run().apart < 1e-14
    True
    """
    model = network(seed, hidden)
    forward = build(model)
    E = losses.squared_error(forward.z[-1], TARGET)
    E.backward()
    deltas = [[u.grad for u in layer] for layer in forward.u]
    neurons = [layer.neurons for layer in model.layers]
    gradients = [[[w.grad for w in unit.w] for unit in layer] for layer in neurons]
    weights = [[[w.data for w in unit.w] for unit in layer] for layer in neurons]
    hand_deltas, hand_gradients = by_hand(weights, X, TARGET, hidden)
    ours = [*deltas, *(row for rows in gradients for row in rows)]
    theirs = [*hand_deltas, *(row for rows in hand_gradients for row in rows)]
    apart = max(abs(a - b) for one, other in zip(ours, theirs, strict=True)
                for a, b in zip(one, other, strict=True))  # fmt: skip
    return Blame(model, forward, E, deltas, gradients, apart)


def report(result: Blame) -> str:
    """Every delta and every gradient, and each layer's share of the blame."""
    lines = [
        f"E = {result.E.data:.6f}; by hand nothing differs by more than {result.apart:.1e}.",
        "The blame of a weight is its |∂E/∂w|, as a share of the sum over all weights.",
        "",
    ]
    shares = result.shares()
    for n, (deltas, rows) in enumerate(zip(result.deltas, result.gradients, strict=True), 1):
        part = sum(share for edge, share in shares.items() if edge[1][0] == n)
        kind = "outputs" if n == len(result.deltas) else f"hidden layer {n}"
        lines.append(f"{kind}: the weights into it have {part:.1%} of the blame")
        for j, (delta, row) in enumerate(zip(deltas, rows, strict=True), 1):
            told = " ".join(f"{g:+.6f}" for g in row)
            lines.append(f"  unit {j}   δ {delta:+.6f}   ∂E/∂w {told}")
    worst, g = max(result.edges().items(), key=lambda item: abs(item[1]))
    (n, i), (_, j) = worst
    lines += ["", f"Most to blame: unit {i + 1} of layer {n} to unit {j + 1} of layer {n + 1}, "
              f"∂E/∂w = {g:+.4f}, {shares[worst]:.0%} of all."]  # fmt: skip
    return "\n".join(lines)


def figures(result: Blame) -> dict[str, Picture]:
    """The network with each weight's part of the error, and the graph behind it."""
    from scalargrad import plot

    notes = {
        (n, j): f"δ {delta:+.3f}"
        for n, layer in enumerate(result.deltas, 1)
        for j, delta in enumerate(layer)
    }
    blame = plot.network(
        SIZES, names={(0, 0): "x1", (0, 1): "x2", (4, 0): "y1", (4, 1): "y2"}, notes=notes,
        edge_values=result.edges(), title="Each weight's part in the error",
        alt="A network with three hidden layers. The width of each connection is the size of "
        "∂E/∂w: thick into the outputs, thinner from layer to layer below. Negative ones dashed.",
    )  # fmt: skip
    layers = range(1, len(SIZES))
    shares = result.shares()
    bars = plot.bars(
        {"share of the blame": [
            sum(share for edge, share in shares.items() if edge[1][0] == n) for n in layers]},
        [f"layer {n}" for n in layers], ylabel="share of all |∂E/∂w|",
        title="The blame thins out on its way down",
        alt="Bars of the share of each layer's weights: the further from the outputs, the less.",
    )  # fmt: skip
    return {"blame": blame, "shares": bars, "graph": sg.draw(result.E, model=result.model)}
