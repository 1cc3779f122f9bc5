"""Replay on JAX as programs and batches grow: one table from one run.

For each program and number of samples: the form on JAX and its arrays (or its steps), the seconds
to trace and to compile, the time of a step (loss and all gradients in float64) with its ratio to
the time of the loss alone, and beside it the time of numba and of JAX written by hand. The
contenders take turns, and the best of all turns counts; who disagrees with numba is not timed.

It runs on the default device of JAX, whatever that is, and asks nothing of the network:

    python benchmarks/scale.py                    # everything, about an hour
    python benchmarks/scale.py --only mlp-64-relu --samples 4096
    python benchmarks/scale.py --quick            # small sizes, to see that it runs
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from contenders import machine
from contenders.tables import digits, table, time

TOLERANCE = 1e-9
HAND_NODES = 1_000  # XLA compiles straight-line code of more than this too slowly
MEMORY = 8 << 30  # bytes of results that hand-written code of a random graph may keep


def programs(quick: bool) -> dict[str, tuple[Callable[[int], Any], list[int]]]:
    """By name, what makes the inputs of all contenders for a number of samples, and these."""
    from contenders import gpt, graphs, mlp, recurrence

    many = [64, 1_024] if quick else [64, 4_096, 65_536]
    small, large = [2, 16, 16, 1], [2, 64, 64, 1]
    found: dict[str, tuple[Callable[[int], Any], list[int]]] = {
        "mlp-16-relu": (lambda n: mlp.Network(small, "relu", n), many),
        "mlp-64-relu": (lambda n: mlp.Network(large, "relu", n), many),
        "mlp-64-tanh": (lambda n: mlp.Network(large, "tanh", n), many),
        "recurrence": (recurrence.Memory, [64] if quick else [64, 1_000, 4_096]),
        "gpt": (gpt.GPT, [32]),
    }
    for nodes in (300,) if quick else (1_000, 10_000, 100_000):
        found[f"random-{nodes}"] = (
            lambda n, nodes=nodes: graphs.Scalars(graphs.RandomGraph(nodes), n),
            many[:1] if quick or nodes > 10_000 else many,
        )
    return found


class Ours:
    """The recorded program on JAX: loss with gradient, and the loss alone."""

    def __init__(self, inputs: Any, samples: int) -> None:
        import jax
        from contenders import engines

        from scalargrad.replay.backends.jax.form import form_of, prepared

        engines.BACKEND = "python"
        inputs.replay(samples)  # sets inputs.compiled; nothing runs yet
        self.compiled = inputs.compiled
        arrays = columns_of(inputs, samples)
        start = perf_counter()
        self.compiled.record(*[a[:1] for a in arrays])
        variant = next(iter(self.compiled._variants.values()))[0]
        gradient, loss = variant.derived("parameters", False), variant.derived("value", False)
        self.recording = perf_counter() - start
        self.theta = inputs.theta
        with jax.enable_x64(True):
            flat = np.concatenate([a.reshape(samples, -1).T for a in arrays]).astype(float)
            numbers = jax.device_put((np.asarray(self.theta, float), flat))
            start = perf_counter()
            self.form = form_of(prepared(gradient), "float64")
            traced = jax.jit(self.form.__call__).lower(*numbers)
            self.tracing = perf_counter() - start
            start = perf_counter()
            run = traced.compile()
            self.compiling = perf_counter() - start
            primal = jax.jit(form_of(prepared(loss), "float64").__call__).lower(*numbers).compile()
        self.step = lambda: jax.block_until_ready(run(*numbers))
        self.primal = lambda: jax.block_until_ready(primal(*numbers))
        self.samples = samples

    def read(self) -> tuple[float, Any]:
        """The mean loss and its gradient."""
        found = np.asarray(self.step()[0])
        return found[0] / self.samples, found[1 : len(self.theta) + 1] / self.samples

    @property
    def size(self) -> str:
        """The number of arrays or of steps."""
        if self.form.form == "grouped":
            return f"{self.form.plan.arrays:,} arrays"
        return f"{self.form.codes.steps:,} steps"


def columns_of(inputs: Any, samples: int) -> list[Any]:
    """The arrays of the compiled function's arguments."""
    if hasattr(inputs, "tokens"):
        return [inputs.tokens[:samples].astype(float)]
    if hasattr(inputs, "arrays"):
        return [a[:samples] for a in inputs.arrays]
    return [a[:samples] for a in (inputs.X, getattr(inputs, "Y", None)) if a is not None]


def measured(name: str, make: Callable[[int], Any], samples: int, turns: int) -> list[str]:
    """One line of the table."""
    from contenders import engines

    inputs = make(samples)
    ours = Ours(inputs, samples)
    engines.BACKEND = "numba"
    numba = inputs.replay(samples)
    right = numba.read(numba.step())
    steps = {"ours": ours.step, "primal": ours.primal, "numba": numba.step}
    note = "" if close(ours.read(), right) else "WRONG"
    nodes = int(name.split("-")[1]) if name.startswith("random") else 0
    if nodes <= HAND_NODES and nodes * samples * 8 <= MEMORY:
        by_hand = inputs.jax(samples)
        if close(by_hand.read(by_hand.step()), right):
            steps["hand"] = by_hand.step
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(turns):
        for key, step in steps.items():
            start = perf_counter()
            step()
            best[key] = min(best[key], perf_counter() - start)
    base = best["ours"]
    return [
        name, f"{samples:,}", ours.form.form, ours.size, digits(ours.recording),
        digits(ours.tracing), digits(ours.compiling), note or time(base),
        digits(base / best["primal"]), f"{time(best['numba'])} ({digits(base / best['numba'])})",
        f"{time(best['hand'])} ({digits(base / best['hand'])})" if "hand" in best else "-",
    ]  # fmt: skip


def close(found: tuple[float, Any], right: tuple[float, Any]) -> bool:
    """Whether a loss and its gradient agree with the right ones."""
    apart = np.max(np.abs(found[1] - right[1])) / np.max(np.abs(right[1]))
    return bool(apart <= TOLERANCE and abs(found[0] - right[0]) <= TOLERANCE * abs(right[0]))


HEAD = [
    "program", "samples", "form", "size", "record s", "trace s", "compile s", "a step",
    "gradient/loss", "numba (ours/it)", "by hand (ours/it)",
]  # fmt: skip


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="may be repeated")
    parser.add_argument("--samples", action="append", type=int, help="instead of its own numbers")
    parser.add_argument("--turns", type=int, default=20, help="of which the best counts")
    parser.add_argument("--quick", action="store_true", help="a test of this file")
    asked = parser.parse_args()
    import jax

    for line in machine.describe():
        print(line)
    print(f"JAX on {jax.devices()[0].device_kind}, {len(jax.devices())} device(s)\n")
    known = programs(asked.quick)
    if unknown := set(asked.only or ()) - set(known):
        parser.error(f"{', '.join(unknown)}: there are {', '.join(known)}")
    lines = [HEAD]
    for name in asked.only or known:
        make, counts = known[name]
        for samples in asked.samples or counts:
            print(f"{name}, {samples:,} samples ...", file=sys.stderr, flush=True)
            lines.append(measured(name, make, samples, 3 if asked.quick else asked.turns))
    print(table(lines))
    sys.exit(any("WRONG" in line for line in lines))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
