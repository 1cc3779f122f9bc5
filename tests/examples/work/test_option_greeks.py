"""The Greeks against their formulas, implied volatility, and Monte Carlo against both."""

import math
from statistics import NormalDist

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from computed import computed

import scalargrad as sg
from scalargrad.examples.work import option_greeks
from scalargrad.examples.work.option_greeks import (
    GREEKS,
    POINT,
    asian,
    build,
    european,
    greek,
    implied_volatility,
    named,
    simulate,
)

S, SIGMA, T, R = POINT
ROOT = SIGMA * math.sqrt(T)
D1 = (R + 0.5 * SIGMA**2) * T / ROOT  # at the money
D2 = D1 - ROOT
N, PHI = NormalDist().cdf, NormalDist().pdf(D1)
GAMMA, VEGA = PHI / (S * ROOT), S * PHI * math.sqrt(T)
DISCOUNTED = 100.0 * math.exp(-R * T)
# E. G. Haug, The Complete Guide to Option Pricing Formulas, 2007, chapter 2, without dividends
FORMULAS = {
    "delta": N(D1),
    "vega": VEGA,
    "theta": -S * PHI * SIGMA / (2.0 * math.sqrt(T)) - R * DISCOUNTED * N(D2),
    "rho": T * DISCOUNTED * N(D2),
    "gamma": GAMMA,
    "vanna": -PHI * D2 / SIGMA,
    "charm": -PHI * (2.0 * R * T - D2 * ROOT) / (2.0 * T * ROOT),
    "vomma": VEGA * D1 * D2 / SIGMA,
    "veta": VEGA * (R * D1 / ROOT - (1.0 + D1 * D2) / (2.0 * T)),
    "vera": -DISCOUNTED * T * NormalDist().pdf(D2) * D1 / SIGMA,
    "speed": -GAMMA / S * (D1 / ROOT + 1.0),
    "zomma": GAMMA * (D1 * D2 - 1.0) / SIGMA,
    "colour": PHI / (2.0 * S * T * ROOT) * (1.0 + (2.0 * R * T - D2 * ROOT) / ROOT * D1),
    "ultima": -VEGA / SIGMA**2 * (D1 * D2 * (1.0 - D1 * D2) + D1**2 + D2**2),
}


def test_there_is_a_formula_for_each_name() -> None:
    assert FORMULAS.keys() == GREEKS.keys()


@pytest.mark.parametrize("name", GREEKS)
def test_greeks_are_those_of_the_books(name: str) -> None:
    assert named(computed("option_greeks"), name) == pytest.approx(FORMULAS[name], rel=1e-11)


def test_the_order_of_differentiation_does_not_matter() -> None:
    assert greek("Sσ")(*POINT) == pytest.approx(greek("σS")(*POINT), rel=1e-13)
    assert greek("σSS")(*POINT) == pytest.approx(greek("SSσ")(*POINT), rel=1e-12)


def test_the_price_obeys_the_equation_of_black_and_scholes() -> None:
    """Theta + 1/2 σ² S² gamma + r S delta = r C."""
    every = computed("option_greeks").greeks
    left = -every["T"] + 0.5 * SIGMA**2 * S**2 * every["SS"] + R * S * every["S"]

    assert left == pytest.approx(R * build(*POINT), rel=1e-12)


def test_taylor_has_the_greeks_and_sums_to_the_price() -> None:
    result = computed("option_greeks")
    for k, letters in enumerate(("S", "SS", "SSS"), 1):
        assert result.taylor[k] * math.factorial(k) == pytest.approx(
            result.greeks[letters], rel=1e-11
        )
    there = sum(c * 2.0**k for k, c in enumerate(result.taylor))
    assert there == pytest.approx(build(S + 2.0, SIGMA, T, R), rel=1e-7)


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.9])
def test_implied_volatility_is_the_inverse(sigma: float) -> None:
    price = build(S, sigma, T, R)

    assert implied_volatility(price) == pytest.approx(sigma, rel=1e-9)


def test_implied_volatility_moves_as_the_implicit_function_theorem_says() -> None:
    for strike, (price, sigma, by_price, by_share, by_rate) in computed(
        "option_greeks"
    ).smile.items():
        delta, vega, rho = sg.grad(build, (0, 1, 3))(S, sigma, T, R, strike)
        assert build(S, sigma, T, R, strike) == pytest.approx(price, rel=1e-12)
        assert by_price == pytest.approx(1.0 / vega, rel=1e-9)
        assert by_share == pytest.approx(-delta / vega, rel=1e-9)
        assert by_rate == pytest.approx(-rho / vega, rel=1e-9)


def test_a_price_that_no_volatility_gives() -> None:
    with pytest.raises(ValueError, match="did not converge"):
        implied_volatility(S + 1.0)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_pathwise_greeks_agree_with_the_formula(seed: int) -> None:
    result, found = computed("option_greeks"), simulate(european, 20_000, seed)
    exact = [result.price, *(result.greeks[x] for x in option_greeks.INPUTS)]
    for mean, error, number in zip(found.means, found.errors, exact, strict=True):
        assert abs(mean - number) < 4.0 * error


def test_pathwise_greeks_are_the_slopes_of_the_mean_path() -> None:
    """On the same draws, the derivative of the mean is the mean of the derivatives."""
    found = simulate(asian, 500)
    shocks = np.random.default_rng(2).standard_normal((500, option_greeks.MONTHS))

    def mean(point: list[float]) -> float:
        paths = [*shocks.tolist(), *(-shocks).tolist()]
        return math.fsum(asian(*point, path) for path in paths) / len(paths)

    assert found.means[0] == pytest.approx(mean([*POINT]), rel=1e-12)
    for i, slope in enumerate(found.means[1:]):
        above, below = (
            [x * (1 + d * (k == i)) for k, x in enumerate(POINT)] for d in (1e-6, -1e-6)
        )
        numeric = (mean(above) - mean(below)) / (2e-6 * POINT[i])
        assert slope == pytest.approx(numeric, rel=1e-3)  # kinks of paths that end at the strike


def test_the_mean_over_months_is_worth_less_than_the_end() -> None:
    result = computed("option_greeks")

    assert result.asian.means[0] < 0.7 * result.price
    assert result.asian.means[2] < 0.7 * result.greeks["σ"]
