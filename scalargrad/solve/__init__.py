"""Fits, minima and roots: SciPy's solvers on exact derivatives at the speed of machine code."""

try:
    import numpy  # noqa: F401  # imported here, so that the error says what to install
    import scipy  # noqa: F401  # its solvers load on use: they take 0.3 s
except ModuleNotFoundError:
    raise ImportError(
        "scalargrad.solve needs NumPy and SciPy. In the checkout type: pip install -e '.[solve]'"
    ) from None

from scalargrad.solve.fit import Fit
from scalargrad.solve.implicit import NoConvergenceError
from scalargrad.solve.least_squares import least_squares
from scalargrad.solve.minimize import minimize
from scalargrad.solve.minimum import Minimum
from scalargrad.solve.root import fixed_point, root

__all__ = [
    "Fit",
    "Minimum",
    "NoConvergenceError",
    "fixed_point",
    "least_squares",
    "minimize",
    "root",
]
