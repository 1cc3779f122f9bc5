"""A finished picture, which shows itself in Jupyter and saves itself in several formats."""

import os
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from scalargrad.support import pages
from scalargrad.support.files import as_path, write_whole
from scalargrad.view.graph import Graph, count
from scalargrad.view.paint import dot, html
from scalargrad.view.paint.printing import printed
from scalargrad.view.paint.shapes import Scene

__all__ = ["Drawing"]


@dataclass(frozen=True, repr=False)
class Drawing:
    """A picture of a graph, as `draw` returns it.

    Attributes:
        svg: the picture as the text of an SVG document.
        engine: what laid it out: "dot", "pygraphviz" or "builtin".
        graph: the boxes and edges that it shows.
        scene: its shapes.

    >>> from scalargrad.view.draw import draw
    >>> from scalargrad.core.value import Value
    >>> draw(Value(0.5, label="x").tanh(), engine="builtin")
    Drawing(2 boxes, 1 edge, engine='builtin')
    """

    svg: str
    engine: str
    graph: Graph
    scene: Scene

    @property
    def source(self) -> str:
        """The graph as DOT text, for the user's own Graphviz."""
        return dot.source(self.graph)

    @property
    def notice(self) -> str:
        """What the picture collapses; empty when each value has a box of its own."""
        return self.graph.notice

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the suffix of `path` names.

        .svg, .html and .dot always work. .png and .pdf show the same picture, printed by Graphviz,
        either the program or the package. An existing file is replaced in one step, so that it is
        never left half written.

        Args:
            path: the file, with one of these suffixes in small or capital letters.

        Returns:
            The path.

        Raises:
            ValueError: `path` has another suffix.
            RuntimeError: no Graphviz works that could print .png or .pdf.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from scalargrad.view.draw import draw
        >>> from scalargrad.core.value import Value
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Value(0.5)).save(f"{folder}/x.svg").name
        'x.svg'
        """
        target = as_path(path, "Drawing.save")
        writers: dict[str, Callable[[], bytes]] = {
            ".svg": self.svg.encode,
            ".png": lambda: printed(self.scene, "png"),
            ".pdf": lambda: printed(self.scene, "pdf"),
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
        return html.write(self.scene, title).encode()

    def __repr__(self) -> str:
        boxes, edges = len(self.graph.boxes), len(self.graph.edges)
        parts = [count(boxes, "box"), count(edges, "edge"), f"engine={self.engine!r}"]
        if self.notice:
            parts.append(f"notice={self.notice!r}")
        return f"Drawing({', '.join(parts)})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        # Returns only strings that exist already, since an error here fails a whole notebook.
        forms = {"image/svg+xml": self.svg, "text/plain": repr(self)}
        return pages.offered(forms, include, exclude)
