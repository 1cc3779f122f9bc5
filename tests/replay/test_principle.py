"""A recorded function does what the eager one does, or refuses: errors, choices, roundings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from replayed import BACKENDS, Shaken, agrees, outcome
from strategies import ALL, Program, wild_programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.rows import TABLE

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

FAULTS = (ValueError, ZeroDivisionError, OverflowError)


# What fails in each of these is hidden by what follows it, or not used, or simplified away.
HIDDEN: dict[str, tuple[Any, float, float]] = {  # by name: the function, a good and a bad sample
    "tanh": (lambda x: sg.tanh(1 / x), 2.0, 0.0),
    "atan": (lambda x: sg.atan(1 / x), 2.0, 0.0),
    "a division": (lambda x: 1.0 / sg.exp(x), 2.0, 800.0),
    "exp": (lambda x: sg.exp(-1 / (x * x)), 2.0, 0.0),
    "a comparison": (lambda x: sg.where(sg.exp(x) > x, x, -x), 2.0, 800.0),
    "a root compared": (lambda x: sg.where(sg.sqrt(x) > 1, x, 2 * x), 4.0, -1.0),
    "a product with a comparison": (lambda x: (sg.log(x) > 0) * 5.0 + x, 2.0, -1.0),
    "a condition": (lambda x: sg.where(sg.log(x), 1.0, 0.0) * x, 2.0, -1.0),
    "a power of zero": (lambda x: sg.log(x) ** 0 + x, 2.0, -1.0),
    "equal branches": (lambda x: sg.where(sg.sqrt(x) > 1, x, x), 2.0, -1.0),
    "clip": (lambda x: sg.clip(1 / x, -3, 3), 2.0, 0.0),
    "a power": (lambda x: sg.sigmoid(x**3), 2.0, 1e200),
    "maximum": (lambda x: sg.maximum(sg.log(x), 0.0), 2.0, 0.0),
    "relu": (lambda x: sg.relu(sg.log(x)), 2.0, 0.0),
    "sign": (lambda x: sg.sign(1 / x), 2.0, 0.0),
    "a derivative": (sg.grad(sg.log), 2.0, -1.3),
    "a derivative of a power": (lambda x: sg.tanh(sg.grad(lambda t: t**3)(x)), 2.0, 1e200),
    "nothing": (lambda x: [sg.log(x), x][1], 2.0, -1.0),
    "no gradient": (lambda x: x + 0.0 * sg.tanh(sg.stop_gradient(1 / x)), 2.0, 0.0),
    "one of two uses": (
        lambda x: sg.where(x > 0, sg.log(x), 0.0) + sg.tanh(sg.log(x)), 2.0, -1.0,
    ),
    "the side that is taken": (
        lambda x: sg.where(x < 0, sg.tanh(sg.sqrt(x)), x), 2.0, -1.0,
    ),
    "a choice in a choice": (
        lambda x: sg.where(x < 1, sg.where(x < 0, sg.atan(sg.log(x)), x), x), 2.0, -1.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_eager_code_raises_is_raised(backend: str, kind: str) -> None:
    f, good, bad = HIDDEN[kind]
    right = float(f(Value(good)).data if isinstance(f(Value(good)), Value) else f(Value(good)))

    for first in (good, bad):
        c = sg.compile(f, backend=backend)
        if first == good:
            assert c(good) == pytest.approx(right, rel=1e-12)
            assert c([good] * 3).tolist() == pytest.approx([right] * 3, rel=1e-12)
        for call in (c, c.value_and_grad):
            with pytest.raises(FAULTS) as alone:
                call(bad)
            assert isinstance(alone.value, FloatingPointError)
            with pytest.raises(FAULTS, match="sample 2: "):
                call([good, good, bad, good, bad])
    unchecked = sg.compile(f, backend=backend, allow_nonfinite=True)
    found = unchecked([good, bad])
    assert found[0] == pytest.approx(right, rel=1e-12)
    assert np.isnan(found[1])
    assert np.isnan(unchecked.value_and_grad([good, bad])[0])


def test_what_where_leaves_aside_is_no_error(backend: str) -> None:
    cases: list[tuple[Any, float, float]] = [
        (lambda x: sg.where(x > 0, sg.tanh(sg.log(x)), 2 * x), -1.0, -2.0),
        (lambda x: sg.where(x > 0, sg.where(sg.log(x) > 1, x, -x), 5 * x), -1.0, -5.0),
        (lambda x: sg.where(x != 0, sg.clip(1 / x, -1, 1), x), 0.0, 0.0),
        (lambda x: sg.where(x < 700, sg.where(x < 700, sg.exp(x), 1.0) > 3, x), 800.0, 800.0),
    ]
    for f, x, right in cases:
        c = sg.compile(f, backend=backend)
        assert c(x) == right
        assert c([x, 1.5, x])[2] == right
        assert np.isfinite(c.value_and_grad([1.5, x])[1]).all()
        assert c.recordings == 1


def caught(x: Any) -> Any:
    try:
        return sg.tanh(1 / x)
    except ZeroDivisionError:
        return 5.0 + 2.0 * x


def not_needed(x: Any) -> Any:
    try:
        sg.log(x)
        k = 1.0
    except ValueError:
        k = -1.0
    return k * x


def twice(x: Any) -> Any:
    total = 0.0 * x
    for f in (sg.log, sg.log2, lambda t: 1 / (t + 1), sg.log):
        try:
            total = total + f(x)
        except (ValueError, ArithmeticError):
            total = total + 10.0
    return total


def through_a_guard(x: Any) -> Any:
    try:
        return x if sg.log(x) < 1.0 else 3.0 * x
    except ValueError:
        return -7.0 * x


def by_kind(x: Any) -> Any:
    try:
        return sg.exp(x) / (x - 1.0)
    except ZeroDivisionError:
        return 2.0 * x
    except OverflowError:
        return 3.0 * x


def finally_too(x: Any) -> Any:
    try:
        y = sg.log(x + 1.5)
    except ValueError:
        y = sg.log(-x)
    else:
        y = y * 2.0
    finally:
        x = x + 1.0
    return y * x


@pytest.mark.parametrize("f", [caught, not_needed, twice, through_a_guard, by_kind, finally_too])
def test_errors_are_caught_as_eagerly(backend: str, f: Any) -> None:
    xs = [2.0, -1.0, 0.0, 1.0, 800.0, -2.5, 2.0]
    right = [f(Value(x)).data for x in xs]
    slopes = [sg.grad(f)(x) for x in xs]

    for order in (1, -1):
        c = sg.compile(f, backend=backend, reduction="sum")
        for _ in range(2):
            assert c(xs[::order]).tolist() == pytest.approx(right[::order], rel=1e-12)
            total, gradient = c.value_and_grad(xs[::order])
            assert total == pytest.approx(sum(right), rel=1e-12)
            assert gradient.tolist() == pytest.approx(slopes[::order], rel=1e-12)
        for x, y in zip(xs, right, strict=True):
            assert c(x) == pytest.approx(y, rel=1e-12)
    assert c.recordings <= 5


def test_an_error_of_the_handler_is_that_of_eager_code(backend: str) -> None:
    class MineError(Exception):
        pass

    def f(x: Any) -> Any:
        try:
            return sg.tanh(sg.log(x))
        except ValueError as error:
            raise MineError from error

    c = sg.compile(f, backend=backend)
    assert c(1.0) == 0.0
    for call in (c, c.value_and_grad):
        with pytest.raises(MineError):
            call([1.0, -1.0])


def test_errors_of_parameters_and_of_own_operations(backend: str) -> None:
    w = Value(2.0)
    c = sg.compile(lambda x: x * sg.tanh(sg.log(w)), [w], backend=backend)
    c.value_and_grad([1.0, 2.0])
    w.data = -1.0
    with pytest.raises(ValueError, match=r"sample 0: .*log\(w|sample 0: .*log"):
        c.value_and_grad([1.0, 2.0])
    w.data = 2.0
    with pytest.raises(ValueError, match="log"):
        c.value_and_grad([1.0, 2.0], theta=[-1.0])

    def halved(x: float) -> float:
        if x < 0:
            raise ValueError("only from 0 on")
        return x / 2

    own = sg.primitive("halved_from_0", halved, lambda x, out: (0.5,))
    c = sg.compile(lambda x: sg.tanh(own(x)) if x < 5 else x, backend=backend)
    c([1.0, 6.0])
    with pytest.raises(ValueError, match=r"sample 1: .*only from 0 on"):
        c([1.0, -1.0, 6.0])
    c = sg.compile(lambda x: sg.where(own(x) > 1, x, 2 * x), backend=backend)
    with pytest.raises(ValueError, match="only from 0 on"):
        c(-1.0)


def test_an_index_beyond_the_list_is_never_hidden(backend: str) -> None:
    c = sg.compile(lambda x, i: sg.where(sg.take([x, 2 * x], i) > 1, x, 0.0), backend=backend)
    assert c([1.0, 1.0], [0, 1]).tolist() == [0.0, 1.0]
    with pytest.raises(IndexError, match="sample 1: take: index"):
        c([1.0, 1.0], [0, 2])


UNCHOSEN = [row for row in ALL if row is not TABLE["where"] and row.name != "take"]


@given(program=wild_programs(UNCHOSEN))
def test_wild_programs_do_what_eager_code_does(backend: str, program: Program) -> None:
    point = program.point
    c = sg.compile(lambda *xs: program(*xs) + 0.0, backend=backend)
    try:
        right, size = outcome(program, [list(point)])
    except FAULTS as fault:
        for call in (c, c.value_and_grad):
            with pytest.raises(type(fault)):
                call(*point)
        return
    if not np.isfinite(right[0, 0]):
        with pytest.raises(FloatingPointError):
            c(*point)
        return
    try:
        shaken = [outcome(Shaken(program, seed), [list(point)])[0] for seed in (5, 3, 0xFFFF)]
    except FAULTS:
        return
    with np.errstate(all="ignore"):
        moved = np.max([abs(other - right) for other in shaken], axis=0)
    known = moved <= np.maximum(1e-13 * abs(right), 1e-15 * size)
    value = c(*point)
    if known[0, 0]:
        assert agrees(value, right[:, 0], size[:, 0])
    if not np.isfinite(right).all() or not np.isfinite(size).all():
        return
    slopes = np.array(c.value_and_grad(*point)[1])
    assert agrees(slopes[known[0, 1:]], right[0, 1:][known[0, 1:]], size[0, 1:][known[0, 1:]])
