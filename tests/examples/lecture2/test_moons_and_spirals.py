"""Two moons and two spirals: separated, over-fitted, regularised, and shown as a film."""

import math
from importlib.util import find_spec
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import losses, optim
from scalargrad.examples.lecture2 import moons_and_spirals as moons
from scalargrad.examples.lecture2.moons_and_spirals import SETS, Course

replayed = pytest.mark.skipif(not find_spec("numba"), reason="numba is not installed")


def courses(name: str) -> tuple[Course, Course]:
    plain, regularised = computed("moons_and_spirals").courses[name].values()
    return plain, regularised


def test_the_sets_have_200_points_of_two_classes() -> None:
    for points in SETS.values():
        assert len(points.X) == len(points.T) == 200
        assert len(points.fresh[0]) == 1000
        wrong = sum(t != (1 if k % 2 == 0 else -1) for k, t in enumerate(points.T))
        assert wrong == len(points.mislabelled)


def test_without_noise_the_points_lie_on_their_curves() -> None:
    X, T = moons.moons(50, seed=3, noise=0.0)
    for (x, y), t in zip(X, T, strict=True):
        centre = (-0.5, -0.25) if t > 0 else (0.5, 0.25)
        assert math.dist((x, y), centre) == pytest.approx(1.0)
        assert (y - centre[1]) * t >= -1e-12  # an upper and a lower half
    X, T = moons.spirals(50, seed=3, noise=0.0)
    for (x, y), t in zip(X, T, strict=True):
        radius = math.hypot(x, y)
        angle = 1.5 * math.tau * radius
        assert (x, y) == pytest.approx((t * radius * math.cos(angle), t * radius * math.sin(angle)))


@replayed
def test_a_network_separates_both_spirals() -> None:
    """S4.24: what no line does; all 200 points and nearly all fresh ones are right."""
    for course in courses("spirals"):
        assert course.wrong[0] > 80
        assert course.wrong[-1] == 0
        assert course.fresh[-1] < 20


@replayed
def test_regularisation_keeps_the_network_from_fitting_wrong_labels() -> None:
    """S4.24, S4.25: over-fitting: fewer points wrong, and many more fresh ones."""
    plain, regularised = courses("moons")

    assert plain.wrong[-1] < 12
    assert plain.fresh[-1] > 80
    assert min(plain.fresh) < 15  # as long as it has not yet learnt the wrong labels
    assert 20 <= regularised.wrong[-1] < 26
    assert regularised.fresh[-1] < 12
    assert plain.errors[-1] < regularised.errors[-1]
    sizes = [float(losses.l2(course.states[-1])) for course in (plain, regularised)]
    assert sizes[1] < sizes[0] / 10


def test_the_steps_are_those_of_adam_on_the_regularised_mean() -> None:
    """S4.25: the replayed steps are the eager ones on E + λ/2 Σ θ²."""
    points, l2 = SETS["moons"], 0.01
    course = moons.train(points, l2, epochs=3, moments=4)
    model = moons.build()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for epoch, state in enumerate(course.states):
        parameters = model.parameters()
        assert [p.data for p in parameters] == pytest.approx(state, rel=1e-9, abs=1e-12), epoch
        E = losses.hinge([model(x) for x in points.X], points.T)
        assert E.data == pytest.approx(course.errors[epoch], rel=1e-12)
        optimizer.zero_grad()
        (E + l2 / 2 * losses.l2(parameters)).backward()
        optimizer.step()


def test_building_a_network_leaves_the_random_numbers_alone() -> None:
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    moons.build()

    assert random.random() == expected
    assert isinstance(moons.build()([0.1, 0.2]), sg.Value)


def test_the_films_have_a_moment_for_each_state(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    result = moons.Result({
        name: {key: moons.train(SETS[name], l2, epochs=2, moments=3)
               for key, l2 in (("plain", 0.0), ("L2", 0.01))}
        for name in SETS
    })  # fmt: skip
    film: Any = moons.figures(result)["moons_film"]

    for epoch in (0, 1, 2):
        assert f">epoch {epoch}</text>" in film.svg
    assert film.svg.count("<use") == 2 * 200
    assert film.svg.count('r="8"') == 2 * 20
    assert len(film.svg) < 200_000
