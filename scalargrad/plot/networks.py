"""Networks as circles and arrows, in layers or at given positions."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from operator import mul
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.patheffects import withStroke

from scalargrad import nn
from scalargrad.core.arguments import listed
from scalargrad.core.numbers import as_count, shown, written
from scalargrad.core.value import Value
from scalargrad.plot.arguments import optional, pair, plain
from scalargrad.plot.figures import Figure, axes_of, finished, styled
from scalargrad.plot.style import ACCENT, COLOURS, INK
from scalargrad.support.memory import check_memory

__all__ = ["diagram", "network"]

Edge = tuple[Hashable, Hashable]
Point = tuple[float, float]

RADIUS = 0.36
GAP = 1.25  # between the centres of neighbours in a layer


@styled
def network(
    sizes: Sequence[int] | nn.MLP, *, names: Mapping[Any, str] | None = None,
    notes: Mapping[Any, str] | None = None, edge_labels: Mapping[Any, str] | None = None,
    edge_values: Mapping[Any, float] | None = None, highlight: Collection[Any] = (),
    title: str = "", bias: bool = False, ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw a layered network: circles in columns, each joined to all of the next column.

    A node is a pair (layer, index), both from 0; an edge is a pair of nodes.

    Args:
        sizes: the number of units in each layer, inputs first; or an `nn.MLP`, whose weights (and
            biases, with `bias`) become the `edge_values` unless others are given.
        names: a dict from node to the text in its circle.
        notes: a dict from node to the text below it.
        edge_labels: a dict from edge to the text on its line.
        edge_values: a dict from edge to a number: the larger its size, the wider the line; negative
            ones are dashed.
        highlight: the nodes and edges to draw thick.
        title: the title above the axes.
        bias: whether to add a unit that is always 1 to each layer but the last.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the arguments.

    Returns:
        The figure.

    Raises:
        TypeError: `sizes` is neither a list of whole numbers nor an `nn.MLP`.
        ValueError: there are fewer than two layers, a layer is empty, or an argument names a node
            or edge that does not exist.

    >>> sg.plot.network([2, 3, 1], highlight={(2, 0)}).alt
    'A network of 2, 3 and 1 units, with 1 node marked'
    """
    if isinstance(sizes, nn.MLP):
        if edge_values is None:
            edge_values = _weights(sizes, bias)
        sizes = [len(sizes.layers[0].neurons[0].w), *(len(layer.neurons) for layer in sizes.layers)]
    sizes = listed(sizes, "network", wanted="network takes the sizes of the layers, or an nn.MLP")
    sizes = [as_count(n, "network: a layer's size", least=0) for n in sizes]
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"network needs at least two layers of at least one unit, got {sizes}")
    # each line is an artist of matplotlib, of some kilobytes
    check_memory(sum(map(mul, sizes, sizes[1:])), 4_000, "network: a picture of {} lines")
    edge_labels, notes = _texts(edge_labels), _texts(notes)
    last = len(sizes) - 1
    drawn = [n + (bias and k < last) for k, n in enumerate(sizes)]
    step = max(2.6 if edge_labels or notes else 2.0, 0.45 * max(drawn) * GAP)
    if edge_labels:  # labels need room between lines that cross
        step = max(step, *(max(1.05 * min(p), 0.65 * max(p)) for p in pairwise(drawn)))
    nodes = {
        (k, i): (k * step, GAP * ((drawn[k] - 1) / 2 - i))
        for k in range(last + 1)
        for i in range(drawn[k])
    }
    edges = [
        ((k, i), (k + 1, j))
        for k in range(last)
        for i in range(drawn[k])
        for j in range(sizes[k + 1])
    ]
    ones = dict.fromkeys(enumerate(sizes[:-1]), "1") if bias else {}
    text = f"A network of {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} units"
    names = ones | _texts(names)
    return _draw(
        nodes, edges, names, notes, edge_labels, edge_values, highlight, title, ax, alt, text
    )


@styled
def diagram(
    nodes: Mapping[Any, Point], edges: Iterable[Edge], *,
    names: Mapping[Any, str] | None = None, notes: Mapping[Any, str] | None = None,
    edge_labels: Mapping[Any, str] | None = None, edge_values: Mapping[Any, float] | None = None,
    highlight: Collection[Any] = (), title: str = "", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw circles at given positions, joined by arrows.

    Args:
        nodes: a dict from node to its position (x, y); the circles have a radius of 0.36.
        edges: pairs of nodes.
        names: a dict from node to the text in its circle; by default a node that is a text.
        notes: a dict from node to the text below it.
        edge_labels: a dict from edge to the text on its line.
        edge_values: a dict from edge to a number: the larger its size, the wider the line; negative
            ones are dashed.
        highlight: the nodes and edges to draw thick.
        title: the title above the axes.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the arguments.

    Returns:
        The figure.

    Raises:
        TypeError: `nodes` is not a dict, or a coordinate is not a number.
        ValueError: there are no nodes, an edge does not join two nodes at different positions, or
            an argument names a node or edge that does not exist.

    >>> sg.plot.diagram({"x": (0, 0), "y": (2, 0)}, [("x", "y")], edge_labels={("x", "y"): "w"}).alt
    'A diagram of 2 nodes and 1 edge: x to y'
    """
    if not isinstance(nodes, Mapping):
        got = shown(nodes)
        raise TypeError(f"diagram takes a dict, {{node: (x, y)}}, got {got}")
    nodes = {node: pair(xy, f"diagram: the position of {node!r}") for node, xy in nodes.items()}
    wanted = "diagram: edges must be a list of pairs of nodes"
    edges = [_edge(edge) for edge in listed(edges, "diagram", wanted=wanted)]
    text = ", ".join(f"{a} to {b}" for a, b in edges[:12]) + (" ..." if len(edges) > 12 else "")
    text = f"A diagram of {len(nodes)} nodes and {len(edges)} edge{'s' * (len(edges) != 1)}: {text}"
    return _draw(
        nodes, edges, names, notes, edge_labels, edge_values, highlight, title, ax, alt, text
    )


def _draw(
    nodes: Mapping[Any, Point], edges: Sequence[Edge], names: Mapping[Any, str] | None,
    notes: Mapping[Any, str] | None, edge_labels: Mapping[Any, str] | None,
    edge_values: Mapping[Any, float] | None, highlight: Collection[Any], title: str,
    ax: Axes | None, alt: str | None, text: str,
) -> Figure:  # fmt: skip
    """Draw nodes and edges; `text` begins the description of the figure."""
    names, notes, edge_labels = (_texts(texts) for texts in (names, notes, edge_labels))
    edges_by = optional(edge_values, "edge_values", "edge: number")
    values = {edge: plain(x, "edge_values") for edge, x in edges_by.items()}
    several = isinstance(highlight, Collection) and getattr(highlight, "ndim", 1) > 0
    if not several or isinstance(highlight, str | bytes):
        raise TypeError(f"highlight must be a set of nodes and edges, got {shown(highlight)}")
    _check(nodes, edges, (names, notes), (edge_labels, values), highlight)
    xs, ys = zip(*nodes.values(), strict=True)
    width, height = max(xs) - min(xs) + 1.6, max(ys) - min(ys) + (1.4 if notes else 1.1)
    scale = min(0.62, 9.0 / width)  # inches per unit
    own = ax is None
    if own:
        wide = max(3.2, scale * width, 0.095 * len(title) + 0.4)  # room for the title
        ax = axes_of(None, width=wide, height=max(1.8, scale * height + 0.5))
    ax = axes_of(ax)
    ax.set_axis_off()
    ax.set_aspect("equal")
    largest = max(map(abs, values.values()), default=0.0) or 1.0
    for edge in edges:
        value = None if edge_values is None else values.get(edge, 0.0) / largest
        _draw_edge(ax, nodes[edge[0]], nodes[edge[1]], value, edge in highlight)
    for node, center in nodes.items():
        name = names.get(node, node if isinstance(node, str) else "")
        _draw_node(ax, center, name, notes.get(node, ""), node in highlight)
    ax.set_xlim(min(xs) - 0.8, max(xs) + 0.8)
    ax.set_ylim(min(ys) - (0.85 if notes else 0.55), max(ys) + 0.55)
    if edge_values is not None:
        ax.text(
            0.5, 0.0, f"widest line: {largest:.3g}; dashed: negative", transform=ax.transAxes,
            ha="center", va="top", fontsize=9,
        )  # fmt: skip
    unit = scale if own else _inches_per_unit(ax)
    for edge, position in _label_positions(nodes, edges, edge_labels, notes, unit).items():
        ax.text(
            *position, edge_labels[edge], ha="center", va="center", fontsize=9, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    return finished(ax, title, alt, text + _summary(nodes, values, highlight))


def _edge(edge: Any) -> Edge:
    if not isinstance(edge, list | tuple) or len(edge) != 2:
        raise ValueError(f"diagram: an edge is a pair of nodes, got {written(edge)}")
    return edge[0], edge[1]


def _texts(texts: Any) -> dict[Any, str]:
    """Return the texts by node or edge; a Value becomes its number."""
    if not isinstance(texts, Mapping | None):
        got = shown(texts)
        raise TypeError(f"names, notes and edge_labels are dicts by node or edge, got {got}")
    return {
        key: f"{x.data:.4g}" if isinstance(x, Value) else x if isinstance(x, str) else written(x)
        for key, x in (texts or {}).items()
    }


def _summary(
    nodes: Mapping[Any, Any], values: Mapping[Any, float], highlight: Collection[Any]
) -> str:
    """Describe the values of the edges and the number of marked nodes and edges."""
    text = ""
    if values:
        low, high = min(values.values()), max(values.values())
        text = f", with values from {low:.3g} to {high:.3g} on the lines"
    marked = [key in nodes for key in highlight]
    counts = {"node": marked.count(True), "edge": marked.count(False)}
    parts = [f"{n} {kind}{'s' * (n != 1)}" for kind, n in counts.items() if n]
    return text + (f", with {' and '.join(parts)} marked" if parts else "")


def _weights(model: nn.MLP, bias: bool) -> dict[Any, float]:
    return {
        ((k, i), (k + 1, j)): w.data
        for k, layer in enumerate(model.layers)
        for j, neuron in enumerate(layer.neurons)
        for i, w in enumerate([*neuron.w, *([neuron.b] if bias and neuron.b is not None else [])])
    }


def _check(
    nodes: Mapping[Any, Any], edges: Sequence[Edge], by_node: Iterable[Mapping[Any, Any]],
    by_edge: Iterable[Mapping[Any, Any]], highlight: Collection[Any],
) -> None:  # fmt: skip
    """Raise an error if an edge or an argument refers to a node or edge that does not exist."""
    if not nodes:
        raise ValueError("diagram: there are no nodes")
    for edge in edges:
        if edge[0] not in nodes or edge[1] not in nodes:
            raise ValueError(f"the edge {edge!r} does not join two nodes: no node of that name")
        if nodes[edge[0]] == nodes[edge[1]]:
            raise ValueError(f"the edge {edge!r} joins two nodes at one position")
    known = set(edges)
    for keys, existing, kind in (
        *((mapping, nodes, "node") for mapping in by_node),
        *((mapping, known, "edge") for mapping in by_edge),
        (highlight, nodes.keys() | known, "node and no edge"),
    ):
        for key in keys:
            if not isinstance(key, Hashable) or key not in existing:
                raise ValueError(f"there is no {kind} {written(key)}")


def _draw_edge(ax: Axes, start: Point, end: Point, value: float | None, marked: bool) -> None:
    """Draw an arrow; `value`, from -1 to 1, sets its width, color and dash."""
    width, colour = 1.0, "#6b6b6b"
    if value is not None:
        width, colour = 0.6 + 4.0 * abs(value), COLOURS[1] if value < 0 else COLOURS[0]
    if marked:
        width, colour = max(width, 2.4), ACCENT
    (x0, y0), (x1, y1) = start, end
    if marked and value is not None:  # among wide lines, a wide line does not stand out
        shade: Any = {"linewidth": width + 6.0, "color": "#f2c4be", "zorder": 0.5}
        ax.plot([x0, x1], [y0, y1], **shade)
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = (x1 - x0) / length * RADIUS, (y1 - y0) / length * RADIUS
    arrow = FancyArrowPatch(
        (x0 + dx, y0 + dy), (x1 - dx, y1 - dy), arrowstyle="-|>", mutation_scale=9 + 1.5 * width,
        linewidth=width, color=colour, linestyle=(0, (4, 2)) if (value or 0.0) < 0 else "-",
        shrinkA=0, shrinkB=0, zorder=2 if marked else 1,
    )  # fmt: skip
    ax.add_patch(arrow)


def _inches_per_unit(ax: Axes) -> float:
    """Estimate the size of a unit of the axes; the final layout comes later."""
    box, page = ax.get_position(), ax.figure
    wide, high = page.bbox.width / page.dpi, page.bbox.height / page.dpi
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    return float(min(box.width * wide / (x1 - x0), box.height * high / (y1 - y0)))


def _label_positions(
    nodes: Mapping[Any, Point], edges: Sequence[Edge], labels: Mapping[Any, str],
    notes: Mapping[Any, str], unit: float,
) -> dict[Any, Point]:  # fmt: skip
    """Choose where on its line each label stands, clear of labels, circles and other lines.

    Labels go to their best positions one by one, then move until none finds a better one. The best
    of three orders wins.
    """
    shares = np.linspace(0.15, 0.85, 57)
    lines = {edge: np.array([nodes[edge[0]], nodes[edge[1]]], float) for edge in edges}
    along = np.linspace(0.0, 1.0, 81)[:, None]
    points = {edge: line[0] + along * (line[1] - line[0]) for edge, line in lines.items()}
    centres = np.array(list(nodes.values()), float)
    below = [centres[k] - (0.0, RADIUS + 0.2) for k, node in enumerate(nodes) if notes.get(node)]
    half = {e: np.array([_letters(text) * 0.04 + 0.04, 0.095]) / unit for e, text in labels.items()}
    spots, costs = {}, {}
    for edge, size in half.items():
        start, end = lines[edge]
        spots[edge] = start + shares[:, None] * (end - start)
        cost = 0.6 * np.abs(shares - 0.5)
        for other in points:
            if other != edge:
                cost += 0.4 * _overlap(spots[edge], points[other], size).any(axis=1)
        cost += 20.0 * _overlap(spots[edge], centres, size + 0.85 * RADIUS).any(axis=1)
        if below:
            cost += 6.0 * _overlap(spots[edge], np.array(below), size + 0.1).any(axis=1)
        costs[edge] = cost
    best, least = {}, math.inf
    orders = [list(half), list(half)[::-1], sorted(half, key=lambda e: -float(costs[e].min()))]
    for order in orders:
        at: dict[Any, int] = {}
        for _ in range(6):
            before, total = dict(at), 0.0
            for edge in order:
                others = [e for e in at if e != edge]
                cost = costs[edge].copy()
                if others:
                    taken = np.array([spots[e][at[e]] for e in others])
                    room = half[edge] + np.array([half[e] for e in others])
                    apart = np.abs(spots[edge][:, None, :] - taken[None, :, :]) / room
                    met = np.clip(1.0 - apart, 0.0, 1.0).prod(axis=2)  # the share covered
                    cost += (5.0 * (met > 0.0) + 20.0 * met).sum(axis=1)
                at[edge] = int(cost.argmin())
                total += float(cost.min())
            if at == before:
                break
        if total < least:
            best, least = at, total
    return {edge: (float(spots[edge][k][0]), float(spots[edge][k][1])) for edge, k in best.items()}


def _overlap(spots: Any, points: Any, size: Any) -> Any:
    """Return for each spot and point whether a box of that half size around the spot covers it."""
    return (np.abs(spots[:, None, :] - points[None, :, :]) < size).all(axis=2)


def _letters(text: str) -> int:
    """Estimate the width of a text in letters; the markup of a formula takes no room."""
    return max(len(line.translate(dict.fromkeys(map(ord, "$_^{}\\")))) for line in text.split("\n"))


def _draw_node(ax: Axes, center: Point, name: str, note: str, marked: bool) -> None:
    ax.add_patch(
        Circle(
            center, RADIUS, facecolor="#fbe9e7" if marked else "white",
            edgecolor=ACCENT if marked else INK, linewidth=2.6 if marked else 1.3, zorder=3,
        )
    )  # fmt: skip
    letters = _letters(name)
    size = 10 if letters <= 4 else 9 if letters == 5 else 8
    ax.text(*center, name, ha="center", va="center", fontsize=size, zorder=4)
    if note:
        x, y = center
        text = ax.text(x, y - RADIUS - 0.07, note, ha="center", va="top", fontsize=9, zorder=4)
        # an outline interrupts a line behind the letters; a box would cut arrows in two
        text.set_path_effects([withStroke(linewidth=3.0, foreground="white")])
