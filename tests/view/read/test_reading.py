"""Tests of reading a graph: boxes, edges, collapsing to the budgets, and opening parts again."""

import random
import re
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Program, chain, programs

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.view.graph import Graph
from scalargrad.view.read.reading import Reading, read


def _lines(graph: Graph) -> dict[str, tuple[str, ...]]:
    return {box.label or box.op: box.lines for box in graph.boxes}


def _loss(model: nn.MLP, samples: int = 20) -> Value:
    """The loss of a network on some samples, with its gradients."""
    nin = len(model.layers[0].neurons[0].w)
    X = [[random.uniform(-1, 1) for _ in range(nin)] for _ in range(samples)]
    loss: Value = losses.squared_error([model(x) for x in X], [1.0] * samples)
    loss.backward()
    return loss


@pytest.fixture
def model() -> nn.MLP:
    random.seed(5)
    return nn.MLP(3, [8, 8, 1], "tanh")


def _assert_sound(reading: Reading, max_nodes: int, max_edges: int) -> None:
    graph = reading.graph
    assert len(graph.boxes) <= max_nodes
    assert len(graph.edges) <= max_edges
    assert [box.number for box in graph.boxes] == list(range(len(graph.boxes)))
    assert sum(box.values for box in graph.boxes) == len(reading.order) == len(reading.box_of)
    assert all(edge.tail < edge.head for edge in graph.edges)
    assert reading.box_of[-1] == len(graph.boxes) - 1
    # every operand stands where an edge comes from, or in the same box
    bundles = {box.number for box in graph.boxes if box.kind == "bundle"}
    index = {value: i for i, value in enumerate(reading.order)}
    ways = [
        (reading.box_of[index[parent]], head)
        for value, head in zip(reading.order, reading.box_of, strict=True)
        for parent in value.parents
    ]
    for tail, head in ways:
        if tail != head:
            lines = next(
                lines for (start, _), lines in reading.lines[head].items() if start == tail
            )
            stops = [graph.edges[line].tail for line in lines] + [graph.edges[lines[-1]].head]
            assert (stops[0], stops[-1]) == (tail, head)
            assert set(stops[1:-1]) <= bundles
    among = sum(tail == head for tail, head in ways)
    assert among + sum(edge.count for edge in graph.edges if edge.tail not in bundles) == len(ways)


# Small graphs: a box for every value


def test_boxes_say_label_operation_data_and_grad(network: Value) -> None:
    lines = _lines(read(network).graph)

    assert lines["w1"] == ("w1", "data 0.7", "grad 0.2162")
    assert lines["z"] == ("z = dot", "data 0.7", "grad 0.4323")
    assert lines["*"] == ("*", "data 1.4", "grad 0.2162")
    assert lines["E"] == ("E = tanh", "data 0.8854", "grad 1")


def test_kinds(network: Value) -> None:
    kinds = [(box.label or box.op, box.kind) for box in read(network).graph.boxes]

    expected = [
        ("w1", "parameter"),
        ("w2", "parameter"),
        ("x1", "input"),
        ("x2", "input"),
        ("z", "operation"),
        ("", "constant"),
        ("*", "operation"),
        ("E", "result"),
    ]
    assert expected == kinds


def test_names_are_numbers_in_topological_order(network: Value) -> None:
    _assert_sound(read(network), 8, 7)


def test_a_constant_shows_its_number_alone() -> None:
    graph = read(Value(3.0, "x") * 2).graph

    assert graph.boxes[1].lines == ("2",)
    assert [edge.text for edge in graph.edges] == ["2", ""]


def test_a_lone_leaf_is_the_result() -> None:
    graph = read(Value(3.0)).graph

    assert [(box.kind, box.lines) for box in graph.boxes] == [("result", ("data 3", "grad –"))]


def test_an_operand_used_twice_has_two_edges() -> None:
    x = Value(3.0, "x")

    edges = [
        (edge.tail, edge.head, edge.position, edge.partial) for edge in read(x * x).graph.edges
    ]

    assert edges == [(0, 1, 0, 3.0), (0, 1, 1, 3.0)]


@pytest.mark.parametrize("operation", [lambda x: x * 3.0, lambda x: x / 2.0, lambda x: x**2])
def test_user_text_stays_out_of_names(operation: Callable[[Value], Value]) -> None:
    graph = read(operation(Value(1.0, 'n0 -> n1; "'))).graph

    assert [box.number for box in graph.boxes] == [0, 1, 2]


def test_names_for_a_text() -> None:
    x = Value(3.0, "x")
    graph = read(x * 2 + 1, film=True).graph

    assert [box.title for box in graph.boxes] == ["x", "", "v3 = *", "", "v5 = +"]


def test_the_graph_of_a_derivative() -> None:
    x = Value(0.5, "x")
    slope = sg.grad(lambda y: sg.tanh(y) * y)(x)
    slope.backward()
    graph = read(slope).graph

    titles = [box.title for box in graph.boxes]
    assert "x" in titles
    assert graph.boxes[-1].data == pytest.approx(sg.grad(lambda y: sg.tanh(y) * y)(0.5))
    assert x.grad == pytest.approx(sg.grad(sg.grad(lambda y: sg.tanh(y) * y))(0.5))


def test_a_model_names_its_parameters_in_a_text() -> None:
    neuron = nn.Neuron(1, "tanh")
    neuron.b.label = "w[0]"  # taken, from the user's own hand
    graph = read(neuron([Value(2.0, "x")]), neuron, film=True).graph

    assert [box.title for box in graph.boxes] == ["w[0]", "x", "w[0] (2)", "v4 = dot", "v5 = tanh"]


# Gradients that are not there are not gradients of zero


def test_before_backward_there_are_no_gradients() -> None:
    graph = read(Value(2.0, "x") * Value(0.0, "y")).graph

    assert not graph.backward
    assert [box.lines[-1] for box in graph.boxes] == ["grad –"] * 3


def test_a_gradient_of_zero_is_shown_as_zero() -> None:
    x, y = Value(2.0, "x"), Value(0.0, "y")
    z = x * y
    z.backward()
    graph = read(z).graph

    assert graph.backward
    assert [box.lines[-1] for box in graph.boxes] == ["grad 0", "grad 2", "grad 1"]


def test_what_an_earlier_pass_left_in_the_leaves() -> None:
    x = Value(2.0, "x")
    (x * 3).backward()
    graph = read(x * 5).graph

    assert not graph.backward
    assert [box.lines[-1] for box in graph.boxes] == ["grad 3", "5", "grad –"]


def test_gradients_of_none() -> None:
    x = Value(2.0, "x")
    y = x.tanh()
    x.grad = y.grad = None  # type: ignore[assignment]  # as who comes from PyTorch may do

    assert [box.grad for box in read(y).graph.boxes] == [None, None]


# Large graphs: many values share a box


def test_within_the_budgets_nothing_is_collapsed() -> None:
    x = Value(1.0)
    graph = read(x + x, max_nodes=2, max_edges=2).graph

    assert (len(graph.boxes), len(graph.edges), graph.notice) == (2, 2, "")


@pytest.mark.parametrize("max_nodes", [1, 2, 3, 7, 150])
def test_a_long_chain_of_one_operation_is_one_box(max_nodes: int) -> None:
    reading = read(chain(10_000, Value(1.0, "x")), max_nodes=max_nodes)

    _assert_sound(reading, max_nodes, 400)
    if max_nodes >= 3:
        assert [box.title for box in reading.graph.boxes] == ["x", "neg #2", "neg"]
        assert reading.graph.boxes[1].values == 9_999
        assert reading.graph.notice == (
            "10,001 values shown as 3 boxes, grouped by structure; expand='#2' opens the largest"
        )


def test_a_wide_sum_is_one_box_of_inputs() -> None:
    xs = [Value(float(number), f"x{number}") for number in range(10_000)]
    reading = read(sg.sum(xs))

    _assert_sound(reading, 150, 400)
    assert [box.lines for box in reading.graph.boxes] == [
        ("x0 … x9999", "10,000 values", "largest |grad| –"),
        ("sum", "data 5e+07", "grad –"),
    ]
    assert [edge.text for edge in reading.graph.edges] == ["×10,000"]


def test_more_edges_than_the_budget() -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    reading = read(sg.dot([a] * 5_000, [b] * 5_000), max_edges=10)

    _assert_sound(reading, 150, 10)
    assert [box.title for box in reading.graph.boxes] == ["a", "b", "dot"]
    assert [edge.text for edge in reading.graph.edges] == ["×5,000", "×5,000"]
    assert reading.graph.notice == "10,000 edges shown as 2"


def test_no_edges_at_all_leave_one_box() -> None:
    reading = read(Value(1.0) + Value(2.0), max_edges=0)

    _assert_sound(reading, 150, 0)
    assert reading.graph.boxes[0].lines[1] == "3 values"


def test_by_module(model: nn.MLP) -> None:
    reading = read(_loss(model), model)

    _assert_sound(reading, 150, 400)
    boxes = {box.label: box for box in reading.graph.boxes}
    for number in range(8):
        # 20 samples, each with a dot and a tanh, beside the parameters; inputs are plain numbers
        neuron = boxes[f"layer 0, neuron {number}"]
        assert neuron.parameters == 4
        assert boxes[f"layer 1, neuron {number}"].parameters == 9
        weights = model.layers[0].neurons[number].parameters()
        assert neuron.grad is not None
        assert neuron.grad >= max(abs(w.grad) for w in weights)
    assert sum(box.parameters for box in reading.graph.boxes) == len(model.parameters())
    assert "grouped by module and structure" in reading.graph.notice


def test_plain_numbers_that_many_use_have_their_own_box(model: nn.MLP) -> None:
    reading = read(_loss(model), model)

    numbers = next(box for box in reading.graph.boxes if box.kind == "constant" and box.values > 1)
    assert numbers.lines == ("plain numbers #21", "60 values")  # 20 samples of 3
    users = [edge for edge in reading.graph.edges if edge.tail == numbers.number]
    assert len(users) == 8


def test_by_layer_where_neurons_are_too_many(model: nn.MLP) -> None:
    reading = read(_loss(model), model, max_nodes=12)

    _assert_sound(reading, 12, 400)
    titles = {box.title for box in reading.graph.boxes}
    assert {"layer 0", "layer 1"} <= titles


def test_the_loss_is_outside_of_the_modules(model: nn.MLP) -> None:
    reading = read(_loss(model), model, max_nodes=12)

    last = next(box for box in reading.graph.boxes if box.label.startswith("layer 2"))
    assert last.values == 9 + 20  # the parameters, and one dot for each sample


def test_labels_that_are_paths_do_as_well_as_a_model(model: nn.MLP) -> None:
    loss = _loss(model)
    told = read(loss, model, max_nodes=12).graph
    for name, parameter in model.named_parameters():
        parameter.label = name

    assert read(loss, max_nodes=12).graph.boxes == told.boxes


def test_without_a_model_by_structure(model: nn.MLP) -> None:
    reading = read(_loss(model), max_nodes=20)

    _assert_sound(reading, 20, 400)
    counts = {(box.title.partition(" ")[0], box.values) for box in reading.graph.boxes}
    assert {("dot", 160), ("tanh", 160), ("parameters", 32), ("parameters", 72)} <= counts


def test_a_recurrence_is_a_loop_in_one_box() -> None:
    w, u, h = Value(0.5, "w"), Value(0.1, "u"), Value(0.0, "h")
    for t in range(200):
        h = sg.tanh(w * h + u * Value(0.3, f"x{t}"))
    reading = read(h)

    _assert_sound(reading, 150, 400)
    largest = max(reading.graph.boxes, key=lambda box: box.values)
    assert set(re.findall(r"tanh|\*|\+", largest.title)) == {"tanh", "*", "+"}
    assert largest.values >= 590


def test_no_structure_at_all() -> None:
    random.seed(2)
    values = [Value(random.random()) for _ in range(30)]
    for _ in range(3_000):
        a, b = random.choice(values), random.choice(values[-60:])
        values.append(random.choice([a + b, a * b, a.tanh(), a - b]))
    for budgets in ((150, 400), (20, 30), (3, 2), (2, 1)):
        _assert_sound(read(sg.sum(values[-40:]), None, *budgets), *budgets)


def test_a_model_as_a_list_a_dict_or_a_class_of_ones_own(model: nn.MLP) -> None:
    class Own:
        def parameters(self) -> list[Value]:
            return model.parameters()

    loss = _loss(model)
    for how in (model.parameters(), dict(model.named_parameters()), Own()):
        graph = read(loss, how, max_nodes=30).graph
        assert sum(box.parameters for box in graph.boxes) == len(model.parameters())


def test_largest_gradients_that_are_no_numbers() -> None:
    xs = [Value(float(i)) for i in range(400)]
    total = sg.sum(xs)
    total.backward()
    xs[7].grad = -inf
    assert read(total).graph.boxes[0].grad == inf
    xs[8].grad = nan
    assert str(read(total).graph.boxes[0].grad) == "nan"


@given(programs(most=25), st.integers(1, 12), st.integers(0, 14))
def test_any_program_within_any_budget(program: Program, max_nodes: int, max_edges: int) -> None:
    xs = [Value(number, f"x{i}") for i, number in enumerate(program.point)]
    result = sg.sum([program(*xs), *xs])

    _assert_sound(read(result, None, max_nodes, max_edges), max_nodes, max_edges)


# Opened again


@pytest.mark.parametrize("name", ["layers.0", "layer 0"])
def test_expand_opens_a_layer(model: nn.MLP, name: str) -> None:
    reading = read(_loss(model), model, max_nodes=18, max_edges=100, expand=name)

    _assert_sound(reading, 18, 100)
    titles = [box.title for box in reading.graph.boxes]
    assert [t for t in titles if t.startswith("layer 0")] == [
        f"layer 0, neuron {i}" for i in range(8)
    ]
    assert "layer 1" in titles


def test_expand_opens_what_the_notice_names(model: nn.MLP) -> None:
    loss = _loss(model)
    graph = read(loss, max_nodes=20).graph
    named = re.search(r"expand='(.*?)'", graph.notice)
    assert named is not None
    opened = read(loss, max_nodes=80, expand=named[1])

    _assert_sound(opened, 80, 400)
    before = max(box.values for box in graph.boxes)
    assert max(box.values for box in opened.graph.boxes) < before
    assert sum(box.kind != "group" for box in opened.graph.boxes) > 10


def test_expand_takes_values_and_several() -> None:
    x = Value(1.0, "x")
    chain = [x]
    for _ in range(300):
        chain.append(-chain[-1])
    reading = read(chain[-1], expand=["x", chain[150]])

    _assert_sound(reading, 150, 400)
    assert sum(box.kind == "operation" for box in reading.graph.boxes) >= 70


def test_focus_shows_the_surroundings() -> None:
    x = Value(1.0, "x")
    chain = [x]
    for _ in range(1_000):
        chain.append(chain[-1].tanh())
    chain[500].label = "here"
    for focus in ("here", chain[500], "#501"):
        reading = read(chain[-1], focus=focus, radius=3)
        _assert_sound(reading, 150, 400)
        shown = {reading.box_of[i] for i in range(497, 504)}
        assert [reading.graph.boxes[box].values for box in sorted(shown)] == [1] * 7
        assert len(reading.graph.boxes) == 11  # x, and a group on either side, and the result


def test_focus_on_a_hub_stays_within_the_budget(model: nn.MLP) -> None:
    loss = _loss(model, 200)
    bias = model.layers[2].neurons[0].b
    reading = read(loss, model, focus=bias, radius=1)

    _assert_sound(reading, 150, 400)
    place = next(i for i, value in enumerate(reading.order) if value is bias)
    assert reading.graph.boxes[reading.box_of[place]].kind == "parameter"


def test_focus_and_expand_in_a_graph_that_fits_change_nothing(network: Value) -> None:
    assert read(network, focus="w1", expand=["x1"]).graph == read(network).graph


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"focus": "w9"}, ValueError, "focus: nothing in this graph is called 'w9'"),
        ({"expand": "layers.7"}, ValueError, "expand: nothing in this graph is called 'layers.7'"),
        ({"expand": "#0"}, ValueError, "is called '#0'"),
        ({"focus": Value(1.0, "else")}, ValueError, "is not in the graph"),
        ({"focus": 3}, TypeError, "focus takes the name of a box or a Value, got int"),
        ({"expand": 3}, TypeError, "expand takes names of boxes, or Values, got int"),
        ({"expand": [3]}, TypeError, "got int"),
        ({"radius": -1}, ValueError, "radius must be at least 0, got -1"),
        ({"model": 3}, TypeError, "model must be an nn.Module or a list or dict .* got int"),
    ],
)
def test_bad_arguments(
    big: bool, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    x = chain(300 if big else 3, Value(1.0, "x"))
    with pytest.raises(error, match=message):
        read(x, **arguments)


def test_the_error_names_the_modules_there_are(model: nn.MLP) -> None:
    with pytest.raises(
        ValueError, match=r"the modules are 'layer 0', 'layer 0, neuron 0', .*\.\.\."
    ):
        read(_loss(model), model, expand="layer.0")


def test_an_operand_of_another_pass() -> None:
    y = Value(2.0, "y").tanh()
    y.backward()
    z = y * 3
    graph = read(z).graph

    assert not graph.backward
    assert [box.lines[-1] for box in graph.boxes] == ["grad 0.07065", "grad 1", "3", "grad –"]


@pytest.mark.parametrize("label", [None, 3, ["w"], "  "])
def test_labels_that_are_no_strings(label: Any) -> None:
    x = Value(2.0, "x")
    y = x * x
    x.label = y.label = label

    for max_nodes in (1, 150):
        assert read(y, max_nodes=max_nodes, film=True).graph.boxes


def test_a_module_with_a_long_path_is_told_by_its_end_and_opened_by_its_place() -> None:
    random.seed(6)
    model = {"an_encoder_with_a_rather_long_name": {"stack": nn.MLP(2, [8, 8, 1], "tanh")}}
    net = model["an_encoder_with_a_rather_long_name"]["stack"]
    loss = losses.squared_error([net([0.1 * i, 1.0]) for i in range(30)], [1.0] * 30)
    graph = read(loss, model, max_nodes=12).graph

    titles = [box.title for box in graph.boxes]
    assert any(title.startswith("…") and title.endswith("stack, layer 1") for title in titles)
    named = re.search(r"expand='(#[0-9]+)'", graph.notice)
    assert named is not None
    opened = read(loss, model, expand=named[1]).graph
    assert sum(box.values == 1 for box in opened.boxes) > 50


def test_a_module_that_is_one_loop_is_opened_value_by_value() -> None:
    random.seed(1)
    cell = nn.Layer(3, 2, "tanh")
    h: list[Any] = [Value(0.0), Value(0.0)]
    for t in range(40):
        h = cell([Value(0.1 * t), *h])
    y, model = sg.sum(h), {"cell": cell}
    closed, opened = read(y, model), read(y, model, expand="cell")

    assert len(opened.graph.boxes) > len(closed.graph.boxes) + 20
    assert "no room to open" in opened.graph.notice
    _assert_sound(opened, 150, 400)


def test_what_found_no_room_is_said() -> None:
    x = Value(1.0, "x")
    for _ in range(100):
        x = -x
    assert read(x, max_nodes=1, focus=x).graph.notice.endswith("raise max_nodes or max_edges")
    assert "no room to open 95 more" in read(x, max_nodes=8, expand="#2").graph.notice


def test_opening_starts_where_the_name_says() -> None:
    x = Value(1.0, "x")
    for _ in range(100):
        x = -x
    reading = read(x, max_nodes=8, expand="#51")

    shown = [i for i, box in enumerate(reading.box_of) if reading.graph.boxes[box].values == 1]
    assert {50, 51, 52, 53} <= set(shown)


def test_values_by_the_names_of_the_film() -> None:
    x = Value(1.0, "x")
    for _ in range(300):
        x = -x

    assert read(x, focus="v150").box_of == read(x, focus="#150").box_of


def test_expanding_many_values_takes_one_look() -> None:
    xs = [Value(float(i), f"x{i}") for i in range(2_000)]
    total = sg.sum([x.tanh() for x in xs])

    assert len(read(total, expand=xs).graph.boxes) <= 150
