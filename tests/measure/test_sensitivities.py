"""`sensitivities`: derivatives and elasticities by name."""

import math
from typing import Any

import pytest

import scalargrad as sg


def test_derivatives_and_elasticities() -> None:
    table = sg.sensitivities(lambda x, y, z: x**2 / y, {"x": 3.0, "y": 2, "z": 7.0})

    assert table.value == 4.5
    assert [row.name for row in table] == ["x", "y", "z"]
    assert [row.derivative for row in table] == [3.0, -2.25, 0.0]
    assert [row.elasticity for row in table] == [2.0, -1.0, 0.0]
    assert table["y"] == table[1]
    assert "y" in table
    assert "derivative" in str(table)
    assert table._repr_html_().count("<tr>") == 4


def test_a_result_of_zero_has_no_elasticity() -> None:
    table = sg.sensitivities(lambda x: x - 1.0, {"x": 1.0})

    assert table["x"].derivative == 1.0
    assert math.isnan(table["x"].elasticity)
    assert str(table).splitlines()[-1].split()[-1] == "–"


@pytest.mark.parametrize(
    ("f", "inputs", "message"),
    [
        (lambda x: [x, x], {"x": 1.0}, "one number"),
        (lambda x: x, {"x": (1.0, 0.1)}, "real number"),
        (lambda x: x, {"x": math.nan}, "must be finite"),
        (lambda x: x, [1.0], "dict by name"),
        (3, {"x": 1.0}, "takes a function"),
    ],
)
def test_bad_input(f: Any, inputs: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        sg.sensitivities(f, inputs)


def test_names_that_the_function_does_not_take() -> None:
    def area(width: Any, height: Any) -> Any:
        return width * height

    with pytest.raises(TypeError, match=r"calls area\(.* got 'width', 'depth': .*'height'"):
        sg.sensitivities(area, {"width": 1.0, "depth": 2.0})
