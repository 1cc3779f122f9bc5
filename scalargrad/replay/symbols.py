"""The tracer of partials: a row's partials evaluated on symbols, which gives expressions.

Two kinds of symbols exist: slots of a program (`replay/partials.py`) and formulas to read
(`view/formula/formula.py`). They share this tracer and nothing more. Their rules of simplification
stay apart on purpose: an instruction may only become what holds for every number, inf, nan and -0.0
included (`replay/simplify.py`), a formula becomes what reads well: 0 * x is 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeVar

from scalargrad.core.operators import Operators
from scalargrad.core.rows import Primitive, as_float, is_number
from scalargrad.replay.choices import less, less_equal, same

__all__ = ["Symbol", "symbolic_partials"]


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
        return self.emit(primitive, tuple([self.symbol(x) for x in inputs]))

    def __lt__(self, other: Any) -> Any:
        return self.apply(less, (self, other))

    def __gt__(self, other: Any) -> Any:
        return self.apply(less, (other, self))

    def __le__(self, other: Any) -> Any:
        return self.apply(less_equal, (self, other))

    def __ge__(self, other: Any) -> Any:
        return self.apply(less_equal, (other, self))

    def __eq__(self, other: object) -> Any:
        return self.apply(same, (self, other)) if is_number(other) else False

    def __ne__(self, other: object) -> Any:
        return 1.0 - self.apply(same, (self, other)) if is_number(other) else True

    __hash__ = Operators.__hash__

    def __bool__(self) -> bool:
        return self.decide()

    @property
    def data(self) -> float:  # type: ignore[override]
        raise TypeError(
            "the partials of an operation read .data, which a symbol does not have: write them "
            "with this library's functions alone"
        )


_S = TypeVar("_S", bound=Symbol)


def symbolic_partials(row: Primitive, inputs: Sequence[_S], out: _S) -> list[_S]:
    """The partials of `row` at these inputs and this value, as symbols."""
    return [out.symbol(partial) for partial in row.partials(*inputs, out)]
