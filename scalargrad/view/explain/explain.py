"""`explain`: a derivative by the chain rule, factor by factor and path by path."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import fabs, isfinite, nan
from typing import Any

from scalargrad.core.labels import format_number, label_of
from scalargrad.core.numbers import as_count
from scalargrad.core.paths import PathGraph
from scalargrad.core.primitives import plain_sum
from scalargrad.core.value import Value
from scalargrad.support import pages as web
from scalargrad.support.collector import collector_paused
from scalargrad.view.explain.deltas import Deltas
from scalargrad.view.explain.notation import Notation
from scalargrad.view.explain.typeset import Equation, Page, Piece, joined, number, total, words
from scalargrad.view.formula.formula import is_stale
from scalargrad.view.formula.latex import latex_number
from scalargrad.view.read.roles import parameter_names

__all__ = ["Explanation", "explain"]

_DELTAS = (12, 8, 6, 4, 2)  # how many δ are shown: the most that take no more than _LINES
_LINES = 24
_ROOM = 70  # about what an equation has on a line
_STOPS = 7  # a path shows so many values at either end, and dots for those between
_CHECKED = 10_000  # values, from x on, that are checked for changed operands
_NOTES = 8  # how many slopes and unnamed values are defined


@dataclass(frozen=True, repr=False)
class Explanation:
    """A derivative and how it is computed. `print` shows the text, Jupyter the LaTeX.

    Attributes:
        text: the explanation as lines of text.
        latex: the explanation as an `aligned` environment of LaTeX.
        derivative: the number.

    >>> from scalargrad.view.explain.explain import explain
    >>> x = Value(3.0, "x")
    >>> explain(x * 2.0, x)
    <Explanation: ∂v3/∂x = 2>
    """

    text: str
    latex: str
    derivative: float

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Explanation: {self.text.splitlines()[0]}>"

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        forms = {"text/plain": self.text, "text/latex": f"$$\n{self.latex}\n$$"}
        return web.offered(forms, include, exclude)


def explain(x: Value, w: Value, model: Any = None, limit: int = 5) -> Explanation:
    """Explain the derivative of `x` by `w`: the chain rule in names and numbers.

    First factor by factor, as `backward` computes it: δ of a value is the derivative of `x` by that
    value, and each δ is the sum of terms with those nearer to `x`. A value that is used once has no
    δ if it has no name or its named activation follows; its slope is a factor of the product. Then
    path by path: the sum over all paths from `w` to `x` of the product of the local derivatives.

    The explanation neither reads nor changes any `grad`.

    Args:
        x: the computed value.
        w: a value that `x` may depend on, a leaf or an inner value.
        model: the `nn.Module`, or list or dict of parameters, that names the parameters.
        limit: the most terms of a long sum, and the most paths, to show.

    Returns:
        An explanation with `text`, `latex` and `derivative`.

    Raises:
        TypeError: `x` or `w` is not a Value, `model` is not a model, or `limit` is not a whole
            number.
        ValueError: `limit` is below 1.

    >>> from scalargrad.view.explain.explain import explain
    >>> x, w = Value(2.0, "x"), Value(0.25, "w")
    >>> E = sg.tanh(w * x) - w
    >>> E.label = "E"
    >>> print(explain(E, w))
    ∂E/∂w = 0.572895
    <BLANKLINE>
    By the chain rule:
        ∂E/∂w = tanh'(w·x) · x + (-1) = 0.7864 · 2 + (-1) = 1.573 - 1 = 0.5729
        where
            tanh'(w·x) = 1 - tanh(w·x)² = 0.7864
    <BLANKLINE>
    Path by path, 2 paths from w to E:
        w → … → E
          = x · tanh'(w·x) = 2 · 0.7864 = 1.573
        w → E
          = -1
        sum = 1.573 - 1 = 0.5729
    """
    limit = as_count(limit, "explain: limit")
    with collector_paused():
        return _explained(x, w, parameter_names(model), limit)


def _explained(x: Value, w: Value, names: dict[Value, str], limit: int) -> Explanation:
    graph = PathGraph(x, w, "explain")
    notation = Notation(x, w, Deltas(graph), names)
    page = Page()
    if x is w or not graph.connected:
        derivative = float(x is w)
        page.write([Equation(notation.derivative(w), [[number(derivative)]])])
        if x is w:
            page.say(joined([notation.name(x), words(" is the value itself")]))
        else:
            page.say(joined([notation.name(x), words(" does not depend on "), notation.name(w)]))
    else:
        derivative = notation.deltas.adjoints[graph.first]
        page.write([Equation(notation.derivative(w), [[_precise(derivative)]])])
        dependent = [node for i, node in enumerate(graph.tape.nodes) if graph.depends[i]]
        if any(map(is_stale, dependent[-_CHECKED:])):
            page.say(words("(an operand has changed since: the derivatives are from before that)"))
        _factor_by_factor(page, notation, limit)
        _path_by_path(page, notation, limit)
    return Explanation(page.text, page.latex, derivative)


def _precise(x: float) -> Piece:
    text = f"{x + 0.0:.6g}"  # + 0.0: zero without a sign
    return Piece(text, latex_number(x, text))


def _factor_by_factor(page: Page, notation: Notation, limit: int) -> None:
    deltas, first = notation.deltas, notation.graph.first
    nodes = deltas.shown(limit)
    for most in _DELTAS:
        ends = nodes if len(nodes) <= most else [*nodes[: most // 2], *nodes[-(most // 2) :]]
        notation.slopes.clear()
        notation.unnamed.clear()
        heads = [term.head for i in (*ends, first) for term in deltas.largest(i, limit)[0]]
        notation.number_deltas({*ends, *heads} - {notation.graph.last})
        equations = [_sum(notation, i, limit) for i in (*ends, first)]
        if sum(len(equation.rows(_ROOM)) for equation in equations) <= _LINES:
            break
    x, w = notation.name(notation.x), notation.name(notation.w)
    if nodes:
        page.head(joined([words("Factor by factor, from "), x, words(" back to "), w, words(":")]))
    else:
        page.head(words("By the chain rule:"))
    if len(ends) < len(nodes):
        page.write(equations[: len(ends) // 2], indent=4)
        page.say(words(f"… {len(nodes) - len(ends):,} more …"), indent=4)
        page.write(equations[len(ends) // 2 :], indent=4)
    else:
        page.write(equations, indent=4)
    shown, others = deltas.largest(first, limit)
    if others:
        sizes = plain_sum(fabs(term.product) for term in (*shown, *others))
        page.say(_share(notation, [term.product for term in shown], sizes), indent=4)
    _notes(page, notation)


def _sum(notation: Notation, i: int, limit: int) -> Equation:
    """The δ of node `i`, or for `w` the derivative itself, as the sum of its terms."""
    deltas = notation.deltas
    shown, others = deltas.largest(i, limit)
    written = [notation.term(term, first=not k) for k, term in enumerate(shown)]
    symbols, numbers = (
        [Piece(f"+ {p.text}", f"+ {p.latex}") if k else p for k, p in enumerate(side)]
        for side in zip(*written, strict=True)
    )
    parts = [term.product for term in shown]
    if others:
        more = Piece(f"+ … ({len(others):,} more)", rf"+ \dots\ (\text{{{len(others):,} more}})")
        symbols, numbers = [*symbols, more], [*numbers, more]
        parts.append(plain_sum(term.product for term in others))
    left = notation.derivative(notation.nodes[i])
    if i != notation.graph.first:
        left = joined([notation.delta(i), left], " = ", " = ")
    return Equation(left, [symbols, numbers, total(parts), [number(deltas.adjoints[i])]])


def _notes(page: Page, notation: Notation) -> None:
    """Define the slopes that were written, and the values without a name."""
    notes = [
        Equation(slope, [[formula], [number(partial)]])
        for slope, (formula, partial) in notation.slopes.items()
    ]
    defined: set[Value] = set()
    while len(notes) <= _NOTES and (left := [v for v in notation.unnamed if v not in defined]):
        defined.add(left[0])
        sides = [[notation.definition(left[0])], [number(left[0].data)]]
        notes.append(Equation(notation.name(left[0]), sides))
    if notes:
        page.say(words("where"), indent=4)
        page.write(notes[:_NOTES], indent=8)
    if len(notes) > _NOTES:
        page.say(words("and so on"), indent=8)


def _path_by_path(page: Page, notation: Notation, limit: int) -> None:
    graph = notation.graph
    few = graph.count(limit) <= limit
    paths: list[Sequence[int]] = [*graph.all()] if few else graph.largest(limit)
    x, w = notation.name(notation.x), notation.name(notation.w)
    if few and len(paths) == 1:
        page.head(joined([words("The only path is "), _stops(notation, paths[0])]))
        return
    count = f"{len(paths)} paths" if few else f"the {limit} largest of {graph.count_text()} paths"
    heading = [words(f"Path by path, {count} from "), w, words(" to "), x, words(":")]
    page.head(joined(heading))
    products = [graph.product(path) for path in paths]
    for path, value in zip(paths, products, strict=True):
        symbols, numbers = notation.path(path)
        page.say(_stops(notation, path), indent=4)
        page.write([Equation(Piece("", ""), [[symbols], [numbers], [number(value)]])], indent=6)
    derivative = number(notation.deltas.adjoints[graph.first])
    if few:
        page.write([Equation(words("sum"), [total(products), [derivative]])], indent=4)
    else:
        page.say(_share(notation, products, notation.deltas.absolute), indent=4)


def _stops(notation: Notation, path: Sequence[int]) -> Piece:
    """The values on a path that have occurred by name; dots stand for the others."""
    graph = notation.graph
    stops: list[Value | None] = [notation.w]
    for i in map(graph.heads.__getitem__, path):
        node = notation.nodes[i]
        if label_of(node) or node in notation.unnamed or i == graph.last:
            stops.append(node)
        elif stops[-1] is not None:
            stops.append(None)
    if len(stops) > 2 * _STOPS:
        ends = [*stops[:_STOPS], None, *stops[-_STOPS:]]
        stops = [s for k, s in enumerate(ends) if s is not None or ends[k - 1] is not None]
    dots = Piece("…", r"\dots")
    return joined([dots if s is None else notation.name(s) for s in stops], " → ", r" \to ")


def _share(notation: Notation, shown: Sequence[float], sizes: float) -> Piece:
    """The part of the derivative that is shown: the sum, and the share in absolute values."""
    part, whole = plain_sum(shown), notation.deltas.adjoints[notation.graph.first]
    text = f"the {len(shown)} largest: together {format_number(part)} of {format_number(whole)}"
    share = plain_sum(map(fabs, shown)) / sizes if sizes else nan
    if isfinite(share):
        text += f"; {_percent(share)} of the sum of the absolute values"
    return words(text)


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{100.0 * share:.0f} %"
