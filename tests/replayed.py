"""What the tests of replay share: the backends that are installed, and functions run eagerly."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value

BACKENDS = [
    pytest.param("python"),
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(
            find_spec("numba") is None, reason="numba is not installed (the extra 'compile')"
        ),
    ),
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
