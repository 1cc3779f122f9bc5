"""What an explanation consists of: names, slopes, δs and products, as text and as LaTeX."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scalargrad.core.labels import label_of
from scalargrad.core.primitives import identity
from scalargrad.core.value import Value
from scalargrad.view.explain.factors import Factors, Term
from scalargrad.view.explain.typeset import Piece, number, product
from scalargrad.view.formula.formula import Formula, name_of, of_partials, of_value
from scalargrad.view.formula.templates import ATOM, PRODUCT, template
from scalargrad.view.read.names import names_of

__all__ = ["Phrases"]

_INLINE = 6  # operations and operands of an unnamed value that is written out where it occurs
_FACTORS = 9  # of a longer product the first four and the last three are shown
_LONG = 50
_WIDE = 16  # operands; those of a wider operation are not written out

# "a3", "w13", "h_2": only of such a name is the number that of a node
_NUMBERED = re.compile(r"[^\W\d_]+_?([0-9]+)")


class Phrases:
    """The names of one graph, and what can be said with them.

    Unnamed values are written out where they are short, and get a name like "v12" where not; the
    slope of a function of one operand is written tanh'(z). `slopes` and `unnamed` collect what was
    mentioned so, for it has to be spelt out.
    """

    def __init__(self, x: Value, w: Value, factors: Factors, given: Mapping[Value, str]) -> None:
        self.x, self.w, self.factors, self.given = x, w, factors, given
        self.ways = factors.ways
        order = self.ways.order
        self.names = names_of(order if self.ways.nodes else [*order, w], given)
        self.slopes: dict[Piece, tuple[Piece, float]] = {}
        self.unnamed: dict[Value, None] = {}
        self._values: dict[str, Value] = {}  # the unnamed ones by the names they were given
        self._partials: dict[int, list[Formula]] = {}
        self._numbers: dict[int, str] = {}

    def name(self, value: Value) -> Piece:
        """The value by its name."""
        formula = self._named(value)
        return self._said(formula if formula.name else Formula(value.data, self.names[value]))

    def derivative(self, value: Value) -> Piece:
        """∂x/∂value."""
        x, v = (Formula(0.0, self.names[v]) for v in (self.x, value))
        over = rf"\frac{{\partial {x.write(True)}}}{{\partial {v.write(True)}}}"
        return Piece(f"∂{x.write(need=ATOM)}/∂{v.write(need=ATOM)}", over)

    def number_deltas(self, places: Iterable[int]) -> None:
        """Let the δ of these nodes be called by the numbers of their names, where those differ."""
        found = {
            place: match[1]
            for place in places
            if (match := _NUMBERED.fullmatch(self.names[self.ways.nodes[place]]))
        }
        often = Counter(found.values())
        self._numbers = {place: digits for place, digits in found.items() if often[digits] == 1}

    def delta(self, place: int) -> Piece:
        """δ of a node."""
        if digits := self._numbers.get(place):
            return Piece(f"δ{digits}", rf"\delta_{{{digits}}}")
        name = self.name(self.ways.nodes[place])
        return Piece(f"δ({name.text})", rf"\delta_{{{name.latex}}}")

    def term(self, term: Term, first: bool) -> tuple[Piece, Piece]:
        """A term of a δ: the product in names, and in numbers."""
        if term.head == self.factors.last:
            return self._product([], term.edges[::-1], first)
        g = self.delta(term.head), number(self.factors.adjoints[term.head])
        return self._product([g], term.edges[::-1], first)

    def way(self, edges: Sequence[int]) -> tuple[Piece, Piece]:
        """The product along a path: in names, and in numbers."""
        return self._product([], edges, True)

    def _product(
        self, before: list[tuple[Piece, Piece]], edges: Sequence[int], first: bool
    ) -> tuple[Piece, Piece]:
        if len(edges) > _LONG:  # a million formulas take time, and a factor of 1 adds nothing
            edges = [edge for edge in edges if self.ways.partials[edge] != 1.0]
        else:
            edges = [edge for edge in edges if not self._is_plain_one(edge)]
        if len(before) + len(edges) <= _FACTORS:
            factors = [*before, *map(self._factor, edges)]
        else:
            dots = Piece("…", r"\dots")
            start, end = edges[: 4 - len(before)], edges[-3:]
            factors = [*before, *map(self._factor, start), (dots, dots), *map(self._factor, end)]
        symbols, numbers = zip(*factors, strict=True) if factors else ((), ())
        return product(symbols, first), product(numbers, first)

    def _formula(self, edge: int) -> Formula:
        """The local derivative on an edge."""
        place = self.ways.heads[edge]
        if place not in self._partials:
            node = self.ways.nodes[place]
            # Of 20,000 operands hardly one is shown: written out they took 16 s.
            symbol = self._symbol if len(node.parents) <= _WIDE else self._named
            self._partials[place] = of_partials(node, symbol)
        return self._partials[place][self.ways.positions[edge]]

    def _is_plain_one(self, edge: int) -> bool:
        """Whether this is the 1 of a sum, which would only take up room."""
        several = len(self.ways.nodes[self.ways.heads[edge]].parents) > 1
        return several and self._formula(edge).is_one_of(1)

    def _factor(self, edge: int) -> tuple[Piece, Piece]:
        """The local derivative on an edge, in names and as a number."""
        formula, partial = self._formula(edge), self.ways.partials[edge]
        slope = self._slope(self.ways.nodes[self.ways.heads[edge]])
        if slope is None:
            return self._said(formula, PRODUCT), number(partial)
        self.slopes.setdefault(slope, (self._said(formula), partial))
        return slope, number(partial)

    def _slope(self, node: Value) -> Piece | None:
        """The slope of a function of one operand, by its name: tanh'(z)."""
        if len(node.parents) != 1:
            return None
        text, latex = (template(node._row, 1, style).texts for style in (False, True))
        if not text[0].endswith("(") or text[-1] != ")":
            return None  # such as -x
        inner = self._said(self._symbol(node.parents[0]))
        name = latex[0][:-1] if latex[0].endswith("(") else rf"\operatorname{{{text[0][:-1]}}}"
        return Piece(f"{text[0][:-1]}'({inner.text})", f"{name}'({inner.latex})")

    def _symbol(self, value: Value, depth: int = 5) -> Formula:
        """The value as an operand: by name if it has one, else written out if that is short."""
        if value._row is identity and not label_of(value):
            return self._symbol(
                value.parents[0], depth
            )  # what `grad` puts over a Value from outside
        if label_of(value) or not value.parents or len(value.parents) > 3 or not depth:
            return self._named(value)
        written = of_value(value, lambda operand: self._symbol(operand, depth - 1))
        return written if written.size <= _INLINE else self._named(value)

    def _named(self, value: Value) -> Formula:
        formula = name_of(value, self.names)
        if formula.name and not label_of(value) and value not in self.given:
            self._values[formula.name] = value
        return formula

    def _said(self, formula: Formula, need: int = 0) -> Piece:
        stack = [formula]
        while stack:
            part = stack.pop()
            stack += part.operands
            if part.name in self._values:
                self.unnamed.setdefault(self._values[part.name])
        return Piece(formula.write(need=need), formula.write(latex=True, need=need))

    def definition(self, value: Value) -> Piece:
        """How an unnamed value was computed."""
        if not value.parents:
            return number(value.data)
        return self._said(of_value(value, self._symbol))
