"""The machine, its software, and the peak performance of one core."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

LIBRARIES = ("numpy", "numba", "jax", "torch", "casadi", "micrograd")


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe() -> list[str]:
    """Return the processor, cores, Python, libraries and system in a few lines."""
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} missing")
    return [
        f"{_processor()}, {cores()} cores; {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}",
        ", ".join(versions),
    ]


def _processor() -> str:
    """Return the processor's name, and its family and widest vectors where the name is hidden."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    told = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    flags = told.get("flags", "").split()
    vectors = next((x for x in ("avx512f", "avx2", "avx") if x in flags), "no AVX")
    name = told.get("model name", platform.processor())
    family = f"family {told.get('cpu family')} model {told.get('model')}"
    return f"{name} ({family}, {vectors}, L2+L3 {told.get('cache size', 'unknown')})"


def peak_flops(seconds: float = 0.5) -> float:
    """Return the flops per second of the best matrix product of NumPy's BLAS in that time."""
    import numpy as np

    n = 1024
    a, b, out = np.random.rand(n, n), np.random.rand(n, n), np.empty((n, n))
    return 2.0 * n**3 / _best(lambda: np.matmul(a, b, out=out), seconds)


def bandwidth(seconds: float = 0.5) -> float:
    """Return the bytes per second, read and written, of the best copy of 256 MiB in that time."""
    import numpy as np

    source = np.ones(2**25)
    target = np.zeros_like(source)
    return 2.0 * source.nbytes / _best(lambda: np.copyto(target, source), seconds)


def _best(f, seconds: float) -> float:  # type: ignore[no-untyped-def]
    f()
    best, end = float("inf"), perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        f()
        best = min(best, perf_counter() - start)
    return best
