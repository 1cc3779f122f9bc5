"""What the functions of `plot` are given, brought into one form; what does not fit is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scalargrad.core.numbers import as_float
from scalargrad.core.value import Value

__all__ = ["by_label", "heights", "number", "plain", "sides", "spread"]

Span = tuple[float, float]


def plain(x: Any, taker: str = "plot") -> float:
    """The number of a Value, or the number itself.

    Raises:
        TypeError: it is no number; the message begins with `taker`.

    >>> plain(Value(2.0)), plain(True)
    (2.0, 1.0)
    """
    if isinstance(x, Value):
        return float(x.data)
    if getattr(x, "ndim", None) == 0 and hasattr(x, "item"):  # a NumPy array of one number alone
        x = x.item()
    return as_float(x, taker)


def number(answer: Any, taker: str) -> float:
    """What a function or a model gives, be it alone in a list or not.

    Raises:
        TypeError: it is no number.
        ValueError: it is a list of several numbers, or of none.

    >>> number([Value(2.0)], "f")
    2.0
    """
    if hasattr(answer, "__len__") and not isinstance(answer, str) and _has_length(answer):
        if len(answer) != 1:
            raise ValueError(f"{taker} gives one number, got {len(answer)}")
        answer = answer[0]
    return plain(answer, taker)


def by_label(data: Any, taker: str, what: str) -> Mapping[Any, Any]:
    """`data`, when it is a dict that is not empty.

    Raises:
        TypeError: it is no dict.
        ValueError: it is empty.
    """
    if not isinstance(data, Mapping):
        got = type(data).__name__
        raise TypeError(f"{taker} takes a dict, {{label: {what}}}, got {got}")
    if not data:
        raise ValueError(f"{taker}: there is nothing to draw, the dict is empty")
    return data


def spread(span: Span, count: int = 241) -> list[float]:
    """So many numbers, evenly spread over the span.

    Raises:
        ValueError: the span is no pair, or does not go from a number to a higher one.

    >>> spread((0.0, 1.0), 3)
    [0.0, 0.5, 1.0]
    """
    if not _is_pair(span):
        raise ValueError(f"a span is a pair (low, high), got {_shown(span)}")
    low, high = (plain(x, "a span") for x in span)
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"a span goes from a number to a higher one, got {low:g} and {high:g}")
    return [low + (high - low) * k / (count - 1) for k in range(count)]


def sides(span: Any, taker: str, count: int) -> tuple[list[float], list[float]]:
    """The numbers that are spread over each of the two spans of an area.

    Raises:
        ValueError: it is no pair of spans.
    """
    if not _is_pair(span) or not all(map(_is_pair, span)):
        raise ValueError(
            f"{taker}: span is a pair of pairs, ((low, high), (low, high)), got {_shown(span)}"
        )
    return spread(span[0], count), spread(span[1], count)


def heights(f: Callable[[Any], Any], xs: Iterable[Any], taker: str) -> list[float]:
    """f at each x; nan where it is not defined, as 1 / x is at 0 and log below it.

    Raises:
        ValueError: it is finite nowhere; the message says why.
    """
    found, fault = [], ""
    for x in xs:
        try:
            found.append(number(f(x), taker))
        except (ArithmeticError, ValueError) as error:
            found.append(math.nan)
            fault = f" ({error})"
    if not any(map(math.isfinite, found)):
        raise ValueError(f"{taker} is finite nowhere in the span{fault}")
    return found


def _has_length(x: Any) -> bool:
    return bool(getattr(x, "ndim", 1))  # an array of no dimension has `__len__`, but no length


def _is_pair(x: Any) -> bool:
    sized = hasattr(x, "__len__") and not isinstance(x, str | Mapping) and _has_length(x)
    return sized and len(x) == 2


def _shown(x: Sequence[float]) -> str:
    return f"{len(x)} entries" if hasattr(x, "__len__") and len(x) > 4 else f"{x!r:.60}"
