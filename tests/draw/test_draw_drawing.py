"""Tests of Drawing: how it shows itself and how it is saved."""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scalargrad import Value
from scalargrad.draw import Drawing, draw

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

    assert path.read_text() == "old"


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
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

    drawing.save(path)
    assert path.read_text() == drawing.svg
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="file modes and links as POSIX has them")
def test_saving_keeps_modes_and_links(drawing: Drawing, tmp_path: Path) -> None:
    target, link = tmp_path / "target.svg", tmp_path / "link.svg"
    target.touch()
    target.chmod(0o640)
    link.symlink_to(target)
    drawing.save(link)

    assert link.is_symlink()
    assert target.read_text() == drawing.svg
    assert target.stat().st_mode & 0o777 == 0o640
    plain = tmp_path / "plain"
    plain.touch()
    new = drawing.save(tmp_path / "new.svg")
    assert new.stat().st_mode == plain.stat().st_mode


def test_a_missing_folder_is_an_os_error(drawing: Drawing, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        drawing.save(tmp_path / "missing" / "picture.svg")


class _Page(HTMLParser):
    """The tags of a page, and the text of its style element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, list[dict[str, str | None]]] = {}
        self.style = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and data.strip():
            self.style = self.style or data


def test_the_page_is_closed_to_the_outside(tmp_path: Path) -> None:
    result = Value(1.0, "</title><script>alert(1)</script>").tanh()
    result.label = "</title><script>alert(2)</script>"
    text = draw(result, engine="builtin").save(tmp_path / "page.html").read_text("utf-8")

    page = _Page(text)
    assert page.tags["html"] == [{"lang": "en"}]
    assert "script" not in page.tags
    assert {"title", "svg", "figure"} <= set(page.tags)
    assert not any(
        name in ("src", "href") for tags in page.tags.values() for a in tags for name in a
    )
    metas = {meta.get("name") or meta.get("http-equiv"): meta for meta in page.tags["meta"]}
    assert metas["viewport"]["content"] == "width=device-width, initial-scale=1"
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    expected = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert expected == metas["Content-Security-Policy"]["content"]


def test_the_page_checks_its_picture_once_more(network: Value, tmp_path: Path) -> None:
    made = draw(network, engine="builtin")
    hostile = replace(made, svg="<svg><script>x()</script></svg>")

    assert "script" not in hostile.save(tmp_path / "page.html").read_text()


def test_jupyter(drawing: Drawing) -> None:
    svg, plain = {"image/svg+xml": drawing.svg}, {"text/plain": repr(drawing)}

    assert drawing._repr_mimebundle_() == svg | plain
    assert drawing._repr_mimebundle_(include={"text/plain"}) == plain
    assert drawing._repr_mimebundle_(exclude={"text/plain"}) == svg


def test_repr_is_short_and_without_addresses(drawing: Drawing) -> None:
    assert repr(drawing) == "Drawing(8 boxes, 7 edges, engine='builtin')"
    assert not re.search("0x[0-9a-f]{6}", repr(drawing))
    assert repr(draw(Value(1.0), engine="builtin")) == "Drawing(1 box, 0 edges, engine='builtin')"
