"""Tests of paths: each of them, their number, the largest, and what they add up to."""

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lectures import lecture
from strategies import Program, chain, programs

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.node import nary
from scalargrad.core.paths import Path, count_paths, largest_paths, paths
from scalargrad.core.rows import TABLE
from scalargrad.examples.lecture2 import seven_node

SEVEN = lecture("S4.seven_paths")
COUNTS = lecture("S4.path_counts")


def near(case: dict[str, Any], value: Any) -> Any:
    return pytest.approx(value, rel=case["rtol"], abs=case["atol"])


def layered(width: int, depth: int) -> tuple[Value, Value]:
    """One source, `depth` hidden layers of `width` nodes, each connected to all, and one sink."""
    w = Value(0.5, "w")
    layer = [w]
    for _ in range(depth):
        layer = [sg.tanh(sg.sum(layer)) for _ in range(width)]
    return sg.sum(layer), w


def doubled(times: int) -> tuple[Value, Value]:
    x = w = Value(1.0, "w")
    for _ in range(times):
        x = x + x
    return x, w


def products(found: list[Path]) -> list[float]:
    return [path.product for path in found]


# --- the lectures' numbers -----------------------------------------------------------------------


@pytest.mark.parametrize("source", SEVEN["expected"]["from_node"])
def test_every_path_of_the_seven_nodes(source: str) -> None:
    expected = SEVEN["expected"]["from_node"][source]
    net = seven_node.build((SEVEN["inputs"]["x1"], SEVEN["inputs"]["x2"]), SEVEN["inputs"]["w"])
    numbers = {net.a[i]: i for i in net.a} | {net.z[7]: 7}

    found = paths(net.z[7], net.a[int(source)])

    assert count_paths(net.z[7], net.a[int(source)]) == expected["count"] == len(found)
    by_nodes = {tuple(numbers[v] for v in path if v in numbers): path.product for path in found}
    assert by_nodes == {
        tuple(each["path"]): near(SEVEN, each["product"]) for each in expected["paths"]
    }
    assert sum(products(found)) == near(SEVEN, expected["sum_dz7_da"])


def test_the_number_of_paths_from_each_weight() -> None:
    net = seven_node.build()
    counts = {name: count_paths(net.z[7], w) for name, w in net.w.items()}

    assert counts == SEVEN["expected"]["paths_from_weight_to_z7"]
    assert sum(counts.values()) == SEVEN["expected"]["total_weight_paths"]


@pytest.mark.parametrize("size", COUNTS["expected"]["counts"])
def test_the_number_of_paths_is_exponential_in_depth(size: str) -> None:
    expected = COUNTS["expected"]["counts"][size]
    width, depth = (int(part.partition("=")[2]) for part in size.split(","))

    z, w = layered(width, depth)

    assert count_paths(z, w) == expected["paths_single_parameter"] == width**depth
    edges = sum(len(node.parents) for node in sg.topological_order(z) if node.op != "tanh")
    assert edges == expected["edges_a_to_z"]


def test_the_layered_network() -> None:
    inputs, expected = (COUNTS[key]["numeric_example"] for key in ("inputs", "expected"))
    x = Value(inputs["x"], "x")
    layer = [x]
    *hidden, last = inputs["W[l][i][j]"]
    for matrix in hidden:
        layer = [sg.tanh(sg.dot(column, layer)) for column in zip(*matrix, strict=True)]
    z = sg.dot([row[0] for row in last], layer)

    found = paths(z, x)

    assert z.data == near(COUNTS, expected["z"])
    assert count_paths(z, x) == expected["paths"] == len(found)
    assert sum(products(found)) == near(COUNTS, expected["dz_dx_by_paths"])


# --- counting ------------------------------------------------------------------------------------


def test_counts() -> None:
    x, y = Value(2.0), Value(3.0)

    assert count_paths(x, x) == 1
    assert count_paths(x, y) == 0
    assert count_paths(x * x, x) == 2
    assert count_paths(x * x * x, x) == 3
    assert count_paths(sg.sum([x, y, x, x]), x) == 3
    inner = x * y
    assert count_paths(inner * inner + x, inner) == 2
    assert count_paths(x, x * y) == 0  # the other way round


def test_counts_of_any_size_are_exact() -> None:
    z, w = doubled(5_000)

    assert count_paths(z, w) == 2**5_000
    assert count_paths(z + w, w) == 2**5_000 + 1


def test_what_is_no_value() -> None:
    x = Value(1.0)
    for function in (count_paths, paths, lambda x, w: largest_paths(x, w, 1)):
        with pytest.raises(TypeError, match="takes two Values, got float"):
            function(x, 2.0)
        with pytest.raises(TypeError, match="takes two Values, got str"):
            function("x", x)


# --- listing -------------------------------------------------------------------------------------


def test_a_path() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    z = w * x
    a = sg.tanh(z)

    (path,) = paths(a, w)

    assert [*path] == [w, z, a]
    assert len(path) == 3
    assert path.nodes == (w, z, a)
    assert path.partials == (2.0, a.partials[0])
    assert path.product == 2.0 * a.partials[0]
    assert repr(path) == "<Path w → * → tanh: 4.915e-05>"
    assert path == paths(a, w)[0]
    assert path != largest_paths(a, z, 1)[0]


def test_the_path_from_a_value_to_itself() -> None:
    x = Value(2.0, "x")

    assert paths(x, x) == [Path((x,), (), 1.0)] == largest_paths(x, x, 5)


def test_no_path() -> None:
    assert paths(Value(1.0), Value(2.0)) == [] == largest_paths(Value(1.0), Value(2.0), 3)


def test_paths_come_in_the_order_of_the_graph() -> None:
    net = seven_node.build()
    ways = [[node.label for node in path if node.label] for path in paths(net.E, net.w["13"])]

    assert ways == [
        ["w13", "z3", "a3", "z5", "a5", "z7", "E"],
        ["w13", "z3", "a3", "z6", "a6", "z7", "E"],
    ]


def test_too_many_paths() -> None:
    z, w = layered(10, 4)
    with pytest.raises(
        ValueError, match=r"there are 10,000 paths, more than the limit of 9,999: .* raise limit"
    ):
        paths(z, w, limit=9_999)
    assert len(paths(z, w)) == 10_000

    z, w = doubled(20_000)  # 6,021 digits: more than Python writes
    with pytest.raises(ValueError, match=r"there are about 4\.0e\+6020 paths, more than the limit"):
        paths(z, w)
    z, w = doubled(60)
    with pytest.raises(ValueError, match=r"there are about 1\.2e\+18 paths"):
        paths(z, w)
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        paths(z, w, limit=0)


def test_a_long_path_is_shortened_in_its_repr() -> None:
    w = Value(1.0, "w\n")

    assert repr(paths(chain(50, w), w)[0]) == (
        "<Path w → neg → neg → neg → neg → neg → … → neg → neg → neg → neg → neg: 1>"
    )


def test_a_zero_on_the_way_makes_the_path_zero() -> None:
    x = Value(0.0, "x")
    root = sg.sqrt(x)  # slope inf

    assert products(paths(root * 0.0, x)) == [0.0]
    assert products(paths(root * 2.0, x)) == [math.inf]
    small = Value(1.0, "s")
    shrunk = sg.sqrt(small * 1e-200 * 0.0) * 1e-200 * 1e-200
    assert products(paths(shrunk, small)) == [0.0]


# --- they add up ---------------------------------------------------------------------------------


@given(programs())
def test_paths_add_up_to_the_gradient(program: Program) -> None:
    inputs = [Value(x, f"x{i}") for i, x in enumerate(program.point)]
    out = program(*inputs)
    assume(isinstance(out, Value))
    out.backward()

    for w in inputs:
        if w is out:
            continue
        assume(count_paths(out, w) <= 3_000)
        found = paths(out, w)
        assert len(found) == count_paths(out, w)
        assert len({(path.nodes, i) for i, path in enumerate(found)}) == len(found)
        sizes = sum(map(abs, products(found)))
        assert sum(products(found)) == pytest.approx(w.grad, rel=1e-9, abs=1e-9 * sizes)
        for path in found:
            assert (path.nodes[0], path.nodes[-1]) == (w, out)
            for parent, node in zip(path.nodes, path.nodes[1:], strict=False):
                assert parent in node.parents


# --- the largest ---------------------------------------------------------------------------------

slopes = st.sampled_from([0.0, -0.0, 0.5, -2.0, 3.0, 1e-200, 1e200, math.inf, -math.inf, math.nan])


@st.composite
def networks(draw: Any) -> tuple[Value, Value]:
    """A graph whose local derivatives are any numbers."""
    w = Value(1.0, "w")
    nodes = [w]
    for _ in range(draw(st.integers(1, 6))):
        parents = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3))
        partials = tuple(draw(slopes) for _ in parents)
        nodes.append(nary(TABLE["sum"], 0.0, tuple(parents), partials))
    return nodes[-1], w


def size(product: float) -> float:
    return math.inf if math.isnan(product) else abs(product)


def log_size(path: Path) -> float:
    """What is compared: products of floats may be out of their range."""
    if 0.0 in path.partials:
        return -math.inf
    return sum(math.log(size(partial)) for partial in path.partials)


@given(networks(), st.integers(1, 12))
def test_the_largest_are_those_of_all(network: tuple[Value, Value], k: int) -> None:
    x, w = network
    everything = paths(x, w)

    found = largest_paths(x, w, k)

    assert len(found) == min(k, len(everything))
    expected = sorted(map(log_size, everything), reverse=True)[:k]
    assert sorted(map(log_size, found), reverse=True) == pytest.approx(expected)
    assert [*map(size, products(found))] == sorted(map(size, products(found)), reverse=True)
    positions = [edges_of(path) for path in everything]
    assert all(edges_of(path) in positions for path in found)


def edges_of(path: Path) -> tuple[Any, ...]:
    return path.nodes, tuple(map(str, path.partials))


@given(programs(most=14), st.integers(1, 30))
def test_the_largest_of_programs(program: Program, k: int) -> None:
    inputs = [Value(x) for x in program.point]
    out = program(*inputs)
    assume(isinstance(out, Value) and 0 < count_paths(out, inputs[0]) <= 3_000)
    sizes = sorted((abs(path.product) for path in paths(out, inputs[0])), reverse=True)

    found = largest_paths(out, inputs[0], k)

    assert [abs(path.product) for path in found] == pytest.approx(sizes[:k], rel=1e-9)


def test_the_largest_of_ever_so_many() -> None:
    x = w = Value(1.0, "w")
    for i in range(300):
        x = x * (0.5 if i % 2 else 2.0) + x * 0.25  # best is to take the first way every time

    found = largest_paths(x, w, 4)

    assert products(found)[0] == 1.0
    assert products(found)[1:] == [0.5] * 3  # and then one step of 0.5 replaced by 0.25
    assert len({path.nodes for path in found}) == 4


def test_products_out_of_the_range_of_floats_are_still_compared() -> None:
    w = Value(1.0, "w")
    better = worse = w
    for _ in range(20):
        better, worse = better * 1e-30, worse * 1e-40
    x = worse + better

    assert products(largest_paths(x, w, 2)) == [0.0, 0.0]
    assert better in largest_paths(x, w, 1)[0].nodes


@pytest.mark.parametrize("k", [0, -1])
def test_how_many_largest(k: int) -> None:
    x = Value(1.0)
    with pytest.raises(ValueError, match=f"limit must be at least 1, got {k}"):
        largest_paths(x, x, k)
    with pytest.raises(TypeError, match="limit must be a whole number, got float"):
        largest_paths(x, x, 1.5)  # type: ignore[arg-type]


# --- depth ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep() -> tuple[Value, Value]:
    x = w = Value(0.5, "w")
    for _ in range(100_000):
        x = sg.sin(x)
    return x, w


@pytest.mark.unmeasured
def test_a_deep_graph(deep: tuple[Value, Value]) -> None:
    x, w = deep

    assert count_paths(x, w) == 1
    (path,) = paths(x, w)
    assert len(path) == 100_001
    assert largest_paths(x, w, 3) == [path]


@pytest.mark.unmeasured
def test_a_deep_graph_of_many_paths() -> None:
    z, w = doubled(20_000)
    found = largest_paths(z, w, 3)

    assert products(found) == [1.0] * 3
    assert all(len(path) == 20_001 for path in found)
