"""Minima: every method of SciPy, exact Hessians, likelihoods, and what is refused."""

from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from replayed import BACKENDS
from scipy import optimize

import scalargrad as sg
from scalargrad.solve import minimize
from scalargrad.solve.minimize import _METHODS as METHODS

# A fit only calls compiled functions, which every backend has tests for: two are enough
SOME = [backend for backend in BACKENDS if backend.values[0] in ("python", "numba")]


def rosenbrock(p: Any) -> Any:
    pairs = zip(p[1:], p[:-1], strict=True)
    return sg.sum([100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for b, a in pairs])


def known(method: str) -> bool:
    return method != "COBYQA" or hasattr(optimize, "_cobyqa_py")  # from SciPy 1.14 on


@pytest.mark.parametrize("method", [None, *filter(known, METHODS), "bfgs"])
def test_every_method_of_scipy(method: str | None) -> None:
    start = [0.9, 0.8, 0.6] if method in ("COBYLA", "TNC") else [-1.2, 1.0, 0.5]  # these creep

    found = minimize(rosenbrock, start, method=method)

    if method not in ("COBYLA", "TNC"):
        assert found.success
        assert found.x == pytest.approx([1.0, 1.0, 1.0], rel=1e-14)
        assert found.fun == pytest.approx(0.0, abs=1e-25)
    assert found.x == pytest.approx([1.0, 1.0, 1.0], abs=0.3)


def test_the_list_of_methods_is_scipys() -> None:
    from scipy.optimize._minimize import MINIMIZE_METHODS

    mine = {name.lower() for name in METHODS if known(name)}
    assert mine == {name for name in MINIMIZE_METHODS if isinstance(name, str)} - {"_custom"}


@pytest.mark.parametrize("backend", SOME)
def test_a_likelihood_with_its_errors(backend: str) -> None:
    y = np.random.default_rng(3).normal(3.0, 2.0, 200)

    found = minimize(
        lambda p, y: sg.log(p["scale"]) + 0.5 * ((y - p["mean"]) / p["scale"]) ** 2,
        {"mean": 0.0, "scale": 1.0}, (y,), backend=backend,
    )  # fmt: skip

    assert found.x["mean"] == pytest.approx(y.mean(), rel=1e-13)
    assert found.x["scale"] == pytest.approx(y.std(), rel=1e-13)
    errors = found.standard_errors
    assert errors["mean"] == pytest.approx(y.std() / 200**0.5, rel=1e-10)
    assert errors["scale"] == pytest.approx(y.std() / 400**0.5, rel=1e-10)
    assert "negative log-likelihood" in found.report()
    assert found.names == ["mean", "scale"]


@pytest.mark.parametrize("method", [name for name in METHODS if "bounds" in METHODS[name]])
def test_bounds(method: str) -> None:
    if not known(method):
        return
    found = minimize(
        lambda p: (p["a"] - 2.0) ** 2 + (p["b"] + 1.0) ** 2 + p["a"] * p["b"],
        {"a": 0.5, "b": 0.0}, method=method, bounds={"a": (None, 1.0)},
    )  # fmt: skip

    # trust-constr stays within the bounds, and SciPy lets it stop 2e-4 away
    assert found.x["a"] == pytest.approx(1.0, abs=1e-3)
    assert found.x["b"] == pytest.approx(-1.5, abs=1e-3)


def test_a_bound_that_holds_is_said() -> None:
    found = minimize(lambda x: (x - 2.0) ** 2, 0.0, bounds=(None, 1.0))

    assert found.x == 1.0
    assert "At a bound: x" in found.report()


@settings(max_examples=25)
@given(st.lists(st.floats(-2, 2), min_size=9, max_size=9), st.lists(st.floats(-5, 5), min_size=3))
def test_hessians_and_products_are_those_of_quadratics(a: list[float], b: list[float]) -> None:
    matrix = np.reshape(a, (3, 3))
    matrix = matrix @ matrix.T + np.eye(3)

    def quadratic(x: Any) -> Any:
        products = [x[i] * matrix[i, j].item() * x[j] for i in range(3) for j in range(3)]
        return 0.5 * sg.sum(products) - sg.dot(b[:3], x)

    found = minimize(quadratic, [1.0, -1.0, 0.5], backend="python")

    np.testing.assert_allclose(found.hessian, matrix, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(found.x, np.linalg.solve(matrix, b[:3]), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(matrix), rtol=1e-9, atol=1e-11)


def test_the_unit_of_the_function_does_not_matter() -> None:
    for unit in (1e-20, 1e20):
        found = minimize(lambda p, unit=unit: unit * rosenbrock(p), [-1.2, 1.0])
        assert found.success
        assert found.x == pytest.approx([1.0, 1.0], rel=1e-13)


def test_a_saddle_is_said() -> None:
    found = minimize(lambda p: p[0] ** 2 - 0.0 * p[1], [1.0, 1.0])

    assert np.isinf(found.covariance).all()
    assert "not positive along p[1]" in found.report()


def test_steps_out_of_the_domain_count_as_infinitely_large() -> None:
    found = minimize(lambda x: x - sg.log(x), 20.0)

    assert found.x == pytest.approx(1.0, rel=1e-12)


def test_what_fails_at_the_start_is_named() -> None:
    with pytest.raises(ValueError, match=r"log\(x\) is not defined"):
        minimize(lambda x: sg.log(x), -1.0)
    with pytest.raises(TypeError, match="returns one number"):
        minimize(lambda x: [x, x], 1.0)


def test_inside_a_transform_it_refuses_to_lose_the_derivative() -> None:
    with pytest.raises(TypeError, match="would lose the derivative"):
        sg.grad(lambda a: minimize(lambda x: (x - a) ** 2, 0.0).x)(1.0)


def test_many_unknowns_take_no_hessian() -> None:
    found = minimize(lambda p: sg.sum([(x - i) ** 2 for i, x in enumerate(p)]), [0.0] * 120)

    assert found.method == "L-BFGS-B"
    assert found.x == pytest.approx(list(range(120)), abs=1e-6)
