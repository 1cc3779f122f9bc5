"""The residuals of all samples and their exact Jacobian, recorded once and replayed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.linalg import lapack

from scalargrad.core.node import Argument
from scalargrad.core.value import Value
from scalargrad.replay import Compiled
from scalargrad.solve.columns import as_sigma
from scalargrad.solve.unknowns import Unknowns
from scalargrad.transforms.functional import jacobian, name_of
from scalargrad.transforms.tree import leaves

__all__ = ["Residuals", "of_sample", "refuse_arguments"]

# The least distance of a column of length 1 from those before it, for normal equations
_WELL = 1e-3


class Residuals:
    """Residuals r and Jacobian J as functions of the flattened unknowns.

    Args:
        f: The residuals of one sample, a function of the unknowns and of the sample; without
            columns, all residuals.
        unknowns: The unknowns.
        columns: The data, an array for each argument of a sample; may be empty.
        sigma: Standard deviations that the residuals are divided by, or None.
        backend, threads: As for `compile`.

    Attributes:
        each: The number of residuals of a sample.
        count: The number of residuals.
    """

    def __init__(
        self, f: Callable[..., Any], unknowns: Unknowns, columns: Sequence[Any], sigma: Any,
        backend: str, threads: int | None,
    ) -> None:  # fmt: skip
        self.f, self.unknowns, self.columns = f, unknowns, columns
        self.parameters = [
            Value(x, name) for x, name in zip(unknowns.start, unknowns.names, strict=True)
        ]
        self.settings: dict[str, Any] = {
            "params": self.parameters,
            "backend": backend,
            "threads": threads,
        }
        self.samples = len(columns[0]) if columns else 1
        n = len(unknowns)

        def both(*sample: Any) -> list[Any]:
            residuals: list[Any] = []

            def run(x: Any) -> list[Any]:
                residuals[:] = leaves(f(unknowns.filled(x), *sample), f"the result of {name_of(f)}")
                return residuals

            slopes = jacobian(run)(self.parameters)
            return [*[row[k] for k in range(n) for row in slopes], *residuals]

        self._both = of_sample(f, both)
        self._compiled = Compiled(self._both, allow_nonfinite=True, **self.settings)
        # for one sample, which spares a look at each of them whether it belongs to the recording
        first = self._outputs(self._compiled, unknowns.start, [x[:1] for x in columns])
        refuse_arguments(self._compiled, "least_squares")
        self.each = len(first) // (n + 1)
        self.count = self.samples * self.each
        self.sigma = as_sigma(sigma, self.samples, self.each, "least_squares")
        self._at, self._table = b"", None
        self._reduced: tuple[bytes, Any] = b"", None

    def _outputs(self, compiled: Compiled, x: Any, columns: Sequence[Any]) -> Any:
        compiled.theta = x
        return compiled(*columns)

    def table(self, x: Any) -> Any:
        """The columns of J and then r at `x`, an array (count, n + 1), column by column in memory.

        Where an operation fails, or a number is not finite, it holds nan or infinities.
        """
        if self._at != x.tobytes():
            outputs = np.array(self._outputs(self._compiled, x, self.columns))
            rows: Any = outputs.reshape(len(self.unknowns) + 1, self.each, self.samples)
            # the residuals of one sample follow each other
            rows = rows.transpose(0, 2, 1).reshape(len(rows), self.count)
            if self.sigma is not None:
                rows = rows / self.sigma
            self._at, self._table = x.tobytes(), rows.T
        return self._table

    def reduced(self, x: Any) -> Any:
        """The table at `x` with an orthogonal matrix from the left, which leaves n + 1 rows.

        Lengths and scalar products of the columns stay the same, and a method of least squares
        uses nothing else. Its decompositions then take no time, where they took most.
        """
        if self._reduced[0] != x.tobytes():
            self._reduced = x.tobytes(), _triangle(self.table(x))
        return self._reduced[1]

    def blame(self, x: Any) -> None:
        """Raise the error that names the sample and the operation, if something is not finite."""
        self._outputs(Compiled(self._both, **self.settings), x, self.columns)


def _triangle(table: Any) -> Any:
    """The triangular factor R of a table T, with RᵀR = TᵀT; all nan if T is not finite.

    By Cholesky's decomposition of TᵀT in a quarter of the time of LAPACK's for T itself, where the
    condition of the columns is so good that RᵀR loses no more than the rounding of six digits.
    """
    width = table.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        gram = table.T @ table
        lengths = np.sqrt(np.diag(gram))
    if not np.isfinite(lengths).all() and not np.isfinite(table).all():
        return np.full((width, width), np.nan)
    if np.isfinite(lengths).all() and lengths.all():  # neither too large for squares nor too small
        factor, fault = lapack.dpotrf(gram / lengths / lengths[:, None])
        if not fault and np.diag(factor).min() > _WELL:
            return factor * lengths
    return np.triu(lapack.dgeqrf(table, lwork=64 * width)[0][:width])


def of_sample(f: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    """`inner`, a function of one sample, with the name of `f` and of its arguments but the first.

    They stand in the messages of errors.
    """
    inner.__name__ = name_of(f)
    try:
        parameters = [*inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):  # functions written in C may have no signature
        return inner
    if parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    inner.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return inner


def refuse_arguments(compiled: Compiled, caller: str) -> None:
    """Raise an error if the function depends on an argument that someone differentiates by."""
    if any(isinstance(x._row, Argument) for x in compiled.outside):
        raise TypeError(
            f"{caller} inside a transform such as sg.grad would lose the derivative: its result "
            "is plain numbers. sg.solve.root is differentiable; solve the equation grad(f) = 0"
        )
