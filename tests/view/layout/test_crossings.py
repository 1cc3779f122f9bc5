"""Tests of the order within columns: crossings are counted exactly, and few remain."""

from itertools import combinations, pairwise

from hypothesis import given, settings
from layouts import Links, links

from scalargrad.view.layout.crossings import count_crossings, order_columns
from scalargrad.view.layout.layers import make_layers


def _crossings(columns: list[list[int]], after: list[list[int]]) -> int:
    total = 0
    for left, right in pairwise(columns):
        lines = [(left.index(a), right.index(b)) for a in left for b in after[a]]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(lines, 2))
    return total


@settings(deadline=None)
@given(links())
def test_crossings_are_counted_exactly(graph: tuple[int, Links]) -> None:
    layers = make_layers(*graph)

    expected = _crossings(layers.columns, layers.after)
    assert expected == count_crossings(layers, layers.columns)


@settings(deadline=None)
@given(links())
def test_ordering_loses_no_node(graph: tuple[int, Links]) -> None:
    layers = make_layers(*graph)

    actual = [sorted(column) for column in order_columns(layers)]
    assert layers.columns == actual


def test_ordering_unties_a_knot() -> None:
    layers = make_layers(7, [(0, 5), (1, 4), (2, 3), (3, 6), (4, 6), (5, 6)])

    assert count_crossings(layers, order_columns(layers)) == 0
