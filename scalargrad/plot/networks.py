"""Networks as circles and arrows, in layers or at free places, with numbers on them."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.patheffects import withStroke

from scalargrad import nn
from scalargrad.core.numbers import as_count
from scalargrad.core.value import Value
from scalargrad.plot.figure import Figure, axes_of, finished, styled
from scalargrad.plot.inputs import plain
from scalargrad.plot.style import ACCENT, COLOURS, INK

__all__ = ["diagram", "network"]

Edge = tuple[Hashable, Hashable]

RADIUS = 0.36
GAP = 1.25  # between the centres of two circles of a layer


@styled
def network(
    sizes: Sequence[int] | nn.MLP, *, names: Mapping[Any, str] | None = None,
    notes: Mapping[Any, str] | None = None, edge_labels: Mapping[Any, str] | None = None,
    edge_values: Mapping[Any, float] | None = None, highlight: Collection[Any] = (),
    title: str = "", bias: bool = False, ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """A layered network: circles in columns, each joined with all of the next column.

    Args:
        sizes: how many units each layer has, inputs first; or an `nn.MLP`, whose weights (and
            biases, with `bias`) become the `edge_values` if none are given.
        names, notes: by node (layer, index), both from 0: what stands in a circle, and below it.
        edge_labels: by edge (node, node): what stands on the line.
        edge_values: by edge a number: the wider the line the larger, dashed where it is negative.
        highlight: nodes and edges to draw thick.
        title, ax, alt: as for `plot.lines`.
        bias: add a unit that is always 1 to each layer but the last, as its last one.

    Raises:
        TypeError: `sizes` is neither whole numbers nor an `nn.MLP`.
        ValueError: there are no two layers, or something is given for a node or edge that is not.

    >>> sg.plot.network([2, 3, 1], highlight={(2, 0)}).alt
    'A network of 2, 3 and 1 units, with 1 node marked'
    """
    if isinstance(sizes, nn.MLP):
        if edge_values is None:
            edge_values = _weights(sizes, bias)
        sizes = [len(sizes.layers[0].neurons[0].w), *(len(layer.neurons) for layer in sizes.layers)]
    if not isinstance(sizes, Iterable) or isinstance(sizes, str):
        got = type(sizes).__name__
        raise TypeError(f"network takes the sizes of the layers, or an nn.MLP, got {got}")
    sizes = [as_count(n, "network: a layer's size", least=0) for n in sizes]
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"network: at least two layers of at least one unit, got {sizes}")
    last = len(sizes) - 1
    drawn = [n + (bias and k < last) for k, n in enumerate(sizes)]
    step = max(2.6 if edge_labels or notes else 2.0, 0.45 * max(drawn) * GAP)
    if edge_labels:  # many lines that cross need room for their labels
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
    told = f"A network of {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} units"
    ax = _drawn(
        nodes, edges, names=ones | _as_texts(names or {}), notes=notes or {},
        edge_labels=edge_labels or {}, edge_values=edge_values, highlight=highlight, title=title,
        ax=ax,
    )  # fmt: skip
    return finished(ax, title, alt, told + _told_of(nodes, edge_values, highlight))


@styled
def diagram(
    nodes: Mapping[Any, tuple[float, float]], edges: Iterable[Edge], *,
    names: Mapping[Any, str] | None = None, notes: Mapping[Any, str] | None = None,
    edge_labels: Mapping[Any, str] | None = None, edge_values: Mapping[Any, float] | None = None,
    highlight: Collection[Any] = (), title: str = "", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Circles at places of your own, joined by arrows; the rest as for `network`.

    Args:
        nodes: the place (x, y) of each node; circles have a radius of 0.36.
        edges: pairs of nodes.
        names: what stands in the circles; by default the nodes themselves, if they are text.

    Raises:
        ValueError: there are no nodes, an edge joins no two of them, or something is given for a
            node or edge that is not there.

    >>> sg.plot.diagram({"x": (0, 0), "y": (2, 0)}, [("x", "y")], edge_labels={("x", "y"): "w"}).alt
    'A diagram of 2 nodes and 1 edge: x to y'
    """
    if not isinstance(nodes, Mapping):
        got = type(nodes).__name__
        raise TypeError(f"diagram takes a dict, {{node: (x, y)}}, got {got}")
    nodes = {node: _place(node, place) for node, place in nodes.items()}
    edges = [_edge(edge) for edge in edges]
    ax = _drawn(
        nodes, edges, names=names or {}, notes=notes or {}, edge_labels=edge_labels or {},
        edge_values=edge_values, highlight=highlight, title=title, ax=ax,
    )  # fmt: skip
    told = ", ".join(f"{a} to {b}" for a, b in edges[:12]) + (" ..." if len(edges) > 12 else "")
    told = f"A diagram of {len(nodes)} nodes and {len(edges)} edge{'s' * (len(edges) != 1)}: {told}"
    return finished(ax, title, alt, told + _told_of(nodes, edge_values, highlight))


def _drawn(
    nodes: Mapping[Any, tuple[float, float]], edges: Sequence[Edge], *, names: Mapping[Any, str],
    notes: Mapping[Any, str], edge_labels: Mapping[Any, str],
    edge_values: Mapping[Any, float] | None, highlight: Collection[Any], title: str,
    ax: Axes | None,
) -> Axes:  # fmt: skip
    """The axes with all of it but the title."""
    names, notes, edge_labels = (_as_texts(given) for given in (names, notes, edge_labels))
    _check(nodes, edges, (names, notes), (edge_labels, edge_values or {}), highlight)
    width, height = _extent(nodes, bool(notes))
    scale = min(0.62, 9.0 / width)  # inches for a unit
    own = ax is None
    if ax is None:
        wide = max(3.2, scale * width, 0.095 * len(title) + 0.4)  # the title is not to be cut
        ax = axes_of(None, width=wide, height=max(1.8, scale * height + 0.5))
    ax.set_axis_off()
    ax.set_aspect("equal")
    largest = max((abs(plain(x)) for x in (edge_values or {}).values()), default=0.0) or 1.0
    for edge in edges:
        value = plain((edge_values or {}).get(edge, 0.0))
        _join(
            ax, nodes, edge, marked=edge in highlight, value=value / largest,
            valued=edge_values is not None,
        )  # fmt: skip
    for node, place in nodes.items():
        name = names.get(node, node if isinstance(node, str) else "")
        _circle(ax, place, name, notes.get(node, ""), node in highlight)
    xs, ys = zip(*nodes.values(), strict=True)
    ax.set_xlim(min(xs) - 0.8, max(xs) + 0.8)
    ax.set_ylim(min(ys) - (0.85 if notes else 0.55), max(ys) + 0.55)
    if edge_values is not None:
        ax.text(
            0.5, 0.0, f"widest line: {largest:.3g}; dashed: negative", transform=ax.transAxes,
            ha="center", va="top", fontsize=9,
        )  # fmt: skip
    unit = scale if own else _inches_of_a_unit(ax)
    places = _label_places(nodes, edges, edge_labels, notes, unit)
    for edge, place in places.items():
        ax.text(
            *place, edge_labels[edge], ha="center", va="center", fontsize=9, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
        )  # fmt: skip
    return ax


def _place(node: Any, place: Any) -> tuple[float, float]:
    if not hasattr(place, "__len__") or len(place) != 2:
        raise ValueError(f"diagram: the place of {node!r} is (x, y), got {place!r:.60}")
    return plain(place[0], f"diagram: {node!r}"), plain(place[1], f"diagram: {node!r}")


def _edge(edge: Any) -> Edge:
    if not isinstance(edge, list | tuple) or len(edge) != 2:
        raise ValueError(f"diagram: an edge is a pair of nodes, got {edge!r:.60}")
    return edge[0], edge[1]


def _as_texts(given: Any) -> dict[Any, str]:
    """By node or edge the text; numbers are written as they are, and Values by their number."""
    if not isinstance(given, Mapping):
        got = type(given).__name__
        raise TypeError(f"names, notes and edge_labels are dicts by node or edge, got {got}")
    return {key: f"{x.data:.4g}" if isinstance(x, Value) else str(x) for key, x in given.items()}


def _told_of(
    nodes: Mapping[Any, Any], values: Mapping[Any, float] | None, highlight: Collection[Any]
) -> str:
    """What the lines and the marked ones say, for the text of a figure."""
    told = ""
    if values:
        numbers = [plain(x) for x in values.values()]
        told += f", with values from {min(numbers):.3g} to {max(numbers):.3g} on the lines"
    marked = [key in nodes for key in highlight]
    counts = {"node": marked.count(True), "edge": marked.count(False)}
    parts = [f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items() if n]
    return told + (f", with {' and '.join(parts)} marked" if parts else "")


def _weights(model: nn.MLP, bias: bool) -> dict[Any, float]:
    return {
        ((k, i), (k + 1, j)): w.data
        for k, layer in enumerate(model.layers)
        for j, neuron in enumerate(layer.neurons)
        for i, w in enumerate([*neuron.w, *([neuron.b] if bias and neuron.b is not None else [])])
    }


def _check(
    nodes: Mapping[Any, Any], edges: Sequence[Edge], of_nodes: Iterable[Mapping[Any, Any]],
    of_edges: Iterable[Mapping[Any, Any]], highlight: Collection[Any],
) -> None:  # fmt: skip
    if not nodes:
        raise ValueError("diagram: there are no nodes")
    known = set(edges)
    for edge in edges:
        if edge[0] not in nodes or edge[1] not in nodes:
            raise ValueError(f"the edge {edge!r} joins what is no node")
        if nodes[edge[0]] == nodes[edge[1]]:
            raise ValueError(f"the edge {edge!r} joins nodes that stand at one place")
    for given, there, what in (
        *((m, nodes, "node") for m in of_nodes), *((m, known, "edge") for m in of_edges),
    ):  # fmt: skip
        for key in given:
            if key not in there:
                raise ValueError(f"there is no {what} {key!r}")
    for key in highlight:
        if key not in nodes and key not in known:
            raise ValueError(f"highlight: there is no node and no edge {key!r}")


def _extent(nodes: Mapping[Any, tuple[float, float]], noted: bool) -> tuple[float, float]:
    xs, ys = zip(*nodes.values(), strict=True)
    return max(xs) - min(xs) + 1.6, max(ys) - min(ys) + (1.4 if noted else 1.1)


def _join(
    ax: Axes, nodes: Mapping[Any, tuple[float, float]], edge: Edge, *, marked: bool, value: float,
    valued: bool,
) -> None:  # fmt: skip
    width = 0.6 + 4.0 * abs(value) if valued else 1.0
    colour = "#6b6b6b"
    if valued:
        colour = COLOURS[1] if value < 0 else COLOURS[0]
    if marked:
        width, colour = max(width, 2.4), ACCENT
    (x0, y0), (x1, y1) = nodes[edge[0]], nodes[edge[1]]
    if marked and valued:  # beside wide lines, being wide does not tell
        shade: Any = {"linewidth": width + 6.0, "color": "#f2c4be", "zorder": 0.5}
        ax.plot([x0, x1], [y0, y1], **shade)
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = (x1 - x0) / length * RADIUS, (y1 - y0) / length * RADIUS
    arrow = FancyArrowPatch(
        (x0 + dx, y0 + dy), (x1 - dx, y1 - dy), arrowstyle="-|>", mutation_scale=9 + 1.5 * width,
        linewidth=width, color=colour, linestyle=(0, (4, 2)) if value < 0 else "-",
        shrinkA=0, shrinkB=0, zorder=2 if marked else 1,
    )  # fmt: skip
    ax.add_patch(arrow)


def _inches_of_a_unit(ax: Axes) -> float:
    """How large a unit of the axes is drawn, about: the layout is settled later."""
    box, page = ax.get_position(), ax.figure
    wide, high = page.bbox.width / page.dpi, page.bbox.height / page.dpi
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    return float(min(box.width * wide / (x1 - x0), box.height * high / (y1 - y0)))


def _label_places(
    nodes: Mapping[Any, tuple[float, float]], edges: Sequence[Edge], labels: Mapping[Any, str],
    notes: Mapping[Any, str], unit: float,
) -> dict[Any, tuple[float, float]]:  # fmt: skip
    """Where on its line each label stands: clear of the others, of circles and of other lines.

    One after the other goes to its best place; then each moves until none finds a better one.
    """
    shares = np.linspace(0.15, 0.85, 57)
    lines = {edge: np.array([nodes[edge[0]], nodes[edge[1]]], float) for edge in edges}
    way = np.linspace(0.0, 1.0, 81)[:, None]
    passed = {edge: line[0] + way * (line[1] - line[0]) for edge, line in lines.items()}
    centres = np.array(list(nodes.values()), float)
    below = [centres[k] - (0.0, RADIUS + 0.2) for k, node in enumerate(nodes) if notes.get(node)]
    half = {e: np.array([_letters(text) * 0.04 + 0.04, 0.095]) / unit for e, text in labels.items()}
    spots, costs = {}, {}
    for edge, size in half.items():
        start, end = lines[edge]
        spots[edge] = start + shares[:, None] * (end - start)
        cost = 0.6 * np.abs(shares - 0.5)
        for other, points in passed.items():
            if other != edge:
                cost += 0.4 * _overlap(spots[edge], points, size).any(axis=1)
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
                    there = np.array([spots[e][at[e]] for e in others])
                    room = half[edge] + np.array([half[e] for e in others])
                    apart = np.abs(spots[edge][:, None, :] - there[None, :, :]) / room
                    met = np.clip(1.0 - apart, 0.0, 1.0).prod(axis=2)  # the share that is covered
                    cost += (5.0 * (met > 0.0) + 20.0 * met).sum(axis=1)
                at[edge] = int(cost.argmin())
                total += float(cost.min())
            if at == before:
                break
        if total < least:
            best, least = at, total
    return {edge: (float(spots[edge][k][0]), float(spots[edge][k][1])) for edge, k in best.items()}


def _overlap(spots: Any, points: Any, size: Any) -> Any:
    """For each spot and point whether a box of that half size around the spot takes it in."""
    return (np.abs(spots[:, None, :] - points[None, :, :]) < size).all(axis=2)


def _letters(text: str) -> int:
    """How many letters wide a text is, about; the signs of a formula take no room."""
    return max(len(line.translate(dict.fromkeys(map(ord, "$_^{}\\")))) for line in text.split("\n"))


def _circle(ax: Axes, place: tuple[float, float], name: str, note: str, marked: bool) -> None:
    ax.add_patch(
        Circle(
            place, RADIUS, facecolor="#fbe9e7" if marked else "white",
            edgecolor=ACCENT if marked else INK, linewidth=2.6 if marked else 1.3, zorder=3,
        )
    )  # fmt: skip
    size = 10 if len(name.strip("$")) <= 4 else 8
    ax.text(*place, name, ha="center", va="center", fontsize=size, zorder=4)
    if note:
        x, y = place
        told = ax.text(x, y - RADIUS - 0.07, note, ha="center", va="top", fontsize=9, zorder=4)
        # a line that runs behind it stops at its letters; a box would cut arrows in two
        told.set_path_effects([withStroke(linewidth=3.0, foreground="white")])
