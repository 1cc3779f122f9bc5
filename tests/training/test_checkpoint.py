"""Tests of checkpoints: wherever a run ends, it goes on to the same bits, or says why not."""

import errno
import json
import math
import os
import random
import struct
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interrupting import ctrl_c_at_line
from replayed import BACKENDS
from terminals import Terminal, slow_clock

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.training import batch_gradient, checkpoint
from scalargrad.training.checkpoint_file import packed, unpacked
from scalargrad.training.fingerprint import fingerprint
from scalargrad.training.random_state import RandomState

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, -0.5], [-1.0, 0.25], [2.0, 1.0]]
Y = [0.1, 0.7, -0.3, 0.2, 0.0, 0.9, -0.6]
HELD_OUT = [[3.0, -1.0], [-2.0, 0.5]], [0.4, -0.4]

RATES: dict[str, Any] = {"constant": 0.05, "schedule": lambda step: 0.2 / (1 + step)}
OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "SGD": optim.SGD,
    "momentum": lambda ps, lr: optim.SGD(ps, lr, momentum=0.9, weight_decay=0.01),
    "Adam": optim.Adam,
}


class Network(nn.MLP):
    """A network that branches, and draws noise if it is told to."""

    def __init__(self, kind: str) -> None:
        super().__init__(2, [3, 1], "tanh")
        self.kind = kind

    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        if self.kind == "noise":
            return y + random.gauss(0.0, 0.1) + float(np.random.normal(0.0, 0.1))
        if self.kind == "branches":
            for threshold in (-0.3, 0.0, 0.2):
                if y > threshold:
                    y = y * 1.25
        if self.kind == "infinite":  # infinite slopes of what is not used: gradients with care
            return sg.where(x[0] > 0.0, y, sg.sqrt(x[0] * 0.0) * y)
        return y


def bits(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


class Training:
    """The arguments of a run, from which each call of `fit` makes everything anew.

    So a call stands for a process that was started again.
    """

    def __init__(
        self, path: Path, kind: str = "plain", optimizer: str = "Adam", rate: str = "constant",
        **arguments: Any,
    ) -> None:  # fmt: skip
        self.path, self.kind, self.optimizer, self.rate = path, kind, optimizer, rate
        self.arguments = {"backend": "eager", "epochs": 3, "progress": False} | arguments
        self.model: Any = None

    def fit(self, **others: Any) -> tuple[Any, ...]:
        """Run, and return all that a run leaves, to the last bit."""
        random.seed(5)
        np.random.seed(5)
        self.model = model = Network(self.kind)
        optimizer = OPTIMIZERS[self.optimizer](model.parameters(), RATES[self.rate])
        arguments = {"X": X, "Y": Y, "loss": losses.squared_error} | self.arguments | others
        history = sg.fit(arguments.pop("call", model), optimizer=optimizer, **arguments)
        state = optimizer.state_dict()
        memory = [bits(x) if isinstance(x, list) else x for x in state.values()]
        return (
            bits([p.data for p in model.parameters()]), bits(history.losses),
            bits(history.validation), history.best_epoch, history.stopped, history.backend,
            memory, hash(RandomState.now()),
        )  # fmt: skip

    def resume(self, **others: Any) -> tuple[Any, ...]:
        return self.fit(checkpoint=self.path, **{"every": math.inf, "resume": True} | others)

    def files(self, **others: Any) -> list[bytes]:
        """The contents of the file after each step, and at the beginning and the end."""
        found: list[bytes] = []
        write = checkpoint.write_whole

        def keep(path: Path, content: bytes) -> Path:
            found.append(content)
            return write(path, content)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoint, "write_whole", keep)
            self.resume(every=0, **others)
        return found


# --- the same bits --------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_position_goes_on_to_the_same_bits(
    data: st.DataObject, backend: str, tmp_path: Path
) -> None:
    kinds = ["plain", "branches", "infinite"] + (["noise"] if backend == "eager" else [])
    (tmp_path / "run.ckpt").unlink(missing_ok=True)
    training = Training(
        tmp_path / "run.ckpt", data.draw(st.sampled_from(kinds), "kind"),
        data.draw(st.sampled_from(sorted(OPTIMIZERS)), "optimizer"),
        data.draw(st.sampled_from(sorted(RATES)), "rate"),
        backend=backend, epochs=data.draw(st.integers(1, 4), "epochs"),
        batch_size=data.draw(st.none() | st.integers(1, 8), "batch_size"),
        shuffle=data.draw(st.booleans(), "shuffle"),
        validation=data.draw(st.sampled_from([None, HELD_OUT]), "validation"),
        early_stopping=data.draw(st.none() | st.integers(1, 2), "early_stopping"),
    )  # fmt: skip
    uninterrupted = training.fit()
    files = training.files()
    assert training.resume() == uninterrupted  # from its end

    training.path.write_bytes(files[data.draw(st.integers(0, len(files) - 1), "file")])
    files = training.files() or files[-1:]
    training.path.write_bytes(files[data.draw(st.integers(0, len(files) - 1), "second file")])
    assert training.resume() == uninterrupted


@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
@pytest.mark.parametrize("kind", ["plain", "branches", "infinite"])
def test_every_position_of_one_run(backend: str, kind: str, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", kind, backend=backend, batch_size=3)
    uninterrupted = training.fit()
    files = training.files()

    assert len(files) == 1 + 3 * (3 + 1)  # the beginning, and each step and epoch
    for content in files:
        training.path.write_bytes(content)
        assert training.resume() == uninterrupted


def test_auto_goes_on_by_what_it_had_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path / "run.ckpt", backend="auto", batch_size=3)
    eager = training.fit()
    content = training.files()[4]
    monkeypatch.setattr(batch_gradient, "_WORTHWHILE", 0)
    monkeypatch.setattr(batch_gradient, "_may_be_worthwhile", lambda uses: True)
    training.path.write_bytes(content)
    assert training.resume() == eager

    training.path.unlink()
    replayed = training.fit()
    content = training.files()[4]
    monkeypatch.undo()
    training.path.write_bytes(content)
    assert training.resume() == replayed
    assert (eager[5], replayed[5] != "eager") == ("eager", True)


def test_a_replay_that_was_given_up_stays_given_up(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", "branches", backend="python", batch_size=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_gradient, "_MAX_BRANCHES", 2)
        uninterrupted = training.fit()
        assert uninterrupted[5] == "eager"
        for content in training.files():
            training.path.write_bytes(content)
            assert training.resume() == uninterrupted


@pytest.mark.parametrize("most", range(1, 9))
def test_branches_before_and_after_count_together(most: int, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", "branches", backend="python", batch_size=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_gradient, "_MAX_BRANCHES", most)
        uninterrupted = training.fit(X=X[:6], Y=Y[:6])
        for content in training.files(X=X[:6], Y=Y[:6]):
            training.path.write_bytes(content)
            assert training.resume(X=X[:6], Y=Y[:6]) == uninterrupted
