"""Tests of draw: its arguments, and unusual labels and gradients."""

from typing import Any

import pytest
from hostile import assert_harmless
from strategies import chain

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import clean
from scalargrad.view.draw import draw
from scalargrad.view.explain.explain import explain
from scalargrad.view.steps import steps


@pytest.mark.parametrize(("x", "name"), [(1.0, "float"), (None, "NoneType"), ([], "list")])
def test_only_values_can_be_drawn(x: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"not {name}"):
        draw(x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rankdir": "lr"}, "rankdir must be one of LR, TB, RL, BT, not 'lr'"),
        (
            {"engine": "neato"},
            "engine must be one of auto, dot, pygraphviz, builtin, not 'neato'",
        ),
        ({"max_nodes": 0}, "max_nodes must be at least 1, got 0"),
        ({"max_edges": -1}, "max_edges must be at least 0, got -1"),
        ({"max_nodes": 1.5}, "max_nodes must be a whole number, got float: 1.5"),
        ({"max_edges": "all"}, "max_edges must be a whole number, got str: 'all'"),
    ],
)
def test_bad_arguments(network: Value, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        draw(network, **arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize("grad", [float("nan"), float("inf"), -0.0, 1e300])
def test_any_number_can_be_drawn(engine: str, grad: float) -> None:
    x = Value(1.0, "x")
    result = x.tanh()
    x.grad = grad

    assert draw(result, engine=engine).svg.startswith("<svg ")


@pytest.mark.unmeasured
def test_a_million_values() -> None:
    drawing = draw(chain(1_000_000), engine="builtin")

    assert len(drawing.graph.boxes) <= 150
    assert drawing.notice.startswith("1,000,001 values shown as")


def test_what_is_computed_after_a_backward_pass_had_none() -> None:
    x = Value(0.5, "x")
    y = x.tanh()
    y.backward()
    z = y * 3
    z.label = "z"
    graph = draw(z, engine="builtin").graph

    assert not graph.backward
    assert "grad –" in graph.boxes[-1].lines
    assert graph.boxes[-1].title.startswith("z")


@pytest.mark.parametrize("label", [3, 0, None, 2.5, ["a"], Value(1.0)])
def test_a_label_may_be_anything(label: Any) -> None:
    x, w = Value(0.5, "x"), Value(2.0, "w")
    y = sg.tanh(x * w)
    x.label = y.label = label
    drawing = draw(y, engine="builtin")

    assert_harmless(drawing.svg)
    assert not label or clean(label) in drawing.graph.boxes[0].title
    assert steps(y, engine="builtin").html.startswith("<!DOCTYPE html>")
    for value in (x, w):
        assert explain(y, value).derivative != 0.0
