"""Fuse the sums of products of a program into single instructions, and drop unused instructions.

`Program.emit` has merged equal instructions and folded constants before.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from scalargrad.core import primitives
from scalargrad.core.primitives import add, div, dot, dot_operands, mul, sub
from scalargrad.core.rows import Primitive
from scalargrad.replay.program import BEFORE, Guard, Program

__all__ = ["fused", "simplified", "sum_of_products"]

Term = tuple[int, int]  # the product of two slots

_SUMS = {add, sub, primitives.sum, primitives.mean}


def sum_of_products(program: Program, terms: Sequence[Term], one: int) -> int:
    """The slot of a sum of products of two slots each, added in this order.

    `one` is the slot of the number 1: a product with it on the right is its left factor.
    """
    if len(terms) == 1:
        return terms[0][0] if terms[0][1] == one else program.emit(mul, terms[0])
    if len(terms) == 2 and terms[0][1] == one and terms[1][1] == one:
        return program.emit(add, (terms[0][0], terms[1][0]))
    bias: tuple[int, ...] = ()
    if len(terms) == 2 and terms[1][1] == one:  # of two terms either may come first
        terms = terms[::-1]
    if terms[0][1] == one:  # a dot starts from its bias
        bias, terms = (terms[0][0],), terms[1:]
    return program.emit(dot, (*[w for w, _ in terms], *[x for _, x in terms], *bias))


def simplified(program: Program) -> Program:
    """The part of a literal program that is needed, its instructions in their cheapest forms."""
    needed = program.used([*program.outputs, *program.conditions()])
    new, slots = program.leaves(needed)
    for slot in _watched_early(program, needed):
        row = program.rows[slot]
        assert row is not None
        operands = tuple([slots[operand] for operand in program.operands[slot]])
        slots[slot] = new.emit(row, operands)
    new.outputs = [slots[slot] for slot in program.outputs]
    new.guards = [Guard(slots[g.slot], g.expected, g.where) for g in program.guards]
    new.watch = None if program.watch is None else slots[program.watch]
    new.exact = {slots[slot] for slot in program.exact if slot in slots}
    return new


def _watched_early(program: Program, needed: bytearray) -> list[int]:
    """The needed instructions, each that is only watched as soon as its operands are there.

    So a loop of the user's function stays one loop, and what it computes is used while at hand.
    """
    rows, operands = program.rows, program.operands
    results = program.used([*program.outputs, *[guard.slot for guard in program.guards]])
    watched = [s for s, row in enumerate(rows) if row and needed[s] and not results[s]]
    waits: dict[int, int] = {}  # for how many instructions, of those that depend on results
    users: dict[int, list[int]] = {}
    for slot in watched:
        mine = {o for o in operands[slot] if rows[o] and (results[o] or o in waits)}
        if mine:
            waits[slot] = len(mine)
            for o in mine:
                users.setdefault(o, []).append(slot)
    free = {slot for slot in watched if slot not in waits}  # of leaves: just before they are used
    order: list[int] = []

    def place(slot: int) -> None:
        stack = [slot]
        while stack:
            last = stack[-1]
            missing = [o for o in operands[last] if o in free]
            if missing and (last == slot or last in free):
                stack += missing[::-1]
                continue
            stack.pop()
            if last == slot or last in free:
                free.discard(last)
                order.append(last)

    for slot, row in enumerate(rows):
        heap = [slot] if row is not None and results[slot] else []
        while heap:
            first = heappop(heap)
            place(first)
            for user in users.get(first, ()):
                waits[user] -= 1
                if not waits[user]:
                    heappush(heap, user)
    for slot in sorted(free):
        if slot in free:
            place(slot)
    return order


def fused(program: Program) -> Program:
    """The same program with sums of products as `dot`, and without unused instructions.

    A chain of + over * becomes one instruction, which adds in the same order: on a small
    transformer written with + and *, 20 instructions become one. A sum or product that is used
    twice stays an instruction of its own, and so does one that all samples share.
    """
    roots = [*program.outputs, *program.conditions()]
    needed = program.used(roots)
    users, summed = [0] * len(needed), bytearray(len(needed))
    for slot in (*roots, *program.exact):
        users[slot] = 2  # it must exist by itself
    for slot, operands in enumerate(program.operands):
        if needed[slot]:
            in_sum = program.rows[slot] in _SUMS
            for operand in operands:
                users[operand] += 1
                summed[operand] = in_sum
    delayed = bytearray(n == 1 and in_sum for n, in_sum in zip(users, summed, strict=True))
    return _Fusion(program, needed, delayed).result


class _Fusion:
    """The pass through a program that builds the fused one.

    A product or sum whose single user is a sum is `delayed`, until that sum absorbs its terms.
    """

    def __init__(self, program: Program, needed: bytearray, delayed: bytearray) -> None:
        self.old, self.delayed = program, delayed
        self.result, self.slots = new, _ = program.leaves(needed)
        self.products: dict[int, Term] = {}  # delayed, by old slot
        self.sums: dict[int, list[Term]] = {}
        self.one = new.constant(1.0)
        for slot, row in enumerate(program.rows):
            if row is not None and needed[slot]:
                self._add(slot, row)
        new.outputs = [self._slot(slot) for slot in program.outputs]
        new.guards = [Guard(self._slot(g.slot), g.expected, g.where) for g in program.guards]
        if program.watch is not None:
            watch = self._slot(program.watch)
            new.watch = None if watch in new.constants else watch

    def _add(self, slot: int, row: Primitive) -> None:
        operands, delayed = self.old.operands[slot], self.delayed[slot]
        terms: list[Term] = []
        if row is mul and delayed:
            self.products[slot] = self._slot(operands[0]), self._slot(operands[1])
            return
        if row is add or row is primitives.sum or row is primitives.mean:
            if operands:
                terms = self._first(slot, operands[0])
                terms += [self._term(slot, operand) for operand in operands[1:]]
        elif row is sub:
            terms = self._first(slot, operands[0])
            terms.append((self._slot(operands[1]), self.result.constant(-1.0)))
        elif row is dot and delayed:
            ws, xs, bias = dot_operands(self._slots(operands))
            terms = [(slot, self.one) for slot in bias]
            terms += zip(ws, xs, strict=True)
        if not terms:
            self.slots[slot] = self.result.emit(row, self._slots(operands))
        elif row is primitives.mean:
            total = sum_of_products(self.result, terms, self.one)
            count = self.result.constant(float(len(operands)))
            self.slots[slot] = self.result.emit(div, (total, count))
        elif delayed:
            self.sums[slot] = terms
        else:
            self._make(slot, terms)

    def _first(self, slot: int, operand: int) -> list[Term]:
        """The terms of the first operand of a sum: the sum continues where that one ends."""
        if operand in self.sums and self._may_absorb(slot, operand):
            return self.sums.pop(operand)
        return [self._term(slot, operand)]

    def _term(self, slot: int, operand: int) -> Term:
        if operand in self.products and self._may_absorb(slot, operand):
            return self.products.pop(operand)
        return self._slot(operand), self.one

    def _may_absorb(self, slot: int, operand: int) -> bool:
        """Whether a sum may absorb an operand: not one that is computed once for all samples."""
        return self.old.phases[operand] != BEFORE or self.old.phases[slot] == BEFORE

    def _slots(self, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The new slots of old ones."""
        slots = self.slots
        try:
            return tuple([slots[operand] for operand in operands])
        except KeyError:  # one was delayed
            return tuple([self._slot(operand) for operand in operands])

    def _slot(self, slot: int) -> int:
        """The new slot of an old one, which is made now if it was delayed."""
        if slot in self.products:
            self.slots[slot] = self.result.emit(mul, self.products.pop(slot))
        elif slot in self.sums:
            self._make(slot, self.sums.pop(slot))
        return self.slots[slot]

    def _make(self, slot: int, terms: list[Term]) -> None:
        minus = self.result.constants.get(terms[1][1]) == -1.0 if len(terms) == 2 else False
        if minus and terms[0][1] == self.one:  # a plain difference
            self.slots[slot] = self.result.emit(sub, (terms[0][0], terms[1][0]))
        else:
            self.slots[slot] = sum_of_products(self.result, terms, self.one)
