"""The tape: the graph of some outputs as flat arrays, swept backward and forward.

Transforms, pictures, explanations and the recorder read a graph through its tape. A sweep is
parametrised by how terms are added and multiplied: with + and * it gives derivatives, with other
pairs the number of paths, sums of sizes or the largest product.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, islice
from operator import add as plus
from operator import mul
from typing import Any

from scalargrad.core.native import machine_code
from scalargrad.core.node import linear, partials, unused

__all__ = ["Tape"]


class Tape:
    """A graph as flat arrays, every operand before its results.

    Node `i` is `nodes[i]`, computed by the row `rows[i]` (None for a leaf). Its operands are the
    edges `starts[i]` to `starts[i + 1]`; edge `e` comes from node `operands[e]`, repeats included.

    Args:
        nodes: the nodes in topological order.
        starts: by node the first of its edges, and their number at the end.
        operands: by edge the node that it comes from.
        rows: the operation of each node, None for a leaf; by default those of the nodes.
    """

    def __init__(
        self, nodes: Sequence[Any], starts: Sequence[int], operands: Sequence[int],
        rows: Sequence[Any] | None = None,
    ) -> None:  # fmt: skip
        self.nodes, self.starts, self.operands = nodes, starts, operands
        self._rows = rows
        # Arrays as `linear` of the machine code makes them, which it can sweep
        self._swept_by = machine_code if isinstance(operands, array) else None

    @classmethod
    def of(cls, outputs: Iterable[Any], inputs: Sequence[Any] = ()) -> Tape:
        """The tape of Values: the graph of `outputs`, down to `inputs`, which come first.

        What the `inputs` depend on is left out.
        """
        return cls(*linear(outputs, inputs))

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def index(self) -> dict[Any, int]:
        """The index of each node."""
        return dict(zip(self.nodes, range(len(self)), strict=True))

    @cached_property
    def rows(self) -> Sequence[Any]:
        """The operation of each node, None for a leaf."""
        if self._rows is not None:
            return self._rows
        pairs = zip(self.nodes, map(len, map(self.edges, range(len(self)))), strict=True)
        return [node._row if count else None for node, count in pairs]

    @cached_property
    def partials(self) -> Sequence[float]:
        """The local derivative on each edge, as of when its result was computed."""
        return partials(self.nodes, self.starts)

    def leaves(self, first: int) -> list[int]:
        """The nodes without operands, from node `first` on."""
        if self._swept_by is not None:
            return self._swept_by.leaves(self.starts, first)  # type: ignore[no-any-return]
        edges = enumerate(zip(self.starts, islice(self.starts, 1, None), strict=False))
        return [i for i, (start, end) in islice(edges, first, None) if start == end]

    @cached_property
    def unused(self) -> bytearray:
        """By edge, whether its operand was not used: nothing flows on from there."""
        return unused(self.nodes, self.starts, self.partials)

    def edges(self, i: int) -> range:
        """The edges from the operands of node `i`."""
        return range(self.starts[i], self.starts[i + 1])

    def result(self, e: int) -> int:
        """The node that edge `e` leads to."""
        return bisect_right(self.starts, e) - 1

    def pull(
        self, seeds: Mapping[int, Any], *, add: Callable[[Any, Any], Any] = plus,
        times: Callable[[Any, Any], Any] = mul,
        partials: Callable[[int], Sequence[Any]] | None = None,
        within: Sequence[int] | None = None, keep: bool = True,
    ) -> list[Any]:  # fmt: skip
        """Sweep backward: the adjoint of each node, None where nothing arrives.

        Args:
            seeds: the adjoints to begin with, by node.
            add: combines the terms of an adjoint.
            times: an adjoint times a partial; a result of None counts as no term.
            partials: the partials of a node; by default the numbers on its edges.
            within: by node, whether adjoints reach it; by default all.
            keep: False drops the adjoint of a node once it has been passed on.
        """
        adjoints: list[Any] = [None] * len(self)
        for i, seed in seeds.items():
            adjoints[i] = seed
        starts, operands = self.starts, self.operands
        numbers = self.partials if partials is None else None
        for i in range(len(self) - 1, -1, -1):
            g, first, end = adjoints[i], starts[i], starts[i + 1]
            if g is None or first == end:
                continue
            slopes = numbers[first:end] if numbers is not None else partials(i)  # type: ignore[misc]
            for e, slope in zip(range(first, end), slopes, strict=True):
                j = operands[e]
                if within is None or within[j]:
                    term = times(g, slope)
                    if term is not None:
                        before = adjoints[j]
                        adjoints[j] = term if before is None else add(before, term)
            if not keep:
                adjoints[i] = None
        return adjoints

    def pull_numbers(
        self, seeds: dict[int, float], wanted: int, within: bytearray | None = None
    ) -> list[float | None]:
        """`pull` of plain numbers, which leaves out the operands that were not used.

        Args:
            seeds: the adjoints to begin with, by node.
            wanted: the number of nodes, from the first one on, whose adjoints are returned.
            within: by node, whether adjoints reach it; by default all.
        """
        if self._swept_by is None:
            return self.pull(seeds, times=_term, partials=self._used, within=within)[:wanted]
        return self._swept_by.pull_numbers(  # type: ignore[no-any-return]
            self.starts, self.operands, self.partials, self.unused, seeds, within, wanted
        )

    def push_numbers(self, tangents: dict[int, float]) -> list[float | None]:
        """`push` of plain numbers, which leaves out the operands that were not used."""
        if self._swept_by is None:
            return self.push(tangents, times=_term, partials=self._used)
        return self._swept_by.push_numbers(  # type: ignore[no-any-return]
            self.starts, self.operands, self.partials, self.unused, tangents, None, len(self)
        )

    def _used(self, i: int) -> list[float | None]:
        """The partials of a node, None for an operand that was not used."""
        edges = self.edges(i)
        return [None if self.unused[e] else self.partials[e] for e in edges]

    def push(
        self, tangents: Mapping[int, Any], *, add: Callable[[Any, Any], Any] = plus,
        times: Callable[[Any, Any], Any] = mul,
        partials: Callable[[int], Sequence[Any]] | None = None,
    ) -> list[Any]:  # fmt: skip
        """Sweep forward: the tangent of each node, None where nothing arrives.

        The arguments are those of `pull`; `tangents` are those of the nodes to begin with.
        """
        found: list[Any] = [None] * len(self)
        for i, tangent in tangents.items():
            found[i] = tangent
        starts, operands = self.starts, self.operands
        numbers = self.partials if partials is None else None
        for i in range(len(self)):
            first, end = starts[i], starts[i + 1]
            arriving = [e for e in range(first, end) if found[operands[e]] is not None]
            if not arriving:
                continue
            slopes = numbers[first:end] if numbers is not None else partials(i)  # type: ignore[misc]
            for e in arriving:
                term = times(found[operands[e]], slopes[e - first])
                if term is not None:
                    before = found[i]
                    found[i] = term if before is None else add(before, term)
        return found

    def reach(self, sources: Iterable[int]) -> bytearray:
        """By node, whether it is one of `sources` or depends on one of them."""
        reached = bytearray(len(self))
        for i in sources:
            reached[i] = 1
        starts, operands = self.starts, self.operands
        if self._swept_by is not None:
            self._swept_by.reach(starts, operands, reached)
            return reached
        for i in range(len(self)):
            if not reached[i]:
                for e in range(starts[i], starts[i + 1]):
                    if reached[operands[e]]:
                        reached[i] = 1
                        break
        return reached

    def needed(self, outputs: Iterable[int]) -> bytearray:
        """By node, whether one of `outputs` is it or depends on it."""
        needed = bytearray(len(self))
        for i in outputs:
            needed[i] = 1
        starts, operands = self.starts, self.operands
        for i in range(len(self) - 1, -1, -1):
            if needed[i]:
                for e in range(starts[i], starts[i + 1]):
                    needed[operands[e]] = 1
        return needed

    def between(self, w: int, x: int) -> bytearray:
        """By node, whether it is on a path from `w` to `x`, both included."""
        reached, needed = self.reach([w]), self.needed([x])
        return bytearray(map(int.__and__, reached, needed))

    def users(self) -> tuple[array[int], array[int]]:
        """The edges that leave each node, in order of their results.

        Returns:
            `starts` and `edges`: those of node `i` are `edges[starts[i] : starts[i + 1]]`.
        """
        counts = [0] * (len(self) + 1)
        for j in self.operands:
            counts[j + 1] += 1
        starts = array("q", accumulate(counts))
        free, edges = list(starts), array("q", self.operands)
        for e, j in enumerate(self.operands):
            edges[free[j]] = e
            free[j] += 1
        return starts, edges

    def results(self) -> array[int]:
        """By edge, the node that it leads to."""
        found = array("q")
        for i in range(len(self)):
            found.extend([i] * (self.starts[i + 1] - self.starts[i]))
        return found


def _term(g: float, slope: float | None) -> float | None:
    return None if slope is None else g * slope
