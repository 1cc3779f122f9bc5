"""Data on its way into training: what is promised of scaled columns, mini-batches and picks."""

import math
import random
from collections import Counter
from itertools import islice, pairwise
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lectures import close_to, lecture

from scalargrad import Value
from scalargrad.core.arguments import is_list
from scalargrad.data import Scaling, check_samples, minibatches, picks, standardize

numbers = st.floats(-1e6, 1e6)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=1)
)

# --- one scale ------------------------------------------------------------------------------


def test_mean_and_deviation_of_the_rain_table() -> None:
    """S1.14: (x - mean) / population deviation."""
    case = lecture("S1.normalisation")
    close = close_to(case)
    _, scaling = standardize([row[:2] for row in case["inputs"]["X_plus_bias"]])

    for got, want in zip(scaling.mean, case["expected"]["mean"], strict=True):
        assert close(got, want)
    for got, want in zip(scaling.std, case["expected"]["std"], strict=True):
        assert close(got, want)


@given(tables)
def test_columns_have_mean_0_and_deviation_1_unless_they_are_constant(
    X: list[list[float]],
) -> None:
    rows, scaling = standardize(X)

    for before, after, std in zip(zip(*X), zip(*rows), scaling.std, strict=True):  # noqa: B905
        size = max(map(abs, before)) / std  # what rounding the column itself may do
        assert abs(fmean(after)) <= 1e-14 * (1.0 + size)
        if max(before) - min(before) > 1e-6 * max(map(abs, before)):
            assert pstdev(after) == pytest.approx(1.0, abs=1e-8)
        if max(before) == min(before):
            assert set(after) == {0.0}


@given(tables)
def test_scaling_is_what_was_done_and_can_be_undone(X: list[list[float]]) -> None:
    rows, scaling = standardize(X)

    assert scaling(X) == rows
    for row, back in zip(X, scaling.undo(rows), strict=True):
        for x, x_back, m in zip(row, back, scaling.mean, strict=True):
            assert x_back == pytest.approx(x, rel=1e-12, abs=1e-12 * (1.0 + abs(m)))


def test_new_rows_are_scaled_by_the_numbers_of_the_old_ones() -> None:
    _, scaling = standardize([[0.0], [2.0]])

    assert scaling([[5.0], [5.0]]) == [[4.0], [4.0]]


def test_a_column_that_is_constant_but_for_rounding_is_not_blown_up() -> None:
    rows, scaling = standardize([[0.3], [0.1 + 0.2], [0.3]])

    assert scaling.std == (1.0,)
    assert max(abs(x) for (x,) in rows) < 1e-15


def test_small_differences_beside_a_large_mean_are_kept() -> None:
    rows, _ = standardize([[1e9 - 1.0], [1e9 + 1.0]])

    assert rows == [[-1.0], [1.0]]


def test_arrays_are_taken() -> None:
    assert standardize(np.array([[1.0, 2.0], [3.0, 2.0]]))[0] == [[-1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, "at least one row, got none"),
        (3.0, TypeError, "takes a list of rows, got float: 3.0"),
        ("12", TypeError, "takes a list of rows, got str: '12'"),
        ([1.0, 2.0], TypeError, "row 0 must be a list, got float: 1.0"),
        ([[1.0], [1.0, 2.0]], ValueError, "row 1 must have 1 numbers, got 2"),
        ([[1.0], [math.nan]], ValueError, "row 1 must have finite numbers, got"),
        ([["1"]], TypeError, "row 0 takes a real number .* got str: '1'"),
        ([[Value(1.0)]], TypeError, "row 0 takes a real number .* got Value"),
    ],
)
def test_tables_that_are_none(X: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^standardize.*{message}"):
        standardize(X)  # type: ignore[arg-type]


def test_rows_of_another_width_are_not_scaled() -> None:
    with pytest.raises(ValueError, match="Scaling: row 0 must have 2 numbers, got 1"):
        Scaling((0.0, 0.0), (1.0, 1.0))([[1.0]])
    with pytest.raises(ValueError, match="Scaling: row 0 must have 1 numbers, got 2"):
        Scaling((0.0,), (1.0,)).undo([[1.0, 2.0]])


# --- which samples next ---------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 70), st.integers())
def test_minibatches_deal_every_sample_once(n: int, size: int, seed: int) -> None:
    """S1.14: all batches are of the size, but the last may be smaller."""
    batches = minibatches(n, size, random.Random(seed))

    assert sorted(i for batch in batches for i in batch) == [*range(n)]
    assert all(len(batch) == size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= size


def test_minibatches_come_in_another_order_each_time() -> None:
    rng = random.Random(1)
    first, second = minibatches(20, 5, rng), minibatches(20, 5, rng)

    assert first != second
    assert first == minibatches(20, 5, random.Random(1))


def test_picks_are_drawn_with_replacement() -> None:
    """S1.3: each index is as likely as any other, whatever came before."""
    drawn = [*islice(picks(4, random.Random(1)), 8000)]
    pairs = Counter(pairwise(drawn))

    assert set(drawn) == {0, 1, 2, 3}
    assert len(pairs) == 16
    assert all(400 < count < 600 for count in pairs.values())


def test_the_module_of_python_draws_where_none_is_given() -> None:
    random.seed(7)
    together = [minibatches(9, 2), [*islice(picks(9), 5)]]
    rng = random.Random(7)

    assert together == [minibatches(9, 2, rng), [*islice(picks(9, rng), 5)]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: minibatches(0, 2), ValueError, "minibatches: n must be at least 1, got 0"),
        (
            lambda: minibatches(3, 0),
            ValueError,
            "batch_size must be at least 1, got 0",
        ),
        (lambda: minibatches(3, 1.5), TypeError, "batch_size must be a whole number"),
        (lambda: picks(0), ValueError, "picks: n must be at least 1, got 0"),
        (lambda: picks([1, 2]), TypeError, "picks: n must be a whole number, got list"),
    ],
)
def test_counts_that_are_none(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("draw", [lambda rng: minibatches(3, 2, rng), lambda rng: picks(3, rng)])
def test_a_seed_draws_nothing(draw: Any) -> None:
    with pytest.raises(TypeError, match=r"as random.Random\(1\) has, got int"):
        draw(7)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([], True), ((1, 2), True), (np.zeros(2), True), (range(3), True),
        (np.array(1.0), False), ("ab", False), (b"ab", False), ({1: 2}, False), ({1}, False),
        (iter([1]), False), (3.0, False), (None, False),
    ],
)  # fmt: skip
def test_what_counts_as_a_list(x: Any, expected: bool) -> None:
    assert is_list(x) is expected


@pytest.mark.parametrize(
    ("X", "Y", "error", "message"),
    [
        ([1], 3, TypeError, "f: Y must be a list or an array, got int"),
        ("ab", [1, 2], TypeError, "f: X must be a list or an array, got str"),
        ([1, 2], [1], ValueError, "f: X and Y must have the same length, got 2 and 1"),
        ([], np.zeros(0), ValueError, "f: X and Y are empty"),
    ],
)
def test_samples_and_targets_that_do_not_fit(
    X: Any, Y: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_samples(X, Y, "f")
