"""The backward pass of a graph that was read, on numbers of its own: nobody's grad is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from scalargrad.core.value import Value
from scalargrad.view.graph import Box, largest_size
from scalargrad.view.read.reading import Reading

__all__ = ["Passes", "adjoints"]


def adjoints(order: Sequence[Value], parents: Sequence[Sequence[int]]) -> list[float]:
    """The derivative of the last value by each, to the bit what `backward` puts into fresh grads.

    Args:
        order: the values, every operand before its users.
        parents: the operands of each, by their places in `order`.

    >>> from scalargrad.view.film.gradients import adjoints
    >>> x = Value(2.0)
    >>> adjoints([x, x * x], [[], [0, 0]])
    [4.0, 1.0]
    """
    grads = [0.0] * len(order)
    grads[-1] = 1.0
    for place in range(len(order) - 1, -1, -1):
        g = grads[place]
        if not g:  # as in backward: a zero stops here, so 0 * inf is never formed
            continue
        for parent, partial in zip(parents[place], order[place].partials, strict=True):
            if partial:
                grads[parent] += g * partial
    return grads


class Passes:
    """A reading with the derivative of its last value by every value; `graph` shows them.

    `order`, `parents` and `grads` go by the place of a value, `members` (places), `boxes` and
    `single` by the number of a box.
    """

    def __init__(self, reading: Reading) -> None:
        self.order, self.parents, self.box_of = reading.order, reading.parents, reading.box_of
        self.grads = adjoints(self.order, self.parents)
        self.members = reading.members
        self.boxes = tuple(map(self._finished, reading.graph.boxes))
        self.graph = replace(reading.graph, boxes=self.boxes, backward=True)
        self.single = [box.values == 1 for box in self.boxes]
        self._edges: defaultdict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        for number, edge in enumerate(self.graph.edges):
            self._edges[edge.head][self.way(edge.tail, edge.head, edge.position)] = number

    def _finished(self, box: Box) -> Box:
        members = self.members[box.number]
        if box.values == 1:
            return replace(box, grad=self.grads[members[0]])
        largest = largest_size(self.grads[i] for i in members if not self.order[i].is_constant)
        return replace(box, grad=largest or 0.0)

    def value(self, box: Box) -> tuple[int, Value]:
        """The value of a box that is no group, and its place."""
        place = self.members[box.number][0]
        return place, self.order[place]

    def is_given(self, box: Box) -> bool:
        """Whether there are only leaves in it."""
        return not any(self.parents[i] for i in self.members[box.number])

    def is_alone(self, place: int) -> bool:
        """Whether all operands of a value have boxes of their own."""
        return all(self.single[self.box_of[parent]] for parent in self.parents[place])

    def way(self, tail: int, head: int, position: int) -> tuple[int, int]:
        """How an edge is found among those to its head: all edges of a group are drawn as one."""
        return tail, position if self.single[tail] and self.single[head] else -1

    def edges_to(self, box: Box, constants: bool = False) -> dict[tuple[int, int], int]:
        """The numbers of the edges to a box by their ways, those from constants only if wanted."""
        ways = self._edges[box.number].items()
        return {
            way: edge for way, edge in ways if constants or self.boxes[way[0]].kind != "constant"
        }
