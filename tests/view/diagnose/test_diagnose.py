"""`diagnose`: each kind of finding where it is, and nowhere else; texts, tables and pictures."""

import math
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from strategies import Program, programs

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.view.diagnose.finding import ADVICE
from scalargrad.view.theme import MARKS


def kinds(found: sg.Diagnosis) -> list[str]:
    return [finding.kind for finding in found]


def v(x: float, label: str = "x") -> Value:
    return Value(x, label)


# A program with one fault, the kinds that are found, and words of the message.
CASES: dict[str, tuple[Callable[[], Value], list[str], str]] = {
    "relu at 0": (lambda: sg.relu(v(0.0)), ["kink"], "slopes 0 below and 1 above; 0 was taken"),
    "abs at 0": (lambda: abs(v(0.0)), ["kink"], "slopes -1 below and 1 above; 0 was taken"),
    "a tie": (lambda: sg.maximum(v(2.0), v(2.0, "y")), ["kink"], "x = 2, y = 2"),
    "a tie with a number": (lambda: sg.minimum(v(2.0), 2.0), ["kink"], "0.5 was taken"),
    "the edge of clip": (lambda: sg.clip(v(1.0), 0.0, 1.0), ["kink"], "1 below and 0 above"),
    "a step at its jump": (lambda: sg.floor(v(2.0)), ["step", "kink"], "slope 0 everywhere"),
    "a step": (lambda: sg.rint(v(2.25)), ["step"], "no gradient passes"),
    "mod at its jump": (lambda: v(4.0) % 2.0, ["kink"], "the value jumps there"),
    "the origin": (lambda: sg.hypot(v(0.0), v(0.0, "y")), ["kink"], "slopes -1 below and 1 above"),
    "near a tie": (lambda: sg.maximum(v(2.0), 2.0 + 1e-9), ["near kink"], "1e-09 from a kink"),
    "near a kink of a sum": (
        lambda: sg.relu(v(0.5) + v(0.25, "y") - 0.75 + 1e-7), ["near kink"], "slopes 0 below",
    ),
    "far from kinks": (lambda: abs(v(1e-9)) + sg.relu(v(0.1)) + v(3.4) % 2.0, [], ""),
    "a dead relu": (lambda: sg.relu(v(-1.0)), ["dead unit"], "0 in its only use"),
    "a saturated tanh": (lambda: sg.tanh(v(4.0)), ["saturated unit"], "flat in its only use"),
    "a saturated sigmoid": (lambda: sg.sigmoid(v(-9.0)), ["saturated unit"], "up to 0.25"),
    "a value that came in": (lambda: v(math.nan) * 2.0, ["nonfinite value"], "x comes in as nan"),
    "an overflow": (
        lambda: v(1e200) * v(1e200, "y"), ["nonfinite value"], "x * y is inf where x = 1e+200",
    ),
    "inf - inf": (
        lambda: (lambda y: y - y)(v(1e200) * 1e200), ["nonfinite value"], "v3 = x * 1e+200 is inf",
    ),
    "an infinite slope": (lambda: sg.sqrt(v(0.0)), ["infinite slope"], "its slope by x is inf"),
    "beside a nan by a number": (
        lambda: sg.sqrt(v(0.0)) + v(-2.0, "y") ** 2, ["infinite slope"], "; 1 derivative of",
    ),
    "an infinite slope that does not matter": (
        lambda: sg.where(0.0, sg.sqrt(v(0.0)), v(1.0)), [], "",
    ),
    "a gradient that overflows": (
        lambda: v(1e-300) * 1e250 * 1e250, ["nonfinite gradient"], "leaves the range of floats",
    ),
    "cancellation": (lambda: (1e9 + v(0.5)) - 1e9, ["cancellation"], "9 of 16 digits cancel"),
    "no cancellation": (lambda: (1e3 + v(0.5)) - 1e3 + (v(2.0) - 2.0), [], ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_findings(name: str) -> None:
    make, expected, words = CASES[name]

    found = sg.diagnose(make())

    assert kinds(found) == expected
    assert words in str(found)
    for finding in found:
        assert finding.node in finding.nodes
        assert finding.advice == ADVICE[finding.kind]
        assert finding.name in found.text
        assert finding.line is None


def test_each_kind_has_advice_a_colour_and_a_line_in_the_docstring() -> None:
    assert set(ADVICE) == set(MARKS)
    for kind in ADVICE:
        assert re.search(rf"(?m)^ *{kind} ", sg.diagnose.__doc__ or ""), kind


def network(activation: str = "relu") -> nn.MLP:
    random.seed(3)
    return nn.MLP(2, [3, 1], activation=activation)


X = [[0.5, -1.0], [-0.25, 0.75], [1.0, 0.5]]


def test_a_unit_is_dead_only_if_it_is_in_all_uses() -> None:
    model = network()
    neurons = model.layers[0].neurons
    for neuron, bias in zip(neurons, (-9.0, 0.0, 9.0), strict=True):
        neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, 1.0, bias

    found = sg.diagnose(sg.sum([model(x) for x in X]), model)

    (dead,) = [finding for finding in found if finding.kind == "dead unit"]
    assert dead.name == "layer 0, neuron 0"
    assert "0 in all 3 uses" in dead.message
    assert dead.value == -7.5
    assert len(dead.nodes) == 3
    (zero,) = [finding for finding in found if finding.kind == "zero derivative"]
    assert zero.node is model.layers[1].neurons[0].w[0]  # its factor is the dead unit


def test_units_of_plain_code_are_told_apart_by_their_parameters() -> None:
    w1, w2, b = Value(-1.0, "w1"), Value(1.0, "w2"), Value(0.0, "b")

    def f(x: float) -> Any:
        return sg.relu(w1 * x + b) + sg.relu(w2 * x + b) * 0.5

    found = sg.diagnose([f(1.0), f(2.0)], [w1, w2, b])

    assert [(finding.kind, len(finding.nodes)) for finding in found] == [("dead unit", 2)]
    assert "w1" in found[0].name or "θ[0]" in found[0].name


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_gradients_layer_by_layer(scale: float) -> None:
    """The last layer passes the gradient on times `scale`; its own stays near 1."""
    model = nn.MLP(1, [1, 1, 1], activation=None)
    for layer in model.layers:
        layer.neurons[0].w[0].data, layer.neurons[0].b.data = 1.0, 0.0
    model.layers[2].neurons[0].w[0].data = scale

    found = sg.diagnose(model([1.0]), model)

    assert [layer.name for layer in found.layers] == ["layer 0", "layer 1", "layer 2"]
    kind = "vanishing gradient" if scale < 1.0 else "exploding gradient"
    assert kinds(found) == [kind, kind]
    assert [finding.name for finding in found] == ["layer 0", "layer 1"]
    assert "rms gradient" in str(found)
    assert found._repr_html_().count("<table>") == 2


def test_parameters_without_derivative() -> None:
    a, b, c, d = (Value(1.0, name) for name in "abcd")
    y = a * 2.0 + sg.stop_gradient(b) + c * 0.0 + sg.floor(d * 0.3)

    found = sg.diagnose(y, {"a": a, "b": b, "c": c, "d": d})

    assert kinds(found) == ["unused parameter", "zero derivative", "zero derivative", "step"]
    assert "does not depend on 1 of 4 parameters (b)" in found[0].message
    assert {finding.name for finding in found[1:3]} == {"c", "d"}


def test_nothing_is_read_or_changed() -> None:
    x = v(2.0)
    y = x * x
    x.grad = y.grad = 0.125

    found = sg.diagnose(y)

    assert (len(found), x.grad, y.grad) == (0, 0.125, 0.125)
    assert repr(found) == "<Diagnosis: nothing found>"
    assert found.text == "v2 (2 values): nothing found"
    assert found[:] == ()


def test_lines_of_the_program() -> None:
    with sg.traced_lines():
        x = Value(0.0, "x")
        y = sg.relu(x) + sg.sqrt(x)  # this line
    untraced = sg.diagnose(abs(Value(0.0)))

    found = sg.diagnose(y)

    assert {str(finding.line) for finding in found} == {str(found[0].line)}
    line = found[0].line
    assert line is not None
    assert line.file == __file__
    assert line.function == "test_lines_of_the_program"
    with open(__file__, encoding="utf-8") as file:
        assert "# this line" in file.read().splitlines()[line.number - 1]
    assert str(line) in str(found)
    assert str(line) in found._repr_html_()
    assert untraced[0].line is None


def test_lines_of_modules_are_those_of_the_caller() -> None:
    model = network()
    with sg.traced_lines():
        model.layers[0].neurons[0].b.data = -99.0
        y = model([9.0, 9.0]) - model([-9.0, -9.0])

    found = sg.diagnose(sg.floor(y) + y, model)  # this one is made after the block
    lines = {finding.line.function if finding.line else None for finding in found}
    assert lines == {"test_lines_of_modules_are_those_of_the_caller", None}


def test_traced_code_computes_the_same_and_may_be_recorded() -> None:
    def f(x: Any) -> Any:
        return sg.tanh(x) * x + 1.0 / x - sg.sum([x, x]) ** 2

    plain = sg.value_and_grad(f)(0.5)
    with sg.traced_lines():
        traced = sg.value_and_grad(f)(0.5)
        second = sg.hessian(f)(0.5)
        compiled = sg.compile(f, backend="python")([0.5, 0.25])
        with sg.no_grad():
            assert f(Value(0.5)).parents == ()

    assert traced == plain
    assert second == sg.hessian(f)(0.5)
    assert math.isclose(next(iter(compiled)), plain[0])


@given(programs())
def test_any_program(program: Program) -> None:
    values = [Value(x) for x in program.point]
    y = program(*values)
    if not isinstance(y, Value):
        return

    found = sg.diagnose(y)

    y.backward()
    broken = any(not math.isfinite(x.grad) for x in sg.topological_order(y))
    wrong = {"nonfinite value", "infinite slope", "nonfinite gradient"}
    assert not broken or wrong.intersection(kinds(found))
    assert str(found)
    assert found._repr_html_()


def test_the_picture_names_and_colours() -> None:
    w = Value(-2.0, "w")
    y = sg.relu(w * 3.0) + sg.floor(w) + abs(w + 2.0)
    y.label = "y"

    drawing = sg.diagnose(y).draw(engine="builtin")

    marks = {box.title: box.mark for box in drawing.graph.boxes if box.mark}
    assert marks == {"v4 = relu": "dead unit", "v5 = floor": "step", "v9 = abs": "kink"}
    assert drawing.svg.count(MARKS["kink"]) == 2  # the box and its legend
    assert drawing.svg.count(MARKS["step"]) == 3
    assert [box.grad for box in drawing.graph.boxes if box.title == "y = +"] == [1.0]
    assert y.grad == 0.0
    for text in ("dead unit", "step", "kink"):
        assert f">{text}<" in drawing.svg


def test_a_large_picture_counts() -> None:
    model = network()
    for neuron in model.layers[0].neurons:
        neuron.b.data = -9.0
    found = sg.diagnose(sg.sum([model(x) for x in X]), model)

    drawing = found.draw(max_nodes=8, engine="builtin")

    marks = [(box.mark, box.marked) for box in drawing.graph.boxes if box.marked > 1]
    assert ("dead unit", 3) in marks
    assert "dead unit ×3" in drawing.svg
    assert "dead unit ×3" in drawing.source


def test_hostile_labels_are_escaped() -> None:
    found = sg.diagnose(sg.relu(Value(0.0, "<script>\n")))

    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()


@pytest.mark.parametrize("bad", [3.0, None, "x", [], [1.0], [[Value(1.0)]], {"a": Value(1.0)}])
def test_bad_input(bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="diagnose"):
        sg.diagnose(bad)


def test_recording_is_refused() -> None:
    c = sg.compile(lambda x: x * len(sg.diagnose(x * x)), backend="python")
    with pytest.raises(sg.RecordingError):
        c(1.0)


def test_many_findings_are_cut() -> None:
    found = sg.diagnose([abs(Value(0.0, f"x{i}")) for i in range(20)])

    assert len(found) == 20
    assert "and 12 more" in str(found)
    assert "and 12 more" in found._repr_html_()
