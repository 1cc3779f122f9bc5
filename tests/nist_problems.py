"""The nonlinear regression problems of NIST, with their certified results.

The files in `nist/` are those of the Statistical Reference Datasets of the National Institute of
Standards and Technology, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml, a work of the
government of the United States in the public domain. The models are written here as the files state
them, for one sample.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log10, pi
from pathlib import Path
from typing import Any

import scalargrad as sg

__all__ = ["FOLDER", "PROBLEMS", "Problem", "digits"]

FOLDER = Path(__file__).parent / "nist"
Model = Callable[..., Any]  # of the parameters b, and of the numbers of one sample


def _misra1a(b: Any, x: Any) -> Any:
    return b[0] * (1.0 - sg.exp(-b[1] * x))


def _misra1b(b: Any, x: Any) -> Any:
    return b[0] * (1.0 - (1.0 + b[1] * x / 2.0) ** -2.0)


def _misra1c(b: Any, x: Any) -> Any:
    return b[0] * (1.0 - (1.0 + 2.0 * b[1] * x) ** -0.5)


def _misra1d(b: Any, x: Any) -> Any:
    return b[0] * b[1] * x / (1.0 + b[1] * x)


def _chwirut(b: Any, x: Any) -> Any:
    return sg.exp(-b[0] * x) / (b[1] + b[2] * x)


def _lanczos(b: Any, x: Any) -> Any:
    return b[0] * sg.exp(-b[1] * x) + b[2] * sg.exp(-b[3] * x) + b[4] * sg.exp(-b[5] * x)


def _gauss(b: Any, x: Any) -> Any:
    peaks = [b[k] * sg.exp(-(((x - b[k + 1]) / b[k + 2]) ** 2)) for k in (2, 5)]
    return b[0] * sg.exp(-b[1] * x) + peaks[0] + peaks[1]


def _danwood(b: Any, x: Any) -> Any:
    return b[0] * x ** b[1]


def _kirby(b: Any, x: Any) -> Any:
    return (b[0] + x * (b[1] + x * b[2])) / (1.0 + x * (b[3] + x * b[4]))


def _cubics(b: Any, x: Any) -> Any:
    below = 1.0 + x * (b[4] + x * (b[5] + x * b[6]))
    return (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / below


def _nelson(b: Any, x1: Any, x2: Any) -> Any:
    return b[0] - b[1] * x1 * sg.exp(-b[2] * x2)


def _mgh17(b: Any, x: Any) -> Any:
    return b[0] + b[1] * sg.exp(-x * b[3]) + b[2] * sg.exp(-x * b[4])


def _roszman(b: Any, x: Any) -> Any:
    return b[0] - b[1] * x - sg.atan(b[2] / (x - b[3])) / pi


def _enso(b: Any, x: Any) -> Any:
    def wave(cosine: Any, sine: Any, period: Any) -> Any:
        angle = 2.0 * pi * x / period
        return cosine * sg.cos(angle) + sine * sg.sin(angle)

    return b[0] + wave(b[1], b[2], 12.0) + wave(b[4], b[5], b[3]) + wave(b[7], b[8], b[6])


def _mgh09(b: Any, x: Any) -> Any:
    return b[0] * x * (x + b[1]) / (x * (x + b[2]) + b[3])


def _mgh10(b: Any, x: Any) -> Any:
    return b[0] * sg.exp(b[1] / (x + b[2]))


def _eckerle(b: Any, x: Any) -> Any:
    return b[0] / b[1] * sg.exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def _rat42(b: Any, x: Any) -> Any:
    return b[0] / (1.0 + sg.exp(b[1] - b[2] * x))


def _rat43(b: Any, x: Any) -> Any:
    return b[0] / (1.0 + sg.exp(b[1] - b[2] * x)) ** (1.0 / b[3])


def _bennett(b: Any, x: Any) -> Any:
    return b[0] * (b[1] + x) ** (-1.0 / b[2])


_MODELS: dict[str, Model] = {
    "Misra1a": _misra1a, "Chwirut2": _chwirut, "Chwirut1": _chwirut, "Lanczos3": _lanczos,
    "Gauss1": _gauss, "Gauss2": _gauss, "DanWood": _danwood, "Misra1b": _misra1b,
    "Kirby2": _kirby, "Hahn1": _cubics, "Nelson": _nelson, "MGH17": _mgh17,
    "Lanczos1": _lanczos, "Lanczos2": _lanczos, "Gauss3": _gauss, "Misra1c": _misra1c,
    "Misra1d": _misra1d, "Roszman1": _roszman, "ENSO": _enso, "MGH09": _mgh09,
    "Thurber": _cubics, "BoxBOD": _misra1a, "Rat42": _rat42, "MGH10": _mgh10,
    "Eckerle4": _eckerle, "Rat43": _rat43, "Bennett5": _bennett,
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


def _read(name: str) -> Problem:
    lines = (FOLDER / f"{name}.dat").read_text("ascii").splitlines()
    rows = [re.split(r"[=\s]+", line.strip()) for line in lines if re.match(r"\s*b\d+ =", line)]
    table = [tuple(map(float, row[1:5])) for row in rows]
    (squares,) = [line for line in lines if line.startswith("Residual Sum of Squares")]
    first = max(i for i, line in enumerate(lines) if line.startswith("Data:")) + 1
    data = [tuple(map(float, line.split())) for line in lines[first:] if line.strip()]
    start1, start2, parameters, deviations = zip(*table, strict=True)
    return Problem(
        name, _MODELS[name], tuple(zip(*data, strict=True)), (start1, start2), parameters,
        deviations, float(squares.split(":")[1]),
    )  # fmt: skip


PROBLEMS = [_read(name) for name in _MODELS]  # in NIST's order: of lower to higher difficulty


def digits(got: Sequence[float], certified: Sequence[float]) -> float:
    """The number of digits that all numbers share with the certified ones, which have 11."""
    errors = [
        abs(x - exact) / abs(exact) if x == x else inf
        for x, exact in zip(got, certified, strict=True)
    ]
    worst = max(errors)
    return min(11.0, -log10(worst)) if worst > 0.0 else 11.0
