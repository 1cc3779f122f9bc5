"""The templates by which rows are written, taken apart to see where operands need brackets.

No operation is known by name here, so a new row needs no line: "{0} - {1}" shows by itself that its
second operand needs brackets if it is a sum, and tanh({0}) that its operand never does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from scalargrad.core.labels import clean
from scalargrad.core.rows import TABLE, Primitive
from scalargrad.view.formula.latex import latex_name

__all__ = [
    "ATOM", "POWER", "PRODUCT", "SUM", "Template", "bracketed", "can_be_written", "template",
]  # fmt: skip

# How tightly a formula binds. Floor division and remainder stand below products, because
# -(x // y) is not -x // y. A fraction bar brackets its operands, except under a power.
WORDS, SUM, ROUNDED, PRODUCT, FRACTION, POWER, ATOM = range(7)

_OPERATORS = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": ROUNDED, "%": ROUNDED,
    r"\cdot": PRODUCT, r"\bmod": ROUNDED, r"\frac": FRACTION, r"\tfrac": FRACTION,
    "**": POWER, "^": POWER,
}  # fmt: skip
# The level that the right operand needs: a - (b - c) is not a - b - c.
_RIGHT = {
    "-": PRODUCT, "/": FRACTION, "//": FRACTION, "%": FRACTION, r"\bmod": FRACTION,
    "**": ATOM, "^": ATOM,
}  # fmt: skip
_OPENING = {"(", "[", "{", r"\lfloor", r"\lceil", r"\begin"}
_CLOSING = {")", "]", "}", r"\rfloor", r"\rceil", r"\end"}
_DELIMITERS = {",", "|", "&", r"\\"}

_MARK = "\ue000{}\ue001"  # stands for an operand; `clean` leaves private characters to their users
_MARKED = re.compile("\ue000([0-9]+)\ue001")
_TOKEN = re.compile(r"(\\begin|\\end)\{\w*\}|\\[A-Za-z]+|\\.|\*\*|//|\S")
_SKIPPED = {r"\left", r"\right"}

_TERMS = 6  # of a longer sum only the first two terms and the last are shown


@dataclass(frozen=True)
class Template:
    """The template of a row, taken apart.

    Attributes:
        texts: The texts before, between and after the operands.
        positions: The position of each operand that is shown, in the order of the text.
        needs: The level below which each of them gets brackets.
        follows: Whether an operator stands before it, so that a leading minus needs brackets too.
        level: The level of the whole.
    """

    texts: tuple[str, ...]
    positions: tuple[int, ...]
    needs: tuple[int, ...]
    follows: tuple[bool, ...]
    level: int

    def fill(self, write: Callable[[int], tuple[str, int]], latex: bool) -> tuple[str, int]:
        """The formula and its level; `write` gives the text and level of an operand."""
        pieces = [self.texts[0]]
        for i, position in enumerate(self.positions):
            text, level = write(position)
            if len(self.positions) == 1 and not any(self.texts):
                return text, level  # the identity looks like its operand
            if level < self.needs[i] or (self.follows[i] and text.startswith("-")):
                text = bracketed(text, latex)
            pieces += [text, self.texts[i + 1]]
        return "".join(pieces), self.level


def bracketed(text: str, latex: bool) -> str:
    """The text in brackets, which in LaTeX are as tall as their content."""
    if latex and (r"\frac" in text or r"\begin" in text):
        return rf"\left({text}\right)"
    return f"({text})"


@lru_cache(maxsize=1024)
def template(primitive: Primitive, count: int, latex: bool) -> Template:
    """The template of a row for `count` operands; the middle of a long one is left out."""
    written = primitive.write(*map(_MARK.format, range(count)), latex=latex)
    if primitive.name not in TABLE:
        written = _harmless(primitive.name, written, count, latex)
    split = _MARKED.split(written)
    texts, positions = split[::2], [int(position) for position in split[1::2]]
    tokens = [_tokens(text) for text in texts]
    level = _level(tokens)
    needs = [
        _need(before or ["?"] * (i > 0), after or ["?"] * (i < len(positions) - 1))
        for i, (before, after) in enumerate(pairwise(tokens))
    ]
    follows = [bool(before) and before[-1] in _OPERATORS for before in tokens[:-1]]
    if not latex:
        texts = [text.replace(" * ", "·") for text in texts]
    if gap := _middle(tokens):
        start, end = gap  # the first operand left out, and the first one shown again
        texts[start : end + 1] = [texts[start] + (r"\dots" if latex else "…") + texts[end]]
        del positions[start:end], needs[start:end], follows[start:end]
    return Template(tuple(texts), tuple(positions), tuple(needs), tuple(follows), level)


@lru_cache(maxsize=1024)
def can_be_written(primitive: Primitive, count: int) -> bool:
    """Whether both forms of a row give a text: a user's templates may fail, or be empty."""
    try:
        forms = [template(primitive, count, latex) for latex in (False, True)]
    except Exception:
        return False
    return all(form.positions or form.texts[0] for form in forms)


def _tokens(text: str) -> list[str]:
    found = (match[0] for match in _TOKEN.finditer(text))
    plain = (re.sub(r"^(\\(?:begin|end)).*", r"\1", token) for token in found)
    return [token for token in plain if token not in _SKIPPED]


def _need(before: list[str], after: list[str]) -> int:
    """The level at which an operand between these tokens needs no brackets."""
    left, right = before[-1] if before else "", after[0] if after else ""
    if (left, right) == ("{", "}"):
        return ATOM if after[1:2] == ["^"] else WORDS
    need = WORDS
    if left in _OPERATORS:
        need = _RIGHT.get(left, _OPERATORS[left])
    elif left and left not in _OPENING | _DELIMITERS:
        return ATOM
    if right in _OPERATORS:
        return max(need, ATOM if _OPERATORS[right] == POWER else _OPERATORS[right])
    return ATOM if right and right not in _CLOSING | _DELIMITERS else need


def _level(tokens: list[list[str]]) -> int:
    """The level of the whole: that of its weakest operator outside of brackets."""
    level, depth, bars, bare = ATOM, 0, 0, False
    for i, text in enumerate(tokens):
        for j, token in enumerate(text):
            depth += (token in _OPENING) - (token in _CLOSING)
            bars ^= token == "|"
            if token in _OPERATORS and not depth and not bars:
                sign = token == "-" and i == j == 0
                level = min(level, PRODUCT if sign else _OPERATORS[token])
        bare |= i < len(tokens) - 1 and not depth and not bars
    return WORDS if bare and level == ATOM else level


def _middle(tokens: list[list[str]]) -> tuple[int, int] | None:
    """The range of operands to leave out of a long sum, list or product."""
    between = tokens[1:-1]
    loose = [i for i, gap in enumerate(between, 1) if "+" in gap or "," in gap]
    cuts = loose or [*range(1, len(between) + 1)]  # cuts[k]: before which operand a term begins
    if len(cuts) < _TERMS:
        return None
    # a dot's bias, one operand after terms of two, does not show what the terms look like
    odd = len(tokens) - 1 - cuts[-1] < cuts[-1] - cuts[-2]
    return cuts[1], cuts[-2 if odd else -1]


def _harmless(name: str, written: str, count: int, latex: bool) -> str:
    """The text of a user's template without characters that could break a line or a page."""
    if not latex:
        parts = re.split("(\ue000[0-9]+\ue001)", written)
        parts = [part.replace(name, clean(name)) for part in parts]
        return "".join(clean(f".{part}.", 80)[1:-1] for part in parts)
    if not written.startswith(rf"\mathrm{{{name}}}(") and _balanced(written):
        written = re.sub("<", r"\\lt ", re.sub(">", r"\\gt ", written.replace("$", "")))
        return re.sub(r"\s+", " ", re.sub(r"&(?=[\w#])", "& ", written))
    shown = (
        rf"\operatorname{{{name}}}"
        if name.isascii() and name.isalpha()
        else latex_name(clean(name))
    )
    return f"{shown}({', '.join(map(_MARK.format, range(count)))})"


def _balanced(text: str) -> bool:
    depth = 0
    for token in _tokens(text):
        depth += (token == "{") - (token == "}")
        if depth < 0:
            return False
    return not depth
