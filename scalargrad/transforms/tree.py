"""Numbers nested in lists, tuples, dicts and arrays: the arguments and results of transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scalargrad.core.numbers import is_number

__all__ = ["leaves", "nested", "refilled", "skeleton"]


def nested(f: Callable[[Any], Any], tree: Any, where: str) -> Any:
    """`f` of every number in a nesting of lists, tuples, dicts and arrays, in the same nesting."""
    if isinstance(tree, dict):
        return {key: nested(f, x, f"{where}[{key!r}]") for key, x in tree.items()}
    if isinstance(tree, (list, tuple)):
        mapped = [nested(f, x, f"{where}[{i}]") for i, x in enumerate(tree)]
        if hasattr(tree, "_fields"):  # a named tuple
            return type(tree)(*mapped)
        return mapped if isinstance(tree, list) else tuple(mapped)
    if getattr(tree, "shape", None):
        import numpy as np  # whoever passes an array has it

        flat = [nested(f, x, f"{where}[{i}]") for i, x in enumerate(np.ravel(tree).tolist())]
        array = np.array(flat)  # of float, or of objects as soon as one is a Value
        return array.reshape(tree.shape + array.shape[1:])
    if not is_number(tree):
        raise TypeError(
            f"{where} must be a number, a Value, or lists, tuples and dicts of them, "
            f"got {type(tree).__name__}: {tree!r:.60}"
        )
    return f(tree)


def leaves(tree: Any, where: str) -> list[Any]:
    """The numbers of a nesting in a row."""
    found: list[Any] = []
    nested(found.append, tree, where)
    return found


def refilled(tree: Any, row: Iterable[Any]) -> Any:
    """The nesting of `tree` with the numbers of `row` in it."""
    it = iter(row)
    return nested(lambda _: next(it), tree, "argument")


def skeleton(tree: Any) -> Any:
    """The nesting without the numbers; lists, tuples and arrays count as the same."""
    if isinstance(tree, dict):
        return {key: skeleton(x) for key, x in tree.items()}
    if isinstance(tree, (list, tuple)) or getattr(tree, "shape", None):
        return [skeleton(x) for x in tree]
    return None
