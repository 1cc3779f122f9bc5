"""The grouped form: an array for each group of instructions, as one would write it by hand.

Dots that share their inputs are matrix products, sums over the samples are outer products, and the
rest are operations on whole arrays, with the samples along the last axis, as they come in. Where
the arrays lie is decided before, in `plan.py`.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from scalargrad.core.primitives import take
from scalargrad.replay.backends.jax.callbacks import called_back
from scalargrad.replay.backends.jax.plan import (
    Apply,
    Dots,
    Folds,
    Joined,
    Matrix,
    Outers,
    Piece,
    Plan,
    Rows,
    Scan,
    Sums,
)
from scalargrad.replay.backends.jax.spellings import FOLDS, MAPS, PAIRS, REDUCED, exactly
from scalargrad.replay.backends.jax.strides import strided
from scalargrad.replay.program import AFTER, BEFORE, SAMPLE, Program

__all__ = ["Grouped"]

_FEW = 8  # terms that are added up one by one
_WRITTEN_OUT = 4  # sums over the samples that are multiplied and added up without a matrix product


class Grouped:
    """A lowered program as a pure function of JAX, an array for each group.

    Args:
        program: A program lowered by the rules of this backend.
        dtype: The type of its numbers.
        plan: Its plan, if there is one already.
    """

    form = "grouped"

    def __init__(self, program: Program, dtype: Any, plan: Plan | None = None) -> None:
        self.plan, self.dtype = plan or Plan(program), np.dtype(dtype)

    def __call__(
        self, theta: Any, columns: Any, weights: Any = None, axis: Any = None
    ) -> tuple[Any, Any]:
        """Run on N samples, as `Interpreted` does."""
        leaves = [columns, jnp.asarray(theta)[:, None]]
        run = _Run(self.plan, self.dtype, leaves, columns.shape[1], weights)
        run.stage(BEFORE)
        run.stage(SAMPLE)
        run.sum_up(axis)
        run.stage(AFTER)
        return run.outputs()


class _Run:
    """The arrays of one trace."""

    def __init__(
        self, plan: Plan, dtype: Any, leaves: list[Any], n: int, weights: Any
    ) -> None:  # fmt: skip
        self.plan, self.dtype, self.n, self.weights = plan, dtype, n, weights
        self.arrays = leaves  # what all samples share are columns of width 1
        self.sums: dict[int, Any] = {}

    def stage(self, phase: int) -> None:
        """Compute the arrays of a phase."""
        for unit in self.plan.stages[phase]:
            if isinstance(unit, Outers):
                self.sums[len(self.arrays)] = self._outers(unit)
                self.arrays.append(None)
                continue
            if isinstance(unit, Scan):
                self.arrays += self._scan(unit)
            else:
                self.arrays.append(self._array(unit))

    def sum_up(self, axis: Any) -> None:
        """Make the sums over the samples known, those of other devices included."""
        found = [total.reshape(-1) for total in self.sums.values()]
        if axis is not None and found:
            ends = np.cumsum([len(total) for total in found])[:-1]
            found = jnp.split(lax.psum(jnp.concatenate(found), axis), ends)
        for number, total in zip(self.sums, found, strict=True):
            self.arrays[number] = total[:, None]

    def outputs(self) -> tuple[Any, Any]:
        """The outputs that are one number, and those with one number for each sample."""
        plan = self.plan
        uniform = self._rows(plan.uniform).reshape(-1) if plan.uniform.count else self._empty(0)
        if not plan.samples.count:
            return uniform, self._empty(0, self.n)
        samples = jnp.broadcast_to(self._rows(plan.samples), (plan.samples.count, self.n))
        return jnp.broadcast_to(uniform, (plan.uniform.count,)), samples

    def apart(self) -> list[Any]:
        """Each output as a row of its own, shape (1, N)."""
        return [jnp.broadcast_to(self._rows(rows), (1, self.n)) for rows in self.plan.outputs]

    def _empty(self, *shape: int) -> Any:
        return jnp.zeros(shape, self.dtype)

    # --- operands -----------------------------------------------------------------------------

    def _rows(self, rows: Rows) -> Any:
        """Their numbers, shape (rows, N or 1); one row where all are the same."""
        parts = [self._piece(piece) for piece in rows.pieces]
        found = _stacked(parts)
        return found if rows.order is None else found[rows.order]

    def _piece(self, piece: Any) -> Any:
        if piece.numbers is not None:
            return piece.numbers.astype(self.dtype)[:, None]
        array = self.arrays[piece.array]
        if piece.indices is not None:
            return array[piece.indices]
        if piece.strides is not None:
            return strided(array, piece.start, piece.strides)
        start, count, step = piece.start, piece.count, piece.step
        if step < 0:
            first = start + step * (count - 1)
            return lax.rev(lax.slice_in_dim(array, first, start + 1, -step), (0,))
        if start == 0 and step == 1 and count == array.shape[0]:
            return array
        return lax.slice_in_dim(array, start, start + step * (count - 1) + 1, step)

    # --- units --------------------------------------------------------------------------------

    def _array(self, unit: Any) -> Any:
        if isinstance(unit, Matrix):
            return self._matrix(unit)
        if isinstance(unit, Dots):
            return self._dots(unit)
        if isinstance(unit, Sums):
            return self._sums(unit)
        if isinstance(unit, Folds):
            shape = unit.terms, len(unit.members)
            return REDUCED[unit.row](self._table(unit.operands, *shape))
        if isinstance(unit, Joined):
            return _stacked([self._array(part) for part in unit.units])[unit.order]
        return self._apply(unit)

    def _table(self, rows: Rows, first: int, then: int) -> Any:
        """Rows as an array with two axes in their place."""
        found = self._rows(rows)
        return jnp.broadcast_to(found, (first * then, found.shape[1])).reshape(first, then, -1)

    def _apply(self, unit: Apply) -> Any:
        row, xs = unit.row, [self._rows(rows) for rows in unit.operands]
        m = len(unit.members)
        if row in PAIRS:
            n, product = len(xs) // 2, PAIRS[row]
            found = xs[-1] if len(xs) % 2 else None
            for w, x in zip(xs[:n], xs[n : 2 * n], strict=True):
                found = product(w, x) if found is None else found + product(w, x)
        elif row in FOLDS:
            start, shared, fold = FOLDS[row]
            found = jnp.full((m, 1), start, self.dtype)
            for x in xs[shared:]:
                found = fold(found, *xs[:shared], x)
        elif row is take:
            found = jnp.full((m, 1), np.nan, self.dtype)
            for k, x in enumerate(xs[1:]):
                found = jnp.where(xs[0] == k, x, found)
            found = lax.optimization_barrier(found)  # or each of its users chooses again
        elif row in MAPS:
            found = MAPS[row](*[jnp.asarray(x, self.dtype) for x in xs])
        else:
            width = max([x.shape[1] for x in xs], default=1)
            found = called_back(row)(
                *[jnp.broadcast_to(jnp.asarray(x, self.dtype), (m, width)) for x in xs]
            )
        found = jnp.asarray(found, self.dtype)
        if unit.exact:
            found = exactly(found)
        return found if found.shape[0] == m else jnp.broadcast_to(found, (m, found.shape[1]))

    def _matrix(self, unit: Matrix) -> Any:
        x = self._rows(unit.inputs)
        m, n = len(unit.members) // unit.vectors, unit.inputs.count // unit.vectors
        width = x.shape[1]
        x = jnp.broadcast_to(x, (unit.inputs.count, width)).reshape(n, -1)
        if unit.layout is None:
            w = jnp.broadcast_to(self._rows(unit.weights), (m * n, 1)).reshape(m, n)
        else:
            start, down, right = unit.layout
            flat = self.arrays[unit.weights.pieces[0].array][:, 0]
            rows, pitch = (m, down) if right == 1 else (n, right)
            end = start + rows * pitch
            part = flat[start:end]
            if part.shape[0] < rows * pitch:  # the last row ends with the array
                part = jnp.pad(part, (0, rows * pitch - part.shape[0]))
            table = part.reshape(rows, pitch)
            w = table[:, :n] if right == 1 else table[:, :m].T
        found = jnp.matmul(w, x, precision=lax.Precision.HIGHEST).reshape(-1, width)
        return found if unit.bias is None else found + self._rows(unit.bias)

    def _dots(self, unit: Dots) -> Any:
        left, right = [
            self._table(rows, unit.terms, len(unit.members)) for rows in (unit.left, unit.right)
        ]
        products = PAIRS[unit.row](left, right)
        if unit.terms <= _FEW:
            found = products[0]
            for t in range(1, unit.terms):
                found = found + products[t]
        else:
            found = products.sum(0)
        return found if unit.bias is None else found + self._rows(unit.bias)

    def _sums(self, unit: Sums) -> Any:
        found = []
        for left, right, bias in zip(unit.lefts, unit.rights, unit.biases, strict=True):
            product = PAIRS[unit.row](self._rows(left), self._rows(right))
            total = jnp.broadcast_to(product, (left.count, product.shape[1])).sum(0, keepdims=True)
            found.append(total if bias is None else total + self._rows(bias))
        width = max(part.shape[1] for part in found)
        return jnp.concatenate([jnp.broadcast_to(part, (1, width)) for part in found])

    def _scan(self, unit: Scan) -> list[Any]:
        turns, width = unit.turns, self.n
        uniform = [jnp.broadcast_to(self._rows(rows), (turns, 1)) for rows in unit.each_uniform]
        start, same = [
            [jnp.broadcast_to(self._rows(rows), (1, width)) for rows in parts]
            for parts in (unit.start, unit.same)
        ]
        count = unit.same_uniform.count
        shared = self._rows(unit.same_uniform)[:, 0] if count else self._empty(0)
        shared = jnp.broadcast_to(shared, (count,))

        def turn(state: Any, mine: Any) -> tuple[Any, Any]:
            number, uniform = mine
            each = [jnp.broadcast_to(self._row_of(rows, number), (1, width)) for rows in unit.each]
            leaves = [*state, *each, *same]
            theta = jnp.concatenate([*uniform, shared])[:, None]
            run = _Run(unit.body, self.dtype, [*leaves, theta], width, None)
            run.stage(SAMPLE)
            found = run.apart()
            return found[: len(start)], [row[0] for row in found[len(start) :]]

        numbers = jnp.arange(turns, dtype=jnp.int32)
        state, found = lax.scan(turn, start, (numbers, uniform), reverse=unit.reverse)
        return [*found, *[state[k] for k, _ in unit.last]]

    def _row_of(self, rows: Rows, number: Any) -> Any:
        """The row with this number, known at run time: read where it lies, without a copy of all.

        Of rows in several pieces, as those of turns before and in a loop, one of each is read.
        """
        if rows.order is not None or not all(map(_is_even, rows.pieces)):
            return lax.dynamic_slice_in_dim(self._rows(rows), number, 1)
        found, before = None, 0
        for piece in rows.pieces:
            count, array = piece.count, self.arrays[piece.array]
            k = jnp.clip(number - before, 0, count - 1)
            row = lax.dynamic_slice_in_dim(array, piece.start + piece.step * k, 1)
            found = row if found is None else jnp.where(number < before, found, row)
            before += count
        return found

    def _outers(self, unit: Outers) -> Any:
        """The sums of this device, shape `unit.shape`."""
        down, right = unit.shape
        if unit.across:
            return self._outers_across(unit)
        right -= unit.ones
        terms = unit.terms
        if not right and len(unit.lefts) == 1 and unit.lefts[0].order is None:
            return self._totals(unit.lefts[0])
        total: Any = 0.0
        alone: Any = 0.0
        for t, rows in enumerate(unit.lefts):
            x = self._weighted(jnp.broadcast_to(self._rows(rows), (down * terms, self.n)))
            x = x.reshape(down, -1)
            if unit.ones:
                alone = alone + x.sum(1, keepdims=True)
            if not right:
                continue
            y = jnp.broadcast_to(self._rows(unit.rights[t]), (right * terms, self.n))
            if self.weights is not None:
                y = jnp.where(self.weights > 0.0, y, 0.0)
            y = y.reshape(right, -1)
            if down * right <= _WRITTEN_OUT:
                total = total + (x[:, None] * y[None]).sum(2)
            else:
                total = total + jnp.matmul(x, y.T, precision=lax.Precision.HIGHEST)
        if not unit.ones:
            return total
        return jnp.concatenate([total, alone], axis=1) if right else alone

    def _totals(self, rows: Rows) -> Any:
        """The sums over the samples alone: of each piece by itself, without a copy of all."""
        found = []
        for piece in rows.pieces:
            x = self._piece(piece)
            count = rows.count if len(rows.pieces) == 1 else len(x)
            x = self._weighted(jnp.broadcast_to(x, (count, self.n)))
            found.append(x.sum(1, keepdims=True))
        return jnp.concatenate(found)

    def _outers_across(self, unit: Outers) -> Any:
        """The same where `lefts` and `rights` hold all terms of each, not each term of all."""
        found = []
        for left in unit.lefts:
            x = self._weighted(jnp.broadcast_to(self._rows(left), (left.count, self.n)))
            for right in unit.rights:
                y = self._rows(right)
                if self.weights is not None:
                    y = jnp.where(self.weights > 0.0, y, 0.0)
                found.append((x * y).sum())
            if unit.ones:
                found.append(x.sum())
        return jnp.stack(found).reshape(unit.shape)

    def _weighted(self, x: Any) -> Any:
        if self.weights is None:
            return x
        return jnp.where(self.weights > 0.0, x * self.weights, 0.0)


def _is_even(piece: Piece) -> bool:
    """Whether its rows are equally far apart in an array."""
    return piece.array >= 0 and piece.indices is None and piece.strides is None


def _stacked(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    width = max(part.shape[1] for part in parts)
    return jnp.concatenate([jnp.broadcast_to(part, (len(part), width)) for part in parts])
