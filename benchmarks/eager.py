"""Eager code beside plain floats and other engines, as one table of ratios from one run.

The work of a row is forward, backward and freeing the graph, unless it says otherwise; the floats
run the same program and compute the value only. Contenders must agree in the loss and all gradients
first, then take turns; the best of all turns counts. Each row runs in a process of its own, as a
script would, with Python's cyclic collector on. Times are those of the processor, since on a shared
machine a long step is interrupted more often than a short one; compiled code, which has threads, is
timed by the clock on the wall.

python benchmarks/eager.py [--rows 1,2,3] [--json FILE] [--quick]
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import math
import platform
import random
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from contenders import bare_gpt, scalar_mlp
from contenders.scalar_mlp import MLP, Sample
from contenders.tables import digits, table, time

import scalargrad as sg
from scalargrad import losses, nn, optim

Row = dict[str, Any]  # work, floats, ours, peer, peer_name, note, unit
Steps = dict[str, Callable[[], Any]]

QUICK = "--quick" in sys.argv
ROUNDS, TURN = (2, 0.02) if QUICK else (7, 0.3)  # turns of each contender, and their seconds
SHORTEST = 3e-4  # seconds
SIZES = [2, 16, 16, 1]
SAMPLES = 100
PARAMETERS = 4_080
COLLECTORS = ("", ", collector off")
GIB = 2**30


# --- measuring -----------------------------------------------------------------------------------


def best(
    steps: Steps,
    rounds: int = ROUNDS,
    turn: float = TURN,
    clock: Callable[[], float] = process_time,
) -> dict[str, float]:
    """Return the best time of each step in seconds; they take turns.

    A step shorter than SHORTEST is repeated for each reading of the clock.
    """
    found, repeats = dict.fromkeys(steps, math.inf), dict.fromkeys(steps, 1)
    for name, step in steps.items() if turn else ():
        start = perf_counter()
        step()
        repeats[name] = math.ceil(SHORTEST / (perf_counter() - start))
    for _ in range(rounds):
        for name, step in steps.items():
            spent = 0.0
            gc.collect()
            while True:  # as much time for the faster one, so that its best is as reliable
                start = clock()
                for _ in range(repeats[name]):
                    step()
                taken = clock() - start
                found[name] = min(found[name], taken / repeats[name])
                spent += taken
                if spent >= turn:
                    break
    return found


def status(key: str) -> int:
    """Return the memory of this process, VmRSS (resident) or VmHWM (its peak), in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def available() -> int:
    """Return the memory that the machine can give to this process, in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable"))


def peer(module: str) -> Any:
    """Return a module of another engine, or None if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def agree(results: dict[str, tuple[float, list[float]]]) -> None:
    """Raise ValueError unless all have the same loss, and those with gradients the same ones."""
    (first, (loss, gradient)), *others = ((k, r) for k, r in results.items() if r[1])
    largest = max(map(abs, gradient))
    for name, (other, slopes) in [*others, *((k, r) for k, r in results.items() if not r[1])]:
        apart = abs(other - loss) / abs(loss)
        if slopes:
            pairs = zip(gradient, slopes, strict=True)
            apart = max(apart, max(abs(p - q) for p, q in pairs) / largest)
        if not apart <= 1e-9:
            raise ValueError(f"{name} and {first} differ by {apart:.1e}")


# --- a network -----------------------------------------------------------------------------------


def engine_step(model: Any, parameters: list[Any], data: list[Sample]) -> Callable[[], Any]:
    """Return forward, backward and freeing for an engine with `backward`, `data` and `grad`."""

    def step() -> tuple[float, list[Any]]:
        loss = scalar_mlp.error(model, data)
        loss.backward()
        return loss.data, parameters

    return step


def float_step(sizes: list[int], numbers: list[float], data: list[Sample], activate: Any) -> Any:
    model = MLP(float, activate, sizes, numbers)
    return lambda: (scalar_mlp.error(model, data), [])


def xad_step(xad: Any, numbers: list[float], data: list[Sample]) -> Callable[[], Any]:
    """Return the step on XAD's tape, which is kept from step to step."""
    real = xad.Real
    model = MLP(real, lambda x: x if x > 0.0 else real(0.0), SIZES, numbers)
    tape = xad.Tape()
    tape.activate()
    for p in model.parameters:
        tape.registerInput(p)

    def step() -> tuple[float, list[Any]]:
        tape.newRecording()
        loss = scalar_mlp.error(model, data)
        tape.registerOutput(loss)
        loss.setDerivative(1.0)
        tape.computeAdjoints()
        return loss.getValue(), model.parameters

    return step


def network(
    work: str, ours: Callable[[], Any], peers: Steps, floats: Callable[[], Any], note: str = "",
    collectors: tuple[str, ...] = ("",),
) -> list[Row]:  # fmt: skip
    """Return rows of a network of SIZES: times, and nanoseconds for each scalar operation."""
    steps = {"floats": floats, "scalargrad": ours, **peers}
    results = {}
    for name, step in steps.items():
        loss, parameters = step()
        results[name] = loss, [p.derivative if name == "XAD" else p.grad for p in parameters]
    agree(results)
    operations = SAMPLES * scalar_mlp.count(SIZES)[1]
    rows = []
    for collector in collectors:
        (gc.disable if collector else gc.enable)()
        times = best(steps)
        each = f"{1e9 * times['scalargrad'] / operations:.0f} ns an operation"
        row = {"work": work + collector, "floats": times["floats"], "ours": times["scalargrad"]}
        for name in peers or [None]:
            text = f"{each}; {note}" if note and not collector else each
            rows.append(row | ({"peer": times[name], "peer_name": name} if name else {}))
            rows[-1]["note"] = text
        gc.enable()
        gc.collect()
    return rows


def operators(
    activation: str, peers: tuple[str, ...], collectors: tuple[str, ...] = ("",)
) -> list[Row]:
    """Rows of the network written with + and *."""
    numbers, data = scalar_mlp.weights(SIZES), scalar_mlp.samples(SAMPLES)
    steps, notes = {}, []
    for name in peers:
        module = peer({"micrograd": "micrograd.engine", "XAD": "xad.adj_1st"}[name])
        if module is None:
            notes.append(f"{name} is not installed")
        elif name == "XAD":
            steps[name] = xad_step(module, numbers, data)
        else:
            model = MLP(module.Value, module.Value.relu, SIZES, numbers)
            steps[name] = engine_step(model, model.parameters, data)
    model = MLP(sg.Value, getattr(sg.Value, activation), SIZES, numbers)
    floats = {"relu": scalar_mlp.float_relu, "tanh": math.tanh}[activation]
    return network(
        f"MLP 2-16-16-1 {activation}, + and *, {SAMPLES} samples",
        engine_step(model, model.parameters, data),
        steps,
        float_step(SIZES, numbers, data, floats),
        ", ".join(notes),
        collectors,
    )


def modules() -> list[Row]:
    """Rows of the network through nn.MLP."""
    numbers, data = scalar_mlp.weights(SIZES), scalar_mlp.samples(SAMPLES)
    steps = {}
    for name, module in (("scalargrad", nn), ("micrograd", peer("micrograd.nn"))):
        if module is not None:
            model = module.MLP(SIZES[0], SIZES[1:])
            parameters = model.parameters()
            for p, number in zip(parameters, numbers, strict=True):
                p.data = number
            steps[name] = engine_step(model, parameters, data)
    return network(
        f"MLP 2-16-16-1 relu, nn.MLP, {SAMPLES} samples",
        steps.pop("scalargrad"),
        steps,
        float_step(SIZES, numbers, data, scalar_mlp.float_relu),
        "" if steps else "micrograd is not installed",
        COLLECTORS,
    )


# --- the other rows ------------------------------------------------------------------------------


def gpt() -> list[Row]:
    """Five steps of Adam; the losses must be the same to the last digit."""
    names = bare_gpt.NAMES[:2] if QUICK else bare_gpt.NAMES
    kinds = {"scalargrad": sg.Value, "a bare Value": bare_gpt.Value}
    trained = {}
    for name, value in kinds.items():
        model = bare_gpt.GPT(bare_gpt.kind(value))
        trained[name] = [model.step(text) for text in names]
    if trained["scalargrad"] != trained["a bare Value"]:
        raise ValueError(f"the losses differ: {trained}")
    floats = bare_gpt.GPT(bare_gpt.FLOATS)
    found = dict.fromkeys(["floats", *kinds], math.inf)
    for _ in range(2 if QUICK else 7):
        for name in found:
            new = floats if name == "floats" else bare_gpt.GPT(bare_gpt.kind(kinds[name]))
            gc.collect()
            start = process_time()
            for text in names:
                if name == "floats":
                    new.loss(text)
                else:
                    new.step(text)
            found[name] = min(found[name], process_time() - start)
    return [
        {
            "work": f"GPT of {len(floats.parameters):,} parameters, {len(names)} steps with Adam",
            "floats": found["floats"], "ours": found["scalargrad"],
            "peer": found["a bare Value"], "peer_name": "a bare Value of 40 lines",
            "note": "floats: the losses only; the losses are the same to the last digit",
        }
    ]  # fmt: skip


def node_bytes() -> list[Row]:
    """Growth of the process for each node of a chain of sums."""
    nodes = 20_000 if QUICK else 1_000_000
    alive = []  # since a graph would take the memory that an earlier one left

    def grown(value: Any, nodes: int, backward: bool) -> float:
        x, y = value(0.0), value(1.0)
        gc.collect()
        before = status("VmRSS")
        for _ in range(nodes):
            x = x + y
        if backward:
            x.backward()
        gc.collect()
        alive.append(x)
        return (status("VmRSS") - before) / nodes

    forward = grown(sg.Value, nodes, backward=False)
    after = grown(sg.Value, nodes, backward=True)
    row: Row = {"work": f"x = x + y, {nodes:,} times, bytes a node", "unit": "bytes"}
    row |= {"ours": forward, "note": f"{after:.0f} after backward"}
    micrograd = peer("micrograd.engine")
    if micrograd is None:
        row["note"] += "; micrograd is not installed"
    else:  # fewer, since the collector visits all living nodes again and again
        theirs = grown(micrograd.Value, nodes // 5, backward=False)
        row |= {"peer": theirs, "peer_name": "micrograd"}
    return [row]


def chain(x: Any, w: Any, b: Any, nodes: int) -> Any:
    for _ in range(nodes // 2):
        x = x * w + b
    return x


def graph_sizes() -> list[Row]:
    """Time for each node of chains of * and +, from 10^3 to 10^7 nodes."""
    x, w, b = 1.0, 0.9999999, 1e-7
    values = [sg.Value(number) for number in (x, w, b)]
    rows: list[Row] = []
    for exponent in range(3, 6 if QUICK else 8):
        nodes = 10**exponent
        if nodes == 10**7 and available() < 6 * GIB:
            rows.append({"work": f"chain of {nodes:,} nodes, a node", "note": "too little memory"})
            continue

        def step(nodes: int = nodes) -> None:
            chain(*values, nodes).backward()

        def floats(nodes: int = nodes) -> None:
            chain(x, w, b, nodes)

        # Memory that is new to the machine costs 200 ns a node in the first turn.
        rounds, turn = {6: (ROUNDS, 0.0), 7: (4, 0.0)}.get(exponent, (ROUNDS, TURN))
        times = best({"floats": floats, "scalargrad": step}, rounds, turn)
        row = {"work": f"chain of {nodes:,} nodes, a node", "floats": times["floats"] / nodes}
        row["ours"] = times["scalargrad"] / nodes
        if exponent < 7:
            gc.disable()
            paused = best({"scalargrad": step}, rounds, turn)["scalargrad"]
            gc.enable()
            row["note"] = f"collector paused {time(paused / nodes)}"
        else:
            row["note"] = f"peak of the process {status('VmHWM') / GIB:.2f} GiB"
        rows.append(row)
    measured = [row["ours"] for row in rows if "ours" in row]
    rows[-1]["note"] += f"; slowest to fastest size {max(measured) / min(measured):.2f}"
    return rows


def optimisers() -> list[Row]:
    """A step of Adam and of SGD, and zero_grad."""
    draw = random.Random(3)
    numbers = [draw.uniform(-1.0, 1.0) for _ in range(PARAMETERS)]
    slopes = [draw.uniform(-1.0, 1.0) for _ in range(PARAMETERS)]

    def ready() -> list[sg.Value]:
        parameters = [sg.Value(number) for number in numbers]
        for p, slope in zip(parameters, slopes, strict=True):
            p.grad = slope
        return parameters

    w, first, second = list(numbers), [0.0] * PARAMETERS, [0.0] * PARAMETERS
    cleared, taken = [0.0] * PARAMETERS, [0]

    def float_adam() -> None:
        taken[0] += 1
        unbias_first, unbias_second = 1.0 - 0.9 ** taken[0], 1.0 - 0.999 ** taken[0]
        for i, g in enumerate(slopes):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            root = (second[i] / unbias_second) ** 0.5
            w[i] -= 1e-9 * (first[i] / unbias_first) / (root + 1e-8)

    def float_sgd() -> None:
        for i, g in enumerate(slopes):
            w[i] -= 1e-9 * g

    def float_zero() -> None:
        for i in range(PARAMETERS):
            cleared[i] = 0.0

    adam, sgd = optim.Adam(ready(), lr=1e-9), optim.SGD(ready(), lr=1e-9)
    zero = optim.SGD(ready(), lr=1e-9)
    rows = []
    for work, floats, ours in (
        ("Adam step", float_adam, adam.step),
        ("SGD step", float_sgd, sgd.step),
        ("zero_grad", float_zero, zero.zero_grad),
    ):
        times = best({"floats": floats, "scalargrad": ours})
        rows.append({
            "work": f"{work}, {PARAMETERS:,} parameters",
            "floats": times["floats"], "ours": times["scalargrad"],
        })  # fmt: skip
    return rows


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(x))


def transforms() -> list[Row]:
    """Gradient and Hessian of a function of 20 variables."""
    x = [0.5 + 0.05 * i for i in range(20)]
    gradient, hessian = sg.grad(rosenbrock), sg.hessian(rosenbrock)
    times = best({
        "floats": lambda: rosenbrock(x),
        "gradient": lambda: gradient(x),
        "hessian": lambda: hessian(x),
    })  # fmt: skip
    return [
        {
            "work": f"{work} of Rosenbrock's function in 20 variables",
            "floats": times["floats"], "ours": times[name],
        }
        for work, name in (("sg.grad", "gradient"), ("sg.hessian", "hessian"))
    ]  # fmt: skip


def compiled() -> list[Row]:
    """The values of a compiled network, and its value and gradient."""
    if peer("numba") is None:
        return [{"work": "compiled MLP 2-64-64-1", "note": "numba is not installed"}]
    from contenders.mlp import Network

    sizes, samples = [2, 64, 64, 1], 50 if QUICK else 1_000
    task = Network(sizes, "relu", samples)
    step = sg.compile(task.loss, params=task.model.parameters())
    data = list(zip(task.X.tolist(), task.Y.tolist(), strict=True))
    floats = float_step(sizes, task.theta.tolist(), data, scalar_mlp.float_relu)
    mean, total = step.value_and_grad(task.X, task.Y)[0], floats()[0]
    if not abs(mean * samples - total) <= 1e-9 * total:
        raise ValueError(f"the losses differ: {mean * samples} and {total}")
    plain = best({"floats": floats}, 2, 0.0)["floats"]
    steps: Steps = {
        "value": lambda: step(task.X, task.Y),
        "both": lambda: step.value_and_grad(task.X, task.Y),
    }
    times = best(steps, clock=perf_counter)
    return [
        {
            "work": f"{call}, MLP 2-64-64-1 relu, {samples:,} samples, compiled",
            "floats": plain, "ours": times[name], "note": note,
        }
        for call, name, note in (
            ("c(X, Y)", "value", ""),
            ("c.value_and_grad(X, Y)", "both",
             f"{times['both'] / times['value']:.2f} times c(X, Y)"),
        )
    ]  # fmt: skip


def large_model() -> list[Row]:
    """A model of a million parameters: made, its parameters listed, its gradients cleared."""
    width = 100 if QUICK else 1_000
    before = status("VmRSS")
    start = process_time()
    model = nn.MLP(width, [width])
    made = process_time() - start
    held = status("VmRSS")
    gc.collect()
    rounds = 1 if QUICK else 3
    times = best({"parameters": model.parameters, "zero_grad": model.zero_grad}, rounds, 0.0)
    peak = status("VmHWM")
    size = width * (width + 1)
    note = f"the process grew by {(held - before) / 2**20:.0f} MiB"
    notes = {"made": note, "zero_grad": f"peak of the process {peak / 2**20:.0f} MiB"}
    return [
        {"work": f"{work}, {size:,} parameters", "ours": seconds, "note": notes.get(name, "")}
        for work, name, seconds in (
            ("nn.MLP made", "made", made),
            ("model.parameters()", "parameters", times["parameters"]),
            ("model.zero_grad()", "zero_grad", times["zero_grad"]),
        )
    ]


def fit() -> list[Row]:
    """One epoch of eager training."""
    data = scalar_mlp.samples(20 if QUICK else 200)
    X, Y = [x for x, _ in data], [y for _, y in data]
    model = nn.MLP(2, [16, 16, 1])
    optimizer = optim.SGD(model.parameters(), lr=1e-3)

    def epoch() -> None:
        sg.fit(
            model, X, Y, losses.squared_error, optimizer, epochs=1, batch_size=20,
            backend="eager", progress=False,
        )  # fmt: skip

    floats = float_step(SIZES, scalar_mlp.weights(SIZES), data, scalar_mlp.float_relu)
    times = best({"floats": floats, "scalargrad": epoch})
    return [
        {
            "work": f'sg.fit(backend="eager"), MLP 2-16-16-1, an epoch of {len(data)} samples',
            "floats": times["floats"], "ours": times["scalargrad"],
            "note": "batches of 20; floats: the loss only",
        }
    ]  # fmt: skip


ROWS: dict[int, Callable[[], list[Row]]] = {
    1: lambda: operators("relu", ("micrograd",), COLLECTORS),
    2: lambda: operators("tanh", ()),
    3: modules,
    4: gpt,
    5: lambda: operators("relu", ("XAD",)),
    6: node_bytes,
    7: graph_sizes,
    8: optimisers,
    9: transforms,
    10: compiled,
    11: large_model,
    12: fit,
}


# --- the table -----------------------------------------------------------------------------------


def process(number: int) -> list[Row]:
    """Return the rows of one number, measured in a process of its own."""
    command = [sys.executable, __file__, "--worker", str(number)]
    done = subprocess.run(
        [*command, "--quick"] if QUICK else command, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        return [{"work": f"row {number}", "note": "FAILED", "failed": True}]
    rows: list[Row] = json.loads(done.stdout.splitlines()[-1])
    return rows


def cells(number: int, row: Row) -> list[str]:
    """Return the cells of one row of the table."""

    def size(x: float) -> str:
        return f"{x:.0f}" if row.get("unit") == "bytes" else time(x)

    def ratio(x: float | None, y: float | None) -> str:
        return digits(x / y) if x is not None and y is not None else ""

    floats, ours, other = (row.get(name) for name in ("floats", "ours", "peer"))
    return [
        str(number),
        row["work"],
        size(floats) if floats is not None else "",
        size(ours) if ours is not None else "",
        ratio(ours, floats),
        f"{row['peer_name']}: {size(other)}" if other is not None else "",
        ratio(other, ours),
        row.get("note", ""),
    ]


HEADS = [
    "row", "work", "floats", "scalargrad", "to floats", "another engine", "to scalargrad", "notes",
]  # fmt: skip


def header() -> str:
    node = "native node" if getattr(sg, "NATIVE", False) else "pure-Python node"
    return (
        f"scalargrad {sg.__version__}, {node}; Python {platform.python_version()}, "
        f"{platform.machine()}; best of {ROUNDS} turns of {TURN} s or more"
        + ("; QUICK: a test of this file, no measurement" if QUICK else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help="such as 1,2,3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers too")
    parser.add_argument("--quick", action="store_true", help="short turns, smaller graphs")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        print(json.dumps(ROWS[asked.worker]()))
        return
    results: dict[int, list[Row]] = {}
    numbers = [int(number) if number.isdigit() else 0 for number in asked.rows.split(",")]
    if not set(numbers) <= set(ROWS):
        parser.error(f"--rows: got {asked.rows}, expected some of {', '.join(map(str, ROWS))}")
    for number in numbers:
        print(f"row {number} ...", file=sys.stderr, flush=True)
        results[number] = process(number)
    print(header(), "\n")
    print(table([HEADS, *(cells(number, row) for number, rows in results.items() for row in rows)]))
    if asked.json:
        native = getattr(sg, "NATIVE", False)
        raw = {"header": header(), "native": native, "rows": results}
        asked.json.write_text(json.dumps(raw, indent=1))
    sys.exit(any(row.get("failed") for rows in results.values() for row in rows))


if __name__ == "__main__":
    main()
