"""What an example may draw: a figure, the drawing of a graph, or a film."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

__all__ = ["Picture"]


class Picture(Protocol):
    """A `plot.Figure`, an `sg.Drawing` or an `sg.Film`: it shows itself in Jupyter, and saves."""

    def save(self, path: str | os.PathLike[str], /) -> Path:
        """Write it in the format that the suffix names, and return the path."""
