"""Four inputs, four outputs: one network is four, and where its descent ends."""

import pytest

import scalargrad as sg
from scalargrad import nn
from scalargrad.examples.stone import four_by_four as four

EXACT = 1e-13


def test_the_gradient_is_the_product_of_deltas_and_inputs() -> None:
    """S0.15: ∂E/∂w_ki = Σ_t δ_kt x_it, by the engine, by hand, and by differences of E."""
    result = four.run(updates=1)

    numeric = sg.numerical_grad(four.error, ([list(row) for row in four.W0],))[0]
    for row, hand, differences in zip(result.gradient, result.by_hand, numeric, strict=True):
        assert row == pytest.approx(hand, abs=EXACT)
        assert row == pytest.approx(differences, abs=1e-8)


def test_an_output_does_not_feel_the_weights_of_another() -> None:
    """S0.15: the second derivatives between the rows of two outputs are zero."""
    curvature = sg.hessian(four.error)([list(row) for row in four.W0])
    for k in range(4):
        for other in range(4):
            block = [curvature[k][i][other][j] for i in range(4) for j in range(4)]
            assert any(block) == (k == other)


def test_training_the_four_networks_separately_gives_the_same_weights() -> None:
    """S0.15: to the last bit, after every update."""
    result = four.run(updates=50)

    assert result.apart == 0.0
    assert len(result.course.weights) == 51
    for step, E in enumerate(result.course.errors):
        assert sum(course.errors[step] for course in result.courses) == pytest.approx(E, abs=EXACT)


def test_five_steps_by_the_engine_and_by_hand() -> None:
    """S0.15."""
    W = [list(row) for row in four.W0]
    for got in four.together(lr=0.4, updates=5).weights:
        for row, want in zip(got, W, strict=True):
            assert row == pytest.approx(want, rel=EXACT, abs=EXACT)
        gradient = four.gradient_by_hand(W)
        W = [
            [w - 0.4 * g for w, g in zip(row, slopes, strict=True)]
            for row, slopes in zip(W, gradient, strict=True)
        ]


def test_descent_ends_at_the_nearest_solution_to_its_start() -> None:
    """S0.15: W = W0 + (T - W0 X) X⁺, with an association in each column of X and T."""
    numpy = pytest.importorskip("numpy")
    X, T, W0 = numpy.array(four.X).T, numpy.array(four.TARGETS).T, numpy.array(four.W0)
    limit = W0 + (T - W0 @ X) @ numpy.linalg.pinv(X)

    assert numpy.abs(limit - four.together().weights[-1]).max() < EXACT
    assert numpy.abs(limit @ X - T).max() < EXACT


def test_what_was_shown_is_recalled_and_what_is_at_right_angles_untouched() -> None:
    result = four.run()
    *shown, unseen, untouched = result.answers

    for got, want in zip(shown, four.TARGETS, strict=True):
        assert got == pytest.approx(want, abs=EXACT)
    assert unseen == pytest.approx((1.0, 1.0, 0.0, 0.0), abs=EXACT)
    assert untouched == pytest.approx(result.before[-1], abs=EXACT)
    assert result.before[-1] == pytest.approx((0.6, -0.6, -0.6, -0.2))


def test_the_rate_beyond_which_it_explodes() -> None:
    critical = 2.0 / (2.0 + 2.0**0.5)

    assert four.together(critical * 0.98, updates=1000).errors[-1] < 1e-6
    assert four.together(critical * 1.02, updates=200).errors[-1] > 100.0


def test_the_network_is_a_layer_without_bias_and_activation() -> None:
    layer = nn.Layer(4, 4, None, bias=False)
    for neuron, row in zip(layer.neurons, four.W0, strict=True):
        for w, number in zip(neuron.w, row, strict=True):
            w.data = number

    assert [y.data for y in layer(four.X[0])] == four.build(four.W0, four.X[0])
