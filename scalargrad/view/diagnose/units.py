"""Units of a network that are dead or saturated in all their uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from scalargrad.core.labels import format_number
from scalargrad.view.diagnose.examined import LINEAR, Examined
from scalargrad.view.diagnose.finding import Finding
from scalargrad.view.graph import count
from scalargrad.view.read.names import module_name

__all__ = ["Units", "find_units", "idle_units"]

# Activations that may stop the gradient, with their largest slope
_STEEPEST = {"relu": 1.0, "tanh": 1.0, "sigmoid": 0.25}
_FLAT = 0.01  # of the largest slope: saturated

Units = Mapping[tuple[str, frozenset[int]], list[int]]


def find_units(graph: Examined) -> Units:
    """The uses of each unit: activations whose weighted sums have the same parameters.

    The key is the operation with the parameters, or the node itself where there are none.
    """
    units: dict[tuple[str, frozenset[int]], list[int]] = {}
    for i, row in enumerate(graph.tape.rows):
        if row is not None and row.name in _STEEPEST and graph.varies(i):
            weights = _weights(graph, graph.operands(i)[0])
            units.setdefault((row.name, weights or frozenset([i])), []).append(i)
    return units


def _weights(graph: Examined, i: int) -> frozenset[int]:
    """The parameters in the weighted sum of which node `i` is the result."""
    found, waiting, seen = set(), [i], {i}
    rows, kinds = graph.tape.rows, graph.roles.kinds
    while waiting:
        j = waiting.pop()
        if kinds[j] == "parameter":
            found.add(j)
            continue
        row = rows[j]
        if row is None or row.name not in LINEAR:
            continue
        operands = graph.operands(j)
        if row.name == "dot" and any(kinds[p] == "parameter" for p in operands):
            found.update(p for p in operands if kinds[p] == "parameter")
            continue  # its other operands are results of other units
        waiting += [p for p in operands if p not in seen]
        seen.update(operands)
    return frozenset(found)


def idle_units(graph: Examined, units: Units) -> Iterator[Finding]:
    """The units with relu that are 0, and those with tanh or sigmoid that are flat, in all uses."""
    for (name, weights), uses in units.items():
        slopes = [graph.tape.partials[graph.tape.starts[i]] for i in uses]
        if not all(map(isfinite, slopes)):
            continue
        sums = [graph.data[graph.operands(i)[0]] for i in uses]
        first, title = uses[0], _title(graph, uses[0], weights)
        times = "in its only use" if len(uses) == 1 else f"in all {count(len(uses), 'use')}"
        few = "; one use says little" if len(uses) == 1 else ""
        if name == "relu" and not any(slopes):
            if sums == [0.0]:
                continue  # it is at its kink, which is a finding of its own
            message = (
                f"{name} of {title} is 0 {times} (its largest weighted sum is "
                f"{format_number(max(sums))}): no gradient passes{few}"
            )
            yield graph.finding("dead unit", first, message, max(sums), title, uses)
        elif name != "relu" and max(slopes) < _FLAT * _STEEPEST[name]:
            message = (
                f"{name} of {title} is flat {times}: its largest slope is "
                f"{format_number(max(slopes))}, where up to {format_number(_STEEPEST[name])} is "
                f"possible{few}"
            )
            yield graph.finding("saturated unit", first, message, max(slopes), title, uses)


def _title(graph: Examined, i: int, weights: frozenset[int]) -> str:
    """The name of a unit: its module, or its parameters, or the value itself."""
    if modules := graph.roles.modules[i]:
        return module_name(modules[-1])
    names = [graph.names[j] for j in sorted(weights) if j in graph.roles.paths or j != i]
    if not names:
        return graph.names[i]
    return f"the unit of {', '.join(names[:3])}" + (", ..." if len(names) > 3 else "")
