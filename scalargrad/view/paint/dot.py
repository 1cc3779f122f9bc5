"""Write a graph as DOT text, for the user's own Graphviz and for other programs that read DOT."""

from collections.abc import Iterable
from types import ModuleType

from scalargrad.view import theme
from scalargrad.view.graph import Box, Graph

__all__ = ["escape", "package", "source"]


def package() -> ModuleType:
    """The graphviz package, imported on first use, since SVG does not need it.

    Raises:
        ImportError: another module of that name was found first, such as a user's graphviz.py.

    >>> package().__name__
    'graphviz'
    """
    import graphviz

    if not hasattr(graphviz, "Digraph"):
        where = getattr(graphviz, "__file__", None)
        raise ImportError(f"{where} stands in the way of the graphviz package: rename that file")
    return graphviz  # type: ignore[no-any-return]


def source(graph: Graph) -> str:
    """Return `graph` as DOT text, without positions: a Graphviz that reads it lays it out.

    The kinds of boxes differ in outline, and colours and texts are those of the picture.

    >>> from scalargrad.view.read.reading import read
    >>> "n0 -> n1" in source(read(sg.Value(1.0).tanh()).graph)
    True
    """
    # User text stands in labels only. In other attributes Graphviz does not escape it: a font name
    # turns into markup, and a URL keeps "javascript:". Record shapes read {}|<> as structure.
    digraph = package().Digraph(
        graph_attr={
            "rankdir": graph.rankdir, "bgcolor": theme.BACKGROUND, "labelloc": "b",
            "pad": f"{theme.MARGIN / theme.POINTS_PER_INCH:.3f}", "nodesep": theme.NODE_GAP,
            "ranksep": theme.RANK_GAP, **_font(theme.NOTICE_FONT_SIZE),
        },
        node_attr={"shape": "box", "margin": "0.08,0.05", **_font(theme.BOX_FONT_SIZE)},
        edge_attr={
            "color": theme.EDGE_COLOUR, "arrowsize": "0.7", **_font(theme.EDGE_FONT_SIZE),
        },
    )  # fmt: skip
    if graph.notice:
        digraph.attr(label=escape(graph.notice))
    for box in graph.boxes:
        look = {**_outline(box), "fillcolor": theme.fill_of(box, graph)}
        digraph.node(f"n{box.number}", label=_lines(box.lines), **look)
    for edge in graph.edges:
        # Spaces keep the text off the line it belongs to.
        text = {"label": _lines([f" {line} " for line in edge.lines])} if edge.lines else {}
        wide = {"penwidth": f"{theme.line_width(edge):.3g}"} if edge.count > 1 else {}
        digraph.edge(f"n{edge.tail}", f"n{edge.head}", **text, **wide)
    return str(digraph.source)


def _font(size: float) -> dict[str, str]:
    return {"fontname": theme.FONT, "fontsize": f"{size:g}", "fontcolor": theme.INK}


def escape(text: str) -> str:
    r"""Return the label that shows `text`, for the graphviz package to quote.

    >>> print(escape(r"&lt; \N"))
    &amp;lt; \\N
    """
    # Graphviz decodes character entities in labels, so a typed "&lt;" would turn into "<";
    # graphviz.escape handles backslashes and text that looks like an HTML-like label.
    escaped: str = package().escape(text.replace("&", "&amp;"))
    return escaped


def _lines(lines: Iterable[str]) -> str:
    # Joining makes a plain str again, so it must be marked anew as not HTML-like.
    joined: str = package().nohtml("\\n".join(escape(line) for line in lines))
    return joined


def _outline(box: Box) -> dict[str, str]:
    style = theme.STYLES[box.kind]
    names = ["filled"]
    if style.rounded:
        names.append("rounded")
    if style.dashed:
        names.append("dashed")
    # Our own estimate is a lower bound: Graphviz measures with its fonts, the reader has others.
    width, height = theme.box_size(box)
    return {
        "style": ",".join(names),
        "color": style.border,
        "penwidth": f"{style.thickness:g}",
        "width": f"{width / theme.POINTS_PER_INCH:.3f}",
        "height": f"{height / theme.POINTS_PER_INCH:.3f}",
        **({"peripheries": "2"} if style.double else {}),
        **({"shape": "box3d"} if style.stacked else {}),
    }
