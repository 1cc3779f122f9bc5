"""The backend for accelerators and many devices: a program as one pure function of JAX."""

from __future__ import annotations

from scalargrad.replay.backends.backend import Backend, Runner
from scalargrad.replay.program import Program

__all__ = ["BACKEND", "start"]


def start() -> None:
    """Import JAX; NumPy's random numbers go on as if it was not, though its import draws some."""
    import numpy as np

    state = np.random.get_state()
    try:
        import jax  # noqa: F401
    finally:
        np.random.set_state(state)


def _prepare(program: Program) -> Runner:
    start()
    from scalargrad.replay.backends.jax.runner import JaxRunner

    return JaxRunner(program)


def _prepare_float32(program: Program) -> Runner:
    start()
    from scalargrad.replay.backends.jax.runner import JaxRunner

    return JaxRunner(program, "float32")


BACKEND = Backend(
    "jax", _prepare, rank=5, compiles=True, libraries=("numpy", "jax"), extra="jax",
    versions={"jax": "0.8"}, prepare_float32=_prepare_float32,
)  # fmt: skip
