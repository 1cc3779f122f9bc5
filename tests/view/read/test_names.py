"""Tests of the names of values: labels, numbers and places, each name for one value."""

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value, topological_order
from scalargrad.core.labels import clean
from scalargrad.view.read.names import module_name, names_of, parameter_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("layers.1.neurons.0.w.2", "w[1][0,2]"),
        ("layers.1.neurons.0.b", "b[1][0]"),
        ("neurons.3.w.2", "w[3,2]"),  # of a single layer
        ("w.2", "w[2]"),  # of a single neuron
        ("b", "b"),
        ("w.2.3", "w[2,3]"),
        ("17", "θ[17]"),  # of a list
        ("0.neurons.1.w.2", "w[0][1,2]"),  # of a list of layers
        ("encoder.stack.layers.1.neurons.0.w.2", "encoder.stack.w[1][0,2]"),
        ("heads.2.query.neurons.5.b", "heads[2].query.b[5]"),
        ("layers.1.query.w", "layers[1].query.w"),
        ("neurons.w", "neurons.w"),
        ("", ""),
    ],
)
def test_a_parameter_has_a_short_name(path: str, name: str) -> None:
    assert parameter_name(path) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("layers.1", "layer 1"),
        ("layers.1.neurons.0", "layer 1, neuron 0"),
        ("cell.neurons.0", "cell, neuron 0"),
        ("encoder.layers.1", "encoder, layer 1"),
        ("blocks.3.query", "blocks[3].query"),
        ("layers", "layers"),
        ("0", "[0]"),
    ],
)
def test_a_module_has_a_short_name(path: str, name: str) -> None:
    assert module_name(path) == name


@given(st.text(max_size=20))
def test_any_path_has_a_short_name(path: str) -> None:
    assert isinstance(parameter_name(path) + module_name(path), str)


def test_labels_numbers_and_places() -> None:
    x, w = Value(3.0, "x"), Value(2.0)
    order = topological_order((x * w).tanh() + 0.5)

    assert [*names_of(order).values()] == ["x", "v2", "v3", "v4", "0.5", "v6"]


def test_equal_labels_are_numbered_in_order() -> None:
    values = [Value(1.0, label) for label in ("w", "w", "w (2)", "w", " w\n")]

    assert [*names_of(values).values()] == ["w", "w (3)", "w (2)", "w (4)", "w (5)"]


def test_a_label_that_looks_like_a_place_keeps_its_name() -> None:
    values = [Value(1.0), Value(1.0, "v1"), Value(1.0, "vv1"), Value(1.0), Value(1.0, "v1")]

    assert [*names_of(values).values()] == ["vvv1", "v1", "vv1", "v4", "v1 (2)"]


def test_a_labelled_constant_has_its_label() -> None:
    total = Value(1.0, "x") + 2
    constant = total.parents[1]
    constant.label = "two"

    assert names_of([constant]) == {constant: "two"}


def test_many_equal_labels() -> None:
    values = [Value(1.0, "w") for _ in range(20_000)]

    assert len(set(names_of(values).values())) == 20_000


def test_hostile_labels_become_harmless_names() -> None:
    values = [Value(1.0, label) for label in HOSTILE * 2]
    names = names_of(values)

    assert len(set(names.values())) == len(values)
    for value, name in names.items():
        assert clean(name, 60) == name != ""
        assert not clean(value.label) or name.startswith(clean(value.label))


@given(st.lists(st.sampled_from(["", "a", "a (2)", "v1", "v2", "v3", "vv1"]), max_size=8))
def test_no_name_is_given_twice(labels: list[str]) -> None:
    values = [Value(1.0, label) for label in labels]
    names = names_of(values)

    assert len(set(names.values())) == len(values)
    for label in {*labels} - {""}:
        assert names[values[labels.index(label)]] == label


def test_names_are_the_same_every_time() -> None:
    x = Value(2.0, "x")
    order = topological_order(sg.sum([x, x * x, sg.exp(x)]) * x)

    assert names_of(order) == names_of(order)
    assert names_of(order)[order[-1]] == f"v{len(order)}"
