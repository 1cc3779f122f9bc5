"""Pictures, films and explanations show themselves in a real notebook, and in a page made of it."""

import base64
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hostile import HOSTILE

# what the notebook tools themselves warn of is not ours to mend
pytestmark = pytest.mark.filterwarnings("default")

CELLS = [
    "import scalargrad as sg\n"
    "from scalargrad.examples import seven_node\n"
    "net = seven_node.build()\n"
    "net.E",
    "sg.draw(net.E, engine='builtin')",
    "net.E.backward()\nsg.draw(net.E, engine='builtin')",
    "sg.steps(net.E, engine='builtin')",
    "sg.explain(net.E, net.w['13'])",
    # what could go wrong in a repr: odd labels, numbers that are none, gradients of None
    f"labels = {HOSTILE!r}\n"
    "odd = sg.sum([sg.Value(float(i), label) for i, label in enumerate(labels)])\n"
    "odd.data, odd.grad = float('nan'), None\n"
    "from IPython.display import display\n"
    "display(odd, sg.draw(odd, engine='builtin'), sg.steps(odd, engine='builtin'),\n"
    "        sg.explain(odd, odd.parents[0]), sg.explain(odd, sg.Value(1.0)))",
]


@pytest.fixture(scope="module")
def notebook() -> Any:
    """The cells above, executed by a real kernel."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(made, timeout=300, kernel_name="python3").execute()
    return made


def _shown(notebook: Any, cell: int) -> list[dict[str, str]]:
    outputs = notebook.cells[cell].outputs
    assert all(output.output_type in ("execute_result", "display_data") for output in outputs)
    return [dict(output.data) for output in outputs]


def test_a_value_shows_as_short_text(notebook: Any) -> None:
    (shown,) = _shown(notebook, 0)

    assert set(shown) == {"text/plain"}
    assert shown["text/plain"].startswith("Value(data=0.57")


def test_a_drawing_shows_as_svg(notebook: Any) -> None:
    for cell, gradients in ((1, "grad –"), (2, "grad 0.3236")):
        (shown,) = _shown(notebook, cell)
        assert set(shown) == {"image/svg+xml", "text/plain"}
        assert gradients in set(ElementTree.fromstring(shown["image/svg+xml"]).itertext())


def test_a_film_shows_as_a_picture_and_steps_until_its_script_runs(notebook: Any) -> None:
    (shown,) = _shown(notebook, 3)

    assert set(shown) == {"text/html", "text/plain"}
    picture = re.search(r'<img[^>]* src="data:image/svg\+xml;base64,([^"]*)"', shown["text/html"])
    assert picture is not None
    svg = base64.b64decode(picture[1]).decode()
    assert "grad 0.3236" in set(ElementTree.fromstring(svg).itertext())


def test_an_explanation_shows_as_latex_alone(notebook: Any) -> None:
    (shown,) = _shown(notebook, 4)

    # LaTeX beats every picture in a front end, so there must be none beside it
    assert set(shown) == {"text/latex", "text/plain"}
    assert r"\frac{\partial E}{\partial w_{13}}" in shown["text/latex"]
    assert "∂E/∂w13 = 0.323584" in shown["text/plain"]


def test_no_repr_raises(notebook: Any) -> None:
    shown = _shown(notebook, 5)

    assert len(shown) == 5
    assert [sorted(set(forms) - {"text/plain"}) for forms in shown] == [
        [], ["image/svg+xml"], ["text/html"], ["text/latex"], ["text/latex"],
    ]  # fmt: skip


class _Elements(HTMLParser):
    """The start tags of a page, and how many of our films, pictures and formulas it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_made_by_nbconvert(notebook: Any) -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    page, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(notebook)
    tags = _Elements(page).tags

    pictures = [attributes for tag, attributes in tags if tag == "svg"]
    films = [
        attributes
        for tag, attributes in tags
        if tag == "img" and (attributes.get("src") or "").startswith("data:image/svg+xml")
    ]
    assert len(pictures) + len(films) >= 5
    assert page.count(r"\frac{\partial E}{\partial w_{13}}") >= 1
    assert not any("onerror" in attributes or "onload" in attributes for _, attributes in tags)
    assert "<script>alert(1)</script>" not in page
