"""Tests of the DOT text: complete, in one outline per kind, and safe with any label."""

import json
import re
import sys
from types import ModuleType

import pytest
from hostile import HOSTILE

import scalargrad as sg
from scalargrad import Value
from scalargrad.view import programs
from scalargrad.view.graph import Box, Edge, Graph, Kind
from scalargrad.view.paint import dot
from scalargrad.view.read.reading import read
from scalargrad.view.theme import fill_of


def _lines(graph: Graph) -> dict[str, str]:
    """The line of each box."""
    found = re.findall(r"^\t(n\d+) (\[.*\])$", dot.source(graph), re.MULTILINE)
    return dict(found)


def _graph(*kinds: Kind) -> Graph:
    boxes = tuple(Box(i, kind, "x", "+", 1.0, 1.0) for i, kind in enumerate(kinds))
    return Graph(boxes, (), "", "LR")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("parameter", "peripheries=2"),
        ("input", 'style="filled,rounded"'),
        ("constant", 'style="filled,rounded,dashed"'),
        ("operation", "style=filled"),
        ("result", "penwidth=3"),
        ("group", "shape=box3d"),
    ],
)
def test_each_kind_has_its_outline(kind: Kind, expected: str) -> None:
    assert expected in _lines(_graph(kind))["n0"]


def test_the_fill_is_that_of_the_picture(network: Value) -> None:
    graph = read(network).graph
    lines = _lines(graph)

    assert len(lines) == len(graph.boxes)
    for box in graph.boxes:
        assert f'fillcolor="{fill_of(box, graph)}"' in lines[f"n{box.number}"]


def test_labels_have_the_texts_of_the_boxes(network: Value) -> None:
    graph = read(network).graph
    lines = _lines(graph)

    for box in graph.boxes:
        text = "\\n".join(box.lines)
        assert (
            f'label="{text}"' in lines[f"n{box.number}"]
            or f"label={text} " in lines[f"n{box.number}"]
        )


def test_edges_and_notice_and_direction() -> None:
    boxes = (Box(0, "input", "x", "", 1.0, 1.0), Box(1, "result", "", "*", 1.0, 1.0))
    bundle = Edge(0, 1, 0, 1.0, "4 weights", count=4, grad=0.5)
    edges = (Edge(0, 1, 0, 1.0, "1.5"), Edge(0, 1, 1, 1.0, ""), bundle)
    text = dot.source(Graph(boxes, edges, "99 values shown as 2 boxes", "BT"))

    assert '\tn0 -> n1 [label=" 1.5 "]\n\tn0 -> n1\n' in text
    assert 'n0 -> n1 [label=" 4 weights \\n largest |grad| 0.5 " penwidth=1.7]' in text
    assert 'label="99 values shown as 2 boxes"' in text
    assert "rankdir=BT" in text


def test_the_text_is_the_same_every_time(network: Value) -> None:
    assert dot.source(read(network).graph) == dot.source(read(network).graph)


def test_user_text_stands_in_labels_only() -> None:
    text = dot.source(read(Value(1.0, "needle").tanh()).graph)

    assert text.count("needle") == 1
    assert 'label="needle\\n' in text


def test_hostile_labels_stay_labels(graphviz_engine: str) -> None:
    values = [Value(number, label) for number, label in enumerate(HOSTILE)]
    graph = read(sg.sum(values)).graph
    answer = programs.run(graphviz_engine, dot.source(graph), "dot", "json0")
    found = json.loads(answer)

    names = [item["name"] for item in found["objects"]]
    assert sorted(names) == sorted(f"n{box.number}" for box in graph.boxes)
    assert len(found["edges"]) == len(graph.edges)
    allowed = {
        "_gvid", "name", "label", "style", "fillcolor", "color", "penwidth", "width", "height",
        "pos", "fontname", "fontsize", "fontcolor", "margin", "shape", "peripheries",
    }  # fmt: skip
    for item in found["objects"]:
        assert set(item) <= allowed


def test_a_users_file_called_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("graphviz")
    other.__file__ = "/home/somebody/graphviz.py"
    monkeypatch.setitem(sys.modules, "graphviz", other)
    drawing = sg.draw(Value(2.0, "x") * 3.0, engine="builtin")

    assert drawing.svg.startswith("<svg ")
    with pytest.raises(ImportError, match=r"/home/somebody/graphviz.py stands in the way"):
        drawing.source
