"""Training data: standardised columns, mini-batches, and random choices of samples."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum, hypot, isfinite, sqrt
from typing import Any, Protocol

from scalargrad.core.arguments import check_unmasked, is_list
from scalargrad.core.numbers import as_count, as_float, shown
from scalargrad.support.memory import check_memory

__all__ = ["Scaling", "minibatches", "picks", "standardize"]


class RandomGenerator(Protocol):
    """The methods used here of the `random` module, or of a `random.Random`."""

    def randrange(self, stop: int, /) -> int:
        """Return a random integer from 0 to `stop` - 1."""

    def shuffle(self, x: list[Any], /) -> None:
        """Put the list in random order, in place."""


@dataclass(frozen=True)
class Scaling:
    """The transformation that `standardize` applied: subtract the mean, divide by `std`.

    Call it with rows to transform them in the same way. New samples must be scaled by the means
    and deviations of the training data: with their own they would be on another scale.

    Args:
        mean: the mean of each column.
        std: the standard deviation of each column, or 1 for a constant column.

    Raises:
        TypeError: `mean` or `std` is not a tuple of numbers.
        ValueError: their lengths differ, a number is not finite, or a deviation is 0.

    >>> scaling = Scaling(mean=(2.0,), std=(0.5,))
    >>> scaling([[3.0], [2.0]])
    [[2.0], [0.0]]
    >>> scaling.undo([[2.0], [0.0]])
    [[3.0], [2.0]]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if not is_list(numbers):
                raise TypeError(f"Scaling: {name} must be a tuple, got {shown(numbers)}")
            for x in numbers:
                number = as_float(x, f"Scaling: {name}")
                if not isfinite(number) or (name == "std" and number == 0.0):
                    fault = "finite" if name == "mean" else "finite and not 0"
                    raise ValueError(f"Scaling: {name} must be {fault}, got {number!r}")
        if len(self.mean) != len(self.std):
            counts = f"{len(self.mean)} and {len(self.std)}"
            raise ValueError(f"Scaling: mean and std must have the same length, got {counts}")

    def __call__(self, X: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the rows on the scale of the training data.

        Args:
            X: N rows with one number for each column.

        Raises:
            ValueError: a row has the wrong length, or a number that is not finite.
            TypeError: an entry is not a number.
        """
        return [
            [(x - m) / s for x, m, s in zip(row, self.mean, self.std, strict=True)]
            for row in _table(X, "Scaling", len(self.mean))
        ]

    def undo(self, X: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return scaled rows on their original scale.

        Args:
            X: N scaled rows.

        Raises:
            ValueError: a row has the wrong length, or a number that is not finite.
            TypeError: an entry is not a number.
        """
        return [
            [x * s + m for x, m, s in zip(row, self.mean, self.std, strict=True)]
            for row in _table(X, "Scaling", len(self.mean))
        ]


def standardize(X: Sequence[Sequence[float]]) -> tuple[list[list[float]], Scaling]:
    """Shift and scale each column to mean 0 and standard deviation 1.

    The deviation is the population's: the sum of squares is divided by the number of rows. A
    constant column, such as the 1 of a bias, is only centred.

    Args:
        X: at least one row of numbers; all rows have the same length.

    Returns:
        The new rows, and the `Scaling` that transforms later rows in the same way.

    Raises:
        ValueError: there are no rows, their lengths differ, or a number is not finite.
        TypeError: an entry is not a number.

    >>> rows, scaling = standardize([[1.0, 50.0], [3.0, 10.0]])
    >>> rows
    [[-1.0, 1.0], [1.0, -1.0]]
    >>> scaling([[2.0, 30.0]])
    [[0.0, 0.0]]
    """
    rows = _table(X, "standardize")
    columns = [_mean_and_std(column) for column in zip(*rows, strict=True)]
    scaling = Scaling(tuple(mean for mean, _ in columns), tuple(std for _, std in columns))
    return scaling(rows), scaling


def _mean_and_std(column: Sequence[float]) -> tuple[float, float]:
    if min(column) == max(column):
        return column[0], 1.0
    mean = fsum(column) / len(column)
    std = hypot(*(x - mean for x in column)) / sqrt(len(column))
    # A column of 0.3 and 0.1 + 0.2 is constant but for rounding: do not blow it up to -1 and 1.
    return mean, std if std > 1e-15 * max(map(abs, column)) else 1.0


def minibatches(n: int, batch_size: int, rng: RandomGenerator = random) -> list[list[int]]:
    """Deal the indices 0 to n - 1 into batches at random; each index appears exactly once.

    Args:
        n: the number of samples.
        batch_size: the number of samples in a batch; the last batch may be smaller.
        rng: the `random` module or a `random.Random`.

    Returns:
        The batches, as lists of indices.

    Raises:
        TypeError: a count is not a whole number, or `rng` has no method `shuffle`.
        ValueError: a count is below 1, or so large that the indices would not fit into memory.

    >>> batches = minibatches(5, 2, random.Random(1))
    >>> [len(batch) for batch in batches]
    [2, 2, 1]
    >>> sorted(i for batch in batches for i in batch)
    [0, 1, 2, 3, 4]
    """
    n = as_count(n, "minibatches: n")
    batch_size = as_count(batch_size, "minibatches: batch_size")
    _check_rng(rng, "shuffle", "minibatches")
    check_memory(n, 48, "minibatches: a list of {} indices")  # 8 in the list, 32 for each int
    order = list(range(n))
    rng.shuffle(order)
    return cut(order, batch_size)


def picks(n: int, rng: RandomGenerator = random) -> Iterator[int]:
    """Return an endless iterator of random indices from 0 to n - 1, drawn with replacement.

    Textbooks prove the convergence of stochastic gradient descent for this kind of sampling. In
    contrast, `minibatches` uses every sample once before any sample comes again.

    Args:
        n: the number of samples.
        rng: the `random` module or a `random.Random`.

    Returns:
        An iterator without end.

    Raises:
        TypeError: `n` is not a whole number, or `rng` has no method `randrange`.
        ValueError: `n` is below 1.

    >>> from itertools import islice
    >>> drawn = [*islice(picks(3, random.Random(1)), 100)]
    >>> sorted(set(drawn)), any(i == j for i, j in zip(drawn, drawn[1:]))
    ([0, 1, 2], True)
    """
    n = as_count(n, "picks: n")  # checked now: a generator function would check at its first item
    _check_rng(rng, "randrange", "picks")
    return (rng.randrange(n) for _ in iter(int, 1))


def cut(order: Sequence[int], batch_size: int) -> list[list[int]]:
    """Cut indices into batches of consecutive ones."""
    return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]


def check_samples(X: Any, Y: Any, caller: str) -> None:
    """Raise an error unless `X` and `Y` are lists or arrays of the same length, at least 1."""
    for name, data in (("X", X), ("Y", Y)):
        if not is_list(data):
            got = shown(data)
            raise TypeError(f"{caller}: {name} must be a list or an array, got {got}")
        check_unmasked(data, f"{caller}: {name}")
    if len(X) != len(Y):
        raise ValueError(f"{caller}: X and Y must have the same length, got {len(X)} and {len(Y)}")
    if not len(X):
        raise ValueError(f"{caller}: X and Y are empty")


def _table(X: Any, caller: str, columns: int | None = None) -> list[list[float]]:
    """Return the rows as lists of finite floats, all of one length."""
    if not is_list(X):
        raise TypeError(f"{caller} takes a list of rows, got {shown(X)}")
    if not len(X):
        raise ValueError(f"{caller} takes at least one row, got none")
    rows = []
    for i, row in enumerate(X):
        if not is_list(row):
            raise TypeError(f"{caller}: row {i} must be a list, got {shown(row)}")
        numbers = [as_float(x, f"{caller}: row {i}") for x in row]
        columns = len(numbers) if columns is None else columns
        if len(numbers) != columns:
            raise ValueError(f"{caller}: row {i} must have {columns} numbers, got {len(numbers)}")
        if not all(map(isfinite, numbers)):
            raise ValueError(f"{caller}: row {i} must have finite numbers, got {shown(row)}")
        rows.append(numbers)
    return rows


def _check_rng(rng: Any, method: str, caller: str) -> None:
    if not callable(getattr(rng, method, None)):
        got = shown(rng)
        raise TypeError(f"{caller}: rng must have {method}, as random.Random(1) has, got {got}")
