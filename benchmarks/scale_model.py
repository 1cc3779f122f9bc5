"""A model of the time of a training step, fitted to measurements: operands, samples and devices.

Measured are the loss and its gradient by `c.shard(mesh).value_and_grad` of networks 2-h-h-1 (tanh),
with the samples on the devices already, as they are in training on all of them. The model is

    seconds = start + device * (devices - 1)
              + (node * nodes + operand * operands) * samples / workers + memory * bytes

for the `nodes` of the recorded loss and the `operands` of them all, the edges of its graph: a `dot`
is one node whatever its length. `workers` are the devices, or the cores of a processor, which
even one device of JAX uses all. `bytes` are those of a number, and of its adjoint, for each node
and sample; they count where a device has more of them than its caches hold (--cache). The five
numbers are fitted to relative errors by `sg.solve.least_squares`. Then the script says what to
expect of many samples on many devices.

It runs on all devices of JAX, whatever they are, and asks nothing of the network. Where there is a
processor alone, it is divided into 8 devices (JAX_NUM_CPU_DEVICES):

    python benchmarks/scale_model.py           # about a minute
    python benchmarks/scale_model.py --quick   # small sizes, to see that it runs
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from contenders import machine
from contenders.tables import digits, table, time

import scalargrad as sg
from scalargrad import losses, nn

NUMBERS = ("start", "device", "node", "operand", "memory")
BYTES = 16  # of a number and its adjoint
UNITS = (1e-6, 1e-6, 1e-9, 1e-9, 1e-12)


class Point(NamedTuple):
    """One measurement."""

    nodes: int
    operands: int
    samples: int
    devices: int
    workers: int
    bytes: float  # 0 where they fit in caches
    seconds: float


def network(width: int) -> tuple[Any, int, int]:
    """The compiled loss of a network, its nodes, and the operands of them all."""
    random.seed(0)
    model = nn.MLP(2, [width, width, 1], activation="tanh")
    c = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), model.parameters(), backend="jax"
    )
    program = c.record([[0.5, -0.5]], [1.0])
    return c, len(program), sum(map(len, program.operands))


def measured(widths: list[int], counts: list[int], turns: int, cache: float) -> list[Point]:
    """Time all combinations, by turns; the best of each counts."""
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    every = jax.devices()
    numbers = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= len(every)]
    cores = machine.cores() if every[0].platform == "cpu" else 0
    steps: list[tuple[tuple[int, int, int, int, int, float], Callable[[], Any]]] = []
    for k in numbers:
        mesh = jax.make_mesh((k,), ("samples",), (AxisType.Auto,), devices=every[:k])
        split = NamedSharding(mesh, PartitionSpec("samples"))
        for width in widths:
            c, *size = network(width)
            sharded = c.shard(mesh)
            for n in counts:
                X = np.random.default_rng(0).uniform(-1.0, 1.0, (n, 2))
                with jax.enable_x64(True):
                    columns = jax.device_put((X, np.sin(X[:, 0])), split)

                def step(f: Any = sharded.value_and_grad, columns: Any = columns) -> Any:
                    return f(*columns)

                print(f"2-{width}-{width}-1, {n:,} samples, {k} devices", file=sys.stderr)
                step()  # compiles
                memory = float(BYTES * size[0] * n)
                memory *= memory > cache * k
                steps.append(((*size, n, k, cores or k, memory), step))
    best = [float("inf")] * len(steps)
    for _ in range(turns):
        for number, (_, step) in enumerate(steps):
            start = perf_counter()
            step()
            best[number] = min(best[number], perf_counter() - start)
    return [Point(*key, seconds) for (key, _), seconds in zip(steps, best, strict=True)]


def model(
    numbers: Any, nodes: Any, operands: Any, samples: Any, devices: Any, workers: Any, memory: Any
) -> Any:
    """The seconds of a step; the numbers are in UNITS."""
    start, device, node, operand, byte = [x * unit for x, unit in zip(numbers, UNITS, strict=True)]
    work = (node * nodes + operand * operands) * samples / workers
    return start + device * (devices - 1.0) + work + byte * memory


def fitted(points: list[Point]) -> Any:
    """The fit of the model to relative errors."""

    def residual(numbers: Any, *point: Any) -> Any:
        return sg.log(model(numbers, *point[:-1]) / point[-1])

    data = tuple(np.array(column, float) for column in zip(*points, strict=True))
    guess = [100.0, 10.0, 10.0, 1.0, 100.0]
    return sg.solve.least_squares(residual, guess, data, (0.0, None), loss="soft_l1")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=12, help="of which the best counts")
    parser.add_argument("--samples", type=float, default=1e9, help="to predict")
    parser.add_argument("--devices", type=int, default=64, help="to predict")
    parser.add_argument("--cache", type=float, default=1e8, help="bytes of a device")
    parser.add_argument("--psum", type=float, default=1e-3, help="seconds; not measured here")
    parser.add_argument("--quick", action="store_true", help="a test of this file")
    asked = parser.parse_args()
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", "8")
    widths, counts = ([8, 16], [64, 1_024]) if asked.quick else ([8, 32, 64], [512, 8_192, 65_536])

    for line in machine.describe():
        print(line)
    points = measured(widths, counts, 2 if asked.quick else asked.turns, asked.cache)
    import jax

    print(f"JAX on {jax.devices()[0].device_kind}, {len(jax.devices())} device(s)\n")
    fit = fitted(points)
    rows = [["nodes", "operands", "samples", "devices", "a step", "the model", "model/measured"]]
    ratios = []
    for p in points:
        expected = float(model(fit.x, *p[:-1]))
        ratios.append(expected / p.seconds)
        rows.append(
            [f"{p.nodes:,}", f"{p.operands:,}", f"{p.samples:,}", str(p.devices),
             time(p.seconds), time(expected), digits(expected / p.seconds)]
        )  # fmt: skip
    print(table(rows))
    print()
    for name, x, error, unit in zip(NUMBERS, fit.x, fit.standard_errors, UNITS, strict=True):
        print(f"{name:>7} {time(x * unit)} +- {time(error * unit)}")
    worst = np.exp(max(abs(np.log(ratio)) for ratio in ratios))
    print(f"the model is off by a factor of at most {worst:.2f}\n")
    print(
        f"{asked.samples:,.0f} samples on {asked.devices} devices, each one of these cores with a "
        f"process of its own and {time(asked.psum)} for a sum over the network:"
    )
    for width in widths:
        _, nodes, operands = network(width)
        part = int(min(asked.cache // (BYTES * nodes), asked.samples // asked.devices))
        calls = -(-asked.samples // (part * asked.devices))
        seconds = calls * (float(model(fit.x, nodes, operands, part, 1, 1, 0.0)) + asked.psum)
        print(
            f"{nodes:,} nodes, {operands:,} operands: {calls:,.0f} calls with {part:,} samples a "
            f"device, {time(seconds)} for the loss and its gradient"
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
