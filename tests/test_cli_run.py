"""`list` and `run`: what a student reads, and what is left in the folder."""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest
from pages import Page
from terminals import Terminal

from scalargrad.cli import main
from scalargrad.examples import catalogue

drawn = pytest.mark.skipif(not find_spec("matplotlib"), reason="matplotlib is not installed")


@pytest.fixture
def two_of_stone(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Have two quick examples in the catalogue, and return their names."""
    names = ("simplest_network", "two_inputs")
    stone = replace(catalogue.LECTURES[0], examples=names)
    monkeypatch.setattr(catalogue, "GROUPS", (stone, catalogue.WORK))
    return names


def failing(error: Exception) -> Callable[[], NoReturn]:
    def run() -> NoReturn:
        raise error

    return run


# --- what a student reads -------------------------------------------------------------------


def test_run_explains_in_order(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["run", "two_inputs"]) == 0
    text = capsys.readouterr().out

    explained = catalogue.explanation("two_inputs")
    pieces = [
        explained.summary, "Stone: ", explained.body[1], "Source: Stone", "Data: ", "The numbers",
        "-1.23700", "What to look for", "The pictures", "add --save DIR",
    ]  # fmt: skip
    places = [text.index(piece) for piece in pieces]
    assert places == sorted(places)
    assert "\x1b" not in text


def test_a_terminal_gets_bold_colour_and_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NO_COLOR": "", "TERM": "xterm", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    assert main(["run", "network_at_work"]) == 0
    text = screen.getvalue()

    explanation, _, rest = text.partition("The numbers")
    assert text.startswith("\x1b[1m")
    assert "\x1b[1mThe numbers\x1b[0m\n" in text
    assert "\x1b[36m    E = " in text  # formulas
    prose = [line for line in explanation.splitlines() if "\x1b" not in line]
    assert 40 < max(map(len, prose)) <= 60
    assert "\n- early stopping: " in explanation  # the items of a list stand together
    assert "\n\n- early stopping: " not in explanation
    assert "400 fresh" in rest


# --- the lists ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "folder"),
    [("stone", "stone"), ("Van Veen", "van_veen"), ("van-veen", "van_veen"), ("S2", "goebels"),
     ("s3", "brilliant"), ("Lecture 2", "lecture2"), ("work", "work")],
)  # fmt: skip
def test_list_of_one_lecture(word: str, folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--lecture", word]) == 0
    text = capsys.readouterr().out

    for group in catalogue.GROUPS:
        assert (group.heading in text) == (group.folder == folder)
        for name in group.examples:
            assert (f"  {name:<26} " in text) == (group.folder == folder)


@pytest.mark.parametrize("words", [["list"], ["run", "--all", "--save", "x"]])
def test_an_unknown_lecture(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("S5", ""):
        assert main([*words, "--lecture", word]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert f"no lecture is named {word!r}; there are stone (S0), " in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run", "the NAME of an example, which `list` shows, or --all"),
        ("run two_inputs --all --save x", "the NAME of an example, which `list` shows, or --all"),
        ("run two_inputs --lecture stone", "--lecture goes with `list` and with `run --all`"),
        ("run --all", "--all needs --save DIR"),
        ("run --all --save {file}", "--save names a folder, but"),
    ],
)
def test_words_that_do_not_go_together(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(words.format(file=tmp_path / "file").split()) == 2
    captured = capsys.readouterr()

    assert captured.out == ""
    assert said in captured.err


# --- all of them ----------------------------------------------------------------------------


@drawn
def test_run_all_leaves_a_folder_for_each_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], two_of_stone: tuple[str, ...]
) -> None:
    names, folder = two_of_stone, tmp_path / "new"
    assert main(["run", "--all", "--lecture", "stone", "--save", str(folder)]) == 0

    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "index.html"])
    text = (folder / "index.html").read_text("utf-8")
    page = Page(text)
    pictures = {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}
    shown = [element["src"] for element in page.all("img")]
    linked = [a["href"] for a in page.all("a") if not (a["href"] or "").startswith("#")]
    assert pictures == {*shown, *linked}
    assert len(pictures) == len(shown) + len(linked) >= len(names)
    assert all(element["alt"] for element in page.all("img"))
    assert [section["id"] for section in page.all("section")] == list(names)
    said = capsys.readouterr().out
    for name in names:
        assert catalogue.summary(name) in page.texts("h2")
        assert f"{name:<26} pictures: " in said
    assert "w_k = w* + (w_0 - w*) (1 - ε x²)^k" in page.text("pre")
    assert "Look for:" not in text


@drawn
def test_run_all_names_what_failed_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    two_of_stone: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.setattr(
        "scalargrad.examples.stone.simplest_network.run", failing(ZeroDivisionError("by zero"))
    )
    assert main(["run", "--all", "--lecture", "S0", "--save", str(tmp_path)]) == 2
    said = capsys.readouterr()

    assert "simplest_network           failed\n" in said.out
    assert "two_inputs                 pictures: " in said.out
    assert "1 of 2 examples failed:\n  simplest_network: ZeroDivisionError: by zero\n" in said.err
    assert "two_inputs" in (tmp_path / "index.html").read_text("utf-8")


@drawn
def test_run_all_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], two_of_stone: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")
    words = ["run", "--all", "--lecture", "S0", "--save", str(tmp_path / "file" / "below")]
    assert main(words) == 2

    assert "the page cannot be written" in capsys.readouterr().err


def test_ctrl_c_ends_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scalargrad.examples.van_veen.stochastic_descent.run", interrupted)
    assert main(["run", "--all", "--lecture", "S1", "--save", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "\nscalargrad: interrupted\n"
