"""Differences in place of derivatives: their errors in two precisions, and their cost."""

import random
from typing import Any

import pytest
from computed import computed
from lectures import lecture

import scalargrad as sg
from scalargrad import Value, losses, nn
from scalargrad.examples.lecture2 import numerical_differentiation as differences
from scalargrad.examples.lecture2 import seven_node

CASE = lecture("S4.numerical_differentiation")
EXPECTED = CASE["expected"]


def result() -> Any:
    return computed("numerical_differentiation")


def test_its_data_are_those_of_the_case() -> None:
    inputs = CASE["inputs"]

    assert inputs["w"] == seven_node.WEIGHTS
    assert (inputs["x1"], inputs["x2"]) == seven_node.INPUTS
    assert [float(eps) for eps in inputs["eps"]] == list(result().epsilons)


def test_the_exact_gradient() -> None:
    assert result().exact.keys() == EXPECTED["exact_gradient"].keys()
    for name, want in EXPECTED["exact_gradient"].items():
        assert abs(result().exact[name] - want) <= 1e-15
    net = seven_node.run()
    assert {name: w.grad for name, w in net.w.items()} == pytest.approx(result().exact, rel=1e-14)


def test_how_exact_differences_become() -> None:
    """S4.9: the case's assertions; its table itself depends on the rounding of tanh.

    So the table, with 1.9e-8 in float64 and 5.3e-4 in float32 as the best, is held by its size.
    """
    assert result().best("float64", "forward")[0] < 1e-7
    assert result().best("float64", "central")[0] < 1e-9
    assert 1e-6 < result().best("float32", "forward")[0] < 1e-2
    for (precision, method), errors in result().errors.items():
        best = EXPECTED["best"][precision][f"{method}_max_abs_err"]
        assert best[0] / 11 < result().best(precision, method)[0] < best[0] * 11
        rows = [row[f"{method}_max_abs_err"] for row in EXPECTED["table"][precision].values()]
        assert all(want / 11 < got < want * 11 for got, want in zip(errors, rows, strict=True))


@pytest.mark.parametrize("method", differences.METHODS)
def test_in_float32_a_tiny_step_is_no_step(method: str) -> None:
    """S4.9: for ε ≤ 1e-8 the gradient is exactly 0, so the error is the largest derivative."""
    largest = max(map(abs, EXPECTED["exact_gradient"].values()))
    for k, eps in enumerate(differences.EPSILONS):
        gradient = differences.gradient_in_float32(seven_node.WEIGHTS, method, eps)
        assert (set(gradient.values()) == {0.0}) == (eps <= 1e-8)
        if eps <= 1e-8:
            assert abs(result().errors["float32", method][k] - largest) < 1e-15


def test_large_steps_err_by_the_order_of_the_formula() -> None:
    """S4.8: the error of the forward formula shrinks with ε, that of the central one with ε²."""
    forward, central = (result().errors["float64", method] for method in differences.METHODS)
    for k in range(3):
        assert 9.0 < forward[k] / forward[k + 1] < 11.0
        assert 90.0 < central[k] / central[k + 1] < 110.0
    table = EXPECTED["table"]["float64"]
    for k, eps in enumerate(CASE["inputs"]["eps"][:4]):
        assert forward[k] == pytest.approx(table[eps]["forward_max_abs_err"], rel=1e-3)
        assert central[k] == pytest.approx(table[eps]["central_max_abs_err"], rel=1e-2)


def test_how_often_the_error_is_computed() -> None:
    """S4.9, S4.13: P + 1 and 2 P evaluations, against one pass for backpropagation."""
    evaluations = EXPECTED["evaluations"]

    assert len(result().exact) == evaluations["parameters"]
    assert result().evaluations == {
        "forward": evaluations["forward"], "central": evaluations["central"],
    }  # fmt: skip
    for p in (1, 5, 20):
        assert differences.cost(sg.sum, [0.5] * p, "forward") == p + 1
        assert differences.cost(sg.sum, [0.5] * p, "central") == 2 * p


def test_the_engine_computes_the_error_once() -> None:
    """S4.13: whatever the number of parameters, one evaluation gives the whole gradient."""
    calls = []

    def counted(w: dict[str, Value]) -> Value:
        calls.append(w)
        return differences.build(w)

    gradient = sg.grad(counted)(dict(seven_node.WEIGHTS))

    assert len(calls) == 1
    assert gradient == result().exact


def test_the_cost_of_a_gradient_grows_with_the_square() -> None:
    """S4.9: P = 10 ... 10^6, all differences computed where possible, extrapolated to 10^9."""
    recorded = differences.RECORDED

    assert [c.parameters for c in recorded] == [10**k for k in range(1, 7)] == [*differences.SHAPES]
    assert [nin * units for nin, units in differences.SHAPES.values()] == [*differences.SHAPES]
    assert [c.complete for c in recorded] == [True] * 3 + [False] * 3
    for c in recorded[3:]:
        assert c.differences == pytest.approx((c.parameters + 1) * c.value, rel=1e-2)
    for c in recorded[1:3]:  # computed in full: P + 1 values of E, and what the loop adds
        assert 1.0 < c.differences / ((c.parameters + 1) * c.value) < 1.1
    billion = differences.extrapolated(recorded)
    assert billion.parameters == 10**9
    assert billion.differences == pytest.approx(1e6 * recorded[-1].differences, rel=1e-5)
    assert billion.gradient == pytest.approx(1e3 * recorded[-1].gradient)
    text = differences.report(result())
    assert "this gradient would take 846 years" in text
    assert "10³ to 10⁹" in (differences.__doc__ or "")


def test_one_measurement_on_this_machine() -> None:
    """S4.9: the differences that are timed leave the weights as they were."""
    complete, single = differences.measured(10), differences.measured(100, complete=50)

    assert (complete.complete, single.complete) == (True, False)
    assert complete.differences > complete.value
    assert single.differences == 101 * single.value


def test_any_function_can_be_differentiated_by_its_values() -> None:
    """S4.9: also one that the engine could not follow, such as one with a loop of its own."""

    def root(x: Value) -> float:
        guess = 1.0
        for _ in range(60):
            guess = (guess + x.data / guess) / 2.0
        return guess

    assert sg.numerical_grad(root, 4.0) == pytest.approx(0.25, rel=1e-8)


def test_the_check_passes_what_is_right_and_tells_what_is_wrong() -> None:
    """S4.9: differences as the unit test of gradients."""
    sg.check_grads(differences.build, (dict(seven_node.WEIGHTS),))
    random.seed(3)
    model = nn.MLP(2, [3, 1], "tanh")
    sg.check_grads(lambda x, y: losses.squared_error(model([x, y]), 0.5), (0.3, -0.8))
    message = differences.mistake()

    assert "got" in message
    assert "expected" in message


def test_a_method_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="forward, central, got 'backward'"):
        differences.gradient_in_float32(seven_node.WEIGHTS, "backward")


def test_the_report_has_a_row_for_each_step() -> None:
    text = differences.report(result())

    assert len([line for line in text.splitlines() if line.startswith("  1e-")]) == 14
    assert "forward     9 times" in text
