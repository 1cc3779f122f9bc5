"""The five equations of back-propagation, for any number of layers, beside the engine.

A network of m layers after its inputs. o_0 = 1 is the bias unit of each layer; the weight w_ij^k
leads from unit i of layer k - 1 to unit j of layer k; g is the activation of the hidden units, g_o
that of the outputs:

    a_j^k = Σ_i w_ij^k o_i^{k-1}     o_j^k = g(a_j^k)     E = 1/(2N) Σ_d (ŷ_d - y_d)²

    (1)  ∂E_d/∂w_ij^k = δ_j^k o_i^{k-1}                  the partial derivative for one pair
    (2)  δ_j^m = g_o'(a_j^m) (ŷ_j - y_j)                 the output layer
    (3)  δ_j^k = g'(a_j^k) Σ_l w_jl^{k+1} δ_l^{k+1}      a hidden layer
    (4)  ∂E/∂w_ij^k = 1/N Σ_d ∂E_d/∂w_ij^k               the mean over the pairs
    (5)  Δw_ij^k = -α ∂E/∂w_ij^k                         the update

The forward phase computes every a and o, the backward phase every δ, with (2) first and then (3)
layer by layer. (5) with (1) is the delta rule: a weight changes by its error term times its input.

Here a is *before* the activation and o after it, so δ = ∂E_d/∂a; other texts call them z and a. The
sum of (3) runs over the units l of the next layer, but not over its bias unit: no weight leads
there, so it has no δ.

Source: Brilliant, "Backpropagation", the general algorithm. Printed is a_l^{k+1} = Σ_{j=1}, without
the bias (j must begin at 0; the derivative is the same), and once "the error term δ_i^k", which
must be δ_j^k.
Data: ours: a 2-3-2-1 network of sigmoids with a linear output, and four pairs.
Look for: the largest difference between the equations and the engine is a rounding error, 1e-17 or
so. δ shrinks from the output to the first layer. Change `activation` to "tanh", or pass more
layers: the equations stay the same.
Conclusion: five short equations give the gradient of any feed-forward network, and the engine,
which knows none of them, gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "ALPHA", "WEIGHTS", "FiveEquations", "Pair", "X", "Y", "build", "figures", "five_equations",
    "report", "run", "values_of",
]  # fmt: skip

Activation = Callable[[Any], Any]
Matrix = list[list[Any]]  # row i: from unit i, the bias unit being row 0; column j: to unit j + 1

X = [[0.2, -0.7], [1.0, 0.4], [-0.5, 0.9], [0.3, 0.3]]
Y = [0.5, -0.3, 0.8, 0.1]
WEIGHTS: list[list[list[float]]] = [
    [[0.1, -0.2, 0.05], [0.6, -0.4, 0.3], [-0.5, 0.7, 0.2]],
    [[0.3, -0.1], [0.8, 0.2], [-0.6, 0.5], [0.4, -0.9]],
    [[-0.25], [0.7], [-0.35]],
]
ALPHA = 0.1


def _identity(a: Any) -> Any:
    return a + 0.0  # a node of its own, so that both a and o can be inspected


def build(
    x: Sequence[Any], weights: Sequence[Matrix], g: Activation = sg.sigmoid,
    g_o: Activation = _identity,
) -> tuple[list[list[Any]], list[list[Any]]]:  # fmt: skip
    """The forward phase: a and o of every layer after the inputs.

    Args:
        x: the inputs of one pair.
        weights: of each layer, numbers or Values, the bias row first.
        g, g_o: the activations of the hidden units and of the outputs.

    Raises:
        ValueError: a layer has not one row for each unit before it, and one for the bias.

    >>> a, o = build(X[0], WEIGHTS)
    >>> round(a[0][0], 6), round(o[2][0], 6)
    (0.57, 0.083073)
    """
    a, o, before = [], [], list(x)
    for k, w in enumerate(weights, 1):
        if len(w) != len(before) + 1:
            raise ValueError(
                f"layer {k} needs {len(before) + 1} rows of weights, one for the bias and one for "
                f"each of {len(before)} units before it, got {len(w)}"
            )
        a.append([sg.dot(column, [1.0, *before]) for column in zip(*w, strict=True)])
        o.append([(g_o if k == len(weights) else g)(a_j) for a_j in a[-1]])
        before = o[-1]
    return a, o


# --- by hand --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """One pair by the equations: a, o and δ of each layer, and ∂E_d/∂w of each weight matrix."""

    a: list[list[float]]
    o: list[list[float]]
    delta: list[list[float]]
    gradient: list[list[list[float]]]
    E: float


def five_equations(
    x: Sequence[float], y: Sequence[float], weights: Sequence[Matrix], g: Activation = sg.sigmoid,
    g_o: Activation = _identity,
) -> Pair:  # fmt: skip
    """Equations 1 to 3 for one pair, literally, in plain floats.

    Args:
        x, y: the inputs and the targets.
        weights: of each layer, the bias row first.
        g, g_o: the activations; their slopes are looked up by `sg.grad`.

    >>> pair = five_equations(X[0], [Y[0]], WEIGHTS)
    >>> round(pair.delta[2][0], 6)
    -0.416927
    """
    a, o = build(x, weights, g, g_o)
    m = len(weights)
    delta: list[list[float]] = [[] for _ in weights]
    delta[m - 1] = [  # (2)
        sg.grad(g_o)(a_j) * (o_j - y_j) for a_j, o_j, y_j in zip(a[m - 1], o[m - 1], y, strict=True)
    ]
    for k in range(m - 2, -1, -1):
        delta[k] = [  # (3), without row 0 of the weights, since the bias unit has no δ
            sg.grad(g)(a_j) * sum(w_jl * d for w_jl, d in zip(row, delta[k + 1], strict=True))
            for a_j, row in zip(a[k], weights[k + 1][1:], strict=True)
        ]
    outputs = [[1.0, *x], *([1.0, *o_k] for o_k in o[:-1])]
    gradient = [  # (1)
        [[d * o_i for d in delta_k] for o_i in before]
        for delta_k, before in zip(delta, outputs, strict=True)
    ]
    E = sum((o_j - y_j) ** 2 for o_j, y_j in zip(o[-1], y, strict=True)) / 2
    return Pair(a, o, delta, gradient, E)


def _mean(gradients: Sequence[list[list[list[float]]]]) -> list[list[list[float]]]:
    """Equation 4."""
    return [
        [
            [sum(ws) / len(gradients) for ws in zip(*rows, strict=True)]
            for rows in zip(*layers, strict=True)
        ]
        for layers in zip(*gradients, strict=True)
    ]


# --- by the engine --------------------------------------------------------------------------


@dataclass(frozen=True)
class FiveEquations:
    """What `run` computes: pair by pair, and the whole, by the equations and by the engine."""

    pairs: list[Pair]
    E: Value
    first: Value  # E_1 of the first pair, with plain numbers for weights
    a: list[list[list[Value]]]  # by pair, layer and unit; .grad is δ/N
    weights: list[list[list[Value]]]
    gradient_by_hand: list[list[list[float]]]
    gradient: list[list[list[float]]]
    weights_after: list[list[list[float]]]
    E_after: float

    @property
    def largest_difference(self) -> float:
        """Between the gradients of the equations and those of the engine."""
        return max(
            abs(x - y)
            for x, y in zip(_flat(self.gradient_by_hand), _flat(self.gradient), strict=True)
        )


def run(
    X: Sequence[Sequence[float]] = X, Y: Sequence[float] = Y,
    weights: Sequence[list[list[float]]] = WEIGHTS, activation: str = "sigmoid",
    lr: float = ALPHA,
) -> FiveEquations:  # fmt: skip
    """Differentiate the mean error by hand and by the engine, and make one update.

    Args:
        X, Y: the pairs; a target is one number.
        weights: of each layer, the bias row first; the last layer has one unit.
        activation: the name of g.
        lr: the learning rate.

    Raises:
        ValueError: this library has no such activation, or the last layer has several units.

    >>> run().largest_difference < 1e-15
    True
    """
    g = getattr(sg, activation, None)
    if not callable(g):
        raise ValueError(f"activation is a name like 'sigmoid' or 'tanh', got {activation!r}")
    if any(len(row) != 1 for row in weights[-1]):
        raise ValueError(f"the last layer must have one unit, got {len(weights[-1][0])}")
    pairs = [five_equations(x, [y], weights, g) for x, y in zip(X, Y, strict=True)]
    values = [[[Value(w) for w in row] for row in layer] for layer in weights]
    for k, layer in enumerate(values, 1):
        for i, row in enumerate(layer):
            for j, w in enumerate(row, 1):
                w.label = f"w{k}_{i}{j}"
    sums, outputs = [], []
    for x in X:
        a, o = build(x, values, g)
        sums.append(a)
        outputs.append(o[-1][0])
    E = losses.squared_error(outputs, list(Y), "half_mean")
    E.label = "E"
    E.backward()
    gradient = values_of(values, "grad")
    optim.SGD([w for layer in values for row in layer for w in row], lr=lr).step()
    after = values_of(values, "data")
    outputs_after = [build(x, after, g)[1][-1][0] for x in X]
    return FiveEquations(
        pairs, E, _labelled(X[0], Y[0], weights, g), sums, values,
        _mean([pair.gradient for pair in pairs]), gradient, after,
        losses.squared_error(outputs_after, list(Y), "half_mean"),
    )  # fmt: skip


def values_of(weights: Sequence[Sequence[Sequence[Value]]], what: str) -> list[list[list[float]]]:
    """The `data` or the `grad` of Values in layers and rows.

    >>> values_of([[[Value(2.0)]]], "data")
    [[[2.0]]]
    """
    return [[[getattr(w, what) for w in row] for row in layer] for layer in weights]


def _flat(layers: list[list[list[float]]]) -> list[float]:
    return [w for layer in layers for row in layer for w in row]


def report(result: FiveEquations) -> str:
    """δ of each unit and pair, the gradients of both, and the update."""
    lines = ["δ = ∂E_d/∂a of each unit by equations 2 and 3 (in brackets: by the engine)", ""]
    n = len(result.pairs)
    for d, (pair, a) in enumerate(zip(result.pairs, result.a, strict=True), 1):
        for k, (hand, engine) in enumerate(zip(pair.delta, a, strict=True), 1):
            cells = "  ".join(
                f"{x:+.6f} ({y.grad * n:+.6f})" for x, y in zip(hand, engine, strict=True)
            )
            lines.append(f"  pair {d}, layer {k}:  {cells}")
    lines += ["", "∂E/∂w, the mean over the pairs (equations 1 and 4); row 0 is the bias", ""]
    for k, layer in enumerate(result.gradient_by_hand, 1):
        for i, row in enumerate(layer):
            lines.append(f"  layer {k}, from {i}:  {'  '.join(f'{w:+.9f}' for w in row)}")
    lines += [
        "", f"largest difference to the engine: {result.largest_difference:.1e}",
        f"E = {result.E.data:.9f}, after one update {result.E_after:.9f}",
    ]  # fmt: skip
    return "\n".join(lines)


def figures(result: FiveEquations) -> dict[str, Picture]:
    """The network with each unit's δ, and the graph of its sums and outputs, for the first pair."""
    from scalargrad import plot

    sizes = [len(X[0]), *(len(layer[0]) for layer in result.gradient)]
    names = {(0, i): f"x{i + 1}" for i in range(sizes[0])}
    for k, deltas in enumerate(result.pairs[0].delta, 1):
        for j, delta in enumerate(deltas):
            name = f"o{j + 1}" if k < len(sizes) - 1 else "ŷ"
            names[k, j] = f"{name}\n{delta:+.3f}".replace("0.", ".")
    network = plot.network(
        sizes, names=names,
        title="The first pair: δ in every unit, ∂E/∂w = δ o on the lines",
        edge_values={
            ((k, i - 1), (k + 1, j)): w
            for k, layer in enumerate(result.pairs[0].gradient)
            for i, row in enumerate(layer) if i
            for j, w in enumerate(row)
        },
        alt="The network with the δ of each unit in its circle. The width of a line is the size of "
        "∂E/∂w = δ times the output it comes from; dashed lines are negative.",
    )  # fmt: skip
    return {
        "network": network,
        "graph": sg.draw(result.first),
    }


def _labelled(x: Sequence[float], y: float, weights: Sequence[Matrix], g: Activation) -> Value:
    """E of one pair, with plain numbers for weights: `grad` of a sum a is its δ."""
    values = [Value(xi, f"x{i}") for i, xi in enumerate(x, 1)]
    a, o = build(values, weights, g)
    for k, layer in enumerate(zip(a, o, strict=True), 1):
        for name, units in zip("ao", layer, strict=True):
            for j, unit in enumerate(units, 1):
                unit.label = f"{name}{j} of layer {k}"
    o[-1][0].label = "ŷ"
    E: Value = losses.squared_error(o[-1][0], y)
    E.label = "E of the pair"
    E.backward()
    return E
