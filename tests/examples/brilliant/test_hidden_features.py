"""Hidden units that become detectors of edges."""

import random

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import nn
from scalargrad.examples.brilliant import hidden_features
from scalargrad.examples.brilliant.hidden_features import SIDE, X, Y, build, run, stereotype


@pytest.fixture(scope="module")
def result() -> hidden_features.HiddenFeatures:
    return computed("hidden_features")


def columns(picture: list[float]) -> list[list[float]]:
    return [picture[k::SIDE] for k in range(SIDE)]


def test_each_pixel_is_lit_in_one_vertical_and_in_one_horizontal_bar() -> None:
    """S3.2: so both kinds add up to the same picture, and no weighted sum tells them apart."""
    vertical, horizontal = X[:SIDE], X[SIDE:]

    assert all(sum(x) == SIDE for x in X)
    assert [sum(pixel) for pixel in zip(*vertical, strict=True)] == [1.0] * SIDE**2
    assert [sum(pixel) for pixel in zip(*horizontal, strict=True)] == [1.0] * SIDE**2
    assert Y == [1.0] * SIDE + [0.0] * SIDE


@pytest.mark.unmeasured
def test_without_hidden_units_nothing_is_learnt() -> None:
    """S3.2: the best is to answer 0.5 to every picture, and E = 1/8."""
    found = run(hidden_units=0)

    assert found.outputs == pytest.approx([0.5] * 8, abs=1e-4)
    assert found.history.losses[-1] == pytest.approx(0.125, abs=1e-6)
    assert found.weights == []


@pytest.mark.unmeasured
def test_one_hidden_unit_is_too_few() -> None:
    """What the text tells to look for: E stays above 0.05."""
    assert min(run(hidden_units=1, seed=seed).history.losses[-1] for seed in (1, 2)) > 0.05


def test_two_hidden_units_learn_all_bars(result: hidden_features.HiddenFeatures) -> None:
    """S3.2."""
    assert result.outputs == pytest.approx(Y, abs=0.01)
    assert result.history.losses[-1] < 1e-5


def test_features_are_edges_one_side_lit_and_the_other_dark(
    result: hidden_features.HiddenFeatures,
) -> None:
    """S3.2: unit 1 likes the right side, unit 2 the left one; neither picture is in the data."""
    left = [1.0, 1.0, 0.0, 0.0] * SIDE
    right = [0.0, 0.0, 1.0, 1.0] * SIDE

    assert result.features == [right, left]
    assert left not in X
    assert right not in X


def test_weights_are_stripes(result: hidden_features.HiddenFeatures) -> None:
    """S3.2: within a column they are alike, between the sides they differ by far."""
    for weights in result.weights:
        sides = [min(column) for column in columns(weights)]
        within = max(max(column) - min(column) for column in columns(weights))

        assert within < 0.2
        assert max(sides) - min(sides) > 1.2


def test_a_feature_makes_the_output_nearly_1(result: hidden_features.HiddenFeatures) -> None:
    """S3.2: the stereotypical input; no picture of the data does as much, nor one at random."""
    draw = random.Random(0)
    for unit, at_feature in zip(result.model.layers[0].neurons, result.at_feature, strict=True):
        others = [*X, *([draw.random() for _ in range(SIDE**2)] for _ in range(200))]

        assert at_feature > 0.9
        assert max(unit(x).data for x in others) < 0.8


def test_vertical_bars_activate_one_unit_and_horizontal_bars_none(
    result: hidden_features.HiddenFeatures,
) -> None:
    """S3.2."""
    for d, y in enumerate(Y):
        low, high = sorted(row[d] for row in result.activity)

        assert (high > 0.7) == (y == 1.0)
        assert low < 0.2
    for j in (0, 1):
        assert Y[result.favourite(j)] == 1.0


def test_a_stereotype_has_the_signs_of_the_weights() -> None:
    """S3.2: found by the gradient by the pixels; the unit's own gradients are left at 0."""
    draw = random.Random(3)
    unit = nn.Neuron(16, "tanh")
    for w in unit.w:
        w.data = draw.uniform(-1.0, 1.0)
    picture = stereotype(unit)

    assert picture == [float(w.data > 0.0) for w in unit.w]
    assert {p.grad for p in unit.parameters()} == {0.0}
    for k in range(16):  # turning any one pixel makes the output smaller
        turned = [1.0 - x if i == k else x for i, x in enumerate(picture)]
        assert unit(turned).data < unit(picture).data


def test_layers_are_fully_connected() -> None:
    """S3.3: 16·2 + 2·1 weights and 3 biases; every hidden unit reads every pixel, and no unit."""
    model = build()
    pixels = [sg.Value(x) for x in X[0]]
    hidden = model.layers[0](pixels)

    assert len(model.parameters()) == 16 * 2 + 2 * 1 + 3
    for o in hidden:
        (z,) = o.parents
        assert [p for p in z.parents if p in pixels] == pixels
        assert not any(other in z.parents for other in hidden)


def test_the_text_shows_weights_and_features(result: hidden_features.HiddenFeatures) -> None:
    text = hidden_features.report(result)

    assert ". . # #" in text
    assert "# # . ." in text
    assert "o1" not in hidden_features.report(run(hidden_units=0, epochs=3))


def test_a_negative_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="hidden_units must be 0 or more, got -1"):
        build(-1)
