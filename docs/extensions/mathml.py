r"""Formulas as MathML, which browsers set by themselves: nothing is loaded and no script runs.

docutils translates them while the site is built. MathJax would be a megabyte of scripts from npm
for a few dozen formulas, and would have none of them ready when a page appears.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

# Commands that docutils does not know, by those it knows.
KNOWN = {
    r"\\[bB]igg?[lrm]?(?![a-zA-Z])": "",  # brackets grow by themselves
    r"\\dots\b": r"\\ldots",
    r"\\tfrac\b": r"\\frac",
    r"\\dfrac\b": r"\\frac",
    r"\\frac\s*(\d)\s*(\d)": r"\\frac{\1}{\2}",
    r"\\\\\[[\d.]+\w+\]": r"\\\\",  # the height of a gap
    r"\\begin\{array\}\{\w+\}": r"\\begin{matrix}",
    r"\\end\{array\}": r"\\end{matrix}",
}


def translated(tex: str, *, block: bool) -> str:
    r"""Return a formula of LaTeX as a MathML element.

    >>> translated(r"\tfrac12 x", block=False)[:5]
    '<math'
    """
    for command, known in KNOWN.items():
        tex = re.sub(command, known, tex)
    return str(tex2mathml(tex, as_block=block))


def write(translator: Any, node: nodes.Element, *, block: bool) -> None:
    tex = node.astext().strip().strip("$")
    try:
        text = translated(tex, block=block)
    except MathError as error:
        logger.warning(
            "a formula that docutils cannot translate: %s: %s", error, tex, location=node
        )
        text = translator.starttag(node, "code") + translator.encode(tex) + "</code>"
    translator.body.append(f'<div class="formula">{text}</div>\n' if block else text)
    raise nodes.SkipNode


def inline(translator: Any, node: nodes.Element) -> None:
    write(translator, node, block=False)


def block(translator: Any, node: nodes.Element) -> None:
    write(translator, node, block=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
