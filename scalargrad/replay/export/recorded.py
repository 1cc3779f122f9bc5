"""What a compiled function has recorded, as plain data: what is written, and what is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalargrad.core.labels import label_of
from scalargrad.core.value import Value
from scalargrad.replay.batch import Nesting, Static
from scalargrad.replay.program import Program

if TYPE_CHECKING:
    from scalargrad.replay.variant import Variant

__all__ = ["Argument", "Branch", "Kind", "Recorded"]


@dataclass(frozen=True)
class Argument:
    """An argument of the function: the shape of one sample; of a static one its value."""

    name: str
    shape: tuple[int, ...] = ()
    is_static: bool = False
    static: Any = None


@dataclass(frozen=True)
class Branch:
    """One recording.

    Attributes:
        literal: The literal program.
        values: Which of `Recorded.labels` each parameter of the program is.
        out: The nesting of the result, with 0.0 in the place of each number.
        failure: The position in `literal.checked` of an operation that failed for good, or None.
        hopeless: All such positions that are known.
    """

    literal: Program
    values: tuple[int, ...]
    out: Any
    failure: int | None = None
    hopeless: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Kind:
    """The recordings for arguments of the same shapes."""

    arguments: tuple[Argument, ...]
    branches: tuple[Branch, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """What `Batch.key` is for such arguments."""
        return tuple(
            [
                (type(a.static), a.static, repr(a.static)) if a.is_static else a.shape
                for a in self.arguments
            ]
        )

    def fits(self, args: Sequence[Any]) -> bool:
        """Whether these are arguments of one sample of this kind."""
        return len(args) == len(self.arguments) and all(
            repr(x) == repr(argument.static) and type(x) is type(argument.static)
            if argument.is_static
            else _shape(x) == argument.shape
            for x, argument in zip(args, self.arguments, strict=True)
        )

    def __str__(self) -> str:
        shapes = [
            f"{a.name}={a.static!r:.30}" if a.is_static else f"{a.name}: {(*a.shape,)}"
            for a in self.arguments
        ]
        return f"({', '.join(shapes)})"


def _shape(x: Any) -> tuple[int, ...]:
    """The shape of a nested list or of an array."""
    if hasattr(x, "shape"):
        return tuple(x.shape)
    shape: list[int] = []
    while isinstance(x, (list, tuple)) and len(shape) < 64:
        shape.append(len(x))
        x = x[0] if x else None
    return tuple(shape)


@dataclass(frozen=True)
class Recorded:
    """A compiled function without its Python code.

    Attributes:
        name: The name of the function.
        reduction: "mean" or "sum".
        allow_nonfinite: Whether results may be nan or infinite.
        labels, numbers: The label and the number of each Value in use: first the parameters, then
            other Values that the function uses.
        params: How many of them are parameters.
        kinds: The recordings.
    """

    name: str
    reduction: str
    allow_nonfinite: bool
    labels: tuple[str, ...]
    numbers: tuple[float, ...]
    params: int
    kinds: tuple[Kind, ...] = field(default=())

    @classmethod
    def of(
        cls, name: str, reduction: str, allow_nonfinite: bool, params: Sequence[Value],
        variants: Mapping[Any, Sequence[Variant]], names: Callable[[int], Sequence[str]],
    ) -> Recorded:  # fmt: skip
        """What a compiled function consists of.

        Args:
            name: The name of the function.
            reduction: As it was compiled.
            allow_nonfinite: Likewise.
            params: The parameters.
            variants: By the key of their arguments, its recordings.
            names: Gives the names of that many arguments.
        """
        index = {value: i for i, value in enumerate(params)}
        for recordings in variants.values():
            for variant in recordings:
                for value in variant.found:
                    index.setdefault(value, len(index))
        kinds = []
        for key, recordings in variants.items():
            arguments = []
            for argument, part in zip(names(len(key)), key, strict=True):
                if isinstance(part, Nesting):
                    raise TypeError(
                        f"{name} takes a {part.kind.__name__} as {argument!r}: only functions of "
                        "numbers and nested lists are exported"
                    )
                if isinstance(part, Static):
                    arguments.append(Argument(argument, is_static=True, static=part.value))
                else:
                    arguments.append(Argument(argument, part))
            branches = [
                Branch(
                    variant.literal,
                    tuple([index[value] for value in (*params, *variant.found)]),
                    variant.out,
                    variant.failure,
                    frozenset(variant.hopeless),
                )
                for variant in recordings
            ]
            kinds.append(Kind(tuple(arguments), tuple(branches)))
        return cls(
            name, reduction, allow_nonfinite, tuple(map(label_of, index)),
            tuple([value.data for value in index]), len(params), tuple(kinds),
        )  # fmt: skip
