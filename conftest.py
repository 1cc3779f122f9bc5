"""How tests and doctests run: the names and folder of doctests, and how workers share the tests."""

import os
import random
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import scalargrad as sg

# No deadline: a shared machine is slow now and then, which is no fault of the code. The same
# examples on every run: who looks for new ones runs `make fuzz`.
settings.register_profile("repeatable", deadline=None, derandomize=True)
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "5000"))
settings.register_profile("fuzz", deadline=None, max_examples=EXAMPLES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


# The files of the numba backend cannot be imported, nor their examples run, where it is missing.
collect_ignore_glob = [] if find_spec("numba") else ["scalargrad/replay/backends/numba/*.py"]
collect_ignore_glob += [] if find_spec("jax") else [
    "scalargrad/replay/backends/jax/*.py", "docs/guide/scale.md",
]  # fmt: skip
# Likewise those that draw with matplotlib.
collect_ignore_glob += [] if find_spec("matplotlib") else [
    "scalargrad/plot/*.py", "docs/guide/draw.md",
]  # fmt: skip
# And the program of `make mutants`.
collect_ignore_glob += [] if find_spec("cosmic_ray") else ["tests/mutants.py"]
# And the widget.
collect_ignore_glob += [] if find_spec("anywidget") else [
    "scalargrad/view/live/widget.py", "docs/guide/live.md",
]  # fmt: skip
# And those that solve with SciPy.
collect_ignore_glob += [] if find_spec("scipy") else [
    "scalargrad/solve/*.py", "docs/guide/solve.md", "docs/guide/structure.md",
]  # fmt: skip


# JAX keeps what it compiled for the tests: the loop over instructions takes 2 s in each process.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parent / ".pytest_cache" / "jax")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"


@pytest.fixture(autouse=True)
def _names_for_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update({name: getattr(sg, name) for name in sg.__all__ if name[0].isupper()})
    for name in ("grad", "value_and_grad", "jacobian", "hessian", "jvp", "vjp", "hvp", "no_grad"):
        doctest_namespace[name] = getattr(sg, name)
    for name in ("topological_order", "stop_gradient", "check_grads", "numerical_grad"):
        doctest_namespace[name] = getattr(sg, name)
    doctest_namespace.update(sg=sg, nn=sg.nn, losses=sg.losses, optim=sg.optim, random=random)


@pytest.fixture(autouse=True)
def _own_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctests that write files write them in a temporary folder."""
    if isinstance(request.node, pytest.DoctestItem):
        # Created for these alone: a folder for each of 5,000 tests takes 4.5 s
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))


# --- several processes ----------------------------------------------------------------------


def unit_of(nodeid: str) -> str:
    """The unit of tests that run in one process, because they share what is slow to compute.

    A unit is a file; an example's file takes the tests of that example in test_catalogue.py along.
    Notebooks share nothing.
    """
    file, _, test = nodeid.partition("::")
    folder, _, name = file.rpartition("/")
    if name == "test_notebooks.py":
        return nodeid
    if name == "test_catalogue.py" and (example := re.search(r"\[(\w+)\]$", test)):
        return f"test_{example[1]}.py"
    return name if folder.startswith("tests/examples/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand the tests out to the workers (`-n 2`) by units."""
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    return ByUnit(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Do not measure the coverage of tests marked `unmeasured`."""
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage else None
    if measuring is None or item.get_closest_marker("unmeasured") is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


# --- what another installation adds ---------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--skipped", action="store_true", help="run only the tests that the last run skipped"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.has_plugin("cacheprovider"):
        config.pluginmanager.register(Skipped(config))


class Skipped:
    """The tests that a run skips, remembered for a run with `--skipped`.

    So tests that need more than the extra `test` run after the rest, and nothing runs twice.
    """

    KEY = "scalargrad/skipped"

    def __init__(self, config: pytest.Config) -> None:
        self.cache: Any = config.cache
        self.before = tuple(self.cache.get(self.KEY, []))
        self.names: list[str] = []

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        if config.getoption("skipped"):
            again = [item for item in items if item.nodeid.startswith(self.before)]
            config.hook.pytest_deselected(items=list(set(items) - set(again)))
            items[:] = again

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:  # a file
            self.names.append(f"{report.nodeid}::")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.names.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not hasattr(session.config, "workerinput"):  # a worker's reports are the controller's
            self.cache.set(self.KEY, self.names)
