"""The choice of the node: which one runs, why, and what environment variables ask for."""

import os
import subprocess
import sys
import sysconfig
from types import ModuleType

import pytest

import scalargrad as sg
from scalargrad.core import native

LIBRARY = "scalargrad.core._node"
WITHOUT_LOCK = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a new Python does with these variables, and without those of the tests' own run."""
    names = ("SCALARGRAD_PURE", "SCALARGRAD_REQUIRE_NATIVE")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=inherited | variables
    )


WHICH = (
    "import scalargrad as sg; from scalargrad.core import native; print(sg.NATIVE, native.REASON)"
)


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCALARGRAD_PURE", raising=False)
    monkeypatch.delenv("SCALARGRAD_REQUIRE_NATIVE", raising=False)
    monkeypatch.setattr(native, "_without_global_lock", lambda: False)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for the library."""
    made = ModuleType(LIBRARY)
    made.__dict__["INTERFACE"] = native.INTERFACE
    monkeypatch.setitem(sys.modules, LIBRARY, made)
    return made


def test_the_choice_is_public_and_consistent() -> None:
    assert sg.NATIVE is native.NATIVE is (native.machine_code is not None)
    assert (native.REASON == "machine code") is native.NATIVE


def test_a_library_that_fits_runs(library: ModuleType) -> None:
    assert native._choose() == (library, "machine code", False)


@pytest.mark.parametrize("interface", [native.INTERFACE - 1, native.INTERFACE + 1, None])
def test_a_library_of_other_sources_does_not_run(
    library: ModuleType, interface: int | None
) -> None:
    library.__dict__["INTERFACE"] = interface
    reason = "the library fits another version of the sources: build it again"

    assert native._choose() == (None, reason, True)
    del library.__dict__["INTERFACE"]
    assert native._choose() == (None, reason, True)


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY, None)  # which import takes for missing

    assert native._choose() == (None, "the library was not built", True)


@pytest.mark.parametrize(
    "error",
    [
        ImportError("_node.so: file too short"),
        ModuleNotFoundError("No module named 'other'", name="other"),
        AttributeError("module 'scalargrad' has no attribute 'gone'"),
    ],
)
def test_a_library_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(native, "import_module", fail)

    assert native._choose() == (None, f"the library cannot be loaded: {error}", True)


def test_python_without_the_global_lock(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "_without_global_lock", lambda: True)
    chosen, reason, building_helps = native._choose()

    assert chosen is None
    assert reason == "Python runs without the global lock, for which the machine code is not tested"
    assert not building_helps


@pytest.mark.parametrize(
    ("version", "disabled", "without"),
    [((3, 12), 1, False), ((3, 13), 1, True), ((3, 13), 0, False), ((3, 14), None, False)],
)
def test_whether_python_has_the_global_lock(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], disabled: int | None, without: bool
) -> None:
    monkeypatch.undo()  # the function itself
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": disabled}.get)

    assert native._without_global_lock() is without


@pytest.mark.parametrize(("value", "pure"), [("1", True), ("yes", True), ("", False), ("0", False)])
def test_the_variable_for_the_node_of_python(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch, value: str, pure: bool
) -> None:
    monkeypatch.setenv("SCALARGRAD_PURE", value)

    assert native._choose()[1] == ("SCALARGRAD_PURE is set" if pure else "machine code")
    assert native._choose()[0] is (None if pure else library)
    assert native._choose()[2] is False


# --- in a new process -----------------------------------------------------------------------


def test_pure_at_import() -> None:
    assert run(WHICH, SCALARGRAD_PURE="1").stdout == "False SCALARGRAD_PURE is set\n"
    assert run(WHICH, SCALARGRAD_PURE="0").stdout == run(WHICH).stdout


def test_the_node_of_python_does_not_load_the_library() -> None:
    program = f"import sys, scalargrad.core.native; print({LIBRARY!r} in sys.modules)"

    assert run(program, SCALARGRAD_PURE="1").stdout == "False\n"


def test_a_required_library_runs_or_is_an_error_that_says_what_to_type() -> None:
    assert run(WHICH, SCALARGRAD_REQUIRE_NATIVE="0").stdout == run(WHICH).stdout

    program = f"import sys; sys.modules[{LIBRARY!r}] = None; import scalargrad.core.native"
    assert run(program).returncode == 0
    assert run(program, SCALARGRAD_REQUIRE_NATIVE="0").returncode == 0
    if not WITHOUT_LOCK:
        message = run(program, SCALARGRAD_REQUIRE_NATIVE="1").stderr.splitlines()[-1]
        assert message == (
            "ImportError: SCALARGRAD_REQUIRE_NATIVE is set, but the library was not built. In the "
            "checkout type `pip install -e .`, which needs a C compiler and the headers of Python "
            "(`apt install gcc python3-dev`)"
        )


def test_both_variables_contradict_each_other() -> None:
    done = run(WHICH, SCALARGRAD_PURE="1", SCALARGRAD_REQUIRE_NATIVE="1")

    assert done.stderr.splitlines()[-1] == (
        "ImportError: SCALARGRAD_REQUIRE_NATIVE is set, but SCALARGRAD_PURE is set. "
        "Unset one of the two"
    )


def test_the_library_that_was_built_runs() -> None:
    found = run(f"import {LIBRARY}")
    if found.returncode:
        pytest.skip("the library was not built")
    if WITHOUT_LOCK:
        pytest.skip("this Python has no global lock")

    assert run(WHICH).stdout == "True machine code\n", "build it again: `make native`"
    assert run(WHICH, SCALARGRAD_REQUIRE_NATIVE="1").stdout == "True machine code\n"
    kinds = run(f"from {LIBRARY} import INTERFACE, SOURCE; print(INTERFACE, len(SOURCE))").stdout
    assert kinds in (f"{native.INTERFACE} 12\n", f"{native.INTERFACE} 0\n")
