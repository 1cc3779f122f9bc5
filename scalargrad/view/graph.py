"""The graph that is drawn: boxes and edges as plain data, the same for every view."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, isnan
from typing import Literal, NamedTuple

from scalargrad.core.labels import format_number

__all__ = ["Box", "Edge", "Graph", "Kind", "Role", "Row", "count", "largest_size"]

Kind = Literal["parameter", "input", "constant", "operation", "result", "group", "bundle"]
Role = Literal["title", "data", "grad", "count", "mark"]


class Row(NamedTuple):
    """One line of text in a box, and its role."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """One value, or a group of many; `label` and `op` are cleaned.

    `number` is the index of the box in its graph; DOT text names it n0, n1 and so on. `values` and
    `parameters` count what a group holds; its `data` is None and its `grad` the largest |grad| in
    it. `grad` is None before a backward pass, which is not the same as a gradient of zero. A box
    of a `recorded` program has no `grad`, and `data` only if it is constant: the other numbers
    differ by sample. A `mark` is what `diagnose` found, of a group what it found first, and
    `marked` how many values in the box bear it.
    """

    number: int
    kind: Kind
    label: str
    op: str
    data: float | None
    grad: float | None
    values: int = 1
    parameters: int = 0
    recorded: bool = False
    mark: str = ""
    marked: int = 0

    @property
    def title(self) -> str:
        """The label and the operation, such as "a3 = tanh"; may be empty."""
        return f"{self.label} = {self.op}" if self.label and self.op else self.label or self.op

    @property
    def rows(self) -> tuple[Row, ...]:
        """The lines of text in the box, the same in every view.

        >>> [row.text for row in Box(0, "operation", "a3", "tanh", 0.60437, -0.25).rows]
        ['a3 = tanh', 'data 0.6044', 'grad -0.25']
        """
        rows = [Row("title", self.title)]
        grad = "–" if self.grad is None else format_number(self.grad)
        largest = "" if self.recorded else f"largest |grad| {grad}"
        if self.kind == "group":
            rows.append(Row("count", count(self.values, "value")))
            if self.parameters:
                rows.append(Row("count", count(self.parameters, "parameter")))
            rows.append(Row("grad", largest))
        elif self.kind == "bundle":
            rows.append(Row("grad", largest))
        elif self.kind == "constant":
            # A plain number is read as itself, and its gradient is of no use.
            number = Row("data", format_number(self.data or 0.0))
            rows.append(Row("count", count(self.values, "value")) if self.values > 1 else number)
        elif self.data is not None:
            rows.append(Row("data", f"data {format_number(self.data or 0.0)}"))
            rows.append(Row("grad", "" if self.recorded else f"grad {grad}"))
        if self.mark:
            rows.append(Row("mark", self.mark + (f" ×{self.marked:,}" if self.marked > 1 else "")))
        return tuple(row for row in rows if row.text)

    @property
    def lines(self) -> tuple[str, ...]:
        """The texts of `rows`."""
        return tuple(row.text for row in self.rows)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge from the box `tail` to the box `head`, whose operand `position` the tail is.

    `partial` is the local derivative of the head with respect to the tail, and `text` what the
    picture writes on the line. A bundle is one line for `count` edges between the same two boxes:
    its `position` and `partial` mean nothing, and `grad` is the largest |grad| of the parameters
    along these edges, or None where the picture does not show it.
    """

    tail: int
    head: int
    position: int
    partial: float
    text: str
    count: int = 1
    grad: float | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The text on the line, the same in every view; empty where there is none.

        >>> Edge(0, 1, 0, 1.0, "256 weights", count=256, grad=0.03125).lines
        ('256 weights', 'largest |grad| 0.03125')
        """
        largest = "" if self.grad is None else f"largest |grad| {format_number(self.grad)}"
        return tuple(filter(None, (self.text, largest)))


@dataclass(frozen=True)
class Graph:
    """Boxes in topological order, the edges between them, and what was collapsed (`notice`).

    `backward` is whether a backward pass has set gradients.
    """

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    notice: str
    rankdir: str
    backward: bool = True

    @cached_property  # every box needs it for its colour
    def largest(self) -> float:
        """The largest finite |grad| of bundles and of boxes other than constants; 0 for none."""
        grads = [box.grad for box in self.boxes if box.kind != "constant"]
        grads += [edge.grad for edge in self.edges]
        return max(
            (abs(grad) for grad in grads if grad is not None and isfinite(grad)), default=0.0
        )

    @property
    def recorded(self) -> bool:
        """Whether this is a recorded program, whose numbers differ by sample."""
        return self.boxes[-1].recorded

    @property
    def upright(self) -> bool:
        """Whether the picture runs from top to bottom, or from bottom to top."""
        return self.rankdir in ("TB", "BT")

    @property
    def summary(self) -> str:
        """One sentence for people who cannot see the picture."""
        result = self.boxes[-1]
        name = f"{result.title}, " if result.title else ""
        groups = sum(box.values > 1 for box in self.boxes)
        bundles = sum(box.kind == "bundle" for box in self.boxes)
        sizes = count(len(self.boxes) - groups - bundles, "value")
        sizes += f" and {count(groups, 'group')} of values" if groups else ""
        sizes += f", {count(bundles, 'bundle')} of edges" if bundles else ""
        sizes += f", {count(len(self.edges), 'edge')}"
        text = f"Computation graph: {sizes}; result {name}"
        if result.data is None:
            text = text.removesuffix(", ")
        else:
            text += f"data {format_number(result.data)}"
            text += "" if self.backward else "; no gradients yet"
        return f"{text}; {self.notice}" if self.notice else text


def largest_size(numbers: Iterable[float]) -> float | None:
    """The largest absolute value of the numbers; nan if one is nan, None for no numbers.

    >>> largest_size([1.0, -3.0]), largest_size([])
    (3.0, None)
    """
    sizes = [abs(number) for number in numbers]
    # max alone would lose a nan that follows another number
    return next(filter(isnan, sizes), max(sizes, default=None))


def count(number: int, noun: str) -> str:
    """The number with its noun.

    >>> count(1, "value"), count(52235, "value"), count(3, "box")
    ('1 value', '52,235 values', '3 boxes')
    """
    ending = "" if number == 1 else "es" if noun.endswith("x") else "s"
    return f"{number:,} {noun}{ending}"
