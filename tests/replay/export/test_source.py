"""Exported sources against the compiled function they come from, scalargrad out of reach."""

import math
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import (
    COMPILER,
    STRICT,
    Array,
    CLibrary,
    answers,
    facts,
    flat_gradient,
    named,
    needs_compiler,
    run_numpy,
)
from hostile import HOSTILE
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from replayed import agrees, outcome
from strategies import ALL, Program, extremes, inputs, programs, wild_programs

import scalargrad as sg
from scalargrad import Value, nn

RNG = np.random.default_rng(20)
Case = tuple[sg.Compiled, tuple[Any, ...]]


def tanh_network() -> Case:
    """A multilayer perceptron: matrix products in NumPy."""
    random.seed(3)
    model = nn.MLP(3, [5, 4, 1], activation="tanh")
    c = sg.compile(
        named(lambda x, y: (model(x) - y) ** 2, "tanh_network"), model.parameters(), "python"
    )
    return c, (RNG.normal(size=(9, 3)), RNG.normal(size=9))


def relu_network() -> Case:
    """Choices, and a sum instead of a mean."""
    random.seed(4)
    model = nn.MLP(2, [4, 4, 1])
    c = sg.compile(
        named(lambda x, y: sg.log(1.0 + (model(x) - y) ** 2), "relu_network"), model.parameters(),
        "python", "sum",
    )  # fmt: skip
    return c, (RNG.normal(size=(9, 2)), RNG.normal(size=9))


def by_arguments() -> Case:
    """No parameters: derivatives by the arguments, of other shapes."""
    c = sg.compile(
        named(lambda x, m: sg.exp(x) * m[0][1] + sg.dot(m[1], m[0]) ** 2, "by_arguments"),
        backend="python",
    )
    return c, (RNG.normal(size=6), RNG.normal(size=(6, 2, 3)))


def branches() -> Case:
    """Three branches, which share the parameters but not the sums."""
    a, b = Value(0.7, "a"), Value(-0.3, "b")

    def f(x: Any, y: Any) -> Any:
        if x > 0.5:
            return a * x * y
        if y > x:
            return sg.sin(b * y) + sg.exp(a)
        return a * b

    return sg.compile(named(f, "branches"), [a, b], "python"), (
        RNG.normal(size=30), RNG.normal(size=30)
    )  # fmt: skip


def dead_paths() -> Case:
    """Infinite slopes and failing operations behind choices."""
    w = Value(0.9, "w")

    def f(x: Any, y: Any) -> Any:
        root = sg.where(x > 0.0, sg.sqrt(x * w), 0.0)
        return root + sg.where(y > 0.0, sg.log(y), w) + sg.maximum(sg.where(x > 0.0, x, 1.0), w)

    x = np.array([-1.0, 0.0, 0.5, 2.0, -3.0])
    return sg.compile(named(f, "dead_paths"), [w], "python"), (x, x[::-1].copy())


def once_and_after() -> Case:
    """Work before the samples and after them; a Value that is no parameter; whole numbers."""
    a, b, fixed = Value(0.3, "a"), Value(1.7, "b"), Value(2.5, "fixed")

    def f(x: Any, k: Any) -> Any:
        scale = sg.exp(a) / (1.0 + b * b)
        return sg.take([scale, x * scale, fixed * x, b], k % 4) + sg.mean([x, a, k]) * 3

    return sg.compile(named(f, "once_and_after"), [a, b], "python"), (
        RNG.normal(size=8), np.arange(8.0)
    )  # fmt: skip


def shared_loss() -> Case:
    """A result that does not depend on the sample, and one parameter without any use."""
    a, b = Value(0.3), Value(1.7)
    return sg.compile(named(lambda x: sg.exp(a), "shared_loss"), [a, b], "python"), (np.ones(4),)


def recurrence() -> Case:
    """Parameters that are used at each step: sums of products over steps and samples."""
    w, u, b = Value(0.4, "w"), Value(-0.8, "u"), Value(0.1, "b")

    def f(xs: Any) -> Any:
        h: Any = 0.0
        for x in xs:
            h = sg.tanh(w * h + u * x + b)
        return h

    return sg.compile(named(f, "recurrence"), [w, u, b], "python"), (RNG.normal(size=(5, 12)),)


CASES: list[Callable[[], Case]] = [
    tanh_network, relu_network, by_arguments, branches, dead_paths, once_and_after, shared_loss,
    recurrence,
]  # fmt: skip


@needs_compiler
def test_c_gives_the_bits_of_the_python_backend() -> None:
    cases = [make() for make in CASES]
    sources = [c.to_source("c", *args) for c, args in cases]
    library = CLibrary(sources)

    turned = [(c, tuple([x[::-1].copy() for x in args])) for c, args in cases]
    for source, (c, args) in zip(sources * 2, cases + turned, strict=True):
        status, values, second, value, gradient = library.run(source, c.theta, args)
        right = answers(c, args)
        assert status == second == 0, c.__name__
        assert np.array_equal(values[:, 0], right[0]), c.__name__
        assert value == right[1], c.__name__
        assert np.array_equal(gradient, right[2]), c.__name__


def test_numpy_gives_the_same_to_the_order_of_its_sums() -> None:
    cases = [make() for make in CASES]

    found = run_numpy([(c.to_source("python", *args), args) for c, args in cases])

    for (c, args), (values, (value, gradient)) in zip(cases, found, strict=True):
        right = answers(c, args)
        near = {"rel": 1e-14, "abs": 1e-14}
        assert np.asarray(values) == pytest.approx(right[0], **near), c.__name__
        assert value == pytest.approx(right[1], **near), c.__name__
        if not c.params:
            gradient = gradient if isinstance(gradient[0], list) else [gradient]
            gradient = np.hstack([np.asarray(g).reshape(len(args[0]), -1) for g in gradient])
        assert np.asarray(gradient) == pytest.approx(right[2], **near), c.__name__


@needs_compiler
def test_other_numbers_for_theta() -> None:
    c, args = tanh_network()
    theta = np.asarray(c.theta) * 1.5
    source = c.to_source("c", *args)
    value, gradient = c.value_and_grad(*args, theta=theta)

    _, _, status, got, slopes = CLibrary([source]).run(source, theta, args)

    assert (status, got) == (0, value)
    assert np.array_equal(slopes, gradient)
    assert not np.array_equal(theta, c.theta)


@settings(max_examples=2, deadline=None)
@given(drawn=st.lists(programs(ALL), min_size=8, max_size=8))
@needs_compiler
def test_random_programs(drawn: list[Program]) -> None:
    cases = []
    for i, program in enumerate(drawn):
        args = [[x] for x in program.point]
        c = sg.compile(named(lambda *xs, p=program: p(*xs) + 0.0, f"f{i}"), backend="python")  # type: ignore[misc]
        c.record(*args)
        cases.append((c, args, program))
    sources = [c.to_source("c") for c, _, _ in cases]
    library = CLibrary(sources, "-O0")
    found = run_numpy([(c.to_source("python"), args) for c, args, _ in cases])

    for source, (c, args, program), got in zip(sources, cases, found, strict=True):
        try:
            right = answers(c, args)
        except FloatingPointError:
            right = None
        status, values, second, _, gradient = library.run(source, [], args)
        if right is None:
            assert second == 1
            assert got[1][0].startswith("FloatingPointError")
            continue
        assert status == second == 0
        exact = not {"hypot", "cosine", "turn", "sinc", "atan2"} & {
            row.name for row in c.gradient_program.rows if row is not None
        }
        right_numbers, sizes = outcome(program, [list(program.point)])
        assume(sizes.max() < 1e8)
        if exact:
            assert values[0, 0] == right[0][0]
            assert np.array_equal(gradient, right[2])
        assert agrees([[values[0, 0], *gradient[0]]], right_numbers, sizes)
        slopes = got[1][1] if len(args) > 1 else [got[1][1]]
        assert agrees([[got[0][0], *[s[0] for s in slopes]]], right_numbers, sizes)


@settings(max_examples=2, deadline=None)
@given(drawn=st.lists(wild_programs(ALL), min_size=8, max_size=8),
       others=st.lists(extremes | inputs, min_size=4, max_size=4))  # fmt: skip
@needs_compiler
def test_exports_never_give_a_number_where_python_raises(
    drawn: list[Program], others: list[float]
) -> None:
    """On samples that leave domains, overflow, or take branches that were not recorded."""
    cases = []
    for i, program in enumerate(drawn):
        c = sg.compile(named(lambda *xs, p=program: p(*xs) + 0.0, f"f{i}"), backend="python")  # type: ignore[misc]
        try:
            c.record(*program.point)
        except (ArithmeticError, ValueError, IndexError):
            continue
        cases.append((c, program))
    samples = [*zip(others[::2], others[1::2], strict=True), *[p.point for _, p in cases]]
    columns = [[sample[k] for sample in samples] for k in (0, 1)]
    sources = [c.to_source("c") for c, _ in cases]
    library = CLibrary(sources, "-O0")
    jobs = [(c.to_source("python"), [[x], [y]]) for c, _ in cases for x, y in samples]
    found = iter(run_numpy(jobs, grad=False))

    for source, (_, program) in zip(sources, cases, strict=True):
        _, values, *_ = library.run(source, [], columns)
        for sample, number in zip(samples, values[:, 0], strict=True):
            (numpy_result,) = next(found)
            try:
                right = program(*sample) + 0.0
            except (ArithmeticError, ValueError, IndexError):
                right = math.nan  # a choice may have left aside what fails eagerly
            refused = not math.isfinite(number)
            if math.isfinite(right):
                assert refused or number == pytest.approx(right, rel=1e-9, abs=1e-9)
            else:
                assert refused or has_choice(program)
            if isinstance(numpy_result[0], str):
                assert refused or near_a_jump(program)
    assert next(found, None) is None


def has_choice(program: Program) -> bool:
    """Whether the program may leave something aside."""
    return any(row.name in {"where", "take"} for row, _ in program.steps)


def near_a_jump(program: Program) -> bool:
    """Whether the last digit, in which NumPy differs from C, may decide something."""
    return len(program.steps) > 1


# --- refusals ---------------------------------------------------------------------------------


@needs_compiler
def test_a_branch_that_was_not_recorded_is_refused_and_the_others_computed() -> None:
    def f(x: Any) -> Any:
        return x * 2.0 if x > 0.0 else x * 3.0

    c = sg.compile(f, backend="python")
    source, module = c.to_source("c", 1.0), c.to_source("python")

    status, values, second, value, gradient = CLibrary([source]).run(source, [], [[1.0, -1.0, 2.0]])
    ((values_numpy, grad_numpy),) = run_numpy([(module, [[1.0, -1.0, 2.0]])])

    assert (status, second) == (2, 2)
    assert [*values[::2, 0]] == [2.0, 4.0]
    assert np.isnan(values[1, 0])
    assert np.isnan(value)
    assert np.isnan(gradient).all()
    assert values_numpy == grad_numpy == [
        "ValueError: sample 1 takes a branch that was not recorded"
    ]  # fmt: skip


@needs_compiler
def test_no_samples() -> None:
    c = sg.compile(lambda x: x * 2.0, backend="python")
    source = c.to_source("c", 1.0)

    assert CLibrary([source]).run(source, [], [np.empty(0)])[::2][:2] == (3, 3)


def test_what_is_not_recorded_or_not_of_one_shape_is_refused() -> None:
    c = sg.compile(lambda x: sg.sum(x), backend="python")
    with pytest.raises(ValueError, match="has not been recorded yet: call it first"):
        c.to_source("c")
    c.record([[1.0, 2.0]])
    c.record([[1.0, 2.0, 3.0]])

    with pytest.raises(ValueError, match=r"several shapes, \(x: \(2,\)\) and .* pass example"):
        c.to_source("python")
    assert "F_INPUTS = 3" in c.to_source("c", [[0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="language must be one of python, c, got 'fortran'"):
        c.to_source("fortran")


def test_a_function_that_catches_errors_is_refused() -> None:
    def f(x: Any) -> Any:
        try:
            return sg.log(x)
        except ValueError:
            return x * 0.0

    c = sg.compile(f, backend="python")
    c.record(-1.0)

    with pytest.raises(ValueError, match=r"catches the ValueError of .*log\(x\).*comparison"):
        c.to_source("c")


def test_results_of_different_forms_are_refused() -> None:
    c = sg.compile(lambda x: [x, x] if x > 0.0 else x, backend="python")
    c.record(1.0)
    c.record(-1.0)

    with pytest.raises(ValueError, match="results of different forms"):
        c.to_source("python")


# --- what the text is like --------------------------------------------------------------------


def test_a_network_reads_like_one() -> None:
    c, args = tanh_network()
    text = c.to_source("python", *args)
    value = text.partition("def _value_0")[2].partition("def ")[0]

    assert value.splitlines()[4:9] == [
        "    # for each sample",
        "    v1 = theta[0:20].reshape(5, 4)[:, :3] @ x + theta[3:20:4][:, None]  # 5 rows",
        "    v2 = np.tanh(v1)  # 5 rows",
        "    v3 = theta[20:44].reshape(4, 6)[:, :5] @ v2 + theta[25:44:6][:, None]  # 4 rows",
        "    v4 = np.tanh(v3)  # 4 rows",
    ]
    assert "    gradient[0:20].reshape(5, 4)[...] = " in text


def test_labels_and_arguments_name_what_they_are() -> None:
    rate, lambda_ = Value(2.0, "decay rate"), Value(3.0, "lambda")
    c = sg.compile(lambda time: rate * sg.exp(-lambda_ * time), [rate, lambda_], "python")
    c.record(1.0)

    assert re.search(r"v\d = np.exp\(v\d\)\n    v\d = decay_rate \* v\d\n", c.to_source("python"))
    assert re.search(r"const double v\d = decay_rate \* v\d;", c.to_source("c"))
    assert "lambda_ = theta[1]  # lambda\n" in c.to_source("python")


def test_only_the_helpers_that_are_needed() -> None:
    c = sg.compile(lambda x: x * 2.0, backend="python")
    c.record(1.0)

    assert "static double sg_" not in c.to_source("c")
    assert re.findall(r"def (\w+)", c.to_source("python")) == [
        "_value_0", "_gradient_0", "_columns", "value", "value_and_grad"
    ]  # fmt: skip


@needs_compiler
def test_labels_and_names_may_be_any_text() -> None:
    texts = [
        *HOSTILE, "*/ int main(void) {", "/*", "??/", "\\", "exp", "v1", "INFINITY", "NAN", "theta",
        "int", "lambda", "np", "sample", "gradient", "x", "_", "é", "w" * 5000, "\ud800", '"""',
    ]  # fmt: skip
    params = [Value(1.0 + i, text) for i, text in enumerate(texts)]

    def f(x: Any, exp: Any, np: Any) -> Any:
        return sg.exp(-(sg.dot(params, [x * k for k in range(len(params))]) ** 2)) + exp * np

    sources, modules = [], []
    for text in texts:
        c = sg.compile(f, params, backend="python")
        c.__name__ = text
        sources.append(c.to_source("c", 0.001, 2.0, 3.0))
        modules.append(c.to_source("python"))
    args = [[0.001], [2.0], [3.0]]
    right = c.value_and_grad(*args)

    for text in ("*/ int main(void) {", "exp", "\ud800"):
        source = sources[texts.index(text)]
        *_, value, gradient = CLibrary([source], "-O0").run(source, c.theta, args)
        assert value == right[0]
        assert np.array_equal(gradient, right[1])
    for _, (value, gradient) in run_numpy([(module, args) for module in modules]):
        assert value == pytest.approx(right[0], rel=1e-14)
        assert gradient == pytest.approx(np.asarray(right[1]), rel=1e-13)


# --- the memory of C --------------------------------------------------------------------------


def main_of(source: str, theta: Array, samples: Array) -> str:
    """A program that calls all four functions on exact blocks of memory, and prints the numbers."""
    prefix, inputs, parameters, results = facts(source)
    n = len(samples)
    slopes = parameters or n * inputs

    def block(name: str, numbers: Array) -> str:
        listed = "".join(f"{name}[{i}] = {x!r};\n" for i, x in enumerate(map(float, numbers)))
        return f"double *{name} = malloc({len(numbers)} * sizeof *{name});\n{listed}"

    one = parameters or inputs
    return f"""{source}
#include <stdio.h>
#include <stdlib.h>
int main(void)
{{
    {block("theta", theta)}{block("samples", samples.ravel())}
    double *values = malloc({n * results} * sizeof *values), value;
    double *gradient = malloc({slopes} * sizeof *gradient);
    double *single = malloc({one} * sizeof *single), *first = malloc({results} * sizeof *first);
    int i, status = {prefix}_batch_value(theta, {n}, samples, values);
    status += {prefix}_batch_value_and_grad(theta, {n}, samples, &value, gradient);
    for (i = 0; i < {n * results}; i++) printf("%a ", values[i]);
    printf("%a ", value);
    for (i = 0; i < {slopes}; i++) printf("%a ", gradient[i]);
    status += {prefix}_value(theta, samples, first);
    status += {prefix}_value_and_grad(theta, samples, &value, single);
    printf("%a %a %d", first[0], value, status);
    free(theta), free(samples), free(values), free(gradient), free(single), free(first);
    return 0;
}}
"""


@pytest.mark.parametrize("make", [branches, by_arguments, dead_paths, once_and_after])
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc with its sanitizers")
def test_c_stays_within_the_memory_it_is_given(make: Callable[[], Case], tmp_path: Path) -> None:
    c, args = make()
    source = c.to_source("c", *args)
    samples = np.hstack([np.reshape(x, (len(x), -1)) for x in args])
    path = tmp_path / "main.c"
    path.write_text(main_of(source, np.append(c.theta, 0.0), samples), "ascii")
    checks = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    build = [
        "gcc",
        "-std=c99",
        "-O1",
        "-g",
        *checks,
        str(path),
        "-o",
        str(tmp_path / "main"),
        "-lm",
    ]

    built = subprocess.run(build, capture_output=True, text=True)
    if "cannot find" in built.stderr:
        pytest.skip("gcc has no sanitizers here")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr[:3000]
    *numbers, first, single, status = ran.stdout.split()
    value, gradient = c.value_and_grad(*args)
    right = [*np.ravel(c(*args)), value, *np.ravel(flat_gradient(c, gradient))]
    assert status == "0"
    assert [float.fromhex(x) for x in numbers] == right
    assert float.fromhex(first) == float.fromhex(single) == right[0]


def test_the_compiler_is_strict() -> None:
    """A warning is an error: otherwise the tests above would say nothing about warnings."""
    if COMPILER is None:
        pytest.skip("needs a C compiler")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "narrow.c")
        path.write_text("int f(double x);\nint f(double x) { return x; }\n", "ascii")
        built = subprocess.run([COMPILER, *STRICT, "-c", str(path), "-o", f"{folder}/o"],
                               capture_output=True)  # fmt: skip
    assert built.returncode


@needs_compiler
def test_a_layer_is_a_few_lines_of_c() -> None:
    random.seed(5)
    args = (RNG.normal(size=(5, 3)),)
    lengths = set()
    for hidden in ([8, 7], [20, 30]):
        model = nn.MLP(3, [*hidden, 2], activation="tanh")
        c = sg.compile(lambda x, model=model: sg.sum(model(x)), model.parameters(), "python")  # type: ignore[misc]
        source = c.to_source("c", *args)
        lengths.add(len(re.sub(r"theta\[.*\] = \{[^}]*\}", "", source).splitlines()))

    status, values, second, value, gradient = CLibrary([source]).run(source, c.theta, args)

    assert len(lengths) == 1
    assert "        for (j = 0; j < 20; j++) total += theta[80 + 21 * i + j] * v" in source
    assert status == second == 0
    assert np.array_equal(values[:, 0], c(*args))
    assert value == c.value_and_grad(*args)[0]
    assert np.array_equal(gradient, c.value_and_grad(*args)[1])


@needs_compiler
def test_a_long_program_is_divided_into_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalargrad.replay.export.c_source._LONGEST", 20)
    w = [Value(choose, f"w{i}" * (i % 2)) for i, choose in enumerate(RNG.normal(size=8).tolist())]

    def f(x: Any, y: Any) -> Any:
        chance = random.Random(7)
        numbers = [sg.exp(-p * q) for p, q in pairwise(w)]
        for _ in range(30):
            numbers.append(sg.sin(numbers[-1] + numbers[-3]))
        for _ in range(40):
            a, b, p = numbers[-1], chance.choice(numbers[-10:]), chance.choice(w)
            numbers.append(chance.choice([sg.sin(a + x), a * p, sg.tanh(a - b * y), a + b * p]))
        return numbers[-1] if numbers[-2] > numbers[-3] else numbers[-4] * w[0]

    c = sg.compile(f, w, "python")
    args = (RNG.normal(size=8), RNG.normal(size=8))
    source = c.to_source("c", *args)

    status, values, second, value, gradient = CLibrary([source], "-O0").run(source, c.theta, args)

    for part in ("before1", "values1", "after0"):
        assert re.search(rf"static void gradient\d?_{part}\(", source), part
    assert status == second == 0
    assert np.array_equal(values[:, 0], c(*args))
    assert value == c.value_and_grad(*args)[0]
    assert np.array_equal(gradient, c.value_and_grad(*args)[1])
