"""Tests of draw: its arguments."""

from typing import Any

import pytest

from scalargrad import Value
from scalargrad.draw import draw


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


def test_a_million_values() -> None:
    x = Value(1.0)
    for _ in range(1_000_000):
        x = -x

    drawing = draw(x, engine="builtin")

    assert len(drawing.graph.boxes) <= 150
    assert drawing.notice.startswith("1,000,001 values shown as")
