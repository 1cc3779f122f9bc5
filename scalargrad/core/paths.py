"""Paths from one value to another: every path, the largest ones, their number, and adjoints.

The derivative is the sum over all paths of the product of the local derivatives on the path. Their
number grows exponentially with depth, which is why `backward` factors the sum; listing and counting
paths shows what it saves.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import exp, inf, log, log1p
from typing import Any

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.numbers import as_count
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value

__all__ = ["Path", "PathGraph", "adjoints", "count_paths", "largest_paths", "paths"]


def adjoints(tape: Tape, within: Sequence[int] | None = None, sizes: bool = False) -> list[float]:
    """Return the derivative of the last node of `tape` by each, to the bit as `backward` does.

    Args:
        tape: the graph of one output.
        within: by node, whether its derivative is wanted; by default all are.
        sizes: whether to take the absolute values of all products, which shows what cancels.

    >>> from scalargrad.core.paths import adjoints
    >>> x = Value(2.0)
    >>> adjoints(Tape.of([x * x]))
    [4.0, 1.0]
    """

    def times(g: float, partial: float) -> float | None:
        # as in backward: a zero ends here, so 0 * inf is never formed
        return (abs(g * partial) if sizes else g * partial) if g and partial else None

    found = tape.pull({len(tape) - 1: 1.0}, times=times, within=within)
    return [0.0 if g is None else g + 0.0 for g in found]  # + 0.0: zero without a sign


class PathGraph:
    """The paths from `w` to `x` in the graph of `x`, `tape`.

    `depends` says of each node whether it depends on `w`: the paths lead through these nodes, from
    `first` to `last`. `edges(i)` are the edges from node `i` to its results; edge `e` leads to node
    `heads[e]` and has the local derivative `partials[e]`.

    Raises:
        TypeError: `x` or `w` is not a Value; the error names the `caller`.
    """

    def __init__(self, x: Value, w: Value, caller: str) -> None:
        _check(x, w, caller)
        self.tape = Tape.of([x])
        self.last = len(self.tape) - 1
        self.first = self.tape.index.get(w, -1)
        self.depends = self.tape.reach([self.first] if self.connected else [])
        self.partials, self.heads = self.tape.partials, self.tape.results()
        self._starts, self._edges = self.tape.users()

    @property
    def connected(self) -> bool:
        """Whether `x` depends on `w`."""
        return self.first >= 0

    def edges(self, i: int) -> Sequence[int]:
        """The edges from node `i`, ordered by the nodes they lead to."""
        return self._edges[self._starts[i] : self._starts[i + 1]]

    def position(self, edge: int) -> int:
        """Which operand of the node at its head an edge is."""
        return edge - self.tape.starts[self.heads[edge]]

    def count(self, limit: int) -> int:
        """How many paths there are, or `limit` + 1 if there are more than `limit`."""
        return self._pull(1, add=lambda m, n: min(m + n, limit + 1)) or 0

    def count_text(self) -> str:
        """How many paths there are, in words that fit on a line."""
        number = self.count(10**15)
        if number <= 10**15:
            return f"{number:,}"
        # exact numbers of a million digits would take half a minute to add up
        size = self._pull(0.0, add=_log_sum) / log(10.0)
        mantissa, exponent = f"{10.0 ** (size % 1.0):.1e}".split("e")
        return f"about {mantissa}e+{int(size) + int(exponent)}"

    def _pull(self, seed: Any, add: Callable[[Any, Any], Any]) -> Any:
        """Sweep back from `x`, adding up what arrives at each node along its edges, to `w`."""
        found = self.tape.pull(
            {self.last: seed}, add=add, times=lambda n, _: n, within=self.depends,
        )  # fmt: skip
        return found[self.first] if self.connected else None

    def path(self, edges: Sequence[int]) -> Path:
        """The path from `w` along these edges."""
        nodes = [self.tape.nodes[i] for i in (self.first, *map(self.heads.__getitem__, edges))]
        partials = tuple(map(self.partials.__getitem__, edges))
        return Path(tuple(nodes), partials, self.product(edges))

    def product(self, edges: Sequence[int]) -> float:
        """The product of the local derivatives on these edges, as `backward` would form it."""
        product = 1.0
        if 0.0 in map(self.partials.__getitem__, edges):
            return 0.0
        for edge in reversed(edges):
            product *= self.partials[edge]
            if not product:  # 0 * inf is never formed
                return 0.0
        return product

    def all(self) -> Iterator[list[int]]:
        """The edges of every path, ordered by the edges they take."""
        path: list[int] = []
        if self.first == self.last:
            yield path
        branches = [iter(self.edges(self.first))] if self.connected else []
        while branches:
            edge = next(branches[-1], None)
            if edge is None:
                branches.pop()
                if path:
                    path.pop()
            elif self.heads[edge] == self.last:
                yield [*path, edge]
            else:
                path.append(edge)
                branches.append(iter(self.edges(self.heads[edge])))

    def largest(self, limit: int) -> list[Sequence[int]]:
        """The edges of the `limit` paths with the largest products in size, largest first.

        Best-first search: how large a product can still become is known from each node on, so that
        only the paths in the result are followed. Sizes are compared as logarithms, since a product
        of a million slopes is often no float.
        """
        if not self.connected:
            return []
        best = self.tape.pull(  # the size of the largest product from each node to `x`
            {self.last: 0.0}, add=max, times=_times, within=self.depends
        )
        partials, heads = self.partials, self.heads

        def bound(edge: int) -> float:
            return _times(best[heads[edge]], partials[edge])

        # A candidate follows a path that was found to one of its nodes, and takes there the edge of
        # the next lower rank. It begins with the size it can reach and a number that breaks ties.
        found: list[Sequence[int]] = []
        candidates = [(-best[self.first], 0, 0, 0, self.first, 0.0, 0)]
        numbers = count(1)
        while candidates and len(found) < limit:
            _, _, source, shared, i, size, rank = heapq.heappop(candidates)
            path = [*found[source][:shared]] if found else []
            turns = []
            while i != self.last:
                edges = self.edges(i)
                if len(edges) > 1:
                    edges = sorted(edges, key=bound, reverse=True)
                if rank + 1 < len(edges):
                    reach = _plus(size, bound(edges[rank + 1]))
                    turns.append((-reach, next(numbers), len(found), len(path), i, size, rank + 1))
                path.append(edges[rank])
                size = _times(size, partials[edges[rank]])
                i, rank = heads[edges[rank]], 0
            found.append(array("q", path))
            for turn in heapq.nsmallest(limit - len(found), turns):
                heapq.heappush(candidates, turn)
        return sorted(found, key=lambda path: _size(self.product(path)), reverse=True)


@dataclass(frozen=True, slots=True, repr=False)
class Path:
    """One path from `w` to `x`.

    A path with a local derivative of zero contributes nothing, even where another is infinite.
    Iterating gives the values, and `len` their number.

    Attributes:
        nodes: the values on the path, from `w` to `x`.
        partials: the local derivatives; `partials[i]` is that of `nodes[i + 1]` by `nodes[i]`.
        product: the product of the partials: what the path contributes to ∂x/∂w.

    >>> w = Value(3.0, "w")
    >>> [path] = sg.paths(sg.tanh(w / 6), w)
    >>> path
    <Path w → / → tanh: 0.1311>
    >>> len(path), path.partials[0]
    (3, 0.16666666666666666)
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
        names = ["…" if node is None else clean(label_of(node) or node.op or "·") for node in shown]
        return f"<Path {' → '.join(names)}: {format_number(self.product)}>"


def count_paths(x: Value, w: Value) -> int:
    """Return the number of paths from `w` to `x`: the terms of the chain rule without factoring.

    An operand that is used twice makes two paths. The number is exact, whatever its size, and is
    found without following the paths.

    Args:
        x: the computed value.
        w: a value that `x` may depend on.

    Returns:
        The number of paths; 0 if `x` does not depend on `w`, 1 from a value to itself.

    Raises:
        TypeError: `x` or `w` is not a Value.

    >>> from scalargrad.core.paths import count_paths
    >>> w = x = Value(1.0)
    >>> for _ in range(100):
    ...     x = x * x
    >>> count_paths(x, w) == 2**100
    True
    """
    _check(x, w, "count_paths")
    tape = Tape.of([x], [w])
    # keep=False: a number of a million bits for each node would fill the memory
    counts = tape.pull(
        {len(tape) - 1: 1}, times=lambda n, _: n, partials=tape.edges, within=tape.reach([0]),
        keep=False,
    )  # fmt: skip
    return counts[0] or 0


def paths(x: Value, w: Value, limit: int = 10_000) -> list[Path]:
    """Return every path from `w` to `x`; their products add up to the derivative ∂x/∂w.

    Args:
        x: the computed value.
        w: a value that `x` may depend on.
        limit: the largest number of paths to list.

    Returns:
        The paths, in an order that is the same on every run; none if `x` does not depend on `w`.

    Raises:
        TypeError: `x` or `w` is not a Value, or `limit` is not a whole number.
        ValueError: there are more paths than `limit`, or `limit` is below 1.

    >>> from scalargrad.core.paths import paths
    >>> w = Value(3.0, "w")
    >>> y = w * w
    >>> y.label = "y"
    >>> paths(y + 2 * w, w)
    [<Path w → y → +: 3>, <Path w → y → +: 3>, <Path w → * → +: 2>]
    """
    limit = as_count(limit, "paths: limit")
    graph = PathGraph(x, w, "paths")
    if graph.count(limit) > limit:
        raise ValueError(
            f"paths: there are {graph.count_text()} paths, more than the limit of {limit:,}: "
            "count_paths counts them, largest_paths finds the largest, explain factors their sum; "
            "or raise limit"
        )
    return [*map(graph.path, graph.all())]


def largest_paths(x: Value, w: Value, limit: int) -> list[Path]:
    """Return the paths from `w` to `x` that contribute most to the derivative, largest first.

    Best-first search finds them without following the other paths, however many there are.

    Args:
        x: the computed value.
        w: a value that `x` may depend on.
        limit: how many paths to return; all of them if there are fewer.

    Returns:
        The paths, ordered by the size of their products.

    Raises:
        TypeError: `x` or `w` is not a Value, or `limit` is not a whole number.
        ValueError: `limit` is below 1.

    >>> from scalargrad.core.paths import largest_paths
    >>> w = Value(3.0, "w")
    >>> [path.product for path in largest_paths(w * w * w + 10 * w, w, limit=2)]
    [10.0, 9.0]
    """
    limit = as_count(limit, "largest_paths: limit")
    graph = PathGraph(x, w, "largest_paths")
    return [*map(graph.path, graph.largest(limit))]


def _check(x: Value, w: Value, caller: str) -> None:
    for value in (x, w):
        if not isinstance(value, Value):
            raise TypeError(f"{caller} takes two Values, got {type(value).__name__}")


def _size(partial: float) -> float:
    """The logarithm of the size; nan counts as infinite, since it must not be overlooked."""
    return log(abs(partial)) if 0.0 < abs(partial) < inf else -inf if partial == 0.0 else inf


def _times(size: float, partial: float) -> float:
    return _plus(size, _size(partial))


def _plus(x: float, y: float) -> float:
    """The logarithm of a product: a zero wins over everything else, then an infinity."""
    return -inf if x == -inf or y == -inf else x + y


def _log_sum(x: float, y: float) -> float:
    """The logarithm of a sum."""
    return max(x, y) + log1p(exp(-abs(x - y)))
