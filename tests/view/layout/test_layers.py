"""Tests of the columns of the built-in layout, and of the way-points of long edges."""

from scalargrad.view.layout.layers import make_layers


def test_leaves_are_next_to_their_users() -> None:
    columns = make_layers(6, [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5)]).columns

    assert columns == [[0], [1], [2], [3, 4], [5]]


def test_long_edges_of_one_box_share_their_way_points() -> None:
    layers = make_layers(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3), (0, 4), (0, 4)])

    assert layers.chains[4:] == [(0, 5, 6, 3), (0, 5, 6, 7, 4), (0, 8, 9, 10, 4)]
