"""Credit assignment: every delta and gradient of a 2-3-3-2-2 network, by engine and by hand."""

import pytest

import scalargrad as sg
from scalargrad import losses
from scalargrad.examples.stone import credit_assignment as credit


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
@pytest.mark.parametrize("seed", range(3))
def test_every_delta_and_every_gradient_by_hand(hidden: str, seed: int) -> None:
    """S0.1: three hidden layers; the hand-written rules agree with the engine everywhere."""
    result = credit.run(seed, hidden)
    weights = [
        [[w.data for w in unit.w] for unit in layer.neurons] for layer in result.model.layers
    ]
    deltas, gradients = credit.by_hand(weights, hidden=hidden)

    assert [len(layer) for layer in deltas] == [3, 3, 2, 2]
    for ours, theirs in zip(result.deltas, deltas, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)
    for layer, other in zip(result.gradients, gradients, strict=True):
        for row, wanted in zip(layer, other, strict=True):
            assert row == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert result.apart < 1e-14


def test_a_gradient_is_how_much_the_error_changes_with_that_weight() -> None:
    """S0.1: the blame of a weight, by changing this weight alone."""
    result = credit.run()
    neurons = [unit for layer in result.model.layers for unit in layer.neurons]
    rows = [row for layer in result.gradients for row in layer]
    step = 1e-5
    for unit, row in zip(neurons, rows, strict=True):
        for w, g in zip(unit.w, row, strict=True):
            errors = []
            for change in (step, -step):
                w.data += change
                y = credit.build(result.model).z[-1]
                errors.append(losses.squared_error(y, credit.TARGET).data)
                w.data -= change
            assert (errors[0] - errors[1]) / (2 * step) == pytest.approx(g, rel=1e-6, abs=1e-9)


def test_the_shares_belong_to_the_25_connections_and_add_up_to_one() -> None:
    result = credit.run()
    shares = result.shares()

    assert len(shares) == 2 * 3 + 3 * 3 + 3 * 2 + 2 * 2
    assert sum(shares.values()) == pytest.approx(1.0)
    assert result.edges()[(3, 1), (4, 0)] == result.gradients[3][0][1]
    assert result.edges()[(0, 1), (1, 2)] == result.gradients[0][2][1]


def test_sigmoids_let_less_blame_through_than_tanh() -> None:
    """The first layer's share: 6% with sigmoids, a third with tanh."""

    def first(hidden: str) -> float:
        shares = credit.run(hidden=hidden).shares()
        return sum(share for edge, share in shares.items() if edge[1][0] == 1)

    assert first("sigmoid") == pytest.approx(0.059, abs=0.001)
    assert first("tanh") == pytest.approx(0.362, abs=0.001)


def test_the_deltas_need_all_paths_to_the_error() -> None:
    """A weight of the first layer of unit 1 leads to E on 3 * 2 * 2 ways, and all count."""
    result = credit.run()
    forward = credit.build(result.model)
    E = losses.squared_error(forward.z[-1], credit.TARGET)
    E.backward()
    w = result.model.layers[0].neurons[0].w[0]

    assert sg.count_paths(E, w) % (3 * 2 * 2) == 0
    assert forward.u[0][0].grad == pytest.approx(result.deltas[0][0])


def test_by_hand_knows_two_activations() -> None:
    with pytest.raises(ValueError, match="sigmoid and tanh, got 'relu'"):
        credit.by_hand([[[1.0]]], [1.0], [1.0], hidden="relu")
