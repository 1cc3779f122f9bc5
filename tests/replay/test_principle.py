"""A recorded function does what the eager one does, or refuses: errors, choices, roundings."""

import collections
import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from replayed import BACKENDS, Shaken, agrees, outcome
from strategies import ALL, Program, extremes, inputs, wild_programs

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
    "a negative power": (lambda x: sg.exp(x) ** -1.5, 2.0, 800.0),
    "an exponent": (lambda x: 1.0 ** sg.log(x) + x, 2.0, -1.0),
    "the second operand": (lambda x: (x + 1.0 < sg.log(x)) * 5.0 + x, 2.0, -1.0),
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
    assert c([1.0, 1.0], [-1, -2]).tolist() == [1.0, 0.0]
    for index in (2, -3, 10, -10):
        with pytest.raises(IndexError, match=f"sample 1: take: index {index} in a list of 2"):
            c([1.0, 1.0], [0, index])
    with pytest.raises(ValueError, match="sample 1: take needs a whole number"):
        c([1.0, 1.0], [0, 0.5])


def test_an_entry_that_is_not_finite_is_no_wrong_index(backend: str) -> None:
    c = sg.compile(lambda x, i: sg.take([sg.log(x), x], i), backend=backend)
    with pytest.raises(ValueError, match=r"sample 1: .*log\(x\) is not defined"):
        c([1.0, -1.0], [0, 0])
    nothing = sg.compile(lambda x, i: sg.take([x, 1.0], i), backend=backend, allow_nonfinite=True)
    assert math.isnan(nothing(math.nan, 0))


def test_of_several_errors_the_first_is_caught(backend: str) -> None:
    def f(x: Any) -> Any:
        try:
            low, high = sg.log(x), sg.sqrt(x)
            return low if high + low * 2.0 > 0.0 else high
        except ValueError as error:
            return -x if "log" in str(error) else -2.0 * x

    for xs in ([-4.0], [4.0, -4.0, 0.1], [-4.0, 0.1, 4.0]):
        right = [f(Value(x)).data for x in xs]
        assert sg.compile(f, backend=backend)(xs).tolist() == pytest.approx(right)


def test_a_branch_on_a_choice_depends_on_the_side_that_is_chosen(backend: str) -> None:
    def left_aside(x: Any) -> Any:
        y = sg.where(x > 0.0, sg.log(x), 1.0)
        return y if y > 0.5 else 2.0 * y

    def taken(x: Any) -> Any:
        y = sg.where(x > 0.0, 1.0, sg.log(x))
        return y if y > 0.5 else 2.0 * y

    assert sg.compile(left_aside, backend=backend)(-1.0) == 1.0
    assert sg.compile(taken, backend=backend)(1.0) == 1.0
    with pytest.raises(ValueError, match="log"):
        sg.compile(taken, backend=backend)(-1.0)


def test_the_first_error_is_named_though_another_one_matters(backend: str) -> None:
    def f(x: Any) -> Any:
        left_aside = sg.where(x > 0.0, sg.log(x), 1.0)  # eager code ends here at -1
        return sg.sqrt(x) + left_aside

    with pytest.raises(ValueError, match=r"^log\(x\) is not defined"):
        f(Value(-1.0))
    with pytest.raises(ValueError, match=r"^log\(x\) is not defined"):
        sg.compile(f, backend=backend)(-1.0)
    with pytest.raises(ValueError, match=r"^sample 1: log\(x\) is not defined"):
        sg.compile(f, backend=backend)([4.0, -1.0])


def test_an_error_of_the_function_comes_after_that_of_an_operation(backend: str) -> None:
    def f(x: Any) -> Any:
        root = sg.sqrt(x)
        if x < 0:
            raise KeyError("eager code never comes here")
        return root

    c = sg.compile(f, backend=backend)
    for call in (c, c.value_and_grad):
        with pytest.raises(ValueError, match="sqrt"):
            call(-1.0)
        with pytest.raises(ValueError, match=r"sample 1: .*sqrt"):
            call([1.0, -1.0])


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


def as_object(x: Any) -> Any:
    return x * 2 if (x > 0) is True else x * 3


def as_not_false(x: Any) -> Any:
    positive = x > 0
    return x * 2 if positive is not False else sg.where(positive, x, x * 3)


def matched(x: Any) -> Any:
    match x > 0:
        case True:
            return x * 2
        case _:
            return x * 3


def of_class(x: Any) -> Any:
    positive = x > 0
    return x * 2 if isinstance(positive, bool) and positive else x * 3


def as_key(x: Any) -> Any:
    return x * {True: 2.0, False: 3.0}[x > 0]


def in_a_set(x: Any) -> Any:
    return x * 2 if True in {x > 0, x > 1} else x * 3


def counted(x: Any) -> Any:
    return x * sum([x > limit for limit in (-1.0, 0.0, 1.0)])


def ordered(x: Any) -> Any:
    a, b, c = sorted([x, 1.0 - x, Value(0.25) + x * x], key=lambda y: (y > 0.5, y))
    return a + 2 * b + 3 * c


def best(x: Any) -> Any:
    return max(x, 2 * x, key=lambda y: (y - 1.0) * (y - 1.0)) + min([x, -x, 0.5 * x + 0.1])


def positions(x: Any) -> Any:
    return [1.0, 2.0, -1.0].index(x) * x if x in (1.0, 2.0, -1.0) else x / 3


def joined(x: Any) -> Any:
    return sg.where((x > 1) & (x < 3), x, -x) + sg.where((x < 0) | ~(x < 2), 10.0, 20.0)


def joined_with_bools(x: Any) -> Any:
    return sg.where(True & (x > 0) ^ False, x, 2 * x) if (x > -2) & (x < 9) | False else 7 * x


def inverted(x: Any) -> Any:
    return sg.where((x > 1) ^ True, x, x * x) * (2.0 if (x > 0) ^ True else 3.0)


def lazily(x: Any) -> Any:
    return sg.where(x > 0, lambda: sg.log(x) * x, lambda: sg.sqrt(-x) + 1.0)


def one_of_two_lazily(x: Any) -> Any:
    return sg.where((x > 0) & (x < 2.5), lambda: sg.tanh(sg.log(x)), 2 * x)


def in_a_cache(x: Any) -> Any:
    known: dict[bool, Any] = {}
    for limit in (0.0, 1.0):
        known.setdefault(x > limit, x * (limit + 2.0))
    return sum(known.values(), 0.0 * x)


CHOICES = [
    as_object, as_not_false, matched, of_class, as_key, in_a_set, counted, ordered, best, positions,
    joined, joined_with_bools, inverted, lazily, one_of_two_lazily, in_a_cache,
]  # fmt: skip


# Python 3.12 begins to warn of ~ on bools, which `joined` has eagerly
@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")
@given(
    xs=st.lists(st.sampled_from([-3.0, -1.0, -0.3, 0.4, 1.0, 1.7, 2.0, 3.0]), min_size=1),
    names=st.lists(st.sampled_from(range(len(CHOICES))), min_size=1, max_size=3),
)
def test_choices_go_the_same_way(backend: str, xs: list[float], names: list[int]) -> None:
    def f(x: Any) -> Any:
        return sg.sum([CHOICES[k](x) * (i + 1.0) for i, k in enumerate(names)])

    right = [sg.value_and_grad(f)(x) for x in xs]
    c = sg.compile(f, backend=backend, reduction="sum")

    assert c(xs).tolist() == pytest.approx([y for y, _ in right], rel=1e-12, abs=1e-12)
    assert c.value_and_grad(xs)[1].tolist() == pytest.approx(
        [slope for _, slope in right], rel=1e-12, abs=1e-12
    )


@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")
def test_numbers_beside_an_inverted_comparison_are_numbers(backend: str) -> None:
    def f(x: Any) -> Any:
        inverted = ~(x > 1)
        low, high = sg.minimum(x, 2.0) * 3.0, sg.maximum(x, 1.0) + 0.5
        both, either = (x > 0) & ~(x > 3), (x > 2) | (x < -2)  # True & ~False is 1
        low += ((x > 0) < 0.7) * 1000.0  # no ~, which compares with one half
        return sg.where(inverted, low, high) + (10.0 if both else 20.0) + either * 100.0

    xs = [-3.0, 0.5, 1.5, 2.5, 4.0]
    assert sg.compile(f, backend=backend)(xs).tolist() == [f(Value(x)).data for x in xs]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1.0 if ~(x > 0) | ~(x > 1) else 2.0,
        lambda x: (~(x > 0) | (x > 3)) + 1.0,
        lambda x: 1.0 if (~(x > 0) & ~(x > 1)) else 2.0,
    ],
)
def test_what_python_makes_of_an_inverted_comparison_is_refused(backend: str, f: Any) -> None:
    with pytest.raises(sg.RecordingError, match="~ of a comparison as a number"):
        sg.compile(f, backend=backend)(0.5)


def test_joined_comparisons_need_one_recording(backend: str) -> None:
    c = sg.compile(joined, backend=backend)
    assert c([0.0, 2.0, 5.0]).tolist() == [20.0, 12.0, 5.0]
    assert c.recordings == 1
    for wrong in (lambda x: x & 3, lambda x: (x > 0) | x, lambda x: ~x):
        with pytest.raises(TypeError):
            sg.compile(wrong, backend=backend)(1.0)
        with pytest.raises(TypeError):
            wrong(Value(1.0))


def test_of_two_functions_only_the_one_taken_is_called(backend: str) -> None:
    called: list[str] = []

    def f(x: Any) -> Any:
        def root() -> Any:
            called.append("root")
            return sg.sqrt(x)

        return sg.where(x > 0, root, lambda: -x)

    c = sg.compile(f, backend=backend)
    assert f(Value(-4.0)).data == c(-4.0) == 4.0
    assert called == []
    assert c.value_and_grad(-4.0) == (4.0, -1.0)
    assert c([4.0, -1.0, 9.0]).tolist() == [2.0, 1.0, 3.0]
    assert c.recordings == 2
    assert sg.where(False, lambda: 1.0 / 0.0, 3.0) == 3.0


def test_second_derivatives_where_a_branch_is_dead(backend: str) -> None:
    cases: list[tuple[Any, Any, float]] = [  # the second stands for the branch that is taken
        (lambda q: sg.where(q > 0, -q * sg.log(q), 0.0), lambda q: 0.0 * q, 0.0),
        (lambda q: sg.where(q > 0, -q * sg.log(q), 0.0), lambda q: 0.0 * q, -1.0),
        (lambda q: sg.where(q > 0, sg.sqrt(q) * q, q * q), lambda q: q * q, 0.0),
        (lambda q: sg.where(q > 0, 1 / q, q**3), lambda q: q**3, 0.0),
        (lambda q: sg.where(q != 0, sg.sin(q) / q, 1 - q * q / 6), lambda q: 1 - q * q / 6, 0.0),
    ]
    for f, taken, x in cases:
        for derivative in (sg.grad, sg.hessian):
            c = sg.compile(derivative(f), backend=backend)
            assert c(x) == pytest.approx(derivative(taken)(x), abs=1e-12)
            assert c([x, 0.5])[1] == pytest.approx(derivative(f)(0.5), rel=1e-12)
        value, slope = sg.compile(sg.grad(f), backend=backend).value_and_grad(x)
        assert (value, slope) == pytest.approx((sg.grad(taken)(x), sg.hessian(taken)(x)))


def almost_0(x: Any) -> Any:
    return sg.dot([0.1, 0.2, -0.3], [x, x, x])


def hardly(x: Any) -> Any:
    """A function that is positive wherever it is computed."""
    return sg.sigmoid(x / 50)


# Functions through which a sign decided by rounding goes on.
GOES_ON: dict[str, Any] = {
    "where": lambda x: sg.where(x > 0, almost_0(x), 1.0),
    "minimum": lambda x: sg.minimum(almost_0(x), 1.0),
    "maximum": lambda x: sg.maximum(almost_0(x), -1.0),
    "clip": lambda x: sg.clip(almost_0(x), -1, 1),
    "abs": lambda x: abs(almost_0(x)),
    "relu": lambda x: sg.relu(almost_0(x)),
    "leaky_relu": lambda x: sg.leaky_relu(almost_0(x)),
    "pow": lambda x: almost_0(x) ** 3,
    "square": lambda x: almost_0(x) * almost_0(x),
    "product": lambda x: sg.prod([almost_0(x), x, hardly(x)]),
    "quotient": lambda x: almost_0(x) / hardly(x),
    "negative": lambda x: -almost_0(x),
    "sin": lambda x: sg.sin(almost_0(x)),
    "tanh": lambda x: sg.tanh(almost_0(x)),
    "atan2": lambda x: sg.atan2(almost_0(x), 1.0),
    "log": lambda x: sg.log(1.0 + almost_0(x)),
    "a sum": lambda x: sg.relu(almost_0(x)) + almost_0(x) * 2,
    "a sum of chosen": lambda x: sg.where(x > 0, hardly(x), 1) * sg.sum([almost_0(x), almost_0(x)]),
    "a chain": lambda x: sg.tanh(0.1 * x + 0.2 * x - 0.3 * x),
    "a chain in a product": lambda x: sg.exp(x / 50) * (0.1 * x + 0.2 * x - 0.3 * x),
}
JUMPS: dict[str, Any] = {
    "sign": lambda y, x: sg.sign(y),
    "more": lambda y, x: sg.where(y > 0, 1.0, 2.0),
    "not": lambda y, x: sg.where(y, 1.0, 2.0),
    "if": lambda y, x: 1.0 if y else 2.0,
    "atan2": lambda y, x: sg.atan2(y, -1.0),
    "rint": lambda y, x: sg.rint(y + 0.5),
    "after what is settled": lambda y, x: sg.where(hardly(x), 3.0, 4.0) * sg.sign(y),
    "after a comparison": lambda y, x: sg.where(hardly(x) > 0, 3.0, 4.0) * sg.sign(y),
}


@pytest.mark.parametrize("way", GOES_ON)
def test_a_sign_that_rounding_decides_stays_in_doubt(backend: str, way: str) -> None:
    xs = [float(x) for x in (1, 3, -7, 11, 27, -43, 49)]
    for jump in JUMPS.values():

        def f(x: Any, jump: Any = jump) -> Any:
            return jump(GOES_ON[way](x), x) + 0.0 * x

        right = [f(Value(x)).data for x in xs]
        assert sg.compile(f, backend=backend)(xs).tolist() == right


def test_a_divisor_that_rounding_makes_0(backend: str) -> None:
    for divided in (lambda x: 1.0 // almost_0(x), lambda x: sg.tanh(x % almost_0(x))):
        c = sg.compile(divided, backend=backend)
        for x in (1.0, 2.0, 3.0, 7.0, 8.0, 11.0):
            try:
                right = divided(Value(x)).data
            except ZeroDivisionError:
                with pytest.raises(ZeroDivisionError):
                    c(x)
            else:
                assert c(x) == right


STEPS: dict[str, Any] = {
    "sum": lambda total, y: total - y,
    "list": lambda total, y: sg.sum([total, y, -1.0]),
    "product": lambda total, y: (total + y) * 0.5,
    "smaller": lambda total, y: sg.minimum(total - y, 50.0),
    "bent": lambda total, y: -abs(total - y),
    "choice": lambda total, y: sg.where(y > 0, total - y, total),
    "function": lambda total, y: sg.sin(total - y),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_deep_program_before_a_jump(backend: str, step: str) -> None:
    def f(x: Any) -> Any:
        total = sg.tanh(x)
        for _ in range(600):
            total = STEPS[step](total, x)
        return sg.sign(total)

    xs = [0.1, -0.2]
    assert sg.compile(f, backend=backend)(xs).tolist() == [f(Value(x)).data for x in xs]


ROUNDED: dict[str, Any] = {
    "floor division": lambda x: (0.1 * x + 0.2 * x) // 0.3,
    "remainder": lambda x: (0.1 * x + 0.2 * x) % 0.3,
    "floor": lambda x: sg.floor((0.1 * x + 0.2 * x) / 0.3),
    "ceil": lambda x: sg.ceil((0.1 * x + 0.2 * x) / 0.3),
    "sign": lambda x: sg.sign(0.1 * x + 0.2 * x - 0.3 * x),
    "a comparison": lambda x: sg.where(0.1 * x + 0.2 * x > 0.3 * x, x, -x),
    "equality": lambda x: sg.where(0.1 * x + 0.2 * x == 0.3 * x, x, -x),
    "a guard": lambda x: x if 0.1 * x + 0.2 * x > 0.3 * x else -x,
    "a condition": lambda x: sg.where(0.1 * x + 0.2 * x - 0.3 * x, x, -x),
    "after a function": lambda x: sg.floor(sg.log(sg.exp(x / 10)) * 10),
    "of a dot": lambda x: sg.where(sg.dot([0.1, 0.2, -0.3], [x, x, x]) >= 0.0, x, -x),
    "of a long sum": lambda x: sg.sign(sg.sum([0.1 * x] * 10) - x),
    "of a guard on a sum": lambda x: x if sg.sum([0.1 * x] * 10) == x else -x,
    "powers": lambda x: sg.where((x / 7) ** 3 < x * x * x / 343, x, -x),
    "scaled": lambda x: sg.floor(sg.mean([0.1 * x, 0.2 * x, 0.3 * x]) * 5),
    "divided": lambda x: sg.tanh(1e17 * (sg.dot([0.1, 0.2], [x, x]) // 0.3)),
}


@pytest.mark.parametrize("kind", ROUNDED)
def test_where_rounding_decides_python_does(backend: str, kind: str) -> None:
    f = ROUNDED[kind]
    xs = [float(x) for x in (*range(-50, 50), -43.0, 27.0)]
    right = [f(Value(x)).data for x in xs]

    c = sg.compile(f, backend=backend, reduction="sum")

    assert c(xs).tolist() == pytest.approx(right, rel=1e-12, abs=1e-12)
    assert c.value_and_grad(xs)[0] == pytest.approx(sum(right), rel=1e-12)
    assert [c(x) for x in xs[::9]] == pytest.approx(right[::9], rel=1e-12, abs=1e-12)


def test_where_rounding_decides_whether_an_operation_fails(backend: str) -> None:
    for f in (
        lambda x: sg.sqrt(0.1 * x + 0.2 * x - 0.3 * x),
        lambda x: sg.tanh(1 / sg.dot([0.1, 0.2, -0.3], [x, x, x])),
        lambda x: sg.sqrt(0.3 * x - sg.dot([0.1, 0.2], [x, x])),
        lambda x: sg.acos(sg.dot([0.1, 0.2], [x, x]) / (0.3 * x)),
    ):
        for x in (1.0, 3.0, 27.0, -43.0, 7.0):
            c = sg.compile(f, backend=backend)
            try:
                right = f(Value(x)).data
            except FAULTS as fault:
                with pytest.raises(type(fault)):
                    c([5.0, x] if x == 3.0 else x)
            else:
                assert c(x) == pytest.approx(right, rel=1e-12, abs=1e-15)


def test_where_a_device_takes_a_number_for_zero_python_decides(backend: str) -> None:
    """XLA does so below the smallest normal number: 1 / x is infinite, and x > 0 does not hold."""
    c = sg.compile(lambda x: 1.0 + x if x > 0.0 else 1.0 / x, backend=backend, allow_nonfinite=True)

    assert c([-1.0, 1e-310]).tolist() == [-1.0, 1.0]
    assert c.value_and_grad([-1.0, 1e-310])[1].tolist() == [-0.5, 0.5]


def number_of(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


def test_own_partials_that_call_transforms(backend: str) -> None:
    def equation(x: Any, p: Any) -> Any:
        return sg.cos(x) - p * x

    def newton(p: float) -> float:
        x = 0.7
        for _ in range(50):
            slope = sg.grad(equation)(x, p)
            x -= equation(x, p) / slope
        return x

    def slope(p: Any, out: Any) -> Any:
        by_x, by_p = sg.grad(equation, (0, 1))(out, p)
        return (-by_p / by_x,)

    root = sg.primitive("root_by_newton", newton, slope)
    w = Value(1.0)
    cases: list[Any] = [
        lambda p: root(p) * p,
        lambda p: root(p * w) + root(2.0 * p),
        lambda p: sg.grad(root)(p) * p,
        lambda p: sg.where(p > 1, root(p), sg.tanh(root(p * p))),
    ]
    for f in cases:
        ps = [1.0, 0.5, 2.0]
        right = [sg.value_and_grad(f)(p) for p in ps]
        c = sg.compile(f, backend=backend, reduction="sum")
        assert c(ps).tolist() == pytest.approx([number_of(y) for y, _ in right], rel=1e-9)
        slopes = [number_of(g) for _, g in right]
        assert c.value_and_grad(ps)[1].tolist() == pytest.approx(slopes, rel=1e-9)
        c = sg.compile(sg.grad(f), backend=backend)
        assert c(ps).tolist() == pytest.approx(slopes, rel=1e-9)
    assert sg.compile(lambda p: root(p * w), [w], backend=backend).value_and_grad(1.0)[
        1
    ] == pytest.approx([sg.grad(root)(1.0)], rel=1e-9)


def test_values_that_a_function_makes_and_keeps_are_followed(backend: str) -> None:
    weights: Any = collections.defaultdict(lambda: Value(0.5))
    c = sg.compile(lambda x: weights["a"] * x + Value(1.0), backend=backend)
    assert c(1.0) == 1.5
    weights["a"].data = 4.0
    assert c([1.0, 2.0]).tolist() == [5.0, 9.0]
    assert c.recordings == 1


class Net:
    w = Value(3.0)

    def __init__(self) -> None:
        self.b, self.layers = Value(1.0), [Value(2.0), [Value(0.5)]]

    def __call__(self, x: Any) -> Any:
        return Net.w * x + self.b * self.layers[0] + self.layers[1][0]


def test_a_value_in_the_place_of_another_is_followed(backend: str) -> None:
    net = Net()
    limit = Value(1.0)

    def f(x: Any) -> Any:
        return net(x) if x > limit else -net(x)

    c = sg.compile(f, backend=backend)
    old: list[Any] = [Net.w, net.b, net.layers, limit]
    try:
        for step in range(6):
            if step == 1:
                Net.w = Value(5.0)
            if step == 2:
                net.b = Value(7.0)
            if step == 3:
                net.layers[0] = Value(-1.0)
            if step == 4:
                net.layers[1] = [Value(9.0)]
            if step == 5:
                limit = Value(100.0)
            right = [f(Value(x)).data for x in (0.5, 3.0)]
            assert c([0.5, 3.0]).tolist() == right
            assert c.value_and_grad([0.5, 3.0])[0] == pytest.approx(sum(right) / 2)
    finally:
        Net.w = old[0]


SCALE = Value(2.0)


def test_a_value_used_in_a_function_inside_is_followed(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = sg.compile(lambda x: sum(SCALE * t for t in [x, x]), backend=backend)
    assert c(1.0) == 4.0
    monkeypatch.setitem(globals(), "SCALE", Value(5.0))
    assert c(1.0) == 10.0


def test_a_value_that_is_gone_is_an_error(backend: str) -> None:
    net = Net()
    numbers = {"w": Value(2.0)}
    for f, remove, error in (
        (net, lambda: vars(net).pop("b"), AttributeError),
        (lambda x: x * numbers["w"], numbers.clear, KeyError),
    ):
        c = sg.compile(f, backend=backend)
        c(1.0)
        remove()
        for call in (c, c.value_and_grad):
            with pytest.raises(error):
                call(1.0)


def test_a_parameter_replaced_by_another_value_is_an_error(backend: str) -> None:
    net = Net()
    c = sg.compile(net, [net.b], backend=backend)
    c.value_and_grad([1.0])
    before, net.b = net.b, Value(2.0)
    for call in (c, c.value_and_grad):
        with pytest.raises(sg.RecordingError, match="params was replaced"):
            call([1.0])
    net.b = before
    assert c([1.0]).tolist() == [5.5]


def fails_where_it_matters(program: Program, point: tuple[float, ...]) -> bool:
    """Whether an operation fails that is used otherwise than where `where` leaves it aside."""
    places: list[float] = [*point, program.constant]
    failed: list[int] = []
    for row, operands in program.steps:
        try:
            places.append(row.value(*[places[i] for i in operands]))
        except FAULTS:
            failed.append(len(places))
            places.append(math.nan)
    count = len(places) - len(program.steps)
    uses: list[list[int]] = [[] for _ in places]  # by place, the places that take it up
    for k, (row, operands) in enumerate(program.steps):
        taken = operands
        if row.name == "where":
            taken = operands[:2] if places[operands[0]] else operands[::2]
        for i in operands:
            uses[i].append(count + k if i in taken else -1)

    def matters(place: int) -> bool:
        if place == len(places) - 1 or not uses[place]:
            return True
        return any(user >= 0 and matters(user) for user in uses[place])

    return any(map(matters, failed))


@given(
    program=wild_programs([row for row in ALL if row.name != "take"] + [TABLE["where"]] * 12),
    points=st.lists(st.tuples(extremes | inputs, extremes | inputs), min_size=1, max_size=4),
)
def test_only_what_matters_fails(
    backend: str, program: Program, points: list[tuple[float, float]]
) -> None:
    def f(x: Any, y: Any) -> Any:
        # of plain numbers alone Python would compute what `where` leaves aside
        fixed = dataclasses.replace(program, constant=x * 0.0 + program.constant)
        return fixed(x, y) + 0.0

    columns = np.array(points).T
    assume(np.isfinite(columns[0] * 0.0 + program.constant).all())
    bad = [k for k, point in enumerate(points) if fails_where_it_matters(program, point)]

    found = sg.compile(f, backend=backend, allow_nonfinite=True)(*columns)

    assert np.isnan(found[bad]).all()
    for k, point in enumerate(points):
        c = sg.compile(f, backend=backend)
        if k in bad:
            with pytest.raises(FAULTS):
                c(*point)
        elif np.isfinite(found[k]):
            assert c(*point) == pytest.approx(found[k], rel=1e-9, abs=1e-12)
        else:
            with pytest.raises(FloatingPointError, match=r"is -?(inf|nan)"):
                c(*point)
