"""Networks as circles and arrows, in layers or at free places, with numbers on them."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch

from scalargrad import nn
from scalargrad.plot.figure import Figure, axes_of, finished
from scalargrad.plot.lines import plain
from scalargrad.plot.style import ACCENT, COLOURS, INK

__all__ = ["diagram", "network"]

Edge = tuple[Hashable, Hashable]

RADIUS = 0.36
GAP = 1.25  # between the centres of two circles of a layer


def network(
    sizes: Sequence[int] | nn.MLP, *, names: Mapping[Any, str] | None = None,
    notes: Mapping[Any, str] | None = None, edge_labels: Mapping[Any, str] | None = None,
    edge_values: Mapping[Any, float] | None = None, highlight: Collection[Any] = (),
    title: str = "", bias: bool = False, ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """A layered network: circles in columns, each joined with all of the next column.

    Args:
        sizes: how many units each layer has, inputs first; or an `nn.MLP`, whose weights become the
            `edge_values` if none are given.
        names, notes: by node (layer, index), both from 0: what stands in a circle, and below it.
        edge_labels: by edge (node, node): what stands on the line.
        edge_values: by edge a number: the wider the line the larger, dashed where it is negative.
        highlight: nodes and edges to draw thick.
        title, ax, alt: as for `plot.lines`.
        bias: add a unit that is always 1 to each layer but the last, as its last one.

    Raises:
        ValueError: there are no two layers, or something is given for a node or edge that is not.

    >>> sg.plot.network([2, 3, 1], highlight={(2, 0)}).alt
    'A network of 2, 3 and 1 units'
    """
    if isinstance(sizes, nn.MLP):
        if edge_values is None:
            edge_values = _weights(sizes)
        sizes = [len(sizes.layers[0].neurons[0].w), *(len(layer.neurons) for layer in sizes.layers)]
    sizes = list(sizes)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"network: at least two layers of at least one unit, got {sizes}")
    last = len(sizes) - 1
    drawn = [n + (bias and k < last) for k, n in enumerate(sizes)]
    step = max(2.6 if edge_labels or notes else 2.0, 0.45 * max(drawn) * GAP)
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
    shown = f"{', '.join(map(str, sizes[:-1]))} and {sizes[-1]} units"
    return diagram(
        nodes, edges, names=ones | dict(names or {}), notes=notes, edge_labels=edge_labels,
        edge_values=edge_values, highlight=highlight, title=title, ax=ax,
        alt=alt if alt is not None or ax is not None else f"A network of {shown}",
    )  # fmt: skip


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

    >>> sg.plot.diagram({"x": (0, 0), "y": (2, 0)}, [("x", "y")], edge_labels={("x", "y"): "w"}).alt
    'A diagram of 2 nodes and 1 edge: x to y'
    """
    edges = list(edges)
    _check(
        nodes, edges, (names or {}, notes or {}), (edge_labels or {}, edge_values or {}), highlight
    )
    width, height = _extent(nodes, bool(notes))
    if ax is None:
        scale = min(0.62, 9.0 / width)  # inches for a unit
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
    for edge, text in (edge_labels or {}).items():
        _label(ax, nodes, list(edge_labels or {}), edge, text)
    for node, place in nodes.items():
        name = (names or {}).get(node, node if isinstance(node, str) else "")
        _circle(ax, place, name, (notes or {}).get(node, ""), node in highlight)
    xs, ys = zip(*nodes.values(), strict=True)
    ax.set_xlim(min(xs) - 0.8, max(xs) + 0.8)
    ax.set_ylim(min(ys) - (0.85 if notes else 0.55), max(ys) + 0.55)
    if edge_values is not None:
        ax.text(
            0.5, 0.0, f"widest line: {largest:.3g}; dashed: negative", transform=ax.transAxes,
            ha="center", va="top", fontsize=9,
        )  # fmt: skip
    told = ", ".join(f"{a} to {b}" for a, b in edges[:12]) + (" ..." if len(edges) > 12 else "")
    told = f"A diagram of {len(nodes)} nodes and {len(edges)} edge{'s' * (len(edges) != 1)}: {told}"
    return finished(ax, title, alt, told)


def _weights(model: nn.MLP) -> dict[Any, float]:
    return {
        ((k, i), (k + 1, j)): w.data
        for k, layer in enumerate(model.layers)
        for j, neuron in enumerate(layer.neurons)
        for i, w in enumerate(neuron.w)
    }


def _check(
    nodes: Mapping[Any, Any], edges: Sequence[Edge], of_nodes: Iterable[Mapping[Any, Any]],
    of_edges: Iterable[Mapping[Any, Any]], highlight: Collection[Any],
) -> None:  # fmt: skip
    known = set(edges)
    for edge in edges:
        if edge[0] not in nodes or edge[1] not in nodes:
            raise ValueError(f"the edge {edge!r} joins what is no node")
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
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = (x1 - x0) / length * RADIUS, (y1 - y0) / length * RADIUS
    arrow = FancyArrowPatch(
        (x0 + dx, y0 + dy), (x1 - dx, y1 - dy), arrowstyle="-|>", mutation_scale=9 + 1.5 * width,
        linewidth=width, color=colour, linestyle=(0, (4, 2)) if value < 0 else "-",
        shrinkA=0, shrinkB=0, zorder=2 if marked else 1,
    )  # fmt: skip
    ax.add_patch(arrow)


def _label(
    ax: Axes,
    nodes: Mapping[Any, tuple[float, float]],
    labelled: Sequence[Edge],
    edge: Edge,
    text: str,
) -> None:
    """The label on the middle of its line; where labelled lines cross, in a column for each start.

    On the middle of the lines, the labels of lines that cross would cover one another.
    """
    (x0, y0), (x1, y1) = nodes[edge[0]], nodes[edge[1]]
    beside = [(a, b) for a, b in labelled if nodes[a][0] == x0 and nodes[b][0] == x1]
    crossed = any((nodes[a][1] - y0) * (nodes[b][1] - y1) < 0.0 for a, b in beside)
    share = 0.5
    if crossed:
        starts = sorted({a for a, _ in beside}, key=lambda node: -nodes[node][1])
        share = 0.3 + 0.36 * starts.index(edge[0]) / (len(starts) - 1)
    ax.text(
        x0 + share * (x1 - x0), y0 + share * (y1 - y0), text, ha="center", va="center", fontsize=9,
        zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
    )  # fmt: skip


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
        ax.text(
            x, y - RADIUS - 0.07, note, ha="center", va="top", fontsize=9, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
        )  # fmt: skip
