"""The sum of a function over all samples, its gradient and its Hessian, recorded and replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scalargrad.core.value import Value
from scalargrad.replay import Compiled
from scalargrad.solve.residuals import of_sample, refuse_arguments
from scalargrad.solve.unknowns import Unknowns
from scalargrad.transforms.functional import jvp

__all__ = ["Objective"]


class Objective:
    """A function of the flattened unknowns, with exact derivatives.

    Args:
        f: The function of the unknowns and of one sample.
        unknowns: The unknowns.
        columns: The data, an array for each argument of a sample; may be empty.
        backend, threads: As for `compile`.
    """

    def __init__(
        self, f: Callable[..., Any], unknowns: Unknowns, columns: Sequence[Any], backend: str,
        threads: int | None,
    ) -> None:  # fmt: skip
        self.f, self.unknowns, self.columns = f, unknowns, columns
        named = [*zip(unknowns.start, unknowns.names, strict=True)]
        parameters = [Value(x, name) for x, name in named]
        direction = [Value(0.0, f"d{name}") for _, name in named]
        settings: dict[str, Any] = {
            "backend": backend, "threads": threads, "reduction": "sum",
        }  # fmt: skip

        def value(*sample: Any) -> Any:
            return f(unknowns.filled(parameters), *sample)

        def along(*sample: Any) -> Any:
            """The derivative along a direction, whose own gradient is the Hessian times it."""

            def of_unknowns(x: Any) -> Any:
                return f(unknowns.filled(x), *sample)

            return jvp(of_unknowns, (parameters,), (direction,))[1]

        def compiled(g: Callable[..., Any], params: list[Value], allow: bool = True) -> Compiled:
            return Compiled(of_sample(f, g), params, allow_nonfinite=allow, **settings)

        self._value = compiled(value, parameters)
        self._strict = compiled(value, parameters, False)
        self._along = compiled(along, [*parameters, *direction], False)
        self._last: tuple[bytes, float, Any] = b"", 0.0, None

    def value_and_grad(self, x: Any) -> tuple[float, Any]:
        """The value and the gradient; infinity and zeros where the value is not finite.

        Raises:
            FloatingPointError: The value is finite and the gradient is not.
        """
        key, value, slopes = self._last
        if key != x.tobytes():
            value, slopes = self._value.value_and_grad(*self.columns, theta=x)
            if not np.isfinite(value):
                value, slopes = np.inf, np.zeros(len(x))
            elif not np.isfinite(slopes).all():
                self.blame(x)
            self._last = x.tobytes(), value, slopes
        return value, slopes.copy()

    def value(self, x: Any) -> float:
        """The value; infinity where it is not finite."""
        return self.value_and_grad(x)[0]

    def blame(self, x: Any) -> None:
        """Raise the error that names the sample and the operation, if something is not finite."""
        self._strict.value_and_grad(*self.columns, theta=x)

    def check(self) -> None:
        """Raise an error if the function is not finite at the start, or lies in a transform."""
        self.blame(self.unknowns.start)
        refuse_arguments(self._strict, "minimize")

    def times_hessian(self, x: Any, vector: Any) -> Any:
        """The Hessian times a vector; the vector itself where the value is not finite."""
        if not np.isfinite(self.value(x)):  # SciPy asks for it before it drops such an x
            return vector.copy()
        theta: Any = np.concatenate([x, vector])
        return self._along.value_and_grad(*self.columns, theta=theta)[1][: len(x)]

    def hessian(self, x: Any) -> Any:
        """The Hessian, shape (n, n), one product for each unknown."""
        rows = np.array([self.times_hessian(x, unit) for unit in np.eye(len(x))])
        return 0.5 * (rows + rows.T)
