"""Bytes and time per node, 10^3 to 10^6 nodes, and a graph of 10^7.

The graph is a chain of alternating + and * on Values, so every node has two operands. Bytes are
counted in two ways: what the program requested from Python's allocator (tracemalloc), and the
growth of the process (resident set), which includes the allocator's rounding. Both after
`backward`, when every node has its own gradient. `--ten-million` measures
10^7 nodes, which takes a minute.

Time is measured with Python's cyclic collector paused, as `sg.fit` does for each step, and running.
Running, it goes through all living objects again and again while a graph grows, and finds nothing.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter

from scalargrad import Value

ROUNDS = 5


def chain(nodes: int) -> Value:
    x, w, b = Value(1.0), Value(0.9999999), Value(1e-7)
    y = x
    for _ in range(nodes // 2):
        y = y * w + b
    return y


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def grown(nodes: int) -> float:
    """Return the growth of the process in bytes per node, after backward."""
    gc.collect()
    before = resident()
    y = chain(nodes)
    y.backward()
    gc.collect()
    return (resident() - before) / nodes


def traced(nodes: int) -> float:
    tracemalloc.start()
    y = chain(nodes)
    y.backward()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del y
    return size / nodes


def seconds(nodes: int) -> tuple[float, float]:
    """Return the best times of building the graph and of backward, in microseconds per node."""
    make = back = float("inf")
    for _ in range(max(ROUNDS, 200_000 // nodes)):
        start = perf_counter()
        y = chain(nodes)
        made = perf_counter()
        y.backward()
        done = perf_counter()
        make, back = min(make, made - start), min(back, done - made)
        del y
    return 1e6 * make / nodes, 1e6 * back / nodes


def table(title: str) -> None:
    print(
        f"\n{title}\n{'nodes':>10} {'forward':>10} {'backward':>10} {'together':>10}  us per node"
    )
    totals = []
    for exponent in range(3, 7):
        make, back = seconds(10**exponent)
        totals.append(make + back)
        print(f"{10**exponent:10,} {make:10.3f} {back:10.3f} {make + back:10.3f}")
    print(f"the slowest size to the fastest: {max(totals) / min(totals):.2f}")


def main() -> None:
    if "--ten-million" in sys.argv:
        start = perf_counter()
        size = grown(10_000_000)
        peak = next(
            line.split()[1] for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )  # fmt: skip
        print(
            f"10^7 nodes: {size:.0f} bytes a node after backward, at most {int(peak) / 2**20:.2f} "
            f"GiB resident during it, {perf_counter() - start:.0f} s in all"
        )
        return
    print(f"bytes per binary node after backward: {traced(100_000):.0f} asked for")
    print(f"                                      {grown(1_000_000):.0f} resident")
    gc.disable()
    table("collector paused")
    gc.enable()
    table("collector running")
    subprocess.run([sys.executable, __file__, "--ten-million"], check=True)


if __name__ == "__main__":
    main()
