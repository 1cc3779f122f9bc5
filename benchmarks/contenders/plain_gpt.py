"""Plain scalar code as a contender: the GPT of `lecture2/small_gpt.py` on a Value of 60 lines.

The Value is what a careful person writes without a library: slots, no closures, the two operators
+ and * and a few functions, local derivatives kept by the node, an iterative topological order. A
weighted sum is a chain of + and *, as there is no node for it. Nothing here imports scalargrad,
except the check at the end: `python plain_gpt.py` compares losses and gradients, and prints times.
"""

# ruff: noqa: B905, RUF007 - zip() as plain code has it: the keyword costs time in the hottest loops

from __future__ import annotations

import gc
import math
import random
from collections.abc import Sequence
from time import perf_counter

VOCABULARY, CONTEXT, WIDTH, HEADS = 27, 9, 16, 4


class Value:
    """A number, the operands that made it, and its derivative with respect to each."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(self, data, children=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self.children = children
        self.slopes = slopes

    def __add__(self, other):
        if other.__class__ is Value:
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))

    def __mul__(self, other):
        if other.__class__ is Value:
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))

    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,))

    def __pow__(self, exponent):  # a plain number
        data = self.data**exponent
        return Value(data, (self,), (exponent * data / self.data,))

    def exp(self):
        data = math.exp(self.data)
        return Value(data, (self,), (data,))

    def log(self):
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self):
        return Value(max(0.0, self.data), (self,), (1.0 if self.data > 0.0 else 0.0,))

    def backward(self):
        order, seen, stack = [], {self}, [(self, iter(self.children))]
        while stack:
            node, rest = stack[-1]
            for child in rest:
                if child not in seen:
                    seen.add(child)
                    if child.children:
                        stack.append((child, iter(child.children)))
                        break
            else:
                order.append(node)
                stack.pop()
        self.grad = 1.0
        for node in reversed(order):
            grad = node.grad
            for child, slope in zip(node.children, node.slopes):
                child.grad += slope * grad


def total(xs):
    xs = iter(xs)
    result = next(xs)
    for x in xs:
        result = result + x
    return result


def weighted(ws, xs):
    return total([w * x for w, x in zip(ws, xs)])


def matrix_times(matrix, x):
    return [weighted(row, x) for row in matrix]


def softmax(xs):
    top = max(x.data for x in xs)
    powers = [(x + -top).exp() for x in xs]
    inverse = total(powers) ** -1.0
    return [power * inverse for power in powers]


def rmsnorm(x):
    scale = (weighted(x, x) * (1.0 / len(x)) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def added(x, y):
    return [xi + yi for xi, yi in zip(x, y)]


SHAPES = {  # in the order of SmallGPT's parameters
    "tokens": (VOCABULARY, WIDTH),
    "places": (CONTEXT, WIDTH),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "out": (WIDTH, WIDTH),
    "up": (4 * WIDTH, WIDTH),
    "down": (WIDTH, 4 * WIDTH),
    "logits": (VOCABULARY, WIDTH),
}


class PlainGPT:
    """The model; `numbers` are its 4,080 weights in the order of `SmallGPT().parameters()`."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.parameters = [Value(number) for number in numbers]
        rest = iter(self.parameters)
        for name, (rows, columns) in SHAPES.items():
            setattr(self, name, [[next(rest) for _ in range(columns)] for _ in range(rows)])
        if next(rest, None) is not None:
            raise ValueError(f"{len(numbers)} numbers are too many")
        self.means, self.squares = [0.0] * len(numbers), [0.0] * len(numbers)
        self.steps = 0

    def loss(self, tokens):
        """Return the mean of -log p of tokens[1:], each predicted from the tokens before it."""
        keys, values, surprises = [], [], []
        size = WIDTH // HEADS
        root = 1.0 / math.sqrt(size)
        for place, (token, following) in enumerate(zip(tokens, tokens[1:])):
            x = added(self.tokens[token], self.places[place])
            normed = rmsnorm(x)
            query = matrix_times(self.query, normed)
            keys.append(matrix_times(self.key, normed))
            values.append(matrix_times(self.value, normed))
            found = []
            for start in range(0, WIDTH, size):
                part = slice(start, start + size)
                scores = [weighted(query[part], key[part]) * root for key in keys]
                weights = softmax(scores)
                found += [
                    weighted(weights, column) for column in zip(*[value[part] for value in values])
                ]
            x = added(x, matrix_times(self.out, found))
            hidden = [z.relu() for z in matrix_times(self.up, rmsnorm(x))]
            x = added(x, matrix_times(self.down, hidden))
            chances = softmax(matrix_times(self.logits, rmsnorm(x)))
            surprises.append(-chances[following].log())
        return total(surprises) * (1.0 / len(surprises))

    def adam(self, rate=0.01, b1=0.9, b2=0.99, eps=1e-8):
        """Take one step of Adam and set the gradients to zero."""
        self.steps += 1
        unbias1, unbias2 = 1.0 - b1**self.steps, 1.0 - b2**self.steps
        means, squares = self.means, self.squares
        for i, p in enumerate(self.parameters):
            g = p.grad
            m = means[i] = b1 * means[i] + (1.0 - b1) * g
            v = squares[i] = b2 * squares[i] + (1.0 - b2) * g * g
            p.data -= rate * (m / unbias1) / ((v / unbias2) ** 0.5 + eps)
            p.grad = 0.0


def starting_weights(seed: int = 1) -> list[float]:
    """Return weights for a timing: small and not symmetric."""
    generator = random.Random(seed)
    count = sum(rows * columns for rows, columns in SHAPES.values())
    return [generator.uniform(-0.4, 0.4) for _ in range(count)]


def time_per_document(
    tokens_list: Sequence[Sequence[int]], update: bool = False, collect: bool = True
) -> float:
    """Seconds for forward and backward of one document, the mean over those given.

    Args:
        tokens_list: documents of 2 to 10 tokens from 0 to 26.
        update: whether a step of Adam after each document is in it.
        collect: whether Python's cyclic collector runs meanwhile, as it does by default.
    """
    model = PlainGPT(starting_weights())
    was_on = gc.isenabled()
    if not collect:
        gc.disable()
    try:
        start = perf_counter()
        for tokens in tokens_list:
            model.loss(tokens).backward()
            if update:
                model.adam()
        return (perf_counter() - start) / len(tokens_list)
    finally:
        if was_on:
            gc.enable()


def count_nodes(loss: Value) -> tuple[int, int]:
    """Return the number of values of the graph, and how many of them are computed."""
    seen, stack = {loss}, [loss]
    while stack:
        new = [child for child in stack.pop().children if child not in seen]
        seen.update(new)
        stack += new
    return len(seen), sum(bool(node.children) for node in seen)


def compare(names: Sequence[str] = ("ana", "belimir", "jodalena")) -> float:
    """Return the largest difference of a loss or gradient from SmallGPT's with the same weights."""
    from scalargrad.examples.lecture2.names import encode
    from scalargrad.examples.lecture2.small_gpt import SmallGPT

    random.seed(3)
    ours = SmallGPT()
    theirs = PlainGPT([p.data for p in ours.parameters()])
    worst = 0.0
    for name in names:
        loss, plain = ours.loss(encode(name)), theirs.loss(encode(name))
        loss.backward()
        plain.backward()
        worst = max(worst, abs(loss.data - plain.data))
    pairs = zip(ours.parameters(), theirs.parameters)
    return max(worst, max(abs(p.grad - q.grad) for p, q in pairs))


if __name__ == "__main__":
    import scalargrad as sg
    from scalargrad.examples.lecture2.names import corpus, encode
    from scalargrad.examples.lecture2.small_gpt import SmallGPT

    difference = compare()
    assert difference < 1e-9, difference
    print(f"losses and gradients differ from SmallGPT's by {difference:.1e} at most")

    documents = [encode(name) for name in corpus()[::50]]
    model = SmallGPT()
    for length in (3, 6, 8):
        name = next(name for name in corpus() if len(name) == length)
        loss = model.loss(encode(name))
        order = sg.topological_order(loss)
        plain = count_nodes(PlainGPT(starting_weights()).loss(encode(name)))
        computed = sum(bool(node.parents) for node in order)
        print(f"{name}: {len(order)} nodes, {computed} computed; plain {plain[0]}, {plain[1]}")

    def eager(collect: bool) -> float:
        if not collect:
            gc.disable()
        start = perf_counter()
        for tokens in documents:
            model.loss(tokens).backward()
        gc.enable()
        return (perf_counter() - start) / len(documents)

    for collect in (True, False):
        plain = min(time_per_document(documents, collect=collect) for _ in range(5))
        ours = min(eager(collect) for _ in range(5))
        told = "on" if collect else "off"
        print(f"collector {told}: plain {plain * 1e3:.1f} ms, SmallGPT {ours * 1e3:.1f} ms")
    step = min(time_per_document(documents, update=True) for _ in range(3))
    print(f"plain with a step of Adam for each document: {step * 1e3:.1f} ms")
