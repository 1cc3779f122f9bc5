"""A derivative factored as in `backward`: which values get a δ, and what each δ is the sum of."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from math import fabs, inf
from operator import neg

from scalargrad.core.labels import label_of
from scalargrad.core.paths import Ways

__all__ = ["Factors", "Term"]

_SAME_WAY = 16  # so many terms may go on alike


@dataclass(frozen=True, slots=True)
class Term:
    """A summand of a δ: that of the node `head` times the local derivatives on the way from there.

    `edges` lead from the node whose δ it is a part of to `head`, through nodes that have none.
    """

    edges: tuple[int, ...]
    head: int
    product: float


class Factors:
    """The adjoints of the nodes through which `w` acts on `x`, and how they come about.

    A node that is used once, and has no name or has its activation right behind it, gets no δ: its
    local derivative is one more factor. That is how the lectures do it, where δ3 stands behind the
    activation, δ3 = δ5 g'(z5) w35 + δ6 g'(z6) w36, and no δ for z5.
    """

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.last = len(ways.nodes) - 1  # the place of `x`
        self.adjoints = self._adjoints(ways.partials)
        self._terms: dict[int, list[Term]] = {}  # a term may be a million edges long

    @cached_property
    def absolute(self) -> array[float]:
        """Likewise the sums of the products in size: with them one sees what cancels."""
        return self._adjoints(array("d", map(fabs, self.ways.partials)))

    def _adjoints(self, partials: array[float]) -> array[float]:
        ways = self.ways
        adjoints = array("d", [0.0]) * self.last + array("d", [1.0])
        for place in range(self.last - 1, -1, -1):
            edges = ways.edges(place)
            # in the order of `backward`, so that the last bit is the same
            order = edges if len(edges) == 1 else sorted(edges, key=lambda e: neg(ways.heads[e]))
            for edge in order:
                g, partial = adjoints[ways.heads[edge]], partials[edge]
                if g and partial:  # likewise: 0 * inf is never formed
                    adjoints[place] += g * partial
        return adjoints

    def has_delta(self, place: int) -> bool:
        """Whether the node has a δ of its own (`w` and `x` are not asked for)."""
        return place in self._forced or self._is_named(place)

    def _is_named(self, place: int) -> bool:
        ways = self.ways
        edges = ways.edges(place)
        if len(edges) != 1:
            return True
        node, user = ways.nodes[place], ways.nodes[ways.heads[edges[0]]]
        if not label_of(node):
            return False
        return not (label_of(user) and sum(not x.is_constant for x in user.parents) == 1)

    @cached_property
    def _forced(self) -> set[int]:
        """Where a δ stands all the same, since many terms would have the same factors from there.

        Without it the terms of w in a recurrence of n steps, each as long as what follows, took
        951 MB and half a minute for n = 4,000.
        """
        through = array("l", [0]) * (self.last + 1)
        forced: set[int] = set()
        for place in range(self.last):
            edges = self.ways.edges(place)
            many = 1
            if place and not self._is_named(place):
                many = through[place]
                if many > _SAME_WAY:
                    forced.add(place)
                    many = 1
            for edge in edges:
                through[self.ways.heads[edge]] += many
        return forced

    def terms(self, place: int) -> list[Term]:
        """What the adjoint of a node is the sum of, one term for each use of the node."""
        if place not in self._terms:
            self._terms[place] = [self._term(edge) for edge in self.ways.edges(place)]
        return self._terms[place]

    def _term(self, edge: int) -> Term:
        ways = self.ways
        head = ways.heads[edge]
        g, partial = self.adjoints[head], ways.partials[edge]
        edges = [edge]
        while head != self.last and not self.has_delta(head):
            edge = ways.edges(head)[0]
            edges.append(edge)
            head = ways.heads[edge]
        return Term(tuple(edges), head, g * partial if g and partial else 0.0)

    def largest(self, place: int, top: int) -> tuple[list[Term], list[Term]]:
        """The largest terms and the others, both in their order.

        Where there are more than `top`, a δ has to do with three, so that there is room for the
        `top` terms of the derivative itself, at the place 0.
        """
        terms = self.terms(place)
        if len(terms) <= top:
            return terms, []
        if place:
            top = min(top, 3)
        by_size = sorted(range(len(terms)), key=lambda i: _size(terms[i].product), reverse=True)
        chosen = set(by_size[:top])
        return (
            [term for i, term in enumerate(terms) if i in chosen],
            [term for i, term in enumerate(terms) if i not in chosen],
        )

    def deltas(self, top: int) -> list[int]:
        """The nodes with a δ that occur in the largest terms of one another, from `w` on.

        Those nearest to `x` come first.
        """
        found: set[int] = set()
        open_ends = [0]
        while open_ends:
            for term in self.largest(open_ends.pop(), top)[0]:
                if term.head != self.last and term.head not in found:
                    found.add(term.head)
                    open_ends.append(term.head)
        return sorted(found, reverse=True)


def _size(product: float) -> float:
    return fabs(product) if product == product else inf
