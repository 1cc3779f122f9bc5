"""The error by its weights: a curve for one weight, a surface for two, with the descent on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from scalargrad.functional import grad, value_and_grad
from scalargrad.plot.figure import Figure, axes_of, finished, styled
from scalargrad.plot.lines import plain, spread
from scalargrad.plot.style import ACCENT, COLOURS, GREY, INK

__all__ = ["error_curve", "error_surface"]

Place = tuple[float, float]


@styled
def error_curve(
    f: Callable[[Any], Any], span: tuple[float, float], *, path: Sequence[float] = (),
    tangent: float | None = None, secant: tuple[float, float] | None = None,
    minima: Sequence[float] = (), xlabel: str = "w", ylabel: str = "E", title: str = "",
    ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """The error by one weight.

    Args:
        f: the error as a function of the weight; gives a number or a Value.
        span: from where to where.
        path: the weights of a descent, drawn as balls on the curve; those beyond the span are not.
        tangent: the weight at which to draw the tangent, whose slope the engine derives.
        secant: (w, Δw): the line through the curve at w and at w + Δw.
        minima: weights to mark as minima.
        xlabel, ylabel, title, ax, alt: as for `plot.lines`.

    Raises:
        ValueError: the error is finite nowhere in the span, or Δw is 0.

    >>> sg.plot.error_curve(lambda w: (w - 1) ** 2, (0.0, 3.0), path=[3.0, 2.0, 1.5]).alt
    'E from w = 0 to 3, lowest near w = 1, with a descent of 2 steps from 3 to 1.5'
    """
    ax = axes_of(ax)
    ws = spread(span)
    told = f"{ylabel} from {xlabel} = {span[0]:g} to {span[1]:g}"
    heights = [plain(f(w)) for w in ws]
    finite = [(y, w) for w, y in zip(ws, heights, strict=True) if math.isfinite(y)]
    if not finite:
        raise ValueError(f"error_curve: the error is finite nowhere from {span[0]} to {span[1]}")
    told += f", lowest near {xlabel} = {min(finite)[1]:.3g}"
    ax.plot(ws, heights, color=COLOURS[0])
    if tangent is not None:
        E, slope = map(plain, value_and_grad(f)(tangent))
        line = [E + slope * (w - tangent) for w in ws]
        ax.plot(ws, line, "--", color=ACCENT, label=f"tangent, slope {slope:.4g}")
        ax.plot([tangent], [E], "o", color=INK, markersize=7)
        told += f", with its tangent at {tangent:g}"
    if secant is not None:
        w, step = secant
        if not step:
            raise ValueError("error_curve: a secant goes through two places, and Δw is 0")
        low, high = plain(f(w)), plain(f(w + step))
        slope = (high - low) / step
        line = [low + slope * (x - w) for x in ws]
        ax.plot(ws, line, ":", color=INK, label=f"secant, slope {slope:.4g}")
        ax.plot([w, w + step], [low, high], "s", color=INK, markersize=5)
        told += f", with its secant from {w:g} to {w + step:g}"
    inside = [w for w in path if span[0] <= w <= span[1]]
    if inside:
        ax.plot(inside, [plain(f(w)) for w in inside], "-", color=GREY, linewidth=1.0)
        shown: Any = {"color": "white", "markeredgecolor": INK, "markersize": 7}
        ax.plot(inside, [plain(f(w)) for w in inside], "o", **shown)
        ax.plot(inside[:1], [plain(f(inside[0]))], "o", color=ACCENT, markersize=8, label="start")
        told += f", with a descent of {_steps(path)} from {path[0]:g} to {path[-1]:g}"
    if minima:
        heights_there = [plain(f(w)) for w in minima]
        label = "minimum" if len(minima) == 1 else "minima"
        ax.plot(minima, heights_there, "v", color=INK, markersize=8, label=label)
    _keep_to(ax, [y for y, _ in finite])
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.grid(True, color="#e6e6e6", linewidth=0.6)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=True, framealpha=0.85, edgecolor="none")
    return finished(ax, title, alt, told)


@styled
def error_surface(
    f: Callable[[Any, Any], Any], span: tuple[Place, Place] = ((-2.0, 2.0), (-2.0, 2.0)), *,
    path: Sequence[Sequence[float]] = (), kind: str = "contour",
    arrow: Sequence[float] | None = None, points: Sequence[Sequence[float]] = (),
    labels: tuple[str, str] = ("w1", "w2"), title: str = "", log: bool = False,
    ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """The error by two weights, with the path of a descent.

    Args:
        f: the error as a function of two weights; gives a number or a Value.
        span: from where to where, for each of the two.
        path: the places (w1, w2) of a descent, drawn as white dots; the first is marked.
        kind: "contour", lines of equal error seen from above, or "surface", with depth: then path
            and arrow lie on the ground.
        arrow: the place at which to draw -∇f, the direction of steepest descent.
        points: places to mark with a cross.
        labels: the names of the two weights.
        log: contours at equal ratios, for narrow valleys.
        title, ax, alt: as for `plot.lines`; `ax` of a surface has the projection "3d".

    Raises:
        ValueError: another kind, or the error is finite nowhere in the span.

    >>> bowl = lambda w1, w2: w1 * w1 + 2 * w2 * w2
    >>> sg.plot.error_surface(bowl, path=[(1.5, 1.0), (0.5, 0.2)]).alt
    'E over w1 and w2, lowest near (0, 0), with a descent of 1 step from (1.5, 1) to (0.5, 0.2)'
    """
    if kind not in ("contour", "surface"):
        raise ValueError(f"error_surface: kind is 'contour' or 'surface', got {kind!r}")
    for place in (*path, *points, *([] if arrow is None else [arrow])):
        if len(place) != 2:
            raise ValueError(f"error_surface: a place is a pair of weights, got {place!r}")
    deep = kind == "surface"
    if deep and ax is not None and not hasattr(ax, "get_zlim"):
        raise ValueError("error_surface: a surface needs axes of figure(..., projection='3d')")
    ax = axes_of(ax, projection="3d", height=5.0) if ax is None and deep else axes_of(ax)
    xs, ys = (np.array(spread(side, 61)) for side in span)
    heights = np.array([[plain(f(float(x), float(y))) for x in xs] for y in ys])
    heights[~np.isfinite(heights)] = np.nan
    if np.isnan(heights).all():
        raise ValueError("error_surface: the error is finite nowhere in the span")
    draw = _deep if deep else _flat
    draw(ax, xs, ys, heights, [(p[0], p[1]) for p in path], log)
    ground: Any = {"zs": float(np.nanmin(heights)) - _sink(heights), "zorder": 9} if deep else {}
    if arrow is not None:
        w = [float(arrow[0]), float(arrow[1])]
        slope = [plain(d) for d in grad(lambda w: f(w[0], w[1]))(w)]
        reach = 0.3 * min(high - low for low, high in span)  # its length tells nothing
        size = max((slope[0] ** 2 + slope[1] ** 2) ** 0.5, 1e-12)
        tip = [w[0] - reach * slope[0] / size, w[1] - reach * slope[1] / size]
        if deep:
            _arrow_on_the_ground(ax, w, tip, ground["zs"])
        else:
            shape = {"arrowstyle": "-|>", "color": ACCENT, "linewidth": 2.2, "mutation_scale": 16}
            ax.annotate("", (tip[0], tip[1]), (w[0], w[1]), arrowprops=shape, zorder=6)
        ax.plot([], [], color=ACCENT, linewidth=2.2, label="steepest descent")
        ax.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
    if points:
        look: Any = {"color": INK, "markeredgecolor": "white", "markersize": 9, "zorder": 7}
        ax.plot([p[0] for p in points], [p[1] for p in points], "X", **(look | ground))
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    row, column = divmod(int(np.nanargmin(heights)), len(xs))
    told = f"E over {labels[0]} and {labels[1]}, lowest near {_pair((xs[column], ys[row]))}"
    if len(path):
        told += f", with a descent of {_steps(path)} from {_pair(path[0])} to {_pair(path[-1])}"
    return finished(ax, title, alt, told)


def _flat(ax: Any, xs: Any, ys: Any, heights: Any, path: Sequence[Place], log: bool) -> None:
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    if not low < high:
        high = low + (abs(low) or 1.0)  # a plain, all of one height
    log = log and high > 0.0
    levels = np.geomspace(max(low, high * 1e-5), high, 14) if log else np.linspace(low, high, 15)
    filled = np.maximum(heights, levels[0]) if log else heights
    # only the light greys: dots and numbers must stand out on them
    shades = [str(0.98 - 0.36 * k / len(levels)) for k in range(len(levels) - 1)]
    ax.contourf(xs, ys, filled, levels=levels, colors=shades)
    lines = ax.contour(xs, ys, heights, levels=levels[1:-1:2], colors=GREY, linewidths=0.7)
    ax.clabel(lines, fontsize=8, fmt=lambda y: f"{float(f'{y:.2g}'):g}", colors=INK)
    if path:
        x, y = zip(*path, strict=True)
        ax.plot(x, y, "-", color=INK, linewidth=0.9, zorder=4)
        ax.plot(x, y, "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)
        ax.plot(x[:1], y[:1], "o", color=INK, markersize=7, zorder=6)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])


def _deep(ax: Any, xs: Any, ys: Any, heights: Any, path: Sequence[Place], log: bool) -> None:
    X, Y = np.meshgrid(xs, ys)
    ax.computed_zorder = False  # else the surface hides what lies on the ground before it
    ground = float(np.nanmin(heights)) - _sink(heights)
    ax.plot_surface(
        X, Y, heights, rstride=3, cstride=3, color="white", edgecolor=GREY, linewidth=0.4,
        alpha=0.55, shade=False, zorder=1,
    )  # fmt: skip
    ax.contour(X, Y, heights, levels=12, zdir="z", offset=ground, colors=GREY, linewidths=0.7)
    if path:
        x, y = zip(*path, strict=True)
        ax.plot(x, y, ground, "-", color=INK, linewidth=0.9, zorder=8)
        ax.plot(x, y, ground, "o", color="white", markeredgecolor=INK, markersize=5, zorder=9)
        ax.plot(x[:1], y[:1], ground, "o", color=INK, markersize=7, zorder=10)
    ax.set_zlim(ground, float(np.nanmax(heights)))
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    ax.set_zticks(
        [z for z in ax.get_zticks() if z >= np.nanmin(heights)]
    )  # the ground is at no error
    ax.set_zlabel("E")
    ax.view_init(elev=24, azim=-58)
    ax.set_box_aspect(None, zoom=0.88)  # or the label of the vertical axis is cut


def _arrow_on_the_ground(ax: Any, start: Sequence[float], tip: Sequence[float], z: float) -> None:
    look: Any = {"color": ACCENT, "linewidth": 2.2, "zorder": 10}
    ax.plot([start[0], tip[0]], [start[1], tip[1]], [z, z], **look)
    dx, dy = 0.35 * (start[0] - tip[0]), 0.35 * (start[1] - tip[1])
    for turn in (-0.5, 0.5):  # the two halves of its head
        x = tip[0] + dx * math.cos(turn) - dy * math.sin(turn)
        y = tip[1] + dx * math.sin(turn) + dy * math.cos(turn)
        ax.plot([tip[0], x], [tip[1], y], [z, z], **look)


def _sink(heights: Any) -> float:
    """How far the ground lies below the lowest place."""
    return 0.35 * (float(np.nanmax(heights) - np.nanmin(heights)) or 1.0)


def _steps(path: Sequence[Any]) -> str:
    return f"{len(path) - 1} step{'s' if len(path) != 2 else ''}"


def _pair(place: Sequence[float]) -> str:
    return f"({place[0]:.3g}, {place[1]:.3g})".replace("-0,", "0,").replace("-0)", "0)")


def _keep_to(ax: Axes, heights: Sequence[float]) -> None:
    """The axis for the curve: tangents may run out of it."""
    low, high = min(heights), max(heights)
    room = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - room, high + room)
