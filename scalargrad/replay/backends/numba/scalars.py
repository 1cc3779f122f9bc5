"""Loops over the functions of `core/special.py`, each compiled when a program first needs it.

They have the form of NumPy's loops (see `ufuncs.py`). In the interpreter itself they would cost
every user 10 s when it is compiled; one of them costs about a second, once per machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numba

from scalargrad.core import special
from scalargrad.replay.backends.numba.compiling import compiled, stamp
from scalargrad.replay.backends.numba.memory import number, set_number, word

__all__ = ["special_loop"]

_SIGNATURE = "void(int64, int64, int64, int64)"


@cache
def _compiled_special() -> dict[str, Any]:
    """The namespace of `special.py`, whose functions call each other's machine code."""
    names = dict(vars(special))
    for name, function in vars(special).items():
        if isinstance(function, FunctionType):
            again = FunctionType(function.__code__, names, name)
            names[name] = numba.njit(nogil=True, error_model="numpy")(again)
    return names


# `function` is a global of the copies below: numba would look for a closure over it in its cache
# by a number that is new in each process. It does look by the text `key`.
function: Any = None


def _unary(key: str) -> Callable[..., None]:
    def loop(arguments: int, sizes: int, steps: int, data: int) -> None:  # pragma: no cover
        key  # noqa: B018
        x, out = word(arguments, 0), word(arguments, 1)
        for lane in range(word(sizes, 0)):
            set_number(out, lane, function(number(x, lane * word(steps, 0) >> 3)))

    return loop


def _binary(key: str) -> Callable[..., None]:
    def loop(arguments: int, sizes: int, steps: int, data: int) -> None:  # pragma: no cover
        key  # noqa: B018
        x, y, out = word(arguments, 0), word(arguments, 1), word(arguments, 2)
        for lane in range(word(sizes, 0)):
            first = number(x, lane * word(steps, 0) >> 3)
            set_number(out, lane, function(first, number(y, lane * word(steps, 1) >> 3)))

    return loop


def _ternary(key: str) -> Callable[..., None]:
    def loop(arguments: int, sizes: int, steps: int, data: int) -> None:  # pragma: no cover
        key  # noqa: B018
        x, y, z = word(arguments, 0), word(arguments, 1), word(arguments, 2)
        out = word(arguments, 3)
        for lane in range(word(sizes, 0)):
            first = number(x, lane * word(steps, 0) >> 3)
            second = number(y, lane * word(steps, 1) >> 3)
            third = number(z, lane * word(steps, 2) >> 3)
            set_number(out, lane, function(first, second, third))

    return loop


@cache
def special_loop(name: str) -> tuple[int, int]:
    """The address of the loop over a function of `special.py`, and its number of operands."""
    arity = getattr(special, name).__code__.co_argcount
    loop = (_unary, _binary, _ternary)[arity - 1](f"{stamp()} {name}")
    names = globals() | {"function": _compiled_special()[name]}
    copy = FunctionType(loop.__code__, names, loop.__name__, None, loop.__closure__)
    copy.__qualname__ = loop.__qualname__
    dispatcher = compiled(copy, _SIGNATURE)
    (found,) = dispatcher.overloads.values()
    address: int = found.library.get_pointer_to_function(found.fndesc.llvm_cfunc_wrapper_name)
    return address, arity
