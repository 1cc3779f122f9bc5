"""One run of an equation F(x, params) = 0: its residuals, its Jacobian, its graph as a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from scalargrad.core.modes import leaves_created, stack
from scalargrad.core.node import CONSTANT, DETACHED, Argument, argument
from scalargrad.core.numbers import as_float
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.solve.sameness import sameness
from scalargrad.transforms.functional import name_of
from scalargrad.transforms.tree import leaves, refilled, skeleton

__all__ = ["Equation", "Trace", "undisturbed"]

T = TypeVar("T")


def undisturbed(run: Callable[[], T]) -> T:
    """The result of `run` in a context without modes: nothing is recorded, and graphs are built."""

    def inner() -> T:
        stack.set(())
        return run()

    return copy_context().run(inner)


class Equation:
    """A function F of x and parameters, both flattened.

    Args:
        f: The function.
        x: The nesting of x.
        params: The tuple of the nestings of the parameters.
        caller: The function to name in errors.
    """

    def __init__(self, f: Callable[..., Any], x: Any, params: tuple[Any, ...], caller: str) -> None:
        self.f, self.x, self.params, self.caller = f, x, params, caller
        self.count = len(leaves(x, "x0"))

    @cached_property
    def key(self) -> Any:
        """What equations that are the same have in common."""
        return sameness(self.f), repr(skeleton(self.x)), repr(skeleton(self.params)), self.caller

    def run(self, numbers: Sequence[Any]) -> list[Any]:
        """The numbers of F at x and then the parameters."""
        n = self.count
        out = self.f(refilled(self.x, numbers[:n]), *refilled(self.params, numbers[n:]))
        found = leaves(out, f"the result of {name_of(self.f)}")
        if len(found) != n:
            raise ValueError(
                f"{self.caller}: {name_of(self.f)} must return as many numbers as x0 has, {n}, "
                f"got {len(found)}"
            )
        return found


class _Origin(Argument):
    """The origin of the leaves of one trace."""


class Trace:
    """The graph of an equation at some numbers.

    Attributes:
        residuals: The numbers of F.
        outside: The Values of others that F depends on besides its arguments, those next to it.
    """

    def __init__(self, equation: Equation, numbers: Sequence[float]) -> None:
        self.count = equation.count
        origin = _Origin()
        with leaves_created() as created:
            self.fresh = [argument(x, origin) for x in numbers]
            try:
                self.outputs = equation.run(self.fresh)
            finally:
                origin.ended = True
        self.residuals = np.array([
            x._data if isinstance(x, Value) else as_float(x) for x in self.outputs
        ])  # fmt: skip
        values = [x for x in self.outputs if isinstance(x, Value)]
        self.tape = Tape.of(values, self.fresh)
        self.depends = self.tape.reach(range(len(self.fresh)))
        self.outside = self._outside(created, equation)

    def _outside(self, created: set[Any], equation: Equation) -> list[Value]:
        """Nodes that do not depend on the arguments, but on leaves that the run did not create."""
        tape, first = self.tape, len(self.fresh)
        foreign = bytearray(len(tape))
        for i in tape.leaves(first):
            node = tape.nodes[i]
            if node._row not in (CONSTANT, DETACHED) and node not in created:
                if isinstance(node._row, _Origin) and node._row.ended:
                    # a ValueError would say that this x is outside of the domain
                    raise TypeError(
                        f"{equation.caller}: {name_of(equation.f)} uses a value that it kept from "
                        "an earlier run: compute it anew in each run"
                    )
                foreign[i] = 1
        if not any(foreign):
            return []
        next_to = bytearray(len(tape))
        for i in range(first, len(tape)):
            operands = [tape.operands[e] for e in tape.edges(i)]
            if self.depends[i]:
                for j in operands:
                    next_to[j] |= foreign[j]
            elif any(foreign[j] for j in operands):
                foreign[i] = 1
        for x in self.outputs:
            if isinstance(x, Value):
                next_to[tape.index[x]] |= foreign[tape.index[x]]
        return [tape.nodes[i] for i in range(first, len(tape)) if next_to[i]]

    @cached_property
    def slopes(self) -> Any:
        """The derivatives of F by x and then by the parameters, one row for each number of F."""
        width = len(self.fresh)
        rows = np.zeros((self.count, width))
        for k, x in enumerate(self.outputs):
            if isinstance(x, Value) and self.depends[i := self.tape.index[x]]:
                found = self.tape.pull_numbers({i: 1.0}, width, self.depends)
                rows[k] = [0.0 if g is None else g for g in found]
        return rows

    @property
    def jacobian(self) -> Any:
        """The derivatives of F by x, shape (n, n)."""
        return self.slopes[:, : self.count]

    def at(self, numbers: Sequence[Any]) -> list[Any]:
        """F at other numbers or Values, by the same operations.

        Args:
            numbers: x, the parameters, then what stands for the values from outside.
        """
        tape, first = self.tape, len(self.fresh)
        made: list[Any] = [*numbers[:first], *[node._data for node in tape.nodes[first:]]]
        for node, x in zip(self.outside, numbers[first:], strict=True):
            made[tape.index[node]] = x
        for i in range(first, len(tape)):
            if self.depends[i]:
                made[i] = tape.nodes[i]._row(*[made[tape.operands[e]] for e in tape.edges(i)])
        return [made[tape.index[x]] if isinstance(x, Value) else x for x in self.outputs]
