"""`diagnose`: what is wrong, or may be, with the derivatives of a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, overload

from scalargrad.core.arguments import is_list
from scalargrad.core.labels import format_number
from scalargrad.core.numbers import shown
from scalargrad.core.value import Value
from scalargrad.support.collector import collector_paused
from scalargrad.support.tables import as_html, as_text
from scalargrad.view.diagnose.examined import Examined
from scalargrad.view.diagnose.finding import ADVICE, Finding
from scalargrad.view.diagnose.gradients import Layer, idle_parameters, layers_of, uneven_layers
from scalargrad.view.diagnose.kinks import kinks
from scalargrad.view.diagnose.numbers import cancellations, nonfinite_gradients, nonfinite_values
from scalargrad.view.diagnose.units import find_units, idle_units
from scalargrad.view.draw import drawn
from scalargrad.view.drawing import Drawing
from scalargrad.view.graph import count
from scalargrad.view.layout import choose
from scalargrad.view.read.reading import read

__all__ = ["Diagnosis", "diagnose"]

_SHOWN = 8  # findings of one kind, in a text or a table


class Diagnosis(Sequence[Finding]):
    """The findings of `diagnose`, those that matter most first; a sequence.

    `print` shows them as text, Jupyter as tables, and `draw` draws the graph coloured accordingly.

    Attributes:
        layers: the gradients of the parameters layer by layer: `name`, `parameters`, `gradient`.

    >>> w = Value(-1.0, "w")
    >>> found = sg.diagnose(sg.relu(w) * 2.0)
    >>> found
    <Diagnosis: 1 dead unit>
    >>> found[0].kind, found[0].node.op
    ('dead unit', 'relu')
    """

    def __init__(
        self, graph: Examined, findings: Sequence[Finding], layers: Sequence[Layer], model: Any
    ) -> None:
        self._graph, self._findings, self._model = graph, tuple(findings), model
        self.layers = tuple(layers)

    @overload
    def __getitem__(self, i: int) -> Finding: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Finding]: ...
    def __getitem__(self, i: Any) -> Any:
        return self._findings[i]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    @property
    def summary(self) -> str:
        """The number of findings of each kind."""
        counts = Counter(finding.kind for finding in self)
        texts = [count(n, kind) for kind, n in counts.items()]
        return ", ".join(texts) or "nothing found"

    @property
    def text(self) -> str:
        """The findings, with what to do about each kind, and the gradients layer by layer."""
        parts = [f"{self._about}: {self.summary}"]
        for kind, found in self._by_kind():
            lines = [f"{kind}:"]
            for finding in found[:_SHOWN]:
                where = f"  [{finding.line}]" if finding.line else ""
                lines.append(f"  - {finding.message}{where}")
            if len(found) > _SHOWN:
                lines.append(f"  - and {len(found) - _SHOWN:,} more")
            parts.append("\n".join([*lines, f"  What to do: {ADVICE[kind]}."]))
        if len(self.layers) > 1:
            parts.append(as_text(*self._layer_table))
        return "\n\n".join(parts)

    def draw(
        self, max_nodes: int = 150, max_edges: int = 400,
        expand: str | Value | Sequence[str | Value] = (), focus: Value | str | None = None,
        radius: int = 2, rankdir: str = "LR", engine: str = "auto",
    ) -> Drawing:  # fmt: skip
        """Draw the graph with its gradients, and the values with findings coloured and named.

        The arguments are those of `sg.draw`. Names and gradients are those of the findings; no
        `grad` of a Value is read.
        """
        choose.check(engine)
        index = self._graph.tape.index
        marks: dict[int, str] = {}
        for finding in self:
            for node in finding.nodes:
                if node in index:
                    marks.setdefault(index[node], finding.kind)
        results = [self._graph.tape.nodes[i] for i in self._graph.results]
        grads = [g or 0.0 for g in self._graph.adjoints]
        graph = read(
            results, self._model, max_nodes, max_edges, expand, focus, radius, rankdir,
            grads=grads, marks=marks,
        ).graph  # fmt: skip
        return drawn(graph, engine)

    def _by_kind(self) -> Iterator[tuple[str, list[Finding]]]:
        for kind in ADVICE:
            if found := [finding for finding in self if finding.kind == kind]:
                yield kind, found

    @property
    def _about(self) -> str:
        results = [self._graph.names[i] for i in self._graph.results]
        return f"{', '.join(results[:3])} ({count(len(self._graph.tape), 'value')})"

    @property
    def _layer_table(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [layer.name or "–", f"{layer.parameters:,}", format_number(layer.gradient)]
            for layer in self.layers
        ]
        return ["layer", "parameters", "rms gradient"], rows

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.summary}>"

    def _repr_html_(self) -> str:
        rows = []
        for kind, found in self._by_kind():
            for i, finding in enumerate(found[:_SHOWN]):
                line = str(finding.line or "")
                rows.append([kind, finding.name, finding.message, line, "" if i else ADVICE[kind]])
            if len(found) > _SHOWN:
                rows.append([kind, f"and {len(found) - _SHOWN:,} more", "", "", ""])
        head = ["finding", "where", "what", "line", "what to do"]
        tables = [as_html(head, rows, f"{self._about}: {self.summary}", left=len(head))]
        if len(self.layers) > 1:
            tables.append(as_html(*self._layer_table, caption="gradients by layer"))
        return "\n".join(tables)


def diagnose(value: Any, model: Any = None) -> Diagnosis:
    """Examine the graph of `value`: kinks, dead units, gradients that vanish, nan, cancellation.

    =====================  =======================================================================
    kind                   what was found
    =====================  =======================================================================
    nonfinite value        a value that is nan or infinite although its operands are not
    infinite slope         a local derivative that is not finite, where a derivative arrives
    nonfinite gradient     a product of derivatives that leaves the range of floats
    exploding gradient     a layer with gradients 1,000 times those of the last one, by their root
                           mean square
    vanishing gradient     a layer with gradients of less than 1/1,000 of those of the last one
    unused parameter       a parameter of the model that is not in the graph
    zero derivative        a parameter in the graph whose derivative is 0
    dead unit              a relu that is 0 in all its uses in the graph
    saturated unit         a tanh or sigmoid whose slope is below 1 % of the largest in all uses
    step                   an operation whose slope is 0 everywhere, such as floor
    kink                   an operand exactly at a kink or jump, such as relu at 0; the slope taken
    near kink              an operand within 1e-6 of the size of the numbers it is a sum of
    cancellation           a sum of terms over 2**26 times its size: half of the digits are lost
    =====================  =======================================================================

    Kinks and steps count where a derivative arrives. Branches of ``if`` leave no trace in a graph,
    and are not examined. The derivatives are computed for this; no `grad` is read or changed.

    Args:
        value: the result, a Value, or a list of several, of whose sum the derivatives are taken.
        model: the `nn.Module` of the parameters, or a list or dict of parameters. It names them,
            tells layers and units apart, and shows which parameters are not used.

    Returns:
        A `Diagnosis`, a sequence of findings, each with `kind`, `node`, `name`, `value`, `message`,
        `advice` and `line` (of values that were made in ``with sg.traced_lines():``).

    Raises:
        TypeError: `value` is neither a Value nor a list of Values, or `model` is neither a module
            nor a list or dict of Values.
        ValueError: the list is empty.

    >>> x = Value(0.0, "x")
    >>> found = diagnose(sg.cbrt(x) + abs(x))
    >>> found
    <Diagnosis: 1 infinite slope, 1 kink>
    >>> print(found[1])
    kink: v3 = |x| is at a kink, where x = 0: slopes -1 below and 1 above; 0 was taken
    """
    results = list(value) if is_list(value) else [value]
    if not results:
        raise ValueError("diagnose needs at least one Value, got an empty list: []")
    for y in results:
        if not isinstance(y, Value):
            raise TypeError(f"diagnose takes a Value or a list of Values, got {shown(value)}")
        y.partials  # noqa: B018  (while a function is recorded: the error that says why not)
    with collector_paused():
        graph = Examined(results, model)
        units = find_units(graph)
        idle = [*idle_units(graph, units)]
        layers = layers_of(graph)
        found = [
            *nonfinite_values(graph), *nonfinite_gradients(graph), *uneven_layers(graph, layers),
            *idle_parameters(graph, units, idle), *idle, *kinks(graph), *cancellations(graph),
        ]  # fmt: skip
    order = {kind: i for i, kind in enumerate(ADVICE)}
    found.sort(key=lambda finding: order[finding.kind])
    return Diagnosis(graph, found, layers, model)
