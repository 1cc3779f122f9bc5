"""The five equations, by hand and by the engine."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.core.primitives import sigmoid, tanh
from scalargrad.examples.brilliant import five_equations
from scalargrad.examples.brilliant.five_equations import X, Y, build, run, values_of
from scalargrad.view.formula.formula import partial_formulas

CASE = lecture("S3.general_sigmoid_identity")
EXPECTED = CASE["expected"]
close = close_to(CASE)


def by_layer(numbers: dict[str, Any]) -> list[Any]:
    return [numbers[k] for k in sorted(numbers)]


def weights_for(*sizes: int) -> list[list[list[float]]]:
    """Some weights for these layers, the bias row first."""
    return [
        [[math.sin(7.0 * k + 3.0 * i + 2.0 * j) for j in range(n)] for i in range(m + 1)]
        for k, (m, n) in enumerate(pairwise(sizes))
    ]


@pytest.fixture(scope="module")
def result() -> five_equations.FiveEquations:
    return computed("five_equations")


def test_the_data_are_those_of_the_reference() -> None:
    assert CASE["inputs"]["X"] == X
    assert CASE["inputs"]["y"] == Y
    assert CASE["inputs"]["alpha"] == five_equations.ALPHA
    assert by_layer(CASE["inputs"]["W_bias_row_first"]) == five_equations.WEIGHTS


@pytest.mark.parametrize("d", range(4))
def test_each_pair(result: five_equations.FiveEquations, d: int) -> None:
    """S3.11, S3.12, S3.14: a, o, δ and ∂E_d/∂w by the equations; δ by the engine too."""
    want, got = EXPECTED["per_pair"][d], result.pairs[d]
    bias_first = [[1.0, *X[d]], *([1.0, *o] for o in got.o[:-1]), got.o[-1]]

    assert close(got.a, by_layer(want["a"]))
    assert close(bias_first, by_layer(want["o"]))
    assert close(got.o[-1][0], want["y_hat"])
    assert close(got.E, want["E_d"])
    assert close(got.delta, by_layer(want["delta"]))
    assert close(got.gradient, by_layer(want["grad"]))
    engine = [[a.grad * len(X) for a in layer] for layer in result.a[d]]
    assert close(engine, by_layer(want["delta"]))


def test_the_whole_and_one_update(result: five_equations.FiveEquations) -> None:
    """S3.4, S3.6, S3.14: E = 1/(2N) Σ, the mean gradient, and θ - α ∂E/∂θ."""
    assert close(result.E.data, EXPECTED["E"])
    assert close(result.gradient_by_hand, by_layer(EXPECTED["grad"]))
    assert close(result.gradient, by_layer(EXPECTED["grad"]))
    assert close(result.weights_after, by_layer(EXPECTED["W_after_1"]))
    assert close(result.E_after, EXPECTED["E_after_1"])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus", "sin"])
@pytest.mark.parametrize("sizes", [(2, 1), (2, 3, 2, 1), (2, 1, 4, 3, 2, 1)], ids=str)
def test_the_equations_hold_for_any_network(sizes: tuple[int, ...], activation: str) -> None:
    """S3.14, S3.15: any depth, widths and activation; equations and engine agree."""
    found = run(weights=weights_for(*sizes), activation=activation)

    assert found.largest_difference < 1e-14
    assert max(abs(w) for layer in found.gradient for row in layer for w in row) > 1e-3


@pytest.mark.parametrize("g", [sg.sigmoid, sg.tanh])
@pytest.mark.parametrize("g_o", [sg.sigmoid, sg.tanh, sg.exp])
@pytest.mark.parametrize("error", ["square", "quartic", "cosh"])
def test_the_chain_is_the_same_for_any_error_and_activation(
    error: str, g: Callable[[Any], Any], g_o: Callable[[Any], Any]
) -> None:
    """S3.10: ∂E/∂w_ij = δ_j o_i, whatever E and g are; with three outputs and two hidden layers."""
    E_of = {"square": lambda e: 0.5 * e * e, "quartic": lambda e: e**4, "cosh": sg.cosh}[error]
    values = [[[Value(w) for w in row] for row in layer] for layer in weights_for(2, 3, 2, 3)]
    a, o = build(X[0], values, g, g_o)
    E = sg.sum([E_of(o_j - 0.3) for o_j in o[-1]])
    E.backward()

    before = [[1.0, *X[0]], *([1.0, *(unit.data for unit in layer)] for layer in o[:-1])]
    for layer, sums, outputs in zip(values, a, before, strict=True):
        for row, o_i in zip(layer, outputs, strict=True):
            for w, a_j in zip(row, sums, strict=True):
                assert w.grad == pytest.approx(a_j.grad * o_i, rel=1e-14)
    # and (3), which knows nothing of E: it takes the δ behind and the weights in between
    for k in range(len(values) - 1):
        for j, a_j in enumerate(a[k]):
            spread = sum(
                w.data * d.grad for w, d in zip(values[k + 1][j + 1], a[k + 1], strict=True)
            )
            assert a_j.grad == pytest.approx(sg.grad(g)(a_j.data) * spread, rel=1e-13)


def test_the_output_layer_of_a_network_of_four_layers_has_index_three() -> None:
    """S3.11: δ of layer m = 3 is (ŷ - y) g_o'(a), where printed once is g_0' for g_o'."""
    pair = five_equations.five_equations(X[0], [Y[0]], five_equations.WEIGHTS, g_o=sg.tanh)
    (a,), (y_hat,) = pair.a[-1], pair.o[-1]

    assert len(pair.delta) == 3
    assert pair.delta[-1][0] == pytest.approx((y_hat - Y[0]) * (1.0 - sg.tanh(a) ** 2), rel=1e-14)


def test_the_bias_unit_has_no_delta() -> None:
    """S3.12: nothing leads to o_0; as a Value it gets a gradient, but hands none to any weight."""
    pair = five_equations.five_equations(X[0], [Y[0]], five_equations.WEIGHTS)
    values = [[[Value(w) for w in row] for row in layer] for layer in five_equations.WEIGHTS]
    one = Value(1.0)
    a1 = [sg.dot(list(column), [1.0, *X[0]]) for column in zip(*values[0], strict=True)]
    a2 = [
        sg.dot(list(column), [one, *map(sg.sigmoid, a1)]) for column in zip(*values[1], strict=True)
    ]
    y_hat = sg.dot([w for (w,) in values[2]], [1.0, *map(sg.sigmoid, a2)])
    losses.squared_error(y_hat, Y[0]).backward()

    assert [len(deltas) for deltas in pair.delta] == [3, 2, 1]
    assert one.grad != 0.0
    assert one.parents == ()
    assert close(values_of(values, "grad"), pair.gradient)


def test_the_printed_sum_without_the_bias_has_another_value_and_the_same_derivative() -> None:
    """S3.12: a_l = Σ from j = 1 on drops w_0l; by the other outputs it differentiates alike."""
    weights, o = [0.3, 0.8, -0.6, 0.4], [1.0, 0.5, 0.2, 0.9]
    whole = lambda o: sg.dot(weights, o)
    printed = lambda o: sg.dot(weights[1:], o[1:])

    assert whole(o) - printed(o) == pytest.approx(0.3)
    assert sg.grad(whole)(o)[1:] == sg.grad(printed)(o)[1:]


def test_a_bias_is_a_weight_from_a_unit_that_is_always_1() -> None:
    """S3.8: row 0 with o_0 = 1, and `bias` of a neuron, give the same output and gradients."""
    model = nn.MLP(2, [3, 2, 1], "sigmoid")
    for layer, matrix in zip(model.layers, five_equations.WEIGHTS, strict=True):
        for j, neuron in enumerate(layer.neurons):
            assert neuron.b is not None
            for w, row in zip([neuron.b, *neuron.w], matrix, strict=True):
                w.data = row[j]
    losses.squared_error([model(x) for x in X], Y, "half_mean").backward()
    gradient = [
        [list(row) for row in zip(*([w.grad for w in (n.b, *n.w)] for n in layer.neurons),
                                  strict=True)]
        for layer in model.layers
    ]  # fmt: skip

    assert close(gradient, by_layer(EXPECTED["grad"]))


def test_the_derivative_of_the_mean_is_the_mean_of_the_derivatives(
    result: five_equations.FiveEquations,
) -> None:
    """S3.9, S3.19: pair by pair, in any order, then the mean, is the gradient of the whole."""
    summed = [0.0] * 20
    for d in (2, 0, 3, 1):
        values = [[[Value(w) for w in row] for row in layer] for layer in five_equations.WEIGHTS]
        losses.squared_error(build(X[d], values)[1][-1][0], Y[d]).backward()
        flat = [w for layer in values_of(values, "grad") for row in layer for w in row]
        summed = [s + g for s, g in zip(summed, flat, strict=True)]
    whole = [w for layer in result.gradient for row in layer for w in row]

    assert [s / 4 for s in summed] == pytest.approx(whole, rel=1e-13, abs=1e-16)


def test_backward_uses_what_forward_left() -> None:
    """S3.13: after a change of a weight's data, without a new forward pass, the gradient is stale.

    w1's partial derivative was taken down with the old w2; a new forward pass takes the new one.
    """
    w1, w2 = Value(0.5), Value(2.0)
    forward = lambda: w2 * sg.tanh(w1)
    y = forward()
    w2.data = 10.0
    y.backward()
    stale, w1.grad = w1.grad, 0.0
    forward().backward()

    slope = 1.0 - math.tanh(0.5) ** 2
    assert stale == pytest.approx(2.0 * slope)
    assert w1.grad == pytest.approx(10.0 * slope)


@pytest.mark.parametrize(
    ("row", "by_output", "text"),
    [
        (sigmoid, lambda o: o * (1.0 - o), "o·(1 - o)"),
        (tanh, lambda o: 1.0 - o * o, "1 - o²"),
    ],
    ids=["sigmoid", "tanh"],
)
def test_the_slope_of_a_sigmoidal_unit_needs_only_its_output(
    row: Any, by_output: Callable[[float], float], text: str
) -> None:
    """S3.16: the output alone gives the slope; far out, where it is rounded to 1, x has to help."""
    for x in (-2.0, -0.3, 0.0, 0.7, 2.0):
        out = row(Value(x, "a"))

        assert out.partials[0] == pytest.approx(by_output(out.data), rel=1e-14)
        assert partial_formulas(out, {out.parents[0]: "a", out: "o"}) == (text,)
        (slope,) = sg.numerical_grad(row, (x,))
        assert out.partials[0] == pytest.approx(slope, rel=1e-6)


def test_for_sigmoids_with_a_linear_output_delta_takes_two_short_forms(
    result: five_equations.FiveEquations,
) -> None:
    """S3.16: δ = ŷ - y at the output, δ_j = o_j (1 - o_j) Σ w_jl δ_l before: no a is needed."""
    weights = five_equations.WEIGHTS
    for pair, y in zip(result.pairs, Y, strict=True):
        assert pair.delta[2][0] == pytest.approx(pair.o[2][0] - y, rel=1e-14)
        for k in (0, 1):
            for j, o_j in enumerate(pair.o[k]):
                spread = sum(w * d for w, d in zip(weights[k + 1][j + 1], pair.delta[k + 1],
                                                   strict=True))  # fmt: skip
                assert pair.delta[k][j] == pytest.approx(o_j * (1.0 - o_j) * spread, rel=1e-13)


def test_with_a_step_for_an_activation_nothing_is_learnt() -> None:
    """S3.7: the Heaviside step is flat: the gradients of all weights before it are 0."""
    step = lambda a: 0.5 * (1.0 + sg.sign(a))
    values = [[[Value(w) for w in row] for row in layer] for layer in five_equations.WEIGHTS]
    E = losses.squared_error([build(x, values, step, step)[1][-1][0] for x in X], Y, "half_mean")
    E.backward()

    assert E.data > 0.0
    assert {w for layer in values_of(values, "grad") for row in layer for w in row} == {0.0}


def test_layers_are_fully_connected_and_nothing_is_within_a_layer() -> None:
    """S3.3: a 2-3-2-1 network has 2·3 + 3·2 + 2·1 edges, and 3 + 2 + 1 more from bias units."""
    model = nn.MLP(2, [3, 2, 1], "sigmoid")
    inputs = [Value(0.2), Value(-0.7)]
    y_hat = model(inputs)
    dots = [v for v in sg.topological_order(y_hat) if v.op == "dot"]
    weights = {id(w) for n in (n for layer in model.layers for n in layer.neurons) for w in n.w}

    assert len(weights) == 2 * 3 + 3 * 2 + 2 * 1
    assert len(model.parameters()) == len(weights) + 3 + 2 + 1
    assert sum(id(p) in weights for dot in dots for p in dot.parents) == len(weights)
    for dot in dots[:3]:  # the first layer reads the inputs, and no neighbour
        assert sum(p in inputs for p in dot.parents) == 2
        assert all(p.op == "" for p in dot.parents)


def test_a_missing_bias_row_is_told() -> None:
    with pytest.raises(ValueError, match="layer 1 needs 3 rows of weights, one for the bias"):
        build(X[0], [[[1.0], [1.0]]])


def test_a_wrong_activation_and_several_outputs_are_told() -> None:
    with pytest.raises(ValueError, match="a name like 'sigmoid' or 'tanh', got 'sigmoyd'"):
        run(activation="sigmoyd")
    with pytest.raises(ValueError, match="the last layer must have one unit, got 2"):
        run(weights=weights_for(2, 3, 2))
