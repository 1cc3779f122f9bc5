"""Progress bars for long work: tqdm's, shown only where someone can watch them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

__all__ = ["progress_bar", "tracked"]

T = TypeVar("T")


def progress_bar(
    items: Iterable[Any] | None, description: str, total: int | None = None, unit: str = "it",
    done: int = 0,
) -> Any:  # fmt: skip
    """Return a tqdm bar that appears after one second of work, or None where nobody watches.

    A terminal gets the bar on standard error. A log file or a pipe gets nothing, and tqdm is not
    even imported. A notebook gets tqdm's widget, or without ipywidgets a line of text; both vanish
    at the end, so that an exported page shows results alone.

    Args:
        items: what the bar iterates over; None for a bar that the caller updates.
        description: the word before the bar.
        total: the number of items; by default `len(items)`, if they have a length.
        unit: the name of one item, in the rate.
        done: the number of items that were done before, and do not count in the rate.
    """
    notebook = "ipykernel" in sys.modules
    terminal = sys.stderr is not None and sys.stderr.isatty()  # None: started without a console
    if not (notebook or terminal):
        return None
    widgets = find_spec("ipywidgets") is not None
    # Without ipywidgets tqdm.auto gives the bar of tqdm as well, but in a notebook it warns first.
    return import_module("tqdm.auto" if widgets else "tqdm").tqdm(
        items, description, total, unit=unit, initial=done, delay=1.0, leave=not notebook,
        dynamic_ncols=True,
        file=_NotebookLine() if notebook and not widgets else None,
    )  # fmt: skip


class _NotebookLine:
    """A line of text in a notebook's output that each write replaces.

    Not standard error, which has a red background, and not standard output: an exported page shows
    every state of a line that is written there.
    """

    encoding = "utf-8"  # tells tqdm that it may draw the bar with block characters
    display: Any = None

    def write(self, text: str) -> None:
        content = {"text/plain": text.strip("\r\n")}
        if self.display is None:
            self.display = import_module("IPython.display").display(
                content, raw=True, display_id=True
            )
        else:
            self.display.update(content, raw=True)

    def flush(self) -> None:
        """Do nothing: the notebook has the text already."""


def tracked(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Return an iterable of the same items that shows a progress bar; see `progress_bar`.

    >>> [k * k for k in tracked(range(4), "squaring")]
    [0, 1, 4, 9]
    """
    bar = progress_bar(items, description, total)
    return items if bar is None else bar
