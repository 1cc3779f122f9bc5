"""Neurons, layers and multilayer perceptrons of Values."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import mul
from typing import Any

from scalargrad.core.arguments import as_choice, as_flag, check_unmasked, is_list
from scalargrad.core.node import constant, numbers
from scalargrad.core.numbers import as_count, as_float, shown, written
from scalargrad.core.reductions import neuron
from scalargrad.core.rows import find
from scalargrad.core.value import Value, clear_grads, set_data
from scalargrad.support.memory import check_memory

__all__ = ["INITIALISERS", "MLP", "Layer", "Module", "Neuron"]

Activation = str | Callable[[Any], Any] | None

_BYTES = 104  # of a weight: at least a node of machine code, 96, and its place in a list


# Draw a weight of a neuron with `nin` inputs in a layer of `nout` neurons.
INITIALISERS: dict[str, Callable[[int, int], float]] = {
    # as in micrograd, so that random.seed(1337) gives its starting weights
    "uniform": lambda nin, nout: random.uniform(-1, 1),
    # Glorot and Bengio, Understanding the difficulty of training deep feedforward networks, 2010
    "xavier": lambda nin, nout: random.uniform(-1, 1) * math.sqrt(6.0 / (nin + nout)),
    # He et al., Delving deep into rectifiers, 2015
    "he": lambda nin, nout: random.uniform(-1, 1) * math.sqrt(6.0 / nin),
    # LeCun et al., Efficient backprop, 1998
    "lecun": lambda nin, nout: random.uniform(-1, 1) * math.sqrt(3.0 / nin),
    "normal": lambda nin, nout: random.gauss(0.0, 1.0),
    "zeros": lambda nin, nout: 0.0,
}


class Module:
    """Base class of everything with parameters, as in PyTorch.

    A subclass assigns Values, Modules, or lists, tuples, dicts and object arrays of them to its
    attributes. The leaf Values among them are its parameters.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> Line().state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return the pairs (name, parameter), named like "layers.0.neurons.1.w.2".

        The order is that of the attributes. A parameter that several attributes share appears
        once, under its first name.

        Raises:
            ValueError: two parameters have the same name.

        >>> [name for name, _ in nn.Neuron(2).named_parameters()]
        ['w.0', 'w.1', 'b']
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
        """Return the parameters in a stable order, each of them once."""
        return list(dict.fromkeys(_leaves(self)))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        clear_grads(self.parameters())

    def state_dict(self) -> dict[str, float]:
        """Return the number in each parameter, by name.

        Raises:
            ValueError: two parameters have the same name.
        """
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy the numbers of `state` into the parameters; on an error nothing changes.

        Args:
            state: the number for each name, as `state_dict` returns them.

        Raises:
            KeyError: a name is missing or unknown; the message lists them.
            TypeError: `state` is not a dict, or an entry is not a number.

        >>> neuron = nn.Neuron(1)
        >>> neuron.load_state_dict({"w.0": 0.5, "b": -1.0})
        >>> neuron.state_dict()
        {'w.0': 0.5, 'b': -1.0}
        """
        if not isinstance(state, Mapping):
            got = shown(state)
            raise TypeError(f"load_state_dict takes a dict of names and numbers, got {got}")
        named = dict(self.named_parameters())
        missing = [name for name in named if name not in state]
        unknown = [name for name in state if name not in named]
        if missing or unknown:
            parts = [f"missing: {', '.join(missing[:5])}"] if missing else []
            parts += [f"unknown: {', '.join(map(str, unknown[:5]))}"] if unknown else []
            raise KeyError(
                f"load_state_dict needs the {len(named)} names of this model's parameters; "
                f"{'; '.join(parts)} ({len(missing)} missing, {len(unknown)} unknown)"
            )
        numbers = [as_float(state[name], f"load_state_dict: {name}") for name in named]
        set_data(list(named.values()), numbers)


def named_leaves(module: Any) -> list[tuple[Value, str]]:
    """Return the leaves of a module, list or dict with their names, in order.

    A leaf that several attributes share appears several times.
    """
    found = []
    # what remains to be visited: an object, its name, and the ids of the objects around it
    stack: list[tuple[Any, str, frozenset[int]]] = [(module, "", frozenset())]
    while stack:
        tree, name, around = stack.pop()
        if isinstance(tree, Value):
            if not tree.parents:  # an attribute may hold a computed Value, which is no parameter
                found.append((tree, name))
            continue
        children = _children(tree)
        if not children or id(tree) in around:  # a submodule or list may refer back to its owner
            continue
        around = around | {id(tree)}
        dot = "." if name else ""
        stack += [(child, f"{name}{dot}{key}", around) for key, child in children][::-1]
    return found


def _leaves(module: Module) -> list[Value]:
    """Return the leaves of `named_leaves` without their names: a million in 0.15 s, not 0.84."""
    found: list[Value] = []
    stack: list[tuple[Any, frozenset[int]]] = [(module, frozenset())]
    while stack:
        tree, around = stack.pop()
        if isinstance(tree, Value):
            if not tree.parents:
                found.append(tree)
            continue
        if tree.__class__ is list and {*map(type, tree)} == {Value}:  # the weights of a neuron
            found += [x for x in tree if not x.parents]
            continue
        children = _children(tree)
        if not children or id(tree) in around:
            continue
        around = around | {id(tree)}
        stack += [(child, around) for _, child in children][::-1]
    return found


def _children(tree: Any) -> Collection[tuple[Any, Any]]:
    """Return what an object holds that may be or hold parameters, each with its key."""
    if isinstance(tree, Module):
        return vars(tree).items()
    if isinstance(tree, dict):
        return tree.items()
    if isinstance(tree, (list, tuple)):
        return list(enumerate(tree))
    if getattr(getattr(tree, "dtype", None), "kind", "") == "O":  # an array of Values
        return list(enumerate(tree.ravel().tolist()))
    return ()


class Neuron(Module):
    """One neuron, activation(w1 x1 + ... + wn xn + b): a `dot` node and an activation node.

    Call it with a list of `nin` numbers or Values; it returns a Value.

    Args:
        nin: the number of inputs, at least 1.
        activation: the name of an operation ("relu", "tanh", ...), a function of a Value, or None.
        bias: whether to add a bias b, which starts at 0.
        init: how to draw the weights: a name in `nn.INITIALISERS`.
        fan_out: the number of neurons in the layer, for the initialisers that depend on it.
        nonlin: micrograd's spelling; False means no activation.

    Raises:
        TypeError: `nin` is not a whole number, `bias` or `nonlin` not a bool, or, on a call, the
            input is not a list of numbers.
        ValueError: `nin` is below 1 or its weights would not fit into memory, the activation or
            `init` is unknown, or, on a call, the input does not have `nin` entries.

    >>> neuron = nn.Neuron(2, "tanh")
    >>> len(neuron.parameters())
    3
    """

    def __init__(
        self, nin: int, activation: Activation = "relu", bias: bool = True, *,
        init: str = "uniform", fan_out: int = 1, nonlin: bool = True,
    ) -> None:  # fmt: skip
        nin, fan_out = as_count(nin, "nin"), as_count(fan_out, "fan_out")
        bias, nonlin = as_flag(bias, "bias"), as_flag(nonlin, "nonlin")
        as_choice(init, INITIALISERS, "init")
        activate = _activation(activation if nonlin else None)
        _check_size(nin)
        self.w = [Value(INITIALISERS[init](nin, fan_out)) for _ in range(nin)]
        self.b = Value(0.0) if bias else None
        self.activation = activation if nonlin else None
        self._activate = activate

    def __call__(self, x: Sequence[Any]) -> Any:
        """Return the output of the neuron for one sample."""
        xs, numbers = _values(x, len(self.w), "neuron")
        return neuron(self.w, xs, numbers, self.b, self._activate)

    def __repr__(self) -> str:
        return f"{_activation_name(self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """A fully connected layer: `nout` neurons with the same `nin` inputs.

    Call it with a list of `nin` numbers or Values; it returns a list of `nout` Values, always.

    Args:
        nin: the number of inputs, at least 1.
        nout: the number of neurons, at least 1.
        activation: the name of an operation ("relu", "tanh", ...), a function of a Value, or None.
        bias: whether each neuron has a bias.
        init: how to draw the weights: a name in `nn.INITIALISERS`.
        nonlin: micrograd's spelling; False means no activation.

    Raises:
        TypeError: a size is not a whole number, `bias` or `nonlin` not a bool, or, on a call, the
            input is not a list of numbers.
        ValueError: a size is below 1 or the weights would not fit into memory, the activation or
            `init` is unknown, or, on a call, the input does not have `nin` entries.

    >>> len(nn.Layer(2, 3, "tanh")([0.5, -1.0]))
    3
    """

    def __init__(
        self, nin: int, nout: int, activation: Activation = "relu", bias: bool = True, *,
        init: str = "uniform", nonlin: bool = True,
    ) -> None:  # fmt: skip
        # Before the first random number is drawn: an error leaves the state of random.
        nin, nout = as_count(nin, "nin"), as_count(nout, "nout")
        _check_size(nin * nout)
        self.neurons = [
            Neuron(nin, activation, bias, init=init, fan_out=nout, nonlin=nonlin)
            for _ in range(nout)
        ]

    def __call__(self, x: Sequence[Any]) -> list[Any]:
        """Return the outputs of the neurons for one sample."""
        # The whole layer shares one check of the input, and one constant for each plain number.
        xs, numbers = _values(x, len(self.neurons[0].w), "layer")
        return [
            neuron(n.w, xs, numbers, n.b, n._activate) if n.__class__ is Neuron else n(xs)
            for n in self.neurons
        ]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multilayer perceptron: fully connected layers in sequence.

    Call it with a list of `nin` numbers or Values. It returns a list of outputs, or the bare Value
    if there is one output.

    Args:
        nin: the number of inputs, at least 1.
        nouts: the number of neurons in each layer, at least 1; the last one is that of outputs.
        activation: of all layers but the last: a name, a function of a Value, or None.
        output_activation: the activation of the last layer.
        bias: whether the neurons have biases.
        init: how to draw the weights: a name in `nn.INITIALISERS`.

    Raises:
        TypeError: a size is not a whole number, `bias` not a bool, or, on a call, the input is not
            a list of numbers.
        ValueError: a size is below 1 or the weights would not fit into memory, an activation or
            `init` is unknown, or, on a call, the input does not have `nin` entries.

    >>> model = nn.MLP(3, [4, 4, 1])
    >>> len(model.parameters())
    41
    """

    def __init__(
        self, nin: int, nouts: Sequence[int], activation: Activation = "relu",
        output_activation: Activation = None, bias: bool = True, *, init: str = "uniform",
    ) -> None:  # fmt: skip
        if not isinstance(nouts, (list, tuple)) or not nouts:
            raise ValueError(f"MLP needs a list of sizes, like [16, 16, 1], got {shown(nouts)}")
        sizes = [as_count(nin, "nin"), *[as_count(nout, "nout") for nout in nouts]]
        _check_size(sum(map(mul, sizes, sizes[1:])))
        activations = [activation] * (len(nouts) - 1) + [output_activation]
        for own in activations:
            _activation(own)
        self.layers = [
            Layer(sizes[i], sizes[i + 1], activations[i], bias, init=init)
            for i in range(len(nouts))
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Return the outputs of the last layer for one sample, or its only output."""
        for layer in self.layers:
            x = layer(x)
        return x[0] if len(x) == 1 else x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def _values(x: Sequence[Any], nin: int, caller: str) -> tuple[list[Value], list[float]]:
    """Return the inputs as Values, and their numbers."""
    if not is_list(x):
        raise TypeError(f"a {caller} takes a list of {nin} inputs, got {shown(x)}")
    if len(x) != nin:
        raise ValueError(f"a {caller} with {nin} inputs was given {len(x)}")
    if x.__class__ is not list:  # an entry of a list is checked below
        check_unmasked(x, f"a {caller}")
    values = [xi if isinstance(xi, Value) else constant(xi, f"a {caller}") for xi in x]
    return values, numbers(values)


def _check_size(weights: int) -> None:
    check_memory(weights, _BYTES, "a network of {} weights")


def _activation(activation: Activation) -> Callable[[Any], Any] | None:
    if activation is None or callable(activation):
        return activation
    try:
        primitive = find(activation) if isinstance(activation, str) else None
    except KeyError:
        primitive = None
    if primitive is None or primitive.arity != 1:
        raise ValueError(
            f"an activation is a function, None, or the name of an operation of one number "
            f"('relu', 'tanh', 'sigmoid' ...), got {written(activation)}"
        )
    return primitive


def _activation_name(activation: Activation) -> str:
    if activation is None:
        return "Linear"
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", "Own")
    return {"relu": "ReLU"}.get(name, name.capitalize())
