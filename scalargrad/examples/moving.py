"""Pictures that move: one SVG that every browser plays, with a button and a slider of its own."""

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

__all__ = ["Bars", "MovingPicture", "controls", "document", "moving"]

Point = tuple[float, float]
COLOURS = ("#12355b", "#c05a1c", "#1d6b45", "#8a5fb5")
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
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

    Opened in a browser, or in a notebook, it has a button and a slider; the keys are space, left
    and right.

    Attributes:
        svg: the picture as text.
        alt: what it shows.
        script: the function `withControls` in it, for a page that the picture is put into.
    """

    svg: str
    alt: str
    script: str

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
        # A notebook that is not trusted drops the script, and shows an image that plays in a loop.
        data = f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"
        return (
            f'<div data-lm-suppress-shortcuts="true"><img alt="{escape(self.alt)}" '
            f'style="max-width: 100%" src="{data}">'
            f"<script>{self.script}{_IN_PAGE}</script></div>"
        )


# The script makes the button and the slider itself: where it does not run they would not work.
_CONTROLS = """
function withControls(svg) {
  var total = %(seconds)g, steps = %(steps)d, left = %(left).0f, right = %(right).0f;
  var y = %(y).0f, playing = true, held = false;
  function make(name, attributes) {
    var element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (var key in attributes) element.setAttribute(key, attributes[key]);
    svg.appendChild(element);
    return element;
  }
  var track = make("line", {x1: left, x2: right, y1: y, y2: y, stroke: "#c4c4c4",
    "stroke-width": 6, "stroke-linecap": "round", cursor: "pointer"});
  var knob = make("circle", {cx: left, cy: y, r: 8, fill: "#12355b", cursor: "pointer"});
  var area = make("rect", {x: left - 34, y: y - 14, width: 28, height: 28, fill: "white",
    stroke: "#8a8a8a", rx: 4, cursor: "pointer", tabindex: 0, role: "button"});
  var sign = make("path", {fill: "#1a1a1a", "pointer-events": "none"});
  function draw() {
    var x = left - 20;
    sign.setAttribute("d", playing
      ? "M" + (x - 6) + "," + (y - 7) + "h4v14h-4z M" + (x + 2) + "," + (y - 7) + "h4v14h-4z"
      : "M" + (x - 5) + "," + (y - 8) + "l12,8l-12,8z");
    area.setAttribute("aria-label", playing ? "Pause" : "Play");
    var time = svg.getCurrentTime() %% total;
    knob.setAttribute("cx", left + (right - left) * time / total);
  }
  function run() { draw(); if (playing) requestAnimationFrame(run); }
  function toggle() {
    playing = !playing;
    if (playing) { svg.unpauseAnimations(); run(); } else { svg.pauseAnimations(); draw(); }
  }
  function seek(time) {
    if (playing) toggle();
    svg.setCurrentTime(Math.min(Math.max(time, 0), total * (1 - 0.5 / steps)));
    draw();
  }
  function show(frame) { seek((frame + 0.5) / steps * total); }
  function at(event) {
    var point = svg.createSVGPoint();
    point.x = event.clientX;
    point.y = event.clientY;
    var x = point.matrixTransform(svg.getScreenCTM().inverse()).x;
    seek(total * (x - left) / (right - left));
  }
  function hold(event) { held = true; at(event); }
  track.addEventListener("pointerdown", hold);
  knob.addEventListener("pointerdown", hold);
  svg.addEventListener("pointermove", function (event) { if (held) at(event); });
  svg.addEventListener("pointerup", function () { held = false; });
  area.addEventListener("click", toggle);
  svg.addEventListener("keydown", function (event) {
    var frame = Math.floor((svg.getCurrentTime() %% total) / total * steps + 1e-6);
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") show(Math.min(frame + 1, steps - 1));
    else if (event.key === "ArrowLeft") show(Math.max(frame - 1, 0));
    else return;
    event.preventDefault();
  });
  run();
}
"""
# In a notebook the SVG is an image, until this script puts it in the page in place of the image.
_IN_PAGE = """
(function () {
  var img = document.currentScript.previousElementSibling;
  var text = atob(img.src.split(",")[1]);
  var bytes = Uint8Array.from(text, function (letter) { return letter.charCodeAt(0); });
  var parsed = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml");
  var svg = document.importNode(parsed.documentElement, true);
  svg.querySelector("script").remove();
  svg.setAttribute("style", "max-width: 100%; height: auto");
  svg.setAttribute("tabindex", 0);
  img.replaceWith(svg);
  withControls(svg);
})();
"""
_ROOM = 40.0  # for the controls, below the picture


def controls(width: float, top: float, seconds: float, steps: int) -> str:
    """The function that adds a play button and a slider to an SVG, in JavaScript.

    Args:
        width: of the picture.
        top: where its last 40 units begin, in which they stand.
        seconds: how long the film takes.
        steps: how many moments the arrow keys go through.
    """
    return _CONTROLS % {
        "seconds": seconds, "steps": steps, "left": 60.0, "right": width - 24.0,
        "y": top + _ROOM / 2,
    }  # fmt: skip


def document(
    lines: Iterable[str], width: float, height: float, seconds: float, steps: int, *,
    title: str, alt: str,
) -> MovingPicture:  # fmt: skip
    """Put moving shapes into an SVG with a title above and controls below.

    Args:
        lines: the shapes, as SVG, in a picture of `width` and `height`; the title takes the 34
            units at its top.
        width, height: of the picture without the controls.
        seconds: how long the film takes.
        steps: how many moments it has.
        title: a line above the picture.
        alt: a description for those who cannot see it.
    """
    whole = height + _ROOM
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {whole:.0f}" '
        f'width="{width:.0f}" height="{whole:.0f}" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{width / 2:.0f}" y="24" text-anchor="middle" font-size="15" '
        f'font-family="{FONT}" fill="#1a1a1a">{escape(title)}</text>',
    ]
    script = controls(width, height, seconds, steps)
    started = f"{script}withControls(document.currentScript.ownerSVGElement);"
    tail = [f"<script><![CDATA[{started}]]></script>", "</svg>\n"]
    return MovingPicture("\n".join([*head, *lines, *tail]), alt, script)


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
    lines: list[str] = []
    if shape:
        lines.append(
            f'<polyline points="{_joined(map(place, shape))}" fill="none" stroke="#8a8a8a" '
            'stroke-width="2" stroke-dasharray="2 5"/>'
        )
    for k, bars in enumerate(parts.values()):
        colour = COLOURS[k % len(COLOURS)]
        lines += _drawn([[place(p) for p in frame] for frame in bars.frames], bars, colour, time)
    return document(lines, width, height, seconds, counts.pop(), title=title, alt=alt)


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
