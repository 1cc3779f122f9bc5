"""Back-propagation by hand, beside the engine; the short algorithm; a sign slip; and XOR.

A network with one hidden layer. For input unit i, hidden unit j, output unit k and association t,
the forward pass is

    u_j = Σ_i w_ij x_i     z_j = σ(u_j)     u_k = Σ_j w_jk z_j     y_k = u_k     E = Σ_t E_t

The sums run over the I inputs and one unit more, the bias unit, which is always 1. The lecture
calls δ = ∂E_t/∂u a unit's delta. The backward pass finds all deltas, from the outputs to the
inputs; all output deltas come back to each hidden unit:

    δ_k = y_k - τ_k                     Δw_jk = -ε δ_k z_j
    δ_j = z_j (1 - z_j) Σ_k δ_k w_jk    Δw_ij = -ε δ_j x_i

In the engine δ is the `.grad` of the node u, and nothing else has to be written for it.

The short version of the algorithm starts at random weights and repeats until the gradient is about
zero: set ∇E to zero; for each association run forward and backward, and add its gradient to ∇E;
then make one update Δw = -ε ∇E. `short_version` is this, line by line, in plain floats.

Four slips of the slides are put right. Equation 48 lost its k: the factor is y_kt - τ_kt. Beside
the output weights equation 44 is named, the rule of the hidden weights; it should be 42. In the
short version t runs from 1 to N; it should be T, the number of associations. And equations 55 and
56 multiply by -ε what contains -ε already: that makes +ε², and the error climbs. The change of a
weight is Δw = Σ_t Δw_t = -ε Σ_t ∂E_t/∂w; it is a change of weights, not the gradient.

Source: Stone, equations 31 to 56, and the algorithm "Backprop (short version)".

Data: ours, since the lecture gives none: a 2-3-2 network and three associations. XOR is well known.

Look for: the deltas by hand agree with those of the engine to the last digits. One step as printed
takes E from 0.86 up to 0.89, the correct one down to 0.76. With `run(lr=1.0)` the printed step is
as long as the correct one, uphill: E is 2.85. But then the correct one is too long as well: E is
1.36, and grows.

Conclusion: one backward pass gives the delta of every unit, and a weight's gradient is the delta
after it times the state before it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, classifiers, losses, nn, optim

if TYPE_CHECKING:
    from scalargrad import plot
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EPS", "TARGETS", "W1", "W2", "XOR", "XOR_TARGETS", "Association", "Backprop", "Descent",
    "Layers", "X", "Xor", "build", "by_hand", "figures", "learn", "learn_xor", "one_association",
    "printed_step", "random_weights", "report", "run", "short_version",
]  # fmt: skip

Rows = list[list[float]]
Learnt = tuple[list[float], Rows, Rows]

X = [[0.5, -0.3], [-0.8, 0.6], [1.2, 0.4]]
TARGETS = [[0.2, -0.1], [0.9, 0.3], [-0.4, 0.7]]
# one row for each unit, its bias last
W1 = [[0.4, -0.6, 0.1], [-0.3, 0.8, -0.2], [0.7, 0.5, 0.3]]
W2 = [[0.6, -0.9, 0.2, 0.05], [-0.5, 0.3, 0.8, -0.15]]
EPS = 0.2

XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
XOR_TARGETS = [0.0, 1.0, 1.0, 0.0]

# --- the network ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Layers:
    """The units' states in one pass forward: u and z of the hidden units, y = u of the outputs."""

    u: list[Any]
    z: list[Any]
    y: list[Any]


def build(w1: Sequence[Any], w2: Sequence[Any], x: Sequence[Any], bias: bool = True) -> Layers:
    """The network forward.

    Args:
        w1: the weights of each hidden unit, one for each input, and the bias last.
        w2: the weights of each output unit, one for each hidden unit, and the bias last.
        x: the inputs.
        bias: whether there are bias units; without them the rows are one shorter.

    Raises:
        ValueError: a row is not as long as there are units before it.

    >>> [round(y, 6) for y in build(W1, W2, X[0]).y]
    [0.224169, 0.146084]
    """
    one = [1.0] if bias else []  # the unit I+1, and then J+1: part of the sum like any other
    u = [sg.dot(row, [*x, *one]) for row in w1]
    z = [sg.sigmoid(uj) for uj in u]
    return Layers(u, z, [sg.dot(row, [*z, *one]) for row in w2])


# --- both ways to the gradient --------------------------------------------------------------


@dataclass(frozen=True)
class Association:
    """One association: states, error, deltas, and the gradient of E_t in the shape of the weights.

    `u` and `z` are of the hidden units, `delta` of the hidden, `delta_out` of the output units.
    """

    u: list[float]
    z: list[float]
    y: list[float]
    E: float
    delta_out: list[float]
    delta: list[float]
    grad_w1: Rows
    grad_w2: Rows


def one_association(
    w1: Rows, w2: Rows, x: Sequence[float], target: Sequence[float], bias: bool = True
) -> Association:
    """The engine's way: forward, `backward`, and read off.

    Args:
        w1, w2, x, bias: as in `build`.
        target: the target of each output.

    >>> [round(delta, 6) for delta in one_association(W1, W2, X[0], TARGETS[0]).delta]
    [-0.02563, 0.011948, 0.0474]
    """
    v1, v2 = _values(w1), _values(w2)
    layers = build(v1, v2, x, bias)
    E = losses.squared_error(layers.y, target)
    E.backward()
    u, z, y = ([node.data for node in nodes] for nodes in (layers.u, layers.z, layers.y))
    return Association(
        u, z, y, E.data, [node.grad for node in layers.y], [node.grad for node in layers.u],
        [[w.grad for w in row] for row in v1], [[w.grad for w in row] for row in v2],
    )  # fmt: skip


def by_hand(
    w1: Rows, w2: Rows, x: Sequence[float], target: Sequence[float], bias: bool = True
) -> Association:
    """The lecture's way in plain floats: equations 31 to 38 forward, 47 to 54 backward.

    Arguments as for `one_association`.

    >>> [round(delta, 6) for delta in by_hand(W1, W2, X[0], TARGETS[0]).delta]
    [-0.02563, 0.011948, 0.0474]
    """
    one = [1.0] if bias else []
    inputs = [*x, *one]
    u = [sum(w * xi for w, xi in zip(row, inputs, strict=True)) for row in w1]
    z = [1.0 / (1.0 + exp(-uj)) for uj in u]
    hidden = [*z, *one]
    y = [sum(w * zj for w, zj in zip(row, hidden, strict=True)) for row in w2]
    delta_out = [yk - tk for yk, tk in zip(y, target, strict=True)]
    # all output deltas come back to each hidden unit; none to the bias unit, which has no inputs
    delta = [
        zj * (1.0 - zj) * sum(dk * row[j] for dk, row in zip(delta_out, w2, strict=True))
        for j, zj in enumerate(z)
    ]
    E = 0.5 * sum(d * d for d in delta_out)
    return Association(
        u, z, y, E, delta_out, delta,
        [[dj * xi for xi in inputs] for dj in delta],
        [[dk * zj for zj in hidden] for dk in delta_out],
    )  # fmt: skip


@dataclass(frozen=True)
class Descent:
    """A run of the short algorithm.

    `errors` are E before each update and after the last, `lengths` those of the gradient ∇E.
    `updates` counts the updates; it is None if ∇E was still too long when the loop was left.
    """

    errors: list[float]
    lengths: list[float]
    updates: int | None
    w1: Rows
    w2: Rows


def random_weights(seed: int = 0) -> tuple[Rows, Rows]:
    """The weights of a 2-3-2 network with bias units, evenly spread between -1 and 1.

    >>> [len(row) for rows in random_weights() for row in rows]
    [3, 3, 3, 4, 4]
    """
    rng = random.Random(seed)
    w1, w2 = ([[rng.uniform(-1.0, 1.0) for _ in row] for row in rows] for rows in (W1, W2))
    return w1, w2


def short_version(
    w1: Rows | None = None, w2: Rows | None = None, lr: float = EPS, tolerance: float = 1e-4,
    limit: int = 10_000, seed: int = 0,
) -> Descent:  # fmt: skip
    """The algorithm "Backprop (short version)" in plain floats, as it stands on the slide.

    (There t runs from 1 to N; it has to be T, the number of associations.)

    Args:
        w1, w2: the weights at the start; by default random ones. They are not changed.
        lr: the rate ε.
        tolerance: below which length ∇E counts as zero; with 0, `limit` updates are made.
        limit: after how many updates to give up.
        seed: for the random weights.

    >>> descent = short_version()
    >>> descent.updates, descent.lengths[-1] < 1e-4
    (328, True)
    """
    if w1 is None or w2 is None:  # initialise the weights to random values
        w1, w2 = random_weights(seed)
    errors, lengths = list[float](), list[float]()
    while True:
        E = 0.0
        gradient1, gradient2 = ([[0.0] * len(row) for row in rows] for rows in (w1, w2))  # ∇E = 0
        for x, target in zip(X, TARGETS, strict=True):  # for t = 1 to T
            one = by_hand(w1, w2, x, target)  # forward, deltas, and ∂E_t/∂w
            gradient1 = _moved(gradient1, one.grad_w1)  # added to ∇E
            gradient2 = _moved(gradient2, one.grad_w2)
            E += one.E
        errors.append(E)
        lengths.append(hypot(*(g for row in gradient1 + gradient2 for g in row)))
        flat = lengths[-1] < tolerance
        if flat or len(errors) > limit:
            return Descent(errors, lengths, len(errors) - 1 if flat else None, w1, w2)
        w1, w2 = _moved(w1, gradient1, -lr), _moved(w2, gradient2, -lr)  # one update


def learn(w1: Rows = W1, w2: Rows = W2, lr: float = EPS, passes: int = 20) -> Learnt:
    """The same with the engine and `optim.SGD`, for a number of passes from given weights.

    Args:
        w1, w2: the weights at the start; they are not changed.
        lr: the rate ε.
        passes: how many passes through all associations; an update ends each.

    Returns:
        E before each update and after the last, and the weights after it.

    >>> [round(E, 4) for E in learn(passes=2)[0]]
    [0.862, 0.7622, 0.7065]
    """
    v1, v2 = _values(w1), _values(w2)
    optimizer = optim.SGD([w for row in v1 + v2 for w in row], lr=lr)
    errors = []
    for number in range(passes + 1):
        optimizer.zero_grad()
        E = losses.squared_error([build(v1, v2, x).y for x in X], TARGETS)
        errors.append(E.data)
        if number < passes:
            E.backward()
            optimizer.step()
    return errors, [[w.data for w in row] for row in v1], [[w.data for w in row] for row in v2]


def printed_step(w1: Rows = W1, w2: Rows = W2, lr: float = EPS) -> tuple[Rows, Rows]:
    """One step by equations 55 and 56 as they are printed, -ε Σ_t Δw_t: it goes uphill.

    Δw_t is -ε ∂E_t/∂w already (equations 43 and 44), so this adds ε² times the gradient.

    >>> w1, w2 = printed_step()
    >>> round(short_version(w1, w2, limit=0).errors[0], 4)  # it was 0.862
    0.8938
    """
    one = short_version(w1, w2, lr=-lr * lr, tolerance=0.0, limit=1)
    return one.w1, one.w2


def _moved(w: Rows, direction: Rows, factor: float = 1.0) -> Rows:
    return [
        [number + factor * d for number, d in zip(row, step, strict=True)]
        for row, step in zip(w, direction, strict=True)
    ]


def _values(w: Rows) -> list[list[Value]]:
    return [[Value(number) for number in row] for row in w]


# --- what it is good for: XOR ---------------------------------------------------------------


@dataclass(frozen=True)
class Xor:
    """Exclusive or: what a linear unit and a network answer, and their errors by update.

    `corrections` is how many a perceptron made, `converged` whether it had all right in the end.
    """

    unit: list[float]
    network: list[float]
    losses: dict[str, list[float]]
    model: nn.MLP
    corrections: int
    converged: bool


def learn_xor(seed: int = 2, hidden: int = 3, epochs: int = 800) -> Xor:
    """Teach XOR to a linear unit, to a network with a hidden layer, and to a perceptron.

    Args:
        seed: for the starting weights.
        hidden: how many hidden units; one is not enough.
        epochs: how many passes for the two that follow the gradient.

    >>> [round(y) for y in learn_xor().network]
    [0, 1, 1, 0]
    """
    random.seed(seed)
    model = nn.MLP(2, [hidden, 1], activation="sigmoid")
    unit = nn.Neuron(2, activation=None)
    courses = {}
    for name, net in (("linear unit", unit), ("network", model)):
        optimizer = optim.SGD(net.parameters(), lr=0.2, momentum=0.5)
        history = sg.fit(
            net, XOR, XOR_TARGETS, losses.squared_error, optimizer, epochs, progress=False
        )
        courses[name] = history.losses
    course = classifiers.Perceptron(2).fit(XOR, [1 if target else -1 for target in XOR_TARGETS])
    return Xor(
        [unit(x).data for x in XOR], [model(x).data for x in XOR], courses, model,
        len(course.updates), course.converged,
    )  # fmt: skip


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Backprop:
    """What `run` computes: each association both ways, the descents, the printed step, and XOR.

    `errors` are E before each update and after the last: with the engine, by hand, and with the
    step as printed. `w1`, `w2` are the weights the engine learnt. `apart` is the largest difference
    of a derivative between engine and hand; `apart_without_bias` the same without bias units.
    `short` are runs of the short algorithm by the seed of their random start.
    """

    engine: list[Association]
    hand: list[Association]
    errors: list[float]
    errors_by_hand: list[float]
    errors_as_printed: list[float]
    w1: Rows
    w2: Rows
    apart: float
    apart_without_bias: float
    short: dict[int, Descent]
    xor: Xor


def run(lr: float = EPS, passes: int = 20, seed: int = 2) -> Backprop:
    """All of it.

    Args:
        lr: the rate ε.
        passes: how many updates to make.
        seed: for the starting weights of XOR.

    >>> result = run(passes=2)
    >>> result.apart < 1e-15
    True
    """
    pairs = list(zip(X, TARGETS, strict=True))
    engine, hand = ([way(W1, W2, x, t) for x, t in pairs] for way in (one_association, by_hand))
    bare1, bare2 = ([row[:-1] for row in w] for w in (W1, W2))
    bare = (
        [way(bare1, bare2, x, t, False) for x, t in pairs] for way in (one_association, by_hand)
    )
    errors, w1, w2 = learn(lr=lr, passes=passes)
    p1, p2, printed = W1, W2, [errors[0]]
    for _ in range(passes):
        p1, p2 = printed_step(p1, p2, lr=lr)
        printed.append(short_version(p1, p2, limit=0).errors[0])
    by_hand_errors = short_version(W1, W2, lr, tolerance=0.0, limit=passes).errors
    return Backprop(
        engine, hand, errors, by_hand_errors, printed, w1, w2, _apart(engine, hand), _apart(*bare),
        {start: short_version(seed=start) for start in range(3)}, learn_xor(seed),
    )  # fmt: skip


def _apart(ours: list[Association], theirs: list[Association]) -> float:
    both: list[list[float]] = [
        [g for one in way for row in (one.delta, one.delta_out, *one.grad_w1, *one.grad_w2)
         for g in row] for way in (ours, theirs)
    ]  # fmt: skip
    return max(abs(a - b) for a, b in zip(both[0], both[1], strict=True))


def report(result: Backprop) -> str:
    """The deltas of each association, the descents, and the answers to XOR."""
    lines = [
        "The deltas of the three associations", "",
        "  t  E_t        δ of the outputs      δ of the hidden units",
    ]  # fmt: skip
    for t, one in enumerate(result.engine, 1):
        out = " ".join(f"{delta:+.6f}" for delta in one.delta_out)
        hidden = " ".join(f"{delta:+.6f}" for delta in one.delta)
        lines.append(f"  {t}  {one.E:.6f}   {out}   {hidden}")
    lines += [
        "", "  By hand all deltas and gradients are the same, at most "
        f"{result.apart:.1e} apart; without bias units {result.apart_without_bias:.1e}.", "",
        "The error E, update by update", "",
        "  updates  engine     by hand    equations 55 and 56 as printed",
    ]  # fmt: skip
    last = len(result.errors) - 1
    for k in sorted({k for k in (0, 1, 2, 5, 10, last) if k <= last}):
        row = (result.errors[k], result.errors_by_hand[k], result.errors_as_printed[k])
        lines.append(f"  {k:>7}  {row[0]:.6f}   {row[1]:.6f}   {row[2]:.6f}")
    lines += [
        "", "The short algorithm from random weights, until the length of ∇E is below 1e-4", "",
        "  seed  updates  E at the start  E at the end  length of ∇E",
    ]  # fmt: skip
    for seed, descent in result.short.items():
        updates = "never" if descent.updates is None else str(descent.updates)
        E, end, length = descent.errors[0], descent.errors[-1], descent.lengths[-1]
        lines.append(f"  {seed:>4}  {updates:>7}  {E:<14.6f}  {end:<12.1e}  {length:.1e}")
    xor = result.xor
    lines += ["", "XOR: targets and answers", "", f"  {'inputs':<15} 0 0    0 1    1 0    1 1"]
    rows = (("target", XOR_TARGETS), ("linear unit", xor.unit), ("network", xor.network))
    for name, answers in rows:
        told = " ".join(f"{round(y, 3) + 0.0:+.3f}" for y in answers)
        lines.append(f"  {name:<14} {told}")
    made = f"{xor.corrections} corrections in 100 passes"
    lines += [
        "", f"  A perceptron from zero weights made {made} and is not done:",
        "  the two classes are not linearly separable.",
    ]  # fmt: skip
    return "\n".join(lines)


def figures(result: Backprop) -> dict[str, Picture]:
    """How deltas come back to a hidden unit, right and printed steps, and XOR."""
    from scalargrad import plot

    steps = plot.lines(
        {"correct: -ε times the gradient": result.errors[:9],
         "as printed: +ε² times the gradient": result.errors_as_printed[:9]},
        xlabel="update", ylabel="E", title="The correct step, and equations 55 and 56 as printed",
        markers=True,
        alt="The error over eight updates: it falls with the correct step, rises with the printed.",
    )  # fmt: skip
    short = plot.lines(
        {f"random start {seed}": d.lengths for seed, d in result.short.items()},
        xlabel="update", ylabel="length of ∇E", yscale="log",
        title="The short algorithm: until the gradient is about zero",
        alt="The length of the gradient from three random starts: it rises and falls at first, and "
        "then falls in a straight line on a logarithmic scale.",
    )  # fmt: skip
    xor = plot.figure(1, 2, width=9.4, height=4.4,
        alt="XOR. Left the errors: a linear unit stays at 0.5, the network falls to 0. Right the "
        "network's answer over the plane of inputs: a band separates the ones from the zeros.",
    )  # fmt: skip
    plot.lines(result.xor.losses, xlabel="update", ylabel="E", title="The error", ax=xor.axes[0])
    plot.decision_boundary(
        result.xor.model, XOR, XOR_TARGETS, threshold=0.5,
        title="The network's answer: above 1/2 where hatched", ax=xor.axes[1],
    )  # fmt: skip
    xor.axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    return {"recipe": _recipe(result.engine[0]), "steps": steps, "short": short, "xor": xor}


def _recipe(one: Association) -> plot.Figure:
    """The backward pass to hidden unit 1: its place in the network, and the numbers."""
    from scalargrad import plot

    nodes: dict[Any, tuple[float, float]] = {"x1": (0.0, 0.9), "x2": (0.0, -1.0), "Σ": (6.4, 1.9)}
    nodes |= {f"z{j + 1}": (3.0, 1.9 - 1.9 * j) for j in range(3)}
    nodes |= {"y1": (9.6, 1.9), "y2": (9.6, -1.0), "bias i": (0.0, -2.9), "bias j": (3.0, -3.8)}
    back = [("y1", "Σ"), ("y2", "Σ"), ("Σ", "z1")]
    others = [(y, z) for y in ("y1", "y2") for z in ("z2", "z3")]
    forward = [(x, z) for x in ("x1", "x2", "bias i") for z in ("z1", "z2", "z3")]
    forward += [("bias j", y) for y in ("y1", "y2")]
    total = sum(delta * row[0] for delta, row in zip(one.delta_out, W2, strict=True))
    names = {"bias i": "1", "bias j": "1", "Σ": "Σ"}
    names |= {f"{u}{n}": f"${u}_{n}$" for u, n in ("x1", "x2", "z1", "z2", "z3", "y1", "y2")}
    weights = {(f"y{k}", "Σ"): f"$w_{{1{k}}} = {W2[k - 1][0]:+.1f}$" for k in (1, 2)}
    slope = one.z[0] * (1.0 - one.z[0])
    figure = plot.diagram(
        nodes, [*forward, *others, *back], names=names, highlight={"z1", "y1", "y2", "Σ", *back},
        notes={"bias i": "bias unit", "bias j": "bias unit"},
        edge_labels=weights | {("Σ", "z1"): f"$z_1 (1 - z_1) = {slope:.4f}$"},
        title=r"The deltas come back: $\delta_j = z_j (1 - z_j)\; \Sigma_k\, \delta_k w_{jk}$",
        alt="A 2-3-2 network with its bias units. Thick arrows lead backward from both outputs, "
        "over the weights w_11 and w_12, to a sum, and from there, times z (1 - z), to hidden unit "
        "1, whose delta they make. Thin arrows lead backward to the other hidden units in the same "
        "way. No arrow leads back to the bias units.",
    )  # fmt: skip
    ax = figure.axes[0]
    ax.set_xlim(-0.8, 12.6)
    ax.set_ylim(-5.3, 3.0)
    text: Any = {"fontsize": 10, "va": "center"}
    for k, delta in enumerate(one.delta_out, 1):
        told = f"$\\delta = y_{k} - \\tau_{k}$\n$= {delta:+.4f}$"
        ax.text(nodes[f"y{k}"][0] + 0.55, nodes[f"y{k}"][1], told, **text)
    ax.text(3.0, 2.6, f"$\\delta = {one.delta[0]:+.4f}$", ha="center", **text)
    ax.text(6.4, 2.6, f"$\\Sigma_k\\, \\delta_k w_{{1k}} = {total:+.4f}$", ha="center", **text)
    ax.text(
        5.9, -5.0, "thick: back to hidden unit 1; thin: back to the others, in the same way; "
        "pale: forward", ha="center", **text,
    )  # fmt: skip
    arrows: list[Any] = [*ax.patches]
    for arrow in arrows[: len(forward)]:  # the forward pass, for orientation only
        arrow.set(color="0.8", linestyle="-", zorder=0.5)
    return figure
