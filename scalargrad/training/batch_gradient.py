"""The loss and gradient of a batch: sample by sample in Python, or replayed for all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import fsum, isclose, isfinite, isnan, nan
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from scalargrad.core.arguments import as_flag
from scalargrad.core.modes import no_grad
from scalargrad.core.native import NATIVE
from scalargrad.core.numbers import as_float
from scalargrad.core.value import Value, clear_grads, set_grads
from scalargrad.replay.arrays import all_finite, array_library, floats, scaled
from scalargrad.replay.backends import select
from scalargrad.replay.backends.backend import DeviceError
from scalargrad.replay.compiled import Compiled
from scalargrad.replay.program import Program
from scalargrad.replay.recorder import RecordingError
from scalargrad.support.collector import collector_paused
from scalargrad.training.loss_reduction import shares_of
from scalargrad.training.split import Split
from scalargrad.training.state import unchanged
from scalargrad.transforms.tree import nested

__all__ = ["Data", "Eager", "EngineState", "Loss", "Replayed", "batch_gradient"]

Loss = Callable[[Sequence[Any], Sequence[Any]], Any]
Model = Callable[[Any], Any]


class Data(Protocol):
    """Samples: a list, an array, or anything else with a length and an index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


# Instructions times samples times epochs from which on replay pays for its start, half a second to
# import numba. Eager code takes 0.07 us (a sum) to 0.6 us (a `dot` of 64 numbers) for one, 0.2 in
# small networks; with the node of Python 1.8 to 6 us. Replay takes 0.02 us.
_WORTHWHILE = 6e6 if NATIVE else 6e5
_FIRST = 1000  # samples of the first batch to evaluate eagerly too
_CHECKED = 16  # samples to evaluate eagerly too in epochs 1, 2, 4, 8 ...
_MAX_BRANCHES = 16  # recordings; a model that branches more often runs eagerly
_MANY = f"the model branches in more than {_MAX_BRANCHES} ways"


class EngineState(NamedTuple):
    """What a run that is interrupted has to know to compute its further steps to the same bits.

    Args:
        backend: "eager", or the backend that replays.
        reason: why the model is not replayed, if replay was tried.
        shares: the factor of a sum over so many samples.
        care: `Compiled.care`, of all recordings so far.
    """

    backend: str
    reason: str = ""
    shares: Mapping[int, float] = MappingProxyType({})
    care: Mapping[str, bool] = MappingProxyType({})

    @classmethod
    def read(cls, state: dict[str, Any]) -> EngineState:
        """Return the state that JSON has read; errors if JSON cannot have written it."""
        shares = {int(length): as_float(share) for length, share in state["shares"].items()}
        care = {str(digest): as_flag(x, "care") for digest, x in state["care"].items()}
        if type(state["backend"]) is not str or type(state["reason"]) is not str:
            raise TypeError("a backend without a name")
        return cls(state["backend"], state["reason"], shares, care)

    def written(self) -> dict[str, Any]:
        """Return what JSON can write."""
        return self._asdict() | {
            "shares": dict(self.shares),
            "care": dict(sorted(self.care.items())),
        }


class _BranchesError(RecordingError):
    """A model that would be recorded for every few samples: eager code is faster."""


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

    def state(self) -> EngineState:
        """Return what another process has to know to go on."""
        return EngineState(self.name, self.reason)

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

    `Eager` takes over for a batch whose result is not finite, and for good once replay fails, the
    model has branched too often, or a new branch changes the state of the model. So losses,
    gradients, errors and the model's own state are those of eager code.

    Args:
        model: maps one sample to its output.
        loss: maps lists of outputs and targets to one Value.
        params: the leaf Values to differentiate by.
        backend: a backend of `sg.compile`.
        data: the samples and targets, which are no state of the model.
        split: the devices that share the samples, if there are several.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        params: Sequence[Value],
        backend: str,
        data: Sequence[Data],
        split: Split | None = None,
    ) -> None:
        def loss_of_one(x: Any, y: Any) -> Any:
            if self.compiled.recordings >= _MAX_BRANCHES:
                raise _BranchesError(_MANY)
            with self._kept():
                return loss([model(x)], [y])

        self.compiled = Compiled(loss_of_one, params, backend, "sum", allow_nonfinite=True)
        if split is not None:
            self.compiled = self.compiled.shard(split.mesh)
        self.eager = Eager(model, loss, params)
        self.params = params
        self.data = data
        self.shares: dict[int, float] = {}  # the factor of a sum over so many samples
        self.reason = ""  # why replay was given up
        self._watched = False  # whether the state is kept around several runs
        self.earlier = 0  # the branches that a process before has recorded
        self._arrays: dict[int, tuple[Data, Any]] = {}

    @property
    def name(self) -> str:
        """The backend, or "eager" once replay was given up."""
        return self.eager.name if self.reason else self.compiled.backend

    def state(self) -> EngineState:
        """Return what another process has to know to go on."""
        return EngineState(self.name, self.reason, self.shares, self.compiled.care)

    def step(self, X: Data, Y: Data, batch: Sequence[int]) -> float:
        """Return the loss of a batch, and store its gradient in the parameters' `grad`."""
        result = self._try(lambda: self._value_and_grad(X, Y, batch))
        if result is None:
            return self.eager.step(X, Y, batch)
        value, gradient = result
        set_grads(self.params, gradient)
        return float(value)

    def _value_and_grad(
        self, X: Data, Y: Data, batch: Sequence[int]
    ) -> tuple[float, Sequence[float]] | None:
        share = self.shares[len(batch)]
        value, gradient = self.compiled.value_and_grad(*self._columns(X, Y, batch))
        value, gradient = value * share, scaled(gradient, share)
        return (value, floats(gradient)) if isfinite(value) and all_finite(gradient) else None

    def check(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Compare some samples with eager code: the model may have changed since its recording."""
        self._try(lambda: self.compare(X, Y, batch[:_CHECKED]))

    def validate(self, X: Data, Y: Data) -> float:
        """Return the loss of a data set, without its gradient."""
        value = self._try(lambda: self._reduced(self.compiled(self._array(X), self._array(Y))))
        return self.eager.validate(X, Y) if value is None or not isfinite(value) else float(value)

    def _reduced(self, terms: Any) -> float:
        if not all_finite(terms):
            return nan
        return fsum(floats(terms)) * self.shares[len(terms)]

    def _try(self, replay: Callable[[], Any]) -> Any:
        """Return the result of `replay`, or None if it fails now or has failed before."""
        if self.reason:
            return None
        try:
            result = replay()
            many = self.earlier and self.earlier + self.compiled.recordings > _MAX_BRANCHES
            if many and len(self.compiled.care) > _MAX_BRANCHES:  # the same ones once
                raise _BranchesError(_MANY)
            return result
        except DeviceError:  # eager code alone would go another way than other processes
            raise
        except Exception as error:  # an error of the model itself comes up again eagerly
            self.reason = _reason(error)
            return None

    def record(self, X: Data, Y: Data) -> Program:
        """Return the program of the first sample."""
        return self.compiled.record(*self._columns(X, Y, [0]))

    def prove(self, X: Data, Y: Data, lengths: Collection[int]) -> None:
        """Show that recordings of one sample give the loss of batches of these lengths.

        Raises:
            RecordingError: they do not, or recording the sample again gives another program.
        """
        for _ in range(2):
            again = Compiled(self.compiled.f, self.params, self.compiled.backend)
            if again.record(*self._columns(X, Y, [0])) != self.compiled.program:
                raise RecordingError("the model is not the same from one call to the next")
        count = max(lengths)
        some = range(min(len(X), 3))
        with self._kept([X[i] for i in some]), no_grad():
            outputs = [nested(_plain, self.eager.model(X[i]), "an output") for i in some]
        targets = [Y[i % len(Y)] for i in range(count)]
        with self._kept(targets):
            shares = shares_of(self.eager.loss, outputs, targets, self.params, lengths)
        if shares is None:
            raise RecordingError(
                "fit: the loss is neither the sum nor the mean of the losses of single samples, "
                f"nor another multiple, for batches of {' or '.join(map(str, sorted(lengths)))}"
            )
        self.shares = shares

    def compare(self, X: Data, Y: Data, batch: Sequence[int]) -> None:
        """Compare the loss of each sample of a batch with that of eager code.

        Raises:
            RecordingError: they differ.
        """
        xs, ys = [X[i] for i in batch], [Y[i] for i in batch]
        with self._kept(xs, ys):  # with graphs, whose values are built faster than those without
            eager = [_number(self.eager.loss([self.eager.model(x)], [y]))
                     for x, y in zip(xs, ys, strict=True)]  # fmt: skip
        replayed = floats(self.compiled(*self._columns(X, Y, batch)))
        for a, b in zip(eager, replayed, strict=True):
            if not (isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (isnan(a) and isnan(b))):
                raise RecordingError(
                    f"the loss of a sample is {b!r} by replay, but {a!r} eagerly: model or "
                    "loss do something with plain numbers that a recording does not see"
                )

    def _kept(self, *samples: Any) -> AbstractContextManager[None]:
        """Keep the state of the model and the loss, and samples that they are given."""
        functions = () if self._watched else (self.eager.model, self.eager.loss)
        return unchanged(*functions, *samples, data=self.data)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Keep the state of the model and the loss in a block, which then looks at it only once."""
        with self._kept():
            self._watched = True
            try:
                yield
            finally:
                self._watched = False

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
    batch_size: int, validation: tuple[Data, Data] | None = None,
    before: EngineState | None = None, split: Split | None = None,
) -> Eager | Replayed:  # fmt: skip
    """Choose how to compute the loss and gradient of each batch of a training run.

    With backend "auto", replay is chosen if numba is installed, the work is long enough to pay for
    its start, the loss of a batch of each length that occurs is a multiple of the sum over its
    samples, the samples of the first batch have the same losses both ways, and neither draws random
    numbers nor changes a state of the model. Whatever fails in this trial, "auto" is then eager.

    A run that goes on from a checkpoint takes what it took `before`.

    Raises:
        RecordingError: the backend given by name cannot replay this model and loss.
        ImportError: the backend given by name, or that of the checkpoint, is not installed.
        ValueError: there is no backend of that name.
    """
    eager = Eager(model, loss, params)
    if split is not None:
        backend = "jax"
    auto = backend == "auto"
    samples = len(X) * epochs
    if before is not None and backend != "eager":
        if before.backend == "eager":
            return Eager(model, loss, params, before.reason)
        backend = before.backend
        select(backend)
    elif backend == "eager" or (auto and not _may_be_worthwhile(len(params) * samples)):
        return eager
    try:
        data = (X, Y, *(validation or ()))
        replayed = Replayed(model, loss, params, backend, data, split)
        size = min(batch_size, len(X))
        lengths = {size, len(X) % size or size, len(validation[0]) if validation else size}
        with replayed.trial():
            program = replayed.record(X, Y)
            if auto and before is None and len(program) * samples < _WORTHWHILE:
                return eager
            replayed.prove(X, Y, lengths)
        replayed.compare(X, Y, range(min(size, _FIRST)))
    except Exception as error:
        if not auto and not isinstance(error, _BranchesError):
            raise
        return Eager(model, loss, params, _reason(error))
    if before is not None and before.shares.keys() == lengths:
        replayed.shares = dict(before.shares)  # proved on other outputs: equal but for roundings
        replayed.compiled.care = dict(before.care)
        replayed.earlier = len(before.care)
    return replayed


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


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
