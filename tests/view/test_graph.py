"""Tests of boxes, edges and graphs: their texts, gradients and summaries."""

from math import inf, nan

import pytest

from scalargrad import Value
from scalargrad.view.graph import Box, Edge, Graph, count
from scalargrad.view.read.reading import read


def test_the_lines_of_boxes() -> None:
    value = Box(0, "operation", "z3", "dot", 0.7, 0.25)
    silent = Box(1, "operation", "", "tanh", 0.7, None)
    number = Box(2, "constant", "", "", 2.0, None)
    group = Box(3, "group", "layers.0", "", None, 23.96, 1_648, 48)
    bare = Box(4, "group", "relu #7", "", None, None, 2)

    assert value.lines == ("z3 = dot", "data 0.7", "grad 0.25")
    assert silent.lines == ("tanh", "data 0.7", "grad –")
    assert number.lines == ("2",)
    assert group.lines == ("layers.0", "1,648 values", "48 parameters", "largest |grad| 23.96")
    assert bare.lines == ("relu #7", "2 values", "largest |grad| –")


def test_the_lines_of_edges() -> None:
    plain = Edge(0, 1, 0, 0.5, "0.5")
    hidden = Edge(0, 1, 0, 0.5, "")
    bundle = Edge(0, 1, 0, 0.5, "256 weights", count=256, grad=0.03125)

    assert plain.lines == ("0.5",)
    assert hidden.lines == ()
    assert bundle.lines == ("256 weights", "largest |grad| 0.03125")


def test_the_roles_of_rows() -> None:
    box = Box(12, "result", "E", "relu", 0.0, 1.0)

    assert [row.role for row in box.rows] == ["title", "data", "grad"]
    assert box.number == 12


@pytest.mark.parametrize(
    ("grads", "largest"),
    [([0.5, -2.0], 2.0), ([inf, 1.0], 1.0), ([nan], 0.0), ([None, None], 0.0), ([], 0.0)],
)
def test_the_largest_gradient(grads: list[float | None], largest: float) -> None:
    boxes = tuple(Box(i, "input", "", "", 1.0, grad) for i, grad in enumerate(grads))
    number = Box(9, "constant", "", "", 1.0, 1e9)

    assert Graph((*boxes, number), (), "", "LR").largest == largest
    bundles = tuple(Edge(0, 1, 0, 1.0, "", 2, grad) for grad in grads)
    assert Graph((number,), bundles, "", "LR").largest == largest


def test_the_summary_is_one_sentence(network: Value) -> None:
    expected = "Computation graph: 8 values, 7 edges; result E = tanh, data 0.8854"

    assert expected == read(network).graph.summary


def test_the_summary_states_what_is_missing() -> None:
    x = Value(1.0)
    for _ in range(200):
        x = x.tanh() * x
    graph = read(x, max_nodes=10).graph

    groups = sum(box.kind == "group" for box in graph.boxes)
    assert f"{groups} group" in graph.summary
    assert "no gradients yet" in graph.summary
    assert graph.summary.endswith(graph.notice)


def test_count() -> None:
    assert [count(n, "edge") for n in (0, 1, 1000)] == ["0 edges", "1 edge", "1,000 edges"]
