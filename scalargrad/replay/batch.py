"""The arguments of a compiled function: the numbers of many samples, laid out for a backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from scalargrad.core.numbers import Traced, as_float, is_number
from scalargrad.replay.arrays import array_library

__all__ = ["Batch", "argument_names"]

Shape = tuple[int, ...]


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """What the `count` positional arguments of `f` are called."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a function written in C
        parameters = {}.values()
    names: list[str] = []
    for p in parameters:
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
        elif p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(count - len(names))]
    return (names + [f"argument {i}" for i in range(len(names), count)])[:count]


class Batch:
    """Samples, one number of each in a row.

    count    how many samples there are
    single   whether the arguments were plain numbers: one sample, and numbers are given back
    columns  an array (numbers of a sample, count), or a list of lists where there is no NumPy
    shapes   of one sample, for each argument; for a static argument what it is
    """

    def __init__(self, args: Sequence[Any], names: Sequence[str], static: frozenset[int]) -> None:
        self.names, self.static = names, static
        if static and max(static) >= len(args):
            raise ValueError(
                f"static_argnums={max(static)}, but there are {len(args)} arguments, from 0 on"
            )
        self.args = list(args)
        np = array_library()
        rows: list[Any] = []
        self.columns: Any
        self.shapes: list[Any] = []
        counts: list[int | None] = []
        for i, (x, name) in enumerate(zip(args, names, strict=True)):
            if i in static:
                self.shapes.append(_hashable(x, name))
                counts.append(None)
                continue
            shape, columns, count = (_columns if np is None else _array_columns)(x, name)
            self.shapes.append(shape)
            counts.append(count)
            rows += columns if np is None else [columns]
        self.single, self.count = self._counted(counts)
        if np is None:
            self.columns = rows
        elif len(rows) == 1:
            self.columns = np.ascontiguousarray(rows[0])
        else:
            self.columns = np.concatenate(rows) if rows else np.empty((0, self.count))

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for batches that one program can run on."""
        return tuple(self.shapes)

    def _counted(self, counts: list[int | None]) -> tuple[bool, int]:
        if not self.static and counts and counts[0] and counts.count(counts[0]) == len(counts):
            return False, counts[0]  # as nearly always
        moving = [i for i in range(len(counts)) if i not in self.static]
        sized = [i for i in moving if counts[i] is not None]
        if not sized:
            return True, 1
        first = sized[0]
        for i in moving:
            if counts[i] is None:
                raise ValueError(
                    f"argument {self.names[i]!r} is one number, but {self.names[first]!r} has "
                    f"{counts[first]} samples: give a number for each sample, or [x] and [y] if "
                    "this is one sample, or name it in static_argnums if it is the same for all"
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
        """The arguments of the function for one sample, each number in them passed `through`."""
        numbers = iter([through(float(column[index])) for column in self.columns])
        return [
            self.args[i] if i in self.static else _filled(shape, numbers)
            for i, shape in enumerate(self.shapes)
        ]

    def number_names(self) -> list[str]:
        """A name for each number of a sample, like x[0][1]."""
        found = []
        for i, shape in enumerate(self.shapes):
            if i not in self.static:
                found += [self.names[i] + place for place in _places(shape)]
        return found

    def refilled(self, columns: Sequence[Any]) -> Any:
        """Numbers laid out like `columns` in the form of the arguments; alone if there is one."""
        np = array_library()
        it = iter(columns)
        made: list[Any] = []
        for i, shape in enumerate(self.shapes):
            if i in self.static:
                continue
            rows = list(islice(it, _size(shape)))
            if self.single:
                made.append(float(rows[0][0]))
            elif np is not None and not rows:
                made.append(np.empty((self.count, *shape)))
            elif np is None:
                made.append([_filled(shape, iter(sample)) for sample in zip(*rows, strict=True)])
            else:
                made.append(np.stack(rows, axis=-1).reshape((self.count, *shape)))
        return made[0] if len(made) == 1 else tuple(made)

    def chosen(self, indices: Any) -> Any:
        """The columns of some samples only."""
        if array_library() is None:
            return [[column[i] for i in indices] for column in self.columns]
        return self.columns[:, indices]


def _array_columns(x: Any, name: str) -> tuple[Shape, Any, int | None]:
    np = array_library()
    try:
        array = np.asarray(x)
    except ValueError:
        raise _ragged(name) from None
    if array.dtype.kind not in "fiub" and not _all_numbers(array):
        got = f"array of {array.dtype}" if hasattr(x, "dtype") else type(x).__name__
        raise TypeError(
            f"argument {name!r} must be an array of real numbers, or a list of them, got {got}: "
            f"{x!r:.60}"
        )
    if array.dtype.char != "d":
        array = array.astype(np.float64)
    if array.ndim == 0:
        return (), array.reshape(1, 1), None
    if array.ndim == 1:
        return (), array[None], len(array)
    return array.shape[1:], array.reshape(len(array), _size(array.shape[1:])).T, len(array)


def _ragged(name: str) -> ValueError:
    return ValueError(
        f"argument {name!r} is a list whose rows differ in length: every sample must have as many "
        "numbers"
    )


def _all_numbers(array: Any) -> bool:
    """Whether an array of objects holds real numbers only, like Fractions."""
    numbers = array.ravel().tolist() if array.dtype.kind == "O" else [""]
    return all(is_number(x) and not isinstance(x, Traced) for x in numbers)


def _columns(x: Any, name: str) -> tuple[Shape, list[list[float]], int | None]:
    if not isinstance(x, (list, tuple)):
        return (), [[as_float(x, f"argument {name!r}")]], None
    shape = _shape(x[0]) if x else ()
    samples: list[list[float]] = [list(_flat(sample, shape, name)) for sample in x]
    columns = [list(column) for column in zip(*samples, strict=True)]
    return shape, columns or [[]] * _size(shape), len(x)


def _shape(x: Any) -> Shape:
    return (len(x), *(_shape(x[0]) if x else ())) if isinstance(x, (list, tuple)) else ()


def _flat(x: Any, shape: Shape, name: str) -> Iterator[float]:
    if not shape:
        yield as_float(x, f"argument {name!r}")
    elif not isinstance(x, (list, tuple)) or len(x) != shape[0]:
        raise _ragged(name)
    else:
        for part in x:
            yield from _flat(part, shape[1:], name)


def _filled(shape: Shape, numbers: Iterator[Any]) -> Any:
    if not shape:
        return next(numbers)
    return [_filled(shape[1:], numbers) for _ in range(shape[0])]


def _places(shape: Shape) -> list[str]:
    if not shape:
        return [""]
    return [f"[{i}]{rest}" for i in range(shape[0]) for rest in _places(shape[1:])]


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _hashable(x: Any, name: str) -> Any:
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"the static argument {name!r} must be hashable, as numbers, strings and tuples are: "
            f"each value of it is recorded apart, got {type(x).__name__}"
        ) from None
    return type(x), x, repr(x)  # True is 1 and -0.0 is 0.0, but not to every function
