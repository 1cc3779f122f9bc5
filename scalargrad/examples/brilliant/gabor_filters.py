"""Learnt against hand-made features: hidden units that become Gabor-like filters.

A picture of 9 x 9 pixels shows a piece of striped pattern. How are the stripes turned? Where they
begin (their phase) and how wide they are changes from picture to picture, so no single pixel tells
anything. Before networks learnt their features, people designed them. Two classics:

    edge filter     -u e^(-(u² + v²)/2s²)                     light on one side, dark on the other
    Gabor filter    cos(2πf u + φ) e^(-(u²/s² + v²/t²)/2)     stripes under a round window

with u across the stripes and v along them: u = x cos θ + y sin θ, v = y cos θ - x sin θ. With
either, a few lines of trigonometry give the angle (`by_edges`, `by_gabors`).

Here a network 81-8-2 with sigmoid hidden units learns the same from 250 examples. Stripes turned by
180° are the same stripes, so its two linear outputs should be cos 2θ and sin 2θ. Nobody says what
the hidden units should do: their eight outputs are an internal representation, which the delta rule
finds. In each update the forward phase computes all outputs o_j; then the backward phase brings the
error terms δ_j back through the weights; then each weight changes by

    Δw_ij = -α δ_j o_i,      averaged over the examples.

At the end each hidden unit's 81 incoming weights, drawn as a picture, are a filter. `nearest_gabor`
and `nearest_edge` find the hand-made filter that is most like it, and what share of the sum of the
squared weights it explains (R²).

Source: Brilliant, "Backpropagation": hidden layers learn features such as edges and Gabor-like
filters, which had to be engineered by hand before.
Data: ours, since the lecture gives none: stripes of 4 to 6.7 pixels under a soft round window, with
a little noise; weights between -0.1 and 0.1, drawn by `seed`.
Look for: all eight learnt filters are stripes under a window. A Gabor filter explains 91 % or more
of each, the best edge filter at most 70 %; before learning, a Gabor filter explained less than
25 %. On new pictures the network errs by 2.7 degrees, between the edge filters (3.8) and the Gabor
filters (1.4). Without hidden units (`run(hidden_units=0)`) it errs by more than 40 degrees, which
is guessing: 45 would be pure chance.
Conclusion: hidden units that learn by back-propagation become the features that people had
designed by hand for this task.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from statistics import median
from typing import TYPE_CHECKING

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "FREQUENCY", "SIDE", "GaborFilters", "Match", "build", "by_edges", "by_gabors", "edge",
    "figures", "gabor", "nearest_edge", "nearest_gabor", "report", "run", "stripes",
]  # fmt: skip

SIDE = 9
FREQUENCY = 0.2  # of the hand-made bank, in stripes by pixel; those of the data are around it
WINDOW = 2.0  # the width of the window, in pixels
_MIDDLE = (SIDE - 1) / 2
_PIXELS = [(x - _MIDDLE, y - _MIDDLE) for y in range(SIDE) for x in range(SIDE)]
Filter = list[float]

# --- filters made by hand -------------------------------------------------------------------


def gabor(
    angle: float, frequency: float = FREQUENCY, phase: float = 0.0, x: float = 0.0, y: float = 0.0,
    across: float = WINDOW, along: float = WINDOW,
) -> Filter:  # fmt: skip
    """A Gabor filter: a cosine under a bell, as SIDE x SIDE numbers, row by row.

    Args:
        angle: the direction across the stripes, in radians.
        frequency: of the stripes, in stripes by pixel.
        phase: of the cosine at the centre of the bell.
        x, y: the centre of the bell, from the middle of the picture.
        across, along: the widths of the bell across and along the stripes.

    >>> [round(w, 3) for w in gabor(0.0)[36:45]]  # the middle row
    [0.042, -0.263, -0.491, 0.273, 1.0, 0.273, -0.491, -0.263, 0.042]
    """
    c, s = math.cos(angle), math.sin(angle)
    numbers = []
    for px, py in _PIXELS:
        u, v = c * (px - x) + s * (py - y), c * (py - y) - s * (px - x)
        bell = math.exp(-0.5 * ((u / across) ** 2 + (v / along) ** 2))
        numbers.append(bell * math.cos(math.tau * frequency * u + phase))
    return numbers


def edge(angle: float, x: float = 0.0, y: float = 0.0, width: float = WINDOW) -> Filter:
    """An edge filter: the slope of a bell, light on one side and dark on the other.

    Args:
        angle: the direction across the edge, in radians.
        x, y: the centre of the bell, from the middle of the picture.
        width: of the bell.

    >>> [round(w, 3) for w in edge(0.0)[36:45]]
    [0.541, 0.974, 1.213, 0.882, -0.0, -0.882, -1.213, -0.974, -0.541]
    """
    c, s = math.cos(angle), math.sin(angle)
    return [
        -(c * (px - x) + s * (py - y)) * math.exp(-0.5 * ((px - x) ** 2 + (py - y) ** 2) / width**2)
        for px, py in _PIXELS
    ]


def by_edges(picture: Sequence[float]) -> float:
    """The angle of the stripes from the differences of neighbouring pixels.

    At each pixel the differences give a direction; doubled angles make opposite ones agree.

    >>> round(math.degrees(by_edges(gabor(0.5))))
    34
    """
    rows = [picture[k : k + SIDE] for k in range(0, len(picture), SIDE)]
    c = s = 0.0
    for i in range(1, SIDE - 1):
        for j in range(1, SIDE - 1):
            dx, dy = rows[i][j + 1] - rows[i][j - 1], rows[i + 1][j] - rows[i - 1][j]
            c, s = c + dx * dx - dy * dy, s + 2.0 * dx * dy
    return 0.5 * math.atan2(s, c) % math.pi


def by_gabors(picture: Sequence[float]) -> float:
    """The angle of the stripes from four pairs of Gabor filters: what each pair responds, added up.

    The cosine and the sine of a pair together respond alike wherever the stripes begin.

    >>> round(math.degrees(by_gabors(gabor(0.5, phase=1.0))))
    30
    """
    c = s = 0.0
    for angle, pair in _BANK:
        energy = sum(_dot(w, picture) ** 2 for w in pair)
        c, s = c + energy * math.cos(2.0 * angle), s + energy * math.sin(2.0 * angle)
    return 0.5 * math.atan2(s, c) % math.pi


_BANK = [
    (angle, (gabor(angle), gabor(angle, phase=-math.pi / 2)))
    for angle in (k * math.pi / 4 for k in range(4))
]


# --- the data and the network ---------------------------------------------------------------


def stripes(n: int, seed: int, noise: float = 0.05) -> tuple[list[Filter], list[float]]:
    """Pictures of stripes, and their angles from 0 up to π.

    Args:
        n: how many.
        seed: of everything that is drawn: angles, frequencies, phases and noise.
        noise: the deviation of the noise of each pixel.

    >>> pictures, angles = stripes(2, seed=1)
    >>> len(pictures[0]), [round(math.degrees(angle)) for angle in angles]
    (81, [24, 171])
    """
    draw = random.Random(seed)
    pictures, angles = [], []
    for _ in range(n):
        angles.append(draw.uniform(0.0, math.pi))
        frequency, phase = draw.uniform(0.15, 0.25), draw.uniform(0.0, math.tau)
        clean = gabor(angles[-1], frequency, phase)
        pictures.append([x + noise * draw.gauss(0.0, 1.0) for x in clean])
    return pictures, angles


def build(hidden_units: int = 8, seed: int = 1) -> nn.MLP:
    """The network, with two linear outputs; the weights begin small.

    Args:
        hidden_units: how many, or 0.
        seed: of the weights.

    Raises:
        ValueError: the number of hidden units is negative.

    >>> len(build().parameters())
    674
    """
    if hidden_units < 0:
        raise ValueError(f"hidden_units must be 0 or more, got {hidden_units}")
    draw = random.Random(seed)
    model = nn.MLP(SIDE * SIDE, [hidden_units, 2] if hidden_units else [2], "sigmoid")
    for w in model.parameters():
        w.data = draw.uniform(-0.1, 0.1)
    return model


# --- which hand-made filter is nearest ------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """The hand-made filter most like some weights: the share R² that it explains, and its numbers.

    `filter` has the size and sign of the weights; `angle` is across its stripes, from 0 up to π;
    `frequency` is 0 for an edge.
    """

    r2: float
    filter: Filter
    angle: float
    frequency: float


def nearest_edge(weights: Sequence[float]) -> Match:
    """The most similar edge filter, at any angle, of any size, at a grid of centres and widths.

    >>> round(nearest_edge(edge(0.3, x=1.0)).r2, 6)
    1.0
    """
    best = Match(-1.0, [], 0.0, 0.0)
    for width in (1.0, 1.4, 2.0, 2.8):
        for x in (-2.0, -1.0, 0.0, 1.0, 2.0):
            for y in (-2.0, -1.0, 0.0, 1.0, 2.0):
                level, upright = edge(math.pi / 2, x, y, width), edge(0.0, x, y, width)
                r2, a, b = _share(weights, upright, level)
                if r2 > best.r2:
                    mixed = [a * p + b * q for p, q in zip(upright, level, strict=True)]
                    best = Match(r2, mixed, math.atan2(b, a) % math.pi, 0.0)
    return best


def nearest_gabor(weights: Sequence[float]) -> Match:
    """The most similar Gabor filter: the best of a coarse grid, then improved step by step.

    Size and phase need no search: a Gabor filter of any phase is a sum of a cosine and a sine, of
    which least squares gives the shares.

    >>> match = nearest_gabor(gabor(0.7, 0.18, 1.0, 0.5, -0.5))
    >>> round(match.r2, 3), round(match.angle, 2), round(match.frequency, 2)
    (1.0, 0.7, 0.18)
    """

    def fit(place: Sequence[float]) -> float:
        return _share(weights, *_pair(place))[0]

    place = max(_GRID, key=fit)
    found, steps = fit(place), [0.2, 0.03, 0.5, 0.5, 0.4, 0.4]
    while max(steps) > 1e-3:
        before = found
        for k, step in enumerate(steps):
            for turn in (step, -step):
                tried = [p + turn * (i == k) for i, p in enumerate(place)]
                if min(tried[4:]) >= 0.7 and 0.05 <= tried[1] <= 0.4 and fit(tried) > found:
                    place, found = tried, fit(tried)
        if found < before + 1e-4:
            steps = [0.5 * step for step in steps]
    cosine, sine = _pair(place)
    r2, a, b = _share(weights, cosine, sine)
    mixed = [a * p + b * q for p, q in zip(cosine, sine, strict=True)]
    return Match(r2, mixed, place[0] % math.pi, place[1])


_GRID = [
    [k * math.pi / 8, frequency, x, y, width, width]
    for k in range(8) for frequency in (0.12, 0.17, 0.22) for width in (1.2, 2.0)
    for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)
]  # fmt: skip


def _pair(place: Sequence[float]) -> tuple[Filter, Filter]:
    """The cosine and the sine of a Gabor filter: angle, frequency, centre, and both widths."""
    angle, frequency, x, y, across, along = place
    return (
        gabor(angle, frequency, 0.0, x, y, across, along),
        gabor(angle, frequency, -math.pi / 2, x, y, across, along),
    )


def _share(weights: Sequence[float], p: Filter, q: Filter) -> tuple[float, float, float]:
    """The share of Σ w² that the best a p + b q explains; a and b."""
    pp, pq, qq = _dot(p, p), _dot(p, q), _dot(q, q)
    wp, wq = _dot(weights, p), _dot(weights, q)
    det = pp * qq - pq * pq
    if det < 1e-9 * pp * qq:
        return 0.0, 0.0, 0.0
    a, b = (qq * wp - pq * wq) / det, (pp * wq - pq * wp) / det
    return (a * wp + b * wq) / _dot(weights, weights), a, b


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    total: float = sum(map(mul, a, b))
    return total


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class GaborFilters:
    """What `run` computes; pictures and filters are lists of 81 numbers, row by row.

    `errors` are, by the name of the method, the median of the errors in degrees on pictures that
    the network has not learnt from. `filters` are the weights of the hidden units; `gabors` and
    `edges` are the hand-made filters nearest to them, and `at_first` is R² of the nearest Gabor
    filters before learning.
    """

    pictures: list[Filter]
    angles: list[float]
    course: list[float]  # E before each update
    errors: dict[str, float]
    at_first: list[float]
    filters: list[Filter]
    gabors: list[Match]
    edges: list[Match]


def run(hidden_units: int = 8, seed: int = 1, epochs: int = 400) -> GaborFilters:
    """Learn the angles of 250 pictures, and compare with filters made by hand.

    Args:
        hidden_units: how many, or 0.
        seed: of the starting weights.
        epochs: updates, each by all pictures.

    >>> run(hidden_units=0, epochs=50).errors["network"] > 30
    True
    """
    pictures, angles = stripes(250, seed=1)
    model = build(hidden_units, seed)
    at_first = [nearest_gabor(w).r2 for w in _filters(model)] if hidden_units else []
    error = sg.compile(  # half the squared error of one picture; the mean of these is E
        lambda x, y: losses.squared_error(model(x), y), params=model.parameters(), reduction="mean"
    )
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=3e-3)
    targets = [[math.cos(2.0 * angle), math.sin(2.0 * angle)] for angle in angles]
    course = []
    for _ in tracked(range(epochs), "learning"):
        optimizer.zero_grad()
        course.append(error.backward(pictures, targets))
        optimizer.step()

    def by_network(picture: Sequence[float]) -> float:
        c, s = (y.data for y in model(picture))
        return 0.5 * math.atan2(s, c) % math.pi

    new, truth = stripes(400, seed=2)
    methods: dict[str, Callable[[Sequence[float]], float]] = {
        "network": by_network, "Gabor filters": by_gabors, "edge filters": by_edges,
    }  # fmt: skip
    errors = {}
    with sg.no_grad():
        for name, angle_of in methods.items():
            errors[name] = median(
                math.degrees(_turn(angle_of(x), a)) for x, a in zip(new, truth, strict=True)
            )
    filters = _filters(model) if hidden_units else []
    return GaborFilters(
        pictures[:8], angles[:8], course, errors, at_first, filters,
        [nearest_gabor(w) for w in filters], [nearest_edge(w) for w in filters],
    )  # fmt: skip


def _filters(model: nn.MLP) -> list[Filter]:
    return [[w.data for w in unit.w] for unit in model.layers[0].neurons]


def _turn(a: float, b: float) -> float:
    """The angle between two directions of stripes, from 0 to π/2."""
    return abs((a - b + math.pi / 2) % math.pi - math.pi / 2)


def report(result: GaborFilters) -> str:
    """How well each method does, and for each hidden unit the most similar hand-made filters."""
    lines = [
        "Median error of the angle, on 400 new pictures (guessing errs by 45 degrees)", "",
        *(f"  {name:<14}{error:6.1f} degrees" for name, error in result.errors.items()), "",
        f"E = 1/(2N) Σ |ŷ - y|² fell from {result.course[0]:.3f} to {result.course[-1]:.3f} in "
        f"{len(result.course)} updates",
    ]  # fmt: skip
    if not result.filters:
        return "\n".join(lines)
    lines += [
        "", "Which share R² of a unit's squared weights the most similar hand-made filter explains",
        "", "        Gabor, before   Gabor, after   its angle in   its stripes   edge, after",
        "  unit       learning       learning        degrees     per pixel      learning",
    ]  # fmt: skip
    rows = zip(result.at_first, result.gabors, result.edges, strict=True)
    for j, (before, match, edges) in enumerate(rows, 1):
        lines.append(
            f"  {j:>4}{before:>15.2f}{match.r2:>15.2f}{math.degrees(match.angle):>15.0f}"
            f"{match.frequency:>14.3f}{edges.r2:>14.2f}"
        )
    return "\n".join(lines)


def figures(result: GaborFilters) -> dict[str, Picture]:
    """The pictures, the filters beside the nearest hand-made ones, the errors, and E by update."""
    from scalargrad import plot

    drawn: dict[str, Picture] = {
        "pictures": plot.images(
            [_rows(x) for x in result.pictures],
            [f"θ = {math.degrees(angle):.0f}°" for angle in result.angles],
            columns=4, signed=True, width=1.6,
            title="What the network sees, and the angle that it should tell",
            alt="Eight pictures of 9 by 9 pixels: stripes under a soft round window, turned by "
            "different angles.",
        ),
        "errors": plot.bars(
            {"median error": list(result.errors.values())}, list(result.errors),
            ylabel="median error of the angle, degrees", title="Learnt and hand-made features",
            alt="The median error of the angle: "
            + ", ".join(f"{name} {error:.1f}" for name, error in result.errors.items())
            + " degrees.",
        ),
        "loss": plot.lines(
            {"E": result.course}, xlabel="update", ylabel="E", yscale="log",
            title="The error of the network while it learns",
            alt="E by update: a plateau at 0.5, which is to answer 0 to all, then a fall.",
        ),
    }  # fmt: skip
    if result.filters:
        n = len(result.filters)
        drawn["filters"] = plot.images(
            [_rows(w) for w in result.filters]
            + [_rows(m.filter) for m in (*result.gabors, *result.edges)],
            [f"unit {j}" for j in range(1, n + 1)]
            + [f"Gabor: {m.r2:.2f}" for m in result.gabors]
            + [f"edge: {m.r2:.2f}" for m in result.edges],
            columns=n, signed=True, width=1.15,
            title="Learnt weights (top), the nearest Gabor filters, the nearest edge filters (R²)",
            alt="Three rows of pictures. Top: the weights of the hidden units, stripes "
            "under a window. Middle: the Gabor filters most like them, hardly different. Bottom: "
            "the edge filters most like them, which have only one light and one dark side.",
        )  # fmt: skip
    return drawn


def _rows(pixels: Filter) -> list[Filter]:
    return [pixels[k : k + SIDE] for k in range(0, len(pixels), SIDE)]
