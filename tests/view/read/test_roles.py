"""Tests of roles: which leaf is a parameter, its name, and which values a module has."""

import random
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import Value, nn
from scalargrad.core.tape import Tape
from scalargrad.view.read.roles import Roles, find_roles, shared_path


def _roles(x: Value, model: Any = None) -> Roles:
    return find_roles(Tape.of([x]), model)


def _kinds(x: Value, model: Any = None) -> dict[str, str]:
    roles = _roles(x, model)
    return {roles.label(i): kind for i, kind in enumerate(roles.kinds)}


def test_without_a_model_weights_and_biases_of_dots_are_parameters() -> None:
    w, x, b = Value(1.0, "w"), Value(2.0, "x"), Value(3.0, "b")
    z = sg.dot([w], [x], bias=b)
    z.label = "z"

    assert _kinds(z) == {"w": "parameter", "x": "input", "b": "parameter", "z": "result"}


def test_a_leaf_that_is_both_weight_and_input_is_an_input() -> None:
    x = Value(2.0, "x")

    assert _kinds(sg.dot([x], [x]))["x"] == "input"


def test_nothing_tells_the_factors_of_a_product_apart() -> None:
    assert set(_kinds(Value(1.0, "w") * Value(2.0, "x")).values()) == {"input", "result"}


def test_a_label_that_is_a_path_is_a_parameter() -> None:
    labels = ["layers.0.w", "x", "3.14", "a."]
    kinds = _kinds(sg.prod([Value(1.0, label) for label in labels]))

    assert [label for label, kind in kinds.items() if kind == "parameter"] == ["layers.0.w"]


def test_the_model_decides() -> None:
    w, x = Value(1.0, "w"), Value(2.0, "x")

    assert _kinds(sg.dot([w], [x]), [x]) == {"w": "input", "x": "parameter", "": "result"}


def test_a_path_does_not_make_an_input_a_parameter() -> None:
    w, x = Value(1.0, "w.0"), Value(2.0, "x.0")
    z = sg.dot([w], [x])

    assert _kinds(z)["x.0"] == "input"
    assert _kinds(z * Value(3.0, "y.0"), [w]) == {
        "w.0": "parameter", "x.0": "input", "y.0": "input", "": "result",
    }  # fmt: skip


def test_the_model_names_its_parameters() -> None:
    neuron = nn.Neuron(2, "tanh")
    neuron.w[0].label = "mine"
    roles = _roles(neuron([1.0, 2.0]), neuron)

    names = [roles.label(i) for i, kind in enumerate(roles.kinds) if kind == "parameter"]
    assert names == ["mine", "w[1]", "b"]


def test_values_belong_to_the_modules_of_their_parameters() -> None:
    random.seed(1)
    model = nn.MLP(2, [2, 1], "tanh")
    x = [Value(1.0, "x0"), Value(2.0, "x1")]
    loss = (model(x) - 1.0) ** 2
    roles = _roles(loss, model)
    found: dict[tuple[str, ...], list[str]] = {}
    for value, kind, module in zip(roles.order, roles.kinds, roles.modules, strict=True):
        if kind != "parameter":
            found.setdefault(module, []).append(value.op or value.label)

    assert found == {
        ("layers.0", "layers.0.neurons.0"): ["dot", "tanh"],
        ("layers.0", "layers.0.neurons.1"): ["dot", "tanh"],
        ("layers.1", "layers.1.neurons.0"): ["dot"],
        (): ["x0", "x1", "", "-", "", "**"],
    }


def test_an_operation_on_two_modules_belongs_to_what_is_around_both() -> None:
    model = {"net": {"a": {"w": Value(1.0)}, "b": {"w": Value(2.0)}}}
    product = model["net"]["a"]["w"] * model["net"]["b"]["w"]
    roles = _roles(product + 1.0, model)

    place = next(i for i, value in enumerate(roles.order) if value is product)
    assert roles.modules[place] == ("net",)


@pytest.mark.parametrize(
    ("paths", "shared"),
    [
        ([("a",), ("a",)], ("a",)),
        ([("a", "a.0"), ("a",)], ("a",)),
        ([("a",), ("b",)], ()),
        ([()], ()),
        ([], ()),
    ],
)
def test_shared_path(paths: list[tuple[str, ...]], shared: tuple[str, ...]) -> None:
    assert shared_path(paths) == shared


@pytest.mark.parametrize("model", [[], {}, [1.0, 2.0], nn.Module()])
def test_a_model_without_a_value(model: Any) -> None:
    with pytest.raises(ValueError, match="model has no parameters"):
        _roles(Value(1.0), model)


def test_a_generator_of_parameters() -> None:
    w = Value(1.0, "w")

    assert _kinds(w * 2.0, iter([w]))["w"] == "parameter"


def test_what_is_no_model() -> None:
    with pytest.raises(TypeError, match=r"model must be an nn.Module or a list .* got MLP"):
        _roles(Value(1.0), nn.MLP)
    with pytest.raises(TypeError, match=r"model must be an nn.Module or a list .* got str"):
        _roles(Value(1.0), "layers")
