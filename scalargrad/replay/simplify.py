"""Cheaper forms of instructions with constant operands: x ** 2 becomes x * x.

Only what holds for every number is done here, infinities, nan and -0.0 included. That sets these
rules apart from those of `view/formula/formula.py`, which make formulas read well.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

from scalargrad.core.primitives import add, div, identity, mul, pow, sqrt, where
from scalargrad.core.rows import Primitive

__all__ = ["SIMPLER"]

# A rule takes the program (its module imports this one, hence Any) and the operands. It returns the
# slot of the simpler form, or None where there is no such form.
Rule = Callable[[Any, tuple[int, ...]], int | None]


def _mul(program: Any, operands: tuple[int, ...]) -> int | None:
    x, y = operands
    constants = program.constants
    return x if constants.get(y) == 1.0 else y if constants.get(x) == 1.0 else None


def _where(program: Any, operands: tuple[int, ...]) -> int | None:
    condition, x, y = operands
    if condition in program.constants:
        return x if program.constants[condition] else y
    return x if x == y else None


def _pow(program: Any, operands: tuple[int, ...]) -> int | None:
    power = _POWERS.get(program.constants.get(operands[1], nan))
    return power(program, operands[0]) if power else None


def _root(program: Any, x: int) -> int:
    # the root of -0.0 is -0.0, its power is 0.0: hence the sum
    return program.emit(sqrt, (program.emit(add, (x, program.constant(0.0))),))  # type: ignore[no-any-return]


# A power costs 20 times as much as a product. These agree with `pow` to a rounding or two.
_POWERS: dict[float, Callable[[Any, int], int]] = {
    -1.0: lambda program, x: program.emit(div, (program.constant(1.0), x)),
    -0.5: lambda program, x: program.emit(div, (program.constant(1.0), _root(program, x))),
    0.0: lambda program, x: program.constant(1.0),
    0.5: _root,
    1.0: lambda program, x: x,
    2.0: lambda program, x: program.emit(mul, (x, x)),
    3.0: lambda program, x: program.emit(mul, (program.emit(mul, (x, x)), x)),
}

SIMPLER: dict[Primitive, Rule] = {
    mul: _mul,
    div: lambda program, xs: xs[0] if program.constants.get(xs[1]) == 1.0 else None,
    where: _where,
    identity: lambda program, xs: xs[0],
    pow: _pow,
}
