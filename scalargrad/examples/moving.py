"""Pictures that move: jointed bars and their traces, as one SVG that every browser plays."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import dist
from pathlib import Path

from scalargrad.support.files import as_path, write_whole

__all__ = ["Bars", "MovingPicture", "moving"]

Point = tuple[float, float]
COLOURS = ("#12355b", "#c05a1c", "#1d6b45", "#8a5fb5")
_SIZE = 480.0  # the length of the longer side, in the units of the picture


@dataclass(frozen=True)
class Bars:
    """Bars from joint to joint that move, such as an arm or a pendulum.

    Attributes:
        frames: for each moment the joints, the fixed one first; as many in each.
        trace: whether the last joint draws its path.
        faint: whether the bars are thin and pale, to stand behind others.
    """

    frames: Sequence[Sequence[Point]]
    trace: bool = True
    faint: bool = False


@dataclass(frozen=True, repr=False)
class MovingPicture:
    """An SVG that plays in a loop; where nothing plays it, it shows the last moment.

    Attributes:
        svg: the picture as text.
        alt: what it shows.
    """

    svg: str
    alt: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file that ends in .svg, and return the path.

        Raises:
            ValueError: the suffix is another one.
        """
        target = as_path(path, "MovingPicture.save")
        if target.suffix.lower() != ".svg":
            raise ValueError(f"a moving picture is saved as .svg, got {target.name!r}")
        return write_whole(target, self.svg.encode())

    def __repr__(self) -> str:
        return f"MovingPicture({self.alt!r})"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        return (
            f'<img alt="{escape(self.alt)}" style="max-width: 100%" '
            f'src="data:image/svg+xml;base64,{data}">'
        )


def moving(
    parts: Mapping[str, Bars], seconds: float, *, title: str, alt: str,
    shape: Sequence[Point] = (),
) -> MovingPicture:  # fmt: skip
    """Draw bars that move.

    Args:
        parts: the bars by name; the later ones stand in front. All have as many frames.
        seconds: how long all frames take.
        title: a line above the picture.
        alt: a description for those who cannot see it.
        shape: a line that stands still behind all.

    Raises:
        ValueError: there is nothing to draw, or the parts differ in their number of frames.

    >>> turning = Bars([[(0, 0), (1, 0)], [(0, 0), (0, 1)]])
    >>> moving({"hand": turning}, 1.0, title="A turn", alt="A bar that turns.").svg[:4]
    '<svg'
    """
    counts = {len(bars.frames) for bars in parts.values()}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"moving: all parts need as many frames, one at least; got {counts}")
    points = [p for bars in parts.values() for frame in bars.frames for p in frame] + [*shape]
    xs, ys = zip(*points, strict=True)
    scale = _SIZE / max(max(xs) - min(xs), max(ys) - min(ys), 1e-9)
    margin, head = 16.0, 34.0

    def place(p: Point) -> Point:
        return margin + scale * (p[0] - min(xs)), head + margin + scale * (max(ys) - p[1])

    width = 2.0 * margin + scale * (max(xs) - min(xs))
    height = 2.0 * margin + head + scale * (max(ys) - min(ys))
    time = f'dur="{seconds:g}s" repeatCount="indefinite"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{width / 2:.0f}" y="24" text-anchor="middle" font-size="15" '
        f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" fill="#1a1a1a">'
        f"{escape(title)}</text>",
    ]
    if shape:
        lines.append(
            f'<polyline points="{_joined(map(place, shape))}" fill="none" stroke="#8a8a8a" '
            'stroke-width="2" stroke-dasharray="2 5"/>'
        )
    for k, bars in enumerate(parts.values()):
        colour = COLOURS[k % len(COLOURS)]
        lines += _drawn([[place(p) for p in frame] for frame in bars.frames], bars, colour, time)
    return MovingPicture("\n".join([*lines, "</svg>\n"]), alt)


def _drawn(frames: list[list[Point]], bars: Bars, colour: str, time: str) -> list[str]:
    lines = []
    if bars.trace:
        path = [frame[-1] for frame in frames]
        run = [0.0]
        for a, b in pairwise(path):
            run.append(run[-1] + dist(a, b))
        shares = ";".join(f"{1.0 - s / (run[-1] or 1.0):.4f}" for s in run)
        lines.append(
            f'<polyline points="{_joined(path)}" fill="none" stroke="{colour}" '
            f'stroke-width="{1.0 if bars.faint else 1.6}" stroke-opacity="0.55" pathLength="1" '
            f'stroke-dasharray="1 1" stroke-linejoin="round"><animate '
            f'attributeName="stroke-dashoffset" values="{shares}" {time}/></polyline>'
        )
    width, opacity = (1.2, 0.35) if bars.faint else (5.0, 1.0)
    moments = ";".join(map(_joined, frames))
    lines.append(
        f'<polyline points="{_joined(frames[-1])}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}" stroke-opacity="{opacity}" stroke-linecap="round" '
        f'stroke-linejoin="round"><animate attributeName="points" values="{moments}" '
        f"{time}/></polyline>"
    )
    for j in range(0 if not bars.faint else len(frames[0]) - 1, len(frames[0])):
        x, y = frames[-1][j]
        moves = "".join(
            f'<animate attributeName="{name}" values="'
            f'{";".join(f"{frame[j][axis]:.1f}" for frame in frames)}" {time}/>'
            for axis, name in enumerate(("cx", "cy"))
            if len({frame[j] for frame in frames}) > 1
        )
        radius = 3.0 if bars.faint else 7.0 if j else 5.0
        fill = "white" if j == 0 else colour
        lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" '
            f'stroke-width="2" opacity="{0.6 if bars.faint else 1}">{moves}</circle>'
        )
    return lines


def _joined(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
