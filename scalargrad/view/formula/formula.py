"""Values and their partials as formulas in names, all of which follow from the table.

No derivative is written here: the partials of a row are traced on formulas, as they are on floats
and on Values, and out comes 1 - a3². Known here is algebra that makes formulas read well. It is not
that of recorded programs (`replay/simplify.py`), which must hold for nan and -0.0 too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isclose, isnan, nan
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.labels import format_number, label_of
from scalargrad.core.rows import Primitive
from scalargrad.core.symbols import Symbol, symbolic_partials
from scalargrad.core.value import Value
from scalargrad.view.formula.latex import latex_name, latex_number
from scalargrad.view.formula.templates import (
    ATOM,
    POWER,
    PRODUCT,
    SUM,
    bracketed,
    can_be_written,
    template,
)

__all__ = [
    "Formula",
    "is_stale",
    "name_of",
    "of_partials",
    "of_value",
    "partial_formulas",
    "value_formula",
]

_LONGEST = 40  # operations and operands of a partial; a longer one is shown as its number

_OPERATOR = re.compile(r"[-+*/·=<>^%|]|,(?![\d,]*\])")  # but not the comma of w[1][0,2]

Atom = Callable[[Value], "Formula"]  # gives the formula of an operand


class Formula(Symbol):
    """A number with a formula for it: a name, a plain number, or an operation on formulas."""

    __slots__ = ("name", "operands", "primitive", "size", "value")

    value: float
    name: str  # "" for a plain number and for an operation
    primitive: Primitive | None
    operands: tuple[Formula, ...]
    size: int

    def __init__(
        self, value: float, name: str = "",
        primitive: Primitive | None = None, operands: Sequence[Formula] = (),
    ) -> None:  # fmt: skip
        self.value = value
        self.name = name
        self.primitive = primitive
        self.operands = tuple(operands)
        self.size = 1 + sum([operand.size for operand in operands])

    @property
    def is_number(self) -> bool:
        """Whether this is a plain number."""
        return not self.name and self.primitive is None

    def emit(self, primitive: Primitive, operands: tuple[Formula, ...]) -> Formula:
        """The formula of an operation, simplified for reading."""
        value = primitive.evaluate([x.value for x in operands])
        if all(x.is_number for x in operands):
            return Formula(value)
        formula = _reading(primitive, operands, value) or _simplified(primitive, operands, value)
        result = Formula(value, formula.name, formula.primitive, formula.operands)
        if result.size > _LONGEST:  # each step of a program may double it: the size is enough
            result.operands = ()
        return result

    def constant(self, number: float) -> Formula:
        """The formula of a plain number."""
        return Formula(number)

    def compare(self, primitive: Primitive, x: Any, y: Any) -> bool:
        """Whether the comparison holds."""
        # a formula belongs to one point, where a comparison is true or false
        return bool(primitive.value(self.symbol(x).value, self.symbol(y).value))

    def decide(self) -> bool:
        """Whether the number is not 0."""
        return self.value != 0.0

    def write(self, latex: bool = False, need: int = 0) -> str:
        """The formula as text or LaTeX, in brackets if it binds less tightly than `need`."""
        text, level = self._write(latex)
        return bracketed(text, latex) if level < need else text

    def _write(self, latex: bool) -> tuple[str, int]:
        if self.name:
            level = SUM if _OPERATOR.search(self.name) else ATOM
            return latex_name(self.name) if latex else self.name, level
        if self.primitive is None:
            text = latex_number(self.value) if latex else format_number(self.value)
            return text, PRODUCT if text.startswith("-") or "cdot" in text else ATOM
        if not latex and self.primitive is row.pow and self.operands[1].is_one_of(2, 3):
            exponent = "²" if self.operands[1].value == 2.0 else "³"
            return self.operands[0].write(need=ATOM) + exponent, POWER
        form = template(self.primitive, len(self.operands), latex)
        return form.fill(lambda index: self.operands[index]._write(latex), latex)

    def is_one_of(self, *which: int) -> bool:
        """Whether this is a plain number, and one of these."""
        return self.is_number and self.value in which

    def __repr__(self) -> str:
        return f"<Formula {self.write() if self.size <= _LONGEST else self.value!r}>"


def value_formula(value: Value, names: Mapping[Value, str], latex: bool = False) -> str:
    """The formula of `value` in the names of its operands; for a leaf its own name.

    Args:
        value: A value of a graph.
        names: The names of values; a value without one is shown as its number.
        latex: Whether to return LaTeX instead of text.

    >>> from scalargrad.view.formula.formula import value_formula
    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> value_formula(sg.tanh(x * y), {x: "x", y: "y"})
    'tanh(6)'
    >>> value_formula((x + 1) * y, {x: "x", y: "y"}), value_formula(x**2, {x: "x"})
    ('4·y', 'x²')
    """
    return of_value(value, lambda operand: name_of(operand, names)).write(latex)


def partial_formulas(
    value: Value, names: Mapping[Value, str], latex: bool = False
) -> tuple[str, ...]:
    """The partials of `value` with respect to each of its operands, in names.

    A partial without a short formula is shown as its number.

    >>> from scalargrad.view.formula.formula import partial_formulas
    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> partial_formulas(x * y, {x: "x", y: "y"})
    ('y', 'x')
    >>> a = sg.tanh(x)
    >>> partial_formulas(a, {x: "x", a: "a"})
    ('1 - a²',)
    """
    formulas = of_partials(value, lambda operand: name_of(operand, names))
    return tuple(formula.write(latex) for formula in formulas)


def is_stale(value: Value) -> bool:
    """Whether the operands of `value` have changed since it was computed.

    >>> x = Value(1.0)
    >>> y = sg.exp(x)
    >>> x.data = 2.0
    >>> is_stale(y)
    True
    """
    if not value.parents:
        return False
    try:
        now = value._row.evaluate([float(parent.data) for parent in value.parents])
    except Exception:  # a user's own operation may raise anything
        return True
    return not (isclose(now, value.data, rel_tol=1e-9) or (isnan(now) and isnan(value.data)))


def name_of(value: Value, names: Mapping[Value, str]) -> Formula:
    """The value as an operand: its name, or its number for a constant and for lack of a name."""
    bare = value not in names or (value.is_constant and not label_of(value))
    return Formula(value.data, "" if bare else names[value])


def of_value(value: Value, atom: Atom) -> Formula:
    """The formula of a value; `atom` gives the formulas of its operands."""
    if not value.parents:
        return atom(value)
    formula = Formula(value.data, "", value._row, [*map(atom, value.parents)])
    return formula if _can_be_written(formula) else Formula(value.data)


def of_partials(value: Value, atom: Atom) -> list[Formula]:
    """The formulas of the partials; `atom` gives those of the operands and of the value."""
    recorded = value.partials
    formulas: list[Formula] = []
    if value.parents:
        try:
            inputs = [*map(atom, value.parents)]
            formulas = symbolic_partials(value._row, inputs, atom(value))
        except Exception:  # partials of users may do anything, and a picture must not fail
            formulas = []
    if len(formulas) != len(recorded):
        return [Formula(number) for number in recorded]
    return [
        formula if _holds(formula, number) and _can_be_written(formula) else Formula(number)
        for formula, number in zip(formulas, recorded, strict=True)
    ]


def _holds(formula: Formula, number: float) -> bool:
    """Whether a formula gives the recorded number: not if someone changed `data` since then."""
    same = isclose(formula.value, number, rel_tol=1e-9) or isnan(formula.value)
    return formula.size <= _LONGEST and same and isnan(number) == isnan(formula.value)


def _can_be_written(formula: Formula) -> bool:
    """Whether all rows in a formula can be written: a user's templates may fail."""
    primitive, operands = formula.primitive, formula.operands
    written = primitive is None or can_be_written(primitive, len(operands))
    return written and all(map(_can_be_written, operands))


# --- algebra --------------------------------------------------------------------------------------


def _reading(primitive: Primitive, operands: Sequence[Formula], data: float) -> Formula | None:
    """The form in which an operation is to be read, if it has one that holds here."""
    if primitive.reads is None:
        return None
    try:
        formula = operands[0].symbol(primitive.reads(*operands))
    except (ValueError, ArithmeticError):
        return None
    # it may lose digits to rounding, which is why the row computes otherwise
    return formula if isclose(formula.value, data, rel_tol=1e-9, abs_tol=1e-15) else None


def _simplified(primitive: Primitive, operands: Sequence[Formula], data: float) -> Formula:
    if primitive in (row.mul, row.div) and data == 0.0 and any(x.is_one_of(0) for x in operands):
        return Formula(0.0)
    rule = _RULES.get(primitive)
    return rule(*operands) if rule else _made(primitive, *operands)


def _made(primitive: Primitive, *operands: Formula) -> Formula:
    return Formula(nan, "", primitive, operands)  # `emit` computes the number


def _is(formula: Formula, primitive: Primitive) -> bool:
    return formula.primitive is primitive and bool(formula.operands)


def _neg(x: Formula) -> Formula:
    if x.is_number:
        return Formula(-x.value)
    return x.operands[0] if _is(x, row.neg) else _made(row.neg, x)


def _add(x: Formula, y: Formula) -> Formula:
    if x.is_one_of(0) or y.is_one_of(0):
        return y if x.is_one_of(0) else x
    return _sub(x, _neg(y)) if _negative(y) else _made(row.add, x, y)


def _sub(x: Formula, y: Formula) -> Formula:
    if x.is_one_of(0) or y.is_one_of(0):
        return _neg(y) if x.is_one_of(0) else x
    return _add(x, _neg(y)) if _negative(y) else _made(row.sub, x, y)


def _negative(x: Formula) -> bool:
    return _is(x, row.neg) or (x.is_number and x.value < 0.0)


def _mul(x: Formula, y: Formula) -> Formula:
    if y.is_number and not x.is_number:
        x, y = y, x  # the number in front
    if x.is_number and y.is_number:
        return Formula(x.value * y.value)
    if x.is_one_of(1, -1):
        return y if x.value == 1.0 else _neg(y)
    if _is(x, row.neg) or _is(y, row.neg):
        positive = _mul(_neg(x), y) if _is(x, row.neg) else _mul(x, _neg(y))
        return _neg(positive)
    for one, other in ((x, y), (y, x)):
        if _is(other, row.inverse):
            return _div(one, other.operands[0])
    if x.is_number and _is(y, row.mul) and y.operands[0].is_number:
        return _mul(_mul(x, y.operands[0]), y.operands[1])
    base, times = _power(x)
    other_base, other_times = _power(y)
    if _same(base, other_base):
        return _made(row.pow, base, Formula(times + other_times))
    if _is(x, row.mul) and _same(_power(x.operands[1])[0], other_base):
        return _mul(x.operands[0], _mul(x.operands[1], y))
    return _made(row.mul, x, y)


def _power(x: Formula) -> tuple[Formula, float]:
    """x as a base and the number of times it is multiplied."""
    whole = _is(x, row.pow) and x.operands[1].is_number
    return (x.operands[0], x.operands[1].value) if whole else (x, 1.0)


def _div(x: Formula, y: Formula) -> Formula:
    if x.is_number and y.is_number and y.value:
        return Formula(x.value / y.value)
    if y.is_one_of(1):
        return x
    if _is(x, row.neg) or (x.is_number and x.value < 0.0):
        return _neg(_div(_neg(x), y))
    if _is(y, row.neg):
        return _neg(_div(x, _neg(y)))
    if _is(x, row.div):
        return _div(x.operands[0], _mul(x.operands[1], y))
    return _made(row.div, x, y)


def _pow(x: Formula, y: Formula) -> Formula:
    return x if y.is_one_of(1) else _made(row.pow, x, y)


_RULES: dict[Primitive, Callable[..., Formula]] = {
    row.neg: _neg, row.add: _add, row.sub: _sub, row.mul: _mul, row.div: _div, row.pow: _pow,
}  # fmt: skip


def _same(x: Formula, y: Formula) -> bool:
    """Whether two formulas have the same text."""
    if x is y:
        return True
    if x.primitive is not y.primitive or x.name != y.name or x.size != y.size or x.size > _LONGEST:
        return False
    if x.primitive is None:
        return bool(x.name) or x.value == y.value
    return all(map(_same, x.operands, y.operands))
