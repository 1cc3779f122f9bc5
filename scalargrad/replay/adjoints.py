"""The backward pass as instructions: the chain rule over a program, with partials from the table.

The step adjoint[operand] += adjoint[slot] * partial is added to the program instead of executed.
All terms of an adjoint are one `dot`. The adjoint of a slot shared by all samples is a sum over
the samples.
"""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.core.primitives import where
from scalargrad.core.rows import Primitive
from scalargrad.replay.fusion import Term, sum_of_products
from scalargrad.replay.partials import Partials, partials_of
from scalargrad.replay.program import BEFORE, SAMPLE, Program, over_samples

__all__ = ["with_adjoints"]


def with_adjoints(program: Program, wrt: Sequence[int], careful: bool) -> Program:
    """Extend a program with one output by the derivatives of that output.

    Args:
        program: It is changed in place. Afterwards its outputs are the sum of the old output over
            the samples, and the derivative of this sum with respect to each of `wrt`.
        wrt: Leaves of the program. The derivative with respect to an input is one number per
            sample.
        careful: Whether nothing flows on from an operand that was not used, as in `backward`, even
            where an infinite slope or a nan stands behind it. It costs up to two choices a product,
            and is needed only where the derivative is not finite without.

    Returns:
        The same program.
    """
    return _Backward(program, careful).run(wrt)


class _Backward:
    """The sweep from the output to the leaves.

    `terms` holds the terms of each adjoint. `each` holds those terms of shared slots that occur
    once per sample, even where every sample adds the same number. `reached` holds a condition for
    each adjoint, when careful: whether anything has arrived there, or None where it always has.
    """

    def __init__(self, program: Program, careful: bool) -> None:
        self.program, self.careful = program, careful
        self.one, self.zero = program.constant(1.0), program.constant(0.0)
        self.terms: dict[int, list[Term]] = {}
        self.each: dict[int, list[Term]] = {}
        self.reached: dict[int, int | None] = {}
        self.known: dict[tuple[Primitive, int], Partials] = {}  # by row and number of inputs

    def run(self, wrt: Sequence[int]) -> Program:
        program = self.program
        (loss,) = program.outputs
        total = program.emit(over_samples, (loss, self.one))
        moving = bytearray(len(program.rows))  # whether a slot depends on one of wrt
        for slot in wrt:
            moving[slot] = 1
        for slot, operands in enumerate(program.operands):
            if any(map(moving.__getitem__, operands)):
                moving[slot] = 1

        # the loss counts once per sample, even if all samples share it
        seed = self.one
        if program.phases[loss] == BEFORE:
            seed = program.emit(over_samples, (self.one, self.one))
        self.terms[loss] = [(seed, self.one)]
        self.reached[loss] = None
        adjoints: dict[int, int] = {}
        for slot in range(loss, -1, -1):
            if moving[slot] and (slot in self.terms or slot in self.each):
                adjoints[slot] = adjoint = self._sum(slot)
                row = program.rows[slot]
                if row is not None and adjoint != self.zero:
                    self._spread(slot, row, adjoint, moving)
        program.outputs = [total, *[adjoints.get(slot, self.zero) for slot in wrt]]
        return program

    def _spread(self, slot: int, row: Primitive, adjoint: int, moving: bytearray) -> None:
        program = self.program
        operands = program.operands[slot]
        wanted = [i for i, operand in enumerate(operands) if moving[operand]]
        key = row, len(operands)
        if key not in self.known:
            self.known[key] = partials_of(row, len(operands), self.careful)
        partials = self.known[key].inline(
            (*operands, slot), program.emit, program.constant, program.constants.get, wanted
        )
        rows, phases, constants = program.rows, program.phases, program.constants
        is_sampled = phases[slot] == SAMPLE
        is_plain = adjoint != self.one
        for i, partial in zip(wanted, partials, strict=True):
            if constants.get(partial) == 0.0:  # a zero partial ends the path
                continue
            operand = operands[i]
            into = self.each if is_sampled and phases[operand] == BEFORE else self.terms
            if self.careful:
                term = self._careful_term(slot, i, adjoint, partial, into is self.each)
            elif is_plain and rows[partial] is not where:
                # most terms are plain products, and this loop is half the time of the whole sweep
                term = (adjoint, partial)
            else:
                term = self._term(adjoint, partial)
            if operand in into:
                into[operand].append(term)
            else:
                into[operand] = [term]

    def _term(self, adjoint: int, partial: int) -> Term:
        """The product of an adjoint and a partial, in its cheapest form."""
        program, constants = self.program, self.program.constants
        if program.rows[partial] is where:
            condition, a, b = program.operands[partial]
            if constants.get(a) == 1.0 and constants.get(b) == 0.0:  # the partial of relu
                return program.emit(where, (condition, adjoint, self.zero)), self.one
            if constants.get(a) == 0.0 and constants.get(b) == 1.0:
                return program.emit(where, (condition, self.zero, adjoint)), self.one
        return (partial, self.one) if adjoint == self.one else (adjoint, partial)

    def _careful_term(self, slot: int, i: int, adjoint: int, partial: int, each: bool) -> Term:
        """The product of an adjoint and partial `i` of a slot, 0 where the operand was not used."""
        program, row = self.program, self.program.rows[slot]
        operand = program.operands[slot][i]
        arrives = self.reached[slot]
        if row is not None and row.may_leave_out(i) and partial not in program.constants:
            used = program.emit(where, (partial, self.one, self.zero))
            if arrives is not None:
                used = program.emit(where, (arrives, used, self.zero))
            arrives = used
        product = sum_of_products(program, [(adjoint, partial)], self.one)
        if arrives is not None:
            product = program.emit(where, (arrives, product, self.zero))
            if each:  # in some sample
                arrives = program.emit(over_samples, (arrives, self.one))
        before = self.reached.get(operand, self.zero)
        if before is None or arrives is None:
            self.reached[operand] = None
        elif before == self.zero:
            self.reached[operand] = arrives
        else:
            self.reached[operand] = program.emit(where, (before, self.one, arrives))
        return product, self.one

    def _sum(self, slot: int) -> int:
        """The adjoint of a slot: the sum of its terms."""
        program = self.program
        terms = self.terms.pop(slot, [])
        if slot in self.each:
            g, s = zip(*self.each.pop(slot), strict=True)
            terms.append((program.emit(over_samples, (*g, *s)), self.one))
        return sum_of_products(program, terms, self.one)
