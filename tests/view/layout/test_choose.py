"""Tests of the choice of engine: the best one that works, and clear errors."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scalargrad import Value
from scalargrad.view import programs
from scalargrad.view.draw import draw
from scalargrad.view.layout import choose

_HANGS = "import signal; signal.pause()"
_FAILS = "import sys; sys.stderr.write('out of ink'); sys.exit(3)"
_NO_OUTPUT = "pass"
_NOT_JSON = "print('<svg><g></svg>')"
_NO_POSITIONS = 'print(\'{"bb": "0,0,9,9", "objects": []}\')'
_NOT_UTF8 = 'import sys; sys.stdout.buffer.write(b\'{"bb": "\\xff"}\')'

_broken = pytest.mark.parametrize(
    ("program", "message"),
    [
        (_HANGS, "took more than 0.3 s"),
        (_FAILS, r"exit 3\): out of ink"),
        (_NO_OUTPUT, "no output"),
        (_NOT_JSON, "no usable layout"),
        (_NO_POSITIONS, "no usable layout: KeyError"),
        (_NOT_UTF8, "no usable layout"),
    ],
    ids=["hangs", "fails", "no output", "not JSON", "no positions", "not UTF-8"],
)
_broken_package = pytest.mark.parametrize(
    ("package", "message"),
    [
        ("raise ImportError('libX11.so.6: no such file')", "cannot be imported: libX11.so.6"),
        ("raise OSError('half installed')", "OSError: half installed"),
        ("", "AttributeError"),
        ("import sys; sys.exit(0)", "no output"),
        ("import os; os.abort()", r"exit -?\d"),
    ],
    ids=["lacks a library", "raises", "is empty", "exits", "crashes"],
)


@pytest.fixture(autouse=True)
def _time_limits(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    if "program" in request.fixturenames and request.getfixturevalue("program") == _HANGS:
        monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 0.3)
        monkeypatch.setattr(programs, "IMPATIENT_SECONDS", 0.3)


def test_auto_takes_dot(network: Value, real_dot: None) -> None:
    assert draw(network).engine == "dot"


def test_auto_without_dot_takes_pygraphviz(
    network: Value, no_dot: None, real_pygraphviz: None
) -> None:
    assert draw(network).engine == "pygraphviz"


def test_auto_draws_without_any_graphviz(network: Value, no_graphviz: None) -> None:
    drawing = draw(network)

    assert drawing.engine == "builtin"
    assert drawing.svg.startswith("<svg ")


def test_each_by_name(network: Value, engine: str) -> None:
    assert draw(network, engine=engine).engine == engine


def test_dot_without_dot_names_what_to_install(network: Value, no_dot: None) -> None:
    with pytest.raises(RuntimeError, match=r"not on PATH.*builtin.*apt install graphviz"):
        draw(network, engine="dot")


def test_pygraphviz_without_pygraphviz_names_what_to_install(
    network: Value, no_pygraphviz: None
) -> None:
    expected = re.escape("pip install -e '.[render]'")
    with pytest.raises(RuntimeError, match=rf"not installed.*builtin.*{expected}"):
        draw(network, engine="pygraphviz")


@_broken
def test_auto_draws_with_a_broken_dot(
    network: Value, fake_dot: Callable[[str], None], no_pygraphviz: None, program: str, message: str
) -> None:
    fake_dot(program)

    assert draw(network).engine == "builtin"


@_broken
def test_auto_falls_back_on_pygraphviz(
    network: Value,
    real_pygraphviz: None,
    fake_dot: Callable[[str], None],
    program: str,
    message: str,
) -> None:
    fake_dot(program)

    # What one Graphviz did not finish in time, the other does not try.
    expected = "builtin" if program == _HANGS else "pygraphviz"
    assert draw(network).engine == expected


@_broken
def test_dot_with_a_broken_dot_gives_the_reason(
    network: Value, fake_dot: Callable[[str], None], program: str, message: str
) -> None:
    fake_dot(program)

    with pytest.raises(RuntimeError, match=message):
        draw(network, engine="dot")


def test_a_dot_that_cannot_be_started(
    network: Value, fake_dot: Callable[[str], None], no_pygraphviz: None, tmp_path: Path
) -> None:
    fake_dot("pass")
    (tmp_path / "bin" / "dot").write_text("#!/nonexistent/interpreter\n")

    assert draw(network).engine == "builtin"
    with pytest.raises(RuntimeError, match="could not be run"):
        draw(network, engine="dot")


@_broken_package
def test_auto_draws_with_a_broken_pygraphviz(
    network: Value,
    no_dot: None,
    fake_pygraphviz: Callable[[str], None],
    package: str,
    message: str,
) -> None:
    fake_pygraphviz(package)

    assert draw(network).engine == "builtin"


@_broken_package
def test_pygraphviz_with_a_broken_one_gives_the_reason(
    network: Value, fake_pygraphviz: Callable[[str], None], package: str, message: str
) -> None:
    fake_pygraphviz(package)

    with pytest.raises(RuntimeError, match=message):
        draw(network, engine="pygraphviz")


def test_an_unknown_engine(network: Value) -> None:
    message = "engine must be one of auto, dot, pygraphviz, builtin, not 'neato'"
    with pytest.raises(ValueError, match=message):
        draw(network, engine="neato")
    with pytest.raises(ValueError, match=message):
        choose.lay_out(draw(network, engine="builtin").graph, "neato")
