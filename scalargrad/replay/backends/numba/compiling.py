"""Compiling the interpreter once per machine, and keeping the result where it can be kept."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numba

from scalargrad.replay.backends.numba import interpreter

__all__ = ["compiled_interpreter"]

# What the machine code depends on.
_FILES = ("interpreter", "kernels", "memory", "spellings", "vectors")
_MESSAGE = (
    "scalargrad: compiling the interpreter that replays programs at machine speed, once on this "
    "machine (about 6 s) ..."
)
_NOT_KEPT = (
    "scalargrad: compiling its interpreter (about 6 s), as every process must while numba has no "
    "folder to keep it in: set NUMBA_CACHE_DIR to one that can be written to"
)


def _stamp() -> str:
    """A text that changes when the sources do: numba itself looks at one file only."""
    here = Path(__file__).parent
    texts = [(here / f"{name}.py").read_bytes() for name in _FILES]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def compiled_interpreter() -> Any:
    """The compiled `run` of `interpreter.py`."""
    if numba.config.DISABLE_JIT:
        raise RuntimeError("backend 'numba' needs the compiler that NUMBA_DISABLE_JIT turns off")
    run = interpreter.make_run(_stamp())
    try:
        cached = numba.njit(nogil=True, cache=True)(run)
        if not _is_kept(cached):
            print(_MESSAGE, file=sys.stderr, flush=True)
        cached.compile(interpreter.SIGNATURE)
        return cached
    except (RuntimeError, OSError):  # no folder to write to, or a full disk
        print(_NOT_KEPT, file=sys.stderr, flush=True)
        plain = numba.njit(nogil=True)(run)
        plain.compile(interpreter.SIGNATURE)
        return plain


def _is_kept(dispatcher: Any) -> bool:
    """Whether numba will find the machine code on disk, asked of its own index."""
    try:
        cache = dispatcher._cache
        key = cache._index_key(interpreter.SIGNATURE, dispatcher.targetctx.codegen())
        return key in cache._cache_file._load_index()
    except Exception:  # these names are numba's own affair, and the message is not worth an error
        return True
