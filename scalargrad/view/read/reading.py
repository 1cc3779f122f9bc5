"""Read the graph to draw from a Value or a program: a box for each value or group of values."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.numbers import as_count, written
from scalargrad.core.paths import adjoints
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.support.collector import collector_paused
from scalargrad.view.graph import Box, Edge, Graph, Kind, count, largest_size
from scalargrad.view.read.bundles import MOST_LINES, Bundle, find_bundles
from scalargrad.view.read.collapse import Grouping, Plan, group
from scalargrad.view.read.focus import Finder, around, inside
from scalargrad.view.read.names import module_name, names_of
from scalargrad.view.read.roles import Roles, find_roles, shared_path

__all__ = ["Reading", "read"]

_RANKDIRS = ("LR", "TB", "RL", "BT")
_OP_LENGTH, _TITLE_LENGTH = 24, 40
_READABLE = 5  # where more lines meet at a box, counts on them would hide each other
_NO_ROOM = "raise max_nodes or max_edges"
_NUMBER = re.compile(r"\d+")
_PLURALS: dict[Kind, str] = {
    "input": "inputs", "parameter": "parameters", "constant": "plain numbers",
}  # fmt: skip

# By head, then by tail and position: the indices of the edges drawn for that operand.
Lines = Mapping[int, Mapping[tuple[int, int], tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A graph to draw, with the values behind it by their index in topological order.

    `parents` holds the indices of the operands, `box_of` the box of each value and `members` the
    values of each box. `lines[head][tail, position]` are the indices of the edges that are drawn
    for that operand of the box `head`: one, or two by way of a bundle. The position is -1 where one
    line stands for all edges between two boxes. `grads` are the derivatives of the last value,
    which a film shows, and empty for a picture.
    """

    graph: Graph
    order: Sequence[Value]
    parents: Sequence[Sequence[int]]
    box_of: Sequence[int]
    members: Sequence[Sequence[int]]
    lines: Lines
    grads: Sequence[float]


def read(
    x: Any, model: Any = None, max_nodes: int = 150, max_edges: int = 400,
    expand: str | Value | Iterable[str | Value] = (), focus: Value | str | None = None,
    radius: int = 2, rankdir: str = "LR", *, film: bool = False,
    grads: Sequence[float] = (), marks: Mapping[int, str] | None = None,
) -> Reading:  # fmt: skip
    """Read the graph of `x`, collapsed if it exceeds the budgets.

    `x` is a Value, a list of Values, a recorded program or a compiled function; the other arguments
    and the errors are those of `draw`. For a `film` every operation has a name, "v12" without a
    label, and the gradients are computed here, from 1 at `x`. So it is where `grads` are given, by
    the index of the value; `marks` are what the boxes of some values say besides.

    >>> graph = read(Value(2.0, label="a") * 3).graph
    >>> [(box.number, box.kind) for box in graph.boxes]
    [(0, 'input'), (1, 'constant'), (2, 'result')]
    >>> [(edge.tail, edge.head, edge.text) for edge in graph.edges]
    [(0, 2, '3'), (1, 2, '')]
    """
    if not isinstance(rankdir, str) or rankdir not in _RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(_RANKDIRS)}, not {written(rankdir)}")
    max_nodes = as_count(max_nodes, "max_nodes")
    max_edges = as_count(max_edges, "max_edges", least=0)
    radius = as_count(radius, "radius", least=0)
    with collector_paused():
        tape, results = _tape_of(x)
        roles = find_roles(tape, model, results)
        finder = Finder(roles)
        modules, named = finder.expanded(expand)
        start = None if focus is None else finder.index(focus, "focus")
        if len(roles.order) <= max_nodes and sum(map(len, roles.parents)) <= max_edges:
            opened = _members(roles, modules).union(named)
            if start is not None:
                opened |= around(tape, start, radius, tape.users(), max_nodes, max_edges)
            links = {(p, i) for i, operands in enumerate(roles.parents) for p in operands}
            boxes = _Boxes(Grouping([*range(len(roles.order))], links, ""), "", opened)
        else:
            boxes = _collapsed(roles, modules, named, start, max_nodes, max_edges, radius)
        numbers = adjoints(tape) if film else grads
        return _Reader(finder, boxes, numbers, max_nodes, max_edges, marks or {}).reading(rankdir)


def _tape_of(x: Any) -> tuple[Tape, list[int]]:
    """The tape of the graph of `x`, and the indices of its outputs."""
    outputs = [x] if isinstance(x, Value) else x
    listed = isinstance(outputs, (list, tuple)) and len(outputs) > 0
    if listed and all(isinstance(y, Value) for y in outputs):
        tape = Tape.of(outputs)
        return tape, [tape.index[y] for y in outputs]
    program = getattr(x, "program", x)  # of a compiled function, that of its first recording
    if hasattr(program, "tape"):
        return program.tape()  # type: ignore[no-any-return]
    raise TypeError(
        "draw needs a Value, a list of Values, a compiled function or a program, not "
        f"{type(x).__name__}"
    )


@dataclass(frozen=True, slots=True)
class _Boxes:
    """The boxes that the values are grouped into.

    `left` says what found no room. `opened` are the values that the caller named; their lines are
    never bundled.
    """

    grouping: Grouping
    left: str
    opened: set[int]


def _members(roles: Roles, modules: set[str]) -> set[int]:
    """The values of these modules."""
    if not modules:
        return set()
    return {i for i, module in enumerate(roles.modules) if modules.intersection(module)}


def _collapsed(
    roles: Roles, modules: set[str], named: list[int], start: int | None,
    max_nodes: int, max_edges: int, radius: int,
) -> _Boxes:  # fmt: skip
    """Group the values to fit the budgets, and open as much of what the caller named as fits.

    Args:
        roles: the roles of all values.
        modules: the modules to open.
        named: the values to open, with all that share their boxes.
        start: the value in focus.
        max_nodes: the most boxes.
        max_edges: the most pairs of boxes with an edge between them.
        radius: how many edges away from `start` values are opened.
    """
    results = frozenset(i for i, kind in enumerate(roles.kinds) if kind == "result")
    plan = Plan(
        roles.parents, _alike(roles), roles.modules,
        frozenset(i for i, kind in enumerate(roles.kinds) if kind == "constant"),
        results, max_nodes, max_edges,
    )  # fmt: skip
    overview = group(plan)
    # no overview: there is no room for two boxes and an edge
    unopened = overview or Grouping([0] * len(roles.order), set(), "structure")
    values = inside(named, unopened.box_of)
    if modules:
        plan = replace(plan, modules=[_below(module, modules) for module in roles.modules])
        values += [i for i, m in enumerate(roles.modules) if m and not plan.modules[i]]
        opened = group(plan)
        if overview and opened and opened.box_of == overview.box_of:
            # Its parts are one loop, as in a module that is used repeatedly: open value by value.
            values += sorted(_members(roles, modules))
        elif opened and start is None and not values:
            return _Boxes(opened, "", set())
    if start is None and not modules and not values:
        return _Boxes(unopened, "", set())
    # What is opened must leave room for the rest: half of the boxes, or less where that fails.
    share, share_of_edges = max_nodes // 2, max_edges // 2
    users = roles.tape.users() if start is not None else ((), ())
    near: set[int] = set()
    while share:
        if start is not None:
            near = around(roles.tape, start, radius, users, share, share_of_edges)
        others = [value for value in values if value not in near]
        some = near.union(others[: share - len(near)])
        grouping = group(replace(plan, opened=plan.opened | some), bands=share == 1)
        if grouping is not None:
            left = len(values) - len(some.intersection(values))
            text = f"no room to open {left:,} more: {_NO_ROOM}" if left else ""
            return _Boxes(grouping, text, some)
        share, share_of_edges = share // 2, share_of_edges // 2
    return _Boxes(unopened, f"no room to open it: {_NO_ROOM}", set())


def _below(module: tuple[str, ...], opened: set[str]) -> tuple[str, ...]:
    """The part of a module's path below the innermost of the opened modules."""
    through = [i for i, level in enumerate(module) if level in opened]
    return module[through[-1] + 1 :] if through else module


def _alike(roles: Roles) -> list[Hashable]:
    """By value, what equal operations share: kind, operation, and the label without its numbers."""
    stems: dict[str, str] = {"": ""}
    alike: list[Hashable] = []
    for value, kind in zip(roles.order, roles.kinds, strict=True):
        label = label_of(value) if value.label else ""
        if label not in stems:
            stems[label] = _NUMBER.sub("#", label[:80])
        alike.append((kind, value.op, stems[label]))
    return alike


@dataclass(slots=True)
class _Line:
    """A line of the picture and its `edges`, each a value and the position of one operand."""

    index: int
    tail: int
    head: int
    edges: list[tuple[int, int]]


class _Reader:
    """Turns grouped values into boxes, edges and bundles with their texts."""

    def __init__(
        self, finder: Finder, boxes: _Boxes, adjoints: Sequence[float], max_nodes: int,
        max_edges: int, marks: Mapping[int, str],
    ) -> None:  # fmt: skip
        self.finder, self.roles, self.adjoints = finder, finder.roles, adjoints
        self.marks = marks
        self.order = self.roles.order
        self.how, self.left, self.max_edges = boxes.grouping.how, boxes.left, max_edges
        self.names = names_of(self.order, self.roles.names) if adjoints else {}
        # The gradient of the result decides: other values may keep theirs from another pass. A
        # result inside a larger graph may have a gradient of zero after a pass; that looks the
        # same as before one.
        results = (v for v, k in zip(self.order, self.roles.kinds, strict=True) if k == "result")
        self.backward = bool(adjoints or any(result.grad for result in results))
        self.grads: Sequence[float | None] = adjoints or self._gradients()
        self.recorded = not isinstance(self.order[-1], Value)
        self.handles: dict[int, str] = {}  # what to pass as `expand` to open a group
        self.layers: set[int] = set()  # the groups that are modules
        self.titles: set[str] = set()
        self._number_boxes(boxes, max_nodes)

    def _gradients(self) -> list[float | None]:
        """The gradient of each value, None before a backward pass."""
        # PyTorch users clear a gradient by setting it to None
        grads = [value.grad or 0.0 for value in self.order]
        return [*grads] if self.backward else [grad or None for grad in grads]

    def _number_boxes(self, boxes: _Boxes, max_nodes: int) -> None:
        """Number the boxes, and the bundles, each of which comes before its heads."""
        box_of, links = boxes.grouping.box_of, boxes.grouping.links
        size, filled = max(box_of) + 1, Counter(box_of)
        opened = {box_of[i] for i in boxes.opened}
        singly = {box for box in opened if filled[box] == 1}
        bundles = find_bundles(link for link in links if singly.isdisjoint(link))
        bundles = bundles[: max_nodes - size]
        numbered: list[int | Bundle] = [*range(size), *bundles]
        numbered.sort(key=lambda box: box if isinstance(box, int) else min(box.heads) - 0.5)
        number = {box: i for i, box in enumerate(numbered)}
        self.box_of = [number[box] for box in box_of]
        self.members: list[list[int]] = [[] for _ in numbered]  # of a bundle: none
        for i, box in enumerate(self.box_of):
            self.members[box].append(i)
        self.bundle_of = {
            (number[tail], number[head]): number[bundle]
            for bundle in bundles
            for tail in bundle.tails
            for head in bundle.heads
        }

    def reading(self, rankdir: str) -> Reading:
        boxes = [
            Box(box, "bundle", "", "", None, None, 0, recorded=self.recorded) if not members
            else self._single(box, members[0]) if len(members) == 1
            else self._group(box, members)
            for box, members in enumerate(self.members)
        ]  # fmt: skip
        if self.marks:
            boxes = [self._marked(box) for box in boxes]
        drawn, lines = self._lines(apart=True)
        if len(drawn) > self.max_edges:  # one value may be the operand of another many times
            drawn, lines = self._lines(apart=False)
        for bundle in {*self.bundle_of.values()}:
            parts = [line for line in drawn if line.head == bundle]
            boxes[bundle] = replace(
                boxes[bundle],
                label=count(sum(len(line.edges) for line in parts), "edge"),
                grad=largest_size(flow for line in parts for flow in self._flows(line)),
            )
        edges = self._edges(drawn)
        graph = Graph(tuple(boxes), edges, self._notice(boxes, edges), rankdir, self.backward)
        return Reading(
            graph, self.order, self.roles.parents, self.box_of, self.members, lines,
            self.adjoints,
        )  # fmt: skip

    def _single(self, box: int, i: int) -> Box:
        value, kind = self.order[i], self.roles.kinds[i]
        label = clean(self.roles.label(i))
        if self.names and kind != "constant":
            label = self.names[value]
        op = clean(value.op, limit=_OP_LENGTH)
        grad = self.grads[i]
        return Box(box, kind, label, op, value.data, grad, recorded=self.recorded)

    def _group(self, box: int, members: Sequence[int]) -> Box:
        kinds = [self.roles.kinds[i] for i in members]
        shown = [i for i, kind in zip(members, kinds, strict=True) if kind != "constant"]
        grads = [grad for i in shown if (grad := self.grads[i]) is not None]
        return Box(
            box, "group" if shown else "constant", self._title(box, members[0], shown), "", None,
            largest_size(grads), len(members), kinds.count("parameter"), self.recorded,
        )  # fmt: skip

    def _marked(self, box: Box) -> Box:
        """The box with the first mark of its values, in the order of the marks."""
        found = [self.marks[i] for i in self.members[box.number] if i in self.marks]
        if not found:
            return box
        first = next(mark for mark in self.marks.values() if mark in found)
        return replace(box, mark=first, marked=found.count(first))

    def _title(self, box: int, first: int, shown: Sequence[int]) -> str:
        """The title of a group: its module, or the labels in it, or its operations and a number.

        The number, as in "dot #12", is that of the first value. `expand` takes each of these names.
        """
        roles, order, number = self.roles, self.order, f"#{first + 1}"
        sorts = Counter(order[i].op or _PLURALS[roles.kinds[i]] for i in shown)
        words = [clean(op, limit=_OP_LENGTH) for op, _ in sorts.most_common(3)]
        text = ", ".join(words or ["plain numbers"]) + (", …" if len(sorts) > 3 else "")
        title, handle = f"{text} {number}", number
        if path := shared_path({roles.modules[i] for i in shown}):
            self.layers.add(box)
            module = module_name(path[-1])
            title = module if len(sorts) > 1 else f"{text} of {module}"
            if len(title) > _TITLE_LENGTH:  # keep the end, which differs from other titles
                title = f"…{title[-_TITLE_LENGTH + 1 :]}"
            elif module == clean(module):  # a name that a caller can type
                handle = module
            title = clean(title)
        elif len(sorts) == 1 and all(map(roles.label, shown)):
            labels = [*map(roles.label, shown)]
            names = [*dict.fromkeys(clean(label, limit=_OP_LENGTH) for label in labels)]
            title = ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"
            title += f" = {text}" if order[shown[0]].op else ""
            if labels[0] == clean(labels[0]) and self.finder.labels[labels[0]] == shown[0]:
                handle = labels[0]
            else:
                title += f" {number}"
        if title in self.titles:
            title, handle = f"{title} {number}", number
        self.titles.add(title)
        self.handles[box] = handle
        return title

    def _lines(self, apart: bool) -> tuple[list[_Line], Lines]:
        """The lines to draw, and those of each operand: one, or two by way of a bundle.

        With `apart`, each operand of a single value that is a single value has its own line.
        """
        box_of, bundle_of = self.box_of, self.bundle_of
        single = [apart and len(members) == 1 for members in self.members]
        edges: defaultdict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
        for i, (head, operands) in enumerate(zip(box_of, self.roles.parents, strict=True)):
            for position, parent in enumerate(operands):
                tail = box_of[parent]
                if tail != head:
                    own = single[tail] and single[head] and (tail, head) not in bundle_of
                    edges[tail, head, position if own else -1].append((i, position))
        drawn: dict[tuple[int, int, int], _Line] = {}
        lines: defaultdict[int, dict[tuple[int, int], tuple[int, ...]]] = defaultdict(dict)
        for (tail, head, position), between in edges.items():
            bundle = bundle_of.get((tail, head))
            steps = [(tail, head)] if bundle is None else [(tail, bundle), (bundle, head)]
            way = [
                drawn.setdefault((*step, position), _Line(len(drawn), *step, [])) for step in steps
            ]
            for line in way:
                line.edges += between
            lines[head][tail, position] = tuple(line.index for line in way)
        return [*drawn.values()], lines

    def _flows(self, line: _Line) -> Iterator[float]:
        """The gradients that flow back along the edges of a line; none before a backward pass."""
        for i, position in line.edges:
            grad = self.grads[i]
            if grad is not None:  # as in backward, 0 * inf is never formed
                partial = self.order[i].partials[position]
                yield grad * partial if grad and partial else 0.0

    def _edges(self, drawn: Sequence[_Line]) -> tuple[Edge, ...]:
        """The edges with their texts: a local derivative, or how many edges a line stands for."""
        tails, heads = Counter(line.tail for line in drawn), Counter(line.head for line in drawn)
        edges = []
        for line in drawn:
            (i, position), number = line.edges[0], len(line.edges)
            partial = self.order[i].partials[position]
            parent = self.roles.parents[i][position]
            text, grad = "", None
            if self.members[line.tail] and self.members[line.head]:  # no bundle
                if number == 1:
                    # Nobody needs the derivative by a plain number, and it hides the others.
                    constant = self.roles.kinds[parent] == "constant"
                    text = "" if constant or partial is None else format_number(partial)
                elif max(heads[line.head], tails[line.tail]) <= _READABLE:
                    text = f"×{number:,}"
                    between_layers = {line.tail, line.head} <= self.layers
                    # a film begins without gradients
                    if between_layers and number > MOST_LINES and not self.adjoints:
                        grad = largest_size(self._flows(line))
            edges.append(Edge(line.tail, line.head, position, partial, text, number, grad))
        return tuple(edges)

    def _notice(self, boxes: Sequence[Box], edges: Sequence[Edge]) -> str:
        groups = [box for box in boxes if box.kind == "group"]
        bundles = [box.number for box in boxes if box.kind == "bundle"]
        parts = [self.left] if self.left else []
        if groups:
            shown = count(len(boxes) - len(bundles), "box")
            text = f"{count(len(self.box_of), 'value')} shown as {shown}, grouped by {self.how}"
            parts.insert(0, text)
            if len(boxes) > 1 and not self.left:
                largest = max(groups, key=lambda box: box.values)
                parts.append(f"expand={self.handles[largest.number]!r} opens the largest")
        elif bundles:
            parts.append(self._about_bundles(bundles, edges))
        else:
            total = sum(edge.count for edge in edges)
            if total > len(edges):
                parts.append(f"{count(total, 'edge')} shown as {len(edges):,}")
        return "; ".join(parts)

    def _about_bundles(self, bundles: Sequence[int], edges: Sequence[Edge]) -> str:
        """What to pass as `expand` to see the edges of the first bundle."""
        total = sum(edge.count for edge in edges if edge.head in bundles)
        heads = [self.members[edge.head][0] for edge in edges if edge.tail == bundles[0]]
        text = f"{count(total, 'edge')} drawn as {count(len(bundles), 'bundle')}"
        if path := shared_path([self.roles.modules[i] for i in heads]):
            return f"{text}; expand={module_name(path[-1])!r} draws the edges to it singly"
        label = self.roles.label(heads[0])
        name = label if label and label == clean(label) else f"#{heads[0] + 1}"
        return f"{text}; expand={name!r} draws its edges singly"
