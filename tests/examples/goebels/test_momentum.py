"""Descent, momentum and Newton's method in a narrow valley."""

import math

import pytest

import scalargrad as sg
from scalargrad import Value, optim
from scalargrad.examples.goebels import momentum
from scalargrad.examples.goebels.momentum import build, descend, newton


def test_updates_of_the_three_ways() -> None:
    """S2.23: 213 by gradient descent, 54 with momentum, 1 with second derivatives."""
    courses = momentum.run().courses

    assert {name: course.updates for name, course in courses.items()} == {
        "gradient descent": 213, "momentum": 54, "Newton": 1,
    }  # fmt: skip
    assert courses["Newton"].places[-1] == (0.0, 0.0)


def slower(lr: float) -> float:
    """By what the slower of the two directions is multiplied in an update."""
    before, after = descend(lr, most=4)[-2:]
    return max(abs(b / a) for a, b in zip(before, after, strict=True))


def test_no_other_rate_shrinks_both_directions_faster() -> None:
    others = [slower(lr) for lr in (0.05, 0.07, 0.0765, 0.0775, 0.079)]

    assert slower(2 / 26) == pytest.approx(24 / 26)
    assert all(slower(2 / 26) < other for other in others)
    assert len(descend(0.081, most=500)) == 501  # beyond 2/25 it never comes to rest


def test_descent_follows_its_closed_form() -> None:
    """S2.22: on a quadratic, w(t) = (1 - ε λ)^t w(0) in each direction."""
    lr = 2 / 26
    for t, (x, y) in enumerate(descend(lr)):
        assert x == pytest.approx((1 - lr) ** t, rel=1e-12)
        assert y == pytest.approx((1 - 25 * lr) ** t, rel=1e-12)


def test_momentum_follows_its_closed_form() -> None:
    """S2.24: w(t+1) = (1 + α - ε λ) w(t) - α w(t-1); at the best rates a double root, ±√α.

    So along the valley w(t) = (1 + c t) r^t with r = √α, and c from the first step; across it with
    r = -√α. A form that scales the remembered change by the rate again does not follow this.
    """
    lr, alpha = 1 / 9, 4 / 9
    for place, curvature, root in ((0, 1.0, math.sqrt(alpha)), (1, 25.0, -math.sqrt(alpha))):
        c = (1 - lr * curvature) / root - 1
        for t, point in enumerate(descend(lr, alpha)):
            assert point[place] == pytest.approx((1 + c * t) * root**t, rel=1e-9, abs=1e-15)


def test_the_remembered_change_is_the_one_that_was_made() -> None:
    """S2.24: with a rate that varies, the last change comes back by α alone."""
    rates, alpha = [0.05, 0.02, 0.08], 0.5
    w = Value(1.0)
    optimizer = optim.SGD([w], lambda t: rates[t], momentum=alpha)
    change, x = 0.0, 1.0
    velocity, other = 0.0, 1.0  # v = α v + g, w -= ε v: the same for constant ε alone
    for rate in rates:
        optimizer.zero_grad()
        (0.5 * w * w).backward()
        optimizer.step()
        change = -rate * x + alpha * change
        x += change
        velocity = alpha * velocity + other
        other -= rate * velocity

        assert w.data == pytest.approx(x, rel=1e-15)
    assert abs(other - x) > 1e-3


def test_newton_needs_the_second_derivatives() -> None:
    """S2.23: by sg.hessian and sg.grad; on a quadratic one step, elsewhere a few."""
    assert sg.hessian(build, (0, 1))(0.3, -0.7) == ((1.0, 0.0), (0.0, 25.0))
    tilted = lambda x, y: x * x + x * y + y * y - 3.0 * x
    assert newton(tilted)[-1] == pytest.approx((2.0, -1.0), abs=1e-12)
    assert len(newton(tilted)) == 2
    curved = lambda x, y: sg.cosh(x) + sg.cosh(2.0 * y)
    assert newton(curved)[-1] == pytest.approx((0.0, 0.0), abs=1e-6)
    assert 3 <= len(newton(curved)) <= 10


def test_a_narrower_valley_takes_longer() -> None:
    """What the text tells to look for: times 4, times 2, and 1 as before."""
    wide, narrow = momentum.run(25.0).courses, momentum.run(100.0).courses
    ratio = {name: narrow[name].updates / wide[name].updates for name in wide}

    assert 3.8 < ratio["gradient descent"] < 4.6
    assert 1.8 < ratio["momentum"] < 2.4
    assert ratio["Newton"] == 1.0


def test_a_valley_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"steeper across than along, got 0\.5"):
        momentum.run(0.5)
    with pytest.raises(ZeroDivisionError):
        newton(lambda x, y: x + y)
