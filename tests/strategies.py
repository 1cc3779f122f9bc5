"""What tests compute with: random programs over the table of operations, and long chains."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from hypothesis import strategies as st

from scalargrad import Value
from scalargrad.core.rows import TABLE, Primitive

# Every operation; those of one or two operands; and without kinks, where slopes are measured.
ALL = [*TABLE.values()]
ANY = [row for row in TABLE.values() if row.arity in (1, 2)]
SMOOTH = [row for row in ANY if not row.kinks]
inputs = st.floats(-3.0, 3.0).map(lambda x: round(x, 3))


@dataclass(frozen=True)
class Program:
    """Instructions (row, places of its operands) over some inputs and one constant."""

    point: tuple[float, ...]
    constant: float
    steps: tuple[tuple[Primitive, tuple[int, ...]], ...]

    def __call__(self, *xs: Any) -> Any:
        places: list[Any] = [*xs, self.constant]
        for row, operands in self.steps:
            places.append(row(*(places[i] for i in operands)))
            if row.name == "take" and isnan(getattr(places[-1], "_data", places[-1])):
                raise ValueError("an index beyond the list, which sg.take refuses")
        return places[-1]

    def __repr__(self) -> str:
        names = [f"x{i}" for i in range(len(self.point))] + [repr(self.constant)]
        lines = [f"x = {self.point}"]
        for row, operands in self.steps:
            names.append(f"v{len(names)}")
            lines.append(f"{names[-1]} = {row.write(*(names[i] for i in operands))}")
        return "\n".join(lines)


def _moderate(numbers: Sequence[float]) -> bool:
    return all(isfinite(x) and abs(x) < 1e3 for x in numbers)


@st.composite
def programs(
    draw: Callable[..., Any], rows: Sequence[Primitive] = tuple(ANY), most: int = 10
) -> Program:
    """A program that can be run at its point: steps that lead out of the domain are left out."""
    point = draw(st.lists(inputs, min_size=1, max_size=3))
    constant = draw(inputs)
    places = [*point, constant]
    steps = []
    for _ in range(draw(st.integers(1, most))):
        row = draw(st.sampled_from(rows))
        count = draw(st.integers(2, 5)) if row.arity is None else row.arity
        operands = tuple(draw(st.integers(0, len(places) - 1)) for _ in range(count))
        numbers = [places[i] for i in operands]
        try:
            out = row(*numbers)
            slopes = row.partials(*numbers, out)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if _moderate([out, *slopes]):
            places.append(out)
            steps.append((row, operands))
    return Program(tuple(point), constant, tuple(steps))


# Where operations overflow, leave their domain or jump, and where they are just inside.
extremes = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 1e-200, -1e-9, 3.0, 700.0, -800.0, 1e5, -43.0, 1e200, -1e200]
)


@st.composite
def wild_programs(draw: Callable[..., Any], rows: Sequence[Primitive], most: int = 6) -> Program:
    """A program that may lead out of every domain; its point consists of two numbers."""
    point = draw(st.tuples(extremes | inputs, extremes | inputs))
    constant = draw(extremes | inputs)
    count = 3
    steps = []
    for _ in range(draw(st.integers(1, most))):
        row = draw(st.sampled_from(rows))
        arity = draw(st.integers(1, 4)) if row.arity is None else row.arity
        if row.name == "dot":
            arity += arity == 1
        # mostly the latest numbers: what fails is then hidden by what follows
        places = [max(0, count - 1 - draw(st.integers(0, 3))) for _ in range(arity)]
        steps.append((row, tuple(places)))
        count += 1
    return Program(point, constant, tuple(steps))


def chain(n: int, x: Value | None = None) -> Value:
    """`x`, or 1.0, negated `n` times."""
    result = Value(1.0) if x is None else x
    for _ in range(n):
        result = -result
    return result
