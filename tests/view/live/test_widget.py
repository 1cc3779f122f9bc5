"""The widget: what a notebook gets without a kernel, and what it does in JupyterLab."""

import ast
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from browsers import Watched, chromium

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import format_number
from scalargrad.examples.lecture2 import seven_node

ROOT = Path(__file__).parents[3]


class Sent(list[Any]):
    """What a widget has sent to its pages."""

    def __call__(self, content: Any, buffers: Any = None) -> None:
        self.append(content)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("anywidget", reason="needs anywidget")
    made = sg.live(seven_node.build().E, engine="builtin")
    sent = Sent()
    monkeypatch.setattr(made, "send", sent)
    made.sent = sent
    return made


def test_without_a_widget_there_is_a_picture(graph: Any) -> None:
    data, _ = graph._repr_mimebundle_()

    assert set(data) == {
        "application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain",
    }  # fmt: skip
    texts = set(ElementTree.fromstring(data["image/svg+xml"]).itertext())
    assert {"E = relu", "data 0.5706", "grad 0.3236"} <= texts
    assert data["text/plain"] == "LiveGraph(E = 0.5706, 10 numbers to move)"
    graph.set("w13", 0.0)
    assert "data 0" in graph._repr_mimebundle_(include={"image/svg+xml"})[0]["image/svg+xml"]


def test_a_message_is_answered(graph: Any) -> None:
    graph._handle_custom_msg({"type": "set", "numbers": {"0": 2.0}, "id": "a"}, [])
    (answer,) = graph.sent

    assert (answer["type"], answer["id"]) == ("update", "a")
    assert graph.values["x1"].data == 2.0
    assert json.dumps(answer, allow_nan=False)


def test_a_number_set_in_python_reaches_the_pages(graph: Any) -> None:
    graph.set("w13", 0.25)

    assert [message["type"] for message in graph.sent] == ["update"]
    (w13,) = [leaf for leaf in graph.sent[0]["leaves"] if leaf["name"] == "w13"]
    assert w13["number"] == 0.25
    with pytest.raises(KeyError, match="no leaf str: 'w99'"):
        graph.set("w99", 0.0)
    assert len(graph.sent) == 1


def test_the_state_that_a_notebook_saves_is_json(graph: Any) -> None:
    state = graph.get_state()

    json.dumps(state, allow_nan=False)
    assert state["graph"]["svg"].startswith("<svg ")
    assert "export default" in state["_esm"]


def test_what_to_type_where_anywidget_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "scalargrad.view.live.widget", raising=False)
    monkeypatch.delitem(vars(sg), "live", raising=False)
    with pytest.raises(ImportError, match=r"needs anywidget.* pip install -e '\.\[widget\]'"):
        sg.live(Value(1.0))


# --- JupyterLab -----------------------------------------------------------------------------

CELLS = [
    "import scalargrad as sg\n"
    "from scalargrad.examples.lecture2 import seven_node\n"
    "graph = sg.live(seven_node.build().E, engine='builtin')\n"
    "graph",
    "print({name: (x.data, x.grad) for name, x in graph.values.items()})",
    "graph.set('w13', 0.125)",
]


class Server(NamedTuple):
    """A JupyterLab that serves a folder on this machine alone."""

    url: str
    token: str


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Server]:
    if not os.environ.get("SCALARGRAD_LONG"):
        pytest.skip("long: set SCALARGRAD_LONG=1 (make long)")
    for name in ("jupyterlab", "anywidget", "ipykernel", "nbformat"):
        if find_spec(name) is None:
            pytest.skip(f"needs {name}")
    import nbformat

    (tmp_path / "work").mkdir()
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(made, tmp_path / "work" / "live.ipynb")
    token = secrets.token_hex(16)
    folders = {
        "HOME": "home", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    settings = {name: str(tmp_path / folder) for name, folder in folders.items()}
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path / 'work'}",
        "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:  # until it says where it listens
                log.write(line)
                if found := re.search(r"(http://127\.0\.0\.1:\d+/)lab\?token", line):
                    yield Server(found[1], token)
                    break
        finally:
            process.terminate()
            log.write(process.communicate()[0])


class Watcher(Watched):
    """JupyterLab warns of this and that; only requests and errors of scripts count."""

    def _console(self, message: Any) -> None:
        pass


def cell(page: Any, number: int) -> Any:
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def run_cell(page: Any, number: int) -> None:
    cell(page, number).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")


def printed(page: Any, number: int) -> dict[str, tuple[float, float]]:
    """What the values are in the kernel."""
    run_cell(page, number)
    output = cell(page, number).locator(".jp-OutputArea-output pre")
    output.wait_for()
    found: dict[str, tuple[float, float]] = ast.literal_eval(output.inner_text().replace("\n", ""))
    return found


def test_in_jupyterlab(lab: Server) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        watched = Watcher(page, lab.url)
        page.goto(f"{lab.url}lab/tree/live.ipynb?token={lab.token}")
        page.get_by_text("| Idle").wait_for()  # the kernel
        run_cell(page, 0)
        root = page.locator(".scalargrad-live")
        root.locator("svg g[data-box]").first.wait_for()
        assert root.get_attribute("data-result") == "E = 0.5706"

        slider = root.get_by_role("slider", name="w13", exact=True)
        slider.scroll_into_view_if_needed()
        place = slider.bounding_box()
        middle = place["y"] + place["height"] / 2
        page.mouse.move(place["x"] + place["width"] * 0.55, middle)
        page.mouse.down()
        page.mouse.move(place["x"] + place["width"] * 0.8, middle, steps=3)
        page.mouse.up()
        number = float(root.get_by_role("spinbutton", name="w13, number").input_value())
        net = seven_node.build(weights={**seven_node.WEIGHTS, "13": number})
        net.E.backward()
        page.wait_for_function(
            "(text) => document.querySelector('.scalargrad-live').dataset.result === text",
            arg=f"E = {format_number(net.E.data)}",
        )
        assert number != 0.6

        box = root.locator("g[data-box]", has_text="z3 = dot")
        box.click()
        root.locator(".live-told h3", has_text="z3 = dot").wait_for()
        assert "∂E/∂z3" in root.locator(".live-told pre").inner_text()
        values = printed(page, 1)
        for node in sg.topological_order(net.E):
            if node.label:
                assert values[node.label] == (node.data, node.grad)
                label = root.locator("g[data-box]", has_text=node.label).first
                assert f"grad {format_number(node.grad)}" in label.get_attribute("aria-label")

        root.get_by_role("button", name="Run as a film").click()
        root.locator(".live-title").wait_for()
        root.get_by_role("button", name="End the film").click()
        run_cell(page, 2)
        page.wait_for_function(
            "(text) => document.querySelector('.scalargrad-live').dataset.result !== text",
            arg=f"E = {format_number(net.E.data)}",
        )
        assert root.get_by_role("spinbutton", name="w13, number").input_value() == "0.125"
        page.context.close()
    assert [fault for fault in watched.faults if "scalargrad" in fault] == []
    assert [fault for fault in watched.faults if fault.startswith("request:")] == []
