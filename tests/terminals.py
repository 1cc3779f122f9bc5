"""What tests of progress bars write to in place of a terminal, and a clock for tqdm."""

import io
import itertools
import sys

import pytest


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def slow_clock(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.5) -> None:
    """Give tqdm a clock on which this much time passes between two looks, and no notebook."""
    clock = itertools.count(0.0, seconds)
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
