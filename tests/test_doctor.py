"""Tests of the doctor: true reports of what works, is missing or is broken, and what to type."""

import hashlib
import importlib.machinery
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import scalargrad
from scalargrad import doctor
from scalargrad.core import native
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


def test_a_graphviz_that_works(
    graphviz_engine: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, state, where = _engines(text)[graphviz_engine]
    assert re.fullmatch(r"\d+\.\d+\S*", version)
    assert state == "works"
    assert where == programs.where(graphviz_engine)
    assert re.search(r"\.png +by (dot|pygraphviz)\n +\.pdf +by (dot|pygraphviz)\n", text)
    assert "clearer pictures" not in text
    choose(monkeypatch, "SCALARGRAD_PURE is set")  # nothing to build either
    assert "What would help" not in doctor.report()


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


# --- the node -------------------------------------------------------------------------------


SOURCE = "/* the node */\n"
DIGEST = hashlib.sha256(SOURCE.encode()).hexdigest()[:12]


def choose(
    monkeypatch: pytest.MonkeyPatch, reason: str, library: Any = None, building_helps: bool = False
) -> None:
    """Report on this choice of the node."""
    monkeypatch.setattr(native, "NATIVE", library is not None)
    monkeypatch.setattr(native, "machine_code", library)
    monkeypatch.setattr(native, "REASON", reason)
    monkeypatch.setattr(native, "BUILDING_HELPS", building_helps)


def run_on(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """Let the doctor see another system, which the rest of Python must not."""
    seen = SimpleNamespace(platform=platform, executable=sys.executable)
    monkeypatch.setattr(doctor, "sys", seen)


def _rows(text: str, title: str) -> list[list[str]]:
    """The columns of a section; none if it is not there."""
    section = text.partition(f"{title}\n")[2].partition("\n\n")[0]
    return [re.split(r"  +", line.strip()) for line in section.splitlines()]


def _node() -> dict[str, str]:
    return dict(_rows(doctor.report(), "Node of the graph"))  # type: ignore[arg-type]


def _help() -> list[list[str]]:
    """What would help, without that for pictures."""
    return [
        row
        for row in _rows(doctor.report(), "What would help")
        if "graphviz" not in row[1] and "[render]" not in row[1]
    ]


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the core's, with a library and its source."""
    folder = tmp_path / "core"
    folder.mkdir()
    (folder / f"_node{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_text("")
    (folder / "_node.c").write_text(SOURCE)
    monkeypatch.setattr(native, "__file__", str(folder / "native.py"))
    return folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Linux, a compiler, and the headers of Python in the folder returned."""
    run_on(monkeypatch, "linux")
    monkeypatch.setenv("CC", f"{sys.executable} -pthread")
    folder = tmp_path / "include"
    folder.mkdir()
    (folder / "Python.h").write_text("")
    monkeypatch.setattr(sysconfig, "get_path", {"include": str(folder)}.__getitem__)
    return folder


def test_the_node_of_this_machine() -> None:
    rows = _node()

    expected = "machine code" if native.NATIVE else f"Python: {native.REASON}"
    assert rows["runs"] == expected
    if native.machine_code is not None:
        assert rows["library"] == native.machine_code.__file__


def test_machine_code_of_the_source_beside_it(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, "machine code", SimpleNamespace(SOURCE=DIGEST))

    assert _node() == {
        "runs": "machine code",
        "library": str(core / f"_node{importlib.machinery.EXTENSION_SUFFIXES[0]}"),
        "source": "the library was built from the _node.c beside it",
    }
    assert _help() == []
    (core / "_node.c").write_bytes(SOURCE.replace("\n", "\r\n").encode())  # as Git may write it
    assert _node()["source"] == "the library was built from the _node.c beside it"


def test_machine_code_of_another_source(
    core: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (core / "_node.c").write_text("/* better */\n")
    choose(monkeypatch, "machine code", SimpleNamespace(SOURCE=DIGEST))

    assert _node()["source"] == ("the library was built from a _node.c other than that beside it")
    assert _help() == [["the node of the source as it is now", "pip install -e . in the checkout"]]


@pytest.mark.parametrize("built_from", [DIGEST, "", None])
def test_machine_code_of_a_source_unknown(
    core: Path, monkeypatch: pytest.MonkeyPatch, built_from: str | None
) -> None:
    if built_from:
        (core / "_node.c").unlink()  # as in an installed package
    library = SimpleNamespace() if built_from is None else SimpleNamespace(SOURCE=built_from)
    choose(monkeypatch, "machine code", library)

    assert list(_node()) == ["runs", "library"]
    assert _help() == []


@pytest.mark.parametrize("reason", ["SCALARGRAD_PURE is set", "Python runs without the lock"])
def test_the_node_of_python_where_building_does_not_help(
    core: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    choose(monkeypatch, reason)

    assert _node()["runs"] == f"Python: {reason}"
    assert list(_node()) == ["runs", "library"]  # which is there, and not used
    assert _help() == []


def test_the_node_of_python_where_it_can_be_built(
    core: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (core / f"_node{importlib.machinery.EXTENSION_SUFFIXES[0]}").unlink()
    choose(monkeypatch, "the library was not built", building_helps=True)

    assert _node() == {"runs": "Python: the library was not built"}
    assert _help() == [["the node in machine code", "pip install -e . in the checkout"]]


@pytest.mark.parametrize("missing", ["headers", "compiler", "compiler on PATH"])
def test_the_node_of_python_where_something_is_missing(
    tools: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    choose(monkeypatch, "the library was not built", building_helps=True)
    if missing == "headers":
        (tools / "Python.h").unlink()
    elif missing == "compiler":
        monkeypatch.setenv("CC", "/nonexistent/gcc -pthread")
    else:
        monkeypatch.delenv("CC")
        monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
        monkeypatch.setenv("PATH", str(tools))

    assert _help() == [
        ["the node in machine code", "apt install gcc python3-dev (or your system's equivalent)"],
        ["then", "pip install -e . in the checkout"],
    ]


@pytest.mark.parametrize(
    ("platform", "tool"),
    [("darwin", "xcode-select --install"), ("win32", "Build Tools for Visual Studio, with C++")],
)
def test_the_compiler_of_other_systems(
    tools: Path, monkeypatch: pytest.MonkeyPatch, platform: str, tool: str
) -> None:
    run_on(monkeypatch, platform)
    choose(monkeypatch, "the library was not built", building_helps=True)

    assert [row[1] for row in _help()] == [tool, "pip install -e . in the checkout"]
