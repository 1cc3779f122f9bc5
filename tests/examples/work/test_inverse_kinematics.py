"""The arm: it reaches, it moves least, and its speeds are derivatives."""

import math
from itertools import pairwise

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from computed import computed

import scalargrad as sg
from scalargrad.examples.work.inverse_kinematics import (
    BARS,
    PLAY,
    REST,
    build,
    heart,
    joint_speeds,
    joints,
    posture,
)

TARGET = (1.5, 0.5)


def jacobian(angles: list[float]) -> np.ndarray:
    """By hand: a turn of joint k moves the hand at a right angle to its line from there."""
    *before, (x, y) = joints(angles)
    return np.array([[-(y - b), x - a] for a, b in before]).T


def test_the_hand_is_on_the_heart() -> None:
    result = computed("inverse_kinematics")

    assert max(result.errors) < 1e-12
    assert result.targets == heart(len(result.targets) - 1)
    for angles, target in zip(result.angles, result.targets, strict=True):
        assert build(angles) == pytest.approx(target, abs=1e-12)


def test_bars_keep_their_lengths() -> None:
    for angles in computed("inverse_kinematics").angles:
        places = joints(angles)
        assert [math.dist(a, b) for a, b in pairwise(places)] == pytest.approx(BARS, rel=1e-13)


def test_it_moves_least() -> None:
    """What it moves is across all motions that leave the hand in place."""
    angles = posture(REST, TARGET)
    moved = np.subtract(angles, REST)
    free = np.linalg.svd(jacobian(angles))[2][2:]  # motions of the joints that do not move the hand

    assert np.abs(free @ moved).max() < 1e-12
    for way in (*free, *-free):
        near = posture((np.array(angles) + 0.01 * way).tolist(), TARGET)  # another way to reach it
        assert np.linalg.norm(np.subtract(near, REST)) > np.linalg.norm(moved)


def test_speeds_from_rest_are_those_of_the_pseudo_inverse() -> None:
    """At a posture that is in place, the derivative by the target is the pseudo-inverse's."""
    angles = posture(REST, TARGET)
    speeds = joint_speeds(angles, TARGET)

    assert np.allclose(speeds, np.linalg.pinv(jacobian(angles)), rtol=1e-9, atol=1e-12)


def test_derivatives_far_from_rest_against_differences() -> None:
    h, speeds = 1e-5, joint_speeds(REST, TARGET)
    for axis in (0, 1):
        ends = [posture(REST, [t + d * (k == axis) for k, t in enumerate(TARGET)]) for d in (h, -h)]
        numeric = [(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]
        assert [row[axis] for row in speeds] == pytest.approx(numeric, rel=1e-6)


def test_it_comes_back_in_another_posture() -> None:
    result = computed("inverse_kinematics")
    first, last = result.angles[0], result.angles[-1]

    assert build(first) == pytest.approx(build(last), abs=1e-12)
    assert max(abs(a - b) for a, b in zip(first, last, strict=True)) > math.radians(1.0)


def test_errors_of_the_joints_at_the_pen() -> None:
    result = computed("inverse_kinematics")
    low = min(range(len(result.targets)), key=lambda k: result.targets[k][1])
    slopes = jacobian(result.angles[low])
    stds = PLAY * np.sqrt((slopes**2).sum(axis=1))

    assert (result.play.std["x"], result.play.std["y"]) == pytest.approx(tuple(stds), rel=1e-12)


def test_a_target_out_of_reach() -> None:
    with pytest.raises(ValueError, match="did not converge"):
        posture(REST, (sum(BARS) + 0.5, 0.0))


def test_the_posture_depends_on_values() -> None:
    x, y = sg.Value(TARGET[0]), sg.Value(TARGET[1])
    reached = build(posture(REST, (x, y)))
    reached[0].backward()

    assert (x.grad, y.grad) == pytest.approx((1.0, 0.0), abs=1e-12)  # the hand follows the target
