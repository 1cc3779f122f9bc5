"""Made-up names to train on: a corpus put together from syllables, its tokens, and batches."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from zlib import crc32

__all__ = ["ALPHABET", "END", "batches", "combinations", "corpus", "decode", "encode"]

# The token of a letter is its place in here. The token "." stands at both ends of a name: what
# follows it is a first letter, and to guess it is to guess that the name is over.
ALPHABET = ".abcdefghijklmnopqrstuvwxyz"
END = 0

_FIRST = "a e i o al an el ar ba cor da fe jo ka lu mir no ro sa ti vel".split()  # noqa: SIM905
_MIDDLE = ["", "be", "da", "li", "mi", "ra", "su", "vo"]
_LAST = "na ra la len nis ric ta tha ron sa no lia".split()  # noqa: SIM905


def combinations() -> list[str]:
    """Every word that our syllables make: a first, perhaps a middle, and a last one.

    >>> len(combinations())
    2016
    """
    return [first + middle + last for first in _FIRST for middle in _MIDDLE for last in _LAST]


def corpus() -> list[str]:
    """A thousand words that look like names, of 3 to 8 letters; the same ones on every call.

    They are one half of the combinations. Which half, a checksum says, so that no rule tells it: a
    model that makes up words of the other half has learnt how names are built, and does more than
    repeat what it has read.

    >>> names = corpus()
    >>> len(names), names[:4], names[-1]
    (1008, ['ana', 'ala', 'anis', 'aric'], 'velvosa')
    """
    return [word for word in combinations() if crc32(word.encode()) % 2 == 0]


def encode(name: str) -> list[int]:
    """The tokens of a name, between two ends.

    Raises:
        ValueError: a letter is not in the alphabet.

    >>> encode("ada")
    [0, 1, 4, 1, 0]
    """
    unknown = set(name) - set(ALPHABET[1:])
    if unknown:
        raise ValueError(f"{name!r} has letters beyond a to z: {', '.join(sorted(unknown))}")
    return [END, *map(ALPHABET.index, name), END]


def decode(tokens: Sequence[int]) -> str:
    """The name of which these are the tokens; ends are left out.

    >>> decode([0, 1, 4, 1, 0])
    'ada'
    """
    return "".join(ALPHABET[token] for token in tokens if token != END)


def batches(names: Sequence[str], size: int) -> Iterator[list[list[int]]]:
    """Batches of encoded names without end; each name comes once before any comes again.

    The names in a batch have one length, since a recording fits one length.

    Args:
        names: of letters from a to z.
        size: how many there are in a batch, at most.

    >>> sorted(next(batches(["bo", "di"], size=2)))
    [[0, 2, 15, 0], [0, 4, 9, 0]]
    """
    by_length: dict[int, list[list[int]]] = {}
    for name in names:
        by_length.setdefault(len(name), []).append(encode(name))
    while True:
        turn = []
        for documents in by_length.values():
            random.shuffle(documents)
            turn += [documents[i : i + size] for i in range(0, len(documents), size)]
        random.shuffle(turn)  # all short names first would be a lesson on short names
        yield from turn
