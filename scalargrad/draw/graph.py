"""The graph that every view reads: boxes and edges in plain data, cut down to a budget."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from scalargrad.draw.labels import clean, format_number
from scalargrad.engine import Value, topological_order

__all__ = ["Box", "Edge", "Graph", "Kind", "read"]

Kind = Literal["leaf", "constant", "operation", "result"]


@dataclass(frozen=True, slots=True)
class Box:
    """One value as it is drawn; `label` and `op` are cleaned, `hidden` counts inputs left out."""

    name: str
    kind: Kind
    label: str
    op: str
    data: float
    grad: float
    hidden: int = 0

    @property
    def title(self) -> str:
        """What the value is called and what made it, such as "a3 = tanh"; may be empty."""
        return f"{self.label} = {self.op}" if self.label and self.op else self.label or self.op

    @property
    def lines(self) -> tuple[str, ...]:
        """The text in the box, line by line, the same in every view.

        >>> Box("n0", "operation", "a3", "tanh", 0.60437, -0.25).lines
        ('a3 = tanh', 'data 0.6044', 'grad -0.25')
        """
        if self.kind == "constant":
            # A plain number in a formula is read as itself, and nobody asks for its gradient.
            return tuple(line for line in (self.title, format_number(self.data)) if line)
        lines = (
            self.title,
            f"data {format_number(self.data)}",
            f"grad {format_number(self.grad)}",
            f"{_count(self.hidden, 'input')} not shown" if self.hidden else "",
        )
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Edge:
    """An operand's way into an operation: from box `tail` to box `head`, as operand `position`."""

    tail: str
    head: str
    position: int
    partial: float
    text: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes in topological order, the edges between them, and what was left out (`notice`)."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    notice: str
    rankdir: str

    @property
    def summary(self) -> str:
        """One sentence for people who cannot see the picture."""
        result = self.boxes[-1]
        name = f"{result.title}, " if result.title else ""
        sizes = f"{_count(len(self.boxes), 'value')}, {_count(len(self.edges), 'edge')}"
        text = f"Computation graph: {sizes}; result {name}data {format_number(result.data)}"
        return f"{text}; {self.notice}" if self.notice else text


def read(x: Value, max_nodes: int, max_edges: int, rankdir: str = "LR") -> Graph:
    """Return the graph of `x`, or the part nearest to `x` that fits both budgets.

    >>> graph = read(Value(2.0, label="a") * 3, max_nodes=150, max_edges=400)
    >>> [(box.name, box.kind) for box in graph.boxes]
    [('n0', 'leaf'), ('n1', 'constant'), ('n2', 'result')]
    >>> [(edge.tail, edge.head, edge.text) for edge in graph.edges]
    [('n0', 'n2', '3'), ('n1', 'n2', '')]
    """
    order = topological_order(x)
    total_edges = sum(len(value.parents) for value in order)
    if len(order) <= max_nodes and total_edges <= max_edges:
        shown = {value: list(range(len(value.parents))) for value in order}
    else:
        shown = _nearest(x, max_nodes, max_edges)
    kept = [value for value in order if value in shown]
    names = {value: f"n{number}" for number, value in enumerate(kept)}
    edges = tuple(_edge(value, position, names) for value in kept for position in shown[value])
    return Graph(
        boxes=tuple(_box(value, names[value], value is x, len(shown[value])) for value in kept),
        edges=edges,
        notice=_notice(len(order), len(kept), total_edges, len(edges)),
        rankdir=rankdir,
    )


def _nearest(x: Value, max_nodes: int, max_edges: int) -> dict[Value, list[int]]:
    """Walk breadth first from `x`; return the values reached, each with the operands drawn.

    The edge that finds a value comes first, so that the picture is in one piece; what is left of
    the budget goes to the other edges between these values, again the nearest first.
    """
    shown: dict[Value, list[int]] = {x: []}
    queue = deque([x])
    most = min(max_nodes, max_edges + 1)
    while queue and len(shown) < most:
        value = queue.popleft()
        for position, parent in enumerate(value.parents):
            if len(shown) < most and parent not in shown:
                shown[parent] = []
                shown[value].append(position)
                queue.append(parent)
    edges_left = max_edges - (len(shown) - 1)
    for value, positions in shown.items():  # in the order in which they were found
        found_by = set(positions)
        for position, parent in enumerate(value.parents):
            if edges_left and position not in found_by and parent in shown:
                positions.append(position)
                edges_left -= 1
        positions.sort()
    return shown


def _box(value: Value, name: str, is_result: bool, operands_shown: int) -> Box:
    kind: Kind = "operation" if value.parents else "constant" if value.is_constant else "leaf"
    return Box(
        name=name,
        kind="result" if is_result else kind,
        label=clean(value.label or ""),
        op=clean(value.op or "", limit=24),
        data=value.data,
        grad=value.grad,
        hidden=len(value.parents) - operands_shown,
    )


def _edge(value: Value, position: int, names: dict[Value, str]) -> Edge:
    parent, partial = value.parents[position], value.partials[position]
    # The derivative with respect to a plain number is of use to nobody and hides those that are.
    text = "" if parent.is_constant else format_number(partial)
    return Edge(names[parent], names[value], position, partial, text)


def _notice(values: int, values_shown: int, edges: int, edges_shown: int) -> str:
    if values_shown < values:
        return f"{values:,} values shown as the {values_shown:,} nearest the result"
    if edges_shown < edges:
        return f"{edges:,} edges shown as the {edges_shown:,} nearest the result"
    return ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
