"""Roots and fixed points: their numbers, their derivatives of every order, eager and recorded."""

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from math import exp, log, pi
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value
from scalargrad.solve import NoConvergenceError, fixed_point, newton, root


def square(x: Any, p: Any) -> Any:
    return x * x - p


def square_root(p: Any) -> Any:
    return root(square, 1.0, p)


def pair(x: Any, a: Any, b: Any) -> Any:
    """Two equations of x and y, with a solution for all positive parameters."""
    u, v = x["u"], x["v"]
    return [u + a * v * v - b["c"], sg.exp(u) - v * b["c"] - 0.1]


def solved_pair(a: Any, c: Any) -> Any:
    return root(pair, {"u": 0.5, "v": 1.0}, a, {"c": c})


def test_plain_numbers_give_plain_numbers() -> None:
    assert square_root(2.0) == 2.0**0.5
    found = solved_pair(1.0, 2.0)
    assert all(abs(r) < 1e-15 for r in pair(found, 1.0, {"c": 2.0}))
    array = root(lambda x: [x[0] - 3.0, x[1] * x[1] - x[0]], np.array([1.0, 1.0]))
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [3.0, 3.0**0.5]


def test_derivatives_to_the_fourth_order() -> None:
    f, power, factor = square_root, 0.5, 1.0
    for _ in range(4):
        f = sg.grad(f)
        factor *= power
        power -= 1.0
        assert f(2.0) == pytest.approx(factor * 2.0**power, rel=1e-13)


def test_check_grads() -> None:
    sg.check_grads(square_root, (2.0,), order=3)
    sg.check_grads(lambda a, c: solved_pair(a, c)["u"] * a, (1.0, 2.0), order=2)
    sg.check_grads(solved_pair, (1.2, 2.5), order=2)


def test_hessians_are_symmetric_and_modes_agree() -> None:
    f = lambda v: sg.sin(solved_pair(*v)["v"])
    hessian = np.array(sg.hessian(f)([1.0, 2.0]))
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    product = sg.hvp(f, ([1.0, 2.0],), ([0.3, -2.0],))
    np.testing.assert_allclose(product, hessian @ [0.3, -2.0], rtol=1e-12)
    value, tangent = sg.jvp(square_root, (2.0,), (3.0,))
    assert (value, tangent) == pytest.approx((2.0**0.5, 1.5 / 2.0**0.5), rel=1e-14)


def test_backward_through_values() -> None:
    a, c = Value(1.0, "a"), Value(2.0, "c")
    out = solved_pair(a, c)
    (out["u"] * out["v"]).backward()

    right = sg.grad(lambda a, c: (lambda s: s["u"] * s["v"])(solved_pair(a, c)), (0, 1))(1.0, 2.0)
    assert (a.grad, c.grad) == pytest.approx(right, rel=1e-13)


@settings(max_examples=50)
@given(st.floats(-20, 20), st.floats(0.1, 5), st.floats(-3, 3))
def test_cubics(c: float, slope: float, start: float) -> None:
    """x**3 + slope x = c has one root, with the derivative 1 / (3 x**2 + slope)."""
    f = lambda slope, c: root(lambda x, slope, c: x**3 + slope * x - c, start, slope, c)
    x = f(slope, c)
    assert x**3 + slope * x == pytest.approx(c, rel=1e-13, abs=1e-13)
    by_slope, by_c = sg.grad(f, (0, 1))(slope, c)
    assert by_c == pytest.approx(1.0 / (3.0 * x * x + slope), rel=1e-12)
    assert by_slope == pytest.approx(-x / (3.0 * x * x + slope), rel=1e-11, abs=1e-15)


# --- Values from outside ----------------------------------------------------------------------


def test_values_from_outside_are_followed() -> None:
    w = Value(3.0, "w")
    scaled = 2.0 * w
    x = root(lambda x, p: scaled * x * x - p, 1.0, 6.0)
    x.backward()
    assert x.data == 1.0
    assert w.grad == pytest.approx(-0.5 / 3.0, rel=1e-14)
    with pytest.raises(RuntimeError, match="at other numbers of them"):
        x._row(7.0)  # what stands inside of the equation cannot change

    closed = lambda w: root(lambda x: sg.exp(w) * x**3 + x - w, 1.0)
    given_ = lambda w: root(lambda x, w: sg.exp(w) * x**3 + x - w, 1.0, w)
    for order in range(4):
        assert closed(0.7) == pytest.approx(given_(0.7), rel=1e-11), order
        closed, given_ = sg.grad(closed), sg.grad(given_)
    sg.check_grads(lambda w: root(lambda x: x**3 + x - w, 1.0), (0.7,), order=2)


def test_the_variables_of_nested_transforms_stay_apart() -> None:
    inner = lambda w: sg.grad(lambda q: root(lambda x: w * x * x - q * w * w, 1.0))(2.0)
    # sqrt(q w): by q it is sqrt(w / q) / 2, and by w then 1 / (4 sqrt(q w))
    assert inner(3.0) == pytest.approx(0.5 * 1.5**0.5, rel=1e-14)
    assert sg.grad(inner)(3.0) == pytest.approx(0.25 / 6.0**0.5, rel=1e-13)


@pytest.mark.parametrize("closed", [False, True])
def test_roots_of_functions_of_roots(closed: bool) -> None:
    def outer(x: Any, a: Any) -> Any:
        if closed:
            return x - root(lambda y: y**3 + y - x * a, 0.5) - 0.3
        return x - root(lambda y, x, a: y**3 + y - x * a, 0.5, x, a) - 0.3

    sg.check_grads(lambda a: root(outer, 1.0, a), (2.0,), order=2)


def test_the_parameters_of_a_model_are_followed() -> None:
    """A fixed point of a layer, as in deep equilibrium models."""
    model = sg.nn.Layer(2, 2, "tanh")
    for k, p in enumerate(model.parameters()):
        p.data = 0.1 * k - 0.2
    out = fixed_point(lambda z: model(z), [0.0, 0.0])
    sg.sum(out).backward()

    steps: Any = [0.0, 0.0]
    for _ in range(60):
        steps = model(steps)
    got = [p.grad for p in model.parameters()]
    for p in model.parameters():
        p.grad = 0.0
    sg.sum(steps).backward()
    assert [x.data for x in out] == pytest.approx([x.data for x in steps], rel=1e-14)
    assert got == pytest.approx([p.grad for p in model.parameters()], rel=1e-12)


def test_a_value_kept_from_an_earlier_run_is_refused() -> None:
    kept: list[Any] = []

    def remembers(x: Any) -> Any:
        kept.append(x)
        return x * kept[0] - 2.0

    with pytest.raises(TypeError, match="kept from an earlier run"):
        root(remembers, 1.0)


def test_the_start_counts_for_nothing_in_derivatives() -> None:
    start = Value(1.5)
    x = root(square, start, Value(2.0))
    x.backward()
    assert start.grad == 0.0
    assert sg.grad(lambda s: root(square, s, 2.0))(1.5) == 0.0


def test_without_a_graph() -> None:
    with sg.no_grad():
        x = square_root(Value(2.0))
    assert (x.data, x.parents) == (2.0**0.5, ())


def test_what_is_gone_is_freed_at_once(no_collector: None) -> None:
    w = Value(3.0)
    x = root(lambda x, p: w * x * x - p, 1.0, Value(6.0))
    x.backward()
    held = weakref.ref(x._row)
    sg.grad(sg.grad(square_root))(2.0)
    del x
    assert held() is None
    assert not gc.isenabled()


def test_graphs_are_copied_explained_and_drawn_but_not_pickled() -> None:
    p = Value(2.0, "p")
    out = 3.0 * square_root(p)
    out.backward()
    twin = copy.deepcopy(out)
    assert twin.parents[1].op == "root"
    assert "root'(p)" in str(sg.explain(out, p))
    assert "root" in sg.draw(out, engine="builtin").svg
    with pytest.raises(TypeError, match="root cannot be pickled"):
        pickle.dumps(out)


# --- recorded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_it_is_solved_for_each_sample(backend: str) -> None:
    p = np.array([1.0, 2.0, 3.0, 10.0])
    c = sg.compile(lambda p: square_root(p) * p, backend=backend)
    np.testing.assert_allclose(c(p), p**1.5, rtol=1e-14)
    value, slopes = c.value_and_grad(p)
    assert value == pytest.approx(np.mean(p**1.5), rel=1e-14)
    np.testing.assert_allclose(slopes, 1.5 * p**0.5 / 4, rtol=1e-13)
    assert c.recordings == 1

    second = sg.compile(sg.grad(sg.grad(square_root)), backend=backend)
    np.testing.assert_allclose(second(p), -0.25 * p**-1.5, rtol=1e-13)
    np.testing.assert_allclose(second.value_and_grad(p)[1] * 4, 0.375 * p**-2.5, rtol=1e-12)

    several = sg.compile(
        lambda s, a, c: root(pair, {"u": s, "v": 1.0}, a, {"c": c}), backend=backend
    )
    found = several([0.5, 0.4], [1.0, 1.2], [2.0, 2.1])
    right = solved_pair(1.2, 2.1)
    assert (found["u"][1], found["v"][1]) == pytest.approx((right["u"], right["v"]), rel=1e-13)


def test_the_room_may_load_while_a_function_is_recorded() -> None:
    """NumPy's generators appear meanwhile, so that the function runs again, to be compared."""
    code = (
        "import scalargrad as sg\n"
        "c = sg.compile(lambda p: sg.solve.root(lambda x, p: x * x - p, 1.0, p))\n"
        "print(c(4.0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2.0\n"


def test_two_recordings_of_a_function_are_the_same() -> None:
    """Though each run makes another equation."""

    def program(offset: float, start: float = 1.0) -> Any:
        f = lambda p: root(lambda x, p: x * x - p - offset, start, p) * p
        return sg.compile(f, backend="python").record(2.0)

    assert program(0.5) == program(0.5)
    assert program(0.5) != program(0.25)
    assert program(0.5) != program(0.5, start=1.5)
    twice = lambda p: [root(lambda x, p: x * x - p, 1.0, p), root(lambda x, p: x * x - p, 1.0, p)]
    assert len(sg.compile(lambda p: [square_root(p), square_root(p)]).record(2.0)) == 1
    assert len(sg.compile(twice).record(2.0)) <= 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_it_is_differentiated_by_model_parameters(backend: str) -> None:
    w = Value(1.3)
    f = lambda t: (root(lambda x, w, t: w * sg.exp(x) + x - t, 0.0, w, t) - 0.2) ** 2
    c = sg.compile(f, params=[w], backend=backend)
    ts = [0.5, 1.0, 2.0]
    value, (slope,) = c.value_and_grad(ts)

    total = sg.mean([f(t) for t in ts])
    total.backward()
    assert value == pytest.approx(total.data, rel=1e-13)
    assert slope == pytest.approx(w.grad, rel=1e-12)
    # at other numbers of the parameters the equation is solved again
    assert c.value_and_grad(ts, theta=[0.7])[0] != value


MANY: dict[str, Any] = {
    "one unknown": lambda p: root(lambda x, p: x * sg.exp(x) - p, 1.0, p),
    "a branch": lambda p: root(lambda x, p: (x if p > 1.5 else 2.0 * x) ** 3 - p, 1.0, p),
    "two unknowns": lambda p: sg.sum(
        root(lambda x, p: [x[0] ** 2 + x[1] - p, x[0] - sg.tanh(x[1])], [1.0, 0.5], p)
    ),
    "a fixed point": lambda p: fixed_point(lambda x, p: sg.cos(p * x), 0.5, p),
    "steps to shorten": lambda p: root(lambda x, p: sg.atan(x) - p / 3.0, 4.0, p),
    "a moving start": lambda p: root(lambda x, p: x * x - p, p + 0.5, p),
    "not recordable": lambda p: root(lambda x, p: x**3 - p - 0.0 * x.data, 1.0, p),
    "a root of a root": lambda p: root(lambda x, p: x**3 - root(square, 1.0, p), 1.0, p),
    "a derivative": lambda p: sg.grad(lambda q: root(lambda x, q: x**3 - q, 1.0, q))(p),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MANY)
def test_recorded_many_roots_are_those_of_single_samples(name: str, backend: str) -> None:
    f, ps = MANY[name], np.linspace(0.7, 2.2, 40).tolist()
    c = sg.compile(f, backend=backend, reduction="sum")
    pairs = [sg.value_and_grad(f)(p) for p in ps]

    assert c(ps) == pytest.approx([value for value, _ in pairs], rel=1e-14)
    assert c.value_and_grad(ps)[1] == pytest.approx([slope for _, slope in pairs], rel=1e-13)


def test_many_roots_do_not_depend_on_the_threads() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    ps = [*np.linspace(0.7, 2.2, 700), *np.linspace(0.7, 2.2, 700)]
    found = []
    for threads in (1, 4, 4):
        c = sg.compile(MANY["one unknown"], backend="numba", threads=threads)
        found.append((c(ps).tolist(), c.value_and_grad(ps)[1].tolist()))
    assert found[0] == found[1] == found[2]


def test_most_roots_of_many_samples_are_found_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    from scalargrad.solve import implicit

    alone: list[Any] = []

    def solved(*args: Any) -> Any:
        alone.append(args)
        return newton.solved(*args)

    monkeypatch.setattr(implicit, "solved", solved)
    c = sg.compile(MANY["two unknowns"], backend="numba")
    c.value_and_grad(np.linspace(0.7, 2.2, 500))
    assert len(alone) <= 1  # the sample that is recorded


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_one_of_many_samples_without_a_root_raises(backend: str) -> None:
    c = sg.compile(lambda p: root(square, 1.0, p), backend=backend)
    with pytest.raises(ValueError, match=r"sample 30: .* did not converge"):
        c([1.0] * 30 + [-1.0] + [2.0] * 30)


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_it_refuses_values_from_outside(backend: str) -> None:
    w = Value(2.0)
    for f in (
        lambda p: root(lambda x: x * x - p, 1.0),
        lambda p: root(lambda x, p: w * x - p, 1.0, p),
    ):
        with pytest.raises(sg.RecordingError, match="pass them as parameters"):
            sg.compile(f, backend=backend)([2.0, 3.0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_recorded_a_sample_without_a_root_raises(backend: str) -> None:
    with pytest.raises(ValueError, match=r"sample 2: .* did not converge"):
        sg.compile(square_root, backend=backend)([2.0, 3.0, -1.0])
    found = sg.compile(square_root, backend=backend, allow_nonfinite=True)([2.0, 3.0, -1.0])
    assert np.isnan(found).tolist() == [False, False, True]


# --- convergence --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "start", "right"),
    [
        (lambda x: sg.atan(x), 10.0, 0.0),  # Newton's own steps lead away
        (lambda x: sg.exp(x) - 1e-30, 1.0, log(1e-30)),
        (lambda x: x - 1e-20, 0.0, 1e-20),
        (lambda x: sg.log(x), 50.0, 1.0),  # and out of the domain
        (lambda x: sg.sin(x), 3.0, pi),
        (lambda x: 1e200 * (x - 2.0), 5.0, 2.0),
        (lambda x: 1e-200 * (x - 2.0), 5.0, 2.0),
        (lambda x: x**3 - 2.0 * x + 2.0, 0.0, -1.7692923542386314),  # a cycle of Newton's
    ],
)
def test_roots_are_found_to_the_last_digits(f: Any, start: float, right: float) -> None:
    assert root(f, start) == pytest.approx(right, rel=4e-16, abs=1e-300)


def test_double_roots_are_found_with_half_the_digits() -> None:
    assert root(lambda x: (x - 1.0) ** 2, 3.0) == pytest.approx(1.0, abs=1e-7)


def test_large_systems() -> None:
    """A chain of 40 unknowns: the Bratu problem."""
    n, h = 40, 1.0 / 41

    def bratu(u: Any, strength: Any) -> Any:
        full = [0.0, *u, 0.0]
        return [
            full[i - 1] - 2.0 * full[i] + full[i + 1] + h * h * strength * sg.exp(full[i])
            for i in range(1, n + 1)
        ]

    top = lambda strength: root(bratu, [0.0] * n, strength)[n // 2]
    slope = sg.grad(top)(1.0)
    assert slope == pytest.approx((top(1.0001) - top(0.9999)) / 2e-4, rel=1e-7)


@pytest.mark.parametrize("f", [lambda x: x * x + 1.0, lambda x: sg.exp(x), lambda x: 1.0 + 0.0 * x])
def test_no_root_is_an_error_that_says_how_near_it_came(f: Any) -> None:
    with pytest.raises(NoConvergenceError, match=r"after \d+ steps .* residual is .* at x = "):
        root(f, 1.0)
    with pytest.raises(NoConvergenceError, match="did not converge"):
        root(lambda x, p: f(x) + 0.0 * p, 1.0, Value(1.0))


def test_what_fails_at_the_start_is_the_functions_error() -> None:
    with pytest.raises(ValueError, match=r"log\(x\) is not defined at x = -1.0"):
        root(lambda x: sg.log(x), -1.0)


def test_fixed_points() -> None:
    x = fixed_point(sg.cos, 1.0)
    assert sg.cos(x) == x
    sg.check_grads(lambda a: fixed_point(lambda x, a: sg.cos(a * x), 1.0, a), (0.8,), order=2)
    # not a contraction: the iteration itself would leave it
    assert fixed_point(lambda x: sg.exp(x) - 1.5, 1.0) == pytest.approx(0.8577, abs=1e-4)
    found = fixed_point(lambda x: {"a": 0.5 * x["b"], "b": x["a"] + 1.0}, {"a": 0.0, "b": 0.0})
    assert found == {"a": 1.0, "b": 2.0}


def test_implied_volatility() -> None:
    """The price of a call inverted, with the slope that theory knows: 1 / vega."""

    def price(volatility: Any, strike: Any) -> Any:
        d = (sg.log(100.0 / strike) + 0.5 * volatility**2) / volatility
        normal = lambda x: 0.5 * (1.0 + sg.erf(x / 2.0**0.5))
        return 100.0 * normal(d) - strike * normal(d - volatility)

    implied = lambda p: root(lambda v, p: price(v, 95.0) - p, 0.3, p)
    volatility = implied(12.0)
    d = (log(100.0 / 95.0) + 0.5 * volatility**2) / volatility
    vega = 100.0 * exp(-0.5 * d * d) / (2.0 * pi) ** 0.5
    assert sg.grad(implied)(12.0) == pytest.approx(1.0 / vega, rel=1e-12)
    sg.check_grads(implied, (12.0,), order=2)


def test_singular_jacobians_give_infinite_slopes() -> None:
    assert sg.grad(lambda p: root(lambda x, p: x**3 - p, 0.0, p))(0.0) == np.inf

    def singular(x: Any, p: Any) -> Any:
        return [x[0] + x[1] - p, 2.0 * (x[0] + x[1]) - 2.0 * p]

    assert np.isnan(sg.jacobian(lambda p: root(singular, [1.0, 1.0], p))(2.0)).all()


def test_the_sign_changes_far_from_the_start() -> None:
    """Newton's method and SciPy's end at the minimum of |F| nearby; poles are no roots."""
    assert root(lambda x: 0.1 + (x - 1.0) ** 2 - 0.001 * x**3, 1.0) == pytest.approx(997.997, abs=1)
    with pytest.raises(NoConvergenceError):
        root(lambda x: 1.0 / (x - 5.0), 1.0)
