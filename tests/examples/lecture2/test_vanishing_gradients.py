"""Vanishing and exploding gradients: the product Π w g', by hand and by the engine."""

import math
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.lecture2 import vanishing_gradients as vanishing
from scalargrad.examples.lecture2.vanishing_gradients import UNITS, Unit, gradients


def result() -> Any:
    return computed("vanishing_gradients")


@pytest.mark.parametrize("name", UNITS)
def test_the_gradient_is_the_product_of_w_and_the_slopes(name: str) -> None:
    """S4.22: ∂a_T/∂a_k = Π w g'(z_k), derived by hand."""
    course = result()[name]

    assert len(course.by_engine) == vanishing.DEPTH + 1
    assert course.by_engine == pytest.approx(course.by_hand, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("w", [0.5, 0.9, 1.0, 1.1, 2.0, -0.9, -1.1])
def test_a_linear_unit_gives_a_power_of_its_weight(w: float) -> None:
    """S4.22: below 1 in size it vanishes, at 1 it stays, above 1 it explodes."""
    course = gradients(Unit("linear", w, 0.0, 1.0))
    for steps in (1, 10, 50, 100):
        assert course.back(steps) == pytest.approx(w**steps, rel=1e-13)
    assert course.mean_factor == pytest.approx(abs(w))


def test_a_sigmoid_costs_a_factor_of_four_at_least() -> None:
    course = result()["sigmoid, w = 1, noise"]

    assert max(course.factors) <= 0.25
    for steps in range(101):
        assert 0.0 < course.back(steps) <= 0.25**steps


@pytest.mark.parametrize(("w", "factor"), [(4.0, 1.0), (6.0, 1.5), (2.0, 0.5)])
def test_a_sigmoid_at_its_steepest_place_is_like_a_linear_unit_of_a_quarter(
    w: float, factor: float
) -> None:
    course = gradients(Unit("sigmoid", w, -w / 2.0, 0.5))

    assert course.states == [0.5] * 101
    assert course.back(100) == pytest.approx(factor**100, rel=1e-12)


def test_a_tanh_unit_at_rest_grows_and_in_noise_saturates() -> None:
    """A weight of 2 doubles the gradient only where tanh is steep, which noise does not permit."""
    at_rest = gradients(Unit("tanh", 2.0, 0.0, 0.0))
    in_noise = result()["tanh, w = 2, noise"]

    assert at_rest.back(100) == 2.0**100
    assert abs(in_noise.back(100)) < 1e-10
    assert in_noise.mean_factor < 1.0 < max(in_noise.factors)


def test_the_derivative_agrees_with_differences() -> None:
    xs = [0.3, -0.6, 0.9, 0.1]

    def last(a0: Value, w: Value) -> Value:
        return vanishing.build(a0, w, xs)[-1]

    sg.check_grads(last, (0.2, 0.8))


def test_very_far_back_nothing_is_left_in_floats() -> None:
    vanished = gradients(Unit("linear", 0.4, 0.0, 1.0), depth=10_000)
    exploded = gradients(Unit("linear", 1.1, 0.0, 0.0), depth=10_000)

    assert vanished.by_engine[0] == 0.0
    assert vanished.by_engine[9_990] == pytest.approx(0.4**10)
    assert exploded.by_engine[0] == math.inf


@pytest.mark.parametrize(
    ("unit", "depth", "message"),
    [
        (UNITS["linear, w = 1"], 0, "depth is at least 1, got 0"),
        (Unit("softsign", 1.0, 0.0, 0.0), 5, "linear, tanh, sigmoid, got 'softsign'"),
    ],
)
def test_bad_input(unit: Unit, depth: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradients(unit, depth)


def test_the_report_has_a_row_for_each_unit() -> None:
    text = vanishing.report(result())

    for name in UNITS:
        assert text.count(f"  {name}  ") == 1
    assert "+2.66e-05" in text
