"""Kinks that a graph has hit or nearly hit, the slopes that were taken, and steps."""

from __future__ import annotations

from collections.abc import Iterator

from scalargrad.core.kinks import kinks_of
from scalargrad.core.labels import format_number
from scalargrad.view.diagnose.examined import Examined
from scalargrad.view.diagnose.finding import Finding

__all__ = ["kinks"]

_NEAR = 1e-6  # of the size of the numbers that were added up


def kinks(graph: Examined) -> Iterator[Finding]:
    """The kinks at or near the operands, and operations whose slope is 0 everywhere.

    Only those that a derivative arrives at: the others change nothing.
    """
    tape = graph.tape
    for kink in kinks_of(tape):
        i = kink.node
        if graph.adjoints[i] is None:
            continue
        row = tape.nodes[i]._row
        is_step = kink.below == kink.taken == kink.above == 0.0 and row.unused is True
        is_jump = kink.below == kink.above
        slopes = f"{format_number(kink.below)} below and {format_number(kink.above)} above"
        there = f"the value jumps there, with the slope {slopes}" if is_jump else f"slopes {slopes}"
        taken = format_number(kink.taken)
        if kink.gap == 0.0:
            message = (
                f"{graph.written(i)} is at a kink, where {graph.numbers(i)}: {there}; {taken} was "
                "taken"
            )
            yield graph.finding("kink", i, message, kink.taken)
        elif abs(kink.gap) <= _NEAR * _size(graph, i, is_jump):
            message = (
                f"{graph.written(i)} is {format_number(abs(kink.gap))} from a kink, where "
                f"{graph.numbers(i)}: {there}; {taken} was taken"
            )
            yield graph.finding("near kink", i, message, kink.gap)
        if is_step:
            message = f"{graph.written(i)} has the slope 0 everywhere: no gradient passes"
            yield graph.finding("step", i, message, 0.0)


def _size(graph: Examined, i: int, is_jump: bool) -> float:
    """The size of the numbers of which the operands of node `i` are sums."""
    size = max(graph.sizes[j] for j in graph.operands(i))
    return min(size, 1.0) if is_jump else size  # whole numbers are never further off than 1/2
