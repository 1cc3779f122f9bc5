"""Checkpoints of a run: when they are written, what they hold, and how a run goes on from one."""

from __future__ import annotations

import os
import sys
import time
import warnings
from array import array
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

from scalargrad.core.numbers import as_count
from scalargrad.core.value import Value, packed_data, set_data
from scalargrad.optim import Optimizer
from scalargrad.support.files import write_whole
from scalargrad.training.batch_gradient import Eager, EngineState, Replayed
from scalargrad.training.checkpoint_file import (
    Arrays,
    flattened,
    packed,
    read,
    unflattened,
    unpacked,
)
from scalargrad.training.random_state import RandomState
from scalargrad.training.run import Best, Place, Run
from scalargrad.training.settings import Settings, differences

__all__ = ["Checkpoints"]

# What a file by a stranger, with right checksums, can make the reader raise.
_WRONG = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Checkpoints:
    """The file of a run: writes it now and then, and restores the run from it.

    Ctrl-C or an error of the model may come at any moment, and the file then gets the last whole
    step. What the random generators were after that step is known, because their state is kept at
    the beginning of each epoch, and before each step once the model has been seen to draw.

    Args:
        path: the file.
        every: the seconds from one write to the next; 0 writes after each step.
        settings: what `settings_of` returns.
        values: the parameters.
        optimizer: its memory is written.
        run: what is written of the loop.
        epochs: how many there will be.
        backend: the one that the user asks for.
    """

    def __init__(
        self, path: Path, every: float, settings: Settings, values: Sequence[Value],
        optimizer: Optimizer, run: Run, epochs: int, backend: str,
    ) -> None:  # fmt: skip
        self.path, self.every, self.settings = Path(os.path.abspath(path)), every, settings
        self.values = values
        self.optimizer, self.run, self.epochs, self.backend = optimizer, run, epochs, backend
        self.engine: Eager | Replayed | None = None
        self.draws = False  # whether the model draws random numbers
        self.stepped = False  # whether a step of this process is done
        self.held: tuple[Any, RandomState] | None = None  # a place, and the random state there
        self.saved: Any = None  # the place in the file
        self.last = 0.0  # when it was written
        flattened(optimizer.state_dict(), "optimizer", {})  # the error if it cannot be written

    # --- writing ------------------------------------------------------------------------------

    def start(self, engine: Eager | Replayed) -> None:
        """Write the place where training starts, so that a bad folder or disk is noticed now.

        Raises:
            OSError: the file cannot be written.
        """
        self.engine = engine
        self._write(RandomState.now())
        self.hold()

    def hold(self) -> None:
        """Keep the random state of this place."""
        self.held = self._place(), RandomState.now()

    def mixed(self) -> None:
        """Take note that the loop has drawn numbers from `random`, for the order of the samples."""
        if self.draws or self.held is None:
            self.hold()
        else:  # a copy of NumPy's state would take twice as long
            self.held = self._place(), self.held[1].with_python_now()

    def before(self) -> None:
        """Take note that the model, or the loop, may draw numbers now."""
        if self.draws:
            self.hold()

    def after(self) -> None:
        """Take note of a step that is done, and write it if it is time.

        Raises:
            TypeError: the optimiser does not count its steps.
        """
        if self.run.step(self.optimizer.steps) != len(self.run.trained):
            kind = type(self.optimizer).__name__
            raise TypeError(
                f"fit: {kind}.step() does not add 1 to {kind}.steps, by which a checkpoint knows "
                "which steps are done. Let it call super().step()"
            )
        if not self.stepped:
            self.stepped = True
            self._compare(RandomState.now())
        self.write_if_due()

    def write_if_due(self) -> None:
        """Write the present place if it is time; if that fails, warn and go on."""
        if _clock() - self.last >= self.every:
            state = RandomState.now()
            self._compare(state)
            self._try(state)

    def finish(self) -> None:
        """Write the end of the run, if it is not in the file; if that fails, warn."""
        if self._place() != self.saved:
            self._try(RandomState.now())

    def rescue(self) -> None:
        """Write the last whole step after an interruption anywhere; if that fails, warn."""
        if self.engine is None or self.held is None or self._place() == self.saved:
            return
        place, state = self.held
        now = RandomState.now()
        if place == self._place():
            self._try(state)
        elif self.draws or state == now:
            self._try(now)
        # Else the model has drawn for the first time, who knows in which step, or the order of the
        # samples was being drawn: the file stays.

    def _compare(self, state: RandomState) -> None:
        """Find out whether the model has drawn numbers since the state that was kept."""
        if self.held is not None and state != self.held[1]:
            self.draws = True

    def _place(self) -> Any:
        place = self.run.place
        return place.epoch, place.begun, self.run.step(self.optimizer.steps), place.over

    def _try(self, state: RandomState) -> None:
        try:
            self._write(state)
        except Exception as error:
            self.last = _clock()
            holds = "the file is as it was"
            if self.saved is not None:
                epoch, _, step, _ = self.saved
                holds = f"the file holds epoch {epoch}, step {step}"
            warnings.warn(
                f"fit: the checkpoint {str(self.path)!r} could not be written "
                f"({type(error).__name__}: {error}). Training goes on, and {holds}",
                RuntimeWarning,
                stacklevel=4,
            )

    def _write(self, state: RandomState) -> None:
        run, place = self.run, self.run.place
        step = run.step(self.optimizer.steps)
        drawn, arrays = state.written()
        header = {
            "settings": self.settings, "epochs": min(self.epochs, sys.maxsize),
            "backend": self.backend,
            "engine": self.engine.state().written() if self.engine is not None else None,
            "epoch": place.epoch, "begun": place.begun, "step": step, "over": place.over,
            "best epoch": place.best.epoch, "random": drawn,
            "optimizer": flattened(self.optimizer.state_dict(), "optimizer", arrays),
        }  # fmt: skip
        arrays |= {
            "parameters": packed_data(self.values),
            "losses": array("d", run.losses[: place.epoch]),
            "validation": array("d", run.validation[: place.epoch]),
            "trained": array("d", run.trained[:step]),
            "order": array("I", place.order if self.settings["shuffle"] else ()),
            "best loss": array("d", [place.best.loss]),
            "best": array("d", place.best.numbers),
            "watched": array("d", place.best.current),
        }
        write_whole(self.path, packed(header, arrays))
        self.saved, self.last = self._place(), _clock()

    # --- reading ------------------------------------------------------------------------------

    def check_new(self) -> None:
        """Raise a FileExistsError if there is a file, which a new run would replace."""
        if not os.path.lexists(self.path):
            return
        try:
            header, _ = unpacked(read(self.path))
            holds = f"holds a run at epoch {header['epoch']} of {header['epochs']}"
        except (OSError, *_WRONG):
            holds = "is there already"
        raise FileExistsError(
            f"fit: the checkpoint {str(self.path)!r} {holds}. resume=True goes on from a "
            "checkpoint; for a new run remove the file, or name another one"
        )

    def restore(self) -> tuple[EngineState | None, RandomState] | None:
        """Set the run, the optimiser and the parameters to what the file holds.

        Returns:
            What computed the steps, if it is to go on, and the random state for the next one. None
            if there is no file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no checkpoint, is damaged, or is of another run.
        """
        name = repr(str(self.path))
        if not os.path.lexists(self.path):
            return None
        try:
            header, arrays = unpacked(read(self.path))
        except ValueError as error:
            raise ValueError(
                f"fit: {name} is not a checkpoint that fit has written: {error}. Go on from a copy "
                "of it, or remove it and start anew"
            ) from None
        try:
            others = differences(self.settings, header["settings"])
            if not others:
                return self._restored(header, arrays)
        except _WRONG as error:
            raise ValueError(f"fit: {name}: {error}") from None
        raise ValueError(
            f"fit: {name} is the checkpoint of another run: {'; '.join(others[:5])}. Go on with "
            "the arguments of that run, or name another file"
        )

    def _restored(
        self, header: dict[str, Any], arrays: Arrays
    ) -> tuple[EngineState | None, RandomState]:
        run, samples = self.run, len(self.run.place.order)
        epoch, step = (as_count(header[key], key, least=0) for key in ("epoch", "step"))
        if epoch + (step > 0) > self.epochs:
            raise ValueError(
                f"it holds epoch {epoch}, step {step}, which is beyond the epochs={self.epochs} "
                "that are asked for"
            )
        watched = len(self.optimizer.parameters)
        validated = self.settings["number of samples in X of validation"] is not None
        order = arrays["order"].tolist() if self.settings["shuffle"] else list(range(samples))
        lengths = {
            "parameters": [len(self.values)], "losses": [epoch], "trained": [step],
            "validation": [epoch if validated else 0], "best loss": [1],
            "best": [0, watched], "watched": [0, watched],
        }  # fmt: skip
        for key, allowed in lengths.items():
            if arrays[key].typecode != "d" or len(arrays[key]) not in allowed:
                raise ValueError(f"{len(arrays[key])} numbers are no {key} of this run")
        flags = [header["begun"], header["over"]]
        if sorted(order) != list(range(samples)) or not all(type(x) is bool for x in flags):
            raise ValueError("its order of samples is none")
        if step > (ceil(samples / self.settings["batch_size"]) if header["begun"] else 0):
            raise ValueError(f"no epoch has {step} steps")
        best_epoch = as_count(header["best epoch"], "best epoch", least=-1, most=epoch)
        best = Best(arrays["best loss"][0], best_epoch, arrays["best"], arrays["watched"])
        random = RandomState.read(header["random"], arrays)
        engine = EngineState.read(header["engine"])

        self.optimizer.load_state_dict(unflattened(header["optimizer"], arrays))
        set_data(self.values, arrays["parameters"])
        first = self.optimizer.steps - step
        run.place = Place(order, epoch, header["begun"], first, best, header["over"])
        run.losses, run.validation, run.trained = (
            arrays[key].tolist() for key in ("losses", "validation", "trained")
        )
        self.saved = self._place()
        return (engine if header["backend"] == self.backend else None), random


_clock = time.monotonic
