"""What holds for a backend in the long run: the same bits on any threads, and no growth."""

import gc
import tracemalloc
import weakref
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value, losses, nn

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def network(backend: str, threads: int | None = None, size: int = 12) -> Any:
    model = nn.MLP(3, [size, size, 1], activation="tanh")
    c = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), model.parameters(), backend=backend,
        threads=threads,
    )  # fmt: skip
    c.theta = np.sin(np.arange(len(c.theta)))
    return c


@pytest.fixture
def threads_for_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("numba"):
        from scalargrad.replay.backends.numba import runner as numba

        monkeypatch.setattr(numba, "WORTH_THREADS", 0)


@pytest.mark.usefixtures("threads_for_little_work")
@pytest.mark.parametrize("n", [1, 7, 64, 1000, 20_011])
def test_the_same_bits_on_any_number_of_threads(backend: str, n: int) -> None:
    if backend == "python":
        n = min(n, 64)
    elif backend == "jax":  # it has threads of its own, and compiles for each n from 64 on
        n = 1000 if n > 64 else min(n, 7)
    X = np.cos(np.arange(3.0 * n)).reshape(n, 3)
    Y = X[:, 0] * X[:, 1]
    runs = [network(backend, threads) for threads in (1, 2, 4)]

    found = [c.value_and_grad(X, Y) for c in runs for _ in range(3)]

    for value, gradient in found:
        assert value == found[0][0]
        assert gradient.tobytes() == found[0][1].tobytes()
    first = runs[0](X, Y)
    assert all(c(X, Y).tobytes() == first.tobytes() for c in runs)


def test_the_default_is_all_cores(backend: str) -> None:
    assert network(backend).threads >= 1


@pytest.mark.unmeasured
def test_memory_does_not_grow(backend: str) -> None:
    w = Value(0.5)
    c = sg.compile(lambda x: sg.tanh(w * x) if x > 0 else w * x, [w], backend=backend)
    xs = np.linspace(-1, 1, 16)
    calls = 10_000 if backend == "numba" else 1_000
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(600 if backend == "jax" else 50):  # JAX keeps what it dispatched last
            c.value_and_grad(xs)
            c(xs)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(calls // 2):
            c.value_and_grad(xs)
            c(xs)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000  # bytes: some for caches, nothing for each call
    assert c.recordings == 2


def test_recording_frees_its_graph(backend: str) -> None:
    w = Value(0.5)
    c = sg.compile(lambda x: sg.sum([w * x for _ in range(2000)]), [w], backend=backend)
    gc.collect()
    gc.disable()
    try:
        c.value_and_grad([1.0])
        assert not [x for x in gc.get_objects() if type(x).__name__ == "Recorded"]
    finally:
        gc.enable()


def test_a_compiled_function_is_freed_without_the_collector(backend: str) -> None:
    c = network(backend)
    c.value_and_grad([[0.1, 0.2, 0.3]], [1.0])
    gone = weakref.ref(c.programs[0])
    gc.collect()
    gc.disable()
    try:
        del c
        assert gone() is None
    finally:
        gc.enable()
