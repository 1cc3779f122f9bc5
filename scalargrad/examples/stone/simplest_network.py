"""One weight, one association: the slope of the error, and descent at eight rates.

The smallest network there is. A single weight leads from the input to the output:

    u = w x       y = f(u) = u       δ = y - τ       E = 1/2 δ²

It has to learn one association x → τ (tau, the target). E(w) is a parabola, so everything is known
in advance: its minimum w* = τ/x, its slope dE/dw = δ x, and each weight that descent by
Δw = -ε dE/dw visits,

    w_k = w* + (w_0 - w*) (1 - ε x²)^k.

The factor 1 - ε x² decides what happens: from 0 to 1 the weight creeps up to w*, at 0 it is there
in one step, below 0 it jumps from side to side, and at -1 and beyond it never settles.

Source: Stone, equations 1 to 11, and the algorithm "Learning one association".
Data: the lecture's: x = 0.8, τ = 0.2, w = 0.4. The rates ε are ours.
Look for: the number of updates falls as the rate grows, to 2 at ε = 1/x² = 1.5625, and rises again.
At 2/x² = 3.125 the error stays what it is for ever. Edit X to 1.6: the largest rate that works is
then a quarter of that.
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

    On the slide the `if` that ends the loop stands behind it, where it is never reached. It belongs
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
    """The network, its slope in three ways, and the descents as a table."""
    w, y, E = result.w, result.y, result.E
    lines = [
        f"Forward:  x = {X}, w = {w.data}, y = w x = {y.data:.6f}, target {TARGET}",
        f"Backward: δ = y - τ = {result.delta:.6f}, E = {E.data:.6f}; best w* = {result.best}",
        "", "The slope dE/dw", "",
        f"  by the engine     {w.grad:.9f}",
        f"  by hand, δ x      {result.by_hand:.9f}",
    ]  # fmt: skip
    for step, ratio in result.secants.items():
        told = f"too large by {ratio - w.grad:.3g} = x² Δw / 2"
        lines.append(f"  ΔE/Δw, Δw = {step:<6g}{ratio:.9f}  {told}")
    lines += ["", "Descent until |dE/dw| < 1e-6", ""]
    lines += ["  rate ε  1 - ε x²  updates  w after 1, 2, 3, 10 updates"]
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
        notes={(0, 0): f"x = {X}", (1, 0): f"y = {result.y.data:.2f}, target {TARGET}"},
        title="The simplest network",
        alt=f"One input x = {X} leads over one weight w = {w0} to one output y.",
    )  # fmt: skip
    curve = plot.error_curve(
        error, (-0.5, 1.0), tangent=w0, secant=(w0, 0.4), minima=[result.best],
        title="The slope of the error: tangent and secant",
        alt=f"The parabola E(w) with its minimum at w = {result.best}. At w = {w0} a tangent "
        "touches it; a secant cuts it there and at 0.8, and is steeper.",
    )  # fmt: skip
    shown = [lr for lr in (0.5, 1.5625, 3.0, 3.5) if lr in result.descents]
    grid = plot.figure(
        2, 2, width=8.0, height=6.0,
        alt="Gradient descent on the parabola: at 0.5 small steps down one side, at 1.5625 one "
        "step to the minimum, at 3 jumps from side to side that shrink, at 3.5 jumps that grow.",
    )  # fmt: skip
    for ax, lr in zip(grid.axes, shown, strict=False):
        path = result.descents[lr].weights[:9]
        reach = 1.1 * max(abs(w - result.best) for w in path)  # each panel has its own scale
        span = (result.best - reach, result.best + reach)
        plot.error_curve(error, span, path=path, title=f"rate {lr:g}", ax=ax)
    lines = plot.lines(
        {f"rate {r:g}": d.weights[:11] for r, d in result.descents.items() if r in (*shown, 3.125)},
        xlabel="update", ylabel="w", title="The weight, update by update", markers=True,
        alt="The weight over ten updates: it creeps to 0.25, is there at once, swings and comes "
        "to rest, swings for ever, and swings ever wider.",
    )  # fmt: skip
    return {
        "network": network, "graph": sg.draw(result.E), "error_curve": curve, "descents": grid,
        "weights": lines,
    }  # fmt: skip
