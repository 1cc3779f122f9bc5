"""The JAX backend against the table: every row, in both forms, on every kind of operands."""

import itertools
import math
import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

from replayed import near, value  # noqa: E402

from scalargrad.core import primitives  # noqa: E402
from scalargrad.core.rows import TABLE, Primitive  # noqa: E402
from scalargrad.replay.backends.jax.form import prepared  # noqa: E402
from scalargrad.replay.backends.jax.grouped import Grouped  # noqa: E402
from scalargrad.replay.backends.jax.interpreted import Interpreted  # noqa: E402
from scalargrad.replay.backends.jax.spellings import FOLDS, MAPS, PAIRS, RULES  # noqa: E402
from scalargrad.replay.program import SAMPLE, Program  # noqa: E402

FORMS = [Grouped, Interpreted]
ROWS = [*TABLE.values()]
# These would take hundreds of lines each, or are of no use on an accelerator: Python computes them.
CALLED_BACK = {
    "beta", "betaln", "digamma", "erfinv", "erfinv_slope", "gamma", "hazard", "lgamma", "log_base",
    "log_ndtr", "mills", "ndtri", "ndtri_slope", "polygamma", "polygamma_rise",
    "sinc_derivative",
}  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-300, 1e200, -1e200, 40.0, -800.0,
           math.inf, -math.inf, math.nan]  # fmt: skip


def run(form: Any, program: Program, parameters: Any, columns: Any) -> Any:
    """The outputs of a program, one array over the samples for each."""
    with jax.enable_x64(True):
        runner = form(prepared(program), "float64")
        uniform, samples = map(np.asarray, jax.jit(runner.__call__)(parameters, columns))
    same, apart = iter(uniform), iter(samples)
    each = [program.phases[slot] == SAMPLE for slot in program.outputs]
    return [next(apart) if mine else np.full(columns.shape[1], next(same)) for mine in each]


def test_which_rows_have_a_spelling() -> None:
    """A row without one works, by a call of its Python function; here stands which they are."""
    removed = {primitives.identity, primitives.stopped, primitives.take}
    spelled = {*MAPS, *FOLDS, *PAIRS, *RULES, *removed}

    assert {row.name for row in ROWS if row not in spelled} >= CALLED_BACK
    assert not {row.name for row in spelled} & CALLED_BACK


@pytest.mark.parametrize("form", FORMS)
def test_every_row_with_every_kind_of_operands(form: Any) -> None:
    rng = random.Random(5)
    n = 5
    program = Program()
    parameters: list[float] = []
    columns: list[list[float]] = []
    expected: list[Any] = []
    for row in ROWS:
        if row.name in CALLED_BACK:  # JAX does not keep the code of such programs
            continue
        for arity in (row.arity,) if row.arity is not None else (2, 5):
            for kind in ("s" * arity, "p" * arity, "psc" * arity, "cs" * arity):
                kind = kind[:arity]
                operands, points = [], []
                for k, which in enumerate(kind):
                    low = rng.choice([-3.0, 0.0, 1.0])
                    xs = [rng.uniform(low, low + 3.0) for _ in range(n)]
                    if row is primitives.take and k == 0:
                        xs = [float(rng.choice([0, 1, 2, 5, -1])) for _ in range(n)]
                    if which != "s":
                        xs = xs[:1] * n
                    points.append(xs)
                    if which == "s":
                        operands.append(program.input("x"))
                        columns.append(xs)
                    elif which == "p":
                        operands.append(program.parameter("p"))
                        parameters.append(xs[0])
                    else:
                        operands.append(program.constant(xs[0]))
                program.outputs.append(program.emit(row, tuple(operands)))
                expected.append((row, list(zip(*points, strict=True))))

    found = run(form, program, np.array(parameters), np.array(columns))

    for (row, points), got in zip(expected, found, strict=True):
        for point, number in zip(points, got, strict=True):
            scale = sum(map(abs, point)) + 1.0 if row is primitives.dot else 0.0
            assert near(value(row, point), number, scale), (row, point, value(row, point), number)


@pytest.mark.parametrize("form", FORMS)
def test_rows_without_a_spelling_are_called_back(form: Any) -> None:
    own = Primitive("own", "", lambda x, y, z: x * y - math.sqrt(z), lambda x, y, z, out: ())
    program = Program()
    inputs = tuple([program.input("x") for _ in range(3)])
    program.outputs = [program.emit(own, inputs)]
    for name in sorted(CALLED_BACK):
        row = TABLE[name]
        operands = (program.constant(1.0), *inputs)[: row.arity]
        program.outputs.append(program.emit(row, operands))
    columns = np.array([[0.3, 1.5, -2.0], [1.0, 2.0, 3.0], [4.0, -1.0, 0.25]])

    found = run(form, program, np.zeros(0), columns)

    for point, *got in zip(zip(*columns.tolist(), strict=True), *found, strict=True):
        assert near(value(own, point), got[0])
        for name, number in zip(sorted(CALLED_BACK), got[1:], strict=True):
            operands = (1.0, *point)[: TABLE[name].arity]
            assert near(value(TABLE[name], operands), number)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("arity", [1, 2, 3])
def test_every_row_at_special_numbers(form: Any, arity: int) -> None:
    points = list(itertools.product(SPECIAL, repeat=arity))
    program = Program()
    operands = tuple([program.input("x") for _ in range(arity)])
    rows = [r for r in ROWS if (r.arity or 3) == arity and r.name not in CALLED_BACK]
    program.outputs = [program.emit(row, operands) for row in rows]

    found = run(form, program, np.zeros(0), np.array(points).T)

    for row, results in zip(rows, found, strict=True):
        for point, got in zip(points, results, strict=True):
            if row is primitives.pow and point[0] < 0.0 and math.isinf(point[1]):
                continue  # a number for C, an error for the table
            if row is primitives.dot and 1e200 in map(abs, point):
                continue  # with a fused multiply-add the product does not overflow
            assert near(value(row, point), got), (row, point, value(row, point), got)


@pytest.mark.parametrize("form", FORMS)
def test_the_compiler_simplifies_nothing_across_rows(form: Any) -> None:
    """As real numbers these are equal to something simpler, which does not overflow where they do.

    Or it overflows where they do not, or rounds once in the place of twice.
    """
    names = ("div", "mul", "exp", "log", "sqrt", "pow", "inverse", "add", "sub", "exp2", "log2")
    div, mul, exp, log, sqrt, pow, inverse, add, sub, exp2, log2 = (TABLE[name] for name in names)
    x, y = 1e200, 800.0
    cases: list[tuple[Any, float]] = [
        (lambda e, x, y: e(div, e(div, x, x), x), 1.0 / x),
        (lambda e, x, y: e(div, e(div, e(mul, x, y), x), x), y / x),
        (lambda e, x, y: e(div, x, e(div, x, e(inverse, x))), 0.0),
        (lambda e, x, y: e(log, e(exp, y)), math.inf),
        (lambda e, x, y: e(log2, e(exp2, x)), math.inf),
        (lambda e, x, y: e(div, e(exp, y), e(exp, y)), math.nan),
        (lambda e, x, y: e(mul, e(exp, y), e(exp, e(sub, y, e(add, y, y)))), math.nan),
        (lambda e, x, y: e(sqrt, e(mul, x, x)), math.inf),
        (lambda e, x, y: e(pow, e(pow, x, y), e(inverse, y)), math.inf),
        (lambda e, x, y: e(log, e(pow, x, y)), math.inf),
        (lambda e, x, y: e(sub, e(add, x, y), x), 0.0),
    ]
    program = Program()
    inputs = [program.input("x"), program.input("y")]
    program.outputs = [case(lambda row, *xs: program.emit(row, xs), *inputs) for case, _ in cases]

    found = run(form, program, np.zeros(0), np.array([[x] * 3, [y] * 3]))

    for k, (_, right) in enumerate(cases):
        assert near(right, found[k][0]), (k, right, found[k])


@pytest.mark.parametrize("count", [6, 17])
def test_rows_with_many_operands_at_special_numbers(count: int) -> None:
    """From some number of operands on they are reduced along an axis."""
    rng = random.Random(count)
    rows = [primitives.sum, primitives.largest, primitives.dot, primitives.prod]
    finite = [x for x in SPECIAL if abs(x) < 1e150]
    points = [[rng.choice(finite) for _ in range(2 * count)] for _ in range(100)]
    for point in points[::2]:
        point[rng.randrange(2 * count)] = rng.choice(SPECIAL)
    program = Program()
    inputs = [program.input("x") for _ in range(2 * count)]
    taken = [inputs[:count], inputs[count:]]
    program.outputs = [program.append(row, tuple(xs), SAMPLE) for row in rows for xs in taken]

    found = run(Grouped, program, np.zeros(0), np.array(points).T)

    for (row, xs), results in zip(itertools.product(rows, taken), found, strict=True):
        for point, got in zip(points, results, strict=True):
            mine = [point[x] for x in xs]
            right = value(row, mine)
            scale = sum(map(abs, mine)) if row in (primitives.sum, primitives.dot) else 0.0
            if row is primitives.dot and scale > 1e100:
                continue  # with a fused multiply-add the product does not overflow
            assert near(right, got, scale * 1000.0), (row, mine, right, got)
