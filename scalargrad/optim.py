"""Optimisers: gradient descent with momentum, and Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from scalargrad.core.numbers import as_float
from scalargrad.core.value import Value
from scalargrad.nn import assign

__all__ = ["SGD", "Adam", "Optimizer", "checked_parameters", "clip_grad_norm"]

Rate = float | Callable[[int], float]


class Optimizer:
    """What every optimiser does; a subclass says in `_changes` by how much to move.

    `step()` is all or nothing: if it fails, parameters and optimiser are as they were.
    """

    def __init__(self, parameters: Iterable[Value], lr: Rate, weight_decay: float) -> None:
        self.parameters = checked_parameters(parameters)
        self.lr = lr
        self.weight_decay = _at_least_zero(weight_decay, "weight_decay")
        self.steps = 0
        if not callable(lr):
            _at_least_zero(lr, "lr")

    def rate(self) -> float:
        """The learning rate of the coming step, the first being number 0."""
        lr = self.lr(self.steps) if callable(self.lr) else self.lr
        return _at_least_zero(lr, f"lr at step {self.steps}")

    def step(self) -> None:
        """Move every parameter by its gradient."""
        rate = self.rate()
        gradients = [p.grad for p in self.parameters]
        if self.weight_decay:
            pairs = zip(gradients, self.parameters, strict=True)
            gradients = [g + self.weight_decay * p.data for g, p in pairs]
        changes, remember = self._changes(gradients, rate)
        before, memory = [p.data for p in self.parameters], dict(vars(self))
        try:
            assign(self.parameters, [x + dx for x, dx in zip(before, changes, strict=True)])
            vars(self).update(remember, steps=self.steps + 1)
        except BaseException:  # Ctrl-C
            assign(self.parameters, before)
            vars(self).update(memory)
            raise

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def _changes(self, gradients: list[float], rate: float) -> tuple[list[float], dict[str, Any]]:
        """The change of every parameter, and what to remember once they are made."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent: Δw(t) = -lr g + momentum Δw(t-1).

    The momentum is that of Rumelhart, Hinton and Williams (1986, equation 9): the remembered change
    is the one that was made, learning rate included.

    Args:
        parameters: leaf Values, each once.
        lr: the learning rate, a number or a function of the step's number (0, 1, 2 ...).
        momentum: the share of the last change that is repeated; 0 is none, from 1 on it never
            comes to rest.
        weight_decay: this times w is added to the gradient of w.

    Raises:
        TypeError: a parameter is no Value, a setting is no number.
        ValueError: no parameters, the same one twice, one that is computed, a negative setting.

    >>> w = Value(0.4)
    >>> optimizer = optim.SGD([w], lr=0.5)
    >>> ((w * 0.8 - 0.2) ** 2 / 2).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.352
    """

    def __init__(
        self, parameters: Iterable[Value], lr: Rate, momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        self.momentum = _at_least_zero(momentum, "momentum")
        self.last_changes = [0.0] * len(self.parameters)

    def _changes(self, gradients: list[float], rate: float) -> tuple[list[float], dict[str, Any]]:
        changes = [-rate * g for g in gradients]
        if self.momentum:
            pairs = zip(changes, self.last_changes, strict=True)
            changes = [change + self.momentum * last for change, last in pairs]
        return changes, {"last_changes": changes}


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1): steps scaled by running moments of the gradient.

    Args:
        parameters, lr, weight_decay: as for `SGD`.
        betas: how much of the running mean of g, and of g squared, is kept at each step.
        eps: keeps the division safe.

    >>> w = Value(1.0)
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    def __init__(
        self, parameters: Iterable[Value], lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"Adam: betas must be two numbers, like (0.9, 0.999), got {betas!r}")
        self.betas = (_at_least_zero(betas[0], "beta 1"), _at_least_zero(betas[1], "beta 2"))
        if max(self.betas) >= 1.0:
            raise ValueError(f"Adam: betas must be below 1, got {betas!r}")
        self.eps = _at_least_zero(eps, "eps")
        self.means = [0.0] * len(self.parameters)
        self.squares = [0.0] * len(self.parameters)

    def _changes(self, gradients: list[float], rate: float) -> tuple[list[float], dict[str, Any]]:
        b1, b2 = self.betas
        means = [b1 * m + (1.0 - b1) * g for m, g in zip(self.means, gradients, strict=True)]
        squares = [
            b2 * v + (1.0 - b2) * g * g for v, g in zip(self.squares, gradients, strict=True)
        ]
        unbias1, unbias2 = 1.0 - b1 ** (self.steps + 1), 1.0 - b2 ** (self.steps + 1)
        changes = [
            -rate * (m / unbias1) / (math.sqrt(v / unbias2) + self.eps) if m else 0.0
            for m, v in zip(means, squares, strict=True)
        ]
        return changes, {"means": means, "squares": squares}


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale the gradients down together if their length exceeds `max_norm`; returns that length.

    >>> w = Value(1.0)
    >>> w.grad = 5.0
    >>> optim.clip_grad_norm([w], 1.0), w.grad
    (5.0, 1.0)
    """
    listed = checked_parameters(parameters)
    norm = math.hypot(*(p.grad for p in listed))
    if norm > _at_least_zero(max_norm, "max_norm"):
        for p in listed:
            p.grad *= max_norm / norm
    return norm


def checked_parameters(parameters: Iterable[Value]) -> list[Value]:
    """The parameters as a list, when they are leaf Values and each is there once."""
    try:
        values = list(parameters)
    except TypeError:
        got = type(parameters).__name__
        raise TypeError(f"parameters must be a list of Values, got {got}") from None
    if not values:
        raise ValueError("at least one parameter is needed, got none")
    for i, p in enumerate(values):
        if not isinstance(p, Value):
            raise TypeError(f"parameter {i} must be a Value, got {type(p).__name__}: {p!r:.60}")
        if p.parents:
            raise ValueError(f"parameter {i} is computed, by {p.op!r}: only a leaf can be moved")
    if len(set(values)) < len(values):
        twice = next(i for i, p in enumerate(values) if p in set(values[:i]))
        raise ValueError(f"parameter {twice} is in the list twice: {values[twice]!r}")
    return values


def _at_least_zero(x: Any, name: str) -> float:
    number = as_float(x, name)
    if not number >= 0.0:
        raise ValueError(f"{name} must be a number from 0 on, got {x!r}")
    return number
