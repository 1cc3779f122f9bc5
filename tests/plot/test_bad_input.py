"""Every function of plot with hostile objects in the place of every argument."""

from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from bad_input import Scene, check_call

from scalargrad import plot

X, Y = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [-1, 1, -1]
TEXTS: Any = {"title": "", "alt": None}
MAPS: Any = {"names": None, "notes": None, "edge_labels": None, "edge_values": None}

ARGUMENTS: dict[str, dict[str, Any]] = {
    "lines": {"data": {"y": [1.0]}, "xlabel": "x", "ylabel": "y", "xscale": "linear",
              "yscale": "linear", "markers": False, "ax": None},
    "curves": {"functions": {"f": lambda x: x}, "span": (0.0, 1.0), "points": None, "marks": None,
               "xlabel": "x", "ylabel": "y"},
    "loss_curve": {"losses": [1.0, 0.5], "yscale": "auto"},
    "activation": {"g": "tanh", "span": (-1.0, 1.0)},
    "bars": {"data": {"a": [1.0]}, "names": ["x"], "xlabel": "x", "ylabel": "y", "ylim": None},
    "images": {"pictures": [[[0.0]]], "titles": ["a"], "columns": 1, "signed": False},
    "decision_boundary": {"model": lambda x: x[0] - 0.5, "X": X, "Y": Y, "span": None,
                          "threshold": 0.0, "lines": None},
    "error_curve": {"f": lambda w: w * w, "span": (-1.0, 1.0), "path": (), "tangent": None,
                    "secant": None, "minima": ()},
    "error_surface": {"f": lambda v, w: v * v + w * w, "span": ((-1.0, 1.0), (-1.0, 1.0)),
                      "path": (), "kind": "contour", "arrow": None, "points": (),
                      "zscale": "linear"},
    "network": {"sizes": [1, 1], "highlight": (), "bias": False, **MAPS},
    "diagram": {"nodes": {"a": (0.0, 0.0), "b": (1.0, 1.0)}, "edges": [("a", "b")],
                "highlight": (), **MAPS},
    "figure": {"rows": 1, "columns": 1, "width": 6.4, "height": None, "projection": None},
}  # fmt: skip


@pytest.mark.parametrize("name", plot.__all__)
def test_a_bad_argument_is_named(name: str) -> None:
    if name == "Figure":  # made by the functions
        return
    texts = {"alt": ""} if name == "figure" else TEXTS

    def scene() -> Scene:
        return getattr(plot, name), {**ARGUMENTS[name], **texts}, []

    for key in scene()[1]:
        for kind in ("junk", "complex", "masked", "module"):
            assert check_call(scene, key, kind), f"{name}: {key} takes {kind}"
