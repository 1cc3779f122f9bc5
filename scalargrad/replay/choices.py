"""Operations that only a recorded program has: comparisons, a choice by index, a stopped gradient.

While a function runs on numbers, Python itself compares, picks and forgets. In a program these are
instructions. They have the form of the table's rows, but stand apart from it: nobody calls them.
"""

from __future__ import annotations

from math import nan
from typing import Any

from scalargrad.core.primitives import dot
from scalargrad.core.rows import Primitive

__all__ = ["held", "less", "less_equal", "over_samples", "same", "take"]

less = Primitive(
    "less", "1 where x < y, else 0", lambda x, y: float(x < y), lambda x, y, out: (0.0, 0.0),
    "{0} < {1}", text="{0} < {1}", symbol="<",
)  # fmt: skip
less_equal = Primitive(
    "less_equal", "1 where x <= y, else 0", lambda x, y: float(x <= y),
    lambda x, y, out: (0.0, 0.0), r"{0} \le {1}", text="{0} <= {1}", symbol="<=",
)  # fmt: skip
same = Primitive(
    "same", "1 where x = y, else 0", lambda x, y: float(x == y), lambda x, y, out: (0.0, 0.0),
    "{0} = {1}", text="{0} == {1}", symbol="==",
)  # fmt: skip
held = Primitive("held", "x, with no derivative", lambda x: x, lambda x, out: (0.0,))


def _take(index: float, *values: float) -> float:
    # Outside of the list there is nothing to take: nan is what the check of the results looks for.
    whole = 0.0 <= index < len(values) and index % 1.0 == 0.0
    return values[int(index)] if whole else nan


def _take_partials(index: Any, *values: Any, out: Any) -> tuple[Any, ...]:
    return (0.0, *[same(index, float(k)) for k in range(len(values))])


take = Primitive(
    "take", "the value at the place that the first operand says", _take, _take_partials,
    text=lambda index, *values: f"take([{', '.join(values)}], {index})",
)  # fmt: skip

# w1 x1 + ... + wn xn, added up over all samples: how what is the same for all samples gets its
# adjoint. The one instruction that looks across samples; within one sample it is a `dot`.
over_samples = Primitive(
    "over_samples", "the sum over the samples of w1 x1 + ... + wn xn",
    dot.value, dot.partials,
    text=lambda *xs: f"over_samples({dot.write(*xs)})",
)  # fmt: skip
