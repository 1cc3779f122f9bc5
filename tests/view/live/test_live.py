"""The live graph without a page: numbers that follow exactly, what is told of them, and faults."""

import json
import math
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.live.conversation import Conversation
from scalargrad.view.live.live import Live


def live_of(x: Value, **options: Any) -> Live:
    return Live(x, engine="builtin", **options)


def page_of(picture: str) -> Any:
    return ElementTree.fromstring(picture)


def applied(picture: str, update: dict[str, Any]) -> Any:
    """The picture after an update, as the script of the page changes it."""
    root = page_of(picture)
    groups = list(root)
    name = groups[0].tag.removesuffix("g")
    for number, place, attributes, text in update["elements"]:
        group = groups[number]
        if place < 0:
            for child in list(group):
                group.remove(child)
            for tag, given_attributes, words in attributes:
                ElementTree.SubElement(group, name + tag, given_attributes).text = words or None
            continue
        element = list(group)[place]
        for key, value in attributes.items():
            if value is None:
                del element.attrib[key]
            else:
                element.set(key, value)
        if text is not None:
            element.text = text
    return root


def shapes(root: Any) -> list[Any]:
    """What a picture shows, without its size and description."""
    return [
        (element.tag, sorted(element.attrib.items()), element.text)
        for group in root
        for element in [group, *group]
    ]


def the_seven() -> tuple[Live, Any]:
    net = seven_node.build()
    return live_of(net.E), net


def test_numbers_and_gradients_are_those_of_eager_code() -> None:
    live, _ = the_seven()
    live.set("w13", -0.25)
    live.set("x2", 2.0)

    weights = {**seven_node.WEIGHTS, "13": -0.25}
    again = seven_node.build((seven_node.INPUTS[0], 2.0), weights).E
    again.backward()
    nodes = {node.label: node for node in sg.topological_order(again) if node.label}
    assert len(nodes) >= 18
    for name, node in nodes.items():
        assert (live.values[name].data, live.values[name].grad) == (node.data, node.grad), name
        assert live.values[name].partials == node.partials


@settings(max_examples=40)
@given(programs(), st.data())
def test_a_random_graph_follows_exactly(program: Any, data: Any) -> None:
    inputs = [Value(number, f"x{i}") for i, number in enumerate(program.point)]
    try:
        result = program(*inputs)
    except (ValueError, ArithmeticError):
        return
    if not isinstance(result, Value):  # the last operation had plain numbers only
        return
    live = live_of(result)
    moved = {leaf.name: data.draw(st.floats(-3.0, 3.0)) for leaf in live.leaves}
    if moved:
        live.set_all(moved)
    again = [Value(moved.get(x.label, x.data), x.label) for x in inputs]
    try:
        expected = program(*again)
    except (ValueError, ArithmeticError):  # maybe in a step that the result does not use
        return
    if expected.parents:
        expected.backward()
    assert live.value is not None
    assert live.value.data.hex() == expected.data.hex()
    for x in again:
        if x.label in live.values:
            assert live.values[x.label].grad.hex() == x.grad.hex()


def test_what_the_user_has_stays_as_it_is() -> None:
    live, net = the_seven()
    before = [(v.data, v.grad, v.label) for v in sg.topological_order(net.E)]
    live.set("w13", 5.0)
    live.film()
    live.explanation(3)
    live.derivative("w13")

    assert [(v.data, v.grad, v.label) for v in sg.topological_order(net.E)] == before


def test_an_update_changes_the_picture_into_the_new_one() -> None:
    live, _ = the_seven()
    for leaf, number in (("w13", 1.5), ("x1", -40.0), ("w57", 0.0)):
        before = live.shown()
        live.set(leaf, number)
        update = json.loads(json.dumps(live.update(), allow_nan=False))

        assert update["elements"]
        assert shapes(applied(before, update)) == shapes(page_of(live.shown()))
        assert live.update()["elements"] == []


def test_the_boxes_stay_where_they_are() -> None:
    live, _ = the_seven()
    live.shown()
    live.set("w13", -123.4567)

    legend = len(live.drawing.scene.groups) - 1
    for number, _, attributes, _ in live.update()["elements"]:
        assert number == legend or not {"x", "y", "points"} & attributes.keys()


def test_a_fault_is_told_in_words_and_goes_away() -> None:
    x = Value(2.0, "x")
    y = sg.log(x) * 3.0 + x
    y.label = "y"
    live = live_of(y)
    before = live.shown()
    live.set("x", -1.0)

    assert live.fault == "log(x) is not defined at x = -1.0 (label 'x'); it needs x > 0"
    texts = set(applied(before, live.update()).itertext())
    assert {"data -1", "data –", "grad –"} <= texts
    assert not any(text.startswith("data 2.") for text in texts)
    assert live.value is None
    assert "log(x) is not defined" in live.explanation(1).text
    for refused in (live.film, lambda: live.derivative("x")):
        with pytest.raises(ValueError, match="log"):
            refused()

    live.set("x", 2.0)
    assert live.fault == ""
    assert shapes(page_of(live.shown())) == shapes(page_of(before))


def test_a_graph_that_has_a_fault_from_the_beginning() -> None:
    x = Value(1.0, "x")
    y = sg.sqrt(x)
    x.data = -1.0
    live = live_of(y)

    assert "sqrt" in live.fault
    assert "data –" in set(page_of(live.shown()).itertext())
    live.set("x", 4.0)
    assert live.values["v2"].data == 2.0


def test_an_operation_of_the_user_may_raise_anything() -> None:
    class OddError(Exception):
        pass

    def value(x: float) -> float:
        if x > 1.0:
            raise OddError
        return x

    own = sg.primitive("own_of_live", value, lambda x, out: (1.0,))
    live = live_of(own(Value(0.5, "x")))
    live.set("x", 2.0)

    assert live.fault == "OddError"


def test_numbers_that_are_not_finite_are_shown_as_texts() -> None:
    x = Value(1.0, "x")
    live = live_of(x * 1e308)
    asked = Conversation(live)
    answer = asked.answer({"type": "set", "numbers": {"0": 1e10}})

    assert answer["result"] == "v3 = inf"
    json.dumps(answer, allow_nan=False)


def test_the_range_of_a_slider_grows_with_the_number() -> None:
    live, _ = the_seven()
    (w13,) = [leaf for leaf in live.leaves if leaf.name == "w13"]
    live.set("w13", 100.0)
    (now,) = [leaf for leaf in live.leaves if leaf.name == "w13"]

    assert w13.low <= w13.number <= w13.high
    assert now.low <= -100.0
    assert now.high >= 100.0
    live.reset()
    assert w13 in live.leaves


def test_plain_numbers_and_what_has_no_graph_are_no_leaves() -> None:
    x = Value(3.0, "x")
    live = live_of(x * 2.0 + sg.stop_gradient(x))

    assert [leaf.name for leaf in live.leaves] == ["x"]


@pytest.mark.parametrize("graph", [lambda: Value(2.0, "x"), lambda: sg.stop_gradient(Value(2.0))])
def test_a_leaf_alone(graph: Any) -> None:
    live = live_of(graph())

    assert live.value is not None
    assert (live.value.data, live.film().steps[-1].phase) == (2.0, "backward")


@pytest.mark.parametrize(
    ("leaf", "number", "error", "text"),
    [
        ("nobody", 1.0, KeyError, "there are: x1"),
        (99, 1.0, KeyError, "no leaf int: 99"),
        (True, 1.0, KeyError, "no leaf"),
        ("w13", "1", TypeError, "the number of w13"),
        ("w13", math.nan, ValueError, "must be finite"),
        ("w13", math.inf, ValueError, "must be finite"),
    ],
)
def test_bad_numbers_change_nothing(
    leaf: Any, number: Any, error: type[Exception], text: str
) -> None:
    live, _ = the_seven()
    before = live.leaves
    with pytest.raises(error, match=text):
        live.set_all({"x1": 7.0, leaf: number})

    assert live.leaves == before


def test_a_model_names_its_parameters_and_collapses_by_its_modules() -> None:
    model = nn.MLP(3, [8, 8, 1], "tanh")
    loss = losses.squared_error(model([0.1, 0.2, 0.3]), 1.0)
    live = live_of(loss, model=model, max_nodes=12)
    before = live.shown()
    assert "layer 1" in before
    assert len(live.leaves) < 10

    whole = live_of(loss, model=model, max_nodes=300)
    whole.set("b[2][0]", 0.5)
    model.layers[2].neurons[0].b.data = 0.5
    expected = losses.squared_error(model([0.1, 0.2, 0.3]), 1.0)
    expected.backward()
    assert whole.value is not None
    assert whole.value.data == expected.data
    assert whole.values["w[0][0,1]"].grad == model.layers[0].neurons[0].w[1].grad
    assert "∂" in whole.explanation(whole.leaves[0].box).text


def test_what_a_condition_decided_is_told() -> None:
    x = Value(2.0, "x")
    chosen = live_of(sg.where(x > 0.0, x * 3.0, x))
    chosen.set("x", -1.0)

    assert chosen.value is not None
    assert chosen.value.data == -3.0  # the graph is the one that was computed
    assert "stays as it was decided" in chosen.note
    assert Conversation(chosen).answer({"type": "show"})["note"] == chosen.note
    assert live_of(sg.relu(x)).note == ""


def test_a_mode_of_the_caller_does_not_matter() -> None:
    x = Value(2.0, "x")
    y = x * x
    with sg.no_grad():
        live = live_of(y)
        live.set("x", 3.0)
        slope = live.derivative("x")

    assert live.values["x"].grad == 6.0
    assert slope.values["x"].grad == 2.0


def test_what_was_opened_stays_open() -> None:
    x = Value(0.5, "x")
    y = x
    steps = []
    for _ in range(60):
        y = sg.sin(y) + x
        steps.append(y)
    live = live_of(y, max_nodes=30, focus=steps[30])
    before = live.shown()
    live.set("x", 0.25)

    assert len(page_of(before)) == len(page_of(live.shown()))


def test_the_paths_of_an_explanation_lead_through_the_picture() -> None:
    live, net = the_seven()
    box = next(leaf.box for leaf in live.leaves if leaf.name == "w13")
    told = live.explanation(box)
    found = sg.paths(net.E, net.w["13"])

    assert len(told.paths) == len(found)
    graph = live.drawing.graph
    for path in told.paths:
        assert path.boxes[0] == box
        assert path.boxes[-1] == graph.boxes[-1].number
        pairs = [(graph.edges[e].tail, graph.edges[e].head) for e in path.edges]
        assert pairs == list(zip(path.boxes, path.boxes[1:], strict=False))
    assert "∂E/∂w13 = 0.323584" in told.text


def test_the_derivative_is_a_live_graph_itself() -> None:
    live, net = the_seven()
    slope = live.derivative("w13")

    assert slope.value is not None
    assert slope.value.label == "∂E/∂w13"
    net.E.backward()
    assert slope.value.data == net.w["13"].grad
    second = slope.derivative("w13")
    assert second.value is not None
    assert second.value.data == slope.values["w13"].grad


def test_the_film_is_that_of_steps() -> None:
    live, net = the_seven()

    assert [*map(str, live.film().steps)] == [*map(str, sg.steps(net.E, engine="builtin").steps)]


def test_the_first_picture_is_that_of_steps_with_room() -> None:
    live, net = the_seven()
    texts = [*page_of(live.svg).itertext()]

    assert texts == [*page_of(sg.steps(net.E, engine="builtin").svg).itertext()]


class TestConversation:
    def test_every_answer_is_json_and_repeats_the_id(self) -> None:
        asked = Conversation(the_seven()[0])
        questions: list[dict[str, Any]] = [
            {"type": "show"}, {"type": "set", "numbers": {"0": 0.5}}, {"type": "explain", "box": 2},
            {"type": "film"}, {"type": "derivative", "leaf": 1}, {"type": "back"},
            {"type": "back"}, {"type": "reset"},
        ]  # fmt: skip
        kinds = []
        for number, question in enumerate(questions):
            answer = asked.answer({**question, "id": number})
            assert answer["id"] == number
            json.dumps(answer, allow_nan=False)
            kinds.append(answer["type"])

        assert kinds == [
            "graph", "update", "explanation", "film", "graph", "graph", "graph", "update",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("message", "text"),
        [
            (None, "no answer to a message of the type None"),
            ({"type": []}, "no answer to a message of the type"),
            ({"type": "set"}, "set needs numbers by the index of the leaf, got NoneType: None"),
            ({"type": "set", "numbers": {"99": 1.0}}, "no leaf int: 99"),
            ({"type": "set", "numbers": {"0": "1"}}, "the number of x1"),
            ({"type": "set", "numbers": {"w": 1.0}}, "invalid literal"),
            ({"type": "explain"}, "no box int: -1; the picture has 23"),
            ({"type": "explain", "box": 1e9}, "no box float"),
            ({"type": "derivative", "leaf": "w"}, "no leaf str: 'w'"),
        ],
    )
    def test_a_bad_message_is_answered_and_changes_nothing(self, message: Any, text: str) -> None:
        live, _ = the_seven()
        before = live.svg
        answer = Conversation(live).answer(message)

        assert answer["type"] == "error"
        assert text in answer["text"]
        assert live.svg == before

    def test_derivatives_end_somewhere(self) -> None:
        x = Value(2.0, "x")
        asked = Conversation(live_of(x * x))
        kinds = [asked.answer({"type": "derivative", "leaf": 0})["type"] for _ in range(8)]

        assert kinds[0] == "graph"
        assert kinds[-1] == "error"
