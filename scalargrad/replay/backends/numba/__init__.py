"""The fast backend: an interpreter of programs, compiled by numba."""

from __future__ import annotations

from scalargrad.replay.backends.backend import Backend, Runner
from scalargrad.replay.program import Program

__all__ = ["BACKEND"]


def _prepare(program: Program) -> Runner:
    from scalargrad.replay.backends.numba.runner import NumbaRunner

    return NumbaRunner(program)


BACKEND = Backend(
    "numba", _prepare, rank=10, compiles=True, libraries=("numpy", "numba"), extra="compile"
)
