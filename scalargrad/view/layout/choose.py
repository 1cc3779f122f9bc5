"""The engines, best first: `dot`, pip's pygraphviz, and the built-in layout, always there."""

from contextlib import suppress
from time import monotonic
from typing import Literal

from scalargrad.view import programs
from scalargrad.view.graph import Graph
from scalargrad.view.layout import builtin
from scalargrad.view.layout import graphviz as placed
from scalargrad.view.layout.builtin import Layout
from scalargrad.view.paint import svg
from scalargrad.view.paint.xdot import fixed
from scalargrad.view.programs import GraphvizError

__all__ = ["ENGINES", "GRAPHVIZ", "INSTALL", "check", "lay_out", "picture", "place", "print_by"]

GRAPHVIZ = ("dot", "pygraphviz")
ENGINES = ("auto", *GRAPHVIZ, "builtin")

# What to type for each Graphviz.
INSTALL = {
    "dot": "`apt install graphviz` (or your system's equivalent)",
    "pygraphviz": "`pip install -e '.[render]'` in the checkout",
}

# Lines for each box, from where on the built-in layout is the clearer one. Graphviz leads the lines
# between two layers of neurons around the boxes and into them from behind, and no setting of its
# ports, distances or kinds of lines was found that keeps them apart.
_CROWDED = 2.5

_DOTS_PER_INCH = 192.0  # twice the usual resolution, so that a slide shows no steps


def check(engine: str) -> None:
    """Raise ValueError unless `engine` is the name of an engine, or "auto".

    >>> check("neato")
    Traceback (most recent call last):
        ...
    ValueError: engine must be one of auto, dot, pygraphviz, builtin, not 'neato'
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")


def lay_out(graph: Graph, engine: str) -> tuple[Layout, str]:
    """Return the layout of `graph`, and which engine made it.

    Args:
        graph: what to lay out.
        engine: "dot", "pygraphviz" or "builtin", or "auto" for the first of these that works.
            The first two are given 20 s each; with "auto" they share 4 s, and where many lines
            meet the built-in layout, which keeps them apart, comes first.

    Raises:
        ValueError: no engine has that name.
        RuntimeError: the Graphviz asked for is missing or does not work.

    >>> from scalargrad.view.read.reading import read
    >>> layout, used = lay_out(read(sg.Value(1.0).tanh()).graph, "builtin")
    >>> len(layout.places), len(layout.wires), used
    (2, 1, 'builtin')
    """
    check(engine)
    if engine in GRAPHVIZ:
        try:
            return place(graph, engine), engine
        except GraphvizError as error:
            raise RuntimeError(
                f'{error}; engine="builtin" draws without it, and {INSTALL[engine]} installs it'
            ) from error
    if engine == "auto" and len(graph.edges) <= _CROWDED * len(graph.boxes):
        end = monotonic() + programs.IMPATIENT_SECONDS
        for name in GRAPHVIZ:
            # What one Graphviz did not finish in time, another would not either.
            left = end - monotonic()
            if left > 0.0 and programs.where(name):
                with suppress(GraphvizError):
                    return place(graph, name, left), name
    return builtin.lay_out(graph), "builtin"


def place(graph: Graph, engine: str, timeout: float | None = None) -> Layout:
    """Return the layout of `graph` by the Graphviz `engine`; GraphvizError where it fails.

    >>> from scalargrad.view.read.reading import read
    >>> place(read(sg.Value(1.0)).graph, "dot", timeout=0.0)
    Traceback (most recent call last):
        ...
    scalargrad.view.programs.GraphvizError: ...
    """
    answer = programs.run(engine, placed.skeleton(graph), "dot", "json0", timeout)
    try:
        return placed.layout_of(graph, answer)
    except ValueError as error:
        name = programs.NAMES[engine]
        raise GraphvizError(f"{name} gave no usable layout: {error}") from error


def picture(graph: Graph, layout: Layout, form: Literal["png", "pdf"]) -> bytes:
    """Return the picture that `svg.render` paints as a PNG (192 dots per inch) or a PDF.

    Whichever engine made `layout`, a Graphviz prints it: it is asked to move nothing.

    Raises RuntimeError when there is no Graphviz that works; the message says what does.

    >>> from scalargrad.view.read.reading import read
    >>> graph = read(sg.Value(1.0).tanh()).graph
    >>> picture(graph, lay_out(graph, "builtin")[0], "png")[:4]  # doctest: +SKIP
    b'\\x89PNG'
    """
    faults = []
    for name in GRAPHVIZ:
        try:
            return print_by(name, graph, layout, form)
        except GraphvizError as error:
            faults.append(str(error))
    raise RuntimeError(
        f"cannot save as .{form}: {', '.join(faults)}. .svg, .html and .dot work without it; "
        f"installing Graphviz gives .png and .pdf: {INSTALL['dot']}, or {INSTALL['pygraphviz']}"
    )


def print_by(engine: str, graph: Graph, layout: Layout, form: Literal["png", "pdf"]) -> bytes:
    """Return what `picture` returns, by the Graphviz `engine`; GraphvizError where it fails."""
    # Only pixels: some versions scale a page along.
    text = fixed(svg.render(graph, layout), _DOTS_PER_INCH if form == "png" else None)
    return programs.run(engine, text, "nop2", form)
