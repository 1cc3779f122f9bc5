"""Tests of PNG and PDF: the picture of the SVG, pixel by pixel."""

import struct
import zlib

import numpy as np
import pytest
from hostile import HOSTILE

import scalargrad as sg
from scalargrad import Value
from scalargrad.view import programs
from scalargrad.view.geometry import Layout
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.layout.builtin import lay_out
from scalargrad.view.paint import svg, xdot
from scalargrad.view.paint.scene import paint
from scalargrad.view.read.reading import read
from scalargrad.view.theme import BACKGROUND, EDGE_COLOUR, STACK, STYLES, fill_of

_DOTS_PER_INCH = 96.0  # half of what is saved, since reading a PNG in Python takes its time
_SCALE = _DOTS_PER_INCH / 72

_GRAPH = Graph(
    (
        Box(0, "parameter", "w", "", 1.0, 0.05),
        Box(1, "group", "layers", "", None, 0.5, values=9),
        Box(2, "constant", "", "", 7.0, None),
        Box(3, "result", "y", "+", 1.0, 1.0),
    ),
    (
        Edge(0, 1, 0, 1.0, "0.25"),
        Edge(1, 3, 0, 1.0, "9 weights", count=9, grad=0.5),
        Edge(2, 3, 1, 1.0, ""),
    ),
    "9 values shown as 4 boxes",
    "LR",
)


def _pixels(png: bytes) -> np.ndarray:
    """The red, green and blue of each pixel; PNG as Graphviz writes it (8 bits, not interlaced)."""
    width, height, bits, colours, *_, interlaced = struct.unpack(">2I5B", png[16:29])
    assert (bits, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[colours]
    packed, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * size)
    image = np.zeros((height, width, size), np.uint8)
    above = np.zeros((width, size), np.uint8)
    for y, row in enumerate(rows):
        line = row[1:].reshape(width, size).copy()
        if row[0] == 2:
            line += above
        elif row[0] != 0:
            left, corner = np.zeros(size, int), np.zeros(size, int)
            for x in range(width):
                line[x] += _guess(int(row[0]), left, above[x].astype(int), corner)
                left, corner = line[x].astype(int), above[x].astype(int)
        image[y] = above = line
    return image[..., :3]


def _guess(kind: int, left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    if kind == 1:
        return left.astype(np.uint8)
    if kind == 3:
        return ((left + up) // 2).astype(np.uint8)
    far = [np.abs(left + up - corner - it) for it in (left, up, corner)]
    best = np.where(
        (far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up, corner)
    )
    return best.astype(np.uint8)


def _colour(image: np.ndarray, x: float, y: float) -> str:
    return "#" + bytes(image[int(y * _SCALE), int(x * _SCALE)]).hex()


@pytest.fixture(scope="module")
def layout() -> Layout:
    """A layout wider than its legend, so that the picture does not move."""
    made = lay_out(_GRAPH)
    assert made.width > 300.0
    return made


def test_the_pixels_are_where_the_svg_has_them(graphviz_engine: str, layout: Layout) -> None:
    text = xdot.write(paint(_GRAPH, layout), _DOTS_PER_INCH)
    image = _pixels(programs.run(graphviz_engine, text, "nop2", "png"))

    assert _colour(image, 1, 1) == BACKGROUND
    for box, frame in zip(_GRAPH.boxes, layout.boxes, strict=True):
        style = STYLES[box.kind]
        left, bottom = frame.x - frame.width / 2, frame.y + frame.height / 2
        more = 2 * STACK if style.stacked else 0.0
        inside = _colour(image, left + 7, bottom - more - 7)
        assert inside == fill_of(box, _GRAPH), box
        outside = _colour(image, left - 4, bottom + 4)
        assert outside == BACKGROUND, box
    bundle = layout.routes[1].label
    assert _colour(image, bundle[0], bundle[1]) == fill_of(_GRAPH.edges[1], _GRAPH)
    # the sheets under a group: its corners at the top right and at the bottom left are free
    group = layout.boxes[1]
    right, top = group.x + group.width / 2, group.y - group.height / 2
    assert _colour(image, right - 2, top + 2) == BACKGROUND
    assert _colour(image, right - 2, top + 3 * STACK) == fill_of(_GRAPH.boxes[1], _GRAPH)
    # the thick border of the result
    result = layout.boxes[3]
    assert _colour(image, result.x - result.width / 2, result.y) == STYLES["result"].border
    # a label interrupts its line
    route = layout.routes[0]
    arrow_x, arrow_y = (route.tip[0] + 2 * route.curve[-1][0]) / 3, route.tip[1]
    assert _colour(image, arrow_x, arrow_y) == EDGE_COLOUR
    assert _colour(image, route.label[0] - 11.5, route.label[1]) == BACKGROUND


def test_every_text_is_printed_as_a_label(layout: Layout) -> None:
    text = xdot.write(paint(_GRAPH, layout))

    for box in _GRAPH.boxes:
        for line in box.lines:
            assert f'label="{line}"' in text or f"label={line} " in text
    assert 'label="9 values shown as 4 boxes\\l"' in text
    assert 'label="9 weights"' in text
    assert 'label="largest |grad| 0.5"' in text


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_hostile_labels_are_printed(graphviz_engine: str, form: str) -> None:
    graph = read(sg.sum([Value(number, label) for number, label in enumerate(HOSTILE)])).graph
    scene = paint(graph, lay_out(graph))
    text = xdot.write(scene)

    assert programs.run(graphviz_engine, text, "nop2", form)
    answer = programs.run(graphviz_engine, text, "nop2", "json0")
    # as many nodes as texts, so nothing was read as DOT
    assert answer.count(b'"_gvid"') == svg.write(scene).count("<text")


def test_a_long_background_is_cut_in_pieces(graphviz_engine: str) -> None:
    graph = read(sg.sum([Value(1.0, f"x{number}") * 2 for number in range(45)])).graph
    text = xdot.write(paint(graph, lay_out(graph)))
    quoted = [part for part in text.split('"') if part.count(" ") > 100]

    assert len(text) > 2 * 16_384
    assert max(map(len, quoted)) < 16_384
    assert programs.run(graphviz_engine, text, "nop2", "pdf").startswith(b"%PDF")


def test_the_resolution_is_stated_once() -> None:
    scene = paint(_GRAPH, lay_out(_GRAPH))

    assert "dpi" not in xdot.write(scene)
    assert "dpi=192" in xdot.write(scene, 192.0)
