"""What tests and doctests find: the names of the examples, a folder of their own, no deadline."""

import os
import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

import scalargrad as sg

# No deadline: a shared machine is slow now and then, which is no fault of the code. The same
# examples on every run: who looks for new ones runs `make fuzz`.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


# The files of the numba backend cannot be imported, nor their examples run, where it is missing.
collect_ignore_glob = [] if find_spec("numba") else ["scalargrad/replay/backends/numba/*.py"]
# Likewise those that draw with matplotlib.
collect_ignore_glob += [] if find_spec("matplotlib") else ["scalargrad/plot/*.py"]


@pytest.fixture(autouse=True)
def _names_for_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update({name: getattr(sg, name) for name in sg.__all__ if name[0].isupper()})
    for name in ("grad", "value_and_grad", "jacobian", "hessian", "jvp", "vjp", "hvp", "no_grad"):
        doctest_namespace[name] = getattr(sg, name)
    for name in ("topological_order", "stop_gradient", "check_grads", "numerical_grad"):
        doctest_namespace[name] = getattr(sg, name)
    doctest_namespace.update(sg=sg, nn=sg.nn, losses=sg.losses, optim=sg.optim, random=random)


@pytest.fixture(autouse=True)
def _own_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examples that write files write them where they are cleaned away."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path)
