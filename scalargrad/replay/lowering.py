"""Lower a program to rows that a backend computes fast: matrices, broadcasts, its own rows.

The result is a program like any other, which the reference backend can run as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from scalargrad.core.primitives import dot, dot_operands, identity, stopped
from scalargrad.core.rows import Primitive
from scalargrad.replay.program import SAMPLE, Program, broadcast, over_samples

__all__ = ["Rule", "lowered", "matrix"]

# One row of a matrix times a vector: a dot whose ws all samples share, and whose xs they do not.
matrix = Primitive("matrix", "w1 x1 + ... + wn xn, plus a bias", dot.value, dot.partials)

Rule = Callable[[Program, tuple[int, ...]], int]  # emits what replaces a row on these operands


def lowered(program: Program, rules: Mapping[Primitive, Rule]) -> Program:
    """The part of `program` that its outputs need, with the rows in `rules` replaced."""
    operands = program.operands
    needed = program.used(program.outputs)
    shared = _matrices(program, needed)
    new, slots = program.leaves(needed)
    for slot, row in enumerate(program.rows):
        if row is None or not needed[slot]:
            continue
        mine = tuple([slots[o] for o in operands[slot]])
        if row in rules:
            slots[slot] = rules[row](new, mine)
        elif row is dot and slot in shared:
            slots[slot] = _split_dot(new, mine)
        elif row is over_samples:
            slots[slot] = _sum_of_rows(new, mine)
        elif row is identity or row is stopped:
            slots[slot] = mine[0]  # they change derivatives only
        else:
            slots[slot] = new.keep(row, mine, program.phases[slot])
    new.outputs = [slots[slot] for slot in program.outputs]
    new.exact = {slots[slot] for slot in program.exact if slot in slots}
    return new


def _matrices(program: Program, needed: bytearray) -> set[int]:
    """The dots that share their numbers of the sample with another dot."""
    phases, keys = program.phases, {}
    for slot, row in enumerate(program.rows):
        if row is dot and needed[slot] and phases[slot] == SAMPLE:
            pairs, _ = _pairs(program.operands[slot])
            key = tuple(
                [x if phases[x] else w for w, x in pairs if (phases[w] != 0) != (phases[x] != 0)]
            )
            if key:
                keys[slot] = key
    often = Counter(keys.values())
    return {slot for slot, key in keys.items() if often[key] > 1}


def _pairs(operands: tuple[int, ...]) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    ws, xs, bias = dot_operands(operands)
    return list(zip(ws, xs, strict=True)), bias


def _split_dot(program: Program, operands: tuple[int, ...]) -> int:
    """Split a dot into a row of a matrix, whose bias is what all samples share, and the rest."""
    phases = program.phases
    pairs, bias = _pairs(operands)
    ws, xs = [], []
    alike: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for w, x in pairs:
        if phases[w] == phases[x]:
            (rest if phases[w] else alike).append((w, x))
        else:
            ws.append(x if phases[w] else w)
            xs.append(w if phases[w] else x)
    last = bias if bias and phases[bias[0]] else ()
    if alike:
        bias = (_dot(program, alike, () if last else bias),)
    elif last:
        bias = ()
    slot = program.append(matrix, (*ws, *xs, *bias), SAMPLE)
    if rest and last:
        rest.append((program.constant(1.0), last[0]))
    elif last:
        rest = [(program.constant(1.0), last[0])]
    return _dot(program, rest, (slot,)) if rest else slot


def _dot(program: Program, pairs: Sequence[tuple[int, int]], bias: tuple[int, ...]) -> int:
    operands = (*[w for w, _ in pairs], *[x for _, x in pairs], *bias)
    return program.append(dot, operands, max([program.phases[slot] for slot in operands]))


def _sum_of_rows(program: Program, operands: tuple[int, ...]) -> int:
    """A sum over the samples with one number for each sample in every operand.

    Operands that all samples share are broadcast, and stand on the right: many sums have those in
    common, above all the 1.0 in the gradients of biases.
    """
    phases = program.phases
    if len(operands) == 2 and phases[operands[0]] == phases[operands[1]] == SAMPLE:
        return program.emit(over_samples, operands)  # nearly always
    pairs, bias = _pairs(operands)
    pairs += [(slot, program.constant(1.0)) for slot in bias]
    pairs = [(x, w) if phases[w] != SAMPLE else (w, x) for w, x in pairs]
    slots = [*[w for w, _ in pairs], *[x for _, x in pairs]]
    for i, slot in enumerate(slots):
        if phases[slot] != SAMPLE:
            slots[i] = program.emit(broadcast, (slot,))
    return program.emit(over_samples, tuple(slots))
