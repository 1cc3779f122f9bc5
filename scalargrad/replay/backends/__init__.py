"""What runs a program on samples: plain Python, or machine code; and which of them is here."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from scalargrad.replay.program import Program

__all__ = ["BACKENDS", "Backend", "backend_class", "chosen"]

# By name: the class in the module of that name, the libraries that it needs, the extra with them;
# the fastest first.
BACKENDS = {
    "numba": ("NumbaBackend", ("numpy", "numba"), "compile"),
    "python": ("PythonBackend", (), ""),
}


class Backend(Protocol):
    """A program made ready to run. What it computes is said in `PythonBackend.run`."""

    def __init__(self, program: Program) -> None: ...

    def run(self, parameters: Any, columns: Any, threads: int = 1) -> tuple[Any, Any]: ...


def chosen(backend: str) -> str:
    """The name of the backend to use: for "auto" the fastest that is installed.

    Raises:
        ValueError: there is no backend of that name.
        ImportError: it needs a library that is not installed; the message says what to type.
    """
    if backend == "auto":
        return next(name for name in BACKENDS if not _missing(name))
    if backend == "jax":
        raise ImportError(
            "backend='jax' is planned, and not part of this version: take 'auto' or 'numba' "
            "(it will need jax: pip install -e '.[jax]')"
        )
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(f"backend is one of auto, {', '.join(BACKENDS)}, got {backend!r}")
    if missing := _missing(backend):
        raise ImportError(
            f"backend={backend!r} needs {' and '.join(missing)}. In the checkout type: "
            f"pip install -e '.[{BACKENDS[backend][2]}]'"
        )
    return backend


def backend_class(name: str) -> type[Backend]:
    """The class of that backend, imported now."""
    package = "numba.runner" if name == "numba" else name
    module = import_module(f"scalargrad.replay.backends.{package}")
    return getattr(module, BACKENDS[name][0])  # type: ignore[no-any-return]


def _missing(backend: str) -> list[str]:
    return [library for library in BACKENDS[backend][1] if find_spec(library) is None]
