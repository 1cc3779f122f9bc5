"""What the drawing tests share: a small network, both engines, and stand-ins for `dot`."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import scalargrad as sg
from scalargrad import Value


@pytest.fixture
def network() -> Value:
    """E = tanh(dot([w1, w2], [x1, x2]) * 2), with its gradients."""
    w1, w2, x1, x2 = Value(0.7, "w1"), Value(-0.35, "w2"), Value(0.5, "x1"), Value(-1.0, "x2")
    z = sg.dot([w1, w2], [x1, x2])
    z.label = "z"
    result: Value = (z * 2).tanh()
    result.label = "E"
    result.backward()
    return result


@pytest.fixture
def real_dot() -> None:
    """Skip the test where Graphviz is not installed."""
    if shutil.which("dot") is None:
        pytest.skip("needs Graphviz's `dot` on PATH")


@pytest.fixture(params=["builtin", "dot"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn; Graphviz only where it is installed."""
    if request.param == "dot":
        request.getfixturevalue("real_dot")
    return str(request.param)


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without `dot`."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def fake_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Put a Python program in the place of `dot`."""
    if os.name == "nt":
        pytest.skip("needs programs that start with #!")

    def install(program: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "dot"
        path.write_text(f"#!{sys.executable}\n{program}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    return install
