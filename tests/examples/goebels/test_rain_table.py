"""The rain table: every number of the reference, and what the lecture claims of it."""

from typing import Any

import numpy as np
import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.examples.goebels import rain_table
from scalargrad.examples.goebels.rain_table import W1, W2, Case, X, Y, build, by_hand, learn

CASE = lecture("S2.rain")
close = close_to(CASE)
EXPECTED = CASE["expected"]


def days() -> list[Case]:
    """The three days forward and backward, each by itself."""
    cases = [build().forward(x, y) for x, y in zip(X, Y, strict=True)]
    for case in cases:
        case.C.backward()
    return cases


# --- forward and backward ---------------------------------------------------------------------


def test_the_data_are_the_tables() -> None:
    """S2.7: days of rain and Kdp, and the probability of rain."""
    inputs = CASE["inputs"]

    assert inputs["X"] == X
    assert inputs["y"] == Y
    assert inputs["W1_in_by_hidden"] == W1
    assert inputs["W2_hidden_by_out"] == W2


def test_forward_row_by_row() -> None:
    """S2.8, S2.5: z = Σ y w and a = σ(z), for each row of the table."""
    cases = days()

    assert close([[z.data for z in case.z1] for case in cases], EXPECTED["z1"])
    assert close([[a.data for a in case.a1] for case in cases], EXPECTED["a1"])
    assert close([[case.z2.data] for case in cases], EXPECTED["z2"])
    assert close([[case.a2.data] for case in cases], EXPECTED["a2"])
    assert close([case.C.data for case in cases], EXPECTED["C_per_case"])


def test_deltas_are_the_gradients_before_the_activation() -> None:
    cases = days()

    assert close([[case.z2.grad] for case in cases], EXPECTED["delta2"])
    assert close([[z.grad for z in case.z1] for case in cases], EXPECTED["delta1"])


def test_equations_4_to_7_stand_on_the_graph() -> None:
    """S2.14: also equation 7, ∂E/∂y of a hidden unit, which the slides leave out."""
    cases, rhw = days(), EXPECTED["rhw"]

    assert close([case.a2.grad for case in cases], rhw["eq4_dE_dy_out"])
    assert close([case.z2.grad for case in cases], rhw["eq5_dE_dx_out"])
    assert close([[a.grad for a in case.a1] for case in cases], rhw["eq7_dE_dy_hidden"])
    assert close([[z.grad for z in case.z1] for case in cases], rhw["dE_dx_hidden"])
    for case in cases:  # equation 6: ∂E/∂w = ∂E/∂x y; the weights are the odd one out of the dot's
        weights, y = case.z2.parents[:3], case.z2.parents[3:]
        assert close([w.grad for w in weights], [case.z2.grad * yi.data for yi in y])


def test_equation_3_adds_the_cases_up() -> None:
    """S2.14: E = 1/2 Σ over cases and outputs of (y - d)², which the slides cite unseen."""
    net = build()
    C = losses.squared_error([net(x) for x in X], Y)
    C.backward()

    assert close(C.data, EXPECTED["C"])
    assert close(net.gradients(), [EXPECTED["dC_dW1"], EXPECTED["dC_dW2"]])


def test_gradients_have_the_shape_of_the_weights() -> None:
    """S2.13: W1 and ∂C/∂W1 are 2 x 3, W2 and ∂C/∂W2 are 3 x 1."""
    net = build()
    net.forward(X[0], Y[0]).C.backward()
    shapes = [np.shape(M) for M in (*net.numbers(), *net.gradients())]

    assert shapes == [(2, 3), (3, 1), (2, 3), (3, 1)]
    assert np.shape(by_hand().gradient1) == (2, 3)
    assert np.shape(by_hand().gradient2) == (3, 1)


def test_the_gradient_is_the_sum_of_the_days() -> None:
    """S2.28: three gradients, added up."""
    result = rain_table.run(updates=1)

    for got, want in zip(result.per_case, EXPECTED["per_case"], strict=True):
        assert close(got, [want["dC_dW1"], want["dC_dW2"]])
    assert close([case.C.data for case in result.cases], [c["C"] for c in EXPECTED["per_case"]])
    for k, total in enumerate(result.total):
        added = np.sum([gradients[k] for gradients in result.per_case], axis=0)
        assert close(added.tolist(), total)


def test_three_factors_of_the_chain_stand_on_the_graph() -> None:
    """S2.15, S2.16: ∂C/∂a2, ∂σ/∂z2 and ∂z2/∂w2, each to be read off a node's partials."""
    for case, y in zip(days(), Y, strict=True):
        a2, a1 = case.a2.data, [a.data for a in case.a1]

        assert case.a2.parents == (case.z2,)
        assert close(case.a2.partials[0], a2 * (1.0 - a2))
        assert close([*case.z2.partials[:3]], a1)
        cost = sg.grad(losses.squared_error)(a2, y)
        assert close(cost, a2 - y)
        assert close(case.a2.grad, cost)
        # to the left the derivative by z, to the right by a: the slides write both as C'
        assert close(case.z2.grad, cost * case.a2.partials[0])
        for j, weight in enumerate(case.z2.parents[:3]):
            factors = cost * case.a2.partials[0] * case.z2.partials[j]
            assert close(weight.grad, factors)


def test_a_single_synapse() -> None:
    """S2.18: all other terms are one constant S, so ∂(S + a1 w1)/∂w1 = a1; z2 is a1 W2."""
    case = days()[0]
    a1 = [a.data for a in case.a1]
    others = sum(a * row[0] for a, row in zip(a1[1:], W2[1:], strict=True))
    z2, slope = sg.value_and_grad(lambda w: others + a1[0] * w)(W2[0][0])

    assert close(z2, case.z2.data)
    assert close(slope, a1[0])
    # printed z2 = a2 W2: the output cannot go into itself, and the numbers do not fit
    printed = sum(case.a2.data * row[0] for row in W2)
    assert abs(printed - case.z2.data) > 0.1


# --- by hand, and as matrices -----------------------------------------------------------------


def test_the_four_formulas_by_hand() -> None:
    """S2.19, S2.27: the lecture's four lines in plain floats."""
    hand = by_hand()

    for name in ("z1", "a1", "z2", "a2", "C", "delta2", "delta1"):
        assert close(getattr(hand, name), EXPECTED[name])
    assert close(hand.gradient1, EXPECTED["dC_dW1"])
    assert close(hand.gradient2, EXPECTED["dC_dW2"])


def test_the_four_formulas_in_numpy() -> None:
    """S2.26, S2.27: δ1 = (δ2 W2ᵀ) ⊙ σ'(z1), ∂C/∂W1 = Xᵀ δ1, beside the engine to 1e-14."""
    x, y, w1, w2 = (np.array(M) for M in (X, [[yi] for yi in Y], W1, W2))
    a1 = 1 / (1 + np.exp(-x @ w1))
    a2 = 1 / (1 + np.exp(-a1 @ w2))
    delta2 = (a2 - y) * a2 * (1 - a2)
    gradient2 = a1.T @ delta2
    delta1 = delta2 @ w2.T * a1 * (1 - a1)
    gradient1 = x.T @ delta1
    total = rain_table.run(updates=1).total

    np.testing.assert_allclose(total[0], gradient1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(total[1], gradient2, rtol=0, atol=1e-14)
    # S2.19: with a matrix product inside δ as well, `*` does not even fit
    with pytest.raises(ValueError, match="matmul"):
        a1.T @ ((a2 - y) @ (a2 * (1 - a2)))


def test_a_hidden_unit_collects_its_delta_from_the_output() -> None:
    """S2.25: δ1 of unit j is δ2 w_j σ'(z_j)."""
    for case in days():
        for j, (z, a) in enumerate(zip(case.z1, case.a1, strict=True)):
            assert close(z.grad, case.z2.grad * W2[j][0] * a.data * (1 - a.data))


# --- layers -----------------------------------------------------------------------------------


def test_the_library_has_this_network() -> None:
    """S2.2: a layer is σ(x W), and the network is one layer of the other."""
    model = nn.MLP(2, [3, 1], "sigmoid", "sigmoid", bias=False)
    for layer, W in zip(model.layers, (W1, W2), strict=True):
        for j, neuron in enumerate(layer.neurons):
            for i, w in enumerate(neuron.w):
                w.data = W[i][j]
    outputs = [model(x) for x in X]
    losses.squared_error(outputs, Y).backward()

    assert close([[y.data] for y in outputs], EXPECTED["a2"])
    gradients = [[n.w[i].grad for n in model.layers[0].neurons] for i in range(2)]
    assert close(gradients, EXPECTED["dC_dW1"])
    assert close(
        [model.layers[1](model.layers[0](x))[0].data for x in X], [y.data for y in outputs]
    )


def test_without_an_activation_two_layers_are_one() -> None:
    """S2.3: x W1 W2 is linear, with the single matrix W1 W2."""
    model = nn.MLP(2, [3, 1], None, None, bias=False)
    weights = [[[w.data for w in neuron.w] for neuron in layer.neurons] for layer in model.layers]
    single = np.array(weights[0]).T @ np.array(weights[1]).T

    for x in [*X, [-7.0, 0.25]]:
        y = model(x)
        assert y.data == pytest.approx((np.array(x) @ single).item(), rel=1e-13, abs=1e-13)
    slopes = [slope.data for slope in sg.grad(model)([0.3, -0.2])]
    assert slopes == pytest.approx(single[:, 0].tolist(), rel=1e-13)
    bent = nn.MLP(2, [3, 1], "sigmoid", None, bias=False)
    assert sg.hessian(model)([0.3, -0.2]) == [[0.0, 0.0], [0.0, 0.0]]
    assert sg.hessian(bent)([0.3, -0.2])[0][0].data != 0.0


def test_a_bias_is_a_weight_on_an_input_that_is_always_1() -> None:
    """S2.6: the same gradients, to the last bit."""
    own, weight = rain_table.bias_both_ways()

    assert own == weight
    assert own[-1] != 0.0


def test_a_bias_is_a_threshold_of_the_opposite_sign() -> None:
    """S2.6: w·x exceeds a threshold where w·x + b is over 0, with b = -threshold."""
    threshold = 0.45
    for x in (0.3, 0.44, 0.46, 2.0):
        neuron = nn.Neuron(1, "sigmoid")
        neuron.load_state_dict({"w.0": 1.0, "b": -threshold})

        assert (x > threshold) == (neuron([x]).data > 0.5)


# --- how large is the error -------------------------------------------------------------------


def test_measures_of_the_total_error() -> None:
    """S2.12: the same outputs have three total errors."""
    errors = rain_table.total_errors([row[0] for row in EXPECTED["a2"]])
    want = EXPECTED["total_error_variants"]

    assert list(errors) == ["Σ|e|", "Σe²", "½Σe²"]
    assert close([*errors.values()], [want["sum_abs"], want["sum_sq"], want["half_sum_sq"]])


def test_the_printed_total_error_is_no_half_sum_of_squares() -> None:
    """S2.12: 1.05 exceeds what ½Σe² can be, but neither what Σe² nor what Σ|e| can be."""
    bound = rain_table.largest_half_sum()
    worst = rain_table.total_errors([0.0, 0.0, 1.0])

    assert close(bound, EXPECTED["half_sum_sq_upper_bound_for_outputs_in_0_1"])
    assert close(worst["½Σe²"], bound)
    assert bound < 1.05 < min(worst["Σe²"], worst["Σ|e|"])


# --- learning ---------------------------------------------------------------------------------


def same_course(course: list[rain_table.Update], expected: list[dict[str, Any]]) -> bool:
    return len(course) == len(expected) and all(
        [*update.cases] == want["cases"]
        and close(update.changes, [want["Delta_W1"], want["Delta_W2"]])
        and close(update.weights, [want["W1"], want["W2"]])
        and close(update.C, want["C_total"])
        for update, want in zip(course, expected, strict=True)
    )


def test_equation_8_with_all_days_at_once() -> None:
    """S2.21, S2.22: Δw = -ε ∂E/∂w, accumulated over all cases."""
    course, want = learn(100, lr=0.5), EXPECTED["eq8_batch_eps_0.5"]

    assert close(course[0].weights, [want["W1_after_1"], want["W2_after_1"]])
    assert close(course[99].weights, [want["W1_after_100"], want["W2_after_100"]])
    for k, C in want["C_at"].items():
        assert close(course[int(k) - 1].C if int(k) else rain_table.run(1).C, C)


def test_an_update_after_every_day() -> None:
    """S2.21: the gradient of a day is used at once, and forgotten."""
    assert same_course(learn(3, lr=0.5, sweep=False), EXPECTED["online_first_sweep_eps_0.5"])


def test_equation_9_by_sweep() -> None:
    """S2.24: t counts sweeps through all cases."""
    want = EXPECTED["eq9_momentum_per_sweep_eps_0.1_alpha_0.9"]

    assert same_course(learn(5, lr=0.1, momentum=0.9), want)


def test_equation_9_by_case() -> None:
    """S2.24: t counts cases, as the slide has it."""
    want = EXPECTED["eq9_momentum_per_case_eps_0.1_alpha_0.9"]

    assert same_course(learn(6, lr=0.1, momentum=0.9, sweep=False), want)
    assert not same_course(learn(6, lr=0.1, momentum=0.9), want)


def test_fit_learns_alike() -> None:
    """S2.21: `fit` with all samples, and with one at a time in their order."""
    for size, sweep in ((None, True), (1, False)):
        net = build()
        optimizer = optim.SGD(net.parameters(), 0.1, momentum=0.9)
        sg.fit(
            net, X, Y, losses.squared_error, optimizer, epochs=2, batch_size=size, shuffle=False
        )  # fmt: skip

        assert close(net.numbers(), [*learn(2 if sweep else 6, 0.1, 0.9, sweep)[-1].weights])


def test_weight_decay() -> None:
    want, net = EXPECTED["weight_decay_lambda_0.01"], build()
    weights = net.parameters()
    C = losses.squared_error([net(x) for x in X], Y) + 0.01 / 2 * losses.l2(weights)
    C.backward()
    step = learn(1, lr=0.5, weight_decay=0.01)[0]

    assert close(C.data, want["C_reg"])
    assert close(net.gradients(), [want["dW1"], want["dW2"]])
    changes = [[[-0.5 * g for g in row] for row in M] for M in (want["dW1"], want["dW2"])]
    assert close(step.changes, changes)


# --- the example ------------------------------------------------------------------------------


def test_the_courses_start_alike_and_descend() -> None:
    result = rain_table.run()

    for course in result.courses.values():
        assert len(course) == 101
        assert course[0] == result.C
        assert course[100] < course[50] < course[10] < course[0]
    errors = zip(result.before, result.after, Y, strict=True)
    assert all(abs(after - y) < abs(before - y) for before, after, y in errors)


def test_all_days_stick_where_the_rate_is_too_large() -> None:
    """What the text tells to look for: saturated, there is no slope left to learn by."""
    outputs = rain_table.run(lr=50.0).after

    assert max(outputs) - min(outputs) < 1e-6
    assert min(outputs) > 0.999


def test_matrices_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"W2 has 2 rows, .* got \[3, 3\]"):
        build(W1, W2[:2])
    with pytest.raises(ValueError, match="2"):
        build().forward([1.0], 0.5)


def test_the_weights_are_named() -> None:
    net = build()

    assert [w.label for w in net.parameters()][:4] == ["w1_11", "w1_12", "w1_13", "w1_21"]
    assert all(isinstance(w, Value) for w in net.parameters())
