"""The tracer of partials: a row's partials evaluated on symbols, which gives expressions.

Two kinds of symbols exist: slots of a program (`replay/partials.py`) and formulas to read
(`view/formula/formula.py`). They share this tracer and nothing more. Their rules of simplification
stay apart on purpose: an instruction may only become what holds for every number, inf, nan and -0.0
included (`replay/simplify.py`), a formula becomes what reads well: 0 * x is 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeVar

from scalargrad.core.numbers import as_float
from scalargrad.core.operators import Operators
from scalargrad.core.rows import Primitive

__all__ = ["Symbol", "SymbolError", "symbolic_partials"]


class SymbolError(TypeError):
    """The partials of an operation do what they cannot do with symbols."""


class Symbol(Operators):
    """A number that is not known: an operation on it gives another symbol."""

    __slots__ = ()

    def emit(self, row: Primitive, operands: tuple[Self, ...]) -> Self:
        """The symbol of `row` on symbols; this class of symbols simplifies it here."""
        raise NotImplementedError

    def constant(self, number: float) -> Self:
        """The symbol of a plain number."""
        raise NotImplementedError

    def decide(self) -> bool:
        """The truth of a condition that the partials branch on."""
        raise NotImplementedError

    def symbol(self, x: Any) -> Self:
        """`x` itself, or the symbol of a plain number."""
        return x if isinstance(x, type(self)) else self.constant(as_float(x))

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Self:
        """The symbol of an operation on symbols and numbers."""
        return self.emit(primitive, tuple([self.symbol(x) for x in inputs]))

    def compare(self, primitive: Primitive, x: Any, y: Any) -> Any:
        """The symbol of a comparison."""
        return self.apply(primitive, (x, y))

    @property
    def data(self) -> float:
        """A symbol has no number: reading it is an error."""
        raise SymbolError(
            "the partials of an operation read .data, which a symbol does not have: write them "
            "with this library's functions alone"
        )


_S = TypeVar("_S", bound=Symbol)


def symbolic_partials(row: Primitive, inputs: Sequence[_S], out: _S) -> list[_S]:
    """The partials of `row` at these inputs and this value, as symbols."""
    return [out.symbol(partial) for partial in row.partials(*inputs, out)]
