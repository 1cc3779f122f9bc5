"""Tests of the film: what its steps say, what its picture shows, and that labels stay text."""

import base64
import hashlib
import json
import math
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hostile import HOSTILE, assert_harmless, hostile_model, module_name
from hypothesis import given, settings
from hypothesis import strategies as st
from lectures import lecture
from pages import Page
from strategies import Program, inputs, programs

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.core.labels import clean, format_number
from scalargrad.core.value import topological_order
from scalargrad.examples.lecture2 import seven_node
from scalargrad.view.film.film import Film
from scalargrad.view.film.step import Step
from scalargrad.view.steps import steps

CASE = lecture("S4.seven_tanh")


def film_of(x: Value, **options: object) -> Film:
    return steps(x, engine="builtin", **options)  # type: ignore[arg-type]


def texts(film: Film) -> list[str]:
    return [line for step in film.steps for line in (step.title, *step.lines)]


def backward(film: Film) -> list[Step]:
    return [step for step in film.steps if step.phase == "backward"]


def state(film: Film, after: int | None = None) -> dict[tuple[int, str], str]:
    """What the picture shows, by box and part, after so many steps."""
    shown = {(change.box, change.part): change.text for change in film.start}
    for step in film.steps[:after]:
        shown |= {(change.box, change.part): change.text for change in step.changes}
    return shown


# --- what is said ---------------------------------------------------------------------------------


def test_every_number_of_the_lecture_is_told() -> None:
    expected = CASE["expected"]["t=+1"]
    narration = "\n".join(texts(film_of(seven_node.build().E)))

    for j, number in expected["a"].items():
        assert re.search(rf"\ba{j}\b" if int(j) > 2 else rf"\bx{j}\b", narration)
        assert format_number(number) in narration
    for j in "3456":
        assert f"a{j}.grad = {format_number(expected['delta'][j])} is complete" in narration
    assert f"z7.grad = {format_number(expected['delta']['7'])} is complete" in narration
    for name, slope in expected["dE_dw"].items():
        assert re.search(
            rf"w{name}\.grad \+= .* = {re.escape(format_number(slope))}\n", narration + "\n"
        )


def test_it_reads_like_the_lecture() -> None:
    lines = texts(film_of(seven_node.build().E))

    assert "z3 = w13·x1 + w23·x2 = 0.6·0.5 + (-0.4)·(-1) = 0.7" in lines
    assert "z3.grad += a3.grad × ∂a3/∂z3 = a3.grad × (1 - a3²) = 1.02 × 0.6347 = 0.6472" in lines
    assert "w13.grad += z3.grad × ∂z3/∂w13 = z3.grad × x1 = 0.6472 × 0.5 = 0.3236" in lines


def test_accumulation_is_told() -> None:
    lines = texts(film_of(seven_node.build().E))
    second = [line for line in lines if line.startswith("a3.grad += z5.grad")]

    assert [line.partition("; ")[2] for line in second] == ["was 0.3725, now 1.02"]


def test_the_order_is_that_of_the_two_passes() -> None:
    film = film_of(seven_node.build().E)

    assert [step.phase for step in film.steps] == sorted(
        (step.phase for step in film.steps), reverse=True
    )
    assert backward(film)[0].title == "E.grad = 1"
    computed = [step.title.split(" ")[0] for step in film.steps[1:] if step.phase == "forward"]
    passed_on = [step.title.split(".")[0] for step in backward(film)[1:]]
    assert passed_on == computed[::-1]


def test_where_nothing_flows() -> None:
    film = film_of(seven_node.build(t=-1.0).E)

    narration = [str(step) for step in backward(film)]
    assert "nothing flows to v" in narration[1]
    assert narration[1].endswith("∂E/∂v22 = 0 (relu is inactive: -0.5706 is not above 0)")
    assert narration[2].startswith("backward: Nothing flows back from v22, v20, z7, a6")
    assert len(narration) == 3
    assert film.steps[-1].edges == film.steps[-2].edges == ()


def test_a_kink_is_called_one() -> None:
    assert "∂v2/∂x = 0 (at the kink, where the derivative is defined as 0)" in str(
        film_of(Value(0.0, "x").relu()).steps[-1]
    )


def test_one_operand_twice() -> None:
    x = Value(3.0, "x")

    assert backward(film_of(x * x))[-1].lines == (
        "x.grad += v2.grad × ∂v2/∂x (operand 1) = v2.grad × x = 1 × 3 = 3",
        "x.grad += v2.grad × ∂v2/∂x (operand 2) = v2.grad × x = 1 × 3 = 3; was 3, now 6",
    )


def test_plain_numbers_have_no_line() -> None:
    step = backward(film_of(Value(3.0, "x") * 2))[-1]

    assert len(step.lines) == 1
    assert len(step.edges) == 1
    assert step.stopped == ()


def test_zero_times_infinity_is_never_formed() -> None:
    x = Value(0.0, "x")
    film = film_of(sg.sqrt(x) * 0.0)

    assert film.graph.boxes[0].grad == 0.0
    assert "nan" not in "".join(texts(film))


def test_operands_changed_since_are_noticed() -> None:
    x = Value(3.0, "x")
    y = x * 2
    before = film_of(y).steps[1].lines
    x.data = 4.0

    assert before == ()
    assert film_of(y).steps[1].lines[0].startswith("An operand has changed since")


def test_a_lone_value() -> None:
    film = film_of(Value(2.0, "x"))

    assert [step.title for step in film.steps] == [
        "Start with the given values", "x.grad = 1",
    ]  # fmt: skip


# --- what is shown --------------------------------------------------------------------------------


@given(programs())
def test_the_end_is_that_of_backward(program: Program) -> None:
    xs = [Value(x, f"x{i}") for i, x in enumerate(program.point)]
    result = program(*xs)
    if not isinstance(result, Value):  # the program is its constant
        return
    film = film_of(result)
    grads = [box.grad for box in film.graph.boxes]
    assert not any(value.grad for value in topological_order(result))
    result.backward()

    for value, grad in zip(topological_order(result), grads, strict=True):
        assert value.grad == grad or (math.isnan(value.grad) and math.isnan(grad or 0.0))
    rows = {(b.number, r.role): r.text for b in film.graph.boxes for r in b.rows}
    for (box, part), text in state(film).items():
        if part != "fill":
            assert text == rows[box, part]


@settings(max_examples=20)
@given(st.lists(inputs, min_size=1, max_size=4))
def test_nobodys_grad_is_read_or_changed(numbers: list[float]) -> None:
    xs = [Value(x, f"x{i}") for i, x in enumerate(numbers)]
    result = sg.tanh(sg.sum([x * x for x in xs]))
    fresh = film_of(result)
    for i, value in enumerate(topological_order(result)):
        value.grad = 7.0 + i
    again = film_of(result)

    assert [value.grad for value in topological_order(result)] == [
        7.0 + i for i in range(len(topological_order(result)))
    ]
    assert again.steps == fresh.steps
    assert again.svg == fresh.svg


def test_the_backward_pass_begins_with_zeros() -> None:
    film = film_of(Value(3.0, "x") * Value(2.0, "y"))

    assert [state(film, n)[0, "grad"] for n in range(5)] == [
        "grad –", "grad –", "grad –", "grad 0", "grad 2",
    ]  # fmt: skip
    assert [state(film, n)[2, "data"] for n in range(3)] == ["data –", "data –", "data 6"]
    assert len({state(film, n)[0, "fill"] for n in (0, 3, 4)}) == 3


def test_every_change_finds_its_place_in_the_picture() -> None:
    film = film_of(seven_node.build().E)
    root = ElementTree.fromstring(film.svg)
    boxes = {
        e.get("data-box"): {row.get("data-row") for row in e}
        for e in root.iter()
        if "data-box" in e.attrib
    }
    edges = {e.get("data-edge") for e in root.iter()}

    for change in (*film.start, *(change for step in film.steps for change in step.changes)):
        assert change.part == "fill" or change.part in boxes[str(change.box)]
    for step in film.steps:
        assert {str(box) for box in step.boxes + step.touched} <= boxes.keys()
        assert {str(edge) for edge in step.edges + step.stopped} <= edges


def test_boxes_have_room_for_every_number_on_the_way() -> None:
    x = Value(1.0, "x")  # its gradient ends at 0, after a number of nine characters
    films = film_of(x * 1.23456e-7 - x * 1.23456e-7), film_of(x * 0.0)
    widths = [float(re.findall(r'data-box="0".*? h(\S+) ', film.svg)[0]) for film in films]

    assert films[0].graph.boxes[0].grad == 0.0
    assert widths[0] > widths[1] + 30


def test_nan_flows_on() -> None:
    x = Value(2.0, "x")
    film = film_of(x * Value(math.nan, "y") * 3)

    assert math.isnan(film.graph.boxes[0].grad or 0.0)
    assert film.graph.boxes[1].grad == 6.0


# --- large graphs ---------------------------------------------------------------------------------


def test_a_large_model_goes_by_boxes() -> None:
    model = nn.MLP(8, [16, 16, 1], "tanh")
    loss = losses.squared_error([model([0.1 * i] * 8) for i in range(5)], [1.0] * 5)
    loss.label = "loss"
    film = film_of(loss, model=model, max_nodes=12)
    narration = [step.title for step in film.steps]

    assert film.graph.notice
    assert len(film.graph.boxes) <= 12
    assert any(re.fullmatch(r"layer 0.*: [\d,]+ values computed", line) for line in narration)
    assert any(
        re.fullmatch(r"layer 0.*: gradients of 144 parameters, largest \|grad\| \S+", line)
        for line in narration
    )
    loss.backward()
    group = next(box for box in film.graph.boxes if box.parameters == 144)
    inside = max(abs(p.grad) for p in model.layers[0].parameters())
    assert group.grad is not None
    assert group.grad >= inside


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 20])
def test_any_budget_and_any_graph(budget: int) -> None:
    x, w = Value(0.5, "x"), Value(-1.5, "w")
    y = x
    for i in range(200):
        y = (y * w + x).tanh() if i % 3 else sg.dot([w, x], [y, y])
    film = film_of(y, max_nodes=budget)
    x.grad = w.grad = 0.0
    y.backward()

    assert len(film.graph.boxes) <= budget
    assert 'data-box="0"' in film.svg
    ends = {box.label: box.grad for box in film.graph.boxes if box.label in ("x", "w")}
    assert ends == {name: value.grad for name, value in (("x", x), ("w", w)) if name in ends}
    shown = state(film)
    for box in film.graph.boxes:
        if box.kind != "constant":
            assert shown[box.number, "grad"] in box.lines


def test_a_large_graph_is_told() -> None:
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = y * 0.9999 + x
    film = film_of(y)

    assert len(film.steps) < 50
    assert "59,996 values computed" in "".join(texts(film))


def test_a_bundle_shows_the_largest_gradient_so_far() -> None:
    random.seed(3)
    model = nn.MLP(2, [5, 5, 1], "tanh")
    y = model([Value(0.5, "x1"), Value(-1.0, "x2")])
    film = film_of(y, model=model)
    (bundle,) = (box for box in film.graph.boxes if box.kind == "bundle")
    values = [
        [abs(float(c.text.split()[-1])) for c in step.changes if c[:2] == (bundle.number, "grad")]
        for step in backward(film)
    ]
    largest = [grad for grads in values for grad in grads]
    edges = film.graph.edges

    assert state(film, 1)[bundle.number, "grad"] == "largest |grad| –"
    assert len(largest) == 5
    assert largest == sorted(largest)
    assert state(film)[bundle.number, "grad"] == bundle.lines[-1]
    for step in film.steps:
        through = [edge for edge in step.edges if edges[edge].tail == bundle.number]
        into = [edge for edge in step.edges if edges[edge].head == bundle.number]
        assert (len(through), len(into)) in ((0, 0), (1, 5))
        if into and step.phase == "backward":
            assert {edges[edge].tail for edge in into} < set(step.touched)
    assert sum(len(step.lines) for step in backward(film)) > 60  # each contribution has its line


def test_a_value_of_many_operands_is_told_by_groups() -> None:
    x = Value(0.5, "x")
    narration = texts(film_of(sg.sum([x] + [x * i for i in range(1, 2_000)])))

    assert "v4000 = sum of 2,000 operands = 9.995e+05" in narration
    assert "x.grad += v4000.grad × ∂v4000/∂x = 1 × 1 = 1" in narration
    assert "* #2 (×1,999) += 1 each" in narration


# --- as a page ------------------------------------------------------------------------------------


def hostile_film() -> Film:
    values = [Value(number, label) for number, label in enumerate(HOSTILE, 1)]
    result = sg.primitive("<img src=x onerror=y()>", lambda x: 2 * x, lambda x, out: (2.0,))(
        sg.sum([value * value for value in values])
    )
    result.label = HOSTILE[6]
    return film_of(result)


def test_hostile_labels_are_text() -> None:
    plain = [Value(number, f"x{number}") for number in range(1, len(HOSTILE) + 1)]
    tame = Page(film_of(sg.sqrt(sg.sum([value * value for value in plain]))).html)
    page = Page(hostile_film().html)

    shape = [(tag, sorted(attributes)) for tag, attributes in page.tags if tag != "br"]
    assert shape == [(tag, sorted(attributes)) for tag, attributes in tame.tags if tag != "br"]
    assert not any(name == "id" or name.startswith("on") for _, names in shape for name in names)
    for label in HOSTILE:
        assert clean(label) in page.text("ol")
    assert_harmless(picture(page))


def picture(page: Page) -> str:
    """The picture of a film, as its page has it."""
    source = page.all("img")[0]["src"] or ""
    return base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")).decode()


def test_hostile_names_of_modules_are_text() -> None:
    result, model = hostile_model()
    page = Page(film_of(result, model=model).html)

    narration = [item.partition(": ")[2] for item in page.texts("li")]
    for label in filter(None, HOSTILE):
        assert f"{module_name(label)}: 8 values computed" in narration
    assert page.names.count("script") == 2
    assert_harmless(picture(page))


def test_the_data_cannot_leave_their_element() -> None:
    html = hostile_film().html
    data = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)

    assert len(data) == 1
    assert not re.search("[<>&\u2028\u2029]", data[0])
    assert json.loads(data[0])["steps"][-1]["caption"].startswith("backward")


@given(st.text(st.characters(exclude_categories=())))
def test_any_label_gives_a_page(label: str) -> None:
    x = Value(0.5, label)
    page = Page(film_of(x.tanh()).html)

    assert page.names.count("script") == 2
    assert not label.strip() or clean(label).strip() in page.text("ol")


def test_without_scripts_it_can_be_read() -> None:
    film = film_of(seven_node.build().E)
    page = Page(film.html)

    image = page.all("img")[0]
    assert (image["alt"] or "").startswith("Computation graph: 23 values")
    assert "open" in page.all("details")[0]
    assert len(page.all("li")) == len(film.steps)
    for line in texts(film):
        assert line in page.text("ol")
    assert "backward 13 of 13:" in page.text("ol")
    assert "button" not in page.names


def test_the_page_is_closed_to_the_outside() -> None:
    page = Page(film_of(seven_node.build().E).html)

    assert page.all("html") == [{"lang": "en"}]
    assert page.text("title") == "The backward pass of E = relu"
    metas = {meta.get("name") or meta.get("http-equiv"): meta for meta in page.all("meta")}
    assert metas["viewport"]["content"] == "width=device-width, initial-scale=1"
    policy = metas["Content-Security-Policy"]["content"] or ""
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        source = page.text(kind)
        source = source[source.index("//") :] if kind == "script" else source
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.tags)


def test_the_same_film_every_time() -> None:
    first, second = (film_of(seven_node.build().E) for _ in range(2))

    assert first.html == second.html
    assert not re.search("0x[0-9a-f]{6}", first.html)
    assert repr(first) == "Film(13 steps forward, 13 steps backward, 23 boxes, engine='builtin')"


def test_jupyter() -> None:
    film = film_of(Value(2.0, "x").tanh())
    bundle = film._repr_mimebundle_()

    assert bundle.keys() == {"text/html", "text/plain"}
    assert bundle["text/html"].startswith('<div class="scalargrad-film"')
    assert "<html" not in bundle["text/html"]
    assert bundle["text/plain"] == repr(film)
    assert film._repr_mimebundle_(include={"text/plain"}).keys() == {"text/plain"}
    assert film._repr_mimebundle_(exclude={"text/plain"}).keys() == {"text/html"}


def test_saving(tmp_path: Path) -> None:
    film = film_of(Value(2.0, "x").tanh())
    path = film.save(tmp_path / "film.html")

    assert path.read_text("utf-8") == film.html
    for name in ("film", "film.gif"):
        with pytest.raises(ValueError, match=r"must end in \.html or \.svg"):
            film.save(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        film.save(tmp_path / "missing" / "film.html")


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="steps needs a Value, not float"):
        steps(1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="engine must be one of"):
        steps(Value(1.0), engine="neato")
    with pytest.raises(ValueError, match="max_nodes"):
        steps(Value(1.0), max_nodes=0)


def test_every_engine_tells_the_same(engine: str) -> None:
    film = steps(seven_node.build().E, engine=engine)

    assert film.engine == engine
    assert film.steps == film_of(seven_node.build().E).steps


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_directions(rankdir: str) -> None:
    assert film_of(seven_node.build().E, rankdir=rankdir).graph.rankdir == rankdir


def test_an_operand_that_is_used_a_thousand_times() -> None:
    x = Value(0.5, "x")
    film = steps(sg.sum([x] * 1_000), engine="builtin")

    last = film.steps[-1]
    assert len(last.lines) == 7
    assert last.lines[-1] == "and 994 more contributions to x.grad; now 1000"
    assert film.graph.boxes[0].grad == 1_000.0


def test_a_label_that_reads_like_a_formula_is_in_brackets() -> None:
    a, b = Value(2.0, "a+b"), Value(3.0, "c")
    lines = steps(a * b, engine="builtin").steps[-1].lines

    assert lines[0].startswith("(a+b).grad += v3.grad × ∂v3/∂(a+b) = v3.grad × c")
