"""The adjoints of a program against `backward` of the graph it was recorded from."""

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


def test_a_path_that_relu_closes_adds_nothing_to_a_careful_program() -> None:
    program = sg.compile(lambda x: sg.sqrt(sg.relu(x))).record(-1.0).copy()  # slope inf, then 0
    extended = with_adjoints(program, program.inputs, careful=True)

    assert PythonRunner(extended).run([], [[-1.0]])[1] == [[0.0]]
