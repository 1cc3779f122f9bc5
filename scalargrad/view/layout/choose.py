"""Choose the layout engine: `dot`, pygraphviz, or the built-in layout, which always works."""

from contextlib import suppress
from time import monotonic

from scalargrad.core.numbers import written
from scalargrad.view import programs
from scalargrad.view.geometry import Layout
from scalargrad.view.graph import Graph
from scalargrad.view.layout import builtin, graphviz
from scalargrad.view.programs import GRAPHVIZ, INSTALL, GraphvizError

__all__ = ["ENGINES", "check", "lay_out"]

ENGINES = ("auto", *GRAPHVIZ, "builtin")

# Edges per box above which the built-in layout is the clearer one. Graphviz leads the lines between
# two layers of neurons around the boxes and into them from behind, and no setting of its ports,
# distances or line styles was found that keeps them apart.
_CROWDED = 2.5


def check(engine: str) -> None:
    """Raise ValueError unless `engine` is the name of an engine, or "auto".

    >>> check("neato")
    Traceback (most recent call last):
        ...
    ValueError: engine must be one of auto, dot, pygraphviz, builtin, not 'neato'
    """
    if not isinstance(engine, str) or engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {written(engine)}")


def lay_out(graph: Graph, engine: str) -> tuple[Layout, str]:
    """Return the layout of `graph` and the name of the engine that made it.

    Args:
        graph: the graph to lay out.
        engine: "dot", "pygraphviz" or "builtin", or "auto" for the first of these that works.
            The first two may take 20 s each. With "auto" they share 4 s, and a graph with many
            edges per box goes to the built-in layout, which keeps lines apart.

    Raises:
        ValueError: no engine has that name.
        RuntimeError: `engine` names a Graphviz that is missing or does not work.

    >>> from scalargrad.view.read.reading import read
    >>> layout, used = lay_out(read(sg.Value(1.0).tanh()).graph, "builtin")
    >>> len(layout.boxes), len(layout.routes), used
    (2, 1, 'builtin')
    """
    check(engine)
    if engine in GRAPHVIZ:
        try:
            return graphviz.lay_out(graph, engine), engine
        except GraphvizError as error:
            raise RuntimeError(
                f'{error}; engine="builtin" draws without it, and {INSTALL[engine]} installs it'
            ) from error
    bundled = any(box.kind == "bundle" for box in graph.boxes)  # a fan of lines on either side
    if engine == "auto" and not bundled and len(graph.edges) <= _CROWDED * len(graph.boxes):
        end = monotonic() + programs.IMPATIENT_SECONDS
        for name in GRAPHVIZ:
            # What one Graphviz did not finish in time, the other would not finish either.
            left = end - monotonic()
            if left > 0.0 and programs.where(name):
                with suppress(GraphvizError):
                    return graphviz.lay_out(graph, name, left), name
    return builtin.lay_out(graph), "builtin"
