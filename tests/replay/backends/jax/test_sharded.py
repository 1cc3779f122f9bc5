"""Many devices and several processes: `c.shard`, `fit(mesh=)`, `sg.distributed`."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

import scalargrad as sg  # noqa: E402
from scalargrad import Value, losses, nn, optim  # noqa: E402
from scalargrad.replay.backends import backend  # noqa: E402

HERE = Path(__file__).parent
HEARTBEAT = 20  # seconds: less is missed on a busy machine
LIMIT = 240  # seconds until a subprocess counts as hanging, on a busy machine


def environment(devices: int) -> dict[str, str]:
    return {
        **os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTEST_ADDOPTS": "",  # the options of the run around it, such as -n 2
    }  # fmt: skip


def test_eight_devices() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider",
         HERE / "eight_devices.py"],
        env=environment(8), capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def two_processes(what: str, folder: Path, first: int) -> list[tuple[int, str]]:
    """The status and the output of two processes that run `two_processes.py`.

    Process `first` ends by itself, and the other one must then end in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    script = HERE / "two_processes.py"
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-u", script, what, address, str(n), folder, str(HEARTBEAT)],
                    env=environment(2), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                )
            )
            for n in range(2)
        ]  # fmt: skip
        for process in started:
            stack.callback(process.kill)
        started[first].wait(LIMIT)
        started[1 - first].wait(HEARTBEAT + 15)
        return [(process.returncode, process.communicate()[0]) for process in started]


def test_two_processes_compute_as_one(tmp_path: Path) -> None:
    """And when one of them fails in the end, the other one ends too."""
    ended = two_processes("compute", tmp_path, first=1)

    for number, (status, out) in enumerate(ended):
        assert "all equal" in out, out
        assert status not in (0, None), out
        assert f"process {number} of 2 ends" in out or status == -signal.SIGABRT, out
    assert "RuntimeError: process 1 has had enough" in ended[1][1]
    assert "has had enough" not in ended[0][1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.ckpt", "shared.ckpt"]


@pytest.mark.parametrize("killed", [0, 1])
def test_a_process_that_is_killed(killed: int, tmp_path: Path) -> None:
    """The one that is left ends with a message."""
    ended = two_processes(f"kill {killed}", tmp_path, first=killed)

    assert ended[killed][0] == -signal.SIGKILL, ended[killed][1]
    status, out = ended[1 - killed]
    assert status not in (0, -signal.SIGKILL), out
    assert "DeviceError" in out or "Terminating process" in out, out


def test_errors_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(2.0)
    c = sg.compile(lambda x: w * x, [w], backend="python")
    mesh, other = jax.make_mesh((1,), ("samples",)), jax.make_mesh((1,), ("batch",))
    model = nn.MLP(1, [1])
    optimizer = optim.SGD(model.parameters(), 0.1)

    def fit(**given: Any) -> Any:
        return sg.fit(model, [[1.0]], [2.0], losses.squared_error, optimizer, 1, **given)

    def nowhere(*given: Any, **named: Any) -> None:
        assert not jax.config.jax_enable_preemption_service  # SIGTERM ends the process
        raise ValueError("coordinator_address should be defined.")  # what JAX says

    monkeypatch.setattr(jax.distributed, "initialize", nowhere)

    def join(*given: Any, **named: Any) -> None:
        with sg.distributed(*given, **named):
            pytest.fail("joined")

    for wrong, error, match in [
        (lambda: c.shard(8), TypeError, r"got int: 8: make one with jax.make_mesh.*JAX_NUM_CPU"),
        (lambda: c.shard(mesh, 0), TypeError, "axis must be the name"),
        (lambda: c.shard(other), ValueError, r"no axis 'samples'.* but 'batch'.*axis=\.\.\."),
        (lambda: fit(mesh=other), ValueError, "fit: the mesh has no axis 'samples'"),
        (lambda: fit(mesh=8), TypeError, "fit: mesh must be a mesh of JAX devices"),
        (lambda: fit(mesh=mesh, backend="numba"), ValueError, "mesh is for backend='jax'"),
        (lambda: join("here", 2, 0), ValueError, "address and port.*'here'"),
        (lambda: join("here:12", 2), ValueError, "or none of them.*Slurm"),
        (lambda: join("here:12", 2, 2), ValueError, "process.*2"),
        (lambda: join(heartbeat=0), ValueError, "heartbeat"),
        (join, ValueError, "no Slurm, Open MPI or Kubernetes"),
    ]:
        with pytest.raises(error, match=match):
            wrong()
    monkeypatch.setattr(backend, "find_spec", lambda name: None if name == "jax" else name)
    for missing in (lambda: c.shard(mesh), lambda: fit(mesh=mesh), lambda: join("here:12", 2, 0)):
        with pytest.raises(ImportError, match=r"needs jax.*pip install -e '.\[jax\]'"):
            missing()


def test_one_device_is_a_mesh_too() -> None:
    w = Value(2.0)
    c = sg.compile(lambda x: w * x, [w], backend="python")
    s = c.shard(jax.make_mesh((1,), ("batch",)), axis="batch")

    assert s(3.0) == 6.0
    assert s.backward([1.0, 2.0]) == 3.0
    assert w.grad == 1.5
    assert s.value_and_grad(np.linspace(0, 1, 20_000))[1] == pytest.approx([0.5], rel=1e-12)
