"""Functions of numbers on lists, tuples and arrays."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.rows import TABLE


class Pair(NamedTuple):
    a: Any
    b: Any


def test_the_nesting_stays() -> None:
    x = Value(0.5)
    found = sg.exp([1.0, (x, [0]), Pair(x, 2.0)])

    assert found[0] == sg.exp(1.0)
    assert type(found[1]) is tuple
    assert found[1][1] == [1.0]
    assert isinstance(found[2], Pair)
    assert [found[1][0].op, found[2].a.data] == ["exp", sg.exp(0.5)]
    assert sg.tanh([]) == []
    assert sg.log([8.0, [x]], 2.0)[0] == 3.0


def test_arrays_keep_their_shape() -> None:
    values = np.array([[Value(0.5), 1.0]], dtype=object)
    of_values, of_floats = sg.tanh(values), sg.tanh(np.array([[1, 2], [3, 4]]))

    assert (of_values.shape, of_values.dtype, of_floats.shape) == ((1, 2), object, (2, 2))
    assert isinstance(of_values[0, 0], Value)
    assert of_values[0, 1] == sg.tanh(1.0)
    assert of_floats.dtype == float
    assert of_floats[1, 0] == sg.tanh(3.0)
    assert sg.relu(np.zeros((2, 0))).shape == (2, 0)


def test_derivatives_flow_through_lists() -> None:
    assert sg.grad(lambda xs: sg.sum(sg.lgamma(xs)))([1.5, 2.5]) == [
        sg.digamma(1.5),
        sg.digamma(2.5),
    ]
    own = sg.primitive("own_square", lambda x: x * x, lambda x, out: (2.0 * x,))
    assert own([1.0, 2.0]) == [1.0, 4.0]
    recorded = sg.compile(lambda x, y: sg.sum(sg.exp([x, y])), backend="python")
    assert recorded(0.0, 0.0) == 2.0


def test_what_has_no_elements_is_refused() -> None:
    circle: list[Any] = [1.0]
    circle.append(circle)
    with pytest.raises(ValueError, match="exp: the list is nested more than 100 levels deep"):
        sg.exp(circle)
    for bad in ("1", {"x": 1.0}, None, [1.0, "2"], {1.0}):
        with pytest.raises(TypeError, match="exp takes a real number"):
            sg.exp(bad)
    with pytest.raises(TypeError, match=r"log takes 1 or 2 operand\(s\), got 3"):
        sg.log(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="hypot takes a real number"):
        sg.hypot([1.0, "2"], 2.0)
    with pytest.raises(TypeError, match="masked"):
        sg.exp(np.ma.array([1.0, 2.0], mask=[True, False]))


def test_several_operands_go_element_by_element() -> None:
    x = Value(3.0, "x")
    found = sg.hypot([x, (5, [1.0])], [4, (12.0, [0.0])])

    assert found[0].data == 5.0
    assert found[0].parents[0] is x
    assert found[1] == (13.0, [1.0])
    assert sg.maximum([1.0, -2.0], 0.0) == [1.0, 0.0]
    assert sg.maximum(0.0, (1.0, -2.0)) == (1.0, 0.0)
    assert [y.data for y in sg.atan2(x, [1.0, Value(2.0)])] == [
        math.atan2(3.0, 1.0),
        math.atan2(3.0, 2.0),
    ]
    assert isinstance(sg.xlogy(Pair(1.0, 2.0), [1.0, x]), Pair)
    assert sg.polygamma(1, [1.0, 2.0]) == [sg.polygamma(1, 1.0), sg.polygamma(1, 2.0)]
    assert sg.clip([-3.0, 0.5, 3.0], -1.0, [1.0, 1.0, 2.0]) == [-1.0, 0.5, 2.0]
    assert sg.log([8.0, 9.0], [2.0, 3.0]) == [3.0, 2.0]
    assert sg.hypot([], 1.0) == []


def test_every_row_of_several_operands_takes_lists_and_arrays() -> None:
    for row in TABLE.values():
        if row.arity and row.arity > 1 and row.at:
            points = [*row.at][:3]
            columns = [list(column) for column in zip(*points, strict=True)]
            expected = [row(*point) for point in points]
            assert row(*columns) == expected, row
            assert row(*map(np.array, columns)).tolist() == expected, row
            mixed = row([Value(x) for x in columns[0]], *columns[1:])
            assert [x.data for x in mixed] == expected, row


def test_arrays_are_broadcast() -> None:
    column, line = np.array([[1.0], [2.0]]), np.array([Value(3.0), 4.0, 5.0], object)
    found = sg.hypot(column, line)

    assert (found.shape, found.dtype) == ((2, 3), object)
    assert found[1, 0].data == math.hypot(2.0, 3.0)
    assert sg.hypot([3, 4], np.array([4.0, 3.0])).tolist() == [5.0, 5.0]
    assert sg.hypot(np.zeros((2, 0)), 1.0).shape == (2, 0)
    assert sg.hypot(np.ones(2), Value(1.0)).dtype == object


def test_where_takes_lists() -> None:
    x = Value(2.0)
    assert sg.where([True, False], [x, 1.0], [0.0, 5.0]) == [x, 5.0]
    assert sg.where(np.array([1.0, -1.0]) > 0.0, 7.0, -7.0).tolist() == [7.0, -7.0]
    assert sg.where([x > 0.0, x < 0.0], lambda: 1.0, lambda: 2.0) == [1.0, 2.0]
    assert sg.where([-2], 1.0, 0.0) == [0.0]  # what Python makes of ~True


def test_several_operands_in_derivatives_and_recorded() -> None:
    def f(xs: Any, ys: Any) -> Any:
        return sg.sum(sg.atan2(xs, ys)) + sg.sum(sg.maximum(xs, 0.5))

    xs, ys = [0.3, 2.0], [1.0, -0.5]
    slopes = sg.grad(f)(xs, ys)
    assert slopes == [1.0 / 1.09, -0.5 / 4.25 + 1.0]
    recorded = sg.compile(lambda a, b, c, d: f([a, b], [c, d]), backend="python")
    assert recorded(*xs, *ys) == f(xs, ys)


def test_operands_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="hypot takes lists of one length, got lengths 2, 3"):
        sg.hypot([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"hypot takes arrays of shapes .*, got \(2,\), \(3,\)"):
        sg.hypot(np.ones(2), [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="hypot takes a real number"):
        sg.hypot(Value(1.0), [None])
    with pytest.raises(TypeError, match="masked"):
        sg.hypot(Value(1.0), np.ma.array([1.0, 2.0], mask=[True, False]))
    with pytest.raises(TypeError, match=r"hypot takes 2 operand\(s\), got 1"):
        sg.hypot([[1.0, 2.0]])
