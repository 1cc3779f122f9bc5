"""One weight, one association: the gradient of the error, and descent at eight rates.

The smallest network there is. A single weight w leads from the input x to the output y:

    u = w x       y = f(u) = u       δ = y - τ       E = 1/2 δ²

It should learn one association x → τ (tau, the target). The error E(w) is a parabola, so that
everything can be checked on paper. By the chain rule its gradient is

    dE/dw = dE/dy · dy/dw = δ x,

positive where E increases with w and negative where it decreases. Steepest descent goes the other
way, by Δw = -ε dE/dw, with ε the learning rate. Its weights are known in advance, since each update
multiplies the distance to the minimum w* = τ/x by the same factor:

    w_k = w* + (w_0 - w*) (1 - ε x²)^k.

The factor 1 - ε x² decides what happens. From 1 down to 0 the weight creeps up to w*; at 0 it is
there in one step; below 0 it jumps from side to side; at -1 and beyond it never settles.

Source: Stone, equations 1 to 11, and the algorithm "Learning one association".

Data: the lecture's: x = 0.8, τ = 0.2, w = 0.4. The rates ε are ours.

Look for: the number of updates falls as the rate grows, to 2 at ε = 1/x² = 1.5625, and rises again.
At 2/x² = 3.125 the error never changes. Set X to 1.6: the largest rate that works is then a quarter
of that.

Conclusion: the gradient δ x says in which direction the error grows and how steeply, and the
learning rate decides whether descent creeps, arrives or diverges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "RATES", "TARGET", "W0", "Descent", "SimplestNetwork", "X", "build", "closed_form", "error",
    "figures", "learn", "report", "run", "secant", "slope_by_hand",
]  # fmt: skip

X, TARGET = 0.8, 0.2
W0 = 0.4  # the weight at the start
RATES = (0.1, 0.5, 1.0, 1.5625, 2.0, 3.0, 3.125, 3.5)

# --- the network ----------------------------------------------------------------------------


def build(w: Any, x: float = X) -> Any:
    """The output y = f(u) of u = w x, where f hands its argument on.

    Args:
        w: the weight, a number or a Value.
        x: the input.

    >>> round(build(0.4), 6)
    0.32
    """
    return w * x


def error(w: Any, x: float = X, target: float = TARGET) -> Any:
    """E = 1/2 (y - τ)², by which the output misses the target.

    >>> round(error(0.4), 6), round(sg.grad(error)(0.4), 6)
    (0.0072, 0.096)
    """
    return losses.squared_error(build(w, x), target)


def slope_by_hand(w: float, x: float = X, target: float = TARGET) -> float:
    """dE/dw = δ x, equation 9, in plain floats.

    >>> round(slope_by_hand(0.4), 6)
    0.096
    """
    return (w * x - target) * x


def secant(step: float, w: float = W0) -> float:
    """ΔE/Δw from w to w + Δw, equation 8: too large by exactly x² Δw / 2 on a parabola.

    Args:
        step: Δw, positive.
        w: where it starts.

    >>> round(secant(0.1), 6), round(secant(0.1) - slope_by_hand(0.4), 6)
    (0.128, 0.032)
    """
    return float(sg.numerical_grad(error, w, "forward", eps=step))


# --- learning -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """A run of gradient descent: w and E before each update and after the last; each Δw.

    `updates` counts them; it is None if the slope was still too large when the loop was left.
    """

    lr: float
    weights: list[float]
    errors: list[float]
    changes: list[float]
    updates: int | None


def learn(lr: float, w0: float = W0, tolerance: float = 1e-6, limit: int = 1000) -> Descent:
    """The algorithm "Learning one association": repeat Δw = -ε dE/dw until dE/dw is about 0.

    On the slide the `if` that ends the loop stands after it, where it is never reached. It belongs
    inside, and looks at the slope from before the update: so the update that came of it is counted.

    Args:
        lr: ε, at least 0.
        w0: the weight at the start.
        tolerance: below which |dE/dw| counts as 0; with 0, `limit` updates are made.
        limit: after how many updates to give up.

    >>> learn(0.5).updates, learn(3.125).updates
    (31, None)
    """
    w = Value(w0, "w")
    optimizer = optim.SGD([w], lr=lr)
    weights, errors, changes = [w0], list[float](), list[float]()
    stopped = False
    while not stopped and len(changes) < limit:
        optimizer.zero_grad()
        E = error(w)
        E.backward()
        optimizer.step()
        errors.append(E.data)
        weights.append(w.data)
        changes.append(-lr * w.grad)
        stopped = abs(w.grad) < tolerance  # the gradient is still that of before the step
    errors.append(error(w.data))
    return Descent(lr, weights, errors, changes, len(changes) if stopped else None)


def closed_form(lr: float, k: int, w0: float = W0) -> float:
    """The weight after k updates, without making them.

    >>> round(closed_form(0.5, 2), 6), round(learn(0.5).weights[2], 6)
    (0.31936, 0.31936)
    """
    best = TARGET / X
    return best + (w0 - best) * (1.0 - lr * X * X) ** k


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class SimplestNetwork:
    """What `run` computes: the network at its start, and a descent for each rate.

    `w`, `y` and `E` are Values with their derivatives. `delta` is y - τ, which is ∂E/∂y;
    `secants` has ΔE/Δw by Δw, `curvature` is d²E/dw² = x².
    """

    w: Value
    y: Value
    E: Value
    by_hand: float
    curvature: float
    best: float
    secants: dict[float, float]
    descents: dict[float, Descent]

    @property
    def delta(self) -> float:
        """δ = y - τ; the engine knows it as the derivative of E with respect to y."""
        return self.y.grad


def run(w0: float = W0, rates: tuple[float, ...] = RATES) -> SimplestNetwork:
    """Forward and backward once, then a descent for each rate.

    Args:
        w0: the weight at the start.
        rates: the ε to try.

    >>> result = run()
    >>> round(result.w.grad, 6), round(result.delta, 6)
    (0.096, 0.12)
    """
    w = Value(w0, "w")
    y = build(w)
    y.label = "y"
    E = losses.squared_error(y, TARGET)
    E.label = "E"
    E.backward()
    return SimplestNetwork(
        w, y, E, slope_by_hand(w0), sg.grad(sg.grad(error))(w0), TARGET / X,
        {step: secant(step, w0) for step in (0.1, 0.01, 0.001, 0.000001)},
        {lr: learn(lr, w0) for lr in rates},
    )  # fmt: skip


def report(result: SimplestNetwork) -> str:
    """The network, its gradient in three ways, and the descents as a table."""
    w, y, E = result.w, result.y, result.E
    lines = [
        f"Forward:   x = {X}, w = {w.data}, y = w x = {y.data:.6f}, target τ = {TARGET}",
        f"Error:     E = 1/2 (y - τ)² = {E.data:.6f}; it is 0 at w* = τ/x = {result.best}",
        f"Backward:  δ = y - τ = {result.delta:.6f}, dE/dw = δ x = {result.by_hand:.6f}",
        "", "The gradient dE/dw at the start", "",
        f"  by the engine         {w.grad:.9f}",
        f"  by hand, δ x          {result.by_hand:.9f}",
    ]  # fmt: skip
    for step, ratio in result.secants.items():
        told = f"too large by {ratio - w.grad:.3g} = x² Δw / 2"
        lines.append(f"  ΔE/Δw with Δw = {step:<6g}{ratio:.9f}  {told}")
    lines += ["", "Steepest descent until |dE/dw| < 1e-6", ""]
    lines += ["  rate ε  1 - ε x²  updates  w after 1  after 2   after 3   after 10"]
    for lr, descent in result.descents.items():
        updates = "never" if descent.updates is None else str(descent.updates)
        path = "  ".join(f"{descent.weights[k]:+.5f}" for k in (1, 2, 3, 10)
                         if k < len(descent.weights))  # fmt: skip
        lines.append(f"  {lr:<6g}  {1.0 - lr * X * X:+.4f}   {updates:>7}  {path}")
    return "\n".join(lines)


def figures(result: SimplestNetwork) -> dict[str, Picture]:
    """The network, its graph, the parabola with tangent and secant, and descents on it."""
    from scalargrad import plot

    w0 = result.w.data
    network = plot.network(
        [1, 1], names={(0, 0): "x", (1, 0): "y"}, edge_labels={((0, 0), (1, 0)): f"w = {w0}"},
        notes={(0, 0): f"x = {X}", (1, 0): f"y = w x = {result.y.data:.2f}\nτ = {TARGET}"},
        title="The simplest network: one weight, one association",
        alt=f"One input x = {X} leads over one weight w = {w0} to one output y.",
    )  # fmt: skip
    curve = plot.error_curve(
        error, (-0.5, 1.0), tangent=w0, secant=(w0, 0.4), minima=[result.best],
        title="The gradient of the error: tangent and secant",
        alt=f"The parabola E(w) with its minimum at w = {result.best}. At w = {w0} a tangent "
        "touches it; a secant cuts it there and at 0.8, and is steeper.",
    )  # fmt: skip
    told = {0.5: "small steps", 1.5625: "one step", 3.0: "overshoots, settles", 3.5: "diverges"}
    shown = [lr for lr in told if lr in result.descents]
    grid = plot.figure(
        2, 2, width=8.0, height=6.0,
        alt="Gradient descent on the parabola: at 0.5 small steps down one side, at 1.5625 one "
        "step to the minimum, at 3 jumps from side to side that shrink, at 3.5 jumps that grow.",
    )  # fmt: skip
    for ax, lr in zip(grid.axes, shown, strict=False):
        path = result.descents[lr].weights[:9]
        reach = 1.1 * max(abs(w - result.best) for w in path)  # each panel has its own scale
        span = (result.best - reach, result.best + reach)
        plot.error_curve(error, span, path=path, title=f"rate ε = {lr:g}: {told[lr]}", ax=ax)
    lines = plot.lines(
        {f"ε = {r:g}": d.weights[:11] for r, d in result.descents.items() if r in (*shown, 3.125)},
        xlabel="update", ylabel="w", title="The weight, update by update (w* = 0.25)", markers=True,
        alt="The weight over ten updates: it creeps to 0.25, is there at once, swings and comes "
        "to rest, swings for ever, and swings ever wider.",
    )  # fmt: skip
    return {
        "network": network, "graph": sg.draw(result.E), "error_curve": curve, "descents": grid,
        "weights": lines,
    }  # fmt: skip
