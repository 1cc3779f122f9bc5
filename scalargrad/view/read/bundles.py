"""Find fully connected layers of boxes, whose many lines are drawn as one bundle.

A bundle stands for the lines from each of at least three boxes to each of at least three others, if
there are more than 16: the lines between 4 x 4 boxes can still be read, and 16 x 16 give 256 lines.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["MOST_LINES", "Bundle", "find_bundles"]

_FEWEST_BOXES = 3  # on either side
MOST_LINES = 16  # that are still drawn one by one


class Bundle(NamedTuple):
    """The boxes `tails`, each of which leads to each of the boxes `heads`."""

    tails: tuple[int, ...]
    heads: tuple[int, ...]


def find_bundles(links: Iterable[tuple[int, int]]) -> list[Bundle]:
    """Return the bundles among `links`: distinct pairs of a box and one that depends on it.

    >>> find_bundles((tail, head) for tail in range(5) for head in range(10, 14))
    [Bundle(tails=(0, 1, 2, 3, 4), heads=(10, 11, 12, 13))]
    >>> find_bundles((tail, head) for tail in range(4) for head in range(10, 14))
    []
    """
    dense = set(links)
    while True:  # drop the lines of boxes with few lines, such as the weights of one neuron
        leave = Counter(tail for tail, _ in dense)
        enter = Counter(head for _, head in dense)
        kept = {
            (tail, head)
            for tail, head in dense
            if leave[tail] >= _FEWEST_BOXES and enter[head] >= _FEWEST_BOXES
        }
        if len(kept) == len(dense):
            break
        dense = kept
    heads_of: dict[int, list[int]] = {}
    for tail, head in sorted(dense):
        heads_of.setdefault(tail, []).append(head)
    tails_of: dict[tuple[int, ...], list[int]] = {}
    for tail, heads in heads_of.items():
        tails_of.setdefault(tuple(heads), []).append(tail)
    return [
        Bundle(tuple(tails), heads)
        for heads, tails in tails_of.items()
        if len(tails) >= _FEWEST_BOXES and len(tails) * len(heads) > MOST_LINES
    ]
