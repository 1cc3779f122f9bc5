"""The whole program of six samples."""

from itertools import pairwise
from typing import Any

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import losses, optim
from scalargrad.examples.brilliant import hyperparameters, six_samples

CASE = lecture("S3.brilliant_code")
close = close_to(CASE)
EXPECTED = CASE["expected"]
SNAPSHOTS = EXPECTED["snapshots_before_update_i"]


@pytest.fixture(scope="module")
def result() -> six_samples.SixSamples:
    return computed("six_samples")


def test_the_data_are_the_lectures(result: six_samples.SixSamples) -> None:
    inputs = CASE["inputs"]

    assert inputs["X"] == six_samples.X
    assert inputs["y"] == six_samples.Y
    assert inputs["initial_hidden_weights"] == six_samples.HIDDEN
    assert inputs["initial_output_weights"] == six_samples.OUTPUT
    assert EXPECTED["initial_hidden_weights"] == six_samples.HIDDEN
    assert EXPECTED["initial_output_weights"] == six_samples.OUTPUT
    assert (inputs["alpha"], inputs["num_iterations"]) == (0.1, len(result.errors))
    assert six_samples.matrices(six_samples.build()) == (six_samples.HIDDEN, six_samples.OUTPUT)


def test_the_target_is_a_table_of_two_functions() -> None:
    """S3.17: x1 xor x2 where x3 = 1; x2 where x3 = 0, and there x1 is 1."""
    for (x1, x2, x3), y in zip(six_samples.X, six_samples.Y, strict=True):
        assert y == (x1 ^ x2 if x3 else x2)
        assert x3 or x1


@pytest.mark.parametrize("k", [int(k) for k in SNAPSHOTS])
def test_each_snapshot(result: six_samples.SixSamples, k: int) -> None:
    """S3.17: weights, outputs, both gradients and E before the update of that iteration."""
    want, got = SNAPSHOTS[str(k)], result.snapshots[k]

    assert close(got.hidden, want["hidden_weights"])
    assert close(got.output, want["output_weights"])
    assert close(got.outputs, want["outputs"])
    assert close(got.hidden_gradient, want["hidden_gradient"])
    assert close(got.output_gradient, want["output_gradient"])
    assert close(got.E, want["E_1_over_2N"])
    assert result.errors[k] == got.E


def test_the_course_of_the_outputs_is_dense_and_real(result: six_samples.SixSamples) -> None:
    """The figure joins outputs at 70 iterations or more, evenly on a logarithmic axis."""
    ks = [*result.course]

    assert ks[0] == 0
    assert ks[-1] == 9999
    assert ks == sorted(ks)
    assert all(b + 1 <= 1.11 * (a + 1) + 1 for a, b in pairwise(ks))
    for k, shot in result.snapshots.items():
        assert result.course[k] == shot.outputs


def test_the_weights_at_the_end(result: six_samples.SixSamples) -> None:
    """S3.17."""
    assert close(result.hidden, EXPECTED["final_hidden_weights"])
    assert close(result.output, EXPECTED["final_output_weights"])


def test_the_printed_outputs_are_those_before_the_last_update(
    result: six_samples.SixSamples,
) -> None:
    """S3.17: the forward pass of iteration 9999, not that of the final weights."""
    exact = [float(digits) for digits in EXPECTED["outputs_printed_exact_arithmetic_20_digits"]]

    assert close(result.printed, EXPECTED["outputs_printed_iteration_9999_forward"])
    assert close(result.outputs, EXPECTED["outputs_recomputed_with_final_weights"])
    assert not close(result.outputs, EXPECTED["outputs_printed_iteration_9999_forward"])
    assert max(abs(y - z) for y, z in zip(result.printed, exact, strict=True)) < 1e-13


def test_e_after_the_last_update(result: six_samples.SixSamples) -> None:
    by_alpha = lecture("S3.hyperparameters")["expected"]["E_by_alpha_at_10000_its"]

    assert pytest.approx(by_alpha["0.1"], rel=1e-6) == result.E


@pytest.mark.parametrize("k", [1, 10, 100])
def test_the_program_by_hand(k: int) -> None:
    """S3.17, S3.19: one derivative for each sample and weight, averaged; in plain floats."""
    hidden, output, _ = six_samples.printed_program(k)

    assert close(hidden, SNAPSHOTS[str(k)]["hidden_weights"])
    assert close(output, SNAPSHOTS[str(k)]["output_weights"])


def test_the_program_prints_outputs_from_before_the_update() -> None:
    assert close(six_samples.printed_program(1)[2], SNAPSHOTS["0"]["outputs"])
    assert close(six_samples.printed_program(2)[2], SNAPSHOTS["1"]["outputs"])


def test_engine_and_hand_agree(result: six_samples.SixSamples) -> None:
    assert result.compared == 100
    assert 0.0 <= result.difference < 1e-13


def test_the_literal_program_in_numpy(result: six_samples.SixSamples) -> None:
    """S3.17: all 10,000 iterations, starting from NumPy's seed 1, and what it prints."""
    np = pytest.importorskip("numpy")

    def sigmoid(x: Any, derivative: bool = False) -> Any:
        if derivative:
            return sigmoid(x) * (1 - sigmoid(x))
        return 1 / (1 + np.exp(-x))

    random = np.random.RandomState(1)
    x = np.array(six_samples.X)
    y = np.array([six_samples.Y]).T
    num_hidden, alpha, num_iterations = 3, 0.1, 10000
    hidden_weights = 2 * random.random_sample((x.shape[1] + 1, num_hidden)) - 1
    output_weights = 2 * random.random_sample((num_hidden + 1, y.shape[1])) - 1
    ones = np.ones((x.shape[0], 1))
    input_outputs = np.hstack((ones, x))
    for _ in range(num_iterations):
        hidden_outputs = np.hstack((ones, sigmoid(np.dot(input_outputs, hidden_weights))))
        output_outputs = np.dot(hidden_outputs, output_weights)
        output_error = output_outputs - y
        slopes = hidden_outputs[:, 1:] * (1 - hidden_outputs[:, 1:])
        hidden_error = slopes * np.dot(output_error, output_weights.T[:, 1:])
        hidden_pd = input_outputs[:, :, np.newaxis] * hidden_error[:, np.newaxis, :]
        output_pd = hidden_outputs[:, :, np.newaxis] * output_error[:, np.newaxis, :]
        hidden_weights += -alpha * np.average(hidden_pd, axis=0)
        output_weights += -alpha * np.average(output_pd, axis=0)

    assert f"Output After Training: \n{output_outputs}" == EXPECTED["printed_output"]
    assert close(result.printed, output_outputs.ravel().tolist())
    assert close(result.hidden, hidden_weights.tolist())
    assert close(result.output, output_weights.tolist())


@pytest.mark.parametrize(("drawn", "weight"), [(0.0, -1.0), (1.0 - 2.0**-53, 1.0 - 2.0**-52)])
def test_starting_weights_are_in_a_half_open_range(
    drawn: float, weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3.17: printed is [-1, 1]: -1 can be drawn, but the largest r below 1 does not make 1."""
    monkeypatch.setattr(hyperparameters, "legacy_random", lambda seed: lambda: drawn)
    model = hyperparameters.build(3)

    assert {w.data for w in model.parameters()} == {weight}
    assert -1.0 <= weight < 1.0


def test_the_slope_of_sigmoid_takes_x_and_not_its_output() -> None:
    """S3.18: sigmoid(x, derivative=True) is σ(x)(1 - σ(x)) at x; handing σ(x) in is a mistake."""
    x = 0.7
    s = sg.sigmoid(x)

    assert sg.grad(sg.sigmoid)(x) == pytest.approx(s * (1.0 - s), rel=1e-15)
    assert sg.grad(sg.sigmoid)(s) != pytest.approx(s * (1.0 - s), rel=1e-3)


def test_fit_learns_the_same(result: six_samples.SixSamples) -> None:
    """S3.4, S3.6, S3.15: E = 1/(2N) Σ and θ - α ∂E/∂θ, by the ready-made loop."""
    model = six_samples.build()
    history = sg.fit(
        model, six_samples.X, six_samples.Y,
        lambda y_hat, y: losses.squared_error(y_hat, y, "half_mean"),
        optim.SGD(model.parameters(), lr=0.1), epochs=100,
    )  # fmt: skip

    assert close(history.losses[:100], result.errors[:100])
    assert close([*six_samples.matrices(model)], [SNAPSHOTS["100"]["hidden_weights"],
                                                  SNAPSHOTS["100"]["output_weights"]])  # fmt: skip


def test_outputs_drift_together_and_part_after_a_hundred_iterations(
    result: six_samples.SixSamples,
) -> None:
    """What the text tells to look for."""
    spread = {k: max(s.outputs) - min(s.outputs) for k, s in result.snapshots.items()}

    assert all(spread[k] < 0.2 for k in (0, 1, 10, 100))
    assert all(abs(y - 0.5) < 0.08 for y in result.snapshots[100].outputs)
    assert spread[1000] > 0.4
    assert spread[9999] > 0.99


def test_a_tenth_of_the_rate_takes_ten_times_as_long(result: six_samples.SixSamples) -> None:
    """What the text tells to look for."""
    slow = six_samples.run(lr=0.01)

    assert slow.printed == pytest.approx(result.snapshots[1000].outputs, rel=0.01)


def test_no_iteration_is_refused() -> None:
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        six_samples.run(iterations=0)
