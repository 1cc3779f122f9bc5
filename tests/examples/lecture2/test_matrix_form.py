"""The matrix formulation: by matrices, in a batch and by the engine, against given numbers."""

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad.examples.lecture2 import matrix_form

CASE = lecture("S4.matrix_form")
close = close_to(CASE)


def test_the_data_are_those_of_the_case() -> None:
    inputs = CASE["inputs"]

    assert inputs["W01_d0_by_d1"] == matrix_form.W01
    assert inputs["W12_d1_by_d2"] == matrix_form.W12
    assert inputs["X"] == matrix_form.X
    assert inputs["delta2_dE_da2"] == matrix_form.DELTA2


@pytest.mark.parametrize("n", [0, 1])
def test_each_point_by_matrices_and_by_the_engine(n: int) -> None:
    """S4.18, and S4.17 in the engine, which goes neuron by neuron."""
    want = CASE["expected"]["per_point"][n]
    hand = matrix_form.by_matrices(matrix_form.X[n], matrix_form.DELTA2[n])
    a = matrix_form.run().a[n]

    assert close([v.data for v in a[1]], want["a1"])
    assert close([v.data for v in a[2]], want["a2"])
    assert close([v.parents[0].data for v in a[1]], want["z1"])
    assert close([v.parents[0].data for v in a[2]], want["z2"])
    for k, delta in enumerate((hand.delta0, hand.delta1, hand.delta2)):
        assert close(delta, want[f"delta{k}"])
        assert close([v.grad for v in a[k]], want[f"delta{k}"])
    assert close(hand.dW01, want["dE_dW01"])
    assert close(hand.dW12, want["dE_dW12"])
    assert close(sg.dot(matrix_form.DELTA2[n], a[2]).data, want["E"])


def test_a_batch_is_a_product_of_matrices() -> None:
    """S4.18: the engine differentiates Σ δ2 · a2, whose derivative by a2 is δ2."""
    expected, result = CASE["expected"], matrix_form.run()

    assert close(result.E.data, sum(point["E"] for point in expected["per_point"]))
    for dW01, dW12 in ((result.dW01, result.dW12), (result.batch.dW01, result.batch.dW12)):
        assert close(dW01, expected["batch_sum_dE_dW01"])
        assert close(dW12, expected["batch_sum_dE_dW12"])


def test_other_weights_by_matrices_and_by_the_engine() -> None:
    x, delta, w01, w12 = [0.4, -0.7], [1.0], [[0.5, 2.0, -1.0], [0.3, -0.2, 0.9]], [[1.0]] * 3
    hand = matrix_form.by_matrices(x, delta, w01, w12)
    together = matrix_form.batch([x], [delta], w01, w12)
    slopes = sg.grad(lambda *w: matrix_form.build(x, w)[2][0], (0, 1))(w01, w12)

    for dW, by_batch, by_engine in zip(
        (hand.dW01, hand.dW12), (together.dW01, together.dW12), slopes, strict=True
    ):
        assert by_batch == dW
        for row, other in zip(dW, by_engine, strict=True):
            assert row == pytest.approx(other, rel=1e-14)


def test_the_gradient_of_one_point_is_an_outer_product() -> None:
    """S1.8: layer input times error; so all rows are multiples of each other."""
    gradient = matrix_form.run(points=1).dW01
    for row in gradient[1:]:
        factor = row[0] / gradient[0][0]

        assert row == pytest.approx([factor * w for w in gradient[0]], rel=1e-12)


def test_it_is_what_numpy_computes() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    W01, W12, A0, D2 = map(
        np.array, (matrix_form.W01, matrix_form.W12, matrix_form.X, matrix_form.DELTA2)
    )
    A1 = np.tanh(A0 @ W01)
    A2 = np.tanh(A1 @ W12)
    S2 = D2 * (1 - A2**2)
    S1 = (S2 @ W12.T) * (1 - A1**2)
    result = matrix_form.run()

    assert np.allclose(A1.T @ S2, result.dW12, rtol=1e-13, atol=0)
    assert np.allclose(A0.T @ S1, result.dW01, rtol=1e-13, atol=0)


def test_other_counts_of_points_and_rows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"take 1 or 2, got 3"):
        matrix_form.run(points=3)
    with pytest.raises(ValueError, match=r"3 units need as many rows of weights, got 4"):
        matrix_form.build([1.0, 2.0, 3.0], [matrix_form.W12])
