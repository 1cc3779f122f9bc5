"""Tests of the pictures: the same text from both engines, and no door for hostile labels."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value
from scalargrad.draw import Drawing, draw
from scalargrad.draw.labels import clean
from scalargrad.draw.sanitise import sanitise

ELEMENTS = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text", "tspan"}

HOSTILE = [
    'say "hi"',
    "ends in \\",
    '\\"',
    "\\N \\l \\r \\n \\G",
    "line\nbreak\r\nand\ttab",
    "<script>alert(1)</script>",
    "</text></svg><script>alert(1)</script>",
    "<b>bold</b>",
    "<>",
    "&amp; &lt;script&gt; & &#60;",
    "{a|b}|<port>",
    "",
    "x" * 1_000,
    "学习 ∂E/∂w ünï 😀",
    "abc\u202edef",
    "\ud800",
    "a\x00b\x1bc",
    "javascript:alert(1)",
    "url(http://example.org/)",
    "]]>",
    "<![CDATA[",
    "--",
    "<!-- -->",
    "%s %(x)s {0} $x$",
    "'; n0 -> n1 [URL=\"javascript:x\"]; '",
    "node",
    "\ufffe\uffff",
]


def _texts(drawing: Drawing) -> list[str]:
    root = ElementTree.fromstring(drawing.svg)
    texts = ["".join(element.itertext()) for element in root.iter() if _name(element) == "text"]
    # `dot` writes some spaces as no-break spaces
    return sorted(text.replace("\u00a0", " ").strip() for text in texts)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _assert_harmless(svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert re.fullmatch(r"[-0-9. ]+", root.get("viewBox", ""))
    for element in root.iter():
        assert _name(element) in ELEMENTS
        for attribute, value in element.attrib.items():
            assert not re.match(r"on|id$|href|xlink|class|style|\{", attribute)
            if attribute != "aria-label":
                assert "url" not in value
                assert "script" not in value


def test_both_engines_show_the_same_text(network: Value, real_dot: None) -> None:
    assert _texts(draw(network, engine="dot")) == _texts(draw(network, engine="builtin"))


def test_every_line_of_every_box_is_there(network: Value, engine: str) -> None:
    drawing = draw(network, engine=engine)

    boxes = [line for box in drawing.graph.boxes for line in box.lines]
    edges = [edge.text for edge in drawing.graph.edges if edge.text]
    assert sorted(boxes + edges) == _texts(drawing)


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_hostile_labels_are_shown_as_text(engine: str, rankdir: str) -> None:
    values = [Value(number, label) for number, label in enumerate(HOSTILE)]
    result = sg.sum(values)
    result.label = HOSTILE[6]
    drawing = draw(result, engine=engine, rankdir=rankdir)

    _assert_harmless(drawing.svg)
    texts = _texts(drawing)
    for label in HOSTILE:
        assert not label or clean(label) in texts


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_label_gives_valid_xml(label: str) -> None:
    drawing = draw(Value(1.0, label).tanh(), engine="builtin")

    _assert_harmless(drawing.svg)
    cleaned = clean(label)
    assert not cleaned or cleaned.replace("\u00a0", " ").strip() in _texts(drawing)


def test_a_hostile_operation_name_is_shown_as_text(engine: str) -> None:
    double = sg.primitive("<b>|{x}&amp;\\N", lambda x: 2 * x, lambda x, out: (2.0,))
    drawing = draw(double(Value(1.0)), engine=engine)

    _assert_harmless(drawing.svg)
    assert "<b>|{x}&amp;\\N" in _texts(drawing)


def test_user_text_stands_in_labels_only() -> None:
    source = draw(Value(1.0, "needle").tanh(), engine="builtin").source

    assert source.count("needle") == 1
    assert 'label="needle\\n' in source


def test_the_notice_stands_in_the_picture(engine: str) -> None:
    x = Value(1.0)
    for _ in range(1_000):
        x = -x
    drawing = draw(x, max_nodes=5, engine=engine)

    assert drawing.notice == "1,001 values shown as the 5 nearest the result"
    assert drawing.notice in _texts(drawing)
    assert drawing.notice in repr(drawing)


def test_pictures_are_the_same_every_time(network: Value, engine: str) -> None:
    first, second = draw(network, engine=engine), draw(network, engine=engine)

    assert first.svg == second.svg
    assert first.source == second.source


def test_kinds_differ_by_outline() -> None:
    svg = draw(Value(1.0, "x") * 2 + Value(3.0), engine="builtin").svg

    assert svg.count("stroke-dasharray") == 1  # the constant
    assert svg.count('stroke-width="3"') == 1  # the result
    # four round corners: two leaves and the constant
    assert sum(path.count("a9,9") == 4 for path in re.findall(r' d="([^"]*)"', svg)) == 3


def test_sanitise_drops_what_is_not_allowed() -> None:
    hostile = """<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x "y">]><!-- c -->
    <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
         viewBox="0 0 1 1" onload="a()"><title>t</title><script>b()</script><style>c</style>
    <g id="i" class="c" style="fill:url(x)"><a xlink:href="javascript:d()"><text>in</text></a>
    <text x="1" fill="url(#g)" onclick="e()">kept</text><use href="#i"/><foreignObject/>
    <image href="http://example.org"/></g></svg>"""

    svg = sanitise(hostile, "a picture")

    _assert_harmless(svg)
    root = ElementTree.fromstring(svg)
    assert [_name(element) for element in root.iter()] == ["svg", "g", "text"]
    assert root.attrib == {"viewBox": "0 0 1 1", "role": "img", "aria-label": "a picture"}
    assert root[0][0].attrib == {"x": "1"}


@pytest.mark.parametrize("text", ["", "no picture", "<svg", "<svg><g></svg>"])
def test_sanitise_refuses_what_it_cannot_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"SVG|svg"):
        sanitise(text, "a picture")
