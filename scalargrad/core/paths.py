"""The ways in which one value acts on another: all paths through the graph, or the largest ones.

The derivative is the sum over all paths of the product of the local derivatives on the path. There
are exponentially many of them, which is why `backward` factors the sum; to list and to count them
shows what it saves.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from math import exp, inf, log, log1p, log10

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.numbers import as_count
from scalargrad.core.value import Value, topological_order

__all__ = ["Path", "Ways", "count_paths", "largest_paths", "paths"]


class Ways:
    """The part of the graph of `x` through which `w` acts on it; empty if it does not.

    `order` is the whole graph of `x` in topological order. `nodes` holds the values of the part,
    each behind its operands, from `w` to `x`. Each mention of one as an
    operand of another is an edge; `edges(i)` are those that lead on from `nodes[i]`. The edge `e`
    leads to the node at `heads[e]`, there it is the operand at `positions[e]` and has the local
    derivative `partials[e]`.

    A graph may have a million edges, so they are kept in arrays: as objects they took 15 s, most of
    it in the cyclic collector.
    """

    def __init__(self, x: Value, w: Value, taker: str) -> None:
        for value in (x, w):
            if not isinstance(value, Value):
                raise TypeError(f"{taker} takes two Values, got {type(value).__name__}")
        self.order = topological_order(x)
        self.nodes: list[Value] = []
        places: dict[Value, int] = {}
        tails, heads, positions, partials = array("q"), array("q"), array("q"), array("d")
        for node in self.order:
            place, found = len(self.nodes), node is w
            for position, parent in enumerate(node.parents):
                if parent in places:
                    found = True
                    tails.append(places[parent])
                    heads.append(place)
                    positions.append(position)
                    partials.append(node.partials[position])
            if found:
                places[node] = place
                self.nodes.append(node)
        if x not in places:
            self.nodes = []
            tails = heads = array("q")
        by_tail = sorted(range(len(tails)), key=tails.__getitem__)  # stable: heads stay in order
        self.heads = array("q", map(heads.__getitem__, by_tail))
        self.positions = array("q", map(positions.__getitem__, by_tail))
        self.partials = array("d", map(partials.__getitem__, by_tail))
        numbers = [0] * (len(self.nodes) + 1)
        for tail in tails:
            numbers[tail + 1] += 1
        self._starts = array("q", accumulate(numbers))

    def edges(self, place: int) -> range:
        """The edges that lead on from the node at `place`."""
        return range(self._starts[place], self._starts[place + 1])

    def count(self, most: float = inf) -> int | None:
        """How many paths there are; None as soon as there are more than `most`."""
        if not self.nodes:
            return 0
        counts = [1] + [0] * (len(self.nodes) - 1)
        for place, number in enumerate(counts):
            if number > most:
                return None
            edges = self.edges(place)
            for edge in edges:
                counts[self.heads[edge]] += number
            if edges:
                counts[place] = 0  # a number of a million bits for each node would fill the memory
        return counts[-1]

    def count_told(self) -> str:
        """How many paths there are, in words that have room on a line."""
        number = self.count(most=1e300)
        if number is not None and number < 10**15:
            return f"{number:,}"
        if number is not None:
            size = log10(number)
        else:  # numbers of a million bits take half a minute to add up
            sizes = [0.0] + [-inf] * (len(self.nodes) - 1)
            for place, size in enumerate(sizes):
                for head in map(self.heads.__getitem__, self.edges(place)):
                    high, low = max(size, sizes[head]), min(size, sizes[head])
                    sizes[head] = high + log1p(exp(low - high))
            size = sizes[-1] / log(10.0)
        mantissa, exponent = f"{10.0 ** (size % 1.0):.1e}".split("e")
        return f"about {mantissa}e+{int(size) + int(exponent)}"

    def path(self, edges: Sequence[int]) -> Path:
        """The path from `w` over these edges."""
        nodes = (self.nodes[0], *(self.nodes[self.heads[edge]] for edge in edges))
        return Path(nodes, tuple(self.partials[edge] for edge in edges), self.product(edges))

    def product(self, edges: Sequence[int]) -> float:
        """The product of the local derivatives on these edges, as `backward` would form it."""
        product = 1.0
        if 0.0 in map(self.partials.__getitem__, edges):
            return 0.0
        for edge in reversed(edges):
            product *= self.partials[edge]
            if not product:  # a zero ends the way: 0 * inf is never formed
                return 0.0
        return product

    def all(self) -> Iterator[list[int]]:
        """The edges of every path, those first that take the earlier edges."""
        last = len(self.nodes) - 1
        way: list[int] = []
        branches = [iter(self.edges(0))] if last > 0 else []
        if last == 0:
            yield []
        while branches:
            edge = next(branches[-1], None)
            if edge is None:
                branches.pop()
                if way:
                    way.pop()
            elif self.heads[edge] == last:
                yield [*way, edge]
            else:
                way.append(edge)
                branches.append(iter(self.edges(self.heads[edge])))

    def largest(self, k: int) -> list[Sequence[int]]:
        """The edges of the `k` paths of the largest products in size, largest first.

        Best-first search. How large a product can still become is known from each node on, so that
        no way is followed that does not lead to one of the `k`. Sizes are compared as logarithms:
        a product of a million slopes is often no float.
        """
        last = len(self.nodes) - 1
        if last < 0:
            return []
        sizes = array("d", map(_size, self.partials))
        best = array("d", [0.0]) * (last + 1)  # the largest product from each node to `x`

        def bound(edge: int) -> float:
            return _plus(sizes[edge], best[self.heads[edge]])

        for place in range(last - 1, -1, -1):
            best[place] = max(map(bound, self.edges(place)))

        # A candidate begins like a path that was found, up to one of its nodes, and takes there the
        # edge of the next lower rank. In front stand the size it can reach and a number for ties.
        ways: list[Sequence[int]] = []
        candidates = [(-best[0], 0, 0, 0, 0, 0.0, 0)]
        numbers = count(1)
        while candidates and len(ways) < k:
            _, _, source, shared, place, size, rank = heapq.heappop(candidates)
            way = [*ways[source][:shared]] if ways else []
            turns = []
            while place != last:
                edges: Sequence[int] = self.edges(place)
                if len(edges) > 1:
                    edges = sorted(edges, key=bound, reverse=True)
                if rank + 1 < len(edges):
                    reach = _plus(size, bound(edges[rank + 1]))
                    turns.append(
                        (-reach, next(numbers), len(ways), len(way), place, size, rank + 1)
                    )
                way.append(edges[rank])
                size = _plus(size, sizes[edges[rank]])
                place, rank = self.heads[edges[rank]], 0
            ways.append(array("q", way))
            for turn in heapq.nsmallest(k - len(ways), turns):
                heapq.heappush(candidates, turn)
        return sorted(ways, key=lambda way: _size(self.product(way)), reverse=True)


@dataclass(frozen=True, slots=True, repr=False)
class Path:
    """One way from `w` to `x`: its values, and the local derivative of each by the one before it.

    `partials[i]` is the derivative of `nodes[i + 1]` by `nodes[i]`; `product` is that of all, what
    the path contributes to the derivative of `x` by `w`. A path on which a local derivative is zero
    contributes nothing, even where another one is infinite. Iterating gives the values.
    """

    nodes: tuple[Value, ...]
    partials: tuple[float, ...]
    product: float

    def __iter__(self) -> Iterator[Value]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        shown = self.nodes if len(self) <= 12 else (*self.nodes[:6], None, *self.nodes[-5:])
        told = ["…" if node is None else clean(label_of(node) or node.op or "·") for node in shown]
        return f"<Path {' → '.join(told)}: {format_number(self.product)}>"


def count_paths(x: Value, w: Value) -> int:
    """How many paths lead from `w` to `x`: the terms of the chain rule when nothing is factored.

    An operand that is used twice is two ways. The number is exact, whatever its size, and found
    without walking the paths.

    Args:
        x: the value that is computed.
        w: a value it may depend on; if it does not, there are 0 paths, and from `x` to itself is 1.

    Raises:
        TypeError: `x` or `w` is no Value.

    >>> from scalargrad.core.paths import count_paths
    >>> w = x = Value(1.0)
    >>> for _ in range(100):
    ...     x = x * x
    >>> count_paths(x, w) == 2**100
    True
    """
    return Ways(x, w, "count_paths").count() or 0


def paths(x: Value, w: Value, limit: int = 10_000) -> list[Path]:
    """Every path from `w` to `x`, with the product of the local derivatives on it.

    The products add up to the derivative of `x` by `w`.

    Args:
        x: the value that is computed.
        w: a value it may depend on; if it does not, the list is empty.
        limit: the largest number of paths to list.

    Raises:
        TypeError: `x` or `w` is no Value.
        ValueError: there are more paths than `limit`.

    >>> from scalargrad.core.paths import paths
    >>> w = Value(3.0, "w")
    >>> y = w * w
    >>> y.label = "y"
    >>> paths(y + 2 * w, w)
    [<Path w → y → +: 3>, <Path w → y → +: 3>, <Path w → * → +: 2>]
    """
    limit = as_count(limit, "paths: limit")
    ways = Ways(x, w, "paths")
    if ways.count(limit) is None:
        raise ValueError(
            f"paths: there are {ways.count_told()} paths, more than the limit of {limit:,}: "
            "count_paths counts them, largest_paths finds the largest, explain factors their sum; "
            "or raise limit"
        )
    return [*map(ways.path, ways.all())]


def largest_paths(x: Value, w: Value, k: int) -> list[Path]:
    """The `k` paths from `w` to `x` that contribute most, largest first; all if there are fewer.

    Not all paths are walked, so it does not matter how many there are.

    Args:
        x: the value that is computed.
        w: a value it may depend on.
        k: how many paths to find.

    Raises:
        TypeError: `x` or `w` is no Value, `k` no whole number.
        ValueError: `k` is below 1.

    >>> from scalargrad.core.paths import largest_paths
    >>> w = Value(3.0, "w")
    >>> [path.product for path in largest_paths(w * w * w + 10 * w, w, 2)]
    [10.0, 9.0]
    """
    k = as_count(k, "largest_paths: k")
    ways = Ways(x, w, "largest_paths")
    return [*map(ways.path, ways.largest(k))]


def _size(partial: float) -> float:
    """The logarithm of the size; nan, which nobody should overlook, counts as infinite."""
    return log(abs(partial)) if 0.0 < abs(partial) < inf else -inf if partial == 0.0 else inf


def _plus(x: float, y: float) -> float:
    """The logarithm of a product: a zero wins over everything else, an infinity too."""
    return -inf if x == -inf or y == -inf else x + y
