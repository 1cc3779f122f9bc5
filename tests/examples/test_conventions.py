"""What the lectures do differently: δ before or behind the activation, reductions, two losses."""

import pytest
from lectures import lecture

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples.lecture2 import seven_node

SEVEN = lecture("S4.seven_tanh")["expected"]["t=+1"]


@pytest.mark.parametrize("g", [sg.tanh, sg.sigmoid, sg.relu])
def test_delta_after_the_activation_times_its_slope_is_delta_before_it(g: object) -> None:
    """X1: ∂E/∂a g'(z) = ∂E/∂z; the one is Lecture 2's δ, the other that of all the others."""
    net = seven_node.build(g=g)
    net.E.backward()
    for node in (3, 4, 5, 6):
        z, a = net.z[node], net.a[node]
        assert z is not a  # both are there to be asked
        assert z.grad == pytest.approx(a.grad * sg.grad(g)(z.data), rel=1e-14)
        # a weight's derivative is δ before the activation, times what comes over the edge
        for i, j in seven_node.EDGES:
            if j == node:
                assert net.w[f"{i}{j}"].grad == pytest.approx(z.grad * net.a[i].data, rel=1e-14)


def test_both_deltas_have_the_reference_numbers() -> None:
    """X1: with the case's g', and δ7 being ∂E/∂z7 in both conventions."""
    net = seven_node.run()
    for node, slope in SEVEN["g_prime"].items():
        behind = SEVEN["delta"][node]
        assert net.delta(int(node)) == pytest.approx(behind, rel=1e-12)
        assert net.z[int(node)].grad == pytest.approx(behind * slope, rel=1e-12)
    assert net.delta(7) == net.z[7].grad == SEVEN["delta"]["7"]


OUTPUTS, TARGETS = [0.5, -1.0, 2.0], [1.0, 0.5, 1.5]  # the squares: 0.25, 2.25, 0.25
FACTORS = {"sum": 1.0, "half_sum": 1 / 2, "mean": 1 / 3, "half_mean": 1 / 6}


@pytest.mark.parametrize("reduction", FACTORS)
def test_the_four_reductions_differ_by_a_factor(reduction: str) -> None:
    """X2: half the sum, the sum, the mean, half the mean; the default is half the sum."""
    loss = losses.squared_error(OUTPUTS, TARGETS, reduction)

    assert loss == pytest.approx(2.75 * FACTORS[reduction], rel=1e-15)
    assert (loss == losses.squared_error(OUTPUTS, TARGETS)) == (reduction == "half_sum")


def _learnt(reduction: str, rate: float, updates: int = 5) -> list[float]:
    """Two weights after some updates on six pairs."""
    xs = [[0.2, 0.9], [1.0, -0.4], [-0.6, 0.3], [0.7, 0.7], [-0.1, -0.8], [0.4, 0.5]]
    ts = [0.3, 0.9, -0.5, 0.8, -0.2, 0.1]
    w = [Value(0.1), Value(-0.2)]
    optimizer = optim.SGD(w, lr=rate)
    for _ in range(updates):
        optimizer.zero_grad()
        losses.squared_error([sg.dot(w, x) for x in xs], ts, reduction).backward()
        optimizer.step()
    return [wi.data for wi in w]


def test_a_rate_is_carried_from_one_reduction_to_another() -> None:
    """X2: α = 0.1 with 1/(2N) is 0.1/N with a half sum, and so on; unchanged it is another one."""
    n, alpha = 6, 0.1
    wanted = _learnt("half_mean", alpha)

    assert _learnt("half_sum", alpha / n) == pytest.approx(wanted, rel=1e-13)
    assert _learnt("sum", alpha / (2 * n)) == pytest.approx(wanted, rel=1e-13)
    assert _learnt("mean", alpha / 2) == pytest.approx(wanted, rel=1e-13)
    for other in ("half_sum", "sum", "mean"):
        assert _learnt(other, alpha) != pytest.approx(wanted, rel=1e-2)


def test_a_reduction_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="half_mean, got 'average'"):
        losses.squared_error(OUTPUTS, TARGETS, "average")


@pytest.mark.parametrize(
    ("z", "t", "perceptron", "hinge"),
    [
        (2.0, 1.0, (0.0, 0.0), (0.0, 0.0)),
        (0.5, 1.0, (0.0, 0.0), (0.5, -1.0)),  # on its right side, but within the margin
        (0.0, 1.0, (0.0, 0.0), (1.0, -1.0)),
        (-0.5, 1.0, (0.5, -1.0), (1.5, -1.0)),
        (0.5, -1.0, (0.5, 1.0), (1.5, 1.0)),
        (1.0, 1.0, (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_the_perceptron_loss_and_the_hinge_are_two_functions(
    z: float, t: float, perceptron: tuple[float, float], hinge: tuple[float, float]
) -> None:
    """X3: max(0, -z t) and max(0, 1 - z t), each with its slope by z; at a kink it is 0."""
    assert sg.value_and_grad(losses.perceptron)(z, t) == perceptron
    assert sg.value_and_grad(losses.hinge)(z, t) == hinge
