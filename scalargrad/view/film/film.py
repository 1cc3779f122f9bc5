"""A film: the steps of a forward and a backward pass, and the web page that plays them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from scalargrad.support import pages as web
from scalargrad.support.files import as_path, write_whole
from scalargrad.view.film import moving
from scalargrad.view.film.step import Change, Step
from scalargrad.view.graph import Graph, count
from scalargrad.view.paint import svg
from scalargrad.view.paint.shapes import Scene

__all__ = ["Change", "Film", "Step"]

# The script follows what it turns into a player, so that it finds it while a page loads. It makes
# the buttons and the slider itself: without it they would not work.
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


@dataclass(frozen=True, repr=False)
class Film:
    """The forward and the backward pass of a graph, step by step, as `steps` returns it.

    Attributes:
        steps: the steps in order; `print(step)` shows one as text.
        scene: the picture after the last step.
        graph: the boxes and edges of the picture.
        engine: the layout engine, "dot", "pygraphviz" or "builtin".
        start: what the boxes show before the first step.

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
        """The film as a web page of its own, which loads no other file.

        >>> from scalargrad.view.steps import steps
        >>> steps(Value(3.0, "x").tanh()).html.startswith("<!DOCTYPE html>")
        True
        """
        title = f"The backward pass of {self.graph.boxes[-1].title or 'a computation'}"
        return web.page(title, self._fragment(), _asset("film.css"), _asset("film.js"))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film as a web page, or as a picture that moves by itself.

        An existing file is replaced in one step, so that it is never left half written.

        Args:
            path: the file to write. Its name ends in .html, for a page to play and to step
                through, or in .svg, for a picture that plays in a loop wherever it is shown. On
                paper, and for readers who want no motion, that picture shows the last step.

        Returns:
            The path that was written.

        Raises:
            ValueError: the name has another ending.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from scalargrad.view.steps import steps
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     steps(Value(3.0, "x").tanh()).save(f"{folder}/film.html").name
        'film.html'
        """
        target = as_path(path, "Film.save")
        suffix = target.suffix.lower()
        if suffix == ".svg":
            text = moving.write(self.scene, self.start, list(self._captioned()))
            return write_whole(target, text.encode())
        if suffix != ".html":
            raise ValueError(
                f"cannot save a film as {target.suffix or target.name!r}: the name must end in "
                ".html or .svg; draw(x).save() writes pictures"
            )
        return write_whole(target, self.html.encode())

    def _fragment(self) -> str:
        # Base64 in an <img>, since JupyterLab shows no other picture in a notebook that is not
        # trusted.
        description = f"{self.graph.summary}. The picture shows the end of the backward pass."
        picture = base64.b64encode(svg.write(self.scene, in_page=True).encode()).decode()
        items = (
            f"<li><b>{caption}:</b> {'<br>'.join(map(escape, (step.title, *step.lines)))}</li>"
            for caption, step in self._captioned()
        )
        return _FILM.format(
            style=_asset("film.css"), script=_asset("film.js"), alt=escape(description),
            picture=picture, items="\n".join(items), data=_as_json(self.data),
            count=count(len(self.steps), "step"),
        )  # fmt: skip

    def _captioned(self) -> Iterator[tuple[str, Step]]:
        for phase in ("forward", "backward"):
            part = [step for step in self.steps if step.phase == phase]
            for number, step in enumerate(part, 1):
                yield f"{phase} {number} of {len(part)}", step

    @property
    def data(self) -> dict[str, object]:
        """The steps as plain data, which JSON can write: what a player of the film reads."""
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
    """JSON for a script element: nothing in it can end the element or open another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
