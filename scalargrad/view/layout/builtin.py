"""The built-in layered layout, in pure Python: coordinates for every box, line and label."""

from itertools import pairwise

from scalargrad.view.geometry import Layout, Point, Rectangle, Route
from scalargrad.view.graph import Graph
from scalargrad.view.layout.coordinates import align_nodes
from scalargrad.view.layout.crossings import order_columns
from scalargrad.view.layout.edge_labels import label_centres
from scalargrad.view.layout.layers import make_layers
from scalargrad.view.layout.route import Plan, route
from scalargrad.view.theme import ARROW, MARGIN, box_size, label_size

__all__ = ["lay_out"]

_BOX_GAP = 18.0  # between boxes in one column
_LINE_ROOM = 8.0  # what a line that passes a column takes, besides the gap
_LABEL_MARGIN = 12.0  # between the label of an edge and the boxes at its ends
_SHORTEST_GAP = 40.0
_LONGEST_GAP = 170.0

# A gap grows with the widest step a line takes in it, or many lines would run side by side
# almost at right angles to the direction of the picture. Less so from top to bottom, where labels
# lie along such lines rather than across them.
_SLOPE, _SLOPE_UPRIGHT = 0.4, 0.26


def lay_out(graph: Graph) -> Layout:
    """Return the layout of `graph`, the same on every run.

    Sugiyama's method (Sugiyama, Tagawa and Toda 1981): columns by longest path, order in a column
    by barycentre sweeps, alignment by medians, and curves in the gaps between the columns.
    """
    upright = graph.upright
    layers = make_layers(len(graph.boxes), [(edge.tail, edge.head) for edge in graph.edges])
    columns = order_columns(layers)
    sizes = [box_size(box) for box in graph.boxes]
    way_points = len(layers.column_of) - len(sizes)
    extent = [_turn(size, upright) for size in sizes] + [(0.0, _LINE_ROOM)] * way_points
    across = align_nodes(layers, columns, [size[1] for size in extent], _BOX_GAP)
    labels = [_turn(label_size(edge), upright) for edge in graph.edges]

    gaps = [_SHORTEST_GAP] * len(columns)  # each before its column; the first stays unused
    for chain, label in zip(layers.chains, labels, strict=True):
        head = layers.column_of[chain[-1]]
        gaps[head] = max(gaps[head], label[0] + 2 * _LABEL_MARGIN + ARROW)
        for tail, node in pairwise(chain):
            step = abs(across[tail] - across[node])
            column = layers.column_of[node]
            gap = step * (_SLOPE_UPRIGHT if upright else _SLOPE)
            gaps[column] = max(gaps[column], min(gap, _LONGEST_GAP))

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
    centres = label_centres(plan, curves, stretches, labels)

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
        boxes=tuple(
            Rectangle(*turned((along[box], across[box])), *size) for box, size in enumerate(sizes)
        ),
        routes=tuple(
            Route(
                curve=tuple(turned(point) for point in curve),
                tip=turned((curve[-1][0] + ARROW, curve[-1][1])),
                label=turned(centre),
            )
            for curve, centre in zip(curves, centres, strict=True)
        ),
    )


def _turn(pair: Point, upright: bool) -> Point:
    return (pair[1], pair[0]) if upright else pair
