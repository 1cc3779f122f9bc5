"""Recording: run a function once, and turn what it did with its numbers into a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.modes import Mode, pushed, recorder
from scalargrad.core.node import leaf, owner_of
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.replay.draws import no_draws
from scalargrad.replay.program import Guard, Program
from scalargrad.replay.recorder import INPUT, Recorder, RecordingError
from scalargrad.transforms.functional import name_of
from scalargrad.transforms.tree import leaves

__all__ = ["Recording", "record"]


def record(
    f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
    params: Sequence[Value], theta: Sequence[float] | None = None, names: Sequence[str] = (),
) -> Recording:  # fmt: skip
    """Run `f` once and record it; twice if it uses leaves that are not in `params`.

    The second run shows whether a leaf stays the same leaf: a function that keeps what it computed
    in its place cannot be replayed. If random numbers were drawn meanwhile, by this thread or by
    another one, further runs show whether the program depends on them. The arguments are those of
    `Recording`.

    Raises:
        RecordingError: `f` cannot be recorded.
    """
    recording = Recording(f, args, params, theta, names)
    if len(recording.outside) > len(params):
        recording = Recording(f, args, recording.outside, theta, names)
    if recording.unclear:
        again = [Recording(f, args, recording.outside, theta, names) for _ in range(2)]
        if any(other.unnamed() != recording.unnamed() for other in again):
            raise RecordingError(
                f"{name_of(f)} is not the same from one call to the next, as if it drew random "
                "numbers: draw them outside, and pass them as arguments"
            )
    return recording


class Recording:
    """One run of a function: its results, its leaves and its guards.

    Args:
        f: the function of one sample.
        args: returns the arguments of `f`; every number in them comes from the function it is
            given, which turns a number into a Value.
        params: the leaf Values that the caller knows of.
        theta: the numbers to use for `params`; None means those in them.
        names: the names of the numbers in the arguments, in their order.

    Attributes:
        outside: `params`, then the other leaves that `f` uses.
        unclear: whether random numbers were drawn meanwhile, by a thread that is not known.

    Raises:
        RecordingError: `f` reads a number that would be frozen; also whatever `f` itself raises.
    """

    def __init__(
        self, f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
        params: Sequence[Value], theta: Sequence[float] | None = None, names: Sequence[str] = (),
    ) -> None:  # fmt: skip
        if recorder():
            raise RecordingError("a compiled function is recorded while another one is")
        self.inputs: list[Value] = []
        instead = {} if theta is None else dict(zip(params, map(float, theta), strict=False))
        created: set[Value] = set()
        recording = Recorder(instead, created)

        def fresh(number: float) -> Value:
            self.inputs.append(leaf(number, INPUT))
            return self.inputs[-1]

        mode = Mode(builds=True, recorder=recording, leaves=created)
        with no_draws(name_of(f)) as draws, pushed(mode):
            arguments = args(fresh)
            for x, name in zip(self.inputs, names, strict=False):
                x.label = name
            try:
                out = f(*arguments)
            except RecordingError:
                raise
            except Exception as error:
                error.add_note(_note(f, arguments))
                raise
        self.unclear = draws.unclear
        self.out = out
        self.results = leaves(out, f"the result of {name_of(f)}")
        self.guards = recording.guards
        conditions = [condition for condition, _, _ in self.guards]
        outputs = [x for x in (*self.results, *conditions) if isinstance(x, Value)]
        self.tape = Tape.of(outputs)
        known = {*self.inputs, *params, *created}
        self.outside = list(params)
        for node in self.tape.nodes:
            if node.parents:
                if not recording.recorded(node):
                    self._refuse(node, f)
            elif node not in known and not node.is_constant:
                if node._row is INPUT:
                    self._refuse(node, f)
                self.outside.append(node)

    def _refuse(self, node: Value, f: Callable[..., Any]) -> None:
        """Raise the error for a value computed before this run: it would not change with it."""
        if node._row is INPUT or owner_of(node) is not None:
            raise RecordingError(
                f"{name_of(f)} uses a value that it kept from an earlier run: what it depends on "
                "must come in as an argument, or be a leaf that it does not change"
            )
        name = repr(node.label) if node.label else f"made by {node.op!r}"
        raise RecordingError(
            f"the function uses a value {name} that was computed outside of it: compute it inside, "
            "or pass it as an argument"
        )

    def unnamed(self) -> Program:
        """The program of the run, its numbers named by their place alone."""
        inputs = [f"x{i}" for i in range(len(self.inputs))]
        return self.program(inputs, [f"p{i}" for i in range(len(self.outside))])

    def program(self, names: Sequence[str], parameter_names: Sequence[str]) -> Program:
        """The program of the run; its outputs are the numbers of the result, flattened."""
        program = Program()
        slots: dict[Value, int] = {}
        for x, name in zip(self.inputs, names, strict=True):
            slots[x] = program.input(name)
        for x, name in zip(self.outside, parameter_names, strict=True):
            slots[x] = program.parameter(name)
        for node, row in zip(self.tape.nodes, self.tape.rows, strict=True):
            if row is not None:
                slots[node] = program.emit(row, tuple([slots[x] for x in node.parents]))
            elif node not in slots:
                slots[node] = program.constant(node._data)
        guards: dict[int, Guard] = {}
        for condition, expected, line in self.guards:
            slot = slots[condition]
            if slot not in program.constants:
                guards.setdefault(slot, Guard(slot, expected, line))
        program.guards = list(guards.values())
        program.outputs = [
            slots[x] if isinstance(x, Value) else program.constant(float(x)) for x in self.results
        ]
        return program


def _note(f: Callable[..., Any], arguments: Sequence[Any]) -> str:
    """The note that explains an error in `f`."""
    given = [
        f"a list of {len(x)}" if isinstance(x, list)
        else "one number" if isinstance(x, Value)
        else type(x).__name__
        for x in arguments
    ]  # fmt: skip
    return (
        f"(while {name_of(f)} was recorded for one sample, with {', '.join(given) or 'nothing'} as "
        "its arguments: the first axis of what is given counts samples, and one sample alone is "
        "[x]. sg.take picks from a list by a value, sg.where chooses by one)"
    )
