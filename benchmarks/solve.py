"""A fit of 20 unknowns to 10,000 samples: sg.solve beside SciPy with finite differences.

The model is six Gaussian peaks on a straight line. The whole solve is timed, recording included;
imports and the interpreter's one compilation per machine are not. The contenders take turns, and
the best of all turns counts; all of them must reach the same minimum.

    sg.solve      sg.solve.least_squares of the scalar function, exact Jacobian
    sg.solve, lm  the same with method="lm", MINPACK's
    NumPy         scipy.optimize.least_squares of a vectorised version written by hand
    NumPy, lm     the same with method="lm"
    scalar        scipy.optimize.least_squares of the scalar function, called for each sample
    scalar, math  the same with math.exp, which takes plain numbers only

Everything runs on one thread, since on a busy machine threads wait for each other; `--cpu` counts
the time of the processor, which does not depend on what else runs.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded

import numpy as np
from contenders.turns import take_turns
from scipy.optimize import least_squares

import scalargrad as sg

PEAKS = 6


def model(b: Any, x: Any, exp: Callable[[Any], Any]) -> Any:
    """The model for one sample, or for all where x is an array."""
    y = b[0] + b[1] * x
    for k in range(2, 2 + 3 * PEAKS, 3):
        z = (x - b[k + 1]) / b[k + 2]
        y = y + b[k] * exp(-0.5 * z * z)
    return y


def problem(samples: int) -> tuple[Any, Any, Any]:
    """The data x and y, and a start."""
    random = np.random.default_rng(0)
    peaks = [number for k in range(PEAKS) for number in (1.0 + 0.1 * k, k + 0.5, 0.3)]
    true = np.array([0.5, 0.1, *peaks])
    x = np.linspace(0.0, float(PEAKS), samples)
    y = model(true, x, np.exp) + 0.05 * random.standard_normal(samples)
    return x, y, true * (1.0 + 0.1 * random.standard_normal(len(true)))


def contenders(samples: int) -> dict[str, Callable[[], tuple[float, int]]]:
    """Functions that solve the problem and return the cost and the number of evaluations."""
    x, y, start = problem(samples)

    def ours(method: str) -> tuple[float, int]:
        fit = sg.solve.least_squares(
            lambda b, x, y: y - model(b, x, sg.exp), list(start), (x, y), method=method, threads=1
        )
        return float(fit.cost), fit.nfev

    def by_numpy(method: str) -> tuple[float, int]:
        found = least_squares(lambda b: y - model(b, x, np.exp), start, method=method)
        return float(found.cost), found.nfev

    def scalar(exp: Callable[[float], float]) -> tuple[float, int]:
        xs, ys = x.tolist(), y.tolist()

        def residuals(b: Any) -> list[float]:
            b = b.tolist()
            return [yi - model(b, xi, exp) for xi, yi in zip(xs, ys, strict=True)]

        found = least_squares(residuals, start)
        return float(found.cost), found.nfev

    return {
        "sg.solve": lambda: ours("trf"),
        "sg.solve, lm": lambda: ours("lm"),
        "NumPy": lambda: by_numpy("trf"),
        "NumPy, lm": lambda: by_numpy("lm"),
        "scalar": lambda: scalar(sg.exp),
        "scalar, math": lambda: scalar(math.exp),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="count the time of the processor")
    samples, turns, cpu = vars(parser.parse_args()).values()
    for warm in contenders(100).values():
        warm()
    solvers = contenders(samples)
    best, results = take_turns(solvers, turns, cpu, slow="scalar")
    least = min(cost for cost, _ in results.values())
    print(f"{samples:,} samples, 20 unknowns\n\n| solver | time | ratio | evaluations | cost |")
    print("|---|---|---|---|---|")
    for name, seconds in best.items():
        cost, count = results[name]
        ratio = seconds / best["sg.solve"]
        print(f"| {name} | {1e3 * seconds:,.1f} ms | {ratio:,.1f} | {count} | {cost:.9g} |")
        assert cost <= least * (1.0 + 1e-9), f"{name} did not reach the minimum"


if __name__ == "__main__":
    main()
