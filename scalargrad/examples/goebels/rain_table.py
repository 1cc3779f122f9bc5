"""Three days of rain on a 2-3-1 network: forward, every gradient, and how it learns.

The table has the number of rainy days before, and a number Kdp that a weather radar measures; from
these the network should tell the probability of rain. The forward pass:

    z1 = x W1     a1 = σ(z1)     z2 = a1 W2     a2 = σ(z2)     C = 1/2 Σ (a2 - y)^2

The conventions are the lecture's: x is a row, W1 is 2 x 3 and W2 is 3 x 1, a weight's first index
is where it comes from. C is added up over the three days, without dividing by three; δ = ∂C/∂z,
before the activation; the sign of the error is a2 - y; there are no biases. The backward pass, the
last layer and then the first, as matrices for all three rows at once (⊙ is element by element):

    δ2 = (a2 - y) ⊙ σ'(z2)          ∂C/∂W2 = a1ᵀ δ2
    δ1 = (δ2 W2ᵀ) ⊙ σ'(z1)          ∂C/∂W1 = xᵀ δ1

The engine needs only `forward`; `by_hand` has these four lines in plain Python, and `report` prints
both. Learning repeats equation 8, or equation 9 with momentum:

    Δw(t) = -ε ∂C/∂w + α Δw(t-1)

Source: Goebels, on Rumelhart, Hinton and Williams (1986), equations 1 to 9. The slides write one
`*` for both products, and a "total error" of 1.05, which cannot be ½Σe².
Data: the lecture's table; the starting weights are ours, since the lecture gives none.
Look for: the sum of the three days' gradients is the gradient of the sum. For W2, Monday and
Wednesday pull in opposite directions. Momentum 0.9 with ε = 0.1 overtakes ε = 0.5 without it. With
`run(lr=50)` the three outputs stick together near 1, where the sigmoid has almost no slope.
Conclusion: the forward program is enough; the backward pass of the engine gives the same numbers as
the four formulas by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, nn, optim
from scalargrad.examples.matrices import product, transposed

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "DAYS", "W1", "W2", "Case", "Matrices", "Rain", "RainNet", "Update", "X", "Y",
    "bias_both_ways", "build", "by_hand", "figures", "largest_half_sum", "learn", "report", "run",
    "total_errors",
]  # fmt: skip

DAYS = ("Mon", "Tue", "Wed")
X = [[3.0, 5.0], [1.0, 6.0], [0.0, 8.0]]  # days of rain, Kdp
Y = [0.99, 0.59, 0.19]  # the probability of rain
W1 = [[0.2, -0.1, 0.4], [-0.3, 0.25, 0.1]]  # from input i to hidden unit j
W2 = [[0.5], [-0.4], [0.3]]  # from hidden unit j to the output

Matrix = list[list[float]]

# --- the network ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """The forward pass of one day, as Values: after `C.backward()` each has its derivative.

    In the names of Rumelhart, Hinton and Williams, whose x is our z and whose y is our a:
    `a2.grad` is their equation 4, ∂E/∂y of the output; `z2.grad` is 5, ∂E/∂x of the output; the
    weights' gradients are 6, ∂E/∂w; `a1[i].grad` is 7, ∂E/∂y of a hidden unit; `z1[i].grad` is
    equation 5 again, one layer down.
    """

    z1: list[Value]
    a1: list[Value]
    z2: Value
    a2: Value
    C: Value


class RainNet(nn.Module):
    """The network with its weights as matrices of Values; called with a row, it gives a2.

    Args:
        W1: the weights from the inputs (rows) to the hidden units (columns).
        W2: the weights from the hidden units to the output, a column.

    Raises:
        ValueError: the shapes of the matrices do not fit together.

    >>> net = RainNet(W1, W2)
    >>> round(net(X[0]).data, 6)
    0.527407
    """

    def __init__(self, W1: Matrix, W2: Matrix) -> None:
        columns = [len(row) for row in W1]
        if columns != [len(W2)] * len(W1):
            raise ValueError(f"W2 has {len(W2)} rows, so W1 needs as many columns, got {columns}")
        self.W1, self.W2 = _parameters(W1, "w1"), _parameters(W2, "w2")

    def forward(self, x: Sequence[float], y: float) -> Case:
        """The forward pass of one row of the table, with its error.

        Args:
            x: the inputs, as many as W1 has rows.
            y: the target, from 0 to 1.
        """
        inputs = [Value(xi, f"x{i}") for i, xi in enumerate(x, 1)]
        z1 = [_named(sg.dot(w, inputs), f"z1_{j}") for j, w in enumerate(transposed(self.W1), 1)]
        a1 = [_named(sg.sigmoid(z), f"a1_{j}") for j, z in enumerate(z1, 1)]
        z2 = _named(sg.dot([row[0] for row in self.W2], a1), "z2")
        a2 = _named(sg.sigmoid(z2), "a2")
        return Case(z1, a1, z2, a2, _named(losses.squared_error(a2, y), "C"))

    def __call__(self, x: Sequence[Any]) -> Any:
        hidden = [sg.sigmoid(sg.dot(w, x)) for w in transposed(self.W1)]
        return sg.sigmoid(sg.dot([row[0] for row in self.W2], hidden))

    def numbers(self) -> tuple[Matrix, Matrix]:
        """W1 and W2 as plain numbers."""
        return [[w.data for w in row] for row in self.W1], [[w.data for w in r] for r in self.W2]

    def gradients(self) -> tuple[Matrix, Matrix]:
        """∂C/∂W1 and ∂C/∂W2, of the shapes of W1 and W2; those of all `backward` calls added."""
        return [[w.grad for w in row] for row in self.W1], [[w.grad for w in r] for r in self.W2]


def build(W1: Matrix = W1, W2: Matrix = W2) -> RainNet:
    """The network with the starting weights; `build().forward(x, y)` computes a day.

    >>> net = build()
    >>> monday = net.forward(X[0], Y[0])
    >>> monday.C.backward()
    >>> round(monday.z2.grad, 6), round(net.W2[0][0].grad, 6)
    (-0.115301, -0.033328)
    """
    return RainNet(W1, W2)


# --- by hand --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matrices:
    """Everything as matrices, a row for each day: forward, δ, and the two gradients."""

    z1: Matrix
    a1: Matrix
    z2: Matrix
    a2: Matrix
    C: float
    delta2: Matrix
    gradient2: Matrix
    delta1: Matrix
    gradient1: Matrix


def by_hand(W1: Matrix = W1, W2: Matrix = W2) -> Matrices:
    """The lecture's four formulas in plain floats, all rows at once; no Value, no engine.

    >>> [[round(d, 6) for d in row] for row in by_hand().gradient2]
    [[-0.0314], [-0.039685], [-0.065869]]
    """
    z1 = product(X, W1)
    a1 = [[sg.sigmoid(z) for z in row] for row in z1]
    z2 = product(a1, W2)
    a2 = [[sg.sigmoid(z) for z in row] for row in z2]
    error = [[a - y for a in row] for row, y in zip(a2, Y, strict=True)]
    delta2 = _each(error, a2)
    gradient2 = product(transposed(a1), delta2)
    delta1 = _each(product(delta2, transposed(W2)), a1)
    gradient1 = product(transposed(X), delta1)
    C = 0.5 * sum(e * e for row in error for e in row)
    return Matrices(z1, a1, z2, a2, C, delta2, gradient2, delta1, gradient1)


def _each(M: Matrix, a: Matrix) -> Matrix:
    """M ⊙ σ'(z), with σ'(z) = a (1 - a): the slope needs only the output."""
    pairs = zip(M, a, strict=True)
    return [[m * ai * (1.0 - ai) for m, ai in zip(ms, r, strict=True)] for ms, r in pairs]


def _parameters(M: Matrix, name: str) -> list[list[Value]]:
    return [[Value(w, f"{name}_{i}{j}") for j, w in enumerate(r, 1)] for i, r in enumerate(M, 1)]


def _named(value: Value, label: str) -> Value:
    value.label = label
    return value


# --- learning -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Update:
    """One update: for which days, the changes Δw, the weights after it, and C of all days then."""

    cases: tuple[int, ...]
    changes: tuple[Matrix, Matrix]
    weights: tuple[Matrix, Matrix]
    C: float


def learn(
    updates: int, lr: float, momentum: float = 0.0, sweep: bool = True, weight_decay: float = 0.0
) -> list[Update]:
    """Descend from the starting weights: Δw(t) = -lr ∂C/∂w + momentum Δw(t-1), with Δw(0) = 0.

    Args:
        updates: how many.
        lr: the learning rate (ε).
        momentum: the share of the last change that is made again (α).
        sweep: True adds the gradients of all days up for each update; False updates after each
            day, Monday first, and needs no memory for the sum. So t counts sweeps or days.
        weight_decay: λ of an error λ/2 Σ w² that is added.

    >>> round(learn(100, lr=0.5)[-1].C, 6)
    0.009677
    """
    net = build()
    optimizer = optim.SGD(net.parameters(), lr, momentum, weight_decay)
    done = []
    for k in range(updates):
        cases = tuple(range(len(X))) if sweep else (k % len(X),)
        optimizer.zero_grad()
        for c in cases:
            net.forward(X[c], Y[c]).C.backward()  # gradients of leaves add up
        before = net.numbers()
        optimizer.step()
        after = net.numbers()
        changes = (_difference(after[0], before[0]), _difference(after[1], before[1]))
        with sg.no_grad():
            C = losses.squared_error([net(x) for x in X], Y).data
        done.append(Update(cases, changes, after, C))
    return done


def _difference(A: Matrix, B: Matrix) -> Matrix:
    return [[a - b for a, b in zip(r, s, strict=True)] for r, s in zip(A, B, strict=True)]


def bias_both_ways(bias: float = 0.3) -> tuple[list[float], list[float]]:
    """Gradients of a unit that has a bias, and of one with a further input that is always 1.

    The weight on that input is the bias: the same number in the same sum, so it is learnt as
    every weight is. A unit that fires when w·x exceeds a threshold has bias = -threshold.

    Returns:
        Two lists: the gradients of the weights, then of the bias or of the further weight.

    >>> own, weight = bias_both_ways()
    >>> own == weight
    True
    """
    weights, x, y = [row[0] for row in W1], X[0], Y[0]
    w, b = [Value(wi) for wi in weights], Value(bias)
    losses.squared_error(sg.sigmoid(sg.dot(w, x, bias=b)), y).backward()
    v = [Value(wi) for wi in [*weights, bias]]
    losses.squared_error(sg.sigmoid(sg.dot(v, [*x, 1.0])), y).backward()
    return [p.grad for p in [*w, b]], [p.grad for p in v]


# --- how large is the error -----------------------------------------------------------------


def total_errors(outputs: Sequence[float], targets: Sequence[float] = Y) -> dict[str, float]:
    """The error of all days in three measures, by name: Σ|e|, Σe² and ½Σe², with e = a2 - y.

    >>> total_errors([1.0, 0.0], [0.0, 0.0])
    {'Σ|e|': 1.0, 'Σe²': 1.0, '½Σe²': 0.5}
    """
    e = [a - y for a, y in zip(outputs, targets, strict=True)]
    squares = sum(ei * ei for ei in e)
    return {"Σ|e|": sum(abs(ei) for ei in e), "Σe²": squares, "½Σe²": 0.5 * squares}


def largest_half_sum(targets: Sequence[float] = Y) -> float:
    """The largest ½Σe² that outputs between 0 and 1 can have.

    >>> round(largest_half_sum(), 5)
    0.99215
    """
    return 0.5 * sum(max(y, 1.0 - y) ** 2 for y in targets)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rain:
    """What `run` computes: the start by engine and by hand, and ways of learning, by name."""

    cases: list[Case]
    per_case: list[tuple[Matrix, Matrix]]
    total: tuple[Matrix, Matrix]
    hand: Matrices
    C: float
    before: list[float]
    after: list[float]
    courses: dict[str, list[float]]


def run(updates: int = 100, lr: float = 0.5) -> Rain:
    """Every gradient at the start, and the error in the course of five ways of learning.

    Args:
        updates: how many sweeps through the three days.
        lr: the learning rate where there is no momentum.

    >>> round(run(updates=5).C, 6)
    0.151804
    """
    net, both, cases, per_case = build(), build(), [], []
    for x, y in zip(X, Y, strict=True):
        net.zero_grad()
        cases.append(net.forward(x, y))
        cases[-1].C.backward()
        per_case.append(net.gradients())
    C = losses.squared_error([both(x) for x in X], Y)
    C.backward()
    batch = learn(updates, lr)
    courses = {
        f"all days, ε = {lr:g}": batch,
        f"day by day, ε = {lr:g}": learn(len(X) * updates, lr, sweep=False)[len(X) - 1 :: len(X)],
        f"all days, ε = {lr:g}, decay 0.01": learn(updates, lr, weight_decay=0.01),
        f"all days, ε = {lr / 5:g}": learn(updates, lr / 5),
        f"all days, ε = {lr / 5:g}, momentum 0.9": learn(updates, lr / 5, momentum=0.9),
    }
    trained = build(*batch[-1].weights)
    return Rain(
        cases, per_case, both.gradients(), by_hand(), C.data, [case.a2.data for case in cases],
        [trained(x).data for x in X],
        {name: [C.data, *(u.C for u in course)] for name, course in courses.items()},
    )  # fmt: skip


def report(result: Rain) -> str:
    """Forward, backward, and learning, as tables."""
    lines = ["The forward pass, row by row", ""]
    lines += ["       days Kdp   a1 (hidden units)       a2        target  C"]
    rows = list(zip(DAYS, X, Y, result.cases, strict=True))
    for day, x, y, case in rows:
        a1 = "  ".join(f"{a.data:.4f}" for a in case.a1)
        lines.append(f"  {day}  {x[0]:4.0f} {x[1]:3.0f}   {a1}  {case.a2.data:.6f}    {y:.2f}")
        lines[-1] += f"  {case.C.data:.6f}"
    lines += ["", f"  the sum over the three days: C = {result.C:.6f}"]
    lines += ["", "The backward pass, numbered as in Rumelhart, Hinton and Williams", ""]
    lines += ["        4: ∂E/∂a2  5: ∂E/∂z2  7: ∂E/∂a1 of the three hidden units"]
    for day, _, _, case in rows:
        hidden = "  ".join(f"{a.grad:+.6f}" for a in case.a1)
        lines.append(f"  {day}  {case.a2.grad:+.6f}  {case.z2.grad:+.6f}  {hidden}")
    lines += ["", "The gradient of W2: the days add up to what the whole table gives", ""]
    lines += ["  from hidden " + "".join(f"{day:>11}" for day in DAYS)]
    lines[-1] += "        sum  all at once    by hand"
    for j in range(len(W2)):
        parts = [gradient2[j][0] for _, gradient2 in result.per_case]
        numbers = [*parts, sum(parts), result.total[1][j][0], result.hand.gradient2[j][0]]
        lines.append(f"  unit {j + 1}      " + "".join(f"{number:+11.6f}" for number in numbers))
    lines += ["", "The total error of the three days depends on the measure (e = a2 - y)", ""]
    for name, number in total_errors(result.before).items():
        lines.append(f"  {name:<5} {number:.6f}")
    lines += [
        f"  The slide's total error of 1.05 is not ½Σe²: that is at most {largest_half_sum():.5f}.",
        "", "Learning: C by number of sweeps through the three days", "",
        f"  {'way of learning':<34}" + "".join(f"{k:>9}" for k in (0, 1, 10, 50, 100)),
    ]  # fmt: skip
    for name, course in result.courses.items():
        marks = [k for k in (0, 1, 10, 50, 100) if k < len(course)]
        lines.append(f"  {name:<34}" + "".join(f"{course[k]:9.5f}" for k in marks))
    return "\n".join(lines)


_PLACES = {
    (0, 0): (0.0, 1.3), (0, 1): (0.0, -1.3),
    (1, 0): (3.6, 1.7), (1, 1): (3.6, 0.0), (1, 2): (3.6, -1.7), (2, 0): (6.6, 0.0),
}  # fmt: skip


def figures(result: Rain) -> dict[str, Picture]:
    """Each day's row through the network, outputs before and after, the courses, and a film."""
    from scalargrad import plot

    rows = zip(DAYS, X, Y, result.cases, strict=True)
    names = ("row_mon", "row_tue", "row_wed")
    weights = {((0, i), (1, j)): w for i, row in enumerate(W1) for j, w in enumerate(row)}
    weights |= {((1, j), (2, 0)): row[0] for j, row in enumerate(W2)}
    numbers = {edge: f"{w:+.2f}".rstrip("0") for edge, w in weights.items()}
    full = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday"}
    pictures: dict[str, Picture] = {}
    for name, (day, x, y, case) in zip(names, rows, strict=True):
        inside = {(0, i): f"{xi:.0f}" for i, xi in enumerate(x)}
        hidden = enumerate(zip(case.z1, case.a1, strict=True))
        inside |= {(1, j): f"{z.data:.2f}\n{a.data:.2f}" for j, (z, a) in hidden}
        inside[2, 0] = f"{case.z2.data:.2f}\n{case.a2.data:.2f}"
        below = {(0, 0): "days", (0, 1): "Kdp", (2, 0): f"target {y:.2f}"}
        pictures[name] = plot.diagram(
            _PLACES, [*weights], names=inside, notes=below, edge_values=weights,
            edge_labels=numbers, title=f"{full[day]}, forward: in each unit z above a = σ(z)",
            alt=f"The 2-3-1 network on {day}: inputs {x}, output {case.a2.data:.3f}, target {y}",
        )  # fmt: skip
    pictures["outputs"] = plot.bars(
        {"real": Y, "before learning": result.before, "after learning": result.after}, DAYS,
        ylabel="probability of rain", ylim=(0.0, 1.25),
        title="Predicted and real probability of rain",
        alt="The probability of rain on three days: real 0.99, 0.59, 0.19; predicted near 0.5 on "
        "all days before learning, and on the way to the real ones after it.",
    )  # fmt: skip
    pictures["courses"] = plot.lines(result.courses, xlabel="sweeps through the three days",
        ylabel="C", yscale="log",
        title="The cost by sweep: decay keeps it up, momentum is fastest")  # fmt: skip
    pictures["film"] = sg.steps(result.cases[0].C)
    return pictures
