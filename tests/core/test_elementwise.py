"""Functions of one number on lists, tuples and arrays."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import Value


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
        sg.hypot([1.0], 2.0)
    with pytest.raises(TypeError, match="masked"):
        sg.exp(np.ma.array([1.0, 2.0], mask=[True, False]))
