"""The numba replay against the table, one row and one kind of operand after the other."""

import itertools
import math
import random

import pytest
from exact import DIGITS, EXACT, TERMS, error, exact
from exact import points as everywhere

np = pytest.importorskip("numpy")
pytest.importorskip("numba")

import mpmath as mp  # noqa: E402
from replayed import near, value  # noqa: E402

import scalargrad as sg  # noqa: E402
from scalargrad.core.primitives import dot, take  # noqa: E402
from scalargrad.core.rows import TABLE  # noqa: E402
from scalargrad.replay.backends.numba.runner import NumbaRunner  # noqa: E402
from scalargrad.replay.program import SAMPLE, Program  # noqa: E402

ROWS = [*TABLE.values()]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-300, 1e200, -1e200, 40.0, -800.0,
           math.inf, -math.inf, math.nan]  # fmt: skip


def arities(row):
    return (row.arity,) if row.arity is not None else (2, 3, 6, 7)


def points(row, arity, n, rng):
    columns = []
    for k in range(arity):
        if row is take and k == 0:
            columns.append([rng.choice([0.0, 1.0, 2.0, 5.0, -1.0, 0.5]) for _ in range(n)])
        else:
            low = rng.choice([-3.0, 0.0, 1.0])
            columns.append([rng.uniform(low, low + 3.0) for _ in range(n)])
    return columns


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_with_every_kind_of_operands(row):
    rng = random.Random(row.name)
    for arity in arities(row):
        kinds = list(itertools.product("psc", repeat=arity)) if arity <= 3 else []
        kinds += [tuple(rng.choice("psc") for _ in range(arity)) for _ in range(20)]
        kinds.append(("s",) * arity)
        for n, kind in itertools.product((1, 13), kinds):
            columns = points(row, arity, n, rng)
            program = Program()
            operands, parameters, inputs = [], [], []
            for xs, which in zip(columns, kind, strict=True):
                if which == "s":
                    operands.append(program.input("x"))
                    inputs.append(xs)
                    continue
                xs[:] = [xs[0]] * n
                if which == "p":
                    operands.append(program.parameter("p"))
                    parameters.append(xs[0])
                else:
                    operands.append(program.constant(xs[0]))
            program.outputs.append(program.emit(row, tuple(operands)))
            per_sample = program.phases[program.outputs[0]] == SAMPLE
            lanes = np.array(inputs).reshape(len(inputs), n)
            uniform, samples = NumbaRunner(program).run(np.array(parameters), lanes)
            actual = list(samples[0]) if per_sample else [uniform[0]] * n
            for point, got in zip(zip(*columns, strict=True), actual, strict=True):
                scale = sum(map(abs, point)) + 1.0 if row is dot else 0.0
                assert near(value(row, point), got, scale), (kind, point, value(row, point), got)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_at_special_numbers(row):
    arity = row.arity or 3
    points = list(itertools.product(SPECIAL, repeat=arity))
    program = Program()
    operands = tuple([program.input("x") for _ in range(arity)])
    program.outputs.append(program.emit(row, operands))
    _, samples = NumbaRunner(program).run(np.zeros(0), np.array(points).T)

    for point, got in zip(points, samples[0], strict=True):
        if row is TABLE["pow"] and point[0] < 0.0 and math.isinf(point[1]):
            continue  # a number for C, an error for the table
        if row is dot and 1e200 in map(abs, point):
            continue  # with a fused multiply-add the product does not overflow
        assert near(value(row, point), got), (point, value(row, point), got)


@pytest.mark.parametrize("name", [name for name in EXACT if TABLE[name].public])
def test_slopes_are_accurate_far_out(name):
    """As eagerly (`core/test_accuracy.py`), up to what NumPy's loops allow themselves: 4 ulp."""
    row = TABLE[name]
    at = [p for p in everywhere(row, random.Random(name), 40) if value(row, p) is not None]
    at = [p for p in at if math.isfinite(row.value(*p)) and all(abs(x) < 1e150 for x in p)]
    columns = np.array(at).T
    compiled = sg.compile(row, backend="numba", reduction="sum", allow_nonfinite=True)
    values = compiled(*columns)
    _, slopes = compiled.value_and_grad(*columns)
    for k, point in enumerate(at):
        out, gradient, _ = exact(name, point)
        with mp.workdps(DIGITS):
            terms = TERMS[name](*map(mp.mpf, point)) if name in TERMS else (0, [0] * len(point))
        assert error(values[k], out, terms[0]) <= 32.0, (point, values[k])
        for i, column in enumerate(np.atleast_2d(np.array(slopes))):
            assert error(column[k], gradient[i], terms[1][i]) <= 64.0, (point, i, column[k])
