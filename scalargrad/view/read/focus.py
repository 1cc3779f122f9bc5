"""Find the values that the caller wants to see, by their names or around a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from scalargrad.core.numbers import shown
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.view.read.names import module_name
from scalargrad.view.read.roles import Roles

__all__ = ["Finder", "around", "inside"]

# "#12" in the title of a group and "v12", the name of an unnamed value in a film, count from 1.
_NUMBERED = re.compile(r"[#v]([0-9]{1,12})")


class Finder:
    """Looks up modules and values by what the caller passes: a Value, label, path or number.

    Raises (all methods):
        TypeError: the argument is neither a name nor a Value.
        ValueError: the graph holds nothing of that name; the message says what it holds.
    """

    def __init__(self, roles: Roles) -> None:
        self.roles = roles

    @cached_property
    def modules(self) -> dict[str, str]:
        """The path of every module, by the path itself and by its short name."""
        paths = sorted({level for module in set(self.roles.modules) for level in module})
        return {module_name(path): path for path in paths} | {path: path for path in paths}

    @cached_property
    def labels(self) -> dict[str, int]:
        """The index of the first value of each label, short name and path."""
        found: dict[str, int] = {}
        for i in range(len(self.roles.order)):
            found.setdefault(self.roles.label(i), i)
        for i, path in self.roles.paths.items():
            found.setdefault(path, i)
        return found

    def expanded(self, expand: Any) -> tuple[set[str], list[int]]:
        """Return the modules and the values, in the order of their names, that `expand` names."""
        names = [expand] if isinstance(expand, (str, Value)) else expand
        if not isinstance(names, Iterable) or getattr(names, "ndim", 1) == 0:
            raise TypeError(f"expand takes names of boxes, or Values, got {shown(expand)}")
        modules: set[str] = set()
        values: list[int] = []
        for name in names:
            if isinstance(name, str) and name in self.modules:
                modules.add(self.modules[name])
            else:
                values.append(self.index(name, "expand"))
        return modules, values

    def index(self, wanted: Any, argument: str) -> int:
        """Return the index of a Value, or of the one with this label, path, "#12" or "v12"."""
        if isinstance(wanted, Value):
            if wanted in self.roles.tape.index:
                return self.roles.tape.index[wanted]
            raise ValueError(f"{argument}: {wanted!r} is not in the graph that is drawn")
        if not isinstance(wanted, str):
            got = shown(wanted)
            raise TypeError(f"{argument} takes the name of a box or a Value, got {got}")
        if wanted and wanted in self.labels:
            return self.labels[wanted]
        numbered = _NUMBERED.fullmatch(wanted)
        if numbered and 1 <= int(numbered[1]) <= len(self.roles.order):
            return int(numbered[1]) - 1
        names = [module_name(path) for path in sorted(set(self.modules.values()))]
        known = ", ".join(map(repr, names[:6])) + (", ..." if len(names) > 6 else "")
        known = f"the modules are {known}" if known else "groups have names like '#12' in their box"
        raise ValueError(f"{argument}: nothing in this graph is called {wanted!r:.80}; {known}")


def inside(values: Sequence[int], box_of: Sequence[int]) -> list[int]:
    """Return all values in the boxes of `values`: first from these on, then those before them.

    So "#83" opens a large box at #83, not at its beginning.

    >>> inside([3], [0, 1, 1, 1, 1, 2])
    [3, 4, 1, 2]
    """
    if not values:
        return []
    first: dict[int, int] = {}
    for value in values:
        first[box_of[value]] = min(value, first.get(box_of[value], value))
    members = [i for i, box in enumerate(box_of) if box in first]
    return sorted(members, key=lambda i: (i < first[box_of[i]], i))


def around(
    tape: Tape, start: int, radius: int, users: tuple[Sequence[int], Sequence[int]],
    max_nodes: int, max_edges: int,
) -> set[int]:  # fmt: skip
    """Return the values within `radius` edges of `start`, nearest first, within the budgets.

    The budget of edges, those that lead to these values, may be exceeded by one value's operands.

    Args:
        tape: the graph.
        start: the value in focus.
        radius: how many edges away the values may be.
        users: `tape.users()`.
        max_nodes: the most values.
        max_edges: the most edges.
    """
    first, leaving = users
    distance = {start: 0}
    edges = 0
    queue = [start]
    for value in queue:
        operands = tape.operands[tape.starts[value] : tape.starts[value + 1]]
        edges += len(operands)
        if distance[value] == radius:
            continue
        for other in chain(operands, map(tape.result, leaving[first[value] : first[value + 1]])):
            if other in distance:
                continue
            if len(distance) >= max_nodes or edges > max_edges:
                return set(distance)
            distance[other] = distance[value] + 1
            queue.append(other)
    return set(distance)
