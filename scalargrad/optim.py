"""Optimisers: gradient descent with momentum, and Adam."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from scalargrad.core.arguments import is_list, listed
from scalargrad.core.native import machine_code
from scalargrad.core.numbers import as_count, as_float, as_non_negative, shown, written
from scalargrad.core.value import Value, clear_grads, data_of, grads_of, set_data, set_grads

__all__ = ["SGD", "Adam", "Optimizer", "checked_parameters", "clip_grad_norm"]

Rate = float | Callable[[int], float]


class Optimizer:
    """Base class of the optimisers; a subclass implements `_changes`.

    `step()` moves all parameters or, if it fails, none: the optimiser then keeps its state too.

    Args:
        parameters: the Values to move, leaves all of them.
        lr: the learning rate, a number or a function of the step number.
        weight_decay: the factor of each parameter that is added to its gradient.

    >>> issubclass(optim.SGD, optim.Optimizer)
    True
    """

    def __init__(self, parameters: Iterable[Value], lr: Rate, weight_decay: float) -> None:
        self.parameters = checked_parameters(parameters)
        self.lr = lr
        self.weight_decay = as_non_negative(weight_decay, "weight_decay")
        self.steps = 0
        if not callable(lr):
            as_non_negative(lr, "lr")

    def current_lr(self) -> float:
        """Return the learning rate of the next step.

        Raises:
            TypeError: the schedule `lr` returns something other than a number.
            ValueError: it returns a negative number or nan.

        >>> optim.SGD([Value(1.0)], lr=lambda step: 0.5 / (1 + step)).current_lr()
        0.5
        """
        lr = self.lr(self.steps) if callable(self.lr) else self.lr
        # A schedule may reach infinity: the loss tells, and early stopping goes back.
        return as_non_negative(lr, f"lr at step {self.steps}", infinite=callable(self.lr))

    def step(self) -> None:
        """Move every parameter along its gradient.

        Raises:
            TypeError: the learning rate is not a number. Nothing has changed then.
            ValueError: the learning rate is negative. Nothing has changed then.
        """
        lr = self.current_lr()
        gradients: Sequence[float] = grads_of(self.parameters)
        before, memory = data_of(self.parameters), dict(vars(self))
        if self.weight_decay:
            gradients = _combined(gradients, self.weight_decay, before)
        changes, state = self._changes(gradients, lr)
        try:
            set_data(self.parameters, _combined(before, 1.0, changes))
            vars(self).update(state, steps=self.steps + 1)
        except BaseException:  # Ctrl-C
            set_data(self.parameters, before)
            vars(self).update(memory)
            raise

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        clear_grads(self.parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return the settings and the memory of the optimiser, without its parameters.

        Entries are the attributes; their lists are copies. A schedule, which is a function, is left
        out. A subclass whose attributes are more than numbers, texts, and lists and dicts of them
        overrides this method and `load_state_dict`.

        >>> optim.SGD([Value(1.0)], lr=0.1).state_dict()
        {'lr': 0.1, 'weight_decay': 0.0, 'steps': 0, 'momentum': 0.0, 'last_changes': [0.0]}
        """
        return {
            name: list(x) if isinstance(x, array) else copy(x)
            for name, x in vars(self).items()
            if name != "parameters" and not callable(x)
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the settings and the memory of the optimiser; on an error nothing changes.

        Args:
            state: the entries, as `state_dict` of an optimiser of the same class, for as many
                parameters, returns them.

        Raises:
            KeyError: a name is missing or unknown; the message lists them.
            TypeError: `state` is not a dict, or an entry is of another type.
            ValueError: an entry has another length, or a rate is negative.

        >>> w = Value(1.0)
        >>> optimizer = optim.Adam([w])
        >>> state = optimizer.state_dict()
        >>> w.grad = 2.0
        >>> optimizer.step()
        >>> optimizer.load_state_dict(state)
        >>> optimizer.steps, optimizer.means
        (0, [0.0])
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict takes a dict of names, got {shown(state)}")
        own = self.state_dict()
        if own.keys() != state.keys():
            missing = ", ".join([name for name in own if name not in state]) or "none"
            unknown = ", ".join([str(name) for name in state if name not in own]) or "none"
            raise KeyError(
                f"load_state_dict needs the names of {type(self).__name__}.state_dict(); missing: "
                f"{missing}; unknown: {unknown}. An lr that is a function is not among them"
            )
        found = {name: _like(own[name], state[name], name) for name in own}
        for name in ("lr", "weight_decay"):
            as_non_negative(found.get(name, 0.0), f"load_state_dict: {name}")
        vars(self).update(found)

    def _changes(
        self, gradients: Sequence[float], lr: float
    ) -> tuple[Sequence[float], dict[str, Any]]:
        """Return the change of each parameter, and the attributes to set after the step."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent with momentum: Δw(t) = -lr g + momentum Δw(t-1).

    This is the momentum of Rumelhart, Hinton and Williams (1986, equation 9): it repeats a share of
    the last change, which includes the learning rate of that step.

    Args:
        parameters: leaf Values, each listed once.
        lr: the learning rate: a number, or a function of the step number (0, 1, 2 ...).
        momentum: the share of the last change to repeat. From 1 on the descent never comes to rest.
        weight_decay: the factor by which a parameter is added to its gradient.

    Raises:
        TypeError: a parameter is not a Value, or a setting is not a number.
        ValueError: there are no parameters, one is listed twice or computed, or a setting is
            negative.

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
        self.momentum = as_non_negative(momentum, "momentum")
        self.last_changes: Sequence[float] = [0.0] * len(self.parameters)

    def _changes(
        self, gradients: Sequence[float], lr: float
    ) -> tuple[Sequence[float], dict[str, Any]]:
        changes = _scaled(gradients, -lr)
        if self.momentum:
            changes = _combined(changes, self.momentum, self.last_changes)
        return changes, {"last_changes": changes}


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient (Kingma and Ba, 2015, algorithm 1).

    Args:
        parameters: leaf Values, each listed once.
        lr: the learning rate: a number, or a function of the step number (0, 1, 2 ...).
        betas: the decay rates of the running means of the gradient and of its square, below 1.
        eps: the constant in the denominator, which avoids a division by zero.
        weight_decay: the factor by which a parameter is added to its gradient.

    Raises:
        TypeError: a parameter is not a Value, or a setting is not a number.
        ValueError: there are no parameters, one is listed twice or computed, or a setting is
            negative or, for `betas`, not below 1.

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
            got = written(betas)
            raise ValueError(f"Adam: betas must be two numbers, like (0.9, 0.999), got {got}")
        self.betas = (as_non_negative(betas[0], "beta 1"), as_non_negative(betas[1], "beta 2"))
        if max(self.betas) >= 1.0:
            raise ValueError(f"Adam: betas must be below 1, got {betas!r}")
        self.eps = as_non_negative(eps, "eps")
        self.means: Sequence[float] = [0.0] * len(self.parameters)
        self.squares: Sequence[float] = [0.0] * len(self.parameters)

    def _changes(
        self, gradients: Sequence[float], lr: float
    ) -> tuple[Sequence[float], dict[str, Any]]:
        b1, b2 = self.betas
        unbias1, unbias2 = 1.0 - b1 ** (self.steps + 1), 1.0 - b2 ** (self.steps + 1)
        changes, means, squares = _adam(
            gradients, self.means, self.squares, lr, b1, b2, unbias1, unbias2, self.eps
        )
        return changes, {"means": means, "squares": squares}


def _like(own: Any, x: Any, name: str) -> Any:
    """An entry of a state, after checking that it is of the type and length of the optimiser's."""
    if isinstance(own, (list, tuple)) or hasattr(own, "dtype"):  # an array of a subclass
        if not is_list(x):
            raise TypeError(f"load_state_dict: {name} must be a list, got {shown(x)}")
        if len(x) != len(own):
            raise ValueError(
                f"load_state_dict: {name} must have {len(own)} entries, got {len(x)}: is the state "
                "of an optimizer of other parameters?"
            )
        if isinstance(own, (list, tuple)):
            if {*map(type, own), *map(type, x)} == {float}:  # a million in 0.02 s, not in 1.8
                return type(own)(x)
            return type(own)([_like(a, b, name) for a, b in zip(own, x, strict=True)])
        filled = own.copy()
        filled[...] = x
        return filled
    if type(own) is float:
        return as_float(x, f"load_state_dict: {name}")
    if name == "steps":
        return as_count(x, "load_state_dict: steps", least=0)
    if type(x) is not type(own) and own is not None and x is not None:
        raise TypeError(f"load_state_dict: {name} must be {type(own).__name__}, got {shown(x)}")
    return x


# Arithmetic of lists of numbers. The machine code, which takes their place at the end, returns
# arrays, which are lists enough here.


def _scaled(xs: Sequence[float], a: float) -> Sequence[float]:
    """Return a * x for each number."""
    return [a * x for x in xs]


def _combined(xs: Sequence[float], a: float, ys: Sequence[float]) -> Sequence[float]:
    """Return x + a * y for each pair of numbers."""
    if a == 1.0:
        return [x + y for x, y in zip(xs, ys, strict=True)]
    return [x + a * y for x, y in zip(xs, ys, strict=True)]


def _adam(
    gradients: Sequence[float], means: Sequence[float], squares: Sequence[float], lr: float,
    b1: float, b2: float, unbias1: float, unbias2: float, eps: float,
) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:  # fmt: skip
    """Return the changes of a step of Adam, and the new moments."""
    means = [b1 * m + (1.0 - b1) * g for m, g in zip(means, gradients, strict=True)]
    squares = [b2 * v + (1.0 - b2) * g * g for v, g in zip(squares, gradients, strict=True)]
    changes = [
        -lr * (m / unbias1) / (math.sqrt(v / unbias2) + eps) if m else 0.0
        for m, v in zip(means, squares, strict=True)
    ]
    return changes, means, squares


if machine_code is not None and not TYPE_CHECKING:
    _scaled, _combined, _adam = machine_code.scaled, machine_code.combined, machine_code.adam


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale the gradients down together if their Euclidean norm exceeds `max_norm`.

    Args:
        parameters: leaf Values, each listed once.
        max_norm: the largest norm allowed, at least 0; infinity only measures.

    Returns:
        The norm before scaling.

    Raises:
        TypeError: a parameter is not a Value, or `max_norm` is not a number.
        ValueError: there are no parameters, one is listed twice or computed, `max_norm` is
            negative or nan, or the norm is infinite and would have to be scaled. No gradient has
            changed then.

    >>> w = Value(1.0)
    >>> w.grad = 5.0
    >>> optim.clip_grad_norm([w], 1.0), w.grad
    (5.0, 1.0)
    """
    values = checked_parameters(parameters)
    most = as_non_negative(max_norm, "clip_grad_norm: max_norm", infinite=True)
    gradients = grads_of(values)
    norm = math.hypot(*gradients)
    if norm > most:
        if norm == math.inf:  # inf / inf would be nan, and all finite gradients 0
            raise ValueError(
                "clip_grad_norm: the norm of the gradients is inf, and no factor scales them down "
                f"to {most!r}. Nothing has changed"
            )
        set_grads(values, [g * (most / norm) for g in gradients])
    return norm


def checked_parameters(parameters: Iterable[Value]) -> list[Value]:
    """Return the parameters as a list, after checking that they are distinct leaf Values.

    Args:
        parameters: the Values to check.

    Returns:
        A list of them.

    Raises:
        TypeError: one of them is not a Value.
        ValueError: there are none, one is computed, or one appears twice.

    >>> len(optim.checked_parameters([Value(1.0), Value(1.0)]))
    2
    """
    values = listed(parameters, "an optimizer", wanted="parameters must be a list of Values")
    if not values:
        raise ValueError("at least one parameter is needed, got none")
    for i, p in enumerate(values):
        if not isinstance(p, Value):
            raise TypeError(f"parameter {i} must be a Value, got {shown(p)}")
        if p.parents:
            raise ValueError(f"parameter {i} is computed by {p.op!r}: only a leaf can be moved")
    if len(set(values)) < len(values):
        twice = next(i for i, p in enumerate(values) if p in set(values[:i]))
        raise ValueError(f"parameter {twice} is listed twice: {values[twice]!r}")
    return values
