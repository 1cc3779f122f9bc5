"""Progress bars: where they appear, and where they stay silent."""

import contextlib
import io
import subprocess
import sys
import types
from importlib.util import find_spec
from typing import Any

import pytest
from terminals import Terminal, slow_clock

from scalargrad.support.progress import progress_bar, tracked


def test_a_terminal_gets_all_items_and_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_clock(monkeypatch)
    with contextlib.redirect_stderr(Terminal()) as terminal:
        items = list(tracked("abcdef", "reading"))

    assert items == list("abcdef")
    assert "\rreading: 100%|" in terminal.getvalue()
    assert "| 6/6 [" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")
    assert terminal.getvalue().count("\n") == 1


def test_items_without_a_length_take_a_total_or_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for total, text in ((4, "| 4/4 ["), (None, "x: 4it [")):
        slow_clock(monkeypatch)
        with contextlib.redirect_stderr(Terminal()) as terminal:
            assert list(tracked(iter("abcd"), "x", total)) == list("abcd")

        assert text in terminal.getvalue()


def test_a_loop_that_ends_early_ends_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_clock(monkeypatch)
    with contextlib.redirect_stderr(Terminal()) as terminal:
        for item in tracked(range(9), "x"):
            if item == 5:
                break

    assert terminal.getvalue().endswith("]\n")


def test_work_of_less_than_a_second_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_clock(monkeypatch, 0.0)
    with contextlib.redirect_stderr(Terminal()) as terminal:
        list(tracked(range(9), "x"))

    assert terminal.getvalue() == ""


def test_a_file_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_clock(monkeypatch)
    with contextlib.redirect_stderr(io.StringIO()) as file:
        assert list(tracked(range(9), "x")) == [*range(9)]

    assert file.getvalue() == ""
    assert progress_bar(None, "x", 9) is None


def test_without_a_standard_error_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(sys, "stderr", None)

    assert progress_bar(range(9), "x") is None


@pytest.mark.skipif(find_spec("ipywidgets") is not None, reason="ipywidgets shows a widget")
def test_a_notebook_without_widgets_gets_one_line_that_vanishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Handle:
        def update(self, content: Any, raw: bool) -> None:
            seen.append(content["text/plain"])

    def display(content: Any, raw: bool, display_id: bool) -> Handle:
        Handle().update(content, raw)
        return Handle()

    seen: list[str] = []
    slow_clock(monkeypatch)
    for name in ("ipykernel", "ipykernel.zmqshell", "IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(sys.modules["IPython.display"], "display", display, raising=False)
    error, output = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(output):
        assert list(tracked(range(3), "x")) == [0, 1, 2]

    assert (error.getvalue(), output.getvalue()) == ("", "")  # and tqdm.auto did not warn
    assert any(text.startswith("x:  67%|██████") for text in seen)
    assert seen[-1].strip() == ""


def test_tqdm_is_loaded_on_use_only() -> None:
    program = (
        "import sys, scalargrad.support.progress as p; list(p.tracked([1], 'x')); "
        "print('tqdm' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
