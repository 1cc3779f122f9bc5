"""Every public function with every hostile object in the place of every argument."""

import types
from pathlib import Path
from typing import Any

import pytest
from bad_input import HOSTILE, OWN_ERRORS, SCENES, call, state, was_raised_on_purpose, words

import scalargrad as sg
from scalargrad import classifiers, data, losses, metrics, nn, optim
from scalargrad.core.rows import CUSTOM

# What a call may raise: the built-in errors of bad arguments, and those of files.
DOCUMENTED = (TypeError, ValueError, ArithmeticError, LookupError, OSError)

# What is made by others, takes no argument, or holds what a function returns.
WITHOUT_ARGUMENTS = {
    "NATIVE", "Compiled", "Drawing", "Explanation", "Film", "GradientCheckError", "History",
    "RecordingError", "check_grads", "numerical_grad",
}  # fmt: skip
OF_MODULES = {
    "data": data, "losses": losses, "metrics": metrics, "nn": nn, "optim": optim,
    "classifiers": classifiers,
}  # fmt: skip
HELD = {"INITIALISERS", "Module", "Optimizer", "Course", "Update", "NearestMean"}


@pytest.mark.parametrize("name", SCENES)
def test_a_bad_argument_is_named_and_changes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scalargrad.core.custom.CUSTOM", dict(CUSTOM))
    function, arguments, _ = SCENES[name]()
    call(function, arguments)  # as it is meant

    for key in arguments:
        for kind, make in HOSTILE.items():
            _check(name, key, kind, make())


def _check(name: str, key: Any, kind: str, bad: Any) -> None:
    function, arguments, values = SCENES[name]()
    before = state(values)
    told = list(words(bad))
    caught: Exception | None = None
    try:
        call(function, {**arguments, key: bad})
    except Exception as error:
        caught = error
    where = f"{name}: {key} = {kind}: {type(caught).__name__}: {caught}"
    if caught is None:
        assert kind not in ("junk", "module"), where
        return
    assert state(values) == before, where
    if (kind, key) not in OWN_ERRORS:
        assert isinstance(caught, DOCUMENTED), where
        assert isinstance(caught, OSError) or was_raised_on_purpose(caught.__traceback__), where
        assert any(word in str(caught) for word in told), where


def test_every_public_function_is_here() -> None:
    called = {scene.split(" ")[0] for scene in SCENES} | {scene.split(".")[0] for scene in SCENES}
    modules = {name for name in sg.__all__ if isinstance(getattr(sg, name), types.ModuleType)}
    assert set(sg.__all__) - modules - WITHOUT_ARGUMENTS <= called
    for prefix, module in OF_MODULES.items():
        assert {f"{prefix}.{name}" for name in {*module.__all__} - HELD} <= called
