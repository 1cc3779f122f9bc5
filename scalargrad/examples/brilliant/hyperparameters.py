"""Learning rates, hidden units and iterations: which of them help, and what too much does.

The network of the example `six_samples` (3 inputs, h hidden σ units, a linear output) is trained by

    E = 1/(2N) Σ (ŷ - y)²          Δw = -α ∂E/∂w

again and again, each time with one thing changed. The article makes three claims:

- more hidden units and more iterations generally fit better;
- a learning rate α that is too small learns too slowly;
- one that is too large diverges.

At α = 2 the hidden units are driven to 0. What is left is the bias b of the output, for which
∂E/∂b = b - mean(y), so each update multiplies b - mean(y) by 1 - α = -1: it swings for ever. At
α = 5 that factor is -4, and E leaves the range of floating-point numbers.

Source: Brilliant, "Backpropagation", the remarks about the code example.
Data: that of `six_samples`. The starting weights are those of NumPy's seed 1, for any h, from its
generator (Matsumoto & Nishimura 1998), which Python has too: see `legacy_random`. The twelve
trainings take two seconds with numba, and half a minute without.
Look for: after 10,000 updates two hidden units are no better than one, and ten are best. α = 0.0001
has hardly begun; α = 0.5 and 1 end at 1e-26 and below, which is rounding error; α = 2 climbs to 77;
α = 5 is infinite at update 256. Call `run(seed=2)`: then two hidden units are better than one, and
five no better than three.
Conclusion: the claims hold in general but not always, so try several values and compare.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import scalargrad as sg
from scalargrad import losses
from scalargrad.examples.brilliant.six_samples import X, Y
from scalargrad.examples.brilliant.six_samples import build as network
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture
    from scalargrad.nn import MLP

__all__ = [
    "ALPHAS", "FLOOR", "HIDDEN_UNITS", "ITERATIONS", "Hyperparameters", "Training", "build",
    "figures", "legacy_random", "report", "run", "train",
]  # fmt: skip

ALPHAS = (0.0001, 0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0)
HIDDEN_UNITS = (1, 2, 3, 5, 10)
ITERATIONS = (100, 1000, 10_000)


def legacy_random(seed: int) -> Callable[[], float]:
    """Numbers from 0 up to but not including 1, the same as those of `numpy.random.seed(seed)`.

    Python and NumPy have the same generator, and make a float of its bits in the same way. Only
    from a seed to its 624 words of state they go differently; here is NumPy's way.

    Args:
        seed: a whole number from 0 to 2**32 - 1.

    >>> round(legacy_random(1)(), 9)
    0.417022005
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be from 0 to 2**32 - 1, got {seed}")
    words = [seed]
    for k in range(1, 624):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + k) % 2**32)
    generator = random.Random()
    generator.setstate((3, (*words, 624), None))
    return generator.random


def build(hidden_units: int = 3, seed: int = 1) -> MLP:
    """The network with weights from -1 up to 1, drawn row by row, the bias row first.

    Args:
        hidden_units: how many, at least 1.
        seed: as for `legacy_random`.

    >>> round(build(3).layers[0].neurons[0].b.data, 9)
    -0.165955991
    """
    draw = legacy_random(seed)
    hidden = [[2.0 * draw() - 1.0 for _ in range(hidden_units)] for _ in range(len(X[0]) + 1)]
    output = [[2.0 * draw() - 1.0] for _ in range(hidden_units + 1)]
    return network(hidden, output)


@dataclass(frozen=True)
class Training:
    """E before each update and after the last; `E` by iterations, nan where it went past floats.

    `weights` are those at the end, in the order of the network's `parameters()`.
    """

    hidden_units: int
    lr: float
    errors: list[float]
    E: dict[int, float]
    weights: list[float]

    @property
    def diverged(self) -> bool:
        """Whether E grew past the range of floats."""
        return not math.isfinite(self.errors[-1])


def train(
    hidden_units: int = 3, lr: float = 0.1, iterations: Sequence[int] = ITERATIONS, seed: int = 1
) -> Training:
    """Descend on the mean error of all six samples by replay; stop where numbers become infinite.

    Args:
        hidden_units: how many.
        lr: the learning rate.
        iterations: after how many updates E is kept; the largest says how many are made.
        seed: of the starting weights.

    >>> round(train(iterations=[100]).E[100], 6)
    0.124085
    """
    model = build(hidden_units, seed)
    return _trained(_error(model), hidden_units, lr, iterations)


def _error(model: MLP) -> sg.Compiled:
    return sg.compile(
        lambda x, y: losses.squared_error(model(x), y), params=model.parameters(), reduction="mean",
        allow_nonfinite=True,  # a rate that is too large should show, and not stop the program
    )  # fmt: skip


def _trained(
    error: sg.Compiled, hidden_units: int, lr: float, iterations: Sequence[int]
) -> Training:
    theta = [float(w) for w in error.theta]  # a copy: the model keeps its weights
    errors = []
    for _ in range(max(iterations)):
        E, gradient = error.value_and_grad(X, Y, theta=theta)
        errors.append(E)
        if not math.isfinite(E):
            break
        theta = [w - lr * float(g) for w, g in zip(theta, gradient, strict=True)]
    else:
        errors.append(error.value_and_grad(X, Y, theta=theta)[0])
    kept = {k: errors[k] if k < len(errors) else math.nan for k in iterations}
    return Training(hidden_units, lr, errors, kept, theta)


@dataclass(frozen=True)
class Hyperparameters:
    """What `run` computes: trainings by learning rate, and by number of hidden units."""

    by_lr: dict[float, Training]
    by_hidden_units: dict[int, Training]
    iterations: tuple[int, ...]


def run(
    lrs: Sequence[float] = ALPHAS, hidden_units: Sequence[int] = HIDDEN_UNITS,
    iterations: Sequence[int] = ITERATIONS, seed: int = 1,
) -> Hyperparameters:  # fmt: skip
    """Train with each α and 3 hidden units, then with α = 0.1 and each number of hidden units.

    Args:
        lrs: learning rates.
        hidden_units: how many hidden units.
        iterations: after how many updates to look.
        seed: of the starting weights.

    >>> result = run(lrs=[0.1], hidden_units=[1], iterations=[10, 20])
    >>> result.by_hidden_units[1].E[20] < result.by_hidden_units[1].E[10]
    True
    """
    three = _error(build(3, seed))  # one recording serves all rates
    by_lr = {lr: _trained(three, 3, lr, iterations) for lr in tracked(lrs, "learning rates")}
    by_hidden_units = {
        n: by_lr[0.1] if n == 3 and 0.1 in by_lr else train(n, 0.1, iterations, seed)
        for n in tracked(hidden_units, "hidden units")
    }
    return Hyperparameters(by_lr, by_hidden_units, tuple(iterations))


def report(result: Hyperparameters) -> str:
    """E by number of updates, for each learning rate and each number of hidden units."""
    head = "".join(f"{k:>12,}" for k in result.iterations)
    lines = [
        "E by learning rate α and by number of updates, with 3 hidden units", "",
        f"  α               {head}",
    ]  # fmt: skip
    for lr, training in result.by_lr.items():
        cells = "".join(f"{training.E[k]:12.3g}" for k in result.iterations)
        over = f"   infinite at update {len(training.errors) - 1}" if training.diverged else ""
        lines.append(f"  {lr:<16g}{cells}{over}")
    lines += [
        "", "E by number of hidden units and by number of updates, with α = 0.1", "",
        f"  hidden units    {head}",
    ]  # fmt: skip
    for n, training in result.by_hidden_units.items():
        cells = "".join(f"{training.E[k]:12.3g}" for k in result.iterations)
        lines.append(f"  {n:<16}{cells}")
    return "\n".join(lines)


FLOOR = 1e-12  # below it E is rounding error, and its digits mean nothing


def figures(result: Hyperparameters) -> dict[str, Picture]:
    """E by iteration for some rates, and for each number of hidden units; E at the end by rate."""
    from scalargrad import plot

    last = max(result.iterations)
    thin = sorted({round(1.04**k) for k in range(1, 250)})  # evenly on a logarithmic axis
    shown = [a for a in (0.0001, 0.01, 0.1, 0.5, 2.0, 5.0) if a in result.by_lr]

    def course(training: Training) -> tuple[list[int], list[float]]:
        ks = [k for k in thin if k < len(training.errors) and 0 < training.errors[k] < 1e6]
        return ks, [max(training.errors[k], FLOOR) for k in ks]

    def label(a: float) -> str:
        training = result.by_lr[a]
        over = f": infinite at update {len(training.errors) - 1}" if training.diverged else ""
        return f"α = {a:g}{over}"

    ends = {a: t.E[last] for a, t in result.by_lr.items() if t.E[last] > 0.0}
    finite = {a: max(E, FLOOR) for a, E in ends.items()}
    rates = plot.lines(
        {label(a): course(result.by_lr[a]) for a in shown}, xlabel="updates",
        ylabel="E", xscale="log", yscale="log",
        title="A learning rate too small, right, too large",
        alt="E by updates for learning rates: the smallest hardly descends, 0.1 and 0.5 fall far, "
        "2 climbs slowly, and 5 leaves the picture at the top within a few updates.",
    )  # fmt: skip
    hidden = plot.lines(
        {f"{n} hidden unit{'s' * (n > 1)}": course(t) for n, t in result.by_hidden_units.items()},
        xlabel="updates", ylabel="E", xscale="log", yscale="log",
        title="More hidden units fit better, but two no better than one",
        alt="E by updates for 1, 2, 3, 5 and 10 hidden units: the first two stay near 0.07, "
        "the others fall, the more units the earlier.",
    )  # fmt: skip
    at_end = plot.lines(
        {f"E after {last:,} updates": (list(finite), list(finite.values()))},
        xlabel="learning rate α", ylabel="E", xscale="log", yscale="log", markers=True,
        title=f"The error after {last:,} updates, by learning rate",
        alt="E at the end by learning rate: a slow fall from 0.0001 to 0.01, then a drop below "
        "1e-12 at 0.5 and 1, and a jump to 77 at 2; at 5 there is no finite E.",
    )  # fmt: skip
    for page in (rates, hidden, at_end):
        (ax,) = page.axes
        ax.set_ylim(0.3 * FLOOR, 1e6)
        ax.axhline(FLOOR, color="#8a8a8a", linewidth=1.0)
        ax.set_ylabel(f"{ax.get_ylabel()} (not below 1e-12: rounding errors)")
    (ax,) = at_end.axes
    for a, training in result.by_lr.items():
        if training.diverged:
            ax.plot([a], [1e5], marker="x", color="#b3261e", markersize=9, markeredgewidth=2.5)
            ax.annotate(
                f"α = {a:g}: infinite at\nupdate {len(training.errors) - 1}", (a, 1e5), (-10, 0),
                textcoords="offset points", ha="right", va="center", fontsize=9,
            )  # fmt: skip
    return {"rates": rates, "hidden_units": hidden, "last_errors": at_end}
