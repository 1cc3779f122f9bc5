"""What the film says: sentences about values, their operands and what flows between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from scalargrad.core.labels import clean, format_number
from scalargrad.core.value import Value
from scalargrad.view.formula.formula import is_stale, partial_formulas, value_formula
from scalargrad.view.graph import Box, Kind, count

__all__ = ["Words", "listed"]

_LONGEST_FORMULA = 120  # characters; the sum of a wide layer would fill the screen
_LONGEST_LIST = 12

_GIVEN: dict[Kind, str] = {
    "input": "inputs", "parameter": "parameters", "constant": "plain numbers",
    "group": "many at once", "result": "the result itself",
}  # fmt: skip


class Words:
    """The sentences about the values that have a box of their own, by the titles of those boxes."""

    def __init__(self, boxes: Mapping[Value, Box]) -> None:
        self.names = {
            value: _whole(box.label) or format_number(value.data) for value, box in boxes.items()
        }

    def given(self, boxes: Sequence[Box]) -> tuple[str, ...]:
        """A line for each kind of box: what is there before anything is computed."""
        kinds = list(_GIVEN)
        ordered = sorted(boxes, key=lambda box: kinds.index(box.kind))
        return tuple(
            f"{_GIVEN[kind]}: {listed(map(_as_given, group))}"
            for kind, group in groupby(ordered, key=lambda box: box.kind)
        )

    def computed(self, value: Value) -> tuple[str, tuple[str, ...]]:
        """How a value came about, all of whose operands have boxes of their own."""
        nameless: dict[Value, str] = {}  # then the formula has numbers in their place
        formulas = (value_formula(value, names) for names in (self.names, nameless))
        title = _chain(self.names[value], *map(_short, formulas), format_number(value.data))
        return title, (_STALE,) if is_stale(value) else ()

    def complete(self, value: Value, grad: float, whole: bool) -> str:
        """That the gradient of a value is complete, and where it goes from there."""
        name = self.names[value]
        way = f"{name} = {_short(value_formula(value, self.names))}" if whole else name
        return f"{name}.grad = {format_number(grad)} is complete and flows back through {way}"

    def contributions(self, value: Value, grad: float, whole: bool) -> Iterator[str]:
        """What each operand gets from a value, as the chain rule has it; "" for one in a group.

        Formulas are for a value that is told whole: others may have a million operands.
        """
        name = self.names[value]
        uses = Counter(value.parents)
        slopes = (
            partial_formulas(value, self.names) if whole else map(format_number, value.partials)
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
                told = _chain(symbol, formula, "0")
                yield f"nothing to {operand}: {told}{_why_zero(value, formula)}"
                continue
            yield f"{operand}.grad += " + _chain(
                f"{name}.grad × {symbol}",
                "" if formula == format_number(partial) else f"{name}.grad × {_factor(formula)}",
                f"{format_number(grad)} × {_factor(format_number(partial))}",
                format_number(grad * partial),
            )


_STALE = "An operand has changed since: this value and its derivatives are those of then."


def listed(words: Iterable[str]) -> str:
    """The words with commas; of very many the first dozen.

    >>> listed(["a", "b"])
    'a, b'
    """
    words = list(words)
    more = len(words) - _LONGEST_LIST
    return ", ".join(words[:_LONGEST_LIST]) + (f" and {more:,} more" if more > 0 else "")


def _whole(name: str) -> str:
    """In brackets, if the name could be read as a formula: a label may be "a+b"."""
    return f"({name})" if re.search(r"[-+*/^·×∂=]", name) else name


def _as_given(box: Box) -> str:
    if box.values > 1:
        return f"{box.title} ({count(box.values, 'value')})"
    number = format_number(box.data or 0.0)
    return number if box.kind == "constant" else f"{box.label} = {number}"


def _short(formula: str) -> str:
    return clean(formula, _LONGEST_FORMULA)


def _chain(*terms: str) -> str:
    """The terms with = between them, without those that only repeat the one before."""
    kept = [term for term in terms if term]
    return " = ".join(term for i, term in enumerate(kept) if not i or term != kept[i - 1])


def _factor(text: str) -> str:
    """In brackets, if it could be misread beside a ×."""
    depth, loose = 0, text.startswith("-")
    for i, character in enumerate(text):
        depth += (character in "([|") - (character in ")]")
        loose = loose or (not depth and text[i : i + 3] in (" + ", " - "))
    return f"({text})" if loose else text


def _why_zero(value: Value, formula: str) -> str:
    """Why an operation passes nothing on, where its formula does not show it."""
    if formula != "0":
        return ""
    numbers = tuple(float(parent.data) for parent in value.parents)
    if value.parents and numbers in value._row.kinks:
        return " (at the kink, where this number is taken)"
    if value.op == "relu":
        return f" (relu is inactive: {format_number(numbers[0])} is not above 0)"
    return ""
