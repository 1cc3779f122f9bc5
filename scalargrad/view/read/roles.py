"""Find the role of every value: its kind, its name in the model, and the modules around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from scalargrad.core.labels import label_of
from scalargrad.core.numbers import shown
from scalargrad.core.primitives import dot_operands
from scalargrad.core.tape import Tape
from scalargrad.core.value import Value
from scalargrad.nn import Module, named_leaves
from scalargrad.view.graph import Kind
from scalargrad.view.read.names import levels, parameter_name

__all__ = ["Roles", "find_roles", "parameter_names", "shared_path"]

# "layers.0.neurons.1.w.2": names with their indices, joined by dots
_PATH = re.compile(r"[^\W\d]\w*(\.\w+)+")

_TREES = (Module, dict, list, tuple)


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the values of a tape, by their index there.

    `parents` holds the indices of the operands, `modules` the paths of the modules around a value,
    from the outermost in. `paths` holds the paths of the parameters.
    """

    tape: Tape
    parents: list[list[int]]
    kinds: list[Kind]
    modules: list[tuple[str, ...]]
    paths: dict[int, str]

    @property
    def order(self) -> Sequence[Value]:
        """The values in topological order."""
        return self.tape.nodes

    def label(self, i: int) -> str:
        """The label of a value, or its short name in the model; not cleaned, may be empty."""
        return label_of(self.order[i]) or (parameter_name(self.paths[i]) if i in self.paths else "")

    @property
    def names(self) -> dict[Value, str]:
        """The short names of the parameters."""
        return {self.order[i]: parameter_name(path) for i, path in self.paths.items()}


def find_roles(tape: Tape, model: Any, results: Iterable[int] = (-1,)) -> Roles:
    """Return the roles of the nodes of a tape.

    The leaves of a `model` are parameters, all other leaves inputs. Without a model a leaf is a
    parameter if its label is a path, like "layers.0.neurons.1.w.2", or if it is a weight or a bias
    of a `dot`, unless it is also an input of a `dot`: nothing else tells the leaves apart. A slot
    of a recorded program knows its `kind`.

    Args:
        tape: the graph of Values, or a recorded program.
        model: the module of the parameters, or a list or dict of them, or None.
        results: the indices of the outputs.

    Raises:
        TypeError: `model` is neither a module nor a list or dict of Values.

    >>> w, x = Value(2.0, "w"), Value(3.0, "x")
    >>> find_roles(Tape.of([sg.dot([w], [x])]), None).kinds
    ['parameter', 'input', 'result']
    """
    in_model = _paths_in(model)
    order, operands = tape.nodes, [*tape.operands]
    parents = [operands[first:end] for first, end in pairwise(tape.starts)]
    leaves = [i for i, below in enumerate(parents) if not below]
    if model is not None:
        paths = {i: in_model[order[i]] for i in leaves if order[i] in in_model}
        parameters = set(paths)
    else:
        weights, inputs = _sides(order, parents)
        labels = {i: label_of(order[i]) for i in leaves if order[i].label and i not in inputs}
        paths = {i: label for i, label in labels.items() if _PATH.fullmatch(label)}
        parameters = {i for i in set(paths) | (weights - inputs) if not parents[i]}
    kinds: list[Kind] = [
        "operation" if below
        else value.kind if not isinstance(value, Value)
        else "constant" if value.is_constant
        else "parameter" if i in parameters
        else "input"
        for i, (value, below) in enumerate(zip(order, parents, strict=True))
    ]  # fmt: skip
    for i in results:
        kinds[i] = "result"
    return Roles(tape, parents, kinds, _modules(parents, kinds, paths), paths)


def parameter_names(model: Any) -> dict[Value, str]:
    """Return the short names of the parameters of `model`; a foreign module gives none.

    Raises:
        TypeError: `model` is neither a module nor a list or dict of Values.
        ValueError: the model holds no Value.

    >>> list(parameter_names({"w": [Value(1.0), Value(2.0)]}).values())[::-1]
    ['w[0]', 'w[1]']
    """
    return {value: parameter_name(path) for value, path in _paths_in(model).items()}


def _paths_in(model: Any) -> dict[Value, str]:
    if model is None:
        return {}
    parameters = None if isinstance(model, type) else getattr(model, "parameters", None)
    if isinstance(model, _TREES) or hasattr(model, "dtype"):
        found = named_leaves(model)
    elif isinstance(model, Iterator):  # such as model.parameters() in another library
        found = named_leaves(list(model))
    elif callable(parameters):  # an instance of the user's own module class
        found = [(value, "") for value in parameters() or () if isinstance(value, Value)]
    else:
        raise TypeError(
            f"model must be an nn.Module or a list or dict of parameters, "
            f"got {model.__name__ if isinstance(model, type) else type(model).__name__}"
        )
    if not found:
        got = f"got {shown(model)}"
        raise ValueError(f"model has no parameters: it contains no Value, {got}")
    return dict(reversed(found))  # if a parameter has two names, the first


def _sides(order: Sequence[Value], parents: Sequence[Sequence[int]]) -> tuple[set[int], set[int]]:
    """The values that are weights or biases of a `dot`, and those that are its inputs."""
    weights: set[int] = set()
    inputs: set[int] = set()
    for value, operands in zip(order, parents, strict=True):
        if value.op == "dot":
            ws, xs, bias = dot_operands(tuple(operands))
            weights.update(ws, bias)
            inputs.update(xs)
    return weights, inputs


def _modules(
    parents: Sequence[Sequence[int]], kinds: Sequence[Kind], paths: Mapping[int, str]
) -> list[tuple[str, ...]]:
    """The modules around each value, from the outermost in; () outside of all modules.

    An operation on parameters belongs to their module, and so do the operations after it, such as
    an activation, up to the next operation on parameters. Those after the last operation on
    parameters, such as the loss, belong to no module.
    """
    modules: list[tuple[str, ...]] = [()] * len(parents)
    if not paths:
        return modules
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for leaf, path in paths.items():
        names = tuple(levels(path)[:-1])
        if names not in known:
            known[names] = tuple(".".join(names[: i + 1]) for i in range(len(names)))
        modules[leaf] = known[names]
    parameters = paths.keys()
    uses = [not parameters.isdisjoint(operands) for operands in parents]
    leads_on = [False] * len(parents)  # whether operations on parameters follow
    for i in range(len(parents) - 1, -1, -1):
        if uses[i] or leads_on[i]:
            for p in parents[i]:
                leads_on[p] = True
    for i, operands in enumerate(parents):
        if not operands or not (uses[i] or leads_on[i]):
            continue
        if uses[i]:
            around = {modules[p] for p in operands if p in paths}
        else:
            around = {modules[p] for p in operands if kinds[p] != "constant"}
        if len(around) == 1:
            (modules[i],) = around
        elif uses[i]:
            modules[i] = shared_path(around)
    return modules


def shared_path(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the outermost levels that all paths have in common.

    >>> shared_path([("net", "net.0"), ("net", "net.1")])
    ('net',)
    """
    same = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return tuple(level[0] for level in same)
