"""Symbols: what a row's partials are traced on, for programs and for formulas."""

import math

import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.replay.partials import partials_of
from scalargrad.view.formula.formula import Formula, partial_formulas


def test_partials_that_compare_are_those_of_numbers() -> None:
    compares = sg.primitive(
        "compares", lambda x: x,
        lambda x, out: (2.0 if x == 1.0 else 3.0 if x != 2.0 else 4.0 if x >= 2.0 else 5.0,),
    )  # fmt: skip
    for number, slope in ((1.0, 2.0), (2.0, 4.0), (0.0, 3.0)):
        x = Value(number)
        out = compares(x)

        assert out.partials == (slope,)
        assert partial_formulas(out, {x: "x", out: "out"}) == (f"{slope:g}",)
        assert sg.compile(compares, backend="python").value_and_grad(number)[1] == slope


def test_numbers_are_simplified_as_is_right_for_each() -> None:
    """0 * x is 0 to a reader, but may be nan or -0.0 in a program."""
    zero = sg.primitive("zero", lambda x: 0.0 * x, lambda x, out: (0.0 * x + 1.0 * x,))
    x = Value(2.0)
    partials = partials_of(zero, 1, full=True)

    assert partial_formulas(zero(x), {x: "x"}) == ("x",)
    assert [row.name for row in partials.program.rows if row] == ["mul", "add"]


def test_data_of_a_symbol_is_refused() -> None:
    reads = sg.primitive(
        "reads", lambda x: x, lambda x, out: (1.0 if isinstance(x, float) else x.data,)
    )
    with pytest.raises(TypeError, match=r"read \.data.*library's functions"):
        partials_of(reads, 1, full=True)
    with pytest.raises(TypeError, match=r"read \.data"):
        _ = Formula(1.0, "x").data


def test_partials_that_branch_too_often_are_refused() -> None:
    def partials(x: Value, out: Value) -> tuple[float]:
        return (sum(1.0 if x > k else 0.0 for k in range(10)),)

    steps = sg.primitive("steps", math.floor, partials)
    with pytest.raises(TypeError, match="branch too often"):
        partials_of(steps, 1, full=True)
