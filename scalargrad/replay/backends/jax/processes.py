"""Several processes that compute as one: how they join, agree, and end when one of them dies."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from scalargrad.core.numbers import as_count, shown
from scalargrad.replay.backends import select
from scalargrad.replay.backends.jax import start

__all__ = ["check_same", "distributed"]

_BYTES = 8  # of a digest


def distributed(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None, *,
    heartbeat: int = 30,
) -> AbstractContextManager[None]:  # fmt: skip
    """Join the processes that compute as one, for the length of a block.

    Inside, `jax.devices()` are the devices of all processes, and a mesh of them is for `c.shard`
    and `sg.fit`. All processes run the same program on the same numbers.

    If one of them dies, none of the others waits for it for ever. An error that leaves the block
    ends the process at once with its traceback and status 1, without the farewell of JAX, for which
    the others would have to be there. The others, which may be waiting for a sum, learn it from the
    connection or, at the latest, when heartbeats are missing, and end with a message and a status
    other than 0: by an error, or by a signal where they wait inside of JAX. SIGTERM ends a process
    as it does elsewhere.

    Args:
        coordinator: The address and port of process 0, as "10.0.0.1:29500". By default JAX asks
            the environment: of Slurm, Open MPI, or Kubernetes.
        processes: How many there are.
        process: The number of this one, from 0.
        heartbeat: After how many seconds without a sign of life a process counts as dead.

    Returns:
        What `with` takes; the processes join when the block begins, and part when it ends.

    Raises:
        ImportError: JAX is not installed, or too old.
        TypeError: An argument has the wrong type.
        ValueError: Only some of the three are given, or they do not fit together. When the block
            begins: the environment does not have them either, or processes are set to be
            recoverable, so that they would wait for dead ones.
        RuntimeError: When the block begins: the others did not come within 5 minutes, or JAX has
            computed before.

    >>> with sg.distributed("10.0.0.1:29500", processes=2, process=0):  # doctest: +SKIP
    ...     mesh = jax.make_mesh((jax.device_count(),), ("samples",))
    ...     history = sg.fit(model, X, Y, loss, optimizer, epochs=100, mesh=mesh)
    """
    select("jax")  # the error if it cannot run
    heartbeat = as_count(heartbeat, "distributed: heartbeat")
    given = [x is not None for x in (coordinator, processes, process)]
    if any(given) and not all(given):
        raise ValueError(
            "distributed: give coordinator, processes and process, or none of them, so that JAX "
            "finds them in the environment of Slurm, Open MPI or Kubernetes, got "
            f"{shown(coordinator)}, {shown(processes)} and {shown(process)}"
        )
    if coordinator is not None:
        host, _, port = coordinator.rpartition(":") if isinstance(coordinator, str) else ("",) * 3
        if not host or not port.isdecimal():
            raise ValueError(
                "distributed: coordinator must be the address and port of process 0, like "
                f"'10.0.0.1:29500', got {shown(coordinator)}"
            )
        processes = as_count(processes, "distributed: processes")
        process = as_count(process, "distributed: process", least=0, most=processes - 1)
    return _joined(coordinator, processes, process, heartbeat)


@contextmanager
def _joined(
    coordinator: str | None, processes: int | None, process: int | None, heartbeat: int
) -> Iterator[None]:
    start()
    import jax

    if getattr(jax.config, "jax_enable_recoverability", False):
        raise ValueError(
            "distributed: jax_enable_recoverability is set, with which processes wait for dead "
            "ones: unset it (JAX_ENABLE_RECOVERABILITY in the environment)"
        )
    notices = jax.config.jax_enable_preemption_service  # type: ignore[attr-defined]
    jax.config.update("jax_enable_preemption_service", False)  # it ignores SIGTERM
    try:
        jax.distributed.initialize(
            coordinator, processes, process, heartbeat_timeout_seconds=heartbeat
        )
    except ValueError as error:
        if coordinator is not None:
            raise
        raise ValueError(
            "distributed: JAX finds no Slurm, Open MPI or Kubernetes in the environment: give "
            f"coordinator, processes and process ({error})"
        ) from None
    finally:
        jax.config.update("jax_enable_preemption_service", notices)
    try:
        yield
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0):
            jax.distributed.shutdown()
            raise
        _end(error)
    jax.distributed.shutdown()


def _end(error: BaseException) -> None:
    """End this process now: its farewell to the others would wait for them, and they for it."""
    import jax

    who = f"process {jax.process_index()} of {jax.process_count()}"
    status = 130 if isinstance(error, KeyboardInterrupt) else 1
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else 1
        print(f"{who} leaves: {error.code}", file=sys.stderr)
    else:
        traceback.print_exception(error)
        print(f"{who} ends, and with it the others", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def check_same(mesh: Any, things: Mapping[str, bytes], caller: str) -> None:
    """See that all processes of a mesh have the same things; none goes on before all are here.

    Args:
        mesh: The mesh; all its processes call this.
        things: By the name that users know, what must be the same.
        caller: The name of the function that the message begins with.

    Raises:
        ValueError: In every process: something differs, which the message names.
    """
    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    mine = np.concatenate(
        [
            np.frombuffer(hashlib.blake2b(thing, digest_size=_BYTES).digest(), np.uint8)
            for thing in things.values()
        ]
    )

    def rows(index: Any) -> Any:
        return np.tile(mine, (len(range(*index[0].indices(mesh.size))), 1))

    split = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
    array = jax.make_array_from_callback((mesh.size, len(mine)), split, rows)
    everywhere = NamedSharding(mesh, PartitionSpec())
    found = np.asarray(jax.jit(lambda x: x, out_shardings=everywhere)(array))
    differs = (found != found[0]).reshape(mesh.size, len(things), _BYTES).any(2)
    if differs.any():
        names = [name for name, apart in zip(things, differs.any(0), strict=True) if apart]
        owners = [device.process_index for device in mesh.devices.flat]
        others = sorted({p for p, apart in zip(owners, differs.any(1), strict=True) if apart})
        raise ValueError(
            f"{caller}: {', '.join(names)} of process {', '.join(map(str, others))} differ from "
            f"those of process {owners[0]}: all processes must make model, optimizer and data in "
            "the same way, with the same random.seed(...), and see the same files"
        )
