"""A lowered program computes what the recorded one does, on the reference backend too."""

from typing import Any

import pytest
from hypothesis import assume, given
from strategies import ALL, Program, programs

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.backends.python import PythonRunner
from scalargrad.replay.lowering import lowered, matrix

spellings = pytest.importorskip("scalargrad.replay.backends.numba.spellings")


def same(a: Any, b: Any) -> bool:
    (uniform, rows), (expected, expected_rows) = a, b
    close = lambda xs, ys: xs == pytest.approx(ys, rel=1e-9, abs=1e-9, nan_ok=True)
    return close(uniform, expected) and all(map(close, rows, expected_rows))


@given(program=programs(ALL))
def test_the_rules_of_a_backend_change_no_value(program: Program) -> None:
    w = Value(program.constant)
    recorded = sg.compile(lambda *xs: program(*xs) * w, [w]).record(*program.point).copy()
    assume(recorded.outputs)
    recorded.guards = []
    extended = with_adjoints(recorded, [*recorded.parameters, *recorded.inputs], careful=False)
    theta, columns = [w.data], [[x, x + 0.25, x - 0.5] for x in program.point]

    rewritten = lowered(extended, spellings.RULES)

    assert not set(rewritten.rows) & set(spellings.RULES)
    assert same(
        PythonRunner(rewritten).run(theta, columns), PythonRunner(extended).run(theta, columns)
    )


def test_a_layer_becomes_a_matrix() -> None:
    layer = nn.Layer(3, 4, activation=None)
    weights = layer.parameters()
    program = sg.compile(layer, weights).record([[0.5, 1.0, 2.0]])
    rewritten = lowered(program, {})
    theta = [p.data for p in weights]

    assert [row for row in rewritten.rows if row] == [matrix] * 4
    assert len(rewritten) == 4
    assert "matrix" in str(rewritten)
    assert same(
        PythonRunner(rewritten).run(theta, [[0.5], [1.0], [2.0]]),
        PythonRunner(program).run(theta, [[0.5], [1.0], [2.0]]),
    )


def test_one_dot_beside_a_product_of_the_same_number_is_no_matrix() -> None:
    w, b, v = Value(0.5), Value(-0.25), Value(2.0)
    program = sg.compile(lambda x: sg.tanh(w * x + b) * sg.tanh(v * x), [w, b, v]).record(0.3)

    assert matrix not in lowered(program, {}).rows
