"""The inner loops of the interpreter: one for each spelling, and tiles of matrix products.

Every function emits the code that runs a whole group (see `schedule.py`), and returns the address
of the next group. `code` is the address of the first word of the group, `base` that of the rows,
`size` the number of bytes of each row that are in use (a multiple of 64).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

from numba.core import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from scalargrad.replay.backends.numba.spellings import FOLDS, MAPS
from scalargrad.replay.backends.numba.vectors import BYTES, INT, Lanes, Vector

__all__ = ["FIRST_FOLD", "OPCODES", "SIDE", "TALL", "fold", "matrix", "outer", "row_map"]

# The tiles of sums that stay in registers. With AVX-512 sixteen of eight lanes: 4 outputs by 4
# vectors, or 4 by 4 outputs over the samples; the 8 loads hide behind the 16 multiply-adds.
# Elsewhere eight lanes are two or four registers of 16 or 32: 4 outputs by one vector, or 2 by 2
# outputs. (With AVX2, MLP 2-64-64-1 and 1,000 samples take 1.70 ms with the larger tiles, 0.70 with
# these.)
_FEATURES = cpu_target.target_context.codegen().magic_tuple()[2]
TALL = 4
WIDE, SIDE = (4, 4) if "+avx512f" in _FEATURES else (1, 2)

OPCODES = {row: k for k, row in enumerate([*MAPS, *FOLDS])}
FIRST_FOLD = len(MAPS)


def _emitted(emit: Callable[..., Any], count: int) -> Any:
    """The signature and the generator of an intrinsic of whole numbers."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return emit(Lanes(builder), *values)

    return types.int64(*[types.int64] * count), generate


@contextmanager
def _cases(lanes: Lanes, op: Any, first: int) -> Iterator[Callable[[int], Any]]:
    """A switch over `op`: `with case(k):` emits the code for first + k."""
    builder = lanes.builder
    done = builder.append_basic_block("done")
    switch = builder.switch(op, done)

    @contextmanager
    def case(k: int) -> Iterator[None]:
        block = builder.append_basic_block(f"op{k}")
        switch.add_case(INT(first + k), block)
        builder.position_at_end(block)
        yield
        builder.branch(done)

    yield case
    builder.position_at_end(done)


def _row_map(lanes: Lanes, op: Any, code: Any, base: Any, size: Any) -> Any:
    """Groups of MAPS: op, count, then for each member its result and its operands."""
    count = lanes.word(code, 1)
    first = lanes.add(code, 16)
    after = lanes.count(first)
    with _cases(lanes, op, 0) as case:
        for k, formula in enumerate(MAPS.values()):
            with case(k):
                arity = len(signature(formula).parameters)
                length = 8 * (arity + 1)
                stop = lanes.add(first, lanes.times(count, length))
                lanes.builder.store(stop, after)
                with lanes.loop(first, stop, length) as here:
                    out = lanes.row(base, lanes.word(here))
                    reads = [lanes.operand(base, lanes.word(here, 1 + i)) for i in range(arity)]
                    with lanes.loop(0, size, BYTES) as lane:
                        result = formula(*[read(lane) for read in reads])
                        lanes.store(result, lanes.add(out, lane))
    return lanes.builder.load(after)


def _slices(lanes: Lanes, size: Any) -> Iterator[tuple[int, Any]]:
    """The lanes of a row, WIDE vectors at a time and then one: (how many, offset in bytes)."""
    whole = lanes.builder.and_(size, lanes.integer(-WIDE * BYTES))
    for vectors, start, stop in ((WIDE, 0, whole), (1, whole, size))[:WIDE]:
        with lanes.loop(start, stop, vectors * BYTES) as lane:
            yield vectors, lane


def _fold(lanes: Lanes, op: Any, code: Any, base: Any, size: Any) -> Any:
    """Groups of FOLDS: op, count, then for each member its result, the number of operands, these.

    A dot, and sizes, have the number of pairs, a bias, then its pairs: w1 x1 w2 x2 ...
    """
    count = lanes.word(code, 1)
    here = lanes.count(lanes.add(code, 16))
    with _cases(lanes, op, FIRST_FOLD) as case:
        for k, (start, formula) in enumerate(FOLDS.values()):
            arity = len(signature(formula).parameters) - 1
            with case(k), lanes.loop(0, count):
                this = lanes.builder.load(here)
                out = lanes.row(base, lanes.word(this))
                head = 8 * (3 if arity == 2 else 2)
                first = lanes.add(this, head)
                stop = lanes.add(first, lanes.times(lanes.word(this, 1), 8 * arity))
                lanes.builder.store(stop, here)
                for vectors, lane in _slices(lanes, size):
                    lanesof = [lanes.add(lane, i * BYTES) for i in range(vectors)]
                    totals = lanes.sums(vectors)
                    bias = lanes.operand(base, lanes.word(this, 2)) if arity == 2 else None
                    for total, at in zip(totals, lanesof, strict=True):
                        lanes.set(total, bias(at) if bias else lanes.vector(start))
                    with lanes.loop(first, stop, 8 * arity) as pair:
                        reads = [lanes.operand(base, lanes.word(pair, i)) for i in range(arity)]
                        for total, at in zip(totals, lanesof, strict=True):
                            lanes.set(total, formula(lanes.get(total), *[r(at) for r in reads]))
                    for total, at in zip(totals, lanesof, strict=True):
                        lanes.store(lanes.get(total), lanes.add(out, at))
    return lanes.builder.load(here)


def _matrix(lanes: Lanes, code: Any, base: Any, weights: Any, size: Any) -> Any:
    """op, m, k, offset of the weights, k rows to read, m rows to write: out = W x + b.

    The weights of four outputs are adjacent: their biases, then for each k the four weights. Those
    of outputs beyond a multiple of four follow, each with its bias first.
    """
    m, k, offset = (lanes.word(code, i) for i in (1, 2, 3))
    reads = lanes.add(code, 32)
    writes = lanes.add(reads, lanes.times(k, 8))
    end = lanes.add(writes, lanes.times(m, 8))
    weights = lanes.add(weights, offset)
    whole = lanes.builder.and_(m, lanes.integer(-TALL))
    for vectors, lane in _slices(lanes, size):
        for height, start, stop in ((TALL, 0, whole), (1, whole, m)):
            with lanes.loop(start, stop, height) as i:
                # outputs before this one took (k + 1) weights each
                mine = lanes.add(weights, lanes.times(lanes.times(i, 8), lanes.add(k, 1)))
                totals = [lanes.sums(vectors) for _ in range(height)]
                for j, line in enumerate(totals):
                    bias = lanes.load_everywhere(lanes.add(mine, 8 * j))
                    for total in line:
                        lanes.set(total, bias)
                with lanes.loop(0, k) as t:
                    x = lanes.add(lanes.row(base, lanes.word(reads, t)), lane)
                    xs = [lanes.load(lanes.add(x, v * BYTES)) for v in range(vectors)]
                    column = lanes.add(mine, lanes.times(lanes.add(t, 1), 8 * height))
                    for j, line in enumerate(totals):
                        w = lanes.load_everywhere(lanes.add(column, 8 * j))
                        for total, vector in zip(line, xs, strict=True):
                            lanes.set(total, w.fma(vector, lanes.get(total)))
                for j, line in enumerate(totals):
                    out = lanes.row(base, lanes.word(writes, lanes.add(i, j)))
                    for v, total in enumerate(line):
                        lanes.store(lanes.get(total), lanes.add(out, lane, v * BYTES))
    return end


def _outer(lanes: Lanes, code: Any, base: Any, sums: Any, size: Any) -> Any:
    """op, m, n, T, offset of the sums, T times m rows, T times n rows: sums += L R^T.

    The sums are stored tile by tile, SIDE by SIDE and smaller at the edges, each line by line.
    """
    m, n, length, offset = (lanes.word(code, i) for i in (1, 2, 3, 4))
    lefts = lanes.add(code, 40)
    rights = lanes.add(lefts, lanes.times(lanes.times(length, m), 8))
    end = lanes.add(rights, lanes.times(lanes.times(length, n), 8))
    sums = lanes.add(sums, offset)
    edges = [lanes.builder.and_(x, lanes.integer(-SIDE)) for x in (m, n)]
    for height, i_start, i_stop in ((SIDE, 0, edges[0]), (1, edges[0], m)):
        with lanes.loop(i_start, i_stop, height) as i:
            for width, j_start, j_stop in ((SIDE, 0, edges[1]), (1, edges[1], n)):
                with lanes.loop(j_start, j_stop, width) as j:
                    totals = lanes.sums(height * width)
                    for total in totals:
                        lanes.set(total, lanes.vector(0.0))
                    with lanes.loop(0, length) as t:
                        left = lanes.add(lanes.times(t, m), i)
                        right = lanes.add(lanes.times(t, n), j)
                        rows = [
                            [lanes.row(base, lanes.word(side, lanes.add(at, p))) for p in range(k)]
                            for side, at, k in ((lefts, left, height), (rights, right, width))
                        ]
                        _add_products(lanes, size, totals, rows)
                    # before this tile: whole lines of tiles, then `height` lines of j
                    index = lanes.add(lanes.times(i, n), lanes.times(j, height))
                    start = lanes.add(sums, lanes.times(index, 8))
                    _add_totals(lanes, start, [lanes.get(total) for total in totals])
    return end


def _add_products(lanes: Lanes, size: Any, totals: list[Any], rows: Any) -> None:
    """Add the products of its rows to the sums of a tile, one vector of lanes at a time."""
    with lanes.loop(0, size, BYTES) as lane:
        lefts, rights = [[lanes.load(lanes.add(row, lane)) for row in side] for side in rows]
        products = [(x, y) for x in lefts for y in rights]
        for total, (x, y) in zip(totals, products, strict=True):
            lanes.set(total, x.fma(y, lanes.get(total)))


def _add_totals(lanes: Lanes, start: Any, totals: list[Vector]) -> None:
    for k, (count, total) in enumerate(lanes.total(totals)):
        at = lanes.add(start, 8 * k * count)
        if count > 1:
            lanes.store(lanes.load(at) + total, at)
        else:
            lanes.add_number(total, at)


@intrinsic
def row_map(_: Any, op: Any, code: Any, base: Any, size: Any) -> Any:
    """Apply a map, chosen by its opcode, to rows."""
    return _emitted(_row_map, 4)


@intrinsic
def fold(_: Any, op: Any, code: Any, base: Any, size: Any) -> Any:
    """Apply a fold, chosen by its opcode, to rows."""
    return _emitted(_fold, 4)


@intrinsic
def matrix(_: Any, code: Any, base: Any, weights: Any, size: Any) -> Any:
    """Multiply a matrix of weights by rows."""
    return _emitted(_matrix, 4)


@intrinsic
def outer(_: Any, code: Any, base: Any, sums: Any, size: Any) -> Any:
    """Add the outer product of rows to sums."""
    return _emitted(_outer, 4)
