"""A finished picture: it shows itself in Jupyter and saves itself in several formats."""

import os
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from scalargrad.support import pages as web
from scalargrad.support.files import write_whole
from scalargrad.view.graph import Graph, count
from scalargrad.view.layout import choose as engines
from scalargrad.view.layout.builtin import Layout
from scalargrad.view.paint import dot, html

__all__ = ["Drawing"]


@dataclass(frozen=True, repr=False)
class Drawing:
    """A picture of a graph, as `draw` returns it.

    `svg` and `source` are the picture as SVG and as DOT text, `engine` is what laid it out ("dot",
    "pygraphviz" or "builtin"), and `notice` says what was collapsed ("" when nothing was).

    >>> from scalargrad.view.draw import draw
    >>> from scalargrad.core.value import Value
    >>> draw(Value(0.5, label="x").tanh(), engine="builtin")
    Drawing(2 boxes, 1 edge, engine='builtin')
    """

    svg: str
    engine: str
    graph: Graph
    layout: Layout

    @property
    def source(self) -> str:
        """The graph as DOT text, for the user's own Graphviz."""
        return dot.source(self.graph)

    @property
    def notice(self) -> str:
        """What the picture brings together; empty when each value has its own box."""
        return self.graph.notice

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the suffix of `path` names, and return the path.

        .svg, .html and .dot always work. .png and .pdf show the same picture, drawn by Graphviz,
        be it the program or the package. A file of that name is replaced in one step: it is never
        left half written.

        Args:
            path: where to; the suffix, in small letters or large, says in which format.

        Raises:
            ValueError: another suffix.
            RuntimeError: .png or .pdf, and no Graphviz that works.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from scalargrad.view.draw import draw
        >>> from scalargrad.core.value import Value
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Value(0.5)).save(f"{folder}/x.svg").name
        'x.svg'
        """
        target = Path(path)
        writers: dict[str, Callable[[], bytes]] = {
            ".svg": self.svg.encode,
            ".png": lambda: engines.picture(self.graph, self.layout, "png"),
            ".pdf": lambda: engines.picture(self.graph, self.layout, "pdf"),
            ".dot": lambda: self.source.encode(),
            ".html": self._html,
        }
        suffix = target.suffix.lower()
        if suffix not in writers:
            raise ValueError(
                f"cannot save as {target.suffix or target.name!r}: "
                f"the name must end in one of {', '.join(writers)}"
            )
        return write_whole(target, writers[suffix]())

    def _html(self) -> bytes:
        title = self.graph.boxes[-1].title or "Computation graph"
        return html.page(self.svg, title, self.graph.summary).encode()

    def __repr__(self) -> str:
        boxes, edges = len(self.graph.boxes), len(self.graph.edges)
        parts = [count(boxes, "box"), count(edges, "edge"), f"engine={self.engine!r}"]
        if self.notice:
            parts.append(f"notice={self.notice!r}")
        return f"Drawing({', '.join(parts)})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        # Only hands out strings that exist already, for an error here fails a whole notebook.
        forms = {"image/svg+xml": self.svg, "text/plain": repr(self)}
        return web.offered(forms, include, exclude)
