"""Where a training run stands: its epoch, the order of its samples, its losses, its best epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, isnan

from scalargrad.core.numbers import as_count, as_non_negative

__all__ = ["Best", "EarlyStopping", "Place", "Run"]


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


@dataclass(frozen=True)
class Best:
    """The best epoch so far, and the parameters that had its loss.

    Args:
        loss: its loss.
        epoch: its number; -1 before the first one.
        numbers: its parameters.
        current: the parameters whose loss comes next.
    """

    loss: float = inf
    epoch: int = -1
    numbers: Sequence[float] = ()
    current: Sequence[float] = ()

    def after(self, epoch: int, loss: float, rule: EarlyStopping) -> Best:
        """Take the loss of the current parameters."""
        if loss < self.loss - rule.min_delta or self.epoch < 0:
            return Best(inf if isnan(loss) else loss, epoch, self.current, self.current)
        return self

    def is_over(self, epoch: int, rule: EarlyStopping) -> bool:
        """Whether to stop after an epoch."""
        return epoch - self.epoch >= rule.patience


@dataclass(frozen=True)
class Place:
    """Where a run stands between two steps; it is replaced by the next one in a single assignment.

    So Ctrl-C meets one of them, never something in between.

    Args:
        order: the order of the samples in this epoch, or in the last one if it has not begun.
        epoch: the number of epochs that are finished.
        begun: whether the order of the next epoch is drawn.
        first: the step number of the optimiser at the beginning of the epoch.
        best: the best epoch so far, as it was at the beginning of the epoch.
        over: whether early stopping has ended the run.
    """

    order: list[int]
    epoch: int = 0
    begun: bool = False
    first: int = 0
    best: Best = field(default_factory=Best)
    over: bool = False


class Run:
    """A run: its place, and its losses, of which those beyond the place do not count yet.

    Args:
        samples: the number of samples.
    """

    def __init__(self, samples: int) -> None:
        self.place = Place(list(range(samples)))
        self.losses: list[float] = []  # of each epoch
        self.validation: list[float] = []
        self.trained: list[float] = []  # of each batch of this epoch

    def begin(self, order: list[int], steps: int, current: Sequence[float] = ()) -> None:
        """Begin an epoch: with this order, at this step, from these parameters, if watched."""
        best = replace(self.place.best, current=current) if current else self.place.best
        self.trained = []
        self.place = replace(self.place, order=order, begun=True, first=steps, best=best)

    def end(self, loss: float, validation: float | None, best: Best, over: bool) -> None:
        """End an epoch with these losses."""
        self.cut(self.place.epoch)  # what an interrupted attempt has left
        self.losses.append(loss)
        if validation is not None:
            self.validation.append(validation)
        self.place = replace(
            self.place, epoch=self.place.epoch + 1, begun=False, best=best, over=over
        )

    def cut(self, epochs: int) -> None:
        """Drop the losses of epochs from this one on."""
        del self.losses[epochs:], self.validation[epochs:]

    def step(self, steps: int) -> int:
        """The number of steps done in this epoch, when the optimiser has done so many in all."""
        return steps - self.place.first if self.place.begun else 0
