"""How `fit` computes a step: sample by sample in Python, or replayed for all samples at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import isclose, isfinite
from typing import Any, Protocol

from scalargrad.core.modes import no_grad
from scalargrad.core.value import Value
from scalargrad.replay.arrays import all_finite, array_library, floats
from scalargrad.replay.backends import select
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.program import Program
from scalargrad.replay.recorder import RecordingError
from scalargrad.support.collector import collector_paused
from scalargrad.training.separable import reduction_of
from scalargrad.transforms.tree import nested

__all__ = ["Data", "Eager", "Loss", "Replayed", "stepping"]

Loss = Callable[[Sequence[Any], Sequence[Any]], Any]
Model = Callable[[Any], Any]


class Data(Protocol):
    """Samples: a list, an array, or what else can be counted and picked from."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


# Instructions times samples times epochs from which on replay is worth its start: numba takes half
# a second to import, and eager code 2 to 3 us for an instruction, many of which are whole `dot`s.
_WORTHWHILE = 6e5
# What a model may raise that does with numbers what a recording does not have.
_REFUSALS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_FIRST, _COMPARED = 1000, 16  # samples computed eagerly too: at first, in epochs 1, 2, 4, 8 ...
_MOST_BRANCHES = 16  # recordings; a model that branches more often is computed sample by sample


class Eager:
    """Every sample runs through Python, and the graph of the batch is differentiated.

    `reason` is why it is not replayed; "" if nobody tried.
    """

    name = "eager"

    def __init__(
        self, model: Model, loss: Loss, params: Sequence[Value], reason: str = ""
    ) -> None:  # fmt: skip
        self.model, self.loss, self.params, self.reason = model, loss, params, reason

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

    def check(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Nothing to compare with."""

    def validate(self, X: Data, Y: Data) -> float:
        """The loss of a set that is not learnt from."""
        with no_grad():
            return _number(self._loss_of(X, Y))

    def _loss_of(self, X: Data, Y: Data) -> Any:
        return self.loss([self.model(X[i]) for i in range(len(X))], [Y[i] for i in range(len(Y))])


class Replayed:
    """The loss of one sample is recorded, and replayed for all.

    Where a batch has a result that is not finite, `Eager` does it in its place; and from then on,
    if the model branches too often or cannot be replayed after all. So the results and errors are
    those that it would give.
    """

    def __init__(
        self, model: Model, loss: Loss, params: Sequence[Value], backend: str, reduce: str
    ) -> None:
        def loss_of_one(x: Any, y: Any) -> Any:
            return loss([model(x)], [y])

        self.compiled = Compiled(loss_of_one, params, backend, reduce, allow_nonfinite=True)
        self.eager = Eager(model, loss, params)
        self.params = params
        self.reason = ""  # why it is given up
        self._arrays: dict[int, tuple[Data, Any]] = {}

    @property
    def name(self) -> str:
        """What computes: the backend, or "eager" since it was given up."""
        return self.eager.name if self.reason else self.compiled.backend

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """As that of `Eager`."""
        places = list(batch)
        result = self._tried(
            lambda: self.compiled.value_and_grad(self._array(X)[places], self._array(Y)[places])
        )
        if result is None or not (isfinite(result[0]) and all_finite(result[1])):
            return self.eager.step(X, Y, batch)
        value, gradient = result
        for p, g in zip(self.params, floats(gradient), strict=True):
            p.grad = g
        return float(value)

    def check(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Compare some samples with eager code: the model may have changed since."""
        self._tried(lambda: self.agree(X, Y, batch[:_COMPARED]))

    def validate(self, X: Data, Y: Data) -> float:
        """As that of `Eager`."""
        each = self._tried(lambda: self.compiled(self._array(X), self._array(Y)))
        if each is None or not all_finite(each):
            return self.eager.validate(X, Y)
        return self._reduced(each)

    def _reduced(self, each: Any) -> float:
        """The loss of a batch from those of its samples."""
        return float(each.mean() if self.compiled.reduction == "mean" else each.sum())

    def _tried(self, replay: Callable[[], Any]) -> Any:
        """What `replay` gives; None if it fails now, or has failed before."""
        if self.reason:
            return None
        try:
            result = replay()
        except Exception as failed:  # if it is the model's own error, it comes up again eagerly
            self.reason = str(failed)
            return None
        if self.compiled.recordings > _MOST_BRANCHES:
            self.reason = f"the model branches in more than {_MOST_BRANCHES} ways"
        return result

    def recorded(self, X: Data, Y: Data) -> Program:
        """The program of the first sample; a RecordingError if it is another one each time."""
        first = self._array(X)[:1], self._array(Y)[:1]
        again = [Compiled(self.compiled.f, self.params, self.compiled.backend) for _ in range(2)]
        program, *others = [compiled.record(*first) for compiled in (self.compiled, *again)]
        if any(other != program for other in others):
            raise RecordingError("the model is not the same from one call to the next")
        return program

    def agree(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Raise a RecordingError if the batch has another loss eagerly than by replay."""
        places = list(batch)
        some = [X[i] for i in places], [Y[i] for i in places]
        eager = self.eager.validate(*some)
        replayed = self._reduced(self.compiled(self._array(X)[places], self._array(Y)[places]))
        if isfinite(eager) and not isclose(eager, replayed, rel_tol=1e-9, abs_tol=1e-12):
            raise RecordingError(
                f"the loss of a batch is {replayed!r} by replay, but {eager!r} eagerly: model or "
                "loss do something with plain numbers that a recording does not see"
            )

    def _array(self, data: Data) -> Any:
        """The data as an array, made once; the data are kept, so that their id stays theirs."""
        if id(data) not in self._arrays:
            np = array_library()
            if type(data) not in (list, tuple, np.ndarray):
                kind = type(data).__name__  # which may give other numbers each time it is asked
                raise RecordingError(f"the data are no list or array, but of the class {kind}")
            self._arrays[id(data)] = data, np.asarray(data, dtype=np.float64)
        return self._arrays[id(data)][1]


def stepping(
    model: Model, X: Data, Y: Data, loss: Loss, params: Sequence[Value], epochs: int, backend: str,
    batch_size: int,
) -> Eager | Replayed:  # fmt: skip
    """The way to compute the steps of a training.

    With backend "auto", replay is taken if numba is installed, the work is worth its start, the
    loss of a batch is known to be the sum or the mean of those of its samples, and the first batch
    has the same loss both ways.

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
        replayed = Replayed(model, loss, params, backend, reduce)
        program = replayed.recorded(X, Y)
        if auto and len(program) * samples < _WORTHWHILE:
            return eager
        replayed.agree(X, Y, range(min(len(X), batch_size, _FIRST)))
    except _REFUSALS as refused:
        if not auto:
            raise
        return Eager(model, loss, params, str(refused))
    finally:
        random.setstate(drawn)  # the training draws as if nothing had been tried
    return replayed


def _may_be_worthwhile(uses: int) -> bool:
    """Whether to try; `uses` is how often a parameter is used, if each is used once a sample."""
    return uses >= _WORTHWHILE / 3 and select("auto").compiles


def _plain(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def _number(value: Any) -> float:
    if not isinstance(value, Value):
        got = type(value).__name__
        raise TypeError(f"fit: the loss must be one Value, got {got}: {value!r:.60}")
    return value.data
