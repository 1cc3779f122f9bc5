"""Special functions: their extremes, their domain, and derivatives of higher order."""

import math
from typing import Any

import mpmath as mp
import pytest
from exact import DIGITS, error
from replayed import BACKENDS

import scalargrad as sg
from scalargrad import Value
from scalargrad.core import special


@pytest.mark.parametrize("name", ["lgamma", "digamma", "log_ndtr", "ndtri", "logit", "erfinv"])
def test_third_derivatives_keep_their_digits(name: str) -> None:
    third = sg.grad(sg.grad(sg.grad(getattr(sg, name))))
    x = {"log_ndtr": -3.3, "lgamma": 0.7, "digamma": 12.5}.get(name, 0.31)
    precise = {
        "lgamma": mp.loggamma,
        "digamma": mp.digamma,
        "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
        "ndtri": lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
        "logit": lambda p: mp.log(p / (1 - p)),
        "erfinv": mp.erfinv,
    }
    with mp.workdps(DIGITS):
        assert error(third(x), mp.diff(precise[name], x, 3)) <= 64.0


def test_values_at_the_ends() -> None:
    inf = math.inf
    assert (sg.lgamma(inf), sg.lgamma(1.0), sg.lgamma(2.0)) == (inf, 0.0, 0.0)
    assert (sg.gamma(5.0), sg.beta(1.0, 1.0), sg.betaln(1.0, 1.0)) == (24.0, 1.0, 0.0)
    assert (sg.log_ndtr(-inf), sg.log_ndtr(inf), sg.ndtri(0.5)) == (-inf, 0.0, 0.0)
    assert (sg.digamma(5e-324), sg.polygamma(3, 1e-200)) == (-inf, inf)
    assert sg.grad(sg.lgamma)(1e-309) == -inf
    assert sg.grad(sg.log_ndtr)(-1e150) == 1e150
    assert sg.betaln(1e-320, 2.0) == pytest.approx(-math.log(1e-320))
    assert sg.betaln(1e200, 1e200) == pytest.approx(-2e200 * math.log(2.0))
    assert sg.beta(1e300, 1e10) == sg.beta(1e150, 1e150) == 0.0
    for f in (special.lgamma, special.digamma, special.hazard, special.log_ndtr, special.sinc):
        assert math.isnan(f(math.nan))
    assert math.isnan(special.polygamma(1.0, math.nan))
    assert math.isnan(special.beta(math.nan, 1.0))


def test_logarithms_to_a_base() -> None:
    assert (sg.log(1000, 10), sg.log(8.0, 2)) == (3.0, 3.0)
    x, base = Value(8.0, "x"), Value(2.0, "b")
    y = sg.log(x, base)
    y.backward()
    assert (y.data, y.parents) == (3.0, (x, base))
    assert x.grad == pytest.approx(1.0 / (8.0 * math.log(2.0)))
    assert base.grad == pytest.approx(-3.0 / (2.0 * math.log(2.0)))
    with pytest.raises(ZeroDivisionError, match=r"log\(x, base\) is not defined at x = 2\.0"):
        sg.log(2.0, 1.0)


def test_a_weight_of_zero_does_not_use_the_logarithm() -> None:
    assert sg.xlogy(0.0, 0.0) == 0.0
    assert sg.grad(lambda q: sg.xlogy(0.0, sg.sqrt(q)))(0.0) == 0.0
    assert sg.hessian(sg.xlogy, (0, 1))(0.0, 2.0) == ((0.0, 0.5), (0.5, -0.0))
    assert sg.grad(sg.grad(lambda q: sg.xlogy(0.0, sg.sqrt(q))))(0.0) == 0.0
    with pytest.raises(ValueError, match=r"xlogy\(x, y\) is not defined .* y > 0"):
        sg.xlogy(0.0, -1.0)


XLOGY: dict[tuple[float, float], tuple[float, ...]] = {  # the slopes, and the second derivatives
    (0.0, 2.0): (math.log(2.0), 0.0, 0.0, 0.5, 0.5, 0.0),
    (0.0, 1.0): (0.0, 0.0, 0.0, 1.0, 1.0, 0.0),
    (-0.0, 0.5): (math.log(0.5), 0.0, 0.0, 2.0, 2.0, 0.0),
    (0.0, math.inf): (math.inf, 0.0, 0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0): (-math.inf, 0.0, 0.0, math.inf, math.inf, 0.0),
    (0.0, math.nan): (math.nan,) * 6,
}


@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
def test_xlogy_at_a_weight_of_zero(backend: str) -> None:
    def f(x: Any, y: Any) -> list[Any]:
        (xx, xy), (yx, yy) = sg.hessian(sg.xlogy, (0, 1))(x, y)
        return [*sg.grad(sg.xlogy, (0, 1))(x, y), xx, xy, yx, yy]

    made = f if backend == "eager" else sg.compile(f, backend=backend, allow_nonfinite=True)
    for (x, y), right in XLOGY.items():
        first = 2 if math.isnan(y) else 6  # the second derivatives of a nan are nans or zeros
        assert made(x, y)[:first] == pytest.approx(right[:first], rel=1e-15, nan_ok=True), (x, y)


def test_the_entropy_of_an_impossible_event() -> None:
    """p log p at 0: its slope is -inf, and its curvature, 1 / p, infinite."""
    assert sg.grad(lambda p: sg.xlogy(p, p))(0.0) == -math.inf
    assert sg.hessian(lambda p: sg.xlogy(p, p))(0.0) == math.inf


def test_norm() -> None:
    assert sg.norm([]) == 0.0
    assert sg.norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    assert sg.norm([3e-200, 4e-200]) == pytest.approx(5e-200, rel=1e-15)
    assert sg.grad(sg.norm)([0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]
    assert sg.hessian(sg.norm)([1.0, 1e-10])[0][0] == pytest.approx(1e-20, rel=1e-14)
    xs = [Value(float(k)) for k in range(1000)]
    assert len(sg.topological_order(sg.norm(xs))) == 1001


def test_logaddexp_and_softmax_far_out() -> None:
    for x in (1000.0, 1e8):
        assert sg.grad(sg.logaddexp, (0, 1))(x, x) == (0.5, 0.5)
        assert sg.grad(sg.logsumexp)([x, x]) == [0.5, 0.5]
        assert sg.softmax([x, x]) == [0.5, 0.5]
        slopes = sg.grad(lambda xs: sg.softmax(xs)[0])([x, x])
        assert slopes == [0.25, -0.25]
    inf = math.inf
    assert sg.grad(sg.logaddexp, (0, 1))(inf, inf) == (0.5, 0.5)
    assert sg.grad(sg.logaddexp, (0, 1))(-inf, 1.0) == (0.0, 1.0)
