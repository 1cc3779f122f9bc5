"""A multilayer perceptron written with + and *, on any class of numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

Sample = tuple[list[float], float]


def count(sizes: list[int]) -> tuple[int, int]:
    """The number of parameters, and of scalar operations for each sample with its squared error."""
    products = sum(nin * nout for nin, nout in pairwise(sizes))
    return products + sum(sizes[1:]), 2 * products + sum(sizes[1:-1]) + 3


def weights(sizes: list[int], seed: int = 2) -> list[float]:
    draw = random.Random(seed)
    return [draw.uniform(-1.0, 1.0) for _ in range(count(sizes)[0])]


def samples(number: int, width: int = 2, seed: int = 1) -> list[Sample]:
    draw = random.Random(seed)
    inputs = [[draw.uniform(-1.0, 1.0) for _ in range(width)] for _ in range(number)]
    return [(x, math.sin(3.0 * x[0]) * x[1]) for x in inputs]


def float_relu(x: float) -> float:
    return x if x > 0.0 else 0.0


class MLP:
    """The network on `number`, the parameters of each neuron one after the other, bias last."""

    def __init__(
        self,
        number: Callable[[float], Any],
        activate: Callable[[Any], Any],
        sizes: list[int],
        numbers: list[float],
    ) -> None:
        self.activate = activate
        self.parameters = [number(x) for x in numbers]
        rest: Iterator[Any] = iter(self.parameters)
        self.layers = [
            [([next(rest) for _ in range(nin)], next(rest)) for _ in range(nout)]
            for nin, nout in pairwise(sizes)
        ]

    def __call__(self, x: list[Any]) -> Any:
        for layer in self.layers:
            outputs = []
            for ws, bias in layer:
                total = bias
                for i in range(len(ws)):
                    total = total + ws[i] * x[i]
                outputs.append(total)
            x = outputs if layer is self.layers[-1] else [self.activate(z) for z in outputs]
        return x[0]


def error(model: Callable[[list[float]], Any], data: list[Sample]) -> Any:
    """Return the sum of squared errors."""
    total = 0.0
    for x, y in data:
        difference = model(x) - y
        total = total + difference * difference
    return total
