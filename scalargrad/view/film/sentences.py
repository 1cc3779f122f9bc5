"""The sentences of a film: how a value was computed, and what each operand receives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from scalargrad.core.labels import clean, format_number
from scalargrad.core.value import Value
from scalargrad.view.formula.formula import is_stale, partial_formulas, value_formula
from scalargrad.view.graph import Box, Kind, count

__all__ = ["Sentences", "listed"]

_LONGEST_FORMULA = 120  # characters; the sum of a wide layer would fill the screen
_LONGEST_LIST = 12
_STALE = "An operand has changed since: the value and its derivatives are from before the change."

_GIVEN: dict[Kind, str] = {
    "input": "inputs", "parameter": "parameters", "constant": "plain numbers",
    "group": "groups", "result": "the result itself",
}  # fmt: skip


class Sentences:
    """Sentences about the values that have boxes of their own; `names` are what they are called."""

    def __init__(self, boxes: Mapping[Value, Box]) -> None:
        self.names = {
            value: _bracketed(box.label) or format_number(value.data)
            for value, box in boxes.items()
        }

    def given(self, boxes: Sequence[Box]) -> tuple[str, ...]:
        """Name the values that nothing was computed for, a line for each kind of box."""
        kinds = list(_GIVEN)
        ordered = sorted(boxes, key=lambda box: kinds.index(box.kind))
        return tuple(
            f"{_GIVEN[kind]}: {listed(map(_with_value, group))}"
            for kind, group in groupby(ordered, key=lambda box: box.kind)
        )

    def computed(self, value: Value) -> tuple[str, tuple[str, ...]]:
        """Say how a value was computed; all of its operands must have boxes of their own."""
        unnamed: dict[Value, str] = {}  # then the formula holds the numbers
        formulas = (value_formula(value, names) for names in (self.names, unnamed))
        title = _equal(self.names[value], *map(_short, formulas), format_number(value.data))
        return title, (_STALE,) if is_stale(value) else ()

    def complete(self, value: Value, grad: float, with_formula: bool) -> str:
        """Say that the gradient of a value is complete, and which operation it goes back through.

        Formulas are for values of a few operands: others may have a million.
        """
        name = self.names[value]
        through = f"{name} = {_short(value_formula(value, self.names))}" if with_formula else name
        return f"{name}.grad = {format_number(grad)} is complete and flows back through {through}"

    def contributions(self, value: Value, grad: float, with_formula: bool) -> Iterator[str]:
        """Say what each operand of a value receives by the chain rule; "" for one in a group."""
        name = self.names[value]
        uses = Counter(value.parents)
        slopes = (
            partial_formulas(value, self.names)
            if with_formula
            else map(format_number, value.partials)
        )
        for position, (parent, slope) in enumerate(zip(value.parents, slopes, strict=True)):
            if parent not in self.names:
                yield ""
                continue
            operand, partial = self.names[parent], float(value.partials[position])
            symbol, formula = f"∂{name}/∂{operand}", _short(slope)
            if uses[parent] > 1:
                symbol += f" (operand {position + 1})"
            if not partial:
                zero = _equal(symbol, formula, "0")
                yield f"nothing flows to {operand}: {zero}{_why_zero(value, formula)}"
                continue
            yield f"{operand}.grad += " + _equal(
                f"{name}.grad × {symbol}",
                "" if formula == format_number(partial) else f"{name}.grad × {_factor(formula)}",
                f"{format_number(grad)} × {_factor(format_number(partial))}",
                format_number(grad * partial),
            )


def listed(words: Iterable[str]) -> str:
    """Join the words with commas; of very many the first dozen.

    >>> listed(["a", "b"])
    'a, b'
    """
    words = list(words)
    more = len(words) - _LONGEST_LIST
    return ", ".join(words[:_LONGEST_LIST]) + (f" and {more:,} more" if more > 0 else "")


def _bracketed(name: str) -> str:
    """The name, in brackets if it could be read as a formula: a label may be "a+b"."""
    return f"({name})" if re.search(r"[-+*/^·×∂=]", name) else name


def _with_value(box: Box) -> str:
    if box.values > 1:
        return f"{box.title} ({count(box.values, 'value')})"
    number = format_number(box.data or 0.0)
    return number if box.kind == "constant" else f"{box.label} = {number}"


def _short(formula: str) -> str:
    return clean(formula, _LONGEST_FORMULA)


def _equal(*terms: str) -> str:
    """The terms with = between them, without empty ones and those that repeat the one before."""
    return " = ".join(term for term, _ in groupby(filter(None, terms)))


def _factor(text: str) -> str:
    """The text, in brackets if it could be misread beside a ×."""
    depth, loose = 0, text.startswith("-")
    for i, character in enumerate(text):
        depth += (character in "([|") - (character in ")]")
        loose = loose or (not depth and text[i : i + 3] in (" + ", " - "))
    return f"({text})" if loose else text


def _why_zero(value: Value, formula: str) -> str:
    """The reason why a local derivative is 0, where its formula does not show it."""
    if formula != "0":
        return ""
    numbers = tuple(float(parent.data) for parent in value.parents)
    if value.parents and numbers in value._row.kinks:
        return " (at the kink, where the derivative is defined as 0)"
    if value.op == "relu":
        return f" (relu is inactive: {format_number(numbers[0])} is not above 0)"
    return ""
