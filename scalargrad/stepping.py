"""How `fit` computes a step: sample by sample in Python, or replayed for all samples at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import isfinite
from typing import Any

from scalargrad.collector import collector_paused
from scalargrad.engine import Value, no_grad
from scalargrad.nesting import nested
from scalargrad.replay.arrays import all_finite, array_library, floats
from scalargrad.replay.backends import BACKENDS
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.record import RecordingError
from scalargrad.replay.separable import reduction_of

__all__ = ["Eager", "Loss", "Replayed", "stepping"]

Loss = Callable[[Sequence[Any], Sequence[Any]], Any]
Model = Callable[[Any], Any]
Data = Sequence[Any]

# Instructions times samples times epochs from which on replay is worth its start: numba takes a
# second to import, in which eager code does about a million operations.
_WORTHWHILE = 3e6
_MOST_BRANCHES = 16  # recordings; a model that branches more often is computed sample by sample


class Eager:
    """Every sample runs through Python, and the graph of the batch is differentiated."""

    name = "eager"

    def __init__(self, model: Model, loss: Loss, params: Sequence[Value]) -> None:
        self.model, self.loss, self.params = model, loss, params

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """The loss of a batch, whose derivatives are left in the parameters' `grad`."""
        # Between the steps it may run, so that what other code left behind is not kept to the end.
        with collector_paused():
            value = self._loss_of([X[i] for i in batch], [Y[i] for i in batch])
            number = _number(value)
            for p in self.params:
                p.grad = 0.0
            value.backward()
            del value  # the graph is freed here, by reference count
        return number

    def validate(self, X: Data, Y: Data) -> float:
        """The loss of a set that is not learnt from."""
        with no_grad():
            return _number(self._loss_of(X, Y))

    def _loss_of(self, X: Data, Y: Data) -> Any:
        return self.loss([self.model(x) for x in X], list(Y))


class Replayed:
    """The loss of one sample is recorded, and replayed for all.

    Where that fails on some batch, be it a number that is not finite or a model that branches too
    often, `Eager` does it in its place: the results and errors are those that it would give.
    """

    def __init__(
        self, model: Model, loss: Loss, params: Sequence[Value], backend: str, reduce: str
    ) -> None:
        def loss_of_one(x: Any, y: Any) -> Any:
            return loss([model(x)], [y])

        self.compiled = Compiled(loss_of_one, params, backend, reduce, allow_nonfinite=True)
        self.eager = Eager(model, loss, params)
        self.params, self.branches_too_often = params, False
        self._arrays: dict[int, tuple[Data, Any]] = {}

    @property
    def name(self) -> str:
        return self.eager.name if self.branches_too_often else self.compiled.backend

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """As that of `Eager`."""
        if not self.branches_too_often:
            places = list(batch)
            given = self._array(X)[places], self._array(Y)[places]
            value, gradient = self.compiled.value_and_grad(*given)
            self.branches_too_often = self.compiled.recordings > _MOST_BRANCHES
            if isfinite(value) and all_finite(gradient):
                for p, g in zip(self.params, floats(gradient), strict=True):
                    p.grad = g
                return value
        return self.eager.step(X, Y, batch)

    def validate(self, X: Data, Y: Data) -> float:
        """As that of `Eager`."""
        if not self.branches_too_often:
            each = self.compiled(self._array(X), self._array(Y))
            if all_finite(each):
                return float(each.mean() if self.compiled.reduce == "mean" else each.sum())
        return self.eager.validate(X, Y)

    def _array(self, data: Data) -> Any:
        """The data as an array, made once; the data are kept, so that their id stays theirs."""
        if id(data) not in self._arrays:
            np = array_library()
            self._arrays[id(data)] = data, np.asarray(data, dtype=np.float64)
        return self._arrays[id(data)][1]


def stepping(
    model: Model, X: Data, Y: Data, loss: Loss, params: Sequence[Value], epochs: int, backend: str
) -> Eager | Replayed:
    """The way to compute the steps of a training.

    With backend "auto", replay is taken if numba is installed, the work is worth its start, and
    the loss of a batch is known to be the sum or the mean of those of its samples.

    Raises:
        RecordingError, ImportError, ValueError: the `backend` that was asked for by name cannot do
            it; the message says why.
    """
    eager = Eager(model, loss, params)
    auto = backend == "auto"
    samples = len(X) * epochs
    if backend == "eager" or (auto and not _may_be_worthwhile(len(params) * samples)):
        return eager
    drawn = random.getstate()
    try:
        with no_grad():
            some = [nested(_plain, model(X[i % len(X)]), "an output") for i in range(3)]
        reduce = reduction_of(loss, some, [Y[i % len(Y)] for i in range(3)], params)
        if reduce is None:
            raise RecordingError(
                "fit: the loss is neither the sum nor the mean of the losses of single samples"
            )
        replayed = Replayed(model, loss, params, "numba" if auto else backend, reduce)
        replayed.compiled.record(replayed._array(X)[:1], replayed._array(Y)[:1])
    except Exception:  # whatever the model does with numbers that a recording does not have
        if auto:
            return eager
        raise
    finally:
        random.setstate(drawn)  # the training draws as if nothing had been tried
    work = len(replayed.compiled.program) * samples
    return eager if auto and work < _WORTHWHILE else replayed


def _may_be_worthwhile(uses: int) -> bool:
    """Whether to try; `uses` is how often a parameter is used, if each is used once a sample."""
    installed = all(find_spec(library) is not None for library in BACKENDS["numba"][1])
    return installed and uses >= _WORTHWHILE / 10


def _plain(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def _number(value: Any) -> float:
    if not isinstance(value, Value):
        got = type(value).__name__
        raise TypeError(f"fit: the loss must be one Value, got {got}: {value!r:.60}")
    return value.data
