"""A small detector after Yolo: one look at a picture tells where something is.

Yolo ("you only look once") finds objects in one forward pass. A convolutional network turns the
picture into a coarse grid of cells, and each cell answers with five numbers:

    p           whether the centre of an object lies in this cell
    x, y        where in the cell the centre is, from 0 to 1
    w, h        width and height of the box, as a share of the picture

The error of a picture adds up over the cells, with other weights where there is no object:

    E = Σ_{object} ( 5 [(x - x*)² + (y - y*)² + (w - w*)² + (h - h*)²] + (p - 1)² ) + Σ_{none} p²/2

where * marks the truth. Here this is a forward program of 30 lines: two layers of 3×3 filters, then
one layer that sees all of their outputs and gives five numbers for each of 3×3 cells. A filter is a
set of shared parameters, used at every place of the picture, so the derivative of each of its
weights is a sum over all places. Nobody writes that sum, nor the backward pass through the cells:
both come from the forward program.

Source: Lecture 2, Error backpropagation: Yolo is one of the structures whose backward pass is
generated.
Data: ours: pictures of 9×9 numbers, dark with noise, and a bright rectangle with sides of 2 to 5
pixels; 600 to learn from, 200 fresh ones.
Look for: before training the boxes are all alike; afterwards they lie on the rectangles. The
overlap is the area that two boxes share, divided by the area that they cover together.
Conclusion: a detector differs from the seven-node network in its forward program only.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import Value, nn, optim

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "CELLS", "SIZE", "Box", "Detector", "Result", "Scene", "best_box", "by_place", "error",
    "figures", "overlap", "report", "run", "scenes", "target_of",
]  # fmt: skip

SIZE, CELLS = 9, 3  # pixels and cells on a side
_BATCH = 30
Box = tuple[float, float, float, float]  # left, top, width, height in pixels


@dataclass(frozen=True)
class Scene:
    """A picture, row by row in one list, and the box of the rectangle in it."""

    picture: list[float]
    box: Box


def scenes(number: int, seed: int) -> list[Scene]:
    """Pictures with one bright rectangle each.

    Args:
        number: how many.
        seed: which ones.

    >>> scene = scenes(1, seed=0)[0]
    >>> len(scene.picture), scene.box
    (81, (0, 2, 5, 5))
    """
    draw, made = random.Random(seed), []
    for _ in range(number):
        w, h = draw.randint(2, 5), draw.randint(2, 5)
        left, top = draw.randint(0, SIZE - w), draw.randint(0, SIZE - h)
        picture = [
            (left <= c < left + w and top <= r < top + h) * 1.0 + draw.gauss(0.0, 0.1)
            for r in range(SIZE)
            for c in range(SIZE)
        ]
        made.append(Scene(picture, (left, top, w, h)))
    return made


def target_of(box: Box) -> list[float]:
    """The truth for each cell: 1 if the centre lies in it, and then x*, y*, w*, h*; else zeros.

    Args:
        box: in pixels.

    >>> [k for k, t in enumerate(target_of((0, 0, 2, 2))) if t][:1], target_of((0, 0, 3, 3))[1:3]
    ([0], [0.5, 0.5])
    """
    left, top, w, h = box
    across, down = ((left + w / 2) / SIZE * CELLS, (top + h / 2) / SIZE * CELLS)
    column, row = int(across), int(down)
    target: list[float] = []
    for cell in range(CELLS * CELLS):
        here = cell == row * CELLS + column
        truth = [1.0, across - column, down - row, w / SIZE, h / SIZE]
        target += truth if here else [0.0] * 5
    return target


class Detector(nn.Module):
    """Two layers of 3×3 filters, and a layer with five outputs for each cell.

    Args:
        first, second: how many filters there are in each layer.

    >>> len(Detector().parameters())
    2737
    """

    def __init__(self, first: int = 4, second: int = 6) -> None:
        def drawn(rows: int, columns: int) -> list[list[Value]]:
            size = columns**-0.5  # of the weights, so that a sum is of the size of its inputs
            return [[Value(random.gauss(0.0, size)) for _ in range(columns)] for _ in range(rows)]

        self.first, self.first_b = drawn(first, 9), [Value(0.0) for _ in range(first)]
        self.second, self.second_b = drawn(second, 9 * first), [Value(0.0) for _ in range(second)]
        outputs = 5 * CELLS * CELLS
        self.head, self.head_b = drawn(outputs, 9 * second), [Value(0.0) for _ in range(outputs)]

    def __call__(self, picture: Sequence[Any]) -> list[list[Any]]:
        """The five numbers p, x, y, w, h of each cell, row by row."""
        return self.answer(self.filtered(picture))

    def filtered(self, picture: Sequence[Any]) -> list[list[list[Any]]]:
        """What the first filters give at each of 7×7 places."""
        rows = [[[x] for x in picture[k : k + SIZE]] for k in range(0, SIZE * SIZE, SIZE)]
        return _filtered(rows, self.first, self.first_b, step=1)

    def answer(self, rows: list[list[list[Any]]]) -> list[list[Any]]:
        """The five numbers of each cell, from what the first filters give."""
        rows = _filtered(rows, self.second, self.second_b, step=2)
        seen = [x for row in rows for place in row for x in place]
        heads = zip(self.head, self.head_b, strict=True)
        numbers = [sg.sigmoid(sg.dot(w, seen, bias=b)) for w, b in heads]
        return [numbers[k : k + 5] for k in range(0, len(numbers), 5)]


def _filtered(
    rows: list[list[list[Any]]], filters: Sequence[Sequence[Any]], biases: Sequence[Any], step: int
) -> list[list[list[Any]]]:
    """Each filter at each place: tanh of its weights times the 3×3 places below it."""
    height, width = len(rows), len(rows[0])
    return [
        [
            [
                sg.tanh(sg.dot(w, seen, bias=b))
                for seen in [[x for r in rows[i : i + 3] for place in r[j : j + 3] for x in place]]
                for w, b in zip(filters, biases, strict=True)
            ]
            for j in range(0, width - 2, step)
        ]
        for i in range(0, height - 2, step)
    ]


def error(cells: Sequence[Sequence[Any]], target: Sequence[Any]) -> Any:
    """E of one picture.

    Args:
        cells: what the detector answers.
        target: the truth, as `target_of` gives it.

    >>> sure = [[t, 0.5, 0.5, 1 / 3, 1 / 3] for t in target_of((0, 0, 3, 3))[::5]]
    >>> error(sure, target_of((0, 0, 3, 3)))
    0.0
    """
    parts = []
    for k, (p, *box) in enumerate(cells):
        here, *truth = target[5 * k : 5 * k + 5]
        differences = [a - b for a, b in zip(box, truth, strict=True)]
        parts.append(5.0 * here * sg.dot(differences, differences))
        parts.append((0.5 + 0.5 * here) * (p - here) ** 2)
    return sg.sum(parts)


def best_box(cells: Sequence[Sequence[float]]) -> Box:
    """The box of the cell with the largest p, in pixels.

    Args:
        cells: what the detector answers, numbers.

    >>> best_box([[0.9, 0.5, 0.5, 1 / 3, 1 / 3]] + [[0.1] * 5] * 8)
    (0.0, 0.0, 3.0, 3.0)
    """
    k = max(range(len(cells)), key=lambda k: cells[k][0])
    _, x, y, w, h = cells[k]
    row, column = divmod(k, CELLS)
    across, down = (column + x) / CELLS * SIZE, (row + y) / CELLS * SIZE
    return across - w * SIZE / 2, down - h * SIZE / 2, w * SIZE, h * SIZE


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share, divided by the area that they cover together.

    >>> overlap((0, 0, 2, 2), (0, 0, 2, 2)), overlap((0, 0, 2, 2), (1, 0, 2, 2))
    (1.0, 0.3333333333333333)
    """
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(across, 0.0) * max(down, 0.0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` computes: E before each step, and what is found in fresh pictures.

    `before` and `after` are the boxes that the detector finds in `fresh` before and after training.
    `by_place` are the terms of the derivative of E by the first weight of the first filter, one for
    each place, of the first picture before training; `by_engine` is what its Value has collected.
    """

    parameters: int
    errors: list[float]
    fresh: list[Scene]
    before: list[Box]
    after: list[Box]
    by_place: list[float]
    by_engine: float


def run(steps: int = 500, seed: int = 2) -> Result:
    """Train a detector on 600 pictures, and look at 200 fresh ones.

    Args:
        steps: how many, of Adam on 30 pictures each, at a learning rate that falls to 0.
        seed: of the starting weights.
    """
    state = random.getstate()
    random.seed(seed)
    model = Detector()
    random.setstate(state)
    learnt, fresh = scenes(600, seed=0), scenes(200, seed=1)
    pictures = [scene.picture for scene in learnt]
    targets = [target_of(scene.box) for scene in learnt]
    terms, by_engine = by_place(model, pictures[0], targets[0])
    answer = sg.compile(model)

    def found() -> list[Box]:
        cells = answer([scene.picture for scene in fresh])  # five arrays over pictures for each
        return [
            best_box([[float(number[n]) for number in cell] for cell in cells])
            for n in range(len(fresh))
        ]  # fmt: skip

    before = found()
    replayed = sg.compile(
        lambda x, t: error(model(x), t), params=model.parameters(), reduction="mean"
    )
    optimizer = optim.Adam(model.parameters(), lr=lambda step: 0.03 * (1.0 - step / steps))
    errors: list[float] = []
    for step in range(steps):
        some = slice(step * _BATCH % len(learnt), step * _BATCH % len(learnt) + _BATCH)
        optimizer.zero_grad()
        errors.append(float(replayed.backward(pictures[some], targets[some])))
        optimizer.step()
    after = found()
    return Result(
        len(model.parameters()), errors, fresh, before, after, terms, by_engine
    )  # fmt: skip


def by_place(
    model: Detector, picture: Sequence[float], target: Sequence[float]
) -> tuple[list[float], float]:
    """The derivative of E by the first weight of the first filter: place by place, and in all.

    The filter is used at 49 places, with the sum z and its first weight on the pixel x of the
    place: each adds ∂E/∂z · x.

    Args:
        model: the detector.
        picture: a picture.
        target: its truth.

    Returns:
        The 49 terms, and what the engine has collected in the weight.
    """
    first = model.filtered(picture)
    model.first[0][0].grad = 0.0
    error(model.answer(first), target).backward()
    terms = [
        place[0].parents[0].grad * picture[i * SIZE + j]
        for i, row in enumerate(first)
        for j, place in enumerate(row)
    ]
    return terms, model.first[0][0].grad


def report(result: Result) -> str:
    """E on the way, the overlaps before and after, and one weight of a filter place by place."""
    last = len(result.errors) - 1
    lines = [
        f"A detector with {result.parameters} parameters, 600 pictures to learn from", "",
        "  step        E",
        *(f"  {k:>4}   {result.errors[k]:.4f}" for k in sorted({0, last // 8, last // 2, last})),
        "", f"The boxes in {len(result.fresh)} fresh pictures", "",
        "                   mean overlap   above 1/2   centre in the right cell",
    ]  # fmt: skip
    for name, boxes in (("before training", result.before), ("after training", result.after)):
        pairs = list(zip(result.fresh, boxes, strict=True))
        overlaps = [overlap(scene.box, box) for scene, box in pairs]
        cells = sum(_cell(scene.box) == _cell(box) for scene, box in pairs)
        lines.append(
            f"  {name:<15}  {fmean(overlaps):>12.2f}   {sum(x > 0.5 for x in overlaps):>9}   "
            f"{cells:>9}"
        )
    terms = result.by_place
    lines += [
        "", "One weight of a 3×3 filter is used at 49 places; its derivative before training",
        "", f"  sum of {len(terms)} terms   {sum(terms):+.12f}   (from {min(terms):+.4f} to "
        f"{max(terms):+.4f})",
        f"  by the engine     {result.by_engine:+.12f}",
    ]  # fmt: skip
    return "\n".join(lines)


def _cell(box: Box) -> tuple[int, int]:
    left, top, w, h = box
    return int((left + w / 2) / SIZE * CELLS), int((top + h / 2) / SIZE * CELLS)


def figures(result: Result) -> dict[str, Picture]:
    """Fresh pictures with the boxes that are there and those that are found; E while learning."""
    return {
        "before": _found(result, result.before, "Before training"),
        "after": _found(result, result.after, "After training"),
        "error": _error(result),
    }  # fmt: skip


def _found(result: Result, boxes: Sequence[Box], title: str) -> Picture:
    from scalargrad import plot

    some = list(zip(result.fresh, boxes, strict=True))[:8]
    page: Any = plot.images(
        [[scene.picture[k : k + SIZE] for k in range(0, SIZE * SIZE, SIZE)] for scene, _ in some],
        [f"overlap {overlap(scene.box, box):.2f}" for scene, box in some], columns=4,
        title=f"{title}: boxes in fresh pictures (solid: found; dashed: true; grey: cells)",
        alt="Eight dark pictures with a bright rectangle each, its true box as a dashed line, and "
        "the box that the detector finds as a light one. "
        + "Their overlaps are " + ", ".join(f"{overlap(s.box, b):.2f}" for s, b in some) + ".",
    )  # fmt: skip
    for ax, (scene, box) in zip(page.axes, some, strict=False):
        for (left, top, w, h), look in (
            (scene.box, {"color": "#1a1a1a", "linestyle": (0, (3, 2)), "linewidth": 2.0}),
            (box, {"color": "#e07b39", "linewidth": 3.0}),
        ):
            xs = [left - 0.5 + w * a for a in (0, 1, 1, 0, 0)]
            ys = [top - 0.5 + h * b for b in (0, 0, 1, 1, 0)]
            ax.plot(xs, ys, clip_on=False, zorder=5 if look["linewidth"] == 2.0 else 4, **look)
        for k in range(1, CELLS):  # the grid of cells
            at, ends = [k * SIZE / CELLS - 0.5] * 2, [-0.5, SIZE - 0.5]
            ax.plot(ends, at, color="#8a8a8a", linewidth=0.6)
            ax.plot(at, ends, color="#8a8a8a", linewidth=0.6)
        ax.set_xlim(-1.6, SIZE + 0.6)
        ax.set_ylim(SIZE + 0.6, -1.6)
    return page  # type: ignore[no-any-return]


def _error(result: Result) -> Picture:
    from scalargrad import plot

    return plot.lines(
        {"E": result.errors}, xlabel="step", ylabel="E, mean over 30 pictures", yscale="log",
        title="The detector learns by the gradient of its forward program",
        alt="The error over the steps, on a logarithmic axis: it falls from "
        f"{result.errors[0]:.2f} to {result.errors[-1]:.3f}, in small waves.",
    )  # fmt: skip
