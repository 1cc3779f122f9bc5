"""The order in which a program runs: groups of equal instructions that do not need each other.

A program is a list of single instructions, and a machine that runs it pays for each decision. So
instructions of one level (their operands are ready at the same time) and of one row are grouped:

* `Group`: one row applied to many operands. If the row is `matrix` (see `lowering.py`), all its
  members multiply the same numbers of the sample: a matrix times a vector.
* `Outer`: sums over the samples of every left with every right: the gradient of such a matrix.

All of it is linear in the size of the program, and independent of the backend.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

from scalargrad.core.primitives import dot_operands
from scalargrad.core.rows import Primitive
from scalargrad.replay.lowering import matrix
from scalargrad.replay.program import SAMPLE, Program, over_samples

__all__ = ["Group", "Outer", "outer_products", "schedule"]


class Group:
    """The instructions of one row at the slots `members`, none of which needs another."""

    __slots__ = ("members", "row")

    def __init__(self, row: Primitive, members: list[int]) -> None:
        self.row, self.members = row, members


class Outer:
    """slots[i][j] = sum over t and the samples of lefts[i][t] * rights[j][t]."""

    __slots__ = ("lefts", "rights", "slots")

    def __init__(
        self, lefts: list[tuple[int, ...]], rights: list[tuple[int, ...]], slots: list[list[int]]
    ) -> None:
        self.lefts, self.rights, self.slots = lefts, rights, slots


def schedule(
    program: Program, only: Collection[int] | None = None
) -> list[list[Group | Outer]]:  # fmt: skip
    """The groups of the phases BEFORE, SAMPLE and AFTER, each in an order in which it can run.

    With `only`, those of these slots; all others are taken to be there.
    """
    rows, operands, phases = program.rows, program.operands, program.phases
    levels, keys = [0] * len(rows), [0] * len(rows)
    kinds: dict[Any, int] = {}  # one number for all instructions that may share a group
    sums = []
    for slot, row in enumerate(rows):
        if row is None or (only is not None and slot not in only):
            continue
        if row is over_samples:
            sums.append(slot)
            continue
        phase, level, mine = phases[slot], 0, operands[slot]
        for o in mine:
            if levels[o] > level and phases[o] == phase:
                level = levels[o]
        levels[slot] = level + 1
        kind: Any = row
        if row is matrix:
            kind = dot_operands(mine)[1]
        # one number as the sort key: the phase, then the level, then the kind
        keys[slot] = (phase << 60) | (level + 1 << 28) | kinds.setdefault(kind, len(kinds))
    order = sorted([slot for slot, key in enumerate(keys) if key], key=keys.__getitem__)
    stages: list[list[tuple[int, Group | Outer]]] = [[], [], []]
    for key, slots in groupby(order, keys.__getitem__):
        members = list(slots)
        row = rows[members[0]]
        assert row is not None  # leaves have no key
        stages[phases[members[0]]].append((key >> 28 & 0xFFFFFFFF, Group(row, members)))
    for outer in outer_products(program, sums):
        read = [s for tuples in (outer.lefts, outer.rights) for slots in tuples for s in slots]
        stages[SAMPLE].append((max([levels[s] for s in read], default=0), outer))
    # A sum over the samples runs as early as it can: its operands may be overwritten afterwards.
    stages[SAMPLE].sort(key=lambda pair: pair[0])
    return [[group for _, group in stage] for stage in stages]


def outer_products(program: Program, sums: Iterable[int]) -> list[Outer]:
    """The sums over the samples, combined into full products of lefts and rights."""
    by_left: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for slot in sums:
        left, right, _ = dot_operands(program.operands[slot])
        by_left.setdefault(left, {})[right] = slot
    alike: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    numbers: dict[tuple[int, ...], int] = {}  # of rights: long tuples are hashed once each
    for left, rights in by_left.items():
        key = tuple(sorted([numbers.setdefault(right, len(numbers)) for right in rights]))
        alike.setdefault(key, []).append(left)
    known = list(numbers)
    outers = []
    for key, lefts in alike.items():
        mine = [known[k] for k in key]
        outers.append(Outer(lefts, mine, [[by_left[i][j] for j in mine] for i in lefts]))
    return outers
