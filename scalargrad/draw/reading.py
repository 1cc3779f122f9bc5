"""From a Value to the graph that is drawn: one box for each value, or for many that share one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from scalargrad.collector import collector_paused
from scalargrad.draw.collapse import Plan, group
from scalargrad.draw.focus import around, places
from scalargrad.draw.graph import Box, Edge, Graph, Kind, count
from scalargrad.draw.labels import clean, format_number
from scalargrad.draw.names import names_of
from scalargrad.draw.roles import Roles, find_roles, shared_path
from scalargrad.engine import Value, topological_order
from scalargrad.rows import as_count

__all__ = ["Reading", "read"]

_RANKDIRS = ("LR", "TB", "RL", "BT")
_OP_LENGTH = 24
_READABLE = 5  # of more lines at one box the numbers of edges hide each other
_NUMBER = re.compile(r"\d+")
_PLURALS: dict[Kind, str] = {
    "input": "inputs", "parameter": "parameters", "constant": "plain numbers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the graph to draw, and by place in topological order the values behind it.

    `parents` are the places of the operands of each value, `box_of` is the box that it is in.
    """

    graph: Graph
    order: Sequence[Value]
    parents: Sequence[Sequence[int]]
    box_of: Sequence[int]


def read(
    x: Value, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", *, named: bool = False,
) -> Reading:  # fmt: skip
    """Read the graph of `x`, collapsed where it is beyond the budgets.

    The arguments and errors are those of `draw`; `named` gives every operation a name in its
    title, "v12" where it has no label, so that a text can speak of it.

    >>> graph = read(Value(2.0, label="a") * 3).graph
    >>> [(box.name, box.kind) for box in graph.boxes]
    [('n0', 'input'), ('n1', 'constant'), ('n2', 'result')]
    >>> [(edge.tail, edge.head, edge.text) for edge in graph.edges]
    [('n0', 'n2', '3'), ('n1', 'n2', '')]
    """
    if not isinstance(x, Value):
        raise TypeError(f"draw needs a Value, not {type(x).__name__}")
    if rankdir not in _RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(_RANKDIRS)}, not {rankdir!r}")
    max_nodes = as_count(max_nodes, "max_nodes")
    max_edges = as_count(max_edges, "max_edges", least=0)
    radius = as_count(radius, "radius", least=0)
    with collector_paused():
        roles = find_roles(topological_order(x), model)
        fits = len(roles.order) <= max_nodes and sum(map(len, roles.parents)) <= max_edges
        if fits:
            box_of, how = list(range(len(roles.order))), ""
            places(expand, roles, None)  # a wrong name is an error, whether or not it matters
            if focus is not None:
                around(focus, 0, roles, 1, 0)
        else:
            box_of, how = _grouped(roles, max_nodes, max_edges, expand, focus, radius)
        view = _View(roles, box_of, how, max_edges, rankdir, named)
        return Reading(view.graph(), roles.order, roles.parents, box_of)


def _grouped(
    roles: Roles, max_nodes: int, max_edges: int, expand: Any, focus: Any, radius: int
) -> tuple[list[int], str]:
    """The box of every value within the budgets, and how values were brought together."""
    last = len(roles.order) - 1
    plan = Plan(
        roles.parents, _alike(roles), roles.modules,
        frozenset(i for i, kind in enumerate(roles.kinds) if kind == "constant"),
        frozenset({last}), max_nodes, max_edges,
    )  # fmt: skip
    overview = group(plan)
    modules, values = places(expand, roles, overview.box_of if overview else None)
    if modules:
        plan = replace(plan, modules=[_inside(module, modules) for module in roles.modules])
        values |= {i for i, module in enumerate(roles.modules) if module and not plan.modules[i]}
    # What is opened must leave room for the rest: half of the boxes, or less where that fails.
    share, share_of_edges = max_nodes // 2, max_edges // 2
    while share and (focus is not None or modules or values):
        near = around(focus, radius, roles, share, share_of_edges) if focus is not None else set()
        some = near | set(sorted(values - near)[: share - len(near)])
        grouping = group(replace(plan, opened=plan.opened | some), bands=share == 1)
        if grouping is not None:
            return grouping.box_of, grouping.how
        share, share_of_edges = share // 2, share_of_edges // 2
    if overview is None:  # there is no room for two boxes and an edge
        return [0] * len(roles.order), "structure"
    return overview.box_of, overview.how


def _inside(module: tuple[str, ...], opened: set[str]) -> tuple[str, ...]:
    """The path of a module from inside the innermost of the opened ones."""
    through = [i for i, level in enumerate(module) if level in opened]
    return module[through[-1] + 1 :] if through else module


def _alike(roles: Roles) -> list[Hashable]:
    """What makes operations equal: kind, operation, and the label but for its numbers."""
    stems: dict[str, str] = {"": ""}
    alike: list[Hashable] = []
    for value, kind in zip(roles.order, roles.kinds, strict=True):
        label = value.label or ""
        if label not in stems:
            stems[label] = _NUMBER.sub("#", label[:80])
        alike.append((kind, value.op, stems[label]))
    return alike


class _View:
    """The boxes and edges of a grouping, with their words and numbers."""

    def __init__(
        self, roles: Roles, box_of: Sequence[int], how: str, max_edges: int, rankdir: str,
        named: bool,
    ) -> None:  # fmt: skip
        self.roles, self.box_of, self.how, self.rankdir = roles, box_of, how, rankdir
        self.max_edges = max_edges
        self.members: list[list[int]] = [[] for _ in range(max(box_of) + 1)]
        for place, box in enumerate(box_of):
            self.members[box].append(place)
        self.names = names_of(roles.order, roles.names) if named else {}
        # Leaves keep their gradients from one pass to the next, so they tell nothing of this one.
        self.backward = any(value.grad for value in roles.order if value.parents) or bool(
            roles.order[-1].grad
        )

    def graph(self) -> Graph:
        boxes = tuple(
            self._box(number, members[0]) if len(members) == 1 else self._group(number, members)
            for number, members in enumerate(self.members)
        )
        edges = self._edges(apart=True)
        if len(edges) > self.max_edges:  # one value is the operand of another many times over
            edges = self._edges(apart=False)
        return Graph(boxes, edges, self._notice(boxes, edges), self.rankdir, self.backward)

    def _box(self, number: int, place: int) -> Box:
        value, kind = self.roles.order[place], self.roles.kinds[place]
        label = clean(self.roles.label(place))
        if self.names and kind != "constant":
            label = self.names[value]
        op = clean(value.op, limit=_OP_LENGTH)
        return Box(f"n{number}", kind, label, op, value.data, self._grad(place))

    def _grad(self, place: int) -> float | None:
        value = self.roles.order[place]
        grad = value.grad or 0.0  # None: who comes from PyTorch clears it so
        return grad if grad or self.backward else None

    def _group(self, number: int, members: Sequence[int]) -> Box:
        asked = [place for place in members if self.roles.kinds[place] != "constant"]
        grads = [abs(g) for place in asked if (g := self._grad(place)) is not None]
        largest = next((g for g in grads if isnan(g)), max(grads, default=None))
        return Box(
            f"n{number}", "group" if asked else "constant", self._title(members), "", None, largest,
            len(members),
            sum(self.roles.kinds[place] == "parameter" for place in members),
        )  # fmt: skip

    def _title(self, members: Sequence[int]) -> str:
        roles = self.roles
        sorts = Counter(
            roles.order[place].op or _PLURALS[roles.kinds[place]]
            for place in members
            if roles.kinds[place] != "constant" or len(members) == 1
        )
        asked = {roles.modules[place] for place in members if roles.kinds[place] != "constant"}
        module = shared_path(asked)
        if module and len(sorts) > 1:
            return clean(module[-1])
        words = [clean(op, limit=_OP_LENGTH) for op, _ in sorts.most_common(3)]
        words += ["…"] if len(sorts) > 3 else []
        return f"{', '.join(words or ['plain numbers'])} #{members[0] + 1}"

    def _edges(self, apart: bool) -> tuple[Edge, ...]:
        """The edges; between two single values each by itself, if they are to be kept `apart`."""
        single = [apart and len(members) == 1 for members in self.members]
        edges: list[Edge] = []
        together: dict[tuple[int, int], int] = {}  # where the edge that stands for many is
        counts: Counter[tuple[int, int]] = Counter()
        for place, below in enumerate(self.roles.parents):
            head = self.box_of[place]
            for position, parent in enumerate(below):
                pair = tail, _ = self.box_of[parent], head
                if tail == head:
                    continue
                if not (single[tail] and single[head]):
                    counts[pair] += 1
                    if together.setdefault(pair, len(edges)) < len(edges):
                        continue
                edges.append(self._edge(parent, place, position))
        heads = Counter(edge.head for edge in edges)
        tails = Counter(edge.tail for edge in edges)
        for pair, index in together.items():
            edge, number = edges[index], counts[pair]
            crowded = max(heads[edge.head], tails[edge.tail]) > _READABLE
            if number > 1:
                text = "" if crowded else f"×{number:,}"
                edges[index] = replace(edge, text=text, edges=number)
        return tuple(edges)

    def _edge(self, parent: int, place: int, position: int) -> Edge:
        partial = self.roles.order[place].partials[position]
        # The derivative with respect to a plain number is of use to nobody and hides the others.
        text = "" if self.roles.kinds[parent] == "constant" else format_number(partial)
        tail, head = self.box_of[parent], self.box_of[place]
        return Edge(f"n{tail}", f"n{head}", position, partial, text)

    def _notice(self, boxes: Sequence[Box], edges: Sequence[Edge]) -> str:
        groups = [box for box in boxes if box.kind == "group"]
        if not groups:
            total = sum(edge.edges for edge in edges)
            drawn = f"{count(total, 'edge')} shown as {len(edges):,}"
            return drawn if total > len(edges) else ""
        values = count(len(self.box_of), "value")
        largest = max(groups, key=lambda box: box.values)
        opens = largest.title.rpartition(" ")[2] if " #" in largest.title else largest.title
        return (
            f"{values} shown as {count(len(boxes), 'box')}, grouped by {self.how}; "
            f"expand={opens!r} opens the largest"
        )
