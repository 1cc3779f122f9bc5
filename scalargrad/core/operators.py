"""Python's operators, and the method names of NumPy and micrograd, for everything traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from scalargrad.core import primitives as row
from scalargrad.core.numbers import Traced, is_number
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.core.ufuncs import apply_function, apply_ufunc, fmod

__all__ = ["Operators", "is_inverted", "is_truth"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _unary(primitive: Primitive) -> Callable[[Operators], Any]:
    def method(self: Operators) -> Any:
        return self.apply(primitive, (self,))

    return _named(method, primitive.name, primitive)


def _binary(
    primitive: Primitive,
) -> tuple[Callable[[Operators, Any], Any], Callable[[Operators, Any], Any]]:
    """The operator, and its reflected form for a number on the left."""

    def method(self: Operators, other: Any) -> Any:
        return self.apply(primitive, (self, other)) if is_number(other) else NotImplemented

    def reflected(self: Operators, other: Any) -> Any:
        return self.apply(primitive, (other, self)) if is_number(other) else NotImplemented

    _named(method, f"__{primitive.name}__", primitive)
    return method, _named(reflected, f"__r{primitive.name}__", primitive)


def _comparison(primitive: Primitive, swapped: bool = False) -> Callable[[Operators, Any], Any]:
    def method(self: Operators, other: Any) -> Any:
        # the two frequent kinds first: 60 ns of 250
        frequent = other.__class__ is float or isinstance(other, Operators)
        if not frequent and not is_number(other):
            return NotImplemented
        if swapped:
            return self.compare(primitive, other, self)
        return self.compare(primitive, self, other)

    return method


def _named(method: _Method, name: str, primitive: Primitive) -> _Method:
    method.__name__, method.__doc__ = name, primitive.__doc__
    return method


_COMPARISONS = (row.less, row.less_equal, row.equal)
_JOINED = (row.minimum, row.maximum, row.sub)
_HALF = 0.5  # ~c is c < 0.5


def is_truth(x: Any) -> bool:
    """Whether `x` is a bool, or a comparison that is recorded, or several joined by & | ~."""
    if isinstance(x, Operators):
        kind = getattr(x, "_row", None)
        return kind in _COMPARISONS or (
            kind in _JOINED
            and all((p.is_constant and p._data in (0.0, 1.0)) or is_truth(p) for p in x.parents)
        )
    return type(x).__name__ in ("bool", "bool_")


def is_inverted(x: Any) -> bool:
    """Whether `x` is ~c, or joined so that Python's own ~ of a bool would show: ~True is -2."""
    kind, parents = getattr(x, "_row", None), x.parents
    if kind is row.less:
        return is_truth(parents[0]) and parents[1].is_constant and parents[1]._data == _HALF
    if kind is row.maximum:
        return is_truth(x) and any(map(is_inverted, parents))
    return kind is row.minimum and is_truth(x) and all(map(is_inverted, parents))


class Operators(Traced):
    """The operators of numbers, for a class with `apply`, `compare` and `decide`."""

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
    __floor__ = _unary(row.floor)
    __ceil__ = _unary(row.ceil)
    __lt__ = _comparison(row.less)
    __le__ = _comparison(row.less_equal)
    __gt__ = _comparison(row.less, swapped=True)
    __ge__ = _comparison(row.less_equal, swapped=True)
    __eq__ = _comparison(row.equal)
    __hash__ = object.__hash__  # by identity, as in PyTorch: a Value is a key of dicts and sets

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return 1.0 - equal if isinstance(equal, Operators) else not equal

    def __bool__(self) -> bool:
        return self.decide()

    # Comparisons are bools, which Python joins. While a function is recorded they are numbers, 1 or
    # 0, which these operators join; other numbers they do not take.

    def __and__(self, other: Any) -> Any:
        return self._joined(row.minimum, other)

    def __or__(self, other: Any) -> Any:
        return self._joined(row.maximum, other)

    def __xor__(self, other: Any) -> Any:
        both, one = self._joined(row.minimum, other), self._joined(row.maximum, other)
        return both if both is NotImplemented else one - both

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Any:
        if not is_truth(self):
            raise TypeError(
                f"~ takes a comparison, like ~(x > 1), got {type(self).__name__}: {self!r:.60}"
            )
        return self.apply(row.less, (self, _HALF))

    def _joined(self, primitive: Primitive, other: Any) -> Any:
        if is_truth(self) and is_truth(other):
            return self.apply(primitive, (self, other))
        return NotImplemented

    def __pos__(self) -> Any:
        return self

    # NumPy calls these two when a value itself is an operand, and not an element of an array.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return apply_function(function, args, kwargs)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return (self // other, self % other) if is_number(other) else NotImplemented

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:  # divmod(other, self)
        return (other // self, other % self) if is_number(other) else NotImplemented

    @property
    def _op(self) -> str:  # programs written for micrograd read this and the next
        return self.op

    @property
    def _prev(self) -> set[Any]:
        return set(self.parents)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot become a plain number: its gradient would be lost. Write x.data for "
            "the number, or this library's function in place of the one of math: sg.exp(x), not "
            "math.exp(x)"
        )

    __float__ = __int__ = __complex__ = __round__ = __trunc__ = _refuse

    if TYPE_CHECKING:

        @property
        def op(self) -> str: ...  # noqa: D102  (documented in `Value`)
        @property
        def parents(self) -> tuple[Any, ...]: ...  # noqa: D102

    # Type checkers and completion know the methods named here; the loop below adds those of
    # further rows.
    exp = _unary(row.exp)
    exp2 = _unary(row.exp2)
    expm1 = _unary(row.expm1)
    log = _unary(row.log)
    log2 = _unary(row.log2)
    log10 = _unary(row.log10)
    log1p = _unary(row.log1p)
    sqrt = _unary(row.sqrt)
    cbrt = _unary(row.cbrt)
    sin = _unary(row.sin)
    cos = _unary(row.cos)
    tan = _unary(row.tan)
    asin = _unary(row.asin)
    acos = _unary(row.acos)
    atan = _unary(row.atan)
    sinh = _unary(row.sinh)
    cosh = _unary(row.cosh)
    tanh = _unary(row.tanh)
    asinh = _unary(row.asinh)
    acosh = _unary(row.acosh)
    atanh = _unary(row.atanh)
    erf = _unary(row.erf)
    erfc = _unary(row.erfc)
    erfinv = _unary(row.erfinv)
    ndtr = _unary(row.ndtr)
    log_ndtr = _unary(row.log_ndtr)
    ndtri = _unary(row.ndtri)
    gamma = _unary(row.gamma)
    lgamma = _unary(row.lgamma)
    digamma = _unary(row.digamma)
    logit = _unary(row.logit)
    sigmoid = _unary(row.sigmoid)
    softplus = _unary(row.softplus)
    relu = _unary(row.relu)
    leaky_relu = _unary(row.leaky_relu)
    elu = _unary(row.elu)
    gelu = _unary(row.gelu)
    silu = _unary(row.silu)
    abs = _unary(row.abs)
    sign = _unary(row.sign)
    floor = _unary(row.floor)
    ceil = _unary(row.ceil)
    rint = _unary(row.rint)
    radians = _unary(row.radians)
    degrees = _unary(row.degrees)
    sinc = _unary(row.sinc)
    neg = _unary(row.neg)
    # NumPy calls these on the elements of arrays of objects.
    fabs = abs
    conjugate = __pos__  # for var and vdot
    deg2rad, rad2deg = radians, degrees
    hypot = _binary(row.hypot)[0]
    arctan2 = _binary(row.atan2)[0]
    arcsin, arccos, arctan = asin, acos, atan
    arcsinh, arccosh, arctanh = asinh, acosh, atanh

    def fmod(self, other: Any) -> Any:
        """The remainder with the sign of this value, as in C; `%` has the sign of the divisor."""
        return fmod(self, other)

    def logical_xor(self, other: Any) -> bool:
        """Whether exactly one of the two is true."""
        return bool(self) != bool(other)


for _primitive in TABLE.values():
    if _primitive.arity == 1 and not hasattr(Operators, _primitive.name):
        setattr(Operators, _primitive.name, _unary(_primitive))
