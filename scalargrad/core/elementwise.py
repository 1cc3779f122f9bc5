"""Functions of numbers on lists and arrays: applied to each element."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.arguments import check_unmasked

__all__ = ["elementwise", "has_elements"]

_DEEPEST = 100  # levels; a list that contains itself has infinitely many


def has_elements(x: Any) -> bool:
    """Whether `x` is a list, a tuple, or an array of one dimension or more."""
    return isinstance(x, (list, tuple)) or (
        hasattr(x, "__array_interface__") and getattr(x, "ndim", 0) > 0
    )


def elementwise(
    f: Callable[..., Any], operands: Sequence[Any], caller: str, level: int = 0
) -> Any:  # fmt: skip
    """`f` of the elements of lists, tuples or arrays, one after the other, in the same nesting.

    Args:
        f: a function of as many numbers or Values as there are operands.
        operands: numbers, Values, and at least one that `has_elements`, nested or not. Lists and
            tuples must have the same length; arrays are broadcast, and lists beside them are
            taken for arrays. A number or Value goes with every element.
        caller: the function to name in errors.
        level: the number of lists around the operands.

    Returns:
        A list for lists, a tuple for tuples, the kind of the first where they differ; if an operand
        is an array, an array: of floats, or of objects if an element is a Value.

    Raises:
        TypeError: an element is no number.
        ValueError: the lengths or shapes differ, or the nesting contains itself.

    >>> from scalargrad.core.elementwise import elementwise
    >>> elementwise(abs, [[1.0, (-2.0, 3.0)]], "abs")
    [1.0, (2.0, 3.0)]
    >>> elementwise(max, [[1.0, 5.0], 3.0], "max")
    [3.0, 5.0]
    """
    if level > _DEEPEST:
        raise ValueError(
            f"{caller}: the list is nested more than {_DEEPEST} levels deep, or contains itself"
        )
    nested = [x for x in operands if has_elements(x)]
    if not all(isinstance(x, (list, tuple)) for x in nested):
        return _on_arrays(f, operands, caller)
    lengths = [len(x) for x in nested]
    if min(lengths) != max(lengths):
        raise ValueError(
            f"{caller} takes lists of one length, got lengths {', '.join(map(str, lengths))}"
        )
    columns = [x if has_elements(x) else [x] * lengths[0] for x in operands]
    mapped = [
        elementwise(f, row, caller, level + 1) if any(map(has_elements, row)) else f(*row)
        for row in zip(*columns, strict=True)
    ]
    first = nested[0]
    if hasattr(first, "_fields"):  # a named tuple
        return type(first)(*mapped)
    return mapped if isinstance(first, list) else tuple(mapped)


def _on_arrays(f: Callable[..., Any], operands: Sequence[Any], caller: str) -> Any:
    """The same where an operand is an array, by NumPy's rules of broadcasting."""
    import numpy as np  # an array implies that NumPy is installed

    for x in operands:
        check_unmasked(x, caller)
    arrays = [np.asarray(x, object) if isinstance(x, (list, tuple)) else x for x in operands]
    shapes = [x.shape for x in arrays if has_elements(x)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"{caller} takes arrays of shapes that fit together, got {', '.join(map(str, shapes))}"
        ) from None
    size = math.prod(shape)
    columns = [
        np.broadcast_to(x, shape).ravel().tolist() if has_elements(x) else [x] * size
        for x in arrays
    ]
    flat = [f(*row) for row in zip(*columns, strict=True)]
    kind = float if all(y.__class__ is float for y in flat) else object
    array = np.empty(len(flat), kind)
    array[:] = flat
    return array.reshape(shape)
