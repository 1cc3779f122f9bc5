"""The slides of the seven nodes: no text on an arrow, on a circle, or on another text."""

from itertools import combinations, pairwise
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from scalargrad.examples.lecture2 import seven_node, shared_parameters


def pages() -> dict[str, Any]:
    plain = seven_node.figures(seven_node.run())
    shared = shared_parameters.figures(shared_parameters.run())
    some = {f"seven_node-{key}": plain[key] for key in ("forward", "backward", "exercise_key")}
    return some | {f"shared_parameters-{key}": shared[key] for key in ("backward", "exercise_key")}


@pytest.mark.parametrize("name", pages())
def test_no_text_touches_an_arrow_a_circle_or_another_text(name: str) -> None:
    page = pages()[name]
    page.draw_without_rendering()
    for ax in page.axes:
        inside = {text for text in ax.texts if text.get_text() in "1234567"}
        boxes = {
            text: text.get_window_extent() for text in ax.texts if text not in inside
        }  # fmt: skip
        for (one, box), (other, second) in combinations(boxes.items(), 2):
            assert not box.overlaps(second), f"{one.get_text()} on {other.get_text()}"
        for text, box in boxes.items():
            for patch in ax.patches:  # circles and arrows, as lines from point to point
                path = patch.get_transform().transform_path(patch.get_path())
                for outline in path.to_polygons(closed_only=False):
                    for (x0, y0), (x1, y1) in pairwise(outline):
                        steps = [k / 100 for k in range(101)]
                        points = [(x0 + s * (x1 - x0), y0 + s * (y1 - y0)) for s in steps]
                        assert not any(box.contains(*p) for p in points), text.get_text()
