"""Programs that use nodes in every way, and what comes of them as text: bits, graphs, errors."""

from __future__ import annotations

import copy
import inspect
import math
import operator
import pickle
import re
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
from strategies import Program

import scalargrad as sg
from scalargrad import Value
from scalargrad.core import node as nodes
from scalargrad.core.native import NATIVE
from scalargrad.core.node import linear, nary, order, partials, without_partials
from scalargrad.core.rows import TABLE
from scalargrad.core.value import topological_order

# --- what is told ---------------------------------------------------------------------------------


def told(x: Any) -> str:
    """A result as text, to the last bit."""
    if isinstance(x, Value):
        parents = ", ".join(f"{type(p).__name__} {p._data.hex()} {p._row!r}" for p in x.parents)
        slopes = ", ".join(slope.hex() for slope in x.partials)
        return (
            f"{type(x).__name__} {x._data.hex()} grad {x._grad.hex()} label {x.label!r} "
            f"{x._row!r} of ({parents}) by ({slopes})"
        )
    if isinstance(x, np.ndarray):
        return f"array {[told(item) for item in x.ravel().tolist()]}"
    if isinstance(x, (tuple, list)):
        return f"{type(x).__name__} {[told(item) for item in x]}"
    return f"{type(x).__name__} {x.hex() if type(x) is float else repr(x)}"


def graph(x: Value) -> list[str]:
    """A graph as text: its nodes in order, each with the places of its operands."""
    nodes = topological_order(x)
    places = {node: place for place, node in enumerate(nodes)}
    return [f"{told(node)} {[places[parent] for parent in node.parents]}" for node in nodes]


def outcome(function: Callable[..., Any], *args: Any) -> str:
    """The result of a function as text, or its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of overflow
        try:
            return told(function(*args))
        except Exception as error:
            return re.sub(r"0x[0-9a-fA-F]+", "0x", f"{type(error).__name__}: {error}")


def fault(function: Callable[..., Any], *args: Any) -> str:
    """The type of the error alone, where Python words it for its own kind of class."""
    return outcome(function, *args).partition(":")[0]


# --- operands of all kinds ------------------------------------------------------------------------


class Count(int):
    pass


class Level(IntEnum):
    LOW = 2


class Length(float):
    pass


class Shifted(float):
    def __float__(self) -> float:
        return 0.1


class Failing(float):
    error: type[Exception] = ValueError

    def __float__(self) -> float:
        raise self.error("no number today")


class TooLarge(Failing):
    error = OverflowError


class NoFloat(Failing):
    def __float__(self) -> Any:
        return "text"


class Speaking:
    """An object with operators of its own for a Value on the left."""

    def __radd__(self, other: Any) -> str:
        return f"radd {other.data}"

    def __rsub__(self, other: Any) -> str:
        return f"rsub {other.data}"

    def __rmul__(self, other: Any) -> str:
        return f"rmul {other.data}"

    def __rtruediv__(self, other: Any) -> str:
        return f"rtruediv {other.data}"

    def __rpow__(self, other: Any) -> str:
        return f"rpow {other.data}"

    def __gt__(self, other: Any) -> str:
        return f"gt {other.data}"

    def __repr__(self) -> str:
        return "Speaking()"


class Refusing:
    """An object whose operators refuse."""

    def __radd__(self, other: Any) -> Any:
        raise LookupError("refused")

    __rmul__ = __rpow__ = __eq__ = __lt__ = __gt__ = __radd__  # type: ignore[assignment]
    __hash__ = object.__hash__


NUMBERS: list[Any] = [
    0, 1, 3, -2, 2**53 + 1, -(2**53) - 1, 2**63, 10**400, -(10**400), True, False,
    0.0, -0.0, 1.0, 0.5, -2.5, 3.0, 5e-324, 1e-310, 1.7e308, -1.7e308,
    math.inf, -math.inf, math.nan,
    Count(3), Count(10**400), Level.LOW, Length(2.5), Shifted(3.0), Failing(1.0), TooLarge(1.0),
    NoFloat(1.0), Fraction(5, 2), Fraction(-1, 3), Fraction(10**400), Fraction(1, 10**400),
]  # fmt: skip


def numpy_scalars() -> Iterator[Any]:
    """A scalar of every type of NumPy, and whole arrays."""
    for code in np.typecodes["All"]:
        dtype = np.dtype(code)
        if dtype.kind in "biufc":
            yield dtype.type(3)
        elif dtype.kind in "SUV":
            yield dtype.type(b"3" if dtype.kind != "U" else "3")
    yield from (np.float64("nan"), np.float64("-inf"), np.float64(0.0), np.uint8(200))
    yield from (np.float32(0.1), np.longdouble("1e4000"), np.datetime64(3, "D"))
    yield from (np.array(2.5), np.array([1.0, 2.0]), np.array(["a"]))


OTHERS: list[Any] = [
    None, "3", "", b"3", 1j, Decimal("2.5"), [1.0], (), {}, object(), type, Value, ..., print,
]  # fmt: skip


def operands() -> list[Any]:
    """Operands of all kinds, made anew."""
    values = [Value(3.0), Value(0.0), Value(-2.5) * 2]
    return [*NUMBERS, *numpy_scalars(), *OTHERS, Speaking(), Refusing(), *values]


def name_of(x: Any) -> str:
    text = "" if isinstance(x, (Value, Failing)) else f" {x!r:.30}"
    return re.sub(r"0x[0-9a-fA-F]+", "0x", type(x).__name__ + text)


OPERATORS: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow,
    operator.floordiv, operator.mod, divmod,
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow,
    operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
    operator.and_, operator.matmul,
]  # fmt: skip

# --- the programs ---------------------------------------------------------------------------------


def every_operand(operate: Callable[[Any, Any], Any]) -> list[str]:
    """An operator with an operand of each kind on either side, of each of several numbers."""
    lines = []
    for data in (1.75, -3.0, 0.0, 2.0**53, math.inf, math.nan):
        for other in operands():
            x = Value(data, "x")
            lines.append(f"{data} and {name_of(other)}: {outcome(operate, x, other)}")
            lines.append(f"{name_of(other)} and {data}: {outcome(operate, other, x)}")
    return lines


def every_method_by_name() -> list[str]:
    """Special methods called as functions, with too few operands, too many, and a modulus."""
    x = Value(2.0, "x")
    lines = []
    for name in ("add", "sub", "mul", "truediv", "pow", "radd", "rsub", "rmul", "rtruediv", "rpow"):
        method = getattr(Value, f"__{name}__")
        for args in ((x, 3), (x, x), (x, "a"), (x, None), (Value(1.0), x)):
            lines.append(f"{name} {len(args)}: {outcome(method, *args)}")
        for args in ((), (x,)):
            lines.append(f"{name} {len(args)}: {fault(method, *args)}")
    for name in ("lt", "le", "eq", "ne", "gt", "ge"):
        method = getattr(Value, f"__{name}__")
        lines += [f"{name}: {outcome(method, x, y)}" for y in (3, x, "a", None)]
    for args in ((x, 2, 5), (2, x, 5), (2, 5, x), (x, x, x)):
        lines.append(f"pow {fault(pow, *args)}")
    lines.append(outcome(pow, x, 2, None))
    return lines


def every_row() -> list[str]:
    """Every operation as a function and as a method, on Values and a mix, with odd ones too."""
    points = [2.5, -0.3, 0.0, 1e200, math.inf, math.nan]
    lines = []
    for row in TABLE.values():
        for count in range(5):
            if row.arity not in (None, count):
                continue
            for first in points:
                xs: list[Any] = [Value(first, "x"), 0.5, Value(-1.5), True][:count]
                lines.append(f"{row.name} {count}: {outcome(row, *xs)}")
            lines.append(f"{row.name} {count}: {outcome(row, *[Value(2.0), None, 'a'][:count])}")
        if row.arity == 1:
            lines.append(f"{row.name}: {outcome(row, Value(0.25))}")
            method = getattr(Value, row.name, None)
            if method is not None:
                lines.append(f"{row.name} {outcome(method, Value(0.25))} {fault(method)}")
                lines.append(f"{row.name} {fault(method, Value(0.25), 1)}")
    return lines


def construction() -> list[str]:
    """Values made of everything, and everything assigned to their attributes."""
    lines = []
    for thing in operands():
        name = name_of(thing)
        lines.append(f"data {name}: {outcome(Value, thing)}")
        lines.append(f"data {name}: {outcome(lambda x=thing: Value(data=x, label='x'))}")
        lines.append(f"label {name}: {outcome(Value, 1.0, thing)}")
        lines.append(f"seed {name}: {outcome((Value(2.0) * 3).backward, thing)}")
        for attribute in ("data", "grad", "label"):
            x = Value(2.0, "x") * 3
            lines.append(f"set {attribute} {name}: {outcome(setattr, x, attribute, thing)}")
            if attribute != "label" or isinstance(thing, (str, type(None), int, float)):
                lines.append(f"{x!r} {x.data} {x.grad} {x.label!r}")
    for args in ((), (1.0, "a", 2.0), ("a", "b")):
        lines.append(f"{len(args)}: {fault(Value, *args)}")
    for words in ({"label": "a"}, {"data": 1.0}, {"number": 1.0}, {"data": 1.0, "label": None}):
        lines.append(f"{[*words]}: {fault(lambda words=words: Value(**words))}")
    return lines


def attributes() -> list[str]:
    """Reading, setting and deleting attributes that exist and those that do not."""
    lines = []
    for x in (Value(1.0, "x"), Value(1.0) + 2):
        for name in ("data", "grad", "nothing"):
            lines.append(f"del {name}: {outcome(delattr, x, name)}")
        for name in ("parents", "partials", "op", "is_constant", "nothing"):
            lines.append(f"set {name}: {fault(setattr, x, name, 1.0)} {fault(delattr, x, name)}")
        for name in ("nothing", "__dict__", "extra", "_op", "__slots__"):
            lines.append(f"get {name}: {fault(getattr, x, name)}")
        lines.append(f"{sorted(parent.data for parent in x._prev)}")
        lines += [repr(x), str(x), f"{x:.3f}", outcome(format, x, "q"), outcome(len, x)]
        lines += [outcome(f, x) for f in (int, float, complex, round, math.trunc, operator.index)]
        lines += [outcome(f, x) for f in (bool, math.floor, math.ceil, operator.pos, iter)]
    signature = inspect.signature(Value)
    lines += [f"{p.name} {p.kind} {p.default!r}" for p in signature.parameters.values()]
    lines += [Value.__name__, Value.__qualname__, Value.__module__, f"{Value.__slots__}"]
    lines.append(f"{sorted(name for name in dir(Value) if not name.startswith('_'))}")
    return lines


def identity() -> list[str]:
    """Values as keys of dicts and sets, and in lists."""
    x, y = Value(1.0, "x"), Value(1.0, "y")
    found = {x: "x", y: "y"}
    return [
        f"{x == y} {x != y} {x in [y]} {[x, y].index(y)} {len({x, y, x})}",
        f"{found[x]} {found[y]} {hash(x) == object.__hash__(x)} {hash(x) == hash(y)}",
        f"{x == 1} {x == bool(1)} {x == 2**53 + 1} {Value(2.0**53) == 2**53 + 1}",
        f"{Value(2.0**53) < 2**53 + 1} {Value(1e300) < 10**400}",
        f"{Value(math.nan) == Value(math.nan)} {Value(math.nan) != math.nan} {x is +x}",
        f"{sorted([Value(2.0), Value(1.0), Value(3.0)])} {max(x, Value(7.0))}",
    ]


def made_again() -> list[str]:
    """`__init__` called on what was computed, and `__new__` alone."""
    lines = []
    for make in (lambda x: x, lambda x: x * 2, lambda x: sg.sum([x, x, x]), lambda x: x.exp()):
        leaf = Value(3.0, "leaf")
        gone = weakref.ref(leaf)
        node = copy.copy(make(leaf))
        node.__init__(5.0, "new")
        lines += graph(node)
        del leaf
        lines.append(f"{gone() is None}")
        lines.append(outcome(node.__init__, "no number"))
        lines.append(told(node))
    return lines


def copies() -> list[str]:
    """Copies and pickles of leaves and of results."""
    lines = []
    x = Value(3.0, "x")
    x.grad = 0.5
    y = sg.sum([x * 2.0, sg.exp(x), x])
    y.backward()
    for node in (x, y):
        lines += graph(copy.copy(node))
        lines += graph(copy.deepcopy(node))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            lines += graph(pickle.loads(pickle.dumps(node, protocol)))
        twice = copy.deepcopy([node, node, x])
        lines.append(f"{twice[0] is twice[1]} {twice[2] in twice[0].parents}")
    return lines


def weak_references() -> list[str]:
    """What callbacks of weak references see while a graph is freed."""
    told: list[str] = []
    kept = Value(7.0, "kept")
    leaf = Value(1.0, "leaf")
    inner = leaf + kept
    many = sg.sum([inner, inner, kept, 2.0])
    watched = [leaf, inner, many]
    calls: list[int] = []

    def seen(ref: Any) -> None:
        calls.append(0)
        told.append(f"{ref() is None} {(kept * 2).data} {kept.parents}")

    refs = [weakref.ref(node, seen) for node in watched for _ in range(2)]
    proxy = weakref.proxy(many)
    told.append(f"{proxy.data} {proxy.op} {weakref.getweakrefcount(inner)}")
    del leaf, inner, many, watched
    told.append(f"{len(calls)} {[ref() for ref in refs]}")
    told.append(fault(getattr, proxy, "data"))
    return told


def program(it: Program) -> list[str]:
    """A program of the table at its point: its graph, before and after the backward pass."""
    xs = [Value(x, f"x{i}") for i, x in enumerate(it.point)]
    y = it(*xs)
    if not isinstance(y, Value):
        return [told(y)]
    lines = graph(y)
    y.backward()
    nodes, starts, operands = linear([y], xs)
    lines += [f"{[*starts]} {[*operands]} {[told(x) for x in partials(nodes, starts)]}"]
    lines += [repr(node) for node in topological_order(y)]
    y.backward(-0.5)
    lines += [*graph(y), told(sg.stop_gradient(y))]

    def several(xs: Any) -> Any:
        return [it(*xs), it(*xs[::-1]) * xs[0], 2.0]

    point, tangent = [*it.point], [0.0, *it.point[1:]]
    lines.append(outcome(sg.jacobian(several), point))
    lines.append(outcome(lambda: sg.jvp(several, [point], [tangent])))
    lines.append(outcome(lambda: sg.vjp(several, point)[1]([1.0, 0.0, math.inf])))
    lines.append(outcome(sg.hessian(lambda xs: it(*xs)), point))
    return lines


def shared(seed: int) -> list[str]:
    """Gradients that arrive over many ways, whose order of addition shows in their last bits."""
    random = Random(seed)
    places = [Value(random.uniform(-1.0, 1.0), f"x{i}") for i in range(3)]
    for _ in range(40):
        x, y = random.choice(places[-8:]), random.choice(places[-8:])
        kind = random.randrange(8)
        if kind < 5:
            places.append(x * random.uniform(0.5, 1.5) + y if kind else x * y)
        elif kind == 5:
            places.append(sg.sum([x, *random.choices(places, k=3), y]))
        else:
            places.append((x - 0.1).relu() + y if kind == 6 else y - x * 0.0)
    lines = []
    for _ in range(4):
        random.choice(places[-10:]).backward(random.uniform(-1.0, 1.0))
        lines += [x.grad.hex() for x in places]
    return lines


def training(seed: int) -> list[str]:
    """A few steps of each optimiser on a small network."""
    random = Random(seed)
    lines = []
    for activation, make in (
        ("tanh", lambda ps: sg.optim.SGD(ps, 0.1)),
        ("relu", lambda ps: sg.optim.SGD(ps, 0.1, momentum=0.9, weight_decay=0.01)),
        ("softplus", lambda ps: sg.optim.Adam(ps, 0.1)),
        ("log", lambda ps: sg.optim.Adam(ps, 0.1)),
        (None, lambda ps: sg.optim.Adam(ps, 0.1, eps=0.0, weight_decay=0.1)),
    ):
        random.seed(seed)
        net = sg.nn.MLP(2, [3, 2], activation)
        for x in net.parameters():
            x.data = random.uniform(-1.0, 1.0)
        optimiser = make(net.parameters())
        for step in range(3):
            x = [random.uniform(-1.0, 1.0), Value(1.0 - step)]

            def loss(x: Any = x, net: Any = net) -> Any:
                return sg.sum([y * y for y in net(x)])

            lines.append(outcome(loss))
            try:
                y = loss()
            except ValueError:
                continue
            optimiser.zero_grad()
            y.backward(random.choice([1.0, 1e-170, 1e200]))
            lines += graph(y)
            lines.append(outcome(optimiser.step))
        lines += [told(x) for x in net.parameters()]
        state = vars(optimiser).items()
        lines += [f"{k} {[*v]}" for k, v in state if k in ("means", "squares", "last_changes")]
    return lines


_SESSION: list[Callable[..., Any]] = [
    *OPERATORS[:19],
    *(lambda x, y, row=row: row(x, y) for row in TABLE.values() if row.arity in (2, None)),
    *(lambda x, _, row=row: row(x) for row in TABLE.values() if row.arity == 1),
]


def session(seed: int) -> list[str]:
    """Sixty random steps on Values and numbers of all kinds; errors are part of it."""
    random = Random(seed)
    numbers = [*NUMBERS, *(random.uniform(-3.0, 3.0) for _ in range(40)), *range(-5, 6)]
    places = [Value(random.uniform(-2.0, 2.0), "x") for _ in range(3)]
    lines = []
    for _ in range(60):
        operate, x = random.choice(_SESSION), random.choice(places)
        y = random.choice(places if random.random() < 0.6 else numbers)
        if random.random() < 0.2:
            x, y = y, x
        result: Any = None

        def step(x: Any = x, y: Any = y, operate: Callable[..., Any] = operate) -> Any:
            nonlocal result
            result = operate(x, y)
            return result

        lines.append(outcome(step))
        if isinstance(result, Value):
            places.append(result)
    places[-1].backward()
    lines += graph(places[-1])
    sg.sum(places).backward(0.5)
    return lines + [told(x) for x in places]


# --- graphs that leave nothing --------------------------------------------------------------------


def small_graph() -> None:
    """Every way to make a node, to read it, and to fail."""
    x, y = Value(0.5, "x"), Value(2.0)
    z = (x * y + 3 - y / x) ** 2 + 2**x - True + x**3.0
    z = -abs(z) + sg.exp(x).tanh().sigmoid().relu() + x.sqrt().sin().cos()
    z = sg.dot([x, y], [z, 2.0], bias=1.0) + sg.logsumexp([x, y, 1.0]) + sg.mean([x, y, z])
    z = sg.prod([x, y, z]) + sg.sum([x]) + sg.sum([x, y]) + z // 3 + z % 2 + sg.hypot(x, 1)
    z.label = z.label + "z"
    z.backward()
    assert z.grad == 1.0
    x.data, y.grad = 3, None
    found = linear([z], [x])
    nodes.partials(found[0], found[1])
    nodes.set_numbers([x, y], [1.0, 2.0])
    nodes.set_gradients([x, y], [0.0, 5.0])
    nodes.clear_gradients([y])
    nodes.packed([x, y])
    nodes.owner_of(without_partials(TABLE["sum"], 1.0, (x, y), "owner"))
    assert nodes.numbers([x, y]) == [1.0, 2.0]
    assert nodes.gradients(order([x], set())) == [0.0]
    copy.copy(z).__init__(1.0, "again")  # type: ignore[misc]
    fails = [
        lambda: x + "a", lambda: x / 0.0, lambda: x**None, lambda: "a" * x, lambda: x < "a",
        lambda: Value(-1.0).log(), lambda: Value(-8.0) ** 0.5, lambda: x + 10**400,
        lambda: x * Failing(1.0), lambda: Failing(1.0) ** x, lambda: sg.sum([x, y, "a"]),
        lambda: sg.logsumexp([x, Failing(1.0), y]), lambda: sg.exp(1000.0 * y),
        lambda: Value("a"), lambda: Value(1.0, 2), lambda: Value(Failing(1.0)),
        lambda: z.backward("a"), lambda: setattr(x, "data", None), lambda: delattr(x, "data"),
        lambda: nodes.set_numbers([x], [1.0, 2.0]),
    ]  # fmt: skip
    if NATIVE:  # the Python node takes these as they are
        fails += [
            lambda: nary(None, 1.0, (x, y), (1.0,)), lambda: nary(None, 1.0, (x, 3), (1.0, 1.0)),
            lambda: nary(None, 1.0, (x, y), (1.0, "a")), lambda: nary(3, "a", (), ()),
            lambda: nary(None, 1.0, (x, y), (1.0, 1.0), "label", "a"),
            lambda: linear([x], [y, 3]), lambda: order([x, 3], set()), lambda: order([x], ()),
            lambda: nodes.binary(None, 1.0, x, 3, 1.0, 1.0), lambda: nodes.leaf("a", None),
            lambda: without_partials(None, 1.0, (x, 3), "owner"), lambda: nodes.fill(x, "a", "b"),
            lambda: nodes.partials([x, z], [0, 0]), lambda: nodes.partials([x, z], [0, 0, 99]),
            lambda: nodes.numbers([x, 3]), lambda: nodes.set_numbers([x, 3], [1.0, 2.0]),
            lambda: nodes.backward(3, 1.0), lambda: nodes.owner_of(3),
        ]  # fmt: skip
    for fail in fails:
        with suppress(TypeError, ValueError, ArithmeticError, AttributeError):
            fail()  # type: ignore[no-untyped-call]
            raise AssertionError(f"no error in line {fail.__code__.co_firstlineno}")


def plain_graph() -> None:
    """What most programs do."""
    x, y = Value(0.5, "x"), Value(2.0)
    z = sg.sum([(x * y + 1).tanh(), x, x / y])
    z.backward()


PROGRAMS: list[Callable[[], list[str]]] = [
    every_method_by_name, every_row, construction, attributes, identity, made_again, copies,
    weak_references,
]  # fmt: skip
