"""Tests of the doctor: true reports of what works, is missing or is broken, and what to type."""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import scalargrad
from scalargrad import doctor
from scalargrad.view import programs
from scalargrad.view.draw import draw


def _engines(text: str) -> dict[str, list[str]]:
    """The columns of the table of engines."""
    lines = text.split("best first\n")[1].split("\n\n")[0].splitlines()
    rows = [re.split(r"  +", line.strip()) for line in lines]
    return {row[0]: row[1:] for row in rows}


def _auto(text: str) -> str:
    found = re.search('engine="auto" takes (.*)', text)
    assert found
    return found[1]


@pytest.fixture(autouse=True)
def _patient(patient: None) -> None:
    """Give a Graphviz time on a busy machine."""


@pytest.fixture(scope="module")
def text() -> str:
    """The report on this machine as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "IMPATIENT_SECONDS", 60.0)
        patch.setattr(programs, "TIMEOUT_SECONDS", 60.0)
        return doctor.report()


def test_it_names_its_version_and_python(text: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    assert text.startswith(f"scalargrad {scalargrad.__version__}, Python {version}")
    assert sys.executable in text
    assert "\x1b" not in text  # no colours
    assert text == doctor.report()


def test_it_names_the_engine_that_draws(network: scalargrad.Value, text: str) -> None:
    assert _auto(text) == draw(network).engine


def test_a_graphviz_that_works(graphviz_engine: str, text: str) -> None:
    version, state, where = _engines(text)[graphviz_engine]
    assert re.fullmatch(r"\d+\.\d+\S*", version)
    assert state == "works"
    assert where == programs.where(graphviz_engine)
    assert re.search(r"\.png +by (dot|pygraphviz)\n +\.pdf +by (dot|pygraphviz)\n", text)
    assert "What would help" not in text


def test_pygraphviz_alone(no_dot: None, real_pygraphviz: None) -> None:
    text = doctor.report()

    assert _engines(text)["dot"] == ["missing", "Graphviz's `dot` is not on PATH"]
    assert _auto(text) == "pygraphviz"
    assert re.search(r"\.png +by pygraphviz", text)


def test_without_a_graphviz_it_names_what_to_type(no_graphviz: None) -> None:
    text = doctor.report()

    assert _engines(text)["dot"][0] == "missing"
    assert _engines(text)["pygraphviz"] == ["missing", "pygraphviz is not installed"]
    assert _engines(text)["builtin"][0] == "works"
    assert _auto(text) == "builtin"
    assert re.search(r"\.png +needs a Graphviz", text)
    assert "apt install graphviz" in text.split("What would help")[1]
    assert "pip install -e '.[render]'" in text.split("What would help")[1]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('out of ink')", "out of ink"),
        ("pass", "no output"),
        ("print('nonsense')", "no usable layout"),
        ("import signal; signal.pause()", "took more than 0.3 s"),
    ],
)
def test_a_broken_dot(
    fake_dot: Callable[[str], None],
    no_pygraphviz: None,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    message: str,
) -> None:
    if "pause" in program:
        monkeypatch.setattr(programs, "IMPATIENT_SECONDS", 0.3)
    fake_dot(program)
    text = doctor.report()

    state, fault = _engines(text)["dot"]
    assert state == "fails"
    assert message in fault
    assert _auto(text) == "builtin"


def test_a_dot_that_only_lays_out(
    real_dot: None, fake_dot: Callable[[str], None], no_pygraphviz: None
) -> None:
    real = programs.where("dot")
    fake_dot(
        "import subprocess, sys\n"
        "if '-Tjson0' not in sys.argv: sys.exit('Format not recognized')\n"
        f"sys.exit(subprocess.run([{real!r}, *sys.argv[1:]]).returncode)"
    )
    text = doctor.report()

    assert _engines(text)["dot"][0] == "works"  # and the version is not known
    assert re.search(r"\.pdf +needs a Graphviz", text)
    assert "What would help" in text


def test_a_broken_pygraphviz(no_dot: None, fake_pygraphviz: Callable[[str], None]) -> None:
    fake_pygraphviz("raise ImportError('libX11.so.6: no such file')")
    text = doctor.report()

    assert "fails" in _engines(text)["pygraphviz"]
    assert "libX11.so.6" in _engines(text)["pygraphviz"][-1]
    assert _auto(text) == "builtin"


def test_extras_with_their_versions(
    monkeypatch: pytest.MonkeyPatch, text: str, no_dot: None
) -> None:
    assert re.search(rf"numpy +{re.escape(importlib.metadata.version('numpy'))}\n", text)

    def broken(name: str) -> Any:
        raise KeyError("Version")

    monkeypatch.setattr(importlib.metadata, "version", broken)
    assert re.search(r"compile +numpy +missing +pip install -e '\.\[compile\]'", doctor.report())


def test_nothing_optional_is_imported() -> None:
    program = (
        "import sys; from scalargrad import doctor; doctor.report(); "
        "print({'numba', 'jax', 'matplotlib', 'pygraphviz', 'jupyterlab'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
