"""Tests of draw: its arguments, and what it does when `dot` is missing or broken."""

from collections.abc import Callable
from typing import Any

import pytest

from scalargrad import Value
from scalargrad.draw import dot as dot_module
from scalargrad.draw import draw

_HANGS = "import signal; signal.pause()"
_FAILS = "import sys; sys.stderr.write('out of ink'); sys.exit(3)"
_DIES_OF_NOTHING = "pass"
_DRAWS_NONSENSE = "print('<svg><g></svg>')"
_NOT_UTF8 = "import sys; sys.stdout.buffer.write(b'<svg>\\xff</svg>')"

_broken = pytest.mark.parametrize(
    ("program", "message"),
    [
        (_HANGS, "took more than 0.3 s"),
        (_FAILS, r"exit 3\): out of ink"),
        (_DIES_OF_NOTHING, "no output"),
        (_DRAWS_NONSENSE, "no usable SVG"),
        (_NOT_UTF8, "no usable SVG"),
    ],
)


@pytest.fixture(autouse=True)
def _impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "program" in request.fixturenames and request.getfixturevalue("program") == _HANGS:
        monkeypatch.setattr(dot_module, "TIMEOUT_SECONDS", 0.3)


def test_auto_takes_dot(network: Value, real_dot: None) -> None:
    assert draw(network).engine == "dot"


def test_auto_draws_without_dot(network: Value, no_dot: None) -> None:
    drawing = draw(network)

    assert drawing.engine == "builtin"
    assert drawing.svg.startswith("<svg ")


def test_dot_without_dot_says_what_to_do(network: Value, no_dot: None) -> None:
    with pytest.raises(RuntimeError, match=r"not on PATH.*builtin.*apt install graphviz"):
        draw(network, engine="dot")


@_broken
def test_auto_draws_with_a_broken_dot(
    network: Value, fake_dot: Callable[[str], None], program: str, message: str
) -> None:
    fake_dot(program)

    assert draw(network).engine == "builtin"


@_broken
def test_dot_with_a_broken_dot_says_what_happened(
    network: Value, fake_dot: Callable[[str], None], program: str, message: str
) -> None:
    fake_dot(program)

    with pytest.raises(RuntimeError, match=message):
        draw(network, engine="dot")


def test_a_dot_that_cannot_be_started(
    network: Value, fake_dot: Callable[[str], None], tmp_path: Any
) -> None:
    fake_dot("pass")
    (tmp_path / "bin" / "dot").write_text("#!/nonexistent/interpreter\n")

    assert draw(network).engine == "builtin"
    with pytest.raises(RuntimeError, match="could not be run"):
        draw(network, engine="dot")


@pytest.mark.parametrize(("x", "name"), [(1.0, "float"), (None, "NoneType"), ([], "list")])
def test_only_values_can_be_drawn(x: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"not {name}"):
        draw(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rankdir": "lr"}, "rankdir must be one of LR, TB, RL, BT, not 'lr'"),
        ({"engine": "neato"}, "engine must be one of auto, dot, builtin, not 'neato'"),
        ({"max_nodes": 0}, "max_nodes must be a whole number, at least 1, not 0"),
        ({"max_edges": -1}, "max_edges must be a whole number, at least 0, not -1"),
        ({"max_nodes": 1.5}, "max_nodes must be a whole number, at least 1, not 1.5"),
        ({"max_edges": "all"}, "max_edges must be a whole number, at least 0, not 'all'"),
    ],
)
def test_bad_arguments(network: Value, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        draw(network, **arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize("grad", [float("nan"), float("inf"), -0.0, 1e300])
def test_any_number_can_be_drawn(engine: str, grad: float) -> None:
    x = Value(1.0, "x")
    result = x.tanh()
    x.grad = grad

    assert draw(result, engine=engine).svg.startswith("<svg ")


def test_a_million_values() -> None:
    x = Value(1.0)
    for _ in range(1_000_000):
        x = -x

    assert len(draw(x, engine="builtin").graph.boxes) == 150
