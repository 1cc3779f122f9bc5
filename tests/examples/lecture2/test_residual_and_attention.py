"""A residual block and an attention: forward programs whose way back is checked by hand."""

import math
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import losses
from scalargrad.examples.lecture2 import residual_and_attention as example


def result() -> Any:
    return computed("residual_and_attention")


@pytest.mark.parametrize("x", [-2.0, -0.3, 0.0, 0.5, 4.0])
def test_the_slope_of_a_residual_block_is_one_more_than_that_of_its_function(x: float) -> None:
    """S4.21: ∂y/∂x = 1 + F'(x)."""
    slope = sg.grad(example.residual_unit)(x)
    without = sg.grad(lambda x: example.residual_unit(x) - x)(x)

    assert slope == pytest.approx(example.residual_slope_by_hand(x), rel=1e-14)
    assert slope == pytest.approx(1.0 + without, rel=1e-14)


def test_a_deep_stack_keeps_its_gradient_only_with_the_way_past() -> None:
    """S4.21, S4.22: 30 layers; the same weights with and without."""
    residual, plain = result().residual.by_layer, result().plain.by_layer

    assert len(residual) == len(plain) == 31
    assert plain[0] < 1e-8 * plain[-1]
    assert 0.1 < residual[0] / residual[-1] < 100.0


def test_a_block_that_does_nothing_lets_the_gradient_through_unchanged() -> None:
    zeros = example.stack(True, scale=0.0)
    cut = example.stack(False, scale=0.0)

    assert zeros.by_layer == [zeros.by_layer[-1]] * 31
    assert cut.by_layer == [0.0] * 30 + [cut.by_layer[-1]]


def test_the_attention_agrees_with_the_formulas() -> None:
    """S4.21: one query, three keys; the derivatives of q, each key and each value by hand."""
    a = result().attention

    assert a.largest_difference < 1e-15
    assert [x.grad for x in a.q] == pytest.approx(a.by_hand.q, rel=1e-13)
    for i in range(3):
        assert [x.grad for x in a.keys[i]] == pytest.approx(a.by_hand.keys[i], rel=1e-12)
        assert [x.grad for x in a.values[i]] == pytest.approx(a.by_hand.values[i], rel=1e-12)
    assert min(abs(x.grad) for row in [a.q, *a.keys, *a.values] for x in row) > 1e-4


def test_the_weights_are_a_mean() -> None:
    a = result().attention
    powers = [math.exp(example.QUERY[0] * k1 / 2**0.5 + example.QUERY[1] * k2 / 2**0.5)
              for k1, k2 in example.KEYS]  # fmt: skip

    assert [p.data for p in a.p] == pytest.approx([x / sum(powers) for x in powers], rel=1e-14)
    assert sum(p.data for p in a.p) == pytest.approx(1.0)
    for column, y in enumerate(a.y):
        assert min(v[column] for v in example.VALUES) < y.data
        assert y.data < max(v[column] for v in example.VALUES)
    # more of one score is less of the others: the derivatives by the scores add up to 0
    assert abs(sum(a.by_hand.scores)) < 1e-15


def test_both_agree_with_differences() -> None:
    """S4.21: nothing but forward programs were written."""

    def attend(q: list[float], keys: list[list[float]], values: list[list[float]]) -> object:
        return losses.squared_error(example.attention(q, keys, values)[1], example.TARGET)

    nested = [[list(v) for v in vs] for vs in (example.KEYS, example.VALUES)]
    sg.check_grads(attend, (list(example.QUERY), *nested))
    w = [[0.3, -0.8], [0.5, 0.1]]
    for residual in (True, False):
        sg.check_grads(lambda xs, w, r=residual: example.block(xs, w, r), ([0.4, -0.9], w))


def test_a_stack_without_layers() -> None:
    with pytest.raises(ValueError, match="at least one layer, got depth = 0"):
        example.stack(True, depth=0)


def test_the_report_shows_both_ways() -> None:
    text = example.report(result())

    assert "dy/dx by the engine  0.556" in text
    assert "1 + F'(x) by hand    0.556" in text
    assert "largest difference to the formulas by hand" in text


@pytest.mark.parametrize("name", example.LIBRARIES)
def test_the_forward_program_of_each_library_gives_the_slope(name: str) -> None:
    """S4.21: PyTorch, TensorFlow and JAX by name, and scalargrad."""
    program = example.LIBRARIES[name]
    module = program.split()[1].rstrip(",")
    pytest.importorskip(module, reason=f"{module} is not installed")
    names: dict[str, Any] = {}
    exec(compile(program, f"<the program for {name}>", "exec"), names)

    exact = example.residual_slope_by_hand(0.5)
    assert names["slope"] == pytest.approx(exact, rel=1e-6 if name == "JAX" else 1e-14)


def test_the_structures_of_the_lecture_are_named_with_their_programs() -> None:
    """S4.21."""
    text = example.__doc__ or ""

    for name, where in (
        ("ResNet", "here"),
        ("transformer", "small_gpt"),
        ("Yolo", "small_detector"),
    ):
        (line,) = (part for part in text.split("\n- ")[1:] if part.split("\n\n")[0].count(name))
        assert where in line
    assert "PyTorch, TensorFlow and JAX" in text
    assert list(example.LIBRARIES) == ["scalargrad", "PyTorch", "TensorFlow", "JAX"]
