"""A film of boundaries: the regions of each moment, one seen at a time."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from scalargrad.examples.boundary_film import Panel, boundary_film

SVG = "{http://www.w3.org/2000/svg}"
SPAN = ((-1.0, 1.0), (-1.0, 1.0))


def right_of(limit: float) -> Panel:
    return Panel("x1", [lambda xs: [x[0] - limit for x in xs]], ["a note"])


def film(*limits: float) -> ElementTree.Element:
    models = [right_of(limit).models[0] for limit in limits]
    made = boundary_film(
        [Panel("x1 > c", models, [f"c = {c}" for c in limits])], [[0.5, 0.2], [-0.5, 0.0]],
        [1, -1], SPAN, [f"moment {k}" for k in range(len(limits))], 3.0, title="A boundary",
        alt="It moves to the right.", wrong_labels=[1],
    )  # fmt: skip
    return ElementTree.fromstring(made.svg)


def test_each_moment_is_seen_alone_and_the_last_one_at_rest() -> None:
    groups = film(-0.5, 0.0, 0.5).findall(f"{SVG}g")  # three regions, three captions

    assert len(groups) == 6
    for three in (groups[:3], groups[3:]):
        assert [g.get("visibility") for g in three] == ["hidden", "hidden", "visible"]
        seen = []
        for group in three:
            (move,) = group.findall(f"{SVG}animate")
            times = [*map(float, (move.get("keyTimes") or "").split(";")), 1.0]
            values = (move.get("values") or "").split(";")
            assert times == sorted(times)
            assert times[0] == 0.0
            spans = zip(values, pairwise(times), strict=True)
            seen += [span for value, span in spans if value == "visible"]
        assert [start for start, _ in seen] == pytest.approx([0.0, 1 / 3, 2 / 3], abs=1e-4)
        assert [end for _, end in seen] == pytest.approx([1 / 3, 2 / 3, 1.0], abs=1e-4)


def test_the_region_is_where_the_score_is_above_0() -> None:
    frame = film(0.0).find(f".//{SVG}rect[@fill='none']")
    assert frame is not None
    left, side = float(frame.get("x") or 0), float(frame.get("width") or 0)
    for limit in (-0.5, 0.25):
        (path,) = film(limit).findall(f"{SVG}g/{SVG}path")
        x, xs = 0.0, []
        for letter, number in re.findall(r"([Ml])(-?[\d.]+),", path.get("d") or ""):
            x = float(number) + (x if letter == "l" else 0.0)  # l: from the point before
            xs.append(x)

        assert min(xs) == pytest.approx(left + side * (1 + limit) / 2, abs=0.11)
        assert max(xs) == pytest.approx(left + side, abs=0.11)


def test_points_are_discs_and_crosses_and_wrong_labels_are_ringed() -> None:
    tree = film(0.0)
    points = tree.findall(f"{SVG}use")

    assert [point.get("href") for point in points] == ["#up", "#down"]
    (ring,) = (c for c in tree.findall(f"{SVG}circle"))
    assert ring.get("cx") == points[1].get("x")


def test_a_region_that_is_empty_or_everything() -> None:
    nothing, everything = film(2.0), film(-2.0)

    (path,) = nothing.findall(f"{SVG}g/{SVG}path")
    assert path.get("d") == ""
    (path,) = everything.findall(f"{SVG}g/{SVG}path")
    assert (path.get("d") or "").count("M") == 1


def test_a_panel_needs_a_model_for_each_moment() -> None:
    with pytest.raises(ValueError, match="'x1' needs a model and a note for each of 2 moments"):
        boundary_film(
            [right_of(0.0)], [[0.0, 0.0]], [1], SPAN, ["a", "b"], 1.0, title="", alt=""
        )  # fmt: skip
