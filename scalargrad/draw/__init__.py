"""Looking at graphs: pictures, the film of the backward pass, and derivatives explained."""

from scalargrad.draw.drawing import Drawing
from scalargrad.draw.entry import draw
from scalargrad.draw.explain import Explanation, explain
from scalargrad.draw.film import Film
from scalargrad.draw.paths import Path, count_paths, largest_paths, paths
from scalargrad.draw.steps import steps

__all__ = [
    "Drawing", "Explanation", "Film", "Path", "count_paths", "draw", "explain",
    "largest_paths", "paths", "steps",
]  # fmt: skip
