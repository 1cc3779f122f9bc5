"""What the examples compute, each once for all the tests of a process."""

import os
import sys
from contextlib import chdir, redirect_stdout
from functools import cache
from importlib.util import find_spec
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from scalargrad.examples import catalogue

# What takes long in full size runs small here; `make long` runs it in full.
SMALLER: dict[str, dict[str, Any]] = {
    "photographs": {"n": 8}, "small_gpt": {"steps": 20}, "spaced_repetition": {"cards": 1000},
    "double_pendulum": {"seconds": 20.0},
}  # fmt: skip
if not find_spec("numba"):
    SMALLER["hyperparameters"] = {"iterations": (10, 100)}
    SMALLER["small_detector"] = {"steps": 3}
    SMALLER["moons_and_spirals"] = {"epochs": 5, "moments": 4}
    SMALLER["gabor_filters"] = {"epochs": 5}


class Run(NamedTuple):
    """An example's run: its result, what it printed, and the files it left in the folder."""

    result: Any
    printed: str
    files: list[str]


@cache
def run_of(name: str) -> Run:
    """The run of an example, in an empty folder."""
    # Tests of notebooks import ipykernel, and a slow example would print its progress there.
    kernel = sys.modules.pop("ipykernel", None)
    try:
        with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()) as printed:
            result = catalogue.example(name).run(**SMALLER.get(name, {}))
            return Run(result, printed.getvalue(), os.listdir())
    finally:
        if kernel is not None:
            sys.modules["ipykernel"] = kernel


def computed(name: str) -> Any:
    """The result of an example's run; a test must not change it."""
    return run_of(name).result
