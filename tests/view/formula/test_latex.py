"""Tests of names and numbers in LaTeX."""

import math
import re

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.core.labels import clean
from scalargrad.view.formula.latex import latex_name, latex_number, latex_text

# what mathematics may consist of here: texts of harmless characters, and these macros
HARMLESS = re.compile(
    r"(\\text\{[^\\{}$%#&_^~<>|]+\}"
    r"|\{\\(backslash|wedge|sim|lt|gt|vert)\}|\\[{}$%#&_](?![A-Za-z0-9#]))*"
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("E", "E"),
        ("a3", "a_{3}"),
        ("w13", "w_{13}"),
        ("w_13", "w_{13}"),
        ("loss", r"\mathit{loss}"),
        ("loss2", r"\mathit{loss}_{2}"),
        ("w[1][0,2]", "w^{(1)}_{0,2}"),
        ("b[1][0]", "b^{(1)}_{0}"),
        ("w[2]", "w_{2}"),
        ("bias[0,3]", r"\mathit{bias}_{0,3}"),
        ("θ[7]", r"\theta_{7}"),
        ("w[1][2][3]", r"{\text{w[1][2][3]}}"),
        ("w[x]", r"{\text{w[x]}}"),
        ("v12345", "{\\text{v12345}}"),
        ("w (2)", r"{\text{w (2)}}"),
        ("layers.0.w[1]", r"{\text{layers.0.w[1]}}"),
        ("∂E/∂w", r"{\text{∂E/∂w}}"),
        ("a_b", r"{\text{a}\_\text{b}}"),
        ("$x$", r"{\$\text{x}\$}"),
        ("\\frac{1}", r"{{\backslash}\text{frac}\{\text{1}\}}"),
        ("^~|<>", r"{{\wedge}{\sim}{\vert}{\lt}{\gt}}"),
        ("&lt;", r"{\&\text{lt;}}"),
        ("--", r"{\text{-}\text{-}}"),
    ],
)
def test_latex_name(name: str, expected: str) -> None:
    actual = latex_name(name)

    assert expected == actual


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_text_consists_of_harmless_pieces(label: str) -> None:
    assert HARMLESS.fullmatch(latex_text(clean(label)))


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_consists_of_harmless_pieces(label: str) -> None:
    text = clean(label)
    latex = latex_text(text)

    assert HARMLESS.fullmatch(latex)
    # nothing is lost: what was harmless is all there
    shown = "".join(re.findall(r"\\text\{([^{}]*)\}", latex))
    assert shown == re.sub(r"[\\{}$%#&_^~<>|]", "", text)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.60437, "0.6044"),
        (-1.0, "-1"),
        (1.2e-7, r"1.2 \cdot 10^{-7}"),
        (-1e30, r"-1 \cdot 10^{30}"),
        (math.inf, r"\infty"),
        (-math.inf, r"-\infty"),
        (math.nan, r"\text{nan}"),
    ],
)
def test_latex_number(number: float, expected: str) -> None:
    actual = latex_number(number)

    assert expected == actual
