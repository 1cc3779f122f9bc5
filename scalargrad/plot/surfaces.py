"""The error as a function of its weights: a curve or a surface, with the path of a descent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from scalargrad.core.arguments import listed
from scalargrad.plot.arguments import function, heights, number, one_of, pair, plain, sides, spread
from scalargrad.plot.figures import Figure, axes_of, finished, label_axes, styled
from scalargrad.plot.style import ACCENT, COLOURS, GREY, INK, LEGEND
from scalargrad.transforms.functional import grad, value_and_grad

__all__ = ["error_curve", "error_surface"]

Point = tuple[float, float]


@styled
def error_curve(
    f: Callable[[Any], Any], span: tuple[float, float], *, path: Sequence[float] = (),
    tangent: float | None = None, secant: tuple[float, float] | None = None,
    minima: Sequence[float] = (), xlabel: str = "w", ylabel: str = "E", title: str = "",
    ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw the error as a function of one weight, with gaps where it is undefined.

    Args:
        f: the error as a function of the weight; returns a number or a Value.
        span: the first and last weight on the horizontal axis.
        path: the weights of a descent, drawn as balls on the curve; those beyond the span are left
            out.
        tangent: a weight at which to draw the tangent, with the slope that the engine computes.
        secant: a pair (w, Δw): draw the line through the curve at w and at w + Δw.
        minima: weights to mark as minima.
        xlabel: the name of the weight.
        ylabel: the name of the error.
        title: the title above the axes.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: a weight is not a number.
        ValueError: the error is finite nowhere in the span, or Δw is 0.

    >>> sg.plot.error_curve(lambda w: (w - 1) ** 2, (0.0, 3.0), path=[3.0, 2.0, 1.5]).alt
    'E from w = 0 to 3, lowest near w = 1, with a descent of 2 steps from 3 to 1.5'
    """
    ws = spread(span)
    function(f, "error_curve: f")
    path, minima = _weights(path, "path"), _weights(minima, "minima")
    text = f"{ylabel} from {xlabel} = {span[0]:g} to {span[1]:g}"
    ys = heights(f, ws, "error_curve: the error")
    finite = [(y, w) for w, y in zip(ws, ys, strict=True) if math.isfinite(y)]
    ax = axes_of(ax)
    text += f", lowest near {xlabel} = {min(finite)[1]:.3g}"
    ax.plot(ws, ys, color=COLOURS[0])
    if tangent is not None:
        tangent = plain(tangent, "error_curve: tangent")
        E, slope = map(plain, value_and_grad(f)(tangent))
        line = [E + slope * (w - tangent) for w in ws]
        ax.plot(ws, line, "--", color=ACCENT, label=f"tangent, slope {slope:.4g}")
        ax.plot([tangent], [E], "o", color=INK, markersize=7)
        text += f", with its tangent at {tangent:g}"
    if secant is not None:
        w, step = pair(secant, "error_curve: secant")
        if not step:
            raise ValueError("error_curve: a secant needs two points, but Δw is 0")
        low, high = (number(f(x), "error_curve: f") for x in (w, w + step))
        slope = (high - low) / step
        line = [low + slope * (x - w) for x in ws]
        ax.plot(ws, line, ":", color=INK, label=f"secant, slope {slope:.4g}")
        ax.plot([w, w + step], [low, high], "s", color=INK, markersize=5)
        text += f", with its secant from {w:g} to {w + step:g}"
    inside = [w for w in path if span[0] <= w <= span[1]]
    if inside:
        balls = heights(f, inside, "error_curve: the error on the path")
        ax.plot(inside, balls, "-", color=GREY, linewidth=1.0)
        shown: Any = {"color": "white", "markeredgecolor": INK, "markersize": 7}
        ax.plot(inside, balls, "o", **shown)
        ax.plot(inside[:1], balls[:1], "o", color=ACCENT, markersize=8, label="start")
        text += f", with a descent of {_steps(path)} from {path[0]:g} to {path[-1]:g}"
    if minima:
        lowest = [number(f(w), "error_curve: f") for w in minima]
        label = "minimum" if len(minima) == 1 else "minima"
        ax.plot(minima, lowest, "v", color=INK, markersize=8, label=label)
    low, high = min(finite)[0], max(finite)[0]
    margin = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)  # of the curve: a tangent may leave the frame
    label_axes(ax, xlabel, ylabel)
    return finished(ax, title, alt, text)


@styled
def error_surface(
    f: Callable[[Any, Any], Any], span: tuple[Point, Point] = ((-2.0, 2.0), (-2.0, 2.0)), *,
    path: Sequence[Sequence[float]] = (), kind: str = "contour",
    arrow: Sequence[float] | None = None,
    points: Sequence[Sequence[float]] | Mapping[str, Sequence[float]] = (),
    xlabel: str = "w1", ylabel: str = "w2", zlabel: str = "E", title: str = "",
    zscale: str = "linear", ax: Axes | None = None, alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw the error as a function of two weights, with the path of a descent.

    Args:
        f: the error as a function f(w1, w2) of two weights; returns a number or a Value.
        span: for each weight the lowest and the highest number.
        path: the points (w1, w2) of a descent, drawn as white dots; the first one is marked.
        kind: "contour" for lines of equal error seen from above, or "surface" for a shaded surface
            in three dimensions, seen from its lowest corner, with the path also on the plane
            below it, and the arrow only there.
        arrow: a point at which to draw the direction of steepest descent, -∇f.
        points: points (w1, w2) to mark with a cross; or a dict from a label to its point.
        xlabel: the name of the first weight.
        ylabel: the name of the second weight.
        zlabel: the name of the function.
        title: the title above the axes.
        zscale: "linear" for contours at equal differences, or "log" for equal ratios, which show
            narrow valleys.
        ax: the axes to draw into, with `projection="3d"` for a surface; by default those of a new
            figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: `f` does not take two weights, or a weight is not a number.
        ValueError: the kind or scale is unknown, the axes are of the other kind, or the error is
            finite nowhere in the span.

    >>> bowl = lambda w1, w2: w1 * w1 + 2 * w2 * w2
    >>> sg.plot.error_surface(bowl, path=[(1.5, 1.0), (0.5, 0.2)]).alt
    'E over w1 and w2, lowest near (0, 0), with a descent of 1 step from (1.5, 1) to (0.5, 0.2)'
    """
    one_of(kind, ("contour", "surface"), "error_surface: kind")
    one_of(zscale, ("linear", "log"), "error_surface: zscale")
    _check_takes_two(function(f, "error_surface: f"))
    wanted = "error_surface: {} must be a list of points"
    path = listed(path, "error_surface", wanted=wanted.format("path"))
    names = list(map(str, points)) if isinstance(points, Mapping) else []
    places = points.values() if isinstance(points, Mapping) else points
    places = listed(places, "error_surface", wanted=wanted.format("points"))
    descent = [pair(w, "error_surface: a point of path") for w in path]
    crosses = [pair(w, "error_surface: one of points") for w in places]
    deep, own = kind == "surface", ax is None
    ax = axes_of(ax, projection="3d", height=5.2) if deep else axes_of(ax)
    if deep and not hasattr(ax, "get_zlim"):
        raise ValueError("error_surface: a surface needs axes of figure(..., projection='3d')")
    if not deep and hasattr(ax, "get_zlim"):
        raise ValueError("error_surface: contours need flat axes; on these give kind='surface'")
    xs, ys = (np.array(side) for side in sides(span, "error_surface", 61 if deep else 201))
    grid = [(float(x), float(y)) for y in ys for x in xs]
    zs = np.array(heights(lambda w: f(*w), grid, "error_surface: the error"))
    zs = np.where(np.isfinite(zs), zs, np.nan).reshape(len(ys), len(xs))
    ground = _draw_surface(ax, xs, ys, zs, zlabel) if deep else None
    if not deep:
        _draw_contours(ax, xs, ys, zs, zscale == "log")
    if descent:
        _draw_path(ax, descent, f, ground)
    if arrow is not None:
        w = list(pair(arrow, "error_surface: arrow"))
        slope = [plain(d) for d in grad(lambda w: f(w[0], w[1]))(w)]
        reach = 0.3 * float(min(np.ptp(xs), np.ptp(ys)))  # the length has no meaning
        size = max((slope[0] ** 2 + slope[1] ** 2) ** 0.5, 1e-12)
        tip = [w[0] - reach * slope[0] / size, w[1] - reach * slope[1] / size]
        if ground is not None:
            _draw_arrow(ax, w, tip, ground)
        else:
            shape = {"arrowstyle": "-|>", "color": ACCENT, "linewidth": 2.2, "mutation_scale": 16}
            ax.annotate("", (tip[0], tip[1]), (w[0], w[1]), arrowprops=shape, zorder=6)
        ax.plot([], [], color=ACCENT, linewidth=2.2, label=f"steepest descent, −∇{zlabel}")
    if crosses:
        _draw_points(ax, crosses, names, f, deep)
    if arrow is not None or deep:
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            corner: Any = {"loc": "upper left" if deep else "upper right"}
            if deep and own:  # beside the axes, which are square on a wider page
                corner["bbox_to_anchor"] = (-0.22, 1.0)
            ax.legend(handles, labels, **corner, **LEGEND)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    row, column = divmod(int(np.nanargmin(zs)), len(xs))
    text = f"{zlabel} over {xlabel} and {ylabel}, lowest near {_point((xs[column], ys[row]))}"
    if descent:
        text += f", with a descent of {_steps(descent)}"
        text += f" from {_point(descent[0])} to {_point(descent[-1])}"
    return finished(ax, title, alt, text)


def _draw_contours(ax: Any, xs: Any, ys: Any, zs: Any, log: bool) -> None:
    low, high = float(np.nanmin(zs)), float(np.nanmax(zs))
    if not low < high:
        high = low + (abs(low) or 1.0)  # the error is constant
    log = log and high > 0.0
    levels = np.geomspace(max(low, high * 1e-5), high, 14) if log else np.linspace(low, high, 15)
    filled = np.maximum(zs, levels[0]) if log else zs
    # light greys only: dots and numbers must stand out
    shades = [str(0.98 - 0.36 * k / len(levels)) for k in range(len(levels) - 1)]
    ax.contourf(xs, ys, filled, levels=levels, colors=shades)
    lines = ax.contour(xs, ys, zs, levels=levels[1:-1:2], colors=GREY, linewidths=0.7)
    numbers = ax.clabel(
        lines,
        inline=False,
        fontsize=9,
        fmt=lambda y: f"{float(f'{y:.2g}'):g}",
        colors=INK,
        zorder=6.5,
    )
    for label in numbers:  # readable where the path crosses it
        label.set_path_effects([withStroke(linewidth=2.0, foreground="white")])
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])


def _draw_surface(ax: Any, xs: Any, ys: Any, zs: Any, zlabel: str) -> float:
    """Draw the surface, and return the height of the plane below it."""
    X, Y = np.meshgrid(xs, ys)
    ax.computed_zorder = False  # or the surface hides the plane in front of it
    low, high = float(np.nanmin(zs)), float(np.nanmax(zs))
    tall = (high - low) or 1.0
    ground = low - 0.8 * tall
    # shade by the angle to a light from the upper left of the reader's page
    ascents = np.gradient(zs / tall, ys / np.ptp(ys), xs / np.ptp(xs))
    corners = {-58: zs[0, -1], 32: zs[-1, -1], 122: zs[-1, 0], 212: zs[0, 0]}
    azimuth = min(corners, key=lambda angle: np.nan_to_num(corners[angle], nan=np.inf))
    turn = math.radians(azimuth - 70.0)
    light = -ascents[1] * math.cos(turn) - ascents[0] * math.sin(turn) + 1.2
    light /= np.sqrt(ascents[0] ** 2 + ascents[1] ** 2 + 1.0) * math.hypot(1.0, 1.2)
    shade = np.nan_to_num(np.clip(0.40 + 0.56 * light, 0.2, 0.96), nan=0.5)
    colours = np.stack([0.93 * shade, 0.96 * shade, shade], axis=2)  # a bluish grey
    ax.plot_surface(
        X, Y, zs, rstride=2, cstride=2, facecolors=colours, shade=False, linewidth=0.3, zorder=1
    )
    ax.contour(X, Y, zs, levels=12, colors=INK, linewidths=0.5, alpha=0.55, zorder=2)
    below: Any = {"zdir": "z", "offset": ground, "zorder": 0.5}
    ax.contour(X, Y, zs, levels=12, colors=GREY, linewidths=0.7, **below)
    ax.set_zlim(ground, high)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.pane.set_visible(False)
    ax.grid(False)
    ticks = MaxNLocator(4).tick_values(low, high)
    ax.set_zticks([z for z in ticks if low <= z <= high])  # the plane below has no error
    ax.view_init(elev=30, azim=azimuth)
    ax.set_box_aspect((1.0, 1.0, 1.05), zoom=1.12)
    ax.set_zlabel(zlabel)
    return ground


def _draw_path(ax: Any, path: Sequence[Point], f: Any, ground: float | None) -> None:
    """Draw the dots of a descent; on a surface, also as a line on the plane below it."""
    x, y = zip(*path, strict=True)
    dots: Any = {"color": "white", "markeredgecolor": INK, "markersize": 5, "zorder": 5, "ls": ""}
    disc: Any = {"color": INK, "markersize": 8, "zorder": 6, "ls": ""}
    if ground is None:
        ax.plot(x, y, "-", color=INK, linewidth=0.9, zorder=4)
        ax.plot(x[:1], y[:1], "o", label="start", **disc)
        ax.plot(x, y, "o", label="after each update", **dots)
        return
    z = heights(lambda w: f(*w), path, "error_surface: the error on the path")
    ax.plot(x, y, ground, "-", color=INK, linewidth=1.2, zorder=0.8)
    ax.plot(x, y, z, "-", color=INK, linewidth=1.2, zorder=4)
    ax.plot(x[:1], y[:1], z[:1], "o", label="start", **disc)
    ax.plot(x, y, z, "o", label="after each update", **dots)
    ax.plot(x[:1], y[:1], ground, "o", **(disc | {"markersize": 6, "zorder": 0.9}))


def _draw_points(
    ax: Any, points: Sequence[Point], names: Sequence[str], f: Any, deep: bool
) -> None:
    """Mark points with crosses, and write their names beside them."""
    look: Any = {"color": INK, "markeredgecolor": "white", "markersize": 10, "zorder": 7}
    where = [list(point) for point in points]
    if deep:
        z = heights(lambda w: f(*w), points, "error_surface: the error at the points")
        where = [[*point, height] for point, height in zip(points, z, strict=True)]
    ax.plot(*zip(*where, strict=True), "X", **look)
    for place, name in zip(where, names, strict=False):
        text = ax.text(*place, f"  {name}", fontsize=10, zorder=8, va="center")
        text.set_path_effects([withStroke(linewidth=3.0, foreground="white")])


def _weights(ws: Any, name: str) -> list[float]:
    ws = listed(ws, "error_curve", wanted=f"error_curve: {name} is a list of weights")
    return [plain(w, f"error_curve: {name}") for w in ws]


def _check_takes_two(f: Any) -> None:
    try:
        parameters = signature(f)
    except (TypeError, ValueError):  # a function written in C has no signature
        return
    try:
        parameters.bind(0.0, 0.0)
    except TypeError:
        raise TypeError(
            "error_surface: f takes the two weights as f(w1, w2); "
            "where it takes them in a list, give lambda w1, w2: f([w1, w2])"
        ) from None


def _draw_arrow(ax: Any, start: Sequence[float], tip: Sequence[float], z: float) -> None:
    look: Any = {"color": ACCENT, "linewidth": 2.2, "zorder": 10}
    ax.plot([start[0], tip[0]], [start[1], tip[1]], [z, z], **look)
    dx, dy = 0.35 * (start[0] - tip[0]), 0.35 * (start[1] - tip[1])
    for turn in (-0.5, 0.5):  # the two halves of the head
        x = tip[0] + dx * math.cos(turn) - dy * math.sin(turn)
        y = tip[1] + dx * math.sin(turn) + dy * math.cos(turn)
        ax.plot([tip[0], x], [tip[1], y], [z, z], **look)


def _steps(path: Sequence[Any]) -> str:
    return f"{len(path) - 1} step{'s' if len(path) != 2 else ''}"


def _point(w: Sequence[float]) -> str:
    return f"({w[0]:.3g}, {w[1]:.3g})".replace("-0,", "0,").replace("-0)", "0)")
