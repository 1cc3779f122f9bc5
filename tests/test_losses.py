"""Tests of losses: each against its formula written out, its gradient, its extremes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value, losses, nn

REDUCTIONS = {
    "sum": sum,
    "mean": lambda terms: sum(terms) / len(terms),
    "half_sum": lambda terms: sum(terms) / 2,
    "half_mean": lambda terms: sum(terms) / len(terms) / 2,
}

# The formula of one term, as in a textbook, good for moderate outputs; the default reduction.
TERMS: dict[Callable[..., Any], tuple[Callable[[float, float], float], str]] = {
    losses.squared_error: (lambda y, t: (y - t) * (y - t), "half_sum"),
    losses.hinge: (lambda z, t: max(0.0, 1.0 - z * t), "mean"),
    losses.perceptron: (lambda z, t: max(0.0, -z * t), "mean"),
    losses.binary_cross_entropy: (
        lambda z, t: (
            -t * math.log(1 / (1 + math.exp(-z))) - (1 - t) * math.log(1 / (1 + math.exp(z)))
        ),
        "mean",
    ),
}

moderate = st.floats(-10, 10)
pairs = st.lists(st.tuples(moderate, st.sampled_from([-1.0, 0.0, 0.25, 1.0])), min_size=1)
each_loss = pytest.mark.parametrize("loss", TERMS, ids=lambda loss: loss.__name__)


def close(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


def log_softmax(logits: list[float]) -> list[float]:
    total = math.log(sum(math.exp(z) for z in logits))
    return [z - total for z in logits]


# --- losses of one output and one target ----------------------------------------------------


@each_loss
@given(pairs=pairs)
def test_a_loss_is_its_formula_with_every_reduction(
    loss: Callable[..., Any], pairs: list[tuple[float, float]]
) -> None:
    formula, default = TERMS[loss]
    outputs, targets = [y for y, _ in pairs], [t for _, t in pairs]
    terms = [formula(y, t) for y, t in pairs]

    for name, reduce in REDUCTIONS.items():
        assert loss(outputs, targets, reduction=name) == close(reduce(terms))
        assert loss(outputs, targets, name) == loss([*map(Value, outputs)], targets, name).data
    assert loss(outputs, targets) == loss(outputs, targets, default)


@each_loss
def test_one_output_is_a_list_of_one(loss: Callable[..., Any]) -> None:
    for reduction in REDUCTIONS:
        alone, listed, nested = (
            loss(y, t, reduction) for y, t in ((0.3, -1.0), ([0.3], [-1.0]), ([[0.3]], [[-1.0]]))
        )

        assert alone == listed == nested > 0.0


@each_loss
def test_lists_of_lists_count_every_number(loss: Callable[..., Any]) -> None:
    outputs, targets = [[0.5, -2.0], [0.25, 3.0], [1.0, 0.0]], [[1, -1], [-1, -1], [1, 1]]
    flat = [y for row in outputs for y in row], [t for row in targets for t in row]

    for reduction in REDUCTIONS:
        expected = loss(*flat, reduction)

        assert loss(outputs, targets, reduction) == expected
        assert loss(np.array(outputs), np.array(targets), reduction) == expected
        assert loss(tuple(outputs), [tuple(row) for row in targets], reduction) == expected


@each_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradients_agree_with_numerical_ones(loss: Callable[..., Any], reduction: str) -> None:
    targets = [[1.0, -1.0], [1.0, -1.0]]

    sg.check_grads(lambda z: loss(z, targets, reduction), ([[0.3, 0.7], [-1.5, -2.5]],))
    sg.check_grads(lambda z: loss(z, 1.0, reduction), (-0.6,))


@pytest.mark.parametrize("loss", [losses.squared_error, losses.binary_cross_entropy])
def test_second_derivatives_and_those_by_the_target_agree_too(loss: Callable[..., Any]) -> None:
    sg.check_grads(loss, ([0.3, -1.5], [0.2, 0.9]), order=2)


@each_loss
def test_targets_may_be_values(loss: Callable[..., Any]) -> None:
    z, t = Value(-0.5), Value(1.0)
    out = loss(z, t)
    out.backward()

    assert out.data == loss(-0.5, 1.0)
    assert t.grad == close(sg.grad(lambda t: loss(-0.5, t))(1.0))


@each_loss
def test_shapes_that_differ_are_refused(loss: Callable[..., Any]) -> None:
    name = loss.__name__
    for outputs, targets, message in (
        ([1.0, 2.0], [1.0], f"{name} .*got 1 targets for 2 outputs"),
        ([1.0], [1.0, 2.0], f"{name} .*got 2 targets for 1 outputs"),
        ([], [], f"{name} .*got 0 targets for 0 outputs"),
        (1.0, [1.0], f"{name} .*same shape.*got float and list"),
        ([[1.0], [2.0]], [1.0, 2.0], f"{name} .*same shape.*got list and float"),
        ([[1.0], [2.0, 3.0]], [[1.0], [2.0]], f"{name} .*got 1 targets for 2 outputs"),
    ):
        with pytest.raises(ValueError, match=message):
            loss(outputs, targets)


@each_loss
def test_an_unknown_reduction_is_refused(loss: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=f"{loss.__name__}: .*sum, mean, .*got 'none'"):
        loss([1.0], [1.0], reduction="none")


@each_loss
def test_texts_are_refused(loss: Callable[..., Any]) -> None:
    for outputs, targets in (
        ("cat", "dog"),
        (["cat"], ["dog"]),
        (["cat"], [1.0]),
        ([1.0], ["dog"]),
    ):
        with pytest.raises(TypeError, match=f"{loss.__name__} takes numbers, .*str"):
            loss(outputs, targets)


@each_loss
@pytest.mark.parametrize("z", [1000.0, -1000.0, 1e-300, 0.0])
@pytest.mark.parametrize("t", [0.0, 1.0, -1.0])
def test_extreme_outputs_have_finite_losses_and_slopes(
    loss: Callable[..., Any], z: float, t: float
) -> None:
    assert all(map(math.isfinite, sg.value_and_grad(lambda z: loss(z, t))(z)))


# --- what is particular to each -------------------------------------------------------------


@pytest.mark.parametrize("t", [1.0, -1.0])
def test_the_kinks_are_strictly_zero(t: float) -> None:
    for loss, kink in ((losses.hinge, t), (losses.perceptron, 0.0), (losses.perceptron, -0.0)):
        z = Value(kink)
        out = loss(z, t)
        out.backward()

        assert (out.data, z.grad) == (0.0, 0.0)


@pytest.mark.parametrize("t", [1.0, -1.0])
def test_beyond_the_kink_hinge_and_perceptron_are_flat_and_before_it_straight(t: float) -> None:
    for loss, beyond, before in ((losses.hinge, 1.001, 0.999), (losses.perceptron, 0.1, -0.1)):
        assert sg.value_and_grad(lambda z, loss=loss: loss(z, t))(beyond * t) == (0.0, 0.0)
        assert sg.grad(lambda z, loss=loss: loss(z, t))(before * t) == -t


def test_the_halved_square_has_the_difference_as_its_slope() -> None:
    assert sg.value_and_grad(lambda y: losses.squared_error(y, 0.5))(2.0) == (1.125, 1.5)


@pytest.mark.parametrize(("z", "t"), [(1000.0, 0.0), (-1000.0, 1.0)])
def test_a_logit_far_on_the_wrong_side_costs_its_size(z: float, t: float) -> None:
    value, slope = sg.value_and_grad(lambda z: losses.binary_cross_entropy(z, t))(z)

    assert (value, slope) == (1000.0, math.copysign(1.0, z))
    assert losses.binary_cross_entropy(z, 1.0 - t) == 0.0


def test_a_logit_far_on_the_right_side_keeps_its_digits() -> None:
    value, slope = sg.value_and_grad(lambda z: losses.binary_cross_entropy(z, 1.0))(40.0)

    assert (value, -slope) == pytest.approx((math.exp(-40.0), math.exp(-40.0)), rel=1e-9, abs=0.0)


@given(z=moderate, t=st.floats(0, 1))
def test_the_slope_by_the_logit_is_probability_minus_target(z: float, t: float) -> None:
    assert sg.grad(lambda z: losses.binary_cross_entropy(z, t))(z) == close(sg.sigmoid(z) - t)


# --- cross entropy --------------------------------------------------------------------------

logits_and_class = st.lists(moderate, min_size=1, max_size=6).flatmap(
    lambda logits: st.tuples(st.just(logits), st.integers(0, len(logits) - 1))
)


@given(logits_and_class)
def test_the_cross_entropy_of_a_class(sample: tuple[list[float], int]) -> None:
    logits, target = sample
    expected = close(-log_softmax(logits)[target])
    one_hot = [float(i == target) for i in range(len(logits))]

    assert losses.cross_entropy(logits, target) == expected
    assert losses.cross_entropy(logits, float(target)) == expected
    assert losses.cross_entropy([*map(Value, logits)], np.int64(target)).data == expected
    assert losses.cross_entropy(logits, one_hot) == expected
    assert losses.cross_entropy([logits], [target]) == expected


@given(st.lists(st.tuples(moderate, st.floats(0.01, 1)), min_size=1, max_size=6))
def test_the_cross_entropy_of_probabilities(sample: list[tuple[float, float]]) -> None:
    logits, total = [z for z, _ in sample], sum(p for _, p in sample)
    shares = [p / total for _, p in sample]
    expected = -sum(p * log for p, log in zip(shares, log_softmax(logits), strict=True))

    assert losses.cross_entropy(logits, shares) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_samples_are_reduced_and_targets_of_both_kinds_mix() -> None:
    samples, targets = [[0.5, -1.0, 2.0], [3.0, 0.0, 0.1]], [2, [0.2, 0.3, 0.5]]
    terms = [losses.cross_entropy(z, t) for z, t in zip(samples, targets, strict=True)]

    for name, reduce in REDUCTIONS.items():
        assert losses.cross_entropy(samples, targets, name) == close(reduce(terms))
    assert losses.cross_entropy(samples, targets) == losses.cross_entropy(samples, targets, "mean")
    arrays = np.array(samples), np.array([2, 0])
    assert losses.cross_entropy(*arrays) == losses.cross_entropy(samples, [2, 0])


@pytest.mark.parametrize("target", [0, [0.2, 0.3, 0.5]])
def test_the_gradient_of_cross_entropy_agrees(target: Any) -> None:
    sg.check_grads(lambda z: losses.cross_entropy(z, target), ([0.5, -1.0, 2.0],), order=2)
    sg.check_grads(
        lambda z: losses.cross_entropy(z, [target, 2]), ([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0]],)
    )


def test_the_slope_by_the_logits_is_softmax_minus_target() -> None:
    logits = [0.5, -1.0, 2.0]
    expected = [p - (i == 1) for i, p in enumerate(sg.softmax(logits))]

    assert sg.grad(lambda z: losses.cross_entropy(z, 1))(logits) == pytest.approx(expected)


@pytest.mark.parametrize("target", [0, 1, [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
def test_extreme_logits_do_not_overflow(target: Any) -> None:
    wrong = (target[1] if isinstance(target, list) else target) * 1.0
    value, slope = sg.value_and_grad(lambda z: losses.cross_entropy(z, target))([1000.0, -1000.0])

    assert value == 2000.0 * wrong
    assert slope == [wrong, -wrong]


def test_the_cross_entropy_of_a_class_is_two_nodes() -> None:
    logits = [Value(0.5), Value(-1.0), Value(2.0)]
    loss = losses.cross_entropy(logits, 1)
    total, chosen = loss.parents

    assert (loss.op, total.op, total.parents) == ("-", "logsumexp", tuple(logits))
    assert chosen is logits[1]


def test_cross_entropy_refuses_what_does_not_fit() -> None:
    for outputs, targets, error, message in (
        ([1.0, 2.0], 2, IndexError, "class 2, but there are 2 logits"),
        ([1.0, 2.0], 0.5, ValueError, "whole number .*got 0.5"),
        ([1.0, 2.0], [1.0], ValueError, "2 inputs for 1 weights"),
        ([1.0, 2.0], [0.3, 0.3], ValueError, r"add up to 1, got \[0.3, 0.3\]"),
        ([1.0, 2.0], [0.0, 0.0], ValueError, "add up to 1"),
        ([1.0, 2.0], [0.5, math.nan], ValueError, "add up to 1"),
        ([1.0, 2.0], [0.5, 0.502], ValueError, "add up to 1"),
        ([[1.0, 2.0]], [0, 1], ValueError, "cross_entropy .*got 2 targets for 1 samples"),
        (1.0, 0, TypeError, "cross_entropy takes a list of logits, .*got float"),
        ([], 0, IndexError, "class 0, but there are 0 logits"),
    ):
        with pytest.raises(error, match=message):
            losses.cross_entropy(outputs, targets)
    with pytest.raises(ValueError, match=r"cross_entropy: reduction .*got 'none'"):
        losses.cross_entropy([1.0, 2.0], 0, reduction="none")


def test_probabilities_may_be_rounded_or_values() -> None:
    rounded = losses.cross_entropy([1.0, 2.0, 3.0], [0.3333, 0.3333, 0.3333])
    exact = losses.cross_entropy([1.0, 2.0, 3.0], [1 / 3, 1 / 3, 1 / 3])

    assert rounded == pytest.approx(exact, rel=1e-3)
    # Values are not held to a sum: check_grads moves them one by one
    sg.check_grads(lambda p: losses.cross_entropy([1.0, 2.0], p), ([0.25, 0.75],))


@pytest.mark.parametrize("target", [-1, -1.0, np.int64(-1), 3, np.int64(3)], ids=repr)
def test_a_class_that_is_not_there_is_refused(target: Any) -> None:
    for outputs, targets in (([1.0, 2.0, 3.0], target), ([[1.0, 2.0, 3.0]], [target])):
        with pytest.raises(IndexError):
            losses.cross_entropy(outputs, targets)


def test_the_bare_outputs_of_several_samples_are_refused() -> None:
    model = nn.MLP(1, [1])  # a single logit, where cross_entropy needs one for each class
    with pytest.raises((TypeError, ValueError)):
        losses.cross_entropy([model([x]) for x in (0.0, 1.0, 2.0)], [1, 0, 1])


# --- l2 -------------------------------------------------------------------------------------


@given(st.lists(moderate))
@example([])
def test_l2_is_the_sum_of_squares(parameters: list[float]) -> None:
    assert losses.l2(parameters) == close(sum(p * p for p in parameters))


def test_l2_takes_the_parameters_of_a_model_as_one_node() -> None:
    parameters = nn.MLP(2, [3, 1]).parameters()
    penalty = losses.l2(p for p in parameters)
    penalty.backward()

    assert penalty.data == close(sum(p.data**2 for p in parameters))
    assert [p.grad for p in parameters] == [2.0 * p.data for p in parameters]
    assert set(penalty.parents) == set(parameters)
    sg.check_grads(losses.l2, ([0.5, -2.0],), order=2)


def test_cross_entropy_of_what_is_no_class() -> None:
    for targets in (None, "ab"):
        with pytest.raises(TypeError, match="takes a class or a list of probabilities, got"):
            losses.cross_entropy([1.0, 2.0], targets)


def test_dicts_and_sets_are_no_lists() -> None:
    for outputs, targets in (({1: 5.0}, {2: 7.0}), ({1.0, 2.0}, [1.0, 2.0])):
        with pytest.raises(TypeError, match="squared_error takes numbers, Values or lists of them"):
            losses.squared_error(outputs, targets)
    with pytest.raises(TypeError, match="l2 takes a list of numbers or Values, got int"):
        losses.l2(3)
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.squared_error(1.0, 2.0, [])


@pytest.mark.parametrize("loss", TERMS)
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_narrow_integers_of_numpy_do_not_overflow(loss: Callable[..., Any], kind: Any) -> None:
    outputs, targets = [100, -2 if kind is np.int8 else 2], [90, 100]

    assert loss(outputs, np.array(targets, kind)) == loss(outputs, targets)
    assert loss(np.array(outputs, kind), np.array(targets, kind)) == loss(outputs, targets)
