"""Sparse Jacobians and Hessians: the pattern from the graph, colours, one sweep for each colour.

The pattern is exact: entry (i, j) is in it where a path of the graph leads from input j to output
i, for a Hessian from two inputs to one operation that is not linear. Columns that share no row get
one colour, and one sweep of the tape computes them all (Curtis, Powell and Reid, On the estimation
of sparse Jacobian matrices, 1974). A row that is nearly full would give each column a colour of its
own: such rows (of a Hessian, such unknowns) get a sweep of their own instead and do not count.

A sweep in machine code takes some 10 ns an operation, and the pattern, the colours and the places
of the entries are found once; a matrix at another point costs a run of the function and the sweeps.
Pushing edges (Gower and Mello, 2012) would need no colours, but one step in Python for each pair of
unknowns that meet in an operation, at each point anew.

For a Hessian the partials of each operation that is not linear are differentiated in their turn,
all operations at once: together they are one function, whose Jacobian is sparse.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from scalargrad.core.node import Leaf, leaf, nary
from scalargrad.core.numbers import as_count, is_number
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.support import pages
from scalargrad.support.collector import collector_paused
from scalargrad.transforms.colouring import by_value, coloured, hubs
from scalargrad.transforms.functional import Run, checked_function, name_of
from scalargrad.transforms.pattern import hessian_rows, jacobian_rows
from scalargrad.transforms.spy import picture, svg
from scalargrad.transforms.tree import is_static

__all__ = ["SparsityPattern", "sparse_hessian", "sparse_jacobian", "sparsity"]

_OPERAND = Leaf("OPERAND")  # stands for an operand of one operation
_WIDE = 8  # operands: an operation with more is looked at by itself
_CHUNK = (
    50_000  # operands of operations whose second partials are computed at once: bounds the memory
)


def sparse_jacobian(f: Callable[..., Any], x: Any, **kwargs: Any) -> Any:
    """Compute the Jacobian of `f` at `x` as a sparse matrix.

    Args:
        f: a function of a list or nesting of n numbers that returns a nesting of m numbers.
        x: its argument.
        **kwargs: keyword arguments of `f`, which are not differentiated by.

    Returns:
        A ``scipy.sparse.csr_array`` of shape (m, n), its rows and columns in the order of the
        numbers in the result and in `x`. What the graph connects is stored, zeros included.
        `sparsity` gives an object for several points.

    Raises:
        TypeError: `f` is not callable, or the argument or the result is not a nesting of numbers,
            or depends on Values that are being differentiated: the matrix has plain numbers.
        ImportError: SciPy is not installed.

    >>> J = sparse_jacobian(lambda x: [x[0] * x[1], x[1] * x[2]], [1.0, 2.0, 3.0])
    >>> J.toarray().tolist()
    [[2.0, 1.0, 0.0], [0.0, 3.0, 2.0]]
    """
    return SparsityPattern(f, x, 1, kwargs).matrix


def sparse_hessian(f: Callable[..., Any], x: Any, **kwargs: Any) -> Any:
    """Compute all second derivatives of `f` at `x` as a sparse matrix.

    Args:
        f: a function of a list or nesting of n numbers that returns one number.
        x: its argument.
        **kwargs: keyword arguments of `f`, which are not differentiated by.

    Returns:
        A ``scipy.sparse.csr_array`` of shape (n, n), exactly symmetric, rows and columns in the
        order of the numbers in `x`. The time grows with the number of operations times that of
        colours; for a chain, where each unknown meets its neighbours, it is linear in n.

    Raises:
        TypeError: as for `sparse_jacobian`, or `f` does not return one number.
        ImportError: SciPy is not installed.

    >>> H = sparse_hessian(lambda x: (x[1] - x[0] ** 2) ** 2 + x[2], [1.0, 2.0, 3.0])
    >>> H.toarray().tolist()
    [[4.0, -4.0, 0.0], [-4.0, 2.0, 0.0], [0.0, 0.0, 0.0]]
    >>> H.nnz
    4
    """
    return SparsityPattern(f, x, 2, kwargs).matrix


def sparsity(f: Callable[..., Any], x: Any, order: int = 1, **kwargs: Any) -> SparsityPattern:
    """Find which entries of the Jacobian or the Hessian of `f` are not always zero.

    Args:
        f: as for `sparse_jacobian`; for order 2 it returns one number.
        x: a point.
        order: 1 for the Jacobian, 2 for the Hessian.
        **kwargs: keyword arguments of `f`.

    Returns:
        A `SparsityPattern`: it shows itself as a picture, and called with another point it returns
        the matrix there, without looking for the pattern again.

    Raises:
        TypeError: as for `sparse_jacobian`, or `order` is no whole number.
        ValueError: `order` is neither 1 nor 2.
        ImportError: SciPy is not installed.

    >>> bumps = lambda x: sum((b - a**2) ** 2 for a, b in zip(x, x[1:]))
    >>> pattern = sparsity(bumps, [1.0, 2.0, 3.0, 4.0], order=2)
    >>> pattern
    Hessian of <lambda>: 4 x 4, 10 nonzeros (62.5 %), 3 sweeps
    x x . .
    x x x .
    . x x x
    . . x x
    >>> pattern([0.0, 0.0, 0.0, 0.0]).diagonal().tolist()
    [0.0, 2.0, 2.0, 2.0]
    """
    return SparsityPattern(f, x, as_count(order, "sparsity: order", least=1, most=2), kwargs)


class SparsityPattern:
    """The pattern of a Jacobian or Hessian, with which it is computed at any point.

    The pattern belongs to the operations that `f` did at the first point. Where `f` does others at
    another point, because it branches, the call finds the pattern anew, and its result is as right.

    Attributes:
        shape (tuple of int): the rows and columns of the matrix.
        nnz (int): the number of entries in the pattern.
        sweeps (int): the number of sweeps that compute a matrix.
        matrix: the matrix at the point that the pattern was found at, a ``csr_array``.

    >>> sg.sparsity(lambda x: [x[0], x[0] * x[1]], [1.0, 2.0])
    Jacobian of <lambda>: 2 x 2, 3 nonzeros (75 %), 2 sweeps
    x .
    x x
    """

    def __init__(
        self, f: Callable[..., Any], x: Any, order: int, kwargs: dict[str, Any]
    ) -> None:  # fmt: skip
        self.f, self.order, self._kwargs = checked_function(f, "sparsity"), order, kwargs
        _scipy()
        self._found: _Jacobian | _Hessian | None = None
        with collector_paused():
            self._found, self.matrix = self._at(x)
        self.shape: tuple[int, int] = self.matrix.shape
        self.nnz: int = self.matrix.nnz
        self.sweeps: int = self._found.sweeps

    def __call__(self, x: Any) -> Any:
        """Compute the matrix at `x`.

        Args:
            x: a point, of the nesting of the first one.

        Returns:
            A ``scipy.sparse.csr_array``.
        """
        with collector_paused():
            return self._at(x)[1]

    def _at(self, x: Any) -> tuple[_Jacobian | _Hessian, Any]:
        run = Run(self.f, (x,), 0, self._kwargs)
        _check_plain(run, self.f)
        if self.order == 1:
            outputs = _indices(run.tape, run.outputs)
            return _jacobian(run.tape, outputs, len(run.fresh), run.depends, self._found)
        if not is_number(run.out) or is_static(run.out):
            raise TypeError(
                f"a Hessian needs a function that returns one number, {name_of(self.f)} returned "
                f"{type(run.out).__name__}"
            )
        return _hessian(run, self._found)

    @property
    def _title(self) -> str:
        m, n = self.shape
        share = f" ({100.0 * self.nnz / (m * n):.3g} %)" if m * n else ""
        what = "Jacobian" if self.order == 1 else "Hessian"
        sweeps = f"{self.sweeps} sweep{'s' * (self.sweeps != 1)}"
        return f"{what} of {name_of(self.f)}: {m} x {n}, {self.nnz} nonzeros{share}, {sweeps}"

    def __repr__(self) -> str:
        return "\n".join([self._title, *picture(self.matrix)])

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        forms = {"image/svg+xml": svg(self.matrix, self._title), "text/plain": repr(self)}
        return pages.offered(forms, include, exclude)


def _scipy() -> Any:
    try:
        import scipy.sparse
    except ImportError:
        raise ImportError(
            "sparse matrices need SciPy, which the extra `solve` installs: "
            "pip install 'scalargrad-engine[solve]' from the checkout, or pip install scipy"
        ) from None
    return scipy.sparse


def _check_plain(run: Run, f: Callable[..., Any]) -> None:
    """Refuse what a matrix of plain numbers would cut off from its derivatives."""
    if run.recorder is not None or run.bound or run.depends_on_running_transform():
        raise TypeError(
            f"the sparse derivatives of {name_of(f)} are plain numbers, without derivatives of "
            "their own: they cannot be recorded, nor depend on Values that are differentiated. "
            "Pass numbers (x.data), or use sg.jacobian or sg.hessian"
        )


def _indices(tape: Tape, values: Iterable[Any]) -> list[int]:
    """The nodes of values in a tape; -1 for a plain number."""
    index = tape.index
    return [index[x] if isinstance(x, Value) else -1 for x in values]


def _matrix(data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
    return _scipy().csr_array((data, indices.copy(), indptr.copy()), shape=shape)


class _Graph:
    """What the pattern of a Jacobian depends on; equal ones have equal patterns."""

    def __init__(self, tape: Tape, depends: bytearray, outputs: list[int]) -> None:
        self.parts = (tape.starts, tape.operands, tape.unused, depends, outputs)

    def is_same(self, other: _Graph) -> bool:
        return all(a == b for a, b in zip(self.parts, other.parts, strict=True))


class _Entries:
    """The places of the entries of a matrix, row by row.

    Attributes:
        indptr, indices: as in a CSR matrix.
        rows: the row of each entry; `indices` has its column.
    """

    def __init__(self, rows: list[list[int]]) -> None:
        import numpy as np

        counts = np.fromiter(map(len, rows), np.int64, len(rows))
        self.indptr = np.concatenate([[0], np.cumsum(counts)])
        self.indices = np.fromiter(chain.from_iterable(rows), np.int64, int(counts.sum()))
        self.rows = np.repeat(np.arange(len(rows)), counts)


class _Jacobian:
    """How a Jacobian is computed: its pattern, and what each sweep finds.

    Columns of one colour are pushed at once, and rows that are nearly full are pulled; or rows of
    one colour are pulled at once, and columns that are nearly full are pushed.

    Attributes:
        pushes, pulls: for each sweep the inputs (outputs) to start from, the entries that it finds,
            and the output (input) of each of them.
    """

    def __init__(self, graph: _Graph, rows: list[list[int]], n: int) -> None:
        self.graph, self.shape = graph, (len(rows), n)
        self.entries = entries = _Entries(rows)
        columns: list[list[int]] = [[] for _ in range(n)]
        for i, row in enumerate(rows):
            for j in row:
                columns[j].append(i)
        by_columns = _plan(rows, columns)
        by_rows = _plan(columns, rows)
        self.pushes: list[_Sweep]
        self.pulls: list[_Sweep]
        if by_columns.cost <= by_rows.cost:
            self.pushes, self.pulls = by_columns.sweeps(entries.indices, entries.rows)
        else:
            self.pulls, self.pushes = by_rows.sweeps(entries.rows, entries.indices)
        self.sweeps = len(self.pushes) + len(self.pulls)

    def values(self, tape: Tape, outputs: Sequence[int], depends: bytearray) -> Any:
        """The matrix at the point of a tape."""
        import numpy as np

        n = self.shape[1]
        data = np.zeros(len(self.entries.indices))
        for starts, places, ends in self.pushes:
            found = tape.push_numbers(dict.fromkeys(starts, 1.0))
            data[places] = [found[outputs[i]] or 0.0 for i in ends]
        for starts, places, ends in self.pulls:
            seeds: dict[int, float] = {}
            for i in starts:
                seeds[outputs[i]] = 1.0
            pulled = tape.pull_numbers(seeds, n, depends)
            data[places] = [pulled[j] or 0.0 for j in ends]
        return _matrix(data, self.entries.indices, self.entries.indptr, self.shape)


_Sweep = tuple[list[int], Any, list[int]]  # where it starts, the entries it finds, where they end


class _Plan:
    """Sweeps for the columns of a matrix: one for each colour, and one for each row apart."""

    def __init__(self, apart: list[int], colours: list[int]) -> None:
        self.apart, self.colours = apart, colours
        self.count = max(colours, default=-1) + 1
        self.cost = len(apart) + self.count

    def sweeps(self, columns: Any, rows: Any) -> tuple[list[_Sweep], list[_Sweep]]:
        """The sweeps of colours, and those of the rows apart, for entries at these places."""
        import numpy as np

        own = np.full(int(rows.max(initial=-1)) + 1, -1)
        used = [i for i in self.apart if i < len(own)]
        own[used] = np.arange(len(used))
        alone = own[rows]
        colour = np.where(alone < 0, np.array([*self.colours, -1])[columns], -1)
        starts: list[list[int]] = [[] for _ in range(self.count)]
        for j, c in enumerate(self.colours):
            if c >= 0:
                starts[c].append(j)
        ofc = by_value(colour, self.count)
        ofr = by_value(alone, len(used))
        return (
            [(s, e, rows[e].tolist()) for s, e in zip(starts, ofc, strict=True)],
            [([i], e, columns[e].tolist()) for i, e in zip(used, ofr, strict=True)],
        )


def _plan(rows: list[list[int]], columns: list[list[int]]) -> _Plan:
    apart = hubs([len(row) for row in rows])
    full = set(apart)
    rest = [[i for i in column if i not in full] for column in columns] if full else columns
    return _Plan(apart, coloured(rest, len(rows)))


def _jacobian(
    tape: Tape, outputs: list[int], n: int, depends: bytearray, before: Any
) -> tuple[_Jacobian, Any]:
    """The Jacobian of nodes by the first `n` nodes of a tape; `before` is tried first."""
    graph = _Graph(tape, depends, outputs)
    if before is None or not graph.is_same(before.graph):
        before = _Jacobian(graph, jacobian_rows(tape, n, depends, outputs), n)
    return before, before.values(tape, outputs, depends)


class _Hessian:
    """How a Hessian is computed: its pattern, and what each sweep finds.

    Attributes:
        graph: the graph of the function.
        pairs: by second partial, the two nodes that it belongs to.
        directions: for each sweep the unknowns that move, the entries it finds, and their rows.
    """

    def __init__(self, graph: _Graph, pairs: tuple[Any, Any], rows: list[list[int]]) -> None:
        import numpy as np

        self.graph, self.pairs = graph, pairs
        n = len(rows)
        self.shape = (n, n)
        self.entries = entries = _Entries(rows)
        apart = hubs([len(row) for row in rows])
        full = set(apart)
        rest = [
            [] if i in full else [j for j in row if j not in full] if full else row
            for i, row in enumerate(rows)
        ]
        sweep = np.array(coloured(rest, n), dtype=np.int64)
        count = int(sweep.max(initial=-1)) + 1
        sweep[apart] = count + np.arange(len(apart))
        # An entry and its mirror image come from one number: by the unknown apart, if there is one
        low = np.minimum(entries.rows, entries.indices)
        high = np.maximum(entries.rows, entries.indices)
        is_apart = np.zeros(n, dtype=bool)
        is_apart[apart] = True
        swapped = is_apart[high] & ~is_apart[low]
        columns, ends = np.where(swapped, high, low), np.where(swapped, low, high)
        starts: list[list[int]] = [[] for _ in range(count + len(apart))]
        for j, s in enumerate(sweep.tolist()):
            if s >= 0:
                starts[s].append(j)
        found = by_value(sweep[columns], len(starts))
        self.directions: list[_Sweep] = [
            (s, e, ends[e].tolist()) for s, e in zip(starts, found, strict=True)
        ]
        self.sweeps = len(starts)

    def values(self, tape: Tape, depends: bytearray, weights: Any) -> Any:
        """The matrix at the point of a tape; `weights` are adjoints times second partials."""
        import numpy as np

        n = self.shape[0]
        left, right = self.pairs
        partners = right.tolist()
        data = np.zeros(len(self.entries.indices))
        for starts, places, ends in self.directions:
            tangents = tape.push_numbers(dict.fromkeys(starts, 1.0))
            moving = [tangents[j] for j in partners]
            moves = np.array([t is not None for t in moving], dtype=bool)
            terms = weights[moves] * np.array([t for t in moving if t is not None], dtype=float)
            sums = np.bincount(left[moves], terms)
            nodes = np.unique(left[moves])
            seeds = dict(zip(nodes.tolist(), sums[nodes].tolist(), strict=True))
            found = tape.pull_numbers(seeds, n, depends)
            data[places] = [found[i] or 0.0 for i in ends]
        return _matrix(data, self.entries.indices, self.entries.indptr, self.shape)


def _hessian(run: Run, before: Any) -> tuple[_Hessian, Any]:
    """The Hessian of the result of a run; `before` is tried first."""
    import numpy as np

    tape, depends, n = run.tape, run.depends, len(run.fresh)
    outputs = _indices(tape, run.outputs)
    graph = _Graph(tape, depends, outputs)
    seeds = {i: 1.0 for i in outputs if i >= 0 and depends[i]}
    adjoints = tape.pull_numbers(seeds, len(tape), depends) if seeds else []
    edges: list[Any] = []
    values: list[Any] = []
    with run.building():
        for operations in _operations(tape, n, depends, adjoints):
            (outs, ins), found = operations.second_partials()
            edges.append((outs, ins))
            values.append(found)
    by_edge = np.array(tape.operands, dtype=np.int64)
    empty = np.zeros(0, dtype=np.int64)
    first = np.concatenate([empty, *[a for a, _ in edges]])
    left = by_edge[first]
    right = by_edge[np.concatenate([empty, *[b for _, b in edges]])]
    results = np.searchsorted(np.array(tape.starts), first, side="right") - 1
    gained = [adjoints[i] for i in results.tolist()]
    weights = np.array(gained, dtype=float) * np.concatenate([np.zeros(0), *values])
    is_same = before is not None and graph.is_same(before.graph)
    if not is_same or not all(map(np.array_equal, before.pairs, (left, right))):
        pairs: dict[int, list[int]] = {}
        for i, j in np.unique(np.sort([left, right], axis=0), axis=1).T.tolist():
            pairs.setdefault(j, []).append(i)
        rows = hessian_rows(tape, n, depends, pairs)
        before = _Hessian(graph, (left, right), rows)
    return before, before.values(tape, depends, weights)


class _Operations:
    """Operations that are not linear, each with operands of its own, and their partials as Values.

    Attributes:
        outs: by partial its edge, in the tape of the function; `owners` the operation.
        ins: by operand its edge; `users` the operation.
    """

    def __init__(self) -> None:
        self.outs: list[int] = []
        self.ins: list[int] = []
        self.partials: list[Any] = []
        self.operands: list[Any] = []
        self.owners: list[int] = []
        self.users: list[int] = []

    def second_partials(self) -> tuple[tuple[Any, Any], Any]:
        """The edges of the partials and of the operands, and the second partials there.

        The first partials of all operations are pulled at once, then the second ones, and so on:
        no operation reaches the operands of another. One with many operands stands alone; its
        partials are a function whose Jacobian may be sparse.
        """
        import numpy as np

        tape = Tape.of(self.partials, self.operands)
        n = len(self.operands)
        reached = tape.reach(range(n))
        nodes = _indices(tape, self.partials)
        if n > _WIDE and self.users[0] == self.users[-1]:
            matrix = _jacobian(tape, nodes, n, reached, None)[1].tocoo()
            rows, columns = matrix.coords
            return (np.array(self.outs)[rows], np.array(self.ins)[columns]), matrix.data
        outs: list[int] = []
        ins: list[int] = []
        values: list[float] = []
        rank, before = 0, -1
        ranks: list[dict[int, int]] = []  # by rank: the partial of each operation
        for k, owner in enumerate(self.owners):
            rank = rank + 1 if owner == before else 0
            before = owner
            if rank == len(ranks):
                ranks.append({})
            ranks[rank][owner] = k
        for chosen in ranks:
            found = tape.pull_numbers({nodes[k]: 1.0 for k in chosen.values()}, n, reached)
            for j, value in enumerate(found):
                if value is not None:
                    outs.append(self.outs[chosen[self.users[j]]])
                    ins.append(self.ins[j])
                    values.append(value)
        return (np.array(outs, dtype=np.int64), np.array(ins, dtype=np.int64)), np.array(values)


def _operations(
    tape: Tape, n: int, depends: bytearray, adjoints: Sequence[float | None]
) -> Iterator[_Operations]:
    """The operations of a graph that are not linear, many at a time."""
    nodes, starts, operands, unused = tape.nodes, tape.starts, tape.operands, tape.unused
    linear: dict[Any, bool] = {}  # by row and number of operands
    bends: set[Any] = set()  # the rows, with what is known of their operands, that did so far
    chunk = _Operations()
    for i in range(n, len(tape)):
        first, end = starts[i], starts[i + 1]
        if first == end or adjoints[i] is None:
            continue
        node = nodes[i]
        primitive = node._row
        kind = primitive, end - first
        if kind not in linear:
            linear[kind] = _has_constant_partials(*kind)
        if linear[kind]:
            continue
        parents = node.parents
        live = tuple([not unused[e] and depends[operands[e]] for e in range(first, end)])
        if (primitive, live) not in bends:
            mixed = [x if alive else x._data for x, alive in zip(parents, live, strict=True)]
            slopes = primitive.partials(*mixed, node)
            pairs = zip(slopes, live, strict=True)
            if not any(alive and isinstance(slope, Value) for slope, alive in pairs):
                continue
            bends.add((primitive, live))
        target = chunk if len(live) <= _WIDE else _Operations()
        own = [
            leaf(x._data, _OPERAND) if alive else x for x, alive in zip(parents, live, strict=True)
        ]
        out = nary(primitive, node._data, tuple(own), node.partials)
        mixed = [x if alive else x._data for x, alive in zip(own, live, strict=True)]
        for k, slope in enumerate(primitive.partials(*mixed, out)):
            if live[k]:
                target.ins.append(first + k)
                target.operands.append(own[k])
                target.users.append(i)
                if isinstance(slope, Value):
                    target.outs.append(first + k)
                    target.partials.append(slope)
                    target.owners.append(i)
        if target is not chunk:
            yield target
        elif len(chunk.operands) >= _CHUNK:
            yield chunk
            chunk = _Operations()
    yield chunk


def _has_constant_partials(primitive: Any, count: int) -> bool:
    """Whether the partials of a row are the same whatever its operands are."""
    unknown = [object() for _ in range(count + 1)]
    try:
        return set(map(type, primitive.partials(*unknown))) <= {float}
    except Exception:  # the partials look at the operands
        return False
