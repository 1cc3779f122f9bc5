"""Nodes of either kind lose no memory, need no stack, and survive what happens at a bad moment."""

from __future__ import annotations

import _thread
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from node_programs import Failing, small_graph
from twins import NATIVE, PURE, REASON, environment

import scalargrad as sg
from scalargrad import Value
from scalargrad.core import node as nodes
from scalargrad.core.node import CONSTANT, linear, nary, order, without_partials
from scalargrad.core.rows import TABLE

LONG = pytest.mark.skipif(
    not os.environ.get("SCALARGRAD_LONG"), reason="long: set SCALARGRAD_LONG=1 (make long)"
)
native = pytest.mark.skipif(not NATIVE, reason=f"needs the machine code: {REASON}")
KINDS = [pytest.param({}, marks=native, id="machine code"), pytest.param(PURE, id="Python")]


def run(code: str, **variables: str) -> None:
    """Run a program in a process of its own, which must end well: with "done"."""
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", f"{code}\nprint('done')"],
        env=environment(**variables), capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert (ended.stdout[-5:], ended.returncode) == ("done\n", 0), ended.stdout + ended.stderr


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """A collection at every chance."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*before)


# --- depth and width ------------------------------------------------------------------------------

DEEP = """
import scalargrad as sg
from scalargrad import Value
from scalargrad.core.value import topological_order

x = Value(1.0, "x")
y = z = x
for _ in range({n}):
    y = y + x
    z = sg.sum([z, x, x])
fan = sg.sum([-x for _ in range({n})])
assert y.data == {n} + 1.0 and fan.data == -{n}
y.backward()
fan.backward()
assert x.grad == 1.0
del fan
z = z * y
assert len(topological_order(z)) == 2 * {n} + 2
del y
z = None
assert (x + 1).data == 2.0
"""


@native
@pytest.mark.parametrize("allocator", ["default", "debug"])
def test_a_million_deep_and_a_million_wide(allocator: str) -> None:
    run(DEEP.format(n=10**6), PYTHONMALLOC=allocator)


@LONG
@native
def test_ten_million_deep_and_wide() -> None:
    run(DEEP.format(n=10**7))


@pytest.mark.usefixtures("no_collector")
def test_callbacks_during_the_freeing_of_a_deep_chain() -> None:
    kept = y = Value(1.0, "kept")
    seen: list[float] = []

    def look(ref: object) -> None:
        z = kept * 2 + kept
        kept.grad = 0.0
        z.backward()
        seen.append(kept.grad)
        if len(seen) % 50 == 0:
            gc.collect()

    refs = []
    for i in range(100_000):
        y = y + 1
        if i % 100 == 0:
            refs.append(weakref.ref(y, look))
    del y

    assert seen == [3.0] * 1_000
    assert [ref() for ref in refs] == [None] * 1_000


# --- memory ---------------------------------------------------------------------------------------


BLOCKS = """
import gc, sys
from node_programs import plain_graph, small_graph

def blocks_left(graph, rounds):
    for _ in range(rounds):  # Python itself needs a few thousand to settle
        graph()
    before = sys.getallocatedblocks()
    for _ in range(rounds):
        graph()
    return sys.getallocatedblocks() - before

gc.disable()
for graph, rounds in ((plain_graph, {plain}), (small_graph, {small})):
    left = blocks_left(graph, rounds)
    assert abs(left) < rounds // 20, (graph, left)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_graphs_that_are_gone_leave_nothing(kind: dict[str, str]) -> None:
    run(BLOCKS.format(plain=50_000, small=5_000), **kind)


@LONG
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_graphs_that_are_gone_leave_nothing(kind: dict[str, str]) -> None:
    run(BLOCKS.format(plain=1_000_000, small=100_000), **kind)


WATCHED: list[Any] = [
    *TABLE.values(), CONSTANT, None, True, NotImplemented, Value, Failing, float, "x",
]  # fmt: skip


@pytest.mark.usefixtures("no_collector")
def test_nothing_that_nodes_refer_to_is_counted_wrongly() -> None:
    label, data, owner = "a label of its own " * 2, 0.1 + 0.2, object()

    def use() -> None:
        x = Value(data, label)
        y = nary(TABLE["sum"], data, (x, x, x), (data,) * 3, label, data)
        z = nary(TABLE["sum"], data, (x,), (data,), label, data)
        without_partials(TABLE["sum"], data, (x, y, z), owner)
        x + data, data - x, x * y, x / z, sg.sum([x, data, y]), -z
        x.label = x.label
        x.data = x.grad = data
        x.__init__(data, label)  # type: ignore[misc]
        small_graph()

    for _ in range(100):
        use()
    watched = [*WATCHED, label, data, owner]
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(300):
        use()
    after = [sys.getrefcount(x) for x in watched]

    changed = [m - n for n, m in zip(before, after, strict=True)]
    # freed nodes that wait to be used again keep their class
    kept = [abs(n) > 50 for x, n in zip(watched, changed, strict=True) if x is not Value]
    assert not any(kept), [*zip(watched, changed, strict=True)]


MEMORY_ENDS = """
import _testcapi, sys
import scalargrad as sg
from scalargrad import Value
from scalargrad.core import node as nodes
from scalargrad.core.rows import TABLE
from scalargrad.core.value import topological_order

def work(x, mine):
    y = x * 2 + 1
    z = sg.sum([y, x, 3.0, y])
    w = sg.exp(z * 0.01) / sg.dot([x, y], [z, 2], bias=x) + Value(1.0, "own") ** x
    w = sg.logsumexp([w, z]) + nodes.nary(TABLE["sum"], 1.0, (x, y, z), (1.0, 2.0, 3.0))
    kept.append(w)  # so that the next one needs new memory
    nodes.without_partials(TABLE["sum"], 1.0, (x, y, z), "owner")
    list, starts, edges = nodes.linear([w], [x])
    nodes.partials(list, starts)
    nodes.set_numbers([x, mine], nodes.numbers([x, mine]))
    assert len(topological_order(w)) == len(list) and z.parents and z.partials and y.parents
    w.__init__(w.data, "again")
    w = kept[-1] = w + z
    w.backward()
    return w.data.hex()

kept, x, mine = [], Value(0.5, "x"), Value(1.0)
expected = work(x, mine)
slope, failed, reached = x.grad, 0, 0
work(Value(0.5), mine)
for start in range(1, 2000):
    x = Value(0.5, "x")
    x.grad = 7.0
    _testcapi.set_nomemory(start, start + {width})
    try:
        work(x, mine)
        reached = 1
    except MemoryError:
        reached = 0
    finally:
        _testcapi.remove_mem_hooks()
    failed += not reached
    if not reached:
        assert x.grad in (7.0, 7.0 + slope), (start, x.grad)  # all or nothing
        assert (x.data, x.label, x.parents, mine.data) == (0.5, "x", (), 1.0)
        x.grad = 0.0
        assert work(x, mine) == expected and x.grad == slope, start
    kept.clear() if start % 10 else None
    if start > 40 and reached:
        break
assert failed > 40, failed
assert reached, "it never came to the end"
"""


@native
@pytest.mark.parametrize("width", [1, 3, 10_000])
def test_memory_that_runs_out_at_any_allocation(width: int) -> None:
    pytest.importorskip("_testcapi", reason="this Python has no _testcapi")
    run(MEMORY_ENDS.format(width=width))


# Python's own functions, `list` among them, leave some counts too high where memory ends: so only
# those of the machine code.
MEMORY_COUNTS = """
import _testcapi, sys
import scalargrad as sg
from scalargrad.core.reductions import neuron
from scalargrad import Value
from scalargrad.core import node as nodes
from scalargrad.core.rows import TABLE

x, y, label, owner = Value(0.5, "x"), Value(2.0), "a label " * 3, object()
inner = x * y + x
mixed, four, numbers = (x, 2.0, y), (x, y, x, inner), (1.0, 2.0, 3.0, 4.0)
rows = [TABLE[name] for name in ("add", "mul", "pow", "exp", "sum", "logsumexp", "dot")]
add, mul, pow, exp, sum, logsumexp, dot = rows
watched = [x, y, inner, label, owner, nodes.CONSTANT, *rows]
calls = [
    lambda: x + 2, lambda: 3 / x, lambda: x - y, lambda: x ** 2, lambda: -inner, lambda: x.exp(),
    lambda: x.apply(exp, (inner,)), lambda: x.apply(sum, mixed), lambda: x.apply(sum, (2.0,)),
    lambda: x.apply(sum, (x, 3.0)), lambda: x.apply(logsumexp, mixed), lambda: x.apply(dot, mixed),
    lambda: nodes.leaf(1.0, sum), lambda: nodes.binary(add, 1.0, x, y, 1.0, 1.0),
    lambda: nodes.nary(sum, 1.0, four, numbers, label), lambda: nodes.nary(exp, 1.0, (x,), (1.0,)),
    lambda: nodes.nary(sum, 1.0, four, numbers, label, 1.0), lambda: Value(1.0, label),
    lambda: nodes.nary(sum, 1.0, four[:2], numbers[:2], label, 1.0),
    lambda: nodes.without_partials(sum, 1.0, four, owner), lambda: inner.parents,
    lambda: inner.partials, lambda: inner.apply(sum, four).parents, lambda: inner.label,
    lambda: inner.apply(sum, four).partials, lambda: nodes.order([inner, x], set()),
    lambda: nodes.linear([inner, x], [y]), lambda: nodes.partials([y, inner], [0, 0, 2]),
    lambda: nodes.backward(inner, 1.0), lambda: nodes.numbers(four), lambda: nodes.gradients(four),
    lambda: nodes.set_numbers(four, numbers), lambda: nodes.set_gradients(four, numbers),
    lambda: nodes.clear_gradients(four), lambda: nodes.packed(four),
    lambda: neuron([x, y], [inner, y], [1.0, 2.0], x, sg.tanh),
    lambda: neuron([x], [2.0], [2.0], None, sg.log),
]
nodes.linear([x], [y])
kept, failed = [], 0
for place, call in enumerate(calls):
    call()
    for start in range(1, 100):
        kept.append([-x for _ in range(100)])  # nodes that wait to be used again are used up
        before = [sys.getrefcount(thing) for thing in watched]
        reached = False
        _testcapi.set_nomemory(start, start + 1)
        try:
            call()
            reached = True
        except MemoryError:
            failed += 1
        finally:
            _testcapi.remove_mem_hooks()
        counts = [sys.getrefcount(thing) for thing in watched]
        assert counts == before, (place, start, counts, before)
        if reached:
            break
    assert reached, place
assert failed > len(calls) // 2, failed
"""


@native
def test_counts_are_right_where_memory_ends() -> None:
    pytest.importorskip("_testcapi", reason="this Python has no _testcapi")
    run(MEMORY_COUNTS)


GRAPH_TOO_LARGE = """
import resource
from scalargrad import Value

def limit(megabytes):
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, hard))

def size():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize() >> 20

x = Value(1.0, "x")
# Python 3.13 frees a chain by 10,000 levels of C calls: let the stack grow while there is memory
y = x
for _ in range(100_000):
    y = y + x
del y
(x * 3).backward()
y, steps = x, 0
limit(size() + 100)
try:
    while True:
        y = y + x
        steps += 1
except MemoryError:
    pass
assert steps > 100_000
try:
    y.backward()
except MemoryError:
    failed = True
else:
    failed = False
assert failed and x.grad == 3.0 and y.grad == 0.0
del y
y = (x + 1) * x
y.backward()
assert y.data == 2.0 and x.grad == 6.0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory as on Linux")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="ASan needs all of it")
@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_that_does_not_fit_into_memory(kind: dict[str, str]) -> None:
    run(GRAPH_TOO_LARGE, **kind)


# --- threads, processes, interruptions ------------------------------------------------------------


def test_threads_that_share_parameters() -> None:
    ws = [Value(float(i), f"w{i}") for i in range(4)]
    results: list[list[float]] = []

    def work(seed: float) -> None:
        found = []
        for i in range(200):
            y = sg.sum([w * (seed + i) for w in ws]) + ws[0] * ws[1]
            found.append(y.data)
            y.backward(2.0)
        results.append(found)

    threads = [threading.Thread(target=work, args=(float(n),)) for n in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)

    expected = [[6.0 * (n + i) for i in range(200)] for n in range(4)]
    assert sorted(results) == expected
    if NATIVE:  # a backward pass is one step
        slope = 2.0 * sum(n + i for n in range(4) for i in range(200))
        assert [w.grad for w in ws] == [slope + 1600.0, slope, slope, slope]


FORK = """
import os
from scalargrad import Value

x = Value(3.0, "x")
y = x * x
child = os.fork()
for _ in range(1_000):
    z = y * x + 1
    z.backward()
    x.grad, slope = 0.0, x.grad
    assert slope == 27.0
del x, z
y = None
if not child:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("kind", KINDS)
def test_both_processes_compute_after_a_fork(kind: dict[str, str]) -> None:
    run(FORK, **kind)


def test_ctrl_c_in_a_long_loop_of_operations() -> None:
    rows = [TABLE["add"], TABLE["mul"], TABLE["tanh"], CONSTANT]
    x = Value(0.5, "x")
    before = [sys.getrefcount(thing) for thing in [x, *rows]]
    ready = threading.Event()

    def press() -> None:
        ready.wait()
        _thread.interrupt_main()

    thread = threading.Thread(target=press)
    thread.start()
    steps = 0
    try:
        y = x
        while True:
            y = (y * 0.5 + x).tanh()
            steps += 1
            if steps == 1_000:
                ready.set()
    except KeyboardInterrupt:
        pass
    finally:
        ready.set()
        thread.join()
    y.backward()
    del y

    assert steps >= 1_000
    assert x.grad != 0.0
    assert [sys.getrefcount(thing) for thing in [x, *rows]] == before


def test_backward_refuses_the_values_of_a_recording() -> None:
    w = Value(2.0, "w")
    w.grad = 5.0

    def f(x: Any) -> Any:
        y = x * w
        y.backward()
        return y

    with pytest.raises(sg.RecordingError, match=r"calls \.backward\(\) of"):
        sg.compile(f)(3.0)
    assert w.grad == 5.0
    (w * w).backward()
    assert w.grad == 9.0


# --- the collector --------------------------------------------------------------------------------


@pytest.mark.usefixtures("eager_collector")
def test_collections_while_graphs_are_built() -> None:
    x = Value(0.5, "x")
    for _ in range(20):
        small_graph()
    gone = weakref.ref(x)
    y = sg.sum([x, 1.0, x * 2])
    gc.collect()

    assert y.parents[0] is x
    del x, y
    gc.collect()
    assert gone() is None


def test_what_the_collector_says_of_nodes() -> None:
    run("""
import gc
from scalargrad import Value
x = Value(0.5, "x")
y = x * 2
gc.freeze()
for node in (x, y, y + x):
    gc.get_referrers(node), gc.get_referents(node)
for thing in gc.get_objects():
    if isinstance(thing, Value):
        repr(thing), gc.get_referents(thing)
gc.unfreeze()
del x, y, node
gc.collect()
""")


# --- code of the user that runs at a bad moment ---------------------------------------------------


class Label(str):
    """A label whose end computes with nodes."""

    __slots__ = ()
    log: list[float] = []  # noqa: RUF012

    def __del__(self) -> None:
        x = Value(2.0, str(self))
        y = sg.sum([x, x * x, 1.0])
        y.backward()
        self.log.append(x.grad)


class Row:
    """An operation whose end computes with nodes."""

    symbol = "row"

    def __del__(self) -> None:
        Label("of a row")


def test_labels_and_rows_that_compute_when_they_are_freed() -> None:
    Label.log.clear()
    y = Value(1.0, Label("leaf"))
    for i in range(1_000):
        y = nary(Row(), 1.0, (y, y, y) if i % 3 else (y,), (1.0,) * (3 if i % 3 else 1))
        y.label = Label("node")
        y.label = Label("another")
    y.backward()
    y.__init__(1.0, Label("again"))  # type: ignore[misc]
    assert y.parents == ()
    del y

    assert Label.log == [5.0] * 3_002


LISTS_THAT_CHANGE = """
from scalargrad import Value
from scalargrad.core import node as nodes
from scalargrad.core.reductions import neuron
from scalargrad.core.rows import TABLE
from scalargrad.core.value import set_data

class Clearing(float):
    "A number that empties lists when it is read."
    def __float__(self):
        for one in lists:
            one.clear()
        return 1.0

class Number:
    __float__ = Clearing.__float__

kept = [Value(1.0) for _ in range(1_000)]
twos = [2.0] * 999

xs = [*kept]
lists = [xs]
try:
    set_data(xs, [Number(), *twos])
except ValueError as error:
    assert "1000 numbers for 0 nodes" in str(error)
else:
    raise AssertionError
assert xs == [] and kept[1].data == 1.0

numbers = [Number(), *twos]
lists = [numbers]
try:
    set_data(kept, [3.0] * 1_000)
    set_data(kept, numbers)
except ValueError as error:
    assert str(error) == "0 numbers for 1000 nodes"
else:
    raise AssertionError
assert {x.data for x in kept} == {3.0}

xs, slopes = [*kept], [Number(), *twos]
lists = [xs, slopes]
y = nodes.nary(TABLE["sum"], 1.0, xs, slopes)
assert y.partials == (1.0, *twos) and [*y.parents] == kept

ws, xs = [], []
for lists in ([ws, xs], [ws], [xs]):
    ws[:], xs[:] = [Clearing(), *kept], [2.0, *kept]
    try:
        neuron(ws, xs, [2.0] * 1001, None, None)
    except (TypeError, ValueError, AttributeError):
        pass
    assert [] in lists
"""


@native
def test_lists_that_change_while_they_are_read() -> None:
    run(LISTS_THAT_CHANGE)


@native
def test_nodes_that_change_while_they_are_read() -> None:
    run("""
import gc
import scalargrad as sg
from scalargrad import Value
from scalargrad.core import node as nodes

def while_collecting(k, act, read):
    "Read, while a collection, which comes k objects before the limit of 20, acts."
    called = []
    def call(phase, info):
        called.append(phase)
        act()
    gc.collect()
    gc.set_threshold(20)
    kept = [[] for _ in range(18 - k)]
    gc.callbacks.append(call)
    try:
        read()
    except RuntimeError as error:
        assert "changed while" in str(error)
    finally:
        gc.callbacks.clear()
        gc.set_threshold(0)
    return len(called)

count = 0
for make in (lambda x: x * x, lambda x: -x, lambda x: sg.sum([x] * 100)):
    for read in (
        lambda y: y.parents, lambda y: y.partials, lambda y: nodes.order([y], set()),
        lambda y: nodes.linear([y], []), lambda y: y * 2, lambda y: y.apply(sg.exp, (y,)),
        lambda y: y.backward(), lambda y: sg.sum([y, 2.0, y]), lambda y: y._x, lambda y: 2 + y,
    ):
        for k in range(10):
            y = make(make(Value(0.001, "x")))
            count += while_collecting(k, lambda: y.__init__(2.0), lambda: read(y))
            y.__init__(2.0)
            assert y.data == 2.0 and y.parents == () and (y * y).data == 4.0
assert count > 20
for read in (nodes.numbers, nodes.gradients, lambda xs: nodes.order(xs, set()), sg.sum):
    for k in range(10):
        xs = [Value(1.0) for _ in range(100)]
        count += while_collecting(k, xs.clear, lambda: read(xs))
assert count > 40, count
""")


@native
def test_a_refused_walk_leaves_no_marks() -> None:
    x = Value(2.0, "x")
    y = x * x
    for inputs in ([x, 3], [x, y, None], [y, "a"]):
        with pytest.raises(TypeError, match="linear takes nodes"):
            linear([y], inputs)
        with pytest.raises(TypeError, match="a graph takes nodes"):
            order([y, 3], set())

        assert order([y], set()) == [x, y]
        found, starts, operands = linear([y], [])
        assert (found, [*starts], [*operands]) == ([x, y], [0, 0, 2], [0, 0])


@native
def test_the_library_by_itself_raises_errors() -> None:
    """Nothing crashes before `node.py` has told it what nodes refer to."""
    run(f"""
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("scalargrad.core._node", {nodes.machine_code.__file__!r})
library = module_from_spec(spec)
spec.loader.exec_module(library)
{ODD_CALLS}
""", **PURE)  # fmt: skip


ODD_CALLS = """
import itertools, operator
Node = library.Node
made = []
def call(function, *args):
    try:
        made.append(function(*args))
    except (TypeError, ValueError, AttributeError, SystemError, RuntimeError, ArithmeticError):
        pass

call(Node, 1.0)
call(Node, 1.0, "label")
node = Node.__new__(Node)
call(library.fill, node, 2.0, "label")
for cls in (Node, type("Sub", (Node,), {}), type("Slots", (Node,), {"__slots__": ("a",)})):
    made.append(cls.__new__(cls))
odd = [node, made[-1], None, 1.5, "a", (), [node], (node, 3), [1.0], {1}, set(), object(), -1]
odd.append(Node)
for name in ("add", "mul", "pow", "lt", "ne", "truediv"):
    operate = getattr(operator, name)
    for x in odd:
        call(operate, node, x), call(operate, x, node)
for name in dir(node):
    if name not in ("__class__", "__init_subclass__"):
        call(getattr, node, name)
        for x in odd:
            call(getattr(Node, name, None), node, x), call(setattr, node, name, x)
for row, inputs in itertools.product(odd, [(node,), (node, 1.0), (1.0,), [node], node]):
    call(node.apply, row, inputs)
names = [name for name in dir(library) if callable(getattr(library, name))]
assert len(names) > 10
for name in names:
    if name not in ("setup", "register", "Node", "__loader__"):
        for count in range(4):
            for args in itertools.product(odd, repeat=count):
                call(getattr(library, name), *args)
for name in ("binary", "nary"):
    for args in itertools.product([node, None, 1.5, (node, node)], repeat=5):
        call(getattr(library, name), *args), call(getattr(library, name), *args, 1.0)
slots = type("Slots", (Node,), {"__slots__": "a"})
for cls in (int, object, Node, type("Sub", (Node,), {}), slots, 3):
    call(library.register, cls)
call(library.setup), call(library.setup, 1, 2, 3, 4, 5, 6, 7), call(library.setup, *[{}] * 7)
assert len(made) > 100
del made
"""


@native
def test_odd_arguments_crash_nothing() -> None:
    run(f"""
import scalargrad as sg
from scalargrad.core.native import machine_code as library
{ODD_CALLS}
""")


OTHER_INTERPRETER = """
import sys
import scalargrad as sg
from scalargrad import Value

if sys.version_info < (3, 13):
    import _xxsubinterpreters as interpreters
    other = interpreters.create(isolated=False)
else:
    import _interpreters as interpreters
    other = interpreters.create("legacy")
there = '''
import scalargrad as sg
from scalargrad.core.native import REASON
assert not sg.NATIVE and "one interpreter of a process" in REASON
x = sg.Value(2.0)
(x * x).backward()
assert x.grad == 4.0
'''
fault = interpreters.run_string(other, there)
assert fault is None, fault
x = Value(3.0)
y = x * x
with sg.no_grad():
    assert (x * x).parents == ()
interpreters.destroy(other)
(y * x).backward()
assert type(y) is Value and x.grad == 27.0
"""


@native
def test_another_interpreter_of_the_process_takes_the_node_of_python() -> None:
    name = "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
    pytest.importorskip(name, reason="this Python makes no interpreters")
    run(OTHER_INTERPRETER, SCALARGRAD_REQUIRE_NATIVE="")


@native
def test_modules_loaded_a_second_time() -> None:
    run("""
import sys
import scalargrad as sg
before = [-sg.Value(float(i)) for i in range(1_000)]
label = sg.Value(1.0, "label")
sg.sum(before).backward()
del before[::2]
for name in [name for name in sys.modules if name.startswith("scalargrad")]:
    del sys.modules[name]
import scalargrad as again
counts = sys.getrefcount(sg.Value), sys.getrefcount(again.Value)
for _ in range(2):
    x = again.Value(2.0)
    y = x * x
    y.backward()
    assert again.NATIVE and type(y) is again.Value is not sg.Value
    assert x.grad == 4.0
    assert {type(again.sum([x, x, x]) + i) for i in range(2_000)} == {again.Value}
    assert {type(x) for x in before} <= {sg.Value}
    before.clear()
assert (sys.getrefcount(sg.Value), sys.getrefcount(again.Value)) == counts
with again.no_grad():
    assert (x * x).parents == ()
del before, label, sg
""")


@native
def test_a_module_that_is_loaded_again() -> None:
    """As notebooks do it where a file has changed."""
    run("""
from importlib import reload
import scalargrad as sg
from scalargrad.core import node
for _ in range(3):
    reload(node)
    assert sg.tanh(0.0) == 0.0 and sg.hypot(3, 4.0) == 5.0
    x = sg.Value(0.0)
    sg.erf(sg.asinh(x) + sg.hypot(x, 2.0)).backward()
    assert x.grad != 0.0
    try:
        sg.log(-1.0)
    except ValueError as error:
        assert "is not defined at x = -1.0" in str(error)
    else:
        raise AssertionError
""")
