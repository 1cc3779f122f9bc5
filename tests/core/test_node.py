"""The node: how its slots are filled, and what the bulk functions read and set."""

import pickle

import pytest

from scalargrad import Value
from scalargrad.core.node import (
    CONSTANT,
    DETACHED,
    binary,
    clear_gradients,
    gradients,
    leaf,
    nary,
    numbers,
    order,
    packed,
    set_gradients,
)
from scalargrad.core.rows import TABLE


def test_nodes_of_every_number_of_operands() -> None:
    x, y = Value(2.0), Value(3.0)
    for count in range(1, 5):
        operands, partials = (x, y, x, y)[:count], (1.0, 2.0, 3.0, 4.0)[:count]
        node = nary(TABLE["sum"], 7.0, operands, partials, "n", 0.5)

        assert type(node) is Value
        assert (node.data, node.grad, node.label, node.op) == (7.0, 0.5, "n", "sum")
        assert (node.parents, node.partials) == (operands, partials)


def test_a_binary_node_is_the_nary_one() -> None:
    x, y = Value(2.0), Value(3.0)
    one = binary(TABLE["mul"], 6.0, x, y, 3.0, 2.0)
    other = nary(TABLE["mul"], 6.0, (x, y), (3.0, 2.0))

    assert repr(one) == repr(other)
    assert (one.parents, one.partials) == (other.parents, other.partials) == ((x, y), (3.0, 2.0))


@pytest.mark.parametrize("row", [CONSTANT, DETACHED], ids=repr)
def test_leaves_that_the_user_did_not_create(row: object) -> None:
    node = leaf(2.0, row)

    assert (node.data, node.grad, node.op, node.parents, node.partials) == (2.0, 0.0, "", (), ())
    assert node.is_constant == (row is CONSTANT)
    assert pickle.loads(pickle.dumps(node))._row is row


def test_many_nodes_at_once() -> None:
    nodes = [Value(float(i)) for i in range(3)]
    set_gradients(nodes, [5.0, 6.0, 7.0])

    assert numbers(nodes) == [0.0, 1.0, 2.0]
    assert gradients(nodes) == [5.0, 6.0, 7.0]
    assert list(packed(nodes)) == [0.0, 1.0, 2.0]
    clear_gradients(nodes)
    assert gradients(nodes) == [0.0, 0.0, 0.0]


def test_the_order_of_several_outputs_leaves_out_what_was_seen() -> None:
    a = Value(1.0)
    b, c = a + 1, a * 2
    seen = {a}
    found = order([b, c], seen)

    assert found[-1] is c
    assert a not in set(found)
    assert seen == {a, *found}
