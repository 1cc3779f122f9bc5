"""Every notebook shows what its text twin computes: running it again changes nothing."""

import base64
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# what the notebook tools themselves warn of is not ours to mend
pytestmark = pytest.mark.filterwarnings("default")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [path.stem for path in sorted(FOLDER.glob("*.py"))]


@pytest.fixture
def make_notebooks(monkeypatch: pytest.MonkeyPatch) -> Any:
    for tool in ("jupytext", "nbclient", "ipykernel", "matplotlib", "numba", "scipy"):
        pytest.importorskip(tool, reason=f"{tool} is not installed")
    monkeypatch.syspath_prepend(FOLDER.parent / "docs")
    return importlib.import_module("make_notebooks")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_running_it_again_shows_the_same(
    path: Path, make_notebooks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Measuring the coverage of a kernel would double its time; the tests cover the same lines.
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    kept = nbformat.read(path, as_version=4)
    rerun = make_notebooks.executed(make_notebooks.twin(path.with_suffix(".py")))

    assert "\n".join(make_notebooks.differences(kept, rerun)) == ""
    assert [cell.id for cell in kept.cells] == [cell.id for cell in rerun.cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_kept_and_all_pictures_say_what_they_show(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]

    assert path.stat().st_size < 2_000_000
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    assert {output["output_type"] for output in outputs} <= {
        "stream", "execute_result", "display_data"
    }  # fmt: skip
    shown = [output["data"] for output in outputs if "data" in output]
    pictures = [data for data in shown if "image/svg+xml" in data or "text/html" in data]
    assert len(pictures) >= 3
    for data in shown:
        for image in re.findall(r"<img [^>]*>", "".join(data.get("text/html", []))):
            assert re.search(r'alt="[^"]{20,}"', image), "what does this picture show?"


def test_every_question_has_its_answer() -> None:
    for path in sorted(FOLDER.glob("*.py")):
        text = path.read_text("utf-8")
        for part in re.split(r"\*\*(?:Try it|Predict[^*]*):\*\*", text)[1:]:
            assert "<summary>Answer</summary>" in part, f"{path.stem}: {part[:80]}"


# --- the comparison itself ------------------------------------------------------------------


def notebook_of(*outputs: dict[str, Any], source: str = "f(x)") -> Any:
    cell = nbformat.v4.new_code_cell(source, outputs=[nbformat.from_dict(o) for o in outputs])
    return nbformat.v4.new_notebook(cells=[cell])


def result(**data: str) -> dict[str, Any]:
    kinds = {"text": "text/plain", "html": "text/html", "svg": "image/svg+xml"}
    bundle = {kinds[name]: text for name, text in data.items()}
    return {"output_type": "execute_result", "data": bundle, "metadata": {}, "execution_count": 1}


def picture(svg: str) -> str:
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


SAME = [
    (printed("E = 0.1234567890"), printed("E = 0.1234567891")),
    (printed("E = 1e-17"), printed("E = 3e-17")),
    (result(html=picture("matplotlib 1")), result(html=picture("matplotlib 1"))),
]
OTHER = [
    (printed("E = 0.12"), printed("E = 0.13"), "stdout: 'E = 0.12', and now 'E = 0.13'"),
    (printed("3 of 400"), printed("4 of 400"), "'3 of 400', and now '4 of 400'"),
    (result(html=picture("matplotlib 1")), result(html=picture("matplotlib 2")), "matplotlib 2"),
]
WORDS = [  # what is a difference everywhere
    (printed("a\nb 1"), printed("a\nc 1"), "'b 1', and now 'c 1'"),
    (result(text="x"), result(text="x", svg="<a/>"), "text/plain, and now image/svg+xml"),
    (printed("x"), result(text="x"), "showed stdout, and now text/plain"),
    (result(html=picture("<a/>")), result(html=picture("<b/>")), "<a/>\">', and now"),
    (result(html=picture("matplotlib")), result(html="none"), "and now 'none'"),
]


@pytest.mark.parametrize(
    ("kept", "rerun", "said"), [*((*pair, "") for pair in SAME), *OTHER, *WORDS]
)
def test_what_differs_is_said(kept: Any, rerun: Any, said: str, make_notebooks: Any) -> None:
    old, new = notebook_of(kept), notebook_of(rerun)
    old.metadata["scalargrad"] = {"drawn_by": make_notebooks.drawn_by()}
    found = "\n".join(make_notebooks.differences(old, new))

    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(("kept", "rerun", "said"), WORDS)
def test_words_and_kinds_are_compared_with_other_versions_too(
    kept: Any, rerun: Any, said: str, make_notebooks: Any
) -> None:
    assert said in "".join(make_notebooks.differences(notebook_of(kept), notebook_of(rerun)))


def test_with_other_versions_a_tenth_of_the_numbers_may_differ(make_notebooks: Any) -> None:
    numbers = [str(k) for k in range(20)]
    kept = notebook_of(printed(" ".join(numbers)))
    for changed, said in ((2, ""), (3, "3 of 20 numbers are others: 0 is now 77, ")):
        rerun = notebook_of(printed("  ".join(["77"] * changed + numbers[changed:])))
        found = "".join(make_notebooks.differences(kept, rerun))
        assert said in found
        assert bool(said) == bool(found)

    kept, rerun = (notebook_of(result(html=picture(f"matplotlib {k}"))) for k in (1, 2))
    assert [*make_notebooks.differences(kept, rerun)] == []


def test_another_text_is_said(make_notebooks: Any) -> None:
    found = [*make_notebooks.differences(notebook_of(), notebook_of(source="g(x)"))]

    assert found == ["cell 0 is another: run `make notebooks`"]


def test_what_changes_with_each_run_is_left_out(make_notebooks: Any) -> None:
    text = """
import sys
from tqdm.auto import tqdm
print("before")
print("compiling", file=sys.stderr)
for _ in tqdm(range(2)):
    print("in between")
object()
"""
    notebook = notebook_of(source=text)
    notebook.metadata = nbformat.from_dict(
        {"jupytext": {}, "kernelspec": {"name": "python3"}, "widgets": {}}
    )
    (cell,) = make_notebooks.executed(notebook).cells

    first, last = cell.outputs
    assert first.text == "before\nin between\nin between\n"
    assert "<object at 0x...>" in last.data["text/plain"]
    assert set(notebook.metadata) == {"jupytext", "kernelspec", "scalargrad"}
    assert "execution" not in cell.metadata

    warning = notebook_of(source="import warnings; warnings.warn('old')")
    warning.metadata = notebook.metadata
    with pytest.raises(RuntimeError, match="a cell warns"):
        make_notebooks.executed(warning)
