"""Tests of the legend and of the colours: what it explains, and that it can be read."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.view.graph import Box, Edge, Graph, Kind
from scalargrad.view.paint.legend import legend
from scalargrad.view.paint.shapes import Text
from scalargrad.view.theme import (
    INK,
    NOT_FINITE,
    NOTICE_FONT_SIZE,
    SHADES,
    UNKNOWN,
    fill_of,
    text_width,
)


def _graph(grads: list[float | None], notice: str = "", kind: Kind = "operation") -> Graph:
    boxes = tuple(Box(i, kind, "", "+", 1.0, grad) for i, grad in enumerate(grads))
    return Graph(boxes, (), notice, "LR", backward=any(g is not None for g in grads))


def _texts(graph: Graph, width: float = 500.0) -> list[str]:
    return [text.text for text in _lines(graph, width)]


def _lines(graph: Graph, width: float = 500.0) -> list[Text]:
    shapes = legend(graph, width)[0].shapes
    return [shape for shape in shapes if isinstance(shape, Text)]


def test_only_what_is_in_the_picture_is_explained() -> None:
    assert "parameter" not in _texts(_graph([1.0]))
    assert "parameter" in _texts(_graph([1.0], kind="parameter"))
    assert "many values" in _texts(_graph([1.0], kind="group"))
    bundle = Edge(0, 0, 0, 1.0, "×2", count=2)
    assert "many edges" not in _texts(_graph([1.0]))
    assert "many edges" in _texts(replace(_graph([1.0]), edges=(bundle,)))


def test_the_three_states_of_gradients() -> None:
    assert _texts(_graph([None])) == ["operation", "no gradients yet: backward has not been run"]
    assert _texts(_graph([0.0])) == ["operation", "every gradient is 0"]
    assert _texts(_graph([-8.0, 0.0])) == [
        "operation", "|grad|", "0", "to 0.08", "to 0.8", "to 2", "to 4", "to 8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grad", "fill"),
    [
        (None, UNKNOWN),
        (0.0, SHADES[0][1]),
        (-0.05, SHADES[1][1]),
        (0.5, SHADES[2][1]),
        (2.0, SHADES[3][1]),
        (-5.0, SHADES[4][1]),
        (10.0, SHADES[5][1]),
        (float("inf"), NOT_FINITE),
        (float("nan"), NOT_FINITE),
    ],
)
def test_fills(grad: float | None, fill: str) -> None:
    graph = _graph([grad, 10.0])

    assert fill_of(graph.boxes[0], graph) == fill


def test_no_gradient_looks_unlike_a_gradient_of_zero() -> None:
    assert UNKNOWN not in [fill for _, fill in SHADES]


def _luminance(colour: str) -> float:
    """As WCAG 2.2 defines the relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_fills_darken_evenly_and_ink_stays_readable() -> None:
    shades = [_luminance(fill) for _, fill in SHADES]

    assert shades == sorted(shades, reverse=True)
    assert all(a - b > 0.05 for a, b in pairwise(shades))
    for light in [*shades, _luminance(UNKNOWN), _luminance(NOT_FINITE)]:
        assert (light + 0.05) / (_luminance(INK) + 0.05) >= 7.0  # WCAG's AAA


@given(st.text("abc de", max_size=300), st.floats(10.0, 1500.0))
def test_texts_do_not_overlap(notice: str, width: float) -> None:
    graph = _graph([1.0, 0.5], notice)
    _, right, bottom = legend(graph, width)
    texts = _lines(graph, width)

    lines: dict[float, list[tuple[float, float]]] = {}
    for text, x, y, _ in texts:
        lines.setdefault(y, []).append((x, x + 0.9 * text_width(text, NOTICE_FONT_SIZE)))
        assert x + 0.9 * text_width(text, NOTICE_FONT_SIZE) <= right
        assert 0.0 < y < bottom
    for spans in lines.values():
        assert all(a[1] < b[0] for a, b in pairwise(spans))
    assert " ".join(text.text for text in texts).endswith(" ".join(notice.split()))
