"""Check and convert the arguments of the plotting functions; the errors name the function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scalargrad.core.arguments import check_unmasked, is_list
from scalargrad.core.numbers import as_float, shown, written
from scalargrad.core.value import Value

__all__ = [
    "by_label", "function", "heights", "number", "one_of", "optional", "pair", "plain", "sides",
    "spread",
]  # fmt: skip

Span = tuple[float, float]


def plain(x: Any, name: str = "plot") -> float:
    """Return a number, or that of a Value, as a float; a TypeError begins with `name`.

    >>> plain(Value(2.0)), plain(True)
    (2.0, 1.0)
    """
    if isinstance(x, Value):
        return float(x.data)
    if getattr(x, "ndim", None) == 0 and hasattr(x, "item"):  # a NumPy array without dimensions
        check_unmasked(x, name)
        x = x.item()
    return as_float(x, name)


def number(x: Any, name: str) -> float:
    """Return the result of a function or a model as a float, also from a list of one number.

    >>> number([Value(2.0)], "f")
    2.0
    """
    if is_list(x):
        if len(x) != 1:
            raise ValueError(f"{name} must be one number, got {len(x)}")
        x = x[0]
    return plain(x, name)


def pair(x: Any, name: str) -> tuple[float, float]:
    """Return a pair of numbers as floats.

    >>> pair([1, Value(2.0)], "x")
    (1.0, 2.0)
    """
    if not _is_pair(x):
        raise ValueError(f"{name} must be a pair of numbers, got {written(x)}")
    return plain(x[0], name), plain(x[1], name)


def one_of(x: Any, choices: Sequence[str], name: str) -> None:
    """Raise a ValueError that lists the choices unless `x` is one of them."""
    if not isinstance(x, str) or x not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {written(x)}")


def function(f: Any, name: str) -> Callable[[Any], Any]:
    """Return `f`, after checking that it can be called."""
    if not callable(f):
        raise TypeError(f"{name} must be a function, got {shown(f)}")
    return f  # type: ignore[no-any-return]


def optional(x: Any, name: str, content: str) -> Mapping[Any, Any]:
    """Return a dict, empty for None."""
    if x is None:
        return {}
    if not isinstance(x, Mapping):
        raise TypeError(f"{name} must be a dict, {{{content}}}, or None, got {shown(x)}")
    return x


def by_label(data: Any, caller: str, content: str) -> Mapping[Any, Any]:
    """Return `data`, after checking that it is a dict with at least one entry."""
    if not isinstance(data, Mapping):
        got = shown(data)
        raise TypeError(f"{caller} takes a dict, {{label: {content}}}, got {got}")
    if not data:
        raise ValueError(f"{caller}: there is nothing to draw, the dict is empty")
    return data


def spread(span: Span, count: int = 241) -> list[float]:
    """Return evenly spaced numbers from one end of the span to the other.

    >>> spread((0.0, 1.0), 3)
    [0.0, 0.5, 1.0]
    """
    if not _is_pair(span):
        raise ValueError(f"a span is a pair (low, high), got {_shortened(span)}")
    low, high = (plain(x, "a span") for x in span)
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"a span goes from a number to a higher one, got {low:g} and {high:g}")
    return [low + (high - low) * k / (count - 1) for k in range(count)]


def sides(span: Any, caller: str, count: int) -> tuple[list[float], list[float]]:
    """Return evenly spaced numbers for each of the two spans of an area."""
    if not _is_pair(span) or not all(map(_is_pair, span)):
        raise ValueError(
            f"{caller}: span is a pair of pairs, ((low, high), (low, high)), got {_shortened(span)}"
        )
    return spread(span[0], count), spread(span[1], count)


def heights(f: Callable[[Any], Any], xs: Iterable[Any], name: str) -> list[float]:
    """Return f at each x, nan where f is undefined, such as 1/x at 0.

    Raises:
        ValueError: f is finite nowhere; the message gives the reason.
    """
    ys, reason = [], ""
    for x in xs:
        try:
            ys.append(number(f(x), name))
        except (ArithmeticError, ValueError) as error:
            ys.append(math.nan)
            reason = f" ({error})"
    if not any(map(math.isfinite, ys)):
        raise ValueError(f"{name} is finite nowhere in the span{reason}")
    return ys


def _is_pair(x: Any) -> bool:
    check_unmasked(x, "plot")
    return is_list(x) and len(x) == 2


def _shortened(x: Any) -> str:
    return f"{len(x)} entries" if is_list(x) and len(x) > 4 else written(x)
