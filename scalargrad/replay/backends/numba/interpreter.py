"""The interpreter that numba compiles: runs the groups of a program over blocks of lanes.

It is compiled once per machine, not once per program: the program is data. It works on addresses,
gathered in a `frame` (see `workspace.py`): unpacking 25 arrays at each call takes 0.8 us more than
5, of 3.2 us for the smallest programs. The arrays behind a frame must outlive the call.
"""

from __future__ import annotations

import math
from typing import Any

import numba

from scalargrad.replay.backends.numba.kernels import (
    FIRST_FOLD,
    OPCODES,
    fold,
    matrix,
    outer,
    row_map,
)
from scalargrad.replay.backends.numba.memory import call, copy, number, set_number, set_word, word

__all__ = [
    "BEGIN",
    "CALL",
    "END",
    "FIELDS",
    "FINISH",
    "LOOP",
    "MATRIX",
    "OPCODES",
    "OUTER",
    "SAMPLES",
    "SIGNATURE",
    "TAKE",
    "make_run",
]  # fmt: skip

_LAST = len(OPCODES)
END, LOOP, CALL, TAKE, MATRIX, OUTER = range(_LAST, _LAST + 6)

# The words of a frame: addresses and, for lists, the number of their entries of two words.
FIELDS = [
    "base", "weights", "sums", "totals", "scratch", "block", "strip", "n_sums",
    "before", "sample", "after", "splats", "n_splats", "packs", "n_packs",
    "late_packs", "n_late_packs", "inputs", "n_inputs", "late_splats", "n_late_splats",
    "uniform", "n_uniform", "samples", "n_samples",
]  # fmt: skip
(_BASE, _WEIGHTS, _SUMS, _TOTALS, _SCRATCH, _BLOCK, _STRIP, _N_SUMS,
 _BEFORE, _SAMPLE, _AFTER, _SPLATS, _N_SPLATS, _PACKS, _N_PACKS,
 _LATE_PACKS, _N_LATE_PACKS, _INPUTS, _N_INPUTS, _LATE_SPLATS, _N_LATE_SPLATS,
 _UNIFORM, _N_UNIFORM, _SAMPLES, _N_SAMPLES) = range(len(FIELDS))  # fmt: skip

BEGIN, SAMPLES, FINISH = 1, 2, 4  # the parts of a call of `run`


@numba.njit(nogil=True)
def _pad(row: int, n: int, lanes: int) -> None:
    """Repeat the last sample up to a whole number of vectors: copies raise no new overflow."""
    last = number(row, n - 1)
    for lane in range(n, lanes):
        set_number(row, lane, last)


@numba.njit(nogil=True)
def _follows(code: int, size: int, distance: int) -> Any:
    """Whether all rows of the next `size` words directly follow the rows of these words."""
    for k in range(size):
        here = word(code, k)
        if not here & 1 or word(code, size + k) - here != distance:
            return False
    return True


@numba.njit(nogil=True)
def _loop(op: int, code: int, base: int, n: int, lanes: int, scratch: int) -> Any:
    """op, count, loop, data, arity, then for each member its result and its operands.

    A loop of NumPy runs over whole vectors. A Python function behind ctypes (CALL), which takes
    Python's lock by itself, is called for exactly n samples.
    """
    count, loop, data, arity = word(code, 1), word(code, 2), word(code, 3), word(code, 4)
    code += 40
    sizes, steps = scratch, scratch + 8
    arguments = scratch + 8 * (arity + 2)
    size, done = arity + 1, 0
    while done < count:
        for k in range(arity):
            operand = word(code, k + 1)
            set_word(arguments, k, base + (operand & -2))
            set_word(steps, k, 8 * (operand & 1))
        out = base + (word(code, 0) & -2)
        set_word(arguments, arity, out)
        set_word(steps, arity, 8)
        rows = 1
        if op == CALL:
            set_word(sizes, 0, n)
            call(loop, arguments, sizes, steps, data)
            _pad(out, n, lanes)
        else:
            # A call of tanh costs 40 ns by itself: adjacent rows share one.
            end = code
            while done + rows < count and _follows(end, size, 8 * lanes):
                rows, end = rows + 1, end + 8 * size
            set_word(sizes, 0, rows * lanes)
            call(loop, arguments, sizes, steps, data)
        code += 8 * size * rows
        done += rows
    return code


@numba.njit(nogil=True)
def _take(code: int, base: int, n: int, lanes: int) -> int:
    """op, count, then for each member its result, the index, the number of values, the values."""
    count = word(code, 1)
    code += 16
    for _ in range(count):
        out, index, length = base + (word(code, 0) & -2), word(code, 1), word(code, 2)
        for lane in range(n):
            chosen = number(base + (index & -2), lane * (index & 1))
            value = math.nan
            if 0.0 <= chosen < length and chosen == math.floor(chosen):
                source = word(code, 3 + int(chosen))
                value = number(base + (source & -2), lane * (source & 1))
            set_number(out, lane, value)
        _pad(out, n, lanes)
        code += 8 * (3 + length)
    return code


@numba.njit(nogil=True)
def _clear_tail(code: int, base: int, n: int, lanes: int) -> None:
    """Zero the lanes beyond the samples in the rows of an outer group: they must not count."""
    rows = word(code, 3) * (word(code, 1) + word(code, 2))
    for k in range(rows):
        row = base + (word(code, 5 + k) & -2)
        for lane in range(n, lanes):
            set_number(row, lane, 0.0)


@numba.njit(nogil=True)
def _splats(list_: int, count: int, base: int, numbers: int) -> None:
    """Write numbers that all samples share, each into the eight lanes of its tile."""
    for k in range(count):
        tile, value = base + word(list_, 2 * k), number(numbers, word(list_, 2 * k + 1))
        for lane in range(8):
            set_number(tile, lane, value)


@numba.njit(nogil=True)
def _pack(frame: int, parameters: int) -> None:
    """Write the weights in the order in which the matrix products read them."""
    base, weights = word(frame, _BASE), word(frame, _WEIGHTS)
    packs, late = word(frame, _PACKS), word(frame, _LATE_PACKS)
    for k in range(word(frame, _N_PACKS)):
        set_number(weights, word(packs, 2 * k), number(parameters, word(packs, 2 * k + 1)))
    for k in range(word(frame, _N_LATE_PACKS)):
        set_number(weights, word(late, 2 * k), number(base + word(late, 2 * k + 1), 0))


@numba.njit(nogil=True)
def _read(frame: int, columns: Any, start: int, n: int) -> None:
    """Copy the inputs of n samples into their rows."""
    base, inputs, numbers = word(frame, _BASE), word(frame, _INPUTS), columns.ctypes.data
    for k in range(word(frame, _N_INPUTS)):
        row, column = base + (word(inputs, 2 * k) & -2), word(inputs, 2 * k + 1)
        copy(row, numbers + 8 * (column * columns.shape[1] + start), n)
        _pad(row, n, (n + 7) & -8)


@numba.njit(nogil=True)
def _write(frame: int, samples: Any, start: int, n: int) -> None:
    """Copy the outputs of n samples from their rows."""
    base, outputs, numbers = word(frame, _BASE), word(frame, _SAMPLES), samples.ctypes.data
    for k in range(word(frame, _N_SAMPLES)):
        row, output = base + (word(outputs, 2 * k) & -2), word(outputs, 2 * k + 1)
        copy(numbers + 8 * (output * samples.shape[1] + start), row, n)


@numba.njit(nogil=True)
def _write_uniform(frame: int, parameters: int, uniform: Any) -> None:
    """Write the outputs that are one number: parameters, values of BEFORE and AFTER, or sums."""
    base, totals, outputs = word(frame, _BASE), word(frame, _TOTALS), word(frame, _UNIFORM)
    for k in range(word(frame, _N_UNIFORM)):
        kind, offset = word(outputs, 2 * k), word(outputs, 2 * k + 1)
        if kind == 0:
            uniform[k] = number(parameters, offset)
        elif kind == 1:
            uniform[k] = number(base + offset, 0)
        else:
            uniform[k] = number(totals, offset)


@numba.njit(nogil=True)
def _clear(address: int, count: int) -> None:
    for k in range(count):
        set_number(address, k, 0.0)


@numba.njit(nogil=True)
def _add(totals: int, sums: int, count: int) -> None:
    """Add the sums of a strip to the totals, and zero them for the next strip."""
    for k in range(count):
        set_number(totals, k, number(totals, k) + number(sums, k))
        set_number(sums, k, 0.0)


def make_run(stamp: str) -> Any:
    """The function to compile; `stamp` must change when the sources do (see `compiling.py`).

    The interpreter is one function on purpose: numba optimises a function again in each caller, and
    with three levels of calls compiling took 10 s instead of 6.
    """

    def run(  # type: ignore[no-untyped-def]  # pragma: no cover
        what, words, parameters, columns, uniform, samples, first, last
    ):
        """Run the parts of `what`: BEGIN, SAMPLES (from `first` up to `last`) and FINISH.

        With SAMPLES alone, the caller adds up the sums of this strip. Otherwise they are added
        here, strip by strip in order: the same additions give the same bits.
        """
        _ = stamp
        frame, numbers = words.ctypes.data, parameters.ctypes.data
        base, scratch, weights = word(frame, _BASE), word(frame, _SCRATCH), word(frame, _WEIGHTS)
        sums, totals, count = word(frame, _SUMS), word(frame, _TOTALS), word(frame, _N_SUMS)
        block, strip = word(frame, _BLOCK), word(frame, _STRIP)
        if what & BEGIN:
            _clear(totals, count)
        _clear(sums, count)
        start, now = first, BEGIN
        while now <= FINISH:
            code, n = word(frame, _SAMPLE), 1
            if not what & now:
                code = -1
            elif now == BEGIN:
                _splats(word(frame, _SPLATS), word(frame, _N_SPLATS), base, numbers)
                code = word(frame, _BEFORE)
            elif now == SAMPLES:
                n = min(block, last - start)
                _read(frame, columns, start, n)
            else:
                _splats(word(frame, _LATE_SPLATS), word(frame, _N_LATE_SPLATS), base, totals)
                code = word(frame, _AFTER)

            lanes = (n + 7) & -8
            while code > 0:
                op = word(code, 0)
                if op < FIRST_FOLD:
                    code = row_map(op, code, base, 8 * lanes)
                elif op < END:
                    code = fold(op, code, base, 8 * lanes)
                elif op == MATRIX:
                    code = matrix(code, base, weights, 8 * lanes)
                elif op == OUTER:
                    if n < lanes:
                        _clear_tail(code, base, n, lanes)
                    code = outer(code, base, sums, 8 * lanes)
                elif op in (LOOP, CALL):
                    code = _loop(op, code, base, n, lanes, scratch)
                elif op == TAKE:
                    code = _take(code, base, n, lanes)
                else:
                    code = -1

            if now == SAMPLES and what & SAMPLES:
                _write(frame, samples, start, n)
                start += n
                if what != SAMPLES and (start == last or (start - first) % strip == 0):
                    _add(totals, sums, count)
                if start < last:
                    continue
            elif now == BEGIN and what & BEGIN:
                _pack(frame, numbers)
            now *= 2
        if what & FINISH:
            _write_uniform(frame, numbers, uniform)

    return run


SIGNATURE = (
    "void(int64, int64[::1], float64[::1], float64[:,::1], float64[::1], float64[:,::1], "
    "int64, int64)"
)
