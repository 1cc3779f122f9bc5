"""Passes over a program: drop what nobody asks for, fuse sums of products into one instruction.

Equal instructions are merged and constants folded where an instruction is made (`Program.emit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scalargrad.core.primitives import add, div, dot, mul, sub
from scalargrad.core.rows import find
from scalargrad.replay.program import BEFORE, Guard, Program

__all__ = ["fused", "sum_of_products", "used"]

Term = tuple[int, int]  # the product of two slots

_sum, _mean = find("sum"), find("mean")
_SUMS = {add, sub, _sum, _mean}


def used(program: Program, slots: Iterable[int]) -> bytearray:
    """By slot, whether one of `slots` depends on it, or is it."""
    marks = bytearray(len(program.rows))
    for slot in slots:
        marks[slot] = 1
    for slot in range(len(marks) - 1, -1, -1):
        if marks[slot]:
            for operand in program.operands[slot]:
                marks[operand] = 1
    return marks


def sum_of_products(program: Program, terms: Sequence[Term], one: int) -> int:
    """The slot of the sum of products of two slots each, added up in this order.

    `one` is the slot of the number 1: a product with it on the right is just the left.
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


def fused(program: Program) -> Program:
    """The same program without what no output or guard needs, and with sums as `dot`.

    A chain of + over * becomes one instruction, which adds up in the same order: on a small
    transformer written with + and * 20 instructions become one. A sum or product that is used
    twice stays one of its own, and so does what is the same for all samples.
    """
    roots = [*program.outputs, *[guard.slot for guard in program.guards]]
    marks = used(program, roots)
    users, summed = [0] * len(marks), bytearray(len(marks))
    for slot in roots:
        users[slot] = 2  # it must be there by itself
    for slot, operands in enumerate(program.operands):
        if marks[slot]:
            in_sum = program.rows[slot] in _SUMS
            for operand in operands:
                users[operand] += 1
                summed[operand] = in_sum
    held = bytearray(n == 1 and in_sum for n, in_sum in zip(users, summed, strict=True))
    return _Fusion(program, marks, held).result


class _Fusion:
    """The walk through a program that makes the fused one.

    A product or sum with a single user, which is a sum, is `held` back until that takes it in.
    """

    def __init__(self, program: Program, marks: bytearray, held: bytearray) -> None:
        self.old, self.held = program, held
        self.result = new = Program()
        self.place: dict[int, int] = {}  # from old slots to new ones
        self.products: dict[int, Term] = {}  # held back, by old slot
        self.sums: dict[int, list[Term]] = {}
        self.one = new.constant(1.0)
        for slot in program.inputs:
            self.place[slot] = new.input(program.names[slot])
        for slot in program.parameters:
            self.place[slot] = new.parameter(program.names[slot])
        for slot, number in program.constants.items():
            if marks[slot]:
                self.place[slot] = new.constant(number)
        for slot, row in enumerate(program.rows):
            if row is not None and marks[slot]:
                self._take(slot)
        new.outputs = [self._slot(slot) for slot in program.outputs]
        new.guards = [Guard(self._slot(g.slot), g.expected, g.where) for g in program.guards]

    def _take(self, slot: int) -> None:
        row, operands = self.old.rows[slot], self.old.operands[slot]
        terms: list[Term] | None = None
        held = self.held[slot]
        if row is mul and held:
            self.products[slot] = self._slot(operands[0]), self._slot(operands[1])
            return
        if row is dot and not held:
            self.place[slot] = self.result.emit(dot, self._slots(operands))
            return
        if row is add or row is _sum or row is _mean:
            terms = self._first(slot, operands[0]) if operands else None
            for operand in operands[1:]:
                terms.append(self._term(slot, operand))  # type: ignore[union-attr]
        elif row is sub:
            terms = self._first(slot, operands[0])
            terms.append((self._slot(operands[1]), self.result.constant(-1.0)))
        elif row is dot:
            n = len(operands) // 2
            slots = [self._slot(operand) for operand in operands]
            terms = [(slots[-1], self.one)] if len(slots) % 2 else []
            terms += zip(slots[:n], slots[n : 2 * n], strict=True)
        if not terms:
            assert row is not None
            self.place[slot] = self.result.emit(row, self._slots(operands))
        elif row is _mean:
            total = sum_of_products(self.result, terms, self.one)
            count = self.result.constant(float(len(operands)))
            self.place[slot] = self.result.emit(div, (total, count))
        elif held:
            self.sums[slot] = terms
        else:
            self._make(slot, terms)

    def _first(self, slot: int, operand: int) -> list[Term]:
        """The terms of the first operand of a sum: it goes on where that one ends."""
        if operand in self.sums and self._moves_alike(slot, operand):
            return self.sums.pop(operand)
        return [self._term(slot, operand)]

    def _term(self, slot: int, operand: int) -> Term:
        if operand in self.products and self._moves_alike(slot, operand):
            return self.products.pop(operand)
        return self._slot(operand), self.one

    def _moves_alike(self, slot: int, operand: int) -> bool:
        """Not what is the same for all samples within what is not: it is computed once."""
        return self.old.phases[operand] != BEFORE or self.old.phases[slot] == BEFORE

    def _slots(self, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The new slots of old ones."""
        place = self.place
        try:
            return tuple([place[operand] for operand in operands])
        except KeyError:  # one was held back
            return tuple([self._slot(operand) for operand in operands])

    def _slot(self, slot: int) -> int:
        """The new slot of an old one, which is made now if it was held back."""
        if slot in self.products:
            self.place[slot] = self.result.emit(mul, self.products.pop(slot))
        elif slot in self.sums:
            self._make(slot, self.sums.pop(slot))
        return self.place[slot]

    def _make(self, slot: int, terms: list[Term]) -> None:
        minus = self.result.constants.get(terms[1][1]) == -1.0 if len(terms) == 2 else False
        if minus and terms[0][1] == self.one:  # a plain difference
            self.place[slot] = self.result.emit(sub, (terms[0][0], terms[1][0]))
        else:
            self.place[slot] = sum_of_products(self.result, terms, self.one)
