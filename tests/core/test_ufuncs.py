"""NumPy's functions on Values: the right value and derivative, or the error in guide/numpy.md."""

import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value

PAGE = Path(__file__).parents[2].joinpath("docs", "guide", "numpy.md").read_text("utf-8")


def listed(title: str) -> set[str]:
    found = re.search(rf"\*\*{title}[^*]*\*\*([\w\s]+?)\n\n", PAGE)
    assert found, title
    return set(found[1].split())


UFUNCS = {name: f for name in dir(np) if isinstance(f := getattr(np, name), np.ufunc)}
EVERYWHERE = listed("On Values, and on arrays of them:")
ON_VALUES = listed("Where an operand itself is a Value:")
ON_ARRAYS = listed("On arrays only:")
CHOOSING = listed("On Values; on arrays one of the two")
NOWHERE = listed("Not at all")
POINTS = {1: [(0.3,), (-0.7,), (1.6,), (-2.4,)], 2: [(1.7, 0.6), (-1.7, 0.6), (0.4, -2.5)]}


def points(f: np.ufunc) -> list[tuple[float, ...]]:
    """The points where the function is defined; the second operand of ldexp is whole."""
    with np.errstate(all="ignore"):
        if f is np.ldexp:
            return [(0.4, 3), (-1.5, -2)]
        found = [p for p in POINTS[f.nin] if np.all(np.isfinite(f(*p)))]
    assert found
    return found


def number(x: Any) -> float:
    x = np.ravel(x)[0]
    return x.data if isinstance(x, Value) else float(x)


def numbers(result: Any) -> list[float]:
    return [number(x) for x in (result if isinstance(result, tuple) else (result,))]


def as_array(x: Any) -> np.ndarray[Any, Any]:
    return np.array([x], dtype=object)


def check(f: np.ufunc, wrap: Callable[[Any], Any]) -> None:
    """Value and derivative are those of plain numbers."""
    for point in points(f):
        moving = point[:1] if f is np.ldexp else point
        rest = point[len(moving) :]
        got = f(*[wrap(Value(x)) for x in moving], *rest)
        assert numbers(got) == pytest.approx(numbers(f(*point)), rel=1e-14), point

        def traced(*xs: Any, k: int = 0, rest: Any = rest) -> Any:
            result = f(*[wrap(x) for x in xs], *rest)
            result = np.ravel(result[k] if f.nout > 1 else result)[0]
            return result if isinstance(result, Value) else float(result)

        def plain(*xs: Any, k: int = 0, rest: Any = rest) -> float:
            return numbers(f(*map(number, xs), *rest))[k]

        for k in range(f.nout):
            slopes = sg.grad(partial(traced, k=k), range(len(moving)))(*moving)
            expected = sg.numerical_grad(partial(plain, k=k), moving, "extrapolated")
            assert slopes == pytest.approx(expected, rel=1e-6, abs=1e-7), point


@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_every_ufunc_does_what_the_page_says(name: str) -> None:
    f = UFUNCS[name]
    if name in EVERYWHERE | ON_VALUES | CHOOSING:
        check(f, lambda x: x)
    if name in EVERYWHERE:
        check(f, as_array)
    if name in ON_VALUES:
        with pytest.raises(TypeError, match="not supported for the input types"):
            f(*[as_array(Value(x)) for x in points(f)[0]])
    if name in CHOOSING:
        x, y = Value(1.0), Value(2.0)
        assert f(as_array(x), as_array(y))[0] in {x, y}
    if name in ON_ARRAYS:
        one, two = np.array([2.0, 3.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
        signature = f.signature or ""
        operands = [two if "," in part else one for part in re.findall(r"\(([^)]*)\)", signature)]
        if name == "matmul":
            operands = [two, two]
        operands = operands[:2]
        got = f(*[np.vectorize(Value, otypes=[object])(x) for x in operands])
        assert np.vectorize(lambda x: x.data)(got).tolist() == f(*operands).tolist()
    if name in NOWHERE:
        old = np.lib.NumpyVersion(np.__version__) < "2.1.0" and name in ("gcd", "lcm")
        for wrap in (lambda x: x,) if old else (lambda x: x, as_array):
            with pytest.raises(TypeError):
                f(*[wrap(Value(x)) for x in (1.5, 2.0)[: f.nin]])
    lists = (EVERYWHERE, ON_VALUES, CHOOSING, ON_ARRAYS, NOWHERE)
    assert sum(name in names for names in lists) == 1


def test_what_is_not_known_says_what_to_write() -> None:
    for f in (np.nextafter, np.spacing):
        with pytest.raises(
            TypeError, match=rf"np\.{f.__name__} is not known .* x\.data .*primitive"
        ):
            f(*[Value(1.0), 2.0][: f.nin])


def test_questions_about_numbers_are_answered_by_bools() -> None:
    for x in (1.0, -0.0, math.inf, -math.inf, math.nan):
        for ask in (np.isnan, np.isinf, np.isfinite):
            answer = ask(Value(x))
            assert type(answer) is bool
            assert answer == ask(x)


def test_a_value_among_arrays() -> None:
    xs, v = np.array([0.5, 1.5, 2.5]), Value(1.0)

    for f in (np.logaddexp, np.heaviside, np.maximum, np.divmod, np.multiply, np.hypot):
        got, expected = f(xs, v), f(xs, 1.0)
        results = zip(got, expected, strict=True) if f.nout > 1 else [(got, expected)]
        for mine, theirs in results:
            assert list(map(number, mine)) == pytest.approx(theirs.tolist())
    np.sum(np.logaddexp(xs, v)).backward()
    assert v.grad == pytest.approx(sum(1.0 / (1.0 + math.exp(x - 1.0)) for x in xs))
    assert np.multiply.outer(xs, v).shape == (3,)
    assert [y.data for y in np.add(v, [1.0, 2.0])] == [2.0, 3.0]
    total = np.array([Value(1.0)])
    total += v
    assert total[0].data == 2.0


def test_ties_of_values_are_shared() -> None:
    for f in (np.maximum, np.minimum):
        assert sg.grad(lambda x, y, f=f: f(x, y), (0, 1))(2.0, 2.0) == (0.5, 0.5)
    assert sg.grad(lambda x: np.sign(x) * x)(-2.0) == -1.0


def test_a_maximum_is_no_branch_in_a_recording() -> None:
    pytest.importorskip("numba")
    replayed = sg.compile(lambda x: np.maximum(x, 0.0) + np.logaddexp(np.float64(1.0), x))
    xs = np.array([-1.0, 2.0])

    assert replayed(xs) == pytest.approx(np.maximum(xs, 0.0) + np.logaddexp(1.0, xs))
    assert "maximum" in str(replayed.program)


@pytest.mark.parametrize(
    "other",
    [np.complex64(3), np.clongdouble(3), np.str_("a"), np.array("a"), np.array(1j)],
    ids=repr,
)
def test_scalars_of_numpy_that_are_no_real_numbers(other: Any) -> None:
    x = Value(1.0)

    for add in (lambda: x + other, lambda: other + x, lambda: divmod(x, other)):
        with pytest.raises(TypeError):
            add()
    assert (x == other, x != other) == (False, True)


def test_scalars_and_arrays_without_dimensions() -> None:
    for other in (
        np.longdouble(3),
        np.float32(3),
        np.uint8(3),
        np.array(3.0),
        np.array(Value(3.0)),
    ):
        assert (other - Value(1.0)).data == 2.0
        assert (Value(1.0) - other).data == -2.0
        assert np.logaddexp(other, Value(3.0)).data == pytest.approx(3.0 + math.log(2.0))


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.0, math.inf, math.nan])
def test_heaviside(x: float) -> None:
    for at_zero in (0.5, math.nan):
        got = np.heaviside(Value(x), at_zero).data
        assert got == pytest.approx(np.heaviside(x, at_zero), nan_ok=True)


def test_sinc() -> None:
    assert np.sinc(Value(0.0)).data == 1.0
    xs = [-1.3, 0.0, 0.2, 3.5]
    got = [sg.grad(sg.grad(lambda x: np.sinc(x)))(x) for x in xs]
    series = [-(math.pi**2) / 3.0 if not x else sinc_bends(x) for x in xs]
    assert got == pytest.approx(series)
    nonzero = [x for x in xs if x]
    assert numbers(tuple(np.sinc(np.array([Value(x) for x in nonzero])))) == pytest.approx(
        np.sinc(nonzero).tolist()
    )
    with pytest.raises(TypeError, match="no callable sin method"):
        np.sinc(np.array([Value(0.0)]))


def sinc_bends(x: float) -> float:
    z = math.pi * x
    sine, cosine = math.sin(z), math.cos(z)
    return math.pi**2 * (-sine / z - 2.0 * cosine / z**2 + 2.0 * sine / z**3)


def test_functions_of_numpy_that_are_no_ufuncs() -> None:
    x = Value(0.3)

    assert np.clip(x, 0.0, 1.0) is x
    assert np.shape(x) == ()
    assert np.concatenate([[x], [x]]).tolist() == [x, x]
    assert np.where([True, False], x, 0.0).tolist() == [x, 0.0]


SCIPYS = {
    "beta": (0.7, 2.5), "betaln": (0.7, 2.5), "erf": (0.7,), "erfc": (0.7,), "erfinv": (0.7,),
    "expit": (0.7,), "gamma": (0.7,), "gammaln": (0.7,), "digamma": (0.7,), "log_ndtr": (0.7,),
    "logit": (0.7,), "ndtr": (0.7,), "ndtri": (0.7,), "psi": (0.7,), "xlogy": (0.7, 2.5),
}  # fmt: skip


@pytest.mark.parametrize("name", SCIPYS)
def test_special_functions_of_scipy(name: str) -> None:
    f, point = getattr(pytest.importorskip("scipy.special"), name), SCIPYS[name]

    values = [Value(x) for x in point]
    out = f(*values)
    out.backward()

    assert out.data == pytest.approx(float(f(*point)), rel=1e-13)
    expected = sg.numerical_grad(lambda *xs: float(f(*map(number, xs))), point, "extrapolated")
    assert [x.grad for x in values] == pytest.approx([*np.ravel(expected)], rel=1e-7)
    if len(point) == 2:
        rows = f(np.array([point[0], point[0]]), values[1])
        assert [y.data for y in rows] == [out.data] * 2


def test_other_functions_of_scipy_are_refused() -> None:
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match=r"j0 is not known for Values"):
        special.j0(Value(1.0))
