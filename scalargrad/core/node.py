"""The node of a graph: what it holds, its operators, the order of a graph, and the backward pass.

This is the readable form of the innermost part of the engine: nothing else makes nodes or fills
their slots. `_node.c` says the same in machine code, and takes the place of everything here whose
name it defines. What is rare (a mode that is active, unusual numbers, errors) it leaves to the
methods of this class, so that each decision is made in one place.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import filterfalse, islice
from typing import TYPE_CHECKING, Any

from scalargrad.core import primitives as row
from scalargrad.core.modes import (
    active,
    builds,
    note_leaf,
    note_node,
    recorder,
    stack,
    watching,
)  # fmt: skip
from scalargrad.core.native import machine_code
from scalargrad.core.numbers import as_float, is_number
from scalargrad.core.operators import Operators
from scalargrad.core.rows import TABLE, Primitive

__all__ = [
    "CONSTANT",
    "DETACHED",
    "Argument",
    "Leaf",
    "Node",
    "argument",
    "backward",
    "binary",
    "check_access",
    "clear_gradients",
    "constant",
    "fill",
    "gradients",
    "is_unused",
    "leaf",
    "linear",
    "nary",
    "numbers",
    "order",
    "owner_of",
    "packed",
    "partials",
    "register",
    "set_gradients",
    "set_numbers",
    "unused",
    "without_partials",
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


class Node(Operators):
    """One value with its operands and local derivatives; see `Value`, the class that users see.

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

    def __init__(self, data: Any, label: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"Value: label must be a string, got {type(label).__name__}")
        fill(self, data if data.__class__ is float else as_float(data, "Value"), label)
        if watching:
            note_leaf(self)

    @property
    def data(self) -> float:
        """The number."""
        if active:
            check_access(self, "reads .data of")
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        if active:
            check_access(self, "sets .data of")
        self._data = number if number.__class__ is float else as_float(number, "Value.data")

    @property
    def grad(self) -> float:
        """The derivative of the value that `backward` was last called on by this one."""
        if active:
            check_access(self, "reads .grad of")
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        if active:
            check_access(self, "sets .grad of")
        if number.__class__ is not float:  # None clears a gradient in PyTorch
            number = 0.0 if number is None else as_float(number, "Value.grad")
        self._grad = number

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands in order, one that was used twice twice; () for a leaf."""
        return self._x if self._y is None else (self._x, self._y)

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative with respect to each operand, as of when the value was computed."""
        if active:
            check_access(self, "reads .partials of")
        return self._dx if self._y is None else (self._dx, self._dy)

    # The mode of the context is asked here and in the four operators below.

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """The result of an operation on Values and numbers, as a node; see `Traced`."""
        if active and (recording := recorder()):
            return recording.apply(primitive, inputs)
        if len(inputs) == 1:  # without the lists below: 0.8 us instead of 1.2
            data = primitive.evaluate((self._data,), inputs)
            if active and not builds():
                return leaf(data, DETACHED)
            made = nary(primitive, data, inputs, tuple(primitive.partials(self._data, data)))
            if active:
                note_node(made)
            return made
        name = primitive.name
        operands = tuple([x if isinstance(x, Node) else constant(x, name) for x in inputs])
        inner = [x._data for x in operands]
        data = primitive.evaluate(inner, operands)
        if active and not builds():
            return leaf(data, DETACHED)
        made = nary(primitive, data, operands, tuple(primitive.partials(*inner, data)))
        if active:
            note_node(made)
        return made

    def compare(self, primitive: Primitive, x: Any, y: Any) -> Any:
        """Whether the comparison holds for the numbers; while recording, a value that is 1 or 0."""
        if active and (recording := recorder()):
            return recording.compare(primitive, (x, y))
        x = x if x.__class__ is float else x._data if isinstance(x, Node) else x
        y = y if y.__class__ is float else y._data if isinstance(y, Node) else y
        return primitive.value(x, y) == 1.0

    def decide(self) -> bool:
        """Whether the number is not 0; while recording, this leaves a guard."""
        if active and (recording := recorder()):
            return recording.decide(self)  # type: ignore[no-any-return]
        return self._data != 0.0

    def __hash__(self) -> int:
        if active and (found := check_access(self, "looks up by hash")) is not None:
            return found
        return object.__hash__(self)  # of the object, as in PyTorch: a key of dicts and sets

    # The four most frequent operators state their partials here, which saves two calls (a test
    # holds them to their rows); the others come from `Operators` and their rows.

    def __add__(self, other: Any) -> Any:
        if active:
            return Operators.__add__(self, other)
        if other.__class__ is not _class and (other := _operand(other, "add")) is None:
            return NotImplemented
        return binary(row.add, self._data + other._data, self, other, 1.0, 1.0)

    def __sub__(self, other: Any) -> Any:
        if active:
            return Operators.__sub__(self, other)
        if other.__class__ is not _class and (other := _operand(other, "sub")) is None:
            return NotImplemented
        return binary(row.sub, self._data - other._data, self, other, 1.0, -1.0)

    def __mul__(self, other: Any) -> Any:
        if active:
            return Operators.__mul__(self, other)
        if other.__class__ is not _class and (other := _operand(other, "mul")) is None:
            return NotImplemented
        x, y = self._data, other._data
        return binary(row.mul, x * y, self, other, y, x)

    def __truediv__(self, other: Any) -> Any:
        if active:
            return Operators.__truediv__(self, other)
        if other.__class__ is not _class and (other := _operand(other, "div")) is None:
            return NotImplemented
        x, y = self._data, other._data
        if not y:
            raise row.div.domain_error(ZeroDivisionError(), (self, other))
        out = x / y
        return binary(row.div, out, self, other, 1.0 / y, -out / y)


def check_access(node: Node, access: str) -> int | None:
    """Refuse what a recording would freeze into its program; the hash of what is a bool eagerly."""
    if recording := recorder():
        return recording.check_access(node, access)  # type: ignore[no-any-return]
    return None


class Argument(Leaf):
    """The origin of leaves that stand for the arguments of a function while it is differentiated.

    One of them belongs to one run of a function; `ended` says whether that run is over.
    """

    def __init__(self) -> None:
        super().__init__("ARGUMENT")
        self.ended = False

    def __reduce__(self) -> Any:
        return type(None), ()  # a copy is a leaf like any other


def argument(number: Any, origin: Argument) -> Any:
    """A leaf that stands for an argument."""
    made = leaf(as_float(number, "Value"), origin)
    if watching:
        note_leaf(made)
    return made


def constant(x: Any, caller: str) -> Any:
    """The plain number `x` as a leaf; the error for anything else names the `caller`."""
    return leaf(x if x.__class__ is float else as_float(x, caller), CONSTANT)


def _operand(x: Any, caller: str) -> Any:
    """The other operand of an operator as a node; None if it is no real number."""
    if isinstance(x, Node):
        return x
    return constant(x, caller) if is_number(x) else None


_class: type[Node] = Node
_new = object.__new__


def register(cls: type[Node]) -> None:
    """Make `cls` the class of all nodes made from now on."""
    global _class
    _class = cls


def fill(node: Node, data: float, label: str) -> None:
    """Fill the slots of a new node as those of a leaf that the user created."""
    node._data, node._grad, node.label, node._row = data, 0.0, label, None
    node._x, node._y, node._dx, node._dy = (), None, (), 0.0


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
    label: str = "", grad: float = 0.0,
) -> Any:  # fmt: skip
    """A node with any number of operands and as many partials."""
    made = _new(_class)
    made._data, made._grad, made.label, made._row = data, grad, label, row
    if len(operands) == 2:
        (made._x, made._y), (made._dx, made._dy) = operands, partials
    else:
        made._x, made._y, made._dx, made._dy = operands, None, partials, 0.0
    return made


def without_partials(row: Any, data: float, operands: Sequence[Any], owner: Any) -> Any:
    """A node whose partials are not known; the `owner` stands in their place.

    An attempt to read them iterates over the owner, which should raise an error.
    """
    made = nary(row, data, (), ())
    made._x, made._dx = operands, owner
    return made


def owner_of(node: Any) -> Any:
    """What stands in the place of the partials of a node; None if it has partials."""
    return node._dx if node._y is None and node._dx.__class__ is not tuple else None


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
    leaves = []
    for node in nodes:
        if node._y is not None or node._x:
            node._grad = 0.0
        else:
            leaves.append(node)
    before = [leaf._grad for leaf in leaves]
    output._grad += seed
    exact = True
    for node in reversed(nodes):
        g = node._grad
        if not g:  # nothing arrived, or only zeros, which count where a partial is not finite
            total = node._dx + node._dy if node._y is not None else sum(node._dx)
            if total - total:
                exact = False
                break
        elif node._y is not None:
            if node._dx:
                node._x._grad += g * node._dx
            elif g - g:  # not finite: times zero it is nan, if the operand was used
                exact = False
                break
            if node._dy:
                node._y._grad += g * node._dy
            elif g - g:
                exact = False
                break
        else:
            for operand, partial in zip(node._x, node._dx, strict=True):
                if partial:
                    operand._grad += g * partial
            if g - g and 0.0 in node._dx:
                exact = False
                break
    if not exact:
        for leaf, grad in zip(leaves, before, strict=True):
            leaf._grad = grad
        _backward_with_zeros(nodes, output, seed)


def _backward_with_zeros(nodes: Sequence[Any], output: Node, seed: float) -> None:
    """The same where zeros meet what is not finite: what was not used contributes nothing."""
    inner = [node for node in nodes if node._y is not None or node._x]
    for node in inner:
        node._grad = 0.0
    output._grad += seed
    reached = {output}
    for node in reversed(inner):
        if node in reached:
            operands = (node._x, node._y) if node._y is not None else node._x
            slopes = (node._dx, node._dy) if node._y is not None else node._dx
            for i, (operand, slope) in enumerate(zip(operands, slopes, strict=True)):
                if slope or not is_unused(node, i):
                    operand._grad += node._grad * slope
                    reached.add(operand)


def is_unused(node: Any, i: int) -> bool:
    """Whether the partial `i` of a node, which is zero, says that the operand was not used.

    Nothing flows on from there. Any other zero is a number, and 0 * inf is nan.
    """
    rule = node._row.unused
    if isinstance(rule, bool):
        return rule
    return bool(rule(node.parents, i)) if callable(rule) else i in rule


def linear(
    outputs: Iterable[Any], inputs: Sequence[Any]
) -> tuple[list[Any], Sequence[int], Sequence[int]]:
    """A graph as flat arrays: the nodes, the first edge of each node, the operand on each edge.

    Args:
        outputs: the nodes whose graphs are wanted.
        inputs: distinct nodes, which come first and count as leaves.

    Returns:
        The nodes, every operand before its results; by node the index of the first of its edges,
        and their number at the end; by edge the index of the operand.
    """
    first = len(inputs)
    nodes = [*inputs, *order(outputs, set(inputs))]
    index = dict(zip(nodes, range(len(nodes)), strict=True))
    starts = [0] * (first + 1)
    operands: list[int] = []
    for node in islice(nodes, first, None):
        if node._y is not None:
            operands += (index[node._x], index[node._y])
        elif node._x:
            operands += [index[x] for x in node._x]
        starts.append(len(operands))
    return nodes, starts, operands


def partials(nodes: Sequence[Node], starts: Sequence[int]) -> list[float]:
    """The local derivative on each edge of the nodes that have edges."""
    found: list[float] = []
    before = 0
    for node, end in zip(nodes, islice(starts, 1, None), strict=True):
        if end != before:
            found += node._dx if node._y is None else (node._dx, node._dy)
            before = end
    return found


def unused(nodes: Sequence[Node], starts: Sequence[int], slopes: Sequence[float]) -> bytearray:
    """By edge, whether its operand was not used; `slopes` are the partials of all edges."""
    found = bytearray(len(slopes))
    for e, slope in enumerate(slopes):
        if not slope:
            i = bisect_right(starts, e) - 1
            found[e] = is_unused(nodes[i], e - starts[i])
    return found


def numbers(nodes: Iterable[Node]) -> list[float]:
    """The numbers of many nodes."""
    return [node._data for node in nodes]


def gradients(nodes: Iterable[Node]) -> list[float]:
    """The gradients of many nodes."""
    return [node._grad for node in nodes]


def packed(nodes: Iterable[Node]) -> array[float]:
    """The numbers of many nodes, as an array."""
    return array("d", numbers(nodes))


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


def set_gradients(nodes: Sequence[Node], values: Sequence[float]) -> None:
    """Set the gradients of many nodes: all of them, or none if Ctrl-C interrupts."""
    before = gradients(nodes)
    try:
        for node, value in zip(nodes, values, strict=True):
            node._grad = value
    except BaseException:
        for node, value in zip(nodes, before, strict=True):
            node._grad = value
        raise


def clear_gradients(nodes: Iterable[Node]) -> None:
    """Set the gradients of many nodes to zero."""
    for node in nodes:
        node._grad = 0.0


if machine_code is not None and not TYPE_CHECKING:
    machine_code.setup(
        Node, check_access, order, active, watching, stack, TABLE, CONSTANT, DETACHED
    )
    machine_code.Node.compare, machine_code.Node.decide = Node.compare, Node.decide
    globals().update({name: found for name, found in vars(machine_code).items() if name in __all__})
