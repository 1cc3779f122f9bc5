"""SciPy's solvers, loaded on first use, and the names of their methods."""

from __future__ import annotations

from typing import Any

from scalargrad.core.arguments import as_choice

__all__ = ["as_method", "optimize"]


def optimize() -> Any:
    """The module scipy.optimize, which takes 0.3 s to load."""
    import scipy.optimize

    return scipy.optimize


def as_method(method: Any, methods: tuple[str, ...], caller: str) -> str:
    """The name of a method as SciPy writes it, whatever its case."""
    known = {name.lower(): name for name in methods}
    if isinstance(method, str) and method.lower() in known:
        return known[method.lower()]
    return as_choice(method, methods, f"{caller}: method")
