"""The tape: its arrays, its sweeps, and that the backward pass of Values agrees with it."""

from __future__ import annotations

import math

from hypothesis import given
from strategies import Program, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.tape import Tape


def product(g: float, slope: float) -> float | None:
    """A term as `backward` forms it: a zero stops."""
    return g * slope if g and slope else None


def diamond() -> tuple[Tape, dict[str, int]]:
    """y = (w * w) + (w * 3), and an unused leaf."""
    w = Value(2.0, "w")
    square, triple = w * w, w * 3
    y = square + triple
    tape = Tape.of([y])
    return tape, {"w": tape.index[w], "square": tape.index[square], "y": tape.index[y]}


def test_the_arrays() -> None:
    tape, at = diamond()

    assert [node.label or node.op for node in tape.nodes] == ["w", "*", "", "*", "+"]
    assert [row and row.name for row in tape.rows] == [None, "mul", None, "mul", "add"]
    assert list(tape.starts) == [0, 0, 2, 2, 4, 6]
    assert list(tape.operands) == [0, 0, 0, 2, 1, 3]
    assert list(tape.partials) == [2.0, 2.0, 3.0, 2.0, 1.0, 1.0]
    assert list(tape.edges(at["square"])) == [0, 1]
    assert list(tape.results()) == [1, 1, 3, 3, 4, 4]
    assert [tape.result(e) for e in range(6)] == [1, 1, 3, 3, 4, 4]


def test_pull_and_push_are_the_derivative() -> None:
    tape, at = diamond()

    assert tape.pull({at["y"]: 1.0})[at["w"]] == 7.0
    assert tape.push({at["w"]: 1.0})[at["y"]] == 7.0
    assert tape.pull({at["square"]: 1.0})[at["y"]] is None


def test_other_additions_count_paths_and_find_the_largest() -> None:
    tape, at = diamond()

    count = tape.pull({at["y"]: 1}, times=lambda g, _: g)[at["w"]]
    largest = tape.pull({at["y"]: 1.0}, add=max, times=lambda g, p: g * abs(p))[at["w"]]

    assert (count, largest) == (3, 3.0)


def test_what_is_not_kept_is_dropped() -> None:
    tape, at = diamond()
    adjoints = tape.pull({at["y"]: 1.0}, keep=False)

    assert adjoints[at["w"]] == 7.0
    assert adjoints[at["square"]] is adjoints[at["y"]] is None


def test_reach_users_and_between() -> None:
    tape, at = diamond()
    starts, edges = tape.users()
    i = at["w"]

    assert list(tape.reach([at["square"]])) == [0, 1, 0, 0, 1]
    assert list(tape.needed([at["square"]])) == [1, 1, 0, 0, 0]
    assert list(tape.between(at["square"], at["y"])) == [0, 1, 0, 0, 1]
    assert [tape.results()[e] for e in edges[starts[i] : starts[i + 1]]] == [1, 1, 3]


def test_inputs_come_first_and_what_they_depend_on_is_left_out() -> None:
    a = Value(2.0)
    b = a * a
    c = b * 3
    tape = Tape.of([c], [b])

    assert tape.nodes[0] is b
    assert a not in tape.index
    assert tape.rows[0] is None
    assert len(tape) == 3


@given(programs())
def test_backward_agrees_with_the_tape(program: Program) -> None:
    values = [Value(x) for x in program.point]
    y = program(*values)
    if not isinstance(y, Value):
        return
    y.backward()
    tape = Tape.of([y])
    adjoints = tape.pull({tape.index[y]: 1.0}, times=product)

    for node, adjoint in zip(tape.nodes, adjoints, strict=True):
        assert repr(node.grad) == repr(adjoint or 0.0) or (node.grad == 0.0 and not adjoint)


@given(programs())
def test_forward_agrees_with_backward(program: Program) -> None:
    values = [Value(x) for x in program.point]
    y = program(*values)
    if not isinstance(y, Value):
        return
    tape = Tape.of([y])
    adjoints = tape.pull({tape.index[y]: 1.0}, times=product)
    for x in set(values) & set(tape.index):
        i = tape.index[x]
        tangent = tape.push({i: 1.0}, times=product)[tape.index[y]] or 0.0
        adjoint = adjoints[i] or 0.0

        assert (
            math.isclose(tangent, adjoint, rel_tol=1e-9, abs_tol=1e-300)
            or not math.isfinite(tangent)
            or not math.isfinite(adjoint)
        )


def test_a_tape_of_transforms_is_that_of_the_values() -> None:
    assert sg.jacobian(lambda v: [v[0] * v[1], v[0] + v[1], v[1]])([2.0, 3.0]) == [
        [3.0, 2.0],
        [1.0, 1.0],
        [0.0, 1.0],
    ]
