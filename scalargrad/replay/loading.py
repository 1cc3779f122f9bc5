"""Compiled functions from JSON: recorded somewhere else, and called as if they were here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.numbers import shown
from scalargrad.core.value import Value
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.export.document import read
from scalargrad.replay.export.recorded import Branch, Kind, Recorded
from scalargrad.replay.recorder import RecordingError
from scalargrad.replay.reference import FAULTS
from scalargrad.replay.variant import Variant
from scalargrad.transforms.tree import leaves, refilled

__all__ = ["from_json"]


def from_json(text: str, backend: str = "auto", *, threads: int | None = None) -> Compiled:
    """A compiled function from the text that `Compiled.to_json` wrote, in this or another process.

    The text may come from a stranger: it is data, no code of it runs, and its sizes are bounded
    before memory is taken. A checksum finds damage, but does not say who wrote it.

    Args:
        text: The text.
        backend: As for `compile`.
        threads: As for `compile`.

    Returns:
        A `Compiled` with new Values as its `params`. It gives the bits of the original on the same
        backend. A sample that takes a branch which was not recorded raises `RecordingError`.

    Raises:
        TypeError: `text` is no text.
        ValueError: `to_json` has not written it, or a newer version of scalargrad has.
        ImportError: The backend needs a library that is not installed.

    >>> w = Value(3.0, "w")
    >>> c = sg.compile(lambda x: w * x**2, params=[w], backend="python")
    >>> twin = sg.from_json(c.to_json(1.0), backend="python")
    >>> twin.value_and_grad([1.0, 2.0])[0], twin.params[0].label
    (7.5, 'w')
    """
    if not isinstance(text, str):
        raise TypeError(f"from_json takes the text that to_json wrote, got {shown(text)}")
    recorded = read(text)
    values = [
        Value(number, label)
        for number, label in zip(recorded.numbers, recorded.labels, strict=True)
    ]
    f = _function(recorded, values)
    static = {i for kind in recorded.kinds for i, a in enumerate(kind.arguments) if a.is_static}
    c = Compiled(
        f, values[: recorded.params] or None, backend, recorded.reduction, sorted(static),
        recorded.allow_nonfinite, threads,
    )  # fmt: skip
    names = {len(kind.arguments): [a.name for a in kind.arguments] for kind in recorded.kinds}
    variants = {
        kind.key: [
            Variant.restored(
                f, c.params, [values[i] for i in branch.values[recorded.params :]], c._backend,
                c.options, branch.literal, branch.out, branch.failure, branch.hopeless,
            )
            for branch in kind.branches
        ]
        for kind in recorded.kinds
    }  # fmt: skip
    c._restore(variants, names)
    return c


def _function(recorded: Recorded, values: Sequence[Value]) -> Callable[..., Any]:
    """The function of one sample that a document describes: it runs the recorded operations.

    It is called on Values inside of other computations, and to find out what an operation raises.
    """
    kinds = recorded.kinds

    def f(*args: Any) -> Any:
        for kind in kinds:
            if kind.fits(args):
                flat = [
                    number
                    for argument, x in zip(kind.arguments, args, strict=True)
                    if not argument.is_static
                    for number in leaves(x, f"argument {argument.name!r}")
                ]
                return _run(recorded, kind, flat, values)
        raise RecordingError(
            f"{recorded.name} comes from JSON and was not recorded for arguments of these shapes: "
            "record them before to_json"
        )

    f.__name__ = f.__qualname__ = recorded.name
    f.__doc__ = "A function that was recorded, written by to_json and read by from_json."
    return f


def _run(recorded: Recorded, kind: Kind, flat: Sequence[Any], values: Sequence[Value]) -> Any:
    """The result on one sample: of the first branch whose conditions hold."""
    failed: Exception | None = None
    for branch in kind.branches:
        try:
            results = _attempt(branch, flat, values)
        except FAULTS as error:
            failed = failed or error
            continue
        if results is not None:
            return refilled(branch.out, results)
    if failed is not None:
        raise failed
    raise RecordingError(
        f"{recorded.name} comes from JSON and was recorded for {len(kind.branches)} way(s) its "
        "comparisons turn out, and this sample takes another: record it before to_json"
    )


def _attempt(branch: Branch, flat: Sequence[Any], values: Sequence[Value]) -> list[Any] | None:
    """The results of a branch; None if a condition of it does not hold."""
    program = branch.literal
    guards = {guard.slot: guard.expected for guard in program.guards}
    results: list[Any] = [None] * len(program.rows)
    for slot, x in program.constants.items():
        results[slot] = x
    for slot, x in zip(program.inputs, flat, strict=True):
        results[slot] = x
    for slot, i in zip(program.parameters, branch.values, strict=True):
        results[slot] = values[i]
    for slot, row in enumerate(program.rows):
        if row is not None:
            operands = [results[operand] for operand in program.operands[slot]]
            try:
                results[slot] = row(*operands)
            except FAULTS as error:
                if type(error) is not program.raised.get(slot):
                    raise
                continue
            if slot in program.raised:
                return None
        if slot in guards and bool(results[slot]) is not guards[slot]:
            return None
    return [results[slot] for slot in program.outputs]
