"""A line on standard error that is written over: how much of a long work is done, and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from time import monotonic
from typing import TypeVar

__all__ = ["ProgressLine", "tracked"]

T = TypeVar("T")


class ProgressLine:
    """Shows `[#####     ] 12 s left` once a work lasts over a second; silent in files and pipes.

    Args:
        wanted: False never shows anything.
    """

    def __init__(self, wanted: bool = True) -> None:
        # a log file gets no such line; a notebook understands the carriage return
        terminal = sys.stderr is not None and sys.stderr.isatty()  # None: started without a console
        self.on = wanted and (terminal or "ipykernel" in sys.modules)
        self.start, self.last, self.width = monotonic(), monotonic(), 0

    def is_due(self) -> bool:
        """Whether a second has passed since the start, and a fifth of one since the last line."""
        now = monotonic()
        due = self.on and now - self.last >= 0.2 and now - self.start >= 1.0
        if due:
            self.last = now
        return due

    def show(self, before: str, done: float, after: str = "") -> None:
        """Write the line anew, when it is due.

        Args:
            before: the words before the bar.
            done: the share that is done, over 0 and up to 1.
            after: the words behind the bar, before the time that is left.
        """
        left = (self.last - self.start) * (1.0 / done - 1.0)
        text = f"{before} [{'#' * round(20 * done):<20}] {after}{left:.0f} s left"
        self.width = max(self.width, len(text))
        print(f"\r{text:<{self.width}}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line, if there was one."""
        if self.width:
            print(file=sys.stderr)


def tracked(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items one after the other, with a progress line while the caller works on each.

    Args:
        items: what is gone through.
        what: the word before the bar.
        total: how many there are; by default `len(items)`.

    >>> [k * k for k in tracked(range(4), "squaring")]
    [0, 1, 4, 9]
    """
    if total is None:
        if not isinstance(items, Sized):
            raise TypeError(f"tracked: {type(items).__name__} has no length; give total=")
        total = len(items)
    line = ProgressLine()
    try:
        for done, item in enumerate(items):
            if done and line.is_due():
                line.show(f"{what} {done} of {total}", done / total)
            yield item
    finally:
        line.close()
