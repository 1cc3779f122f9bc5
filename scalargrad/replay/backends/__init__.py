"""Backends run a program on many samples: one module or folder for each, found by its `BACKEND`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from scalargrad.core.numbers import written
from scalargrad.replay.backends.backend import Backend

__all__ = ["backends", "select"]


@cache
def backends() -> dict[str, Backend]:
    """All declared backends by name, the highest rank first, installed or not."""
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    declared = [module.BACKEND for module in modules if hasattr(module, "BACKEND")]
    return {b.name: b for b in sorted(declared, key=lambda b: b.rank, reverse=True)}


def select(name: str) -> Backend:
    """The backend of that name; for "auto" the highest rank whose libraries are installed.

    Raises:
        ValueError: No backend has that name.
        ImportError: A library is missing; the message gives the line to type.
    """
    if isinstance(name, str) and name == "auto":
        return next(backend for backend in backends().values() if not backend.missing())
    backend = backends().get(name) if isinstance(name, str) else None
    if backend is None:
        raise ValueError(f"backend is one of auto, {', '.join(backends())}, got {written(name)}")
    if missing := backend.missing():
        raise ImportError(
            f"backend={name!r} needs {' and '.join(missing)}. Install them from the checkout with: "
            f"pip install -e '.[{backend.extra}]'"
        )
    return backend
