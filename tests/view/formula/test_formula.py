"""Tests of formulas: what they say, evaluated, is what the table computes."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hostile import HOSTILE
from hypothesis import given
from strategies import ANY, Program, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import format_number
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.view.formula.formula import (
    Formula,
    partial_formulas,
    value_formula,
)

FUNCTIONS: dict[str, Any] = {
    **TABLE,
    "mean": lambda *xs: sg.mean(xs),
    "inf": math.inf,
    "nan": math.nan,
}
POINTS = [pytest.param(row, at, id=f"{row.name}{at}") for row in TABLE.values() for at in row.at]


def evaluated(formula: str, names: dict[str, float]) -> float:
    """What a formula gives when Python reads it."""
    for shown, meant in (("·", "*"), ("²", "**2"), ("³", "**3")):
        formula = formula.replace(shown, meant)
    return float(eval(formula, {"__builtins__": {}}, FUNCTIONS | names))


def on_values(row: Primitive, at: tuple[float, ...]) -> tuple[Value, dict[Value, str]]:
    inputs = [Value(number, f"x{i}") for i, number in enumerate(at)]
    out = row(*inputs)
    return out, {**{x: x.label for x in inputs}, out: "out"}


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "at"), POINTS)
def test_partials_read_as_they_are(row: Primitive, at: tuple[float, ...]) -> None:
    out, names = on_values(row, at)
    numbers = {name: value.data for value, name in names.items()}

    formulas = partial_formulas(out, names)

    assert len(formulas) == len(at)
    for formula, partial in zip(formulas, out.partials, strict=True):
        # the constants in a row are shown with four digits
        assert evaluated(formula, numbers) == pytest.approx(partial, rel=1e-3, abs=1e-300)


@pytest.mark.parametrize(("row", "at"), POINTS)
def test_values_read_as_they_are(row: Primitive, at: tuple[float, ...]) -> None:
    out, names = on_values(row, at)
    formula = value_formula(out, names)

    if row.name == "abs":
        assert formula == "|x0|"  # which is no Python
    else:
        numbers = {name: value.data for value, name in names.items()}
        assert evaluated(formula, numbers) == pytest.approx(out.data, rel=1e-12)


@pytest.mark.parametrize(("row", "at"), POINTS)
def test_latex_is_balanced(row: Primitive, at: tuple[float, ...]) -> None:
    out, names = on_values(row, at)

    for formula in (value_formula(out, names, True), *partial_formulas(out, names, True)):
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\left(") == formula.count(r"\right)")
        assert not set(formula) & set("<>$·")


@pytest.mark.parametrize(
    ("build", "text", "latex"),
    [
        (lambda x, y: sg.tanh(x), "1 - out²", r"1 - {\mathit{out}}^{2}"),
        (lambda x, y: sg.sigmoid(x), "out·(1 - out)", r"\mathit{out} \cdot (1 - \mathit{out})"),
        (lambda x, y: x * y, "y", "y"),
        (lambda x, y: x - y, "1", "1"),
        (lambda x, y: x / y, "1 / y", r"\frac{1}{y}"),
        (lambda x, y: y / x, "-out / x", r"-\frac{\mathit{out}}{x}"),
        (lambda x, y: x**3, "3·x²", r"3 \cdot {x}^{2}"),
        (lambda x, y: x**2, "2·x", r"2 \cdot x"),
        (lambda x, y: x**2.5, "2.5·x ** 1.5", r"2.5 \cdot {x}^{1.5}"),
        (lambda x, y: y % x, "-(y // x)", None),
        (lambda x, y: sg.cbrt(x), "1 / (3·out²)", r"\frac{1}{3 \cdot {\mathit{out}}^{2}}"),
        (lambda x, y: sg.erf(x), "1.128·exp(-x²)", r"1.128 \cdot e^{-{x}^{2}}"),
        (lambda x, y: sg.hypot(x, y), "x / out", r"\frac{x}{\mathit{out}}"),
        (lambda x, y: sg.atan2(x, y), "y / hypot(x, y)²", None),
        (lambda x, y: sg.relu(x), "1", "1"),
        (lambda x, y: sg.relu(-x), "0", "0"),
        (lambda x, y: sg.maximum(x, y), "0", "0"),
        (lambda x, y: sg.prod([x, y, x + 0]), "0.5·y", r"0.5 \cdot y"),
    ],
)
def test_partials_read_well(build: Callable[..., Value], text: str, latex: str | None) -> None:
    x, y = Value(0.5, "x"), Value(2.0, "y")
    out = build(x, y)
    names = {x: "x", y: "y", out: "out"}
    position = next(i for i, parent in enumerate(out.parents) if parent is not y)

    assert partial_formulas(out, names)[position] == text
    if latex is not None:
        assert partial_formulas(out, names, latex=True)[position] == latex


def test_values_read_well() -> None:
    x, y = Value(0.5, "x"), Value(2.0, "y")
    named = lambda out: value_formula(out, {x: "x", y: "y", x + y: "sum"})

    assert named(x) == "x"
    assert named(sg.dot([x, y], [y, y], x)) == "x·y + y·y + x"
    assert named(x**3) == "x³"
    assert named(x - (-1)) == "x - (-1)"
    assert named(-1 * x) == "-1·x"
    assert named((x + y) * x) == "2.5·x"  # what has no name is its number
    assert value_formula(Value(4.0), {}) == "4"
    assert value_formula(x / y, {x: "a + b", y: "c d"}) == "(a + b) / c d"
    assert value_formula(x / y, {x: "a3", y: "w"}, latex=True) == r"\frac{a_{3}}{w}"


# --- brackets and algebra ------------------------------------------------------------------------


# the one is no Python, the others have constants, which are shown with four digits
READABLE = [row for row in ANY if row.name not in ("abs", "hazard", "ndtri_slope", "erfinv_slope")]


@given(programs(READABLE))
def test_formulas_of_programs_read_as_they_are(program: Program) -> None:
    inputs = [Formula(x, f"x{i}") for i, x in enumerate(program.point)]
    out = replace(program, constant=Formula(program.constant, "c"))(*inputs)  # type: ignore[arg-type]
    names = {f"x{i}": x for i, x in enumerate(program.point)} | {"c": program.constant}

    if out.size <= 40:
        assert evaluated(out.write(), names) == pytest.approx(out.value, rel=1e-6, abs=1e-9)
        latex = out.write(latex=True)
        assert latex.count("{") == latex.count("}")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda x, y: 1 * x + 0 * y, "x"),
        (lambda x, y: x * x * x, "x³"),
        (lambda x, y: x * x * x * x, "x ** 4"),
        (lambda x, y: 2 * (3 * x), "6·x"),
        (lambda x, y: x * -1, "-x"),
        (lambda x, y: 0 - (0 - x), "x"),
        (lambda x, y: x + -y, "x - y"),
        (lambda x, y: x - -y, "x + y"),
        (lambda x, y: x + -2, "x - 2"),
        (lambda x, y: 0 - x, "-x"),
        (lambda x, y: -x * -y, "x·y"),
        (lambda x, y: x / y / y, "x / y²"),
        (lambda x, y: -x / -y, "x / y"),
        (lambda x, y: x / (y * x), "x / (y·x)"),
        (lambda x, y: x * (1 - y), "x·(1 - y)"),
        (lambda x, y: (x + y) ** 2, "(x + y)²"),
        (lambda x, y: x ** (y + 1), "x ** (y + 1)"),
        (lambda x, y: (x**y) ** y, "(x ** y) ** y"),
        (lambda x, y: x - (y - x), "x - (y - x)"),
        (lambda x, y: x - y - x, "x - y - x"),
        (lambda x, y: -(x + y), "-(x + y)"),
        (lambda x, y: -(x // y), "-(x // y)"),
        (lambda x, y: x // (y * x), "x // (y·x)"),
        (lambda x, y: abs(x - y), "|x - y|"),
        (lambda x, y: sg.exp(-(x * x) / 2), "exp(-x² / 2)"),
        (lambda x, y: x * math.inf, "inf·x"),
    ],
)
def test_algebra(formula: Callable[[Any, Any], Formula], expected: str) -> None:
    actual = formula(Formula(0.5, "x"), Formula(2.0, "y")).write()

    assert expected == actual


def test_zero_times_infinity_is_not_simplified() -> None:
    assert (Formula(math.inf, "x") * 0).write() == "0·x"


# --- many operands -------------------------------------------------------------------------------


def test_a_long_sum_is_left_out_in_the_middle() -> None:
    w = [Value(1.0, f"w{i}") for i in range(1, 2501)]
    x = [Value(1.0, f"x{i}") for i in range(1, 2501)]
    names = {v: v.label for v in [*w, *x]}
    bias = Value(1.0, "b")

    assert value_formula(sg.dot(w, x), names) == "w1·x1 + w2·x2 + … + w2500·x2500"
    with_bias = value_formula(sg.dot(w, x, bias), names | {bias: "b"})
    assert with_bias == "w1·x1 + w2·x2 + … + w2500·x2500 + b"
    assert value_formula(sg.sum(w), names) == "w1 + w2 + … + w2500"
    assert value_formula(sg.prod(w), names) == "w1·w2·…·w2500"
    assert value_formula(sg.mean(w), names) == "mean(w1, w2, …, w2500)"
    mean = value_formula(sg.mean(w), names, latex=True)
    assert mean == r"\tfrac{1}{2500}(w_{1} + w_{2} + \dots + w_{2500})"
    assert value_formula(sg.sum(w[:6]), names) == "w1 + w2 + w3 + w4 + w5 + w6"


def test_partials_of_many_operands() -> None:
    w = [Value(2.0, f"w{i}") for i in range(2500)]
    x = [Value(1.0, f"x{i}") for i in range(2500)]
    names = {v: v.label for v in [*w, *x]}

    assert partial_formulas(sg.dot(w, x), names) == tuple(v.label for v in [*x, *w])
    assert set(partial_formulas(sg.prod(x), names)) == {"1"}  # as numbers: they are too long
    assert partial_formulas(sg.prod(x[:3]), names)[0] == "x2·x1"


# --- operations of users -------------------------------------------------------------------------


def own(name: str, partials: Callable[..., Any], **templates: str) -> Value:
    operation = sg.primitive(name, lambda x: 2.0 * x, partials, **templates)
    out: Value = operation(Value(3.0, "x"))
    return out


@pytest.mark.parametrize(
    ("partials", "expected"),
    [
        (lambda x, out: (x - x / 3.0,), "x - x / 3"),
        (lambda x, out: (2.0,), "2"),
        (lambda x, out: (2.0 if isinstance(x, float) else x.data + 1,), "2"),
        (lambda x, out: (2.0 if isinstance(x, float) else 1 / 0,), "2"),
        (lambda x, out: (2.0 if isinstance(x, float) else sg.stop_gradient(x),), "2"),
        (lambda x, out: (2.0,) if isinstance(x, float) else (x, x), "2"),
        (lambda x, out: (2.0 if isinstance(x, float) else "two",), "2"),
    ],
)
def test_partials_of_users(partials: Callable[..., Any], expected: str) -> None:
    out = own("formula_partials", partials)

    assert partial_formulas(out, {out.parents[0]: "x"})[0] == expected
    assert partial_formulas(out, {out.parents[0]: "x"}, latex=True)[0]


def test_partials_that_grow_without_end() -> None:
    def doubling(x: Any, out: Any) -> tuple[Any]:
        for _ in range(3_000):
            x = 0.5 * (x * sg.sin(x) + x)
        return (x,)

    out = own("formula_doubling", doubling)

    assert partial_formulas(out, {out.parents[0]: "x"})[0] == format_number(out.partials[0])


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_hostile_names_of_operations(name: str) -> None:
    out = own(f"formula {name}", lambda x, out: (2.0,))
    text = value_formula(out, {out.parents[0]: "x"})
    latex = value_formula(out, {out.parents[0]: "x"}, latex=True)

    assert text.endswith("(x)")
    assert text.isprintable() or "\u200d" in text or "\ufffd" in text
    assert not set(latex) & set("<>")
    assert latex.replace(r"\{", "").count("{") == latex.replace(r"\}", "").count("}")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{0} < 2 & {0}", r"x \lt 2 & x"),
        ("<script>{0}", r"\lt script\gt x"),
        ("&lt;{0}$", r"& lt;x"),
        ("}}{0}", r"\operatorname{formulatemplate}(x)"),
        ("{0}^2", "x^2"),
    ],
)
def test_latex_templates_of_users(template: str, expected: str) -> None:
    out = own("formulatemplate", lambda x, out: (2.0,), latex=template)

    assert value_formula(out, {out.parents[0]: "x"}, latex=True) == expected


def test_text_templates_of_users() -> None:
    for template, expected in [
        ("{0} squared", "x squared"),
        ("a\nb {0}", "a↵b x"),
        ("{0:.0}", "6"),  # says nothing
    ]:
        out = own("formula_text", lambda x, out: (2.0,), text=template)
        assert value_formula(out, {out.parents[0]: "x"}) == expected
    times = sg.primitive("times", lambda x, y: x * y, lambda x, y, out: (y, x), text="{0} by {1}")
    both = times(Formula(1.0, "x") + 1, Formula(2.0, "y") * times(Formula(1.0, "a"), 2.0))
    assert both.write() == "(x + 1) by (y·(a by 2))"


# --- what changed meanwhile ----------------------------------------------------------------------


def test_a_formula_that_no_longer_holds_is_a_number() -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    out = sg.relu(x * w)
    names = {v: v.label for v in (x, w)}
    product = out.parents[0]
    assert partial_formulas(product, names) == ("w", "x")

    w.data = 4.0  # a step of gradient descent: the graph is that of before

    assert partial_formulas(product, names) == ("3", "x")


def test_infinite_and_undefined_slopes() -> None:
    x = Value(0.0, "x")
    root = sg.sqrt(x)
    assert partial_formulas(root, {x: "x", root: "a"})[0] == "0.5 / a"

    power = Value(-2.0, "y") ** Value(3.0, "n")
    assert partial_formulas(power, {})[1] == "nan"
