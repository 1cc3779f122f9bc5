"""Time and memory of the sparse Hessian of a chain, against the dense one; Taylor coefficients.

Processor time, since nothing here uses more than one thread, and the machine may be shared.

python benchmarks/sparse.py [number of unknowns ...]
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from itertools import pairwise
from time import process_time
from typing import Any

import scalargrad as sg


def chain(x: list[Any]) -> Any:
    """Rosenbrock's function of many unknowns."""
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return total


def f(x: Any) -> Any:
    return sg.exp(sg.sin(x)) / (1.0 + x * x)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = process_time()
    result = call()
    return process_time() - start, result


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [100, 1_000, 10_000, 100_000]
    sg.sparsity(chain, [0.5, 0.5], order=2)  # imports SciPy
    print("unknowns  function  first Hessian  another point  dense    peak memory")
    for n in sizes:
        x = [0.3 + 0.1 * (i % 7) for i in range(n)]
        run, _ = timed(lambda x=x: chain([sg.Value(a) for a in x]))
        first, pattern = timed(lambda x=x: sg.sparsity(chain, x, order=2))
        again = min(timed(lambda x=x, p=pattern: p(x))[0] for _ in range(3))
        dense = f"{timed(lambda x=x: sg.hessian(chain)(x))[0]:6.2f} s" if n <= 300 else "       -"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{n:8} {run:8.3f} s {first:12.2f} s {again:12.2f} s {dense} {peak:8.2f} GB")
    print("order  taylor  nested grad")
    for order in (2, 4, 6, 8, 20, 50):
        series = min(timed(lambda k=order: sg.taylor(f, 0.3, k))[0] for _ in range(5))
        nested = "           -"
        if order <= 8:
            g: Any = f
            for _ in range(order):
                g = sg.grad(g)
            nested = f"{timed(lambda g=g: g(0.3))[0] * 1e3:9.1f} ms"
        print(f"{order:5} {series * 1e3:6.2f} ms {nested}")


if __name__ == "__main__":
    main()
