"""Numerical differentiation, and the comparison of both modes of differentiation against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import fsum, inf, isfinite, sqrt
from random import Random
from typing import Any

from scalargrad.core.modes import no_grad
from scalargrad.core.numbers import as_count, as_float
from scalargrad.core.value import Value
from scalargrad.transforms.functional import checked_function, jacobian, jvp, name_of, vjp
from scalargrad.transforms.tree import leaves, names_in, nested, refilled

__all__ = ["GradientCheckError", "check_grads", "numerical_grad"]

_EPSILON = 2.0**-52  # the spacing of floats at 1
_TINY = 2.0**-1022  # below this, floats lose digits

_HIGHEST = 8  # the order: each takes two to four times as long as the one below
_DIRECTIONS = 2  # how many must clear a derivative: errors of two arguments may cancel along one
_STEP = 0.03  # the first step along a direction
_ROUNDING = 1e-12  # a contribution below this share of the largest is rounding
_NOTHING = 1e-9  # where a derivative is 0, the share of the largest that would have to show


class GradientCheckError(AssertionError):
    """A derivative differs from the numerical one; the message names the argument and both."""


def numerical_grad(
    f: Callable[..., Any], args: Any, method: str = "central", eps: float | None = None
) -> Any:
    """Estimate the derivative of `f` from its values alone, by finite differences.

    Args:
        f: a function that returns one number.
        args: its arguments, a tuple or list; a single number or dict is the only argument.
        method: "forward", (f(x + eps) - f(x)) / eps, with an error of order eps and one evaluation
            per number; "central", (f(x + eps) - f(x - eps)) / 2 eps, of order eps**2, with two;
            "extrapolated", central differences extrapolated to eps = 0, good to about 10 digits
            (Ridders, Accurate computation of F'(x) and F'(x) F''(x), 1982).
        eps: the step; by default the usual compromise between truncation and rounding, relative
            to x: 1.5e-8 forward, 6e-6 central.

    Returns:
        The derivatives in the nesting of `args`.

    Raises:
        TypeError: `f` does not return one number, or an argument is not a nesting of numbers.
        ValueError: the method is unknown, or `eps` not positive.

    >>> derivative = numerical_grad(lambda x: x * x, 3.0)
    >>> round(derivative, 6)
    6.0
    """
    checked_function(f, "numerical_grad")
    if method not in _METHODS:
        raise ValueError(f"numerical_grad: method is one of {', '.join(_METHODS)}, got {method!r}")
    if eps is not None and not 0.0 < as_float(eps, "numerical_grad: eps") < inf:
        fault = "finite" if eps == inf else "positive"
        raise ValueError(f"numerical_grad: eps must be {fault}, got {eps!r}")
    arguments = args if isinstance(args, (tuple, list)) else (args,)

    plain = _on_values(f)

    def at(numbers: Sequence[float]) -> float:
        results = _plain(plain(*refilled(arguments, numbers)))
        if len(results) != 1:
            raise TypeError(
                f"numerical_grad needs a function that returns one number, {name_of(f)} returned "
                f"{len(results)}"
            )
        return results[0]

    slopes = _METHODS[method](at, _plain(arguments), eps)
    derivative = refilled(arguments, slopes, derivatives=True)
    return derivative if arguments is args else derivative[0]


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], order: int = 1,
    rtol: float = 1e-6, atol: float = 0.0,
) -> None:  # fmt: skip
    """Compare the derivatives of `f`, in reverse and forward mode, with numerical ones.

    Many arguments are compared at once, along random directions (from a generator of its own, so
    that `random` stays as it is). What a direction leaves in doubt is split, down to single
    arguments. A smooth function of n numbers takes some 50 evaluations, whatever n is.

    Args:
        f: a function of numbers or nestings of numbers, that returns a number or a nesting.
        args: the tuple of its arguments, away from kinks.
        order: the highest derivative to check, from 1 to 8; 2 checks the second as the derivative
            of the first. From 3 on, all but the last two are taken along a random direction.
        rtol: the relative tolerance.
        atol: the absolute tolerance. Two derivatives may differ by atol, plus rtol times the
            expected value, plus four times the estimated error of the expected value.

    Returns:
        None, if all derivatives agree.

    Raises:
        GradientCheckError: they differ; the message names the argument, got and expected.
        TypeError: `args` is not a tuple or list of nestings of numbers, or `order` no whole number.
        ValueError: `order` is out of range, or a tolerance negative or not finite.

    >>> check_grads(lambda x, y: x * y**2, (2.0, 3.0), order=2)
    """
    checked_function(f, "check_grads")
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"check_grads takes the arguments as a tuple, got {type(args).__name__}")
    highest = as_count(order, "check_grads: order", most=_HIGHEST)
    tolerances = [
        _tolerance(tolerance, f"check_grads: {name}")
        for tolerance, name in ((rtol, "rtol"), (atol, "atol"))
    ]
    args = tuple(args)
    random = Random(0)  # the same directions in each call
    along = f
    for k in range(1, highest + 1):
        what = f"derivative {k} of {name_of(f)}"
        if k == 1:
            comparison = _Comparison(f, _on_values(f), args, what, *tolerances)
        else:
            if k > 2:
                what += ", once by each argument named and else along a random direction"
                along = _along(along, args, random)
            g = jacobian(along, range(len(args)))
            comparison = _Comparison(g, g, args, what, *tolerances)
        comparison.run(random)


def _tolerance(x: Any, name: str) -> float:
    number = as_float(x, name)
    if not 0.0 <= number < inf:
        raise ValueError(f"{name} must be finite and not negative, got {number!r}")
    return number


def _along(f: Callable[..., Any], args: tuple[Any, ...], random: Random) -> Callable[..., Any]:
    """The derivative of `f` along a random direction."""
    sizes = [_signed(random) * _size(x) for x in _plain(args)]
    direction = refilled(args, sizes, derivatives=True)
    return lambda *xs: jvp(f, xs, direction)[1]


def _signed(random: Random) -> float:
    """A random number between 1/2 and 1 or their negatives: no component gets lost."""
    return random.choice((-1.0, 1.0)) * random.uniform(0.5, 1.0)


def _size(x: float) -> float:
    """How far a number may move as the others do: by its size, or by 1 if it is larger or 0."""
    return min(1.0, abs(x) or 1.0)


Doubts = dict[int, list[int]]  # by argument, the outputs whose derivative by it is in doubt


class _Comparison:
    """The derivatives of `f` by n numbers, in both modes, beside numerical ones.

    A wrong derivative by one argument shows in the derivative along every direction in which this
    argument moves. So a direction clears a derivative if the derivatives along the direction
    agree, and the error of their agreement is less than what this one derivative is allowed: none
    hides behind larger ones. Arguments that a direction does not clear are split, those that
    contribute much from those that contribute little, until they are cleared or single. A single
    argument is judged by the rule that users know: atol, rtol, and the estimated error. (Directions
    whose components are the shorter the larger the derivative lose more digits than they gain:
    they take three times as many evaluations.)

    Attributes:
        point: the numbers.
        value: the numbers of the result as a function of `point`.
        reverse: by output, the derivative by each argument in reverse mode.
        sizes: by argument, how far it moves in a direction of its own.
        largest: by output, the largest contribution of an argument.
    """

    def __init__(
        self, f: Callable[..., Any], plain: Callable[..., Any], args: tuple[Any, ...], what: str,
        rtol: float, atol: float,
    ) -> None:  # fmt: skip
        self.f, self.args, self.what = f, args, what
        self.rtol, self.atol = rtol, atol
        self.point = _plain(args)
        self.value: Outputs = lambda numbers: _plain(plain(*refilled(args, numbers)))
        out, pullback = vjp(f, *args)
        self.base = _plain(out)
        m = len(self.base)
        self.reverse = [
            _plain(pullback(refilled(out, _unit(self.base, i), derivatives=True))) for i in range(m)
        ]
        self.sizes = [_size(x) for x in self.point]
        self.finite = [
            all(isfinite(row[j]) for row in self.reverse) for j in range(len(self.point))
        ]
        moving = [size * ok for size, ok in zip(self.sizes, self.finite, strict=True)]
        self.largest = [
            max([abs(d) * size for d, size in zip(row, moving, strict=True) if size], default=0.0)
            for row in self.reverse
        ]
        self.judged: set[int] = set()  # the arguments that were looked at one by one

    def run(self, random: Random) -> None:
        """Compare all derivatives; raise a GradientCheckError if one differs."""
        n = len(self.point)
        everything = list(range(len(self.base)))
        for j in range(n):
            if n <= _DIRECTIONS or not self.finite[j]:
                self.judge(j, everything)
        for _ in range(_DIRECTIONS):
            stack: list[Doubts] = [{j: everything for j in range(n) if j not in self.judged}]
            while stack:
                doubts = stack.pop()
                if len(doubts) > 1:
                    stack += self.halves(self.cleared(doubts, random))
                else:
                    for j, outputs in doubts.items():
                        self.judge(j, outputs)

    def halves(self, doubts: Doubts) -> list[Doubts]:
        """The arguments in two parts, those that contribute less and those that contribute more."""
        ranked = sorted(doubts, key=lambda j: -self.contribution(j, doubts[j]))
        middle = (len(ranked) + 1) // 2
        return [{j: doubts[j] for j in part} for part in (ranked[middle:], ranked[:middle])]

    def contribution(self, j: int, outputs: Sequence[int]) -> float:
        """The largest contribution of an argument to an output, as a share of the largest there."""
        return self.sizes[j] * max(
            [abs(self.reverse[i][j]) / self.largest[i] for i in outputs if self.largest[i]],
            default=0.0,
        )

    def cleared(self, doubts: Doubts, random: Random) -> Doubts:
        """The derivatives that a random direction leaves in doubt."""
        direction = [
            _signed(random) * size if j in doubts else 0.0 for j, size in enumerate(self.sizes)
        ]
        rows = sorted({i for outputs in doubts.values() for i in outputs})
        try:
            tangents = self.forward(direction)
            slopes = {i: fsum([self.reverse[i][j] * direction[j] for j in doubts]) for i in rows}
            allowed = {
                j: {i: self.allowed(i, j) * abs(direction[j]) for i in outputs}
                for j, outputs in doubts.items()
            }
            least = dict.fromkeys(rows, inf)
            for by_output in allowed.values():
                for i, x in by_output.items():
                    least[i] = min(least[i], x)
            within = dict.fromkeys(rows, inf)
            for estimates in _extrapolated_along(
                self.value, self.point, direction, _STEP, self.base
            ):
                for i in rows:
                    error, expected = estimates[i]
                    difference = abs(slopes[i] - expected) + abs(tangents[i] - expected)
                    within[i] = min(within[i], difference + 4.0 * error)
                if all(within[i] <= least[i] for i in rows):
                    return {}
        except (ValueError, ZeroDivisionError, OverflowError):
            return doubts  # outside the domain, or infinite: look at the arguments one by one
        left = {
            j: [i for i, x in by_output.items() if not within[i] <= x]
            for j, by_output in allowed.items()
        }
        return {j: outputs for j, outputs in left.items() if outputs}

    def allowed(self, i: int, j: int) -> float:
        """The error that clears a derivative; where it is 0, a small part of the largest one."""
        derivative = self.reverse[i][j]
        if derivative:
            small = _ROUNDING * self.largest[i]
        else:
            small = _NOTHING * self.largest[i] + _ROUNDING * abs(self.base[i]) + _TINY / _EPSILON
        return self.atol + max(self.rtol * abs(derivative), small / self.sizes[j])

    def forward(self, direction: Sequence[float]) -> list[float]:
        tangents = refilled(self.args, direction, derivatives=True)
        return _plain(jvp(self.f, self.args, tangents)[1])

    def judge(self, j: int, outputs: Sequence[int]) -> None:
        """Compare the derivatives of some outputs by one argument."""
        self.judged.add(j)
        x = self.point[j]
        tangents = self.forward(_unit(self.point, j))
        doubtful = set(outputs)
        finals = []
        for h in _starts(x, None):
            for estimates in _extrapolated_along(
                self.value, self.point, _unit(self.point, j), h, self.base
            ):
                for i in outputs:
                    error, expected = estimates[i]
                    difference = abs(self.reverse[i][j] - expected) + abs(tangents[i] - expected)
                    if difference + 4.0 * error <= self.allowed(i, j) < inf:
                        doubtful.discard(i)
                if not doubtful:
                    return
            finals.append(estimates)
        for i in sorted(doubtful):
            error, expected = min([estimates[i] for estimates in finals], key=_relative)
            within = self.atol + self.rtol * abs(expected) + 4.0 * error
            for mode, got in (("reverse", self.reverse[i][j]), ("forward", tangents[i])):
                if not abs(got - expected) <= within and got != expected:
                    names = [
                        n for k, x in enumerate(self.args) for n in names_in(x, f"argument {k}")
                    ]
                    output = f" of output {i}" if len(self.base) > 1 else ""
                    raise GradientCheckError(
                        f"{self.what}{output} by {names[j]} = {x!r}: got {got!r} ({mode} mode), "
                        f"expected {expected!r} (numerically). If there is a kink at this point, "
                        f"move away from it"
                    )


def _plain(tree: Any) -> list[float]:
    """The numbers of a nesting, flattened, those of Values included."""
    flat = leaves(tree, "argument")
    return [x.data if isinstance(x, Value) else float(x) for x in flat]


def _on_values(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` on Values, whose methods it may use, without a graph."""

    def on_values(*args: Any) -> Any:
        with no_grad():
            return f(*nested(Value, args, "argument"))

    return on_values


Of = Callable[[Sequence[float]], float]
Outputs = Callable[[Sequence[float]], list[float]]
Estimate = tuple[float, float]  # of a derivative: its error, and the derivative


def _unit(at: Sequence[float], i: int) -> list[float]:
    return [float(i == j) for j in range(len(at))]


def _moved(numbers: Sequence[float], i: int, by: float) -> list[float]:
    return [*numbers[:i], numbers[i] + by, *numbers[i + 1 :]]


def _steps(at: Sequence[float], eps: float | None, relative: float) -> list[float]:
    return [relative * max(1.0, abs(x)) if eps is None else eps for x in at]


def _forward(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    steps, base = _steps(at, eps, sqrt(_EPSILON)), f(at)
    return [(f(_moved(at, i, h)) - base) / h for i, h in enumerate(steps)]


def _central(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    return [
        (f(_moved(at, i, h)) - f(_moved(at, i, -h))) / (2.0 * h)
        for i, h in enumerate(_steps(at, eps, _EPSILON ** (1 / 3)))
    ]


def _extrapolated(f: Of, at: Sequence[float], eps: float | None) -> list[float]:
    base = [f(at)]
    found = []
    for i, x in enumerate(at):
        finals = []
        for h in _starts(x, eps):
            *_, final = _extrapolated_along(lambda xs: [f(xs)], at, _unit(at, i), h, base)
            finals += final
        found.append(min(finals, key=_relative)[1])
    return found


def _starts(x: float, eps: float | None) -> list[float]:
    """The steps that an extrapolation by one argument starts from, the most trusted last."""
    # Which of them suits depends on how fast the function bends.
    size = abs(x) or 1.0
    return sorted({eps} if eps is not None else {0.03, 0.03 * size, 3e-5 * max(1.0, size)})


def _relative(estimate: Estimate) -> float:
    """The relative error of an estimate, by which estimates from several steps are compared.

    Differences across a pole near 0 look calm in absolute terms: 1 / x at 1e-3 gave 3.3 instead
    of -1e6.
    """
    error, derivative = estimate
    return error / abs(derivative) if derivative else inf if error else 0.0


def _extrapolated_along(
    f: Outputs, at: Sequence[float], direction: Sequence[float], h: float, base: Sequence[float]
) -> Iterator[list[Estimate]]:
    """The derivative of each output along a direction, better with each item.

    Args:
        f: the function.
        at: the point.
        direction: by argument, how far it moves when the step is 1.
        h: the first step; smaller ones follow.
        base: the value at the point.
    """
    for attempt in range(12):
        try:
            yield from _ridders(f, at, direction, h / 8.0**attempt, base)
        except (ValueError, ZeroDivisionError, OverflowError) as outside:
            fault = outside  # the step led out of the domain
        else:
            return
    raise fault


def _ridders(
    f: Outputs, at: Sequence[float], direction: Sequence[float], h: float, base: Sequence[float]
) -> Iterator[list[Estimate]]:
    """Central differences at h, h/1.4, h/1.4**2 ..., extrapolated."""
    # a tiny step sees no change, and so no error either: rounding and underflow are its errors
    rounding = [(_EPSILON * abs(y) + _TINY) / h for y in base]
    shrink = 1.4**2
    best = [(inf, inf)] * len(base)
    rows: list[list[float]] = [[]] * len(base)
    for level in range(12):
        ahead, behind = [
            f([x + by * d if d else x for x, d in zip(at, direction, strict=True)])
            for by in (h, -h)
        ]
        for i, above in enumerate(rows):
            rows[i] = row = [(ahead[i] - behind[i]) / (2.0 * h)]
            smallest, derivative = best[i] if level else (inf, row[0])
            factor = shrink
            for k, coarse in enumerate(above):
                row.append((factor * row[k] - coarse) / (factor - 1.0))
                factor *= shrink
                error = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - coarse))
                if error <= smallest:
                    smallest, derivative = error, row[k + 1]
            best[i] = smallest, derivative
        yield [(e + r, d) for (e, d), r in zip(best, rounding, strict=True)]
        h /= 1.4


_METHODS = {"forward": _forward, "central": _central, "extrapolated": _extrapolated}
