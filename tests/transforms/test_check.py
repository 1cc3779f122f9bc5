"""The checker is checked: it finds small errors in any argument and passes what is right."""

import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from strategies import SMOOTH, Program, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.rows import Primitive


def wrong(factor: float) -> Primitive:
    return sg.primitive(
        "wrong", lambda x, y: x**2 * y**3, lambda x, y, out: (2 * x * y**3, factor * x**2 * y**2)
    )


def test_an_error_of_half_a_per_mille_is_caught() -> None:
    sg.check_grads(wrong(3.0), (1.5, 0.7), order=2)
    for factor in (3.0015, 2.9985):
        message = r"derivative 1 of wrong by argument 1 = 0\.7"
        with pytest.raises(sg.GradientCheckError, match=message):
            sg.check_grads(wrong(factor), (1.5, 0.7))


def test_an_error_is_caught_whatever_the_size() -> None:
    product = sg.primitive("product", lambda x, y: x * y, lambda x, y, out: (1.0005 * y, x))
    for point in ((1e5, 1e5), (1e4, 1.0), (1e-4, 1e-4), (1e6, 1e-6), (1e-8, 1e-8)):
        with pytest.raises(sg.GradientCheckError):
            sg.check_grads(product, point)
    shifted = sg.primitive("shifted", lambda x: 1e5 + x, lambda x, out: (1.0005,))
    logarithm = sg.primitive("logarithm", math.log, lambda x, out: (1.0005 / x,))
    for f, x in ((shifted, 0.1), (logarithm, 1e3), (logarithm, 1e6)):
        with pytest.raises(sg.GradientCheckError):
            sg.check_grads(f, (x,))


def test_functions_that_use_methods_and_powers_near_zero() -> None:
    sg.check_grads(lambda x: x.tanh(), (0.5,), order=2)
    sg.check_grads(lambda x: x**2.5, (1e-3,), order=2)
    sg.check_grads(lambda x: sg.sin(1e4 * x), (0.3,))
    assert sg.numerical_grad(lambda x: x.exp(), 0.0) == pytest.approx(1.0)


def test_the_message_names_argument_got_expected_and_mode() -> None:
    bad = wrong(3.3)
    f = lambda p, q: bad(1.0, p["w"][1]) + q
    message = r"argument 0\['w'\]\[1\] = 2.0: got 13\.2 \(reverse mode\), expected 12\.0|11\.99"
    with pytest.raises(sg.GradientCheckError, match=message):
        sg.check_grads(f, ({"w": [1.0, 2.0]}, 1.0))
    assert issubclass(sg.GradientCheckError, AssertionError)


def test_an_error_in_the_second_order_only() -> None:
    # the slope is right, but stops the derivative that goes through it
    half = sg.primitive("half", lambda x: x**3, lambda x, out: (3 * sg.stop_gradient(x) * x,))
    sg.check_grads(half, (2.0,))
    with pytest.raises(sg.GradientCheckError, match="derivative 2 of half"):
        sg.check_grads(half, (2.0,), order=2)


def weighted(
    terms: Sequence[tuple[float, Callable[[Any], Any]]], bad: int = -1, by: float = 0.0
) -> Primitive:
    """The sum of h(x) times a weight for each number, and the sine of the sum of all.

    The partial by the number at `bad` is wrong by the share `by`; if it is 0, by `by` itself.
    """
    movers = [w != 0.0 for w, _ in terms]

    def total(xs: Sequence[float]) -> float:
        return math.fsum(x for x, moves in zip(xs, movers, strict=True) if moves)

    def value(*xs: float) -> float:
        parts = [w * h(x) for (w, h), x in zip(terms, xs, strict=True)]
        return math.fsum(parts) + math.sin(total(xs))

    def partials(*xs: float, out: float) -> list[float]:
        both = math.cos(total(xs))
        slopes = [
            w * sg.grad(h)(x) + both * moves
            for (w, h), x, moves in zip(terms, xs, movers, strict=True)
        ]
        if bad >= 0:
            slopes[bad] = slopes[bad] * (1.0 + by) if slopes[bad] else by
        return slopes

    return sg.primitive("weighted", value, partials)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 24])
def test_every_wrong_entry_of_many_is_named(n: int) -> None:
    rng = random.Random(n)
    shapes = [sg.sin, sg.exp, sg.tanh, lambda x: x * x, lambda x: x]
    for _ in range(1 + 20 // n):
        weights = [rng.choice([0.0, *[10.0 ** rng.uniform(-3.0, 3.0)] * 4]) for _ in range(n)]
        terms = [(w, rng.choice(shapes)) for w in weights]
        point = [rng.choice([0.0, *[rng.uniform(-2.0, 2.0)] * 9]) for _ in range(n)]
        check = lambda f, point=point: sg.check_grads(lambda xs: f(*xs), (point,))
        check(weighted(terms))
        for j in range(n):
            bad = weighted(terms, j, rng.choice([0.0005, -0.0005]))
            with pytest.raises(sg.GradientCheckError, match=rf"argument 0\[{j}\] ="):
                check(bad)


def test_a_small_dependence_that_was_forgotten_is_found() -> None:
    weights = [1e3, 1e-3, 1.0, 1e3, 1e-2]
    for j in range(len(weights)):
        slopes = [0.0 if i == j else v for i, v in enumerate(weights)]
        forgetful = sg.primitive(
            "forgetful",
            lambda *xs: math.fsum(v * x for v, x in zip(weights, xs, strict=True)),
            lambda *xs, out, slopes=slopes: slopes,
        )
        with pytest.raises(sg.GradientCheckError, match=rf"by argument {j} = .*got 0\.0 "):
            sg.check_grads(forgetful, (0.5, 0.25, -1.0, 1.5, 0.0))


def test_equal_errors_of_all_entries_do_not_cancel() -> None:
    for n in (2, 3, 10, 40):
        for factor in (-1.0, 0.0, 1.0005, 2.0):
            scaled = sg.primitive(
                "scaled",
                lambda *xs: math.fsum(xs),
                lambda *xs, out, factor=factor: [factor] * len(xs),
            )
            with pytest.raises(sg.GradientCheckError):
                sg.check_grads(scaled, tuple(0.1 * i for i in range(n)))


def test_errors_that_cancel_along_one_direction_show_along_the_next() -> None:
    points = []

    def value(*xs: float) -> float:
        points.append(xs)
        return math.fsum(xs)

    right = sg.primitive("right", value, lambda *xs, out: (1.0, 1.0, 1.0))
    sg.check_grads(right, (0.0, 0.0, 0.0))
    first = next(xs for xs in points if any(xs))
    slopes = [1.01, 1.0 - 0.01 * first[0] / first[1], 1.0]
    cancelling = sg.primitive("cancelling", value, lambda *xs, out: slopes)
    with pytest.raises(sg.GradientCheckError, match=r"derivative 1 of cancelling by argument [01]"):
        sg.check_grads(cancelling, (0.0, 0.0, 0.0))


@pytest.mark.parametrize("n", [2, 5])
def test_every_wrong_second_derivative_is_found(n: int) -> None:
    rng = random.Random(n)
    a = [[10.0 ** rng.uniform(-3.0, 3.0) for _ in range(n)] for _ in range(n)]
    a = [[a[i][j] + a[j][i] if (i - j) % 3 else 0.0 for j in range(n)] for i in range(n)]
    point = [rng.uniform(0.5, 2.0) for _ in range(n)]

    def quadratic(i: int = 0, j: int = 0, by: float = 0.0) -> Primitive:
        def partials(*xs: Any, out: Any) -> list[Any]:
            slopes = [sg.dot(row, xs) for row in a]  # then a change that has no value, but a slope
            slopes[i] += by * a[i][j] * (xs[j] - sg.stop_gradient(xs[j]))
            return slopes

        value = lambda *xs: 0.5 * math.fsum(x * sg.dot(r, xs) for x, r in zip(xs, a, strict=True))
        return sg.primitive("quadratic", value, partials)

    sg.check_grads(quadratic(), point, order=2)
    for i in range(n):
        for j in range(n):
            if a[i][j]:
                named = f"derivative 2 of .* of output ({i} by argument {j}|{j} by argument {i}) ="
                for by in (0.0005, -1.0):
                    sg.check_grads(quadratic(i, j, by), point)
                    with pytest.raises(sg.GradientCheckError, match=named):
                        sg.check_grads(quadratic(i, j, by), point, order=2)


def test_an_error_of_the_third_order_only() -> None:
    def partials(x: Any, y: Any, z: Any, out: Any) -> tuple[Any, ...]:
        flat = y - sg.stop_gradient(y)  # 0, and so is the slope of its square
        return 1.0, 3 * y**2 + flat**2, 1.0

    cubed = sg.primitive("cubed", lambda x, y, z: x + y**3 + z, partials)
    sg.check_grads(lambda x, y, z: x + y**3 + z, (1.0, 2.0, 3.0), order=4)
    sg.check_grads(cubed, (1.0, 2.0, 3.0), order=2)
    with pytest.raises(sg.GradientCheckError, match=r"derivative 3 of cubed.* by argument 1 ="):
        sg.check_grads(cubed, (1.0, 2.0, 3.0), order=3)


def test_an_error_of_forward_mode_alone() -> None:
    for later in (1.0005, math.nan):
        calls = []

        def partials(*xs: float, out: float, calls: Any = calls, later: Any = later) -> list[float]:
            calls.append(xs)  # reverse mode comes first
            return [1.0, 1.0 if len(calls) == 1 else later, 1.0]

        changing = sg.primitive("changing", lambda *xs: math.fsum(xs), partials)
        with pytest.raises(sg.GradientCheckError, match=r"argument 1 = 2\.0: .* \(forward mode\)"):
            sg.check_grads(changing, (1.0, 2.0, 3.0))


def counted(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    calls = [0]

    def counting(*xs: Any) -> Any:
        calls[0] += 1
        return f(*xs)

    return counting, calls


def test_evaluations_do_not_grow_with_the_number_of_arguments() -> None:
    def rosenbrock(*xs: Any) -> Any:
        return sg.sum([100 * (y - x * x) ** 2 + (1 - x) ** 2 for x, y in pairwise(xs)])

    def of_every_size(*xs: Any) -> Any:
        return sg.sum([10.0 ** (i % 7 - 3) * sg.sin(x) for i, x in enumerate(xs)])

    f, calls = counted(of_every_size)
    sg.check_grads(f, [1.0 / i for i in range(1, 100)])
    assert calls[0] < 60

    for n in (20, 200):
        point = [0.3 + 0.7 * math.sin(i) for i in range(n)]
        for order, most in ((1, 60), (2, 120)):
            if n * order < 400:
                f, calls = counted(rosenbrock)
                sg.check_grads(f, point, order)
                assert calls[0] < most, (n, order)


def test_the_state_of_random_stays() -> None:
    before = random.getstate()
    sg.check_grads(lambda *xs: sg.prod(xs), (1.0, 2.0, 3.0, 4.0), order=3)

    assert random.getstate() == before


class Pair(NamedTuple):
    left: Any
    right: Any


def test_arguments_of_every_kind() -> None:
    w = Value(2.0)
    sg.check_grads(
        lambda p, q: [p["a"][0] * q, {"z": sg.sin(p["b"]) * p["a"][1]}],
        ({"a": [1, 2], "b": Fraction(1, 3)}, np.float64(2.0)), order=3,
    )  # fmt: skip
    sg.check_grads(lambda m: (m @ m.T)[0], (np.array([[1, 2, 3], [4, 5, 6]]),), order=2)
    sg.check_grads(lambda p: p.left * p.right[0] * p.right[1], (Pair(1.0, [2.0, True]),), order=3)
    sg.check_grads(lambda *xs: sg.sum(xs) * w * xs[0], (Value(1.0), 2.0, 3.0), order=2)
    sg.check_grads(lambda *xs: [], (1.0, 2.0, 3.0))
    sg.check_grads(lambda *xs: 3.0, (1.0, 2.0, 3.0), order=3)
    sg.check_grads(lambda *xs: sg.sum(xs), (1.0, 2.0, 3.0), order=8)
    for f in (sg.log, sg.sqrt, lambda x: 1.0 / x):
        sg.check_grads(lambda *xs, f=f: sg.sum(map(f, xs)), (1e8, 1e-8, 1e3, 1e-3), order=3)


def test_kinks_and_infinite_slopes_among_many_arguments() -> None:
    each = lambda f: lambda *xs: sg.sum(map(f, xs))
    for f, expected in ((sg.relu, r"got 0\.0 .*expected 0\.[45]"), (sg.cbrt, "got inf")):
        with pytest.raises(sg.GradientCheckError, match=rf"argument 1 = 0\.0: {expected}"):
            sg.check_grads(each(f), (1.0, 0.0, 2.0, -1.0))
    sg.check_grads(each(abs), (1.0, 0.0, 2.0, -1.0))  # symmetric, so that differences give 0 too
    for lost in (math.nan, math.inf):
        with pytest.raises(sg.GradientCheckError, match="expected nan"):
            sg.check_grads(each(abs), (1.0, 0.0, lost, -1.0))
    with pytest.raises(ValueError, match=r"sqrt\(x\) is not defined at x = -"):
        sg.check_grads(each(sg.sqrt), (1.0, 2.0, 0.0))


@pytest.mark.parametrize(
    "order",
    [0, -1, 9, 200, 10**400, 10**5000, -(10**5000), True, "2", 2.0],
    ids=lambda order: type(order).__name__,
)
def test_an_order_without_sense(order: Any) -> None:
    fault = ValueError if type(order) is int else TypeError
    with pytest.raises(fault, match=r"check_grads: order must be (at|a whole number, got)") as info:
        sg.check_grads(sg.exp, (1.0,), order=order)
    assert len(str(info.value)) < 80


@pytest.mark.parametrize("tolerance", [math.inf, math.nan, -1e-6, -math.inf])
@pytest.mark.parametrize("name", ["rtol", "atol"])
def test_a_tolerance_without_sense(name: str, tolerance: float) -> None:
    message = f"check_grads: {name} must be finite and not negative, got {tolerance}"
    with pytest.raises(ValueError, match=message):
        sg.check_grads(sg.exp, (1.0,), **{name: tolerance})
    with pytest.raises(TypeError, match=f"check_grads: {name} takes a real number .*got str"):
        sg.check_grads(sg.exp, (1.0,), **{name: "1e-6"})


def test_nan_is_an_error() -> None:
    lost = sg.primitive("lost", lambda x: x, lambda x, out: (math.nan,))
    with pytest.raises(sg.GradientCheckError, match="got nan"):
        sg.check_grads(lost, (2.0,))


def test_outputs_are_named() -> None:
    bad = wrong(3.3)
    with pytest.raises(sg.GradientCheckError, match="of output 1 by argument 0"):
        sg.check_grads(lambda x: [x, bad(1.0, x)], (2.0,))


@given(programs(SMOOTH, most=5))
def test_what_is_right_passes(program: Program) -> None:
    # near the edge of a domain, and where the function bends sharply, differences tell nothing
    curvature = sg.hessian(program, range(len(program.point)))
    try:
        bends = [abs(d) for row in curvature(*program.point) for d in row]
    except OverflowError:
        assume(False)
    assume(all(bend < 20.0 for bend in bends))
    sg.check_grads(program, program.point, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 1.0, 1e3, 1e8])
def test_large_and_small_arguments(x: float) -> None:
    sg.check_grads(sg.log, (x,))
    sg.check_grads(sg.sqrt, (x,))
    sg.check_grads(lambda v: v[0] / v[1], ([x, x],))
    sg.check_grads(lambda v: v * v, (x,), order=2)


def test_numerical_grad() -> None:
    f = lambda x, p: sg.sin(x) * p["k"] ** 2
    args = (0.7, {"k": 2.0})
    exact = sg.grad(f, (0, 1))(*args)
    errors = {}
    for method in ("forward", "central", "extrapolated"):
        dx, dp = sg.numerical_grad(f, args, method)
        assert dp.keys() == {"k"}
        errors[method] = abs(dx - exact[0]) + abs(dp["k"] - exact[1]["k"])

    assert errors["extrapolated"] < 1e-11 < errors["central"] < 1e-8 < errors["forward"] < 1e-6
    assert sg.numerical_grad(lambda x: x * x, 3.0, "forward", eps=0.5) == 6.5
    assert sg.numerical_grad(lambda x: x * x, [3.0], "central", eps=0.5) == [6.0]
    assert sg.numerical_grad(lambda x: x * Value(2.0), (3.0,))[0] == pytest.approx(2.0)


def test_wrong_calls() -> None:
    with pytest.raises(ValueError, match="one of forward, central, extrapolated, got 'middle'"):
        sg.numerical_grad(sg.exp, (1.0,), "middle")
    with pytest.raises(ValueError, match="eps must be positive, got 0"):
        sg.numerical_grad(sg.exp, (1.0,), eps=0)
    with pytest.raises(ValueError, match="eps must be finite, got inf"):
        sg.numerical_grad(sg.exp, (1.0,), eps=math.inf)
    with pytest.raises(TypeError, match=r"eps takes a real number .*got str"):
        sg.numerical_grad(sg.exp, (1.0,), eps="small")
    with pytest.raises(TypeError, match="arguments as a tuple, got float"):
        sg.check_grads(sg.exp, 1.0)
    with pytest.raises(ValueError, match="order must be at least 1, got 0"):
        sg.check_grads(sg.exp, (1.0,), order=0)
    for takes_a_function in (sg.check_grads, sg.numerical_grad):
        with pytest.raises(TypeError, match=f"{takes_a_function.__name__} takes a function, got"):
            takes_a_function(3, (1.0,))
    with pytest.raises(TypeError, match="one number"):
        sg.numerical_grad(lambda x: [x, x], (1.0,))


def test_a_point_on_the_edge_of_the_domain() -> None:
    with pytest.raises(ValueError, match=r"sqrt\(x\) is not defined at x = -"):
        sg.check_grads(sg.sqrt, (0.0,))


def test_evaluations_are_not_repeated() -> None:
    calls = []

    def f(*xs):
        calls.append(xs)
        return sg.sum(xs)

    for method, expected in (("forward", 5 + 1), ("central", 2 * 5)):
        calls.clear()
        sg.numerical_grad(f, (1.0, 2.0, 3.0, 4.0, 5.0), method)

        assert len(calls) == expected


def test_one_argument_takes_few_evaluations() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return sg.sin(x) * sg.exp(x)

    sg.check_grads(f, (0.7,))
    assert len(calls) < 12
