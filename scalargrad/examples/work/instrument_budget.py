"""Two uncertainty budgets of the GUM: an end gauge, and a resistance with its reactance.

A gauge block of nominally 50 mm is compared with a standard of known length l_S. Let d be the
difference that the comparator shows, θ the deviation of the room's temperature from 20 °C, α_S the
thermal expansion of the standard, and δα and δθ the differences of expansion and temperature
between the two blocks. Then

    l = l_S + d - l_S (δα θ + α_S δθ).

Each input has a standard uncertainty u. `sg.propagate` computes the exact derivatives in one
backward pass and gives u(l)² = Σ (∂l/∂x u(x))², with the share of each input. In each of the two
products one factor has the best value 0, so the first derivative by the other factor vanishes,
although that factor does have an effect. Second derivatives show it: 34 nm instead of 32 nm.

The budget ends with the effective degrees of freedom of Welch and Satterthwaite,

    ν = u(l)⁴ / Σ (∂l/∂x u(x))⁴ / ν(x),

and with a 99 % interval by Student's t.

The second budget has several results. From one voltage V, current I and phase φ follow

    R = V/I cos φ,    X = V/I sin φ,    Z = V/I.

The inputs are correlated, and so are the results.

Source: JCGM 100:2008, Evaluation of measurement data: Guide to the expression of uncertainty in
measurement (GUM), annexes H.1 and H.2.
Data: those of the guide; the inputs d and θ are the sums of components that it describes.
Look for: δθ, known to 0.03 °C, contributes a quarter of the variance, and its two degrees of
freedom widen the interval. α_S and θ have sensitivity 0 and still matter.
Conclusion: a budget shows which measurement to improve first, and second derivatives show what a
first-order budget misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import correlation, fmean, stdev
from typing import TYPE_CHECKING, Any

import scalargrad as sg

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = ["END_GAUGE", "Budgets", "build", "figures", "impedance", "report", "run"]

NM = 1e6  # nanometres in a millimetre

# name: (value, standard uncertainty), lengths in mm, and the degrees of freedom
END_GAUGE: dict[str, tuple[float, float]] = {
    "l_S": (50.000623, 25e-6),  # from its certificate
    "d_mean": (215e-6, 5.8e-6),  # the mean of five readings; pooled experience of 25
    "d_random": (0.0, 3.9e-6),  # the comparator's random errors
    "d_systematic": (0.0, 6.7e-6),  # and its systematic ones
    "alpha_S": (11.5e-6, 1.2e-6),  # per °C; within ±2e-6
    "delta_alpha": (0.0, 0.58e-6),  # per °C; within ±1e-6
    "theta_mean": (-0.1, 0.2),  # °C, of the test bed
    "theta_cycle": (0.0, 0.35),  # °C; the thermostat swings by ±0.5
    "delta_theta": (0.0, 0.029),  # °C; within ±0.05
}
FREEDOM: dict[str, float] = {
    "l_S": 18, "d_mean": 24, "d_random": 5, "d_systematic": 8, "delta_alpha": 50, "delta_theta": 2,
}  # fmt: skip
READINGS = {  # five of each, taken together
    "V": (5.007, 4.994, 5.005, 4.990, 4.999),  # V
    "I": (19.663e-3, 19.639e-3, 19.640e-3, 19.685e-3, 19.678e-3),  # A
    "phi": (1.0456, 1.0438, 1.0468, 1.0428, 1.0433),  # rad
}
PAIRS = (("V", "I"), ("V", "phi"), ("I", "phi"))


def build(
    l_S: Any, d_mean: Any, d_random: Any, d_systematic: Any, alpha_S: Any, delta_alpha: Any,
    theta_mean: Any, theta_cycle: Any, delta_theta: Any,
) -> Any:  # fmt: skip
    """The length of the gauge block at 20 °C, in mm.

    >>> round(build(**{name: value for name, (value, _) in END_GAUGE.items()}), 6)
    50.000838
    """
    d = d_mean + d_random + d_systematic
    theta = theta_mean + theta_cycle
    return l_S + d - l_S * (delta_alpha * theta + alpha_S * delta_theta)


def impedance(V: Any, I: Any, phi: Any) -> dict[str, Any]:  # noqa: E741
    """Resistance, reactance and impedance, in Ω."""
    Z = V / I
    return {"R": Z * sg.cos(phi), "X": Z * sg.sin(phi), "Z": Z}


@dataclass(frozen=True)
class Budgets:
    """What `run` computes.

    Attributes:
        gauge: the budget of the end gauge; lengths in mm.
        freedom: its effective degrees of freedom.
        factor: Student's t for 99 % with as many whole degrees.
        impedance: the budgets of R, X and Z, with their correlations.
    """

    gauge: Any
    freedom: float
    factor: float
    impedance: Any

    @property
    def expanded(self) -> float:
        """Half the width of the 99 % interval of the length, in mm."""
        return self.factor * float(self.gauge.std)


def run() -> Budgets:
    """Both budgets.

    >>> budgets = run()
    >>> round(budgets.gauge.std * 1e6), round(budgets.gauge.second_order.std * 1e6)
    (32, 34)
    """
    from scipy.special import stdtrit

    gauge = sg.propagate(build, END_GAUGE, second_order=True, draws=10_000)
    total = sum(gauge.budget[name].contribution ** 2 / nu for name, nu in FREEDOM.items())
    freedom = gauge.std**4 / total
    factor = float(stdtrit(int(freedom), 0.995))
    inputs = {name: (fmean(x), stdev(x) / len(x) ** 0.5) for name, x in READINGS.items()}
    correlations = {(a, b): correlation(READINGS[a], READINGS[b]) for a, b in PAIRS}
    both = sg.propagate(impedance, inputs, correlations, draws=0)
    return Budgets(gauge, freedom, factor, both)


def report(result: Budgets) -> str:
    """The budget of the end gauge line by line, then the electrical one."""
    gauge, rows = result.gauge, result.gauge.budget
    lines = [
        f"The end gauge: l = {gauge.value:.6f} mm at 20 °C, u = {gauge.std * NM:.1f} nm",
        "",
        f"  {'input':<13}{'value':>12}{'u':>12}{'∂l/∂x':>13}{'|∂l/∂x| u, nm':>15}{'share':>8}",
    ]
    for row in rows:
        size = abs(row.sensitivity) * row.std * NM
        lines.append(
            f"  {row.name:<13}{row.value:>12.9g}{row.std:>12.3g}{row.sensitivity:>13.5g}"
            f"{size:>15.1f}{row.share:>8.1%}"
        )
    draws = gauge.monte_carlo
    lines += [
        "",
        f"  first order        {gauge.std * NM:5.1f} nm",
        f"  second order       {gauge.second_order.std * NM:5.1f} nm",
        f"  10,000 draws       {draws.std * NM:5.1f} nm",
        f"  degrees of freedom {result.freedom:5.1f}, so t = {result.factor:.2f} for 99 %",
        f"  the certificate    ({gauge.value:.6f} ± {result.expanded:.6f}) mm",
        "",
        "  Most of the uncertainty comes from the standard's own certificate. Of what the",
        "  laboratory can change, the temperature difference of the two blocks matters most: a",
        "  quarter of the variance.",
        "",
        "Resistance, reactance and impedance from one set of readings:",
        "",
    ]
    both = result.impedance
    lines += [f"  {key} = {x:8.3f} Ω, u = {both.std[key]:.3f} Ω" for key, x in both.value.items()]
    pairs = [
        f"r({a}, {b}) = {both.correlation[i][j]:+.3f}"
        for (i, a), (j, b) in combinations(enumerate(both.value), 2)
    ]
    lines += ["", "  " + "   ".join(pairs)]
    lines += ["", "  R is known four times as well as X: in R, the errors of V/I and of φ cancel."]
    return "\n".join(lines)


def figures(result: Budgets) -> dict[str, Picture]:
    """The budget as bars, first order beside second; and the draws of l."""
    from scalargrad import plot

    rows = [*result.gauge.budget]
    labels = {
        "l_S": "standard\n$l_S$", "d_mean": "readings\n$d$", "d_random": "random\nerrors",
        "d_systematic": "systematic\nerrors", "alpha_S": "expansion\n$α_S$",
        "delta_alpha": "its difference\n$δα$", "theta_mean": "room\n$θ$",
        "theta_cycle": "its swing\n$θ$", "delta_theta": "block to block\n$δθ$",
    }  # fmt: skip
    without = {row.name: _without(row.name) for row in rows}
    total = result.gauge.second_order.std
    effects = [max(total**2 - without[row.name] ** 2, 0.0) ** 0.5 * NM for row in rows]
    page = plot.bars(
        {
            "first order: |∂l/∂x| u(x)": [abs(row.sensitivity) * row.std * NM for row in rows],
            "second order: what u(l) loses without u(x)": effects,
        },
        [labels[row.name] for row in rows], ylabel="contribution to u(l), nm",
        title=f"A gauge block of 50 mm: u = {result.gauge.std * NM:.0f} nm to first order, "
        f"{total * NM:.0f} nm to second",
        ax=plot.figure(1, 1, width=9.6, height=4.2).axes[0],
        alt="Bars of the contributions to the uncertainty of the length of a gauge block. The "
        "standard counts most with 25 nm, then the temperature difference with 17 nm. The "
        "expansion and the room's temperature count 0 to first order, but not to second.",
    )  # fmt: skip
    return {"budget": page}


def _without(name: str) -> float:
    """The uncertainty of the length to second order, with one input known exactly."""
    inputs = END_GAUGE | {name: (END_GAUGE[name][0], 0.0)}
    found = sg.propagate(build, inputs, second_order=True, draws=0)
    return float(found.second_order.std)
