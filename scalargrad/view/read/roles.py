"""What every value of a graph is: its kind, what it is called, and the module it belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from scalargrad.core.labels import label_of
from scalargrad.core.value import Value
from scalargrad.nn import Module, named_leaves
from scalargrad.view.graph import Kind

__all__ = ["Roles", "find_roles", "names_in", "shared_path"]

# "layers.0.neurons.1.w.2": names with their indices, joined by dots
_PATH = re.compile(r"[^\W\d]\w*(\.\w+)+")
# An index belongs to the name before it: "layers.0" is one level.
_LEVEL = re.compile(r"[^.]+(?:\.\d+)*")

_TREES = (Module, dict, list, tuple)


@dataclass(frozen=True, slots=True)
class Roles:
    """By place in topological order: operands, kinds, and paths of modules from the outermost in.

    `place` finds the place of a value, and `names` holds what the model calls its parameters.
    """

    order: Sequence[Value]
    place: dict[Value, int]
    parents: list[list[int]]
    kinds: list[Kind]
    modules: list[tuple[str, ...]]
    names: dict[Value, str]

    def label(self, place: int) -> str:
        """The label of a value, or what the model calls it; not cleaned, may be empty."""
        value = self.order[place]
        return label_of(value) or self.names.get(value, "")


def find_roles(order: Sequence[Value], model: Any) -> Roles:
    """Return the roles of the values in `order`, a graph in topological order.

    With a `model` its parameters are the parameters, and other leaves are inputs. Without one, a
    leaf is a parameter when its label is a path, like "layers.0.neurons.1.w.2", or when it is a
    weight or a bias in a `dot`, but not when it is an input of a `dot`: nothing else tells one leaf
    from another.

    Raises:
        TypeError: `model` is neither a module nor a list or dict of Values.

    >>> w, x = Value(2.0, "w"), Value(3.0, "x")
    >>> find_roles([w, x, sg.dot([w], [x])], None).kinds
    ['parameter', 'input', 'result']
    """
    names = names_in(model)
    place = {value: i for i, value in enumerate(order)}
    parents = [[place[parent] for parent in value.parents] for value in order]
    leaves = [i for i, below in enumerate(parents) if not below]
    if model is not None:
        paths = {i: names[order[i]] for i in leaves if order[i] in names}
        told = set(paths)
    else:
        weights, inputs = _sides(order, parents)
        labels = {i: label_of(order[i]) for i in leaves if order[i].label and i not in inputs}
        paths = {i: label for i, label in labels.items() if _PATH.fullmatch(label)}
        told = {i for i in set(paths) | (weights - inputs) if not parents[i]}
    kinds: list[Kind] = [
        "operation" if below
        else "constant" if value.is_constant
        else "parameter" if i in told
        else "input"
        for i, (value, below) in enumerate(zip(order, parents, strict=True))
    ]  # fmt: skip
    kinds[-1] = "result"
    return Roles(order, place, parents, kinds, _modules(parents, kinds, paths), names)


def names_in(model: Any) -> dict[Value, str]:
    """What a model calls its parameters; those of a module of the user's own making have no names.

    Raises:
        TypeError: `model` is neither a module nor a list or dict of Values.
        ValueError: there is no Value in it.

    >>> list(names_in({"w": [Value(1.0), Value(2.0)]}).values())[::-1]
    ['w.0', 'w.1']
    """
    if model is None:
        return {}
    parameters = None if isinstance(model, type) else getattr(model, "parameters", None)
    if isinstance(model, _TREES) or hasattr(model, "dtype"):
        found = named_leaves(model)
    elif isinstance(model, Iterator):  # such as model.parameters() of another library's making
        found = named_leaves(list(model))
    elif callable(parameters):  # a module of the user's own making
        found = [(value, "") for value in parameters() or () if isinstance(value, Value)]
    else:
        raise TypeError(
            f"model must be an nn.Module or a list or dict of parameters, "
            f"got {model.__name__ if isinstance(model, type) else type(model).__name__}"
        )
    if not found:
        raise ValueError("model has no parameters: there is not one Value in it")
    return dict(reversed(found))  # of two names the first


def _sides(order: Sequence[Value], parents: Sequence[Sequence[int]]) -> tuple[set[int], set[int]]:
    """The values that are weights or biases of a `dot`, and those that are its inputs."""
    weights: set[int] = set()
    inputs: set[int] = set()
    for value, below in zip(order, parents, strict=True):
        if value.op == "dot":
            n = len(below) // 2
            weights.update(below[:n], below[2 * n :])
            inputs.update(below[n : 2 * n])
    return weights, inputs


def _modules(
    parents: Sequence[Sequence[int]], kinds: Sequence[Kind], paths: Mapping[int, str]
) -> list[tuple[str, ...]]:
    """The modules around each value, from the outermost: () where there is none.

    An operation on parameters belongs to their module. What follows it belongs there too, such as
    an activation, but not behind the last operation on parameters: that is the loss.
    """
    modules: list[tuple[str, ...]] = [()] * len(parents)
    if not paths:
        return modules
    known: dict[str, tuple[str, ...]] = {}
    for leaf, path in paths.items():
        modules[leaf] = _levels(path, known)
    uses = [not paths.keys().isdisjoint(below) for below in parents]
    leads_on = [False] * len(parents)  # whether operations on parameters follow
    for i in range(len(parents) - 1, -1, -1):
        if uses[i] or leads_on[i]:
            for p in parents[i]:
                leads_on[p] = True
    for i, below in enumerate(parents):
        if not below or not (uses[i] or leads_on[i]):
            continue
        around = {modules[p] for p in below if (p in paths if uses[i] else kinds[p] != "constant")}
        if len(around) == 1:
            (modules[i],) = around
        elif uses[i]:
            modules[i] = shared_path(around)
    return modules


def _levels(path: str, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    names = _LEVEL.findall(path)[:-1]  # the last is the parameter's own
    whole = ".".join(names)
    if whole not in known:
        known[whole] = tuple(".".join(names[: i + 1]) for i in range(len(names)))
    return known[whole]


def shared_path(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The outermost levels that all paths have in common.

    >>> shared_path([("net", "net.0"), ("net", "net.1")])
    ('net',)
    """
    return tuple(levels[0] for levels in takewhile(_equal, zip(*paths, strict=False)))


def _equal(levels: tuple[str, ...]) -> bool:
    return len(set(levels)) == 1
