"""The training loop: mini-batches, validation, early stopping, progress and Ctrl-C."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from scalargrad.core.arguments import as_flag
from scalargrad.core.numbers import as_count, as_non_negative, shown
from scalargrad.core.value import data_of, packed_data, set_data
from scalargrad.data import check_samples, cut
from scalargrad.optim import Optimizer
from scalargrad.support.files import as_path
from scalargrad.support.progress import progress_bar
from scalargrad.training.batch_gradient import Data, Eager, Loss, Replayed, batch_gradient
from scalargrad.training.checkpoint import Checkpoints
from scalargrad.training.run import EarlyStopping, Run
from scalargrad.training.settings import named_values, settings_of
from scalargrad.training.split import Split

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


def fit(
    model: Callable[[Any], Any], X: Data, Y: Data, loss: Loss,
    optimizer: Optimizer, epochs: int, batch_size: int | None = None,
    validation: tuple[Data, Data] | None = None,
    early_stopping: EarlyStopping | int | None = None, progress: bool = True,
    *, shuffle: bool = True, backend: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None, every: float = 60.0, resume: bool = False,
    mesh: Any = None,
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

    With `checkpoint="run.ckpt"` training can be stopped by anything, SIGKILL and a power failure
    included, and goes on to the same bits when the same call is made again with `resume=True`: in
    another process, which makes model, optimizer and data as before. The file holds the parameters
    (of an `nn.Module` all of them), the optimizer's `state_dict()`, the position in the epoch, the
    order of the samples, the history, the best epoch of early stopping, and the state of `random`
    and of NumPy's shared generator. It does not hold gradients, nor what the model keeps besides
    its parameters, such as counters and generators of its own. It is replaced in one step, and
    appears when training starts, every 60 seconds, at the end, after Ctrl-C and after an error. If
    a write fails, on a full disk for example, a warning says so and training goes on.

    With a `mesh` of JAX devices the samples of each batch are split over its axis "samples", as by
    `Compiled.shard`. It may span the processes of `sg.distributed`: all of them call `fit` with the
    same model, data and `random.seed`, which is checked; they end with the same parameters, and
    only process 0 writes checkpoints and shows a progress bar.

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
        checkpoint: the file to write checkpoints to. A file that exists is an error, unless it is
            resumed: so no run is lost by mistake.
        every: the seconds from one checkpoint to the next, the most that a kill can cost; 0 writes
            after every step.
        resume: go on from the checkpoint, or start if there is none: so the same program starts a
            run and goes on with it. All arguments must be those of the run, but for `epochs`, which
            counts those of the file too and may be more, `progress`, `every` and `backend`; another
            backend changes the last digits.
        mesh: a mesh of JAX devices with an axis "samples", as from
            `jax.make_mesh((8,), ("samples",))`; `backend` is then "jax".

    Returns:
        The `History`. After Ctrl-C too, but not in several processes: the parameters then keep
        what was learnt so far.

    Raises:
        TypeError: an argument has the wrong type, or the optimizer keeps what a checkpoint cannot
            hold. Nothing has changed then.
        ValueError: an argument has a wrong value or length, or the checkpoint is damaged or of
            another run; the message says what differs. Nothing has changed then.
        FileExistsError: the checkpoint exists, and `resume` is not set.
        OSError: the checkpoint cannot be read, or not be written when training starts.
        RecordingError: the backend given by name cannot replay this model and loss.
        ImportError: the backend given by name, or JAX for a mesh, is not installed.
        DeviceError: the devices of the mesh failed, or another process has died. It is a
            RuntimeError.

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
    rule = early_stopping
    if rule is not None and not isinstance(rule, EarlyStopping):
        rule = EarlyStopping(rule)
    every = as_non_negative(every, "fit: every", infinite=True)
    resume = as_flag(resume, "fit: resume")
    if resume and checkpoint is None:
        raise ValueError("fit: resume=True needs the file to go on from, got checkpoint=None")

    split = None if mesh is None else Split(mesh, backend)
    run = Run(len(X))
    mixed = shuffle and batch_size is not None
    steps = len(cut(run.place.order, size))  # of an epoch
    checkpoints, restored = None, None
    held_out = (None, None) if validation is None else validation
    if checkpoint is not None:
        path = as_path(checkpoint, "fit: checkpoint")
        data = dict(zip(("X", "Y", "X of validation", "Y of validation"), (X, Y, *held_out),
                        strict=True))  # fmt: skip
        named = named_values(model, optimizer)
        settings = settings_of(
            model, named, loss, optimizer, data,
            batch_size=min(size, len(X)), shuffle=mixed, early_stopping=_written(rule),
        )  # fmt: skip
        values = [p for _, p in named]
        checkpoints = Checkpoints(path, every, settings, values, optimizer, run, epochs, backend)
        if resume:
            restored = checkpoints.restore()
        else:
            checkpoints.check_new()
    if split is not None:
        drawn = random.getstate() if mixed and restored is None else None
        split.check_same(
            {
                "the parameters": packed_data(optimizer.parameters),
                "the samples": (X, Y, *held_out),
                "the settings": (epochs, size, mixed, checkpoint is not None, _written(rule)),
                "the random numbers": drawn,
                "the checkpoint": (restored is None, run.place.epoch, len(run.trained)),
            }
        )
        if not split.first:
            checkpoints, progress = None, False

    history = History()
    done = run.place.epoch * steps + len(run.trained)
    bar = progress_bar(None, "fit", epochs * steps, "step", done) if progress else None
    engine: Eager | Replayed = Eager(model, loss, optimizer.parameters)
    try:
        engine = batch_gradient(
            model, X, Y, loss, optimizer.parameters, epochs, backend, size,
            None if validation is None else (validation[0], validation[1]),
            None if restored is None else restored[0], split,
        )  # fmt: skip
        if restored is not None:
            restored[1].put()
        going_on = run.place.epoch < epochs and not run.place.over
        if checkpoints is not None and (going_on or restored is None):
            checkpoints.start(engine)
        while run.place.epoch < epochs and not run.place.over:
            if not run.place.begun:
                _begin(run, optimizer, mixed, rule is not None and validation is None, checkpoints)
            batches = cut(run.place.order, size)
            epoch = run.place.epoch
            if epoch.bit_count() == 1 and not run.trained:  # 1, 2, 4, 8 ...
                engine.check(X, Y, batches[0])
            for batch in batches[len(run.trained) :]:
                if checkpoints is not None:
                    checkpoints.before()
                run.trained.append(engine.step(X, Y, batch))
                optimizer.step()
                if bar is not None:
                    postfix = f"{engine.name}, loss {run.trained[-1]:.4g}"
                    bar.set_postfix_str(postfix, refresh=False)
                    bar.update()
                if checkpoints is not None:
                    checkpoints.after()
            watched = training_loss = sum(run.trained) / len(run.trained)
            validation_loss, best, over = None, run.place.best, False
            if validation is not None:
                if checkpoints is not None:
                    checkpoints.before()
                watched = validation_loss = engine.validate(*validation)
                if rule is not None:
                    best = replace(best, current=data_of(optimizer.parameters))
            if rule is not None:
                best = best.after(epoch, watched, rule)
                over = best.is_over(epoch, rule)
            run.end(training_loss, validation_loss, best, over)
            if checkpoints is not None:
                checkpoints.write_if_due()
        if checkpoints is not None:
            checkpoints.finish()
        if split is not None and checkpoint is not None:
            split.check_same({"the end": run.losses})  # nobody reads the file before it is there
    except BaseException as error:
        if checkpoints is not None:
            checkpoints.rescue()
        if not isinstance(error, KeyboardInterrupt) or (split is not None and split.several):
            raise
        history.stopped = "interrupted"
    finally:
        if bar is not None:
            bar.close()
    if run.place.over:
        history.stopped = "early stopping"
    run.cut(run.place.epoch)
    history.losses, history.validation = run.losses, run.validation
    history.backend, history.reason = engine.name, engine.reason
    if run.place.best.numbers:
        set_data(optimizer.parameters, run.place.best.numbers)
        history.best_epoch = run.place.best.epoch
    return history


def _written(rule: EarlyStopping | None) -> list[float] | None:
    """A rule as a checkpoint has it: the patience and the smallest decrease."""
    return None if rule is None else [min(int(rule.patience), sys.maxsize), float(rule.min_delta)]


def _begin(
    run: Run, optimizer: Optimizer, mixed: bool, watched: bool, checkpoints: Checkpoints | None
) -> None:
    """Begin an epoch: draw the order of its samples, and keep parameters that are watched."""
    order = run.place.order
    if mixed:
        if checkpoints is not None:
            checkpoints.before()
        order = order.copy()  # Ctrl-C in the middle leaves the old one
        random.shuffle(order)
    run.begin(order, optimizer.steps, data_of(optimizer.parameters) if watched else ())
    if mixed and checkpoints is not None:
        checkpoints.mixed()
