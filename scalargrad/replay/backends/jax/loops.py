"""Recurrences found again in a program: runs of instructions that repeat one body.

A loop of the user's function was recorded turn by turn, and so were its derivatives. A run of
instructions is a loop if each turn has the rows of the one before, on operands of one of these
kinds: what the same turn computed before; what the turn before computed (a run without these is no
recurrence: groups serve it better); and what was there before the loop, the same in all turns or
another one in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalargrad.replay.program import SAMPLE, Program

__all__ = ["Body", "Loop", "body_of", "segments"]

_LEAST = 256  # instructions of a loop, and
_TURNS = 8  # its turns: shorter ones are written out
_CONTEXT = 8  # instructions by which places of a program are compared
_CANDIDATES = 8  # lengths of a turn that are tried
_BETTER = 1.1  # times as many instructions for which turns may be longer
_MULTIPLES = 64  # of a distance at which rows repeat


# An operand in the body: what it is, and of which instruction of the body (TURN, CARRY), of which
# slot (SAME), or of which slot in each turn (EACH).
TURN, CARRY, SAME, EACH = "turn", "carry", "same", "each"
Operand = tuple[str, Any]


@dataclass
class Loop:
    """A run of instructions that repeat a body.

    Attributes:
        slots: Those of the first turn, then those of the second, and so on.
        period: The number of instructions of the body.
        operands: For each instruction of the body, its operands.
        start: By instruction of the body, the slot that the first turn has in the place of what
            the turn before computed.
    """

    slots: list[int]
    period: int
    operands: list[list[Operand]]
    start: dict[int, int]

    @property
    def turns(self) -> int:
        """How many times the body is run."""
        return len(self.slots) // self.period

    @property
    def carried(self) -> list[int]:
        """The instructions of the body that the next turn uses."""
        return sorted({x for mine in self.operands for kind, x in mine if kind == CARRY})


@dataclass
class Body:
    """The body of a loop as a program of its own.

    Its inputs are what the turn before computed, what each turn has of its own, and what all turns
    share, in this order; its parameters likewise, where all samples share them. Its outputs are
    what the next turn gets, then what others use.

    Attributes:
        program: The program.
        start: What the first turn has in the place of what the turn before computed.
        each: What each turn has of its own: the slots of all turns.
        same: What all turns share.
    """

    program: Program
    start: list[int]
    each: list[list[int]]
    same: list[int]


def body_of(program: Program, loop: Loop, used: Sequence[int]) -> Body:
    """The body of a loop, of which others use the instructions at the positions `used`."""
    found = [operand for operands in loop.operands for operand in operands]
    carried = loop.carried
    each = [list(slots) for slots in sorted({tuple(x) for kind, x in found if kind == EACH})]
    same = sorted({x for kind, x in found if kind == SAME and x not in program.constants})
    body = Program()

    def leaf(slot: int) -> int:
        return body.input("") if program.phases[slot] == SAMPLE else body.parameter("")

    before = {j: body.input("") for j in carried}
    of_turn = {tuple(slots): leaf(slots[0]) for slots in each}
    shared = {slot: leaf(slot) for slot in same}
    made: list[int] = []
    for j, operands in enumerate(loop.operands):
        mine = []
        for kind, x in operands:
            if kind == TURN:
                mine.append(made[x])
            elif kind == CARRY:
                mine.append(before[x])
            elif kind == EACH:
                mine.append(of_turn[tuple(x)])
            elif x in program.constants:
                mine.append(body.constant(program.constants[x]))
            else:
                mine.append(shared[x])
        made.append(body.append(program.rows[loop.slots[j]], tuple(mine), SAMPLE))
        if not program.exact.isdisjoint(loop.slots[j :: loop.period]):
            body.exact.add(made[j])
    body.outputs = [made[j] for j in [*carried, *used]]
    return Body(body, [loop.start[j] for j in carried], each, same)


def segments(program: Program, slots: Sequence[int]) -> list[list[int] | Loop]:
    """Cut instructions, in an order in which they can run, into loops and what is between them."""
    if len(slots) < _LEAST:
        return [list(slots)]
    numbers: dict[Any, int] = {}
    kinds = np.array(
        [
            numbers.setdefault((program.rows[s], len(program.operands[s])), len(numbers))
            for s in slots
        ]
    )
    place = {slot: k for k, slot in enumerate(slots)}
    pairs = [
        (k, k - place[o]) for k, s in enumerate(slots) for o in program.operands[s] if o in place
    ]
    marks = kinds, np.array(pairs, np.int64).reshape(-1, 2)
    found: list[list[int] | Loop] = []
    work = [(0, len(slots))]
    while work:  # the part at the end of the list comes first
        first, end = work.pop()
        loop = _best_loop(program, slots, place, marks, first, end)
        if loop is None:
            if first < end:
                found.append(list(slots[first:end]))
            continue
        start = place[loop.slots[0]]
        found.append(loop)
        work += [(start + len(loop.slots), end), (first, start)]
    return sorted(
        found, key=lambda part: place[(part if isinstance(part, list) else part.slots)[0]]
    )


def _best_loop(
    program: Program, slots: Sequence[int], place: dict[int, int], marks: tuple[Any, Any],
    first: int, end: int,
) -> Loop | None:  # fmt: skip
    """The loop with the most instructions in a part of a program; of similar ones the shortest."""
    best: Loop | None = None
    kinds = marks[0]
    for period in sorted(_likely(*marks, first, end)):
        same = kinds[first : end - period] == kinds[first + period : end]
        for start, length in _runs(same, max(_LEAST - period, (_TURNS - 1) * period)):
            for begin, count in _equal_runs(program, slots, place, first + start, length, period):
                turns = count // period + 1
                size = turns * period
                longer = best is not None and period > best.period
                least = len(best.slots) * (_BETTER if longer else 1.0) if best else 0
                if turns < _TURNS or size < _LEAST or size <= least:
                    continue
                found = _loop(program, slots[begin : begin + size], place, begin, period)
                best = found or best
    return best


def _loop(
    program: Program, mine: Sequence[int], place: dict[int, int], begin: int, period: int
) -> Loop | None:
    """The loop of these slots; None if they are none, or no recurrence."""
    body: list[list[Operand]] = []
    start: dict[int, int] = {}
    for j in range(period):
        found: list[Operand] = []
        turns = [program.operands[slot] for slot in mine[j::period]]
        for each in zip(*turns, strict=True):
            at = [place.get(slot, -1) for slot in each]
            if all(slot == each[0] for slot in each):
                if at[0] >= begin:
                    return None
                found.append((SAME, each[0]))
            elif max(at) < begin:
                found.append((EACH, list(each)))
            else:
                behind = begin + j + period - at[1]  # by so many instructions in each turn
                if any(here != at[1] + r * period for r, here in enumerate(at[1:])):
                    return None
                if behind > j + period or (at[0] >= begin and behind > j):
                    return None
                kind = TURN if behind <= j else CARRY
                found.append((kind, (j - behind) % period))
                if kind == CARRY:
                    start[(j - behind) % period] = each[0]
        body.append(found)
    return Loop(list(mine), period, body, start) if start else None


def _likely(kinds: Any, pairs: Any, first: int, end: int) -> list[int]:
    """The periods with which operands repeat too: periods of rows, and multiples of these.

    Layers of a recurrence repeat rows within a turn, but not how far back their operands are.
    """
    length = end - first
    found = _periods(kinds[first:end])
    tried = {p * m for p in found for m in range(1, _MULTIPLES + 1) if p * m * _TURNS <= length}
    at, back = pairs[(pairs[:, 0] >= first) & (pairs[:, 0] < end)].T
    scores = []
    for period in tried:
        # operands of the same turn or the one before; those of earlier loops are further back
        near = back <= 2 * period
        sums = np.bincount(at[near] - first, back[near], length)
        alike = kinds[first : end - period] == kinds[first + period : end]
        alike &= sums[: length - period] == sums[period:]
        scores.append((-int(alike.sum()) // 16, period))  # of similar ones the shortest
    return [period for _, period in sorted(scores)[:_CANDIDATES]]


def _periods(kinds: Any) -> list[int]:
    """Distances at which the rows of a program are often the same as before."""
    if len(kinds) < _LEAST:
        return []
    mixed = np.zeros(len(kinds) - _CONTEXT, np.uint64)
    for k in range(_CONTEXT):
        part = kinds[k : len(mixed) + k].astype(np.uint64)
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + part + np.uint64(1)
    order = np.argsort(mixed, kind="stable")
    near = mixed[order][1:] == mixed[order][:-1]
    often = Counter((order[1:] - order[:-1])[near].tolist())
    most = [period for period, _ in often.most_common(_CANDIDATES)]
    return [period for period in most if period * _TURNS <= len(kinds)]


def _runs(truths: Any, least: int) -> list[tuple[int, int]]:
    """Start and length of runs of truth that are at least so long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truths, [False]]).astype(np.int8)))
    return [(a, b - a) for a, b in edges.reshape(-1, 2).tolist() if b - a >= least]


def _equal_runs(
    program: Program, slots: Sequence[int], place: dict[int, int], first: int, length: int,
    period: int,
) -> list[tuple[int, int]]:  # fmt: skip
    """Within a run of equal rows, the runs in which the operands fit too."""
    operands, constants, phases = program.operands, program.constants, program.phases
    found, start = [], first
    for k in range(first, first + length + 1):
        fits = k < first + length
        if fits:
            for o, p in zip(operands[slots[k]], operands[slots[k + period]], strict=True):
                at, then = place.get(o, -1), place.get(p, -1)
                leaves = at < 0 and then < 0 and o not in constants and p not in constants
                alike = at < start if o == p else leaves and phases[o] == phases[p]
                # in the first turn, anything stands in the place of what the turn before computed
                alike = alike or (k < start + period and at < start <= then < start + period)
                if not alike and (min(at, then) < 0 or (then - at != period and then >= start)):
                    fits = False
                    break
        if not fits:
            if k > start:
                found.append((start, k - start))
            start = k + 1
    return found
