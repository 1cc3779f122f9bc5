"""Replay beside other engines, as one table of ratios from one run.

Each workload is a loss and all its gradients in float64, on the same numbers for all contenders,
and only those are timed that agree to 1e-9 of the largest number:

    replay     sg.compile(f), recorded once from scalar code, then run on all samples
    eager      the same scalar code on Values, a graph for each sample
    plain      scalar code on a pure-Python Value of 60 lines (small GPT only)
    micrograd  micrograd 0.1.0 (where it has the operations)
    CasADi     an SX function of one sample with its gradient, mapped over the samples, summed
    PyTorch    eager, in matrix code
    JAX        jax.jit of value_and_grad of matrix code, on prepared device arrays

A workload runs in a process of its own, in which the contenders take turns; the best of all turns
counts. "One thread" is one for everybody: set for each library, and held by keeping the process on
one core. What is too slow runs on fewer samples, and its time, marked ~, is scaled up.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contenders import machine
from contenders.tables import digits, table, time

COLUMNS = ["replay", "JAX", "PyTorch", "CasADi", "eager", "plain", "micrograd"]
# A value that the user set for other programs would slow OpenBLAS down.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD_OF_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def workloads() -> dict[str, Callable[[bool], Any]]:
    """Return, by name, functions of `quick` that prepare a Workload; they import the libraries."""
    from contenders import gpt, graphs, mlp, recurrence

    small, large = [2, 16, 16, 1], [2, 64, 64, 1]
    return {
        "mlp-16-relu-100": lambda quick: mlp.workload(small, "relu", 100),
        "mlp-16-tanh-100": lambda quick: mlp.workload(small, "tanh", 100),
        "mlp-16-relu-1000": lambda quick: mlp.workload(small, "relu", 1_000),
        "mlp-64-relu-1000": lambda quick: mlp.workload(large, "relu", 1_000),
        "mlp-64-tanh-1000": lambda quick: mlp.workload(large, "tanh", 1_000),
        "recurrence": lambda quick: recurrence.workload(1_000),
        "gpt": lambda quick: gpt.workload(32),
        "random-small": lambda quick: graphs.random_graph(300 if quick else 1_000, 64),
        "random-large": lambda quick: graphs.random_graph(10_000 if quick else 100_000, 64),
        "chain": lambda quick: graphs.chain(100_000 if quick else 1_000_000, 8),
    }


def costs() -> dict[str, Callable[[bool], list[tuple[str, str]]]]:
    """Return the measurements of replay alone, by name."""
    from contenders import costs

    return {
        "recording": costs.recording,
        "first-call": costs.first_call,
        "per-instruction": costs.per_instruction,
    }


NAMES = [
    "mlp-16-relu-100", "mlp-16-tanh-100", "mlp-16-relu-1000", "mlp-64-relu-1000",
    "mlp-64-tanh-1000", "recurrence", "gpt", "random-small", "random-large", "chain",
]  # fmt: skip
COSTS = ["recording", "first-call", "per-instruction"]


# --- the process of one workload ------------------------------------------------------------


def work(name: str, quick: bool) -> dict[str, Any]:
    """Return the result of one workload in a form that JSON can hold."""
    from contenders.turns import LeftOutError, race

    if name in COSTS:
        try:
            return {"title": name, "lines": costs()[name](quick)}
        except LeftOutError as reason:
            return {"title": name, "lines": [["skipped", str(reason)]]}
    workload = workloads()[name](quick)
    rounds, turn, worth = (2, 0.05, 0.2) if quick else (5, 0.4, 1.5)
    results = race(workload, rounds, turn, worth)
    told = {"title": workload.title, "results": [asdict(result) for result in results]}
    if not next(result.skipped for result in results if result.name == "replay"):
        flops, moved = (workload.samples * count for count in workload.counts())
        told |= {"flops": flops, "bytes": moved}
        told |= {"peak": machine.peak_flops(), "bandwidth": machine.bandwidth()}
    return told


def process(name: str, threads: str, quick: bool) -> dict[str, Any] | None:
    """Run a workload in its own process with that many threads; return None if it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in UNSET}
    environment |= dict.fromkeys(COUNTS, "1" if threads == "1" else str(machine.cores()))
    environment |= {"JAX_PLATFORMS": "cpu"}
    if threads == "1":
        environment["XLA_FLAGS"] = ONE_THREAD_OF_XLA
    command = [sys.executable, __file__, "--worker", name, "--threads", threads]
    done = subprocess.run(
        [*command, "--quick"] if quick else command,
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def keep_to_one_core() -> None:
    """Pin this process and all threads of its libraries to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


# --- the table ---------------------------------------------------------------------------------


def row(told: dict[str, Any]) -> list[str]:
    """Return the times of one workload, each with its ratio to that of replay."""
    results = {result["name"]: result for result in told["results"]}
    base = results["replay"]["seconds"] if not results["replay"]["skipped"] else math.nan
    cells = [told["title"]]
    for name in COLUMNS:
        result = results.get(name)
        if not result or result["skipped"]:
            cells.append("failed" if result and result["failed"] else "-")
            continue
        cell = ("~" if result["scaled_from"] else "") + time(result["seconds"])
        if name != "replay" and base == base:
            cell += f" ({digits(result['seconds'] / base)}x)"
        cells.append(cell)
    return cells


def reached(told: dict[str, Any], threads: str) -> list[str] | None:
    """Return the share of the machine's peak that replay reached in one workload."""
    seconds = next(r["seconds"] for r in told["results"] if r["name"] == "replay")
    if "flops" not in told or threads != "1":
        return None
    speed, moved = told["flops"] / seconds, told["bytes"] / seconds
    return [
        told["title"],
        f"{speed / 1e9:.2f} GFLOP/s",
        f"{speed / told['peak']:.0%} of {told['peak'] / 1e9:.0f}",
        f"{moved / 1e9:.1f} GB/s",
        f"{moved / told['bandwidth']:.0%} of {told['bandwidth'] / 1e9:.1f}",
    ]


def notes(told: dict[str, Any]) -> list[str]:
    """Return notes: first calls, contenders left out and why, and times that are scaled."""
    lines = []
    firsts = [f"{r['name']} {r['first']:.2g} s" for r in told["results"] if not r["skipped"]]
    lines.append("imported, prepared, and the first step: " + ", ".join(firsts))
    for r in told["results"]:
        if r["skipped"]:
            why = "FAILED" if r["failed"] else "left out"
            lines.append(f"{r['name']} {why}: {r['skipped']}")
        elif r["scaled_from"]:
            lines.append(f"{r['name']} ran on {r['scaled_from']} samples, scaled to all")
    return lines


def report(threads: str, names: list[str], quick: bool) -> bool:
    """Run and print everything for one thread setting; return whether everything succeeded."""
    told = {}
    for name in names:
        print(f"{name}, threads {threads} ...", file=sys.stderr, flush=True)
        told[name] = process(name, threads, quick)
    raced = [t for t in told.values() if t and "results" in t]
    print(f"\n### {'One thread' if threads == '1' else f'All threads ({machine.cores()})'}\n")
    if raced:
        print(table([["loss and all gradients", *COLUMNS], *map(row, raced)]), "\n")
    shares = [line for t in raced if (line := reached(t, threads))]
    if shares:
        heads = ["replay", "flops", "share of BLAS dgemm", "operands, results", "share of a copy"]
        print(table([heads, *shares]), "\n")
    for t in raced:
        print(t["title"])
        print("".join(f"    {line}\n" for line in notes(t)), end="")
    for t in told.values():
        if t and "lines" in t:
            print(t["title"])
            print("".join(f"    {label:28} {value}\n" for label, value in t["lines"]), end="")
    failed = [name for name, t in told.items() if t is None]
    failed += [f"{r['name']} in {t['title']}" for t in raced for r in t["results"] if r["failed"]]
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return not failed


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", choices=["1", "all"], help="default: one after the other")
    parser.add_argument(
        "--only", action="append", choices=[*NAMES, *COSTS], metavar="NAME",
        help=f"may be repeated: {', '.join([*NAMES, *COSTS])}",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="short turns, smaller graphs")
    parser.add_argument("--backend", default="auto", help="of replay, by default the fastest")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        if asked.threads == "1":
            keep_to_one_core()
        print(json.dumps(work(asked.worker, asked.quick)))
        return
    os.environ["REPLAY_BACKEND"] = asked.backend
    for line in machine.describe():
        print(line)
    print(
        "one thread: "
        + ", ".join(f"{name}=1" for name in COUNTS)
        + f", XLA_FLAGS='{ONE_THREAD_OF_XLA}', torch.set_num_threads(1), on one core\n"
        + f"all threads: {machine.cores()} for each of these, XLA as it comes"
        + ("\nQUICK: a test of this file, no measurement" if asked.quick else "")
    )
    settings = [asked.threads] if asked.threads else ["1", "all"]
    fine = True
    for threads in settings:
        names = asked.only or [*NAMES, *(COSTS if threads == "1" else [])]
        fine = report(threads, names, asked.quick) and fine
    sys.exit(not fine)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
