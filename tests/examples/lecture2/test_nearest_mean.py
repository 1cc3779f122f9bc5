"""The nearest mean and the perceptron: straight boundaries for different ends."""

import pytest

from scalargrad.classifiers import NearestMean, Perceptron
from scalargrad.examples.lecture2 import nearest_mean
from scalargrad.examples.lecture2.nearest_mean import ROUND, compare, elongated, smallest_distance


def test_elongated_classes_break_the_nearest_mean_but_not_the_perceptron() -> None:
    """S4.6: two errors against none, after four updates."""
    c = compare(elongated())

    assert len(c.wrong) == 2
    assert c.nearest_mean.errors(*c.data) == 2
    assert c.errors == 0
    assert c.course.converged
    assert len(c.course.updates) == 4


def test_the_classes_are_elongated() -> None:
    """S4.6: wider than high, and one over the other: x2 = 0 separates them."""
    X, T = elongated()
    for t in (1, -1):
        xs, ys = zip(*(x for x, target in zip(X, T, strict=True) if target == t), strict=True)

        assert max(xs) - min(xs) == 6.0
        assert max(ys) - min(ys) == 1.0
    assert Perceptron(2, w=[0.0, 1.0]).errors(X, T) == 0


def test_the_score_is_linear() -> None:
    """S4.5: the difference of the squared distances is w·x + b, at every point."""
    for c in nearest_mean.run().comparisons.values():
        for x in [*c.data[0], [0.3, -7.5]]:
            first, second = c.nearest_mean.squared_distances(x)

            assert c.nearest_mean(x) == pytest.approx(second - first, rel=1e-12, abs=1e-12)


def test_the_wrong_points_are_nearer_to_the_other_mean() -> None:
    c = compare(elongated())
    for k in c.wrong:
        first, second = c.nearest_mean.squared_distances(c.data[0][k])

        assert (first < second) is (c.data[1][k] == -1)


def test_the_nearest_mean_describes_and_the_perceptron_minimises() -> None:
    """S4.6: a far right point moves the means and with them a boundary; the perceptron stays."""
    X, T = elongated()
    more = ([*X, [40.0, 9.0]], [*T, 1])
    before, after = NearestMean().fit(X, T), NearestMean().fit(*more)
    p = compare((X, T)).perceptron
    course = p.fit(*more)

    assert course.updates == []
    assert after.w != before.w
    assert after.errors(*more) > before.errors(X, T)


def test_round_classes_suit_both() -> None:
    c = compare(ROUND)

    assert (c.wrong, c.errors) == ([], 0)


def test_the_perceptron_does_not_mind_how_close_it_is() -> None:
    c = compare(ROUND)
    by_means = smallest_distance(c.nearest_mean.w, c.nearest_mean.b, ROUND)
    by_perceptron = smallest_distance(c.perceptron.w, c.perceptron.b, ROUND)

    assert 0 < by_perceptron < by_means


def test_without_a_shift_the_means_are_one_over_the_other() -> None:
    """What the text tells to look for."""
    c = compare(elongated(shift=0.0))

    assert c.nearest_mean.w[0] == 0.0
    assert c.wrong == []


def test_the_report_tells_of_both() -> None:
    text = nearest_mean.report(nearest_mean.run())

    assert "4 updates on the elongated" in text
    assert text.count("nearest mean  ") == 2
