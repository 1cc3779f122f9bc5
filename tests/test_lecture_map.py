"""The page that maps the items of the lectures to where they run: complete, with real targets."""

import ast
import inspect
import json
import re
import sys
from pathlib import Path

import pytest

from scalargrad.examples.catalogue import example

DOCS = Path(__file__).parents[1] / "docs"
ITEMS = [
    *(f"X{k}" for k in range(1, 4)),
    *(f"S0.{k}" for k in range(1, 32)),
    *(f"S1.{k}" for k in range(1, 16)),
    *(f"S2.{k}" for k in range(1, 31)),
    *(f"S3.{k}" for k in range(1, 21)),
    *(f"S4.{k}" for k in range(1, 26)),
]
ROWS = {
    cells[1].strip(): line
    for line in (DOCS / "lectures.md").read_text("utf-8").splitlines()
    if len(cells := line.split("|")) > 3 and re.fullmatch(r" (X|S\d\.)\d+ ", cells[1])
}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)\)")


def test_every_item_has_its_row_in_order() -> None:
    assert list(ROWS) == ITEMS


@pytest.mark.parametrize("item", ITEMS)
def test_targets_exist(item: str) -> None:
    row = ROWS[item]
    links = LINK.findall(row)

    assert links or "narrative only: " in row
    for text, target in links:
        path = DOCS / target
        assert path.is_file(), target
        if "::" in text:
            file, name = text.split("::")
            functions = ast.walk(ast.parse(path.read_text("utf-8")))
            assert path.name == file
            assert name in {f.name for f in functions if isinstance(f, ast.FunctionDef)}, text


@pytest.mark.parametrize("item", ITEMS)
def test_headings_of_notebooks_exist(item: str) -> None:
    for target, heading in re.findall(r'\]\(([^)]+\.ipynb)\) "([^"]+)"', ROWS[item]):
        cells = json.loads((DOCS / target).read_text("utf-8"))["cells"]
        lines = [line.strip() for cell in cells for line in cell["source"]]

        assert any(re.fullmatch(rf"#+ {re.escape(heading)}", line) for line in lines), heading


def test_figures_exist() -> None:
    page = (DOCS / "lectures.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_]+)-([a-z0-9_]+)`", page))

    assert len(named) >= 26
    for name, key in named:
        source = inspect.getsource(sys.modules[example(name).__name__])
        assert f'"{key}"' in source, f"{name}-{key}"
