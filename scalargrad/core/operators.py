"""Python's operators, NumPy's and micrograd's names for whatever is traced, from the table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from scalargrad.core import primitives as row
from scalargrad.core.rows import TABLE, Primitive, Traced, is_number

__all__ = ["Operators", "recorder", "recorders"]

recorders: dict[int, Any] = {}  # who records what a thread computes; empty nearly always

_Binary = Callable[["Operators", Any], Any]
_Method = TypeVar("_Method", bound=Callable[..., Any])


def recorder() -> Any:
    """Who records what this thread computes (a `Recorder` of `replay`), or None."""
    return recorders.get(get_ident()) if recorders else None


def _unary(primitive: Primitive) -> Callable[[Operators], Any]:
    def method(self: Operators) -> Any:
        return self.apply(primitive, (self,))

    return _named(method, primitive.name, primitive)


def _binary(primitive: Primitive) -> tuple[_Binary, _Binary]:
    """The operator, and its reflected form for a number on the left."""

    def method(self: Operators, other: Any) -> Any:
        return self.apply(primitive, (self, other)) if is_number(other) else NotImplemented

    def reflected(self: Operators, other: Any) -> Any:
        return self.apply(primitive, (other, self)) if is_number(other) else NotImplemented

    _named(method, f"__{primitive.name}__", primitive)
    return method, _named(reflected, f"__r{primitive.name}__", primitive)


def _named(method: _Method, name: str, primitive: Primitive) -> _Method:
    method.__name__, method.__doc__ = name, primitive.__doc__
    return method


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Operators, Any], bool]:
    def method(self: Operators, other: Any) -> bool:
        if not is_number(other):
            return NotImplemented  # type: ignore[no-any-return]
        if recorders and (recording := recorder()):
            return recording.compare(compare, self, other)  # type: ignore[no-any-return]
        return bool(compare(self.data, other.data if isinstance(other, Operators) else other))

    return method


class Operators(Traced):
    """What an object with `data` and `apply` needs to stand in formulas as a number does."""

    __slots__ = ()

    __add__, __radd__ = _binary(row.add)
    __sub__, __rsub__ = _binary(row.sub)
    __mul__, __rmul__ = _binary(row.mul)
    __truediv__, __rtruediv__ = _binary(row.div)
    __floordiv__, __rfloordiv__ = _binary(row.floordiv)
    __mod__, __rmod__ = _binary(row.mod)
    __pow__, __rpow__ = _binary(row.pow)
    __neg__ = _unary(row.neg)
    __abs__ = _unary(row.abs)
    fabs = __abs__
    __floor__ = _unary(row.floor)
    __ceil__ = _unary(row.ceil)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)

    def __pos__(self) -> Any:
        return self

    conjugate = __pos__  # NumPy's var and vdot ask for it

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return (self // other, self % other) if is_number(other) else NotImplemented

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:  # divmod(other, self)
        return (other // self, other % self) if is_number(other) else NotImplemented

    @property
    def _op(self) -> str:  # this and the next are what programs written for micrograd read
        return self.op

    @property
    def _prev(self) -> set[Any]:
        return set(self.parents)

    def __bool__(self) -> bool:
        if recorders and (recording := recorder()):
            return recording.decide(self)  # type: ignore[no-any-return]
        return bool(self.data != 0.0)

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot become a plain number by itself: its gradient would be lost. Write "
            "x.data for the number, or this library's function instead of the one of math, "
            "sg.exp(x) for math.exp(x)"
        )

    __float__ = __int__ = __complex__ = __round__ = __trunc__ = _refuse

    if TYPE_CHECKING:  # what type checkers cannot see: the methods made from the table, below
        data: float
        exp: Callable[[], Self]
        exp2: Callable[[], Self]
        expm1: Callable[[], Self]
        log: Callable[[], Self]
        log2: Callable[[], Self]
        log10: Callable[[], Self]
        log1p: Callable[[], Self]
        sqrt: Callable[[], Self]
        cbrt: Callable[[], Self]
        sin: Callable[[], Self]
        cos: Callable[[], Self]
        tan: Callable[[], Self]
        asin: Callable[[], Self]
        acos: Callable[[], Self]
        atan: Callable[[], Self]
        sinh: Callable[[], Self]
        cosh: Callable[[], Self]
        tanh: Callable[[], Self]
        asinh: Callable[[], Self]
        acosh: Callable[[], Self]
        atanh: Callable[[], Self]
        erf: Callable[[], Self]
        sigmoid: Callable[[], Self]
        softplus: Callable[[], Self]
        relu: Callable[[], Self]
        leaky_relu: Callable[[], Self]
        elu: Callable[[], Self]
        gelu: Callable[[], Self]
        silu: Callable[[], Self]
        abs: Callable[[], Self]
        sign: Callable[[], Self]
        floor: Callable[[], Self]
        ceil: Callable[[], Self]
        neg: Callable[[], Self]

        @property
        def op(self) -> str: ...
        @property
        def parents(self) -> tuple[Any, ...]: ...


for _primitive in TABLE.values():
    if _primitive.arity == 1:
        setattr(Operators, _primitive.name, _unary(_primitive))
for _name in ("sin", "cos", "tan", "sinh", "cosh", "tanh"):  # NumPy's names, for arrays of objects
    setattr(Operators, f"arc{_name}", getattr(Operators, f"a{_name}"))
Operators.fabs = Operators.__abs__
for _name, _primitive in (("hypot", row.hypot), ("arctan2", row.atan2)):
    setattr(Operators, _name, _binary(_primitive)[0])
