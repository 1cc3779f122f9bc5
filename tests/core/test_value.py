"""Value and backward: shared nodes first, then accumulation, depth, memory, copies and threads."""

import copy
import gc
import io
import itertools
import math
import pickle
import threading
import types
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np
import pytest
from hypothesis import given
from strategies import Program, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.rows import TABLE

DEPTH = 1_000_000

T = TypeVar("T")


def chain(depth: int) -> tuple[Value, Value]:
    x = y = Value(0.0, "x")
    for _ in range(depth):
        y = y + x
    return x, y


# --- subclasses -----------------------------------------------------------------------------------


class Mixed:
    """A class that keeps the classes below it from saying no."""

    def __init_subclass__(cls) -> None:
        pass


def test_value_cannot_be_subclassed() -> None:
    ways: list[Callable[[], Any]] = [
        lambda: type("Mine", (Value,), {}),
        lambda: type("Mine", (Value,), {"__slots__": ("extra",)}),
        lambda: type("Mine", (Value,), {"__add__": lambda self, other: self}),
        lambda: types.new_class("Mine", (Value, Generic[T])),
        lambda: types.new_class("Mine", (Value,), {"option": 3}),
    ]
    for way in ways:
        with pytest.raises(TypeError, match=r"Value cannot be subclassed, as by 'Mine'.*primitive"):
            way()
    for node in (Value(1.0), Value(1.0) + 2, sg.sum([Value(1.0), 2.0, 3.0])):
        for copied in (copy.copy(node), copy.deepcopy(node), pickle.loads(pickle.dumps(node))):
            assert type(copied) is Value


@pytest.mark.skipif(not sg.NATIVE, reason="only the machine code depends on the class of a node")
def test_a_subclass_that_was_made_all_the_same_has_no_objects() -> None:
    forced = type("Forced", (Mixed, Value), {"__slots__": ()})
    for make in (lambda: forced(1.0), lambda: Value.__new__(forced)):
        with pytest.raises(TypeError, match="Value cannot be subclassed"):
            make()
    with pytest.raises(TypeError):
        Value(1.0).__class__ = forced


# --- nodes used more than once -------------------------------------------------------------------


def test_a_value_used_twice_in_one_operation() -> None:
    x = Value(3.0)
    y = x * x
    y.backward()

    assert x.grad == 6.0
    assert y.parents == (x, x)
    assert y.partials == (3.0, 3.0)


def test_a_value_used_on_two_ways() -> None:
    a, b = Value(-2.0), Value(3.0)
    d, e = a * b, a + b
    (d * e).backward()

    assert (a.grad, b.grad) == (-3.0 + 3.0 * 1.0 + (-6.0) - 0.0 + 3.0 - 0.0 + 0.0, -8.0)


def test_a_deep_fan_out_is_linear() -> None:
    x = y = Value(1.0)
    for _ in range(200):  # 2**200 paths
        y = y + y
    y.backward()

    assert x.grad == 2.0**200


@given(programs())
def test_random_programs(program: Program) -> None:
    values = [Value(x) for x in program.point]
    y = program(*values)
    if isinstance(y, Value):
        y.backward()

    assert repr(y.data if isinstance(y, Value) else y) == repr(program(*program.point))
    expected = sg.grad(program, range(len(values)))(*program.point)
    assert [x.grad for x in values] == pytest.approx([*expected], rel=1e-12, nan_ok=True)


# --- backward ------------------------------------------------------------------------------------


def test_leaves_accumulate_and_inner_nodes_do_not() -> None:
    x = Value(3.0)
    y = x * x
    z = y * y
    z.backward()
    first = (x.grad, y.grad, z.grad)
    z.backward()

    assert first == (108.0, 18.0, 1.0)
    assert (x.grad, y.grad, z.grad) == (216.0, 18.0, 1.0)


def test_two_results_over_one_leaf() -> None:
    x = Value(2.0)
    (3 * x).backward()
    (x * x).backward()

    assert x.grad == 7.0


def test_seed() -> None:
    x = Value(2.0)
    (x * x).backward(seed=0.5)
    x.backward(10)

    assert x.grad == 12.0
    with pytest.raises(TypeError, match=r"backward: the seed .* got str: 'a'"):
        x.backward("a")
    assert x.grad == 12.0


INFINITE_BEHIND: list[tuple[Callable[[Any], Any], float]] = [
    # what was not used contributes nothing, whatever stands behind it
    (lambda x: sg.where(True, x * 3.0, x.sqrt()), 3.0),
    (lambda x: sg.where(x > 0.0, x.sqrt(), 2.0 * x), 2.0),
    (lambda x: sg.maximum(x.sqrt() - 1.0, 2.0 * x), 2.0),
    (lambda x: sg.minimum(x.sqrt() + 1.0, 2.0 * x), 2.0),
    (lambda x: sg.clip(x.sqrt(), 1.0, 2.0) + x, 1.0),
    (lambda x: (x.sqrt() - 1.0).relu() + x, 1.0),
    (lambda x: x.sqrt().relu(), 0.0),
    (lambda x: sg.floor(x.sqrt()) + sg.sign(x.sqrt()) + x, 1.0),
    (lambda x: sg.ceil(x.sqrt()) + x, 1.0),
    (lambda x: sg.rint(x.sqrt()) + x, 1.0),
    (lambda x: x.sqrt() // 2.0 + x, 1.0),
    (lambda x: (x - 1.0).relu().sqrt(), 0.0),
    (lambda x: 0 * x.sqrt() + x, 1.0),
    (lambda x: x.sqrt() * 0.0 + x, 1.0),
    (lambda x: sg.dot([x.sqrt(), x], [0.0, 4.0]), 4.0),
    (lambda x: sg.dot([0.0, 4.0], [x.sqrt(), x]), 4.0),
    (lambda x: sg.prod([x.sqrt(), 0.0, x + 1.0]) + x, 1.0),
    (lambda x: x.sqrt() ** 0 + x, 1.0),
    # a zero that was computed is a number
    (lambda x: x.sqrt().cos(), math.nan),
    (lambda x: x.sqrt() ** 2, math.nan),
    (lambda x: (x * x).sqrt(), math.nan),
    (lambda x: x.sqrt() * Value(0.0) + x, math.nan),
    (lambda x: (Value(0.0) * (x.sqrt() * 3.0 + 1.0)) + x, math.nan),
    (lambda x: sg.dot([x.sqrt()], [Value(0.0)]), math.nan),
    (lambda x: sg.hypot(x.sqrt(), 0.0), math.nan),
    (lambda x: abs(x.sqrt()), math.nan),
]


@pytest.mark.parametrize(("f", "slope"), INFINITE_BEHIND)
def test_what_was_not_used_contributes_nothing_and_other_zeros_are_numbers(
    f: Callable[[Any], Any], slope: float
) -> None:
    x = Value(0.0)
    f(x).backward()

    assert x.grad == pytest.approx(slope, nan_ok=True)
    for found in (sg.grad(f)(0.0), sg.grad(f)(Value(0.0)), sg.jvp(f, (0.0,), (1.0,))[1]):
        assert getattr(found, "data", found) == pytest.approx(slope, nan_ok=True)


def test_a_seed_of_zero_is_a_number() -> None:
    x = Value(4.0)
    x.sqrt().backward(0.0)
    assert x.grad == 0.0

    x.data = 0.0
    x.sqrt().backward(0.0)
    assert math.isnan(x.grad)


def test_partials_are_those_of_the_moment_of_making() -> None:
    x, y = Value(2.0), Value(5.0)
    z = x * y
    x.data = 100.0
    z.backward()

    assert (x.grad, y.grad) == (5.0, 2.0)


def test_the_hot_operators_agree_with_their_rows() -> None:
    for name, operate in (
        ("add", lambda x, y: x + y), ("sub", lambda x, y: x - y),
        ("mul", lambda x, y: x * y), ("div", lambda x, y: x / y),
    ):  # fmt: skip
        for x, y in ((1.5, -0.3), (-2.0, 7.0), (0.0, 3.0)):
            node = operate(Value(x), Value(y))
            row = TABLE[name]

            assert node.data == row(x, y)
            assert node.partials == tuple(row.partials(x, y, row(x, y)))
            assert node.op == row.symbol


# --- the order -----------------------------------------------------------------------------------


@given(programs())
def test_topological_order(program: Program) -> None:
    y = program(*(Value(x) for x in program.point))
    if not isinstance(y, Value):
        return
    order = sg.topological_order(y)
    place = {node: i for i, node in enumerate(order)}

    assert order[-1] is y
    assert len(place) == len(order)
    assert all(place[parent] < place[node] for node in order for parent in node.parents)
    assert order == sg.topological_order(y)


def test_topological_order_takes_a_value() -> None:
    with pytest.raises(TypeError, match="takes a Value, got float"):
        sg.topological_order(1.0)


# --- making Values -------------------------------------------------------------------------------


def test_attributes() -> None:
    x = Value(2, label="x")
    y = 3 * x

    assert (x.data, x.grad, x.label, x.op, x.parents, x.partials) == (2.0, 0.0, "x", "", (), ())
    assert type(x.data) is float
    assert (y.op, y.parents[1], y.partials) == ("*", x, (2.0, 3.0))
    assert y.parents[0].is_constant
    assert not x.is_constant
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert repr(y) == "Value(data=6.0, grad=0.0, op='*')"
    assert f"{y:.3f}" == "6.000"
    assert f"{y}" == repr(y)
    assert (y._op, y._prev) == ("*", {y.parents[0], x})


def test_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        Value(1.0).gard = 2.0


@pytest.mark.parametrize(
    "data", ["1", None, 1j, [1.0], (1.0,), {}, Value(1.0), object()], ids=lambda x: type(x).__name__
)
def test_data_of_the_wrong_type(data: object) -> None:
    with pytest.raises(TypeError, match=f"Value takes a real number .*got {type(data).__name__}"):
        Value(data)


def test_a_number_beyond_the_floats() -> None:
    with pytest.raises(OverflowError, match="Value takes a number in the range of floats, got int"):
        Value(10**400)
    with pytest.raises(OverflowError, match="range of floats"):
        Value(1.0) + 10**400


@pytest.mark.parametrize("number", [2, True, Fraction(1, 2), np.float64(2.0), np.uint8(200)])
def test_data_and_grad_stay_floats(number: object) -> None:
    x = Value(1.0)
    x.data = x.grad = number

    for stored in (x.data, x.grad):
        assert type(stored) is float
        assert stored == number
    assert (x + x).data == 2.0 * float(number)
    assert (x * x).data == float(number) ** 2
    assert (x - 1).partials == (1.0, -1.0)


@pytest.mark.parametrize("wrong", ["1", 1j, [1.0], Value(1.0)], ids=lambda x: type(x).__name__)
def test_what_is_no_number_is_refused_by_data_and_grad(wrong: object) -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"Value\.data takes a real number"):
        x.data = wrong
    with pytest.raises(TypeError, match=r"Value\.grad takes a real number"):
        x.grad = wrong

    assert (x.data, x.grad) == (1.0, 0.0)


def test_a_zero_of_numpy_in_data_fails_as_a_float_does() -> None:
    x = Value(1.0, "x")
    x.data = np.float64(0.0)
    for divide in (lambda: 1 / x, lambda: x**-1, lambda: 1 % x, x.log):
        with pytest.raises((ZeroDivisionError, ValueError), match=r"\(label 'x'\)"):
            divide()


def test_a_gradient_of_none_counts_as_zero() -> None:
    x = Value(3.0)
    x.grad = None
    assert x.grad == 0.0
    (x * x).backward()

    assert x.grad == 6.0


def test_label_of_the_wrong_type() -> None:
    with pytest.raises(TypeError, match="label must be a string, got int"):
        Value(1.0, 3)


# --- depth, memory, copies -----------------------------------------------------------------------


@pytest.mark.unmeasured
def test_a_million_nodes_deep(no_collector: None) -> None:
    x, y = chain(DEPTH)
    y.backward()
    assert x.grad == DEPTH + 1.0
    assert repr(y) == "Value(data=0.0, grad=1.0, op='+')"

    twin_x, twin_y = copy.deepcopy((x, y))
    twin_x.grad = 0.0
    twin_y.backward()
    assert twin_x.grad == DEPTH + 1.0

    freed = weakref.ref(twin_y.parents[0])
    del twin_y
    assert freed() is None


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dumps", [pickle.dumps, pickle._dumps], ids=["C", "Python"])
def test_pickle_is_deep_and_keeps_what_is_shared(dumps, protocol: int) -> None:
    x, y = chain(20_000 if dumps is pickle.dumps else 2_000)
    y.backward()
    x2, y2, again = pickle.loads(dumps((x, y, y * x), protocol=protocol))

    assert (x2.label, x2.grad, y2.op, y2.grad) == (x.label, x.grad, "+", 1.0)
    assert again.parents == (y2, x2)
    x2.grad = 0.0
    y2.backward()
    assert x2.grad == x.grad


def test_pickle_of_many_results_over_one_graph_is_linear() -> None:
    nodes = [Value(1.0)]
    for _ in range(3000):
        nodes.append(nodes[-1] * 1.5 if len(nodes) % 2 else nodes[-1].tanh())
    copies = pickle.loads(pickle.dumps(nodes))

    assert [node.data for node in copies] == [node.data for node in nodes]
    assert all(a in b.parents for a, b in itertools.pairwise(copies))


def test_pickle_beside_another_pickler() -> None:
    _, y = chain(20_000)
    kept = pickle.Pickler(io.BytesIO())
    kept.dump(y)

    class Holder:
        def __getstate__(self) -> bytes:
            return pickle.dumps(y)

    for dumps in (pickle.dumps, pickle._dumps):
        assert pickle.loads(dumps([y * 2, y]))[1].data == y.data
    pickle.dumps(y)
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        pickle.dumps([y, Holder()])
    kept.dump([y, y * 3])


def test_deepcopy_of_many_results_over_one_graph_is_linear() -> None:
    nodes = [Value(1.0)]
    for _ in range(10_000):
        nodes.append(nodes[-1] + 1.0)
    copies = copy.deepcopy(nodes)

    assert copies[-1].data == 10_001.0
    assert all(a in b.parents for a, b in itertools.pairwise(copies))


def test_a_failing_pickle_leaves_nothing_behind() -> None:
    _, y = chain(3000)
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps([y, threading.Lock()])

    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_shallow_copy() -> None:
    x = Value(2.0, "x")
    y = x * x
    twin = copy.copy(y)

    assert twin is not y
    assert (twin.data, twin.parents, twin.partials) == (y.data, y.parents, y.partials)


def test_no_cycles_are_left(no_collector: None) -> None:
    x = Value(0.5)
    y = sg.sum([x.tanh() * x, sg.dot([x, x], [1.0, 2.0], x), x**2 / 3])
    y.backward()
    sg.hessian(lambda v: sg.exp(v[0]) * v[1])([1.0, 2.0])
    sg.check_grads(sg.tanh, (0.3,), order=2)
    for bad in (lambda: x / 0.0, lambda: sg.log(x - 1.0), lambda: sg.grad(sg.log)(-1.0)):
        with pytest.raises((ValueError, ZeroDivisionError)):
            bad()
    freed = weakref.ref(y)
    del y, bad

    assert freed() is None
    assert gc.collect() == 0


# --- detached values and threads ------------------------------------------------------------------


def test_backward_without_a_graph_is_an_error() -> None:
    x = Value(3.0)
    with sg.no_grad():
        loss = x * 2
        mine = Value(1.0)

    for value in (loss, sg.stop_gradient(x * x), (2 * x).parents[0]):
        with pytest.raises(RuntimeError, match=r"computed without a graph \(in no_grad"):
            value.backward()
    mine.backward()
    (loss * x).backward()  # as an operand it is a constant

    assert (mine.grad, x.grad) == (1.0, 6.0)
    assert loss.op == ""


def test_stop_gradient() -> None:
    x = Value(3.0)
    y = sg.stop_gradient(x * x)
    (x * y).backward()

    assert x.grad == 9.0
    assert y.parents == ()
    assert sg.stop_gradient(2) == 2.0
    with pytest.raises(TypeError, match="stop_gradient takes a real number"):
        sg.stop_gradient("a")


def test_threads_compute_apart() -> None:
    found: dict[int, float] = {}

    def work(k: int) -> None:
        total = 0.0
        for i in range(200):
            total += sg.grad(lambda x: sg.grad(lambda y: x * y**3)(x))(float(k + i))
        found[k] = total

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for k in range(4):  # d/dx 3 x x**2
        assert math.isclose(found[k], sum(9.0 * (k + i) ** 2 for i in range(200)))
