"""Scores of a fit that do not depend on the unit of the targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scalargrad.core.arguments import listed
from scalargrad.core.numbers import as_operand, is_number, shown
from scalargrad.core.reductions import dot, mean

__all__ = ["r2_score"]


def r2_score(targets: Iterable[Any], outputs: Iterable[Any]) -> Any:
    """Return R², the proportion of the targets' variance that the outputs explain.

    R² = 1 - Σ (y_t - τ_t)² / Σ (τ_t - mean τ)², with targets τ and outputs y (by definition). The
    arguments come in scikit-learn's order, targets first; swapping them gives another number.

    A perfect fit scores 1. Predicting the mean of the targets every time scores 0, and anything
    worse is negative. For a least-squares fit with an offset, on the data it was fitted to, R² also
    equals the variance of the outputs divided by the variance of the targets.

    Args:
        targets: the correct numbers or Values, one for each sample.
        outputs: the predictions of the model, one for each target.

    Returns:
        A float, or a Value if any target or output is a Value.

    Raises:
        TypeError: an entry is not a number. Score a model with several outputs one at a time.
        ValueError: the lengths differ, both are empty, or all targets are equal, so that there is
            no variance to explain.

    >>> r2_score([1.0, 2.0, 3.0], [1.5, 2.0, 2.5])
    0.75
    """
    expected, predicted = listed(targets, "r2_score"), listed(outputs, "r2_score")
    for name, numbers in (("target", expected), ("output", predicted)):
        for i, number in enumerate(numbers):
            if not is_number(number):
                got = shown(number)
                raise TypeError(f"r2_score: {name} {i} must be a number or a Value, got {got}")
    if len(expected) != len(predicted):
        raise ValueError(
            f"r2_score needs one target for each output, got {len(expected)} targets "
            f"for {len(predicted)} outputs"
        )
    if not expected:
        raise ValueError("r2_score needs at least two targets and outputs, got none")
    expected = [as_operand(x, "r2_score: a target") for x in expected]
    predicted = [as_operand(x, "r2_score: an output") for x in predicted]
    center = mean(expected)
    deviations = [t - center for t in expected]
    total = dot(deviations, deviations)
    # Compare the targets themselves as well: the mean of equal numbers can be off by a rounding.
    if min(expected) >= max(expected) or total <= 0.0:
        raise ValueError(
            f"r2_score: all {len(expected)} targets are equal to {expected[0]:g}, "
            "so there is no variance to explain"
        )
    errors = [y - t for y, t in zip(predicted, expected, strict=True)]
    return 1.0 - dot(errors, errors) / total
