"""The command line, as a user types it."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import scalargrad
from scalargrad.cli import main


def test_the_main_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--save", str(tmp_path / "new" / "folder")]) == 0
    text = capsys.readouterr().out

    for number in ("-0.570616427", "+1.019579931", "+0.647167747", "+0.323583874", "-0.262326179"):
        assert number in text
    for name in ("δ", "w13", "w23", "w24", "w35", "w36", "w46", "w57", "w67"):
        assert name in text
    svg = tmp_path / "new" / "folder" / "seven_node.svg"
    assert str(svg) in text
    assert "w13" in "".join(ElementTree.parse(svg).getroot().itertext())
    assert "<svg" in svg.with_suffix(".html").read_text("utf-8")


def test_as_a_program_without_graphviz(tmp_path: Path) -> None:
    packages, folder = tmp_path / "packages", tmp_path / "folder"
    packages.mkdir()
    folder.mkdir()
    (packages / "pygraphviz.py").write_text("raise ImportError")
    done = subprocess.run(
        [sys.executable, "-m", "scalargrad"], cwd=folder, check=True, capture_output=True,
        text=True, encoding="utf-8",
        env={**os.environ, "PATH": "", "PYTHONPATH": str(packages), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip

    assert "drawn by builtin" in done.stdout
    assert {path.name for path in folder.iterdir()} == {"seven_node.svg", "seven_node.html"}
    assert done.stderr == ""


def test_a_terminal_without_greek_letters(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scalargrad"], cwd=tmp_path, check=True, capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert b"w13" in done.stdout


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as stop:
            main([option])
        assert stop.value.code == 0
    text = capsys.readouterr().out

    assert f"scalargrad {scalargrad.__version__}" in text
    assert re.search(r"--save DIR\s+the folder", text)
    assert re.search(r"doctor\s+report what draws pictures", text)


def test_doctor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out

    assert text.startswith(f"scalargrad {scalargrad.__version__}, Python")
    assert 'engine="auto" takes' in text
    assert list(tmp_path.iterdir()) == []  # it draws nothing for the user


def test_doctor_as_a_program_with_all_broken(tmp_path: Path) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libX11.so.6')")
    done = subprocess.run(
        [sys.executable, "-m", "scalargrad", "doctor"], check=True, capture_output=True,
        env={**os.environ, "PATH": "", "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert b"libX11.so.6" in done.stdout
    assert b'engine="auto" takes builtin' in done.stdout
    assert done.stderr == b""


def test_what_cannot_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert main(["--save", str(blocked)]) == 2
    assert "cannot be written" in capsys.readouterr().err

    for mistyped in ("--sav3", "docter"):
        with pytest.raises(SystemExit) as stop:
            main([mistyped])
        assert stop.value.code == 2


@pytest.mark.parametrize(("words", "unbuffered"), [("", ""), ("--help", ""), ("run -h", "1")])
def test_output_that_cannot_be_written(words: str, unbuffered: str, tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "scalargrad", *words.split()], cwd=tmp_path, stdout=full,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == "\nscalargrad: the output cannot be written: No space left on device\n"


def test_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "scalargrad", "--help"], cwd=tmp_path, stdout=write,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("streams", "status", "said"),
    [
        (">&-", 1, "scalargrad: the output cannot be written: it is closed"),
        (">&- 2>&-", 1, ""),
    ],
)
def test_closed_streams(streams: str, status: int, said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m scalargrad list {streams}"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr.strip()) == (status, said)


def test_errors_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    assert main(["run", "nowhere"]) == 2
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["run", "nowhere"]) == 2
    monkeypatch.setattr(sys, "stdout", Full())
    for words in (["list"], ["doctor"], ["run", "seven-node"]):
        assert main(words) == 1
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["list"]) == 1


def test_a_reader_that_stops_early(tmp_path: Path) -> None:
    program = f"{sys.executable} -m scalargrad | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program], cwd=tmp_path, capture_output=True, text=True,
        encoding="utf-8",
    )  # fmt: skip

    assert done.stderr == ""
    assert done.stdout.startswith("The worked seven-node network")
    assert (tmp_path / "seven_node.svg").exists()
