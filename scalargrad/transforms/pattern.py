"""Which inputs the nodes of a tape depend on, as sets: the pattern of a Jacobian or Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scalargrad.core.tape import Tape

__all__ = ["hessian_rows", "jacobian_rows"]

_FEW = 64  # outputs: one bit for each fits in a machine word
_LARGE = 64  # pairs: beyond, it pays to look whether they were there before


def jacobian_rows(
    tape: Tape, n: int, depends: Sequence[int], outputs: Sequence[int]
) -> list[list[int]]:
    """By output the inputs that it depends on, in order.

    Args:
        tape: the graph, its `n` inputs first.
        n: the number of inputs.
        depends: by node, whether it depends on an input at all.
        outputs: the nodes of the outputs; -1 for a plain number.
    """
    nodes = [i if i >= 0 and depends[i] else -1 for i in outputs]
    if len(nodes) <= _FEW:
        return _by_outputs(tape, n, depends, nodes)
    rows: dict[int, list[int]] = {-1: []}
    for i, _, inputs, _ in _input_sets(tape, n, depends, {i: [i] for i in nodes if i >= 0}):
        rows[i] = sorted(inputs)
    return [rows[i] for i in nodes]


def hessian_rows(
    tape: Tape, n: int, depends: Sequence[int], pairs: Mapping[int, Sequence[int]]
) -> list[list[int]]:
    """By input the inputs that it meets in an operation that is not linear, in order.

    Args:
        tape: the graph, its `n` inputs first.
        n: the number of inputs.
        depends: by node, whether it depends on an input at all.
        pairs: by node the nodes, itself or earlier ones, that an operation joins with it.
    """
    rows: list[set[int]] = [set() for _ in range(n)]
    seen: set[Any] = set()
    for _, _, left, right in _input_sets(tape, n, depends, pairs):
        if len(left) * len(right) > _LARGE:
            key = frozenset((frozenset(left), frozenset(right)))
            if key in seen:
                continue
            seen.add(key)
        for a in left:
            rows[a] |= right
        for b in right:
            rows[b] |= left
    return [sorted(row) for row in rows]


def _by_outputs(
    tape: Tape, n: int, depends: Sequence[int], nodes: Sequence[int]
) -> list[list[int]]:
    """The same by a sweep backward, with a set of outputs for each node, as the bits of a number.

    Sets of inputs would grow along a long computation with few results.
    """
    starts, operands, unused = tape.starts, tape.operands, tape.unused
    masks = [0] * len(tape)
    for k, i in enumerate(nodes):
        if i >= 0:
            masks[i] |= 1 << k
    for i in range(len(tape) - 1, n - 1, -1):
        mask = masks[i]
        if mask:
            for e in range(starts[i], starts[i + 1]):
                if not unused[e] and depends[operands[e]]:
                    masks[operands[e]] |= mask
    return [[j for j in range(n) if masks[j] >> k & 1] for k in range(len(nodes))]


class _Shared:
    """A set of inputs, and how many nodes hold it: with one holder left, it may change."""

    __slots__ = ("holders", "inputs")

    def __init__(self, inputs: set[int], holders: int = 1) -> None:
        self.inputs, self.holders = inputs, holders


def _input_sets(
    tape: Tape, n: int, depends: Sequence[int], pairs: Mapping[int, Sequence[int]]
) -> Iterator[tuple[int, int, set[int], set[int]]]:
    """For each node and its partners the inputs that the two depend on.

    The sets are valid until the next step. A set is handed on where nothing else needs it, so a
    running sum costs one step a term, and not a copy of all that came before.
    """
    starts, operands, unused = tape.starts, tape.operands, tape.unused
    left = [0] * len(tape)  # how often the set of a node is still needed
    for i, partners in pairs.items():
        for j in partners:
            left[i] += 1
            left[j] += 1
    for i in range(len(tape) - 1, n - 1, -1):
        if left[i]:
            for e in range(starts[i], starts[i + 1]):
                if not unused[e] and depends[operands[e]]:
                    left[operands[e]] += 1
    held: list[Any] = [None] * len(tape)

    def take(j: int) -> _Shared:
        shared: _Shared = held[j]
        left[j] -= 1
        if not left[j]:
            held[j] = None
            shared.holders -= 1
        return shared

    for i in range(len(tape)):
        if not left[i]:
            continue
        if i < n:
            held[i] = _Shared({i})
        else:
            one: _Shared | None = None
            more: list[_Shared] = []
            for e in range(starts[i], starts[i + 1]):
                if not unused[e] and depends[operands[e]]:
                    shared = take(operands[e])
                    if one is None:
                        one = shared
                    elif shared is not one:
                        more.append(shared)
            if more:
                held[i] = _union([one, *more])  # type: ignore[list-item]
            else:
                held[i] = one = one or _Shared(set(), 0)
                one.holders += 1
        for j in pairs.get(i, ()):
            right, own = take(j), take(i)
            yield i, j, own.inputs, right.inputs


def _union(parts: list[_Shared]) -> _Shared:
    largest = max(parts, key=lambda shared: len(shared.inputs))
    others = [shared.inputs for shared in parts if shared is not largest]
    if all(inputs <= largest.inputs for inputs in others):
        largest.holders += 1
        return largest
    if largest.holders:
        return _Shared(largest.inputs.union(*others))
    largest.inputs.update(*others)
    largest.holders = 1
    return largest
