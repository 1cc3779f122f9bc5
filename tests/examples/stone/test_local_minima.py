"""Local minima: every stationary point of a sigmoid unit's error, and where balls end."""

from itertools import pairwise
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad.examples.stone import local_minima


def result() -> Any:
    return computed("local_minima")


def of_kind(kind: str, points: list[local_minima.StationaryPoint]) -> list[tuple[float, ...]]:
    return [point.w for point in points if point.kind == kind]


def test_one_weight_has_a_global_minimum_a_local_one_and_a_barrier() -> None:
    """S0.27: minima at -.15480 (E = .09904) and 2.19722 (E = .4050), the barrier at .48922."""
    lowest, barrier, local = result().points

    assert lowest.w[0] == pytest.approx(-0.15480, abs=5e-6)
    assert pytest.approx(0.09904, abs=5e-6) == lowest.E
    assert local.w[0] == pytest.approx(2.19722, abs=5e-6)
    assert pytest.approx(0.4050, abs=5e-5) == local.E
    assert barrier.w[0] == pytest.approx(0.48922, abs=5e-6)
    assert [point.kind for point in result().points] == ["minimum", "maximum", "minimum"]
    assert barrier.E > local.E > lowest.E


def test_no_stationary_point_of_one_weight_is_missed() -> None:
    """The slope changes its sign three times, at the three places that Newton found."""
    slope = sg.grad(lambda w: local_minima.error([w]))
    ws = [-1.0 + 5.0 * k / 997 for k in range(998)]
    slopes = [slope(w) for w in ws]
    crossings = [k for k in range(997) if slopes[k] * slopes[k + 1] <= 0.0]

    assert len(crossings) == len(result().points)
    for k, point in zip(crossings, result().points, strict=True):
        assert ws[k] <= point.w[0] <= ws[k + 1]


def test_two_weights_have_four_minima_four_saddles_and_one_maximum() -> None:
    """S0.27: they are pairs of stationary points of one weight, since E is a sum over the two."""
    ones = [point.w[0] for point in result().points]
    low, top, high = ones
    kinds = {kind: of_kind(kind, result().points2) for kind in ("minimum", "saddle", "maximum")}

    assert kinds["minimum"] == [
        pytest.approx(w, abs=1e-9) for w in ((low, low), (low, high), (high, low), (high, high))
    ]
    assert kinds["saddle"] == [
        pytest.approx(w, abs=1e-9) for w in ((low, top), (top, low), (top, high), (high, top))
    ]
    assert kinds["maximum"] == [pytest.approx((top, top), abs=1e-9)]
    for w in ((0.3, -0.7), (2.0, 1.0)):
        alone = [local_minima.error([x]) for x in w]
        assert local_minima.error(w) == pytest.approx(sum(alone), rel=1e-14)


def test_a_ball_ends_in_the_valley_it_started_in() -> None:
    """S0.27: gradient methods only head downhill, and none gets over the barrier."""
    low, top, high = (point.w[0] for point in result().points)

    for (start,), ball in result().balls.items():
        assert ball.path[-1][0] == pytest.approx(low if start < top else high, abs=2e-4)
        assert all(later <= earlier for earlier, later in pairwise(ball.errors))
        assert all((w < top) == (start < top) for (w,) in ball.path)
    ends = {tuple(round(w, 3) for w in ball.path[-1]) for ball in result().balls2.values()}
    assert len(result().balls2) == len(ends) == 4


def test_the_error_of_the_pictures_has_two_valleys() -> None:
    """S0.27: a global and a local minimum with a saddle between them, all on the line w2 = 0."""
    deep, saddle, shallow = result().valleys

    assert [point.kind for point in result().valleys] == ["minimum", "saddle", "minimum"]
    assert [p.w for p in result().valleys] == [
        pytest.approx((w1, 0.0), abs=5e-6) for w1 in (-0.10143, 0.37289, 1.38621)
    ]
    assert [p.E for p in (deep, shallow, saddle)] == pytest.approx(
        [0.22549, 0.40500, 0.47056], abs=5e-6
    )
    for start, ball in result().valley_balls.items():
        end = deep if start[0] < saddle.w[0] else shallow
        assert ball.path[-1] == pytest.approx(end.w, abs=2e-3)
        assert all(later <= earlier for earlier, later in pairwise(ball.errors))


def test_the_section_is_the_surface_at_w2_0() -> None:
    """The third association adds nothing there, since it is satisfied: σ(0) = 0.5."""
    for w1 in (-0.7, 0.4, 3.0):
        alone = [(x[:1], target) for x, target in local_minima.VALLEYS if x[0]]
        assert local_minima.error([w1, 0.0], local_minima.VALLEYS) == pytest.approx(
            local_minima.error([w1], alone), rel=1e-14
        )


def test_too_large_a_rate_cannot_settle_in_a_narrow_valley() -> None:
    """A minimum holds a ball at rates below 2 over its curvature: here 0.70."""
    lowest = result().points[0]
    limit = 2.0 / lowest.curvatures[0]
    start = [lowest.w[0] + 0.01]

    assert len(local_minima.roll(start, 0.95 * limit).path) < 500
    assert len(local_minima.roll(start, 1.05 * limit, limit=500).path) == 501
    assert len(local_minima.roll([2.19], 1.05 * limit, limit=2000).path) < 2000


def test_the_curvatures_are_those_of_finite_differences() -> None:
    point = result().points[2]
    slope = sg.grad(local_minima.error)
    step = 1e-5
    after, before = slope([point.w[0] + step])[0], slope([point.w[0] - step])[0]

    assert point.curvatures[0] == pytest.approx((after - before) / (2 * step), rel=1e-6)


def test_only_one_or_two_weights_can_be_searched() -> None:
    with pytest.raises(ValueError, match="1 or 2 weights, got 3"):
        local_minima.stationary_points(3)
