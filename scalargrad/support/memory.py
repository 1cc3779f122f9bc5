"""Refuse at once what would need more memory than the machine has, before minutes of swapping."""

from __future__ import annotations

import os

__all__ = ["check_memory"]


def check_memory(count: int, each: int, what: str) -> None:
    """Raise a ValueError if `count` objects of `each` bytes exceed the memory of the machine.

    Args:
        count: how many objects.
        each: the bytes of one of them, at least.
        what: what they are, with {} for the count, for the message.

    >>> from scalargrad.support.memory import check_memory
    >>> check_memory(10**30, 96, "a layer of {} weights")
    Traceback (most recent call last):
        ...
    ValueError: a layer of 1.0e+30 weights needs 9.6e+31 bytes, and this machine has ...
    """
    if count * each > (size := _memory()):
        raise ValueError(
            f"{what.format(_short(count))} needs {_short(count * each)} bytes, and this machine "
            f"has {_short(size)}"
        )


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return 2**46


def _short(number: int) -> str:
    """A number of any size, with two digits: int has at most 4,300 of them, and float 308."""
    if number < 100_000:
        return str(number)
    exponent = int(number.bit_length() * 0.30103)
    while 10 ** (exponent + 1) <= number:
        exponent += 1
    while 10**exponent > number:
        exponent -= 1
    tenths = number // 10 ** (exponent - 1)
    return f"{tenths // 10}.{tenths % 10}e+{exponent}"
