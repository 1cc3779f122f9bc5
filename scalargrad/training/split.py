"""The devices over which `fit` splits the samples, and the processes they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalargrad.replay.arrays import array_library
from scalargrad.replay.backends import select
from scalargrad.replay.backends.jax import start
from scalargrad.training.fingerprint import fingerprint

__all__ = ["Split"]


class Split:
    """A mesh of JAX devices that `fit` may use.

    Args:
        mesh: what the user gave.
        backend: the backend that the user asks for.

    Attributes:
        several: whether several processes train together.
        first: whether this process writes and shows what one process has to.

    Raises:
        ImportError: JAX is not installed, or too old.
        TypeError: `mesh` is no mesh of devices.
        ValueError: it has no axis "samples", or another backend is asked for.
    """

    def __init__(self, mesh: Any, backend: str) -> None:
        select("jax")
        start()
        import jax

        from scalargrad.replay.backends.jax.sharded import check_mesh, spans_processes

        check_mesh(mesh, "samples", "fit")
        if backend not in ("auto", "jax"):
            raise ValueError(f"fit: a mesh is for backend='jax', got backend={backend!r}")
        self.mesh, self.several = mesh, spans_processes(mesh)
        owners = {device.process_index for device in mesh.devices.flat}
        self.first = jax.process_index() == min(owners)

    def check_same(self, things: Mapping[str, Any]) -> None:
        """See that all processes have the same things, and wait until all are here.

        Args:
            things: by the name that users know, nestings of numbers, data sets among them.

        Raises:
            ValueError: they differ; the message names what does.
        """
        if self.several:
            from scalargrad.replay.backends.jax.processes import check_same

            check_same(self.mesh, {name: _digest(x) for name, x in things.items()}, "fit")


def _digest(thing: Any) -> bytes:
    np = array_library()
    parts = thing if isinstance(thing, tuple) else (thing,)
    return b";".join(
        str(part.shape).encode() + np.ascontiguousarray(part).tobytes()
        if isinstance(part, np.ndarray) and part.dtype.kind in "fiub"
        else fingerprint(part).encode()
        for part in parts
    )
