"""The entry: from a Value to a Drawing, by the best engine there is."""

from operator import index

from scalargrad.draw import dot, svg
from scalargrad.draw.drawing import Drawing
from scalargrad.draw.graph import Graph, read
from scalargrad.draw.sanitise import sanitise
from scalargrad.engine import Value

__all__ = ["draw"]

_RANKDIRS = ("LR", "TB", "RL", "BT")
_ENGINES = ("auto", "dot", "builtin")


def draw(
    x: Value,
    *,
    max_nodes: int = 150,
    max_edges: int = 400,
    rankdir: str = "LR",
    engine: str = "auto",
) -> Drawing:
    """Return a picture of the graph that made `x`: its values, and how each depends on the last.

    A box shows a value's label, operation, data and grad; an edge bears the local derivative of
    the value it leads to. Leaves are rounded, plain numbers dashed, the result has a thick border.

    Arguments:
        x: the result, a Value.
        max_nodes: draw at most so many values; a larger graph is cut to those nearest `x`, and
            the picture says so.
        max_edges: draw at most so many edges, in the same way.
        rankdir: the direction from inputs to result: "LR" (left to right), "TB" (top to bottom),
            "RL" or "BT".
        engine: "dot" (the Graphviz program), "builtin" (needs nothing), or "auto" (`dot` where it
            works and is done within 4 s, else the built-in layout).

    Raises TypeError when `x` is not a Value, ValueError for an unknown rankdir or engine or a
    budget below one value or no edges, RuntimeError when engine is "dot" and `dot` does not work.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> drawing = draw(a * b, engine="builtin")
    >>> drawing
    Drawing(3 boxes, 2 edges, engine='builtin')
    >>> drawing.svg.startswith("<svg ")
    True
    """
    if not isinstance(x, Value):
        raise TypeError(f"draw needs a Value, not {type(x).__name__}")
    _check_choice("rankdir", rankdir, _RANKDIRS)
    _check_choice("engine", engine, _ENGINES)
    _check_budget("max_nodes", max_nodes, least=1)
    _check_budget("max_edges", max_edges, least=0)
    graph = read(x, max_nodes, max_edges, rankdir)
    source = dot.source(graph)
    if engine == "builtin" or (engine == "auto" and not dot.has_dot()):
        return Drawing(svg.render(graph), source, "builtin", graph)
    try:
        timeout = dot.IMPATIENT_SECONDS if engine == "auto" else None
        return Drawing(_svg_from_dot(graph, source, timeout), source, "dot", graph)
    except dot.DotFailedError as error:
        if engine == "auto":
            return Drawing(svg.render(graph), source, "builtin", graph)
        raise RuntimeError(
            f'{error}; engine="builtin" draws without it, '
            "and `apt install graphviz` (or your system's equivalent) installs it"
        ) from error


def _svg_from_dot(graph: Graph, source: str, timeout: float | None) -> str:
    drawn = dot.render(source, "svg", timeout)
    try:
        return sanitise(drawn.decode(), graph.summary)
    except ValueError as error:  # not UTF-8, or no SVG
        raise dot.DotFailedError(f"Graphviz's `dot` gave no usable SVG: {error}") from error


def _check_choice(name: str, choice: str, choices: tuple[str, ...]) -> None:
    if choice not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {choice!r}")


def _check_budget(name: str, budget: int, least: int) -> None:
    try:
        enough = index(budget) >= least  # index also takes the whole numbers of NumPy
    except TypeError:
        enough = False
    if not enough:
        raise ValueError(f"{name} must be a whole number, at least {least}, not {budget!r}")
