"""A whole program of back-propagation: six samples, three hidden units, 10,000 updates.

The network has 3 inputs, 3 hidden units with g = σ, and 1 linear output; each sum has a bias:

    o_j = σ(Σ_i w_ij x_i)     ŷ = Σ_j w_j o_j     E = 1/(2N) Σ_d (ŷ_d - y_d)²

Row 0 of each weight matrix is the bias, whose input is always 1. Each iteration computes the six
outputs, then the mean gradient, then the update Δw = -α ∂E/∂w. So what the program prints at the
end is the output from *before* the last update.

Three slips are repaired. Names lost their underscores and comments their line ends (so it would not
run as printed); and "in the range [-1, 1]" must be [-1, 1): 2 r - 1 with r below 1.

Source: Brilliant, "Backpropagation", the code example.
Data: the lecture's own: six samples; starting weights by NumPy's seed 1, written out, so that no
NumPy is needed. Where x3 = 1 the target is x1 xor x2; where x3 = 0 it is x2.
Look for: until about iteration 100 all outputs drift together, to the mean of the targets; only
then do they part. Set `lr` to 0.01: after 10,000 iterations they are about where they now are
after 1000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.examples.matrices import transposed
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "ALPHA", "HIDDEN", "ITERATIONS", "OUTPUT", "SHOWN", "SixSamples", "Snapshot", "X", "Y",
    "build", "figures", "matrices", "printed_program", "report", "run",
]  # fmt: skip

Matrix = list[list[float]]
X = [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]]
Y = [0, 1, 0, 1, 1, 0]
HIDDEN = [
    [-0.165955990594852, 0.4406489868843162, -0.9997712503653102],
    [-0.39533485473632046, -0.7064882183657739, -0.8153228104624044],
    [-0.6274795772446582, -0.3088785459139045, -0.20646505153866013],
    [0.07763346800671389, -0.1616109711934104, 0.370439000793519],
]  # row 0: the biases; row i: from input i
OUTPUT = [[-0.5910955005369651], [0.7562348727818908], [-0.9452248136041477], [0.34093502035680445]]
ALPHA, ITERATIONS = 0.1, 10_000
SHOWN = (0, 1, 10, 100, 1000, 5000, 9999)  # iterations of which everything is kept


def build(hidden: Sequence[Sequence[float]] = HIDDEN, output: Sequence[Sequence[float]] = OUTPUT
          ) -> nn.MLP:  # fmt: skip
    """The network with these weights; it maps three inputs to one output.

    Args:
        hidden: one row for the biases and one for each input, a column for each hidden unit.
        output: one row for the bias and one for each hidden unit, one column.

    >>> round(build()([0, 0, 1]).data, 6)
    -0.649262
    """
    model = nn.MLP(len(hidden) - 1, [len(hidden[0]), 1], "sigmoid")
    for layer, matrix in zip(model.layers, (hidden, output), strict=True):
        for j, neuron in enumerate(layer.neurons):
            for w, row in zip([neuron.b, *neuron.w], matrix, strict=True):
                if w is not None:
                    w.data = row[j]
    return model


def matrices(model: nn.MLP, what: str = "data") -> tuple[Matrix, Matrix]:
    """The two weight matrices, or with `what="grad"` their gradients; the biases are row 0.

    >>> matrices(build()) == (HIDDEN, OUTPUT)
    True
    """
    hidden, output = (
        [[getattr(w, what) for w in (n.b, *n.w)] for n in layer.neurons] for layer in model.layers
    )
    return transposed(hidden), transposed(output)


def printed_program(iterations: int, lr: float = ALPHA) -> tuple[Matrix, Matrix, list[float]]:
    """The lecture's program, repaired, in plain floats: weights at the end, and printed outputs.

    The gradients are written by hand as there: one for each sample and weight, then averaged.

    Args:
        iterations: at least 1.
        lr: the learning rate.

    >>> [round(y, 6) for y in printed_program(1)[2]]
    [-0.649262, -0.705266, -0.678815, -0.715077, -0.610731, -0.655002]
    """
    hidden, output = HIDDEN, OUTPUT
    inputs = [[1.0, *x] for x in X]
    outputs: list[float] = []
    for _ in range(iterations):
        sums = [[sg.dot(column, x) for column in transposed(hidden)] for x in inputs]
        o = [[1.0, *map(sg.sigmoid, row)] for row in sums]
        outputs = [sg.dot([w for (w,) in output], row) for row in o]

        output_error = [y_hat - y for y_hat, y in zip(outputs, Y, strict=True)]
        hidden_error = [  # the bias unit, row 0 of the output weights, gets none
            [o_j * (1.0 - o_j) * w * e for o_j, (w,) in zip(row[1:], output[1:], strict=True)]
            for row, e in zip(o, output_error, strict=True)
        ]
        hidden_pd = [[[x_i * e for e in es] for x_i in x]
                     for x, es in zip(inputs, hidden_error, strict=True)]  # fmt: skip
        output_pd = [[[o_j * e] for o_j in row] for row, e in zip(o, output_error, strict=True)]

        hidden = _stepped(hidden, hidden_pd, lr)
        output = _stepped(output, output_pd, lr)
    return hidden, output, outputs


def _stepped(weights: Matrix, derivatives: list[Matrix], lr: float) -> Matrix:
    n = len(derivatives)
    return [
        [w - lr * sum(pd[i][j] for pd in derivatives) / n for j, w in enumerate(row)]
        for i, row in enumerate(weights)
    ]


@dataclass(frozen=True)
class Snapshot:
    """One iteration, before its update: weights, outputs, gradients (bias row first) and E."""

    hidden: Matrix
    output: Matrix
    outputs: list[float]
    hidden_gradient: Matrix
    output_gradient: Matrix
    E: float


@dataclass(frozen=True)
class SixSamples:
    """What `run` computes: E before each update, snapshots by iteration, and how it ends.

    `outputs` and `E` are those after the last update. `difference` is the largest between the
    weights of engine and program by hand, after `compared` updates.
    """

    errors: list[float]
    snapshots: dict[int, Snapshot]
    hidden: Matrix
    output: Matrix
    outputs: list[float]
    E: float
    compared: int
    difference: float
    backend: str

    @property
    def printed(self) -> list[float]:
        """What the program prints: the outputs before the last update."""
        return self.snapshots[len(self.errors) - 1].outputs


def run(iterations: int = ITERATIONS, lr: float = ALPHA) -> SixSamples:
    """Learn by the engine, recorded once and replayed, and for 100 iterations also by hand.

    Args:
        iterations: at least 1.
        lr: the learning rate.

    Raises:
        ValueError: there is no iteration.

    >>> result = run(iterations=11)
    >>> round(result.printed[0], 6), len(result.errors)
    (0.352154, 11)
    """
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
    model = build()
    parameters = model.parameters()
    error = sg.compile(
        lambda x, y: losses.squared_error(model(x), y), params=parameters, reduction="mean"
    )  # half the square of one sample; the mean of these is E
    optimizer = optim.SGD(parameters, lr=lr)
    compared, difference = min(iterations, 100), 0.0
    errors, snapshots = [], {}
    for k in tracked(range(iterations), "learning"):
        optimizer.zero_grad()
        errors.append(error.backward(X, Y))
        if k in SHOWN or k == iterations - 1:  # backward has left the weights as they were
            both = (*matrices(model), _outputs(model), *matrices(model, "grad"))
            snapshots[k] = Snapshot(*both, errors[k])
        optimizer.step()
        if k == compared - 1:
            difference = _difference(matrices(model), printed_program(compared, lr)[:2])
    outputs = _outputs(model)
    return SixSamples(
        errors, snapshots, *matrices(model), outputs, losses.squared_error(outputs, Y, "half_mean"),
        compared, difference, error.backend,
    )  # fmt: skip


def _difference(a: Sequence[Matrix], b: Sequence[Matrix]) -> float:
    flat_a, flat_b = ([w for M in both for row in M for w in row] for both in (a, b))
    return max(abs(v - w) for v, w in zip(flat_a, flat_b, strict=True))


def _outputs(model: nn.MLP) -> list[float]:
    return [model(x).data for x in X]


def report(result: SixSamples) -> str:
    """The outputs by iteration, before and after the last update, and the weights at the end."""
    last = len(result.errors) - 1
    lines = [
        f"{last + 1} iterations on six samples, computed by the backend {result.backend!r}",
        "E = 1/(2N) Σ (ŷ - y)²; below each sample, x → y, is the answer ŷ", "",
    ]  # fmt: skip
    head = "  ".join("".join(map(str, x)) + f" → {y}" for x, y in zip(X, Y, strict=True))
    lines += [f"  iteration   {head}         E"]
    for k, shot in sorted(result.snapshots.items()):
        if k in SHOWN or k == last:
            told = "  ".join(f"{y:+.4f}" for y in shot.outputs)
            lines.append(f"  {k:>9}   {told}   {shot.E:.3e}")
    told = "  ".join(f"{y:+.4f}" for y in result.outputs)
    lines += [f"  {'after':>9}   {told}   {result.E:.3e}", ""]
    lines += ["  Printed by the program (before the last update), and after it"]
    for y, printed, after in zip(Y, result.printed, result.outputs, strict=True):
        lines.append(f"    target {y}   {printed:.8e}   {after:.8e}")
    for name, M in (("hidden", result.hidden), ("output, as a row", transposed(result.output))):
        lines += ["", f"  Weights at the end: {name}"]
        lines += ["    " + "  ".join(f"{w:+9.6f}" for w in row) for row in M]
    told = f"{result.compared} iterations" if result.compared > 1 else "one iteration"
    hand = f"  After {told} by hand the weights differ by {result.difference:.0e}."
    return "\n".join([*lines, "", hand])


def figures(result: SixSamples) -> dict[str, Picture]:
    """Outputs by iteration, E by iteration, and the network with its weights at the end."""
    from scalargrad import plot

    ks = [k + 1 for k in sorted(result.snapshots)]
    outputs = {
        f"{''.join(map(str, x))} → {Y[d]}": (ks, [result.snapshots[k - 1].outputs[d] for k in ks])
        for d, x in enumerate(X)
    }
    weights = {
        ((k, i - 1 if i else len(M) - 1), (k + 1, j)): w  # the picture has its bias unit below
        for k, M in enumerate((result.hidden, result.output))
        for i, row in enumerate(M)
        for j, w in enumerate(row)
    }
    names = {(0, i): f"x{i + 1}" for i in range(3)} | {(1, j): f"o{j + 1}" for j in range(3)}
    return {
        "outputs": plot.lines(
            outputs, xlabel="iteration, the first being 1", ylabel="output", xscale="log",
            title="First all the same, then apart", markers=True,
            alt="The six outputs by iteration: from -0.7 they rise together to about 0.5, and part "
            "after iteration 100; three end at 0 and three at 1.",
        ),
        "loss": plot.lines(
            {"E": (range(1, len(result.errors) + 1), result.errors)}, xscale="log", yscale="log",
            xlabel="iteration, the first being 1", ylabel="E", title="The error by iteration",
            alt="E by iteration, both axes logarithmic: a fall, a long plateau near 0.12, a slow "
            f"descent, and at the end a steep fall to {result.errors[-1]:.1e}.",
        ),
        "network": plot.network(
            [3, 3, 1], bias=True, names=names | {(2, 0): "ŷ"}, edge_values=weights,
            title="The weights at the end",
            alt="The 3-3-1 network with bias units; the wider a line, the larger the weight; "
            "dashed ones are negative.",
        ),
    }  # fmt: skip
