"""Graphviz as a layout engine: what it is told of a graph, and the layout that it answers with."""

import json
from collections.abc import Callable
from math import hypot, isfinite
from typing import Any

from scalargrad.view.graph import Edge, Graph
from scalargrad.view.layout.builtin import Layout, Place, Wire
from scalargrad.view.layout.label_snap import onto_lines
from scalargrad.view.layout.route import Point
from scalargrad.view.theme import (
    ARROW,
    MARGIN,
    NODE_GAP,
    POINTS_PER_INCH,
    RANK_GAP,
    box_size,
    label_size,
)

__all__ = ["layout_of", "skeleton"]


def skeleton(graph: Graph) -> str:
    """Return `graph` as DOT text that holds sizes only, for a Graphviz to place.

    >>> from scalargrad.view.graph import Box
    >>> skeleton(Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")).splitlines()[-2]
    'n0 [width=0.8783 height=0.8438]'
    """
    lines = [
        "digraph {",
        f"rankdir={graph.rankdir} nodesep={NODE_GAP} ranksep={RANK_GAP}",
        # Without a border: newer versions end an arrow where it touches, older ones in the middle.
        'node [shape=box label="" fixedsize=true penwidth=0]',
        f"edge [arrowsize={ARROW / 10:g} penwidth=0]",
    ]
    for box in graph.boxes:
        width, height = (size / POINTS_PER_INCH for size in box_size(box))
        lines.append(f"n{box.number} [width={width:.4f} height={height:.4f}]")
    for number, edge in enumerate(graph.edges):
        lines.append(f"n{edge.tail} -> n{edge.head} [number={number}{_label(edge)}]")
    return "\n".join([*lines, "}\n"])


def _label(edge: Edge) -> str:
    """The label that keeps room for the text of `edge`: a table of fixed size, nothing in it.

    The room for the text itself would depend on the fonts of the machine.
    """
    width, height = label_size(edge)
    size = f'fixedsize="true" width="{width:.0f}" height="{height:.0f}"'
    bare = 'border="0" cellborder="0" cellpadding="0" cellspacing="0"'
    return f" label=<<table {bare} {size}><tr><td></td></tr></table>>" if width else ""


def layout_of(graph: Graph, answer: bytes) -> Layout:
    """Return the layout that a Graphviz gave as `answer` (JSON) to the `skeleton` of `graph`.

    Raises ValueError when the answer is not JSON, or lacks the place of a box or an edge.

    >>> from scalargrad.view.graph import Box
    >>> lone = Graph((Box(0, "result", "y", "", 2.0, 1.0),), (), "", "LR")
    >>> answer = b'{"bb": "0,0,60,58", "objects": [{"name": "n0", "pos": "30,29"}]}'
    >>> layout_of(lone, answer).width
    84.0
    """
    try:
        told = json.loads(answer)
        left, low, right, top = _numbers(told["bb"])
        centres = {item["name"]: _numbers(item["pos"]) for item in told["objects"]}
        splines = {int(item["number"]): item for item in told.get("edges", ())}

        def point(x: float, y: float) -> Point:  # Graphviz counts upwards
            return (x - left + MARGIN, top - y + MARGIN)

        places = tuple(
            Place(*point(*centres[f"n{box.number}"]), *box_size(box)) for box in graph.boxes
        )
        wires = tuple(_wire(splines[number], point) for number in range(len(graph.edges)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    page = (right - left + 2 * MARGIN, top - low + 2 * MARGIN)
    sizes = [label_size(edge) for edge in graph.edges]
    return Layout(*page, places, onto_lines(wires, sizes, places, page, upright=graph.upright))


def _numbers(text: str) -> list[float]:
    numbers = [float(part) for part in text.replace(",", " ").split()]
    if not all(isfinite(number) for number in numbers):
        raise ValueError(f"not a place: {text!r}")
    return numbers


def _wire(edge: dict[str, Any], point: Callable[[float, float], Point]) -> Wire:
    """The wire of an edge, whose spline is "e,tip start control control end control …"."""
    mark, _, spline = edge["pos"].partition(",")
    numbers = _numbers(spline)
    tip, *curve = (point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    if mark != "e" or len(curve) % 3 != 1 or len(curve) < 4:
        raise ValueError(f"not an edge: {edge['pos']!r}")
    # Graphviz ends the curve a little more or less than an arrow's length before the tip.
    across, down = tip[0] - curve[-1][0], tip[1] - curve[-1][1]
    scale = ARROW / (hypot(across, down) or 1.0)
    end = (tip[0] - across * scale, tip[1] - down * scale)
    label = point(*_numbers(edge["lp"])) if edge.get("lp") else end
    return Wire((*curve[:-1], end), tip, label)
