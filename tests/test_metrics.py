"""r2_score: the proportion of variance explained."""

import random
from fractions import Fraction
from statistics import pvariance

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.metrics import r2_score


def test_a_perfect_answer_the_mean_and_worse() -> None:
    targets = [1.0, 2.0, 6.0]

    assert r2_score(targets, targets) == 1.0
    assert r2_score(targets, [3.0, 3.0, 3.0]) == 0.0
    assert r2_score(targets, [6.0, 2.0, 1.0]) == 1.0 - 50.0 / 14.0


def test_the_targets_come_first_as_in_scikit_learn() -> None:
    # the example of scikit-learn's own documentation, to its printed digits
    assert r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]) == pytest.approx(0.9486081370449679)
    assert r2_score(targets=[1.0, 3.0], outputs=[1.0, 2.0]) == 0.5
    assert r2_score([1.0, 2.0], [1.0, 3.0]) == -1.0


def test_it_does_not_depend_on_the_unit_of_the_targets() -> None:
    rng = random.Random(1)
    targets = [rng.gauss(0, 1) for _ in range(20)]
    outputs = [t + rng.gauss(0, 0.3) for t in targets]
    scaled = r2_score([40 + 1000 * t for t in targets], [40 + 1000 * y for y in outputs])

    assert r2_score(targets, outputs) == pytest.approx(scaled, rel=1e-12)


def test_for_a_fitted_line_it_is_the_ratio_of_the_variances() -> None:
    xs, targets = [0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 3.0, 2.0]
    line = [0.6 + 0.6 * x for x in xs]  # least squares, by hand

    assert r2_score(targets, line) == pytest.approx(pvariance(line) / pvariance(targets))


def test_any_numbers_and_any_iterable() -> None:
    assert r2_score(range(3), (y for y in (Fraction(1), 2, True))) == 1.0 - 3.0 / 2.0


def test_with_values_it_can_be_differentiated() -> None:
    outputs, targets = [0.5, 1.5, 4.0], [1.0, 2.0, 6.0]
    ys = [Value(y) for y in outputs]
    score = r2_score(targets, ys)
    score.backward()

    assert score.data == r2_score(targets, outputs)
    for y, t in zip(ys, targets, strict=True):
        assert y.grad == pytest.approx(-2.0 * (y.data - t) / 14.0)
    sg.check_grads(lambda ts: r2_score(ts, outputs), (targets,))


def test_targets_without_variance_are_named() -> None:
    with pytest.raises(ValueError, match=r"all 3 targets are equal to 0\.1"):
        r2_score([0.1, 0.1, 0.1], [0.0, 0.1, 0.2])
    with pytest.raises(ValueError, match="no variance"):
        r2_score([2.0], [Value(1.0)])
    with pytest.raises(ValueError, match="no variance"):
        r2_score([1e-200, 2e-200], [0.0, 0.0])  # their squares are below the smallest float


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="2 targets for 3 outputs"):
        r2_score([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="got none"):
        r2_score([], [])
    with pytest.raises(TypeError, match="output 0 must be a number or a Value, got list"):
        r2_score([1.0, 2.0], [[1.0], [2.0]])
    with pytest.raises(TypeError, match="target 1 must be a number or a Value, got str"):
        r2_score([1.0, "2"], [1.0, 2.0])
    with pytest.raises(TypeError, match="r2_score"):
        r2_score([1.0], 1.0)  # type: ignore[arg-type]


def test_small_whole_numbers_of_numpy_do_not_overflow() -> None:
    outputs = np.array([1, 2, 200], dtype=np.uint8)
    targets = np.array([2, 1, 250], dtype=np.uint8)

    assert r2_score(targets, outputs) == r2_score([2, 1, 250], [1, 2, 200])
    assert r2_score(np.array([True, False]), np.array([True, False])) == 1.0
