"""The nonlinear regression problems of NIST, from both starts, against the certified results."""

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import mpmath as mp
import numpy as np
from nist_problems import FOLDERS, PROBLEMS, Problem, digits
from scipy.optimize import least_squares as scipys

import scalargrad as sg

BY_NAME = {problem.name: problem for problem in PROBLEMS}


def solved(problem: Problem, start: int) -> sg.solve.Fit:
    fit: sg.solve.Fit = sg.solve.least_squares(
        problem.residual, list(problem.starts[start]), problem.data, threads=1
    )
    return fit


def residuals(problem: Problem, b: Sequence[float]) -> list[float]:
    return [problem.residual(b, *sample) for sample in zip(*problem.data, strict=True)]


def test_the_files_are_read_whole() -> None:
    assert len(PROBLEMS) == 27
    for problem in PROBLEMS:
        right = float(np.sum(np.square(residuals(problem, problem.parameters))))
        # the 11 digits of the parameters leave less of a sum that is zero but for them
        assert right == pytest.approx(problem.sum_of_squares, rel=1e-6, abs=1e-17), problem.name


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_certified_digits(problem: Problem, start: int) -> None:
    fit = solved(problem, start)

    assert fit.success
    assert digits(fit.x, problem.parameters) >= 8.0
    # of Lanczos1, see below
    assert digits(fit.standard_errors, problem.deviations) >= (
        2.5 if problem.name == "Lanczos1" else 8.0
    )
    assert 2.0 * float(fit.cost) == pytest.approx(problem.sum_of_squares, rel=2e-9, abs=1e-24)
    assert fit.degrees_of_freedom == len(problem.data[0]) - len(problem.parameters)


def test_floats_hold_no_more_digits_of_the_deviations_of_lanczos1() -> None:
    """Its residuals are 1e-13 of data that floats round by 2e-16: three digits are left.

    The deviations at the same unknowns, one exact step further and with exact data, have all.
    """
    problem = BY_NAME["Lanczos1"]
    lines = (FOLDERS[0] / "Lanczos1.dat").read_text("ascii").splitlines()
    rows = [line.split() for line in lines[60:]]
    b = solved(problem, 1).x
    with mp.workdps(50):
        exact = [(mp.mpf(y), mp.mpf(x)) for y, x in rows]
        rounded = [(mp.mpf(float(y)), mp.mpf(float(x))) for y, x in rows]
        for data, least, most in ((exact, 9.0, 11.0), (rounded, 2.0, 6.0)):
            got = digits(_deviations_after_a_step(b, data), problem.deviations)
            assert least <= got <= most


def _deviations_after_a_step(b: list[float], data: list[tuple[Any, Any]]) -> list[float]:
    """The standard deviations by 50-digit arithmetic, after a Gauss-Newton step from b."""
    x = mp.matrix(b)
    for _ in range(2):
        rows, r = [], []
        for y, t in data:
            row, value = [], mp.mpf(0)
            for k in (0, 2, 4):
                e = mp.exp(-x[k + 1] * t)
                value += x[k] * e
                row += [e, -x[k] * t * e]
            rows.append(row)
            r.append(y - value)
        J, r = mp.matrix(rows), mp.matrix(r)
        inverse = (J.T * J) ** -1
        x += inverse * (J.T * r)
    scale = sum(v * v for v in r) / (len(data) - 6)
    return [float(mp.sqrt(inverse[i, i] * scale)) for i in range(6)]


@pytest.mark.parametrize("problem", PROBLEMS[::5], ids=lambda problem: problem.name)
def test_scipy_with_finite_differences_reaches_fewer(problem: Problem) -> None:
    y, *xs = map(np.array, problem.data)
    compiled = sg.compile(problem.residual, threads=1)

    found = scipys(lambda b: compiled(np.tile(b, (len(y), 1)), y, *xs), problem.starts[1])

    assert digits(found.x, problem.parameters) < digits(solved(problem, 1).x, problem.parameters)
