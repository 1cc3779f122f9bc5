"""6.25 million weights learn two photographs, and recall one from a noisy copy.

Each of 50 x 50 pixels is an input and an output, linear and without bias. What it has to learn for
a photograph x_t is the photograph itself (an autoassociator):

    y_t = W x_t        E = 1/2 Σ_t |y_t - x_t|²        ΔW = -ε ∂E/∂W = -ε Σ_t (y_t - x_t) x_tᵀ

From W = 0 descent ends at the projection P onto the photographs: W x is the mixture of the two that
is nearest to x. Noise has next to nothing in common with either, so it is dropped, and a noisy
photograph recalls the clean one. The memory is found by its content, not by an address.

From random weights W0 it ends at P + W0 (I - P). The photographs are recalled as exactly, but
noise passes through W0 as it did before learning. So start at zero, or near it.

2,500 outputs times two photographs are 5,000 `dot` nodes of 2,500 weights each. There are three
ways to differentiate them, with the same result: see `WAYS`.

Source: Stone, "Learning photographs".
Data: ours, since the lecture's photographs are lost: a disc and a chequerboard.
Look for: the errors of single pixels, .29 in the noisy picture, are .006 in the recalled one. The
disc comes back too bright by 1 %, since the noise happened to resemble it a little. Recall the
noisy picture after 1 update only: it shows both photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import hypot, sqrt
from statistics import correlation
from typing import TYPE_CHECKING, Any, Protocol

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "WAYS", "Eager", "Memory", "Photographs", "Recall", "Training", "UnitReplay", "WholeReplay",
    "eigenvalues", "figures", "gram", "noise", "photographs", "random_weights", "report", "rmse",
    "run", "train",
]  # fmt: skip

Photo = list[float]  # its pixels, row by row: 0 is black, 1 is white
Matrix = Sequence[Sequence[float]]

# --- the pictures ---------------------------------------------------------------------------


def photographs(n: int) -> list[Photo]:
    """Two pictures of n x n pixels: a disc, and a chequerboard of fields twice as wide as high.

    >>> [sum(photo) for photo in photographs(8)]
    [24.0, 32.0]
    """
    places = [(r, c) for r in range(n) for c in range(n)]
    disc = [(2 * r + 1 - n) ** 2 + (2 * c + 1 - n) ** 2 <= (0.7 * n) ** 2 for r, c in places]
    high, wide = max(1, n // 8), max(1, n // 4)
    return [[float(p) for p in disc], [float((r // high + c // wide) % 2 == 0) for r, c in places]]


def noise(count: int, seed: int = 2024) -> list[float]:
    """So many numbers, evenly spread from -1 to 1, the same on every machine.

    They come from the simplest of generators (linear congruential), which anybody can repeat.

    >>> [round(x, 6) for x in noise(2)]
    [-0.877182, -0.352485]
    """
    numbers = []
    for _ in range(count):
        seed = (1103515245 * seed + 12345) % 2**31
        numbers.append(2.0 * seed / 2**31 - 1.0)
    return numbers


def random_weights(n: int, seed: int = 7) -> list[list[float]]:
    """Starting weights for n x n pixels, evenly spread between ± 0.8/n: ± 0.1 for 8 x 8.

    A sum of n² products grows with n, so the weights shrink with it.

    >>> round(random_weights(2)[0][0], 6)
    0.077645
    """
    numbers = [0.8 / n * x for x in noise(n**4, seed)]
    return [numbers[i : i + n * n] for i in range(0, n**4, n * n)]


# --- the network, in three ways ---------------------------------------------------------------


class Memory(Protocol):
    """The network with its photographs, however it is differentiated.

    `update` makes one step downhill and gives E before it; `recall` answers to a picture.
    """

    def update(self) -> float: ...

    def recall(self, picture: Photo) -> Photo: ...


class Eager:
    """The network as one graph, built anew for every update: all of it can be looked at.

    Args:
        photos: what is learnt, two or more pictures of the same size.
        lr: ε.
        start: the weights at the start, a row for each output; None: zero.

    >>> memory = Eager(photographs(3), lr=0.1)
    >>> memory.update()
    5.0
    """

    def __init__(self, photos: list[Photo], lr: float, start: Matrix | None = None) -> None:
        pixels = len(photos[0])
        self.photos = photos
        self.layer = nn.Layer(pixels, pixels, None, bias=False, init="zeros")
        # parameters() would also make six million names like "neurons.0.w.0", and take 5 s
        self.weights = [w for neuron in self.layer.neurons for w in neuron.w]
        if start is not None:
            numbers = (number for row in start for number in row)
            for w, number in zip(self.weights, numbers, strict=True):
                w.data = number
        self.optimizer = optim.SGD(self.weights, lr=lr)

    def update(self) -> float:
        self.optimizer.zero_grad()
        E = self.backward()
        self.optimizer.step()
        return E

    def backward(self) -> float:
        """E, forward; its derivatives are added to those of the weights."""
        E = losses.squared_error([self.layer(photo) for photo in self.photos], self.photos)
        E.backward()
        return float(E.data)

    def recall(self, picture: Photo) -> Photo:
        with sg.no_grad():
            return [y.data for y in self.layer(picture)]


class WholeReplay(Eager):
    """The same, recorded once as a program of one photograph; arguments as for `Eager`."""

    def __init__(self, photos: list[Photo], lr: float, start: Matrix | None = None) -> None:
        super().__init__(photos, lr, start)
        self.step = sg.compile(
            lambda photo: losses.squared_error(self.layer(photo), photo),
            params=self.weights, reduction="sum",
        )  # fmt: skip

    def backward(self) -> float:
        return self.step.backward(self.photos)


class UnitReplay:
    """One output unit, recorded once and replayed for all of them, each with its own weights.

    The outputs share inputs but no weights: one network of 2,500 outputs is 2,500 networks of one.
    In what these differ, a row of weights and the targets, are the arguments of the recorded
    function. Needs NumPy; arguments as for `Eager`.
    """

    def __init__(self, photos: list[Photo], lr: float, start: Matrix | None = None) -> None:
        import numpy as np

        pixels = len(photos[0])
        self.W = np.zeros((pixels, pixels)) if start is None else np.array(start)
        self.targets = np.array(photos).T
        self.lr = lr

        def error(row: Any, targets: Any) -> Any:
            return losses.squared_error([sg.dot(row, photo) for photo in photos], targets)

        self.step = sg.compile(error, reduction="sum")

    def update(self) -> float:
        E, (gradient, _) = self.step.value_and_grad(self.W, self.targets)
        self.W -= self.lr * gradient
        return E

    def recall(self, picture: Photo) -> Photo:
        unit = sg.compile(lambda row: sg.dot(row, picture))
        return [float(y) for y in unit(self.W)]


# By name, with what an update takes at 50 x 50 (a noisy machine of two cores) and the most memory:
# eager 6.5 s and 2.3 GB; whole 2.2 s and 9.5 GB, after 95 s of recording; unit 0.07 s and 0.5 GB.
WAYS: dict[str, Callable[..., Memory]] = {"eager": Eager, "whole": WholeReplay, "unit": UnitReplay}


def rmse(picture: Photo, wanted: Photo) -> float:
    """The root of the mean squared difference of the pixels.

    >>> rmse([1.0, 0.0], [1.0, 1.0]) == 0.5**0.5
    True
    """
    return sqrt(sum((p - q) ** 2 for p, q in zip(picture, wanted, strict=True)) / len(wanted))


def gram(photos: list[Photo]) -> list[list[float]]:
    """How many pixels the photographs share: their scalar products.

    >>> gram(photographs(8))
    [[24.0, 12.0], [12.0, 32.0]]
    """
    return [[float(sg.dot(p, q)) for q in photos] for p in photos]


def eigenvalues(photos: list[Photo]) -> tuple[float, float]:
    """The two eigenvalues of `gram`, the smaller first: the curvatures of E.

    At a rate of 1 divided by the larger, one direction is learnt in the first update; twice this
    rate would be the first that does not settle.

    >>> [round(curvature, 6) for curvature in eigenvalues(photographs(8))]
    [15.350889, 40.649111]
    """
    (a, b), (_, d) = gram(photos)
    root = hypot((a - d) / 2, b)
    return (a + d) / 2 - root, (a + d) / 2 + root


def _coefficients(picture: Photo, photos: list[Photo]) -> tuple[float, float]:
    """How much of each photograph is in a mixture of the two."""
    (a, b), (_, d) = gram(photos)
    s, t = (float(sg.dot(picture, photo)) for photo in photos)
    return (s * d - b * t) / (a * d - b * b), (a * t - s * b) / (a * d - b * b)


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Recall:
    """What is recalled from the noisy picture after some updates.

    `E` is the error on the photographs themselves; `shares` says how much of each photograph is in
    `picture` (where W began at zero it is a mixture of them); `rmse` compares it with the first.
    """

    E: float
    picture: Photo
    shares: tuple[float, float]
    rmse: float


@dataclass(frozen=True)
class Training:
    """E before each update and after the last, and a recall for some numbers of updates."""

    errors: list[float]
    recalls: dict[int, Recall]

    @property
    def end(self) -> Recall:
        """The recall after the last update."""
        return self.recalls[len(self.errors) - 1]


def train(
    memory: Memory, photos: list[Photo], noisy: Photo, updates: int, marks: Sequence[int] = (1, 5)
) -> Training:
    """Descend, and look in between at what the noisy picture recalls.

    Args:
        memory: the network, made with these photographs.
        photos: the two photographs; the first is the one to recall.
        noisy: a noisy copy of it.
        updates: how many, at least 1.
        marks: after how many to recall; at the end in any case.

    >>> disc, board = photographs(4)
    >>> memory = Eager([disc, board], lr=0.1)
    >>> round(train(memory, [disc, board], disc, updates=60).end.rmse, 6)
    0.0
    """
    errors, recalls = [], {}
    for k in tracked(range(1, updates + 1), "update"):
        errors.append(memory.update())
        if k in marks or k == updates:
            E = losses.squared_error([memory.recall(photo) for photo in photos], photos)
            picture = memory.recall(noisy)
            shares = _coefficients(picture, photos)
            recalls[k] = Recall(E, picture, shares, rmse(picture, photos[0]))
    errors.append(recalls[updates].E)
    return Training(errors, recalls)


@dataclass(frozen=True)
class Photographs:
    """What `run` computes: the pictures, and the trainings from zero and from random weights."""

    n: int
    way: str
    lr: float
    photos: list[Photo]
    noisy: Photo
    training: Training
    from_random: Training | None


def run(
    n: int = 50, updates: int | None = None, way: str | None = None, start_at_random: bool = True
) -> Photographs:
    """Learn the two photographs, and recall the first from a noisy copy.

    Args:
        n: the pixels of a side, 3 or more; there are n⁴ weights.
        updates: how many; by default 50, or 12 where that would take minutes (way "eager").
        way: how to differentiate, a name in `WAYS`; by default "unit" where numba is installed,
            which takes seconds, and "eager" otherwise, which takes two minutes or three.
        start_at_random: whether to train a second time, from random weights.

    Raises:
        ValueError: n is too small for two pictures, there is no such way, no update.

    >>> round(run(n=8, updates=50, way="eager").training.end.rmse, 3)
    0.066
    """
    way = way or ("unit" if find_spec("numba") else "eager")
    updates = (12 if way == "eager" else 50) if updates is None else updates
    if way not in WAYS:
        raise ValueError(f"the ways are {', '.join(WAYS)}, got {way!r}")
    if n < 3 or updates < 1:
        raise ValueError(f"needs n = 3 pixels and 1 update or more, got {n} and {updates}")
    photos = photographs(n)
    noisy = [p + 0.5 * x for p, x in zip(photos[0], noise(n * n), strict=True)]
    lr = 1.0 / eigenvalues(photos)[1]

    def trained(start: list[list[float]] | None) -> Training:
        return train(WAYS[way](photos, lr, start), photos, noisy, updates)

    training = trained(None)
    from_random = trained(random_weights(n)) if start_at_random else None
    return Photographs(n, way, lr, photos, noisy, training, from_random)


def report(result: Photographs) -> str:
    """How the recall grows with the updates, and what random weights do to it."""
    n, clean = result.n, result.photos[0]
    (a, b), (_, d) = gram(result.photos)
    lines = [
        f"{n} x {n} pixels, {n**4:,} weights; differentiated by the way {result.way!r}",
        f"disc: {a:g} white pixels, chequerboard: {d:g}, both: {b:g}; rate ε = {result.lr:.6g}",
        "", "Recalling the disc from its noisy copy", "",
        "                       E on the     in it: disc  chequerboard  rmse to   correlation",
        "                       photographs                             the disc  with the disc",
        f"  the noisy copy       {'':<38}  {_likeness(result.noisy, clean)}",
    ]  # fmt: skip
    for k, recall in result.training.recalls.items():
        shares = f"{recall.shares[0]:+12.6f} {recall.shares[1]:+13.6f}"
        likeness = _likeness(recall.picture, clean)
        lines.append(f"  after {k:>3} updates    {recall.E:<11.4g} {shares}  {likeness}")
    if result.from_random:  # what is recalled there is no mixture
        end = result.from_random.end
        likeness = _likeness(end.picture, clean)
        lines.append(f"  from random weights  {end.E:<11.4g} {'':<26}  {likeness}")
    return "\n".join(lines)


def _likeness(picture: Photo, clean: Photo) -> str:
    return f"{rmse(picture, clean):.6f}  {correlation(picture, clean):.6f}"


def figures(result: Photographs) -> dict[str, Picture]:
    """The photographs, the noisy copy and the recalls as a grid; the error while learning."""
    from scalargrad import plot

    n, end, clean = result.n, result.training.end, result.photos[0]
    k, early = min(result.training.recalls.items())
    pictures = {
        "(a) photograph 1": clean,
        f"(b) noisy copy of (a)\nrmse {rmse(result.noisy, clean):.3f}": result.noisy,
        f"(c) recalled from (b)\nrmse {end.rmse:.4f}": end.picture,
        "(d) photograph 2": result.photos[1],
        f"(e) recalled after {k} update\nrmse {early.rmse:.3f}": early.picture,
    }
    errors = {"from zero": result.training.errors}
    if result.from_random:
        last = result.from_random.end
        pictures[f"(f) recalled, random start\nrmse {last.rmse:.3f}"] = last.picture
        errors["from random weights"] = result.from_random.errors
    grid = plot.images(
        [[p[i : i + n] for i in range(0, n * n, n)] for p in pictures.values()], [*pictures],
        alt="A white disc; the disc under noise; the disc recalled, without noise; a chequerboard; "
        "the disc recalled too early, with the chequerboard shining through; the disc recalled "
        "with some of the noise, where the weights were random at the start.",
    )  # fmt: skip
    curve = plot.lines(
        errors, xlabel="update", ylabel="E", yscale="log", title="Learning two photographs",
        alt="The error on the photographs falls in a straight line on a logarithmic scale.",
    )  # fmt: skip
    return {"pictures": grid, "errors": curve}
