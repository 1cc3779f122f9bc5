"""One run of a function of named inputs, and its derivatives by one backward pass per output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from math import hypot, inf, nan, sqrt
from typing import Any

from scalargrad.core.modes import Mode, pushed, recorder
from scalargrad.core.numbers import as_float, shown
from scalargrad.core.primitives import plain_sum
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.measure.correlations import Pairs
from scalargrad.measure.inputs import Inputs
from scalargrad.replay import RecordingError
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.functional import name_of
from scalargrad.transforms.tree import leaves

__all__ = ["Run", "deviation"]


class Run:
    """A function, run on Values that stand for its inputs.

    Attributes:
        out: the result in its nesting; `outputs` are its numbers, flattened.
        tape: the graph of the outputs, the inputs first.

    Values that the function uses besides its inputs count as constants.
    """

    def __init__(self, f: Callable[..., Any], inputs: Inputs, caller: str) -> None:
        if recorder():
            raise RecordingError(
                f"{caller} cannot be recorded: call it outside of the compiled function"
            )
        self.f, self.inputs = f, inputs
        with pushed(Mode(builds=True)), collector_paused():
            self.values = [*map(Value, inputs.values, inputs.names)]
            arguments = dict(zip(inputs.names, self.values, strict=True))
            try:
                self.out = f(**arguments)
            except TypeError:
                _check_names(f, inputs, caller)
                raise
            self.outputs = leaves(self.out, f"the result of {name_of(f)}")
            if not self.outputs:
                raise TypeError(
                    f"{caller} needs a function that returns numbers, {name_of(f)} returned "
                    f"{shown(self.out)}"
                )
            self.tape = Tape.of([y for y in self.outputs if isinstance(y, Value)], self.values)

    @property
    def single(self) -> bool:
        """Whether the function returned one number, not a nesting."""
        return self.out is self.outputs[0] if len(self.outputs) == 1 else False

    def number(self, k: int) -> float:
        """The number of output `k`."""
        y = self.outputs[k]
        return y._data if isinstance(y, Value) else as_float(y)

    def derivatives(self, k: int) -> list[float]:
        """The derivative of output `k` by each input."""
        seeds = dict.fromkeys(self.places(k), 1.0)
        return self.pulled(seeds, len(self.values))

    def places(self, k: int) -> list[int]:
        """The index of output `k` on the tape; none if it is a plain number."""
        y, nodes = self.outputs[k], self.tape.nodes
        if not isinstance(y, Value):
            return []
        # nearly always the last one: the index of 5,000 nodes takes 0.1 ms to build
        return [len(nodes) - 1 if nodes[-1] is y else self.tape.index[y]]

    def pulled(self, seeds: Mapping[int, float], wanted: int) -> list[float]:
        """The adjoints of the first nodes of the tape; 0.0 where nothing arrives."""
        found = self.tape.pull_numbers(dict(seeds), wanted)
        return [0.0 if g is None else g for g in found] if None in found else found  # type: ignore


def _check_names(f: Callable[..., Any], inputs: Inputs, caller: str) -> None:
    """Raise an error if the function does not take its inputs by these names."""
    try:
        expected = signature(f)
    except (TypeError, ValueError):  # of functions written in C
        return
    try:
        expected.bind(**dict.fromkeys(inputs.names))
    except TypeError as mismatch:
        names = ", ".join(map(repr, inputs.names[:10])) + (
            ", ..." if len(inputs.names) > 10 else ""
        )
        raise TypeError(
            f"{caller} calls {name_of(f)}{expected} by the names of the inputs, got {names}: "
            f"{mismatch}"
        ) from None


def deviation(terms: list[float], pairs: Pairs) -> float:
    """The standard deviation of a sum of terms, each of which is one standard deviation.

    With correlations r it is the root of the sum of tᵢ² and 2 r tᵢ tⱼ (GUM, equation 16).

    >>> deviation([3.0, 4.0], {}), deviation([3.0, 4.0], {(0, 1): -1.0})
    (5.0, 1.0)
    """
    if not pairs:
        return hypot(*terms)
    largest = max(map(abs, terms))
    if not 0.0 < largest < inf:
        return largest if largest == largest else nan
    scaled = [term / largest for term in terms]  # squares of the terms could leave a float's range
    cross = plain_sum(2.0 * r * scaled[i] * scaled[j] for (i, j), r in pairs.items())
    return largest * sqrt(max(plain_sum(t * t for t in scaled) + cross, 0.0))
