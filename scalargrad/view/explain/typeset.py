"""Sentences and equations laid out in two forms at once: lines of text, and rows of LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scalargrad.core.labels import format_number
from scalargrad.view.formula.latex import latex_number, latex_text

__all__ = ["Equation", "Page", "Piece", "joined", "number", "product", "total", "words"]

_WIDTH = 96
_LEFT = 24  # equations are aligned where what stands on the left is no longer


class Piece(NamedTuple):
    """A piece of a sentence or formula in its two forms."""

    text: str
    latex: str


def words(text: str) -> Piece:
    """Plain words."""
    return Piece(text, latex_text(text))


def number(x: float) -> Piece:
    """A number with about four digits."""
    return Piece(format_number(x), latex_number(x))


def joined(pieces: Iterable[Piece], text: str = "", latex: str = "") -> Piece:
    """The pieces behind one another, with this between them."""
    texts, latexes = zip(*pieces, strict=True)
    return Piece(text.join(texts), latex.join(latexes))


def product(factors: Sequence[Piece], first: bool = True) -> Piece:
    """The product of the factors; a minus gets brackets where something stands before it."""
    signed = [
        Piece(f"({factor.text})", f"({factor.latex})")
        if factor.text.startswith("-") and (i or not first)
        else factor
        for i, factor in enumerate(factors)
    ]
    return joined(signed, " · ", r" \cdot ") if signed else Piece("1", "1")


def total(numbers: Sequence[float]) -> list[Piece]:
    """The sum of the numbers, written out."""
    later = (("- ", number(-x)) if x < 0.0 else ("+ ", number(x)) for x in numbers[1:])
    signed = [Piece(sign + x.text, sign + x.latex) for sign, x in later]
    return [number(numbers[0]), *signed]


@dataclass(frozen=True)
class Equation:
    """Something that equals one thing after the other, each a list of terms with their signs."""

    left: Piece
    sides: Sequence[Sequence[Piece]]

    def rows(self, room: int) -> list[tuple[bool, Piece]]:
        """What stands on the right, line by line, and whether the line begins with "="."""
        sides: list[Sequence[Piece]] = []
        for side in self.sides:
            if not sides or _line(side).text != _line(sides[-1]).text:  # 2 = 2 says nothing
                sides.append(side)
        whole = joined(map(_line, sides), " = ", " = ")
        if len(whole.text) <= room:
            return [(True, whole)]
        rows: list[tuple[bool, Piece]] = []
        for side in sides:
            if len(rows) > 1:
                more = joined([rows[-1][1], _line(side)], " = ", " = ")
                if len(more.text) <= room:
                    rows[-1] = rows[-1][0], more
                    continue
            parts = _parts(side, room)
            rows += [(not i, part) for i, part in enumerate(parts)]
        return rows


def _line(terms: Iterable[Piece]) -> Piece:
    return joined(terms, " ", " ")


def _parts(side: Sequence[Piece], room: int) -> list[Piece]:
    """The terms of a sum on as few lines as they need."""
    parts = [side[0]]
    for term in side[1:]:
        longer = _line([parts[-1], term])
        if len(longer.text) <= room:
            parts[-1] = longer
        else:
            parts.append(term)
    return parts


class Page:
    """What was said so far: `text`, and `latex`, an aligned environment."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rows: list[str] = []  # each with what separates it from the row before

    @property
    def text(self) -> str:
        """The lines of text."""
        return "\n".join(self._lines)

    @property
    def latex(self) -> str:
        """The rows of LaTeX, for display mathematics."""
        return f"\\begin{{aligned}}{''.join(self._rows)}\n\\end{{aligned}}"

    def head(self, piece: Piece) -> None:
        """Begin a new section."""
        self._lines += ["", piece.text]
        self._row(f"& {piece.latex}", space="[1ex]")

    def say(self, piece: Piece, indent: int = 0) -> None:
        """A line of its own."""
        self._lines.append(" " * indent + piece.text)
        self._row(f"& {piece.latex}")

    def _row(self, latex: str, space: str = "") -> None:
        self._rows.append((rf" \\{space}" if self._rows else "") + f"\n{latex}")

    def write(self, equations: Sequence[Equation], indent: int = 0) -> None:
        """Equations one below the other, their = signs too."""
        lefts = [len(equation.left.text) for equation in equations]
        width = max([left for left in lefts if left <= _LEFT], default=0)
        for equation, left in zip(equations, lefts, strict=True):
            behind = max(width, left)
            room = max(40, _WIDTH - indent - behind - 3)
            for i, (begins, piece) in enumerate(equation.rows(room)):
                # under a long name the lines go on further left than it ends
                before = " " * min(behind, 2 * _LEFT) if i else equation.left.text.ljust(behind)
                line = f"{before} {'=' if begins else ' '} {piece.text}"
                self._lines.append(" " * indent + (line if behind else line[1:]))
                left_latex = "" if i else f"{equation.left.latex} "
                self._row(f"{left_latex.lstrip()}&{'= ' if begins else '{} '}{piece.latex}")
