"""`c.to_jax()`: the plain function of JAX, under JAX's own transforms."""

import random
import subprocess
import sys
from typing import Any

import pytest

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

import scalargrad as sg  # noqa: E402
from scalargrad import Value, losses, nn  # noqa: E402
from scalargrad.replay.backends import backend  # noqa: E402


def network() -> tuple[Any, Any, Any]:
    random.seed(3)
    model = nn.MLP(2, [5, 1], activation="tanh")
    c = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), model.parameters(), backend="python"
    )
    X, Y = np.linspace(-1, 1, 14).reshape(7, 2), np.linspace(0, 1, 7)
    c.record(X, Y)
    return c, X, Y


@pytest.fixture(params=[True, False], ids=["x64", "x32"])
def enabled(request: pytest.FixtureRequest) -> Any:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    assert jax.config.jax_enable_x64 is request.param
    jax.config.update("jax_enable_x64", before)


def test_it_is_a_function_of_jax(enabled: bool) -> None:
    c, X, Y = network()
    value, gradient = c.value_and_grad(X, Y)
    f, theta = c.to_jax(), c.theta
    near = {"rel": 1e-12 if enabled else 1e-6, "abs": 1e-12 if enabled else 1e-6}

    assert f.__name__ == "<lambda>"
    assert f.forms == {((2,), ()): ["grouped"]}
    plain = f(theta, X, Y)
    assert plain.dtype == np.float64  # outside of JAX's transforms, whatever the setting
    assert float(plain) == pytest.approx(value, rel=1e-12)
    assert float(jax.jit(f)(theta, X, Y)) == pytest.approx(value, **near)
    for derivative in (jax.jit(jax.grad(f)), jax.grad(jax.jit(f)), jax.jit(jax.jacfwd(f))):
        assert np.asarray(derivative(theta, X, Y)) == pytest.approx(gradient, **near)
    both = jax.jit(jax.vmap(jax.value_and_grad(f), (0, None, None)))(
        np.stack([theta, 2 * theta]), X, Y
    )
    right = [c.value_and_grad(X, Y, theta=t) for t in (theta, 2 * theta)]
    assert np.asarray(both[0]) == pytest.approx([v for v, _ in right], **near)
    assert np.asarray(both[1]) == pytest.approx(np.stack([g for _, g in right]), **near)
    if not enabled:
        return  # second derivatives are the same code, and the longest to compile
    hessian = np.asarray(jax.jit(jax.hessian(f))(theta, X, Y))
    step = 1e-5 * np.eye(len(theta))
    rows = [
        (c.value_and_grad(X, Y, theta=theta + e)[1] - c.value_and_grad(X, Y, theta=theta - e)[1])
        for e in step
    ]
    assert hessian == pytest.approx(np.stack(rows) / 2e-5, rel=1e-4, abs=1e-4)


def test_derivatives_by_the_columns() -> None:
    w = Value(0.7)
    f = lambda x, y: (sg.dot(x, [w, 2.0]) - y) ** 2
    X, Y = np.linspace(-1, 1, 6).reshape(3, 2), np.array([1.0, 2.0, 3.0])
    c = sg.compile(f, backend="python", reduction="sum")
    value, (dx, dy) = c.value_and_grad(X, Y)
    with jax.enable_x64(True):
        found = jax.jit(jax.value_and_grad(c.to_jax(), (1, 2)))(np.zeros(0), X, Y)

    assert float(found[0]) == pytest.approx(value)
    assert np.asarray(found[1][0]) == pytest.approx(dx)
    assert np.asarray(found[1][1]) == pytest.approx(dy)


DEAD: dict[str, Any] = {
    "where": lambda x, w: sg.where(x > 0, sg.sqrt(x) * w, 0.0) + w,
    "relu": lambda x, w: sg.sqrt(sg.relu(x)) * w,
    "maximum": lambda x, w: sg.maximum(sg.where(x < 0, 0.0, sg.cbrt(x)), -1.0) * w,
    "a division": lambda x, w: sg.where(x != 0, sg.sin(x) / x, 1.0) * w,
}


@pytest.mark.parametrize("kind", DEAD)
def test_no_nan_from_a_dead_branch(kind: str) -> None:
    w = Value(0.5)
    xs = np.array([-1.0, 4.0, -2.0])
    if kind == "a division":
        xs = np.array([0.0, 4.0])
    c = sg.compile(lambda x: DEAD[kind](x, w), [w], backend="python", reduction="sum")
    _, right = c.value_and_grad(xs)
    by_x = sg.compile(lambda x: DEAD[kind](x, w), backend="python", reduction="sum")
    slopes = by_x.value_and_grad(xs)[1]
    f = c.to_jax()
    with jax.enable_x64(True):
        found = jax.jit(jax.grad(f, (0, 1)))(np.array([0.5]), xs)

    assert np.asarray(found[0]) == pytest.approx(right, rel=1e-12)
    assert np.asarray(found[1]) == pytest.approx(slopes, rel=1e-12)


def test_branches_that_were_recorded() -> None:
    w, v = Value(0.7), Value(2.0)
    c = sg.compile(lambda x: w * x * x if x > v else -w * x, [w], backend="python")
    xs = np.array([-1.0, 2.5, 4.0])
    value, gradient = c.value_and_grad(xs)
    f = c.to_jax()
    with jax.enable_x64(True):
        found = jax.jit(jax.value_and_grad(f, (0, 1)))(np.array([0.7]), xs)
        one = sg.compile(lambda x: x if x > 0 else -x, backend="python")
        one.record(1.0)
        unknown = one.to_jax()(None, np.array([1.0, -1.0]))

    assert float(found[0]) == pytest.approx(value)
    assert np.asarray(found[1][0]) == pytest.approx(gradient)
    assert np.asarray(found[1][1]) * 3 == pytest.approx([-0.7, 3.5, 5.6])
    assert np.isnan(unknown)


def test_weights_count_samples() -> None:
    c, X, Y = network()
    f, theta = c.to_jax(), c.theta
    weights = np.array([1.0] * 7 + [0.0, 0.0])
    padded = np.vstack([X, [[np.nan, np.inf], [1.0, 2.0]]]), np.append(Y, [5.0, np.nan])

    run = jax.jit(lambda w, *columns: f.value_and_grad(theta, *columns, weights=w))
    with jax.enable_x64(True):
        value, gradient = run(weights, *padded)
        twice = run(np.array([2.0] * 7 + [0.0, 0.0]), *padded)

    right = c.value_and_grad(X, Y)
    assert float(value) == pytest.approx(right[0], rel=1e-13)
    assert np.asarray(gradient) == pytest.approx(right[1], rel=1e-12)
    assert float(twice[0]) == pytest.approx(right[0], rel=1e-13)


def test_one_sum_over_an_axis() -> None:
    """Of devices or, the same to JAX, of `vmap`."""
    c, X, Y = network()
    f, theta = c.to_jax(), c.theta
    with jax.enable_x64(True):
        run = jax.vmap(
            lambda x, y: f.value_and_grad(theta, x, y, axis="samples"), axis_name="samples"
        )
        run = jax.jit(run)
        value, gradient = run(X.reshape(7, 1, 2), Y.reshape(7, 1))
        traced = jax.make_jaxpr(
            lambda x, y: f.value_and_grad(theta, x, y, axis="samples"), axis_env=[("samples", 7)]
        )(X[:1], Y[:1])

    right = c.value_and_grad(X, Y)
    assert np.asarray(value) == pytest.approx([right[0]] * 7, rel=1e-13)
    assert np.asarray(gradient) == pytest.approx(np.stack([right[1]] * 7), rel=1e-12)
    assert str(traced).count("= psum") == 1


def test_float32() -> None:
    c, X, Y = network()
    f = c.to_jax("float32")
    value = f(c.theta, X, Y)

    assert value.dtype == np.float32
    assert float(value) == pytest.approx(c.value_and_grad(X, Y)[0], rel=1e-5)
    assert "float32" in repr(f)
    with pytest.raises(TypeError, match=r"argument 1 is of int.*: whole numbers.*astype"):
        f(c.theta, X, np.arange(7))


def test_what_undefined_operations_give() -> None:
    c = sg.compile(lambda x: sg.tanh(1.0 / x), backend="python")
    c.record(1.0)
    assert np.isnan(c.to_jax()(None, np.array([1.0, 0.0])))


def test_errors_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    c, X, Y = network()
    f, theta = c.to_jax(), c.theta

    def caught(x: Any) -> Any:
        try:
            return sg.tanh(sg.log(x))
        except ValueError:
            return x

    fails = sg.compile(caught, backend="python")
    fails([1.0, -1.0])
    static = sg.compile(lambda x, n: x * n, backend="python", static_argnums=1)
    static.record(1.0, 2)
    several = sg.compile(lambda x: [x, x], backend="python")
    several.record(1.0)
    for wrong, error, match in [
        (lambda: f(theta[1:], X, Y), ValueError, r"each of the \d+ parameters, got shape"),
        (lambda: f(theta, X, Y[:3]), ValueError, r"equally many.*\(7, 2\), \(3,\)"),
        (lambda: f(theta, X, 1.0), ValueError, "first axis"),
        (lambda: f(theta, np.zeros((7, 3)), Y), ValueError, r"was not recorded.*\(3,\)"),
        (lambda: c.to_jax("float16"), ValueError, "dtype must be one of"),
        (lambda: sg.compile(abs).to_jax(), ValueError, "call it first"),
        (fails.to_jax, ValueError, r"catches the error.*sg.where"),
        (static.to_jax, ValueError, "bind them first"),
        (several.to_jax, TypeError, "returns one number"),
    ]:
        with pytest.raises(error, match=match):
            wrong()
    for found, match in [("0.4.30", r"jax>=0.8 \(installed is 0.4.30\)"), (None, "needs jax")]:
        monkeypatch.setattr(backend, "version", lambda name, found=found: found)
        if found is None:
            monkeypatch.setattr(backend, "find_spec", lambda name: None if name == "jax" else 1)
        for call in (c.to_jax, lambda: sg.compile(abs, backend="jax")):
            with pytest.raises(ImportError, match=match + r".*pip install -e '.\[jax\]'"):
                call()


def test_numpy_draws_the_same_numbers_though_jax_starts() -> None:
    script = (
        "import sys, numpy as np, scalargrad as sg; np.random.seed(7);"
        "c = sg.compile(lambda x: x * x, backend='jax'); assert 'jax' not in sys.modules;"
        "c(2.0); c.to_jax(); assert 'jax' in sys.modules; print(np.random.rand())"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (child.stdout, child.stderr) == (f"{np.random.RandomState(7).rand()}\n", "")
