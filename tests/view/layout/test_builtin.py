"""Tests of the built-in layout: no overlaps, straight chains, the same picture every time."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import Links, links, overlap

from scalargrad.view.geometry import Layout, Rectangle, samples
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.layout.builtin import lay_out
from scalargrad.view.theme import EDGE_FONT_SIZE, text_width


def _graph(count: int, links: Links, rankdir: str = "LR", label: str = "value") -> Graph:
    heads = {head for _, head in links}
    boxes = tuple(
        Box(i, "operation" if i in heads else "input", label * (i % 3), "+", i / 7, -i / 3)
        for i in range(count)
    )
    edges = tuple(
        Edge(tail, head, index, index / 7, f"{index / 7:.4g}", *((99, 0.5) if index == 7 else ()))
        for index, (tail, head) in enumerate(links)
    )
    return Graph(boxes, edges, "", rankdir)


# One test, since what takes the time is the layout.
@pytest.mark.unmeasured
@settings(deadline=None)
@given(links(), st.sampled_from(["LR", "TB", "RL", "BT"]))
def test_what_holds_for_every_layout(graph: tuple[int, Links], rankdir: str) -> None:
    drawn = _graph(*graph, rankdir)
    layout = lay_out(drawn)

    _boxes_lines_and_labels_keep_clear(drawn, layout)
    _lines_run_from_side_to_side(drawn, layout)
    assert layout == lay_out(_graph(*graph, rankdir))


def _boxes_lines_and_labels_keep_clear(drawn: Graph, layout: Layout) -> None:
    for one, other in combinations(layout.boxes, 2):
        assert not overlap(one, other, clearance=17.9)
    for frame in layout.boxes:
        assert frame.width / 2 <= frame.x <= layout.width - frame.width / 2
        assert frame.height / 2 <= frame.y <= layout.height - frame.height / 2
    for edge, route in zip(drawn.edges, layout.routes, strict=True):
        width = max(text_width(line, EDGE_FONT_SIZE) for line in edge.lines)
        label = Rectangle(*route.label, width, EDGE_FONT_SIZE * len(edge.lines))
        assert not any(overlap(label, frame) for frame in layout.boxes)
        foreign = [
            frame
            for box, frame in zip(drawn.boxes, layout.boxes, strict=True)
            if box.number not in (edge.tail, edge.head)
        ]
        for x, y in samples(route.curve, 16):
            assert not any(overlap(Rectangle(x, y, 0.0, 0.0), frame) for frame in foreign)


def _lines_run_from_side_to_side(drawn: Graph, layout: Layout) -> None:
    frames = layout.boxes
    for edge, route in zip(drawn.edges, layout.routes, strict=True):
        for (x, y), frame in ((route.curve[0], frames[edge.tail]), (route.tip, frames[edge.head])):
            across = abs(x - frame.x) - frame.width / 2, abs(y - frame.y) - frame.height / 2
            assert max(across) == pytest.approx(0.0, abs=1e-6)
        forwards = {"LR": (1, 0), "RL": (-1, 0), "TB": (0, 1), "BT": (0, -1)}[drawn.rankdir]
        along = [x * forwards[0] + y * forwards[1] for x, y in [*route.curve, route.tip]]
        assert all(later >= earlier - 1e-6 for earlier, later in pairwise(along))


def test_right_to_left_is_the_mirror_image() -> None:
    links = [(0, 2), (1, 2), (2, 3), (0, 3)]
    there, back = lay_out(_graph(4, links)), lay_out(_graph(4, links, "RL"))

    for one, other in zip(there.boxes, back.boxes, strict=True):
        assert one.y == other.y
        assert one.x == pytest.approx(back.width - other.x)


def _spine(layout: Layout, boxes: range) -> set[float]:
    return {round(layout.boxes[box].y, 6) for box in boxes}


def test_a_chain_is_straight() -> None:
    layout = lay_out(_graph(10, [(i, i + 1) for i in range(9)]))

    assert len(_spine(layout, range(10))) == 1
    assert all(len({round(y, 6) for _, y in route.curve}) == 1 for route in layout.routes)


def test_leaves_do_not_bend_a_chain() -> None:
    # 0 -> 5 -> 6 -> 7 -> 8, where each has a leaf (1 ... 4) for its other operand
    links = [(0, 5), (1, 5), (5, 6), (2, 6), (6, 7), (3, 7), (7, 8), (4, 8)]
    layout = lay_out(_graph(9, links))

    assert len(_spine(layout, range(5, 9))) == 1


def test_two_edges_between_two_boxes_lie_apart() -> None:
    first, second = lay_out(_graph(2, [(0, 1), (0, 1)])).routes

    assert abs(first.tip[1] - second.tip[1]) >= EDGE_FONT_SIZE
    assert first.label != second.label
