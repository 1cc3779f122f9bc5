"""Nestings of numbers in lists, tuples, dicts and arrays, as transforms take and return them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from scalargrad.core.arguments import check_unmasked
from scalargrad.core.numbers import Traced, is_number, shown

__all__ = ["leaves", "nested", "refilled", "refiller", "skeleton"]


_DEEPEST = 100  # levels; a list that contains itself has infinitely many


def nested(f: Callable[[Any], Any], tree: Any, where: str, level: int = 0) -> Any:
    """Apply `f` to every number of a nesting; the result has the same nesting.

    Raises:
        TypeError: something in it is no number; the message says where it stands.
        ValueError: the nesting contains itself.
    """
    if level > _DEEPEST:
        raise ValueError(
            f"{where[:40]}... is nested more than {_DEEPEST} levels deep, or contains itself"
        )
    level += 1
    if isinstance(tree, dict):
        return {key: nested(f, x, f"{where}[{key!r}]", level) for key, x in tree.items()}
    if isinstance(tree, (list, tuple)):
        mapped = [
            f(x)  # the frequent kinds without writing where they stand: 0.1 us instead of 0.5
            if x.__class__ is float or isinstance(x, Traced)
            else nested(f, x, f"{where}[{i}]", level)
            for i, x in enumerate(tree)
        ]
        if hasattr(tree, "_fields"):  # a named tuple
            return type(tree)(*mapped)
        return mapped if isinstance(tree, list) else tuple(mapped)
    if getattr(tree, "shape", None):
        import numpy as np  # an array implies that NumPy is installed

        check_unmasked(tree, where)
        flat = [nested(f, x, f"{where}[{i}]", level) for i, x in enumerate(np.ravel(tree).tolist())]
        array = np.array(flat)  # of float, or of objects as soon as one is a Value
        return array.reshape(tree.shape + array.shape[1:])
    if not is_number(tree):
        raise TypeError(
            f"{where} must be a number, a Value, or lists, tuples and dicts of them, "
            f"got {shown(tree)}"
        )
    return f(tree)


def leaves(tree: Any, where: str) -> list[Any]:
    """The numbers of a nesting, flattened."""
    found: list[Any] = []
    nested(found.append, tree, where)
    return found


def refilled(tree: Any, flat: Iterable[Any]) -> Any:
    """The nesting of `tree` with other numbers, taken from `flat` in order."""
    return refiller(tree)(iter(flat))


def refiller(tree: Any) -> Callable[[Iterator[Any]], Any]:
    """The function that fills the nesting of `tree` with the next numbers of an iterator."""
    kind = tree.__class__
    if kind is float:
        return next
    if kind is list or kind is tuple:  # written out, since a Jacobian fills one for each row
        if all(map(is_number, tree)):
            count = len(tree)
            return lambda it: kind(islice(it, count))
        parts = list(map(refiller, tree))
        return lambda it: kind([part(it) for part in parts])
    return lambda it: nested(lambda _: next(it), tree, "argument")


def skeleton(tree: Any) -> Any:
    """The nesting without its numbers; lists, tuples and arrays compare equal."""
    if isinstance(tree, dict):
        return {key: skeleton(x) for key, x in tree.items()}
    if isinstance(tree, (list, tuple)) or getattr(tree, "shape", None):
        return [skeleton(x) for x in tree]
    return None
