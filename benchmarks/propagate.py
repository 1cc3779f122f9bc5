"""`sg.propagate` beside the package `uncertainties`: budgets of many inputs, as ratios of one run.

pip install uncertainties, then python benchmarks/propagate.py. Times are those of the processor.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import scalargrad as sg

TURNS = 7


def deviation(resistances: list[Any]) -> Any:
    """The standard deviation of a sample: every term uses the mean."""
    mean = sum(resistances) / len(resistances)
    return (sum((r - mean) ** 2 for r in resistances) / (len(resistances) - 1)) ** 0.5


def slope(ys: list[Any]) -> Any:
    """The slope of a straight line through points, from their sums."""
    n = len(ys)
    mean = sum(ys) / n
    middle = (n - 1) / 2
    return sum((i - middle) * (y - mean) for i, y in enumerate(ys)) / (n * (n * n - 1) / 12)


def parallel(resistances: list[Any]) -> Any:
    """Resistors in parallel, two by two: every result is used once."""
    total = 0.0
    for a, b in pairwise(resistances):
        total = total + a * b / (a + b)
    return total


FORMULAS = (deviation, slope, parallel)
SIZES = (100, 1_000, 10_000)
SLOW = 1_000  # inputs, beyond which `uncertainties` takes minutes for some formulas


def measured(n: int) -> dict[str, tuple[float, float]]:
    """Names with values and standard deviations."""
    return {f"r{i}": (1.0 + i / n, 0.01 + 0.001 * (i % 7)) for i in range(n)}


def ours(formula: Callable[..., Any], inputs: dict[str, Any]) -> tuple[float, float, list[float]]:
    """Value, deviation, and what each input contributes to the deviation."""
    result = sg.propagate(lambda **xs: formula([*xs.values()]), inputs, second_order=False, draws=0)
    return result.value, result.std, [row.sensitivity * row.std for row in result.budget]


def theirs(formula: Callable[..., Any], inputs: dict[str, Any]) -> tuple[float, float, list[float]]:
    """The same by `uncertainties`."""
    from uncertainties import ufloat

    variables = [ufloat(*pair) for pair in inputs.values()]
    result = formula(variables)
    components = result.error_components()
    return result.n, result.std_dev, [components[x] for x in variables]


def seconds(run: Callable[[], Any]) -> float:
    """The processor time of one run; garbage of the runs before does not count."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def largest_difference(formula: Callable[..., Any], inputs: dict[str, Any]) -> float:
    """The largest relative difference of value, deviation and contributions."""
    value, std, terms = ours(formula, inputs)
    expected = theirs(formula, inputs)
    pairs = [(value, expected[0]), (std, expected[1])]
    pairs += zip(map(abs, terms), expected[2], strict=True)
    size = std or 1.0
    return max(abs(x - y) / max(abs(y), 1e-6 * size) for x, y in pairs)


def main() -> None:
    """Print the best times of alternating turns, and the largest relative difference."""
    has_peer = find_spec("uncertainties") is not None
    if not has_peer:
        print("uncertainties is not installed: pip install uncertainties")
    print(
        f"{'formula':10} {'inputs':>7} {'floats':>10} {'propagate':>10} {'uncertainties':>14} ratio"
    )
    for formula in FORMULAS:
        for n in SIZES:
            inputs = measured(n)
            plain = [value for value, _ in inputs.values()]
            contenders: dict[str, Callable[[], Any]] = {
                "floats": partial(formula, plain), "propagate": partial(ours, formula, inputs),
            }  # fmt: skip
            line, difference = f"{formula.__name__:10} {n:7,}", ""
            if has_peer and n <= SLOW:
                contenders["uncertainties"] = partial(theirs, formula, inputs)
                difference = f"(difference {largest_difference(formula, inputs):.0e})"
            best = dict.fromkeys(contenders, float("inf"))
            for _ in range(TURNS):
                for name, run in contenders.items():
                    best[name] = min(best[name], seconds(run))
            line += f" {1e3 * best['floats']:7.2f} ms {1e3 * best['propagate']:7.2f} ms"
            if "uncertainties" in best:
                line += f" {1e3 * best['uncertainties']:11.1f} ms"
                line += f" {best['uncertainties'] / best['propagate']:5.0f} {difference}"
            print(line)


if __name__ == "__main__":
    main()
