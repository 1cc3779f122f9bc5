"""What differs between two paintings of one graph: the texts and attributes to set, by element."""

from __future__ import annotations

from typing import Any

from scalargrad.view.paint.shapes import Scene
from scalargrad.view.paint.svg import element_of

__all__ = ["changes"]


def changes(before: Scene, after: Scene) -> list[list[Any]]:
    """What to set so that a page that shows `before` shows `after`.

    Both are paintings of one graph with one layout: they have the same groups, with the same
    attributes. A group with other elements, as the legend may have, is given whole.

    Returns:
        For each element that differs ``[group, element, attributes, text]``, with their positions
        in the picture and in the group. An attribute of None is taken away; the text is None where
        it stays. For a group that is given whole ``[group, -1, [[name, attributes, text], ...],
        None]``.

    >>> from scalargrad.view.paint.shapes import Group, Text
    >>> one, two = (Scene(9.0, 9.0, (Group((Text(f"data {n}", 1.0, 2.0),)),), "") for n in (1, 2))
    >>> changes(one, two)
    [[0, 0, {}, 'data 2']]
    """
    found: list[list[Any]] = []
    for number, (last, group) in enumerate(zip(before.groups, after.groups, strict=True)):
        if last == group:
            continue
        if [*map(type, last.shapes)] != [*map(type, group.shapes)]:
            whole = [[*element_of(shape, group)] for shape in group.shapes]
            found.append([number, -1, whole, None])
            continue
        for position, (old, new) in enumerate(zip(last.shapes, group.shapes, strict=True)):
            if old != new:
                was, now = element_of(old, last), element_of(new, group)
                text = now.text if now.text != was.text else None
                attributes = _differing(was.attributes, now.attributes)
                found.append([number, position, attributes, text])
    return found


def _differing(was: dict[str, str], now: dict[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = dict.fromkeys(was.keys() - now.keys())
    for name, value in now.items():
        if was.get(name) != value:
            found[name] = value
    return found
