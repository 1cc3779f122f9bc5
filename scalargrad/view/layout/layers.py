"""Columns of the built-in layout: the column of every box, and way-points for long edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layers", "Link", "make_layers"]

# An edge between boxes, by their numbers in topological order: (tail, head).
Link = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layers:
    """Boxes and the way-points of long edges, in columns from the inputs to the result.

    Nodes are numbers: the boxes first, in topological order, then the way-points. `chains` gives
    for every edge its nodes, one in each column; `before` and `after` give the neighbours of a node
    in the next columns, once for every line between them.
    """

    boxes: int
    columns: list[list[int]]
    column_of: list[int]
    before: list[list[int]]
    after: list[list[int]]
    chains: list[tuple[int, ...]]


def make_layers(boxes: int, links: Sequence[Link]) -> Layers:
    """Return the boxes 0 … `boxes` - 1 in columns such that every link leads to a later column.

    >>> make_layers(3, [(0, 1), (0, 2), (1, 2)]).chains
    [(0, 1), (0, 3, 2), (1, 2)]
    """
    column_of = _ranks(boxes, links)
    way_points: dict[tuple[int, int, int], int] = {}
    times_seen: dict[Link, int] = {}
    chains = []
    for tail, head in links:
        # Edges out of one box share way-points and so run as one line until they part, which
        # leaves fewer lines to follow. Not so for x * x: its two edges must stay two.
        turn = times_seen.get((tail, head), 0)
        times_seen[tail, head] = turn + 1
        chain = [tail]
        for column in range(column_of[tail] + 1, column_of[head]):
            key = (tail, turn, column)
            if key not in way_points:
                way_points[key] = len(column_of)
                column_of.append(column)
            chain.append(way_points[key])
        chains.append((*chain, head))
    columns: list[list[int]] = [[] for _ in range(max(column_of) + 1)]
    for node, column in enumerate(column_of):
        columns[column].append(node)
    before, after = _neighbours(len(column_of), boxes, chains)
    return Layers(boxes, columns, column_of, before, after, chains)


def _ranks(boxes: int, links: Sequence[Link]) -> list[int]:
    """Give every box its longest distance from a leaf, then move boxes close to their users."""
    parents: list[list[int]] = [[] for _ in range(boxes)]
    children: list[list[int]] = [[] for _ in range(boxes)]
    for tail, head in links:
        parents[head].append(tail)
        children[tail].append(head)
    rank = [0] * boxes
    for box in range(boxes):  # numbers are in topological order
        rank[box] = 1 + max((rank[parent] for parent in parents[box]), default=-1)
    for box in reversed(range(boxes)):
        # A step to the right shortens the edges out of a box and stretches those into it, except
        # from leaves with no other user, which move along. Leaves always gain.
        stretched = sum(1 for p in parents[box] if parents[p] or len(children[p]) > 1)
        if children[box] and stretched <= len(children[box]):
            rank[box] = min(rank[child] for child in children[box]) - 1
    first = min(rank)
    return [column - first for column in rank]


def _neighbours(
    nodes: int, boxes: int, chains: Sequence[tuple[int, ...]]
) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(nodes)]
    after: list[list[int]] = [[] for _ in range(nodes)]
    drawn = set()
    for chain in chains:
        for left, right in pairwise(chain):
            # A line shared by several edges counts once, two edges between the same boxes twice.
            if (left, right) in drawn and (left >= boxes or right >= boxes):
                continue
            drawn.add((left, right))
            after[left].append(right)
            before[right].append(left)
    return before, after
