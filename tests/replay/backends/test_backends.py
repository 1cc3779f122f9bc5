"""Which backend is taken, and what is said where one is missing."""

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

import scalargrad as sg
from scalargrad.replay.backends import backend, backends, select


def test_the_fastest_that_is_installed_is_taken() -> None:
    fast = [name for name in ("numba", "jax") if find_spec(name)]
    assert sg.compile(abs).backend == [*fast, "python"][0]


def test_without_numba_the_reference_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    assert sg.compile(lambda x: x * 2).backend == "python"
    assert sg.compile(lambda x: x * 2)(3.0) == 6.0
    with pytest.raises(ImportError, match=r"needs numpy and numba.*pip install -e '.\[compile\]'"):
        sg.compile(abs, backend="numba")


def test_every_backend_declares_itself() -> None:
    declared = list(backends().values())

    assert [b.name for b in declared] == list(backends())
    assert [b.rank for b in declared] == sorted({b.rank for b in declared}, reverse=True)
    assert declared[-1].name == "python"  # the last resort, which needs nothing
    for b in declared:
        assert bool(b.libraries) == bool(b.extra)
        if not b.missing():
            assert select(b.name) is b


def test_declarations_are_read_without_the_libraries() -> None:
    script = (
        "import sys; from scalargrad.replay.backends import backends; declared = backends();"
        "print({x for b in declared.values() for x in b.libraries} & set(sys.modules))"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (child.stdout, child.stderr) == ("set()\n", "")


def test_lists_stand_for_arrays_where_there_is_no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    from scalargrad.replay import arrays, batch

    for module in (arrays, batch):
        monkeypatch.setattr(module, "array_library", lambda: None)
    w = sg.Value(2.0)

    def f(x: Any, y: Any) -> Any:
        return sg.dot(x, [w, 1.0]) * y if y > 0 else w * y

    c = sg.compile(f, [w], backend="python")
    X, Y = [[1.0, 2.0], [3.0, 4.0]], [1.0, -1.0]

    assert c(X, Y) == [4.0, -2.0]
    assert c.value_and_grad(X, Y) == (1.0, [0.0])
    assert c.value_and_grad(X, Y, theta=[3.0]) == (1.0, [0.0])
    assert c.theta == [2.0]
    assert c.backward(X, Y) == 1.0
    by_arguments = sg.compile(lambda x, y: x[0] * y, backend="python")
    assert by_arguments.value_and_grad(X, Y) == (-1.0, ([[0.5, 0.0], [-0.5, 0.0]], [0.5, 1.5]))
    assert by_arguments([[2.0, 0.0]], [3.0]) == [6.0]
    assert sg.compile(lambda x: x * x, backend="python").value_and_grad(3.0) == (9.0, 6.0)
    branches = sg.compile(
        lambda x: x if x > 0 and not x > 2 else 2.0 * x if x > -1 else 3.0 * x, backend="python"
    )
    assert branches([1.0, 3.0, -0.5, -2.0]) == [1.0, 6.0, -1.0, -6.0]
    selfish: list[Any] = []
    selfish.append(selfish)
    for wrong, match in [
        (([[1.0], [1.0, 2.0]], Y), "differ in length"),
        ((selfish, [1.0]), "differ in length"),
        ((X, [1.0]), "'y' has 1 samples"),
        ((X, 1.0), "'y' is one number"),
        (([], []), "no samples"),
    ]:
        with pytest.raises(ValueError, match=match):
            by_arguments(*wrong)
    with pytest.raises(TypeError, match="'y'"):
        by_arguments(X, ["a", "b"])
    with pytest.raises(FloatingPointError, match="sample 1"):
        sg.compile(lambda x: sg.log(x), backend="python")([1.0, -1.0])
