"""The double pendulum against equations of motion by hand, and what its energy does."""

import math

import pytest

pytest.importorskip("numpy", reason="NumPy is not installed")

import numpy as np
from computed import computed

import scalargrad as sg
from scalargrad.examples.work.double_pendulum import (
    GRAVITY,
    Motion,
    build,
    energy,
    gauss,
    momenta,
    motion,
    rates,
    simulate,
)

Q, V = [0.7, -1.9], [1.3, -2.1]


def accelerations(q: list[float], v: list[float]) -> list[float]:
    """By hand, for unit masses and lengths: the textbook's equations solved for both."""
    d, (v1, v2) = q[0] - q[1], v
    c, s = math.cos(d), math.sin(d)
    below = 2.0 - c * c
    f1 = -v2 * v2 * s - 2.0 * GRAVITY * math.sin(q[0])
    f2 = v1 * v1 * s - GRAVITY * math.sin(q[1])
    return [(f1 - c * f2) / below, (2.0 * f2 - c * f1) / below]


def test_rates_invert_momenta() -> None:
    assert rates(Q, momenta(Q, V)) == pytest.approx(V, rel=1e-13)


def test_the_equations_of_euler_and_lagrange() -> None:
    """The momenta change as they do along the motion that is known by hand."""
    p = momenta(Q, V)
    change = motion(Q, p)

    assert change[:2] == pytest.approx(V, rel=1e-13)
    _, wanted = sg.jvp(momenta, (Q, V), (V, accelerations(Q, V)))
    assert change[2:] == pytest.approx(wanted, rel=1e-12)


def test_hamiltons_equations_hold() -> None:
    """∂H/∂p = dq/dt and ∂H/∂q = -dp/dt, of the energy by Legendre's transform."""
    p = momenta(Q, V)
    by_q, by_p = sg.grad(energy, (0, 1))(Q, p)

    assert [*by_p, *(-x for x in by_q)] == pytest.approx(motion(Q, p), rel=1e-12)


def test_recorded_motion_is_the_eager_one() -> None:
    p = momenta(Q, V)
    compiled = sg.compile(motion)([Q, [0.1, 0.2]], [p, [0.0, 1.0]])

    assert [column[0] for column in compiled] == pytest.approx(motion(Q, p), rel=1e-13)
    assert [column[1] for column in compiled] == pytest.approx(
        motion([0.1, 0.2], [0.0, 1.0]), rel=1e-13
    )


def test_a_small_swing_has_the_periods_of_its_modes() -> None:
    """In the slow mode, q₂ = √2 q₁, the angles follow a cosine with ω² = (2 - √2) g."""
    y, h, t = [1e-4, math.sqrt(2.0) * 1e-4, 0.0, 0.0], 0.02, 0.0
    for _ in range(25):
        y, t = gauss(y, h), t + h
    wave = 1e-4 * math.cos(math.sqrt((2.0 - math.sqrt(2.0)) * GRAVITY) * t)

    assert y[:2] == pytest.approx([wave, math.sqrt(2.0) * wave], rel=2e-6)


@pytest.mark.parametrize(("rounds", "least", "most"), [(9, 3.8, 4.2)])
def test_gauss_is_of_fourth_order(rounds: int, least: float, most: float) -> None:
    ends = {}
    for steps in (8, 16, 32):
        y = [1.0, 0.5, 0.0, 0.0]
        for _ in range(steps):
            y = gauss(y, 0.4 / steps, rounds)
        ends[steps] = np.array(y)
    first, second = (np.abs(ends[n] - ends[2 * n]).max() for n in (8, 16))

    assert least < math.log2(first / second) < most


def test_gauss_is_reversible() -> None:
    """A symmetric method: a step back leads to where the step began."""
    y = [1.0, 0.5, 0.3, -0.2]

    assert gauss(gauss(y, 0.01), -0.01) == pytest.approx(y, abs=1e-12)


def worst(motion: Motion, start: int, end: int) -> float:
    return max(motion.errors[start:end])


def test_gauss_keeps_the_energy_and_runge_kutta_does_not() -> None:
    """The measured drift: none in a minute by Gauss; ever more by Runge and Kutta."""
    result = computed("double_pendulum")
    kept, lost = result.gauss, result.runge_kutta
    half = len(kept.errors) // 2

    assert worst(kept, 0, half) < 1e-5
    assert worst(kept, half, 2 * half) < 1e-5
    assert sorted(kept.errors)[half] < 1e-7  # it comes back
    assert lost.errors[-1] > 20.0 * worst(kept, 0, -1)
    assert sorted(lost.errors)[half] > 1e-5  # it does not


def test_pendulums_part_though_their_energies_are_kept() -> None:
    result = computed("double_pendulum")

    assert all(time is not None and 4.0 < time < 10.0 for time in result.parted)
    assert max(result.fan.errors) < 1e-4


def test_pendulums_move_side_by_side_as_alone() -> None:
    together, alone = simulate(gauss, 0.5, 3), simulate(gauss, 0.5)

    assert np.array_equal(together.angles[:, 0], alone.angles[:, 0])


def test_the_lagrangian_is_that_of_two_masses() -> None:
    """Kinetic less potential energy from the places of the masses and how they move."""

    def places(q: list[float]) -> list[float]:
        x, y = sg.sin(q[0]), -sg.cos(q[0])
        return [x, y, x + sg.sin(q[1]), y - sg.cos(q[1])]

    where, speeds = sg.jvp(places, (Q,), (V,))
    wanted = 0.5 * sum(speed * speed for speed in speeds) - GRAVITY * (where[1] + where[3])

    assert build(Q, V) == pytest.approx(wanted, rel=1e-13)
