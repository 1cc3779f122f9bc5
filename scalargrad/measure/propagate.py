"""`propagate`: the standard deviation of a result, and how much each input contributes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import repeat
from math import isfinite, nan
from operator import mul
from typing import Any, NamedTuple

from scalargrad.core.arguments import as_flag
from scalargrad.core.numbers import as_count
from scalargrad.core.primitives import plain_sum
from scalargrad.measure import checks
from scalargrad.measure.checks import MonteCarlo, SecondOrder
from scalargrad.measure.correlations import Pairs, as_correlations
from scalargrad.measure.inputs import as_measured
from scalargrad.measure.linear import Run, deviation
from scalargrad.measure.named_rows import NamedRows
from scalargrad.measure.rounding import percent, rounded, significant
from scalargrad.support.collector import collector_paused
from scalargrad.support.memory import check_memory
from scalargrad.support.tables import as_html, as_text
from scalargrad.transforms.functional import checked_function, name_of
from scalargrad.transforms.tree import refilled

__all__ = ["BudgetRow", "Propagation", "Propagations", "propagate"]

_SHOWN = 30  # rows of a budget; of a longer one the largest contributions


class BudgetRow(NamedTuple):
    """What one input, or the correlation of two, contributes to the variance of the result.

    Attributes:
        name: the name of the input; of a correlation "a & b".
        value: the value of the input; of a correlation the coefficient.
        std: its standard deviation; nan for a correlation, as all that follows but the last two.
        sensitivity: the derivative of the result by the input.
        contribution: to the variance: (sensitivity · std)², or for a correlation r of the inputs
            a and b twice r times the product of theirs, which may be negative.
        share: of the variance; all shares sum to 1.
        elasticity: by how many percent the result changes if the input changes by 1 %.
    """

    name: str
    value: float
    std: float
    sensitivity: float
    contribution: float
    share: float
    elasticity: float


@dataclass(frozen=True, repr=False)
class Propagation:
    """A result with its standard deviation and uncertainty budget, as `propagate` returns it.

    `print` shows the budget as text, Jupyter as a table.

    Attributes:
        name: the name of the function.
        value: the result.
        std: its standard deviation by linear propagation.
        second_order: the mean shift and the standard deviation with second derivatives, or None
            where they were not computed or do not exist.
        monte_carlo: mean, deviation and 95 % interval of random draws, or None without draws.

    >>> period = sg.propagate(
    ...     lambda length, g: 2 * 3.14159265 * sg.sqrt(length / g),
    ...     {"length": (1.0, 0.01), "g": (9.81, 0.02)},
    ... )
    >>> period
    <Propagation: 2.006 ± 0.010>
    >>> period.budget["length"].share > 0.9
    True
    """

    name: str
    value: float
    std: float
    second_order: SecondOrder | None
    monte_carlo: MonteCarlo | None
    _run: Run = field(compare=False)
    _output: int = field(compare=False)
    _pairs: Pairs = field(compare=False)
    _slopes: list[float] = field(compare=False)

    @cached_property
    def budget(self) -> NamedRows[BudgetRow]:
        """A row for each input, then one for each pair of correlated inputs."""
        with collector_paused():
            return NamedRows(self._rows())

    def _rows(self) -> list[BudgetRow]:
        names, values, stds = self._run.inputs
        slopes, largest = self._slopes, self.std
        terms = [*map(mul, slopes, stds)]
        contributions = map(mul, terms, terms)
        if largest > 0.0 and isfinite(largest):
            scaled = [term / largest for term in terms]
            shares = [*map(mul, scaled, scaled)]
        else:
            shares = [nan] * len(terms)
        y = self.value or nan
        elasticities = [product / y for product in map(mul, slopes, values)]
        columns = zip(names, values, stds, slopes, contributions, shares, elasticities, strict=True)
        rows = [*map(tuple.__new__, repeat(BudgetRow), columns)]  # a third of the time of _make
        for (i, j), r in self._pairs.items():
            cross = 2.0 * r * terms[i] * terms[j]
            share = 2.0 * r * (terms[i] / largest) * (terms[j] / largest) if largest else nan
            rows.append(BudgetRow(f"{names[i]} & {names[j]}", r, nan, nan, cross, share, nan))
        return rows

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Why linear propagation misleads, one sentence each; empty where no check objects."""
        run, inputs = self._run, self._run.inputs
        words = []
        for name, slope, std in zip(inputs.names, self._slopes, inputs.stds, strict=True):
            if std and not isfinite(slope):
                words.append(f"the sensitivity to {name} is {slope!r}")
        words += checks.kinks_nearby(run, self._output, self._pairs)
        if self.second_order is not None:
            words += checks.of_curvature(self.second_order, self.std)
        if self.monte_carlo is not None:
            words += checks.of_draws(self.monte_carlo, self.value, self.std)
        words += self._flat()
        return tuple(words)

    def _flat(self) -> list[str]:
        """Inputs that the result depends on, but not to first order."""
        run, found = self._run, self.second_order
        if 0.0 not in self._slopes or (found and not found.shift and found.std <= self.std):
            return []
        needed = run.tape.needed(run.places(self._output))
        inputs = zip(run.inputs.names, run.inputs.stds, self._slopes, needed, strict=False)
        flat = [name for name, std, slope, used in inputs if std and used and slope == 0.0]
        if not flat:
            return []
        names = ", ".join(flat[:5]) + (", ..." if len(flat) > 5 else "")
        return [f"the sensitivity to {names} is 0 here: first order cannot see this uncertainty"]

    @property
    def verdict(self) -> str:
        """In words, whether linear propagation holds, and by which checks."""
        made = ["second derivatives"] if self.second_order is not None else []
        made += [f"{self.monte_carlo.draws:,} draws"] if self.monte_carlo is not None else []
        if self.warnings:
            return "Linear propagation misleads: " + "; ".join(self.warnings) + "."
        if not made:
            return (
                "Whether linear propagation holds was not checked, but for kinks: "
                "second_order=True and draws=10_000 check it."
            )
        within = f"{100.0 * checks.THRESHOLD:.0f} %"
        return f"Linear propagation holds to {within} of the deviation, by {' and '.join(made)}."

    @property
    def text(self) -> str:
        """The result, its budget as a table, and the checks."""
        return "\n".join([self._title, "", as_text(self._head, self._table), "", *self._notes])

    @property
    def _title(self) -> str:
        value, std = rounded(self.value, self.std)
        return f"{self.name} = {value} ± {std}"

    @property
    def _head(self) -> list[str]:
        return ["input", "value", "std", "sensitivity", "contribution", "share", "elasticity"]

    @property
    def _table(self) -> list[list[str]]:
        rows = [*self.budget]
        if len(rows) > _SHOWN:
            rows.sort(key=lambda row: -abs(row.share))
        table = [_cells(row) for row in rows[:_SHOWN]]
        if rest := rows[_SHOWN:]:
            contribution, share = sum(r.contribution for r in rest), sum(r.share for r in rest)
            more = [
                f"{len(rest):,} others",
                "",
                "",
                "",
                significant(contribution, 3),
                percent(share),
            ]
            table.append([*more, ""])
        variance = significant(self.std**2, 3)
        return [*table, ["variance", "", "", "", variance, "100.0 %" if self.std else "–", ""]]

    @property
    def _notes(self) -> list[str]:
        lines = []
        if self.second_order is not None:
            shift, std = self.second_order
            lines.append(
                f"second order: mean {significant(self.value + shift, 6)}, std {significant(std)}"
            )
        if (m := self.monte_carlo) is not None:
            lines.append(
                f"Monte Carlo ({m.draws:,} draws, {m.how}): mean {significant(m.mean, 6)}, "
                f"std {significant(m.std)}, 95 % within [{significant(m.low, 6)}, "
                f"{significant(m.high, 6)}]"
            )
        if not self.warnings:
            return [*lines, self.verdict]
        return [*lines, "Linear propagation misleads:", *(f"- {words}" for words in self.warnings)]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        value, std = rounded(self.value, self.std)
        return f"<Propagation: {value} ± {std}>"

    def _repr_html_(self) -> str:
        table = as_html(self._head, self._table, self._title)
        return "\n".join([table, *(f"<p>{escape(line)}</p>" for line in self._notes)])


def _cells(row: BudgetRow) -> list[str]:
    if row.std != row.std:  # a correlation
        value, std = significant(row.value), ""
        sensitivity = elasticity = ""
    else:
        value, std = rounded(row.value, row.std)
        std = "–" if not row.std else std
        sensitivity, elasticity = significant(row.sensitivity), significant(row.elasticity, 3)
    contribution = significant(row.contribution, 3)
    return [row.name, value, std, sensitivity, contribution, percent(row.share), elasticity]


@dataclass(frozen=True, repr=False)
class Propagations:
    """Several results with their covariances, as `propagate` returns them for a nesting.

    Attributes:
        value: the results, in the nesting that the function returned.
        std: their standard deviations, in the same nesting.
        outputs: a `Propagation` for each result, in order.
        covariance: rows of the covariances of all results, in order.

    >>> both = sg.propagate(lambda x, y: [x + y, x - y], {"x": (1.0, 0.3), "y": (2.0, 0.4)})
    >>> both.std, [[round(c, 12) for c in row] for row in both.covariance]
    ([0.5, 0.5], [[0.25, -0.07], [-0.07, 0.25]])
    """

    value: Any
    std: Any
    outputs: tuple[Propagation, ...]
    covariance: list[list[float]]

    @property
    def correlation(self) -> list[list[float]]:
        """The covariances divided by both standard deviations; nan where one of these is 0."""
        stds = [output.std or nan for output in self.outputs]
        return [
            [c / s / t for c, t in zip(row, stds, strict=True)]
            for row, s in zip(self.covariance, stds, strict=True)
        ]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all results, each with the name of its result."""
        return tuple(f"{y.name}: {words}" for y in self.outputs for words in y.warnings)

    @property
    def text(self) -> str:
        """The text of each result, and their correlations."""
        parts = [output.text for output in self.outputs]
        return "\n\n".join([*parts, f"correlations\n{as_text(*self._correlations)}"])

    @property
    def _correlations(self) -> tuple[list[str], list[list[str]]]:
        names = [output.name for output in self.outputs]
        rows = [
            [name, *(significant(r, 3) for r in row)]
            for name, row in zip(names, self.correlation, strict=True)
        ]
        return ["", *names], rows

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Propagations: {', '.join(y._title for y in self.outputs)}>"

    def _repr_html_(self) -> str:
        tables = [output._repr_html_() for output in self.outputs]
        return "\n".join([*tables, as_html(*self._correlations, caption="correlations")])


def propagate(
    f: Callable[..., Any], inputs: Mapping[str, Any], correlations: Any = None, *,
    second_order: bool | None = None, draws: int | None = None, seed: int = 0,
) -> Any:  # fmt: skip
    """Propagate the standard deviations of named inputs to the result of `f`.

    The variance of the result is the sum of (∂f/∂xᵢ · uᵢ)² over the inputs, and with correlations r
    of 2 r ∂f/∂xᵢ uᵢ ∂f/∂xⱼ uⱼ over the pairs (GUM, equation 16). The derivatives are exact and come
    from one backward pass, whose cost is proportional to the number of operations.

    Linear propagation takes `f` to be straight within the uncertainties. Two checks, for normally
    distributed inputs, say where it misleads: second derivatives, and random draws. A result that
    differs by more than 10 % of the standard deviation is a warning, and so are kinks and jumps
    within three standard deviations, and draws outside of the domain of `f`.

    Args:
        f: a function of the inputs by keyword, ``f(**numbers)``, that returns a number or a nesting
            of numbers. It is called once, and for the checks with other numbers.
        inputs: by name the pair (value, standard deviation), or a number, which is constant.
        correlations: a dict from pairs of names to coefficients, ``{("a", "b"): 0.5}``, or a matrix
            in the order of the inputs; those not given are 0.
        second_order: whether to compute second derivatives, at a sweep of the graph for each input
            with a deviation. By default for up to 30 of these, as long as it takes about a second.
        draws: the number of random draws, 0 for none. By default 10,000 for up to 30 inputs with a
            deviation, as long as they take about a second. Large numbers are replayed where numba
            is installed.
        seed: the seed of the draws, which come from a generator of their own.

    Returns:
        A `Propagation` with `value`, `std`, `budget`, `warnings` and `verdict`; for a nesting of
        results `Propagations`, with the covariances of all.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: a number is not finite, a deviation is negative, or no quantities can have the
            correlations.

    Source: Joint Committee for Guides in Metrology, Evaluation of measurement data: Guide to the
    expression of uncertainty in measurement (GUM), 2008; for the draws its Supplement 1.

    >>> def density(mass, width):
    ...     return mass / width**3
    >>> print(propagate(density, {"mass": (2.5, 0.05), "width": (1.2, 0.01)}, draws=0))
    density = 1.447 ± 0.046
    <BLANKLINE>
    input     value    std  sensitivity  contribution    share  elasticity
    mass      2.500  0.050       0.5787      0.000837   39.0 %           1
    width     1.200  0.010       -3.617       0.00131   61.0 %          -3
    variance                                  0.00215  100.0 %
    <BLANKLINE>
    second order: mean 1.44736, std 0.04633
    Linear propagation holds to 10 % of the deviation, by second derivatives.
    """
    checked_function(f, "propagate")
    measured = as_measured(inputs, "propagate")
    pairs = as_correlations(correlations, measured.names, "propagate")
    if second_order is not None:
        second_order = as_flag(second_order, "propagate: second_order")
    if draws is not None:
        draws = as_count(draws, "propagate: draws", least=0)
        check_memory(draws, 32 * len(measured.names), "propagate: {} draws of the inputs")
    seed = as_count(seed, "propagate: seed", least=0)
    run = Run(f, measured, "propagate")
    pairs = {(i, j): r for (i, j), r in pairs.items() if measured.stds[i] and measured.stds[j]}
    if second_order is None:
        second_order = checks.automatic_second_order(run)
    samples, how = checks.drawn(run, pairs, draws, seed)
    name = name_of(f)
    outputs = []
    for k in range(len(run.outputs)):
        slopes = run.derivatives(k)
        std = deviation([*map(mul, slopes, measured.stds)], pairs)
        title = "result" if name == "<lambda>" else name
        outputs.append(
            Propagation(
                title if run.single else f"{title}[{k}]",
                run.number(k),
                std,
                checks.second_order(run, k, std, pairs) if second_order else None,
                checks.from_draws(samples[k], how) if samples else None,
                run, k, pairs, slopes,
            )
        )  # fmt: skip
    if run.single:
        return outputs[0]
    return Propagations(
        refilled(run.out, [y.value for y in outputs]),
        refilled(run.out, [y.std for y in outputs]),
        tuple(outputs),
        _covariance(outputs, measured.stds, pairs),
    )


def _covariance(
    outputs: Sequence[Propagation], stds: Sequence[float], pairs: Pairs
) -> list[list[float]]:
    """The covariances of the results: J C Jᵀ."""
    terms = [[*map(mul, y._slopes, stds)] for y in outputs]
    mixed = [checks.times_correlations(row, pairs) for row in terms]
    return [[plain_sum(map(mul, row, other)) for other in terms] for row in mixed]
