"""A figure: matplotlib's, which also bears a text for those who do not see it, and saves itself."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Container
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as _Figure

from scalargrad.core.numbers import as_count
from scalargrad.plot.style import SETTINGS
from scalargrad.support.files import write_whole
from scalargrad.support.pages import offered

__all__ = ["Figure", "axes_of", "figure", "finished", "styled"]

P = ParamSpec("P")

_FORMATS = ("svg", "png", "pdf")
_NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


class Figure(_Figure):
    """A matplotlib figure with `alt`, what it shows in words, and `save`.

    It is made without pyplot: nothing is kept open, and no window appears. In a notebook it shows
    itself, once, with its text.
    """

    alt: str = ""
    _automatic: str = ""  # the text that `plot` made itself; another one is the caller's

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as .svg, .png or .pdf, as the suffix says; gives the path.

        A file of that name is replaced in one step: it is never left half written. An SVG bears
        the text `alt`, and is the same to the byte each time.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written.

        >>> sg.plot.lines({"y": [1, 4, 9]}, xlabel="x", ylabel="y").save("squares.svg").name
        'squares.svg'
        """
        target = Path(path)
        form = target.suffix.lower().removeprefix(".")
        if form not in _FORMATS:
            raise ValueError(
                f"cannot save as {target.suffix or target.name!r}: "
                f"the name must end in one of .{', .'.join(_FORMATS)}"
            )
        return write_whole(target, self._written(form))

    def _written(self, form: str) -> bytes:
        metadata = dict(_NO_DATE.get(form, {}))
        if form == "svg":
            metadata |= {"Title": self._title(), "Description": self.alt}
        buffer = io.BytesIO()
        self.savefig(buffer, format=form, metadata=metadata, dpi=150)
        return buffer.getvalue()

    def savefig(self, *args: Any, **settings: Any) -> None:
        """As in matplotlib, which writes more formats; in the style of this package."""
        with matplotlib.rc_context(SETTINGS):  # some of it is looked up when an axis is drawn
            super().savefig(*args, **settings)

    def _title(self) -> str:
        titles = [
            title for title in (self.get_suptitle(), *(ax.get_title() for ax in self.axes)) if title
        ]
        return titles[0] if titles else "Figure"

    def __repr__(self) -> str:
        return f"Figure({self.alt!r})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        # As an image in HTML: there an alternative text has its place, and a notebook that is not
        # trusted keeps it. An error here would fail a whole notebook.
        forms = {"text/plain": repr(self)}
        try:
            data = base64.b64encode(self._written("svg")).decode()
            forms["text/html"] = (
                f'<img alt="{escape(self.alt)}" style="max-width: 100%" '
                f'src="data:image/svg+xml;base64,{data}">'
            )
        except Exception as error:
            forms["text/plain"] += f" cannot be drawn: {error}"
        return offered(forms, include, exclude)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """The function, in the style of this package, whatever style the user has chosen."""

    @wraps(draw)
    def drawing(*args: P.args, **settings: P.kwargs) -> Figure:
        with matplotlib.rc_context(SETTINGS):
            return draw(*args, **settings)

    return drawing


@styled
def figure(
    rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float | None = None,
    alt: str = "", projection: str | None = None,
) -> Figure:  # fmt: skip
    """A figure with a grid of empty axes; every function of `plot` draws into one of them (`ax=`).

    Args:
        rows, columns: of the grid; `.axes` lists them row by row.
        width, height: in inches; by default it is 4.2 high for each row of axes.
        alt: what it will show, in words.
        projection: "3d" for axes with depth.

    Raises:
        TypeError, ValueError: a grid without axes, or another projection.

    >>> page = sg.plot.figure(1, 2)
    >>> len(page.axes)
    2
    """
    rows, columns = as_count(rows, "figure: rows", 0), as_count(columns, "figure: columns", 0)
    if rows < 1 or columns < 1:
        raise ValueError(f"a figure has at least one row and one column, got {rows} and {columns}")
    page = Figure(figsize=(width, height or 4.2 * rows), layout="constrained")
    page.subplots(rows, columns, subplot_kw={"projection": projection} if projection else {})
    page.alt = alt
    return page


def axes_of(ax: Axes | None, **settings: Any) -> Axes:
    """The axes to draw into: those given, or those of a new figure.

    Raises:
        TypeError: what is given is none, such as a whole figure, or all axes of `plt.subplots`.
    """
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be one of a figure's axes, such as .axes[0], got {type(ax).__name__}"
        )
    return figure(**settings).axes[0] if ax is None else ax


def finished(ax: Axes, title: str, alt: str | None, automatic: str) -> Figure:
    """Put the title, and the text if the figure has none yet; gives the figure.

    Args:
        ax: what was drawn into.
        title: above the axes.
        alt: the caller's words for the figure, or None.
        automatic: words made from the numbers, in case there are no others. Those of several axes
            stand one after the other.
    """
    if title:
        ax.set_title(title, fontsize=SETTINGS["axes.titlesize"])
    page: Figure = _page(ax)
    if not hasattr(page, "alt"):  # the caller's own figure, of matplotlib
        return page
    if alt is not None:
        page.alt = alt
    elif page.alt == page._automatic:
        told = f"{title}: {automatic}" if title and len(page.axes) > 1 else automatic
        page._automatic = page.alt = f"{page.alt}. {told}" if page.alt else told
    return page


def _page(ax: Axes) -> Any:
    try:
        return ax.get_figure(root=True)
    except TypeError:  # before matplotlib 3.10, where this is the whole figure already
        return ax.figure.figure
