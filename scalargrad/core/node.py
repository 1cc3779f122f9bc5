"""The node of a graph: what it holds, how it is made, the order of a graph, and the backward pass.

This is the readable form of the innermost part of the engine. It knows nothing of operations,
recording or drawing, and nothing else makes nodes or fills their slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import filterfalse, islice
from typing import Any

__all__ = [
    "CONSTANT",
    "DETACHED",
    "Leaf",
    "Node",
    "backward",
    "binary",
    "edges",
    "fill",
    "gradients",
    "leaf",
    "nary",
    "numbers",
    "order",
    "partials",
    "register",
    "set_gradients",
    "set_numbers",
]


class Leaf:
    """The origin of a leaf that the user did not create; stands where others have a row."""

    symbol = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name


CONSTANT = Leaf("CONSTANT")  # stands for a plain number, like the 2 of `2 * x`
DETACHED = Leaf("DETACHED")  # was computed without a graph


class Node:
    """One value with its operands and local derivatives.

    Most nodes have two operands, which stand in slots of their own: with two tuples in their place
    a node cost 2.1 us instead of 1.1 (forward and backward), most of it in the cyclic collector,
    which visits tuples one by one, and 265 bytes instead of 184. Nodes with another number of
    operands keep tuples: `_x` the operands, `_dx` the partials; `_y` is then None.
    """

    __slots__ = ("__weakref__", "_data", "_dx", "_dy", "_grad", "_row", "_x", "_y", "label")

    _data: float
    _grad: float
    label: str
    _row: Any  # the operation; for a leaf None, CONSTANT or DETACHED
    _x: Any
    _y: Any
    _dx: Any
    _dy: float

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands in order, one that was used twice twice; () for a leaf."""
        return self._x if self._y is None else (self._x, self._y)

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative with respect to each operand, as of when the value was computed."""
        return self._dx if self._y is None else (self._dx, self._dy)


_class: type[Node] = Node
_new = object.__new__


def register(cls: type[Node]) -> None:
    """Make `cls` the class of all nodes made from now on."""
    global _class
    _class = cls


def fill(self: Node, data: float, label: str = "", row: Any = None) -> None:
    """Fill the slots of a new node as those of a leaf."""
    self._data = data
    self._grad = 0.0
    self.label = label
    self._row = row
    self._x = self._dx = ()
    self._y = None
    self._dy = 0.0


def leaf(data: float, row: Any) -> Any:
    """A leaf that the user did not create; `row` is CONSTANT, DETACHED or another `Leaf`."""
    made = _new(_class)
    made._data, made._grad, made.label, made._row = data, 0.0, "", row
    made._x, made._y, made._dx, made._dy = (), None, (), 0.0
    return made


def binary(row: Any, data: float, x: Node, y: Node, dx: float, dy: float) -> Any:
    """A node with two operands and their partials."""
    made = _new(_class)
    made._data = data
    made._grad = 0.0
    made.label = ""
    made._row = row
    made._x = x
    made._y = y
    made._dx = dx
    made._dy = dy
    return made


def nary(
    row: Any, data: float, operands: Sequence[Node], partials: Sequence[float],
    label: str = "", grad: float = 0.0, cls: type[Node] | None = None,
) -> Any:  # fmt: skip
    """A node with any number of operands and as many partials."""
    made = _new(cls or _class)
    made._data, made._grad, made.label, made._row = data, grad, label, row
    if len(operands) == 2:
        (made._x, made._y), (made._dx, made._dy) = operands, partials
    else:
        made._x, made._y, made._dx, made._dy = operands, None, partials, 0.0
    return made


def order(outputs: Iterable[Any], seen: set[Any]) -> list[Any]:
    """The nodes of the graphs of `outputs`, every operand before its results.

    Nodes in `seen`, and what only they depend on, are left out; the nodes found are added to it.
    """
    found: list[Any] = []
    for output in outputs:
        stack: list[Any] = [output]
        pop = stack.pop
        while stack:
            node = pop()
            if node is None:  # the marker: the operands of the node below it are done
                found.append(pop())
            elif node not in seen:
                seen.add(node)
                if node._y is not None:
                    stack += (node, None, node._y, node._x)
                elif seen.issuperset(node._x):  # a leaf, or all its operands are done
                    found.append(node)
                else:
                    stack += (node, None)
                    stack.extend(filterfalse(seen.__contains__, reversed(node._x)))
    return found


def backward(output: Node, seed: float) -> None:
    """Add `seed` times the derivative of `output` to the gradient of each leaf of its graph.

    The gradients of inner nodes are set, not added to.
    """
    nodes = order((output,), set())
    for node in nodes:
        if node._y is not None or node._x:
            node._grad = 0.0
    output._grad += seed
    for node in reversed(nodes):
        g = node._grad
        if not g:  # a zero adjoint stops here, a zero partial below: 0 * inf is never formed
            continue
        if node._y is not None:
            if node._dx:
                node._x._grad += g * node._dx
            if node._dy:
                node._y._grad += g * node._dy
        else:
            for operand, partial in zip(node._x, node._dx, strict=True):
                if partial:
                    operand._grad += g * partial


def edges(nodes: Iterable[Node], index: dict[Any, int], first: int) -> tuple[list[int], list[int]]:
    """The edges of a graph: by node the first of its edges, and by edge the index of the operand.

    The nodes before `first` count as leaves.
    """
    starts = [0] * (first + 1)
    operands: list[int] = []
    for node in islice(nodes, first, None):
        if node._y is not None:
            operands += (index[node._x], index[node._y])
        elif node._x:
            operands += [index[x] for x in node._x]
        starts.append(len(operands))
    return starts, operands


def partials(nodes: Sequence[Node], starts: Sequence[int]) -> list[float]:
    """The local derivative on each edge of the nodes that have edges."""
    found: list[float] = []
    before = 0
    for node, end in zip(nodes, islice(starts, 1, None), strict=True):
        if end != before:
            found += node._dx if node._y is None else (node._dx, node._dy)
            before = end
    return found


def numbers(nodes: Iterable[Node]) -> list[float]:
    """The numbers of many nodes."""
    return [node._data for node in nodes]


def gradients(nodes: Iterable[Node]) -> list[float]:
    """The gradients of many nodes."""
    return [node._grad for node in nodes]


def set_numbers(nodes: Sequence[Node], values: Sequence[float]) -> None:
    """Set the numbers of many nodes: all of them, or none if Ctrl-C interrupts."""
    before = numbers(nodes)
    try:
        for node, value in zip(nodes, values, strict=True):
            node._data = value
    except BaseException:
        for node, value in zip(nodes, before, strict=True):
            node._data = value
        raise


def set_gradients(nodes: Iterable[Node], value: float) -> None:
    """Set the gradients of many nodes to one number."""
    for node in nodes:
        node._grad = value
