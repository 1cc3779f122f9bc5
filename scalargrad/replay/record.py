"""Recording: a function is run once, and what it did with its numbers becomes a program.

The function runs on `Recorded` values. For the time of the recording parameters become Recorded
too, by their class alone: what is read from them is noticed, and every other thread finds them as
they were.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any

from scalargrad.core.operators import recorders
from scalargrad.core.value import Value
from scalargrad.replay.program import Guard, Program
from scalargrad.replay.recorder import (
    Recorded,
    Recorder,
    RecordingError,
    number_in,
    recorded_leaf,
)
from scalargrad.transforms.functional import _leaves_made
from scalargrad.transforms.tree import leaves

__all__ = ["Recording", "recorded"]

_ONE_AT_A_TIME = RLock()  # parameters can be lent to one recording only
_lent_now: list[tuple[Value, type[Value]]] = []  # and which these are, with their classes


def recorded(
    f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
    params: Sequence[Value], theta: Sequence[float] | None = None, names: Sequence[str] = (),
) -> Recording:  # fmt: skip
    """Run `f` once and note what it does.

    Args:
        f: the function of one sample.
        args: gives the arguments of `f`, every number in them through the function it is given.
        params: the leaf Values that the caller knows of; others are found.
        theta: the numbers to take for `params`; None means those in them.
        names: how the numbers in the arguments are called, in their order.

    Raises:
        RecordingError: `f` reads a number that would be frozen; what `f` itself raises.
    """
    with _ONE_AT_A_TIME:
        outside: list[Value] = list(params)
        while True:
            recording = Recording(f, args, outside, theta, names)
            if not recording.found:
                return recording
            outside += recording.found  # now that they are known, nothing is read from them unseen


class Recording:
    """One run of a function: its result, its leaves, its guards; see `program`."""

    def __init__(
        self, f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
        outside: Sequence[Value], theta: Sequence[float] | None, names: Sequence[str],
    ) -> None:  # fmt: skip
        self.inputs: list[Value] = []
        self.outside = list(outside)
        instead = {} if theta is None else dict(zip(outside, map(float, theta), strict=False))
        recorder = Recorder(instead)

        def fresh(number: float) -> Value:
            self.inputs.append(recorded_leaf(number))
            return self.inputs[-1]

        drawn = _drawn()
        with _lent(outside), _leaves_made() as made, _recording(recorder):
            arguments = args(fresh)
            for x, name in zip(self.inputs, names, strict=False):
                x.label = name
            try:
                out = f(*arguments)
            except RecordingError:
                raise
            except Exception as failed:
                failed.add_note(_told(f, arguments))
                raise
        if _drawn() != drawn:
            random.setstate(drawn[0])
            raise RecordingError(
                f"{_name(f)} draws random numbers, and these would be frozen into the program: "
                "draw them outside, and pass them as arguments"
            )
        self.out = out
        self.results = leaves(out, f"the result of {_name(f)}")
        self.guards = recorder.guards
        self.nodes: list[Value] = []
        seen: set[Value] = set()
        for value in [*self.results, *[condition for condition, _, _ in self.guards]]:
            if isinstance(value, Value):
                self.nodes += value._order(seen)
        known = {*self.inputs, *outside}
        for value in recorder.seen:
            self.nodes += value._order(seen)
        self.found = [
            x for x in self.nodes
            if not x.parents and not x.is_constant and x not in known and x not in made
        ]  # fmt: skip
        if any(isinstance(x, Recorded) for x in self.found):
            raise RecordingError(
                f"{_name(f)} uses a value that it kept from an earlier run: what it depends on "
                "must come in as an argument, or be a leaf that it does not change"
            )
        computed = [x for x in self.nodes if x.__class__ is not Recorded and x._row is not None]
        if computed and not self.found:
            self._check_made_inside(known)

    def _check_made_inside(self, known: set[Value]) -> None:
        """Refuse a Value computed before: it would not follow the leaves it was computed from."""
        moving = set(known)
        for node in self.nodes:
            if node not in moving and any(parent in moving for parent in node.parents):
                moving.add(node)
                if not isinstance(node, Recorded):
                    named = repr(node.label) if node.label else f"made by {node.op!r}"
                    raise RecordingError(
                        f"the function uses a value {named} that was computed outside of it: "
                        "compute it inside, or pass it as an argument"
                    )

    def program(self, names: Sequence[str], parameter_names: Sequence[str]) -> Program:
        """The program of the run; its outputs are the numbers of the result, in a row."""
        program = Program()
        place: dict[Value, int] = {}
        for x, name in zip(self.inputs, names, strict=True):
            place[x] = program.input(name)
        for x, name in zip(self.outside, parameter_names, strict=True):
            place[x] = program.parameter(name)
        for node in self.nodes:
            if node._row is not None and node not in place:
                y = node._y
                if y is not None:
                    operands: tuple[int, ...] = (place[node._x], place[y])
                else:
                    operands = tuple([place[x] for x in node._x])
                place[node] = program.emit(node._row, operands)
            elif node not in place:
                place[node] = program.constant(float(number_in(node)))
        guards: dict[int, Guard] = {}
        for condition, expected, asked in self.guards:
            slot = place[condition]
            if slot not in program.constants:
                guards.setdefault(slot, Guard(slot, expected, asked))
        program.guards = list(guards.values())
        program.outputs = [
            place[x] if isinstance(x, Value) else program.constant(float(x)) for x in self.results
        ]
        return program


@contextmanager
def _recording(recorder: Recorder) -> Iterator[None]:
    thread = get_ident()
    if thread in recorders:
        raise RecordingError("a compiled function is recorded while another one is")
    recorders[thread] = recorder
    try:
        yield
    finally:
        del recorders[thread]


@contextmanager
def _lent(values: Sequence[Value]) -> Iterator[None]:
    """These leaves are Recorded meanwhile. Numbers and gradients in them stay where they are."""
    already = len(_lent_now)
    try:
        for value in values:
            _lent_now.append((value, value.__class__))
            try:
                value.__class__ = Recorded
            except TypeError:
                kind = type(value).__name__
                raise RecordingError(
                    f"a parameter of the class {kind} cannot be followed while a function is "
                    "recorded: only a Value itself can"
                ) from None
        yield
    finally:
        _give_back(already)


def _give_back(to: int = 0) -> None:
    while len(_lent_now) > to:
        value, cls = _lent_now.pop()
        value.__class__ = cls


def _forget_recordings() -> None:
    """In a child process: the thread that was recording, and would give back, is not here."""
    global _ONE_AT_A_TIME
    _ONE_AT_A_TIME = RLock()
    recorders.clear()
    _give_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_recordings)


def _drawn() -> list[Any]:
    """How far the generators are that everybody shares: that of `random`, and that of NumPy."""
    states: list[Any] = [random.getstate()]
    if numpy_random := sys.modules.get("numpy.random"):
        state = numpy_random.get_state(legacy=True)
        if isinstance(state, tuple):  # of the generator that is used unless someone sets another
            states += [state[1].tobytes(), state[2]]
    return states


def _told(f: Callable[..., Any], arguments: Sequence[Any]) -> str:
    """What the reader of an error in `f` should know."""
    given = [
        f"a list of {len(x)}" if isinstance(x, list)
        else "one number" if isinstance(x, Value)
        else type(x).__name__
        for x in arguments
    ]  # fmt: skip
    return (
        f"(while {_name(f)} was recorded for one sample, with {', '.join(given) or 'nothing'} as "
        "its arguments: the first axis of what is given counts samples, and one sample alone is "
        "[x]. sg.take picks from a list by a value, sg.where chooses by one)"
    )


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)
