"""Grouped bars, and a grid of images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from scalargrad.core.arguments import is_list, listed
from scalargrad.core.numbers import as_count, shown, written
from scalargrad.plot.arguments import by_label, pair, plain
from scalargrad.plot.figures import Figure, axes_of, figure, finished, styled
from scalargrad.plot.style import HATCHES, INK, LEGEND

__all__ = ["bars", "images"]

# From dark to light by way of a neutral grey: the order of the numbers shows in grey print too
_SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#0f2f57", "#56769f", "#b8b8b8", "#e9cd8f", "#fff8e1"]
)
_SHADES = ("#ffffff", "#9aa7b5", "#4a5d73", "#d9d0c1", "#2b2b2b", "#c9c9c9")


@styled
def bars(
    data: Mapping[str, Sequence[Any]], names: Sequence[str], *, ylabel: str, title: str = "",
    xlabel: str = "", ylim: tuple[float, float] | None = None, ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw groups of bars: one group for each name, with one bar for each label.

    Args:
        data: a dict from label to numbers, one number for each name.
        names: the names of the groups, below the axis.
        ylabel: the name of the vertical axis.
        title: the title above the axes.
        xlabel: the name of the horizontal axis.
        ylim: the lowest and the highest number to show.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: `data` is not a dict, or an entry is not a number.
        ValueError: there is nothing to draw, or a label does not have one number for each name.

    >>> sg.plot.bars({"real": [1, 0], "predicted": [0.9, 0.2]}, ["Mon", "Tue"], ylabel="p").alt
    'p of Mon, Tue: real 1, 0; predicted 0.9, 0.2'
    """
    wanted = "bars: names must be a list of names"
    names = [_text(name) for name in listed(names, "bars", wanted=wanted)]
    if not names:
        raise ValueError("bars: there is nothing to draw, names is empty")
    for label, numbers in by_label(data, "bars", "numbers").items():
        if not is_list(numbers):
            raise TypeError(f"bars: {label!r} must be a list of numbers, got {written(numbers)}")
        if len(numbers) != len(names):
            raise ValueError(
                f"bars: {label!r} must have a number for each of {len(names)} names, "
                f"got {len(numbers)}"
            )
    limits = () if ylim is None else pair(ylim, "bars: ylim")
    ax = axes_of(ax, height=3.8)
    width = 0.8 / len(data)
    for k, (label, numbers) in enumerate(data.items()):
        positions = [i - 0.4 + width * (k + 0.5) for i in range(len(names))]
        ax.bar(
            positions, [plain(y, f"bars: {label!r}") for y in numbers], width, label=label,
            edgecolor=INK, linewidth=0.8,
            color=_SHADES[k % len(_SHADES)] if len(data) > 1 else "#9aa7b5",
            hatch=HATCHES[k % len(HATCHES)],
        )  # fmt: skip
    ax.axhline(0.0, color=INK, linewidth=0.8)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlabel(xlabel or " ")
    ax.set_ylabel(ylabel)
    if ylim is not None:
        ax.set_ylim(*limits)
    if len(data) > 1:
        ax.legend(**LEGEND)
    numbers_by_label = "; ".join(
        f"{label} {', '.join(f'{plain(y):.3g}' for y in numbers)}"
        for label, numbers in data.items()
    )
    return finished(ax, title, alt, f"{ylabel} of {', '.join(names)}: {numbers_by_label}")


@styled
def images(
    pictures: Sequence[Sequence[Sequence[Any]]], titles: Sequence[str], *, columns: int = 3,
    title: str = "", signed: bool = False, width: float = 2.3, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw a grid of images, all on one scale.

    Args:
        pictures: images, each a list of rows of numbers from 0 (black) to 1 (white); numbers beyond
            are clipped.
        titles: one title for each image.
        columns: the number of images side by side.
        title: the title above all images.
        signed: the numbers are weights: 0 is grey, positive ones are light and negative ones dark;
            a scale stands beside them, and small images show each number.
        width: the width of an image in inches.
        alt: a description of the figure; by default it lists the titles.

    Returns:
        The figure.

    Raises:
        TypeError: an entry of a row is not a number.
        ValueError: the numbers of titles and images differ, or the rows of an image differ in
            length.

    >>> sg.plot.images([[[0, 1], [1, 0]]], ["a chequerboard"], columns=1).alt
    'Pictures: a chequerboard'
    """
    wanted = "images: titles must be a list of titles"
    titles = [titles] if isinstance(titles, str) else listed(titles, "images", wanted=wanted)
    titles = [_text(name) for name in titles]
    if not is_list(pictures):
        raise TypeError(f"images: pictures must be a list of pictures, got {shown(pictures)}")
    if len(pictures) != len(titles) or not titles:
        raise ValueError(
            f"images: there must be a title for each picture, got {len(titles)} for {len(pictures)}"
        )
    for picture, name in zip(pictures, titles, strict=True):
        if not is_list(picture) or not all(map(is_list, picture)):
            raise ValueError(f"images: {name!r} must be a list of rows; of one picture give [rows]")
        lengths = {len(row) for row in picture}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"images: {name!r} must have rows of one length, got {sorted(lengths) or 'no rows'}"
            )
    if (columns := as_count(columns, "images: columns", least=0)) < 1:
        raise ValueError(f"images needs at least one column, got {columns}")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    tall = max(len(picture) / len(picture[0]) for picture in pictures)  # height over width
    height = ((width - 0.1) * tall + 0.45) * rows + (0.35 if title else 0.0)
    page = figure(rows, columns, width=width * columns + (0.8 if signed else 0.0), height=height)
    for ax in page.axes:
        ax.set_axis_off()
    numbers = [
        [[plain(x, f"images: {name!r}") for x in row] for row in picture]
        for picture, name in zip(pictures, titles, strict=True)
    ]
    sizes = [abs(x) for picture in numbers for row in picture for x in row]
    largest = max((x for x in sizes if math.isfinite(x)), default=0.0) or 1.0
    for ax, picture, name in zip(page.axes, numbers, titles, strict=False):
        if signed:
            shades = ax.imshow(picture, cmap=_SIGNED, vmin=-largest, vmax=largest)
            if len(picture[0]) <= 4.0 * width / 2.3:  # there is room for numbers
                _write_numbers(ax, picture, largest)
        else:
            ax.imshow(picture, cmap="gray", vmin=0.0, vmax=1.0)
        # a frame, because a white image has no edge on white paper
        right, bottom = len(picture[0]) - 0.5, len(picture) - 0.5
        xs, ys = [-0.5, right, right, -0.5, -0.5], [-0.5, -0.5, bottom, bottom, -0.5]
        ax.plot(xs, ys, color=INK, linewidth=1.0, clip_on=False)
        ax.set_title(name, fontsize=10)
    if title:
        page.suptitle(title, fontsize=11)
    if signed:
        scale = page.colorbar(shades, ax=page.axes, shrink=0.8, ticks=[-largest, 0.0, largest])
        scale.set_ticklabels([f"{-largest:.2g}", "0", f"{largest:+.2g}"])
    page.alt = alt if alt is not None else f"Pictures: {'; '.join(titles)}".replace("\n", " ")
    return finished(page.axes[0], "", None, "")


def _write_numbers(ax: Axes, picture: Sequence[Sequence[float]], largest: float) -> None:
    for i, row in enumerate(picture):
        for j, x in enumerate(row):
            dark = x < -0.25 * largest
            ax.text(
                j, i, f"{x:+.2f}", ha="center", va="center", fontsize=9,
                color="white" if dark else INK,
            )  # fmt: skip


def _text(name: Any) -> str:
    try:
        return str(name)
    except Exception:  # an int of 5,000 digits, a faulty __str__
        return written(name)
