"""JSON as the standard has it: names that stand once, and numbers that a float can hold."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

__all__ = ["encoded", "parsed", "unreadable"]

# What reading a text, or the object in it, raises if the text is not as it should be.
unreadable = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def parsed(text: str, writer: str) -> Any:
    """What a JSON text says.

    Python's own reader takes more than JSON: it takes the last of two equal names, NaN, and 1e999
    as infinity.

    Args:
        text: The text.
        writer: The function that writes such texts, for messages.

    Raises:
        ValueError: It is no JSON, a name stands in it twice, or a number is not finite.
        RecursionError: It is nested too deep.
    """

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON; {writer} writes nan and infinities in quotes")

    return json.loads(
        text, object_pairs_hook=_without_repeats, parse_constant=no_constant, parse_float=_finite
    )


def encoded(x: float) -> float | str:
    """A number as JSON can hold it: nan and infinities as texts."""
    return x if math.isfinite(x) else repr(x)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"the name {twice!r:.60} stands in it twice")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text:.40} is beyond the range of floats")
    return number
