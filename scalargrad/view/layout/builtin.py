"""The built-in layered layout: where every box, line and number goes, in pure Python."""

from dataclasses import dataclass
from itertools import pairwise

from scalargrad.view.graph import Graph
from scalargrad.view.layout.coordinates import place_nodes
from scalargrad.view.layout.crossings import order_columns
from scalargrad.view.layout.edge_labels import place_labels
from scalargrad.view.layout.layers import make_layers
from scalargrad.view.layout.route import Plan, Point, route
from scalargrad.view.theme import ARROW, MARGIN, box_size, label_size

__all__ = ["Layout", "Place", "Wire", "lay_out"]

_BOX_GAP = 18.0  # between boxes in one column
_LINE_ROOM = 8.0  # what a line that passes a column takes, besides the gap
_LABEL_MARGIN = 12.0  # between the number on an edge and the boxes at its ends
_SHORTEST_GAP = 40.0
_LONGEST_GAP = 170.0

# A gap grows with the widest step a line takes in it, or many lines would run side by side
# almost at right angles to the direction of the picture. Less so from top to bottom, where numbers
# lie along such lines rather than across them.
_SLOPE, _SLOPE_UPRIGHT = 0.4, 0.26


@dataclass(frozen=True, slots=True)
class Place:
    """A box: its centre and its size, in points, y downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge: a Bézier curve (start, then control, control, end), its tip and its label."""

    curve: tuple[Point, ...]
    tip: Point
    label: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of `width` by `height` points; places and wires as in the graph's order."""

    width: float
    height: float
    places: tuple[Place, ...]
    wires: tuple[Wire, ...]


def lay_out(graph: Graph) -> Layout:
    """Return the layout of `graph`, the same on every run (Sugiyama's method).

    Columns by longest path, order by barycentre sweeps, alignment by medians, curves between.
    """
    upright = graph.upright
    layers = make_layers(len(graph.boxes), [(edge.tail, edge.head) for edge in graph.edges])
    columns = order_columns(layers)
    sizes = [box_size(box) for box in graph.boxes]
    way_points = len(layers.column_of) - len(sizes)
    extent = [_turn(size, upright) for size in sizes] + [(0.0, _LINE_ROOM)] * way_points
    across = place_nodes(layers, columns, [size[1] for size in extent], _BOX_GAP)
    labels = [_turn(label_size(edge), upright) for edge in graph.edges]

    gaps = [_SHORTEST_GAP] * len(columns)  # each before its column; the first stays unused
    for chain, label in zip(layers.chains, labels, strict=True):
        head = layers.column_of[chain[-1]]
        gaps[head] = max(gaps[head], label[0] + 2 * _LABEL_MARGIN + ARROW)
        for tail, node in pairwise(chain):
            step = abs(across[tail] - across[node])
            column = layers.column_of[node]
            wanted = step * (_SLOPE_UPRIGHT if upright else _SLOPE)
            gaps[column] = max(gaps[column], min(wanted, _LONGEST_GAP))

    left: list[float] = []
    right: list[float] = []
    for nodes, gap in zip(columns, gaps, strict=True):
        left.append(right[-1] + gap if right else 0.0)
        right.append(left[-1] + max(extent[node][0] for node in nodes))
    along = [(left[column] + right[column]) / 2 for column in layers.column_of]
    plan = Plan(layers, along, across, extent, left, right)
    curves = route(plan, ARROW)
    stretches = [
        (right[column - 1] + 2, left[column] - ARROW - 2)
        for column in (layers.column_of[chain[-1]] for chain in layers.chains)
    ]
    centres = place_labels(plan, curves, stretches, labels)

    # Everything so far was from left to right; now the picture takes its direction.
    length = right[-1]
    tops = [across[node] - extent[node][1] / 2 for node in range(len(across))]
    bottoms = [across[node] + extent[node][1] / 2 for node in range(len(across))]
    top, breadth = min(tops), max(bottoms) - min(tops)

    def turned(point: Point) -> Point:
        along_picture = length - point[0] if graph.rankdir in ("RL", "BT") else point[0]
        x, y = _turn((along_picture, point[1] - top), upright)
        return (x + MARGIN, y + MARGIN)

    width, height = _turn((length, breadth), upright)
    return Layout(
        width=width + 2 * MARGIN,
        height=height + 2 * MARGIN,
        places=tuple(
            Place(*turned((along[box], across[box])), *size) for box, size in enumerate(sizes)
        ),
        wires=tuple(
            Wire(
                curve=tuple(turned(point) for point in curve),
                tip=turned((curve[-1][0] + ARROW, curve[-1][1])),
                label=turned(centre),
            )
            for curve, centre in zip(curves, centres, strict=True)
        ),
    )


def _turn(pair: Point, upright: bool) -> Point:
    return (pair[1], pair[0]) if upright else pair
