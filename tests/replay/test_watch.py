"""What is watched beside a program's results: all that must be, and nothing else, for it costs."""

from math import isnan
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.replay.backends.python import PythonRunner
from scalargrad.replay.program import apart

positive = sg.sigmoid  # never overflows


def of_both_signs(x: Any) -> Any:
    return positive(x) - x


CALM: dict[str, Any] = {
    "a line": lambda x: 2.0 * x + 1.0,
    "what always shows": lambda x: sg.sqrt(sg.exp(x)) + sg.hypot(sg.log(x), 1.0),
    "a logarithm of a power": lambda x: sg.log(sg.exp(x)),
    "through a choice": lambda x: sg.where(x > 0.0, sg.log(x), sg.exp(x)),
    "through a power": lambda x: sg.exp(x) ** 1.5,
    "what is not computed": lambda x: of_both_signs(x) ** 0 + x,
    "whole powers": lambda x: of_both_signs(x) ** 2 + of_both_signs(x) ** 5,
    "more than 0": lambda x: sg.where(positive(x) > 0.0, x, -x),
    "not 0": lambda x: sg.where(positive(x), x, -x),
    "a guard": lambda x: x if positive(x) else -x,
    "less than 0": lambda x: sg.where(-positive(x) < 0.0, x, -x),
    "a sign": lambda x: sg.sign(-abs(positive(x))),
    "a product": lambda x: sg.sign(sg.erf(x) * positive(x)),
    "a cubic root": lambda x: sg.sign(sg.cbrt(sg.erf(x))),
    "a comparison": lambda x: sg.sqrt(positive(x) * (x > 0)),
    "a sum": lambda x: sg.sqrt(x * x + positive(x)),
    "a square": lambda x: sg.sqrt(sg.erf(x) * sg.erf(x)),
    "an even power": lambda x: sg.sqrt(sg.erf(x) ** 2),
    "an odd power": lambda x: sg.sqrt(positive(x) ** 3),
    "a root of what may be 0": lambda x: sg.sqrt(sg.relu(of_both_signs(x))),
    "a logarithm": lambda x: sg.log(positive(x) + 1.0),
    "a divisor": lambda x: x / positive(x),
    "a mean of squares": lambda x: sg.sqrt(sg.mean([sg.erf(x) ** 2, (x - 1.0) ** 2])),
    "a sum of squares": lambda x: sg.sqrt(sg.sum([sg.erf(x) ** 2, positive(x)])),
    "a long product": lambda x: sg.sqrt(sg.prod([sg.erf(x) ** 2, positive(x), positive(-x)])),
    "a dot": lambda x: sg.sqrt(sg.dot([sg.erf(x), positive(x)], [sg.erf(x), positive(-x)])),
    "the smaller": lambda x: sg.log(sg.minimum(positive(x), positive(2.0 * x))),
    "a choice": lambda x: sg.sqrt(sg.where(x > 0, positive(x), sg.erf(x) ** 2)),
    "a short chain": lambda x: sg.sign(0.1 * x + 0.2 * x - 0.3 * x),
    "a short chain rounded": lambda x: sg.floor((0.1 * x + 0.2 * x) / 0.3),
    "no jump": lambda x: sg.clip(x * 2.0 - 1.0, 0.0, 1.0) + sg.relu(of_both_signs(x)),
}
WATCHED: dict[str, Any] = {
    "a sign": lambda x: sg.sign(of_both_signs(x)),
    "a condition": lambda x: sg.where(of_both_signs(x), x, -x),
    "a guard": lambda x: x if of_both_signs(x) > 0.0 else -x,
    "a root": lambda x: sg.sqrt(of_both_signs(x)),
    "a power": lambda x: of_both_signs(x) ** 2.5,
    "a root of a product": lambda x: sg.sqrt(positive(x) * of_both_signs(x)),
    "a root of the smaller": lambda x: sg.sqrt(sg.minimum(of_both_signs(x), positive(x))),
    "a root of a dot": lambda x: sg.sqrt(sg.dot([positive(x), 0.1], [positive(x), -x])),
    "a root of a choice": lambda x: sg.sqrt(sg.where(x > 0, of_both_signs(x), x * x)),
    "a root of an odd power": lambda x: sg.sqrt(of_both_signs(x) ** 3),
    "a logarithm of what may be 0": lambda x: sg.log(sg.relu(of_both_signs(x))),
    "a divisor that may be 0": lambda x: 1.0 / sg.relu(of_both_signs(x)),
    "whole numbers": lambda x: sg.floor(positive(x)),
    "a hidden error": lambda x: sg.tanh(sg.log(x)),
    "an error of one use": lambda x: sg.where(x > 0.0, 1.0, sg.log(x)) * sg.tanh(sg.log(x)),
}


@pytest.mark.parametrize("kind", CALM)
def test_what_cannot_go_unnoticed_is_not_watched(kind: str) -> None:
    c = sg.compile(CALM[kind], backend="python")
    c.record(0.2)
    assert c.program.watch is None


@pytest.mark.parametrize("kind", WATCHED)
def test_what_could_go_unnoticed_is_watched(kind: str) -> None:
    c = sg.compile(WATCHED[kind], backend="python")
    c.record(0.2)
    assert c.program.watch is not None


def test_numbers_within_their_rounding_are_not_apart() -> None:
    for x, size in ((0.0, 1e-300), (-1e-16, 1.0), (1e-13, 1.0), (1e-3, 1e10)):
        assert isnan(apart.value(x, size))
    for x, size in ((1e-3, 1.0), (-1e-20, 1e-10), (1e-300, 0.0), (0.0, 0.0), (1e-12, 1.0)):
        assert apart.value(x, size) == 0.0


def test_a_chain_of_any_depth_before_the_edge_of_a_domain() -> None:
    def f(x: Value) -> Value:
        y = sg.exp(x)
        for _ in range(3000):
            y = -y
        return sg.sqrt(y)

    assert sg.compile(f, backend="python")(0.0) == 1.0


def test_what_is_watched_stands_behind_what_it_reads() -> None:
    """So it is computed while its operands are at hand, however many sums of inputs it takes."""

    def f(xs: Any) -> Value:
        y, total = sg.exp(xs[0]), 0.0
        for x in xs:
            total = total + x
            y = sg.log(y + total) + 2.0
        return y

    program = sg.compile(f, backend="python").record([[0.01] * 1500])
    logs = [slot for slot, row in enumerate(program.rows) if row and row.name == "log"]
    watched = [slot for slot, row in enumerate(program.rows) if row is apart]
    assert len(watched) > 1000
    assert sum(slot < logs[-2] for slot in watched) > len(watched) - 3


def test_products_that_are_used_twice_each() -> None:
    """Looking at each use again would take 10**16 steps."""

    def f(x: Value, y: Value) -> Value:
        before, last = x, y
        for _ in range(80):
            before, last = last, before * last
        return sg.sqrt(last) + sg.log(last)

    assert sg.compile(f, backend="python")(1.0, 1.0) == 1.0


def test_ordinary_samples_of_a_long_recurrence_are_not_near_a_jump() -> None:
    """Sizes times sizes would grow with each turn, until every sample went by the reference."""

    def f(s: Value, t: Value) -> Value:
        for _ in range(8):
            kept = (sg.exp(-t) - 0.5) * 2.0 + 1.5
            r = (1.0 + 0.1 * t / s) ** -sg.exp(t * 0.1)
            s = s * (1.0 + kept * (1.0 - r) ** 0.8 * s**-0.1)
        return s

    c = sg.compile(f, backend="python")
    program = c.record(5.0, 1.0)
    numbers = PythonRunner(program).numbers([], [5.0, 1.0])
    watched = [slot for slot, row in enumerate(program.rows) if row is apart]
    assert len(watched) >= 8
    assert [slot for slot in watched if isnan(numbers[slot])] == []
    size = max(abs(numbers[program.operands[slot][1]]) for slot in watched)
    assert size < 1e4
