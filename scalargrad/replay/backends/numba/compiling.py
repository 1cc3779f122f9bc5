"""Compile the interpreter once per machine, and cache the machine code on disk."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numba

from scalargrad.replay.backends.numba import interpreter

__all__ = ["compiled_interpreter"]

# The sources that the machine code depends on.
_FILES = ("interpreter", "kernels", "memory", "spellings", "vectors")
_MESSAGE = (
    "scalargrad: compiling the interpreter that replays programs at machine speed, once on this "
    "machine (about 6 s) ..."
)
_NOT_CACHED = (
    "scalargrad: compiling its interpreter (about 6 s). Every process does so until numba finds a "
    "folder to cache it in: set NUMBA_CACHE_DIR to a folder that can be written to"
)


def _stamp() -> str:
    """A text that changes when the sources do: numba itself checks one file only."""
    here = Path(__file__).parent
    texts = [(here / f"{name}.py").read_bytes() for name in _FILES]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def compiled_interpreter() -> Any:
    """The compiled `run` of `interpreter.py`."""
    if numba.config.DISABLE_JIT:
        raise RuntimeError("backend 'numba' cannot run while NUMBA_DISABLE_JIT is set")
    run = interpreter.make_run(_stamp())
    try:
        cached = numba.njit(nogil=True, cache=True)(run)
        if not _is_cached(cached):
            print(_MESSAGE, file=sys.stderr, flush=True)
        cached.compile(interpreter.SIGNATURE)
        return cached
    except (RuntimeError, OSError):  # no writable folder, or a full disk
        print(_NOT_CACHED, file=sys.stderr, flush=True)
        plain = numba.njit(nogil=True)(run)
        plain.compile(interpreter.SIGNATURE)
        return plain


def _is_cached(dispatcher: Any) -> bool:
    """Whether numba will find the machine code on disk, by its own index."""
    try:
        cache = dispatcher._cache
        key = cache._index_key(interpreter.SIGNATURE, dispatcher.targetctx.codegen())
        return key in cache._cache_file._load_index()
    except Exception:  # these names are private to numba, and the message is not worth an error
        return True
