"""The table: every row's value, partials, kinks and domain, against 50-digit differences."""

import doctest
import math
from types import SimpleNamespace
from typing import Any

import mpmath as mp
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.core import primitives
from scalargrad.core.rows import TABLE, Primitive

ROWS = list(TABLE.values())
SMOOTH = [pytest.param(row, at, id=f"{row.name}{at}") for row in ROWS for at in row.at]
KINKS = [
    pytest.param(row, at, slopes, id=f"{row.name}{at}")
    for row in ROWS
    for at, slopes in row.kinks.items()
]
OUTSIDE = [pytest.param(row, at, id=f"{row.name}{at}") for row in ROWS for at in row.outside]

mp.mp.dps = 50
# the functions of `math` that mpmath spells differently
PRECISE = SimpleNamespace(
    **{name: getattr(mp, name) for name in dir(math) if hasattr(mp, name)}
    | {
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        "copysign": lambda x, y: abs(x) * mp.sign(y),
        "exp2": lambda x: mp.mpf(2) ** x,
        "isinf": mp.isinf,
        "log2": lambda x: mp.log(x, 2),
        "prod": mp.fprod,
    }
)


@pytest.fixture
def precise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows compute with 50 digits while this lasts."""
    monkeypatch.setattr(primitives, "math", PRECISE)


def exact(row: Primitive) -> Any:
    value = row.value
    return getattr(PRECISE, value.__name__) if value.__module__ == "math" else value


def close(got: float, expected: Any, rtol: float = 1e-12, atol: float = 1e-14) -> bool:
    return abs(mp.mpf(got) - expected) <= atol + rtol * abs(expected)


def numbers(slopes: Any) -> list[float]:
    return [x.data if isinstance(x, Value) else x for x in slopes]


@pytest.mark.parametrize(("row", "at"), SMOOTH)
def test_value_and_partials(row: Primitive, at: tuple[float, ...], precise: None) -> None:
    expected = exact(row)(*map(mp.mpf, at))
    slopes = [
        mp.diff(exact(row), at, tuple(int(i == k) for k in range(len(at)))) for i in range(len(at))
    ]

    with pytest.MonkeyPatch.context() as plain:
        plain.setattr(primitives, "math", math)
        out = row.evaluate(at)
        got = row.partials(*at, out)

    assert close(out, expected)
    assert len(got) == len(at)
    assert all(map(close, got, slopes))


@pytest.mark.parametrize(("row", "at"), SMOOTH)
def test_second_derivatives(row: Primitive, at: tuple[float, ...], precise: None) -> None:
    n = len(at)

    def second(i: int, j: int) -> Any:
        return mp.diff(exact(row), at, tuple(int(i == k) + int(j == k) for k in range(n)))

    expected = [[second(i, j) for j in range(n)] for i in range(n)]

    with pytest.MonkeyPatch.context() as plain:
        plain.setattr(primitives, "math", math)
        got = sg.hessian(row, range(n))(*at)

    for i in range(n):
        for j in range(n):
            assert close(got[i][j], expected[i][j], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("row", "at"), SMOOTH)
def test_reverse_is_forward_is_backward(row: Primitive, at: tuple[float, ...]) -> None:
    expected = [*row.partials(*at, row.evaluate(at))]

    reverse = sg.grad(row, range(len(at)))(*at)
    forward = [
        sg.jvp(row, at, tuple(float(i == k) for k in range(len(at))))[1] for i in range(len(at))
    ]
    values = [Value(x) for x in at]
    node = row(*values)
    node.backward()

    assert [*reverse] == expected
    assert forward == expected
    assert [x.grad for x in values] == expected
    assert [*node.partials] == expected
    assert node.parents == tuple(values)
    assert node.op == row.symbol


@pytest.mark.parametrize(("row", "at", "slopes"), KINKS)
def test_stated_partials_at_kinks(
    row: Primitive, at: tuple[float, ...], slopes: tuple[float, ...]
) -> None:
    expected = str([*slopes])  # nan is nan here

    out = row.evaluate(at)
    values = [Value(x) for x in at]
    node = row(*values)

    assert str([*map(float, row.partials(*at, out))]) == expected
    assert str([*map(float, numbers(row.partials(*values, node)))]) == expected
    assert str([*map(float, node.partials)]) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.gap], ids=lambda row: row.name)
def test_gap_is_the_distance_to_a_kink(row: Primitive) -> None:
    assert row.gap is not None
    for at in row.kinks:
        assert row.gap(*at) == 0.0

    for x, *others in row.at:
        gap = row.gap(x, *others)
        assert gap != 0.0
        (slope, *_) = numbers(sg.grad(row.gap, [0])(x, *others))
        if slope == 1.0:  # not so for a distance from the origin
            assert math.isclose(row.gap(x - gap, *others), 0.0, abs_tol=1e-12)


def test_rows_that_jump_or_bend_state_a_gap() -> None:
    """Where the partials on both sides of a stated kink differ, or the values do."""
    for row in ROWS:
        if not row.public or row.arity not in (1, 2, 3) or row.name == "where":
            continue
        for x, *others in row.kinks:
            step = 1e-7
            try:
                sides = [row.evaluate((x + s, *others)) for s in (-step, step)]
                slopes = [
                    row.partials(x + s, *others, y)[0]
                    for s, y in zip((-step, step), sides, strict=True)
                ]
            except ValueError:
                continue  # the edge of the domain
            bends = all(map(math.isfinite, slopes)) and abs(slopes[1] - slopes[0]) > 1e-3
            jumps = abs(sides[1] - sides[0]) > 1e-3
            infinite = math.inf in row.kinks[(x, *others)]
            assert row.gap or infinite or not (bends or jumps), row.name


@pytest.mark.parametrize(("row", "at"), OUTSIDE)
def test_outside_the_domain(row: Primitive, at: tuple[float, ...]) -> None:
    errors = (ValueError, ZeroDivisionError, OverflowError)
    with pytest.raises(errors) as plain:
        row(*at)
    with pytest.raises(type(plain.value)) as labelled:
        row(*(Value(x, f"operand {i}") for i, x in enumerate(at)))

    for i, x in enumerate(at):
        assert repr(x) in str(plain.value)
        assert f"(label 'operand {i}')" in str(labelled.value)
    assert row.write(*row.names(len(at))) in str(plain.value)
    if not isinstance(plain.value, OverflowError):
        assert row.needs
        assert row.needs in str(plain.value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_are_complete(row: Primitive) -> None:
    assert row.at or row.kinks
    assert row.__doc__
    assert row.write("p", "q", "r", latex=True)
    assert all(len(at) == row.arity for at in row.at) or row.arity is None


@pytest.mark.parametrize("row", [row for row in ROWS if row.arity == 1], ids=lambda row: row.name)
def test_methods_and_docstrings(row: Primitive) -> None:
    for (x,) in row.at:
        assert getattr(Value(x), row.name)().data == row(x)
        assert type(row(x)) is float

    for example in doctest.DocTestParser().get_examples(row.__doc__ or ""):
        assert repr(eval(example.source, {"sg": sg})) + "\n" == example.want


def test_extremes_are_stable() -> None:
    assert sg.sigmoid(1000.0) == 1.0
    assert sg.sigmoid(-1000.0) == 0.0
    assert sg.softplus(1000.0) == 1000.0
    assert sg.softplus(-1000.0) == 0.0
    assert sg.tanh(1000.0) == 1.0
    assert sg.logsumexp([1000.0, 1000.0]) == 1000.0 + math.log(2.0)
    assert sg.logsumexp([-math.inf, 0.0]) == 0.0
    for name in ("sigmoid", "softplus", "tanh", "gelu", "silu", "elu", "atan", "asinh", "erf"):
        for x in (-1000.0, 1000.0, 1e200, -1e200):
            assert math.isfinite(sg.grad(TABLE[name])(x)), (name, x)


def test_slopes_do_not_overflow_where_the_value_is_finite() -> None:
    assert sg.grad(sg.pow, 0)(1e-300, -1.0) == -math.inf
    assert sg.grad(sg.sqrt)(0.0) == math.inf
    assert sg.grad(sg.acosh)(1e200) == pytest.approx(1e-200)
    assert sg.grad(sg.asinh)(1e200) == pytest.approx(1e-200)
    assert sg.grad(sg.atan2, 0)(1e200, 1e200) == pytest.approx(0.5e-200)


def test_nan_passes_through() -> None:
    for row in ROWS:
        if row.arity == 1 and row.name not in ("floor", "ceil"):
            assert math.isnan(row(math.nan)), row.name
    assert math.isnan(sg.maximum(math.nan, 1.0))
    assert math.isnan(sg.maximum(1.0, math.nan))
    assert math.isnan(sg.minimum(math.nan, 1.0))
    assert math.isnan(sg.minimum(1.0, math.nan))


def test_an_operand_that_never_counts_is_unused() -> None:
    for row in ROWS:
        slopes = [row.partials(*at, row.value(*at)) for at in row.at]
        for i, of_one in enumerate(zip(*slopes, strict=False)):
            if len(of_one) > 1 and not any(of_one):
                assert row.may_leave_out(i), (row.name, i)
