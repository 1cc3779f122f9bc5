"""The two classifiers with a straight boundary: rules, exactness, and what they refuse."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from scalargrad import Value
from scalargrad.classifiers import NearestMean, Perceptron

X = [[2, 1], [1, 3], [3, 3], [-1, -1], [0, -2], [-2, 1]]
Y = [1, 1, 1, -1, -1, -1]

# --- perceptron -----------------------------------------------------------------------------


def test_the_score_is_w_x_plus_b_and_the_class_its_sign() -> None:
    p = Perceptron(2, w=[2.0, -1.0], b=0.5)

    assert p.decision([1, 3]) == p([1, 3]) == -0.5
    assert [p.predict(x) for x in ([1, 3], [2, 1], [0.25, 1.0])] == [-1, 1, 0]


def test_only_a_wrong_point_moves_the_boundary() -> None:
    p = Perceptron(2, lr=0.5, w=[1.0, 0.0])
    course = p.fit([[1, 1], [2, -1]], [1, -1], epochs=1)

    assert [(u.index, u.w, u.b) for u in course.updates] == [(1, (0.0, 0.5), -0.5)]
    assert (p.w, p.b) == ([0.0, 0.5], -0.5)


def test_it_ends_with_the_first_pass_that_finds_nothing_wrong() -> None:
    p = Perceptron(2)
    course = p.fit(X, Y)
    again = p.fit(X, Y)

    assert course.converged
    assert p.errors(X, Y) == 0
    assert (again.updates, again.epochs, again.converged) == ([], 1, True)


def test_a_second_call_continues_the_first() -> None:
    once, twice = Perceptron(1, w=[-9.0]), Perceptron(1, w=[-9.0])
    whole = once.fit([[1], [-2]], [1, -1], epochs=4)
    parts = [twice.fit([[1], [-2]], [1, -1], epochs=2) for _ in range(2)]

    assert whole.updates == parts[0].updates + parts[1].updates
    assert not parts[0].converged


@pytest.mark.parametrize(
    ("sign0", "predicted", "wrong_of_plus", "wrong_of_minus"),
    [
        ("wrong", 0, True, True),
        (1, 1, False, True),
        (-1, -1, True, False),
        ("right", 0, False, False),
    ],
)
def test_what_a_score_of_zero_counts_as(
    sign0: str | int, predicted: int, wrong_of_plus: bool, wrong_of_minus: bool
) -> None:
    p = Perceptron(2, sign0=sign0)

    assert p.predict([5, 5]) == predicted
    assert p.is_wrong([5, 5], 1) is wrong_of_plus
    assert p.is_wrong([5, 5], -1) is wrong_of_minus


def test_fractions_stay_exact() -> None:
    p = Perceptron(2, Fraction(1, 10), [Fraction(-3, 10), Fraction(7, 10)], Fraction(11, 100))
    p.fit(X, Y)

    assert all(isinstance(number, Fraction) for number in [*p.w, p.b])
    q = Perceptron(1, Fraction(1, 10), b=Fraction(1, 10))
    q.fit([[2]], [1])
    q.fit([[1]], [-1], epochs=1)
    assert (q.w, q.b) == ([Fraction(-1, 10)], 0)


def test_a_float_rate_makes_floats_of_whole_numbers() -> None:
    p = Perceptron(2, w=[1, 2], b=3)

    assert [type(number) for number in [*p.w, p.b]] == [float] * 3


def test_arrays_are_taken_like_lists() -> None:
    by_list, by_array = Perceptron(2), Perceptron(2)
    course = by_list.fit(X, Y)

    assert by_array.fit(np.array(X), np.array(Y)) == course
    assert by_array.w == by_list.w


def test_repr_shows_the_boundary() -> None:
    assert repr(Perceptron(2)) == "Perceptron(w=[0.0, 0.0], b=0.0)"
    assert repr(NearestMean().fit([[1], [3]], [-1, 1])) == "NearestMean(w=[4.0], b=-8.0)"


# --- nearest mean ---------------------------------------------------------------------------


def test_the_score_is_the_difference_of_the_squared_distances() -> None:
    """S4.5: |x - μ2|² - |x - μ1|² = w·x + b with w = 2(μ1 - μ2), b = |μ2|² - |μ1|², exactly."""
    points = [[Fraction(a), Fraction(b, 3)] for a, b in X]
    c = NearestMean().fit(points, Y)
    mu1, mu2 = c.means

    assert c.w == [2 * (m1 - m2) for m1, m2 in zip(mu1, mu2, strict=True)]
    assert c.b == mu2[0] ** 2 + mu2[1] ** 2 - mu1[0] ** 2 - mu1[1] ** 2
    for x in [*points, [Fraction(7, 5), Fraction(-2)], [Fraction(0), Fraction(0)]]:
        first, second = c.squared_distances(x)
        assert first == (x[0] - mu1[0]) ** 2 + (x[1] - mu1[1]) ** 2
        assert c.decision(x) == c(x) == second - first
        assert c.predict(x) == (1 if first < second else -1)


def test_a_point_as_far_from_both_means_is_in_neither_class() -> None:
    """S4.5: the lecture assigns no class where the distances are equal; here it is 0."""
    c = NearestMean().fit([[0, 0], [0, 2], [4, 1]], [-1, -1, 1])

    assert c.means == ([4.0, 1.0], [0.0, 1.0])
    assert c.squared_distances([2, 7]) == (40.0, 40.0)
    assert c.predict([2, 7]) == 0
    assert [c.predict([2 + d, 7]) for d in (-0.001, 0.001)] == [-1, 1]
    assert c.errors([[2, 7]], [1]) == c.errors([[2, 7]], [-1]) == 1


def test_fitting_anew_forgets() -> None:
    c = NearestMean().fit(X, Y)

    assert c.fit([[1], [3]], [-1, 1]) is c
    assert c.means == ([3.0], [1.0])


# --- what does not fit ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"nin": 0}, ValueError, "nin must be at least 1, got 0"),
        ({"nin": 2, "lr": 0.0}, ValueError, "lr must be above 0, got 0.0"),
        ({"nin": 2, "lr": "1"}, TypeError, "lr must be a plain number, got str"),
        ({"nin": 2, "lr": float("nan")}, ValueError, "lr must be finite, got nan"),
        ({"nin": 2, "w": [1.0]}, ValueError, "w must have 2 numbers, got 1"),
        ({"nin": 1, "w": [Value(1.0)]}, TypeError, "plain number, got Value"),
        ({"nin": 2, "b": None}, TypeError, "b must be a plain number, got NoneType"),
        ({"nin": 2, "sign0": 0}, ValueError, "sign0 must be .* got 0"),
        ({"nin": 2, "sign0": True}, ValueError, "sign0 must be .* got True"),
    ],
)
def test_no_perceptron(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Perceptron(**arguments)


@pytest.mark.parametrize("make", [lambda: Perceptron(2), NearestMean])
@pytest.mark.parametrize(
    ("points", "targets", "error", "message"),
    [
        (3.0, [1], TypeError, "X must be a list or an array, got float"),
        (X, {1: 1}, TypeError, "Y must be a list or an array, got dict"),
        (X, [1], ValueError, "same length, got 6 and 1"),
        ([], [], ValueError, "X and Y are empty"),
        ([[1, 2], [3, 4]], [1, 0], ValueError, r"a class must be -1 or 1, got Y\[1\] = 0"),
        ([[1, 2], [3]], [1, -1], ValueError, r"X\[1\] must have 2 numbers, got 1"),
        ([1, 2], [1, -1], TypeError, r"X\[0\] must be a list of numbers, got int"),
        ([[1, "a"], [3, 4]], [1, -1], TypeError, "must be a plain number, got str"),
        ([[1, float("inf")], [3, 4]], [1, -1], ValueError, "must be finite, got inf"),
    ],
)
def test_no_data(
    make: Any, points: Any, targets: Any, error: type[Exception], message: str
) -> None:
    classifier = make()
    with pytest.raises(error, match=message):
        classifier.fit(points, targets)


def test_a_refused_fit_changes_nothing() -> None:
    p, c = Perceptron(2), NearestMean().fit(X, Y)
    before = (list(c.w), c.b)
    for classifier in (p, c):
        with pytest.raises(ValueError, match="a class must be"):
            classifier.fit([*X, [1, 1]], [*Y, 3])

    assert (p.w, p.b) == ([0.0, 0.0], 0.0)
    assert (c.w, c.b) == before


def test_one_class_alone_has_no_other_mean() -> None:
    with pytest.raises(ValueError, match="points of both classes, got 1 alone"):
        NearestMean().fit([[1, 2], [3, 4]], [1, 1])


def test_before_it_has_seen_points() -> None:
    with pytest.raises(ValueError, match=r"call fit\(X, Y\) first"):
        NearestMean().predict([1, 2])


def test_a_point_of_another_length() -> None:
    with pytest.raises(ValueError, match="must have 2 numbers, got 3"):
        Perceptron(2).predict([1, 2, 3])
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        Perceptron(2).fit(X, Y, epochs=0)


def test_small_whole_numbers_of_numpy_do_not_overflow() -> None:
    X = np.array([[200, 150], [220, 250], [0, 10], [3, 0]], dtype=np.uint8)
    Y = np.array([1, 1, -1, -1], dtype=np.int8)
    plain, theirs = NearestMean().fit(X.tolist(), Y.tolist()), NearestMean().fit(X, Y)

    assert (theirs.w, theirs.b, theirs.means) == (plain.w, plain.b, plain.means)
    assert theirs.squared_distances(X[0]) == plain.squared_distances([200, 150])
    assert repr(theirs) == repr(plain)


def test_nothing_is_counted_before_it_is_fitted() -> None:
    with pytest.raises(ValueError, match=r"has not been fitted: call fit\(X, Y\) first"):
        NearestMean().errors([[1, 2]], [1])
