"""The error by its weights: a curve for one weight, a surface for two, with the descent on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from scalargrad.plot.arguments import heights, number, plain, sides, spread
from scalargrad.plot.figures import Figure, axes_of, finished, styled
from scalargrad.plot.style import ACCENT, COLOURS, GREY, INK
from scalargrad.transforms.functional import grad, value_and_grad

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
        f: the error as a function of the weight; gives a number or a Value. Where it is not
            defined, the curve has a gap.
        span: from where to where.
        path: the weights of a descent, drawn as balls on the curve; those beyond the span are not.
        tangent: the weight at which to draw the tangent, whose slope the engine derives.
        secant: (w, Δw): the line through the curve at w and at w + Δw.
        minima: weights to mark as minima.
        xlabel, ylabel, title, ax, alt: as for `plot.lines`.

    Raises:
        TypeError: a weight is no number.
        ValueError: the error is finite nowhere in the span, or Δw is 0.

    >>> sg.plot.error_curve(lambda w: (w - 1) ** 2, (0.0, 3.0), path=[3.0, 2.0, 1.5]).alt
    'E from w = 0 to 3, lowest near w = 1, with a descent of 2 steps from 3 to 1.5'
    """
    ws = spread(span)
    path, minima = _weights(path, "path"), _weights(minima, "minima")
    told = f"{ylabel} from {xlabel} = {span[0]:g} to {span[1]:g}"
    ys = heights(f, ws, "error_curve: the error")
    finite = [(y, w) for w, y in zip(ws, ys, strict=True) if math.isfinite(y)]
    ax = axes_of(ax)
    told += f", lowest near {xlabel} = {min(finite)[1]:.3g}"
    ax.plot(ws, ys, color=COLOURS[0])
    if tangent is not None:
        tangent = plain(tangent, "error_curve: tangent")
        E, slope = map(plain, value_and_grad(f)(tangent))
        line = [E + slope * (w - tangent) for w in ws]
        ax.plot(ws, line, "--", color=ACCENT, label=f"tangent, slope {slope:.4g}")
        ax.plot([tangent], [E], "o", color=INK, markersize=7)
        told += f", with its tangent at {tangent:g}"
    if secant is not None:
        w, step = (plain(x, "error_curve: secant") for x in secant)
        if not step:
            raise ValueError("error_curve: a secant goes through two places, and Δw is 0")
        low, high = (number(f(x), "error_curve: f") for x in (w, w + step))
        slope = (high - low) / step
        line = [low + slope * (x - w) for x in ws]
        ax.plot(ws, line, ":", color=INK, label=f"secant, slope {slope:.4g}")
        ax.plot([w, w + step], [low, high], "s", color=INK, markersize=5)
        told += f", with its secant from {w:g} to {w + step:g}"
    inside = [w for w in path if span[0] <= w <= span[1]]
    if inside:
        balls = heights(f, inside, "error_curve: the error on the path")
        ax.plot(inside, balls, "-", color=GREY, linewidth=1.0)
        shown: Any = {"color": "white", "markeredgecolor": INK, "markersize": 7}
        ax.plot(inside, balls, "o", **shown)
        ax.plot(inside[:1], balls[:1], "o", color=ACCENT, markersize=8, label="start")
        told += f", with a descent of {_steps(path)} from {path[0]:g} to {path[-1]:g}"
    if minima:
        heights_there = [number(f(w), "error_curve: f") for w in minima]
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
        f: the error as a function of two weights, f(w1, w2); gives a number or a Value.
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
        TypeError: `f` does not take two weights, or a weight is no number.
        ValueError: another kind, or the error is finite nowhere in the span.

    >>> bowl = lambda w1, w2: w1 * w1 + 2 * w2 * w2
    >>> sg.plot.error_surface(bowl, path=[(1.5, 1.0), (0.5, 0.2)]).alt
    'E over w1 and w2, lowest near (0, 0), with a descent of 1 step from (1.5, 1) to (0.5, 0.2)'
    """
    if kind not in ("contour", "surface"):
        raise ValueError(f"error_surface: kind is 'contour' or 'surface', got {kind!r}")
    _check_takes_two(f)
    path, points = _places(path), _places(points)
    deep = kind == "surface"
    if deep and ax is not None and not hasattr(ax, "get_zlim"):
        raise ValueError("error_surface: a surface needs axes of figure(..., projection='3d')")
    xs, ys = (np.array(side) for side in sides(span, "error_surface", 61))
    grid = [(float(x), float(y)) for y in ys for x in xs]
    found = np.array(heights(lambda place: f(*place), grid, "error_surface: the error"))
    found = np.where(np.isfinite(found), found, np.nan).reshape(len(ys), len(xs))
    ax = axes_of(ax, projection="3d", height=5.0) if ax is None and deep else axes_of(ax)
    if not deep and hasattr(ax, "get_zlim"):
        raise ValueError("error_surface: contours need flat axes; on these give kind='surface'")
    if deep:
        _deep(ax, xs, ys, found, path)
    else:
        _flat(ax, xs, ys, found, path, log)
    ground: Any = {"zs": float(np.nanmin(found)) - _sink(found), "zorder": 9} if deep else {}
    if arrow is not None:
        w = list(_places([arrow])[0])
        slope = [plain(d) for d in grad(lambda w: f(w[0], w[1]))(w)]
        reach = 0.3 * float(min(np.ptp(xs), np.ptp(ys)))  # its length tells nothing
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
    row, column = divmod(int(np.nanargmin(found)), len(xs))
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
    numbers = ax.clabel(
        lines, fontsize=8, fmt=lambda y: f"{float(f'{y:.2g}'):g}", colors=INK, zorder=6.5
    )
    for label in numbers:  # above the path, which may run through it
        label.set_path_effects([withStroke(linewidth=2.0, foreground="white")])
    if path:
        x, y = zip(*path, strict=True)
        ax.plot(x, y, "-", color=INK, linewidth=0.9, zorder=4)
        ax.plot(x, y, "o", color="white", markeredgecolor=INK, markersize=5, zorder=5)
        ax.plot(x[:1], y[:1], "o", color=INK, markersize=7, zorder=6)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])


def _deep(ax: Any, xs: Any, ys: Any, heights: Any, path: Sequence[Place]) -> None:
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
    # the ground is at no error
    ax.set_zticks([z for z in ax.get_zticks() if z >= np.nanmin(heights)])
    ax.set_zlabel("E")
    ax.view_init(elev=24, azim=-58)
    ax.set_box_aspect(None, zoom=0.88)  # or the label of the vertical axis is cut


def _weights(given: Any, name: str) -> list[float]:
    if not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0:
        got = type(given).__name__
        raise TypeError(f"error_curve: {name} is a list of weights, got {got}")
    return [plain(w, f"error_curve: {name}") for w in given]


def _places(given: Any) -> list[Place]:
    places = []
    for place in given:
        if not hasattr(place, "__len__") or getattr(place, "ndim", 1) != 1 or len(place) != 2:
            raise ValueError(f"error_surface: a place is a pair of weights, got {place!r:.60}")
        w1, w2 = (plain(w, "error_surface: a place") for w in place)
        places.append((w1, w2))
    return places


def _check_takes_two(f: Any) -> None:
    try:
        parameters = signature(f)
    except (TypeError, ValueError):  # a function of C does not tell
        return
    try:
        parameters.bind(0.0, 0.0)
    except TypeError:
        raise TypeError(
            "error_surface: f takes the two weights as f(w1, w2); "
            "where it takes them in a list, give lambda w1, w2: f([w1, w2])"
        ) from None


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
