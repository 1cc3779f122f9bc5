"""The order in which a program runs: groups of like instructions that do not need each other.

A program is a list of single instructions. A machine that runs it pays for each decision, so the
instructions of one level (those whose operands are ready at the same time) and of one operation
are put together. Three kinds of groups come out:

* `Group`: one operation applied to many operands.
* `Group` with `op` MATRIX: dots of weights that are the same for all samples with the same
  numbers of the sample. Together they are a matrix times a vector.
* `Outer`: sums over the samples of every left with every right: the gradient of such a matrix.

All of it is linear in the size of the program. No backend is known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scalargrad.core.primitives import dot, identity
from scalargrad.replay.choices import held, over_samples
from scalargrad.replay.fusion import used
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program

__all__ = ["COPY", "MATRIX", "Flat", "Group", "Outer", "Rule", "flatten", "schedule"]

MATRIX = "matrix"  # w1 ... wn, x1 ... xn and perhaps a bias, as for dot: ws BEFORE, xs SAMPLE
COPY = "copy"  # a number that is the same for all samples, given to each of them

# What becomes of a row: another operation on the same slots, or what a function makes of them.
Rule = str | Callable[["Flat", tuple[int, ...]], int]


class Flat:
    """The instructions of a program after the rewriting of some, by slot as in `Program`."""

    def __init__(self) -> None:
        self.ops: list[Any] = []  # None for a leaf
        self.operands: list[tuple[int, ...]] = []
        self.phases = bytearray()
        self.constants: dict[int, float] = {}
        self.inputs: dict[int, int] = {}  # slot -> its place among the inputs
        self.parameters: dict[int, int] = {}
        self.outputs: list[int] = []
        self._made: dict[Any, int] = {}

    def emit(self, op: Any, operands: tuple[int, ...], phase: int | None = None) -> int:
        """A new slot for `op` on these slots."""
        if phase is None:
            phases = self.phases
            phase = max([phases[slot] for slot in operands], default=BEFORE)
        self.ops.append(op)
        self.operands.append(operands)
        self.phases.append(phase)
        return len(self.ops) - 1

    def constant(self, number: float) -> int:
        """The slot of a number that never changes."""
        key = repr(number)
        slot = self._made.get(key)
        if slot is None:
            slot = self._made[key] = self.emit(None, (), BEFORE)
            self.constants[slot] = number
        return slot

    def row_of(self, slot: int) -> int:
        """`slot` itself, or a copy of it for each sample if it is the same for all."""
        if self.phases[slot] == SAMPLE:
            return slot
        return self.once(COPY, (slot,), SAMPLE)

    def once(self, op: Any, operands: tuple[int, ...], phase: int) -> int:
        """The slot of `op` on these slots, made by the first call."""
        slot = self._made.get((op, operands))
        if slot is None:
            slot = self._made[op, operands] = self.emit(op, operands, phase)
        return slot


class Group:
    """`op` at each of the slots `members`, none of which needs another."""

    __slots__ = ("members", "op")

    def __init__(self, op: Any, members: list[int]) -> None:
        self.op, self.members = op, members


class Outer:
    """slots[i][j] = sum over t and the samples of lefts[i][t] * rights[j][t]."""

    __slots__ = ("lefts", "rights", "slots")

    def __init__(
        self, lefts: list[tuple[int, ...]], rights: list[tuple[int, ...]], slots: list[list[int]]
    ) -> None:
        self.lefts, self.rights, self.slots = lefts, rights, slots


def flatten(program: Program, rules: Mapping[Any, Rule]) -> Flat:
    """What of `program` is needed for its outputs, with the rows in `rules` rewritten by them."""
    flat = Flat()
    rows, operands, phases = program.rows, program.operands, program.phases
    needed = used(program, program.outputs)
    shared = _matrices(program, needed)
    inputs = {slot: k for k, slot in enumerate(program.inputs)}
    parameters = {slot: k for k, slot in enumerate(program.parameters)}
    place = [-1] * len(rows)
    for slot, row in enumerate(rows):
        if not needed[slot]:
            continue
        if row is None:
            if slot in program.constants:
                place[slot] = flat.constant(program.constants[slot])
                continue
            here = place[slot] = flat.emit(None, (), phases[slot])
            if slot in inputs:
                flat.inputs[here] = inputs[slot]
            else:
                flat.parameters[here] = parameters[slot]
            continue
        mine = tuple([place[o] for o in operands[slot]])
        rule = rules.get(row)
        if rule is not None:
            if rule.__class__ is str:
                place[slot] = flat.emit(rule, mine, phases[slot])
            else:
                place[slot] = rule(flat, mine)  # type: ignore[operator]
        elif row is dot and slot in shared:
            place[slot] = _split_dot(flat, mine)
        elif row is over_samples:
            place[slot] = _sum_of_rows(flat, mine)
        elif row is identity or row is held:
            place[slot] = mine[0]  # for a value they do nothing
        else:
            place[slot] = flat.emit(row, mine, phases[slot])
    flat.outputs = [place[slot] for slot in program.outputs]
    return flat


def _matrices(program: Program, needed: bytearray) -> set[int]:
    """The dots that share their numbers of the sample with another one."""
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
    n = len(operands) // 2
    return list(zip(operands[:n], operands[n : 2 * n], strict=True)), operands[2 * n :]


def _split_dot(flat: Flat, operands: tuple[int, ...]) -> int:
    """A dot as: what is the same for all samples (the bias), a row of a matrix, and the rest."""
    phases = flat.phases
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
        bias = (_dot(flat, alike, () if last else bias),)
    elif last:
        bias = ()
    slot = flat.emit(MATRIX, (*ws, *xs, *bias), SAMPLE)
    if rest and last:
        rest.append((flat.constant(1.0), last[0]))
    elif last:
        rest = [(flat.constant(1.0), last[0])]
    return _dot(flat, rest, (slot,)) if rest else slot


def _dot(flat: Flat, pairs: Sequence[tuple[int, int]], bias: tuple[int, ...]) -> int:
    return flat.emit(dot, (*[w for w, _ in pairs], *[x for _, x in pairs], *bias))


def _sum_of_rows(flat: Flat, operands: tuple[int, ...]) -> int:
    """An over_samples whose operands all are rows; one from outside is kept on the right."""
    phases = flat.phases
    if len(operands) == 2 and phases[operands[0]] == phases[operands[1]] == SAMPLE:
        return flat.once(over_samples, operands, AFTER)
    pairs, bias = _pairs(operands)
    pairs += [(slot, flat.constant(1.0)) for slot in bias]
    # The right is what many have in common: the 1.0 of the gradients of biases, above all.
    pairs = [(x, w) if phases[w] != SAMPLE else (w, x) for w, x in pairs]
    lefts = tuple([flat.row_of(w) for w, _ in pairs])
    rights = tuple([flat.row_of(x) for _, x in pairs])
    return flat.once(over_samples, lefts + rights, AFTER)


def schedule(flat: Flat) -> tuple[list[Group | Outer], list[Group | Outer], list[Group | Outer]]:
    """The groups of the phases BEFORE, SAMPLE and AFTER in an order in which they can run."""
    ops, operands, phases = flat.ops, flat.operands, flat.phases
    levels, keys = [0] * len(ops), [0] * len(ops)
    kinds: dict[Any, int] = {}  # one number for all that may share a group
    sums = []
    for slot, op in enumerate(ops):
        if op is None:
            continue
        if op is over_samples:
            sums.append(slot)
            continue
        phase, level, mine = phases[slot], 0, operands[slot]
        for o in mine:
            if levels[o] > level and phases[o] == phase:
                level = levels[o]
        levels[slot] = level + 1
        if op is MATRIX:
            n = len(mine) // 2
            op = mine[n : 2 * n]
        # one number to sort by: the phase, then the level, then the kind
        keys[slot] = (phase << 60) | (level + 1 << 28) | kinds.setdefault(op, len(kinds))
    order = [slot for slot, op in enumerate(ops) if keys[slot]]
    order.sort(key=keys.__getitem__)
    stages: tuple[list[tuple[int, Group | Outer]], ...] = ([], [], [])
    previous, members = -1, order
    for slot in order:
        key = keys[slot]
        if key != previous:
            previous, members = key, []
            level = key >> 28 & 0xFFFFFFFF
            stages[phases[slot]].append((level, Group(ops[slot], members)))
        members.append(slot)
    for outer in _outers(flat, sums):
        read = [s for tuples in (outer.lefts, outer.rights) for slots in tuples for s in slots]
        stages[SAMPLE].append((max([levels[s] for s in read], default=0), outer))
    # A sum over the samples comes as early as it can: what it has read may then be overwritten.
    stages[SAMPLE].sort(key=lambda pair: pair[0])
    before, sample, after = [[group for _, group in stage] for stage in stages]
    return before, sample, after


def _outers(flat: Flat, sums: Iterable[int]) -> list[Outer]:
    """The sums over the samples, put together to full products of lefts and rights."""
    by_left: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for slot in sums:
        n = len(flat.operands[slot]) // 2
        left, right = flat.operands[slot][:n], flat.operands[slot][n:]
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
