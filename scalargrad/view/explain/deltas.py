"""The δs of an explanation: which values have one, and the terms that add up to each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from math import fabs, inf

from scalargrad.core.labels import label_of
from scalargrad.core.paths import PathGraph, adjoints

__all__ = ["Deltas", "Term"]

_SAME_FACTORS = 16  # so many terms may share their last factors
_SHOWN_TERMS = 3  # of the sum of an inner δ that is too long


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a δ: the δ of the node `head` times the local derivatives on the edges up to it.

    The `edges` lead from the node whose δ this is a term of, through nodes without a δ.
    """

    edges: tuple[int, ...]
    head: int
    product: float


class Deltas:
    """The adjoints of the nodes between `w` and `x`, and the terms of each.

    A node that is used once has no δ, if it has no name or its named activation follows: its local
    derivative is one more factor. So it is in the lectures, where δ3 belongs to the activation:
    δ3 = δ5 g'(z5) w35 + δ6 g'(z6) w36, and z5 has none.
    """

    def __init__(self, graph: PathGraph) -> None:
        self.graph = graph
        self.adjoints = adjoints(graph.tape, graph.depends)
        self._terms: dict[int, list[Term]] = {}  # a term may have a million edges

    @cached_property
    def absolute(self) -> float:
        """The sum of the products on all paths without their signs."""
        return adjoints(self.graph.tape, self.graph.depends, sizes=True)[self.graph.first]

    def _is_named(self, i: int) -> bool:
        graph = self.graph
        edges = graph.edges(i)
        if len(edges) != 1:
            return True
        node, user = graph.tape.nodes[i], graph.tape.nodes[graph.heads[edges[0]]]
        if not label_of(node):
            return False
        return not (label_of(user) and sum(not x.is_constant for x in user.parents) == 1)

    @cached_property
    def _with_delta(self) -> set[int]:
        """The nodes between `w` and `x` that have a δ.

        An unnamed node has one if many terms would share all factors from there. Without it the
        terms of w in a recurrence of n steps, each as long as what follows, took 951 MB and half a
        minute for n = 4,000.
        """
        graph = self.graph
        through = array("l", [0]) * (graph.last + 1)
        found: set[int] = set()
        for i in range(graph.first, graph.last):
            if not graph.depends[i]:
                continue
            terms = through[i]
            if i == graph.first:
                terms = 1
            elif terms > _SAME_FACTORS or self._is_named(i):
                found.add(i)
                terms = 1
            for edge in graph.edges(i):
                through[graph.heads[edge]] += terms
        return found

    def terms(self, i: int) -> list[Term]:
        """The terms of the adjoint of node `i`, one for each use of the node."""
        if i not in self._terms:
            self._terms[i] = [self._term(edge) for edge in self.graph.edges(i)]
        return self._terms[i]

    def _term(self, edge: int) -> Term:
        graph = self.graph
        head = graph.heads[edge]
        g, partial = self.adjoints[head], graph.partials[edge]
        edges = [edge]
        while head != graph.last and head not in self._with_delta:
            edge = graph.edges(head)[0]
            edges.append(edge)
            head = graph.heads[edge]
        return Term(tuple(edges), head, g * partial if g and partial else 0.0)

    def largest(self, i: int, limit: int) -> tuple[list[Term], list[Term]]:
        """The largest terms and the others, both in their order.

        Where there are more than `limit`, the derivative itself shows `limit` and each δ at most
        three, which leaves room for the others.
        """
        terms = self.terms(i)
        if len(terms) <= limit:
            return terms, []
        if i != self.graph.first:
            limit = min(limit, _SHOWN_TERMS)
        by_size = sorted(range(len(terms)), key=lambda k: _size(terms[k].product), reverse=True)
        chosen = set(by_size[:limit])
        return (
            [term for k, term in enumerate(terms) if k in chosen],
            [term for k, term in enumerate(terms) if k not in chosen],
        )

    def shown(self, limit: int) -> list[int]:
        """The nodes whose δ occurs in the largest terms of one another, those near `x` first."""
        found: set[int] = set()
        open_ends = [self.graph.first]
        while open_ends:
            for term in self.largest(open_ends.pop(), limit)[0]:
                if term.head != self.graph.last and term.head not in found:
                    found.add(term.head)
                    open_ends.append(term.head)
        return sorted(found, reverse=True)


def _size(product: float) -> float:
    return fabs(product) if product == product else inf
