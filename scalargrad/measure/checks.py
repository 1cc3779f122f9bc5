"""Checks of linear propagation: second derivatives, random draws, and kinks nearby."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import fsum, hypot, isfinite, sqrt
from operator import mul
from random import Random
from typing import Any, NamedTuple

from scalargrad.core.kinks import kinks_of
from scalargrad.core.modes import no_grad
from scalargrad.core.value import Value
from scalargrad.measure.correlations import Pairs, factor
from scalargrad.measure.inputs import Inputs
from scalargrad.measure.linear import Run, deviation
from scalargrad.measure.rounding import percent, significant
from scalargrad.replay import RecordingError, compile
from scalargrad.transforms.functional import hessian, value_and_grad
from scalargrad.transforms.tree import leaves

__all__ = [
    "FEW", "THRESHOLD", "MonteCarlo", "SecondOrder", "automatic_draws", "automatic_second_order",
    "drawn", "from_draws", "kinks_nearby", "of_curvature", "of_draws", "second_order",
    "times_correlations",
]  # fmt: skip

THRESHOLD = 0.1  # of the standard deviation, by which a check may differ
FEW = 30  # inputs with a deviation: up to so many the checks are made without being asked for
_DRAWS, _LEAST_DRAWS = 10_000, 500
_SECOND_ORDER_WORK = 1_000_000  # inputs times nodes: about a second
_CALL = 20  # nodes, about whose price calling a function has
_DRAWN_WORK = 2_000_000  # draws times nodes by Python: a good second, which numba takes to load
_LARGEST_REPLAYED = 20_000  # nodes that are recorded and replayed unasked, in about a second
_NEAR = 3.0  # standard deviations
_MOST_KINKS = 50  # each costs a backward pass
_SURE = 3.0  # standard errors of the draws that a difference must exceed


class SecondOrder(NamedTuple):
    """What second derivatives say of normally distributed inputs.

    Attributes:
        shift: the mean of the result less the value: half the sum of ∂²f/∂xᵢ∂xⱼ cov(xᵢ, xⱼ).
        std: the standard deviation with the terms of second order.
    """

    shift: float
    std: float


class MonteCarlo(NamedTuple):
    """What draws of normally distributed inputs say.

    Attributes:
        mean: the mean of the results.
        std: their standard deviation.
        low, high: 95 % of the results are between these, as many below as above.
        draws: the number of draws.
        failures: how many of them raised an error, or gave nan or infinity.
        how: "replayed" or "eager".
    """

    mean: float
    std: float
    low: float
    high: float
    draws: int
    failures: int
    how: str


def automatic_second_order(run: Run) -> bool:
    """Whether the second derivatives are cheap enough to compute unasked."""
    n = _count(run.inputs)
    return 0 < n <= FEW and n * len(run.tape) * len(run.outputs) <= _SECOND_ORDER_WORK


def automatic_draws(run: Run) -> int:
    """The number of draws to make unasked; 0 for none."""
    if not 0 < _count(run.inputs) <= FEW:
        return 0
    if find_spec("numba") and len(run.tape) <= _LARGEST_REPLAYED:
        return _DRAWS
    return _eager_draws(run)


def _eager_draws(run: Run) -> int:
    """As many draws as Python makes in about a second; 0 if these are too few to say anything."""
    draws = min(_DRAWS, _DRAWN_WORK // (_CALL + len(run.tape)))
    return draws if draws >= _LEAST_DRAWS else 0


def _count(inputs: Inputs) -> int:
    """The number of inputs with a deviation."""
    return len(inputs.stds) - inputs.stds.count(0.0)


def _uncertain(inputs: Inputs) -> list[int]:
    return [i for i, std in enumerate(inputs.stds) if std]


def _of_uncertain(f: Callable[..., Any], inputs: Inputs) -> Callable[[Sequence[Any]], Any]:
    """The function of the inputs with a deviation; the others are constant."""
    fixed = dict(zip(inputs.names, inputs.values, strict=True))
    names = [inputs.names[i] for i in _uncertain(inputs)]
    return lambda numbers: f(**{**fixed, **dict(zip(names, numbers, strict=True))})


def second_order(run: Run, k: int, std: float, pairs: Pairs) -> SecondOrder | None:
    """The terms of second order of output `k`; None where a derivative does not exist.

    For normally distributed inputs with covariances C and second derivatives H, the mean is shifted
    by tr(HC) / 2, and the variance grows by tr(HCHC) / 2 (Mekid and Vaja, Propagation of
    uncertainty: expressions of second and third order, 2008).
    """
    inputs = run.inputs
    places = _uncertain(inputs)
    f = _of_uncertain(run.f, inputs)
    try:
        found = hessian(lambda numbers: leaves(f(numbers), "result")[k])(
            [inputs.values[i] for i in places]
        )
    except (ValueError, ArithmeticError):
        return None
    stds = [inputs.stds[i] for i in places]
    scaled = [  # Values where the function uses others, which count as constants
        [getattr(h, "_data", h) * s * t for h, t in zip(row, stds, strict=True)]
        for row, s in zip(found, stds, strict=True)
    ]
    place = {i: at for at, i in enumerate(places)}
    correlated = {
        (place[i], place[j]): r for (i, j), r in pairs.items() if i in place and j in place
    }
    product = [times_correlations(row, correlated) for row in scaled]  # H C
    shift = 0.5 * fsum(product[i][i] for i in range(len(places)))
    transposed = [*zip(*product, strict=True)]
    more = 0.5 * fsum(
        sum(map(mul, row, column)) for row, column in zip(product, transposed, strict=True)
    )
    if not isfinite(shift) or not isfinite(more):
        return None
    return SecondOrder(shift, sqrt(max(std * std + more, 0.0)))


def times_correlations(row: Sequence[float], pairs: Pairs) -> list[float]:
    """A row of numbers times the matrix of correlations."""
    out = [*row]
    for (i, j), r in pairs.items():
        out[j] += row[i] * r
        out[i] += row[j] * r
    return out


def drawn(run: Run, pairs: Pairs, draws: int | None, seed: int) -> tuple[list[list[float]], str]:
    """The results of random draws, for each output; nan where the function fails.

    Large work is replayed where numba is installed. The random numbers are those of a generator of
    its own.

    Args:
        run: the function and its inputs.
        pairs: their correlations.
        draws: how many; None for as many as are cheap, which may be none.
        seed: of the generator.

    Returns:
        For each output a list of results, and how they were computed; no list for no draws.
    """
    unasked = draws is None
    draws = automatic_draws(run) if draws is None else draws
    if not draws:
        return [], ""
    inputs = run.inputs
    places = _uncertain(inputs)
    columns = _columns(inputs, places, pairs, draws, Random(seed))
    f = _of_uncertain(run.f, inputs)
    if draws * (_CALL + len(run.tape)) > _DRAWN_WORK and find_spec("numba"):
        try:
            compiled = compile(
                lambda numbers: leaves(f(numbers), "result"), backend="numba", allow_nonfinite=True
            )
            import numpy as np

            found = compiled(np.array(columns).T)
            return [np.asarray(y, float).tolist() for y in found], "replayed"
        except RecordingError:  # it reads numbers of its inputs, which eager code may
            if unasked:
                draws = _eager_draws(run)
                columns = [column[:draws] for column in columns]
    results: list[list[float]] = []
    failed = [float("nan")] * len(run.outputs)
    with no_grad():
        for numbers in zip(*columns, strict=True):
            try:
                found = leaves(f(numbers), "result")
            except (ValueError, ArithmeticError):
                results.append(failed)
            else:
                results.append([y._data if isinstance(y, Value) else float(y) for y in found])
    return [list(column) for column in zip(*results, strict=True)], "eager"


def _columns(
    inputs: Inputs, places: list[int], pairs: Pairs, draws: int, rng: Random
) -> list[list[float]]:
    """By input with a deviation, its draws."""
    rows = factor(pairs)
    gauss = rng.gauss
    rank = max(map(len, rows.values()), default=0)
    common = [[gauss(0.0, 1.0) for _ in range(draws)] for _ in range(rank)]
    columns = []
    for i in places:
        value, std = inputs.values[i], inputs.stds[i]
        if i in rows:
            row = rows[i]
            mixed = [sum(map(mul, row, z)) for z in zip(*common[: len(row)], strict=True)]
            columns.append([value + std * z for z in mixed])
        else:
            columns.append([gauss(value, std) for _ in range(draws)])
    return columns


def from_draws(results: Sequence[float], how: str) -> MonteCarlo:
    """Mean, deviation and interval of the results that are finite."""
    found = sorted(y for y in results if isfinite(y))
    n = len(found)
    if n < 2:
        nan = float("nan")
        return MonteCarlo(nan, nan, nan, nan, len(results), len(results) - n, how)
    mean = fsum(found) / n
    std = hypot(*[y - mean for y in found]) / sqrt(n - 1)
    low, high = (found[min(int(share * n), n - 1)] for share in (0.025, 0.975))
    return MonteCarlo(mean, std, low, high, len(results), len(results) - n, how)


def of_curvature(found: SecondOrder, std: float) -> list[str]:
    """What the second derivatives object to."""
    words = []
    if abs(found.shift) > THRESHOLD * std:
        words.append(
            f"curvature shifts the mean by {significant(found.shift, 2)}"
            f"{_in_stds(found.shift, std)}"
        )
    if found.std > (1.0 + THRESHOLD) * std:
        words.append(
            f"with the second derivatives the standard deviation is {significant(found.std, 2)}, "
            f"not {significant(std, 2)}"
        )
    return words


def of_draws(found: MonteCarlo, value: float, std: float) -> list[str]:
    """What the draws object to, beyond their own statistical error."""
    words = []
    if found.failures:
        words.append(
            f"{found.failures:,} of {found.draws:,} draws fail or are not finite: the function is "
            "not defined everywhere within the uncertainties"
        )
    if found.mean != found.mean:
        return words
    n = found.draws - found.failures
    off = found.mean - value
    if abs(off) > max(THRESHOLD * std, _SURE * found.std / sqrt(n)):
        words.append(
            f"the mean of the draws differs from the value by {significant(off, 2)}"
            f"{_in_stds(off, std)}"
        )
    if abs(found.std - std) > max(THRESHOLD * std, _SURE * found.std / sqrt(2.0 * n)):
        words.append(
            f"the standard deviation of the draws is {significant(found.std, 2)}, not "
            f"{significant(std, 2)}"
        )
    return words


def _in_stds(x: float, std: float) -> str:
    return f", {percent(abs(x) / std)} of the standard deviation" if std else ""


def kinks_nearby(run: Run, k: int, pairs: Pairs) -> list[str]:
    """The kinks and jumps of output `k` that are within 3 standard deviations, in words."""
    words: list[str] = []
    tape, stds = run.tape, run.inputs.stds
    arrives: list[float] | None = None
    for count, kink in enumerate(kinks_of(tape)):
        if count == _MOST_KINKS:
            words.append(f"there are more than {_MOST_KINKS} kinks: only the first were examined")
            break
        arrives = arrives or run.pulled(dict.fromkeys(run.places(k), 1.0), len(tape))
        if not arrives[kink.node]:
            continue
        operands = [tape.operands[e] for e in tape.edges(kink.node)]
        numbers = [tape.nodes[j]._data for j in operands]
        row = tape.nodes[kink.node]._row
        slopes = value_and_grad(row.gap, range(len(numbers)))(*numbers)[1]
        seeds: dict[int, float] = {}
        for j, slope in zip(operands, slopes, strict=True):
            seeds[j] = seeds.get(j, 0.0) + slope
        moves = run.pulled(seeds, len(stds))
        std = deviation([d * s for d, s in zip(moves, stds, strict=True)], pairs)
        if std and abs(kink.gap) <= _NEAR * std:
            names = [
                tape.nodes[j].label or significant(number)
                for j, number in zip(operands, numbers, strict=True)
            ]
            words.append(
                f"{row.write(*names)} has a kink {significant(abs(kink.gap) / std, 2)} standard "
                f"deviations away: its slope is {significant(kink.below)} below and "
                f"{significant(kink.above)} above"
            )
    return words
