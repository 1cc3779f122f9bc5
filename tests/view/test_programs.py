"""Tests of running Graphviz: in a process of its own, with a time limit, and its faults."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scalargrad.view import programs
from scalargrad.view.programs import GraphvizError, run, where

_DOT = "digraph { a -> b }"


def test_an_answer(graphviz_engine: str) -> None:
    assert b'"bb"' in run(graphviz_engine, _DOT, "dot", "json0")


def test_the_error_gives_graphvizs_reason(graphviz_engine: str) -> None:
    with pytest.raises(GraphvizError, match=r"failed \(exit \d+\): ."):
        run(graphviz_engine, "no graph {", "dot", "json0")


def test_pygraphviz_stays_out_of_this_process(real_pygraphviz: None) -> None:
    run("pygraphviz", _DOT, "dot", "json0")

    assert "pygraphviz" not in sys.modules


def test_many_threads_may_draw_at_once(graphviz_engine: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: run(graphviz_engine, _DOT, "dot", "json0"), range(8)))

    assert answers == answers[:1] * 8


@pytest.mark.parametrize("name", ["graphviz", "pygraphviz", "json", "site"])
def test_files_in_the_current_folder_are_not_imported(
    real_pygraphviz: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)

    assert b'"bb"' in run("pygraphviz", _DOT, "dot", "json0")


def test_where(
    fake_dot: Callable[[str], None], fake_pygraphviz: Callable[[str], None], tmp_path: Path
) -> None:
    fake_dot("pass")
    fake_pygraphviz("raise ImportError('it was imported')")

    assert where("dot") == str(tmp_path / "bin" / "dot")
    assert where("pygraphviz") == str(tmp_path / "packages" / "pygraphviz")


def test_nowhere(no_graphviz: None) -> None:
    assert where("dot") is None
    assert where("pygraphviz") is None
    with pytest.raises(GraphvizError, match="not on PATH"):
        run("dot", _DOT, "dot", "json0")
    with pytest.raises(GraphvizError, match="pygraphviz is not installed"):
        run("pygraphviz", _DOT, "dot", "json0")


def test_a_module_without_a_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", type(sys)("pygraphviz"))

    assert where("pygraphviz") is None


def test_unread_input_and_a_late_answer(fake_dot: Callable[[str], None]) -> None:
    fake_dot("import signal; signal.pause()")

    with pytest.raises(GraphvizError, match=r"took more than 0\.2 s"):
        run("dot", "x" * 1_000_000, "dot", "json0", timeout=0.2)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), subprocess.TimeoutExpired("dot", 2.0)])
def test_the_children_of_a_program_end_with_it(
    stopped: BaseException, fake_dot: Callable[[str], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fcntl = pytest.importorskip("fcntl")
    lock, ready = tmp_path / "lock", tmp_path / "ready"
    os.mkfifo(ready)
    fake_dot(  # a parent and a child that hold a lock as long as one of them lives
        "import fcntl, os, signal\n"
        f"file = open({str(lock)!r}, 'w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        f"os.fork() or open({str(ready)!r}, 'w').close()\n"
        "signal.pause()"
    )

    def wait_and_stop(*_: object) -> None:
        ready.read_text()  # until the child runs
        raise stopped

    monkeypatch.setattr(subprocess.Popen, "communicate", wait_and_stop)
    with pytest.raises((KeyboardInterrupt, GraphvizError)):
        run("dot", _DOT, "dot", "json0")

    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # would wait for ever for a child that goes on


def test_the_longest_time_limit(
    fake_dot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot("import signal; signal.pause()")
    monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 0.2)

    with pytest.raises(GraphvizError, match=r"took more than 0\.2 s"):
        run("dot", _DOT, "dot", "json0", timeout=60.0)


def test_warnings_before_the_reason_are_left_out(fake_dot: Callable[[str], None]) -> None:
    fake_dot("import sys; sys.exit('Warning: an odd font\\nError: out of ink')")

    with pytest.raises(GraphvizError, match=r"failed \(exit 1\): Error: out of ink$"):
        run("dot", _DOT, "dot", "json0")


def test_an_endless_answer(
    fake_dot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot("import sys; sys.stdout.write('x' * 5000)")
    monkeypatch.setattr(programs, "_MOST_BYTES", 1_000)

    with pytest.raises(GraphvizError, match="wrote more than 1,000 bytes"):
        run("dot", _DOT, "dot", "json0")
