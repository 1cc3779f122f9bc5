"""Every example explains itself: what it is, where it is from, what to look for, a conclusion."""

import pytest

from scalargrad.examples import catalogue
from scalargrad.examples.explanations import Explanation, parse

NAMES = [name for group in catalogue.GROUPS for name in group.examples]


def test_the_parts_of_a_text() -> None:
    text = """\
What it shows.

    E = w x
    δ = y - τ

A paragraph
of two lines:
    z = 1

      inner = 2
back to prose.

- an item
  of two lines
- another

After the list.

Source: the lecture,
its second part.

A second paragraph of the source.
Data: ours.
Look for: this and

    that = 1

Conclusion: so it is."""

    assert parse(text) == Explanation(
        "What it shows.",
        ("    E = w x\n    δ = y - τ", "A paragraph of two lines:", "    z = 1", "      inner = 2",
         "back to prose.", "- an item of two lines", "- another", "After the list."),
        ("the lecture, its second part.", "A second paragraph of the source."),
        ("ours.",),
        ("this and", "    that = 1"),
        ("so it is.",),
    )  # fmt: skip


def test_what_is_missing_is_empty() -> None:
    assert parse("") == Explanation("")
    assert parse("One line.") == Explanation("One line.")


@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_all_parts(name: str) -> None:
    text = catalogue.explanation(name)

    assert text.body
    for part in ("source", "data", "look_for", "conclusion"):
        (first, *_) = getattr(text, part)
        assert not first.startswith(" "), part
        assert first.endswith((".", ":", "?")), part
    (conclusion,) = text.conclusion
    assert 40 < len(conclusion) < 240, "one sentence"


def test_nothing_of_a_text_is_lost() -> None:
    for name in NAMES:
        words = (catalogue.example(name).__doc__ or "").split()
        text = catalogue.explanation(name)
        blocks = [text.summary, *text.body]
        for part in ("source", "data", "look_for", "conclusion"):
            blocks += getattr(text, part)
        headings = {"Source:", "Data:", "Look", "for:", "Conclusion:"}
        kept = " ".join(blocks).split()

        assert [w for w in words if w not in headings] == [w for w in kept if w not in headings]
