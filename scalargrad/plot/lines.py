"""Figures of lines: numbers by step, functions of a number, losses, activations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

import scalargrad.primitives as primitives
from scalargrad.engine import Value
from scalargrad.functional import grad
from scalargrad.plot.figure import Figure, axes_of, finished, styled
from scalargrad.plot.style import GREY, INK, MARKERS, line_style
from scalargrad.training import History

__all__ = ["activation", "curves", "lines", "loss_curve", "plain", "spread"]

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
        ValueError: there is nothing to draw, or xs and ys are not equally many.

    >>> sg.plot.lines({"E": [4.0, 1.0, 2.0]}, xlabel="update", ylabel="E").alt
    'E over update: E goes from 4 to 2, lowest 1 at 1'
    """
    if not data:
        raise ValueError("lines: there is nothing to draw")
    ax = axes_of(ax)
    told = []
    for k, (label, numbers) in enumerate(data.items()):
        xs, ys = _pair(label, numbers)
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
        functions: by label; each takes a number and gives a number or a Value.
        span: from where to where.
        points: (xs, ys) as dots; marks: more of them by label, each with a mark of its own.
        xlabel, ylabel, title, ax, alt: as for `lines`.

    >>> sg.plot.curves({"sin": sg.sin}, (0.0, 3.0), points=([1.0, 2.0], [0.8, 0.9])).alt
    'sin from 0 to 3, with 2 points'
    """
    ax = axes_of(ax)
    xs = spread(span)
    for k, (label, f) in enumerate(functions.items()):
        ax.plot(xs, [plain(f(x)) for x in xs], label=label, **line_style(k))
    if points is not None:
        ax.plot(*_pair("points", points), "o", color="white", markeredgecolor=INK, markersize=6)
    for k, (label, pair) in enumerate((marks or {}).items()):
        ax.plot(*_pair(label, pair), MARKERS[(k + 1) % len(MARKERS)], color=INK, label=label)
    _name(ax, xlabel, ylabel, legend=len(functions) + len(marks or {}) > 1)
    told = f"{', '.join(functions)} from {span[0]:g} to {span[1]:g}"
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
        losses: what `sg.fit` gives, a list of losses, or several of these by label.
        title, ax, alt: as for `lines`.
        log: a logarithmic axis; "auto" takes one where all are positive and span a factor of 100.
        ylabel: what the losses are; xlabel: what they are counted by.

    What is nan or infinite is left out, and the axis says how many that are.

    Raises:
        ValueError: there is no loss to draw.

    >>> history = sg.History([4.0, 2.0, 1.0], validation=[4.0, 2.5, 3.0])
    >>> sg.plot.loss_curve(history).alt
    'loss by epoch: training from 4 to 1; validation from 4 to 3, lowest, 2.5, at epoch 1'
    """
    series = {label: [plain(y) for y in numbers] for label, numbers in _series(losses).items()}
    if not any(series.values()):
        raise ValueError("loss_curve: there is no loss to draw")
    ax = axes_of(ax)
    told = []
    left_out = 0
    for k, (label, numbers) in enumerate(series.items()):
        shown = [(i, y) for i, y in enumerate(numbers) if math.isfinite(y)]
        if not shown:
            left_out += len(numbers)
            told.append(f"{label} is never finite")
            continue
        ax.plot(*zip(*shown, strict=True), label=label, **line_style(k))
        told.append(f"{label} from {shown[0][1]:.3g} to {shown[-1][1]:.3g}")
        if len(shown) < len(numbers):
            left_out += len(numbers) - len(shown)
            told[-1] += f", not finite {len(numbers) - len(shown)} times"
        if label.startswith("validation"):
            epoch, lowest = min(shown, key=lambda place: place[1])
            ax.plot([epoch], [lowest], "o", color="white", markeredgecolor=INK, markersize=8)
            late = epoch > 0.6 * len(numbers)  # to the left then, or the frame would cut it
            ax.annotate(
                f"lowest: {lowest:.3g} at {epoch}", (epoch, lowest),
                xytext=(-10 if late else 10, -14), ha="right" if late else "left",
                textcoords="offset points", fontsize=9, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9},
            )  # fmt: skip
            told[-1] += f", lowest, {lowest:.3g}, at {xlabel} {epoch}"
    finite = [y for numbers in series.values() for y in numbers if math.isfinite(y)]
    if log is True or (log == "auto" and finite and _spans_decades(finite)):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    note = f" ({left_out} not finite, left out)" if left_out else ""
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
        ValueError: there is no operation of that name, or none of the functions is defined.

    >>> sg.plot.activation("tanh").alt
    'tanh and its slope from -4 to 4; the slope of tanh is at most 1'
    """
    if isinstance(g, str):
        if not callable(getattr(primitives, g, None)):
            raise ValueError(f"activation: there is no operation {g!r}; give a function of a Value")
        functions = {g: getattr(primitives, g)}
    else:
        functions = dict(g) if isinstance(g, Mapping) else {getattr(g, "__name__", "g"): g}
        if "<lambda>" in functions:
            functions = {"g": functions["<lambda>"]}
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


def plain(x: Any) -> float:
    """The number of a Value, or the number itself."""
    return float(x.data) if isinstance(x, Value) else float(x)


def spread(span: tuple[float, float], count: int = 241) -> list[float]:
    """So many numbers, evenly spread over the span.

    Raises:
        ValueError: the span does not go from a lower number to a higher one.

    >>> spread((0.0, 1.0), 3)
    [0.0, 0.5, 1.0]
    """
    low, high = span
    if not low < high:
        raise ValueError(f"a span goes from a number to a higher one, got {low} and {high}")
    return [low + (high - low) * k / (count - 1) for k in range(count)]


def _with_gaps(f: Callable[[Any], Any], xs: Sequence[float]) -> tuple[list[float], list[float]]:
    """Places and heights of a curve, with a nan where it jumps or is not defined."""

    def height(x: float) -> float:
        try:
            return plain(f(x))
        except (ArithmeticError, ValueError):  # log(-1), 1/0
            return math.nan

    heights = [height(x) for x in xs]
    finite = [y for y in heights if math.isfinite(y)]
    large = 0.1 * (max(finite) - min(finite)) if finite else 0.0
    places, shown = [xs[0]], [heights[0]]
    for k in range(1, len(xs)):
        left, right, low, high = xs[k - 1], xs[k], heights[k - 1], heights[k]
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
        shown.append(heights[k])
    return places, shown


def _lowest(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Where a line is lowest, in words, if that is at neither of its ends."""
    finite = [(y, x) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
    if not finite:
        return ""
    lowest, place = min(finite)
    return "" if lowest in (ys[0], ys[-1]) else f", lowest {lowest:.3g} at {place:g}"


def _pair(label: str, numbers: Any) -> tuple[list[float], list[float]]:
    """The xs and the ys; a list of numbers alone stands at 0, 1, 2 ..."""
    if isinstance(numbers, tuple) and len(numbers) == 2 and isinstance(numbers[0], Iterable):
        xs, ys = list(numbers[0]), [plain(y) for y in numbers[1]]
    else:
        ys = [plain(y) for y in numbers]
        xs = list(range(len(ys)))
    if len(xs) != len(ys) or not ys:
        raise ValueError(f"{label!r}: there must be one y for each x, got {len(xs)} and {len(ys)}")
    return xs, ys


def _series(losses: Any) -> dict[str, list[float]]:
    if isinstance(losses, History):
        found = {"training": losses.losses, "validation": losses.validation}
        return {label: list(numbers) for label, numbers in found.items() if numbers}
    if isinstance(losses, Mapping):
        return {
            label: list(y.losses if isinstance(y, History) else y) for label, y in losses.items()
        }
    return {"loss": list(losses)}


def _spans_decades(numbers: Sequence[float]) -> bool:
    return min(numbers) > 0.0 and max(numbers) > 100.0 * min(numbers)


def _name(ax: Axes, xlabel: str, ylabel: str, legend: bool) -> None:
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True, color="#e6e6e6", linewidth=0.6)
    if legend:
        ax.legend(frameon=True, framealpha=0.85, edgecolor="none")
