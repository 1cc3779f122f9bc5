"""Order within the columns of the built-in layout, chosen so that few lines cross."""

from bisect import bisect_right, insort
from itertools import pairwise

from scalargrad.view.layout.layers import Layers

__all__ = ["count_crossings", "order_columns"]

# Each sweep goes once through all columns; more than eight hardly ever found a better order.
_SWEEPS = 8

# Nodes; in larger graphs swapping neighbours takes too long.
_SWAP_LIMIT = 1500


def order_columns(layers: Layers) -> list[list[int]]:
    """Return the columns, each in the order in which to draw its nodes; the same on every run.

    Barycentre sweeps (Sugiyama, Tagawa and Toda 1981), from the order in which a depth-first
    walk from the result meets the nodes: that keeps operands in the order of the formula.
    """
    columns = _depth_first(layers)
    best, fewest = columns, count_crossings(layers, columns)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        columns = [list(column) for column in columns]
        _sweep(layers, columns, forwards=sweep % 2 == 1)
        if len(layers.column_of) <= _SWAP_LIMIT:
            _swap_neighbours(layers, columns)
        crossings = count_crossings(layers, columns)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _depth_first(layers: Layers) -> list[list[int]]:
    columns: list[list[int]] = [[] for _ in layers.columns]
    seen = set()
    # The result is the last box; any box the walk does not reach comes after it, in its own turn.
    stack = list(range(layers.boxes))
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        columns[layers.column_of[node]].append(node)
        stack.extend(reversed(layers.before[node]))
    return columns


def _sweep(layers: Layers, columns: list[list[int]], *, forwards: bool) -> None:
    neighbours = layers.before if forwards else layers.after
    numbers = range(1, len(columns)) if forwards else range(len(columns) - 2, -1, -1)
    for number in numbers:
        index_of = _indices(columns[number - 1 if forwards else number + 1])
        centre = {}
        for index, node in enumerate(columns[number]):
            around = [index_of[n] for n in neighbours[node]]
            # A leaf has nothing before it: on the way forwards it stays about where it was.
            centre[node] = sum(around) / len(around) if around else float(index)
        columns[number].sort(key=centre.__getitem__)  # stable: ties stay in order


def _swap_neighbours(layers: Layers, columns: list[list[int]]) -> None:
    """Exchange adjacent nodes wherever that alone removes crossings."""
    for number, column in enumerate(columns):
        left = _indices(columns[number - 1]) if number else {}
        right = _indices(columns[number + 1]) if number + 1 < len(columns) else {}
        for index in range(len(column) - 1):
            upper, lower = column[index], column[index + 1]
            gain = 0
            for index_of, neighbours in ((left, layers.before), (right, layers.after)):
                ups = sorted(index_of[n] for n in neighbours[upper])
                downs = sorted(index_of[n] for n in neighbours[lower])
                gain += _inversions(ups, downs) - _inversions(downs, ups)
            if gain > 0:
                column[index], column[index + 1] = lower, upper


def _inversions(firsts: list[int], seconds: list[int]) -> int:
    """The number of crossings when the node with ends `firsts` is above that with `seconds`."""
    return sum(len(firsts) - bisect_right(firsts, end) for end in seconds)


def count_crossings(layers: Layers, columns: list[list[int]]) -> int:
    """Return the number of pairs of lines that cross when nodes are drawn in this order."""
    crossings = 0
    for left, right in pairwise(columns):
        index_of = _indices(right)
        ends_above: list[int] = []
        for node in left:
            ends = [index_of[n] for n in layers.after[node]]
            # A line crosses those that start above it and end below it.
            crossings += sum(len(ends_above) - bisect_right(ends_above, end) for end in ends)
            for end in ends:
                insort(ends_above, end)
    return crossings


def _indices(column: list[int]) -> dict[int, int]:
    return {node: index for index, node in enumerate(column)}
