"""Numbers rounded as metrologists do: two significant digits of the uncertainty."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

__all__ = ["percent", "rounded", "significant"]

_MOST_DECIMALS, _LARGEST = 7, 1e7  # beyond these a power of ten is written


def rounded(value: float, std: float) -> tuple[str, str]:
    """A value and its standard deviation, both to the second significant digit of the latter.

    Source: Joint Committee for Guides in Metrology, Guide to the expression of uncertainty in
    measurement (GUM), 2008, 7.2.6.

    >>> rounded(9.80665, 0.0234), rounded(1234567.0, 12345.0), rounded(-1.5, 0.0)
    (('9.807', '0.023'), ('1235000', '12000'), ('-1.5', '0'))
    >>> rounded(6.62607e-34, 1.234e-37)
    ('6.6261e-34', '0.0012e-34')
    """
    if not (std and isfinite(std) and isfinite(value)):
        return f"{value:.10g}", f"{std:.2g}"
    last = int(f"{std:.1e}".partition("e")[2]) - 1  # the power of ten of the second digit
    size = max(abs(value), std)
    if last >= -_MOST_DECIMALS and size < _LARGEST:
        return _to_place(value, last, 0), _to_place(std, last, 0)
    power = int(f"{size:e}".partition("e")[2])
    ending = f"e{power:+03d}"
    return _to_place(value, last, power) + ending, _to_place(std, last, power) + ending


def _to_place(x: float, last: int, power: int) -> str:
    """The number, divided by ten to the `power`, with `last` as its last power of ten."""
    exact = round(Decimal(x), -last).scaleb(-power)
    text = f"{exact:.{max(power - last, 0)}f}"
    return text.removeprefix("-") if not exact else text


def significant(x: float | None, digits: int = 4) -> str:
    """A number in a few digits, and a dash for what is not known.

    >>> significant(2.0), significant(-0.0123456), significant(None), significant(float("nan"))
    ('2', '-0.01235', '–', '–')
    """
    return "–" if x is None or x != x else f"{x + 0.0:.{digits}g}"


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.12345), percent(-0.5), percent(float("nan"))
    ('12.3 %', '-50.0 %', '–')
    """
    return "–" if share != share else f"{100.0 * share:.1f} %"
