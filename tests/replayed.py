"""What the tests of replay share: the backends that are installed, and functions run eagerly."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from strategies import Program

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.rows import Primitive
from scalargrad.replay.backends import backends

BACKENDS = [
    pytest.param(
        backend.name,
        marks=pytest.mark.skipif(
            bool(backend.missing()), reason=f"needs the extra {backend.extra!r}"
        ),
    )
    for backend in backends().values()
]


def eager(
    f: Callable[..., Any], samples: Sequence[Sequence[Any]], params: Sequence[Value]
) -> tuple[float, list[float]]:
    """The mean of `f` over the samples and its derivative by the parameters, by `backward`."""
    before = [p.grad for p in params]
    for p in params:
        p.grad = 0.0
    value = sg.mean([f(*sample) for sample in samples])
    value.backward()
    gradient = [p.grad for p in params]
    for p, g in zip(params, before, strict=True):
        p.grad = g
    return value.data, gradient


def value(row: Primitive, xs: Sequence[float]) -> float | None:
    """The value that the table gives, None where it raises."""
    try:
        return row.value(*xs)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def near(expected: float | None, actual: float, scale: float = 0.0) -> bool:
    """Whether a backend computes what the table gives, `expected`; see `value`.

    Args:
        expected: the value of the table, None where it raises.
        actual: that of the backend, which has a number of IEEE there: inf or nan.
        scale: how large the terms were of which a sum is left.
    """
    if expected is None:
        return not math.isfinite(actual)
    if math.isnan(expected):
        return math.isnan(actual)
    if math.isinf(expected):
        return expected == actual
    # XLA takes numbers below the smallest normal one for 0
    return abs(expected - actual) <= 1e-13 * max(abs(expected), scale) + 1e-300


@cache
def shaken_row(row: Primitive, error: float) -> Primitive:
    """The operation with a value that is off by so much; its partials see that value."""
    return Primitive(row.name, row.about, lambda *xs: row.value(*xs) * (1.0 + error), row.partials)


class Shaken:
    """A program with a rounding error in each instruction: how much the result moves."""

    def __init__(self, program: Program, seed: int) -> None:
        self.program, self.seed = program, seed

    def __call__(self, *xs: Any) -> Any:
        places: list[Any] = [*xs, self.program.constant]
        for k, (row, operands) in enumerate(self.program.steps):
            noisy = shaken_row(row, 3e-16 * (-1) ** (self.seed >> (k % 16)))
            places.append(noisy(*(places[i] for i in operands)))
        return places[-1]


Numbers = np.ndarray[Any, Any]


def outcome(f: Any, samples: list[list[float]]) -> tuple[Numbers, Numbers]:
    """Values and derivatives of `f` at the samples, eagerly; and how large what was added up is.

    A derivative is a sum over paths, which may cancel: only in proportion to the sum of their sizes
    is it known at all.
    """
    found, sizes = [], []
    for sample in samples:
        xs = [Value(x) for x in sample]
        out = f(*xs)
        size = dict.fromkeys(xs, 0.0)
        if isinstance(out, Value):
            out.backward()
            size[out] = 1.0
            for node in reversed(sg.topological_order(out)):
                for parent, partial in zip(node.parents, node.partials, strict=True):
                    size[parent] = size.get(parent, 0.0) + abs(partial) * size.get(node, 0.0)
        value = out.data if isinstance(out, Value) else out
        found.append([value, *[x.grad for x in xs]])
        sizes.append([abs(value), *[size[x] for x in xs]])
    return np.array(found), np.array(sizes)


def agrees(got: Any, right: Numbers, size: Numbers) -> bool:
    """To 1e-12 of the number, or where it is what is left of larger ones, to 1e-14 of those."""
    return bool(
        (abs(np.asarray(got) - right) <= np.maximum(1e-12 * abs(right), 1e-14 * size)).all()
    )
