"""Tables as text in aligned columns, and as HTML for notebooks."""

from collections.abc import Sequence
from html import escape

__all__ = ["as_html", "as_text"]

_LEFT, _RIGHT = ' style="text-align: left"', ' style="text-align: right"'


def as_text(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, gap: int = 2
) -> str:  # fmt: skip
    """The rows below their head, in columns; no line ends in blanks.

    Args:
        head: the title of each column; empty for a table without titles.
        rows: the cells of each row.
        left: the number of columns, from the first one on, that are aligned left.
        gap: the number of blanks between columns.

    >>> print(as_text(["name", "value"], [["a", "1.5"], ["long", "12"]]))
    name  value
    a       1.5
    long     12
    """
    lines = []
    table = [head, *rows] if head else rows
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return "\n".join(lines)


def as_html(
    head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", left: int = 1,
) -> str:  # fmt: skip
    """The same as an HTML table; all texts are escaped.

    >>> print(as_html(["name"], [["<b>"]], left=0))
    <table>
    <tr><th style="text-align: right">name</th></tr>
    <tr><td style="text-align: right">&lt;b&gt;</td></tr>
    </table>
    """
    table = [*([("th", head)] if head else []), *(("td", row) for row in rows)]
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption{_LEFT}>{escape(caption)}</caption>")
    for tag, row in table:
        cells = [
            f"<{tag}{_LEFT if i < left else _RIGHT}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(row)
        ]
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*parts, "</table>"])
