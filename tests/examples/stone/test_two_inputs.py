"""Two inputs, two associations: the surface, its gradient in parts, and where descent ends."""

from math import hypot

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.examples.stone import two_inputs as two

CASE = lecture("S0.two_input")
INPUTS, EXPECTED = CASE["inputs"], CASE["expected"]
close = close_to(CASE)


def test_the_table_of_the_lecture_is_by_unit_and_association() -> None:
    """S0.10: x_it is unit i of association t, so that a column of the table is an association."""
    assert [*zip(*INPUTS["X_unit_by_association"], strict=True)] == [*two.X]
    assert [list(row) for row in two.X_TRANSPOSED] == INPUTS["X_unit_by_association"]
    assert (list(two.TARGETS), list(two.W0)) == (INPUTS["tau"], INPUTS["w0"])


def test_each_association_at_the_start() -> None:
    """S0.9, S0.11: y = w · x, E = E1 + E2. S0.12: what each asks for, weight by weight."""
    result = two.run()
    parts = result.associations

    assert close([part.y for part in parts], EXPECTED["y"])
    assert close([part.delta for part in parts], EXPECTED["delta"])
    assert close([part.E for part in parts], EXPECTED["E_t"])
    for part, want in zip(parts, EXPECTED["grad_t"], strict=True):
        assert close(part.gradient, want)
    assert close(result.E, EXPECTED["E"])


def test_the_gradient_of_the_sum_is_the_sum_of_the_gradients() -> None:
    """S0.12."""
    result = two.run()
    parts = [part.gradient for part in result.associations]

    assert close(result.gradient, EXPECTED["grad"])
    assert close(result.by_hand, EXPECTED["grad"])
    assert close(map(sum, zip(*parts, strict=True)), EXPECTED["grad"])
    downhill = [-g for g in result.gradient]
    assert close(downhill, EXPECTED["steepest_descent_direction"])


def test_the_network_is_a_neuron_without_bias_and_activation() -> None:
    """S0.9."""
    neuron = nn.Neuron(2, None, bias=False)
    for w, number in zip(neuron.w, two.W0, strict=True):
        w.data = number

    assert neuron(two.X[0]).data == two.build(two.W0, two.X[0])
    assert len(neuron.parameters()) == 2


def test_one_solution_where_the_inputs_are_independent() -> None:
    """S0.10: two equations, two unknowns."""
    assert close(two.crossing(), EXPECTED["w_star"])
    assert close(two.error(EXPECTED["w_star"]), 0.0)
    assert all(close(g, 0.0) for g in sg.grad(two.error)(EXPECTED["w_star"]))


def test_the_curvature_says_which_rate_is_too_large() -> None:
    result = two.run()
    (a, b), (c, d) = result.hessian
    root = hypot((a - d) / 2, b)

    for row, want in zip(result.hessian, EXPECTED["hessian"], strict=True):
        assert close(row, want)
    assert b == c
    assert close([(a + d) / 2 - root, (a + d) / 2 + root],
                   EXPECTED["hessian_eigenvalues"])  # fmt: skip
    critical = EXPECTED["eps_critical"]
    assert close(2.0 / EXPECTED["hessian_eigenvalues"][1], critical)
    assert two.learn(critical * 0.99, limit=2000).updates is not None
    assert two.learn(critical * 1.01).errors[-1] > EXPECTED["E"]


@pytest.mark.parametrize("rate", INPUTS["epsilons"])
def test_descent(rate: float) -> None:
    """S0.13: ten updates, then how many until |∇E| is about 0."""
    expected = EXPECTED[f"trajectory_eps_{rate}"]
    ten = two.learn(rate, tolerance=0.0, limit=INPUTS["steps"])
    for got, want in zip(ten.weights, expected["w"], strict=True):
        assert close(got, want)
    assert close(ten.errors, expected["E"])

    descent = two.run().descents[rate]
    assert descent.updates == expected["updates_until_norm_grad_lt_1e-6"]
    assert close(descent.weights[-1], expected["w_final"])
    assert hypot(*two.gradient_by_hand(descent.weights[-2])) < INPUTS["grad_tol"]
    assert hypot(*two.gradient_by_hand(descent.weights[-3])) >= INPUTS["grad_tol"]


def test_error_surface() -> None:
    """S0.13: the grid of 5 by 5, first index w1."""
    surface = EXPECTED["error_surface"]
    for w1, row in zip(surface["w1"], surface["E[w1][w2]"], strict=True):
        assert close([two.error((w1, w2)) for w2 in surface["w2"]], row)


def test_accumulating_over_associations_is_a_step_on_the_summed_error() -> None:
    """S0.14: one update a pass; `zero_grad` begins the next sum."""
    w = [Value(number) for number in two.W0]
    optimizer = optim.SGD(w, lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        two.error(w).backward()
        optimizer.step()

    accumulated = two.learn(0.5, tolerance=0.0, limit=3).weights[-1]
    assert [p.data for p in w] == pytest.approx(accumulated, rel=1e-14)


def test_an_update_after_each_association_is_another_path() -> None:
    """S0.14: the weights must not move before the pass is over."""
    w = [Value(number) for number in two.W0]
    optimizer = optim.SGD(w, lr=0.5)
    for x, target in zip(two.X, two.TARGETS, strict=True):
        optimizer.zero_grad()
        losses.squared_error(two.build(w, x), target).backward()
        optimizer.step()

    assert abs(w[0].data - two.learn(0.5).weights[1][0]) > 0.01


def test_three_associations_leave_an_error() -> None:
    """S0.10: three equations, two unknowns."""
    three = EXPECTED["three_associations"]
    assert (list(two.THREE[2]), two.THREE_TARGETS[2]) == (three["x3"], three["tau3"])

    end = two.run().three
    assert close(end.weights[-1], three["w_least_squares"])
    assert close(end.errors[-1], three["E_min"])


def test_inputs_on_one_line_end_where_the_start_says() -> None:
    """S0.10: no exact solution, or infinitely many; the condition is independent inputs."""
    expected = EXPECTED["collinear"]
    assert [list(x) for x in two.COLLINEAR] == [expected["x1"], expected["x2"]]
    assert list(two.AGREEING_TARGETS) == expected["tau_consistent"]
    assert list(two.TARGETS) == expected["tau_inconsistent"]
    result = two.run()

    first, second = result.inconsistent
    assert close(first.weights[-1], expected["gd_limit_from_w0"])
    assert not close(second.weights[-1][0], first.weights[-1][0])
    assert all(close(descent.errors[-1], expected["E_min"]) for descent in (first, second))
    first, second = result.consistent
    assert not close(second.weights[-1][0], first.weights[-1][0])
    assert all(close(d.errors[-1], expected["E_min_consistent"]) for d in (first, second))
    with pytest.raises(ValueError, match="lie on one line"):
        two.crossing(two.COLLINEAR, two.AGREEING_TARGETS)


def test_the_transposed_table_is_silently_another_problem() -> None:
    """S0.10: with the indices of equation 17 swapped, the solution is wrong for the lecture's."""
    swapped = two.run().transposed

    assert two.error(swapped, two.X_TRANSPOSED) == pytest.approx(0.0, abs=1e-30)
    assert two.error(swapped) > 0.01
    assert two.error(EXPECTED["w_star"], two.X_TRANSPOSED) > 0.01


def test_lines_cross_in_pairs() -> None:
    with pytest.raises(ValueError, match="give two associations, got 3"):
        two.crossing(two.THREE, two.THREE_TARGETS)
