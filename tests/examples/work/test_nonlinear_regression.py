"""Three of NIST's problems, as the example solves them; tests/solve has all of them."""

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

from computed import computed

from scalargrad.examples.work.nonlinear_regression import MODELS, Solution, digits

PLACES = range(2 * len(MODELS))


def solution(place: int) -> Solution:
    each: Solution = computed("nonlinear_regression")[place]
    return each


def test_every_problem_from_both_starts() -> None:
    solved = [(each.problem.name, each.start) for each in computed("nonlinear_regression")]

    assert solved == [(name, start) for name in MODELS for start in (1, 2)]


@pytest.mark.parametrize("place", PLACES)
def test_parameters_and_deviations_to_ten_digits(place: int) -> None:
    each = solution(place)

    assert each.fit.success
    assert digits(each.fit.x, each.problem.parameters) > 10.0
    assert digits(each.fit.standard_errors, each.problem.deviations) > 10.0
    assert 2.0 * each.fit.cost == pytest.approx(each.problem.sum_of_squares, rel=1e-10)


@pytest.mark.parametrize("place", PLACES)
def test_finite_differences_lose_digits_and_take_more_calls(place: int) -> None:
    each = solution(place)

    assert 6.0 < digits(each.scipy, each.problem.parameters) < 9.5
    assert each.calls > 2 * each.fit.nfev


@pytest.mark.parametrize("place", range(0, 2 * len(MODELS), 2))
def test_both_starts_end_at_one_place(place: int) -> None:
    first, second = solution(place), solution(place + 1)

    assert first.fit.x == pytest.approx(second.fit.x, rel=1e-10)
