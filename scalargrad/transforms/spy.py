"""Pictures of the pattern of a sparse matrix, as text and as SVG."""

from __future__ import annotations

from html import escape
from typing import Any

from scalargrad.core.labels import clean

__all__ = ["picture", "svg"]

_TEXT_SIZE = (24, 36)  # rows and columns of characters
_SVG_SIZE = 150  # squares on a side


def picture(matrix: Any) -> list[str]:
    """The lines of a picture of a sparse matrix: x where there is an entry, else a dot."""
    height, width, cells = _cells(matrix, *_TEXT_SIZE)
    full = {*zip(cells[0].tolist(), cells[1].tolist(), strict=True)}
    return [" ".join("x" if (r, c) in full else "." for c in range(width)) for r in range(height)]


def svg(matrix: Any, title: str) -> str:
    """A picture of a sparse matrix as SVG, with an alternative text."""
    height, width, (rows, columns) = _cells(matrix, _SVG_SIZE, _SVG_SIZE)
    squares = "".join(
        f"M{c} {r}h1v1h-1z" for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
    )
    scale = max(2, 300 // max(height, width, 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="{escape(clean(title))}" '
        f'width="{width * scale + 2}" height="{height * scale + 2}" '
        f'viewBox="-0.5 -0.5 {width + 1} {height + 1}">'
        f'<path d="M0 0h{width}v{height}h-{width}z" fill="#ffffff" stroke="#888888" '
        f'stroke-width="0.2"/><path d="{squares or "M0 0"}" fill="#1f4e79"/></svg>'
    )


def _cells(matrix: Any, height: int, width: int) -> tuple[int, int, tuple[Any, Any]]:
    """The cells with an entry in a picture of at most this size."""
    import numpy as np

    m, n = matrix.shape
    height, width = min(m, height), min(n, width)
    entries = matrix.tocoo()
    rows, columns = entries.coords
    if not len(rows):
        return height, width, (rows, columns)
    cells = np.unique(
        rows.astype(np.int64) * height // m * width + columns.astype(np.int64) * width // n
    )
    return height, width, (cells // width, cells % width)
