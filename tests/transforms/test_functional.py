"""Transforms: nested in any order, over structured arguments, with Values from outside; errors."""

import copy
import math
import pickle
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from strategies import SMOOTH, Program, programs

import scalargrad as sg
from scalargrad import Value, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

Point = namedtuple("Point", "x y")


def near(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


# --- against one another -------------------------------------------------------------------------


@given(programs())
def test_forward_is_reverse(program: Program) -> None:
    n = len(program.point)
    reverse = grad(program, range(n))(*program.point)
    forward = [
        jvp(program, program.point, tuple(float(i == k) for k in range(n)))[1] for i in range(n)
    ]
    value, pullback = vjp(program, *program.point)

    assert [*reverse] == near(forward)
    assert pullback(1.0) == reverse
    assert repr(value) == repr(float(program(*program.point)))


@given(programs(SMOOTH, most=6))
def test_second_derivatives_forward_over_reverse(program: Program) -> None:
    n = len(program.point)
    try:
        by_rows = hessian(program, range(n))(*program.point)
        directions = [tuple(float(i == k) for k in range(n)) for i in range(n)]
        products = [
            jvp(grad(program, range(n)), program.point, direction)[1] for direction in directions
        ]
    except OverflowError:  # a slope of a slope beyond the largest float
        return

    assert [*map(list, by_rows)] == [near([*product]) for product in products]


# --- inside one another --------------------------------------------------------------------------


def test_perturbations_are_not_confused() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(5.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(5.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y * y)(3.0) * x)(2.0) == 24.0
    assert grad(lambda x: x * jvp(lambda y: x * y, (3.0,), (1.0,))[1])(4.0) == 8.0
    assert jvp(lambda x: x * grad(lambda y: x * y)(2.0), (3.0,), (1.0,)) == (9.0, 6.0)


def test_any_order_any_depth() -> None:
    f, x = lambda x: sg.exp(x) * sg.sin(x), 0.7
    # the derivatives of exp(x) sin(x) are 2**(n/2) exp(x) sin(x + n pi/4)
    g = f
    for n in range(1, 8):
        g = grad(g) if n % 2 else (lambda h: lambda x: jvp(h, (x,), (1.0,))[1])(g)
        expected = 2 ** (n / 2) * math.exp(x) * math.sin(x + n * math.pi / 4)
        assert g(x) == near(expected)
        assert type(g(x)) is float


def test_hessian_of_all_kinds() -> None:
    f = lambda v: v[0] ** 2 * v[1] + sg.exp(v[0] * v[1])
    x, y = 0.5, -1.2
    e = math.exp(x * y)
    expected = [[2 * y + y * y * e, 2 * x + (1 + x * y) * e], [2 * x + (1 + x * y) * e, x * x * e]]

    assert hessian(f)([x, y]) == [near(row) for row in expected]
    assert jacobian(grad(f))([x, y]) == [near(row) for row in expected]
    assert hvp(f, ([x, y],), ([1.0, 2.0],)) == near([row[0] + 2 * row[1] for row in expected])
    mixed = hessian(lambda x, y: f([x, y]), (0, 1))(x, y)
    assert [*map(list, mixed)] == [near(row) for row in expected]
    product = hvp(lambda x, y: f([x, y]), (x, y), (1.0, 2.0))
    assert [*product] == near([row[0] + 2 * row[1] for row in expected])


# --- structured arguments ------------------------------------------------------------------------


def test_results_have_the_nesting_of_the_arguments() -> None:
    f = lambda p, k: p["w"][0] * p["b"][1] + k * p["w"][1]
    p = {"w": [2.0, 3.0], "b": (5, 7.0)}

    assert grad(f)(p, 10.0) == {"w": [7.0, 10.0], "b": (0.0, 2.0)}
    assert grad(f, argnums=1)(p, 10.0) == 3.0
    assert grad(f, argnums=(1, 0))(p, 10.0) == (3.0, {"w": [7.0, 10.0], "b": (0.0, 2.0)})
    assert grad(f, argnums=-1)(p, 10.0) == 3.0
    assert value_and_grad(f)(p, k=10.0) == (44.0, {"w": [7.0, 10.0], "b": (0.0, 2.0)})
    assert grad(lambda p: p.x * p.y)(Point(2.0, 3.0)) == Point(3.0, 2.0)
    assert grad(lambda a: 5)([]) == []


def test_jacobian_nests_output_over_argument() -> None:
    f = lambda v: {"p": v[0] * v[1], "s": [v[0], 3]}
    assert jacobian(f)([2.0, 5.0]) == {"p": [5.0, 2.0], "s": [[1.0, 0.0], [0.0, 0.0]]}

    tall = lambda x: [x, x * x, x**3]  # by columns
    assert jacobian(tall)(2.0) == [1.0, 4.0, 12.0]
    assert jacobian(lambda x: x * x)(2.0) == 4.0


def test_jvp_and_vjp_take_nestings() -> None:
    f = lambda p, k: [p["a"] * k, p["a"] + k]

    assert jvp(f, ({"a": 2.0}, 3.0), ({"a": 1.0}, 0.5)) == ([6.0, 5.0], [4.0, 1.5])
    value, pullback = vjp(f, {"a": 2.0}, 3.0)
    assert value == [6.0, 5.0]
    assert pullback([1.0, 10.0]) == ({"a": 13.0}, 12.0)
    assert pullback([1.0, 0.0]) == ({"a": 3.0}, 2.0)


def test_arrays() -> None:
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    slope = grad(lambda w: np.sum(w * w))(w)

    assert slope.dtype == float
    assert np.array_equal(slope, 2 * w)
    assert np.array_equal(jacobian(lambda v: 3 * v)(np.array([1.0, 2.0])), 3 * np.eye(2))
    assert np.array_equal(hessian(lambda v: v[0] * v[1])(np.array([1.0, 2.0])), [[0, 1], [1, 0]])


# --- Values from outside -------------------------------------------------------------------------


def test_values_in_values_out() -> None:
    x = Value(2.0)
    slope = grad(lambda x: x**3)(x)
    slope.backward()

    assert (slope.data, x.grad) == (12.0, 12.0)
    value, tangent = jvp(lambda x: x * x, (3.0,), (x,))
    assert value == 9.0
    assert (tangent.data, tangent.parents[-1] is x or x in sg.topological_order(tangent)) == (
        12.0,
        True,
    )
    assert vjp(lambda x: x * 5, 1.0)[1](x)[0].data == 10.0


def test_values_of_the_closure() -> None:
    w = Value(2.0)
    slope = grad(lambda x: x * x * w)(3.0)
    slope.backward()

    assert (slope.data, w.grad) == (12.0, 6.0)
    value, independent = value_and_grad(lambda x: x * x + w)(3.0)
    assert isinstance(value, Value)
    assert independent == 6.0
    assert type(independent) is float
    assert [type(d) for d in grad(lambda v: v[0] * w + v[1])([1.0, 1.0])] == [Value, float]


def test_values_made_inside_are_not_from_outside() -> None:
    def f(x):
        factor = Value(3.0)
        with sg.no_grad():
            factor = factor * 1.0
        return sg.stop_gradient(factor * 1.0) * x

    assert grad(f)(2.0) == 3.0
    assert grad(lambda x: x * grad(f)(x))(2.0) == 3.0


def test_copies_made_inside_are_not_from_outside() -> None:
    w = Value(2.0)
    for copied in (copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
        assert grad(lambda x, copied=copied: x * copied(w))(3.0) == 2.0


def test_zero_times_inf_is_nan_where_the_operand_was_used() -> None:
    norm = lambda v: sg.sqrt(v[0] ** 2 + v[1] ** 2)
    w = Value(1.0)

    for slopes in (
        grad(norm)([0.0, 0.0]), grad(norm)([Value(0.0), Value(0.0)]),
        grad(lambda v: w * norm(v))([0.0, 0.0]), [jvp(norm, ([0.0, 0.0],), ([1.0, 1.0],))[1]],
        *hessian(lambda v: 0.5 * norm(v) ** 2)([0.0, 0.0]),
    ):  # fmt: skip
        assert all(math.isnan(getattr(slope, "data", slope)) for slope in slopes)


def test_what_was_not_used_has_no_derivatives_of_any_order() -> None:
    f = lambda x: sg.where(x > 0.0, sg.sqrt(x), 2.0 * x * x)

    assert (grad(f)(0.0), grad(grad(f))(0.0), grad(grad(grad(f)))(0.0)) == (0.0, 4.0, 0.0)
    assert hessian(lambda q: sg.where(q[0] > 0, sg.log(q[0] + 1), 0.0 * q[1]))([0.0, 1.0]) == [
        [0.0, 0.0], [0.0, 0.0],
    ]  # fmt: skip


def test_infinite_slopes_have_infinite_slopes() -> None:
    for f, x, expected in (
        (sg.sqrt, 0.0, -math.inf), (lambda x: x**0.5, 0.0, -math.inf),
        (sg.asin, 1.0, math.inf), (sg.acos, 1.0, -math.inf), (sg.acosh, 1.0, -math.inf),
    ):  # fmt: skip
        assert grad(grad(f))(x) == expected


def test_a_loop_of_transforms_does_not_walk_its_past_again() -> None:
    def descend(x):
        for _ in range(3000):
            x = x - 0.001 * grad(lambda x: x**4)(x)
        return x

    assert descend(1.0) == near(descend(Value(1.0)).data)
    assert 0.0 < grad(descend)(1.0) < 1.0


def test_vjp_keeps_the_nesting_it_saw() -> None:
    kept = []

    def f(x):
        kept[:] = [x, 2 * x]
        return kept

    value, pullback = vjp(f, 1.0)
    kept.append(3.0)

    assert value == [1.0, 2.0]
    assert pullback([1.0, 1.0]) == (3.0,)
    assert vjp(lambda x: x * x, 3.0)[1](np.float64(1.0)) == (6.0,)
    assert jvp(np.sum, (np.ones(2),), (np.ones(2),)) == (2.0, 2.0)


def test_transforms_and_backward_mix() -> None:
    w = Value(0.5)

    def f(x):
        inner = x * w
        inner.backward()  # of the user's own business
        return inner * x

    slope = grad(f)(3.0)
    slope.backward()

    assert slope.data == 3.0
    assert w.grad == 3.0 + 6.0
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_no_grad_around_and_inside() -> None:
    w = Value(2.0)
    with sg.no_grad():
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        slope = grad(lambda x: x * w)(2.0)
        assert (slope.data, slope.parents) == (2.0, ())
        assert (w * 1).parents == ()

    @sg.no_grad()
    def f(x):
        return x * x

    assert grad(f)(3.0) == 0.0


def test_nothing_is_left_behind_by_an_error() -> None:
    from scalargrad.core.modes import active

    before = set(active)  # a generator of another test may be suspended

    def f(x):
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        grad(lambda x: grad(f)(x))(1.0)

    assert set(active) <= before


# --- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grad(3), TypeError, "grad takes a function, got int: 3"),
        (lambda: hessian(None), TypeError, "hessian takes a function, got NoneType"),
        (lambda: vjp(3, 1.0), TypeError, "takes a function, got int"),
        (lambda: grad(sg.exp)("a"), TypeError, r"argument 0 must be a number.*got str: 'a'"),
        (lambda: grad(len)({"w": [1, b"b"]}), TypeError, r"0\['w'\]\[1\] must be.*got bytes"),
        (lambda: grad(lambda v: v)([1.0]), TypeError, "one number, <lambda> returned list.*jacob"),
        (lambda: jacobian(lambda x: "a")(1.0), TypeError, "the result of <lambda> .*got str"),
        (lambda: grad(sg.exp, 1)(1.0), ValueError, r"argnums=1, but exp was called with 1 arg"),
        (lambda: grad(sg.exp, (0, 0))(1.0), ValueError, "an argument twice"),
        (lambda: grad(sg.exp, 1.0)(1.0), TypeError, "argnums must be a whole number, got float"),
        (lambda: grad(sg.exp, "0")(1.0), TypeError, "argnums must be a whole number, got str"),
        (lambda: jvp(sg.exp, 1.0, 1.0), TypeError, r"as tuples of arguments, like \(2.0,\)"),
        (lambda: jvp(sg.exp, (1.0,), (1.0, 2.0)), ValueError, "tangents of the same nesting"),
        (lambda: jvp(sg.sum, ([1.0],), ([1.0, 2.0],)), ValueError, "tangents of the same nesting"),
        (lambda: hvp(sg.exp, 1.0, 1.0), TypeError, "as tuples"),
        (lambda: vjp(lambda x: [x], 1.0)[1](1.0), ValueError, "cotangent of the nesting"),
    ],
)  # fmt: skip
def test_errors(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_names() -> None:
    def loss(x):
        return x

    assert grad(loss).__name__ == "grad(loss)"
    assert jacobian(grad(loss)).__name__ == "jacobian(grad(loss))"


def test_a_value_kept_from_an_earlier_run_is_refused() -> None:
    memo: dict[str, Any] = {}
    w = Value(2.0)

    def f(x: Any) -> Any:
        if "square" not in memo:
            memo["square"] = x * x * (w if memo.get("with w") else 1.0)
        return memo["square"] + x

    def run(transform: Any, x: float) -> Any:
        found = transform(f)(x)
        return found.data if isinstance(found, Value) else found

    for transform in (grad, lambda f: lambda x: value_and_grad(f)(x)[1], hessian, jacobian):
        for with_w in (False, True):
            memo.clear()
            memo["with w"] = with_w
            first = run(transform, 3.0)
            with pytest.raises(ValueError, match="kept from an earlier run"):
                run(transform, 5.0)
            del memo["square"]
            assert run(transform, 3.0) == first


def test_results_of_transforms_may_be_used_in_later_ones() -> None:
    w = Value(2.0)
    value, slope = value_and_grad(lambda x: x * x * w)(3.0)

    assert grad(lambda x: x * slope)(1.0).data == 12.0
    assert grad(lambda x: x * value + slope)(1.0).data == 18.0
    _, pullback = vjp(lambda x: x * w, 3.0)
    assert grad(lambda x: x * pullback(1.0)[0])(1.0).data == 2.0
    slope.backward()
    assert w.grad == 6.0


def test_a_nesting_has_up_to_a_hundred_levels() -> None:
    def total(tree: Any) -> Any:
        return total(tree[0]) if isinstance(tree, list) else 3.0 * tree

    def deep(levels: int) -> Any:
        tree: Any = 1.0
        for _ in range(levels):
            tree = [tree]
        return tree

    slope = sg.grad(total)(deep(101))
    assert total(slope) == 9.0
    with pytest.raises(ValueError, match="more than 100 levels deep"):
        sg.grad(total)(deep(102))
