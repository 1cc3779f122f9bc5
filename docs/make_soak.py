"""Train for a million replayed and 100,000 eager steps, and write soak.md and soak.svg.

Each of the two runs in a process of its own, which looks 200 times at its resident memory and at
what Python has allocated. Fails if the memory grows after the first tenth of the steps.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import scalargrad as sg
from scalargrad import losses, nn, optim

STEPS = {"replayed": 1_000_000, "eager": 100_000}
BATCH = {"replayed": 32, "eager": 4}
LOOKS = 200
WARM = 0.1  # of the steps, after which memory must not grow
TOLERANCE = 1 << 20  # bytes: a node leaked in each step would take 9 MB eagerly

HEAD = """# Soak

Written by `make soak` (`docs/make_soak.py`): a network 2-8-8-1 with tanh is trained by Adam, on a
new random batch in each step. Replayed, a step is `backward` of a compiled function on {replayed}
samples; eagerly it builds the graph of {eager} samples, differentiates and frees it. Each runs in a
process of its own, which looks {looks} times at its resident memory, and counts the blocks that
Python's allocator has handed out and the objects that its collector visits. After the first tenth
of the steps, memory may grow by at most 1 MiB.

![Resident memory by steps](soak.svg)

Run on {day}, CPython {python}, {system}; the loss is the mean of the last looks.

| steps | number | resident, first tenth | resident, end | growth | blocks | objects | loss |
|---|---|---|---|---|---|---|---|
"""


def steps_of(kind: str) -> Iterator[float]:
    """The loss of each training step, without end."""
    random.seed(7)
    net = nn.MLP(2, [8, 8, 1], "tanh")
    optimiser = optim.Adam(net.parameters(), 0.001)
    rng = random.Random(1)

    def batch() -> tuple[list[list[float]], list[float]]:
        xs = [[rng.uniform(-2.0, 2.0), rng.uniform(-2.0, 2.0)] for _ in range(BATCH[kind])]
        return xs, [0.5 * a * b for a, b in xs]

    def loss_of_one(x: Any, y: Any) -> Any:
        return (net(x) - y) ** 2

    def eager(xs: list[list[float]], ys: list[float]) -> float:
        loss = losses.squared_error([net(x) for x in xs], ys)
        loss.backward()
        return loss.data

    compiled = sg.compile(loss_of_one, net.parameters())
    step: Callable[..., float] = compiled.backward if kind == "replayed" else eager
    while True:
        optimiser.zero_grad()
        loss = step(*batch())
        optimiser.step()
        yield loss


def soak(kind: str, count: int) -> list[list[float]]:
    """What each look finds: steps, resident bytes, blocks, objects, loss."""
    page = os.sysconf("SC_PAGESIZE")
    running = steps_of(kind)
    looks = array("d", bytes(8 * 5 * (LOOKS + 1)))  # so that looking allocates nothing
    for k in range(LOOKS + 1):
        loss = 0.0
        for _ in range(count // LOOKS if k else 1):
            loss = next(running)
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * page
        steps = 1 + k * (count // LOOKS)
        objects = len(gc.get_objects())
        look = [steps, resident, sys.getallocatedblocks(), objects, loss]
        looks[5 * k : 5 * k + 5] = array("d", look)
    return [looks[i : i + 5].tolist() for i in range(0, len(looks), 5)]


def line(kind: str, looks: list[list[float]]) -> tuple[str, float]:
    """A line of the table, and the growth in bytes."""
    warm = looks[int(WARM * LOOKS) :]
    _, before, blocks, objects, _ = warm[0]
    steps, after, *_ = warm[-1]
    growth = after - before
    loss = sum(look[4] for look in warm[-20:]) / 20
    cells = [
        kind, f"{steps - 1:,.0f}", f"{before / 1e6:.1f} MB", f"{after / 1e6:.1f} MB",
        f"{growth / 1e3:+,.0f} kB", f"{warm[-1][2] - blocks:+,.0f}",
        f"{warm[-1][3] - objects:+,.0f}", f"{loss:.3g}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n", growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--share", type=float, default=1.0, help="of the steps; writes nothing")
    asked = parser.parse_args()
    counts = {kind: int(count * asked.share) for kind, count in STEPS.items()}
    if asked.worker:
        print(json.dumps(soak(asked.worker, counts[asked.worker])))
        return
    found: dict[str, list[list[float]]] = {}
    for kind in STEPS:
        command = [sys.executable, __file__, "--worker", kind, "--share", str(asked.share)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[kind] = json.loads(done.stdout)
    lines = {kind: line(kind, looks) for kind, looks in found.items()}
    text = "".join(text for text, _ in lines.values())
    print(text, end="")
    if asked.share == 1.0:
        folder = Path(__file__).with_name("reference")
        head = HEAD.format(
            **BATCH, looks=LOOKS, day=date.today(), python=platform.python_version(),
            system=platform.system(),
        )  # fmt: skip
        (folder / "soak.md").write_text(head + text, "utf-8")
        sg.plot.lines(
            {
                f"{kind}, {STEPS[kind]:,} steps": (
                    [100.0 * look[0] / looks[-1][0] for look in looks],
                    [look[1] / 1e6 for look in looks],
                )
                for kind, looks in found.items()
            },
            xlabel="steps (%)", ylabel="resident memory (MB)",
        ).save(folder / "soak.svg")  # fmt: skip
    grown = [kind for kind, (_, growth) in lines.items() if growth > TOLERANCE]
    sys.exit(f"memory grows: {', '.join(grown)}" if grown else 0)


if __name__ == "__main__":
    main()
