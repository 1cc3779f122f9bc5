"""Checks of arguments that every room uses: lists of numbers, flags and choices."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from scalargrad.core.numbers import shown, written

__all__ = ["as_choice", "as_flag", "check_unmasked", "is_list", "listed"]

# A dict would give its keys, a text its letters, and a set an order that changes from run to run.
_NO_LISTS = (str, bytes, bytearray, Mapping, set, frozenset)


def as_flag(x: Any, name: str) -> bool:
    """The truth value `x`: True, False or a NumPy bool, and nothing else; errors call it `name`.

    >>> from scalargrad.core.arguments import as_flag
    >>> as_flag("no", "shuffle")
    Traceback (most recent call last):
        ...
    TypeError: shuffle must be True or False, got str: 'no'
    """
    if type(x).__name__ in ("bool", "bool_"):  # also NumPy's, which must not be imported to ask
        return bool(x)
    raise TypeError(f"{name} must be True or False, got {shown(x)}")


def as_choice(x: Any, choices: Iterable[str], name: str) -> str:
    """The text `x`, after checking that it is one of `choices`; errors call it `name`."""
    known = tuple(choices)
    if not isinstance(x, str) or x not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {written(x)}")
    return x


def is_list(x: Any) -> TypeGuard[Sequence[Any]]:
    """Whether `x` is a list, a tuple, an array or another sequence, but no text and no dict."""
    if x.__class__ is list or x.__class__ is tuple:
        return True
    sequence = hasattr(x, "__len__") and hasattr(x, "__getitem__")
    # An array of no dimension has a method `__len__`, but no length. A class has neither.
    return sequence and not isinstance(x, (*_NO_LISTS, type)) and getattr(x, "ndim", 1) > 0


def listed(xs: Iterable[Any], caller: str, at_least: int = 0, wanted: str = "") -> list[Any]:
    """`xs`, a list, a generator or another iterable, as a list.

    Args:
        xs: what should be a list.
        caller: the function to name in errors.
        at_least: the smallest length.
        wanted: what to say in place of "sum takes a list of numbers or Values".
    """
    if xs.__class__ is not list and xs.__class__ is not tuple:
        iterable = hasattr(xs, "__iter__") and not isinstance(xs, (*_NO_LISTS, type))
        if not iterable or getattr(xs, "ndim", 1) == 0:
            wanted = wanted or f"{caller} takes a list of numbers or Values"
            raise TypeError(f"{wanted}, got {shown(xs)}")
        check_unmasked(xs, caller)
    values = list(xs)
    if len(values) < at_least:
        raise ValueError(f"{caller} of an empty list is not defined")
    return values


def check_unmasked(x: Any, name: str) -> None:
    """Raise an error if an array, or one in a list, has masked entries, which are no numbers.

    NumPy drops masks where it converts masked arrays, and what lies below a mask is no data.
    """
    if "numpy.ma" not in sys.modules:  # NumPy loads it on first use: no array can be masked
        return
    is_masked = sys.modules["numpy.ma"].is_masked
    seen: set[int] = set()  # a list may contain itself
    stack = [x]
    while stack:
        x = stack.pop()
        if hasattr(x, "mask") and hasattr(x, "filled"):
            if is_masked(x):
                raise TypeError(
                    f"{name}: a masked array has entries that are no numbers: fill them, with "
                    "x.filled(0.0), or leave the samples out"
                )
        elif x.__class__ in (list, tuple) and id(x) not in seen:
            seen.add(id(x))
            stack += [part for part in x if part.__class__ is not float]
