"""Tests of points on curves, and of moving a layout."""

from itertools import pairwise
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.view.geometry import Layout, Point, Rectangle, Route, samples

_points = st.lists(
    st.tuples(st.floats(-99.0, 99.0), st.floats(-99.0, 99.0)), min_size=4, max_size=4
)


def _between(one: Point, other: Point) -> Point:
    return ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)


@given(_points)
def test_the_middle_of_a_curve_is_that_of_de_casteljau(curve: list[Point]) -> None:
    level = curve
    while len(level) > 1:
        level = [_between(one, other) for one, other in pairwise(level)]

    start, middle, end = samples(curve, 2)
    assert dist(middle, level[0]) == pytest.approx(0.0, abs=1e-9)
    assert (start, end) == (curve[0], curve[-1])


def test_segments_share_their_ends() -> None:
    curve = [(float(x), 0.0) for x in range(7)]

    points = samples(curve, 3)
    assert len(points) == 7
    assert [x for x, _ in points] == pytest.approx(range(7))


def test_all_parts_of_a_layout_move() -> None:
    route = Route(((0.0, 5.0), (1.0, 5.0), (2.0, 5.0), (3.0, 5.0)), (4.0, 5.0), (2.0, 6.0))
    layout = Layout(9.0, 8.0, (Rectangle(4.0, 5.0, 2.0, 1.0),), (route,))

    moved = layout.moved(10.0)
    assert moved.boxes == (Rectangle(14.0, 5.0, 2.0, 1.0),)
    curve = ((10.0, 5.0), (11.0, 5.0), (12.0, 5.0), (13.0, 5.0))
    assert moved.routes == (Route(curve, (14.0, 5.0), (12.0, 6.0)),)
    assert (moved.width, moved.height) == (9.0, 8.0)
