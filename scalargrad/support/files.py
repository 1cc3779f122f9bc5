"""write_whole: a file that appears complete or not at all, whenever the machine stops."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that others see the old file or the new one; returns the path.

    Raises:
        OSError: it cannot be written; an older file at `path` is then as it was.
    """
    target = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    # In the same folder: os.replace is one step only within a file system. Not by tempfile, which
    # would hide the file from other users, whatever the folder's custom is.
    temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(8)}{target.suffix}")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    if target.exists() and not target.is_file():  # a device or a pipe would be replaced by a file
        raise OSError(errno.EINVAL, "this is no regular file", str(target))
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # there is no older file, or its mode does not matter
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Path(path)
