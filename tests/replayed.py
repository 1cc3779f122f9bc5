"""What the tests of replay share: the backends that are installed, and functions run eagerly."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value
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
