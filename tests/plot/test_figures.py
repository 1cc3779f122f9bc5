"""The figure itself: it saves, shows itself with its text, and leaves matplotlib's state alone."""

import base64
import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.figure import Figure  # noqa: E402

import scalargrad as sg  # noqa: E402
from scalargrad import plot  # noqa: E402


def simple(alt: str | None = None) -> plot.Figure:
    return plot.lines({"E": [4.0, 2.0, 1.0]}, xlabel="update", ylabel="E", title="Down", alt=alt)


def test_it_is_a_figure_of_matplotlib() -> None:
    assert isinstance(simple(), Figure)
    assert sg.plot is plot


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("PDF", b"%PDF")]
)
def test_it_saves_in_the_format_of_the_suffix(suffix: str, start: bytes, tmp_path: Path) -> None:
    path = simple().save(tmp_path / f"x.{suffix}")

    assert path.read_bytes().startswith(start)


def test_another_suffix_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot save as '.gif': .* \.svg, \.png, \.pdf"):
        simple().save(tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


def test_an_svg_is_the_same_to_the_byte_and_bears_its_text(tmp_path: Path) -> None:
    first = simple("A <falling> line & no more").save(tmp_path / "a.svg").read_bytes()
    second = simple("A <falling> line & no more").save(tmp_path / "b.svg").read_bytes()

    assert first == second
    message = "".join(ElementTree.fromstring(first).itertext())
    assert "A <falling> line & no more" in message
    assert "Down" in message


def test_a_notebook_gets_one_image_with_its_text() -> None:
    forms = simple('say "E" & <b>')._repr_mimebundle_()

    assert set(forms) == {"text/plain", "text/html"}
    image = ElementTree.fromstring(forms["text/html"].replace('">', '"/>'))
    assert image.get("alt") == 'say "E" & <b>'
    assert (image.get("src") or "").startswith("data:image/svg+xml;base64,")
    assert set(simple()._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}


def test_a_notebook_gets_pixels_of_what_has_thousands_of_shapes() -> None:
    page = plot.lines({"noise": [math.sin(k * k) for k in range(9_000)]}, xlabel="k", ylabel="y")
    (image,) = re.findall(r'src="data:image/png;base64,([^"]+)"', str(page._repr_mimebundle_()))

    assert base64.b64decode(image).startswith(b"\x89PNG")
    assert len(base64.b64decode(image)) < len(page._render("svg"))


def test_what_cannot_be_drawn_fails_no_notebook() -> None:
    page = simple()
    page.axes[0].set_title("$\\nosuchcommand$")
    forms = page._repr_mimebundle_()

    assert "cannot be drawn" in forms["text/plain"]


def test_texts_are_made_from_the_numbers_unless_given() -> None:
    assert simple().alt == "E over update: E goes from 4 to 1"
    assert simple("mine").alt == "mine"


def test_a_grid_is_drawn_into_and_keeps_its_text() -> None:
    page = plot.figure(1, 2, alt="two of them")
    for ax in page.axes:
        assert plot.lines({"y": [1, 2]}, xlabel="x", ylabel="y", ax=ax) is page
    assert page.alt == "two of them"
    assert [len(ax.lines) for ax in page.axes] == [1, 1]


def test_axes_of_someone_elses_figure_do_too() -> None:
    own = Figure()
    ax = own.subplots()

    assert plot.lines({"y": [1, 2]}, xlabel="x", ylabel="y", ax=ax) is own


def test_a_figure_has_at_least_one_row_and_column() -> None:
    with pytest.raises(ValueError, match="got 0 and 2"):
        plot.figure(0, 2)


def test_no_window_is_kept_and_no_setting_is_touched(tmp_path: Path) -> None:
    program = (
        "import matplotlib\n"
        "before = dict(matplotlib.rcParams)\n"
        "import scalargrad as sg\n"
        "sg.plot.lines({'y': [1, 2]}, xlabel='x', ylabel='y').save('x.svg')\n"
        "from matplotlib._pylab_helpers import Gcf\n"
        "print(Gcf.get_all_fig_managers(), dict(matplotlib.rcParams) == before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["[]", "True"]


def test_pyplot_is_not_loaded() -> None:
    program = (
        "import sys, scalargrad as sg\n"
        "sg.plot.network([2, 1])._repr_mimebundle_()\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False"]


def test_without_matplotlib_it_says_what_to_type() -> None:
    program = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "import scalargrad as sg\n"
        "try:\n"
        "    sg.plot\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "needs matplotlib" in done.stdout
    assert "pip install -e '.[plot]'" in done.stdout


def test_the_style_of_the_user_changes_nothing(tmp_path: Path) -> None:
    usual = simple().save(tmp_path / "a.svg").read_bytes()
    with matplotlib.rc_context(
        {"lines.linewidth": 9.0, "axes.facecolor": "black", "font.size": 30, "axes.grid": False}
    ):
        page = simple()
        styled = page.save(tmp_path / "b.svg").read_bytes()

    assert styled == usual


def test_the_texts_of_panels_stand_one_after_the_other() -> None:
    page = plot.figure(1, 2)
    plot.lines({"a": [2, 1]}, xlabel="x", ylabel="E", ax=page.axes[0])
    plot.lines({"b": [3, 1]}, xlabel="x", ylabel="E", title="Slow", ax=page.axes[1])

    assert page.alt == "E over x: a goes from 2 to 1. Slow: E over x: b goes from 3 to 1"


def test_a_text_of_ones_own_is_kept() -> None:
    page = simple()
    page.alt = "mine"
    plot.lines({"a": [2, 1]}, xlabel="x", ylabel="E", ax=page.axes[0])

    assert page.alt == "mine"
