"""Which functions can be an activation: what tanh has, and max(0, z - 100) and a step lack.

A unit gives a = g(z), and in the backward pass δ is multiplied by g'(z). The lecture asks three
things of g:

- First, its gradient is defined almost everywhere.
- Second, there is a significant portion of the input domain where the gradient is not zero; where
  it is zero, nothing passes on to the weights below.
- Third, the gradient is informative: it indicates an increase or a decrease of the activation.

Its examples: tanh has all three. max(0, z - 100) fails the second unless z is beyond 100, and the
Heaviside step 1_{z>0}, Rosenblatt's own, has the gradient 0 wherever it is defined: it fails the
second and the third. One more that fails the third alone is ours: sin(20 z) has a gradient
everywhere, but it only tells what happens within a tenth of z.

A further criterion is ours and not the lecture's: g is not linear. Layers with a linear g are
together one linear layer, so the identity, which meets all three, is of no use by itself.

To measure: the share of the z from -5 to 5 with |g'(z)| > 0.001; the share where g' has the sign of
the change g(z + h) - g(z - h), for h up to 1; and a network 2-3-1 on four points that are not
linearly separable. Where a function has a kink or a jump, it has no derivative. The engine then
takes 0: for relu at z = 0, for max(0, z - 100) at z = 100, and for the step at z = 0.

Source: Lecture 2, Error backpropagation: further remarks, on the choice of g.
Data: ours: the corners of a square, with opposite corners in one class, and random weights.
Look for: under a step the weights of the hidden units do not change by a single bit. It sometimes
solves the task all the same, by the output's weights alone, when the hidden units happen to be
useful: 3 times in 10, and with hidden=5 it is 9 times. max(0, z - 100) has nothing to learn with
but its output's bias, and answers the same for every point. Under sin(20 z) all weights move, but
not towards a solution.
Conclusion: a gradient trains what lies below it only if it exists, is not zero, and points the way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "FUNCTIONS", "Learnt", "Result", "T", "X", "beyond_100", "build", "figures", "learn", "report",
    "run", "share_informative", "share_with_slope", "step", "wave",
]  # fmt: skip

X = [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]
T = [1.0, 1.0, -1.0, -1.0]
SOLVED = 0.01  # the error below which a network is said to have learnt


def step(z: Any) -> Any:
    """1_{z>0}: 1 where z is above 0, else 0. Its derivative is 0 everywhere.

    >>> step(0.3), step(0.0), sg.grad(step)(0.3)
    (1.0, 0.0, 0.0)
    """
    return sg.relu(sg.sign(z))


def beyond_100(z: Any) -> Any:
    """max(0, z - 100): a relu that starts where no z comes.

    >>> beyond_100(5.0), beyond_100(101.0), sg.grad(beyond_100)(5.0)
    (0.0, 1.0, 0.0)
    """
    return sg.relu(z - 100.0)


def wave(z: Any) -> Any:
    """sin(20 z): it has a slope everywhere, which tells nothing of where it goes.

    >>> round(sg.grad(wave)(0.0), 6), round(wave(0.2), 6)
    (20.0, -0.756802)
    """
    return sg.sin(20.0 * z)


def _identity(z: Any) -> Any:
    return z


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": sg.tanh, "sigmoid": sg.sigmoid, "relu": sg.relu, "identity": _identity,
    "max(0, z - 100)": beyond_100, "step": step, "sin(20 z)": wave,
}  # fmt: skip


def share_with_slope(g: Callable[[Any], Any], above: float = 1e-3, points: int = 1001) -> float:
    """The share of evenly spaced z from -5 to 5, ends included, with |g'(z)| above a bound.

    Args:
        g: a function of a Value.
        above: the bound.
        points: how many z.

    >>> round(share_with_slope(sg.tanh), 3), round(share_with_slope(sg.relu), 4)
    (0.828, 0.4995)
    """
    slope = sg.grad(g)
    return len([z for z in _grid(points) if abs(slope(z)) > above]) / points


def share_informative(g: Callable[[Any], Any], points: int = 1001) -> float:
    """The share of evenly spaced z from -5 to 5 where g' tells increase from decrease.

    That is where g'(z) has the sign of the change g(z + h) - g(z - h), and neither is 0; counted
    for h = 1/4, 1/2, 3/4 and 1.

    Args:
        g: a function of a Value.
        points: how many z.

    >>> share_informative(sg.tanh), share_informative(step)
    (1.0, 0.0)
    """
    slope = sg.grad(g)
    slopes = [(z, slope(z)) for z in _grid(points)]
    steps = (0.25, 0.5, 0.75, 1.0)
    agree = [bool(at * (g(z + h) - g(z - h)) > 0.0) for h in steps for z, at in slopes]
    return sum(agree) / len(agree)


def _grid(points: int) -> list[float]:
    return [-5.0 + 10.0 * k / (points - 1) for k in range(points)]


def build(g: Callable[[Any], Any], seed: int = 0, hidden: int = 3) -> nn.MLP:
    """A network 2-hidden-1 with a linear output; weights and biases are drawn from -1 to 1.

    Args:
        g: the activation of the hidden units.
        seed: which weights; the same ones for every g.
        hidden: how many hidden units.

    >>> len(build(sg.tanh).parameters())
    13
    """
    model, draw = nn.MLP(2, [hidden, 1], g, init="zeros"), random.Random(seed)
    for parameter in model.parameters():
        parameter.data = draw.uniform(-1.0, 1.0)
    return model


@dataclass(frozen=True)
class Learnt:
    """One training: E before each step and at the end, the gradient of the hidden layer at first.

    `moved` counts the parameters of the hidden units that the training has changed, of `hidden`.
    `outputs` are the four answers at the end.
    """

    errors: list[float]
    first_gradient: float
    moved: int
    hidden: int
    outputs: list[float]

    @property
    def solved(self) -> bool:
        """Whether the error came below 0.01."""
        return self.errors[-1] < SOLVED


def learn(
    g: Callable[[Any], Any], seed: int = 0, hidden: int = 3, steps: int = 500, lr: float = 0.3
) -> Learnt:
    """Train one network on the four corners by gradient descent.

    Args:
        g: the activation of the hidden units.
        seed: which starting weights.
        hidden: how many hidden units.
        steps: how many steps, each on all four points.
        lr: the learning rate.

    >>> learn(step, steps=10).moved, learn(sg.tanh, steps=10).moved
    (0, 9)
    """
    model = build(g, seed, hidden)
    below = model.layers[0].parameters()
    before = [p.data for p in below]
    error = sg.compile(
        lambda x, t: losses.squared_error(model(x), t), params=model.parameters(), reduction="mean"
    )
    optimizer = optim.SGD(model.parameters(), lr)
    errors, first = [], 0.0
    for k in range(steps):
        optimizer.zero_grad()
        errors.append(error.backward(X, T))
        if k == 0:
            first = max(abs(p.grad) for p in below)
        optimizer.step()
    with sg.no_grad():
        outputs = [model(x).data for x in X]
    errors.append(losses.squared_error(outputs, T, "half_mean"))
    moved = sum(p.data != b for p, b in zip(below, before, strict=True))
    return Learnt(errors, first, moved, len(below), outputs)


@dataclass(frozen=True)
class Result:
    """What `run` computes, by the names in `FUNCTIONS`.

    `shares` are those of `share_with_slope`, `informative` those of `share_informative`,
    `trainings` one for each seed from 0 on.
    """

    shares: dict[str, float]
    informative: dict[str, float]
    trainings: dict[str, list[Learnt]]


def run(starts: int = 10, hidden: int = 3, steps: int = 500) -> Result:
    """The slopes of seven functions, and what networks learn with each, from several starts.

    Args:
        starts: how many starting weights.
        hidden: how many hidden units.
        steps: how many steps in each training.
    """
    shares = {name: share_with_slope(g) for name, g in FUNCTIONS.items()}
    trainings = {
        name: [learn(g, seed, hidden, steps) for seed in range(starts)]
        for name, g in FUNCTIONS.items()
    }
    informative = {name: share_informative(g) for name, g in FUNCTIONS.items()}
    return Result(shares, informative, trainings)


def report(result: Result) -> str:
    """Slopes, and what came of the trainings."""
    starts, units = len(result.trainings["tanh"]), result.trainings["tanh"][0].hidden // 3
    lines = [
        f"The three criteria for z from -5 to 5, and what a network 2-{units}-1 learns",
        "",
        "                   1          2             3            first",
        "                   g' de-     share with    g' tells     ∂E/∂w      hidden    E from   "
        "solved, of",
        "  g                fined      |g'| > 0.001  the change   (largest)  moved     start 0  "
        f"{starts} starts",
    ]
    for name, share in result.shares.items():
        trainings = result.trainings[name]
        first = trainings[0]
        defined = "but at 1 z" if name in ("relu", "max(0, z - 100)", "step") else "everywhere"
        lines.append(
            f"  {name:<15}  {defined}  {share:<12.4f}  {result.informative[name]:<11.4f}  "
            f"{first.first_gradient:<9.6f}  {first.moved:>2} of {first.hidden:<2}  "
            f"{first.errors[-1]:.4f}   {sum(t.solved for t in trainings)}"
        )
    lines += ["", "The answers at the end, from start 0; the targets are +1 +1 -1 -1", ""]
    for name, trainings in result.trainings.items():
        answers = [round(y, 2) + 0.0 for y in trainings[0].outputs]  # no -0.00
        lines.append(f"  {name:<15}  " + "  ".join(f"{y:+.2f}" for y in answers))
    lines += [
        "",
        "  E = 0.5 is the error of answering 0 always. No line does better here, so the identity,",
        "  whose slope is 1 everywhere, learns just that. A step leaves its hidden units as they",
        "  are; where they happen to be useful, the output's weights alone solve it. sin(20 z)",
        "  moves all its weights, and ends no better than it began.",
    ]
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """The seven functions with their slopes, and E while learning, from the first start."""
    from scalargrad import plot

    page = plot.figure(
        2, 4, width=13.0, height=6.4,
        alt="Seven functions and their slopes: tanh, sigmoid, relu and identity have one that "
        "tells where they go; max(0, z - 100) and the step have none from -5 to 5; sin(20 z) "
        "swings to and fro, and so does its slope.",
    )  # fmt: skip
    for ax, (name, g) in zip(page.axes, FUNCTIONS.items(), strict=False):
        second, third = result.shares[name], result.informative[name]
        span = (-1.0, 1.0) if g is wave else (-5.0, 5.0)
        plot.activation(
            {name: g}, span, title=f"{name}\n2: {second:.0%} of z,  3: {third:.0%}", ax=ax
        )
        ax.legend().remove()  # the last panel says what is dashed
    page.axes[-1].set_axis_off()
    page.axes[-1].text(
        0.0, 0.95, "solid: g(z);  dashed: g′(z)\n\nThe lecture's criteria\n"
        "1: g′ is defined almost\n    everywhere (all seven)\n"
        "2: the share of z from −5\n    to 5 where |g′| > 0.001\n"
        "3: the share where g′ tells\n    increase from decrease\n\nours: g is not linear",
        va="top", fontsize=11, linespacing=1.35,
    )  # fmt: skip
    training = plot.figure(
        1, 2, width=11.0, height=4.6,
        alt="Two panels of the error over the updates. Left: with tanh, sigmoid and relu it falls "
        "to 0. Right: with the identity, max(0, z - 100) and the step it stays at 0.5, and with "
        "sin(20 z) it stays above.",
    )  # fmt: skip
    good = ("tanh", "sigmoid", "relu")
    for ax, title, some in zip(
        training.axes, ("The three that learn, from the same weights", "The four that do not"),
        (good, [name for name in FUNCTIONS if name not in good]), strict=True,
    ):  # fmt: skip
        plot.lines(
            {name: result.trainings[name][0].errors for name in some}, xlabel="update", ylabel="E",
            title=title, ax=ax,
        )  # fmt: skip
        ax.set_ylim(-0.03, 1.5)
        ax.legend(loc="upper right", framealpha=0.95)
    # three lie on each other, so each is wider than the one above it; the fourth swings behind them
    for line, width in zip(training.axes[1].lines, (7.0, 4.5, 2.0, 0.9), strict=True):
        line.set_linewidth(width)
    training.axes[1].lines[-1].set(linestyle="-", color="#a8a8a8", zorder=1)
    training.axes[1].legend(loc="upper right", framealpha=0.95)
    return {"functions": page, "training": training}
