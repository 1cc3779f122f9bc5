"""6.25 million weights learn two photographs, and recall each from a noisy or covered copy.

Each of 50 x 50 pixels is an input and an output, linear and without bias. What the network should
learn for a photograph x_t is the photograph itself (an autoassociator):

    y_t = W x_t        E = 1/2 Σ_t |y_t - x_t|²        ΔW = -ε ∂E/∂W = -ε Σ_t (y_t - x_t) x_tᵀ

From W = 0 descent ends at the projection P onto the photographs: W x is the mixture of the two that
is nearest to x. Noise has next to nothing in common with either, so it is dropped, and a noisy
photograph recalls the clean one. A photograph with its right half covered recalls the whole: what
can be seen belongs to one of the two. As there is only half of it in the cue, it comes back with
about half of its contrast, which is then restored until it fits what can be seen.

Such a memory is content-addressable: it is asked with a part of the content, and not with an
address that says where the content is stored.

How many photographs fit? N pixels hold at most N independent pictures, but recall breaks before.
With K pictures stored, the share √(K/N) of the noise in a cue passes, since a mixture of many
pictures can imitate noise. And a half-covered cue must be distinguished from all that look similar
in the visible half.

From random weights W0 descent ends at P + W0 (I - P). The photographs are recalled as exactly, but
noise passes through W0 as it did before learning. So start at zero, or near it.

2,500 outputs times two photographs are 5,000 `dot` nodes of 2,500 weights each. There are three
ways to differentiate them, with the same result: see `WAYS`.

Source: Stone, "Learning photographs".

Data: ours, since the lecture's photographs are lost. A program draws a portrait and a sailing boat,
in grey levels from -1/2 (black) to 1/2 (white), and other portraits for the capacity.
`run(pictures=shapes)` learns a disc and a chequerboard of 0 and 1 instead.

Look for: the errors of single pixels, .29 in the noisy pictures, are about .01 in the recalled
ones, and about .02 where half was covered. From random weights it is .14. When ten faces are
stored, all ten are recalled from their halves; when fifty are, only three of the first ten.

Conclusion: a network that learns to copy pictures recalls a whole picture from a damaged one, as
long as it has stored few pictures compared with its pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import product
from math import exp, hypot, isqrt, sin, sqrt
from operator import mul
from statistics import correlation
from typing import TYPE_CHECKING, Any, Protocol

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "WAYS", "Capacity", "Cue", "Eager", "Memory", "Photographs", "Recall", "Training",
    "UnitReplay", "WholeReplay", "boat", "capacity", "covered", "eigenvalues", "figures", "gram",
    "noise", "photographs", "portrait", "portraits", "random_weights", "report", "restored",
    "rmse", "run", "shapes", "train",
]  # fmt: skip

Photo = list[float]  # its pixels, row by row
Matrix = Sequence[Sequence[float]]

# --- the pictures ---------------------------------------------------------------------------


def photographs(n: int) -> list[Photo]:
    """Two pictures of n x n pixels in grey levels: a portrait and a sailing boat.

    >>> [len(photo) for photo in photographs(8)]
    [64, 64]
    """
    return [portrait(n), boat(n)]


def shapes(n: int) -> list[Photo]:
    """A disc, and a chequerboard of fields twice as wide as high: 0 is black, 1 is white.

    >>> [sum(shape) for shape in shapes(8)]
    [24.0, 32.0]
    """
    places = [(r, c) for r in range(n) for c in range(n)]
    disc = [(2 * r + 1 - n) ** 2 + (2 * c + 1 - n) ** 2 <= (0.7 * n) ** 2 for r, c in places]
    high, wide = max(1, n // 8), max(1, n // 4)
    return [[float(p) for p in disc], [float((r // high + c // wide) % 2 == 0) for r, c in places]]


class _Pixel:
    """A pixel in the making: layer upon layer, each with a shade from 0 (black) to 1 (white)."""

    def __init__(self, n: int, shade: float) -> None:
        self.n = n
        self.shade = shade

    def lay(self, shade: float, *outside: float) -> None:
        """Paint over it, as far as it lies inside: `outside` are distances from some edges."""
        share = min(1.0, max(0.0, 0.5 - 0.4 * self.n * max(outside)))  # soft, as a lens is
        self.shade += share * (shade - self.shade)


def _outside(u: float, v: float, wide: float, high: float) -> float:
    """About how far (u, v) lies outside of an ellipse around 0; inside it is negative."""
    return (hypot(u / wide, v / high) - 1.0) * min(wide, high)


def portrait(n: int, look: Sequence[float] = (0.0,) * 11) -> Photo:
    """A face in grey levels from -1/2 (black) to 1/2 (white).

    Args:
        n: the pixels of a side.
        look: eleven numbers from -1 to 1 that make another face: width, height, shade of the hair,
            direction of the light, distance of the eyes, width of the mouth, smile, background,
            the place across and down, tilt.

    >>> max(portrait(8)) <= 0.5, portrait(8) == portrait(8, [1.0] * 11)
    (True, False)
    """
    wide, high, hair, light, eyes, mouth, smile, back, right, down, tilt = look
    wide, high, hair, light = 0.46 + 0.06 * wide, 0.6 + 0.05 * high, 0.18 + 0.12 * hair, light - 1.1
    eyes, mouth, smile = 0.19 + 0.03 * eyes, 0.17 + 0.05 * mouth, 0.05 + 0.05 * smile
    photo = []
    for r, c in product(range(n), repeat=2):
        v = (2 * r + 1 - n) / n - 0.12 * down  # from -1 at the top to 1
        u = (2 * c + 1 - n) / n - 0.15 * right - 0.2 * tilt * v
        x, y = u / wide, (v + 0.06) / high
        z = sqrt(max(0.0, 1.0 - x * x - y * y))  # the head is round
        lit = max(0.0, x * light - 0.9 * y + 1.5 * z) / hypot(light, 0.9, 1.5)
        pixel = _Pixel(n, 0.62 + 0.12 * back - 0.15 * v)
        pixel.lay(0.24 + 0.05 * u * light, _outside(u, v - 1.15, 0.86, 0.52))  # the shoulders
        pixel.lay(0.55, abs(u) - 0.19, 0.2 - v, v - 0.78)  # the neck
        pixel.lay(hair, _outside(u, v + 0.22, wide + 0.13, high + 0.06), v - 0.25)
        pixel.lay(0.36 + 0.56 * lit, _outside(u, v + 0.06, wide, high), 0.12 * u - 0.4 - v)
        for e in (u - eyes, u + eyes):
            pixel.lay(0.93, _outside(e, v + 0.12, 0.105, 0.055))
            pixel.lay(0.08, _outside(e, v + 0.12, 0.048, 0.052))
            pixel.lay(hair, abs(e) - 0.13, abs(v + 0.25 + 0.5 * e * e) - 0.028)
        pixel.lay(0.62 * pixel.shade, _outside(u - 0.055, v - 0.09, 0.035, 0.15))  # of the nose
        pixel.lay(0.3, abs(u) - mouth, abs(v - 0.3 + smile * (u / mouth) ** 2) - 0.03)
        photo.append(min(1.0, max(0.0, pixel.shade)) - 0.5)
    return photo


def portraits(n: int, count: int) -> list[Photo]:
    """So many different faces.

    >>> one, other = portraits(8, 2)
    >>> one == other
    False
    """
    numbers = noise(11 * count, seed=3)
    return [portrait(n, numbers[i : i + 11]) for i in range(0, 11 * count, 11)]


def boat(n: int) -> Photo:
    """A sailing boat on the sea in grey levels from -1/2 (black) to 1/2 (white).

    >>> len(boat(8))
    64
    """
    photo = []
    for r, c in product(range(n), repeat=2):
        u, v = (2 * c + 1 - n) / n, (2 * r + 1 - n) / n
        pixel = _Pixel(n, 0.52 + 0.27 * (v + 1.0))  # the sky
        pixel.lay(1.0, _outside(u + 0.62, v + 0.55, 0.2, 0.2))  # the sun
        pixel.lay(0.45, _outside(u - 0.75, v - 0.42, 0.55, 0.22))  # a hill
        wave = 0.34 + 0.1 * sin(26.0 * v + 3.0 * sin(5.0 * u)) * (0.4 + v)
        shine = 0.4 * exp(-(((u + 0.62) / 0.14) ** 2)) * (0.5 + 0.5 * sin(40.0 * v))
        pixel.lay(wave + shine, 0.36 - v)
        pixel.lay(0.97 + 0.35 * u, u + 0.02, -0.41 - u - 0.455 * v, v - 0.26)  # two sails
        pixel.lay(0.8 - 0.25 * u, 0.06 - u, u - 0.52 - 0.653 * v, v - 0.26)
        pixel.lay(0.12, abs(u - 0.02) - 0.02, v - 0.36, -0.9 - v)  # the mast
        pixel.lay(0.13, 0.32 - v, v - 0.56, abs(u - 0.05) + 0.55 * v - 0.9)
        photo.append(min(1.0, max(0.0, pixel.shade)) - 0.5)
    return photo


def covered(photo: Photo) -> Photo:
    """The picture with its right half covered, which is 0 there.

    >>> covered([1.0, 1.0, 1.0, 1.0])
    [1.0, 0.0, 1.0, 0.0]
    """
    n = isqrt(len(photo))
    return [p if i % n < n // 2 else 0.0 for i, p in enumerate(photo)]


def restored(picture: Photo, cue: Photo) -> Photo:
    """The picture at the contrast that fits the cue best, where that is not covered.

    >>> restored([1.0, 2.0], [2.0, 0.0])
    [2.0, 4.0]
    """
    seen = [(p, q) for p, q in zip(picture, cue, strict=True) if q]
    factor = sum(p * q for p, q in seen) / (sum(p * p for p, _ in seen) or 1.0)
    return [factor * p for p in picture]


def noise(count: int, seed: int = 2024) -> list[float]:
    """So many numbers, evenly spread from -1 to 1, the same on every machine.

    They come from a linear congruential generator, which you can repeat in any language.

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

    >>> memory = Eager(shapes(3), lr=0.1)
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
    """How much the photographs have in common: their scalar products.

    >>> gram(shapes(8))
    [[24.0, 12.0], [12.0, 32.0]]
    """
    return [[float(sg.dot(p, q)) for q in photos] for p in photos]


def eigenvalues(photos: list[Photo]) -> tuple[float, float]:
    """The two eigenvalues of `gram`, the smaller first: the curvatures of E.

    At a rate of 1 divided by the larger, one direction is learnt in the first update; twice this
    rate would be the first that does not settle.

    >>> [round(curvature, 6) for curvature in eigenvalues(shapes(8))]
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


# --- learning -------------------------------------------------------------------------------


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

    >>> disc, board = shapes(4)
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


# --- how many fit -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Capacity:
    """What is recalled of the first faces when so many are stored.

    `passes` is the error of a recalled face, as a share of the noise in the cue; `right` the share
    of the half-covered faces that recall the right one: what is recalled is nearest to it.
    """

    stored: int
    passes: float
    right: float


def capacity(
    n: int = 12, counts: Sequence[int] = (1, 2, 5, 10, 20, 30, 50, 70, 100), tested: int = 10
) -> list[Capacity]:
    """Store more and more faces, and recall the first ones from noisy and half-covered cues.

    What descent from zero ends at is computed directly: the projection of the cue onto all faces
    that are stored.

    Args:
        n: the pixels of a side; there are n² inputs.
        counts: how many faces are stored; those up to 0.7 n² are tried.
        tested: how many of them are recalled.

    >>> [one.stored for one in capacity(4)]
    [1, 2, 5, 10]
    """
    counts = [count for count in counts if count <= 0.7 * n * n]
    faces = portraits(n, max(counts))
    noisy = [
        [p + 0.5 * x for p, x in zip(face, noise(n * n, seed=2024 + 7919 * k), strict=True)]
        for k, face in enumerate(faces[:tested])
    ]
    cues = [*noisy, *map(covered, faces[:tested])]
    recalled = [[0.0] * (n * n) for _ in cues]
    axes: list[Photo] = []  # at right angles to each other, and as many as faces are stored
    found = []
    for count, face in enumerate(faces, 1):
        axes.append(_at_right_angles(face, axes))
        for k, cue in enumerate(cues):
            recalled[k] = _added(recalled[k], axes[-1], _dot(axes[-1], cue))
        if count in counts:
            k = min(count, tested)
            pairs = [(recalled[i], noisy[i], faces[i]) for i in range(k)]
            passes = sum(rmse(r, face) / rmse(cue, face) for r, cue, face in pairs) / k
            wholes = [restored(recalled[tested + i], cues[tested + i]) for i in range(k)]
            nearest = [
                min(range(count), key=lambda j, whole=whole: rmse(whole, faces[j]))  # type: ignore[misc]
                for whole in wholes
            ]
            right = sum(i == j for i, j in enumerate(nearest)) / k
            found.append(Capacity(count, passes, right))
    return found


def _at_right_angles(photo: Photo, axes: list[Photo]) -> Photo:
    """What is new in the picture, of length 1."""
    for _ in range(2):  # the second time takes away what rounding has left
        for axis in axes:
            photo = _added(photo, axis, -_dot(axis, photo))
    length = sqrt(_dot(photo, photo))
    return [p / length for p in photo]


def _dot(one: Photo, other: Photo) -> float:
    return float(sum(map(mul, one, other)))


def _added(photo: Photo, axis: Photo, factor: float) -> Photo:
    return [p + factor * a for p, a in zip(photo, axis, strict=True)]


# --- the example ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Cue:
    """A damaged picture, and what the network recalls from it.

    `shares` says how much of each photograph is in `recalled`; `whole` is the same with its
    contrast restored. `rmse_cue` and `rmse_whole` compare with the clean picture.
    """

    cue: Photo
    recalled: Photo
    whole: Photo
    shares: tuple[float, float]
    rmse_cue: float
    rmse_whole: float


@dataclass(frozen=True)
class Photographs:
    """What `run` computes: the pictures, the trainings from zero and random weights, the recalls.

    `noisy_cues` and `half_cues` have one for each photograph. `grey` is what is added to a pixel to
    show it: 0 is black then, and 1 is white.
    """

    n: int
    way: str
    lr: float
    grey: float
    photos: list[Photo]
    noisy: Photo
    training: Training
    from_random: Training | None
    noisy_cues: list[Cue]
    half_cues: list[Cue]

    @cached_property
    def capacity(self) -> list[Capacity]:
        """How many faces fit, in up to 12 x 12 pixels; computed when it is asked for."""
        return capacity(min(self.n, 12))


def run(
    n: int = 50, updates: int | None = None, way: str | None = None, start_at_random: bool = True,
    pictures: Callable[[int], list[Photo]] = photographs,
) -> Photographs:  # fmt: skip
    """Learn two photographs, recall both from noisy and half-covered copies, and try how many fit.

    Args:
        n: the pixels of a side, 3 or more; there are n⁴ weights.
        updates: how many; by default 50, or 12 where that would take minutes (way "eager").
        way: how to differentiate, a name in `WAYS`; by default "unit" where numba is installed,
            which takes seconds, and "eager" otherwise, which takes two minutes or three.
        start_at_random: whether to train a second time, from random weights.
        pictures: what makes the two pictures for n, `photographs` or `shapes`.

    Raises:
        ValueError: n is too small for two pictures, there is no such way, no update.

    >>> round(run(n=8, updates=50, way="eager", pictures=shapes).training.end.rmse, 3)
    0.066
    """
    way = way or ("unit" if find_spec("numba") else "eager")
    updates = (12 if way == "eager" else 50) if updates is None else updates
    if way not in WAYS:
        raise ValueError(f"the ways are {', '.join(WAYS)}, got {way!r}")
    if n < 3 or updates < 1:
        raise ValueError(f"needs n = 3 pixels and 1 update or more, got {n} and {updates}")
    photos = pictures(n)
    numbers = [noise(n * n), noise(n * n, seed=4711)]
    noisy = [
        [p + 0.5 * x for p, x in zip(photo, one, strict=True)]
        for photo, one in zip(photos, numbers, strict=True)
    ]
    lr = 1.0 / eigenvalues(photos)[1]
    memory = WAYS[way](photos, lr, None)
    training = train(memory, photos, noisy[0], updates)
    pairs = list(zip(photos, noisy, strict=True))
    noisy_cues = [_asked(memory, photos, photo, cue, restore=False) for photo, cue in pairs]
    half_cues = [_asked(memory, photos, p, covered(p), restore=True) for p in photos]
    del memory  # some gigabytes, before the second one is made
    from_random = None
    if start_at_random:
        other = WAYS[way](photos, lr, random_weights(n))
        from_random = train(other, photos, noisy[0], updates)
    return Photographs(
        n, way, lr, 0.5 if min(map(min, photos)) < 0.0 else 0.0, photos, noisy[0], training,
        from_random, noisy_cues, half_cues,
    )  # fmt: skip


def _asked(memory: Memory, photos: list[Photo], photo: Photo, cue: Photo, restore: bool) -> Cue:
    recalled = memory.recall(cue)
    whole = restored(recalled, cue) if restore else recalled
    shares = _coefficients(recalled, photos)
    return Cue(cue, recalled, whole, shares, rmse(cue, photo), rmse(whole, photo))


def report(result: Photographs) -> str:
    """What each cue recalls, how recall grows with the updates, and how many pictures fit."""
    n, clean = result.n, result.photos[0]
    lines = [
        f"{n} x {n} pixels, {n**4:,} weights; differentiated by the way {result.way!r}; "
        f"rate ε = {result.lr:.4g}", "",
        "Content-addressable: each cue is a damaged picture, and recalls the whole one", "",
        "  cue                       in what is recalled:     rmse to the clean picture",
        "                            picture 1   picture 2    of the cue  of the recall",
    ]  # fmt: skip
    for kind, cues in (("noisy", result.noisy_cues), ("half covered", result.half_cues)):
        for k, cue in enumerate(cues, 1):
            shares = f"{cue.shares[0]:+9.4f} {cue.shares[1]:+11.4f}"
            name = f"picture {k}, {kind}"
            lines.append(f"  {name:<25} {shares}    {cue.rmse_cue:9.4f} {cue.rmse_whole:14.4f}")
    lines += [
        "  From half a picture about half its contrast comes back; the last column is with the",
        "  contrast restored.", "",
        "Recalling picture 1 from its noisy copy, while learning", "",
        "                       E of the      in it:                    rmse        correlation",
        "                       two pictures  picture 1    picture 2    to picture 1",
        f"  the noisy copy       {'':<39}  {_likeness(result.noisy, clean)}",
    ]  # fmt: skip
    for k, recall in result.training.recalls.items():
        shares = f"{recall.shares[0]:+12.6f} {recall.shares[1]:+12.6f}"
        likeness = _likeness(recall.picture, clean)
        lines.append(f"  after {k:>3} updates    {recall.E:<13.4g} {shares}  {likeness}")
    if result.from_random:  # what is recalled there is no mixture
        end = result.from_random.end
        likeness = _likeness(end.picture, clean)
        lines.append(f"  from random weights  {end.E:<13.4g} {'':<25}  {likeness}")
    pixels = min(n, 12) ** 2
    lines += [
        "", f"How many fit: faces stored in {pixels} pixels, and what is recalled of the first ten",
        "",
        "  stored   noise that passes   √(K/N)   right from a covered half",
    ]  # fmt: skip
    for one in result.capacity:
        predicted = sqrt(one.stored / pixels)
        lines.append(
            f"  {one.stored:>6}   {one.passes:>17.0%}   {predicted:>6.0%}   {one.right:>24.0%}"
        )
    return "\n".join(lines)


def _likeness(picture: Photo, clean: Photo) -> str:
    return f"{rmse(picture, clean):.6f}    {correlation(picture, clean):.6f}"


def figures(result: Photographs) -> dict[str, Picture]:
    """The pictures, their cues and recalls; the starts; how many fit; the error while learning."""
    from scalargrad import plot

    def grid(shown: dict[str, Photo], columns: int, title: str, alt: str) -> Picture:
        n = result.n
        return plot.images(
            [[[x + result.grey for x in p[i : i + n]] for i in range(0, n * n, n)]
             for p in shown.values()],
            [*shown], columns=columns, title=title, alt=alt,
        )  # fmt: skip

    shown: dict[str, Photo] = {}
    cues = zip(result.photos, result.noisy_cues, result.half_cues, strict=True)
    for k, (photo, noisy, half) in enumerate(cues, 1):
        shown |= {
            f"picture {k}": photo,
            f"{k} under noise\nrmse {noisy.rmse_cue:.2f}": noisy.cue,
            f"{k} recalled from it\nrmse {noisy.rmse_whole:.3f}": noisy.whole,
            f"{k} half covered\nrmse {half.rmse_cue:.2f}": half.cue,
            f"{k} recalled from it\n(contrast restored) rmse {half.rmse_whole:.3f}": half.whole,
        }
    pictures: dict[str, Picture] = {
        "pictures": grid(
            shown, 5, "A content-addressable memory: damaged pictures recall whole ones",
            "Two pictures in grey levels, a row for each: the picture; the same under noise; what "
            "the network recalls from that, almost the clean picture; the same with its right half "
            "covered; what the network recalls from that, with the hidden half.",
        )
    }  # fmt: skip
    end = result.training.end
    starts = {
        f"under noise\nrmse {rmse(result.noisy, result.photos[0]):.3f}": result.noisy,
        f"recalled, start at zero\nrmse {end.rmse:.4f}": end.picture,
    }
    errors = {"from zero": result.training.errors}
    if result.from_random:
        last = result.from_random.end
        starts[f"recalled, random start\nrmse {last.rmse:.3f}"] = last.picture
        errors["from random weights"] = result.from_random.errors
    pictures["starts"] = grid(
        starts, 3, "Start at zero, or the noise leaks through",
        "The noisy picture; what is recalled from it after a start at zero, which is clean; what "
        "is recalled after a start at random weights, with some of the noise.",
    )  # fmt: skip
    pictures["errors"] = plot.lines(
        errors, xlabel="update", ylabel="E", yscale="log", title="Learning two pictures",
        alt="The error on the two pictures falls in a straight line on a logarithmic scale.",
    )  # fmt: skip
    pictures["capacity"] = _crowded(result)
    return pictures


def _crowded(result: Photographs) -> Picture:
    from scalargrad import plot

    pixels = min(result.n, 12) ** 2
    stored = [one.stored for one in result.capacity]
    page = plot.figure(
        1, 2, width=10.0, height=4.2,
        alt=f"Left: the more faces are stored in {pixels} pixels, the more of the noise passes, as "
        "√(K/N) says. Right: the share of half-covered faces that recall the right one is 1 for "
        "few faces, and falls towards chance.",
    )  # fmt: skip
    plot.lines(
        {"measured": (stored, [one.passes for one in result.capacity]),
         "√(K/N)": (stored, [sqrt(k / pixels) for k in stored])},
        xlabel=f"faces stored, K, in N = {pixels} pixels", ylabel="noise that passes",
        title="Noisy cues: with many faces the noise comes back", markers=True, ax=page.axes[0],
    )  # fmt: skip
    plot.lines(
        {"right": (stored, [one.right for one in result.capacity])},
        xlabel=f"faces stored, K, in N = {pixels} pixels", ylabel="right face recalled",
        title="Half-covered cues: faces are mistaken for others", markers=True, ax=page.axes[1],
    )  # fmt: skip
    for ax in page.axes:
        ax.set_ylim(0.0, 1.05)
    return page
