"""Hidden units that become Gabor-like filters, beside filters made by hand."""

import math
import random
from importlib.util import find_spec

import pytest
from computed import computed

from scalargrad.examples.brilliant import gabor_filters
from scalargrad.examples.brilliant.gabor_filters import (
    SIDE,
    build,
    by_edges,
    by_gabors,
    edge,
    gabor,
    nearest_edge,
    nearest_gabor,
    report,
    run,
    stripes,
)

# without numba the example runs for a few updates only
needs_numba = pytest.mark.skipif(not find_spec("numba"), reason="replay needs numba to be fast")


@pytest.fixture(scope="module")
def result() -> gabor_filters.GaborFilters:
    return computed("gabor_filters")


@needs_numba
def test_learnt_filters_are_gabor_like(result: gabor_filters.GaborFilters) -> None:
    """S3.2: of all eight a Gabor filter explains 91 % and more, an edge filter at most 70 %."""
    assert len(result.filters) == 8
    assert min(match.r2 for match in result.gabors) > 0.905
    assert max(match.r2 for match in result.edges) < 0.7
    assert max(result.at_first) < 0.25
    assert all(0.15 < match.frequency < 0.25 for match in result.gabors)  # those of the data


@needs_numba
def test_learnt_features_do_as_well_as_those_made_by_hand(
    result: gabor_filters.GaborFilters,
) -> None:
    """S3.2: hand-engineered against learnt, in degrees on pictures that were not learnt from."""
    errors = {name: round(error, 1) for name, error in result.errors.items()}

    assert errors == {"network": 2.7, "Gabor filters": 1.4, "edge filters": 3.8}
    assert result.course[0] == pytest.approx(0.504, abs=1e-3)
    assert result.course[-1] == pytest.approx(0.019, abs=1e-3)


def test_without_hidden_units_it_is_guessing() -> None:
    """S3.2: a weighted sum of pixels turns its sign with the phase, and cannot tell the angle."""
    found = run(hidden_units=0, epochs=60)

    assert found.errors["network"] > 40.0
    assert found.filters == []
    assert "unit" not in report(found)


@pytest.mark.parametrize("k", range(5))
def test_the_nearest_filters_are_found(k: int) -> None:
    draw = random.Random(k)
    angle, phase = draw.uniform(0.0, math.pi), draw.uniform(0.0, math.tau)
    wanted = gabor(angle, draw.uniform(0.14, 0.24), phase, draw.uniform(-1.0, 1.0), 0.5, 1.8, 2.2)
    match = nearest_gabor([3.0 * w for w in wanted])
    border = edge(angle, x=1.0, y=-2.0, width=1.4)
    of_edge = nearest_edge([-0.5 * w for w in border])

    assert match.r2 > 0.995
    assert abs(math.sin(match.angle - angle)) < 0.03
    assert max(abs(3.0 * w - v) for w, v in zip(wanted, match.filter, strict=True)) < 0.3
    assert of_edge.r2 == pytest.approx(1.0)
    assert abs(math.sin(of_edge.angle - angle)) < 1e-9
    assert of_edge.filter == pytest.approx([-0.5 * w for w in border])


def test_a_share_lies_between_0_and_1() -> None:
    draw = random.Random(1)
    noise = [draw.gauss(0.0, 1.0) for _ in range(SIDE**2)]

    for match in (nearest_gabor(noise), nearest_edge(noise)):
        rest = sum((w - v) ** 2 for w, v in zip(noise, match.filter, strict=True))
        assert match.r2 == pytest.approx(1.0 - rest / sum(w * w for w in noise), abs=1e-9)
        assert 0.0 < match.r2 < 0.5


def test_both_methods_made_by_hand_find_the_angle() -> None:
    """S3.2: whatever the phase is; in degrees."""
    for picture, angle in zip(*stripes(30, seed=5, noise=0.0), strict=True):
        for method, limit in ((by_edges, 12.0), (by_gabors, 6.0)):
            turn = (method(picture) - angle + math.pi / 2) % math.pi - math.pi / 2
            assert abs(math.degrees(turn)) < limit


def test_a_negative_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="hidden_units must be 0 or more, got -1"):
        build(-1)
