"""Solve NIST's nonlinear regression problems, and write their table into solve.md."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from nist_problems import PROBLEMS, Problem, digits
from scipy.optimize import least_squares

import scalargrad as sg

PAGE = Path(__file__).with_name("guide") / "solve.md"
BEGIN, END = "<!-- nist: written by make_nist.py -->\n", "<!-- end of nist -->\n"
COLUMNS = [
    "problem, start", "x", "deviations", "evaluations", "SciPy: x", "deviations", "calls",
    "tight: x", "deviations", "calls",
]  # fmt: skip
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
TIGHT = {"x_scale": "jac", "ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 10_000}


def by_scipy(problem: Problem, start: int, settings: dict[str, Any]) -> str:
    """The cells of SciPy with finite differences: digits, and all calls of the function."""
    y, *xs = map(np.array, problem.data)
    compiled = sg.compile(problem.residual, threads=1, allow_nonfinite=True)
    calls = 0

    def residuals(b: Any) -> Any:
        nonlocal calls
        calls += 1
        return compiled(np.tile(b, (len(y), 1)), y, *xs)

    try:
        with np.errstate(all="ignore"):
            found = least_squares(residuals, problem.starts[start], **settings)
            covariance = np.linalg.inv(found.jac.T @ found.jac)
    except (ValueError, np.linalg.LinAlgError) as error:
        return f"{type(error).__name__} | | {calls}"
    scale = 2.0 * found.cost / (len(y) - len(found.x))
    errors = np.sqrt(np.abs(np.diag(covariance)) * scale)
    return f"{shown(found.x, problem.parameters)} | {shown(errors, problem.deviations)} | {calls}"


def shown(got: Any, certified: Any) -> str:
    """The number of digits, and a dash where there is none."""
    count = digits(got, certified)
    return f"{count:.1f}" if count >= 0.5 else "none"


def row(problem: Problem, start: int) -> str:
    """The line of a problem and a start."""
    fit = sg.solve.least_squares(
        problem.residual, list(problem.starts[start]), problem.data, threads=1
    )
    cells = [
        f"{problem.name}, {start + 1}",
        f"{shown(fit.x, problem.parameters)}",
        f"{shown(fit.standard_errors, problem.deviations)}",
        f"{fit.nfev}",
        by_scipy(problem, start, {}),
        by_scipy(problem, start, TIGHT),
    ]
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    warnings.simplefilter("ignore")
    table = HEAD + "".join([row(problem, start) for problem in PROBLEMS for start in (0, 1)])
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", "utf-8")
    print(table)


if __name__ == "__main__":
    main()
