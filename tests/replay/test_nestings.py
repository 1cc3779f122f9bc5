"""Recorded functions of dicts, dataclasses and named tuples, with texts, flags and None in them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


@dataclass
class Sample:
    x: Any
    y: Any
    kind: str = "line"


class Pair(NamedTuple):
    a: Any
    b: Any = None


def test_a_nesting_of_columns(backend: str) -> None:
    f = lambda p: p["x"] * p["w"][1] if p["kind"] == "product" else p["x"] + p["w"][0]
    c = sg.compile(f, backend=backend)
    columns = {"x": [1.0, 2.0], "w": [[3.0, 4.0], [5.0, 6.0]], "kind": "product"}

    assert np.asarray(c(columns)).tolist() == [4.0, 12.0]
    assert np.asarray(c({**columns, "kind": "sum"})).tolist() == [4.0, 7.0]
    assert np.asarray(c(columns)).tolist() == [4.0, 12.0]
    assert c.recordings == 2
    value, gradient = c.value_and_grad(columns)
    assert value == 8.0
    assert gradient["kind"] == "product"
    assert np.asarray(gradient["x"]).tolist() == [2.0, 3.0]
    assert np.asarray(gradient["w"]).tolist() == [[0.0, 0.5], [0.0, 1.0]]


def test_dataclasses_named_tuples_and_registered_classes(backend: str) -> None:
    w = Value(2.0)
    c = sg.compile(
        lambda s, p: w * s.x - s.y if p.b is None else w * p.b, params=[w], backend=backend
    )
    samples = Sample([1.0, 2.0], [0.5, 0.5])

    value, gradient = c.value_and_grad(samples, Pair([0.0, 0.0]))
    assert (value, [float(g) for g in gradient]) == (2.5, [1.5])
    assert np.asarray(c(samples, Pair([0.0, 0.0], [1.0, 3.0]))).tolist() == [2.0, 6.0]
    assert c(Sample(3.0, 1.0), Pair(0.0)) == 5.0
    x = Value(3.0)
    c(Sample(x, 1.0), Pair(0.0)).backward()  # inside another computation, the function itself runs
    assert x.grad == 2.0
    assert c.program.inputs


def test_texts_flags_and_none_belong_to_all_samples(backend: str) -> None:
    c = sg.compile(lambda x, mode, on: -x if mode is None or not on else x, backend=backend)

    for mode, on, sign in (("a", True, 1.0), ("a", False, -1.0), (None, True, -1.0)):
        assert np.asarray(c([1.0, 2.0], mode, on)).tolist() == [sign, 2.0 * sign]
        assert c(3.0, mode, on) == 3.0 * sign
    assert c.recordings == 3
    assert [float(g) for g in c.value_and_grad([1.0, 2.0], "a", True)[1]] == [0.5, 0.5]
    assert sg.compile(lambda x: x + 1.0, backend=backend)([True, False])[0] == 2.0  # data


def test_results_with_texts(backend: str) -> None:
    c = sg.compile(lambda x: {"y": x * x, "note": "square", "none": None}, backend=backend)

    result = c([2.0, 3.0])
    assert (result["note"], result["none"]) == ("square", None)
    assert np.asarray(result["y"]).tolist() == [4.0, 9.0]
    assert c(2.0) == {"y": 4.0, "note": "square", "none": None}
    branch = sg.compile(lambda x: (x, "up" if x > 0.0 else "down"), backend=backend)
    assert (branch(1.0), branch(-1.0)) == ((1.0, "up"), (-1.0, "down"))
    with pytest.raises(ValueError, match=r"of the form .*'down'.* and of the form .*'up'"):
        branch([1.0, -1.0])
    flags = sg.compile(lambda x: [x > 1.0, True], backend=backend)
    assert [np.asarray(y).tolist() for y in flags([0.0, 2.0])] == [[0.0, 1.0], [1.0, 1.0]]


def test_errors(backend: str) -> None:
    c = sg.compile(lambda p: p["x"] + p["y"], backend=backend)
    with pytest.raises(ValueError, match=r"\"p\['y'\]\" has 3 samples, but \"p\['x'\]\" has 2"):
        c({"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match=r"\"p\['y'\]\" is one number.*2 samples"):
        c({"x": [1.0, 2.0], "y": 1.0})
    with pytest.raises(TypeError, match=r"the result of .* must be a number.*got NoneType"):
        sg.compile(lambda x: None, backend=backend)(1.0)
    with pytest.raises(TypeError, match=r"argument 'p' must hold a number, got dict: \{'x': None"):
        c({"x": None, "y": "a"})
    c({"x": 1.0, "y": 2.0})
    with pytest.raises(TypeError, match="takes a dict as 'p': only functions of numbers"):
        c.to_json()


def test_texts_and_flags_are_exported(backend: str) -> None:
    c = sg.compile(lambda x, mode: -x if mode == "minus" else x, backend=backend)
    c.record(1.0, "minus")

    assert sg.from_json(c.to_json())(3.0, "minus") == -3.0
