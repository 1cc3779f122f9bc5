"""Learn from one sample at a time, picked at random; a slide that uses a weight too soon.

A network of two layers of sigmoids, without biases. Indices are "to m from j", as in the lecture:

    h_m = σ(Σ_j w_mj x_j)       d̂_k = σ(Σ_m v_km h_m)       f = 1/2 Σ_k (d̂_k - d_k)²

The errors δ and γ are the derivatives of f by the sums inside σ. The backward pass computes δ first
and γ from it. Every gradient is an error times what came in:

    δ_k = (d̂_k - d_k) d̂_k (1 - d̂_k)         ∂f/∂v_km = δ_k h_m
    γ_m = h_m (1 - h_m) Σ_k δ_k v_km         ∂f/∂w_mj = γ_m x_j

Stochastic gradient descent picks a sample at random and steps against the gradient of the error of
this sample alone, with the step size α. The lecture's slide of the algorithm computes γ from v that
has just been updated; what it follows then is not the gradient.

Source: Van Veen, all slides. There δ_k is written with v_{k,e}, v_{k,t}, v_{k,2} and h_g, all of
which are v_km and h_m; a sum over the inputs runs to N, the number of samples; the hidden error is
γ on one slide and δ on another; and σ'(z) is printed as 1/(1 + e^-z)², which is σ² (e^-z is
missing above the line).
Data: ours, since the lecture gives none: three samples, 3 inputs, 2 hidden units, 2 outputs.
Look for: at the same weights γ of the slide is off by 2.2 and 1.3 % at the first pick, and by up to
7 % within four. If you run the slide's algorithm by itself, its weights also drift away from the
exact ones, by up to 0.0007 in four updates; the last table shows this drift separately. With
`lr=0.5` the descents at random need four times as many samples.
Conclusion: one sample at a time needs about as many updates as the whole data set, each at a third
of the work; and all gradients must be taken at the same weights.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, optim
from scalargrad.data import minibatches, picks
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Course", "Descents", "Formulas", "Gradient", "Net", "Step", "build", "figures", "formulas",
    "learn", "mean_gradient", "prescribed", "printed_slope", "report", "run", "slide", "too_soon",
]  # fmt: skip

Vector = Sequence[Any]
Matrix = Sequence[Vector]
Rate = float | Callable[[int], float]

X = [[0.5, -1.0, 0.25], [1.5, 0.2, -0.6], [-0.7, 0.9, 0.4]]
D = [[0.1, 0.9], [0.8, 0.3], [0.5, 0.6]]
W = [[0.3, -0.2, 0.5], [-0.4, 0.1, 0.25]]  # to hidden unit m (row) from input j
V = [[0.7, -0.6], [-0.1, 0.45]]  # to output k (row) from hidden unit m
PICKS = (2, 0, 1, 2)


@dataclass(frozen=True)
class Net:
    """The network at one sample, as Values: the sums inside both layers of σ, h, d̂ and f."""

    hidden_sums: list[Any]
    h: list[Any]
    output_sums: list[Any]
    d_hat: list[Any]
    f: Any


def build(x: Vector, d: Vector, w: Matrix, v: Matrix) -> Net:
    """The network and its error, forward.

    Args:
        x: the inputs; d: the targets; w: a row of weights for each hidden unit; v: for each output.

    >>> round(build(X[2], D[2], W, V).f, 9)
    0.000982167
    """
    hidden_sums = [sg.dot(row, x) for row in w]
    h = [sg.sigmoid(z) for z in hidden_sums]
    output_sums = [sg.dot(row, h) for row in v]
    d_hat = [sg.sigmoid(u) for u in output_sums]
    return Net(hidden_sums, h, output_sums, d_hat, losses.squared_error(d_hat, d))


@dataclass(frozen=True)
class Formulas:
    """The numbers at one sample: the forward pass, both errors, both gradients."""

    h: list[float]
    d_hat: list[float]
    f: float
    delta: list[float]
    gamma: list[float]
    grad_v: list[list[float]]
    grad_w: list[list[float]]


def formulas(
    x: Vector, d: Vector, w: Matrix, v: Matrix, back_through: Matrix | None = None
) -> Formulas:
    """The lecture's formulas on plain numbers: errors, and each times what came in.

    Args:
        x, d, w, v: as for `build`, all numbers.
        back_through: the weights that γ is computed with. Only with v, the default, it is right.

    >>> [round(gamma, 6) for gamma in formulas(X[2], D[2], W, V).gamma]
    [-0.000308, -0.000648]
    """
    net = build(x, d, w, v)
    delta = [(y - t) * y * (1.0 - y) for y, t in zip(net.d_hat, d, strict=True)]
    columns = zip(*(back_through or v), strict=True)
    gamma = [h * (1.0 - h) * sg.dot(delta, c) for h, c in zip(net.h, columns, strict=True)]
    grad_v = [[dk * h for h in net.h] for dk in delta]
    grad_w = [[gm * xj for xj in x] for gm in gamma]
    return Formulas(net.h, net.d_hat, net.f, delta, gamma, grad_v, grad_w)


def printed_slope(z: float) -> float:
    """1/(1 + e^-z)², which the slide prints for σ'(z); it is σ(z)² and not the slope.

    >>> round(printed_slope(0.7), 4), round(sg.grad(sg.sigmoid)(0.7), 4)
    (0.4465, 0.2217)
    """
    return 1.0 / (1.0 + math.exp(-z)) ** 2


def too_soon(x: Vector, d: Vector, w: Matrix, v: Matrix, lr: float = 0.5) -> Formulas:
    """The slide at these weights: it updates v first, and then computes γ from the new v.

    Args:
        x, d, w, v: as for `build`, all numbers.
        lr: the rate of the update of v.

    >>> right, slide = formulas(X[2], D[2], W, V), too_soon(X[2], D[2], W, V)
    >>> [round(100 * (b / a - 1), 2) for a, b in zip(right.gamma, slide.gamma)]
    [2.18, 1.35]
    """
    v_next = _minus(v, lr, formulas(x, d, w, v).grad_v)
    return formulas(x, d, w, v, back_through=v_next)


@dataclass(frozen=True)
class Step:
    """One update: the sample and the rate, what was computed there, and the weights afterwards."""

    pick: int
    lr: float
    found: Formulas
    v_next: list[list[float]]
    w_next: list[list[float]]


def prescribed(lr: Rate = 0.5, order: Sequence[int] = PICKS) -> list[Step]:
    """Descent on these samples in this order; derivatives by the engine.

    Args:
        lr: the rate, or a function that gives it for the update 0, 1, 2 ...
        order: the samples to pick, from 0.

    >>> [round(step.lr, 3) for step in prescribed(lambda t: 1 / (t + 1))]
    [1.0, 0.5, 0.333, 0.25]
    """
    w, v = _parameters()
    optimizer = optim.SGD(_flat(w, v), lr)
    steps = []
    for i in order:
        net = build(X[i], D[i], w, v)
        optimizer.zero_grad()
        net.f.backward()
        found = Formulas(
            _numbers(net.h), _numbers(net.d_hat), net.f.data, _grads(net.output_sums),
            _grads(net.hidden_sums), [*map(_grads, v)], [*map(_grads, w)],
        )  # fmt: skip
        lr = optimizer.current_lr()
        optimizer.step()
        steps.append(Step(i, lr, found, [*map(_numbers, v)], [*map(_numbers, w)]))
    return steps


def slide(lr: float = 0.5, order: Sequence[int] = PICKS) -> list[Step]:
    """The algorithm as the slide has it, by hand: v is updated first, and γ uses the new v.

    Arguments as for `prescribed`; the rate is a number.

    >>> exact, literal = prescribed()[0], slide()[0]
    >>> [round(b / a - 1, 3) for a, b in zip(exact.found.gamma, literal.found.gamma)]
    [0.022, 0.013]
    """
    w, v = W, V
    steps = []
    for i in order:
        found = too_soon(X[i], D[i], w, v, lr)
        v_next = _minus(v, lr, found.grad_v)
        w_next = _minus(w, lr, found.grad_w)
        steps.append(Step(i, lr, found, v_next, w_next))
        w, v = w_next, v_next
    return steps


@dataclass(frozen=True)
class Gradient:
    """The mean error of some samples, and its gradient."""

    f: float
    grad_w: list[list[float]]
    grad_v: list[list[float]]


def mean_gradient(indices: Sequence[int]) -> Gradient:
    """The gradient of a mini-batch at the starting weights; `indices` are its samples, from 0.

    >>> round(mean_gradient([0, 2]).f, 6)
    0.082723
    """
    w, v = _parameters()
    f = sg.mean([build(X[i], D[i], w, v).f for i in indices])
    f.backward()
    return Gradient(f.data, [*map(_grads, w)], [*map(_grads, v)])


@dataclass(frozen=True)
class Course:
    """A descent on random batches: `converged` tells whether it ended by itself.

    `seen` is the error of each batch, before its step. `whole` is that of all samples, before each
    step and at the end; `used` is how many samples had been used then.
    """

    seen: list[float]
    whole: list[float]
    used: list[int]
    converged: bool


def learn(
    size: int, lr: Rate = 2.0, seed: int = 1, tolerance: float = 1e-4, most: int = 20_000
) -> Course:
    """Stochastic descent from the starting weights until it has converged.

    The slide says "converged?" but not how to know: the gradient of one sample says little about
    the others. Here the gradient over all three samples decides, which is cheap for three.

    Args:
        size: how many samples make an update: 1 picks one with replacement, as the lecture does;
            2 goes through them in a random order, two and then one; 3 takes all.
        lr: the step size α, or a function that gives it for the update 0, 1, 2 ...
        seed: of the draws.
        tolerance: the length of the gradient below which it has converged.
        most: it ends after so many updates in any case.

    Raises:
        ValueError: the size is not 1, 2 or 3.

    >>> learn(3).converged
    True
    """
    if size not in (1, 2, 3):
        raise ValueError(f"there are three samples, so the size is 1, 2 or 3, got {size!r}")
    w, v = _parameters()
    error = sg.compile(lambda x, d: build(x, d, w, v).f, params=_flat(w, v))
    optimizer = optim.SGD(error.params, lr)
    batches = _batches(size, random.Random(seed))
    seen, whole, used = list[float](), list[float](), [0]
    for n in tracked(range(most + 1), "learning"):
        f, slope = error.value_and_grad(X, D)
        whole.append(f)
        converged = math.hypot(*slope) < tolerance
        if converged or n == most:
            break
        batch = next(batches)
        optimizer.zero_grad()
        seen.append(error.backward([X[i] for i in batch], [D[i] for i in batch]))
        optimizer.step()
        used.append(used[-1] + len(batch))
    return Course(seen, whole, used, converged)


def _batches(size: int, rng: random.Random) -> Iterator[list[int]]:
    if size == 1:
        for i in picks(len(X), rng):
            yield [i]
    while True:
        yield from minibatches(len(X), size, rng)


@dataclass(frozen=True)
class Descents:
    """What `run` computes.

    `exact` and `literal` are the four picks with α = 0.5, by the gradient and as on the slide, each
    with its own weights; `early` is what the slide computes at the weights of `exact`.
    `decreasing` are the same picks with α = 1/t. `hand` is the largest difference between the
    engine and the formulas. `batches` are mean gradients, `courses` descents at random, by name.
    """

    exact: list[Step]
    literal: list[Step]
    early: list[Formulas]
    decreasing: list[Step]
    hand: float
    batches: dict[str, Gradient]
    lr: float
    courses: dict[str, Course]


def run(lr: float = 2.0, seed: int = 1) -> Descents:
    """The four picks in three variants, mini-batches, and descents at random until they converge.

    The descents at random have this `lr`, and draw from this `seed`.

    >>> run().hand < 1e-15
    True
    """
    exact, early = prescribed(), list[Formulas]()
    hand, w, v = 0.0, W, V
    for step in exact:
        early.append(too_soon(X[step.pick], D[step.pick], w, v))
        pair = step.found, formulas(X[step.pick], D[step.pick], w, v)
        engine, by_hand = (_flat([one.delta, one.gamma], one.grad_v, one.grad_w) for one in pair)
        hand = max(hand, *(abs(a - b) for a, b in zip(engine, by_hand, strict=True)))
        w, v = step.w_next, step.v_next
    names = {"single picks": 1, "mini-batches of two": 2, "all three": 3}
    return Descents(
        exact, slide(), early, prescribed(lambda t: 1.0 / (t + 1)), hand,
        {"samples 0 and 2": mean_gradient([0, 2]), "all three": mean_gradient([0, 1, 2])},
        lr, {name: learn(size, lr, seed) for name, size in names.items()},
    )  # fmt: skip


def report(result: Descents) -> str:
    """The picks with both hidden errors, σ' as printed, mini-batches, descents, and the drift."""
    lines = [
        "Four picks, α = 0.5: the hidden errors γ, and those of the slide at the same weights", "",
        "  t  sample         f        γ_1        γ_2  slide γ_1  slide γ_2    off by, in %",
    ]  # fmt: skip
    for t, (step, other) in enumerate(zip(result.exact, result.early, strict=True), 1):
        a, b = step.found.gamma, other.gamma
        off = "  ".join(f"{100 * (y / x - 1):+.2f}" for x, y in zip(a, b, strict=True))
        cells = "  ".join(f"{gamma:+.6f}" for gamma in [*a, *b])
        lines.append(f"  {t}  {step.pick:>6}  {step.found.f:.6f}  {cells}  {off}")
    lines += [
        "", f"  The engine and the formulas by hand agree to {result.hand:.1e}.",
        "", "The same picks with the step size α = 1/t", "",
        "  α                   " + "  ".join(f"{step.lr:8.3f}" for step in result.decreasing),
        "  f before the step   " + "  ".join(f"{s.found.f:8.6f}" for s in result.decreasing),
        "", f"The slope σ'(0.7) is {sg.grad(sg.sigmoid)(0.7):.4f}; the fraction printed for it "
        f"gives {printed_slope(0.7):.4f}, which is σ(0.7)²",
        "", "Mini-batches: the mean of f and of its gradient at the start", "",
    ]  # fmt: skip
    for name, batch in result.batches.items():
        first = "  ".join(f"{g:+.6f}" for g in batch.grad_w[0])
        lines.append(f"  {name:<16} f {batch.f:.6f}   ∂f/∂w_1j {first}")
    heading = f"Picks at random, α = {result.lr:g}, until |∇f| of all three samples is below 1e-4"
    lines += ["", heading, "", f"  {'':<20} updates  samples used  f of all at the end"]
    for name, course in result.courses.items():
        end = f"{course.whole[-1]:.1e}" + ("" if course.converged else "  (not converged)")
        lines.append(f"  {name:<20} {len(course.seen):>7}  {course.used[-1]:>12}  {end}")
    lines += [
        "", "The slide's algorithm run by itself: how far its weights are from the exact ones", "",
        "  after updates   largest difference of a weight w   of a weight v",
    ]  # fmt: skip
    for t, (step, own) in enumerate(zip(result.exact, result.literal, strict=True), 1):
        apart = [
            max(abs(p - q) for p, q in zip(_flat(one), _flat(two), strict=True))
            for one, two in ((step.w_next, own.w_next), (step.v_next, own.v_next))
        ]
        lines.append(f"  {t:>13}   {apart[0]:>32.6f}   {apart[1]:>13.6f}")
    return "\n".join(lines)


def figures(result: Descents) -> dict[str, Picture]:
    """The network with its symbols, and the errors by samples used."""
    from scalargrad import plot

    symbols = ((0, 3, "x"), (1, 2, "h"), (2, 2, r"\hat{d}"))
    names = {(i, j): f"${name}_{j + 1}$" for i, n, name in symbols for j in range(n)}
    errors = ((1, r"\gamma"), (2, r"\delta"))
    notes = {(i, j): f"${name}_{j + 1}$" for i, name in errors for j in range(2)}
    labels = {((0, j), (1, m)): f"$w_{{{m + 1}{j + 1}}}$" for m in range(2) for j in range(3)}
    labels |= {((1, m), (2, k)): f"$v_{{{k + 1}{m + 1}}}$" for m in range(2) for k in range(2)}
    back = {(1, 0), (2, 0), (2, 1), ((1, 0), (2, 0)), ((1, 0), (2, 1))}
    network = plot.network(
        [3, 2, 2], names=names, notes=notes, edge_labels=labels, highlight=back,
        title=r"$\gamma_1$ adds up every $\delta_k$, times $v_{k1}$",
        alt="Three inputs, two hidden units, two outputs. Marked is what the error of the first "
        "hidden unit is made of: both output errors, and the weights on the way to them.",
    )  # fmt: skip

    panels = plot.figure(
        1, 2, width=10.0, height=4.2,
        alt="Errors by samples used, on a logarithmic scale. Left, as each update sees it: single "
        "picks are dots that scatter over two powers of ten, all three are a line that falls "
        "slowly. Right, over all samples: all fall, and single picks fall fastest.",
    )  # fmt: skip
    left, right = panels.axes
    ends = {name: result.courses[name] for name in ("single picks", "all three")}
    plot.lines(
        {f"of {name}": _first(75, c.used, c.seen) for name, c in ends.items()},
        xlabel="samples used", ylabel="f", yscale="log", ax=left, markers=True,
        title="What each update sees: f of its own samples",
    )  # fmt: skip
    left.lines[0].set_linestyle("")  # each pick is another sample, and nothing lies between
    plot.lines(
        {name: _first(300, c.used, c.whole) for name, c in result.courses.items()},
        xlabel="samples used", ylabel="mean f of all three samples", yscale="log", ax=right,
        title="The error of all samples falls with each kind of update",
    )  # fmt: skip
    left.legend(loc="lower left")
    return {"network": network, "errors": panels}


def _first(samples: int, used: list[int], errors: list[float]) -> tuple[list[int], list[float]]:
    shown = sum(n <= samples for n in used)
    return used[:shown], errors[:shown]


def _parameters() -> tuple[list[list[Value]], list[list[Value]]]:
    w = [[Value(x, f"w{m}{j}") for j, x in enumerate(row, 1)] for m, row in enumerate(W, 1)]
    v = [[Value(x, f"v{k}{m}") for m, x in enumerate(row, 1)] for k, row in enumerate(V, 1)]
    return w, v


def _flat(*matrices: Matrix) -> list[Any]:
    return [x for matrix in matrices for row in matrix for x in row]


def _minus(matrix: Matrix, lr: float, gradient: Matrix) -> list[list[float]]:
    pairs = zip(matrix, gradient, strict=True)
    return [[x - lr * g for x, g in zip(row, slope, strict=True)] for row, slope in pairs]


def _numbers(values: Sequence[Value]) -> list[float]:
    return [value.data for value in values]


def _grads(values: Sequence[Value]) -> list[float]:
    return [value.grad for value in values]
