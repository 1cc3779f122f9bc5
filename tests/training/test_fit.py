"""Tests of training: what fit learns, records, shows and refuses, and how it is interrupted."""

import contextlib
import gc
import math
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from terminals import Terminal, slow_clock

import scalargrad as sg
from scalargrad import EarlyStopping, History, Value, losses, nn, optim

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, -0.5], [-1.0, 0.25], [2.0, 1.0]]
Y = [0.1, 0.7, -0.3, 0.2, 0.0, 0.9, -0.6]


def network() -> nn.MLP:
    random.seed(1337)
    return nn.MLP(2, [4, 1], "tanh")


def numbers(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def fit(model: nn.Module, epochs: int = 3, lr: float = 0.05, **others: Any) -> History:
    arguments = {"X": X, "Y": Y, "loss": losses.squared_error, "epochs": epochs}
    arguments["optimizer"] = optim.SGD(model.parameters(), lr)
    return sg.fit(others.pop("call", model), **arguments | others)


class Slope(nn.Module):
    """w x, whose training can be followed by hand."""

    def __init__(self, w: float = 0.0) -> None:
        self.w = Value(w)

    def __call__(self, x: float) -> Value:
        return self.w * x


class CountDown:
    """Calls a function, but at the n-th call does something else first."""

    def __init__(self, function: Callable[..., Any], n: int, event: Callable[[], Any]) -> None:
        self.function, self.left, self.event = function, n, event

    def __call__(self, *args: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            self.event()
        return self.function(*args)


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


# --- learning -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: optim.SGD(ps, 0.1), lambda ps: optim.Adam(ps, lambda t: 0.1 / (1 + t)),
        lambda ps: optim.SGD(ps, 0.05, momentum=0.9, weight_decay=0.01),
    ],
)  # fmt: skip
def test_the_full_batch_is_the_loop_written_by_hand(make: Callable[..., Any]) -> None:
    model, by_hand = network(), network()
    history = fit(model, 10, optimizer=make(model.parameters()))

    optimizer = make(by_hand.parameters())
    seen = []
    for _ in range(10):
        loss = losses.squared_error([by_hand(x) for x in X], Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.data)

    assert history.losses == seen
    assert numbers(model) == numbers(by_hand)
    assert [p.grad for p in model.parameters()] == [p.grad for p in by_hand.parameters()]


def test_a_full_batch_leaves_the_samples_in_order_and_draws_nothing() -> None:
    model = network()
    state, seen = random.getstate(), []
    fit(model, 2, call=lambda x: seen.append(x) or model(x))

    assert seen == X * 2
    assert random.getstate() == state


def test_arrays_give_what_lists_give() -> None:
    one, other = network(), network()
    expected = fit(one, 3, validation=(X, Y))

    assert fit(other, 3, X=np.array(X), Y=np.array(Y), validation=(np.array(X), Y)) == expected
    assert numbers(one) == numbers(other)


def test_only_the_parameters_of_the_optimizer_move() -> None:
    model = network()
    before = numbers(model)
    fit(model, optimizer=optim.SGD(model.layers[1].parameters(), 0.1))
    frozen = len(model.layers[0].parameters())

    assert numbers(model)[:frozen] == before[:frozen]
    assert all(a != b for a, b in zip(numbers(model)[frozen:], before[frozen:], strict=True))


def test_several_outputs_and_classes_are_learnt() -> None:
    random.seed(2)
    model = nn.MLP(2, [6, 3], "tanh")
    classes = [0, 1, 2, 1, 0, 2, 0]
    history = fit(model, 150, Y=classes, loss=losses.cross_entropy,
                  optimizer=optim.Adam(model.parameters(), 0.1))  # fmt: skip

    assert history.losses[-1] < 0.1 < history.losses[0]
    for x, wanted in zip(X, classes, strict=True):
        logits = [z.data for z in model(x)]

        assert logits.index(max(logits)) == wanted


def test_earlier_gradients_do_not_count() -> None:
    model, clean = network(), network()
    for p in model.parameters():
        p.grad = 1e6
    fit(model)
    fit(clean)

    assert numbers(model) == numbers(clean)


def test_no_epochs_change_nothing() -> None:
    model = network()
    before = numbers(model)
    history = fit(model, 0, validation=(X, Y), early_stopping=2, batch_size=3)

    assert history == History(losses=[], validation=[], best_epoch=None, stopped="epochs")
    assert numbers(model) == before


# --- mini-batches ---------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_sample_has_its_turn_once_an_epoch(batch_size: int, shuffle: bool) -> None:
    model, batches = network(), []

    def loss(outputs: list[Any], targets: list[float]) -> Any:
        batches.append(targets)
        return losses.squared_error(outputs, targets)

    fit(model, 4, loss=loss, batch_size=batch_size, shuffle=shuffle)
    per_epoch = math.ceil(len(X) / batch_size)
    epochs = [batches[i : i + per_epoch] for i in range(0, len(batches), per_epoch)]
    orders = [[y for batch in epoch for y in batch] for epoch in epochs]

    assert len(epochs) == 4
    assert all(len(batch) == batch_size for epoch in epochs for batch in epoch[:-1])
    assert all(sorted(order) == sorted(Y) for order in orders)
    assert (orders == [Y] * 4) is not shuffle
    assert len({tuple(order) for order in orders}) == (4 if shuffle else 1)


def test_samples_stay_with_their_targets() -> None:
    target = {tuple(x): y for x, y in zip(X, Y, strict=True)}
    seen = []

    def loss(outputs: list[Any], targets: list[float]) -> Any:
        seen.extend(zip([o[1] for o in outputs], targets, strict=True))
        return sg.sum(o[0] for o in outputs)

    model = network()
    fit(model, 2, call=lambda x: (model(x), x), loss=loss, batch_size=2)

    assert len(seen) == 2 * len(X)
    assert all(target[tuple(x)] == y for x, y in seen)


def test_a_seed_fixes_the_order_and_another_gives_another() -> None:
    ends = []
    for seed in (5, 5, 6):
        model = network()
        random.seed(seed)
        ends.append((fit(model, 3, batch_size=2).losses, numbers(model)))

    assert ends[0] == ends[1] != ends[2]


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches_before_their_steps() -> None:
    model = Slope()
    history = fit(model, 1, 0.5, X=[1.0, 2.0], Y=[1.0, 0.5], batch_size=1, shuffle=False)

    # 1/2 (0 - 1)^2 = 0.5, then w = 0.5; 1/2 (0.5 * 2 - 0.5)^2 = 0.125, then w = 0.5 - 0.5 * 0.5 * 2
    assert history.losses == [0.3125]
    assert model.w.data == 0.0


# --- validation and early stopping ----------------------------------------------------------


def test_validation_is_recorded_after_each_epoch_and_not_learnt_from() -> None:
    model, without = network(), network()
    held_out = [[3.0, -1.0], [-2.0, 0.5]], [0.4, -0.4]
    expected = []
    for _ in range(5):
        fit(without, 1)
        expected.append(losses.squared_error([without(x) for x in held_out[0]], held_out[1]).data)
    history = fit(model, 5, validation=held_out)

    assert history.validation == expected
    assert numbers(model) == numbers(without)
    assert [p.grad for p in model.parameters()] == [p.grad for p in without.parameters()]


def test_validation_builds_no_graph() -> None:
    model, outputs = network(), []

    def call(x: list[float]) -> Any:
        outputs.append(model(x))
        return outputs[-1]

    fit(model, 1, call=call, validation=([[9.0, 9.0]], [0.0]))

    assert [bool(y.parents) for y in outputs] == [True] * len(X) + [False]
    assert (Value(1.0) * 2).parents  # and afterwards graphs are built again


@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("make", [EarlyStopping, int])
def test_early_stopping_puts_the_best_epoch_back(patience: int, make: Callable[..., Any]) -> None:
    # w goes 0.5, 1, 1.5 ... past the 1.2 that the validation set wants
    model = Slope()

    def loss(outputs: list[Any], targets: list[float]) -> Any:
        return -outputs[0] if targets == [0.0] else losses.squared_error(outputs, targets)

    history = fit(model, 20, 0.5, X=[1.0], Y=[0.0], loss=loss, validation=([1.0], [1.2]),
                  early_stopping=make(patience))  # fmt: skip
    seen = history.validation

    assert history.stopped == "early stopping"
    assert history.best_epoch == 1 == seen.index(min(seen))
    assert len(seen) == len(history.losses) == 2 + patience
    assert model.w.data == 1.0
    assert losses.squared_error(model(1.0), 1.2).data == min(seen)


def test_patience_that_lasts_puts_the_best_epoch_back_too() -> None:
    model = Slope(2.0)
    targets = iter([1.0, 0.5, 0.9, 0.9])

    def loss(outputs: list[Any], targets_: list[float]) -> Any:
        return sg.sum(outputs) if targets_ == [0.0] else sg.sum(outputs) * 0.0 + next(targets)

    history = fit(model, 4, 0.125, X=[1.0], Y=[0.0], loss=loss, validation=([1.0], [9.0]),
                  early_stopping=10)  # fmt: skip

    assert (history.stopped, history.best_epoch) == ("epochs", 1)
    assert history.validation == [1.0, 0.5, 0.9, 0.9]
    assert model.w.data == 1.75


@pytest.mark.parametrize(("min_delta", "epochs"), [(0.0, 50), (0.025, 13), (0.05, 4)])
def test_a_smaller_gain_than_min_delta_is_none(min_delta: float, epochs: int) -> None:
    # the loss is .5, .490, .480, .471, .461 ...
    history = fit(Slope(), 50, 0.01, X=[1.0], Y=[1.0], early_stopping=EarlyStopping(3, min_delta))

    assert len(history.losses) == epochs
    assert history.best_epoch == epochs - (1 if epochs == 50 else 4)


def test_without_validation_the_training_loss_is_watched() -> None:
    model = Slope()
    history = fit(model, 50, 2.5, X=[1.0], Y=[1.0], early_stopping=3)  # too fast: it diverges

    assert history.stopped == "early stopping"
    assert history.best_epoch == 0
    assert len(history.losses) == 4


def test_the_parameters_put_back_have_the_best_training_loss() -> None:
    model = Slope()
    history = fit(model, 50, 2.5, X=[1.0], Y=[1.0], early_stopping=3)

    assert losses.squared_error(model(1.0), 1.0).data == min(history.losses)


def test_without_early_stopping_no_epoch_is_best() -> None:
    assert fit(network(), 2, validation=(X, Y)).best_epoch is None


# --- numbers that are none ------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [None, 2])
@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_no_number_does_not_crash(
    early_stopping: int | None, batch_size: int | None, wrong: float
) -> None:
    history = fit(network(), 6, Y=[wrong] * len(Y), validation=(X, [wrong] * len(Y)),
                  early_stopping=early_stopping, batch_size=batch_size)  # fmt: skip

    assert not any(math.isfinite(loss) for loss in history.losses + history.validation)
    assert len(history.losses) == len(history.validation) == (3 if early_stopping else 6)
    assert (history.stopped == "early stopping") is (early_stopping is not None)


def test_early_stopping_puts_back_what_was_there_before_the_nan() -> None:
    model = Slope()
    optimizer = optim.SGD(model.parameters(), lambda t: 0.125 if t < 2 else math.inf)
    history = fit(
        model,
        20,
        X=[1.0],
        Y=[1.0],
        validation=([1.0], [1.0]),
        early_stopping=3,
        loss=lambda y, t: losses.hinge(y, t) + 0.0 * y[0],
        optimizer=optimizer,
    )

    assert history.validation[:2] == [0.875, 0.75]
    assert all(map(math.isnan, history.validation[2:]))
    assert (history.best_epoch, model.w.data) == (1, 0.25)


def test_a_training_that_diverges_goes_to_infinity_without_an_error() -> None:
    # w - 1 is multiplied by -4 each time: its square overflows first, at last w itself
    seen = fit(Slope(), 600, 5.0, X=[1.0], Y=[1.0]).losses

    assert seen[500] == math.inf
    assert len(seen) == 600
    assert not math.isfinite(seen[-1])


# --- Ctrl-C ---------------------------------------------------------------------------------


def _interrupted(n: int, part: str, event: Callable[[], Any] = press_ctrl_c) -> Any:
    """Train with Ctrl-C at the n-th call of a part; returns the model and the history."""
    model = network()
    optimizer = optim.SGD(model.parameters(), 0.05)
    if part == "optimizer":
        optimizer.step = CountDown(optimizer.step, n, event)  # type: ignore[method-assign]
        history = fit(model, 9, optimizer=optimizer)
    elif part == "schedule":
        optimizer.lr = CountDown(lambda t: 0.05, n, event)
        history = fit(model, 9, optimizer=optimizer)
    elif part == "model":
        history = fit(model, 9, optimizer=optimizer, call=CountDown(model, (n - 1) * 7 + 4, event))
    else:
        loss = CountDown(losses.squared_error, n, event)
        history = fit(model, 9, optimizer=optimizer, loss=loss)
    return model, history


@pytest.mark.parametrize("part", ["model", "loss", "optimizer", "schedule"])
@pytest.mark.parametrize("n", [1, 4])
def test_ctrl_c_keeps_what_was_learnt(part: str, n: int) -> None:
    model, history = _interrupted(n, part)
    expected = network()
    losses_before = fit(expected, n - 1).losses

    assert history.stopped == "interrupted"
    assert history.losses == losses_before
    assert numbers(model) == numbers(expected)


def test_a_real_signal_is_a_ctrl_c() -> None:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        model, history = _interrupted(4, "loss", lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, handler)
    expected = network()
    fit(expected, 3)

    assert (history.stopped, len(history.losses)) == ("interrupted", 3)
    assert numbers(model) == numbers(expected)


def test_after_ctrl_c_training_goes_on_where_it_stopped() -> None:
    model, expected = network(), network()
    optimizer = optim.SGD(model.parameters(), 0.05, momentum=0.9)
    loss = CountDown(losses.squared_error, 3, press_ctrl_c)
    fit(model, 9, optimizer=optimizer, loss=loss)
    fit(model, 4, optimizer=optimizer)
    fit(expected, 6, optimizer=optim.SGD(expected.parameters(), 0.05, momentum=0.9))

    assert numbers(model) == numbers(expected)


def test_ctrl_c_with_early_stopping_puts_the_best_epoch_back() -> None:
    model = Slope()
    loss = CountDown(losses.squared_error, 7, press_ctrl_c)  # two calls for each epoch
    # w is 2.5, -3.75 ...: the first epoch is the best
    history = fit(model, 9, 2.5, X=[1.0], Y=[1.0], validation=([1.0], [1.0]), loss=loss,
                  early_stopping=5)  # fmt: skip

    assert (history.stopped, history.best_epoch) == ("interrupted", 0)
    assert model.w.data == 2.5


def test_ctrl_c_before_the_first_step_leaves_the_parameters() -> None:
    model, history = _interrupted(1, "loss")

    assert repr(history) == "History(no epoch finished, stopped='interrupted')"
    assert numbers(model) == numbers(network())


def test_ctrl_c_during_validation_leaves_graphs_being_built() -> None:
    loss = CountDown(losses.squared_error, 2, press_ctrl_c)
    history = fit(network(), 3, loss=loss, validation=(X, Y))

    assert history.stopped == "interrupted"
    assert history.validation == []
    assert (Value(1.0) * 2).parents


def test_losses_and_validation_stay_of_one_length() -> None:
    loss = CountDown(losses.squared_error, 4, press_ctrl_c)
    history = fit(network(), 3, loss=loss, validation=(X, Y))

    assert len(history.losses) == len(history.validation) == 1


def test_another_error_is_not_hidden() -> None:
    def fail() -> None:
        raise RuntimeError("the loss is broken")

    with pytest.raises(RuntimeError, match="the loss is broken"):
        _interrupted(2, "loss", fail)


# --- what is refused ------------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"X": X[:-1]}, ValueError, "fit: X and Y must have the same length, got 6 and 7"),
    ({"X": [], "Y": []}, ValueError, "X and Y are empty"),
    ({"validation": (X, Y[:-1])}, ValueError, "fit: validation: .* same length, got 7 and 6"),
    ({"validation": ([], [])}, ValueError, "fit: validation: X and Y are empty"),
    ({"optimizer": None}, TypeError, "optimizer must be .*scalargrad.optim, got NoneType"),
    ({"optimizer": optim.SGD}, TypeError, "optimizer must be .*got type"),
    ({"loss": lambda o, t: 1.5}, TypeError, "loss must be one Value, got float: 1.5"),
    ({"loss": lambda o, t: o}, TypeError, "loss must be one Value, got list"),
    ({"early_stopping": 0}, ValueError, "patience must be at least 1, got 0"),
    ({"epochs": -1}, ValueError, "fit: epochs must be at least 0, got -1"),
    *(({"batch_size": n}, ValueError, f"fit: batch_size must be at least 1, got {n}")
      for n in (0, -1)),
    *(({name: n}, TypeError, f"{message} must be a whole number, got {type(n).__name__}: {n!r}")
      for name, message in (("epochs", "fit: epochs"), ("batch_size", "fit: batch_size"),
                         ("early_stopping", "patience"))
      for n in (2.0, "3", True)),
    ({"epochs": None}, TypeError, "fit: epochs must be a whole number, got NoneType: None"),
    ({"X": [[1.0]] * 7}, ValueError, "a layer with 2 inputs was given 1"),
    ({"Y": [[1.0]] * 7}, ValueError, "same shape"),
    ({"X": iter(X)}, TypeError, "fit: X must be a list or an array, got list_iterator"),
    ({"Y": None}, TypeError, "fit: Y must be a list or an array, got NoneType"),
    ({"Y": "abcdefg"}, TypeError, "fit: Y must be a list or an array, got str"),
    ({"validation": 3}, TypeError, "fit: validation must be a pair \\(X, Y\\), got int"),
    ({"validation": (X,)}, TypeError, "fit: validation must be a pair .* got tuple"),
    ({"validation": (X, Y, X)}, TypeError, "fit: validation must be a pair .* got tuple"),
    ({"validation": (X, 3)}, TypeError, "fit: validation: Y must be a list or an array, got int"),
    ({"call": None}, TypeError, "fit: model must be callable, got NoneType"),
    ({"loss": "squared_error"}, TypeError, "fit: loss must be callable, got str"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_what_does_not_fit_is_named_and_nothing_changes(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = network()
    before = numbers(model)
    with pytest.raises(error, match=message):
        fit(model, **arguments)

    assert numbers(model) == before
    assert [p.grad for p in model.parameters()] == [0.0] * len(before)


@pytest.mark.parametrize(
    "arguments",
    [
        {"X": [*X[:-1], [1.0]], "batch_size": 1, "shuffle": False},
        {"X": [*X[:-1], [1.0]], "batch_size": 1, "shuffle": False, "early_stopping": 2},
    ],
)
def test_a_sample_that_does_not_fit_ends_the_training_there(arguments: dict[str, Any]) -> None:
    model, expected = network(), network()
    with pytest.raises(ValueError, match="a layer with 2 inputs was given 1"):
        fit(model, **arguments)
    fit(expected, 1, X=X[:-1], Y=Y[:-1], batch_size=1, shuffle=False)

    assert numbers(model) == numbers(expected)


@pytest.mark.parametrize(
    ("validation", "message"),
    [(([[1.0]], [1.0]), "a layer with 2 inputs"), (([[1.0, 2.0]], [[1.0]]), "same shape")],
)
def test_a_validation_that_does_not_fit_ends_the_training_after_an_epoch(
    validation: Any, message: str
) -> None:
    model, expected = network(), network()
    with pytest.raises(ValueError, match=message):
        fit(model, validation=validation)
    fit(expected, 1)

    assert numbers(model) == numbers(expected)
    assert (Value(1.0) * 2).parents  # graphs are built again


@pytest.mark.parametrize("patience", [0, -1])
def test_patience_is_at_least_1(patience: int) -> None:
    with pytest.raises(ValueError, match=f"patience must be at least 1, got {patience}"):
        EarlyStopping(patience)


@pytest.mark.parametrize("patience", [1.5, "2", None, True])
def test_patience_is_a_whole_number(patience: Any) -> None:
    message = f"patience must be a whole number, got {type(patience).__name__}: {patience!r}"
    with pytest.raises(TypeError, match=message):
        EarlyStopping(patience)


@pytest.mark.parametrize(
    ("min_delta", "error"),
    [("0.1", TypeError), (None, TypeError), (math.nan, ValueError), (-0.1, ValueError)],
)
def test_min_delta_is_a_number_from_0_on(min_delta: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"early stopping: min_delta .*got"):
        EarlyStopping(2, min_delta)


@pytest.mark.parametrize("name", ["epochs", "batch_size", "early_stopping"])
def test_numpy_integers_are_whole_numbers(name: str) -> None:
    assert len(fit(network(), **{"epochs": 2} | {name: np.int64(2)}).losses) == 2


# --- the history ----------------------------------------------------------------------------


def test_the_history_tells_how_it_went() -> None:
    history = History([2.0, 1.0, 0.123456], stopped="early stopping")

    assert repr(history) == "History(3 epochs, loss 2 -> 0.1235, stopped='early stopping')"
    history.validation = [3.0, 2.5, 2.0]
    assert ", validation 3 -> 2, stopped=" in repr(history)


# --- the progress bar -----------------------------------------------------------------------


def shown(work: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What a terminal gets while `work` is done."""
    with contextlib.redirect_stderr(Terminal()) as stream:
        work(*args, **kwargs)
    return stream.getvalue()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which everything takes long."""
    slow_clock(monkeypatch)


def test_long_work_shows_its_steps_and_its_loss(slow: None) -> None:
    histories: list[History] = []
    text = shown(lambda: histories.append(fit(network(), 10)))

    assert text.endswith("]\n")
    assert text.count("\n") == 1
    assert "\rfit: 100%|" in text
    assert "| 10/10 [" in text
    assert f"/step, eager, loss {histories[0].losses[-1]:.4g}]\n" in text


def test_each_batch_is_a_step(slow: None) -> None:
    assert "| 8/8 [" in shown(fit, network(), 2, batch_size=2)


@pytest.mark.parametrize("part", ["model", "loss"])
def test_an_interrupted_bar_is_ended(slow: None, part: str) -> None:
    text = shown(_interrupted, 8, part)

    assert "| 7/9 [" in text
    assert text.endswith("]\n")


def test_an_error_ends_the_bar_too(slow: None) -> None:
    with contextlib.redirect_stderr(Terminal()) as stream:
        with pytest.raises(ZeroDivisionError) as caught:
            _interrupted(8, "loss", lambda: 1 / 0)
        assert stream.getvalue().endswith("]\n")  # though the traceback keeps the bar alive

    assert caught.tb


def test_the_bar_can_be_turned_off(slow: None) -> None:
    assert shown(fit, network(), 10, progress=False) == ""


def test_a_file_or_pipe_gets_no_bar(slow: None, capfd: pytest.CaptureFixture[str]) -> None:
    fit(network(), 10, validation=(X, Y), early_stopping=3, batch_size=2)

    assert capfd.readouterr() == ("", "")


def test_without_a_standard_error_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)

    assert len(fit(network(), 2).losses) == 2


def test_the_collector_is_as_it_was() -> None:
    model = nn.MLP(1, [1])
    seen = []

    def loss(outputs, targets):
        seen.append(gc.isenabled())
        return losses.squared_error(outputs, targets)

    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            sg.fit(model, [[1.0]], [1.0], loss, optimizer, epochs=2)
            assert gc.isenabled() is enabled
        finally:
            gc.enable()
    assert seen == [False] * 4
