"""The report of a result: sections of lines as text, and the same as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from textwrap import indent
from typing import Any

from scalargrad.support import tables

__all__ = ["Section", "as_html", "as_text", "correlations", "number", "variables"]

Section = tuple[str, list[tuple[str, ...]]]  # a title, and rows of as many cells each

_LEAST = 0.1  # the smallest correlation that is listed
_MOST = 30  # how many are listed at most


def number(x: float, digits: int = 8) -> str:
    """A number in at most `digits` digits.

    >>> number(1234.56789123), number(3)
    ('1234.5679', '3')
    """
    return f"{x:.{digits}g}"


def variables(
    names: Sequence[str], values: Sequence[float], errors: Sequence[float],
    starts: Sequence[float], remarks: Sequence[str],
) -> list[tuple[str, ...]]:  # fmt: skip
    """A row for each unknown: name, value, standard error, its share of the value, and the rest."""
    rows: list[tuple[str, ...]] = []
    for name, x, error, start, remark in zip(names, values, errors, starts, remarks, strict=True):
        share = f"({abs(error / x):.2%})" if x and isfinite(error) else ""
        sign = f"+/- {number(error)}" if error == error else ""
        rows.append((f"{name}:", number(x), sign, share, f"(init = {number(start, 6)})", remark))
    return rows


def correlations(names: Sequence[str], matrix: Any) -> list[tuple[str, ...]]:
    """A row for each pair of unknowns whose correlation is worth a line, the largest first."""
    found = [
        (float(matrix[i][j]), names[i], names[j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(matrix[i][j]) >= _LEAST
    ]
    found.sort(key=lambda row: -abs(row[0]))
    return [(f"C({a}, {b})", f"= {c:+.4f}") for c, a, b in found[:_MOST]]


def as_text(sections: Sequence[Section]) -> str:
    """The sections as text, the cells of each below one another.

    >>> print(as_text([("Numbers", [("a:", "1.5"), ("long:", "2")])]))
    [[Numbers]]
        a:    1.5
        long: 2
    """
    lines = []
    for title, rows in sections:
        lines.append(f"[[{title}]]")
        lines.append(indent(tables.as_text([], rows, left=len(rows[0]), gap=1), "    "))
    return "\n".join(lines)


def as_html(sections: Sequence[Section]) -> str:
    """The sections as tables."""
    return "\n".join(tables.as_html([], rows, title, left=len(rows[0])) for title, rows in sections)
