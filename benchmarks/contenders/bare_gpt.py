"""A GPT of letters on any class of numbers, and the bare Value that such programs bring along.

One layer with attention in several heads and a relu MLP, RMSNorm before each, softmax,
cross-entropy and Adam. It needs + - * / ** with plain numbers, exp, log and relu of the class, and
built-in sum. Nothing here imports scalargrad.
"""

from __future__ import annotations

import math
import random
from operator import attrgetter
from typing import Any, NamedTuple

NAMES = ["mirela", "tobin", "ansgar", "juno", "kestrel"]
WIDTH, HEADS, CONTEXT = 16, 4, 8
EDGE = 26  # the token before and after a name
TOKENS = EDGE + 1


class Value:
    """A number with its operands and the derivative by each."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(self, data: float, children: tuple = (), slopes: tuple = ()) -> None:
        self.data, self.grad, self.children, self.slopes = data, 0.0, children, slopes

    def __add__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __sub__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0))

    def __truediv__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        ratio = self.data / other.data
        return Value(ratio, (self, other), (1.0 / other.data, -ratio / other.data))

    def __pow__(self, exponent: float) -> Value:
        power = self.data**exponent
        return Value(power, (self,), (exponent * power / self.data,))

    def __neg__(self) -> Value:
        return Value(-self.data, (self,), (-1.0,))

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Value:
        power = math.exp(self.data)
        return Value(power, (self,), (power,))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self) -> Value:
        return Value(self.data, (self,), (1.0,)) if self.data > 0 else Value(0.0, (self,), (0.0,))

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node: Value) -> None:
            seen.add(node)
            for child in node.children:
                if child not in seen:
                    visit(child)
            order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, slope in zip(node.children, node.slopes, strict=True):
                child.grad += slope * node.grad


class Kind(NamedTuple):
    """A class of numbers and its functions; `data` reads one as a float."""

    number: Any
    exp: Any
    log: Any
    relu: Any
    data: Any


def kind(value: Any) -> Kind:
    return Kind(value, value.exp, value.log, value.relu, attrgetter("data"))


FLOATS = Kind(float, math.exp, math.log, lambda x: max(x, 0.0), float)


def tokens(name: str) -> list[int]:
    return [EDGE, *(ord(letter) - ord("a") for letter in name), EDGE]


class GPT:
    """The model and the state of Adam, from a fixed seed."""

    def __init__(self, kind: Kind, seed: int = 5, width: int = WIDTH, heads: int = HEADS) -> None:
        draw = random.Random(seed)
        self.parameters: list[Any] = []

        def matrix(rows: int, columns: int) -> list[list[Any]]:
            numbers = [kind.number(draw.gauss(0.0, 0.2)) for _ in range(rows * columns)]
            self.parameters += numbers
            return [numbers[i : i + columns] for i in range(0, len(numbers), columns)]

        self.kind, self.heads, self.size = kind, heads, width // heads
        self.letters, self.places = matrix(TOKENS, width), matrix(CONTEXT, width)
        self.query, self.key, self.value = (matrix(width, width) for _ in range(3))
        self.join, self.widen = matrix(width, width), matrix(4 * width, width)
        self.narrow, self.logits = matrix(width, 4 * width), matrix(TOKENS, width)
        self.first, self.second = [0.0] * len(self.parameters), [0.0] * len(self.parameters)
        self.steps = 0

    def _softmax(self, scores: list[Any]) -> list[Any]:
        exp, top = self.kind.exp, max(map(self.kind.data, scores))
        powers = [exp(score - top) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def _attention(self, query: list[Any], keys: list[Any], values: list[Any]) -> list[Any]:
        found = []
        for head in range(self.heads):
            part = range(head * self.size, (head + 1) * self.size)
            scores = [sum(query[i] * key[i] for i in part) * self.size**-0.5 for key in keys]
            shares = self._softmax(scores)
            found += [sum(p * v[i] for p, v in zip(shares, values, strict=True)) for i in part]
        return found

    def loss(self, name: str) -> Any:
        """Return the mean cross-entropy of the letters of a name and of its end."""
        log, relu = self.kind.log, self.kind.relu
        keys, values, costs = [], [], []
        text = tokens(name)
        for place, token in enumerate(text[:-1]):
            x = _sum(self.letters[token], self.places[place])
            normed = _rmsnorm(x)
            keys.append(_product(self.key, normed))
            values.append(_product(self.value, normed))
            found = self._attention(_product(self.query, normed), keys, values)
            x = _sum(x, _product(self.join, found))
            hidden = [relu(z) for z in _product(self.widen, _rmsnorm(x))]
            x = _sum(x, _product(self.narrow, hidden))
            chances = self._softmax(_product(self.logits, _rmsnorm(x)))
            costs.append(-log(chances[text[place + 1]]))
        return sum(costs) / len(costs)

    def step(self, name: str, rate: float = 0.01) -> float:
        """Take one step of Adam on a name and return its loss before the step."""
        loss = self.loss(name)
        loss.backward()
        self.steps += 1
        first, second = self.first, self.second
        unbias_first, unbias_second = 1.0 - 0.9**self.steps, 1.0 - 0.99**self.steps
        for i, p in enumerate(self.parameters):
            g = p.grad
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.99 * second[i] + 0.01 * g * g
            root = (second[i] / unbias_second) ** 0.5
            p.data -= rate * (first[i] / unbias_first) / (root + 1e-8)
            p.grad = 0.0
        return float(loss.data)


def _sum(x: list[Any], y: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y, strict=True)]


def _product(matrix: list[list[Any]], x: list[Any]) -> list[Any]:
    return [sum(w * z for w, z in zip(row, x, strict=True)) for row in matrix]


def _rmsnorm(x: list[Any]) -> list[Any]:
    scale = (sum(z * z for z in x) / len(x) + 1e-5) ** -0.5
    return [z * scale for z in x]
