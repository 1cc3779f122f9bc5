"""Names and comments of exported code, made of labels that may be any text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["comment", "identifier", "identifiers", "wrapped"]


def comment(text: str, limit: int = 60) -> str:
    r"""`text` as part of one line of a comment, in every language: ASCII, and nothing that ends it.

    >>> from scalargrad.replay.export.names import comment
    >>> comment("loss */ \n??/ of é")
    'loss ?/ ?/ of ?'
    """
    plain = re.sub(r"[^ !#-'()+,\-./0-9:;<=>@A-Z\[\]^_`a-z{|}~]", "?", text)
    plain = re.sub(r"\?+", "?", plain).strip()  # two would begin a trigraph of C
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def identifier(text: str, otherwise: str) -> str:
    """`text` as a name that C and Python take, or `otherwise` where nothing is left of it.

    >>> from scalargrad.replay.export.names import identifier
    >>> identifier("layers[0].w", "p0"), identifier("1st", "p1"), identifier("é", "p2")
    ('layers_0_w', 'p1', 'p2')
    """
    name = re.sub(r"[^0-9A-Za-z_]+", "_", text[:60]).strip("_")
    return name if re.match("[A-Za-z]", name) else otherwise


def identifiers(texts: Sequence[str], otherwise: str, taken: Iterable[str]) -> list[str]:
    """A name of its own for each text; `taken` are names that mean something else."""
    used = {*taken}
    names = []
    for i, text in enumerate(texts):
        first = name = identifier(text, f"{otherwise}{i}")
        # Names in capitals may be macros of C; v1, v2 ... are the results of instructions.
        if name in used or name.isupper() or re.fullmatch("[a-z][0-9]+", name):
            first = name = first + "_"
        number = 2
        while name in used:
            name = f"{first}{number}"
            number += 1
        used.add(name)
        names.append(name)
    return names


def wrapped(text: str, indent: str) -> str:
    """A long expression on several lines, the further ones indented."""
    if len(text) <= 100:
        return text
    return "\n".join(
        textwrap.wrap(
            text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    )
