"""What an activation needs: slopes on a grid, and networks that learn or do not."""

import inspect
from functools import cache

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.examples.lecture2 import activations
from scalargrad.examples.lecture2.activations import (
    FUNCTIONS,
    T,
    X,
    beyond_100,
    build,
    learn,
    share_with_slope,
    step,
)


@cache
def result() -> activations.Result:
    return computed("activations")


# --- slopes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("tanh", 0.828),
        ("sigmoid", 1.0),
        ("relu", 0.4995),
        ("identity", 1.0),
        ("max(0, z - 100)", 0.0),
        ("step", 0.0),
    ],
)
def test_share_of_the_grid_with_a_slope(name: str, share: float) -> None:
    """S4.19: 1001 points from -5 to 5; |g'| > 0.001."""
    assert share_with_slope(FUNCTIONS[name]) == pytest.approx(share, abs=5e-4 if share < 1 else 0)


def test_the_shares_are_counts_on_the_grid() -> None:
    """S4.19: 829 points of tanh, and 500 of relu, for z = 0 itself has none."""
    assert share_with_slope(sg.tanh) * 1001 == pytest.approx(829)
    assert share_with_slope(sg.relu) * 1001 == pytest.approx(500)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("tanh", 1.0),
        ("sigmoid", 1.0),
        ("relu", 0.4995),
        ("identity", 1.0),
        ("max(0, z - 100)", 0.0),
        ("step", 0.0),
        ("sin(20 z)", 0.5),
    ],
)
def test_where_the_slope_is_informative(name: str, share: float) -> None:
    """S4.19: the third criterion: the slope tells increase from decrease."""
    assert result().informative[name] == pytest.approx(share, abs=1e-2 if share == 0.5 else 5e-4)


def test_a_slope_everywhere_is_not_enough() -> None:
    """S4.19: sin(20 z) meets the first two criteria and not the third; no start is solved."""
    trainings = result().trainings["sin(20 z)"]

    assert result().shares["sin(20 z)"] == 1.0
    assert not any(t.solved for t in trainings)
    assert all(t.moved == t.hidden for t in trainings)


def test_the_criteria_are_the_lectures_and_not_linear_is_ours() -> None:
    """S4.19: three criteria in this order; the fourth is said to be ours, and comes last."""
    text = inspect.getdoc(activations) or ""
    places = [
        text.index(part)
        for part in ("First, its gradient is defined almost everywhere",
                     "Second, there is a significant portion of the input domain",
                     "Third, the gradient is informative",
                     "further criterion is ours and not the lecture's: g is not linear")
    ]  # fmt: skip

    assert places == sorted(places)


def test_beyond_100_has_a_slope_where_no_z_comes() -> None:
    assert sg.grad(beyond_100)(101.0) == 1.0
    assert sg.grad(beyond_100)(99.0) == 0.0


@pytest.mark.parametrize(("g", "kink"), [(sg.relu, 0.0), (beyond_100, 100.0), (step, 0.0)])
def test_the_derivative_at_a_kink_or_jump_is_0(g: object, kink: float) -> None:
    """S4.19: there is none, and the engine takes 0."""
    assert callable(g)
    value, slope = sg.value_and_grad(g)(kink)

    assert (value, slope) == (0.0, 0.0)


def test_the_step_is_1_above_0() -> None:
    assert [step(z) for z in (-2.0, -1e-300, 0.0, 1e-300, 2.0)] == [0.0, 0.0, 0.0, 1.0, 1.0]


# --- learning -------------------------------------------------------------------------------


@pytest.mark.unmeasured
def test_good_ones_learn() -> None:
    """S4.19: tanh and sigmoid from every start, relu from most."""
    solved = {name: sum(t.solved for t in ts) for name, ts in result().trainings.items()}

    assert solved["tanh"] == solved["sigmoid"] == 10
    assert solved["relu"] > 5


def test_bad_ones_do_not_train_what_lies_below_them() -> None:
    """S4.19: δ is 0 below max(0, z - 100) and below the step: not one bit of a weight changes."""
    for name in ("max(0, z - 100)", "step"):
        for training in result().trainings[name]:
            assert training.first_gradient == 0.0
            assert training.moved == 0
    for name in ("tanh", "sigmoid", "identity"):
        assert all(t.moved == t.hidden == 9 for t in result().trainings[name])


def test_beyond_100_answers_the_same_for_every_point() -> None:
    """S4.19: nothing is solved, and E is that of answering 0."""
    for training in result().trainings["max(0, z - 100)"]:
        assert len(set(training.outputs)) == 1
        assert training.errors[-1] == pytest.approx(0.5, abs=1e-9)


def test_a_step_solves_it_only_where_its_units_happen_to_stand_well() -> None:
    """S4.19: the output's weights do learn, on hidden units that stay as they were drawn."""
    solved = [t.solved for t in result().trainings["step"]]

    assert sum(solved) == 3
    seed = solved.index(True)
    before, after = build(step, seed), learn(step, seed)
    with sg.no_grad():
        features = {tuple(h.data for h in before.layers[0](x)) for x in X}
    assert len(features) == 4  # it tells the points apart from the first
    assert after.moved == 0
    more = [learn(step, s, hidden=5).solved for s in range(10)]  # as the text tells to look for
    assert sum(more) == 9


def test_the_identity_trains_but_stays_linear() -> None:
    """S4.19: its slope is 1 everywhere, and E ends at that of the best line, 0.5."""
    for training in result().trainings["identity"]:
        assert training.first_gradient > 0.0
        assert training.errors[-1] == pytest.approx(0.5, abs=1e-6)
    model = build(FUNCTIONS["identity"])
    assert sg.hessian(lambda x: model(x))([0.3, -0.2]) == [[0.0, 0.0], [0.0, 0.0]]
    # the least squares of a line on the corners of a square: w = 0, b = 0
    slopes = sg.grad(lambda w: losses.squared_error([sg.dot(w[:2], x, bias=w[2]) for x in X], T))
    assert slopes([0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]
    assert losses.squared_error([0.0] * 4, T, "half_mean") == 0.5


def test_relu_fails_where_one_of_its_units_is_dead() -> None:
    """S4.19: at 0 for all four points it has no slope left, and two units are too few."""
    for seed, training in enumerate(result().trainings["relu"]):
        model = build(sg.relu, seed)
        half_mean = lambda y, t: losses.squared_error(y, t, "half_mean")
        sg.fit(model, X, T, half_mean, optim.SGD(model.parameters(), 0.3), 500, backend="eager")
        outputs = zip(*[[a.data for a in model.layers[0](x)] for x in X], strict=True)

        assert any(set(unit) == {0.0} for unit in outputs) is not training.solved


def test_all_start_from_the_same_weights() -> None:
    first = [[p.data for p in build(g, seed=4).parameters()] for g in FUNCTIONS.values()]

    assert all(weights == first[0] for weights in first)
    assert first[0] != [p.data for p in build(sg.tanh, seed=5).parameters()]


def test_the_library_has_the_good_ones_by_name() -> None:
    """S4.19: tanh, sigmoid, relu by name, and None for the identity."""
    for name in ("tanh", "sigmoid", "relu"):
        layer, own = nn.Layer(2, 3, name), nn.Layer(2, 3, FUNCTIONS[name])
        own.load_state_dict(layer.state_dict())

        assert [a.data for a in layer([0.3, -0.8])] == [a.data for a in own([0.3, -0.8])]
    linear = nn.Neuron(2, None)
    assert linear([2.0, 3.0]).data == linear.w[0].data * 2.0 + linear.w[1].data * 3.0


def test_the_report_tells_the_shares_and_what_is_solved() -> None:
    text = activations.report(result())

    assert "0.8282" in text
    assert "0.4995" in text
    assert "0 of 9" in text
