"""Every notebook runs from top to bottom, and is the twin of its text."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# what the notebook tools themselves warn of is not ours to mend
pytestmark = pytest.mark.filterwarnings("default")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [path.stem for path in sorted(FOLDER.glob("*.py"))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_text_and_notebook_are_twins(path: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed")
    notebook, text = jupytext.read(path), jupytext.read(path.with_suffix(".py"))

    assert [cell.source for cell in notebook.cells] == [cell.source for cell in text.cells], (
        "run `make notebooks`"
    )
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not kept"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Measuring the coverage of a kernel would double its time; the tests cover the same lines.
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()

    shown = [
        output.data
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type in ("execute_result", "display_data")
    ]
    assert any("image/svg+xml" in data for data in shown)
    for data in shown:
        for image in re.findall(r"<img [^>]*>", data.get("text/html", "")):
            assert re.search(r'alt="[^"]{20,}"', image), "what does this picture show?"
