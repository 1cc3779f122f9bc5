"""Raw and standardised inputs: how long descent takes, and why."""

import math

import numpy as np
import pytest
from computed import computed
from lectures import close_to, lecture

from scalargrad.data import standardize
from scalargrad.examples.van_veen import normalisation as example

CASE = lecture("S1.normalisation")
EXPECTED = CASE["expected"]
close = close_to(CASE)


@pytest.fixture(scope="module")
def valleys() -> example.Valleys:
    return computed("normalisation")


def test_the_data_are_those_of_the_case() -> None:
    assert [[*row, 1.0] for row in example.X] == CASE["inputs"]["X_plus_bias"]
    assert CASE["inputs"]["y"] == example.Y


@pytest.mark.parametrize("name", ["raw", "standardised"])
def test_updates_eigenvalues_and_rates(valleys: example.Valleys, name: str) -> None:
    """S1.14: 116,067 updates raw, 20 standardised."""
    course, want = valleys.courses[name], EXPECTED[name]

    assert course.converged
    assert abs(course.updates - want["updates_to_norm_grad_lt_1e-6"]) <= 2
    assert close(course.lr, want["eps=1/lambda_max"])
    for got, expected in zip(course.eigenvalues, want["eigenvalues"], strict=True):
        assert close(got, expected)


def test_mean_and_deviation(valleys: example.Valleys) -> None:
    for got, want in ((valleys.scaling.mean, "mean"), (valleys.scaling.std, "std")):
        assert close(got, EXPECTED[want])


def test_eigenvalues_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        rows = rng.normal(size=(3, 2)) * rng.uniform(0.1, 10.0, 2)
        table = np.column_stack([rows, np.ones(3)])
        expected = np.linalg.eigvalsh(table.T @ table)

        assert example.eigenvalues(rows.tolist()) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def updates_foretold(rows: list[list[float]], rate: float) -> int:
    """By the closed form: each part of the gradient shrinks by 1 - ε λ in its own direction."""
    table = np.column_stack([rows, np.ones(3)])
    values, directions = np.linalg.eigh(table.T @ table)
    start = directions.T @ (table.T @ np.array(example.Y))
    shrink = 1.0 - rate / values[-1] * values
    low, high = 0, 10**7
    while low < high:
        k = (low + high) // 2
        if np.linalg.norm(start * shrink**k) < 1e-6:
            high = k
        else:
            low = k + 1
    return low


def test_the_eigenvalues_foretell_the_updates(valleys: example.Valleys) -> None:
    for course in valleys.courses.values():
        assert abs(course.updates - updates_foretold(course.rows, 1.0)) <= 2


def test_nearly_twice_the_rate_halves_the_raw_time_and_no_more() -> None:
    """What the text tells to look for."""
    rows, _ = standardize(example.X)

    raw = [updates_foretold(example.X, rate) for rate in (1.0, 1.9)]
    assert 1.85 < raw[0] / raw[1] < 1.95
    assert example.descend(rows, 1.9).updates > 5 * example.descend(rows).updates


def test_beyond_twice_it_runs_away() -> None:
    course = example.descend(example.X, 2.1, most=100)

    assert not course.converged
    assert course.updates == 100
    assert course.errors[-1] > 1e3 * course.errors[0]
    with pytest.raises(ValueError, match=r"rates between 0 and 2 over λ_max, got 2\.1"):
        example.run(2.1)


def test_both_end_at_the_same_line(valleys: example.Valleys) -> None:
    raw, scaled = (course.places[-1] for course in valleys.courses.values())
    (m1, m2), (s1, s2) = valleys.scaling.mean, valleys.scaling.std
    back = [scaled[0] / s1, scaled[1] / s2]
    back.append(scaled[2] - back[0] * m1 - back[1] * m2)

    assert back == pytest.approx(raw, abs=2e-4)
    assert back == pytest.approx([2 / 15, -2 / 15, 0.99 + 4 / 15], abs=1e-6)


def test_without_numba_it_takes_the_same_course(valleys: example.Valleys) -> None:
    course = example.descend(example.X, most=300, backend="python")

    assert course.errors == pytest.approx(valleys.courses["raw"].errors[:301], rel=1e-12)
    assert course.places[:-1] == [pytest.approx(w) for w in valleys.courses["raw"].places[:10]]


def test_the_raw_error_falls_at_once_and_then_hardly_at_all(valleys: example.Valleys) -> None:
    errors = valleys.courses["raw"].errors

    assert errors[100] < 0.02 * errors[0]
    assert errors[1000] > 0.8 * errors[100]


def test_the_contours_have_the_bottom_where_the_descent_ends(valleys: example.Valleys) -> None:
    for course in valleys.courses.values():
        error = example._by_kdp_and_bias(course.rows)
        _, w2, b = course.places[-1]
        around = [error(w2 + 0.1 * math.cos(k), b + 0.1 * math.sin(k)) for k in range(7)]

        assert error(w2, b) < min(around)
