"""The training loop: mini-batches, validation, early stopping, progress and Ctrl-C."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isnan
from typing import Any

from scalargrad.core.arguments import as_flag
from scalargrad.core.numbers import as_count, as_non_negative, shown
from scalargrad.core.value import Value, data_of, set_data
from scalargrad.data import check_samples, cut
from scalargrad.optim import Optimizer
from scalargrad.support.progress import progress_bar
from scalargrad.training.batch_gradient import Data, Eager, Loss, Replayed, batch_gradient

__all__ = ["EarlyStopping", "History", "fit"]


@dataclass
class History:
    """The course of a training run: one entry for each finished epoch.

    Args:
        losses: the training loss of each epoch. With mini-batches it is the mean over the batches,
            each evaluated before its step.
        validation: the loss on the validation set after each epoch; empty without such a set.
        best_epoch: the epoch, counted from 0, whose parameters early stopping restored.
        stopped: why training ended: "epochs", "early stopping" or "interrupted".
        backend: "eager" if Python ran every sample, else the backend that replayed a recording.
        reason: why the model was not replayed, if replay was tried.

    >>> History([4.0, 2.0, 1.0], validation=[4.0, 2.5, 3.0])
    History(3 epochs, loss 4 -> 1, validation 4 -> 3, stopped='epochs')
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
        text = f"{len(self.losses)} epochs, loss {self.losses[0]:.4g} -> {self.losses[-1]:.4g}"
        if self.validation:
            text += f", validation {self.validation[0]:.4g} -> {self.validation[-1]:.4g}"
        text += f", replayed by {self.backend}" if self.backend != "eager" else ""
        return f"History({text}, stopped={self.stopped!r})"


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the loss has not improved by `min_delta` for `patience` epochs.

    The rule watches the validation loss, or the training loss if there is no validation set. At the
    end the parameters with the best loss are restored. For a validation loss these are the
    parameters after that epoch. For a training loss, which is evaluated before the step, they are
    the parameters before that epoch.

    Args:
        patience: the number of epochs without improvement to wait, at least 1.
        min_delta: the smallest decrease of the loss that counts as an improvement.

    Raises:
        TypeError: `patience` is not a whole number, or `min_delta` is not a number.
        ValueError: `patience` is below 1, or `min_delta` is negative or nan.

    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0.0)
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        as_count(self.patience, "early stopping: patience")
        as_non_negative(self.min_delta, "early stopping: min_delta")


def fit(
    model: Callable[[Any], Any], X: Data, Y: Data, loss: Loss,
    optimizer: Optimizer, epochs: int, batch_size: int | None = None,
    validation: tuple[Data, Data] | None = None,
    early_stopping: EarlyStopping | int | None = None, progress: bool = True,
    *, shuffle: bool = True, backend: str = "auto",
) -> History:  # fmt: skip
    """Train `model` on the samples `X` with the targets `Y`.

    With `backend="auto"`, numba replays a recording of the loss of one sample if numba is
    installed, if the work is long enough to pay for its start, and if the loss of a batch is the
    sum of the losses of its samples, or their mean or another multiple; this is proved for each
    length that occurs. The history tells whether it did, and why not. The first batch, and some
    samples in epochs 1, 2, 4, 8 ..., are evaluated both ways and must agree, because a recording
    cannot see when the model starts to use other plain numbers. A model or loss that draws random
    numbers or changes its own attributes, lists or counters is run eagerly. What the trial changed
    is put back, and numbers that other threads draw or train meanwhile are left alone.

    An error of the model or of the loss ends training there; the parameters keep what was learnt.

    Args:
        model: maps one sample to its output: an `nn.Module` or a function.
        X: N samples.
        Y: N targets.
        loss: maps the list of outputs and the list of targets of a batch to one Value, as every
            function of `sg.losses` does.
        optimizer: an `optim.SGD` or `optim.Adam` of the parameters to train.
        epochs: the number of passes through the samples.
        batch_size: the number of samples in a step; by default all of them.
        validation: a pair (X, Y) on which the loss is evaluated after each epoch.
        early_stopping: an `EarlyStopping`, or its patience in epochs.
        progress: show a progress bar in a terminal or notebook if training takes over a second.
        shuffle: draw a new order of the samples for each epoch of mini-batches, from the `random`
            module.
        backend: "eager", "auto", or a backend of `sg.compile`.

    Returns:
        The `History`. After Ctrl-C too: the parameters then keep what was learnt so far.

    Raises:
        TypeError: an argument has the wrong type. Nothing has changed then.
        ValueError: an argument has a wrong value or length. Nothing has changed then.
        RecordingError: the backend given by name cannot replay this model and loss.
        ImportError: the backend given by name is not installed.

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
    check_samples(X, Y, "fit")
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            got = type(validation).__name__
            raise TypeError(f"fit: validation must be a pair (X, Y), got {got}")
        check_samples(*validation, "fit: validation")
    if not isinstance(optimizer, Optimizer):
        got = type(optimizer).__name__
        raise TypeError(f"fit: optimizer must be an optimizer of scalargrad.optim, got {got}")
    epochs = as_count(epochs, "fit: epochs", least=0)
    progress, shuffle = as_flag(progress, "fit: progress"), as_flag(shuffle, "fit: shuffle")
    size = len(X) if batch_size is None else as_count(batch_size, "fit: batch_size")
    if not isinstance(backend, str):
        raise TypeError(f"fit: backend must be the name of a backend, got {shown(backend)}")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        early_stopping = EarlyStopping(early_stopping)

    history = History()
    best = _Best(optimizer.parameters, early_stopping)
    order = list(range(len(X)))
    batches = cut(order, size)
    bar = progress_bar(None, "fit", epochs * len(batches), "step") if progress else None
    engine: Eager | Replayed = Eager(model, loss, optimizer.parameters)
    try:
        engine = batch_gradient(
            model, X, Y, loss, optimizer.parameters, epochs, backend, size,
            None if validation is None else (validation[0], validation[1]),
        )  # fmt: skip
        next_check = 1
        for epoch in range(epochs):
            if shuffle and batch_size is not None:
                random.shuffle(order)
                batches = cut(order, size)
            if validation is None:
                best.snapshot()
            if epoch == next_check:
                engine.check(X, Y, batches[0])
                next_check *= 2
            trained: list[float] = []
            for batch in batches:
                trained.append(engine.step(X, Y, batch))
                optimizer.step()
                if bar is not None:
                    bar.set_postfix_str(f"{engine.name}, loss {trained[-1]:.4g}", refresh=False)
                    bar.update()
            watched = training_loss = sum(trained) / len(trained)
            if validation is not None:
                watched = engine.validate(*validation)
                history.validation.append(watched)
                best.snapshot()
            history.losses.append(training_loss)
            if best.is_over(epoch, watched):
                history.stopped = "early stopping"
                break
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    finally:
        if bar is not None:
            bar.close()
    history.backend, history.reason = engine.name, engine.reason
    history.best_epoch = best.restore()
    return history


class _Best:
    """The best epoch so far, and the parameters that had its loss."""

    def __init__(self, parameters: list[Value], rule: EarlyStopping | None) -> None:
        self.parameters, self.rule = parameters, rule
        self.loss, self.epoch = inf, -1
        self.current: list[float] = []
        self.numbers: list[float] = []

    def snapshot(self) -> None:
        """Remember the parameters whose loss comes next."""
        if self.rule is not None:
            self.current = data_of(self.parameters)

    def is_over(self, epoch: int, loss: float) -> bool:
        """Take the loss of the snapshot, and return whether to stop."""
        if self.rule is None:
            return False
        if loss < self.loss - self.rule.min_delta or self.epoch < 0:
            self.loss = inf if isnan(loss) else loss
            self.epoch, self.numbers = epoch, self.current
        return epoch - self.epoch >= self.rule.patience

    def restore(self) -> int | None:
        """Restore the best parameters, and return their epoch, if there is one."""
        if not self.numbers:
            return None
        set_data(self.parameters, self.numbers)
        return self.epoch
