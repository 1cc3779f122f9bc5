"""Least-squares fits: their numbers against SciPy's and closed formulas, and what they refuse."""

from collections import namedtuple
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from replayed import BACKENDS
from scipy import optimize

import scalargrad as sg
from scalargrad import Value
from scalargrad.solve import least_squares

# A fit only calls compiled functions, which every backend has tests for: two are enough
SOME = [backend for backend in BACKENDS if backend.values[0] in ("python", "numba")]
RANDOM = np.random.default_rng(7)
T = np.linspace(0.0, 4.0, 40)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.05 * RANDOM.standard_normal(40)
SIGMA = np.linspace(0.02, 0.1, 40)


def decay(p: Any, t: Any, y: Any) -> Any:
    return y - (p[0] * sg.exp(-p[1] * t) + p[2])


def by_numpy(t: Any, a: float, b: float, c: float) -> Any:
    return a * np.exp(-b * t) + c


@pytest.mark.parametrize("sigma", [None, SIGMA])
@pytest.mark.parametrize("absolute", [False, True])
def test_x_and_covariance_are_those_of_curve_fit(sigma: Any, absolute: bool) -> None:
    if absolute and sigma is None:
        sigma = np.full(40, 0.05)
    right, covariance = optimize.curve_fit(
        by_numpy, T, Y, [1.0, 1.0, 0.0], sigma=sigma, absolute_sigma=absolute,
        ftol=1e-14, xtol=1e-14, gtol=1e-14,
    )  # fmt: skip

    fit = least_squares(
        decay, [1.0, 1.0, 0.0], (T, Y), sigma=sigma, absolute_sigma=absolute and sigma is not None
    )

    assert fit.success
    np.testing.assert_allclose(fit.x, right, rtol=1e-7)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-5)
    np.testing.assert_allclose(fit.standard_errors, np.sqrt(np.diag(covariance)), rtol=1e-5)
    deviations = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(fit.correlation * np.outer(deviations, deviations), fit.covariance)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm", "LM", None])
def test_methods_agree(method: str | None) -> None:
    fit = least_squares(decay, [1.0, 1.0, 0.0], (T, Y), method=method)

    assert fit.x == pytest.approx(least_squares(decay, [2.0, 2.0, 1.0], (T, Y)).x, rel=1e-12)
    assert fit.nfev >= fit.njev > 0
    assert fit.method == (method or "trf").lower()


@pytest.mark.parametrize("backend", SOME)
def test_backends_agree(backend: str) -> None:
    fit = least_squares(decay, [1.0, 1.0, 0.0], (T, Y), backend=backend)

    right = least_squares(decay, [1.0, 1.0, 0.0], (T, Y), backend="python")
    assert fit.x == pytest.approx(right.x, rel=1e-12)
    np.testing.assert_allclose(fit.jac, right.jac, rtol=1e-12)


Peak = namedtuple("Peak", "height width")


@pytest.mark.parametrize(
    ("start", "names"),
    [
        ([1.0, 1.0, 0.0], ["p[0]", "p[1]", "p[2]"]),
        ((1, 1, 0), ["p[0]", "p[1]", "p[2]"]),
        (np.array([1.0, 1.0, 0.0]), ["p[0]", "p[1]", "p[2]"]),
        (np.array([[1.0, 1.0, 0.0]]), ["p[0][0]", "p[0][1]", "p[0][2]"]),
        ({"a": 1.0, "rest": [1.0, 0.0]}, ["a", "rest[0]", "rest[1]"]),
        ([Peak(1.0, 1.0), {"c": 0.0}], ["p[0].height", "p[0].width", "p[1].c"]),
    ],
)
def test_the_unknowns_keep_their_nesting(start: Any, names: list[str]) -> None:
    from scalargrad.transforms.tree import leaves, skeleton

    fit = least_squares(lambda p, t, y: decay(leaves(p, "p"), t, y), start, (T, Y))

    assert fit.names == names
    for nesting in (fit.x, fit.standard_errors):
        assert type(nesting) is type(start)
        assert skeleton(nesting) == skeleton(start)
    right = least_squares(decay, [1.0, 1.0, 0.0], (T, Y))
    assert leaves(fit.x, "x") == pytest.approx(right.x, rel=1e-12)
    low, high = leaves(fit.confidence_intervals(0.9), "x")[:2]
    assert low < right.x[0] < high


def test_one_number() -> None:
    fit = least_squares(lambda x, y: y - x, 0.0, ([1.0, 2.0, 6.0],))

    assert fit.x == pytest.approx(3.0, rel=1e-15)
    assert fit.names == ["x"]
    assert fit.standard_errors == pytest.approx(np.std([1, 2, 6], ddof=1) / 3**0.5, rel=1e-14)
    low, high = fit.confidence_intervals()
    assert (high - low) / 2 == pytest.approx(4.302652729911275 * fit.standard_errors)


def test_without_data_the_function_gives_all_residuals() -> None:
    pairs = list(zip(T.tolist(), Y.tolist(), strict=True))

    fit = least_squares(lambda p: [decay(p, t, y) for t, y in pairs], [1.0, 1.0, 0.0])

    right = least_squares(decay, [1.0, 1.0, 0.0], (T, Y))
    assert fit.x == pytest.approx(right.x, rel=1e-12)
    np.testing.assert_allclose(fit.fun, right.fun, atol=1e-12)
    assert np.isnan(fit.r_squared)


def test_a_sample_may_have_several_residuals_and_vectors() -> None:
    """Circles through points in the plane: the residuals of a sample follow each other."""
    points = np.array([[1.0, 0.1], [0.1, 1.0], [-0.9, 0.0], [0.0, -1.1], [0.7, 0.8]])

    def residuals(p: Any, point: Any) -> Any:
        dx, dy = point[0] - p["x"], point[1] - p["y"]
        return [sg.hypot(dx, dy) - p["r"], 0.1 * p["x"]]

    fit = least_squares(residuals, {"x": 0.2, "y": 0.2, "r": 0.5}, (points,), sigma=[1, 1, 2, 2, 2])

    def vector(q: Any) -> Any:
        r = np.hypot(points[:, 0] - q[0], points[:, 1] - q[1]) - q[2]
        return np.column_stack([r, np.full(5, 0.1 * q[0])]).ravel() / [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]

    right = optimize.least_squares(vector, [0.2, 0.2, 0.5], ftol=1e-14, xtol=1e-14, gtol=1e-14)
    assert list(fit.x.values()) == pytest.approx(right.x.tolist(), rel=1e-6)
    np.testing.assert_allclose(fit.fun, vector(list(fit.x.values())), rtol=1e-12)
    np.testing.assert_allclose(fit.jac, right.jac, atol=1e-6)


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_losses_are_those_of_scipy(loss: str) -> None:
    outliers = Y + 3.0 * (np.arange(40) % 9 == 4)

    fit = least_squares(decay, [2.0, 1.0, 0.4], (T, outliers), loss=loss, f_scale=0.1)

    right = optimize.least_squares(
        lambda p: outliers - by_numpy(T, *p), [2.0, 1.0, 0.4], loss=loss, f_scale=0.1,
        x_scale="jac",
    )  # fmt: skip
    assert fit.cost == pytest.approx(right.cost, rel=1e-7)
    np.testing.assert_allclose(fit.x, right.x, rtol=1e-3)
    np.testing.assert_allclose(fit.x, [2.5, 1.3, 0.5], atol=0.2)
    errors = least_squares(decay, [2.0, 1.0, 0.4], (T, outliers)).standard_errors
    assert (np.array(fit.standard_errors) < np.array(errors)).all()
    assert "Huber 1981" in fit.report()


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_the_derivatives_of_losses(loss: str) -> None:
    from scalargrad.solve.losses import rho

    z = np.array([0.02, 0.3, 0.9, 1.1, 3.0, 40.0])  # away from the kink of huber at 1
    h = 1e-5

    def at(zs: Any) -> Any:
        return rho(loss, np.sqrt(zs) * 1.5, 1.5)

    slopes = (at(z + h) - at(z - h)) / (2.0 * h)
    np.testing.assert_allclose(at(z)[1], slopes[0], rtol=1e-7)
    np.testing.assert_allclose(at(z)[2], slopes[1], rtol=1e-6, atol=1e-10)


def test_a_loss_may_be_a_function() -> None:
    def huber(z: Any) -> Any:
        root = np.sqrt(np.maximum(z, 1.0))
        return np.array([
            np.where(z <= 1, z, 2 * root - 1), np.where(z <= 1, 1.0, 1 / root),
            np.where(z <= 1, 0.0, -0.5 * root**-3.0),
        ])  # fmt: skip

    own = least_squares(decay, [2.0, 1.0, 0.4], (T, Y), loss=huber, f_scale=0.05)

    named = least_squares(decay, [2.0, 1.0, 0.4], (T, Y), loss="huber", f_scale=0.05)
    np.testing.assert_allclose(own.x, named.x, rtol=1e-9)
    np.testing.assert_allclose(own.covariance, named.covariance, rtol=1e-6)


BOUNDS: dict[str, Any] = {
    "two sides": ([0.0, 0.0, None], [2.0, 10.0, None]),
    "a number for all": (-0.5, [2.0, 10.0, 10.0]),
    "pairs": [(0.0, 2.0), (None, 10.0), None],
}


@pytest.mark.parametrize("kind", BOUNDS)
@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_bounds(kind: str, method: str) -> None:
    fit = least_squares(decay, [1.0, 1.0, 0.0], (T, Y), BOUNDS[kind], method=method)

    assert fit.x[0] == pytest.approx(2.0, abs=1e-6)
    assert fit.active_mask.tolist() == [1, 0, 0]
    held = least_squares(lambda p, t, y: y - 2.0 * sg.exp(-p[0] * t) - p[1], [1.0, 0.0], (T, Y))
    assert fit.x[1:] == pytest.approx(held.x, rel=1e-5)
    assert "p[0]" in next(note for note in fit.notes if "bound" in note)
    assert "at its bound" in fit.report()


def test_bounds_of_a_dict_may_leave_unknowns_out() -> None:
    fit = least_squares(
        lambda p, t, y: decay([p["a"], p["b"], p["c"]], t, y), {"a": 1.0, "b": 1.0, "c": 0.0},
        (T, Y), {"a": (None, 2.0)},
    )  # fmt: skip
    assert fit.x["a"] == pytest.approx(2.0, abs=1e-6)


def test_values_from_outside_are_constants_and_stay_as_they_are() -> None:
    rate = Value(1.3, "rate")
    fit = least_squares(lambda p, t, y: y - p[0] * sg.exp(-rate * t) - p[1], [1.0, 0.0], (T, Y))

    right = least_squares(lambda p, t, y: y - p[0] * sg.exp(-1.3 * t) - p[1], [1.0, 0.0], (T, Y))
    assert fit.x == pytest.approx(right.x, rel=1e-12)
    assert (rate.data, rate.grad) == (1.3, 0.0)


def test_inside_a_transform_it_refuses_to_lose_the_derivative() -> None:
    def best(rate: Any) -> Any:
        return least_squares(lambda p, t, y: y - p[0] * sg.exp(-rate * t), [1.0], (T, Y)).x[0]

    with pytest.raises(TypeError, match="would lose the derivative"):
        sg.grad(best)(1.3)
    with pytest.raises(TypeError, match="real number"):
        sg.grad(lambda a: least_squares(decay, [a, 1.0, 0.0], (T, Y)).x[0])(1.0)


def test_a_function_with_branches() -> None:
    """Samples that take another branch are recorded anew, at every x."""

    def hinge(p: Any, t: Any, y: Any) -> Any:
        if t > p[2]:
            return y - p[0] - p[1] * (t - p[2])
        return y - p[0]

    y = np.where(T > 1.55, 1.0 + 0.7 * (T - 1.55), 1.0)

    fit = least_squares(hinge, [0.5, 1.0, 1.2], (T, y))

    assert fit.x == pytest.approx([1.0, 0.7, 1.55], rel=1e-9)


def test_what_the_residuals_do_not_determine_is_said() -> None:
    fit = least_squares(
        lambda p, t, y: y - p["a"] * p["b"] * sg.exp(-t), {"a": 1.0, "b": 1.0, "c": 3.0}, (T, Y)
    )

    assert np.isinf(fit.covariance).all()
    assert np.isnan(fit.correlation).all()
    assert fit.x["c"] == 3.0
    report = fit.report()
    assert "c alone: no residual depends on it" in report
    assert "a, b: another combination of them fits as well" in report


def test_no_degrees_of_freedom() -> None:
    fit = least_squares(lambda p, t, y: y - p[0] - p[1] * t, [0.0, 0.0], ([0.0, 1.0], [1.0, 3.0]))

    assert fit.x == pytest.approx([1.0, 2.0], rel=1e-15)
    assert fit.degrees_of_freedom == 0
    assert np.isinf(fit.covariance).all()
    assert "as many unknowns as residuals" in fit.report()
    known = least_squares(
        lambda p, t, y: y - p[0] - p[1] * t, [0.0, 0.0], ([0.0, 1.0], [1.0, 3.0]), sigma=0.1,
        absolute_sigma=True,
    )  # fmt: skip
    np.testing.assert_allclose(known.standard_errors, [0.1, 0.1 * 2**0.5])


def test_a_start_at_a_perfect_fit() -> None:
    fit = least_squares(lambda p, t, y: y - p[0] * t, [2.0], ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]))

    assert fit.success
    assert (fit.x, float(fit.cost), fit.r_squared) == ([2.0], 0.0, 1.0)
    assert fit.report()


def test_a_failing_operation_at_the_start_is_named() -> None:
    def logarithm(p: Any, t: Any, y: Any) -> Any:
        return y - sg.log(t - p[0])

    with pytest.raises(ValueError, match=r"sample 0: .*log\(x\) is not defined at x = -1.0"):
        least_squares(logarithm, [1.0], (T, Y))
    # steps to where it fails are not taken
    fit = least_squares(logarithm, [-30.0], (T, np.log(T + 0.01)))
    assert fit.x == pytest.approx([-0.01], rel=1e-9)


def test_a_derivative_that_is_not_finite_is_named() -> None:
    with pytest.raises(FloatingPointError, match=r"sample 0: .* is inf"):
        least_squares(lambda p, t, y: y - sg.sqrt(p[0] * t), [1.0], (T, Y))


def test_interruptions_pass_and_the_next_solve_is_whole() -> None:
    interrupted = True

    def stop(p: Any, t: Any, y: Any) -> Any:
        if interrupted:
            raise KeyboardInterrupt
        return decay(p, t, y)

    with pytest.raises(KeyboardInterrupt):
        least_squares(stop, [1.0, 1.0, 0.0], (T, Y))
    interrupted = False
    assert least_squares(stop, [1.0, 1.0, 0.0], (T, Y)).success


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=40, max_size=40),
    st.lists(st.floats(-10, 10), min_size=2, max_size=2),
)
def test_straight_lines_have_the_solution_of_the_normal_equations(
    noise: list[float], start: list[float]
) -> None:
    y = np.array(noise)
    fit = least_squares(lambda p, t, y: y - p[0] - p[1] * t, start, (T, y), backend="python")

    matrix = np.column_stack([np.ones(40), T])
    right, *_ = np.linalg.lstsq(matrix, y, rcond=None)
    np.testing.assert_allclose(fit.x, right, rtol=1e-9, atol=1e-9)
    inverse = np.linalg.inv(matrix.T @ matrix)
    rest = y - matrix @ right
    np.testing.assert_allclose(fit.covariance, inverse * (rest @ rest) / 38, rtol=1e-6, atol=1e-20)


def test_reduced_tables_have_the_same_products() -> None:
    from scalargrad.solve.residuals import _triangle

    assert np.isnan(_triangle(np.array([[1.0, np.nan]] * 3, order="F"))).all()
    for unit in (1e-200, 1e200):  # whose squares are no floats
        table = np.asfortranarray(RANDOM.standard_normal((20, 3)) * unit)
        right = np.linalg.qr(table, mode="r")
        np.testing.assert_allclose(np.abs(_triangle(table)), np.abs(right), rtol=1e-12)
    for condition in (1e1, 1e5, 1e12):
        table = RANDOM.standard_normal((200, 4)) @ np.diag([1.0, 1e8, 1e-8, 1.0])
        table[:, 1] = table[:, 0] * 1e8 + table[:, 1] / condition
        small = _triangle(np.asfortranarray(table))
        lengths = np.linalg.norm(table, axis=0)
        scaled, right = small / lengths, table / lengths
        np.testing.assert_allclose(scaled.T @ scaled, right.T @ right, atol=1e-13)
        sizes = np.linalg.svd(scaled, compute_uv=False)
        np.testing.assert_allclose(
            sizes, np.linalg.svd(right, compute_uv=False), rtol=1e-3 / condition + 1e-8, atol=1e-15
        )
