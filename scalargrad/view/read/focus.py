"""Which values keep boxes of their own in a collapsed picture: those asked for by the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from scalargrad.core.value import Value
from scalargrad.view.read.roles import Roles

__all__ = ["Finder", "around", "inside", "users_of"]

# "#12" in the title of a box of many, "v12" as the film calls an unnamed value: place 12, from 1
_NUMBERED = re.compile(r"[#v]([0-9]{1,12})")


class Finder:
    """What a caller names, found in a graph: modules by their paths, values by their labels.

    Raises (all methods):
        TypeError: what is named is neither a name nor a Value.
        ValueError: the graph has nothing of that name; the message says what there is.
    """

    def __init__(self, roles: Roles) -> None:
        self.roles = roles

    @cached_property
    def modules(self) -> set[str]:
        """The paths of all modules."""
        return {level for module in set(self.roles.modules) for level in module}

    @cached_property
    def _labelled(self) -> dict[str, int]:
        """The first value of each label."""
        found: dict[str, int] = {}
        for place in range(len(self.roles.order)):
            found.setdefault(self.roles.label(place), place)
        return found

    def expanded(self, expand: Any) -> tuple[set[str], list[int]]:
        """What `expand` names: the modules, and the values in the order in which they are named."""
        asked = [expand] if isinstance(expand, (str, Value)) else expand
        if not isinstance(asked, Iterable):
            raise TypeError(f"expand takes names of boxes, or Values, got {type(expand).__name__}")
        modules: set[str] = set()
        places: list[int] = []
        for one in asked:
            if isinstance(one, str) and one in self.modules:
                modules.add(one)
            else:
                places.append(self.place(one, "expand"))
        return modules, places

    def place(self, wanted: Any, taker: str) -> int:
        """The place of a Value, or of one named by its label, "#12" or "v12"."""
        if isinstance(wanted, Value):
            if wanted in self.roles.place:
                return self.roles.place[wanted]
            raise ValueError(f"{taker}: {wanted!r} is not in the graph that is drawn")
        if not isinstance(wanted, str):
            got = type(wanted).__name__
            raise TypeError(f"{taker} takes the name of a box or a Value, got {got}")
        if wanted and wanted in self._labelled:
            return self._labelled[wanted]
        numbered = _NUMBERED.fullmatch(wanted)
        if numbered and 1 <= int(numbered[1]) <= len(self.roles.order):
            return int(numbered[1]) - 1
        there = ", ".join(sorted(self.modules)[:6]) + (", ..." if len(self.modules) > 6 else "")
        there = f"the modules are {there}" if there else "a box of many is named in it, like '#12'"
        raise ValueError(f"{taker}: nothing in this graph is called {wanted!r:.80}; {there}")


def inside(places: Sequence[int], box_of: Sequence[int]) -> list[int]:
    """The values that share boxes with those at `places`: first from these on, then the others.

    So "#83" opens a large box where the picture has #83, and not at its beginning.

    >>> inside([3], [0, 1, 1, 1, 1, 2])
    [3, 4, 1, 2]
    """
    first: dict[int, int] = {}
    for place in places:
        first[box_of[place]] = min(place, first.get(box_of[place], place))
    members = [i for i, box in enumerate(box_of) if box in first]
    return sorted(members, key=lambda i: (i < first[box_of[i]], i))


def users_of(parents: Sequence[Sequence[int]]) -> list[list[int]]:
    """The values that have each value as an operand, by place.

    >>> users_of([[], [0, 0], [0, 1]])
    [[1, 2], [2], []]
    """
    users: list[list[int]] = [[] for _ in parents]
    for value, below in enumerate(parents):
        for parent in dict.fromkeys(below):
            users[parent].append(value)
    return users


def around(
    start: int, radius: int, parents: Sequence[Sequence[int]], users: Sequence[Sequence[int]],
    most: int, most_edges: int,
) -> set[int]:  # fmt: skip
    """The values within `radius` edges of that at `start`, the nearest first.

    There are `most` at the most, and about `most_edges` edges that lead to them.
    """
    found = {start: 0}
    edges = 0
    queue = [start]
    for value in queue:
        edges += len(parents[value])
        if found[value] == radius:
            continue
        for other in (*parents[value], *users[value]):
            if other in found:
                continue
            if len(found) >= most or edges > most_edges:
                return set(found)
            found[other] = found[value] + 1
            queue.append(other)
    return set(found)
