"""What a terminal gets: bold and colour where it has them, and lines of its width."""

import io
import os

import pytest
from terminals import Terminal as Screen

from scalargrad.support.terminal import Terminal

PLAIN = {"NO_COLOR": "", "TERM": "xterm-256color", "COLUMNS": "72"}


@pytest.mark.parametrize(
    ("stream", "environment", "styled"),
    [
        (Screen(), {}, True),
        (Screen(), {"NO_COLOR": "1"}, False),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_styles_are_for_terminals_that_want_them(
    stream: io.StringIO, environment: dict[str, str], styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {**PLAIN, **environment}.items():
        monkeypatch.setenv(name, text)
    terminal = Terminal.of(stream)

    assert terminal.styled is styled
    for style in (terminal.bold, terminal.faint, terminal.coloured):
        assert style("δ").startswith("\x1b[") is styled
        assert style("") == ""
        assert "δ" in style("δ")


@pytest.mark.parametrize(
    ("columns", "width"), [("20", 40), ("72", 72), ("300", 100), ("none", 100)]
)
def test_the_width(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "os.get_terminal_size", lambda *_: os.terminal_size((0, 0))
    )  # what a pipe answers
    monkeypatch.setenv("COLUMNS", columns)

    assert Terminal.of(io.StringIO()).width == width


def test_prose_is_wrapped_between_words_only() -> None:
    text = "a back-propagated error " * 10
    lines = Terminal(50).prose(text, "- ", "  ").splitlines()

    assert max(map(len, lines)) <= 50
    assert [line[:2] for line in lines] == ["- ", *["  "] * (len(lines) - 1)]
    assert "".join(line[2:] + " " for line in lines).split() == text.split()
    assert not any(line.endswith("-") for line in lines)
