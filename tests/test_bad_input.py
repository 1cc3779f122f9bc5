"""Every public function with every hostile object in the place of every argument."""

import types
from pathlib import Path

import pytest
from bad_input import HOSTILE, SCENES, call, check_call

import scalargrad as sg
from scalargrad import classifiers, data, losses, metrics, nn, optim
from scalargrad.core.rows import CUSTOM

# What is made by others, takes no argument, or holds what a function returns.
WITHOUT_ARGUMENTS = {
    "NATIVE", "Compiled", "Diagnosis", "Drawing", "Explanation", "Film", "GradientCheckError",
    "History", "Propagation", "Propagations", "RecordingError", "SensitivityTable",
    "SparsityPattern", "check_grads", "numerical_grad", "traced_lines",
}  # fmt: skip
OF_MODULES = {
    "data": data, "losses": losses, "metrics": metrics, "nn": nn, "optim": optim,
    "classifiers": classifiers,
}  # fmt: skip
HELD = {"INITIALISERS", "Module", "Optimizer", "Course", "Update", "NearestMean"}


# No argument of any function means these.
NEVER_TAKEN = {
    "bytes", "complex", "Decimal", "below floats", "Fraction beyond floats", "selfish dict",
    "deep list", "list of texts", "list of None", "dict", "set", "masked array", "masked",
    "complex array", "text array", "object array", "module", "junk",
}  # fmt: skip

OF_NESTINGS = {  # dicts of numbers too
    "grad", "value_and_grad", "jacobian", "hessian", "vjp", "sparse_jacobian", "sparse_hessian",
    "sparsity", "Compiled.__call__", "Compiled.record", "Compiled.backward",
    "Compiled.value_and_grad",
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_a_bad_argument_is_named_and_changes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scalargrad.core.custom.CUSTOM", dict(CUSTOM))
    function, arguments, _ = SCENES[name]()
    call(function, arguments)  # as it is meant

    for key in arguments:
        for kind in HOSTILE:
            taken = not check_call(SCENES[name], key, kind)
            meant = kind not in NEVER_TAKEN or (kind == "dict" and name in OF_NESTINGS)
            assert not taken or meant, f"{name}: {key} takes {kind}"


def test_every_public_function_is_here() -> None:
    called = {scene.split(" ")[0] for scene in SCENES} | {scene.split(".")[0] for scene in SCENES}
    modules = {name for name in sg.__all__ if isinstance(getattr(sg, name), types.ModuleType)}
    assert set(sg.__all__) - modules - WITHOUT_ARGUMENTS <= called
    for prefix, module in OF_MODULES.items():
        assert {f"{prefix}.{name}" for name in {*module.__all__} - HELD} <= called
