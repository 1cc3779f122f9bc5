"""The network at work: the reference's descent, why it stops, and what makes it better."""

from functools import cache

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import losses, optim
from scalargrad.classifiers import Perceptron
from scalargrad.examples.lecture2 import network_at_work
from scalargrad.examples.lecture2.network_at_work import (
    RECIPES,
    START,
    W1,
    W2,
    Course,
    Recipe,
    T,
    X,
    build,
    cloud,
    descend,
    wrong_of,
)

CASE = lecture("S4.network_at_work")
EXPECTED = CASE["expected"]
close = close_to(CASE)


@cache
def result() -> network_at_work.Result:
    return computed("network_at_work")


@cache
def basic() -> Course:
    return descend(RECIPES["perceptron loss"], 2000)


def test_points_and_weights_are_the_references() -> None:
    inputs = CASE["inputs"]

    assert [[*x, t] for x, t in zip(X, T, strict=True)] == inputs["points_x1_x2_t"]
    assert inputs["W1_hidden_by_(x1,x2,bias)"] == W1
    assert inputs["W2_(h1..h5,bias)"] == W2
    assert inputs["gamma"] == 0.2
    assert inputs["iterations"] == 2000


# --- the basic algorithm --------------------------------------------------------------------


@pytest.mark.unmeasured
def test_error_and_wrong_points_by_iteration() -> None:
    """S4.23, S4.24: θ ← θ - γ∇E on the mean of max(0, -z t)."""
    course = basic()

    for k, E in EXPECTED["E"].items():
        assert close(course.errors[int(k)], E)
    for k, wrong in EXPECTED["misclassified"].items():
        assert course.wrong[int(k)] == wrong
    assert course.first_right == EXPECTED["first_iteration_with_zero_errors"] == 11
    assert close(course.errors[2000], EXPECTED["E_final"])


def test_then_the_gradient_is_exactly_zero_and_nothing_moves() -> None:
    """S4.24: why the boundary is poor: from iteration 11 on, not one bit changes."""
    course = basic()

    assert not any(course.at_rest[:11])
    assert all(course.at_rest[11:])
    assert course.errors[11:] == [0.0] * 1990
    assert all(state == course.states[11] for state in course.states[12:])
    assert course.states[11] != course.states[10]
    model = build(course.states[11])
    margins = [model(x).data * t for x, t in zip(X, T, strict=True)]
    assert 0.0 < min(margins) < 0.015


def test_no_line_gets_all_of_them_right() -> None:
    """S4.24: all points on their sides, though they are not linearly separable."""
    course = Perceptron(2).fit(X, T, epochs=200)

    assert not course.converged
    assert basic().wrong[-1] == 0


def test_fit_is_this_algorithm() -> None:
    """S4.23: the library's `fit` gives the same weights to the last bit."""
    for recipe in RECIPES.values():
        model = build()
        optimizer = optim.SGD(model.parameters(), 0.2, recipe.momentum, recipe.l2)
        history = sg.fit(model, X, T, recipe.loss, optimizer, epochs=30, backend="eager")
        course = descend(recipe, 30)

        assert history.losses == course.errors[:30]
        assert [p.data for p in model.parameters()] == course.states[30]


def test_the_step_is_minus_gamma_times_the_gradient() -> None:
    """S4.23: θ ← θ - γ∇E, with the gradient as a transform gives it."""
    gradient = sg.grad(
        lambda state: losses.perceptron([_z(state, x) for x in X], T)
    )(START)  # fmt: skip
    after = descend(RECIPES["perceptron loss"], 1).states[1]

    for new, old, g in zip(after, START, gradient, strict=True):
        assert new == pytest.approx(old - 0.2 * g, rel=1e-13)


def _z(state: list[float], x: list[float]) -> float:
    """The network once more, written out; S4.7: z may be any function of the parameters."""
    hidden = [sg.tanh(sg.dot(state[3 * j : 3 * j + 2], x, bias=state[3 * j + 2])) for j in range(5)]
    z: float = sg.dot(state[15:20], hidden, bias=state[20])
    return z


def test_any_network_takes_the_place_of_the_line() -> None:
    """S4.7: the error asks only for z, whatever computed it."""
    for x in X:
        assert build()(x).data == pytest.approx(_z(START, x), rel=1e-14)


def test_a_smaller_rate_is_slower_and_no_better() -> None:
    """What the text tells to look for."""
    slow = descend(RECIPES["perceptron loss"], 120, gamma=0.02)
    points = cloud(400, seed=0)

    assert slow.first_right == 107
    assert wrong_of(build(slow.states[-1]), *points) > 80


# --- what is next ---------------------------------------------------------------------------


def test_the_margin_hinge_gives_a_better_boundary() -> None:
    """S4.25: it pushes on until every z t is at least 1."""
    course = descend(RECIPES["hinge"], 60)
    model = build(course.states[-1])

    assert course.errors[-1] == 0.0
    assert min(model(x).data * t for x, t in zip(X, T, strict=True)) >= 1.0
    assert result().fresh["perceptron loss"] > 5 * result().fresh["hinge"]


def test_momentum_gets_the_hinge_to_zero_sooner() -> None:
    """S4.25."""
    plain, fast = descend(RECIPES["hinge"], 60), descend(RECIPES["hinge, momentum"], 60)

    assert (plain.errors.index(0.0), fast.errors.index(0.0)) == (37, 19)


def test_momentum_does_not_help_everywhere() -> None:
    """S4.25: on the perceptron loss it is all right later, at 20, but coasts on to a better one."""
    momentum = result().courses["perceptron loss, momentum"]

    assert (basic().first_right, momentum.first_right) == (11, 20)
    assert momentum.at_rest[21]
    assert momentum.states[22] != momentum.states[21]
    assert result().fresh["perceptron loss, momentum"] < result().fresh["perceptron loss"]


def test_l2_keeps_the_weights_small() -> None:
    """S4.25: λ/2 Σ θ² on top of E, which is what weight decay does."""
    lam, model = 0.01, build()
    E = losses.hinge([model(x) for x in X], T) + lam / 2 * losses.l2(model.parameters())
    E.backward()
    step = descend(Recipe(losses.hinge, l2=lam), 1).states[1]

    for new, p in zip(step, model.parameters(), strict=True):
        assert new == pytest.approx(p.data - 0.2 * p.grad, rel=1e-13)
    courses = result().courses
    for name in ("hinge", "hinge, momentum"):
        sizes = [losses.l2(courses[n].states[-1]) for n in (f"{name}, L2", name)]
        assert sizes[0] < sizes[1]
        assert result().fresh[f"{name}, L2"] < result().fresh[name]


def test_early_stopping_keeps_the_weights_with_the_least_error_of_other_points() -> None:
    """S4.25: one wrong label; the watched error falls, and then rises threefold."""
    early = result().early
    watched = early.whole.validation

    assert early.stopped.stopped == "early stopping"
    assert early.stopped.best_epoch == watched.index(min(watched)) == 67
    assert len(early.stopped.losses) == 67 + 100 + 1
    assert watched[-1] > 3 * min(watched)
    assert early.whole.losses[-1] < early.whole.losses[67]  # that of the training points falls
    assert early.fresh_stopped < early.fresh_whole / 2


def test_the_cloud_is_around_the_corners() -> None:
    xs, ts = cloud(400, seed=0)

    assert ts.count(1) == ts.count(-1) == 200
    right = sum((a * b > 0) == (t > 0) for (a, b), t in zip(xs, ts, strict=True))
    assert right > 390


def test_the_report_tells_where_it_stops() -> None:
    text = network_at_work.report(result())

    assert "From iteration 11 on all are right" in text
    assert "exactly 0" in text
