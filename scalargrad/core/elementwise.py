"""Functions of one number on lists and arrays: applied to each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalargrad.core.arguments import check_unmasked

__all__ = ["elementwise", "has_elements"]

_DEEPEST = 100  # levels; a list that contains itself has infinitely many


def has_elements(x: Any) -> bool:
    """Whether `x` is a list, a tuple, or an array of one dimension or more."""
    return isinstance(x, (list, tuple)) or (
        hasattr(x, "__array_interface__") and getattr(x, "ndim", 0) > 0
    )


def elementwise(f: Callable[[Any], Any], x: Any, caller: str, level: int = 0) -> Any:
    """`f` of every element of a list, a tuple or an array, in the same nesting.

    Args:
        f: a function of one number or Value.
        x: what `has_elements`, nested or not.
        caller: the function to name in errors.
        level: the number of lists around `x`.

    Returns:
        A list for a list, a tuple for a tuple, and for an array one of the same shape: of floats,
        or of objects if an element is a Value.

    Raises:
        TypeError: an element is no number.
        ValueError: the nesting contains itself.

    >>> from scalargrad.core.elementwise import elementwise
    >>> elementwise(abs, [1.0, (-2.0, 3.0)], "abs")
    [1.0, (2.0, 3.0)]
    """
    if level > _DEEPEST:
        raise ValueError(
            f"{caller}: the list is nested more than {_DEEPEST} levels deep, or contains itself"
        )
    if not isinstance(x, (list, tuple)):
        import numpy as np  # an array implies that NumPy is installed

        check_unmasked(x, caller)
        flat = [f(y) for y in np.ravel(x).tolist()]
        kind = float if all(y.__class__ is float for y in flat) else object
        array = np.empty(len(flat), kind)
        array[:] = flat
        return array.reshape(x.shape)
    mapped = [elementwise(f, y, caller, level + 1) if has_elements(y) else f(y) for y in x]
    if hasattr(x, "_fields"):  # a named tuple
        return type(x)(*mapped)
    return mapped if isinstance(x, list) else tuple(mapped)
