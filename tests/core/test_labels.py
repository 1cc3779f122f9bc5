"""Tests of labels: user text made harmless, numbers made short."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalargrad.core.labels import clean, format_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a3", "a3"),
        ("", ""),
        ("  \n", ""),
        ("one\ntwo", "one↵two"),
        ("one\r\ntwo", "one↵two"),
        ("one\ttwo", "one⇥two"),
        ("bell\x07", "bell\ufffd"),
        ("\u202eabc", "\ufffdabc"),
        ("\ud800", "\ufffd"),
        ("\uffff", "\ufffd"),
        ("学习 ∂E/∂w", "学习 ∂E/∂w"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("<b>&amp;", "<b>&amp;"),
        (None, "None"),
    ],
)
def test_clean(text: object, expected: str) -> None:
    actual = clean(text)

    assert expected == actual


@pytest.mark.parametrize(
    "text",
    ["x" * 41, "x" * 10_000_000, "\r\n".join("x" * 50), "x" + "\r\n" * 60 + "x"],
)
def test_clean_cuts_long_text(text: str) -> None:
    actual = clean(text)

    assert len(actual) == 40
    assert actual.endswith("…")


def test_clean_keeps_text_that_just_fits() -> None:
    assert clean("x" * 40) == "x" * 40


@given(st.text(st.characters(exclude_categories=())))
def test_clean_leaves_one_line_of_characters_that_xml_allows(text: str) -> None:
    cleaned = clean(text)

    assert len(cleaned) <= 40
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cs", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.60437, "0.6044"),
        (-1.1, "-1.1"),
        (1.2e-7, "1.2e-07"),
        (0.0, "0"),
        (-0.0, "0"),
        (3, "3"),
        (-12345.0, "-12345"),
        (1e6, "1e+06"),
        (1e300, "1e+300"),
        (5e-324, "4.941e-324"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_format_number(number: float, expected: str) -> None:
    actual = format_number(number)

    assert expected == actual


@given(st.floats(-1e308, 1e308))
def test_format_number_stays_near_the_number(number: float) -> None:
    assert math.isclose(float(format_number(number)), number, rel_tol=5e-4, abs_tol=1e-320)
