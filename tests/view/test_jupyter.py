"""Pictures, films and explanations show themselves in a real notebook, and in a page made of it."""

import base64
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from pages import Page

# what the notebook tools themselves warn of is not ours to mend
pytestmark = pytest.mark.filterwarnings("default")


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


def test_a_page_made_by_nbconvert(notebook_page: str) -> None:
    page = notebook_page
    tags = Page(page).tags

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
