"""Coordinates within the columns of the built-in layout: straight lines, and no overlaps."""

from collections.abc import Sequence
from itertools import pairwise

from scalargrad.view.layout.layers import Layers

__all__ = ["align_nodes", "settle"]

# Rounds of alignment, each once to the left and once to the right. A few settle most graphs.
_ROUNDS = 10

# The weight of a node's wish: moving a way-point bends a line, moving an operation bends the spine
# of the picture; a leaf is next to one of these and can give way.
_WAY_POINT, _OPERATION, _LEAF = 8.0, 4.0, 1.0

# (position, weight)
_Wish = tuple[float, float]


def align_nodes(
    layers: Layers, columns: Sequence[Sequence[int]], sizes: Sequence[float], gap: float
) -> list[float]:
    """Return the centre of every node along its column; `sizes` are the extents of all nodes.

    In each round every node wishes for the weighted median of its neighbours, and its column comes
    as close to these wishes as order and distance allow. Medians rather than means, because they
    put a node exactly level with a neighbour: means leave every line askew.
    """
    weights = [_LEAF if not before else _OPERATION for before in layers.before]
    weights[layers.boxes :] = [_WAY_POINT] * (len(weights) - layers.boxes)
    offsets = [_offsets(column, sizes, gap, layers.boxes) for column in columns]
    centre = [0.0] * len(sizes)
    for column, distances in zip(columns, offsets, strict=True):
        for node, distance in zip(column, distances, strict=True):
            centre[node] = distance - distances[-1] / 2
    for turn in range(_ROUNDS + 1):
        # The last round looks both ways, so that neither side is left with all the bends.
        sides = ([layers.after], [layers.before]) if turn < _ROUNDS else (
            [layers.before, layers.after], [layers.before, layers.after],
        )  # fmt: skip
        for side, forwards in zip(sides, (False, True), strict=True):
            for index in range(len(columns)) if forwards else reversed(range(len(columns))):
                column, distances = columns[index], offsets[index]
                wishes = []
                for node, distance in zip(column, distances, strict=True):
                    around = [n for neighbours in side for n in neighbours[node]]
                    pulls = sorted((centre[n], _pull(weights[node], weights[n])) for n in around)
                    # Without neighbours on this side a node stays, unless another one pushes it.
                    wishes.append(
                        (_median(pulls) - distance, weights[node])
                        if pulls
                        else (centre[node] - distance, _LEAF)
                    )
                for node, distance, start in zip(column, distances, settle(wishes), strict=True):
                    centre[node] = start + distance
    return centre


def _pull(weight: float, neighbour: float) -> float:
    # A line stays level with itself and a chain of operations with itself. A line that ends at an
    # operation turns there anyway, and so does not pull the chain.
    return weight if weight == neighbour else _LEAF


def _offsets(column: Sequence[int], sizes: Sequence[float], gap: float, boxes: int) -> list[float]:
    """Distances from the first node of a column to each, when they are as close as allowed."""
    offsets = [0.0]
    for upper, lower in pairwise(column):
        # Two lines may run closer together than two boxes may stand.
        space = gap if upper < boxes or lower < boxes else gap / 2
        offsets.append(offsets[-1] + (sizes[upper] + sizes[lower]) / 2 + space)
    return offsets


def settle(wishes: Sequence[_Wish]) -> list[float]:
    """Return the non-decreasing numbers that are nearest to the wishes (weighted, absolute).

    Isotonic regression by pooling adjacent violators: exact, in one pass (Barlow et al. 1972).
    """
    blocks: list[tuple[float, list[_Wish]]] = []
    for wish in wishes:
        level, block = wish[0], [wish]
        while blocks and blocks[-1][0] > level:
            block = sorted(blocks.pop()[1] + block)
            level = _median(block)
        blocks.append((level, block))
    return [level for level, block in blocks for _ in block]


def _median(wishes: Sequence[_Wish]) -> float:
    """Return the weighted median of sorted wishes, halfway when two are as good."""
    half = sum(weight for _, weight in wishes) / 2
    index, reached = 0, wishes[0][1]
    while reached < half:
        index += 1
        reached += wishes[index][1]
    beyond = index + 1 if reached == half else index
    return (wishes[index][0] + wishes[beyond][0]) / 2
