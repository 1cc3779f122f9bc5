"""`c.to_jax()`: a compiled function as a function of JAX, with the derivatives of its program.

JAX differentiates it by the adjoints that were recorded: they say which operand a sample did not
use, so that no nan comes from a dead branch, and XLA compiles one program that runs forward. All
sums over the samples are made at one place, of which `axis` makes one sum over devices; `weights`
count samples, and those of weight zero may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from scalargrad.replay.backends.jax.form import form_of, prepared
from scalargrad.replay.program import SAMPLE, Program

__all__ = ["Branch", "JaxFunction"]


class Branch:
    """One recording, as programs on demand.

    Args:
        derived: ``derived(what, careful)`` makes a program: for "guards" one output for each
            guard; for "value", "parameters", "inputs" or "all" the sum over the samples, its
            derivatives by those, and the sum of what is watched.
        expected: Of each guard, whether it must hold.
        outside: Returns the numbers of the Values that the function uses besides `params`.
        n_wanted: The number of `params`.
        may_differ: Whether the careful derivatives can differ from the plain ones.
        dtype: The type of the numbers.
    """

    def __init__(
        self, derived: Callable[[str, bool], Program], expected: Sequence[bool],
        outside: Callable[[], Sequence[float]], n_wanted: int, may_differ: bool, dtype: Any,
    ) -> None:  # fmt: skip
        self.n_wanted = n_wanted
        self._derived, self.expected, self.outside = derived, list(expected), outside
        self.may_differ, self.dtype = may_differ, dtype
        self._forms: dict[tuple[str, bool], tuple[Any, list[bool]]] = {}

    def form(self, what: str, careful: bool = False) -> tuple[Any, list[bool]]:
        """The form of a program, and of each output whether it is a number for each sample."""
        if (what, careful) not in self._forms:
            program = prepared(self._derived(what, careful))
            each = [program.phases[slot] == SAMPLE for slot in program.outputs]
            self._forms[what, careful] = form_of(program, self.dtype), each
        return self._forms[what, careful]

    def outputs(
        self, what: str, careful: bool, theta: Any, columns: Any, weights: Any, axis: Any
    ) -> list[Any]:
        """All outputs of a program, those for each sample with shape (N,)."""
        form, each = self.form(what, careful)
        uniform, samples = form(theta, columns, weights, axis)
        same, apart = iter(uniform), iter(samples)
        return [next(apart) if mine else next(same) for mine in each]

    def derivatives(
        self, what: str, theta: Any, columns: Any, weights: Any, axis: Any
    ) -> tuple[Any, Any, Any]:
        """The sum, its derivatives by theta and by the columns, with care where they need it."""

        def run(careful: bool) -> tuple[Any, Any, Any]:
            found = self.outputs(what, careful, theta, columns, weights, axis)
            value, rest = found[0], found[1:]
            slope, slopes = jnp.zeros(0, self.dtype), jnp.zeros((0, columns.shape[1]), self.dtype)
            if what in ("parameters", "all") and self.n_wanted:
                slope, rest = jnp.stack(rest[: self.n_wanted]), rest[self.n_wanted :]
            if what in ("inputs", "all") and len(columns):
                by_input = [jnp.broadcast_to(x, columns.shape[1:]) for x in rest[: len(columns)]]
                slopes, rest = jnp.stack(by_input), rest[len(columns) :]
            return sum(rest, value), slope, slopes  # nan where Python would have to look

        plain = run(False)
        if what == "value" or not self.may_differ:
            return plain
        # sums are the same on all devices, which must all go the same way
        seen = plain[:2] if axis is not None else plain
        finite = jnp.all(jnp.stack([jnp.isfinite(x).all() for x in seen]))
        return lax.cond(finite, lambda: plain, lambda: run(True))  # type: ignore[no-any-return]


class JaxFunction:
    """A compiled function as a function of JAX: ``f(theta, *columns)``.

    It is pure, and goes through `jax.jit`, `jax.vmap`, `jax.grad`, `jax.jvp` and `jax.shard_map`.

    Args:
        name: The name of the function.
        branches: By the shapes of one sample's arguments, the recordings.
        n_parameters: The length of theta.
        mean: Whether the samples are averaged, or else added up.
        dtype: "float64" or "float32".
    """

    def __init__(
        self, name: str, branches: dict[Any, list[Branch]], n_parameters: int, mean: bool,
        dtype: str,
    ) -> None:  # fmt: skip
        self.__name__ = self.__qualname__ = name
        self._branches, self._n_parameters, self._mean = branches, n_parameters, mean
        self.dtype = np.dtype(dtype)
        self._scalar = jax.custom_jvp(self._value)
        self._scalar.defjvp(self._tangent, symbolic_zeros=True)

    def __repr__(self) -> str:
        return f"<{self.__name__} as a function of JAX, {self.dtype}, f(theta, *columns)>"

    @property
    def forms(self) -> dict[Any, list[str]]:
        """The form of each recording's program: "grouped" or "interpreted"."""
        return {
            shapes: [branch.form("value")[0].form for branch in branches]
            for shapes, branches in self._branches.items()
        }

    def __call__(self, theta: Any, *columns: Any) -> Any:
        """The mean or sum over the samples.

        Args:
            theta: The parameters, shape (P,); None where there are none.
            *columns: For each argument its numbers, shape (N, ...), as in the compiled function.

        Returns:
            A scalar: nan or infinite where eager code raises an error, and nan where a sample takes
            a branch that was not recorded. Traced by JAX while float64 is off, it is rounded to
            float32; it was computed in float64 all the same.
        """
        traced = any(isinstance(x, jax.core.Tracer) for x in (theta, *columns))
        kind = jax.dtypes.canonicalize_dtype(self.dtype) if traced else self.dtype
        with self._scope():
            arguments = self._converted(theta, columns)
            return lax.convert_element_type(self._scalar(*arguments), kind)

    def value_and_grad(
        self, theta: Any, *columns: Any, weights: Any = None, axis: Any = None
    ) -> tuple[Any, Any]:
        """The mean or sum over the samples, and its derivative by theta.

        Args:
            theta: The parameters, shape (P,).
            *columns: For each argument its numbers, shape (N, ...).
            weights: How often each sample counts, shape (N,); by default once. One of weight zero
                may hold anything, such as the padding of a batch.
            axis: The name of an axis of devices, inside `jax.shard_map`: the samples of all of them
                are added up, by one `psum`.

        Returns:
            A scalar, and an array of shape (P,).
        """
        with self._scope():
            theta, *arrays = self._converted(theta, columns)
            if weights is not None:
                weights = jnp.asarray(weights, self.dtype)
            value, gradient, _ = self._run("parameters", theta, arrays, weights, axis)
            return value, gradient

    # --- inside the scope of the type of numbers ----------------------------------------------

    def _scope(self) -> Any:
        enabled = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
        return jax.enable_x64(enabled or self.dtype == np.float64)

    def _converted(self, theta: Any, columns: Sequence[Any]) -> list[Any]:
        if theta is None:
            theta = np.zeros(0)
        for k, x in enumerate((theta, *columns)):
            kind = jnp.result_type(x)
            if self.dtype == np.float32 and jnp.issubdtype(kind, jnp.integer):
                what = f"argument {k - 1}" if k else "theta"
                raise TypeError(
                    f"{self.__name__}: dtype='float32', but {what} is of {kind}: whole numbers "
                    "beyond 2**24 would change. Convert it (x.astype('float32')), or take float64"
                )
        theta = jnp.asarray(theta, self.dtype)
        if theta.shape != (self._n_parameters,):
            raise ValueError(
                f"{self.__name__}: theta must have one number for each of the "
                f"{self._n_parameters} parameters, got shape {theta.shape}"
            )
        arrays = [jnp.asarray(x, self.dtype) for x in columns]
        counts = {x.shape[0] if x.ndim else None for x in arrays}
        if len(counts) != 1 or None in counts or 0 in counts:
            got = ", ".join(str(x.shape) for x in arrays)
            raise ValueError(
                f"{self.__name__}: the first axis of each array counts the samples, and they must "
                f"have equally many, at least one; got shapes {got}"
            )
        shapes = tuple(x.shape[1:] for x in arrays)
        if shapes not in self._branches:
            raise ValueError(
                f"{self.__name__} was not recorded for samples of the shapes {shapes}, but for "
                f"{', '.join(map(str, self._branches))}: call c.record(...), then c.to_jax()"
            )
        return [theta, *arrays]

    def _value(self, theta: Any, *arrays: Any) -> Any:
        with self._scope():
            return self._run("value", theta, arrays, None, None)[0]

    def _tangent(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        with self._scope():
            theta, *arrays = primals
            moves = [not isinstance(t, jax.custom_derivatives.SymbolicZero) for t in tangents]
            what = "value"
            if any(moves):
                what = ("all" if any(moves[1:]) else "parameters") if moves[0] else "inputs"
            value, slope, slopes = self._run(what, theta, arrays, None, None)
            total = jnp.zeros((), self.dtype)
            if moves[0]:
                total = total + (slope * tangents[0]).sum()
            for k, tangent in enumerate(tangents[1:]):
                if moves[k + 1]:
                    total = total + (slopes[k] * tangent).sum()
            return value, total

    def _run(
        self, what: str, theta: Any, arrays: Sequence[Any], weights: Any, axis: Any
    ) -> tuple[Any, Any, list[Any]]:
        """The value, the derivative by theta, and those by the arrays."""
        n = arrays[0].shape[0]
        shapes = tuple(x.shape[1:] for x in arrays)
        branches = self._branches[shapes]
        columns = jnp.concatenate([x.reshape(n, -1).T for x in arrays])
        total: Any = 0.0
        slope: Any = 0.0
        slopes: Any = 0.0
        covered: Any = None
        for branch in branches:
            numbers = jnp.concatenate([theta, jnp.asarray(branch.outside(), self.dtype)])
            mine = weights
            if branch.expected:
                holds = self._holds(branch, numbers, columns)
                mine = jnp.where(holds, 1.0 if weights is None else weights, 0.0)
                mine = mine.astype(self.dtype)
                covered = holds if covered is None else covered | holds
            value, by_theta, by_input = branch.derivatives(what, numbers, columns, mine, axis)
            if mine is not None:
                by_input = jnp.where(mine > 0.0, by_input * mine, 0.0)
            total, slope, slopes = total + value, slope + by_theta, slopes + by_input
        if covered is not None:
            missing = ~covered if weights is None else ~covered & (weights > 0.0)
            lost = jnp.where(missing.any(), nan, 0.0).astype(self.dtype)
            total = total + (lost if axis is None else lax.psum(lost, axis))
        if self._mean:
            if weights is None:
                count: Any = jnp.asarray(n if axis is None else n * lax.axis_size(axis), self.dtype)
            else:
                count = weights.sum() if axis is None else lax.psum(weights.sum(), axis)
            total, slope, slopes = total / count, slope / count, slopes / count
        by_array = []
        if what in ("inputs", "all"):
            start = 0
            for x in arrays:
                size = prod(x.shape[1:])
                by_array.append(slopes[start : start + size].T.reshape(x.shape))
                start += size
        return total, slope, by_array

    def _holds(self, branch: Branch, theta: Any, columns: Any) -> Any:
        """For each sample, whether the guards of a recording hold."""
        n = columns.shape[1]
        found = branch.outputs("guards", False, theta, columns, None, None)
        holds = jnp.ones(n, bool)
        for guard, wanted in zip(found, branch.expected, strict=False):
            holds &= (guard != 0.0) == wanted
        for watch in found[len(branch.expected) :]:
            holds &= jnp.isfinite(watch)
        return holds
