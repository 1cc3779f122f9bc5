"""One recording of a function: its program, what follows from it, and the backends that run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.rows import is_number
from scalargrad.core.value import Value
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.arrays import all_finite, array, filled, truths_hold
from scalargrad.replay.backends import Backend, backend_class
from scalargrad.replay.batch import Batch
from scalargrad.replay.fusion import fused
from scalargrad.replay.nonfinite import blame, guilty_sample
from scalargrad.replay.program import SAMPLE, Program
from scalargrad.replay.record import recorded
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.tree import refilled, skeleton

__all__ = ["Samples", "Variant"]


class Samples:
    """Some of the samples of a batch: those that go through one recording; None means all."""

    def __init__(self, batch: Batch, places: list[int] | None) -> None:
        self.batch, self.places = batch, places
        self.count = batch.count if places is None else len(places)
        self.columns = batch.columns if places is None else batch.chosen(places)


class Variant:
    """A function as it is for samples of one shape that take the same branches.

    Args:
        f: the function of one sample.
        params: the Values it is differentiated by; none means by its arguments.
        backend: the name of the backend to use.
        batch, index: the sample to record with.
        theta: the numbers to take for the parameters; None means those in them.

    Programs for a purpose are made when it first comes up: "values", "guards", "gradient", and
    "careful", the gradient in which a zero stops at an infinite slope.
    """

    def __init__(
        self, f: Callable[..., Any], params: Sequence[Value], backend: str,
        batch: Batch, index: int, theta: Sequence[float] | None,
    ) -> None:  # fmt: skip
        self.f, self.by_parameters, self.backend = f, bool(params), backend
        with collector_paused():  # half of the time else, with 100,000 instructions
            inputs = batch.number_names()
            recording = recorded(f, lambda fresh: batch.sample(index, fresh), params, theta, inputs)
            names = [p.label or f"p{i}" for i, p in enumerate(recording.outside)]
            self.program = fused(recording.program(inputs, names))
        self.params = list(params)
        self.found = recording.outside[len(params) :]  # other Values that `f` uses
        self.form = repr(skeleton(recording.out))  # as text, since the order of a dict counts
        self.out = refilled(recording.out, [0.0] * len(recording.results))  # without its graph
        self.alone = is_number(recording.out)
        self.careful = False  # whether an infinite slope has met a zero before
        self._ready: dict[str, tuple[Program, Backend]] = {}

    def fits(self, samples: Samples, theta: Sequence[float] | None, threads: int) -> list[bool]:
        """Which of the samples take the branches of this recording."""
        if not self.program.guards:
            return [True] * samples.count
        rows = self._run("guards", samples, theta, threads)
        # A comparison of what is not finite is no answer: such a sample is recorded alone, where an
        # operation that is not defined fails as it does eagerly.
        guards = self.program.guards
        finite, truths = rows[len(guards) :], rows[: len(guards)]
        return truths_hold(truths, [guard.expected for guard in guards], finite)

    def values(self, samples: Samples, threads: int, allow_nonfinite: bool) -> list[Any]:
        """The numbers of the result in a row, one array over the samples for each."""
        rows = self._run("values", samples, None, threads)
        if not allow_nonfinite and not all(map(all_finite, rows)):
            self._blame("values", samples, None)
        return rows

    def value_and_grad(
        self, samples: Samples, theta: Sequence[float] | None, threads: int, allow_nonfinite: bool
    ) -> tuple[float, Any]:
        """The sum over the samples; its derivatives by the parameters, or a row for each input."""
        for purpose in ("careful",) if self.careful else ("gradient", "careful"):
            if self.by_parameters:  # one array, whose numbers need not be looked at one by one
                (uniform, _), rows = self._replay(purpose, samples, theta, threads), []
            else:
                total, *rows = self._run(purpose, samples, theta, threads)
                uniform = array([total[0]])
            if all_finite(uniform) and all(map(all_finite, rows)):
                self.careful = purpose == "careful"
                break
        else:
            if not allow_nonfinite:
                self._blame("careful", samples, theta)
        return float(uniform[0]), array(uniform[1:]) if self.by_parameters else rows

    def _run(
        self, purpose: str, samples: Samples, theta: Sequence[float] | None, threads: int
    ) -> list[Any]:
        """The outputs of a program in a row, each for all samples."""
        uniform, rows = self._replay(purpose, samples, theta, threads)
        same, apart = iter(uniform), iter(rows)
        program, _ = self._for(purpose)
        phases = program.phases
        return [
            next(apart) if phases[slot] == SAMPLE else filled(samples.count, float(next(same)))
            for slot in program.outputs
        ]

    def _replay(
        self, purpose: str, samples: Samples, theta: Sequence[float] | None, threads: int
    ) -> tuple[Any, Any]:
        """What the backend gives: the outputs that are one number, and those of each sample."""
        _, backend = self._for(purpose)
        return backend.run(self._outside(theta), samples.columns, threads)

    def _outside(self, theta: Sequence[float] | None) -> Any:
        """The numbers of the program's parameters as they are now."""
        if theta is not None and not self.found:
            return theta
        given = [p.data for p in self.params] if theta is None else list(theta)
        return array(given + [x.data for x in self.found])

    def _for(self, purpose: str) -> tuple[Program, Backend]:
        if purpose not in self._ready:
            with collector_paused():
                program = self._program_for(purpose)
                self._ready[purpose] = program, backend_class(self.backend)(program)
        return self._ready[purpose]

    def _program_for(self, purpose: str) -> Program:
        program = self.program.copy()
        if purpose == "guards":
            program.outputs = _looked_at(program)
        program.guards = []
        if purpose in ("values", "guards"):
            return program
        if not self.alone:
            raise TypeError(
                "value_and_grad needs a function that returns one number, got "
                f"{type(self.out).__name__}: call it as it is for its values"
            )
        wrt = program.parameters[: len(self.params)] if self.by_parameters else program.inputs
        return with_adjoints(program, wrt, careful=purpose == "careful")

    def _blame(self, purpose: str, samples: Samples, theta: Sequence[float] | None) -> None:
        """Raise the error that says where a nan or an infinity came from."""
        (program, _), batch = self._for(purpose), samples.batch
        places = range(samples.count) if samples.places is None else samples.places

        def is_bad(first: int, end: int) -> bool:
            part = Samples(batch, list(places[first:end]))
            uniform, rows = self._replay(purpose, part, theta, 1)
            return not (all_finite(uniform) and all(map(all_finite, rows)))

        found = guilty_sample(samples.count, is_bad)
        place = places[found or 0]
        sample = [float(column[place]) for column in batch.columns]
        which = "" if batch.single else f"sample {place}: "
        error = blame(program, self._outside(theta), sample, which, len(self.program.rows))
        cause = None
        try:  # run on numbers, the function may fail in the very line of the user's
            if theta is None:
                self.f(*batch.sample(place, Value))
        except Exception as failed:
            cause = failed
        raise error from cause


def _looked_at(program: Program) -> list[int]:
    """The conditions of the guards, and then what is compared in them."""
    conditions = [guard.slot for guard in program.guards]
    compared = {
        operand: None
        for slot in conditions
        for operand in program.operands[slot]
        if operand not in program.constants
    }
    return [*conditions, *compared]
