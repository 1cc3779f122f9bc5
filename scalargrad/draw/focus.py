"""Which values keep boxes of their own in a collapsed picture: those asked for by the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from scalargrad.draw.roles import Roles
from scalargrad.engine import Value

__all__ = ["around", "places"]


def places(expand: Any, roles: Roles, box_of: Sequence[int] | None) -> tuple[set[str], set[int]]:
    """Return what `expand` names: modules by their path, and the values of other boxes.

    `box_of` is the grouping in which "#12" means the box that holds value number 12; without one,
    as where nothing is collapsed, the names are only checked.

    Raises:
        TypeError: `expand` has something other than names of boxes and Values.
        ValueError: there is no such module or value in the graph.
    """
    modules: set[str] = set()
    values: set[int] = set()
    asked = [expand] if isinstance(expand, (str, Value)) else expand
    if not isinstance(asked, Iterable):
        raise TypeError(f"expand takes names of boxes, or Values, got {type(expand).__name__}")
    known = {level for module in set(roles.modules) for level in module}
    for one in asked:
        if isinstance(one, str) and one in known:
            modules.add(one)
            continue
        place = _place(one, roles, known, "expand")
        if box_of is not None:
            box = box_of[place]
            values.update([i for i, other in enumerate(box_of) if other == box])
    return modules, values


def around(focus: Any, radius: int, roles: Roles, most: int, most_edges: int) -> set[int]:
    """Return the values within `radius` edges of `focus`, the nearest first, `most` at most.

    `most_edges` bounds the edges that these values have. Errors as for `places`.
    """
    start = _place(focus, roles, set(), "focus")
    users: list[list[int]] = [[] for _ in roles.parents]
    for value, below in enumerate(roles.parents):
        for parent in dict.fromkeys(below):
            users[parent].append(value)
    found = {start: 0}
    edges = 0
    queue = [start]
    for value in queue:
        edges += len(roles.parents[value])
        if found[value] == radius:
            continue
        for other in (*roles.parents[value], *users[value]):
            if other in found:
                continue
            if len(found) >= most or edges > most_edges:
                return set(found)
            found[other] = found[value] + 1
            queue.append(other)
    return set(found)


def _place(wanted: Any, roles: Roles, modules: set[str], what: str) -> int:
    if isinstance(wanted, Value):
        for place, value in enumerate(roles.order):
            if value is wanted:
                return place
        raise ValueError(f"{what}: {wanted!r} is not in the graph that is drawn")
    if not isinstance(wanted, str):
        raise TypeError(f"{what} takes the name of a box or a Value, got {type(wanted).__name__}")
    number = int(wanted[1:]) if re.fullmatch(r"#[0-9]{1,12}", wanted) else 0
    if 1 <= number <= len(roles.order):
        return number - 1
    for place in range(len(roles.order)):
        if wanted and roles.label(place) == wanted:
            return place
    there = ", ".join(sorted(modules)[:6]) + (", ..." if len(modules) > 6 else "")
    there = f"the modules are {there}" if there else "a box of many is named in it, like '#12'"
    raise ValueError(f"{what}: nothing in this graph is called {wanted!r}; {there}")
