"""A recurrent network of vectors: singular values, ∂E/∂W through time, and clipping.

The unit of the example vanishing_gradients has one number for a state. With a vector h of states,
the weight becomes a matrix W, and each factor of the gradient becomes a matrix, too:

    z_k = W h_{k-1} + x_k        h_k = g(z_k)        k = 1 ... T
    ∂h_T/∂h_{k} = J_T J_{T-1} ... J_{k+1}            J_k = diag(g'(z_k)) W

How much such a matrix changes the length of a vector is between its smallest and its largest
singular value. So |∂E/∂h_k| is between these two, times |∂E/∂h_T|. If all singular values of the J
are below 1, the gradient vanishes, whatever its direction; if all are above 1, it explodes; and a W
with one of each does both, in different directions. Only a rotation keeps every length.

W is used T times, like a shared parameter. Its derivative is a sum over time, of outer products:

    ∂E/∂W = Σ_k ∂E/∂z_k h_{k-1}ᵀ        backpropagation through time

If the gradient vanishes, only the last terms count, and the network does not learn what it read
long ago. If it explodes, the sum is huge, and one step of descent throws W far away. The usual
remedy for the second is clipping: if the gradient is longer than a bound, it is scaled to that
length, and keeps its direction:

    ∇E ← ∇E · min(1, bound / |∇E|)

Source: Lecture 2, Error backpropagation: the use of backpropagation for analysis.
Data: ours: two units, linear or tanh, a W whose singular values are given, and 60 inputs drawn
evenly from -1 to 1. To learn: a W of a linear network without input, so that h_20 is (0.5, -0.5).
Look for: in a linear network with two equal singular values |∂E/∂h_k| is a power of them. tanh
lowers them all: with 1 and 1 the gradient vanishes; 1.5 and 1.5 make up for it in one direction,
and lose the other. Where the gradient vanishes, only the last terms of ∂E/∂W count. Descent without
clipping is beyond all bounds after one step; with it, the error falls to nothing.
Conclusion: singular values of W g' tell beforehand whether a recurrent network can learn from the
distant past; clipping cures explosion, not vanishing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.examples.matrices import product

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "NETWORKS", "STEPS", "Course", "Descent", "Network", "Result", "build", "descend", "figures",
    "gradients", "report", "run", "singular_values", "with_singular_values",
]  # fmt: skip

Matrix = list[list[float]]
STEPS = 60
START, TARGET = (1.0, 0.0), (0.5, -0.5)  # of the descent; also h_0
OUT = (0.8, 0.6)  # ∂E/∂h_T, of length 1


def with_singular_values(large: float, small: float, angle: float = 0.5) -> Matrix:
    """A matrix of two rows with these singular values; it is symmetric unless they are equal.

    Args:
        large, small: the singular values; if they are equal, the matrix is a rotation times them.
        angle: of the rotation, or of the direction that is scaled by `large`.

    >>> [round(s, 12) for s in singular_values(with_singular_values(1.2, 0.6))]
    [1.2, 0.6]
    """
    c, s = math.cos(angle), math.sin(angle)
    if large == small:
        return [[large * c, -large * s], [large * s, large * c]]
    return [
        [large * c * c + small * s * s, (large - small) * c * s],
        [(large - small) * c * s, large * s * s + small * c * c],
    ]


def singular_values(M: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The singular values of a matrix of two rows and two columns, the larger one first.

    They are the roots of the eigenvalues of M Mᵀ; the smaller one is |det M| divided by the larger,
    which keeps its digits.

    Args:
        M: the matrix.

    >>> singular_values([[3.0, 0.0], [0.0, -2.0]])
    (3.0, 2.0)
    """
    (a, b), (c, d) = M
    p, q, r = a * a + b * b, c * c + d * d, a * c + b * d
    largest = math.sqrt((p + q + math.hypot(p - q, 2.0 * r)) / 2.0)
    return largest, abs(a * d - b * c) / largest if largest else 0.0


@dataclass(frozen=True)
class Network:
    """A recurrent network: its W, and whether its units are tanh or linear."""

    W: Matrix
    tanh: bool = False


NETWORKS = {
    "linear, 0.9 and 0.9": Network(with_singular_values(0.9, 0.9)),
    "linear, 1 and 1": Network(with_singular_values(1.0, 1.0)),
    "linear, 1.1 and 1.1": Network(with_singular_values(1.1, 1.1)),
    "linear, 1.1 and 0.8": Network(with_singular_values(1.1, 0.8)),
    "tanh, 1 and 1": Network(with_singular_values(1.0, 1.0), True),
    "tanh, 1.5 and 1.5": Network(with_singular_values(1.5, 1.5), True),
}


def build(
    W: Sequence[Sequence[Any]], h0: Sequence[Any], xs: Sequence[Sequence[float]], tanh: bool = True
) -> tuple[list[list[Any]], list[list[Any]]]:
    """The sums z_1 to z_T and the states h_0 to h_T.

    Args:
        W: the matrix, numbers or Values.
        h0: the state before the first input.
        xs: the inputs x_1 to x_T.
        tanh: whether g is tanh; else it is the identity.

    >>> _, h = build([[0.0, -1.0], [1.0, 0.0]], [1.0, 0.0], [[0.0, 0.0]] * 2, tanh=False)
    >>> h
    [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
    """
    states, sums = [list(h0)], list[list[Any]]()
    for x in xs:
        sums.append([sg.dot(row, states[-1]) + xi for row, xi in zip(W, x, strict=True)])
        states.append([sg.tanh(z) for z in sums[-1]] if tanh else sums[-1])
    return sums, states


@dataclass(frozen=True)
class Course:
    """A network over T steps; lists over k are in the order of time.

    `lengths` are |∂E/∂h_k| by the engine for k = 0 ... T; `singular` the singular values of
    ∂h_T/∂h_k, from the product of the J by hand. `terms` are the lengths of the T terms of ∂E/∂W;
    `summed` is their sum, and `by_engine` what W's Values have collected.
    """

    lengths: list[float]
    singular: list[tuple[float, float]]
    terms: list[float]
    summed: Matrix
    by_engine: Matrix


def gradients(network: Network, steps: int = STEPS, seed: int = 0) -> Course:
    """Run a network, and differentiate E = 0.8 h_T1 + 0.6 h_T2, whose ∂E/∂h_T has length 1.

    Args:
        network: the network.
        steps: T.
        seed: of the inputs.

    Raises:
        ValueError: `steps` is below 1.

    >>> course = gradients(NETWORKS["linear, 0.9 and 0.9"], steps=3)
    >>> [round(length, 3) for length in course.lengths]
    [0.729, 0.81, 0.9, 1.0]
    """
    if steps < 1:
        raise ValueError(f"steps is at least 1, got {steps}")
    draw = random.Random(seed)
    xs = [[draw.uniform(-1.0, 1.0) for _ in range(2)] for _ in range(steps)]
    W = [[Value(w, f"w{i}{j}") for j, w in enumerate(row, 1)] for i, row in enumerate(network.W, 1)]
    h0 = [Value(number) for number in START]
    sums, states = build(W, h0, xs, network.tanh)
    E: Any = sg.dot(OUT, states[-1])
    E.backward()
    summed, terms = [[0.0, 0.0], [0.0, 0.0]], []
    for z, h in zip(sums, states[:-1], strict=True):
        outer = [[zi.grad * hj.data for hj in h] for zi in z]
        terms.append(math.hypot(*outer[0], *outer[1]))
        summed = [
            [s + t for s, t in zip(a, b, strict=True)] for a, b in zip(summed, outer, strict=True)
        ]
    M: Matrix = [[1.0, 0.0], [0.0, 1.0]]
    singular = [(1.0, 1.0)]
    for h in reversed(states[1:]):
        slopes = [1.0 - hi.data**2 if network.tanh else 1.0 for hi in h]
        J = [[g * w for w in row] for g, row in zip(slopes, network.W, strict=True)]
        M = product(M, J)
        singular.insert(0, singular_values(M))
    return Course(
        [math.hypot(*(hi.grad for hi in h)) for h in states], singular, terms, summed,
        [[w.grad for w in row] for row in W],
    )  # fmt: skip


# --- clipping -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """A descent of W: E and |∂E/∂W| before each step, as long as both are finite."""

    errors: list[float]
    lengths: list[float]


def descend(
    bound: float = math.inf, updates: int = 320, steps: int = 20, lr: float = 0.002
) -> Descent:
    """Descend E = 1/2 |h_T - target|² from a W with singular values 1.2, linear and without input.

    Args:
        bound: the length to which a longer gradient is clipped.
        updates: how many.
        steps: T.
        lr: the learning rate.

    >>> descend().errors[1] > 1e6, descend(bound=1.0).errors[-1] < 1e-12
    (True, True)
    """
    W = [[Value(w) for w in row] for row in with_singular_values(1.2, 1.2)]
    optimizer = optim.SGD([w for row in W for w in row], lr)
    course = Descent([], [])
    for _ in range(updates):
        optimizer.zero_grad()
        _, states = build(W, START, [[0.0, 0.0]] * steps, tanh=False)
        E = losses.squared_error(states[-1], TARGET)
        if not E.data < 1e100:  # soon beyond what a float can hold
            break
        E.backward()
        course.errors.append(E.data)
        course.lengths.append(optim.clip_grad_norm(optimizer.parameters, bound))
        optimizer.step()
    return course


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes: the course of each network by name, and descents by their bound."""

    courses: dict[str, Course]
    descents: dict[str, Descent]


def run(networks: Mapping[str, Network] = NETWORKS, steps: int = STEPS) -> Result:
    """Gradients of all networks, and a descent with clipping and without.

    Args:
        networks: the networks by name.
        steps: T.

    >>> result = run()
    >>> f"{result.courses['linear, 1.1 and 1.1'].lengths[0]:.1f}"
    '304.5'
    """
    return Result(
        {name: gradients(network, steps) for name, network in networks.items()},
        {"not clipped": descend(), "clipped to length 1": descend(1.0)},
    )


def report(result: Result) -> str:
    """Lengths and singular values by the distance in time, the terms of ∂E/∂W, and clipping."""
    steps = len(next(iter(result.courses.values())).terms)
    backs = sorted({back for back in (1, 10, steps // 2, steps) if back <= steps})
    lines = [f"|∂E/∂h_k|, T = {steps}, by number of steps back; in brackets what the singular"]
    lines += ["values of ∂h_T/∂h_k allow", ""]
    lines.append("  singular values of W      " + "".join(f"{back:>24}" for back in backs[1:]))
    for name, course in result.courses.items():
        cells = ""
        for back in backs[1:]:
            largest, smallest = course.singular[-1 - back]
            cells += f"{course.lengths[-1 - back]:>8.1e} [{smallest:.0e}, {largest:.0e}]".rjust(24)
        lines.append(f"  {name:<26}{cells}")
    lines += [
        "",
        "∂E/∂W = Σ_k ∂E/∂z_k h_{k-1}ᵀ: the length of some of its terms, and of the sum",
        "",
    ]
    shown = [0, steps // 2, steps - 1]
    heads = "".join(f"{f'k = {k + 1}':>12}" for k in shown)
    lines.append(f"  singular values of W      {heads}         sum")
    worst = 0.0
    for name, course in result.courses.items():
        terms = "".join(f"{course.terms[k]:>12.2e}" for k in shown)
        whole = math.hypot(*course.summed[0], *course.summed[1])
        lines.append(f"  {name:<26}{terms}{whole:>12.2e}")
        worst = max(
            worst,
            *(abs(a - b) / whole for r, s in zip(course.summed, course.by_engine, strict=True)
              for a, b in zip(r, s, strict=True)),
        )  # fmt: skip
    lines += ["", f"  Largest difference to what the engine collects in W, relative: {worst:.0e}"]
    lines += ["", "Descent of W from singular values 1.2, T = 20, learning rate 0.002", ""]
    lines += ["                         updates   first |∂E/∂W|   first E    last E"]
    for name, descent in result.descents.items():
        lines.append(
            f"  {name:<21}  {len(descent.errors):>7}   {descent.lengths[0]:>13.1e}   "
            f"{descent.errors[0]:>7.1e}   {descent.errors[-1]:>7.1e}"
        )
    return "\n".join(lines)


def figures(result: Result) -> dict[str, Picture]:
    """Singular values by the distance in time, the terms of ∂E/∂W, and what clipping does."""
    return {
        "singular_values": _singular_values(result), "through_time": _through_time(result),
        "clipping": _clipping(result),
    }  # fmt: skip


def _singular_values(result: Result) -> Picture:
    """|∂E/∂h_k| of each network, between the singular values of ∂h_T/∂h_k."""
    from scalargrad import plot
    from scalargrad.plot.style import COLOURS

    page = plot.figure(
        2, 3, width=12.0, height=6.8,
        alt="Six panels on logarithmic axes: the length of ∂E/∂h_k over the steps back, in a band "
        "from the smallest to the largest singular value of ∂h_T/∂h_k. With 0.9 it falls, with 1 "
        "it is level, with 1.1 it rises; with 1.1 and 0.8 the band opens, and the gradient follows "
        "its upper edge; with tanh and 1 both edges fall, with "
        "tanh and 1.5 only the lower one does.",
    )  # fmt: skip
    for ax, (name, course) in zip(page.axes, result.courses.items(), strict=False):
        steps = list(range(len(course.lengths)))
        largest, smallest = ([s[k] for s in reversed(course.singular)] for k in (0, 1))
        plot.lines(
            {"|∂E/∂h|": (steps, course.lengths[::-1])}, xlabel="steps back, T - k",
            ylabel="length", yscale="log", title=f"{name}", ax=ax,
        )  # fmt: skip
        ax.fill_between(steps, smallest, largest, color="#c9c9c9", zorder=0.9)
        for edge, label in ((largest, "largest singular value"), (smallest, "smallest")):
            ax.plot(steps, edge, color=COLOURS[1], linewidth=1.2, zorder=1.5,
                    linestyle=(0, (5, 2)) if edge is largest else ":", label=label)  # fmt: skip
        ax.lines[0].set(linewidth=2.6, zorder=3)
        ax.set_ylim(1e-9, 1e4)
        if ax is page.axes[0]:
            ax.legend(loc="upper right", framealpha=0.95, edgecolor="none")
    page.suptitle("The singular values of W are in the titles; grey: what lengths are possible")
    return page


def _through_time(result: Result) -> Picture:
    from scalargrad import plot

    names = ("linear, 1.1 and 1.1", "linear, 1 and 1", "linear, 0.9 and 0.9", "tanh, 1 and 1")
    some = {name: result.courses[name] for name in names if name in result.courses}
    return plot.lines(
        {name: (list(range(1, len(c.terms) + 1)), c.terms) for name, c in some.items()},
        xlabel="time k of the term ∂E/∂z · hᵀ", ylabel="length of the term", yscale="log",
        title="∂E/∂W is a sum over time: which terms count?", ax=plot.figure(width=8.4).axes[0],
        alt="The length of each term of ∂E/∂W over its time, on a logarithmic axis. With 0.9 and, "
        "much steeper, with tanh only the last terms count; with 1 all count; with 1.1 all are "
        "large, since the state grows as the gradient does.",
    )  # fmt: skip


def _clipping(result: Result) -> Picture:
    from scalargrad import plot

    page = plot.figure(
        1, 2, width=11.0, height=4.6,
        alt="The error over the updates and the length of the gradient before clipping, on "
        "logarithmic axes. Not clipped, both leave the picture after a few updates; clipped to "
        "length 1, the error falls to nothing.",
    )  # fmt: skip
    for ax, name, ylabel in zip(
        page.axes, ("errors", "lengths"), ("E", "|∂E/∂W| before clipping"), strict=True
    ):
        plot.lines(
            {key: getattr(descent, name) for key, descent in result.descents.items()},
            xlabel="update", ylabel=ylabel, yscale="log", ax=ax,
            title="The error" if name == "errors" else "The length of the gradient",
        )  # fmt: skip
        ax.set_ylim(1e-16, 1e20)
    far = result.descents["not clipped"].errors[-1]
    page.axes[0].annotate(
        f"after one step {far:.0e}", (2.0, 1e18), xytext=(10, 0), textcoords="offset points",
        fontsize=10, va="center",
    )  # fmt: skip
    page.axes[0].legend(loc="center right")
    page.axes[1].legend(loc="center right")
    return page
