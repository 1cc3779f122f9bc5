"""Small matrices as lists of rows, in plain Python: what formulas written by hand need of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["product", "solution", "transposed"]

T = TypeVar("T")
Matrix = Sequence[Sequence[float]]


def product(A: Matrix, B: Matrix) -> list[list[float]]:
    """The matrix product A B: each row of A times each column of B.

    Raises:
        ValueError: A has not as many columns as B has rows.

    >>> product([[1.0, 2.0]], [[3.0], [4.0]])
    [[11.0]]
    """
    columns = transposed(B)
    return [[sum(a * b for a, b in zip(row, c, strict=True)) for c in columns] for row in A]


def transposed(M: Sequence[Sequence[T]]) -> list[list[T]]:
    """The columns of M as rows; of numbers or of Values.

    >>> transposed([[1, 2], [3, 4]])
    [[1, 3], [2, 4]]
    """
    return [list(column) for column in zip(*M, strict=True)]


def solution(H: Matrix, g: Sequence[float]) -> list[float]:
    """s with H s = g, by elimination, the largest number of each column first.

    Args:
        H: as many rows as columns.
        g: as many numbers.

    Raises:
        ZeroDivisionError: H has no inverse.

    >>> solution([[0.0, 2.0], [4.0, 0.0]], [6.0, 8.0])
    [2.0, 3.0]
    """
    rows = [[*row, right] for row, right in zip(H, g, strict=True)]
    for k in range(len(rows)):
        best = max(range(k, len(rows)), key=lambda r: abs(rows[r][k]))
        rows[k], rows[best] = rows[best], rows[k]
        rows[k] = [number / rows[k][k] for number in rows[k]]
        for r in range(len(rows)):
            if r != k:
                factor = rows[r][k]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[k], strict=True)]
    return [row[-1] for row in rows]
