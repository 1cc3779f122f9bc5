"""The steps of a film: the forward and the backward pass, box by box."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from scalargrad.core.labels import format_number
from scalargrad.core.value import Value
from scalargrad.view.film.sentences import Sentences, listed
from scalargrad.view.film.step import Change, Step
from scalargrad.view.graph import Box, count, largest_size
from scalargrad.view.read.reading import Reading
from scalargrad.view.theme import fill_of, text_width

__all__ = ["Passes", "passes_of"]

_SHOWN_USES = 6  # of one operand in one operation, each with a line of its own

# Operands of a box by the box they come from and their position, see `Reading.lines`.
_Flows = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Passes:
    """The steps, and what the boxes show before the first.

    `widest` is, by number of a box, the gradient that needs most room of all that it shows.
    """

    steps: tuple[Step, ...]
    start: tuple[Change, ...]
    widest: dict[int, float]


def passes_of(reading: Reading) -> Passes:
    """Return the two passes through a graph that was read for a film.

    >>> from scalargrad.view.read.reading import read
    >>> from scalargrad.view.film.passes import passes_of
    >>> [step.title for step in passes_of(read(Value(2.0, "x"), film=True)).steps]
    ['Start with the given values', 'x.grad = 1']
    """
    return _Writer(reading).passes()


class _Writer:
    """Writes the steps; `running` are the gradients so far, by number of the box."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.boxes = reading, reading.graph.boxes
        self.single = [box.values == 1 for box in self.boxes]
        self.sentences = Sentences({
            self._value(box)[1]: box for box in self.boxes if self.single[box.number]
        })  # fmt: skip
        self.running: dict[int, float] = {}
        self.widest: dict[int, float] = {}

    def passes(self) -> Passes:
        start: list[Change] = []
        for box in self.boxes:
            if box.kind != "constant":
                start += [Change(box.number, "data", "data –")] if self.single[box.number] else []
                start += self._show_grad(box, None)
        return Passes((*self._forward(), *self._backward()), tuple(start), self.widest)

    def _value(self, box: Box) -> tuple[int, Value]:
        """The value of a box that holds one, and its index."""
        i = self.reading.members[box.number][0]
        return i, self.reading.order[i]

    def _is_given(self, box: Box) -> bool:
        """Whether the box holds leaves only."""
        return not any(self.reading.parents[i] for i in self.reading.members[box.number])

    def _is_alone(self, i: int) -> bool:
        """Whether all operands of a value have boxes of their own."""
        return all(self.single[self.reading.box_of[parent]] for parent in self.reading.parents[i])

    def _lines(self, box: Box, constants: bool = False) -> dict[tuple[int, int], tuple[int, ...]]:
        """The edges drawn for each operand of a box, for constants only if they are wanted."""
        lines = self.reading.lines.get(box.number, {}).items()
        return {
            key: line for key, line in lines if constants or self.boxes[key[0]].kind != "constant"
        }

    def _show_data(self, box: Box) -> list[Change]:
        rows = [row.text for row in box.rows if row.role == "data"]
        return [Change(box.number, "data", row) for row in rows if box.kind != "constant"]

    def _show_grad(self, box: Box, grad: float | None) -> list[Change]:
        """Let a box show this gradient, as text and as its colour."""
        number, now = box.number, replace(box, grad=grad)
        if grad is not None and (self.single[number] or box.kind == "bundle"):
            known = (self.widest.get(number, grad), grad)
            self.widest[number] = max(known, key=lambda g: text_width(format_number(g), 1.0))
        changes = [Change(number, "grad", row.text) for row in now.rows if row.role == "grad"]
        return [*changes, Change(number, "fill", fill_of(now, self.reading.graph))]

    def _with_count(self, number: int, operands: int) -> str:
        box = self.boxes[number]
        return box.label or box.title if self.single[number] else f"{box.title} (×{operands:,})"

    # Forward

    def _forward(self) -> Iterator[Step]:
        boxes = [box for box in self.boxes if box.kind != "bundle"]
        given = [box for box in boxes if self._is_given(box)]
        if given:
            changes = tuple(change for box in given for change in self._show_data(box))
            acting = tuple(box.number for box in given if box.kind != "constant")
            title = "Start with the given values"
            yield Step("forward", title, self.sentences.given(given), acting, changes=changes)
        for box in boxes:
            if not self._is_given(box):
                title, lines = self._computed(box)
                edges = _flat(self._lines(box, constants=True).values())
                changes = tuple(self._show_data(box))
                yield Step("forward", title, lines, (box.number,), edges=edges, changes=changes)

    def _computed(self, box: Box) -> tuple[str, tuple[str, ...]]:
        if not self.single[box.number]:
            return f"{box.title}: {count(box.values, 'value')} computed", ()
        i, value = self._value(box)
        if self._is_alone(i):
            return self.sentences.computed(value)
        sources = Counter(self.reading.box_of[parent] for parent in self.reading.parents[i])
        operands = count(len(value.parents), "operand")
        title = f"{self.sentences.names[value]} = {box.op} of {operands}"
        names = listed(self._with_count(number, uses) for number, uses in sources.items())
        return f"{title} = {format_number(value.data)}", (f"computed from {names}",)

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
        acting = filter(self._acts, reversed(self.boxes))
        for silent, group in groupby(acting, lambda box: not box.grad):
            if silent:  # in one step: there may be long rows of them
                yield self._nothing(list(group))
            else:
                yield from map(self._passed_on, group)

    def _acts(self, box: Box) -> bool:
        """Whether a box has a step of its own: a single leaf passes nothing on."""
        alone = self.single[box.number] and self._is_given(box)
        return box.kind not in ("constant", "bundle") and not alone

    def _nothing(self, boxes: Sequence[Box]) -> Step:
        groups = [box for box in boxes if not self.single[box.number]]
        changes = tuple(change for box in groups for change in self._show_grad(box, box.grad))
        lines = [line for box in boxes for line in self._lines(box).values()]
        names = listed(box.label or box.title for box in boxes)
        whose = "its gradient is" if len(boxes) == 1 else "their gradients are"
        return Step(
            "backward", f"Nothing flows back from {names}: {whose} 0", (),
            tuple(box.number for box in boxes), stopped=_flat(lines), changes=changes,
        )  # fmt: skip

    def _passed_on(self, box: Box) -> Step:
        flows: _Flows = set()
        if self.single[box.number]:
            i, value = self._value(box)
            title = self.sentences.complete(value, self.reading.grads[i], self._is_alone(i))
            lines, changes = self._from_value(box, flows)
        else:
            many = (box.parameters, "parameter") if box.parameters else (box.values, "value")
            size = format_number(box.grad or 0.0)
            title = f"{box.title}: gradients of {count(*many)}, largest |grad| {size}"
            lines, changes = self._from_group(box, flows)
            changes += self._show_grad(box, box.grad)
        changes += self._through_bundles(box)
        drawn = self._lines(box)
        edges = _flat(line for key, line in drawn.items() if key in flows)
        other = _flat(line for key, line in drawn.items() if key not in flows)
        return Step(
            "backward", title, tuple(lines), (box.number,),
            touched=tuple(dict.fromkeys(self.reading.graph.edges[edge].tail for edge in edges)),
            edges=edges, stopped=tuple(edge for edge in other if edge not in edges),
            changes=tuple(changes),
        )  # fmt: skip

    def _through_bundles(self, box: Box) -> list[Change]:
        """Let bundles show the largest gradient that has flowed back along one of their edges."""
        reading, edges = self.reading, self.reading.graph.edges
        lines = {key[0]: line for key, line in self._lines(box).items() if len(line) > 1}
        flows: defaultdict[int, list[float]] = defaultdict(list)
        for i in reading.members[box.number] if lines else ():
            for parent, partial in zip(reading.parents[i], reading.order[i].partials, strict=True):
                if line := lines.get(reading.box_of[parent]):
                    grad = reading.grads[i]
                    flows[edges[line[0]].head].append(grad * partial if grad and partial else 0.0)
        changes: list[Change] = []
        for bundle, amounts in flows.items():
            largest = largest_size([self.running.get(bundle, 0.0), *amounts]) or 0.0
            self.running[bundle] = largest
            changes += self._show_grad(self.boxes[bundle], largest)
        return changes

    def _from_value(self, box: Box, flows: _Flows) -> tuple[list[str], list[Change]]:
        """What a single value passes on: a line for each operand with a box of its own."""
        i, value = self._value(box)
        grad, drawn = self.reading.grads[i], self._lines(box)
        lines: list[str] = []
        changes: list[Change] = []
        to_groups: defaultdict[int, list[float]] = defaultdict(list)
        uses: Counter[int] = Counter()
        sentences = self.sentences.contributions(value, grad, self._is_alone(i))
        operands = zip(self.reading.parents[i], value.partials, sentences, strict=True)
        for position, (parent, partial, line) in enumerate(operands):
            number = self.reading.box_of[parent]
            if self.boxes[number].kind == "constant":
                continue
            amount = grad * partial if partial else 0.0  # never 0 * inf
            if partial:
                flows.add((number, position) if (number, position) in drawn else (number, -1))
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
            lines.append(line)
        for number, often in uses.items():
            if often > _SHOWN_USES:
                operand, total = self.boxes[number], self.running[number]
                lines.append(
                    f"and {often - _SHOWN_USES:,} more contributions to {operand.label}.grad; "
                    f"now {format_number(total)}"
                )
                changes += self._show_grad(operand, total)
        for number, amounts in to_groups.items():
            low, high = format_number(min(amounts)), format_number(max(amounts))
            each = f"{low} each" if low == high else f"from {low} to {high}"
            lines.append(f"{self._with_count(number, len(amounts))} += {each}")
        return lines, changes

    def _from_group(self, box: Box, flows: _Flows) -> tuple[list[str], list[Change]]:
        """What the values of a group pass on to boxes outside it, taken together."""
        reading, own = self.reading, box.number
        sums: defaultdict[int, float] = defaultdict(float)
        edges: Counter[int] = Counter()
        for i in reversed(reading.members[own]):
            grad = reading.grads[i]
            if not grad:
                continue
            for parent, partial in zip(reading.parents[i], reading.order[i].partials, strict=True):
                number = reading.box_of[parent]
                if partial and number != own and self.boxes[number].kind != "constant":
                    edges[number] += 1
                    if self.single[number]:
                        sums[number] += grad * partial
        flows.update((number, -1) for number in edges)
        lines = [
            f"{self.boxes[number].label}.grad += {format_number(amount)}, "
            f"the sum over {count(edges[number], 'edge')}"
            for number, amount in sums.items()
        ]
        groups = [
            self._with_count(number, edges[number]) for number in edges if not self.single[number]
        ]
        lines += [f"flows back to {listed(groups)}"] if groups else []
        received = (self._receive(number, amount) for number, amount in sums.items())
        return lines, [change for changes in received for change in changes]

    def _receive(self, number: int, amount: float) -> list[Change]:
        self.running[number] += amount
        return self._show_grad(self.boxes[number], self.running[number])


def _flat(lines: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The edges of some lines, each once: the edge from a bundle to its head serves many lines."""
    return tuple(dict.fromkeys(edge for line in lines for edge in line))
