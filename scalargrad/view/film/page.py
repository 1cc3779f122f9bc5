"""A film of a graph: its steps, and the page that shows them one after the other."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from scalargrad.support import pages as web
from scalargrad.support.files import write_whole
from scalargrad.view.graph import Graph, count
from scalargrad.view.paint import svg
from scalargrad.view.paint.shapes import Scene

__all__ = ["Change", "Film", "Step"]

# The script stands behind what it turns into a player, so that it finds it while a page loads.
# Buttons and the slider are made by the script: without it they would promise what does not work.
_FILM = """<div class="scalargrad-film" data-lm-suppress-shortcuts="true">
<style>{style}</style>
<div class="film-picture"><img alt="{alt}" src="data:image/svg+xml;base64,{picture}"></div>
<details class="film-list" open>
<summary>All {count} in words</summary>
<ol>
{items}
</ol>
</details>
<script type="application/json">{data}</script>
<script>{script}</script>
</div>"""


class Change(NamedTuple):
    """What a step writes into a box of the picture: the text of a row, or the colour of the box."""

    box: int
    part: Literal["data", "grad", "fill"]
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One picture of a film, in words and as what changes in the picture.

    `title` and `lines` tell what happens. `boxes` are the numbers of the boxes that act, `touched`
    those that get something, `edges` the numbers of the edges along which something flows and
    `stopped` those along which nothing does.
    """

    phase: Literal["forward", "backward"]
    title: str
    lines: tuple[str, ...] = ()
    boxes: tuple[int, ...] = ()
    touched: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.phase}: {self.title}", *self.lines))


@dataclass(frozen=True, repr=False)
class Film:
    """The forward and the backward pass of a graph, step by step, as `steps` returns it.

    `steps` are the steps, `scene` is the picture after the last one, `graph` what it shows,
    `engine` what laid it out, and `start` what the picture shows before the first step.

    >>> from scalargrad.view.steps import steps
    >>> film = steps(Value(3.0, "x") * Value(2.0, "y"), engine="builtin")
    >>> film
    Film(2 steps forward, 2 steps backward, 3 boxes, engine='builtin')
    >>> print(film.steps[-2])
    backward: v3.grad = 1
        ∂v3/∂v3 = 1; every other gradient starts at 0
    """

    steps: tuple[Step, ...]
    scene: Scene
    graph: Graph
    engine: str
    start: tuple[Change, ...]

    @property
    def svg(self) -> str:
        """The picture after the last step, as the text of an SVG document."""
        return svg.write(self.scene)

    @property
    def html(self) -> str:
        """The film as a web page of its own, which loads nothing from anywhere.

        >>> from scalargrad.view.steps import steps
        >>> steps(Value(3.0, "x").tanh()).html.startswith("<!DOCTYPE html>")
        True
        """
        title = f"The backward pass of {self.graph.boxes[-1].title or 'a computation'}"
        return web.page(title, self._fragment(), _asset("film.css"), _asset("film.js"))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film as a web page to `path`, which ends in .html, and return the path.

        A file of that name is replaced in one step: it is never left half written.

        Args:
            path: where to; the name ends in .html.

        Raises:
            ValueError: the name ends in something else.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from scalargrad.view.steps import steps
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     steps(Value(3.0, "x").tanh()).save(f"{folder}/film.html").name
        'film.html'
        """
        target = Path(path)
        if target.suffix.lower() != ".html":
            raise ValueError(
                f"cannot save a film as {target.suffix or target.name!r}: the name must end in "
                ".html; a picture of one moment is what draw(x).save() writes"
            )
        return write_whole(target, self.html.encode())

    def _fragment(self) -> str:
        # Base64 in an <img>, since that is all that JupyterLab shows of a notebook not trusted.
        description = f"{self.graph.summary}. This is how it stands after the backward pass."
        picture = base64.b64encode(svg.write(self.scene, in_page=True).encode()).decode()
        items = (
            f"<li><b>{caption}:</b> {'<br>'.join(map(escape, (step.title, *step.lines)))}</li>"
            for caption, step in self._captioned()
        )
        return _FILM.format(
            style=_asset("film.css"), script=_asset("film.js"), alt=escape(description),
            picture=picture, items="\n".join(items), data=_as_json(self._data()),
            count=count(len(self.steps), "step"),
        )  # fmt: skip

    def _captioned(self) -> Iterator[tuple[str, Step]]:
        for phase in ("forward", "backward"):
            part = [step for step in self.steps if step.phase == phase]
            for number, step in enumerate(part, 1):
                yield f"{phase} {number} of {len(part)}", step

    def _data(self) -> dict[str, object]:
        return {
            "summary": self.graph.summary,
            "start": self.start,
            "steps": [
                {
                    "phase": step.phase, "caption": caption, "title": step.title,
                    "lines": step.lines, "boxes": step.boxes, "touched": step.touched,
                    "edges": step.edges, "stopped": step.stopped, "changes": step.changes,
                }
                for caption, step in self._captioned()
            ],
        }  # fmt: skip

    def __repr__(self) -> str:
        parts = [
            f"{count(sum(step.phase == phase for step in self.steps), 'step')} {phase}"
            for phase in ("forward", "backward")
        ]
        parts += [count(len(self.graph.boxes), "box"), f"engine={self.engine!r}"]
        if self.graph.notice:
            parts.append(f"notice={self.graph.notice!r}")
        return f"Film({', '.join(parts)})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        forms = {"text/html": self._fragment(), "text/plain": repr(self)}
        return web.offered(forms, include, exclude)


@cache
def _asset(name: str) -> str:
    return files("scalargrad.view.film").joinpath(name).read_text("utf-8")


def _as_json(data: object) -> str:
    """JSON that may stand in a script element: nothing in it can end the element or open one."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in chain("<>&", "\u2028\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
