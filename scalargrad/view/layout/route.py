"""Lines in the built-in layout: curves that turn in the gaps between the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scalargrad.view.geometry import Point
from scalargrad.view.layout.coordinates import settle
from scalargrad.view.layout.layers import Layers

__all__ = ["Plan", "route"]

# One line of an edge's chain: (edge, step)
_Step = tuple[int, int]

_PORT_DISTANCE = 15.0  # between lines that meet one side of a box, where there is room
_PORT_MARGIN = 9.0  # from the corner of a box to the nearest line

_LEVEL = 12.0  # boxes whose centres differ by no more are joined by a straight line

# How far a bend keeps to the direction of the picture at either end. At one half the middle of a
# long step is upright, and the lines of a fan run into one bundle.
_ROUNDNESS = 0.36


@dataclass(frozen=True, slots=True)
class Plan:
    """Coordinates of the nodes, along the picture (from the inputs to the result) and across it.

    `extent` is the size of each node (along, across), `left` and `right` bound the columns.
    """

    layers: Layers
    along: Sequence[float]
    across: Sequence[float]
    extent: Sequence[Point]
    left: Sequence[float]
    right: Sequence[float]


def route(plan: Plan, arrow: float) -> list[tuple[Point, ...]]:
    """Return for each edge a Bézier curve: a start, then two control points and an end, repeated.

    Lines turn only in the gaps between the columns and cross a column straight, where its order
    leaves room for them; so no line can run over a box. A curve ends `arrow` before its head.
    """
    leaving, arriving = _ports(plan)
    curves = []
    for edge, chain in enumerate(plan.layers.chains):
        curve: list[Point] = []
        for step, (tail, head) in enumerate(pairwise(chain)):
            start = plan.right[plan.layers.column_of[tail]]
            end = plan.left[plan.layers.column_of[head]]
            level = leaving[edge, step]
            target = arriving[edge, step]
            if not curve:
                curve.append((plan.along[tail] + plan.extent[tail][0] / 2, level))
            _line(curve, (start, level))
            is_last = step == len(chain) - 2
            tip = plan.along[head] - plan.extent[head][0] / 2 - arrow
            _bend(curve, (min(end, tip) if is_last else end, target))
            if is_last:
                _line(curve, (tip, target))
        curves.append(tuple(curve))
    return curves


def _line(curve: list[Point], end: Point) -> None:
    if curve[-1] != end:
        curve += [curve[-1], end, end]


def _bend(curve: list[Point], end: Point) -> None:
    """Add an S-shaped piece that starts and ends along the picture."""
    start = curve[-1]
    reach = _ROUNDNESS * (end[0] - start[0])
    curve += [(start[0] + reach, start[1]), (end[0] - reach, end[1]), end]


def _ports(plan: Plan) -> tuple[dict[_Step, float], dict[_Step, float]]:
    """Return for (edge, step) where the line leaves its tail and where it meets its head."""
    outgoing: dict[int, dict[tuple[int, int], list[_Step]]] = {}
    incoming: dict[int, dict[tuple[int, int], list[_Step]]] = {}
    for edge, chain in enumerate(plan.layers.chains):
        for step, (tail, head) in enumerate(pairwise(chain)):
            # Edges that share a line share its ports; edges between the same boxes do not.
            line = edge if tail < plan.layers.boxes and head < plan.layers.boxes else -1
            outgoing.setdefault(tail, {}).setdefault((head, line), []).append((edge, step))
            incoming.setdefault(head, {}).setdefault((tail, line), []).append((edge, step))
    return _spread(plan, outgoing), _spread(plan, incoming)


def _spread(
    plan: Plan, groups: dict[int, dict[tuple[int, int], list[_Step]]]
) -> dict[_Step, float]:
    levels: dict[_Step, float] = {}
    for node, lines in groups.items():
        # In the order of the far ends, so that lines do not cross on their way in.
        ordered = sorted(lines, key=lambda line: (plan.across[line[0]], line))
        ends = [plan.across[line[0]] - plan.across[node] for line in ordered]
        for line, level in zip(ordered, _side(ends, plan.extent[node][1]), strict=True):
            for step in lines[line]:
                levels[step] = plan.across[node] + level
    return levels


def _side(ends: Sequence[float], breadth: float) -> list[float]:
    """Return where lines to `ends` meet a side of this breadth; all are relative to its centre.

    A line to a box that is about level stays straight; the others are spread around it.
    """
    room = max(breadth - 2 * _PORT_MARGIN, 0.0)
    distance = min(_PORT_DISTANCE, room / max(len(ends) - 1, 1))
    first = -distance * (len(ends) - 1) / 2
    # Half way to the other centre, since the other end of the line is computed likewise. `settle`
    # takes wishes less the distance between the first line and this one.
    wishes = [
        (end / 2 - index * distance, 4.0) if abs(end) <= _LEVEL else (first, 1.0)
        for index, end in enumerate(ends)
    ]
    # Each stays far enough from the corners to leave room for the lines still between.
    spare = room / 2 + first
    return [
        min(max(level, first - spare), first + spare) + index * distance
        for index, level in enumerate(settle(wishes))
    ]
