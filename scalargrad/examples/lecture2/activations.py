"""Which functions can be an activation: what tanh has, and max(0, z - 100) and a step lack.

A unit gives a = g(z). What g needs:

1. It is not linear. Layers with a linear g are together one linear layer.
2. It has a derivative, at nearly every z, that is quickly computed.
3. This derivative is not (nearly) zero where z comes to lie: δ is multiplied by it at each unit, so
   where it is 0 nothing passes on to the weights below.

tanh has all three, and so have sigmoid and relu, though relu only where z > 0. The identity lacks
the first. max(0, z - 100) lacks the third unless z is beyond 100, and the step 1_{z>0}, which is
Rosenblatt's own, lacks it everywhere. To compare them: the share of the z from -5 to 5 with
|g'(z)| > 0.001, and a network 2-3-1 on four points that no line separates.

Where a function has a kink or a jump, it has no derivative. The engine then takes 0: for relu at
z = 0, for max(0, z - 100) at z = 100, and for the step at z = 0.

Source: Lecture 2, Error backpropagation: further remarks, on the choice of g.
Data: ours: the corners of a square, with opposite corners in one class, and random weights.
Look for: under a step the weights of the hidden units do not change in the last bit. It sometimes
solves the task all the same, by the output's weights alone, when the hidden units happen to stand
well: 3 times in 10, and with hidden=5 it is 9 times. The one beyond 100 has nothing to go by but
its output's bias, and answers the same for every point.
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
    "run", "share_with_slope", "step",
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


def _identity(z: Any) -> Any:
    return z


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": sg.tanh, "sigmoid": sg.sigmoid, "relu": sg.relu, "identity": _identity,
    "max(0, z - 100)": beyond_100, "step": step,
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
    grid = [-5.0 + 10.0 * k / (points - 1) for k in range(points)]
    return len([z for z in grid if abs(slope(z)) > above]) / points


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

    `shares` are those of `share_with_slope`, `trainings` one for each seed from 0 on.
    """

    shares: dict[str, float]
    trainings: dict[str, list[Learnt]]


def run(starts: int = 10, hidden: int = 3, steps: int = 500) -> Result:
    """The slopes of six functions, and what networks learn with each, from several starts.

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
    return Result(shares, trainings)


def report(result: Result) -> str:
    """Slopes, and what came of the trainings."""
    starts, units = len(result.trainings["tanh"]), result.trainings["tanh"][0].hidden // 3
    lines = [
        f"The slope g'(z) for z from -5 to 5, and what a network 2-{units}-1 learns",
        "",
        "                   share with    first ∂E/∂w    hidden      E from    solved, of",
        f"  g                |g'| > 0.001  (largest)      moved       start 0   {starts} starts",
    ]
    for name, share in result.shares.items():
        trainings = result.trainings[name]
        first = trainings[0]
        lines.append(
            f"  {name:<15}  {share:<12.4f}  {first.first_gradient:<13.6f}  "
            f"{first.moved:>2} of {first.hidden:<2}    {first.errors[-1]:.4f}    "
            f"{sum(t.solved for t in trainings)}"
        )
    lines += ["", "The answers at the end, from start 0; the targets are +1 +1 -1 -1", ""]
    for name, trainings in result.trainings.items():
        answers = [round(y, 2) + 0.0 for y in trainings[0].outputs]  # no -0.00
        lines.append(f"  {name:<15}  " + "  ".join(f"{y:+.2f}" for y in answers))
    lines += [
        "",
        "  E = 0.5 is the error of answering 0 always. No line does better here, so the identity,",
        "  whose slope is 1 everywhere, learns just that. A step leaves its hidden units as they",
        "  are; where they happen to stand well, the output's weights alone solve it.",
    ]
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """The six functions with their slopes, and E while learning, from the first start."""
    from scalargrad import plot

    page = plot.figure(
        2, 3, width=9.6, height=5.6,
        alt="Six functions and their slopes: tanh, sigmoid, relu and identity have one, "
        "max(0, z - 100) and the step have none from -5 to 5",
    )  # fmt: skip
    for ax, (name, g) in zip(page.axes, FUNCTIONS.items(), strict=True):
        share = result.shares[name]
        plot.activation({name: g}, (-5, 5), title=f"{name}\nslope on {share:.1%} of z", ax=ax)
    curves = {name: trainings[0].errors for name, trainings in result.trainings.items()}
    training = plot.lines(
        curves, xlabel="update", ylabel="E", title="Learning, from the same weights",
        alt="The error falls with tanh, sigmoid and relu; it stays at 0.5 with the identity, "
        "with max(0, z - 100), and with the step",
    )  # fmt: skip
    training.axes[0].legend(loc="center right", bbox_to_anchor=(1.0, 0.4))
    return {"functions": page, "training": training}
