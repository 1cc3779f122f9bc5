"""Times with units, and tables in Markdown."""

from __future__ import annotations

import math


def time(seconds: float) -> str:
    """Format seconds with three digits and a unit.

    >>> time(0.0000421), time(12.34), time(3.7e-8)
    ('42.1 µs', '12.3 s', '37.0 ns')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size or unit == "ns":
            return f"{digits(seconds / size)} {unit}"
    raise AssertionError


def digits(x: float) -> str:
    """Format a number with three digits, or all digits before the point, without an exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.{2 - math.floor(math.log10(x))}f}" if x > 0 else "0"


def table(rows: list[list[str]]) -> str:
    """Return a Markdown table with aligned columns; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)) + " |"
        for cells in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
