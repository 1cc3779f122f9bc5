"""The interpreted form: instruction arrays as data under one loop, compiled in no time.

Compiling takes as long for ten instructions as for 10⁶, since XLA sees the loop alone. A step reads
rows of the store, computes by the operation of its code, and writes a row in place. On a processor
a step costs 0.1 µs and 1 to 3 ns for each sample; samples are cut in blocks, so that the store fits
in memory. (Several rows in one step cost five times as much: XLA gathers them number by number.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from scalargrad.replay.backends.jax.callbacks import called_by_number
from scalargrad.replay.backends.jax.codes import CALL, OPERATIONS, SUM, Codes
from scalargrad.replay.backends.jax.spellings import FOLDS, MAPS, PAIRS
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program

__all__ = ["Interpreted", "run_steps"]

_STORE = 1 << 25  # bytes of the store: a part of the last cache of a processor
_LEAST, _MOST = 64, 1024  # samples of a block


def run_steps(
    store: Any, steps: tuple[Any, Any, Any], count: Any, weights: Any, operations: Sequence[Any]
) -> Any:  # fmt: skip
    """Run steps over a store.

    Args:
        store: The rows, shape (rows, N).
        steps: Operations, operands and results, as in `Codes`.
        count: How many of the steps to run.
        weights: The weight of each sample, shape (N,), in sums over the samples.
        operations: What the numbers of the operations mean.

    Returns:
        The store after the last step.
    """
    codes, reads, writes = map(jnp.asarray, steps)
    zero = jnp.int32(0)
    width = store.shape[1]

    def body(k: Any, store: Any) -> Any:
        def branch(function: Callable[..., Any], arity: int) -> Callable[..., Any]:
            def compute(store: Any, at: Any) -> Any:
                xs = [lax.dynamic_slice(store, (at[i], zero), (1, width)) for i in range(arity)]
                return jnp.broadcast_to(function(*xs), (1, width)).astype(store.dtype)

            return compute

        def call(store: Any, at: Any) -> Any:
            xs = [lax.dynamic_slice(store, (at[i], zero), (1, width)) for i in range(3)]
            return called_by_number(at[3], *xs)

        branches = []
        function: Callable[..., Any]
        for operation in operations:
            if operation == CALL:
                branches.append(call)
                continue
            if operation == SUM:
                function, arity = _sum, 3
            elif operation in MAPS:
                function, arity = MAPS[operation], operation.arity
            elif operation in FOLDS:
                function, arity = FOLDS[operation][2], 2 + FOLDS[operation][1]
            elif operation in PAIRS:
                function, arity = _adding(PAIRS[operation]), 3
            else:
                function, arity = _pick, 4
            branches.append(branch(function, arity))
        row = lax.switch(codes[k], branches, store, reads[:, k])
        return lax.dynamic_update_slice(store, row, (writes[k], zero))

    def _sum(total: Any, x: Any, y: Any) -> Any:
        # where a sample has no weight, it may hold anything
        return total + jnp.where(weights > 0.0, x * y * weights, 0.0).sum()

    return lax.fori_loop(0, count, body, store)


def _adding(product: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda total, w, x: total + product(w, x)


def _pick(total: Any, index: Any, k: Any, x: Any) -> Any:
    return jnp.where(index == k, x, total)


class Interpreted:
    """A lowered program as a pure function of JAX, interpreted.

    Args:
        program: A program lowered by the rules of this backend.
        dtype: The type of its numbers.
    """

    form = "interpreted"

    def __init__(self, program: Program, dtype: Any) -> None:
        self.codes, self.dtype = Codes(program), dtype

    def __call__(
        self, theta: Any, columns: Any, weights: Any = None, axis: Any = None
    ) -> tuple[Any, Any]:
        """Run on N samples.

        Args:
            theta: The numbers of the program's parameters, shape (P,).
            columns: Those of its inputs, shape (inputs, N).
            weights: How often each sample counts in sums, shape (N,); by default once. A sample of
                weight zero may hold anything.
            axis: The name of an axis of devices over which sums go on, by one `psum`.

        Returns:
            The outputs that are one number, shape (U,), and those with one number for each sample,
            shape (S, N), both in the order of the program.
        """
        codes = self.codes
        n = columns.shape[1]
        lanes = n
        if jax.default_backend() == "cpu":
            size = codes.rows * np.dtype(self.dtype).itemsize
            lanes = min(n, max(_LEAST, min(_MOST, _STORE // size // 64 * 64)))
        if weights is None:
            weights = jnp.ones(n, self.dtype)
        shared = jnp.asarray(codes.start, self.dtype).at[codes.parameters].set(theta)[:, None]
        shared = self._run(shared, BEFORE, jnp.ones(1, self.dtype))
        blocks = -(-n // lanes)
        missing = blocks * lanes - n
        if missing:  # the last sample again, without a weight
            columns = jnp.pad(columns, ((0, 0), (0, missing)), mode="edge")
            weights = jnp.pad(weights, (0, missing))

        def block(part: tuple[Any, Any]) -> tuple[Any, Any]:
            store = jnp.broadcast_to(shared, (codes.rows, lanes)).at[codes.inputs].set(part[0])
            store = self._run(store, SAMPLE, part[1])
            return store[codes.sums, 0], store[codes.samples]

        if blocks == 1:
            sums, samples = block((columns, weights))
        else:
            parts = columns.reshape(len(columns), blocks, lanes).swapaxes(0, 1)
            each, stacked = lax.map(block, (parts, weights.reshape(blocks, lanes)))
            sums = each.sum(0)
            samples = stacked.swapaxes(0, 1).reshape(len(codes.samples), blocks * lanes)
        if axis is not None:
            sums = lax.psum(sums, axis)
        shared = shared.at[codes.sums, 0].set(sums)
        shared = self._run(shared, AFTER, jnp.ones(1, self.dtype))
        return shared[codes.uniform, 0], samples[:, :n]

    def _run(self, store: Any, phase: int, weights: Any) -> Any:
        codes, reads, writes = self.codes.stages[phase]
        if not len(codes):
            return store
        used = np.unique(codes)  # the fewer branches, the sooner it is compiled
        operations = [OPERATIONS[code] for code in used]
        steps = np.searchsorted(used, codes).astype(np.int32), reads, writes
        return run_steps(store, steps, len(codes), weights, operations)
