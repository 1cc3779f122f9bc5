"""The slides of the seven nodes: no text on an arrow, on a circle, or on another text."""

from functools import cache
from itertools import combinations
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import numpy as np

from scalargrad.examples.lecture2 import seven_node, shared_parameters

PAGES = [
    "seven_node-forward", "seven_node-backward", "seven_node-exercise_key",
    "shared_parameters-backward", "shared_parameters-exercise_key",
]  # fmt: skip


@cache
def figures(name: str) -> Any:
    module = {"seven_node": seven_node, "shared_parameters": shared_parameters}[name]
    return module.figures(module.run())


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", PAGES)
def test_no_text_touches_an_arrow_a_circle_or_another_text(name: str) -> None:
    """S4.15, S4.20."""
    example, key = name.split("-")
    page = figures(example)[key]
    page.draw_without_rendering()
    for ax in page.axes:
        texts = [text for text in ax.texts if text.get_text() not in "1234567"]  # in circles
        boxes = {text.get_text(): text.get_window_extent() for text in texts}
        for (one, box), (other, second) in combinations(boxes.items(), 2):
            assert not box.overlaps(second), f"{one} on {other}"
        lines = [np.empty((0, 2))]
        for patch in ax.patches:  # circles and arrows, as points on their outlines
            path = patch.get_transform().transform_path(patch.get_path())
            for outline in path.to_polygons(closed_only=False):
                shares = np.linspace(0.0, 1.0, 101)[:, None, None]
                lines.append((outline[:-1] + shares * np.diff(outline, axis=0)).reshape(-1, 2))
        points = np.concatenate(lines)
        for text, box in boxes.items():
            inside = (points > box.min).all(axis=1) & (points < box.max).all(axis=1)
            assert not inside.any(), text
