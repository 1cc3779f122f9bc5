"""Gradients layer by layer: those that vanish or explode, and parameters without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot, isfinite, sqrt
from typing import NamedTuple

from scalargrad.core.labels import format_number
from scalargrad.core.lines import line_of
from scalargrad.view.diagnose.examined import Examined
from scalargrad.view.diagnose.finding import ADVICE, Finding
from scalargrad.view.diagnose.units import Units
from scalargrad.view.graph import count
from scalargrad.view.read.names import levels, module_name

__all__ = ["Layer", "idle_parameters", "layers_of", "uneven_layers"]

_RATIO = 1e3  # of the gradients of a layer and of the last one


class Layer(NamedTuple):
    """The gradients of the parameters of one layer.

    Attributes:
        name: the name of the layer.
        parameters: how many it has in the graph.
        gradient: the root of the mean square of their derivatives.
    """

    name: str
    parameters: int
    gradient: float


def _places(graph: Examined) -> dict[str, list[int]]:
    """The parameters of each layer by its name, the layers in the order of their first use."""
    tape, kinds, paths = graph.tape, graph.roles.kinds, graph.roles.paths
    first: dict[int, int] = {}
    for e, j in enumerate(tape.operands):
        if kinds[j] == "parameter":
            first.setdefault(j, e)
    places: dict[str, list[int]] = {}
    for j in sorted(first, key=lambda j: first[j]):
        around = [level for level in levels(paths.get(j, ""))[:-1] if _is_layer(level)]
        own = (levels(paths[j])[-1] if paths.get(j) else graph.names[j]).partition(".")[0]
        name = module_name(".".join(around)) if around else own
        places.setdefault(name if not name.isdigit() else "", []).append(j)
    return places


def _is_layer(level: str) -> bool:
    return level.partition(".")[0] != "neurons"


def layers_of(graph: Examined) -> list[Layer]:
    """The layers in the order of their first use."""
    layers = []
    for name, places in _places(graph).items():
        gradients = [graph.adjoints[j] or 0.0 for j in places]
        layers.append(Layer(name, len(places), hypot(*gradients) / sqrt(len(places))))
    return layers


def uneven_layers(graph: Examined, layers: Sequence[Layer]) -> Iterator[Finding]:
    """The layers whose gradients are much smaller or larger than those of the last one."""
    last = next((layer for layer in reversed(layers) if layer.gradient), None)
    if last is None or not all(isfinite(layer.gradient) for layer in layers):
        return
    for layer, places in zip(layers, _places(graph).values(), strict=True):
        ratio = layer.gradient / last.gradient
        if 0.0 < ratio < 1.0 / _RATIO:
            kind, words = "vanishing gradient", f"1/{format_number(float(f'{1.0 / ratio:.2g}'))}"
        elif ratio > _RATIO:
            kind, words = "exploding gradient", f"{format_number(float(f'{ratio:.2g}'))} times"
        else:
            continue
        message = (
            f"the gradient of {layer.name} ({format_number(layer.gradient)}, root mean square of "
            f"{count(layer.parameters, 'parameter')}) is {words} that of {last.name} "
            f"({format_number(last.gradient)})"
        )
        yield graph.finding(kind, places[0], message, ratio, layer.name, places)


def idle_parameters(graph: Examined, units: Units, idle: Sequence[Finding]) -> Iterator[Finding]:
    """The parameters that nothing depends on, and those with the derivative 0.

    The parameters of dead units are left out: these are findings of their own.
    """
    index = graph.tape.index
    missing = [p for p in graph.parameters if p not in index]
    if missing:
        names = graph.parameter_names
        text = _some([names.get(p) or p.label for p in missing], len(graph.parameters))
        yield Finding(
            "unused parameter", missing[0], names.get(missing[0], ""), missing[0].data,
            f"the result does not depend on {text}", ADVICE["unused parameter"],
            line_of(missing[0]), tuple(missing),
        )  # fmt: skip
    dead = {finding.node for finding in idle if finding.kind == "dead unit"}
    explained = {
        j for (_, weights), uses in units.items() if graph.tape.nodes[uses[0]] in dead
        for j in weights
    }  # fmt: skip
    for name, places in _places(graph).items():
        zero = [j for j in places if not graph.adjoints[j] and j not in explained]
        if not zero:
            continue
        stopped = sum(graph.adjoints[j] is None for j in zero)
        reason = (
            "no derivative arrives: each path to the result passes an operation with the slope 0"
            if stopped == len(zero)
            else "in each use a factor is 0: an input, a unit, or a slope on the way"
        )
        of = f" of {name}" if len(places) > 1 and name else ""
        text = _some([graph.names[j] for j in zero], len(places))
        message = f"the derivative by {text}{of} is 0: {reason}"
        yield graph.finding("zero derivative", zero[0], message, 0.0, nodes=zero)


def _some(names: Sequence[str], total: int) -> str:
    """A few of the names, and of how many they are all."""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return shown if total == 1 else f"{len(names):,} of {count(total, 'parameter')} ({shown})"
