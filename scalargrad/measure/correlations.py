"""Correlations between inputs, as pairs or as a matrix: checked, and factored without NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from operator import mul
from typing import Any

from scalargrad.core.arguments import check_unmasked, is_list
from scalargrad.core.numbers import as_float, shown, written
from scalargrad.core.primitives import plain_sum

__all__ = ["Pairs", "as_correlations", "factor"]

Pairs = dict[tuple[int, int], float]  # by the positions of two inputs, the smaller one first

_ROUNDING = 1e-10  # by which a matrix may fail to be symmetric or positive semidefinite


def as_correlations(correlations: Any, names: Sequence[str], caller: str) -> Pairs:
    """The coefficients that are not zero, by the positions of the two inputs.

    Args:
        correlations: None; or a dict from pairs of names to coefficients; or a matrix (rows of
            numbers, in the order of the names).
        names: the names of the inputs.
        caller: the function to name in errors.

    Raises:
        TypeError: it is none of these.
        ValueError: a coefficient is not within -1 and 1, a pair is not of two inputs, or no joint
            distribution has these correlations, since their matrix has a negative eigenvalue.

    >>> as_correlations({("b", "a"): 0.5}, ["a", "b"], "propagate")
    {(0, 1): 0.5}
    """
    if correlations is None:
        return {}
    if isinstance(correlations, Mapping):
        pairs = _of_pairs(correlations, names, caller)
    else:
        pairs = _of_matrix(correlations, names, caller)
    pairs = {pair: r for pair, r in pairs.items() if r}
    for i, r in enumerate(_least_pivots(pairs)):
        if r < 0.0:
            raise ValueError(
                f"{caller}: no quantities can have these correlations: the matrix of "
                f"{_some(names, pairs)} has a negative eigenvalue (pivot {i + 1} of its Cholesky "
                f"factorisation is {r:.3g}), got {written(correlations)}"
            )
    return pairs


def _of_pairs(correlations: Mapping[Any, Any], names: Sequence[str], caller: str) -> Pairs:
    position = {name: i for i, name in enumerate(names)}
    pairs: Pairs = {}
    for pair, x in correlations.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{caller}: correlations are given by pairs of names, like {{('a', 'b'): 0.5}}, "
                f"got {shown(pair)}"
            )
        for name in pair:
            if not isinstance(name, str) or name not in position:
                known = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
                raise ValueError(
                    f"{caller}: correlations name {written(name)}, the inputs are {known}"
                )
        i, j = sorted(position[name] for name in pair)
        r = _coefficient(x, f"{caller}: the correlation of {pair[0]!r} and {pair[1]!r}")
        if i == j:
            raise ValueError(
                f"{caller}: correlations are between two inputs, got {pair!r} with {r!r}"
            )
        if pairs.setdefault((i, j), r) != r:
            raise ValueError(
                f"{caller}: the correlation of {pair[0]!r} and {pair[1]!r} is given twice, as "
                f"{pairs[i, j]!r} and {r!r}"
            )
    return pairs


def _of_matrix(matrix: Any, names: Sequence[str], caller: str) -> Pairs:
    n = len(names)
    wanted = f"{caller}: correlations must be a dict of pairs, or {n} rows of {n} numbers"
    if not is_list(matrix):
        raise TypeError(f"{wanted}, got {shown(matrix)}")
    check_unmasked(matrix, f"{caller}: correlations")
    rows = list(matrix)
    for row in rows:
        if not is_list(row):
            raise TypeError(f"{wanted}, got {shown(row)} in {shown(matrix)}")
    if len(rows) != n or any(len(row) != n for row in rows):
        raise ValueError(f"{wanted}, got {len(rows)} rows in {written(matrix)}")
    numbers = [
        [_coefficient(x, f"{caller}: correlations[{i}][{j}]") for j, x in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    pairs: Pairs = {}
    for i, row in enumerate(numbers):
        if abs(row[i] - 1.0) > _ROUNDING:
            raise ValueError(
                f"{caller}: an input has the correlation 1 with itself, got {row[i]!r} for "
                f"{names[i]!r}: a matrix of covariances is to be divided by the deviations"
            )
        for j in range(i):
            if abs(row[j] - numbers[j][i]) > _ROUNDING:
                raise ValueError(
                    f"{caller}: correlations must be symmetric, got {numbers[j][i]!r} and "
                    f"{row[j]!r} for {names[j]!r} and {names[i]!r}"
                )
            pairs[j, i] = row[j]
    return pairs


def _coefficient(x: Any, where: str) -> float:
    r = as_float(x, where)
    if not isfinite(r) or abs(r) > 1.0 + _ROUNDING:
        raise ValueError(f"{where} must be from -1 to 1, got {r!r}")
    return min(max(r, -1.0), 1.0)


def _some(names: Sequence[str], pairs: Pairs) -> str:
    """The names of the first correlated inputs."""
    found = [names[i] for i in sorted({i for pair in pairs for i in pair})]
    return ", ".join(map(repr, found[:5])) + (", ..." if len(found) > 5 else "")


def factor(pairs: Pairs) -> dict[int, list[float]]:
    """Rows of a factor L of the matrix of the correlated inputs, which is L times its transpose.

    Independent standard normal numbers times a row have the correlations of `pairs`. The largest
    pivot comes first, so that matrices of any rank can be factored (Higham, Cholesky factorization,
    2009).

    >>> factor({(0, 2): 1.0})
    {0: [1.0], 2: [1.0]}
    """
    return _factored(pairs)[0]


def _least_pivots(pairs: Pairs) -> list[float]:
    return _factored(pairs)[1]


def _factored(pairs: Pairs) -> tuple[dict[int, list[float]], list[float]]:
    """The factor, and the pivots: negative where the matrix is not positive semidefinite."""
    inside = sorted({i for pair in pairs for i in pair})
    limit = _ROUNDING * max(len(inside), 1)
    rows: dict[int, list[float]] = {i: [] for i in inside}
    left = dict.fromkeys(inside, 1.0)  # what the diagonal has left
    pivots: list[float] = []
    waiting = set(inside)
    while waiting:
        p = max(waiting, key=lambda i: (left[i], -i))
        rest = left[p]
        waiting.remove(p)
        if rest <= limit:  # the others have no more: what is left must be zero
            worst = min([rest, *(left[i] for i in waiting)])
            # an entry beside two pivots of zero, or a negative pivot
            beside = max(
                (abs(_left_over(pairs, rows, i, p)) for i in waiting), default=0.0
            )  # fmt: skip
            if worst < -limit:
                pivots.append(worst)
                break
            if beside > sqrt(limit):
                pivots.append(-beside)
                break
            pivots.append(0.0)
            continue
        pivots.append(rest)
        root = sqrt(rest)
        column = {i: _left_over(pairs, rows, i, p) / root for i in waiting}
        for i, x in column.items():
            rows[i].append(x)
            left[i] -= x * x
        # Rows end where they are chosen: what follows in them is zero
        rows[p].append(root)
    return rows, pivots


def _left_over(pairs: Pairs, rows: dict[int, list[float]], i: int, p: int) -> float:
    """An entry of the matrix, less what the columns so far account for."""
    r = pairs.get((i, p) if i < p else (p, i), 0.0)
    return r - plain_sum(map(mul, rows[i], rows[p]))
