"""The matrix formulation: layer by layer, and for many points at once, beside the engine.

The rules of backpropagation can be written neuron by neuron, or with all numbers of a layer in a
vector and its weights in a matrix W of d_{l-1} rows and d_l columns:

    δj = Σ_k wjk g'(zk) δk              δ^{l-1} = W (g'(z^l) ⊙ δ^l)
    ∂E/∂wij = ai g'(zj) δj              ∂E/∂W = a^{l-1} (g'(z^l) ⊙ δ^l)ᵀ

⊙ multiplies number by number. The second line is an outer product: a column times a row. For many
points the vectors become matrices with a row for each point, and the outer products add up to one
product of two matrices. That is why tensor libraries work in batches: a product of matrices is what
processors are fastest at. δ is ∂E/∂a here, after the activation.

Source: Lecture 2, Error backpropagation: the matrix formulation.
Data: ours: a 3-4-2 network of tanh, two points, and the δ that arrives at its outputs.
Look for: three ways, one answer, up to the last digit or two. Each ∂E/∂W of a single point has
rank 1: its rows are multiples of each other. The sum over two points has rank 2. With
`run(points=1)` you see the first in the report.
Conclusion: backpropagation is a sequence of matrix products, and a batch only makes them larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.matrices import product, transposed

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "DELTA2", "W01", "W12", "ByMatrices", "MatrixForm", "X", "batch", "build", "by_matrices",
    "figures", "report", "run",
]  # fmt: skip

Vector = list[float]
Matrix = list[list[float]]

W01 = [[0.2, -0.5, 0.3, 0.7], [-0.4, 0.1, 0.6, -0.2], [0.5, 0.8, -0.9, 0.15]]
W12 = [[0.6, -0.3], [-0.7, 0.4], [0.25, 0.9], [0.1, -0.55]]
X = [[0.5, -1.0, 0.3], [-0.2, 0.8, 1.1]]
DELTA2 = [[0.7, -0.4], [-1.5, 0.6]]  # ∂E/∂a of the two outputs, for each point


def build(x: Sequence[Any], weights: Sequence[Sequence[Sequence[Any]]]) -> list[list[Any]]:
    """The network forward: the outputs a of each layer, the inputs being the first.

    Args:
        x: the inputs.
        weights: of each layer a matrix, a row for each unit before it; numbers or Values.

    Raises:
        ValueError: a matrix has not one row for each unit before it.

    >>> a = build(X[0], [W01, W12])
    >>> [round(output, 6) for output in a[2]]
    [0.308434, -0.787174]
    """
    a = [list(x)]
    for w in weights:
        if len(w) != len(a[-1]):
            raise ValueError(f"{len(a[-1])} units need as many rows of weights, got {len(w)}")
        a.append([sg.tanh(sg.dot(column, a[-1])) for column in zip(*w, strict=True)])
    return a


# --- by hand --------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByMatrices:
    """δ of the layers 2, 1 and 0, and ∂E/∂W of both matrices, for one point or for a batch."""

    delta2: Any
    delta1: Any
    delta0: Any
    dW12: Matrix
    dW01: Matrix


def by_matrices(x: Vector, delta2: Vector, w01: Matrix = W01, w12: Matrix = W12) -> ByMatrices:
    """The two formulas, for one point and two layers of tanh, in plain floats.

    Args:
        x: the inputs.
        delta2: ∂E/∂a of the outputs.
        w01, w12: the weights, a row for each unit before them.

    >>> [round(d, 6) for d in by_matrices(X[0], DELTA2[0]).delta0]
    [0.384014, -0.17752, -0.251434]
    """
    a0, a1, a2 = build(x, [w01, w12])
    scaled2 = [(1.0 - a * a) * d for a, d in zip(a2, delta2, strict=True)]  # tanh' = 1 - tanh²
    delta1 = [sum(w * s for w, s in zip(row, scaled2, strict=True)) for row in w12]
    scaled1 = [(1.0 - a * a) * d for a, d in zip(a1, delta1, strict=True)]
    delta0 = [sum(w * s for w, s in zip(row, scaled1, strict=True)) for row in w01]
    return ByMatrices(
        list(delta2), delta1, delta0,
        [[a * s for s in scaled2] for a in a1], [[a * s for s in scaled1] for a in a0],
    )  # fmt: skip


def batch(X: Matrix, delta2: Matrix, w01: Matrix = W01, w12: Matrix = W12) -> ByMatrices:
    """The same for many points at once: a row for each point, and products of matrices.

    Args:
        X, delta2: of each point a row.
        w01, w12: the weights, as before.

    >>> round(batch(X, DELTA2).dW01[0][0], 6)
    0.303689
    """
    layers = [build(x, [w01, w12]) for x in X]
    A0, A1, A2 = ([a[k] for a in layers] for k in range(3))
    scaled2 = _times_slope(A2, delta2)
    delta1 = product(scaled2, transposed(w12))
    scaled1 = _times_slope(A1, delta1)
    return ByMatrices(
        delta2, delta1, product(scaled1, transposed(w01)),
        product(transposed(A1), scaled2), product(transposed(A0), scaled1),
    )  # fmt: skip


def _times_slope(A: Matrix, D: Matrix) -> Matrix:
    return [
        [(1.0 - a * a) * d for a, d in zip(row, ds, strict=True)]
        for row, ds in zip(A, D, strict=True)
    ]


# --- by the engine --------------------------------------------------------------------------


@dataclass(frozen=True)
class MatrixForm:
    """What `run` computes: by the engine, point by point, and in one batch.

    `a` are the Values of each point and layer; their `grad` is δ. `dW01` and `dW12` are the sums
    over the points that the engine collected.
    """

    points: int
    a: list[list[list[Value]]]
    E: Value
    dW01: Matrix
    dW12: Matrix
    single: list[ByMatrices]
    batch: ByMatrices


def run(points: int = 2) -> MatrixForm:
    """Differentiate E = Σ δ2 · a2 by the engine, whose ∂E/∂a2 is δ2, and by matrices.

    Args:
        points: how many of the two points to take.

    Raises:
        ValueError: not 1 or 2.

    >>> result = run()
    >>> round(result.dW01[0][0], 6), round(result.batch.dW01[0][0], 6)
    (0.303689, 0.303689)
    """
    if points not in (1, 2):
        raise ValueError(f"there are two points; take 1 or 2, got {points!r}")
    w01, w12 = ([[Value(w) for w in row] for row in W] for W in (W01, W12))
    layers = []
    for x in X[:points]:
        inputs = [Value(xi) for xi in x]
        layers.append(build(inputs, [w01, w12]))
    E = sg.sum([sg.dot(d, a[2]) for d, a in zip(DELTA2, layers, strict=False)])
    E.label = "E"
    E.backward()
    return MatrixForm(
        points, layers, E, [[w.grad for w in row] for row in w01],
        [[w.grad for w in row] for row in w12],
        [by_matrices(x, d) for x, d in zip(X[:points], DELTA2, strict=False)],
        batch(X[:points], DELTA2[:points]),
    )  # fmt: skip


def report(result: MatrixForm) -> str:
    """δ of the layers point by point, and both ∂E/∂W, with the largest difference."""
    lines = ["δ of layer 1 and of the inputs; in brackets what the engine finds", ""]
    for n, (point, a) in enumerate(zip(result.single, result.a, strict=True), 1):
        for layer, deltas in ((1, point.delta1), (0, point.delta0)):
            cells = "  ".join(
                f"{d:+.4f} ({value.grad:+.4f})" for d, value in zip(deltas, a[layer], strict=True)
            )
            lines.append(f"  point {n}, layer {layer}:  {cells}")
    what = "summed over the points" if result.points > 1 else "of the one point: rows in proportion"
    lines += ["", f"∂E/∂W01, a row for each input, {what}", ""]
    lines += [f"  {'  '.join(f'{w:+.9f}' for w in row)}" for row in result.dW01]
    pairs = zip(_flat(result.dW01, result.dW12), _flat(result.batch.dW01, result.batch.dW12),
                strict=True)  # fmt: skip
    worst = max(abs(x - y) for x, y in pairs)
    lines += ["", f"largest difference between the engine and the batch: {worst:.1e}"]
    return "\n".join(lines)


def _flat(*matrices: Matrix) -> list[float]:
    return [w for matrix in matrices for row in matrix for w in row]


def figures(result: MatrixForm) -> dict[str, Picture]:
    """The network with ∂E/∂w on its lines, and the outer products that make ∂E/∂W01."""
    from scalargrad import plot

    names = {(0, i): f"x{i + 1}" for i in range(3)} | {(2, k): f"a{k + 1}" for k in range(2)}
    slopes = {((0, i), (1, j)): w for i, row in enumerate(result.dW01) for j, w in enumerate(row)}
    slopes |= {((1, i), (2, j)): w for i, row in enumerate(result.dW12) for j, w in enumerate(row)}
    names |= {(1, j): f"h{j + 1}" for j in range(4)}
    network = plot.network(
        [3, 4, 2], names=names, edge_values=slopes,
        title="∂E/∂w" + (", summed over the points" if result.points > 1 else ""),
        alt="A 3-4-2 network; the wider a line, the larger ∂E/∂w of its weight; dashed lines are "
        "negative.",
    )  # fmt: skip
    return {"network": network, "outer_products": _outer_products(result)}


def _outer_products(result: MatrixForm) -> Picture:
    """For each point a column times a row, which is a matrix; and the sum of these."""
    from scalargrad import plot

    inputs, units = [f"x{i + 1}" for i in range(3)], [f"h{j + 1}" for j in range(4)]
    parts = []
    for a, point in zip(result.a, result.single, strict=True):
        row = [(1.0 - v.data**2) * d for v, d in zip(a[1], point.delta1, strict=True)]
        parts.append(([[v.data] for v in a[0]], [row], point.dW01))
    scale = max(abs(x) for *_, dW in [*parts, ((), (), result.dW01)] for row in dW for x in row)
    rows = len(parts) + (len(parts) > 1)
    page = plot.figure(
        width=11.0, height=0.6 + 2.35 * rows,
        alt="For each point the column of its inputs times the row g'(z) ⊙ δ of its four units "
        "gives a matrix of three rows and four columns, all numbers written in. The rows of one "
        "matrix are multiples of each other; those of the sum, below, are not.",
    )  # fmt: skip
    ax = page.axes[0]
    ax.set_axis_off()
    for n, (column, row, dW) in enumerate(parts):
        top = -4.6 * n
        ax.text(-1.9, top - 1.5, f"Point {n + 1}", ha="right", va="center", fontsize=12)
        _table(ax, 0.0, top, column, 1.0, inputs, ["a⁰"])
        ax.text(1.55, top - 1.5, "×", ha="center", va="center", fontsize=16)
        _table(ax, 2.1, top - 1.0, row, 1.0, [""], units, "g′(z¹) ⊙ δ¹")
        ax.text(6.65, top - 1.5, "=", ha="center", va="center", fontsize=16)
        _table(ax, 8.2, top, dW, scale, inputs, units, "∂E/∂W of the point")
    if len(parts) > 1:
        top = -4.6 * len(parts)
        ax.text(6.65, top - 1.5, "Sum:", ha="center", va="center", fontsize=12)
        _table(ax, 8.2, top, result.dW01, scale, inputs, units, "∂E/∂W of both points")
    ax.set_xlim(-3.6, 12.4)
    ax.set_ylim(-4.6 * rows + 1.2, 1.3)
    ax.set_title(
        "∂E/∂W01: for each point a column times a row; over the points, their sum", fontsize=13
    )
    return page


def _table(
    ax: Any, left: float, top: float, rows: Matrix, scale: float, names: Sequence[str],
    heads: Sequence[str], title: str = "",
) -> None:  # fmt: skip
    """A matrix as cells of one unit, its numbers in them, the darker the larger their size."""
    for i, (row, name) in enumerate(zip(rows, names, strict=True)):
        y = top - i - 0.5
        ax.text(left - 0.15, y, name, ha="right", va="center", fontsize=10)
        for j, x in enumerate(row):
            grey = 1.0 - 0.45 * min(abs(x) / scale, 1.0)
            ax.fill(
                [left + j, left + j + 1, left + j + 1, left + j], [y - 0.5] * 2 + [y + 0.5] * 2,
                facecolor=(grey, grey, grey), edgecolor="#1a1a1a", linewidth=0.8,
            )  # fmt: skip
            number = f"{x:.2f}".replace("-", "−")
            ax.text(left + j + 0.5, y, number, ha="center", va="center", fontsize=11)
    for j, head in enumerate(heads):
        ax.text(left + j + 0.5, top + 0.12, head, ha="center", va="bottom", fontsize=9.5)
    if title:
        middle = left + len(heads) / 2
        ax.text(middle, top + 0.62, title, ha="center", va="bottom", fontsize=11, weight="bold")
