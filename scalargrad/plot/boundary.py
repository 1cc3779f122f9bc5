"""The decision boundary of a classifier of two inputs, with its samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from scalargrad.core.modes import no_grad
from scalargrad.plot.figure import Figure, axes_of, finished, styled
from scalargrad.plot.inputs import number, plain, sides
from scalargrad.plot.style import ACCENT, COLOURS, DASHES, INK
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
    """The plane of two inputs, parted where a model's answer passes the threshold.

    Args:
        model: maps [x1, x2] to a number or a Value, such as an `nn.MLP(2, [..., 1])`.
        X: the samples, N pairs.
        Y: N labels; those above the threshold are one class, the others the other. Where that
            parts nothing, such as -1 and 1 at a threshold of 5, 0 parts them in its place.
        span: from where to where, for each input; by default around the samples.
        threshold: the answer at the boundary: 0 for scores, 0.5 for probabilities.
        lines: straight boundaries w·x + b = 0 to draw too, as (w, b) by label.
        title, ax, alt: as for `plot.lines`.

    Raises:
        TypeError: an input, a label or an answer is no number.
        ValueError: samples do not have two finite inputs, there is not one label for each, all
            labels are on one side though they differ, or the answers are finite nowhere.

    >>> step = lambda x: x[0] + x[1] - 1
    >>> sg.plot.decision_boundary(step, [[0, 0], [1, 1], [2, 2]], [-1, 1, -1]).alt
    'The boundary of a classifier of two inputs, with 3 samples, 1 of them on the wrong side'
    """
    samples = _samples(X)
    if len(X) != len(Y):
        raise ValueError(
            f"decision_boundary: there must be a label for each sample, got {len(Y)} for {len(X)}"
        )
    labels = [number(y, "decision_boundary: a label") for y in Y]
    parted = threshold if min(labels) <= threshold < max(labels) else 0.0
    above = [label > parted for label in labels]
    if len(set(above)) == 1 and len(set(labels)) > 1:
        raise ValueError(
            f"decision_boundary: the labels {min(labels):g} and {max(labels):g} are both on one "
            f"side of {parted:g}; let them be -1 and 1, or 0 and 1"
        )
    area = _around(samples) if span is None else span
    xs, ys = (np.array(side) for side in sides(area, "decision_boundary", 101))
    grid = [(float(x), float(y)) for y in ys for x in xs]
    answers = _answers(model, grid + samples)
    scores = answers[: len(grid)].reshape(len(ys), len(xs)) - threshold
    if not np.isfinite(scores).any():
        raise ValueError("decision_boundary: the answers of the model are finite nowhere")
    scores = np.ma.masked_invalid(scores)
    ax = axes_of(ax, width=5.6, height=4.8)
    ax.contourf(
        xs, ys, scores, levels=[-np.inf, 0.0, np.inf], colors=["white", "#dcdcdc"],
        hatches=["", "//"],
    ).set_edgecolor("#c4c4c4")  # fmt: skip
    if scores.min() < 0.0 < scores.max():
        ax.contour(xs, ys, scores, levels=[0.0], colors=[INK], linewidths=1.8)
    wrong = sum(
        math.isnan(answer) or (answer > threshold) != high
        for answer, high in zip(answers[len(grid) :], above, strict=True)
    )
    for side, marker, colour in ((True, "o", COLOURS[0]), (False, "X", ACCENT)):
        places = [x for x, high in zip(samples, above, strict=True) if high == side]
        if places:
            x1, x2 = zip(*places, strict=True)
            targets = {label for label, high in zip(labels, above, strict=True) if high == side}
            name = f"target {targets.pop():g}"
            if targets:
                name = f"targets {'above' if side else 'up to'} {parted:g}"
            ax.plot(
                x1, x2, marker, label=name, color=colour, markersize=8 if side else 9.5,
                markeredgecolor="white", markeredgewidth=0.8, zorder=5,
            )  # fmt: skip
    for k, (name, line) in enumerate((lines or {}).items()):
        w, b = _line(name, line)
        look: Any = {"color": COLOURS[k % 4], "linestyle": DASHES[k % 6], "linewidth": 2.0}
        if w[0] or w[1]:
            ax.axline(*_two_points(w, b), label=name, **look)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    ax.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)
    count = f"{len(X)} sample{'s' * (len(X) != 1)}"
    told = f"The boundary of a classifier of two inputs, with {count}, "
    told += f"{wrong} of them on the wrong side" if wrong else "all of them on the right side"
    return finished(ax, title, alt, told)


def _answers(model: Callable[[Any], Any], places: Sequence[tuple[float, float]]) -> Any:
    """What the model says there: replayed where it can be recorded, else place by place."""
    inputs = [list(place) for place in places]
    try:
        return np.asarray(compile(model)(inputs), dtype=float).reshape(len(inputs))
    except (RecordingError, TypeError, ValueError, ArithmeticError, AttributeError):
        with no_grad():  # a model of plain numbers, say
            return np.array([number(model(x), "decision_boundary: a model") for x in inputs])


def _samples(X: Any) -> list[tuple[float, float]]:
    if not len(X):
        raise ValueError("decision_boundary: samples must have two inputs, got no samples")
    samples = []
    for k, x in enumerate(X):
        if not hasattr(x, "__len__") or getattr(x, "ndim", 1) != 1:
            got = type(x).__name__
            raise TypeError(f"decision_boundary: X[{k}] must be a pair of inputs, got {got}")
        if len(x) != 2:
            got = f"{len(x)} inputs in X[{k}]"
            raise ValueError(f"decision_boundary: samples must have two inputs, got {got}")
        x1, x2 = (plain(side, f"decision_boundary: X[{k}]") for side in x)
        if not math.isfinite(x1) or not math.isfinite(x2):
            raise ValueError(f"decision_boundary: inputs must be finite, got X[{k}] = {(x1, x2)}")
        samples.append((x1, x2))
    return samples


def _around(samples: Sequence[tuple[float, float]]) -> Span:
    spans = []
    for column in zip(*samples, strict=True):
        room = 0.25 * (max(column) - min(column)) or 1.0
        spans.append((min(column) - room, max(column) + room))
    return spans[0], spans[1]


def _line(name: str, line: Any) -> tuple[list[float], float]:
    told = f"decision_boundary: the line {name!r}"
    if len(line) != 2 or not hasattr(line[0], "__len__") or len(line[0]) != 2:
        raise ValueError(f"{told} is a pair (w, b) with two weights w, got {line!r:.60}")
    return [plain(w, told) for w in line[0]], plain(line[1], told)


def _two_points(w: Sequence[float], b: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two places on the line w·x + b = 0: the one next to 0, and one beside it."""
    size = w[0] ** 2 + w[1] ** 2
    x, y = -b * w[0] / size, -b * w[1] / size
    return (float(x), float(y)), (float(x - w[1]), float(y + w[0]))
