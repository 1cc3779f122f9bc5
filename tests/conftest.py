"""What tests share: a network, a notebook, engines, stand-ins for Graphviz, no collector."""

import asyncio
import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hostile import ATTACKS, HOSTILE

import scalargrad as sg
from scalargrad import Value
from scalargrad.view import programs


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Python's cyclic collector is off, so that only reference counts free what is gone."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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


@pytest.fixture
def real_pygraphviz() -> None:
    """Skip the test where pip's Graphviz is not installed, or lacks libraries of the system."""
    if fault := _fault_of_pygraphviz():
        pytest.skip(f"needs pygraphviz: {fault}")


@cache
def _fault_of_pygraphviz() -> str:
    try:
        programs.run("pygraphviz", "digraph {}", "dot", "json0")
    except programs.GraphvizError as error:
        return str(error)
    return ""


@pytest.fixture(params=["builtin", "dot", "pygraphviz"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn; a Graphviz only where it is installed."""
    if request.param != "builtin":
        request.getfixturevalue(f"real_{request.param}")
    return str(request.param)


@pytest.fixture(params=["dot", "pygraphviz"])
def graphviz_engine(request: pytest.FixtureRequest) -> str:
    """Each Graphviz in turn, where it is installed."""
    request.getfixturevalue(f"real_{request.param}")
    return str(request.param)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a Graphviz as long as a busy machine makes it take."""
    monkeypatch.setattr(programs, "IMPATIENT_SECONDS", 60.0)
    monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 60.0)


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without `dot`."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def no_pygraphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without pygraphviz."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec",
        lambda name, *more: None if name == "pygraphviz" else find(name, *more),
    )  # fmt: skip


@pytest.fixture
def no_graphviz(no_dot: None, no_pygraphviz: None) -> None:
    """Neither of the two."""


@pytest.fixture
def fake_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Replace `dot` by a Python program."""
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


@pytest.fixture
def fake_pygraphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Replace pygraphviz by a package of one line."""

    def install(program: str) -> None:
        folder = tmp_path / "packages"
        (folder / "pygraphviz").mkdir(parents=True)
        (folder / "pygraphviz" / "__init__.py").write_text(f"{program}\n")
        monkeypatch.syspath_prepend(folder)  # where it is looked for
        monkeypatch.setenv("PYTHONPATH", str(folder))  # and where it is imported

    return install


CELLS = [
    "import scalargrad as sg\n"
    "from scalargrad.examples.lecture2 import seven_node\n"
    "net = seven_node.build()\n"
    "net.E",
    "sg.draw(net.E, engine='builtin')",
    "net.E.backward()\nsg.draw(net.E, engine='builtin')",
    "sg.steps(net.E, engine='builtin')",
    "sg.explain(net.E, net.w['13'])",
    # what could go wrong in a repr: odd labels, numbers that are none, gradients of None
    f"labels = {[*HOSTILE, *ATTACKS]!r}\n"
    "odd = sg.sum([sg.Value(float(i), label) for i, label in enumerate(labels)])\n"
    "odd.data, odd.grad = float('nan'), None\n"
    "from IPython.display import display\n"
    "display(odd, sg.draw(odd, engine='builtin'), sg.steps(odd, engine='builtin'),\n"
    "        sg.explain(odd, odd.parents[0]), sg.explain(odd, sg.Value(1.0)))",
]


@pytest.fixture(scope="session")
def notebook() -> Any:
    """The cells above, executed by a real kernel."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = nbclient.NotebookClient(made, timeout=300, kernel_name="python3")
    with ThreadPoolExecutor(1) as pool:  # in this thread Playwright may have a loop that runs
        pool.submit(lambda: asyncio.run(client.async_execute())).result()
    return made


@pytest.fixture(scope="session")
def notebook_page(notebook: Any) -> str:
    """The notebook as nbconvert makes a page of it."""
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    page, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return str(page)
