"""A compiled function as source text: which of its recordings, and in which language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from scalargrad.replay.export.c_source import c_source
from scalargrad.replay.export.derived import Derived, derive
from scalargrad.replay.export.numpy_source import numpy_source
from scalargrad.replay.export.recorded import Kind, Recorded

__all__ = ["source"]


class Writer(Protocol):
    """A function that writes a recorded program in a language.

    Args:
        recorded: The compiled function.
        kind: The arguments to write it for.
        derived: The programs of its branches.

    Raises:
        TypeError: An operation has no spelling in the language.
    """

    def __call__(self, recorded: Recorded, kind: Kind, derived: Sequence[Derived], /) -> str: ...


_WRITERS: dict[str, Writer] = {"c": c_source, "python": numpy_source}


def source(recorded: Recorded, key: tuple[Any, ...] | None, language: str) -> str:
    """The text of an export.

    Args:
        recorded: The compiled function.
        key: The shapes of the arguments to write it for; None if there is only one kind of them.
        language: "c" or "python".

    Raises:
        TypeError: An operation cannot be written.
        ValueError: There are several kinds of arguments, or a branch cannot be written.
    """
    caller = f"to_source({language!r})"
    kind = _chosen(recorded, key, caller)
    return _WRITERS[language](recorded, kind, derive(recorded, kind, caller))


def _chosen(recorded: Recorded, key: tuple[Any, ...] | None, caller: str) -> Kind:
    if key is not None:
        (kind,) = [kind for kind in recorded.kinds if kind.key == key]
        return kind
    if len(recorded.kinds) > 1:
        shapes = " and ".join([str(kind) for kind in recorded.kinds[:4]])
        raise ValueError(
            f"{caller}: {recorded.name} was recorded for arguments of several shapes, {shapes}: "
            "pass example arguments, as in to_source('c', X, Y)"
        )
    return recorded.kinds[0]
