"""Tests of the isotonic regression that aligns the nodes of a column."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.view.layout.coordinates import settle

_wishes = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([1.0, 4.0])), max_size=5)


@settings(deadline=None)
@given(_wishes)
def test_settle_finds_the_best_non_decreasing_numbers(wishes: list[tuple[int, float]]) -> None:
    def cost(levels: tuple[float, ...] | list[float]) -> float:
        return sum(w * abs(level - wish) for level, (wish, w) in zip(levels, wishes, strict=True))

    actual = settle([(float(wish), weight) for wish, weight in wishes])

    assert actual == sorted(actual)
    candidates = product(sorted({wish for wish, _ in wishes}), repeat=len(wishes))
    expected = min(cost(levels) for levels in candidates if list(levels) == sorted(levels))
    assert expected == pytest.approx(cost(actual))
