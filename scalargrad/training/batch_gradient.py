"""The loss and gradient of a batch: sample by sample in Python, or replayed for all at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import isclose, isfinite
from typing import Any, Protocol

from scalargrad.core.modes import no_grad
from scalargrad.core.value import Value, clear_grads, set_grads
from scalargrad.replay.arrays import all_finite, array_library, floats
from scalargrad.replay.backends import select
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.program import Program
from scalargrad.replay.recorder import RecordingError
from scalargrad.support.collector import collector_paused
from scalargrad.training.loss_reduction import reduction_of
from scalargrad.transforms.tree import nested

__all__ = ["Data", "Eager", "Loss", "Replayed", "batch_gradient"]

Loss = Callable[[Sequence[Any], Sequence[Any]], Any]
Model = Callable[[Any], Any]


class Data(Protocol):
    """Samples: a list, an array, or anything else with a length and an index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


# Instructions times samples times epochs from which on replay pays for its start: numba takes half
# a second to import, and eager code 2 to 3 us for an instruction, many of which are whole `dot`s.
_WORTHWHILE = 6e5
# Errors of a model that does something with its numbers that a recording cannot do.
_REFUSALS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_FIRST = 1000  # samples of the first batch to evaluate eagerly too
_CHECKED = 16  # samples to evaluate eagerly too in epochs 1, 2, 4, 8 ...
_MAX_BRANCHES = 16  # recordings; a model that branches more often runs eagerly


class Eager:
    """Run every sample through Python, and differentiate the graph of the batch.

    Args:
        model: maps one sample to its output.
        loss: maps lists of outputs and targets to one Value.
        params: the leaf Values to differentiate by.
        reason: why the model is not replayed; "" if replay was not tried.
    """

    name = "eager"

    def __init__(
        self, model: Model, loss: Loss, params: Sequence[Value], reason: str = ""
    ) -> None:  # fmt: skip
        self.model, self.loss, self.params, self.reason = model, loss, params, reason

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """Return the loss of a batch, and store its gradient in the parameters' `grad`."""
        # Not for the whole training: the collector must free other code's cycles between steps.
        with collector_paused():
            value = self._loss([X[i] for i in batch], [Y[i] for i in batch])
            number = _number(value)
            clear_grads(self.params)
            value.backward()
            del value  # frees the graph here, by reference count
        return number

    def check(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Do nothing: there is no replay to compare with."""

    def validate(self, X: Data, Y: Data) -> float:
        """Return the loss of a data set, without its gradient."""
        with no_grad():
            return _number(self._loss(X, Y))

    def _loss(self, X: Data, Y: Data) -> Any:
        return self.loss([self.model(X[i]) for i in range(len(X))], [Y[i] for i in range(len(Y))])


class Replayed:
    """Record the loss of one sample, and replay it for all samples of a batch.

    `Eager` takes over for a batch whose result is not finite, and for good once replay fails or the
    model has branched too often. So losses, gradients and errors are those of eager code.

    Args:
        model: maps one sample to its output.
        loss: maps lists of outputs and targets to one Value.
        params: the leaf Values to differentiate by.
        backend: a backend of `sg.compile`.
        reduction: "sum" or "mean", how the loss combines the samples.
    """

    def __init__(
        self, model: Model, loss: Loss, params: Sequence[Value], backend: str, reduction: str
    ) -> None:
        def loss_of_one(x: Any, y: Any) -> Any:
            return loss([model(x)], [y])

        self.compiled = Compiled(loss_of_one, params, backend, reduction, allow_nonfinite=True)
        self.eager = Eager(model, loss, params)
        self.params = params
        self.reduction = reduction
        self.reason = ""  # why replay was given up
        self._arrays: dict[int, tuple[Data, Any]] = {}

    @property
    def name(self) -> str:
        """The backend, or "eager" once replay was given up."""
        return self.eager.name if self.reason else self.compiled.backend

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """Return the loss of a batch, and store its gradient in the parameters' `grad`."""
        result = self._try(lambda: self.compiled.value_and_grad(*self._columns(X, Y, batch)))
        if result is None or not (isfinite(result[0]) and all_finite(result[1])):
            return self.eager.step(X, Y, batch)
        value, gradient = result
        set_grads(self.params, floats(gradient))
        return float(value)

    def check(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Compare some samples with eager code: the model may have changed since its recording."""
        self._try(lambda: self.compare(X, Y, batch[:_CHECKED]))

    def validate(self, X: Data, Y: Data) -> float:
        """Return the loss of a data set, without its gradient."""
        terms = self._try(lambda: self.compiled(self._array(X), self._array(Y)))
        if terms is None or not all_finite(terms):
            return self.eager.validate(X, Y)
        return self._reduce(terms)

    def _reduce(self, terms: Any) -> float:
        return float(terms.mean() if self.reduction == "mean" else terms.sum())

    def _try(self, replay: Callable[[], Any]) -> Any:
        """Return the result of `replay`, or None if it fails now or has failed before."""
        if self.reason:
            return None
        try:
            result = replay()
        except Exception as error:  # an error of the model itself comes up again eagerly
            self.reason = str(error)
            return None
        if self.compiled.recordings > _MAX_BRANCHES:
            self.reason = f"the model branches in more than {_MAX_BRANCHES} ways"
        return result

    def record(self, X: Data, Y: Data) -> Program:
        """Return the program of the first sample.

        Raises:
            RecordingError: recording it again gives another program.
        """
        first = self._columns(X, Y, [0])
        again = [Compiled(self.compiled.f, self.params, self.compiled.backend) for _ in range(2)]
        program, *others = [compiled.record(*first) for compiled in (self.compiled, *again)]
        if any(other != program for other in others):
            raise RecordingError("the model is not the same from one call to the next")
        return program

    def compare(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Compare the loss of a batch with that of eager code.

        Raises:
            RecordingError: they differ.
        """
        eager = self.eager.validate([X[i] for i in batch], [Y[i] for i in batch])
        replayed = self._reduce(self.compiled(*self._columns(X, Y, batch)))
        if isfinite(eager) and not isclose(eager, replayed, rel_tol=1e-9, abs_tol=1e-12):
            raise RecordingError(
                f"the loss of a batch is {replayed!r} by replay, but {eager!r} eagerly: model or "
                "loss do something with plain numbers that a recording does not see"
            )

    def _columns(self, X: Data, Y: Data, batch: Sequence[int]) -> tuple[Any, Any]:
        indices = list(batch)
        return self._array(X)[indices], self._array(Y)[indices]

    def _array(self, data: Data) -> Any:
        """Return the data as an array; it is made once, and keeps the data alive with their id."""
        if id(data) not in self._arrays:
            np = array_library()
            if type(data) not in (list, tuple, np.ndarray):
                kind = type(data).__name__  # its own class may give other numbers on each access
                raise RecordingError(f"replay needs data in a list or an array, got {kind}")
            self._arrays[id(data)] = data, np.asarray(data, dtype=np.float64)
        return self._arrays[id(data)][1]


def batch_gradient(
    model: Model, X: Data, Y: Data, loss: Loss, params: Sequence[Value], epochs: int, backend: str,
    batch_size: int,
) -> Eager | Replayed:  # fmt: skip
    """Choose how to compute the loss and gradient of each batch of a training run.

    With backend "auto", replay is chosen if numba is installed, the work is long enough to pay for
    its start, the loss of a batch is the sum or the mean over its samples, and the first batch has
    the same loss both ways.

    Raises:
        RecordingError: the backend given by name cannot replay this model and loss.
        ImportError: the backend given by name is not installed.
        ValueError: there is no backend of that name.
    """
    eager = Eager(model, loss, params)
    auto = backend == "auto"
    samples = len(X) * epochs
    if backend == "eager" or (auto and not _may_be_worthwhile(len(params) * samples)):
        return eager
    state = random.getstate()
    try:
        with no_grad():
            outputs = [nested(_plain, model(X[i % len(X)]), "an output") for i in range(3)]
        reduction = reduction_of(loss, outputs, [Y[i % len(Y)] for i in range(3)], params)
        if reduction is None:
            raise RecordingError(
                "fit: the loss is neither the sum nor the mean of the losses of single samples"
            )
        replayed = Replayed(model, loss, params, backend, reduction)
        program = replayed.record(X, Y)
        if auto and len(program) * samples < _WORTHWHILE:
            return eager
        replayed.compare(X, Y, range(min(len(X), batch_size, _FIRST)))
    except _REFUSALS as error:
        if not auto:
            raise
        return Eager(model, loss, params, str(error))
    finally:
        random.setstate(state)  # training draws the same numbers as without this attempt
    return replayed


def _may_be_worthwhile(uses: int) -> bool:
    """Whether to try replay, if each parameter is used once a sample and so `uses` times in all."""
    return uses >= _WORTHWHILE / 3 and select("auto").compiles


def _plain(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def _number(value: Any) -> float:
    if not isinstance(value, Value):
        got = type(value).__name__
        raise TypeError(f"fit: the loss must be one Value, got {got}: {value!r:.60}")
    return value.data
