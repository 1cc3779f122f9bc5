"""Encode the groups of a program as the words that the interpreter reads.

A word is 4 * value + kind as long as the length of a row is unknown: a plain number, a tile (eight
equal lanes, for a number that all samples share) or a row. Linking (`workspace.py`) turns tiles and
rows into offsets in bytes, for a given length of rows.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from scalargrad.core.primitives import dot, dot_operands, take
from scalargrad.core.rows import Primitive
from scalargrad.replay.backends.numba import interpreter
from scalargrad.replay.backends.numba.kernels import SIDE, TALL
from scalargrad.replay.backends.numba.scalars import special_loop
from scalargrad.replay.backends.numba.spellings import FOLDS, LOOPS, MAPS, RULES, SCALARS
from scalargrad.replay.backends.numba.ufuncs import Callback, numpy_loop
from scalargrad.replay.lowering import lowered, matrix
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program, sizes
from scalargrad.replay.schedule import Group, Outer, schedule

__all__ = ["Encoded"]

PLAIN, TILE, ROW = 0, 1, 2


class _Pool:
    """Numbers for tiles or rows; released ones are used again, the lowest first.

    The lowest first keeps the rows in use close together, and those of one group adjacent.
    """

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []

    def take(self) -> int:
        if self._free:
            return heappop(self._free)
        self.count += 1
        return self.count - 1

    def release(self, number: int) -> None:
        heappush(self._free, number)


class Encoded:
    """A program as three streams of words, with the sources and targets of its numbers.

    Attributes:
        streams: The words of the three phases.
        tiles, rows: The number of tiles and rows needed.
        constants: (tile, number).
        splats: (tile, parameter), late_splats: (tile, sum).
        packs: (weight, parameter), late_packs: (weight, tile).
        inputs: (row, input), uniform: (kind, offset), samples: (row, output).
        work: The approximate cost of a sample, in multiply-adds (0.05 ns each).
        failures: The exceptions raised by Python functions of the user, by thread.
    """

    def __init__(self, program: Program) -> None:
        self.program = program = lowered(program, RULES)
        self._zero = program.constant(0.0)  # the bias of a dot without one
        self.failures: dict[int, BaseException] = {}
        self.callbacks: dict[Any, Callback] = {}
        self._parameters = {slot: k for k, slot in enumerate(program.parameters)}
        self._tiles, self._rows = _Pool(), _Pool()
        self.words: list[int] = [-1] * len(program.rows)
        self.constants: list[tuple[int, float]] = []
        self.splats: list[tuple[int, int]] = []
        self.late_splats: list[tuple[int, int]] = []
        self.packs: list[tuple[int, int]] = []
        self.late_packs: list[tuple[int, int]] = []
        self.inputs: list[tuple[int, int]] = []
        self.sums: dict[int, int] = {}
        self.n_weights = self.n_sums = self.most_operands = self.work = 0
        self._weights: list[int] = []
        self._matrices: dict[tuple[int, ...], int] = {}
        stages = [
            [(group, _read(program, group)) for group in stage] for stage in schedule(program)
        ]
        self._last, self._time = self._last_uses(stages), 0
        self._allocate_leaves(stages)
        self.streams = [self._encode(phase, stages[phase]) for phase in (BEFORE, SAMPLE, AFTER)]
        self.work += len(self.streams[SAMPLE])
        for k, slot in enumerate(self._weights):
            if slot in self._parameters:
                self.packs.append((k * 4, self._parameters[slot] * 4))
            elif slot >= 0:
                self.late_packs.append((k * 4, self.words[slot]))
        self.n_weights = len(self._weights)
        self._find_outputs()
        self.tiles, self.rows = self._tiles.count, self._rows.count

    def _last_uses(self, stages: Any) -> list[int]:
        """By slot, the number of the last group that reads it; -1 if it stays to the end."""
        phases = self.program.phases
        last = [0] * len(phases)
        time = 0
        for phase, stage in enumerate(stages):
            for _, read in stage:
                time += 1
                for slot in read:
                    # a slot that a later phase reads stays: that phase may run many times
                    last[slot] = time if phases[slot] == phase else -1
        for slot in self.program.outputs:
            last[slot] = -1
        return last

    def _allocate_leaves(self, stages: Any) -> None:
        """Allocate tiles and rows for the leaves.

        They come first: they are filled before the code runs, which must not overwrite them.
        """
        words, parameters = self.words, self._parameters
        for slot, x in self.program.constants.items():
            tile = self._tiles.take()
            words[slot] = tile * 4 + TILE
            self.constants.append((tile, x))
        for k, slot in enumerate(self.program.inputs):
            if self._last[slot]:
                words[slot] = self._rows.take() * 4 + ROW
                self.inputs.append((words[slot], k * 4))
        for stage in stages:
            for _, read in stage:
                for slot in read:
                    if words[slot] < 0 and slot in parameters:
                        words[slot] = self._tiles.take() * 4 + TILE
                        self.splats.append((words[slot], parameters[slot] * 4))

    def _encode(self, phase: int, stage: list[tuple[Group | Outer, list[int]]]) -> list[int]:
        rows, words, last = self.program.rows, self.words, self._last
        pool, kind = (self._rows, ROW) if phase == SAMPLE else (self._tiles, TILE)
        code: list[int] = []
        for _, read in stage if phase == AFTER else ():
            for slot in read:
                if words[slot] < 0 and slot in self.sums:
                    words[slot] = pool.take() * 4 + kind
                    self.late_splats.append((words[slot], self.sums[slot] * 4))
        for group, read in stage:
            self._time += 1
            if isinstance(group, Outer):
                self._encode_outer(group, code)
            else:
                for slot in group.members:
                    words[slot] = pool.take() * 4 + kind
                self._encode_group(group, code)
            time = self._time
            for slot in read:
                # Leaves that all samples share are filled once, inputs for each block.
                if last[slot] == time and (rows[slot] is not None or phase == SAMPLE):
                    last[slot] = 0
                    pool.release(words[slot] >> 2)
        code.append(interpreter.END * 4)
        return code

    def _encode_group(self, group: Group, code: list[int]) -> None:
        row, members, words, operands = group.row, group.members, self.words, self.program.operands
        if row is matrix and len(members) > 1:
            self._encode_matrix(members, code)
            return
        row = dot if row is matrix else row
        count = len(members) * 4
        if row in MAPS:
            code += (interpreter.OPCODES[row] * 4, count)
            for slot in members:
                code.append(words[slot])
                code += [words[o] for o in operands[slot]]
        elif row in FOLDS:
            code += (interpreter.OPCODES[row] * 4, count)
            for slot in members:
                self._encode_fold(row, slot, code)
        elif row is take:
            code += (interpreter.TAKE * 4, count)
            for slot in members:
                index, *values = operands[slot]
                code += (words[slot], words[index], len(values) * 4, *[words[o] for o in values])
        elif found := _loop(row):
            address, data, arity = found
            code += (interpreter.LOOP * 4, count, address * 4, data * 4, arity * 4)
            self.work += 20 * len(members)
            for slot in members:
                code.append(words[slot])
                code += [words[o] for o in operands[slot][:arity]]
        else:
            self._encode_calls(row, members, code)

    def _encode_calls(self, row: Primitive, members: list[int], code: list[int]) -> None:
        words, operands = self.words, self.program.operands
        for slot in members:
            arity = len(operands[slot])
            self.most_operands = max(self.most_operands, arity)
            key = (row, arity)
            if key not in self.callbacks:
                self.callbacks[key] = Callback(row, arity, self.failures)
            address = self.callbacks[key].address
            code += (interpreter.CALL * 4, 4, address * 4, 0, arity * 4, words[slot])
            code += [words[o] for o in operands[slot]]

    def _encode_fold(self, row: Primitive, slot: int, code: list[int]) -> None:
        words, mine = self.words, self.program.operands[slot]
        if row not in (dot, sizes):
            code += (words[slot], len(mine) * 4, *[words[o] for o in mine])
            return
        ws, xs, bias = dot_operands(mine)
        code += (words[slot], len(ws) * 4, words[bias[0] if bias else self._zero])
        for w, x in zip(ws, xs, strict=True):
            code += (words[w], words[x])

    def _encode_matrix(self, members: list[int], code: list[int]) -> None:
        words, operands, mine = self.words, self.program.operands, []
        k = len(dot_operands(operands[members[0]])[0])
        self.work += k * len(members)
        for tile in _tiled(range(len(members)), TALL):
            dots = [dot_operands(operands[members[i]]) for i in tile]
            mine += [bias[0] if bias else -1 for _, _, bias in dots]
            for column in zip(*[ws for ws, _, _ in dots], strict=True):
                mine += column
        # A layer that is used many times (at each position of a text, say) is packed once: for a
        # small GPT that is 9,000 weights instead of 51,000, and 184 us instead of 209.
        start = self._matrices.setdefault(tuple(mine), len(self._weights))
        if start == len(self._weights):
            self._weights += mine
        code += (interpreter.MATRIX * 4, len(members) * 4, k * 4, start * 32)
        code += [words[x] for x in operands[members[0]][k : 2 * k]]
        code += [words[slot] for slot in members]

    def _encode_outer(self, outer: Outer, code: list[int]) -> None:
        words = self.words
        m, n, length = len(outer.lefts), len(outer.rights), len(outer.lefts[0])
        self.work += m * n * length
        code += (interpreter.OUTER * 4, m * 4, n * 4, length * 4, self.n_sums * 32)
        for side in (outer.lefts, outer.rights):
            for slots in zip(*side, strict=True):
                code += [words[slot] for slot in slots]
        for rows in _tiled(range(m), SIDE):
            for columns in _tiled(range(n), SIDE):
                for i in rows:
                    for j in columns:
                        self.sums[outer.slots[i][j]] = self.n_sums
                        self.n_sums += 1

    def _find_outputs(self) -> None:
        program, parameters = self.program, self._parameters
        self.uniform: list[tuple[int, int]] = []
        self.samples: list[tuple[int, int]] = []
        for slot in program.outputs:
            if program.phases[slot] == SAMPLE:
                self.samples.append((self.words[slot], len(self.samples) * 4))
            elif slot in parameters:
                self.uniform.append((0, parameters[slot] * 4))
            elif slot in self.sums:
                self.uniform.append((2 * 4, self.sums[slot] * 4))
            else:
                self.uniform.append((1 * 4, self.words[slot]))


def _loop(row: Primitive) -> tuple[int, int, int] | None:
    """The addresses of a row's loop over lanes and of its data, and how many operands it takes."""
    if row in SCALARS:
        address, arity = special_loop(SCALARS[row])
        return address, 0, arity
    found = numpy_loop(LOOPS[row]) if row in LOOPS else None
    return found and (*found, row.arity or 0)


def _tiled(indices: range, side: int) -> list[range]:
    """Runs of `side` indices, then the remaining ones one by one."""
    whole = len(indices) // side * side
    runs = [indices[i : i + side] for i in range(0, whole, side)]
    return runs + [indices[i : i + 1] for i in range(whole, len(indices))]


def _read(program: Program, group: Group | Outer) -> list[int]:
    """The slots that a group reads; of the weights of a matrix only the computed ones."""
    if isinstance(group, Outer):
        return [s for side in (group.lefts, group.rights) for slots in side for s in slots]
    operands, members = program.operands, group.members
    if group.row is matrix and len(members) > 1:
        dots = [dot_operands(operands[slot]) for slot in members]
        weights = [o for ws, _, bias in dots for o in (*ws, *bias)]
        rows = program.rows  # parameters are packed from the caller's array
        return [*dots[0][1], *[o for o in weights if rows[o] is not None]]
    return [o for slot in members for o in operands[slot]]
