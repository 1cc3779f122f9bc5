"""The entry: from a Value to a Drawing, laid out by the best engine there is."""

from collections.abc import Iterable
from typing import Any

from scalargrad.core.value import Value
from scalargrad.view.drawing import Drawing
from scalargrad.view.layout import choose as engines
from scalargrad.view.paint import svg
from scalargrad.view.read.reading import read

__all__ = ["draw"]


def draw(
    x: Value, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", engine: str = "auto",
) -> Drawing:  # fmt: skip
    """Return a picture of the graph that made `x`: its values, and how each depends on the last.

    A box shows a value's label, operation, data and grad; an edge bears the local derivative of
    the value it leads to. Parameters have a double border, inputs are rounded, plain numbers
    dashed, the result has a thick border. The larger a gradient, the darker its box. Where no
    backward pass has been, boxes are grey and say "grad –".

    A graph beyond the budgets is collapsed: values of one module, or of equal structure, share a
    box that says how many it holds, how many of them are parameters, and their largest |grad|.
    The picture says so, and `expand` and `focus` open parts of it.

    Args:
        x: the result, a Value.
        model: the `nn.Module` whose parameters these are, or a list or dict of parameters: it
            names them, and its modules are what a large graph is collapsed by. Labels that are
            paths, like "layers.0.neurons.1.w.2", do the same.
        max_nodes: how many boxes there may be.
        max_edges: how many edges there may be.
        expand: boxes to open, by the module's path or the "#12" in their title, or Values in them.
        focus: a Value, its label or "#12" (its place), to show with what is around it as single
            boxes.
        radius: how many edges away from `focus` values are still shown singly.
        rankdir: the direction from inputs to result: "LR" (left to right), "TB" (top to bottom),
            "RL" or "BT".
        engine: "dot" (the Graphviz program), "pygraphviz" (Graphviz from the package index),
            "builtin" (needs nothing), or "auto": the first of these that is there and works, but
            "builtin" where many lines meet, which it keeps apart best.

    Raises:
        TypeError: `x` is no Value, `model` neither a module nor a list or dict of Values, or
            another argument is of a type that does not fit.
        ValueError: an unknown rankdir or engine, `max_nodes` below 1, `max_edges` or `radius`
            below 0, or a name that is not in the graph.
        RuntimeError: the engine asked for is missing or does not work.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> drawing = draw(a * b, engine="builtin")
    >>> drawing
    Drawing(3 boxes, 2 edges, engine='builtin')
    >>> drawing.svg.startswith("<svg ")
    True
    """
    engines.check(engine)
    graph = read(x, model, max_nodes, max_edges, expand, focus, radius, rankdir).graph
    layout, used = engines.lay_out(graph, engine)
    return Drawing(svg.render(graph, layout), used, graph, layout)
