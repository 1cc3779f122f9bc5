"""Recording: run a function once, and turn what it did with its numbers into a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.modes import Mode, pushed, recorder
from scalargrad.core.node import leaf, owner_of
from scalargrad.core.primitives import take
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.replay.draws import no_draws
from scalargrad.replay.program import BEFORE, Guard, Program
from scalargrad.replay.recorder import INPUT, Recorder, RecordingError, Restart
from scalargrad.replay.reference import Reference, Verdict
from scalargrad.transforms.functional import name_of
from scalargrad.transforms.tree import leaves, nested

__all__ = ["Recording", "record"]


class UndefinedValueError(FloatingPointError, ValueError):
    """An operation of a recorded function is not defined for a sample."""


class UndefinedDivisionError(FloatingPointError, ZeroDivisionError):
    """A recorded function divides by zero for a sample."""


class UndefinedOverflowError(FloatingPointError, OverflowError):
    """An operation of a recorded function overflows for a sample."""


# A result that is not finite is a FloatingPointError; the other class is that of eager code.
_UNDEFINED: dict[type[Exception], type[Exception]] = {
    ValueError: UndefinedValueError,
    ZeroDivisionError: UndefinedDivisionError,
    OverflowError: UndefinedOverflowError,
}


def undefined_error(text: str, cause: BaseException) -> Exception:
    """The error for a sample on which an operation fails, of the type of `cause`.

    It is a FloatingPointError too, like that of a result that is not finite.
    """
    for kind, both in _UNDEFINED.items():
        if isinstance(cause, kind):
            return both(text)
    return type(cause)(text) if isinstance(cause, IndexError) else FloatingPointError(text)


def record(
    f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
    params: Sequence[Value], theta: Sequence[float] | None = None, names: Sequence[str] = (),
    prefix: str = "", allow_undefined: bool = False,
) -> Recording:  # fmt: skip
    """Record `f` by running it once, and again where one run is not enough.

    If it uses leaves that are not in `params`, the second run shows whether a leaf stays the same
    leaf: a function that keeps what it computed in its place cannot be replayed. So does it for
    leaves that it creates: what it finds again in the second run, it has kept.

    If an operation fails that the sample depends on, the next run raises its error there, as eager
    code does, and `try ... except` in the function takes its way. If random numbers were drawn
    meanwhile, by this thread or by another one, further runs show whether the program depends on
    them.

    Args:
        f: The function of one sample.
        args: Returns its arguments, as for `Recording`.
        params: The leaf Values that the caller knows of.
        theta: The numbers to use for `params`; None means those in them.
        names: The names of the numbers in the arguments.
        prefix: The start of the message of such an error, which names the sample.
        allow_undefined: Return the recording in which the operation gave nan, with its `failure`,
            where `f` does not catch the error.
    """
    known, repeated = params, False
    raising: set[int] = set()
    verdict, line = Verdict(True), ""
    complete: Recording | None = None
    while True:
        try:
            recording = Recording(f, args, known, theta, names, frozenset(raising))
        except RecordingError:
            raise
        except Exception as error:
            recorder = getattr(error, "_recorder", None)
            if recorder is None:  # the run itself went well
                raise
            if raising and not recorder.raised:
                text = f"{prefix}{line}{verdict.cause or error}"
                raise undefined_error(text, verdict.cause or error) from error
            if error in recorder.raised.values():
                if allow_undefined and complete is not None:
                    complete.failure = verdict.failure
                    return complete
                raise undefined_error(f"{prefix}{line}{error}", error) from error
            raise
        position = recording.restart
        if position is not None:
            line = ""  # it was that of another operation
        else:
            if len(recording.outside) > len(known) or (recording.created and not repeated):
                known, repeated = recording.outside, True
                continue
            verdict = recording.judge()
            if verdict.failure is None:
                if recording.unclear:
                    fixed = frozenset(raising)
                    again = [Recording(f, args, known, theta, names, fixed) for _ in range(2)]
                    if any(other.restart or other.literal != recording.literal for other in again):
                        raise RecordingError(
                            f"{name_of(f)} is not the same from one call to the next, as if it "
                            "drew random numbers: draw them outside, and pass them as arguments"
                        )
                return recording
            position, complete = verdict.failure, recording
            program = recording.literal
            line = "" if program.rows[verdict.slot] is take else f"{program.line(verdict.slot)}: "
        if position in raising:
            raise RecordingError(f"{name_of(f)} does not do the same when it runs again")
        raising.add(position)


class Recording:
    """One run of a function: its results, its leaves and its guards.

    Args:
        f: the function of one sample.
        args: returns the arguments of `f`; every number in them comes from the function it is
            given, which turns a number into a Value.
        params: the leaf Values that the caller knows of.
        theta: the numbers to use for `params`; None means those in them.
        names: the names of the numbers in the arguments, in their order.
        raising: the positions of operations that raise their errors: among those that may fail,
            counted from the first.

    Attributes:
        outside: `params`, then the other leaves that `f` uses.
        created: whether its results depend on leaves that it created.
        restart: the position of an operation that has to raise its error, in another run: then
            nothing else is known.
        literal: the literal program of the run.
        failure: the position of an operation whose error the function does not catch, or None.
        unclear: whether random numbers were drawn meanwhile, by a thread that is not known.

    Raises:
        RecordingError: `f` reads a number that would be frozen; also whatever `f` itself raises.
    """

    def __init__(
        self, f: Callable[..., Any], args: Callable[[Callable[[float], Value]], Sequence[Any]],
        params: Sequence[Value], theta: Sequence[float] | None = None, names: Sequence[str] = (),
        raising: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        if recorder():
            raise RecordingError("a compiled function is recorded while another one is")
        self.inputs: list[Value] = []
        instead = {} if theta is None else dict(zip(params, map(float, theta), strict=False))
        created: set[Value] = set()
        recording = Recorder(instead, created, raising)
        self.restart: int | None = None
        self.failure: int | None = None

        def fresh(number: float) -> Value:
            self.inputs.append(leaf(number, INPUT))
            return self.inputs[-1]

        mode = Mode(builds=True, recorder=recording, leaves=created)
        with no_draws(name_of(f)) as draws, pushed(mode):
            arguments = args(fresh)
            for x, name in zip(self.inputs, names, strict=False):
                x.label = name
            out = None
            try:
                out = f(*arguments)
            except (Restart, RecordingError):
                if recording.restart is None:
                    raise
            except Exception as error:
                if not recording.failed:
                    if error not in recording.raised.values():
                        error.add_note(_note(f, arguments))
                    error._recorder = recording  # type: ignore[attr-defined]
                    raise
                # eagerly the first operation that failed would have raised its error before
                recording.restart = min(recording.failed.values())
        self.unclear = draws.unclear
        self.restart = recording.restart
        if self.restart is not None:
            return
        result = f"the result of {name_of(f)}"
        # comparisons are numbers here, and bools with them
        self.out = nested(lambda x: x, out, result, fixed=_flag_as_number)
        self.results = leaves(self.out, result)
        recording.asked(self.results)
        recording.refuse_unasked()
        self.guards = recording.guards
        conditions = [condition for condition, _, _ in self.guards]
        outputs = [x for x in (*self.results, *conditions) if isinstance(x, Value)]
        self._recorder = recording
        self.tape = Tape.of([*outputs, *recording.checked, *recording.uses])
        known = {*self.inputs, *params, *created}
        self.outside = list(params)
        self.created = any(node in created for node in self.tape.nodes)
        for node in self.tape.nodes:
            if node.parents:
                if not recording.recorded(node):
                    self._refuse(node, f)
            elif node not in known and not node.is_constant:
                if node._row is INPUT:
                    self._refuse(node, f)
                self.outside.append(node)
        numbered = [f"x{i}" for i in range(len(self.inputs))]
        parameter_names = [x.label or f"p{i}" for i, x in enumerate(self.outside)]
        self.literal = self.program(names or numbered, parameter_names, literal=True)
        self._numbers = [recording.number(x) for x in (*self.outside, *self.inputs)]

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

    def judge(self) -> Verdict:
        """Whether the program holds for the recorded sample itself, or an operation fails in it."""
        count = len(self.outside)
        return Reference(self.literal).judge(self._numbers[:count], self._numbers[count:])

    def unnamed(self) -> Program:
        """The program of the run, its numbers named by their place alone."""
        inputs = [f"x{i}" for i in range(len(self.inputs))]
        return self.program(inputs, [f"p{i}" for i in range(len(self.outside))])

    def program(
        self, names: Sequence[str], parameter_names: Sequence[str], literal: bool = False
    ) -> Program:
        """The program of the run; its outputs are the numbers of the result, flattened."""
        program = Program(literal)
        slots: dict[Value, int] = {}
        for x, name in zip(self.inputs, names, strict=True):
            slots[x] = program.input(name)
        for x, name in zip(self.outside, parameter_names, strict=True):
            slots[x] = program.parameter(name)
        raised = self._recorder.raised
        for node, row in zip(self.tape.nodes, self.tape.rows, strict=True):
            if row is not None:
                operands = tuple([slots[x] for x in node.parents])
                if node in raised:  # apart from equal instructions that succeed
                    phase = max([program.phases[slot] for slot in operands], default=BEFORE)
                    slots[node] = slot = program.append(row, operands, phase)
                    program.raised[slot] = type(raised[node])
                else:
                    slots[node] = program.emit(row, operands)
            elif node not in slots:
                slots[node] = program.constant(node._data)
        program.checked = [slots[x] for x in self._recorder.checked]
        if self._recorder.derived:
            derived = {*self._recorder.derived}
            program.derived = {slots[x] for x in self.tape.nodes if x in derived}
            program.derived.difference_update(slots[x] for x in self.tape.nodes if x not in derived)
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


def _flag_as_number(x: Any) -> Any:
    return x if x is None or isinstance(x, str) else float(x)


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
