"""The memory model of the examples fitted to reviews, beside SciPy and derivatives by hand.

All contenders minimise the same function of 21 parameters from the same start to the same minimum.
The whole solve is timed, recording included; imports and the interpreter's one compilation per
machine are not. The contenders take turns, and the best of all turns counts.

    sg.solve             sg.solve.minimize of the scalar function, exact gradients and Hessians
    sg.solve, L-BFGS-B   the same with gradients alone
    by hand              SciPy's L-BFGS-B, a NumPy version and its gradient, both written by hand
    NumPy, differences   SciPy's L-BFGS-B, the NumPy version and finite differences
    scalar, differences  the same with the scalar function called for each card; it would take as
                         many calls as the line before, of which one is timed

Everything runs on one thread; `--cpu` counts the time of the processor.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded

import numpy as np
from contenders.turns import take_turns
from scipy.optimize import minimize
from scipy.special import expit

import scalargrad as sg
from scalargrad.examples.work.spaced_repetition import START, build, flat, generate

NAMES = [*flat(START)]
FREE = {"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-13, "gtol": 1e-4}


def softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def by_hand(θ: Any, marks: Any, gaps: Any, gradient: bool = True) -> Any:
    """The total of `build` over all cards and its gradient, as one derives and writes it."""
    (
        *first, first_difficulty, step, reversion, growth, saturation, spacing, hard, easy, lapse,
        lapse_difficulty, lapse_spacing, lapse_stability, log_decay, threshold, log_gap, ease,
        effort,
    ) = θ  # fmt: skip
    start = marks[:, 0].astype(int) - 1
    S, D = np.exp(np.array(first))[start], first_difficulty * (3.0 - marks[:, 0])
    decay, gap = math.exp(log_decay), math.exp(log_gap)
    scale = math.expm1(-math.log(0.9) / decay)
    bonus = np.array([0.0, hard, 0.0, easy])
    total, kept_steps = 0.0, []
    for g, t in zip(marks.T[1:], gaps.T, strict=True):
        u = 1.0 + scale * t / S
        R = u**-decay
        odds = np.log(R) - np.log1p(-R)
        low = threshold - ease * odds + effort * D
        parts = [
            -np.log1p(-R), softplus(-low) - np.log(R),
            softplus(low) + softplus(-low - gap) - math.log(-math.expm1(-gap)) - np.log(R),
            softplus(low + gap) - np.log(R),
        ]  # fmt: skip
        total += float(np.choose(g.astype(int) - 1, parts).sum())
        gain = np.exp(growth - D + bonus[g.astype(int) - 1]) * S**-saturation
        rise = S * gain * ((1.0 - R) / 0.1) ** spacing
        lost = np.exp(lapse - lapse_difficulty * D + lapse_spacing * (1.0 - R))
        lost = lost * S**lapse_stability
        kept_steps.append((g, t, S, D, u, R, odds, low, rise, lost))
        S = np.where(g == 1.0, lost, S + rise)
        D = (1.0 - reversion) * D + step * (3.0 - g)
    if not gradient:
        return total
    out = dict.fromkeys(NAMES, 0.0)
    dS, dD = np.zeros_like(S), np.zeros_like(S)
    for g, t, S, D, u, R, odds, low, rise, lost in reversed(kept_steps):
        forgotten = g == 1.0
        dlost, drise = np.where(forgotten, dS, 0.0), np.where(forgotten, 0.0, dS)
        out["reversion"] -= dD @ D
        out["step"] += dD @ (3.0 - g)
        dD = (1.0 - reversion) * dD
        a, b = dlost * lost, drise * rise
        out["lapse"] += a.sum()
        out["lapse difficulty"] -= a @ D
        out["lapse spacing"] += a @ (1.0 - R)
        out["lapse stability"] += a @ np.log(S)
        out["growth"] += b.sum()
        out["hard"] += b[g == 2.0].sum()
        out["easy"] += b[g == 4.0].sum()
        out["saturation"] -= b @ np.log(S)
        out["spacing"] += b @ np.log((1.0 - R) / 0.1)
        dS = drise + (b * (1.0 - saturation) + a * lapse_stability) / S
        dD = dD - b - lapse_difficulty * a
        dR = -spacing * b / (1.0 - R) - lapse_spacing * a
        dR += np.where(forgotten, 1.0 / (1.0 - R), -1.0 / R)
        above = expit(-low - gap)
        slopes = [np.zeros_like(low), -expit(-low), expit(low) - above, expit(low + gap)]
        dlow = np.choose(g.astype(int) - 1, slopes)
        dgap = np.where(g == 3.0, -1.0 / math.expm1(gap) - above, np.where(g == 4.0, dlow, 0.0))
        out["log gap"] += gap * dgap.sum()
        out["threshold"] += dlow.sum()
        out["ease"] -= dlow @ odds
        out["effort"] += dlow @ D
        dD = dD + effort * dlow
        dR = dR - ease * dlow / (R * (1.0 - R))
        by_decay = -np.log(u) - decay * t / S / u * (scale + 1.0) * math.log(0.9) / decay**2
        out["log decay"] += decay * (dR @ (R * by_decay))
        dS = dS + dR * decay * R / u * scale * t / S**2
    out["first difficulty"] = dD @ (3.0 - marks[:, 0])
    sums = np.bincount(start, dS * np.exp(np.array(first))[start], 4)
    for name, x in zip(NAMES[:4], sums, strict=True):
        out[name] = x
    return total, np.array([out[name] for name in NAMES])


def contenders(cards: int) -> dict[str, Callable[[], tuple[float, int]]]:
    """Functions that solve the problem and return the minimum and the number of evaluations."""
    data = generate(cards)
    marks, gaps = (np.array(column) for column in data)
    start = np.array([*flat(START).values()])

    def ours(method: str | None) -> tuple[float, int]:
        fit = sg.solve.minimize(build, START, data, method=method, threads=1)
        return float(fit.fun), int(fit.nfev)

    def hand() -> tuple[float, int]:
        found = minimize(by_hand, start, (marks, gaps), method="L-BFGS-B", jac=True, options=FREE)
        return float(found.fun), int(found.nfev)

    def differences() -> tuple[float, int]:
        found = minimize(by_hand, start, (marks, gaps, False), method="L-BFGS-B", options=FREE)
        return float(found.fun), int(found.nfev)

    def scalar() -> tuple[float, int]:
        return math.fsum(build(START, *card) for card in zip(*data, strict=True)), 1

    return {
        "sg.solve": lambda: ours(None), "sg.solve, L-BFGS-B": lambda: ours("L-BFGS-B"),
        "by hand": hand, "NumPy, differences": differences, "scalar, differences": scalar,
    }  # fmt: skip


def check(cards: int) -> None:
    """The gradient by hand is that of the recorded function."""
    data = generate(cards)
    value, slopes = by_hand(
        np.array([*flat(START).values()]), *(np.array(column) for column in data)
    )
    recorded = sg.value_and_grad(
        lambda θ: sg.sum([build(θ, *card) for card in zip(*data, strict=True)])
    )
    total, exact = recorded(START)
    assert math.isclose(value, total, rel_tol=1e-12)
    assert np.allclose(slopes, [*flat(exact).values()], rtol=1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cards", type=int, default=2500)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="count the time of the processor")
    cards, turns, cpu = vars(parser.parse_args()).values()
    check(20)
    for name, warm in contenders(60).items():
        if "differences" not in name:
            warm()
    solvers = contenders(cards)
    best, results = take_turns(solvers, turns, cpu, slow="differences")
    calls = results["NumPy, differences"][1]
    best["scalar, differences"] *= calls
    least = min(value for name, (value, _) in results.items() if "scalar" not in name)
    print(f"{cards:,} cards, {8 * cards:,} reviews, {len(NAMES)} parameters\n")
    print("| solver | time | ratio | evaluations | minimum |\n|---|---|---|---|---|")
    for name, seconds in best.items():
        value, count = results[name]
        shown = (f"{calls} (one timed)", "") if "scalar" in name else (count, f"{value:.4f}")
        ratio = seconds / best["sg.solve"]
        print(f"| {name} | {1e3 * seconds:,.0f} ms | {ratio:,.1f} | {shown[0]} | {shown[1]} |")
        if "scalar" not in name:
            assert value <= least + 0.05, f"{name} did not reach the minimum"


if __name__ == "__main__":
    main()
