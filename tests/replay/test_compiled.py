"""sg.compile against the eager engine, on every backend: values, gradients, errors."""

import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from replayed import BACKENDS, Shaken, agrees, eager, outcome
from strategies import ALL, Program, programs

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.core.rows import TABLE

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def test_every_operation_is_that_of_the_table(backend: str) -> None:
    for row in TABLE.values():
        for point in row.at:
            xs = [Value(x) for x in point]
            row(*xs).backward()

            c = sg.compile(lambda *xs, row=row: row(*xs), backend=backend)
            value, slopes = c.value_and_grad(*point)

            slopes = slopes if len(point) > 1 else (slopes,)
            assert value == pytest.approx(row.value(*point), rel=1e-13, abs=1e-300), row.name
            assert slopes == pytest.approx([x.grad for x in xs], rel=1e-12, abs=1e-300), row.name


def test_kinks_are_taken_as_the_table_states_them(backend: str) -> None:
    for row in TABLE.values():
        for point, slopes in row.kinks.items():
            c = sg.compile(lambda *xs, row=row: row(*xs), backend=backend, allow_nonfinite=True)
            _, given = c.value_and_grad(*point)
            given = given if len(point) > 1 else (given,)
            assert given == pytest.approx(slopes, nan_ok=True), (row.name, point)


@given(program=programs(ALL), data=st.data())
def test_random_programs_agree_with_eager(backend: str, program: Program, data: Any) -> None:
    n = len(program.point)
    k = data.draw(st.integers(0, n))  # the first k are inputs, the rest parameters
    samples = [list(program.point)]
    for _ in range(data.draw(st.integers(0, 11)) if k else 0):
        near = [x + data.draw(st.sampled_from([0.0, 1e-3, -0.25, 0.5])) for x in program.point[:k]]
        samples.append([*near, *program.point[k:]])
    try:
        right, size = outcome(program, samples)
        shaken = [outcome(Shaken(program, seed), samples)[0] for seed in (0b0101, 0b0011, 0xFFFF)]
    except (ValueError, ZeroDivisionError, OverflowError):
        assume(False)
    assume(np.isfinite([*right, *size]).all() and abs(right).max() < 1e6)
    # a result that rounding alone moves by more than that is not known to 1e-12 by eager code
    moved = np.max([abs(other - right) for other in shaken], axis=0)
    assume((moved <= np.maximum(1e-13 * abs(right), 1e-15 * size)).all())
    params = [Value(x) for x in program.point[k:]]
    columns = [[sample[i] for sample in samples] for i in range(k)]

    c = sg.compile(
        lambda *xs: program(*xs, *params) + 0.0, params or None, backend=backend, reduction="sum"
    )
    value, slopes = c.value_and_grad(*columns)

    assert agrees(value, right[:, 0].sum(), size[:, 0].sum())
    if params:
        assert agrees(slopes, right[:, k + 1 :].sum(axis=0), size[:, k + 1 :].sum(axis=0))
    else:
        assert agrees(np.reshape(slopes, (n, -1)).T, right[:, 1:], size[:, 1:])
    if k:
        assert agrees(c(*columns), right[:, 0], size[:, 0])


@given(
    xs=st.lists(st.floats(-3, 3), min_size=1, max_size=9),
    limits=st.lists(st.floats(-2, 2), min_size=1, max_size=3),
)
def test_branches_are_replayed_apart(backend: str, xs: list[float], limits: list[float]) -> None:
    w = Value(0.7)

    def f(x: Any) -> Any:
        y = w * x
        for limit in limits:
            y = y * w + x if y > limit else sg.sin(y) - w
        while abs(y) > 1.0:
            y = y / 2
        return y

    c = sg.compile(f, [w], backend=backend)
    value, slopes = c.value_and_grad(xs)

    right, right_slopes = eager(lambda x: f(Value(x)), [[x] for x in xs], [w])
    assert value == pytest.approx(right, rel=1e-12, abs=1e-14)
    assert slopes == pytest.approx(right_slopes, rel=1e-12, abs=1e-13)
    assert c(xs) == pytest.approx([f(Value(x)).data for x in xs], rel=1e-12, abs=1e-15)
    assert 1 <= c.recordings <= len(xs)


def test_recordings_are_used_again(backend: str) -> None:
    c = sg.compile(lambda x: x * x if x > 0 else -x, backend=backend)

    for _ in range(3):
        assert c([1.0, -2.0, 3.0]).tolist() == [1.0, 2.0, 9.0]
    assert c(-5.0) == 5.0
    assert c.recordings == 2
    assert len(c.programs) == 2


class Branching:
    """A random program that also goes one way or the other after each instruction."""

    def __init__(self, program: Any, limits: list[float]) -> None:
        self.program, self.limits = program, limits

    def __call__(self, *xs: Any) -> Any:
        y = self.program(*xs)
        for limit in self.limits:
            y = y * 0.5 + xs[0] if y > limit else xs[-1] * xs[-1] - y
        return y


@given(program=programs(ALL, most=6), data=st.data())
def test_random_programs_with_branches(backend: str, program: Program, data: Any) -> None:
    limits = data.draw(st.lists(st.sampled_from([-1.0, 0.0, 0.7]), min_size=1, max_size=3))
    rows = [[x + shift for x in program.point] for shift in (0.0, 0.3, -0.4, 1.1, 0.3)]
    f = Branching(program, limits)
    try:
        right, size = outcome(f, rows)
        shaken = [
            outcome(Branching(Shaken(program, seed), limits), rows)[0]
            for seed in (0b0101, 0b0011, 0xFFFF)
        ]
    except (ValueError, ZeroDivisionError, OverflowError):
        assume(False)
    assume(np.isfinite([*right, *size]).all() and abs(right).max() < 1e6)
    moved = np.max([abs(other - right) for other in shaken], axis=0)
    assume((moved <= np.maximum(1e-13 * abs(right), 1e-15 * size)).all())

    c = sg.compile(f, backend=backend, reduction="sum")
    columns = np.array(rows).T
    value, slopes = c.value_and_grad(*columns)

    assert agrees(value, right[:, 0].sum(), size[:, 0].sum())
    assert agrees(np.reshape(slopes, (len(columns), -1)).T, right[:, 1:], size[:, 1:])
    assert agrees(c(*columns), right[:, 0], size[:, 0])
    assert c.recordings <= 4


def test_inputs_that_are_also_parameters(backend: str) -> None:
    w = Value(2.0)
    c = sg.compile(lambda x: x * x * w, [w], backend=backend)

    assert c.value_and_grad([w.data, 3.0])[1].tolist() == [6.5]  # its number is a number
    y = c(w)  # itself is part of a computation
    y.backward()
    assert (y.data, w.grad) == (8.0, 12.0)
    twice = sg.compile(lambda x, y: x * y + w * x, [w], backend=backend)
    xs = np.array([1.0, 2.0])
    assert twice.value_and_grad(xs, xs)[1].tolist() == [1.5]


def test_a_chosen_value_needs_no_new_recording(backend: str) -> None:
    c = sg.compile(lambda x: sg.where(x > 0, x * x, -x), backend=backend)

    assert c([1.0, -2.0, 3.0]).tolist() == [1.0, 2.0, 9.0]
    assert c.value_and_grad([1.0, -2.0])[1].tolist() == [1.0, -0.5]
    assert c.recordings == 1


def test_a_network_agrees_with_eager(backend: str) -> None:
    for activation in ("relu", "tanh", "sigmoid", "gelu", None):
        model = nn.MLP(3, [5, 4, 1], activation=activation)
        X, Y = np.linspace(-1, 1, 21).reshape(7, 3), np.linspace(0, 1, 7)

        def f(x: Any, y: Any, model: Any = model) -> Any:
            return losses.squared_error(model(x), y)

        c = sg.compile(f, model.parameters(), backend=backend)
        value, slopes = c.value_and_grad(X, Y)

        samples = list(zip(X.tolist(), Y.tolist(), strict=True))
        right, right_slopes = eager(f, samples, model.parameters())
        assert value == pytest.approx(right, rel=1e-12)
        assert slopes == pytest.approx(right_slopes, rel=1e-12, abs=1e-15)


def test_a_list_of_results_has_an_array_in_each_place(backend: str) -> None:
    w = Value(2.0)
    c = sg.compile(lambda x, y: {"a": [x * w, y], "b": (w, 3.0, x)}, backend=backend)

    found = c([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])

    assert found["a"][0].tolist() == [2.0, 4.0, 6.0]
    assert found["a"][1].tolist() == [4.0, 5.0, 6.0]
    assert [row.tolist() for row in found["b"]] == [[2.0] * 3, [3.0] * 3, [1.0, 2.0, 3.0]]
    assert c(1.0, 4.0) == {"a": [2.0, 4.0], "b": (2.0, 3.0, 1.0)}
    assert type(c(1.0, 4.0)["a"][0]) is float


def test_gradients_by_the_arguments_have_their_shapes(backend: str) -> None:
    c = sg.compile(lambda x, y: sg.dot(x[0], x[1]) * y, backend=backend, reduction="sum")
    X, Y = np.arange(12.0).reshape(2, 2, 3), np.array([1.0, -1.0])

    value, (dx, dy) = c.value_and_grad(X, Y)

    assert value == (X[:, 0] * X[:, 1]).sum(axis=1) @ Y
    assert dx.tolist() == (X[:, ::-1] * Y[:, None, None]).tolist()
    assert dy.tolist() == (X[:, 0] * X[:, 1]).sum(axis=1).tolist()
    assert c.value_and_grad([[[1.0, 2.0], [3.0, 4.0]]], [2.0])[0] == 22.0


def test_inputs_that_are_not_used_have_zero_derivatives(backend: str) -> None:
    unused = Value(1.0)
    c = sg.compile(lambda x, y: x * x, [unused], backend=backend)
    assert c.value_and_grad([1.0, 2.0], [0.0, 0.0])[1].tolist() == [0.0]

    c = sg.compile(lambda x, y: x * x, backend=backend)
    _, (dx, dy) = c.value_and_grad([1.0, 2.0], [0.0, 0.0])
    assert (dx.tolist(), dy.tolist()) == ([1.0, 2.0], [0.0, 0.0])


def test_results_that_are_no_instruction(backend: str) -> None:
    w = Value(2.0)
    c = sg.compile(lambda x: w, [w], backend=backend)
    assert c([1.0, 2.0]).tolist() == [2.0, 2.0]
    assert c.value_and_grad([1.0, 2.0, 3.0])[0] == 2.0
    assert c.value_and_grad([1.0, 2.0, 3.0])[1].tolist() == [1.0]
    c = sg.compile(lambda x: sg.exp(w), [w], backend=backend, reduction="sum")
    value, slope = c.value_and_grad([1.0, 2.0, 3.0])
    assert value == pytest.approx(3 * math.exp(2))
    assert slope == pytest.approx([3 * math.exp(2)])
    assert sg.compile(lambda x: x, backend=backend).value_and_grad([3.0, 5.0])[0] == 4.0
    assert sg.compile(lambda x: 7, backend=backend)([3.0, 5.0]).tolist() == [7.0, 7.0]


def test_backward_adds_to_the_gradients(backend: str) -> None:
    w, b = Value(2.0), Value(1.0)
    b.grad = None  # type: ignore[assignment]
    c = sg.compile(lambda x: w * x + b, [w, b], backend=backend)

    assert c.backward([1.0, 3.0]) == 5.0
    assert (w.grad, b.grad) == (2.0, 1.0)
    c.backward([1.0, 3.0])
    assert (w.grad, b.grad) == (4.0, 2.0)
    with pytest.raises(ValueError, match="params="):
        sg.compile(lambda x: x, backend=backend).backward(1.0)


def test_theta_is_the_parameters(backend: str) -> None:
    w = [Value(1.0), Value(2.0)]
    c = sg.compile(lambda x: w[0] * x + w[1] * w[1], w, backend=backend)

    assert c.theta.tolist() == [1.0, 2.0]
    assert c.value_and_grad([1.0], theta=[5.0, 3.0])[0] == 14.0
    assert [p.data for p in w] == [1.0, 2.0]
    c.theta = np.array([5.0, 3.0])
    assert c.value_and_grad([1.0])[1].tolist() == [1.0, 6.0]
    for wrong in ([1.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="each of the 2 parameters"):
            c.theta = wrong
        with pytest.raises(ValueError, match="each of the 2 parameters"):
            c.value_and_grad([1.0], theta=wrong)
    assert [p.data for p in w] == [5.0, 3.0]


def test_branches_go_by_the_theta_that_is_given(backend: str) -> None:
    w = Value(1.0)
    c = sg.compile(lambda x: x * w if w > 0 else x * w * w, [w], backend=backend)

    assert c.value_and_grad([3.0], theta=[-2.0]) == (12.0, np.array([-12.0]))
    assert c.value_and_grad([3.0]) == (3.0, np.array([3.0]))
    assert w.data == 1.0


def test_a_choice_by_index_stays_a_choice(backend: str) -> None:
    table = [[Value(10.0 * i + j) for j in range(2)] for i in range(3)]
    flat = [p for row in table for p in row]

    def f(i: Any, x: Any) -> Any:
        row = sg.take(table, i)
        return row[0] * x + row[1]

    c = sg.compile(f, flat, backend=backend, reduction="sum")
    value, slopes = c.value_and_grad([0, 2, 2, -1], [1.0, 2.0, 3.0, 4.0])

    assert value == 1.0 + 20 * (2 + 3 + 4) + 21 * 3
    assert slopes.tolist() == [1.0, 1.0, 0.0, 0.0, 9.0, 3.0]
    assert c.recordings == 1
    for wrong in (3, -4):
        with pytest.raises(IndexError, match="sample 1: take: index"):
            c.value_and_grad([0, wrong], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"sample 1: take needs a whole number as index, got 0.5"):
        c.value_and_grad([0, 0.5], [1.0, 1.0])
    assert sg.compile(lambda x, i: sg.take([x, x * 2, 5.0], i), backend=backend)(
        [1.0, 1.0, 1.0], [0, 1, 2]
    ).tolist() == [1.0, 2.0, 5.0]


def test_cross_entropy_takes_the_class_at_run_time(backend: str) -> None:
    w = [Value(0.1 * i) for i in range(4)]

    def f(x: Any, label: Any) -> Any:
        return losses.cross_entropy([wi * x for wi in w], label)

    xs, labels = [1.0, -2.0, 0.5], [0, 3, 1]
    value, slopes = sg.compile(f, w, backend=backend).value_and_grad(xs, labels)
    right, right_slopes = eager(f, list(zip(xs, labels, strict=True)), w)

    assert value == pytest.approx(right, rel=1e-12)
    assert slopes == pytest.approx(right_slopes, rel=1e-12)


def test_not_a_number_is_never_given_back(backend: str) -> None:
    c = sg.compile(lambda x: sg.log(x) * 2.0, backend=backend)

    for call in (c, c.value_and_grad):
        with pytest.raises(
            FloatingPointError, match=r"sample 2: v0 = log\(x\): .* not defined at x = -1.0"
        ) as caught:
            call([1.0, 2.0, -1.0, 3.0])
        assert "log(x) is not defined at x = -1.0" in str(caught.value.__cause__)
    assert c(1.0) == 0.0


@pytest.mark.parametrize(
    ("f", "named"),
    [
        (lambda x: sg.exp(x * 1000.0) * 0.5, "exp"),
        (lambda x: 1.0 / (x - 1.0), "/"),
        (lambda x: sg.sqrt(x - 1.0) + sg.exp(sg.sqrt(x - 1.0)), "sqrt"),
    ],
)
def test_the_first_guilty_instruction_is_named(backend: str, f: Any, named: str) -> None:
    c = sg.compile(f, backend=backend)
    fails = 1.0 if named == "/" else 0.5 if named == "sqrt" else 1.0

    with pytest.raises(FloatingPointError) as caught:
        c([fails])
    assert named in str(caught.value).partition(" is ")[0]


def test_an_infinite_slope_is_named_and_stops_at_zero(backend: str) -> None:
    c = sg.compile(lambda x: sg.sqrt(x), backend=backend)
    with pytest.raises(FloatingPointError, match="in the backward pass"):
        c.value_and_grad(0.0)

    c = sg.compile(lambda x: sg.sqrt(sg.relu(x)), backend=backend)  # inf, then relu's 0
    for x in (-1.0, -2.0):
        y = Value(x)
        sg.sqrt(sg.relu(y)).backward()
        assert c.value_and_grad(x) == (0.0, y.grad)
    assert c.value_and_grad([-1.0, 4.0])[1].tolist() == [0.0, 0.125]


def test_inputs_that_are_not_finite_are_named(backend: str) -> None:
    with pytest.raises(FloatingPointError, match=r"sample 1: x\[1\] is nan to begin with"):
        sg.compile(lambda x: x[0] * x[1], backend=backend)([[1.0, 2.0], [1.0, math.nan]])


def test_what_is_not_finite_can_be_allowed(backend: str) -> None:
    c = sg.compile(lambda x: sg.log(x), backend=backend, allow_nonfinite=True)

    found = c([1.0, -1.0])
    assert found[0] == 0.0
    assert math.isnan(found[1])
    assert math.isnan(c.value_and_grad([1.0, -1.0])[0])


def test_an_operation_that_fails_in_the_backward_pass_says_how(backend: str) -> None:
    own = sg.primitive("own", lambda x: x, lambda x, out: (sg.exp(x),))
    c = sg.compile(own, backend=backend)

    with pytest.raises(FloatingPointError, match=r"sample 1: in the backward pass.* overflows"):
        c.value_and_grad([1.0, 1000.0])


def test_an_infinite_slope_behind_a_choice_is_named(backend: str) -> None:
    c = sg.compile(lambda x: sg.where(x > 0.0, x, sg.sqrt(-x) * 2.0), backend=backend)

    with pytest.raises(FloatingPointError, match=r"sample 1: in the backward pass, v.* is inf"):
        c.value_and_grad([1.0, 0.0])


def test_the_cause_is_looked_for_on_the_side_that_was_chosen(backend: str) -> None:
    for f, sample in (
        (lambda x, y: sg.where(x > 0.0, x, y * y), (-1.0, 1e200)),
        (lambda x, y: sg.where(x > 0.0, y * y, x), (1.0, 1e200)),
    ):
        with pytest.raises(FloatingPointError, match=r"^v\d+ = y \* y is inf at y = 1e\+200$"):
            sg.compile(f, backend=backend)(*sample)
    c = sg.compile(lambda x: (x**2.0) ** 0.25, backend=backend)
    with pytest.raises(FloatingPointError, match=r"in the backward pass, v\d+ = 1 / v\d+ is inf"):
        c.value_and_grad(0.0)


def test_what_is_not_chosen_may_be_undefined(backend: str) -> None:
    c = sg.compile(lambda x: sg.where(x > 0, sg.log(x), 0.0), backend=backend)

    assert c([-1.0, 1.0, 0.0]).tolist() == [0.0, 0.0, 0.0]
    assert c.value_and_grad([-1.0, 2.0])[1].tolist() == [0.0, 0.25]


def test_shapes_that_do_not_fit_are_named(backend: str) -> None:
    c = sg.compile(lambda x, y: x[0] * y, backend=backend)
    cases: list[tuple[tuple[Any, ...], type[Exception], str]] = [
        (([[1.0]], [1.0, 2.0]), ValueError, "'y' has 2 samples, but 'x' has 1"),
        (([[1.0]], 1.0), ValueError, "'y' is one number.*static_argnums"),
        (([[1.0], [1.0, 2.0]], [1.0, 1.0]), ValueError, "'x'.*differ in length"),
        (([["a"]], [1.0]), TypeError, "'x' must be an array of real numbers"),
        (([[1j]], [1.0]), TypeError, "'x' must be an array of real numbers"),
        (([[None]], [1.0]), TypeError, "'x' must be an array of real numbers"),
        ((np.zeros((0, 1)), []), ValueError, "'x' has no samples"),
        (([[1.0]],), TypeError, "'y'"),
    ]
    for args, error, match in cases:
        with pytest.raises(error, match=match):
            c(*args)
        with pytest.raises(error, match=match):
            c.value_and_grad(*args)
    assert c.recordings == 0
    with pytest.raises(TypeError, match="returns one number"):
        sg.compile(lambda x: [x, x], backend=backend).value_and_grad(1.0)
    with pytest.raises(TypeError, match="result of"):
        sg.compile(lambda x: None, backend=backend)(1.0)


def test_static_arguments_that_are_equal_but_not_the_same(backend: str) -> None:
    c = sg.compile(lambda x, s: sg.atan2(x, s), backend=backend, static_argnums=1)
    assert (c(0.0, 0.0), c(0.0, -0.0)) == (0.0, math.pi)
    c = sg.compile(lambda x, s: x * (10 if s[0] is True else 1), backend=backend, static_argnums=1)
    assert (c(2.0, (True,)), c(2.0, (1,))) == (20.0, 2.0)
    with pytest.raises(ValueError, match="static_argnums=5, but there are 1 argument"):
        sg.compile(lambda x: x, backend=backend, static_argnums=5)(1.0)


def test_the_root_of_minus_zero(backend: str) -> None:
    c = sg.compile(lambda x: sg.atan2(x**0.5, -1.0), backend=backend, allow_nonfinite=True)
    assert c(-0.0) == math.pi


def test_an_error_of_the_function_does_not_hide_the_one_of_the_result(backend: str) -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("not twice")
        return sg.log(x)

    with pytest.raises(FloatingPointError, match="sample 0") as caught:
        sg.compile(f, backend=backend)([-1.0])
    assert isinstance(caught.value.__cause__, KeyError)


def test_two_recordings_do_not_wait_for_each_other(backend: str) -> None:
    inner = sg.compile(lambda x: x * x, backend=backend)
    started, go_on = threading.Event(), threading.Event()
    errors: list[Any] = []

    def f(x: Any) -> Any:
        started.set()
        go_on.wait(10)
        return x * inner(2.0)

    def record() -> None:
        try:
            sg.compile(f, backend=backend)(1.0)
        except sg.RecordingError as error:
            errors.append(error)

    one = threading.Thread(target=record)
    one.start()
    started.wait(10)
    two = threading.Thread(target=lambda: inner(3.0))
    two.start()
    go_on.set()
    one.join(10)
    two.join(10)
    assert not one.is_alive()
    assert not two.is_alive()
    assert len(errors) == 1
    assert inner(3.0) == 9.0


def test_static_arguments_are_passed_on(backend: str) -> None:
    c = sg.compile(
        lambda name, x, n: sg.sum([getattr(sg, name)(x * k) for k in range(n)]),
        backend=backend, static_argnums=(0, 2),
    )  # fmt: skip

    assert c("exp", [0.0, 0.0], 3).tolist() == [3.0, 3.0]
    assert c("sin", 0.0, 2) == 0.0
    assert c.recordings == 2
    with pytest.raises(TypeError, match="'n' must be hashable"):
        c("sin", 0.0, [2])


def test_higher_order_inside(backend: str) -> None:
    w = Value(2.0)
    cases: list[Any] = [
        lambda x: sg.grad(lambda t: t**3 * w)(x),
        lambda x: sg.grad(sg.grad(lambda t: sg.exp(t * w)))(x),
        lambda x: sg.hessian(lambda v: v[0] ** 2 * v[1] + sg.sin(v[0] * w))([x, w])[0][1],
        lambda x: sg.jvp(lambda t: sg.tanh(t * w), (x,), (1.5,))[1],
        lambda x: sg.hvp(lambda v: v[0] ** 3 * v[1], ([x, w],), ([1.0, x],))[0],
        lambda x: sg.grad(lambda t: sg.relu(t) * sg.maximum(t, w))(x) * x,
        lambda x: sg.jacobian(lambda v: [v[0] * v[1], sg.sqrt(v[0] + 5.0)])([x, w])[1][0],
        lambda x: sg.grad(lambda t: sg.sqrt(sg.relu(t)))(x - 1.0),  # inf meets 0 inside
    ]
    xs = [0.3, 0.9, -0.4]
    for f in cases:
        value, slopes = sg.compile(f, [w], backend=backend).value_and_grad(xs)
        w.grad = 0.0
        total = sg.sum([f(Value(x)) for x in xs]) / 3.0
        if isinstance(total, Value):  # not where all slopes are flat
            total.backward()
            total = total.data
        assert value == pytest.approx(total, rel=1e-12, abs=1e-15)
        assert slopes == pytest.approx([w.grad], rel=1e-12, abs=1e-15)


def test_an_operation_of_the_users_own(backend: str) -> None:
    kinked = sg.primitive(
        "kinked", lambda x: x * x if x > 1 else 2 * x - 1,
        lambda x, out: (2 * x if x > 1 else 2.0,),
    )  # fmt: skip
    c = sg.compile(lambda x: kinked(x) * 3.0, backend=backend)

    value, slopes = c.value_and_grad([0.5, 3.0])
    assert value == 13.5
    assert slopes.tolist() == [3.0, 9.0]
    assert c.recordings == 1


def test_bad_settings_are_named(backend: str) -> None:
    for wrong, error, match in [
        (lambda: sg.compile(3, backend=backend), TypeError, "takes a function"),
        (lambda: sg.compile(abs, reduction="max", backend=backend), ValueError, "reduction"),
        (lambda: sg.compile(abs, backend="torch"), ValueError, "backend is one of"),
        (lambda: sg.compile(abs, [Value(1.0) * 2], backend=backend), ValueError, "computed"),
        (lambda: sg.compile(abs, [1.0], backend=backend), TypeError, "must be a Value"),
        (lambda: sg.compile(abs, threads=0, backend=backend), ValueError, "threads"),
        (lambda: sg.compile(abs, static_argnums=-1, backend=backend), ValueError, "static"),
        (lambda: sg.compile(abs, backend=backend).program, ValueError, "call it first"),
    ]:
        with pytest.raises(error, match=match):
            wrong()  # type: ignore[no-untyped-call]


def test_two_threads_with_two_programs(backend: str) -> None:
    models = [nn.MLP(2, [6, 1], activation="tanh") for _ in range(2)]
    X = np.linspace(-1, 1, 80).reshape(40, 2)
    compiled = [
        sg.compile(lambda x, m=m: m(x) ** 2, m.parameters(), backend=backend) for m in models
    ]
    right = [c.value_and_grad(X) for c in compiled]
    fresh = [sg.compile(lambda x, m=m: m(x) ** 2, m.parameters(), backend=backend) for m in models]
    wrong: list[Any] = []

    def work(k: int) -> None:
        for _ in range(10):
            value, slopes = fresh[k].value_and_grad(X)
            if value != right[k][0] or (slopes != right[k][1]).any():
                wrong.append((k, value))

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [c.recordings for c in fresh] == [1, 1]


def test_scipy_style_minimisation(backend: str) -> None:
    w = [Value(0.0), Value(0.0)]
    c = sg.compile(lambda x, y: (w[0] * x + w[1] - y) ** 2, w, backend=backend)
    X = np.array([0.0, 1.0, 2.0])

    theta = c.theta
    for _ in range(400):
        _, slope = c.value_and_grad(X, 3 * X - 1, theta=theta)
        theta = theta - 0.2 * slope
    c.theta = theta

    assert [p.data for p in w] == pytest.approx([3.0, -1.0], abs=1e-6)


def test_numbers_are_compared_by_value(backend: str) -> None:
    cases: list[Any] = [
        lambda x, t: x * (10.0 if t == 1 else 1.0),
        lambda x, t: x * (10.0 if t != 1 else 1.0),
        lambda x, t: x if t in (1, 2) else -x,
        lambda x, t: x * t if (x > 0) == (t > 1.5) else x - t,
        lambda x, t: x * [0.5, 1.0, 1.5, 2.0].index(t / 2) if t > 0 else x,
    ]
    xs, ts = [2.0, 2.0, -3.0, 1.0], [1.0, 2.0, 3.0, 2.0]
    for f in cases:
        expected = [float(f(x, t)) for x, t in zip(xs, ts, strict=True)]
        assert sg.compile(f, backend=backend)(xs, ts).tolist() == expected


def test_zeros_on_the_way_of_second_derivatives(backend: str) -> None:
    slope = sg.grad(lambda t: (t * t - 1) ** 2)
    for x in (0.0, 1.0, -0.5):
        assert sg.compile(slope, backend=backend).value_and_grad(x)[1] == pytest.approx(
            sg.grad(slope)(x), abs=1e-12
        )
    second = sg.hessian(lambda v: (v[0] * v[0] - 1) ** 2 + v[1])
    assert sg.compile(lambda x, y: second([x, y])[0][0], backend=backend)(0.0, 1.0) == -4.0
    second = sg.hessian(lambda v: sg.hypot(v[0], v[1]))
    assert sg.compile(lambda x: second([x, 0.0])[0][0], backend=backend)(0.0) == 0.0


def test_transforms_of_plain_numbers_inside(backend: str) -> None:
    w = Value(-0.5)
    cases: list[Any] = [
        lambda x: sg.grad(lambda a: a * x + sg.logsumexp([a, 1.0]))(0.5),
        lambda x: sg.grad(lambda a: x * a**2)(-3.0),
        lambda x: x * sg.grad(lambda a: a**2)(w),
    ]
    for f in cases:
        eagerly = f(Value(2.0))
        assert sg.compile(f, backend=backend)(2.0) == pytest.approx(eagerly.data, rel=1e-12)


def test_results_of_transforms_inside_others(backend: str) -> None:
    """What a transform of plain numbers gives may be used in the next one."""

    def first(x: Any) -> Any:
        rate = sg.grad(lambda a: x * a * a)(1.0)
        return sg.grad(lambda b: b * b * rate)(x)

    def second(x: Any) -> Any:
        mass = sg.hessian(lambda a: sg.cosh(a) * x)(0.0)
        return sg.grad(lambda b: sg.hessian(lambda a: b * a * a)(0.0) * sg.sin(b) / mass)(x)

    def itself(x: Any) -> Any:  # the derivative is a value that was there before
        slope = sg.grad(lambda a: a * x)(1.0)
        return sg.grad(lambda b: slope * b + x)(2.0)

    for f in (first, second, itself):
        assert sg.compile(f, backend=backend)(3.0) == pytest.approx(f(3.0), rel=1e-12)
        slopes = sg.compile(sg.grad(f), backend=backend)(3.0)
        assert slopes == pytest.approx(sg.grad(f)(3.0), rel=1e-12)


def test_undefined_comparisons_fail_as_they_do_eagerly(backend: str) -> None:
    c = sg.compile(lambda x: x if sg.log(x) < 5 else -x, backend=backend)
    assert c(1.0) == 1.0
    for wrong in (0.0, -1.0):
        with pytest.raises(ValueError, match=r"log\(x\) is not defined"):
            c(wrong)

    def endless(x: Any) -> Any:
        while not (sg.log(x) < -50.0):
            x = x - 1
        return x

    with pytest.raises(ValueError, match=r"log\(x\) is not defined"):
        sg.compile(endless, backend=backend)(2.5)


def test_so_close_that_rounding_decides(backend: str) -> None:
    c = sg.compile(lambda x: x + 100 if 0.1 * x + 0.2 * x - 0.3 * x > 0 else x, backend=backend)
    for _ in range(5):
        assert c(27.0) == 127.0
    assert c.recordings == 1


def test_labels_that_do_not_exist(backend: str) -> None:
    c = sg.compile(lambda a, b, t: losses.cross_entropy([a, b], t), backend=backend)
    assert c(1.0, 2.0, 1) == pytest.approx(losses.cross_entropy([1.0, 2.0], 1))
    for label in (-1, 2):
        with pytest.raises(IndexError):
            c(1.0, 2.0, label)
    c = sg.compile(lambda a, t: losses.cross_entropy([a, 0.0], t), backend=backend)
    assert c(1.0, 0.0) > 0
    c = sg.compile(lambda x, t: losses.cross_entropy(x, t), backend=backend)
    assert c([[1.0, 0.0]], [[0.5, 0.5]])[0] > 0
    with pytest.raises(FloatingPointError):
        c([[1.0, 0.0]], [[3.0, 3.0]])


def test_results_that_cannot_stand_in_one_array(backend: str) -> None:
    def f(x: Any) -> Any:
        return {"a": x, "b": 2 * x} if x > 0 else {"b": 2 * x, "a": x}

    c = sg.compile(f, backend=backend)
    assert c([1.0, 2.0])["b"].tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="one array"):
        c([1.0, -1.0])


def test_partials_of_an_own_operation_are_asked_for_each_time(backend: str) -> None:
    factor = [1.0]
    scaled = sg.primitive("scaled", lambda x: factor[0] * x, lambda x, out: (factor[0],))
    zero = sg.primitive("zero", lambda x: x, lambda x, out: (7.0 if x == 0 else 1.0,))

    assert sg.compile(scaled, backend=backend).value_and_grad(2.0) == (2.0, 1.0)
    factor[0] = 5.0
    assert sg.compile(scaled, backend=backend).value_and_grad(2.0) == (10.0, 5.0)
    assert sg.compile(zero, backend=backend).value_and_grad([0.0, 1.0])[1].tolist() == [3.5, 0.5]


def test_samples_without_numbers_and_other_odd_results(backend: str) -> None:
    c = sg.compile(lambda x, y: y + sg.sum(x), backend=backend)
    value, (dx, dy) = c.value_and_grad(np.zeros((3, 0)), [1.0, 2.0, 3.0])
    assert (value, dx.shape, dy.tolist()) == (2.0, (3, 0), [1 / 3] * 3)
    assert sg.compile(lambda x: np.int64(3), backend=backend).value_and_grad(1.0) == (3.0, 0.0)


def test_a_compiled_function_is_not_copied(backend: str) -> None:
    import copy
    import pickle

    c = sg.compile(abs, backend=backend)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="Compile the copy's own function"):
            copied(c)


def test_a_function_that_branches_too_often_is_warned_of(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalargrad.replay.compiled._MANY", 3)

    def f(x: Any) -> Any:
        for limit in range(4):
            if x < limit:
                return x * limit
        return x

    c = sg.compile(f, backend=backend)
    with pytest.warns(RuntimeWarning, match=r"f has been recorded 3 times.*sg.where"):
        assert c([0.5, 1.5, 2.5, 3.5, 9.0]).tolist() == [0.5, 3.0, 7.5, 3.5, 9.0]
    assert c.recordings == 4


def test_the_values_from_outside_are_listed(backend: str) -> None:
    w, b = Value(2.0), Value(1.0)
    c = sg.compile(lambda x: w * x + b if x > 0 else b * b, params=[w], backend=backend)
    assert c.outside == []
    c([1.0, -1.0])
    assert len(c.outside) == 1
    assert c.outside[0] is b


def test_results_stay_when_the_memory_of_their_columns_is_used_again(backend: str) -> None:
    c = sg.compile(lambda x, y: (x, y, x * y), backend=backend)
    X = np.linspace(1.0, 2.0, 5_000)
    Y = X + 1.0

    found = c(X, Y)
    copies = [column.copy() for column in found]
    assert len(c._memory._free) == 1
    c(Y, X * 3.0)
    assert [column.tolist() for column in found] == [column.tolist() for column in copies]
    assert len(c._memory._free) == 1
