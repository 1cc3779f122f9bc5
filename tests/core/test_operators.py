"""Operators with every plain type on either side, comparisons, the guards, and NumPy."""

import math
import operator
import statistics
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow,
]  # fmt: skip
NUMBERS = [
    3, 2.5, True, Fraction(5, 2), np.float64(2.5), np.float32(2.5), np.int64(3), np.uint8(3),
    np.bool_(True),
]  # fmt: skip


@pytest.mark.parametrize("operate", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda x: type(x).__name__)
def test_numbers_on_either_side(operate, number) -> None:
    x = Value(1.75, "x")
    right, left = operate(x, number), operate(number, x)

    assert right.data == operate(1.75, float(number))
    assert left.data == operate(float(number), 1.75)
    assert right.parents[0] is x
    assert left.parents[1] is x
    right.backward()
    expected = sg.numerical_grad(lambda x: operate(x, float(number)), 1.75, "extrapolated")
    assert x.grad == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("operate", [*OPERATORS, operator.lt], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", ["a", None, 1j, [1.0], {}, Decimal(1)], ids=lambda x: repr(x))
def test_anything_else_is_a_type_error(operate, other) -> None:
    for pair in ((Value(1.0), other), (other, Value(1.0))):
        with pytest.raises(TypeError, match=f"'Value'.*|.*{type(other).__name__}"):
            operate(*pair)


def test_the_remaining_operators() -> None:
    x = Value(-7.5)

    assert (-x).data == 7.5
    assert +x is x
    assert abs(x).data == 7.5
    assert [y.data for y in divmod(x, 2)] == [*divmod(-7.5, 2)]
    assert [y.data for y in divmod(20, x)] == [*divmod(20, -7.5)]
    assert math.floor(x).data == -8.0
    assert math.ceil(x).data == -7.0
    with pytest.raises(TypeError):
        divmod(x, "a")
    with pytest.raises(TypeError):
        divmod("a", x)


def test_powers_differentiate_in_both_places() -> None:
    x, y = Value(2.0), Value(3.0)
    (x**y).backward()
    assert (x.grad, y.grad) == (12.0, 8.0 * math.log(2.0))

    x = Value(3.0)
    (2**x).backward()
    assert x.grad == 8.0 * math.log(2.0)

    x = Value(-2.0)
    (x**3).backward()
    assert x.grad == 12.0


def test_comparisons_go_by_data() -> None:
    x, y = Value(1.0), Value(2.0)

    assert x < y <= 2 < 3.5 > y >= x
    assert not x > y
    assert np.float64(1.5) > x
    assert x < 10**400
    assert (bool(x), bool(Value(0.0)), bool(Value(-0.0))) == (True, False, False)
    assert sorted([y, x]) == [x, y]
    assert max(x, y) is y
    assert type(x < np.float64(2.0)) is bool


def test_equality_compares_numbers() -> None:
    x, y = Value(1.0), Value(1.0)

    assert x == y
    assert x == 1
    assert x == Fraction(1)
    assert x == np.float64(1.0)
    assert x == 1.0
    assert x in (1, 2)
    assert x != 2.0
    assert Value(math.nan) != Value(math.nan)
    assert Value(0.0) == -0.0
    assert type(x == y) is type(x != y) is bool


@pytest.mark.parametrize("other", ["1", None, 1j, [1.0], object()], ids=lambda x: type(x).__name__)
def test_equality_with_what_is_no_number(other: object) -> None:
    x = Value(1.0)

    assert (x == other, other == x, x != other, other != x) == (False, False, True, True)


def test_values_are_keys_by_identity() -> None:
    x, y = Value(1.0), Value(1.0)

    assert {x: "x", y: "y"} == {y: "y", x: "x"}
    assert len({x, y, x}) == 2
    assert Value(1.0) not in {x, y}


def test_branches_on_equality_are_those_of_numbers() -> None:
    def legendre(n, x):
        if n == 0:
            return 1.0
        if n == 1:
            return x
        return ((2 * n - 1) * x * legendre(n - 1, x) - (n - 1) * legendre(n - 2, x)) / n

    def named(x):
        match x:
            case 1:
                return 5.0 * x
            case _:
                return x**2

    assert sg.grad(legendre, 1)(4, 0.3) == pytest.approx(-1.7775)
    value, slope = sg.jvp(legendre, (4, 0.3), (0.0, 1.0))
    assert (value, slope) == pytest.approx((0.0729375, -1.7775))
    assert sg.value_and_grad(named)(1.0) == (5.0, 5.0)
    assert sg.value_and_grad(named)(3.0) == (9.0, 6.0)
    assert sg.compile(named, backend="python").value_and_grad([1.0, 3.0])[1].tolist() == [2.5, 3.0]


@pytest.mark.parametrize(
    "convert",
    [float, int, complex, round, math.trunc, math.exp, math.sqrt, lambda x: round(x, 2)],
)
def test_the_gradient_is_not_lost_silently(convert) -> None:
    with pytest.raises(TypeError, match=r"'x'.*gradient would be lost.*x\.data.*sg\.exp\(x\)"):
        convert(Value(0.5, "x"))


def test_builtin_sum_prod_and_mean() -> None:
    xs = [Value(1.0), Value(2.0), Value(4.0)]

    assert sum(xs).data == 7.0
    assert math.prod(xs).data == 8.0
    assert statistics.fmean([x.data for x in xs]) == sg.mean(xs).data


# --- NumPy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operate", OPERATORS, ids=lambda f: f.__name__)
def test_arrays_elementwise(operate) -> None:
    x = Value(1.5)
    array = np.array([[1.0, 2.0], [3.0, 4.0]])

    for got, expected in ((operate(x, array), operate(1.5, array)),
                          (operate(array, x), operate(array, 1.5))):  # fmt: skip
        assert got.dtype == object
        assert got.shape == (2, 2)
        assert np.array_equal(np.vectorize(lambda v: v.data)(got), expected)


def test_functions_on_object_arrays() -> None:
    data = np.array([0.25, 0.5])
    xs = np.array([Value(x) for x in data])

    names = (
        "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh "
        "tanh arcsinh arctanh floor ceil absolute negative square"
    )
    for name in names.split():
        function = getattr(np, name)
        got = [y.data for y in function(xs)]
        assert got == pytest.approx(function(data).tolist(), rel=1e-15), name
    assert [y.data for y in np.arccosh(xs + 1)] == pytest.approx(np.arccosh(data + 1).tolist())
    assert [y.data for y in np.arctan2(xs, 2.0)] == pytest.approx(np.arctan2(data, 2.0).tolist())
    assert [y.data for y in np.hypot(xs, xs)] == pytest.approx(np.hypot(data, data).tolist())
    assert np.dot(xs, xs).data == np.dot(data, data)
    assert np.sum(xs).data == np.mean(xs).data * 2 == 0.75
    assert (xs @ data).data == data @ data
    assert np.exp(xs[0]).data == np.exp(0.25)


def test_gradients_flow_through_arrays() -> None:
    w = np.array([Value(0.5), Value(-1.0)])
    np.tanh(np.dot(w, np.array([2.0, 1.0]))).backward()

    assert [x.grad for x in w] == [2.0, 1.0]
