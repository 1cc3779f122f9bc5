"""Ctrl-C, or something else, at a given line of the package: all or nothing must be changed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


@contextmanager
def ctrl_c_at_line(n: int, happen: Callable[[], None] = press_ctrl_c) -> Iterator[None]:
    """Press Ctrl-C, or do something else, before the n-th line that is run in the package."""
    left = n

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if not frame.f_globals.get("__name__", "").startswith("scalargrad"):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                happen()
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(outer)
