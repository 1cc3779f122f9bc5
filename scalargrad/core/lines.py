"""Lines of the user's program: the one that runs, and the one that made a value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple
from weakref import ref

from scalargrad.core.modes import Mode, pushed

__all__ = ["Line", "calling_frame", "is_own", "line_of", "traced_lines"]


class Line(NamedTuple):
    """A line of a program: the file, its number there, and the function around it."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number} ({self.function})"


def is_own(frame: FrameType) -> bool:
    """Whether a frame belongs to this package; examples are written as users write."""
    name = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] == "scalargrad" and not name.startswith("scalargrad.examples.")


def calling_frame() -> FrameType:
    """The frame of the user's program that runs: the first one outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back and is_own(frame):
        frame = frame.f_back
    return frame


# By id, the lines of the values that were made while they were traced, until these are freed. Not
# by the values themselves: a recording refuses to look them up by hash.
_lines: dict[int, tuple[ref[Any], Line]] = {}


class _Tracer:
    """Stands where a mode has a set: notes the line of each value that is added."""

    def add(self, value: Any) -> None:
        frame = calling_frame()
        code = frame.f_code
        line, key = Line(code.co_filename, frame.f_lineno, code.co_name), id(value)
        _lines[key] = ref(value, lambda _: _lines.pop(key, None)), line


@contextmanager
def traced_lines() -> Iterator[None]:
    """Note for each Value made in this block the line of the program that makes it.

    `diagnose` shows these lines. They cannot be known afterwards, and noting them makes the
    operations in this block some fifty times slower: it is for a run that is to be examined.

    Yields:
        Nothing.

    >>> with sg.traced_lines():
    ...     y = sg.relu(Value(0.0))
    >>> sg.diagnose(y)[0].line is None
    False
    """
    tracer = _Tracer()
    with pushed(Mode(leaves=tracer, nodes=tracer)):  # type: ignore[arg-type]
        yield


def line_of(value: Any) -> Line | None:
    """The line that made a value, if it was traced."""
    weak, line = _lines.get(id(value), (None, None))
    return line if weak is not None and weak() is value else None
