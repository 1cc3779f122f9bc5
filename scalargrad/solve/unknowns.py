"""The unknowns of a solver: the numbers in the caller's nesting, their names and their bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from scalargrad.core.arguments import as_choice, is_list
from scalargrad.core.numbers import as_float, is_number, shown, written
from scalargrad.transforms.tree import leaves, refilled

__all__ = ["Unknowns"]

_PAIRS = "a pair (low, high), in which None is no bound"


class Unknowns:
    """The numbers of a start `x0`, in its nesting.

    Args:
        x0: A number, or nested lists, tuples, dicts and arrays of numbers.
        caller: The function to name in errors.
        name: The name of the whole, for the names of its numbers.

    Attributes:
        start: The numbers as an array of float64, shape (n,).
        names: A name for each of them, such as "rate", "x[0]" or "peak.width".
    """

    def __init__(self, x0: Any, caller: str, name: str = "x") -> None:
        self.caller = caller
        flat = [as_float(x, f"{caller}: x0") for x in leaves(x0, f"{caller}: x0")]
        self.tree = refilled(x0, flat)  # a copy: the caller may go on changing a list
        self.names = _names(self.tree, "", name)
        if not flat:
            raise ValueError(f"{caller}: x0 has no numbers, there is nothing to solve for")
        for number, its_name in zip(flat, self.names, strict=True):
            if not isfinite(number):
                raise ValueError(f"{caller}: x0 must be finite, got {number!r} for {its_name}")
        self.start = np.array(flat)

    def __len__(self) -> int:
        return len(self.names)

    def filled(self, numbers: Any) -> Any:
        """The nesting with these numbers, or other objects, in their order."""
        flat = numbers.tolist() if isinstance(numbers, np.ndarray) else numbers
        return refilled(self.tree, flat)

    def scale(self, scale: Any) -> Any:
        """The scale of the unknowns as SciPy takes it: "jac", or an array of shape (n,).

        Args:
            scale: "jac", a positive number for all, or the nesting of x0.
        """
        where = f"{self.caller}: x_scale"
        if scale is None or isinstance(scale, (str, bytes)):
            return as_choice(scale, ("jac",), where)
        sizes = np.array([as_float(x, where) for x in leaves(scale, where)])
        if len(sizes) not in (1, len(self)):
            raise ValueError(
                f"{where} must be 'jac', a number, or have the nesting of x0, {len(self)} numbers, "
                f"got {written(scale)}"
            )
        if not (np.isfinite(sizes).all() and (sizes > 0.0).all()):
            raise ValueError(f"{where} must be positive and finite, got {written(scale)}")
        return np.broadcast_to(sizes, len(self)).copy()

    def bounds(self, bounds: Any) -> tuple[Any, Any] | None:
        """The lowest and the highest numbers, two arrays of shape (n,); None without bounds.

        Args:
            bounds: A tuple (low, high), each of them a number for all unknowns, None or the nesting
                of x0; or the nesting of x0 with a pair in the place of each number.
        """
        if bounds is None:
            return None
        where = f"{self.caller}: bounds"
        ends = -inf, inf
        sides: list[Any]
        if isinstance(bounds, tuple) and len(bounds) == 2 and not is_number(self.tree):
            sides = [
                _side(self.tree, side, end, where) for side, end in zip(bounds, ends, strict=True)
            ]
        else:
            sides = list(zip(*_pairs(self.tree, bounds, where), strict=True))
        low, high = np.array(sides[0]), np.array(sides[1])
        for a, b, x, name in zip(low, high, self.start, self.names, strict=True):
            if not a < b:
                raise ValueError(
                    f"{where}: the lower bound must be below the upper one, got {float(a)!r} and "
                    f"{float(b)!r} for {name}. To fix a number, leave it out of x0"
                )
            if not a <= x <= b:
                raise ValueError(
                    f"{self.caller}: x0 must lie within the bounds, got {float(x)!r} for {name}, "
                    f"whose bounds are {float(a)!r} and {float(b)!r}"
                )
        return low, high


def _names(tree: Any, prefix: str, whole: str) -> list[str]:
    """A name for each number of a nesting, in the order of `leaves`."""
    parts: Any
    if isinstance(tree, Mapping):
        parts = tree.items()
    elif hasattr(tree, "_fields"):  # a named tuple
        parts = zip(tree._fields, tree, strict=True)
    elif is_list(tree):
        name = prefix or whole
        return [n for i, x in enumerate(tree) for n in _names(x, f"{name}[{i}]", whole)]
    else:
        return [prefix or whole]
    stem = f"{prefix}." if prefix else ""
    return [name for key, x in parts for name in _names(x, f"{stem}{key}", whole)]


def _bound(x: Any, end: float, where: str) -> float:
    if x is None:
        return end
    bound = as_float(x, where)
    if bound != bound:
        raise ValueError(f"{where}: a bound is a number or an infinity, got nan")
    return bound


def _parts(tree: Any, part: Any, where: str) -> list[tuple[Any, Any, str]]:
    """The parts of a nesting, each with its part of another one, and with where it stands."""
    if isinstance(tree, Mapping):
        if not isinstance(part, Mapping):
            raise TypeError(f"{where} must be a dict with the keys of x0, got {shown(part)}")
        if unknown := [key for key in part if key not in tree]:
            known = ", ".join(map(repr, tree))
            raise ValueError(f"{where} names {unknown[0]!r}, which x0 has not: it has {known}")
        return [(x, part.get(key), f"{where}[{key!r}]") for key, x in tree.items()]
    if not is_list(part):
        raise TypeError(f"{where} must have the nesting of x0, a list here, got {shown(part)}")
    if len(part) != len(tree):
        raise ValueError(
            f"{where} must have the nesting of x0, a list of {len(tree)} here, got {len(part)}"
        )
    return [(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(tree, part, strict=True))]


def _side(tree: Any, side: Any, end: float, where: str) -> list[float]:
    """One side of the bounds, for each number of a nesting."""
    if side is None or is_number(side):
        return [_bound(side, end, where)] * len(leaves(tree, where))
    if is_number(tree):
        raise TypeError(f"{where} must be a number here, or None, got {shown(side)}")
    return [
        x for part, its, place in _parts(tree, side, where) for x in _side(part, its, end, place)
    ]


def _pairs(tree: Any, pairs: Any, where: str) -> Sequence[tuple[float, float]]:
    """The bounds of each number of a nesting, from a nesting of pairs."""
    if pairs is None:
        return [(-inf, inf)] * len(leaves(tree, where))
    if is_number(tree):
        if not is_list(pairs) or len(pairs) != 2:
            raise TypeError(f"{where} must be {_PAIRS}, got {written(pairs)}")
        return [(_bound(pairs[0], -inf, where), _bound(pairs[1], inf, where))]
    return [
        pair for part, its, place in _parts(tree, pairs, where) for pair in _pairs(part, its, place)
    ]
