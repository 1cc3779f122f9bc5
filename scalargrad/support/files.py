"""Write files that appear complete or not at all, even if the machine stops."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["as_path", "write_whole"]


def as_path(path: Any, caller: str) -> Path:
    """The path of a file; errors for anything else name the `caller`.

    Raises:
        TypeError: `path` is neither a string nor a path.
        ValueError: no file can have this name: it is empty, holds a null character, or half of a
            surrogate pair.

    >>> from scalargrad.support.files import as_path
    >>> as_path(None, "save")
    Traceback (most recent call last):
        ...
    TypeError: save takes the path of a file, a string or a pathlib.Path, got NoneType
    """
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str):
        got = type(path).__name__
        raise TypeError(f"{caller} takes the path of a file, a string or a pathlib.Path, got {got}")
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        encoded = b""
    if not encoded or b"\0" in encoded:
        raise ValueError(f"{caller}: no file can be named {name!r:.60}")
    return Path(name)


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that readers see the old content or the new, and return its path.

    What an earlier write of the same file left behind, because its process was killed, is removed;
    the file that another process is writing at this moment is not.

    Raises:
        OSError: the file cannot be written; a previous file at `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))  # replaces the target of a link, not the link
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent))
    if target.exists() and not target.is_file():  # never replace a device or a pipe by a file
        raise OSError(errno.EINVAL, "not a regular file", str(target))
    prefix = _prefix(target)
    _remove_leftovers(target.parent, prefix)
    # In the same folder, because os.replace is atomic only within a file system. Not by tempfile,
    # whose files are hidden from other users.
    temporary = target.with_name(prefix + secrets.token_hex(8))
    try:
        with _created(temporary) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(
                OSError
            ):  # no previous file, or no permission to read its mode
                shutil.copymode(target, temporary)
            if fcntl is not None:
                os.replace(temporary, target)  # while it is locked, so that nobody removes it
        if fcntl is None:
            os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Path(path)


def _prefix(target: Path) -> str:
    """How the names of temporary files for `target` begin.

    A digest in place of the name: with it, a name of 255 bytes, the most that file systems take,
    would become too long.
    """
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return f".scalargrad-{digest}-"


def _created(temporary: Path) -> IO[bytes]:
    """Create a temporary file, and lock it so that no other process takes it for a leftover.

    The system unlocks it when its process ends, however it ends. The number of the process in the
    name would not tell as much: numbers are used again, and containers each have their own.
    """
    while True:
        file = temporary.open("xb")
        try:
            if fcntl is None:
                return file
            with contextlib.suppress(OSError):  # a file system without locks: leftovers stay there
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # another process removed it before it was locked


def _remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove the temporary files that no process is writing."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):  # a folder that cannot be read, a file of another user
        # Not os.scandir: Ctrl-C before its block begins would leave it open
        for name in os.listdir(folder):
            if not name.startswith(prefix):
                continue
            path = folder / name
            with contextlib.suppress(OSError), path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error if it is locked
                path.unlink()
