"""The text of an example in its parts, read from the docstring of its module."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Explanation", "parse"]

Blocks = tuple[str, ...]

_PARTS = {
    "Source": "source", "Data": "data", "Look for": "look_for", "Conclusion": "conclusion",
}  # fmt: skip
_HEADING = re.compile(rf"({'|'.join(_PARTS)}):\s+")


@dataclass(frozen=True)
class Explanation:
    """What an example says about itself.

    A block is a paragraph on one line, an item of a list that begins with "- ", or formulas, whose
    lines are indented.

    Attributes:
        summary: what the example shows, in one line.
        body: what it is, with the formulas.
        source: the place in the lecture or the literature.
        data: where its numbers come from.
        look_for: what to look for in the numbers and the pictures.
        conclusion: what to take home.
    """

    summary: str
    body: Blocks = ()
    source: Blocks = ()
    data: Blocks = ()
    look_for: Blocks = ()
    conclusion: Blocks = ()


def parse(docstring: str) -> Explanation:
    r"""Return the parts of a docstring: the summary, the body, and the paragraphs with a heading.

    Args:
        docstring: the text without the indentation of the source, as `inspect.getdoc` returns it.

    >>> text = '''A neuron.
    ...
    ... It adds up what comes in,
    ... with weights:
    ...
    ...     z = Σ w x
    ...
    ... Source: ours.
    ... Conclusion: it is linear.'''
    >>> parse(text).body
    ('It adds up what comes in, with weights:', '    z = Σ w x')
    >>> parse(text).source, parse(text).conclusion
    (('ours.',), ('it is linear.',))
    """
    summary, *lines = docstring.splitlines() or [""]
    parts: dict[str, list[str]] = {"body": []}
    current = parts["body"]
    for line in lines:
        if heading := _HEADING.match(line):
            current = parts.setdefault(_PARTS[heading[1]], [])
            line = line[heading.end() :]
        current.append(line)
    return Explanation(summary, **{part: tuple(_blocks(text)) for part, text in parts.items()})


def _blocks(lines: Iterable[str]) -> Iterable[str]:
    """Join the lines of a paragraph or an item, and those of formulas with their indentation."""
    block = ""
    for line in lines:
        indented = line.startswith(" ") and not block.startswith("- ")
        goes_on = block and line.strip() and not line.startswith("- ")
        if goes_on and indented == block.startswith(" "):
            block += f"\n{line}" if indented else f" {line.strip()}"
            continue
        if block:
            yield block
        block = line.rstrip()
    if block:
        yield block
