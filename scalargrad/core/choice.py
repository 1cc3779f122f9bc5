"""`where`: a choice between two numbers, or between two functions of which one is called."""

from __future__ import annotations

from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.elementwise import elementwise, has_elements
from scalargrad.core.numbers import as_operand

__all__ = ["where"]


def where(condition: Any, a: Any, b: Any, /) -> Any:
    """Choose `a` where the condition is true, else `b`.

    Args:
        condition: a comparison, several joined by ``&``, ``|`` and ``^`` (``c ^ True`` is not c,
            also written ``~c``, of which Python 3.12 warns where c is a bool), a bool, or a number
            or Value, which is true if it is not 0.
        a: a number or Value, or a function of no argument that returns it.
        b: likewise. Lists, tuples and arrays of them are taken element by element.

    Returns:
        The one that is chosen: a Value if an operand is one, else a float. Of functions only the
        one that is chosen is called, so that the other may be undefined there.

    Raises:
        TypeError: an operand is neither a number nor a function.

    In a function that `sg.compile` records, a choice between numbers stays a choice: each sample
    chooses anew, and what it leaves aside may be undefined. A choice between functions is a branch,
    like ``if``, which is recorded once for each way that samples take.

    >>> x = Value(-1.0)
    >>> where(x > 0.0, lambda: sg.sqrt(x), 0.0)
    0.0
    >>> where((x > -2.0) & ((x > 0.0) ^ True), x * x, x).data
    1.0
    """
    if condition.__class__ is not bool:
        if condition.__class__ is int and condition == -2:
            condition = False  # what Python makes of ~True: bools are whole numbers there
        elif has_elements(condition):
            return elementwise(where, (condition, a, b), "where")
    if callable(a) or callable(b):
        chosen = a if as_operand(condition, "where") else b
        return chosen() if callable(chosen) else chosen
    return row.where(condition, a, b)
