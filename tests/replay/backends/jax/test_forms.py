"""Whole programs on JAX, in both forms, beside the reference; and which form is chosen."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax", reason="needs the extra 'jax'")

import scalargrad as sg  # noqa: E402
from scalargrad import Value, losses, nn  # noqa: E402
from scalargrad.core import primitives  # noqa: E402
from scalargrad.replay.backends.jax import form as forms  # noqa: E402
from scalargrad.replay.backends.jax.codes import Codes  # noqa: E402
from scalargrad.replay.backends.jax.grouped import Grouped  # noqa: E402
from scalargrad.replay.backends.jax.interpreted import Interpreted  # noqa: E402
from scalargrad.replay.backends.jax.plan import Joined, Matrix, Outers, Plan, Scan  # noqa: E402
from scalargrad.replay.backends.jax.runner import JaxRunner  # noqa: E402
from scalargrad.replay.backends.jax.strides import strided, strides_of  # noqa: E402
from scalargrad.replay.backends.python import PythonRunner  # noqa: E402
from scalargrad.replay.program import SAMPLE, Program  # noqa: E402
from scalargrad.replay.schedule import schedule  # noqa: E402


def numbers(count: int, seed: int) -> list[Value]:
    draw = random.Random(seed)
    return [Value(draw.uniform(-0.8, 0.8)) for _ in range(count)]


def network() -> tuple[Any, list[Value], int]:
    random.seed(3)
    model = nn.MLP(4, [9, 7, 1], activation="tanh")
    return lambda x: losses.squared_error(model(x[:4]), x[4]), model.parameters(), 5


def classifier() -> tuple[Any, list[Value], int]:
    random.seed(4)
    model = nn.MLP(3, [8, 5], activation="relu")
    return lambda x: losses.cross_entropy(model(x[:3]), 1) + sg.prod(x), model.parameters(), 4


def recurrence() -> tuple[Any, list[Value], int]:
    w = numbers(4, 1)

    def f(x: Any) -> Any:
        state, other, total = x[0] * w[0], sg.exp(w[1]), 0.0
        for t in range(16):
            before = state
            state = sg.tanh(w[0] * state + w[1] * x[t] * other + w[2])
            other = sg.sigmoid(other * w[3] - before) + 0.1 * state
            total = total + (state - x[16 + t]) ** 2 / (1.0 + other)
        return total

    return f, w, 32


def wide_recurrence() -> tuple[Any, list[Value], int]:
    n, turns = 6, 12
    w = numbers(2 * n * n + n, 2)

    def f(x: Any) -> Any:
        state = x[:n]
        for t in range(turns):
            rows = [w[k * n : k * n + n] for k in range(2 * n)]
            fresh = [sg.dot(rows[k], state, w[2 * n * n + k]) for k in range(n)]
            mixed = [sg.dot(rows[n + k], [x[t + i] for i in range(n)]) for k in range(n)]
            state = [sg.tanh(a + b) for a, b in zip(fresh, mixed, strict=True)]
        return sg.dot(state, state)

    return f, w, n + turns


def chain() -> tuple[Any, list[Value], int]:
    w = numbers(16, 5)

    def f(x: Any) -> Any:
        y = x[0]
        for k in range(64):
            y = sg.tanh(y * w[k % 8] + w[8 + k % 8])
        return y * x[1]

    return f, w, 2


def irregular() -> tuple[Any, list[Value], int]:
    draw = random.Random(7)
    w = numbers(6, 6)

    def f(x: Any) -> Any:
        nodes = [*x, *w]
        for _ in range(16):
            kind = draw_kinds[len(nodes)]
            i, j, k = places[len(nodes)]
            a, b = nodes[i], nodes[j]
            if kind == "where":
                nodes.append(sg.where(a > b, nodes[k], -a))
            elif kind == "logsumexp":
                nodes.append(sg.logsumexp([a, b, nodes[k]]))
            elif kind == "take":
                nodes.append(sg.take([a, b, nodes[k]], sg.where(a > 0, 2.0, 0.0)))
            elif kind == "mul":
                nodes.append(sg.tanh(a) * b)
            else:
                nodes.append(sg.sin(a) + b)
        return sg.mean(nodes)

    kinds = ["where", "logsumexp", "take", "mul", "mul", "sin", "sin"]
    draw_kinds = [draw.choice(kinds) for _ in range(200)]
    places = [[draw.randrange(max(n, 1)) for _ in range(3)] for n in range(200)]
    return f, w, 5


def attention() -> tuple[Any, list[Value], int]:
    width, places = 6, 5
    w = numbers(3 * width * width, 8)
    matrices = [
        [w[(m * width + k) * width :][:width] for k in range(width)] for m in range(3)
    ]  # fmt: skip

    def f(x: Any) -> Any:
        xs = [x[t * width : (t + 1) * width] for t in range(places)]
        keys = [[sg.dot(row, v) for row in matrices[0]] for v in xs]
        total = 0.0
        for t, v in enumerate(xs):
            scores = [sg.dot(keys[t], keys[s]) for s in range(t + 1)]
            found = [
                sg.dot(sg.softmax(scores), column) for column in zip(*xs[: t + 1], strict=True)
            ]
            hidden = [sg.tanh(sg.dot(row, found)) for row in matrices[1]]
            total += sg.logsumexp([sg.dot(row, hidden) + v[0] for row in matrices[2]])
        return total

    return f, w, width * places


@pytest.fixture(autouse=True)
def short_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.replay.backends.jax.loops._LEAST", 48)


CASES = [network, classifier, recurrence, wide_recurrence, chain, irregular, attention]


def programs_of(case: Callable[[], Any]) -> tuple[Program, Any, Any]:
    """The gradient program of a case, its parameters and columns."""
    f, params, width = case()
    c = sg.compile(f, params, backend="python")
    columns = np.random.default_rng(0).uniform(-1, 1, (width, 70))
    c.record(columns.T[:1])
    program = c.gradient_program
    return program, np.array([p.data for p in params]), columns


def close(found: Any, right: Any) -> bool:
    return all(
        np.allclose(a, b.reshape(a.shape), 1e-12, 1e-13 * max(1.0, np.abs(b).max(initial=0.0)))
        for a, b in zip(found, right, strict=True)
    )


def right_of(program: Program, theta: Any, columns: Any) -> Any:
    return [np.array(part) for part in PythonRunner(program).run(theta.tolist(), columns.tolist())]


@pytest.mark.parametrize("form", [Grouped, Interpreted])
@pytest.mark.parametrize("case", CASES)
def test_a_program_and_its_derivatives(case: Callable[[], Any], form: Any) -> None:
    program, theta, columns = programs_of(case)
    with jax.enable_x64(True):
        run = jax.jit(form(forms.prepared(program), "float64").__call__)
        # mostly with weights, since each of the two is compiled for itself
        all_alike = () if case is network else (np.ones(70),)
        found = [np.asarray(part) for part in run(theta, columns, *all_alike)]
        weights = np.arange(70) % 3 * 1.0
        spoilt = np.where(weights > 0, columns, np.nan)
        weighted = [np.asarray(part) for part in run(theta, spoilt, weights)]

    assert close(found, right_of(program, theta, columns))
    # weights count samples, and a sample without a weight is none
    counted = np.repeat(columns, weights.astype(int), axis=1)
    assert close(weighted[:1], right_of(program, theta, counted)[:1])


def test_samples_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.replay.backends.jax.interpreted._LEAST", 16)
    monkeypatch.setattr("scalargrad.replay.backends.jax.interpreted._MOST", 16)
    w = Value(0.5)
    c = sg.compile(lambda x: (sg.tanh(w * x) - x) ** 2, [w], backend="python")
    c.record(1.0)
    program = c.gradient_program
    program.outputs += program.copy().outputs[:1] + [
        slot for slot, row in enumerate(program.rows) if row and row.name == "tanh"
    ]
    columns = np.linspace(-2, 2, 37)[None]  # not a multiple of 16
    with jax.enable_x64(True):
        run = Interpreted(forms.prepared(program), "float64")
        found = [np.asarray(part) for part in jax.jit(run.__call__)(np.array([0.5]), columns)]

    assert close(found, right_of(program, np.array([0.5]), columns))


def test_what_a_plan_finds() -> None:
    def units(case: Callable[[], Any]) -> list[Any]:
        plan = Plan(forms.prepared(programs_of(case)[0]))
        return [unit for stage in plan.stages for unit in stage]

    layers = units(network)
    matrices = [unit for unit in layers if isinstance(unit, Matrix)]
    assert len(matrices) >= 2
    assert all(m.layout is not None and len(m.inputs.pieces) == 1 for m in matrices)
    outers = [unit for unit in layers if isinstance(unit, Outers)]
    # the gradients of three layers with their biases, and the loss
    assert sorted(o.shape for o in outers if o.ones) == [(1, 1), (1, 8), (7, 10), (9, 5)]
    for case in (recurrence, wide_recurrence, chain):
        loops = [unit for unit in units(case) if isinstance(unit, Scan)]
        assert len(loops) >= 2, case  # forward and backward
        assert loops[-1].reverse
    assert not any(isinstance(unit, Scan) for unit in units(irregular))
    assert any(isinstance(u, Matrix) for s in units(wide_recurrence) if isinstance(s, Scan)
               for stage in s.body.stages for u in stage)  # fmt: skip
    # what is summed over the turns is carried on, and nothing is kept of each turn for it
    assert all(unit.last for unit in units(recurrence) if isinstance(unit, Scan))


def test_what_is_of_one_kind_lies_together() -> None:
    """Positions that see one more than the one before are of unequal depth."""
    program = forms.prepared(programs_of(attention)[0])
    plan = Plan(program)
    assert plan.by_kinds
    assert plan.arrays < sum(map(len, schedule(program))) * 3 // 4
    forward = [m for m in plan.stages[1] if isinstance(m, Matrix) and m.layout is not None]
    assert sum(m.vectors == 5 for m in forward) >= 3  # all positions at once
    assert any(isinstance(unit, Joined) for unit in plan.stages[1])
    assert not Plan(forms.prepared(programs_of(network)[0])).by_kinds


def test_what_is_watched_in_a_loop_is_computed_in_it() -> None:
    def f(x: Any) -> Any:
        state, total = sg.exp(w[0]), 0.0
        for t in range(16):
            state = sg.exp(w[1] * state - x[t]) + x[t] * state
            total = total + sg.log(state)
        return total

    w = numbers(2, 3)
    program = sg.compile(f, w, backend="python").record(np.linspace(0.1, 0.2, 16)[None])
    assert program.watch is not None
    program.outputs.append(program.watch)
    program.guards = []
    plan = Plan(forms.prepared(program))

    loops = [unit for unit in plan.stages[SAMPLE] if isinstance(unit, Scan)]
    assert len(loops) == 1
    rows = {row and row.name for row in loops[0].body.program.rows}
    assert {"log", "apart", "sizes", "all_finite"} <= rows
    # nothing is put together from several arrays, or fetched by index
    for unit in loops[0].body.stages[SAMPLE]:
        assert all(read.cost == 1 for read in unit.operands)


def test_sums_of_unequal_length_are_one_group() -> None:
    """The shortest is recorded as a product or an addition, and counts as one of them."""
    program = forms.prepared(programs_of(attention)[0])
    plan = Plan(program)
    found = [{plan.program.rows[slot] for slot in unit.members} for unit in plan.stages[SAMPLE]
             if isinstance(unit, Joined)]  # fmt: skip
    assert {primitives.mul, primitives.dot} in found
    for unit in plan.stages[SAMPLE]:
        if isinstance(unit, Joined):
            assert sorted(unit.members) in (unit.members, unit.members[::-1])
            taken = [slot for part in unit.units for slot in part.members]
            assert [taken[k] for k in unit.order] == unit.members


@settings(max_examples=25)
@given(st.data())
def test_rows_with_strides(data: st.DataObject) -> None:
    array = np.arange(400.0).reshape(200, 2)
    counts = data.draw(st.lists(st.integers(1, 4), max_size=3))
    steps = [data.draw(st.integers(-9, 9)) for _ in counts]
    grid = np.zeros(1, int)
    for count, step in zip(counts, steps, strict=True):
        grid = (grid[:, None] + step * np.arange(count)).ravel()
    at = grid - grid.min() + data.draw(st.integers(0, 20))
    found = strides_of(at)
    if found is not None:
        assert (np.asarray(strided(array, int(at[0]), found)) == array[at]).all()
    # any one axis, and an axis within a longer step
    assert found is not None or len(counts) > 1


def test_the_form_is_chosen_by_the_shape_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.replay.backends.jax.runner.WORTH_COMPILING", 1)
    w = Value(0.5)
    c = sg.compile(lambda x: sg.tanh(w * x), [w], backend="jax")
    assert c.form == ""
    c.value_and_grad([1.0, 2.0])
    assert c.form == "grouped"
    assert "backend='jax', grouped, 1 recording" in repr(c)
    monkeypatch.setattr(forms, "MOST_OPERATIONS", 2)
    c = sg.compile(lambda x: sg.tanh(w * x), [w], backend="jax")
    c.value_and_grad([1.0, 2.0])
    assert c.form == "interpreted"
    assert sg.compile(lambda x: x, backend="python").form == ""


def test_rows_of_the_store_are_used_again() -> None:
    program = programs_of(chain)[0]
    codes = Codes(forms.prepared(program))
    assert codes.rows < codes.steps / 2


def test_arrays_of_another_shape_are_refused() -> None:
    program = Program()
    x, p = program.input("x"), program.parameter("p")
    program.outputs = [
        program.emit(sg.compile(lambda a, b: a + b).record(1.0, 2.0).rows[-1], (x, p))
    ]
    for parameters, columns in [
        (np.zeros(2), np.zeros((1, 3))), (np.zeros(1), np.zeros((2, 3))),
        (np.zeros(1), np.zeros(3)), (np.zeros(1), np.zeros((1, 0))),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            JaxRunner(program).run(parameters, columns)


def test_an_error_in_an_own_operation_is_that_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class MineError(Exception):
        pass

    def broken(x: float) -> float:
        if x > 1.0:
            raise MineError("not beyond 1")
        return x

    own = sg.primitive("broken_beyond_1", broken, lambda x, out: (1.0,))
    for worth in (1, 1 << 14):
        monkeypatch.setattr("scalargrad.replay.backends.jax.runner.WORTH_COMPILING", worth)
        c = sg.compile(lambda x: own(x) * 2.0, backend="jax")
        assert c([0.5, 1.0]).tolist() == [1.0, 2.0]
        with pytest.raises(MineError, match="not beyond 1"):
            c([0.5, 2.0])


def test_float32_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(0.1)
    for worth in (1, 1 << 14):
        monkeypatch.setattr("scalargrad.replay.backends.jax.runner.WORTH_COMPILING", worth)
        c = sg.compile(lambda x: sg.tanh(w * x), [w], backend="jax", dtype="float32")
        value, slope = c.value_and_grad([0.5, 1.5])
        right = sg.compile(lambda x: sg.tanh(w * x), [w], backend="python")
        assert value == pytest.approx(right.value_and_grad([0.5, 1.5])[0], rel=1e-6)
        assert value == np.float32(value)
        assert slope.dtype == np.float64
        with pytest.raises(TypeError, match=r"argument 'x' holds whole numbers.*astype"):
            c.value_and_grad([1, 2])
    with pytest.raises(ValueError, match=r"computes in float64 only: for float32 take jax"):
        sg.compile(lambda x: x, backend="python", dtype="float32")
    with pytest.raises(ValueError, match="dtype must be one of float64, float32"):
        sg.compile(lambda x: x, dtype="float16")


@pytest.mark.parametrize("enabled", [False, True])
def test_the_users_setting_is_left_alone(enabled: bool) -> None:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", enabled)
    try:
        w = Value(0.3)
        c = sg.compile(lambda x: sg.exp(w * x), [w], backend="jax")
        assert c.value_and_grad([0.1, 0.7])[0] == pytest.approx(
            sg.compile(lambda x: sg.exp(w * x), [w], backend="python").value_and_grad([0.1, 0.7])[
                0
            ],
            rel=1e-14,
        )
        assert jax.config.jax_enable_x64 is enabled
        assert jax.numpy.ones(2).dtype == (np.float64 if enabled else np.float32)
    finally:
        jax.config.update("jax_enable_x64", before)


def test_a_platform_without_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise RuntimeError("Unable to initialize backend 'cuda'")

    monkeypatch.setattr(jax, "devices", none)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(RuntimeError, match=r"no device of the platform 'cuda'.*JAX_PLATFORMS"):
        sg.compile(lambda x: x + 1.0, backend="jax")(1.0)
