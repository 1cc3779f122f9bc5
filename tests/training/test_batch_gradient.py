"""fit on replay: the same training as eagerly, taken by itself where it can be."""

import random
from importlib.util import find_spec
from typing import Any

import pytest
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.training.batch_gradient import Eager, Replayed, batch_gradient

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")


def data(n: int) -> tuple[list[list[float]], list[float]]:
    rng = random.Random(5)
    X = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(n)]
    return X, [x[0] * x[1] for x in X]


def train(backend: str, loss: Any = losses.squared_error, n: int = 12, **options: Any) -> Any:
    random.seed(3)
    X, Y = data(n)
    model = nn.MLP(2, [5, 1], activation="tanh")
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    options = {"epochs": 6, "batch_size": 5, **options}
    history = sg.fit(model, X, Y, loss, optimizer, backend=backend, **options)
    return history, [p.data for p in model.parameters()], model


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": None},
        {"validation": data(7)},
        {"early_stopping": 2, "validation": data(3), "epochs": 40},
    ],
    ids=["batches", "all at once", "validation", "early stopping"],
)
def test_replay_trains_as_eager_code_does(backend: str, options: dict[str, Any]) -> None:
    replayed, theta, _ = train(backend, **options)
    eager, right, _ = train("eager", **options)

    assert (replayed.backend, eager.backend) == (backend, "eager")
    assert theta == pytest.approx(right, rel=1e-9, abs=1e-12)
    assert replayed.losses == pytest.approx(eager.losses, rel=1e-9)
    assert replayed.validation == pytest.approx(eager.validation, rel=1e-9)
    assert replayed.stopped == eager.stopped
    assert replayed.best_epoch == eager.best_epoch
    assert f"replayed by {backend}" in repr(replayed)
    assert "replayed" not in repr(eager)


@pytest.mark.parametrize("backend", BACKENDS)
def test_targets_in_an_array_of_one_axis(backend: str) -> None:
    """Its elements are NumPy scalars, which look like arrays and cannot change."""
    np = pytest.importorskip("numpy")
    theta = []
    for convert in (list, np.array):
        random.seed(3)
        model = nn.MLP(2, [1])
        X, Y = (convert(column) for column in data(6))
        optimizer = optim.SGD(model.parameters(), lr=0.05)
        history = sg.fit(model, X, Y, losses.squared_error, optimizer, 2, backend=backend)
        assert history.backend == backend
        theta.append([p.data for p in model.parameters()])

    assert theta[0] == theta[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_validation_is_replayed_too(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    validate = Eager.validate
    monkeypatch.setattr(Eager, "validate", lambda *args: calls.append(args) or validate(*args))

    history, *_ = train(backend, validation=data(7))

    assert (len(history.validation), calls) == (6, [])


def test_some_samples_are_checked_in_epochs_1_2_4_and_8(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    steps: list[int] = []
    check, step = Replayed.check, Replayed.step
    monkeypatch.setattr(
        Replayed,
        "check",
        lambda *args: calls.append(len(steps)) or check(*args),  # type: ignore[func-returns-value]
    )
    monkeypatch.setattr(
        Replayed,
        "step",
        lambda *args: steps.append(1) or step(*args),  # type: ignore[func-returns-value]
    )

    train("python", epochs=10, batch_size=None)

    assert calls == [1, 2, 4, 8]


@needs_numba
def test_large_work_is_replayed_by_itself() -> None:
    X, Y = data(3_000)
    model = nn.MLP(2, [8, 1])
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    history = sg.fit(
        model, X, Y, lambda y, t: losses.squared_error(y, t, "mean"), optimizer, epochs=120
    )

    assert history.backend == "numba"
    assert history.losses[-1] < history.losses[0]


def test_small_work_is_not() -> None:
    assert train("auto")[0].backend == "eager"


class Odd(nn.Module):
    """Models that cannot be recorded, or must not be."""

    def __init__(self, kind: str) -> None:
        self.generator = random.Random(1)
        self.kind, self.w = kind, [Value(0.5) for _ in range(400)]

    def __call__(self, x: Any) -> Any:
        w = self.w[0]
        if self.kind == "dropout":
            return w * x[0] if random.random() < 0.5 else w * x[1]
        if self.kind == "leak":
            return w * x[0] + (0.0 if isinstance(x[0], float) else x[0].data)
        if self.kind == "generator":  # which nobody else can see
            return w * x[0] * self.generator.random()
        if self.kind == "array":
            return w * x.sum()
        return w * x[0]


@needs_numba
@pytest.mark.parametrize("kind", ["dropout", "leak", "array", "loss", "generator"])
def test_what_cannot_be_recorded_is_computed_eagerly(kind: str) -> None:
    import numpy as np

    X, Y = data(1_000)
    model = Odd(kind)
    loss: Any = losses.squared_error
    if kind == "loss":
        loss = lambda y, t: sg.sqrt(losses.squared_error(y, t))
    steps = batch_gradient(model, np.array(X), Y, loss, model.parameters(), 100_000, "auto", 50)
    assert isinstance(steps, Eager)
    assert {
        "dropout": "random numbers", "leak": ".data", "array": "'sum'", "loss": "neither the sum",
        "generator": "random numbers",
    }[kind] in steps.reason  # fmt: skip

    with pytest.raises((TypeError, AttributeError)):
        batch_gradient(model, np.array(X), Y, loss, model.parameters(), 1, "numba", 50)


@needs_numba
def test_trying_draws_no_random_numbers() -> None:
    model = Odd("dropout")
    X, Y = data(1_000)
    random.seed(1)
    batch_gradient(model, X, Y, losses.squared_error, model.parameters(), 100_000, "auto", 50)
    drawn = random.random()

    random.seed(1)
    assert random.random() == drawn


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_that_branches_too_often_goes_on_eagerly(backend: str) -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            self.w = [Value(0.3) for _ in range(20)]

        def __call__(self, x: Any) -> Any:
            total = x[0] * 0.0
            for k, w in enumerate(self.w):
                total = total + (w * x[0] if (k - 9.5) / 2 > x[1] else w * w)
            return total

    def run(how: str) -> Any:
        model = Branching()
        X = [[x, y] for x in (-1.0, 0.3, 1.0) for y in (k / 3 - 4.9 for k in range(30))]
        Y = [0.0] * len(X)
        optimizer = optim.SGD(model.parameters(), lr=0.001)
        history = sg.fit(model, X, Y, losses.squared_error, optimizer, epochs=3, backend=how)
        return history, [p.data for p in model.parameters()]

    (history, theta), (_, right) = run(backend), run("eager")
    assert theta == pytest.approx(right, rel=1e-9)
    assert history.backend == "eager"
    assert history.reason == "the model branches in more than 16 ways"


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_that_are_not_finite_come_out_as_eagerly(backend: str) -> None:
    def run(how: str) -> Any:
        w = Value(1.0)
        optimizer = optim.SGD([w], lr=1e3)
        with pytest.raises(OverflowError, match="exp"):
            sg.fit(
                lambda x: sg.exp(w * x), [1.0, 2.0], [1e3, 1e3], losses.squared_error, optimizer,
                epochs=9, backend=how,
            )  # fmt: skip
        return w.data

    assert run(backend) == pytest.approx(run("eager"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_keeps_what_was_learnt(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    step = Replayed.step

    def interrupted(self: Any, *args: Any) -> float:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise KeyboardInterrupt
        return step(self, *args)

    monkeypatch.setattr(Replayed, "step", interrupted)
    history, theta, model = train(backend)
    assert history.stopped == "interrupted"
    assert len(history.losses) == 1
    assert theta == [p.data for p in model.parameters()]
    assert history.backend == backend


def test_a_backend_that_cannot_is_an_error_that_says_why() -> None:
    with pytest.raises(sg.RecordingError, match="neither the sum nor the mean"):
        train("python", loss=lambda y, t: sg.sqrt(losses.squared_error(y, t)))
    with pytest.raises(ValueError, match="backend is one of"):
        train("torch")


@needs_numba
def test_what_fails_only_later_goes_on_eagerly() -> None:
    class Late(nn.Module):
        def __init__(self) -> None:
            self.w = [Value(0.5), Value(0.5)]

        def __call__(self, x: Any) -> Any:
            y = self.w[0] * x[0]
            if x[0] > 0.9:  # no such sample in the first batch
                y = y * self.w[1].data
            return y

    def run(how: str) -> Any:
        model = Late()
        X, Y = [[0.1], [0.2], [1.0], [0.3]], [0.0] * 4
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = sg.fit(
            model, X, Y, losses.squared_error, optimizer, epochs=2, batch_size=1, shuffle=False,
            validation=([[0.1], [0.2, 0.3]], [0.0, 0.0]), backend=how,
        )  # fmt: skip
        return history, [p.data for p in model.parameters()]

    (history, theta), (right, right_theta) = run("numba"), run("eager")
    assert theta == pytest.approx(right_theta)
    assert history.validation == pytest.approx(right.validation)
    assert history.backend == "eager"
    assert ".data" in history.reason


def losses_by_hand(weights: list[float]) -> Any:
    def loss(outputs: Any, targets: Any) -> Any:
        pairs = zip(weights, outputs, targets, strict=False)
        return sg.sum([w * (y - t) ** 2 for w, y, t in pairs])

    return loss


@needs_numba
@pytest.mark.parametrize("kind", ["by place", "class weights", "own data"])
def test_what_the_recording_does_not_see_is_computed_eagerly(kind: str) -> None:
    X, Y = data(100)
    Y = [float(y > 0) for y in Y]
    model: Any = nn.MLP(2, [8, 1])
    loss = losses_by_hand([1.0] * 50 + [5.0] * 50)
    if kind == "class weights":
        weights = {0.0: 1.0, 1.0: 9.0}

        def loss(outputs: Any, targets: Any) -> Any:
            return sg.sum(
                [weights.get(t, 1.0) * (y - t) ** 2 for y, t in zip(outputs, targets, strict=True)]
            )

    if kind == "own data":
        loss = losses.squared_error

        class Data(list[Any]):
            pass

        X = Data(X)
    steps = batch_gradient(model, X, Y, loss, model.parameters(), 100_000, "auto", 100)
    assert isinstance(steps, Eager)
    expected = {"by place": "neither the sum", "class weights": "looks up", "own data": "Data"}
    assert expected[kind] in steps.reason


@needs_numba
def test_a_model_that_changes_is_found_out() -> None:
    temperature = [1.0]
    w = Value(0.5)
    optimizer = optim.SGD([w], lr=lambda step: 0.0)
    X, Y = [[0.5], [1.0]], [1.0, 2.0]
    model: Any = lambda x: w * x[0] * temperature[0]
    steps = batch_gradient(model, X, Y, losses.squared_error, [w], 1, "numba", 2)
    steps.check(X, Y, [0, 1])
    assert (steps.name, optimizer.current_lr()) == ("numba", 0.0)

    temperature[0] = 3.0
    steps.check(X, Y, [0, 1])
    assert steps.name == "eager"
    assert "eagerly" in steps.reason


def test_ctrl_c_before_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("scalargrad.training.fit.batch_gradient", interrupted)
    history, _, _ = train("auto")
    assert (history.stopped, history.losses) == ("interrupted", [])
