"""The memory model: its formulas, and that the fit recovers its parameters."""

import math
import random
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from computed import computed
from scipy.stats import chi2

import scalargrad as sg
from scalargrad.examples.work.spaced_repetition import (
    AGAIN,
    EASY,
    GOOD,
    HARD,
    START,
    TRUE,
    build,
    generate,
    grades,
    predictions,
    recall,
    review,
)


def test_stability_is_when_nine_of_ten_are_remembered() -> None:
    for S in (0.3, 4.0, 90.0):
        assert recall(S, S, TRUE) == pytest.approx(0.9, rel=1e-14)
        assert recall(0.0, S, TRUE) == 1.0
        assert recall(2.0 * S, S, TRUE) < 0.9


def test_grades_are_a_distribution() -> None:
    for R in (0.01, 0.5, 0.9, 0.999):
        for D in (-2.0, 0.0, 3.0):
            again, hard, good, easy = (math.exp(x) for x in grades(R, D, TRUE))
            assert again == pytest.approx(1.0 - R, rel=1e-12)
            assert again + hard + good + easy == pytest.approx(1.0, rel=1e-13)
            assert min(hard, good, easy) > 0.0


def test_a_review_does_what_the_text_says() -> None:
    S, D, R = 8.0, 0.2, 0.85
    after = {grade: review(S, D, R, grade, TRUE) for grade in (AGAIN, HARD, GOOD, EASY)}

    assert after[AGAIN][0] < S < after[HARD][0] < after[GOOD][0] < after[EASY][0]
    assert after[AGAIN][1] > after[HARD][1] > after[GOOD][1] > after[EASY][1]
    assert review(S, D, 0.7, GOOD, TRUE)[0] > after[GOOD][0]  # the later, the better
    assert review(S, D + 0.5, R, GOOD, TRUE)[0] < after[GOOD][0]
    assert review(S, D, R, GOOD, TRUE)[1] == pytest.approx(0.9 * D, rel=1e-14)


def test_the_recorded_model_is_the_eager_one() -> None:
    marks, gaps = generate(30)
    recorded = sg.compile(lambda marks, gaps: build(TRUE, marks, gaps))(marks, gaps)

    assert recorded.tolist() == pytest.approx(
        [build(TRUE, *card) for card in zip(marks, gaps, strict=True)], rel=1e-12
    )


def test_derivatives_of_a_card() -> None:
    marks, gaps = generate(5)
    for card in zip(marks, gaps, strict=True):
        sg.check_grads(lambda θ, card=card: build(θ, *card), (START,))


def test_generated_reviews_follow_the_model() -> None:
    """Observed successes against the probabilities of the true parameters."""
    pairs = predictions(TRUE, computed("spaced_repetition"))
    expected = math.fsum(R for R, _ in pairs)
    spread = math.sqrt(math.fsum(R * (1.0 - R) for R, _ in pairs))

    assert abs(math.fsum(success for _, success in pairs) - expected) < 3.0 * spread


def test_the_fit_recovers_the_parameters_within_its_errors() -> None:
    result = computed("spaced_repetition")

    assert result.fit.success
    assert max(map(abs, result.errors.values())) < 3.5
    assert sum(abs(z) < 1.0 for z in result.errors.values()) >= 10
    assert chi2.ppf(0.001, 21) < result.distance < chi2.ppf(0.999, 21)


def test_it_is_the_minimum() -> None:
    """The slopes vanish there, and any other parameters are less likely, the true ones too."""
    result = computed("spaced_repetition")
    fit, count = result.fit, len(result.gaps)
    assert np.abs(fit.jac).max() < 1e-6 * fit.fun

    def total(θ: dict[str, Any]) -> float:
        return count * float(
            np.mean(
                sg.compile(lambda marks, gaps: build(θ, marks, gaps))(result.marks, result.gaps)
            )
        )

    assert fit.fun == pytest.approx(total(fit.x), rel=1e-10)
    assert fit.fun < total(TRUE)


def test_it_predicts_what_is_observed() -> None:
    """In each twelfth of the reviews, the share remembered is within four deviations."""
    result = computed("spaced_repetition")
    pairs = sorted(predictions(result.fit.x, result))
    size = len(pairs) // 12
    for k in range(0, size * 12, size):
        part = pairs[k : k + size]
        off = math.fsum(success - R for R, success in part)
        spread = math.sqrt(math.fsum(R * (1.0 - R) for R, _ in part))
        assert abs(off) < 4.0 * spread


def test_the_state_of_random_is_not_touched() -> None:
    random.seed(1)
    before = random.getstate()
    generate(2)

    assert random.getstate() == before
