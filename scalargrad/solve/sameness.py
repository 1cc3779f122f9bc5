"""Whether two functions are the same: a `lambda` makes another one each time it is reached."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

__all__ = ["sameness"]

_PLAIN = (int, float, str, bytes, type(None))
_DEEPEST = 8  # functions within functions


def sameness(f: Callable[..., Any]) -> Any:
    """A key that two functions share only if they do the same, as long as both exist.

    Functions made from one piece of code share it if their defaults and what they use from outside
    are equal numbers or texts, such functions in turn, or one and the same object.

    >>> from scalargrad.solve.sameness import sameness
    >>> times = lambda a: lambda x: a * x
    >>> sameness(times(2.0)) == sameness(times(2.0)), sameness(times(2.0)) == sameness(times(3.0))
    (True, False)
    """
    return _key(f, _DEEPEST)


def _key(x: Any, depth: int) -> Any:
    if isinstance(x, _PLAIN):
        return type(x), repr(x)  # nan equals itself, and 0.0 is not -0.0
    if depth == 0:
        return id(x)
    depth -= 1
    if isinstance(x, tuple):
        return type(x), *[_key(part, depth) for part in x]
    if isinstance(x, MethodType):
        return _key(x.__func__, depth), id(x.__self__)
    if isinstance(x, FunctionType):
        parts = [x.__defaults__, *(x.__kwdefaults__ or {}).items()]
        parts += [_content(cell) for cell in x.__closure__ or ()]
        return x.__code__, id(x.__globals__), *[_key(part, depth) for part in parts]
    return id(x)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has not been assigned yet
        return None
