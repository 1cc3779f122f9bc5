"""What `test_sharded.py` runs in each of two processes, with two devices each."""

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

from jax.sharding import AxisType, PartitionSpec  # noqa: E402

import scalargrad as sg  # noqa: E402
from scalargrad import losses, nn, optim  # noqa: E402
from scalargrad.replay.backends.jax import runner  # noqa: E402


def problem() -> tuple[Any, Any, Any]:
    random.seed(3)
    X = np.random.default_rng(0).normal(size=(41, 2))
    return nn.MLP(2, [4, 1], activation="tanh"), X, np.sin(X[:, 0])


def trained(**given: Any) -> Any:
    model, X, Y = problem()
    optimizer = optim.SGD(model.parameters(), lr=1e-2)
    history = sg.fit(
        model, X, Y, losses.squared_error, optimizer, 3, 20, progress=False, backend="jax", **given
    )
    return np.array([p.data for p in model.parameters()] + history.losses)


def compute(mesh: Any, number: int, folder: Path) -> None:
    model, X, Y = problem()
    f = lambda x, y: losses.squared_error(model(x), y)
    c = sg.compile(f, model.parameters(), backend="jax")
    s = c.shard(mesh)
    right = c.value_and_grad(X, Y)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
    value, gradient = s.value_and_grad(X, Y)
    close(value, right[0])
    close(gradient, right[1])
    close(s(X, Y), c(X, Y))

    # each process has its own part
    mine = slice(20 * number, 20 * number + 20)
    with jax.enable_x64(True):
        split = jax.sharding.NamedSharding(mesh, PartitionSpec("samples"))
        parts = [jax.make_array_from_process_local_data(split, a[mine]) for a in (X, Y)]
    value, gradient = s.value_and_grad(*parts)
    close(value, c.value_and_grad(X[:40], Y[:40])[0])
    close(gradient, c.value_and_grad(X[:40], Y[:40])[1])
    close(s(*parts), c(X[:40], Y[:40]))

    alone = trained()
    close(trained(mesh=mesh, checkpoint=folder / f"{number}.ckpt"), alone)  # one writes
    for _ in range(2):
        close(trained(mesh=mesh, checkpoint=folder / "shared.ckpt", resume=True), alone)

    random.seed(number)
    other = nn.MLP(2, [1])
    with pytest.raises(ValueError, match="the parameters of process 1 differ from those of proc"):
        sg.fit(other, X, Y, losses.squared_error, optim.SGD(other.parameters(), 0.1), 1, mesh=mesh)
    print("all equal")
    s.value_and_grad(X, Y)  # process 1 goes on from here only after process 0 has come here too
    if number == 1:
        raise RuntimeError("process 1 has had enough")
    while True:
        s.value_and_grad(X, Y)


def die(mesh: Any, number: int, killed: int) -> None:
    s = sg.compile(lambda x: sg.tanh(x), backend="python").shard(mesh)
    x = np.linspace(-1.0, 1.0, 40)
    s.value_and_grad(x)
    if number == killed:
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        s.value_and_grad(x)


def main() -> None:
    what, address, number, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    runner.WORTH_COMPILING = 0  # small calls are split too
    with sg.distributed(address, 2, number, heartbeat=int(sys.argv[5])):
        mesh = jax.make_mesh((4,), ("samples",), axis_types=(AxisType.Auto,))
        if what == "compute":
            compute(mesh, number, folder)
        else:
            die(mesh, number, int(what.split()[1]))


if __name__ == "__main__":
    main()
