"""Learning rates, hidden units, iterations."""

import math
from importlib.util import find_spec

import pytest
from computed import computed
from lectures import close_to, lecture

from scalargrad.examples.brilliant import hyperparameters, six_samples

CASE = lecture("S3.hyperparameters")
EXPECTED = CASE["expected"]
close = close_to(CASE)
needs_numba = pytest.mark.skipif(not find_spec("numba"), reason="replay needs numba to be fast")


@pytest.fixture(scope="module")
def result() -> hyperparameters.Hyperparameters:
    if not find_spec("numba"):
        pytest.skip("120,000 updates take half a minute without numba")
    return computed("hyperparameters")


def test_the_settings_are_the_cases() -> None:
    assert [float(a) for a in EXPECTED["E_by_alpha_at_10000_its"]] == [*hyperparameters.ALPHAS]
    assert [int(h) for h in EXPECTED["E_by_num_hidden_then_iterations"]] == [
        *hyperparameters.HIDDEN_UNITS
    ]


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
def test_the_generator_is_numpys(seed: int) -> None:
    """The legacy generator, for 700 numbers: more than one block of its state."""
    np = pytest.importorskip("numpy")
    draw = hyperparameters.legacy_random(seed)

    assert [draw() for _ in range(700)] == np.random.RandomState(seed).random_sample(700).tolist()


def test_the_generator_gives_the_lectures_weights() -> None:
    model = hyperparameters.build(3)

    assert six_samples.matrices(model) == (six_samples.HIDDEN, six_samples.OUTPUT)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=f"seed must be from 0 to 2.*got {seed}"):
        hyperparameters.legacy_random(seed)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_e_by_hidden_units_and_iterations(result: hyperparameters.Hyperparameters, n: int) -> None:
    """S3.20."""
    for iterations, want in EXPECTED["E_by_num_hidden_then_iterations"][str(n)].items():
        assert close(result.by_hidden_units[n].E[int(iterations)], want)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_e_after_a_hundred_updates(n: int) -> None:
    """S3.20: short enough to run without numba too."""
    want = EXPECTED["E_by_num_hidden_then_iterations"][str(n)]["100"]

    assert close(hyperparameters.train(n, iterations=[100]).E[100], want)


def test_the_smallest_errors_are_right_in_more_than_the_tolerance(
    result: hyperparameters.Hyperparameters,
) -> None:
    """An absolute tolerance of 1e-6 would let any E of 5 or 10 hidden units pass."""
    for n in (3, 5, 10):
        want = EXPECTED["E_by_num_hidden_then_iterations"][str(n)]["10000"]

        assert result.by_hidden_units[n].E[10_000] == pytest.approx(want, rel=0.01)


@pytest.mark.parametrize("alpha", [0.0001, 0.001, 0.01, 0.1, 0.5, 1.0])
def test_e_by_learning_rate(result: hyperparameters.Hyperparameters, alpha: float) -> None:
    """S3.20."""
    want = EXPECTED["E_by_alpha_at_10000_its"][str(alpha)]
    got = result.by_lr[alpha].E[10_000]

    assert close(got, want)
    assert got < 1e-20 or alpha < 0.5  # there nothing but rounding is left


def test_too_large_a_rate_diverges(result: hyperparameters.Hyperparameters) -> None:
    """S3.20: at 2 E climbs to about 77, at 5 it leaves the range of floats, and the run ends."""
    two, five = result.by_lr[2.0], result.by_lr[5.0]

    assert two.E[10_000] == pytest.approx(EXPECTED["E_by_alpha_at_10000_its"]["2.0"], rel=0.1)
    assert not two.diverged
    assert EXPECTED["E_by_alpha_at_10000_its"]["5.0"] is None
    assert five.diverged
    assert math.isnan(five.E[10_000])
    assert len(five.errors) < 1000
    assert all(map(math.isfinite, five.errors[:-1]))


@needs_numba
def test_at_two_only_the_bias_of_the_output_is_left_to_swing() -> None:
    """The reason that the text gives: hidden units at 0, and b - mean(y) times 1 - α = -1."""
    outputs = []
    for updates in (5000, 5001):
        model = hyperparameters.build(3)
        weights = hyperparameters.train(3, 2.0, [updates]).weights
        for w, number in zip(model.parameters(), weights, strict=True):
            w.data = number
        outputs.append(model([0, 0, 1]).data)

        assert max(o.data for x in six_samples.X for o in model.layers[0](x)) < 0.01

    assert outputs[1] - 0.5 == pytest.approx(-(outputs[0] - 0.5), rel=0.01)


@pytest.mark.skipif(not find_spec("matplotlib"), reason="matplotlib is not installed")
def test_figures_end_at_1e_12_and_note_what_diverges(
    result: hyperparameters.Hyperparameters,
) -> None:
    pictures = hyperparameters.figures(result)

    for key in ("rates", "hidden_units", "last_errors"):
        (ax,) = pictures[key].axes  # type: ignore[attr-defined]
        drawn = [y for line in ax.lines for y in line.get_ydata()]
        assert min(drawn) == 1e-12
        assert ax.get_ylim()[0] == pytest.approx(3e-13)
    (text,) = pictures["last_errors"].axes[0].texts  # type: ignore[attr-defined]
    assert text.get_text() == "α = 5: infinite at\nupdate 256"


def test_more_hidden_units_are_better_in_general_and_not_always(
    result: hyperparameters.Hyperparameters,
) -> None:
    """S3.20: from 2 to 10 each is better; but 2 is not better than 1."""
    E = [result.by_hidden_units[n].E[10_000] for n in (1, 2, 3, 5, 10)]

    assert E[1:] == sorted(E[1:], reverse=True)
    assert E[1] > E[0]


def test_more_iterations_are_better_at_rates_that_are_not_too_large(
    result: hyperparameters.Hyperparameters,
) -> None:
    """S3.20."""
    for training in [*result.by_hidden_units.values(), *map(result.by_lr.get, (0.0001, 0.1))]:
        assert training is not None
        assert training.E[100] > training.E[1000] > training.E[10_000]


@pytest.mark.unmeasured
@needs_numba
def test_another_seed_ranks_the_hidden_units_otherwise() -> None:
    """What the text tells to look for."""
    E = {n: hyperparameters.train(n, seed=2).E[10_000] for n in (1, 2, 3, 5)}

    assert E[2] < 0.1 * E[1]
    assert E[5] > E[3]
