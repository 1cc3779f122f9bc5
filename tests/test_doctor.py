"""Tests of the doctor: it tells what is true, whatever is missing or broken, and what to type."""

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


def _engines(told: str) -> dict[str, list[str]]:
    """The columns of the table of engines."""
    lines = told.split("best first\n")[1].split("\n\n")[0].splitlines()
    rows = [re.split(r"  +", line.strip()) for line in lines]
    return {row[0]: row[1:] for row in rows}


def _auto(told: str) -> str:
    found = re.search('engine="auto" takes (.*)', told)
    assert found
    return found[1]


@pytest.fixture(autouse=True)
def _patient(patient: None) -> None:
    """Whatever this machine has is given time to work."""


@pytest.fixture(scope="module")
def told() -> str:
    """The report on this machine as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "IMPATIENT_SECONDS", 60.0)
        patch.setattr(programs, "TIMEOUT_SECONDS", 60.0)
        return doctor.report()


def test_it_says_who_and_where_it_is(told: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    assert told.startswith(f"scalargrad {scalargrad.__version__}, Python {version}")
    assert sys.executable in told
    assert "\x1b" not in told  # no colours
    assert told == doctor.report()


def test_it_names_the_engine_that_draws(network: scalargrad.Value, told: str) -> None:
    assert _auto(told) == draw(network).engine


def test_a_graphviz_that_works(graphviz_engine: str, told: str) -> None:
    version, state, where = _engines(told)[graphviz_engine]
    assert re.fullmatch(r"\d+\.\d+\S*", version)
    assert state == "works"
    assert where == programs.where(graphviz_engine)
    assert re.search(r"\.png +by (dot|pygraphviz)\n +\.pdf +by (dot|pygraphviz)\n", told)
    assert "What would help" not in told


def test_pygraphviz_alone(no_dot: None, real_pygraphviz: None) -> None:
    told = doctor.report()

    assert _engines(told)["dot"] == ["missing", "Graphviz's `dot` is not on PATH"]
    assert _auto(told) == "pygraphviz"
    assert re.search(r"\.png +by pygraphviz", told)


def test_without_a_graphviz_it_says_what_to_type(no_graphviz: None) -> None:
    told = doctor.report()

    assert _engines(told)["dot"][0] == "missing"
    assert _engines(told)["pygraphviz"] == ["missing", "pygraphviz is not installed"]
    assert _engines(told)["builtin"][0] == "works"
    assert _auto(told) == "builtin"
    assert re.search(r"\.png +needs a Graphviz", told)
    assert "apt install graphviz" in told.split("What would help")[1]
    assert "pip install -e '.[render]'" in told.split("What would help")[1]


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
    told = doctor.report()

    state, fault = _engines(told)["dot"]
    assert state == "fails"
    assert message in fault
    assert _auto(told) == "builtin"


def test_a_dot_that_only_lays_out(
    real_dot: None, fake_dot: Callable[[str], None], no_pygraphviz: None
) -> None:
    real = programs.where("dot")
    fake_dot(
        "import subprocess, sys\n"
        "if '-Tjson0' not in sys.argv: sys.exit('Format not recognized')\n"
        f"sys.exit(subprocess.run([{real!r}, *sys.argv[1:]]).returncode)"
    )
    told = doctor.report()

    assert _engines(told)["dot"][0] == "works"  # and the version is not known
    assert re.search(r"\.pdf +needs a Graphviz", told)
    assert "What would help" in told


def test_a_broken_pygraphviz(no_dot: None, fake_pygraphviz: Callable[[str], None]) -> None:
    fake_pygraphviz("raise ImportError('libX11.so.6: no such file')")
    told = doctor.report()

    assert "fails" in _engines(told)["pygraphviz"]
    assert "libX11.so.6" in _engines(told)["pygraphviz"][-1]
    assert _auto(told) == "builtin"


def test_extras_with_their_versions(
    monkeypatch: pytest.MonkeyPatch, told: str, no_dot: None
) -> None:
    assert re.search(rf"numpy +{re.escape(importlib.metadata.version('numpy'))}\n", told)

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
