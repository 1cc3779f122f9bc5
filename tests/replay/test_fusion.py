"""The program that comes out of a recording: dropped, merged, folded, fused, printed."""

import random
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value, nn


def program_of(f: Any, *args: Any, params: Any = None) -> Any:
    c = sg.compile(f, params, backend="python")
    c.record(*args)
    return c.program


def test_the_program_is_printed_one_instruction_a_line() -> None:
    w = Value(0.5, "w")
    program = program_of(lambda x: sg.tanh(w * x + 1) if x > 0 else x, [3.0], params=[w])

    assert str(program).splitlines() == [
        "program of 3 instructions: 1 input, 1 parameter",
        "for each sample:",
        "    v0 = w * x + 1.0",
        "    v1 = tanh(v0)",
        "    v2 = 0.0 < x",
        "guard: v2 is not 0, asked at " + str(program).splitlines()[5].partition("asked at ")[2],
        "return v1",
    ]
    assert "test_fusion.py" in str(program)
    assert repr(program) == "<program of 3 instructions: 1 input, 1 parameter>"


def test_what_is_not_needed_is_dropped() -> None:
    def f(x: Any) -> Any:
        sg.tanh(x)
        return x + 1

    assert len(program_of(f, [1.0])) == 1


def test_what_may_fail_is_watched_even_if_nothing_needs_it() -> None:
    def f(x: Any) -> Any:
        sg.exp(x)
        return x + 1

    program = program_of(f, [1.0])

    assert [row.name for row in program.rows if row] == ["add", "exp", "all_finite"]
    assert str(program).splitlines()[-2:] == ["watch: v2", "return v0"]


def test_equal_instructions_are_merged_and_constants_folded() -> None:
    program = program_of(lambda x: sg.exp(x) * sg.exp(x) + sg.sin(Value(2.0)) * 3, [1.0])

    assert [row.name for row in program.rows if row] == ["exp", "dot"]


def test_zero_and_minus_zero_are_not_merged() -> None:
    c = sg.compile(
        lambda x: [sg.atan2(x * 0 + 0.0, -1.0), sg.atan2(x * -0.0, -1.0)], backend="python"
    )
    assert c(1.0) == [sg.atan2(0.0, -1.0), sg.atan2(-0.0, -1.0)]


def test_sums_of_products_become_one_dot() -> None:
    random.seed(1)
    layer = nn.Layer(8, 1)
    (neuron,) = layer.neurons

    def by_hand(x: Any) -> Any:
        total = neuron.b
        for w, xi in zip(neuron.w, x, strict=True):
            total = total + w * xi
        return sg.relu(total)

    hand = program_of(by_hand, [[0.1] * 8], params=neuron.parameters())
    dots = program_of(lambda x: layer(x)[0], [[0.1] * 8], params=neuron.parameters())

    assert [row.name for row in hand.rows if row] == ["dot", "relu"]
    assert str(hand) == str(dots)


def test_what_is_used_twice_is_not_taken_in() -> None:
    def f(x: Any, y: Any) -> Any:
        product = x * y
        return (product + x) * (product + y)

    names = [row.name for row in program_of(f, [1.0], [2.0]).rows if row]
    assert sorted(names) == ["add", "add", "mul", "mul"]


def test_what_is_the_same_for_all_samples_is_computed_once() -> None:
    w = Value(2.0, "w")
    program = program_of(lambda x: x * sg.exp(w) + w * w, [1.0], params=[w])

    once = str(program).partition("for each sample:")[0]
    assert "exp(w)" in once
    assert "w * w" in once


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_small_powers_become_products(power: float) -> None:
    c = sg.compile(lambda x: x**power, backend="python")

    for x in (0.3, 1.7, 25.0):
        y = Value(x)
        out = y**power
        out.backward()
        assert c.value_and_grad(x) == pytest.approx((out.data, y.grad), rel=1e-15)
    assert "**" not in str(c.program)


def test_a_long_sum_is_one_instruction() -> None:
    w = [Value(1.0) for _ in range(20_000)]

    def f(x: Any) -> Any:
        total = x
        for wi in w:
            total = total + wi * x
        return total

    program = program_of(f, [1.0], params=w)
    assert [len(operands) for operands in program.operands if operands] == [40_001]
