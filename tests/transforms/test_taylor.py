"""Taylor coefficients: of every row beside 50-digit ones, of programs, nested, at kinks."""

import math
from typing import Any

import mpmath as mp
import pytest
from exact import UNARY
from hypothesis import given
from hypothesis import strategies as st
from strategies import SMOOTH, Program, programs

import scalargrad as sg
from scalargrad import Value, grad, taylor
from scalargrad.core.rows import TABLE

ORDER = 50


def _normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


# The second derivatives of rows that mpmath takes long for
SECOND = {
    "erf": lambda x: -4 * x * mp.exp(-x * x) / mp.sqrt(mp.pi),
    "erfc": lambda x: 4 * x * mp.exp(-x * x) / mp.sqrt(mp.pi),
    "ndtr": lambda x: -x * _normal(x),
    "gelu": lambda x: (2 - x * x) * _normal(x),
    "atanh": lambda x: 2 * x / (1 - x * x) ** 2,
}


SLOW = {"gamma", "lgamma", "digamma", "erfinv"}  # mpmath takes 4 to 20 s for order 50


def exact(name: str, point: float, order: int) -> list[Any]:
    """The coefficients from the value, the slope and the elementary second derivative."""
    # mpmath takes differences over steps that depend on the digits alone: smaller ones near 0
    with mp.workdps(100 if 0.0 < abs(point) < 1e-9 else 20):
        x = mp.mpf(point)
        value, slope, _ = UNARY[name](x)
        second = mp.taylor(SECOND.get(name, lambda x: UNARY[name](x)[2]), x, order - 2, chop=False)
        return [value, slope, *[c / ((k + 1) * (k + 2)) for k, c in enumerate(second)]]


@pytest.mark.parametrize(
    ("name", "point", "order"),
    [
        (row.name, *point, 12 if number else 16 if row.name in SLOW else 50)
        for row in TABLE.values()
        if row.arity == 1 and row.name in UNARY
        for number, point in enumerate(row.at)
        if abs(point[0]) < 20.0
    ],
)
def test_rows(name: str, point: float, order: int) -> None:
    found = taylor(TABLE[name], point, order)

    expected = exact(name, point, order)
    assert len(found) == order + 1
    # where a coefficient is small by cancellation, relative to what those around it suggest
    size = max([abs(c) ** (mp.mpf(1) / k) for k, c in enumerate(expected) if k > 1], default=0)
    for k, (c, e) in enumerate(zip(found, expected, strict=True)):
        assert abs(c - e) <= 1e-10 * abs(e) + 1e-15 * size**k, (k, c, e)


def test_sinc_to_order_50() -> None:
    with mp.workdps(60):
        for point in (0.0, 0.7, -1.3, 12.5):
            expected = mp.taylor(lambda x: mp.sincpi(x), mp.mpf(point), ORDER)
            for c, e in zip(taylor(sg.sinc, point, ORDER), expected, strict=True):
                assert abs(c - e) <= 1e-9 * abs(e) + 1e-13


@given(programs(SMOOTH, most=5))
def test_programs_as_nested_gradients(program: Program) -> None:
    one = lambda x: program(x, *program.point[1:])
    derivative, expected = one, []
    try:
        for k in range(4):
            expected.append(derivative(program.point[0]) / math.factorial(k))
            derivative = grad(derivative)
        found = taylor(one, program.point[0], 3)
    except (ValueError, ArithmeticError):
        return
    if max(map(abs, expected)) < 1e6:
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


@given(st.floats(0.1, 0.9), st.integers(0, 12))
def test_sums_products_and_quotients(x: float, order: int) -> None:
    f, g = taylor(sg.exp, x, order), taylor(sg.cos, x, order)
    product = taylor(lambda x: sg.exp(x) * sg.cos(x), x, order)
    quotient = taylor(lambda x: sg.exp(x) * sg.cos(x) / sg.cos(x), x, order)

    for k in range(order + 1):
        terms = [f[j] * g[k - j] for j in range(k + 1)]
        assert product[k] == pytest.approx(math.fsum(terms), rel=1e-9, abs=1e-12)
    assert quotient == pytest.approx(f, rel=1e-6, abs=1e-9)


def test_loops_branches_and_nestings() -> None:
    def newton(x: Any) -> Any:  # the square root, by a loop that looks at its numbers
        y = x
        while abs(y * y - x) > 1e-14:
            y = (y + x / y) / 2.0
        return y if y > 0.0 else -y

    assert taylor(newton, 2.0, 4) == pytest.approx(taylor(sg.sqrt, 2.0, 4), rel=1e-6)
    assert taylor(lambda x: {"a": [x * x, 1.0], "kind": "square"}, 3.0, 2) == {
        "a": [[9.0, 6.0, 1.0], [1.0, 0.0, 0.0]],
        "kind": "square",
    }
    assert taylor(lambda x, power: x**power, 2.0, 3, power=3) == [8.0, 12.0, 6.0, 1.0]
    assert taylor(lambda x: 5.0, 2.0, 1) == [5.0, 0.0]
    assert taylor(sg.exp, 0, 0) == [1.0]


def test_long_programs() -> None:
    def f(x: Any) -> Any:
        for _ in range(3_000):
            x = x + 1e-3 * sg.sin(x)
        return x

    h = 1e-3
    c = taylor(f, 1.0, 6)
    assert f(1.0 + h) == pytest.approx(sum(c * h**k for k, c in enumerate(c)), rel=1e-13)


def test_powers_and_kinks() -> None:
    assert taylor(lambda x: x**3, 0.0, 4) == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert taylor(lambda x: x**3, -2.0, 3) == [-8.0, 12.0, -6.0, 1.0]
    assert taylor(lambda x: sg.relu(x) + abs(x), 0.0, 2) == [0.0, 0.0, 0.0]
    assert taylor(lambda x: sg.maximum(x, x * x), 1.0, 2) == [1.0, 1.5, 0.5]
    assert taylor(lambda x: sg.where(x > 1.0, x, x * x), 2.0, 2) == [2.0, 1.0, 0.0]
    assert taylor(sg.sqrt, 0.0, 1) == [0.0, math.inf]
    # what is not used does no harm, and what does not move is no factor
    assert taylor(lambda x: sg.where(x > 1.0, x, sg.sqrt(x - 2.0)), 2.0, 2) == [2.0, 1.0, 0.0]
    assert taylor(lambda x: sg.sqrt(0.0 * x) + x, 2.0, 2)[0] == 2.0


def test_operations_of_many_operands_and_of_users() -> None:
    rosen = sg.primitive("rosen", lambda x: x**4 - x, lambda x, out: (4.0 * x**3 - 1.0,))
    try:
        assert taylor(rosen, 1.0, 5) == [0.0, 3.0, 6.0, 4.0, 1.0, 0.0]
        soft = taylor(lambda x: sg.logsumexp([x, 2.0 * x, 0.0]), 0.3, 12)
        plain = taylor(lambda x: sg.log(sg.exp(x) + sg.exp(2.0 * x) + 1.0), 0.3, 12)
        assert soft == pytest.approx(plain, rel=1e-9, abs=1e-13)
        norm = taylor(lambda x: sg.hypot(x, 2.0) + sg.atan2(x, 1.0), 0.5, 12)
        same = taylor(lambda x: sg.sqrt(x * x + 4.0) + sg.atan(x), 0.5, 12)
        assert norm == pytest.approx(same, rel=1e-9, abs=1e-13)
        assert taylor(lambda x: sg.prod([x, x, x]) + sg.mean([x, 0.0]), 1.0, 3) == [1.5, 3.5, 3, 1]
    finally:
        sg.core.rows.CUSTOM.pop("rosen")


def test_inside_transforms_and_recordings() -> None:
    third = lambda a: taylor(lambda x: sg.exp(a * x) / x, 1.0, 3)[3]

    assert grad(third)(0.5) == pytest.approx((third(0.5 + 1e-6) - third(0.5 - 1e-6)) / 2e-6, 1e-6)
    assert grad(lambda x: taylor(sg.sin, x, 2)[2])(0.5) == pytest.approx(-math.cos(0.5) / 2)
    w = Value(2.0)
    c = taylor(lambda x: w * x * x, 3.0, 2)
    c[1].backward()
    assert (c[1].data, w.grad, c[2].data) == (12.0, 6.0, 2.0)
    recorded = sg.compile(lambda x: taylor(lambda t: sg.exp(x * t), 0.0, 3)[3], backend="python")
    assert recorded(2.0) == pytest.approx(8.0 / 6.0)
    assert [float(y) for y in recorded([1.0, 2.0])] == pytest.approx([1.0 / 6.0, 8.0 / 6.0])


def test_errors() -> None:
    with pytest.raises(TypeError, match=r"x must be a number or a Value, got list: \[1.0\]"):
        taylor(sg.sum, [1.0], 3)
    with pytest.raises(ValueError, match="order must be at most 100, got 1000"):
        taylor(sg.exp, 1.0, 1000)
    with pytest.raises(TypeError, match="order must be a whole number"):
        taylor(sg.exp, 1.0, 2.5)
