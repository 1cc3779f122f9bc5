"""One recording of a function: its program, the programs derived from it, and their runners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import nan
from typing import Any

from scalargrad.core.numbers import is_number
from scalargrad.core.value import Value, data_of, packed_data
from scalargrad.replay.adjoints import with_adjoints
from scalargrad.replay.arrays import (
    all_finite,
    all_rows_finite,
    array,
    filled,
    nonfinite,
    scaled,
    truths_hold,
)
from scalargrad.replay.backends.backend import Backend, Options, Runner
from scalargrad.replay.backends.python import PythonRunner
from scalargrad.replay.batch import Batch
from scalargrad.replay.fusion import fused, simplified
from scalargrad.replay.nonfinite import nonfinite_error, nonfinite_sample
from scalargrad.replay.partials import partials_of
from scalargrad.replay.program import SAMPLE, Program, over_samples
from scalargrad.replay.record import record
from scalargrad.replay.reference import Reference, Verdict, can_fail
from scalargrad.replay.watch import watched
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.tree import refilled, skeleton

__all__ = ["Samples", "Variant"]


class Samples:
    """The samples of a batch that go through one recording.

    Args:
        batch: All samples.
        indices: Which of them; None means all.
        exact: Whether the reference computes them: rounding decides something in them, or they are
            not finite for a reason that the fast program does not know.
        undefined: Whether an operation fails in them; then all their results are nan.
    """

    def __init__(
        self, batch: Batch, indices: list[int] | None, exact: bool = False, undefined: bool = False
    ) -> None:
        self.batch, self.indices, self.exact, self.undefined = batch, indices, exact, undefined
        self.count = batch.count if indices is None else len(indices)
        self.columns = batch.columns if indices is None else batch.chosen(indices)

    def at(self, positions: Sequence[int]) -> list[int]:
        """The indices in the batch of the samples at these positions."""
        return list(positions) if self.indices is None else [self.indices[k] for k in positions]

    def without(self, indices: Sequence[int]) -> Samples | None:
        """The other samples; None if there are none."""
        left = sorted({*self.at(range(self.count))}.difference(indices))
        return Samples(self.batch, left, self.exact, self.undefined) if left else None


class Variant:
    """A recording of a function: valid for samples of one shape that take the same branches.

    Programs are derived from the recorded one on first use: "values"; "guards"; "gradient"; and
    "careful", the gradient in which nothing flows on from what was not used. Each exists twice:
    fast, and literal for the samples that the reference computes.

    Args:
        f: The function of one sample.
        params: The Values to differentiate by; if there are none, the arguments are.
        backend: What runs the programs.
        options: The settings of these runs.
        batch, index: The sample to record with.
        theta: The numbers to use for the parameters; None uses those in them.
        allow_undefined: Whether to record a sample, too, on which an operation fails for good.
    """

    def __init__(
        self, f: Callable[..., Any], params: Sequence[Value], backend: Backend, options: Options,
        batch: Batch, index: int, theta: Sequence[float] | None, allow_undefined: bool = False,
    ) -> None:  # fmt: skip
        with collector_paused():  # half of the time else, with 100,000 instructions
            inputs = batch.number_names()
            prefix = "" if batch.single else f"sample {index}: "
            recording = record(
                f, lambda fresh: batch.sample(index, fresh), params, theta, inputs, prefix,
                allow_undefined,
            )  # fmt: skip
            found = recording.outside[len(params) :]
            self._set_up(f, params, found, backend, options, recording.literal, recording.out)
        self.failure = recording.failure  # of the recorded sample, which the function did not catch
        self.hopeless = set() if self.failure is None else {self.failure}  # all that are known

    @classmethod
    def restored(
        cls, f: Callable[..., Any], params: Sequence[Value], found: Sequence[Value],
        backend: Backend, options: Options, literal: Program, out: Any, failure: int | None,
        hopeless: Iterable[int],
    ) -> Variant:  # fmt: skip
        """A variant made of a literal program, which was recorded somewhere else."""
        variant = cls.__new__(cls)
        with collector_paused():
            variant._set_up(f, params, found, backend, options, literal, out)
        variant.failure, variant.hopeless = failure, set(hopeless)
        return variant

    def _set_up(
        self, f: Callable[..., Any], params: Sequence[Value], found: Sequence[Value],
        backend: Backend, options: Options, literal: Program, out: Any,
    ) -> None:  # fmt: skip
        self.f, self.by_parameters = f, bool(params)
        self.backend, self.options = backend, options
        self.literal = literal
        watching = literal.copy()
        watched(watching)
        self.program = fused(simplified(watching))
        self.params, self.found = list(params), list(found)  # `found` are others that `f` uses
        self.form = repr(skeleton(out))  # a text, because the order of a dict matters
        self.out = refilled(out, [0.0] * len(literal.outputs))  # without its graph
        self.alone = is_number(out)
        self.careful = False  # whether the gradient was not finite without care before
        # whether there are samples that only the reference can judge
        self.asks = bool(self.literal.checked) or self.program.watch is not None
        # whether it takes every sample: it has no conditions
        self.takes_all = not self.literal.guards and not self.literal.raised
        self._reference = Reference(self.literal)
        self._ready: dict[tuple[str, bool], tuple[Program, Runner]] = {}

    @property
    def runs_as(self) -> str:
        """The form in which its backend runs it; "" where that has only one, or did not run yet."""
        forms = [getattr(runner, "runs_as", "") for _, runner in [*self._ready.values()]]
        return next(filter(None, forms), "")

    @cached_property
    def digest(self) -> str:
        """A text that equal recordings have in common, in every process."""
        return self.literal.digest()

    def fits(self, samples: Samples, theta: Sequence[float] | None) -> list[bool | None]:
        """For each sample, whether it takes the branches of this recording; None: ask Python."""
        if self.literal.raised:
            return [None] * samples.count
        if not self.program.guards:
            return [True] * samples.count
        rows = self._run("guards", samples, theta)
        guards = self.program.guards
        holds: list[bool | None] = [
            *truths_hold(rows[: len(guards)], [guard.expected for guard in guards])
        ]
        for row in rows[len(guards) :]:
            if not all_finite(row):
                for position in nonfinite([row]):
                    holds[position] = None
        return holds

    def judge(self, batch: Batch, index: int, theta: Sequence[float] | None) -> Verdict:
        """What the reference finds out about a sample."""
        sample = [float(column[index]) for column in batch.columns]
        return self._reference.judge(self._outside(theta), sample)

    def values(self, samples: Samples, allow_nonfinite: bool) -> tuple[Sequence[Any], list[int]]:
        """One array over the samples for each number of the result.

        Also the indices of samples that Python has to look at.
        """
        if samples.undefined:
            return [filled(samples.count, nan) for _ in self.program.outputs], []
        rows = self._run("values", samples, None)
        results = rows[: len(self.program.outputs)]
        if not all_rows_finite(rows):
            if self.asks and not samples.exact:
                return results, samples.at(nonfinite(rows))
            if not allow_nonfinite:
                self._blame("values", samples, None)
        return results, []

    def value_and_grad(
        self, samples: Samples, theta: Sequence[float] | None, allow_nonfinite: bool
    ) -> tuple[float, Any, list[int]]:
        """The sum over the samples, and its derivatives: by the parameters, or a row per input.

        Also the indices of samples that Python has to look at; if there are any, the sums and
        derivatives mean nothing.
        """
        ask = self.asks and not samples.exact
        for purpose in ("careful",) if self.careful else ("gradient", "careful"):
            uniform, rows = self._replay(purpose, samples, theta)
            if all_finite(uniform) and (self.by_parameters or all_rows_finite(rows)):
                if not samples.exact:
                    self.careful = purpose == "careful"
                break
            if ask:
                if suspects := nonfinite(self._run("values", samples, theta)):
                    return 0.0, None, samples.at(suspects)
                ask = False
        else:
            if not allow_nonfinite:
                self._blame("careful", samples, theta)
        value, slopes, count = float(uniform[0]), rows, len(self.program.inputs)
        if self.by_parameters:
            slopes = array(uniform[1 : len(self.params) + 1])
        elif len(rows) < count:  # some are equal for all samples
            slopes = self._by_output(purpose, samples, uniform, rows)[1 : count + 1]
        if not samples.undefined:
            return value, slopes, []
        if self.by_parameters:
            return nan, scaled(slopes, nan), []
        return nan, [scaled(array(row), nan) for row in slopes], []

    def _watches(self, purpose: str, exact: bool) -> bool:
        """Whether a program gives one more output, which is nan where Python has to look."""
        if exact or self.program.watch is None:
            return False
        return purpose == "guards" or not self.program.guards

    def _run(self, purpose: str, samples: Samples, theta: Sequence[float] | None) -> Any:
        """One array over the samples for each output of a program; all in one array or a list."""
        uniform, rows = self._replay(purpose, samples, theta)
        return self._by_output(purpose, samples, uniform, rows) if len(uniform) else rows

    def _by_output(self, purpose: str, samples: Samples, uniform: Any, rows: Any) -> list[Any]:
        """What a run returned, as one array over the samples for each output."""
        same, apart = iter(uniform), iter(rows)
        program, _ = self._for(purpose, samples.exact)
        phases = program.phases
        return [
            next(apart) if phases[slot] == SAMPLE else filled(samples.count, float(next(same)))
            for slot in program.outputs
        ]

    def _replay(
        self, purpose: str, samples: Samples, theta: Sequence[float] | None
    ) -> tuple[Any, Any]:
        """The outputs that are one number, and those with one number for each sample."""
        _, runner = self._for(purpose, samples.exact)
        return runner.run(self._outside(theta), samples.columns, self.options)

    def _outside(self, theta: Sequence[float] | None) -> Any:
        """The current numbers of the program's parameters."""
        if theta is not None and not self.found:
            return theta
        if theta is None:
            return array(packed_data([*self.params, *self.found]))
        return array([*theta, *data_of(self.found)])

    def _for(self, purpose: str, exact: bool = False) -> tuple[Program, Runner]:
        if (purpose, exact) not in self._ready:
            with collector_paused():
                program = self._program_for(purpose, exact)
                runner = PythonRunner(program) if exact else self.backend.prepare(program)
                self._ready[purpose, exact] = program, runner
        return self._ready[purpose, exact]

    def gradient_program(self) -> Program:
        """The program that computes the value and its derivatives."""
        program = self._for("gradient")[0].copy()
        if self._watches("gradient", exact=False):
            program.outputs.pop()
        return program

    def _program_for(self, purpose: str, exact: bool) -> Program:
        program = (self.literal if exact else self.program).copy()
        program.literal = False
        watch = [program.watch] if program.watch is not None else []
        if not self._watches(purpose, exact):
            watch = []
        if purpose == "guards":
            program.outputs = [guard.slot for guard in program.guards]
        program.guards, program.watch = [], None
        if purpose in ("values", "guards"):
            program.outputs += watch
            return program
        self.check_alone()
        wrt = program.parameters[: len(self.params)] if self.by_parameters else program.inputs
        program = with_adjoints(program, wrt, careful=purpose == "careful")
        one = program.constant(1.0)
        program.outputs += [program.emit(over_samples, (slot, one)) for slot in watch]
        return program

    def derived(self, what: str, careful: bool) -> Program:
        """A program of this recording for others to run.

        Args:
            what: "guards", for the conditions and what is watched; or "value" for the sum over the
                samples, "parameters", "inputs" or "all" for its derivatives besides, each with the
                sum of what is watched at the end, which is nan where Python has to look, else 0.
            careful: As in `with_adjoints`.
        """
        if what == "guards":
            return self._program_for("guards", exact=False)
        program = self.program.copy()
        program.literal = False
        watch = [program.watch] if program.watch is not None else []
        if not self._watches(what, exact=False):
            watch = []
        program.guards, program.watch = [], None
        self.check_alone()
        wrt = program.parameters[: len(self.params)] if what in ("parameters", "all") else []
        wrt += program.inputs if what in ("inputs", "all") else []
        program = with_adjoints(program, wrt, careful)
        one = program.constant(1.0)
        program.outputs += [program.emit(over_samples, (slot, one)) for slot in watch]
        return program

    @property
    def careful_may_differ(self) -> bool:
        """Whether the careful derivatives can differ from the plain ones at finite numbers."""
        rows = {row for row in self.program.rows if row is not None}
        if not any(row.may_leave_out(i) for row in rows for i in range(4)):
            return False
        used = {
            (row, len(operands))
            for row, operands in zip(self.program.rows, self.program.operands, strict=True)
            if row is not None
        }
        return any(can_fail(row) or partials_of(row, n, False).may_be_infinite for row, n in used)

    def check_alone(self) -> None:
        """See that the function returns one number, which can be differentiated."""
        if not self.alone:
            raise TypeError(
                "value_and_grad needs a function that returns one number, got "
                f"{type(self.out).__name__}: call the compiled function itself for its values"
            )

    def _blame(self, purpose: str, samples: Samples, theta: Sequence[float] | None) -> None:
        """Raise the error that says where a nan or an infinity came from."""
        (program, _), batch = self._for(purpose, exact=True), samples.batch
        indices = range(samples.count) if samples.indices is None else samples.indices

        def is_bad(first: int, end: int) -> bool:
            part = Samples(batch, list(indices[first:end]), samples.exact)
            uniform, rows = self._replay(purpose, part, theta)
            return not (all_finite(uniform) and all(map(all_finite, rows)))

        found = nonfinite_sample(samples.count, is_bad)
        index = indices[found or 0]
        sample = [float(column[index]) for column in batch.columns]
        prefix = "" if batch.single else f"sample {index}: "
        error = nonfinite_error(
            program, self._outside(theta), sample, prefix, len(self.literal.rows)
        )
        cause = None
        try:  # on plain numbers the function may fail, and the error shows the user's own line
            if theta is None:
                self.f(*batch.sample(index, Value))
        except Exception as failed:
            cause = failed
        raise error from cause
