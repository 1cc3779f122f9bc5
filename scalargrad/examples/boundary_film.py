"""A film of decision boundaries: how the regions of classifiers move while they learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from scalargrad.examples.moving import FONT, MovingPicture, document

__all__ = ["Panel", "boundary_film"]

Point = tuple[float, float]
Span = tuple[tuple[float, float], tuple[float, float]]
_SIDE, _GAP, _HEAD = 330.0, 18.0, 62.0  # of a panel, in the units of the picture


@dataclass(frozen=True)
class Panel:
    """A classifier among others in a film.

    Attributes:
        name: what stands above it.
        models: for each moment a function from many points [x1, x2] to their scores z.
        notes: for each moment a text below the name, such as how many points are wrong.
    """

    name: str
    models: Sequence[Callable[[list[list[float]]], Any]]
    notes: Sequence[str]


def boundary_film(
    panels: Sequence[Panel], points: Sequence[Sequence[float]], targets: Sequence[float],
    span: Span, captions: Sequence[str], seconds: float, *, title: str, alt: str,
    wrong_labels: Sequence[int] = (), grid: int = 45,
) -> MovingPicture:  # fmt: skip
    """Draw the region z > 0 of each classifier at each moment, with the points in front.

    Args:
        panels: the classifiers, side by side.
        points: the points [x1, x2], the same in all panels.
        targets: their targets, -1 or 1.
        span: for each input the lowest and the highest number.
        captions: the name of each moment.
        seconds: how long the film takes.
        title: a line above all.
        alt: a description for those who cannot see it.
        wrong_labels: the indices of points to ring.
        grid: how many numbers of each input the scores are computed for.

    Raises:
        ValueError: a panel has not as many models and notes as there are captions.

    >>> panel = Panel("x1 > 0", [lambda xs: [x[0] for x in xs]], ["1 wrong"])
    >>> film = boundary_film(
    ...     [panel], [[0.5, 0.0]], [-1], ((-1, 1), (-1, 1)), ["start"], 1.0,
    ...     title="A boundary", alt="The right half is shaded.",
    ... )
    >>> film.svg.count("<use")
    1
    """
    from contourpy import FillType, contour_generator  # comes with matplotlib

    for panel in panels:
        if not len(panel.models) == len(panel.notes) == len(captions):
            raise ValueError(
                f"boundary_film: {panel.name!r} needs a model and a note for each of "
                f"{len(captions)} moments, got {len(panel.models)} and {len(panel.notes)}"
            )
    (low1, high1), (low2, high2) = span
    xs = [low1 + (high1 - low1) * k / (grid - 1) for k in range(grid)]
    ys = [low2 + (high2 - low2) * k / (grid - 1) for k in range(grid)]
    mesh = [[x, y] for y in ys for x in xs]
    tall = _SIDE * (high2 - low2) / (high1 - low1)
    width = len(panels) * _SIDE + (len(panels) + 1) * _GAP
    lines = ["<!-- contours by contourpy, which matplotlib uses -->", _DEFINITIONS]
    for number, panel in enumerate(panels):
        left, top = _GAP + number * (_SIDE + _GAP), _HEAD + 22.0

        def place(x: float, y: float, left: float = left, top: float = top) -> Point:
            across, up = (x - low1) / (high1 - low1), (y - low2) / (high2 - low2)
            return left + _SIDE * across, top + tall * (1.0 - up)

        middle = left + _SIDE / 2
        lines.append(_text(middle, _HEAD - 6.0, panel.name, 14, "bold"))
        for moment, (model, note) in enumerate(zip(panel.models, panel.notes, strict=True)):
            scores = [float(z) for z in model(mesh)]
            rows = [scores[k : k + grid] for k in range(0, len(scores), grid)]
            found = contour_generator(xs, ys, rows, fill_type=FillType.OuterOffset)
            path = ""
            for outline, offsets in zip(*found.filled(0.0, float("inf")), strict=True):
                for start, end in pairwise(offsets):
                    path += _ring([place(float(x), float(y)) for x, y in outline[start:end]])
            lines.append(_shown(
                f'<path d="{path}" fill="#dcdcdc" stroke="#1a1a1a" stroke-width="1.6" '
                f'fill-rule="evenodd"/>{_text(middle, top - 8.0, note, 12)}',
                moment, len(captions), seconds,
            ))  # fmt: skip
        for k, (point, target) in enumerate(zip(points, targets, strict=True)):
            x, y = (f"{coordinate:.1f}" for coordinate in place(*point))
            lines.append(f'<use href="#{"up" if target > 0 else "down"}" x="{x}" y="{y}"/>')
            if k in wrong_labels:
                lines.append(
                    f'<circle cx="{x}" cy="{y}" r="8" fill="none" stroke="#1a1a1a" '
                    'stroke-width="1.2"/>'
                )
        lines.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{_SIDE:.1f}" height="{tall:.1f}" '
            'fill="none" stroke="#1a1a1a"/>'
        )
    bottom = _HEAD + 22.0 + tall + 24.0
    lines += [
        _shown(_text(width / 2, bottom, caption, 14), moment, len(captions), seconds)
        for moment, caption in enumerate(captions)
    ]
    return document(lines, width, bottom + 8.0, seconds, len(captions), title=title, alt=alt)


# A disc for one class and a cross for the other: they differ in grey print, too
_DEFINITIONS = """<defs>
<circle id="up" r="4" fill="#12355b" stroke="white" stroke-width="0.8"/>
<g id="down"><path d="M-3.6,-3.6L3.6,3.6M-3.6,3.6L3.6,-3.6" stroke="white" stroke-width="4.4"/>
<path d="M-3.6,-3.6L3.6,3.6M-3.6,3.6L3.6,-3.6" stroke="#b3261e" stroke-width="2.4"/></g>
</defs>"""


def _ring(points: Sequence[Point]) -> str:
    """A closed line as a path, from tenth to tenth of a unit; its last point is its first."""
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    (x, y), path = tenths[0], ""
    for after in tenths[1:-1]:
        path += f"l{(after[0] - x) / 10:g},{(after[1] - y) / 10:g}"
        x, y = after
    return f"M{tenths[0][0] / 10:g},{tenths[0][1] / 10:g}{path}z"


def _text(x: float, y: float, text: str, size: int, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size}" '
        f'font-weight="{weight}" font-family="{FONT}" fill="#1a1a1a">{escape(text)}</text>'
    )


def _shown(inner: str, moment: int, moments: int, seconds: float) -> str:
    """A group that is seen at one moment of the film; at rest the last one is."""
    last = moment == moments - 1
    if moments == 1:
        return f"<g>{inner}</g>"
    times, values = ["0", f"{(moment + 1) / moments:.5f}"], ["visible", "hidden"]
    if moment:
        times.insert(1, f"{moment / moments:.5f}")
        values = ["hidden", "visible", "hidden"]
    if last:
        times, values = times[:-1], values[:-1]
    return (
        f'<g visibility="{"visible" if last else "hidden"}">{inner}<animate '
        f'attributeName="visibility" calcMode="discrete" values="{";".join(values)}" '
        f'keyTimes="{";".join(times)}" dur="{seconds:g}s" repeatCount="indefinite"/></g>'
    )
