"""Positions for the labels of edges in the built-in layout: off boxes, lines and each other."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial

from scalargrad.view.geometry import Point, samples
from scalargrad.view.layout.route import Plan

__all__ = ["label_centres"]

# Comparing lines takes time by the square of their number, and where more lines than this run
# through one gap, no position is free.
_MOST_LINES = 60

_CROWD = 3  # one end of an edge is crowded where this many more lines meet

_PIECES = 12  # straight pieces per Bézier segment: off by less than a line's width


def label_centres(
    plan: Plan,
    curves: Sequence[Sequence[Point]],
    gaps: Sequence[tuple[float, float]],
    sizes: Sequence[Point],
) -> list[Point]:
    """Return for each edge the centre of its label.

    `gaps` gives the free stretch before the head of each edge and `sizes` the size of each label
    ((0, 0) for none). There, away from boxes, an edge runs alone; further back it may share its
    line with others.
    """
    lines = [
        samples(_piece_in(curve, gap), _PIECES) for curve, gap in zip(curves, gaps, strict=True)
    ]
    in_gap: dict[tuple[float, float], list[int]] = {}
    for edge, gap in enumerate(gaps):
        in_gap.setdefault(gap, []).append(edge)
    centres: dict[int, Point] = {}
    for edge, (chain, gap, size) in enumerate(zip(plan.layers.chains, gaps, sizes, strict=True)):
        neighbours = [other for other in in_gap[gap] if other != edge]
        others = [(centres[n], sizes[n]) for n in neighbours if n in centres and sizes[n][0] > 0]
        passing = [lines[n] for n in neighbours] if len(neighbours) <= _MOST_LINES else []
        # Where lines run together their labels stand at the other end, where they lie apart.
        crowd = len(plan.layers.before[chain[-1]]) - len(plan.layers.after[chain[-2]])
        preferred = 0.5 if abs(crowd) < _CROWD else 0.35 if crowd > 0 else 0.65
        options = []
        for t in (preferred, 0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82):
            along = gap[0] + size[0] / 2 + t * (gap[1] - gap[0] - size[0])
            options.append((along, _level(lines[edge], along)))
        fault = partial(_fault, size, others, passing)
        centres[edge] = min(options, key=fault)  # the earliest of equals
    return [centres[edge] for edge in range(len(curves))]


def _fault(
    size: Point,
    others: Sequence[tuple[Point, Point]],
    passing: Sequence[Sequence[Point]],
    centre: Point,
) -> tuple[float, int]:
    # Labels on each other cannot be read; a label on a foreign line only misleads.
    covered = sum(_overlap(centre, size, *other) for other in others)
    return covered, sum(_touches(line, centre, size) for line in passing)


def _piece_in(curve: Sequence[Point], gap: tuple[float, float]) -> Sequence[Point]:
    middle = (gap[0] + gap[1]) / 2
    for start in range(len(curve) - 4, -1, -3):
        if curve[start][0] <= middle:
            return curve[start : start + 4]
    return curve[:4]


def _level(line: Sequence[Point], along: float) -> float:
    """The position of a line across the picture at `along`; lines never turn back."""
    index = min(max(bisect_right(line, (along, float("inf"))), 1), len(line) - 1)
    (x0, y0), (x1, y1) = line[index - 1], line[index]
    t = min(max((along - x0) / (x1 - x0), 0.0), 1.0) if x1 > x0 else 0.0
    return y0 + t * (y1 - y0)


def _touches(line: Sequence[Point], centre: Point, size: Point) -> bool:
    first = _level(line, centre[0] - size[0] / 2) - centre[1]
    last = _level(line, centre[0] + size[0] / 2) - centre[1]
    return min(first, last) < size[1] / 2 and max(first, last) > -size[1] / 2


def _overlap(centre: Point, size: Point, other: Point, other_size: Point) -> float:
    along = (size[0] + other_size[0]) / 2 - abs(centre[0] - other[0])
    across = (size[1] + other_size[1]) / 2 - abs(centre[1] - other[1])
    return max(along, 0.0) * max(across, 0.0)
