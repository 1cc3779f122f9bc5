"""Name values and modules: by label, by a short form of the model's path, by number, or "v12"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from scalargrad.core.labels import clean, format_number, label_of
from scalargrad.core.value import Value

__all__ = ["levels", "module_name", "names_of", "parameter_name"]

# An index belongs to the name before it: "layers.0" is one level.
_LEVEL = re.compile(r"[^.]+(?:\.\d+)*")


def levels(path: str) -> list[str]:
    """Split the path of a parameter into the modules around it and its own name.

    >>> levels("layers.1.neurons.0.w.2")
    ['layers.1', 'neurons.0', 'w.2']
    """
    return _LEVEL.findall(path)


def parameter_name(path: str) -> str:
    """Return the short name of a parameter: "w[1][0,2]" for weight 2 of neuron 0 in layer 1.

    The last bracket holds the indices of the neuron and of the parameter, the bracket before it the
    index of the layer. Other modules come first, as Python writes them. A parameter of a plain list
    is θ with its index.

    >>> parameter_name("layers.1.neurons.0.w.2"), parameter_name("layers.1.neurons.0.b")
    ('w[1][0,2]', 'b[1][0]')
    >>> parameter_name("blocks.3.query.neurons.5.w.0"), parameter_name("w.2"), parameter_name("7")
    ('blocks[3].query.w[5,0]', 'w[2]', 'θ[7]')
    """
    around, layer, neuron = _split(levels(path)[:-1])
    name, *own = (levels(path) or [path])[-1].split(".")
    if name.isdigit():
        name, own = "θ", [name, *own]
    inner = ",".join([*neuron, *own])
    name += "".join(f"[{index}]" for index in layer) + (f"[{inner}]" if inner else "")
    return ".".join(filter(None, (around, name)))


def module_name(path: str) -> str:
    """Return the short name of a module: "layer 1, neuron 0" for "layers.1.neurons.0".

    >>> module_name("layers.1"), module_name("encoder.layers.1"), module_name("blocks.3.query")
    ('layer 1', 'encoder, layer 1', 'blocks[3].query')
    """
    around, layer, neuron = _split(levels(path))
    words = [around, *(f"layer {i}" for i in layer), *(f"neuron {i}" for i in neuron)]
    return ", ".join(filter(None, words))


def _split(path: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """The modules around a layer, as Python writes them, and the indices of layer and neuron."""
    rest = [level.split(".") for level in path]
    neuron = rest.pop()[1:] if rest and rest[-1][0] == "neurons" and len(rest[-1]) == 2 else []
    layer: list[str] = []
    if rest and rest[-1][0] == "layers" and len(rest[-1]) == 2:
        layer = rest.pop()[1:]
    elif rest and neuron and rest[-1][0].isdigit():  # the model is a list of layers
        layer = rest.pop()
    written = []
    for name, *indices in rest:
        names = [f"[{name}]"] if name.isdigit() else [name]  # an item of a list
        written.append("".join([*names, *(f"[{i}]" for i in indices)]))
    return ".".join(written), layer, neuron


def names_of(order: Sequence[Value], given: Mapping[Value, str] | None = None) -> dict[Value, str]:
    """Return a name for each value of `order`, different for different values.

    The name of a labelled value is its cleaned label; a second value with the same label becomes
    "w (2)". The name of a constant is its number, the only name that several values may share. Any
    other value is "v12", where 12 is its position in `order`, counted from 1.

    Args:
        order: distinct values, such as a topological order.
        given: names for values without a label, such as a model's for its parameters.

    >>> from scalargrad.view.read.names import names_of
    >>> x, w = Value(3.0, "x"), Value(2.0, "w")
    >>> list(names_of(topological_order(2 * x * w + Value(1.0, "w"))).values())
    ['2', 'x', 'v3', 'w', 'v5', 'w (2)', 'v7']
    """
    given = given or {}
    labels = [
        clean(label_of(value) or given.get(value, "")) if value.label or given else ""
        for value in order
    ]
    taken = set(labels)
    names: dict[Value, str] = {}
    suffixes: dict[str, Iterator[int]] = {}  # counters by label: a million equal labels stay fast
    for position, (value, label) in enumerate(zip(order, labels, strict=True), 1):
        name = label or (format_number(value.data) if value.is_constant else f"v{position}")
        if label and label not in suffixes:
            suffixes[label] = count(2)
        elif label:
            name = next(n for k in suffixes[label] if (n := f"{label} ({k})") not in taken)
            taken.add(name)
        elif not value.is_constant:
            while name in taken:  # the user gave another value this label
                name = f"v{name}"
        names[value] = name
    return names
