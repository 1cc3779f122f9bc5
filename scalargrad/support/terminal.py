"""Text for a terminal: bold and colour where it has them, and prose wrapped to its width.

The few escape codes and `textwrap` do what is needed; a library for terminals would be a dependency
of everybody for one command.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Terminal"]

_NARROWEST, _WIDEST = 40, 100  # longer lines are hard to read


@dataclass(frozen=True)
class Terminal:
    r"""How to write on a stream.

    Attributes:
        width: the number of columns to wrap prose to.
        styled: whether escape codes for bold and colour are shown as such.

    >>> Terminal(styled=True).bold("E")
    '\x1b[1mE\x1b[0m'
    >>> Terminal().bold("E")
    'E'
    """

    width: int = _WIDEST
    styled: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Terminal:
        """Return how to write on a stream: plain text unless it is a terminal.

        The environment has a say: `NO_COLOR` (not empty) and `TERM=dumb` ask for plain text, and
        `COLUMNS` sets the width.
        """
        width = shutil.get_terminal_size(fallback=(_WIDEST, 24)).columns
        asked = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        # The old console of Windows prints the codes themselves.
        able = sys.platform != "win32" or any(map(os.environ.get, ("WT_SESSION", "TERM")))
        return cls(max(_NARROWEST, min(width, _WIDEST)), stream.isatty() and asked and able)

    def bold(self, text: str) -> str:
        """Text in bold, for headings."""
        return self._in("1", text)

    def faint(self, text: str) -> str:
        """Text that stands back."""
        return self._in("2", text)

    def coloured(self, text: str) -> str:
        """Text in a colour that is legible on dark and on light, for formulas."""
        return self._in("36", text)

    def prose(self, text: str, first: str = "", others: str = "") -> str:
        """Wrap a paragraph to the width.

        Args:
            text: the paragraph, on one line or several.
            first: what its first line begins with.
            others: what its other lines begin with.

        >>> print(Terminal(40).prose("the sum over all ways to the result", "- ", "  "))
        - the sum over all ways to the result
        """
        return textwrap.fill(
            text, self.width, initial_indent=first, subsequent_indent=others,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.styled and text else text
