"""Two hidden units that tell horizontal and vertical bars apart become detectors of edges.

A picture of 4 x 4 pixels shows one bar, vertical or horizontal. The network 16-2-1 with sigmoid
hidden units should say which: 1 for vertical, 0 for horizontal. No weighted sum of the pixels can.
Each pixel is lit in one vertical and in one horizontal bar, so over the four vertical bars any
weighted sum adds up to the same as over the four horizontal ones. The best that it can do is to
answer 0.5 to all, with

    E = 1/(2N) Σ (ŷ - y)² = 0.125

So the two classes are not linearly separable, and the network needs hidden units whose outputs
describe the picture in another way: an internal representation. What such a unit describes is its
feature, the stereotypical input that makes its output ≈ 1. The gradient finds that input: the
derivatives of the output by the *pixels* say which pixels to light and which to darken.

Source: Brilliant, "Backpropagation", what hidden layers learn.
Data: ours, since the lecture gives none: the eight bars; weights from -0.1 to 0.1, drawn by `seed`.
Look for: each unit's feature has one side lit and the other dark: an edge, which is in no picture
of the data. A vertical bar lies on one side and activates one unit; a horizontal bar crosses both
sides and activates neither. With `hidden_units=1` E stays above 0.05, because one unit bends a
weighted sum but keeps its order. Other seeds find other features. The example `gabor_filters` has
larger pictures, whose features are striped.
Conclusion: the data never mention edges; the hidden units learn to detect them because edges help
to tell the classes apart.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, losses, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "NAMES", "SIDE", "HiddenFeatures", "X", "Y", "build", "figures", "report", "run", "stereotype",
]  # fmt: skip

SIDE = 4
_PLACES = range(SIDE)
X = [[float(column == k) for _ in _PLACES for column in _PLACES] for k in _PLACES] + [
    [float(row == k) for row in _PLACES for _ in _PLACES] for k in _PLACES
]  # the vertical bars, then the horizontal ones, each row by row
Y = [1.0] * SIDE + [0.0] * SIDE
NAMES = [f"{way} {k + 1}" for way in ("vertical", "horizontal") for k in _PLACES]


def build(hidden_units: int = 2, seed: int = 1) -> nn.MLP:
    """The network, with a linear output; without hidden units it is a weighted sum.

    The weights begin small, so what they show at the end was learnt.

    Args:
        hidden_units: how many, or 0.
        seed: of the weights.

    Raises:
        ValueError: the number of hidden units is negative.

    >>> len(build().parameters())
    37
    """
    if hidden_units < 0:
        raise ValueError(f"hidden_units must be 0 or more, got {hidden_units}")
    draw = random.Random(seed)
    model = nn.MLP(SIDE * SIDE, [hidden_units, 1] if hidden_units else [1], "sigmoid")
    for w in model.parameters():
        w.data = draw.uniform(-0.1, 0.1)
    return model


def stereotype(unit: nn.Neuron) -> list[float]:
    """The picture that makes the output of a unit as large as any can: its feature.

    The unit is a rising function of a weighted sum, so each pixel pulls one way wherever the others
    are. So the ascent takes one step, from grey along the signs of the gradient.

    Args:
        unit: a neuron that takes pixels from 0 to 1, with an activation that rises.

    >>> unit = nn.Neuron(3, "sigmoid")
    >>> for w, number in zip(unit.w, [2.0, -1.0, 0.5]):
    ...     w.data = number
    >>> stereotype(unit)
    [1.0, 0.0, 1.0]
    """
    pixels = [Value(0.5) for _ in unit.w]
    unit(pixels).backward()
    unit.zero_grad()  # only the derivatives by the pixels are needed
    return [p.data + 0.5 * sg.sign(p.grad) for p in pixels]


@dataclass(frozen=True)
class HiddenFeatures:
    """What `run` computes; pictures and weights are lists of 16 numbers, row by row.

    `activity` has a row for each hidden unit, and in it its output for each picture of the data.
    `features` are the units' stereotypes, and `at_feature` their outputs for them.
    """

    model: nn.MLP
    history: sg.History
    outputs: list[float]
    weights: list[list[float]]
    activity: list[list[float]]
    features: list[list[float]]
    at_feature: list[float]

    def favourite(self, unit: int) -> int:
        """Return the index of the picture that makes the unit's output largest."""
        return max(range(len(X)), key=lambda d: self.activity[unit][d])


def run(hidden_units: int = 2, seed: int = 1, epochs: int = 2000) -> HiddenFeatures:
    """Learn the eight bars, and look at what each hidden unit has become.

    The weights decay a little, so that those which the error does not need go to 0.

    Args:
        hidden_units: how many, or 0.
        seed: of the starting weights.
        epochs: updates, each by all pictures.

    >>> [round(y, 1) for y in run(hidden_units=0, epochs=300).outputs]
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    """
    model = build(hidden_units, seed)
    history = sg.fit(
        model, X, Y, lambda y_hat, y: losses.squared_error(y_hat, y, "half_mean"),
        optim.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4), epochs=epochs,
    )  # fmt: skip
    units = model.layers[0].neurons if hidden_units else []
    features = [stereotype(unit) for unit in units]
    return HiddenFeatures(
        model, history, [model(x).data for x in X], [[w.data for w in unit.w] for unit in units],
        [[unit(x).data for x in X] for unit in units], features,
        [unit(x).data for unit, x in zip(units, features, strict=True)],
    )  # fmt: skip


def report(result: HiddenFeatures) -> str:
    """What each hidden unit says to each picture, its weights, and its feature."""
    units = range(len(result.weights))
    lines = [
        f"E = 1/(2N) Σ (ŷ - y)² = {result.history.losses[-1]:.2e} after "
        f"{len(result.history.losses)} updates (answering 0.5 to every picture gives 0.125)", "",
        "What the hidden units (o) and the network (ŷ) answer to each picture", "",
        f"  picture      {''.join(f'     o{j + 1}' for j in units)}       ŷ  target",
    ]  # fmt: skip
    for d, (name, y) in enumerate(zip(NAMES, Y, strict=True)):
        cells = "".join(f"{result.activity[j][d]:7.3f}" for j in units)
        lines.append(f"  {name:<13}{cells}  {result.outputs[d]:6.3f}  {y:6.0f}")
    for j in units:
        best = result.favourite(j)
        lines += ["", f"Unit {j + 1}: its weights pixel by pixel, and its feature (# is lit)", ""]
        for row in _rows(list(zip(result.weights[j], result.features[j], strict=True))):
            numbers = "  ".join(f"{w:+.2f}" for w, _ in row)
            lines.append(f"    {numbers}     {' '.join('#' if lit else '.' for _, lit in row)}")
        lines += [
            "", f"    Its output is {result.at_feature[j]:.3f} for the feature; of the pictures, "
            f"{NAMES[best]} gives the most, {result.activity[j][best]:.3f}.",
        ]  # fmt: skip
    return "\n".join(lines)


def _rows(pixels: Sequence[Any]) -> list[list[Any]]:
    return [list(pixels[k : k + SIDE]) for k in range(0, len(pixels), SIDE)]


def figures(result: HiddenFeatures) -> dict[str, Picture]:
    """The pictures; weights and features of the hidden units, and what they say; E by update."""
    from scalargrad import plot

    drawn: dict[str, Picture] = {
        "pictures": plot.images(
            [_rows(x) for x in X],
            [f"{name}\nŷ = {y:.2f}" for name, y in zip(NAMES, result.outputs, strict=True)],
            columns=4, width=1.8,
            title="The pictures, and the network's answer: vertical 1, horizontal 0",
            alt="Eight pictures of 4 by 4 pixels: four vertical bars and four horizontal ones.",
        ),
        "loss": plot.lines(
            {"E": result.history.losses}, xlabel="update", ylabel="E", yscale="log",
            title="A plateau at 0.125 (0.5 to all), then the features",
            alt="E by update: a plateau at 0.125, the error of 0.5 to all, then a steep fall.",
        ),
    }  # fmt: skip
    units = range(len(result.weights))
    if not units:
        return drawn
    likes, names = [], []
    for j in units:
        best = result.favourite(j)
        likes += [_rows(result.features[j]), _rows(X[best])]
        names += [
            f"unit {j + 1}: feature\no = {result.at_feature[j]:.2f}",
            f"unit {j + 1}: {NAMES[best]}\no = {result.activity[j][best]:.2f}",
        ]
    drawn["weights"] = plot.images(
        [_rows(w) for w in result.weights], [f"hidden unit {j + 1}" for j in units],
        columns=4, signed=True,
        title="The weights from the 16 pixels",
        alt="The weights of each hidden unit at their pixels, with their numbers; light is "
        "positive, dark is negative. They are alike along a column, positive on one side and "
        "negative on the other.",
    )  # fmt: skip
    drawn["features"] = plot.images(
        likes, names, columns=4,
        title="The input with the largest output: of all inputs (the feature), and of the data",
        alt="For each hidden unit its feature, an edge: one side lit, the other dark. Beside it "
        "the bar of the data that makes its output largest; it lies on the lit side.",
    )  # fmt: skip
    drawn["activity"] = plot.bars(
        {f"unit {j + 1}": result.activity[j] for j in units}, [n.replace(" ", "\n") for n in NAMES],
        ylabel="output o of the hidden unit", ylim=(0.0, 1.0),
        title="A vertical bar activates one unit, a horizontal bar neither",
    )  # fmt: skip
    return drawn
