"""6.25 million weights learn two pictures, three ways.

Time and peak memory (resident set) of learning and recalling at 50 x 50 pixels, each way in its own
process. `--way NAME --updates N` runs one of them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from time import perf_counter

from scalargrad.examples.stone.photographs import WAYS, eigenvalues, noise, shapes, train

UPDATES = {"eager": 12, "whole": 50, "unit": 50}


def one(way: str, updates: int) -> str:
    start = perf_counter()
    photos = shapes(50)
    noisy = [p + 0.5 * x for p, x in zip(photos[0], noise(2500), strict=True)]
    memory = WAYS[way](photos, 1.0 / eigenvalues(photos)[1], None)
    recalled = train(memory, photos, noisy, updates).end.rmse
    seconds = perf_counter() - start
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return f"{way:<8}{updates:>8}{seconds:>10.1f} s{gigabytes:>10.2f} GB{recalled:>12.6f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--updates", type=int)
    asked = parser.parse_args()
    if asked.way:
        print(one(asked.way, asked.updates or UPDATES[asked.way]))
    else:
        print("way      updates      time    memory   rmse recalled (noisy: 0.291)", flush=True)
        for way in WAYS:
            subprocess.run([sys.executable, __file__, "--way", way], check=True)
