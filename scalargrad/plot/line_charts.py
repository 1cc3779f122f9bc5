"""Figures of lines: numbers by step, functions of a number, losses, activations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

import scalargrad.core.primitives as primitives
from scalargrad.core.arguments import is_list, listed
from scalargrad.core.numbers import shown
from scalargrad.core.rows import TABLE
from scalargrad.plot.arguments import (
    by_label,
    function,
    heights,
    number,
    one_of,
    optional,
    plain,
    spread,
)
from scalargrad.plot.figures import Figure, axes_of, finished, label_axes, styled
from scalargrad.plot.style import GREY, INK, MARKERS, line_style
from scalargrad.training.fit import History
from scalargrad.transforms.functional import grad

__all__ = ["activation", "curves", "lines", "loss_curve"]

Numbers = Sequence[float]


@styled
def lines(
    data: Mapping[str, Any], *, xlabel: str, ylabel: str, xscale: str = "linear",
    yscale: str = "linear", title: str = "", markers: bool = False, ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw numbers as lines, one line for each label.

    Args:
        data: a dict from label to numbers, or to a pair (xs, ys); numbers alone have the positions
            0, 1, 2 ...
        xlabel: the name of the horizontal axis.
        ylabel: the name of the vertical axis.
        xscale: "linear" or "log".
        yscale: "linear" or "log".
        title: the title above the axes.
        markers: whether to mark each number.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: `data` is not a dict, or an entry is not a number.
        ValueError: there is nothing to draw, xs and ys differ in length, a scale is unknown, or no
            number is above 0 on a logarithmic axis.

    >>> sg.plot.lines({"E": [4.0, 1.0, 2.0]}, xlabel="update", ylabel="E").alt
    'E over update: E goes from 4 to 2, lowest 1 at 1'
    """
    by_label(data, "lines", "numbers")
    pairs = {label: _pair(label, numbers) for label, numbers in data.items()}
    for name, scale, side in (("xscale", xscale, 0), ("yscale", yscale, 1)):
        one_of(scale, ("linear", "log"), f"lines: {name}")
        if scale == "log" and not any(
            isinstance(x, str) or x > 0.0 for pair in pairs.values() for x in pair[side]
        ):
            raise ValueError("lines: a logarithmic axis needs numbers above 0, and there are none")
    ax = axes_of(ax)
    texts = []
    for k, (label, (xs, ys)) in enumerate(pairs.items()):
        style = line_style(k) | ({"marker": MARKERS[k % len(MARKERS)]} if markers else {})
        ax.plot(xs, ys, label=label, markersize=4.5, **style)
        texts.append(f"{label} goes from {ys[0]:.3g} to {ys[-1]:.3g}{_lowest(xs, ys)}")
    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    label_axes(ax, xlabel, ylabel, legend=len(data) > 1)
    return finished(ax, title, alt, f"{ylabel} over {xlabel}: {'; '.join(texts)}")


@styled
def curves(
    functions: Mapping[str, Callable[[Any], Any]], span: tuple[float, float] = (-1.0, 1.0), *,
    points: tuple[Numbers, Numbers] | None = None,
    marks: Mapping[str, tuple[Numbers, Numbers]] | None = None, xlabel: str = "x",
    ylabel: str = "y", title: str = "", ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw functions of a number as lines, with gaps where they are undefined.

    Args:
        functions: a dict from label to a function that returns a number or a Value.
        span: the first and last number on the horizontal axis.
        points: a pair (xs, ys) to draw as dots.
        marks: a dict from label to further pairs (xs, ys), each with a marker of its own.
        xlabel: the name of the horizontal axis.
        ylabel: the name of the vertical axis.
        title: the title above the axes.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the arguments.

    Returns:
        The figure.

    Raises:
        TypeError: `functions` is not a dict of functions, or a point is not a number.
        ValueError: there is nothing to draw, a function is finite nowhere, or xs and ys differ in
            length.

    >>> sg.plot.curves({"sin": sg.sin}, (0.0, 3.0), points=([1.0, 2.0], [0.8, 0.9])).alt
    'sin from 0 to 3, with 2 points'
    """
    xs = spread(span)
    drawn = {
        label: heights(function(f, f"curves: {label!r}"), xs, f"curves: {label!r}")
        for label, f in by_label(functions, "curves", "function").items()
    }
    marks = optional(marks, "curves: marks", "label: (xs, ys)")
    if points is not None and (
        not is_list(points) or len(points) != 2 or not all(map(is_list, points))
    ):
        raise TypeError(f"curves: points must be a pair (xs, ys), got {shown(points)}")
    ax = axes_of(ax)
    for k, (label, ys) in enumerate(drawn.items()):
        ax.plot(xs, ys, label=label, **line_style(k))
    if points is not None:
        ax.plot(
            *_pair("points", tuple(points)), "o", color="white", markeredgecolor=INK, markersize=6
        )
    for k, (label, pair) in enumerate(marks.items()):
        ax.plot(*_pair(label, pair), MARKERS[(k + 1) % len(MARKERS)], color=INK, label=label)
    label_axes(ax, xlabel, ylabel, legend=len(functions) + len(marks) > 1)
    text = f"{', '.join(map(str, functions))} from {span[0]:g} to {span[1]:g}"
    text += f", with {len(points[0])} points" if points is not None else ""
    return finished(ax, title, alt, text)


@styled
def loss_curve(
    losses: History | Sequence[float] | Mapping[str, Any], *, title: str = "",
    yscale: str = "auto", ylabel: str = "loss", xlabel: str = "epoch", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw losses by epoch, and mark the lowest validation loss.

    Losses that are nan or infinite are left out, and the axis tells how many.

    Args:
        losses: the `History` of `sg.fit`, a list of losses, or a dict from label to these; of a
            history in a dict, the training losses are drawn.
        title: the title above the axes.
        yscale: "linear", "log", or "auto": logarithmic if all losses are positive and the largest
            is over 100 times the smallest.
        ylabel: the name of the vertical axis.
        xlabel: the name of the horizontal axis.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the losses.

    Returns:
        The figure.

    Raises:
        TypeError: `losses` is none of these.
        ValueError: there are no losses, the scale is unknown, or it is "log" and no loss is above
            0.

    >>> history = sg.History([4.0, 2.0, 1.0], validation=[4.0, 2.5, 3.0])
    >>> sg.plot.loss_curve(history).alt
    'loss by epoch: training from 4 to 1; validation from 4 to 3, lowest, 2.5, at epoch 1'
    """
    one_of(yscale, ("auto", "linear", "log"), "loss_curve: yscale")
    series = _series(losses)
    if not any(series.values()):
        raise ValueError("loss_curve: there is no loss to draw")
    finite = [y for numbers in series.values() for y in numbers if math.isfinite(y)]
    if yscale == "log" and finite and max(finite) <= 0.0:
        raise ValueError("loss_curve: a logarithmic axis needs losses above 0, and there are none")
    ax = axes_of(ax)
    texts, notes = [], []
    left_out = 0
    for k, (label, numbers) in enumerate(series.items()):
        shown = [(i, y) for i, y in enumerate(numbers) if math.isfinite(y)]
        missing = len(numbers) - len(shown)
        left_out += missing
        if not shown:
            texts.append(f"{label} is {'never finite' if numbers else 'empty'}")
            continue
        ax.plot(*zip(*shown, strict=True), label=label, **line_style(k))
        texts.append(f"{label} from {shown[0][1]:.3g} to {shown[-1][1]:.3g}")
        texts[-1] += f", not finite {missing} times" if missing else ""
        if label.startswith("validation"):
            epoch, lowest = min(shown, key=lambda point: point[1])
            ax.plot([epoch], [lowest], "o", color="white", markeredgecolor=INK, markersize=8)
            notes.append((f"lowest: {lowest:.3g} at {epoch}", (epoch, lowest)))
            texts[-1] += f", lowest, {lowest:.3g}, at {xlabel} {epoch}"
    if yscale == "auto" and finite and 0.0 < 100.0 * min(finite) < max(finite):
        yscale = "log"
    if yscale == "log" and finite:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for note, point in notes:
        _annotate(ax, note, point)
    count = f" ({left_out} not finite, left out)" if left_out else ""
    label_axes(ax, f"{xlabel}{count}", ylabel, legend=len(series) > 1)
    return finished(ax, title, alt, f"{ylabel} by {xlabel}: {'; '.join(texts)}")


@styled
def activation(
    g: str | Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]],
    span: tuple[float, float] = (-4.0, 4.0), *, title: str = "", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw an activation and, dashed, its derivative, which the engine computes.

    A curve has a gap where it jumps or is undefined.

    Args:
        g: the name of an operation, a function of a Value, or a dict from label to functions.
        span: the first and last number on the horizontal axis.
        title: the title above the axes.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: `g` is neither a name, nor a function, nor a dict of them.
        ValueError: no operation has that name, or a function is undefined everywhere.

    >>> sg.plot.activation("tanh").alt
    'tanh and its slope from -4 to 4; the slope of tanh is at most 1'
    """
    if isinstance(g, Mapping):
        entries = by_label(g, "activation", "function")
        functions = {str(label): _operation(f, label) for label, f in entries.items()}
    else:
        name = g if isinstance(g, str) else getattr(g, "__name__", "g")
        functions = {"g" if name == "<lambda>" else name: _operation(g, name)}
    ax = axes_of(ax)
    xs = spread(span, 401)
    alone = len(functions) == 1
    text = f"{', '.join(functions)} and {'its slope' if alone else 'their slopes'}"
    text += f" from {span[0]:g} to {span[1]:g}"
    for k, (label, f) in enumerate(functions.items()):
        look: Any = {"color": line_style(k)["color"]}
        if not alone:  # the slopes are dashed, so markers tell the functions apart
            look |= {"marker": MARKERS[k % len(MARKERS)], "markevery": (7 * k, 50), "markersize": 5}
        ax.plot(*_with_gaps(f, xs), label=label, **look)
        slope_xs, slopes = _with_gaps(grad(f), xs)
        slope_label = "its slope" if alone else f"slope of {label}"
        ax.plot(slope_xs, slopes, linestyle="--", linewidth=1.4, label=slope_label, **look)
        finite = [y for y in slopes if math.isfinite(y)]
        if not finite:
            raise ValueError(f"activation: {label} has no slope from {span[0]:g} to {span[1]:g}")
        text += f"; the slope of {label} is at most {max(finite):.3g}"
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    label_axes(ax, "z", "g(z), g'(z)")
    return finished(ax, title, alt, text)


def _with_gaps(f: Callable[[Any], Any], xs: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the points of a curve, with a nan where it jumps or is undefined."""

    def height(x: float) -> float:
        try:
            return number(f(x), "activation: a function")
        except (ArithmeticError, ValueError):  # log(-1), 1/0
            return math.nan

    ys = [height(x) for x in xs]
    finite = [y for y in ys if math.isfinite(y)]
    large = 0.1 * (max(finite) - min(finite)) if finite else 0.0
    shown_xs, shown_ys = [xs[0]], [ys[0]]
    for k in range(1, len(xs)):
        left, right, low, high = xs[k - 1], xs[k], ys[k - 1], ys[k]
        if abs(high - low) > large:  # steep, or a jump? A jump stays as high in a closer look.
            jump = abs(high - low)
            for _ in range(20):
                middle = 0.5 * (left + right)
                y = height(middle)
                if abs(y - low) > abs(high - y):
                    right, high = middle, y
                else:
                    left, low = middle, y
            if abs(high - low) > 0.5 * jump:
                shown_xs += [left, left, right]
                shown_ys += [low, math.nan, high]
        shown_xs.append(xs[k])
        shown_ys.append(ys[k])
    return shown_xs, shown_ys


def _lowest(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Describe where a line is lowest, unless that is at one of its ends."""
    finite = [(y, x) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
    if not finite:
        return ""
    lowest, x = min(finite)
    return "" if lowest in (ys[0], ys[-1]) else f", lowest {lowest:.3g} at {x:g}"


def _pair(label: Any, numbers: Any) -> tuple[list[Any], list[float]]:
    """Return xs and ys; numbers alone have the positions 0, 1, 2 ..."""
    iterable = isinstance(numbers, Iterable) and not isinstance(numbers, str | bytes)
    if not iterable or getattr(numbers, "ndim", 1) == 0:
        got = shown(numbers)
        raise TypeError(f"{label!r}: numbers or a pair (xs, ys) are needed, got {got}")
    if isinstance(numbers, tuple) and len(numbers) == 2 and isinstance(numbers[0], Iterable):
        # matplotlib also takes texts as positions, such as the names of months
        xs = [x if isinstance(x, str) else plain(x, f"{label!r}: xs") for x in numbers[0]]
        ys = [plain(y, f"{label!r}: ys") for y in numbers[1]]
    else:
        rows = list(numbers)
        if any(isinstance(row, Iterable) and getattr(row, "ndim", 1) for row in rows):
            raise TypeError(
                f"{label!r}: give (xs, ys), a tuple of all xs and all ys; got {len(rows)} rows"
            )
        ys = [plain(y, f"{label!r}") for y in rows]
        xs = list(range(len(ys)))
    if len(xs) != len(ys) or not ys:
        raise ValueError(f"{label!r}: there must be one y for each x, got {len(xs)} and {len(ys)}")
    return xs, ys


def _operation(g: Any, label: Any) -> Callable[[Any], Any]:
    """Return the operation of that name, or the function itself."""
    if not isinstance(g, str):
        return function(g, f"activation: {label!r}")
    operation = getattr(primitives, g, None)
    if not callable(operation):
        names = [name for name, row in TABLE.items() if row.public]
        matches = get_close_matches(g.lower(), names, 1)
        hint = f", or did you mean {matches[0]!r}?" if matches else ""
        raise ValueError(f"activation: no operation {g!r}; give a function of a Value{hint}")
    return operation  # type: ignore[no-any-return]


def _series(losses: Any) -> dict[str, list[float]]:
    if isinstance(losses, History):
        series = {"training": losses.losses, "validation": losses.validation}
        series = {label: numbers for label, numbers in series.items() if numbers}
    elif isinstance(losses, Mapping):
        series = {str(k): y.losses if isinstance(y, History) else y for k, y in losses.items()}
    else:
        series = {"loss": losses}
    for label, numbers in series.items():
        wanted = f"loss_curve: {label!r} must be a history or a list"
        series[label] = listed(numbers, "loss_curve", wanted=wanted)
    return {
        label: [plain(y, f"loss_curve: {label!r}") for y in numbers]
        for label, numbers in series.items()
    }


def _annotate(ax: Axes, text: str, point: tuple[float, float]) -> None:
    """Write a note next to a point, where it covers the least of the lines."""
    box, page = ax.get_position(), ax.figure
    size = np.array([box.width * page.bbox.width, box.height * page.bbox.height]) / page.dpi * 72
    to_axes = ax.transScale + ax.transLimits  # to positions in the frame, from (0, 0) to (1, 1)
    samples = []
    for line in ax.lines:
        vertices = to_axes.transform(np.column_stack(line.get_data()).astype(float))
        along = np.linspace(0, len(vertices) - 1, 500)
        samples.append([np.interp(along, range(len(vertices)), side) for side in vertices.T])
    xs, ys = np.hstack(samples) * size[:, None]
    x0, y0 = to_axes.transform(point) * size
    width, height = 4.9 * len(text), 11.0  # in points, at this font size

    def covered(offset: tuple[int, int]) -> int:
        left = x0 + offset[0] - (width if offset[0] < 0 else 0.0)
        low = y0 + offset[1]
        outside = left < 0.0 or left + width > size[0] or low < 0.0 or low + height > size[1]
        met = (xs > left - 2) & (xs < left + width + 2) & (ys > low - 2) & (ys < low + height + 2)
        return int(met.sum()) + 10_000 * int(outside)

    rises = (-17, 8, -32, 23, -47, 38, -62, 53)
    best = min(((side, rise) for rise in rises for side in (10, -10)), key=covered)
    leader = {"arrowstyle": "-", "color": GREY} if abs(best[1]) > 25 else None
    ax.annotate(
        text, point, xytext=best, arrowprops=leader, ha="right" if best[0] < 0 else "left",
        va="bottom", textcoords="offset points", fontsize=9, zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
    )  # fmt: skip
