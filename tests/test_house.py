"""The rules of the house: imports in a straight line, a line budget, names, true docs."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import scalargrad as sg
from scalargrad.core.rows import TABLE

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scalargrad"

# The rooms of the house, from the ground up: a file imports from its own room and from those before
# it. A room is a folder of the package; "." are the files beside the folders that build on the
# engine and its transforms, "face" is what users and the command line enter by.
ROOMS = [
    "support",
    "core",
    "transforms",
    ".",
    "replay",
    "training",
    "view",
    "plot",
    "examples",
    "face",
]
FACE = {"__init__", "__main__", "cli", "doctor", "engine"}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name, that of the package itself being ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(name: str) -> str:
    """The room of a module."""
    first = name.partition(".")[0]
    if first in FACE or not name:
        return "face"
    return first if (PACKAGE / first).is_dir() else "."


def imported(name: str) -> set[str]:
    """The modules of this package that a module imports, when it is loaded or later.

    The package itself, "", is among them where names come from the public face.
    """
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("scalargrad."):
            base = f"{node.module}".removeprefix("scalargrad").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                found.add(inner if inner in MODULES else base)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if f"{alias.name}.".startswith("scalargrad."):
                    found.add(alias.name.removeprefix("scalargrad").removeprefix("."))
    return found - {name}


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
    assert in_a_circle({name: imported(name) - {""} for name in MODULES if name}) == set()


@pytest.mark.parametrize(
    "own", ["support", "core", "transforms", "replay", "training", "plot", "examples"]
)
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


def test_the_core_imports_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; import scalargrad; "
        "print([m for m in ('numpy', 'numba', 'jax', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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
            told = path.read_text("utf-8")
            assert not re.search(r"pip3? install (-\S+ )*scalargrad(?!-engine)\b", told), path


def test_the_page_of_operations_is_that_of_the_table() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        page = importlib.import_module("make_operations").page()
    finally:
        sys.path.pop(0)

    assert (ROOT / "docs" / "operations.md").read_text("utf-8") == page, "run `make docs`"
