"""The decision boundary of a classifier of two inputs, with the samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from scalargrad.core.arguments import is_list
from scalargrad.core.modes import no_grad
from scalargrad.core.numbers import shown, written
from scalargrad.data import check_samples
from scalargrad.plot.arguments import function, number, optional, pair, plain, sides
from scalargrad.plot.figures import Figure, axes_of, finished, styled
from scalargrad.plot.style import ACCENT, COLOURS, DASHES, INK, LEGEND
from scalargrad.replay import RecordingError, compile

__all__ = ["decision_boundary"]

Span = tuple[tuple[float, float], tuple[float, float]]


@styled
def decision_boundary(
    model: Callable[[Any], Any], X: Sequence[Sequence[float]], Y: Sequence[float], *,
    span: Span | None = None, title: str = "", threshold: float = 0.0,
    lines: Mapping[str, tuple[Sequence[float], float]] | None = None, ax: Axes | None = None,
    alt: str | None = None,
) -> Figure:  # fmt: skip
    """Draw the regions in which the output of a model is above or below a threshold.

    Args:
        model: maps [x1, x2] to a number or a Value, such as an `nn.MLP(2, [..., 1])`.
        X: N samples of two inputs.
        Y: N targets. Those above the threshold are one class, the others the other class. If the
            threshold does not separate them, such as -1 and 1 at a threshold of 5, 0 does.
        span: for each input the lowest and the highest number; by default around the samples.
        title: the title above the axes.
        threshold: the output at the boundary: 0 for scores, 0.5 for probabilities.
        lines: a dict from label to (w, b): straight boundaries w·x + b = 0 to draw as well.
        ax: the axes to draw into; by default those of a new figure.
        alt: a description of the figure; by default one is made from the numbers.

    Returns:
        The figure.

    Raises:
        TypeError: an input, a target or an output is not a number.
        ValueError: a sample does not have two finite inputs, the lengths differ, different targets
            are all on one side of the threshold, or the outputs are finite nowhere.

    >>> step = lambda x: x[0] + x[1] - 1
    >>> sg.plot.decision_boundary(step, [[0, 0], [1, 1], [2, 2]], [-1, 1, -1]).alt
    'The boundary of a classifier of two inputs, with 3 samples, 1 of them on the wrong side'
    """
    check_samples(X, Y, "decision_boundary")
    samples = [_sample(x, f"decision_boundary: X[{k}]") for k, x in enumerate(X)]
    function(model, "decision_boundary: model")
    threshold = plain(threshold, "decision_boundary: threshold")
    lines = optional(lines, "decision_boundary: lines", "label: (w, b)")
    targets = [number(y, "decision_boundary: a target") for y in Y]
    limit = threshold if min(targets) <= threshold < max(targets) else 0.0
    above = [target > limit for target in targets]
    if len(set(above)) == 1 and len(set(targets)) > 1:
        raise ValueError(
            f"decision_boundary: the targets {min(targets):g} and {max(targets):g} are both on one "
            f"side of {limit:g}; use -1 and 1, or 0 and 1"
        )
    area = _around(samples) if span is None else span
    xs, ys = (np.array(side) for side in sides(area, "decision_boundary", 101))
    grid = [(float(x), float(y)) for y in ys for x in xs]
    outputs = _outputs(model, grid + samples)
    scores = outputs[: len(grid)].reshape(len(ys), len(xs)) - threshold
    if not np.isfinite(scores).any():
        raise ValueError("decision_boundary: the outputs of the model are finite nowhere")
    scores = np.ma.masked_invalid(scores)
    ax = axes_of(ax, width=5.6, height=4.8)
    ax.contourf(
        xs, ys, scores, levels=[-np.inf, 0.0, np.inf], colors=["white", "#dcdcdc"],
        hatches=["", "//"],
    ).set_edgecolor("#c4c4c4")  # fmt: skip
    if scores.min() < 0.0 < scores.max():
        ax.contour(xs, ys, scores, levels=[0.0], colors=[INK], linewidths=1.8)
    wrong = sum(
        math.isnan(output) or (output > threshold) != high
        for output, high in zip(outputs[len(grid) :], above, strict=True)
    )
    for side, marker, colour in ((True, "o", COLOURS[0]), (False, "X", ACCENT)):
        points = [x for x, high in zip(samples, above, strict=True) if high == side]
        if points:
            x1, x2 = zip(*points, strict=True)
            values = {target for target, high in zip(targets, above, strict=True) if high == side}
            name = f"target {values.pop():g}"
            if values:
                name = f"targets {'above' if side else 'up to'} {limit:g}"
            ax.plot(
                x1, x2, marker, label=name, color=colour, markersize=8 if side else 9.5,
                markeredgecolor="white", markeredgewidth=0.8, zorder=5,
            )  # fmt: skip
    for k, (name, line) in enumerate(lines.items()):
        w, b = _line(name, line)
        look: Any = {"color": COLOURS[k % 4], "linestyle": DASHES[k % 6], "linewidth": 2.0}
        if w[0] or w[1]:
            ax.axline(*_two_points(w, b), label=name, **look)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    ax.legend(**LEGEND, fontsize=9)
    count = f"{len(X)} sample{'s' * (len(X) != 1)}"
    text = f"The boundary of a classifier of two inputs, with {count}, "
    text += f"{wrong} of them on the wrong side" if wrong else "all of them on the right side"
    return finished(ax, title, alt, text)


def _outputs(model: Callable[[Any], Any], points: Sequence[tuple[float, float]]) -> Any:
    """Return the output at each point, by replay if the model can be recorded."""
    inputs = [list(point) for point in points]
    try:
        return np.asarray(compile(model)(inputs), dtype=float).reshape(len(inputs))
    except (RecordingError, TypeError, ValueError, ArithmeticError, AttributeError):
        with no_grad():  # such as a model of plain numbers
            return np.array([number(model(x), "decision_boundary: a model") for x in inputs])


def _sample(x: Any, name: str) -> tuple[float, float]:
    if not is_list(x):
        raise TypeError(f"{name} must be a pair of inputs, got {shown(x)}")
    if len(x) != 2:
        raise ValueError(f"{name} must have two inputs, got {len(x)} inputs")
    x1, x2 = pair(x, name)
    if not math.isfinite(x1) or not math.isfinite(x2):
        raise ValueError(f"{name}: inputs must be finite, got {(x1, x2)}")
    return x1, x2


def _around(samples: Sequence[tuple[float, float]]) -> Span:
    spans = []
    for column in zip(*samples, strict=True):
        margin = 0.25 * (max(column) - min(column)) or 1.0
        spans.append((min(column) - margin, max(column) + margin))
    return spans[0], spans[1]


def _line(label: str, line: Any) -> tuple[tuple[float, float], float]:
    name = f"decision_boundary: the line {label!r}"
    if not is_list(line) or len(line) != 2:
        raise ValueError(f"{name} is a pair (w, b) with two weights w, got {written(line)}")
    return pair(line[0], f"{name}: w"), plain(line[1], f"{name}: b")


def _two_points(w: Sequence[float], b: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the point on the line w·x + b = 0 that is nearest to 0, and another one."""
    size = w[0] ** 2 + w[1] ** 2
    x, y = -b * w[0] / size, -b * w[1] / size
    return (float(x), float(y)), (float(x - w[1]), float(y + w[0]))
