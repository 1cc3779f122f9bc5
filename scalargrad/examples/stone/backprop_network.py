"""Back-propagation written out by hand, beside the engine; a sign slip; and XOR.

A network with one hidden layer. For input unit i, hidden unit j, output unit k and association t:

    u_j = Σ_i w_ij x_i     z_j = σ(u_j)     u_k = Σ_j w_jk z_j     y_k = u_k     E = Σ_t E_t

The sums run over the I inputs and one unit more, the bias unit, which is always 1. The lecture
calls δ = ∂E_t/∂u a unit's delta, and finds all of them from the outputs backwards:

    δ_k = y_k - τ_k               Δw_jk = -ε δ_k z_j
    δ_j = z_j (1 - z_j) Σ_k δ_k w_jk    Δw_ij = -ε δ_j x_i

In the engine δ is the `.grad` of the node u, and nothing else has to be written for it.

Three slips of the slides are put right. Equation 48 lost its k: the factor is y_kt - τ_kt. The
output weights' rule is equation 42, where 44, the hidden weights' rule, is named. And equations 55
and 56 multiply by -ε what contains -ε already: that makes +ε², and the error climbs. The change of
a weight is Δw = Σ_t Δw_t = -ε Σ_t ∂E_t/∂w; it is a change, not the gradient.

Source: Stone, equations 31 to 56, and the algorithm "Backprop (short version)".
Data: ours, since the lecture gives none: a 2-3-2 network and three associations. XOR is well known.
Look for: the hand-written deltas agree to the last digits. One step as printed takes E from 0.86 up
to 0.89, the right one down to 0.76. With `run(lr=1.0)` the printed step is as long as the right
one, uphill: E is 2.85. But then the right one is too long as well: E is 1.36, and grows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, classifiers, losses, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "EPS", "TARGETS", "W1", "W2", "XOR", "XOR_TARGETS", "Association", "Backprop", "Layers", "X",
    "Xor", "build", "by_hand", "figures", "learn", "learn_xor", "one_association", "printed_step",
    "report", "run", "short_version",
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


def short_version(w1: Rows = W1, w2: Rows = W2, lr: float = EPS, passes: int = 20) -> Learnt:
    """The algorithm "Backprop (short version)" in plain floats, for all t from 1 to T.

    (On the slide t runs to N; it has to be T, the number of associations.)

    Args:
        w1, w2: the weights at the start; they are not changed.
        lr: the rate ε.
        passes: how many passes through all associations; an update ends each.

    Returns:
        E before each update and after the last, and the weights after it.

    >>> [round(E, 4) for E in short_version(passes=2)[0]]
    [0.862, 0.7622, 0.7065]
    """
    errors = []
    for number in range(passes + 1):
        told = [by_hand(w1, w2, x, t) for x, t in zip(X, TARGETS, strict=True)]
        errors.append(sum(one.E for one in told))
        if number < passes:
            w1 = _moved(w1, [one.grad_w1 for one in told], -lr)
            w2 = _moved(w2, [one.grad_w2 for one in told], -lr)
    return errors, w1, w2


def learn(w1: Rows = W1, w2: Rows = W2, lr: float = EPS, passes: int = 20) -> Learnt:
    """The same with the engine and `optim.SGD`; arguments and result as for `short_version`.

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
    >>> round(short_version(w1, w2, passes=0)[0][0], 4)  # it was 0.862
    0.8938
    """
    return short_version(w1, w2, lr=-lr * lr, passes=1)[1:]


def _moved(w: Rows, terms: list[Rows], factor: float) -> Rows:
    """W + factor Σ_t terms_t."""
    return [
        [number + factor * sum(term[r][c] for term in terms) for c, number in enumerate(row)]
        for r, row in enumerate(w)
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
        printed.append(short_version(p1, p2, passes=0)[0][0])
    return Backprop(
        engine, hand, errors, short_version(lr=lr, passes=passes)[0], printed, w1, w2,
        _apart(engine, hand), _apart(*bare), learn_xor(seed),
    )  # fmt: skip


def _apart(ours: list[Association], theirs: list[Association]) -> float:
    both: list[list[float]] = [
        [g for one in way for row in (one.delta, one.delta_out, *one.grad_w1, *one.grad_w2)
         for g in row] for way in (ours, theirs)
    ]  # fmt: skip
    return max(abs(a - b) for a, b in zip(both[0], both[1], strict=True))


def report(result: Backprop) -> str:
    """The deltas of each association, the descents, and the answers to XOR."""
    lines = ["  t     E_t      δ of the outputs      δ of the hidden units"]
    for t, one in enumerate(result.engine, 1):
        out = " ".join(f"{delta:+.6f}" for delta in one.delta_out)
        hidden = " ".join(f"{delta:+.6f}" for delta in one.delta)
        lines.append(f"  {t}  {one.E:.6f}   {out}   {hidden}")
    lines += [
        "", f"By hand they are the same: at most {result.apart:.1e} apart; without the bias units "
        f"{result.apart_without_bias:.1e}.", "",
        "  update   E, engine   E, by hand   E, equations 55 and 56 as printed",
    ]  # fmt: skip
    last = len(result.errors) - 1
    for k in sorted({k for k in (0, 1, 2, 5, 10, last) if k <= last}):
        row = (result.errors[k], result.errors_by_hand[k], result.errors_as_printed[k])
        lines.append(f"  {k:>6}   {row[0]:.6f}    {row[1]:.6f}     {row[2]:.6f}")
    xor = result.xor
    lines += ["", "XOR of             00     01     10     11"]
    for name, answers in (("a linear unit", xor.unit), ("the network", xor.network)):
        lines.append(f"  {name:<14}" + " ".join(f"{round(y, 3) + 0.0:+.3f}" for y in answers))
    lines.append(
        f"  A perceptron made {xor.corrections} corrections in 100 passes, and is not done: "
        "no straight line parts them."
    )
    return "\n".join(lines)


def figures(result: Backprop) -> dict[str, Picture]:
    """How deltas come back to a hidden unit, right and printed steps, and XOR."""
    from scalargrad import plot

    one, first = result.engine[0], {((1, 0), (2, k)) for k in range(2)}
    units = [(1, j, "z", delta) for j, delta in enumerate(one.delta)]
    units += [(2, k, "y", delta) for k, delta in enumerate(one.delta_out)]
    recipe = plot.network(
        [2, 3, 2], highlight={(1, 0), (2, 0), (2, 1), *first},
        names={(0, 0): "x1", (0, 1): "x2"} | {(n, i): f"{name}{i + 1}" for n, i, name, _ in units},
        notes={(n, i): f"δ = {delta:+.4f}" for n, i, _, delta in units},
        title="How the deltas come back",
        alt="A 2-3-2 network. Hidden unit 1 and its connections to both outputs are marked: over "
        "them the deltas of the outputs come back and make up its own.",
    )  # fmt: skip
    steps = plot.lines(
        {"right: -ε times gradient": result.errors[:9],
         "as printed: +ε² times gradient": result.errors_as_printed[:9]},
        xlabel="update", ylabel="E", title="The right step, and the printed one", markers=True,
        alt="The error over eight updates: it falls with the right step, rises with the printed.",
    )  # fmt: skip
    xor = plot.figure(1, 2, width=9.0, height=4.0,
        alt="XOR. Left the errors: a linear unit stays at 0.5, the network falls to 0. Right the "
        "network's answer over the plane of inputs: a band holds the ones apart from the zeros.",
    )  # fmt: skip
    plot.lines(result.xor.losses, xlabel="update", ylabel="E", title="Error", ax=xor.axes[0])
    signs = [1 if target else -1 for target in XOR_TARGETS]
    plot.decision_boundary(
        result.xor.model, XOR, signs, threshold=0.5, title="What the network answers",
        ax=xor.axes[1],
    )  # fmt: skip
    return {"recipe": recipe, "steps": steps, "xor": xor}
