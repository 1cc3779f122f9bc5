"""Tests of the pictures: the same from every engine, and safe with hostile labels."""

from xml.etree import ElementTree

import pytest
from hostile import HOSTILE, assert_harmless, element_name, hostile_model, module_name, texts_of
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import chain

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import clean
from scalargrad.view.draw import draw
from scalargrad.view.drawing import Drawing
from scalargrad.view.graph import Box, Edge, Graph
from scalargrad.view.layout.builtin import lay_out
from scalargrad.view.paint import svg
from scalargrad.view.paint.scene import paint
from scalargrad.view.paint.shapes import RoundedBox
from scalargrad.view.theme import fill_of

SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def _texts(drawing: Drawing) -> list[str]:
    return texts_of(drawing.svg)


def test_every_engine_shows_the_same(network: Value, engine: str) -> None:
    drawn, builtin = draw(network, engine=engine), draw(network, engine="builtin")

    assert drawn.engine == engine
    assert drawn.graph == builtin.graph
    assert drawn.source == builtin.source
    assert _texts(drawn) == _texts(builtin)


def test_every_line_of_every_box_is_there(network: Value, engine: str) -> None:
    drawing = draw(network, engine=engine)

    boxes = [line for box in drawing.graph.boxes for line in box.lines]
    edges = [edge.text for edge in drawing.graph.edges if edge.text]
    legend = ["parameter", "input", "plain number", "operation", "result", "|grad|", "0"]
    legend += [f"to {bound}" for bound in ("0.01", "0.1", "0.25", "0.5", "1")]
    assert sorted(boxes + edges + legend) == _texts(drawing)


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_hostile_labels_are_shown_as_text(engine: str, rankdir: str) -> None:
    values = [Value(number, label) for number, label in enumerate(HOSTILE)]
    result = sg.sum(values)
    result.label = HOSTILE[6]
    drawing = draw(result, engine=engine, rankdir=rankdir)

    assert_harmless(drawing.svg)
    texts = _texts(drawing)
    for label in HOSTILE:
        assert not label or clean(label) in texts


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_label_gives_valid_xml(label: str) -> None:
    drawing = draw(Value(1.0, label).tanh(), engine="builtin")

    assert_harmless(drawing.svg)
    cleaned = clean(label)
    assert not cleaned or cleaned.replace("\u00a0", " ").strip() in _texts(drawing)


def test_a_hostile_operation_name_is_shown_as_text(engine: str) -> None:
    double = sg.primitive("<b>|{x}&amp;\\N", lambda x: 2 * x, lambda x, out: (2.0,))
    drawing = draw(double(Value(1.0)), engine=engine)

    assert_harmless(drawing.svg)
    assert "<b>|{x}&amp;\\N" in _texts(drawing)


def test_user_text_stands_in_labels_only() -> None:
    source = draw(Value(1.0, "needle").tanh(), engine="builtin").source

    assert source.count("needle") == 1
    assert 'label="needle\\n' in source


def test_hostile_labels_of_parameters(engine: str) -> None:
    weights = [Value(0.1 * number, label) for number, label in enumerate(HOSTILE, 1)]
    inputs = [Value(1.0) for _ in HOSTILE]
    drawing = draw(sg.dot(weights, inputs), engine=engine)

    assert_harmless(drawing.svg)
    assert [box.kind for box in drawing.graph.boxes].count("parameter") == len(HOSTILE)
    for label in filter(None, HOSTILE):
        assert clean(label) in _texts(drawing)


def test_hostile_names_of_modules(engine: str) -> None:
    drawing = draw(*hostile_model(), engine=engine)

    assert drawing.notice
    assert_harmless(drawing.svg)
    texts = _texts(drawing)
    for label in filter(None, HOSTILE):
        assert module_name(label) in texts


def test_the_notice_is_in_the_picture(engine: str) -> None:
    drawing = draw(chain(1_000), max_nodes=5, engine=engine)

    assert drawing.notice.startswith("1,001 values shown as 3 boxes, grouped by structure")
    # on as many lines as it needs
    shown = " ".join(ElementTree.fromstring(drawing.svg).itertext()).replace("\u00a0", " ")
    assert drawing.notice in " ".join(shown.split())
    assert drawing.notice in repr(drawing)


def test_pictures_are_the_same_every_time(network: Value, engine: str) -> None:
    first, second = draw(network, engine=engine), draw(network, engine=engine)

    assert first.svg == second.svg
    assert first.source == second.source


def test_kinds_differ_by_outline() -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    picture = draw(sg.dot([w], [x]) * 2, engine="builtin").svg
    boxes = {
        "".join(group.itertext()).split("data")[0]: list(group)
        for group in ElementTree.fromstring(picture).iter(f"{{{SVG_NAMESPACE}}}g")
        if group.get("data-box")
    }
    outlines = {
        title: [shape for shape in shapes if element_name(shape) == "path"]
        for title, shapes in boxes.items()
    }

    assert len(outlines["w"]) == 2  # a parameter has a double border
    assert outlines["x"][0].get("d", "").count("a9,9") == 4  # an input is round
    assert outlines["2"][0].get("stroke-dasharray")  # a plain number is dashed
    assert outlines["*"][0].get("stroke-width") == "3"  # the result is thick
    assert outlines["dot"][0].get("stroke-width") == "1.25"


def test_a_group_is_a_stack() -> None:
    picture = draw(chain(10), max_nodes=3, engine="builtin").svg

    group = next(
        group
        for group in ElementTree.fromstring(picture).iter(f"{{{SVG_NAMESPACE}}}g")
        if group.get("data-box") == "1"
    )
    assert [element_name(shape) for shape in group][:3] == ["path"] * 3


def test_a_bundle_is_a_wide_line_with_a_text() -> None:
    ends = (Box(0, "group", "h1", "", None, 0.5, 16), Box(1, "group", "h2", "", None, 1.0, 16))
    edges = (Edge(0, 1, 0, 2.0, "2"), Edge(0, 1, 0, 1.0, "256 weights", count=256, grad=0.5))
    graph = Graph(ends, edges, "", "LR")
    root = ElementTree.fromstring(svg.write(paint(graph, lay_out(graph))))

    plain, bundle = ([e for e in root.iter() if e.get("data-edge") == str(i)] for i in (0, 1))
    assert plain[0].get("stroke-width") is None
    assert float(bundle[0].get("stroke-width", "0")) > 2.0
    assert [text.text for text in bundle[2].iter(f"{{{SVG_NAMESPACE}}}text")] == list(
        edges[1].lines
    )
    assert bundle[2][0].get("fill") == fill_of(ends[0], graph)


def test_boxes_edges_and_rows_can_be_found(network: Value, engine: str) -> None:
    drawing = draw(network, engine=engine)
    root = ElementTree.fromstring(drawing.svg)

    boxes = [element for element in root.iter() if element.get("data-box")]
    assert [box.get("data-box") for box in boxes] == [str(i) for i in range(8)]
    for box, shown in zip(drawing.graph.boxes, boxes, strict=True):
        rows = [(text.get("data-row"), text.text) for text in shown if text.get("data-row")]
        assert rows == [*map(tuple, box.rows)]
    edges = {element.get("data-edge") for element in root.iter()} - {None}
    assert edges == {str(i) for i in range(7)}


def test_a_picture_scales_to_the_width_it_is_given(network: Value) -> None:
    wide, small = draw(network, engine="builtin"), draw(Value(1.0).tanh(), engine="builtin")

    for drawing in (wide, small):
        width, height = drawing.scene.width, drawing.scene.height
        in_pt = (f"{width:.0f}pt", f"{height:.0f}pt")
        root = ElementTree.fromstring(drawing.svg)
        assert root.get("viewBox") == f"0 0 {width:.2f} {height:.2f}"
        assert root.get("style") == "max-width: 100%; height: auto"
        # the style sheet of a page does it there, whose policy forbids style attributes
        root = ElementTree.fromstring(svg.write(drawing.scene, in_page=True))
        assert root.get("style") is None
        assert (root.get("width"), root.get("height")) == in_pt
    # a picture that a notebook's cell might cut off takes the width of the cell
    assert 'width="100%"' in wide.svg
    assert f'width="{small.scene.width:.0f}pt" height="{small.scene.height:.0f}pt"' in small.svg


def test_a_picture_stands_in_the_middle_above_a_wider_legend() -> None:
    x = Value(2.0, "x")
    drawing = draw(x.tanh(), engine="builtin")
    alone = lay_out(drawing.graph)

    assert drawing.scene.width > alone.width
    groups = [group for group in drawing.scene.groups if group.box is not None]
    outlines = [group.shapes[0] for group in groups]
    assert all(isinstance(shape, RoundedBox) for shape in outlines)
    left = min(shape.x for shape in outlines if isinstance(shape, RoundedBox))
    right = max(shape.x + shape.width for shape in outlines if isinstance(shape, RoundedBox))
    assert (left + right) / 2 == pytest.approx(drawing.scene.width / 2)
