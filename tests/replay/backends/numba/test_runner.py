"""Whole programs on the numba replay: against the table, with threads, and what callers may do."""

import itertools
import math
import os
import random
import subprocess
import sys
import threading
import tracemalloc

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("numba")

from scalargrad.core.primitives import dot, less, take, where  # noqa: E402
from scalargrad.core.rows import TABLE, Primitive  # noqa: E402
from scalargrad.replay.backends.backend import Options  # noqa: E402
from scalargrad.replay.backends.numba.runner import NumbaRunner  # noqa: E402
from scalargrad.replay.program import AFTER, SAMPLE, Program, over_samples  # noqa: E402

add, mul, sub, exp, tanh = (TABLE[name] for name in ("add", "mul", "sub", "exp", "tanh"))


def network(sizes, activation):
    """A multilayer perceptron with its squared error and all gradients, written by hand."""
    program = Program()
    one, zero, two = program.constant(1.0), program.constant(0.0), program.constant(2.0)
    a = [program.input("x") for _ in range(sizes[0])]
    y = program.input("y")
    weights, values, before = [], [a], []
    for n, m in itertools.pairwise(sizes):
        w = [[program.parameter("w") for _ in range(n)] for _ in range(m)]
        b = [program.parameter("b") for _ in range(m)]
        z = [program.emit(dot, (*w[i], *a, b[i])) for i in range(m)]
        a = (
            [program.emit(TABLE[activation], (s,)) for s in z]
            if len(before) < len(sizes) - 2
            else z
        )
        weights.append(w)
        before.append(z)
        values.append(a)
    error = program.emit(sub, (a[0], y))
    outputs = [program.emit(over_samples, (program.emit(mul, (error, error)), one)), error]
    delta = [program.emit(mul, (two, error))]
    for layer in range(len(weights) - 1, -1, -1):
        for d in delta:
            outputs += [program.emit(over_samples, (d, x)) for x in (*values[layer], one)]
        if layer == 0:
            break
        columns = list(zip(*weights[layer], strict=True))
        adjoints = [program.emit(dot, (*column, *delta)) for column in columns]
        if activation == "relu":
            signs = [program.emit(less, (zero, z)) for z in before[layer - 1]]
            slopes = [program.emit(where, (sign, one, zero)) for sign in signs]
        else:
            squares = [program.emit(mul, (o, o)) for o in values[layer]]
            slopes = [program.emit(sub, (one, square)) for square in squares]
        delta = [program.emit(mul, pair) for pair in zip(adjoints, slopes, strict=True)]
    program.outputs = outputs
    return program


def reference(program, parameters, columns):
    """The outputs by the table's own functions, sample after sample."""
    n = columns.shape[1]
    numbers = {}
    for slot, row in enumerate(program.rows):
        if slot in program.constants:
            numbers[slot] = [program.constants[slot]] * n
        elif slot in program.inputs:
            numbers[slot] = list(columns[program.inputs.index(slot)])
        elif slot in program.parameters:
            numbers[slot] = [parameters[program.parameters.index(slot)]] * n
        else:
            lanes = zip(*[numbers[o] for o in program.operands[slot]], strict=True)
            out = [row.value(*xs) for xs in lanes]
            numbers[slot] = [math.fsum(out)] * n if row is over_samples else out
    uniform = [numbers[s][0] for s in program.outputs if program.phases[s] != SAMPLE]
    samples = [numbers[s] for s in program.outputs if program.phases[s] == SAMPLE]
    return np.array(uniform), np.array(samples).reshape(len(samples), n)


def close(expected, actual):
    return all(
        np.allclose(e, a, rtol=1e-11, atol=1e-11 * max(1.0, np.abs(e).max(initial=0.0)))
        for e, a in zip(expected, actual, strict=True)
    )


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 5, 6, 1), (2, 16, 16, 1), (1, 9, 4, 7, 1)])
@pytest.mark.parametrize("n", [1, 7, 8, 33, 300])
def test_network_with_gradients(sizes, activation, n):
    program = network(sizes, activation)
    rng = np.random.default_rng(n)
    parameters = rng.normal(size=len(program.parameters)) * 0.5
    columns = rng.normal(size=(len(program.inputs), n))

    assert close(
        reference(program, parameters, columns), NumbaRunner(program).run(parameters, columns)
    )


def random_program(rng, length, n_inputs=4, n_parameters=5):
    """Instructions of many kinds on whatever was there before, in all three phases."""
    program = Program()
    slots = [program.input("x") for _ in range(n_inputs)]
    slots += [program.parameter("p") for _ in range(n_parameters)]
    slots += [program.constant(x) for x in (0.0, 1.0, -0.7)]
    tame = [TABLE[name] for name in ("sin", "tanh", "sigmoid", "relu", "abs", "neg", "identity")]

    def emit(row, operands):
        if row is not over_samples and AFTER in [program.phases[s] for s in operands]:
            alike = slots[n_inputs]  # what comes after the samples cannot read one of them
            operands = tuple(alike if program.phases[s] == SAMPLE else s for s in operands)
        return program.emit(row, operands)

    for _ in range(length):
        kind = rng.random()
        recent = slots[-40:] if rng.random() < 0.7 else slots
        if kind < 0.25:
            operands = (rng.choice(recent),)
            row = rng.choice(tame)
        elif kind < 0.5:
            operands = (rng.choice(recent), rng.choice(recent))
            row = rng.choice([add, sub, TABLE["minimum"], TABLE["maximum"], less, TABLE["hypot"]])
        elif kind < 0.6:
            operands = tuple(rng.choice(recent) for _ in range(3))
            row = rng.choice([where, TABLE["logsumexp"], TABLE["mean"]])
        elif kind < 0.93:
            pairs = rng.randint(1, 5)
            xs = [rng.choice(recent) for _ in range(pairs)]
            for _ in range(rng.choice([1, 1, 3])):  # several dots with the same numbers
                ws = [rng.choice(slots) for _ in range(pairs)]
                bias = (rng.choice(slots),) * rng.randint(0, 1)
                slots.append(emit(tanh, (emit(dot, (*ws, *xs, *bias)),)))
            continue
        else:
            live = [s for s in slots if program.phases[s] != AFTER]
            pairs = rng.randint(1, 3)
            operands = tuple(rng.choice(live) for _ in range(2 * pairs))
            slots.append(emit(over_samples, operands))
            row, operands = tanh, (slots[-1],)
        slots.append(emit(row, operands))
    program.outputs = [rng.choice(slots) for _ in range(30)] + slots[-5:]
    return program


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    rng = random.Random(seed)
    program = random_program(rng, rng.choice([5, 30, 200]))
    n = rng.choice([1, 5, 8, 19, 64])
    draw = np.random.default_rng(seed)
    parameters = draw.normal(size=len(program.parameters))
    columns = draw.normal(size=(len(program.inputs), n))

    assert close(
        reference(program, parameters, columns), NumbaRunner(program).run(parameters, columns)
    )


def data(program, n, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=len(program.parameters)), draw.normal(size=(len(program.inputs), n))


def test_same_bits_whatever_the_number_of_threads():
    backend = NumbaRunner(network((3, 40, 30, 1), "tanh"))
    parameters, columns = data(network((3, 40, 30, 1), "tanh"), 3001)
    expected = backend.run(parameters, columns)

    for threads in (2, 3, 8):
        actual = backend.run(parameters, columns, Options(threads))
        assert all(np.array_equal(e, a) for e, a in zip(expected, actual, strict=True))


def test_several_callers_at_once():
    program = network((2, 16, 16, 1), "tanh")
    backend = NumbaRunner(program)
    cases = [data(program, n, seed) for seed, n in enumerate((5, 100, 700, 3000))]
    expected = [backend.run(*case) for case in cases]
    wrong = []

    def call(k):
        for i in range(60):
            case = (k + i) % len(cases)
            actual = backend.run(*cases[case], Options(1 + i % 3))
            if not all(map(np.array_equal, expected[case], actual)):
                wrong.append(case)

    callers = [threading.Thread(target=call, args=(k,)) for k in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert wrong == []


def own(value, arity=2):
    partials = {1: lambda x, out: (0.0,), 2: lambda x, y, out: (0.0, 0.0)}[arity]
    return Primitive("own", "for this test", value, partials)


@pytest.mark.parametrize("n", [1, 3, 8, 21])
def test_a_row_without_a_spelling_is_called_lane_by_lane(n):
    calls = []

    def value(x, y):
        calls.append(x)
        return math.sqrt(x) / y

    row = own(value)
    program = Program()
    x, y, p = program.input("x"), program.input("y"), program.parameter("p")
    program.outputs = [program.emit(row, pair) for pair in ((x, y), (x, p), (p, p), (p, x))]
    columns = np.array([np.linspace(-1.0, 4.0, n), np.linspace(0.0, 1.0, n)])
    uniform, samples = NumbaRunner(program).run(np.array([2.0]), columns)

    with np.errstate(all="ignore"):
        xs, ys = columns
        exact = [np.sqrt(xs) / ys, np.sqrt(xs) / 2.0, np.sqrt(2.0) / xs]
        exact[0][ys == 0.0] = exact[2][xs == 0.0] = np.nan  # it raises there
        assert np.array_equal(exact, samples, equal_nan=True)
    assert uniform == [math.sqrt(2.0) / 2.0]
    assert len(calls) == 3 * n + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_row_raises_reaches_the_caller(threads):
    def value(x):
        if x > 2.9:
            raise LookupError("not in the table")
        return x

    program = Program()
    x = program.input("x")
    program.outputs = [program.emit(own(value, 1), (x,))]
    xs = np.linspace(0.0, 3.0, 1000).reshape(1, -1)
    backend = NumbaRunner(program)
    backend._work = 10**9  # so that threads are used
    with pytest.raises(LookupError, match="not in the table"):
        backend.run(np.zeros(0), xs, Options(threads))

    assert np.array_equal(backend.run(np.zeros(0), xs / 2.0, Options(threads))[1], xs / 2.0)


def test_outputs_may_be_leaves_and_repeated():
    program = Program()
    x, p, c = program.input("x"), program.parameter("p"), program.constant(3.0)
    total = program.emit(over_samples, (x, p))
    program.outputs = [c, x, p, total, x, total, program.emit(add, (total, c))]
    uniform, samples = NumbaRunner(program).run(np.array([2.0]), np.array([[1.0, 2.0, 4.0]]))

    assert list(uniform) == [3.0, 2.0, 14.0, 14.0, 17.0]
    assert samples.tolist() == [[1.0, 2.0, 4.0]] * 2


def test_a_program_without_inputs():
    program = Program()
    p = program.parameter("p")
    program.outputs = [program.emit(exp, (p,)), program.emit(over_samples, (p, p))]
    uniform, samples = NumbaRunner(program).run(np.array([2.0]), np.zeros((0, 5)))

    assert np.allclose(uniform, [math.exp(2.0), 20.0], rtol=1e-15)
    assert samples.shape == (0, 5)


def test_lanes_beyond_the_samples_do_not_count():
    program = Program()
    x = program.input("x")
    inverse = program.emit(TABLE["div"], (program.constant(1.0), x))
    program.outputs = [program.emit(over_samples, (inverse, inverse))]
    backend = NumbaRunner(program)
    for n in range(1, 20):
        backend.run(np.zeros(0), np.full((1, 19), np.inf))
        uniform, _ = backend.run(np.zeros(0), np.full((1, n), 0.5))
        assert uniform[0] == 4.0 * n


def test_take_from_a_large_vocabulary():
    program = Program()
    index = program.input("i")
    values = [program.parameter("v") for _ in range(3000)]
    program.outputs = [program.emit(take, (index, *values))]
    numbers = np.arange(3000.0) * 2.0
    _, samples = NumbaRunner(program).run(numbers, np.array([[0.0, 2999.0, 17.0, 3000.0, 0.5]]))

    assert np.array_equal(samples[0], [0.0, 5998.0, 34.0, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("parameters", "columns"),
    [(np.zeros(2), np.zeros((1, 3))), (np.zeros(1), np.zeros((2, 3))), (np.zeros(1), np.zeros(3)),
     (np.zeros(1), np.zeros((1, 0)))],
)  # fmt: skip
def test_arrays_of_another_shape_are_refused(parameters, columns):
    program = Program()
    program.outputs = [program.emit(add, (program.input("x"), program.parameter("p")))]
    with pytest.raises(ValueError, match="must be"):
        NumbaRunner(program).run(parameters, columns)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, once another test started it
def test_a_child_process_makes_threads_of_its_own():
    program = network((3, 40, 30, 1), "tanh")
    backend = NumbaRunner(program)
    case = data(program, 3001)
    expected = backend.run(*case, Options(2))
    child = os.fork() if hasattr(os, "fork") else pytest.skip("needs fork")
    if child == 0:  # a test that fails here must not run on as a second pytest
        try:
            ok = all(map(np.array_equal, expected, backend.run(*case, Options(2))))
            os._exit(0 if ok else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0


def test_memory_does_not_grow():
    program = network((2, 8, 1), "tanh")
    backend = NumbaRunner(program)
    cases = [data(program, n) for n in (1, 9, 20, 100, 300, 1000, 40, 50, 60, 70, 80, 90)]
    tracemalloc.start()
    taken = []
    for _ in range(2):
        for k in range(1000):
            backend.run(*cases[k % len(cases)], Options(1 + k % 2))
        taken.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert taken[1] - taken[0] < 50_000


def test_arrays_of_any_kind_are_taken():
    program = Program()
    x, y, p = program.input("x"), program.input("y"), program.parameter("p")
    program.outputs = [program.emit(dot, (x, y, p, x))]
    fixed = np.array([[1, 2], [3, 4]]).T[:, ::-1]
    fixed.setflags(write=False)
    packed = np.zeros(1, dtype=[("a", "u1"), ("b", "f8")])["b"]  # not at a multiple of 8
    _, samples = NumbaRunner(program).run(packed, fixed)

    assert samples.tolist() == [[12.0, 2.0]]


OTHER_MACHINE = """
import sys
sys.path[:0] = {path!r}
import numpy as np
from test_runner import NumbaRunner, close, data, network, reference
for n in (5, 40):
    program = network((3, 7, 6, 1), "tanh")
    case = data(program, n)
    assert close(reference(program, *case), NumbaRunner(program).run(*case))
"""


def test_a_processor_without_long_vectors_and_an_empty_cache(tmp_path):
    script = OTHER_MACHINE.format(path=[*sys.path, os.path.dirname(__file__)])
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "",
    }  # fmt: skip
    told = []
    for _ in range(2):
        child = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        assert child.returncode == 0, child.stderr
        told.append(child.stderr)

    assert "compiling the interpreter" in told[0]  # 6 s
    assert told[1] == ""  # 0.6 s


def test_where_nothing_can_be_kept_it_says_so(monkeypatch, capsys):
    from scalargrad.replay.backends.numba import compiling

    class Compiler:
        def __init__(self, run):
            self.signatures = []

        def compile(self, signature):
            self.signatures.append(signature)

    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("no locator available")
        return Compiler

    monkeypatch.setattr(compiling.numba, "njit", njit)
    run = compiling.compiled_interpreter()

    assert run.signatures == [compiling.interpreter.SIGNATURE]
    assert "set NUMBA_CACHE_DIR" in capsys.readouterr().err


class Dispatcher:
    """As much of a function that numba compiles as tells whether its cache is whole."""

    def __init__(self, folder):
        from numba.core.caching import IndexDataCacheFile

        self._cache = self.targetctx = self
        self._cache_file = IndexDataCacheFile(str(folder), "run", "stamp")

    def codegen(self):
        return None

    def _index_key(self, signature, codegen):
        return "key"


@pytest.fixture
def cache(tmp_path):
    """A folder with an index and a file of machine code, as numba writes them."""
    from scalargrad.replay.backends.numba import compiling

    fresh = Dispatcher(tmp_path)
    assert not compiling._is_cached(fresh)
    fresh._cache_file.save("key", b"machine code" * 100)
    assert compiling._is_cached(Dispatcher(tmp_path))
    return tmp_path


def flipped(content):
    return content[:99] + bytes([content[99] ^ 1]) + content[100:]


@pytest.mark.parametrize("name", ["run.nbi", "run.1.nbc"])
@pytest.mark.parametrize(
    "harm", [lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"x" * len(c)]
)
def test_a_damaged_cache_is_written_anew(cache, name, harm):
    from scalargrad.replay.backends.numba import compiling

    content = (cache / name).read_bytes()
    (cache / name).write_bytes(harm(content))
    again = Dispatcher(cache)
    with pytest.warns(RuntimeWarning, match=rf"{name}' is damaged \(.*\): it is compiled again"):
        assert not compiling._is_cached(again)
    assert again._cache_file.load("key") is None  # as numba asks before it compiles
    again._cache_file.save("key", b"machine code" * 100)

    assert compiling._is_cached(Dispatcher(cache))
    assert (cache / name).read_bytes() == content


def test_one_bit_of_the_machine_code_is_enough(cache):
    from scalargrad.replay.backends.numba import compiling

    path = cache / "run.1.nbc"
    path.write_bytes(flipped(path.read_bytes()))
    with pytest.warns(RuntimeWarning, match="its checksum is of other contents"):
        assert not compiling._is_cached(Dispatcher(cache))


def test_machine_code_that_was_removed_and_a_file_that_cannot_be_read(cache, monkeypatch):
    from scalargrad.replay.backends.numba import compiling

    (cache / "run.1.nbc").unlink()
    assert not compiling._is_cached(Dispatcher(cache))
    (cache / "run.1.nbc").mkdir()  # cannot be read, nor removed like a file
    with pytest.warns(RuntimeWarning, match="is damaged"), pytest.raises(OSError, match="run"):
        compiling._is_cached(Dispatcher(cache))


def test_a_numba_with_other_private_names():
    from scalargrad.replay.backends.numba import compiling

    assert compiling._is_cached(object())
