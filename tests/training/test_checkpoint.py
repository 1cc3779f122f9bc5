"""Tests of checkpoints: wherever a run ends, it goes on to the same bits, or says why not."""

import contextlib
import errno
import itertools
import json
import math
import os
import random
import re
import signal
import struct
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interrupting import ctrl_c_at_line
from replayed import BACKENDS
from terminals import Terminal, slow_clock
from twins import environment

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.training import batch_gradient, checkpoint
from scalargrad.training.checkpoint_file import packed, unpacked
from scalargrad.training.fingerprint import fingerprint
from scalargrad.training.random_state import RandomState

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, -0.5], [-1.0, 0.25], [2.0, 1.0]]
Y = [0.1, 0.7, -0.3, 0.2, 0.0, 0.9, -0.6]
HELD_OUT = [[3.0, -1.0], [-2.0, 0.5]], [0.4, -0.4]

RATES: dict[str, Any] = {"constant": 0.05, "other": 0.1, "schedule": lambda step: 0.2 / (1 + step)}
OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "SGD": optim.SGD,
    "momentum": lambda ps, lr: optim.SGD(ps, lr, momentum=0.9, weight_decay=0.01),
    "Adam": optim.Adam,
}


class Network(nn.MLP):
    """A network that branches, and draws noise if it is told to."""

    def __init__(self, kind: str, interrupt: Callable[[], None] | None = None) -> None:
        super().__init__(2, [3, 1], "tanh")
        self.kind, self.interrupt = kind, interrupt

    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        if self.kind == "noise":
            y = y + random.gauss(0.0, 0.1) + float(np.random.normal(0.0, 0.1))
        if self.interrupt is not None:
            self.interrupt()
        if self.kind == "branches":
            for threshold in (-0.3, 0.0, 0.2):
                if y > threshold:
                    y = y * 1.25
        if self.kind == "infinite":  # a slope of what is not used: a gradient with care, from then
            w = self.layers[0].neurons[0].w[0]
            return sg.where(x[0] > 0.0, y + sg.sqrt(abs(x[0]) * w * w), y)
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
        self.interrupt: Callable[[], None] | None = None  # what a sample does besides
        self.arguments = {"backend": "eager", "epochs": 3, "progress": False} | arguments
        self.model: Any = None

    def fit(self, **others: Any) -> tuple[Any, ...]:
        """Run, and return all that a run leaves, to the last bit."""
        random.seed(5)
        np.random.seed(5)
        self.model = model = Network(self.kind, self.interrupt)
        optimizer = OPTIMIZERS[self.optimizer](model.parameters(), RATES[self.rate])
        arguments = {"X": X, "Y": Y, "loss": losses.squared_error} | self.arguments | others
        history = sg.fit(model, optimizer=optimizer, **arguments)
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


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk, which no test here can switch off."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


# --- the same bits --------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_position_goes_on_to_the_same_bits(
    data: st.DataObject, backend: str, tmp_path: Path
) -> None:
    kinds = ["plain", "branches", "infinite"] + (["noise"] if backend == "eager" else [])
    (tmp_path / "run.ckpt").unlink(missing_ok=True)
    training = Training(
        tmp_path / "run.ckpt", data.draw(st.sampled_from(kinds), "kind"),
        data.draw(st.sampled_from(sorted(OPTIMIZERS)), "optimizer"),
        data.draw(st.sampled_from(["constant", "schedule"]), "rate"),
        backend=backend, epochs=data.draw(st.integers(1, 4), "epochs"),
        batch_size=data.draw(st.none() | st.integers(1, 8), "batch_size"),
        shuffle=data.draw(st.booleans(), "shuffle"),
        validation=data.draw(st.sampled_from([None, HELD_OUT]), "validation"),
        early_stopping=data.draw(st.none() | st.integers(1, 2), "early_stopping"),
    )  # fmt: skip
    uninterrupted = training.fit()
    files = training.files()
    training.path.write_bytes(files[data.draw(st.integers(0, len(files) - 1), "file")])

    assert training.resume() == uninterrupted


@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
@pytest.mark.parametrize("kind", ["plain", "branches", "infinite"])
def test_every_position_of_one_run(backend: str, kind: str, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", kind, backend=backend, batch_size=3)
    uninterrupted = training.fit()
    files = training.files()

    assert len(files) == 1 + 3 * (3 + 1)  # the beginning, and each step and epoch
    cares = [unpacked(content)[0]["engine"]["care"] for content in files]
    assert any(map(any, map(dict.values, cares))) is (kind == "infinite" and backend != "eager")
    for i, content in enumerate(files[:-1]):
        training.path.write_bytes(content)
        assert training.files() == files[i:]
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


@pytest.mark.parametrize("most", [2, 5])
def test_branches_before_and_after_count_together(most: int, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", "branches", backend="python", batch_size=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_gradient, "_MAX_BRANCHES", most)
        uninterrupted = training.fit(X=X[:6], Y=Y[:6])
        for content in training.files(X=X[:6], Y=Y[:6]):
            training.path.write_bytes(content)
            assert training.resume(X=X[:6], Y=Y[:6]) == uninterrupted


def test_more_epochs_go_on_and_fewer_are_refused(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3, early_stopping=9)
    uninterrupted = training.fit(epochs=5)
    content = training.files()[-1]

    with pytest.raises(ValueError, match=r"epoch 3, step 0, which is beyond the epochs=2"):
        training.resume(epochs=2)
    assert training.path.read_bytes() == content
    assert training.resume(epochs=5) == uninterrupted


def test_another_backend_goes_on(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3)
    uninterrupted = training.fit()
    training.path.write_bytes(training.files()[5])
    resumed = training.resume(backend="python")

    assert resumed[5] == "python"
    assert resumed[7] == uninterrupted[7]
    for a, b in zip(resumed[:2], uninterrupted[:2], strict=True):
        assert array("d", a) == pytest.approx(array("d", b), rel=1e-9)


def test_a_run_that_is_done_is_read_and_not_written(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3, validation=HELD_OUT, early_stopping=1,
                        epochs=30, rate="schedule", optimizer="SGD")  # fmt: skip
    done = training.resume()
    assert done[4] == "early stopping"
    assert training.resume() == done
    assert training.files() == []

    def model(x: Any) -> Any:
        raise AssertionError("it runs")

    network = Network("plain")
    optimizer = optim.SGD(network.parameters(), 0.1)
    with pytest.raises(ValueError, match="model is 'a function', and 'Network' in the file"):
        sg.fit(model, X, Y, losses.squared_error, optimizer, 30, checkpoint=training.path,
               resume=True)  # fmt: skip


def test_no_epochs_write_a_file_that_can_go_on(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3)
    uninterrupted = training.fit()
    training.resume(epochs=0)

    assert training.resume() == uninterrupted


# --- interruptions --------------------------------------------------------------------------


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("kind", ["plain", "noise"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, StoppedError])
def test_an_interruption_leaves_the_last_whole_step(
    kind: str, error: type[BaseException], tmp_path: Path
) -> None:
    training = Training(tmp_path / "run.ckpt", kind, batch_size=3, validation=HELD_OUT, epochs=2)
    uninterrupted = training.fit()
    for n in range(2 * (len(X) + len(HELD_OUT[0]))):
        training.path.unlink(missing_ok=True)
        left = n

        def interrupt() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise error

        training.interrupt = interrupt
        with contextlib.suppress(StoppedError):
            assert training.resume()[4] == "interrupted"
        training.interrupt = None
        header, _ = unpacked(training.path.read_bytes())
        steps = header["epoch"] * 3 + header["step"]

        assert steps == sum(n >= count for count in (3, 6, 7, 12, 15, 16))  # samples until then
        assert training.resume() == uninterrupted


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.integers(1, 3000), kind=st.sampled_from(["plain", "noise"]))
def test_ctrl_c_at_any_line_goes_on_to_the_same_bits(line: int, kind: str, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", kind, batch_size=4, epochs=2, early_stopping=1)
    training.path.unlink(missing_ok=True)
    uninterrupted = training.fit()
    with contextlib.suppress(KeyboardInterrupt), ctrl_c_at_line(line):
        training.resume(every=0)

    assert training.resume() == uninterrupted
    assert [*tmp_path.iterdir()] == [training.path]


@pytest.mark.parametrize("calls", range(1, 22))
def test_a_model_that_draws_only_later_goes_on_to_the_same_bits(calls: int, tmp_path: Path) -> None:
    """The file has the last whole step, or an earlier one: never half of a step."""
    training = Training(tmp_path / "run.ckpt", batch_size=3)

    def counting(stop: int) -> Callable[[], None]:
        count = 0

        def interrupt() -> None:
            nonlocal count
            count += 1
            if training.model.layers[0].neurons[0].w[0].data > later:
                random.random()
            if count == stop:
                raise KeyboardInterrupt

        return interrupt

    later = math.inf
    training.interrupt = counting(-1)
    training.fit(epochs=1)
    later = training.model.layers[0].neurons[0].w[0].data - 1e-9  # from the second epoch on
    training.interrupt = counting(-1)
    uninterrupted = training.fit()
    training.interrupt = counting(calls)
    training.resume()
    training.interrupt = counting(-1)

    assert training.resume() == uninterrupted


def test_a_notebook_goes_on_with_the_objects_that_it_has(tmp_path: Path) -> None:
    """Also with a model that is a function, whose parameters are those of the optimizer."""
    ends = []
    for stop in (10**9, 20):
        random.seed(5)
        weights = [Value(0.5), Value(-0.5), Value(0.1)]
        optimizer = optim.Adam(weights, 0.05)
        left = stop

        def model(x: Any, weights: list[Value] = weights) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return sg.dot(weights[:2], x, weights[2])

        history = None
        while history is None or history.stopped == "interrupted":
            history = sg.fit(
                model, X, Y, losses.squared_error, optimizer, 5, 3, progress=False,
                checkpoint=tmp_path / f"{stop}.ckpt", resume=True,
            )  # fmt: skip
        ends.append((bits([w.data for w in weights]), history.losses, random.getstate()))
    assert ends[0] == ends[1]


# A process that is killed before the n-th line that `fit` runs, or tells what it has learnt.
KILLED = """
import hashlib, os, random, signal, sys
import scalargrad as sg
from scalargrad import losses, nn, optim
from interrupting import ctrl_c_at_line

path, backend, line = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(5)
model = nn.MLP(2, [3, 1], "tanh")
X = [[random.gauss(0, 1), random.gauss(0, 1)] for _ in range(9)]
Y = [x * y for x, y in X]
optimizer = optim.Adam(model.parameters(), 0.05)
with ctrl_c_at_line(line, lambda: os.kill(os.getpid(), signal.SIGKILL)):
    history = sg.fit(
        model, X, Y, losses.squared_error, optimizer, 4, 2, (X[:2], Y[:2]), 3, progress=False,
        backend=backend, checkpoint=path, every=0, resume=True,
    )
told = [model.state_dict(), history, optimizer.state_dict(), random.getstate()]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


def _process(path: Path, backend: str, line: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(path), backend, str(line)],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip


LONG = bool(os.environ.get("SCALARGRAD_LONG"))  # make kills
KILLS = 200 if LONG else 2


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("backend", ["eager", *(BACKENDS if LONG else ())])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(
    backend: str, tmp_path: Path
) -> None:
    draw = random.Random(9)
    uninterrupted = _process(tmp_path / "whole.ckpt", backend, 10**9)
    assert uninterrupted.returncode == 0, uninterrupted.stderr
    path = tmp_path / "run.ckpt"
    kills, ended = 0, False
    while not (ended and kills >= KILLS):
        line = draw.randrange(1, 6000) if kills < KILLS else 10**9
        process = _process(path, backend, line)
        ended = process.returncode == 0
        if ended:
            assert process.stdout == uninterrupted.stdout
            path.unlink()  # and the next run
        else:
            assert process.returncode == -signal.SIGKILL, process.stderr
            kills += 1
    assert [p.name for p in tmp_path.iterdir()] == ["whole.ckpt"]


# --- a disk that fails ----------------------------------------------------------------------


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3)
    uninterrupted = training.fit()
    calls = []

    def fsync(file: int) -> None:
        calls.append(file)
        if len(calls) > 5:
            full_disk()

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.warns(RuntimeWarning, match="No space left") as warned:
        assert training.resume(every=0) == uninterrupted
    assert len(warned) == 13 - 5 + 1  # the end is tried twice
    assert "run.ckpt' could not be written (OSError: " in str(warned[0].message)
    assert "Training goes on, and the file holds epoch 1, step 0" in str(warned[-1].message)
    assert [*tmp_path.iterdir()] == [training.path]

    monkeypatch.undo()
    assert training.resume() == uninterrupted


def test_a_folder_that_takes_no_file_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Training(tmp_path / "nowhere" / "run.ckpt").resume()

    monkeypatch.setattr(os, "fsync", full_disk)
    training = Training(tmp_path / "run.ckpt")
    with pytest.raises(OSError, match="No space left"):
        training.resume()
    assert bits([p.data for p in training.model.parameters()]) == training.fit(epochs=0)[0]
    assert [*tmp_path.iterdir()] == []


# --- what is refused ------------------------------------------------------------------------


def _refused(training: Training, error: type[Exception], match: str, **others: Any) -> str:
    """Resume, and see that an error changes neither file nor parameters nor random state."""
    content = training.path.read_bytes()
    before = training.fit(epochs=0)
    with pytest.raises(error, match=match) as caught:
        training.resume(**others)

    assert training.path.read_bytes() == content
    assert bits([p.data for p in training.model.parameters()]) == before[0]
    assert hash(RandomState.now()) == before[7]
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"anything", None])
def test_a_file_is_not_replaced_by_a_new_run(content: bytes | None, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", epochs=2)
    if content is None:
        training.resume()
    else:
        training.path.write_bytes(content)
    holds = "is there already" if content is not None else "holds a run at epoch 2 of 2"
    _refused(training, FileExistsError, f"run.ckpt' {holds}. resume=True goes on", resume=False)


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "batch_size": ({"batch_size": 2}, "batch_size is 2, and 3 in the file"),
    "shuffle": ({"shuffle": False}, "shuffle is False, and True in the file"),
    "loss": ({"loss": losses.hinge}, "loss is 'hinge', and 'squared_error' in the file"),
    "X": ({"X": [*X[:-1], [2.0, 1.5]]}, "X has other numbers than in the file"),
    "Y": ({"Y": [*Y[:-1], 0.0]}, "Y has other numbers than in the file"),
    "fewer": ({"X": X[:6], "Y": Y[:6]}, "number of samples in X is 6, and 7 in the file"),
    "validation": ({"validation": HELD_OUT}, "number of samples in X of validation is 2, and None"),
    "early stopping": ({"early_stopping": 2}, r"early_stopping is \[2, 0.0\], and None in the"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_other_arguments_says_which(name: str, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3)
    training.path.write_bytes(training.files()[4])
    others, match = OTHERS[name]

    message = _refused(training, ValueError, match, **others)
    assert message.startswith(f"fit: {str(training.path)!r} is the checkpoint of another run: ")


@pytest.mark.parametrize(
    ("optimizer", "rate", "match"),
    [
        ("SGD", "constant", "optimizer is 'SGD', and 'Adam' in the file; lr is"),
        ("Adam", "schedule", "lr is 'the function <lambda>', and 0.1 in the file"),
    ],
)
def test_a_file_of_another_optimizer_says_which(
    optimizer: str, rate: str, match: str, tmp_path: Path
) -> None:
    training = Training(tmp_path / "run.ckpt", rate="other")
    training.resume()
    training.optimizer, training.rate = optimizer, rate

    _refused(training, ValueError, match)


def test_a_file_of_another_model_says_which(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    for size, match in ((3, ""), (4, r"layers.0.neurons.3.w \(2 numbers\)")):
        model = nn.MLP(2, [size, 1])
        arguments = (model, X, Y, losses.squared_error, optim.Adam(model.parameters()), 1)
        if match:
            with pytest.raises(ValueError, match=match):
                sg.fit(*arguments, checkpoint=path, resume=True)
        else:
            sg.fit(*arguments, checkpoint=path)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"checkpoint": 3}, TypeError, "fit: checkpoint takes the path of a file"),
        ({"checkpoint": "x", "every": "1"}, TypeError, "fit: every takes a real number|every"),
        ({"checkpoint": "x", "every": -1}, ValueError, "fit: every must be at least 0, got -1"),
        ({"checkpoint": "x", "resume": 1}, TypeError, "fit: resume must be True or False"),
        (
            {"resume": True},
            ValueError,
            "resume=True needs the file to go on from, got checkpoint=None",
        ),
        ({"checkpoint": ".", "resume": True}, OSError, "takes a file"),
        ({"checkpoint": "/dev/zero", "resume": True}, OSError, "takes a file"),
    ],
)
def test_bad_arguments(
    arguments: dict[str, Any], error: type[Exception], match: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=match):
        Training(tmp_path).fit(**arguments)
    assert [*tmp_path.iterdir()] == []


# --- files that are no longer as they were --------------------------------------------------


def test_every_flipped_bit_is_damage(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt")
    training.resume()
    data = training.path.read_bytes()
    _, _, body = data.partition(b"\n")[2].partition(b"\n")
    places = [*range(len(data) - len(body)), *range(len(data) - len(body), len(data), 311)]
    for i in places[::4]:
        flipped = data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]
        with pytest.raises(ValueError, match="it is damaged"):
            unpacked(flipped)
    for i in (0, 30, 300, len(data) - 5):
        training.path.write_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        _refused(training, ValueError, "not a checkpoint that fit has written: it is damaged")


@pytest.mark.parametrize("size", [1, 40, 51, 60, 500, -1])
def test_a_file_that_was_cut_short(size: int, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt")
    training.resume()
    training.path.write_bytes(training.path.read_bytes()[:size])
    message = _refused(training, ValueError, "is not a checkpoint that fit has written: it ")

    assert "it is damaged" in message or size == 1


def test_a_file_that_somebody_changed_and_one_of_another_version(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt")
    training.resume()
    data = training.path.read_bytes()
    training.path.write_bytes(data.replace(b'"lr": 0.05', b'"lr": 0.01'))
    _refused(training, ValueError, "it was changed by hand or by another program")
    training.path.write_bytes(data.replace(b"checkpoint 1,", b"checkpoint 2,"))
    _refused(training, ValueError, "damaged, or of another version of scalargrad")


JUNK: list[Any] = [
    None, True, -1, 10**30, 0.5, math.nan, "", "x", [], [1], [{"numbers": "losses"}], {},
    {"a": [[]]}, [[[0]]],
]  # fmt: skip


def test_a_file_by_a_stranger_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3, validation=HELD_OUT, early_stopping=2)
    training.path.write_bytes(training.files()[6])
    header, arrays = unpacked(training.path.read_bytes())
    # What is true of another run too, or only counts in messages.
    harmless = {"epochs", "backend", "reason", "shares", "care", "best epoch", "gauss", "begun",
                "over", "numpy", "weight_decay", "lr", "eps", "steps"}  # fmt: skip
    before = training.fit(epochs=0)
    for outer, key in [(None, k) for k in header] + [
        (o, k) for o in ("random", "engine", "optimizer") for k in header[o]
    ]:
        for junk in JUNK:
            told, _ = unpacked(packed(header, arrays))
            (told if outer is None else told[outer])[key] = junk
            training.path.write_bytes(packed(told, arrays))
            try:
                training.resume()
            except ValueError as error:
                told = str(error)
                assert told.startswith(f"fit: {str(training.path)!r}"), (key, junk)
                assert bits([p.data for p in training.model.parameters()]) == before[0]
                assert hash(RandomState.now()) == before[7]
            else:
                assert key in harmless, (key, junk)


@pytest.mark.parametrize(
    "name", ["random", "numpy.random", "parameters", "trained", "order", "best"]
)
def test_arrays_by_a_stranger_are_refused(name: str, tmp_path: Path) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3)
    training.path.write_bytes(training.files()[2])
    header, arrays = unpacked(training.path.read_bytes())
    for numbers in (array("d", [1.0] * 5), array("I", [7, 7])):
        training.path.write_bytes(packed(header, arrays | {name: numbers}))
        _refused(training, ValueError, "run.ckpt")


@pytest.mark.parametrize(
    "table", [None, 3, [3], [["a", "d", -1]], [["a", "x", 1]], [["a", "d", 10**12]], [[0, "d", 1]]]
)
def test_tables_of_arrays_that_do_not_fit(table: Any) -> None:
    text = json.dumps({"arrays": table}).encode() + b"\n"
    body = bytes(8)
    line = f"scalargrad checkpoint 1, crc32 {zlib.crc32(text):08x} {zlib.crc32(body):08x}\n"
    with pytest.raises(ValueError, match="fit never writes this"):
        unpacked(line.encode() + text + body)


# --- optimizers of users --------------------------------------------------------------------


class Averaged(optim.Optimizer):
    """Descent along a mean of the last gradients, with memory of several kinds."""

    def __init__(self, parameters: Any, lr: float, memory: Any = None) -> None:
        super().__init__(parameters, lr, 0.0)
        self.recent: list[Any] = []
        self.mean = np.zeros(len(self.parameters))
        self.count, self.memory = 0, memory

    def _changes(self, gradients: Any, lr: float) -> Any:
        mean = 0.5 * self.mean + np.array(gradients)
        return (-lr * mean).tolist(), {"mean": mean, "count": self.count + 1}


def test_an_optimizer_of_a_user_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "own", Averaged)
    training = Training(tmp_path / "run.ckpt", optimizer="own", batch_size=3)
    uninterrupted = training.fit()
    for content in training.files()[:6]:
        training.path.write_bytes(content)
        assert training.resume()[:6] == uninterrupted[:6]


def test_an_optimizer_that_no_file_can_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPTIMIZERS, "own", lambda ps, lr: Averaged(ps, lr, random.Random(1)))
    with pytest.raises(TypeError, match=r"optimizer.memory is Random.* state_dict\(\) and load_"):
        Training(tmp_path / "run.ckpt", optimizer="own").resume()

    class Uncounted(optim.SGD):
        def step(self) -> None:
            self.parameters[0].data -= 0.1

    monkeypatch.setitem(OPTIMIZERS, "own", Uncounted)
    with pytest.raises(TypeError, match=r"Uncounted.step\(\) does not add 1 to Uncounted.steps"):
        Training(tmp_path / "run.ckpt", optimizer="own").resume()


# --- progress, time, data -------------------------------------------------------------------


def test_the_bar_goes_on_from_the_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path / "run.ckpt", batch_size=3, progress=True)
    training.path.write_bytes(training.files()[6])
    slow_clock(monkeypatch)
    with contextlib.redirect_stderr(Terminal()) as stream:
        training.resume()
    shown = stream.getvalue()

    counts = [int(n) for n in re.findall(r"(\d)/9 ", shown)]
    assert min(counts) > 5  # that were done before
    assert max(counts) == 9


def test_time_decides_when_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(checkpoint, "_clock", clock)
    written = []
    write = checkpoint.write_whole

    def note(path: Path, content: bytes) -> Path:
        written.append(now[0])
        return write(path, content)

    monkeypatch.setattr(checkpoint, "write_whole", note)
    Training(tmp_path / "run.ckpt", epochs=20).resume(every=10.0)

    assert [round(b - a) for a, b in itertools.pairwise(written)][:-1] == [11, 11, 11]


def test_fingerprints() -> None:
    same: list[Any] = [[[1, 2], [3, 4]], ((1.0, 2.0), (3.0, 4.0)), np.array([[1, 2], [3, 4]])]
    assert len({fingerprint(x) for x in same}) == 1
    others: list[Any] = [
        [[1, 2, 3], [4]], [[1, 2], [3, 5]], [1, 2, 3, 4], [], [[]], [[], []], [None], ["1", "2"],
        ["12"], [{"a": 1}], [{"b": 1}], [True, [2]], [10**400], [-0.0], [0.0], [Value(1.0)],
        [object()], range(3),
    ]  # fmt: skip
    assert len({fingerprint(x) for x in [*others, *same]}) == len(others) + 1
    assert fingerprint([0.1, [0.2]]) == "5384811dc11d6ae218d5532575aa9859"
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested this deep"):
        fingerprint(deep)
