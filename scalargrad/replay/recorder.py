"""The recorder: turns the operations of one run of a function into nodes that can be replayed.

Whatever Python reads from a value during the run would be frozen into the program. So reading is
refused, comparisons become nodes, and where Python asks for their truth, a guard is left. The
recorder belongs to the context of the run; other threads compute with the same Values as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import nan
from types import CodeType, FrameType
from typing import Any, NoReturn

from scalargrad.core.lines import calling_frame, is_own
from scalargrad.core.modes import builds
from scalargrad.core.node import CONSTANT, Leaf, constant, owner_of, without_partials
from scalargrad.core.operators import is_inverted, is_truth
from scalargrad.core.primitives import less, maximum, minimum, stopped, where
from scalargrad.core.rows import Primitive
from scalargrad.core.value import Value
from scalargrad.replay.partials import partials_of
from scalargrad.replay.reference import FAULTS, can_fail, value_of

__all__ = ["INPUT", "Recorder", "RecordingError"]

INPUT = Leaf("INPUT")  # stands for a number of the sample

_ADVICE = {
    "reads .data of": "compute with the value itself; sg.where chooses by it",
    "sets .data of": "return the new number, and set it outside",
    "reads .grad of": "use sg.grad or sg.value_and_grad inside the function",
    "sets .grad of": "leave gradients to value_and_grad or backward",
    "reads .partials of": "use sg.grad inside the function",
    "calls .backward() of": "use sg.grad inside, or value_and_grad of the whole",
    "formats": "print it after the recording; repr shows its name",
    "looks up by hash": "compare it with ==, or use sg.take to pick from a list by a number",
    "converts to a plain number": "use sg.exp for math.exp, sg.floor for int ...",
}


class RecordingError(TypeError):
    """A function cannot be recorded: it reads what would be frozen into its program."""


class Restart(BaseException):
    """The run has to be repeated, with an error raised where an operation failed."""


class _NoPartials:
    """Stands in place of the partials of a recorded node, which has none."""

    def __iter__(self) -> NoReturn:
        raise RecordingError(
            "a value that was computed while a function was recorded has no partials: there is "
            "nothing to differentiate outside of that function"
        )

    __bool__ = __iter__


class Recorder:
    """Takes over the operations of the context in which a function is recorded.

    Args:
        instead: numbers to use in place of those in some leaves.
        leaves: the leaves created during the run.
    """

    def __init__(
        self, instead: Mapping[Value, float], leaves: set[Value], raising: frozenset[int]
    ) -> None:  # fmt: skip
        self.instead, self.leaves, self.raising = instead, leaves, raising
        self.guards: list[tuple[Any, bool, str]] = []  # a condition, its truth, the line
        # operations that may raise an error; what uses their results, and choices, since it counts
        # whether they are used; those that did raise an error, with it
        self.checked: list[Value] = []
        self.uses: list[Value] = []
        self.raised: dict[Value, Exception] = {}
        self.failed: dict[Value, int] = {}  # those that failed and gave nan, with their position
        self.restart: int | None = None  # the position of one that has to raise its error
        self._risky: set[int] = set()  # ids of what may be nan or infinite where no sample needs it
        self.derived: list[Value] = []  # what derivatives inside the function consist of
        self._deriving = 0
        self.unasked: dict[int, tuple[Value, str]] = {}  # comparisons, by id, with their lines
        self.inverted = False  # whether there is a ~ among them
        self._partials: Any = _NoPartials()

    def recorded(self, value: Value) -> bool:
        """Whether the value is the result of an operation of this run."""
        return owner_of(value) is self._partials

    def apply(self, primitive: Primitive, inputs: Sequence[Any]) -> Any:
        """A new node, computed by `primitive` from `inputs`."""
        name = primitive.name
        operands = tuple([x if isinstance(x, Value) else constant(x, name) for x in inputs])
        if self.unasked:
            self.asked(operands)
        if self.inverted and primitive not in (where, minimum, maximum):
            self._refuse_inverted(operands)
        error: Exception | None = None
        try:
            number = value_of(primitive, [self.number(x) for x in operands])
        except FAULTS as cause:
            number, error = nan, cause
        made = without_partials(primitive, number, operands, self._partials)
        fails = can_fail(primitive)
        if fails or (self._risky and not self._risky.isdisjoint(map(id, operands))):
            self._risky.add(id(made))
        if self._deriving:
            self.derived.append(made)
        else:
            if primitive is less and is_inverted(made):
                self.inverted = True
            if fails:
                self._check(made, error, operands)
            elif primitive is where or id(made) in self._risky:
                self.uses.append(made)
        if primitive is not stopped and not builds():  # no derivative inside no_grad
            return self.apply(stopped, (made,))
        return made

    def compare(self, primitive: Primitive, inputs: Sequence[Any]) -> Any:
        """A comparison as a node, which later code has to ask for its truth or compute with.

        Where the function looks at bools as objects (`is True`, `case True`, `isinstance`), it gets
        a bool, and a guard.
        """
        made = self.apply(primitive, inputs)
        frame = calling_frame()
        if _looks_at_bools(frame):
            return self.decide(made)
        self.unasked[id(made)] = made, _line(frame)
        return made

    def asked(self, values: Iterable[Any]) -> None:
        """Note that comparisons were used as numbers or conditions."""
        for x in values:
            self.unasked.pop(id(x), None)

    def refuse_unasked(self) -> None:
        """Raise the error for a comparison that nothing used: `is`, say, has looked at it."""
        for made, line in self.unasked.values():
            if not made.is_constant:
                raise RecordingError(
                    f"{line} compares values, and nothing asks for the truth of the result. While "
                    "a function is recorded it is no bool, so that `is`, `match` or isinstance "
                    "would see something else: write bool(x > y)"
                )

    def is_constant(self, value: Value) -> bool:
        """Whether the number of a value may be read: it was created in this run, from a number."""
        return value in self.leaves and value._row is not INPUT

    def _check(self, made: Value, error: Exception | None, operands: Sequence[Any]) -> None:
        """Note an operation that may fail; raise its error where an earlier run has shown it."""
        position = len(self.checked)
        self.checked.append(made)
        if error is None:
            return
        if position in self.raising:
            if isinstance(error, IndexError) or made._row.name == "take":
                self.raised[made] = error
            else:
                numbers = [self.number(x) for x in operands]
                self.raised[made] = made._row.domain_error(error, numbers)
            raise self.raised[made] from None
        self.failed[made] = position

    def number(self, x: Value) -> float:
        """The number of a value in the sample that is recorded."""
        if self.instead and not x.parents and x._row is not INPUT:  # only leaves are in there
            return self.instead.get(x, x._data)
        return x._data

    def check_access(self, value: Value, access: str) -> int | None:
        """Refuse what would be frozen into the program; leaves created in the run are constants."""
        if access == "looks up by hash":
            return self._hash(value)
        if self.is_constant(value):
            return None
        raise self._refused(value, access)

    def _hash(self, value: Value) -> int | None:
        """None for the hash of the object; that of a bool for a comparison; else an error.

        A plain number is looked up by its value, a Value by its identity: the recording cannot
        know which of them the function expects. Leaves from outside are no numbers of the sample.
        """
        if value._row is not INPUT and not self.recorded(value):
            return None
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_name in _HASHING:
            frame = frame.f_back
        if is_own(frame):
            return None  # the library itself looks up nodes
        if is_truth(value):
            return hash(self.decide(value))
        raise self._refused(value, "looks up by hash")

    def _refused(self, value: Value, access: str) -> RecordingError:
        name = repr(value.label) if value.label else f"made by {value.op!r}" if value.op else ""
        return RecordingError(
            f"{calling_line()} {access} a value {name or 'without a name'} while it is recorded. "
            f"That would be frozen into the program: {_ADVICE[access]}"
        )

    def decide(self, condition: Value) -> bool:
        """The truth of a value in this sample; a guard holds later samples to it."""
        self.asked((condition,))
        if self.inverted:
            self._refuse_inverted((condition,))
        if self.failed and (position := self._failure(condition)) is not None:
            self.restart = position
            raise Restart
        holds = self.number(condition) != 0.0
        self.guards.append((condition, holds, calling_line()))
        return holds

    def _refuse_inverted(self, values: Iterable[Value]) -> None:
        if any(map(is_inverted, values)):
            raise RecordingError(
                f"{calling_line()} uses ~ of a comparison as a number or for its truth. Eagerly "
                "Python takes it for the whole number -1 or -2, which is true: write `not`, or use "
                "it in sg.where"
            )

    def _failure(self, condition: Value) -> int | None:
        """The position of the first failed operation that a condition depends on, or None."""
        found, seen, stack = None, set(), [condition]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.failed:
                found = min(self.failed[node], found if found is not None else sys.maxsize)
            operands: Sequence[Any] = node.parents
            if node._row is where:
                operands = operands[:2] if self.number(operands[0]) else operands[::2]
            stack += operands
        return found

    def partials(self, node: Value) -> Sequence[Any]:
        """The partials of a node as nodes, the comparisons in them recorded."""
        row, operands = node._row, node.parents
        partials = partials_of(row, len(operands), full=True)

        def number(x: Any) -> float | None:
            return x if isinstance(x, float) else x._data if x._row is CONSTANT else None

        def emit(row: Primitive, xs: tuple[Any, ...]) -> Any:
            try:
                return row(*xs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return nan  # of plain numbers, on a side that is not chosen

        return self._derived(  # type: ignore[no-any-return]
            lambda: partials.inline((*operands, node), emit, float, number)
        )

    def product(self, g: Any, partial: Any) -> Any:
        """An adjoint times a partial."""
        return self._derived(lambda: g * partial)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """A choice inside a derivative."""
        return self._derived(lambda: where(condition, a, b))

    def _derived(self, make: Callable[[], Any]) -> Any:
        self._deriving += 1
        try:
            return make()
        finally:
            self._deriving -= 1

    def may_be_infinite(self, node: Value) -> bool:
        """Whether a node or a partial of it may be nan or infinite where no sample needs it."""
        row = node._row
        return can_fail(row) or partials_of(row, len(node.parents), full=True).may_be_infinite


_HASHING = ("__hash__", "check_access")  # the functions that a look-up by hash goes through


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"


def calling_line() -> str:
    """The line of the user's program that runs: the first one outside of this package."""
    return _line(calling_frame())


def _looks_at_bools(frame: FrameType | None) -> bool:
    """Whether the code that runs, up to this package, looks at bools as objects."""
    while frame is not None and not is_own(frame):
        if _has_bools(frame.f_code):
            return True
        frame = frame.f_back
    return False


@lru_cache(maxsize=1024)
def _has_bools(code: CodeType) -> bool:
    import dis

    before = None
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name == "IS_OP" and isinstance(before, bool):
            return True
        if name == "MATCH_CLASS" and "bool" in code.co_names:
            return True
        before = instruction.argval if name == "LOAD_CONST" else None
    return "bool" in code.co_names and not {"isinstance", "type"}.isdisjoint(code.co_names)
