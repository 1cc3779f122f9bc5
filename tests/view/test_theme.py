"""Tests of the sizes of texts and lines."""

from scalargrad.view.graph import Edge
from scalargrad.view.theme import EDGE_WIDTH, label_size, line_width


def test_a_line_is_the_wider_the_more_edges_it_stands_for() -> None:
    widths = [line_width(Edge(0, 1, 0, 1.0, "", count)) for count in (1, 2, 16, 256, 10**9)]

    assert widths == sorted(set(widths))
    assert widths[0] == EDGE_WIDTH
    assert widths[-1] == 4.0  # an arrow is 8 long


def test_a_label_has_room_for_all_its_lines() -> None:
    plain, bundle = Edge(0, 1, 0, 1.0, "×9", 9), Edge(0, 1, 0, 1.0, "×9", 9, grad=0.5)

    assert label_size(Edge(0, 1, 0, 1.0, "")) == (0.0, 0.0)
    assert label_size(bundle)[0] > label_size(plain)[0]
    assert label_size(bundle)[1] == 2 * label_size(plain)[1]
