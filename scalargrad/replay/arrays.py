"""Operations on arrays of float64, or on lists of floats where NumPy is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import isfinite
from typing import Any

from scalargrad.core.arguments import check_unmasked
from scalargrad.core.numbers import Traced, as_float, is_number, written

__all__ = [
    "added",
    "all_finite",
    "array",
    "array_library",
    "as_array",
    "filled",
    "floats",
    "is_whole",
    "nonfinite",
    "ragged",
    "scaled",
    "scattered",
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


def as_array(x: Any, name: str) -> Any:
    """The real numbers of an array or a nested list as float64; errors call it `name`.

    Without NumPy, a list of floats.

    Raises:
        TypeError: It holds something else, Values and masked entries among them.
        ValueError: It is a list whose rows differ in length.
        OverflowError: A number is beyond the range of floats.
    """
    np = array_library()
    if np is not None and x.__class__ is np.ndarray and x.dtype.char == "d":
        return x  # the usual case, which has nothing to check
    check_unmasked(x, name)
    if np is None:
        return [as_float(number, name) for number in x]
    try:
        found = np.asarray(x)
    except (ValueError, RecursionError):
        raise ragged(name) from None
    if found.dtype.char == "d":
        return found
    if found.dtype.kind in "fiub":
        return found.astype(np.float64)
    flat = found.ravel().tolist() if found.dtype.kind == "O" else [None]
    if all(is_number(number) and not isinstance(number, Traced) for number in flat):
        # Fractions and large ints
        return np.array([as_float(number, name) for number in flat]).reshape(found.shape)
    got = f"array of {found.dtype}" if hasattr(x, "dtype") else type(x).__name__
    raise TypeError(
        f"{name} must be an array of real numbers, or a list of them, got {got}: {written(x)}"
    )


def is_whole(x: Any) -> bool:
    """Whether the numbers of an array, or of a list, are all of a type of whole numbers."""
    np = array_library()
    try:
        return np is not None and np.asarray(x).dtype.kind in "iu"
    except (ValueError, RecursionError):  # the caller says what is wrong with it
        return False


def ragged(name: str) -> ValueError:
    """The error for rows of different lengths."""
    return ValueError(
        f"{name} is a list whose rows differ in length, or that contains itself: all samples must "
        "have equally many numbers"
    )


def floats(numbers: Any) -> list[float]:
    """The numbers of an array as a list."""
    return numbers if array_library() is None else numbers.tolist()  # type: ignore[no-any-return]


def filled(count: int, number: float) -> Any:
    """An array with `number` repeated `count` times."""
    np = array_library()
    return [number] * count if np is None else np.full(count, number)


def scaled(numbers: Any, factor: float) -> Any:
    """The numbers times a factor."""
    return [x * factor for x in numbers] if array_library() is None else numbers * factor


def added(a: Any, b: Any) -> Any:
    """The elementwise sum of two rows."""
    return [x + y for x, y in zip(a, b, strict=True)] if array_library() is None else a + b


def scattered(row: Any, numbers: Any, indices: Sequence[int] | None, count: int) -> Any:
    """`row`, by default `count` zeros, with `numbers` written at these indices; None means all."""
    if indices is None:
        return array(numbers)
    row = filled(count, 0.0) if row is None else row
    if array_library() is None:
        for index, number in zip(indices, numbers, strict=True):
            row[index] = number
    else:
        row[indices] = numbers
    return row


def all_finite(numbers: Any) -> bool:
    """Whether no number is nan or infinite."""
    np = array_library()
    if np is None:
        return all(map(isfinite, numbers))
    # A sum of squares is finite only if all are, and costs a third of testing each number.
    return isfinite(np.vdot(numbers, numbers)) or bool(np.isfinite(numbers).all())


def all_rows_finite(rows: Any) -> bool:
    """Whether no number in these rows, one array or a list of rows, is nan or infinite."""
    return all(map(all_finite, rows)) if rows.__class__ is list else all_finite(rows)


def nonfinite(rows: Sequence[Any]) -> list[int]:
    """The positions where one of the rows is nan or infinite."""
    np = array_library()
    if np is None:
        return [i for i, xs in enumerate(zip(*rows, strict=True)) if not all(map(isfinite, xs))]
    finite = np.isfinite(rows[0])
    for row in rows[1:]:
        finite &= np.isfinite(row)
    return np.flatnonzero(~finite).tolist()  # type: ignore[no-any-return]


def truths_hold(rows: Sequence[Any], expected: Sequence[bool]) -> list[bool]:
    """For each sample, whether every row is nonzero or zero as expected."""
    np = array_library()
    if np is None:
        samples = zip(*rows, strict=True)
        return [
            all(bool(x) is wanted for x, wanted in zip(numbers, expected, strict=True))
            for numbers in samples
        ]
    holds = (array(rows[0]) != 0.0) == expected[0]
    for row, wanted in zip(rows[1:], expected[1:], strict=True):
        holds &= (array(row) != 0.0) == wanted
    return holds.tolist()  # type: ignore[no-any-return]
