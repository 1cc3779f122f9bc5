"""Backends run a program on many samples: one module or folder for each, found by its `BACKEND`."""

from __future__ import annotations

from dataclasses import replace
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


def select(name: str, dtype: str = "float64") -> Backend:
    """The backend of that name; for "auto" the highest rank whose libraries are installed.

    Args:
        name: The name, or "auto".
        dtype: The type of numbers it computes in, "float64" or "float32".

    Raises:
        ValueError: No backend has that name, or it does not compute in that type.
        ImportError: A library is missing; the message gives the line to type.
    """
    if isinstance(name, str) and name == "auto":
        wide = dtype == "float64"
        fits = [b for b in backends().values() if wide or b.prepare_float32]
        name = next((b.name for b in fits if not b.missing()), fits[0].name)
    backend = backends().get(name) if isinstance(name, str) else None
    if backend is None:
        raise ValueError(f"backend is one of auto, {', '.join(backends())}, got {written(name)}")
    if missing := backend.missing():
        raise ImportError(
            f"backend={name!r} needs {' and '.join(missing)}. Install them from the checkout with: "
            f"pip install -e '.[{backend.extra}]'"
        )
    if dtype == "float64":
        return backend
    if backend.prepare_float32 is None:
        able = " or ".join(b.name for b in backends().values() if b.prepare_float32)
        raise ValueError(f"backend={name!r} computes in float64 only: for {dtype} take {able}")
    return replace(backend, prepare=backend.prepare_float32)
