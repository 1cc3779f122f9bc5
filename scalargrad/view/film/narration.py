"""The forward and the backward pass told step by step: which box acts, what flows, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from scalargrad.core.labels import format_number
from scalargrad.view.film.gradients import Passes
from scalargrad.view.film.page import Change, Step
from scalargrad.view.film.sentences import Words, listed
from scalargrad.view.graph import Box, Graph, count
from scalargrad.view.read.reading import Reading
from scalargrad.view.theme import fill_of, text_width

__all__ = ["Told", "tell"]

_SHOWN_USES = 6  # of one operand in one operation, each with a line of its own

# The ways along which something flows: see Passes.way.
_Flows = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """The steps, the graph after the last of them, and what its boxes show before the first.

    `widest` is, by number of a box, the gradient that takes most room of all those it shows.
    """

    steps: tuple[Step, ...]
    graph: Graph
    start: tuple[Change, ...]
    widest: dict[int, float]


def tell(reading: Reading) -> Told:
    """Tell the graph of `reading`, which was read with names, from the first value to the last.

    >>> from scalargrad.view.read.reading import read
    >>> from scalargrad.view.film.narration import tell
    >>> [step.title for step in tell(read(Value(2.0, "x"), named=True)).steps]
    ['Given are the numbers to start from', 'x.grad = 1']
    """
    return _Teller(Passes(reading)).told()


class _Teller:
    """The film while it is told; `running` are the gradients so far, by number of the box."""

    def __init__(self, passes: Passes) -> None:
        self.passes, self.boxes, self.single = passes, passes.boxes, passes.single
        self.words = Words({
            passes.value(box)[1]: box for box in self.boxes if self.single[box.number]
        })  # fmt: skip
        self.running: dict[int, float] = {}
        self.widest: dict[int, float] = {}

    def told(self) -> Told:
        start: list[Change] = []
        for box in self.boxes:
            if box.kind != "constant":
                start += [Change(box.number, "data", "data –")] if self.single[box.number] else []
                start += self._show_grad(box, None)
        steps = (*self._forward(), *self._backward())
        return Told(steps, self.passes.graph, tuple(start), self.widest)

    def _show_data(self, box: Box) -> list[Change]:
        rows = [row.text for row in box.rows if row.role == "data"]
        return [Change(box.number, "data", row) for row in rows if box.kind != "constant"]

    def _show_grad(self, box: Box, grad: float | None) -> list[Change]:
        """Let a box show this gradient, in words and in its colour."""
        number, now = box.number, replace(box, grad=grad)
        if grad is not None and self.single[number]:
            known = (self.widest.get(number, grad), grad)
            self.widest[number] = max(known, key=lambda g: text_width(format_number(g), 1.0))
        changes = [Change(number, "grad", row.text) for row in now.rows if row.role == "grad"]
        return [*changes, Change(number, "fill", fill_of(now, self.passes.graph))]

    def _among(self, number: int, operands: int) -> str:
        box = self.boxes[number]
        return box.label or box.title if self.single[number] else f"{box.title} (×{operands:,})"

    # Forward

    def _forward(self) -> Iterator[Step]:
        given = [box for box in self.boxes if self.passes.is_given(box)]
        if given:
            changes = tuple(change for box in given for change in self._show_data(box))
            acting = tuple(box.number for box in given if box.kind != "constant")
            title = "Given are the numbers to start from"
            yield Step("forward", title, self.words.given(given), acting, changes=changes)
        for box in self.boxes:
            if not self.passes.is_given(box):
                title, lines = self._computed(box)
                edges = tuple(self.passes.edges_to(box, constants=True).values())
                changes = tuple(self._show_data(box))
                yield Step("forward", title, lines, (box.number,), edges=edges, changes=changes)

    def _computed(self, box: Box) -> tuple[str, tuple[str, ...]]:
        if not self.single[box.number]:
            return f"{box.title}: {count(box.values, 'value')} computed", ()
        place, value = self.passes.value(box)
        if self.passes.is_alone(place):
            return self.words.computed(value)
        sources = Counter(self.passes.box_of[parent] for parent in self.passes.parents[place])
        title = f"{self.words.names[value]} = {box.op} of {count(len(value.parents), 'operand')}"
        among = listed(self._among(number, operands) for number, operands in sources.items())
        return f"{title} = {format_number(value.data)}", (f"from {among}",)

    # Backward

    def _backward(self) -> Iterator[Step]:
        last = self.boxes[-1]
        changes: list[Change] = []
        for box in self.boxes:
            if self.single[box.number] and box.kind != "constant":
                self.running[box.number] = 1.0 if box is last else 0.0
                changes += self._show_grad(box, self.running[box.number])
        name = last.label or last.title
        lines = (f"∂{name}/∂{name} = 1; every other gradient starts at 0",)
        yield Step("backward", f"{name}.grad = 1", lines, (last.number,), changes=tuple(changes))
        for silent, group in groupby(
            filter(self._acts, reversed(self.boxes)), lambda b: not b.grad
        ):
            if silent:  # told at once: there may be long rows of them
                yield self._nothing(list(group))
            else:
                yield from map(self._passed_on, group)

    def _acts(self, box: Box) -> bool:
        """A leaf has nobody to pass on to; of many leaves there is still a sum to tell."""
        alone = self.single[box.number] and self.passes.is_given(box)
        return box.kind != "constant" and not alone

    def _nothing(self, boxes: Sequence[Box]) -> Step:
        groups = [box for box in boxes if not self.single[box.number]]
        changes = tuple(change for box in groups for change in self._show_grad(box, box.grad))
        stopped = tuple(edge for box in boxes for edge in self.passes.edges_to(box).values())
        names = listed(box.label or box.title for box in boxes)
        whose = "its gradient is" if len(boxes) == 1 else "their gradients are"
        return Step(
            "backward", f"Nothing flows on from {names}: {whose} 0", (),
            tuple(box.number for box in boxes), stopped=stopped, changes=changes,
        )  # fmt: skip

    def _passed_on(self, box: Box) -> Step:
        flows: _Flows = set()
        if self.single[box.number]:
            place, value = self.passes.value(box)
            whole = self.passes.is_alone(place)
            title = self.words.complete(value, self.passes.grads[place], whole)
            lines, changes = self._from_value(box, flows)
        else:
            many = (box.parameters, "parameter") if box.parameters else (box.values, "value")
            size = format_number(box.grad or 0.0)
            title = f"{box.title}: gradients of {count(*many)}, largest |grad| {size}"
            lines, changes = self._from_group(box, flows)
            changes += self._show_grad(box, box.grad)
        edges = self.passes.edges_to(box)
        return Step(
            "backward", title, tuple(lines), (box.number,),
            touched=tuple(dict.fromkeys(way[0] for way in edges if way in flows)),
            edges=tuple(edge for way, edge in edges.items() if way in flows),
            stopped=tuple(edge for way, edge in edges.items() if way not in flows),
            changes=tuple(changes),
        )  # fmt: skip

    def _from_value(self, box: Box, flows: _Flows) -> tuple[list[str], list[Change]]:
        """What a single value passes on: a line for each operand with a box of its own."""
        place, value = self.passes.value(box)
        grad = self.passes.grads[place]
        told: list[str] = []
        changes: list[Change] = []
        to_groups: defaultdict[int, list[float]] = defaultdict(list)
        uses: Counter[int] = Counter()
        lines = self.words.contributions(value, grad, self.passes.is_alone(place))
        operands = zip(self.passes.parents[place], value.partials, lines, strict=True)
        for position, (parent, partial, line) in enumerate(operands):
            number = self.passes.box_of[parent]
            if self.boxes[number].kind == "constant":
                continue
            amount = grad * partial if partial else 0.0  # never 0 * inf
            if partial:
                flows.add(self.passes.way(number, box.number, position))
            if not self.single[number]:
                to_groups[number].append(amount)
                continue
            before = self.running[number]
            uses[number] += 1
            if uses[number] > _SHOWN_USES:  # an operand may be used a thousand times
                self.running[number] += amount
                continue
            if partial:
                changes += self._receive(number, amount)
            if partial and before:
                now = format_number(self.running[number])
                line += f"; was {format_number(before)}, now {now}"
            told.append(line)
        for number, often in uses.items():
            if often > _SHOWN_USES:
                operand, total = self.boxes[number], self.running[number]
                told.append(
                    f"and so on: {operand.label}.grad gets {often - _SHOWN_USES:,} more; "
                    f"now {format_number(total)}"
                )
                changes += self._show_grad(operand, total)
        for number, amounts in to_groups.items():
            low, high = format_number(min(amounts)), format_number(max(amounts))
            each = f"{low} each" if low == high else f"from {low} to {high}"
            told.append(f"{self._among(number, len(amounts))} += {each}")
        return told, changes

    def _from_group(self, box: Box, flows: _Flows) -> tuple[list[str], list[Change]]:
        """What the values of a group pass on to boxes outside it, taken together."""
        sums: defaultdict[int, float] = defaultdict(float)
        edges: Counter[int] = Counter()
        passes, own = self.passes, box.number
        for place in reversed(passes.members[own]):
            grad = passes.grads[place]
            if not grad:
                continue
            slopes = zip(passes.parents[place], passes.order[place].partials, strict=True)
            for parent, partial in slopes:
                number = passes.box_of[parent]
                if partial and number != own and self.boxes[number].kind != "constant":
                    edges[number] += 1
                    if self.single[number]:
                        sums[number] += grad * partial
        flows.update(passes.way(number, own, 0) for number in edges)
        lines = [
            f"{self.boxes[number].label}.grad += {format_number(amount)}, "
            f"a sum along {count(edges[number], 'edge')}"
            for number, amount in sums.items()
        ]
        groups = [self._among(number, edges[number]) for number in edges if not self.single[number]]
        lines += [f"flows on to {listed(groups)}"] if groups else []
        received = (self._receive(number, amount) for number, amount in sums.items())
        return lines, [change for changes in received for change in changes]

    def _receive(self, number: int, amount: float) -> list[Change]:
        self.running[number] += amount
        return self._show_grad(self.boxes[number], self.running[number])
