"""Draw the graph of a Value, laid out by the best engine that works."""

from collections.abc import Iterable
from typing import Any

from scalargrad.core.value import Value
from scalargrad.view.drawing import Drawing
from scalargrad.view.graph import Graph
from scalargrad.view.layout import choose
from scalargrad.view.paint import svg
from scalargrad.view.paint.scene import paint
from scalargrad.view.read.reading import read

__all__ = ["draw", "drawn"]


def draw(
    x: Any, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", engine: str = "auto",
) -> Drawing:  # fmt: skip
    """Draw the graph that computed `x`, or a recorded program.

    A box shows a value's label, operation, data and grad; an edge shows the local derivative of
    its head with respect to its tail. Parameters have a double border, inputs are rounded, plain
    numbers dashed, the result has a thick border. The larger a gradient, the darker its box. Before
    `backward`, boxes are grey and say "grad –".

    A graph beyond the budgets is collapsed: values of one module, or of equal structure, share a
    box that states how many it holds, how many of them are parameters, and their largest |grad|.
    A thick line stands for several edges. The picture says that it is collapsed, and `expand` and
    `focus` open parts of it.

    Args:
        x: the result, a Value; or a list of several results; or a compiled function or a program
            (`c.gradient_program` is the one with the derivative), whose boxes have no numbers,
            since these differ by sample.
        model: the `nn.Module` of the parameters, or a list or dict of parameters. It names them,
            and a large graph is collapsed by its modules. Labels that are paths, like
            "layers.0.neurons.1.w.2", do the same.
        max_nodes: the largest number of boxes, at least 1.
        max_edges: the largest number of edges, at least 0.
        expand: boxes to open: a module's path, the "#12" in a title, a Value, or several of these.
        focus: a Value, its label or "#12" (its index in the graph, from 1): it and the values
            around it get boxes of their own.
        radius: the distance from `focus`, in edges, up to which values get boxes of their own.
        rankdir: the direction from inputs to result: "LR" (left to right), "TB" (top to bottom),
            "RL" or "BT".
        engine: "dot" (the Graphviz program), "pygraphviz" (Graphviz from the package index),
            "builtin" (needs nothing), or "auto": the first of these that works, but "builtin" for
            graphs with many edges per box, whose lines it keeps apart best.

    Returns:
        A Drawing, which shows itself in Jupyter; its method `save` writes SVG, PNG, PDF, HTML and
        DOT.

    Raises:
        TypeError: `x` is none of these, `model` is neither a module nor a list or dict of Values,
            or another argument has the wrong type.
        ValueError: an unknown rankdir or engine, a budget or `radius` that is too small, or a name
            that is not in the graph.
        RuntimeError: `engine` names a Graphviz that is missing or does not work.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> drawing = draw(a * b, engine="builtin")
    >>> drawing
    Drawing(3 boxes, 2 edges, engine='builtin')
    >>> drawing.svg.startswith("<svg ")
    True
    >>> draw([a + b, a * b], engine="builtin")
    Drawing(4 boxes, 4 edges, engine='builtin')
    >>> draw(sg.compile(lambda x: sg.tanh(x) * x).record(0.5), engine="builtin")
    Drawing(3 boxes, 3 edges, engine='builtin')
    """
    choose.check(engine)
    return drawn(read(x, model, max_nodes, max_edges, expand, focus, radius, rankdir).graph, engine)


def drawn(graph: Graph, engine: str) -> Drawing:
    """The picture of a graph, laid out by an engine."""
    layout, used = choose.lay_out(graph, engine)
    scene = paint(graph, layout)
    return Drawing(svg.write(scene), used, graph, scene)
