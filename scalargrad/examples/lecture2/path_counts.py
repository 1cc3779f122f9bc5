"""Paths from a parameter to the output: n^L of them, and no need to walk them.

Along one path θ → a → b → z the chain rule multiplies: dz/dθ = dz/db · db/da · da/dθ. Where several
paths lead from θ to z, the products of all of them are added:

    ∂z/∂θ = Σ over all paths  Π over the edges i → j of the path  ∂a_j/∂a_i

With L layers of n units between them these are n^L paths of L + 1 edges each, but only
2n + n² (L - 1) edges in all: the paths share them. What the paths from a unit i onwards have in
common can be taken out of the sum, and kept,

    δ_i = ∂z/∂a_i = Σ_j δ_j ∂a_j/∂a_i      over the units j that i leads to,

so each unit and each edge comes up once. That is backpropagation. (On the lecture's slide both
braces of the factored sum are named δ_j; the outer one is δ_i.)

Source: Lecture 2, the multivariate chain rule and the structure of its sum.
Data: ours: weights of a network 1-3-3-3-1 with tanh units and a linear output, x = 0.4.
Look for: at n = 10 and L = 8 there are 100,000,000 paths and 720 edges. The 27 paths of the small
network and its factored sum give the same derivative. Add a layer: the paths are three times as
many, the edges 9 more.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.lecture2 import seven_node

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "DEPTHS", "WEIGHTS", "WIDTHS", "Counts", "PathCounts", "X", "build", "chain", "counts",
    "edges_between", "factored", "figures", "layered", "multiplications", "report", "run",
    "seven_paths",
]  # fmt: skip

Matrix = Sequence[Sequence[float]]  # row i: from unit i; column j: to unit j
Activation = Callable[[Any], Any]

X = 0.4
WEIGHTS: list[list[list[float]]] = [
    [[0.139, -0.484, -0.352]],
    [[0.946, -0.378, 0.585], [0.105, 0.445, 0.988], [0.194, 0.846, 0.292]],
    [[0.39, 0.298, -0.314], [0.037, 0.754, -0.94], [0.957, 0.49, 0.226]],
    [[0.519], [-0.376], [0.417]],
]
WIDTHS, DEPTHS = (2, 3, 10), (1, 2, 3, 4, 5, 6, 7, 8)


def build(
    x: Any, weights: Sequence[Matrix] = WEIGHTS, g: Activation = sg.tanh,
    dot: Callable[[Any, Any], Any] = sg.dot,
) -> list[list[Any]]:  # fmt: skip
    """A layered network, forward: what each unit gives, layer by layer; the last has no g.

    Args:
        x: the input, a number or a Value.
        weights: of each layer a matrix: row i from unit i, column j to unit j.
        g: the activation of the hidden units.
        dot: how a unit adds up its inputs.

    >>> z = build(0.4)[-1][0]
    >>> round(z, 9)
    0.063921938
    """
    layers: list[list[Any]] = [[x]]
    for number, w in enumerate(weights, 1):
        sums = [dot(column, layers[-1]) for column in zip(*w, strict=True)]
        layers.append(sums if number == len(weights) else [g(z) for z in sums])
    return layers


def factored(x: float, weights: Sequence[Matrix] = WEIGHTS) -> list[list[float]]:
    """δ = ∂z/∂a of every unit by the factored sum, in plain floats: inputs first, tanh units.

    Args:
        x: the input.
        weights: of each layer a matrix.

    >>> [[round(d, 4) for d in layer] for layer in factored(0.4)][0]
    [0.1453]
    """
    layers = build(x, weights, math.tanh, lambda w, a: sum(map(float.__mul__, w, a)))
    deltas = [[1.0]]
    for number in range(len(weights), 0, -1):
        slopes = [1.0 if number == len(weights) else 1.0 - a * a for a in layers[number]]
        deltas.insert(0, [
            sum(d * slope * w for d, slope, w in zip(deltas[0], slopes, row, strict=True))
            for row in weights[number - 1]
        ])  # fmt: skip
    return deltas


def chain(theta: float = 0.5) -> tuple[Value, Value]:
    """θ and z of a chain with a single path: a = θ², b = sin a, z = 3 b.

    >>> theta, z = chain()
    >>> [path] = sg.paths(z, theta)
    >>> [round(slope, 6) for slope in path.partials], round(path.product, 6)
    ([1.0, 0.968912, 3.0], 2.906737)
    """
    start = Value(theta, "θ")
    a = start**2
    b: Any = sg.sin(a)
    z: Any = b * 3.0
    for node, name in ((a, "a"), (b, "b"), (z, "z")):
        node.label = name
    return start, z


# --- counting -------------------------------------------------------------------------------


def layered(n: int, depth: int) -> tuple[Value, Value]:
    """The source and the sink of a network with `depth` layers of n units, without activations.

    Args:
        n: units in a layer, at least 1.
        depth: L, the layers between source and sink, at least 1.

    Raises:
        ValueError: one of them is below 1.

    >>> x, z = layered(10, 8)
    >>> sg.count_paths(z, x)
    100000000
    """
    if n < 1 or depth < 1:
        raise ValueError(f"at least one layer of at least one unit, got n = {n}, depth = {depth}")
    x = Value(1.0, "θ")
    z = build(x, _weights(n, depth), lambda z: z)[-1][0]
    z.label = "z"
    return x, z


def _weights(n: int, depth: int) -> list[list[list[float]]]:
    draw, sizes = random.Random(n), [1, *[n] * depth, 1]
    return [
        [[draw.uniform(-1.0, 1.0) for _ in range(after)] for _ in range(before)]
        for before, after in pairwise(sizes)
    ]


def edges_between(z: Value, x: Value) -> int:
    """How many edges lie on paths from x: each is one multiplication of the way back.

    >>> x, z = layered(3, 2)
    >>> edges_between(z, x)
    15
    """
    reached, edges = {x}, 0
    for node in sg.topological_order(z):
        found = len([parent for parent in node.parents if parent in reached])
        edges += found
        if found:
            reached.add(node)
    return edges


@dataclass(frozen=True)
class Counts:
    """Of a network with L layers of n units: paths, edges, and multiplications path by path."""

    paths: int
    edges: int
    path_multiplications: int


def counts(n: int, depth: int) -> Counts:
    """The counts by formula: n^L paths of L + 1 edges, and 2n + n² (L - 1) edges in all.

    >>> counts(10, 8)
    Counts(paths=100000000, edges=720, path_multiplications=900000000)
    """
    return Counts(n**depth, 2 * n + n * n * (depth - 1), n**depth * (depth + 1))


def multiplications(weights: Sequence[Matrix] = WEIGHTS) -> tuple[int, int]:
    """How often the way back asks for the slope of an edge, and of a tanh.

    Both operations are made here as a user would make his own, and count for themselves. The way
    back has to ask each of them once, however many paths lead through it.

    Args:
        weights: of each layer a matrix.

    >>> multiplications()
    (24, 9)
    """
    asked = {"edge": 0, "tanh": 0}

    def slope_of_edge(w: Any, a: Any, out: Any) -> tuple[Any, Any]:
        asked["edge"] += 1
        return a, w

    def slope_of_tanh(z: Any, a: Any) -> tuple[Any]:
        asked["tanh"] += 1
        return (1.0 - a * a,)

    edge = sg.primitive("edge", lambda w, a: w * a, slope_of_edge)
    tanh = sg.primitive("counted_tanh", math.tanh, slope_of_tanh)

    def dot(ws: Sequence[float], xs: Sequence[Any]) -> Any:
        return sg.sum([edge(w, a) for w, a in zip(ws, xs, strict=True)])

    build(Value(X), weights, tanh, dot)[-1][0].backward()
    return asked["edge"], asked["tanh"]


def seven_paths(net: seven_node.SevenNode, node: int) -> dict[tuple[int, ...], float]:
    """The paths of the seven-node network from a node to node 7, each with its product.

    Args:
        net: the network.
        node: 1 to 6.

    >>> seven_paths(seven_node.run(), 5)
    {(5, 7): 1.1}
    """
    number = {value: i for i, value in net.a.items()} | {net.z[7]: 7}
    return {
        tuple(number[value] for value in path if value in number): path.product
        for path in sg.paths(net.z[7], net.a[node])
    }


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class PathCounts:
    """What `run` computes.

    `layers` are the units of the small network, the input first and z last; their `grad` is δ.
    `products` has what each path from x to z contributes; `deltas` is δ by hand. `counted` has by
    (n, L) what was counted in a graph. `asked` are the slopes that the way back has asked for.
    """

    layers: list[list[Value]]
    products: list[float]
    deltas: list[list[float]]
    counted: dict[tuple[int, int], tuple[int, int]]
    asked: tuple[int, int]
    seven: dict[int, dict[tuple[int, ...], float]]

    @property
    def by_paths(self) -> float:
        """dz/dx as the sum over all paths."""
        return math.fsum(self.products)

    @property
    def by_factoring(self) -> float:
        """dz/dx as backprop finds it."""
        return float(self.layers[0][0].grad)


def run(x: float = X, weights: Sequence[Matrix] = WEIGHTS) -> PathCounts:
    """Sum over all paths and by factoring, and count both for growing networks.

    Args:
        x: the input of the small network.
        weights: its weights.

    >>> result = run()
    >>> len(result.products), abs(result.by_paths - result.by_factoring) < 1e-15
    (27, True)
    """
    source = Value(x, "x")
    layers = build(source, weights)
    for number, layer in enumerate(layers[1:-1], 1):
        for i, unit in enumerate(layer, 1):
            unit.label = f"{'abcdefgh'[(number - 1) % 8]}{i}"
    z = layers[-1][0]
    z.label = "z"
    z.backward()
    counted = {}
    for n, depth in product(WIDTHS, DEPTHS):
        start, end = layered(n, depth)
        counted[n, depth] = (sg.count_paths(end, start), edges_between(end, start))
    net = seven_node.run()
    return PathCounts(
        layers, [path.product for path in sg.paths(z, source)], factored(x, weights), counted,
        multiplications(weights), {node: seven_paths(net, node) for node in range(1, 7)},
    )  # fmt: skip


def report(result: PathCounts) -> str:
    """The derivative in both ways, the seven nodes' paths, and the counts."""
    edges, units = result.asked
    lines = [
        "dz/dx of the small network",
        "", f"  sum over {len(result.products)} paths    {result.by_paths:+.15f}",
        f"  factored            {result.by_factoring:+.15f}",
        f"  The way back uses {edges} edges and {units} tanh units, each once.",
        "", "δ = ∂z/∂a, layer by layer, from the output to the input", "",
    ]  # fmt: skip
    for layer in reversed(result.layers):
        lines.append("  " + "  ".join(f"{unit.label} {unit.grad:+.9f}" for unit in layer))
    lines += ["", "The seven-node network: ∂z7/∂a path by path", ""]
    for node, found in result.seven.items():
        for way, contribution in found.items():
            lines.append(f"  {' → '.join(map(str, way)):<16} {contribution:+.9f}")
        if len(found) > 1:
            lines.append(f"  sum for node {node}   {math.fsum(found.values()):+.9f}")
    lines += ["", "Counted in graphs with L layers of n units", ""]
    lines += ["   n   L         paths   edges   multiplications path by path"]
    for (n, depth), (paths, between) in result.counted.items():
        if depth in (1, 2, 4, 8):
            made = counts(n, depth).path_multiplications
            lines.append(f"  {n:>2}  {depth:>2}  {paths:>12,}  {between:>6}  {made:>14,}")
    return "\n".join(lines)


# --- pictures -------------------------------------------------------------------------------


def _fan() -> Picture:
    """Every path from θ to z drawn for itself, for three layers of two units."""
    from scalargrad import plot

    ways = list(product((0, 1), repeat=3))
    nodes: dict[Any, tuple[float, float]] = {"θ": (0.0, 0.0), "z": (10.0, 0.0)}
    edges: list[tuple[Any, Any]] = []
    names: dict[Any, str] = {}
    for row, way in enumerate(ways):
        before: Any = "θ"
        for column, i in enumerate(way):
            node = (row, column)
            nodes[node] = (3.0 + 2.0 * column, 0.9 * (3.5 - row))
            names[node] = f"{'abc'[column]}{i + 1}"
            edges.append((before, node))
            before = node
        edges.append((before, "z"))
    return plot.diagram(
        nodes, edges, names=names, highlight={*[(2, c) for c in range(3)], *edges[8:12]},
        title="The sum over all paths: 8 ways from θ to z, 32 multiplications",
        alt="A fan of eight separate chains from θ to z, each over one of a1, a2, one of b1, b2 "
        "and one of c1, c2. Every unit is drawn four times. The path over a1, b2, c1 is marked.",
    )  # fmt: skip


def figures(result: PathCounts) -> dict[str, Picture]:
    """The fan of paths, the same network with shared ways, the δ of the example, the counts."""
    from scalargrad import plot

    names = {(0, 0): "θ", (4, 0): "z"} | {
        (layer, i): f"{'abc'[layer - 1]}{i + 1}" for layer in (1, 2, 3) for i in (0, 1)
    }
    way = [(0, 0), (1, 0), (2, 1), (3, 0), (4, 0)]
    shared = plot.network(
        [1, 2, 2, 2, 1], names=names, highlight={*way[1:4], *pairwise(way)},
        title="The factored sum: 12 edges, each used once",
        alt="The network of θ, three layers of two units, and z. Twelve edges carry all eight "
        "paths; the path over a1, b2, c1 is marked.",
    )  # fmt: skip
    sizes = [len(layer) for layer in result.layers]
    units = {(k, i): unit for k, layer in enumerate(result.layers) for i, unit in enumerate(layer)}
    deltas = plot.network(
        sizes, names={place: unit.label for place, unit in units.items()},
        notes={place: f"δ = {unit.grad:+.3f}" for place, unit in units.items()},
        title=f"δ = ∂z/∂a: {len(result.products)} paths, added up on the way back",
        alt="The small network with δ below each unit, from 1 at the output z to "
        f"{result.by_factoring:+.3f} at the input x.",
    )  # fmt: skip
    series: dict[str, Any] = {}
    for n in (3, 10):
        series[f"paths, n = {n}"] = (DEPTHS, [result.counted[n, depth][0] for depth in DEPTHS])
        series[f"edges, n = {n}"] = (DEPTHS, [result.counted[n, depth][1] for depth in DEPTHS])
    growth = plot.lines(
        series, xlabel="layers L between θ and z", ylabel="how many", yscale="log", markers=True,
        title="Paths grow by a factor with each layer, edges by a summand",
        alt="Paths and edges over the number of layers, on a logarithmic axis. The paths are "
        "straight lines, up to 100 million at n = 10; the edges bend and stay below 1000.",
    )  # fmt: skip
    return {"paths": _fan(), "factored": shared, "deltas": deltas, "growth": growth}
