"""Where the parts of a picture stand: points, rectangles, routes, and the layout made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = ["Layout", "Point", "Rectangle", "Route", "samples"]

# x to the right and y downwards, in typographic points (1/72 inch).
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The outline of a box: its centre and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """The line of an edge: a Bézier curve, the tip of its arrow, and the centre of its text.

    The curve is a start followed by groups of two control points and an end.
    """

    curve: tuple[Point, ...]
    tip: Point
    label: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """A rectangle for every box and a route for every edge of a graph, in the graph's order."""

    width: float
    height: float
    boxes: tuple[Rectangle, ...]
    routes: tuple[Route, ...]

    def moved(self, distance: float) -> "Layout":
        """Return the layout with all its parts moved to the right.

        >>> Layout(9.0, 9.0, (Rectangle(4.0, 4.0, 2.0, 2.0),), ()).moved(10.0).boxes[0].x
        14.0
        """

        def move(point: Point) -> Point:
            return (point[0] + distance, point[1])

        return replace(
            self,
            boxes=tuple(replace(box, x=box.x + distance) for box in self.boxes),
            routes=tuple(
                Route(tuple(map(move, route.curve)), move(route.tip), move(route.label))
                for route in self.routes
            ),
        )


def samples(curve: Sequence[Point], pieces: int) -> list[Point]:
    """Return points on a Bézier curve: its start, and `pieces` points on each of its segments.

    >>> samples([(0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0)], 2)
    [(0.0, 0.0), (2.0, 3.0), (4.0, 0.0)]
    """
    points = [curve[0]]
    for start in range(0, len(curve) - 1, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve[start : start + 4]
        for step in range(1, pieces + 1):
            t = step / pieces
            p, q, r, s = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            points.append((p * ax + q * bx + r * cx + s * dx, p * ay + q * by + r * cy + s * dy))
    return points
