"""Tests of the names of values: labels, numbers and places, each name for one value."""

from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value, topological_order
from scalargrad.core.labels import clean
from scalargrad.view.read.names import names_of


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
