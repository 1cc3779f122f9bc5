"""Tests of the progress line of work that is no training; fit's are in test_training.py."""

import contextlib
import io
import itertools
import sys

import pytest
from terminals import Terminal

from scalargrad.support.progress import tracked


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal, with a clock on which half a second passes between two looks."""
    clock = itertools.count(0.0, 0.5)
    monkeypatch.setattr("scalargrad.support.progress.monotonic", lambda: next(clock))
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return Terminal()


def test_it_hands_on_all_items_and_shows_how_many_are_done(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal):
        items = list(tracked("abcdef", "reading"))
    looks = terminal.getvalue().removesuffix("\n").split("\r")[1:]

    assert items == list("abcdef")
    assert looks[0].startswith("reading 1 of 6 [###                 ] ")
    assert looks[-1].startswith("reading 5 of 6 [#################   ] ")
    assert terminal.getvalue().count("\n") == 1


def test_a_loop_that_is_left_early_ends_the_line(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal), contextlib.closing(tracked(range(9), "x")) as items:
        for item in items:
            if item == 5:
                break

    assert terminal.getvalue().endswith(" s left\n")


def test_a_file_gets_no_line(terminal: Terminal) -> None:
    file = io.StringIO()
    with contextlib.redirect_stderr(file):
        list(tracked(range(9), "x"))

    assert file.getvalue() == ""


def test_what_has_no_length_needs_a_total() -> None:
    assert list(tracked(iter("ab"), "x", total=2)) == ["a", "b"]
    with pytest.raises(TypeError, match=r"list_iterator has no length; give total="):
        next(tracked(iter([1]), "x"))
