"""The budgets of the GUM, with the numbers that it prints."""

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

from computed import computed

from scalargrad.examples.work.instrument_budget import NM


def size(name: str) -> float:
    row = computed("instrument_budget").gauge.budget[name]
    return abs(row.sensitivity) * row.std * NM


def test_length_of_the_end_gauge() -> None:
    """H.1.5: l = 50.000838 mm, u = 32 nm."""
    gauge = computed("instrument_budget").gauge

    assert round(gauge.value, 6) == 50.000838
    assert round(gauge.std * NM) == 32


@pytest.mark.parametrize(
    ("names", "printed"),
    [
        (["l_S"], 25.0),
        (["d_mean", "d_random", "d_systematic"], 9.7),
        (["d_mean"], 5.8),
        (["d_random"], 3.9),
        (["d_systematic"], 6.7),
        (["alpha_S"], 0.0),
        (["theta_mean", "theta_cycle"], 0.0),
        (["delta_alpha"], 2.9),
    ],
)
def test_contributions(names: list[str], printed: float) -> None:
    """Table H.1."""
    assert round(sum(size(name) ** 2 for name in names) ** 0.5, 1) == printed


def test_the_contribution_of_the_temperature_difference() -> None:
    """Table H.1: 16.6 nm, from the standard uncertainty 0.05/√3 °C, which it rounds to 0.029."""
    assert size("delta_theta") * (0.05 / 3**0.5) / 0.029 == pytest.approx(16.6, abs=0.05)


def test_second_order() -> None:
    """H.1.7: with the terms of second order u = 34 nm."""
    gauge = computed("instrument_budget").gauge

    assert round(gauge.second_order.std * NM) == 34
    assert gauge.monte_carlo.std == pytest.approx(gauge.second_order.std, rel=0.03)


def test_effective_degrees_of_freedom_and_the_interval() -> None:
    """H.1.6: ν = 16.7, truncated to 16, t = 2.92, U = 93 nm."""
    result = computed("instrument_budget")

    assert result.freedom == pytest.approx(16.7, abs=0.15)  # from components that are rounded less
    assert int(result.freedom) == 16
    assert round(result.factor, 2) == 2.92
    assert round(result.expanded * NM) == 93


@pytest.mark.parametrize(
    ("name", "value", "std"), [("R", 127.732, 0.071), ("X", 219.847, 0.295), ("Z", 254.260, 0.236)]
)
def test_resistance_reactance_and_impedance(name: str, value: float, std: float) -> None:
    """Table H.3."""
    both = computed("instrument_budget").impedance

    assert both.value[name] == pytest.approx(value, abs=0.0005)
    assert both.std[name] == pytest.approx(std, abs=0.001)


def test_their_correlations() -> None:
    """Table H.3: r(R, X) = -0.588, r(R, Z) = -0.485, r(X, Z) = 0.993."""
    r = computed("instrument_budget").impedance.correlation

    assert (r[0][1], r[0][2], r[1][2]) == pytest.approx((-0.588, -0.485, 0.993), abs=0.0005)
