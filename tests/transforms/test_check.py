"""The checker is checked: it finds small errors in any argument and passes what is right."""

import math

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
