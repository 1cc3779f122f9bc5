"""Paths and edges: the sum over all paths, its factored form, and what each of them costs."""

import math

import pytest
from lectures import close_to, lecture

import scalargrad as sg
from scalargrad import Value
from scalargrad.examples.lecture2 import path_counts, seven_node

CASE = lecture("S4.path_counts")
EXPECTED = CASE["expected"]
SEVEN = lecture("S4.seven_paths")
close = close_to(CASE)


def test_along_one_path_the_local_derivatives_are_multiplied() -> None:
    """S4.10: θ → a → b → z."""
    theta, z = path_counts.chain(0.7)
    z.backward()
    (path,) = sg.paths(z, theta)

    assert [node.label for node in path] == ["θ", "a", "b", "z"]
    assert path.partials == pytest.approx([2 * 0.7, math.cos(0.49), 3.0], rel=1e-15)
    assert close(theta.grad, 3.0 * math.cos(0.49) * 2 * 0.7)
    assert path.product == theta.grad


@pytest.mark.parametrize("name", EXPECTED["counts"])
def test_counts(name: str) -> None:
    """S4.11: n^L paths over 2n + n² (L - 1) edges, by formula and in the graph."""
    n, depth = (int(part.split("=")[1]) for part in name.split(","))
    expected = EXPECTED["counts"][name]
    counted = path_counts.counts(n, depth)
    x, z = path_counts.layered(n, depth)

    assert counted.paths == expected["paths_single_parameter"] == sg.count_paths(z, x)
    assert counted.edges == expected["edges_a_to_z"] == path_counts.edges_between(z, x)
    # the reference counts the factors of a path, L + 1; a path of L + 1 factors takes L products
    factors = expected["path_multiplications"]
    assert counted.path_multiplications == factors - counted.paths == counted.paths * depth


def test_multiplications_path_by_path() -> None:
    """S4.11: four factors take three multiplications; at n = 10 and L = 8 800,000,000."""
    x, z = path_counts.layered(2, 3)
    by_path = [len(path.partials) - 1 for path in sg.paths(z, x)]

    assert by_path == [3] * 8
    assert path_counts.counts(2, 3).path_multiplications == sum(by_path) == 24
    assert path_counts.counts(10, 8).path_multiplications == 800_000_000


def test_paths_that_are_too_many_are_counted_but_not_listed() -> None:
    x, z = path_counts.layered(10, 8)

    with pytest.raises(ValueError, match="100,000,000 paths, more than the limit"):
        sg.paths(z, x)


def test_the_small_network_by_paths_and_by_factoring() -> None:
    """S4.11, S4.12: both sums are the same number."""
    inputs, expected = CASE["inputs"]["numeric_example"], EXPECTED["numeric_example"]
    assert inputs["W[l][i][j]"] == path_counts.WEIGHTS
    assert inputs["x"] == path_counts.X
    result = path_counts.run()

    assert len(result.products) == expected["paths"]
    assert close(result.layers[-1][0].data, expected["z"])
    assert close(result.by_paths, expected["dz_dx_by_paths"])
    assert close(result.by_factoring, expected["dz_dx_by_factoring"])
    for number, want in zip((3, 2, 1, 0), expected["delta_dz_da_layers_3_to_0"], strict=True):
        assert close(result.deltas[number], want)
        assert close([unit.grad for unit in result.layers[number]], want)


def test_the_seven_nodes_path_by_path() -> None:
    """S4.11: every path from every node, with its product; their sum is ∂z7/∂a."""
    net = seven_node.run()
    fresh = seven_node.run()
    seven_close = close_to(SEVEN)
    for node, expected in SEVEN["expected"]["from_node"].items():
        found = path_counts.seven_paths(net, int(node))
        assert len(found) == expected["count"]
        for path in expected["paths"]:
            assert seven_close(found[tuple(path["path"])], path["product"])
        total = math.fsum(found.values())
        assert seven_close(total, expected["sum_dz7_da"])
        # E = -z7 here, so that the engine's ∂E/∂a is this sum with its sign changed
        assert seven_close(-fresh.a[int(node)].grad, expected["sum_dz7_da"])
    from_weights = {name: sg.count_paths(net.z[7], w) for name, w in net.w.items()}

    assert from_weights == SEVEN["expected"]["paths_from_weight_to_z7"]
    assert sum(from_weights.values()) == SEVEN["expected"]["total_weight_paths"]
    assert len(seven_node.EDGES) == SEVEN["expected"]["edges"]


@pytest.mark.parametrize(("n", "depth"), [(2, 1), (3, 4), (3, 8), (4, 6)])
def test_the_way_back_comes_to_each_node_once(n: int, depth: int) -> None:
    """S1.11, S4.12: as many slopes are asked for as there are edges and units: linear cost."""
    weights = path_counts._weights(n, depth)
    edges, units = path_counts.multiplications(weights)

    assert edges == path_counts.counts(n, depth).edges
    assert units == n * depth


def test_a_node_that_is_used_many_times_is_still_asked_once() -> None:
    """S4.12: twenty doublings are a million paths and twenty questions."""
    asked = []

    def slopes(x: Value, y: Value, out: Value) -> tuple[float, float]:
        asked.append(out)
        return 1.0, 1.0

    plus = sg.primitive("counted_plus", lambda x, y: x + y, slopes)
    x = z = Value(1.0)
    for _ in range(20):
        z = plus(z, z)
    z.backward()

    assert x.grad == sg.count_paths(z, x) == 2**20
    assert len(asked) == 20


def test_the_outer_brace_is_delta_i() -> None:
    """S4.12: printed δ_j under both braces. With δ_j outside, the sum would be that of another."""
    net = seven_node.run()
    w, z, a = net.w, net.z, net.a
    inner = {j: net.delta(j) * (1 - a[j].data ** 2) for j in (5, 6)}
    outer = inner[5] * w["35"].data + inner[6] * w["36"].data

    assert close(outer, net.delta(3))  # i = 3, the node the edges start from
    assert not close(outer, net.delta(5))
    assert not close(outer, net.delta(6))
    assert close(z[3].grad, outer * (1 - a[3].data ** 2))


def test_a_network_without_units() -> None:
    with pytest.raises(ValueError, match="got n = 0, depth = 2"):
        path_counts.layered(0, 2)


def test_the_report_tells_both_sums() -> None:
    text = path_counts.report(path_counts.run())

    assert "sum over 27 paths    +0.145318554868846" in text
    assert "factored            +0.145318554868846" in text
    assert "100,000,000     720" in text
