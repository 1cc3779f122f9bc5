"""Tests of the playground's side of Python, in this Python."""

import json
from typing import Any

import playground_host as host
import pytest

from scalargrad import Value
from scalargrad.view.draw import draw

EXAMPLES = sorted((host.HERE / "examples").glob("*.py"))
HEAD = "import scalargrad as sg\nfrom scalargrad import Value, nn\n"


def drawn(program: str) -> Value:
    error, shown = host.run(HEAD + program)
    assert error is None
    assert shown is not None
    return shown.value


def error_of(program: str) -> dict[str, Any]:
    error, _ = host.run(program)
    assert error is not None
    return error


def asked(method: str, **params: Any) -> Any:
    return json.loads(host.answer(json.dumps({"method": method, "params": params})))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_is_drawn_and_recorded(path: Any) -> None:
    program = path.read_text("utf-8")
    answer = asked("run", source=program)

    assert program.startswith("# ")
    assert len(program.splitlines()[0]) < 60
    assert max(map(len, program.splitlines())) <= 80
    assert (answer["error"], answer["note"]) == (None, "")
    assert answer["graph"]["type"] == "graph"
    assert answer["graph"]["leaves"]
    assert asked("talk", message={"type": "film"})["type"] == "film"
    assert "return" in asked("recorded")["gradient"]
    assert asked("svg").startswith("<svg ")


def test_there_are_a_dozen_examples() -> None:
    assert len(EXAMPLES) >= 12
    assert EXAMPLES[0].stem == "01_seven_nodes"


@pytest.mark.parametrize(
    ("program", "number"),
    [
        ("a = Value(1.0)\nb = a + 1\nc = b.data", 2.0),  # the last name that is a Value
        ("a = Value(1.0)\na + 4", 5.0),  # an expression on the last line
        ("a = Value(1.0)\nb = a + 1\nb.backward()", 2.0),
        ("a = Value(1.0)\nb = a + 1\nshow(a)", 1.0),  # what the program asks for
        ("a = Value(1.0)\nfor i in range(3):\n    a = a * 2", 8.0),
        ("v = [Value(1.0), Value(2.0)]\ny = v[0]\nfor p in v:\n    pass", 1.0),  # p is no result
        ("def f(x):\n    z = x * 3\n    return z\na = Value(1.0)\nb = f(a)", 3.0),
        ("if True:\n    a = Value(7.0)\nelse:\n    b = Value(1.0)", 7.0),
        ("a, b = Value(1.0), Value(2.0)", 2.0),
        ("print(y := Value(4.0))\nx = 3", 4.0),
        ("a: Value = Value(1.0)\na += 1", 2.0),
        ("a = Value(1.0)\nraise SystemExit", 1.0),  # the program has ended, as it wanted
    ],
)  # fmt: skip
def test_which_value_is_drawn(program: str, number: float) -> None:
    assert drawn(program).data == number


@pytest.mark.parametrize("program", ["", "x = 1", "def f():\n    y = Value(1.0)", "# nothing"])
def test_no_value_no_graph(program: str) -> None:
    answer = asked("run", source=HEAD + program)

    assert (answer["error"], answer["graph"]) == (None, None)
    assert "no Value" in answer["note"].replace("assigns no", "no")
    assert asked("svg") is None
    assert asked("recorded") is None
    assert asked("talk", message={"type": "show"}) is None


def test_variables_give_their_names() -> None:
    result = drawn(
        "x = Value(1.0)\nw = {'a': [Value(2.0)]}\nk = Value(3.0, 'own')\ny = x * w['a'][0] * k"
    )

    assert result.label == "y"
    assert {leaf.label for leaf in draw(result).graph.boxes} >= {"x", "w['a'][0]", "own", "y"}


def test_a_model_names_its_parameters() -> None:
    error, shown = host.run(
        HEAD + "net = nn.MLP(1, [2, 1])\nfor p in net.parameters():\n    q = p\ny = net([0.5])"
    )

    assert error is None
    assert shown is not None
    assert shown.model is not None
    assert shown.value.label == "y"
    assert {parameter.label for parameter in shown.model.parameters()} == {""}
    assert (
        drawn("net = nn.MLP(1, [1])\nother = nn.MLP(1, [1])\ny = net([other([1.0])])").label == "y"
    )


@pytest.mark.parametrize(
    ("program", "message", "place"),
    [
        ("x = 1 +", "SyntaxError: invalid syntax", (1, 7, None)),
        ("x = (1,\n  2", "SyntaxError: '(' was never closed", (1, 4, None)),
        ("if x:\ny = 1", "IndentationError: expected an indented block", (2, 0, 1)),
        ("y = 'ä' + 'ö' + nix", "NameError: name 'nix' is not defined", (1, 16, 19)),
        ("1 / 0", "ZeroDivisionError: division by zero", (1, 0, 5)),
        ("a = 2\nb = [\n    1,\n    a.x,\n]", "AttributeError: 'int' object has no", (4, 4, 7)),
        ("def f(x):\n    return x.foo\n\nf(3)", "(called from line 4)", (2, 11, 16)),
        ("def f(n):\n    return f(n)\nf(1)", "RecursionError: maximum", (2, 11, 15)),
        ("import numpyx", "NumPy and others are not", (1, 0, 13)),
        ("input('x')", "RuntimeError: input() cannot ask here", (1, 0, 10)),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", (1, 0, 23)),
        ("show(3)", "TypeError: show draws a Value, not int", (1, 0, 7)),
        ("x = '\0'", "null bytes", (None, None, None)),
        ("import scalargrad\nscalargrad.log(\n    -1.0\n)", "log(x) is not defined", (2, 0, None)),
        ("x = 1" + " + 1" * 20_000, "Error", (None, None, None)),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(
    program: str, message: str, place: tuple[int | None, int | None, int | None]
) -> None:
    error = error_of(program)

    assert message in error["message"]
    assert "Traceback" not in error["message"]
    assert (error["line"], error["column"], error["endColumn"]) == place


def test_what_was_computed_before_an_error_is_drawn() -> None:
    answer = asked("run", source=HEAD + "x = Value(-1.0)\ny = x * 2\nz = sg.log(y)\n")

    assert answer["error"]["line"] == 5
    assert answer["graph"]["result"] == "y = -2"


def test_a_run_leaves_nothing_to_the_next() -> None:
    host.run(HEAD + "secret = 1\nsg.no_grad().__enter__()")

    assert "secret" in error_of("secret")["message"]
    assert drawn("x = Value(1.0)\ny = x * 2").parents
    chance = HEAD + "import random\ny = Value(random.random())"
    assert asked("run", source=chance) == asked("run", source=chance)


def test_only_the_graph_of_the_last_run_answers() -> None:
    asked("run", source=HEAD + "x = Value(1.0)\ny = x * 2", number=5)
    message = {"type": "set", "numbers": {"0": 3.0}}

    assert asked("talk", message=message, number=4) is None
    assert asked("talk", message=message, number=5)["result"] == "y = 6"


def test_numbers_without_end_are_drawn() -> None:
    answer = asked("run", source=HEAD + "x = Value(float('inf'))\ny = x * Value(float('nan'))")

    assert answer["error"] is None
    assert answer["graph"]["result"] == "y = nan"


def test_the_picture_takes_the_direction_with_more_room() -> None:
    chain = HEAD + "x = Value(0.5)\nfor _ in range(12):\n    x = sg.tanh(x)"

    def size(**params: Any) -> tuple[float, float]:
        svg = asked("run", source=chain, **params)["graph"]["svg"]
        width, height = svg.partition('viewBox="0 0 ')[2].partition('"')[0].split()
        return float(width), float(height)

    wide, high = size(room=[2000, 300]), size(room=[400, 2000])
    assert wide[0] > wide[1]
    assert high[0] < high[1]
    assert size(room=[2000, 300], rankdir="TB") == high


def test_recorded_programs_compute_what_the_graph_does() -> None:
    value = drawn(
        "w = [Value(0.5), Value(-1.0)]\nk = Value(2.0, 'lambda')\ny = sg.tanh(w[0] * k) + w[1]"
    )
    programs = host.recorded(value)

    assert "w_0" in programs["value"]
    assert "v_lambda" in programs["value"]
    assert programs["value"].startswith("program of 3 instructions: 3 inputs")
