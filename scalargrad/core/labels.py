"""The text a picture may show: user text made harmless, numbers made short."""

import math
import unicodedata
from typing import Any, Protocol

__all__ = ["clean", "format_number", "label_of"]


class Labelled(Protocol):
    """What has a label: a Value."""

    label: Any


# Line breaks and tabs stay visible: a label typed with one should not silently look like another.
_VISIBLE = {"\n": "↵", "\r": "↵", "\u2028": "↵", "\u2029": "↵", "\t": "⇥"}

# Control characters, format characters (the bidi controls are among them: U+202E shows the rest
# of a label backwards), lone surrogates and code points that are no character at all. Most of them
# are not allowed in XML, and none can be seen.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Cn"})

# Joiners are format characters too, but emoji and several scripts are misspelt without them.
_JOINERS = frozenset({"\u200c", "\u200d"})

# Below this a whole number is shown in full: 12345 says more than 1.234e+04.
_WHOLE_NUMBER_LIMIT = 1e6


def label_of(value: Labelled) -> str:
    """The label of a value as text without blanks around it; None, set by hand, is no label.

    >>> label_of(Value(1.0, " w ")), label_of(Value(1.0))
    ('w', '')
    """
    label = value.label
    return label.strip() if isinstance(label, str) else "" if label is None else repr(label)[:80]


def clean(text: object, limit: int = 40) -> str:
    r"""Return `text` as one visible line of at most `limit` characters.

    Line breaks and tabs become marks, characters that cannot be seen become U+FFFD, and a long
    text ends in "…". This does not escape anything: DOT and XML each have their own rules.

    >>> clean("loss\nof epoch 3")
    'loss↵of epoch 3'
    >>> clean("a very long label", limit=8)
    'a very …'
    """
    # Cut before looking at single characters: a label of a megabyte costs no more than a short one.
    # Twice the limit, because "\r\n" is two characters for one mark.
    head = str(text).strip()[: 2 * limit + 2].replace("\r\n", "\n")
    line = "".join(_visible(character) for character in head)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(character: str) -> str:
    if character in _VISIBLE:
        return _VISIBLE[character]
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    return "\ufffd"


def format_number(number: float) -> str:
    """Return `number` with about four significant digits, and zero without a sign.

    >>> [format_number(n) for n in (0.60437, -1.1, 1.2e-7, -0.0, 250000.0, float("nan"))]
    ['0.6044', '-1.1', '1.2e-07', '0', '250000', 'nan']
    """
    number = float(number)
    if math.isfinite(number) and number == int(number) and abs(number) < _WHOLE_NUMBER_LIMIT:
        return str(int(number))  # int has no negative zero
    return f"{number:.4g}"
