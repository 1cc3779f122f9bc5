"""A recurrent network of vectors: singular values, the sum over time, and clipping."""

import math
import random
from itertools import pairwise
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples.lecture2 import recurrent_network as recurrent
from scalargrad.examples.lecture2.recurrent_network import (
    NETWORKS,
    Network,
    gradients,
    singular_values,
    with_singular_values,
)


def result() -> Any:
    return computed("recurrent_network")


@pytest.mark.parametrize("seed", range(5))
def test_singular_values_of_a_matrix(seed: int) -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    draw = random.Random(seed)
    M = [[draw.gauss(0.0, 1.0) for _ in range(2)] for _ in range(2)]

    assert singular_values(M) == pytest.approx(np.linalg.svd(M, compute_uv=False), rel=1e-13)
    assert singular_values([[0.0, 0.0], [0.0, 0.0]]) == (0.0, 0.0)


@pytest.mark.parametrize("pair", [(0.9, 0.9), (1.5, 1.5), (1.1, 0.8), (2.0, 0.001)])
def test_a_matrix_with_given_singular_values(pair: tuple[float, float]) -> None:
    assert singular_values(with_singular_values(*pair)) == pytest.approx(pair, rel=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_gradient_is_as_long_as_the_singular_values_allow(name: str) -> None:
    """S4.22: |∂E/∂h_k| lies between the singular values of ∂h_T/∂h_k, times |∂E/∂h_T| = 1."""
    course = result().courses[name]

    assert len(course.lengths) == len(course.singular) == recurrent.STEPS + 1
    for length, (largest, smallest) in zip(course.lengths, course.singular, strict=True):
        assert smallest * (1 - 1e-9) <= length <= largest * (1 + 1e-9)


@pytest.mark.parametrize("rho", [0.5, 0.9, 1.0, 1.1, 1.3])
def test_a_rotation_times_a_number_gives_its_powers(rho: float) -> None:
    """S4.22: below 1 the gradient vanishes, at 1 it stays, above 1 it explodes."""
    course = gradients(Network(with_singular_values(rho, rho)), steps=40)
    for back, length in enumerate(reversed(course.lengths)):
        assert length == pytest.approx(rho**back, rel=1e-12)


def test_tanh_lowers_the_singular_values() -> None:
    """S4.22: |J| ≤ |W|, as no slope of tanh is above 1; so 1 and 1 vanishes."""
    course = result().courses["tanh, 1 and 1"]

    for (after, _), (before, _) in pairwise(reversed(course.singular)):
        assert before <= after * (1 + 1e-12)
    assert course.lengths[0] < 1e-10
    other = result().courses["tanh, 1.5 and 1.5"]
    assert other.lengths[0] > 1e-2
    assert other.singular[0][1] < 1e-14


@pytest.mark.parametrize("name", NETWORKS)
def test_the_derivative_by_w_is_a_sum_over_time(name: str) -> None:
    """S4.22, S4.20: a term for each use of W, as for any shared parameter."""
    course = result().courses[name]

    assert len(course.terms) == recurrent.STEPS
    for row, by_engine in zip(course.summed, course.by_engine, strict=True):
        assert row == pytest.approx(by_engine, rel=1e-11)


def test_where_it_vanishes_only_the_last_terms_count() -> None:
    """S4.22: what was read long ago does not move W."""
    terms = result().courses["tanh, 1 and 1"].terms

    assert sum(terms[:40]) < 1e-4 * sum(terms[-10:])
    level = result().courses["linear, 1 and 1"].terms
    assert max(level) < 20 * min(level)


def test_it_agrees_with_differences() -> None:
    xs = [[0.3, -0.6], [0.9, 0.1], [-0.2, 0.4]]

    def error(W: list[list[Value]]) -> Value:
        E: Value = losses.squared_error(recurrent.build(W, [0.5, -0.1], xs)[1][-1], [0.2, 0.7])
        return E

    sg.check_grads(error, ([[0.9, -0.4], [0.3, 1.1]],))


def test_clipping_keeps_the_direction_and_cures_explosion() -> None:
    """S4.22: without it one step is enough to leave all bounds."""
    plain, clipped = result().descents.values()

    assert plain.errors[0] == clipped.errors[0]
    assert plain.lengths[0] == clipped.lengths[0] > 1e4
    assert plain.errors[1] > 1e50
    assert clipped.errors[-1] < 1e-25
    w = [Value(0.0), Value(0.0)]
    w[0].grad, w[1].grad = 30.0, -40.0
    assert optim.clip_grad_norm(w, 1.0) == 50.0
    assert [v.grad for v in w] == pytest.approx([0.6, -0.8])
    assert math.hypot(*(v.grad for v in w)) == pytest.approx(1.0)


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="steps is at least 1, got 0"):
        gradients(NETWORKS["linear, 1 and 1"], 0)
