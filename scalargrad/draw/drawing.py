"""A finished picture: it shows itself in Jupyter and saves itself in several formats."""

import os
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from scalargrad.draw import dot, html
from scalargrad.draw.graph import Graph
from scalargrad.files import write_whole

__all__ = ["Drawing"]


@dataclass(frozen=True, repr=False)
class Drawing:
    """A picture of a graph, as `draw` returns it.

    `svg` and `source` are the picture as SVG and as DOT text, `engine` is what laid it out ("dot"
    or "builtin"), and `notice` says what was left out ("" when nothing was).

    >>> from scalargrad.draw import draw
    >>> from scalargrad.engine import Value
    >>> draw(Value(0.5, label="x").tanh(), engine="builtin")
    Drawing(2 boxes, 1 edge, engine='builtin')
    """

    svg: str
    source: str
    engine: str
    graph: Graph

    @property
    def notice(self) -> str:
        """What the picture leaves out; empty when it shows everything."""
        return self.graph.notice

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the suffix of `path` names, and return the path.

        .svg, .html and .dot always work. .png and .pdf are drawn by Graphviz's `dot` from
        `source`, so that a picture of the built-in engine is laid out anew. A file of that name
        is replaced in one step: it is never left half written.

        Raises ValueError for another suffix, RuntimeError when .png or .pdf needs a `dot` that is
        missing or fails, OSError when the file cannot be written.

        >>> import tempfile
        >>> from scalargrad.draw import draw
        >>> from scalargrad.engine import Value
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Value(0.5)).save(f"{folder}/x.svg").name
        'x.svg'
        """
        target = Path(path)
        writers: dict[str, Callable[[], bytes]] = {
            ".svg": self.svg.encode,
            ".png": lambda: dot.render(self.source, "png"),
            ".pdf": lambda: dot.render(self.source, "pdf"),
            ".dot": self.source.encode,
            ".html": self._html,
        }
        suffix = target.suffix.lower()
        if suffix not in writers:
            raise ValueError(
                f"cannot save as {target.suffix or target.name!r}: "
                f"the name must end in one of {', '.join(writers)}"
            )
        try:
            content = writers[suffix]()
        except dot.DotFailedError as error:
            raise RuntimeError(
                f"cannot save as {suffix}: {error}. .svg, .html and .dot work without it; "
                "installing Graphviz (for example `apt install graphviz`) gives .png and .pdf"
            ) from error
        return write_whole(target, content)

    def _html(self) -> bytes:
        title = self.graph.boxes[-1].title or "Computation graph"
        return html.page(self.svg, title, self.graph.summary).encode()

    def __repr__(self) -> str:
        boxes, edges = len(self.graph.boxes), len(self.graph.edges)
        parts = [
            f"{boxes} box" if boxes == 1 else f"{boxes} boxes",
            f"{edges} edge" if edges == 1 else f"{edges} edges",
            f"engine={self.engine!r}",
        ]
        if self.notice:
            parts.append(f"notice={self.notice!r}")
        return f"Drawing({', '.join(parts)})"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        # Only hands out strings that exist already, for an error here fails a whole notebook.
        bundle = {"image/svg+xml": self.svg, "text/plain": repr(self)}
        return {
            form: text
            for form, text in bundle.items()
            if (not include or form in include) and (not exclude or form not in exclude)
        }
