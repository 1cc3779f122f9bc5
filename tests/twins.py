"""The node that does not run here, in a process of its own: what it says of the same programs.

Where the machine code runs, `Twin` is the node of Python. Both tell text, which must be the same.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from scalargrad.core.native import NATIVE, REASON

ROOT = Path(__file__).parents[1]
PURE = {"SCALARGRAD_PURE": "1", "SCALARGRAD_REQUIRE_NATIVE": ""}

__all__ = ["NATIVE", "PURE", "REASON", "ROOT", "Twin", "environment"]


def environment(**variables: str) -> dict[str, str]:
    """The variables of a process that imports this checkout and what its tests share.

    Its coverage is not measured: that takes memory, also where a test lets none be left.
    """
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    inherited = {name: x for name, x in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**inherited, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **variables}


class Twin:
    """A process with the node of Python that runs functions of the modules that tests share."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(**PURE),
        )  # fmt: skip

    def __call__(self, function: Any, *args: Any) -> Any:
        """The result of a function, looked up by name, on arguments that can be pickled."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump((function, args), self.process.stdin)
        self.process.stdin.flush()
        fault, result = pickle.load(self.process.stdout)
        assert not fault, fault
        return result

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a program prints is no answer
    while True:
        try:
            function, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = "", function(*args)
        except Exception:
            answer = traceback.format_exc(), None
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    assert not NATIVE
    _serve()
