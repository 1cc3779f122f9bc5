"""Taylor coefficients: the graph of a function evaluated in the arithmetic of power series.

Each node becomes a truncated power series y = y0 + y1 t + y2 t^2 + ... Sums, products and quotients
have their own rules. Every other row, those of users included, follows from its partials p, since

    y' = p1(x1, x2, ..., y) x1' + p2(x1, x2, ..., y) x2' + ...

in series: k y_k is the sum over the operands of j x_j p_(k-j), for j from 1 to k. The partials are
programs of rows, too, which are evaluated in series in their turn, one order behind. Equal
operations on equal series are computed once; so the recursion closes where derivatives are
functions of each other: for sin it has the two series of sin and cos, and costs K^2 / 2 products
for each of them, where K is the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice, repeat
from math import copysign, fsum, isfinite
from operator import mul
from typing import Any

from scalargrad.core import primitives as row
from scalargrad.core.numbers import Traced, as_count, is_number, shown
from scalargrad.core.operators import Operators
from scalargrad.core.rows import Primitive
from scalargrad.transforms.functional import Run
from scalargrad.transforms.tree import is_static

__all__ = ["taylor"]

_HIGHEST = 100  # the order: partials of partials of ... are nested that deep


def taylor(f: Callable[..., Any], x: Any, order: int, **kwargs: Any) -> Any:
    """Compute the Taylor coefficients of `f` at `x`: f(x + t) = c[0] + c[1] t + c[2] t**2 + ...

    The k-th derivative is k! times c[k]. `f` may loop and branch; the coefficients belong to the
    branch taken at `x`. Along a direction v the coefficients are those of
    ``lambda t: f(x + t * v)`` at 0. The time grows with the square of the order, not exponentially
    as for nested `grad`.

    Args:
        f: a function of a number that returns a number or a nesting of numbers.
        x: the point, a number or a Value.
        order: the highest power of t, from 0 to 100.
        **kwargs: keyword arguments of `f`, which do not move.

    Returns:
        The list of ``order + 1`` coefficients: floats, or Values where they depend on Values. If
        `f` returns a nesting, the nesting, each number in it replaced by the list of its
        coefficients. Where a derivative does not exist, the slopes that the operation states are
        used, as everywhere, and coefficients may be nan or infinite.

    Raises:
        TypeError: `f` is not callable or does not return a nesting of numbers, `x` is no number, or
            `order` no whole number.
        ValueError: `order` is out of range.

    Source: Griewank and Walther, Evaluating derivatives, 2008, chapter 13.

    >>> taylor(lambda x: 1.0 / (1.0 - x), 0.0, 4)
    [1.0, 1.0, 1.0, 1.0, 1.0]
    >>> taylor(lambda x: [x**3, sg.sin(x)], 0.0, 3)
    [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, -0.16666666666666666]]
    """
    highest = as_count(order, "taylor: order", least=0, most=_HIGHEST)
    if not is_number(x) or is_static(x):
        raise TypeError(f"taylor: x must be a number or a Value, got {shown(x)}")
    run = Run(f, (x,), 0, kwargs)
    with run.building():
        rows = _series_of_outputs(run, highest)
        flat = run.settle([c for coefficients in rows for c in coefficients])
    it = iter(flat)
    return run.like_output([list(islice(it, highest + 1)) for _ in rows], derivatives=True)


def _series_of_outputs(run: Run, order: int) -> list[list[Any]]:
    """The coefficients of each output."""
    tape, depends = run.tape, run.depends
    with_values = run.sweeps_with_values()
    unused = None if run.recorder else tape.unused  # samples differ in what they use
    outputs = [tape.index[y] if isinstance(y, Traced) else -1 for y in run.outputs]
    left = [0] * len(tape)  # how often the series of a node is still needed
    for j in tape.operands:
        left[j] += 1
    for i in outputs:
        if i >= 0:
            left[i] += 1
    found: dict[int, Series] = {}
    for i, node in enumerate(tape.nodes):
        if not depends[i]:
            continue
        number = node if with_values else node._data
        edges = tape.edges(i)
        if i < len(run.fresh):
            series = Series(Scope(), [number, 1.0][: order + 1], complete=True)
        else:
            scope = Scope()
            operands: list[Any] = []
            for e in edges:
                j = tape.operands[e]
                other = tape.nodes[j]
                if not depends[j] or (unused and unused[e]):
                    operands.append(other if with_values and not other.is_constant else other._data)
                else:
                    operands.append(found[j].copied(scope))
            series = scope.made(node._row, tuple(operands), number)
            series.compute(order)
            series.finish()
        for e in edges:
            j = tape.operands[e]
            left[j] -= 1
            if not left[j]:
                found.pop(j, None)
        if left[i]:
            found[i] = series
    rows = []
    for y, i in zip(run.outputs, outputs, strict=True):
        known = found[i].known if i >= 0 and i in found else [y]
        # not -0.0, which the series of sin has at 0
        slopes = [c + 0.0 if c.__class__ is float else c for c in known[1:]]
        rows.append([known[0], *slopes, *repeat(0.0, order + 1 - len(known))])
    return rows


class Scope:
    """The series that one node of a graph and its partials consist of."""

    def __init__(self) -> None:
        self.series: dict[Any, Series] = {}  # by row and operands

    def made(self, primitive: Primitive, operands: tuple[Any, ...], number: Any = None) -> Series:
        """The series of `primitive` on series and numbers; equal ones are made once."""
        key = (primitive, *[_key(x) for x in operands])
        if key not in self.series:
            self.series[key] = Series(self, [], primitive, operands)
            if number is not None:
                self.series[key].known.append(number)
        return self.series[key]


def _key(x: Any) -> Any:
    # The number 0.0 is not -0.0, and Values are the same by identity
    return (x, copysign(1.0, x)) if x.__class__ is float else id(x)


class Series(Operators):
    """A power series, whose coefficients are computed when they are asked for.

    Attributes:
        known: the coefficients that are known: floats, or Values.
        complete: whether all others are zero.
    """

    __slots__ = ("_slopes", "complete", "known", "operands", "primitive", "scope")

    def __init__(
        self, scope: Scope, known: list[Any], primitive: Any = None,
        operands: tuple[Any, ...] = (), complete: bool = False,
    ) -> None:  # fmt: skip
        self.scope, self.known, self.complete = scope, known, complete
        self.primitive, self.operands = primitive, operands
        self._slopes: list[Any] | None = None

    def copied(self, scope: Scope) -> Series:
        """The same finished series, in the computation of another node."""
        return Series(scope, self.known, complete=True)

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Series:
        """The series of an operation, whose inputs are series, numbers and Values."""
        return self.scope.made(
            primitive, tuple([float(x) if not isinstance(x, Traced) else x for x in inputs])
        )

    def compare(self, primitive: Primitive, x: Any, y: Any) -> Any:
        """The comparison of the numbers at the point: it decides the branch."""
        x, y = _at_point(x), _at_point(y)
        if isinstance(x, Traced):
            return x.compare(primitive, x, y)
        return y.compare(primitive, x, y) if isinstance(y, Traced) else primitive.value(x, y) == 1.0

    def decide(self) -> bool:
        """Whether the number at the point is not 0."""
        return bool(self.at(0))

    def __repr__(self) -> str:
        return f"<series of {getattr(self.primitive, 'name', 'the argument')}>"

    def at(self, k: int) -> Any:
        """The coefficient of the k-th power."""
        if k >= len(self.known):
            if self.complete:
                return 0.0
            self.compute(k)
        return self.known[k]

    def compute(self, order: int) -> None:
        """Compute all coefficients up to an order."""
        while len(self.known) <= order:
            k = len(self.known)
            if k == 0:
                self.known.append(self.primitive(*map(_at_point, self.operands)))
            else:
                self.known.append(self._next(k))

    def finish(self) -> None:
        """Forget how the series is computed, and the zeros at its end."""
        self.complete, self.primitive, self.operands, self._slopes = True, None, (), None
        self.scope = Scope()
        while len(self.known) > 1 and self.known[-1].__class__ is float and self.known[-1] == 0.0:
            self.known.pop()

    def _next(self, k: int) -> Any:
        x, y = (*self.operands, None, None)[:2]
        if self.primitive is row.mul:
            if isinstance(x, Series) and isinstance(y, Series):
                return _convolved(x, y, k, 0, 0)
            if isinstance(y, Series):
                x, y = y, x
            return _scaled(x.at(k), y) if isinstance(x, Series) else 0.0
        if self.primitive is row.div and isinstance(y, Series):
            above = x.at(k) if isinstance(x, Series) else 0.0
            return (above - _convolved(self, y, k, 0, 1)) / y.at(0)
        if self._slopes is None:
            arguments = (*self.operands, self)
            self._slopes = list(self.primitive.partials(*arguments))
        terms = []
        weighted = []
        for i, (x, slope) in enumerate(zip(self.operands, self._slopes, strict=True)):
            if not isinstance(x, Series):
                continue
            if _is_zero(slope) and self.primitive.may_leave_out(i):
                continue
            if not isinstance(slope, Series):
                terms.append(_scaled(x.at(k), slope))
            else:
                weighted.append(_derived(x, slope, k))
        if weighted:
            terms.append(_total(weighted) / k)
        return _total(terms)


def _at_point(x: Any) -> Any:
    return x.at(0) if isinstance(x, Series) else x


def _is_zero(x: Any) -> bool:
    return x.__class__ is float and x == 0.0


def _scaled(coefficient: Any, factor: Any) -> Any:
    """A coefficient times a slope; what does not move does not use the slope."""
    return 0.0 if _is_zero(coefficient) else coefficient * factor


def _total(terms: Sequence[Any]) -> Any:
    """The sum of coefficients, rounded once where they are floats."""
    if len(terms) == 1:
        return terms[0]
    try:
        return fsum(terms)
    except (TypeError, ValueError, OverflowError):  # Values, or inf - inf
        total: Any = 0.0
        for term in terms:
            if not _is_zero(term):
                total = term if _is_zero(total) else total + term
        return total


def _convolved(x: Series, y: Series, k: int, first: int, least: int) -> Any:
    """The sum of x_j y_(k-j), for j from `first` on and k - j from `least` on."""
    x.at(k - least), y.at(k - first)
    first, last = max(first, k - _degree(y, k)), min(k - least, _degree(x, k))
    if first > last:
        return 0.0
    ys = y.known[k - last : k - first + 1]
    ys.reverse()
    return _products(x.known[first : last + 1], ys)


def _derived(x: Series, slope: Series, k: int) -> Any:
    """The sum of j x_j p_(k-j), for j from 1 to k."""
    x.at(k), slope.at(k - 1)
    first, last = max(1, k - _degree(slope, k)), min(k, _degree(x, k))
    if first > last:
        return 0.0
    slopes = slope.known[k - last : k - first + 1]
    slopes.reverse()
    return _products([j * x.known[j] for j in range(first, last + 1)], slopes)


def _degree(x: Series, k: int) -> int:
    """The highest power up to k with a coefficient that is known and may not be zero."""
    return min(k, len(x.known) - 1)


def _products(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    """The sum of products, in which a zero from outside of a series is no factor."""
    if len(xs) == 1:
        return _scaled(xs[0], ys[0])
    try:
        total = fsum(map(mul, xs, ys))
        if isfinite(total):
            return total
    except (TypeError, ValueError, OverflowError):
        pass
    return _total([_scaled(x, y) for x, y in zip(xs, ys, strict=True)])
