"""The δ of any unit in any layer: it is collected from the next layer, at any depth.

    layer l      z_j, a_j = σ(z_j)      a unit j
    layer l+1    z_k = Σ_i a_i w_ik     every unit k of the next layer depends on it, and on others
    ...
    layer L      C = 1/2 Σ (a - y)^2    the cost, some layers later

A change of z_j reaches C only through the z_k of the next layer. So, with δ = ∂C/∂z,

    δ_j = Σ_k δ_k ∂z_k/∂z_j = Σ_k δ_k w_jk σ'(z_j)

In z_k all terms with i ≠ j are constant with respect to z_j: of the sum over i, the one with w_jk
is left. Layer by layer, from the last to the first, this backward pass gives every δ, and
∂C/∂w_ij = a_i δ_j. As matrices, with a row for each case,

    δ^l = (δ^(l+1) (W^(l+1))ᵀ) ⊙ σ'(z^l)

Source: Goebels, on Rumelhart, Hinton and Williams (1986): the slides on the delta of any layer. In
print the sums run over "n = 0 .. k", which must be over k: k numbers the units of the next layer,
and n occurs nowhere in the terms. And one line has σ(z_i) w_k, which must be w_ik: a weight needs
both ends. `delta_without_source` shows what comes out if each k had one weight only.
Data: ours, since the lecture gives none: layers of 2, 3, 4, 3 and 2 units, weights by seed 3.
Look for: one unit of layer 1 has 4 · 3 · 2 = 24 paths to the outputs, but the formula adds only 4
numbers. With `run(sizes=(2,) + (3,) * 10 + (1,))` δ becomes smaller from layer to layer towards the
inputs, as each layer multiplies by a slope of 1/4 at most.
Conclusion: each layer needs only the δ of the next one, so the cost of the backward pass grows with
the number of weights and not with the number of paths.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import scalargrad as sg
from scalargrad import Value, losses

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Layered", "Net", "build", "delta_without_source", "deltas_by_hand", "figures", "report", "run",
]  # fmt: skip

SIZES = (2, 3, 4, 3, 2)
Matrix = list[list[float]]


@dataclass(frozen=True)
class Net:
    """The network as Values, by layer: `z[0]` and `a[0]` are those of the first hidden layer."""

    x: list[Value]
    W: list[list[list[Value]]]  # W[l][i][j]: from unit i to unit j of layer l
    z: list[list[Value]]
    a: list[list[Value]]
    C: Value


def build(W: Sequence[Matrix], x: Sequence[float], y: Sequence[float]) -> Net:
    """A network of sigmoid layers of any depth and widths, forward.

    Args:
        W: the weights, a matrix for each layer, with a row for each unit before it.
        x: the inputs.
        y: the targets, as many as the last layer has units.

    Raises:
        ValueError: the matrices, x and y do not fit on each other.

    >>> net = build([[[0.5], [1.0]], [[2.0]]], x=[1.0, -0.5], y=[1.0])
    >>> round(net.C.data, 6)
    0.036165
    """
    weights = [
        [[Value(w, f"w{n}_{i}{j}") for j, w in enumerate(row, 1)] for i, row in enumerate(M, 1)]
        for n, M in enumerate(W, 1)
    ]
    inputs = [Value(xi, f"x{i}") for i, xi in enumerate(x, 1)]
    z: list[list[Value]] = []
    a = [inputs]
    for n, M in enumerate(weights, 1):
        if len(M) != len(a[-1]):
            raise ValueError(f"matrix {n} must have {len(a[-1])} rows, one for each unit before it")
        z.append([sg.dot(column, a[-1]) for column in zip(*M, strict=True)])
        for j, zj in enumerate(z[-1], 1):
            zj.label = f"z{n}_{j}"
        a.append([sg.sigmoid(zj) for zj in z[-1]])
    return Net(inputs, weights, z, a[1:], losses.squared_error(a[-1], [*y]))


def deltas_by_hand(W: Sequence[Matrix], a: Sequence[Sequence[float]], y: Sequence[float]) -> Matrix:
    """δ of every layer by the lecture's formula, in plain floats, the last layer first.

    Args:
        W: the weights by layer.
        a: the activations by layer, inputs not among them.
        y: the targets.

    >>> net = build([[[0.5], [1.0]], [[2.0]]], x=[1.0, -0.5], y=[1.0])
    >>> net.C.backward()
    >>> found = deltas_by_hand([[[0.5], [1.0]], [[2.0]]], [[0.5], [net.a[1][0].data]], [1.0])
    >>> abs(found[0][0] - net.z[0][0].grad) < 1e-15
    True
    """
    delta = [[(aj - yj) * aj * (1 - aj) for aj, yj in zip(a[-1], y, strict=True)]]
    for M, layer in zip(reversed(W[1:]), reversed(a[:-1]), strict=True):
        following = delta[0]
        delta.insert(0, [
            sum(d * w for d, w in zip(following, row, strict=True)) * aj * (1 - aj)
            for row, aj in zip(M, layer, strict=True)
        ])  # fmt: skip
    return delta


def delta_without_source(
    M: Matrix, following: Sequence[float], layer: Sequence[float]
) -> list[float]:
    """δ of a layer if every unit of the next had one weight w_k, that from unit 1, as printed.

    Args:
        M: the weights to the next layer.
        following: the δ there.
        layer: the activations of this layer.

    >>> delta_without_source([[1.0], [-1.0]], [0.5], [0.5, 0.5])
    [0.125, 0.125]
    """
    shared = sum(d * w for d, w in zip(following, M[0], strict=True))
    return [shared * aj * (1 - aj) for aj in layer]


@dataclass(frozen=True)
class Layered:
    """What `run` computes: the network, backward done, and δ by layer in three ways."""

    sizes: tuple[int, ...]
    net: Net
    engine: Matrix
    hand: Matrix
    printed: list[float]  # of the first hidden layer, with w_k for w_jk


def run(sizes: Sequence[int] = SIZES, seed: int = 3) -> Layered:
    """δ of every unit, by the engine and by the formula.

    Args:
        sizes: the units by layer, inputs first; three layers at least.
        seed: of the weights, which are between -1 and 1.

    Raises:
        ValueError: there are fewer than three layers.

    >>> result = run((2, 3, 1))
    >>> [len(layer) for layer in result.engine]
    [3, 1]
    """
    if len(sizes) < 3:
        raise ValueError(f"a hidden layer needs sizes of three layers or more, got {sizes!r}")
    numbers = random.Random(seed)
    W = [[[numbers.uniform(-1, 1) for _ in range(n)] for _ in range(m)] for m, n in pairwise(sizes)]
    x = [numbers.uniform(-1, 1) for _ in range(sizes[0])]
    y = [numbers.random() for _ in range(sizes[-1])]
    net = build(W, x, y)
    net.C.backward()
    a = [[aj.data for aj in layer] for layer in net.a]
    hand = deltas_by_hand(W, a, y)
    engine = [[zj.grad for zj in layer] for layer in net.z]
    return Layered(tuple(sizes), net, engine, hand, delta_without_source(W[1], hand[1], a[0]))


def report(result: Layered) -> str:
    """δ by layer, twice, and what the misprint would give."""
    lines = [f"δ of every unit; layers of {', '.join(map(str, result.sizes))} units", ""]
    lines += ["  layer unit   δ by the engine     by the formula     paths to the outputs"]
    last = len(result.engine)
    for n, (layer, hand) in enumerate(zip(result.engine, result.hand, strict=True), 1):
        paths = prod(result.sizes[n + 1 :]) if n < last else 1
        for j, (d, h) in enumerate(zip(layer, hand, strict=True), 1):
            lines.append(f"  {n:>5} {j:>4}   {d:+.9e}   {h:+.9e}   {paths:>8}")
    lines += ["", "With the printed w_k in place of w_jk, δ of layer 1 would be", ""]
    lines += ["  " + "  ".join(f"{d:+.9e}" for d in result.printed)]
    return "\n".join(lines)


def figures(result: Layered) -> dict[str, Picture]:
    """The layers with the paths of one hidden unit marked, and how large δ is by layer."""
    from scalargrad import plot

    sizes, here = result.sizes, (1, 0)
    beyond = [(n, i) for n in range(2, len(sizes)) for i in range(sizes[n])]
    ways = [
        ((n, i), (n + 1, j))
        for n in range(1, len(sizes) - 1)
        for i in (range(sizes[n]) if n > 1 else [0])
        for j in range(sizes[n + 1])
    ]
    names = {here: "$j$"} | {(2, k): f"$k$={k + 1}" for k in range(sizes[2])}
    notes = {(0, sizes[0] - 1): "inputs", (1, sizes[1] - 1): "layer $l$"}
    notes |= {(len(sizes) - 1, sizes[-1] - 1): "layer $L$"}
    if len(sizes) > 3:
        notes[2, sizes[2] - 1] = "layer $l+1$"
    weights = {(here, (2, k)): f"$w_{{j{k + 1}}}$" for k in range(sizes[2])}
    paths, terms = prod(sizes[2:]), sizes[2]
    layers = plot.network(
        list(sizes), names=names, notes=notes, highlight={here, *beyond, *ways},
        edge_labels=weights,
        title=f"{paths} paths lead from unit $j$ to the outputs, but $\\delta_j$ has {terms} terms",
        alt=f"A network with layers of {', '.join(map(str, sizes))} units. Unit j of the first "
        "hidden layer, every unit after it and the edges between them are marked: the paths by "
        "which it moves the cost.",
    )  # fmt: skip
    layer_sizes = [sum(map(abs, layer)) / len(layer) for layer in result.hand]
    shares = plot.bars(
        {"mean |δ|": layer_sizes}, [f"layer {n}" for n in range(1, len(sizes))],
        ylabel="mean |δ|", title="δ becomes smaller towards the inputs",
        alt="The mean size of δ, layer by layer, on a logarithmic axis; it shrinks towards the "
        "inputs.",
    )  # fmt: skip
    (ax,) = shares.axes
    ax.set_yscale("log")
    ax.set_ylim(0.3 * min(layer_sizes), 3.0 * max(layer_sizes))
    for n, size in enumerate(layer_sizes):
        ax.annotate(f"{size:.2g}", (n, size), (0, 3), textcoords="offset points", ha="center")
    return {"paths": layers, "sizes": shares}
