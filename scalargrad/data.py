"""Data on its way into training: columns brought to one scale, mini-batches, and random picks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum, hypot, isfinite, sqrt
from typing import Any, Protocol

from scalargrad.core.numbers import as_count, as_float

__all__ = ["Scaling", "minibatches", "picks", "standardize"]


class Dice(Protocol):
    """What draws at random: the `random` module, or a `random.Random` of one's own."""

    def randrange(self, start: int, /) -> int:
        """A whole number from 0 to below `start`."""

    def shuffle(self, x: list[Any], /) -> None:
        """Bring the list into a random order."""


@dataclass(frozen=True)
class Scaling:
    """What `standardize` did: of each column the mean was subtracted, then divided by `std`.

    Called with rows, it does the same to them. New samples need the numbers of those that were
    learnt from: a column's own mean would make another quantity of it.

    >>> scaling = Scaling(mean=(2.0,), std=(0.5,))
    >>> scaling([[3.0], [2.0]])
    [[2.0], [0.0]]
    >>> scaling.undo([[2.0], [0.0]])
    [[3.0], [2.0]]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, X: Sequence[Sequence[float]]) -> list[list[float]]:
        """The rows on the scale that was learnt from.

        Raises:
            ValueError: a row has not one number for each column, or one that is not finite.
            TypeError: what is in it is no number.
        """
        rows = _table(X, "Scaling", len(self.mean))
        return [
            [(x - m) / s for x, m, s in zip(row, self.mean, self.std, strict=True)] for row in rows
        ]

    def undo(self, Z: Sequence[Sequence[float]]) -> list[list[float]]:
        """The rows on the scale they had before; errors as when called."""
        rows = _table(Z, "Scaling", len(self.mean))
        return [
            [z * s + m for z, m, s in zip(row, self.mean, self.std, strict=True)] for row in rows
        ]


def standardize(X: Sequence[Sequence[float]]) -> tuple[list[list[float]], Scaling]:
    """Each column with mean 0 and standard deviation 1, and how that was done.

    The deviation is that of the population: the sum of squares is divided by the number of rows. A
    column that is constant, such as the 1 of a bias, is only centred: its deviation counts as 1.

    Args:
        X: rows of numbers, all of one length; at least one.

    Returns:
        The new rows, and the `Scaling` that makes them, for the rows that come later.

    Raises:
        ValueError: there are no rows, they differ in length, or a number is not finite.
        TypeError: what is in them is no number.

    >>> rows, scaling = standardize([[1.0, 50.0], [3.0, 10.0]])
    >>> rows
    [[-1.0, 1.0], [1.0, -1.0]]
    >>> scaling([[2.0, 30.0]])
    [[0.0, 0.0]]
    """
    rows = _table(X, "standardize")
    columns = [_mean_and_std(column) for column in zip(*rows, strict=True)]
    scaling = Scaling(tuple(m for m, _ in columns), tuple(s for _, s in columns))
    return scaling(rows), scaling


def _mean_and_std(column: Sequence[float]) -> tuple[float, float]:
    n = len(column)
    if min(column) == max(column):
        return column[0], 1.0
    mean = fsum(column) / n
    std = hypot(*(x - mean for x in column)) / sqrt(n)
    # A sensor that gives 0.3 and 0.1 + 0.2 in turn says nothing; do not blow that up to 1 and -1
    return mean, std if std > 1e-15 * max(map(abs, column)) else 1.0


def _table(X: Any, taker: str, columns: int | None = None) -> list[list[float]]:
    """The rows as lists of floats, when they are a table of finite numbers."""
    if not hasattr(X, "__len__") or isinstance(X, (str, bytes, dict)):
        raise TypeError(f"{taker} takes a list of rows, got {type(X).__name__}: {X!r:.60}")
    if not len(X):
        raise ValueError(f"{taker} takes at least one row, got none")
    rows = []
    for i, row in enumerate(X):
        if not hasattr(row, "__len__") or isinstance(row, (str, bytes, dict)):
            raise TypeError(f"{taker}: row {i} must be a list, got {type(row).__name__}: {row!r}")
        numbers = [as_float(x, f"{taker}: row {i}") for x in row]
        columns = len(numbers) if columns is None else columns
        if len(numbers) != columns:
            raise ValueError(f"{taker}: row {i} must have {columns} numbers, got {len(numbers)}")
        if not all(map(isfinite, numbers)):
            raise ValueError(f"{taker}: row {i} must have finite numbers, got {row!r:.60}")
        rows.append(numbers)
    return rows


def _check_dice(rng: Any, method: str, taker: str) -> None:
    if not callable(getattr(rng, method, None)):
        got = type(rng).__name__
        raise TypeError(f"{taker}: rng must have {method}, as random.Random(1) has, got {got}")


def minibatches(n: int, size: int, rng: Dice = random) -> list[list[int]]:
    """The indices 0 to n - 1 in a random order, cut into batches: each sample comes once.

    Args:
        n: how many samples there are.
        size: how many make a batch; the last one is smaller, where it does not come out even.
        rng: what draws the order, the `random` module or a `random.Random`.

    Raises:
        TypeError, ValueError: a number is not whole, or not at least 1, or `rng` draws nothing.

    >>> batches = minibatches(5, 2, random.Random(1))
    >>> [len(batch) for batch in batches]
    [2, 2, 1]
    >>> sorted(i for batch in batches for i in batch)
    [0, 1, 2, 3, 4]
    """
    order = list(range(as_count(n, "minibatches: n")))
    size = as_count(size, "minibatches: size")
    _check_dice(rng, "shuffle", "minibatches")
    rng.shuffle(order)
    return [order[i : i + size] for i in range(0, len(order), size)]


def picks(n: int, rng: Dice = random) -> Iterator[int]:
    """Indices from 0 to n - 1 without end, each drawn anew: one may come twice in a row.

    This is the sampling of stochastic gradient descent as textbooks prove things of it, with
    replacement; `minibatches` deals all samples out before any comes again.

    Args:
        n: how many samples there are.
        rng: what draws, the `random` module or a `random.Random`.

    Raises:
        TypeError, ValueError: `n` is not whole, or not at least 1, or `rng` draws nothing.

    >>> from itertools import islice
    >>> drawn = [*islice(picks(3, random.Random(1)), 100)]
    >>> sorted(set(drawn)), any(i == j for i, j in zip(drawn, drawn[1:]))
    ([0, 1, 2], True)
    """
    n = as_count(n, "picks: n")  # checked here: inside a generator it would be when first asked
    _check_dice(rng, "randrange", "picks")
    return (rng.randrange(n) for _ in iter(int, 1))
