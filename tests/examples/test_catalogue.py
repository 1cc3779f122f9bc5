"""Every example, as the command line runs it: it computes, reports and draws in the same form."""

import inspect
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from computed import computed, run_of

import scalargrad as sg
from scalargrad.cli import main
from scalargrad.examples import catalogue

NAMES = [name for group in catalogue.GROUPS for name in group.examples]
FOLDER = Path(catalogue.__file__).parent


# --- the form -------------------------------------------------------------------------------


def test_all_modules_are_listed_once() -> None:
    others = {"__init__", "catalogue", "pictures", "matrices", "names", "moving", "explanations",
              "presentation", "slides", "boundary_film"}  # fmt: skip

    assert sorted(NAMES) == sorted({path.stem for path in FOLDER.rglob("*.py")} - others)


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_shows_in_one_line(name: str) -> None:
    assert 20 < len(catalogue.summary(name)) < 90
    assert catalogue.summary(name).endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_each_is_written_with_the_public_face_alone(name: str) -> None:
    source = inspect.getsource(sys.modules[catalogue.example(name).__name__])
    inner = {"core", "transforms", "replay", "view", "training", "engine"}
    for line in source.splitlines():
        if line.startswith(("from scalargrad.", "import scalargrad.")):
            assert line.split()[1].split(".")[1] not in inner, line
        assert not line.startswith(("import numpy", "import matplotlib", "from matplotlib")), line


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_loaded_without_matplotlib_and_numpy(name: str) -> None:
    source = inspect.getsource(sys.modules[catalogue.example(name).__name__])

    assert "\nfrom scalargrad import plot" not in source  # only where it draws


# --- the numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_each_reports_its_numbers(name: str) -> None:
    text = catalogue.example(name).report(computed(name))

    assert any(character.isdigit() for character in text)
    assert max(map(len, text.splitlines())) <= 110
    assert "Value(" not in text


@pytest.mark.parametrize("name", NAMES)
def test_each_computes_and_prints_nothing(name: str) -> None:
    run = run_of(name)

    assert run.printed == ""
    assert run.files == []


# --- the pictures ---------------------------------------------------------------------------


@pytest.mark.skipif(not find_spec("matplotlib"), reason="matplotlib is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_each_draws_what_it_says(name: str, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    pictures = catalogue.example(name).figures(computed(name))

    assert pictures
    for key, picture in pictures.items():
        if isinstance(picture, sg.Film):
            assert "scalargrad-film" in picture.save(tmp_path / f"{key}.html").read_text("utf-8")
            continue
        ElementTree.parse(picture.save(tmp_path / f"{key}.svg"))
        if isinstance(picture, Figure):
            assert len(picture.alt) > 40, f"{key}: what does it show?"
            for ax in picture.axes:
                if ax.axison and ax.get_label() != "<colorbar>":
                    assert ax.get_xlabel(), key
                    assert ax.get_ylabel(), key


# --- the command line -----------------------------------------------------------------------


def test_list_shows_all_by_subject(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out

    for group in catalogue.GROUPS:
        assert f"{group.heading}\n" in text
    for name in NAMES:
        assert f"  {name:<26} {catalogue.summary(name).rstrip('.')}\n" in text


@pytest.mark.skipif(not find_spec("matplotlib"), reason="matplotlib is not installed")
def test_run_prints_numbers_and_saves_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "simplest-network", "--save", str(tmp_path / "new")]) == 0
    text = capsys.readouterr().out

    assert "0.096" in text
    saved = sorted((tmp_path / "new").iterdir())
    assert len(saved) == len(
        catalogue.example("simplest_network").figures(computed("simplest_network"))
    )
    for path in saved:
        assert path.name.startswith("simplest_network-")
        assert str(path) in text


def test_run_without_a_folder_saves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "seven_node"]) == 0

    assert "add --save DIR" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_lists_similar_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "seven_nodes"]) == 2
    assert "no example is named 'seven_nodes'; did you mean seven_node?" in capsys.readouterr().err


def test_a_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", "seven_node", "--save", str(tmp_path / "file")]) == 2
    captured = capsys.readouterr()

    assert captured.out == ""  # said before the work is done, which may take minutes
    assert f"{tmp_path / 'file'} is a file" in captured.err


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", "seven_node", "--save", str(tmp_path / "file" / "below")]) == 2
    captured = capsys.readouterr()

    assert "w13" in captured.out  # the numbers are there all the same
    assert "the pictures cannot be written" in captured.err


def test_without_matplotlib_the_numbers_come_and_the_line_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("scalargrad.plot")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delattr(sg, "plot", raising=False)
    assert main(["run", "simplest_network", "--save", str(tmp_path)]) == 2
    captured = capsys.readouterr()

    assert "0.096" in captured.out
    assert "pip install -e '.[plot]'" in captured.err


def test_without_scipy_the_line_to_type(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking() -> None:
        raise ImportError("sg.solve needs SciPy. In the checkout type: pip install -e '.[solve]'")

    monkeypatch.setattr("scalargrad.examples.work.inverse_kinematics.run", lacking)
    assert main(["run", "inverse_kinematics"]) == 2
    assert "inverse_kinematics cannot run: sg.solve needs SciPy" in capsys.readouterr().err


def test_ctrl_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scalargrad.examples.lecture2.seven_node.run", interrupted)
    assert main(["run", "seven_node"]) == 130
    assert capsys.readouterr().err == "\nscalargrad: interrupted\n"
