"""Colours of the columns of a sparse matrix: columns of one colour are computed by one sweep."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

__all__ = ["by_value", "coloured", "hubs"]


def hubs(counts: Sequence[int]) -> list[int]:
    """The rows that are so full that each should have a sweep of its own.

    A row of c entries needs c colours for its columns. So with k rows apart there are about k
    sweeps, and as many as the next row has entries; k is chosen for the smallest sum.

    Args:
        counts: the number of entries in each row.

    >>> from scalargrad.transforms.colouring import hubs
    >>> hubs([2, 100, 3, 3])
    [1]
    """
    ranked = sorted(range(len(counts)), key=lambda i: -counts[i])
    costs = [k + counts[i] for k, i in enumerate(ranked)] + [len(ranked)]
    return ranked[: costs.index(min(costs))]


def coloured(columns: Sequence[Sequence[int]], row_count: int) -> list[int]:
    """By column its colour, from 0 on: no two columns of a colour share a row; -1 without rows.

    Each column in turn gets the first colour that none of its rows has yet, which for a band is
    the best there is (Curtis, Powell and Reid, 1974).

    Args:
        columns: by column the rows in it.
        row_count: the number of rows.

    >>> from scalargrad.transforms.colouring import coloured
    >>> coloured([[0, 1], [0, 1, 2], [1, 2], [3], []], 4)
    [0, 1, 2, 0, -1]
    """
    used = [0] * row_count  # the colours in a row, as the bits of a number
    colours: list[int] = []
    for rows in columns:
        taken = 0
        for row in rows:
            taken |= used[row]
        free = ~taken & (taken + 1)  # the lowest bit that is not set
        for row in rows:
            used[row] |= free
        colours.append(free.bit_length() - 1 if rows else -1)
    return colours


def by_value(keys: Any, count: int) -> list[Any]:
    """For each key from 0 on the positions where it stands in an array."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    edges = np.searchsorted(keys[order], np.arange(count + 1))
    return [order[a:b] for a, b in pairwise(edges)]
