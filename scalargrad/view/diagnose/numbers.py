"""Numbers that went wrong: where nan and infinities were born, and where digits cancel."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, log10

from scalargrad.core.labels import format_number
from scalargrad.view.diagnose.examined import Examined
from scalargrad.view.diagnose.finding import Finding
from scalargrad.view.graph import count

__all__ = ["cancellations", "nonfinite_gradients", "nonfinite_values"]

_SUMS = frozenset(["add", "sub", "sum", "dot"])
_CANCELLED = 2.0**26  # the largest term by the sum: half of the digits of a float


def nonfinite_values(graph: Examined) -> Iterator[Finding]:
    """The values that are nan or infinite although their operands are not."""
    data = graph.data
    for i, x in enumerate(data):
        if isfinite(x) or not all(isfinite(data[j]) for j in graph.operands(i)):
            continue
        number = format_number(x)
        if not graph.operands(i):
            message = f"{graph.names[i]} comes in as {number}"
        else:
            message = f"{graph.written(i)} is {number} where {graph.numbers(i)}"
        yield graph.finding("nonfinite value", i, message, x)


def nonfinite_gradients(graph: Examined) -> Iterator[Finding]:
    """Partials that are not finite, and products and sums that leave the range of floats."""
    tape, data, adjoints = graph.tape, graph.data, graph.adjoints
    spread = sum(  # the slope by a constant exponent may be nan, and nobody needs it
        1
        for g, node in zip(adjoints, tape.nodes, strict=True)
        if g is not None and not isfinite(g) and not node.is_constant
    )
    verb = "is" if spread == 1 else "are"
    reached = f"; {count(spread, 'derivative')} of the graph {verb} not finite" if spread else ""
    for i in range(len(tape) - 1, -1, -1):
        g = adjoints[i]
        if g is None or not isfinite(g) or not isfinite(data[i]):
            continue
        for position, e in enumerate(tape.edges(i)):
            partial, j = tape.partials[e], tape.operands[e]
            if not isfinite(partial) and all(isfinite(data[p]) for p in graph.operands(i)):
                if not graph.varies(i) or tape.nodes[j].is_constant:
                    continue
                names = f"{graph.written(i)}: its slope by {graph.names[j]}"
                message = f"{names} is {format_number(partial)} where {graph.numbers(i)}{reached}"
                yield graph.finding("infinite slope", i, message, partial)
                break
            if isfinite(partial) and not isfinite(g * partial):
                message = (
                    f"the derivative {format_number(g)} by {graph.names[i]} times the slope "
                    f"{format_number(partial)} by operand {position + 1}, {graph.names[j]}, leaves "
                    f"the range of floats{reached}"
                )
                yield graph.finding("nonfinite gradient", j, message, g * partial)
                break


def cancellations(graph: Examined) -> Iterator[Finding]:
    """Sums in which at least half of the digits cancel."""
    tape, data = graph.tape, graph.data
    for i, row in enumerate(tape.rows):
        out = data[i]
        if row is None or row.name not in _SUMS or not out or graph.adjoints[i] is None:
            continue
        edges = tape.edges(i)
        largest = max((abs(tape.partials[e] * data[tape.operands[e]]) for e in edges), default=0.0)
        if isfinite(largest) and largest > _CANCELLED * abs(out) and graph.varies(i):
            lost = min(log10(largest / abs(out)), 16.0)
            message = (
                f"{graph.written(i)} = {format_number(out)} is a difference of numbers as large as "
                f"{format_number(largest)}: {lost:.0f} of 16 digits cancel"
            )
            yield graph.finding("cancellation", i, message, out)
