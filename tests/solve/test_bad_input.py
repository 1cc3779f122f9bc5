"""Every function of solve with hostile objects in the place of every argument, and what it says."""

import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

import numpy as np
from bad_input import HOSTILE, Scene, check_call

import scalargrad as sg
from scalargrad import solve
from scalargrad.core.numbers import is_number
from scalargrad.transforms.tree import leaves

NAN, INF = float("nan"), float("inf")
X, Y = [0.0, 1.0, 2.0, 3.0], [1.0, 3.1, 4.9, 7.2]


def line(p: Any, x: Any, y: Any) -> Any:
    return y - p[0] - p[1] * x


def doubled(x: Any, *others: Any) -> list[Any]:
    """A list as long as the numbers of x, whatever its nesting."""
    numbers = leaves(others, "others")
    return [2.0 * y - sg.sum([0.5, *numbers]) for y in leaves(x, "x")]


ARGUMENTS: dict[str, tuple[Any, dict[str | int, Any]]] = {
    "least_squares": (solve.least_squares, {
        "residual": doubled, "x0": [0.5, 1.0], "data": (X, Y), "bounds": (-10.0, 10.0),
        "loss": "linear", "method": "trf", "sigma": 1.0, "absolute_sigma": False, "f_scale": 1.0,
        "x_scale": "jac", "ftol": 1e-8, "xtol": 1e-8, "gtol": 1e-8, "max_nfev": 10,
        "backend": "python", "threads": 1,
    }),
    "minimize": (solve.minimize, {
        "f": lambda *x: sg.sum([y * y for y in doubled(*x)]), "x0": [0.5, 1.0], "data": (X, Y),
        "method": "L-BFGS-B", "bounds": (-10.0, 10.0), "tol": 1e-8, "options": {"maxiter": 5},
        "backend": "python", "threads": 1,
    }),
    "root": (solve.root, {0: doubled, 1: 1.0, 2: 2.0}),
    "fixed_point": (solve.fixed_point, {
        0: lambda x, *p: sg.cos(x) if is_number(x) else x, 1: 1.0, 2: 0.5,
    }),
}  # fmt: skip
NEVER = {
    "junk", "complex", "masked", "module", "text", "Decimal", "complex array", "set", "bytes",
    "list of None", "object array", "deep list", "selfish dict",
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_bad_argument_is_named(name: str) -> None:
    function, arguments = ARGUMENTS[name]

    def scene() -> Scene:
        return function, dict(arguments), []

    for key in arguments:
        # what fails in functions is their own error; SciPy itself warns of unknown options
        kinds = NEVER - {"selfish dict"} if key in (0, "f", "residual", "options") else HOSTILE
        for kind in kinds:
            refused = check_call(scene, key, kind)
            assert refused or kind not in NEVER, f"{name}: {key} takes {kind}"


BOUND_OF_B: dict[str, Any] = {
    "residual": lambda p, x, y: y - p["a"], "x0": {"a": 1.0}, "bounds": {"b": (0, 1)},
}  # fmt: skip
# By name: arguments of least_squares, the type of the error, and what it says.
FITS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "lengths": ({"data": (X, Y[:3])}, ValueError, r"data\[1\] \(y\) has 3 samples, but .* has 4"),
    "nan": ({"data": (X, [1.0, NAN, 2.0, 3.0])}, ValueError, r"must be finite, got nan at \[1\]"),
    "an array as data": ({"data": np.array([X, Y])}, TypeError, r"of columns, like \(x, y\)"),
    "a number as column": ({"data": (X, 3.0)}, TypeError, "one entry a sample"),
    "no samples": ({"data": ([], [])}, ValueError, "has no samples"),
    "no columns": ({"data": ()}, ValueError, "must have columns"),
    "no unknowns": ({"x0": []}, ValueError, "x0 has no numbers"),
    "infinite start": ({"x0": [0.0, -INF]}, ValueError, r"must be finite, got -inf for p\[1\]"),
    "masked start": ({"x0": np.ma.masked_array([1.0, 2.0], [False, True])}, TypeError, "masked"),
    "complex start": ({"x0": [1j, 0.0]}, TypeError, "complex"),
    "bounds crossed": ({"bounds": (1.0, 0.0)}, ValueError, r"below .*, got 1.0 and 0.0 for p\[0\]"),
    "equal bounds": ({"bounds": (0.0, 0.0)}, ValueError, "leave it out of x0"),
    "start outside": ({"bounds": (1.0, 2.0)}, ValueError, r"within the bounds, got 0.0 for p\[0\]"),
    "nan as bound": ({"bounds": (NAN, None)}, ValueError, "got nan"),
    "bounds too short": ({"bounds": ([0.0], None)}, ValueError, "a list of 2 here, got 1"),
    "bounds of a number": ({"bounds": 3.0}, TypeError, "the nesting of x0"),
    "bounds of another name": (BOUND_OF_B, ValueError, "'b', which x0 has not: it has 'a'"),
    "no pair": ({"bounds": [(0, 1, 2), None]}, TypeError, r"a pair \(low, high\)"),
    "too few": ({"data": (X[:1], Y[:1])}, ValueError, "1 residuals cannot determine 2 unknowns"),
    "unknown method": ({"method": "newton"}, ValueError, "trf, dogbox, lm, got 'newton'"),
    "unknown loss": ({"loss": "abs"}, ValueError, "linear, soft_l1, huber, .*, got 'abs'"),
    "lm with bounds": ({"method": "lm", "bounds": (-1, 1)}, ValueError, "'lm' takes no bounds"),
    "lm with a loss": ({"method": "lm", "loss": "huber"}, ValueError, "takes no loss 'huber'"),
    "negative sigma": ({"sigma": -1.0}, ValueError, "positive and finite, got -1.0"),
    "sigma too short": ({"sigma": [1.0, 2.0]}, ValueError, r"4 numbers, .* got shape \(2,\)"),
    "absolute sigma": ({"absolute_sigma": True}, ValueError, "needs sigma"),
    "x_scale too short": ({"x_scale": [1.0, 2.0, 3.0]}, ValueError, "the nesting of x0, 2 numbers"),
    "negative x_scale": ({"x_scale": -1.0}, ValueError, "positive and finite, got -1.0"),
}  # fmt: skip
OTHERS: dict[str, tuple[Any, type[Exception], str]] = {
    "method of minimize": (
        lambda: solve.minimize(lambda x: x * x, 1.0, method="lm"), ValueError,
        "one of Nelder-Mead, .*, got 'lm'",
    ),
    "a method without bounds": (
        lambda: solve.minimize(lambda x: x * x, 1.0, method="BFGS", bounds=(0, 2)), ValueError,
        "takes no bounds: Nelder-Mead, .* do",
    ),
    "several numbers": (
        lambda: solve.root(lambda x: [x, x], 1.0), ValueError, "as x0 has, 1, got 2",
    ),
    "another nesting": (
        lambda: solve.fixed_point(lambda x: [x], 1.0), ValueError, "return the nesting of x0",
    ),
    "start of root": (lambda: solve.root(lambda x: x, NAN), ValueError, "be finite, got nan"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FITS)
def test_a_refused_fit_says_what_came_and_what_would_do(kind: str) -> None:
    given, error, message = FITS[kind]
    with pytest.raises(error, match=message):
        solve.least_squares(**{"residual": line, "x0": [0.0, 0.0], "data": (X, Y), **given})


@pytest.mark.parametrize("kind", OTHERS)
def test_the_others_say_it_too(kind: str) -> None:
    call, error, message = OTHERS[kind]
    with pytest.raises(error, match=message):
        call()


def test_without_scipy_the_error_says_what_to_type() -> None:
    code = (
        "import sys\nsys.modules['scipy'] = None\nimport scalargrad as sg\n"
        "try:\n    sg.solve\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "scalargrad.solve needs NumPy and SciPy" in done.stdout
    assert "pip install -e '.[solve]'" in done.stdout
