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
from scalargrad.core.rows import TABLE
from scalargrad.plot.arguments import by_label, heights, number, plain, spread
from scalargrad.plot.figures import Figure, axes_of, finished, styled
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
    """Numbers as lines, one for each label.

    Args:
        data: for each label the numbers, or a pair (xs, ys); alone they are at 0, 1, 2 ...
        xlabel, ylabel: what the axes show.
        xscale, yscale: "linear" or "log".
        title: above the axes.
        markers: show each number as a mark as well.
        ax: axes to draw into, in place of a new figure.
        alt: what the figure shows, in words; by default they are made from the numbers.

    Raises:
        TypeError: `data` is no dict, or what is in it is no number.
        ValueError: there is nothing to draw, xs and ys are not equally many, or nothing is above
            0 on a logarithmic axis.

    >>> sg.plot.lines({"E": [4.0, 1.0, 2.0]}, xlabel="update", ylabel="E").alt
    'E over update: E goes from 4 to 2, lowest 1 at 1'
    """
    by_label(data, "lines", "numbers")
    pairs = {label: _pair(label, numbers) for label, numbers in data.items()}
    for scale, side in ((xscale, 0), (yscale, 1)):
        if scale == "log" and not any(
            isinstance(x, str) or x > 0.0 for pair in pairs.values() for x in pair[side]
        ):
            raise ValueError("lines: a logarithmic axis needs numbers above 0, and there are none")
    ax = axes_of(ax)
    told = []
    for k, (label, (xs, ys)) in enumerate(pairs.items()):
        style = line_style(k) | ({"marker": MARKERS[k % len(MARKERS)]} if markers else {})
        ax.plot(xs, ys, label=label, markersize=4.5, **style)
        told.append(f"{label} goes from {ys[0]:.3g} to {ys[-1]:.3g}{_lowest(xs, ys)}")
    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    _name(ax, xlabel, ylabel, legend=len(data) > 1)
    return finished(ax, title, alt, f"{ylabel} over {xlabel}: {'; '.join(told)}")


@styled
def curves(
    functions: Mapping[str, Callable[[Any], Any]], span: tuple[float, float] = (-1.0, 1.0), *,
    points: tuple[Numbers, Numbers] | None = None,
    marks: Mapping[str, tuple[Numbers, Numbers]] | None = None, xlabel: str = "x",
    ylabel: str = "y", title: str = "", ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Functions of a number as lines, with points beside them.

    Args:
        functions: by label; each takes a number and gives a number or a Value. Where one is not
            defined, it has a gap.
        span: from where to where.
        points: (xs, ys) as dots; marks: more of them by label, each with a mark of its own.
        xlabel, ylabel, title, ax, alt: as for `lines`.

    Raises:
        TypeError: `functions` is no dict of functions, or a point is no number.
        ValueError: there is nothing to draw, a function is finite nowhere, or xs and ys are not
            equally many.

    >>> sg.plot.curves({"sin": sg.sin}, (0.0, 3.0), points=([1.0, 2.0], [0.8, 0.9])).alt
    'sin from 0 to 3, with 2 points'
    """
    xs = spread(span)
    drawn = {
        label: heights(_callable(f, "curves", label), xs, f"curves: {label!r}")
        for label, f in by_label(functions, "curves", "function").items()
    }
    ax = axes_of(ax)
    for k, (label, ys) in enumerate(drawn.items()):
        ax.plot(xs, ys, label=label, **line_style(k))
    if points is not None:
        ax.plot(*_pair("points", points), "o", color="white", markeredgecolor=INK, markersize=6)
    for k, (label, pair) in enumerate((marks or {}).items()):
        ax.plot(*_pair(label, pair), MARKERS[(k + 1) % len(MARKERS)], color=INK, label=label)
    _name(ax, xlabel, ylabel, legend=len(functions) + len(marks or {}) > 1)
    told = f"{', '.join(map(str, functions))} from {span[0]:g} to {span[1]:g}"
    told += f", with {len(points[0])} points" if points is not None else ""
    return finished(ax, title, alt, told)


@styled
def loss_curve(
    losses: History | Sequence[float] | Mapping[str, Any], *, title: str = "",
    log: bool | str = "auto", ylabel: str = "loss", xlabel: str = "epoch", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Losses by epoch; of a validation curve the lowest place is marked.

    Args:
        losses: what `sg.fit` gives, a list of losses, or several of these by label (then the
            training losses of what `sg.fit` gave).
        title, ax, alt: as for `lines`.
        log: a logarithmic axis; "auto" takes one where all are positive and span a factor of 100.
        ylabel: what the losses are; xlabel: what they are counted by.

    What is nan or infinite is left out, and the axis says how many that are.

    Raises:
        TypeError: `losses` is none of these.
        ValueError: there is no loss to draw, `log` is none of True, False and "auto", or it is
            True and no loss is above 0.

    >>> history = sg.History([4.0, 2.0, 1.0], validation=[4.0, 2.5, 3.0])
    >>> sg.plot.loss_curve(history).alt
    'loss by epoch: training from 4 to 1; validation from 4 to 3, lowest, 2.5, at epoch 1'
    """
    if log not in (True, False, "auto"):
        raise ValueError(f'loss_curve: log is True, False or "auto", got {log!r}')
    series = _series(losses)
    if not any(series.values()):
        raise ValueError("loss_curve: there is no loss to draw")
    finite = [y for numbers in series.values() for y in numbers if math.isfinite(y)]
    if log is True and finite and max(finite) <= 0.0:
        raise ValueError("loss_curve: a logarithmic axis needs losses above 0, and there are none")
    ax = axes_of(ax)
    told, notes = [], []
    left_out = 0
    for k, (label, numbers) in enumerate(series.items()):
        shown = [(i, y) for i, y in enumerate(numbers) if math.isfinite(y)]
        if not shown:
            left_out += len(numbers)
            told.append(f"{label} is {'never finite' if numbers else 'empty'}")
            continue
        ax.plot(*zip(*shown, strict=True), label=label, **line_style(k))
        told.append(f"{label} from {shown[0][1]:.3g} to {shown[-1][1]:.3g}")
        if len(shown) < len(numbers):
            left_out += len(numbers) - len(shown)
            told[-1] += f", not finite {len(numbers) - len(shown)} times"
        if label.startswith("validation"):
            epoch, lowest = min(shown, key=lambda place: place[1])
            ax.plot([epoch], [lowest], "o", color="white", markeredgecolor=INK, markersize=8)
            notes.append((f"lowest: {lowest:.3g} at {epoch}", (epoch, lowest)))
            told[-1] += f", lowest, {lowest:.3g}, at {xlabel} {epoch}"
    if (log is True and finite) or (log == "auto" and finite and _spans_decades(finite)):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    note = f" ({left_out} not finite, left out)" if left_out else ""
    for text, place in notes:
        _write_beside(ax, text, place)
    _name(ax, f"{xlabel}{note}", ylabel, legend=len(series) > 1)
    return finished(ax, title, alt, f"{ylabel} by {xlabel}: {'; '.join(told)}")


@styled
def activation(
    g: str | Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]],
    span: tuple[float, float] = (-4.0, 4.0), *, title: str = "", ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """An activation and its slope (dashed), which the engine derives.

    Args:
        g: the name of an operation, a function of a Value, or several functions by label.
        span: from where to where.
        title, ax, alt: as for `lines`.

    Where a curve jumps, or is not defined, it has a gap.

    Raises:
        TypeError: `g` is neither a name, nor a function, nor a dict of them.
        ValueError: there is no operation of that name, or a function is nowhere defined.

    >>> sg.plot.activation("tanh").alt
    'tanh and its slope from -4 to 4; the slope of tanh is at most 1'
    """
    if isinstance(g, Mapping):
        given = by_label(g, "activation", "function")
        functions = {str(label): _operation(f, label) for label, f in given.items()}
    else:
        name = g if isinstance(g, str) else getattr(g, "__name__", "g")
        functions = {"g" if name == "<lambda>" else name: _operation(g, name)}
    ax = axes_of(ax)
    xs = spread(span, 401)
    told = f"{', '.join(functions)} and {'its slope' if len(functions) == 1 else 'their slopes'}"
    told += f" from {span[0]:g} to {span[1]:g}"
    for k, (label, f) in enumerate(functions.items()):
        look: Any = {"color": line_style(k)["color"]}
        if len(functions) > 1:  # dashes are for the slopes: marks tell the functions apart
            look |= {"marker": MARKERS[k % len(MARKERS)], "markevery": (7 * k, 50), "markersize": 5}
        slope_label = "its slope" if len(functions) == 1 else f"slope of {label}"
        ax.plot(*_with_gaps(f, xs), label=label, **look)
        places, slopes = _with_gaps(grad(f), xs)
        ax.plot(places, slopes, linestyle="--", linewidth=1.4, label=slope_label, **look)
        finite = [y for y in slopes if math.isfinite(y)]
        if not finite:
            raise ValueError(f"activation: {label} has no slope from {span[0]:g} to {span[1]:g}")
        told += f"; the slope of {label} is at most {max(finite):.3g}"
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    _name(ax, "z", "g(z), g'(z)", legend=True)
    return finished(ax, title, alt, told)


def _with_gaps(f: Callable[[Any], Any], xs: Sequence[float]) -> tuple[list[float], list[float]]:
    """Places and heights of a curve, with a nan where it jumps or is not defined."""

    def height(x: float) -> float:
        try:
            return number(f(x), "activation: a function")
        except (ArithmeticError, ValueError):  # log(-1), 1/0
            return math.nan

    ys = [height(x) for x in xs]
    finite = [y for y in ys if math.isfinite(y)]
    large = 0.1 * (max(finite) - min(finite)) if finite else 0.0
    places, shown = [xs[0]], [ys[0]]
    for k in range(1, len(xs)):
        left, right, low, high = xs[k - 1], xs[k], ys[k - 1], ys[k]
        if abs(high - low) > large:  # a steep way, or a jump? That remains however close one looks
            jump = abs(high - low)
            for _ in range(20):
                middle = 0.5 * (left + right)
                y = height(middle)
                if abs(y - low) > abs(high - y):
                    right, high = middle, y
                else:
                    left, low = middle, y
            if abs(high - low) > 0.5 * jump:
                places += [left, left, right]
                shown += [low, math.nan, high]
        places.append(xs[k])
        shown.append(ys[k])
    return places, shown


def _lowest(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Where a line is lowest, in words, if that is at neither of its ends."""
    finite = [(y, x) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
    if not finite:
        return ""
    lowest, place = min(finite)
    return "" if lowest in (ys[0], ys[-1]) else f", lowest {lowest:.3g} at {place:g}"


def _pair(label: Any, numbers: Any) -> tuple[list[Any], list[float]]:
    """The xs and the ys; a list of numbers alone stands at 0, 1, 2 ..."""
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        got = type(numbers).__name__
        raise TypeError(f"{label!r}: numbers or a pair (xs, ys) are needed, got {got}")
    if isinstance(numbers, tuple) and len(numbers) == 2 and isinstance(numbers[0], Iterable):
        # names of months, say, may stand below the axis: matplotlib knows what to do with them
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


def _callable(f: Any, taker: str, label: Any) -> Callable[[Any], Any]:
    if not callable(f):
        raise TypeError(f"{taker}: {label!r} must be a function, got {type(f).__name__}")
    return f  # type: ignore[no-any-return]


def _operation(g: Any, label: Any) -> Callable[[Any], Any]:
    """The function itself, or the one of that name."""
    if not isinstance(g, str):
        return _callable(g, "activation", label)
    if not callable(getattr(primitives, g, None)):
        names = [name for name, row in TABLE.items() if row.public]
        like = get_close_matches(g.lower(), names, 1)
        hint = "give a function of a Value" + (f", or did you mean {like[0]!r}?" if like else "")
        raise ValueError(f"activation: there is no operation {g!r}; {hint}")
    return getattr(primitives, g)  # type: ignore[no-any-return]


def _series(losses: Any) -> dict[str, list[float]]:
    if isinstance(losses, History):
        found = {"training": losses.losses, "validation": losses.validation}
        found = {label: numbers for label, numbers in found.items() if numbers}
    elif isinstance(losses, Mapping):
        found = {str(k): y.losses if isinstance(y, History) else y for k, y in losses.items()}
    else:
        found = {"loss": losses}
    for label, numbers in found.items():
        if isinstance(numbers, str) or not isinstance(numbers, Iterable):
            got = type(numbers).__name__
            raise TypeError(f"loss_curve: {label!r} must be a history or a list, got {got}")
    return {
        label: [plain(y, f"loss_curve: {label!r}") for y in numbers]
        for label, numbers in found.items()
    }


def _write_beside(ax: Axes, text: str, place: tuple[float, float]) -> None:
    """A note next to a place, on the side where the lines run through it least."""
    box, page = ax.get_position(), ax.figure
    size = np.array([box.width * page.bbox.width, box.height * page.bbox.height]) / page.dpi * 72
    to_axes = ax.transScale + ax.transLimits  # where in the frame, from (0, 0) to (1, 1)
    runs = []
    for line in ax.lines:
        run = to_axes.transform(np.column_stack(line.get_data()).astype(float))
        along = np.linspace(0, len(run) - 1, 500)
        runs.append([np.interp(along, range(len(run)), side) for side in run.T])
    xs, ys = np.hstack(runs) * size[:, None]
    x0, y0 = to_axes.transform(place) * size
    wide, high = 4.9 * len(text), 11.0  # points, at this size of letters

    def hits(offset: tuple[int, int]) -> int:
        left = x0 + offset[0] - (wide if offset[0] < 0 else 0.0)
        low = y0 + offset[1]
        out = left < 0.0 or left + wide > size[0] or low < 0.0 or low + high > size[1]
        met = (xs > left - 2) & (xs < left + wide + 2) & (ys > low - 2) & (ys < low + high + 2)
        return int(met.sum()) + 10_000 * int(out)

    rises = (-17, 8, -32, 23, -47, 38, -62, 53)
    best = min(((side, rise) for rise in rises for side in (10, -10)), key=hits)
    leader = {"arrowstyle": "-", "color": GREY}
    far = abs(best[1]) > 25  # then a thin line leads to the place
    ax.annotate(
        text, place, xytext=best, arrowprops=leader if far else None,
        ha="right" if best[0] < 0 else "left", va="bottom",
        textcoords="offset points", fontsize=9, zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
    )  # fmt: skip


def _spans_decades(numbers: Sequence[float]) -> bool:
    return min(numbers) > 0.0 and max(numbers) > 100.0 * min(numbers)


def _name(ax: Axes, xlabel: str, ylabel: str, legend: bool) -> None:
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True, color="#e6e6e6", linewidth=0.6)
    if legend and ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=True, framealpha=0.85, edgecolor="none")
