"""Tests of the built-in layout: nothing on anything else, and the same picture every time."""

from itertools import combinations, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad.view.geometry import Layout, Rectangle
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.layout.builtin import lay_out
from scalargrad.view.layout.coordinates import settle
from scalargrad.view.layout.crossings import count_crossings, order_columns
from scalargrad.view.layout.layers import make_layers
from scalargrad.view.theme import EDGE_FONT_SIZE, text_width

_Links = list[tuple[int, int]]


def _graph(count: int, links: _Links, rankdir: str = "LR", label: str = "value") -> Graph:
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


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[int, _Links]:
    """Boxes 0 … n - 1, each with up to five operands from before it, in one piece or not."""
    count = draw(st.integers(1, 25))
    links = []
    for head in range(1, count):
        # Mostly from near by, now and then from far off, and the same one more than once.
        nearest = max(head - 6, 0)
        tail = st.integers(nearest, head - 1) | st.integers(0, head - 1)
        links += [(operand, head) for operand in draw(st.lists(tail, max_size=5))]
    return count, links


def _overlap(one: Rectangle, other: Rectangle, clearance: float = 0.0) -> bool:
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 + clearance
        and abs(one.y - other.y) < (one.height + other.height) / 2 + clearance
    )


def _points(curve: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    points = []
    for start in range(0, len(curve) - 1, 3):
        p, q, r, s = curve[start : start + 4]
        for t in (number / 16 for number in range(17)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x = sum(w * point[0] for w, point in zip(weights, (p, q, r, s), strict=True))
            y = sum(w * point[1] for w, point in zip(weights, (p, q, r, s), strict=True))
            points.append((x, y))
    return points


# One test, since what takes the time is the layout.
@settings(deadline=None)
@given(_graphs(), st.sampled_from(["LR", "TB", "RL", "BT"]))
def test_what_holds_for_every_layout(graph: tuple[int, _Links], rankdir: str) -> None:
    drawn = _graph(*graph, rankdir)
    layout = lay_out(drawn)

    _boxes_lines_and_numbers_keep_clear(drawn, layout)
    _lines_run_from_side_to_side(drawn, layout)
    assert layout == lay_out(_graph(*graph, rankdir))


def _boxes_lines_and_numbers_keep_clear(drawn: Graph, layout: Layout) -> None:
    for one, other in combinations(layout.boxes, 2):
        assert not _overlap(one, other, clearance=17.9)
    for frame in layout.boxes:
        assert frame.width / 2 <= frame.x <= layout.width - frame.width / 2
        assert frame.height / 2 <= frame.y <= layout.height - frame.height / 2
    for edge, route in zip(drawn.edges, layout.routes, strict=True):
        width = max(text_width(line, EDGE_FONT_SIZE) for line in edge.lines)
        number = Rectangle(*route.label, width, EDGE_FONT_SIZE * len(edge.lines))
        assert not any(_overlap(number, frame) for frame in layout.boxes)
        foreign = [
            frame
            for box, frame in zip(drawn.boxes, layout.boxes, strict=True)
            if box.number not in (edge.tail, edge.head)
        ]
        for x, y in _points(route.curve):
            assert not any(_overlap(Rectangle(x, y, 0.0, 0.0), frame) for frame in foreign)


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


def test_leaves_stand_next_to_where_they_are_used() -> None:
    columns = make_layers(6, [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5)]).columns

    assert columns == [[0], [1], [2], [3, 4], [5]]


def test_two_edges_between_two_boxes_lie_apart() -> None:
    first, second = lay_out(_graph(2, [(0, 1), (0, 1)])).routes

    assert abs(first.tip[1] - second.tip[1]) >= EDGE_FONT_SIZE
    assert first.label != second.label


def test_long_edges_of_one_box_share_their_way() -> None:
    layers = make_layers(5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3), (0, 4), (0, 4)])

    assert layers.chains[4:] == [(0, 5, 6, 3), (0, 5, 6, 7, 4), (0, 8, 9, 10, 4)]


def _crossings(columns: list[list[int]], after: list[list[int]]) -> int:
    total = 0
    for left, right in pairwise(columns):
        lines = [(left.index(a), right.index(b)) for a in left for b in after[a]]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(lines, 2))
    return total


@settings(deadline=None)
@given(_graphs())
def test_crossings_are_counted_right(graph: tuple[int, _Links]) -> None:
    layers = make_layers(*graph)

    expected = _crossings(layers.columns, layers.after)
    assert expected == count_crossings(layers, layers.columns)


@settings(deadline=None)
@given(_graphs())
def test_ordering_loses_no_node(graph: tuple[int, _Links]) -> None:
    layers = make_layers(*graph)

    actual = [sorted(column) for column in order_columns(layers)]
    assert layers.columns == actual


def test_ordering_unties_a_knot() -> None:
    layers = make_layers(7, [(0, 5), (1, 4), (2, 3), (3, 6), (4, 6), (5, 6)])

    assert count_crossings(layers, order_columns(layers)) == 0


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
