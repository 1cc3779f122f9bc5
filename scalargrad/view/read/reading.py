"""From a Value to the graph that is drawn: one box for each value, or for many that share one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.numbers import as_count
from scalargrad.core.value import Value, topological_order
from scalargrad.support.collector import collector_paused
from scalargrad.view.graph import Box, Edge, Graph, Kind, count, largest_size
from scalargrad.view.read.collapse import Plan, group
from scalargrad.view.read.focus import Finder, around, inside, users_of
from scalargrad.view.read.names import names_of
from scalargrad.view.read.roles import Roles, find_roles, shared_path

__all__ = ["Reading", "read"]

_RANKDIRS = ("LR", "TB", "RL", "BT")
_OP_LENGTH, _PATH_LENGTH = 24, 40
_READABLE = 5  # of more lines at one box the numbers of edges hide each other
_NUMBER = re.compile(r"\d+")
_PLURALS: dict[Kind, str] = {
    "input": "inputs", "parameter": "parameters", "constant": "plain numbers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the graph to draw, and by place in topological order the values behind it.

    `parents` are the places of the operands of each value, `box_of` is the box that it is in, and
    `members` are the places of the values in each box.
    """

    graph: Graph
    order: Sequence[Value]
    parents: Sequence[Sequence[int]]
    box_of: Sequence[int]
    members: Sequence[Sequence[int]]


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
            left = ""
            # a wrong name is an error, whether or not it matters
            Finder(roles).expanded(expand)
            if focus is not None:
                Finder(roles).place(focus, "focus")
        else:
            box_of, how, left = _grouped(roles, max_nodes, max_edges, expand, focus, radius)
        view = _View(roles, box_of, how, left, max_edges, rankdir, named)
        return Reading(view.graph(), roles.order, roles.parents, box_of, view.members)


def _grouped(
    roles: Roles, max_nodes: int, max_edges: int, expand: Any, focus: Any, radius: int
) -> tuple[list[int], str, str]:
    """The box of every value within the budgets, how values were brought together, and what is left
    of what should have been opened.
    """
    last = len(roles.order) - 1
    plan = Plan(
        roles.parents, _alike(roles), roles.modules,
        frozenset(i for i, kind in enumerate(roles.kinds) if kind == "constant"),
        frozenset({last}), max_nodes, max_edges,
    )  # fmt: skip
    finder = Finder(roles)
    modules, named = finder.expanded(expand)
    start = None if focus is None else finder.place(focus, "focus")
    overview = group(plan)
    # no overview: there is no room for two boxes and an edge
    box_of = overview.box_of if overview else [0] * len(roles.order)
    values = inside(named, box_of)
    if modules:
        plan = replace(plan, modules=[_inside(module, modules) for module in roles.modules])
        values += [i for i, m in enumerate(roles.modules) if m and not plan.modules[i]]
        opened = group(plan)
        if overview and opened and opened.box_of == overview.box_of:
            # Its parts are one loop, as of a module used again and again: then value by value.
            values += [i for i, module in enumerate(roles.modules) if modules.intersection(module)]
        elif opened and start is None and not values:
            return opened.box_of, opened.how, ""
    # What is opened must leave room for the rest: half of the boxes, or less where that fails.
    share, share_of_edges = max_nodes // 2, max_edges // 2
    users = users_of(roles.parents) if start is not None else []
    near: set[int] = set()
    while share and (start is not None or modules or values):
        if start is not None:
            near = around(start, radius, roles.parents, users, share, share_of_edges)
        others = [value for value in values if value not in near]
        some = near.union(others[: share - len(near)])
        grouping = group(replace(plan, opened=plan.opened | some), bands=share == 1)
        if grouping is not None:
            left = len(values) - len(some.intersection(values))
            told = f"no room to open {left:,} more: raise max_nodes or max_edges" if left else ""
            return grouping.box_of, grouping.how, told
        share, share_of_edges = share // 2, share_of_edges // 2
    asked = start is not None or modules or values
    told = "no room to open what was asked for: raise max_nodes or max_edges" if asked else ""
    return box_of, overview.how if overview else "structure", told


def _inside(module: tuple[str, ...], opened: set[str]) -> tuple[str, ...]:
    """The path of a module from inside the innermost of the opened ones."""
    through = [i for i, level in enumerate(module) if level in opened]
    return module[through[-1] + 1 :] if through else module


def _alike(roles: Roles) -> list[Hashable]:
    """What makes operations equal: kind, operation, and the label but for its numbers."""
    stems: dict[str, str] = {"": ""}
    alike: list[Hashable] = []
    for value, kind in zip(roles.order, roles.kinds, strict=True):
        label = label_of(value) if value.label else ""
        if label not in stems:
            stems[label] = _NUMBER.sub("#", label[:80])
        alike.append((kind, value.op, stems[label]))
    return alike


class _View:
    """The boxes and edges of a grouping, with their words and numbers."""

    def __init__(
        self, roles: Roles, box_of: Sequence[int], how: str, left: str, max_edges: int,
        rankdir: str, named: bool,
    ) -> None:  # fmt: skip
        self.roles, self.box_of, self.rankdir = roles, box_of, rankdir
        self.how, self.left = how, left
        self.max_edges = max_edges
        self.members: list[list[int]] = [[] for _ in range(max(box_of) + 1)]
        for place, box in enumerate(box_of):
            self.members[box].append(place)
        self.names = names_of(roles.order, roles.names) if named else {}
        # The result's own gradient tells: others may keep theirs from a pass that did not come from
        # here. Where the result is part of more, and what follows it does not depend on it, its
        # gradient is a true zero, and cannot be told from one that is not known.
        self.backward = bool(roles.order[-1].grad)
        self.handles: dict[int, str] = {}  # how `expand` may call a box of many

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
        grads = [grad for place in asked if (grad := self._grad(place)) is not None]
        return Box(
            f"n{number}", "group" if asked else "constant", self._title(number, members), "",
            None, largest_size(grads), len(members),
            sum(self.roles.kinds[place] == "parameter" for place in members),
        )  # fmt: skip

    def _title(self, number: int, members: Sequence[int]) -> str:
        roles = self.roles
        sorts = Counter(
            roles.order[place].op or _PLURALS[roles.kinds[place]]
            for place in members
            if roles.kinds[place] != "constant" or len(members) == 1
        )
        asked = {roles.modules[place] for place in members if roles.kinds[place] != "constant"}
        module = shared_path(asked)
        self.handles[number] = f"#{members[0] + 1}"
        if module and len(sorts) > 1:
            path = module[-1]
            if path == clean(path):  # a name that a caller can type
                self.handles[number] = path
            # of a long path the end, which tells it from the others
            return clean(path if len(path) <= _PATH_LENGTH else f"…{path[-_PATH_LENGTH + 1 :]}")
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
        told = f"{values} shown as {count(len(boxes), 'box')}, grouped by {self.how}"
        if len(boxes) == 1 or self.left:
            return "; ".join(filter(None, (told, self.left)))
        largest = max(groups, key=lambda box: box.values)
        return f"{told}; expand={self.handles[largest.number]!r} opens the largest"
