"""Pictures of recorded programs, with and without the derivative, and of several outputs."""

import pytest

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.view.read.reading import read


def squared_error() -> sg.Compiled:
    """(tanh(w x + b) - y)**2, recorded."""
    w, b = Value(0.5, "w"), Value(0.25, "b")
    c = sg.compile(
        lambda x, y: (sg.tanh(sg.dot([w], [x], b)) - y) ** 2, params=[w, b], backend="python"
    )
    c.record(1.0, 2.0)
    return c


def test_a_compiled_function_is_drawn_as_its_program() -> None:
    c = squared_error()
    boxes = read(c).graph.boxes

    assert {box.label: box.kind for box in boxes if box.label} == {
        "w": "parameter", "b": "parameter", "x": "input", "y": "input",
    }  # fmt: skip
    assert [box.op for box in boxes if box.op].count("tanh") == 1
    assert [box.data for box in boxes if box.kind != "constant"] == [None] * (
        len(boxes) - sum(box.kind == "constant" for box in boxes)
    )
    assert boxes[-1].kind == "result"
    assert sg.draw(c, engine="builtin").svg == sg.draw(c.program, engine="builtin").svg


def test_every_box_of_a_program_is_needed_for_its_result() -> None:
    graph = read(squared_error()).graph
    used = {edge.tail for edge in graph.edges}

    assert used == {box.number for box in graph.boxes if box.kind != "result"}


def test_the_derivative_is_drawn_with_its_outputs() -> None:
    c = squared_error()
    graph = read(c.gradient_program).graph

    assert sum(box.kind == "result" for box in graph.boxes) == 3  # the value and two derivatives
    assert len(graph.boxes) > len(read(c).graph.boxes)
    assert "backward has not been run" not in sg.draw(c.gradient_program, engine="builtin").svg
    assert "a recorded program" in sg.draw(c, engine="builtin").svg


def test_a_large_program_is_collapsed() -> None:
    model = nn.MLP(3, [16, 16, 1])
    c = sg.compile(lambda x: model(x), params=model.parameters(), backend="python")
    c.record([[0.1, 0.2, 0.3]])
    drawing = sg.draw(c, max_nodes=30, engine="builtin")

    assert len(drawing.graph.boxes) <= 30
    assert "grouped by" in drawing.notice
    assert any(box.kind == "group" for box in drawing.graph.boxes)
    assert "a recorded program" in drawing.svg


@pytest.mark.parametrize("max_nodes", [1, 30, 150])
def test_no_box_of_a_program_speaks_of_gradients(max_nodes: int) -> None:
    model = nn.MLP(3, [8, 8, 1])
    c = sg.compile(lambda x: model(x), params=model.parameters(), backend="python")
    c.record([[0.1, 0.2, 0.3]])
    graph = read(c, max_nodes=max_nodes).graph
    kinds = {box.kind for box in graph.boxes}

    assert ("group" in kinds, "bundle" in kinds) == (max_nodes < 150, max_nodes == 150)
    assert graph.recorded
    assert not [line for box in graph.boxes for line in box.lines if "grad" in line]


def test_a_constant_result_of_a_program_has_a_number_and_no_gradient() -> None:
    c = sg.compile(lambda x: [x * x, Value(2.0)], backend="python")
    c.record(1.0)
    graph = read(c).graph

    assert graph.recorded
    assert [box.lines for box in graph.boxes if box.data is not None] == [("data 2",)]


def test_several_outputs() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    y1, y2 = a * b, a + b
    graph = read([y1, y2]).graph

    assert [box.op for box in graph.boxes if box.kind == "result"] == ["*", "+"]
    assert len(graph.edges) == 4
    assert not graph.backward
    y2.backward()
    assert read([y1, y2]).graph.backward
    assert len(read([y1, y1 * 2]).graph.boxes) == 5


def test_a_function_that_was_not_recorded() -> None:
    with pytest.raises(ValueError, match="has not been recorded yet: call it first"):
        sg.draw(sg.compile(lambda x: x, backend="python"))


@pytest.mark.parametrize(
    "x", [[], [1.0], [Value(1.0), 2.0], lambda x: x], ids=["empty", "number", "mixed", "function"]
)
def test_what_cannot_be_drawn(x: object) -> None:
    with pytest.raises(TypeError, match="draw needs a Value, a list of Values, a compiled"):
        sg.draw(x)
