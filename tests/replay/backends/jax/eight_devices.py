"""What `test_sharded.py` runs in a process with 8 devices: each function is a test."""

import doctest
import random
from pathlib import Path
from typing import Any

import pytest
from rooms import ROOT

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

from jax.sharding import AxisType, NamedSharding, PartitionSpec  # noqa: E402

import scalargrad as sg  # noqa: E402
from scalargrad import Value, losses, nn, optim  # noqa: E402
from scalargrad.replay.backends.backend import DeviceError  # noqa: E402
from scalargrad.replay.backends.jax import form, runner, sharded  # noqa: E402

AUTO, EXPLICIT = AxisType.Auto, AxisType.Explicit


@pytest.fixture(autouse=True)
def split_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small calls too, which would run whole."""
    monkeypatch.setattr(runner, "WORTH_COMPILING", 0)


def mesh(*shape: int, names: tuple[str, ...] = ("samples",), kind: AxisType = AUTO) -> Any:
    return jax.make_mesh(shape or (8,), names, axis_types=(kind,) * len(names))


def network(n: int) -> tuple[Any, Any, Any]:
    random.seed(3)
    model = nn.MLP(2, [5, 1], activation="tanh")
    c = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), model.parameters(), backend="jax"
    )
    X = np.random.default_rng(n).normal(size=(n, 2))
    return c, X, np.sin(X[:, 0])


def close(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-13))


def test_eight_devices() -> None:
    assert jax.device_count() == 8


def test_any_number_of_samples() -> None:
    c, X, Y = network(21)
    right = sg.compile(c.f, c.params, backend="python")
    s = c.shard(mesh())

    for n in (1, 3, 8, 21):
        value, gradient = s.value_and_grad(X[:n], Y[:n])
        assert close(value, right.value_and_grad(X[:n], Y[:n])[0])
        assert close(gradient, right.value_and_grad(X[:n], Y[:n])[1])
    assert close(s(X, Y), c(X, Y))
    assert s.backend == "jax"
    assert "8 devices" in repr(s)


@pytest.mark.parametrize("most", [4_000, 0], ids=["grouped", "interpreted"])
def test_both_forms(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MOST_OPERATIONS", most)
    c, X, Y = network(21)
    s = c.shard(mesh(2, 4, names=("other", "samples"), kind=EXPLICIT))

    assert close(s.value_and_grad(X, Y)[1], c.value_and_grad(X, Y)[1])
    assert s.form == ("grouped" if most else "interpreted")
    s.reduction = "sum"
    assert close(s.value_and_grad(X, Y)[0] / 21, c.value_and_grad(X, Y)[0])


def test_by_the_arguments() -> None:
    xs = np.linspace(0.5, 2.0, 11)
    c = sg.compile(lambda x, y: sg.sin(x) * y if x > y else sg.log(y), backend="python")
    s = c.shard(mesh())

    found, right = s.value_and_grad(xs, xs[::-1]), c.value_and_grad(xs, xs[::-1])
    assert close(found[0], right[0])
    for a, b in zip(found[1], right[1], strict=True):
        assert close(a, b)


def test_branches_choices_errors_and_infinities() -> None:
    w, v = Value(0.7), Value(2.0)

    def f(x: Value) -> Value:
        y = sg.take([x, x * x, w * x], sg.floor(x))
        return v * y if x > w else sg.log(x) * w

    c = sg.compile(f, [w], backend="python")
    xs = np.linspace(0.1, 2.0, 19)
    right = c.value_and_grad(xs)
    s = c.shard(mesh())
    assert s.recordings == c.recordings == 2  # taken over
    value, gradient = s.value_and_grad(xs)
    assert close(value, right[0])
    assert close(gradient, right[1])
    v.data = 3.0
    assert close(s.backward(xs), c.backward(xs))
    s.theta = [0.9]
    assert close(s.value_and_grad(xs)[0], c.value_and_grad(xs)[0])

    xs[13] = -1.0
    with pytest.raises(ValueError, match=r"sample 13: v\d+ = log\(x\).*x = -1.0"):
        s.value_and_grad(xs)
    huge = sg.compile(lambda x: sg.sqrt(x) * w, [w], backend="python").shard(mesh())
    with pytest.raises(FloatingPointError, match="sample 2: x is inf"):
        huge([1.0, 2.0, np.inf])


def test_an_operation_of_the_user() -> None:
    cube = sg.primitive("cube", lambda x: x**3, lambda x, out: (3 * x * x,))
    w = Value(1.5)
    c = sg.compile(lambda x: cube(w * x), [w], backend="python")
    xs = np.arange(1.0, 12.0)

    assert close(c.shard(mesh()).value_and_grad(xs)[1], c.value_and_grad(xs)[1])


def test_samples_that_python_looks_at_among_many() -> None:
    c = sg.compile(lambda x: sg.log(x) * 2.0, backend="python", allow_nonfinite=True)
    xs = np.array([1.0, -1.0, 2.0, 3.0])

    assert np.array_equal(c.shard(mesh())(xs), c(xs), equal_nan=True)


def test_one_sum_over_the_devices() -> None:
    c, X, Y = network(16)
    s = c.shard(mesh())
    s.value_and_grad(X, Y)
    (variants,) = s._variants.values()
    function = variants[0]._ready["gradient", False][1]._made()
    with jax.enable_x64(True):
        traced = str(jax.make_jaxpr(function)(s.theta, np.ones((3, 16)), np.ones(16)))

    assert traced.count("psum[") + traced.count("psum_invariant[") == 1, traced
    assert "all_gather" not in traced


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=["auto", "explicit"])
def test_arrays_that_lie_on_the_devices(kind: AxisType, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = mesh(kind=kind)
    w, v = Value(0.7), Value(2.0)
    c = sg.compile(
        lambda x, y: v * w * x * x - y if x > w else sg.log(x) * w, [w], backend="python"
    )
    x, y = np.linspace(0.1, 2.0, 24), np.linspace(-1.0, 1.0, 24)

    def put(x: Any) -> Any:
        with jax.enable_x64(True):
            return jax.device_put(x, NamedSharding(devices, PartitionSpec("samples")))

    s = c.shard(devices)
    X, Y = put(x), put(y)
    right = c.value_and_grad(x, y)
    for _ in range(2):  # the second branch is found by the host; then all stays on the devices
        value, gradient = s.value_and_grad(X, Y)
        assert close(value, right[0])
        assert close(gradient, right[1])
        if s.recordings == 2:
            monkeypatch.setattr(s, "_batch", lambda *_: pytest.fail("fetched"))
    v.data = 3.0  # followed
    assert close(s.value_and_grad(X, Y)[0], c.value_and_grad(x, y)[0])
    assert close(s.value_and_grad(X, Y, theta=[0.9])[0], c.value_and_grad(x, y, theta=[0.9])[0])
    monkeypatch.undo()
    assert close(s(X, Y), c(x, y))

    x[5] = -1.0
    with pytest.raises(ValueError, match=r"sample 5: .*log"):
        s.value_and_grad(put(x), Y)
    with pytest.raises(TypeError, match="one number"):
        sg.compile(lambda x: [x, w], [w], backend="python").shard(devices).value_and_grad(X)


def test_training_and_going_on(tmp_path: Path) -> None:
    def run(epochs: int, path: str | None, mesh: Any, resume: bool = False) -> list[float]:
        random.seed(5)
        model = nn.MLP(2, [4, 1], activation="tanh")
        X = np.random.default_rng(0).normal(size=(43, 2))
        Y = np.sin(X[:, 0])
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        history = sg.fit(
            model, X, Y, losses.squared_error, optimizer, epochs, 16, (X[:9], Y[:9]),
            progress=False, backend="jax", mesh=mesh, resume=resume,
            checkpoint=None if path is None else tmp_path / path,
        )  # fmt: skip
        assert history.backend == "jax"
        return [p.data for p in model.parameters()] + history.losses + history.validation

    whole = run(4, "whole", mesh())
    run(2, "half", mesh())
    assert run(4, "half", mesh(), resume=True) == whole
    assert close(whole, run(4, None, None))


def test_devices_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes on alone, eagerly, while others wait for a sum."""
    c, X, Y = network(16)
    model = nn.MLP(2, [1])

    def fails(*args: Any) -> Any:
        raise jax.errors.JaxRuntimeError("the connection is gone")

    monkeypatch.setattr(sharded.ShardedRunner, "_run", fails)
    for call in (
        lambda: c.shard(mesh()).value_and_grad(X, Y),
        lambda: sg.fit(
            model, X, Y, losses.squared_error, optim.SGD(model.parameters(), 0.1), 1, mesh=mesh()
        ),
    ):
        with pytest.raises(DeviceError, match=r"'samples': 8.*the connection is gone"):
            call()


def test_the_page_says_what_is_so() -> None:
    page = str(ROOT / "docs" / "guide" / "scale.md")
    failed, tried = doctest.testfile(page, module_relative=False, globs={"sg": sg})

    assert (failed, tried > 15) == (0, True)
