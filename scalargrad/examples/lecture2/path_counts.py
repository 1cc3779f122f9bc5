"""Paths from a parameter to the output: n^L of them, and no need to walk them.

Along one path θ → a → b → z the chain rule multiplies: dz/dθ = dz/db · db/da · da/dθ. Where several
paths lead from θ to z, the multivariate chain rule adds the products of all of them:

    ∂z/∂θ = Σ over all paths  Π over the edges i → j of the path  ∂a_j/∂a_i

With L layers of n units between θ and z these are n^L paths. Each has L + 1 edges, so it takes L
multiplications, n^L · L in all: exponential in the depth. But there are only 2n + n² (L - 1) edges:
the paths share them. What the paths from a unit i onwards have in common can be taken out of the
sum, and kept. For three layers of units a_i, b_j and c_k:

    ∂z/∂θ = Σ_i ∂a_i/∂θ ( Σ_j ∂b_j/∂a_i ( Σ_k ∂c_k/∂b_j ∂z/∂c_k ) )
                                         ╰────────── δ_j ─────────╯
                        ╰─────────────────── δ_i ────────────────────╯

    δ_i = ∂z/∂a_i = Σ_j δ_j ∂a_j/∂a_i      over the units j that i leads to

so each unit and each edge is used once: the cost is linear in the number of edges. That is
backpropagation. (On the lecture's slide both braces are named δ_j; the outer one is δ_i.)

Source: Lecture 2, Error backpropagation: the multivariate chain rule, the structure of its sum.
Data: ours: weights of a network 1-3-3-3-1 with tanh units and a linear output, x = 0.4.
Look for: at n = 10 and L = 8 there are 100,000,000 paths with 800,000,000 multiplications, and 720
edges. The 27 paths of the small network and its factored sum give the same derivative. Add a layer:
the paths are three times as many, the edges only 9 more.
Conclusion: paths multiply with each layer, edges only add; backpropagation pays for the edges.
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

    A path of L + 1 factors takes L multiplications.

    >>> counts(10, 8)
    Counts(paths=100000000, edges=720, path_multiplications=800000000)
    """
    return Counts(n**depth, 2 * n + n * n * (depth - 1), n**depth * depth)


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
        f"  The backward pass uses {edges} edges and {units} tanh units, each once.",
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
        title="The sum over all paths: 8 paths of 4 factors, 24 multiplications",
        alt="A fan of eight separate chains from θ to z, each over one of a1, a2, one of b1, b2 "
        "and one of c1, c2. Every unit is drawn four times. The path over a1, b2, c1 is marked.",
    )  # fmt: skip


def _sheet(width: float, height: float, alt: str) -> tuple[Any, Any]:
    """A page and its axes, whose unit is an inch: so a text can be placed by its own width."""
    from scalargrad import plot

    page = plot.figure(width=width, height=height, alt=alt)
    page.set_layout_engine("none")
    ax = page.axes[0]
    ax.set_position((0.0, 0.0, 1.0, 1.0))
    return page, ax


_NESTED = (  # the sum in pieces; braces begin and end at brackets, which are larger
    r"$\dfrac{\partial z}{\partial \theta} \;=\; \sum_i \; \dfrac{\partial a_i}{\partial \theta}$",
    "(", r"$\sum_j \; \dfrac{\partial b_j}{\partial a_i} \;$",
    "(", r"$\sum_k \; \dfrac{\partial c_k}{\partial b_j} \; \dfrac{\partial z}{\partial c_k}$",
    ")", ")",
)  # fmt: skip
_DELTAS = (  # what each column of the network keeps
    r"$\dfrac{\partial z}{\partial \theta} ="
    r" \sum_i \delta_i \, \dfrac{\partial a_i}{\partial \theta}$",
    r"$\delta_i = \sum_j \delta_j \, \dfrac{\partial b_j}{\partial a_i}$",
    r"$\delta_j = \sum_k \delta_k \, \dfrac{\partial c_k}{\partial b_j}$",
    r"$\delta_k = \dfrac{\partial z}{\partial c_k}$",
    r"$\dfrac{\partial z}{\partial z} = 1$",
)


def _factored() -> Any:
    """The nested sums with their braces, above the network whose columns keep them."""
    from scalargrad import plot
    from scalargrad.plot.style import ACCENT, INK

    page, ax = _sheet(
        11.0, 6.3,
        "The sum over all paths as nested sums over i, j and k. A brace below the inner sum over k "
        "names it δ_j, a brace below the sum over j names it δ_i. Below that the network of θ, "
        "three layers of two units and z, with twelve edges whose arrows point backward, and under "
        "each layer the δ that it keeps.",
    )  # fmt: skip
    columns = [0.9 + 2.3 * k for k in range(5)]
    places: dict[Any, tuple[float, float]] = {(0, 0): (columns[0], 2.1), (4, 0): (columns[4], 2.1)}
    places |= {(layer, i): (columns[layer], 2.75 - 1.3 * i) for layer in (1, 2, 3) for i in (0, 1)}
    names = {(0, 0): "θ", (4, 0): "z"}
    names |= {(k, i): f"{'abc'[k - 1]}{i + 1}" for k in (1, 2, 3) for i in (0, 1)}
    # backward: from z to θ
    edges = [(b, a) for a in places for b in places if b[0] == a[0] + 1]
    plot.diagram(places, edges, names=names, ax=ax)
    ax.set_aspect("auto")
    ax.set_xlim(0.0, 11.0)
    ax.set_ylim(0.0, 6.3)
    for text in ax.texts:
        text.set_fontsize(13)
    for x, formula in zip(columns, _DELTAS, strict=True):
        ax.text(x, 0.5, formula, ha="center", va="center", fontsize=16)
    ax.text(
        5.5, 6.0, "The factored sum: each of the 12 edges is used once", ha="center", va="center",
        fontsize=14, weight="bold",
    )  # fmt: skip
    x, starts = 2.9, []
    for piece in _NESTED:
        starts.append(x)
        bracket = piece in "()"
        text = ax.text(
            x, 5.2 if bracket else 5.15, piece, ha="left", va="center",
            fontsize=36 if bracket else 20, weight="light",
        )  # fmt: skip
        x += text.get_window_extent().width / page.dpi + 0.04
    for left, right, y, name, colour in (
        (starts[3], starts[6], 4.55, r"$\delta_j$", INK),
        (starts[1], x, 3.95, r"$\delta_i$", ACCENT),
    ):
        xs, ys = [left, left, right, right], [y + 0.12, y, y, y + 0.12]
        ax.plot(xs, ys, color=colour, linewidth=2.0, linestyle="-" if colour == INK else "--")
        ax.text(
            (left + right) / 2, y - 0.05, name, ha="center", va="top", fontsize=18, color=colour
        )
    return page


def _deltas(result: PathCounts) -> Any:
    """The small network with δ in each circle."""
    from scalargrad import plot

    page, ax = _sheet(
        11.0, 4.8,
        "The small network with δ in each circle, from 1 at the output z to "
        f"{result.by_factoring:+.3f} at the input x.",
    )  # fmt: skip
    layers = result.layers
    places = {
        (k, i): (0.9 + 2.3 * k, 2.15 + 1.35 * ((len(layer) - 1) / 2 - i))
        for k, layer in enumerate(layers)
        for i in range(len(layer))
    }
    edges = [(a, b) for a in places for b in places if b[0] == a[0] + 1]
    names = {
        (k, i): f"{unit.label}\n{unit.grad:+.3f}".replace("-", "−")
        for k, layer in enumerate(layers)
        for i, unit in enumerate(layer)
    }
    plot.diagram(places, edges, names=names, ax=ax)
    ax.set_aspect("auto")
    ax.set_xlim(0.0, 11.0)
    ax.set_ylim(0.0, 4.8)
    for text in ax.texts:
        text.set_fontsize(10.5)
    ax.text(
        5.5, 4.5, f"In each circle δ = ∂z/∂a: {len(result.products)} paths, added up on the way "
        "back", ha="center", va="center", fontsize=13, weight="bold",
    )  # fmt: skip
    return page


def figures(result: PathCounts) -> dict[str, Picture]:
    """The fan of paths, the nested sums on a network, the δ of the example, the counts."""
    from scalargrad import plot

    series: dict[str, Any] = {}
    for n in (10, 3):
        series[f"paths, n = {n}"] = (DEPTHS, [result.counted[n, depth][0] for depth in DEPTHS])
        series[f"edges, n = {n}"] = (DEPTHS, [result.counted[n, depth][1] for depth in DEPTHS])
    growth = plot.lines(
        series, xlabel="layers L between θ and z", ylabel="how many", yscale="log", markers=True,
        title="Paths multiply with each layer, edges only add",
        alt="Paths and edges over the number of layers, on a logarithmic axis. The paths are "
        "straight lines, up to 100 million at n = 10; the edges bend and stay below 1000.",
    )  # fmt: skip
    return {"paths": _fan(), "factored": _factored(), "deltas": _deltas(result), "growth": growth}
