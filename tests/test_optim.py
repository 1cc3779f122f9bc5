"""Tests of optim: closed forms, reference implementations, and steps that fail halfway."""

import contextlib
import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from interrupting import ctrl_c_at_line

import scalargrad as sg
from scalargrad import Value, losses, nn, optim

MAKERS: dict[str, Callable[..., optim.Optimizer]] = {
    "SGD": lambda ps, lr=0.1, **k: optim.SGD(ps, lr, **k),
    "momentum": lambda ps, lr=0.1, **k: optim.SGD(ps, lr, momentum=0.9, **k),
    "decay": lambda ps, lr=0.1, **k: optim.SGD(ps, lr, **{"weight_decay": 0.5, **k}),
    "Adam": lambda ps, lr=0.1, **k: optim.Adam(ps, lr, **k),
}
every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def parameters(*numbers: float) -> list[Value]:
    return [Value(x) for x in numbers]


def snapshot(optimizer: optim.Optimizer) -> Any:
    """All that a step may change."""
    state = {k: list(v) if isinstance(v, list) else v for k, v in vars(optimizer).items()}
    return [p.data for p in state.pop("parameters")], state


def gradients(seed: int, steps: int, count: int) -> list[list[float]]:
    draw = random.Random(seed)
    return [[draw.gauss(0.0, 1.0) for _ in range(count)] for _ in range(steps)]


def walk(optimizer: optim.Optimizer, path: list[list[float]]) -> list[list[float]]:
    """Step with the given gradients; the parameters after each step."""
    seen = []
    for gs in path:
        for p, g in zip(optimizer.parameters, gs, strict=True):
            p.grad = g
        optimizer.step()
        seen.append([p.data for p in optimizer.parameters])
    return seen


# --- SGD ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0.1, 0.5, 1.0, 1.5, 3.0])
def test_descent_on_a_parabola_follows_its_closed_form(lr: float) -> None:
    w = Value(0.4)
    optimizer = optim.SGD([w], lr)
    for k in range(20):
        assert w.data == pytest.approx(0.25 + 0.15 * (1.0 - lr * 0.64) ** k, rel=1e-12)
        optimizer.zero_grad()
        losses.squared_error(w * 0.8, 0.2).backward()
        optimizer.step()


def test_plain_sgd_subtracts_the_gradient_times_lr() -> None:
    ps = parameters(1.0, -2.0, 3.0)

    assert walk(optim.SGD(ps, 0.5), [[2.0, 0.0, -1.0]]) == [[0.0, -2.0, 3.5]]


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 1.0, 1.5])
def test_momentum_is_that_of_the_recurrence(momentum: float) -> None:
    called = []

    def lr(t: int) -> float:
        called.append(t)
        return 0.1 / (1 + t)

    path = gradients(seed=1, steps=12, count=2)
    seen = walk(optim.SGD(parameters(0.5, -1.0), lr, momentum=momentum), path)

    w, dw = [0.5, -1.0], [0.0, 0.0]
    for t, (gs, got) in enumerate(zip(path, seen, strict=True)):
        # Δw(t) = -lr(t) g + α Δw(t-1): the earlier change counts with its own learning rate
        dw = [-(0.1 / (1 + t)) * g + momentum * d for g, d in zip(gs, dw, strict=True)]
        w = [x + d for x, d in zip(w, dw, strict=True)]

        assert got == pytest.approx(w, rel=1e-12)
    assert called == list(range(12))


def test_weight_decay_adds_its_share_to_the_gradient() -> None:
    path = gradients(seed=2, steps=10, count=1)
    seen = walk(optim.SGD(parameters(2.0), 0.1, momentum=0.9, weight_decay=0.3), path)

    w, dw = 2.0, 0.0
    for (g,), got in zip(path, seen, strict=True):
        dw = -0.1 * (g + 0.3 * w) + 0.9 * dw
        w += dw

        assert got == pytest.approx([w], rel=1e-12)


# --- Adam -----------------------------------------------------------------------------------


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)])
def test_adam_is_algorithm_1_of_the_paper(betas: tuple[float, float], weight_decay: float) -> None:
    path = gradients(seed=3, steps=30, count=3)
    start = np.array([1.0, -0.5, 0.0])
    optimizer = optim.Adam(
        parameters(*start), lambda t: 0.01 / (1 + t), betas, eps=1e-6, weight_decay=weight_decay
    )
    seen = walk(optimizer, path)

    w, m, v = start, np.zeros(3), np.zeros(3)
    for t, (gs, got) in enumerate(zip(path, seen, strict=True), 1):
        g = np.array(gs) + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        w = w - 0.01 / t * m_hat / (np.sqrt(v_hat) + 1e-6)

        assert got == pytest.approx(list(w), rel=1e-10)


@pytest.mark.parametrize("g", [1e-3, 5.0, -5.0, 1e150, -1e-150])
def test_the_first_step_of_adam_has_the_length_lr(g: float) -> None:
    ((w,),) = walk(optim.Adam(parameters(0.0), 0.25, eps=0.0), [[g]])

    assert w == pytest.approx(-math.copysign(0.25, g))


def test_adam_does_not_move_without_a_gradient() -> None:
    assert walk(optim.Adam(parameters(1.5), 0.1, eps=0.0), [[0.0], [0.0]]) == [[1.5], [1.5]]


# --- what every optimiser does --------------------------------------------------------------


@every_optimizer
def test_training_lowers_the_loss(make: Callable[..., optim.Optimizer]) -> None:
    random.seed(1)
    model = nn.MLP(2, [4, 1], "tanh")
    optimizer = make(model.parameters(), 0.02)
    seen = []
    for _ in range(60):
        loss = losses.squared_error([model(x) for x in ([0, 1], [1, 0], [1, 1])], [0.2, -0.4, 0.1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.data)

    assert seen[-1] < 0.5 * seen[0]


@every_optimizer
def test_zero_grad_clears_its_own_parameters_only(make: Callable[..., optim.Optimizer]) -> None:
    mine, other = Value(1.0), Value(2.0)
    (mine * other).backward()
    make([mine]).zero_grad()

    assert (mine.grad, other.grad) == (0.0, 1.0)


@every_optimizer
def test_a_schedule_is_called_once_a_step_with_0_1_2(make: Callable[..., Any]) -> None:
    called: list[int] = []
    optimizer = make(parameters(1.0), lambda t: called.append(t) or 0.1)
    walk(optimizer, [[1.0]] * 4)

    assert called == [0, 1, 2, 3]
    assert optimizer.steps == 4


@every_optimizer
def test_a_constant_schedule_is_the_number_and_lr_is_writable(make: Callable[..., Any]) -> None:
    path = gradients(seed=4, steps=5, count=2)
    expected = walk(make(parameters(1.0, 2.0), 0.1), path)
    assigned = make(parameters(1.0, 2.0), 7.0)
    assigned.lr = 0.1

    assert walk(make(parameters(1.0, 2.0), lambda t: 0.1), path) == expected
    assert walk(assigned, path) == expected


@every_optimizer
def test_parameters_may_come_from_a_generator(make: Callable[..., optim.Optimizer]) -> None:
    ps = parameters(1.0, 2.0)

    assert make(p for p in ps).parameters == ps


@every_optimizer
def test_a_rate_of_zero_moves_nothing(make: Callable[..., optim.Optimizer]) -> None:
    assert walk(make(parameters(1.0, 2.0), 0), [[3.0, 4.0]]) == [[1.0, 2.0]]


# --- what is refused ------------------------------------------------------------------------


@every_optimizer
def test_what_cannot_be_moved_is_refused(make: Callable[..., optim.Optimizer]) -> None:
    w = Value(1.0, "w")
    for wrong, error, message in (
        ([], ValueError, "at least one parameter is needed, got none"),
        ([w, Value(1.0), w], ValueError, "parameter 2 is listed twice: .*'w'"),
        ([w, w * 2], ValueError, r"parameter 1 is computed by '\*'"),
        ([w, 3.0], TypeError, "parameter 1 must be a Value, got float: 3.0"),
        ([nn.Neuron(2)], TypeError, "parameter 0 must be a Value, got Neuron"),
    ):
        with pytest.raises(error, match=message):
            make(wrong)
        with pytest.raises(error, match=message):
            optim.clip_grad_norm(wrong, 1.0)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (optim.SGD, "lr"), (optim.SGD, "momentum"), (optim.SGD, "weight_decay"),
        (optim.Adam, "lr"), (optim.Adam, "eps"), (optim.Adam, "weight_decay"),
    ],
)  # fmt: skip
def test_settings_are_numbers_from_0_on(cls: Callable[..., Any], name: str) -> None:
    for wrong in (-0.1, math.nan):
        with pytest.raises(ValueError, match=f"{name} must be at least 0, got {wrong}"):
            cls(parameters(1.0), **{"lr": 0.1, name: wrong})
    for unfit in ("0.1", None, [0.1], Value(0.1)):
        with pytest.raises(TypeError, match=f"{name} takes a real number.*{type(unfit).__name__}"):
            cls(parameters(1.0), **{"lr": 0.1, name: unfit})


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, math.nan)])
def test_betas_are_from_0_to_below_1(betas: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"betas must be below 1|beta [12] must be at least 0"):
        optim.Adam(parameters(1.0), betas=betas)


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999)])
def test_betas_are_two(betas: Any) -> None:
    with pytest.raises(ValueError, match=r"betas must be two numbers, like \(0.9, 0.999\), got"):
        optim.Adam(parameters(1.0), betas=betas)


# --- steps that fail ------------------------------------------------------------------------


def _raise(t: int) -> float:
    raise RuntimeError("no rate today")


@every_optimizer
@pytest.mark.parametrize(
    ("lr", "error", "message"),
    [
        (_raise, RuntimeError, "no rate today"),
        (lambda t: "0.1", TypeError, "lr at step 3 takes a real number .*got str: '0.1'"),
        (lambda t: None, TypeError, "lr at step 3 .*NoneType"),
        (lambda t: -0.1, ValueError, "lr at step 3 must be at least 0, got -0.1"),
        (lambda t: math.nan, ValueError, "lr at step 3 .*got nan"),
    ],
    ids=["raises", "text", "None", "negative", "nan"],
)
def test_a_schedule_that_fails_changes_nothing(
    make: Callable[..., optim.Optimizer], lr: Any, error: type[Exception], message: str
) -> None:
    optimizer = make(parameters(1.0, 2.0))
    walk(optimizer, gradients(seed=5, steps=3, count=2))
    optimizer.lr = lr
    before = snapshot(optimizer)
    with pytest.raises(error, match=message):
        optimizer.step()

    assert snapshot(optimizer) == before


@every_optimizer
def test_wherever_ctrl_c_comes_the_step_is_whole_or_not_at_all(
    make: Callable[..., optim.Optimizer],
) -> None:
    path = gradients(seed=6, steps=5, count=3)
    untroubled = make(parameters(1.0, 2.0, 3.0))
    states = [snapshot(untroubled)]
    for step in path:
        walk(untroubled, [step])
        states.append(snapshot(untroubled))
    for n in range(1, 1000):
        optimizer = make(parameters(1.0, 2.0, 3.0))
        walk(optimizer, path[:3])
        for p, g in zip(optimizer.parameters, path[3], strict=True):
            p.grad = g
        try:
            with ctrl_c_at_line(n):
                optimizer.step()
        except KeyboardInterrupt:
            done = snapshot(optimizer)
            assert done in (states[3], states[4])
            walk(optimizer, path[3:] if done == states[3] else path[4:])
            assert snapshot(optimizer) == states[5]
        else:
            break  # every line had its turn

    assert n > 10
    assert snapshot(optimizer) == states[4]


# --- clip_grad_norm -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_norm", "expected"),
    [(10.0, [3.0, -4.0]), (5.0, [3.0, -4.0]), (2.5, [1.5, -2.0]), (0.0, [0.0, 0.0])],
)
def test_gradients_are_scaled_down_together(max_norm: float, expected: list[float]) -> None:
    ps = parameters(1.0, 2.0)
    ps[0].grad, ps[1].grad = 3.0, -4.0

    assert optim.clip_grad_norm(ps, max_norm) == 5.0
    assert [p.grad for p in ps] == expected
    assert [p.data for p in ps] == [1.0, 2.0]


def test_gradients_of_zero_stay_zero() -> None:
    ps = parameters(1.0, 2.0)

    assert optim.clip_grad_norm(ps, 0.0) == 0.0
    assert [p.grad for p in ps] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("max_norm", "error"),
    [(-1.0, ValueError), (math.nan, ValueError), ("1", TypeError), (None, TypeError)],
)
def test_a_norm_that_is_none_is_refused(max_norm: Any, error: type[Exception]) -> None:
    ps = parameters(1.0)
    ps[0].grad = 3.0
    with pytest.raises(error, match="max_norm"):
        optim.clip_grad_norm(ps, max_norm)

    assert ps[0].grad == 3.0


def test_parameters_that_are_no_list() -> None:
    for parameters in (None, Value(1.0)):
        with pytest.raises(TypeError, match="parameters must be a list of Values, got"):
            optim.SGD(parameters, lr=0.1)


def test_an_infinite_limit_only_measures() -> None:
    xs = parameters(1.0, 2.0)
    xs[0].grad, xs[1].grad = 3.0, 4.0

    assert optim.clip_grad_norm(xs, math.inf) == 5.0
    assert [x.grad for x in xs] == [3.0, 4.0]


@pytest.mark.parametrize("gradients", [(math.inf, 1.0), (1e308, -1.7e308)])
def test_gradients_that_no_factor_scales_down(gradients: tuple[float, float]) -> None:
    xs = parameters(1.0, 2.0)
    for x, gradient in zip(xs, gradients, strict=True):
        x.grad = gradient
    with pytest.raises(ValueError, match=r"^clip_grad_norm: the norm of the gradients is inf"):
        optim.clip_grad_norm(xs, 1.0)

    assert [x.grad for x in xs] == [*gradients]


@pytest.mark.parametrize("mode", [contextlib.nullcontext, sg.no_grad])
def test_ctrl_c_at_every_line_scales_all_gradients_or_none(mode: Callable[[], Any]) -> None:
    found = []
    for n in range(1, 1000):
        xs = parameters(1.0, 2.0)
        xs[0].grad, xs[1].grad = 3.0, 4.0
        try:
            with mode(), ctrl_c_at_line(n):
                optim.clip_grad_norm(xs, 2.5)
        except KeyboardInterrupt:
            found.append([x.grad for x in xs])
        else:
            break

    assert n > 10
    assert all(gradients in ([3.0, 4.0], [1.5, 2.0]) for gradients in found)


@every_optimizer
def test_ctrl_c_in_no_grad_moves_all_parameters_or_none(
    make: Callable[..., optim.Optimizer],
) -> None:
    for n in range(1, 1000):
        optimizer = make(parameters(1.0, 2.0, 3.0))
        for p in optimizer.parameters:
            p.grad = 1.0
        before = [p.data for p in optimizer.parameters]
        try:
            with sg.no_grad(), ctrl_c_at_line(n):
                optimizer.step()
        except KeyboardInterrupt:
            moved = [p.data != x for p, x in zip(optimizer.parameters, before, strict=True)]
            assert len({*moved}) == 1
        else:
            break

    assert n > 10


@pytest.mark.parametrize("bad", ["0.1", b"x", None, 1j, Decimal("0.1"), -0.1, math.nan, 10**400])
@every_optimizer
def test_a_schedule_that_returns_no_rate_moves_nothing(
    make: Callable[..., optim.Optimizer], bad: Any
) -> None:
    optimizer = make(parameters(1.0, 2.0), lr=lambda step: bad)
    optimizer.parameters[0].grad = 1.0
    before = snapshot(optimizer)
    with pytest.raises((TypeError, ValueError, OverflowError), match=r"^lr at step 0 "):
        optimizer.step()

    assert snapshot(optimizer) == before


# --- state ----------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_state_goes_on_to_the_same_bits(make: Callable[..., Any], steps: int) -> None:
    path = gradients(seed=6, steps=9, count=2)
    expected = walk(make(parameters(1.0, -2.0)), path)
    first = make(parameters(1.0, -2.0))
    walk(first, path[:steps])
    state = first.state_dict()
    second = make(parameters(*[p.data for p in first.parameters]), 7.0)
    second.load_state_dict(state)
    walk(first, path[steps:])  # the state is a copy

    assert walk(second, path[steps:]) == expected[steps:]
    assert second.state_dict() == first.state_dict()


def test_a_schedule_is_no_part_of_the_state() -> None:
    scheduled, constant = (optim.SGD(parameters(1.0), lr) for lr in (lambda t: 0.1, 0.1))
    walk(scheduled, [[1.0]] * 3)

    assert "lr" not in scheduled.state_dict()
    with pytest.raises(KeyError, match=r"unknown: lr\. An lr that is a function is not among them"):
        scheduled.load_state_dict(constant.state_dict())
    with pytest.raises(KeyError, match="missing: lr; unknown: none"):
        constant.load_state_dict(scheduled.state_dict())


@pytest.mark.parametrize(
    ("entry", "error", "match"),
    [
        ({"means": [0.0]}, ValueError, "means must have 2 entries, got 1"),
        ({"means": 0.0}, TypeError, "means must be a list, got float: 0.0"),
        ({"squares": [0.0, None]}, TypeError, "squares takes a real number"),
        ({"betas": (0.9,)}, ValueError, "betas must have 2 entries"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"steps": 1.5}, TypeError, "steps must be a whole number"),
        ({"lr": -0.1}, ValueError, "lr must be at least 0"),
        ({"lr": "fast"}, TypeError, "lr takes a real number"),
        ({"momentum": 0.9}, KeyError, "missing: none; unknown: momentum"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(
    entry: dict[str, Any], error: type[Exception], match: str
) -> None:
    optimizer = optim.Adam(parameters(1.0, 2.0))
    walk(optimizer, [[1.0, -1.0]])
    before = snapshot(optimizer)
    with pytest.raises(error, match=match):
        optimizer.load_state_dict(optimizer.state_dict() | {"steps": 9} | entry)
    with pytest.raises(TypeError, match="load_state_dict takes a dict of names, got list"):
        optimizer.load_state_dict([1.0])  # type: ignore[arg-type]

    assert snapshot(optimizer) == before
