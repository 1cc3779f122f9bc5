"""fit: the training loop, with mini-batches, early stopping, a progress bar and Ctrl-C safety."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from scalargrad.core.numbers import as_count, as_float
from scalargrad.core.value import Value
from scalargrad.nn import assign
from scalargrad.optim import Optimizer
from scalargrad.support.progress import ProgressLine
from scalargrad.training.stepping import Data, Eager, Loss, Replayed, stepping

__all__ = ["EarlyStopping", "History", "fit"]


@dataclass
class History:
    """What happened in a training: one entry for each finished epoch.

    `losses` are the training losses (with mini-batches the mean over the batches, each taken
    before its step), `validation` those of the validation set, if there is one. `best_epoch` is
    the epoch (from 0) whose parameters early stopping kept, `stopped` why the training ended:
    "epochs", "early stopping", or "interrupted". `backend` is what computed it: "eager" for Python,
    sample by sample, else the backend by which a recording was replayed. `reason` is why it was not
    replayed, where that was tried.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = "epochs"
    backend: str = "eager"
    reason: str = ""

    def __repr__(self) -> str:
        if not self.losses:
            return f"History(no epoch finished, stopped={self.stopped!r})"
        told = f"History({len(self.losses)} epochs"
        told += f", loss {self.losses[0]:.4g} -> {self.losses[-1]:.4g}"
        if self.validation:
            told += f", validation {self.validation[0]:.4g} -> {self.validation[-1]:.4g}"
        told += f", replayed by {self.backend}" if self.backend != "eager" else ""
        return f"{told}, stopped={self.stopped!r})"


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the watched loss has not improved by `min_delta` for `patience` epochs.

    The validation loss is watched if there is a validation set, else the training loss. At the
    end the parameters that had the best loss are put back. For a validation loss these are the
    parameters after that epoch; for a training loss, which is taken before the step, those before.
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        as_count(self.patience, "early stopping: patience")
        if not as_float(self.min_delta, "early stopping: min_delta") >= 0.0:
            raise ValueError(
                f"early stopping: min_delta must be a number from 0 on, got {self.min_delta!r}"
            )


def fit(
    model: Callable[[Any], Any], X: Data, Y: Data, loss: Loss,
    optimizer: Optimizer, epochs: int, batch_size: int | None = None,
    validation: tuple[Data, Data] | None = None,
    early_stopping: EarlyStopping | int | None = None, progress: bool = True,
    *, shuffle: bool = True, backend: str = "auto",
) -> History:  # fmt: skip
    """Train `model` on the samples `X` with targets `Y`.

    Args:
        model: what maps one sample to its output, an `nn.Module` or a function.
        X: the samples, N of them; Y: as many targets.
        loss: maps the list of outputs and the list of targets of a batch to one Value, as
            everything in `sg.losses` does.
        optimizer: an `optim.SGD` or `optim.Adam` of the parameters to move.
        epochs: how many times to go through the samples.
        batch_size: how many samples to take for one step; by default all.
        validation: a pair (X, Y) whose loss is recorded but not learnt from.
        early_stopping: an `EarlyStopping`, or its patience in epochs.
        progress: show a line with the epoch and the loss on work that lasts over a second.
        shuffle: take mini-batches in an order drawn anew for each epoch (by the `random` module).
        backend: "eager", or that of `sg.compile` to replay a recording of the loss of one sample.
            "auto" replays by numba where that is installed, the work is worth the start, and the
            loss of a batch is the sum or mean of those of its samples; the history says so, or why
            not. The first batch, and some samples in epochs 1, 2, 4, 8 ..., are computed both ways
            and must agree: numbers that the model takes from elsewhere are not to change meanwhile.

    Returns:
        The `History`. On Ctrl-C too, with what was learnt until then in the parameters.

    Raises:
        TypeError, ValueError: an argument that does not fit is named, before anything is changed.
            What the model or the loss raises on some sample ends the training there.
        RecordingError, ImportError: the `backend` that is asked for by name cannot do it.

    >>> random.seed(0)
    >>> model = nn.MLP(1, [1])
    >>> history = sg.fit(model, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], losses.squared_error,
    ...                  optim.SGD(model.parameters(), lr=0.2), epochs=200)
    >>> round(model([3.0]).data, 6)
    7.0
    """
    for name, function in (("model", model), ("loss", loss)):
        if not callable(function):
            raise TypeError(f"fit: {name} must be callable, got {type(function).__name__}")
    _check((X, Y), "X and Y")
    if validation is not None:
        _check(validation, "the validation X and Y")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: optimizer must be one of scalargrad.optim, got {type(optimizer).__name__}"
        )
    epochs = as_count(epochs, "fit: epochs", least=0)
    if batch_size is not None:
        batch_size = as_count(batch_size, "fit: batch_size")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        early_stopping = EarlyStopping(early_stopping)

    history = History()
    watch = _Watch(optimizer.parameters, early_stopping)
    line = ProgressLine(progress)
    order = list(range(len(X)))
    steps: Eager | Replayed = Eager(model, loss, optimizer.parameters)
    try:
        size = batch_size or len(X)
        steps = stepping(model, X, Y, loss, optimizer.parameters, epochs, backend, size)
        check = 1
        for epoch in range(epochs):
            if shuffle and batch_size is not None:
                random.shuffle(order)
            batches = [order[i : i + size] for i in range(0, len(order), size)]
            if validation is None:
                watch.start()
            if epoch == check:  # ever more seldom: something may have changed that was recorded
                steps.check(X, Y, batches[0])
                check *= 2
            trained: list[float] = []
            for batch in batches:
                trained.append(steps.step(X, Y, batch))
                optimizer.step()
                if line.is_due():
                    done = epoch + len(trained) / len(batches)
                    told = f"loss {trained[-1]:.4g}, "
                    told += f"replayed by {steps.name}, " if steps.name != "eager" else ""
                    line.show(f"epoch {done:.1f} of {epochs}", done / epochs, told)
            watched = trained_loss = sum(trained) / len(trained)
            if validation is not None:
                watched = steps.validate(*validation)
                history.validation.append(watched)
                watch.start()  # these are the parameters that had this loss
            history.losses.append(trained_loss)
            if watch.is_over(epoch, watched):
                history.stopped = "early stopping"
                break
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    finally:
        line.close()
    history.backend, history.reason = steps.name, steps.reason
    history.best_epoch = watch.put_back()
    return history


def _check(pair: Any, names: str) -> None:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"fit: {names} must be given as a pair, got {type(pair).__name__}")
    X, Y = pair
    for data in pair:
        if not hasattr(data, "__len__") or isinstance(data, (str, bytes, dict)):
            raise TypeError(f"fit: {names} must be lists or arrays, got {type(data).__name__}")
    if len(X) != len(Y):
        raise ValueError(f"fit: {names} must have as many entries, got {len(X)} and {len(Y)}")
    if not len(X):
        raise ValueError(f"fit: {names} are empty")


class _Watch:
    """Remembers the best epoch and the parameters that had its loss."""

    def __init__(self, parameters: list[Value], rule: EarlyStopping | None) -> None:
        self.parameters, self.rule = parameters, rule
        self.best_loss, self.best_epoch = inf, -1
        self.now: list[float] = []
        self.kept: list[float] = []

    def start(self) -> None:
        """The loss told next is that of the parameters as they are now."""
        if self.rule is not None:
            self.now = [parameter.data for parameter in self.parameters]

    def is_over(self, epoch: int, loss: float) -> bool:
        if self.rule is None:
            return False
        if loss < self.best_loss - self.rule.min_delta or self.best_epoch < 0:
            self.best_loss = loss if isfinite(loss) else inf
            self.best_epoch = epoch
            self.kept = self.now
        return epoch - self.best_epoch >= self.rule.patience

    def put_back(self) -> int | None:
        if not self.kept:
            return None
        assign(self.parameters, self.kept)
        return self.best_epoch
