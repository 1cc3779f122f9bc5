"""The network of a well-known blog post: 3-4-1, exclusive or, in eleven lines.

    l1 = σ(X syn0)      l2 = σ(l1 syn1)
    l2_delta = (y - l2) l2 (1 - l2)                      syn1 += l1ᵀ l2_delta
    l1_delta = (l2_delta syn1ᵀ) l1 (1 - l1)              syn0 += Xᵀ l1_delta

l1 are the outputs of the hidden units, l2 those of the network; syn0 and syn1 ("synapses") are the
two matrices of weights. The post writes no cost. It is

    C = 1/2 Σ (l2 - y)^2,

added up over the four samples: the post takes the error as y - l2 and adds, which is descent on C
with ε = 1. The third column of X is always 1, so its weights are the biases of the hidden units;
the output has none.

Source: the iamtrask post "A neural network in 11 lines of Python", to which Goebels' lecture links.
Data: the post's; starting weights by NumPy's seed 1, written out, so that no NumPy is needed.
Look for: in the first fifty updates hardly anything happens; then the four outputs part, and after
a thousand each is within 0.06 of its target. With `run(constant=0.0)` there are no biases: it still
learns, but the cost after a thousand updates is three times as large.
Conclusion: forward, two deltas and two updates are a complete program; the engine replaces the two
lines with the deltas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.examples.matrices import product, transposed
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = ["Blog", "build", "by_hand", "figures", "matrices", "report", "run"]

Matrix = list[list[float]]
X = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
Y = [0.0, 1.0, 1.0, 0.0]
SYN0 = [
    [-0.165955990594852, 0.4406489868843162, -0.9997712503653102, -0.39533485473632046],
    [-0.7064882183657739, -0.8153228104624044, -0.6274795772446582, -0.3088785459139045],
    [-0.20646505153866013, 0.07763346800671389, -0.1616109711934104, 0.370439000793519],
]  # from input to hidden unit
SYN1 = [[-0.5910955005369651], [0.7562348727818908], [-0.9452248136041477], [0.34093502035680445]]
SHOWN = (0, 1, 10, 100, 999)  # iterations whose outputs are kept


def build() -> nn.MLP:
    """The network with the post's starting weights; it maps three inputs to one output.

    >>> round(build()([0.0, 0.0, 1.0]).data, 6)
    0.47373
    """
    model = nn.MLP(3, [4, 1], "sigmoid", "sigmoid", bias=False)
    for layer, syn in zip(model.layers, (SYN0, SYN1), strict=True):
        for j, neuron in enumerate(layer.neurons):
            for w, row in zip(neuron.w, syn, strict=True):
                w.data = row[j]
    return model


def matrices(model: nn.MLP) -> tuple[Matrix, Matrix]:
    """syn0 and syn1 of the network, with a row for each unit before.

    >>> matrices(build()) == (SYN0, SYN1)
    True
    """
    weights = [[[w.data for w in n.w] for n in layer.neurons] for layer in model.layers]
    return transposed(weights[0]), transposed(weights[1])


def by_hand(updates: int) -> tuple[Matrix, Matrix]:
    """The post's lines in plain floats: syn0 and syn1 after so many updates.

    >>> [round(w, 6) for w in by_hand(1)[1][0]]
    [-0.595609]
    """
    syn0, syn1, X_transposed = SYN0, SYN1, transposed(X)
    for _ in range(updates):
        l1 = [[sg.sigmoid(z) for z in row] for row in product(X, syn0)]
        l2 = [[sg.sigmoid(z) for z in row] for row in product(l1, syn1)]
        l2_delta = [[(y - a) * a * (1 - a) for a in row] for y, row in zip(Y, l2, strict=True)]
        errors = product(l2_delta, transposed(syn1))
        l1_delta = [
            [e * a * (1 - a) for e, a in zip(es, row, strict=True)]
            for es, row in zip(errors, l1, strict=True)
        ]
        syn1 = _sum(syn1, product(transposed(l1), l2_delta))
        syn0 = _sum(syn0, product(X_transposed, l1_delta))
    return syn0, syn1


def _sum(A: Matrix, B: Matrix) -> Matrix:
    return [[a + b for a, b in zip(r, s, strict=True)] for r, s in zip(A, B, strict=True)]


@dataclass(frozen=True)
class Blog:
    """What `run` computes: the cost by update, outputs by iteration, and the weights at the end.

    Iteration k computes its outputs, then updates; so the outputs of iteration 0 are those of the
    starting weights, and those of 999 come before the thousandth update.
    """

    updates: int
    costs: list[float]
    outputs: dict[int, list[float]]
    weights: tuple[Matrix, Matrix]
    hand: tuple[Matrix, Matrix] | None
    backend: str


def run(updates: int = 1000, constant: float = 1.0, lr: float = 1.0) -> Blog:
    """Learn from all four samples at once, by replay.

    Args:
        updates: how many; the post does 60,000.
        constant: the third input of every sample.
        lr: the learning rate ε. The post's lines by hand are kept only for the post's settings,
            `constant` and `lr` both 1.

    >>> result = run(updates=11)
    >>> round(result.outputs[10][0], 6)
    0.459302
    """
    model = build()
    samples = [[*x[:2], constant] for x in X]
    cost = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), params=model.parameters(), reduction="sum"
    )
    optimizer = optim.SGD(model.parameters(), lr)
    costs, outputs = [], {}
    for k in tracked(range(updates), "learning"):
        if k in SHOWN:
            outputs[k] = [model(x).data for x in samples]
        optimizer.zero_grad()
        costs.append(cost.backward(samples, Y))
        optimizer.step()
    as_posted = constant == 1.0 and lr == 1.0
    hand = by_hand(updates) if as_posted and updates <= 1000 else None
    return Blog(updates, costs, outputs, matrices(model), hand, cost.backend)


def report(result: Blog) -> str:
    """Outputs at some iterations, and the weights beside those by hand."""
    lines = ["Outputs for (x1, x2): target, and the cost, before the update of an iteration", ""]
    lines += ["  iteration   (0, 0): 0   (0, 1): 1   (1, 0): 1   (1, 1): 0       cost"]
    for k, outputs in result.outputs.items():
        cells = "   ".join(f"{y:9.6f}" for y in outputs)
        lines.append(f"  {k:>9}   {cells}   {result.costs[k]:8.6f}")
    lines += ["", f"The weights after {result.updates:,} updates", ""]
    for name, M in zip(("syn0", "syn1 (as a row)"), result.weights, strict=True):
        rows = M if name == "syn0" else transposed(M)
        lines += [f"  {name}"] + ["    " + "  ".join(f"{w:+9.6f}" for w in row) for row in rows]
    if result.hand:
        differences = [
            abs(a - b)
            for M, N in zip(result.weights, result.hand, strict=True)
            for r, s in zip(M, N, strict=True)
            for a, b in zip(r, s, strict=True)
        ]
        lines += ["", f"The post's own lines give the same weights, to {max(differences):.0e}."]
    return "\n".join(lines)


def figures(result: Blog) -> dict[str, Picture]:
    """The cost by update, the outputs at some iterations, and the network with its weights."""
    from scalargrad import plot

    syn0, syn1 = result.weights
    weights = {((0, i), (1, j)): w for i, row in enumerate(syn0) for j, w in enumerate(row)}
    weights |= {((1, j), (2, 0)): row[0] for j, row in enumerate(syn1)}
    names: dict[Any, str] = {(0, 0): "x1", (0, 1): "x2", (0, 2): "1", (2, 0): "l2"}
    names |= {(1, j): f"l1,{j + 1}" for j in range(4)}
    pairs = [f"({x[0]:.0f}, {x[1]:.0f})" for x in X]
    return {
        "cost": plot.lines(
            {"cost": result.costs}, xlabel="update", ylabel="cost", yscale="log",
            title="Little happens at first; then the cost falls fast",
            alt="The cost by update: hardly lower for fifty updates, steepest after some 250.",
        ),
        "outputs": plot.bars(
            {"target": Y} | {f"iteration {k}": ys for k, ys in result.outputs.items() if k != 1},
            pairs, xlabel="the inputs (x1, x2)", ylabel="output l2",
            title="Exclusive or is learnt: the outputs approach their targets",
            alt="The four outputs beside their targets at some iterations; they begin near 0.5 and "
            "end near 0, 1, 1 and 0.",
        ),
        "network": plot.network(
            [3, 4, 1], names=names, edge_values=weights,
            title=f"The weights after {result.updates:,} updates",
            alt="The 3-4-1 network; the wider an edge, the larger its weight; dashed ones are "
            "negative.",
        ),
    }  # fmt: skip
