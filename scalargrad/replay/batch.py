"""The arguments of a compiled function: the numbers of many samples, as columns for a backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from math import prod
from sys import getrefcount
from typing import Any, NamedTuple

from scalargrad.core.numbers import as_float
from scalargrad.replay.arrays import array_library, as_array, ragged
from scalargrad.transforms.tree import (
    is_container,
    is_static,
    names_in,
    nested,
    skeleton,
    without_numbers,
)

__all__ = ["Batch", "Memory", "Nesting", "Static", "argument_names"]

Shape = tuple[int, ...]
Found = tuple[Shape, Any, int | None]  # the shape of a sample, the columns, the number of samples
_NOTHING: tuple[tuple[Any, ...], ...] = ((), (), ())  # found in no arguments
_LARGE = 1 << 13  # numbers: the memory of fewer is Python's own, and no new page


def _references_to_a_local() -> int:
    """The count of an object that one name holds: 2, and fewer from Python 3.14 on."""
    array = object()
    return getrefcount(array)


_ALONE = _references_to_a_local()


class Memory:
    """Arrays for the columns of batches, which later batches use again.

    The system clears new memory page by page: 1.1 of 3.4 ms with 180 columns of 1,000 samples.
    """

    MOST = 1 << 25  # bytes, beyond which an array is not kept

    def __init__(self) -> None:
        self._free: list[Any] = []  # list.append and list.pop are safe between threads

    def take(self, shape: tuple[int, int]) -> Any:
        """An array of this shape, whose numbers are to be written."""
        while self._free:
            try:
                array = self._free.pop()
            except IndexError:  # another thread was faster
                break
            # Besides this name only a result that is a view of it can hold it
            if array.shape == shape and getrefcount(array) <= _ALONE:
                return array
        return array_library().empty(shape)

    def give(self, array: Any) -> None:
        """Let a later batch use an array that nobody writes or reads any more."""
        if array.nbytes <= self.MOST:
            self._free.append(array)


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the `count` positional arguments of `f`."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # functions written in C may have no signature
        parameters = {}.values()
    names: list[str] = []
    for p in parameters:
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
        elif p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(count - len(names))]
    return (names + [f"argument {i}" for i in range(len(names), count)])[:count]


class Static(NamedTuple):
    """In a key: an argument of all samples. True is 1 and -0.0 is 0.0, but not here."""

    kind: type
    value: Any
    text: str


class Nesting(NamedTuple):
    """In a key: an argument that is a nesting of columns."""

    kind: type
    skeleton: str
    shapes: tuple[Shape, ...]


class Batch:
    """Samples as columns: one row for each number of a sample.

    An argument is a column, an array whose first axis counts the samples, or a nesting of columns
    in dicts, named tuples, dataclasses and registered classes. None, texts and flags in it, or in
    the place of an argument, belong to all samples.

    Attributes:
        count: The number of samples.
        single: Whether the arguments were plain numbers: one sample, and results are plain numbers.
        columns: An array (numbers of a sample, count), or a list of lists without NumPy.
        shapes: For each column the shape of one sample.
        key: What is equal for batches that one program can run on: the shapes, the nestings, and
            what belongs to all samples.
    """

    def __init__(
        self, args: Sequence[Any], names: Sequence[str], static: frozenset[int], memory: Memory
    ) -> None:
        if static and max(static) >= len(args):
            raise ValueError(
                f"static_argnums={max(static)}, but there are {len(args)} arguments, counted from 0"
            )
        self.args = list(args)
        self._memory, self._taken = memory, None
        np = array_library()
        self.static = static
        self.columns: Any
        self.names: Sequence[str]  # of the columns
        usual = np is not None and not static and {*map(type, args)} <= {float, np.ndarray}
        if usual:  # 3.4 us for two arrays, where the general way takes 7.1
            self.names, found = names, [*map(_array_columns, args, names)]
        else:
            self.names, key, found = self._found(args, names)
        self.shapes, rows, counts = zip(*found, strict=True) if found else _NOTHING
        self.key: tuple[Any, ...] = self.shapes if usual else key
        self.single, self.count = self._counted(counts)
        if np is None:
            self.columns = [row for columns in rows for row in columns]
        elif len(rows) == 1:
            self.columns = np.ascontiguousarray(rows[0])
        elif (size := sum(map(len, rows))) * self.count < _LARGE:
            self.columns = np.concatenate(rows) if rows else np.empty((0, self.count))
        else:
            self.columns = self._taken = memory.take((size, self.count))
            np.concatenate(rows, out=self.columns)

    def _found(
        self, args: Sequence[Any], names: Sequence[str]
    ) -> tuple[list[str], tuple[Any, ...], list[Found]]:
        """The names of the columns in arguments of any kind, their key, and what is in them."""
        read = _columns if array_library() is None else _array_columns
        columns: list[str] = []
        found: list[Found] = []
        key: list[Any] = []
        for i, (x, name) in enumerate(zip(args, names, strict=True)):
            if i in self.static or is_static(x):
                self.static |= {i}
                key.append(_hashable(x, name))
                continue
            inside, parts = [name], [x]
            if not _is_column(x):
                inside, parts = names_in(x, name, _is_column), []
                nested(parts.append, x, f"argument {name!r}", whole=_is_column, derivatives=True)
            first = len(found)
            found += [read(part, own) for own, part in zip(inside, parts, strict=True)]
            shapes = [shape for shape, _, _ in found[first:]]
            columns += inside
            if inside[:1] == [name]:
                key.append(shapes[0])
            else:
                key.append(Nesting(type(x), repr(skeleton(x, _is_column)), tuple(shapes)))
        if not found and (given := [i for i in range(len(args)) if i not in self.static]):
            raise without_numbers(args[given[0]], f"argument {names[given[0]]!r}")
        return columns, tuple(key), found

    def done(self) -> None:
        """Leave the memory of the columns to a later batch: nobody reads them any more."""
        if self._taken is not None:
            self._memory.give(self._taken)

    def _counted(self, counts: Sequence[int | None]) -> tuple[bool, int]:
        if counts and counts[0] and counts.count(counts[0]) == len(counts):
            return False, counts[0]  # the usual case
        sized = [i for i, count in enumerate(counts) if count is not None]
        if not sized:
            return True, 1
        first = sized[0]
        for i in range(len(counts)):
            if counts[i] is None:
                raise ValueError(
                    f"argument {self.names[i]!r} is one number, but {self.names[first]!r} has "
                    f"{counts[first]} samples: pass one number per sample, or [x] and [y] for one "
                    "sample, or list its position in static_argnums if all samples share it"
                )
            if counts[i] != counts[first]:
                raise ValueError(
                    f"argument {self.names[i]!r} has {counts[i]} samples, but "
                    f"{self.names[first]!r} has {counts[first]}: their first axes must agree"
                )
        count = counts[first]
        if not count:
            raise ValueError(f"argument {self.names[first]!r} has no samples")
        return False, count

    def sample(self, index: int, through: Callable[[float], Any]) -> list[Any]:
        """The arguments of the function for one sample, with each number passed `through`."""
        numbers = iter([through(float(column[index])) for column in self.columns])
        shapes = iter(self.shapes)
        return [
            x
            if i in self.static
            else nested(lambda _: _filled(next(shapes), numbers), x, "argument", whole=_is_column)
            for i, x in enumerate(self.args)
        ]

    def number_names(self) -> list[str]:
        """A name for each number of a sample, like x[0][1]."""
        return [
            name + "".join(f"[{k}]" for k in index)
            for name, shape in zip(self.names, self.shapes, strict=True)
            for index in product(*map(range, shape))
        ]

    def refilled(self, columns: Sequence[Any]) -> Any:
        """Rows like `columns` in the nesting of the arguments; not in a tuple if there is one."""
        it = iter(columns)
        shapes = iter(self.shapes)

        def filled(_: Any) -> Any:
            shape = next(shapes)
            return self._column(list(islice(it, prod(shape))), shape)

        moving = [x for i, x in enumerate(self.args) if i not in self.static]
        parts = [nested(filled, x, "argument", whole=_is_column, derivatives=True) for x in moving]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _column(self, rows: list[Any], shape: Shape) -> Any:
        np = array_library()
        if self.single:
            return float(rows[0][0])
        if np is None:
            return [_filled(shape, iter(sample)) for sample in zip(*rows, strict=True)]
        if not rows:
            return np.empty((self.count, *shape))
        return np.stack(rows, axis=-1).reshape((self.count, *shape))

    def chosen(self, indices: Any) -> Any:
        """The columns of the samples at these indices."""
        if array_library() is None:
            return [[column[i] for i in indices] for column in self.columns]
        return self.columns[:, indices]


def _is_column(x: Any) -> bool:
    """Whether an argument is one column, or no nesting that is known: then its errors are those."""
    return x.__class__ is list or x.__class__ is tuple or not (is_static(x) or is_container(x))


def _array_columns(x: Any, name: str) -> Found:
    float64 = x.__class__.__name__ == "ndarray" and x.dtype.char == "d"
    array = x if float64 else as_array(x, f"argument {name!r}")  # the name takes 0.1 us
    if array.ndim == 0:
        return (), array.reshape(1, 1), None
    if array.ndim == 1:
        return (), array[None], len(array)
    return array.shape[1:], array.reshape(len(array), prod(array.shape[1:])).T, len(array)


def _columns(x: Any, name: str) -> Found:
    if not isinstance(x, (list, tuple)):
        return (), [[as_float(x, f"argument {name!r}")]], None
    shape = _shape(x[0], name) if x else ()
    samples: list[list[float]] = [list(_flat(sample, shape, name)) for sample in x]
    columns = [list(column) for column in zip(*samples, strict=True)]
    return shape, columns or [[]] * prod(shape), len(x)


def _shape(x: Any, name: str) -> Shape:
    shape: list[int] = []
    while isinstance(x, (list, tuple)):
        if len(shape) == 64:  # as in NumPy; a list that contains itself has no end
            raise ragged(f"argument {name!r}")
        shape.append(len(x))
        x = x[0] if x else None
    return tuple(shape)


def _flat(x: Any, shape: Shape, name: str) -> Iterator[float]:
    if not shape:
        yield as_float(x, f"argument {name!r}")
    elif not isinstance(x, (list, tuple)) or len(x) != shape[0]:
        raise ragged(f"argument {name!r}")
    else:
        for part in x:
            yield from _flat(part, shape[1:], name)


def _filled(shape: Shape, numbers: Iterator[Any]) -> Any:
    if not shape:
        return next(numbers)
    return [_filled(shape[1:], numbers) for _ in range(shape[0])]


def _hashable(x: Any, name: str) -> Static:
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"the static argument {name!r} must be hashable, like numbers, strings and tuples, "
            f"because each of its values is recorded separately, got {type(x).__name__}"
        ) from None
    return Static(type(x), x, repr(x))
