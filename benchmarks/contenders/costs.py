"""What replay itself costs: recording, the first call, and each instruction."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import scalargrad as sg
from contenders import engines, machine
from contenders.gpt import GPT
from contenders.graphs import Chain, RandomGraph, Scalars
from contenders.mlp import Network
from contenders.turns import LeftOutError
from scalargrad.replay.backends import select
from scalargrad.support.collector import collector_paused

Lines = list[tuple[str, str]]

LANES = 64

# A fresh process: everything that a user waits for, once Python itself has started.
FIRST_CALL = """
from time import perf_counter
start = perf_counter()
import random
import numpy as np
import numba
import scalargrad as sg
from scalargrad import nn
imported = perf_counter()
random.seed(1)
model = nn.MLP(2, [16, 16, 1])
step = sg.compile(lambda x, y: (model(x) - y) ** 2, params=model.parameters())
X, Y = np.random.rand(100, 2), np.random.rand(100)
step.value_and_grad(X, Y)
first = perf_counter()
step.value_and_grad(X, Y)
print(imported - start, first - start, perf_counter() - first)
"""


def recording(quick: bool) -> Lines:
    """Microseconds per node of the eager graph: to record and derive, and to make ready to run."""
    needed()
    lines = []
    mlp, gpt = Network([2, 16, 16, 1], "relu", 1), GPT(1)
    graph = Scalars(RandomGraph(10_000 if quick else 100_000), 1)
    chain = Scalars(Chain(100_000 if quick else 1_000_000), 1)
    one = list[np.ndarray]
    tasks: list[tuple[str, Callable[..., Any], list[sg.Value], one]] = [
        ("MLP 2-16-16-1", mlp.loss, mlp.model.parameters(), [mlp.X, mlp.Y]),
        ("small GPT", gpt.model.loss, gpt.parameters, [gpt.tokens.astype(float)]),
        (f"random graph of {len(graph.program.operations):,}",  # type: ignore[union-attr]
         graph.loss, graph.parameters, [graph.X]),
        (f"chain of {3 * chain.program.links:,}",  # type: ignore[union-attr]
         chain.loss, chain.parameters, [chain.X]),
    ]  # fmt: skip
    for name, loss, parameters, arrays in tasks:
        start = perf_counter()
        out = loss(*[a[0].tolist() for a in arrays])
        nodes = len(sg.topological_order(out))
        out.backward()
        eager = perf_counter() - start
        del out
        recorded = prepared = float("inf")
        for _ in range(1 if nodes > 200_000 else 3):
            gc.collect()
            step = sg.compile(loss, params=parameters, backend=engines.BACKEND)
            start = perf_counter()
            step.record(*arrays)
            with collector_paused():
                program = engines.gradient_program(step)
            ready = perf_counter()
            recorded = min(recorded, ready - start)
            with collector_paused():
                select(step.backend).prepare(program)
            prepared = min(prepared, perf_counter() - ready)
            instructions = len(program)
            del step, program
        lines.append((
            name,
            f"{recorded / nodes * 1e6:6.2f} µs a node to record and derive, "
            f"{prepared / nodes * 1e6:.2f} to prepare: {nodes:,} nodes, {instructions:,} "
            f"instructions; eager, with backward, {eager / nodes * 1e6:.2f} µs",
        ))  # fmt: skip
    return lines


def first_call(quick: bool) -> Lines:
    """Seconds in a fresh process: with an empty cache of numba's, then with a filled one."""
    needed()
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        for name in ("cold", *["warm"] * (2 if quick else 5)):
            done = subprocess.run(
                [sys.executable, "-c", FIRST_CALL], capture_output=True, text=True,
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr)
            imported, first, again = map(float, done.stdout.split())
            lines.append((
                name,
                f"{first:6.2f} s to the first result, of that {imported:.2f} s for imports "
                f"(numba, numpy, scalargrad); the next call {again * 1e6:.0f} µs",
            ))  # fmt: skip
            lines += [("  it says", line) for line in done.stderr.splitlines() if name == "cold"]
    cold = [line for line in lines if line[0] != "warm"]
    return [*cold, min((line for line in lines if line[0] == "warm"), key=lambda line: line[1])]


def per_instruction(quick: bool) -> Lines:
    """Nanoseconds per instruction and lane, over programs of very different sizes."""
    needed()
    lines = []
    copied = machine.bandwidth()
    for nodes in (500, 5_000, 50_000) if quick else (500, 5_000, 50_000, 500_000):
        scalars = Scalars(RandomGraph(nodes), LANES)
        run, compiled = engines.replayed(scalars.loss, scalars.parameters, [scalars.X])
        run.step()
        best, end = float("inf"), perf_counter() + (0.2 if quick else 2.0)
        while perf_counter() < end:
            start = perf_counter()
            run.step()
            best = min(best, perf_counter() - start)
        program = engines.gradient_program(compiled)
        instructions = len(program)
        _, moved = engines.counted(program)
        lines.append((
            f"{instructions:,} instructions",
            f"{best / instructions / LANES * 1e9:6.2f} ns per instruction and lane; operands and "
            f"results {moved * LANES / best / 1e9:.1f} GB/s, "
            f"{moved * LANES / best / copied:.0%} of a copy's bandwidth",
        ))  # fmt: skip
    return lines


def needed() -> None:
    """Raise LeftOutError where there is nothing to measure."""
    if not hasattr(sg, "compile"):
        raise LeftOutError("scalargrad has no sg.compile yet")
