"""A graph under examination: its tape, names, roles, and the derivatives of its results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from scalargrad.core.labels import format_number
from scalargrad.core.lines import line_of
from scalargrad.core.node import CONSTANT
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.view.diagnose.finding import ADVICE, Finding
from scalargrad.view.read.names import names_of
from scalargrad.view.read.roles import find_roles, parameter_names

__all__ = ["LINEAR", "Examined"]

LINEAR = frozenset(["add", "sub", "mul", "neg", "sum", "mean", "dot"])  # of a weighted sum


class Examined:
    """The graph of some results, read once for all examinations.

    Attributes:
        tape: the graph.
        data: the number of each node.
        adjoints: the derivative of the sum of the results by each node; None where nothing arrives.
        roles: what each node is in the `model`.
        parameters: the parameters of the model, or those that are recognised in the graph.
    """

    def __init__(self, results: Sequence[Value], model: Any) -> None:
        self.tape = Tape.of(results)
        self.results = [self.tape.index[y] for y in results]
        self.roles = find_roles(self.tape, model, self.results)
        self.data = [node._data for node in self.tape.nodes]
        seeds: dict[int, float] = {}
        for i in self.results:
            seeds[i] = seeds.get(i, 0.0) + 1.0
        self.adjoints = self.tape.pull_numbers(seeds, len(self.tape))
        self.parameter_names = parameter_names(model)
        in_graph = [i for i, kind in enumerate(self.roles.kinds) if kind == "parameter"]
        # In the order of the model; a result that is a parameter itself is none
        self.parameters: list[Value] = [
            *(self.parameter_names or {self.tape.nodes[i]: "" for i in in_graph})
        ]
        if self.parameter_names:
            self.parameters.reverse()  # as the names are kept

    @cached_property
    def names(self) -> list[str]:
        """The name of each node: its label, its name in the model, or "v12"."""
        names = names_of(self.tape.nodes, self.roles.names)
        return [names[node] for node in self.tape.nodes]

    @cached_property
    def sizes(self) -> list[float]:
        """The size of each node; of a sum the largest of the terms that were added up."""
        tape, sizes = self.tape, [abs(x) for x in self.data]
        for i, row in enumerate(tape.rows):
            if row is not None and row.name in LINEAR:
                for e in tape.edges(i):
                    size = abs(tape.partials[e]) * sizes[tape.operands[e]]
                    if size > sizes[i]:
                        sizes[i] = size
        return sizes

    def operands(self, i: int) -> list[int]:
        """The nodes that node `i` is computed from."""
        return [self.tape.operands[e] for e in self.tape.edges(i)]

    def varies(self, i: int) -> bool:
        """Whether an operand of node `i` is no plain number."""
        return any(self.tape.nodes[j]._row is not CONSTANT for j in self.operands(i))

    def written(self, i: int) -> str:
        """Node `i` as an operation on the names of its operands, such as "v3 = relu(x)"."""
        operands = self.operands(i)
        if not operands:
            return self.names[i]
        row = self.tape.nodes[i]._row
        names = [self.names[j] for j in operands]
        text = row.write(*names) if len(names) <= 6 else f"{row.name} of {len(names)} operands"
        return f"{self.names[i]} = {text}"

    def numbers(self, i: int) -> str:
        """The operands of node `i` with their numbers."""
        pairs = {j: f"{self.names[j]} = {format_number(self.data[j])}" for j in self.operands(i)}
        shown = [text for j, text in pairs.items() if self.tape.nodes[j]._row is not CONSTANT]
        return ", ".join(shown[:4]) + (", ..." if len(shown) > 4 else "")

    def finding(
        self, kind: str, i: int, message: str, value: float, name: str = "",
        nodes: Sequence[int] = (),
    ) -> Finding:  # fmt: skip
        """A finding about node `i`, and about the other `nodes`."""
        node = self.tape.nodes[i]
        all_nodes = tuple(self.tape.nodes[j] for j in nodes or [i])
        return Finding(
            kind, node, name or self.names[i], value, message, ADVICE[kind], line_of(node),
            all_nodes,
        )  # fmt: skip
