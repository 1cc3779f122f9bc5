"""The simplest network: slope, secant, and descents at eight rates, with the lecture's numbers."""

import random

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.examples.stone import simplest_network as simplest

CASE = lecture("S0.simplest")
EXPECTED = CASE["expected"]
close = close_to(CASE)


def test_its_data_are_those_of_the_lecture() -> None:
    inputs = CASE["inputs"]

    assert (inputs["x"], inputs["tau"], inputs["w0"]) == (simplest.X, simplest.TARGET, simplest.W0)
    assert list(simplest.RATES) == inputs["epsilons"]


def test_forward_and_backward() -> None:
    """S0.4: y, δ, E and dE/dw at w = 0.4, and the weight that makes no error."""
    result = simplest.run()

    assert close(result.y.data, EXPECTED["y"])
    assert close(result.delta, EXPECTED["delta"])
    assert close(result.E.data, EXPECTED["E"])
    assert close(result.w.grad, EXPECTED["dEdw"])
    assert close(result.by_hand, EXPECTED["dEdw"])
    assert close(result.delta * simplest.X, EXPECTED["dEdw"])
    assert close(result.curvature, EXPECTED["d2Edw2"])
    assert close(result.best, EXPECTED["w_star"])
    assert close(simplest.error(result.best), EXPECTED["E_at_w_star"])
    assert close(sg.grad(simplest.error)(result.best), EXPECTED["dEdw_at_w_star"])


def test_a_neuron_has_both_its_sum_and_its_output_to_look_at() -> None:
    """S0.2, S0.3: u = w x is the first node of a neuron, y = f(u) the second."""
    random.seed(1)
    neuron = nn.Neuron(1, "tanh", bias=False)
    y = neuron([simplest.X])
    (u,) = y.parents

    assert u.data == neuron.w[0].data * simplest.X
    assert y.data == sg.tanh(u.data)


def test_error_and_slope_along_the_parabola() -> None:
    for w, want in EXPECTED["E_curve"].items():
        assert close(simplest.error(float(w)), want)
    for w, want in EXPECTED["dE_curve"].items():
        assert close(sg.grad(simplest.error)(float(w)), want)
        assert close(simplest.slope_by_hand(float(w)), want)


def test_the_secant_is_too_steep_by_half_the_curvature_times_the_step() -> None:
    """S0.5: ΔE/Δw - dE/dw = x² Δw / 2, exactly."""
    result = simplest.run()
    for step, want in EXPECTED["DeltaE_over_DeltaW"].items():
        got = result.secants[float(step)]
        # at the smallest step the difference of two E cancels digits
        near = close if float(step) > 1e-6 else lambda got, want: abs(got - want) <= 1e-8 * want
        over = EXPECTED["DeltaE_over_DeltaW_error_is_x2_h_over_2"][step]
        assert near(got, want)
        assert close(simplest.X**2 * float(step) / 2, over)
        assert near(result.w.grad + over, got)


def test_the_gradient_changes_sign_at_the_minimum() -> None:
    """S0.6: its sign is the direction in which E grows, its size the steepness."""
    slope = sg.grad(simplest.error)
    for distance in (0.01, 0.1, 1.0):
        assert slope(0.25 - distance) < 0.0 < slope(0.25 + distance)
        assert close(abs(slope(0.25 - distance)), distance * simplest.X**2)
        # E grows on the side to which the sign points
        assert simplest.error(0.26 + distance) > simplest.error(0.25 + distance)
        assert simplest.error(0.24 - distance) > simplest.error(0.25 - distance)


@pytest.mark.parametrize("rate", simplest.RATES)
def test_descent(rate: float) -> None:
    """S0.7: Δw = -ε dE/dw. S0.8: the course of w and E, and the closed form."""
    expected = EXPECTED["trajectories"][str(rate)]
    descent = simplest.learn(rate, tolerance=0.0, limit=CASE["inputs"]["steps"])

    assert descent.updates is None
    assert close(descent.weights, expected["w"])
    assert close(descent.errors, expected["E"])
    assert close(descent.changes, expected["Delta_w"])
    assert [len(descent.weights), len(descent.errors), len(descent.changes)] == [11, 11, 10]
    assert close(1.0 - rate * simplest.X**2, expected["factor_per_step"])
    assert all(close(w, simplest.closed_form(rate, k)) for k, w in enumerate(descent.weights))


@pytest.mark.parametrize("rate", simplest.RATES)
def test_how_many_updates_until_the_slope_is_about_zero(rate: float) -> None:
    """S0.8: the `if` stands inside the loop and looks at the slope from before the update."""
    descent = simplest.learn(rate)

    assert descent.updates == EXPECTED["trajectories"][str(rate)]["updates_until_abs_grad_lt_1e-6"]
    if descent.updates is not None:
        slopes = [abs(simplest.slope_by_hand(w)) for w in descent.weights]
        assert slopes[descent.updates - 1] < 1e-6 <= slopes[descent.updates - 2]


def test_the_rates_at_which_the_descent_changes_its_manner() -> None:
    assert close(1.0 / simplest.X**2, EXPECTED["eps_one_step"])
    assert close(2.0 / simplest.X**2, EXPECTED["eps_critical"])
    assert simplest.learn(3.124, limit=100_000).updates is not None
    assert simplest.learn(3.126).errors[-1] > EXPECTED["E"]


def test_the_error_knows_values_as_well_as_numbers() -> None:
    w = Value(0.4)
    simplest.error(w).backward()

    assert w.grad == sg.grad(simplest.error)(0.4)


def test_the_report_says_which_rates_never_settle() -> None:
    text = simplest.report(simplest.run())

    assert [line.split()[0] for line in text.splitlines() if "never" in line] == ["3.125", "3.5"]
