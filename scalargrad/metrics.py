"""How good a fit is, told by a number that does not depend on the unit of the targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scalargrad.core.numbers import as_python, is_number
from scalargrad.core.reductions import dot, listed, mean

__all__ = ["r2_score"]


def r2_score(outputs: Iterable[Any], targets: Iterable[Any]) -> Any:
    """The proportion of the targets' variance that the outputs explain:

        R² = 1 - Σ (y_t - τ_t)² / Σ (τ_t - mean τ)²

    1 is a perfect fit, 0 is as good as answering the mean of the targets every time, and below 0
    is worse than that. For a least-squares fit that has an offset, on the data it was fitted to,
    it is also the variance of the outputs over the variance of the targets.

    Args:
        outputs: what the model answers, one number or Value for each sample.
        targets: what it should have answered, as many.

    Returns:
        A float; a Value if there are Values among the outputs or targets.

    Raises:
        TypeError: an entry is no number: take one output of several at a time.
        ValueError: there are not as many targets as outputs, none at all, or they are all the same
            and so have no variance that could be explained.

    >>> r2_score([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r2_score([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    >>> round(r2_score([1.5, 2.0, 2.5], [1.0, 2.0, 3.0]), 6)
    0.75
    """
    ys, wanted = listed(outputs, "r2_score"), listed(targets, "r2_score")
    for name, numbers in (("output", ys), ("target", wanted)):
        for i, number in enumerate(numbers):
            if not is_number(number):
                got = type(number).__name__
                raise TypeError(f"r2_score: {name} {i} must be a number or a Value, got {got}")
    if len(ys) != len(wanted):
        raise ValueError(
            f"r2_score needs one target for each output, got {len(wanted)} targets "
            f"for {len(ys)} outputs"
        )
    if not ys:
        raise ValueError("r2_score needs at least two outputs and targets, got none")
    ys, wanted = ([as_python(x) for x in xs] for xs in (ys, wanted))
    center = mean(wanted)
    spread = [t - center for t in wanted]
    total = dot(spread, spread)
    # compared too, since the mean of equal numbers may be off by a rounding
    if min(wanted) >= max(wanted) or total <= 0.0:
        raise ValueError(
            f"r2_score: all {len(wanted)} targets are the same, {wanted[0]:g}; "
            "there is no variance to explain"
        )
    misses = [y - t for y, t in zip(ys, wanted, strict=True)]
    return 1.0 - dot(misses, misses) / total
