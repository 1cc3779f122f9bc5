"""Lay out a graph by Graphviz: the DOT text it gets, and the layout read from its answer."""

import json
from collections.abc import Callable
from math import hypot, isfinite
from typing import Any

from scalargrad.view import programs, theme
from scalargrad.view.geometry import Layout, Point, Rectangle, Route
from scalargrad.view.graph import Edge, Graph
from scalargrad.view.layout.label_snap import onto_lines

__all__ = ["dot_text", "lay_out", "layout_of"]


def lay_out(graph: Graph, engine: str, timeout: float | None = None) -> Layout:
    """Return the layout of `graph` by the Graphviz `engine`; raise GraphvizError if it fails.

    >>> from scalargrad.view.read.reading import read
    >>> lay_out(read(sg.Value(1.0)).graph, "dot", timeout=0.0)
    Traceback (most recent call last):
        ...
    scalargrad.view.programs.GraphvizError: ...
    """
    answer = programs.run(engine, dot_text(graph), "dot", "json0", timeout)
    try:
        return layout_of(graph, answer)
    except ValueError as error:
        message = f"{programs.NAMES[engine]} gave no usable layout: {error}"
        raise programs.GraphvizError(message) from error


def dot_text(graph: Graph) -> str:
    """Return `graph` as DOT text that holds only the sizes of boxes and of texts on edges.

    >>> from scalargrad.view.graph import Box
    >>> dot_text(Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")).splitlines()[-2]
    'n0 [width=0.8783 height=0.8438]'
    """
    lines = [
        "digraph {",
        f"rankdir={graph.rankdir} nodesep={theme.NODE_GAP} ranksep={theme.RANK_GAP}",
        # No border: newer versions end an arrow at its outside, older ones in its middle.
        'node [shape=box label="" fixedsize=true penwidth=0]',
        f"edge [arrowsize={theme.ARROW / 10:g} penwidth=0]",
    ]
    for box in graph.boxes:
        width, height = (size / theme.POINTS_PER_INCH for size in theme.box_size(box))
        lines.append(f"n{box.number} [width={width:.4f} height={height:.4f}]")
    for index, edge in enumerate(graph.edges):
        lines.append(f"n{edge.tail} -> n{edge.head} [number={index}{_label(edge)}]")
    return "\n".join([*lines, "}\n"])


def _label(edge: Edge) -> str:
    """The label that keeps room for the text of `edge`: an empty table of fixed size.

    The size of the text itself would depend on the fonts of the machine.
    """
    width, height = theme.label_size(edge)
    size = f'fixedsize="true" width="{width:.0f}" height="{height:.0f}"'
    bare = 'border="0" cellborder="0" cellpadding="0" cellspacing="0"'
    return f" label=<<table {bare} {size}><tr><td></td></tr></table>>" if width else ""


def layout_of(graph: Graph, answer: bytes) -> Layout:
    """Return the layout in the JSON with which a Graphviz answered `dot_text(graph)`.

    Raises ValueError when the answer is not JSON, or lacks the position of a box or an edge.

    >>> from scalargrad.view.graph import Box
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> answer = b'{"bb": "0,0,60,58", "objects": [{"name": "n0", "pos": "30,29"}]}'
    >>> layout_of(lone, answer).width
    84.0
    """
    try:
        found = json.loads(answer)
        left, low, right, top = _numbers(found["bb"])
        centres = {item["name"]: _numbers(item["pos"]) for item in found["objects"]}
        splines = {int(item["number"]): item for item in found.get("edges", ())}

        def point(x: float, y: float) -> Point:  # Graphviz counts upwards
            return (x - left + theme.MARGIN, top - y + theme.MARGIN)

        sizes = map(theme.box_size, graph.boxes)
        boxes = tuple(
            Rectangle(*point(*centres[f"n{index}"]), *size) for index, size in enumerate(sizes)
        )
        routes = tuple(_route(splines[index], point) for index in range(len(graph.edges)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    page = (right - left + 2 * theme.MARGIN, top - low + 2 * theme.MARGIN)
    labels = [theme.label_size(edge) for edge in graph.edges]
    return Layout(*page, boxes, onto_lines(routes, labels, boxes, page, upright=graph.upright))


def _numbers(text: str) -> list[float]:
    numbers = [float(part) for part in text.replace(",", " ").split()]
    if not all(isfinite(number) for number in numbers):
        raise ValueError(f"not finite: {text!r}")
    return numbers


def _route(edge: dict[str, Any], point: Callable[[float, float], Point]) -> Route:
    """The route of an edge, whose spline is "e,tip start control control end control …"."""
    mark, _, spline = edge["pos"].partition(",")
    numbers = _numbers(spline)
    tip, *curve = (point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    if mark != "e" or len(curve) % 3 != 1 or len(curve) < 4:
        raise ValueError(f"not an edge: {edge['pos']!r}")
    # Graphviz ends the curve a little more or less than an arrow's length before the tip.
    across, down = tip[0] - curve[-1][0], tip[1] - curve[-1][1]
    scale = theme.ARROW / (hypot(across, down) or 1.0)
    end = (tip[0] - across * scale, tip[1] - down * scale)
    label = point(*_numbers(edge["lp"])) if edge.get("lp") else end
    return Route((*curve[:-1], end), tip, label)
