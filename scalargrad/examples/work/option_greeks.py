"""Black and Scholes with every Greek to third order, implied volatility, and Monte Carlo.

A European call on a share of price S, with strike K, time to expiry T in years, interest rate r and
volatility σ, is worth

    C = S Φ(d₁) - K exp(-rT) Φ(d₂),    d₁ = (ln(S/K) + (r + σ²/2) T) / (σ √T),    d₂ = d₁ - σ √T.

The Greeks are its derivatives: with respect to the price (delta), the volatility (vega), both
(vanna), and so on. `build` is the formula and nothing else; nested `sg.grad` gives all 34
derivatives up to the third order, and `sg.taylor` gives those in one variable in a single pass.

Markets do not quote C but the volatility at which the formula gives C. `sg.solve.root` finds it.
By the implicit function theorem it can also be differentiated: how the implied volatility changes
with the option's price, the share's price and the interest rate follows without solving a formula
for σ.

An Asian option pays according to the mean price over twelve months, and there is no closed formula.
One path takes a few lines of plain Python. It is recorded once and replayed for 40,000 draws,
together with its derivatives (pathwise Greeks). Their mean estimates the Greek, and their scatter
gives the standard error.

Source: F. Black and M. Scholes, The pricing of options and corporate liabilities, Journal of
Political Economy 81 (1973); pathwise derivatives: M. Broadie and P. Glasserman, Estimating security
price derivatives using simulation, Management Science 42 (1996). The names of the Greeks are those
traders use.
Data: ours: a share at 100, an option at the money for half a year, a smile of seven strikes.
Look for: vanna is the derivative of delta by σ and also that of vega by S; the two agree to the
last digit or two. Delta rises from 0 to 1 in the last weeks, so gamma, speed and colour become
large near the strike.
Conclusion: one formula in five lines gives every sensitivity that a trader asks for, and the same
draws that give a price give its Greeks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import scalargrad as sg

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "GREEKS", "Estimate", "Options", "asian", "build", "figures", "greek", "greeks",
    "implied_volatility", "report", "run", "simulate",
]  # fmt: skip

INPUTS = ("S", "σ", "T", "r")  # the order of the arguments of `build`, before the strike
POINT = (100.0, 0.2, 0.5, 0.03)
STRIKE = 100.0
MONTHS = 12

# What each is taken by. T shrinks as time passes: those by T are per year that passes.
GREEKS: dict[str, str] = {
    "delta": "S", "vega": "σ", "theta": "T", "rho": "r",
    "gamma": "SS", "vanna": "Sσ", "charm": "ST", "vomma": "σσ", "veta": "σT", "vera": "σr",
    "speed": "SSS", "zomma": "SSσ", "colour": "SST", "ultima": "σσσ",
}  # fmt: skip


def build(S: Any, σ: Any, T: Any, r: Any, K: Any = STRIKE) -> Any:
    """The price of the call.

    >>> round(build(*POINT), 6)
    6.371028
    """
    spread = σ * sg.sqrt(T)
    d1 = (sg.log(S / K) + (r + 0.5 * σ * σ) * T) / spread
    return S * sg.ndtr(d1) - K * sg.exp(-r * T) * sg.ndtr(d1 - spread)


def greek(by: str) -> Callable[..., Any]:
    """The derivative of the price by the named inputs, such as "SSσ", as a function of them all.

    >>> round(greek("SS")(*POINT), 9)  # gamma
    0.027772132
    """
    f: Callable[..., Any] = build
    for letter in by:
        f = sg.grad(f, INPUTS.index(letter))
    return f


def greeks(order: int, point: Sequence[float] = POINT) -> dict[str, float]:
    """All derivatives of one order, by the letters of what they are taken by.

    >>> len(greeks(1)) + len(greeks(2)) + len(greeks(3))
    34
    """
    names = ("".join(letters) for letters in combinations_with_replacement(INPUTS, order))
    return {name: float(greek(name)(*point)) for name in names}


def implied_volatility(
    price: Any, S: Any = POINT[0], K: Any = STRIKE, T: Any = POINT[2], r: Any = POINT[3]
) -> Any:
    """The σ at which the formula gives the price, differentiable by all of the arguments.

    Raises:
        ValueError: no volatility gives this price.

    >>> round(implied_volatility(build(*POINT)), 12)
    0.2
    """
    log_σ = sg.solve.root(  # σ stays positive
        lambda log_σ, price, S, K, T, r: build(S, sg.exp(log_σ), T, r, K) - price,
        math.log(0.2), price, S, K, T, r,
    )  # fmt: skip
    return sg.exp(log_σ)


def asian(S: Any, σ: Any, T: Any, r: Any, shocks: Sequence[Any]) -> Any:
    """The discounted payoff of one path of an Asian call, by the mean price over the months.

    The price moves by exp((r - σ²/2) Δt + σ √Δt z) in each month, with a normal z.

    >>> round(asian(*POINT, [0.0] * MONTHS), 6)
    0.267265
    """
    step = T / len(shocks)
    drift, width = (r - 0.5 * σ * σ) * step, σ * sg.sqrt(step)
    prices = []
    for z in shocks:
        S = S * sg.exp(drift + width * z)
        prices.append(S)
    return sg.exp(-r * T) * sg.relu(sg.mean(prices) - STRIKE)


def european(S: Any, σ: Any, T: Any, r: Any, shocks: Sequence[Any]) -> Any:
    """The discounted payoff of one path of the European call, which uses only the first shock."""
    end = S * sg.exp((r - 0.5 * σ * σ) * T + σ * sg.sqrt(T) * shocks[0])
    return sg.exp(-r * T) * sg.relu(end - STRIKE)


@dataclass(frozen=True)
class Estimate:
    """Means over the paths with their standard errors: the price, then its slopes by the inputs.

    `course` has delta after 100, 200, 400 ... paths with its standard error.
    """

    means: tuple[float, ...]
    errors: tuple[float, ...]
    course: tuple[tuple[int, float, float], ...]


def simulate(payoff: Callable[..., Any], paths: int = 40_000, seed: int = 2) -> Estimate:
    """The price of an option and its pathwise Greeks, from recorded and replayed paths.

    Each path comes with its mirror image, all shocks reversed, and the pair counts as one draw.

    Args:
        payoff: what a path pays: a function of S, σ, T, r and the shocks.
        paths: how many pairs of paths.
        seed: of the shocks.
    """
    import numpy as np

    def pair(z: Sequence[Any], point: Sequence[Any]) -> list[Any]:
        def both(S: Any, σ: Any, T: Any, r: Any) -> Any:
            return 0.5 * (payoff(S, σ, T, r, z) + payoff(S, σ, T, r, [-shock for shock in z]))

        value, slopes = sg.value_and_grad(both, (0, 1, 2, 3))(*point)
        return [value, *slopes]

    shocks = np.random.default_rng(seed).standard_normal((paths, MONTHS))
    columns = np.array(sg.compile(pair)(shocks, np.tile(POINT, (paths, 1))))
    means, errors = columns.mean(axis=1), columns.std(axis=1, ddof=1) / math.sqrt(paths)
    sizes = [100 * 2**k for k in range(20) if 100 * 2**k < paths] + [paths]
    course = [
        (n, float(columns[1, :n].mean()), float(columns[1, :n].std(ddof=1)) / math.sqrt(n))
        for n in sizes
    ]
    return Estimate(tuple(means.tolist()), tuple(errors.tolist()), tuple(course))


@dataclass(frozen=True)
class Options:
    """What `run` computes.

    Attributes:
        price: that of the formula at `POINT`.
        greeks: all derivatives up to the third order, by letters.
        taylor: the coefficients of the price in powers of the change of S, up to the fifth.
        smile: for each strike its price, the implied volatility, and its slopes by price, S and r.
        european, asian: Monte Carlo.
    """

    price: float
    greeks: dict[str, float]
    taylor: list[float]
    smile: dict[float, tuple[float, float, float, float, float]]
    european: Estimate
    asian: Estimate


def quoted(strike: float) -> float:
    """The market's price for a strike: ours, with a smile as share options have."""
    x = math.log(strike / POINT[0])
    return float(build(POINT[0], 0.2 - 0.15 * x + 0.6 * x * x, POINT[2], POINT[3], strike))


def run(paths: int = 40_000) -> Options:
    """Everything at `POINT`.

    Args:
        paths: how many pairs of paths Monte Carlo draws.
    """
    every: dict[str, float] = {}
    for order in (1, 2, 3):
        every |= greeks(order)
    smile = {}
    for strike in (80.0, 85.0, 90.0, 100.0, 110.0, 115.0, 120.0):
        price = quoted(strike)
        found = sg.value_and_grad(implied_volatility, (0, 1, 4))
        σ, slopes = found(price, POINT[0], strike, POINT[2], POINT[3])
        smile[strike] = (price, σ, *slopes)
    S, *others = POINT
    return Options(
        float(build(*POINT)), every, sg.taylor(lambda x: build(x, *others), S, 5), smile,
        simulate(european, paths), simulate(asian, paths),
    )  # fmt: skip


def named(result: Options, name: str) -> float:
    """A Greek by its name, per year that passes where it is taken by T."""
    letters = GREEKS[name]
    return result.greeks[letters] * (-1.0) ** letters.count("T")


def report(result: Options) -> str:
    """The Greeks, the implied volatilities, and Monte Carlo beside the formula."""
    S, σ, T, r = POINT
    lines = [
        f"A call at S = K = {S:g}, σ = {σ:g}, T = {T:g} years, r = {r:g}: C = {result.price:.6f}"
    ]
    lines += ["", "  The Greeks with a name (unscaled: σ and r from 0 to 1, T in years):", ""]
    cells = [f"{name:<7}{GREEKS[name]:<4}{named(result, name):>14.8f}" for name in GREEKS]
    lines += ["  " + "    ".join(cells[k::5]) for k in range(5)]
    lines += [
        "",
        f"  {len(result.greeks)} derivatives in all, of three orders. If the share rises by 5, the",
        "  option gains, by Taylor's coefficients,",
        "  " + "   ".join(
            f"{_gain(result, order):.5f} (order {order})" for order in (1, 2, 3, 5)
        ) + f"   {_exact_gain():.5f} (exact)",
        "",
        "  Implied volatility, and what moves it:",
        "",
        f"  {'strike':>8}{'price':>10}{'σ':>10}{'∂σ/∂price':>12}{'∂σ/∂S':>11}{'∂σ/∂r':>11}",
    ]  # fmt: skip
    for strike, (price, *row) in result.smile.items():
        cells = [f"{x:>{w}.5f}" for x, w in zip(row, (10, 12, 11, 11), strict=True)]
        lines.append(f"  {strike:>8g}{price:>10.4f}" + "".join(cells))
    exact = [result.price, *(result.greeks[x] for x in INPUTS)]
    lines += [
        "",
        f"  Monte Carlo, {result.asian.course[-1][0]:,} pairs of paths; in brackets the "
        "errors of the last digits:",
        "",
        f"  {'':<12}{'formula':>12}{'European':>18}{'Asian':>18}",
    ]
    for k, name in enumerate(("price", "delta", "vega", "∂C/∂T", "rho")):
        cells = [_with_error(e.means[k], e.errors[k]) for e in (result.european, result.asian)]
        lines.append(f"  {name:<12}{exact[k]:>12.5f}" + "".join(f"{cell:>18}" for cell in cells))
    lines += [
        "",
        "  The formula was written once. No Greek and no inverse formula was derived by hand, and",
        "  for the option without a formula the same draws give both the price and its Greeks.",
    ]
    return "\n".join(lines)


def _gain(result: Options, order: int, step: float = 5.0) -> float:
    return sum(c * step**k for k, c in enumerate(result.taylor[: order + 1]) if k)


def _exact_gain(step: float = 5.0) -> float:
    S, *others = POINT
    return float(build(S + step, *others) - build(*POINT))


def _with_error(mean: float, error: float) -> str:
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{mean:.{digits}f}({round(error * 10**digits)})"


def figures(result: Options) -> dict[str, Picture]:
    """Six Greeks over the price of the share, the smile, and delta by the number of paths."""
    from scalargrad import plot

    _, σ, _, r = POINT
    page = plot.figure(
        2, 3, width=11.0, height=6.2,
        alt="Six Greeks of a call over the price of the share, for a year, a quarter and a month "
        "to the end. Delta is a step that gets steeper; gamma, vega, vanna, speed and zomma are "
        "peaks and waves around the strike; gamma, speed and zomma grow with less time.",
    )  # fmt: skip
    prices = [60.0 + k for k in range(81)]
    for ax, name in zip(
        page.axes, ("delta", "gamma", "vega", "vanna", "speed", "zomma"), strict=True
    ):
        slope = sg.compile(greek(GREEKS[name]))
        series = {}
        for label, T in (("1 year", 1.0), ("3 months", 0.25), ("1 month", 1 / 12)):
            n = len(prices)
            series[label] = (prices, slope(prices, [σ] * n, [T] * n, [r] * n).tolist())
        by = GREEKS[name]
        order = {1: "", 2: "²", 3: "³"}[len(by)]
        plot.lines(
            series, xlabel="price of the share", ylabel=name, ax=ax,
            title=f"{name} = ∂{order}C/" + _below(by),
        )  # fmt: skip
        ax.axvline(STRIKE, color="#8a8a8a", linewidth=0.8, zorder=0)
        if ax is not page.axes[0]:
            ax.legend().remove()
    strikes = [*result.smile]
    smile = plot.figure(
        1, 2, width=9.6, height=3.8,
        alt="Left: implied volatility over the strike falls from 0.26 at 80 to 0.19 at 115. Right: "
        "its change by the price of the option, smallest at the money.",
    )  # fmt: skip
    plot.lines(
        {"σ": (strikes, [row[1] for row in result.smile.values()])}, xlabel="strike",
        ylabel="implied volatility σ", title="The smile, by sg.solve.root", markers=True,
        ax=smile.axes[0],
    )  # fmt: skip
    plot.lines(
        {
            "by the price of the option": (strikes, [row[2] for row in result.smile.values()]),
            "by the price of the share": (strikes, [row[3] for row in result.smile.values()]),
        },
        xlabel="strike", ylabel="∂σ per unit of money", title="and what moves it", markers=True,
        ax=smile.axes[1],
    )  # fmt: skip
    counts, means, errors = zip(*result.european.course, strict=True)
    exact = result.greeks["S"]
    upper, lower = (
        [m + side * e for m, e in zip(means, errors, strict=True)] for side in (2.0, -2.0)
    )
    paths = plot.lines(
        {
            "pathwise delta": (counts, means),
            "± 2 standard errors": (counts, upper),
            "exact": ([counts[0], counts[-1]], [exact, exact]),
        },
        xlabel="pairs of paths", ylabel="delta", xscale="log", markers=False,
        title="Delta by replayed paths closes in on the formula's",
        alt="Delta over the number of paths: the estimate wanders within two standard errors, "
        "which shrink as the root of the number, around the exact value.",
    )  # fmt: skip
    ax = paths.axes[0]
    band = ax.lines[1]
    ax.fill_between(counts, lower, upper, color=band.get_color(), alpha=0.18, linewidth=0)
    ax.plot(counts, lower, color=band.get_color(), linestyle=band.get_linestyle())
    return {"greeks": page, "smile": smile, "paths": paths}


def _below(by: str) -> str:
    powers = {letter: by.count(letter) for letter in by}
    return " ".join(f"∂{letter}" + {1: "", 2: "²", 3: "³"}[k] for letter, k in powers.items())
