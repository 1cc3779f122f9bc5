"""The order of a program by kinds: what does the same in the user's function runs together.

Groups of one level (`replay/schedule.py`) fall apart where equal parts of a function are of unequal
depth: each position of a text looks at one more than the position before, so that all that follows
comes a little later for each. So here instructions have a kind: their row, those of their operands
and of what these are made of, and those of their users; the rows of one matrix are one kind. A kind
waits until all its members are ready. Where none is, as in chains, the one of which the largest
part is ready goes on with that part.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.primitives import dot_operands
from scalargrad.replay.lowering import matrix
from scalargrad.replay.program import Program
from scalargrad.replay.schedule import Group

__all__ = ["by_kind"]

# Of two numbers what others are of many: where parts of a function are of unequal length, the
# shortest of these is recorded so.
_OF_MANY = {row.mul: row.dot, row.add: row.sum, row.maximum: row.largest}
_ROUNDS = (0, 1, 2)  # how far down the operands of operands count: the best is taken
_FACTOR = 2  # groups before some are merged, as a multiple of those that are wanted


def by_kind(program: Program, slots: Sequence[int], most: int) -> list[Group] | None:
    """The instructions at these slots as groups, in an order in which they can run.

    Args:
        program: The program.
        slots: Instructions of one phase, in the order of the program.
        most: The number of groups from which on the result is of no use.

    Returns:
        Groups, at most `most`; None if there would be more.
    """
    best: list[Group] | None = None
    for rounds in _ROUNDS:
        found = _groups(program, slots, _kinds(program, slots, rounds), most)
        if found is not None and (best is None or len(found) < len(best)):
            best = found
    return best


def _groups(
    program: Program, slots: Sequence[int], kinds: dict[int, int], most: int
) -> list[Group] | None:  # fmt: skip
    members = Counter(kinds.values())
    if len(members) > most:
        return None
    users: dict[int, list[int]] = {}
    waits: dict[int, int] = {}
    for slot in slots:
        mine = [o for o in set(program.operands[slot]) if o in kinds]
        waits[slot] = len(mine)
        for o in mine:
            users.setdefault(o, []).append(slot)
    ready: dict[int, list[int]] = {}
    full: deque[int] = deque()

    def now_ready(slot: int) -> None:
        kind = kinds[slot]
        ready.setdefault(kind, []).append(slot)
        if len(ready[kind]) == members[kind]:
            full.append(kind)

    for slot in slots:
        if not waits[slot]:
            now_ready(slot)
    groups: list[Group] = []
    while ready:
        kind = full.popleft() if full else max(ready, key=lambda k: len(ready[k]) / members[k])
        mine = ready.pop(kind)
        members[kind] -= len(mine)
        this = program.rows[mine[0]]
        assert this is not None
        groups.append(Group(_OF_MANY.get(this, this), mine))
        if len(groups) > _FACTOR * most:
            return None
        for slot in mine:
            for user in users.get(slot, ()):
                waits[user] -= 1
                if not waits[user]:
                    now_ready(user)
    for by_users in (True, False, True):
        groups = _merged(program, groups, users, by_users)
    return groups if len(groups) <= most else None


def _merged(
    program: Program, groups: list[Group], users: dict[int, list[int]], by_users: bool
) -> list[Group]:
    """The groups, of which one waits for a later one of its row that is like it.

    Alike are those whose users have the same rows, or whose operands are of the same groups.
    """
    place = {slot: k for k, group in enumerate(groups) for slot in group.members}
    later: dict[Any, int] = {}
    for k in range(len(groups) - 1, -1, -1):
        group = groups[k]
        used = [user for slot in group.members for user in users.get(slot, ())]
        if not used:
            continue
        if by_users:
            key: Any = group.row, frozenset([program.rows[user] for user in used])
        else:
            read = [program.operands[slot] for slot in group.members]
            key = group.row, frozenset([place[o] for mine in read for o in mine if o in place])
        first = min([place[user] for user in used])
        other = later.get(key, first)
        if other < first:
            groups[other].members += group.members
            place.update(dict.fromkeys(group.members, other))
            groups[k] = Group(group.row, [])
        else:
            later[key] = k
    return [group for group in groups if group.members]


def _kinds(program: Program, slots: Sequence[int], rounds: int) -> dict[int, int]:
    """By slot, the number of its kind."""
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    rows, operands = program.rows, program.operands
    matrices: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for slot in slots:
        if rows[slot] is matrix:
            ws, xs, _ = dot_operands(operands[slot])
            matrices.setdefault(xs, []).append(ws)
    whole = {xs: number(frozenset(lines)) for xs, lines in matrices.items()}
    first: dict[int, int] = {}
    for slot in slots:
        this = rows[slot]
        assert this is not None
        key: Any = _OF_MANY.get(this, this)
        if this is matrix:
            key = "matrix", whole[dot_operands(operands[slot])[1]]
        first[slot] = number(key)

    def around(slot: int, of: dict[int, int]) -> Any:
        this, mine = rows[slot], operands[slot]
        assert this is not None
        if this is matrix:
            return 0
        found: Iterable[int] = [of.get(o, -1 - program.phases[o]) for o in mine]
        ordered = _OF_MANY.get(this, this).arity is not None
        return tuple(found) if ordered else frozenset(found)

    used: dict[int, set[int]] = {}
    for slot in slots:
        for o in operands[slot]:
            used.setdefault(o, set()).add(first[slot])
    kinds = first
    for _ in range(rounds):
        kinds = {slot: number((first[slot], around(slot, kinds))) for slot in slots}
    return {
        slot: kinds[slot] if rows[slot] is matrix
        else number((kinds[slot], frozenset(used.get(slot, ()))))
        for slot in slots
    }  # fmt: skip
