"""Numbers in a Graphviz layout: from beside their lines onto them, wherever there is room."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import dist

from scalargrad.view.layout.builtin import Place, Wire
from scalargrad.view.layout.route import Point

__all__ = ["onto_lines"]

_TRIES = 20  # points of a line to try, the nearest first: with 8 a third more stay beside
_PIECES = 12  # straight pieces in place of a curve: off by less than a line's thickness

# left, top, right, bottom
_Frame = tuple[float, float, float, float]


def onto_lines(
    wires: Sequence[Wire],
    sizes: Sequence[Point],
    places: Iterable[Place],
    page: Point,
    *,
    upright: bool,
) -> tuple[Wire, ...]:
    """Return the wires with their numbers moved onto their lines.

    Beside it, a number in a crowd might belong to either of two lines; on it, the number
    interrupts its own. It stays beside where on the line it would cover something else.

    Args:
        wires: edges with their numbers beside the lines.
        sizes: width and height of each number; (0, 0) for none.
        places: the boxes.
        page: width and height of the picture.
        upright: whether the picture runs from top to bottom or from bottom to top.

    >>> wire = Wire(((0.0, 9.0), (30.0, 9.0), (60.0, 9.0), (90.0, 9.0)), (98.0, 9.0), (45.0, 2.0))
    >>> onto_lines([wire], [(20.0, 12.0)], [], (100.0, 20.0), upright=False)[0].label
    (45.0, 9.0)
    """
    boxes = [_frame((place.x, place.y), (place.width, place.height)) for place in places]
    labels = [_frame(wire.label, size) for wire, size in zip(wires, sizes, strict=True)]
    lines = [_points(wire) for wire in wires]
    curves = [
        [_hull(pair) for pair in pairwise([*line, wire.tip])]
        for line, wire in zip(lines, wires, strict=True)
    ]
    hulls = [_hull([*line, wire.tip]) for line, wire in zip(lines, wires, strict=True)]
    moved = list(wires)

    def is_free(number: int, frame: _Frame) -> bool:
        others = [other for other in range(len(wires)) if other != number]
        return (
            frame[0] >= 0.0 and frame[1] >= 0.0 and frame[2] <= page[0] and frame[3] <= page[1]
            and not _meet(frame, curves[number][-1])  # its own arrow head
            and not any(_meet(frame, box) for box in boxes)
            and not any(sizes[other][0] and _meet(frame, labels[other]) for other in others)
            and not any(
                _meet(frame, hulls[other]) and any(_meet(frame, piece) for piece in curves[other])
                for other in others
            )
        )  # fmt: skip

    # Twice, since a number that moved may have left the room that another one needs.
    for number in [number for number, size in enumerate(sizes) if size[0]] * 2:
        label = wires[number].label
        near = sorted(lines[number], key=lambda point: dist(point, label))[:_TRIES]
        for centre in (_across(lines[number], label, axis=1 if upright else 0), *near):
            frame = _frame(centre, sizes[number])
            if is_free(number, frame):
                moved[number], labels[number] = replace(wires[number], label=centre), frame
                break
    return tuple(moved)


def _across(line: Sequence[Point], label: Point, axis: int) -> Point:
    """The point of the line as far along the picture as the label; the label if there is none."""
    for p, q in pairwise(line):
        if min(p[axis], q[axis]) <= label[axis] <= max(p[axis], q[axis]) and p[axis] != q[axis]:
            t = (label[axis] - p[axis]) / (q[axis] - p[axis])
            return (p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]))
    return label


def _points(wire: Wire) -> list[Point]:
    """Points on the curve of a wire, evenly by parameter."""
    points = [wire.curve[0]]
    for start in range(0, len(wire.curve) - 1, 3):
        a, b, c, d = wire.curve[start : start + 4]
        for step in range(1, _PIECES + 1):
            t = step / _PIECES
            p, q, r, s = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            points.append(
                (p * a[0] + q * b[0] + r * c[0] + s * d[0],
                 p * a[1] + q * b[1] + r * c[1] + s * d[1])
            )  # fmt: skip
    return points


def _hull(points: Iterable[Point]) -> _Frame:
    across, down = zip(*points, strict=True)
    return (min(across), min(down), max(across), max(down))


def _frame(centre: Point, size: Point) -> _Frame:
    (x, y), (width, height) = centre, size
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _meet(one: _Frame, other: _Frame) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
