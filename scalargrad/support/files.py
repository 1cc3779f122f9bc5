"""Write files that appear complete or not at all, even if the machine stops."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file so that readers see the old content or the new, and return its path.

    Raises:
        OSError: the file cannot be written; a previous file at `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))  # replaces the target of a link, not the link
    # In the same folder, because os.replace is atomic only within a file system. Not by tempfile,
    # whose files are hidden from other users.
    temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(8)}{target.suffix}")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent))
    if target.exists() and not target.is_file():  # never replace a device or a pipe by a file
        raise OSError(errno.EINVAL, "not a regular file", str(target))
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # no previous file, or no permission to read its mode
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Path(path)
