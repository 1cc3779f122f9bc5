"""Compile the interpreter once per machine, and cache the machine code on disk."""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

from scalargrad.core import special
from scalargrad.replay.backends.numba import interpreter

__all__ = ["compiled", "compiled_interpreter", "stamp"]

# The sources that the machine code depends on.
_FILES = ("interpreter", "kernels", "memory", "scalars", "spellings", "vectors")
_MESSAGE = (
    "scalargrad: compiling the interpreter that replays programs at machine speed, once on this "
    "machine (about 6 s) ..."
)
_NOT_CACHED = (
    "scalargrad: compiling its interpreter (about 6 s). Every process does so until numba finds a "
    "folder to cache it in: set NUMBA_CACHE_DIR to a folder that can be written to"
)


_DIGEST = 32  # bytes of a SHA-256


@cache
def stamp() -> str:
    """A text that changes when the sources do: numba itself checks one file only."""
    here = Path(__file__).parent
    texts = [(here / f"{name}.py").read_bytes() for name in _FILES]
    texts.append(Path(special.__file__).read_bytes())
    texts.append(b"files end in a digest")  # those from before do not
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def compiled_interpreter() -> Any:
    """The compiled `run` of `interpreter.py`.

    Warns:
        RuntimeWarning: a file of the cache is damaged; it is written anew.
    """
    if numba.config.DISABLE_JIT:
        raise RuntimeError("backend 'numba' cannot run while NUMBA_DISABLE_JIT is set")
    return compiled(interpreter.make_run(stamp()), interpreter.SIGNATURE, _MESSAGE, _NOT_CACHED)


def compiled(function: Any, signature: str, message: str = "", not_cached: str = "") -> Any:
    """A function compiled for one signature, from the cache if its machine code is there.

    Args:
        function: what to compile.
        signature: its types.
        message: what to print before it is compiled.
        not_cached: what to print before it is compiled where there is no cache.
    """
    try:
        cached = numba.njit(nogil=True, cache=True)(function)
        if not _is_cached(cached, signature) and message:
            print(message, file=sys.stderr, flush=True)
        cached.compile(signature)
        return cached
    except (RuntimeError, OSError):  # no writable folder, or a full disk
        if not_cached:
            print(not_cached, file=sys.stderr, flush=True)
        plain = numba.njit(nogil=True)(function)
        plain.compile(signature)
        return plain


def _is_cached(dispatcher: Any, signature: Any = interpreter.SIGNATURE) -> bool:
    """Whether numba will find the machine code on disk, by its own index.

    Damaged files are removed, with a warning. numba reads them without a check: an empty one is an
    EOFError there, and a flipped bit of machine code a wrong number.

    Raises:
        OSError: a damaged file cannot be removed.
    """
    try:
        cache = dispatcher._cache
        files = cache._cache_file
        key = cache._index_key(signature, dispatcher.targetctx.codegen())
        index, data_path, load_index = Path(files._index_path), files._data_path, files._load_index
        files._dump = _with_digest(files._dump)
    except Exception:  # these names are private to numba, and the check is not worth an error
        return True
    damaged = index
    try:
        name = load_index().get(key)
        if name is None:
            return False
        damaged = Path(data_path(name))
        content = damaged.read_bytes()
        if _digest(content[:-_DIGEST]) == content[-_DIGEST:]:
            return True
        fault = "its checksum is of other contents"
    except FileNotFoundError:  # the index names a file that somebody removed
        return False
    except Exception as error:  # whatever pickle raises for such bytes
        fault = str(error) or type(error).__name__
    warnings.warn(
        f"the machine code in {str(damaged)!r} is damaged ({fault}): it is compiled again",
        RuntimeWarning,
        stacklevel=3,
    )
    damaged.unlink(missing_ok=True)
    return False


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _with_digest(dump: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """A function that writes objects as `dump` does, and a digest behind, which pickle ignores."""

    def dumped(x: Any) -> bytes:
        content = dump(x)
        return content + _digest(content)

    return dumped
