"""A whole program of back-propagation: six samples, three hidden units, 10,000 updates.

The network has 3 inputs, 3 hidden units with the sigmoid σ, and 1 linear output; each sum has a
bias:

    o_j = σ(Σ_i w_ij x_i)     ŷ = Σ_j w_j o_j     E = 1/(2N) Σ_d (ŷ_d - y_d)²

Row 0 of each weight matrix is the bias, whose input is always 1. Each iteration has three phases.
The forward phase computes the outputs of the six samples. The backward phase computes the error
terms, first of the output and then of the hidden units,

    δ = ŷ - y          δ_j = o_j (1 - o_j) w_j δ

and with them the mean gradient. Then each weight changes by the delta rule,

    Δw_ij = -α 1/N Σ_d δ_j o_i

So what the program prints at the end are the outputs from *before* the last update.

Source: Brilliant, "Backpropagation", the code example. Three slips are repaired: names have lost
their underscores and comments their line ends, so that it would not run as printed; and "in the
range [-1, 1]" must be [-1, 1), since it is 2 r - 1 with r below 1.
Data: the lecture's own: six samples; starting weights by NumPy's seed 1, written out, so that no
NumPy is needed. Where x3 = 1 the target is x1 xor x2; where x3 = 0 it is x2.
Look for: until about iteration 100 all outputs move together, to the mean of the targets; only
then do they part. The printed outputs are those of the lecture to all its digits. With `lr=0.01`
the outputs after 10,000 iterations are about where they now are after 1000.
Conclusion: a few lines of forward, backward and update learn a function that is not linearly
separable; the engine and the program by hand agree to the rounding error.
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

    `course` are the outputs before some of the updates, by update. `outputs` and `E` are those
    after the last one. `difference` is the largest between the
    weights of engine and program by hand, after `compared` updates.
    """

    errors: list[float]
    snapshots: dict[int, Snapshot]
    course: dict[int, list[float]]
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
    errors, snapshots, course = [], dict[int, Snapshot](), dict[int, list[float]]()
    often = {round(1.1**n) - 1 for n in range(100)} | {*SHOWN}  # evenly on a logarithmic axis
    for k in tracked(range(iterations), "learning"):
        optimizer.zero_grad()
        errors.append(error.backward(X, Y))
        if k in SHOWN or k == iterations - 1:  # backward has left the weights as they were
            both = (*matrices(model), _outputs(model), *matrices(model, "grad"))
            snapshots[k] = Snapshot(*both, errors[k])
        if k in often or k == iterations - 1:
            course[k] = _outputs(model)
        optimizer.step()
        if k == compared - 1:
            difference = _difference(matrices(model), printed_program(compared, lr)[:2])
    outputs = _outputs(model)
    return SixSamples(
        errors, snapshots, course, *matrices(model), outputs,
        losses.squared_error(outputs, Y, "half_mean"), compared, difference, error.backend,
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
        "Outputs ŷ of the six samples (x → target y) before the update of an iteration, and E",
        "",
    ]  # fmt: skip
    head = "  ".join("".join(map(str, x)) + f" → {y}" for x, y in zip(X, Y, strict=True))
    lines += [f"  iteration   {head}   E"]
    for k, shot in sorted(result.snapshots.items()):
        if k in SHOWN or k == last:
            cells = "  ".join(f"{y:+.4f}" for y in shot.outputs)
            lines.append(f"  {k:>9}   {cells}   {shot.E:.3e}")
    cells = "  ".join(f"{y:+.4f}" for y in result.outputs)
    lines += [f"  {'after':>9}   {cells}   {result.E:.3e}", ""]
    lines += [
        "What the program prints: the outputs before the last update; and those after it", "",
        "    target   printed          after the update",
    ]  # fmt: skip
    for y, printed, after in zip(Y, result.printed, result.outputs, strict=True):
        lines.append(f"    {y:>6}   {printed:.8e}   {after:.8e}")
    lines += ["", "Weights at the end, by the unit that they come from", ""]
    lines += ["          to hidden 1   to hidden 2   to hidden 3            to the output"]
    for n, (row, (w,)) in enumerate(zip(result.hidden, result.output, strict=True)):
        sources = ("bias", "bias") if n == 0 else (f"x{n}", f"o{n}")
        cells = "".join(f"{v:>+14.6f}" for v in row)
        lines.append(f"    {sources[0]:<4}{cells}      {sources[1]:<4}{w:>+17.6f}")
    span = f"{result.compared} iterations" if result.compared > 1 else "one iteration"
    hand = f"After {span} no weight of the program by hand differs by over {result.difference:.0e}."
    return "\n".join([*lines, "", hand])


def figures(result: SixSamples) -> dict[str, Picture]:
    """Outputs by iteration, E by iteration, and the network with its weights at the end."""
    from scalargrad import plot

    outputs = {
        f"{''.join(map(str, x))} → {Y[d]}": (
            [k + 1 for k in result.course], [ys[d] for ys in result.course.values()],
        )
        for d, x in enumerate(X)
    }  # fmt: skip
    weights = {
        ((k, i - 1 if i else len(M) - 1), (k + 1, j)): w  # the picture has its bias unit below
        for k, M in enumerate((result.hidden, result.output))
        for i, row in enumerate(M)
        for j, w in enumerate(row)
    }
    names = {(0, i): f"x{i + 1}" for i in range(3)} | {(1, j): f"o{j + 1}" for j in range(3)}
    return {
        "outputs": plot.lines(
            outputs, xlabel="iteration, the first being 1", ylabel="output ŷ", xscale="log",
            title="The outputs of the six samples: first together, then apart",
            alt="The six outputs by iteration: from -0.7 they rise together to about 0.5, and part "
            "after iteration 100; three end at 0 and three at 1.",
        ),
        "loss": plot.lines(
            {"E": (range(1, len(result.errors) + 1), result.errors)}, xscale="log", yscale="log",
            xlabel="iteration, the first being 1", ylabel="E",
            title="A plateau while the outputs stay together, then a fall",
            alt="E by iteration, both axes logarithmic: a fall, a long plateau near 0.12, a slow "
            f"descent, and at the end a steep fall to {result.errors[-1]:.1e}.",
        ),
        "network": plot.network(
            [3, 3, 1], bias=True, names=names | {(2, 0): "ŷ"}, edge_values=weights,
            title=f"The weights after {len(result.errors):,} iterations",
            alt="The 3-3-1 network with bias units; the wider a line, the larger the weight; "
            "dashed ones are negative.",
        ),
    }  # fmt: skip
