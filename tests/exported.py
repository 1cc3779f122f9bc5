"""What the tests of exports share: exported code run where scalargrad cannot be imported."""

import ctypes
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

COMPILER = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]

Array = np.ndarray[Any, Any]
Answer = tuple[Any, Any, Any]  # values, value and gradient; None where the code refuses


def flat(args: Sequence[Any]) -> Array:
    """Arguments as one row of numbers for each sample."""
    arrays = [np.asarray(x, dtype=float) for x in args]
    count = len(arrays[0]) if arrays else 1
    rows = [x.reshape(count, math.prod(x.shape[1:])) for x in arrays]
    return np.hstack([np.empty((count, 0)), *rows])


def flat_gradient(c: sg.Compiled, gradient: Any) -> Array:
    """A gradient as `flat` numbers of samples, or as one array by the parameters."""
    if c.params:
        return np.asarray(gradient)
    return flat(gradient if isinstance(gradient, tuple) else (gradient,))


def answers(c: sg.Compiled, args: Sequence[Any]) -> Answer:
    """What the compiled function itself says."""
    value, gradient = c.value_and_grad(*args)
    return np.asarray(c(*args)), value, flat_gradient(c, gradient)


# --- NumPy ------------------------------------------------------------------------------------

_CHILD = """
import json, sys
sys.modules["scalargrad"] = None
import numpy as np
answers = []
for source, args, grad in json.load(open(sys.argv[1])):
    module = {}
    exec(compile(source, "exported", "exec"), module)
    args = [np.array(x) for x in args]
    found = []
    for function in ("value", "value_and_grad")[: 2 if grad else 1]:
        try:
            result = module[function](*args)
        except (ValueError, FloatingPointError) as error:
            result = [type(error).__name__ + ": " + str(error)]
        found.append(result)
    answers.append(found)
class Encoder(json.JSONEncoder):
    def default(self, x):
        return x.tolist()
print(json.dumps(answers, cls=Encoder))
"""


def run_numpy(jobs: Sequence[tuple[str, Sequence[Any]]], grad: bool = True) -> list[Any]:
    """Run modules in a process that cannot import scalargrad.

    Returns:
        For each: what `value` and `value_and_grad` return, or a list with the text of the error.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "jobs.json")
        listed = [
            (source, [np.asarray(x, dtype=float).tolist() for x in args], grad)
            for source, args in jobs
        ]
        path.write_text(json.dumps(listed), "utf-8")
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-I", "-c", _CHILD, str(path)],
            capture_output=True, text=True, cwd=folder, env={},
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: list[Any] = json.loads(ran.stdout)
    return found


# --- C ----------------------------------------------------------------------------------------

_DOUBLES = ctypes.POINTER(ctypes.c_double)


class CLibrary:
    """Exported files of C, compiled with all warnings as errors into one library."""

    def __init__(self, sources: Sequence[str], *options: str) -> None:
        assert COMPILER is not None
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i, source in enumerate(sources):
                paths.append(Path(folder, f"program{i}.c"))
                paths[-1].write_text(source, "ascii")
            library = Path(folder, "library.so")
            built = subprocess.run(
                [COMPILER, *STRICT, "-O1", *options, "-fPIC", "-shared", *map(str, paths),
                 "-o", str(library), "-lm"],
                capture_output=True, text=True,
            )  # fmt: skip
            assert built.returncode == 0, built.stderr[:4000]
            assert not built.stderr
            self.library = ctypes.CDLL(str(library))

    def run(self, source: str, theta: Any, args: Sequence[Any]) -> tuple[int, Array, int, Any, Any]:
        """(status, values) and (status, value, gradient) of a batch; values have one row a sample.

        The arrays end in guards, which the functions must leave alone.
        """
        prefix, inputs, parameters, results = facts(source)
        theta = np.array([*theta, 0.0])
        samples = np.ascontiguousarray(flat(args))
        n = len(samples)
        samples = np.append(samples.ravel(), 0.0)
        values = np.full(n * results + 1, 7.0)
        gradient = np.full((parameters or n * inputs) + 1, 7.0)
        value = np.full(1, 7.0)
        given = _pointer(theta), ctypes.c_size_t(n), _pointer(samples)
        status = getattr(self.library, f"{prefix}_batch_value")(*given, _pointer(values))
        second = -1
        if f"{prefix}_value_and_grad" in source:
            call = getattr(self.library, f"{prefix}_batch_value_and_grad")
            second = call(*given, _pointer(value), _pointer(gradient))
        assert values[-1] == gradient[-1] == 7.0
        slopes = gradient[:-1] if parameters else gradient[:-1].reshape(n, inputs)
        return status, values[:-1].reshape(n, results), second, value[0], slopes


def _pointer(x: Array) -> Any:
    return x.ctypes.data_as(_DOUBLES)


def facts(source: str) -> tuple[str, int, int, int]:
    """The prefix of an exported file of C, and how many inputs, parameters and results it has."""
    found = re.search(
        r"enum \{ (\w+)_INPUTS = (\d+), \w+_PARAMETERS = (\d+), \w+_RESULTS = (\d+) \}", source
    )
    assert found is not None
    return found[1].lower(), int(found[2]), int(found[3]), int(found[4])


def named(f: Any, name: str) -> Any:
    """The function under another name: exported C has it in the names of its functions."""
    f.__name__ = name
    return f
