"""The statements of exported C: instructions one by one, or in loops where they are alike.

Nothing is reordered within an instruction: a loop computes the bits of the single statements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scalargrad.core.primitives import dot, dot_operands
from scalargrad.core.rows import Primitive
from scalargrad.replay.export.names import wrapped
from scalargrad.replay.export.spellings import product, spelled, total
from scalargrad.replay.program import AFTER, Program
from scalargrad.replay.schedule import Group, Outer, schedule

__all__ = ["Body", "Place", "number"]

_LOOP = 4  # statements that are alike from which on they become a loop


def number(x: float) -> str:
    """A number of C, exact to the last bit."""
    if math.isnan(x):
        return "NAN"
    text = "INFINITY" if math.isinf(x) else repr(abs(x))
    return f"(-{text})" if math.copysign(1.0, x) < 0.0 else text


class Place(NamedTuple):
    """Where a slot is: how it is read alone, and its place in an array, if it is in one."""

    text: str
    array: str = ""
    offset: int = 0


class _Segment(NamedTuple):
    """A part of a sum of products: `length` of them, at equal distances in arrays."""

    length: int
    w: Place
    w_step: int
    x: Place
    x_step: int


def _step(a: Place, b: Place) -> int | None:
    """The distance from one place to another, 0 for the same, None if there is none."""
    if a.array and a.array == b.array:
        return b.offset - a.offset
    return 0 if a.text == b.text else None


def _at(place: Place, step: int, variable: str) -> str:
    """How a loop reads what is at equal distances."""
    if step == 0:
        return place.text
    moved = variable if abs(step) == 1 else f"{abs(step)} * {variable}"
    if step < 0:
        return f"{place.array}[{place.offset} - {moved}]"
    return f"{place.array}[{place.offset} + {moved}]" if place.offset else f"{place.array}[{moved}]"


def _runs(items: Sequence[Sequence[Place]]) -> list[tuple[int, int, list[int]]]:
    """Items whose places lie at equal distances: the first, how many, and the distances."""
    runs: list[tuple[int, int, list[int]]] = []
    start = 0
    while start < len(items):
        count, steps = 1, [0] * len(items[start])
        for before, after in zip(items[start:], items[start + 1 :], strict=False):
            if len(before) != len(after):
                break
            found = [_step(a, b) for a, b in zip(before, after, strict=True)]
            moves = [step for step in found if step is not None]
            if len(moves) < len(found) or (count > 1 and moves != steps):
                break
            steps, count = moves, count + 1
        if count < _LOOP:
            count, steps = 1, [0] * len(items[start])
        runs.append((start, count, steps))
        start += count
    return runs


class Body:
    """The statements of one phase of a program.

    Args:
        program: The program.
        slots: The instructions of the phase that are read, in their order.
        phase: The phase.
        known: Where everything else is; the places of `slots` are added.
        together: Whether all results are elements of one array `v`, so that the statements can
            be divided between functions.
        primal: The number of slots that belong to the value; those behind it to derivatives.

    Attributes:
        units: The statements, each of one or more lines.
        declared: The arrays that they need, as lines.
        size: The length of `v`.
    """

    def __init__(
        self, program: Program, slots: Sequence[int], phase: int, known: dict[int, Place],
        together: bool, primal: int,
    ) -> None:  # fmt: skip
        self.program, self.places, self.together = program, known, together
        self.units: list[str] = []
        self.declared: list[str] = []
        self.size = 0
        self.looped = False
        wanted = {*slots}
        for group in schedule(program)[phase]:
            if isinstance(group, Group) and group.row is not None:
                self._group(group.row, [slot for slot in group.members if slot in wanted])
        if not self.looped:  # then in the order in which the function computed
            self.units, self.declared, self.size = [], [], 0
            for slot in slots:
                if slot >= primal and phase != AFTER:
                    self.units.append("    /* backward */")
                    primal = len(program.rows)
                row = program.rows[slot]
                assert row is not None
                self._single(row, slot)

    # --- instructions -------------------------------------------------------------------------

    def _texts(self, operands: Iterable[int]) -> list[str]:
        places = self.places
        return [places[o].text if o in places else "" for o in operands]  # "": it is not read

    def _new(self, count: int) -> tuple[str, int]:
        """The array and the index of so many new results."""
        first = self.size
        self.size += count
        if self.together:
            return "v", first
        self.declared.append(f"    double v{first}[{count}];")
        return f"v{first}", 0

    def _single(self, row: Primitive, slot: int) -> None:
        operands = self.program.operands[slot]
        parts = self._segments(operands) if row is dot else []
        name = f"v[{self.size}]" if self.together else f"v{self.size}"
        place = Place(name, "v", self.size) if self.together else Place(name)
        self.size += 1
        if any(part.length > 1 for part in parts):
            kind = "" if self.together else "double "
            self.units.append(self._sum(f"{kind}{name}", name, operands, parts))
        else:
            kind = "" if self.together else "const double "
            line = f"    {kind}{name} = {spelled(row, 'c', self._texts(operands))};"
            self.units.append(wrapped(line, "        "))
        self.places[slot] = place

    def _group(self, row: Primitive, members: Sequence[int]) -> None:
        """Instructions of one row that do not need each other."""
        items = {slot: self._columns(row, slot) for slot in members}
        by_form: dict[tuple[object, ...], list[int]] = {}
        for slot, (form, _) in items.items():
            by_form.setdefault(form, []).append(slot)
        for alike in by_form.values():
            alike = self._ordered(alike, {slot: items[slot][1] for slot in alike})
            for first, count, steps in _runs([items[slot][1] for slot in alike]):
                if count == 1:
                    self._single(row, alike[first])
                else:
                    self._loop(row, alike[first : first + count], steps)

    def _columns(self, row: Primitive, slot: int) -> tuple[tuple[object, ...], list[Place]]:
        """The form of an instruction, and the places that differ between those of one form."""
        operands = self.program.operands[slot]
        if row is dot:
            parts = self._segments(operands)
            if any(part.length > 1 for part in parts):
                _, _, bias = dot_operands(operands)
                form = [(part.length, part.w_step, part.x_step) for part in parts]
                places = [place for part in parts for place in (part.w, part.x)]
                return (len(bias), *form), [*places, *[self.places[b] for b in bias]]
        return (len(operands),), [self.places.get(o, Place("")) for o in operands]

    def _ordered(self, members: list[int], columns: dict[int, list[Place]]) -> list[int]:
        """The members in the order of the places of their operands, if that makes fewer runs."""
        if len(members) < _LOOP:
            return members

        def where(slot: int, first: int) -> list[tuple[str, int]]:
            places = columns[slot]
            return [(p.array, p.offset) for p in (*places[first:], *places[:first])]

        count = min(len(columns[members[0]]), 3)
        orders = [sorted(members, key=lambda s, p=p: where(s, p)) for p in range(count)]  # type: ignore[misc]
        return min([*orders, members], key=lambda o: len(_runs([columns[slot] for slot in o])))

    def _loop(self, row: Primitive, members: Sequence[int], steps: Sequence[int]) -> None:
        self.looped = True
        operands = self.program.operands[members[0]]
        array, base = self._new(len(members))
        target = _at(Place("", array, base), 1, "i")
        head = f"    for (i = 0; i < {len(members)}; i++)"
        parts = self._segments(operands) if row is dot else []
        if any(part.length > 1 for part in parts):
            moved = [
                part._replace(
                    w=Place(_at(part.w, w, "i"), part.w.array, part.w.offset),
                    x=Place(_at(part.x, x, "i"), part.x.array, part.x.offset),
                )
                for part, w, x in zip(parts, steps[::2], steps[1::2], strict=False)
            ]
            _, _, bias = dot_operands(operands)
            start = _at(self.places[bias[0]], steps[-1], "i") if bias else "0.0"
            lines = self._sum_lines("total", start, moved, steps)
            body = "\n".join(["        double total = " + lines[0], *lines[1:]])
            self.units.append(f"{head} {{\n{body}\n        {target} = total;\n    }}")
        else:
            places = [self.places.get(o, Place("")) for o in operands]
            texts = [_at(place, step, "i") for place, step in zip(places, steps, strict=True)]
            line = f"{head} {target} = {spelled(row, 'c', texts)};"
            self.units.append(wrapped(line, "        "))
        for k, slot in enumerate(members):
            self.places[slot] = Place(f"{array}[{base + k}]", array, base + k)

    # --- sums of products ---------------------------------------------------------------------

    def _segments(self, operands: tuple[int, ...]) -> list[_Segment]:
        """The products of a dot: runs at equal distances, and single ones."""
        ws, xs, _ = dot_operands(operands)
        pairs = [(self.places[w], self.places[x]) for w, x in zip(ws, xs, strict=True)]
        return [
            _Segment(count, pairs[first][0], steps[0], pairs[first][1], steps[1])
            for first, count, steps in _runs(pairs)
        ]

    def _sum(
        self, declared: str, name: str, operands: tuple[int, ...], parts: Sequence[_Segment]
    ) -> str:
        _, _, bias = dot_operands(operands)
        start = self.places[bias[0]].text if bias else "0.0"
        lines = self._sum_lines(name, start, parts, ())
        return "\n".join(
            [f"    {declared} = {lines[0]}", *[line.replace("    ", "", 1) for line in lines[1:]]]
        )

    def _sum_lines(
        self, name: str, start: str, parts: Sequence[_Segment], steps: Sequence[int]
    ) -> list[str]:
        """The start of a sum, and the statements that add its products; in a loop with `steps`."""
        lines = [f"{start};"]
        for k, part in enumerate(parts):
            sides = []
            for place, step, outer in (
                (part.w, part.w_step, steps[2 * k] if steps else 0),
                (part.x, part.x_step, steps[2 * k + 1] if steps else 0),
            ):
                sides.append(_both(place, outer, step) if part.length > 1 else place.text)
            term = product(*sides)
            added = f"-= {term[2:]}" if term.startswith("- ") else f"+= {term}"
            loop = f"for (j = 0; j < {part.length}; j++) " if part.length > 1 else ""
            lines.append(f"        {loop}{name} {added};")
        return lines

    def sums(self, outers: Iterable[Outer], places: dict[int, int]) -> list[str]:
        """The statements that add to the sums over the samples.

        Args:
            outers: The sums.
            places: The index of each in the array `sums`; it is filled here.
        """
        units = []
        for outer in outers:
            lefts = sorted(outer.lefts, key=self._where)
            rights = sorted(outer.rights, key=self._where)
            slot_of = {
                (left, right): outer.slots[i][j]
                for i, left in enumerate(outer.lefts)
                for j, right in enumerate(outer.rights)
            }
            base = len(places)
            for left in lefts:
                for right in rights:
                    places[slot_of[left, right]] = len(places)
            if len(lefts[0]) > 1:
                units += [
                    self._added(k, (*left, *right))
                    for k, (left, right) in enumerate(
                        [(a, b) for a in lefts for b in rights], start=base
                    )
                ]
                continue
            for i, m, (step_l,) in _runs([[self.places[left[0]]] for left in lefts]):
                for j, n, (step_r,) in _runs([[self.places[right[0]]] for right in rights]):
                    a, b = self.places[lefts[i][0]], self.places[rights[j][0]]
                    term = product(_at(a, step_l, "i"), _at(b, step_r, "j"))
                    heads = [f"for (i = 0; i < {m}; i++) "] * (m > 1)
                    heads += [f"for (j = 0; j < {n}; j++) "] * (n > 1)
                    index = [str(base + i * len(rights) + j)]
                    index += [f"{len(rights)} * i"] * (m > 1) + ["j"] * (n > 1)
                    self.looped |= bool(heads)
                    sign = "-= " + term[2:] if term.startswith("- ") else "+= " + term
                    line = f"    {''.join(heads)}sums[{' + '.join(index)}] {sign};"
                    units.append(wrapped(line, "        "))
        return units

    def _where(self, slots: tuple[int, ...]) -> tuple[bool, str, int]:
        place = self.places[slots[0]]
        return not place.array, place.array, place.offset

    def _added(self, k: int, operands: tuple[int, ...]) -> str:
        """The statement that adds one sum of products."""
        parts = self._segments(operands)
        if any(part.length > 1 for part in parts):
            lines = self._sum_lines("total", "0.0", parts, ())
            body = "\n".join([f"        double total = {lines[0]}", *lines[1:]])
            return f"    {{\n{body}\n        sums[{k}] += total;\n    }}"
        ws, xs, _ = dot_operands(operands)
        terms = total([*map(product, self._texts(ws), self._texts(xs))])
        return wrapped(f"    sums[{k}] += {terms};", "        ")

    # --- results ------------------------------------------------------------------------------

    def assigned(self, array: str, slots: Sequence[int], operator: str, notes: Sequence[str] = ()
                 ) -> list[str]:  # fmt: skip
        """The statements that set array[0], array[1] ... to these slots, or add to them."""
        units = []
        for first, count, (step,) in _runs([[self.places[slot]] for slot in slots]):
            place = self.places[slots[first]]
            if count == 1:
                said = f" /* {notes[first]} */" if notes and notes[first] else ""
                units.append(f"    {array}[{first}] {operator} {place.text};{said}")
            else:
                self.looped = True
                target = _at(Place("", array, first), 1, "i")
                units.append(
                    f"    for (i = 0; i < {count}; i++) {target} {operator} "
                    f"{_at(place, step, 'i')};"
                )
        return units


def _both(place: Place, outer: int, inner: int) -> str:
    """How two nested loops over i and j read what is at equal distances in both."""
    if not place.array or (outer == 0 and inner == 0):
        return place.text
    if outer == 0:
        return _at(place, inner, "j")
    text = _at(place, outer, "i")[:-1]  # without its bracket
    if inner == 0:
        return text + "]"
    sign = "-" if inner < 0 else "+"
    return f"{text} {sign} {'' if abs(inner) == 1 else f'{abs(inner)} * '}j]"
