"""Speed beside micrograd, as ratios from one run.

The same network, a multilayer perceptron 2-16-16-1 with relu, on the same 100 samples, forward and
backward. Once written with + and * on either engine's Value, once through either engine's nn.MLP.
The contenders take turns and the best of several rounds counts, since the machine may be shared.
Both run as a script would, with Python's cyclic collector on; micrograd's graphs are cycles, and
collecting them is most of its time, the more so the larger the graph. The last lines show what is
left of the ratios without the collector.
"""

from __future__ import annotations

import gc
import platform
import random
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import micrograd.engine
import micrograd.nn

import scalargrad
from scalargrad import nn

ROUNDS = 5
TURN = 0.5  # seconds
SIZES = [2, 16, 16, 1]
random.seed(1)
SAMPLES = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(100)]


def operators(value: type[Any]) -> Callable[[], float]:
    """Return the network written with + and *, as a beginner would write it."""
    random.seed(2)
    layers = [
        [([value(random.uniform(-1, 1)) for _ in range(nin)], value(0.0)) for _ in range(nout)]
        for nin, nout in pairwise(SIZES)
    ]

    def forward(x: list[Any]) -> Any:
        for depth, layer in enumerate(layers):
            outputs = []
            for weights, bias in layer:
                total = bias
                for w, xi in zip(weights, x, strict=True):
                    total = total + w * xi
                outputs.append(total.relu() if depth < len(layers) - 1 else total)
            x = outputs
        return x[0]

    def step() -> float:
        total = value(0.0)
        for sample in SAMPLES:
            total = total + forward([value(xi) for xi in sample])
        total.backward()
        return float(total.data)

    return step


def network(module: Any) -> Callable[[], float]:
    """Return the network made of the engine's own neurons."""
    random.seed(2)
    model = module.MLP(SIZES[0], SIZES[1:])

    def step() -> float:
        total = sum((model(list(sample)) for sample in SAMPLES), 0.0)
        model.zero_grad()
        total.backward()  # type: ignore[union-attr]
        return float(total.data)  # type: ignore[union-attr]

    return step


def best_of(contenders: list[Callable[[], float]]) -> list[float]:
    """Return the best time of each in seconds; they take turns."""
    best = [float("inf")] * len(contenders)
    results = [f() for f in contenders]
    assert max(results) - min(results) < 1e-9 * max(map(abs, results)), "they compute the same"
    for _ in range(ROUNDS):
        for k, f in enumerate(contenders):
            spent = 0.0
            while (
                spent < TURN
            ):  # as much time for the faster one, so that its best time is as reliable
                gc.collect()
                start = perf_counter()
                f()
                taken = perf_counter() - start
                best[k] = min(best[k], taken)
                spent += taken
    return best


def main() -> None:
    python = f"Python {platform.python_version()}, {platform.machine()}"
    print(f"{python}, best of {ROUNDS} turns of {TURN} s or more")
    print(f"{'MLP 2-16-16-1, 100 samples':40} {'micrograd':>12} {'scalargrad':>12} {'ratio':>8}")
    for collector in ("", ", collector off"):
        (gc.disable if collector else gc.enable)()
        for name, pair in (
            ("written with + and *",
             [operators(micrograd.engine.Value), operators(scalargrad.Value)]),
            ("through nn.MLP",
             [network(micrograd.nn), network(nn)]),
        ):  # fmt: skip
            theirs, ours = best_of(pair)
            times = f"{theirs:10.4f} s {ours:10.4f} s {theirs / ours:7.1f}x"
            print(f"{name + collector:40} {times}")


if __name__ == "__main__":
    main()
