"""A small GPT in scalars: it reads made-up names letter by letter, and makes up more.

A transformer is usually explained with tensors. Here every number is a Value: the formulas of
attention are written out as they are, and `sg.draw`, `sg.explain` and `.grad` answer for each
number in them.

    tokens -> vectors -> [ attention -> perceptron ] -> logits of the token that follows each

Each block adds to its input, as in a residual network. The error is the cross-entropy: the mean of
-log p over the tokens, where p is the probability that the model gives to the token that follows:

    p = softmax(logits)        E = -1/T Σ log p(token that follows)

Only this forward program is written; the backward pass is the engine's work. The program does not
depend on the letters, so it is recorded once for each length of a name, and replayed by
`sg.compile`.

Source: Lecture 2, Error backpropagation: it names transformers among the structures whose backward
pass is generated from the forward program.
Data: ours, since the lecture gives none: a thousand words made of syllables (names.py).
Look for: names that are in no corpus but keep to its syllables; attention that looks at one letter
here, at many there. With `run(steps=100)` it has the letters, but few of its new names fit a
syllable.
Conclusion: a transformer with 4,080 parameters and a network of eight weights learn by the same
rule.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import fmean
from typing import TYPE_CHECKING, Any

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.examples.lecture2.names import (
    ALPHABET,
    END,
    batches,
    combinations,
    corpus,
    decode,
    encode,
)
from scalargrad.support.progress import tracked

if TYPE_CHECKING:
    from scalargrad.examples.pictures import Picture

__all__ = [
    "Attention", "Block", "SmallGPT", "Training", "attend", "eager", "figures", "looks", "replayed",
    "report", "rmsnorm", "run", "sample", "train",
]  # fmt: skip

NUMBA = find_spec("numba") is not None
Vector = Sequence[Any]  # of numbers or Values
Batch = Sequence[Sequence[int]]  # documents of one length, as tokens
Backward = Callable[[Batch], float]  # gives the mean loss, adds its gradient to the parameters'


def rmsnorm(x: Vector) -> list[Any]:
    """The vector scaled to a root mean square of 1: the next block reads numbers of a known size.

    >>> [round(xi, 3) for xi in rmsnorm([30.0, -30.0, 0.0, 0.0])]
    [1.414, -1.414, 0.0, 0.0]
    """
    mean_square = sg.dot(x, x) / len(x)
    scale = 1.0 / sg.sqrt(mean_square + 1e-5)  # a vector of zeros is not divided by zero
    return [xi * scale for xi in x]


def attend(query: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> list[Any]:
    """The mean of the values, weighted by how well the key beside each fits the query.

    A choice of one value would have no derivative; a weighted mean has one, so where to look can be
    learnt like everything else.

    Args:
        query: what is looked for, a vector.
        keys: what can be found at each place, vectors as long as the query.
        values: what is returned from there, as many vectors.

    >>> attend([100.0, 0.0], keys=[[1.0, 0.0], [0.0, 1.0]], values=[[5.0], [7.0]])
    [5.0]
    """
    # A sum of n products is of the size of root n; unscaled, softmax would choose one place at once
    root = math.sqrt(len(query))
    weights = sg.softmax([sg.dot(query, key) / root for key in keys])
    return [sg.dot(weights, column) for column in zip(*values, strict=True)]


class Attention(nn.Module):
    """Causal attention: each place looks at itself and at the places before it.

    It does so with several heads, each on its own part of the vectors, as there is more than one
    thing to look for. The places after it are what it has to predict, so the slice leaves them out.

    Args:
        width: the length of a vector.
        heads: into how many parts it is cut; they are equal.

    Raises:
        ValueError: the width is no multiple of the heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        if width % heads:
            raise ValueError(f"a width of {width} cannot be cut into {heads} equal heads")
        self.heads = heads
        self.query, self.key, self.value, self.out = (_linear(width, width) for _ in range(4))

    def __call__(self, xs: Sequence[Vector]) -> list[list[Any]]:
        queries, keys, values = (
            [self.cut(layer(x)) for x in xs] for layer in (self.query, self.key, self.value)
        )
        outputs = []
        for place, parts in enumerate(queries):
            seen = slice(place + 1)
            found: list[Any] = []
            for head, query in enumerate(parts):
                found += attend(
                    query, [k[head] for k in keys[seen]], [v[head] for v in values[seen]]
                )
            outputs.append(self.out(found))
        return outputs

    def cut(self, x: Vector) -> list[Vector]:
        """The parts of a vector, one for each head."""
        size = len(x) // self.heads
        return [x[i : i + size] for i in range(0, len(x), size)]


class Block(nn.Module):
    """Attention, then a perceptron: places tell each other what they know, then each thinks.

    Both only add to the vectors. So there is a straight way through all blocks on which a gradient
    is multiplied by nothing, and the first layers learn as well as the last.
    """

    def __init__(self, width: int, heads: int) -> None:
        self.attention = Attention(width, heads)
        self.mlp = nn.MLP(width, [4 * width, width], "relu", bias=False, init="he")

    def __call__(self, xs: Sequence[Vector]) -> list[list[Any]]:
        heard = self.attention([rmsnorm(x) for x in xs])
        xs = [_add(x, dx) for x, dx in zip(xs, heard, strict=True)]
        return [_add(x, self.mlp(rmsnorm(x))) for x in xs]


class SmallGPT(nn.Module):
    """A decoder-only transformer; with the sizes given here it has 4,080 parameters.

    Args:
        vocabulary: how many tokens there are.
        context: the most tokens it can read.
        width: the length of the vector that stands for a token.
        heads: of each attention.
        depth: how many blocks follow one another.

    Called with a list of tokens, it gives a list of logits for each of them: what may follow there.
    A token is a whole number, plain or a Value. Nothing here asks which one it is, so `sg.compile`
    can record it once for all documents of a length.

    Raises (when called):
        ValueError: there are no tokens, or more than it can read.

    >>> model = SmallGPT()
    >>> len(model.parameters())
    4080
    >>> logits = model([0, 1, 4, 1])
    >>> len(logits), len(logits[0])
    (4, 27)
    """

    def __init__(
        self, vocabulary: int = len(ALPHABET), context: int = 9, width: int = 16, heads: int = 4,
        depth: int = 1,
    ) -> None:  # fmt: skip
        self.token_vectors = _table(vocabulary, width)
        self.place_vectors = _table(context, width)
        self.blocks = [Block(width, heads) for _ in range(depth)]
        self.logits = _linear(width, vocabulary)

    def vectors(self, tokens: Sequence[Any]) -> list[list[Any]]:
        """What enters the first block: for each token, its own vector and that of its place."""
        context = len(self.place_vectors)
        if not 0 < len(tokens) <= context:
            raise ValueError(f"this model reads 1 to {context} tokens, got {len(tokens)}")
        # attention takes a set: only through the second vector is "ab" another thing than "ba"
        return [
            _add(sg.take(self.token_vectors, token), sg.take(self.place_vectors, place))
            for place, token in enumerate(tokens)
        ]

    def __call__(self, tokens: Sequence[Any]) -> list[list[Any]]:
        xs = self.vectors(tokens)
        for block in self.blocks:
            xs = block(xs)
        return [self.logits(rmsnorm(x)) for x in xs]

    def loss(self, tokens: Sequence[Any]) -> Any:
        """How much a document surprises: the mean of -log p of its tokens, from those before."""
        if len(tokens) < 2:
            raise ValueError(f"a document has at least 2 tokens, got {len(tokens)}")
        return losses.cross_entropy(self(tokens[:-1]), tokens[1:])


def _table(rows: int, width: int) -> list[list[sg.Value]]:
    """A vector to be learnt for each of so many things."""
    return [[sg.Value(random.gauss(0.0, 0.3)) for _ in range(width)] for _ in range(rows)]


def _linear(nin: int, nout: int) -> nn.Layer:
    """Weighted sums and nothing else: what others call a matrix."""
    return nn.Layer(nin, nout, None, bias=False, init="lecun")


def _add(x: Vector, y: Vector) -> list[Any]:
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def eager(model: SmallGPT) -> Backward:
    """Forward and backward by building the graph of every document: all of it can be looked at."""

    def backward(batch: Batch) -> float:
        loss = sg.mean([model.loss(tokens) for tokens in batch])
        loss.backward()
        return float(loss.data)

    return backward


def replayed(model: SmallGPT, backend: str = "auto") -> Backward:
    """Forward and backward by replay: one document of each length is recorded, for all others."""
    step = sg.compile(model.loss, params=model.parameters(), backend=backend)
    return lambda batch: float(step.backward(batch))


def train(
    model: SmallGPT, backward: Backward, documents: Iterator[Batch], steps: int, lr: float = 0.01
) -> Iterator[float]:
    """Learn from one batch after the other by Adam; gives the loss of each.

    Args:
        model: what learns; backward: `eager(model)` or `replayed(model)`.
        documents: batches, at least as many as steps; steps: how many to learn from.
        lr: the learning rate at the start. It falls to 0 in a straight line: large steps find the
            valley, small ones its floor.

    >>> random.seed(1)
    >>> model = SmallGPT(width=4, heads=2)
    >>> course = [*train(model, eager(model), batches(["ada", "ida"], size=2), steps=20, lr=0.1)]
    >>> course[-1] < course[0] / 2
    True
    """
    optimizer = optim.Adam(
        model.parameters(), lr=lambda step: lr * (1.0 - step / steps), betas=(0.9, 0.99)
    )
    for _ in range(steps):
        optimizer.zero_grad()
        loss = backward(next(documents))
        optimizer.step()
        yield loss


def sample(model: SmallGPT, temperature: float = 0.7) -> str:
    """A new name: the model gives each letter a chance, a die picks one, until the end is picked.

    Args:
        model: what is asked, with the vocabulary of names.
        temperature: what the logits are divided by. At 1 the chances are those that were learnt;
            towards 0 the best guess takes all, above 1 the model grows bold.

    Raises:
        ValueError: the temperature is not positive.

    >>> len(sample(SmallGPT(width=4, heads=2))) <= 9
    True
    """
    if not temperature > 0.0:
        raise ValueError(f"the temperature must be positive, got {temperature!r}")
    tokens = [END]
    with sg.no_grad():
        while len(tokens) <= len(model.place_vectors):
            following = model(tokens)[-1]
            chances = sg.softmax([z.data / temperature for z in following])
            tokens += random.choices(range(len(chances)), chances)
            if tokens[-1] == END:
                break
    return decode(tokens)


@dataclass(frozen=True)
class Training:
    """What `run` gives: the model as it was trained, and how that went.

    `losses` are those of the batches, in order; fewer than the `steps` asked for, if it was
    interrupted. `blind` is the loss of guessing every token alike, `by_heart` about that of knowing
    all names. `made_up` are words sampled at the end.
    """

    model: SmallGPT
    steps: int
    losses: list[float]
    blind: float
    by_heart: float
    made_up: list[str]


def run(
    steps: int = 500, size: int | None = None, by_replay: bool = NUMBA, seed: int = 1
) -> Training:
    """Train on the corpus and make up a dozen names; Ctrl-C ends it and keeps what was learnt.

    Args:
        steps: how many batches to learn from.
        size: names in a batch; by default 32, or 1 where graphs are built.
        by_replay: record and replay, by default where numba is installed, since without it that is
            no faster; otherwise every graph is built.
        seed: of the weights, the order of the names, and the die.
    """
    if steps < 1:
        raise ValueError(f"there must be at least 1 step, got {steps}")
    random.seed(seed)
    names, model = corpus(), SmallGPT()
    backward, course = replayed(model) if by_replay else eager(model), list[float]()
    learning = train(model, backward, batches(names, size or (32 if by_replay else 1)), steps)
    with suppress(KeyboardInterrupt):
        for loss in tracked(learning, "learning", steps):
            course.append(loss)
    return Training(
        model, steps, course, math.log(len(ALPHABET)),
        math.log(len(names)) * fmean(1.0 / (len(name) + 1) for name in names),
        [sample(model) for _ in range(12)],
    )  # fmt: skip


def looks(model: SmallGPT, name: str) -> list[list[list[float]]]:
    """Where the heads of the first block look, for each head and letter: a weight for each letter.

    >>> [[round(weight) for weight in row] for row in looks(SmallGPT(), "a")[0]][0]
    [1, 0]
    """
    attention, n = model.blocks[0].attention, len(name) + 1
    ones = [[float(i == j) for j in range(n)] for i in range(n)]
    with sg.no_grad():
        xs = [rmsnorm(x) for x in model.vectors(encode(name)[:-1])]
        queries = [attention.cut(attention.query(x)) for x in xs]
        keys = [attention.cut(attention.key(x)) for x in xs]

        def look(head: int, i: int) -> list[float]:  # the mean of unit vectors is their weights
            found = attend(queries[i][head], [k[head] for k in keys[: i + 1]], ones[: i + 1])
            return [weight.data for weight in found]

        return [[look(head, i) for i in range(n)] for head in range(attention.heads)]


def report(result: Training) -> str:
    """The loss as it falls, and what is made up: how much of it was read, how much is new."""
    names, size = corpus(), len(result.model.parameters())
    lines = [f"{len(names)} names, like {', '.join(names[::200])}; {size} parameters"]
    lines.append(
        f"loss: {result.blind:.2f} by blind guessing, about {result.by_heart:.2f} by heart"
    )
    part = max(1, len(result.losses) // 10)
    for start in range(0, len(result.losses) - part + 1, part):
        mean = fmean(result.losses[start : start + part])
        lines.append(f"  to step {start + part:4} of {result.steps}   loss {mean:.3f}")
    if len(result.losses) < result.steps:
        lines.append(f"  interrupted after {len(result.losses)}: what was learnt is kept")
    read = sum(name in names for name in result.made_up)
    built = sum(name in combinations() for name in result.made_up)
    lines += [f"made up: {', '.join(result.made_up[:6])},", " " * 9 + ", ".join(result.made_up[6:])]
    known = f"{read} of these {len(result.made_up)} are in the corpus, {built - read} more fit its"
    return "\n".join([*lines, f"{known} syllables"])


def figures(result: Training) -> dict[str, Picture]:
    """The loss by step; where each head looks while a name is read; the graph of its loss."""
    from scalargrad import plot

    n, name = len(result.losses), "feralen"
    part = max(1, n // 20)
    means = [fmean(result.losses[max(0, k - part) : k]) for k in range(1, n + 1)]
    loss = plot.lines(
        {
            "each batch": result.losses, f"mean of the last {part}": means,
            "blind guessing": ([0, n], [result.blind] * 2),
            "all names by heart": ([0, n], [result.by_heart] * 2),
        },
        xlabel="step", ylabel="loss", title="A small GPT learns names",
        alt="The loss by step: it starts above that of blind guessing, falls fast, then slowly, "
        "and comes near that of knowing all names by heart.",
    )  # fmt: skip

    heads, read = looks(result.model, name), [ALPHABET[END], *name]
    attention = plot.figure(
        1, len(heads), width=11.0, height=3.4,
        alt=f"Where each of the {len(heads)} heads looks while {name!r} is read, as squares: the "
        "darker, the more weight. Each row is a letter that looks, and no letter sees a later one.",
    )  # fmt: skip
    for number, (ax, head) in enumerate(zip(attention.axes, heads, strict=True), 1):
        ax.imshow(head, cmap="Greys", vmin=0.0, vmax=1.0)
        ax.set_xticks(range(len(read)), read)
        ax.set_yticks(range(len(read)), read)
        ax.set(title=f"head {number}", xlabel="looks at", ylabel="this letter")

    surprise = result.model.loss(encode(name))
    surprise.backward()
    graph = sg.draw(surprise, model=result.model, max_nodes=12, rankdir="TB")
    result.model.zero_grad()
    return {"loss": loss, "attention": attention, "graph": graph}
