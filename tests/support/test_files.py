"""Files that are written whole: any name, Ctrl-C at every line, and what a kill leaves behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from interrupting import ctrl_c_at_line

from scalargrad.support.files import as_path, write_whole

OLD, NEW = b"the older file", b"the newer file"


# Each of 255 bytes, the most that file systems take.
@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x", "a." + "s" * 253, "." + "x" * 254])
def test_names_of_every_length(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for content in (OLD, NEW):
        assert write_whole(path, content) == path
        assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["学习.json", "ü ñ.svg", "\udcff", "-", "a\nb", "*?[a]", "#"])
def test_names_of_every_kind(name: str, tmp_path: Path) -> None:
    write_whole(str(tmp_path / name), NEW)

    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        write_whole(tmp_path / ("x" * 256), NEW)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 3, b"x.json", 0.5, ["x"], object()])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises(TypeError, match=rf"^save takes the path .*, got {type(path).__name__}$"):
        as_path(path, "save")


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_what_no_file_can_be_named(path: str) -> None:
    with pytest.raises(ValueError, match=r"^save: no file can be named '"):
        as_path(path, "save")


# a file that Ctrl-C meets before its `with` is closed with its last reference
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_ctrl_c_at_every_line_leaves_the_older_file_or_the_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(OLD)
    found = set()
    line = 0
    interrupted = True
    while interrupted:
        line += 1
        interrupted = False
        try:
            with ctrl_c_at_line(line):
                write_whole(path, NEW)
        except KeyboardInterrupt:
            interrupted = True
        found.add(path.read_bytes())
        assert [p.name for p in tmp_path.iterdir()] == ["x"], line
        path.write_bytes(OLD)

    assert line > 20
    assert found == {OLD, NEW}


# A process that is killed by the system, or waits, between the write and the replacement.
WRITER = """
import os, signal, sys
from scalargrad.support.files import write_whole
def stop(*_):
    print(flush=True)
    sys.stdin.read() if {waits} else os.kill(os.getpid(), signal.SIGKILL)
os.fsync = stop
write_whole({path!r}, b"content")
"""


def _writer(path: Path, waits: bool) -> "subprocess.Popen[bytes]":
    """A process that is in the middle of writing `path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(path=str(path), waits=waits)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    return process


def test_what_a_kill_left_is_removed_by_the_next_write_and_by_no_other(tmp_path: Path) -> None:
    path, other = tmp_path / "x", tmp_path / "y"
    killed = _writer(path, waits=False)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()

    write_whole(other, NEW)
    assert {*tmp_path.iterdir()} == {left, other}
    write_whole(path, NEW)
    assert {*tmp_path.iterdir()} == {path, other}


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "x"
    process = _writer(path, waits=True)
    [temporary] = tmp_path.iterdir()
    write_whole(path, NEW)
    assert {*tmp_path.iterdir()} == {temporary, path}

    process.communicate(b"")
    assert process.returncode == 0
    assert path.read_bytes() == b"content"
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_without_locks_and_one_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: Any) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_whole(tmp_path / "x", OLD)
    monkeypatch.setattr(os, "scandir", refuse)
    write_whole(tmp_path / "x", NEW)
    monkeypatch.setattr("scalargrad.support.files.fcntl", None)  # as on Windows
    write_whole(tmp_path / "y", NEW)

    assert sorted(os.listdir(tmp_path)) == ["x", "y"]


def test_a_file_that_was_taken_for_a_leftover_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    flock = fcntl.flock
    removed = []

    def lock_late(file: Any, how: int) -> None:
        if not removed:
            removed.append(file.name)
            os.unlink(file.name)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    write_whole(tmp_path / "x", NEW)

    assert len(removed) == 1
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [NEW]
