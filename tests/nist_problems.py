"""The nonlinear regression problems of NIST, with their certified results.

The files in `nist/` are those of the Statistical Reference Datasets of the National Institute of
Standards and Technology, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml, a work of the
government of the United States in the public domain. The models are written here as the files state
them, for one sample.
"""

from collections.abc import Callable
from math import pi
from pathlib import Path
from typing import Any

import scalargrad as sg
from scalargrad.examples.work import nonlinear_regression
from scalargrad.examples.work.nonlinear_regression import MODELS, Problem, digits, read

__all__ = ["FOLDERS", "PROBLEMS", "Problem", "digits"]

# those of the example are with it
FOLDERS = (Path(__file__).parent / "nist", nonlinear_regression.FOLDER)


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


_MODELS: dict[str, Callable[..., Any]] = {
    "Misra1a": MODELS["Misra1a"], "Chwirut2": _chwirut, "Chwirut1": _chwirut, "Lanczos3": _lanczos,
    "Gauss1": _gauss, "Gauss2": _gauss, "DanWood": _danwood, "Misra1b": _misra1b,
    "Kirby2": _kirby, "Hahn1": MODELS["Thurber"], "Nelson": _nelson, "MGH17": _mgh17,
    "Lanczos1": _lanczos, "Lanczos2": _lanczos, "Gauss3": _gauss, "Misra1c": _misra1c,
    "Misra1d": _misra1d, "Roszman1": _roszman, "ENSO": _enso, "MGH09": MODELS["MGH09"],
    "Thurber": MODELS["Thurber"], "BoxBOD": MODELS["Misra1a"], "Rat42": _rat42, "MGH10": _mgh10,
    "Eckerle4": _eckerle, "Rat43": _rat43, "Bennett5": _bennett,
}  # fmt: skip


def _path(name: str) -> Path:
    (path,) = [path for folder in FOLDERS if (path := folder / f"{name}.dat").is_file()]
    return path


# in NIST's order: of lower to higher difficulty
PROBLEMS = [read(_path(name), model) for name, model in _MODELS.items()]
