"""Tests of explanations: the lecture's numbers and order, and that nothing breaks them."""

import gc
import math
import random
import re
import weakref
from typing import Any

import pytest
from hostile import HOSTILE, hostile_model
from hypothesis import given
from hypothesis import strategies as st
from lectures import lecture
from strategies import Program, programs

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.core.labels import clean, format_number
from scalargrad.core.paths import count_paths
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.explain.explain import Explanation, explain

SEVEN_W13 = """\
∂E/∂w13 = 0.323584

Factor by factor, from E back to w13:
    δ7 = ∂E/∂z7 = relu'(-z7·1) · (-1) = 1 · (-1) = -1
    δ6 = ∂E/∂a6 = δ7 · w67 = -1 · (-0.5) = 0.5
    δ5 = ∂E/∂a5 = δ7 · w57 = -1 · 1.1 = -1.1
    δ3 = ∂E/∂a3 = δ5 · tanh'(z5) · w35 + δ6 · tanh'(z6) · w36
                = -1.1 · 0.8404 · (-0.7) + 0.5 · 0.9312 · 0.8 = 0.6471 + 0.3725 = 1.02
    ∂E/∂w13     = δ3 · tanh'(z3) · x1 = 1.02 · 0.6347 · 0.5 = 0.3236
    where
        relu'(-z7·1) = 1
        tanh'(z5)    = 1 - a5² = 0.8404
        tanh'(z6)    = 1 - a6² = 0.9312
        tanh'(z3)    = 1 - a3² = 0.6347

Path by path, 2 paths from w13 to E:
    w13 → z3 → a3 → z5 → a5 → z7 → … → E
      = x1 · tanh'(z3) · w35 · tanh'(z5) · w57 · (-1) · relu'(-z7·1)
      = 0.5 · 0.6347 · (-0.7) · 0.8404 · 1.1 · (-1) · 1 = 0.2054
    w13 → z3 → a3 → z6 → a6 → z7 → … → E
      = x1 · tanh'(z3) · w36 · tanh'(z6) · w67 · (-1) · relu'(-z7·1)
      = 0.5 · 0.6347 · 0.8 · 0.9312 · (-0.5) · (-1) · 1 = 0.1182
    sum = 0.2054 + 0.1182 = 0.3236"""

X_CUBED = """\
∂y/∂x = 27

By the chain rule:
    ∂y/∂x = x · x + x · x + x·x = 3 · 3 + 3 · 3 + 9 = 9 + 9 + 9 = 27

Path by path, 3 paths from x to y:
    x → … → y
      = x · x = 3 · 3 = 9
    x → … → y
      = x · x = 3 · 3 = 9
    x → y
      = x·x = 9
    sum = 9 + 9 + 9 = 27"""


def labelled(value: Any, label: str) -> Value:
    value.label = label
    return value  # type: ignore[no-any-return]


def graph(x: Value) -> list[tuple[float, float, str]]:
    return [(v.data, v.grad, v.label) for v in sg.topological_order(x)]


def assert_sound(explanation: Explanation) -> None:
    """One printable line after the other, and LaTeX without a way out of its formula."""
    for line in explanation.text.split("\n"):
        assert clean(line, 1_000) == line.strip()
    latex = explanation.latex
    assert latex.startswith("\\begin{aligned}\n")
    assert latex.endswith("\n\\end{aligned}")
    assert latex.count(r"\begin") == latex.count(r"\end")
    assert not set(latex) & set("<>")
    assert "$" not in latex.replace(r"\$", "")
    assert not re.search(r"&[A-Za-z#]", latex)
    bare = re.sub(r"\\[{}]", "", latex)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    for row in re.sub(r"\\begin{cases}.*?\\end{cases}", "", latex).split("\\\\"):
        assert len(re.findall(r"(?<!\\)&", row)) == 1


# --- the seven nodes -----------------------------------------------------------------------------


def test_the_lecture() -> None:
    net = seven_node.build()

    assert explain(net.E, net.w["13"]).text == SEVEN_W13


def test_the_lecture_in_latex() -> None:
    net = seven_node.build()
    rows = explain(net.E, net.w["24"]).latex.split("\n")

    assert rows[1:5] == [
        r"\frac{\partial E}{\partial w_{24}} &= -0.0680115 \\[1ex]",
        r"& \text{Factor by factor, from }E\text{ back to }w_{24}\text{:} \\",
        r"\delta_{7} = \frac{\partial E}{\partial z_{7}} &= \operatorname{relu}'(-z_{7} \cdot 1) "
        r"\cdot (-1) = 1 \cdot (-1) = -1 \\",
        r"\delta_{6} = \frac{\partial E}{\partial a_{6}} &= \delta_{7} \cdot w_{67} "
        r"= -1 \cdot (-0.5) = 0.5 \\",
    ]
    assert r"\tanh'(z_{4}) &= 1 - {a_{4}}^{2} = 0.4869 \\[1ex]" in rows


@pytest.mark.parametrize("t", [1, -1])
@pytest.mark.parametrize("g", ["tanh", "identity"])
def test_every_number_of_the_lecture(g: str, t: int) -> None:
    case = lecture(f"S4.seven_{g}")
    inputs, expected = case["inputs"], case["expected"][f"t={t:+d}"]
    activation = sg.tanh if g == "tanh" else lambda z: z + 0.0
    net = seven_node.build((inputs["x1"], inputs["x2"]), inputs["w"], t, activation)

    for name, want in expected["dE_dw"].items():
        explanation = explain(net.E, net.w[name])
        assert explanation.derivative == pytest.approx(want, rel=case["rtol"], abs=case["atol"])
        assert_sound(explanation)
        deltas = dict(re.findall(r"^ +δ(\d) = ∂E/∂[az]\d .*?(?:\n {16}.*)*?= (\S+)$",
                                 explanation.text, re.M))  # fmt: skip
        target = int(name[1])
        assert deltas.keys() >= {"7", str(target)}
        for node, number in deltas.items():
            assert number == format_number(expected["delta"][node])
    for node, want in expected["delta"].items():
        if node != "7":
            assert explain(net.E, net.a[int(node)]).derivative == pytest.approx(
                want, rel=case["rtol"], abs=case["atol"]
            )


# --- what it says --------------------------------------------------------------------------------


def test_an_operand_that_is_used_more_than_once() -> None:
    x = Value(3.0, "x")

    assert explain(labelled(x * x * x, "y"), x).text == X_CUBED


def test_a_chain_of_names_is_one_product() -> None:
    w = Value(0.5, "w")
    b = labelled(sg.exp(w), "b")
    c = labelled(sg.sigmoid(b), "c")
    text = explain(labelled(sg.log(c), "d"), w).text

    assert "∂d/∂w = log'(c) · sigmoid'(b) · exp'(w) = 1.192 · 0.1353 · 1.649 = 0.2659" in text
    assert "        sigmoid'(b) = c·(1 - c) = 0.1353\n" in text
    assert text.endswith("The only path is w → b → c → d")


def test_a_value_without_a_name_is_spelt_out() -> None:
    w, x = Value(0.5, "w"), [Value(float(i), f"x{i}") for i in range(4)]
    text = explain(sg.tanh(sg.dot([w, w, *x[2:]], x)), w).text

    assert "∂v7/∂w = tanh'(v6) · x0 + tanh'(v6) · x1" in text
    assert "        tanh'(v6) = 1 - tanh(v6)²" in text
    assert "        v6        = w·x0 + w·x1 + x2·x2 + x3·x3" in text
    assert "        v7        = tanh(v6)" in text


def test_a_delta_is_called_by_its_number_where_that_is_clear() -> None:
    w = Value(0.5, "w")
    h1 = labelled(w * w, "h1")
    g1 = labelled(h1 * h1, "g1")
    k2 = labelled(g1 * g1, "k2")
    text = explain(labelled(k2 * k2, "y"), w).text

    assert [line.split(" = ")[0].strip() for line in text.splitlines() if "= ∂" in line] == [
        "δ2", "δ(g1)", "δ(h1)",
    ]  # fmt: skip


def test_no_dependence() -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    explanation = explain(x * 2, w)

    assert explanation.derivative == 0.0
    assert explanation.text == "∂v3/∂w = 0\nv3 does not depend on w"
    assert explain(x, x * 2).derivative == 0.0
    assert_sound(explanation)


def test_the_value_itself() -> None:
    x = Value(1.0, "x")

    assert explain(x, x).derivative == 1.0
    assert explain(x, x).text == "∂x/∂x = 1\nx is the value itself"


def test_an_inner_value_and_a_constant_have_a_derivative_too() -> None:
    x = Value(3.0, "x")
    y = labelled(x * x, "y")
    z = labelled(y * 2, "z")

    assert "∂z/∂y = 2\n" in explain(z, y).text
    assert explain(z, z.parents[1]).derivative == 9.0


def test_zeros_and_infinities() -> None:
    x = Value(0.0, "x")
    y = labelled(sg.sqrt(x) * 0.0, "y")
    assert explain(y, x).derivative == 0.0  # 0 * inf is not formed
    assert "= 0 · inf = 0" in explain(y, x).text

    y = labelled(sg.sqrt(x) * -2.0, "y")
    assert explain(y, x).text.startswith("∂y/∂x = -inf\n")
    assert r"&= -\infty" in explain(y, x).latex

    y = labelled(Value(-2.0, "a") ** x, "y")
    assert math.isnan(explain(y, x).derivative)
    assert r"\text{nan}" in explain(y, x).latex
    assert_sound(explain(y, x))


def test_second_derivatives() -> None:
    x, a = Value(2.0, "x"), Value(0.5, "a")
    slope = sg.grad(lambda t: sg.tanh(t * t * a))(x)
    explanation = explain(slope, a)
    slope.backward()

    assert explanation.derivative == a.grad
    assert "tanh'(x·x·a) = 1 - tanh(x·x·a)²" in explanation.text
    assert_sound(explanation)


def test_what_is_no_value() -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match="explain takes two Values, got float"):
        explain(x, 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="explain: limit must be a whole number"):
        explain(x, x, limit=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="explain: limit must be at least 1, got 0"):
        explain(x, x, limit=0)


# --- it is right, and changes nothing ------------------------------------------------------------


@given(programs(), st.booleans())
def test_the_derivative_is_that_of_backward(program: Program, named: bool) -> None:
    inputs = [Value(x, f"x{i}" if named else "") for i, x in enumerate(program.point)]
    out = program(*inputs)
    if not isinstance(out, Value):
        return
    before = graph(out)
    explanations = [explain(out, w) for w in inputs]
    assert graph(out) == before
    out.backward()

    for w, explanation in zip(inputs, explanations, strict=True):
        assert explanation.derivative == w.grad  # to the last bit
        assert_sound(explanation)


@pytest.mark.parametrize(
    ("row", "at"),
    [
        pytest.param(row, at, id=f"{row.name}{at}")
        for row in TABLE.values()
        for at in (*row.at, *row.kinks)
    ],
)
def test_every_row_of_the_table(row: Primitive, at: tuple[float, ...]) -> None:
    inputs = [Value(number, name) for number, name in zip(at, "xyzuvw", strict=False)]
    out = row(*inputs)
    for x, partial in zip(inputs, out.partials, strict=True):
        explanation = explain(out, x)
        assert str(explanation.derivative) == str(partial + 0.0)
        assert_sound(explanation)


def test_gradients_stay_as_they_are() -> None:
    net = seven_node.build()
    net.E.backward()
    net.w["13"].grad = 7.0
    before = graph(net.E)

    assert explain(net.E, net.w["13"]).derivative == pytest.approx(0.3235838737477859)
    assert graph(net.E) == before


def test_nothing_is_kept() -> None:
    x = Value(1.0, "x")
    y = sg.tanh(x * 2)
    explanation = explain(y, x)
    kept = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert kept() is None
    finally:
        gc.enable()
    assert explanation.derivative > 0.0


# --- large graphs --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moons() -> tuple[Value, nn.MLP]:
    """The loss of an MLP 2-16-16-1 over 100 samples."""
    random.seed(1)
    model = nn.MLP(2, [16, 16, 1], activation="tanh")
    samples = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(100)]
    targets = [1.0 if x * y > 0 else -1.0 for x, y in samples]
    loss = losses.hinge([model(sample) for sample in samples], targets)
    return labelled(loss, "L"), model


@pytest.mark.parametrize("parameter", [0, 47, 60, -1])
def test_a_large_graph_is_cut_down(moons: tuple[Value, nn.MLP], parameter: int) -> None:
    loss, model = moons
    w = model.parameters()[parameter]
    explanation = explain(loss, w)
    loss.backward()

    lines = explanation.text.splitlines()
    assert explanation.derivative == w.grad
    assert len(lines) < 60
    assert max(map(len, lines)) < 110
    assert_sound(explanation)
    model.zero_grad()


def test_what_is_shown_and_what_is_not(moons: tuple[Value, nn.MLP]) -> None:
    loss, model = moons
    w = model.parameters()[0]
    text = explain(loss, w).text

    assert count_paths(loss, w) == 1_600
    assert "Path by path, the 5 largest of 1,600 paths from v" in text
    assert "+ … (95 more)" in text
    assert (
        len(re.findall(r"the 5 largest: together -?[\d.]+ of -?[\d.]+; \d+ % of the sum", text))
        == 2
    )
    assert "the 2 largest of 1,600 paths" in explain(loss, w, limit=2).text
    assert "… (98 more)" in explain(loss, w, limit=2).text


def test_all_terms_are_there_if_asked_for() -> None:
    w = Value(2.0, "w")
    x = [Value(float(i), f"x{i}") for i in range(8)]
    y = labelled(sg.dot([w] * 8, x), "y")
    short, long = explain(y, w), explain(y, w, limit=8)

    assert "= x3 + x4 + x5 + x6 + x7 + … (3 more)" in short.text
    assert "= 3 + 4 + 5 + 6 + 7 + 3 = 28" in short.text
    assert "the 5 largest: together 25 of 28; 89 % of the sum of the absolute values" in short.text
    assert "= x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 = " in long.text
    assert "… (" not in long.text


def test_a_deep_graph() -> None:
    x = w = Value(0.5, "w")
    for _ in range(30_000):
        x = sg.sin(x) + 0.25
    explanation = explain(labelled(x, "y"), w)
    x.backward()

    assert explanation.derivative == w.grad
    assert re.search(r"∂y/∂w = sin'.* · … · .*sin'\(w\)", explanation.text)
    assert len(explanation.text.splitlines()) < 20
    assert_sound(explanation)


def test_a_deep_graph_of_many_paths() -> None:
    x = w = Value(0.5, "w")
    for i in range(2_000):
        x = labelled(x + sg.sin(x) * 1e-3, f"h{i}")
    explanation = explain(x, w)
    x.backward()

    assert explanation.derivative == w.grad
    assert "… 1,991 more …" in explanation.text
    assert "the 5 largest of about 1.1e+602 paths" in explanation.text
    assert "      = sin'(w) · 0.001 = 0.8776 · 0.001 = 0.0008776" in explanation.text
    assert len(explanation.text.splitlines()) < 60


def test_paths_beyond_the_range_of_floats_are_counted_in_words() -> None:
    x = w = Value(0.0, "w")
    for _ in range(2_000):
        x = x + x

    assert f"about {2**2000 / 10**602:.1f}e+602 paths" in explain(x, w).text


# --- how it shows itself -------------------------------------------------------------------------


def test_it_shows_itself() -> None:
    net = seven_node.build()
    explanation = explain(net.E, net.w["13"])

    assert str(explanation) == explanation.text
    assert repr(explanation) == "<Explanation: ∂E/∂w13 = 0.323584>"
    plain = {"text/plain": explanation.text}
    latex = {"text/latex": f"$$\n{explanation.latex}\n$$"}
    assert explanation._repr_mimebundle_() == plain | latex
    assert explanation._repr_mimebundle_(include={"text/plain"}) == plain
    assert explanation._repr_mimebundle_(exclude={"text/plain"}) == latex
    assert explanation == explain(net.E, net.w["13"])


def test_hostile_labels() -> None:
    for label in HOSTILE:
        w, x = Value(0.5, label), Value(2.0, label)
        z = labelled(sg.sigmoid(w * x), label)
        assert_sound(explain(labelled(z * z + w, label), w))


def test_hostile_names_of_modules() -> None:
    result, model = hostile_model()
    for (label, module), output in zip(model.items(), result.parents, strict=True):
        explanation = explain(output, module["w"], model)
        assert_sound(explanation)
        assert clean(label) in explanation.text.splitlines()[0]
        assert clean(label) in explanation.text.split("\n\n")[1]
    whole = explain(result, model[HOSTILE[6]]["w"], model)
    assert_sound(whole)
    assert clean(HOSTILE[6]) in whole.text.splitlines()[0]


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters()))
def test_any_labels(one: str, other: str) -> None:
    w, x = Value(0.5, one), Value(2.0, other)
    z = labelled(sg.sigmoid(w * x / w), other)

    assert_sound(explain(labelled(z * z**x + w, one), w))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_hostile_operations(name: str) -> None:
    operation = sg.primitive(f"explain {name}", lambda x: 2.0 * x, lambda x, out: (2.0,))
    x = Value(1.0, "x")

    assert_sound(explain(operation(x * 2) * x, x))


def test_a_model_names_its_parameters() -> None:
    random.seed(2)
    model = nn.MLP(1, [2, 1], "tanh")
    y = model([Value(0.5, "x")])
    explanation = explain(y, model.layers[0].neurons[1].w[0], model)

    assert explanation.text.startswith("∂v")
    assert "/∂w[0][1,0] = " in explanation.text.splitlines()[0]
    assert "w[1][0,1]·" in explanation.text or "· w[1][0,1]" in explanation.text
    assert r"\partial w^{(0)}_{1,0}}" in explanation.latex
    assert "layers" not in explanation.text + explanation.latex
    assert explanation.derivative == _by_backward(model, y)


def _by_backward(model: nn.MLP, y: Value) -> float:
    model.zero_grad()
    y.backward()
    return model.layers[0].neurons[1].w[0].grad


def test_what_is_no_model() -> None:
    with pytest.raises(TypeError, match="model must be"):
        explain(Value(1.0), Value(1.0), 3)


def test_an_unnamed_recurrence_is_linear() -> None:
    x = Value(0.5, "x")
    y = x
    for _ in range(2_000):
        y = sg.tanh(y * 0.5 + x)
    explanation = explain(y, x)
    y.backward()

    assert explanation.derivative == x.grad
    assert len(explanation.text.splitlines()) < 80


def test_an_operand_that_has_changed_since() -> None:
    x = Value(1.0, "x")
    y = sg.tanh(x * 2.0)
    x.data = 5.0

    assert "an operand has changed since" in explain(y, x).text
