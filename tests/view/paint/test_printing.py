"""Tests of PNG and PDF files: their size and text, and errors where no Graphviz works."""

import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scalargrad import Value
from scalargrad.view.draw import draw
from scalargrad.view.drawing import Drawing
from scalargrad.view.paint.printing import print_by, printed


@pytest.fixture(autouse=True)
def _patient(patient: None) -> None:
    """Give a Graphviz time on a busy machine."""


@pytest.fixture
def drawing(network: Value) -> Drawing:
    """A picture of the built-in layout, with a notice: a Graphviz has not seen it yet."""
    return draw(network, max_nodes=5, engine="builtin")


def test_pixels_have_the_size_of_the_picture(drawing: Drawing, graphviz_engine: str) -> None:
    pixels = print_by(graphviz_engine, drawing.scene, "png")

    assert pixels.startswith(b"\x89PNG")
    width, height = struct.unpack(">2I", pixels[16:24])
    assert width == pytest.approx(drawing.scene.width * 192 / 72, abs=2)
    assert height == pytest.approx(drawing.scene.height * 192 / 72, abs=2)


def test_a_page_has_the_size_of_the_picture(drawing: Drawing, graphviz_engine: str) -> None:
    page = print_by(graphviz_engine, drawing.scene, "pdf")

    assert page.startswith(b"%PDF")
    found = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", page)
    assert found
    size = (drawing.scene.width, drawing.scene.height)
    assert tuple(map(float, found.groups())) == pytest.approx(size, abs=2)


def test_notice_and_legend_are_on_the_page(
    drawing: Drawing, graphviz_engine: str, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext")
    page = print_by(graphviz_engine, drawing.scene, "pdf")
    (tmp_path / "picture.pdf").write_bytes(page)
    command = ["pdftotext", str(tmp_path / "picture.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert drawing.notice
    assert drawing.notice in " ".join(text.split())
    assert "|grad|" in text


def test_the_other_graphviz_prints_instead(
    drawing: Drawing, real_pygraphviz: None, fake_dot: Callable[[str], None]
) -> None:
    fake_dot("import sys; sys.exit('out of ink')")  # like one that was built without the format

    assert printed(drawing.scene, "png").startswith(b"\x89PNG")


def test_the_error_gives_all_reasons(
    drawing: Drawing, fake_dot: Callable[[str], None], fake_pygraphviz: Callable[[str], None]
) -> None:
    fake_dot("import sys; sys.exit('out of ink')")
    fake_pygraphviz("raise ImportError('libX11.so.6')")

    with pytest.raises(RuntimeError, match=r"as \.pdf: .*out of ink, pygraphviz .*libX11\.so\.6"):
        printed(drawing.scene, "pdf")
