"""The page docs/guide/export.md: its examples run, and its program of C prints what it says."""

import doctest
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from exported import COMPILER, STRICT, needs_compiler
from rooms import ROOT

import scalargrad as sg
from scalargrad import Value

PAGE = ROOT / "docs" / "guide" / "export.md"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The text of the page, after its examples have run."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"sg": sg, "Value": Value}
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, globs=names)

    assert (failed, tried > 8) == (0, True)
    return PAGE.read_text("utf-8")


@needs_compiler
def test_the_program_of_the_page_fits_its_model(page: str, tmp_path: Path) -> None:
    assert COMPILER is not None
    (program,) = re.findall(r"(?s)```c\n(.*?)```", page)
    (said,) = re.findall(r"it prints `(.*?)`", page)
    Path("main.c").write_text(program, "ascii")
    build = [COMPILER, *STRICT, "-O2", "main.c", "-o", "main", "-lm"]

    assert subprocess.run(build).returncode == 0
    ran = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True)

    assert ran.stdout == f"{said}\n"
