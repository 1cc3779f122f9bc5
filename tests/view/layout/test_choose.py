"""Tests of the choice of engine: the best that works, and clear words where none does."""

import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scalargrad import Value
from scalargrad.view import programs
from scalargrad.view.draw import draw
from scalargrad.view.drawing import Drawing
from scalargrad.view.layout import choose as engines

_HANGS = "import signal; signal.pause()"
_FAILS = "import sys; sys.stderr.write('out of ink'); sys.exit(3)"
_SAYS_NOTHING = "pass"
_SPEAKS_NONSENSE = "print('<svg><g></svg>')"
_PLACES_NOTHING = 'print(\'{"bb": "0,0,9,9", "objects": []}\')'
_NOT_UTF8 = 'import sys; sys.stdout.buffer.write(b\'{"bb": "\\xff"}\')'

_broken = pytest.mark.parametrize(
    ("program", "message"),
    [
        (_HANGS, "took more than 0.3 s"),
        (_FAILS, r"exit 3\): out of ink"),
        (_SAYS_NOTHING, "no output"),
        (_SPEAKS_NONSENSE, "no usable layout"),
        (_PLACES_NOTHING, "no usable layout: KeyError"),
        (_NOT_UTF8, "no usable layout"),
    ],
    ids=["hangs", "fails", "says nothing", "speaks nonsense", "places nothing", "not UTF-8"],
)
_broken_package = pytest.mark.parametrize(
    ("package", "message"),
    [
        ("raise ImportError('libX11.so.6: no such file')", "cannot be imported: libX11.so.6"),
        ("raise OSError('half installed')", "OSError: half installed"),
        ("", "AttributeError"),
        ("import sys; sys.exit(0)", "no output"),
        ("import os; os.abort()", r"exit -?\d"),
    ],
    ids=["lacks a library", "raises", "is empty", "leaves", "crashes"],
)


@pytest.fixture(autouse=True)
def _as_patient_as_needed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    if "program" in request.fixturenames and request.getfixturevalue("program") == _HANGS:
        monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 0.3)
        monkeypatch.setattr(programs, "IMPATIENT_SECONDS", 0.3)


def test_auto_takes_dot(network: Value, real_dot: None) -> None:
    assert draw(network).engine == "dot"


def test_auto_without_dot_takes_pygraphviz(
    network: Value, no_dot: None, real_pygraphviz: None
) -> None:
    assert draw(network).engine == "pygraphviz"


def test_auto_draws_without_any_graphviz(network: Value, no_graphviz: None) -> None:
    drawing = draw(network)

    assert drawing.engine == "builtin"
    assert drawing.svg.startswith("<svg ")


def test_each_by_name(network: Value, engine: str) -> None:
    assert draw(network, engine=engine).engine == engine


def test_dot_without_dot_says_what_to_do(network: Value, no_dot: None) -> None:
    with pytest.raises(RuntimeError, match=r"not on PATH.*builtin.*apt install graphviz"):
        draw(network, engine="dot")


def test_pygraphviz_without_pygraphviz_says_what_to_do(network: Value, no_pygraphviz: None) -> None:
    expected = re.escape("pip install -e '.[render]'")
    with pytest.raises(RuntimeError, match=rf"not installed.*builtin.*{expected}"):
        draw(network, engine="pygraphviz")


@_broken
def test_auto_draws_with_a_broken_dot(
    network: Value, fake_dot: Callable[[str], None], no_pygraphviz: None, program: str, message: str
) -> None:
    fake_dot(program)

    assert draw(network).engine == "builtin"


@_broken
def test_auto_goes_on_to_pygraphviz(
    network: Value,
    real_pygraphviz: None,
    fake_dot: Callable[[str], None],
    program: str,
    message: str,
) -> None:
    fake_dot(program)

    # What one Graphviz did not finish, the other need not try.
    expected = "builtin" if program == _HANGS else "pygraphviz"
    assert draw(network).engine == expected


@_broken
def test_dot_with_a_broken_dot_says_what_happened(
    network: Value, fake_dot: Callable[[str], None], program: str, message: str
) -> None:
    fake_dot(program)

    with pytest.raises(RuntimeError, match=message):
        draw(network, engine="dot")


def test_a_dot_that_cannot_be_started(
    network: Value, fake_dot: Callable[[str], None], no_pygraphviz: None, tmp_path: Path
) -> None:
    fake_dot("pass")
    (tmp_path / "bin" / "dot").write_text("#!/nonexistent/interpreter\n")

    assert draw(network).engine == "builtin"
    with pytest.raises(RuntimeError, match="could not be run"):
        draw(network, engine="dot")


@_broken_package
def test_auto_draws_with_a_broken_pygraphviz(
    network: Value,
    no_dot: None,
    fake_pygraphviz: Callable[[str], None],
    package: str,
    message: str,
) -> None:
    fake_pygraphviz(package)

    assert draw(network).engine == "builtin"


@_broken_package
def test_pygraphviz_with_a_broken_one_says_what_happened(
    network: Value, fake_pygraphviz: Callable[[str], None], package: str, message: str
) -> None:
    fake_pygraphviz(package)

    with pytest.raises(RuntimeError, match=message):
        draw(network, engine="pygraphviz")


def test_an_unknown_engine(network: Value) -> None:
    message = "engine must be one of auto, dot, pygraphviz, builtin, not 'neato'"
    with pytest.raises(ValueError, match=message):
        draw(network, engine="neato")
    with pytest.raises(ValueError, match=message):
        engines.lay_out(draw(network, engine="builtin").graph, "neato")


@pytest.fixture
def drawing(network: Value) -> Drawing:
    """A picture of the built-in layout, with a notice: a Graphviz has not seen it yet."""
    return draw(network, max_nodes=5, engine="builtin")


def test_pixels_have_the_size_of_the_picture(drawing: Drawing, graphviz_engine: str) -> None:
    pixels = engines.print_by(graphviz_engine, drawing.graph, drawing.layout, "png")

    assert pixels.startswith(b"\x89PNG")
    width, height = struct.unpack(">2I", pixels[16:24])
    assert width == pytest.approx(_page(drawing)[0] * 192 / 72, abs=2)
    assert height == pytest.approx(_page(drawing)[1] * 192 / 72, abs=2)


def test_a_page_has_the_size_of_the_picture(drawing: Drawing, graphviz_engine: str) -> None:
    page = engines.print_by(graphviz_engine, drawing.graph, drawing.layout, "pdf")

    assert page.startswith(b"%PDF")
    found = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", page)
    assert found
    assert tuple(map(float, found.groups())) == pytest.approx(_page(drawing), abs=2)


def test_the_notice_and_the_legend_stand_on_the_page(
    drawing: Drawing, graphviz_engine: str, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext")
    page = engines.print_by(graphviz_engine, drawing.graph, drawing.layout, "pdf")
    (tmp_path / "picture.pdf").write_bytes(page)
    command = ["pdftotext", str(tmp_path / "picture.pdf"), "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert drawing.notice
    assert drawing.notice in " ".join(told.split())
    assert "|grad|" in told


def test_a_picture_by_the_other_graphviz(
    drawing: Drawing, real_pygraphviz: None, fake_dot: Callable[[str], None]
) -> None:
    fake_dot(_FAILS)  # as one does that was built without the format

    assert engines.picture(drawing.graph, drawing.layout, "png").startswith(b"\x89PNG")


def test_without_a_picture_all_reasons_are_told(
    drawing: Drawing, fake_dot: Callable[[str], None], fake_pygraphviz: Callable[[str], None]
) -> None:
    fake_dot(_FAILS)
    fake_pygraphviz("raise ImportError('libX11.so.6')")

    with pytest.raises(RuntimeError, match=r"as \.pdf: .*out of ink, pygraphviz .*libX11\.so\.6"):
        engines.picture(drawing.graph, drawing.layout, "pdf")


def _page(drawing: Drawing) -> tuple[float, float]:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg)
    assert box
    return float(box[1]), float(box[2])
