"""A small detector after Yolo: its error, its shared filters, and what it finds."""

import random
from importlib.util import find_spec
from typing import Any

import pytest
from computed import computed

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.lecture2 import small_detector as detector
from scalargrad.examples.lecture2.small_detector import best_box, error, overlap, target_of


def result() -> Any:
    return computed("small_detector")


def test_the_truth_of_a_picture_is_found_again() -> None:
    for scene in detector.scenes(100, seed=4):
        target = target_of(scene.box)
        cells = [target[k : k + 5] for k in range(0, 45, 5)]

        assert sum(target[::5]) == 1.0
        assert best_box(cells) == pytest.approx(scene.box)
        assert error(cells, target) == 0.0


def test_the_pictures_are_bright_in_the_box_alone() -> None:
    for scene in detector.scenes(30, seed=5):
        left, top, w, h = scene.box
        inside = [
            x
            for k, x in enumerate(scene.picture)
            if left <= k % 9 < left + w and top <= k // 9 < top + h
        ]
        assert len(inside) == w * h
        bright = sorted(scene.picture, reverse=True)[: len(inside)]
        assert sorted(inside, reverse=True) == bright


def test_the_error_weighs_cells_with_an_object_and_without() -> None:
    """5 times the box's squares and (p - 1)² where it is, p²/2 elsewhere."""
    target = target_of((3, 3, 3, 3))
    cells = [[0.2, 0.9, 0.9, 0.9, 0.9] for _ in range(9)]
    box = 2 * (0.9 - 0.5) ** 2 + 2 * (0.9 - 1 / 3) ** 2

    assert error(cells, target) == pytest.approx(5 * box + 0.8**2 + 8 * 0.2**2 / 2)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (2, 0, 2, 2), 0.0),
        ((0, 0, 4, 4), (1, 1, 2, 2), 0.25),
        ((0, 0, 2, 2), (5, 5, 1, 1), 0.0),
    ],
)
def test_overlaps(a: detector.Box, b: detector.Box, share: float) -> None:
    assert overlap(a, b) == overlap(b, a) == share


def test_a_filter_is_shared_by_all_places() -> None:
    """S4.20, S4.21: its derivative is the sum over 49 places, which nobody has written."""
    terms = result().by_place

    assert len(terms) == 49
    assert sum(terms) == pytest.approx(result().by_engine, rel=1e-12)
    assert max(terms) > 0.0 > min(terms)


def test_the_backward_pass_comes_from_the_forward_program() -> None:
    """S4.21: against differences, by the pixels and by parameters of each kind."""
    random.seed(0)
    model = detector.Detector(2, 2)
    scene = detector.scenes(1, seed=3)[0]
    target = target_of(scene.box)
    error(model(scene.picture), target).backward()
    for parameter in (model.first[1][4], model.first_b[0], model.second[0][7], model.head[30][5]):

        def moved(x: Value, parameter: Value = parameter) -> float:
            before, parameter.data = parameter.data, x.data
            E: float = error(model(scene.picture), target).data
            parameter.data = before
            return E

        slope = sg.numerical_grad(moved, parameter.data)
        assert parameter.grad == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.skipif(not find_spec("numba"), reason="numba is not installed")
def test_it_finds_the_rectangles_in_fresh_pictures() -> None:
    """S4.21."""
    before, after = (
        [overlap(scene.box, box) for scene, box in zip(result().fresh, boxes, strict=True)]
        for boxes in (result().before, result().after)
    )

    assert sum(before) / len(before) < 0.2
    assert sum(after) / len(after) > 0.7
    assert sum(x > 0.5 for x in after) > 180
    assert result().errors[-1] < result().errors[0] / 10
