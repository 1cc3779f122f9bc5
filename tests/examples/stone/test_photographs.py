"""The photographs: what is learnt, what a noisy copy recalls, and three ways to differentiate."""

import os
from importlib.util import find_spec
from itertools import combinations
from statistics import correlation
from typing import Any

import pytest
from computed import computed
from lectures import close_to, lecture

from scalargrad.examples.stone import photographs as memory
from scalargrad.examples.stone.photographs import Photographs

CASE = lecture("S0.photographs")
close = close_to(CASE)

NUMBA = pytest.mark.skipif(not find_spec("numba"), reason="replay needs numba to be fast")
WAYS = [way if way == "eager" else pytest.param(way, marks=NUMBA) for way in memory.WAYS]
LONG = pytest.mark.skipif(
    not os.environ.get("SCALARGRAD_LONG"), reason="long: set SCALARGRAD_LONG=1 (make long)"
)


def expected(n: int) -> dict[str, Any]:
    return CASE["expected"][str(n)]  # type: ignore[no-any-return]


def projected(cue: list[float], photos: list[list[float]]) -> tuple[list[float], list[float]]:
    """The mixture of two pictures that is nearest to the cue, and how much of each is in it."""
    (aa, ab), (_, bb) = memory.gram(photos)
    a, b = (sum(p * x for p, x in zip(photo, cue, strict=True)) for photo in photos)
    det = aa * bb - ab * ab
    shares = [(bb * a - ab * b) / det, (aa * b - ab * a) / det]
    return [shares[0] * p + shares[1] * q for p, q in zip(*photos, strict=True)], shares


def assert_as_expected(result: Photographs) -> None:
    """Every recall of a training from zero is the one of the case."""
    steps = expected(result.n)["gradient_descent_from_W0_zero"]
    checked = 0
    for updates, recall in result.training.recalls.items():
        if str(updates) in steps:
            want = steps[str(updates)]
            assert close(recall.shares, want["recall_coefficients"])
            assert close(recall.E, want["E"])
            assert close(recall.rmse, want["rmse_recalled_vs_photo1"])
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize("n", [8, 50])
def test_the_pictures_are_those_of_the_case(n: int) -> None:
    """S0.16: photographs, noise, what they share, and the largest curvature of E."""
    case = expected(n)
    photos = memory.shapes(n)
    noisy = [p + 0.5 * x for p, x in zip(photos[0], memory.noise(n * n), strict=True)]

    assert memory.gram(photos) == case["gram"]
    assert close(memory.eigenvalues(photos), case["gram_eigenvalues"])
    assert close(1.0 / memory.eigenvalues(photos)[1], case["eps_used"])
    assert close(2.0 / memory.eigenvalues(photos)[1], case["eps_critical"])
    assert close(memory.rmse(noisy, photos[0]), case["rmse_noisy_vs_photo1"])
    assert close(correlation(noisy, photos[0]), case["corr_noisy_photo1"])


def test_every_pixel_of_the_small_pictures() -> None:
    case = expected(8)

    assert memory.shapes(8) == [case["photo1"], case["photo2"]]
    assert close((0.5 * x for x in memory.noise(64)), case["noise"])


@pytest.mark.parametrize("way", WAYS)
def test_the_noisy_picture_recalls_the_clean_one(way: str) -> None:
    """S0.16: 8 x 8 pixels, after 1, 5 and 50 updates, by each of the ways."""
    result = memory.run(8, 50, way, start_at_random=False, pictures=memory.shapes)
    end, case = result.training.end, expected(8)

    assert_as_expected(result)
    assert close(result.lr, case["eps_used"])
    assert all(abs(p - q) < 1e-9 for p, q in zip(end.picture, case["recalled"], strict=True))
    assert close(correlation(end.picture, result.photos[0]), case["corr_recalled_photo1"])
    assert close(correlation(end.picture, result.photos[1]), case["corr_recalled_photo2"])


@NUMBA
def test_descent_ends_at_the_projection() -> None:
    """S0.16: what is recalled is that mixture of the photographs that is nearest to the input."""
    case = expected(8)
    photos = memory.shapes(8)
    network = memory.UnitReplay(photos, case["eps_used"])
    noisy = [p + 0.5 * x for p, x in zip(photos[0], memory.noise(64), strict=True)]
    training = memory.train(network, photos, noisy, 2000, marks=(500,))

    for updates, recall in training.recalls.items():
        want = case["gradient_descent_from_W0_zero"][str(updates)]
        assert close(recall.shares, want["recall_coefficients"])
        assert close(recall.E, want["E"])
        assert close(recall.rmse, want["rmse_recalled_vs_photo1"])
    end = training.end
    assert close(end.shares, case["recall_coefficients_on_photo1_photo2"])
    assert close(end.rmse, case["rmse_recalled_vs_photo1"])
    assert close(end.picture, case["recalled"])
    # the rest of the noisy picture is at right angles to both photographs
    for photo in photos:
        left = sum(p * (x - y) for p, x, y in zip(photo, noisy, end.picture, strict=True))
        assert abs(left) < 1e-12


def test_what_the_large_pictures_recall_in_the_end() -> None:
    """S0.16: errors of .291 and .0061 at 50 x 50, by the projection on the two photographs."""
    case, photos = expected(50), memory.shapes(50)
    noisy = [p + 0.5 * x for p, x in zip(photos[0], memory.noise(2500), strict=True)]
    recalled, shares = projected(noisy, photos)

    assert close(shares, case["recall_coefficients_on_photo1_photo2"])
    assert close(memory.rmse(recalled, photos[0]), case["rmse_recalled_vs_photo1"])
    assert round(case["rmse_noisy_vs_photo1"], 3) == 0.291
    assert round(memory.rmse(recalled, photos[0]), 4) == 0.0061
    for photo, name in zip(photos, ("corr_recalled_photo1", "corr_recalled_photo2"), strict=True):
        assert close(correlation(recalled, photo), case[name])


@pytest.mark.unmeasured
@pytest.mark.parametrize("way", WAYS)
def test_noise_passes_through_random_weights(way: str) -> None:
    """S0.16: the limit is P + W0 (I - P): .166 where from zero it is .066."""
    case = expected(8)["random_W0_scale_0.1_limit"]
    photos = memory.shapes(8)
    network = memory.WAYS[way](photos, expected(8)["eps_used"], memory.random_weights(8))
    noisy = [p + 0.5 * x for p, x in zip(photos[0], memory.noise(64), strict=True)]
    end = memory.train(network, photos, noisy, 100).end

    assert close(end.rmse, case["rmse_recalled_vs_photo1"])
    for photo in photos:
        assert close(network.recall(photo), photo)


@pytest.mark.unmeasured
@NUMBA
def test_the_three_ways_agree_on_a_size_between() -> None:
    """S0.16: 12 x 12 pixels, the way it is done with 50 x 50."""
    eager, *replayed = (
        memory.run(12, updates=7, way=way, pictures=memory.shapes) for way in memory.WAYS
    )

    assert [result.way for result in replayed] == ["whole", "unit"]
    for result in replayed:
        for ours, theirs in (
            (result.training, eager.training), (result.from_random, eager.from_random),
        ):  # fmt: skip
            assert ours is not None
            assert theirs is not None
            assert ours.errors == pytest.approx(theirs.errors, rel=1e-12)
            assert ours.end.picture == pytest.approx(theirs.end.picture, abs=1e-12)
    assert memory.rmse(eager.noisy, eager.photos[0]) > 5 * eager.training.end.rmse


@pytest.mark.unmeasured
@NUMBA
def test_a_rate_twice_as_large_does_not_settle() -> None:
    """S0.16: eps_critical."""
    photos = memory.shapes(8)
    for factor, settles in ((0.98, True), (1.02, False)):
        network = memory.WholeReplay(photos, factor * expected(8)["eps_critical"])
        first, *_, last = [network.update() for _ in range(200)]
        assert (last < first) == settles


def test_both_photographs_are_recalled_from_noise_and_from_a_half() -> None:
    """S0.16: grey levels, noisy and half-covered cues of both, by the trained network."""
    result = computed("photographs")

    for cues in (result.noisy_cues, result.half_cues):
        for k, cue in enumerate(cues):
            mixture, shares = projected(cue.cue, result.photos)
            assert cue.recalled == pytest.approx(mixture, abs=1e-6)
            assert cue.shares == pytest.approx(shares, abs=1e-6)
            assert cue.shares[k] > 2.0 * abs(cue.shares[1 - k])  # the right one
            assert cue.rmse_whole < cue.rmse_cue
            assert cue.rmse_whole == memory.rmse(cue.whole, result.photos[k])


def test_what_the_photographs_recall_at_the_size_of_the_lecture() -> None:
    """S0.16: errors of .29 under noise fall to .013 and .008; from a half to .023 and .015."""
    photos = memory.photographs(50)
    errors = []
    for photo, seed in zip(photos, (2024, 4711), strict=True):
        numbers = memory.noise(2500, seed)
        noisy = [p + 0.5 * x for p, x in zip(photo, numbers, strict=True)]
        half = memory.covered(photo)
        whole = memory.restored(projected(half, photos)[0], half)
        recalled = projected(noisy, photos)[0]
        errors += [memory.rmse(picture, photo) for picture in (noisy, recalled, half, whole)]

    assert errors == pytest.approx(
        [0.2914, 0.0125, 0.1371, 0.0231, 0.2908, 0.0076, 0.1490, 0.0154], abs=5e-5
    )


def test_the_photographs_have_grey_levels_and_a_covered_half_is_grey() -> None:
    portrait, boat = memory.photographs(50)

    for photo in (portrait, boat):
        assert -0.5 <= min(photo) < -0.3
        assert 0.4 < max(photo) <= 0.5
        assert len({round(p, 2) for p in photo}) > 40
        rows = [memory.covered(photo)[i : i + 50] for i in range(0, 2500, 50)]
        assert all(row[25:] == [0.0] * 25 for row in rows)
        assert [row[:25] for row in rows] == [photo[i : i + 25] for i in range(0, 2500, 50)]


def test_how_many_faces_fit() -> None:
    """S0.16: noise passes as √(K/N); ten faces are told apart by their halves, fifty are not."""
    few, many = memory.capacity(12, counts=(10, 50))

    for one in (few, many):
        assert one.passes == pytest.approx((one.stored / 144) ** 0.5, rel=0.05)
    assert (few.right, many.right) == (1.0, 0.3)


def test_faces_differ() -> None:
    faces = memory.portraits(12, 20)

    assert min(memory.rmse(a, b) for a, b in combinations(faces, 2)) > 0.02


def test_one_graph_holds_a_dot_node_for_each_output_and_photograph() -> None:
    """S0.16: n² outputs, each one fused node of n² weights."""
    network = memory.Eager(memory.shapes(4), lr=0.1)
    outputs = [y for photo in network.photos for y in network.layer(photo)]

    assert len(network.weights) == 4**4
    assert [y.op for y in outputs] == ["dot"] * 32
    assert outputs[5].parents[:16] == tuple(network.weights[5 * 16 : 6 * 16])


def test_what_cannot_be_learnt() -> None:
    with pytest.raises(ValueError, match="n = 3 pixels and 1 update or more, got 2 and"):
        memory.run(2)
    with pytest.raises(ValueError, match="the ways are eager, whole, unit, got 'fast'"):
        memory.run(8, way="fast")
    with pytest.raises(ValueError, match="1 update or more, got 8 and 0"):
        memory.run(8, updates=0)


@LONG
@NUMBA
@pytest.mark.parametrize(("way", "updates"), [("unit", 50), ("eager", 5), ("whole", 5)])
def test_the_photographs_at_the_size_of_the_lecture(way: str, updates: int) -> None:
    """S0.16: 50 x 50 pixels in and out, 6.25 million weights."""
    result = memory.run(50, updates, way, start_at_random=False, pictures=memory.shapes)

    assert_as_expected(result)


@LONG
@NUMBA
def test_the_projection_at_the_size_of_the_lecture() -> None:
    """S0.16: errors of .291 in the noisy picture, of .0061 in the recalled one."""
    result = memory.run(50, 500, "unit", pictures=memory.shapes)
    end, case = result.training.end, expected(50)

    short = memory.run(50, 50, "unit", start_at_random=False, pictures=memory.shapes)
    assert_as_expected(short)
    assert close(end.shares, case["recall_coefficients_on_photo1_photo2"])
    assert close(end.rmse, case["rmse_recalled_vs_photo1"])
    assert close(correlation(end.picture, result.photos[0]), case["corr_recalled_photo1"])
    assert close(correlation(end.picture, result.photos[1]), case["corr_recalled_photo2"])
    assert result.from_random is not None
    assert result.from_random.end.rmse > 10 * end.rmse
