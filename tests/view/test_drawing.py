"""Tests of Drawing: how it shows itself and how it is saved."""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import HOSTILE
from interrupting import ctrl_c_at_line
from pages import Page

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import clean
from scalargrad.view.draw import draw
from scalargrad.view.drawing import Drawing

_FIRST_BYTES = {
    ".svg": b"<svg ",
    ".dot": b"digraph",
    ".html": b"<!DOCTYPE html>",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
}


@pytest.fixture
def drawing(network: Value) -> Drawing:
    return draw(network, engine="builtin")


@pytest.mark.parametrize("suffix", [".svg", ".dot", ".html"])
def test_text_formats_need_no_graphviz(
    drawing: Drawing, no_graphviz: None, tmp_path: Path, suffix: str
) -> None:
    path = drawing.save(tmp_path / f"picture{suffix}")

    assert path == tmp_path / f"picture{suffix}"
    assert path.read_bytes().startswith(_FIRST_BYTES[suffix])


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_pixels_and_pages(
    drawing: Drawing, graphviz_engine: str, tmp_path: Path, suffix: str
) -> None:
    path = drawing.save(str(tmp_path / f"picture{suffix.upper()}"))

    assert path.read_bytes().startswith(_FIRST_BYTES[suffix])


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_without_graphviz_the_error_says_what_works(
    drawing: Drawing, no_graphviz: None, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"picture{suffix}"
    message = rf"cannot save as {suffix}: .*\.svg, \.html and \.dot work .*apt install graphviz"
    with pytest.raises(RuntimeError, match=message):
        drawing.save(path)

    assert not path.exists()


def test_a_dot_that_fails_leaves_the_old_file(
    drawing: Drawing, fake_dot: Callable[[str], None], no_pygraphviz: None, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old")
    fake_dot("import sys; sys.exit(1)")
    with pytest.raises(RuntimeError, match="failed"):
        drawing.save(path)

    assert path.read_text("utf-8") == "old"


@pytest.mark.parametrize("name", ["picture.gif", "picture", "picture.", ".svg"])
def test_an_unknown_suffix_lists_the_known_ones(
    drawing: Drawing, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.html"):
        drawing.save(tmp_path / name)

    assert list(tmp_path.iterdir()) == []


def test_saving_replaces_a_file_in_one_step(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.svg"
    path.write_text("old")

    def fail(*arguments: object) -> None:
        raise OSError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk on fire"):
            drawing.save(path)
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]

    drawing.save(path)
    assert path.read_text("utf-8") == drawing.svg
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="file modes and links as POSIX has them")
def test_saving_keeps_modes_and_links(drawing: Drawing, tmp_path: Path) -> None:
    target, link = tmp_path / "target.svg", tmp_path / "link.svg"
    target.touch()
    target.chmod(0o640)
    link.symlink_to(target)
    drawing.save(link)

    assert link.is_symlink()
    assert target.read_text("utf-8") == drawing.svg
    assert target.stat().st_mode & 0o777 == 0o640
    plain = tmp_path / "plain"
    plain.touch()
    new = drawing.save(tmp_path / "new.svg")
    assert new.stat().st_mode == plain.stat().st_mode


def test_a_missing_folder_is_an_os_error(drawing: Drawing, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        drawing.save(tmp_path / "missing" / "picture.svg")


def test_the_page_is_closed_to_the_outside(tmp_path: Path) -> None:
    result = Value(1.0, "</title><script>alert(1)</script>").tanh()
    result.label = "</title><script>alert(2)</script>"
    text = draw(result, engine="builtin").save(tmp_path / "page.html").read_text("utf-8")

    page = Page(text)
    assert page.all("html") == [{"lang": "en"}]
    assert "script" not in page.names
    assert {"title", "svg", "figure"} <= set(page.names)
    assert not any(name in ("src", "href") for _, names in page.tags for name in names)
    metas = {meta.get("name") or meta.get("http-equiv"): meta for meta in page.all("meta")}
    assert metas["viewport"]["content"] == "width=device-width, initial-scale=1"
    (style,) = page.texts("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (metas["Content-Security-Policy"]["content"] or "").split("; ")
    assert set(policy) == {
        "default-src 'none'", "base-uri 'none'", "form-action 'none'",
        f"style-src 'sha256-{digest}'",
    }  # fmt: skip


def test_hostile_labels_are_text_on_the_page(tmp_path: Path) -> None:
    def page_of(labels: list[str]) -> Page:
        values = [Value(number, label) for number, label in enumerate(labels, 1)]
        result = sg.dot(values[:17], values[17:])  # half of them parameters, half inputs
        result.label = labels[6]
        path = draw(result, engine="builtin").save(tmp_path / "page.html")
        return Page(path.read_text("utf-8"))

    page, tame = (
        page_of(HOSTILE),
        page_of([f"x{n}" if clean(HOSTILE[n]) else "" for n in range(34)]),
    )

    for label in HOSTILE:
        assert clean(label) in page.texts("text") or not label
    assert clean(HOSTILE[6]) in page.text("title")
    assert [(tag, sorted(names)) for tag, names in page.tags] == [
        (tag, sorted(names)) for tag, names in tame.tags
    ]


def test_jupyter(drawing: Drawing) -> None:
    svg, plain = {"image/svg+xml": drawing.svg}, {"text/plain": repr(drawing)}

    assert drawing._repr_mimebundle_() == svg | plain
    assert drawing._repr_mimebundle_(include={"text/plain"}) == plain
    assert drawing._repr_mimebundle_(exclude={"text/plain"}) == svg


def test_repr_is_short_and_without_addresses(drawing: Drawing) -> None:
    assert repr(drawing) == "Drawing(8 boxes, 7 edges, engine='builtin')"
    assert not re.search("0x[0-9a-f]{6}", repr(drawing))
    assert repr(draw(Value(1.0), engine="builtin")) == "Drawing(1 box, 0 edges, engine='builtin')"


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("suffix", [".svg", ".html", ".dot"])
def test_ctrl_c_while_saving_leaves_the_older_file_or_the_newer_one(
    drawing: Drawing, suffix: str, tmp_path: Path
) -> None:
    path = drawing.save(tmp_path / f"picture{suffix}")
    new = path.read_bytes()
    line, interrupted = 1, True
    while interrupted:
        path.write_text("the older file")
        interrupted = False
        try:
            with ctrl_c_at_line(line):
                drawing.save(path)
        except KeyboardInterrupt:
            interrupted = True
        assert path.read_bytes() in (b"the older file", new)
        assert [*tmp_path.iterdir()] == [path]
        line += 1 + line // 8  # all of the first lines, and some of thousands

    assert path.read_bytes() == new
    assert line > 30
