"""Every public function and class has a docstring with its arguments, its result and an example."""

import inspect
import re
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

import scalargrad as sg

SPACES = ["", "nn", "losses", "optim", "data", "metrics", "classifiers"]
if find_spec("matplotlib"):
    SPACES.append("plot")
if find_spec("scipy"):
    SPACES.append("solve")

# Classes whose instances come from functions: users do not call them.
RESULTS = {
    "Compiled",
    "Diagnosis",
    "Drawing",
    "Explanation",
    "Film",
    "History",
    "Propagation",
    "Propagations",
    "SensitivityTable",
    "SparsityPattern",
    "classifiers.Course",
    "classifiers.Update",
    "plot.Figure",
    "solve.Fit",
    "solve.Minimum",
}


def public() -> dict[str, Any]:
    """The public functions and classes by the name that a user writes after `sg.`."""
    found = {}
    for space in SPACES:
        module = getattr(sg, space) if space else sg
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and not isinstance(thing, ModuleType):
                found[f"{space}.{name}".lstrip(".")] = thing
    return found


PUBLIC = public()


def sections_of(text: str) -> dict[str, str]:
    """The sections of a Google-style docstring by their titles; what stands before them is ""."""
    sections, title = {"": ""}, ""
    for line in text.splitlines():
        if re.fullmatch(r"(Args|Returns|Yields|Raises|Attributes):", line):
            title = line.rstrip(":")
            sections[title] = ""
        else:
            if line and not line.startswith(" "):
                title = ""
            sections[title] += f"{line}\n"
    return sections


def faults_of(thing: Any) -> list[str]:
    """What a docstring lacks."""
    text = inspect.getdoc(thing) or ""
    sections = sections_of(text)
    faults = []
    if not re.search(r"[.:]$", text.partition("\n\n")[0].strip()):
        faults.append("a first sentence with a full stop")
    if isinstance(thing, type) and issubclass(thing, Exception):
        return faults  # the function that raises it has the example
    if ">>> " not in text:
        faults.append("an example")
    described = sections.get("Args", "") + sections.get("Attributes", "")
    for name in parameters_of(thing):
        if not re.search(rf"(?m)^ *[^:]*(?<!\w)\*{{0,2}}{name}\b[^:]*:", described):
            faults.append(f"the argument {name}")
    if not isinstance(thing, type) and not {"Returns", "Yields"} & set(sections) and gives(thing):
        faults.append("the result")
    return faults


def parameters_of(thing: Any) -> list[str]:
    """The names of the parameters that a caller gives."""
    if thing in map(PUBLIC.get, RESULTS):
        return []
    return [name for name in inspect.signature(thing).parameters if not name.startswith("_")]


def gives(thing: Any) -> bool:
    """Whether a function returns something."""
    annotation = inspect.signature(thing).return_annotation
    return annotation not in (None, "None")


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_is_complete(name: str) -> None:
    assert faults_of(PUBLIC[name]) == []


def test_faults_are_found() -> None:
    def good(x: float, *ys: float) -> float:
        """Add numbers.

        Args:
            x: a number.
            *ys: more of them.

        Returns:
            Their sum.

        >>> 1 + 2
        3
        """
        raise NotImplementedError

    def bad(x: float, y: float) -> float:
        raise NotImplementedError

    bad.__doc__ = "Add numbers\n\nArgs:\n    x: a number.\n"

    assert faults_of(good) == []
    assert faults_of(bad) == [
        "a first sentence with a full stop", "an example", "the argument y", "the result",
    ]  # fmt: skip
