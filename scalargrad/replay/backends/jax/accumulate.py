"""Long sums of what loops compute, added up turn by turn: the loop carries the total on.

A sum over the turns of a loop would need its terms stored in each turn and read again. So where a
program has loops, such a sum becomes a chain of short ones, each as soon as its operands are there,
and `loops.py` takes them into the loop. Sums that together are a product of matrices stay as they
are: to store their few factors costs less than to carry the many totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scalargrad.core import primitives as row
from scalargrad.core.primitives import dot_operands
from scalargrad.replay.backends.jax.loops import Loop
from scalargrad.replay.program import SAMPLE, Program, all_finite, broadcast, over_samples
from scalargrad.replay.schedule import outer_products

__all__ = ["accumulated"]

_LEAST = 8  # terms in the turns of a loop from which on a sum is added up in it

Terms = list[tuple[int, ...]]  # a number, or the two factors of a product


def accumulated(program: Program, loops: Sequence[Loop]) -> Program:
    """The program with its sums over the turns of these loops as chains of short ones."""
    sums, inner = _long_sums(program, loops)
    if not sums:
        return program
    due: dict[int, list[tuple[int, tuple[int, ...]]]] = {}  # by slot, the terms it completes
    for whole, terms in sums.items():
        for term in terms:
            due.setdefault(max(term), []).append((whole, term))
    new, slots = program.leaves(bytes([1]) * len(program.rows))
    totals = dict.fromkeys(sums, new.constant(0.0))
    ones = -1
    for slot, this in enumerate(program.rows):
        if slot in sums and this is over_samples:
            if ones < 0:
                ones = new.emit(broadcast, (new.constant(1.0),))
            slots[slot] = new.append(over_samples, (totals[slot], ones), program.phases[slot])
        elif slot in sums:
            slots[slot] = totals[slot]
        elif this is not None and slot not in inner:
            mine = tuple([slots[o] for o in program.operands[slot]])
            slots[slot] = new.append(this, mine, program.phases[slot])
        for whole, term in due.get(slot, ()):
            step = row.dot if len(term) > 1 else row.add
            if program.rows[whole] is all_finite:
                step = all_finite
            mine = (*[slots[o] for o in term], totals[whole])
            totals[whole] = new.append(step, mine, SAMPLE)
    new.outputs = [slots[slot] for slot in program.outputs]
    new.exact = {slots[slot] for slot in program.exact if slot in slots}
    return new


def _long_sums(program: Program, loops: Sequence[Loop]) -> tuple[dict[int, Terms], set[int]]:
    """By slot, the terms of each long sum; and the slots of sums that are parts of these."""
    rows, operands, phases = program.rows, program.operands, program.phases
    long: dict[int, Terms] = {}
    inner: set[int] = set()
    often = Counter([o for mine in operands for o in mine] + program.outputs)

    places = {
        slot: (number, k % loop.period)
        for number, loop in enumerate(loops)
        for k, slot in enumerate(loop.slots)
    }

    def add(slot: int, terms: Terms) -> bool:
        if len(terms) < _LEAST:
            return False
        found = Counter([place for term in terms for place in {*map(places.get, term)} if place])
        if not any(n >= max(_LEAST, loops[place[0]].turns - 1) for place, n in found.items()):
            return False  # a term in some of the turns would make these another body
        long[slot] = terms
        return True

    over: list[int] = []
    for slot in range(len(rows) - 1, -1, -1):
        this = rows[slot]
        if this is over_samples:
            over.append(slot)
        elif phases[slot] != SAMPLE or slot in program.exact:
            continue
        elif this is row.dot:
            add(slot, _products(program, operands[slot]))
        elif this is row.sum:
            add(slot, [(x,) for x in operands[slot]])
        elif this is all_finite and slot not in inner:
            terms: Terms = []
            parts = [slot]
            for part in parts:  # a chain of several becomes one
                for x in operands[part]:
                    if rows[x] is all_finite and often[x] == 1:
                        parts.append(x)
                    else:
                        terms.append((x,))
            if add(slot, terms):
                inner.update(parts[1:])
    for outer in outer_products(program, over):
        down, right = len(outer.lefts), len(outer.rights)
        if down * right <= down + right:
            for slot in [slot for line in outer.slots for slot in line]:
                add(slot, _products(program, operands[slot]))
    return long, inner


def _products(program: Program, operands: tuple[int, ...]) -> Terms:
    """The terms of a sum of products; a factor 1 is left out."""
    ws, xs, bias = dot_operands(operands)
    found: Terms = [(slot,) for slot in bias]
    for w, x in zip(ws, xs, strict=True):
        source = program.operands[x][0] if program.rows[x] is broadcast else x
        found.append((w,) if program.constants.get(source) == 1.0 else (w, x))
    return found
