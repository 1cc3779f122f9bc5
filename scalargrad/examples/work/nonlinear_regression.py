"""Three regressions of NIST, to ten certified digits: an easy one, and two traps.

The National Institute of Standards and Technology publishes problems to test programs for nonlinear
regression: data, two starting points, and the parameters and their standard deviations certified to
eleven digits. These are three of the 27:

    Misra1a   y = b₁ (1 - exp(-b₂ x))                             14 observations
    MGH09     y = b₁ (x² + b₂ x) / (x² + b₃ x + b₄)               11 observations
    Thurber   y = (b₁ + b₂ x + b₃ x² + b₄ x³) / (1 + b₅ x + b₆ x² + b₇ x³)    37 observations

Each model is written for one sample, in plain Python. `sg.solve.least_squares` records it, replays
it for all samples, and gives SciPy the exact Jacobian. A few Newton steps with exact second
derivatives then find the last digits. For comparison the report lists SciPy's own function with
finite differences, at the tightest tolerances that it accepts.

Source: NIST, Statistical Reference Datasets, Nonlinear Regression,
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml, in the public domain.
Data: the files of NIST, as published, in the folder `nist`. Misra1a: dental research, the volume of
adsorbed gas by pressure; MGH09: generated; Thurber: the mobility of electrons by their density.
Look for: MGH09 from its first start, which is 130 to 340 times too large, with a local minimum at
infinity. The fit finds the same digits as from the near start. Finite differences stop at seven
digits at any tolerance.
Conclusion: exact derivatives find all certified digits; finite differences lose the last four.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scalargrad as sg

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = ["MODELS", "Problem", "Solution", "digits", "figures", "read", "report", "run", "solve"]

TIGHT = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}  # SciPy's own would stop it earlier
FOLDER = Path(__file__).parent / "nist"
Model = Callable[..., Any]  # of the parameters b, and of the numbers of one sample


def exponential(b: Any, x: Any) -> Any:
    """Misra1a: growth towards b₁."""
    return b[0] * (1.0 - sg.exp(-b[1] * x))


def linear_over_quadratic(b: Any, x: Any) -> Any:
    """MGH09: a rational function with four parameters."""
    return b[0] * x * (x + b[1]) / (x * (x + b[2]) + b[3])


def cubics(b: Any, x: Any) -> Any:
    """Thurber: a cubic over a cubic, with seven parameters."""
    below = 1.0 + x * (b[4] + x * (b[5] + x * b[6]))
    return (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / below


MODELS: dict[str, Model] = {
    "Misra1a": exponential, "MGH09": linear_over_quadratic, "Thurber": cubics,
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A problem: the model, the data (y, x ...), two starts and the certified results."""

    name: str
    model: Model
    data: tuple[tuple[float, ...], ...]
    starts: tuple[tuple[float, ...], tuple[float, ...]]
    parameters: tuple[float, ...]
    deviations: tuple[float, ...]
    sum_of_squares: float

    def residual(self, b: Any, y: Any, *x: Any) -> Any:
        """The residual of one sample, y - f(b, x)."""
        return (sg.log(y) if self.name == "Nelson" else y) - self.model(b, *x)


def read(path: Path, model: Model) -> Problem:
    """A problem from its file as NIST publishes it.

    >>> problem = read(FOLDER / "Misra1a.dat", exponential)
    >>> problem.parameters, len(problem.data[0])
    ((238.94212918, 0.00055015643181), 14)
    """
    lines = path.read_text("ascii").splitlines()
    rows = [re.split(r"[=\s]+", line.strip()) for line in lines if re.match(r"\s*b\d+ =", line)]
    table = [tuple(map(float, row[1:5])) for row in rows]
    (squares,) = [line for line in lines if line.startswith("Residual Sum of Squares")]
    first = max(i for i, line in enumerate(lines) if line.startswith("Data:")) + 1
    data = [tuple(map(float, line.split())) for line in lines[first:] if line.strip()]
    start1, start2, parameters, deviations = zip(*table, strict=True)
    return Problem(
        path.stem, model, tuple(zip(*data, strict=True)), (start1, start2), parameters,
        deviations, float(squares.split(":")[1]),
    )  # fmt: skip


def digits(got: Sequence[float], certified: Sequence[float]) -> float:
    """The number of digits that all numbers share with the certified ones, which have 11.

    >>> round(digits([1.001, 2.0], [1.0, 2.0]), 6)
    3.0
    """
    errors = [
        abs(x - exact) / abs(exact) if x == x else inf
        for x, exact in zip(got, certified, strict=True)
    ]
    worst = max(errors)
    return min(11.0, -log10(worst)) if worst > 0.0 else 11.0


def build(name: str) -> Problem:
    """One of the three problems, by its name."""
    return read(FOLDER / f"{name}.dat", MODELS[name])


@dataclass(frozen=True)
class Solution:
    """A problem solved from one start.

    Attributes:
        problem: the problem.
        start: 1 or 2.
        fit: what `sg.solve.least_squares` returns.
        scipy: what `scipy.optimize.least_squares` finds with finite differences.
        calls: how often it called the function, with what the differences take.
    """

    problem: Problem
    start: int
    fit: Any
    scipy: Sequence[float]
    calls: int


def solve(problem: Problem, start: int) -> Solution:
    """Solve a problem from its first or second start, with and without derivatives."""
    from scipy.optimize import least_squares

    x0 = list(problem.starts[start - 1])
    fit = sg.solve.least_squares(problem.residual, x0, problem.data)
    calls = 0

    def residuals(b: Any) -> list[float]:
        nonlocal calls
        calls += 1
        numbers = b.tolist()
        return [problem.residual(numbers, *sample) for sample in zip(*problem.data, strict=True)]

    found = least_squares(residuals, x0, x_scale="jac", max_nfev=10_000, **TIGHT)
    return Solution(problem, start, fit, found.x.tolist(), calls)


def run() -> list[Solution]:
    """The three problems, each from both starts."""
    return [solve(build(name), start) for name in MODELS for start in (1, 2)]


def report(result: list[Solution]) -> str:
    """The certified digits that each fit reaches, and the parameters of one of them."""
    lines = [
        "Digits in agreement with NIST's certified results (11 at most), all parameters:",
        "",
        f"  {'':<18}{'exact derivatives':>34}{'finite differences':>28}",
        f"  {'problem, start':<18}{'x':>8}{'deviations':>14}{'calls':>12}{'x':>16}{'calls':>12}",
    ]
    for each in result:
        problem, fit = each.problem, each.fit
        lines.append(
            f"  {f'{problem.name}, {each.start}':<18}{digits(fit.x, problem.parameters):>8.1f}"
            f"{digits(fit.standard_errors, problem.deviations):>14.1f}{fit.nfev:>12}"
            f"{digits(each.scipy, problem.parameters):>16.1f}{each.calls:>12}"
        )
    thurber = result[-1]
    lines += ["", f"  {thurber.problem.name}:", ""]
    lines += [f"  {'':<6}{'found':>20}{'certified':>20}{'deviation':>20}{'certified':>20}"]
    table = zip(
        thurber.fit.x, thurber.problem.parameters, thurber.fit.standard_errors,
        thurber.problem.deviations, strict=True,
    )  # fmt: skip
    for k, row in enumerate(table, 1):
        lines.append(f"  b{k:<5}" + "".join(f"{x:>20.10e}" for x in row))
    lines += [
        "",
        "  Finite differences take several times as many calls, and rounding leaves seven digits.",
        "  Exact derivatives give ten and more, from either start.",
    ]
    return "\n".join(lines)


def figures(result: list[Solution]) -> dict[str, Picture]:
    """The three fits with their data and residuals, and the digits that were reached."""
    from scalargrad import plot

    second = [each for each in result if each.start == 2]
    page = plot.figure(
        2, 3, width=11.0, height=5.4,
        alt="Above: data and fitted curves of Misra1a, nearly straight; MGH09, rising and "
        "levelling off; Thurber, an S on a logarithmic axis. Below: their residuals.",
    )  # fmt: skip
    names = {
        "Misra1a": ("pressure", "volume adsorbed"), "MGH09": ("x", "y"),
        "Thurber": ("log₁₀ of the density", "mobility"),
    }  # fmt: skip
    for k, each in enumerate(second):
        y, x = each.problem.data
        above, below = page.axes[k], page.axes[k + 3]
        xlabel, ylabel = names[each.problem.name]
        span = (min(x), max(x))
        plot.curves(
            {"fit": partial(each.problem.model, each.fit.x)}, span, points=(x, y),
            xlabel=xlabel, ylabel=ylabel, title=each.problem.name, ax=above,
        )  # fmt: skip
        rest = [each.problem.residual(each.fit.x, *sample) for sample in zip(y, x, strict=True)]
        plot.curves(
            {"0": lambda v: 0.0 * v}, span, points=(x, rest), xlabel=xlabel, ylabel="residual",
            ax=below,
        )  # fmt: skip
    ours = [digits(each.fit.x, each.problem.parameters) for each in result]
    theirs = [digits(each.scipy, each.problem.parameters) for each in result]
    reached = plot.bars(
        {"exact derivatives": ours, "SciPy, finite differences": [max(d, 0.0) for d in theirs]},
        [f"{each.problem.name}\nstart {each.start}" for each in result],
        ylabel="certified digits of the worst parameter", ylim=(0.0, 13.0),
        title="Digits in agreement with NIST",
        alt="Bars of certified digits: about 10 or 11 everywhere with exact derivatives; between "
        f"{max(min(theirs), 0):.0f} and {max(theirs):.0f} with finite differences.",
    )  # fmt: skip
    return {"fits": page, "digits": reached}
