"""The programs that an export consists of: for each branch its values, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

from scalargrad.core.numbers import is_number
from scalargrad.core.primitives import where
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.export.recorded import Branch, Kind, Recorded
from scalargrad.replay.fusion import fused, simplified
from scalargrad.replay.partials import partials_of
from scalargrad.replay.program import Program, all_finite
from scalargrad.replay.reference import can_fail
from scalargrad.replay.watch import watched
from scalargrad.transforms.tree import skeleton

__all__ = ["Derived", "derive"]


@dataclass(frozen=True)
class Derived:
    """The programs of one branch; each has the outputs listed here, then the conditions.

    Attributes:
        values: Its outputs are the numbers of the result.
        gradient: The sum of the result over the samples, and its derivatives by the parameters,
            or without parameters by the inputs. None if the result is not one number.
        careful: The same where nothing flows on from what was not used; None where that cannot
            make a difference that is finite.
        guards: For each guard whether its slot must be other than 0; their slots follow the
            outputs. Last comes the slot that is nan where an operation fails, if there is one.
        watches: Whether there is one.
        primal: How many of the first slots of `gradient` belong to the value.
    """

    values: Program
    gradient: Program | None
    careful: Program | None
    guards: list[tuple[bool, str]]
    watches: bool
    primal: int


def derive(recorded: Recorded, kind: Kind, caller: str) -> list[Derived]:
    """The programs of all branches.

    Raises:
        ValueError: A branch catches an error, or the branches return results of different forms.
    """
    forms = {repr(skeleton(branch.out)) for branch in kind.branches}
    if len(forms) > 1:
        raise ValueError(
            f"{caller}: {recorded.name} returns results of different forms, {' and '.join(forms)}: "
            "an export has one form of result"
        )
    derived = [
        _derived(recorded, branch) for branch in kind.branches if branch.failure is None
    ]  # one that failed for good has no results
    for branch in kind.branches:
        for slot, error in branch.literal.raised.items():
            raise ValueError(
                f"{caller}: {recorded.name} catches the {error.__name__} of "
                f"{branch.literal.line(slot)}, which no other language raises there: decide by a "
                "comparison instead (`if x > 0`, or sg.where), or keep the program as JSON"
            )
    return derived


def _derived(recorded: Recorded, branch: Branch) -> Derived:
    watching = branch.literal.copy()
    for slot, value in zip(watching.parameters, branch.values, strict=True):
        if value >= recorded.params:  # other Values are constants of an export
            watching.constants[slot] = recorded.numbers[value]
    del watching.parameters[recorded.params :]
    watched(watching, near=False)
    program = fused(simplified(watching))
    guards = [(guard.expected, guard.where) for guard in program.guards]
    conditions = program.conditions()
    watches = program.watch is not None
    program.guards, program.watch, program.literal = [], None, False
    gradient = careful = None
    if is_number(branch.out):
        wrt = program.parameters if recorded.params else program.inputs
        gradient = with_adjoints(program.copy(), wrt, careful=False)
        careful = with_adjoints(program.copy(), wrt, careful=True)
        if not (_choices(careful) > _choices(gradient) and _risky(program)):
            careful = None
    for extended in (program, gradient, careful):
        if extended is not None:
            extended.outputs = [*extended.outputs, *conditions]
    return Derived(program, gradient, careful, guards, watches, len(program.rows))


def _choices(program: Program) -> int:
    """How many choices the derivatives of a program need."""
    used = program.used(program.outputs)
    return sum([row is where and used[slot] for slot, row in enumerate(program.rows)])


def _risky(program: Program) -> bool:
    """Whether an operation or its slope may be nan or infinite where no result needs it."""
    kinds = {
        (row, len(operands))
        for row, operands in zip(program.rows, program.operands, strict=True)
        if row is not None and row is not all_finite
    }
    return any(
        can_fail(row) or partials_of(row, count, full=True).may_be_infinite for row, count in kinds
    )
