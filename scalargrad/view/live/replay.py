"""The graph of a value computed anew with other numbers in its leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from scalargrad.core.modes import stack
from scalargrad.core.node import leaf
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value, grads_of

__all__ = ["Replayed", "as_sentence", "derivatives", "in_no_mode", "replayed"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Replayed:
    """The values of a tape, computed anew.

    `nodes` are the values in the order of the tape, None where there is none: the value at `fault`,
    whose operation is not defined at the numbers, and all that depend on it. `error` is what this
    operation raised.
    """

    nodes: Sequence[Any]
    fault: int | None = None
    error: Exception | None = None

    @property
    def whole(self) -> bool:
        """Whether all values could be computed."""
        return self.fault is None


def replayed(tape: Tape, numbers: Mapping[int, Any]) -> Replayed:
    """Compute the graph of a tape with other numbers in some leaves.

    Every operation runs as eager code runs it, so values, partials and errors are those of a
    program that is run with these numbers, as long as it takes the same branches.

    Args:
        tape: the graph of a Value, which stays as it is.
        numbers: by the index of a leaf its number, or a Value to stand in its place.

    Returns:
        New values, which share nothing with those of the tape.

    >>> x = Value(2.0, "x")
    >>> replayed(Tape.of([x * x + 1.0]), {0: 3.0}).nodes[-1]
    Value(data=10.0, grad=0.0, op='+')
    >>> print(replayed(Tape.of([sg.log(x)]), {0: -1.0}).error)
    log(x) is not defined at x = -1.0 (label 'x'); it needs x > 0
    """
    nodes: list[Any] = []
    fault, error = None, None
    for i, node in enumerate(tape.nodes):
        operands = [nodes[tape.operands[e]] for e in tape.edges(i)]
        if not operands:
            nodes.append(_leaf(node, numbers.get(i, node.data)))
        elif any(x is None for x in operands):
            nodes.append(None)
        else:
            try:
                made = operands[0].apply(node._row, tuple(operands))
            except Exception as cause:  # a user's own operation may raise anything
                made = None
                if fault is None:
                    fault, error = i, cause
            else:
                made.label = node.label
            nodes.append(made)
    return Replayed(nodes, fault, error)


def _leaf(node: Any, number: Any) -> Any:
    if isinstance(number, Value):
        return number
    made = Value(number) if node._row is None else leaf(float(number), node._row)
    made.label = node.label
    return made


def in_no_mode(compute: Callable[[], Result]) -> Result:
    """What `compute` returns in a context of its own, where no mode such as `no_grad` is in force.

    >>> with no_grad():
    ...     in_no_mode(lambda: Value(2.0) * 3.0)
    Value(data=6.0, grad=0.0, op='*')
    """

    def run() -> Result:
        stack.set(())
        return compute()

    return copy_context().run(run)


def derivatives(nodes: Sequence[Any]) -> list[float]:
    """The derivative of the last value by each, as `backward` computes it; the values are new.

    >>> x = Value(3.0)
    >>> derivatives([x, x * x])
    [6.0, 1.0]
    """
    last = nodes[-1]
    if not last.parents:
        return [float(node is last) for node in nodes]
    last.backward()
    return grads_of(nodes)


def as_sentence(error: Exception) -> str:
    """What an error says, on one line; its type where it says nothing.

    >>> as_sentence(ValueError("log(x) is not defined")), as_sentence(KeyError())
    ('log(x) is not defined', 'KeyError')
    """
    return " ".join(str(error).split()) or type(error).__name__
