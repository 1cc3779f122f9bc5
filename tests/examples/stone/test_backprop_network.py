"""The back-propagation network: every number by engine and by hand, the slips, and XOR."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.examples.stone import backprop_network as network

CASE = lecture("S0.backprop_bias")
EXPECTED = CASE["expected"]
close = close_to(CASE)
WAYS = (network.one_association, network.by_hand)
PAIRS = list(zip(network.X, network.TARGETS, strict=True))


def error(w1: Any, w2: Any, bias: bool = True) -> Any:
    return losses.squared_error(
        [network.build(w1, w2, x, bias).y for x in network.X], network.TARGETS
    )


def test_its_data_are_those_of_the_case() -> None:
    inputs = CASE["inputs"]

    assert [
        inputs["X"], inputs["targets"], inputs["W1_hidden_by_in_plus_bias"],
        inputs["W2_out_by_hidden_plus_bias"], inputs["eps"],
    ] == [network.X, network.TARGETS, network.W1, network.W2, network.EPS]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_states_deltas_and_gradients_of_each_association(
    way: Callable[..., network.Association],
) -> None:
    """S0.18 to S0.24: u, z, y, both kinds of deltas, and the gradient of each E_t."""
    for (x, target), want in zip(PAIRS, EXPECTED["per_association"], strict=True):
        one = way(network.W1, network.W2, x, target)

        assert close(one.u, want["u_hidden"])
        assert close(one.z, want["z_hidden"])
        assert close(one.y, want["y"])
        assert close(one.y, want["u_out"])  # S0.20: linear outputs
        assert close(one.E, want["E_t"])
        assert close(one.delta_out, want["delta_out"])
        assert close(one.delta, want["delta_hidden"])
        assert close(one.grad_w1, want["grad_W1"])
        assert close(one.grad_w2, want["grad_W2"])


def test_the_gradient_of_the_batch_is_the_sum_over_its_associations() -> None:
    """S0.25: Σ_t ∂E_t/∂w, by the engine in one go and by hand association by association."""
    E, (by_engine1, by_engine2) = sg.value_and_grad(error, (0, 1))(network.W1, network.W2)
    by_sample = [network.by_hand(network.W1, network.W2, x, t) for x, t in PAIRS]

    assert close(E, EXPECTED["E"])
    assert close(by_engine1, EXPECTED["grad_W1"])
    assert close(by_engine2, EXPECTED["grad_W2"])
    for r, row in enumerate(EXPECTED["grad_W1"]):
        assert close([sum(one.grad_w1[r][c] for one in by_sample) for c in range(3)], row)


def by_hand(passes: int) -> tuple[Any, Any, Any]:
    descent = network.short_version(network.W1, network.W2, tolerance=0.0, limit=passes)
    return descent.errors, descent.w1, descent.w2


def by_engine(passes: int) -> tuple[Any, Any, Any]:
    return network.learn(passes=passes)


@pytest.mark.parametrize("descend", [by_engine, by_hand])
def test_twenty_updates(descend: Callable[[int], Any]) -> None:
    """S0.26: the short version of the algorithm by hand, and the same with the engine."""
    errors, w1, w2 = descend(20)
    _, first1, first2 = descend(1)

    assert close(errors, EXPECTED["E_trajectory_0_to_20"])
    assert close([first1, first2], [EXPECTED["W1_after_1"], EXPECTED["W2_after_1"]])
    assert close([w1, w2], [EXPECTED["W1_after_20"], EXPECTED["W2_after_20"]])


@pytest.mark.parametrize("seed", range(3))
def test_the_short_algorithm_goes_from_random_weights_to_a_gradient_of_zero(seed: int) -> None:
    """S0.26: as printed: random start, gradients accumulated, until |∇E| is about 0."""
    start = network.random_weights(seed)
    descent = network.short_version(seed=seed)

    assert pytest.approx(error(*start), rel=1e-14) == descent.errors[0]
    for lengths, w in (
        (descent.lengths[0], start),
        (descent.lengths[-1], (descent.w1, descent.w2)),
    ):
        gradient = sg.grad(error, (0, 1))(*w)
        length = math.hypot(*(g for rows in gradient for row in rows for g in row))
        assert lengths == pytest.approx(length, rel=1e-9)
    assert descent.updates == len(descent.errors) - 1 == len(descent.lengths) - 1
    assert descent.lengths[-1] < 1e-4 <= min(descent.lengths[:-1])
    assert descent.errors[-1] < 1e-7


def test_the_short_algorithm_gives_up_where_it_is_told_to() -> None:
    descent = network.short_version(limit=5)

    assert descent.updates is None
    assert len(descent.errors) == 6
    assert network.random_weights(1) != network.random_weights(2)


def test_equations_55_and_56_as_printed_go_uphill() -> None:
    """S0.25: -ε Σ_t Δw_t with Δw_t = -ε ∂E_t/∂w is +ε² times the gradient."""
    w1, w2 = network.printed_step()
    printed, right = error(w1, w2), network.learn(passes=1)[0]

    assert close(printed, EXPECTED["E_after_one_literal_eq55_56_step"])
    assert right[1] < right[0] < printed
    for r, row in enumerate(EXPECTED["grad_W1"]):
        for c, g in enumerate(row):
            assert close(w1[r][c], network.W1[r][c] + network.EPS**2 * g)


def test_the_bias_unit_is_an_input_that_is_always_one() -> None:
    """S0.18: the sums run to I+1, the bias unit included; the bias of a neuron is the same."""
    neuron = nn.Neuron(2, activation=None)
    for parameter, number in zip(neuron.parameters(), network.W1[0], strict=True):
        parameter.data = number

    for x in network.X:
        u = network.build(network.W1, network.W2, x).u[0]
        without = network.build([row[:-1] for row in network.W1], [], x, bias=False).u[0]
        assert u == pytest.approx(neuron(x).data, rel=1e-15)
        assert u == pytest.approx(without + network.W1[0][2], rel=1e-15)


def test_without_bias_units_hand_and_engine_agree_as_well() -> None:
    """S0.18: the formulas are the same without the bias units."""
    bare1, bare2 = ([row[:-1] for row in w] for w in (network.W1, network.W2))
    E, grads = sg.value_and_grad(error, (0, 1))(bare1, bare2, False)
    by_sample = [network.by_hand(bare1, bare2, x, t, bias=False) for x, t in PAIRS]

    assert pytest.approx(sum(one.E for one in by_sample), rel=1e-13) == E
    assert [len(row) for row in grads[0]] == [2, 2, 2]
    assert [len(row) for row in grads[1]] == [3, 3]
    for r in range(3):
        for c in range(2):
            assert sum(one.grad_w1[r][c] for one in by_sample) == pytest.approx(grads[0][r][c])
    with pytest.raises(ValueError, match="as many inputs as weights, got 3 inputs for 2 weights"):
        network.build(bare1, bare2, network.X[0])


def test_the_sigmoids_slope_comes_from_its_output() -> None:
    """S0.19: σ'(u) = z (1 - z)."""
    for number in (-3.0, 0.0, 0.7, 40.0):
        u = Value(number)
        z = u.sigmoid()

        assert z.partials == (pytest.approx(z.data * (1.0 - z.data), rel=1e-14, abs=1e-16),)


def test_a_delta_is_the_gradient_of_the_sum_before_the_activation() -> None:
    """S0.21, X1: δ = ∂E/∂u is ∂E/∂z times z (1 - z), and y - τ for a linear output."""
    x, target = PAIRS[0]
    layers = network.build([[Value(w) for w in row] for row in network.W1], network.W2, x)
    losses.squared_error(layers.y, target).backward()

    for u, z in zip(layers.u, layers.z, strict=True):
        assert u.grad == pytest.approx(z.grad * z.data * (1.0 - z.data), rel=1e-14)
    for k in range(2):  # S0.23: equation 48 needs its k, each output has a target of its own
        assert layers.y[k].grad == layers.y[k].data - target[k]
    assert layers.y[0].grad != pytest.approx(layers.y[0].data - target[1])


def test_every_output_delta_feeds_every_hidden_delta() -> None:
    """S0.22: change one target, and the deltas of all hidden units change."""
    x, target = PAIRS[0]
    before = network.one_association(network.W1, network.W2, x, target).delta
    for k in range(2):
        other = [t + (0.1 if i == k else 0.0) for i, t in enumerate(target)]
        after = network.one_association(network.W1, network.W2, x, other).delta

        assert all(abs(a - b) > 1e-3 for a, b in zip(after, before, strict=True))


def test_the_weight_changes_are_delta_times_the_state_below() -> None:
    """S0.22, S0.23: equation 42 is of the output weights, z_j in it; 44 of the hidden ones, x_i."""
    x, target = PAIRS[1]
    one = network.one_association(network.W1, network.W2, x, target)

    for k, row in enumerate(one.grad_w2):
        assert close(row, [one.delta_out[k] * z for z in [*one.z, 1.0]])
    for j, row in enumerate(one.grad_w1):
        assert close(row, [one.delta[j] * xi for xi in [*x, 1.0]])


def test_xor_is_learnt_by_a_hidden_layer_and_by_nothing_straight() -> None:
    """S0.17: a linear unit answers 1/2 to all, a perceptron never ends, a network learns it."""
    result = network.run()

    assert result.xor.unit == pytest.approx([0.5] * 4, abs=1e-6)
    assert result.xor.network == pytest.approx(network.XOR_TARGETS, abs=1e-3)
    assert not result.xor.converged
    # not for want of patience: E of a linear unit is convex, and 1/2 is where its slope is 0
    unit = [0.0, 0.0, 0.5]
    slope = sg.grad(lambda w: losses.squared_error(
        [sg.dot(w[:2], x, w[2]) for x in network.XOR], network.XOR_TARGETS))(unit)  # fmt: skip
    assert slope == [0.0, 0.0, 0.0]


def test_the_error_of_a_network_is_not_convex() -> None:
    """S0.17: swapping two hidden units changes nothing, but halfway between the error is larger."""
    w1 = [[4.0, 4.0, -2.0], [4.0, 4.0, -6.0]]
    w2 = [[1.0, -1.0, 0.0]]

    def xor_error(u1: Any, u2: Any) -> float:
        outputs = [network.build(u1, u2, x).y[0] for x in network.XOR]
        return float(losses.squared_error(outputs, network.XOR_TARGETS))

    swapped = xor_error(w1[::-1], [[-1.0, 1.0, 0.0]])
    halfway = xor_error([[4.0, 4.0, -4.0]] * 2, [[0.0, 0.0, 0.0]])

    assert swapped == pytest.approx(xor_error(w1, w2))
    assert halfway > 1.4 * swapped


def test_the_targets_of_xor_are_named_as_they_are() -> None:
    """S0.17: 0 and 1, not -1."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    xor: Any = network.figures(computed("backprop_network"))["xor"]

    assert xor.axes[1].get_legend_handles_labels()[1] == ["target 1", "target 0"]
