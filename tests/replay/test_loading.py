"""Loaded functions do what the original does, where it was recorded, and refuse elsewhere."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value, nn


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_are_those_of_the_original(backend: str) -> None:
    def hidden(x: Any) -> Any:
        return sg.tanh(1.0 / x) + sg.where(x > 5.0, sg.log(x - 5.0), 0.0)

    c = sg.compile(hidden, backend=backend)
    twin = sg.from_json(c.to_json([1.0, 6.0]), backend)

    for call in (lambda f: f([1.0, 0.0]), lambda f: f.value_and_grad([2.0, 0.0])):
        errors = []
        for f in (c, twin):
            with pytest.raises(ZeroDivisionError) as caught:
                call(f)
            errors.append((type(caught.value), str(caught.value)))
        assert errors[0] == errors[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_branches_that_were_not_recorded_are_refused(backend: str) -> None:
    def f(x: Any) -> Any:
        return x * 2.0 if x > 0.0 else x * 3.0

    twin = sg.from_json(sg.compile(f, backend=backend).to_json(1.0), backend)

    with pytest.raises(sg.RecordingError, match=r"f comes from JSON .* record it before to_json"):
        twin([1.0, -1.0])
    assert twin(1.0) == 2.0
    assert twin.recordings == 1


def test_errors_that_the_function_catches() -> None:
    def f(x: Any) -> Any:
        try:
            return sg.log(x)
        except ValueError:
            return x * 0.5

    c = sg.compile(f, backend="python")
    twin = sg.from_json(c.to_json([1.0, -1.0]), "python")
    x = [2.0, -3.0, 0.5, -0.1]

    assert np.array_equal(twin(x), c(x))
    assert twin.recordings == 2


def test_undefined_samples_that_are_allowed() -> None:
    c = sg.compile(lambda x: sg.tanh(sg.log(x)), backend="python", allow_nonfinite=True)
    x = [1.0, -1.0, 2.0]
    twin = sg.from_json(c.to_json(x), "python")

    assert np.array_equal(twin(x), c(x), equal_nan=True)
    assert twin.allow_nonfinite


def test_a_loaded_function_is_part_of_other_computations() -> None:
    w = Value(3.0, "w")
    c = sg.compile(lambda x: w * x**2 if x > 0.0 else w * x, [w], "python")
    twin = sg.from_json(c.to_json([1.0, -1.0]), "python")
    x = Value(2.0)
    out = twin(x) * twin(-x)
    out.backward()

    assert (out.data, x.grad) == (-72.0, -108.0)
    assert twin.params[0].grad == -48.0
    assert sg.grad(lambda x: twin(x) * x)(2.0) == 36.0
    outer = sg.compile(lambda x: twin(x) + 1.0, twin.params, "python")
    assert [*outer([2.0, -2.0])] == [13.0, -5.0]


def test_theta_and_fits_of_a_loaded_function() -> None:
    a, b = Value(0.0, "a"), Value(0.0, "b")
    c = sg.compile(lambda x, y: (a * x + b - y) ** 2, [a, b], "python")
    twin = sg.from_json(c.to_json(1.0, 2.0), "python")
    x = np.linspace(-1.0, 1.0, 20)
    for _ in range(200):
        _, gradient = twin.value_and_grad(x, 3.0 * x - 1.0)
        twin.theta = twin.theta - 0.3 * gradient

    assert twin.theta == pytest.approx([3.0, -1.0])
    assert [*c.theta] == [0.0, 0.0]
    assert twin.value_and_grad([1.0], [2.0], theta=[0.0, 0.0])[0] == 4.0


def test_a_loaded_function_is_exported_again() -> None:
    random.seed(1)
    model = nn.MLP(2, [3, 1])
    c = sg.compile(lambda x: model(x) * 2.0, model.parameters(), "python")
    c.record([[1.0, 2.0]])
    twin = sg.from_json(c.to_json(), "python")

    for language in ("c", "python"):
        assert twin.to_source(language) == c.to_source(language)
    assert str(twin.program) == str(c.program)
    assert repr(twin) == "<compiled <lambda>, backend='python', 1 recording>"


@pytest.mark.parametrize("export", [lambda c: c.to_json(), lambda c: c.to_json(1.0, 2.0)])
def test_exports_name_what_is_missing(export: Callable[[sg.Compiled], str]) -> None:
    c = sg.compile(lambda x: x * 2.0, backend="python")

    with pytest.raises((ValueError, TypeError), match=r"has not been recorded|positional argument"):
        export(c)


def test_the_text_is_a_text() -> None:
    with pytest.raises(TypeError, match="from_json takes the text that to_json wrote, got bytes"):
        sg.from_json(b"{}")  # type: ignore[arg-type]
