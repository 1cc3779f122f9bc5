"""Residual block, attention: write the forward pass; the engine derives the backward pass.

The formulas of backpropagation are usually written for a stack of similar layers. An engine needs
no such structure: it goes back through whatever was computed forward. So the structures that the
lecture names differ in their forward program only:

- ResNet is a stack of residual blocks, y = x + F(x): here.
- A transformer alternates attention and small perceptrons: the attention is here, a whole
  transformer is the example small_gpt.
- Yolo looks once at a picture, with filters, and answers for each cell of a grid: small_detector.

The libraries that do this for tensors are PyTorch, TensorFlow and JAX. In each you write the
forward program, and ask for the gradient; `LIBRARIES` has the same four lines for all of them.

    residual block   y = x + F(x)                        ∂y/∂x = 1 + F'(x)

The 1 is a path around F. Without it a deep stack multiplies the slopes of its layers and the
gradient vanishes; with it there is a product of (1 + F'), and one of its terms is 1. (It may grow
instead.)

    attention        p = softmax(s),  s_i = q·k_i / √d       y = Σ p_i v_i

The query q is compared with three keys, and y is the mean of the values, weighted by how well they
fit. By hand, with δ = ∂E/∂y:

    ∂E/∂v_i = p_i δ        ∂E/∂p_i = δ·v_i        ∂E/∂s_i = p_i (δ·v_i - Σ_j p_j δ·v_j)
    ∂E/∂q = Σ_i ∂E/∂s_i k_i / √d                  ∂E/∂k_i = ∂E/∂s_i q / √d

Source: Lecture 2, Error backpropagation: further remarks, the backward pass generated from the
forward program; it names ResNet, Yolo and transformers.
Data: ours: three keys and values of two numbers; 30 layers of four units, with random weights.
Look for: the gradient at the first of 30 layers: 30 with the way past, 1e-10 without. Set `scale=1`
(weights of twice the size), and 0.3 of it arrives without; set `scale=3`, where tanh is flat, and
it is 2e-6, but 1e5 with the way past.
Conclusion: you design the forward program; the backward pass is the business of the engine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "KEYS", "LIBRARIES", "QUERY", "TARGET", "VALUES", "Attention", "ByHand",
    "ResidualAndAttention", "Stack", "attention", "attention_by_hand", "block", "figures", "report",
    "residual_slope_by_hand", "residual_unit", "run", "stack",
]  # fmt: skip

Vector = Sequence[Any]  # of numbers or Values

QUERY = (1.0, -0.5)
KEYS = ((0.8, 0.3), (-0.4, 0.9), (0.5, -1.0))
VALUES = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.5))
TARGET = (0.5, 0.5)

# The slope of the residual unit at x = 0.5, with w1 = 0.9 and w2 = -0.6
LIBRARIES = {
    "scalargrad": """\
import scalargrad as sg
slope = sg.grad(lambda x: x - 0.6 * sg.tanh(0.9 * x))(0.5)
""",
    "PyTorch": """\
import torch
x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
y = x - 0.6 * torch.tanh(0.9 * x)
y.backward()
slope = x.grad.item()
""",
    "TensorFlow": """\
import tensorflow as tf
x = tf.Variable(0.5, dtype=tf.float64)
with tf.GradientTape() as tape:
    y = x - 0.6 * tf.tanh(0.9 * x)
slope = float(tape.gradient(y, x))
""",
    "JAX": """\
import jax, jax.numpy as jnp
slope = float(jax.grad(lambda x: x - 0.6 * jnp.tanh(0.9 * x))(0.5))
""",
}

# --- the residual block ---------------------------------------------------------------------


def residual_unit(x: Any, w1: Any = 0.9, w2: Any = -0.6) -> Any:
    """The smallest residual block: x + F(x), with F(x) = w2 tanh(w1 x).

    Args:
        x, w1, w2: numbers or Values.

    >>> round(residual_unit(0.5), 6)
    0.246861
    """
    return x + w2 * sg.tanh(w1 * x)


def residual_slope_by_hand(x: float, w1: float = 0.9, w2: float = -0.6) -> float:
    """1 + F'(x) with F'(x) = w2 (1 - tanh²(w1 x)) w1, in plain floats.

    >>> round(residual_slope_by_hand(0.5), 6), round(sg.grad(residual_unit)(0.5), 6)
    (0.556119, 0.556119)
    """
    return 1.0 + w2 * (1.0 - math.tanh(w1 * x) ** 2) * w1


def block(xs: Vector, w: Sequence[Vector], residual: bool = True) -> list[Any]:
    """A layer of tanh units, with the way past it or without.

    Args:
        xs: its inputs.
        w: for each unit its weights; with `residual`, as many units as inputs.
        residual: add the inputs to what the units give.

    >>> [round(y, 4) for y in block([1.0, -1.0], [[0.5, 0.0], [0.0, 0.5]])]
    [1.4621, -1.4621]
    """
    changes = [sg.tanh(sg.dot(row, xs)) for row in w]
    return [x + change for x, change in zip(xs, changes, strict=True)] if residual else changes


@dataclass(frozen=True)
class Stack:
    """A stack of blocks: the error, and for the inputs of each layer the length of ∂E/∂x.

    `by_layer[0]` belongs to the inputs of the first layer, the last one to the outputs.
    """

    E: float
    by_layer: list[float]


def stack(
    residual: bool, depth: int = 30, width: int = 4, scale: float = 0.5, seed: int = 0
) -> Stack:
    """Build a stack of blocks, and go back through it.

    Args:
        residual: with the way past each layer.
        depth: how many layers, at least 1.
        width: units in each.
        scale: the weights are drawn evenly from -scale to scale; the same ones with and without.
        seed: which weights.

    Raises:
        ValueError: there are no layers.

    >>> deep, plain = stack(True), stack(False)
    >>> deep.by_layer[0] > 0.1, plain.by_layer[0] < 1e-6
    (True, True)
    """
    if depth < 1:
        raise ValueError(f"a stack has at least one layer, got depth = {depth}")
    draw = random.Random(seed)
    states: list[Vector] = [[Value(draw.uniform(-1.0, 1.0)) for _ in range(width)]]
    for _ in range(depth):
        w = [[draw.uniform(-scale, scale) for _ in range(width)] for _ in range(width)]
        states.append(block(states[-1], w, residual))
    E = losses.squared_error(states[-1], [1.0] * width)
    E.backward()
    return Stack(E.data, [math.hypot(*(x.grad for x in xs)) for xs in states])


# --- attention ------------------------------------------------------------------------------


def attention(q: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> tuple[Any, Any]:
    """The weights p of the values, and their mean y.

    Args:
        q: the query.
        keys: vectors as long as q.
        values: as many vectors.

    >>> p, y = attention(QUERY, KEYS, VALUES)
    >>> [round(x, 4) for x in p], [round(x, 4) for x in y]
    ([0.3807, 0.1318, 0.4875], [-0.1069, 0.3756])
    """
    root = math.sqrt(len(q))
    p = sg.softmax([sg.dot(q, k) / root for k in keys])
    return p, [sg.dot(p, column) for column in zip(*values, strict=True)]


@dataclass(frozen=True)
class ByHand:
    """The derivatives of E by the formulas: of the query, the keys, the values and the scores."""

    q: list[float]
    keys: list[list[float]]
    values: list[list[float]]
    scores: list[float]


def attention_by_hand(
    q: Sequence[float], keys: Sequence[Sequence[float]], values: Sequence[Sequence[float]],
    target: Sequence[float] = TARGET,
) -> ByHand:  # fmt: skip
    """The formulas above for E = 1/2 |y - target|², in plain floats.

    Args:
        q, keys, values: as for `attention`.
        target: what y should be.

    >>> [round(x, 4) for x in attention_by_hand(QUERY, KEYS, VALUES).scores]
    [-0.2379, -0.0188, 0.2567]
    """

    def dot(a: Sequence[float], b: Sequence[float]) -> float:
        return math.fsum(x * y for x, y in zip(a, b, strict=True))

    root = math.sqrt(len(q))
    powers = [math.exp(dot(q, k) / root) for k in keys]
    p = [power / math.fsum(powers) for power in powers]
    delta = [
        dot(p, column) - t for column, t in zip(zip(*values, strict=True), target, strict=True)
    ]
    of_p = [dot(delta, v) for v in values]
    of_s = [p_i * (d - dot(p, of_p)) for p_i, d in zip(p, of_p, strict=True)]
    return ByHand(
        [dot(of_s, column) / root for column in zip(*keys, strict=True)],
        [[d * x / root for x in q] for d in of_s],
        [[p_i * d for d in delta] for p_i in p], of_s,
    )  # fmt: skip


@dataclass(frozen=True)
class Attention:
    """The attention as Values after E.backward(), and the derivatives by hand."""

    q: list[Value]
    keys: list[list[Value]]
    values: list[list[Value]]
    p: list[Value]
    y: list[Value]
    E: Value
    by_hand: ByHand

    @property
    def largest_difference(self) -> float:
        """Between the engine's derivatives and those by hand."""
        pairs = [(self.q, self.by_hand.q), *zip(self.keys, self.by_hand.keys, strict=True)]
        pairs += zip(self.values, self.by_hand.values, strict=True)
        return max(
            abs(x.grad - d) for xs, ds in pairs for x, d in zip(xs, ds, strict=True)
        )  # fmt: skip


def _attend(target: Sequence[float] = TARGET) -> Attention:
    def named(name: str, numbers: Sequence[float]) -> list[Value]:
        return [Value(x, f"{name}{i}") for i, x in enumerate(numbers, 1)]

    q = named("q", QUERY)
    keys = [named(f"k{i}", k) for i, k in enumerate(KEYS, 1)]
    values = [named(f"v{i}", v) for i, v in enumerate(VALUES, 1)]
    p, y = attention(q, keys, values)
    E = losses.squared_error(y, target)
    for name, row in (("p", p), ("y", y)):
        for i, value in enumerate(row, 1):
            value.label = f"{name}{i}"
    E.label = "E"
    E.backward()
    return Attention(q, keys, values, p, y, E, attention_by_hand(QUERY, KEYS, VALUES, target))


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class ResidualAndAttention:
    """What `run` computes: a stack with the way past each layer and one without; the attention."""

    residual: Stack
    plain: Stack
    attention: Attention


def run(depth: int = 30, scale: float = 0.5, seed: int = 0) -> ResidualAndAttention:
    """Go back through two deep stacks and one attention.

    Args:
        depth: the layers of the stacks.
        scale: of their weights.
        seed: which weights.

    >>> run().attention.largest_difference < 1e-15
    True
    """
    return ResidualAndAttention(
        stack(True, depth, scale=scale, seed=seed), stack(False, depth, scale=scale, seed=seed),
        _attend(),
    )  # fmt: skip


def report(result: ResidualAndAttention) -> str:
    """The gradients by layer, and the attention's derivatives in two ways."""
    depth = len(result.plain.by_layer) - 1
    lines = ["Residual unit x + w2 tanh(w1 x) at x = 0.5", ""]
    lines += [
        f"  dy/dx by the engine  {sg.grad(residual_unit)(0.5):.12f}",
        f"  1 + F'(x) by hand    {residual_slope_by_hand(0.5):.12f}",
        "", f"Length of ∂E/∂x at the inputs of layer l, {depth} layers", "",
        "     l     x + F(x)         F(x)",
    ]  # fmt: skip
    shown = sorted({0, depth // 4, depth // 2, 3 * depth // 4, depth - 1, depth})
    for k in shown:
        numbers = f"{result.residual.by_layer[k]:>11.3e}  {result.plain.by_layer[k]:>11.3e}"
        lines.append(f"  {k + 1 if k < depth else 'out':>4}  {numbers}")
    a = result.attention
    lines += ["", "Attention: one query, three keys", ""]
    lines += ["   i    weight p_i   ∂E/∂s_i       ∂E/∂k_i                 ∂E/∂v_i"]
    for i, p in enumerate(a.p):
        of_k, of_v = ("  ".join(f"{x.grad:+.6f}" for x in row) for row in (a.keys[i], a.values[i]))
        lines.append(
            f"  {i + 1:>2}    {p.data:.6f}     {a.by_hand.scores[i]:+.6f}   {of_k}    {of_v}"
        )
    lines += [
        "", f"  y = ({a.y[0].data:+.6f}, {a.y[1].data:+.6f}), target {TARGET}, E = {a.E.data:.6f}",
        f"  ∂E/∂q = ({a.q[0].grad:+.6f}, {a.q[1].grad:+.6f})",
        f"  largest difference to the formulas by hand: {a.largest_difference:.1e}",
    ]  # fmt: skip
    lines += ["", "The slope of the residual unit, by the forward program in four libraries"]
    for name, program in LIBRARIES.items():
        lines += ["", f"  {name}", *(f"    {line}" for line in program.splitlines())]
    return "\n".join(lines)


def figures(result: ResidualAndAttention) -> dict[str, Picture]:
    """The block, the gradient by layer, the attention's weights, and its graph."""
    from scalargrad import plot

    slope = residual_slope_by_hand(0.5) - 1.0
    way = plot.diagram(
        {"x": (0, 0), "F": (2.6, 1.6), "+": (5.2, 0), "y": (7.4, 0)},
        [("x", "F"), ("F", "+"), ("x", "+"), ("+", "y")], highlight={("x", "+")},
        edge_labels={("x", "F"): f"F' = {slope:.3f}", ("F", "+"): "1", ("x", "+"): "1"},
        title="A residual block: the way past F has the slope 1",
        alt="x leads to F and past it to a plus, where both meet and lead to y. The local "
        f"derivatives are {slope:.3f} through F and 1 past it.",
    )  # fmt: skip
    residual, plain = result.residual.by_layer, result.plain.by_layer
    layers = plot.lines(
        {"x + F(x)": residual, "F(x)": plain},
        xlabel="layers before this place", ylabel="length of ∂E/∂x", yscale="log", markers=True,
        title="The gradient, layer by layer",
        alt="The length of the gradient over the layers, on a logarithmic axis. From the output to "
        f"the inputs it goes from {residual[-1]:.1f} to {residual[0]:.1f} with the way past each "
        f"layer, and from {plain[-1]:.1f} to {plain[0]:.0e} without.",
    )  # fmt: skip
    a = result.attention
    weights = plot.bars(
        {"weight p": [p.data for p in a.p], "∂E/∂s": a.by_hand.scores},
        ["key 1", "key 2", "key 3"], xlabel="", ylabel="weight, derivative of its score",
        title="Where the query looks, and how E answers to the scores",
        alt="Bars for three keys: the weights are "
        + ", ".join(f"{p.data:.2f}" for p in a.p)
        + "; the derivatives of E by the scores are "
        + ", ".join(f"{d:+.2f}" for d in a.by_hand.scores) + ".",
    )  # fmt: skip
    return {
        "block": way, "by_layer": layers, "attention_weights": weights,
        "attention": sg.draw(a.E, max_nodes=80),
    }  # fmt: skip
