"""Arrays of float64, or lists of floats where NumPy is not installed, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import isfinite
from typing import Any

__all__ = [
    "added",
    "all_finite",
    "array",
    "array_library",
    "filled",
    "floats",
    "in_places",
    "scaled",
    "truths_hold",
]


@cache
def array_library() -> Any:
    """NumPy, or None where it is not installed."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def array(numbers: Sequence[float]) -> Any:
    """The numbers as an array of float64."""
    np = array_library()
    return [float(x) for x in numbers] if np is None else np.asarray(numbers, dtype=np.float64)


def floats(numbers: Any) -> list[float]:
    """The numbers of a row as a list."""
    return numbers if array_library() is None else numbers.tolist()  # type: ignore[no-any-return]


def filled(count: int, number: float) -> Any:
    """The number `count` times."""
    np = array_library()
    return [number] * count if np is None else np.full(count, number)


def scaled(numbers: Any, factor: float) -> Any:
    """Each number times the factor."""
    return [x * factor for x in numbers] if array_library() is None else numbers * factor


def added(a: Any, b: Any) -> Any:
    """The sums of two rows of numbers, place by place."""
    return [x + y for x, y in zip(a, b, strict=True)] if array_library() is None else a + b


def in_places(row: Any, numbers: Any, places: Sequence[int] | None, count: int) -> Any:
    """`row`, or a new one of `count` numbers, with `numbers` at some places; None means all."""
    if places is None:
        return array(numbers)
    row = filled(count, 0.0) if row is None else row
    if array_library() is None:
        for place, number in zip(places, numbers, strict=True):
            row[place] = number
    else:
        row[places] = numbers
    return row


def all_finite(numbers: Any) -> bool:
    """Whether there is no nan and no infinity among them."""
    np = array_library()
    if np is None:
        return all(map(isfinite, numbers))
    # a sum of squares is finite only if they are; it takes a third of the time of asking each
    return isfinite(np.vdot(numbers, numbers)) or bool(np.isfinite(numbers).all())


def truths_hold(
    rows: Sequence[Any], expected: Sequence[bool], finite: Sequence[Any] = ()
) -> list[bool]:
    """For each place, whether the numbers there are not 0 where expected, and 0 elsewhere.

    And whether those of the rows `finite` are.
    """
    np = array_library()
    if np is None:
        places = zip(*rows, *finite, strict=True)
        n = len(rows)
        return [
            all(bool(x) is wanted for x, wanted in zip(numbers[:n], expected, strict=True))
            and all(map(isfinite, numbers[n:]))
            for numbers in places
        ]
    holds = (array(rows[0]) != 0.0) == expected[0]
    for row, wanted in zip(rows[1:], expected[1:], strict=True):
        holds &= (array(row) != 0.0) == wanted
    for row in finite:
        holds &= np.isfinite(row)
    return holds.tolist()  # type: ignore[no-any-return]
