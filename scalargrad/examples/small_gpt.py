"""A small GPT in scalars: it reads made-up names letter by letter, and learns to make up more.

Transformers are told in tensors as a rule. Here every number is a Value: the formulas of attention
stand there as they are, and `sg.draw`, `sg.explain` and `.grad` answer for each number in them.

    tokens -> vectors -> [ attention -> perceptron ] -> logits of the token that follows each

`python -m scalargrad.examples.small_gpt` trains it and prints what it makes up.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from statistics import fmean, median
from time import perf_counter
from typing import Any

import scalargrad as sg
from scalargrad import losses, nn, optim
from scalargrad.examples.names import ALPHABET, END, batches, combinations, corpus, decode

__all__ = [
    "Attention",
    "Block",
    "SmallGPT",
    "attend",
    "eager",
    "main",
    "replayed",
    "rmsnorm",
    "run",
    "sample",
    "train",
]

Vector = Sequence[Any]  # of numbers or Values
Batch = Sequence[Sequence[int]]  # documents of one length, as tokens
Backward = Callable[[Batch], float]  # gives the mean loss, adds its gradient to the parameters'

# --- the model ------------------------------------------------------------------------------


def rmsnorm(x: Vector) -> list[Any]:
    """The vector scaled so that its root mean square is 1.

    However many blocks have added to a vector, the next one reads numbers of the size it knows.

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
        values: what is handed over from there, as many vectors.

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
    thing to look for. The places behind it are what it has to guess: the slice leaves them out.

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
            [self._cut(layer(x)) for x in xs] for layer in (self.query, self.key, self.value)
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

    def _cut(self, x: Vector) -> list[Vector]:
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

    def __call__(self, tokens: Sequence[Any]) -> list[list[Any]]:
        context = len(self.place_vectors)
        if not 0 < len(tokens) <= context:
            raise ValueError(f"this model reads 1 to {context} tokens, got {len(tokens)}")
        # attention takes a set: only through the second vector is "ab" another thing than "ba"
        xs = [
            _add(sg.take(self.token_vectors, token), sg.take(self.place_vectors, place))
            for place, token in enumerate(tokens)
        ]
        for block in self.blocks:
            xs = block(xs)
        return [self.logits(rmsnorm(x)) for x in xs]

    def loss(self, tokens: Sequence[Any]) -> Any:
        """How much a document surprises: the mean of -log p of its tokens, each guessed from those
        before it.

        >>> SmallGPT(vocabulary=3, context=4, width=2, heads=1).loss([0, 1, 2, 1, 0]).op
        'mean'
        """
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


# --- training -------------------------------------------------------------------------------


def eager(model: SmallGPT) -> Backward:
    """Forward and backward by building the graph of every document: all of it can be looked at."""

    def backward(batch: Batch) -> float:
        loss = sg.mean([model.loss(tokens) for tokens in batch])
        loss.backward()
        return float(loss.data)

    return backward


def replayed(model: SmallGPT, backend: str = "auto") -> Backward:
    """Forward and backward by replay: of each length one document is recorded, for all others.

    That is allowed because the graph depends on how long a name is, and not on its letters. The
    `backend` is that of `sg.compile`.
    """
    step = sg.compile(model.loss, params=model.parameters(), backend=backend)
    return lambda batch: float(step.backward(batch))


def train(
    model: SmallGPT, backward: Backward, documents: Iterator[Batch], steps: int, rate: float = 0.01
) -> Iterator[float]:
    """Learn from one batch after the other by Adam; gives the loss of each.

    Args:
        model: what learns.
        backward: `eager(model)` or `replayed(model)`.
        documents: batches, at least as many as steps.
        steps: how many to learn from.
        rate: the learning rate at the start. It falls to 0 in a straight line: large steps find the
            valley, small ones its floor.

    >>> random.seed(1)
    >>> model = SmallGPT(width=4, heads=2)
    >>> course = [*train(model, eager(model), batches(["ada", "ida"], size=2), steps=20, rate=0.1)]
    >>> course[-1] < course[0] / 2
    True
    """
    optimizer = optim.Adam(
        model.parameters(), lr=lambda step: rate * (1.0 - step / steps), betas=(0.9, 0.99)
    )
    for _ in range(steps):
        optimizer.zero_grad()
        loss = backward(next(documents))
        optimizer.step()
        yield loss


# --- what it has learnt -----------------------------------------------------------------------


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


def run(steps: int = 500, size: int = 32, by_replay: bool = True, seed: int = 1) -> SmallGPT:
    """Train on the corpus, tell how it goes, and print a dozen made-up names; gives the model.

    Args:
        steps: how many batches to learn from.
        size: how many names there are in a batch.
        by_replay: record and replay; otherwise every graph is built.
        seed: of the weights, the order of the names, and the die.
    """
    random.seed(seed)
    names, model = corpus(), SmallGPT()
    blind = math.log(len(ALPHABET))
    by_heart = math.log(len(names)) * fmean(1.0 / (len(name) + 1) for name in names)
    print(f"{len(names)} names, like {', '.join(random.sample(names, 5))}")
    print(f"{len(model.parameters())} parameters")
    print(f"loss: {blind:.2f} by blind guessing, about {by_heart:.2f} with all names by heart")

    seconds: list[float] = []
    backward = _timed(replayed(model) if by_replay else eager(model), seconds)
    recent: list[float] = []
    try:
        for step, loss in enumerate(train(model, backward, batches(names, size), steps), 1):
            recent.append(loss)
            if step % max(1, steps // 10) == 0:
                print(f"  step {step:4} of {steps}   loss {fmean(recent):.3f}", flush=True)
                recent.clear()
    except KeyboardInterrupt:
        print("  interrupted: what was learnt is kept")

    made_up = [sample(model) for _ in range(12)]
    print("made up:", ", ".join(made_up))
    read = sum(name in names for name in made_up)
    built = sum(name in combinations() for name in made_up)
    print(
        f"{read} of these {len(made_up)} are in the corpus, {built - read} more fit its syllables"
    )
    if seconds:
        way = "by replay" if by_replay else "building every graph"
        print(f"{median(seconds) * 1e3:.3g} ms a name, forward and backward, {way}")
    return model


def _timed(backward: Backward, seconds: list[float]) -> Backward:
    """The same function, which also notes the seconds a document takes."""

    def noting(batch: Batch) -> float:
        start = perf_counter()
        loss = backward(batch)
        seconds.append((perf_counter() - start) / len(batch))
        return loss

    return noting


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this example."""
    parser = argparse.ArgumentParser(
        prog="python -m scalargrad.examples.small_gpt",
        description="Train a small GPT on made-up names, and let it make up more.",
    )
    parser.add_argument(
        "--steps", type=int, default=500, help="how many batches to learn from (%(default)s)"
    )
    parser.add_argument(
        "--eager",
        action="store_true",
        help="build every graph, one name a step (as it is done anyway where numba is missing)",
    )
    asked = parser.parse_args(arguments)
    if asked.steps < 1:
        parser.error(f"--steps must be at least 1, got {asked.steps}")
    # replay in plain Python is no faster than eager code: 32 names a step would take minutes
    by_replay = not asked.eager and find_spec("numba") is not None
    if not by_replay and not asked.eager:
        print("without numba (pip install -e '.[compile]') every graph is built, one name a step")
    run(asked.steps, 32 if by_replay else 1, by_replay)


if __name__ == "__main__":
    main()
