"""The notation of one explanation: names, slopes, δs and products, as text and as LaTeX."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scalargrad.core.labels import label_of
from scalargrad.core.primitives import identity
from scalargrad.core.value import Value
from scalargrad.view.explain.deltas import Deltas, Term
from scalargrad.view.explain.typeset import Piece, number, product
from scalargrad.view.formula.formula import Formula, name_of, of_partials, of_value
from scalargrad.view.formula.templates import ATOM, PRODUCT, template
from scalargrad.view.read.names import names_of

__all__ = ["Notation"]

_INLINE = 6  # operations and operands of an unnamed value that is written out where it occurs
_FACTORS = 9  # of a longer product the first four and the last three are shown
_LONG = 50
_WIDE = 16  # operands; those of a wider operation are not written out

# "a3", "w13", "h_2": names that end in the number of a node
_NUMBERED = re.compile(r"[^\W\d_]+_?([0-9]+)")


class Notation:
    """The names of the values of one graph, and how terms and products are written with them.

    A short unnamed value is written out, a long one gets a name like "v12"; the slope of a function
    of one operand is written tanh'(z). `slopes` and `unnamed` collect what was written so, since an
    explanation has to define it.
    """

    def __init__(self, x: Value, w: Value, deltas: Deltas, given: Mapping[Value, str]) -> None:
        self.x, self.w, self.deltas, self.given = x, w, deltas, given
        self.graph, self.nodes = deltas.graph, deltas.graph.tape.nodes
        order = self.nodes if self.graph.connected else [*self.nodes, w]
        self.names = names_of(order, given)
        self.slopes: dict[Piece, tuple[Piece, float]] = {}
        self.unnamed: dict[Value, None] = {}
        self._values: dict[str, Value] = {}  # the unnamed values by the names they were given
        self._partials: dict[int, list[Formula]] = {}
        self._numbers: dict[int, str] = {}

    def name(self, value: Value) -> Piece:
        """The name of a value."""
        formula = self._named(value)
        return self._written(formula if formula.name else Formula(value.data, self.names[value]))

    def derivative(self, value: Value) -> Piece:
        """∂x/∂value."""
        x, v = (Formula(0.0, self.names[v]) for v in (self.x, value))
        over = rf"\frac{{\partial {x.write(True)}}}{{\partial {v.write(True)}}}"
        return Piece(f"∂{x.write(need=ATOM)}/∂{v.write(need=ATOM)}", over)

    def number_deltas(self, nodes: Iterable[int]) -> None:
        """Write the δ of these nodes with the numbers in their names, where no two are equal."""
        found = {
            i: match[1] for i in nodes if (match := _NUMBERED.fullmatch(self.names[self.nodes[i]]))
        }
        uses = Counter(found.values())
        self._numbers = {i: digits for i, digits in found.items() if uses[digits] == 1}

    def delta(self, i: int) -> Piece:
        """The δ of node `i`."""
        if digits := self._numbers.get(i):
            return Piece(f"δ{digits}", rf"\delta_{{{digits}}}")
        name = self.name(self.nodes[i])
        return Piece(f"δ({name.text})", rf"\delta_{{{name.latex}}}")

    def term(self, term: Term, first: bool) -> tuple[Piece, Piece]:
        """A term of a δ: the product in names, and in numbers."""
        if term.head == self.graph.last:
            return self._product([], term.edges[::-1], first)
        g = self.delta(term.head), number(self.deltas.adjoints[term.head])
        return self._product([g], term.edges[::-1], first)

    def path(self, edges: Sequence[int]) -> tuple[Piece, Piece]:
        """The product along a path: in names, and in numbers."""
        return self._product([], edges, True)

    def _product(
        self, before: list[tuple[Piece, Piece]], edges: Sequence[int], first: bool
    ) -> tuple[Piece, Piece]:
        if len(edges) > _LONG:  # a million formulas take time, and a factor of 1 adds nothing
            edges = [edge for edge in edges if self.graph.partials[edge] != 1.0]
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
        head = self.graph.heads[edge]
        if head not in self._partials:
            node = self.nodes[head]
            # Of 20,000 operands hardly one is shown: written out they took 16 s.
            symbol = self._symbol if len(node.parents) <= _WIDE else self._named
            self._partials[head] = of_partials(node, symbol)
        return self._partials[head][self.graph.position(edge)]

    def _is_plain_one(self, edge: int) -> bool:
        """Whether this is the 1 of a sum, which would only take up room."""
        several = len(self.nodes[self.graph.heads[edge]].parents) > 1
        return several and self._formula(edge).is_one_of(1)

    def _factor(self, edge: int) -> tuple[Piece, Piece]:
        """The local derivative on an edge, in names and as a number."""
        formula, partial = self._formula(edge), self.graph.partials[edge]
        slope = self._slope(self.nodes[self.graph.heads[edge]])
        if slope is None:
            return self._written(formula, PRODUCT), number(partial)
        self.slopes.setdefault(slope, (self._written(formula), partial))
        return slope, number(partial)

    def _slope(self, node: Value) -> Piece | None:
        """The slope of a function of one operand, by its name: tanh'(z)."""
        if len(node.parents) != 1:
            return None
        text, latex = (template(node._row, 1, style).texts for style in (False, True))
        if not text[0].endswith("(") or text[-1] != ")":
            return None  # such as -x
        inner = self._written(self._symbol(node.parents[0]))
        name = latex[0][:-1] if latex[0].endswith("(") else rf"\operatorname{{{text[0][:-1]}}}"
        return Piece(f"{text[0][:-1]}'({inner.text})", f"{name}'({inner.latex})")

    def _symbol(self, value: Value, depth: int = 5) -> Formula:
        """The value as an operand: its name if it has one, else its formula if that is short."""
        if value._row is identity and not label_of(value):  # `grad` puts one over its arguments
            return self._symbol(value.parents[0], depth)
        if label_of(value) or not value.parents or len(value.parents) > 3 or not depth:
            return self._named(value)
        written = of_value(value, lambda operand: self._symbol(operand, depth - 1))
        return written if written.size <= _INLINE else self._named(value)

    def _named(self, value: Value) -> Formula:
        formula = name_of(value, self.names)
        if formula.name and not label_of(value) and value not in self.given:
            self._values[formula.name] = value
        return formula

    def _written(self, formula: Formula, need: int = 0) -> Piece:
        """The formula as text and LaTeX; notes the unnamed values in it."""
        stack = [formula]
        while stack:
            part = stack.pop()
            stack += part.operands
            if part.name in self._values:
                self.unnamed.setdefault(self._values[part.name])
        return Piece(formula.write(need=need), formula.write(latex=True, need=need))

    def definition(self, value: Value) -> Piece:
        """The formula of an unnamed value."""
        if not value.parents:
            return number(value.data)
        return self._written(of_value(value, self._symbol))
