"""sum, mean, prod, dot, logsumexp, softmax, take: one node each, floats in floats out, errors."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import Value

lists = st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=6)
REDUCTIONS = [sg.sum, sg.mean, sg.prod, sg.logsumexp]
PLAIN = {
    "sum": sum,
    "mean": lambda xs: sum(xs) / len(xs),
    "prod": math.prod,
    "logsumexp": lambda xs: math.log(sum(map(math.exp, xs))),
}


@given(lists)
def test_one_node_with_the_plain_value(xs: list[float]) -> None:
    for reduce in REDUCTIONS:
        values = [Value(x) for x in xs]
        node = reduce(values)

        assert node.parents == tuple(values)
        assert node.data == pytest.approx(PLAIN[reduce.__name__](xs), rel=1e-12, abs=1e-12)
        assert reduce(xs) == node.data
        assert type(reduce(xs)) is float


@pytest.mark.unmeasured
@settings(max_examples=15)
@given(lists)
def test_gradients(xs: list[float]) -> None:
    smaller = [x / 10.0 for x in xs]
    for reduce in REDUCTIONS:
        sg.check_grads(reduce, (smaller,))
    sg.check_grads(lambda w, b: sg.dot(w, smaller, b), (smaller, 0.5))
    sg.check_grads(sg.softmax, (smaller,))
    sg.check_grads(sg.log_softmax, (smaller,))


def test_mixed_numbers_generators_and_arrays() -> None:
    x = Value(2.0)

    assert sg.sum([x, 1, np.float64(0.5)]).data == 3.5
    assert sg.sum(k * x for k in range(3)).data == 6.0
    assert sg.dot(np.array([x, x]), np.array([1.0, 2.0])).data == 6.0
    assert sg.mean(np.array([1.0, 2.0])) == 1.5


def test_dot_writes_weights_then_inputs_then_bias() -> None:
    w, x, b = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)], Value(0.5)
    z = sg.dot(w, x, b)

    assert z.data == 11.5
    assert z.parents == (*w, *x, b)
    assert z.partials == (3.0, 4.0, 1.0, 2.0, 1.0)
    assert sg.dot([], []) == 0.0
    assert sg.dot([], [], b).data == 0.5
    with pytest.raises(ValueError, match="got 2 inputs for 1 weights"):
        sg.dot([1.0], [1.0, 2.0])


def test_prod_at_zeros() -> None:
    x, y, z = Value(0.0), Value(5.0), Value(2.0)
    sg.prod([x, y, z]).backward()

    assert (x.grad, y.grad, z.grad) == (10.0, 0.0, 0.0)
    assert sg.hessian(sg.prod)([0.0, 0.0, 3.0])[0][1] == 3.0


def test_empty_lists() -> None:
    assert sg.sum([]) == 0.0
    assert sg.prod([]) == 1.0
    for reduce in (sg.mean, sg.logsumexp, sg.softmax, sg.log_softmax):
        with pytest.raises(ValueError, match=f"{reduce.__name__} of an empty list"):
            reduce([])


def test_nan_does_not_fail_in_the_slopes() -> None:
    for xs in ([math.nan, 1.0], [math.inf, math.nan], [-math.inf, math.nan]):
        assert math.isnan(sg.logsumexp(xs))
        assert math.isnan(sg.logsumexp([Value(x) for x in xs]).data)


def test_sums_do_not_depend_on_the_version_of_python() -> None:
    assert sg.sum([0.1] * 10) == sg.dot([0.1] * 10, [1.0] * 10) == 0.9999999999999999


def test_the_dot_of_a_neuron_is_that_of_the_row() -> None:
    from scalargrad.core.reductions import neuron

    w, x, b = [Value(0.1), Value(-0.7)], [Value(0.3), Value(1.1)], Value(0.2)
    for bias in (None, b):
        for activation in (None, sg.tanh, sg.gelu, lambda z: z * z):
            out = neuron(w, x, [v.data for v in x], bias, activation)
            fast, row = out.parents[0] if activation else out, sg.dot(w, x, bias)

            assert (fast.data, fast.op) == (row.data, row.op)
            assert (fast.parents, fast.partials) == (row.parents, row.partials)
            if activation:
                assert (out.data, out.op) == (activation(row).data, activation(row).op)


def test_softmax_at_extremes() -> None:
    assert sg.softmax([1e6, 1e6, -math.inf]) == [0.5, 0.5, 0.0]
    assert sg.log_softmax([0.0, -1e6]) == [0.0, -1e6]
    xs = [Value(1000.0), Value(1001.0)]
    sg.softmax(xs)[0].backward()
    p = 1.0 / (1.0 + math.e)
    assert xs[0].grad == pytest.approx(p * (1.0 - p), rel=1e-12)
    assert xs[1].grad == pytest.approx(-p * (1.0 - p), rel=1e-12)


def test_take() -> None:
    values = [Value(1.0), Value(2.0)]

    assert sg.take(values, 1) is values[1]
    assert sg.take(values, Value(0.0)) is values[0]
    assert sg.take(values, np.int64(-1)) is values[1]
    assert sg.take([[1.0], [2.0]], 1.0) == [2.0]
    with pytest.raises(IndexError, match="index 2 in a list of 2"):
        sg.take(values, 2)
    with pytest.raises(ValueError, match=r"whole number as index, got 0\.5"):
        sg.take(values, 0.5)
    with pytest.raises(TypeError, match="take picks from a list, got int"):
        sg.take(3, 0)
    with pytest.raises(TypeError, match=r"take: the index .*got str"):
        sg.take(values, "a")


def test_wrong_types() -> None:
    with pytest.raises(TypeError, match="sum takes a list of numbers or Values, got float"):
        sg.sum(3.0)
    with pytest.raises(TypeError, match=r"sum takes a real number.*got str"):
        sg.sum([Value(1.0), "a"])
