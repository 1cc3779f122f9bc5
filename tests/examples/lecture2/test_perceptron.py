"""The perceptron: the reference's courses, exactly and in floats, and the gradient beside them."""

import math
from fractions import Fraction
from typing import Any

import pytest
from computed import computed
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value, losses
from scalargrad.classifiers import Perceptron
from scalargrad.examples.lecture2 import perceptron
from scalargrad.examples.lecture2.perceptron import SETS, STARTS, batch_gradient, descend, learn

CASE = lecture("S4.perceptron")
EXPECTED = CASE["expected"]
close = close_to(CASE)
EXACT = {
    "zero_init/eta1": ([0, 0], 0, 1),
    "init(0.5,-0.25,0.125)/eta0.5": (["1/2", "-1/4"], "1/8", "1/2"),
    "init(-0.3,0.7,0.11)/eta0.1": (["-3/10", "7/10"], "11/100", "1/10"),
}
SIGN0: dict[str, Any] = {"sign0=0": "wrong", "sign0=+1": 1, "hinge_strict": "right"}
COURSES = [
    (points, start, reading) for points in ("A", "B") for start in EXACT for reading in SIGN0
]
NAME_OF = dict(zip(EXACT, STARTS, strict=True))


def result() -> Any:
    return computed("perceptron")


def test_the_sets_are_the_references() -> None:
    for name, (X, T) in SETS.items():
        rows = [[*x, t] for x, t in zip(X, T, strict=True)]

        assert rows == CASE["inputs"][f"{name}_x1_x2_t"]


# --- the rule -------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "start", "reading"), COURSES)
def test_courses_in_floats(points: str, start: str, reading: str) -> None:
    """S4.1, S4.2: which points were wrong, in order, and w and b after each; three readings."""
    want = EXPECTED[f"{points}/{start}/{reading}"]
    learnt = learn(points, NAME_OF[start], SIGN0[reading])
    course, p = learnt.course, learnt.perceptron
    X, T = SETS[points]

    assert [u.index for u in course.updates] == want["update_indices_zero_based"]
    assert len(course.updates) == want["updates"]
    assert course.epochs == want["epochs_including_clean_pass"]
    assert course.converged is want["converged"]
    for update, (w, b) in zip(course.updates, want["w_b_after_each_update"], strict=True):
        assert close([*update.w, update.b], [*w, b])
    assert close([*p.w, p.b], [*want["w"], want["b"]])
    assert learnt.left == want["points_not_strictly_correct"]
    E = losses.perceptron([p(x) for x in X], T)
    assert close(E, want["E_mean_perceptron_loss"])


@pytest.mark.parametrize(("points", "start", "reading"), COURSES)
def test_courses_in_fractions(points: str, start: str, reading: str) -> None:
    """S4.2: the same, exactly: the log of floats is that of fractions."""
    want = EXPECTED[f"{points}/{start}/{reading}"]
    w, b, eta = EXACT[start]
    X, T = SETS[points]
    p = Perceptron(
        2, Fraction(eta), [Fraction(wi) for wi in w], Fraction(b), sign0=SIGN0[reading]
    )  # fmt: skip
    course = p.fit([[Fraction(xi) for xi in x] for x in X], T)

    assert [u.index for u in course.updates] == want["update_indices_zero_based"]
    assert all(isinstance(number, Fraction) for number in [*p.w, p.b])
    exact = [Fraction(number).limit_denominator(1000) for number in [*want["w"], want["b"]]]
    assert [*p.w, p.b] == exact


def test_sign_of_zero_matters_from_zeros() -> None:
    """S4.2: sign(0) is neither class. Three readings, three courses; elsewhere they coincide."""
    ends = {
        (points, sign0): (len(found.course.updates), found.perceptron.w, found.perceptron.b)
        for points in ("A", "B")
        for sign0 in ("wrong", 1)
        for found in [learn(points, "zeros", sign0)]
    }

    assert ends["A", "wrong"] == (3, [3, 3], -1)
    assert ends["B", "wrong"] == (3, [2, 1], -1)
    assert ends["A", 1] == (1, [1, 1], -1)
    assert ends["B", 1] == (5, [3, 3], -3)
    on_the_boundary = learn("B", "zeros", 1).perceptron
    assert [on_the_boundary(x) for x in SETS["B"][0]].count(0.0) == 1
    for start in ("halves", "tenths"):
        for points in ("A", "B"):
            courses = [learn(points, start, sign0).course for sign0 in ("wrong", 1, "right")]
            assert courses[0] == courses[1] == courses[2]


def test_xor_never_comes_to_rest() -> None:
    """S4.4: 100 passes, 396 updates; no line separates XOR."""
    name = "XOR/init(0.5,-0.25,0.125)/eta0.5/sign0=0 (100 epochs, never converges)"
    want, learnt = EXPECTED[name], learn("XOR", "halves")
    course, p = learnt.course, learnt.perceptron

    assert len(course.updates) == want["updates"] == 396
    assert course.epochs == want["epochs_including_clean_pass"] == 100
    assert course.converged is want["converged"] is False
    first = want["update_indices_zero_based"]  # the reference logs the first 200
    assert len(first) == 200
    assert [u.index for u in course.updates[:200]] == first
    for update, (w, b) in zip(course.updates, want["w_b_after_each_update"], strict=False):
        assert close([*update.w, update.b], [*w, b])
    assert close([*p.w, p.b], [*want["w"], want["b"]])
    assert learnt.left == want["points_not_strictly_correct"]
    X, T = SETS["XOR"]
    assert close(losses.perceptron([p(x) for x in X], T), want["E_mean_perceptron_loss"])


def test_xor_goes_round_in_circles() -> None:
    """S4.4: it never stops, for after each pass of four updates it is where it was."""
    updates = learn("XOR", "halves", epochs=1000).course.updates

    assert len(updates) == 4 * 1000 - 4
    assert updates[8:12] == updates[12:16] == updates[-4:]


def test_separable_sets_are_always_separated() -> None:
    """S4.4: from any start, if given the time."""
    for points in ("A", "B"):
        X, T = SETS[points]
        for w in ([5.0, -7.0], [-3.3, 0.2], [0.0, -20.0]):
            p = Perceptron(2, lr=0.3, w=w, b=4.0)

            assert p.errors(X, T) > 0
            assert p.fit(X, T, epochs=1000).converged
            assert p.errors(X, T) == 0


# --- the convergence theorem ----------------------------------------------------------------


def test_no_set_exceeds_its_bound() -> None:
    """S4.4: at most (R/γ)² mistakes from zeros; the run holds it against a thousand sets."""
    assert len(result().bounds) == 1000
    for of in result().bounds:
        assert 1 <= of.mistakes <= of.most
        assert of.margin > 0.0
    assert max(of.mistakes for of in result().bounds) > 50  # not all are easy


def test_the_proof_holds_two_lengths_against_each_other() -> None:
    """S4.4: k γ ≤ u·w ≤ |w| ≤ √k R after each mistake."""
    for of in result().bounds:
        for k, (inner, length) in enumerate(zip(of.inner, of.length, strict=True), 1):
            assert k * of.margin <= inner + 1e-9
            assert inner <= length + 1e-9
            assert length <= math.sqrt(k) * of.radius + 1e-9


def test_the_margin_is_that_of_the_nearest_point() -> None:
    X, T, u = perceptron.random_set(7)
    of = perceptron.bound(X, T, [3.0 * ui for ui in u])  # of any length
    size = math.hypot(*u)
    distances = [abs(u[0] * x[0] + u[1] * x[1] + u[2]) / size for x in X]

    assert of.margin == pytest.approx(min(distances), rel=1e-12)
    assert of.radius == pytest.approx(max(math.hypot(x[0], x[1], 1.0) for x in X), rel=1e-12)


def test_the_bound_does_not_depend_on_the_rate() -> None:
    """S4.4: from zeros w and b are η times a sum of points."""
    X, T, _ = perceptron.random_set(11)
    courses = [Perceptron(2, lr=lr).fit(X, T, epochs=1000) for lr in (0.25, 1.0, 8.0)]

    assert len({tuple(u.index for u in course.updates) for course in courses}) == 1


def test_what_does_not_separate_has_no_bound() -> None:
    X, T = SETS["XOR"]
    with pytest.raises(ValueError, match="every point on its correct side"):
        perceptron.bound(X, T, (1.0, 1.0, -0.5))


# --- and the gradient -----------------------------------------------------------------------


@pytest.mark.parametrize("points", ["A", "B", "XOR"])
@pytest.mark.parametrize("start", ["halves", "tenths"])
def test_the_rule_descends_the_gradient_of_each_point(points: str, start: str) -> None:
    """S4.3: the same updates, to the last bit, on max(0, -z t) by the engine."""
    by_rule, by_gradient = learn(points, start, "right").course, descend(points, start)

    assert by_rule.updates
    assert by_gradient == by_rule


def test_the_proposition_fails_at_zero() -> None:
    """S4.3: 1_{-zt>0} is not 1_{y≠t} at z = 0: by the slope nothing moves, and all are wrong."""
    for points in ("A", "B"):
        X, T = SETS[points]
        still, moved = descend(points, "zeros"), learn(points, "zeros", "wrong")

        assert still.updates == []
        assert still == learn(points, "zeros", "right").course
        assert Perceptron(2).errors(X, T) == len(X)
        assert len(moved.course.updates) == 3
        assert moved.left == 0


def test_the_slope_at_the_kink_is_zero() -> None:
    """S4.3: the strict indicator, as the engine takes it."""
    for t in (1.0, -1.0):
        assert sg.grad(losses.perceptron)(0.0, t) == 0.0
        assert sg.grad(losses.perceptron)(-1e-300 * t, t) == -t


def test_it_is_not_descent_of_the_mean() -> None:
    """S4.3: the mean's gradient adds the wrong points up and divides by N."""
    want, got = EXPECTED["B/batch_gradient_at(0.5,-0.25,0.125)"], batch_gradient("B", "halves")

    assert close(got.E, want["E"])
    assert close([*got.dw, got.db], [*want["dE_dw"], want["dE_db"]])
    for (z, E, dw, db), point in zip(got.per_point, want["per_point"], strict=True):
        assert close(z, point["z"])
        assert close(E, point["E_k"])
        assert (E > 0) is point["misclassified"]
        assert close([*dw, db], [*point["dE_k_dw"], point["dE_k_db"]])
    n = len(got.per_point)
    assert got.db == pytest.approx(sum(db for _, _, _, db in got.per_point) / n, rel=1e-15)
    # one step of batch descent is nowhere near the first update of the rule
    first = learn("B", "halves").course.updates[0]
    s = STARTS["halves"]
    assert first.b - s.b == -0.5
    assert -s.eta * got.db == pytest.approx(-1 / 6)


def test_it_is_not_the_margin_hinge() -> None:
    """S4.3: what is commonly called hinge loss pushes points that are right, too."""
    z, t = Value(0.25), 1.0
    losses.perceptron(z, t).backward()
    at_rest = z.grad
    z.grad = 0.0
    losses.hinge(z, t).backward()

    assert at_rest == 0.0
    assert z.grad == -1.0


# --- the example ----------------------------------------------------------------------------


def test_the_report_tells_of_the_courses() -> None:
    text = perceptron.report(result())

    assert "396 updates in 100 passes, not converged" in text
    assert "4 5 2 4" in text


def test_set_a_by_the_readings() -> None:
    """What the text tells to look for."""
    assert len(learn("A", sign0=1).course.updates) == 1
    assert learn("A", sign0="right").left == 8
