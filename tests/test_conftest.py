"""How the tests are run: what shares a process, and what `--skipped` runs."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/core/test_rows.py::test_a[x]", "tests/core/test_rows.py"),
        ("scalargrad/nn.py::scalargrad.nn.Neuron", "scalargrad/nn.py"),
        ("README.md::README.md", "README.md"),
        ("tests/examples/stone/test_fitting.py::test_a", "test_fitting.py"),
        ("tests/examples/test_catalogue.py::test_draws[fitting]", "test_fitting.py"),
        ("tests/examples/test_catalogue.py::test_ctrl_c", "tests/examples/test_catalogue.py"),
        ("tests/test_notebooks.py::test_runs[01_a]", "tests/test_notebooks.py::test_runs[01_a]"),
    ],
)
def test_units_of_tests(pytestconfig: pytest.Config, nodeid: str, unit: str) -> None:
    conftest = pytestconfig.pluginmanager.get_plugin(str(CONFTEST))

    assert conftest is not None
    assert conftest.unit_of(nodeid) == unit


TESTS = """
import os
import pytest

@pytest.mark.skipif("NEW_TOOL" not in os.environ, reason="needs a new tool")
def test_one():
    pass

def test_two():
    pass
"""
FILE = """
import os
import pytest

if "NEW_TOOL" not in os.environ:
    pytest.skip("needs a new tool", allow_module_level=True)

def test_three():
    pass
"""


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_the_skipped_tests_alone_run_again(tmp_path: Path, options: list[str]) -> None:
    if options and not find_spec("xdist"):
        pytest.skip("needs pytest-xdist")
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_file.py").write_text(FILE)

    def last_line(*more: str, **variables: str) -> str:
        without = ("PYTEST_", "COVERAGE_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(without)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options, *more], cwd=tmp_path, text=True,
            capture_output=True, env=environment | variables,
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    assert last_line().startswith("1 passed, 2 skipped")
    assert last_line("--skipped", NEW_TOOL="yes").startswith("2 passed")
