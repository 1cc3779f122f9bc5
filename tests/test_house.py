"""The rules of the house: the order of imports, public names with full docstrings, true docs."""

import ast
import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest
from rooms import MODULES, PACKAGE, ROOMS, ROOT, imported, imports_of, reading_path, room

import scalargrad as sg
from scalargrad.core.rows import TABLE


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import scalargrad as sg", {""}),
        ("import scalargrad.core.value", {"", "core.value"}),
        ("import scalargrad.core.value as v", {"core.value"}),
        ("from scalargrad import nn", {"nn"}),
        ("from scalargrad import draw, losses", {"", "losses"}),
        ("from scalargrad.core import value", {"core.value"}),
        ("from scalargrad.core.value import Value", {"core.value"}),
        ("def f():\n    from scalargrad.replay import compile", {"replay"}),
        ("if TYPE_CHECKING:\n    from scalargrad import optim", {"optim"}),
        ("import scalargradient\nfrom math import pi", set()),
    ],
)
def test_imports_of_a_source_text(source: str, modules: set[str]) -> None:
    assert imports_of(source) == modules


def test_every_folder_is_a_room() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}

    assert folders == set(ROOMS) - {".", "face"}


@pytest.mark.parametrize("name", sorted(set(MODULES) - {""}))
def test_rooms_import_from_those_before_them(name: str) -> None:
    own = room(name)
    allowed = set(ROOMS[: ROOMS.index(own) + 1])
    if own == "examples":
        allowed |= {"face"}  # examples are written as a user writes, with the public names

    assert {inner for inner in imported(name) if room(inner) not in allowed} == set()


def in_a_circle(needs: dict[str, set[str]]) -> set[str]:
    """The names that need each other in a circle, or need one that does."""
    waiting = dict(needs)
    while ready := [name for name, others in waiting.items() if not others & set(waiting) - {name}]:
        for name in ready:
            del waiting[name]
    return set(waiting)


def test_no_modules_in_a_circle() -> None:
    assert in_a_circle({name: imported(name) for name in MODULES}) == set()


@pytest.mark.parametrize("own", [own for own in ROOMS if own not in (".", "face")])
def test_no_folders_of_a_room_in_a_circle(own: str) -> None:
    """The folders in a room, and the files beside them, stand in an order too."""

    def part(name: str) -> str:
        return next((f for f in folders if name == f or name.startswith(f"{f}.")), name)

    inside = [name for name in MODULES if name.startswith(f"{own}.")]
    folders = [
        ".".join(path.parent.relative_to(PACKAGE).parts)
        for path in sorted((PACKAGE / own).rglob("*/__init__.py"), key=lambda p: -len(p.parts))
    ]
    needs: dict[str, set[str]] = {}
    for name in inside:
        others = {part(other) for other in imported(name) if other in inside}
        needs.setdefault(part(name), set()).update(others)

    assert in_a_circle(needs) == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_first_lines_and_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert (ast.get_docstring(tree) or "").splitlines()[0], "the first line says what the file is"

    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if path.stem == "__main__":
        return
    names = getattr(importlib.import_module(name), "__all__", None)
    if names is not None and name != "scalargrad":
        for public in names:
            thing = getattr(importlib.import_module(name), public)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert inspect.getdoc(thing), f"{name}.{public}"


def test_every_operation_is_public() -> None:
    for name, row in TABLE.items():
        if row.public:
            assert hasattr(sg, name), name
        else:
            assert getattr(sg, name, None) is not row, name
    assert sorted(sg.__all__, key=str.lower) == sorted(set(sg.__all__), key=str.lower)
    for name in sg.__all__:
        assert inspect.getdoc(getattr(sg, name)), name


def texts() -> list[Path]:
    kinds = {".py", ".md", ".toml", ".yml", ".ipynb", ".html", ""}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if Path(line).suffix in kinds]


def test_nobody_is_sent_to_the_other_project_of_that_name() -> None:
    for path in texts():
        if path.is_file() and path != Path(__file__):
            text = path.read_text("utf-8")
            assert not re.search(r"pip3? install (-\S+ )*scalargrad(?!-engine)\b", text), path


@pytest.mark.parametrize(
    ("name", "maker"), [("operations.md", "make_operations"), ("design.md", "make_rooms")]
)
def test_the_generated_pages_are_those_of_the_source(
    name: str, maker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    page = importlib.import_module(maker).page()

    assert (ROOT / "docs" / name).read_text("utf-8") == page, "run `make docs`"


def test_the_page_of_design_names_every_file_once() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    named = re.findall(r"(?m)^\| `(\S+\.py)` \|", page)
    files = [path for name, path in MODULES.items() if room(name) != "examples"]

    assert len(named) == len([path for path in files if path.stem != "__init__"]) + 1


def test_the_length_of_the_reading_path_is_true() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (claimed,) = re.findall(r"together\s+about ([\d,]+)\s+lines", page)

    assert abs(sum(reading_path().values()) - int(claimed.replace(",", ""))) <= 20, (
        "run `make lines`"
    )
