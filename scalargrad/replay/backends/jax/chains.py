"""Chains of additions, of maxima, of tests as one instruction each: a sum, the largest, one test.

Partials and losses were recorded two numbers at a time. As one instruction on all of them such a
chain is one operation on an array, and chains of unequal length end at the same place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from scalargrad.core import primitives as row
from scalargrad.core.rows import Primitive
from scalargrad.replay.program import Program, all_finite

__all__ = ["joined"]

_WHOLE: dict[Primitive, Primitive] = {
    row.add: row.sum, row.maximum: row.largest, all_finite: all_finite,
}  # fmt: skip
_LEAST = 3  # numbers


def joined(program: Program, only: Collection[Primitive] = _WHOLE.keys()) -> Program:
    """The program with its chains of these rows joined; their results inside nothing else uses."""
    rows, operands, exact = program.rows, program.operands, program.exact
    often = Counter([o for mine in operands for o in mine] + program.outputs)
    inner: set[int] = set()
    whole: dict[int, list[int]] = {}
    for slot in range(len(rows) - 1, -1, -1):
        this = rows[slot]
        if this not in only or slot in inner or slot in exact:
            continue
        found, parts = list[int](), [slot]
        work = [*operands[slot][::-1]]
        while work:  # in the order of the chain
            x = work.pop()
            apart = rows[x] is not this or often[x] > 1 or x in exact
            if apart or program.phases[x] != program.phases[slot]:
                found.append(x)
            else:
                parts.append(x)
                work += operands[x][::-1]
        if len(parts) > 1 and len(found) >= _LEAST:
            whole[slot] = found
            inner.update(parts[1:])
    if not whole:
        return program
    new, slots = program.leaves(bytes([1]) * len(rows))
    for slot, this in enumerate(rows):
        if this is None or slot in inner:
            continue
        mine = whole.get(slot)
        made = this if mine is None else _WHOLE[this]
        taken = tuple([slots[o] for o in mine or operands[slot]])
        slots[slot] = new.append(made, taken, program.phases[slot])
    new.outputs = [slots[slot] for slot in program.outputs]
    new.exact = {slots[slot] for slot in exact if slot in slots}
    return new
