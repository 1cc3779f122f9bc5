"""Credit assignment: in a deep network, the share of every weight in the error.

A network gives a wrong answer. Which of its weights are to blame, and by how much? This is the
credit assignment problem, and ∂E/∂w answers it: it says by how much E would change if this weight
alone did. Here three hidden layers of sigmoid units lie between two inputs and two linear outputs,
2-3-3-2-2, without biases, so that every parameter is a connection:

    u_j = Σ_i w_ij z_i     z_j = σ(u_j)     y_k = u_k     E = Σ_k 1/2 (y_k - τ_k)²

The backward pass hands the blame from layer to layer, from the outputs to the inputs. An output has
the delta δ_k = y_k - τ_k. A hidden unit gets a part of the deltas of all units that it leads to,
and a weight gets the delta after it times the state before it:

    δ_j = z_j (1 - z_j) Σ_k δ_k w_jk        ∂E/∂w_ij = δ_j z_i

Source: Stone, the outline, and equations 37 to 54 applied to more layers than one.

Data: ours, since the lecture gives only the picture: weights from a seeded generator.

Look for: the weights into the outputs have more than half of all blame, those of the first layer
6%. The slope z (1 - z) is at most 1/4, and each hidden layer multiplies by it once more. With
`run(hidden="tanh")` the slope reaches 1, and the first layer gets a third.

Conclusion: a single backward pass gives every weight its share of the error, and with sigmoids the
shares become smaller from layer to layer on the way to the inputs.
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
        f"E = {result.E.data:.6f}; engine and hand differ by at most {result.apart:.1e}.",
        "The blame of a weight is its |∂E/∂w|, as a share of the sum over all weights.",
        "",
        "  weights into       blame    unit   δ           ∂E/∂w, from each unit before it",
    ]
    shares = result.shares()
    for n, (deltas, rows) in enumerate(zip(result.deltas, result.gradients, strict=True), 1):
        part = sum(share for edge, share in shares.items() if edge[1][0] == n)
        kind = "the outputs" if n == len(result.deltas) else f"hidden layer {n}"
        for j, (delta, row) in enumerate(zip(deltas, rows, strict=True), 1):
            told = " ".join(f"{g:+.6f}" for g in row)
            whose = f"{kind:<17} {part:>6.1%}" if j == 1 else ""
            lines.append(f"  {whose:<25}  {j:>5}   {delta:+.6f}   {told}")
    worst, g = max(result.edges().items(), key=lambda item: abs(item[1]))
    (n, i), (_, j) = worst
    lines += ["", f"Most to blame: unit {i + 1} of layer {n} to unit {j + 1} of layer {n + 1}, "
              f"∂E/∂w = {g:+.4f}, {shares[worst]:.0%} of all."]  # fmt: skip
    return "\n".join(lines)


def figures(result: Blame) -> dict[str, Picture]:
    """The network with each weight's share of the error, the shares by layer, and the graph."""
    from scalargrad import plot

    last = len(SIZES) - 1
    deltas = {(n, j): d for n, layer in enumerate(result.deltas, 1) for j, d in enumerate(layer)}
    inputs = {(0, i): f"x{i + 1}" for i in range(SIZES[0])}
    outputs = {(last, k): f"y{k + 1}" for k in range(SIZES[last])}
    told = {unit: f"{delta:+.3f}".replace("0.", ".") for unit, delta in deltas.items()}
    names = inputs | told | outputs
    blame = plot.network(
        SIZES, names=names, notes={unit: told[unit] for unit in outputs},
        edge_values=result.edges(), title="Each weight's share of the error; the numbers are δ",
        alt="A network with three hidden layers. The width of each connection is the size of "
        "∂E/∂w: thick into the outputs, thinner from layer to layer towards the inputs. Negative "
        "ones are dashed. Each unit has its δ.",
    )  # fmt: skip
    ax = blame.axes[0]
    for text in ax.texts:
        text.set_fontsize(max(9.0, text.get_fontsize()))
    circles: list[Any] = [patch for patch in ax.patches if hasattr(patch, "center")]
    titles = ["inputs", *(f"hidden layer {n}" for n in range(1, last)), "outputs"]
    for title, x in zip(titles, sorted({circle.center[0] for circle in circles}), strict=True):
        ax.text(x, 1.95, title, ha="center", fontsize=10)
    ax.set_ylim(-2.1, 2.2)
    layers = range(1, len(SIZES))
    shares = result.shares()
    bars = plot.bars(
        {"share of the blame": [
            sum(share for edge, share in shares.items() if edge[1][0] == n) for n in layers]},
        [f"into {title}" for title in titles[1:]], ylabel="share of all |∂E/∂w|",
        title="The closer to the inputs, the smaller the share of a layer's weights",
        alt="Bars of the share of each layer's weights: the further from the outputs, the less.",
    )  # fmt: skip
    return {"blame": blame, "shares": bars, "graph": sg.draw(result.E, model=result.model)}
