"""The plan of the arrays: which slots lie together, in which order, before anything is emitted.

An array holds the results of one group of instructions, one row for each. What costs time in XLA is
not arithmetic but gathers and concatenations, so groups are cut and ordered such that the operands
of a group are a slice of one array:

* a group whose members read different arrays is cut into groups whose members read the same ones;
* groups by kinds are computed by such parts too, but lie in one array, in the order in which they
  were recorded: what comes from several arrays lies in one from then on;
* in recurrences, a group whose operands lie scattered is computed one by one: XLA joins such
  instructions without an array between them;
* operands in a regular pattern, such as one feature of all positions, are read as strides;
* the members of a group stand in the order of their operands in the arrays before: adjoints, which
  are written from the last to the first, stand in the order of the values they belong to;
* the sums over the samples of every left with every right are a matrix in that order too, with the
  sums of the lefts alone (the gradients of biases) as the last column: the order of the parameters.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from scalargrad.core.primitives import dot_operands
from scalargrad.core.rows import Primitive
from scalargrad.replay.backends.jax.accumulate import accumulated
from scalargrad.replay.backends.jax.chains import joined
from scalargrad.replay.backends.jax.kinds import by_kind
from scalargrad.replay.backends.jax.loops import Loop, body_of, segments
from scalargrad.replay.backends.jax.spellings import PAIRS, REDUCED, ROUNDED
from scalargrad.replay.backends.jax.strides import Strides, strides_of
from scalargrad.replay.lowering import matrix
from scalargrad.replay.program import (
    AFTER,
    BEFORE,
    SAMPLE,
    Program,
    all_finite,
    broadcast,
    over_samples,
)  # fmt: skip
from scalargrad.replay.schedule import Group, Outer, schedule

__all__ = [
    "Apply",
    "Dots",
    "Folds",
    "Joined",
    "Matrix",
    "Outers",
    "Piece",
    "Plan",
    "Rows",
    "Scan",
    "Sums",
]

_MOST_CUTS = 16  # groups that one is cut into: more would be as slow as gathers
_WRITTEN_OUT = 16  # terms of a sum that are added up one by one in recurrences
MATRIX_FROM = 5  # terms from which on a product is a matrix product and not written out


@dataclass(frozen=True)
class Piece:
    """Rows of one array: from `start` on, `count` of them, `step` apart; or those at `indices`.

    With `strides` they are a table of rows (see `strides.py`) from `start` on. A piece of constants
    has no array and its `numbers`.
    """

    array: int
    start: int = 0
    count: int = 0
    step: int = 1
    indices: Any = None
    numbers: Any = None
    strides: Strides | None = None


@dataclass(frozen=True)
class Rows:
    """Where the numbers of some slots are: pieces, one after the other, then put in an order."""

    count: int
    pieces: tuple[Piece, ...]
    order: Any = None  # indices into the pieces together

    @property
    def cost(self) -> int:
        """The number of operations that fetch them."""
        return len(self.pieces) + (self.order is not None)

    @property
    def is_regular(self) -> bool:
        """Whether slices of one array have them all."""
        return len(self.pieces) == 1 and self.pieces[0].indices is None and self.order is None


@dataclass
class Apply:
    """One row on operands: for each operand, the rows of all members.

    `exact` says whether the result is rounded before others use it; see `spellings.exactly`.
    """

    row: Primitive
    members: list[int]
    operands: list[Rows]
    exact: bool


@dataclass
class Matrix:
    """Rows of a matrix of shared numbers times rows of the samples, plus a bias.

    It multiplies several vectors at once: `inputs` has the first number of each, then the second of
    each and so on, and `members` likewise.
    """

    members: list[int]
    vectors: int
    weights: Rows  # of the matrix, flat
    layout: tuple[int, int, int] | None  # start and strides in the array, where it has some
    inputs: Rows
    bias: Rows | None


@dataclass
class Outers:
    """Sums over the samples of every left with every right, term by term.

    Where the numbers lie so, all `terms` are one product: of each left all terms, then those of the
    next. `ones` says whether the last right is the number 1. `across` says that the rows are those
    of all terms of one left or right: few sums with many terms.
    """

    members: list[int]
    lefts: list[Rows]
    rights: list[Rows]
    ones: bool
    shape: tuple[int, int]
    across: bool
    terms: int = 1


@dataclass
class Sums:
    """For each member, the sum of its own products: few members with many terms."""

    row: Primitive
    members: list[int]
    lefts: list[Rows]
    rights: list[Rows]
    biases: list[Rows | None]


@dataclass
class Dots:
    """Sums of equally many products: the rows of all first terms, of all second terms and so on."""

    row: Primitive
    members: list[int]
    terms: int
    left: Rows
    right: Rows
    bias: Rows | None


@dataclass
class Folds:
    """A row that adds up, or the like, on equally many operands, laid out as in `Dots`."""

    row: Primitive
    members: list[int]
    terms: int
    operands: Rows


@dataclass
class Joined:
    """Several units whose results lie in one array: those of one kind, of several lengths.

    `order` says where the members are in the results of the units, one after the other.
    """

    members: list[int]
    units: list[Apply | Dots | Folds | Sums]
    order: Any


@dataclass
class Scan:
    """A loop, whose body is a program of its own.

    The inputs of the body are what the turn before computed, what each turn has of its own, and
    what all turns share, in this order; its parameters likewise, where all samples share them.

    Attributes:
        members: Those instructions of the body that others use: for each its slots in all turns, in
            the order in which they are stored.
        last: Those of which others use the last turn alone, and which the loop carries: for each
            its place among what is carried, and its slot in the last turn.
        body: The plan of the body. Its outputs are what the next turn gets, then `members`.
        turns: The number of turns.
        reverse: Whether the turns are stored from the last to the first.
        start: What the first turn has in the place of what the turn before computed.
        each, each_uniform: For each such operand, its rows in all turns, as they are stored.
        same, same_uniform: The rows of what all turns share.
    """

    members: list[list[int]]
    last: list[tuple[int, int]]
    body: Plan
    turns: int
    reverse: bool
    start: list[Rows]
    each: list[Rows]
    each_uniform: list[Rows]
    same: list[Rows]
    same_uniform: Rows

    @property
    def arrays(self) -> list[list[int]]:
        """The slots of each array that it makes."""
        return [*self.members, *[[slot] for _, slot in self.last]]


Unit = Apply | Dots | Folds | Joined | Matrix | Outers | Sums | Scan


@dataclass
class Plan:
    """The arrays of a program, in the order in which they are computed.

    Attributes:
        apart: Whether each input and each output is an array of its own, as in the body of a loop.
        stages: The units of BEFORE, SAMPLE and AFTER; each makes one array, a loop several.
        place: By slot, its array and row. The first arrays hold the inputs and the parameters.
        uniform, samples, outputs: The rows of the outputs; those of each where they are apart.
        operations: About how many operations of XLA it takes.
        by_kinds: Whether groups are by kinds (see `kinds.py`), and those of a kind in one array.
    """

    program: Program
    apart: bool = False
    place: dict[int, tuple[int, int]] = field(default_factory=dict)
    stages: list[list[Unit]] = field(default_factory=list)
    operations: int = 0
    by_kinds: bool = False

    def __post_init__(self) -> None:
        program = joined(self.program, {all_finite})  # which would cut each loop into several
        parts = _parts(program)
        loops = [part for part in parts if isinstance(part, Loop)]
        self._is_recurrent = self.apart or bool(loops)
        if loops:
            self.program = accumulated(program, loops)
            if self.program is not program:
                parts = _parts(self.program)
        else:
            self.program, self._stages, self.by_kinds = _ordered(self.program, not self.apart)
        program = self.program
        for k, slot in enumerate(program.inputs):
            self.place[slot] = (k, 0) if self.apart else (0, k)
        self.arrays = len(program.inputs) if self.apart else 1
        for k, slot in enumerate(program.parameters):
            self.place[slot] = self.arrays, k
        self.arrays += 1
        phases = program.phases
        self.stages = [[], [], []]
        for unit in self._all_units(parts):
            self.stages[self._phase].append(unit)
            for members in unit.arrays if isinstance(unit, Scan) else [unit.members]:
                for k, slot in enumerate(members):
                    self.place[slot] = self.arrays, k
                self.arrays += 1
        if self.apart:
            self.outputs = [self.rows([slot]) for slot in program.outputs]
            return
        self.uniform = self.rows([s for s in program.outputs if phases[s] != SAMPLE])
        self.samples = self.rows([s for s in program.outputs if phases[s] == SAMPLE])

    def _all_units(self, parts: Sequence[list[int] | Loop]) -> Iterator[Unit]:
        """The units in the order of their computation; `_phase` is that of the last one."""
        program = self.program
        if not any(isinstance(part, Loop) for part in parts):
            stages = self._stages
            for self._phase, stage in enumerate(stages):
                for group in stage:
                    yield from self._units(group)
            return
        self._users = _used_outside(program, parts)
        phases = program.phases
        apart = {s for s, row in enumerate(program.rows) if row and phases[s] != SAMPLE}
        sums = {s for s in apart if program.rows[s] is over_samples}
        stages = schedule(program, apart - sums)
        for self._phase in (BEFORE, SAMPLE, AFTER):
            for group in stages[self._phase]:
                yield from self._units(group)
            if self._phase != BEFORE:
                continue
            self._phase = SAMPLE
            for part in parts:
                if isinstance(part, Loop):
                    yield self._scan(part)
                    continue
                for group in schedule(program, set(part))[SAMPLE]:
                    yield from self._units(group)
            for group in schedule(program, sums)[SAMPLE]:
                yield from self._units(group)

    # --- where numbers are --------------------------------------------------------------------

    def rows(self, slots: Sequence[int]) -> Rows:
        """Where the numbers of these slots are."""
        found = self._rows(slots)
        self.operations += found.cost
        return found

    def _rows(self, slots: Sequence[int]) -> Rows:
        constants, place = self.program.constants, self.place
        count = len(slots)
        if count and all(slot in constants for slot in slots):
            numbers = [constants[slot] for slot in slots]
            if len(set(map(repr, numbers))) == 1:
                numbers = numbers[:1]
            return Rows(count, (Piece(-1, numbers=np.array(numbers), count=len(numbers)),))
        first = slots[0] if count else -1
        if count > 1 and all(slot == first for slot in slots):
            array, row = place[first]
            return Rows(count, (Piece(array, row, 1),))
        pieces: list[Piece] = []
        most = max(4, count // 8)
        for array, part in groupby(slots, self._array):
            pieces += self._pieces(array, [*part], most)
            if len(pieces) > most:
                return self._gathered(slots)
        return Rows(count, tuple(pieces))

    def _pieces(self, array: int, slots: list[int], most: int) -> list[Piece]:
        """Slots that one array has, or constants (-1), as few pieces; too many are of no use."""
        count = len(slots)
        if array < 0:
            numbers = [self.program.constants[slot] for slot in slots]
            return [Piece(-1, numbers=np.array(numbers), count=count)]
        at = [self.place[slot][1] for slot in slots]
        found: list[Piece] = []
        start = 0
        while start < count and len(found) <= most:
            end, step = start + 1, 1
            if end < count and at[end] != at[start]:
                step = at[end] - at[start]
                while end < count and at[end] - at[end - 1] == step:
                    end += 1
            if start == 0 and end < count and (strides := strides_of(at)) is not None:
                return [Piece(array, at[0], count, strides=strides)]
            found.append(Piece(array, at[start], end - start, step if end > start + 1 else 1))
            start = end
        return found

    def _gathered(self, slots: Sequence[int]) -> Rows:
        constants, place = self.program.constants, self.place
        by_array: dict[int, dict[Any, int]] = {}
        where: list[tuple[int, Any]] = []
        for slot in slots:
            array, row = (-1, slot) if slot in constants else place[slot]
            by_array.setdefault(array, {}).setdefault(row, 0)
            where.append((array, row))
        pieces, position = [], 0
        for array, rows in by_array.items():
            kept = list(rows) if array < 0 else sorted(rows)
            for row in kept:
                rows[row] = position
                position += 1
            if array < 0:
                numbers = np.array([constants[slot] for slot in kept])
                pieces.append(Piece(-1, numbers=numbers, count=len(kept)))
            else:
                pieces.append(_kept(array, kept))
        order = np.array([by_array[array][row] for array, row in where], np.int32)
        if (order == np.arange(len(slots))).all():
            return Rows(len(slots), tuple(pieces))
        return Rows(len(slots), tuple(pieces), order)

    def _place(self, slot: int) -> tuple[int, int]:
        return (-1, -1) if slot in self.program.constants else self.place[slot]

    def _array(self, slot: int) -> int:
        return self._place(slot)[0]

    def _row(self, slot: int) -> int:
        return self._place(slot)[1]

    # --- groups as units ----------------------------------------------------------------------

    def _units(self, group: Group | Outer) -> Iterable[Unit]:
        self.operations += 1
        if isinstance(group, Outer):
            yield self._outers(group)
            return
        rows, operands = self.program.rows, self.program.operands
        rest = group.members
        if group.row is matrix:
            rest = yield from self._matrices(rest)
        classes: dict[Any, list[int]] = {}
        for slot in rest:
            arrays = tuple(map(self._array, operands[slot]))
            classes.setdefault((rows[slot], arrays, len(operands[slot])), []).append(slot)
        if len(classes) > max(_MOST_CUTS, len(rest) // 4):
            classes = {}
            for slot in rest:
                classes.setdefault((rows[slot], len(operands[slot])), []).append(slot)
        units: list[Apply | Dots | Folds | Sums] = []
        for (row, *_), members in classes.items():
            members.sort(key=lambda slot: [*map(self._place, operands[slot])])
            if self._is_recurrent and self._is_scattered(members):
                units += [self._unit(row, [slot]) for slot in members]
            else:
                units.append(self._unit(row, members))
        if self.by_kinds and len(units) > 1:
            self.operations += 1
            members = [slot for members in classes.values() for slot in members]
            order = self._recorded_order(members)
            yield Joined([members[k] for k in order], units, order)
        else:
            yield from units

    def _recorded_order(self, members: list[int]) -> Any:
        """The order in which slots were recorded; of adjoints the other way round."""
        order = np.argsort(members).astype(np.int32)
        first = [self._place(self.program.operands[members[k]][0]) for k in order]
        rising = sum([one < two for one, two in pairwise(first)])
        falling = sum([one > two for one, two in pairwise(first)])
        return order if rising >= falling else order[::-1]

    def _is_scattered(self, members: list[int]) -> bool:
        """Whether to fetch the operands of a group takes more than to compute each by itself."""
        operands = [self.program.operands[slot] for slot in members]
        cost = 0
        for mine in zip(*operands, strict=True):
            if not all(slot in self.program.constants for slot in mine):
                cost += self._rows(mine).cost
        return len(members) > 1 and cost >= len(members)

    def _unit(self, row: Primitive, members: list[int]) -> Apply | Dots | Folds | Sums:
        operands = self.program.operands
        exact = row in ROUNDED or not self.program.exact.isdisjoint(members)
        if row in PAIRS:
            ws, _, _ = dot_operands(operands[members[0]])
            found = None if exact else self._dots(row, members)
            if found:
                return found
            least = _WRITTEN_OUT if self._is_recurrent else 4
            if len(ws) > max(least, len(members)):
                return self._sums(row, members)
        count = len(operands[members[0]])
        least = _WRITTEN_OUT if self._is_recurrent else MATRIX_FROM - 1
        if row in REDUCED and count > least and not exact:
            if len(members) == 1:
                mine = sorted(operands[members[0]], key=self._place)
                return Folds(row, members, count, self.rows(mine))
            flat = self._rows([operands[slot][t] for t in range(count) for slot in members])
            if flat.is_regular:
                self.operations += 2
                return Folds(row, members, count, flat)
        read = [self.rows([operands[slot][i] for slot in members]) for i in range(count)]
        self.operations += 1 + 2 * (count // 2) * (row in PAIRS)
        return Apply(row, members, read, exact)

    def _dots(self, row: Primitive, members: list[int]) -> Dots | None:
        """All terms at once, where that takes fewer operations than term by term."""
        taken = [dot_operands(self.program.operands[slot]) for slot in members]
        terms = range(len(taken[0][0]))
        left, right = [
            self._rows([sides[side][t] for t in terms for sides in taken]) for side in (0, 1)
        ]
        if left.is_regular and right.is_regular:
            if len(terms) < MATRIX_FROM:
                return None
        else:
            apart = sum(
                [self._rows([sides[k][t] for sides in taken]).cost for t in terms for k in (0, 1)]
            )
            if left.cost + right.cost + 2 >= apart:
                return None
        self.operations += left.cost + right.cost + 2
        bias = self.rows([bias[0] for _, _, bias in taken]) if taken[0][2] else None
        return Dots(row, members, len(terms), left, right, bias)

    def _matrices(self, members: list[int]) -> Generator[Matrix, None, list[int]]:
        """Those of a group that are products of matrices; returns the others."""
        vectors: dict[Any, list[int]] = {}
        rest = []
        for slot in members:
            ws, xs, bias = dot_operands(self.program.operands[slot])
            if len(ws) < MATRIX_FROM:
                rest.append(slot)
            else:
                vectors.setdefault((xs, len(bias)), []).append(slot)
        alike: dict[Any, list[tuple[tuple[int, ...], list[int]]]] = {}
        for (xs, _), mine in vectors.items():
            mine.sort(key=lambda slot: [*map(self._row, self.program.operands[slot])])
            lines = tuple([dot_operands(self.program.operands[slot])[0] for slot in mine])
            arrays = () if self.by_kinds else tuple(map(self._array, xs))
            key = lines, len(self.program.operands[mine[0]]) % 2, arrays
            alike.setdefault(key, []).append((xs, mine))
        for several in alike.values():
            several.sort(key=lambda vector: [*map(self._place, vector[0])])
            yield self._matrix([xs for xs, _ in several], [mine for _, mine in several])
        return rest

    def _matrix(self, vectors: list[tuple[int, ...]], each: list[list[int]]) -> Matrix:
        """The product of one matrix with several vectors, whose results are at the slots `each`."""
        operands = self.program.operands
        # The terms of an adjoint come from the last to the first
        xs = vectors[0]
        order = sorted(range(len(xs)), key=lambda k: (self._array(xs[k]), self._row(xs[k])))
        n, m = len(order), len(each[0])
        lines = [dot_operands(operands[slot])[0] for slot in each[0]]
        flat = [ws[k] for ws in lines for k in order]
        layout = self._layout(flat, m, n)
        weights = Rows(0, (Piece(self._array(flat[0])),)) if layout else self.rows(flat)
        inputs = self.rows([vector[k] for k in order for vector in vectors])
        members = [slots[i] for i in range(m) for slots in each]
        bias = None
        if len(operands[members[0]]) % 2:
            bias = self.rows([operands[slot][-1] for slot in members])
        self.operations += 4
        return Matrix(members, len(vectors), weights, layout, inputs, bias)

    def _layout(self, flat: list[int], m: int, n: int) -> tuple[int, int, int] | None:
        """Start and strides of a matrix that lies in one array: w[i][j] at start + a i + b j."""
        if len({*map(self._array, flat)}) != 1 or flat[0] in self.program.constants:
            return None
        at = np.array([*map(self._row, flat)]).reshape(m, n)
        down = int(at[1, 0] - at[0, 0]) if m > 1 else n
        right = int(at[0, 1] - at[0, 0]) if n > 1 else 1
        expected = at[0, 0] + down * np.arange(m)[:, None] + right * np.arange(n)
        fits = (right == 1 and down >= n) or (down == 1 and right >= m)
        return (int(at[0, 0]), down, right) if fits and (at == expected).all() else None

    def _sums(self, row: Primitive, members: list[int]) -> Sums:
        taken = [dot_operands(self.program.operands[slot]) for slot in members]
        self.operations += 3 * len(members)
        return Sums(
            row,
            members,
            [self.rows(ws) for ws, _, _ in taken],
            [self.rows(xs) for _, xs, _ in taken],
            [self.rows(bias) if bias else None for _, _, bias in taken],
        )

    def _scan(self, loop: Loop) -> Scan:
        phases, period = self.program.phases, loop.period
        turns = [loop.slots[j::period] for j in range(period)]
        carried = loop.carried
        used, last = [], []
        for j, slots in enumerate(turns):
            mine = self._users.intersection(slots)
            if mine == {slots[-1]} and j in carried:
                last.append((carried.index(j), slots[-1]))
            elif mine:
                used.append(j)
        body = body_of(self.program, loop, used)
        # Turns that take what an earlier loop left, from the last to the first, are stored so
        falling = [self._row(each[1]) < self._row(each[0]) for each in body.each]
        reverse = sum(falling) * 2 > len(falling)
        order = slice(None, None, -1 if reverse else 1)
        plan = Plan(body.program, apart=True)
        self.operations += plan.operations + 10
        each = {True: list[Rows](), False: list[Rows]()}  # by whether there is one for each sample
        for slots in body.each:
            each[phases[slots[0]] == SAMPLE].append(self.rows(slots[order]))
        return Scan(
            [turns[j][order] for j in used], last, plan, loop.turns, reverse,
            [self.rows([slot]) for slot in body.start], each[True], each[False],
            [self.rows([slot]) for slot in body.same if phases[slot] == SAMPLE],
            self.rows([slot for slot in body.same if phases[slot] != SAMPLE]),
        )  # fmt: skip

    def _outers(self, outer: Outer) -> Outers:
        program = self.program

        def is_one(slots: tuple[int, ...]) -> bool:
            return all(
                program.rows[slot] is broadcast
                and program.constants.get(program.operands[slot][0]) == 1.0
                for slot in slots
            )

        def key(side: list[tuple[int, ...]], k: int) -> Any:
            return is_one(side[k]), [(self._array(s), self._row(s)) for s in side[k]]

        if len(outer.rights) > len(outer.lefts) and not any(map(is_one, outer.rights)):
            # a tall product takes less time than a wide one
            slots = [list(column) for column in zip(*outer.slots, strict=True)]
            outer = Outer(outer.rights, outer.lefts, slots)
        down = sorted(range(len(outer.lefts)), key=lambda k: key(outer.lefts, k))
        right = sorted(range(len(outer.rights)), key=lambda k: key(outer.rights, k))
        ones = is_one(outer.rights[right[-1]])
        members = [outer.slots[i][j] for i in down for j in right]
        # as they lie: those of an adjoint come from the last to the first
        lead = outer.lefts[down[0]]
        terms = sorted(range(len(lead)), key=lambda t: self._place(lead[t]))
        plain = right[:-1] if ones else right
        across = len(terms) > max(4, len(down) * len(right))
        if across:
            lefts = [self.rows(outer.lefts[i]) for i in down]
            rights = [self.rows(outer.rights[j]) for j in plain]
            self.operations += 3 * len(members)
            return Outers(members, lefts, rights, ones, (len(down), len(right)), across)
        if len(terms) > 1 and len(plain) > 1:
            left = self._rows([outer.lefts[i][t] for i in down for t in terms])
            side = self._rows([outer.rights[j][t] for j in plain for t in terms])
            if left.is_regular and side.is_regular:
                self.operations += 5
                shape = len(down), len(right)
                return Outers(members, [left], [side], ones, shape, across, len(terms))
        lefts = [self.rows([outer.lefts[i][t] for i in down]) for t in terms]
        rights = [self.rows([outer.rights[j][t] for j in plain]) for t in terms] if plain else []
        self.operations += 3 * len(terms)
        return Outers(members, lefts, rights, ones, (len(down), len(right)), across)


def _kept(array: int, rows: list[int]) -> Piece:
    """These rows of an array, in ascending order: a slice where they are equally far apart."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    if rows[-1] - rows[0] == step * (len(rows) - 1):
        return Piece(array, rows[0], len(rows), step)
    return Piece(array, indices=np.array(rows, np.int32), count=len(rows))


def _ordered(program: Program, may_join: bool) -> tuple[Program, list[list[Group | Outer]], bool]:
    """The groups of each phase, by levels, or by kinds where these are much fewer.

    Returns:
        The program, in which chains are joined if they are by kinds; the groups; and whether.
    """
    stages = schedule(program)
    if not may_join:
        return program, stages, False
    most = sum(isinstance(group, Group) for group in stages[SAMPLE]) * 3 // 4
    chained = joined(program)
    slots = [s for s, row in enumerate(chained.rows) if row and chained.phases[s] == SAMPLE]
    found = by_kind(chained, slots, most)
    if found is None:
        return program, stages, False
    stages = schedule(chained)
    outers = [group for group in stages[SAMPLE] if isinstance(group, Outer)]
    stages[SAMPLE] = [*found, *outers]
    return chained, stages, True


def _parts(program: Program) -> list[list[int] | Loop]:
    """The instructions for each sample, cut into loops and what is between them."""
    phases = program.phases
    return segments(
        program, [s for s, row in enumerate(program.rows) if row and phases[s] == SAMPLE]
    )


def _used_outside(program: Program, parts: Iterable[list[int] | Loop]) -> set[int]:
    """The slots that are outputs, or operands of something outside of the loop that they are in."""
    loop_of = {
        slot: k
        for k, part in enumerate(parts)
        if isinstance(part, Loop)
        for slot in part.slots
    }  # fmt: skip
    used = {*program.outputs}
    for slot, operands in enumerate(program.operands):
        mine = loop_of.get(slot, -1)
        used.update([o for o in operands if loop_of.get(o, -2) != mine])
    return used
