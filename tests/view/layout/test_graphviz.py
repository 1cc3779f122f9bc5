"""Tests of layouts by Graphviz: no overlaps, and bad answers refused."""

import json
import re
from collections.abc import Callable
from itertools import combinations, pairwise
from math import dist
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts import links, overlap

from scalargrad import Value
from scalargrad.view import programs
from scalargrad.view.geometry import Layout, Rectangle, Route, samples
from scalargrad.view.graph import Box, Edge, Graph, Kind
from scalargrad.view.layout.graphviz import dot_text, lay_out, layout_of
from scalargrad.view.read.reading import read
from scalargrad.view.theme import ARROW, EDGE_FONT_SIZE, MARGIN, box_size, text_width

_RANKDIRS = ("LR", "TB", "RL", "BT")
_TEXTS = ("0.1429", "99 weights", "", "", "")
_BUNDLES = {1: (99, 0.5)}
_ROUNDED = 1.0  # Graphviz 2.43 takes boxes of whole points


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    """Boxes of all kinds, each with up to four operands among those before it."""
    count, found = draw(links(20, 4))
    kind: st.SearchStrategy[Kind] = st.sampled_from(
        ["parameter", "input", "constant", "operation", "result", "group"]
    )
    boxes = tuple(
        Box(i, draw(kind), "value" * (i % 3), "+", i / 7, -i / 3, values=i + 1)
        for i in range(count)
    )
    edges = tuple(
        Edge(tail, head, index, index / 7, _TEXTS[index % 5], *_BUNDLES.get(index % 5, ()))
        for index, (tail, head) in enumerate(found)
    )
    return Graph(boxes, edges, "", draw(st.sampled_from(_RANKDIRS)))


def _width(edge: Edge) -> float:
    return max(text_width(line, EDGE_FONT_SIZE) for line in edge.lines)


def _labels(graph: Graph, routes: tuple[Route, ...]) -> list[Rectangle]:
    return [
        Rectangle(*route.label, _width(edge), EDGE_FONT_SIZE * len(edge.lines))
        for edge, route in zip(graph.edges, routes, strict=True)
        if edge.lines
    ]


# One test, since what takes the time is Graphviz. The fixture only says which one it is.
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_graphs())
def test_what_holds_for_every_layout(graphviz_engine: str, graph: Graph) -> None:
    layout = lay_out(graph, graphviz_engine)

    _boxes_and_labels_keep_clear(graph, layout)
    _lines_run_from_border_to_border(graph, layout)
    _labels_are_near_their_lines(graph, layout)


def _boxes_and_labels_keep_clear(graph: Graph, layout: Layout) -> None:
    for box, frame in zip(graph.boxes, layout.boxes, strict=True):
        assert (frame.width, frame.height) == box_size(box)
        assert frame.x - frame.width / 2 >= MARGIN - _ROUNDED
        assert frame.y - frame.height / 2 >= MARGIN - _ROUNDED
        assert frame.x + frame.width / 2 <= layout.width - MARGIN + _ROUNDED
        assert frame.y + frame.height / 2 <= layout.height - MARGIN + _ROUNDED
    labels = _labels(graph, layout.routes)
    for one, other in combinations([*layout.boxes, *labels], 2):
        assert not overlap(one, other)
    for label in labels:
        assert label.width / 2 <= label.x <= layout.width - label.width / 2
        assert label.height / 2 <= label.y <= layout.height - label.height / 2


def _lines_run_from_border_to_border(graph: Graph, layout: Layout) -> None:
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        ends = ((route.curve[0], edge.tail), (route.tip, edge.head))
        for (x, y), box in ends:
            frame = layout.boxes[box]
            beyond = abs(x - frame.x) - frame.width / 2, abs(y - frame.y) - frame.height / 2
            assert max(beyond) == pytest.approx(0.0, abs=_ROUNDED)
        assert dist(route.curve[-1], route.tip) == pytest.approx(ARROW)


def _labels_are_near_their_lines(graph: Graph, layout: Layout) -> None:
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        if edge.lines:
            nearest = min(
                dist(point, route.label) for point in [*samples(route.curve, 50), route.tip]
            )
            assert nearest < _width(edge) / 2 + 2 * EDGE_FONT_SIZE


@pytest.mark.parametrize("rankdir", _RANKDIRS)
def test_the_direction_of_the_picture(graphviz_engine: str, network: Value, rankdir: str) -> None:
    graph = read(network, rankdir=rankdir).graph
    layout = lay_out(graph, graphviz_engine)

    across, down = {"LR": (1, 0), "RL": (-1, 0), "TB": (0, 1), "BT": (0, -1)}[rankdir]
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        tail, head = (layout.boxes[box] for box in (edge.tail, edge.head))
        assert (head.x - tail.x) * across + (head.y - tail.y) * down > 0
        along = [x * across + y * down for x, y in (route.curve[0], route.label, route.tip)]
        assert all(later > earlier for earlier, later in pairwise(along))


@pytest.mark.parametrize("rankdir", _RANKDIRS)
def test_two_edges_between_two_boxes_lie_apart(graphviz_engine: str, rankdir: str) -> None:
    x = Value(3.0, "x")
    graph = read(x * x, rankdir=rankdir).graph
    one, other = lay_out(graph, graphviz_engine).routes

    assert dist(one.tip, other.tip) > ARROW / 2
    assert not overlap(*_labels(graph, (one, other)))
    # on their lines, which then pass through the middle of the labels
    for route in (one, other):
        assert (
            min(dist(point, route.label) for point in [*samples(route.curve, 50), route.tip]) < 1.0
        )


def test_the_layout_is_the_same_every_time(graphviz_engine: str, network: Value) -> None:
    graph = read(network).graph

    assert lay_out(graph, graphviz_engine) == lay_out(graph, graphviz_engine)


def test_a_graphviz_gets_sizes_only() -> None:
    result = Value(1.0, "needle").tanh()
    result.label = "thread"
    text = dot_text(read(result).graph)

    assert "needle" not in text
    assert "thread" not in text
    assert not re.search("tanh|data|grad", text)


_ONE_EDGE = Graph(
    (
        Box(0, "input", "x", "", 1.0, 1.0),
        Box(1, "result", "y", "+", 1.0, 1.0),
    ),
    (Edge(0, 1, 0, 1.0, "1"),),
    "",
    "LR",
)


def _answer() -> dict[str, Any]:
    return {
        "bb": "0,0,200,60",
        "objects": [{"name": "n0", "pos": "40,30"}, {"name": "n1", "pos": "160,30"}],
        "edges": [{"number": "0", "pos": "e,120,30 80,30 90,30 100,30 112,30", "lp": "100,37"}],
    }


def _layout_of(answer: Any) -> Any:
    return layout_of(_ONE_EDGE, json.dumps(answer).encode())


def test_an_answer_is_turned_upside_down() -> None:
    answer = _answer()
    answer["objects"][0]["pos"] = "40,10"
    layout = _layout_of(answer)

    assert (layout.width, layout.height) == (200 + 2 * MARGIN, 60 + 2 * MARGIN)
    assert [(frame.x, frame.y) for frame in layout.boxes] == [
        (40 + MARGIN, 50 + MARGIN),
        (160 + MARGIN, 30 + MARGIN),
    ]
    (route,) = layout.routes
    assert route.tip == (120 + MARGIN, 30 + MARGIN)
    assert route.curve[-1] == (112 + MARGIN, 30 + MARGIN)
    assert route.label == (100 + MARGIN, 30 + MARGIN)  # from beside the line onto it


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.clear(),
        lambda answer: answer.pop("bb"),
        lambda answer: answer.update(bb="0,0,200"),
        lambda answer: answer.update(bb="0,0,nan,60"),
        lambda answer: answer.update(objects=None),
        lambda answer: answer["objects"].pop(),
        lambda answer: answer["objects"][0].pop("pos"),
        lambda answer: answer["objects"][0].update(pos="40"),
        lambda answer: answer["objects"][0].update(pos="40,inf"),
        lambda answer: answer["objects"][0].update(pos=40),
        lambda answer: answer.pop("edges"),
        lambda answer: answer["edges"][0].pop("number"),
        lambda answer: answer["edges"][0].pop("pos"),  # a Graphviz that lost an edge
        lambda answer: answer["edges"][0].update(pos=""),
        lambda answer: answer["edges"][0].update(pos="e,120,30 80,30"),
        lambda answer: answer["edges"][0].update(pos="e,120,30 80,30 90,30 100,30"),
        lambda answer: answer["edges"][0].update(pos="e,120,30 80,30 90,30 100,30 1"),
        lambda answer: answer["edges"][0].update(pos="80,30 90,30 100,30 112,30"),
    ],
)
def test_an_answer_that_lacks_something_is_refused(spoil: Callable[[Any], Any]) -> None:
    answer = _answer()
    assert _layout_of(answer)
    spoil(answer)

    with pytest.raises(ValueError):
        _layout_of(answer)


@pytest.mark.parametrize(
    "answer", [b"", b"{", b"[]", b"7", b"null", b"\xff", b"<svg></svg>", b"[" * 100_000]
)
def test_an_answer_that_is_not_json_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):
        layout_of(_ONE_EDGE, answer)


def test_room_for_labels_does_not_depend_on_fonts(graphviz_engine: str, network: Value) -> None:
    text = dot_text(read(network).graph)
    other = text.replace("edge [", 'edge [fontname="Courier" fontsize=40 ')

    assert text != other
    answers = [programs.run(graphviz_engine, source, "dot", "json0") for source in (text, other)]
    assert len({json.loads(answer)["bb"] for answer in answers}) == 1
