"""Fitting: polynomials of five degrees, early stopping, and weight decay, with their numbers."""

from itertools import pairwise
from statistics import pvariance

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses, metrics, optim
from scalargrad.examples.stone import fitting

CASE = lecture("S0.overfitting")
EXPECTED = CASE["expected"]
STOPPING = EXPECTED["early_stopping"]
close = close_to(CASE)


@pytest.fixture(scope="module")
def long() -> fitting.Course:
    return fitting.descend(3000)


def test_its_data_are_those_of_the_case() -> None:
    inputs = CASE["inputs"]

    assert inputs["x_train"] == fitting.X
    assert inputs["y_train"] == fitting.Y
    assert inputs["x_val"] == fitting.X_VALIDATION
    assert inputs["y_val"] == fitting.Y_VALIDATION
    assert inputs["degrees"] == list(fitting.DEGREES)
    assert inputs["early_stopping"]["eps"] == fitting.RATE


@pytest.mark.parametrize("degree", fitting.DEGREES)
def test_the_fit_of_each_degree(degree: int) -> None:
    """S0.28: coefficients, errors, and R² on the fitted and on the validation data."""
    want = EXPECTED["fits"][str(degree)]
    fit = fitting.least_squares(degree)

    assert len(fit.coefficients) == degree + 1
    assert close(fit.coefficients, want["coefficients_low_to_high"])
    assert close(fit.r2, want["R2_train"])
    assert close(fit.r2_validation, want["R2_validation"])
    assert close(fit.E, want["E_train_half_sum_sq"])
    assert close(fit.E_validation, want["E_validation_half_sum_sq"])
    outputs = [fit(x) for x in fitting.X]
    # on the fitted data it is the proportion of the variance that is explained
    assert close(pvariance(outputs) / pvariance(fitting.Y), want["explained_variance_ratio_train"])


def test_r2_rises_on_the_fitted_data_and_falls_again_on_the_others() -> None:
    """S0.28: underfitting, Goldilocks, overfitting."""
    fits = [fitting.least_squares(degree) for degree in fitting.DEGREES]
    fitted = [fit.r2 for fit in fits]
    validation = [fit.r2_validation for fit in fits]

    assert fitted == sorted(fitted)
    assert validation.index(max(validation)) == fitting.DEGREES.index(3)
    assert validation[-1] < 0.0


def test_underfitting_goldilocks_fitting_and_overfitting() -> None:
    """S0.28: by these words: bad on both sets; good on both; perfect on one, bad on the other."""
    under, goldilocks, over = (fitting.least_squares(degree) for degree in fitting.NAMES)

    assert list(fitting.NAMES.values()) == ["underfitting", "Goldilocks fitting", "overfitting"]
    assert max(under.r2, under.r2_validation) < min(goldilocks.r2, goldilocks.r2_validation)
    assert over.r2 > goldilocks.r2
    assert over.r2_validation < under.r2_validation  # it does not generalise


def test_chebyshevs_polynomials_and_powers_are_the_same_polynomial() -> None:
    w = [0.3, -1.0, 2.0, 0.5, 0.25]
    coefficients = fitting.powers(w)

    for x in (-0.9, 0.0, 0.4, 1.0):
        in_powers = sum(c * x**k for k, c in enumerate(coefficients))
        assert fitting.build(w, x) == pytest.approx(in_powers, rel=1e-13)
    assert fitting.powers([0.0, 0.0, 0.0, 0.0, 1.0]) == [1.0, 0.0, -8.0, 0.0, 8.0]


def test_one_newton_step_is_at_the_lowest_place() -> None:
    fit = fitting.least_squares(5)
    slope = sg.grad(
        lambda w: losses.squared_error([fitting.build(w, x) for x in fitting.X], fitting.Y)
    )

    assert slope(fit.w) == pytest.approx([0.0] * 6, abs=1e-12)


@pytest.mark.unmeasured
def test_the_training_error_falls_while_the_validation_error_rises(long: fitting.Course) -> None:
    """S0.29: from update 41 on, at every single update."""
    training, validation = long.errors[long.best :], long.validation[long.best :]

    assert long.best == 41
    assert all(after < before for before, after in pairwise(training))
    assert all(after > before for before, after in pairwise(validation))
    assert training[-1] / training[0] == pytest.approx(0.82, abs=0.005)
    assert validation[-1] / validation[0] == pytest.approx(1.19, abs=0.005)


@pytest.mark.unmeasured
def test_the_two_errors_of_descent(long: fitting.Course) -> None:
    """S0.29: 3000 updates; the error on the fitted data only falls, the other turns at 41."""
    for k, want in STOPPING["E_train"].items():
        assert close(long.errors[int(k)], want)
    for k, want in STOPPING["E_validation"].items():
        assert close(long.validation[int(k)], want)
    assert len(long.errors) == len(long.validation) == 3001
    assert long.errors == sorted(long.errors, reverse=True)
    assert long.best == STOPPING["argmin_validation_iteration"]
    assert close(long.validation[long.best], STOPPING["min_validation"])
    assert close(long.errors[long.best], STOPPING["E_train_at_best"])
    assert close(long.validation[-1], STOPPING["E_validation_final"])


@pytest.mark.parametrize("patience", [1, 50])
def test_where_early_stopping_stops_and_what_it_keeps(patience: int, long: fitting.Course) -> None:
    """S0.29: patience 1 stops at 42, patience 50 at 91; both keep the weights of 41."""
    course = fitting.descend(3000, patience)
    outputs = [fitting.build(course.w, x) for x in fitting.X_VALIDATION]

    assert [course.stop, course.best] == STOPPING[f"patience_{patience}_stop_and_best"]
    assert losses.squared_error(outputs, fitting.Y_VALIDATION) == pytest.approx(
        long.validation[41], rel=1e-12
    )
    assert course.validation == pytest.approx(long.validation[: course.stop + 1], rel=1e-12)


def test_patience_one_is_brittle() -> None:
    """S0.29: "stops decreasing" is patience 1.

    At a rate of 0.15 the error wobbles, and training stops at the first rise, before the minimum
    that patience 2 finds.
    """
    hasty, patient = (fitting.descend(3000, patience, lr=0.15) for patience in (1, 2))

    assert (hasty.stop, hasty.best) == (8, 7)
    assert patient.best == 9
    assert patient.validation[9] < hasty.validation[7]


def test_weight_decay_is_another_way() -> None:
    """S0.30: a little decay makes degree 9 nearly as good as degree 3, too much makes it flat."""
    scores = {decay: fitting.least_squares(9, decay).r2_validation for decay in fitting.DECAYS}

    assert scores[0.0] < 0.0
    assert scores[0.03] > 0.87
    assert scores[10.0] < 0.5
    assert max(scores, key=scores.__getitem__) == 0.03


@pytest.mark.unmeasured
def test_descent_with_weight_decay_ends_where_newton_is_at_once() -> None:
    """S0.30: the optimiser's weight decay is λ/2 Σ w² in the error."""
    course = fitting.descend(1500, decay=0.3)

    assert course.w == pytest.approx(fitting.least_squares(9, 0.3).w, abs=1e-9)


def test_one_step_of_weight_decay_by_hand() -> None:
    """S0.30: Δw = -ε (g + λ w), the gradient of E + λ/2 w²."""
    w, other = Value(0.5), Value(0.5)
    ((w - 2.0) ** 2).backward()
    optim.SGD([w], lr=0.1, weight_decay=0.3).step()
    ((other - 2.0) ** 2 + 0.15 * losses.l2([other])).backward()
    optim.SGD([other], lr=0.1).step()

    assert w.data == pytest.approx(0.5 - 0.1 * (-3.0 + 0.3 * 0.5), rel=1e-15)
    assert other.data == pytest.approx(w.data, rel=1e-15)


def test_what_cannot_be_fitted_is_named() -> None:
    with pytest.raises(ValueError, match="at least 0, got -1"):
        fitting.least_squares(-1)
    with pytest.raises(ValueError, match="10 points fix no more than 10 weights"):
        fitting.least_squares(10)
    assert metrics.r2_score(fitting.Y, [fitting.least_squares(10, 0.1)(x) for x in fitting.X]) > 0.9
