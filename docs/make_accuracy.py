"""Measure the relative errors of the table against mpmath, and write accuracy.md."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from exact import EXACT, errors, points

from scalargrad.core.rows import TABLE

HEAD = """# Accuracy

Written by `docs/make_accuracy.py`, which compares every operation with mpmath: its value, its
partials and its second partials, which are the partials' own partials. The points are of both signs
and all magnitudes, from 5e-324 to 1.8e308, most of them where functions change most: near 0, near
1, near the boundary of a domain, up to 40 and up to 750. The inputs are taken as exact. Errors are
relative, in units of 2⁻⁵³ = 1.1e-16: a correctly rounded result has an error of at most 1.
`tests/core/test_accuracy.py` states the bounds: 8 for values, 16 for partials, 32 for second
partials, that is 4, 8 and 16 units in the last place of a float just above 1.

Four things are not counted as errors of a formula:

- Results below 1e-305 are measured against 1e-305: smaller ones lose digits to underflow. The
  operands of operations with several lie between 1e-75 and 1e75 (`prod`, `dot`: 1e-50 and 1e50),
  the base of a power between 1e-100 and 1e100, so that products and quotients of them are floats
  too. Orders are small whole numbers; `OPERANDS` in `tests/exact.py` says where other operands lie.
- A difference that can be arbitrarily close to 0, but not at a float, is measured against its
  terms: the sums of `sum`, `mean` and `dot`; `logsumexp` and `logaddexp` near 0; `lgamma`,
  `digamma` and `polygamma` near their zeros at negative numbers, and the slope of `gamma` there;
  the slopes of `sinc` where it oscillates; the slopes of `silu` and `gelu` near their minimum and
  the second slopes near theirs; of a power and of `beta`, the second partial by both; of
  `log(x, base)`, that by the base; the slopes of internal rows that are third and further slopes of
  public ones.
- `betaln` between -1 and 1 is measured against 1, because it is 0 along a curve of operands.
- The second partial of `logsumexp` by one input twice, w (1 - w), is measured against its weight w.

The numbers are from one machine; with another C library they differ by a unit or two.

| operation | points | value | partials | second | worst partial at | worst second partial at |
|---|---|---|---|---|---|---|
"""
COUNT = 600


def line(name: str) -> str:
    row = TABLE[name]
    found = [(errors(row, p), p) for p in points(row, random.Random(name), COUNT)]
    measured = [(e, p) for e, p in found if e is not None]
    worst = [
        max((getattr(e, which), p) for e, p in measured) for which in ("value", "partial", "second")
    ]
    cells = [f"`{name}`", str(len(measured)), *[f"{size:.1f}" for size, _ in worst]]
    for size, point in worst[1:]:
        place = repr(point[0]) if len(point) == 1 else ", ".join(f"{x:.6g}" for x in point)
        cells.append(place if size else "")
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    Path(__file__).with_name("accuracy.md").write_text(HEAD + "".join(map(line, EXACT)), "utf-8")
