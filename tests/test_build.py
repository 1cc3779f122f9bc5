"""The build: when machine code is in a wheel, how the wheel is tagged, and what is an error.

A copy of setup.py and pyproject.toml builds a package of three files, in a second.
"""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from scalargrad.doctor import _can_compile

ROOT = Path(__file__).parents[1]
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
LIBRARY = f"scalargrad/core/_node{SUFFIX}"
SOURCE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_node", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__node(void)
{
    PyObject *made = PyModule_Create(&module);
    PyModule_AddStringConstant(made, "SOURCE", SCALARGRAD_SOURCE);
    return made;
}
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small package, with the real files of the build."""
    if not (ROOT / "setup.py").is_file():
        pytest.skip("not a checkout")
    version = importlib.metadata.version("setuptools") if _has("setuptools") else "0"
    if int(version.split(".")[0]) < 77:
        pytest.skip("needs setuptools 77, which the extra dev installs")
    folder = tmp_path / "checkout"
    (folder / "scalargrad" / "core").mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    (folder / "scalargrad" / "__init__.py").write_text('__version__ = "0.1.0"\n')
    (folder / "scalargrad" / "core" / "__init__.py").write_text("")
    (folder / "scalargrad" / "core" / "_node.c").write_text(SOURCE)
    return folder


def _has(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture
def setup(checkout: Path) -> Run:
    """Run a command of setup.py, with these environment variables."""

    def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        # Coverage would be that of the copy
        own = ("CC", "CFLAGS", "LDFLAGS", "SCALARGRAD_", "COVERAGE_")
        inherited = {name: v for name, v in os.environ.items() if not name.startswith(own)}
        return subprocess.run(
            [sys.executable, "setup.py", "-q", *words], cwd=checkout, env=inherited | variables,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    return run


@pytest.fixture
def compiler() -> None:
    """Skip the test where nothing can be compiled."""
    if not _can_compile():
        pytest.skip("needs a C compiler and the headers of Python")
    if sysconfig.get_config_var("Py_GIL_DISABLED") or sys.implementation.name != "cpython":
        pytest.skip("this Python takes no machine code")


def wheel_in(checkout: Path) -> tuple[str, set[str]]:
    """The tag of the one wheel, and the files of the package in it."""
    (path,) = (checkout / "dist").glob("*.whl")
    with ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("scalargrad/")}
        (about,) = (name for name in wheel.namelist() if name.endswith("/WHEEL"))
        tag = path.stem.removeprefix("scalargrad_engine-0.1.0-")
        assert f"Tag: {tag}\n" in wheel.read(about).decode().replace("\r\n", "\n")
        pure = "true" if tag == "py3-none-any" else "false"
        assert f"Root-Is-Purelib: {pure}" in wheel.read(about).decode()
    path.unlink()
    return tag, names


PURE = {"scalargrad/__init__.py", "scalargrad/core/__init__.py"}


def test_a_wheel_with_machine_code(checkout: Path, setup: Run, compiler: None) -> None:
    done = setup("bdist_wheel", SCALARGRAD_REQUIRE_NATIVE="1")
    assert done.returncode == 0, done.stdout
    tag, names = wheel_in(checkout)

    assert names == {*PURE, LIBRARY}  # and not its source
    assert tag.split("-")[0] == f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert tag.split("-")[2] != "any"


@pytest.mark.parametrize(
    "variables", [{"SCALARGRAD_PURE": "1"}, {"CC": "/nonexistent/cc"}], ids=["pure", "no compiler"]
)
def test_a_wheel_without(checkout: Path, setup: Run, variables: dict[str, str]) -> None:
    """Whatever the folder `build` holds from before."""
    before = setup("bdist_wheel")
    assert before.returncode == 0, before.stdout
    wheel_in(checkout)
    done = setup("bdist_wheel", **variables)
    assert done.returncode == 0, done.stdout

    assert wheel_in(checkout) == ("py3-none-any", PURE)
    if "CC" in variables:
        (warning,) = (line for line in done.stdout.splitlines() if "_node" in line)
        assert 'building extension "scalargrad.core._node" failed' in warning


def test_a_compiler_that_fails(checkout: Path, setup: Run, compiler: None) -> None:
    (checkout / "scalargrad" / "core" / "_node.c").write_text("#error headers are missing\n")
    done = setup("bdist_wheel")
    assert done.returncode == 0, done.stdout
    assert wheel_in(checkout)[0] == "py3-none-any"

    done = setup("bdist_wheel", SCALARGRAD_REQUIRE_NATIVE="1")
    assert done.returncode != 0
    assert "headers are missing" in done.stdout


def test_required_and_not_there(checkout: Path, setup: Run) -> None:
    done = setup("bdist_wheel", SCALARGRAD_REQUIRE_NATIVE="1", CC="/nonexistent/cc")

    assert done.returncode != 0
    assert not (checkout / "dist").exists()


def test_required_and_left_out(setup: Run) -> None:
    done = setup("bdist_wheel", SCALARGRAD_REQUIRE_NATIVE="1", SCALARGRAD_PURE="1")

    assert done.returncode != 0
    assert "SCALARGRAD_REQUIRE_NATIVE is set, but" in done.stdout
    assert "SCALARGRAD_PURE is set. Unset one" in done.stdout
    assert setup("--version", SCALARGRAD_REQUIRE_NATIVE="1", SCALARGRAD_PURE="0").returncode == 0


def test_a_library_in_the_checkout_is_new_or_gone(
    checkout: Path, setup: Run, compiler: None
) -> None:
    """No build leaves an older library for Python to find, as in `pip install -e .`."""
    for variables in ({"SCALARGRAD_PURE": "1"}, {"CC": "/nonexistent/cc"}):
        assert setup("build_ext", "--inplace").returncode == 0
        assert (checkout / LIBRARY).is_file()
        assert setup("build_ext", "--inplace", **variables).returncode == 0
        assert not (checkout / LIBRARY).exists()


def test_the_library_names_its_source(checkout: Path, setup: Run, compiler: None) -> None:
    """By the digest that the doctor compares, whatever ends the lines."""
    digest = hashlib.sha256(SOURCE.encode()).hexdigest()[:12]
    for ending in ("\n", "\r\n"):
        source = checkout / "scalargrad" / "core" / "_node.c"
        source.write_bytes(SOURCE.replace("\n", ending).encode())
        assert setup("build_ext", "--inplace").returncode == 0
        assert digest.encode() in (checkout / LIBRARY).read_bytes()


def test_the_source_distribution_has_what_the_build_needs(checkout: Path, setup: Run) -> None:
    done = setup("sdist", "--formats=zip")
    assert done.returncode == 0, done.stdout
    (path,) = (checkout / "dist").glob("*.zip")
    names = {name.partition("/")[2] for name in ZipFile(path).namelist()}

    assert names >= {"setup.py", "pyproject.toml", "scalargrad/core/_node.c", *PURE}


def test_every_file_beside_the_modules_is_shipped(checkout: Path, setup: Run) -> None:
    """Data of examples, styles and scripts of films, stubs of types; in both distributions."""
    compiled = (".py", ".pyc", ".pyd", ".so", ".c")
    paths = [p.relative_to(ROOT) for p in (ROOT / "scalargrad").rglob("*") if p.is_file()]
    data = {
        p.as_posix() for p in paths if p.suffix not in compiled and "__pycache__" not in p.parts
    }
    assert {"scalargrad/py.typed", "scalargrad/view/film/film.css"} < data
    for path in paths:
        if path.as_posix() in data or path.name == "__init__.py":
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            if not (checkout / path).exists():
                (checkout / path).write_text("" if path.suffix == ".py" else "data")
    done = setup("sdist", "--formats=zip", "bdist_wheel", SCALARGRAD_PURE="1")
    assert done.returncode == 0, done.stdout

    (path,) = (checkout / "dist").glob("*.zip")
    assert {name.partition("/")[2] for name in ZipFile(path).namelist()} >= data
    assert wheel_in(checkout)[1] >= data
