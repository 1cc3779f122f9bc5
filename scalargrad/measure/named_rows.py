"""Rows of a table that are found by position or by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, overload

from scalargrad.core.numbers import written

__all__ = ["NamedRows"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=_Named)


class NamedRows(Sequence[Row], Generic[Row]):
    """Rows in order, each with a `name`.

    >>> from typing import NamedTuple
    >>> class Pair(NamedTuple):
    ...     name: str
    ...     value: float
    >>> from scalargrad.measure.named_rows import NamedRows
    >>> rows = NamedRows([Pair("a", 1.0), Pair("b", 2.0)])
    >>> rows["b"].value, rows[0].value, [row.name for row in rows], "a" in rows
    (2.0, 1.0, ['a', 'b'], True)
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, key: int | str) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Row]: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for row in self._rows:
                if row.name == key:
                    return row
            names = ", ".join(repr(row.name) for row in self._rows[:10])
            raise KeyError(f"no row is named {written(key)}: there are {names}")
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __contains__(self, x: object) -> bool:
        return any(row.name == x if isinstance(x, str) else row == x for row in self._rows)

    def __repr__(self) -> str:
        return repr([*self._rows])
