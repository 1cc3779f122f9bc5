"""A film as one SVG that plays by itself in a loop, where there is no script: in an `<img>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from math import hypot
from typing import TypeAlias
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from scalargrad.view.film.step import Change, Step
from scalargrad.view.paint import svg
from scalargrad.view.paint.shapes import Scene
from scalargrad.view.theme import BACKGROUND, INK, MARGIN, text_width

__all__ = ["write"]

Captioned: TypeAlias = Sequence[tuple[str, Step]]

_SVG = "http://www.w3.org/2000/svg"
_SECONDS = 1.8  # a step
_LAST = 2  # how many times as long the last one is shown
_COLOURS = {"forward": "#00695c", "backward": "#b3400a"}
_TITLE, _LINE = 17.0, 14.0  # font sizes
_LINES = 3  # of what a step says besides its title

# Without animations the picture is that of the last step.
_STYLE = """
.m { animation: %gs step-end infinite }
.only { opacity: 0 }
@media print, (prefers-reduced-motion: reduce) { .m { animation: none !important } }
"""


def write(scene: Scene, start: Iterable[Change], steps: Captioned) -> str:
    """Return the text of the SVG.

    Args:
        scene: the picture after the last step.
        start: what the boxes show before the first step.
        steps: the steps with their captions.
    """
    return _Moving(scene, start, steps).text()


class _Moving:
    def __init__(self, scene: Scene, start: Iterable[Change], steps: Captioned) -> None:
        self.scene, self.start, self.steps = scene, tuple(start), steps
        self.root = ElementTree.fromstring(svg.write(scene))
        self.frames: dict[str, str] = {}  # the names of the keyframes by their text

    def text(self) -> str:
        self._texts_and_fills()
        self._edges()
        self._boxes()
        self._captions()
        seconds = _SECONDS * (len(self.steps) + _LAST - 1)
        rules = [_STYLE % seconds]
        rules += [f"@keyframes {name} {{ {text} }}\n" for text, name in self.frames.items()]
        style = Element(f"{{{_SVG}}}style")
        style.text = "".join(rules)
        self.root.insert(0, style)
        ElementTree.register_namespace("", _SVG)
        return ElementTree.tostring(self.root, "unicode")

    # --- time -------------------------------------------------------------------------------

    def _animate(self, element: Element, rule: Callable[[int], str]) -> None:
        """Give an element, at each step, the properties that `rule` states for it."""
        count = len(self.steps)
        stops, before = [], None
        for number in range(count):
            now = rule(number)
            if now != before:
                stops.append(f"{100.0 * number / (count + _LAST - 1):.3f}% {{ {now} }}")
            before = now
        text = " ".join([*stops, f"100% {{ {before} }}"])
        name = self.frames.setdefault(text, f"k{len(self.frames)}")
        element.set("class", f"{element.get('class', '')} m".strip())
        element.set("style", f"animation-name: {name}")

    def _show(self, element: Element, during: Iterable[int]) -> None:
        """Show an element during some steps only; where nothing moves, only if the last is one."""
        steps = set(during)
        if len(steps) == len(self.steps):
            return
        if len(self.steps) - 1 not in steps:
            element.set("class", "only")
        self._animate(element, lambda n: f"opacity: {int(n in steps)}")

    # --- the picture ------------------------------------------------------------------------

    def _all(self, kind: str, number: int | None = None) -> list[Element]:
        name = f"data-{kind}"
        return [
            element
            for element in self.root.iter()
            if (element.get(name) == str(number) if number is not None else element.get(name))
        ]

    def _texts_and_fills(self) -> None:
        told: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for number, changes in enumerate([self.start, *(s.changes for _, s in self.steps)], -1):
            for box, part, text in changes:
                told.setdefault((box, part), []).append((max(number, 0), text))
        for (box, row_name), texts in told.items():
            at = [_latest(texts, number) for number in range(len(self.steps))]
            for group in self._all("box", box):
                if row_name == "fill":
                    for path in group.findall(f"{{{_SVG}}}path"):
                        self._animate(path, lambda n, at=at: f"fill: {at[n]}")  # type: ignore[misc]
                    continue
                row = next(e for e in group if e.get("data-row") == row_name)
                for words in dict.fromkeys(at):
                    element = row if words == at[-1] else deepcopy(row)
                    if element is not row:
                        group.insert(list(group).index(row), element)
                    element.text = words
                    self._show(element, [n for n, said in enumerate(at) if said == words])

    def _boxes(self) -> None:
        for group in self._all("box"):
            number = int(group.get("data-box", ""))
            lit = {
                n: 5.0 if number in step.boxes else 3.0
                for n, (_, step) in enumerate(self.steps)
                if number in step.boxes or number in step.touched
            }
            if not lit:
                continue
            # A frame of its own: the fill of the box may be animated already.
            paths = group.findall(f"{{{_SVG}}}path")
            for width in set(lit.values()):
                during = {n for n, w in lit.items() if w == width}
                for phase, colour in _COLOURS.items():
                    own = {n for n in during if self.steps[n][1].phase == phase}
                    if own and paths:
                        attributes = {
                            "d": paths[0].get("d", ""), "fill": "none", "stroke": colour,
                            "stroke-width": f"{width:g}",
                        }  # fmt: skip
                        frame = Element(f"{{{_SVG}}}path", attributes)
                        group.insert(len(paths), frame)
                        self._show(frame, own)

    def _edges(self) -> None:
        flows: dict[tuple[int, str], set[int]] = {}
        for number, (_, step) in enumerate(self.steps):
            for edge in step.edges:
                flows.setdefault((edge, step.phase), set()).add(number)
        parents = {child: parent for parent in self.root.iter() for child in parent}
        for element in self._all("edge"):
            edge = int(element.get("data-edge", ""))
            if element.tag == f"{{{_SVG}}}g":  # the local derivative, once it is known
                known = min((min(s) for (e, _), s in flows.items() if e == edge), default=0)
                self._show(element, range(known, len(self.steps)))
                continue
            for phase, colour in _COLOURS.items():
                during = flows.get((edge, phase), set())
                if not during:
                    continue
                copy = deepcopy(element)
                if element.tag == f"{{{_SVG}}}path":
                    copy.set("stroke", colour)
                    copy.set("stroke-width", "3")
                    if phase == "backward":
                        copy.set("stroke-dasharray", "9 4")
                else:
                    if phase == "backward":
                        copy.set("points", self._way_back(edge))
                    copy.set("fill", colour)
                    copy.set("stroke", colour)
                    copy.set("stroke-width", "2")
                parent = parents[element]
                parent.insert(list(parent).index(element) + 1, copy)
                self._show(copy, during)

    def _way_back(self, edge: int) -> str:
        """The head of an arrow at the start of an edge."""
        line = next(e for e in self._all("edge", edge) if e.tag == f"{{{_SVG}}}path")
        numbers = list(map(float, re.findall(r"-?[\d.]+", line.get("d", ""))))
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        x, y = points[0]
        u, v = next(p for p in points if p != points[0])
        length = hypot(u - x, v - y)
        dx, dy = 8.0 * (u - x) / length, 8.0 * (v - y) / length
        tips = [(x, y), (x + dx - 0.4 * dy, y + dy + 0.4 * dx),
                (x + dx + 0.4 * dy, y + dy - 0.4 * dx)]  # fmt: skip
        return " ".join(f"{a:.2f},{b:.2f}" for a, b in tips)

    # --- words ------------------------------------------------------------------------------

    def _captions(self) -> None:
        """Add the words of each step above the picture."""
        height = MARGIN + 1.5 * _TITLE + 1.35 * _LINE * _LINES
        width = max(self.scene.width, 480.0)
        total = self.scene.height + height
        left = (self.scene.width - width) / 2.0
        self.root.set("viewBox", f"{left:.2f} {-height:.2f} {width:.2f} {total:.2f}")
        self.root.set("width", "100%" if self.root.get("width") == "100%" else f"{width:.0f}pt")
        if self.root.get("height"):
            self.root.set("height", f"{total:.0f}pt")
        attributes = {
            "x": f"{left:.2f}", "y": f"{-height:.2f}", "width": f"{width:.2f}",
            "height": f"{total:.2f}", "fill": BACKGROUND,
        }  # fmt: skip
        self.root.insert(0, Element(f"{{{_SVG}}}rect", attributes))
        room = width - 2.0 * MARGIN
        for number, (caption, step) in enumerate(self.steps):
            group = Element(f"{{{_SVG}}}g", {"fill": INK})
            title = f"{caption}: {step.title}"
            more = len(step.lines) - _LINES
            lines = list(step.lines[: _LINES - (more > 0)])
            if more > 0:
                lines.append(f"and {more + 1} more")
            y = MARGIN + _TITLE - height
            for text, size in [(title, _TITLE), *((line, _LINE) for line in lines)]:
                fitting = min(size, size * room / max(text_width(text, size), 1.0))
                attributes = {
                    "x": f"{left + MARGIN:.2f}", "y": f"{y:.2f}", "font-size": f"{fitting:.3g}",
                }  # fmt: skip
                if size == _TITLE:
                    attributes |= {"font-weight": "bold", "fill": _COLOURS[step.phase]}
                element = Element(f"{{{_SVG}}}text", attributes)
                element.text = text
                group.append(element)
                y += 1.4 * _LINE
            self.root.append(group)
            self._show(group, [number])


def _latest(told: Sequence[tuple[int, str]], number: int) -> str:
    """Return the text that holds at a step."""
    return [text for since, text in told if since <= number][-1]
