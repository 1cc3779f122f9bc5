"""δ of any unit in any layer."""

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.examples.goebels import any_layer_delta
from scalargrad.examples.goebels.any_layer_delta import build, deltas_by_hand, run

SIZES = [(2, 3, 1), (1, 1, 1, 1, 1), (2, 3, 4, 3, 2), (5, 1, 6, 2), (3, *(4,) * 12, 2)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_formula_gives_what_the_engine_gives(sizes: tuple[int, ...], seed: int) -> None:
    """S2.25, S2.20: δ_j = Σ_k δ_k w_jk σ'(z_j), layer by layer, for any depth and widths."""
    result = run(sizes, seed)

    assert [len(layer) for layer in result.engine] == [*sizes[1:]]
    for engine, hand in zip(result.engine, result.hand, strict=True):
        assert engine == pytest.approx(hand, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_weights_gradient_is_activation_times_delta(sizes: tuple[int, ...]) -> None:
    """S2.20, S2.26: ∂C/∂w_ij = a_i δ_j in every layer."""
    result = run(sizes)
    before = [[x.data for x in result.net.x], *([a.data for a in r] for r in result.net.a)]
    for W, a, deltas in zip(result.net.W, before, result.hand, strict=False):
        for i, row in enumerate(W):
            assert [w.grad for w in row] == pytest.approx([a[i] * d for d in deltas], rel=1e-12)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_matrix_form_gives_the_same(sizes: tuple[int, ...]) -> None:
    """S2.26: δ^l = (δ^(l+1) (W^(l+1))ᵀ) ⊙ σ'(z^l)."""
    result = run(sizes)
    delta = np.array([result.engine[-1]])
    for n in range(len(sizes) - 3, -1, -1):
        W = np.array([[w.data for w in row] for row in result.net.W[n + 1]])
        a = np.array([[a.data for a in result.net.a[n]]])
        delta = delta @ W.T * (a * (1 - a))

        np.testing.assert_allclose(delta[0], result.engine[n], rtol=1e-12)


def test_a_unit_moves_only_its_own_activation() -> None:
    """S2.25: ∂a_i/∂z_j is zero for all i ≠ j, and ∂z_k/∂z_j = w_jk σ'(z_j)."""
    z, w = [0.3, -1.2, 0.8], [[0.5, -0.7], [0.2, 0.9], [-1.1, 0.4]]
    slopes = [sg.grad(sg.sigmoid)(zj) for zj in z]
    activations = sg.jacobian(lambda z: [sg.sigmoid(zj) for zj in z])(z)
    behind = lambda z: [
        sg.dot(column, [sg.sigmoid(zj) for zj in z]) for column in zip(*w, strict=True)
    ]

    assert [[d for j, d in enumerate(row) if j != i] for i, row in enumerate(activations)] == (
        [[0.0, 0.0]] * 3
    )
    assert [activations[i][i] for i in range(3)] == slopes
    for k, row in enumerate(sg.jacobian(behind)(z)):
        assert row == pytest.approx([w[j][k] * slopes[j] for j in range(3)], rel=1e-15)


def test_a_weight_needs_both_ends() -> None:
    """S2.25: printed ∂σ(z_i) w_k, must be w_ik; so, only unit 1 is right."""
    result = run()
    W, x, y = (
        [[[w.data for w in row] for row in M] for M in result.net.W],
        [xi.data for xi in result.net.x],
        [0.5, 0.5],
    )
    net = build(W, x, y)
    net.C.backward()
    activations = [[a.data for a in layer] for layer in net.a]
    right = deltas_by_hand(W, activations, y)[0]
    printed = any_layer_delta.delta_without_source(W[1], [z.grad for z in net.z[1]], activations[0])

    def cost(nudge: float) -> float:
        """C with z of unit 2 in layer 1 moved, the rest computed anew."""
        z = [z.data for z in net.z[0]]
        z[1] += nudge
        a = [sg.sigmoid(zj) for zj in z]
        for M in W[1:]:
            a = [sg.sigmoid(sg.dot(column, a)) for column in zip(*M, strict=True)]
        value: float = losses.squared_error(a, y)
        return value

    measured = sg.numerical_grad(cost, 0.0)
    assert right[1] == pytest.approx(measured, rel=1e-6)
    assert printed[0] == pytest.approx(right[0], rel=1e-12)
    assert abs(printed[1] - measured) > 0.5 * abs(measured)


def test_the_sum_runs_over_the_units_of_the_next_layer() -> None:
    """S2.25: printed "n = 0 .. k"; the terms are one for each k, and leaving one out shows."""
    result = run()
    weights = [w.data for w in result.net.W[1][0]]
    slope = result.net.a[0][0].data * (1 - result.net.a[0][0].data)
    terms = [d * w * slope for d, w in zip(result.engine[1], weights, strict=True)]

    assert len(terms) == result.sizes[2]
    assert sum(terms) == pytest.approx(result.engine[0][0], rel=1e-12)
    for term in terms:
        assert sum(terms) - term != pytest.approx(result.engine[0][0], rel=1e-6)


def test_paths_of_a_hidden_unit() -> None:
    """S2.29: from unit j of layer l to the outputs, by the library's count, and as a sum."""
    net = run().net

    assert sum(sg.count_paths(a, net.z[0][0]) for a in net.a[-1]) == 4 * 3 * 2
    products = [path.product for path in sg.paths(net.C, net.z[0][0])]
    assert len(products) == 2 * 24  # an error is squared: it goes into its product twice
    assert sum(products) == pytest.approx(net.z[0][0].grad, rel=1e-12)


def test_deltas_shrink_towards_the_front() -> None:
    """What the text tells to look for."""
    result = run((2, *(3,) * 10, 1))
    sizes = [max(map(abs, layer)) for layer in result.engine]

    assert sizes == sorted(sizes)
    assert sizes[0] < 1e-4 * sizes[-1]


def test_the_report_has_a_row_for_each_unit() -> None:
    text = any_layer_delta.report(run((2, 3, 1)))

    assert text.count("e-0") >= 8
    assert "layers of 2, 3, 1 units" in text


def test_what_is_no_layered_network() -> None:
    with pytest.raises(ValueError, match=r"three layers or more, got \(2, 1\)"):
        run((2, 1))
    with pytest.raises(ValueError, match="matrix 2 must have 1 rows"):
        build([[[1.0]], [[1.0], [2.0]]], [0.5], [0.5])
    with pytest.raises(ValueError, match="1"):
        build([[[1.0]]], [0.5], [0.5, 0.5])
    assert isinstance(build([[[1.0]]], [0.5], [0.5]).C, Value)
