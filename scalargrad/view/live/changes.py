"""What differs between two paintings of one graph: the texts and attributes to set, by element."""

from __future__ import annotations

from typing import Any

from scalargrad.view.paint.shapes import Scene
from scalargrad.view.paint.svg import Element, elements_of, marks_of

__all__ = ["Picture", "changes", "elements"]

# The elements of a picture: for each of its groups the attributes of the group and what is in it.
Picture = list[tuple[dict[str, str], list[Element]]]


def elements(scene: Scene) -> Picture:
    """The elements of a scene, as the page has them."""
    return [(marks_of(group), elements_of(group)) for group in scene.groups]


def changes(before: Picture, after: Picture) -> list[list[Any]]:
    """What to set so that a page that shows `before` shows `after`.

    Both are paintings of one graph with one layout: they have the same groups. A group with another
    number of elements, as the legend may have, is given whole.

    Returns:
        For each element that differs ``[group, element, attributes, text]``, with their positions
        in the picture and in the group; the text is None where it stays. For a group that is given
        whole ``[group, -1, [[name, attributes, text], ...], None]``.

    >>> one, two = (Element("text", {"x": "1"}, text) for text in ("data 1", "data 2"))
    >>> changes([({}, [one])], [({}, [two])])
    [[0, 0, {}, 'data 2']]
    """
    found: list[list[Any]] = []
    for number, ((_, old), (_, new)) in enumerate(zip(before, after, strict=True)):
        if [element.tag for element in old] != [element.tag for element in new]:
            found.append([number, -1, [[*element] for element in new], None])
            continue
        for position, (was, now) in enumerate(zip(old, new, strict=True)):
            if was == now:
                continue
            attributes = {
                name: value
                for name, value in now.attributes.items()
                if was.attributes.get(name) != value
            }
            # None takes an attribute away
            gone: dict[str, Any] = dict.fromkeys(was.attributes.keys() - now.attributes.keys())
            text = now.text if now.text != was.text else None
            found.append([number, position, attributes | gone, text])
    return found
