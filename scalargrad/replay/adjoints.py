"""The backward pass as instructions: the chain rule over a program, with partials from the table.

adjoint[operand] += adjoint[slot] * partial, written into the program instead of done. All terms of
one adjoint are one `dot`. A slot that is the same for all samples collects over the samples.
"""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.core.primitives import where
from scalargrad.core.rows import Primitive
from scalargrad.replay.choices import over_samples
from scalargrad.replay.fusion import Term, sum_of_products
from scalargrad.replay.partials import Partials, partials_of
from scalargrad.replay.program import BEFORE, SAMPLE, Program

__all__ = ["with_adjoints"]


def with_adjoints(program: Program, wrt: Sequence[int], careful: bool) -> Program:
    """Extend the program of one number so that it gives its sum and derivatives.

    Args:
        program: its one output is the number; it is changed, and then has the outputs
            ``[the sum over the samples, the derivative of the sum by each of wrt]``.
        wrt: leaves; the derivative by an input is one number for each sample.
        careful: never form 0 * inf, as `backward` does not. It costs two choices a product, and is
            needed only where an infinite slope meets a zero.
    """
    return _Backward(program, careful).run(wrt)


class _Backward:
    """The walk from the output to the leaves.

    `terms` holds the adjoints that are being summed up, and `each` those terms of what is the same
    for all samples that come once from each sample, even if they are the same number.
    """

    def __init__(self, program: Program, careful: bool) -> None:
        self.program, self.careful = program, careful
        self.one, self.zero = program.constant(1.0), program.constant(0.0)
        self.terms: dict[int, list[Term]] = {}
        self.each: dict[int, list[Term]] = {}
        self.known: dict[tuple[Primitive, int], Partials] = {}  # of the rows met so far

    def run(self, wrt: Sequence[int]) -> Program:
        program = self.program
        (loss,) = program.outputs
        total = program.emit(over_samples, (loss, self.one))
        moving = bytearray(len(program.rows))  # depends on what is differentiated by
        for slot in wrt:
            moving[slot] = 1
        for slot, operands in enumerate(program.operands):
            if any(map(moving.__getitem__, operands)):
                moving[slot] = 1

        # the loss counts once for each sample, also if it is the same for all
        seed = self.one
        if program.phases[loss] == BEFORE:
            seed = program.emit(over_samples, (self.one, self.one))
        self.terms[loss] = [(seed, self.one)]
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
        is_plain = not self.careful and adjoint != self.one
        for i, partial in zip(wanted, partials, strict=True):
            if partial in constants and constants[partial] == 0.0:  # a zero partial stops here
                continue
            operand = operands[i]
            into = self.each if is_sampled and phases[operand] == BEFORE else self.terms
            # most terms are just a product; this loop is half the time of a derivation
            plain = is_plain and rows[partial] is not where
            term = (adjoint, partial) if plain else self._term(adjoint, partial)
            if operand in into:
                into[operand].append(term)
            else:
                into[operand] = [term]

    def _term(self, adjoint: int, partial: int) -> Term:
        """An adjoint times a partial, by the cheapest way."""
        program, constants = self.program, self.program.constants
        if program.rows[partial] is where:
            condition, a, b = program.operands[partial]
            if constants.get(a) == 1.0 and constants.get(b) == 0.0:  # as the partial of relu
                return program.emit(where, (condition, adjoint, self.zero)), self.one
            if constants.get(a) == 0.0 and constants.get(b) == 1.0:
                return program.emit(where, (condition, self.zero, adjoint)), self.one
        if not self.careful or partial == self.one or adjoint == self.one:
            return (partial, self.one) if adjoint == self.one else (adjoint, partial)
        product = sum_of_products(program, [(adjoint, partial)], self.one)
        for factor in (adjoint, partial):
            product = program.emit(where, (factor, product, self.zero))
        return product, self.one

    def _sum(self, slot: int) -> int:
        """The adjoint of a slot from its terms."""
        program = self.program
        terms = self.terms.pop(slot, [])
        if slot in self.each:
            g, s = zip(*self.each.pop(slot), strict=True)
            terms.append((program.emit(over_samples, (*g, *s)), self.one))
        return sum_of_products(program, terms, self.one)
