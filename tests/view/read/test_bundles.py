"""Tests of bundles: where they begin, what they show, and how they are opened again."""

import random
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.view.graph import Graph
from scalargrad.view.read.bundles import Bundle, find_bundles
from scalargrad.view.read.reading import read


def _network(sizes: list[int]) -> tuple[Value, nn.MLP]:
    random.seed(3)
    model = nn.MLP(2, sizes, "tanh")
    y: Value = model([Value(0.5, "x1"), Value(-1.0, "x2")])
    return y, model


def _bundles(graph: Graph) -> list[tuple[str, ...]]:
    return [box.lines for box in graph.boxes if box.kind == "bundle"]


@pytest.mark.parametrize(
    ("tails", "heads", "bundled"),
    [(2, 50, False), (50, 2, False), (4, 4, False), (4, 5, True), (3, 6, True), (16, 16, True)],
)
def test_where_a_bundle_begins(tails: int, heads: int, bundled: bool) -> None:
    links = [*product(range(tails), range(100, 100 + heads))]

    assert [(len(b.tails), len(b.heads)) for b in find_bundles(links)] == [(tails, heads)] * bundled


def test_a_bundle_leaves_the_other_lines_of_its_boxes_alone() -> None:
    layer = [*product(range(5), range(10, 15))]
    weights = [(20 + i, 10 + i % 5) for i in range(25)]
    residual = [(i, 30 + i) for i in range(5)]

    assert find_bundles(layer + weights + residual) == [Bundle((0, 1, 2, 3, 4), (*range(10, 15),))]


def test_without_one_line_there_is_no_full_bundle() -> None:
    links = [*product(range(6), range(10, 16))][1:]

    assert find_bundles(links) == [Bundle((1, 2, 3, 4, 5), (*range(10, 16),))]


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(10, 17))))
def test_every_pair_of_a_bundle_is_linked(links: set[tuple[int, int]]) -> None:
    for tails, heads in find_bundles(links):
        assert {*product(tails, heads)} <= links


def test_two_layers_are_a_bundle_with_its_count_and_largest_gradient() -> None:
    y, model = _network([16, 16, 1])
    y.backward()
    reading = read(y, model)

    values = sg.topological_order(y)
    flows = [
        abs(node.grad * partial)
        for node in values
        for parent, partial in zip(node.parents, node.partials, strict=True)
        if parent.op == "tanh" and node is not y
    ]
    largest = re.fullmatch(r"largest \|grad\| (.*)", _bundles(reading.graph)[0][1])
    assert [lines[0] for lines in _bundles(reading.graph)] == ["256 edges"]
    assert largest is not None
    assert float(largest[1]) == pytest.approx(max(flows), rel=1e-3)
    assert len(reading.graph.edges) < 70
    assert sum(box.values for box in reading.graph.boxes) == len(values)


def test_before_backward_a_bundle_has_no_gradient() -> None:
    y, model = _network([16, 16, 1])

    assert _bundles(read(y, model).graph) == [("256 edges", "largest |grad| –")]


@pytest.mark.parametrize("sizes", [[2, 1], [3, 1], [4, 4, 1]])
def test_small_networks_are_drawn_line_by_line(sizes: list[int]) -> None:
    y, model = _network(sizes)
    graph = read(y, model).graph

    assert _bundles(graph) == []
    assert len(graph.edges) == sum(len(value.parents) for value in sg.topological_order(y))
    assert graph.notice == ""


def test_expand_draws_the_lines_of_a_layer_or_of_a_box_singly() -> None:
    y, model = _network([5, 5, 1])
    folded = read(y, model).graph
    name = re.search(r"expand='(.*)' draws the edges to it singly", folded.notice)
    assert name is not None
    opened = read(y, model, expand=name[1]).graph
    dots = [value for value in sg.topological_order(y) if value.op == "dot"]
    first = next(dot for dot in dots if dot.parents[2].label == "x1")
    some = next(dot for dot in dots if dot is not y and dot.parents[-2].op == "tanh")

    assert name[1] == "layer 1"
    assert _bundles(folded) == [("25 edges", "largest |grad| –")]
    assert folded.notice.startswith("25 edges drawn as 1 bundle; ")
    assert _bundles(opened) == []
    assert opened == read(y, model, expand="layers.1").graph
    assert _bundles(read(y, model, expand=some).graph) == [("20 edges", "largest |grad| –")]
    assert _bundles(read(y, model, focus=some, radius=0).graph) == [
        ("20 edges", "largest |grad| –")
    ]
    assert _bundles(read(y, model, expand=first).graph) == _bundles(folded)


def test_without_a_model_a_bundle_is_opened_box_by_box() -> None:
    y, _ = _network([5, 5, 1])
    folded = read(y).graph
    name = re.search(r"expand='(#\d+)' draws its edges singly", folded.notice)

    assert name is not None
    assert _bundles(read(y, expand=name[1]).graph) == [("20 edges", "largest |grad| –")]


def test_a_bundle_needs_a_box_within_the_budget() -> None:
    y, model = _network([5, 5, 1])
    boxes = len(sg.topological_order(y))

    assert len(read(y, model, max_nodes=boxes).graph.boxes) == boxes
    assert len(read(y, model, max_nodes=boxes + 1).graph.boxes) == boxes + 1


def test_a_line_between_two_layers_shows_the_largest_gradient() -> None:
    y, model = _network([16, 16, 16, 1])
    y.backward()
    graph = read(y, model).graph
    title = {box.number: box.title for box in graph.boxes}
    lines = {(title[edge.tail], title[edge.head]): edge.lines for edge in graph.edges}

    count, largest = lines["layer 0", "layer 1"]
    assert count == "×256"
    assert re.fullmatch(r"largest \|grad\| [\d.]+", largest)
    assert lines["x1, x2", "layer 0"] == ("×32",)
