"""Names and numbers in LaTeX: shown as what they are, whatever characters a user put there.

What comes out is read by LaTeX, MathJax 2 and 3 and KaTeX, and may stand in an HTML page: it holds
no `<`, `>` or bare `$`, and no `&` that could begin an entity.
"""

from __future__ import annotations

import math
import re
from itertools import groupby

from scalargrad.core.labels import format_number

__all__ = ["latex_name", "latex_number", "latex_text"]

# "a3", "w13", "E", "loss", "loss2", "w_13": letters with a subscript
_PLAIN = re.compile(r"(?P<letters>[A-Za-z]+)_?(?P<digits>[0-9]{0,4})")

# "w[1][0,2]": weight 2 of neuron 0 in layer 1; "w[2]" and "θ[7]": without a layer
_INDEXED = re.compile(
    r"(?P<letters>[A-Za-z]+|θ)(\[(?P<layer>[0-9]+)\])?\[(?P<indices>[0-9]+(,[0-9]+)*)\]"
)

# Inside \text each system has its own idea of these; as mathematics they are the same everywhere.
# ^ and ~ are accents in text, and MathJax has no name for them there.
_SPECIAL = {
    "\\": r"\backslash", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&",
    "_": r"\_", "^": r"\wedge", "~": r"\sim", "<": r"\lt", ">": r"\gt", "|": r"\vert",
}  # fmt: skip

# Two of these in a row run together in text: -- becomes a dash, '' a quotation mark.
_LIGATURE = re.compile(r"(?<=[-'`,?!])(?=[-'`,])")


def latex_name(name: str) -> str:
    r"""A name that went through `clean`, in LaTeX.

    >>> print(latex_name("w13"), latex_name("loss"), latex_name("100 % of {x}"))
    w_{13} \mathit{loss} {\text{100 }\%\text{ of }\{\text{x}\}}
    >>> print(latex_name("w[1][0,2]"))
    w^{(1)}_{0,2}
    """
    if indexed := _INDEXED.fullmatch(name):
        layer = f"^{{({indexed['layer']})}}" if indexed["layer"] else ""
        return f"{_letters(indexed['letters'])}{layer}_{{{indexed['indices']}}}"
    if plain := _PLAIN.fullmatch(name):
        subscript = f"_{{{plain['digits']}}}" if plain["digits"] else ""
        return _letters(plain["letters"]) + subscript
    return f"{{{latex_text(name)}}}"


def _letters(letters: str) -> str:
    if letters == "θ":
        return r"\theta"
    return letters if len(letters) == 1 else rf"\mathit{{{letters}}}"


def latex_text(text: str) -> str:
    r"""A line of text that went through `clean`, in upright letters.

    >>> print(latex_text("a < b"))
    \text{a }{\lt}\text{ b}
    """
    pieces = []
    for special, run in groupby(text, _SPECIAL.get):
        if special:
            pieces += [f"{{{special}}}" if special[-1].isalpha() else special for _ in run]
        else:
            harmless = _LIGATURE.sub(r"}\\text{", "".join(run))
            pieces.append(rf"\text{{{harmless}}}")
    return "".join(pieces)


def latex_number(number: float, text: str = "") -> str:
    r"""A number as `format_number` shows it, or as the `text` does, in LaTeX.

    >>> print(latex_number(0.60437), latex_number(1.2e-7), latex_number(float("-inf")))
    0.6044 1.2 \cdot 10^{-7} -\infty
    """
    if math.isnan(number):
        return r"\text{nan}"
    text = text or format_number(number)
    mantissa, e, exponent = text.replace("inf", r"\infty").partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa
