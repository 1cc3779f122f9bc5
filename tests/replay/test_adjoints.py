"""The adjoints of a program against `backward` of the graph it was recorded from."""

from math import isnan, nan
from typing import Any

import pytest
from hypothesis import assume, given
from strategies import ALL, Program, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.backends.python import PythonRunner


@pytest.mark.parametrize("careful", [False, True])
@given(program=programs(ALL))
def test_adjoints_are_those_of_backward(careful: bool, program: Program) -> None:
    xs = [Value(x) for x in program.point]
    out = program(*xs) + 0.0
    assume(isinstance(out, Value))
    out.backward()
    # a derivative is a sum over paths: it is known in proportion to the sum of their sizes
    sizes = dict.fromkeys(sg.topological_order(out), 0.0) | {out: 1.0}
    for node in reversed(sg.topological_order(out)):
        for parent, partial in zip(node.parents, node.partials, strict=True):
            sizes[parent] += abs(partial) * sizes[node]
    assume(max(sizes.values()) < 1e8)

    recorded = sg.compile(lambda *xs: program(*xs) + 0.0).record(*program.point).copy()
    recorded.guards = []
    extended = with_adjoints(recorded, recorded.inputs, careful)
    (value, *_), _ = PythonRunner(extended).run([], [[x] for x in program.point])
    numbers = PythonRunner(extended).numbers([], program.point)

    assert value == pytest.approx(out.data, rel=1e-11, abs=1e-11)
    for x, slot in zip(xs, extended.outputs[1:], strict=True):
        assert numbers[slot] == pytest.approx(x.grad, abs=1e-11 * max(sizes.get(x, 0.0), 1e-3))


def test_a_shared_leaf_collects_over_the_samples() -> None:
    w = Value(3.0)
    program = sg.compile(lambda x: x * x * w, [w]).record([1.0]).copy()
    extended = with_adjoints(program, [*program.parameters, *program.inputs], careful=False)

    uniform, rows = PythonRunner(extended).run([3.0], [[1.0, 2.0]])

    assert uniform == [15.0, 5.0]
    assert rows == [[6.0, 12.0]]


LIVE_AND_DEAD: list[tuple[Any, float]] = [
    (lambda x: sg.cos(sg.sqrt(x)), nan),
    (lambda x: sg.sqrt(x) ** 2, nan),
    (lambda x: sg.where(x > 0.0, sg.sqrt(x) * sg.exp(sg.sqrt(x)), 2.0 * x), 2.0),
    (lambda x: sg.maximum(sg.cos(sg.sqrt(x)) - 2.0, 2.0 * x), 2.0),
    (lambda x: sg.relu(sg.sqrt(x) - 1.0) + x, 1.0),
    (lambda x: 0.0 * sg.sqrt(x) + x, 1.0),
]


@pytest.mark.parametrize(("f", "slope"), LIVE_AND_DEAD)
def test_what_was_not_used_is_left_out_and_other_zeros_are_numbers(f: Any, slope: float) -> None:
    for compiled in (sg.compile(f), sg.compile(f, backend="python")):
        if isnan(slope):
            with pytest.raises(FloatingPointError, match="sample 1"):
                compiled.value_and_grad([1.0, 0.0])
            assert isnan(compiled.f(Value(0.0)).data + sg.grad(compiled.f)(0.0))
        else:
            assert compiled.value_and_grad([0.0, 0.0])[1].tolist() == [slope / 2.0] * 2
    for derivative in (sg.grad(f), lambda x: sg.jvp(f, (x,), (1.0,))[1]):
        c = sg.compile(derivative)
        if isnan(slope):
            with pytest.raises(FloatingPointError, match="sample 1"):
                c([1.0, 0.0])
        else:
            assert c([1.0, 0.0])[1] == slope


def test_a_parameter_counts_where_some_sample_uses_it() -> None:
    w = Value(0.0)
    c = sg.compile(lambda x: sg.where(x > 0.0, sg.sqrt(w) * x, x * w), params=[w])

    assert c.value_and_grad([-1.0, -2.0])[1].tolist() == [-1.5]
    with pytest.raises(FloatingPointError, match="inf"):
        c.value_and_grad([1.0, -2.0])


def test_a_path_that_relu_closes_adds_nothing_to_a_careful_program() -> None:
    program = sg.compile(lambda x: sg.sqrt(sg.relu(x))).record(-1.0).copy()  # slope inf, then 0
    extended = with_adjoints(program, program.inputs, careful=True)

    assert PythonRunner(extended).run([], [[-1.0]])[1] == [[0.0]]
