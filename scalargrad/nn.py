"""Neurons, layers and multilayer perceptrons made of Values."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scalargrad.core.node import CONSTANT, leaf, numbers
from scalargrad.core.numbers import as_count, as_float
from scalargrad.core.reductions import dot_of_values
from scalargrad.core.rows import find
from scalargrad.core.value import Value

__all__ = ["INITIALISERS", "MLP", "Layer", "Module", "Neuron"]

Activation = str | Callable[[Any], Any] | None


def _scaled_uniform(gain: Callable[[int, int], float]) -> Callable[[int, int], float]:
    def draw(nin: int, nout: int) -> float:
        return random.uniform(-1, 1) * gain(nin, nout)

    return draw


# How a weight of a neuron with `nin` inputs, in a layer with `nout` neurons, is drawn.
INITIALISERS: dict[str, Callable[[int, int], float]] = {
    # as in micrograd, so that random.seed(1337) gives its starting weights
    "uniform": lambda nin, nout: random.uniform(-1, 1),
    # Glorot and Bengio, Understanding the difficulty of training deep feedforward networks, 2010
    "xavier": _scaled_uniform(lambda nin, nout: math.sqrt(6.0 / (nin + nout))),
    # He et al., Delving deep into rectifiers, 2015
    "he": _scaled_uniform(lambda nin, nout: math.sqrt(6.0 / nin)),
    # LeCun et al., Efficient backprop, 1998
    "lecun": _scaled_uniform(lambda nin, nout: math.sqrt(3.0 / nin)),
    "normal": lambda nin, nout: random.gauss(0.0, 1.0),
    "zeros": lambda nin, nout: 0.0,
}


class Module:
    """What has parameters: the Values and Modules among its attributes, in lists too.

    Subclasses only assign Values, Modules, or lists, tuples and dicts of them to attributes.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> Line().state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Every parameter with its name, like "layers.0.neurons.1.w.2", in a stable order.

        One that is used in several places appears once, under its first name.
        """
        names: dict[Value, str] = {}
        for parameter, name in named_leaves(self):
            names.setdefault(parameter, name)
        named = [(name, parameter) for parameter, name in names.items()]
        if len({name for name, _ in named}) < len(named):
            twice = next(n for i, (n, _) in enumerate(named) if n in dict(named[:i]))
            raise ValueError(f"two parameters of {type(self).__name__} are both named {twice!r}")
        return named

    def parameters(self) -> list[Value]:
        """Every parameter once, in a stable order."""
        return list(dict(named_leaves(self)))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The number in every parameter, by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put the numbers of `state` into the parameters: all of them, or on an error none.

        Raises:
            KeyError: a name is missing or unknown; the message says which.
            TypeError: one of the values is no number.
        """
        if not isinstance(state, Mapping):
            got = type(state).__name__
            raise TypeError(f"load_state_dict takes a dict of names and numbers, got {got}")
        named = dict(self.named_parameters())
        missing = [name for name in named if name not in state]
        unknown = [name for name in state if name not in named]
        if missing or unknown:
            told = [f"missing: {', '.join(missing[:5])}"] if missing else []
            told += [f"unknown: {', '.join(map(str, unknown[:5]))}"] if unknown else []
            raise KeyError(
                f"load_state_dict needs the {len(named)} names of this model's parameters; "
                f"{'; '.join(told)} ({len(missing)} missing, {len(unknown)} unknown)"
            )
        numbers = [as_float(state[name], f"load_state_dict: {name}") for name in named]
        assign(list(named.values()), numbers)


def named_leaves(module: Any) -> list[tuple[Value, str]]:
    """The leaves of a module, or of a list or dict of Values, with their names in order.

    One that is used in several places comes several times.
    """
    found = []
    # what is still to be looked at: a thing, its name, and the modules around it by identity
    stack: list[tuple[Any, str, frozenset[int]]] = [(module, "", frozenset())]
    while stack:
        tree, name, around = stack.pop()
        if isinstance(tree, Value):
            if not tree.parents:  # what was computed is no parameter, even if a module keeps it
                found.append((tree, name))
            continue
        children: Iterable[tuple[Any, Any]] = ()
        if isinstance(tree, Module):
            if id(tree) in around:  # a part that knows its whole
                continue
            around = around | {id(tree)}
            children = vars(tree).items()
        elif isinstance(tree, dict):
            children = tree.items()
        elif isinstance(tree, (list, tuple)):
            children = enumerate(tree)
        elif getattr(getattr(tree, "dtype", None), "kind", "") == "O":  # an array of Values
            children = enumerate(tree.ravel().tolist())
        dot = "." if name else ""
        stack += [(child, f"{name}{dot}{key}", around) for key, child in children][::-1]
    return found


def assign(parameters: Sequence[Value], numbers: Sequence[float]) -> None:
    """Put the numbers into the parameters: all of them, or none if Ctrl-C comes in between."""
    before = [parameter.data for parameter in parameters]
    try:
        for parameter, number in zip(parameters, numbers, strict=True):
            parameter.data = number
    except BaseException:
        for parameter, number in zip(parameters, before, strict=True):
            parameter.data = number
        raise


class Neuron(Module):
    """activation(w1 x1 + ... + wn xn + b): one `dot` node and one activation node.

    Args:
        nin: how many inputs, at least 1.
        activation: a name of this library ("relu", "tanh", ...), a function of a Value, or None.
        bias: whether there is a `b`; it starts at 0.
        init: how the weights are drawn, a name in `nn.INITIALISERS`.
        fan_out: how many neurons stand beside this one; "xavier" asks.
        nonlin: micrograd's spelling: False means no activation.

    Raises (when called):
        ValueError: the number of inputs is not `nin`; both are named.

    >>> neuron = nn.Neuron(2, "tanh")
    >>> len(neuron.parameters())
    3
    """

    def __init__(
        self, nin: int, activation: Activation = "relu", bias: bool = True, *,
        init: str = "uniform", fan_out: int = 1, nonlin: bool = True,
    ) -> None:  # fmt: skip
        nin = as_count(nin, "nin")
        if not isinstance(init, str) or init not in INITIALISERS:
            raise ValueError(f"init is one of {', '.join(INITIALISERS)}, got {init!r}")
        activate = _activation(activation if nonlin else None)
        self.w = [Value(INITIALISERS[init](nin, fan_out)) for _ in range(nin)]
        self.b = Value(0.0) if bias else None
        self.activation = activation if nonlin else None
        self._activate = activate

    def __call__(self, x: Sequence[Any]) -> Any:
        return self._respond(*_values(x, len(self.w), "neuron"))

    def _respond(self, xs: Sequence[Value], x: Sequence[float]) -> Any:
        z = dot_of_values(self.w, xs, x, self.b)
        return z if self._activate is None else self._activate(z)

    def __repr__(self) -> str:
        return f"{_activation_name(self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons side by side, all with the same `nin` inputs; gives a list, always.

    The remaining arguments are those of `Neuron`.
    """

    def __init__(self, nin: int, nout: int, *args: Any, **kwargs: Any) -> None:
        nout = as_count(nout, "nout")
        self.neurons = [Neuron(nin, *args, fan_out=nout, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> list[Any]:
        # checked once, and a plain number made one constant, for the whole layer
        xs, numbers = _values(x, len(self.neurons[0].w), "layer")
        return [
            neuron._respond(xs, numbers) if neuron.__class__ is Neuron else neuron(xs)
            for neuron in self.neurons
        ]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """Layers one after the other: a multilayer perceptron.

    Args:
        nin: how many inputs.
        nouts: how many neurons in each layer; the last number is that of the outputs.
        activation: of all layers but the last: a name, a function of a Value, or None.
        output_activation: of the last one.
        bias: whether the neurons have biases.
        init: how the weights are drawn, a name in `nn.INITIALISERS`.

    Raises:
        TypeError, ValueError: sizes that are no whole numbers from 1 on; unknown names.
        ValueError (when called): the number of inputs is not `nin`; both are named.

    Called with a list of `nin` numbers or Values, it gives a list of outputs, or the bare Value
    if there is one output.

    >>> model = nn.MLP(3, [4, 4, 1])
    >>> len(model.parameters())
    41
    """

    def __init__(
        self, nin: int, nouts: Sequence[int], activation: Activation = "relu",
        output_activation: Activation = None, bias: bool = True, *, init: str = "uniform",
    ) -> None:  # fmt: skip
        if not isinstance(nouts, (list, tuple)) or not nouts:
            raise ValueError(f"MLP needs a list of sizes, like [16, 16, 1], got {nouts!r:.60}")
        sizes = [nin, *nouts]
        activations = [activation] * (len(nouts) - 1) + [output_activation]
        self.layers = [
            Layer(sizes[i], sizes[i + 1], activations[i], bias, init=init)
            for i in range(len(nouts))
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x[0] if len(x) == 1 else x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def _values(x: Sequence[Any], nin: int, taker: str) -> tuple[list[Value], list[float]]:
    """The inputs as Values, and their numbers."""
    if not hasattr(x, "__len__"):
        raise TypeError(f"a {taker} takes a list of {nin} inputs, got {type(x).__name__}")
    if len(x) != nin:
        raise ValueError(f"a {taker} with {nin} inputs was given {len(x)}")
    values = [
        xi if isinstance(xi, Value) else leaf(as_float(xi, f"a {taker}"), CONSTANT) for xi in x
    ]
    return values, numbers(values)


def _activation(activation: Activation) -> Callable[[Any], Any] | None:
    if activation is None or callable(activation):
        return activation
    try:
        primitive = find(activation)
    except (KeyError, TypeError):
        primitive = None
    if primitive is None or primitive.arity != 1:
        raise ValueError(
            f"an activation is a function, None, or the name of an operation of one number "
            f"('relu', 'tanh', 'sigmoid' ...), got {activation!r}"
        )
    return primitive


def _activation_name(activation: Activation) -> str:
    if activation is None:
        return "Linear"
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", "Own")
    return {"relu": "ReLU"}.get(name, name.capitalize())
