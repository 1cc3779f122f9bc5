"""Time to import the package: whole processes in alternating turns, less an empty process.

python benchmarks/start_up.py [OTHER_CHECKOUT ...]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TURNS = 25
EVERYTHING = "import scalargrad as sg; [getattr(sg, name) for name in sg.__all__]"


def seconds(checkout: Path, program: str, cache: str) -> float:
    """The time of one process that finds the package in a checkout, with its bytecode cached."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=cache, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print milliseconds: the median and the least of all turns."""
    checkouts = [ROOT, *map(Path, sys.argv[1:])]
    cases = {"(an empty process)": (ROOT, "pass")}
    for checkout in checkouts:
        cases[f"{checkout}: import scalargrad"] = (checkout, "import scalargrad")
        cases[f"{checkout}: every public name"] = (checkout, EVERYTHING)
    with tempfile.TemporaryDirectory() as cache:
        for case in cases.values():
            seconds(*case, cache)
        turns = [
            {name: seconds(*case, cache) for name, case in cases.items()} for _ in range(TURNS)
        ]
    empty = [turn["(an empty process)"] for turn in turns]
    for name in cases:
        times = [turn[name] for turn in turns]
        median = statistics.median(times) - statistics.median(empty)
        least = min(times) - min(empty)
        print(f"{1e3 * median:6.1f} ms (at least {1e3 * least:5.1f})  {name}")


if __name__ == "__main__":
    main()
