"""Tests of the graph that every view reads: boxes, edges and budgets."""

from collections.abc import Callable

import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.draw.graph import Graph, read


def _read(x: Value, max_nodes: int = 150, max_edges: int = 400) -> Graph:
    return read(x, max_nodes, max_edges)


def test_boxes_say_label_operation_data_and_grad(network: Value) -> None:
    lines = {box.label or box.op: box.lines for box in _read(network).boxes}

    assert lines["w1"] == ("w1", "data 0.7", "grad 0.2162")
    assert lines["z"] == ("z = dot", "data 0.7", "grad 0.4323")
    assert lines["*"] == ("*", "data 1.4", "grad 0.2162")
    assert lines["E"] == ("E = tanh", "data 0.8854", "grad 1")


def test_kinds(network: Value) -> None:
    kinds = [(box.label or box.op, box.kind) for box in _read(network).boxes]

    expected = [
        ("w1", "leaf"),
        ("w2", "leaf"),
        ("x1", "leaf"),
        ("x2", "leaf"),
        ("z", "operation"),
        ("", "constant"),
        ("*", "operation"),
        ("E", "result"),
    ]
    assert expected == kinds


def test_names_are_numbers_in_topological_order(network: Value) -> None:
    graph = _read(network)

    names = [box.name for box in graph.boxes]
    assert names == [f"n{number}" for number in range(len(names))]
    assert all(int(edge.tail[1:]) < int(edge.head[1:]) for edge in graph.edges)


def test_a_constant_shows_its_number_alone() -> None:
    graph = _read(Value(3.0, "x") * 2)

    assert graph.boxes[1].lines == ("2",)
    assert [edge.text for edge in graph.edges] == ["2", ""]


def test_a_lone_leaf_is_the_result() -> None:
    graph = _read(Value(3.0))

    assert [(box.kind, box.lines) for box in graph.boxes] == [("result", ("data 3", "grad 0"))]


def test_an_operand_used_twice_has_two_edges() -> None:
    x = Value(3.0, "x")

    edges = [(edge.tail, edge.head, edge.position, edge.partial) for edge in _read(x * x).edges]

    assert edges == [("n0", "n1", 0, 3.0), ("n0", "n1", 1, 3.0)]


@pytest.mark.parametrize("operation", [lambda x: x * 3.0, lambda x: x / 2.0, lambda x: x**2])
def test_user_text_stays_out_of_names(operation: Callable[[Value], Value]) -> None:
    graph = _read(operation(Value(1.0, 'n0 -> n1; "')))

    assert [box.name for box in graph.boxes] == ["n0", "n1", "n2"]


def test_within_the_budgets_nothing_is_left_out() -> None:
    x = Value(1.0)
    graph = _read(x + x, max_nodes=2, max_edges=2)

    assert (len(graph.boxes), len(graph.edges), graph.notice) == (2, 2, "")


@pytest.mark.parametrize("max_nodes", [1, 2, 7, 150])
def test_a_deep_chain_keeps_the_end_nearest_the_result(max_nodes: int) -> None:
    x = Value(1.0)
    for _ in range(100_000):
        x = -x
    graph = _read(x, max_nodes=max_nodes)

    assert len(graph.boxes) == max_nodes
    assert len(graph.edges) == max_nodes - 1
    assert graph.boxes[-1].kind == "result"
    assert graph.notice == f"100,001 values shown as the {max_nodes} nearest the result"
    assert graph.boxes[0].lines[-1] == "1 input not shown"


def test_a_wide_node_keeps_its_first_operands() -> None:
    xs = [Value(float(number), f"x{number}") for number in range(10_000)]
    graph = _read(sg.sum(xs))

    assert [box.label for box in graph.boxes[:-1]] == [f"x{number}" for number in range(149)]
    assert graph.boxes[-1].hidden == 10_000 - 149
    assert graph.boxes[-1].lines[-1] == "9,851 inputs not shown"
    assert graph.notice == "10,001 values shown as the 150 nearest the result"


def test_the_edge_budget_first_connects_and_then_fills() -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    graph = _read(sg.dot([a] * 5_000, [b] * 5_000), max_edges=10)

    assert [box.label for box in graph.boxes] == ["a", "b", ""]
    assert [edge.position for edge in graph.edges] == [*range(9), 5_000]
    assert graph.notice == "10,000 edges shown as the 10 nearest the result"


def test_no_edges_at_all() -> None:
    graph = _read(Value(1.0) + Value(2.0), max_edges=0)

    assert (len(graph.boxes), graph.edges) == (1, ())
    assert graph.boxes[0].lines[-1] == "2 inputs not shown"


def test_breadth_first_prefers_near_values_to_deep_ones() -> None:
    deep = Value(1.0, "far")
    for _ in range(50):
        deep = -deep
    near = Value(2.0, "near")
    graph = _read(deep * near, max_nodes=3)

    assert "near" in [box.label for box in graph.boxes]


def test_the_summary_is_one_sentence(network: Value) -> None:
    expected = "Computation graph: 8 values, 7 edges; result E = tanh, data 0.8854"

    assert expected == _read(network).summary
