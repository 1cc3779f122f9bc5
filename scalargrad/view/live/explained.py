"""What a click on a box shows: the formula of its value, its derivative explained, its paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scalargrad.core.labels import format_number
from scalargrad.core.paths import PathGraph
from scalargrad.core.value import Value
from scalargrad.view.explain.explain import explain
from scalargrad.view.formula.formula import partial_formulas, value_formula
from scalargrad.view.graph import Box, count
from scalargrad.view.read.reading import Reading

__all__ = ["BoxExplanation", "PathShown", "explained"]

_PATHS = 6  # the largest ones
_TERMS = 5  # of a long sum
_OPERANDS = 12  # with a line of their own


class PathShown(NamedTuple):
    """A path from a value to the result: its names, its product, and where the picture shows it.

    `boxes` are the numbers of the boxes on it, `edges` the indices of the edges.
    """

    text: str
    product: str
    boxes: tuple[int, ...]
    edges: tuple[int, ...]


class BoxExplanation(NamedTuple):
    """What a click on a box shows.

    Attributes:
        box: the number of the box.
        title: its title in the picture.
        formula: how its value is computed, in names and in numbers; "" for a leaf.
        latex: the formula in names, as LaTeX; "" for a leaf.
        local: a line for each operand: the local derivative as a formula, and its number.
        text: the derivative of the result by this value, factor by factor and path by path.
        paths: the largest paths from this value to the result, the largest first.
        more: how many paths there are besides, in words; "" for none.
    """

    box: int
    title: str
    formula: str = ""
    latex: str = ""
    local: tuple[str, ...] = ()
    text: str = ""
    paths: tuple[PathShown, ...] = ()
    more: str = ""


def explained(reading: Reading, box: Box, names: Mapping[Value, str], model: Any) -> BoxExplanation:
    """Explain what stands in a box.

    Args:
        reading: a graph of one result, read for a film.
        box: one of its boxes; of a group it is told what the group holds.
        names: the names of its values.
        model: the parameters, for `explain`.

    >>> from scalargrad.view.read.names import names_of
    >>> from scalargrad.view.read.reading import read
    >>> x = Value(3.0, "x")
    >>> reading = read(sg.tanh(x) * x, film=True)
    >>> told = explained(reading, reading.graph.boxes[1], names_of(reading.order), None)
    >>> told.formula, told.local
    ('v2 = tanh(x) = tanh(3) = 0.9951', ('∂v2/∂x = 1 - v2² = 0.009866',))
    >>> [(path.text, path.product, path.edges) for path in told.paths]
    [('v2 → v3', '3', (1,))]
    """
    if box.values != 1:
        return BoxExplanation(box.number, box.title, text=_of_many(box))
    value = reading.order[reading.members[box.number][0]]
    name = names[value]
    if box.kind == "constant":
        return BoxExplanation(box.number, name, text="A plain number, which stays as it is.")
    result = reading.order[-1]
    told = BoxExplanation(box.number, box.title, text=str(explain(result, value, model, _TERMS)))
    graph = PathGraph(result, value, "explained")
    shown = graph.largest(_PATHS)
    paths = tuple(_path(reading, graph, path, names) for path in shown)
    total = graph.count_text() if graph.connected else "0"
    more = f"the {len(paths)} largest of {total} paths" if total != str(len(paths)) else ""
    told = told._replace(paths=paths, more=more)
    if not value.parents:
        return told
    symbols = value_formula(value, names)
    numbers = value_formula(value, {})
    steps = [name, symbols, numbers, format_number(value.data)]
    formula = " = ".join(s for i, s in enumerate(steps) if not i or s != steps[i - 1])
    return told._replace(
        formula=formula, latex=value_formula(value, names, latex=True),
        local=tuple(_local(value, names)),
    )  # fmt: skip


def _of_many(box: Box) -> str:
    if box.kind == "bundle":
        return f"{box.label} between two layers, drawn as one line."
    parts = [count(box.values, "value")]
    if box.parameters:
        parts.append(f"{count(box.parameters, 'parameter')} among them")
    return f"{', '.join(parts)}, drawn as one box."


def _local(value: Value, names: Mapping[Value, str]) -> list[str]:
    lines = []
    formulas = partial_formulas(value, names)
    for operand, formula, partial in zip(value.parents, formulas, value.partials, strict=True):
        if not operand.is_constant:
            number = format_number(partial)
            steps = [f"∂{names[value]}/∂{names[operand]}", formula, number]
            lines.append(" = ".join(steps if formula != number else steps[::2]))
    more = len(lines) - _OPERANDS
    return lines if more <= 0 else [*lines[:_OPERANDS], f"and {count(more, 'operand')} more"]


def _path(
    reading: Reading, graph: PathGraph, path: Sequence[int], names: Mapping[Value, str]
) -> PathShown:
    """The path along these edges of the graph as the picture shows it."""
    index = {node: i for i, node in enumerate(reading.order)}
    nodes = [graph.first, *(graph.heads[e] for e in path)]
    places = [index[graph.tape.nodes[i]] for i in nodes]
    boxes = [reading.box_of[i] for i in places]
    edges: list[int] = []
    for e, tail, head in zip(path, boxes, boxes[1:], strict=False):
        lines = reading.lines.get(head, {})
        edges += lines.get((tail, graph.position(e)), lines.get((tail, -1), ()))
    stops = [names[reading.order[i]] for i in places]
    if len(stops) > 12:
        stops = [*stops[:5], "…", *stops[-5:]]
    return PathShown(
        " → ".join(stops), format_number(graph.product(path)),
        tuple(dict.fromkeys(boxes)), tuple(dict.fromkeys(edges)),
    )  # fmt: skip
