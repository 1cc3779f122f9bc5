"""Move the texts of a Graphviz layout from beside their lines onto them, where there is room."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import dist

from scalargrad.view.geometry import Point, Rectangle, Route, samples

__all__ = ["onto_lines"]

_TRIES = 20  # points of a line to try, the nearest first: with 8 a third more stay beside
_PIECES = 12  # straight pieces per Bézier segment: off by less than a line's width

# left, top, right, bottom
_Frame = tuple[float, float, float, float]


def onto_lines(
    routes: Sequence[Route], sizes: Sequence[Point], boxes: Iterable[Rectangle], page: Point, *,
    upright: bool,
) -> tuple[Route, ...]:  # fmt: skip
    """Return the routes with their labels moved onto their lines.

    In a crowd, a label beside its line might belong to either of two lines; on its line it
    interrupts it. A label stays beside its line where on it it would cover something else.

    Args:
        routes: edges with their labels beside the lines.
        sizes: width and height of each label; (0, 0) for none.
        boxes: the boxes.
        page: width and height of the picture.
        upright: whether the picture runs from top to bottom or from bottom to top.

    >>> route = Route(((0.0, 9.0), (30.0, 9.0), (60.0, 9.0), (90.0, 9.0)), (98.0, 9.0), (45.0, 2.0))
    >>> onto_lines([route], [(20.0, 12.0)], [], (100.0, 20.0), upright=False)[0].label
    (45.0, 9.0)
    """
    solid = [_frame((box.x, box.y), (box.width, box.height)) for box in boxes]
    labels = [_frame(route.label, size) for route, size in zip(routes, sizes, strict=True)]
    lines = [samples(route.curve, _PIECES) for route in routes]
    pieces = [
        [_bounds(pair) for pair in pairwise([*line, route.tip])]
        for line, route in zip(lines, routes, strict=True)
    ]
    hulls = [_bounds([*line, route.tip]) for line, route in zip(lines, routes, strict=True)]
    moved = list(routes)

    def is_free(index: int, frame: _Frame) -> bool:
        others = [other for other in range(len(routes)) if other != index]
        return (
            frame[0] >= 0.0 and frame[1] >= 0.0 and frame[2] <= page[0] and frame[3] <= page[1]
            and not _meet(frame, pieces[index][-1])  # its own arrow head
            and not any(_meet(frame, box) for box in solid)
            and not any(sizes[other][0] and _meet(frame, labels[other]) for other in others)
            and not any(
                _meet(frame, hulls[other]) and any(_meet(frame, piece) for piece in pieces[other])
                for other in others
            )
        )  # fmt: skip

    # Twice, since a label that moved may have left the room that another one needs.
    for index in [index for index, size in enumerate(sizes) if size[0]] * 2:
        label = routes[index].label
        near = sorted(lines[index], key=lambda point: dist(point, label))[:_TRIES]
        for centre in (_across(lines[index], label, axis=1 if upright else 0), *near):
            frame = _frame(centre, sizes[index])
            if is_free(index, frame):
                moved[index], labels[index] = replace(routes[index], label=centre), frame
                break
    return tuple(moved)


def _across(line: Sequence[Point], label: Point, axis: int) -> Point:
    """The point of the line as far along the picture as the label, else the label itself."""
    for p, q in pairwise(line):
        if min(p[axis], q[axis]) <= label[axis] <= max(p[axis], q[axis]) and p[axis] != q[axis]:
            t = (label[axis] - p[axis]) / (q[axis] - p[axis])
            return (p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]))
    return label


def _bounds(points: Iterable[Point]) -> _Frame:
    across, down = zip(*points, strict=True)
    return (min(across), min(down), max(across), max(down))


def _frame(centre: Point, size: Point) -> _Frame:
    (x, y), (width, height) = centre, size
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _meet(one: _Frame, other: _Frame) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
