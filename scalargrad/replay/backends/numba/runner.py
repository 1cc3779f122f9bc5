"""The numba runner: executes a program over blocks of lanes, on one thread or several."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from threading import Lock, get_ident
from typing import Any

import numpy as np

from scalargrad.replay.backends.backend import DEFAULT, Options
from scalargrad.replay.backends.numba import interpreter
from scalargrad.replay.backends.numba.compiling import compiled_interpreter
from scalargrad.replay.backends.numba.encoding import Encoded
from scalargrad.replay.backends.numba.workspace import Linked, Plan, Workspace
from scalargrad.replay.program import Program

__all__ = ["NumbaRunner"]

WORTH_THREADS = 3_000_000  # multiply-adds, 150 us: waking a thread takes 35
_ALL = interpreter.BEGIN | interpreter.SAMPLES | interpreter.FINISH
_ONCE = Lock()
_compiled = lru_cache(maxsize=1)(compiled_interpreter)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="scalargrad")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _plain(numbers: Any) -> Any:
    """`numbers` as an array of the one compiled type: float64, C order, writable."""
    array = np.ascontiguousarray(numbers, dtype=np.float64)
    return array if array.flags.behaved else array.copy()


class NumbaRunner:
    """Runs a program on arrays. Several threads may call it at once."""

    def __init__(self, program: Program) -> None:
        encoded = Encoded(program)
        self.n_parameters, self.n_inputs = len(program.parameters), len(program.inputs)
        self.n_uniform, self.n_samples = len(encoded.uniform), len(encoded.samples)
        self._plan = Plan(encoded)
        self._failures, self._work = encoded.failures, encoded.work
        self._linked: dict[int, Linked] = {}
        with _ONCE:  # otherwise two threads could both compile
            self._run = _compiled()

    def run(self, parameters: Any, columns: Any, options: Options = DEFAULT) -> tuple[Any, Any]:
        """Run on N samples.

        Args:
            parameters: Shape (P,), in the order of the program.
            columns: Shape (inputs, N), one row for each input; N >= 1.
            options: The results do not depend on the number of threads, to the last bit.

        Returns:
            The outputs that are one number, shape (U,), and those with one number for each sample,
            shape (S, N), both in the order of the program.
        """
        parameters, columns = _plain(parameters), _plain(columns)
        if parameters.shape != (self.n_parameters,):
            raise ValueError(f"parameters must be ({self.n_parameters},), not {parameters.shape}")
        if columns.ndim != 2 or columns.shape[0] != self.n_inputs or not columns.shape[1]:
            raise ValueError(f"columns must be ({self.n_inputs}, N), not {columns.shape}")
        n = columns.shape[1]
        uniform, samples = np.empty(self.n_uniform), np.empty((self.n_samples, n))
        block, strip = self._plan.lengths(n)
        linked = self._linked.get(block) or self._link(block)
        workspace = linked.take()
        workspace.set("strip", strip)
        arrays = (parameters, columns, uniform, samples)
        if options.threads > 1 and n > strip and self._work * n > WORTH_THREADS:
            self._on_threads(linked, workspace, arrays, strip, options.threads)
        else:
            self._part(_ALL, workspace, arrays, 0, n)
        linked.give(workspace)  # after an error the garbage collector takes it
        return uniform, samples

    def _part(self, what: int, workspace: Workspace, arrays: Any, first: int, last: int) -> None:
        self._run(what, workspace.frame, *arrays, first, last)
        if self._failures and (failure := self._failures.pop(get_ident(), None)):
            raise failure

    def _link(self, block: int) -> Linked:
        # Linked code takes 8 bytes a word, its rows up to a megabyte: a large program keeps few.
        most = max(2, min(40, 4_000_000 // self._plan.words))
        for old in list(self._linked)[: 1 - most]:
            self._linked.pop(old, None)  # another thread may have removed it
        linked = self._linked[block] = Linked(self._plan, block)
        return linked

    def _on_threads(
        self, linked: Linked, main: Workspace, arrays: Any, strip: int, threads: int
    ) -> None:
        """The threads take strips one by one; the sums of strips are added in order at the end."""
        n = arrays[1].shape[1]
        self._part(interpreter.BEGIN, main, arrays, 0, n)
        starts = range(0, n, strip)
        # Zeros: nothing writes the last column, and what np.empty finds there may not be a number
        sums = np.zeros((len(starts), len(main.sums)))
        numbers = itertools.count()  # next() of it is safe between threads

        def work(own: Workspace) -> None:
            try:
                while (k := next(numbers)) < len(starts):
                    own.set("sums", sums[k].ctypes.data)
                    last = min(starts[k] + strip, n)
                    self._part(interpreter.SAMPLES, own, arrays, starts[k], last)
            finally:
                own.set("sums", own.sums.ctypes.data)

        def help_out() -> None:
            own = linked.take()
            own.tiles[:] = main.tiles
            own.set("weights", main.weights.ctypes.data)
            work(own)
            own.set("weights", own.weights.ctypes.data)
            linked.give(own)

        with _ONCE:
            pool = _pool()
        helpers = [pool.submit(help_out) for _ in range(min(threads, len(starts)) - 1)]
        try:
            work(main)
        finally:
            # A helper that has not begun has nothing left to do. The others read from `main`.
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()
        main.totals[:] = 0.0
        for line in sums:
            main.totals += line
        self._part(interpreter.FINISH, main, arrays, 0, n)
