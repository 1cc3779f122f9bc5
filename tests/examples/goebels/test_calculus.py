"""The derivatives to warm up."""

import math
from itertools import pairwise

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.goebels import calculus

CASE = lecture("S2.calculus")
EXPECTED = CASE["expected"]
close = close_to(CASE)


def test_partial_derivatives() -> None:
    """S2.10: ∂f/∂x = 2x + y and ∂f/∂y = x + 2y."""
    points = calculus.run().points
    want = EXPECTED["points"]

    assert [list(at) for at, _, _ in points] == CASE["inputs"]["points"]
    for (at, f, gradient), point in zip(points, want, strict=True):
        assert close(f, point["f"])
        assert close(gradient, point["grad"])
        assert close(calculus.partial_slopes(*at), point["grad"])


def test_the_printed_partial_derivative_is_wrong() -> None:
    """S2.10: printed "y + 2y", must be x + 2y; at (0, 0) nobody would notice."""
    wrong = []
    for point in EXPECTED["points"]:
        x, y = point["at"]
        printed = calculus.printed_slope(x, y)
        assert close(printed, point["as_printed_df_dy_WRONG"])
        measured = sg.numerical_grad(
            lambda y, x=point["at"][0]: calculus.build(x, y), point["at"][1]
        )
        wrong.append(abs(printed - measured) > 0.5)
        assert measured == pytest.approx(point["grad"][1], abs=1e-6)

    assert wrong == [True, True, False, True]


def test_the_gradient_is_the_direction_of_steepest_ascent() -> None:
    """S2.10: ∇f; no step of the same length in another direction climbs as much."""
    gx, gy = sg.grad(calculus.build, (0, 1))(1.0, 2.0)
    steep = math.atan2(gy, gx)
    climbs = [
        calculus.build(1.0 + 1e-4 * math.cos(steep + turn), 2.0 + 1e-4 * math.sin(steep + turn))
        for turn in (0.0, 0.3, -0.3, 1.5, math.pi)
    ]

    assert climbs[0] == max(climbs)
    assert climbs[-1] == min(climbs)


def test_chain_rule() -> None:
    """S2.11: f'(g(x)) g'(x), and the two factors on the graph."""
    want = EXPECTED["chain_rule"]
    x, z, slope = calculus.run().chain

    assert x == want["x"]
    assert close(z, want["z=sin(x^2+1)"])
    assert close(slope, want["dz_dx=cos(x^2+1)*2x"])
    root = Value(x)
    result = calculus.chained(root)
    inner = result.parents[0].parents[0]  # x²
    assert result.partials == (pytest.approx(math.cos(x**2 + 1), rel=1e-15),)
    assert inner.partials[0] == pytest.approx(2 * x, rel=1e-15)


def test_cost_derivative() -> None:
    """S2.17: ∂C/∂x_j = x_j - y_j."""
    C, gradient = calculus.run().cost
    outputs, targets = calculus.COST

    assert [*outputs] == CASE["inputs"]["cost"]["x"]
    assert [*targets] == CASE["inputs"]["cost"]["y"]
    assert close(C, EXPECTED["cost_derivative"]["f"])
    assert close(gradient, EXPECTED["cost_derivative"]["df_dx"])


def test_only_one_term_of_the_cost_depends_on_an_output() -> None:
    """S2.17: ∂(y_i - x_i)/∂x_j is -1 where i = j, and 0 elsewhere."""
    outputs, targets = ([*numbers] for numbers in calculus.COST)
    errors = lambda x: [y - xi for y, xi in zip(targets, x, strict=True)]

    assert sg.jacobian(errors)(outputs) == [[-1, 0, 0], [0, -1, 0], [0, 0, -1]]
    assert sg.hessian(lambda x: losses.squared_error(x, targets))(outputs) == [
        [1, 0, 0], [0, 1, 0], [0, 0, 1],
    ]  # fmt: skip


def test_sigmoid_at_extremes() -> None:
    """S2.4: no overflow at ±1000; the slope of 4e-18 at 40 is kept, which σ (1 - σ) loses."""
    for z, want in EXPECTED["sigmoid"].items():
        value, slope = sg.value_and_grad(sg.sigmoid)(float(z))
        assert close(value, want["sigma"])
        assert close(slope, want["sigma_prime"])
        assert close(calculus.sigmoid_slope(float(z)), want["sigma_prime"])
    assert [sg.grad(sg.sigmoid)(z) for z in (-40.0, 40.0)] == [4.248354255291589e-18] * 2
    assert sg.sigmoid(40.0) * (1.0 - sg.sigmoid(40.0)) == 0.0
    with pytest.raises(OverflowError):  # the formula as it is written
        1 / (1 + math.exp(1000))


def test_the_slope_of_the_sigmoid_needs_only_its_output() -> None:
    """S2.3, S2.4: easy to calculate: σ' = σ (1 - σ)."""
    for z in (-3.0, -0.2, 0.0, 1.7):
        node = sg.sigmoid(Value(z))

        assert node.partials[0] == pytest.approx(node.data * (1 - node.data), rel=1e-15)


def test_the_ball_rolls_to_the_bottom() -> None:
    """S2.9: each step goes against the slope; where that is small, so is the step."""
    slow, fast = calculus.run().path, calculus.run(lr=0.9).path

    steps = [b - a for a, b in pairwise(slow)]
    assert all(step > 0 for step in steps)
    assert steps == sorted(steps, reverse=True)
    sides = [w < 1.0 for w in fast]
    assert sides == [True, False] * 4 + [True]  # what the text tells to look for
    heights = [calculus.hill(w) for w in fast]
    assert heights == sorted(heights, reverse=True)
