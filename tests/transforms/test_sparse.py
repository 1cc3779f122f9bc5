"""Sparse Jacobians and Hessians beside the dense ones, their patterns, and large ones."""

import builtins
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ALL, SMOOTH, Program, programs

import scalargrad as sg
from scalargrad import Value

sparse = pytest.importorskip("scipy.sparse")


def chain(x: list[Any]) -> Any:
    """Rosenbrock's function, in which each unknown meets its neighbours."""
    terms = [100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(x)]
    return sum(terms)


def arrow(x: list[Any]) -> Any:
    """One unknown meets all others, of which none meets another."""
    return sum(sg.exp(x[0] * y) for y in x[1:])


def running(x: list[Any]) -> Any:
    """A sum that grows over all unknowns, times the last of them."""
    total = 0.0
    for y in x:
        total = total + y
    return total * x[-1]


def same(sparse_matrix: Any, dense: Any) -> None:
    assert isinstance(sparse_matrix, sparse.csr_array)
    np.testing.assert_allclose(sparse_matrix.toarray(), dense, rtol=1e-9, atol=1e-9)
    assert sparse_matrix.has_canonical_format


@given(programs([row for row in ALL if not row.kinks], most=8), st.randoms(use_true_random=False))
def test_as_the_dense_ones(program: Program, choice: random.Random) -> None:
    n = len(program.point)
    several = lambda x: [program(*x), program(*x[::-1]) if n > 1 else x[0], 2.0]
    try:
        dense = sg.jacobian(several)([*program.point])
        second = sg.hessian(lambda x: program(*x))([*program.point])
    except (ValueError, ArithmeticError):
        return
    if not np.isfinite(np.array(second)).all() or np.abs(np.array(second)).max() > 1e9:
        return

    same(sg.sparse_jacobian(several, [*program.point]), dense)
    H = sg.sparse_hessian(lambda x: program(*x), [*program.point])
    same(H, second)
    assert (H != H.T).nnz == 0


@given(st.data())
def test_sums_of_programs_of_some_of_many_unknowns(data: Any) -> None:
    n = data.draw(st.integers(2, 12))
    terms = []
    for _ in range(data.draw(st.integers(1, 8))):
        program = data.draw(programs(SMOOTH, most=4))
        places = [data.draw(st.integers(0, n - 1)) for _ in program.point]
        terms.append((program, places))
    point = [data.draw(st.floats(0.1, 0.9)) for _ in range(n)]
    every = lambda x: [program(*[x[i] for i in places]) for program, places in terms]
    try:
        dense = (
            np.array(sg.jacobian(every)(point)),
            np.array(sg.hessian(lambda x: sum(every(x)))(point)),
        )
    except (ValueError, ArithmeticError):
        return
    if not all(np.isfinite(m).all() and np.abs(m).max() < 1e6 for m in dense):
        return

    same(sg.sparse_jacobian(every, point), dense[0])
    same(sg.sparse_hessian(lambda x: sum(every(x)), point), dense[1])


@pytest.mark.parametrize(
    ("f", "nonzeros", "sweeps"),
    [(chain, 28, 3), (arrow, 28, 2), (running, 19, 1), (lambda x: sg.dot(x, x), 10, 1)],
)
def test_patterns_of_hessians(f: Callable[..., Any], nonzeros: int, sweeps: int) -> None:
    x = [0.1 * i for i in range(1, 11)]

    pattern = sg.sparsity(f, x, order=2)

    assert (pattern.nnz, pattern.sweeps, pattern.shape) == (nonzeros, sweeps, (10, 10))
    same(pattern.matrix, sg.hessian(f)(x))


def test_products_have_no_diagonal_and_linear_functions_nothing() -> None:
    H = sg.sparse_hessian(lambda x: x[0] * x[1] + 3.0 * x[2] - x[3] / 2.0, [1.0] * 4)

    assert [*zip(*(a.tolist() for a in H.tocoo().coords), strict=True)] == [(0, 1), (1, 0)]
    assert sg.sparse_hessian(lambda x: 1.0, [1.0, 2.0]).nnz == 0
    assert sg.sparse_jacobian(lambda x: [1.0, x[1]], [1.0, 2.0]).toarray().tolist() == [
        [0.0, 0.0],
        [0.0, 1.0],
    ]


def test_zeros_of_the_graph_are_stored_and_branches_not_taken_are_not() -> None:
    J = sg.sparse_jacobian(lambda x: [x[0] * x[1], sg.maximum(x[0], x[1])], [0.0, 2.0])

    assert J.nnz == 3
    assert J.toarray().tolist() == [[2.0, 0.0], [0.0, 1.0]]


def test_full_rows_and_columns_get_sweeps_of_their_own() -> None:
    n = 200

    def f(x: list[Any]) -> list[Any]:
        return [*[x[0] * y for y in x], sg.sum([y * y for y in x])]

    pattern = sg.sparsity(f, [1.0 + i for i in range(n)])

    assert pattern.shape == (n + 1, n)
    assert pattern.sweeps <= 4
    same(pattern.matrix, sg.jacobian(f)([1.0 + i for i in range(n)]))


def test_a_pattern_is_used_again_and_found_anew_where_the_function_branches() -> None:
    def f(x: list[Any]) -> Any:
        return x[0] * x[1] if x[0] > 0.0 else x[1] ** 2 * x[2]

    pattern = sg.sparsity(f, [1.0, 2.0, 3.0], order=2)

    for x in ([1.0, 2.0, 3.0], [5.0, -1.0, 0.0], [-1.0, 2.0, 3.0], [0.5, 0.5, 0.5]):
        same(pattern(x), sg.hessian(f)(x))
    again = pattern([1.0, 2.0, 3.0])
    again.data[:] = 0.0
    again.indices[:] = 0  # the caller's own
    same(pattern([1.0, 2.0, 3.0]), sg.hessian(f)([1.0, 2.0, 3.0]))
    smooth = sg.sparsity(chain, [0.5] * 6, order=2)
    same(smooth([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), sg.hessian(chain)([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))


def test_powers_with_other_partials_at_another_point() -> None:
    power = Value(3.0)
    f = lambda x: x[0] ** power + x[1]
    pattern = sg.sparsity(f, [2.0, 1.0], order=2)
    power.data = 1.0

    same(pattern([2.0, 1.0]), [[0.0, 0.0], [0.0, 0.0]])


def test_operations_of_users_and_of_many_operands() -> None:
    ratio = sg.primitive("ratio", lambda x, y: x / y, lambda x, y, out: (1.0 / y, -x / y**2))
    try:
        x = [0.5 + 0.1 * i for i in range(12)]
        for f in (
            lambda x: sum(ratio(a, b) for a, b in pairwise(x)),
            lambda x: sg.logsumexp(x[:10]) + sg.prod(x[3:]),
            lambda x: sg.dot(x[:6], x[6:]) + sg.dot(x[:5], [1.0, 2.0, 3.0, 4.0, 5.0], x[11]),
        ):
            same(sg.sparse_hessian(f, x), sg.hessian(f)(x))
        assert sg.sparse_hessian(lambda x: sg.dot(x[:6], x[6:]), x).nnz == 12
    finally:
        sg.core.rows.CUSTOM.pop("ratio")


def test_nestings_and_keywords() -> None:
    f = lambda p, k=1.0: k * p["a"][0] * p["b"] ** 2
    point = {"a": [2.0], "kind": "ratio", "b": 3.0}

    assert sg.sparse_hessian(f, point, k=2.0).toarray().tolist() == [[0.0, 12.0], [12.0, 8.0]]
    assert sg.sparse_jacobian(f, point).toarray().tolist() == [[9.0, 12.0]]


@pytest.mark.parametrize("f", [chain, arrow, running])
def test_thousands_of_unknowns(f: Callable[..., Any]) -> None:
    n = 3_000
    x = [0.3 + 1e-4 * i for i in range(n)]
    direction = [1.0 + i % 3 for i in range(n)]

    pattern = sg.sparsity(f, x, order=2)

    assert pattern.nnz < 4 * n
    product = sg.hvp(f, (x,), (direction,))
    np.testing.assert_allclose(pattern.matrix @ np.array(direction), product, rtol=1e-9, atol=1e-9)


def test_values_of_the_user_count_as_numbers_and_transforms_are_refused() -> None:
    w = Value(3.0)

    assert sg.sparse_jacobian(lambda x: [w * x[0]], [2.0]).toarray().tolist() == [[3.0]]
    for call in (
        lambda: sg.sparse_jacobian(lambda x: x, [Value(1.0)]),
        lambda: sg.grad(lambda w: sg.sparse_jacobian(lambda x: [w * x[0]], [2.0])[0, 0])(1.0),
        lambda: sg.compile(lambda w: sg.sparse_hessian(lambda x: x[0] ** 2, [2.0])[0, 0] * w)(1.0),
    ):
        with pytest.raises(TypeError, match=r"plain numbers.*sg\.hessian"):
            call()


def test_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match="one number, <lambda> returned list"):
        sg.sparse_hessian(lambda x: x, [1.0])
    with pytest.raises(ValueError, match="at most 2, got 3"):
        sg.sparsity(lambda x: x, [1.0], order=3)
    imported = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"extra `solve`.*'scalargrad-engine\[solve\]'"):
        sg.sparse_jacobian(lambda x: x, [1.0])


def test_pictures() -> None:
    pattern = sg.sparsity(chain, [0.5] * 3, order=2)
    forms = pattern._repr_mimebundle_()

    assert repr(pattern).splitlines() == [
        "Hessian of chain: 3 x 3, 7 nonzeros (77.8 %), 3 sweeps", "x x .", "x x x", ". x x",
    ]  # fmt: skip
    assert forms["text/plain"] == repr(pattern)
    assert forms["image/svg+xml"].startswith("<svg ")
    assert 'aria-label="Hessian of chain: 3 x 3' in forms["image/svg+xml"]
    assert forms["image/svg+xml"].count("h1v1h-1z") == 7
    large = sg.sparsity(chain, [0.5] * 500, order=2)
    assert max(map(len, repr(large).splitlines())) < 80
    assert len(repr(large).splitlines()) < 30
    assert len(large._repr_mimebundle_()["image/svg+xml"]) < 20_000
    assert "0 nonzeros" in repr(sg.sparsity(lambda x: [], [1.0]))
