"""Relative errors of the table: values, partials and second partials, also far out and near 0."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path

import mpmath as mp
import pytest
from exact import DIGITS, EXACT, OPERANDS, TERMS, error, errors, exact, points, usable
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad.core.rows import TABLE

# In units of 2 ** -53, the error of one rounding: a few for each operation of a formula. The values
# are those of the C library.
VALUE, PARTIAL, SECOND = 8.0, 16.0, 32.0
PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


def assert_accurate(name: str, point: tuple[float, ...]) -> None:
    found = errors(TABLE[name], point)
    if found is not None:
        assert found.value <= VALUE, (point, found)
        assert found.partial <= PARTIAL, (point, found)
        assert found.second <= SECOND, (point, found)


@pytest.mark.parametrize("name", EXACT)
def test_operations_everywhere(name: str) -> None:
    for point in points(TABLE[name], random.Random(name), 24):
        assert_accurate(name, point)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=15)
@given(st.data())
def test_operations_anywhere(name: str, data: st.DataObject) -> None:
    row = TABLE[name]
    number = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-40.0, 40.0)
    count = data.draw(st.integers(1, 5)) if row.arity is None else row.arity
    if name in OPERANDS:
        point = OPERANDS[name](random.Random(data.draw(st.integers(0, 2**32))))
    else:
        point = tuple(data.draw(number) for _ in range(count))
    if usable(row, point):
        assert_accurate(name, point)


def test_the_tails_by_name() -> None:
    """What formulas in `out` alone lose: 1 - out * out is 0 from 19 on."""
    assert sg.grad(sg.tanh)(20.0) == pytest.approx(1.6993417021166355e-17, rel=1e-15)
    assert sg.grad(sg.sigmoid)(37.0) == pytest.approx(8.533047625744066e-17, rel=1e-15)
    assert sg.grad(sg.gelu)(-9.0) == pytest.approx(-9.138923e-18, rel=1e-6)
    assert sg.grad(sg.grad(sg.silu))(37.0) == pytest.approx(-35 * math.exp(-37.0), rel=1e-14)
    assert sg.grad(sg.grad(sg.sigmoid))(1e-300) == pytest.approx(-1e-300 / 8, rel=1e-15)
    xs = [sg.Value(1000.0), sg.Value(1000.0)]
    sg.logsumexp(xs).backward()
    assert [x.grad for x in xs] == [0.5, 0.5]
    assert sg.logsumexp([0.0, -40.0]) == math.exp(-40.0)


def test_slopes_of_slopes_keep_their_digits() -> None:
    third = sg.grad(sg.grad(sg.grad(sg.tanh)))
    with mp.workdps(DIGITS):
        for x in (-30.0, -3.0, -0.01, 0.3, 3.0, 30.0):
            s, t = mp.sech(x) ** 2, mp.tanh(x)
            assert error(third(x), s * (4 * t * t - 2 * s)) <= 64.0


@pytest.mark.parametrize("name", EXACT)
def test_the_exact_derivatives_are_those_of_mpmath(name: str) -> None:
    row = TABLE[name]
    for at in row.at:
        _, gradient, hessian = exact(name, at)
        value = lambda *xs: EXACT[name](*xs)[0]
        n = len(at)
        with mp.workdps(40):
            for i in range(n):
                orders = [int(k == i) for k in range(n)]
                assert mp.almosteq(mp.diff(value, at, tuple(orders)), gradient[i], 1e-9, 1e-9)
                for j in range(n):
                    twice = tuple(order + (k == j) for k, order in enumerate(orders))
                    expected = mp.diff(value, at, twice)
                    assert mp.almosteq(expected, hessian[i][j], 1e-9, 1e-9)


def test_errors_are_found() -> None:
    assert error(1.0 + 2.0**-52, mp.mpf(1)) == 2.0
    assert error(0.0, mp.mpf(10) ** -300) == 2.0**53
    assert error(0.0, mp.mpf(10) ** -310) < 1e12
    assert error(math.inf, mp.mpf(10) ** 309) == 0.0
    assert error(math.inf, mp.mpf(1)) == error(math.nan, mp.mpf(1)) == math.inf
    assert set(EXACT) == set(TABLE)
    assert {*TERMS, *OPERANDS} <= set(EXACT)


def test_the_page_states_errors_within_the_bounds() -> None:
    lines = re.findall(
        r"^\| `(\w+)` \| (\d+) \| (\S+) \| (\S+) \| (\S+) \|", PAGE.read_text("utf-8"), re.M
    )

    assert [name for name, *_ in lines] == [*EXACT]
    for _, count, *found in lines:
        assert int(count) > 100
        assert all(
            float(e) <= most for e, most in zip(found, (VALUE, PARTIAL, SECOND), strict=True)
        )
