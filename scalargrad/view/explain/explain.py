"""A derivative explained, as text and as LaTeX: factor by factor, and path by path."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import fabs, isfinite, nan
from typing import Any

from scalargrad.core.labels import format_number, label_of
from scalargrad.core.numbers import as_count
from scalargrad.core.paths import Ways
from scalargrad.core.primitives import plain_sum
from scalargrad.core.value import Value
from scalargrad.support import pages as web
from scalargrad.support.collector import collector_paused
from scalargrad.view.explain.factors import Factors
from scalargrad.view.explain.phrases import Phrases
from scalargrad.view.explain.typeset import Equation, Page, Piece, joined, number, total, words
from scalargrad.view.formula.formula import is_stale
from scalargrad.view.formula.latex import latex_number
from scalargrad.view.read.roles import parameter_names

__all__ = ["Explanation", "explain"]

_DELTAS = (12, 8, 6, 4, 2)  # how many δ are shown: the most that take no more than _LINES
_LINES = 24
_ROOM = 70  # about what an equation has on a line
_STOPS = 7  # of a path with more stops on either side, those in the middle are dots
_LOOKED_AT = 10_000  # values, from x on, that are asked whether they are still true
_NOTES = 8  # how many of the slopes and unnamed values that occur are spelt out


@dataclass(frozen=True, repr=False)
class Explanation:
    """How a derivative comes about: `text`, `latex` (an aligned environment) and the `derivative`.

    `print` shows the text, Jupyter the LaTeX.

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


def explain(x: Value, w: Value, model: Any = None, top: int = 5) -> Explanation:
    """How the derivative of `x` by `w` comes about: the chain rule in names and numbers.

    First factor by factor, as `backward` does it: δ of a value is the derivative of `x` by it, and
    each δ is computed from those nearer to `x`. A value that is used once, and is unnamed or has
    its named activation right behind it, has no δ; its slope stands in the product. Then path by
    path: the sum over all ways from `w` to `x` of the product of the local derivatives.

    No `grad` is needed, and none is changed.

    Args:
        x: the value that was computed.
        w: a value that it may depend on; an inner one will do.
        model: an nn.Module, or a list or dict of parameters, that names its parameters.
        top: where sums are long, how many of their terms, and how many of the paths, are shown.

    Raises:
        TypeError: `x` or `w` is no Value, or `model` no model.
        ValueError: `top` is below 1.

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
    top = as_count(top, "explain: top")
    with collector_paused():
        return _explained(x, w, parameter_names(model), top)


def _explained(x: Value, w: Value, names: dict[Value, str], top: int) -> Explanation:
    ways = Ways(x, w, "explain")
    phrases = Phrases(x, w, Factors(ways), names)
    page = Page()
    if x is w or not ways.nodes:
        derivative = float(x is w)
        does = " is the value itself" if x is w else " does not depend on "
        told = [phrases.name(x), words(does), phrases.name(w)]
        page.write([Equation(phrases.derivative(w), [[number(derivative)]])])
        page.say(joined(told[:2] if x is w else told))
    else:
        derivative = phrases.factors.adjoints[0]
        page.write([Equation(phrases.derivative(w), [[_precise(derivative)]])])
        if any(map(is_stale, ways.nodes[-_LOOKED_AT:])):
            page.say(words("(an operand has changed since: these are the derivatives of then)"))
        _factor_by_factor(page, phrases, top)
        _path_by_path(page, phrases, top)
    return Explanation(page.text, page.latex, derivative)


def _precise(x: float) -> Piece:
    text = f"{x + 0.0:.6g}"  # + 0.0: zero without a sign
    return Piece(text, latex_number(x, text))


def _factor_by_factor(page: Page, phrases: Phrases, top: int) -> None:
    factors = phrases.factors
    places = factors.deltas(top)
    for most in _DELTAS:
        ends = places if len(places) <= most else [*places[: most // 2], *places[-(most // 2) :]]
        phrases.slopes.clear()
        phrases.unnamed.clear()
        heads = [term.head for place in (*ends, 0) for term in factors.largest(place, top)[0]]
        phrases.number_deltas({*ends, *heads} - {factors.last})
        equations = [_sum(phrases, place, top) for place in (*ends, 0)]
        if sum(len(equation.rows(_ROOM)) for equation in equations) <= _LINES:
            break
    x, w = phrases.name(phrases.x), phrases.name(phrases.w)
    if places:
        told = [words("Factor by factor, from "), x, words(" back to "), w, words(":")]
        page.head(joined(told))
    else:
        page.head(words("By the chain rule:"))
    if len(ends) < len(places):
        page.write(equations[: len(ends) // 2], indent=4)
        page.say(words(f"… {len(places) - len(ends):,} more …"), indent=4)
        page.write(equations[len(ends) // 2 :], indent=4)
    else:
        page.write(equations, indent=4)
    shown, others = factors.largest(0, top)
    if others:
        sizes = plain_sum(fabs(term.product) for term in (*shown, *others))
        page.say(_share(phrases, [term.product for term in shown], sizes), indent=4)
    _notes(page, phrases)


def _sum(phrases: Phrases, place: int, top: int) -> Equation:
    """A δ, or for the place 0 the derivative itself, as the sum of its terms."""
    factors = phrases.factors
    shown, others = factors.largest(place, top)
    said = [phrases.term(term, first=not i) for i, term in enumerate(shown)]
    symbols, numbers = (
        [Piece(f"+ {p.text}", f"+ {p.latex}") if i else p for i, p in enumerate(side)]
        for side in zip(*said, strict=True)
    )
    parts = [term.product for term in shown]
    if others:
        more = Piece(f"+ … ({len(others):,} more)", rf"+ \dots\ (\text{{{len(others):,} more}})")
        symbols, numbers = [*symbols, more], [*numbers, more]
        parts.append(plain_sum(term.product for term in others))
    name = phrases.derivative(phrases.ways.nodes[place])
    left = joined([phrases.delta(place), name], " = ", " = ") if place else name
    return Equation(left, [symbols, numbers, total(parts), [number(factors.adjoints[place])]])


def _notes(page: Page, phrases: Phrases) -> None:
    """Spell out the slopes that were mentioned, and the values without a name."""
    notes = [
        Equation(slope, [[formula], [number(partial)]])
        for slope, (formula, partial) in phrases.slopes.items()
    ]
    spelt: set[Value] = set()
    while len(notes) <= _NOTES and (left := [v for v in phrases.unnamed if v not in spelt]):
        spelt.add(left[0])
        sides = [[phrases.definition(left[0])], [number(left[0].data)]]
        notes.append(Equation(phrases.name(left[0]), sides))
    if notes:
        page.say(words("where"), indent=4)
        page.write(notes[:_NOTES], indent=8)
    if len(notes) > _NOTES:
        page.say(words("and so on"), indent=8)


def _path_by_path(page: Page, phrases: Phrases, top: int) -> None:
    ways = phrases.ways
    few = ways.count(most=top) is not None
    paths: list[Sequence[int]] = [*ways.all()] if few else ways.largest(top)
    x, w = phrases.name(phrases.x), phrases.name(phrases.w)
    if few and len(paths) == 1:
        page.head(joined([words("The only path is "), _way(phrases, paths[0])]))
        return
    count = f"{len(paths)} paths" if few else f"the {top} largest of {ways.count_told()} paths"
    told = [words(f"Path by path, {count} from "), w, words(" to "), x, words(":")]
    page.head(joined(told))
    products = [ways.product(path) for path in paths]
    for path, value in zip(paths, products, strict=True):
        symbols, numbers = phrases.way(path)
        page.say(_way(phrases, path), indent=4)
        page.write([Equation(Piece("", ""), [[symbols], [numbers], [number(value)]])], indent=6)
    derivative = number(phrases.factors.adjoints[0])
    if few:
        page.write([Equation(words("sum"), [total(products), [derivative]])], indent=4)
    else:
        page.say(_share(phrases, products, phrases.factors.absolute[0]), indent=4)


def _way(phrases: Phrases, path: Sequence[int]) -> Piece:
    """The path over the values that have been mentioned; dots stand for others."""
    ways, last = phrases.ways, phrases.factors.last
    stops: list[Value | None] = [phrases.w]
    for place in map(ways.heads.__getitem__, path):
        node = ways.nodes[place]
        if label_of(node) or node in phrases.unnamed or place == last:
            stops.append(node)
        elif stops[-1] is not None:
            stops.append(None)
    if len(stops) > 2 * _STOPS:
        ends = [*stops[:_STOPS], None, *stops[-_STOPS:]]
        stops = [s for i, s in enumerate(ends) if s is not None or ends[i - 1] is not None]
    dots = Piece("…", r"\dots")
    return joined([dots if s is None else phrases.name(s) for s in stops], " → ", r" \to ")


def _share(phrases: Phrases, shown: Sequence[float], sizes: float) -> Piece:
    """How much of the derivative the shown parts are: what they add up to, and their sizes."""
    part = format_number(plain_sum(shown))
    told = f"together {part} of {format_number(phrases.factors.adjoints[0])}"
    share = plain_sum(map(fabs, shown)) / sizes if sizes else nan
    if isfinite(share):
        told += f"; {_percent(share)} of the sum of the absolute values"
    return words(f"the {len(shown)} largest: {told}")


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{100.0 * share:.0f} %"
