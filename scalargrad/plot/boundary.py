"""The decision boundary of a classifier of two inputs, with its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from scalargrad.engine import no_grad
from scalargrad.plot.figure import Figure, axes_of, finished, styled
from scalargrad.plot.lines import plain, spread
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
        Y: N labels; those above the threshold (or 1 and True) are one class, the others the other.
        span: from where to where, for each input; by default around the samples.
        threshold: the answer at the boundary: 0 for scores, 0.5 for probabilities.
        lines: straight boundaries w·x + b = 0 to draw too, as (w, b) by label.
        title, ax, alt: as for `plot.lines`.

    Raises:
        ValueError: samples do not have two inputs, or there is not one label for each.

    >>> step = lambda x: x[0] + x[1] - 1
    >>> sg.plot.decision_boundary(step, [[0, 0], [1, 1], [2, 2]], [-1, 1, -1]).alt
    'The boundary of a classifier of two inputs, with 3 samples, 1 of them on the wrong side'
    """
    if not len(X) or any(len(x) != 2 for x in X):
        got = f"{len(X[0])} inputs" if len(X) else "no samples"
        raise ValueError(f"decision_boundary: samples must have two inputs, got {got}")
    if len(X) != len(Y):
        raise ValueError(
            f"decision_boundary: there must be a label for each sample, got {len(Y)} for {len(X)}"
        )
    ax = axes_of(ax, width=5.6, height=4.8)
    xs, ys = (np.array(spread(side, 101)) for side in span or _around(X))
    scores = _scores(model, xs, ys) - threshold
    ax.contourf(
        xs, ys, scores, levels=[-np.inf, 0.0, np.inf], colors=["white", "#dcdcdc"],
        hatches=["", "//"],
    ).set_edgecolor("#c4c4c4")  # fmt: skip
    if scores.min() < 0.0 < scores.max():
        ax.contour(xs, ys, scores, levels=[0.0], colors=[INK], linewidths=1.8)
    labels = [plain(y) for y in Y]
    parted = threshold if min(labels) <= threshold < max(labels) else 0.0
    wrong = 0
    for x, label in zip(X, labels, strict=True):
        with no_grad():
            answer = _number(model([float(x[0]), float(x[1])]))
        wrong += (answer > threshold) != (label > parted)
    for above, marker, colour in ((True, "o", COLOURS[0]), (False, "X", ACCENT)):
        places = [x for x, label in zip(X, labels, strict=True) if (label > parted) == above]
        if places:
            x1, x2 = zip(*places, strict=True)
            name = f"target {next(y for y in labels if (y > parted) == above):g}"
            look: Any = {
                "color": colour,
                "markeredgecolor": "white",
                "markersize": 8 if above else 9.5,
            }
            look |= {"markeredgewidth": 0.8, "zorder": 5}
            ax.plot(x1, x2, marker, label=name, **look)
    for k, (name, (w, b)) in enumerate((lines or {}).items()):
        look = {"color": COLOURS[k % 4], "linestyle": DASHES[k % 6], "linewidth": 2.0}
        if w[0] or w[1]:
            ax.axline(*_two_points(w, b), label=name, **look)
    ax.set_xlim(xs[0], xs[-1])
    ax.set_ylim(ys[0], ys[-1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    ax.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)
    told = f"The boundary of a classifier of two inputs, with {len(X)} samples, "
    told += f"{wrong} of them on the wrong side" if wrong else "all of them on the right side"
    return finished(ax, title, alt, told)


def _scores(model: Callable[[Any], Any], xs: Any, ys: Any) -> Any:
    """The answers over the grid: replayed where the model can be recorded, else one by one."""
    places = [[float(x), float(y)] for y in ys for x in xs]
    try:
        answers = np.asarray(compile(model)(places), dtype=float).reshape(len(places))
    except (RecordingError, TypeError, ValueError, ArithmeticError, AttributeError):
        with no_grad():  # a model of plain numbers, say
            answers = np.array([_number(model(place)) for place in places])
    return answers.reshape(len(ys), len(xs))


def _number(answer: Any) -> float:
    """What the model says, be it alone in a list or not."""
    if isinstance(answer, list | tuple):
        if len(answer) != 1:
            raise ValueError(f"decision_boundary: a model gives one number, got {len(answer)}")
        answer = answer[0]
    return plain(answer)


def _around(X: Sequence[Sequence[float]]) -> Span:
    sides = []
    for column in zip(*X, strict=True):
        room = 0.25 * (max(column) - min(column)) or 1.0
        sides.append((float(min(column)) - room, float(max(column)) + room))
    return sides[0], sides[1]


def _two_points(w: Sequence[float], b: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two places on the line w·x + b = 0: the one next to 0, and one beside it."""
    size = w[0] ** 2 + w[1] ** 2
    x, y = -b * w[0] / size, -b * w[1] / size
    return (float(x), float(y)), (float(x - w[1]), float(y + w[0]))
