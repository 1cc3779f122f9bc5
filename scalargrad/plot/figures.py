"""Matplotlib figures with a description for readers who cannot see them."""

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
from matplotlib.projections import get_projection_names
from PIL import Image

from scalargrad.core.arguments import as_choice, as_flag
from scalargrad.core.numbers import as_count, as_non_negative, shown
from scalargrad.plot.style import LEGEND, SETTINGS
from scalargrad.support.files import as_path, write_whole
from scalargrad.support.memory import check_memory
from scalargrad.support.pages import offered

__all__ = ["Figure", "axes_of", "figure", "finished", "label_axes", "styled"]

P = ParamSpec("P")

_FORMATS = ("svg", "png", "pdf")
_LARGE = 60_000  # bytes of an SVG in a notebook; with thousands of shapes pixels take less
_NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


class Figure(_Figure):
    """A matplotlib figure with the description `alt` and the method `save`.

    It does not use pyplot, so nothing stays open and no window appears. A notebook shows it once,
    with its description.

    >>> sg.plot.loss_curve([4.0, 2.0, 1.0]).alt != ""
    True
    """

    alt: str = ""
    _automatic: str = ""  # the description made by `plot`; a different one is the caller's

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure to a file whose suffix is .svg, .png or .pdf.

        The file is replaced in one step and never left half written. An SVG contains the
        description, and is the same to the byte each time.

        Args:
            path: the file to write.

        Returns:
            The path.

        Raises:
            ValueError: the suffix is another one.
            OSError: the file cannot be written.

        >>> sg.plot.lines({"y": [1, 4, 9]}, xlabel="x", ylabel="y").save("squares.svg").name
        'squares.svg'
        """
        target = as_path(path, "Figure.save")
        form = target.suffix.lower().removeprefix(".")
        if form not in _FORMATS:
            raise ValueError(
                f"cannot save as {target.suffix or target.name!r}: "
                f"the name must end in one of .{', .'.join(_FORMATS)}"
            )
        return write_whole(target, self._render(form))

    def _render(self, form: str) -> bytes:
        metadata = dict(_NO_DATE.get(form, {}))
        if form == "svg":
            metadata |= {"Title": self._title(), "Description": self.alt}
        buffer = io.BytesIO()
        self.savefig(buffer, format=form, metadata=metadata, dpi=150)
        return buffer.getvalue()

    def _pixels(self) -> bytes:
        """The figure as a PNG of at most 256 colours, which are plenty for a plot."""
        image = Image.open(io.BytesIO(self._render("png"))).convert("RGB").quantize(256)
        buffer = io.BytesIO()
        image.save(buffer, format="png", optimize=True)
        return buffer.getvalue()

    def savefig(self, *args: Any, **settings: Any) -> None:
        """Save as matplotlib does, with its arguments and formats, in the style of this package."""
        with matplotlib.rc_context(SETTINGS):  # matplotlib reads some settings when it draws
            super().savefig(*args, **settings)

    def _title(self) -> str:
        titles = [self.get_suptitle(), *(ax.get_title() for ax in self.axes), "Figure"]
        return next(filter(None, titles))

    def __repr__(self) -> str:
        return f"Figure({self.alt!r})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        # An image in HTML, which has an alternative text, and which a notebook that is not trusted
        # keeps. An error here would end the run of a whole notebook.
        forms = {"text/plain": repr(self)}
        try:
            kind, image = "svg+xml", self._render("svg")
            if len(image) > _LARGE and len(pixels := self._pixels()) < len(image):
                kind, image = "png", pixels
            data = base64.b64encode(image).decode()
            forms["text/html"] = (
                f'<img alt="{escape(self.alt)}" width="{96 * self.get_figwidth():.0f}" '
                f'style="max-width: 100%" src="data:image/{kind};base64,{data}">'
            )
        except Exception as error:
            forms["text/plain"] += f" cannot be drawn: {error}"
        return offered(forms, include, exclude)


_TEXTS = {"title", "xlabel", "ylabel", "zlabel", "alt"}
_FLAGS = {"bias", "markers", "signed"}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run the function in the style of this package, whatever style the user has chosen.

    The arguments that many functions share are checked here.
    """

    @wraps(draw)
    def drawing(*args: P.args, **settings: P.kwargs) -> Figure:
        for key, x in settings.items():
            name = f"{draw.__name__}: {key}"
            if key in _TEXTS and not isinstance(x, str) and (key != "alt" or x is not None):
                raise TypeError(f"{name} must be a string, got {shown(x)}")
            if key in _FLAGS:
                as_flag(x, name)
        with matplotlib.rc_context(SETTINGS):
            return draw(*args, **settings)

    return drawing


@styled
def figure(
    rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float | None = None,
    alt: str = "", projection: str | None = None,
) -> Figure:  # fmt: skip
    """Return a figure with a grid of empty axes, for the argument `ax` of the other functions.

    Args:
        rows: the number of rows; `.axes` lists the axes row by row.
        columns: the number of columns.
        width: the width in inches.
        height: the height in inches; by default 4.2 for each row.
        alt: the description of the figure.
        projection: "3d" for axes with depth.

    Returns:
        The figure.

    Raises:
        TypeError: `rows` or `columns` is not a whole number, or a length not a number.
        ValueError: `rows` or `columns` is below 1, a length is not above 0, or the projection is
            unknown.

    >>> page = sg.plot.figure(1, 2)
    >>> len(page.axes)
    2
    """
    rows, columns = as_count(rows, "figure: rows", 0), as_count(columns, "figure: columns", 0)
    if rows < 1 or columns < 1:
        raise ValueError(f"a figure has at least one row and one column, got {rows} and {columns}")
    check_memory(rows * columns, 100_000, "a figure of {} axes")
    width = _length(width, "figure: width")
    height = 4.2 * rows if height is None else _length(height, "figure: height")
    if projection is not None:
        as_choice(projection, get_projection_names(), "figure: projection")
    page = Figure(figsize=(width, height), layout="constrained")
    page.subplots(rows, columns, subplot_kw={"projection": projection} if projection else {})
    page.alt = alt
    return page


def _length(x: Any, name: str) -> float:
    length = as_non_negative(x, name)
    if length == 0.0:
        raise ValueError(f"{name} must be above 0, got {length!r}")
    return length


def axes_of(ax: Axes | None, **settings: Any) -> Axes:
    """Return the given axes, or those of a new figure."""
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax must be one of a figure's axes, such as .axes[0], got {shown(ax)}")
    return figure(**settings).axes[0] if ax is None else ax


def label_axes(ax: Axes, xlabel: str, ylabel: str, legend: bool = True) -> None:
    """Name the axes, and add grid lines and a legend if anything has a label."""
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True, color="#e6e6e6", linewidth=0.6)
    if legend and ax.get_legend_handles_labels()[1]:
        ax.legend(**LEGEND)


def finished(ax: Axes, title: str, alt: str | None, automatic: str) -> Figure:
    """Set the title of the axes and the description of their figure, and return the figure.

    Args:
        ax: the axes that were drawn into.
        title: the title above the axes.
        alt: the caller's description of the figure, or None.
        automatic: the description made from the numbers. Those of several axes are joined.
    """
    if title:
        ax.set_title(title, fontsize=SETTINGS["axes.titlesize"])
    page: Figure = _page(ax)
    if not hasattr(page, "alt"):  # a figure of the caller's
        return page
    if alt is not None:
        page.alt = alt
    elif page.alt == page._automatic:
        text = f"{title}: {automatic}" if title and len(page.axes) > 1 else automatic
        page._automatic = page.alt = f"{page.alt}. {text}" if page.alt else text
    return page


def _page(ax: Axes) -> Any:
    try:
        return ax.get_figure(root=True)
    except TypeError:  # matplotlib before 3.10
        return ax.figure.figure
