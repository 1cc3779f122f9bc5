"""One recording of a function: its program, the programs derived from it, and their runners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scalargrad.core.numbers import is_number
from scalargrad.core.value import Value, data_of, packed_data
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.arrays import all_finite, array, filled, truths_hold
from scalargrad.replay.backends.backend import Backend, Options, Runner
from scalargrad.replay.batch import Batch
from scalargrad.replay.fusion import fused
from scalargrad.replay.nonfinite import nonfinite_error, nonfinite_sample
from scalargrad.replay.program import SAMPLE, Program
from scalargrad.replay.record import record
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.tree import refilled, skeleton

__all__ = ["Samples", "Variant"]


class Samples:
    """The samples of a batch that go through one recording; `indices` None means all of them."""

    def __init__(self, batch: Batch, indices: list[int] | None) -> None:
        self.batch, self.indices = batch, indices
        self.count = batch.count if indices is None else len(indices)
        self.columns = batch.columns if indices is None else batch.chosen(indices)


class Variant:
    """A recording of a function: valid for samples of one shape that take the same branches.

    Programs are derived from the recorded one on first use: "values"; "guards"; "gradient"; and
    "careful", the gradient in which a zero stops at an infinite slope.

    Args:
        f: The function of one sample.
        params: The Values to differentiate by; if there are none, the arguments are.
        backend: What runs the programs.
        options: The settings of these runs.
        batch, index: The sample to record with.
        theta: The numbers to use for the parameters; None uses those in them.
    """

    def __init__(
        self, f: Callable[..., Any], params: Sequence[Value], backend: Backend, options: Options,
        batch: Batch, index: int, theta: Sequence[float] | None,
    ) -> None:  # fmt: skip
        self.f, self.by_parameters = f, bool(params)
        self.backend, self.options = backend, options
        with collector_paused():  # half of the time else, with 100,000 instructions
            inputs = batch.number_names()
            recording = record(f, lambda fresh: batch.sample(index, fresh), params, theta, inputs)
            names = [p.label or f"p{i}" for i, p in enumerate(recording.outside)]
            self.program = fused(recording.program(inputs, names))
        self.params = list(params)
        self.found = recording.outside[len(params) :]  # other Values that `f` uses
        self.form = repr(skeleton(recording.out))  # a text, because the order of a dict matters
        self.out = refilled(recording.out, [0.0] * len(recording.results))  # without its graph
        self.alone = is_number(recording.out)
        self.careful = False  # whether an infinite slope has met a zero before
        self._ready: dict[str, tuple[Program, Runner]] = {}

    def fits(self, samples: Samples, theta: Sequence[float] | None) -> list[bool]:
        """For each sample, whether it takes the branches of this recording."""
        if not self.program.guards:
            return [True] * samples.count
        rows = self._run("guards", samples, theta)
        # A comparison with nan or infinity decides nothing: such a sample is recorded by itself,
        # where an operation outside its domain fails as it does eagerly.
        guards = self.program.guards
        finite, truths = rows[len(guards) :], rows[: len(guards)]
        return truths_hold(truths, [guard.expected for guard in guards], finite)

    def values(self, samples: Samples, allow_nonfinite: bool) -> list[Any]:
        """One array over the samples for each number of the result."""
        rows = self._run("values", samples, None)
        if not allow_nonfinite and not all(map(all_finite, rows)):
            self._blame("values", samples, None)
        return rows

    def value_and_grad(
        self, samples: Samples, theta: Sequence[float] | None, allow_nonfinite: bool
    ) -> tuple[float, Any]:
        """The sum over the samples, and its derivatives: by the parameters, or a row per input."""
        for purpose in ("careful",) if self.careful else ("gradient", "careful"):
            if self.by_parameters:  # one array, checked as a whole
                (uniform, _), rows = self._replay(purpose, samples, theta), []
            else:
                total, *rows = self._run(purpose, samples, theta)
                uniform = array([total[0]])
            if all_finite(uniform) and all(map(all_finite, rows)):
                self.careful = purpose == "careful"
                break
        else:
            if not allow_nonfinite:
                self._blame("careful", samples, theta)
        return float(uniform[0]), array(uniform[1:]) if self.by_parameters else rows

    def _run(self, purpose: str, samples: Samples, theta: Sequence[float] | None) -> list[Any]:
        """One array over the samples for each output of a program."""
        uniform, rows = self._replay(purpose, samples, theta)
        same, apart = iter(uniform), iter(rows)
        program, _ = self._for(purpose)
        phases = program.phases
        return [
            next(apart) if phases[slot] == SAMPLE else filled(samples.count, float(next(same)))
            for slot in program.outputs
        ]

    def _replay(
        self, purpose: str, samples: Samples, theta: Sequence[float] | None
    ) -> tuple[Any, Any]:
        """The outputs that are one number, and those with one number for each sample."""
        _, runner = self._for(purpose)
        return runner.run(self._outside(theta), samples.columns, self.options)

    def _outside(self, theta: Sequence[float] | None) -> Any:
        """The current numbers of the program's parameters."""
        if theta is not None and not self.found:
            return theta
        if theta is None:
            return array(packed_data([*self.params, *self.found]))
        return array([*theta, *data_of(self.found)])

    def _for(self, purpose: str) -> tuple[Program, Runner]:
        if purpose not in self._ready:
            with collector_paused():
                program = self._program_for(purpose)
                self._ready[purpose] = program, self.backend.prepare(program)
        return self._ready[purpose]

    def gradient_program(self) -> Program:
        """The program that computes the value and its derivatives."""
        return self._for("gradient")[0]

    def _program_for(self, purpose: str) -> Program:
        program = self.program.copy()
        if purpose == "guards":
            program.outputs = _compared(program)
        program.guards = []
        if purpose in ("values", "guards"):
            return program
        if not self.alone:
            raise TypeError(
                "value_and_grad needs a function that returns one number, got "
                f"{type(self.out).__name__}: call the compiled function itself for its values"
            )
        wrt = program.parameters[: len(self.params)] if self.by_parameters else program.inputs
        return with_adjoints(program, wrt, careful=purpose == "careful")

    def _blame(self, purpose: str, samples: Samples, theta: Sequence[float] | None) -> None:
        """Raise the error that says where a nan or an infinity came from."""
        (program, _), batch = self._for(purpose), samples.batch
        indices = range(samples.count) if samples.indices is None else samples.indices

        def is_bad(first: int, end: int) -> bool:
            part = Samples(batch, list(indices[first:end]))
            uniform, rows = self._replay(purpose, part, theta)
            return not (all_finite(uniform) and all(map(all_finite, rows)))

        found = nonfinite_sample(samples.count, is_bad)
        index = indices[found or 0]
        sample = [float(column[index]) for column in batch.columns]
        prefix = "" if batch.single else f"sample {index}: "
        error = nonfinite_error(
            program, self._outside(theta), sample, prefix, len(self.program.rows)
        )
        cause = None
        try:  # on plain numbers the function may fail, and the error shows the user's own line
            if theta is None:
                self.f(*batch.sample(index, Value))
        except Exception as failed:
            cause = failed
        raise error from cause


def _compared(program: Program) -> list[int]:
    """The conditions of the guards, then the operands of those conditions."""
    conditions = [guard.slot for guard in program.guards]
    operands = {
        operand: None
        for slot in conditions
        for operand in program.operands[slot]
        if operand not in program.constants
    }
    return [*conditions, *operands]
