"""What is watched while a program runs, so that no sample is taken for one that it is not.

Two kinds of samples need Python itself. In one, an operation raises an error eagerly, but its nan
or infinity does not reach a result: a comparison, `tanh` or a division hides it, or nothing uses
it. In the other, an operation that jumps (a comparison, `//`, `floor`, the edge of a domain) is so
near its jump that rounding decides, and a backend rounds in other ways than Python.

Most programs need neither: an operation whose nan reaches a result is found there. For the others
this module adds instructions to a literal program; together they give one number, which is nan in
the samples that Python has to look at. Short chains of + - * / before a jump are not fused, so that
every backend computes the bits of Python; then there is nothing to watch.
"""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.core import primitives as row
from scalargrad.core.primitives import dot_operands
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.replay.partials import partials_of
from scalargrad.replay.program import Program, all_finite, apart, sizes
from scalargrad.replay.reference import ends_of

__all__ = ["watched"]

# The operands through which a nan or an infinity always reaches the result; None means all.
_PASSES: dict[Primitive, tuple[int, ...] | None] = dict.fromkeys(
    [
        row.neg, row.add, row.sub, row.mul, row.dot, row.sum, row.mean, row.prod, row.abs,
        row.identity, row.stopped, row.sqrt, row.log, row.log2, row.log10, row.log1p, row.cbrt,
        row.sinh, row.cosh, row.asinh, row.acosh, row.asin, row.acos, row.sin, row.cos, row.tan,
        row.hypot, row.floor, row.ceil, row.leaky_relu,
    ]
) | {row.div: (0,), row.floordiv: (0,), row.mod: (0,)}  # fmt: skip

# Rows whose value has the bits of Python on every backend, if their operands have.
_EXACT = {
    row.neg, row.add, row.sub, row.mul, row.div, row.abs, row.sqrt, row.floor, row.ceil, row.sign,
    row.minimum, row.maximum, row.clip, row.where, row.less, row.less_equal, row.equal, row.relu,
    row.identity, row.stopped, row.floordiv, row.mod,
}  # fmt: skip
_SHORT = 64  # instructions of a chain that is worth keeping unfused

_COMPARISONS = {row.less, row.less_equal, row.equal}
# The edges of domains: by row, the operand and the numbers where it begins or ends. Of // and % the
# jumps are watched, and these grow beyond all rounding where the divisor goes to 0.
_EDGES: dict[Primitive, tuple[int, tuple[float, ...]]] = {
    row.div: (1, (0.0,)), row.sqrt: (0, (0.0,)), row.log: (0, (0.0,)), row.log2: (0, (0.0,)),
    row.log10: (0, (0.0,)), row.log1p: (0, (-1.0,)),
    row.asin: (0, (-1.0, 1.0)), row.acos: (0, (-1.0, 1.0)), row.atanh: (0, (-1.0, 1.0)),
    row.acosh: (0, (1.0,)), row.pow: (0, (0.0,)),
}  # fmt: skip
_POSITIVE = {
    row.exp, row.exp2, row.abs, row.sqrt, row.relu, row.sigmoid, row.softplus, row.hypot, row.cosh,
    *_COMPARISONS,
}  # fmt: skip
# Rows whose result has a small relative error if their operands have: so rounding does not change
# its sign. Those that jump are watched themselves.
_ACCURATE = _COMPARISONS | {
    row.neg, row.mul, row.div, row.abs, row.identity, row.stopped, row.sqrt, row.cbrt, row.pow,
    row.hypot, row.prod, row.exp, row.exp2, row.expm1, row.log1p, row.sinh, row.cosh, row.tanh,
    row.asinh, row.atan, row.erf, row.sigmoid, row.softplus, row.relu, row.leaky_relu, row.elu,
    row.silu, row.gelu, row.minimum, row.maximum, row.clip, row.where, row.sign, row.floor,
    row.ceil, row.rint, row.floordiv,
}  # fmt: skip
_SUMS = {row.add, row.sum, row.mean, row.dot}
_BENT = {row.neg, row.identity, row.stopped, row.abs, row.relu, row.leaky_relu, row.elu}
_DEEPEST = 6  # sums within sums whose sizes count
_FOLD = 16  # operands of one all_finite, which keeps them all in memory


def watched(program: Program, near: bool = True) -> None:
    """Add to a literal program what has to be watched, as its `watch` and its `exact`.

    Args:
        program: It is changed in place.
        near: Whether samples near a jump count. Where no Python is at hand to decide, they take
            the side on which the numbers of the program fall.
    """
    _Watch(program).run(near)


class _Watch:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows, self.operands = list(program.rows), list(program.operands)
        self.count = len(self.rows)
        self.found: list[int] = []  # slots that must be finite
        self.ends = ends_of(program)
        self.zero = self.one = -1

    def run(self, near: bool) -> None:
        program = self.program
        program.literal = False  # what is added may be simplified
        self.inexact = self._inexact()
        self.positive = self._positive()
        self.accurate = self._accurate()
        jumps = self._jumps()
        if not near:
            jumps = []
        fails = [slot for slot in program.checked if slot not in program.raised]
        if not jumps and not fails:
            return
        self.zero, self.one = program.constant(0.0), program.constant(1.0)
        if jumps:
            self._watch_jumps(jumps)
        if fails:
            self._watch_errors(fails)
        flag: tuple[int, ...] = ()
        found = sorted({*self.found})
        for first in range(0, len(found), _FOLD):
            flag = (program.emit(all_finite, (*flag, *found[first : first + _FOLD])),)
        if flag and flag[0] not in program.constants:
            program.watch = flag[0]

    # --- operations that raise errors ---------------------------------------------------------

    def _watch_errors(self, fails: Sequence[int]) -> None:
        """Watch the operations whose nan or infinity may be hidden from the results."""
        users: list[list[tuple[int, int]]] = [[] for _ in range(self.count)]
        for slot in range(self.count):
            for position, operand in enumerate(self.operands[slot]):
                users[operand].append((slot, position))
        outputs = {*self.program.outputs}
        # whether a nan here is always found in a result; and whether it is if it matters
        always, enough = bytearray(self.count), bytearray(self.count)
        failing = {*fails}
        live: dict[int, int] = {}
        for slot in range(self.count - 1, -1, -1):
            if slot in outputs:
                always[slot] = enough[slot] = 1
                continue
            passing = [user for user, position in users[slot] if self._passes(user, position)]
            always[slot] = any(always[u] and self.rows[u] is not row.where for u in passing)
            enough[slot] = always[slot] or (
                slot not in self.ends
                and len(passing) == len(users[slot])
                and all(enough[user] for user in passing)
            )
            if slot in failing and not enough[slot]:
                condition = self._live(slot, users, live)
                if condition == self.one:
                    self.found.append(slot)
                elif condition != self.zero:
                    self.found.append(self.program.emit(row.where, (condition, slot, self.zero)))
                always[slot], enough[slot] = condition == self.one, 1

    def _passes(self, user: int, position: int) -> bool:
        """Whether a nan or infinity in this operand makes the result one, if it is chosen."""
        kind = self.rows[user]
        assert kind is not None
        if kind is row.where:
            return position > 0
        if kind is row.pow:
            exponent = self.program.constants.get(self.operands[user][1], 0.0)
            return position == 0 and exponent > 0.0
        if kind not in _PASSES:
            return False
        positions = _PASSES[kind]
        return positions is None or position in positions

    def _live(
        self, slot: int, users: Sequence[Sequence[tuple[int, int]]], live: dict[int, int]
    ) -> int:
        """The slot of the condition under which a sample depends on a slot."""
        program = self.program
        stack = [slot]
        while stack:
            slot = stack[-1]
            if slot in live:
                stack.pop()
                continue
            if slot in self.ends:
                live[slot] = self.one
                continue
            if missing := [user for user, _ in users[slot] if user not in live]:
                stack += missing
                continue
            condition = self.zero
            for user, position in users[slot]:
                mine = live[user]
                if self.rows[user] is row.where and position:
                    chooser = self.operands[user][0]
                    # both sides may be the same slot: then one of the two uses is chosen
                    sides = (mine, self.zero) if position == 1 else (self.zero, mine)
                    mine = program.emit(row.where, (chooser, *sides))
                if condition == self.zero or mine == self.one:
                    condition = mine
                elif condition != self.one and mine not in (self.zero, condition):
                    condition = program.emit(row.where, (condition, self.one, mine))
            live[slot] = condition
        return live[slot]

    # --- operations that jump -----------------------------------------------------------------

    def _jumps(self) -> list[tuple[int, int, float | int | None]]:
        """(operand, the slot or number it is compared with) of everything that jumps.

        Where the other is None, the operand jumps at each whole number.
        """
        program, accurate = self.program, self.accurate
        jumps: list[tuple[int, int, float | int | None]] = []
        looked_at: list[int] = []  # what has to keep its bits
        for slot in range(self.count):
            kind, mine = self.rows[slot], self.operands[slot]
            if kind in _COMPARISONS:
                looked_at += mine
                if any(self.inexact[o] for o in mine):
                    jumps.append((slot, mine[0], mine[1]))
            elif kind is row.floor or kind is row.ceil or kind is row.rint:
                looked_at += mine
                if self.inexact[mine[0]]:
                    jumps.append((slot, mine[0], None))
            elif kind is row.floordiv or kind is row.mod:
                looked_at += mine
                if any(self.inexact[o] for o in mine):
                    jumps.append((slot, -1, None))
            elif kind is row.sign or kind is row.where or kind is row.atan2:
                looked_at.append(mine[0])
                if not accurate[mine[0]]:
                    jumps.append((slot, mine[0], 0.0))
            if kind in _EDGES and not self._whole_power(slot):
                position, edges = _EDGES[kind]
                x = mine[position]
                if self.positive[x] and edges == (0.0,) and (kind is row.sqrt or accurate[x]):
                    continue
                looked_at.append(x)
                if self.inexact[x] and not (accurate[x] and edges == (0.0,)):
                    jumps += [(slot, x, edge) for edge in edges]
        for guard in program.guards:
            looked_at.append(guard.slot)
            if not accurate[guard.slot]:
                jumps.append((guard.slot, guard.slot, 0.0))
        seen: set[int] = set()
        while looked_at:
            slot = looked_at.pop()
            if self.rows[slot] is not None and slot not in seen:
                seen.add(slot)
                if not self.inexact[slot]:
                    program.exact.add(slot)
                if accurate[slot]:  # as it is if those are
                    looked_at += self.operands[slot]
        return jumps

    def _whole_power(self, slot: int) -> bool:
        """Whether a slot is x ** 0, x ** 1, x ** 2 ..., which is defined everywhere."""
        if self.rows[slot] is not row.pow:
            return False
        exponent = self.program.constants.get(self.operands[slot][1], -1.0)
        return exponent >= 0.0 and exponent % 1.0 == 0.0

    def _watch_jumps(self, jumps: Sequence[tuple[int, int, float | int | None]]) -> None:
        emit, constant = self.program.emit, self.program.constant
        self._sizes: dict[int, int] = {}
        for slot, x, other in jumps:
            if x < 0:  # a quotient that is rounded down
                x, y = self.operands[slot]
                size = emit(row.div, (self._size(x), y))
                x = emit(row.div, (x, y))
                size = self._together([size, x])
            else:
                size = self._size(x)
            if other is None:
                if self.rows[slot] is row.rint:  # it jumps between the whole numbers
                    x = emit(row.add, (x, constant(0.5)))
                half = emit(row.add, (x, constant(0.5)))
                distance = emit(row.sub, (x, emit(row.floor, (half,))))
            elif isinstance(other, float):
                distance = x if other == 0.0 else emit(row.sub, (x, constant(other)))
            else:
                if self._settled_sign(x, other) or self._settled_sign(other, x):
                    continue
                distance = emit(row.sub, (x, other))
                size = self._together([size, self._size(other)])
            if self.program.rows[size] is not sizes:
                size = emit(row.abs, (size,))
            self.found.append(emit(apart, (distance, size)))

    def _settled_sign(self, x: int, other: int) -> bool:
        """Whether `other` is the number 0, and rounding cannot move x from it."""
        return self.program.constants.get(other) == 0.0 and bool(self.accurate[x])

    def _inexact(self) -> bytearray:
        """By slot, whether a backend may compute other bits than Python."""
        sizes = [0] * self.count  # of the chain up to a slot; 0 for a leaf
        inexact = bytearray(self.count)
        for slot, kind in enumerate(self.rows):
            if kind is not None:
                mine = self.operands[slot]
                sizes[slot] = size = 1 + sum([sizes[operand] for operand in mine])
                inexact[slot] = kind not in _EXACT or size > _SHORT or any(inexact[o] for o in mine)
        return inexact

    def _accurate(self) -> bytearray:
        """By slot, whether its relative error is small: no small difference of larger numbers."""
        accurate = bytearray(self.count)
        for slot, kind in enumerate(self.rows):
            mine = self.operands[slot]
            if not self.inexact[slot]:
                accurate[slot] = 1
            elif kind in _SUMS:
                accurate[slot] = self.positive[slot] and all(accurate[o] for o in mine)
            elif kind in _ACCURATE:
                accurate[slot] = all(accurate[o] for o in mine)
            else:
                accurate[slot] = not any(self.inexact[o] for o in mine)
        return accurate

    def _positive(self) -> bytearray:
        """By slot, whether it is at least 0 and made without cancellation."""
        constants = self.program.constants
        positive = bytearray(self.count)
        for slot, kind in enumerate(self.rows):
            mine = self.operands[slot]
            if kind is None:
                positive[slot] = constants.get(slot, -1.0) >= 0.0
            elif kind in _POSITIVE or (kind in (row.mul, row.div) and mine[0] == mine[1]):
                positive[slot] = 1
            elif kind is row.pow:
                positive[slot] = constants.get(mine[1], 1.0) % 2.0 == 0.0 or positive[mine[0]]
            elif kind is row.dot:
                ws, xs, bias = dot_operands(mine)
                positive[slot] = all(positive[slot] for slot in bias) and all(
                    w == x or (positive[w] and positive[x]) for w, x in zip(ws, xs, strict=True)
                )
            elif kind is row.where:
                positive[slot] = positive[mine[1]] and positive[mine[2]]
            elif kind in (
                row.add, row.sum, row.mean, row.mul, row.div, row.prod, row.identity, row.stopped,
                row.minimum,
            ):  # fmt: skip
                positive[slot] = all(positive[o] for o in mine)
        return positive

    def _size(self, x: int, depth: int = 0) -> int:
        """A slot of the size, or of its negative, of what was added up to x."""
        if depth == _DEEPEST or x >= self.count or self.accurate[x]:
            return x
        if x not in self._sizes:
            self._sizes[x] = self._size_of_terms(x, depth + 1)
        return self._sizes[x]

    def _size_of_terms(self, x: int, depth: int) -> int:
        emit, kind, mine = self.program.emit, self.rows[x], self.operands[x]
        if kind is row.dot:
            ws, xs, bias = dot_operands(mine)
            return emit(sizes, (*ws, *[self.one] * len(bias), *xs, *bias))
        if kind is row.mul:  # not size times size, which grows with each factor
            a, b = mine
            return emit(sizes, (a, b, self._size(b, depth), self._size(a, depth)))
        if kind in (row.add, row.sub, row.sum, row.mean):
            size = self._together([self._size(o, depth) for o in mine])
            if kind is row.mean:
                size = emit(row.div, (size, self.program.constant(float(len(mine)))))
            return size
        if kind in _BENT:  # where they bend, the slope on one side says nothing of the other
            return self._size(mine[0], depth)
        if kind in (row.minimum, row.maximum, row.clip):
            return self._together([self._size(o, depth) for o in mine if not self.accurate[o]])
        if kind is row.where:
            return emit(row.where, (mine[0], *[self._size(o, depth) for o in mine[1:]]))
        return self._moved(x, depth)

    def _moved(self, x: int, depth: int) -> int:
        """The size of x, and of what moves it when its operands are rounded."""
        program, kind, mine = self.program, self.rows[x], self.operands[x]
        if kind is None or kind.name not in TABLE:
            return x
        inexact = [i for i, o in enumerate(mine) if self.inexact[o]]
        partials = partials_of(kind, len(mine), False).inline(
            (*mine, x), program.emit, program.constant, program.constants.get, inexact
        )
        moving = [self._size(mine[i], depth) for i in inexact]
        return program.emit(sizes, (self.one, *partials, x, *moving))

    def _together(self, slots: Sequence[int]) -> int:
        """The slot of the sum of the sizes of several numbers."""
        return self.program.emit(sizes, (*[self.one] * len(slots), *slots))
