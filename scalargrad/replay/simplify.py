"""What an instruction comes down to when some of its operands are constants: x ** 2 is x * x.

Only what holds for every number is done here, infinities, nan and -0.0 included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan

from scalargrad.core.primitives import add, div, identity, mul, pow, sqrt, where
from scalargrad.core.rows import Primitive

__all__ = ["SIMPLER"]

Operands = tuple[int, ...]
Constants = Mapping[int, float]  # the numbers in slots that never change
Emit = Callable[[Primitive, Operands], int]  # makes an instruction and gives its slot
Number = Callable[[float], int]  # gives the slot of a constant


def _mul(operands: Operands, constants: Constants, emit: Emit, number: Number) -> int | None:
    x, y = operands
    return x if constants.get(y) == 1.0 else y if constants.get(x) == 1.0 else None


def _div(operands: Operands, constants: Constants, emit: Emit, number: Number) -> int | None:
    return operands[0] if constants.get(operands[1]) == 1.0 else None


def _where(operands: Operands, constants: Constants, emit: Emit, number: Number) -> int | None:
    condition, x, y = operands
    if condition in constants:
        return x if constants[condition] else y
    return x if x == y else None


def _identity(operands: Operands, constants: Constants, emit: Emit, number: Number) -> int | None:
    return operands[0]


def _pow(operands: Operands, constants: Constants, emit: Emit, number: Number) -> int | None:
    power = _POWERS.get(constants.get(operands[1], nan))
    return power(operands[0], emit, number) if power else None


# A power costs 20 times a product. These agree with `pow` to a rounding or two. The root of -0.0 is
# -0.0, its power is 0.0: hence the sum.
_POWERS: dict[float, Callable[[int, Emit, Number], int]] = {
    -1.0: lambda x, emit, number: emit(div, (number(1.0), x)),
    -0.5: lambda x, emit, number: emit(div, (number(1.0), _POWERS[0.5](x, emit, number))),
    0.0: lambda x, emit, number: number(1.0),
    0.5: lambda x, emit, number: emit(sqrt, (emit(add, (x, number(0.0))),)),
    1.0: lambda x, emit, number: x,
    2.0: lambda x, emit, number: emit(mul, (x, x)),
    3.0: lambda x, emit, number: emit(mul, (emit(mul, (x, x)), x)),
}

# By operation, what gives the slot that holds the same, if there is a cheaper way to it.
SIMPLER: dict[Primitive, Callable[[Operands, Constants, Emit, Number], int | None]] = {
    mul: _mul, div: _div, where: _where, identity: _identity, pow: _pow,
}  # fmt: skip
