"""The JAX runner: serves `sg.compile` by a program as a JAX function, in the form that suits it."""

from __future__ import annotations

import os
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from jax.errors import JaxRuntimeError

from scalargrad.replay.backends.backend import DEFAULT, Options
from scalargrad.replay.backends.jax import callbacks
from scalargrad.replay.backends.jax.codes import CALL, OPERATIONS, Codes
from scalargrad.replay.backends.jax.form import form_of, prepared
from scalargrad.replay.backends.jax.interpreted import run_steps
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program

__all__ = ["JaxRunner"]

# Instructions times samples below which no code is compiled for a program of its own: a compilation
# takes from 0.1 s on, and this much work a millisecond.
WORTH_COMPILING = 1 << 14


@partial(jax.jit, static_argnums=(4,), donate_argnums=(0,))
def _small(store: Any, steps: Any, count: Any, weights: Any, calls: bool) -> Any:
    operations = OPERATIONS if calls else [OPERATIONS[0] if x is CALL else x for x in OPERATIONS]
    return run_steps(store, steps, count, weights, operations)


def _size_class(count: int, first: int, factor: int) -> int:
    size = first
    while size < count:
        size *= factor
    return size


class JaxRunner:
    """Runs a program by JAX on the default device. Several threads may call it at once.

    A call with little work goes through the loop of the interpreted form, which is compiled once
    for programs and batches of similar size. The others have code compiled for them, for each
    number of samples.

    Args:
        program: Any program.
        dtype: The type of its numbers, "float64" or "float32".
    """

    def __init__(self, program: Program, dtype: str = "float64") -> None:
        _check_device()
        self.dtype = np.dtype(dtype)
        self._lowered = prepared(program)
        self.form = form_of(self._lowered, self.dtype)
        self.n_parameters, self.n_inputs = len(program.parameters), len(program.inputs)
        self._instructions = len(self._lowered)
        self._function: Any = None
        self._can_encode = Codes.can_encode(self._lowered)

    @property
    def runs_as(self) -> str:
        """The form of its program."""
        return str(self.form.form)

    def run(self, parameters: Any, columns: Any, options: Options = DEFAULT) -> tuple[Any, Any]:
        """Run on N samples.

        Args:
            parameters: Shape (P,), in the order of the program.
            columns: Shape (inputs, N), one row for each input; N >= 1.
            options: XLA has threads of its own.

        Returns:
            The outputs that are one number, shape (U,), and those with one number for each sample,
            shape (S, N), both in the order of the program.
        """
        parameters = np.asarray(parameters, self.dtype)
        columns = np.asarray(columns, self.dtype)
        if parameters.shape != (self.n_parameters,):
            raise ValueError(f"parameters must be ({self.n_parameters},), not {parameters.shape}")
        if columns.ndim != 2 or columns.shape[0] != self.n_inputs or not columns.shape[1]:
            raise ValueError(f"columns must be ({self.n_inputs}, N), not {columns.shape}")
        is_small = self._instructions * columns.shape[1] < WORTH_COMPILING and self._can_encode
        try:
            with jax.enable_x64(self.dtype == np.float64):
                found = (self._run_small if is_small else self._run)(parameters, columns)
        except (JaxRuntimeError, ValueError) as error:  # JAX makes one of them of what is raised
            raise callbacks.failure_behind(error) from None
        # those of JAX are read-only, and callers write into what they get
        return tuple(np.require(part, np.float64, "W") for part in found)  # type: ignore[return-value]

    def _run(self, parameters: Any, columns: Any) -> tuple[Any, Any]:
        if self._function is None:
            self._function = jax.jit(self.form.__call__)
        return jax.device_get(self._function(parameters, columns))  # type: ignore[no-any-return]

    @cached_property  # set once it is whole, as other threads may ask meanwhile
    def _steps(self) -> tuple[Codes, tuple[Any, ...], np.int32, int]:
        """The program as steps, these as arrays of a common size, their count, and that of rows."""
        codes = Codes(self._lowered)
        operations, reads, writes = codes.stage(BEFORE, SAMPLE, AFTER)
        count = len(operations)
        missing = _size_class(count, 4096, 8) - count
        steps = (
            np.pad(operations, (0, missing)), np.pad(reads, ((0, 0), (0, missing))),
            np.pad(writes, (0, missing)),
        )  # fmt: skip
        return codes, steps, np.int32(count), _size_class(codes.rows, 1024, 8)

    def _run_small(self, parameters: Any, columns: Any) -> tuple[Any, Any]:
        codes, steps, count, rows = self._steps
        n = columns.shape[1]
        lanes = _size_class(n, 16, 16)
        store = np.zeros((rows, lanes), self.dtype)
        store[: codes.rows] = codes.start[:, None]
        store[codes.parameters] = parameters[:, None]
        store[codes.inputs, :n] = columns
        store[codes.inputs, n:] = columns[:, -1:]
        weights = (np.arange(lanes) < n).astype(self.dtype)
        found = np.asarray(_small(store, steps, count, weights, codes.calls))
        return found[codes.uniform, 0], found[codes.samples, :n]


def _check_device() -> None:
    """See that JAX finds a device."""
    try:
        jax.devices()
    except RuntimeError as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        raise RuntimeError(
            f"backend='jax': JAX finds no device of the platform {asked!r} that JAX_PLATFORMS "
            "asks for: unset it to take what there is, or set it to 'cpu'; for a GPU, install the "
            f"JAX of its driver ({error})"
        ) from None
